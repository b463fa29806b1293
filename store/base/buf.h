/*
 * A growing byte buffer. {0} is empty and ready; buf_str() is always
 * terminated and never NULL. A buffer fed by a file or a socket is given a
 * ceiling with buf_limit(); past it the buffer keeps what it has and
 * buf_overflowed() turns true (the adders return nothing, so that text can be
 * built without a check at each step).
 */
#ifndef STORE_BASE_BUF_H
#define STORE_BASE_BUF_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *p;
	size_t n, cap;
	size_t limit; /* 0: none */
	bool overflow;
};

void buf_release(struct buf *b);
void buf_reset(struct buf *b); /* empty, memory kept */
void buf_limit(struct buf *b, size_t limit);
bool buf_overflowed(const struct buf *b);
void buf_reserve(struct buf *b, size_t extra); /* room for extra more bytes */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addslice(struct buf *b, struct slice s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
void buf_fill(struct buf *b, char c, size_t n);
void buf_cut(struct buf *b, size_t n); /* shorten to n */
void buf_splice(struct buf *b, size_t at, size_t del, const void *p, size_t n);
const char *buf_str(const struct buf *b);
struct slice buf_slice(const struct buf *b);
char *buf_detach(struct buf *b); /* a malloc'ed string; b becomes empty */

#endif
