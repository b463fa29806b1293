/*
 * What a killed writer left in the workspace.
 *
 * Files are put in place by a temporary name in their own directory (a rename
 * from elsewhere would serialize all threads). Before the first one, the output's
 * path is written down in .dvc/tmp/lode/unfinished; after the last the list goes
 * away. Whoever takes the repository's lock and finds a list knows that its
 * writer died, and removes temporaries, and only those, from the outputs listed.
 * Metadata has its temporaries in .dvc/tmp, which are swept at the same time.
 */
#ifndef STORE_REPO_UNFINISHED_H
#define STORE_REPO_UNFINISHED_H

#include "store/base/compiler.h"

struct err;
struct repo;

/* Write an output down before files are placed in it; once each run. Without the
 * lock (inside a stage of dvc) it does nothing. */
int unfinished_mark(struct repo *r, const char *out, struct err *e) MUST_CHECK;
/* With the lock just taken. What cannot be cleaned is left, and logged. */
void unfinished_clean(struct repo *r);
/* Before the lock is dropped: all that was begun has ended. */
void unfinished_end(struct repo *r);

#endif
