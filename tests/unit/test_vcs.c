/* git's repositories as git itself makes them. */
#include "store/vcs/vcs.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/vcs/gitindex.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];
	int fd;
};

/* A shell line in the fixture's directory; git knows no user's settings there. */
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

	memcpy(f->dir, "/tmp/lode-vcs-XXXXXX", 21);
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	*state = f;
	sh(f, "git init -q -b main .");
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	free(f);
	return 0;
}

static struct vcs *open_at(struct fixture *f, const char *sub)
{
	char *root = *sub ? path_join(f->dir, sub) : xstrdup(f->dir);
	struct vcs *v = NULL;
	struct err e = {0};

	if (vcs_open(&v, root, &e) < 0)
		fail_msg("%s", e.text);
	free(root);
	return v;
}

static void the_work_tree_is_found_from_below(void **state)
{
	struct fixture *f = *state;
	struct vcs *v;

	sh(f, "mkdir -p a/b");
	v = open_at(f, "a/b");
	assert_string_equal(vcs_worktree(v), f->dir);
	assert_string_equal(vcs_prefix(v), "a/b/");
	vcs_free(v);
	v = open_at(f, "");
	assert_string_equal(vcs_prefix(v), "");
	assert_true(path_within(vcs_gitdir(v), f->dir));
	vcs_free(v);
}

static void no_work_tree_and_a_bare_one_are_told(void **state)
{
	struct fixture *f = *state;
	struct vcs *v = NULL;
	struct err e = {0};
	char *bare;

	sh(f, "rm -rf .git && mkdir x");
	assert_int_equal(vcs_open(&v, f->dir, &e), ERR_NOREPO);
	sh(f, "git init -q --bare b.git");
	bare = path_join(f->dir, "b.git");
	assert_int_equal(vcs_open(&v, bare, &e), ERR_UNSUPPORTED);
	free(bare);
	sh(f, "echo nonsense > .git");
	assert_int_equal(vcs_open(&v, f->dir, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, ".git"));
}

static void the_index_answers_for_paths_and_directories(void **state)
{
	static const char *const versions[] = {"2", "3", "4"};
	struct fixture *f = *state;

	sh(f, "mkdir -p d/e && touch d/e/x 'd/e x' da && git add . && touch n && "
	      "git add -N n");
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		static const struct {
			const char *path;
			bool yes;
		} asked[] = {{"d", true},     {"d/e", true},	  {"d/e/x", true},
			     {"d/e x", true}, {"da", true},	  {"n", true},
			     {"d/e/", true},  {"d/e/x/y", false}, {"d/", true},
			     {"e", false},    {"d/e/xx", false},  {"a", false}};
		char *cmd = xasprintf("git update-index --index-version %s", versions[i]);
		struct vcs *v;

		sh(f, cmd);
		free(cmd);
		v = open_at(f, "");
		for (size_t q = 0; q < ARRAY_SIZE(asked); q++) {
			bool yes = !asked[q].yes;

			assert_int_equal(vcs_tracks(v, asked[q].path, &yes, NULL), 0);
			if (yes != asked[q].yes)
				fail_msg("%s in version %s", asked[q].path, versions[i]);
		}
		vcs_free(v);
	}
}

static int count(void *ctx, struct slice path)
{
	(void)path;
	++*(int *)ctx;
	return 0;
}

static void the_index_reader_reads_what_git_lists(void **state)
{
	struct fixture *f = *state;
	char *file = xasprintf("%s/.git/index", f->dir);
	struct buf data = {0};
	struct err e = {0};
	int n = 0;

	sh(f, "for i in $(seq 300); do mkdir -p p$((i % 7)); : > "
	      "p$((i % 7))/a_long_name_number_$i; done; git add . && "
	      "git update-index --index-version 4");
	assert_int_equal(gitindex_each(file, count, &n, &e), 0);
	assert_int_equal(n, 300);
	assert_int_equal(fs_read(AT_FDCWD, file, 0, &data, NULL), 0);
	/* Cut anywhere, it never reads beyond and is mostly an error. */
	for (size_t cut = 1; cut < data.n; cut += 13) {
		char *copy = xmalloc(cut);
		int r;

		memcpy(copy, data.p, cut);
		r = gitindex_parse((struct slice){copy, cut}, "index", count, &n, &e);
		assert_true(r == 0 || r == ERR_CORRUPT || r == ERR_UNSUPPORTED);
		free(copy);
	}
	buf_release(&data);
	free(file);
}

static void a_split_or_sparse_index_is_a_clear_error(void **state)
{
	struct fixture *f = *state;
	struct strvec paths = {0};
	struct err e = {0};
	struct vcs *v;
	bool yes;

	sh(f, "mkdir a b && touch a/x b/y && git add . && "
	      "git -c user.name=x -c user.email=x@y commit -qm x && "
	      "git update-index --split-index");
	v = open_at(f, "");
	assert_int_equal(vcs_tracks(v, "x", &yes, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "split"));
	strvec_push(&paths, "a/x");
	assert_int_equal(vcs_stage(v, &paths, &e), ERR_UNSUPPORTED);
	strvec_release(&paths);
	vcs_free(v);
	sh(f, "git update-index --no-split-index && "
	      "git sparse-checkout set --cone --sparse-index a");
	v = open_at(f, "");
	assert_int_equal(vcs_tracks(v, "x", &yes, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "sparse"));
	vcs_free(v);
}

#define COMMIT "git -c user.name=x -c user.email=x@y commit -q --allow-empty"

static void revisions_resolve_to_commits(void **state)
{
	struct fixture *f = *state;
	char a[VCS_ID_MAX], b[VCS_ID_MAX], c[VCS_ID_MAX], *branch = NULL;
	struct err e = {0};
	struct vcs *v = open_at(f, "");
	bool has;

	assert_int_equal(vcs_has_head(v, &has, NULL), 0);
	assert_false(has);
	assert_int_equal(vcs_resolve(v, "HEAD", a, &e), ERR_NOTFOUND);
	sh(f, COMMIT " -m 1 && " COMMIT " -m 2 && "
		     "git -c user.name=x -c user.email=x@y tag -a -m t v1 HEAD~1");
	assert_int_equal(vcs_has_head(v, &has, NULL), 0);
	assert_true(has);
	assert_int_equal(vcs_resolve(v, "HEAD~1", a, &e), 0);
	assert_int_equal(vcs_resolve(v, "v1", b, &e), 0);
	assert_string_equal(a, b);
	assert_int_equal(vcs_resolve(v, "main", c, &e), 0);
	assert_string_not_equal(a, c);
	a[10] = '\0';
	assert_int_equal(vcs_resolve(v, a, c, &e), 0);
	assert_string_equal(b, c);
	assert_int_equal(vcs_resolve(v, "nope", c, &e), ERR_NOTFOUND);
	assert_string_equal(e.text, "unknown Git revision 'nope'");
	assert_int_equal(vcs_branch(v, &branch, NULL), 0);
	assert_string_equal(branch, "main");
	free(branch);
	vcs_free(v);
}

static void expect_revs(struct vcs *v, const struct vcs_select *sel, const char *want)
{
	struct vcs_revs revs = {0};
	struct buf got = {0};
	struct err e = {0};

	if (vcs_list(v, sel, &revs, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < revs.nr; i++)
		buf_addf(&got, "%s%s", i ? " " : "",
			 strcmp(revs.v[i].name, revs.v[i].id) == 0 ? "*"
								   : revs.v[i].name);
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
	vcs_revs_release(&revs);
}

static void lists_of_revisions_follow_the_scope(void **state)
{
	static const char *const revs[] = {"HEAD"};
	struct fixture *f = *state;
	struct vcs *v;

	sh(f,
	   "export GIT_COMMITTER_DATE=2020-01-01T00:00:00Z; " COMMIT " -m 1; git tag t1;"
	   "export GIT_COMMITTER_DATE=2021-01-01T00:00:00Z; " COMMIT " -m 2;"
	   "export GIT_COMMITTER_DATE=2022-01-01T00:00:00Z; " COMMIT " -m 3;"
	   "git checkout -q -b side HEAD~1; " COMMIT " -m 4; git checkout -q main;"
	   "echo x | git hash-object -w --stdin | xargs git tag blob");
	v = open_at(f, "");
	expect_revs(v, &(struct vcs_select){.scope = VCS_BRANCHES}, "main side");
	expect_revs(v, &(struct vcs_select){.scope = VCS_TAGS}, "t1");
	expect_revs(v, &(struct vcs_select){.scope = VCS_BRANCHES | VCS_TAGS, .last = 2},
		    "main * side t1");
	expect_revs(v, &(struct vcs_select){.scope = VCS_ALL_COMMITS}, "* * * *");
	expect_revs(v, &(struct vcs_select){.revs = revs, .revs_nr = 1, .last = -1},
		    "HEAD * *");
	expect_revs(v, &(struct vcs_select){.has_since = true, .since_s = 1609459200},
		    "* * *");
	expect_revs(v, &(struct vcs_select){.has_since = true, .since_s = 1609459201},
		    "* *");
	vcs_free(v);
}

static int tree_line(void *ctx, const struct vcs_entry *ent, struct err *e)
{
	(void)e;
	buf_addf(ctx, "%s:%o ", ent->path, ent->mode);
	return strcmp(ent->name, "skip") == 0 ? VCS_SKIP : VCS_GO;
}

static void a_revision_s_tree_is_walked_and_read(void **state)
{
	struct fixture *f = *state;
	struct buf got = {0};
	struct err e = {0};
	char id[VCS_ID_MAX];
	struct vcs *v;

	sh(f,
	   "mkdir -p r/a/b r/skip && echo one > r/x.dvc && echo 2 > r/a/b/y && "
	   "echo 3 > r/skip/z && ln -s x.dvc r/l && chmod +x r/a/b/y && echo t > top && "
	   "git add . && " COMMIT " -m 1");
	v = open_at(f, "r");
	assert_int_equal(vcs_resolve(v, "HEAD", id, NULL), 0);
	assert_int_equal(vcs_tree(v, id, "", tree_line, &got, &e), 0);
	assert_string_equal(buf_str(&got), "l:120000 x.dvc:100644 a:40000 a/b:40000 "
					   "a/b/y:100755 skip:40000 ");
	buf_reset(&got);
	assert_int_equal(vcs_tree(v, id, "a/b", tree_line, &got, &e), 0);
	assert_string_equal(buf_str(&got), "a/b/y:100755 ");
	assert_int_equal(vcs_tree(v, id, "none", tree_line, &got, &e), ERR_NOTFOUND);
	assert_int_equal(vcs_read(v, id, "x.dvc", 0, &got, &e), 0);
	assert_string_equal(buf_str(&got), "one\n");
	assert_int_equal(vcs_read(v, id, "x.dvc", 3, &got, &e), ERR_INVALID);
	assert_int_equal(vcs_read(v, id, "top", 0, &got, &e), ERR_NOTFOUND);
	assert_int_equal(vcs_read(v, id, "a", 0, &got, &e), ERR_NOTFOUND);
	buf_release(&got);
	vcs_free(v);
}

static void staging_and_status_agree_with_git(void **state)
{
	struct fixture *f = *state;
	struct strvec paths = {0}, none = {0};
	unsigned st;
	struct vcs *v;
	bool dirty;

	sh(f, "mkdir -p r/d && echo 1 > r/a && echo 1 > gone && git add . && " COMMIT
	      " -m 1 && echo /ign > r/.gitignore && git add . && " COMMIT " -m 2");
	v = open_at(f, "r");
	assert_int_equal(vcs_is_dirty(v, &dirty, NULL), 0);
	assert_false(dirty);
	sh(f, "echo 2 > r/a; echo n > r/d/new; echo o > outside; echo i > r/ign");
	assert_int_equal(vcs_is_dirty(v, &dirty, NULL), 0);
	assert_true(dirty);
	assert_int_equal(vcs_status_of(v, "a", &st, NULL), 0);
	assert_int_equal(st, VCS_CHANGED);
	assert_int_equal(vcs_status_of(v, "ign", &st, NULL), 0);
	assert_int_equal(st, VCS_IGNORED);
	assert_int_equal(vcs_untracked(v, &paths, NULL), 0);
	assert_int_equal(paths.nr, 1);
	assert_string_equal(paths.v[0], "d/new");
	strvec_push(&paths, "a");
	assert_int_equal(vcs_stage(v, &paths, NULL), 0);
	assert_int_equal(vcs_stage(v, &none, NULL), 0);
	sh(f,
	   "test \"$(git diff --cached --name-only | tr '\\n' ' ')\" = 'r/a r/d/new '");
	assert_int_equal(vcs_status_of(v, "d/new", &st, NULL), 0);
	assert_int_equal(st, VCS_NEW_IN_INDEX);
	strvec_release(&paths);
	vcs_free(v);
}

static void work_trees_and_submodules_have_their_own_index(void **state)
{
	struct fixture *f = *state;
	char id[VCS_ID_MAX];
	struct vcs *v;
	bool yes;

	sh(f,
	   "echo 1 > a && git add . && " COMMIT " -m 1 && "
	   "git config extensions.worktreeConfig true && "
	   "git worktree add -q w -b other && touch w/only && git -C w add only && "
	   "git init -q m && cd m && touch s && git add . && " COMMIT " -m 1 && cd .. && "
	   "git -c protocol.file.allow=always submodule --quiet add ./m sub");
	v = open_at(f, "w");
	assert_non_null(strstr(vcs_gitdir(v), "/.git/worktrees/w"));
	assert_true(path_within(vcs_commondir(v), f->dir));
	assert_null(strstr(vcs_commondir(v), "worktrees"));
	assert_int_equal(vcs_tracks(v, "only", &yes, NULL), 0);
	assert_true(yes);
	assert_int_equal(vcs_resolve(v, "other", id, NULL), 0);
	vcs_free(v);
	v = open_at(f, "sub");
	assert_int_equal(vcs_tracks(v, "s", &yes, NULL), 0);
	assert_true(yes);
	assert_int_equal(vcs_resolve(v, "HEAD", id, NULL), 0);
	vcs_free(v);
}

static void an_unknown_extension_is_a_clear_error(void **state)
{
	struct fixture *f = *state;
	char id[VCS_ID_MAX];
	struct err e = {0};
	struct vcs *v;

	sh(f, COMMIT " -m 1 && git config core.repositoryFormatVersion 1 && "
		     "git config extensions.partialClone origin");
	v = open_at(f, "");
	assert_int_equal(vcs_resolve(v, "HEAD", id, &e), 0);
	vcs_free(v);
	sh(f, "git config extensions.fromTheFuture true");
	v = open_at(f, "");
	assert_int_equal(vcs_resolve(v, "HEAD", id, &e), ERR_UNSUPPORTED);
	vcs_free(v);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_work_tree_is_found_from_below),
		T(no_work_tree_and_a_bare_one_are_told),
		T(the_index_answers_for_paths_and_directories),
		T(the_index_reader_reads_what_git_lists),
		T(a_split_or_sparse_index_is_a_clear_error),
		T(revisions_resolve_to_commits),
		T(lists_of_revisions_follow_the_scope),
		T(a_revision_s_tree_is_walked_and_read),
		T(staging_and_status_agree_with_git),
		T(work_trees_and_submodules_have_their_own_index),
		T(an_unknown_extension_is_a_clear_error),
	};

	setenv("HOME", "/nonexistent", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("XDG_CONFIG_HOME");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
