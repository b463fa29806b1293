#include "remote/rate.h"

#include "store/base/compiler.h"

enum {
	BURST_PER_S = 10, /* a tenth of a second's worth may go at once */
	BURST_MIN = 4096,
};

#define RATE_MAX (UINT64_C(1) << 40)
#define SECOND	 INT64_C(1000000000)

void rate_init(struct rate *r, uint64_t per_s, int64_t now_ns)
{
	*r = (struct rate){.per_s = MIN_OF(per_s, RATE_MAX), .at_ns = now_ns};
	r->burst = (int64_t)MAX_OF(r->per_s / BURST_PER_S, (uint64_t)BURST_MIN);
	r->tokens = r->burst;
}

int64_t rate_room(struct rate *r, int64_t now_ns)
{
	int64_t passed = now_ns - r->at_ns;
	double more;

	if (!r->per_s)
		return INT64_MAX;
	more = (double)passed * (double)r->per_s / (double)SECOND;
	/* Only whole bytes are booked: the rest of the time stays on the clock. */
	if (passed > 0 && more >= 1) {
		if (more >= (double)(r->burst - r->tokens)) {
			r->tokens = r->burst;
			r->at_ns = now_ns;
		} else {
			r->tokens += (int64_t)more;
			/* Up, so that rounding never lets more through. */
			r->at_ns += 1 + (int64_t)((double)(int64_t)more * (double)SECOND /
						  (double)r->per_s);
		}
	}
	return r->tokens;
}

void rate_take(struct rate *r, uint64_t n)
{
	if (r->per_s)
		r->tokens -= (int64_t)MIN_OF(n, RATE_MAX);
}

int64_t rate_wait_ns(struct rate *r, int64_t now_ns)
{
	int64_t room = rate_room(r, now_ns);
	double ns;

	if (room > 0)
		return 0;
	ns = (double)(1 - room) * (double)SECOND / (double)r->per_s;
	return ns > 60e9 ? 60 * SECOND : (int64_t)ns + 1;
}
