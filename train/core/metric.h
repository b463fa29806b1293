/*
 * Metrics, the same for any order of work: ranks by integer counting over sorted
 * margins, means by the blocked sum (blocks of 4,096 rows, eight accumulators,
 * fixed combination), so that every thread count and SIMD width gives one value.
 */
#ifndef TRAIN_CORE_METRIC_H
#define TRAIN_CORE_METRIC_H

#include "store/base/compiler.h"
#include "train/core/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* The one allowed floating sum over rows. Exact order: see fp_sum_* in the .c. */
struct blocked_sum {
	double lane[8], total;
	uint32_t n; /* rows in the block so far */
};
void blocked_sum_add(struct blocked_sum *s, double v);
void blocked_sum_many(struct blocked_sum *s, const double *v, size_t nr);
double blocked_sum_end(struct blocked_sum *s);

/* What is measured: predictions of nr rows, in the objective's own terms. */
struct metric_input {
	enum objective objective;
	unsigned outputs;
	const double *margin;	/* nr * outputs */
	const double *response; /* the same after the link; NULL: computed when needed */
	const double *label;
	const double *weight;  /* or NULL */
	const uint32_t *group; /* or NULL */
	const uint32_t *rows;  /* only these (a slice), or NULL: all */
	size_t nr;	       /* rows, or length of rows */
	double threshold;      /* of f1, accuracy, mcc: 0.5; NaN: the best one */
	double arg;	       /* objective's own (delta, alpha, power); a metric of
				* another objective takes 1, 0.5, 1.5 */
};

struct metric_value {
	double value;
	double low, high; /* 95 % interval (Wilson, DeLong), or NaN */
	uint64_t n;
};

/*
 * "auc", "ap", "logloss", "brier", "accuracy", "error", "precision", "recall", "f1",
 * "mcc", "ece" ("ece@K" bins, 10), "rmse", "mse", "mae", "mape", "r2", "pinball",
 * "huber", "fair", "poisson_deviance", "gamma_deviance", "tweedie_deviance",
 * "multi_logloss", "multi_error", "macro_f1", "micro_f1", "ndcg@K", "map@K" (whole
 * queries without "@K"), and a few aliases. A probability above the threshold is a
 * 1. mape divides by max(1, |label|), as the objective does. docs/design/
 * train-numbers.md says the rest.
 *
 * ERR_INVALID: unknown, with the nearest; or not defined for this objective or these
 * rows (one class only, all labels equal), with the reason. Thread-safe.
 */
int metric_compute(struct metric_value *out, const char *name,
		   const struct metric_input *in, struct err *e) MUST_CHECK;
bool metric_known(const char *name);
bool metric_higher_is_better(const char *name);
/* The metrics shown for an objective when none are asked for; the first one is that
 * which early stopping watches. NULL-terminated. */
const char *const *metric_defaults(enum objective o);

/* counts[label * classes + predicted] */
int metric_confusion(uint64_t *counts, unsigned classes, const struct metric_input *in,
		     struct err *e) MUST_CHECK;
/* Reliability: bins of equal mass; mean prediction, rate, n of each. */
struct reliability {
	double predicted, observed;
	uint64_t n;
};
int metric_reliability(struct reliability *out, unsigned bins,
		       const struct metric_input *in, struct err *e) MUST_CHECK;

#endif
