/*
 * A piece of text or bytes that belongs to somebody else: by value, not
 * terminated, never outliving what it points into.
 */
#ifndef STORE_BASE_SLICE_H
#define STORE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})
#define SLICE_FMT(s) (int)(s).n, (s).p /* for "%.*s" */

static inline struct slice slice_of(const char *s)
{
	return (struct slice){s, s ? strlen(s) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
	return slice_eq(a, slice_of(s));
}

bool slice_starts(struct slice s, const char *prefix);
bool slice_ends(struct slice s, const char *suffix);
int slice_cmp(struct slice a, struct slice b); /* memcmp order, shorter first */
struct slice slice_trim(struct slice s);       /* space, tab, CR, LF at both ends */

/* Cut *rest at the first sep: the piece before it is returned, *rest moves on.
 * Without a sep the whole is returned and *rest becomes {NULL, 0}. */
struct slice slice_cut(struct slice *rest, char sep);

#endif
