/*
 * fsck: is what is stored what its name says? The cache and the workspace here;
 * remotes in remote/sync. Says what is wrong, where, and what it did. Never
 * writes to a workspace file.
 */
#ifndef STORE_REPO_FSCK_H
#define STORE_REPO_FSCK_H

#include "store/base/compiler.h"
#include "store/repo/report.h"

#include <stdbool.h>
#include <stddef.h>

struct repo;

struct fsck_options {
	bool quick;  /* believe recorded facts about verified objects */
	bool repair; /* replace wrong and missing objects by rename, from any copy
		      * that verifies; what matches nothing goes to lost+found */
	bool cache, workspace; /* neither: both */
};
/*
 * items, states: "corrupt", "missing" (the workspace has the very bytes, the
 * cache does not; objects that are neither here nor there are counted as
 * "absent": a fetch may bring them),
 * "manifest" (a .dir object that does not parse), "metadata"
 * (a file that does not), "modified" (a link whose bytes are not its object's);
 * with repair also "restored", "moved" (to lost+found; error tells where),
 * "sealed" (made 0444). counts: objects, files, wrong, repaired, unsealed
 * (good, but not 0444). bytes: read.
 */
struct fsck_result {
	struct report report;
	size_t wrong, repaired;
};
void fsck_result_release(struct fsck_result *res);
/* ERR_CORRUPT when something is wrong and was not repaired. */
int repo_fsck(struct repo *r, const struct fsck_options *o, struct fsck_result *res,
	      struct err *e) MUST_CHECK;

#endif
