/* Which rows and features a tree sees: every draw a function of keys. */
#include "train/core/gbt.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/rng.h"
#include "train/core/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ------------------------------------------------------------------------ */

static bool bags(const struct train_params *p)
{
	return p->bagging_freq > 0 &&
	       (p->bagging_fraction < 1 || p->pos_bagging_fraction < 1 ||
		p->neg_bagging_fraction < 1);
}

static bool goss(const struct train_params *p)
{
	return p->goss_top > 0 || p->goss_other > 0;
}

struct keyed {
	uint64_t key;
	uint64_t row;
};

static int by_key(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

/*
 * Rows with equal content have equal keys, and would enter a bag together: their
 * keys for bagging are told apart by their rank among equals, over all shards.
 */
static int rank_equals(struct gbt *g, struct err *e)
{
	struct buf all = {0};
	size_t rows = g->t->rows, nr, mine = 0;
	uint64_t *counts = xcalloc(g->comm->size, sizeof(*counts)), rank = 0;
	struct keyed *k = NULL;
	int r;

	counts[g->comm->rank] = rows;
	if ((r = g->comm->sum_u64(g->comm->ctx, counts, g->comm->size, e)) < 0 ||
	    (r = g->comm->allgatherv(g->comm->ctx, g->t->key, rows * sizeof(uint64_t),
				     &all, e)) < 0)
		goto out;
	for (unsigned i = 0; i < g->comm->rank; i++)
		mine += counts[i];
	nr = all.n / sizeof(uint64_t);
	k = xcalloc(nr + 1, sizeof(*k));
	for (size_t i = 0; i < nr; i++) {
		memcpy(&k[i].key, all.p + i * sizeof(uint64_t), sizeof(uint64_t));
		k[i].row = i;
	}
	qsort(k, nr, sizeof(*k), by_key);
	for (size_t i = 0; i < nr; i++) {
		rank = i > 0 && k[i].key == k[i - 1].key ? rank + 1 : 0;
		if (k[i].row >= mine && k[i].row < mine + rows)
			g->bag_key[k[i].row - mine] = k[i].key + rank;
	}
out:
	free(k);
	free(counts);
	buf_release(&all);
	return r;
}

int sample_init(struct gbt *g, struct err *e)
{
	void *p = NULL;
	int r;

	g->bag_nr = g->t->rows;
	if (!bags(g->p) && !goss(g->p))
		return 0;
	if ((r = try_alloc(&p, g->t->rows, 1, "bag of rows", e)) < 0)
		return r;
	g->out = p;
	g->held += g->t->rows;
	if (g->p->row_key != ROW_KEY_CONTENT || !g->t->key)
		return 0;
	p = NULL;
	if ((r = try_alloc(&p, g->t->rows, sizeof(uint64_t), "keys of rows", e)) < 0)
		return r;
	g->bag_key = p;
	g->held += g->t->rows * sizeof(uint64_t);
	return rank_equals(g, e);
}

static double bag_share(const struct gbt *g, size_t row)
{
	const struct train_params *p = g->p;

	if (p->pos_bagging_fraction < 1 || p->neg_bagging_fraction < 1)
		return g->t->label[row] > 0 ? p->pos_bagging_fraction
					    : p->neg_bagging_fraction;
	return p->bagging_fraction;
}

static uint64_t bag_key(const struct gbt *g, size_t row)
{
	if (g->p->bagging_by_query && g->t->group)
		return g->t->group[row];
	return g->bag_key ? g->bag_key[row] : table_key(g->t, row);
}

static void draw_bag(struct gbt *g, unsigned round)
{
	uint64_t base = rng_base(g->p->seed, RNG_BAG, round / g->p->bagging_freq);

	for (size_t i = 0; i < g->t->rows; i++)
		g->out[i] = !rng_below(rng_at(base, bag_key(g, i)), bag_share(g, i));
}

static void list_rows(struct gbt *g)
{
	uint32_t *rows = g->rows;
	size_t nr = 0, all = g->t->rows;

	for (size_t i = 0; !g->out && i < all; i++)
		rows[i] = (uint32_t)i;
	for (size_t i = 0; g->out && i < all; i++) {
		rows[nr] = (uint32_t)i;
		nr += !g->out[i];
	}
	g->bag_nr = g->out ? nr : all;
}

void sample_bag(struct gbt *g, unsigned round)
{
	if (bags(g->p) && !goss(g->p))
		draw_bag(g, round);
	if (!goss(g->p))
		list_rows(g);
}

#define LEVELS 32768

static unsigned magnitude(uint32_t packed)
{
	int q = (int16_t)(packed >> 16);

	return (unsigned)(q < 0 ? -q : q);
}

/* The largest t so that at least the top share of rows has |q| >= t. */
static int goss_level(const struct gbt *g, unsigned *level, struct err *e)
{
	uint64_t *count = xcalloc(LEVELS, sizeof(*count)), above = 0;
	double want = g->p->goss_top * (double)g->total;
	unsigned t = LEVELS;
	int r;

	for (size_t i = 0; i < g->t->rows; i++)
		count[magnitude(g->packed[i])]++;
	if ((r = g->comm->sum_u64(g->comm->ctx, count, LEVELS, e)) == 0) {
		while (t > 0 && (double)above < want)
			above += count[--t];
		*level = t;
	}
	free(count);
	return r;
}

int sample_goss(struct gbt *g, struct err *e)
{
	const struct train_params *p = g->p;
	double rest = 1 - p->goss_top, times = rest / p->goss_other;
	uint64_t base = rng_base(p->seed, RNG_BAG, g->tree_index);
	double max[2] = {0, 0};
	unsigned level = 0;
	int r;

	if (!goss(p))
		return 0;
	if ((r = goss_level(g, &level, e)) < 0)
		return r;
	for (size_t i = 0; i < g->t->rows; i++) {
		bool top = magnitude(g->packed[i]) >= level;
		uint64_t draw = rng_at(base, bag_key(g, i));

		g->out[i] = !top &&
			    !(p->goss_other > 0 && rng_below(draw, p->goss_other / rest));
		if (!top && !g->out[i]) {
			g->g[i] = (float)((double)g->g[i] * times);
			g->h[i] = (float)((double)g->h[i] * times);
		}
		if (g->out[i])
			continue;
		max[0] = fabs((double)g->g[i]) > max[0] ? fabs((double)g->g[i]) : max[0];
		max[1] = (double)g->h[i] > max[1] ? (double)g->h[i] : max[1];
	}
	list_rows(g);
	if ((r = g->comm->max_f64(g->comm->ctx, max, 2, e)) < 0)
		return r;
	g->max_g = max[0];
	g->max_h = max[1];
	return 0;
}

/* ---- features ---------------------------------------------------------------------- */

/* Exactly share of them, those with the smallest draws; kept in ascending order. */
static size_t draw_features(uint32_t *out, const struct gbt *g, const uint32_t *from,
			    size_t nr, double share, uint64_t base)
{
	size_t want = (size_t)((double)nr * share + 0.5), kept = 0;
	struct keyed *k;
	bool *in;

	want = MAX_OF(want, (size_t)1);
	if (want >= nr) {
		memmove(out, from, nr * sizeof(*out));
		return nr;
	}
	k = xcalloc(nr, sizeof(*k));
	in = xcalloc(nr, sizeof(*in));
	for (size_t i = 0; i < nr; i++)
		k[i] = (struct keyed){rng_at(base, g->bins.f[from[i]].column), i};
	qsort(k, nr, sizeof(*k), by_key);
	for (size_t i = 0; i < want; i++)
		in[k[i].row] = true;
	for (size_t i = 0; i < nr; i++)
		if (in[i])
			out[kept++] = from[i];
	free(in);
	free(k);
	return kept;
}

void sample_tree_features(struct gbt *g)
{
	for (size_t i = 0; i < g->bins.nr; i++)
		g->features[i] = (uint32_t)i;
	g->features_nr = g->bins.nr;
	if (g->p->feature_fraction < 1 && g->bins.nr > 0)
		g->features_nr = draw_features(
			g->features, g, g->features, g->bins.nr, g->p->feature_fraction,
			rng_base(g->p->seed, RNG_COL, g->tree_index));
}

size_t sample_node_features(struct gbt *g, uint32_t node)
{
	uint64_t base =
		rng_base(g->p->seed, RNG_COL,
			 g->tree_index + ((uint64_t)node + 1) * ((uint64_t)1 << 32));

	return draw_features(g->node_features, g, g->features, g->features_nr,
			     g->p->feature_fraction_bynode, base);
}
