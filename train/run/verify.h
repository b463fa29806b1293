/*
 * `lode train verify`: do it again and compare the bytes.
 *
 * Inputs come from the workspace where they are there, else from the cache or the
 * remote, by the digests of the record. Nothing of the workspace is changed. A record
 * of a command of the user's is only run when that was asked for: a clone must not
 * execute by itself.
 */
#ifndef TRAIN_RUN_VERIFY_H
#define TRAIN_RUN_VERIFY_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "train/core/objective.h"
#include "train/run/record.h"

#include <stdbool.h>

struct err;
struct repo;

struct verify_options {
	const char *what; /* a stage, a run record or a configuration; NULL: train.yaml */
	unsigned threads;
	enum simd simd;
	bool run; /* run a command of the user's */
};

enum verify_state {
	VERIFY_MATCH = 0,
	VERIFY_MODEL,	/* the result differs */
	VERIFY_INPUT,	/* an input is not what the record says */
	VERIFY_NOT_RUN, /* a command, and nobody said to run it */
};

struct verify_result {
	struct arena arena;
	enum verify_state state;
	enum record_kind kind;
	const char *record; /* from the root */
	const char *output; /* the model, or the first output that differs */
	const char *input;  /* with VERIFY_INPUT */
	const char *detail; /* one sentence; NULL with VERIFY_MATCH */
	const char *command;
	unsigned core, core_now;
	char sha256[65], want_sha256[65]; /* of the model now; of the record */
};
void verify_result_release(struct verify_result *res);

int run_verify(struct repo *r, const struct verify_options *o, struct verify_result *res,
	       struct err *e) MUST_CHECK;

/* The run record that what names, from the root; malloc'ed. */
int verify_find(struct repo *r, const char *what, char **record,
		struct err *e) MUST_CHECK;

/* command.c: the same for a record of a command, inputs added and pinned. */
int verify_command(struct repo *r, const struct verify_options *o,
		   const struct run_record *rec, const char *base, struct inputs *in,
		   struct verify_result *res, struct err *e) MUST_CHECK;

#endif
