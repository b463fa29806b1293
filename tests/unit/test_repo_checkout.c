#include "tests/unit/repo_fixture.h"

/* A tracked directory of two files, and a file, as committed to the cache. */
static void populate(struct fixture *f)
{
	put(f, "d/a", "one");
	put(f, "d/s/b", "two");
	put(f, "f", "file");
	add(f, "d");
	add(f, "f");
}

static void restored(struct fixture *f)
{
	assert_string_equal(text_of(f, "d/a"), "one");
	assert_string_equal(text_of(f, "d/s/b"), "two");
	assert_string_equal(text_of(f, "f"), "file");
	assert_string_equal(state_of(f, "d"), "");
}

static void a_fresh_checkout_restores_everything(void **state)
{
	static const char *const kinds[] = {"reflink,copy", "hardlink", "symlink",
					    "copy"};
	struct fixture *f = *state;

	populate(f);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct checkout_result res = {0};
		struct err e = {0};
		char *text = xasprintf(
			"[core]\n    no_scm = true\n[cache]\n    type = %s\n", kinds[i]);

		config(f, text);
		free(text);
		sh(f, "rm -rf d f");
		must(checkout(f, false, &res, &e), &e);
		restored(f);
		assert_int_equal(report_count_of(&res.report, "added"), 3);
		assert_int_equal(res.report.items.nr, 2);
		assert_string_equal(res.report.items.v[0].path, "d/");
		assert_string_equal(res.report.items.v[0].state, "added");
		checkout_result_release(&res);
		must(checkout(f, false, &res, &e), &e);
		for (size_t k = 0; k < res.report.items.nr; k++)
			fail_msg("%s: %s %s", kinds[i], res.report.items.v[k].state,
				 res.report.items.v[k].path);
		checkout_result_release(&res);
	}
	fsck_is_clean(f);
}

static void unsaved_work_is_never_overwritten(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	put(f, "d/a", "edited");
	put(f, "d/new", "mine");
	sh(f, "rm f");
	assert_int_equal(checkout(f, false, &res, &e), ERR_CONFLICT);
	assert_int_equal(res.unsaved.nr, 2);
	assert_string_equal(res.unsaved.v[0], "d/a");
	assert_string_equal(res.unsaved.v[1], "d/new");
	assert_string_equal(text_of(f, "d/a"), "edited");
	assert_string_equal(text_of(f, "d/new"), "mine");
	assert_false(there(f, "f"));
	checkout_result_release(&res);
	must(checkout(f, true, &res, &e), &e);
	restored(f);
	assert_false(there(f, "d/new"));
	assert_int_equal(res.report.warnings.nr, 2);
	checkout_result_release(&res);
}

static void a_saved_version_is_replaced_without_asking(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "cp d.dvc old.txt");
	put(f, "d/a", "newer");
	sh(f, "rm d/s/b");
	add(f, "d");
	sh(f, "cp old.txt d.dvc");
	must(checkout(f, false, &res, &e), &e);
	restored(f);
	assert_int_equal(report_count_of(&res.report, "modified"), 1);
	assert_int_equal(report_count_of(&res.report, "added"), 1);
	checkout_result_release(&res);
}

static void a_missing_sibling_costs_no_good_file(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -f .dvc/cache/files/md5/b8/a9f715dbb64fd5c56e7783c6820a61 d/s/b f");
	reopen(f);
	assert_int_equal(checkout(f, false, &res, &e), ERR_MISSING);
	assert_string_equal(text_of(f, "d/a"), "one");
	assert_string_equal(text_of(f, "f"), "file");
	assert_int_equal(res.failed.nr, 1);
	assert_string_equal(res.failed.v[0], "d");
	checkout_result_release(&res);
	/* Force deletes nothing for an object that is nowhere, either. */
	put(f, "d/s/b", "edited");
	assert_int_equal(checkout(f, true, &res, &e), ERR_MISSING);
	assert_string_equal(text_of(f, "d/s/b"), "edited");
	checkout_result_release(&res);
}

static void a_corrupt_object_is_never_handed_out(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -f f; o=.dvc/cache/files/md5/8c/7dd922ad47494fc02c388e12c00eac; "
	      "chmod u+w $o && printf FILE > $o && chmod 444 $o");
	reopen(f);
	assert_true(checkout(f, false, &res, &e) < 0);
	assert_false(there(f, "f"));
	checkout_result_release(&res);
}

static void an_output_without_a_hash_is_kept(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	put(f, "x", "mine");
	put(f, "x.dvc", "outs:\n- path: x\n  hash: md5\n");
	assert_int_equal(checkout(f, true, &res, &e), ERR_MISSING);
	assert_string_equal(text_of(f, "x"), "mine");
	assert_int_equal(res.report.warnings.nr, 1);
	checkout_result_release(&res);
}

static void what_is_tracked_no_more_goes_if_it_was_placed(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -rf d f");
	must(checkout(f, false, &res, &e), &e);
	checkout_result_release(&res);
	put(f, "d/mine", "not tracked");
	sh(f, "rm d.dvc f.dvc");
	must(checkout(f, false, &res, &e), &e);
	assert_false(there(f, "f"));
	assert_false(there(f, "d/a"));
	assert_false(there(f, "d/s"));
	assert_string_equal(text_of(f, "d/mine"), "not tracked");
	assert_int_equal(report_count_of(&res.report, "deleted"), 3);
	checkout_result_release(&res);
}

static void what_git_tracks_by_now_is_gits(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -rf d f");
	must(checkout(f, false, &res, &e), &e);
	checkout_result_release(&res);
	sh(f, "rm f.dvc && git add -f f");
	must(checkout(f, false, &res, &e), &e);
	assert_string_equal(text_of(f, "f"), "file");
	checkout_result_release(&res);
}

static void files_and_directories_change_places(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "cp d.dvc dir.txt && rm -rf d");
	put(f, "d", "now a file");
	add(f, "d");
	sh(f, "cp d.dvc file.txt && cp dir.txt d.dvc");
	must(checkout(f, false, &res, &e), &e);
	restored(f);
	checkout_result_release(&res);
	sh(f, "cp file.txt d.dvc");
	must(checkout(f, false, &res, &e), &e);
	assert_string_equal(text_of(f, "d"), "now a file");
	checkout_result_release(&res);
}

static void a_link_on_the_way_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -rf d f && mkdir home/outside && ln -s home/outside d");
	assert_true(checkout(f, true, &res, &e) < 0 || !there(f, "home/outside/a"));
	assert_false(there(f, "home/outside/a"));
	assert_false(there(f, "home/outside/s"));
	checkout_result_release(&res);
}

static void a_dry_run_counts_and_touches_nothing(void **state)
{
	struct fixture *f = *state;
	struct checkout_options o = {.dry_run = true};
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -rf d f");
	must(repo_checkout(f->repo, &o, &res, &e), &e);
	assert_int_equal(report_count_of(&res.report, "added"), 3);
	assert_int_equal(res.report.bytes, 10);
	assert_false(there(f, "d"));
	assert_false(there(f, "f"));
	checkout_result_release(&res);
}

static void relink_changes_the_kind_of_link(void **state)
{
	struct fixture *f = *state;
	struct checkout_options o = {.relink = true};
	struct checkout_result res = {0};
	struct err e = {0};
	struct stat st;

	populate(f);
	config(f, "[core]\n    no_scm = true\n[cache]\n    type = hardlink\n");
	must(repo_checkout(f->repo, &o, &res, &e), &e);
	assert_int_equal(fstatat(f->fd, "d/a", &st, 0), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(report_count_of(&res.report, "relinked"), 3);
	checkout_result_release(&res);
	restored(f);
	/* Without its object a good file is left as it is. */
	config(f, "[core]\n    no_scm = true\n[cache]\n    type = copy\n");
	sh(f, "rm -f .dvc/cache/files/md5/8c/7dd922ad47494fc02c388e12c00eac");
	reopen(f);
	(void)!repo_checkout(f->repo, &o, &res, &e);
	assert_string_equal(text_of(f, "f"), "file");
	checkout_result_release(&res);
}

static void an_executable_gets_its_bit_back(void **state)
{
	struct fixture *f = *state;
	struct checkout_result res = {0};
	struct err e = {0};
	struct stat st;

	config(f, "[core]\n    no_scm = true\n[cache]\n    type = hardlink,copy\n");
	put(f, "x", "#!/bin/sh\n");
	sh(f, "chmod +x x");
	add(f, "x");
	assert_non_null(strstr(text_of(f, "x.dvc"), "isexec: true"));
	sh(f, "rm x");
	must(checkout(f, false, &res, &e), &e);
	checkout_result_release(&res);
	assert_int_equal(fstatat(f->fd, "x", &st, 0), 0);
	assert_true(st.st_mode & 0100);
	assert_int_equal(st.st_nlink, 1);
	sh(f, "chmod -x x");
	must(checkout(f, false, &res, &e), &e);
	checkout_result_release(&res);
	assert_int_equal(fstatat(f->fd, "x", &st, 0), 0);
	assert_true(st.st_mode & 0100);
}

static void one_target_leaves_the_others_alone(void **state)
{
	struct fixture *f = *state;
	const char *target = "d/s";
	struct checkout_options o = {.targets = &target, .targets_nr = 1};
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -rf d f");
	must(repo_checkout(f->repo, &o, &res, &e), &e);
	assert_string_equal(text_of(f, "d/s/b"), "two");
	assert_false(there(f, "d/a"));
	assert_false(there(f, "f"));
	checkout_result_release(&res);
}

struct courier {
	struct repo_fetcher base;
	struct fixture *f;
	size_t asked;
};

static int bring(struct repo_fetcher *base, struct repo *r, const struct repo_want *v,
		 size_t nr, struct err *e)
{
	struct courier *c = (struct courier *)base;

	(void)r;
	(void)v;
	(void)e;
	c->asked += nr;
	sh(c->f, "cp -a away/. .dvc/cache/");
	return 0;
}

static void missing_objects_are_asked_for(void **state)
{
	struct fixture *f = *state;
	struct courier c = {.base.fetch = bring, .f = f};
	struct checkout_result res = {0};
	struct err e = {0};

	populate(f);
	sh(f, "rm -rf d f && mv .dvc/cache away && mkdir .dvc/cache");
	reopen(f);
	repo_set_fetcher(f->repo, &c.base);
	must(checkout(f, false, &res, &e), &e);
	assert_true(c.asked > 0);
	checkout_result_release(&res);
	restored(f);
	repo_set_fetcher(f->repo, NULL);
}

/* Walk the failure through every system call until none is hit. */
static void checkout_survives_a_failure_at_any_call(void **state)
{
	struct fixture *f = *state;
	static const int errors[] = {ENOSPC, EIO};

	populate(f);
	for (size_t k = 0; k < ARRAY_SIZE(errors); k++) {
		for (long n = 1;; n++) {
			struct checkout_result res = {0};
			struct err e = {0};
			bool hit;
			int rc;

			sh(f, "rm -rf d f .dvc/tmp && mkdir d && printf one > d/a");
			reopen(f);
			sys_fail_nth(n, errors[k]);
			rc = checkout(f, false, &res, &e);
			hit = sys_fail_hit();
			sys_fail_nth(0, 0);
			checkout_result_release(&res);
			assert_string_equal(text_of(f, "d/a"), "one");
			reopen(f);
			if (!hit) {
				must(rc, &e);
				assert_true(n > 20);
				break;
			}
			fsck_is_clean(f);
			must(checkout(f, false, &res, &e), &e);
			checkout_result_release(&res);
			restored(f);
		}
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_fresh_checkout_restores_everything),
		T(unsaved_work_is_never_overwritten),
		T(a_saved_version_is_replaced_without_asking),
		T(a_missing_sibling_costs_no_good_file),
		T(a_corrupt_object_is_never_handed_out),
		T(an_output_without_a_hash_is_kept),
		T(what_is_tracked_no_more_goes_if_it_was_placed),
		cmocka_unit_test_setup_teardown(what_git_tracks_by_now_is_gits, setup_git,
						teardown),
		T(files_and_directories_change_places),
		T(a_link_on_the_way_is_not_followed),
		T(a_dry_run_counts_and_touches_nothing),
		T(relink_changes_the_kind_of_link),
		T(an_executable_gets_its_bit_back),
		T(one_target_leaves_the_others_alone),
		T(missing_objects_are_asked_for),
		T(checkout_survives_a_failure_at_any_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
