#include "train/data/slab.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "train/data/source.h"

#include <stdlib.h>
#include <string.h>

/* SIMD and SWAR loads may look so far behind. */
#define PAD_N 64
/* A record this long is a quote that was never closed. */
#define RECORD_MAX ((size_t)1 << 30)

void slab_release(struct slab *s)
{
	free(s->p);
	free(s->cuts);
	*s = (struct slab){0};
}

static int make_room(struct slab *s, size_t n, struct err *e)
{
	void *mem;
	int r;

	if (n <= s->cap)
		return 0;
	r = try_alloc(&mem, n + PAD_N, 1, "a piece of a file", e);
	if (r < 0)
		return r;
	if (s->n)
		memcpy(mem, s->p, s->n);
	free(s->p);
	s->p = mem;
	s->cap = n;
	return 0;
}

/* want more bytes at the end of what there is. */
static int read_more(struct slab *s, struct source *src, size_t want, struct err *e)
{
	size_t got;
	int r;

	if ((r = make_room(s, s->n + want + 1, e)) < 0 ||
	    (r = source_read(src, s->p + s->n, want, &got, e)) < 0)
		return r;
	s->n += got;
	s->fresh_end = s->n;
	s->ended = got < want;
	if (s->ended && s->n > 0 && s->p[s->n - 1] != '\n')
		s->p[s->n++] = '\n';
	memset(s->p + s->n, 0, PAD_N);
	return 0;
}

int slab_read(struct slab *s, const struct slab *prev, struct source *src, size_t want,
	      struct err *e)
{
	size_t rest = prev ? prev->n - prev->used : 0;
	int r;

	s->n = s->nr = s->used = 0;
	s->fresh = s->fresh_end = rest;
	if ((r = make_room(s, rest + want + 1, e)) < 0)
		return r;
	if (rest)
		memcpy(s->p, prev->p + prev->used, rest);
	s->n = rest;
	return read_more(s, src, want, e);
}

/* The quote that closes the one at p[-1], or NULL. */
static const char *find_close(const char *p, const char *end)
{
	while (p < end) {
		p = memchr(p, '"', (size_t)(end - p));
		if (!p)
			return NULL;
		if (p + 1 < end && p[1] == '"')
			p += 2;
		else
			return p;
	}
	return NULL;
}

static bool opens_field(const char *q, const char *start, char sep)
{
	return q == start || q[-1] == sep || q[-1] == '\n';
}

/*
 * Line ends outside quotes in [start, end), start being outside: the last one, or the
 * first from `from` on. A quote opens a field only at its start; the rest of the
 * parsing sees it the same way, or rows would depend on where chunks are cut.
 */
static const char *find_border(const char *start, const char *end, const char *from,
			       const struct slab_rule *rule, bool want_first)
{
	const char *p = start, *found = NULL;

	while (p < end) {
		const char *q = p, *stop = end, *hit;

		while ((q = memchr(q, '"', (size_t)(end - q))) != NULL) {
			if (opens_field(q, start, rule->sep)) {
				stop = q;
				break;
			}
			if (++q == end)
				break;
		}
		if (want_first && stop > from) {
			const char *a = p > from ? p : from;

			hit = memchr(a, '\n', (size_t)(stop - a));
			if (hit)
				return hit;
		} else if (!want_first) {
			hit = memrchr(p, '\n', (size_t)(stop - p));
			if (hit)
				found = hit;
		}
		if (stop == end)
			break;
		p = find_close(stop + 1, end);
		if (!p)
			break;
		p++;
	}
	return found;
}

static const char *border(const char *p, const char *end, const char *from, bool quotes,
			  const struct slab_rule *rule, bool want_first)
{
	if (quotes)
		return find_border(p, end, from, rule, want_first);
	return want_first ? memchr(from, '\n', (size_t)(end - from))
			  : memrchr(p, '\n', (size_t)(end - p));
}

void slab_cut(struct slab *s, const struct slab_rule *rule)
{
	const char *end = s->p + s->n;

	while (s->used < s->n) {
		const char *p = s->p + s->used, *q;
		size_t n = s->n - s->used;
		bool quotes;

		if (n <= rule->chunk_n) {
			if (!s->ended)
				return;
			q = end - 1; /* an open quote is the parser's to find */
		} else {
			n = rule->chunk_n;
			quotes = rule->quotes && memchr(p, '"', n);
			q = border(p, p + n, p, quotes, rule, false);
			if (!q) {
				quotes =
					rule->quotes && memchr(p, '"', (size_t)(end - p));
				q = border(p, end, p + n, quotes, rule, true);
			}
			if (!q && !s->ended)
				return;
			if (!q)
				q = end - 1;
		}
		n = (size_t)(q + 1 - p);
		quotes = rule->quotes && memchr(p, '"', n);
		if (s->nr == s->cuts_cap)
			s->cuts = vec_grow(s->cuts, &s->cuts_cap, s->nr + 1,
					   sizeof(s->cuts[0]));
		s->cuts[s->nr++] = (struct slab_cut){s->used, n, quotes};
		s->used += n;
	}
}

int slab_next(struct slab *s, const struct slab *prev, struct source *src, size_t want,
	      const struct slab_rule *rule, struct err *e)
{
	int r = slab_read(s, prev, src, want, e);

	while (r == 0) {
		slab_cut(s, rule);
		if (s->nr || s->ended)
			break;
		if (s->n - s->used > RECORD_MAX)
			return err_set(e, ERR_INVALID,
				       "'%s': a record is longer than %zu bytes",
				       src->path, RECORD_MAX);
		r = read_more(s, src, MAX_OF(want, s->n), e);
	}
	return r;
}

size_t slab_record(const char *p, size_t n, const struct slab_rule *rule)
{
	bool quotes = rule->quotes && memchr(p, '"', n);
	const char *q = border(p, p + n, p, quotes, rule, true);

	return q ? (size_t)(q + 1 - p) : 0;
}
