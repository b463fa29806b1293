/*
 * A command of the user's, run as a stage of `dvc repro` is: in its directory, with
 * our streams and environment, DVC_ROOT and DVC_STAGE beside it. Ctrl-C is the
 * command's to handle, for it has our terminal.
 */
#ifndef TRAIN_RUN_SPAWN_H
#define TRAIN_RUN_SPAWN_H

#include "store/base/compiler.h"

#include <stddef.h>

struct err;

struct spawn {
	/* One word is a line for /bin/sh, several are a program and its words. */
	const char *const *argv;
	size_t argc;
	const char *root;  /* absolute */
	const char *dir;   /* from the root */
	const char *stage; /* its name */
};

/* *status is what it ended with, or minus the signal that killed it. */
int spawn_run(const struct spawn *s, int *status, struct err *e) MUST_CHECK;

#endif
