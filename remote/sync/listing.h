/*
 * All objects of a remote, by listing both halves in parallel ranges. Private to
 * remote/sync.
 */
#ifndef REMOTE_SYNC_LISTING_H
#define REMOTE_SYNC_LISTING_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/vec.h"
#include "store/odb/oid.h"

#include <stdint.h>

struct err;
struct remote;
struct sink;

struct listed {
	struct oid oid;
	uint64_t bytes;
	int64_t modified_ns; /* 0: unknown */
};

struct listing {
	VEC_OF(struct listed) v; /* sorted by oid_cmp */
	uint64_t foreign;	 /* keys below the root that are no objects of ours */
};
void listing_release(struct listing *l);

void listing_sort(struct listing *l);

/* The oid that a key stands for; false for what is not of the object grammar. */
bool listing_oid(const char *key, struct oid *oid);

int listing_read(struct remote *r, struct sink *sink, struct listing *out,
		 struct err *e) MUST_CHECK;

#endif
