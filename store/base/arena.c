#include "store/base/arena.h"

#include "store/base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_EACH 1
#endif
#endif
#ifndef ARENA_EACH
#define ARENA_EACH 0
#endif

#define ARENA_BLOCK (64u * 1024)

struct arena_block {
	struct arena_block *next;
	max_align_t data[];
};

void arena_release(struct arena *a)
{
	if (!a)
		return;
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	*a = (struct arena){0};
}

static void add_block(struct arena *a, size_t size)
{
	struct arena_block *b = xmalloc(sizeof(*b) + size);

	b->next = a->blocks;
	a->blocks = b;
	a->used = 0;
	a->size = size;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t align = sizeof(max_align_t);
	char *p;

	if (n > SIZE_MAX / 2)
		die("out of memory: %zu bytes", n);
	a->total += n;
	n = (n + align - 1) / align * align;
	if (ARENA_EACH || n > a->size - a->used)
		add_block(a, ARENA_EACH ? n : MAX_OF(n, (size_t)ARENA_BLOCK));
	p = (char *)a->blocks->data + a->used;
	a->used += n;
	memset(p, 0, n);
	return p;
}

char *arena_strndup(struct arena *a, const char *p, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text, *out;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("out of memory while formatting");
	out = arena_strndup(a, text, (size_t)n);
	free(text);
	return out;
}
