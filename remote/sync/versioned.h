/*
 * Version-aware and worktree remotes: files lie under the paths that they have in
 * the workspace, and a bucket's versions are the history. Metadata files record
 * the version of each ("cloud:"). What is recorded is read; nothing is written.
 * Private to remote/sync.
 */
#ifndef REMOTE_SYNC_VERSIONED_H
#define REMOTE_SYNC_VERSIONED_H

#include "remote/sync/side.h"
#include "store/base/compiler.h"

/*
 * Expand a root into the objects of its files, each with its key and version. A
 * manifest that the cache lacks is made of what the metadata file lists.
 */
int versioned_expand(struct side *s, struct plan *p, const struct plan_root *root,
		     struct err *e) MUST_CHECK;

/* Which of the recorded versions are there? As side_ask(). */
int versioned_ask(struct side *s, struct plan *p, bool only_wanted,
		  struct err *e) MUST_CHECK;

/*
 * Where an object of this output lies: key malloc'ed, version borrowed from out.
 * False: no version of it is on record for this remote.
 */
bool versioned_locate(const struct side *s, const struct out *out, const struct oid *oid,
		      char **key, const char **version);

/* fetch: note as failed, and want no more, what has no version on record. */
void versioned_refuse_unrecorded(struct side *s, struct plan *p);

/* push: 0 when every file has a version that is there; else ERR_UNSUPPORTED, and
 * the report names what would have to be written. */
int versioned_push(struct side *s, struct plan *p, struct err *e) MUST_CHECK;

#endif
