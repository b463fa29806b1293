/* Touching the workspace without following links that a committed file planted. */
#ifndef STORE_REPO_CHANGE_INTERNAL_H
#define STORE_REPO_CHANGE_INTERNAL_H

#include "store/base/compiler.h"

#include <stdbool.h>

struct err;
struct repo;
struct report;

/* The directory that holds path (relative to the root), opened beneath the root
 * without following links; *name points at its last component. With make, missing
 * directories are made. The caller closes *fd. */
int change_open_parent(struct repo *r, const char *path, bool make, int *fd,
		       const char **name, struct err *e) MUST_CHECK;

/* The same of a directory itself; "" is the root. */
int change_open_dir(struct repo *r, const char *dir, bool make, int *fd,
		    struct err *e) MUST_CHECK;

/* Unlink one file. missing_ok: that it is gone is fine. */
int change_unlink(struct repo *r, const char *path, bool missing_ok,
		  struct err *e) MUST_CHECK;

/* Make path, or every file below it, a plain writable file. */
int change_unprotect(struct repo *r, const char *path, struct report *rep,
		     struct err *e) MUST_CHECK;

/* Remove a file or a whole tree below the root. */
int change_remove_tree(struct repo *r, const char *path, struct err *e) MUST_CHECK;

#endif
