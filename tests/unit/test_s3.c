#include "tests/lib/fakes3_fix.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/vec.h"
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

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));
	struct err e = {0};

	fix_start(x);
	*state = x;
	if (fix_open(x, &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int tear_down(void **state)
{
	struct fix *x = *state;

	fix_stop(x);
	free(x);
	return 0;
}

static void objects_of_every_size_come_back(void **state)
{
	static const size_t sizes[] = {0,
				       1,
				       2,
				       1000,
				       65535,
				       65536,
				       65537,
				       1 << 20,
				       (16 << 20) - 1,
				       16 << 20,
				       (16 << 20) + 1,
				       40 << 20};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		fix_round_trip(x, KEY, sizes[i]);
	assert_int_equal(fakes3_refused(x->s3), 0);
	assert_true(fakes3_has(x->s3, FULL));
	assert_int_equal(remote_requests(x->r), fakes3_requests(x->s3));
}

static void large_objects_go_up_in_parts(void **state)
{
	struct fix *x = *state;
	size_t n = (64 << 20) + 1;

	fix_round_trip(x, KEY, n);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads="), 1);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber="), 5);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	assert_int_equal(fakes3_refused(x->s3), 0);
}

static void keys_with_odd_characters_are_signed_right(void **state)
{
	struct fix *x = *state;

	fix_round_trip(x, "a b/\xc3\xa9+=&@:!'()*~#%25?", 100);
	assert_int_equal(fakes3_refused(x->s3), 0);
	assert_true(fakes3_has(x->s3, "pre/fix/a b/\xc3\xa9+=&@:!'()*~#%25?"));
}

static void wrong_keys_are_refused_before_any_request(void **state)
{
	struct fix *x = *state;

	assert_int_equal(fix_head(x, "../x"), ERR_INVALID);
	assert_int_equal(fix_head(x, "a//b"), ERR_INVALID);
	assert_int_equal(fix_head(x, "/a"), ERR_INVALID);
	assert_int_equal(fix_head(x, ""), ERR_INVALID);
	assert_int_equal(fakes3_requests(x->s3), 0);
}

static void missing_objects_are_told_as_such(void **state)
{
	struct fix *x = *state;
	char *p;
	size_t n;

	assert_int_equal(fix_head(x, KEY), ERR_NOTFOUND);
	assert_int_equal(fix_get(x, KEY, NULL, &p, &n), ERR_NOTFOUND);
	assert_non_null(strstr(x->err.text, KEY));
	assert_int_equal(fakes3_requests(x->s3), 2);
}

static void bytes_go_up_and_come_back_within_a_limit(void **state)
{
	struct fix *x = *state;
	struct buf out = {0};
	char *p = fix_bytes(200000, 3);
	struct remote_job job = {
		.op = REMOTE_GET_BYTES, .key = KEY, .out = &out, .limit = 200000};
	struct err e = {0};

	assert_int_equal(fix_put_bytes(x, KEY, p, 200000), 0);
	assert_int_equal(remote_do(x->r, &job, &e), 0);
	assert_int_equal(out.n, 200000);
	assert_memory_equal(out.p, p, 200000);
	job.limit = 199999;
	assert_int_equal(remote_do(x->r, &job, &e), ERR_INVALID);
	assert_int_equal(fix_put_bytes(x, KEY, NULL, 0), 0);
	assert_int_equal(remote_do(x->r, &job, &e), 0);
	assert_int_equal(out.n, 0);
	buf_release(&out);
	free(p);
}

static void many_small_objects_move_at_once(void **state)
{
	enum {
		NR = 300
	};
	struct fix *x = *state;
	struct remote_job *jobs = xcalloc(NR, sizeof(*jobs)), *job;
	char(*keys)[64] = xcalloc(NR, sizeof(*keys));
	char *p = fix_bytes(NR * 10 + 5000, 9);
	size_t seen = 0;

	for (int up = 1; up >= 0; up--, seen = 0) {
		for (size_t i = 0; i < NR; i++) {
			jobs[i] = (struct remote_job){.op = up ? REMOTE_PUT : REMOTE_GET,
						      .key = keys[i],
						      .fd = memfd_create("m", 0),
						      .bytes = 5000 + i};
			IGNORE_RESULT(snprintf(keys[i], sizeof(keys[i]),
					       "files/%02zx/%zu", i % 7, i) < 0);
			if (up)
				assert_int_equal(write(jobs[i].fd, p + i, 5000 + i),
						 (ssize_t)(5000 + i));
			remote_submit(x->r, &jobs[i]);
		}
		while ((job = remote_next(x->r))) {
			size_t i = (size_t)(job - jobs);
			uint8_t md5[16];

			seen++;
			if (job->code != 0)
				fail_msg("%zu: %s", i, job->err.text);
			hash_md5(p + i, 5000 + i, md5);
			if (!up)
				assert_memory_equal(job->digest, md5, 16);
			close(job->fd);
		}
		assert_int_equal(seen, NR);
		assert_int_equal(remote_in_flight(x->r), 0);
	}
	assert_true(fakes3_connections(x->s3) <= 64);
	assert_int_equal(fakes3_requests(x->s3), 2 * NR);
	free(p);
	free(keys);
	free(jobs);
}

struct seen {
	struct strvec keys;
	size_t pages, stop_after;
	uint64_t bytes;
};

static int on_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct seen *s = job->ctx;

	s->pages++;
	for (size_t i = 0; i < nr; i++) {
		strvec_push(&s->keys, v[i].key);
		s->bytes += v[i].bytes;
		assert_true(v[i].modified_ns > 0);
		assert_int_equal(strlen(v[i].etag), 32);
	}
	return s->stop_after && s->pages >= s->stop_after;
}

static int list(struct fix *x, struct seen *s, const char *prefix, const char *after,
		const char *until)
{
	struct remote_job job = {.op = REMOTE_LIST,
				 .key = prefix,
				 .after = after,
				 .until = until,
				 .on_page = on_page,
				 .ctx = s};

	strvec_release(&s->keys);
	s->pages = 0;
	s->bytes = 0;
	return remote_do(x->r, &job, &x->err);
}

static void fill(struct fix *x, unsigned nr)
{
	char key[64];

	for (unsigned i = 0; i < nr; i++) {
		IGNORE_RESULT(snprintf(key, sizeof(key), "pre/fix/files/md5/%02x/%04u",
				       i % 4, i) < 0);
		fakes3_put(x->s3, key, "xyz", i % 4);
	}
	fakes3_put(x->s3, "pre/fiy", "no", 2);
	fakes3_put(x->s3, "pre/fix/other", "yes", 3);
}

static void listings_follow_pages_within_their_bounds(void **state)
{
	struct fix *x = *state;
	struct seen s = {0};

	fill(x, 100);
	fakes3_page(x->s3, 7);
	assert_int_equal(list(x, &s, "files/md5/", NULL, NULL), 0);
	assert_int_equal(s.keys.nr, 100);
	assert_int_equal(s.pages, 15);
	assert_string_equal(s.keys.v[0], "files/md5/00/0000");
	assert_string_equal(s.keys.v[99], "files/md5/03/0099");
	assert_int_equal(list(x, &s, "files/md5/02", NULL, NULL), 0);
	assert_int_equal(s.keys.nr, 25);
	assert_int_equal(s.bytes, 50);
	assert_int_equal(
		list(x, &s, "files/md5/", "files/md5/01/0005", "files/md5/02/0002"), 0);
	assert_int_equal(s.keys.nr, 24);
	assert_string_equal(s.keys.v[0], "files/md5/01/0009");
	assert_string_equal(s.keys.v[23], "files/md5/02/0002");
	assert_int_equal(list(x, &s, NULL, NULL, NULL), 0);
	assert_int_equal(s.keys.nr, 101);
	s.stop_after = 2;
	assert_int_equal(list(x, &s, "files/", NULL, NULL), 0);
	assert_int_equal(s.pages, 2);
	strvec_release(&s.keys);
	assert_int_equal(list(x, &s, "none/", NULL, NULL), 0);
	assert_int_equal(s.keys.nr, 0);
}

static void odd_keys_survive_a_listing(void **state)
{
	struct fix *x = *state;
	struct seen s = {0};

	fakes3_put(x->s3, "pre/fix/a+b c&<d>%2F\x01", "", 0);
	assert_int_equal(list(x, &s, "a", NULL, NULL), 0);
	assert_int_equal(s.keys.nr, 1);
	assert_string_equal(s.keys.v[0], "a+b c&<d>%2F\x01");
	strvec_release(&s.keys);
}

static void many_keys_are_deleted_by_one_request(void **state)
{
	struct fix *x = *state;
	const char *keys[] = {"files/md5/00/0000", "files/md5/01/0001", "not/there",
			      "a&b<c"};
	struct err errs[4];
	struct remote_job job = {
		.op = REMOTE_DELETE, .keys = keys, .keys_nr = 4, .key_errs = errs};
	struct err e = {0};

	fill(x, 4);
	fakes3_put(x->s3, "pre/fix/a&b<c", "", 0);
	if (remote_do(x->r, &job, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(fakes3_requests(x->s3), 1);
	assert_false(fakes3_has(x->s3, "pre/fix/files/md5/00/0000"));
	assert_false(fakes3_has(x->s3, "pre/fix/a&b<c"));
	assert_true(fakes3_has(x->s3, "pre/fix/files/md5/02/0002"));
	for (int i = 0; i < 4; i++)
		assert_int_equal(errs[i].code, 0);
	job.keys_nr = 0;
	assert_int_equal(remote_do(x->r, &job, &e), 0);
	assert_int_equal(fakes3_requests(x->s3), 1);
}

static void anonymous_requests_carry_no_signature(void **state)
{
	struct fix *x = *state;
	struct err e = {0};
	char *auth;

	fix_close(x);
	fix_set(x, "allow_anonymous_login", "true");
	assert_int_equal(fix_open(x, &e), 0);
	assert_int_equal(fix_put(x, KEY, "abc", 3), ERR_AUTH);
	fakes3_anonymous(x->s3, true);
	fix_round_trip(x, KEY, 10);
	auth = fakes3_last_header(x->s3, "PUT", NULL, "authorization");
	assert_null(auth);
	auth = fakes3_last_header(x->s3, "PUT", NULL, "x-amz-date");
	assert_null(auth);
}

static void object_headers_are_sent_where_they_belong(void **state)
{
	struct fix *x = *state;
	struct err e = {0};
	char *v;

	fix_close(x);
	fix_set(x, "sse", "AES256");
	fix_set(x, "grant_read", "id=\"1\"");
	assert_int_equal(fix_open(x, &e), 0);
	fix_round_trip(x, KEY, 10);
	v = fakes3_last_header(x->s3, "PUT", NULL, "x-amz-server-side-encryption");
	assert_string_equal(v, "AES256");
	free(v);
	v = fakes3_last_header(x->s3, "PUT", NULL, "x-amz-grant-read");
	assert_string_equal(v, "id=\"1\"");
	free(v);
	assert_null(
		fakes3_last_header(x->s3, "GET", NULL, "x-amz-server-side-encryption"));
	v = fakes3_last_header(x->s3, "PUT", NULL, "content-type");
	assert_string_equal(v, "application/octet-stream");
	free(v);
	assert_null(fakes3_last_header(x->s3, "PUT", NULL, "expect"));
}

static void settings_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *key, *value;
		int code;
	} table[] = {
		{"endpointurl", "ftp://x", ERR_CONFIG},
		{"endpointurl", "http://u:p@x", ERR_CONFIG},
		{"endpointurl", "http://", ERR_CONFIG},
		{"addressing_style", "sideways", ERR_CONFIG},
		{"read_timeout", "soon", ERR_CONFIG},
		{"sse_customer_key", "short", ERR_CONFIG},
	};
	struct fix *x = *state;
	size_t nr = x->set_nr;

	fix_close(x);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct err e = {0};

		x->set_nr = nr;
		fix_set(x, table[i].key, table[i].value);
		assert_int_equal(fix_open(x, &e), table[i].code);
		assert_non_null(strstr(e.text, "'up'"));
	}
	x->set_nr = nr;
	fix_set(x, "acl", "private");
	fix_set(x, "grant_read", "x");
	assert_int_equal(fix_open(x, NULL), ERR_CONFIG);
}

static void repository_cannot_choose_files_nor_quietly_drop_certificates(void **state)
{
	struct fix *x = *state;
	struct err e = {0};

	fix_close(x);
	fix_set(x, "ssl_verify", "false");
	x->untrusted = "ssl_verify";
	assert_int_equal(fix_open(x, &e), 0);
	assert_non_null(strstr(x->notes, "ssl_verify"));
	fix_close(x);
	x->notes[0] = '\0';
	fix_set(x, "configpath", "/some/config");
	x->untrusted = "configpath";
	assert_int_equal(fix_open(x, &e), 0);
	assert_non_null(strstr(x->notes, "configpath"));
}

static void endpoint_may_have_a_path(void **state)
{
	struct fix *x = *state;
	struct err e = {0};
	char url[96];
	char *p;
	size_t n;

	/* The server's bucket becomes the path, and ours a part of the key. */
	IGNORE_RESULT(snprintf(url, sizeof(url), "%s/" FAKES3_BUCKET "/", x->endpoint) <
		      0);
	fix_close(x);
	fix_set(x, "endpointurl", url);
	IGNORE_RESULT(snprintf(x->url, sizeof(x->url), "s3://inner") < 0);
	assert_int_equal(fix_open(x, &e), 0);
	assert_int_equal(fix_put(x, "k", "abc", 3), 0);
	p = fakes3_get(x->s3, "inner/k", &n);
	assert_non_null(p);
	assert_string_equal(p, "abc");
	assert_int_equal(fakes3_refused(x->s3), 0);
	free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(objects_of_every_size_come_back),
		T(large_objects_go_up_in_parts),
		T(keys_with_odd_characters_are_signed_right),
		T(wrong_keys_are_refused_before_any_request),
		T(missing_objects_are_told_as_such),
		T(bytes_go_up_and_come_back_within_a_limit),
		T(many_small_objects_move_at_once),
		T(listings_follow_pages_within_their_bounds),
		T(odd_keys_survive_a_listing),
		T(many_keys_are_deleted_by_one_request),
		T(anonymous_requests_carry_no_signature),
		T(object_headers_are_sent_where_they_belong),
		T(settings_that_cannot_be_are_refused),
		T(repository_cannot_choose_files_nor_quietly_drop_certificates),
		T(endpoint_may_have_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
