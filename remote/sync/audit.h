/*
 * Read objects of a remote and compare their bytes with their names. Nothing is
 * kept: what is small is hashed in memory, what is not goes through a temporary
 * that is gone at once. Private to remote/sync.
 */
#ifndef REMOTE_SYNC_AUDIT_H
#define REMOTE_SYNC_AUDIT_H

#include "store/base/compiler.h"
#include "store/odb/oid.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct remote;
struct sink;

enum audit_state {
	AUDIT_UNREAD = 0, /* not reached */
	AUDIT_GOOD,
	AUDIT_WRONG,  /* other bytes, also when they were read once more */
	AUDIT_ABSENT, /* no such key */
	AUDIT_FAILED, /* nobody knows: see the error */
};

struct audit_item {
	struct oid oid; /* in */
	uint64_t bytes; /* in: what it should have, 0 unknown; out: what came */
	uint8_t state;	/* out: enum audit_state */
	int code;	/* out: of AUDIT_FAILED */
	char *error;	/* out: malloc'ed story of AUDIT_FAILED */
};

/*
 * Told of each item as it ends, in the caller's thread; may be NULL. Temporaries
 * are made in dirfd. The result is negative only when the whole had to stop.
 */
typedef void (*audit_fn)(void *ctx, size_t at);
int audit_read(struct remote *r, int dirfd, struct audit_item *v, size_t nr,
	       struct sink *sink, audit_fn fn, void *ctx, struct err *e) MUST_CHECK;
void audit_release(struct audit_item *v, size_t nr); /* the stories */

#endif
