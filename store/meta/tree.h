/*
 * What metadata is read from: the workspace or a git revision, behind two
 * questions. Paths are relative to the repository's root. One tree belongs to
 * one thread.
 */
#ifndef STORE_META_TREE_H
#define STORE_META_TREE_H

#include "store/base/compiler.h"
#include "store/base/vec.h"

#include <stdbool.h>

struct buf;
struct err;
struct ignore;
struct vcs;

struct tree;

struct tree_ops {
	/*
	 * Append the metadata files (names ending in ".dvc", and "dvc.yaml",
	 * "dvc.lock") that lie directly in dir to files, and the directories
	 * worth searching to dirs (either as paths from the root). Both sorted.
	 */
	int (*list)(struct tree *t, const char *dir, struct strvec *files,
		    struct strvec *dirs, struct err *e);
	int (*read)(struct tree *t, const char *path, struct buf *out, struct err *e);
	bool (*is_dir)(struct tree *t, const char *path);
	/* Why path may not be a metadata file or an out, or NULL: ".dvcignore:4:f"
	 * text for an ignored path. Borrowed until the next call. */
	const char *(*ignored_by)(struct tree *t, const char *path, bool is_dir);
	bool (*git_ignored)(struct tree *t, const char *path, bool is_dir);
	void (*free)(struct tree *t);
};

struct tree {
	const struct tree_ops *ops;
	const char *rev;  /* NULL: the workspace */
	const char *root; /* absolute; for messages, and "~" of a revision too */
};

struct tree_workspace {
	const char *root; /* absolute */
	int rootfd;	  /* borrowed */
	struct ignore *ignore;
	struct vcs *vcs; /* NULL: no git; for what git ignores */
};
int tree_open_workspace(struct tree **out, const struct tree_workspace *o,
			struct err *e) MUST_CHECK;

/* rev is anything git resolves; subdir is the DVC root within the git tree, "" if same. */
int tree_open_revision(struct tree **out, struct vcs *vcs, const char *rev,
		       const char *subdir, const char *root, struct err *e) MUST_CHECK;

/* Files from memory, for tests: pairs of path and text, ended by NULL. */
int tree_open_memory(struct tree **out, const char *const *files,
		     struct err *e) MUST_CHECK;

int tree_read(struct tree *t, const char *path, struct buf *out,
	      struct err *e) MUST_CHECK;
void tree_free(struct tree *t); /* accepts NULL */

#endif
