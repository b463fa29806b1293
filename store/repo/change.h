/*
 * remove, move, unprotect: small changes of what is tracked and how it lies in
 * the workspace.
 */
#ifndef STORE_REPO_CHANGE_H
#define STORE_REPO_CHANGE_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct repo;
struct report;

struct remove_options {
	const char *const *targets; /* .dvc files or stages */
	size_t targets_nr;
	bool outs; /* the data too */
};
/* items: files deleted or changed. */
int repo_remove(struct repo *r, const struct remove_options *o, struct report *rep,
		struct err *e) MUST_CHECK;

struct move_options {
	const char *src, *dst; /* seen from cwd */
};
int repo_move(struct repo *r, const struct move_options *o, struct report *rep,
	      struct err *e) MUST_CHECK;

struct unprotect_options {
	const char *const *targets;
	size_t targets_nr;
};
/* Any existing path below the root, tracked or not. Takes no lock. */
int repo_unprotect(struct repo *r, const struct unprotect_options *o, struct report *rep,
		   struct err *e) MUST_CHECK;

#endif
