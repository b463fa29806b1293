/* How far a check of a remote got: what is read is what was written, or nothing. */
#include "remote/sync/progress.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char dir[64], file[160];

static void make_names(void)
{
	uint8_t md5[HASH_MD5_N];
	char hex[33];

	if (dir[0])
		return;
	snprintf(dir, sizeof(dir), "/tmp/fuzz-progress-%ld", (long)getpid());
	hash_md5("u", 1, md5);
	snprintf(file, sizeof(file), "%s/remotes/%s.fsck", dir,
		 hex_encode(md5, sizeof(md5), hex));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct listed l = {.oid = {.algo = OID_MD5}, .bytes = 1};
	struct progress p;
	struct err e = {0};
	struct buf text = {0};
	uint8_t head[16] = "LODEFSK1";
	int64_t now;

	make_names();
	/* The first byte chooses whether the head is put right. */
	now = clock_wall_ns() - 1;
	for (int i = 0; i < 8; i++)
		head[8 + i] = (uint8_t)((uint64_t)now >> (8 * i));
	if (n > 0 && data[0] & 1)
		buf_add(&text, head, sizeof(head));
	buf_add(&text, data + (n > 0), n > 0 ? n - 1 : 0);
	progress_open(&p, dir, "u", true); /* makes the directory */
	progress_release(&p);
	if (fs_write(AT_FDCWD, file, buf_slice(&text), 0600, FS_SYNC_NONE, &e) < 0)
		abort();
	progress_open(&p, dir, "u", n > 0 && data[0] & 2);
	progress_note(&p, &l, PROGRESS_GOOD);
	progress_release(&p);
	progress_open(&p, dir, "u", true);
	if (progress_of(&p, &l) != PROGRESS_GOOD)
		abort(); /* what was there before must not hide what is new */
	progress_done(&p);
	progress_release(&p);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, dir, NULL) < 0);
	buf_release(&text);
	return 0;
}
