/*
 * flock(2) on a file, held by the kernel: a crash leaves none behind. Waiting
 * is bounded and says what it waits for.
 */
#ifndef STORE_BASE_LOCK_H
#define STORE_BASE_LOCK_H

#include "store/base/compiler.h"

#include <stdbool.h>

struct err;
struct sink;

enum {
	LOCK_WAIT_EVER = -1,
	LOCK_WAIT_NOT = 0,
	LOCK_WAIT_DEFAULT_MS = 60000
};

struct lock {
	bool held;
	int fd;
};

/*
 * Take path (created if missing, 0666 & ~umask) shared or exclusively. After
 * 1 s of waiting sink gets a note with the path and the holder's pid, as far
 * as the file tells it; past wait_ms it is ERR_LOCKED. An exclusive holder
 * writes " PID\n" into the file, as DVC does.
 */
int lock_take(struct lock *l, int dirfd, const char *path, bool shared, int wait_ms,
	      struct sink *sink, struct err *e) MUST_CHECK;
void lock_drop(struct lock *l); /* accepts empty */

#endif
