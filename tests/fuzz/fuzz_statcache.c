/*
 * A record of the stat cache: the bytes as they are, and once more with the sums put
 * right, so that what the sums guard is reached too.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/compiler.h"
#include "store/base/fs.h"
#include "store/base/sum.h"
#include "store/index/statcache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char dir[] = "/tmp/lode-fuzz-XXXXXX";

static void gone(void)
{
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, dir, NULL) < 0);
}

static int state_dir(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	if (!mkdtemp(dir) || (fd = open(dir, O_RDONLY | O_DIRECTORY)) < 0 ||
	    mkdirat(fd, "index", 0777) < 0)
		abort();
	(void)atexit(gone); /* else it stays in /tmp */
	return fd;
}

/* Everything a reader of a record looks at. */
static void walk(const struct statcache *sc)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < sc->head->dirs_nr; i++)
		bytes += strlen(sc->names + sc->dirs[i].name_at) + sc->dirs[i].subs_nr;
	for (uint32_t i = 0; i < sc->head->files_nr; i++) {
		struct index_file f = statcache_file_at(sc, i);

		bytes += strlen(f.path) + f.path_n;
	}
	if (bytes == SIZE_MAX)
		abort();
}

static void load(const void *p, size_t n)
{
	struct slice text = {p, n};
	struct statcache sc;
	char name[STATCACHE_NAME_MAX];

	statcache_name("data", OID_MD5, name);
	if (fs_write(state_dir(), name, text, 0666, FS_SYNC_NONE, NULL) < 0)
		abort();
	statcache_load(state_dir(), "data", OID_MD5, &sc);
	if (sc.head)
		walk(&sc);
	statcache_release(&sc);
}

static void repair(struct statcache_head *h, size_t n)
{
	const size_t summed = offsetof(struct statcache_head, body_sum);
	const char *p = (const char *)h;
	uint64_t dirs_n = (uint64_t)h->dirs_nr * sizeof(struct statcache_dir);
	uint64_t files_n = (uint64_t)h->files_nr * sizeof(struct statcache_file);

	h->total_n = n;
	if (h->head_n > n || h->head_n < summed || h->names_n > n ||
	    h->head_n + dirs_n + files_n + h->names_n != n)
		return;
	h->body_sum = sum64_more(0, p + h->head_n, dirs_n);
	h->body_sum = sum64_more(h->body_sum, p + h->head_n + dirs_n, files_n);
	h->body_sum =
		sum64_more(h->body_sum, p + h->head_n + dirs_n + files_n, h->names_n);
	h->head_sum = sum64(p + summed, h->head_n - summed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct statcache_head *copy;

	load(data, n);
	if (n < sizeof(*copy))
		return 0;
	copy = malloc(n);
	if (!copy)
		abort();
	memcpy(copy, data, n);
	repair(copy, n);
	load(copy, n);
	free(copy);
	return 0;
}
