/*
 * The seam between shards of one training: reductions of integers and maxima
 * only, so that a model does not depend on how rows were dealt out. One process
 * alone has comm_self; threads of one process and, later, MPI are others.
 */
#ifndef TRAIN_CORE_COMM_H
#define TRAIN_CORE_COMM_H

#include "store/base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct comm {
	unsigned rank, size;
	void *ctx;
	/* In place, element by element over all ranks; uint64 sums are mod 2^64. */
	int (*sum_u64)(void *ctx, uint64_t *v, size_t nr, struct err *e);
	int (*max_f64)(void *ctx, double *v, size_t nr, struct err *e);
	/* Everybody's bytes one behind the other, in order of rank. */
	int (*allgatherv)(void *ctx, const void *p, size_t n, struct buf *out,
			  struct err *e);
};

extern const struct comm comm_self;

/* size communicators of threads in one process, for tests and for shards there.
 * Each is used by a thread of its own; freed together when all are done. */
struct comm_threads;
int comm_threads_new(struct comm_threads **out, unsigned size, struct err *e) MUST_CHECK;
const struct comm *comm_threads_rank(struct comm_threads *c, unsigned rank);
void comm_threads_free(struct comm_threads *c);

#endif
