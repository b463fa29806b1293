#include "train/data/field.h"
#include "train/data/scan.h"

#include "store/base/err.h"

#include <string.h>

/* So much text is searched for separators at a time: their places stay in L1. */
#define BLOCK_N 4096

/* Where a row is. */
struct row {
	const char *start;  /* of the row */
	const char *field;  /* of the field */
	const char *opened; /* quote of the field, or NULL */
	const char *closed; /* the quote that closed it */
	const char *skip;   /* the second of two quotes */
	bool in_quotes, doubled;
	size_t column;
};

/* The inside of a quoted field, with one quote for two. */
static struct slice unquote(struct chunk *c, const struct row *r)
{
	const char *s = r->opened + 1;
	size_t n = (size_t)(r->closed - s), to = 0;
	char *copy;

	if (!r->doubled)
		return (struct slice){s, n};
	copy = arena_alloc(&c->arena, n + NUMBER_PAD + 1);
	for (size_t i = 0; i < n; i++) {
		copy[to++] = s[i];
		i += s[i] == '"';
	}
	return (struct slice){copy, to};
}

static inline void take(const struct csv_parse *ps, struct chunk *c, struct row *r,
			const char *end)
{
	const char *s = r->field, *e = end;
	uint32_t use = ps->map->first[r->column];

	if (r->opened) {
		struct slice in;

		if (r->closed + 1 != end) {
			field_bad(c, BAD_QUOTE, r->column, s, e);
			return;
		}
		if (!use)
			return;
		in = unquote(c, r);
		s = in.p;
		e = s + in.n;
	}
	for (; use; use = ps->map->next[use - 1])
		field_take(ps->layout, c, use - 1, r->column, s, e);
	/* A copy without its doubled quotes says nothing of the place. */
	if (r->opened && r->doubled && c->bad.kind && c->bad.row == c->rows &&
	    c->bad.text.p == s)
		c->bad.at = (size_t)(r->field - c->text);
}

/* The row's last field ended. False: something was wrong with the row. */
static inline bool end_row(const struct csv_parse *ps, struct chunk *c, struct row *r,
			   const char *end)
{
	size_t columns = ps->map->columns;

	if (end > r->field && end[-1] == '\r')
		end--;
	if (r->column == 0 && end == r->start && !r->opened) /* a blank line */
		return true;
	if (r->column < columns)
		take(ps, c, r, end);
	if (r->column + 1 != columns) {
		/* Worse than what a shifted field looked like. */
		c->bad.kind = BAD_NONE;
		field_bad(c, BAD_FIELDS, r->column, r->start, end);
		c->bad.fields = r->column + 1;
	}
	if (c->bad.kind)
		return false;
	if (c->records)
		chunk_record(c, r->start, end);
	c->rows++;
	return true;
}

/* A quote at q: true when it is all said about it. */
static void at_quote(struct row *r, const char *q)
{
	if (q == r->skip)
		return;
	if (!r->in_quotes) {
		if (q == r->field) { /* else it is a character like others */
			r->in_quotes = true;
			r->opened = q;
		}
	} else if (q[1] == '"') {
		r->doubled = true;
		r->skip = q + 1;
	} else {
		r->in_quotes = false;
		r->closed = q;
	}
}

static inline void next_field(struct row *r, const char *at)
{
	r->field = at;
	r->opened = NULL;
	r->doubled = false;
}

/* Compiled twice: for a chunk without any quote, nothing is asked about them. */
static inline __attribute__((always_inline)) void parse(const struct csv_parse *ps,
							struct chunk *c, bool quotes)
{
	const char abc[3] = {ps->sep, '\n', quotes ? '"' : '\n'};
	uint32_t places[BLOCK_N + SCAN_SLACK];
	struct row r = {.start = c->text, .field = c->text};

	for (size_t from = 0; from < c->n; from += BLOCK_N) {
		size_t n = MIN_OF(c->n - from, (size_t)BLOCK_N);
		size_t nr = scan_bytes(c->text + from, n, abc, places);

		for (size_t i = 0; i < nr; i++) {
			const char *at = c->text + from + places[i];

			if (quotes && *at == '"') {
				at_quote(&r, at);
				continue;
			}
			if (quotes && r.in_quotes)
				continue;
			if (*at == '\n') {
				if (!end_row(ps, c, &r, at))
					return;
				r.start = at + 1;
				r.column = 0;
			} else {
				if (r.column < ps->map->columns)
					take(ps, c, &r, at);
				r.column++;
			}
			next_field(&r, at + 1);
		}
	}
	if (r.in_quotes) {
		c->bad.kind = BAD_NONE;
		field_bad(c, BAD_OPEN, r.column, r.opened, r.opened + 1);
	}
}

int csv_parse(const struct csv_parse *ps, struct chunk *c, struct err *e)
{
	int r;

	c->lines = scan_count(c->text, c->n, '\n');
	if ((r = chunk_prepare(c, ps->layout, c->lines, e)) < 0)
		return r;
	if (c->quotes)
		parse(ps, c, true);
	else
		parse(ps, c, false);
	return 0;
}
