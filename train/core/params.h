/*
 * What a training is asked to do, as numbers and flags: the core's own view of a
 * configuration. train/run reads files and fills this; names of parameters there
 * are the names of the fields here.
 */
#ifndef TRAIN_CORE_PARAMS_H
#define TRAIN_CORE_PARAMS_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct table;

/* Rises when any model byte would change; golden digests guard it. */
#define TRAIN_CORE 1

enum model_type {
	MODEL_GBT,    /* gradient-boosted trees */
	MODEL_LINEAR, /* linear in the features, by the objective: least squares,
		       * logistic, multinomial, Poisson; L1 and L2 */
};

enum objective {
	OBJ_L2,
	OBJ_L1,
	OBJ_HUBER,
	OBJ_QUANTILE,
	OBJ_POISSON,
	OBJ_GAMMA,
	OBJ_TWEEDIE,
	OBJ_BINARY,
	OBJ_SOFTMAX,
	OBJ_OVA,
	OBJ_LAMBDARANK,
	OBJ_FAIR,
	OBJ_MAPE,
	OBJ_NR
};
/* "l2" .. ; also the usual aliases (regression, reg:squarederror, binary:logistic,
 * multiclass, ...). OBJ_NR when there is none of that name. */
enum objective objective_by_name(const char *name);
const char *objective_name(enum objective o);

enum grow {
	GROW_LEAF, /* the leaf of the largest gain next */
	GROW_DEPTH /* level by level */
};

enum row_key {
	ROW_KEY_INDEX,
	ROW_KEY_COLUMN,
	ROW_KEY_CONTENT
};

struct feature_set {
	uint32_t *v; /* columns of the table */
	size_t nr;
};

struct train_params {
	enum model_type type;
	enum objective objective;
	uint64_t seed;
	enum row_key row_key;

	/* objective */
	double huber_delta;	  /* 1 */
	double quantile_alpha;	  /* 0.5 */
	double tweedie_power;	  /* 1.5, in (1, 2) */
	double fair_c;		  /* 1 */
	double poisson_max_delta; /* 0.7 */
	double scale_pos_weight;  /* 1 */
	double *class_weights;	  /* by class, or NULL; borrowed, as all pointers here */
	size_t class_weights_nr;
	unsigned rank_truncation; /* 30 */

	/* boosting */
	unsigned trees;	      /* rounds, 100 */
	double learning_rate; /* 0.1 */
	enum grow grow;
	unsigned max_leaves; /* 31 */
	unsigned max_depth;  /* 0: no limit; with GROW_DEPTH 6 */
	unsigned max_bin;    /* 255, 2..255 */
	unsigned min_data_in_bin;
	unsigned min_data_in_leaf; /* 20; 1 where min_child_weight was given alone */
	double min_child_weight;   /* 1e-3 */
	double lambda, alpha, gamma;
	double max_delta_step; /* 0: none */
	int leaf_grid_bits;    /* -1: by the objective, -2: off */

	/* sampling */
	double feature_fraction, feature_fraction_bynode; /* 1 */
	double bagging_fraction;			  /* 1 */
	double pos_bagging_fraction, neg_bagging_fraction;
	unsigned bagging_freq; /* 0: no bagging; 1 where a fraction was given */
	bool bagging_by_query;
	double goss_top, goss_other; /* 0, 0: no GOSS */

	/* categories */
	unsigned max_cat_to_onehot; /* 4 */
	unsigned max_cat_threshold; /* 32 */
	double cat_smooth, cat_l2;  /* 10, 10 */
	unsigned min_data_per_group;

	/* constraints, by column of the table; NULL: none */
	const int8_t *monotone; /* -1, 0, 1 */
	size_t monotone_nr;
	const struct feature_set *interaction;
	size_t interaction_nr;

	/* stopping */
	unsigned patience; /* 0: none */
	double min_delta;
	const char *metric; /* the one that stops, NULL: the objective's own */

	/* linear */
	double l1, l2;	     /* 0, 1 */
	bool standardize;    /* true */
	double tolerance;    /* of the gradient's norm by row, 1e-8 */
	unsigned max_passes; /* 100; ten times as many where passes are cheap (L-BFGS) */
};

void train_params_init(struct train_params *p); /* the defaults above */
/* ERR_INVALID names the parameter, its value and its limits; with a table also what
 * does not fit it (labels of the objective, columns of constraints). */
int train_params_check(const struct train_params *p, const struct table *t,
		       struct err *e) MUST_CHECK;

#endif
