/* The bucket of bytes: over time exactly its rate, whatever the steps. */
#include "remote/rate.h"

#include "store/base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static void no_limit_never_waits(void **state)
{
	struct rate r = {0};

	(void)state;
	rate_take(&r, UINT64_MAX);
	assert_true(rate_room(&r, 5) == INT64_MAX);
	assert_int_equal(rate_wait_ns(&r, 5), 0);
	rate_init(&r, 0, 7);
	assert_true(rate_room(&r, 8) == INT64_MAX);
}

/* Whoever asks often or seldom gets the rate, and one burst more at most. */
static void rate_holds_for_any_step(void **state)
{
	static const int64_t steps[] = {1000, 999983, 50 * 1000000, 3 * SECOND};
	static const uint64_t rates[] = {1000, 123457, 10 << 20, UINT64_C(1) << 33};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++)
		for (size_t k = 0; k < ARRAY_SIZE(rates); k++) {
			struct rate r;
			int64_t now = 0, end = MIN_OF(steps[s] * 20000, 60 * SECOND);
			double got = 0, want;

			rate_init(&r, rates[k], 0);
			while (now < end) {
				int64_t room = rate_room(&r, now);

				if (room > 0) {
					rate_take(&r, (uint64_t)room);
					got += (double)room;
				}
				now += steps[s];
			}
			want = (double)rates[k] * (double)end / (double)SECOND;
			assert_true(got <= want + (double)r.burst + 1);
			/* Who comes seldom gets a burst each time. */
			if (steps[s] <= 50 * 1000000)
				assert_true(got >= want * 0.99 - 1);
		}
}

static void debt_is_waited_for(void **state)
{
	struct rate r;
	int64_t wait;

	(void)state;
	rate_init(&r, 10000, 0);
	rate_take(&r, 10000 + 4096); /* the burst, and a second's worth */
	wait = rate_wait_ns(&r, 0);
	assert_true(wait >= SECOND && wait < SECOND + SECOND / 1000);
	assert_true(rate_room(&r, wait / 2) < 0);
	assert_true(rate_room(&r, wait) > 0);
	assert_int_equal(rate_wait_ns(&r, wait), 0);
	/* A wait is bounded, and time that runs backwards gives nothing. */
	rate_take(&r, UINT64_MAX);
	assert_true(rate_wait_ns(&r, wait) <= 60 * SECOND);
	assert_true(rate_room(&r, 0) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit_never_waits),
		cmocka_unit_test(rate_holds_for_any_step),
		cmocka_unit_test(debt_is_waited_for),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
