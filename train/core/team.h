/*
 * A team of threads that do the same thing to different rows: one call is
 * hundreds of microseconds, thousands of times, so waits spin a short bounded
 * while before they sleep. What a result depends on is never which member did
 * what: work is cut by size, and sums are integers.
 */
#ifndef TRAIN_CORE_TEAM_H
#define TRAIN_CORE_TEAM_H

#include "store/base/compiler.h"

#include <stddef.h>

struct err;
struct team;

/* threads 0: one for each core this process may use. The caller is member 0. */
int team_new(struct team **out, unsigned threads, struct err *e) MUST_CHECK;
void team_free(struct team *t);		  /* accepts NULL */
unsigned team_size(const struct team *t); /* NULL: 1 */

/* fn(ctx, member, members) on every member, at once; returns when all have. With a
 * NULL team it is called once, here. */
void team_run(struct team *t, void (*fn)(void *ctx, unsigned member, unsigned members),
	      void *ctx);

/* Items are taken one by one by whoever is free: fn(ctx, item, member). */
void team_for(struct team *t, size_t n, void (*fn)(void *ctx, size_t i, unsigned member),
	      void *ctx);

#endif
