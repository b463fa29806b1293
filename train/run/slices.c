#include "train/run/slices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/base/vec.h"
#include "store/fmt/number.h"
#include "train/core/table.h"
#include "train/data/read.h"

enum {
	VALUES_MAX = 10 /* a number with more is binned */
};

static const char missing[] = "(missing)", unseen[] = "(unseen)";

void slicing_release(struct slicing *s)
{
	for (size_t i = 0; i < s->nr; i++)
		free(s->labels[i]);
	free(s->labels);
	free(s->code);
	*s = (struct slicing){0};
}

static int codes_new(struct slicing *s, size_t rows, struct err *e)
{
	void *mem;
	int r = try_alloc(&mem, rows + 1, sizeof(*s->code), "slices", e);

	if (r == 0)
		s->code = mem;
	return r;
}

static int too_many(const char *column, size_t nr, size_t max, struct err *e)
{
	return err_set(e, ERR_INVALID,
		       "column '%s' has %zu values or more: slices are "
		       "at most %zu",
		       column, nr, max);
}

/* ---- numbers ----------------------------------------------------------------------- */

static int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Features are binary32: their few digits, and no ".0". */
static void add_number(struct buf *out, double v)
{
	char text[NUMBER_MAX];

	if ((double)(float)v == v)
		buf_add(out, text, number_text32(text, (float)v));
	else
		number_add(out, v);
	if (out->n > 2 && memcmp(out->p + out->n - 2, ".0", 2) == 0)
		buf_cut(out, out->n - 2);
}

/* The lower borders of the labels: each value, or quantiles. */
static size_t borders(double *out, const double *sorted, size_t nr, unsigned bins,
		      bool *by_value)
{
	size_t distinct = 0, got = 0;

	for (size_t i = 0; i < nr && distinct <= VALUES_MAX; i++)
		distinct += i == 0 || sorted[i] != sorted[i - 1];
	*by_value = distinct <= VALUES_MAX;
	if (*by_value) {
		for (size_t i = 0; i < nr; i++)
			if (i == 0 || sorted[i] != sorted[i - 1])
				out[got++] = sorted[i];
		return got;
	}
	for (size_t b = 0; b < bins; b++) {
		double v = sorted[nr / bins * b + nr % bins * b / bins];

		if (got == 0 || v != out[got - 1])
			out[got++] = v;
	}
	return got;
}

static char *border_label(const double *border, size_t nr, size_t i, double last,
			  bool by_value)
{
	struct buf b = {0};

	if (by_value) {
		add_number(&b, border[i]);
		return buf_detach(&b);
	}
	buf_addc(&b, '[');
	add_number(&b, border[i]);
	buf_adds(&b, ", ");
	add_number(&b, i + 1 < nr ? border[i + 1] : last);
	buf_addc(&b, i + 1 < nr ? ')' : ']');
	return buf_detach(&b);
}

/* v has NaN where a number is missing. */
static int by_numbers(struct slicing *s, const double *v, size_t rows, unsigned bins,
		      struct err *e)
{
	double *sorted, *border = xcalloc(bins + VALUES_MAX + 1, sizeof(*border));
	size_t nr = 0, got;
	bool by_value;
	void *mem;
	int r;

	if ((r = try_alloc(&mem, rows + 1, sizeof(*sorted), "values", e)) < 0) {
		free(border);
		return r;
	}
	sorted = mem;
	for (size_t i = 0; i < rows; i++)
		if (!isnan(v[i]))
			sorted[nr++] = v[i];
	qsort(sorted, nr, sizeof(*sorted), double_cmp);
	got = borders(border, sorted, nr, bins, &by_value);
	s->labels = xcalloc(got + 1, sizeof(*s->labels));
	for (size_t i = 0; i < got; i++)
		s->labels[i] = border_label(border, got, i, sorted[nr - 1], by_value);
	s->labels[got] = xstrdup(missing);
	s->nr = got + 1;
	for (size_t i = 0; i < rows; i++) {
		uint32_t k = (uint32_t)got;

		if (!isnan(v[i]))
			while (k > 0 && v[i] < border[k - 1])
				k--;
		s->code[i] = isnan(v[i]) ? (uint32_t)got : k - 1;
	}
	free(sorted);
	free(border);
	return 0;
}

/* ---- names ------------------------------------------------------------------------- */

static int by_codes(struct slicing *s, const struct column *c, size_t rows, size_t max,
		    struct err *e)
{
	size_t cats = c->f.cats_nr;

	if (cats > max)
		return too_many(c->f.name, cats, max, e);
	s->labels = xcalloc(cats + 2, sizeof(*s->labels));
	for (size_t i = 0; i < cats; i++)
		s->labels[i] = xstrdup(c->f.cats[i]);
	s->labels[cats] = xstrdup(missing);
	s->labels[cats + 1] = xstrdup(unseen);
	s->nr = cats + 2;
	for (size_t i = 0; i < rows; i++)
		s->code[i] = c->code[i] == TABLE_MISSING ? (uint32_t)cats
			     : c->code[i] < cats	 ? c->code[i]
							 : (uint32_t)cats + 1;
	return 0;
}

static int by_column(struct slicing *s, const struct column *c, size_t rows,
		     unsigned bins, size_t max, struct err *e)
{
	void *mem;
	double *v;
	int r;

	if (c->f.kind == FEATURE_CATEGORICAL)
		return by_codes(s, c, rows, max, e);
	if ((r = try_alloc(&mem, rows + 1, sizeof(*v), "values", e)) < 0)
		return r;
	v = mem;
	for (size_t i = 0; i < rows; i++)
		v[i] = (double)c->num[i];
	r = by_numbers(s, v, rows, bins, e);
	free(v);
	return r;
}

/* Are all texts numbers? Then v has them. */
static bool all_numbers(const struct text_column *c, size_t rows, double *v)
{
	for (size_t i = 0; i < rows; i++) {
		v[i] = NAN;
		if (c->v[i] && !data_number(c->v[i], strlen(c->v[i]), &v[i]))
			return false;
	}
	return true;
}

static int place_of(const struct strvec *sorted, const char *text)
{
	size_t lo = 0, hi = sorted->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(sorted->v[mid], text) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int)lo;
}

static int by_names(struct slicing *s, const struct text_column *c, size_t rows,
		    size_t max, struct err *e)
{
	struct map seen = {0};
	struct strvec names = {0};
	int r = 0;

	for (size_t i = 0; i < rows; i++) {
		if (!c->v[i] || !map_set(&seen, slice_of(c->v[i]), 0))
			continue;
		if (names.nr == max) {
			r = too_many(c->name, max + 1, max, e);
			goto out;
		}
		strvec_push(&names, c->v[i]);
	}
	strvec_sort(&names);
	for (size_t i = 0; i < rows; i++)
		s->code[i] = c->v[i] ? (uint32_t)place_of(&names, c->v[i])
				     : (uint32_t)names.nr;
	strvec_push(&names, missing);
	s->labels = names.v;
	s->nr = names.nr;
	names = (struct strvec){0};
out:
	strvec_release(&names);
	map_release(&seen);
	return r;
}

static int by_text(struct slicing *s, const struct text_column *c, size_t rows,
		   unsigned bins, size_t max, struct err *e)
{
	void *mem;
	int r;

	if ((r = try_alloc(&mem, rows + 1, sizeof(double), "values", e)) < 0)
		return r;
	r = all_numbers(c, rows, mem) ? by_numbers(s, mem, rows, bins, e)
				      : by_names(s, c, rows, max, e);
	free(mem);
	return r;
}

int slicing_by(struct slicing *out, const struct table *t, const char *column,
	       unsigned bins, size_t max, struct err *e)
{
	const struct text_column *text = NULL;
	const struct column *c = NULL;
	struct slicing s = {0};
	int r;

	for (size_t i = 0; i < t->cols_nr; i++)
		if (strcmp(t->cols[i].f.name, column) == 0)
			c = &t->cols[i];
	for (size_t i = 0; i < t->text_nr; i++)
		if (strcmp(t->text[i].name, column) == 0)
			text = &t->text[i];
	if (!c && !text)
		return err_set(e, ERR_INVALID, "slice: there is no column '%s'", column);
	if ((r = codes_new(&s, t->rows, e)) < 0)
		return r;
	r = c ? by_column(&s, c, t->rows, bins, max, e)
	      : by_text(&s, text, t->rows, bins, max, e);
	if (r < 0)
		slicing_release(&s);
	else
		*out = s;
	return r;
}

int slicing_pair(struct slicing *out, const struct slicing *a, const struct slicing *b,
		 size_t rows, size_t max, struct err *e)
{
	uint32_t *place = xcalloc(a->nr * b->nr + 1, sizeof(*place));
	struct slicing s = {0};
	struct strvec labels = {0};
	int r;

	if ((r = codes_new(&s, rows, e)) < 0)
		goto out;
	for (size_t i = 0; i < rows; i++)
		place[a->code[i] * b->nr + b->code[i]] = 1;
	for (size_t i = 0; i < a->nr * b->nr; i++) {
		if (!place[i])
			continue;
		place[i] = (uint32_t)labels.nr;
		strvec_take(&labels, xasprintf("%s, %s", a->labels[i / b->nr],
					       b->labels[i % b->nr]));
	}
	if (labels.nr > max) {
		r = err_set(e, ERR_INVALID, "%zu pairs: slices are at most %zu",
			    labels.nr, max);
		goto out;
	}
	for (size_t i = 0; i < rows; i++)
		s.code[i] = place[a->code[i] * b->nr + b->code[i]];
	s.labels = labels.v;
	s.nr = labels.nr;
	labels = (struct strvec){0};
	*out = s;
	s = (struct slicing){0};
out:
	slicing_release(&s);
	strvec_release(&labels);
	free(place);
	return r;
}

int slicing_rows(const struct slicing *s, size_t rows, uint32_t **out, size_t **begin,
		 struct err *e)
{
	size_t *at = xcalloc(s->nr + 2, sizeof(*at));
	uint32_t *v;
	void *mem;
	int r;

	if ((r = try_alloc(&mem, rows + 1, sizeof(*v), "rows of slices", e)) < 0) {
		free(at);
		return r;
	}
	v = mem;
	/* Shifted by two, so that after the fill at[k] is where label k begins. */
	for (size_t i = 0; i < rows; i++)
		at[s->code[i] + 2]++;
	for (size_t k = 2; k < s->nr + 2; k++)
		at[k] += at[k - 1];
	for (size_t i = 0; i < rows; i++)
		v[at[s->code[i] + 1]++] = (uint32_t)i;
	*out = v;
	*begin = at;
	return 0;
}
