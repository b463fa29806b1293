/* Credentials that come to an end while transfers are under way. */
#include "remote/s3.h"
#include "remote/s3_perm.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/fs.h"
#include "tests/lib/fakes3_fix.h"
#include "tests/lib/fakeweb.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY   "files/md5/5d/41402abc4b2a76b9719d911017c592"
#define RULE  (struct fakes3_rule)
#define ROLES "/latest/meta-data/iam/security-credentials/"

struct both {
	struct fix x; /* first */
	struct fakeweb *web;
};

static void gives(struct both *b, const char *token, int64_t seconds, unsigned delay_ms)
{
	char until[21], *json;

	clock_format_iso(clock_wall_ns() + seconds * 1000000000, until);
	json = xasprintf("{\"Code\": \"Success\", \"AccessKeyId\": \"" FAKES3_ACCESS
			 "\", \"SecretAccessKey\": \"" FAKES3_SECRET
			 "\", \"Token\": \"%s\", \"Expiration\": \"%s\"}",
			 token, until);
	fakeweb_set(b->web, "GET", ROLES "r", 200, json, delay_ms);
	free(json);
}

static int set_up(void **state)
{
	struct both *b = xcalloc(1, sizeof(*b));
	struct err e = {0};

	b->web = fakeweb_start();
	fix_start(&b->x);
	fix_set(&b->x, "access_key_id", "");
	fix_set(&b->x, "secret_access_key", "");
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", fakeweb_url(b->web), 1);
	fakeweb_set(b->web, "PUT", "/latest/api/token", 200, "t", 0);
	fakeweb_set(b->web, "GET", ROLES, 200, "r", 0);
	gives(b, "TOKEN-1", 7200, 0);
	*state = b;
	if (fix_open(&b->x, &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int tear_down(void **state)
{
	struct both *b = *state;

	fix_stop(&b->x);
	fakeweb_stop(b->web);
	unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	free(b);
	return 0;
}

static void says(struct both *b, const char *text)
{
	char all[4096];

	err_format(&b->x.err, all, sizeof(all));
	if (!strstr(all, text))
		fail_msg("'%s' is not in: %s", text, all);
	assert_null(strstr(all, FAKES3_SECRET));
	assert_null(strstr(all, "TOKEN-"));
}

static void token_sent_is(struct both *b, const char *token)
{
	char *v = fakes3_last_header(b->x.s3, "PUT", NULL, "x-amz-security-token");

	assert_string_equal(v, token);
	free(v);
}

enum {
	MANY = 40
};

/* So many uploads at once; how many of them failed. */
static int put_many(struct both *b)
{
	struct remote_job *v = xcalloc(MANY, sizeof(*v));
	char keys[MANY][64];
	int failed = 0;

	for (int i = 0; i < MANY; i++) {
		IGNORE_RESULT(
			snprintf(keys[i], sizeof(keys[i]), "files/md5/00/%030d", i) < 0);
		v[i] = (struct remote_job){
			.op = REMOTE_PUT_BYTES, .key = keys[i], .data = "x", .bytes = 1};
		remote_submit(b->x.r, &v[i]);
	}
	for (int i = 0; i < MANY; i++) {
		struct remote_job *job = remote_next(b->x.r);

		if (job->code != 0) {
			b->x.err = job->err;
			failed++;
		}
	}
	free(v);
	return failed;
}

static void one_refresh_serves_all_calls(void **state)
{
	struct both *b = *state;

	gives(b, "TOKEN-2", 7200, 200);
	fakes3_rule(b->x.s3, RULE{.what = FAKES3_STATUS,
				  .status = 400,
				  .code = "ExpiredToken",
				  .times = 8});
	assert_int_equal(put_many(b), 0);
	assert_int_equal(fakeweb_requests(b->web, ROLES "r"), 2); /* and the first */
	token_sent_is(b, "TOKEN-2");
	assert_int_equal(fakes3_refused(b->x.s3), 0);
}

static void a_multipart_upload_outlives_its_keys(void **state)
{
	struct both *b = *state;

	gives(b, "TOKEN-2", 7200, 0);
	fakes3_rule(b->x.s3, RULE{.method = "PUT",
				  .has = "partNumber=3",
				  .what = FAKES3_STATUS,
				  .status = 400,
				  .code = "ExpiredToken",
				  .times = 1});
	fix_round_trip(&b->x, KEY, (64 << 20) + 1);
	assert_int_equal(fakeweb_requests(b->web, ROLES "r"), 2);
	assert_int_equal(fakes3_matching(b->x.s3, "PUT", "partNumber="), 6);
	assert_int_equal(fakes3_uploads(b->x.s3), 0);
}

static void a_refresh_that_fails_ends_all_with_its_reason(void **state)
{
	struct both *b = *state;

	fakeweb_set(b->web, "GET", ROLES "r", 500, "down", 0);
	fakes3_rule(b->x.s3,
		    RULE{.what = FAKES3_STATUS, .status = 400, .code = "ExpiredToken"});
	assert_int_equal(put_many(b), MANY);
	assert_int_equal(b->x.err.code, ERR_AUTH);
	says(b, "could not be renewed");
	says(b, "role 'r' of this instance");
	assert_int_equal(fakeweb_requests(b->web, ROLES "r"), 2);
	assert_true(fakes3_requests(b->x.s3) <= 8);
}

static void keys_are_fresh_before_they_end(void **state)
{
	struct both *b = *state;

	fix_close(&b->x);
	gives(b, "TOKEN-1", 1, 0); /* lives a second */
	assert_int_equal(fix_open(&b->x, NULL), 0);
	/* The metadata service stretches what has ended; so ask by the clock. */
	gives(b, "TOKEN-2", 7200, 100);
	clock_shift(INT64_C(899) * 1000000000);
	fakes3_clock(b->x.s3, 899);
	assert_int_equal(put_many(b), 0);
	token_sent_is(b, "TOKEN-2");
	assert_int_equal(fakes3_matching(b->x.s3, "PUT", NULL), MANY);
	clock_shift(0);
}

static void closing_does_not_wait_for_a_refresh(void **state)
{
	struct both *b = *state;
	struct remote_job job = {
		.op = REMOTE_PUT_BYTES, .key = KEY, .data = "x", .bytes = 1};
	int64_t start = clock_mono_ns();

	gives(b, "TOKEN-2", 7200, 900);
	fakes3_rule(b->x.s3, RULE{.what = FAKES3_STATUS,
				  .status = 400,
				  .code = "ExpiredToken",
				  .times = 1});
	remote_submit(b->x.r, &job);
	while (fakes3_requests(b->x.s3) == 0)
		clock_sleep_ms(1);
	fix_close(&b->x);
	assert_true(clock_mono_ns() - start < INT64_C(2500000000));
	assert_int_equal(job.code, ERR_CANCELED);
}

static void a_denial_names_operation_and_permission(void **state)
{
	struct both *b = *state;

	fakes3_rule(b->x.s3,
		    RULE{.what = FAKES3_STATUS, .status = 403, .code = "AccessDenied"});
	assert_int_equal(fix_put_bytes(&b->x, KEY, "x", 1), ERR_AUTH);
	says(b,
	     "PutObject on 's3://bkt/pre/fix/" KEY "' was denied; it needs s3:PutObject");
	says(b, "(credentials from role 'r' of this instance)");
	assert_int_equal(fix_get(&b->x, KEY, NULL, NULL, NULL), ERR_AUTH);
	says(b,
	     "GetObject on 's3://bkt/pre/fix/" KEY "' was denied; it needs s3:GetObject");
}

static void operations_have_their_permission(void **state)
{
	static const struct {
		const char *method;
		bool has_key;
		const char *query, *operation, *permission;
	} v[] = {
		{"PUT", true, "partNumber", "UploadPart", "s3:PutObject"},
		{"PUT", true, NULL, "PutObject", "s3:PutObject"},
		{"POST", true, "uploads", "CreateMultipartUpload", "s3:PutObject"},
		{"POST", true, "uploadId", "CompleteMultipartUpload", "s3:PutObject"},
		{"DELETE", true, "uploadId", "AbortMultipartUpload",
		 "s3:AbortMultipartUpload"},
		{"DELETE", true, NULL, "DeleteObject", "s3:DeleteObject"},
		{"GET", true, "uploadId", "ListParts", "s3:ListMultipartUploadParts"},
		{"GET", true, "versionId", "GetObject", "s3:GetObjectVersion"},
		{"GET", false, "uploads", "ListMultipartUploads",
		 "s3:ListBucketMultipartUploads"},
		{"GET", false, "list-type", "ListObjectsV2", "s3:ListBucket"},
		{"GET", false, NULL, "ListObjects", "s3:ListBucket"},
		{"POST", false, "delete", "DeleteObjects", "s3:DeleteObject"},
		{"PATCH", false, NULL, "PATCH", "more rights"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct sigv4_pair q = {v[i].query, ""};
		struct s3_perm p =
			s3_perm_of(v[i].method, v[i].has_key, &q, v[i].query ? 1 : 0);

		assert_string_equal(p.operation, v[i].operation);
		assert_string_equal(p.permission, v[i].permission);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(one_refresh_serves_all_calls),
		T(a_multipart_upload_outlives_its_keys),
		T(a_refresh_that_fails_ends_all_with_its_reason),
		T(keys_are_fresh_before_they_end),
		T(closing_does_not_wait_for_a_refresh),
		T(a_denial_names_operation_and_permission),
		cmocka_unit_test(operations_have_their_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
