/* `lode train init`: a first train.yaml from what the data looks like. */
#ifndef TRAIN_RUN_INIT_H
#define TRAIN_RUN_INIT_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct repo;
struct report;

struct init_options {
	const char *const *data; /* seen from cwd */
	size_t data_nr;
	const char *target;
	const char *file; /* to write; NULL: train.yaml */
	bool force;	  /* replace one that exists */
	unsigned threads;
};

/* Writes the file, beside which its paths are relative. ERR_EXISTS. *objective, a
 * constant, is what was chosen. */
int run_init(struct repo *r, const struct init_options *o, const char **objective,
	     struct report *rep, struct err *e) MUST_CHECK;

#endif
