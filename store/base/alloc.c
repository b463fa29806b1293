#include "store/base/alloc.h"

#include "store/base/err.h"
#include "store/base/tmpfile.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *fmt, ...)
{
	va_list ap;

	tmpfile_unlink_registered();
	fputs("lode: fatal: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(255);
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		die("out of memory: %zu bytes", n);
	return p;
}

void *xcalloc(size_t nr, size_t size)
{
	void *p = calloc(nr ? nr : 1, size ? size : 1);

	if (!p)
		die("out of memory: %zu times %zu bytes", nr, size);
	return p;
}

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		die("out of memory: %zu bytes", n);
	return p;
}

void *xreallocarray(void *p, size_t nr, size_t size)
{
	if (size != 0 && nr > SIZE_MAX / size)
		die("out of memory: %zu times %zu bytes", nr, size);
	return xrealloc(p, nr * size);
}

char *xstrdup(const char *s)
{
	return xmemdup0(s, strlen(s));
}

char *xmemdup0(const void *p, size_t n)
{
	char *copy = xmalloc(n + 1);

	if (n > 0)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *out;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("out of memory while formatting");
	return out;
}

static int fail_countdown;

void try_alloc_fail_nth(int n)
{
	fail_countdown = n;
}

int try_alloc(void **out, size_t nr, size_t size, const char *what, struct err *e)
{
	void *p = NULL;

	if ((fail_countdown == 0 || --fail_countdown != 0) &&
	    (size == 0 || nr <= SIZE_MAX / 2 / size))
		p = calloc(nr ? nr : 1, size ? size : 1);
	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory for %s: %zu times %zu bytes",
			       what, nr, size);
	*out = p;
	return 0;
}

void secure_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}
