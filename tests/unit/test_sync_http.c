/* push, fetch, status and fsck of a remote that can be neither listed nor rid of. */
#include "tests/unit/repo_fixture.h"

#include "remote/sync/sync.h"
#include "store/hash/hash.h"
#include "tests/lib/webdir.h"

struct world {
	struct fixture *f;
	struct webdir *web;
	struct err e;
	struct sync_result res;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char text[512];
	void *f;

	unsetenv("http_proxy");
	w->web = webdir_start();
	assert_int_equal(setup_repo(&f, true), 0);
	w->f = f;
	snprintf(text, sizeof(text),
		 "[core]\n    no_scm = True\n    remote = web\n"
		 "['remote \"web\"']\n    url = http://127.0.0.1:%d/r/\n"
		 "    method = PUT\n    auth = basic\n    user = u\n    password = p\n"
		 "['remote \"sub\"']\n    url = remote://web/sub/dir\n",
		 webdir_port(w->web));
	config(w->f, text);
	webdir_rules(w->web)->user = "u";
	webdir_rules(w->web)->password = "p";
	put(w->f, "d/a", "one");
	put(w->f, "d/b", "two");
	add(w->f, "d");
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	void *f = w->f;

	sync_result_release(&w->res);
	teardown(&f);
	webdir_stop(w->web);
	free(w);
	return 0;
}

typedef int (*verb)(struct repo *repo, const struct sync_options *o,
		    struct sync_result *res, struct err *e);

static int run(struct world *w, verb v, struct sync_options o)
{
	o.max_size = -1;
	sync_result_release(&w->res);
	w->e = (struct err){0};
	return v(w->f->repo, &o, &w->res, &w->e);
}

static const char *path_of(const char *root, const char *text)
{
	static char path[128];
	uint8_t md5[16];
	char hex[33];

	hash_md5(text, strlen(text), md5);
	hex_encode(md5, 16, hex);
	snprintf(path, sizeof(path), "%sfiles/md5/%.2s/%s", root, hex, hex + 2);
	return path;
}

static const char *told(const struct world *w, const char *path)
{
	for (size_t i = w->res.report.items.nr; i-- > 0;)
		if (strcmp(w->res.report.items.v[i].path, path) == 0)
			return w->res.report.items.v[i].state;
	return "";
}

static void a_directory_goes_there_and_back(void **state)
{
	struct world *w = *state;

	must(run(w, sync_push, (struct sync_options){.verify = true}), &w->e);
	assert_int_equal(w->res.moved, 3);
	assert_true(webdir_is(w->web, path_of("/r/", "one"), "one", 3));
	webdir_clear(w->web);
	must(run(w, sync_push, (struct sync_options){0}), &w->e);
	assert_int_equal(webdir_requests(w->web, NULL), 0); /* by the journal */
	must(run(w, sync_push, (struct sync_options){.refresh = true}), &w->e);
	assert_int_equal(webdir_requests(w->web, "HEAD"), 3);
	assert_int_equal(w->res.moved, 0);
	sh(w->f, "rm -rf d .dvc/cache .dvc/tmp/lode");
	reopen(w->f);
	must(run(w, sync_pull, (struct sync_options){0}), &w->e);
	assert_string_equal(text_of(w->f, "d/a"), "one");
	must(run(w, sync_status, (struct sync_options){.deep = true}), &w->e);
	assert_int_equal(w->res.report.items.nr, 0);
}

static void a_url_of_another_remote_leads_below_it_with_its_keys(void **state)
{
	struct world *w = *state;

	must(run(w, sync_push, (struct sync_options){.remote = "sub"}), &w->e);
	assert_true(webdir_is(w->web, path_of("/r/sub/dir/", "one"), "one", 3));
	assert_false(webdir_has(w->web, path_of("/r/", "one")));
}

static void fsck_asks_for_what_the_workspace_names(void **state)
{
	struct world *w = *state;
	struct sync_fsck_options o = {.sample_percent = 100};

	must(run(w, sync_push, (struct sync_options){0}), &w->e);
	sync_result_release(&w->res);
	must(sync_fsck(w->f->repo, &o, &w->res, &w->e), &w->e);
	assert_int_equal(report_count_of(&w->res.report, "objects"), 3);
	webdir_put(w->web, path_of("/r/", "one"), "onX", 3);
	webdir_remove(w->web, path_of("/r/", "two"));
	sync_result_release(&w->res);
	assert_int_equal(sync_fsck(w->f->repo, &o, &w->res, &w->e), ERR_CORRUPT);
	assert_string_equal(told(w, "d/b"), "missing");
	o.repair = true;
	sync_result_release(&w->res);
	must(sync_fsck(w->f->repo, &o, &w->res, &w->e), &w->e);
	assert_true(webdir_is(w->web, path_of("/r/", "one"), "one", 3));
	assert_true(webdir_is(w->web, path_of("/r/", "two"), "two", 3));
}

static void a_large_download_goes_on_in_the_next_run(void **state)
{
	struct world *w = *state;
	const size_t n = 24u << 20, dead = 18u << 20;
	char *p = xmalloc(n + 1), *range, want[48];
	struct err e = {0};

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 2654435761u >> 13);
	must(fs_write(w->f->fd, "big", (struct slice){p, n}, 0644, FS_SYNC_NONE, &e), &e);
	add(w->f, "big");
	must(run(w, sync_push, (struct sync_options){0}), &w->e);
	sh(w->f, "rm -rf big .dvc/cache .dvc/tmp/lode");
	reopen(w->f);
	webdir_rules(w->web)->dead_at = dead;
	assert_int_equal(run(w, sync_fetch, (struct sync_options){0}), ERR_PARTIAL);
	sh(w->f, "ls .dvc/cache/lode/transfers/* >/dev/null");
	reopen(w->f);
	webdir_rules(w->web)->dead_at = 0;
	webdir_clear(w->web);
	must(run(w, sync_pull, (struct sync_options){0}), &w->e);
	range = webdir_last(w->web, "GET", "Range");
	snprintf(want, sizeof(want), "bytes=%zu-", dead);
	assert_string_equal(range, want);
	assert_true(webdir_sent(w->web) <= n - dead + 4096);
	sh(w->f, "test -f big && ! find .dvc/cache -name '*.tmp' | grep .");
	/* What an earlier run left may be other bytes: then all of it comes anew. */
	sh(w->f, "rm -rf big .dvc/cache .dvc/tmp/lode");
	reopen(w->f);
	webdir_rules(w->web)->dead_at = dead;
	assert_int_equal(run(w, sync_fetch, (struct sync_options){0}), ERR_PARTIAL);
	webdir_rules(w->web)->dead_at = 0;
	sh(w->f, "f=$(find .dvc/cache/files -name '*.tmp' -size +10M) && test -f $f && "
		 "printf XXXX | dd of=$f bs=1 seek=5000 conv=notrunc 2>/dev/null");
	must(run(w, sync_pull, (struct sync_options){0}), &w->e);
	sh(w->f, "test -f big");
	free(range);
	free(p);
}

static void gc_says_that_it_cannot(void **state)
{
	struct world *w = *state;
	struct sync_gc_result got = {0};
	struct gc_keep keep = {0};

	must(run(w, sync_push, (struct sync_options){0}), &w->e);
	assert_int_equal(
		sync_gc(w->f->repo, "web", &keep, 0, false, 0, NULL, &got, &w->e),
		ERR_UNSUPPORTED);
	assert_non_null(strstr(w->e.text, "listed"));
	assert_true(webdir_has(w->web, path_of("/r/", "one")));
	report_release(&got.report);
}

static void a_wrong_password_stops_at_once(void **state)
{
	struct world *w = *state;

	webdir_rules(w->web)->password = "other";
	assert_true(run(w, sync_push, (struct sync_options){0}) < 0);
	assert_true(webdir_requests(w->web, NULL) <= 6);
	assert_null(strstr(w->e.text, " p "));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_directory_goes_there_and_back),
		T(a_url_of_another_remote_leads_below_it_with_its_keys),
		T(fsck_asks_for_what_the_workspace_names),
		T(a_large_download_goes_on_in_the_next_run),
		T(gc_says_that_it_cannot),
		T(a_wrong_password_stops_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
