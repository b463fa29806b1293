#include "store/fmt/inflate.h"

#include "store/base/alloc.h"
#include "store/base/err.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Its input may be const. */
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

/* A frame that wants more memory than this is refused: 128 MiB, as zstd itself does. */
#define ZSTD_WINDOW_LOG 27

struct inflate {
	enum inflate_kind kind;
	z_stream z;
	ZSTD_DStream *zstd;
	bool z_live;
	bool between; /* members or frames: nothing is half read */
	bool any;     /* a member or frame was there */
};

int inflate_new(struct inflate **out, enum inflate_kind kind, struct err *e)
{
	struct inflate *z = xcalloc(1, sizeof(*z));

	z->kind = kind;
	z->between = true;
	if (kind == INFLATE_ZSTD) {
		z->zstd = ZSTD_createDStream();
		if (!z->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(
					z->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
			goto nomem;
	} else {
		int bits = kind == INFLATE_GZIP ? 16 + MAX_WBITS : -MAX_WBITS;

		if (inflateInit2(&z->z, bits) != Z_OK)
			goto nomem;
		z->z_live = true;
	}
	*out = z;
	return 0;
nomem:
	inflate_free(z);
	return err_set(e, ERR_NOMEM, "no memory to decompress");
}

void inflate_free(struct inflate *z)
{
	if (!z)
		return;
	if (z->z_live)
		(void)inflateEnd(&z->z); /* fails for a state that is not live only */
	ZSTD_freeDStream(z->zstd);
	free(z);
}

static int some_zstd(struct inflate *z, const void *in, size_t *in_n, void *out,
		     size_t *out_n, struct err *e)
{
	ZSTD_inBuffer from = {in, *in_n, 0};
	ZSTD_outBuffer to = {out, *out_n, 0};
	size_t r = ZSTD_decompressStream(z->zstd, &to, &from);

	if (ZSTD_isError(r))
		return err_set(e, ERR_CORRUPT, "bad zstd data: %s", ZSTD_getErrorName(r));
	if (from.pos > 0 || to.pos > 0)
		z->between = r == 0;
	z->any |= r == 0;
	*in_n = from.pos;
	*out_n = to.pos;
	return 0;
}

/* gzip(1) takes zeros behind the last member (blocks of a tape) for nothing. */
static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && p[n - 1] == 0)
		n--;
	return n == 0;
}

static int some_zlib(struct inflate *z, const uint8_t *in, size_t *in_n, void *out,
		     size_t *out_n, struct err *e)
{
	uInt give = (uInt)MIN_OF(*in_n, (size_t)INT_MAX),
	     room = (uInt)MIN_OF(*out_n, (size_t)INT_MAX);
	int r;

	if (z->between && z->any) {
		if (give == 0 || (z->kind == INFLATE_GZIP && all_zero(in, give))) {
			*in_n = give;
			*out_n = 0;
			return 0;
		}
		if (z->kind == INFLATE_DEFLATE)
			return err_set(e, ERR_CORRUPT,
				       "bytes behind the compressed data");
		if (inflateReset(&z->z) != Z_OK)
			return err_set(e, ERR_NOMEM, "no memory to decompress");
	}
	if (give > 0)
		z->between = false;
	z->z.next_in = in;
	z->z.avail_in = give;
	z->z.next_out = out;
	z->z.avail_out = room;
	r = inflate(&z->z, Z_NO_FLUSH);
	if (r == Z_MEM_ERROR)
		return err_set(e, ERR_NOMEM, "no memory to decompress");
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return err_set(e, ERR_CORRUPT, "bad compressed data: %s",
			       z->z.msg ? z->z.msg : "it needs a dictionary");
	if (r == Z_STREAM_END)
		z->between = z->any = true;
	*in_n = give - z->z.avail_in;
	*out_n = room - z->z.avail_out;
	return 0;
}

int inflate_some(struct inflate *z, const void *in, size_t *in_n, void *out,
		 size_t *out_n, struct err *e)
{
	return z->kind == INFLATE_ZSTD ? some_zstd(z, in, in_n, out, out_n, e)
				       : some_zlib(z, in, in_n, out, out_n, e);
}

bool inflate_is_done(const struct inflate *z)
{
	return z->any && z->between;
}

uint32_t inflate_crc32(uint32_t crc, const void *p, size_t n)
{
	return (uint32_t)crc32_z(crc, p, n);
}

bool inflate_magic(const void *p, size_t n, enum inflate_kind *out)
{
	static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
	bool is_zstd = n >= sizeof(zstd) && memcmp(p, zstd, sizeof(zstd)) == 0;

	if (!is_zstd && !(n >= sizeof(gzip) && memcmp(p, gzip, sizeof(gzip)) == 0))
		return false;
	*out = is_zstd ? INFLATE_ZSTD : INFLATE_GZIP;
	return true;
}
