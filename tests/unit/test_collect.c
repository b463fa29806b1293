/* All stages of a tree, locks, targets, globs. */
#include "store/meta/collect.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/index/ignore.h"
#include "store/meta/dvcfile.h"
#include "store/meta/tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define A "5d41402abc4b2a76b9719d911017c592"
#define B "b026324c6904b2a9cb4b88d6d61c81d1"
#define LOCK                                                                             \
	"schema: '2.0'\nstages:\n  s:\n    cmd: run\n    deps:\n    - path: in\n"        \
	"      hash: md5\n      md5: " A "\n      size: 5\n    params:\n"                \
	"      params.yaml:\n        lr: 0.1\n    outs:\n    - path: o\n"                \
	"      hash: md5\n      md5: " B "\n      size: 2\n"                             \
	"  # of a stage that is gone\n  old:\n    cmd: was\n    outs:\n"                 \
	"    - path: d\n      md5: d751713988987e9331980363e24189ce.dir\n"

static const char *const files[] = {
	"a.dvc",
	"outs:\n- md5: " A "\n  hash: md5\n  path: a\n",
	"d.dvc",
	"outs:\n- md5: " A ".dir\n  hash: md5\n  path: d\n",
	"d/inner.dvc",
	"this: is data, not metadata\n",
	"dvc.lock",
	LOCK,
	"dvc.yaml",
	"stages:\n  s:\n    cmd: run\n    deps: [in]\n    params: [lr]\n"
	"    outs: [o]\n  g:\n    foreach: [x, y]\n    do:\n"
	"      cmd: c ${item}\n      deps: [o]\n      outs: [\"p/${item}\"]\n",
	"sub/b.dvc",
	"outs:\n- md5: " B "\n  hash: md5\n  path: b\n",
	"sub/dvc.yaml",
	"stages:\n  t:\n    cmd: run\n    outs: [t.out]\n",
	NULL,
};

static void collected(struct collection *c, const char *const *v, unsigned flags)
{
	struct tree *t;
	struct err e = {0};

	assert_int_equal(tree_open_memory(&t, v, &e), 0);
	if (collect(t, flags, c, &e) < 0)
		fail_msg("%s", e.text);
	tree_free(t);
}

static void everything_is_found_and_outputs_are_not_searched(void **state)
{
	struct collection c = {0};
	struct stage *s;

	(void)state;
	collected(&c, files, COLLECT_LOCKS | COLLECT_CHECK);
	assert_int_equal(c.stages.nr, 7);
	s = stages_find(&c.stages, "dvc.yaml", "s");
	assert_non_null(s);
	assert_true(s->in_lock);
	assert_string_equal(s->lock_cmd[0], "run");
	assert_string_equal(s->outs[0].at.hash_text, B);
	assert_int_equal(s->deps_nr, 2);
	assert_true(s->deps[1].is_params);
	assert_string_equal(s->deps[1].params[0].key, "lr");
	assert_non_null(s->deps[1].params[0].value);
	assert_non_null(stages_find(&c.stages, "dvc.yaml", "g@x"));
	assert_non_null(stages_out_at(&c.stages, "sub/t.out"));
	/* in, o, and what a stage that is gone made */
	assert_int_equal(c.lock_digests.nr, 3);
	assert_true(c.lock_digests.v[2].oid.is_dir);
	assert_int_equal(c.lock_digests.v[2].oid.algo, OID_LEGACY);
	collection_release(&c);
}

static void a_file_caught_half_written_is_suspect(void **state)
{
	static const char *const empty[] = {"a.dvc", "", NULL};
	static const char *const half[] = {"a.dvc", "outs:\n- md5: [\n", NULL};
	struct collection c = {0};
	struct err e = {0};
	struct tree *t;

	(void)state;
	assert_int_equal(tree_open_memory(&t, empty, &e), 0);
	assert_int_equal(collect(t, 0, &c, &e), ERR_CORRUPT);
	assert_string_equal(c.suspect.v[0], "a.dvc");
	collection_release(&c);
	assert_int_equal(collect(t, COLLECT_LOCKED, &c, &e), 0);
	assert_int_equal(c.empty.nr, 1);
	assert_int_equal(c.stages.nr, 1);
	collection_release(&c);
	tree_free(t);
	assert_int_equal(tree_open_memory(&t, half, &e), 0);
	assert_int_equal(collect(t, 0, &c, &e), ERR_CORRUPT);
	assert_int_equal(c.suspect.nr, 1);
	collection_release(&c);
	assert_int_equal(collect(t, COLLECT_LOCKED, &c, &e), ERR_CORRUPT);
	assert_int_equal(c.suspect.nr, 0);
	collection_release(&c);
	tree_free(t);
}

/* "stage", "stage out", "stage out inside" of each target, joined by ";". */
static char *resolve(const char *const *v, size_t nr, const char *cwd, unsigned flags)
{
	struct target_request q = {v, nr, cwd, flags};
	struct collection c = {0};
	struct targets t = {0};
	struct buf b = {0};
	struct err e = {0};
	struct tree *tree;
	char line[4200];

	assert_int_equal(tree_open_memory(&tree, files, &e), 0);
	if (collect_targets(tree, &q, 0, &c, &t, &e) < 0) {
		err_format(&e, line, sizeof(line));
		buf_addf(&b, "! %s", line);
	}
	for (size_t i = 0; i < t.nr; i++) {
		if (i)
			buf_addc(&b, ';');
		stage_addressing(t.v[i].stage, "", &b);
		if (t.v[i].out)
			buf_addf(&b, " %s", t.v[i].out->at.path);
		if (t.v[i].inside)
			buf_addf(&b, " %s", t.v[i].inside);
	}
	targets_release(&t);
	collection_release(&c);
	tree_free(tree);
	return buf_detach(&b);
}

static void means(const char *target, const char *cwd, unsigned flags, const char *want)
{
	char *got = resolve(&target, 1, cwd, flags);

	assert_string_equal(got, want);
	free(got);
}

static void targets_mean_what_dvc_takes_them_for(void **state)
{
	static const char *const two[] = {"a", "a.dvc", "a"};
	char *got;

	(void)state;
	means("a.dvc", "", 0, "a.dvc");
	means("s", "", 0, "s");
	means("g", "", 0, "g@x;g@y");
	means("g@y", "", 0, "g@y");
	means("dvc.yaml:s", "", 0, "s");
	means("dvc.yaml", "", 0, "s;g@x;g@y");
	means(":s", "", 0, "s");
	means("sub/dvc.yaml:t", "", 0, "sub/dvc.yaml:t");
	means("a", "", 0, "a.dvc a");
	means("d/x/y", "", 0, "d.dvc d x/y");
	means("d/", "", 0, "d.dvc d");
	means("b", "sub", 0, "sub/b.dvc sub/b");
	means("../a", "sub", 0, "a.dvc a");
	means("t", "sub", 0, "sub/dvc.yaml:t");
	means("p/x", "", 0, "g@x p/x");
	means("sub", "", TARGET_RECURSIVE, "sub/b.dvc;sub/dvc.yaml:t");
	means("g@x", "", TARGET_WITH_DEPS, "g@x;s");
	got = resolve(two, 3, "", 0);
	assert_string_equal(got, "a.dvc a;a.dvc");
	free(got);
}

static void unknown_targets_are_told_as_dvc_tells_them(void **state)
{
	(void)state;
	means("nosuch", "", 0,
	      "! 'nosuch' does not exist as an output or a stage name in 'dvc.yaml'");
	means("no.dvc", "", 0, "! 'no.dvc' does not exist");
	means("dvc.lock", "", 0, "! Did you mean: `dvc.yaml`?");
	means("dvc.yaml:zz", "", 0, "! Stage 'zz' not found inside 'dvc.yaml' file");
	means("g@zz", "", TARGET_STAGES,
	      "! Stage 'g@zz' not found inside 'dvc.yaml' file");
	means("a", "", TARGET_STAGES, "! Stage 'a' not found inside 'dvc.yaml' file");
	means("../x", "", 0, "! '../x' is outside of the repository");
}

static void a_named_file_does_not_care_for_broken_ones(void **state)
{
	static const char *const v[] = {"a.dvc", "outs:\n- path: a\n", "b.dvc", "x: [\n",
					NULL};
	static const char *const name[] = {"a.dvc"}, *const out[] = {"a"};
	struct target_request q = {name, 1, "", 0};
	struct collection c = {0};
	struct targets t = {0};
	struct tree *tree;

	(void)state;
	assert_int_equal(tree_open_memory(&tree, v, NULL), 0);
	assert_int_equal(collect_targets(tree, &q, COLLECT_LOCKED, &c, &t, NULL), 0);
	assert_int_equal(t.nr, 1);
	assert_false(c.whole);
	targets_release(&t);
	collection_release(&c);
	q.texts = out;
	assert_int_equal(collect_targets(tree, &q, COLLECT_LOCKED, &c, &t, NULL),
			 ERR_CORRUPT);
	targets_release(&t);
	collection_release(&c);
	tree_free(tree);
}

static void a_lock_entry_is_replaced_and_the_rest_stays(void **state)
{
	struct collection c = {0};
	struct stages mine = {0};
	struct stage *st;
	struct oid oid;
	struct buf b = {0};
	bool changed;
	size_t left;

	(void)state;
	collected(&c, files, 0);
	st = stages_clone(&mine, stages_find(&c.stages, "dvc.yaml", "s"));
	collection_release(&c);
	assert_int_equal(lockfile_edit(st, slice_of(LOCK), &b, &changed, NULL), 0);
	assert_false(changed);
	assert_string_equal(buf_str(&b), LOCK);
	buf_reset(&b);
	assert_true(oid_parse(SLICE_LIT(A), OID_MD5, &oid));
	pinned_set(&mine, &st->outs[0].at, &oid, 5, -1, true);
	assert_int_equal(lockfile_edit(st, slice_of(LOCK), &b, &changed, NULL), 0);
	assert_true(changed);
	assert_non_null(strstr(buf_str(&b),
			       "    - path: o\n      hash: md5\n      md5: " A
			       "\n      size: 5\n      isexec: true\n"
			       "  # of a stage that is gone\n  old:\n"));
	buf_reset(&b);
	assert_int_equal(lockfile_edit(st, SLICE_LIT(""), &b, &changed, NULL), 0);
	assert_string_equal(buf_str(&b),
			    "schema: '2.0'\nstages:\n  s:\n    cmd: run\n    deps:\n"
			    "    - path: in\n      hash: md5\n      md5: " A
			    "\n      size: 5\n    params:\n      params.yaml:\n"
			    "        lr: 0.1\n    outs:\n    - path: o\n      hash: md5\n"
			    "      md5: " A "\n      size: 5\n      isexec: true\n");
	buf_reset(&b);
	assert_int_equal(lockfile_drop(slice_of(LOCK), "dvc.lock", "s", &b, &left, NULL),
			 0);
	assert_int_equal(left, 1);
	assert_null(strstr(buf_str(&b), "path: in"));
	assert_non_null(strstr(buf_str(&b), "  old:\n    cmd: was\n"));
	buf_release(&b);
	stages_release(&mine);
}

static void a_stage_is_added_frozen_and_dropped_in_place(void **state)
{
	static const char old[] = "# top\nstages:\n  s: # mine\n    cmd: run\n"
				  "    outs: [o]\n";
	static const char *const v[] = {"dvc.yaml", old, NULL};
	struct collection c = {0};
	struct buf b = {0}, n = {0};
	struct stage *st;
	size_t left;

	(void)state;
	collected(&c, v, 0);
	st = c.stages.v[0];
	assert_int_equal(dvcyaml_edit(st, slice_of(old), &b, NULL), 0);
	assert_string_equal(buf_str(&b), old);
	buf_reset(&b);
	assert_int_equal(dvcyaml_freeze(st, true, slice_of(old), &b, NULL), 0);
	assert_string_equal(buf_str(&b), "# top\nstages:\n  s: # mine\n    cmd: run\n"
					 "    outs: [o]\n    frozen: true\n");
	assert_int_equal(dvcyaml_freeze(st, false, buf_slice(&b), &n, NULL), 0);
	assert_string_equal(buf_str(&n), old);
	st->name = "t";
	buf_reset(&b);
	assert_int_equal(dvcyaml_edit(st, slice_of(old), &b, NULL), 0);
	assert_string_equal(buf_str(&b),
			    "# top\nstages:\n  s: # mine\n    cmd: run\n    outs: [o]\n"
			    "  t:\n    cmd: run\n    outs:\n    - o\n");
	buf_reset(&n);
	assert_int_equal(dvcyaml_drop(st, buf_slice(&b), &n, &left, NULL), 0);
	assert_int_equal(left, 1);
	st->is_parametrized = true;
	assert_int_equal(dvcyaml_edit(st, slice_of(old), &b, NULL), ERR_INVALID);
	buf_release(&b);
	buf_release(&n);
	collection_release(&c);
}

static int load_text(const char *yaml, const char *params, size_t *nr, struct err *e)
{
	const char *const v[] = {"dvc.yaml", yaml, "params.yaml", params ? params : "",
				 NULL};
	struct stages s = {0};
	struct tree *t;
	int r;

	assert_int_equal(tree_open_memory(&t, v, NULL), 0);
	r = pipeline_load(&s, t, "dvc.yaml", 0, NULL, e);
	if (nr)
		*nr = s.nr;
	stages_release(&s);
	tree_free(t);
	return r;
}

static void explosions_are_bounded(void **state)
{
	struct buf b = {0};
	struct err e = {0};
	size_t nr;

	(void)state;
	/* 100 x 1000 stages are the most there may be */
	buf_adds(&b, "stages:\n  m:\n    matrix:\n      a: [0");
	for (int i = 1; i < 100; i++)
		buf_addf(&b, ", %d", i);
	buf_adds(&b, "]\n      b: [0");
	for (int i = 1; i < 1000; i++)
		buf_addf(&b, ", %d", i);
	buf_adds(&b, "]\n    cmd: run ${key}\n");
	assert_int_equal(load_text(buf_str(&b), NULL, &nr, &e), 0);
	assert_int_equal(nr, 100000);
	buf_adds(&b, "  one:\n    cmd: more\n");
	assert_int_equal(load_text(buf_str(&b), NULL, &nr, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "more than 100000 stages"));
	assert_int_equal(nr, 0);

	buf_reset(&b);
	buf_adds(&b, "stages:\n  m:\n    matrix:\n");
	for (int i = 0; i < 40; i++)
		buf_addf(&b, "      a%d: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n", i);
	buf_adds(&b, "    cmd: x\n");
	assert_int_equal(load_text(buf_str(&b), NULL, &nr, &e), ERR_INVALID);

	/* a text of many large values */
	buf_reset(&b);
	buf_adds(&b, "x: ");
	buf_fill(&b, 'a', 100000);
	{
		struct buf yaml = {0};

		buf_adds(&yaml, "stages:\n  s:\n    cmd: run");
		for (int i = 0; i < 1000; i++)
			buf_adds(&yaml, " ${x}");
		assert_int_equal(load_text(buf_str(&yaml), buf_str(&b), &nr, &e),
				 ERR_INVALID);
		assert_non_null(strstr(e.text, "passes"));
		buf_reset(&yaml);
		buf_adds(&yaml, "stages:\n  s:\n    foreach: [0");
		for (int i = 1; i < 10000; i++)
			buf_addf(&yaml, ", %d", i);
		buf_adds(&yaml, "]\n    do:\n      cmd: ${x} ${x}\n");
		assert_int_equal(load_text(buf_str(&yaml), buf_str(&b), &nr, &e),
				 ERR_INVALID);
		buf_reset(&yaml);
		/* an unclosed token costs its length, not its square */
		buf_adds(&yaml, "stages:\n  s:\n    cmd: '");
		for (int i = 0; i < 300000; i++)
			buf_adds(&yaml, "${");
		buf_adds(&yaml, "'\n");
		assert_int_equal(load_text(buf_str(&yaml), NULL, &nr, &e), 0);
		buf_release(&yaml);
	}
	buf_release(&b);
}

static void locks_are_strict(void **state)
{
	static const char *const bad[] = {
		"",
		"stages: {}\n",
		"schema: '1.0'\nstages: {}\n",
		"schema: '2.0'\nmore: 1\n",
		"schema: '2.0'\nstages:\n  s:\n    outs: []\n",
		"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - md5: " A "\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *const v[] = {"dvc.lock", bad[i], "dvc.yaml",
					 "stages:\n  s:\n    cmd: x\n", NULL};
		struct collection c = {0};
		struct tree *t;
		struct err e = {0};

		assert_int_equal(tree_open_memory(&t, v, NULL), 0);
		assert_int_equal(collect(t, COLLECT_LOCKED, &c, &e), ERR_CORRUPT);
		assert_non_null(strstr(e.text, "dvc.lock"));
		collection_release(&c);
		tree_free(t);
	}
}

static void cycles_and_stages_within_outputs_are_found(void **state)
{
	static const char *const loop[] = {
		"dvc.yaml",
		"stages:\n  a:\n    cmd: x\n    deps: [q/in]\n    outs: [p]\n  b:\n"
		"    cmd: y\n    deps: [p]\n    outs: [q]\n",
		NULL};
	static const char *const inside[] = {"d/x.dvc", "outs:\n- path: x\n",
					     "z/dvc.yaml",
					     "stages:\n  a:\n    cmd: x\n    wdir: ..\n"
					     "    outs: [d]\n",
					     NULL};
	struct collection c = {0};
	struct err e = {0};

	(void)state;
	collected(&c, loop, COLLECT_CHECK);
	assert_int_equal(stages_check(&c.stages, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "Same item(s) are defined as both"));
	collection_release(&c);
	collected(&c, inside, 0);
	assert_int_equal(stages_check_outs(&c.stages, &e), ERR_INVALID);
	collection_release(&c);
}

static void the_workspace_is_walked_as_dvc_walks_it(void **state)
{
	char dir[] = "/tmp/lode-collect-XXXXXX";
	struct collection c = {0};
	struct ignore *ig;
	struct tree *t;
	struct tree_workspace o = {.root = dir};
	struct strvec found = {0};
	static const char *const texts[][2] = {
		{"a.dvc", "outs:\n- path: a\n"},
		{".dvcignore", "hidden\n"},
		{"hidden/x.dvc", "broken: [\n"},
		{".dvc/x.dvc", "broken: [\n"},
		{"repo/.dvc/config", ""},
		{"repo/x.dvc", "broken: [\n"},
		{"s/b.dvc", "outs:\n- path: b\n"},
		{"s/.c.txt", ""},
		{"s/c.txt", ""},
	};
	static const char *const pats[] = {"s/*", "**/b.dvc", "zz*"};
	struct err e = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	o.rootfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *path = xstrdup(texts[i][0]), *slash = strrchr(path, '/');

		if (slash) {
			*slash = '\0';
			assert_int_equal(fs_mkdirs(o.rootfd, path, 0, NULL), 0);
		}
		assert_int_equal(fs_write(o.rootfd, texts[i][0], slice_of(texts[i][1]),
					  0666, FS_SYNC_NONE, NULL),
				 0);
		free(path);
	}
	assert_int_equal(ignore_open(&ig, o.rootfd, dir, NULL), 0);
	o.ignore = ig;
	assert_int_equal(tree_open_workspace(&t, &o, NULL), 0);
	if (collect(t, COLLECT_CHECK, &c, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(c.stages.nr, 2);
	collection_release(&c);
	assert_int_equal(targets_glob(o.rootfd, pats, 1, &found, NULL), 0);
	assert_int_equal(found.nr, 2);
	assert_string_equal(found.v[0], "s/b.dvc");
	strvec_release(&found);
	assert_int_equal(targets_glob(o.rootfd, pats + 1, 1, &found, NULL), 0);
	assert_int_equal(found.nr, 1);
	assert_string_equal(found.v[0], "s/b.dvc");
	strvec_release(&found);
	assert_int_equal(targets_glob(o.rootfd, pats + 2, 1, &found, &e), ERR_INVALID);
	assert_string_equal(e.text, "Glob ['zz*'] has no matches.");
	/* an output that .dvcignore hides stops every command that loads its file */
	assert_int_equal(fs_write(o.rootfd, ".dvcignore", SLICE_LIT("a\n"), 0666,
				  FS_SYNC_NONE, NULL),
			 0);
	ignore_forget(ig);
	assert_int_equal(collect(t, 0, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "is ignored by .dvcignore:1:a"));
	collection_release(&c);
	strvec_release(&found);
	tree_free(t);
	ignore_free(ig);
	close(o.rootfd);
	assert_int_equal(fs_remove_tree(AT_FDCWD, dir, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_found_and_outputs_are_not_searched),
		cmocka_unit_test(a_file_caught_half_written_is_suspect),
		cmocka_unit_test(targets_mean_what_dvc_takes_them_for),
		cmocka_unit_test(unknown_targets_are_told_as_dvc_tells_them),
		cmocka_unit_test(a_named_file_does_not_care_for_broken_ones),
		cmocka_unit_test(a_lock_entry_is_replaced_and_the_rest_stays),
		cmocka_unit_test(a_stage_is_added_frozen_and_dropped_in_place),
		cmocka_unit_test(explosions_are_bounded),
		cmocka_unit_test(locks_are_strict),
		cmocka_unit_test(cycles_and_stages_within_outputs_are_found),
		cmocka_unit_test(the_workspace_is_walked_as_dvc_walks_it),
	};

	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
