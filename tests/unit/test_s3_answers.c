/* Answers that are no plain yes; each bounded in requests and time. */
#include "tests/lib/fakes3_fix.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/interrupt.h"
#include "store/hash/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY  "files/md5/5d/41402abc4b2a76b9719d911017c592"
#define FULL "pre/fix/" KEY
#define MIB  ((size_t)1 << 20)
#define BIG  (6 * MIB + 3) /* two parts with the profile of this test */
#define RULE (struct fakes3_rule)

static char config_path[] = "/tmp/test-s3-config-XXXXXX";

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));
	struct err e = {0};

	fix_start(x);
	fix_set(x, "read_timeout", "30"); /* a busy machine is no stall */
	fix_set(x, "configpath", config_path);
	*state = x;
	if (fix_open(x, &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int tear_down(void **state)
{
	struct fix *x = *state;

	interrupt_reset();
	clock_shift(0);
	fix_stop(x);
	free(x);
	return 0;
}

static void put_ok(struct fix *x, size_t n)
{
	char *p = fix_bytes(n, 5), *got;
	size_t got_n = 0;

	if (fix_put(x, KEY, p, n) != 0)
		fail_msg("%s", x->err.text);
	got = fakes3_get(x->s3, FULL, &got_n);
	assert_non_null(got);
	assert_int_equal(got_n, n);
	assert_memory_equal(got, p, n);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	free(got);
	free(p);
}

static int put_code(struct fix *x, size_t n)
{
	char *p = fix_bytes(n, 5);
	int r = fix_put(x, KEY, p, n);

	free(p);
	return r;
}

static void get_ok(struct fix *x, size_t n)
{
	char *p = fix_bytes(n, 5), *got = NULL;
	size_t got_n = 0;
	uint8_t md5[16];

	fakes3_put(x->s3, FULL, p, n);
	hash_md5(p, n, md5);
	if (fix_get(x, KEY, md5, &got, &got_n) != 0)
		fail_msg("%s", x->err.text);
	assert_int_equal(got_n, n);
	assert_memory_equal(got, p, n);
	assert_memory_equal(x->digest, md5, 16);
	free(got);
	free(p);
}

static int get_code(struct fix *x, size_t n)
{
	char *p = fix_bytes(n, 5);
	int r;

	fakes3_put(x->s3, FULL, p, n);
	r = fix_get(x, KEY, NULL, NULL, NULL);
	free(p);
	return r;
}

static void says(struct fix *x, const char *text)
{
	if (!strstr(x->err.text, text))
		fail_msg("'%s' is not in: %s", text, x->err.text);
}

static void throttled_requests_wait_and_go_through(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS,
				.status = 503,
				.code = "SlowDown",
				.times = 2});
	put_ok(x, 100);
	assert_int_equal(fakes3_requests(x->s3), 3);
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS, .status = 429, .times = 1});
	get_ok(x, 100);
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void throttling_for_ever_ends(void **state)
{
	struct fix *x = *state;

	setenv("AWS_MAX_ATTEMPTS", "3", 1);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	unsetenv("AWS_MAX_ATTEMPTS");
	fakes3_rule(x->s3,
		    RULE{.what = FAKES3_STATUS, .status = 503, .code = "SlowDown"});
	assert_int_equal(put_code(x, 100), ERR_NET);
	says(x, "503 SlowDown");
	says(x, "after 3 tries");
	assert_int_equal(fakes3_requests(x->s3), 3);
}

static void retry_after_is_waited_for(void **state)
{
	struct fix *x = *state;
	int64_t start = clock_mono_ns();

	fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS | FAKES3_HEADER,
				.status = 503,
				.header = "Retry-After: 2",
				.times = 1});
	put_ok(x, 100);
	assert_true(clock_mono_ns() - start >= INT64_C(1990000000));
}

static void gateways_with_html_are_tried_again(void **state)
{
	static const int codes[] = {500, 502, 504};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		fakes3_clear(x->s3);
		fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS,
					.status = codes[i],
					.body = "<html><body>Bad <b>gateway</body>",
					.times = 2});
		put_ok(x, 100);
		assert_int_equal(fakes3_requests(x->s3), 3);
	}
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS, .status = 502, .body = "<html>"});
	assert_int_equal(get_code(x, 100), ERR_NET);
	assert_int_equal(fakes3_requests(x->s3), 5);
}

static void refused_head_is_looked_into_by_a_listing(void **state)
{
	struct fix *x = *state;

	fakes3_put(x->s3, FULL, "hello", 5);
	fakes3_rule(x->s3, RULE{.method = "HEAD", .what = FAKES3_STATUS, .status = 403});
	assert_int_equal(fix_head(x, KEY), 0);
	assert_int_equal(x->bytes, 5);
	fakes3_remove(x->s3, FULL);
	assert_int_equal(fix_head(x, KEY), ERR_NOTFOUND);
	fakes3_rule(x->s3, RULE{.method = "GET",
				.what = FAKES3_STATUS,
				.status = 403,
				.code = "AccessDenied"});
	assert_int_equal(fix_head(x, KEY), ERR_AUTH);
	says(x, "AccessDenied");
	fakes3_clear(x->s3);
	fakes3_put(x->s3, FULL, "hello", 5);
	fakes3_rule(x->s3, RULE{.method = "HEAD", .what = FAKES3_STATUS, .status = 400});
	assert_int_equal(fix_head(x, KEY), 0);
}

static void skewed_clock_is_corrected_from_the_answer(void **state)
{
	struct fix *x = *state;

	fakes3_clock(x->s3, 7200);
	put_ok(x, 100);
	assert_int_equal(fakes3_requests(x->s3), 2);
	get_ok(x, 100); /* and stays so */
	assert_int_equal(fakes3_requests(x->s3), 3);
	/* A clock that cannot be helped is named. */
	fakes3_clock(x->s3, -7200);
	assert_int_equal(put_code(x, 100), ERR_AUTH);
	says(x, "RequestTimeTooSkewed");
	says(x, "clock");
}

static void request_is_signed_when_it_is_sent(void **state)
{
	struct fix *x = *state;

	put_ok(x, 100);
	clock_shift(INT64_C(86400) * 3 * 1000000000); /* server's too: one process */
	put_ok(x, 100);
	assert_int_equal(fakes3_requests(x->s3), 2);
	assert_int_equal(fakes3_refused(x->s3), 0);
}

static void bucket_of_another_region_is_found_once(void **state)
{
	struct fix *x = *state;

	fakes3_region(x->s3, "eu-south-9");
	put_ok(x, 100);
	assert_int_equal(fakes3_requests(x->s3), 2);
	get_ok(x, 100);
	assert_int_equal(fakes3_requests(x->s3), 3);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	fakes3_clear(x->s3);
	assert_int_equal(fix_head(x, KEY), 0); /* HEAD says it by a header */
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void redirects_in_a_circle_end(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS,
				.status = 301,
				.code = "PermanentRedirect",
				.extra = "<Region>eu-east-7</Region>"});
	assert_int_equal(put_code(x, 100), ERR_NET);
	assert_int_equal(fakes3_requests(x->s3), 2);
	says(x, "PermanentRedirect");
}

static void foreign_host_gets_no_credentials(void **state)
{
	struct fix *x = *state;
	struct fakes3 *other = fakes3_start();
	char location[96], endpoint[96];

	IGNORE_RESULT(snprintf(location, sizeof(location),
			       "Location: http://127.0.0.1:%d/bkt/x",
			       fakes3_port(other)) < 0);
	IGNORE_RESULT(snprintf(endpoint, sizeof(endpoint),
			       "<Endpoint>127.0.0.1:%d</Endpoint>",
			       fakes3_port(other)) < 0);
	fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS | FAKES3_HEADER,
				.status = 307,
				.code = "TemporaryRedirect",
				.extra = endpoint,
				.header = location});
	assert_int_equal(put_code(x, 100), ERR_NET);
	assert_int_equal(fakes3_requests(x->s3), 1);
	assert_int_equal(fakes3_connections(other), 0);
	fakes3_stop(other);
}

static int no_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	size_t *seen = job->ctx;

	(void)v;
	*seen += nr;
	return 0;
}

static int list(struct fix *x, size_t *seen)
{
	struct remote_job job = {
		.op = REMOTE_LIST, .key = "files/", .on_page = no_page, .ctx = seen};

	*seen = 0;
	return remote_do(x->r, &job, &x->err);
}

static void pages_that_lie_are_refused(void **state)
{
	static const char *const bodies[] = {
		"<html><body>welcome to the hotel</body></html>",
		"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><ListBucketResult>"
		"&b;</ListBucketResult>",
		"<ListBucketResult><Contents><Key>pre/fix/files/a</Key><Size>1",
		"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents>"
		"</ListBucketResult>",
		"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
		"</NextContinuationToken></ListBucketResult>", /* the same for ever */
		"",
		"<ListBucketResult><EncodingType>url</EncodingType><Contents>"
		"<Key>pre/fix/files/%0</Key></Contents></ListBucketResult>",
		"<a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a>",
	};
	struct fix *x = *state;
	size_t seen;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		fakes3_clear(x->s3);
		fakes3_rule(
			x->s3,
			RULE{.method = "GET", .what = FAKES3_BODY, .body = bodies[i]});
		if (list(x, &seen) >= 0)
			fail_msg("taken: %s", bodies[i]);
		assert_in_range(fakes3_requests(x->s3), 1, 5);
		assert_int_equal(seen, 0);
	}
	/* Odd, but no lie: an empty page with a token, others' keys, twice the same. */
	fakes3_clear(x->s3);
	fakes3_put(x->s3, "pre/fix/files/z", "", 0);
	fakes3_rule(x->s3,
		    RULE{.method = "GET",
			 .what = FAKES3_BODY,
			 .times = 1,
			 .body = "<ListBucketResult><Contents><Key>foreign/files/1</Key>"
				 "</Contents><IsTruncated>true</IsTruncated>"
				 "<NextContinuationToken>T/pre</NextContinuationToken>"
				 "</ListBucketResult>"});
	assert_int_equal(list(x, &seen), 0);
	assert_int_equal(seen, 1);
}

static void page_cut_short_is_asked_for_again(void **state)
{
	struct fix *x = *state;
	size_t seen;

	fakes3_put(x->s3, "pre/fix/files/a", "", 0);
	fakes3_rule(x->s3, RULE{.method = "GET",
				.what = FAKES3_CLOSE_AT | FAKES3_CHUNKED,
				.at = 100,
				.times = 1});
	assert_int_equal(list(x, &seen), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void servers_without_the_second_version_get_the_first(void **state)
{
	struct fix *x = *state;
	char key[64];
	size_t seen;

	for (int i = 0; i < 25; i++) {
		IGNORE_RESULT(snprintf(key, sizeof(key), "pre/fix/files/%02d", i) < 0);
		fakes3_put(x->s3, key, "", 0);
	}
	fakes3_page(x->s3, 10);
	fakes3_rule(x->s3, RULE{.has = "list-type=2",
				.what = FAKES3_STATUS,
				.status = 501,
				.code = "NotImplemented"});
	assert_int_equal(list(x, &seen), 0);
	assert_int_equal(seen, 25);
	assert_int_equal(fakes3_requests(x->s3), 4);
}

/* The server plays a proxy here, behind which all hosts are itself. */
static void requests_go_through_a_proxy(void **state)
{
	struct fix *x = *state;
	char proxy[64];

	memcpy(proxy, x->endpoint, sizeof(proxy));
	fix_set(x, "endpointurl", "http://no-such-host.invalid");
	fix_set(x, "proxy", proxy);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	put_ok(x, 100);
	assert_int_equal(fakes3_refused(x->s3), 0);
	/* From the environment, and an exception from it. */
	fix_set(x, "proxy", "");
	setenv("http_proxy", proxy, 1);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	put_ok(x, 100);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	fix_set(x, "endpointurl", proxy);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	assert_int_equal(put_code(x, 100), ERR_NET);
	says(x, "127.0.0.1");
	setenv("no_proxy", "127.0.0.1", 1);
	put_ok(x, 100);
	unsetenv("http_proxy");
	unsetenv("no_proxy");
}

static void opaque_and_missing_etags_are_taken_as_such(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.what = FAKES3_HEADER,
				.header = "ETag: \"opaque-1\""});
	put_ok(x, 100);
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.what = FAKES3_DROP_HEADER, .header = "ETag"});
	put_ok(x, 100);
	get_ok(x, 100);
	get_ok(x, 20 * MIB);
	/* An MD5 that is another one is not. */
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.method = "PUT",
				.what = FAKES3_HEADER,
				.header = "ETag: \"d41d8cd98f00b204e9800998ecf8427e\""});
	assert_int_equal(put_code(x, 100), ERR_CORRUPT);
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void some_keys_may_stay_undeleted(void **state)
{
	struct fix *x = *state;
	const char *keys[] = {"a", "b", "c"};
	struct err errs[3];
	struct remote_job job = {
		.op = REMOTE_DELETE, .keys = keys, .keys_nr = 3, .key_errs = errs};
	struct err e = {0};

	fakes3_rule(x->s3,
		    RULE{.method = "POST",
			 .what = FAKES3_BODY,
			 .times = 1,
			 .body = "<DeleteResult><Error><Key>pre/fix/a</Key>"
				 "<Code>InternalError</Code><Message>m</Message></Error>"
				 "<Error><Key>pre/fix/b</Key><Code>AccessDenied</Code>"
				 "<Message>no</Message></Error></DeleteResult>"});
	assert_int_equal(remote_do(x->r, &job, &e), ERR_PARTIAL);
	assert_int_equal(errs[0].code, 0); /* the second time it went */
	assert_int_equal(errs[1].code, ERR_AUTH);
	assert_int_equal(errs[2].code, 0);
	assert_non_null(strstr(e.text, "1 of 3"));
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void servers_without_bulk_deletion_get_single_ones(void **state)
{
	struct fix *x = *state;
	const char *keys[] = {"a", "b", "c"};
	struct remote_job job = {.op = REMOTE_DELETE, .keys = keys, .keys_nr = 3};
	struct err e = {0};

	fakes3_put(x->s3, "pre/fix/b", "x", 1);
	fakes3_rule(x->s3, RULE{.method = "POST",
				.what = FAKES3_STATUS,
				.status = 501,
				.code = "NotImplemented"});
	assert_int_equal(remote_do(x->r, &job, &e), 0);
	assert_false(fakes3_has(x->s3, "pre/fix/b"));
	assert_int_equal(fakes3_matching(x->s3, "DELETE", NULL), 3);
}

static void missing_bucket_is_no_missing_object(void **state)
{
	struct fix *x = *state;
	size_t seen;

	fix_close(x);
	memcpy(x->url, "s3://nope/x", 12);
	assert_int_equal(fix_open(x, NULL), 0);
	assert_int_equal(fix_get(x, KEY, NULL, NULL, NULL), ERR_CONFIG);
	says(x, "NoSuchBucket");
	assert_int_equal(list(x, &seen), ERR_CONFIG);
	assert_int_equal(put_code(x, 10), ERR_CONFIG);
}

static void expired_credentials_are_asked_for_again(void **state)
{
	static const char form[] =
		"[default]\naws_access_key_id = " FAKES3_ACCESS
		"\naws_secret_access_key = " FAKES3_SECRET "\naws_session_token = ";
	struct fix *x = *state;
	char path[] = "/tmp/test-s3-creds-XXXXXX", *text, *token;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	text = xasprintf("%sold\n", form);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	fix_close(x);
	fix_set(x, "access_key_id", "");
	fix_set(x, "secret_access_key", "");
	fix_set(x, "credentialpath", path);
	assert_int_equal(fix_open(x, NULL), 0);
	fakes3_rule(x->s3,
		    RULE{.what = FAKES3_STATUS, .status = 400, .code = "ExpiredToken"});
	assert_int_equal(put_code(x, 100), ERR_AUTH); /* the file says nothing new */
	assert_int_equal(fakes3_requests(x->s3), 2);
	says(x, "ExpiredToken");
	says(x, path);
	assert_int_equal(put_code(x, 100), ERR_AUTH); /* nor is it asked at each */
	assert_int_equal(fakes3_requests(x->s3), 3);
	fakes3_clear(x->s3);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	fakes3_rule(x->s3, RULE{.what = FAKES3_STATUS,
				.status = 400,
				.code = "ExpiredToken",
				.times = 1});
	text[strlen(form)] = 'n';
	assert_int_equal(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	put_ok(x, 100);
	assert_int_equal(fakes3_requests(x->s3), 2);
	token = fakes3_last_header(x->s3, "PUT", NULL, "x-amz-security-token");
	assert_string_equal(token, "nld");
	free(token);
	free(text);
	close(fd);
	unlink(path);
}

static void endless_headers_end(void **state)
{
	struct fix *x = *state;
	char *header = xcalloc(1, 200001);

	memset(header, 'a', 200000);
	memcpy(header, "X-Long: ", 8);
	fakes3_rule(x->s3, RULE{.what = FAKES3_HEADER, .header = header});
	assert_true(get_code(x, 100) < 0);
	assert_in_range(fakes3_requests(x->s3), 1, 5);
	free(header);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(throttled_requests_wait_and_go_through),
		T(throttling_for_ever_ends),
		T(retry_after_is_waited_for),
		T(gateways_with_html_are_tried_again),
		T(refused_head_is_looked_into_by_a_listing),
		T(skewed_clock_is_corrected_from_the_answer),
		T(request_is_signed_when_it_is_sent),
		T(bucket_of_another_region_is_found_once),
		T(redirects_in_a_circle_end),
		T(foreign_host_gets_no_credentials),
		T(pages_that_lie_are_refused),
		T(page_cut_short_is_asked_for_again),
		T(servers_without_the_second_version_get_the_first),
		T(requests_go_through_a_proxy),
		T(opaque_and_missing_etags_are_taken_as_such),
		T(some_keys_may_stay_undeleted),
		T(servers_without_bulk_deletion_get_single_ones),
		T(missing_bucket_is_no_missing_object),
		T(expired_credentials_are_asked_for_again),
		T(endless_headers_end),
	};
	static const char config[] = "[default]\ns3 =\n  multipart_threshold = 5MB\n"
				     "  multipart_chunksize = 5MB\n";
	int fd = mkstemp(config_path), r;

	if (fd < 0 || write(fd, config, sizeof(config) - 1) < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(config_path);
	return r;
}
