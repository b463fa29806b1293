/*
 * Memory for what dies together: a parsed document, a scan, one response.
 * Objects are never freed singly and hold no descriptors. With ASan each one is
 * malloc'ed on its own, so that overruns show. Not thread-safe.
 */
#ifndef STORE_BASE_ARENA_H
#define STORE_BASE_ARENA_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used, size; /* of the newest block */
	size_t total;	   /* bytes handed out */
};

void arena_release(struct arena *a);
void *arena_alloc(struct arena *a, size_t n); /* aligned for anything, zeroed */
char *arena_strndup(struct arena *a, const char *p, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
