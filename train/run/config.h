/*
 * train.yaml: what a training is asked to do, as a person writes it
 * (lode-train(1) has every key).
 *
 * Reading is strict: an unknown key, a wrong type or a value out of range is
 * ERR_INVALID and names the file, the line and what was probably meant. Paths stay
 * as written, relative to the file's directory. Not thread-safe on one config.
 */
#ifndef TRAIN_RUN_CONFIG_H
#define TRAIN_RUN_CONFIG_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "train/core/params.h"
#include "train/data/read.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct table;
struct value;

struct config_strings {
	const char **v;
	size_t nr;
};

/* A name with a number: a monotone column, the weight of a class. */
struct config_pair {
	const char *name;
	double value;
};

struct train_config {
	struct arena arena;
	const char *name; /* of the file, for messages */

	struct config_strings data;	  /* paths, or "md5:HEX" */
	struct config_strings validation; /* the same; none: see split */
	double split;	    /* share of rows held out for validation; 0: none */
	const char *format; /* "csv" ...; NULL: by each file's name */
	bool header;	    /* of CSV */
	bool zero_based;    /* libsvm */
	bool allow_inf;
	bool has_missing; /* markers were given, perhaps none */
	struct config_strings missing;

	const char *target, *weight, *group;
	const char *row_key; /* a column's name, with ROW_KEY_COLUMN */
	struct config_strings include, exclude, categorical;
	struct column_choice *types;
	size_t types_nr;

	struct train_params params; /* its column pointers are set by config_bind() */
	const char *type;	    /* "gbt", "linear", "logistic" ... */
	const char *objective;
	struct config_pair *monotone, *class_weights;
	size_t monotone_nr, class_weights_nr;
	struct config_strings *interaction;
	size_t interaction_nr;
	bool has_min_data_in_leaf, has_min_child_weight, has_max_depth, has_bagging_freq;

	unsigned patience;
	double min_delta;
	const char *metric; /* that stops; NULL: the objective's first */
	struct config_strings metrics;
	bool has_train_metric, train_metric; /* given; each round */

	const char *out, *out_metrics, *out_record; /* never NULL */
	const char *live;  /* directory of DVCLive's files; NULL: none */
	const char *stage; /* name in dvc.yaml; never NULL */
	const char *desc;

	struct config_strings overrides; /* "model.trees=50", sorted, each key once */
};

/*
 * Read text as name, with overrides ("key=value", the value in YAML's flow style)
 * laid over it in the order given. A key of model: may be named without "model.".
 */
int config_read(struct train_config *c, const char *name, struct slice text,
		const char *const *overrides, size_t overrides_nr,
		struct err *e) MUST_CHECK;
void config_release(struct train_config *c); /* accepts empty */

/* An input that is a digest, not a path. */
bool config_is_digest(const char *data);

/* What train/data is told. Borrows from c. The target's classes follow from the
 * objective. */
struct data_options config_data_options(const struct train_config *c);

/*
 * The parameters for this table: columns of constraints and classes of weights are
 * looked up by name. ERR_INVALID names the one that the table has not. What is made
 * lives in c's arena.
 */
int config_bind(struct train_config *c, const struct table *t, struct train_params *out,
		struct err *e) MUST_CHECK;

/*
 * Canonical JSON: every key with the value that counts, defaults too, sorted, no
 * spaces. whole: with paths; else only what a model's bytes depend on.
 */
void config_json(const struct train_config *c, bool whole, struct buf *out);

#endif
