/*
 * Predictions for the rows of a file: its records as they stood, and behind them what
 * the model says. In pieces, so that memory does not grow with the file, for text
 * formats; .npy, .npz and libsvm are read whole and their features written.
 *
 * The same bytes for any number of threads: numbers are shortest decimals that read
 * back as the very binary64.
 */
#ifndef TRAIN_RUN_PREDICT_H
#define TRAIN_RUN_PREDICT_H

#include "store/base/compiler.h"
#include "train/data/read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct sink;
struct strvec;

struct predict_options {
	bool margin;	/* before the link */
	bool proba;	/* a column for each class, and the class last */
	bool shap;	/* a column for what each feature adds to the margin */
	bool no_header; /* the file has none; columns are f0, f1, ... */
	unsigned threads;
	struct sink *sink;
	/* Everything that is written, in order, on the calling thread. */
	int (*write)(void *ctx, const char *p, size_t n, struct err *e);
	void *ctx;
};

/*
 * Header and rows of file through o->write; file->rows is filled. The header's last
 * column is "prediction": the mean or the value; the probability of a binary model's
 * second class, or its class with proba; the class of a multiclass one. Columns
 * "probability_CLASS" (margin: "margin_CLASS") stand before a class, and before those
 * "shap_FEATURE" and "shap_(base)" ("shap_CLASS_FEATURE" of several classes). ERR_INVALID:
 * a column is missing, proba of a model without classes, a bad field (by row and
 * column).
 */
int predict_file(struct data_file *file, const struct model *m,
		 const struct predict_options *o, struct err *e) MUST_CHECK;

/*
 * How a model's data are to be read: its features, and the markers of missing values
 * that it was trained with. markers holds them for as long as out is used.
 */
void predict_data_options(struct data_options *out, struct strvec *markers,
			  const struct model *m);

#endif
