/*
 * The trees and targets of a command, collected, and the plans they make: the
 * workspace always, then the tips or commits that were asked for. Private.
 */
#ifndef REMOTE_SYNC_SCOPE_H
#define REMOTE_SYNC_SCOPE_H

#include "remote/sync/plan.h"
#include "remote/sync/sync.h"
#include "store/meta/collect.h"

struct scope {
	VEC_OF(struct collection *) collections; /* alive as long as the plans */
	struct plans plans;
};

/* Takes and drops the repository's lock around collecting. What a tree cannot
 * give is an error for the workspace and a warning for a revision. */
int scope_open(struct scope *s, struct repo *repo, const struct sync_options *o,
	       enum plan_kind kind, struct sync_result *res, struct err *e) MUST_CHECK;
void scope_release(struct scope *s);

#endif
