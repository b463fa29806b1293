/*
 * A model: what training gives and prediction needs. Trees or weights, the
 * features as they were read, and the attributes that say where it came from.
 *
 * Trees are flat arrays in order of creation, node 0 the root, a node's children
 * behind it, left before right. All-zero is empty; a model owns what is in it.
 */
#ifndef TRAIN_CORE_MODEL_H
#define TRAIN_CORE_MODEL_H

#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "train/core/params.h"
#include "train/core/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct team;

/*
 * Numeric: left when x < cut (binary32 compare). Categorical: RIGHT when the code
 * is in the set; everything else, missing and unseen included, left. A missing
 * number goes left when default_left.
 */
struct node {
	int32_t left, right; /* -1: a leaf */
	int32_t parent;	     /* -1: the root */
	uint32_t feature;    /* index into the model's features */
	float cut;
	bool default_left, categorical;
	uint32_t set, set_nr; /* categorical: ascending codes, in tree.sets from set on;
			       * one at least */
	double value;	      /* leaf; on the grid where there is one */
	float gain, cover;    /* of a split; sum of hessians of any node */
	float weight;	      /* the value this node would have as a leaf */
	uint64_t rows;	      /* of training that came here */
};

struct tree {
	struct node *nodes;
	size_t nr;
	uint32_t *sets; /* codes of the sets, one behind the other */
	size_t sets_nr;
};

struct model {
	enum model_type type;
	enum objective objective;
	double objective_arg;	 /* delta, alpha, power ...; 0 where there is none */
	double scale_pos_weight; /* 1 */
	struct feature *features;
	size_t features_nr;
	char *target;
	char **classes; /* names by class, or NULL */
	size_t classes_nr;
	unsigned outputs; /* margins per row: 1, or the classes */
	double *base;	  /* margin before any tree, by output; on the grid */
	int grid_bits;	  /* values are multiples of 2^-grid_bits; -2: no grid */

	struct tree *trees; /* tree t belongs to output t % outputs */
	size_t trees_nr;

	/* MODEL_LINEAR: per output nr weights over the expanded inputs (a numeric
	 * feature is one, a categorical one as many as it has categories) and a bias:
	 * weights[k * weights_nr + input]. Of raw values: standardisation is folded in.
	 * A category that is missing or unseen adds nothing. */
	double *weights, *bias;
	size_t weights_nr;
	double *fill; /* by feature (features_nr): what a missing number is read as */

	/* Sorted by name. "lode.config", "lode.data" and so on; strings. */
	struct attribute {
		char *name, *value;
	} * attributes;
	size_t attributes_nr;
};

void model_release(struct model *m);
void model_attribute_set(struct model *m, const char *name, const char *value);
const char *model_attribute(const struct model *m, const char *name); /* or NULL */

/* The canonical document: XGBoost's JSON shape, one newline at the end. Equal
 * models give equal bytes, everywhere. Linear models have a shape of their own
 * (docs/format/model.md). */
void model_json(struct buf *out, const struct model *m);

/* Any JSON model of ours, and XGBoost's where it holds what we can say. ERR_CORRUPT
 * and ERR_UNSUPPORTED name the place. Never trusts a size or an index. */
int model_read(struct model *out, struct slice text, const char *name,
	       struct err *e) MUST_CHECK;

/* Other forms. ERR_UNSUPPORTED says what the form cannot hold. */
int model_lightgbm(struct buf *out, const struct model *m, struct err *e) MUST_CHECK;
int model_onnx(struct buf *out, const struct model *m, struct err *e) MUST_CHECK;
int model_ubjson(struct buf *out, const struct model *m, struct err *e) MUST_CHECK;

/*
 * Margins of rows [from, to) of a table whose columns are the model's features in
 * order: out[(row - from) * outputs + k], base and trees added in order in binary64
 * (exact on a grid). model_response turns margins into what a user reads: a
 * probability, a mean, a row of class probabilities; in place.
 */
void model_margins(const struct model *m, const struct table *t, size_t from, size_t to,
		   double *out);
void model_response(const struct model *m, double *v, size_t rows);

/* The leaf each tree puts a row into; one tree onto margins. For the trainer's
 * validation rows, and for importance. */
uint32_t tree_leaf(const struct model *m, const struct tree *tree, const struct table *t,
		   size_t row);

enum importance {
	IMPORTANCE_GAIN,
	IMPORTANCE_SPLIT,
	IMPORTANCE_COVER
};
void model_importance(const struct model *m, enum importance what,
		      double *out /* features_nr */);

/*
 * What each feature adds to a row's margins: out[k * (features_nr + 1) + feature], and
 * behind the features what is expected without any (base included). They add up to the
 * margin, but for rounding. By the covers of nodes, as XGBoost's pred_contribs. Made
 * once for a model, which outlives it; rows from any thread. ERR_UNSUPPORTED: a linear
 * model, a tree deeper than 512.
 */
struct model_shap;
int model_shap_new(struct model_shap **out, const struct model *m,
		   struct err *e) MUST_CHECK;
void model_shap_free(struct model_shap *s); /* accepts NULL */
void model_shap_row(const struct model_shap *s, const struct table *t, size_t row,
		    double *out);

/* The first difference of two models: "" when there is none, else a sentence
 * ("tree 12, node 5: cut 0.5 against 0.75"). */
void model_difference(struct buf *out, const struct model *a, const struct model *b);

#endif
