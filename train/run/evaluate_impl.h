/* What evaluate() and permute() share: a table read for a model, and predictions. */
#ifndef TRAIN_RUN_EVALUATE_IMPL_H
#define TRAIN_RUN_EVALUATE_IMPL_H

#include "store/base/compiler.h"
#include "train/core/model.h"
#include "train/core/table.h"
#include "train/run/evaluate.h"

struct err;
struct team;

struct evaluate_work {
	const struct model *m;
	const struct evaluate_options *o;
	struct team *team;
	struct table t;
	double *margin, *response;
	struct metric_input in;
	struct evaluation out;
};

/* The table, with the label and the columns that slices need. */
int evaluate_read(struct evaluate_work *w, struct data_file *files, size_t nr,
		  struct err *e) MUST_CHECK;
/* Predictions of the table as it is now, and what metrics are computed of. */
int evaluate_predict(struct evaluate_work *w, struct err *e) MUST_CHECK;
void evaluate_work_release(struct evaluate_work *w);

#endif
