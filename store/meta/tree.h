/*
 * What metadata is read from: the workspace or a git revision, behind a few
 * questions. Paths are relative to the repository's root. One tree belongs to
 * one thread.
 */
#ifndef STORE_META_TREE_H
#define STORE_META_TREE_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct ignore;
struct tree;
struct vcs;

struct tree_entry {
	const char *path; /* good during the call */
	const char *name;
	bool is_dir;
	const char *id; /* of a blob in git, or NULL */
};
enum {
	TREE_GO = 0,
	TREE_SKIP = 1, /* stay out of this directory */
};
/* A negative code ends the walk. */
typedef int (*tree_fn)(void *ctx, const struct tree_entry *ent, struct err *e);

struct tree_ops {
	/* Files of a directory first, then its directories, both sorted, without
	 * what .dvcignore hides, .dvc itself, and repositories of their own. */
	int (*walk)(struct tree *t, tree_fn fn, void *ctx, struct err *e);
	/* id is the entry's, or NULL. ERR_NOTFOUND. */
	int (*read)(struct tree *t, const char *path, const char *id, struct buf *out,
		    struct err *e);
	bool (*exists)(struct tree *t, const char *path, bool *is_dir);
	bool (*dvc_ignored)(struct tree *t, const char *path);
	bool (*git_ignored)(struct tree *t, const char *path, bool is_dir);
	/* ERR_INVALID for an output that .dvcignore hides. */
	int (*refuse_out)(struct tree *t, const char *path, struct err *e);
	void (*free)(struct tree *t);
};

struct tree {
	const struct tree_ops *ops;
	char *rev;  /* the commit's id; NULL: the workspace */
	char *root; /* absolute; for messages and absolute paths; NULL: none */
};

struct tree_workspace {
	const char *root;      /* absolute */
	int rootfd;	       /* borrowed */
	struct ignore *ignore; /* borrowed; NULL: nothing is ignored */
	struct vcs *vcs;       /* borrowed; NULL: no git */
};
int tree_open_workspace(struct tree **out, const struct tree_workspace *o,
			struct err *e) MUST_CHECK;

/* rev is anything git resolves; paths are relative to vcs's lode root. */
int tree_open_revision(struct tree **out, struct vcs *vcs, const char *rev,
		       struct err *e) MUST_CHECK;

/* Files from memory, for tests: pairs of path and text, ended by NULL, borrowed. */
int tree_open_memory(struct tree **out, const char *const *files,
		     struct err *e) MUST_CHECK;

int tree_read(struct tree *t, const char *path, struct buf *out,
	      struct err *e) MUST_CHECK;
void tree_free(struct tree *t); /* accepts NULL */

#endif
