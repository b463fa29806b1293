#include "remote/sync/progress.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/*
 * magic[8], begin[8], then records of 40 bytes: digest[16], algo, is_dir, verdict,
 * 0, size[8], modified[8], and the first four bytes of the MD5 of these 36. Numbers
 * are little endian. A record that a kill cut short ends the file.
 */
#define MAGIC	 "LODEFSK1"
#define HEAD_N	 16
#define RECORD_N 40
#define BODY_N	 36
#define KEY_N	 34 /* of a record's body without its verdict: what is looked up */
#define LIMIT	 ((size_t)1 << 30)

/* Records are written so many at a time: a kill costs reading these again. */
#define BATCH (16 * RECORD_N)

static void put_le64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void encode(const struct listed *l, enum progress_verdict verdict,
		   uint8_t out[RECORD_N])
{
	uint8_t sum[HASH_MD5_N];

	memcpy(out, l->oid.b, 16);
	out[16] = l->oid.algo;
	out[17] = l->oid.is_dir;
	out[18] = (uint8_t)verdict;
	out[19] = 0;
	put_le64(out + 20, l->bytes);
	put_le64(out + 28, (uint64_t)l->modified_ns);
	hash_md5(out, BODY_N, sum);
	memcpy(out + BODY_N, sum, RECORD_N - BODY_N);
}

static struct slice key_of(const uint8_t record[RECORD_N], uint8_t out[KEY_N])
{
	memcpy(out, record, 18);
	memcpy(out + 18, record + 20, KEY_N - 18);
	return (struct slice){(const char *)out, KEY_N};
}

/* Returns how many bytes of it are good; 0: nothing is. */
static size_t parse(struct progress *p, struct slice text, bool is_repair)
{
	const uint8_t *b = (const uint8_t *)text.p;
	int64_t now = clock_wall_ns(), begun;
	size_t at = HEAD_N;

	if (text.n < HEAD_N || memcmp(b, MAGIC, 8) != 0)
		return 0;
	begun = (int64_t)get_le64(b + 8);
	if (begun > now || now - begun > PROGRESS_FRESH_NS)
		return 0;
	for (; at + RECORD_N <= text.n; at += RECORD_N) {
		uint8_t sum[HASH_MD5_N], key[KEY_N];

		hash_md5(b + at, BODY_N, sum);
		if (memcmp(sum, b + at + BODY_N, RECORD_N - BODY_N) != 0)
			break;
		if (b[at + 18] == PROGRESS_ENDED && !is_repair) {
			map_release(&p->at);
			p->resumed = 0;
			return 0;
		}
		if (b[at + 18] == PROGRESS_ENDED)
			continue;
		(void)map_set(&p->at, key_of(b + at, key), b[at + 18]);
		p->resumed++;
	}
	return at;
}

static int begin(struct progress *p, size_t keep, struct err *e)
{
	uint8_t head[HEAD_N];
	struct slice dir = path_dir(p->path);
	char *dir0 = xmemdup0(dir.p, dir.n);
	int r = fs_mkdirs(AT_FDCWD, dir0, 0, e);

	free(dir0);
	if (r < 0)
		return r;
	p->fd = sys_openat(AT_FDCWD, p->path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (p->fd < 0)
		return err_sys(e, "open", p->path);
	/* What a kill cut short goes, and so does what is not believed. */
	if (sys_ftruncate(p->fd, (int64_t)keep) < 0)
		return err_sys(e, "truncate", p->path);
	if (keep > 0)
		return 0;
	memcpy(head, MAGIC, 8);
	put_le64(head + 8, (uint64_t)clock_wall_ns());
	return sys_write(p->fd, head, sizeof(head)) < 0 ? err_sys(e, "write", p->path)
							: 0;
}

void progress_open(struct progress *p, const char *state_dir, const char *url,
		   bool is_repair)
{
	struct buf text = {0};
	struct err e = {0};
	uint8_t digest[HASH_MD5_N];
	char hex[33];
	size_t keep = 0;

	hash_md5(url, strlen(url), digest);
	*p = (struct progress){.fd = -1};
	p->path = xasprintf("%s/remotes/%s.fsck", state_dir,
			    hex_encode(digest, sizeof(digest), hex));
	if (fs_read(AT_FDCWD, p->path, LIMIT, &text, NULL) == 0)
		keep = parse(p, buf_slice(&text), is_repair);
	buf_release(&text);
	if (begin(p, keep, &e) < 0) {
		log_debug("sync", "progress is not kept: %s", e.text);
		if (p->fd >= 0)
			sys_close(p->fd);
		p->fd = -1;
	}
}

enum progress_verdict progress_of(const struct progress *p, const struct listed *l)
{
	uint8_t record[RECORD_N], key[KEY_N];
	size_t verdict;

	if (p->at.nr == 0)
		return PROGRESS_NONE;
	encode(l, PROGRESS_NONE, record);
	verdict = map_get(&p->at, key_of(record, key));
	return verdict == PROGRESS_GOOD || verdict == PROGRESS_WRONG
		       ? (enum progress_verdict)verdict
		       : PROGRESS_NONE;
}

void progress_flush(struct progress *p)
{
	if (p->fd < 0 || p->pending.n == 0)
		return;
	if (sys_write(p->fd, p->pending.p, p->pending.n) < 0) {
		log_debug("sync", "progress is kept no more: writing '%s' failed",
			  p->path);
		sys_close(p->fd);
		p->fd = -1;
	}
	buf_reset(&p->pending);
}

void progress_note(struct progress *p, const struct listed *l,
		   enum progress_verdict verdict)
{
	uint8_t record[RECORD_N];

	if (p->fd < 0)
		return;
	encode(l, verdict, record);
	buf_add(&p->pending, record, sizeof(record));
	if (p->pending.n >= BATCH)
		progress_flush(p);
}

void progress_ended(struct progress *p)
{
	const struct listed none = {0};

	progress_note(p, &none, PROGRESS_ENDED);
	progress_flush(p);
}

void progress_done(struct progress *p)
{
	if (p->fd >= 0)
		sys_close(p->fd);
	p->fd = -1;
	buf_reset(&p->pending);
	if (p->path)
		IGNORE_RESULT(sys_unlinkat(AT_FDCWD, p->path, 0));
}

void progress_release(struct progress *p)
{
	progress_flush(p);
	if (p->fd >= 0 && p->path)
		sys_close(p->fd);
	free(p->path);
	map_release(&p->at);
	buf_release(&p->pending);
	*p = (struct progress){.fd = -1};
}
