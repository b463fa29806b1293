/*
 * Which objects does a remote hold? Asked by the cheaper of LIST and HEAD.
 *
 * One probing LIST of a page tells the density of the key space (digests are
 * uniform), and with it what a listing of each range would cost; ranges where
 * few objects are asked for are asked one by one. A remote that fits the probe
 * is known by that one request. docs/design/sync.md has the costs.
 */
#ifndef REMOTE_SYNC_EXISTS_H
#define REMOTE_SYNC_EXISTS_H

#include "store/base/compiler.h"
#include "store/odb/oid.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct remote;
struct sink;

enum exists_state {
	EXISTS_UNKNOWN = 0, /* the question failed: see code */
	EXISTS_NO,
	EXISTS_YES,
};

struct exists_item {
	struct oid oid; /* in */
	uint8_t state;	/* out: enum exists_state */
	uint64_t bytes; /* out, when there */
	int64_t modified_ns;
	int code; /* out: why it is unknown */
};

/*
 * Fill v, in the order given (it is sorted while at work and sorted back). An
 * error of single questions is in their items; the result is the first error
 * that stops the whole (cancel, no access), after what was in flight came back.
 */
int exists_query(struct remote *r, struct exists_item *v, size_t nr, struct sink *sink,
		 struct err *e) MUST_CHECK;

/* Costs, for the unit test: is listing `keys` keys cheaper than `asked` HEADs? */
bool exists_prefers_list(uint64_t keys, unsigned page, size_t asked);

#endif
