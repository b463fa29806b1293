/*
 * Memory. The x functions never return NULL: when a small allocation fails the
 * program ends by its one exit path, with its temporaries unlinked. A size that
 * comes from data uses try_alloc and is tested failing.
 */
#ifndef STORE_BASE_ALLOC_H
#define STORE_BASE_ALLOC_H

#include "store/base/compiler.h"

#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t nr, size_t size);
void *xrealloc(void *p, size_t n);
void *xreallocarray(void *p, size_t nr, size_t size);
char *xstrdup(const char *s);
char *xmemdup0(const void *p, size_t n); /* a copy with a NUL behind it */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

struct err;
/* nr * size bytes, zeroed, in *out; ERR_NOMEM names what and how many. */
int try_alloc(void **out, size_t nr, size_t size, const char *what,
	      struct err *e) MUST_CHECK;
void try_alloc_fail_nth(int n); /* tests: the n-th call from now fails; 0 ends */

/* Overwrite a secret in a way the compiler keeps. */
void secure_wipe(void *p, size_t n);

NORETURN void die(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
