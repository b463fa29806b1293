/*
 * `lode train`: a configuration becomes a model, pinned to the bytes it came from.
 *
 * The workspace is what is tracked, or the run stops. What is parsed is hashed; what
 * was hashed is what dvc.lock and the run record say. A run becomes a stage of the
 * dvc.yaml beside its configuration, which DVC sees as any other. Inside `dvc repro`
 * (repo_in_stage) only the outputs are written. Main thread.
 */
#ifndef TRAIN_RUN_RUN_H
#define TRAIN_RUN_RUN_H

#include "store/base/compiler.h"
#include "store/repo/report.h"
#include "train/core/objective.h"
#include "train/run/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct repo;

struct run_options {
	const char *file; /* as a person gave it, seen from cwd; NULL: train.yaml */
	const char *const *overrides; /* -S KEY=VALUE */
	size_t overrides_nr;
	bool force, update, resume;
	unsigned threads; /* 0: one a core */
	enum simd simd;	  /* SIMD_BEST */
};

enum run_state {
	RUN_DONE = 0,
	RUN_UNCHANGED, /* the stage is up to date: nothing was done */
	RUN_STOPPED,   /* by an interrupt: a model of fewer rounds was left, no entry */
};

struct run_result {
	struct report report; /* metadata that changed, warnings, what git should know */
	enum run_state state;
	char *stage;	     /* its name; NULL when none is written */
	char *model;	     /* path from the root */
	char *record;	     /* the same of the run record */
	char *resume;	     /* the command that goes on, after RUN_STOPPED */
	bool resumed, early; /* went on from a checkpoint; stopped by patience */
	bool float32_exact;
	unsigned rounds, best_round, asked_rounds;
	uint64_t rows, validation_rows, columns;
	uint8_t model_md5[16], model_sha256[32];
	char md5_text[33], sha256_text[65]; /* the same as digits */
	uint64_t model_bytes;
	struct record_metric *metrics; /* of report.arena */
	size_t metrics_nr;
	double read_s, train_s, total_s;
};
void run_result_release(struct run_result *res);

/*
 * ERR_CONFLICT: an input is not what is tracked or locked. ERR_CANCELED:
 * interrupted before there was a model. The result holds what there is on failure
 * too (the report).
 */
int run_train(struct repo *r, const struct run_options *o, struct run_result *res,
	      struct err *e) MUST_CHECK;

#endif
