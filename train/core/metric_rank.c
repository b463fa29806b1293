/*
 * Metrics of ranked queries: the mean over queries, each weighing as much as its
 * rows do on average. A query without a relevant row counts 1: no order is wrong.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/fp.h"
#include "train/core/metric_impl.h"

#include <math.h>
#include <stdlib.h>

#define RELEVANCE_MAX 31
#define LN2	      0x1.62e42fefa39efp-1

struct ranked {
	double s, y;
};

typedef double (*query_fn)(struct ranked *v, size_t nr, size_t k);

static int by_margin(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->s != y->s)
		return x->s < y->s ? 1 : -1;
	return (x->y > y->y) - (x->y < y->y);
}

static int by_relevance(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->y < y->y) - (x->y > y->y);
}

static double gain_of(double y)
{
	return (double)(((uint64_t)1 << (unsigned)y) - 1);
}

static double discount(size_t rank)
{
	return LN2 / fp_log((double)(rank + 2));
}

/* Rows of one margin share their ranks: each has the mean of what any order of them
 * would give. */
static double dcg(const struct ranked *v, size_t nr, size_t k)
{
	double sum = 0;

	for (size_t from = 0, to; from < MIN_OF(nr, k); from = to) {
		double gains = 0, discounts = 0;

		for (to = from; to < nr && v[to].s == v[from].s; to++) {
			gains += gain_of(v[to].y);
			discounts += to < k ? discount(to) : 0;
		}
		sum += gains / (double)(to - from) * discounts;
	}
	return sum;
}

static double ndcg(struct ranked *v, size_t nr, size_t k)
{
	double got, best = 0;

	qsort(v, nr, sizeof(*v), by_margin);
	got = dcg(v, nr, k);
	qsort(v, nr, sizeof(*v), by_relevance);
	for (size_t i = 0; i < MIN_OF(nr, k); i++)
		best += gain_of(v[i].y) * discount(i);
	return best > 0 ? got / best : 1;
}

/* Of equal margins the less relevant row is taken to come first. */
static double average_precision(struct ranked *v, size_t nr, size_t k)
{
	size_t relevant = 0, hits = 0;
	double sum = 0;

	qsort(v, nr, sizeof(*v), by_margin);
	for (size_t i = 0; i < nr; i++)
		relevant += v[i].y > 0;
	for (size_t i = 0; i < MIN_OF(nr, k); i++)
		if (v[i].y > 0)
			sum += (double)++hits / (double)(i + 1);
	return relevant > 0 ? sum / (double)MIN_OF(relevant, k) : 1;
}

static int check(const struct metric_work *w, struct err *e)
{
	if (w->in->outputs != 1)
		return metric_undefined(w, "the model has more than one output", e);
	for (size_t i = 0; i < w->nr; i++) {
		double y = metric_label(w, i);

		if (!(y >= 0 && y <= RELEVANCE_MAX && y == floor(y)))
			return err_set(e, ERR_INVALID,
				       "metric '%s': row %zu has relevance %.17g, not a "
				       "whole number from 0 to 31",
				       w->name, metric_row(w, i), y);
	}
	return 0;
}

static int queries(struct metric_value *out, const struct metric_work *w, query_fn fn,
		   struct err *e)
{
	struct blocked_sum sum = {0}, weights = {0};
	struct ranked *v = NULL;
	uint64_t nr = 0;
	void *p;
	int r;

	if ((r = check(w, e)) < 0 ||
	    (r = try_alloc(&p, w->nr, sizeof(*v), "queries", e)) < 0)
		return r;
	v = p;
	for (size_t from = 0, to; from < w->nr; from = to, nr++) {
		uint32_t query = w->in->group[metric_row(w, from)];
		double weight = 0;

		for (to = from; to < w->nr && w->in->group[metric_row(w, to)] == query;
		     to++) {
			v[to].s = w->in->margin[metric_row(w, to)];
			v[to].y = metric_label(w, to);
			weight += metric_weight(w, to);
		}
		weight /= (double)(to - from);
		blocked_sum_add(&sum, weight * fn(v + from, to - from, w->k));
		blocked_sum_add(&weights, weight);
	}
	out->value = blocked_sum_end(&sum) / blocked_sum_end(&weights);
	out->n = nr;
	free(v);
	return 0;
}

int metric_ndcg(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return queries(out, w, ndcg, e);
}

int metric_map(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return queries(out, w, average_precision, e);
}
