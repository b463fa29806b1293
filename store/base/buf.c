#include "store/base/buf.h"

#include "store/base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *b)
{
	if (!b)
		return;
	free(b->p);
	*b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->overflow = false;
	if (b->p)
		b->p[0] = '\0';
}

void buf_limit(struct buf *b, size_t limit)
{
	b->limit = limit;
}

bool buf_overflowed(const struct buf *b)
{
	return b->overflow;
}

void buf_reserve(struct buf *b, size_t extra)
{
	size_t need, cap;

	if (extra > SIZE_MAX / 2 - b->n)
		die("out of memory: a buffer of %zu and %zu bytes", b->n, extra);
	need = b->n + extra + 1;
	if (need <= b->cap)
		return;
	cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap += cap / 2;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (b->limit && n > b->limit - MIN_OF(b->n, b->limit)) {
		n = b->limit - MIN_OF(b->n, b->limit);
		b->overflow = true;
	}
	if (n == 0)
		return;
	buf_reserve(b, n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addslice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
	} else if (n >= 0) {
		char *big = xmalloc((size_t)n + 1);

		vsnprintf(big, (size_t)n + 1, fmt, again);
		buf_add(b, big, (size_t)n);
		free(big);
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_fill(struct buf *b, char c, size_t n)
{
	while (n-- > 0)
		buf_add(b, &c, 1);
}

void buf_cut(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n = n;
	if (b->p)
		b->p[n] = '\0';
}

void buf_splice(struct buf *b, size_t at, size_t del, const void *p, size_t n)
{
	assert(at <= b->n && del <= b->n - at);
	buf_reserve(b, n);
	memmove(b->p + at + n, b->p + at + del, b->n - at - del);
	if (n > 0)
		memcpy(b->p + at, p, n);
	b->n = b->n - del + n;
	b->p[b->n] = '\0';
}

const char *buf_str(const struct buf *b)
{
	return b->p ? b->p : "";
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){buf_str(b), b->n};
}

char *buf_detach(struct buf *b)
{
	char *p = b->p ? b->p : xstrdup("");

	*b = (struct buf){0};
	return p;
}
