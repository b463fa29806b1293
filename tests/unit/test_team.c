/* Threads that work together, and shards that meet. */
#include "store/base/buf.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/team.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct count {
	atomic_uint member[16], item[1000];
	atomic_uint wrong;
	unsigned expect;
};

static void run_one(void *ctx, unsigned member, unsigned members)
{
	struct count *c = ctx;

	if (members != c->expect)
		atomic_fetch_add(&c->wrong, 1);
	atomic_fetch_add(&c->member[member], 1);
}

static void item_one(void *ctx, size_t i, unsigned member)
{
	struct count *c = ctx;

	if (member >= c->expect)
		atomic_fetch_add(&c->wrong, 1);
	atomic_fetch_add(&c->item[i], 1);
}

/* Thousands of calls, some after a pause in which members fall asleep. */
static void every_member_runs_once_a_call(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 8; threads++) {
		struct count c = {.expect = threads};
		struct team *t = NULL;

		assert_int_equal(team_new(&t, threads, NULL), 0);
		assert_int_equal(team_size(t), threads);
		for (unsigned i = 0; i < 300; i++) {
			if (i % 100 == 50)
				usleep(2000);
			team_run(t, run_one, &c);
		}
		for (unsigned m = 0; m < threads; m++)
			assert_int_equal(c.member[m], 300);
		assert_int_equal(c.wrong, 0);
		team_free(t);
	}
}

static void every_item_is_taken_once(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads <= 5; threads++) {
		struct count c = {.expect = threads ? threads : 1};
		struct team *t = NULL;

		if (threads > 0)
			assert_int_equal(team_new(&t, threads, NULL), 0);
		for (size_t n = 0; n <= 1000; n += n < 4 ? 1 : 249)
			team_for(t, n, item_one, &c);
		for (size_t i = 0; i < 1000; i++)
			assert_true(c.item[i] > 0 && c.item[i] <= c.item[0]);
		assert_int_equal(c.item[999], 1);
		assert_int_equal(c.wrong, 0);
		team_free(t);
	}
	team_free(NULL);
}

static void without_a_number_there_is_one_for_each_core(void **state)
{
	struct team *t = NULL;

	(void)state;
	assert_int_equal(team_new(&t, 0, NULL), 0);
	assert_true(team_size(t) >= 1);
	assert_int_equal(team_size(NULL), 1);
	team_free(t);
}

struct shard {
	const struct comm *comm;
	pthread_t thread;
	uint64_t sum[3];
	double max[2];
	struct buf all;
	int bad;
};

static void *meet(void *arg)
{
	struct shard *s = arg;
	unsigned k = s->comm->rank;
	char text[8] = "abcdefg";

	for (int i = 0; i < 100; i++) {
		s->sum[0] = k;
		s->sum[1] = UINT64_MAX; /* sums are modulo 2^64 */
		s->sum[2] = (uint64_t)i;
		s->max[0] = (double)k;
		s->max[1] = -(double)k;
		buf_reset(&s->all);
		if (s->comm->sum_u64(s->comm->ctx, s->sum, 3, NULL) < 0 ||
		    s->comm->max_f64(s->comm->ctx, s->max, 2, NULL) < 0 ||
		    s->comm->allgatherv(s->comm->ctx, text, k, &s->all, NULL) < 0)
			s->bad = 1;
	}
	return NULL;
}

static void shards_see_the_same_sums(void **state)
{
	const unsigned size = 4;
	struct comm_threads *all;
	struct shard s[4] = {0};

	(void)state;
	assert_int_equal(comm_threads_new(&all, size, NULL), 0);
	for (unsigned i = 0; i < size; i++) {
		s[i].comm = comm_threads_rank(all, i);
		assert_int_equal(s[i].comm->rank, i);
		assert_int_equal(s[i].comm->size, size);
		assert_int_equal(pthread_create(&s[i].thread, NULL, meet, &s[i]), 0);
	}
	for (unsigned i = 0; i < size; i++)
		pthread_join(s[i].thread, NULL);
	for (unsigned i = 0; i < size; i++) {
		assert_int_equal(s[i].bad, 0);
		assert_int_equal(s[i].sum[0], 6);
		assert_true(s[i].sum[1] == UINT64_MAX - 3);
		assert_int_equal(s[i].sum[2], 4 * 99);
		assert_true(s[i].max[0] == 3 && s[i].max[1] == 0);
		assert_string_equal(buf_str(&s[i].all), "aababc");
		buf_release(&s[i].all);
	}
	comm_threads_free(all);
	comm_threads_free(NULL);
	assert_int_equal(comm_threads_new(&all, 0, NULL), ERR_INVALID);
}

static void alone_nothing_changes(void **state)
{
	uint64_t sum[2] = {7, 8};
	double max[1] = {-3};
	struct buf all = {0};

	(void)state;
	assert_int_equal(comm_self.size, 1);
	assert_int_equal(comm_self.sum_u64(comm_self.ctx, sum, 2, NULL), 0);
	assert_int_equal(comm_self.max_f64(comm_self.ctx, max, 1, NULL), 0);
	assert_int_equal(comm_self.allgatherv(comm_self.ctx, "xy", 2, &all, NULL), 0);
	assert_true(sum[0] == 7 && sum[1] == 8 && max[0] == -3);
	assert_string_equal(buf_str(&all), "xy");
	buf_release(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_runs_once_a_call),
		cmocka_unit_test(every_item_is_taken_once),
		cmocka_unit_test(without_a_number_there_is_one_for_each_core),
		cmocka_unit_test(shards_see_the_same_sums),
		cmocka_unit_test(alone_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
