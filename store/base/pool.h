/*
 * A fixed set of threads for hashing, linking and reading. Queues are bounded:
 * pool_submit blocks when too much is waiting. Jobs carry their own results;
 * nothing is delivered by surprise.
 */
#ifndef STORE_BASE_POOL_H
#define STORE_BASE_POOL_H

#include <stddef.h>

struct pool;

/* threads = 0: one for each core this process may use. */
struct pool *pool_new(unsigned threads);
void pool_free(struct pool *p); /* waits for what was submitted; accepts NULL */
unsigned pool_threads(const struct pool *p);
unsigned pool_cores(void);

/* worker is 0..threads-1, the same for one thread at all times. */
void pool_submit(struct pool *p, void (*fn)(void *arg, unsigned worker), void *arg);
void pool_wait(struct pool *p); /* until all submitted jobs have ended */

/* fn(ctx, i, worker) for each i < n, in any order, by all workers; returns when
 * all are done. With a NULL pool it runs here. */
void pool_for(struct pool *p, size_t n, void (*fn)(void *ctx, size_t i, unsigned worker),
	      void *ctx);

#endif
