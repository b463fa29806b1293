/* Data under its own name at a URL: imports with versions, and add -o. */
#include "tests/unit/sync_fixture.h"

#include "remote/sync/origin.h"
#include "tests/lib/webdir.h"

static const char *md5_of(const char *text)
{
	static char hex[4][33];
	static unsigned turn;
	uint8_t md5[16];

	hash_md5(text, strlen(text), md5);
	return hex_encode(md5, 16, hex[turn++ % 4]);
}

static int up(void **state)
{
	int r = world_up(state);
	struct world *w = *state;

	fakes3_versioned(w->x.s3);
	/* An import knows no section: the environment has the credentials. */
	setenv("AWS_ACCESS_KEY_ID", FAKES3_ACCESS, 1);
	setenv("AWS_SECRET_ACCESS_KEY", FAKES3_SECRET, 1);
	setenv("AWS_ENDPOINT_URL_S3", w->x.endpoint, 1);
	return r;
}

static char *version(struct world *w, const char *key, const char *text)
{
	fakes3_put(w->x.s3, key, text, strlen(text));
	return fakes3_version(w->x.s3, key);
}

static void imported_file(struct world *w, const char *md5)
{
	char *v = version(w, "ext/a.txt", "hello"), text[1024];

	free(version(w, "ext/a.txt", "newer"));
	snprintf(text, sizeof(text),
		 "md5: 0123456789abcdef0123456789abcdef\nfrozen: true\ndeps:\n"
		 "- etag: %s\n  size: 5\n  version_id: %s\n  hash: md5\n"
		 "  path: s3://" FAKES3_BUCKET "/ext/a.txt\n  fs_config:\n"
		 "    version_aware: true\n"
		 "outs:\n- md5: %s\n  size: 5\n  hash: md5\n  path: a.txt\n"
		 "  push: false\n",
		 md5_of("hello"), v, md5);
	put(w->f, "a.txt.dvc", text);
	reopen(w->f);
	free(v);
}

static void an_imported_file_comes_by_its_version(void **state)
{
	struct world *w = *state;

	imported_file(w, md5_of("hello"));
	must_sync(w, sync_fetch, (struct sync_options){.dry_run = true});
	assert_int_equal(w->res.moved, 1);
	must_sync(w, sync_pull, (struct sync_options){0});
	assert_string_equal(text_of(w->f, "a.txt"), "hello");
	fakes3_clear(w->x.s3);
	must_sync(w, sync_pull, (struct sync_options){0});
	assert_int_equal(fakes3_requests(w->x.s3), 0);
	sh(w->f, "! ls -d .dvc/tmp/lode/origin-* 2>/dev/null");
}

static void other_bytes_than_recorded_are_not_taken(void **state)
{
	struct world *w = *state;

	imported_file(w, md5_of("other"));
	assert_int_equal(do_sync(w, sync_fetch, (struct sync_options){0}), ERR_PARTIAL);
	assert_string_equal(told(w, "a.txt"), "failed");
	assert_non_null(strstr(w->res.report.errors.v[0].message, "other bytes"));
}

static void an_imported_directory_comes_file_by_file(void **state)
{
	struct world *w = *state;
	char *a = version(w, "ext/d/a", "one"), *b = version(w, "ext/d/s/b", "two");
	char text[2048], dir[40];

	free(version(w, "ext/d/a", "later"));
	put(w->f, "d/a", "one");
	put(w->f, "d/s/b", "two");
	add(w->f, "d");
	snprintf(dir, sizeof(dir), "%s", recorded(w->f, "d.dvc"));
	sh(w->f, "rm -rf d d.dvc");
	forget(w);
	snprintf(text, sizeof(text),
		 "frozen: true\ndeps:\n- hash: md5\n  path: s3://" FAKES3_BUCKET
		 "/ext/d\n  fs_config:\n    version_aware: true\n  files:\n"
		 "  - relpath: a\n    etag: %s\n    size: 3\n    version_id: %s\n"
		 "  - relpath: s/b\n    etag: %s\n    size: 3\n    version_id: %s\n"
		 "outs:\n- md5: %s\n  size: 6\n  nfiles: 2\n  hash: md5\n  path: d\n"
		 "  push: false\n",
		 md5_of("one"), a, md5_of("two"), b, dir);
	put(w->f, "d.dvc", text);
	reopen(w->f);
	must_sync(w, sync_pull, (struct sync_options){0});
	assert_string_equal(text_of(w->f, "d/a"), "one");
	assert_string_equal(text_of(w->f, "d/s/b"), "two");
	free(a);
	free(b);
}

static int download(struct world *w, const char *url, char **dir, char **data)
{
	struct sync_options o = {.max_size = -1};

	w->e = (struct err){0};
	return sync_download(w->f->repo, url, &o, dir, data, &w->e);
}

static void a_url_below_a_remote_has_its_settings(void **state)
{
	struct world *w = *state;
	char *dir, *data;

	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	unsetenv("AWS_ENDPOINT_URL_S3");
	free(version(w, "pre/fix/raw/x y", "hello"));
	free(version(w, "pre/fix/raw/s/z", "deep"));
	must(download(w, "remote://up/raw/x y", &dir, &data), &w->e);
	sh(w->f, "test \"$(cat '%s')\" = hello", data);
	sync_download_end(&dir, &data);
	must(download(w, "remote://UP/raw/", &dir, &data), &w->e);
	sh(w->f, "test \"$(cat '%s/s/z')\" = deep && test -f '%s/x y'", data, data);
	sync_download_end(&dir, &data);
	assert_int_equal(download(w, "remote://up/nothing", &dir, &data), ERR_NOTFOUND);
	assert_null(dir);
	assert_int_equal(download(w, "remote://other/x", &dir, &data), ERR_CONFIG);
	assert_int_equal(download(w, "remote://up", &dir, &data), ERR_INVALID);
	assert_true(download(w, "remote://up/../x", &dir, &data) < 0);
	sh(w->f, "! ls -d .dvc/tmp/lode/origin-* 2>/dev/null");
}

static void keys_that_lead_elsewhere_are_refused(void **state)
{
	struct world *w = *state;
	char *dir, *data;

	free(version(w, "bad/ok", "1"));
	free(version(w, "bad/../../escape", "2"));
	assert_true(download(w, "s3://" FAKES3_BUCKET "/bad", &dir, &data) < 0);
	assert_null(dir);
	free(version(w, "git/.git/hooks/x", "3"));
	assert_true(download(w, "s3://" FAKES3_BUCKET "/git", &dir, &data) < 0);
	sh(w->f, "! find . -name escape -o -name hooks | grep .");
}

static void a_web_page_is_a_file(void **state)
{
	struct world *w = *state;
	struct webdir *web = webdir_start();
	char url[96], *dir, *data;

	webdir_put(web, "/a/b c", "hello", 5);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/a/b%%20c", webdir_port(web));
	must(download(w, url, &dir, &data), &w->e);
	sh(w->f, "test \"$(cat '%s')\" = hello", data);
	sync_download_end(&dir, &data);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/a/x", webdir_port(web));
	assert_int_equal(download(w, url, &dir, &data), ERR_NOTFOUND);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/a%%2Fb", webdir_port(web));
	assert_int_equal(download(w, url, &dir, &data), ERR_INVALID);
	assert_int_equal(download(w, "gopher://x/y", &dir, &data), ERR_CONFIG);
	assert_int_equal(download(w, "ssh://x/y", &dir, &data), ERR_UNSUPPORTED);
	webdir_stop(web);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_imported_file_comes_by_its_version),
		T(other_bytes_than_recorded_are_not_taken),
		T(an_imported_directory_comes_file_by_file),
		T(a_url_below_a_remote_has_its_settings),
		T(keys_that_lead_elsewhere_are_refused),
		T(a_web_page_is_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
