/* fsck of a remote: what is found, what is done, and in which order. */
#include "tests/unit/sync_fixture.h"

#include "remote/sync/progress.h"

static char dir_oid[40];

static int check(struct world *w, bool repair, unsigned percent)
{
	struct sync_fsck_options o = {
		.remote = "up", .sample_percent = percent, .repair = repair};

	sync_result_release(&w->res);
	w->e = (struct err){0};
	return sync_fsck(w->f->repo, &o, &w->res, &w->e);
}

static void must_check(struct world *w, bool repair)
{
	if (check(w, repair, 100) < 0)
		fail_msg("%s", story(&w->e));
}

/* d with "one" and "two", pushed. */
static void pushed(struct world *w)
{
	put(w->f, "d/a", "one");
	put(w->f, "d/b", "two");
	add(w->f, "d");
	snprintf(dir_oid, sizeof(dir_oid), "%s", recorded(w->f, "d.dvc"));
	must_sync(w, sync_push, (struct sync_options){0});
	fakes3_clear(w->x.s3);
}

static const char *quarantined(const char *key)
{
	static char q[160];
	const char *rest = key + strlen("pre/fix/");

	snprintf(q, sizeof(q), "pre/fix/lode/quarantine/%s", rest);
	return q;
}

static bool remote_is(struct world *w, const char *key, const char *text)
{
	size_t n = 0;
	char *p = fakes3_get(w->x.s3, key, &n);
	bool is = p && n == strlen(text) && memcmp(p, text, n) == 0;

	free(p);
	return is;
}

static void lose_local(struct world *w, const char *text)
{
	char hex[33];
	uint8_t md5[16];

	hash_md5(text, strlen(text), md5);
	hex_encode(md5, 16, hex);
	sh(w->f, "rm -f .dvc/cache/files/md5/%.2s/%s", hex, hex + 2);
	reopen(w->f);
}

static void a_good_remote_is_well(void **state)
{
	struct world *w = *state;

	pushed(w);
	must_check(w, false);
	assert_int_equal(report_count_of(&w->res.report, "objects"), 3);
	assert_int_equal(report_count_of(&w->res.report, "wrong"), 0);
	assert_true(w->res.report.bytes > 6);
	sh(w->f, "! ls .dvc/tmp/lode/remotes/*.fsck 2>/dev/null");
}

static void wrong_bytes_are_found_kept_and_replaced(void **state)
{
	struct world *w = *state;
	char wrong[200], hex[33];
	uint8_t md5[16];

	pushed(w);
	fakes3_put(w->x.s3, key_of_text("two"), "twX", 3);
	assert_int_equal(check(w, false, 100), ERR_CORRUPT);
	assert_int_equal(told_nr(w, "corrupt"), 1);
	assert_true(remote_is(w, key_of_text("two"), "twX"));
	must_check(w, true);
	assert_int_equal(told_nr(w, "restored"), 1);
	assert_int_equal(told_nr(w, "kept"), 1);
	assert_true(remote_is(w, key_of_text("two"), "two"));
	/* The manifest never left its name, since the member did not. */
	assert_int_equal(told_nr(w, "quarantined"), 0);
	hash_md5("twX", 3, md5);
	snprintf(wrong, sizeof(wrong), "%s.%s", quarantined(key_of_text("two")),
		 hex_encode(md5, 16, hex));
	assert_true(remote_is(w, wrong, "twX"));
	assert_int_equal(report_count_of(&w->res.report, "quarantined"), 1);
	must_check(w, false);
}

static void names_and_sizes_cost_no_reading(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_put(w->x.s3, key_of_text("two"), "twX", 3);
	fakes3_clear(w->x.s3);
	assert_int_equal(check(w, false, 0), 0);
	assert_int_equal(fakes3_matching(w->x.s3, "GET", "/files/md5/"), 0);
	fakes3_put(w->x.s3, key_of_text("two"), "twoo", 4);
	assert_int_equal(check(w, false, 0), ERR_CORRUPT);
	assert_string_equal(told(w, "d/b"), "corrupt");
}

static void a_gap_is_filled_from_the_cache(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_remove(w->x.s3, key_of_text("one"));
	fakes3_remove(w->x.s3, key_of_oid(dir_oid));
	assert_int_equal(check(w, false, 100), ERR_CORRUPT);
	assert_string_equal(told(w, "d/a"), "missing");
	must_check(w, true);
	assert_true(remote_is(w, key_of_text("one"), "one"));
	assert_true(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
}

static void a_manifest_does_not_go_up_before_it_is_whole(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_remove(w->x.s3, key_of_text("one"));
	fakes3_remove(w->x.s3, key_of_oid(dir_oid));
	lose_local(w, "one");
	assert_int_equal(check(w, true, 100), ERR_CORRUPT);
	assert_false(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
	assert_string_equal(told(w, "d"), "withheld");
}

static void what_cannot_be_replaced_leaves_its_name_after_the_manifest(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_put(w->x.s3, key_of_text("two"), "twX", 3);
	lose_local(w, "two");
	/* The member's removal fails: by then the manifest is away already. */
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "POST",
						  .has = "delete",
						  .skip = 1,
						  .what = FAKES3_STATUS,
						  .status = 403,
						  .code = "AccessDenied"});
	assert_true(check(w, true, 100) < 0);
	assert_false(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
	assert_true(remote_is(w, key_of_text("two"), "twX"));
	assert_true(fakes3_has(w->x.s3, quarantined(key_of_oid(dir_oid))));
	fakes3_clear(w->x.s3);

	/* The next run goes on: the member leaves too, and is told as lost. */
	assert_int_equal(check(w, true, 100), ERR_CORRUPT);
	assert_false(fakes3_has(w->x.s3, key_of_text("two")));
	assert_true(fakes3_has(w->x.s3, key_of_text("one")));

	/* Somebody has it: push brings it, and the manifest with it. */
	put(w->f, "d/b", "two");
	add(w->f, "d");
	must_sync(w, sync_push, (struct sync_options){0});
	assert_true(remote_is(w, key_of_text("two"), "two"));
	assert_true(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
	must_check(w, true);
	assert_false(fakes3_has(w->x.s3, quarantined(key_of_oid(dir_oid))));
}

static void a_manifest_that_cannot_leave_holds_its_members(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_put(w->x.s3, key_of_text("two"), "twX", 3);
	lose_local(w, "two");
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "PUT",
						  .has = "quarantine/files/md5",
						  .skip = 1,
						  .what = FAKES3_STATUS,
						  .status = 400,
						  .code = "InvalidRequest"});
	assert_true(check(w, true, 100) < 0);
	assert_true(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
	assert_true(remote_is(w, key_of_text("two"), "twX"));
	assert_int_equal(fakes3_matching(w->x.s3, "POST", "delete"), 0);
}

static void bytes_that_were_not_kept_are_not_replaced(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_put(w->x.s3, key_of_text("two"), "twX", 3);
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "PUT",
						  .has = "quarantine",
						  .what = FAKES3_STATUS,
						  .status = 400,
						  .code = "InvalidRequest"});
	assert_true(check(w, true, 100) < 0);
	assert_true(remote_is(w, key_of_text("two"), "twX"));
}

static void a_manifest_of_somebody_else_comes_back_with_its_member(void **state)
{
	struct world *w = *state;

	pushed(w);
	/* Nobody here names d any more: only the remote's manifest does. */
	sh(w->f, "rm -r d d.dvc");
	put(w->f, "x", "two");
	add(w->f, "x");
	fakes3_put(w->x.s3, key_of_text("two"), "twX", 3);
	lose_local(w, "two");
	assert_int_equal(check(w, true, 100), ERR_CORRUPT);
	assert_false(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
	assert_false(fakes3_has(w->x.s3, key_of_text("two")));
	sh(w->f, "rm -rf x.dvc");
	put(w->f, "x", "two");
	add(w->f, "x");
	must_check(w, true);
	assert_int_equal(told_nr(w, "reinstated"), 1);
	assert_true(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
	assert_false(fakes3_has(w->x.s3, quarantined(key_of_oid(dir_oid))));
}

static void a_wrong_local_object_comes_from_the_remote(void **state)
{
	struct world *w = *state;
	uint8_t md5[16];
	char hex[33];

	pushed(w);
	hash_md5("two", 3, md5);
	hex_encode(md5, 16, hex);
	sh(w->f, "f=.dvc/cache/files/md5/%.2s/%s; rm -f $f; printf bad >$f; chmod a-w $f",
	   hex, hex + 2);
	reopen(w->f);
	assert_int_equal(check(w, false, 100), ERR_CORRUPT);
	assert_string_equal(told(w, "d/b"), "corrupt here");
	must_check(w, true);
	assert_string_equal(told(w, "d/b"), "fetched");
	sh(w->f, "test \"$(cat .dvc/cache/files/md5/%.2s/%s)\" = two", hex, hex + 2);
	must_check(w, false);
}

static void a_check_that_stopped_goes_on_where_it_was(void **state)
{
	struct world *w = *state;
	unsigned all, rest;

	for (int i = 0; i < 60; i++) {
		char path[32], text[32];

		snprintf(path, sizeof(path), "d/f%d", i);
		snprintf(text, sizeof(text), "file %d", i);
		put(w->f, path, text);
	}
	add(w->f, "d");
	must_sync(w, sync_push, (struct sync_options){0});
	fakes3_clear(w->x.s3);
	/* Refused in the midst of it: the run ends, as a kill would end it. */
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "GET",
						  .has = "/files/md5/",
						  .skip = 40,
						  .what = FAKES3_STATUS,
						  .status = 403,
						  .code = "AccessDenied"});
	assert_true(check(w, false, 100) < 0);
	sh(w->f, "ls .dvc/tmp/lode/remotes/*.fsck >/dev/null");
	all = fakes3_matching(w->x.s3, "GET", "/files/md5/");
	fakes3_clear(w->x.s3);
	must_check(w, false);
	rest = fakes3_matching(w->x.s3, "GET", "/files/md5/");
	assert_true(all >= 40);
	assert_true(rest <= 61 - 32);
	sh(w->f, "! ls .dvc/tmp/lode/remotes/*.fsck 2>/dev/null");
	fakes3_clear(w->x.s3);
	must_check(w, false);
	assert_int_equal(fakes3_matching(w->x.s3, "GET", "/files/md5/"), 61);
}

static void a_repair_need_not_read_again_but_a_check_does(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_put(w->x.s3, key_of_text("two"), "twX", 3);
	assert_int_equal(check(w, false, 100), ERR_CORRUPT);
	fakes3_clear(w->x.s3);
	assert_int_equal(check(w, false, 100), ERR_CORRUPT);
	assert_true(fakes3_matching(w->x.s3, "GET", "/files/md5/") >= 3);
	fakes3_clear(w->x.s3);
	must_check(w, true);
	/* Only the wrong one, to keep it. */
	assert_int_equal(fakes3_matching(w->x.s3, "GET", "/files/md5/"), 1);
}

static void a_wrong_manifest_is_put_right_or_leaves(void **state)
{
	struct world *w = *state;

	pushed(w);
	fakes3_put(w->x.s3, key_of_oid(dir_oid), "[]", 2);
	assert_int_equal(check(w, false, 100), ERR_CORRUPT);
	must_check(w, true);
	assert_false(remote_is(w, key_of_oid(dir_oid), "[]"));
	must_check(w, false);
	/* Nobody has it: it leaves its name, its members stay. */
	sh(w->f, "rm -rf d d.dvc");
	forget(w);
	fakes3_put(w->x.s3, key_of_oid(dir_oid), "[]", 2);
	assert_int_equal(check(w, true, 100), ERR_CORRUPT);
	assert_false(fakes3_has(w->x.s3, key_of_oid(dir_oid)));
	assert_true(remote_is(w, key_of_text("one"), "one"));
	assert_true(remote_is(w, key_of_text("two"), "two"));
	must_check(w, true);
}

static void many_lost_members_leave_after_all_their_manifests(void **state)
{
	struct world *w = *state;
	char text[32], path[32];

	for (int d = 0; d < 3; d++)
		for (int i = 0; i < 120; i++) {
			snprintf(path, sizeof(path), "d%d/f%d", d, i);
			snprintf(text, sizeof(text), "file %d", i + 40 * d);
			put(w->f, path, text);
		}
	for (int d = 0; d < 3; d++) {
		snprintf(path, sizeof(path), "d%d", d);
		add(w->f, path);
	}
	must_sync(w, sync_push, (struct sync_options){0});
	sh(w->f, "rm -rf d0 d1 d2 d0.dvc d1.dvc d2.dvc");
	forget(w);
	/* 100..119 are in all three directories; 200 is only in the last. */
	for (int i = 80; i < 120; i++) {
		snprintf(text, sizeof(text), "file %d", i);
		fakes3_put(w->x.s3, key_of_text(text), "wrong!!", 7);
	}
	assert_int_equal(check(w, true, 100), ERR_CORRUPT);
	assert_int_equal(told_nr(w, "kept"), 40);
	assert_int_equal(told_nr(w, "quarantined"), 40 + 3);
	assert_int_equal(report_count_of(&w->res.report, "quarantined"), 40 + 3);
	must_check(w, false);
	/* All bytes come back, from wherever, and so do the manifests. */
	for (int i = 80; i < 120; i++) {
		snprintf(text, sizeof(text), "file %d", i);
		fakes3_put(w->x.s3, key_of_text(text), text, strlen(text));
	}
	must_check(w, true);
	assert_int_equal(told_nr(w, "reinstated"), 3);
}

/* Of a 2.x file the name is the MD5 of its text with other line ends. */
static void legacy_objects_are_read_by_their_own_rule(void **state)
{
	struct world *w = *state;
	char hex[33], dvc[160], key[96], q[200];
	uint8_t md5[16];

	hash_dos2unix("a\r\nb\r\n", 6, md5);
	hex_encode(md5, 16, hex);
	snprintf(dvc, sizeof(dvc), "outs:\n- md5: %s\n  path: t\n", hex);
	put(w->f, "t.dvc", dvc);
	sh(w->f,
	   "mkdir -p .dvc/cache/%.2s && printf 'a\\r\\nb\\r\\n' >.dvc/cache/%.2s/%s && "
	   "chmod a-w .dvc/cache/%.2s/%s",
	   hex, hex, hex + 2, hex, hex + 2);
	reopen(w->f);
	must_sync(w, sync_push, (struct sync_options){0});
	snprintf(key, sizeof(key), "pre/fix/%.2s/%s", hex, hex + 2);
	assert_true(remote_is(w, key, "a\r\nb\r\n"));
	must_check(w, false);
	fakes3_put(w->x.s3, key, "a\r\nc\r\n", 6);
	assert_int_equal(check(w, false, 100), ERR_CORRUPT);
	must_check(w, true);
	assert_true(remote_is(w, key, "a\r\nb\r\n"));
	hash_md5("a\r\nc\r\n", 6, md5);
	snprintf(q, sizeof(q), "%s.%s", quarantined(key), hex_encode(md5, 16, hex));
	assert_true(fakes3_has(w->x.s3, q));
}

static void progress_forgets_what_changed_and_what_is_damaged(void **state)
{
	struct world *w = *state;
	struct listed l = {
		.oid = {.b = {1, 2, 3}, .algo = OID_MD5}, .bytes = 7, .modified_ns = 99};
	struct progress p;

	progress_open(&p, w->f->dir, "s3://x", false);
	assert_int_equal(progress_of(&p, &l), PROGRESS_NONE);
	progress_note(&p, &l, PROGRESS_GOOD);
	l.oid.b[0] = 9;
	progress_note(&p, &l, PROGRESS_WRONG);
	progress_release(&p);

	progress_open(&p, w->f->dir, "s3://x", false);
	assert_int_equal(p.resumed, 2);
	assert_int_equal(progress_of(&p, &l), PROGRESS_WRONG);
	l.bytes = 8;
	assert_int_equal(progress_of(&p, &l), PROGRESS_NONE);
	l.bytes = 7;
	l.modified_ns = 98;
	assert_int_equal(progress_of(&p, &l), PROGRESS_NONE);
	progress_release(&p);

	/* A record cut short, as by a kill, and one that is damaged. */
	sh(w->f, "cd remotes && truncate -s -5 *.fsck");
	progress_open(&p, w->f->dir, "s3://x", false);
	assert_int_equal(p.resumed, 1);
	l.modified_ns = 99;
	progress_note(&p, &l, PROGRESS_GOOD);
	progress_release(&p);
	progress_open(&p, w->f->dir, "s3://x", false);
	assert_int_equal(p.resumed, 2);
	assert_int_equal(progress_of(&p, &l), PROGRESS_GOOD);
	progress_release(&p);
	sh(w->f, "cd remotes && printf x | dd of=$(echo *.fsck) bs=1 seek=20 "
		 "conv=notrunc 2>/dev/null");
	progress_open(&p, w->f->dir, "s3://x", false);
	assert_int_equal(p.resumed, 0);
	progress_ended(&p);
	progress_release(&p);
	progress_open(&p, w->f->dir, "s3://x", false);
	progress_note(&p, &l, PROGRESS_GOOD);
	progress_ended(&p);
	progress_release(&p);
	progress_open(&p, w->f->dir, "s3://x", true);
	assert_int_equal(p.resumed, 1);
	progress_release(&p);
	progress_open(&p, w->f->dir, "s3://x", false);
	assert_int_equal(p.resumed, 0);
	progress_done(&p);
	progress_release(&p);
	sh(w->f, "! ls remotes/*.fsck 2>/dev/null");
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_good_remote_is_well),
		T(wrong_bytes_are_found_kept_and_replaced),
		T(names_and_sizes_cost_no_reading),
		T(a_gap_is_filled_from_the_cache),
		T(a_manifest_does_not_go_up_before_it_is_whole),
		T(what_cannot_be_replaced_leaves_its_name_after_the_manifest),
		T(a_manifest_that_cannot_leave_holds_its_members),
		T(bytes_that_were_not_kept_are_not_replaced),
		T(a_manifest_of_somebody_else_comes_back_with_its_member),
		T(a_wrong_local_object_comes_from_the_remote),
		T(a_check_that_stopped_goes_on_where_it_was),
		T(a_repair_need_not_read_again_but_a_check_does),
		T(a_wrong_manifest_is_put_right_or_leaves),
		T(many_lost_members_leave_after_all_their_manifests),
		T(legacy_objects_are_read_by_their_own_rule),
		T(progress_forgets_what_changed_and_what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
