/* What the files of a run share. */
#ifndef TRAIN_RUN_RUN_IMPL_H
#define TRAIN_RUN_RUN_IMPL_H

#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/meta/stage.h"
#include "train/run/config.h"
#include "train/run/fit.h"
#include "train/run/inputs.h"
#include "train/run/live.h"
#include "train/run/run.h"

#include <stdbool.h>

struct repo;

struct run {
	struct repo *repo;
	const struct run_options *o;
	char *file;	 /* the configuration, from the root */
	char *base;	 /* its directory, "" for the root */
	char *name;	 /* its last component */
	struct buf text; /* its bytes */
	struct train_config config;
	struct inputs in;
	struct stages stages; /* the one that this run is */
	struct stage *stage;
	char *command;
	bool has_stage; /* it will be written to dvc.yaml */
	bool has_live;
	struct fit fit;
	struct live live;
	char *checkpoint; /* absolute path; NULL until the inputs are known */
	int64_t next_checkpoint_ns;
	struct err failed; /* in a callback, with */
	int failed_code;   /* its result */
	bool resumed;
};

/* Load the configuration and name its inputs. */
int run_open(struct run *t, struct repo *r, const struct run_options *o,
	     struct err *e) MUST_CHECK;
void run_release(struct run *t); /* accepts empty */

/* Hash the configuration's bytes that were read into its input. */
void run_pin_config(struct run *t);

/* The command as dvc.yaml has it: "lode train -S a=b train.yaml". malloc'ed. */
char *run_command_line(const struct train_config *c, const char *name);
/* The stage, with or without the files of live:. */
int run_make_stage(struct run *t, bool has_live, struct err *e) MUST_CHECK;

/* ---- run_files.c ---------------------------------------------------------- */

/* A path of the configuration, from the root; malloc'ed. */
char *run_path(const struct run *t, const char *text);
/* Replace a file below the root; directories are made. */
int run_put(struct run *t, const char *path, struct slice data, struct err *e) MUST_CHECK;
/*
 * From here on temporaries are made in our state, so that a kill leaves none beside
 * a person's files, or worse, inside a directory that is an output. Ends with -1.
 */
int run_stage_files(struct repo *r, int *fd, struct err *e) MUST_CHECK;
void run_unstage_files(int fd);
/* Model, metrics, record, live files; fills res. */
int run_write_outputs(struct run *t, struct run_result *res, struct err *e) MUST_CHECK;
int run_write_model(struct run *t, struct run_result *res, struct err *e) MUST_CHECK;
/* A line in .dvc/tmp/lode/train.log; a failure is told in the report. */
void run_log(struct run *t, struct run_result *res);

/* Where this very training may go on: named after all that its bytes depend on. */
int run_checkpoint_name(struct run *t, struct err *e) MUST_CHECK;
/* Fills live and *core; an absent or damaged file leaves *core empty. */
int run_checkpoint_load(struct run *t, struct buf *core, struct err *e) MUST_CHECK;
int run_checkpoint_save(struct run *t, const struct train_round *r,
			struct err *e) MUST_CHECK;
void run_checkpoint_drop(struct run *t);

#endif
