#include "remote/retry.h"

#include "store/base/clock.h"
#include "store/base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct retry_out ask(struct retry_in in)
{
	struct retry_bucket full = {0};

	if (!in.code)
		in.code = "";
	if (!in.tries)
		in.tries = 1;
	if (!in.tries_max)
		in.tries_max = RETRY_TRIES_DATA;
	if (!in.retry_after_ms)
		in.retry_after_ms = -1;
	return retry_decide(&in, &full);
}

static void each_answer_has_its_action(void **state)
{
	static const struct {
		int status;
		const char *code;
		enum retry_action action;
		bool throttled;
	} table[] = {
		{503, "SlowDown", RETRY_WAIT, true},
		{503, "", RETRY_WAIT, true},
		{429, "", RETRY_WAIT, true},
		{400, "RequestLimitExceeded", RETRY_WAIT, true},
		{500, "InternalError", RETRY_WAIT, false},
		{200, "InternalError", RETRY_WAIT, false}, /* Complete's late error */
		{502, "", RETRY_WAIT, false},
		{504, "", RETRY_WAIT, false},
		{500, "SomethingOfAGateway", RETRY_WAIT, false},
		{408, "", RETRY_WAIT, false},
		{400, "RequestTimeout", RETRY_WAIT, false},
		{400, "IncompleteBody", RETRY_WAIT, false},
		{409, "OperationAborted", RETRY_WAIT, false},
		{400, "BadDigest", RETRY_WAIT, false},
		{403, "RequestTimeTooSkewed", RETRY_CLOCK, false},
		{400, "ExpiredToken", RETRY_CREDENTIALS, false},
		{403, "InvalidToken", RETRY_CREDENTIALS, false},
		{301, "PermanentRedirect", RETRY_REGION, false},
		{301, "", RETRY_REGION, false},
		{307, "TemporaryRedirect", RETRY_REGION, false},
		{400, "AuthorizationHeaderMalformed", RETRY_REGION, false},
		{403, "SignatureDoesNotMatch", RETRY_STOP, false},
		{403, "AccessDenied", RETRY_STOP, false},
		{403, "", RETRY_STOP, false},
		{400, "", RETRY_STOP, false},
		{404, "NoSuchBucket", RETRY_STOP, false},
		{404, "NoSuchKey", RETRY_STOP, false},
		{404, "", RETRY_STOP, false},
		{412, "PreconditionFailed", RETRY_STOP, false},
		{501, "NotImplemented", RETRY_STOP, false},
		{200, "AccessDenied", RETRY_STOP, false},
		{507, "", RETRY_STOP, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct retry_out o = ask((struct retry_in){.status = table[i].status,
							   .code = table[i].code});

		if (o.action != table[i].action || o.throttled != table[i].throttled)
			fail_msg("%d %s: action %d, throttled %d", table[i].status,
				 table[i].code, (int)o.action, o.throttled);
	}
}

static void faults_of_the_transport_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(ask((struct retry_in){.net = RETRY_NET_BROKEN}).action,
			 RETRY_WAIT);
	assert_int_equal(ask((struct retry_in){.net = RETRY_NET_FINAL}).action,
			 RETRY_STOP);
	assert_int_equal(ask((struct retry_in){.net = RETRY_NET_RESOLVE}).action,
			 RETRY_WAIT);
	assert_int_equal(
		ask((struct retry_in){.net = RETRY_NET_RESOLVE, .tries = 2}).action,
		RETRY_STOP);
	for (int c = 0; c < 100; c++) {
		static const int broken[] = {1, 7, 8, 18, 28, 52, 55, 56, 65};
		enum retry_net want = RETRY_NET_FINAL;

		for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
			if (broken[i] == c)
				want = RETRY_NET_BROKEN;
		if (c == 0)
			want = RETRY_NET_NONE;
		if (c == 5 || c == 6)
			want = RETRY_NET_RESOLVE;
		assert_int_equal(retry_net_of_curl(c, false), want);
	}
	assert_int_equal(retry_net_of_curl(35, true), RETRY_NET_BROKEN);
	assert_int_equal(retry_net_of_curl(60, true), RETRY_NET_FINAL);
}

static void tries_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(ask((struct retry_in){.status = 500, .tries = 4}).action,
			 RETRY_WAIT);
	assert_int_equal(ask((struct retry_in){.status = 500, .tries = 5}).action,
			 RETRY_STOP);
	assert_int_equal(ask((struct retry_in){.status = 500,
					       .tries = 3,
					       .tries_max = RETRY_TRIES_CONTROL})
				 .action,
			 RETRY_STOP);
	assert_int_equal(
		ask((struct retry_in){.status = 400, .code = "BadDigest", .tries = 2})
			.action,
		RETRY_STOP);
	assert_int_equal(ask((struct retry_in){.status = 403,
					       .code = "RequestTimeTooSkewed",
					       .tries = 9})
				 .action,
			 RETRY_STOP);
}

static void waits_grow_with_full_jitter_up_to_a_cap(void **state)
{
	struct retry_in in = {.status = 500, .tries_max = 100, .random = UINT32_MAX};
	static const unsigned top[] = {49, 99, 199, 399, 799};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		in.tries = i + 1;
		assert_in_range(ask(in).wait_ms, top[i], top[i] + 1);
	}
	in.tries = 60;
	assert_in_range(ask(in).wait_ms, RETRY_CAP_MS - 1, RETRY_CAP_MS);
	in.random = 0;
	assert_int_equal(ask(in).wait_ms, 0);
	in = (struct retry_in){.status = 503, .random = 1u << 31};
	assert_int_equal(ask(in).wait_ms, 500);
	in.tries = 3;
	assert_int_equal(ask(in).wait_ms, 2000);
}

static void retry_after_is_obeyed_and_capped(void **state)
{
	int64_t now;

	(void)state;
	assert_int_equal(
		ask((struct retry_in){.status = 503, .retry_after_ms = 3000}).wait_ms,
		3000);
	assert_int_equal(
		ask((struct retry_in){.status = 503, .retry_after_ms = 300000}).wait_ms,
		RETRY_CAP_MS);
	assert_true(clock_parse("Sun, 06 Nov 1994 08:49:37 GMT", 29, &now));
	assert_int_equal(retry_after_ms("Sun, 06 Nov 1994 08:49:40 GMT", now), 3000);
	assert_int_equal(retry_after_ms("Sun, 06 Nov 1994 08:49:07 GMT", now), 0);
	assert_int_equal(retry_after_ms("7", now), 7000);
	assert_int_equal(retry_after_ms("99999999999", now), RETRY_CAP_MS);
	assert_int_equal(retry_after_ms("soon", now), -1);
	assert_int_equal(retry_after_ms("-1", now), -1);
	assert_int_equal(retry_after_ms(NULL, now), -1);
}

static void empty_bucket_stops_all_retries(void **state)
{
	struct retry_bucket b = {0};
	struct retry_in in = {.status = 500,
			      .code = "",
			      .tries = 1,
			      .tries_max = 5,
			      .retry_after_ms = -1};
	unsigned n = 0;

	(void)state;
	while (retry_decide(&in, &b).action == RETRY_WAIT)
		assert_true(++n < 1000);
	assert_int_equal(n, 35); /* 500 / 14 */
	for (int i = 0; i < 14; i++)
		retry_success(&b);
	assert_int_equal(retry_decide(&in, &b).action, RETRY_WAIT);
	for (int i = 0; i < 10000; i++)
		retry_success(&b);
	for (n = 0; retry_decide(&in, &b).action == RETRY_WAIT; n++)
		;
	assert_int_equal(n, 35); /* never more than full */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_action),
		cmocka_unit_test(faults_of_the_transport_are_told_apart),
		cmocka_unit_test(tries_are_bounded),
		cmocka_unit_test(waits_grow_with_full_jitter_up_to_a_cap),
		cmocka_unit_test(retry_after_is_obeyed_and_capped),
		cmocka_unit_test(empty_bucket_stops_all_retries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
