/* Parts with a checksum that costs less than an MD5, where the server takes it. */
#include "remote/remote.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/hash/hash.h"
#include "tests/lib/fakes3_fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY  "files/md5/5d/41402abc4b2a76b9719d911017c592"
#define RULE (struct fakes3_rule)
#define BIG  ((size_t)(64 << 20) + 1)

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));
	struct err e = {0};

	fix_start(x);
	unsetenv("AWS_REQUEST_CHECKSUM_CALCULATION");
	fix_set(x, "provider", "MinIO");
	*state = x;
	if (fix_open(x, &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int tear_down(void **state)
{
	fix_stop(*state);
	free(*state);
	unsetenv("AWS_REQUEST_CHECKSUM_CALCULATION");
	return 0;
}

static void header_is(struct fix *x, const char *method, const char *has,
		      const char *name, const char *want)
{
	char *v = fakes3_last_header(x->s3, method, has, name);

	if (want)
		assert_string_equal(v, want);
	else
		assert_null(v);
	free(v);
}

/* The same bytes as fix_round_trip sends. */
static void crc_of_part(size_t at, size_t n, char out[13])
{
	char *p = fix_bytes(BIG, 1);
	uint64_t crc = hash_crc64nvme(0, p + at, n);
	uint8_t raw[8];
	struct buf b = {0};

	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)(crc >> (56 - 8 * i));
	base64_encode(&b, raw, 8);
	memcpy(out, buf_str(&b), 13);
	buf_release(&b);
	free(p);
}

static void put_big(struct fix *x)
{
	char *p = fix_bytes(BIG, 1), *got = NULL;
	uint8_t md5[16];
	size_t n = 0;

	hash_md5(p, BIG, md5);
	if (fix_put(x, KEY, p, BIG) != 0)
		fail_msg("%s", x->err.text);
	if (fix_get(x, KEY, md5, &got, &n) != 0)
		fail_msg("%s", x->err.text);
	free(got);
	free(p);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	assert_int_equal(fakes3_refused(x->s3), 0);
}

static void parts_have_it_in_the_place_of_an_md5(void **state)
{
	struct fix *x = *state;
	char want[13];

	put_big(x);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads="), 1);
	header_is(x, "POST", "uploads=", "x-amz-checksum-algorithm", "CRC64NVME");
	header_is(x, "POST", "uploads=", "x-amz-checksum-type", "FULL_OBJECT");
	crc_of_part(0, 16 << 20, want);
	header_is(x, "PUT", "partNumber=1", "x-amz-checksum-crc64nvme", want);
	header_is(x, "PUT", "partNumber=1", "content-md5", NULL);
	crc_of_part(BIG - 1, 1, want);
	header_is(x, "PUT", "partNumber=5", "x-amz-checksum-crc64nvme", want);
	/* Small objects have their MD5 anyway. */
	fix_round_trip(x, KEY, 100);
	header_is(x, "PUT", KEY, "x-amz-checksum-crc64nvme", NULL);
}

static void md5_takes_its_place_again(struct fix *x)
{
	header_is(x, "POST", "uploads=", "x-amz-checksum-algorithm", NULL);
	header_is(x, "PUT", "partNumber=5", "x-amz-checksum-crc64nvme", NULL);
}

static void a_server_that_refuses_it_is_believed(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "POST",
				.has = "uploads=",
				.what = FAKES3_STATUS,
				.status = 400,
				.code = "InvalidRequest",
				.times = 1});
	put_big(x);
	md5_takes_its_place_again(x);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads="), 2);
	put_big(x); /* and is not asked again */
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads="), 3);
}

static void a_part_that_is_refused_starts_over(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber=2",
				.what = FAKES3_STATUS,
				.status = 501,
				.code = "NotImplemented",
				.times = 1});
	put_big(x);
	md5_takes_its_place_again(x);
	assert_true(fakes3_matching(x->s3, "DELETE", "uploadId=") > 0);
}

static void a_completion_that_is_refused_starts_over(void **state)
{
	struct fix *x = *state;

	fakes3_rule(x->s3, RULE{.method = "POST",
				.has = "uploadId=",
				.what = FAKES3_STATUS,
				.status = 400,
				.code = "InvalidRequest",
				.times = 1});
	put_big(x);
	md5_takes_its_place_again(x);
}

static void a_wrong_part_is_not_taken_for_a_refusal(void **state)
{
	struct fix *x = *state;
	char *p = fix_bytes(BIG, 1);

	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber=2",
				.what = FAKES3_STATUS,
				.status = 400,
				.code = "XAmzContentChecksumMismatch"});
	assert_int_equal(fix_put(x, KEY, p, BIG), ERR_CORRUPT);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads="), 1);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	free(p);
}

static void the_user_may_turn_it_off(void **state)
{
	struct fix *x = *state;

	fix_close(x);
	setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required", 1);
	assert_int_equal(fix_open(x, NULL), 0);
	put_big(x);
	md5_takes_its_place_again(x);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads="), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(parts_have_it_in_the_place_of_an_md5),
		T(a_server_that_refuses_it_is_believed),
		T(a_part_that_is_refused_starts_over),
		T(a_completion_that_is_refused_starts_over),
		T(a_wrong_part_is_not_taken_for_a_refusal),
		T(the_user_may_turn_it_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
