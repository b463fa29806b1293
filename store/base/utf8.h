/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, up to U+10FFFF. */
#ifndef STORE_BASE_UTF8_H
#define STORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decode the character at p[0..n): its length 1..4, with the code point in
 * *out, or 0 where the bytes are no UTF-8 (or n is 0).
 */
unsigned utf8_decode(const char *p, size_t n, uint32_t *out);
unsigned utf8_encode(uint32_t code, char out[4]); /* 0 for a surrogate or > 10FFFF */
bool utf8_valid(const char *p, size_t n);

/* The largest length <= n that does not end inside a character of p. */
size_t utf8_cut(const char *p, size_t n);

size_t utf8_count(const char *p, size_t n); /* characters; a bad byte is one */

#endif
