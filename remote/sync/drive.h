/*
 * What push, fetch and status -c do alike: plan, open the remote of each plan,
 * expand its roots, end with what the counts say. Private to remote/sync.
 */
#ifndef REMOTE_SYNC_DRIVE_H
#define REMOTE_SYNC_DRIVE_H

#include "remote/sync/side.h"
#include "store/base/compiler.h"

/* The work on one remote. A plan without a remote has the name "". */
typedef int (*drive_fn)(struct side *s, struct plan *p, struct err *e);

struct drive {
	enum plan_kind kind;
	drive_fn fn;
	drive_fn without_remote; /* for a plan that has none; NULL: an error */
	bool locks_cache;	 /* hold the cache's lock: objects are read or added */
};

int drive_all(struct repo *repo, const struct sync_options *o, const struct drive *d,
	      struct sync_result *res, struct err *e) MUST_CHECK;

enum drive_flags {
	DRIVE_KEEP_BYTES = 1u << 0,	 /* of manifests that came from the remote */
	DRIVE_ABSENT_IS_NOTED = 1u << 1, /* a manifest that is nowhere is no failure */
};

/*
 * Expand a root into objects. 0 also when it failed alone: that is noted then.
 * An item of the manifest that is nowhere is "missing".
 */
int drive_expand(struct side *s, struct plan *p, const struct plan_root *root,
		 unsigned flags, struct err *e) MUST_CHECK;

#endif
