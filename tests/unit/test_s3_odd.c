/* What else goes wrong: trickles, parts sent twice, files that move, odd answers. */
#include "tests/lib/fakes3_fix.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/interrupt.h"
#include "store/hash/hash.h"

#include <pthread.h>
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
#define BIG  (6 * MIB + 3)
#define RULE (struct fakes3_rule)

static char config_path[] = "/tmp/test-s3-odd-XXXXXX";

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));

	fix_start(x);
	fix_set(x, "read_timeout", "30");
	fix_set(x, "configpath", config_path);
	*state = x;
	return fix_open(x, &x->err);
}

static int tear_down(void **state)
{
	struct fix *x = *state;

	interrupt_reset();
	fix_stop(x);
	free(x);
	return 0;
}

static void says(struct fix *x, const char *text)
{
	if (!strstr(x->err.text, text))
		fail_msg("'%s' is not in: %s", text, x->err.text);
}

static void reopen(struct fix *x)
{
	fix_close(x);
	assert_int_equal(fix_open(x, &x->err), 0);
}

static int put(struct fix *x, size_t n)
{
	char *p = fix_bytes(n, 5);
	int r = fix_put(x, KEY, p, n);

	free(p);
	return r;
}

static void check_stored(struct fix *x, size_t n)
{
	char *p = fix_bytes(n, 5), *got;
	size_t got_n = 0;

	got = fakes3_get(x->s3, FULL, &got_n);
	assert_non_null(got);
	assert_int_equal(got_n, n);
	assert_memory_equal(got, p, n);
	free(got);
	free(p);
}

/* A byte now and then is no progress. */
static void trickle_is_a_stall(void **state)
{
	struct fix *x = *state;
	int64_t start = clock_mono_ns();
	char *p = fix_bytes(200000, 5);

	fix_set(x, "read_timeout", "1");
	fix_set(x, "retries", "2");
	reopen(x);
	fakes3_put(x->s3, FULL, p, 200000);
	fakes3_rule(x->s3, RULE{.method = "GET", .what = FAKES3_TRICKLE, .at = 10});
	assert_int_equal(fix_get(x, KEY, NULL, NULL, NULL), ERR_NET);
	says(x, "stalled while receiving");
	says(x, KEY);
	says(x, "127.0.0.1");
	says(x, "after 2 tries");
	assert_int_equal(fakes3_requests(x->s3), 2);
	assert_true(clock_mono_ns() - start < INT64_C(8000000000));
	free(p);
}

static void silence_after_an_upload_is_a_stall(void **state)
{
	struct fix *x = *state;

	fix_set(x, "read_timeout", "1");
	reopen(x);
	fakes3_rule(x->s3, RULE{.method = "PUT", .what = FAKES3_HANG, .times = 1});
	assert_int_equal(put(x, 3 * MIB), 0);
	assert_int_equal(fakes3_requests(x->s3), 2);
	check_stored(x, 3 * MIB);
}

/* The last request takes seconds where all others took none: it is sent again. */
static void straggler_is_sent_again(void **state)
{
	static const char *const methods[] = {"GET", "PUT"};
	struct fix *x = *state;

	for (int i = 0; i < 40; i++) {
		assert_int_equal(put(x, 100), 0);
		assert_int_equal(fix_get(x, KEY, NULL, NULL, NULL), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		int64_t start = clock_mono_ns();

		fakes3_clear(x->s3);
		fakes3_rule(x->s3, RULE{.method = methods[i],
					.times = 1,
					.what = FAKES3_DELAY,
					.ms = 6000});
		assert_int_equal(i ? put(x, 100) : fix_get(x, KEY, NULL, NULL, NULL), 0);
		assert_true(clock_mono_ns() - start < INT64_C(4500000000));
		assert_int_equal(fakes3_requests(x->s3), 2);
		check_stored(x, 100);
	}
}

/* The answer to a part is lost after the server took it. */
static void part_that_is_sent_twice_counts_once(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber=1",
				.times = 1,
				.what = FAKES3_RST_BEFORE_ANSWER});
	if (put(x, BIG) != 0)
		fail_msg("%s", x->err.text);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber=1"), 2);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber="), 3);
	check_stored(x, BIG);
	assert_int_equal(fakes3_uploads(x->s3), 0);
}

/* Nothing is sent that only some servers know. */
static void requests_carry_nothing_that_is_new(void **state)
{
	static const char *const names[] = {"Expect",
					    "If-None-Match",
					    "Transfer-Encoding",
					    "x-amz-trailer",
					    "x-amz-sdk-checksum-algorithm",
					    "x-amz-checksum-crc32",
					    "x-amz-checksum-crc64nvme",
					    "x-amz-decoded-content-length",
					    "Accept-Encoding"};
	static const size_t sizes[] = {0, 100, 3 * MIB, BIG};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fakes3_clear(x->s3);
		assert_int_equal(put(x, sizes[i]), 0);
		for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
			char *v = fakes3_last_header(x->s3, "PUT", NULL, names[k]);

			if (v)
				fail_msg("%s: %s", names[k], v);
		}
	}
}

/* 417 and 412 are answers to what we never asked: final, and said. */
static void answers_to_what_was_not_asked_are_final(void **state)
{
	static const int codes[] = {412, 417};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		char text[16];

		fakes3_clear(x->s3);
		fakes3_rule(
			x->s3,
			RULE{.method = "PUT", .what = FAKES3_STATUS, .status = codes[i]});
		assert_int_equal(put(x, 100), ERR_NET);
		IGNORE_RESULT(snprintf(text, sizeof(text), "HTTP %d", codes[i]) < 0);
		says(x, text);
		assert_int_equal(fakes3_requests(x->s3), 1);
		assert_false(fakes3_has(x->s3, FULL));
	}
}

/* The file is longer now, or has no name any more: the bytes are those we were
 * told of, or there is no success. */
static void source_that_grows_or_vanishes_is_sent_as_it_was(void **state)
{
	static const size_t sizes[] = {100, 300000, BIG};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char path[] = "/tmp/test-s3-grow-XXXXXX", *p = fix_bytes(sizes[i], 5);
		struct remote_job job = {
			.op = REMOTE_PUT, .key = KEY, .bytes = sizes[i], .has_md5 = true};

		job.fd = mkstemp(path);
		assert_true(job.fd >= 0);
		assert_int_equal(write(job.fd, p, sizes[i]), (ssize_t)sizes[i]);
		hash_md5(p, sizes[i], job.md5);
		assert_int_equal(write(job.fd, "more", 4), 4);
		unlink(path);
		assert_int_equal(remote_do(x->r, &job, &x->err), 0);
		check_stored(x, sizes[i]);
		close(job.fd);
		free(p);
	}
}

/* Other bytes under the same name and size are never taken for the object. */
static void source_of_other_bytes_is_refused(void **state)
{
	static const size_t sizes[] = {100, 300000};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = fix_bytes(sizes[i], 6);
		struct remote_job job = {
			.op = REMOTE_PUT, .key = KEY, .bytes = sizes[i], .has_md5 = true};

		job.fd = memfd_create("s", MFD_CLOEXEC);
		assert_int_equal(write(job.fd, p, sizes[i]), (ssize_t)sizes[i]);
		hash_md5("else", 4, job.md5);
		assert_int_equal(remote_do(x->r, &job, &x->err), ERR_CORRUPT);
		assert_false(fakes3_has(x->s3, FULL));
		close(job.fd);
		free(p);
	}
}

/* 10,001 parts of the configured size are one too many: larger ones, all equal.
 * The file is a hole of 49 GiB; the first part tells. */
static void parts_grow_where_there_would_be_too_many(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *part_bytes;
	} v[] = {
		{UINT64_C(10000) * 5 * MIB, "5242880"},
		{UINT64_C(10000) * 5 * MIB + 1, "6291456"},
	};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct remote_job job = {.op = REMOTE_PUT,
					 .key = KEY,
					 .bytes = v[i].bytes,
					 .has_md5 = true};
		char *length;

		fakes3_clear(x->s3);
		fakes3_rule(x->s3, RULE{.method = "PUT",
					.what = FAKES3_STATUS | FAKES3_EARLY,
					.status = 403,
					.code = "AccessDenied"});
		job.fd = memfd_create("s", MFD_CLOEXEC);
		if (ftruncate(job.fd, (off_t)v[i].bytes) < 0) {
			close(job.fd);
			continue; /* this machine's memfd has a smaller limit */
		}
		assert_int_equal(remote_do(x->r, &job, &x->err), ERR_AUTH);
		length =
			fakes3_last_header(x->s3, "PUT", "partNumber=", "Content-Length");
		assert_non_null(length);
		assert_string_equal(length, v[i].part_bytes);
		assert_int_equal(fakes3_uploads(x->s3), 0);
		free(length);
		close(job.fd);
	}
}

static void object_over_the_limit_is_refused_before_any_request(void **state)
{
	struct fix *x = *state;
	struct remote_job job = {.op = REMOTE_PUT,
				 .key = KEY,
				 .bytes = (UINT64_C(5) << 40) + 1,
				 .has_md5 = true};

	job.fd = memfd_create("s", MFD_CLOEXEC);
	assert_int_equal(remote_do(x->r, &job, &x->err), ERR_INVALID);
	says(x, "5 TiB");
	assert_int_equal(fakes3_requests(x->s3), 0);
	close(job.fd);
}

static void *interrupt_soon(void *arg)
{
	struct fix *x = arg;

	for (int i = 0; i < 500 && fakes3_requests(x->s3) == 0; i++)
		clock_sleep_ms(10);
	interrupt_request();
	return NULL;
}

/* A plain PUT and a GET that hang end soon after the interrupt, with nothing there. */
static void interrupt_ends_a_put_and_a_get_soon(void **state)
{
	struct fix *x = *state;

	for (int up = 0; up < 2; up++) {
		int64_t start = clock_mono_ns();
		char *p = fix_bytes(400000, 5);
		pthread_t t;
		int r;

		fakes3_clear(x->s3);
		fakes3_remove(x->s3, FULL);
		if (!up)
			fakes3_put(x->s3, FULL, p, 400000);
		fakes3_rule(x->s3, RULE{.what = up ? FAKES3_HANG | FAKES3_STATUS
						   : FAKES3_HANG_AT,
					.status = 500,
					.at = 100000});
		assert_int_equal(pthread_create(&t, NULL, interrupt_soon, x), 0);
		r = up ? fix_put(x, KEY, p, 400000) : fix_get(x, KEY, NULL, NULL, NULL);
		pthread_join(t, NULL);
		assert_int_equal(r, ERR_CANCELED);
		assert_int_equal(fakes3_has(x->s3, FULL), !up);
		assert_true(clock_mono_ns() - start < INT64_C(4000000000));
		interrupt_reset();
		free(p);
	}
}

/* A page of 100 MB, or one key a megabyte long: refused before memory is. */
static void page_without_end_is_refused(void **state)
{
	struct fix *x = *state;
	size_t n = 12 * MIB;
	char *body = xmalloc(n + 1);

	memset(body, ' ', n);
	memcpy(body, "<ListBucketResult>", 18);
	body[n] = '\0';
	for (int i = 0; i < 2; i++) {
		struct remote_job job = {.op = REMOTE_LIST, .key = "files/"};

		fakes3_clear(x->s3);
		if (i) {
			memset(body + 18, 'k', n - 18);
			memcpy(body + 18, "<Contents><Key>", 15);
		}
		fakes3_rule(x->s3,
			    RULE{.method = "GET", .what = FAKES3_BODY, .body = body});
		assert_true(remote_do(x->r, &job, &x->err) < 0);
		assert_in_range(fakes3_requests(x->s3), 1, 3);
	}
	free(body);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

static int make_config(void **state)
{
	static const char text[] = "[default]\ns3 =\n  multipart_threshold = 5MB\n"
				   "  multipart_chunksize = 5MB\n";
	int fd = mkstemp(config_path);

	(void)state;
	return fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1
		       ? close(fd)
		       : -1;
}

static int remove_config(void **state)
{
	(void)state;
	return unlink(config_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trickle_is_a_stall),
		TEST(silence_after_an_upload_is_a_stall),
		TEST(straggler_is_sent_again),
		TEST(part_that_is_sent_twice_counts_once),
		TEST(requests_carry_nothing_that_is_new),
		TEST(answers_to_what_was_not_asked_are_final),
		TEST(source_that_grows_or_vanishes_is_sent_as_it_was),
		TEST(source_of_other_bytes_is_refused),
		TEST(parts_grow_where_there_would_be_too_many),
		TEST(object_over_the_limit_is_refused_before_any_request),
		TEST(interrupt_ends_a_put_and_a_get_soon),
		TEST(page_without_end_is_refused),
	};

	return cmocka_run_group_tests_name("s3 odd", tests, make_config, remove_config);
}
