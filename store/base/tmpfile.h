/*
 * A file under construction: a temporary name in the destination's directory,
 * published when it is whole. Until then it is registered, so that a second
 * signal or a fatal error unlinks it. Names are DVC's: "." + 22 URL-safe base64
 * characters + ".tmp", which its gc and ours may remove.
 *
 * One struct belongs to one thread; different ones are independent.
 */
#ifndef STORE_BASE_TMPFILE_H
#define STORE_BASE_TMPFILE_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define TMPFILE_NAME_N 27 /* without the NUL */

struct tmpfile {
	bool live; /* a name exists and is ours */
	bool open; /* fd is valid */
	int fd;
	int dirfd; /* borrowed: outlives the struct */
	int slot;  /* in the registry, -1 if it was full */
	char name[TMPFILE_NAME_N + 1];
};

/* Create one in dirfd with mode & ~umask. */
int tmpfile_open(struct tmpfile *t, int dirfd, mode_t mode, struct err *e) MUST_CHECK;

/* Only a name, registered, for what is not a plain open (links, clones). */
int tmpfile_name(struct tmpfile *t, int dirfd, struct err *e) MUST_CHECK;

/* fsync; a failure is final. */
int tmpfile_sync(struct tmpfile *t, struct err *e) MUST_CHECK;

/*
 * Give it its name, in the same directory or below todir. publish refuses to
 * replace (ERR_EXISTS, the temporary stays live); replace does not. The file is
 * closed first, its close checked.
 */
int tmpfile_publish(struct tmpfile *t, int todir, const char *name,
		    struct err *e) MUST_CHECK;
int tmpfile_replace(struct tmpfile *t, int todir, const char *name,
		    struct err *e) MUST_CHECK;

/*
 * A temporary that may outlive the process: it gets a name of this kind that can
 * be found again (an older file of that name goes) and is no longer registered.
 * keep closes it and leaves it there; adopt takes one that was left.
 */
int tmpfile_rename(struct tmpfile *t, const char *name, struct err *e) MUST_CHECK;
void tmpfile_keep(struct tmpfile *t);
int tmpfile_adopt(struct tmpfile *t, int dirfd, const char *name,
		  struct err *e) MUST_CHECK;
/* The lasting name for these 16 bytes. */
void tmpfile_name_of(const uint8_t id[16], char out[TMPFILE_NAME_N + 1]);

/* Close and unlink what is left. Accepts empty; may be called twice. */
void tmpfile_release(struct tmpfile *t);

void tmpfile_random_name(char out[TMPFILE_NAME_N + 1]);
bool tmpfile_is_name(const char *name); /* could it be one of these? */

/* Async-signal-safe: unlink every registered name of this process. */
void tmpfile_unlink_registered(void);

#endif
