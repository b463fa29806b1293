#include "remote/aimd.h"

#include "store/base/compiler.h"

enum {
	START = 8,
	HOLD_WINDOWS = 16, /* between attempts, once growth brought nothing */
};

#define WINDOW_NS INT64_C(200000000)
/* One burst of 503 is one signal: transfers under way all get the same answer. */
#define CUT_NS INT64_C(1000000000)
/* What a transfer costs beyond its bytes, so that small and large ones add up. */
#define REQUEST_BYTES 65536

void aimd_init(struct aimd *a, unsigned max, unsigned start, int64_t now_ns)
{
	*a = (struct aimd){
		.min = 1,
		.max = MAX_OF(max, 1u),
		.limit = MIN_OF(MAX_OF(max, 1u), start ? start : (unsigned)START),
		.window_ns = now_ns,
	};
}

static void window(struct aimd *a, double rate, bool wanting)
{
	/* Twice as many until that first does not pay: on a line with a round trip of
	 * 50 ms steps of a quarter took four seconds to get to 64. */
	unsigned step = a->cautious ? MAX_OF(a->limit / 4, 1u) : a->limit;
	/* A fifth of what it could bring at best: 5 % for a full step. */
	double gain = a->before ? 0.2 * (a->limit - a->before) / a->before : 0;

	if (a->before && rate < a->rate * (1 + gain)) {
		/* The last growth brought nothing: it costs CPU and goes again. */
		a->limit = a->before;
		a->before = 0;
		/* A half way up there may be something yet. */
		a->hold = a->cautious ? HOLD_WINDOWS : 0;
		a->cautious = true;
		return;
	}
	a->before = 0;
	a->rate = rate;
	if (a->hold > 0) {
		a->hold--;
		return;
	}
	if (!wanting || a->limit >= a->max)
		return;
	a->before = a->limit;
	a->limit = MIN_OF(a->limit + step, a->max);
	a->settle = a->limit;
}

void aimd_success(struct aimd *a, uint64_t bytes, bool wanting, int64_t now_ns)
{
	int64_t took = now_ns - a->window_ns;
	double rate;

	if (a->settle > 0) {
		a->settle--;
		a->window_ns = now_ns;
		return;
	}
	a->done++;
	a->bytes += bytes;
	a->starved |= !wanting;
	if (took < (a->cautious ? WINDOW_NS : WINDOW_NS / 2) || a->done < a->limit)
		return;
	rate = ((double)a->bytes + (double)a->done * REQUEST_BYTES) * 1e9 / (double)took;
	window(a, rate, !a->starved);
	a->window_ns = now_ns;
	a->done = a->bytes = 0;
	a->starved = false;
}

void aimd_throttled(struct aimd *a, int64_t now_ns)
{
	if (a->cut_ns && now_ns - a->cut_ns < CUT_NS)
		return;
	a->cut_ns = now_ns;
	a->cautious = true;
	a->settle = 0;
	a->limit = MAX_OF(a->limit / 2, a->min);
	a->before = 0;
	a->hold = 2;
	a->window_ns = now_ns;
	a->done = a->bytes = 0;
}
