#include "tests/unit/repo_fixture.h"

static void init_leaves_what_dvc_leaves(void **state)
{
	struct fixture *f = *state;
	struct repo_init_options o = {.dir = f->dir};
	struct report rep = {0};
	struct err e = {0};

	assert_true(there(f, ".dvc/config"));
	assert_string_equal(text_of(f, ".dvc/config"), "");
	assert_string_equal(text_of(f, ".dvc/.gitignore"),
			    "/config.local\n/tmp\n/cache\n");
	assert_int_equal(strlen(text_of(f, ".dvcignore")), 139);
	sh(f, "git diff --cached --name-only | tr '\\n' ' ' > home/o");
	assert_string_equal(text_of(f, "home/o"),
			    ".dvc/.gitignore .dvc/config .dvcignore ");
	assert_int_equal(repo_init(&o, &rep, &e), ERR_EXISTS);
	assert_string_equal(story(&e), "'.dvc' exists. Use `-f` to force.");
	report_release(&rep);
}

static void init_wants_the_top_of_a_git_tree(void **state)
{
	struct fixture *f = *state;
	char *sub = xasprintf("%s/sub", f->dir);
	struct repo_init_options o = {.dir = sub};
	struct report rep = {0};
	struct err e = {0};

	assert_int_equal(repo_init(&o, &rep, &e), ERR_INVALID);
	assert_non_null(strstr(story(&e), "is not tracked by any supported SCM tool"));
	o.subdir = true;
	must(repo_init(&o, &rep, &e), &e);
	assert_true(there(f, "sub/.dvc/config"));
	report_release(&rep);
	free(sub);
}

static void outside_a_repository_is_told_in_dvcs_words(void **state)
{
	struct fixture *f = *state;
	struct repo_options o = {.dir = "/"};
	struct repo *r = NULL;
	struct err e = {0};

	(void)f;
	assert_int_equal(repo_open(&r, &o, &e), ERR_NOREPO);
	assert_string_equal(story(&e),
			    "you are not inside of a DVC repository (checked up "
			    "to mount point '/')");
	assert_null(r);
}

static void paths_are_seen_from_where_one_stands(void **state)
{
	struct fixture *f = *state;
	char *sub = xasprintf("%s/a/b", f->dir), *text;
	struct repo_options o = {.dir = sub};
	struct repo *r = NULL;
	struct err e = {0};

	sh(f, "mkdir -p a/b");
	must(repo_open(&r, &o, &e), &e);
	assert_string_equal(repo_cwd(r), "a/b");
	must(repo_rel(r, "../c", &text, &e), &e);
	assert_string_equal(text, "a/c");
	free(text);
	text = repo_show(r, "a/c");
	assert_string_equal(text, "../c");
	free(text);
	must(repo_rel(r, "../..", &text, &e), &e);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(repo_rel(r, "../../..", &text, &e), ERR_INVALID);
	repo_free(r);
	free(sub);
}

/* ---- status -------------------------------------------------------------- */

static void status_tells_each_kind_of_change(void **state)
{
	struct fixture *f = *state;

	put(f, "d/a", "1");
	put(f, "f", "x");
	add(f, "d");
	add(f, "f");
	assert_string_equal(state_of(f, "d"), "");
	put(f, "d/b", "2");
	assert_string_equal(state_of(f, "d"), "modified");
	sh(f, "rm -r d");
	assert_string_equal(state_of(f, "d"), "deleted");
	sh(f, "rm -rf .dvc/cache/files/md5/9d");
	reopen(f);
	assert_string_equal(state_of(f, "f"), "not in cache");
}

static void a_pipeline_tells_what_changed(void **state)
{
	struct fixture *f = *state;
	struct status_options o = {0};
	struct status_result res = {0};
	struct err e = {0};
	const struct status_stage *st;

	put(f, "dvc.yaml",
	    "stages:\n  s:\n    cmd: echo 1\n    deps: [in]\n    params: [lr, gone, new]\n"
	    "    outs: [out]\n");
	put(f, "dvc.lock",
	    "schema: '2.0'\nstages:\n  s:\n    cmd: echo 2\n    deps:\n    - path: in\n"
	    "      hash: md5\n      md5: c4ca4238a0b923820dcc509a6f75849b\n      size: 1\n"
	    "    params:\n      params.yaml:\n        lr: 1\n        gone: 2\n    outs:\n"
	    "    - path: out\n      hash: md5\n"
	    "      md5: c81e728d9d4c2f636f067f89cc14862c\n      size: 1\n");
	put(f, "params.yaml", "lr: 0.5\nnew: 3\n");
	put(f, "in", "2");
	must(repo_status(f->repo, &o, &res, &e), &e);
	assert_int_equal(res.stages.nr, 1);
	st = &res.stages.v[0];
	assert_string_equal(st->name, "s");
	assert_true(st->changed_command);
	assert_int_equal(st->deps.nr, 2);
	assert_string_equal(st->deps.v[0].path, "in");
	assert_string_equal(st->deps.v[0].state, "modified");
	assert_string_equal(st->deps.v[1].path, "params.yaml");
	assert_int_equal(st->deps.v[1].keys_nr, 3);
	assert_int_equal(st->outs.nr, 1);
	assert_string_equal(st->outs.v[0].state, "not in cache");
	status_result_release(&res);
}

static void half_written_metadata_is_no_state(void **state)
{
	struct fixture *f = *state;
	struct status_options o = {0};
	struct status_result res = {0};
	struct lock l = {0};
	struct err e = {0};

	put(f, "a", "1");
	add(f, "a");
	put(f, "a.dvc", "");
	/* Somebody holds the lock: it cannot be told yet what is true. */
	must(lock_take(&l, f->fd, ".dvc/tmp/lock", false, 0, NULL, &e), &e);
	assert_int_equal(repo_status(f->repo, &o, &res, &e), ERR_LOCKED);
	lock_drop(&l);
	status_result_release(&res);
	/* Nobody does: then it is empty, and tracks nothing. */
	must(repo_status(f->repo, &o, &res, &e), &e);
	status_result_release(&res);
}

/* ---- commit, remove, move, unprotect ------------------------------------- */

static bool yes(void *ctx, const char *question)
{
	*(bool *)ctx =
		strcmp(question, "outputs ['a'] of stage: 'a.dvc' changed. Are you "
				 "sure you want to commit it?") == 0;
	return true;
}

static void commit_asks_before_it_takes_a_change(void **state)
{
	struct fixture *f = *state;
	bool asked = false;
	struct commit_options o = {0};
	struct report rep = {0};
	struct err e = {0};

	put(f, "a", "1");
	add(f, "a");
	put(f, "a", "2");
	assert_int_equal(repo_commit(f->repo, &o, &rep, &e), ERR_INVALID);
	assert_string_equal(story(&e), "unable to commit changed stage: 'a.dvc'. Use "
				       "`-f|--force` to force.");
	o.confirm = yes;
	o.confirm_ctx = &asked;
	must(repo_commit(f->repo, &o, &rep, &e), &e);
	assert_true(asked);
	assert_string_equal(state_of(f, "a"), "");
	assert_non_null(strstr(text_of(f, "a.dvc"), "c81e728d9d4c2f636f067f89cc14862c"));
	report_release(&rep);
}

static void commit_of_a_part_stores_all_that_it_names(void **state)
{
	struct fixture *f = *state;
	const char *target = "d/a";
	struct commit_options o = {.targets = &target, .targets_nr = 1, .force = true};
	struct report rep = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	put(f, "d/b", "2");
	add(f, "d");
	put(f, "d/a", "3");
	put(f, "d/b", "4");
	must(repo_commit(f->repo, &o, &rep, &e), &e);
	assert_string_equal(state_of(f, "d"), "");
	report_release(&rep);
}

static void commit_writes_the_lock_of_a_pipeline(void **state)
{
	struct fixture *f = *state;
	struct commit_options o = {.force = true};
	struct report rep = {0};
	struct err e = {0};

	put(f, "dvc.yaml",
	    "stages:\n  s:\n    cmd: cp in out\n    deps: [in]\n"
	    "    params: [lr]\n    outs: [out]\n");
	put(f, "params.yaml", "lr: 0.5\n");
	put(f, "in", "1");
	put(f, "out", "1");
	must(repo_commit(f->repo, &o, &rep, &e), &e);
	assert_string_equal(
		text_of(f, "dvc.lock"),
		"schema: '2.0'\nstages:\n  s:\n    cmd: cp in out\n    deps:\n"
		"    - path: in\n      hash: md5\n      md5: "
		"c4ca4238a0b923820dcc509a6f75849b\n      size: 1\n    params:\n"
		"      params.yaml:\n        lr: 0.5\n    outs:\n    - path: out\n"
		"      hash: md5\n      md5: c4ca4238a0b923820dcc509a6f75849b\n"
		"      size: 1\n");
	assert_string_equal(state_of(f, "out"), "");
	report_release(&rep);
}

static void remove_keeps_the_data_and_frees_it(void **state)
{
	struct fixture *f = *state;
	const char *target = "a b.dvc";
	struct remove_options o = {.targets = &target, .targets_nr = 1};
	struct report rep = {0};
	struct err e = {0};
	struct stat st;

	config(f, "[cache]\n    type = hardlink\n");
	put(f, "a b", "1");
	put(f, "#x", "1");
	add(f, "a b");
	add(f, "#x");
	must(repo_remove(f->repo, &o, &rep, &e), &e);
	assert_false(there(f, "a b.dvc"));
	assert_int_equal(fstatat(f->fd, "a b", &st, 0), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_true(st.st_mode & 0200);
	assert_string_equal(text_of(f, ".gitignore"), "/\\#x\n");
	target = "#x.dvc";
	o.outs = true;
	must(repo_remove(f->repo, &o, &rep, &e), &e);
	assert_false(there(f, "#x"));
	/* The escaped line goes as well. */
	assert_false(there(f, ".gitignore"));
	target = "a b";
	assert_true(repo_remove(f->repo, &o, &rep, &e) < 0);
	report_release(&rep);
}

static void move_takes_everything_along(void **state)
{
	struct fixture *f = *state;
	struct move_options o = {.src = "d", .dst = "sub/e"};
	struct report rep = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	add(f, "d");
	sh(f, "mkdir sub && printf 'desc: kept\\n' >> d.dvc");
	must(repo_move(f->repo, &o, &rep, &e), &e);
	assert_string_equal(text_of(f, "sub/e/a"), "1");
	assert_false(there(f, "d"));
	assert_false(there(f, "d.dvc"));
	assert_non_null(strstr(text_of(f, "sub/e.dvc"), "path: e\n"));
	assert_non_null(strstr(text_of(f, "sub/e.dvc"), "desc: kept\n"));
	assert_string_equal(text_of(f, "sub/.gitignore"), "/e\n");
	assert_false(there(f, ".gitignore"));
	assert_string_equal(state_of(f, "sub/e"), "");
	/* What lies at the destination is not overwritten. */
	put(f, "other", "mine");
	o.src = "sub/e";
	o.dst = "other";
	assert_int_equal(repo_move(f->repo, &o, &rep, &e), ERR_EXISTS);
	assert_string_equal(text_of(f, "other"), "mine");
	report_release(&rep);
}

/* ---- diff ---------------------------------------------------------------- */

static void diff_tells_added_modified_renamed_and_deleted(void **state)
{
	struct fixture *f = *state;
	struct diff_options o = {0};
	struct diff_result res = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	put(f, "d/gone", "2");
	put(f, "f", "old");
	put(f, "g", "same");
	add(f, "d");
	add(f, "f");
	add(f, "g");
	sh(f, "git add -A && git commit -qm 1");
	put(f, "d/new", "3");
	put(f, "f", "new");
	sh(f, "rm d/gone && mv g h && rm g.dvc");
	add(f, "d");
	add(f, "f");
	add(f, "h");
	must(repo_diff(f->repo, &o, &res, &e), &e);
	assert_int_equal(res.added.nr, 1);
	assert_string_equal(res.added.v[0].path, "d/new");
	assert_int_equal(res.deleted.nr, 1);
	assert_string_equal(res.deleted.v[0].path, "d/gone");
	assert_int_equal(res.renamed.nr, 1);
	assert_string_equal(res.renamed.v[0].old_path, "g");
	assert_string_equal(res.renamed.v[0].path, "h");
	assert_int_equal(res.modified.nr, 2);
	assert_string_equal(res.modified.v[0].path, "d/");
	assert_int_equal(res.files_modified, 1);
	assert_true(res.has_not_in_cache);
	assert_int_equal(res.not_in_cache.nr, 0);
	diff_result_release(&res);
	sh(f, "git add -A && git commit -qm 2");
	o.a_rev = "HEAD~1";
	o.b_rev = "HEAD";
	must(repo_diff(f->repo, &o, &res, &e), &e);
	assert_int_equal(res.modified.nr, 2);
	assert_false(res.has_not_in_cache);
	diff_result_release(&res);
	o.a_rev = "nope";
	assert_int_equal(repo_diff(f->repo, &o, &res, &e), ERR_INVALID);
	assert_string_equal(story(&e), "unknown Git revision 'nope'");
	diff_result_release(&res);
}

static void data_status_splits_committed_from_not(void **state)
{
	struct fixture *f = *state;
	struct data_status_options o = {
		.granular = true, .unchanged = true, .untracked = true};
	struct data_status_result res = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	put(f, "d/b", "2");
	put(f, "g", "3");
	add(f, "d");
	add(f, "g");
	sh(f, "git add -A && git commit -qm 1");
	sh(f, "mv g g2 && rm g.dvc");
	add(f, "g2");
	put(f, "d/c", "4");
	must(repo_data_status(f->repo, &o, &res, &e), &e);
	assert_int_equal(res.committed.renamed.nr, 1);
	assert_string_equal(res.committed.renamed.v[0].old_path, "g");
	assert_int_equal(res.uncommitted.added.nr, 1);
	assert_string_equal(res.uncommitted.added.v[0].path, "d/c");
	assert_int_equal(res.uncommitted.modified.nr, 1);
	assert_string_equal(res.uncommitted.modified.v[0].path, "d/");
	assert_int_equal(res.unchanged.nr, 2);
	assert_string_equal(res.unchanged.v[0], "d/a");
	assert_int_equal(res.untracked.nr, 1);
	assert_string_equal(res.untracked.v[0], "g2.dvc");
	assert_true(res.git_dirty);
	data_status_result_release(&res);
}

/* ---- gc and fsck --------------------------------------------------------- */

static int gc(struct fixture *f, struct gc_options *o, struct gc_result *res,
	      struct err *e)
{
	o->scope.workspace = true;
	o->grace_s = -1;
	return repo_gc(f->repo, o, res, e);
}

static void gc_takes_only_what_nothing_names(void **state)
{
	struct fixture *f = *state;
	struct gc_options o = {.dry_run = true};
	struct gc_result res = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	add(f, "d");
	put(f, "d/a", "2");
	add(f, "d");
	sh(f, "printf x > .dvc/cache/files/md5/c4/README && mkdir .dvc/cache/xx && "
	      "printf y > .dvc/cache/xx/mine");
	reopen(f);
	must(gc(f, &o, &res, &e), &e);
	assert_int_equal(report_count_of(&res.report, "repo"), 2);
	assert_true(there(f, ".dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b"));
	gc_result_release(&res);
	o.dry_run = false;
	must(gc(f, &o, &res, &e), &e);
	assert_int_equal(report_count_of(&res.report, "repo"), 2);
	gc_result_release(&res);
	assert_false(there(f, ".dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b"));
	assert_true(there(f, ".dvc/cache/files/md5/c4/README"));
	assert_true(there(f, ".dvc/cache/xx/mine"));
	assert_string_equal(state_of(f, "d"), "");
}

static void gc_refuses_what_it_does_not_understand(void **state)
{
	struct fixture *f = *state;
	struct gc_options o = {0};
	struct gc_result res = {0};
	struct err e = {0};

	put(f, "a", "1");
	add(f, "a");
	put(f, "a.dvc", "");
	assert_true(gc(f, &o, &res, &e) < 0);
	gc_result_release(&res);
	put(f, "a.dvc", "outs: [\n");
	assert_true(gc(f, &o, &res, &e) < 0);
	gc_result_release(&res);
	assert_true(there(f, ".dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b"));
}

static void gc_keeps_what_a_lock_names(void **state)
{
	struct fixture *f = *state;
	struct gc_options o = {0};
	struct gc_result res = {0};
	struct err e = {0};

	put(f, "a", "1");
	add(f, "a");
	sh(f, "rm a.dvc");
	/* The stage is gone from dvc.yaml; its digest stays in the lock. */
	put(f, "dvc.yaml", "stages: {}\n");
	put(f, "dvc.lock",
	    "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - path: a\n"
	    "      hash: md5\n      md5: c4ca4238a0b923820dcc509a6f75849b\n");
	must(gc(f, &o, &res, &e), &e);
	assert_true(there(f, ".dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b"));
	gc_result_release(&res);
}

static void gc_keeps_what_a_revision_names(void **state)
{
	struct fixture *f = *state;
	struct gc_options o = {.grace_s = -1, .scope.all_commits = true};
	struct gc_result res = {0};
	struct err e = {0};

	put(f, "a", "1");
	add(f, "a");
	sh(f, "git add -A && git commit -qm 1");
	put(f, "a", "2");
	add(f, "a");
	must(repo_gc(f->repo, &o, &res, &e), &e);
	assert_int_equal(report_count_of(&res.report, "repo"), 0);
	gc_result_release(&res);
	must(gc(f, &(struct gc_options){0}, &res, &e), &e);
	assert_int_equal(report_count_of(&res.report, "repo"), 1);
	gc_result_release(&res);
}

static void fsck_tells_and_repairs(void **state)
{
	struct fixture *f = *state;
	struct fsck_options o = {0};
	struct fsck_result res = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	put(f, "d/b", "2");
	put(f, "f", "x");
	add(f, "d");
	add(f, "f");
	sh(f, "o=.dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b; chmod u+w $o && "
	      "printf bad > $o && chmod 444 $o; rm -f .dvc/cache/files/md5/c8/*; "
	      "rm -f .dvc/cache/files/md5/*/*.dir");
	reopen(f);
	assert_int_equal(repo_fsck(f->repo, &o, &res, &e), ERR_CORRUPT);
	assert_int_equal(res.repaired, 0);
	assert_true(res.wrong >= 2);
	fsck_result_release(&res);
	o.repair = true;
	must(repo_fsck(f->repo, &o, &res, &e), &e);
	assert_int_equal(res.repaired, res.wrong);
	fsck_result_release(&res);
	assert_string_equal(text_of(f, "d/a"), "1");
	reopen(f);
	fsck_is_clean(f);
	assert_string_equal(state_of(f, "d"), "");
	/* The wrong bytes were kept. */
	sh(f, "grep -rq bad .dvc/cache/lode/lost+found");
}

static void an_edit_through_a_link_is_kept_and_the_object_restored(void **state)
{
	struct fixture *f = *state;
	struct fsck_options o = {.repair = true};
	struct fsck_result res = {0};
	struct err e = {0};

	config(f, "[core]\n    no_scm = true\n[cache]\n    type = hardlink\n");
	put(f, "a", "original");
	put(f, "copy", "original");
	add(f, "a");
	put(f, "b/x", "original");
	add(f, "b");
	sh(f, "rm b/x && printf original > b/x && chmod u+w a && printf edited > a");
	reopen(f);
	must(repo_fsck(f->repo, &o, &res, &e), &e);
	fsck_result_release(&res);
	assert_string_equal(text_of(f, "a"), "edited");
	assert_string_equal(
		text_of(f, ".dvc/cache/files/md5/91/9c8b643b7133116b02fc0d9bb7df3f"),
		"original");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define G(name) cmocka_unit_test_setup_teardown(name, setup_git, teardown)
	const struct CMUnitTest tests[] = {
		G(init_leaves_what_dvc_leaves),
		G(init_wants_the_top_of_a_git_tree),
		T(outside_a_repository_is_told_in_dvcs_words),
		T(paths_are_seen_from_where_one_stands),
		T(status_tells_each_kind_of_change),
		T(a_pipeline_tells_what_changed),
		T(half_written_metadata_is_no_state),
		T(commit_asks_before_it_takes_a_change),
		T(commit_of_a_part_stores_all_that_it_names),
		T(commit_writes_the_lock_of_a_pipeline),
		G(remove_keeps_the_data_and_frees_it),
		G(move_takes_everything_along),
		G(diff_tells_added_modified_renamed_and_deleted),
		G(data_status_splits_committed_from_not),
		T(gc_takes_only_what_nothing_names),
		T(gc_refuses_what_it_does_not_understand),
		T(gc_keeps_what_a_lock_names),
		G(gc_keeps_what_a_revision_names),
		T(fsck_tells_and_repairs),
		T(an_edit_through_a_link_is_kept_and_the_object_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
