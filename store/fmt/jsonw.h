/*
 * A streaming JSON writer whose bytes are Python's json.dumps: ", " and ": ",
 * everything outside ASCII escaped; bytes that are no UTF-8 become \udcXX as
 * with surrogateescape. With an indent it is json.dumps(indent=N). Commas and
 * colons are the writer's business. Nothing can fail but the buffer's ceiling.
 */
#ifndef STORE_FMT_JSONW_H
#define STORE_FMT_JSONW_H

#include "store/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct value;

enum {
	JSONW_DEPTH_MAX = 256
};

struct jsonw {
	struct buf *out;
	unsigned indent; /* 0: one line */
	unsigned depth;
	bool after_key;
	bool compact; /* "," and ":" without a space */
	bool utf8;    /* leave what is UTF-8 as it is (ensure_ascii=False) */
	/* one bit a level: has items; is an object */
	uint8_t full[JSONW_DEPTH_MAX / 8 + 1], object[JSONW_DEPTH_MAX / 8 + 1];
};

void jsonw_init(struct jsonw *w, struct buf *out, unsigned indent);
void jsonw_object(struct jsonw *w);
void jsonw_array(struct jsonw *w);
void jsonw_end(struct jsonw *w); /* of the innermost container */
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_key_slice(struct jsonw *w, struct slice key);
void jsonw_str(struct jsonw *w, const char *s); /* NULL gives null */
void jsonw_slice(struct jsonw *w, struct slice s);
void jsonw_int(struct jsonw *w, int64_t i);
void jsonw_uint(struct jsonw *w, uint64_t u);
void jsonw_float(struct jsonw *w, double f); /* repr; NaN, Infinity, -Infinity */
void jsonw_bool(struct jsonw *w, bool b);
void jsonw_null(struct jsonw *w);
void jsonw_raw(struct jsonw *w, struct slice json); /* a value that is JSON already */
/* A tree. Keys become text as Python does it; dates and bytes are strings. */
void jsonw_value(struct jsonw *w, const struct value *v);
/* The same with the keys of each map sorted (json.dumps(sort_keys=True)). */
void jsonw_value_sorted(struct jsonw *w, const struct value *v);

/* A string literal alone, quotes included. */
void jsonw_quote(struct buf *out, struct slice s);

#endif
