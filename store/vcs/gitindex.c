#include "store/vcs/gitindex.h"

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#define DIGEST_N   20
#define ENTRY_N	   (40 + DIGEST_N + 2) /* stat, digest, flags */
#define EXTENDED   0x4000u
#define FILE_LIMIT ((size_t)4 << 30)

struct reader {
	const unsigned char *p, *end; /* end: where the digest begins */
	const char *name;
	uint32_t version;
	struct buf path; /* version 4 builds on the one before */
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int damaged(const struct reader *r, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s': git's index is damaged", r->name);
}

/* git's offset varint: each further byte adds one before the shift. */
static bool varint(struct reader *r, size_t *out)
{
	size_t v;

	if (r->p >= r->end)
		return false;
	v = *r->p & 127;
	while (*r->p++ & 128) {
		if (r->p >= r->end || v > SIZE_MAX >> 8)
			return false;
		v = ((v + 1) << 7) | (*r->p & 127);
	}
	*out = v;
	return true;
}

static int next_path(struct reader *r, struct err *e)
{
	const unsigned char *start = r->p, *nul;
	size_t head = ENTRY_N, cut;

	if ((size_t)(r->end - r->p) < ENTRY_N + 2)
		return damaged(r, e);
	if (r->version >= 3 && ((unsigned)r->p[ENTRY_N - 2] << 8 & EXTENDED))
		head += 2;
	r->p += head;
	if (r->version == 4) {
		if (!varint(r, &cut) || cut > r->path.n)
			return damaged(r, e);
		buf_cut(&r->path, r->path.n - cut);
	} else {
		buf_reset(&r->path);
	}
	nul = memchr(r->p, 0, (size_t)(r->end - r->p));
	if (!nul)
		return damaged(r, e);
	buf_add(&r->path, r->p, (size_t)(nul - r->p));
	if (r->version == 4) {
		r->p = nul + 1;
		return 0;
	}
	/* One to eight NULs, so that an entry is a multiple of eight bytes. */
	cut = ((size_t)(nul - start) + 8) & ~(size_t)7;
	if (cut > (size_t)(r->end - start))
		return damaged(r, e);
	r->p = start + cut;
	return 0;
}

static int check_extensions(struct reader *r, struct err *e)
{
	while (r->end - r->p >= 8) {
		const unsigned char *p = r->p;
		uint32_t n = be32(p + 4);

		if ((size_t)(r->end - p) - 8 < n)
			return damaged(r, e);
		if (memcmp(p, "link", 4) == 0)
			return err_set(e, ERR_UNSUPPORTED,
				       "'%s': a split index is not supported; 'git "
				       "update-index --no-split-index' joins it",
				       r->name);
		if (memcmp(p, "sdir", 4) == 0)
			return err_set(e, ERR_UNSUPPORTED,
				       "'%s': a sparse index is not supported; 'git "
				       "sparse-checkout reapply --no-sparse-index' makes "
				       "it whole",
				       r->name);
		/* Only those with a capital may be passed over. */
		if (p[0] < 'A' || p[0] > 'Z')
			return err_set(e, ERR_UNSUPPORTED,
				       "'%s': the extension '%.4s' is not supported",
				       r->name, (const char *)p);
		r->p += 8 + n;
	}
	return r->p == r->end ? 0 : damaged(r, e);
}

/* Pass over all entries, then know from the extensions whether they are all. */
static int pass(struct reader *r, uint32_t nr, gitindex_fn fn, void *ctx, struct err *e)
{
	int ret;

	for (uint32_t i = 0; i < nr; i++) {
		if ((ret = next_path(r, e)) < 0)
			return ret;
		if (fn && fn(ctx, buf_slice(&r->path)) != 0)
			return 0;
	}
	return fn ? 0 : check_extensions(r, e);
}

int gitindex_parse(struct slice data, const char *name, gitindex_fn fn, void *ctx,
		   struct err *e)
{
	struct reader r = {.name = name};
	const unsigned char *p = (const void *)data.p;
	uint32_t nr;
	int ret;

	if (data.n == 0)
		return 0;
	if (data.n < 12 + DIGEST_N || memcmp(p, "DIRC", 4) != 0)
		return damaged(&r, e);
	r.version = be32(p + 4);
	nr = be32(p + 8);
	if (r.version < 2 || r.version > 4)
		return err_set(e, ERR_UNSUPPORTED,
			       "'%s': version %u of git's index is not supported", name,
			       r.version);
	r.p = p + 12;
	r.end = p + data.n - DIGEST_N;
	ret = pass(&r, nr, NULL, NULL, e);
	if (ret == 0) {
		r.p = p + 12;
		buf_reset(&r.path);
		ret = pass(&r, nr, fn, ctx, e);
	}
	buf_release(&r.path);
	return ret;
}

int gitindex_each(const char *file, gitindex_fn fn, void *ctx, struct err *e)
{
	struct buf data = {0};
	int r = fs_read(AT_FDCWD, file, FILE_LIMIT, &data, e);

	if (r == 0)
		r = gitindex_parse(buf_slice(&data), file, fn, ctx, e);
	else if (r == ERR_NOTFOUND)
		r = 0;
	buf_release(&data);
	return r;
}
