/* Every variant that this CPU has, bit for bit against OpenSSL. */
#include "store/hash/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define POOL_N	 ((size_t)1 << 20)
#define JOBS_MAX 2200

static uint8_t *pool;
static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void check(struct md5_job *jobs, size_t nr)
{
	uint8_t want[16];

	md5_many(jobs, nr);
	for (size_t i = 0; i < nr; i++) {
		hash_md5(jobs[i].p, jobs[i].n, want);
		if (memcmp(want, jobs[i].out, 16) != 0)
			fail_msg("%s: message %zu of %zu, %zu bytes",
				 md5_variant_name(md5_many_used()), i, nr, jobs[i].n);
	}
}

static struct md5_job job(size_t n)
{
	size_t at = next_random() % (POOL_N - n);

	return (struct md5_job){.p = pool + at, .n = n};
}

static void for_each_variant(void (*fn)(struct md5_job *jobs))
{
	struct md5_job *jobs = calloc(JOBS_MAX, sizeof(*jobs));

	for (int v = MD5_SERIAL; v < MD5_VARIANTS_NR; v++) {
		if (!md5_many_use((enum md5_variant)v)) {
			print_message("skipped: this CPU has no %s\n",
				      md5_variant_name((enum md5_variant)v));
			continue;
		}
		assert_int_equal(md5_many_used(), v);
		fn(jobs);
	}
	assert_true(md5_many_use(MD5_AUTO));
	free(jobs);
}

static void edges(struct md5_job *jobs)
{
	static const size_t sizes[] = {0,   1,	 54,  55,  56,	57,  62,
				       63,  64,	 65,  118, 119, 120, 121,
				       127, 128, 129, 183, 184, 192, 4096};
	size_t nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		/* Alone, and as 40 equal ones. */
		jobs[0] = job(sizes[i]);
		check(jobs, 1);
		for (size_t k = 0; k < 40; k++)
			jobs[k] = job(sizes[i]);
		check(jobs, 40);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			jobs[nr++] = job(k % 2 ? sizes[i] : sizes[k]);
	check(jobs, nr);
}

static void edge_lengths_are_right(void **state)
{
	(void)state;
	for_each_variant(edges);
}

static void every_length(struct md5_job *jobs)
{
	for (size_t n = 0; n < 300; n++)
		jobs[n] = job(n);
	check(jobs, 300);
}

static void every_length_to_300_is_right(void **state)
{
	(void)state;
	for_each_variant(every_length);
}

static void counts(struct md5_job *jobs)
{
	for (size_t nr = 0; nr <= 100; nr++) {
		for (size_t i = 0; i < nr; i++)
			jobs[i] = job(next_random() % (nr % 7 ? 2000 : 70001));
		check(jobs, nr);
	}
}

static void any_count_of_random_lengths_is_right(void **state)
{
	(void)state;
	for_each_variant(counts);
}

static void many(struct md5_job *jobs)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		jobs[i] = job(next_random() % 500);
	check(jobs, JOBS_MAX);
	/* One far longer than the rest, and one past what OpenSSL is asked for. */
	for (size_t i = 0; i < 40; i++)
		jobs[i] = job(i == 17 ? 700000 : next_random() % 70001);
	check(jobs, 40);
	jobs[0] = job(700000);
	check(jobs, 1);
}

static void more_than_a_round_is_right(void **state)
{
	(void)state;
	for_each_variant(many);
}

/* ASan sees a read past the end: each message ends where its memory does. */
static void tight(struct md5_job *jobs)
{
	for (size_t n = 0; n < 200; n++) {
		uint8_t *p = malloc(n ? n : 1);

		memset(p, (int)n, n);
		jobs[n] = (struct md5_job){.p = n ? p : NULL, .n = n};
		if (!n)
			free(p);
	}
	check(jobs, 200);
	for (size_t n = 1; n < 200; n++)
		free((void *)(uintptr_t)jobs[n].p);
}

static void nothing_is_read_past_a_message(void **state)
{
	(void)state;
	for_each_variant(tight);
}

static void an_unknown_variant_changes_nothing(void **state)
{
	enum md5_variant was = md5_many_used();

	(void)state;
	assert_int_not_equal(was, MD5_AUTO);
	assert_false(md5_many_use(MD5_VARIANTS_NR));
	assert_int_equal(md5_many_used(), was);
}

static int setup(void **state)
{
	(void)state;
	pool = malloc(POOL_N);
	for (size_t i = 0; i < POOL_N; i++)
		pool[i] = (uint8_t)next_random();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(pool);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_lengths_are_right),
		cmocka_unit_test(every_length_to_300_is_right),
		cmocka_unit_test(any_count_of_random_lengths_is_right),
		cmocka_unit_test(more_than_a_round_is_right),
		cmocka_unit_test(nothing_is_read_past_a_message),
		cmocka_unit_test(an_unknown_variant_changes_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
