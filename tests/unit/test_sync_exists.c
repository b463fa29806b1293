/* Which questions are sent, and that every answer is right whichever way. */
#include "remote/sync/exists.h"

#include "store/base/alloc.h"
#include "store/hash/hash.h"
#include "tests/lib/fakes3_fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));
	struct err e = {0};

	fix_start(x);
	*state = x;
	return fix_open(x, &e);
}

static int tear_down(void **state)
{
	struct fix *x = *state;

	fix_stop(x);
	free(x);
	return 0;
}

static struct oid oid_of(unsigned n, enum oid_algo algo)
{
	struct oid oid = {.algo = (uint8_t)algo, .is_dir = n % 7 == 0};
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	hash_md5(text, strlen(text), oid.b);
	return oid;
}

/* Objects first..end of one half lie there, with n % 50 + 1 bytes each. */
static void store(struct fix *x, unsigned first, unsigned end, enum oid_algo algo)
{
	static const char bytes[64];

	for (unsigned i = first; i < end; i++) {
		struct oid oid = oid_of(i, algo);
		char path[OID_PATH_MAX], key[128];

		snprintf(key, sizeof(key), "pre/fix/%s", oid_path(&oid, path));
		fakes3_put(x->s3, key, bytes, i % 50 + 1);
	}
}

/* Ask for first..end and expect that below `there` all is, and nothing above. */
static void ask(struct fix *x, unsigned first, unsigned end, unsigned there,
		enum oid_algo algo)
{
	struct exists_item *v = xcalloc(end - first, sizeof(*v));
	struct err e = {0};

	for (unsigned i = first; i < end; i++)
		v[i - first].oid = oid_of(i, algo);
	if (exists_query(x->r, v, end - first, NULL, &e) < 0)
		fail_msg("%s", e.text);
	for (unsigned i = first; i < end; i++) {
		const struct exists_item *item = &v[i - first];
		struct oid oid = oid_of(i, algo);

		assert_true(oid_eq(&item->oid, &oid)); /* the order given */
		assert_int_equal(item->state, i < there ? EXISTS_YES : EXISTS_NO);
		if (i < there)
			assert_int_equal(item->bytes, i % 50 + 1);
	}
	free(v);
}

static void a_few_are_asked_one_by_one(void **state)
{
	struct fix *x = *state;

	store(x, 0, 3000, OID_MD5);
	ask(x, 2995, 3005, 3000, OID_MD5);
	assert_int_equal(fakes3_matching(x->s3, "HEAD", NULL), 10);
	assert_int_equal(fakes3_requests(x->s3), 10);
}

static void a_small_remote_is_known_by_one_request(void **state)
{
	struct fix *x = *state;

	store(x, 0, 500, OID_MD5);
	ask(x, 0, 900, 500, OID_MD5);
	assert_int_equal(fakes3_requests(x->s3), 1);
}

static void an_empty_remote_is_known_by_one_request(void **state)
{
	struct fix *x = *state;

	ask(x, 0, 400, 0, OID_MD5);
	assert_int_equal(fakes3_requests(x->s3), 1);
}

static void many_of_many_are_listed_in_ranges(void **state)
{
	struct fix *x = *state;

	store(x, 0, 8000, OID_MD5);
	ask(x, 4000, 12000, 8000, OID_MD5);
	assert_int_equal(fakes3_matching(x->s3, "HEAD", NULL), 0);
	assert_true(fakes3_requests(x->s3) <= 1 + 16 * 2);
}

static void a_handful_of_very_many_is_not_listed(void **state)
{
	struct fix *x = *state;

	fakes3_page(x->s3, 10);
	store(x, 0, 4000, OID_MD5);
	ask(x, 3990, 4030, 4000, OID_MD5);
	/* Pages of ten: the probe may only see that there are many. */
	assert_true(fakes3_matching(x->s3, "HEAD", NULL) <= 40);
	assert_true(fakes3_requests(x->s3) < 400);
}

static void legacy_names_and_new_ones_do_not_meet(void **state)
{
	struct fix *x = *state;

	store(x, 0, 700, OID_LEGACY);
	ask(x, 0, 1000, 0, OID_MD5);
	ask(x, 0, 1000, 700, OID_LEGACY);
}

static void both_halves_at_once_keep_the_order_given(void **state)
{
	struct fix *x = *state;
	struct exists_item v[200] = {0};

	store(x, 0, 50, OID_MD5);
	store(x, 50, 100, OID_LEGACY);
	for (unsigned i = 0; i < 200; i++)
		v[i].oid = oid_of(i / 2, i % 2 ? OID_LEGACY : OID_MD5);
	assert_int_equal(exists_query(x->r, v, 200, NULL, NULL), 0);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(v[i].state,
				 (i / 2 < 50) == (i % 2 == 0) ? EXISTS_YES : EXISTS_NO);
}

static void without_the_right_to_list_each_is_asked(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, (struct fakes3_rule){.method = "GET",
						.has = "list-type",
						.what = FAKES3_STATUS,
						.status = 403,
						.code = "AccessDenied"});
	store(x, 0, 30, OID_MD5);
	ask(x, 0, 60, 30, OID_MD5);
	assert_int_equal(fakes3_matching(x->s3, "HEAD", NULL), 60);
}

static void a_question_that_fails_is_unknown_not_absent(void **state)
{
	struct fix *x = *state;
	struct exists_item v[3] = {0};
	struct oid bad = oid_of(1, OID_MD5);
	char path[OID_PATH_MAX];

	store(x, 0, 3, OID_MD5);
	/* HEAD, and the listing that is asked where a HEAD says nothing. */
	fakes3_rule(x->s3, (struct fakes3_rule){.has = oid_path(&bad, path) + 13,
						.what = FAKES3_STATUS,
						.status = 400,
						.code = "Odd"});
	for (unsigned i = 0; i < 3; i++)
		v[i].oid = oid_of(i, OID_MD5);
	IGNORE_RESULT(exists_query(x->r, v, 3, NULL, NULL) < 0);
	assert_int_equal(v[0].state, EXISTS_YES);
	assert_int_equal(v[1].state, EXISTS_UNKNOWN);
	assert_true(v[1].code < 0);
	assert_int_equal(v[2].state, EXISTS_YES);
}

static void pages_are_dearer_than_questions(void **state)
{
	(void)state;
	assert_false(exists_prefers_list(0, 1000, 8));
	assert_true(exists_prefers_list(0, 1000, 9));
	assert_false(exists_prefers_list(1000000, 1000, 8000));
	assert_true(exists_prefers_list(1000000, 1000, 8100));
	assert_true(exists_prefers_list(10, 0, 9));
	assert_false(exists_prefers_list(UINT64_MAX / 2, 1000, 1u << 30));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_few_are_asked_one_by_one),
		T(a_small_remote_is_known_by_one_request),
		T(an_empty_remote_is_known_by_one_request),
		T(many_of_many_are_listed_in_ranges),
		T(a_handful_of_very_many_is_not_listed),
		T(legacy_names_and_new_ones_do_not_meet),
		T(both_halves_at_once_keep_the_order_given),
		T(without_the_right_to_list_each_is_asked),
		T(a_question_that_fails_is_unknown_not_absent),
		cmocka_unit_test(pages_are_dearer_than_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
