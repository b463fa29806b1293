/*
 * Order statistics over rows, and leaves that take theirs from them.
 *
 * The alpha-quantile of weighted values: every x that minimises the pinball loss
 * lies between the least value whose weight, with all below, reaches alpha of the
 * whole and the least value whose weight exceeds it; we take the middle of the
 * two. With equal weights and alpha 1/2 that is the median as everyone knows it.
 *
 * Selection goes by the digits of an integer key that sorts like the value, so
 * shards need to add up counters only, and nothing is sorted.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/objective_impl.h"
#include "train/core/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS	   8
#define DIGIT_BITS 8
#define DIGIT_NR   256

static uint64_t key_of(double v)
{
	uint64_t bits;

	v += 0.0; /* -0 is 0 */
	memcpy(&bits, &v, sizeof(bits));
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double value_of(uint64_t key)
{
	double v;

	key = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
	memcpy(&v, &key, sizeof(v));
	return v;
}

/* Those whose key has this digit move to the front; returns how many. */
static size_t keep_digit(struct order_item *v, size_t nr, unsigned shift, unsigned digit)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++) {
		struct order_item item = v[i];

		if ((key_of(item.v) >> shift & (DIGIT_NR - 1)) == digit) {
			v[i] = v[kept];
			v[kept++] = item;
		}
	}
	return kept;
}

/* The least value above v; when there is none, v. */
static int next_above(const struct objective_state *o, const struct order_item *item,
		      size_t nr, double v, double *out, struct err *e)
{
	double least = INFINITY;
	int r;

	for (size_t i = 0; i < nr; i++)
		if (item[i].v > v && item[i].v < least)
			least = item[i].v;
	least = -least;
	if ((r = objective_max(o, &least, 1, e)) < 0)
		return r;
	*out = isinf(least) ? v : -least;
	return 0;
}

/* The least value at which the weight so far is >= target; *upto is that weight. */
static int select_at(const struct objective_state *o, struct order_item *v, size_t nr,
		     double target, double *out, double *upto, struct err *e)
{
	uint64_t sums[DIGIT_NR], below = 0, key = 0;

	for (unsigned at = 0; at < DIGITS; at++) {
		unsigned shift = 64 - DIGIT_BITS * (at + 1), digit = 0;
		int r;

		memset(sums, 0, sizeof(sums));
		for (size_t i = 0; i < nr; i++)
			sums[key_of(v[i].v) >> shift & (DIGIT_NR - 1)] += v[i].w;
		if ((r = objective_sum(o, sums, DIGIT_NR, e)) < 0)
			return r;
		while (digit < DIGIT_NR - 1 &&
		       (sums[digit] == 0 || (double)(below + sums[digit]) < target))
			below += sums[digit++];
		nr = keep_digit(v, nr, shift, digit);
		key = key << DIGIT_BITS | digit;
		*upto = (double)(below + sums[digit]);
	}
	*out = value_of(key);
	return 0;
}

int objective_quantile(const struct objective_state *o, struct order_item *v, size_t nr,
		       double alpha, double *out, struct err *e)
{
	uint64_t all = 0;
	double low, high, upto, target;
	int r;

	for (size_t i = 0; i < nr; i++)
		all += v[i].w;
	if ((r = objective_sum(o, &all, 1, e)) < 0)
		return r;
	if (all == 0) {
		*out = 0;
		return 0;
	}
	target = alpha * (double)all;
	if ((r = select_at(o, v, nr, target, &low, &upto, e)) < 0)
		return r;
	if (upto > target) {
		*out = low;
		return 0;
	}
	if ((r = next_above(o, v, nr, low, &high, e)) < 0)
		return r;
	*out = low + (high - low) / 2;
	return 0;
}

uint64_t objective_row_weight(const struct objective_state *o, size_t row)
{
	double w = o->w ? o->w[row] : 1;
	int shift = o->weight_shift;

	if (o->objective == OBJ_MAPE) {
		double size = fabs(o->t->label[row]);

		w /= size > 1 ? size : 1;
		shift = fixed_shift(o->weight_max, o->rows) - 9;
	}
	w = rint(ldexp(w, shift));
	return w > 1 ? (uint64_t)w : 1;
}

/* Mean of the residuals' distance to the middle, each cut at the bound: what Huber's
 * loss adds to the median. */
static int clipped_mean(const struct objective_state *o, const struct order_item *v,
			size_t nr, double middle, double *out, struct err *e)
{
	double bound = o->arg, top = 0, scale;
	uint64_t sum[2] = {0, 0};
	int shift, r;

	for (size_t i = 0; i < nr; i++) {
		double d = fabs(v[i].v - middle);

		d = MIN_OF(d, bound);
		top = MAX_OF(top, d * (double)v[i].w);
	}
	if ((r = objective_max(o, &top, 1, e)) < 0)
		return r;
	shift = fixed_shift(top, o->rows);
	scale = ldexp(1, shift);
	for (size_t i = 0; i < nr; i++) {
		double d = v[i].v - middle;

		d = MAX_OF(-bound, MIN_OF(d, bound));
		sum[0] += (uint64_t)fixed_term(d * (double)v[i].w, scale);
		sum[1] += v[i].w;
	}
	if ((r = objective_sum(o, sum, 2, e)) < 0)
		return r;
	*out = sum[1] == 0 ? 0 : ldexp((double)(int64_t)sum[0], -shift) / (double)sum[1];
	return 0;
}

int objective_renew(struct objective_state *o, const double *score, const uint32_t *rows,
		    size_t nr, double *value, struct err *e)
{
	double alpha = o->objective == OBJ_QUANTILE ? o->arg : 0.5, middle, more = 0;
	struct order_item *v = NULL;
	void *p;
	int r;

	if ((r = try_alloc(&p, nr, sizeof(*v), "residuals", e)) < 0)
		return r;
	v = p;
	for (size_t i = 0; i < nr; i++) {
		v[i].v = o->t->label[rows[i]] - score[rows[i]];
		v[i].w = objective_row_weight(o, rows[i]);
	}
	if ((r = objective_quantile(o, v, nr, alpha, &middle, e)) < 0)
		goto out;
	if (o->objective == OBJ_HUBER &&
	    (r = clipped_mean(o, v, nr, middle, &more, e)) < 0)
		goto out;
	*value = middle + more;
out:
	free(v);
	return r;
}
