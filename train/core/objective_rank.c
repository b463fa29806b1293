/*
 * LambdaRank: each pair of a query's rows with different relevance pulls them apart
 * by the logistic loss of their margins' difference, weighted by how much NDCG would
 * change if they swapped ranks. Pairs count whose better rank is within the
 * truncation. Ranks are by (margin descending, row key, row); pairs are summed in
 * order of ranks, so a query's numbers depend on nothing but the query.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/fp.h"
#include "train/core/fp_lanes.h"
#include "train/core/objective_impl.h"
#include "train/core/table.h"

#include <math.h>
#include <stdlib.h>

#define LN2 0x1.62e42fefa39efp-1

struct rank {
	const struct table *t;
	unsigned truncation;
	size_t *start; /* [queries + 1] */
	size_t queries;
	double *inverse_best; /* by query: 1 / DCG of the best order, 0 when it is 0 */
	double *discount;     /* by rank: 1 / log2(2 + rank); as long as a query is */
	size_t longest;
	/* Scratch by row, so that queries may be worked on at once. */
	struct ranked {
		double s;
		uint64_t key;
		size_t row;
		double g, h;
	} * item;
};

static double gain_of(double relevance)
{
	return (double)(((uint64_t)1 << (unsigned)relevance) - 1);
}

static int by_relevance_down(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

static int by_margin_down(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->s != y->s)
		return x->s < y->s ? 1 : -1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static int find_queries(struct rank *r, const struct table *t, struct err *e)
{
	void *p;
	int rc;

	for (size_t i = 0; i < t->rows; i++)
		r->queries += i == 0 || t->group[i] != t->group[i - 1];
	if ((rc = try_alloc(&p, r->queries + 1, sizeof(size_t), "queries", e)) < 0)
		return rc;
	r->start = p;
	r->queries = 0;
	for (size_t i = 0; i < t->rows; i++)
		if (i == 0 || t->group[i] != t->group[i - 1])
			r->start[r->queries++] = i;
	r->start[r->queries] = t->rows;
	for (size_t q = 0; q < r->queries; q++)
		r->longest = MAX_OF(r->longest, r->start[q + 1] - r->start[q]);
	return 0;
}

/* The best order's DCG, of the ranks within the truncation. */
static int find_best(struct rank *r, const struct table *t, struct err *e)
{
	double *y = NULL;
	void *p;
	int rc;

	if ((rc = try_alloc(&p, r->longest + 1, sizeof(double), "discounts", e)) < 0)
		return rc;
	r->discount = p;
	for (size_t k = 0; k < r->longest; k++)
		r->discount[k] = LN2 / fp_log((double)(k + 2));
	if ((rc = try_alloc(&p, r->queries + 1, sizeof(double), "best orders", e)) < 0)
		return rc;
	r->inverse_best = p;
	if ((rc = try_alloc(&p, r->longest + 1, sizeof(double), "relevances", e)) < 0)
		return rc;
	y = p;
	for (size_t q = 0; q < r->queries; q++) {
		size_t nr = r->start[q + 1] - r->start[q];
		double sum = 0;

		for (size_t i = 0; i < nr; i++)
			y[i] = t->label[r->start[q] + i];
		qsort(y, nr, sizeof(*y), by_relevance_down);
		for (size_t i = 0; i < MIN_OF(nr, (size_t)r->truncation); i++)
			sum += gain_of(y[i]) * r->discount[i];
		r->inverse_best[q] = sum > 0 ? 1 / sum : 0;
	}
	free(y);
	return 0;
}

int rank_new(struct rank **out, const struct table *t, unsigned truncation, struct err *e)
{
	struct rank *r = xcalloc(1, sizeof(*r));
	void *p;
	int rc;

	r->t = t;
	r->truncation = truncation;
	if ((rc = find_queries(r, t, e)) < 0 || (rc = find_best(r, t, e)) < 0 ||
	    (rc = try_alloc(&p, t->rows, sizeof(*r->item), "ranks", e)) < 0)
		goto out;
	r->item = p;
	*out = r;
	r = NULL;
out:
	rank_free(r);
	return rc;
}

void rank_free(struct rank *r)
{
	if (!r)
		return;
	free(r->start);
	free(r->inverse_best);
	free(r->discount);
	free(r->item);
	free(r);
}

/* The query that begins at row or after it. */
static size_t query_from(const struct rank *r, size_t row)
{
	size_t low = 0, high = r->queries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->start[middle] < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t rank_cut(const struct rank *r, size_t row)
{
	return r->start[query_from(r, row)];
}

/* One pair, ranks i < k. Returns the size of its pull. */
static double add_pair(const struct rank *r, struct ranked *v, size_t i, size_t k,
		       double scale, bool spread)
{
	double yi = r->t->label[v[i].row], yk = r->t->label[v[k].row];
	struct ranked *up = yi > yk ? &v[i] : &v[k], *down = yi > yk ? &v[k] : &v[i];
	double apart = up->s - down->s, change, p, pull, bend;

	change = fabs(gain_of(yi) - gain_of(yk)) * fabs(r->discount[i] - r->discount[k]) *
		 scale;
	/* Margins that differ much already need no more pull from small swaps. */
	if (spread)
		change /= 0.01 + fabs(apart);
	p = 1 / (1 + fp_exp_inline(apart));
	pull = p * change;
	bend = p * (1 - p) * change;
	up->g -= pull;
	down->g += pull;
	up->h += bend;
	down->h += bend;
	return pull;
}

static void query_pairs(struct rank *r, size_t q, const double *score)
{
	struct ranked *v = r->item + r->start[q];
	size_t nr = r->start[q + 1] - r->start[q];
	double pulls = 0;

	for (size_t i = 0; i < nr; i++) {
		size_t row = r->start[q] + i;

		v[i] = (struct ranked){score[row], table_key(r->t, row), row, 0, 0};
	}
	if (nr < 2 || r->inverse_best[q] == 0)
		return;
	qsort(v, nr, sizeof(*v), by_margin_down);
	for (size_t i = 0; i < MIN_OF(nr, (size_t)r->truncation); i++)
		for (size_t k = i + 1; k < nr; k++)
			if (r->t->label[v[i].row] != r->t->label[v[k].row])
				pulls += 2 * add_pair(r, v, i, k, r->inverse_best[q],
						      v[0].s != v[nr - 1].s);
	/* Long queries with many pairs must not drown the others. */
	if (pulls > 0) {
		double factor = fp_log(1 + pulls) / (LN2 * pulls);

		for (size_t i = 0; i < nr; i++) {
			v[i].g *= factor;
			v[i].h *= factor;
		}
	}
}

void rank_gradients(struct objective_state *o, const double *score, size_t from,
		    size_t to, float *g, float *h, double max[2])
{
	struct rank *r = o->rank;

	for (size_t q = query_from(r, from); q < r->queries && r->start[q] < to; q++) {
		query_pairs(r, q, score);
		for (size_t i = r->start[q]; i < r->start[q + 1]; i++) {
			const struct ranked *v = &r->item[i];
			double w = o->w ? o->w[v->row] : 1, abs_g;

			g[v->row] = to_f32(v->g * w);
			h[v->row] = to_f32(v->h * w);
			abs_g = (double)fabsf(g[v->row]);
			max[0] = MAX_OF(max[0], abs_g);
			max[1] = MAX_OF(max[1], (double)h[v->row]);
		}
	}
}
