/*
 * A large piece of a text file in memory, cut into chunks of about 4 MiB that end at
 * record borders. Where chunks are cut depends on the bytes alone: the last border
 * within 4 MiB, or else the first one behind. The end of a piece that has no border
 * goes to the front of the next.
 */
#ifndef TRAIN_DATA_SLAB_H
#define TRAIN_DATA_SLAB_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct source;

#define SLAB_CHUNK_N ((size_t)4 << 20)

struct slab_cut {
	size_t at, n;
	bool quotes; /* there is a quote in it */
};

struct slab {
	char *p; /* 64 bytes more than cap */
	size_t cap, n;
	size_t fresh, fresh_end; /* the bytes that this piece took from the file */
	size_t used;		 /* up to here it was cut */
	bool ended;		 /* the file ends here */
	struct slab_cut *cuts;
	size_t nr, cuts_cap;
};

/* How text is cut: at any line end, or (CSV) at those outside quotes. */
struct slab_rule {
	size_t chunk_n; /* SLAB_CHUNK_N */
	bool quotes;
	char sep;
};

void slab_release(struct slab *s);

/* The rest of prev (or NULL), then about want bytes of the file: no cuts yet. At the
 * file's end a line end is added where there is none. */
int slab_read(struct slab *s, const struct slab *prev, struct source *src, size_t want,
	      struct err *e) MUST_CHECK;
/* Cut what is there, from s->used on; none are left where no record ends. */
void slab_cut(struct slab *s, const struct slab_rule *rule);
/* slab_read and slab_cut, with more until a record ends or the file does. */
int slab_next(struct slab *s, const struct slab *prev, struct source *src, size_t want,
	      const struct slab_rule *rule, struct err *e) MUST_CHECK;
/* The length of the first record at p with its line end, or 0: it does not end here. */
size_t slab_record(const char *p, size_t n, const struct slab_rule *rule);

#endif
