/*
 * A pull reader for large JSON texts in memory: one token at a time, flat
 * memory, bounded depth, strict grammar and UTF-8.
 *
 *	jsonp_init(&p, text);
 *	while ((r = jsonp_next(&p, &t, e)) == 0 && t.type != JSONP_END) ...
 *	jsonp_release(&p);
 */
#ifndef STORE_FMT_JSONP_H
#define STORE_FMT_JSONP_H

#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	JSONP_DEPTH_MAX = 256
};

enum jsonp_type {
	JSONP_END = 0, /* of the document; then and ever after */
	JSONP_OBJECT,
	JSONP_OBJECT_END,
	JSONP_ARRAY,
	JSONP_ARRAY_END,
	JSONP_KEY,
	JSONP_STR,
	JSONP_NUMBER, /* NaN, Infinity and -Infinity too, as Python has it */
	JSONP_TRUE,
	JSONP_FALSE,
	JSONP_NULL,
};

struct jsonp_token {
	enum jsonp_type type;
	/* KEY, STR: unescaped; NUMBER: as written. Valid until the next call. A
	 * lone \udc80..\udcff becomes the byte it stands for (surrogateescape),
	 * so that the text may be no UTF-8 then; other lone surrogates are errors. */
	struct slice text;
	bool has_byte_escape; /* such a byte is in it */
	size_t at;	      /* offset of the token */
};

struct jsonp {
	struct slice in;
	size_t at;
	unsigned depth;
	unsigned state;
	uint8_t object[JSONP_DEPTH_MAX / 8 + 1]; /* one bit a level */
	struct buf scratch;
};

void jsonp_init(struct jsonp *p, struct slice text); /* text is borrowed */
void jsonp_release(struct jsonp *p);

/* ERR_CORRUPT "line L, column C: what". */
int jsonp_next(struct jsonp *p, struct jsonp_token *out, struct err *e) MUST_CHECK;

/* Pass over one whole value; t is the token that begins it. */
int jsonp_skip(struct jsonp *p, const struct jsonp_token *t, struct err *e) MUST_CHECK;

#endif
