/*
 * The margin to begin with: the constant that fits the labels best, from sums of
 * integers and from sorted order, so that it is the same for any shards and any
 * order of rows.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/fp.h"
#include "train/core/objective_impl.h"
#include "train/core/table.h"

#include <math.h>
#include <stdlib.h>

/* A class without rows, a count that is never above zero: the margin of a
 * probability or a mean that is as good as none. */
#define RATE_MIN 1e-15
#define MEAN_MIN 1e-10

static double weight_at(const struct objective_state *o, size_t i)
{
	return o->w ? o->w[i] : 1;
}

/* sum of w*y / sum of w */
static int weighted_mean(struct objective_state *o, double *mean, struct err *e)
{
	const double *y = o->t->label;
	double top = 0, scale_y, scale_w;
	uint64_t sum[2] = {0, 0};
	int shift_y, shift_w, r;

	for (size_t i = 0; i < o->t->rows; i++)
		top = MAX_OF(top, fabs(weight_at(o, i) * y[i]));
	if ((r = objective_max(o, &top, 1, e)) < 0)
		return r;
	shift_y = fixed_shift(top, o->rows);
	shift_w = fixed_shift(o->weight_max, o->rows);
	scale_y = ldexp(1, shift_y);
	scale_w = ldexp(1, shift_w);
	for (size_t i = 0; i < o->t->rows; i++) {
		sum[0] += (uint64_t)fixed_term(weight_at(o, i) * y[i], scale_y);
		sum[1] += (uint64_t)fixed_term(weight_at(o, i), scale_w);
	}
	if ((r = objective_sum(o, sum, 2, e)) < 0)
		return r;
	*mean = ldexp((double)(int64_t)sum[0], -shift_y) /
		ldexp((double)(int64_t)sum[1], -shift_w);
	return 0;
}

/* Weight of each of nr classes, as integers; their sum in *all. */
static int class_sums(struct objective_state *o, uint64_t *sums, size_t nr, double *all,
		      struct err *e)
{
	double scale = ldexp(1, fixed_shift(o->weight_max, o->rows));
	unsigned present = 0;
	int r;

	for (size_t i = 0; i < o->t->rows; i++)
		sums[(size_t)o->t->label[i]] +=
			(uint64_t)fixed_term(weight_at(o, i), scale);
	if ((r = objective_sum(o, sums, nr, e)) < 0)
		return r;
	*all = 0;
	for (size_t k = 0; k < nr; k++) {
		*all += (double)(int64_t)sums[k];
		present += sums[k] > 0;
	}
	if (present < 2)
		return err_set(
			e, ERR_INVALID,
			"all rows have the same class of '%s': there is nothing to "
			"learn",
			o->t->label_name ? o->t->label_name : "label");
	return 0;
}

static double log_odds(double rate)
{
	rate = MAX_OF(rate, RATE_MIN);
	rate = MIN_OF(rate, 1 - RATE_MIN);
	return fp_log(rate / (1 - rate));
}

static int init_classes(struct objective_state *o, double *margin, struct err *e)
{
	size_t nr = MAX_OF(o->outputs, 2u);
	uint64_t *sums = xcalloc(nr, sizeof(*sums));
	double all;
	int r;

	if ((r = class_sums(o, sums, nr, &all, e)) < 0)
		goto out;
	if (o->objective == OBJ_BINARY)
		margin[0] = fp_log((double)sums[1] / (double)sums[0]);
	for (size_t k = 0; o->objective != OBJ_BINARY && k < nr; k++) {
		double rate = (double)sums[k] / all;

		margin[k] = o->objective == OBJ_OVA ? log_odds(rate)
						    : fp_log(MAX_OF(rate, RATE_MIN));
	}
out:
	free(sums);
	return r;
}

static int init_order(struct objective_state *o, double alpha, double *margin,
		      struct err *e)
{
	struct order_item *v = NULL;
	void *p;
	int r;

	if ((r = try_alloc(&p, o->t->rows, sizeof(*v), "labels", e)) < 0)
		return r;
	v = p;
	for (size_t i = 0; i < o->t->rows; i++) {
		v[i].v = o->t->label[i];
		v[i].w = objective_row_weight(o, i);
	}
	r = objective_quantile(o, v, o->t->rows, alpha, margin, e);
	free(v);
	return r;
}

int objective_init(struct objective_state *o, double *margin, struct err *e)
{
	double mean;
	int r;

	switch (o->objective) {
	case OBJ_L2:
		return weighted_mean(o, margin, e);
	case OBJ_POISSON:
	case OBJ_GAMMA:
	case OBJ_TWEEDIE:
		if ((r = weighted_mean(o, &mean, e)) == 0)
			margin[0] = fp_log(MAX_OF(mean, MEAN_MIN));
		return r;
	case OBJ_BINARY:
	case OBJ_SOFTMAX:
	case OBJ_OVA:
		return init_classes(o, margin, e);
	case OBJ_LAMBDARANK:
		margin[0] = 0;
		return 0;
	case OBJ_QUANTILE:
		return init_order(o, o->arg, margin, e);
	default:
		return init_order(o, 0.5, margin, e);
	}
}
