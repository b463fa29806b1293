/*
 * Git's own ignore rules without libgit2, and DVC's lines in .gitignore.
 *
 * Rules come from the .gitignore files of the work tree, info/exclude and
 * core.excludesFile. Reads HOME, XDG_CONFIG_HOME, GIT_CONFIG_GLOBAL,
 * GIT_CONFIG_SYSTEM and GIT_CONFIG_NOSYSTEM. What git's index holds plays no
 * part, as with git check-ignore --no-index.
 *
 * Paths are relative to the lode root. Thread-safe but for open and free; add
 * and remove are one thread's.
 */
#ifndef STORE_VCS_GITIGNORE_H
#define STORE_VCS_GITIGNORE_H

#include "store/base/compiler.h"
#include "store/base/fs.h"

#include <stdbool.h>

struct buf;
struct err;
struct gitignore;
struct vcs;

int gitignore_open(struct gitignore **out, const struct vcs *v, struct err *e) MUST_CHECK;
void gitignore_free(struct gitignore *gi);   /* accepts NULL */
void gitignore_forget(struct gitignore *gi); /* files may have changed */

/* Itself, or by a parent: once a directory is ignored, all below it is. */
int gitignore_check(struct gitignore *gi, const char *path, bool is_dir, bool *out,
		    struct err *e) MUST_CHECK;

/*
 * Have git ignore path by a line in its own directory's .gitignore, unless git
 * does already. Whether it is a directory is asked from the disk. *changed tells
 * if the file was written.
 */
int gitignore_add(struct gitignore *gi, const char *path, enum fs_sync sync,
		  bool *changed, struct err *e) MUST_CHECK;

/* Drop the lines that add would write, and the same unescaped; an empty file is
 * deleted. */
int gitignore_remove(struct gitignore *gi, const char *path, enum fs_sync sync,
		     bool *changed, struct err *e) MUST_CHECK;

/* The line for a name, without its end: "/st\*ar". For tests and messages. */
void gitignore_line(const char *name, struct buf *out);

#endif
