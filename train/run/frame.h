/*
 * The tables of a run: read, its classes settled, its validation rows held out.
 */
#ifndef TRAIN_RUN_FRAME_H
#define TRAIN_RUN_FRAME_H

#include "store/base/compiler.h"
#include "train/core/table.h"

#include <stdbool.h>

struct err;
struct inputs;
struct sink;
struct team;
struct train_config;

struct frame {
	struct table train, valid;
	bool has_valid;
};
void frame_release(struct frame *f); /* accepts empty */

/* Read what inputs_open() opened; their digests are taken on the way. */
int frame_read(struct frame *out, struct inputs *in, const struct train_config *c,
	       struct team *team, struct sink *sink, struct err *e) MUST_CHECK;

/*
 * Move the rows whose key falls below share into out, which shares no memory with
 * t: whether a row is held out depends on the seed and its key (a query's rows stay
 * together). Keys are kept, so that every draw of a row is what it was.
 */
int frame_split(struct table *t, double share, uint64_t seed, struct table *out,
		struct err *e) MUST_CHECK;

/*
 * Class names that are only the numbers 0 to K - 1 become those numbers; names stay
 * names. Labels are renumbered by value (the names are in byte order).
 */
void frame_settle_classes(struct table *t);

#endif
