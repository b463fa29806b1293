/*
 * The same jobs against a real server that checks signatures. Runs where
 * S3_ENDPOINT and its companions are set (eval what tests/servers/rgw wrote);
 * elsewhere every test is skipped.
 */
#include "remote/s3.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"
#include "tests/lib/fakes3_fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

static char bucket[40];

static bool is_here(void)
{
	return getenv("S3_ENDPOINT") != NULL;
}

static void reopen(struct fix *x)
{
	struct err e = {0};

	fix_close(x);
	IGNORE_RESULT(snprintf(x->url, sizeof(x->url), "s3://%s/p q+r", bucket) < 0);
	if (fix_open(x, &e) != 0)
		fail_msg("%s", e.text);
}

struct make {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job job;
};

static void made(struct s3_call *c)
{
	struct make *m = (struct make *)c;

	m->job.code = c->code;
	m->job.err = c->err;
	s3_call_release(c);
	remote_finish(&c->s3->base, &m->job);
}

static void make(struct http_task *t)
{
	s3_call_start(&((struct make *)((char *)t - offsetof(struct make, task)))->call);
}

/* Buckets are the user's to make, so the transport has no job for it. */
static void make_bucket(struct fix *x)
{
	struct s3 *s = (struct s3 *)x->r;
	struct make m = {0};

	m.call.s3 = s;
	m.call.q.method = "PUT";
	m.call.q.body = "";
	m.call.done = made;
	m.task.fn = make;
	pthread_mutex_lock(&s->base.lock);
	s->base.working++;
	s->base.in_flight++;
	pthread_mutex_unlock(&s->base.lock);
	http_post(s->http, &m.task);
	assert_ptr_equal(remote_next(x->r), &m.job);
	if (m.job.code != 0)
		fail_msg("%s", m.job.err.text);
}

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));

	*state = x;
	if (!is_here())
		return 0;
	fix_start(x);
	x->set_nr = 0;
	fix_set(x, "endpointurl", getenv("S3_ENDPOINT"));
	fix_set(x, "access_key_id", getenv("S3_ACCESS_KEY"));
	fix_set(x, "secret_access_key", getenv("S3_SECRET_KEY"));
	/* One of its own for each test: not every server lets its owner make one twice. */
	IGNORE_RESULT(snprintf(bucket, sizeof(bucket), "lode-%lld",
			       (long long)clock_wall_ns()) < 0);
	reopen(x);
	make_bucket(x);
	return 0;
}

static int tear_down(void **state)
{
	struct fix *x = *state;

	if (is_here())
		fix_stop(x);
	free(x);
	return 0;
}

/* What the server says of itself that it has not. */
static bool lacks(const char *what)
{
	const char *list = getenv("S3_LACKS");

	return list && strstr(list, what);
}

#define NEED_SERVER()                                                                    \
	do {                                                                             \
		if (!is_here())                                                          \
			skip();                                                          \
	} while (0)

static void sizes(struct fix *x)
{
	static const size_t v[] = {0, 1, 4096, 65536, 65537, MIB, 16 * MIB, 16 * MIB + 1};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		fix_round_trip(x, "files/md5/5d/41402abc4b2a76b9719d911017c592", v[i]);
}

static void objects_come_back_by_path(void **state)
{
	NEED_SERVER();
	sizes(*state);
}

static void objects_come_back_by_virtual_host(void **state)
{
	struct fix *x = *state;
	char url[96];

	NEED_SERVER();
	if (!getenv("S3_HOST"))
		skip();
	IGNORE_RESULT(snprintf(url, sizeof(url), "http://%s", getenv("S3_HOST")) < 0);
	fix_set(x, "endpointurl", url);
	fix_set(x, "addressing_style", "virtual");
	reopen(x);
	sizes(x);
}

static void objects_come_back_through_tls(void **state)
{
	struct fix *x = *state;

	NEED_SERVER();
	if (!getenv("S3_TLS_ENDPOINT"))
		skip();
	fix_set(x, "endpointurl", getenv("S3_TLS_ENDPOINT"));
	reopen(x);
	assert_int_equal(fix_head(x, "x"), ERR_CONFIG); /* its CA is not the system's */
	assert_non_null(strstr(x->err.text, "certificate"));
	assert_null(strstr(x->err.text, "tries")); /* final at once */
	fix_set(x, "ssl_verify", getenv("S3_CA"));
	reopen(x);
	sizes(x);
	fix_set(x, "ssl_verify", "true");
	setenv("AWS_CA_BUNDLE", getenv("S3_CA"), 1);
	reopen(x);
	unsetenv("AWS_CA_BUNDLE");
	fix_round_trip(x, "a", 10);
	fix_set(x, "ssl_verify", "false");
	reopen(x);
	fix_round_trip(x, "a", 10);
}

static void large_object_goes_in_parts(void **state)
{
	struct fix *x = *state;
	uint64_t before;

	NEED_SERVER();
	before = remote_requests(x->r);
	fix_round_trip(x, "files/md5/5d/large", 70 * MIB + 5);
	assert_int_equal(remote_requests(x->r) - before, 1 + 5 + 1 + 5 + 1);
}

static void odd_keys_are_signed_right(void **state)
{
	NEED_SERVER();
	fix_round_trip(*state, "a b/\xc3\xa9+=&@:!'()*~#%25?$,;[]", 100);
}

static int on_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		strvec_push(job->ctx, v[i].key);
	return 0;
}

static void listing_and_deletion_agree(void **state)
{
	enum {
		NR = 1100
	};
	struct fix *x = *state;
	struct strvec keys = {0}, left = {0};
	struct remote_job *jobs = xcalloc(NR, sizeof(*jobs)), *job;
	struct remote_job l = {
		.op = REMOTE_LIST, .key = "del/", .on_page = on_page, .ctx = &keys};
	struct remote_job d = {.op = REMOTE_DELETE, .keys_nr = 1000};
	char(*names)[32] = xcalloc(NR, sizeof(*names));

	NEED_SERVER();
	for (int i = 0; i < NR; i++) {
		IGNORE_RESULT(snprintf(names[i], 32, "del/%02x/%04d&<+>", i % 16, i) < 0);
		jobs[i] = (struct remote_job){
			.op = REMOTE_PUT_BYTES, .key = names[i], .data = "x", .bytes = 1};
		remote_submit(x->r, &jobs[i]);
	}
	while ((job = remote_next(x->r)))
		if (job->code != 0)
			fail_msg("%s", job->err.text);
	assert_int_equal(remote_do(x->r, &l, &x->err), 0);
	assert_int_equal(keys.nr, NR);
	assert_string_equal(keys.v[0], "del/00/0000&<+>");
	d.keys = (const char *const *)keys.v;
	if (remote_do(x->r, &d, &x->err) != 0)
		fail_msg("%s", x->err.text);
	l.ctx = &left;
	assert_int_equal(remote_do(x->r, &l, &x->err), 0);
	assert_int_equal(left.nr, NR - 1000);
	assert_string_equal(left.v[0], keys.v[1000]);
	strvec_release(&keys);
	strvec_release(&left);
	free(names);
	free(jobs);
}

static void refusals_are_told(void **state)
{
	struct fix *x = *state;

	NEED_SERVER();
	assert_int_equal(fix_get(x, "no/such", NULL, NULL, NULL), ERR_NOTFOUND);
	assert_int_equal(fix_head(x, "no/such"), ERR_NOTFOUND);
	fix_set(x, "secret_access_key", "wrong");
	reopen(x);
	assert_int_equal(fix_get(x, "no/such", NULL, NULL, NULL), ERR_AUTH);
	assert_non_null(strstr(x->err.text, "HTTP 403")); /* by what name, they differ */
	assert_non_null(strstr(x->err.text, "the remote's configuration"));
	fix_set(x, "access_key_id", "nobody");
	reopen(x);
	/* versitygw: 404, which must not read as an object that is not there */
	if (fix_put(x, "a", "b", 1) != ERR_AUTH ||
	    fix_get(x, "no/such", NULL, NULL, NULL) != ERR_AUTH)
		fail_msg("%s", x->err.text);
	assert_non_null(strstr(x->err.text, "HTTP 40"));
}

static void customers_key_is_needed_to_read(void **state)
{
	struct fix *x = *state;

	NEED_SERVER();
	if (lacks("sse"))
		skip();
	fix_set(x, "sse_customer_key", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
	reopen(x);
	fix_round_trip(x, "secret/one", 5000);
	fix_round_trip(x, "secret/large", 70 * MIB);
	x->set_nr--;
	reopen(x);
	assert_true(fix_get(x, "secret/one", NULL, NULL, NULL) < 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(objects_come_back_by_path),
		T(objects_come_back_by_virtual_host),
		T(objects_come_back_through_tls),
		T(large_object_goes_in_parts),
		T(odd_keys_are_signed_right),
		T(listing_and_deletion_agree),
		T(refusals_are_told),
		T(customers_key_is_needed_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
