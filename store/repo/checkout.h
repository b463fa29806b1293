/*
 * checkout: make the workspace what the metadata says.
 *
 * A good file is never deleted because a sibling is missing, and a file whose
 * content is in no verified object is neither removed nor replaced without force.
 */
#ifndef STORE_REPO_CHECKOUT_H
#define STORE_REPO_CHECKOUT_H

#include "store/base/compiler.h"
#include "store/base/vec.h"
#include "store/repo/report.h"

#include <stdbool.h>
#include <stddef.h>

struct repo;

struct checkout_options {
	const char *const *targets;
	size_t targets_nr; /* 0: everything, and what was placed but is tracked no more */
	bool force, relink, recursive, with_deps;
	bool allow_missing; /* objects that are nowhere are no failure */
	bool dry_run;
};

struct checkout_result {
	/* items: outs as DVC lists them, directories with a trailing '/', states
	 * "added", "modified", "deleted". counts: added, modified, deleted (files),
	 * relinked. bytes: of files put in place (or that would be). */
	struct report report;
	struct strvec unsaved; /* what ERR_CONFLICT would not overwrite; from the root */
	struct strvec failed;  /* targets of ERR_MISSING; from the root */
};
void checkout_result_release(struct checkout_result *res);

/*
 * ERR_CONFLICT: unsaved files, nothing was touched. ERR_MISSING: objects are
 * missing; what could be placed is. ERR_PARTIAL: files failed. ERR_IO with
 * "needs N, has M free" before it begins.
 */
int repo_checkout(struct repo *r, const struct checkout_options *o,
		  struct checkout_result *res, struct err *e) MUST_CHECK;

#endif
