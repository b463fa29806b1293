/*
 * Git, read through libgit2. Opening finds the work tree without libgit2, whose
 * start costs 8 ms: only what asks for a revision or the index pays for it.
 *
 * Paths are relative to the lode root, which may lie below the work tree's top;
 * what is outside it is not seen. One struct vcs belongs to one thread.
 *
 * Codes: ERR_NOTFOUND (no such revision or path), ERR_NOREPO (no work tree),
 * ERR_UNSUPPORTED (bare repository, split or sparse index, an extension that we
 * do not know), ERR_INVALID (owner is somebody else, as git refuses it).
 */
#ifndef STORE_VCS_VCS_H
#define STORE_VCS_VCS_H

#include "store/base/compiler.h"
#include "store/base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct err;
struct vcs;

#define VCS_ID_MAX 41 /* 40 digits, NUL */

/* root is absolute and real. ERR_NOREPO when no git work tree encloses it. */
int vcs_open(struct vcs **out, const char *root, struct err *e) MUST_CHECK;
void vcs_free(struct vcs *v); /* accepts NULL */

const char *vcs_root(const struct vcs *v);	/* as given */
const char *vcs_worktree(const struct vcs *v);	/* absolute; its top */
const char *vcs_prefix(const struct vcs *v);	/* of the root in it: "" or "sub/" */
const char *vcs_gitdir(const struct vcs *v);	/* absolute; this work tree's own */
const char *vcs_commondir(const struct vcs *v); /* shared by all work trees */

/* Does git's index hold path, or anything below it? */
int vcs_tracks(struct vcs *v, const char *path, bool *out, struct err *e) MUST_CHECK;
/* git add of files; one that is gone is taken out of the index. */
int vcs_stage(struct vcs *v, const struct strvec *paths, struct err *e) MUST_CHECK;

/* Any revision expression git knows, to the commit it names. */
int vcs_resolve(struct vcs *v, const char *rev, char id[VCS_ID_MAX],
		struct err *e) MUST_CHECK;
/* False in *out before the first commit. */
int vcs_has_head(struct vcs *v, bool *out, struct err *e) MUST_CHECK;
/* The present branch's short name, "" when HEAD is detached; malloc'ed. */
int vcs_branch(struct vcs *v, char **out, struct err *e) MUST_CHECK;

struct vcs_rev {
	char id[VCS_ID_MAX];
	char *name; /* short name of the branch or tag, else the id */
};
struct vcs_revs {
	struct vcs_rev *v;
	size_t nr, cap;
};
void vcs_revs_release(struct vcs_revs *revs);

enum vcs_scope {
	VCS_BRANCHES = 1u << 0,	   /* local branches */
	VCS_TAGS = 1u << 1,	   /* tags of commits */
	VCS_ALL_COMMITS = 1u << 2, /* reachable from any reference, or HEAD */
};
struct vcs_select {
	unsigned scope;		 /* enum vcs_scope */
	const char *const *revs; /* expressions, besides the scope */
	size_t revs_nr;
	int last; /* first parents of each rev and branch: this many; 0 or 1: itself;
		   * negative: all */
	bool has_since; /* also every commit on or after since, by committer time */
	int64_t since_s;
};
/* Commits, each once (the first name wins), in the order of asking. */
int vcs_list(struct vcs *v, const struct vcs_select *sel, struct vcs_revs *out,
	     struct err *e) MUST_CHECK;

struct vcs_entry {
	const char *path; /* relative to the lode root; good during the call */
	const char *name;
	uint32_t mode; /* git's: 0100644, 0100755, 0120000, 0040000, 0160000 */
	char id[VCS_ID_MAX];
};
enum {
	VCS_GO = 0,
	VCS_SKIP = 1
};
/* As walk_fn: files of a directory first, then its directories, both sorted. */
typedef int (*vcs_tree_fn)(void *ctx, const struct vcs_entry *ent, struct err *e);
/* rev_id from vcs_resolve or vcs_list; start "" is all. ERR_NOTFOUND when the
 * revision has no such directory (no such root, too). */
int vcs_tree(struct vcs *v, const char *rev_id, const char *start, vcs_tree_fn fn,
	     void *ctx, struct err *e) MUST_CHECK;

/* A file's bytes at a revision; more than limit (0: 1 GiB) is ERR_INVALID. */
int vcs_read(struct vcs *v, const char *rev_id, const char *path, size_t limit,
	     struct buf *out, struct err *e) MUST_CHECK;
int vcs_read_blob(struct vcs *v, const char *blob_id, size_t limit, struct buf *out,
		  struct err *e) MUST_CHECK;
/* One path: ERR_NOTFOUND, or its mode and id. */
int vcs_lookup(struct vcs *v, const char *rev_id, const char *path, uint32_t *mode,
	       char id[VCS_ID_MAX], struct err *e) MUST_CHECK;

enum vcs_status {
	VCS_NEW_IN_INDEX = 1u << 0,
	VCS_CHANGED_IN_INDEX = 1u << 1, /* modified, retyped, renamed or deleted */
	VCS_UNTRACKED = 1u << 2,
	VCS_CHANGED = 1u << 3, /* in the work tree */
	VCS_IGNORED = 1u << 4,
	VCS_CONFLICTED = 1u << 5,
};
int vcs_status_of(struct vcs *v, const char *path, unsigned *out,
		  struct err *e) MUST_CHECK;
/* Is anything changed in the whole work tree, untracked files included? */
int vcs_is_dirty(struct vcs *v, bool *out, struct err *e) MUST_CHECK;
/* The same without untracked files. */
int vcs_is_changed(struct vcs *v, bool *out, struct err *e) MUST_CHECK;
/* Untracked files below the root, none ignored, sorted; every file, not the
 * directories. */
int vcs_untracked(struct vcs *v, struct strvec *out, struct err *e) MUST_CHECK;

#endif
