/*
 * How good a model is on a table: metrics of all rows and of slices, a confusion
 * matrix, reliability, and bounds that metrics must keep. The table is read whole.
 * Values do not depend on the number of threads. Not thread-safe.
 */
#ifndef TRAIN_RUN_EVALUATE_H
#define TRAIN_RUN_EVALUATE_H

#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "store/base/vec.h"
#include "train/core/metric.h"
#include "train/data/read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct sink;

enum {
	EVALUATE_BINS = 10,	    /* of the reliability table */
	EVALUATE_SLICES_MAX = 1000, /* values of one slicing */
	EVALUATE_SLICE_ROWS = 30,   /* smaller slices keep no bounds, by default */
};

/* "auc" must be at least (at most) limit: of all rows, or of every slice. */
struct evaluate_bound {
	char *metric;
	double limit;
	bool is_max, of_slices;
};

struct evaluate_options {
	struct strvec metrics; /* none: the objective's */
	struct strvec slices;  /* "town", or "town,age" for a pair */
	VEC_OF(struct evaluate_bound) bounds;
	unsigned bins;		       /* quantile bins of a number's slices; 0: 4 */
	double threshold;	       /* of classes; NaN: the best one, 0: 0.5 */
	uint64_t slice_rows;	       /* 0: EVALUATE_SLICE_ROWS */
	char *target, *weight, *group; /* columns; NULL: the model's, none, the model's */
	bool no_header;
	unsigned threads;
	struct sink *sink;
};
void evaluate_options_release(struct evaluate_options *o);

/* "auc=0.8" becomes a bound. ERR_INVALID: no number, an unknown metric. */
int evaluate_bound_add(struct evaluate_options *o, const char *text, bool is_max,
		       bool of_slices, struct err *e) MUST_CHECK;

/*
 * A file of options (YAML): metrics, slices, bins, threshold, target, weight, group,
 * min, max, slice_min, slice_max (maps of metrics to numbers), slice_rows. What o has
 * already is kept; lists are added to. ERR_INVALID names an unknown key and the
 * nearest one.
 */
int evaluate_config(struct evaluate_options *o, struct slice text, const char *name,
		    struct err *e) MUST_CHECK;

struct evaluation {
	struct strvec metrics; /* names of the values below, in order */
	/* The first row is of all rows, slice and value NULL. */
	struct evaluate_row {
		char *slice, *value; /* "town", "Ulm" */
		uint64_t rows;
		struct metric_value *v; /* of each metric */
		bool *defined;		/* false: not for these rows */
	} * rows;
	size_t rows_nr;
	struct evaluate_check {
		const struct evaluate_bound *bound; /* of the options */
		const struct evaluate_row *row;
		double value;
		bool ok;
	} * checks;
	size_t checks_nr;
	bool passed; /* every bound is kept */

	unsigned classes;    /* 0: none */
	uint64_t *confusion; /* [label * classes + predicted] */
	struct reliability *reliability;
	unsigned reliability_nr;
};
void evaluation_release(struct evaluation *v);

/* ERR_INVALID: a column is missing, a metric is unknown or not defined for the model. */
int evaluate(struct evaluation *out, const struct model *m, struct data_file *files,
	     size_t files_nr, const struct evaluate_options *o, struct err *e) MUST_CHECK;

/*
 * How much worse the first metric gets when a feature's values are dealt out anew
 * among the rows (in the order of draws keyed by seed, feature and row): drop[j],
 * positive where the feature helped. value: with all as it is. metric: its name.
 */
struct permuted {
	char *metric;
	double value;
	double *drop; /* by feature of the model */
};
void permuted_release(struct permuted *p);
int permute(struct permuted *out, const struct model *m, struct data_file *files,
	    size_t files_nr, const struct evaluate_options *o, uint64_t seed,
	    struct err *e) MUST_CHECK;

#endif
