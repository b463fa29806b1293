#include "tests/unit/repo_fixture.h"

static void add_writes_what_dvc_writes(void **state)
{
	struct fixture *f = *state;

	put(f, "a.txt", "hello");
	add(f, "a.txt");
	assert_string_equal(text_of(f, "a.txt.dvc"),
			    "outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  size: 5\n"
			    "  hash: md5\n  path: a.txt\n");
	assert_true(there(f, ".dvc/cache/files/md5/5d/41402abc4b2a76b9719d911017c592"));
	assert_string_equal(text_of(f, "a.txt"), "hello");
}

static void add_of_a_directory_makes_the_manifest(void **state)
{
	struct fixture *f = *state;

	put(f, "d/a", "1");
	put(f, "d/sub/b", "2");
	add(f, "d");
	assert_string_equal(text_of(f, "d.dvc"),
			    "outs:\n- md5: b5f318018530f1e739dbb25def02de19.dir\n"
			    "  size: 2\n  nfiles: 2\n  hash: md5\n  path: d\n");
	assert_string_equal(
		text_of(f, ".dvc/cache/files/md5/b5/f318018530f1e739dbb25def02de19.dir"),
		"[{\"md5\": \"c4ca4238a0b923820dcc509a6f75849b\", \"relpath\": \"a\"}, "
		"{\"md5\": \"c81e728d9d4c2f636f067f89cc14862c\", \"relpath\": "
		"\"sub/b\"}]");
	assert_string_equal(state_of(f, "d"), "");
	fsck_is_clean(f);
}

static void adding_again_changes_nothing(void **state)
{
	struct fixture *f = *state;
	const char *target = "d";
	struct add_options o = {.targets = &target, .targets_nr = 1};
	struct report rep = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	add(f, "d");
	must(repo_add(f->repo, &o, &rep, &e), &e);
	assert_int_equal(rep.items.nr, 1);
	assert_string_equal(rep.items.v[0].state, "unchanged");
	report_release(&rep);
}

static void add_refuses_in_dvcs_words(void **state)
{
	static const struct {
		const char *target, *text;
	} cases[] = {
		{"nope", "output 'nope' does not exist: [Errno 2] No such file or "
			 "directory: '"},
		{"d", "Cannot add 'd', because it is overlapping with other DVC tracked "
		      "output: 'd/a'.\nTo include 'd/a' in 'd', run 'dvc remove d/a.dvc' "
		      "and then 'dvc add d'"},
		{".", "does not overlap with base path"},
		{"x.dvc", "DVC file 'x.dvc' cannot be an output."},
		{"../out", "Cached output(s) outside of DVC project: ../out"},
		{"dirlink", "Cannot add files inside symlinked directories to DVC."},
		{"dirlink/a", "Cannot add files inside symlinked directories to DVC."},
		{"fifo", "neither a file nor a directory"},
		{"broken", ""},
		{".git/x", ".git"},
	};
	struct fixture *f = *state;

	put(f, "d/a", "1");
	put(f, "x.dvc", "outs: []\n");
	put(f, ".git/x", "1");
	add(f, "d/a");
	sh(f, "ln -s d dirlink && mkfifo fifo && ln -s nowhere broken");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};

		assert_true(add_one(f, cases[i].target, &e) < 0);
		if (!strstr(story(&e), cases[i].text))
			fail_msg("%s: %s", cases[i].target, story(&e));
	}
	assert_false(there(f, "d.dvc"));
	assert_false(there(f, "fifo.dvc"));
	assert_false(there(f, "broken.dvc"));
}

static void a_name_that_is_no_utf8_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	put(f, "d/ok", "1");
	put(f, "d/\xff", "2");
	assert_true(add_one(f, "d", &e) < 0);
	assert_non_null(strstr(story(&e), "UTF-8"));
	assert_false(there(f, "d.dvc"));
}

static void a_part_is_taken_into_its_directory(void **state)
{
	struct fixture *f = *state;

	put(f, "d/a", "1");
	add(f, "d");
	put(f, "d/c", "3");
	put(f, "d/other", "not meant");
	add(f, "d/c");
	assert_false(there(f, "d/c.dvc"));
	/* One was added: the size is the sum, as DVC has it. */
	assert_non_null(strstr(text_of(f, "d.dvc"), "size: 2\n"));
	assert_non_null(strstr(text_of(f, "d.dvc"), "nfiles: 2\n"));
	assert_string_equal(state_of(f, "d"), "modified");
}

static void a_part_that_is_gone_is_taken_out(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	put(f, "d/a", "1");
	put(f, "d/b", "2");
	add(f, "d");
	sh(f, "rm d/b");
	add(f, "d/b");
	assert_null(strstr(text_of(f, "d.dvc"), "size:"));
	assert_non_null(strstr(text_of(f, "d.dvc"), "nfiles: 1\n"));
	assert_string_equal(state_of(f, "d"), "");
	assert_true(add_one(f, "d/zz", &e) < 0);
	assert_non_null(strstr(story(&e), "[Errno 2] No such file or directory: '"));
}

static void without_commit_no_object_is_stored(void **state)
{
	struct fixture *f = *state;
	const char *target = "d";
	struct add_options o = {.targets = &target, .targets_nr = 1, .no_commit = true};
	struct report rep = {0};
	struct err e = {0};

	put(f, "d/a", "1");
	must(repo_add(f->repo, &o, &rep, &e), &e);
	report_release(&rep);
	assert_true(there(f, "d.dvc"));
	assert_false(there(f, ".dvc/cache/files"));
	assert_string_equal(state_of(f, "d"), "not in cache");
	/* A later add stores what is recorded already. */
	add(f, "d");
	assert_string_equal(state_of(f, "d"), "");
}

static void a_corrupt_object_never_replaces_a_good_file(void **state)
{
	struct fixture *f = *state;

	put(f, "a.txt", "hello");
	add(f, "a.txt");
	sh(f, "cd .dvc/cache/files/md5/5d && chmod u+w 41* && printf HELLO > 41* && "
	      "chmod 444 41*");
	reopen(f);
	sh(f, "rm -f a.txt.dvc; rm -rf .dvc/tmp/lode");
	add(f, "a.txt");
	assert_string_equal(text_of(f, "a.txt"), "hello");
	assert_string_equal(
		text_of(f, ".dvc/cache/files/md5/5d/41402abc4b2a76b9719d911017c592"),
		"hello");
}

static void links_of_the_configured_kind_are_left(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	config(f, "[core]\n    no_scm = true\n[cache]\n    type = hardlink\n");
	put(f, "d/a", "1");
	put(f, "d/x", "exec");
	put(f, "d/empty", "");
	sh(f, "chmod +x d/x && ln -s ../ext d/l && printf ext > ext");
	add(f, "d");
	assert_int_equal(fstatat(f->fd, "d/a", &st, 0), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(fstatat(f->fd, "d/x", &st, 0), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_true(st.st_mode & 0100);
	/* The link to a file has become the file. */
	assert_int_equal(fstatat(f->fd, "d/l", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_string_equal(text_of(f, "ext"), "ext");
	assert_string_equal(state_of(f, "d"), "");
	fsck_is_clean(f);
}

static void git_gets_its_ignore_line_and_loses_it_on_failure(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	put(f, "a #1", "x");
	add(f, "a #1");
	assert_string_equal(text_of(f, ".gitignore"), "/a \\#1\n");
	put(f, "tracked", "x");
	sh(f, "git add tracked");
	assert_true(add_one(f, "tracked", &e) < 0);
	assert_non_null(strstr(story(&e), " output 'tracked' is already tracked by SCM"));
	put(f, "d/x", "1");
	sh(f, "ln -s nowhere d/broken");
	assert_true(add_one(f, "d", &e) < 0);
	assert_string_equal(text_of(f, ".gitignore"), "/a \\#1\n");
}

static void out_copies_from_outside(void **state)
{
	struct fixture *f = *state;
	const char *target;
	struct add_options o = {.targets = &target, .targets_nr = 1, .out = "new"};
	struct report rep = {0};
	struct err e = {0};
	char *src = xasprintf("%s/home/src", f->dir);

	target = src;
	put(f, "home/src/a", "1");
	put(f, "home/src/sub/b", "2");
	must(repo_add(f->repo, &o, &rep, &e), &e);
	assert_string_equal(text_of(f, "new/sub/b"), "2");
	assert_non_null(
		strstr(text_of(f, "new.dvc"), "b5f318018530f1e739dbb25def02de19"));
	assert_true(there(f, "home/src/a"));
	report_release(&rep);
	put(f, "new2", "mine");
	o.out = "new2";
	assert_int_equal(repo_add(f->repo, &o, &rep, &e), ERR_EXISTS);
	assert_string_equal(text_of(f, "new2"), "mine");
	report_release(&rep);
	free(src);
}

static void a_held_lock_is_told_in_dvcs_words(void **state)
{
	struct fixture *f = *state;
	struct lock l = {0};
	struct err e = {0};

	put(f, "a", "1");
	must(lock_take(&l, f->fd, ".dvc/tmp/lock", false, 0, NULL, &e), &e);
	assert_int_equal(add_one(f, "a", &e), ERR_LOCKED);
	assert_non_null(strstr(story(&e), "Unable to acquire lock."));
	lock_drop(&l);
	add(f, "a");
}

static void entries_of_live_processes_block_and_dead_ones_go(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};
	struct err e = {0};
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	put(f, "d/a", "1");
	buf_addf(&text,
		 "{\"write\": {\"%s/d\": {\"pid\": %d, \"cmd\": \"dvc repro\"}}, "
		 "\"read\": {}}",
		 f->dir, (int)child);
	put(f, ".dvc/tmp/rwlock", buf_str(&text));
	assert_int_equal(add_one(f, "d", &e), ERR_LOCKED);
	assert_non_null(strstr(story(&e), "is busy, it is being blocked by:"));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	add(f, "d");
	assert_null(strstr(text_of(f, ".dvc/tmp/rwlock"), "pid"));
	put(f, ".dvc/tmp/rwlock", "{");
	assert_int_equal(add_one(f, "d", &e), ERR_CORRUPT);
	buf_release(&text);
}

static void hardlink_lock_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	config(f, "[core]\n    no_scm = true\n    hardlink_lock = true\n");
	put(f, "a", "1");
	assert_int_equal(add_one(f, "a", &e), ERR_UNSUPPORTED);
}

/* Walk the failure through every system call until none is hit. */
static void add_survives_a_failure_at_any_call(void **state)
{
	struct fixture *f = *state;
	static const int errors[] = {ENOSPC, EIO};

	for (size_t k = 0; k < ARRAY_SIZE(errors); k++) {
		for (long n = 1;; n++) {
			struct err e = {0};
			bool hit;
			int rc;

			sh(f, "rm -rf d d.dvc .dvc/cache .dvc/tmp");
			put(f, "d/a", "one");
			put(f, "d/s/b", "two");
			reopen(f);
			sys_fail_nth(n, errors[k]);
			rc = add_one(f, "d", &e);
			hit = sys_fail_hit();
			sys_fail_nth(0, 0);
			assert_string_equal(text_of(f, "d/a"), "one");
			assert_string_equal(text_of(f, "d/s/b"), "two");
			if (!hit) {
				must(rc, &e);
				assert_true(n > 20);
				break;
			}
			reopen(f);
			fsck_is_clean(f);
			add(f, "d");
			assert_string_equal(state_of(f, "d"), "");
			fsck_is_clean(f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(add_writes_what_dvc_writes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(add_of_a_directory_makes_the_manifest,
						setup, teardown),
		cmocka_unit_test_setup_teardown(adding_again_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(add_refuses_in_dvcs_words, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_name_that_is_no_utf8_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_part_is_taken_into_its_directory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_part_that_is_gone_is_taken_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_commit_no_object_is_stored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_corrupt_object_never_replaces_a_good_file, setup, teardown),
		cmocka_unit_test_setup_teardown(links_of_the_configured_kind_are_left,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			git_gets_its_ignore_line_and_loses_it_on_failure, setup_git,
			teardown),
		cmocka_unit_test_setup_teardown(out_copies_from_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(a_held_lock_is_told_in_dvcs_words, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			entries_of_live_processes_block_and_dead_ones_go, setup,
			teardown),
		cmocka_unit_test_setup_teardown(hardlink_lock_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(add_survives_a_failure_at_any_call, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
