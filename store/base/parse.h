/*
 * Numbers from text, without the locale. The whole text must be the number;
 * out is written only on success.
 */
#ifndef STORE_BASE_PARSE_H
#define STORE_BASE_PARSE_H

#include "store/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

bool parse_u64(struct slice s, uint64_t *out);	/* decimal digits */
bool parse_i64(struct slice s, int64_t *out);	/* with an optional sign */
bool parse_double(struct slice s, double *out); /* decimal, exponent, inf, nan */

/* "10", "64K", "8MB", "1GiB": all powers of 1024, any case. */
bool parse_bytes(struct slice s, uint64_t *out);

int parse_hex_digit(char c); /* 0..15, or -1 */

#endif
