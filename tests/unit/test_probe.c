/* What a test of a remote finds, and that nothing of it stays. */
#include "remote/probe.h"

#include "remote/remote.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "tests/lib/fakes3_fix.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RULE (struct fakes3_rule)
/* What fakes3 says of every object: 24 May 2013. */
#define MODIFIED_NS (INT64_C(1369353600) * 1000000000)

struct fixture {
	struct fix x;
	struct probe p;
	struct err e;
};

static const char *get(void *ctx, const char *key)
{
	const struct fixture *f = ctx;

	if (strcmp(key, "endpointurl") == 0)
		return f->x.endpoint;
	if (strcmp(key, "access_key_id") == 0)
		return FAKES3_ACCESS;
	return strcmp(key, "secret_access_key") == 0 ? FAKES3_SECRET : NULL;
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	fix_start(&f->x);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	interrupt_reset();
	probe_release(&f->p);
	fix_stop(&f->x);
	free(f);
	return 0;
}

static int probe(struct fixture *f)
{
	struct remote_options o = {
		.name = "up", .url = f->x.url, .get = get, .get_ctx = f};

	probe_release(&f->p);
	f->e = (struct err){0};
	return remote_probe(&o, &f->p, &f->e);
}

static const struct probe_check *check(struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->p.checks.nr; i++)
		if (strcmp(f->p.checks.v[i].name, name) == 0)
			return &f->p.checks.v[i];
	fail_msg("'%s' was not checked", name);
	return NULL;
}

static void is(struct fixture *f, const char *name, enum probe_result want)
{
	const struct probe_check *c = check(f, name);

	if (!c)
		return; /* it failed there */
	if (c->result != want)
		fail_msg("%s is %d: %s", name, c->result, c->detail);
	assert_null(strstr(c->detail, FAKES3_SECRET));
}

static void nothing_stays(struct fixture *f)
{
	assert_int_equal(fakes3_objects(f->x.s3), 0);
	assert_int_equal(fakes3_uploads(f->x.s3), 0);
}

static void a_good_server_has_it_all(void **state)
{
	static const char *const all[] = {"put",       "get",	      "head",
					  "absence",   "list",	      "range",
					  "clock",     "content-md5", "list paging",
					  "multipart", "bulk delete", "delete"};
	struct fixture *f = *state;

	assert_int_equal(probe(f), 0);
	assert_int_equal(f->p.code, 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		is(f, all[i], PROBE_YES);
	assert_true(f->p.latency_us > 0 && f->p.latency_worst_us >= f->p.latency_us);
	assert_true(f->p.upload_bytes_s > 0 && f->p.download_bytes_s > 0);
	assert_true(f->p.has_clock && llabs(f->p.ahead_ms) < 2000);
	assert_string_equal(f->p.endpoint, f->x.endpoint);
	assert_int_equal(f->p.learned.flags & (S3_LIST_V1 | S3_PLAIN_KEYS |
					       S3_SINGLE_DELETE | S3_NO_MULTIPART),
			 0);
	assert_true(f->p.learned.known & S3_LIST_V1);
	assert_string_equal(f->p.learned.where, f->x.endpoint + 7);
	nothing_stays(f);
	assert_int_equal(fakes3_refused(f->x.s3), 0);
}

static void what_is_lacking_is_learned(void **state)
{
	struct fixture *f = *state;

	fakes3_rule(f->x.s3, RULE{.has = "list-type=2",
				  .what = FAKES3_STATUS,
				  .status = 501,
				  .code = "NotImplemented"});
	fakes3_rule(f->x.s3, RULE{.method = "POST",
				  .has = "uploads=",
				  .what = FAKES3_STATUS,
				  .status = 501,
				  .code = "NotImplemented"});
	fakes3_rule(f->x.s3, RULE{.method = "POST",
				  .has = "?delete=",
				  .what = FAKES3_STATUS,
				  .status = 501,
				  .code = "NotImplemented"});
	fakes3_clock(f->x.s3, -7200);
	assert_int_equal(probe(f), 0);
	assert_int_equal(f->p.code, 0);
	is(f, "list paging", PROBE_YES);
	is(f, "multipart", PROBE_NO);
	is(f, "bulk delete", PROBE_NO);
	is(f, "delete", PROBE_YES);
	is(f, "clock", PROBE_NO);
	assert_true(f->p.ahead_ms < -7100000 && f->p.ahead_ms > -7300000);
	assert_int_equal(f->p.learned.flags &
				 (S3_LIST_V1 | S3_SINGLE_DELETE | S3_NO_MULTIPART),
			 S3_LIST_V1 | S3_SINGLE_DELETE | S3_NO_MULTIPART);
	nothing_stays(f);
}

static void a_denied_put_ends_the_test(void **state)
{
	struct fixture *f = *state;

	fakes3_rule(f->x.s3, RULE{.method = "PUT",
				  .what = FAKES3_STATUS,
				  .status = 403,
				  .code = "AccessDenied"});
	assert_int_equal(probe(f), 0);
	assert_int_equal(f->p.code, ERR_AUTH);
	is(f, "put", PROBE_FAILED);
	assert_non_null(strstr(f->p.error, "s3:PutObject"));
	nothing_stays(f);
}

static void a_denied_listing_is_told_and_cleaned_up_after(void **state)
{
	struct fixture *f = *state;

	fakes3_rule(f->x.s3, RULE{.method = "GET",
				  .has = "prefix=",
				  .what = FAKES3_STATUS,
				  .status = 403,
				  .code = "AccessDenied"});
	assert_int_equal(probe(f), 0);
	assert_int_equal(f->p.code, ERR_AUTH);
	is(f, "list", PROBE_FAILED);
	is(f, "range", PROBE_YES);
	assert_int_equal(f->p.learned.known & S3_LIST_V1, 0);
	nothing_stays(f);
}

static void a_broken_part_aborts_the_upload(void **state)
{
	struct fixture *f = *state;

	fakes3_rule(f->x.s3, RULE{.method = "PUT",
				  .has = "partNumber=2",
				  .what = FAKES3_STATUS,
				  .status = 400,
				  .code = "InvalidPart"});
	assert_int_equal(probe(f), 0);
	is(f, "multipart", PROBE_FAILED);
	nothing_stays(f);
}

static void *interrupter(void *arg)
{
	struct fixture *f = arg;

	while (fakes3_matching(f->x.s3, "PUT", "partNumber=1") == 0)
		clock_sleep_ms(1);
	interrupt_request();
	return NULL;
}

static void an_interrupt_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	pthread_t t;

	fakes3_rule(f->x.s3, RULE{.method = "PUT",
				  .has = "partNumber=1",
				  .what = FAKES3_DELAY,
				  .ms = 400});
	assert_int_equal(pthread_create(&t, NULL, interrupter, f), 0);
	assert_int_equal(probe(f), ERR_CANCELED);
	pthread_join(t, NULL);
	assert_true(interrupt_pending()); /* the command ends as interrupted */
	nothing_stays(f);
}

static void what_a_killed_test_left_is_removed(void **state)
{
	struct fixture *f = *state;

	fakes3_put(f->x.s3, "pre/fix/lode/probe-0123456789abcdef/small", "x", 1);
	fakes3_put(f->x.s3, "pre/fix/lode/probe-mine/x", "x", 1);
	fakes3_put(f->x.s3, "pre/fix/lode/other", "x", 1);
	/* Young ones stay, since another test may be at work. The server's are of a
	 * fixed day. */
	clock_shift(MODIFIED_NS + INT64_C(600) * 1000000000 - clock_wall_ns());
	fakes3_clock(f->x.s3, (MODIFIED_NS - clock_wall_ns()) / 1000000000);
	assert_int_equal(probe(f), 0);
	clock_shift(0);
	fakes3_clock(f->x.s3, 0);
	assert_true(fakes3_has(f->x.s3, "pre/fix/lode/probe-0123456789abcdef/small"));
	assert_int_equal(probe(f), 0);
	assert_false(fakes3_has(f->x.s3, "pre/fix/lode/probe-0123456789abcdef/small"));
	assert_true(fakes3_has(f->x.s3, "pre/fix/lode/probe-mine/x"));
	assert_true(fakes3_has(f->x.s3, "pre/fix/lode/other"));
	assert_int_equal(fakes3_objects(f->x.s3), 2);
}

static void a_directory_is_tested_too(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/test-probe-XXXXXX", *sub;
	struct remote_options o = {.name = "up"};

	assert_non_null(mkdtemp(dir));
	o.url = dir;
	assert_int_equal(remote_probe(&o, &f->p, &f->e), 0);
	assert_int_equal(f->p.code, 0);
	is(f, "delete", PROBE_YES);
	assert_null(f->p.endpoint);
	sub = xasprintf("%s/lode", dir);
	assert_int_equal(fs_kind(AT_FDCWD, sub), 0);
	free(sub);
	assert_int_equal(rmdir(dir), 0);
	probe_release(&f->p);
	assert_int_equal(
		remote_probe(&(struct remote_options){.url = "foo://x"}, &f->p, &f->e),
		ERR_CONFIG);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_good_server_has_it_all),
		T(what_is_lacking_is_learned),
		T(a_denied_put_ends_the_test),
		T(a_denied_listing_is_told_and_cleaned_up_after),
		T(a_broken_part_aborts_the_upload),
		T(an_interrupt_leaves_nothing),
		T(what_a_killed_test_left_is_removed),
		T(a_directory_is_tested_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
