/* .dvcignore rules and the metadata walk. */
#include "store/index/ignore.h"
#include "store/index/walk.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];
	int fd;
	struct ignore *ig;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	memcpy(f->dir, "/tmp/lode-ignore-XXXXXX", 24);
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(ignore_open(&f->ig, f->fd, f->dir, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ignore_free(f->ig);
	close(f->fd);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *path, const char *text)
{
	struct slice dir = path_dir(path);
	char *d = xmemdup0(dir.p, dir.n);

	assert_int_equal(fs_mkdirs(f->fd, d, 0, NULL), 0);
	assert_int_equal(fs_write(f->fd, path, slice_of(text), 0666, FS_SYNC_NONE, NULL),
			 0);
	free(d);
}

static bool hidden(struct fixture *f, const char *path, bool is_dir)
{
	struct err e = {0};
	bool yes = false;

	if (ignore_check(f->ig, path, is_dir, &yes, &e) < 0)
		fail_msg("%s: %s", path, e.text);
	return yes;
}

static void what_is_built_in_is_hidden_at_any_depth(void **state)
{
	struct fixture *f = *state;

	assert_true(hidden(f, ".dvc", true));
	assert_true(hidden(f, ".git", false));
	assert_true(hidden(f, "a/.git", true));
	assert_true(hidden(f, "a/.dvc/tmp/x", false));
	assert_false(hidden(f, ".dvc", false));
	assert_false(hidden(f, "a/b", false));
	assert_false(hidden(f, "", true));
	assert_false(hidden(f, ".", true));
}

static void deeper_files_win_and_ignored_parents_are_final(void **state)
{
	struct fixture *f = *state;

	put(f, ".dvcignore", "*.log\n/out/\n");
	put(f, "a/.dvcignore", "!keep.log\n");
	put(f, "out/.dvcignore", "!x\n");
	assert_true(hidden(f, "x.log", false));
	assert_true(hidden(f, "a/x.log", false));
	assert_false(hidden(f, "a/keep.log", false));
	assert_false(hidden(f, "a/b/keep.log", false));
	assert_true(hidden(f, "keep.log", false));
	assert_true(hidden(f, "out/x", false));
	assert_false(hidden(f, "a/out/x", false));
}

static void a_repository_inside_hides_itself(void **state)
{
	struct fixture *f = *state;
	struct ignore_rule rule;
	bool ignored, matched;
	struct err e = {0};

	put(f, "sub/.dvc/config", "");
	put(f, "sub/d/x", "");
	assert_true(hidden(f, "sub", true));
	assert_true(hidden(f, "sub/x", false));
	assert_true(hidden(f, "sub/d/x", false));
	assert_int_equal(ignore_refuse(f->ig, "sub/x", false, &e), 0);
	assert_int_equal(
		ignore_explain(f->ig, "sub/x", false, &ignored, &matched, &rule, &e), 0);
	assert_true(ignored && matched && rule.is_subrepo);
	assert_string_equal(rule.text, "/sub/");
}

static void the_first_match_of_the_last_group_is_shown(void **state)
{
	struct fixture *f = *state;
	struct ignore_rule rule;
	bool ignored, matched;
	struct err e = {0};

	put(f, ".dvcignore", "*.log\na.log\nd/\n\n!keep.log\n");
	assert_int_equal(
		ignore_explain(f->ig, "a.log", false, &ignored, &matched, &rule, &e), 0);
	assert_true(ignored && matched);
	assert_int_equal(rule.line, 1);
	assert_string_equal(rule.file, ".dvcignore");
	assert_int_equal(
		ignore_explain(f->ig, "keep.log", false, &ignored, &matched, &rule, &e),
		0);
	assert_true(!ignored && matched);
	assert_int_equal(rule.line, 5);
	assert_string_equal(rule.text, "!keep.log");
	assert_int_equal(ignore_explain(f->ig, "b", false, &ignored, &matched, &rule, &e),
			 0);
	assert_false(matched);
	assert_int_equal(
		ignore_explain(f->ig, ".dvc", true, &ignored, &matched, &rule, &e), 0);
	assert_true(matched);
	assert_string_equal(rule.file, "");
	assert_string_equal(rule.text, ".dvc/");
}

static void a_refusal_names_file_line_and_text(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	char want[256];

	put(f, ".dvcignore", "# one\n\n*.x\nf\nd\n!d/keep\n");
	assert_int_equal(ignore_refuse(f->ig, "f", false, &e), ERR_INVALID);
	snprintf(want, sizeof(want), "Path '%s/f' is ignored by .dvcignore:4:f", f->dir);
	assert_string_equal(e.text, want);
	assert_int_equal(ignore_refuse(f->ig, "d/keep", false, &e), ERR_INVALID);
	snprintf(want, sizeof(want), "Path '%s/d/keep' is ignored by .dvcignore:5:d",
		 f->dir);
	assert_string_equal(e.text, want);
	assert_int_equal(ignore_refuse(f->ig, "g", false, &e), 0);
}

static void a_file_that_cannot_be_is_named_with_its_line(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	bool yes;

	put(f, "a/.dvcignore", "ok\nx\\\n");
	assert_int_equal(ignore_check(f->ig, "a/b", false, &yes, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "a/.dvcignore:2"));
	ignore_forget(f->ig);
	put(f, "a/.dvcignore", "\xff\n");
	assert_int_equal(ignore_check(f->ig, "a/b", false, &yes, &e), ERR_INVALID);
	if (!strstr(e.text, "a/.dvcignore"))
		fail_msg("%s", e.text);
}

static void the_fingerprint_follows_every_rule_above(void **state)
{
	struct fixture *f = *state;
	const struct ignore_dir *d;
	uint64_t none, one, two;

	assert_int_equal(fs_mkdirs(f->fd, "a/b", 0, NULL), 0);
	assert_int_equal(ignore_dir(f->ig, "a/b", 0, &d, NULL), 0);
	none = ignore_fingerprint(d);
	ignore_forget(f->ig);
	put(f, ".dvcignore", "x\n");
	assert_int_equal(ignore_dir(f->ig, "a/b", 0, &d, NULL), 0);
	one = ignore_fingerprint(d);
	ignore_forget(f->ig);
	put(f, "a/.dvcignore", "x\n");
	assert_int_equal(ignore_dir(f->ig, "a/b", 0, &d, NULL), 0);
	two = ignore_fingerprint(d);
	assert_true(none != one && one != two && none != two);
	assert_int_equal(ignore_dir(f->ig, "x", -1, &d, NULL), 0);
	assert_null(d);
}

static int collect(void *ctx, const struct walk_entry *ent, struct err *e)
{
	(void)e;
	buf_addf(ctx, "%s%s ", ent->path, ent->is_dir ? "/" : "");
	return strcmp(ent->path, "data") == 0 ? WALK_SKIP : WALK_GO;
}

static void the_walk_is_sorted_and_pruned(void **state)
{
	struct fixture *f = *state;
	struct buf seen = {0};

	put(f, ".dvcignore", "*.tmp\nhid/\n");
	put(f, "b.dvc", "");
	put(f, "x.tmp", "");
	put(f, "data/1", "");
	put(f, "hid/y.dvc", "");
	put(f, "a/z.dvc", "");
	put(f, "a/c/d.dvc", "");
	put(f, "sub/.dvc/config", "");
	put(f, "sub/q.dvc", "");
	put(f, ".git/config", "");
	assert_int_equal(symlinkat("a", f->fd, "loop"), 0);
	assert_int_equal(walk(f->fd, "", f->ig, collect, &seen, NULL), 0);
	assert_string_equal(buf_str(&seen), ".dvcignore b.dvc loop a/ a/z.dvc a/c/ "
					    "a/c/d.dvc data/ sub/ ");
	buf_reset(&seen);
	assert_int_equal(walk(f->fd, "a", f->ig, collect, &seen, NULL), 0);
	assert_string_equal(buf_str(&seen), "a/z.dvc a/c/ a/c/d.dvc ");
	buf_release(&seen);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_built_in_is_hidden_at_any_depth),
		T(deeper_files_win_and_ignored_parents_are_final),
		T(a_repository_inside_hides_itself),
		T(the_first_match_of_the_last_group_is_shown),
		T(a_refusal_names_file_line_and_text),
		T(a_file_that_cannot_be_is_named_with_its_line),
		T(the_fingerprint_follows_every_rule_above),
		T(the_walk_is_sorted_and_pruned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
