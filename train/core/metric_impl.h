/* Between the metrics' files; nothing else includes it. */
#ifndef TRAIN_CORE_METRIC_IMPL_H
#define TRAIN_CORE_METRIC_IMPL_H

#include "store/base/compiler.h"
#include "train/core/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct metric_work;

typedef int (*metric_fn)(struct metric_value *out, struct metric_work *w, struct err *e);

/* What a metric measures; decides for which objectives it is defined. */
enum metric_kind {
	METRIC_BINARY, /* a score and a label 0 or 1 */
	METRIC_CLASS,  /* class labels, two or more */
	METRIC_MULTI,  /* a row of class probabilities */
	METRIC_NUMBER, /* a number against a number */
	METRIC_RANK    /* rows of queries */
};

struct metric_info {
	const char *name;
	metric_fn run;
	enum metric_kind kind;
	bool higher_is_better;
	unsigned at; /* of "name@K" when K is left out; 0: takes no K */
};

/* By name, "@K" cut off into *k; or NULL. */
const struct metric_info *metric_find(const char *name, unsigned *k);
const char *metric_nearest(const char *name); /* or NULL */

/*
 * Rows of the input, chosen and in one form. Whatever is counted is counted in
 * integers: a weight is the nearest multiple of 2^-shift, so small that a sum of
 * them all is exact as a double. Rows are then free to come in any order.
 */
struct metric_work {
	const struct metric_input *in;
	const char *name;
	unsigned k;	     /* of "@K" */
	size_t nr;	     /* rows; in->rows[i] or i is the i-th */
	uint64_t *mass;	     /* by i, or NULL: 1 */
	uint64_t mass_all;   /* sum of it */
	double mass_squares; /* sum of its squares, for the effective number of rows */
};

static inline size_t metric_row(const struct metric_work *w, size_t i)
{
	return w->in->rows ? w->in->rows[i] : i;
}

static inline uint64_t metric_mass(const struct metric_work *w, size_t i)
{
	return w->mass ? w->mass[i] : 1;
}

static inline double metric_label(const struct metric_work *w, size_t i)
{
	return w->in->label[metric_row(w, i)];
}

static inline double metric_weight(const struct metric_work *w, size_t i)
{
	return w->in->weight ? w->in->weight[metric_row(w, i)] : 1;
}

/* After the link; of an objective with one output. */
double metric_response(const struct metric_work *w, size_t i);
/* The class that is predicted: the largest margin (the lowest of equals), or whether
 * the probability is above the threshold. */
unsigned metric_predicted(const struct metric_work *w, size_t i, double threshold);

/* ERR_INVALID unless every label is 0 or 1. */
int metric_need_binary(const struct metric_work *w, struct err *e) MUST_CHECK;
/* ERR_INVALID unless the objective gives probabilities of one class of two. */
int metric_need_probability(const struct metric_work *w, struct err *e) MUST_CHECK;
/* ERR_INVALID unless every label is one of 0 .. classes - 1. */
int metric_need_classes(const struct metric_work *w, unsigned classes,
			struct err *e) MUST_CHECK;
int metric_undefined(const struct metric_work *w, const char *why, struct err *e);

/* A rate of these rows, with Wilson's interval for the effective number of them:
 * (sum of weights)^2 / sum of squared weights. */
void metric_rate(struct metric_value *out, double hits, double all, double n_effective);
double metric_n_effective(const struct metric_work *w, double mass);

/* Rows in order of a score: ascending, equal scores in one group. */
struct metric_order {
	struct metric_scored {
		uint64_t key;
		uint32_t i;
		uint32_t positive; /* label 1: kept beside the key, where it is hot */
	} * v;
	size_t nr;
};
int metric_sort(struct metric_order *out, const struct metric_work *w, bool by_response,
		struct err *e) MUST_CHECK;
void metric_order_release(struct metric_order *o);
/* Mass of the group that begins at from, by label; returns its end. */
size_t metric_group(const struct metric_order *o, const struct metric_work *w,
		    size_t from, uint64_t mass[2]);

int metric_reliability_of(struct reliability *out, unsigned bins, struct metric_work *w,
			  struct err *e) MUST_CHECK;

/* The best score over all thresholds, from mass by [label][predicted]. */
int metric_best_threshold(double *best, const struct metric_work *w,
			  double (*score)(const double c[2][2]),
			  struct err *e) MUST_CHECK;

int metric_auc(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_ap(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_logloss(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_brier(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_accuracy(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_error(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_precision(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_recall(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_f1(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_mcc(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_ece(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_rmse(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_mse(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_mae(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_mape(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_r2(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_pinball(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_huber(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_fair(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_poisson(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_gamma(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_tweedie(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_multi_logloss(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_macro_f1(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_micro_f1(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_ndcg(struct metric_value *out, struct metric_work *w, struct err *e);
int metric_map(struct metric_value *out, struct metric_work *w, struct err *e);

#endif
