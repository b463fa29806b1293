/* Transfers on bad days, one by one; each bounded in requests and time. */
#include "tests/lib/fakes3_fix.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/interrupt.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

static void reset_in_the_middle_of_an_upload_is_sent_again(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.what = FAKES3_RST_REQUEST,
				.at = 1000,
				.times = 1});
	put_ok(x, 300000);
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void lost_answer_to_an_upload_is_sent_again(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3,
		    RULE{.method = "PUT", .what = FAKES3_RST_BEFORE_ANSWER, .times = 1});
	put_ok(x, 5000);
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void kept_connection_that_was_closed_is_replaced(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT", .what = FAKES3_CLOSE_AFTER, .times = 3});
	put_ok(x, 300000);
	put_ok(x, 300000);
	put_ok(x, 10);
	put_ok(x, 10);
}

static void download_that_breaks_goes_on_where_it_was(void **state)
{
	struct fix *x = *state;
	char *range;

	fakes3_rule(
		x->s3,
		RULE{.method = "GET", .what = FAKES3_CLOSE_AT, .at = 100000, .times = 1});
	get_ok(x, 300000);
	assert_int_equal(fakes3_requests(x->s3), 2);
	range = fakes3_last_header(x->s3, "GET", NULL, "range");
	assert_string_equal(range, "bytes=100000-299999");
	free(range);
}

static void download_cut_without_a_length_is_noticed(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "GET",
				.what = FAKES3_CLOSE_AT | FAKES3_CHUNKED,
				.at = 1000,
				.times = 1});
	get_ok(x, 5000);
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.method = "GET", .what = FAKES3_CHUNKED});
	get_ok(x, 5000);
	get_ok(x, 500000);
	get_ok(x, 0);
}

static void download_one_byte_short_or_long_is_noticed(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3,
		    RULE{.method = "GET", .what = FAKES3_LENGTH, .at = -1, .times = 1});
	get_ok(x, 5000);
	fakes3_rule(x->s3, RULE{.method = "GET",
				.what = FAKES3_LENGTH,
				.at = 1,
				.times = 1,
				.skip = 2});
	get_ok(x, 200000);
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.method = "GET", .what = FAKES3_LENGTH, .at = 1});
	assert_int_equal(get_code(x, 5000), ERR_NET);
	assert_int_equal(fakes3_requests(x->s3), 5);
}

static void damaged_download_is_fetched_once_more(void **state)
{
	static const size_t sizes[] = {5000, 300000, 20 * MIB};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = fix_bytes(sizes[i], 5);
		uint8_t md5[16];

		hash_md5(p, sizes[i], md5);
		fakes3_clear(x->s3);
		fakes3_rule(
			x->s3,
			RULE{.method = "GET", .what = FAKES3_FLIP, .at = 77, .times = 1});
		get_ok(x, sizes[i]);
		fakes3_clear(x->s3);
		fakes3_rule(x->s3, RULE{.method = "GET", .what = FAKES3_FLIP, .at = 77});
		assert_int_equal(fix_get(x, KEY, md5, NULL, NULL), ERR_CORRUPT);
		says(x, "damaged on the remote");
		says(x, KEY);
		assert_in_range(fakes3_requests(x->s3), 2, 4);
		free(p);
	}
}

static void upload_damaged_on_the_wire_is_sent_once_more(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.what = FAKES3_STATUS,
				.status = 400,
				.code = "BadDigest",
				.times = 1});
	put_ok(x, 5000);
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.method = "PUT",
				.what = FAKES3_STATUS,
				.status = 400,
				.code = "BadDigest"});
	assert_int_equal(put_code(x, 5000), ERR_CORRUPT);
	assert_int_equal(fakes3_requests(x->s3), 2);
	says(x, "local object is damaged");
}

static void wrong_local_bytes_are_never_taken(void **state)
{
	struct fix *x = *state;
	struct remote_job job = {
		.op = REMOTE_PUT, .key = KEY, .bytes = 3, .has_md5 = true};
	struct err e = {0};

	job.fd = memfd_create("w", 0);
	assert_int_equal(write(job.fd, "abd", 3), 3);
	hash_md5("abc", 3, job.md5);
	assert_int_equal(remote_do(x->r, &job, &e), ERR_CORRUPT);
	assert_false(fakes3_has(x->s3, FULL));
	close(job.fd);
}

static void lost_answer_to_complete_is_confirmed_by_head(void **state)
{
	struct fix *x = *state;

	/* Stored; the second Complete is told NoSuchUpload. */
	fakes3_rule(x->s3, RULE{.method = "POST",
				.has = "uploadId",
				.what = FAKES3_RST_BEFORE_ANSWER,
				.times = 1});
	put_ok(x, BIG);
	assert_int_equal(fakes3_matching(x->s3, "HEAD", NULL), 1);
}

static void vanished_upload_is_no_success(void **state)
{
	struct fix *x = *state;

	fakes3_put(x->s3, FULL, "something older", 15);
	fakes3_rule(x->s3, RULE{.method = "POST",
				.has = "uploadId",
				.what = FAKES3_STATUS,
				.status = 404,
				.code = "NoSuchUpload"});
	assert_int_equal(put_code(x, BIG), ERR_NET);
	says(x, "NoSuchUpload");
	assert_int_equal(fakes3_uploads(x->s3), 0); /* aborted */
}

static void lose_patience_soon(struct fix *x)
{
	fix_close(x);
	fix_set(x, "read_timeout", "2");
	assert_int_equal(fix_open(x, NULL), 0);
}

static void complete_that_fails_inside_a_200_is_tried_again(void **state)
{
	struct fix *x = *state;

	lose_patience_soon(x);
	fakes3_rule(x->s3, RULE{.method = "POST",
				.has = "uploadId",
				.what = FAKES3_STATUS | FAKES3_BLANKS,
				.status = 200,
				.code = "InternalError",
				.at = 500,
				.times = 1});
	fakes3_rule(x->s3, RULE{.method = "POST",
				.has = "uploadId",
				.what = FAKES3_BLANKS | FAKES3_DELAY,
				.at = 5000,
				.ms = 3000}); /* longer than the stall limit */
	put_ok(x, BIG);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploadId"), 2);
}

static void complete_that_is_denied_inside_a_200_is_final(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "POST",
				.has = "uploadId",
				.what = FAKES3_STATUS,
				.status = 200,
				.code = "AccessDenied"});
	assert_int_equal(put_code(x, BIG), ERR_AUTH);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploadId"), 1);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	assert_false(fakes3_has(x->s3, FULL));
}

static void silence_before_the_answer_is_a_stall(void **state)
{
	struct fix *x = *state;

	lose_patience_soon(x);
	fakes3_rule(x->s3, RULE{.what = FAKES3_HANG, .times = 1});
	get_ok(x, 5000);
	assert_int_equal(fakes3_requests(x->s3), 2);
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.what = FAKES3_HANG, .times = 1});
	put_ok(x, 300000);
	setenv("AWS_MAX_ATTEMPTS", "2", 1);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	unsetenv("AWS_MAX_ATTEMPTS");
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.what = FAKES3_HANG});
	assert_int_equal(put_code(x, 5000), ERR_NET);
	says(x, "stalled while waiting for the answer");
	says(x, KEY);
	says(x, "127.0.0.1");
}

static void silence_in_the_body_is_a_stall(void **state)
{
	struct fix *x = *state;

	lose_patience_soon(x);
	fakes3_rule(x->s3, RULE{.what = FAKES3_HANG_AT, .at = 1000, .times = 1});
	get_ok(x, 200000);
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void refused_connection_ends(void **state)
{
	struct fix *x = *state;

	fakes3_stop(x->s3);
	assert_int_equal(fix_put(x, KEY, "abc", 3), ERR_NET);
	says(x, "after 5 tries");
	x->s3 = fakes3_start();
}

static void range_that_is_ignored_gives_the_whole(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "GET", .what = FAKES3_NO_RANGE});
	get_ok(x, 5000);
	get_ok(x, 300000);
	get_ok(x, 20 * MIB);
	assert_int_equal(fakes3_requests(x->s3), 3);
	/* Ignored only when a broken transfer was to go on. */
	fakes3_clear(x->s3);
	fakes3_rule(
		x->s3,
		RULE{.method = "GET", .what = FAKES3_CLOSE_AT, .at = 150000, .times = 1});
	fakes3_rule(x->s3, RULE{.method = "GET", .what = FAKES3_NO_RANGE});
	get_ok(x, 300000);
	assert_int_equal(fakes3_requests(x->s3), 3);
}

static void wrong_content_range_is_never_written(void **state)
{
	static const char *const ranges[] = {
		"Content-Range: bytes 1-5000/5001", "Content-Range: bytes 0-4998/5000",
		"Content-Range: bytes 0-4999/*",    "Content-Range: nonsense",
		"Content-Range: bytes 5-1/5000",
	};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		fakes3_clear(x->s3);
		fakes3_rule(x->s3, RULE{.method = "GET",
					.what = FAKES3_HEADER,
					.header = ranges[i]});
		assert_int_equal(get_code(x, 5000), ERR_NET);
		assert_int_equal(fakes3_requests(x->s3), 5);
	}
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.method = "GET",
				.what = FAKES3_HEADER,
				.header = ranges[0],
				.times = 1});
	get_ok(x, 5000);
}

static void object_that_changes_between_ranges_starts_over(void **state)
{
	struct fix *x = *state;
	size_t n = 40 * MIB, got_n = 0;
	char *p = fix_bytes(n, 5), *got = NULL, *now;
	uint8_t md5[16];

	fakes3_put(x->s3, FULL, p, n);
	fakes3_rule(x->s3,
		    RULE{.method = "GET", .what = FAKES3_CHANGE, .skip = 1, .times = 1});
	if (fix_get(x, KEY, NULL, &got, &got_n) != 0)
		fail_msg("%s", x->err.text);
	now = fakes3_get(x->s3, FULL, &n);
	assert_int_equal(got_n, n);
	assert_memory_equal(got, now, n);
	hash_md5(now, n, md5);
	assert_memory_equal(x->digest, md5, 16);
	free(got);
	/* Changing with every answer ends. */
	fakes3_clear(x->s3);
	fakes3_rule(x->s3, RULE{.method = "GET", .what = FAKES3_CHANGE});
	assert_int_equal(fix_get(x, KEY, NULL, NULL, NULL), ERR_NET);
	says(x, "changed");
	assert_true(fakes3_requests(x->s3) <= 12);
	free(now);
	free(p);
}

static void early_refusal_while_we_send_is_understood(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber",
				.what = FAKES3_EARLY | FAKES3_STATUS | FAKES3_HEADER,
				.status = 503,
				.code = "SlowDown",
				.header = "Connection: close",
				.times = 1});
	put_ok(x, BIG);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber"), 3);
}

static void upload_without_an_id_is_an_error(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "POST",
				.what = FAKES3_BODY,
				.body = "<InitiateMultipartUploadResult/>"});
	assert_int_equal(put_code(x, BIG), ERR_NET);
	assert_int_equal(fakes3_requests(x->s3), 3);
}

static void failed_part_aborts_the_upload(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber=2",
				.what = FAKES3_STATUS,
				.status = 403,
				.code = "AccessDenied"});
	assert_int_equal(put_code(x, BIG), ERR_AUTH);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	assert_false(fakes3_has(x->s3, FULL));
	assert_int_equal(x->notes[0], '\0');
	/* And where it cannot be aborted, the id is told. */
	fakes3_rule(x->s3, RULE{.method = "DELETE",
				.what = FAKES3_STATUS,
				.status = 403,
				.code = "AccessDenied"});
	assert_int_equal(put_code(x, BIG), ERR_AUTH);
	assert_non_null(strstr(x->notes, "upload id"));
}

static void parts_are_counted_right_at_the_edges(void **state)
{
	static const struct {
		size_t n;
		unsigned parts;
	} table[] = {{5 * MIB, 0},
		     {5 * MIB + 1, 2},
		     {10 * MIB - 1, 2},
		     {10 * MIB, 2},
		     {10 * MIB + 1, 3}};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		fakes3_clear(x->s3);
		put_ok(x, table[i].n);
		assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber"),
				 table[i].parts);
	}
}

static void source_that_shrinks_is_an_error(void **state)
{
	static const size_t sizes[] = {100, 300000, BIG};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct remote_job job = {
			.op = REMOTE_PUT, .key = KEY, .bytes = sizes[i], .has_md5 = true};
		struct err e = {0};

		job.fd = memfd_create("s", 0);
		assert_int_equal(ftruncate(job.fd, (off_t)sizes[i] - 1), 0);
		assert_int_equal(remote_do(x->r, &job, &e), ERR_CORRUPT);
		assert_false(fakes3_has(x->s3, FULL));
		assert_int_equal(fakes3_uploads(x->s3), 0);
		close(job.fd);
	}
}

static void interrupt_aborts_an_upload(void **state)
{
	struct fix *x = *state;
	char *p = fix_bytes(BIG, 5);
	struct remote_job job = {.op = REMOTE_PUT, .key = KEY, .bytes = BIG};
	int64_t start;

	job.fd = memfd_create("i", 0);
	assert_int_equal(write(job.fd, p, BIG), (ssize_t)BIG);
	fakes3_rule(x->s3, RULE{.method = "PUT", .what = FAKES3_DELAY, .ms = 800});
	remote_submit(x->r, &job);
	while (fakes3_matching(x->s3, "PUT", NULL) == 0)
		clock_sleep_ms(5);
	start = clock_mono_ns();
	interrupt_request();
	assert_ptr_equal(remote_next(x->r), &job);
	assert_int_equal(job.code, ERR_CANCELED);
	assert_true(clock_mono_ns() - start < INT64_C(5000000000));
	assert_int_equal(fakes3_uploads(x->s3), 0);
	interrupt_reset();
	put_ok(x, BIG); /* and life goes on */
	close(job.fd);
	free(p);
}

static void close_in_the_middle_ends_soon(void **state)
{
	struct fix *x = *state;
	struct remote_job jobs[20];
	struct err e = {0};
	int64_t start = clock_mono_ns();

	(void)e;
	fakes3_rule(x->s3, RULE{.what = FAKES3_HANG});
	for (int i = 0; i < 20; i++) {
		jobs[i] = (struct remote_job){.op = REMOTE_HEAD, .key = KEY};
		remote_submit(x->r, &jobs[i]);
	}
	fix_close(x);
	assert_true(clock_mono_ns() - start < INT64_C(3000000000));
	for (int i = 0; i < 20; i++)
		assert_int_equal(jobs[i].code, ERR_CANCELED);
}

static void failing_system_calls_fail_one_job_and_no_more(void **state)
{
	static const size_t sizes[] = {100, 300000, BIG, 20 * MIB};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = fix_bytes(sizes[i], 5);
		bool bit = true;

		for (int n = 1; bit; n += n > 20 ? n / 4 : 1) {
			int r;

			sys_fail_nth(n, ENOSPC);
			r = fix_put(x, KEY, p, sizes[i]);
			bit = sys_fail_hit();
			sys_fail_nth(0, 0);
			assert_true(r == 0 || x->err.sys == ENOSPC);
			assert_true(bit || r == 0);
			assert_int_equal(fakes3_uploads(x->s3), 0);
		}
		bit = true;
		for (int n = 1; bit; n += n > 20 ? n / 4 : 1) {
			int r;

			sys_fail_nth(n, ENOSPC);
			r = fix_get(x, KEY, NULL, NULL, NULL);
			bit = sys_fail_hit();
			sys_fail_nth(0, 0);
			assert_true(r == 0 || x->err.sys == ENOSPC);
			assert_true(bit || r == 0);
		}
		get_ok(x, sizes[i]);
		free(p);
	}
}

/* One fault in twenty, of every kind, at places that a seed chose. */
static void many_faults_end_like_none(void **state)
{
	enum {
		NR = 400,
		FAULTS = 20
	};
	static const struct fakes3_rule kinds[] = {
		{.what = FAKES3_STATUS, .status = 500, .code = "InternalError"},
		{.what = FAKES3_STATUS, .status = 502, .body = "<html>"},
		{.what = FAKES3_RST_BEFORE_ANSWER},
		{.what = FAKES3_CLOSE_AFTER},
		{.what = FAKES3_RST_REQUEST, .at = 100},
		{.what = FAKES3_CLOSE_AT, .at = 50},
		{.what = FAKES3_LENGTH, .at = 1},
		{.what = FAKES3_STATUS, .status = 400, .code = "RequestTimeout"},
		{.what = FAKES3_STATUS, .status = 400, .code = "BadDigest"},
	};
	struct fix *x = *state;
	struct remote_job *jobs = xcalloc(NR, sizeof(*jobs)), *job;
	char(*keys)[32] = xcalloc(NR, sizeof(*keys));
	char *p = fix_bytes(NR + 1000, 3);
	uint32_t seed = 12345;

	for (int i = 0; i < FAULTS; i++) {
		struct fakes3_rule r = kinds[(size_t)i % ARRAY_SIZE(kinds)];

		seed = seed * 1664525 + 1013904223;
		r.skip = seed >> 16 & 511;
		r.times = 1;
		fakes3_rule(x->s3, r);
	}
	for (int up = 1; up >= 0; up--) {
		for (size_t i = 0; i < NR; i++) {
			IGNORE_RESULT(snprintf(keys[i], 32, "m/%zu", i) < 0);
			jobs[i] = (struct remote_job){
				.op = up ? REMOTE_PUT_BYTES : REMOTE_GET,
				.key = keys[i],
				.data = p + i,
				.bytes = 1000,
				.fd = up ? -1 : memfd_create("m", 0)};
			remote_submit(x->r, &jobs[i]);
		}
		while ((job = remote_next(x->r))) {
			uint8_t md5[16];

			if (job->code != 0)
				fail_msg("%s: %s", job->key, job->err.text);
			hash_md5(p + (job - jobs), 1000, md5);
			if (!up) {
				assert_memory_equal(job->digest, md5, 16);
				close(job->fd);
			}
		}
	}
	assert_true(fakes3_requests(x->s3) > 2 * NR);
	assert_true(fakes3_requests(x->s3) < 2 * NR + 3 * FAULTS);
	free(p);
	free(keys);
	free(jobs);
}

/* Held back by us for longer than the stall watch has patience: still no stall. */
static void limited_rates_hold_and_are_no_stall(void **state)
{
	struct fix *x = *state;
	const size_t n = 3 * MIB;
	int64_t start, took_ms;

	fix_close(x);
	fix_set(x, "read_timeout", "1");
	fix_set(x, "limit_up", "1M");
	fix_set(x, "limit_down", "1M");
	assert_int_equal(fix_open(x, &x->err), 0);
	start = clock_mono_ns();
	put_ok(x, n);
	took_ms = (clock_mono_ns() - start) / 1000000;
	assert_in_range(took_ms, 2400, 5000); /* a burst and the buffers are free */
	assert_int_equal(fakes3_requests(x->s3), 1);
	start = clock_mono_ns();
	get_ok(x, n);
	took_ms = (clock_mono_ns() - start) / 1000000;
	assert_in_range(took_ms, 2400, 5000);
	assert_int_equal(fakes3_matching(x->s3, "GET", NULL), 1);
}

static void small_bodies_keep_to_the_limit_together(void **state)
{
	struct fix *x = *state;
	int64_t start, took_ms;

	fix_close(x);
	fix_set(x, "limit_up", "400K");
	assert_int_equal(fix_open(x, &x->err), 0);
	start = clock_mono_ns();
	for (int i = 0; i < 12; i++)
		assert_int_equal(put_code(x, 50 * 1024), 0);
	took_ms = (clock_mono_ns() - start) / 1000000;
	assert_in_range(took_ms, 1200, 3500);
}

static void limits_that_are_none_are_refused(void **state)
{
	static const char *const keys[] = {"limit_up", "limit_down", "max_connections",
					   "start_connections"};
	struct fix *x = *state;

	fix_close(x);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		fix_set(x, keys[i], "fast");
		assert_int_equal(fix_open(x, &x->err), ERR_CONFIG);
		says(x, keys[i]);
		fix_set(x, keys[i], "7");
	}
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(remote_traits(x->r)->jobs, 7);
}

static void few_descriptors_are_enough(void **state)
{
	enum {
		NR = 300
	};
	struct fix *x = *state;
	struct remote_job *jobs = xcalloc(NR, sizeof(*jobs)), *job;
	struct rlimit old, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 80; /* the server lives on them too */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	fix_close(x);
	assert_int_equal(fix_open(x, NULL), 0);
	assert_in_range(remote_traits(x->r)->jobs, 2, 16);
	for (size_t i = 0; i < NR; i++) {
		jobs[i] = (struct remote_job){
			.op = REMOTE_PUT_BYTES, .key = KEY, .data = "abc", .bytes = 3};
		remote_submit(x->r, &jobs[i]);
	}
	while ((job = remote_next(x->r)))
		if (job->code != 0)
			fail_msg("%s", job->err.text);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	free(jobs);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(reset_in_the_middle_of_an_upload_is_sent_again),
		T(lost_answer_to_an_upload_is_sent_again),
		T(kept_connection_that_was_closed_is_replaced),
		T(download_that_breaks_goes_on_where_it_was),
		T(download_cut_without_a_length_is_noticed),
		T(download_one_byte_short_or_long_is_noticed),
		T(damaged_download_is_fetched_once_more),
		T(upload_damaged_on_the_wire_is_sent_once_more),
		T(wrong_local_bytes_are_never_taken),
		T(lost_answer_to_complete_is_confirmed_by_head),
		T(vanished_upload_is_no_success),
		T(complete_that_fails_inside_a_200_is_tried_again),
		T(complete_that_is_denied_inside_a_200_is_final),
		T(silence_before_the_answer_is_a_stall),
		T(silence_in_the_body_is_a_stall),
		T(refused_connection_ends),
		T(range_that_is_ignored_gives_the_whole),
		T(wrong_content_range_is_never_written),
		T(object_that_changes_between_ranges_starts_over),
		T(early_refusal_while_we_send_is_understood),
		T(upload_without_an_id_is_an_error),
		T(failed_part_aborts_the_upload),
		T(parts_are_counted_right_at_the_edges),
		T(source_that_shrinks_is_an_error),
		T(failing_system_calls_fail_one_job_and_no_more),
		T(many_faults_end_like_none),
		T(limits_that_are_none_are_refused),
		T(small_bodies_keep_to_the_limit_together),
		T(limited_rates_hold_and_are_no_stall),
		T(few_descriptors_are_enough),
		T(interrupt_aborts_an_upload),
		T(close_in_the_middle_ends_soon),
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
