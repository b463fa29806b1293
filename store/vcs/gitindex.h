/*
 * The names in git's index file, without libgit2: versions 2 to 4, as
 * gitformat-index(5) has them. Digests and stats are passed over.
 */
#ifndef STORE_VCS_GITINDEX_H
#define STORE_VCS_GITINDEX_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

struct err;

/* Each entry's path in order, one that is unmerged once a stage; 0 goes on, 1
 * ends the reading. */
typedef int (*gitindex_fn)(void *ctx, struct slice path);

/* No file is no entries. ERR_UNSUPPORTED for a split or sparse index and other
 * extensions that must be understood; ERR_CORRUPT for what is no index. */
int gitindex_each(const char *file, gitindex_fn fn, void *ctx, struct err *e) MUST_CHECK;

/* The same for bytes in memory; name is for messages. */
int gitindex_parse(struct slice data, const char *name, gitindex_fn fn, void *ctx,
		   struct err *e) MUST_CHECK;

#endif
