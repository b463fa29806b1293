/* Ignore rules and lines, with git check-ignore as the judge. */
#include "store/vcs/gitignore.h"
#include "store/vcs/vcs.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The environment is read once a process: one home for all tests. */
static char home[64] = "/tmp/lode-ghome-XXXXXX";

struct fixture {
	char dir[64];
	int fd;
	struct vcs *v;
	struct gitignore *gi;
};

static void sh(struct fixture *f, const char *script)
{
	char *line = xasprintf("cd '%s' && (%s) >/dev/null 2>&1", f->dir, script);

	if (system(line) != 0)
		fail_msg("%s", script);
	free(line);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	memcpy(f->dir, "/tmp/lode-gitig-XXXXXX", 23);
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sh(f, "git init -q -b main .");
	*state = f;
	return 0;
}

static void open_rules(struct fixture *f, const char *sub)
{
	char *root = *sub ? path_join(f->dir, sub) : xstrdup(f->dir);

	gitignore_free(f->gi);
	vcs_free(f->v);
	f->gi = NULL;
	f->v = NULL;
	assert_int_equal(vcs_open(&f->v, root, NULL), 0);
	assert_int_equal(gitignore_open(&f->gi, f->v, NULL), 0);
	free(root);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *config = xasprintf("rm -rf '%s'/.gitconfig '%s'/.config '%s'/mine", home,
				 home, home);

	gitignore_free(f->gi);
	vcs_free(f->v);
	close(f->fd);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	IGNORE_RESULT(system(config) != 0);
	free(config);
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

/* What git says of a path below the work tree's top. */
static bool git_says(struct fixture *f, const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(f->dir) == 0)
			execlp("git", "git", "check-ignore", "-q", "--no-index", "--",
			       path, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 0;
}

static bool we_say(struct fixture *f, const char *path)
{
	bool yes = false;

	assert_int_equal(
		gitignore_check(f->gi, path, fs_kind(f->fd, path) == S_IFDIR, &yes, NULL),
		0);
	return yes;
}

static void agree(struct fixture *f, const char *const *paths, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (we_say(f, paths[i]) != git_says(f, paths[i]))
			fail_msg("'%s': git says %d", paths[i], git_says(f, paths[i]));
}

static void rules_of_all_files_are_those_of_git(void **state)
{
	static const char *const paths[] = {
		"a.log",	  "keep.log",	"d",	   "d/x",	 "d/keep.log",
		"sub/a.log",	  "sub/b",	"sub/c/b", "build",	 "build/x",
		"src/build",	  "x/y/z",	"x/q/z",   "excluded",	 "sub/excluded",
		"global",	  "sub/global", "#hash",   "!bang",	 "trail ",
		"deep/a/b/c.tmp", "deep/c.tmp", "none",	   "sub/un.log", "d/e/f",
	};
	struct fixture *f = *state;

	put(f, ".gitignore",
	    "*.log\n!keep.log\n/d/\nbuild/\nx/**/z\n\\#hash\n\\!bang\ntrail\\ \n# no\n"
	    "deep/**/*.tmp\n[\n");
	put(f, "sub/.gitignore", "!un.log\n/b\n");
	put(f, "d/.gitignore", "!*\n");
	put(f, ".git/info/exclude", "excluded\n");
	put(f, "d/x", "");
	put(f, "build/x", "");
	put(f, "src/build", "");
	put(f, "sub/c/b", "");
	sh(f, "mkdir -p $HOME/.config/git && echo global > $HOME/.config/git/ignore");
	open_rules(f, "");
	agree(f, paths, ARRAY_SIZE(paths));
	assert_true(we_say(f, "global") && we_say(f, "excluded") && !we_say(f, "none"));
}

static void the_excludes_file_is_found_as_git_finds_it(void **state)
{
	static const char *const paths[] = {"one", "two", "three", "four", "five"};
	struct fixture *f = *state;

	sh(f, "mkdir -p $HOME/.config/git && echo one > $HOME/.config/git/ignore && "
	      "echo two > $HOME/mine && echo three > local && echo four > inc.ignore");
	open_rules(f, "");
	agree(f, paths, ARRAY_SIZE(paths));
	assert_true(we_say(f, "one"));
	sh(f, "git config --global core.excludesFile '~/mine'");
	open_rules(f, "");
	agree(f, paths, ARRAY_SIZE(paths));
	assert_true(we_say(f, "two") && !we_say(f, "one"));
	sh(f,
	   "printf '[user]\\n\\tname = \"a ; b\" # c\\n[core \"sub\"]\\n\\t"
	   "excludesFile = no\\n[CORE]\\nExcludesFile = \"local\" ; x\\n' >> .git/config");
	open_rules(f, "");
	agree(f, paths, ARRAY_SIZE(paths));
	assert_true(we_say(f, "three") && !we_say(f, "two"));
	sh(f, "printf '[core]\\n excludesFile = inc.ignore\\n' > .git/more && "
	      "git config include.path more");
	open_rules(f, "");
	agree(f, paths, ARRAY_SIZE(paths));
	assert_true(we_say(f, "four"));
}

static void a_linked_ignore_file_has_no_rules(void **state)
{
	static const char *const paths[] = {"x", "y"};
	struct fixture *f = *state;

	put(f, "rules", "x\n");
	assert_int_equal(symlinkat("rules", f->fd, ".gitignore"), 0);
	open_rules(f, "");
	agree(f, paths, ARRAY_SIZE(paths));
}

/* add makes git ignore the name, once; remove takes it back without a trace. */
static void each_odd_name_is_ignored_by_git_and_freed_again(void **state)
{
	static const struct {
		const char *name, *line;
	} names[] = {
		{"plain.txt", "/plain.txt"},
		{"sp ace #1.txt", "/sp ace \\#1.txt"},
		{"!bang", "/\\!bang"},
		{"st*ar[1].txt", "/st\\*ar\\[1\\].txt"},
		{"bs\\x", "/bs\\\\x"},
		{"q?", "/q\\?"},
		{"trail ", "/trail\\ "},
		{"two  ", "/two \\ "},
		{" lead", "/ lead"},
		{"new\nline", "/new?line"},
		{"end\n", "/end?"},
		{"cr\r", "/cr?"},
		{"tab\t", "/tab\t"},
		{"\xc3\xa4", "/\xc3\xa4"},
		{"#", "/\\#"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf line = {0};
		bool changed;

		put(f, names[i].name, "");
		open_rules(f, "");
		gitignore_line(names[i].name, &line);
		assert_string_equal(buf_str(&line), names[i].line);
		buf_release(&line);
		assert_int_equal(
			gitignore_add(f->gi, names[i].name, FS_SYNC_NONE, &changed, NULL),
			0);
		assert_true(changed);
		if (!git_says(f, names[i].name) || !we_say(f, names[i].name))
			fail_msg("'%s' is not ignored", names[i].name);
		assert_int_equal(
			gitignore_add(f->gi, names[i].name, FS_SYNC_NONE, &changed, NULL),
			0);
		assert_false(changed);
		assert_int_equal(gitignore_remove(f->gi, names[i].name, FS_SYNC_NONE,
						  &changed, NULL),
				 0);
		assert_true(changed);
		assert_int_equal(fs_kind(f->fd, ".gitignore"), 0);
		assert_int_equal(unlinkat(f->fd, names[i].name, 0), 0);
	}
}

static void expect_text(struct fixture *f, const char *path, const char *want)
{
	struct buf got = {0};

	assert_int_equal(fs_read(f->fd, path, 0, &got, NULL), 0);
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
}

static void lines_are_added_and_removed_without_touching_others(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	bool changed;

	put(f, ".gitignore", "*.tmp\n/x");
	assert_int_equal(fchmodat(f->fd, ".gitignore", 0640, 0), 0);
	put(f, "d/in", "");
	put(f, "a#1", "");
	open_rules(f, "");
	assert_int_equal(gitignore_add(f->gi, "a#1", FS_SYNC_BATCH, &changed, NULL), 0);
	expect_text(f, ".gitignore", "*.tmp\n/x\n/a\\#1\n");
	assert_int_equal(fstatat(f->fd, ".gitignore", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(gitignore_add(f->gi, "q.tmp", FS_SYNC_NONE, &changed, NULL), 0);
	assert_false(changed);
	assert_int_equal(gitignore_add(f->gi, "d/in", FS_SYNC_NONE, &changed, NULL), 0);
	expect_text(f, "d/.gitignore", "/in\n");
	/* Both forms go, and what only looks alike stays. */
	put(f, ".gitignore", "/a\\#1\n  /a#1  \n/a#12\n\n!/a#1\nx/a#1");
	gitignore_forget(f->gi);
	assert_int_equal(gitignore_remove(f->gi, "a#1", FS_SYNC_BATCH, &changed, NULL),
			 0);
	assert_true(changed);
	expect_text(f, ".gitignore", "/a#12\n\n!/a#1\nx/a#1");
	assert_int_equal(gitignore_remove(f->gi, "a#1", FS_SYNC_NONE, &changed, NULL), 0);
	assert_false(changed);
	assert_int_equal(gitignore_remove(f->gi, "d/in", FS_SYNC_BATCH, &changed, NULL),
			 0);
	assert_int_equal(fs_kind(f->fd, "d/.gitignore"), 0);
	assert_int_equal(gitignore_remove(f->gi, "d/in", FS_SYNC_NONE, &changed, NULL),
			 0);
	assert_false(changed);
}

static void a_line_of_another_name_with_spaces_stays(void **state)
{
	struct fixture *f = *state;
	bool changed;

	put(f, ".gitignore", "/a\n/a\\ \n");
	open_rules(f, "");
	assert_int_equal(gitignore_remove(f->gi, "a ", FS_SYNC_NONE, &changed, NULL), 0);
	expect_text(f, ".gitignore", "/a\n");
}

static void a_root_below_the_top_sees_rules_from_above(void **state)
{
	struct fixture *f = *state;
	bool yes, changed;

	put(f, ".gitignore", "/r/hidden\n*.o\n");
	put(f, "r/d/x", "");
	open_rules(f, "r");
	assert_int_equal(gitignore_check(f->gi, "hidden/x", false, &yes, NULL), 0);
	assert_true(yes);
	assert_int_equal(gitignore_check(f->gi, "d/a.o", false, &yes, NULL), 0);
	assert_true(yes);
	assert_int_equal(gitignore_add(f->gi, "d", FS_SYNC_NONE, &changed, NULL), 0);
	expect_text(f, "r/.gitignore", "/d\n");
	assert_true(git_says(f, "r/d/x"));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(rules_of_all_files_are_those_of_git),
		T(the_excludes_file_is_found_as_git_finds_it),
		T(a_linked_ignore_file_has_no_rules),
		T(each_odd_name_is_ignored_by_git_and_freed_again),
		T(lines_are_added_and_removed_without_touching_others),
		T(a_line_of_another_name_with_spaces_stays),
		T(a_root_below_the_top_sees_rules_from_above),
	};
	int r;

	if (!mkdtemp(home))
		return 99;
	setenv("HOME", home, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("GIT_CONFIG_GLOBAL");
	r = cmocka_run_group_tests(tests, NULL, NULL);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, home, NULL) < 0);
	return r;
}
