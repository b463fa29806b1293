/*
 * How far a check of a remote got: which objects were read and what came of it.
 * Written as the check goes, so that one that was killed goes on where it was; a
 * record counts only for an object of the same size and time. A check that ends
 * well takes the file away; one that ends with findings leaves it for the repair,
 * which need not read all again, but not for another check. Losing it costs
 * reading again. Format:
 * docs/format/progress.md. Not thread-safe; private to remote/sync.
 */
#ifndef REMOTE_SYNC_PROGRESS_H
#define REMOTE_SYNC_PROGRESS_H

#include "remote/sync/listing.h"
#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/base/map.h"

#include <stdbool.h>

/* Records of a check that began longer ago are not believed. */
#define PROGRESS_FRESH_NS (INT64_C(24 * 3600) * 1000000000)

enum progress_verdict {
	PROGRESS_NONE = 0,
	PROGRESS_GOOD,
	PROGRESS_WRONG,
	PROGRESS_ENDED, /* of no object: all was read, and something is wrong */
};

struct progress {
	char *path;
	int fd; /* -1: nowhere to write, which is no reason to fail */
	struct map at;
	struct buf pending;
	size_t resumed; /* records found */
};

void progress_open(struct progress *p, const char *state_dir, const char *url,
		   bool is_repair);
enum progress_verdict progress_of(const struct progress *p, const struct listed *l);
void progress_note(struct progress *p, const struct listed *l,
		   enum progress_verdict verdict);
void progress_flush(struct progress *p);
void progress_ended(struct progress *p); /* with findings */
void progress_done(struct progress *p);	 /* forget all of it */
void progress_release(struct progress *p);

#endif
