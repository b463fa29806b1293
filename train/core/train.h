/*
 * (table, parameters, seed) -> model, the same bytes for any number of threads, any
 * SIMD level, any machine and any shards; with content keys for any order of rows.
 */
#ifndef TRAIN_CORE_TRAIN_H
#define TRAIN_CORE_TRAIN_H

#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "train/core/model.h"
#include "train/core/objective.h"
#include "train/core/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct comm;
struct err;
struct table;

struct train_round {
	unsigned round, rounds; /* done so far, of at most */
	double train, valid;	/* the watched metric; NaN where it was not computed */
	const char *metric;
	uint64_t rows; /* rows times trees worked on so far */
};

struct train_control {
	unsigned threads;	 /* 0: one a core */
	enum simd simd;		 /* SIMD_BEST */
	const struct comm *comm; /* NULL: alone */
	/* After each round, on the calling thread. Not 0: stop here, with a usable
	 * model and result.stopped. */
	int (*on_round)(void *ctx, const struct train_round *r);
	void *ctx;
	bool train_metric; /* compute the metric on training rows too, each round */
	/* Checkpoints: asked for by on_round through train_checkpoint (below). Resume
	 * from one of the same table and parameters, or empty. */
	struct slice resume;
	bool want_margins;   /* fill result.margin and valid_margin */
	size_t memory_bytes; /* budget of histograms, 0: 512 MiB */
};

struct train_result {
	unsigned rounds, best_round; /* trees in the model are best_round's */
	bool stopped;		     /* by on_round */
	bool early;		     /* by patience */
	double best;	    /* the watched metric there, NaN without validation */
	bool float32_exact; /* margins are exact in binary32 sums */
	double max_margin;  /* the largest |margin| of all rows and rounds */
	size_t peak_bytes;  /* by the formula in docs/design/train-core.md */
	/*
	 * With want_margins: what model_margins() gives for all rows of both tables,
	 * malloc'ed, the caller's; NULL where the trainer does not have it (trees that
	 * patience took back, leaves off the grid, a linear model).
	 */
	double *margin, *valid_margin;
	double bin_s, boost_s; /* information only: CPU seconds of the phases */
};

/* valid may be NULL. ERR_CANCELED only when nothing usable was made. */
int train(struct model *out, struct train_result *res, const struct table *t,
	  const struct table *valid, const struct train_params *p,
	  const struct train_control *c, struct err *e) MUST_CHECK;

/* During on_round only: the state after this round, for train_control.resume. The
 * resumed training ends in the same bytes. */
void train_checkpoint(struct buf *out, const struct train_round *r);

/* What train() calls, by model type. */
int train_gbt(struct model *out, struct train_result *res, const struct table *t,
	      const struct table *valid, const struct train_params *p,
	      const struct train_control *c, struct err *e) MUST_CHECK;
int train_linear(struct model *out, struct train_result *res, const struct table *t,
		 const struct table *valid, const struct train_params *p,
		 const struct train_control *c, struct err *e) MUST_CHECK;

#endif
