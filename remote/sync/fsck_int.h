/* Between fsck.c (what is wrong) and fsck_repair.c (what is done about it). */
#ifndef REMOTE_SYNC_FSCK_INT_H
#define REMOTE_SYNC_FSCK_INT_H

#include "remote/sync/listing.h"
#include "remote/sync/progress.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/map.h"
#include "store/base/vec.h"

enum check_flags {
	CHECK_BAD = 1u << 0,	  /* its bytes or size are wrong */
	CHECK_PROMISED = 1u << 1, /* wanted by a scope */
	CHECK_KEPT = 1u << 2,	  /* its wrong bytes lie in quarantine */
	CHECK_GONE = 1u << 3,	  /* it left its name in this run */
};

struct check {
	struct side s;
	const struct sync_fsck_options *o;
	struct listing l;
	uint8_t *flags; /* enum check_flags, by index of l.v */
	struct progress progress;
	uint64_t wrong, repaired, read, quarantined;
	/* What the remote should get, and what the cache should. */
	VEC_OF(struct transfer_item) upload, fetch;
	VEC_OF(const char *) upload_names, fetch_names;
	struct map uploads;	   /* of an oid: its place in upload */
	struct map open;	   /* findings, by oid and side: so many items */
	VEC_OF(size_t) incomplete; /* manifests told as that, by index of l.v */
};

/* The place of oid in c->l, or MAP_NONE. */
size_t check_at(const struct check *c, const struct oid *oid);

/* Does the remote hold it now, good as far as is known? */
bool check_holds(const struct check *c, const struct oid *oid);

/* The finding of this oid, here or on the remote, is no more; if there was one. */
void check_closed(struct check *c, const struct oid *oid, bool here);

/*
 * Told of each manifest that the remote has under its name and that is not known
 * to be wrong: m, or NULL with ERR_CORRUPT (why says it) or ERR_UNSUPPORTED (of an
 * import, by etags). It must not use the remote.
 */
struct manifest;
typedef void (*check_manifest_fn)(struct check *c, size_t at, const struct manifest *m,
				  int code, const char *why, void *ctx);
int check_each_manifest(struct check *c, check_manifest_fn fn, void *ctx,
			struct err *e) MUST_CHECK;

/* Put right what can be; everything that was done is an item of the report. */
int check_repair(struct check *c, struct err *e) MUST_CHECK;

#endif
