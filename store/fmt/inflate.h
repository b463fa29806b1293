/*
 * Bytes out of gzip (RFC 1952, several members one behind the other), zstd (several
 * frames) and bare deflate, piece by piece, in memory that does not grow with the
 * data. One struct belongs to one thread.
 */
#ifndef STORE_FMT_INFLATE_H
#define STORE_FMT_INFLATE_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct inflate;

enum inflate_kind {
	INFLATE_GZIP,
	INFLATE_ZSTD,
	INFLATE_DEFLATE, /* as in a zip file: ends by itself, nothing may follow */
};

int inflate_new(struct inflate **out, enum inflate_kind kind, struct err *e) MUST_CHECK;
void inflate_free(struct inflate *z); /* accepts NULL */

/*
 * Turn some of in[0..*in_n) into at most *out_n bytes at out; both counts become what
 * was used and made. Nothing made and all input used: more input is wanted.
 * ERR_CORRUPT says what is wrong; the file's name is the caller's to add.
 */
int inflate_some(struct inflate *z, const void *in, size_t *in_n, void *out,
		 size_t *out_n, struct err *e) MUST_CHECK;
/* May the input end here? */
bool inflate_is_done(const struct inflate *z);

/* The CRC-32 of zip and gzip, continued from crc (0 at first). */
uint32_t inflate_crc32(uint32_t crc, const void *p, size_t n);

/* The kind by the first bytes; false: neither gzip nor zstd. */
bool inflate_magic(const void *p, size_t n, enum inflate_kind *out);

#endif
