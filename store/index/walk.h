/*
 * A walk over the workspace for metadata files: pruned by .dvcignore and by the
 * caller, who knows where outputs lie. Symbolic links are not followed.
 */
#ifndef STORE_INDEX_WALK_H
#define STORE_INDEX_WALK_H

#include "store/base/compiler.h"

#include <stdbool.h>

struct err;
struct ignore;

enum {
	WALK_GO = 0,
	WALK_SKIP = 1
};

struct walk_entry {
	const char *path; /* relative to the root; good during the call */
	const char *name; /* its last component */
	bool is_dir;
	bool is_link;
};

/*
 * Called for each entry that is not ignored: first the files of a directory,
 * then its directories, each sorted by name, and what is in a directory right
 * after it. For a directory WALK_SKIP keeps the walk out; a negative code ends it.
 */
typedef int (*walk_fn)(void *ctx, const struct walk_entry *ent, struct err *e);

/* start is relative to rootfd; "" or "." is all. Cancelable. */
int walk(int rootfd, const char *start, struct ignore *ig, walk_fn fn, void *ctx,
	 struct err *e) MUST_CHECK;

#endif
