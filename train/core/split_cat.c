/*
 * Categories: a set goes right, everything else left, what is missing, unseen or
 * "other" included. Few categories are tried one by one; many are sorted by what
 * they ask for, and prefixes from both ends are tried.
 *
 * Missing takes part as one more category. Where it falls on the set's side, the
 * sides change roles: the set that is stored is that of all other known
 * categories, and "other" moves with missing, outside.
 */
#include "train/core/split.h"

#include "train/core/bins.h"
#include "train/core/params.h"
#include "train/core/quant.h"

#include <stdlib.h>
#include <string.h>

struct category {
	double order;
	unsigned code;
	uint64_t word, rows;
};

struct search {
	struct split *best;
	const struct split_rules *r;
	const struct split_node *n;
	const struct bin_feature *f;
	uint32_t feature;
	const uint64_t *hist, *counts;
	double parent, lambda;
	uint64_t other, other_rows; /* of the code that is never in a set */
	uint64_t min_rows;	    /* of a side */
	/* the side being built: sums, rows, members */
	uint64_t word, rows, set[4];
	bool missing;
};

static uint64_t rows_of(const struct search *s, unsigned code)
{
	if (s->counts)
		return s->counts[code];
	return split_estimate(quant_sum_h(s->hist[code]), s->n->rows,
			      quant_sum_h(s->n->sum));
}

static void begin_side(struct search *s)
{
	s->word = s->rows = 0;
	s->missing = false;
	memset(s->set, 0, sizeof(s->set));
}

static void add_category(struct search *s, unsigned code)
{
	s->word += s->hist[code];
	s->rows += rows_of(s, code);
	if (code == s->f->nr) {
		s->missing = true;
		s->word += s->other;
		s->rows += s->other_rows;
	} else {
		s->set[code / 64] |= (uint64_t)1 << code % 64;
	}
}

/* What is stored: the members, or all known codes but them. */
static void store_set(uint64_t out[4], const struct search *s)
{
	unsigned known = s->f->nr - s->f->other;

	memcpy(out, s->set, sizeof(s->set));
	if (!s->missing)
		return;
	for (unsigned c = 0; c < 256; c++) {
		uint64_t bit = (uint64_t)1 << c % 64;

		if (c < known)
			out[c / 64] ^= bit;
		else
			out[c / 64] &= ~bit;
	}
}

static bool side_fits(const struct search *s, uint64_t word, uint64_t rows)
{
	return (double)quant_sum_h(word) * s->r->sh >= s->r->p->min_child_weight &&
	       rows >= s->min_rows;
}

/* Is the side being built, against the rest, better than all so far? */
static void try_side(struct search *s)
{
	const struct split_rules *r = s->r;
	uint64_t in = s->word, out = s->n->sum - in, rest = s->n->rows - s->rows;
	double g[2], h[2], v[2] = {0, 0}, gain;

	if (s->rows > s->n->rows || !side_fits(s, in, s->rows) ||
	    !side_fits(s, out, rest))
		return;
	for (int k = 0; k < 2; k++) {
		uint64_t w = (k == 0) == s->missing ? in : out; /* 0 is left: outside */

		g[k] = (double)quant_sum_g(w) * r->sg;
		h[k] = (double)quant_sum_h(w) * r->sh;
		if (r->clipped)
			v[k] = split_value(r, g[k], h[k], s->n->low, s->n->high);
	}
	gain = split_score(r, s->lambda, g[0], h[0], v[0]) +
	       split_score(r, s->lambda, g[1], h[1], v[1]) - s->parent - r->p->gamma;
	if (!(gain > s->best->gain))
		return;
	*s->best = (struct split){
		.gain = gain,
		.feature = s->feature,
		.categorical = true,
		.default_left = true,
		.left = s->missing ? in : out,
		.left_value = v[0],
		.right_value = v[1],
	};
	store_set(s->best->set, s);
}

static void one_by_one(struct search *s)
{
	unsigned known = s->f->nr - s->f->other;

	for (unsigned k = 0; k <= known; k++) {
		unsigned code = k < known ? k : s->f->nr;

		if (s->hist[code] == 0)
			continue;
		begin_side(s);
		add_category(s, code);
		try_side(s);
	}
}

static int by_order(const void *pa, const void *pb)
{
	const struct category *a = pa, *b = pb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->code < b->code ? -1 : a->code > b->code;
}

static unsigned sort_categories(struct category *c, const struct search *s)
{
	const struct split_rules *r = s->r;
	unsigned known = s->f->nr - s->f->other, nr = 0;

	for (unsigned k = 0; k <= known; k++) {
		unsigned code = k < known ? k : s->f->nr;
		uint64_t w = s->hist[code], rows = rows_of(s, code);
		double h = (double)quant_sum_h(w) * r->sh;

		if (w == 0 || (double)rows < r->p->cat_smooth)
			continue;
		c[nr++] = (struct category){
			.order = (double)quant_sum_g(w) * r->sg / (h + r->p->cat_smooth),
			.code = code,
			.word = w,
			.rows = rows,
		};
	}
	qsort(c, nr, sizeof(*c), by_order);
	return nr;
}

/*
 * Prefixes from one end. A step is tried when the categories since the last one
 * tried hold min_data_per_group rows, as must the rest.
 */
static void prefixes(struct search *s, const struct category *c, unsigned nr, bool down)
{
	unsigned most = MIN_OF(s->r->p->max_cat_threshold, (nr + 1) / 2);
	uint64_t group = 0, need = s->r->p->min_data_per_group;

	begin_side(s);
	for (unsigned i = 0; i < most; i++) {
		const struct category *at = &c[down ? nr - 1 - i : i];

		add_category(s, at->code);
		group += at->rows;
		if (s->rows > s->n->rows || s->n->rows - s->rows < need)
			return;
		if (group < need)
			continue;
		try_side(s);
		group = 0;
	}
}

void split_categorical(struct split *best, const struct split_rules *r,
		       const struct split_node *n, uint32_t feature)
{
	const struct bin_feature *f = &r->bins->f[feature];
	struct category sorted[BINS_MAX + 1];
	struct search s = {
		.best = best,
		.r = r,
		.n = n,
		.f = f,
		.feature = feature,
		.hist = n->hist + f->hist,
		.counts = n->counts ? n->counts + f->hist : NULL,
		.lambda = r->p->lambda,
		.min_rows = r->min_rows,
	};
	double g = (double)quant_sum_g(n->sum) * r->sg;
	double h = (double)quant_sum_h(n->sum) * r->sh;
	double v = r->clipped ? split_value(r, g, h, n->low, n->high) : 0;
	unsigned nr;

	s.parent = split_score(r, r->p->lambda, g, h, v);
	if (f->other) {
		s.other = s.hist[f->nr - 1];
		s.other_rows = rows_of(&s, f->nr - 1);
	}
	if (f->nr <= r->p->max_cat_to_onehot) {
		one_by_one(&s);
		return;
	}
	s.lambda += r->p->cat_l2;
	nr = sort_categories(sorted, &s);
	prefixes(&s, sorted, nr, false);
	prefixes(&s, sorted, nr, true);
}
