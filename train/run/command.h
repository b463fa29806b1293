/*
 * `lode train -- COMMAND`: a command of the user's, pinned as a training is. Its
 * inputs are what is tracked before it runs and are the same bytes after it; its
 * outputs are hashed, recorded and locked.
 */
#ifndef TRAIN_RUN_COMMAND_H
#define TRAIN_RUN_COMMAND_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct repo;
struct report;

struct command_options {
	const char *name; /* of the stage; NULL: after the first output */
	/* One word is a shell's line, several are a program and its words. */
	const char *const *argv;
	size_t argc;
	const char *const *deps, *const *outs, *const *outs_no_cache;
	size_t deps_nr, outs_nr, outs_no_cache_nr;
	bool force, update;
};

/*
 * *stage is malloc'ed; NULL inside `dvc repro`. ERR_INVALID: the command ended with
 * another status than 0, or left no output. ERR_CONFLICT: an input is not what is
 * tracked, or changed meanwhile; nothing is recorded then.
 */
int run_command(struct repo *r, const struct command_options *o, struct report *rep,
		char **stage, bool *unchanged, struct err *e) MUST_CHECK;

#endif
