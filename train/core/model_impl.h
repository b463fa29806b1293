/* What the files of the model share, and nobody else sees. */
#ifndef TRAIN_CORE_MODEL_IMPL_H
#define TRAIN_CORE_MODEL_IMPL_H

#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "train/core/model.h"

struct err;

#define MODEL_VERSION	 1 /* of "lode.model" and the linear form; a reader refuses more */
#define MODEL_LINEAR_KEY "lode_linear"

enum {
	MODEL_ROOT_PARENT = 2147483647, /* XGBoost's mark */
	MODEL_NAMELESS_MAX = 262144,	/* features of a document without their names */
};

/*
 * Trees as other programs see them: base[k] is in the leaves of output k's first
 * tree; where there are no trees, there is one leaf for each output.
 */
size_t model_trees(const struct model *m);
const struct tree *model_tree(const struct model *m, size_t i);
double model_leaf(const struct model *m, size_t i, const struct node *n);

/* Which way does a row go at a split? */
bool tree_goes_left(const struct tree *tree, const struct node *n, const struct table *t,
		    size_t row);

bool model_is_binary32(const struct model *m); /* every such leaf is */

/* The attributes of a document: m's own and those that hold its other fields. The
 * holder is released with model_release. */
void model_all_attributes(struct model *holder, const struct model *m);

/* The way back: take such attributes from m and put what they say into its fields.
 * values64: leaves are read as binary64. base: by output, or NULL when it stays 0. */
int model_take_attributes(struct model *m, bool *values64, double **base,
			  struct err *e) MUST_CHECK;

/* XGBoost's name of an objective. Several of ours may have one. */
const char *model_objective_xgboost(enum objective o);

/* The document in either spelling. */
void model_document(struct buf *out, const struct model *m, bool ubjson);

void model_linear_json(struct buf *out, const struct model *m);
int model_linear_read(struct model *out, struct slice text, const char *name,
		      struct err *e) MUST_CHECK;

#endif
