#include "train/core/comm.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- alone ----------------------------------------------------------------- */

static int self_sum(void *ctx, uint64_t *v, size_t nr, struct err *e)
{
	(void)ctx, (void)v, (void)nr, (void)e;
	return 0;
}

static int self_max(void *ctx, double *v, size_t nr, struct err *e)
{
	(void)ctx, (void)v, (void)nr, (void)e;
	return 0;
}

static int self_gather(void *ctx, const void *p, size_t n, struct buf *out, struct err *e)
{
	(void)ctx, (void)e;
	buf_add(out, p, n);
	return 0;
}

const struct comm comm_self = {
	.rank = 0,
	.size = 1,
	.sum_u64 = self_sum,
	.max_f64 = self_max,
	.allgatherv = self_gather,
};

/* ---- threads of one process -------------------------------------------------- */

struct rank {
	struct comm_threads *all;
	unsigned index;
	const void *p;
	size_t n;
};

struct comm_threads {
	unsigned size;
	pthread_barrier_t barrier;
	struct rank *ranks;
	struct comm *comms;
};

/* Everybody shows a pointer; nobody takes it away before all have read. */
static struct comm_threads *show(struct rank *r, const void *p, size_t n)
{
	r->p = p;
	r->n = n;
	pthread_barrier_wait(&r->all->barrier);
	return r->all;
}

static int same_lengths(const struct comm_threads *c, struct err *e)
{
	for (unsigned i = 1; i < c->size; i++)
		if (c->ranks[i].n != c->ranks[0].n)
			return err_set(e, ERR_INVALID,
				       "shards disagree: rank %u reduces %zu numbers, "
				       "rank 0 %zu",
				       i, c->ranks[i].n, c->ranks[0].n);
	return 0;
}

static int threads_sum(void *ctx, uint64_t *v, size_t nr, struct err *e)
{
	struct rank *r = ctx;
	struct comm_threads *c = show(r, v, nr);
	uint64_t *sum = xcalloc(nr ? nr : 1, sizeof(*sum));
	int res = same_lengths(c, e);

	for (unsigned k = 0; res == 0 && k < c->size; k++) {
		const uint64_t *from = c->ranks[k].p;

		for (size_t i = 0; i < nr; i++)
			sum[i] += from[i];
	}
	pthread_barrier_wait(&c->barrier);
	if (res == 0 && nr > 0)
		memcpy(v, sum, nr * sizeof(*sum));
	free(sum);
	return res;
}

static int threads_max(void *ctx, double *v, size_t nr, struct err *e)
{
	struct rank *r = ctx;
	struct comm_threads *c = show(r, v, nr);
	double *max = xcalloc(nr ? nr : 1, sizeof(*max));
	int res = same_lengths(c, e);

	for (unsigned k = 0; res == 0 && k < c->size; k++) {
		const double *from = c->ranks[k].p;

		for (size_t i = 0; i < nr; i++)
			if (k == 0 || from[i] > max[i])
				max[i] = from[i];
	}
	pthread_barrier_wait(&c->barrier);
	if (res == 0 && nr > 0)
		memcpy(v, max, nr * sizeof(*max));
	free(max);
	return res;
}

static int threads_gather(void *ctx, const void *p, size_t n, struct buf *out,
			  struct err *e)
{
	struct rank *r = ctx;
	struct comm_threads *c = show(r, p, n);

	(void)e;
	for (unsigned k = 0; k < c->size; k++)
		buf_add(out, c->ranks[k].p, c->ranks[k].n);
	pthread_barrier_wait(&c->barrier);
	return 0;
}

int comm_threads_new(struct comm_threads **out, unsigned size, struct err *e)
{
	struct comm_threads *c;

	if (size == 0)
		return err_set(e, ERR_INVALID, "a training needs at least one shard");
	c = xcalloc(1, sizeof(*c));
	c->size = size;
	if (pthread_barrier_init(&c->barrier, NULL, size) != 0) {
		free(c);
		return err_set(e, ERR_NOMEM, "no barrier for %u shards", size);
	}
	c->ranks = xcalloc(size, sizeof(*c->ranks));
	c->comms = xcalloc(size, sizeof(*c->comms));
	for (unsigned i = 0; i < size; i++) {
		c->ranks[i] = (struct rank){.all = c, .index = i};
		c->comms[i] = (struct comm){
			.rank = i,
			.size = size,
			.ctx = &c->ranks[i],
			.sum_u64 = threads_sum,
			.max_f64 = threads_max,
			.allgatherv = threads_gather,
		};
	}
	*out = c;
	return 0;
}

const struct comm *comm_threads_rank(struct comm_threads *c, unsigned rank)
{
	return &c->comms[rank];
}

void comm_threads_free(struct comm_threads *c)
{
	if (!c)
		return;
	pthread_barrier_destroy(&c->barrier);
	free(c->comms);
	free(c->ranks);
	free(c);
}
