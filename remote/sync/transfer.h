/*
 * Move objects between a cache and a remote. What can be moved is moved; each
 * item carries its own end. Nothing here decides what is wanted: see plan.h.
 */
#ifndef REMOTE_SYNC_TRANSFER_H
#define REMOTE_SYNC_TRANSFER_H

#include "store/base/compiler.h"
#include "store/odb/oid.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct odb;
struct remote;
struct sink;

enum transfer_state {
	TRANSFER_WANTED = 0, /* not tried, or not reached before an interrupt */
	TRANSFER_DONE,
	TRANSFER_MISSING, /* the source does not have it */
	TRANSFER_FAILED,  /* see error */
};

struct transfer_item {
	struct oid oid;
	/* Download: where it lies if not under its name (version-aware remotes), and
	 * which version of it; NULL: the last. Borrowed. */
	const char *key, *version;
	uint64_t bytes; /* in: known size or 0; out: what was moved */
	uint8_t state;	/* out: enum transfer_state */
	int code;	/* out: an ERR_ code when FAILED */
	char *error;	/* out: malloc'ed story when FAILED */
};

/*
 * Upload verified objects of the cache. The server confirmed every DONE one
 * (Content-MD5 accepted, or the bytes read back). The result is negative only
 * when the whole had to stop: interrupt, refused credentials.
 */
int transfer_upload(struct remote *r, struct odb *odb, struct transfer_item **v,
		    size_t nr, struct sink *sink, struct err *e) MUST_CHECK;

/*
 * Download into the cache: hashed before an object gets its name. Wrong bytes
 * are fetched once more, then FAILED with ERR_CORRUPT: damaged on the remote.
 */
int transfer_download(struct remote *r, struct odb *odb, struct transfer_item **v,
		      size_t nr, struct sink *sink, struct err *e) MUST_CHECK;

/*
 * The digest that names these bytes: the engine's MD5 in digest, unless oid is a
 * legacy one, whose name is the MD5 after dos2unix: then fd is read once more.
 */
int transfer_digest(const struct oid *oid, int fd, uint8_t digest[16],
		    struct err *e) MUST_CHECK;

#endif
