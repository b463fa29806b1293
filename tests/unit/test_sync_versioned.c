/* Version-aware and worktree remotes: what is recorded is read, nothing written. */
#include "tests/unit/sync_fixture.h"

#include "store/meta/collect.h"

/* Put text at pre/fix/KEY as a new version, and later ones over it. */
static char *version(struct world *w, const char *key, const char *text)
{
	char full[96];

	snprintf(full, sizeof(full), "pre/fix/%s", key);
	fakes3_put(w->x.s3, full, text, strlen(text));
	return fakes3_version(w->x.s3, full);
}

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

	world_config(w, "    version_aware = true\n");
	fakes3_versioned(w->x.s3);
	return r;
}

static int up_worktree(void **state)
{
	int r = up(state);

	world_config(*state, "    worktree = true\n");
	return r;
}

/* d with "one" and "two" as a push of DVC leaves it; the remote went on since. */
static void recorded_directory(struct world *w)
{
	char *a = version(w, "d/a", "one"), *b = version(w, "d/s/b", "two");
	char *a2 = version(w, "d/a", "ONE and more"), text[2048];

	snprintf(text, sizeof(text),
		 "outs:\n- hash: md5\n  path: d\n  files:\n"
		 "  - relpath: a\n    md5: %s\n    size: 3\n    cloud:\n      up:\n"
		 "        etag: %s\n        version_id: %s\n"
		 "  - relpath: s/b\n    md5: %s\n    size: 3\n    cloud:\n      up:\n"
		 "        etag: %s\n        version_id: %s\n",
		 md5_of("one"), md5_of("one"), a, md5_of("two"), md5_of("two"), b);
	put(w->f, "d.dvc", text);
	free(a);
	free(a2);
	free(b);
	fakes3_clear(w->x.s3);
	reopen(w->f);
}

static void pull_brings_the_version_on_record(void **state)
{
	struct world *w = *state;

	recorded_directory(w);
	must_sync(w, sync_pull, (struct sync_options){0});
	assert_string_equal(text_of(w->f, "d/a"), "one");
	assert_string_equal(text_of(w->f, "d/s/b"), "two");
	assert_int_equal(w->res.moved, 3);
	fakes3_clear(w->x.s3);
	must_sync(w, sync_pull, (struct sync_options){0});
	assert_int_equal(fakes3_matching(w->x.s3, "GET", NULL), 0);
	/* No listing is asked for, and nothing is written. */
	assert_int_equal(fakes3_matching(w->x.s3, "PUT", NULL), 0);
	fsck_is_clean(w->f);
}

static void a_path_inside_brings_only_that(void **state)
{
	struct world *w = *state;
	struct strvec targets = {0};

	recorded_directory(w);
	strvec_push(&targets, "d/s");
	must_sync(w, sync_fetch, (struct sync_options){.targets = &targets});
	assert_int_equal(fakes3_matching(w->x.s3, "GET", "d/s/b?versionId="), 1);
	assert_int_equal(fakes3_matching(w->x.s3, "GET", "d/a"), 0);
	strvec_release(&targets);
}

static void other_bytes_get_no_name(void **state)
{
	struct world *w = *state;
	char *v = version(w, "f", "wrong"), text[512];

	snprintf(text, sizeof(text),
		 "outs:\n- md5: %s\n  size: 5\n  hash: md5\n  path: f\n  cloud:\n"
		 "    up:\n      version_id: %s\n",
		 md5_of("right"), v);
	put(w->f, "f.dvc", text);
	reopen(w->f);
	assert_int_equal(do_sync(w, sync_fetch, (struct sync_options){0}), ERR_PARTIAL);
	assert_string_equal(told(w, "f"), "failed");
	assert_non_null(strstr(w->res.report.errors.v[0].message, "damaged"));
	sh(w->f, "! find .dvc/cache -type f -path '*md5*' | grep .");
	free(v);
}

static void a_file_with_its_version_beside_the_hash_is_fetched(void **state)
{
	struct world *w = *state;
	char *v = version(w, "f", "right"), *v2 = version(w, "f", "newer"), text[512];

	snprintf(
		text, sizeof(text),
		"outs:\n- md5: %s\n  size: 5\n  version_id: %s\n  hash: md5\n  path: f\n",
		md5_of("right"), v);
	put(w->f, "f.dvc", text);
	reopen(w->f);
	must_sync(w, sync_pull, (struct sync_options){0});
	assert_string_equal(text_of(w->f, "f"), "right");
	free(v);
	free(v2);
}

static void what_was_never_pushed_there_is_missing_not_skipped(void **state)
{
	struct world *w = *state;

	put(w->f, "f", "local");
	put(w->f, "e/x", "x");
	add(w->f, "f");
	add(w->f, "e");
	must_sync(w, sync_fetch, (struct sync_options){0}); /* all is here */
	forget(w);
	assert_int_equal(do_sync(w, sync_fetch, (struct sync_options){0}), ERR_MISSING);
	assert_string_equal(told(w, "f"), "missing");
	assert_string_equal(told(w, "e"), "missing");
	assert_int_equal(fakes3_matching(w->x.s3, "GET", NULL), 0);
}

static void a_version_that_is_gone_is_missing(void **state)
{
	struct world *w = *state;
	char text[512];

	free(version(w, "f", "right"));
	snprintf(text, sizeof(text),
		 "outs:\n- md5: %s\n  hash: md5\n  path: f\n  cloud:\n    up:\n"
		 "      version_id: nosuch\n",
		 md5_of("right"));
	put(w->f, "f.dvc", text);
	reopen(w->f);
	assert_int_equal(do_sync(w, sync_fetch, (struct sync_options){0}), ERR_MISSING);
	must_sync(w, sync_status, (struct sync_options){0});
	assert_string_equal(told(w, "f"), "missing");
}

static void push_is_refused_and_says_what_would_go(void **state)
{
	struct world *w = *state;

	recorded_directory(w);
	must_sync(w, sync_push, (struct sync_options){0});
	assert_int_equal(w->res.moved, 0);
	assert_int_equal(fakes3_matching(w->x.s3, "HEAD", "versionId="), 2);
	put(w->f, "f", "local");
	add(w->f, "f");
	assert_int_equal(do_sync(w, sync_push, (struct sync_options){0}),
			 ERR_UNSUPPORTED);
	assert_non_null(strstr(w->e.text, "version-aware"));
	assert_string_equal(told(w, "f"), "new");
	assert_int_equal(fakes3_matching(w->x.s3, "PUT", NULL), 0);
	assert_int_equal(fakes3_matching(w->x.s3, "POST", NULL), 0);
}

static void status_compares_with_the_versions(void **state)
{
	struct world *w = *state;

	recorded_directory(w);
	must_sync(w, sync_status, (struct sync_options){.deep = true});
	assert_string_equal(told(w, "d/a"), "deleted");
	assert_int_equal(w->res.report.items.nr, 2);
	must_sync(w, sync_fetch, (struct sync_options){0});
	must_sync(w, sync_status, (struct sync_options){.deep = true});
	assert_int_equal(w->res.report.items.nr, 0);
}

static void a_single_object_comes_by_its_version_on_demand(void **state)
{
	struct world *w = *state;
	struct sync_fetcher *f;
	struct collection c = {0};
	struct repo_request q = {0};
	struct targets t = {0};
	struct repo_want want[2] = {0};
	struct err e = {0};
	struct odb *odb;

	recorded_directory(w);
	must(repo_collect_targets(w->f->repo, &q, &c, &t, &e), &e);
	must(repo_odb(w->f->repo, &odb, &e), &e);
	want[0].out = want[1].out = &t.v[0].stage->outs[0];
	want[0].oid = want[0].out->at.files[0].oid;
	want[1].oid = (struct oid){.b = {1}, .algo = OID_MD5, .is_dir = true};
	f = sync_attach(w->f->repo, NULL);
	must(repo_fetch(w->f->repo, want, 2, &e), &e);
	assert_int_equal(odb_check(odb, &want[0].oid, NULL), 0);
	assert_int_equal(odb_check(odb, &want[1].oid, NULL), ERR_NOTFOUND);
	assert_int_equal(fakes3_matching(w->x.s3, "GET", NULL), 1);
	sync_detach(f);
	targets_release(&t);
	collection_release(&c);
}

static void what_cannot_be_is_said(void **state)
{
	struct world *w = *state;

	world_config(w, "    worktree = true\n    version_aware = false\n");
	assert_int_equal(do_sync(w, sync_status, (struct sync_options){0}), 0);
	recorded_directory(w);
	assert_int_equal(do_sync(w, sync_status, (struct sync_options){0}), ERR_CONFIG);
	config(w->f, "[core]\n    no_scm = True\n    remote = d\n"
		     "['remote \"d\"']\n    url = ../d\n    version_aware = true\n");
	assert_int_equal(do_sync(w, sync_status, (struct sync_options){0}),
			 ERR_UNSUPPORTED);
}

static void gc_and_fsck_are_refused(void **state)
{
	struct world *w = *state;
	struct sync_fsck_options o = {.remote = "up", .sample_percent = 100};
	struct sync_gc_result got = {0};
	struct gc_keep keep = {0};

	recorded_directory(w);
	assert_int_equal(sync_fsck(w->f->repo, &o, &w->res, &w->e), ERR_UNSUPPORTED);
	assert_int_equal(sync_gc(w->f->repo, "up", &keep, 0, false, 0, NULL, &got, &w->e),
			 ERR_UNSUPPORTED);
	assert_int_equal(fakes3_requests(w->x.s3), 0);
	report_release(&got.report);
}

#define T(name)	 cmocka_unit_test_setup_teardown(name, up, world_down)
#define TW(name) cmocka_unit_test_setup_teardown(name, up_worktree, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pull_brings_the_version_on_record),
		TW(pull_brings_the_version_on_record),
		T(a_path_inside_brings_only_that),
		T(other_bytes_get_no_name),
		T(a_file_with_its_version_beside_the_hash_is_fetched),
		T(what_was_never_pushed_there_is_missing_not_skipped),
		T(a_version_that_is_gone_is_missing),
		T(push_is_refused_and_says_what_would_go),
		TW(push_is_refused_and_says_what_would_go),
		T(status_compares_with_the_versions),
		T(a_single_object_comes_by_its_version_on_demand),
		T(what_cannot_be_is_said),
		T(gc_and_fsck_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
