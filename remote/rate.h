/*
 * A token bucket for bytes: pure arithmetic, times come in from outside. What
 * was taken may exceed what was there: the debt is waited for. All-zero is no
 * limit.
 */
#ifndef REMOTE_RATE_H
#define REMOTE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t per_s; /* 0: no limit */
	int64_t tokens, burst;
	int64_t at_ns;
};

void rate_init(struct rate *r, uint64_t per_s, int64_t now_ns);
/* How many bytes may go now; not above 0: wait. INT64_MAX without a limit. */
int64_t rate_room(struct rate *r, int64_t now_ns);
void rate_take(struct rate *r, uint64_t n);
/* Until something may go; 0: now. */
int64_t rate_wait_ns(struct rate *r, int64_t now_ns);

#endif
