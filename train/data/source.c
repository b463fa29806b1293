#include "train/data/source.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sys.h"
#include "store/fmt/inflate.h"
#include "train/data/read.h"

#include <stdlib.h>
#include <string.h>

#define RAW_N ((size_t)256 << 10)

static int changed(const struct source *s, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s' changed while it was read", s->path);
}

/* n bytes of the file at s->at, all of them. */
static int read_raw(struct source *s, char *p, size_t n, struct err *e)
{
	ssize_t got = sys_pread(s->fd, p, n, s->at);

	if (got < 0)
		return err_sys(e, "read", s->path);
	if ((size_t)got < n)
		return changed(s, e);
	s->at += got;
	return 0;
}

int source_open(struct source *s, const struct data_file *f, bool hash, struct err *e)
{
	enum inflate_kind kind;
	struct stat st;
	char magic[4];
	size_t n;
	int r;

	*s = (struct source){.path = f->path, .fd = f->fd, .hash = hash};
	if (sys_fstat(f->fd, &st) < 0)
		return err_sys(e, "stat", f->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is no regular file", f->path);
	s->size = st.st_size;
	s->mtime = st.st_mtim;
	n = (size_t)MIN_OF(s->size, (int64_t)sizeof(magic));
	if ((r = read_raw(s, magic, n, e)) < 0)
		return r;
	s->at = 0;
	if (inflate_magic(magic, n, &kind)) {
		if ((r = inflate_new(&s->z, kind, e)) < 0)
			return r;
		s->raw = xmalloc(RAW_N);
	}
	if (hash) {
		hash_begin_md5(&s->md5);
		hash_begin_sha256(&s->sha256);
	}
	return 0;
}

void source_release(struct source *s)
{
	inflate_free(s->z);
	s->z = NULL;
	free(s->raw);
	s->raw = NULL;
	hash_release(&s->md5);
	hash_release(&s->sha256);
}

bool source_ended(const struct source *s)
{
	return s->at == s->size && s->raw_at == s->raw_n;
}

/* More of the compressed bytes, hashed as they come. */
static int refill(struct source *s, struct err *e)
{
	size_t n = (size_t)MIN_OF(s->size - s->at, (int64_t)RAW_N);
	int r;

	if ((r = read_raw(s, s->raw, n, e)) < 0)
		return r;
	s->raw_at = 0;
	s->raw_n = n;
	if (s->hash) {
		hash_update(&s->md5, s->raw, n);
		hash_update(&s->sha256, s->raw, n);
	}
	return 0;
}

static int read_inflated(struct source *s, char *p, size_t n, size_t *got, struct err *e)
{
	size_t done = 0;
	int r;

	while (done < n) {
		size_t in_n = s->raw_n - s->raw_at, out_n = n - done;

		if (in_n == 0 && s->at < s->size) {
			if ((r = refill(s, e)) < 0)
				return r;
			in_n = s->raw_n;
		}
		r = inflate_some(s->z, s->raw + s->raw_at, &in_n, p + done, &out_n, e);
		if (r < 0)
			return err_ctx(e, r, "'%s'", s->path);
		s->raw_at += in_n;
		done += out_n;
		if (in_n == 0 && out_n == 0 && source_ended(s)) {
			if (!inflate_is_done(s->z))
				return err_set(e, ERR_CORRUPT,
					       "'%s': the compressed data end too soon",
					       s->path);
			break;
		}
	}
	*got = done;
	return 0;
}

int source_read(struct source *s, char *p, size_t n, size_t *got, struct err *e)
{
	int r;

	if (s->z) {
		r = read_inflated(s, p, n, got, e);
	} else {
		*got = (size_t)MIN_OF((uint64_t)(s->size - s->at), (uint64_t)n);
		r = read_raw(s, p, *got, e);
	}
	if (r == 0)
		s->made += *got;
	return r;
}

size_t source_piece(const struct source *s, size_t want)
{
	if (s->z || (uint64_t)s->size >= want)
		return want;
	return (size_t)s->size + 1;
}

bool source_hashes_itself(const struct source *s)
{
	return s->z;
}

void source_md5(struct source *s, const char *p, size_t n)
{
	if (s->hash)
		hash_update(&s->md5, p, n);
}

void source_sha256(struct source *s, const char *p, size_t n)
{
	if (s->hash)
		hash_update(&s->sha256, p, n);
}

int source_check(const struct source *s, struct err *e)
{
	struct stat st;

	if (sys_fstat(s->fd, &st) < 0)
		return err_sys(e, "stat", s->path);
	if (st.st_size != s->size || st.st_mtim.tv_sec != s->mtime.tv_sec ||
	    st.st_mtim.tv_nsec != s->mtime.tv_nsec)
		return changed(s, e);
	return 0;
}

int source_finish(struct source *s, struct data_file *f, struct err *e)
{
	int r;

	if ((r = source_check(s, e)) < 0)
		return r;
	f->bytes = (uint64_t)s->size;
	if (s->hash) {
		hash_end(&s->md5, f->md5);
		hash_end(&s->sha256, f->sha256);
	}
	return 0;
}
