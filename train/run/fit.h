/*
 * From a configuration and open inputs to a model and what is known of it: the part
 * of a run that `train` and `train verify` share. Nothing is written here.
 */
#ifndef TRAIN_RUN_FIT_H
#define TRAIN_RUN_FIT_H

#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "train/core/model.h"
#include "train/core/train.h"
#include "train/run/frame.h"
#include "train/run/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct inputs;
struct sink;
struct team;
struct train_config;

struct fit_options {
	unsigned threads; /* 0: one a core */
	enum simd simd;
	struct sink *sink; /* may be NULL */
	/* After each round; not 0 stops with a usable model. An interrupt stops too. */
	int (*on_round)(void *ctx, const struct train_round *r);
	void *ctx;
	bool no_round_metrics; /* verify: nobody looks */
	struct slice resume;
};

struct fit {
	struct frame frame;
	struct model model;
	struct train_result result;
	struct record_metric *metrics; /* malloc'ed */
	size_t metrics_nr;
	double read_s, train_s, eval_s; /* wall time */
	unsigned threads;
	struct team *team;
};
void fit_release(struct fit *f); /* accepts empty */

/* Read the tables; then inputs_settle() tells whether they were the right ones. */
int fit_read(struct fit *f, struct inputs *in, const struct train_config *c,
	     const struct fit_options *o, struct err *e) MUST_CHECK;
/* Train. With result.stopped the model is that of the rounds so far. ERR_CANCELED:
 * interrupted before there was one. */
int fit_train(struct fit *f, struct train_config *c, const struct fit_options *o,
	      struct err *e) MUST_CHECK;
/* The metrics that c asks for, over both tables. */
int fit_measure(struct fit *f, const struct train_config *c, struct err *e) MUST_CHECK;

/* Will rounds have a training metric? Up to 100,000 rows it costs next to nothing. */
bool fit_has_train_metric(const struct train_config *c, const struct table *t);

#endif
