#include "store/base/vec.h"

#include "store/base/alloc.h"

#include <stdint.h>
#include <string.h>

void *vec_grow(void *v, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap : 8;

	while (n < need)
		n += n / 2;
	v = xreallocarray(v, n, size);
	*cap = n;
	return v;
}

void strvec_push(struct strvec *s, const char *text)
{
	strvec_take(s, xstrdup(text));
}

void strvec_take(struct strvec *s, char *take_text)
{
	vec_push(s, take_text);
}

void strvec_release(struct strvec *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr; i++)
		free(s->v[i]);
	vec_release(s);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strvec_sort(struct strvec *s)
{
	if (s->nr > 1)
		qsort(s->v, s->nr, sizeof(*s->v), by_bytes);
}

void strvec_unique(struct strvec *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nr; i++) {
		if (kept > 0 && strcmp(s->v[kept - 1], s->v[i]) == 0)
			free(s->v[i]);
		else
			s->v[kept++] = s->v[i];
	}
	s->nr = kept;
}
