#include "remote/aimd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

/* Times of 250 ms of a server that answers limit-fold up to knee, each request
 * taking 10 ms; the limit counts from 50 to 50 ms. */
static int64_t play(struct aimd *a, int64_t now, unsigned knee, int windows, bool wanting)
{
	for (int w = 0; w < 5 * windows; w++) {
		unsigned speed = a->limit < knee ? a->limit : knee;
		unsigned nr = speed * 5; /* in 50 ms */

		for (unsigned i = 1; i <= nr; i++)
			aimd_success(a, 1000, wanting, now + 50 * MS * i / nr);
		now += 50 * MS;
	}
	return now;
}

static void grows_while_it_gets_faster(void **state)
{
	struct aimd a;
	int64_t now = 1;

	(void)state;
	aimd_init(&a, 64, 0, now);
	assert_int_equal(a.limit, 8);
	play(&a, now, 1000, 30, true);
	assert_int_equal(a.limit, 64);
}

/* A line with a long way is filled in a few windows, not in twenty. */
static void doubles_until_that_does_not_pay(void **state)
{
	struct aimd a;

	(void)state;
	aimd_init(&a, 64, 0, 1);
	play(&a, 1, 1000, 4, true);
	assert_int_equal(a.limit, 64);
	/* Where the server says slow down it goes on in small steps. */
	aimd_init(&a, 64, 0, 1);
	aimd_throttled(&a, 2);
	play(&a, 2, 1000, 6, true);
	assert_true(a.limit < 16);
}

static void stops_where_it_gains_nothing(void **state)
{
	struct aimd a;
	int64_t now = 1;

	(void)state;
	aimd_init(&a, 64, 0, now);
	for (int i = 0; i < 100; i++) {
		now = play(&a, now, 16, 1, true);
		assert_true(a.limit <= 32);
	}
	assert_in_range(a.limit, 13, 24);
}

static void does_not_grow_when_nothing_waits(void **state)
{
	struct aimd a;

	(void)state;
	aimd_init(&a, 64, 0, 1);
	play(&a, 1, 1000, 30, false);
	assert_int_equal(a.limit, 8);
}

static void halves_once_for_a_burst_and_never_below_one(void **state)
{
	struct aimd a;
	int64_t now = 1;

	(void)state;
	aimd_init(&a, 64, 0, now);
	now = play(&a, now, 1000, 30, true);
	for (int i = 0; i < 50; i++)
		aimd_throttled(&a, now + i * MS);
	assert_int_equal(a.limit, 32);
	for (int i = 1; i < 20; i++)
		aimd_throttled(&a, now + i * 1100 * MS);
	assert_int_equal(a.limit, 1);
	play(&a, now + 30000 * MS, 1000, 60, true);
	assert_true(a.limit > 8); /* and recovers */
}

static void small_ceiling_is_kept(void **state)
{
	struct aimd a;

	(void)state;
	aimd_init(&a, 3, 0, 1);
	assert_int_equal(a.limit, 3);
	play(&a, 1, 1000, 30, true);
	assert_int_equal(a.limit, 3);
	aimd_init(&a, 0, 0, 1);
	assert_int_equal(a.limit, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_while_it_gets_faster),
		cmocka_unit_test(doubles_until_that_does_not_pay),
		cmocka_unit_test(stops_where_it_gains_nothing),
		cmocka_unit_test(does_not_grow_when_nothing_waits),
		cmocka_unit_test(halves_once_for_a_burst_and_never_below_one),
		cmocka_unit_test(small_ceiling_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
