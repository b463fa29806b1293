/* Shared by the files of this room; nothing else includes it or git2.h. */
#ifndef STORE_VCS_VCS_IMPL_H
#define STORE_VCS_VCS_IMPL_H

#include "store/vcs/vcs.h"

#include <git2.h>

struct vcs {
	char *root;
	char *worktree;
	char *prefix; /* "" or "sub/" */
	char *gitdir;
	char *commondir;
	git_repository *repo; /* NULL until somebody needs it */
};

/* Start libgit2 and open the repository, once. */
int vcs_start(struct vcs *v, struct err *e) MUST_CHECK;

/* libgit2's result as ours; what names the thing for the person. */
int vcs_error(struct err *e, int code, const char *what);

/* path below the work tree's top; malloc'ed. */
char *vcs_full(const struct vcs *v, const char *path);

#endif
