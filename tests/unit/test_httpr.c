/* A web server as a remote. */
#include "remote/remote.h"

#include "remote/httpr.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/sink.h"
#include "store/hash/hash.h"
#include "tests/lib/fakes3_fix.h"
#include "tests/lib/webdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "files/md5/ab/cdef"
#define AT  "/base/" KEY

struct world {
	struct webdir *web;
	struct webdir_rules *rules;
	struct remote *r;
	char url[96];
	struct {
		const char *key, *value;
	} set[12];
	size_t set_nr;
	const char *untrusted;
	struct sink sink;
	char notes[1024];
	const char *typed;
	struct err e;
	struct remote_job job;
};

static const char *get(void *ctx, const char *key)
{
	const struct world *w = ctx;

	for (size_t i = w->set_nr; i-- > 0;)
		if (strcmp(w->set[i].key, key) == 0)
			return w->set[i].value;
	return NULL;
}

static bool trusted(void *ctx, const char *key)
{
	const struct world *w = ctx;

	return !w->untrusted || strcmp(w->untrusted, key) != 0;
}

static void note(struct sink *s, const char *text)
{
	struct world *w = (struct world *)((char *)s - offsetof(struct world, sink));
	size_t n = strlen(w->notes);

	IGNORE_RESULT(snprintf(w->notes + n, sizeof(w->notes) - n, "%s\n", text) < 0);
}

static int ask(struct sink *s, const char *question, char *out, size_t size)
{
	struct world *w = (struct world *)((char *)s - offsetof(struct world, sink));

	note(s, question);
	if (!w->typed)
		return -1;
	IGNORE_RESULT(snprintf(out, size, "%s", w->typed) < 0);
	return 0;
}

static void set(struct world *w, const char *key, const char *value)
{
	w->set[w->set_nr].key = key;
	w->set[w->set_nr++].value = value;
}

static int open_remote(struct world *w)
{
	struct remote_options o = {.name = "web",
				   .url = w->url,
				   .get = get,
				   .get_ctx = w,
				   .trusted = trusted,
				   .sink = &w->sink};

	remote_close(w->r);
	w->r = NULL;
	w->e = (struct err){0};
	return remote_open(&w->r, &o, &w->e);
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	w->web = webdir_start();
	w->rules = webdir_rules(w->web);
	IGNORE_RESULT(snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d/base/",
			       webdir_port(w->web)) < 0);
	w->sink.note = note;
	w->sink.ask = ask;
	set(w, "method", "PUT");
	set(w, "read_timeout", "3");
	*state = w;
	return open_remote(w);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	remote_close(w->r);
	webdir_stop(w->web);
	free(w);
	return 0;
}

static int do_job(struct world *w, struct remote_job job)
{
	int r;

	w->job = job;
	w->e = (struct err){0};
	r = remote_do(w->r, &w->job, &w->e);
	assert_null(strstr(w->e.text, "geheim")); /* no secret in any error */
	return r;
}

static int put(struct world *w, const char *p, size_t n)
{
	struct remote_job job = {
		.op = REMOTE_PUT, .key = KEY, .bytes = n, .has_md5 = true};
	int r;

	job.fd = memfd_create("src", MFD_CLOEXEC);
	assert_int_equal(write(job.fd, p, n), (ssize_t)n);
	hash_md5(p, n, job.md5);
	r = do_job(w, job);
	close(job.fd);
	return r;
}

static int head(struct world *w)
{
	return do_job(w, (struct remote_job){.op = REMOTE_HEAD, .key = KEY});
}

/* GET into a file; the bytes must be those. */
static int get_file(struct world *w, const char *p, size_t n)
{
	struct remote_job job = {.op = REMOTE_GET, .key = KEY, .has_md5 = true};
	char *got = xmalloc(n + 1);
	int r;

	hash_md5(p, n, job.md5);
	job.fd = memfd_create("dst", MFD_CLOEXEC);
	r = do_job(w, job);
	if (r == 0) {
		assert_int_equal(lseek(job.fd, 0, SEEK_END), (off_t)n);
		assert_int_equal(pread(job.fd, got, n, 0), (ssize_t)n);
		assert_memory_equal(got, p, n);
		assert_int_equal(w->job.bytes, n);
	}
	close(job.fd);
	free(got);
	return r;
}

static void must_be(struct world *w, int got, int want)
{
	if (got != want)
		fail_msg("%d, not %d: %s", got, want, w->e.text);
}

static void bytes_go_up_and_come_back(void **state)
{
	static const size_t sizes[] = {0, 1, 5, 4096, 65536, 65537, 3000000};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = fix_bytes(sizes[i], (unsigned)i + 1);

		must_be(w, put(w, p, sizes[i]), 0);
		assert_true(webdir_is(w->web, AT, p, sizes[i]));
		must_be(w, head(w), 0);
		assert_int_equal(w->job.bytes, sizes[i]);
		assert_true(w->job.modified_ns > 0);
		must_be(w, get_file(w, p, sizes[i]), 0);
		free(p);
	}
}

static void memory_goes_up_and_comes_back(void **state)
{
	struct world *w = *state;
	struct buf out = {0};

	must_be(w,
		do_job(w, (struct remote_job){.op = REMOTE_PUT_BYTES,
					      .key = "a b/ü%",
					      .data = "hello",
					      .bytes = 5}),
		0);
	assert_true(webdir_is(w->web, "/base/a b/ü%", "hello", 5));
	must_be(w,
		do_job(w, (struct remote_job){.op = REMOTE_GET_BYTES,
					      .key = "a b/ü%",
					      .out = &out,
					      .limit = 5}),
		0);
	assert_int_equal(out.n, 5);
	assert_memory_equal(out.p, "hello", 5);
	must_be(w,
		do_job(w, (struct remote_job){.op = REMOTE_GET_BYTES,
					      .key = "a b/ü%",
					      .out = &out,
					      .limit = 4}),
		ERR_INVALID);
	buf_release(&out);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct world *w = *state;

	must_be(w, head(w), ERR_NOTFOUND);
	must_be(w, get_file(w, "x", 1), ERR_NOTFOUND);
	assert_int_equal(webdir_requests(w->web, NULL), 2);
}

static void nothing_is_listed_or_removed(void **state)
{
	struct world *w = *state;
	const char *keys[] = {KEY};
	struct err errs[1] = {{0}};

	assert_false(remote_traits(w->r)->can_list);
	must_be(w, do_job(w, (struct remote_job){.op = REMOTE_LIST, .key = ""}),
		ERR_UNSUPPORTED);
	must_be(w,
		do_job(w, (struct remote_job){.op = REMOTE_DELETE,
					      .key = "",
					      .keys = keys,
					      .keys_nr = 1,
					      .key_errs = errs}),
		ERR_UNSUPPORTED);
	assert_int_equal(webdir_requests(w->web, NULL), 0);
}

static void uploads_use_the_method_of_the_configuration(void **state)
{
	struct world *w = *state;

	must_be(w, put(w, "x", 1), 0);
	assert_int_equal(webdir_requests(w->web, "PUT"), 1);
	w->rules->upload = "POST";
	must_be(w, put(w, "y", 1), ERR_NET);
	assert_non_null(strstr(w->e.text, "405"));
	w->set_nr = 0; /* as DVC has it */
	must_be(w, open_remote(w), 0);
	must_be(w, put(w, "yy", 2), 0);
	assert_int_equal(webdir_requests(w->web, "POST"), 1);
	assert_true(webdir_is(w->web, AT, "yy", 2));
	set(w, "method", "patch");
	must_be(w, open_remote(w), ERR_CONFIG);
}

static void an_upload_that_is_not_kept_is_no_success(void **state)
{
	struct world *w = *state;

	w->rules->lies = true;
	must_be(w, put(w, "hello", 5), ERR_NET);
	assert_non_null(strstr(w->e.text, "not be confirmed"));
	w->rules->lies = false;
	w->rules->truncates = true;
	must_be(w, put(w, "hello", 5), ERR_CORRUPT);
	assert_non_null(strstr(w->e.text, "4 of the 5"));
}

static void without_head_one_byte_is_asked_for(void **state)
{
	struct world *w = *state;
	char *p = fix_bytes(500000, 1);

	w->rules->no_head = true;
	must_be(w, put(w, p, 500000), 0);
	must_be(w, head(w), 0);
	assert_int_equal(w->job.bytes, 500000);
	assert_int_equal(webdir_requests(w->web, "HEAD"), 1); /* it is remembered */
	/* No ranges either: the whole is offered, and not taken. */
	w->rules->no_ranges = true;
	webdir_clear(w->web);
	must_be(w, head(w), 0);
	assert_int_equal(w->job.bytes, 500000);
	w->rules->no_ranges = false;
	must_be(w, put(w, "", 0), 0);
	must_be(w, head(w), 0);
	assert_int_equal(w->job.bytes, 0);
	webdir_remove(w->web, AT);
	must_be(w, head(w), ERR_NOTFOUND);
	free(p);
}

static void a_cut_download_goes_on_where_it_was(void **state)
{
	struct world *w = *state;
	size_t n = 2000000;
	char *p = fix_bytes(n, 9), *range;

	webdir_put(w->web, AT, p, n);
	w->rules->cuts = 2;
	w->rules->cut_at = 600000;
	must_be(w, get_file(w, p, n), 0);
	assert_int_equal(webdir_requests(w->web, "GET"), 3);
	assert_true(webdir_sent(w->web) < n + 400000);
	range = webdir_last(w->web, "GET", "Range");
	assert_string_equal(range, "bytes=1200000-");
	free(range);
	free(p);
}

static void without_a_validator_it_starts_over(void **state)
{
	struct world *w = *state;
	size_t n = 1000000;
	char *p = fix_bytes(n, 9), *range;

	webdir_put(w->web, AT, p, n);
	w->rules->cuts = 1;
	w->rules->cut_at = 600000;
	w->rules->no_etag = w->rules->no_date = true;
	must_be(w, get_file(w, p, n), 0);
	range = webdir_last(w->web, "GET", "Range");
	assert_null(range);
	/* And where ranges are not had, the whole that comes is taken. */
	w->rules->cuts = 1;
	w->rules->no_etag = false;
	w->rules->no_ranges = true;
	must_be(w, get_file(w, p, n), 0);
	free(p);
}

static void wrong_bytes_are_fetched_once_more_then_told(void **state)
{
	struct world *w = *state;

	webdir_put(w->web, AT, "hello", 5);
	w->rules->flips = true;
	must_be(w, get_file(w, "hello", 5), ERR_CORRUPT);
	assert_int_equal(webdir_requests(w->web, "GET"), 2);
	w->rules->flips = false;
	must_be(w, get_file(w, "hello", 5), 0);
	w->rules->coding = "gzip";
	must_be(w, get_file(w, "hello", 5), ERR_UNSUPPORTED);
	assert_non_null(strstr(w->e.text, "gzip"));
}

static void trouble_passes_or_is_told(void **state)
{
	struct world *w = *state;

	webdir_put(w->web, AT, "hello", 5);
	w->rules->fails = 2;
	w->rules->fail_status = 503;
	must_be(w, get_file(w, "hello", 5), 0);
	assert_int_equal(webdir_requests(w->web, "GET"), 3);
	w->rules->fails = 100;
	w->rules->fail_status = 500;
	must_be(w, get_file(w, "hello", 5), ERR_NET);
	assert_non_null(strstr(w->e.text, "HTTP 500"));
	assert_true(webdir_requests(w->web, "GET") < 10);
	w->rules->fail_status = 403;
	must_be(w, head(w), ERR_NET);
	assert_non_null(strstr(w->e.text, "not there, or not for us"));
	w->rules->fails = 0;
}

static void basic_authentication(void **state)
{
	struct world *w = *state;

	webdir_put(w->web, AT, "hello", 5);
	w->rules->user = "üser";
	w->rules->password = "geheim:1";
	must_be(w, get_file(w, "hello", 5), ERR_AUTH);
	assert_int_equal(webdir_requests(w->web, NULL), 1);
	set(w, "auth", "basic");
	must_be(w, open_remote(w), ERR_CONFIG); /* no user */
	set(w, "user", "üser");
	must_be(w, open_remote(w), ERR_CONFIG); /* no password */
	set(w, "password", "geheim:1");
	must_be(w, open_remote(w), 0);
	must_be(w, get_file(w, "hello", 5), 0);
	must_be(w, put(w, "there", 5), 0);
	set(w, "password", "geheim:2");
	must_be(w, open_remote(w), 0);
	must_be(w, put(w, "there", 5), ERR_AUTH);
}

static void the_password_may_be_asked_for(void **state)
{
	struct world *w = *state;

	webdir_put(w->web, AT, "hello", 5);
	w->rules->user = "u";
	w->rules->password = "geheim";
	set(w, "auth", "basic");
	set(w, "user", "u");
	set(w, "ask_password", "true");
	must_be(w, open_remote(w), ERR_AUTH);
	assert_non_null(strstr(w->e.text, "no terminal"));
	w->typed = "geheim";
	must_be(w, open_remote(w), 0);
	assert_non_null(strstr(w->notes, "Password of u at http://127.0.0.1:"));
	must_be(w, get_file(w, "hello", 5), 0);
}

static void credentials_in_the_url_are_basic(void **state)
{
	struct world *w = *state;

	webdir_put(w->web, AT, "hello", 5);
	w->rules->user = "u@x";
	w->rules->password = "geheim/1";
	IGNORE_RESULT(snprintf(w->url, sizeof(w->url),
			       "http://u%%40x:geheim%%2F1@127.0.0.1:%d/base",
			       webdir_port(w->web)) < 0);
	must_be(w, open_remote(w), 0);
	assert_null(strstr(remote_url(w->r), "geheim"));
	must_be(w, get_file(w, "hello", 5), 0);
}

static void digest_authentication(void **state)
{
	struct world *w = *state;
	char *p = fix_bytes(100000, 4);

	webdir_put(w->web, AT, "hello", 5);
	w->rules->user = "u";
	w->rules->password = "geheim";
	w->rules->is_digest = true;
	set(w, "auth", "digest");
	set(w, "user", "u");
	set(w, "password", "geheim");
	must_be(w, open_remote(w), 0);
	must_be(w, get_file(w, "hello", 5), 0);
	assert_int_equal(webdir_requests(w->web, NULL), 2);
	/* From now on it is answered without being asked. */
	for (int i = 0; i < 5; i++)
		must_be(w, get_file(w, "hello", 5), 0);
	assert_int_equal(webdir_requests(w->web, NULL), 7);
	must_be(w, put(w, p, 100000), 0);
	assert_true(webdir_is(w->web, AT, p, 100000));
	set(w, "password", "geheim2");
	must_be(w, open_remote(w), 0);
	must_be(w, get_file(w, "hello", 5), ERR_AUTH);
	free(p);
}

static void a_header_of_its_own(void **state)
{
	struct world *w = *state;

	webdir_put(w->web, AT, "hello", 5);
	w->rules->header = "X-Token";
	w->rules->header_value = "geheim";
	set(w, "auth", "custom");
	must_be(w, open_remote(w), ERR_CONFIG);
	set(w, "custom_auth_header", "X-Token: y");
	set(w, "password", "geheim");
	must_be(w, open_remote(w), ERR_CONFIG);
	set(w, "custom_auth_header", "X-Token");
	must_be(w, open_remote(w), 0);
	must_be(w, get_file(w, "hello", 5), 0);
	set(w, "password", "geheim\r\nX: y");
	must_be(w, open_remote(w), ERR_CONFIG);
}

static void redirects_are_followed_without_credentials(void **state)
{
	struct world *w = *state;
	struct webdir *other = webdir_start();
	char to[96], *auth;

	webdir_put(w->web, "/moved/" KEY, "hello", 5);
	w->rules->redirect_from = "/base";
	w->rules->redirect_to = "/moved";
	w->rules->user = "u";
	w->rules->password = "geheim";
	set(w, "auth", "basic");
	set(w, "user", "u");
	set(w, "password", "geheim");
	must_be(w, open_remote(w), 0);
	must_be(w, get_file(w, "hello", 5), 0);
	must_be(w, head(w), 0);
	must_be(w, put(w, "there", 5), 0);
	assert_true(webdir_is(w->web, "/moved/" KEY, "there", 5));
	/* Another server does not get to see who we are, nor our bytes. */
	IGNORE_RESULT(snprintf(to, sizeof(to), "http://127.0.0.1:%d/far",
			       webdir_port(other)) < 0);
	webdir_put(other, "/far/" KEY, "hello", 5);
	w->rules->redirect_to = to;
	must_be(w, get_file(w, "hello", 5), 0);
	auth = webdir_last(other, "GET", "Authorization");
	assert_null(auth);
	must_be(w, put(w, "there", 5), ERR_NET);
	assert_true(webdir_is(other, "/far/" KEY, "hello", 5));
	/* And a circle ends. */
	w->rules->redirect_to = "/base";
	must_be(w, head(w), ERR_NET);
	webdir_stop(other);
}

static void where_a_location_leads(void **state)
{
	static const struct {
		const char *from, *to, *want;
		bool same;
	} table[] = {
		{"http://a/b/c", "/x", "http://a/x", true},
		{"http://a/b/c?d", "x", "http://a/b/x", true},
		{"http://a", "x", "http://a/x", true},
		{"http://a/b/", "http://A/y", "http://A/y", true},
		{"http://a/b", "https://a/b", "https://a/b", false},
		{"http://a/b", "//c/d", "http://c/d", false},
		{"https://a/b", "//c/d", "https://c/d", false},
		{"https://a/b", "http://a/b", NULL, false},
		{"https://a/b", "file:///etc/passwd", NULL, false},
		{"https://a/b", "ftp:x", NULL, false},
		{"https://a/b", "https://u:p@a/b", NULL, false},
		{"https://a/b", "https://a/b c", NULL, false},
		{"https://a/b", "https://a/b\r\nX: y", NULL, false},
		{"https://a/b", "", NULL, false},
		{"https://a:1/b", "https://a/b", "https://a/b", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		bool same = false;
		char *got = httpr_redirect(table[i].from, table[i].to, &same);

		if (!table[i].want) {
			assert_null(got);
			continue;
		}
		assert_string_equal(got, table[i].want);
		assert_int_equal(same, table[i].same);
		free(got);
	}
}

static void settings_that_cannot_be_used_are_named(void **state)
{
	static const struct {
		const char *key, *value;
	} table[] = {
		{"auth", "ntlm"}, {"connect_timeout", "soon"}, {"read_timeout", "-1"},
		{"jobs", "0x"},	  {"method", "GET"},
	};
	struct world *w = *state;
	size_t nr = w->set_nr;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		w->set_nr = nr;
		set(w, table[i].key, table[i].value);
		must_be(w, open_remote(w), ERR_CONFIG);
		assert_non_null(strstr(w->e.text, "'web'"));
	}
	w->set_nr = nr;
	memcpy(w->url, "http://", 8);
	must_be(w, open_remote(w), ERR_CONFIG);
	memcpy(w->url, "http://h/?x", 12);
	must_be(w, open_remote(w), ERR_CONFIG);
	set(w, "ssl_verify", "false");
	w->untrusted = "ssl_verify";
	memcpy(w->url, "https://h/", 11);
	must_be(w, open_remote(w), 0);
	assert_non_null(strstr(w->notes, "certificates"));
}

static void nobody_at_the_port_is_told(void **state)
{
	struct world *w = *state;

	memcpy(w->url, "http://127.0.0.1:9/x", 21);
	must_be(w, open_remote(w), 0);
	must_be(w, head(w), ERR_NET);
	assert_non_null(strstr(w->e.text, "127.0.0.1"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(bytes_go_up_and_come_back),
		T(memory_goes_up_and_comes_back),
		T(what_is_not_there_is_not_found),
		T(nothing_is_listed_or_removed),
		T(uploads_use_the_method_of_the_configuration),
		T(an_upload_that_is_not_kept_is_no_success),
		T(without_head_one_byte_is_asked_for),
		T(a_cut_download_goes_on_where_it_was),
		T(without_a_validator_it_starts_over),
		T(wrong_bytes_are_fetched_once_more_then_told),
		T(trouble_passes_or_is_told),
		T(basic_authentication),
		T(the_password_may_be_asked_for),
		T(credentials_in_the_url_are_basic),
		T(digest_authentication),
		T(a_header_of_its_own),
		T(redirects_are_followed_without_credentials),
		cmocka_unit_test(where_a_location_leads),
		T(settings_that_cannot_be_used_are_named),
		T(nobody_at_the_port_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
