/*
 * The story of a failure.
 *
 * A function that can fail returns int: 0, or a negative ERR_ code, and tells
 * the story in *e. The code is for branching; the story is for the person.
 * err_set() or err_sys() is called once, where the failure is found. A caller
 * may add one err_ctx(), only to say what the callee could not know. cmd/
 * prints the story, once.
 *
 * struct err owns no memory: start it as {0}, fill it when malloc has failed,
 * assign it across threads, drop it without a call. Pass NULL for "I only want
 * the code". After a success its contents mean nothing. Text that does not fit
 * is cut at a character border. A newline in a message stays a part of it.
 */
#ifndef STORE_BASE_ERR_H
#define STORE_BASE_ERR_H

#include "store/base/compiler.h"

#include <stddef.h>

enum err_code {
	ERR_IO = -1,	       /* the system refused; e->sys keeps errno */
	ERR_NOTFOUND = -2,     /* the named thing does not exist */
	ERR_EXISTS = -3,       /* it does, and must not */
	ERR_INVALID = -4,      /* the user asked for what cannot be */
	ERR_CORRUPT = -5,      /* bytes do not match their digest or grammar */
	ERR_CANCELED = -6,     /* SIGINT or SIGTERM asked us to stop */
	ERR_NOMEM = -7,	       /* an allocation sized by data failed */
	ERR_LOCKED = -8,       /* another process holds it; the wait is over */
	ERR_CONFIG = -9,       /* the configuration cannot be used */
	ERR_NOREPO = -10,      /* not inside a repository */
	ERR_UNSUPPORTED = -11, /* understood, but not offered */
	ERR_AUTH = -12,	       /* credentials missing or refused */
	ERR_NET = -13,	       /* the network or the server failed, after retries */
	ERR_MISSING = -14,     /* objects are missing; the report names them */
	ERR_PARTIAL = -15,     /* some items failed; the report names them */
	ERR_CONFLICT = -16,    /* user data is in the way; nothing was touched */
};

struct err {
	int code, sys;
	unsigned len;
	char text[4084]; /* root cause first, then '\n' and each context */
};

/* Both return the code they were given, for "return err_set(...)". */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_ctx(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * Tell what a failed call left in errno: "'PATH': CALL: No such file ...".
 * Returns ERR_NOTFOUND for ENOENT and ENOTDIR, ERR_EXISTS for EEXIST,
 * ERR_CANCELED when an interrupt was asked for and errno is EINTR, else ERR_IO.
 */
int err_sys(struct err *e, const char *call, const char *path);

int err_clear(struct err *e); /* returns 0 */

/*
 * The story for a person, outermost context first, joined by ": ": one line,
 * but for newlines that a message had itself.
 * Writes at most size bytes, always terminated.
 */
void err_format(const struct err *e, char *out, size_t size);

/* The short stable name of a code for --json ("io", "notfound", ...). */
const char *err_code_name(int code);

#endif
