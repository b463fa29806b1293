/* What DVC made of the same pipelines, case by case. */
#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/fmt/json.h"
#include "store/fmt/value.h"
#include "store/meta/pipeline.h"
#include "store/meta/tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define CASES "tests/golden/data/resolve"

static const char *text(const struct value *v)
{
	return value_text(v, "");
}

static bool truth(const struct value *v, bool def)
{
	return value_is(v, VALUE_BOOL) ? v->b : def;
}

static void say(const char *name, const char *what, const char *a, const char *b)
{
	fprintf(stderr, "%s: %s: '%s' is not '%s'\n", name, what, a, b);
}

static int same_cmd(const char *name, const struct stage *st, const struct value *v)
{
	struct buf b = {0};
	int bad = 0;

	if (!value_truthy(v))
		return st->cmd ? 1 : 0;
	if (v->kind == VALUE_STR) {
		if (!st->cmd || st->cmd_is_list || strcmp(st->cmd[0], v->text.p) != 0) {
			say(name, "cmd", st->cmd ? st->cmd[0] : "none", v->text.p);
			return 1;
		}
		return 0;
	}
	if (v->kind != VALUE_LIST)
		return st->cmd ? 0 : 1; /* a number or a map cannot run */
	for (size_t i = 0; i < v->nr; i++) {
		buf_reset(&b);
		value_str_python(v->items[i], &b);
		if (!st->cmd || !st->cmd[i] || strcmp(st->cmd[i], buf_str(&b)) != 0) {
			say(name, "cmd", st->cmd ? st->cmd[0] : "none", buf_str(&b));
			bad = 1;
			break;
		}
	}
	buf_release(&b);
	return bad;
}

/* The path as dvc.lock has it. */
static void path_of(const struct pinned *p, struct buf *out)
{
	buf_adds(out, p->text);
}

static int same_params(const char *name, const struct dep *d, const struct value *want)
{
	if (!want)
		return d->is_params ? 1 : 0;
	if (!d->is_params || (!d->whole_file && d->params_nr != want->nr)) {
		say(name, "params of", d->at.text, "the golden ones");
		return 1;
	}
	for (size_t i = 0; !d->whole_file && i < want->nr; i++) {
		struct buf b = {0};
		int c;

		value_str_python(want->items[i], &b);
		c = strcmp(buf_str(&b), d->params[i].key);
		buf_release(&b);
		if (c != 0) {
			say(name, "param", d->params[i].key, text(want->items[i]));
			return 1;
		}
	}
	return 0;
}

static int same_deps(const char *name, const struct stage *st, const struct value *want)
{
	struct buf b = {0};
	int bad = 0;

	if (st->deps_nr != want->nr) {
		fprintf(stderr, "%s: %zu deps, not %zu\n", name, st->deps_nr, want->nr);
		return 1;
	}
	for (size_t i = 0; i < want->nr; i++) {
		const struct value *v = want->items[i];

		buf_reset(&b);
		path_of(&st->deps[i].at, &b);
		if (strcmp(buf_str(&b), text(value_get(v, "path"))) != 0) {
			say(name, "dep", buf_str(&b), text(value_get(v, "path")));
			bad = 1;
		}
		bad |= same_params(name, &st->deps[i], value_get(v, "params"));
	}
	buf_release(&b);
	return bad;
}

static int same_out(const char *name, const struct out *o, const struct value *v)
{
	const struct value *annot = value_get(v, "annot");
	struct buf b = {0};
	int bad = 0;

	path_of(&o->at, &b);
	if (strcmp(buf_str(&b), text(value_get(v, "path"))) != 0) {
		say(name, "out", buf_str(&b), text(value_get(v, "path")));
		bad = 1;
	}
	bad |= o->cache != truth(value_get(v, "cache"), true);
	bad |= o->persist != truth(value_get(v, "persist"), false);
	bad |= o->push != truth(value_get(v, "push"), true);
	bad |= o->is_metric != value_truthy(value_get(v, "metric"));
	bad |= o->is_plot != value_truthy(value_get(v, "plot"));
	bad |= strcmp(o->remote ? o->remote : "", text(value_get(v, "remote"))) != 0;
	bad |= strcmp(o->desc ? o->desc : "", text(value_get(annot, "desc"))) != 0;
	bad |= strcmp(o->type ? o->type : "", text(value_get(annot, "type"))) != 0;
	if (bad)
		fprintf(stderr, "%s: flags of out '%s'\n", name, buf_str(&b));
	buf_release(&b);
	return bad;
}

static int same_stage(const char *name, const struct stage *st, const struct value *want)
{
	const struct value *outs = value_get(want, "outs");
	const char *wdir = text(value_get(want, "wdir"));
	int bad = same_cmd(name, st, value_get(value_get(want, "data"), "cmd"));

	if (strcmp(st->wdir[0] ? st->wdir : ".", wdir) != 0) {
		say(name, "wdir", st->wdir, wdir);
		bad = 1;
	}
	bad |= same_deps(name, st, value_get(want, "deps"));
	if (st->outs_nr != outs->nr) {
		fprintf(stderr, "%s: %zu outs, not %zu\n", name, st->outs_nr, outs->nr);
		return 1;
	}
	for (size_t i = 0; i < outs->nr; i++)
		bad |= same_out(name, &st->outs[i], outs->items[i]);
	return bad;
}

/* The first error that DVC gives: of the file, or of one of its stages. */
static const struct value *golden_error(const struct value *want)
{
	const struct value *stages = value_get(want, "stages");

	if (value_get(want, "error"))
		return want;
	for (size_t i = 0; stages && i < stages->nr; i++)
		if (value_get(stages->pairs[i].value, "error"))
			return stages->pairs[i].value;
	return NULL;
}

/* pyparsing's own sentence differs from version to version. */
static size_t comparable(const char *s)
{
	const char *p = strstr(s, "ParseException");

	return p ? (size_t)(p - s) : strlen(s);
}

static const char *const better[] = {"stage-name-at", "deps-unknown-remote",
				     "matrix-empty"};

static int same_error(const char *name, const struct value *golden, int r,
		      const struct err *e)
{
	const char *want = text(value_get(golden, "error"));
	char got[4200];

	err_format(e, got, sizeof(got));
	/* What DVC cannot load for a reason of its own, we can. */
	for (size_t i = 0; i < ARRAY_SIZE(better); i++)
		if (strcmp(name, better[i]) == 0)
			return r < 0;
	if (r == 0) {
		fprintf(stderr, "%s: loads, but DVC says: %s\n", name, want);
		return 1;
	}
	if (strcmp(text(value_get(golden, "kind")), "ResolveError") != 0)
		return 0;
	if (comparable(want) != comparable(got) ||
	    strncmp(want, got, comparable(want)) != 0) {
		say(name, "error", got, want);
		return 1;
	}
	return 0;
}

static unsigned flags_of(int fd)
{
	struct buf b = {0};
	unsigned flags = 0;

	if (fs_read(fd, "config", 0, &b, NULL) == 0) {
		if (strstr(buf_str(&b), "boolean_optional"))
			flags |= PIPELINE_BOOL_OPTIONAL;
		if (strstr(buf_str(&b), "append"))
			flags |= PIPELINE_LIST_APPEND;
	}
	buf_release(&b);
	return flags;
}

static int run_case(const char *name)
{
	char *dir = xasprintf("%s/%s", CASES, name);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r, bad = 0;
	char *root = fs_real(dir, NULL);
	struct tree_workspace o = {.root = root, .rootfd = fd};
	const struct value *stages, *golden;
	struct stages s = {0};
	struct arena a = {0};
	struct value *want;
	struct buf json = {0};
	struct tree *t;
	struct err e = {0};

	assert_true(fd >= 0);
	assert_int_equal(fs_read(fd, "expected.json", 0, &json, &e), 0);
	assert_int_equal(json_read(buf_slice(&json), name, &a, &want, &e), 0);
	assert_int_equal(tree_open_workspace(&t, &o, &e), 0);
	s.root = root;
	r = pipeline_load(&s, t, text(value_get(want, "file")), flags_of(fd), NULL, &e);
	if ((golden = golden_error(want))) {
		bad = same_error(name, golden, r, &e);
		goto out;
	}
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", name, e.text);
		bad = 1;
		goto out;
	}
	stages = value_get(want, "stages");
	if (s.nr != stages->nr) {
		fprintf(stderr, "%s: %zu stages, not %zu\n", name, s.nr, stages->nr);
		bad = 1;
	}
	for (size_t i = 0; i < stages->nr && i < s.nr; i++) {
		char *full = xasprintf("%s:%s", name, text(stages->pairs[i].key));

		if (strcmp(s.v[i]->name, text(stages->pairs[i].key)) != 0) {
			say(full, "name", s.v[i]->name, text(stages->pairs[i].key));
			bad = 1;
		} else {
			bad |= same_stage(full, s.v[i], stages->pairs[i].value);
		}
		free(full);
	}
out:
	tree_free(t);
	stages_release(&s);
	arena_release(&a);
	buf_release(&json);
	free(root);
	free(dir);
	close(fd);
	return bad;
}

static void every_golden_pipeline_resolves_as_dvc_resolves_it(void **state)
{
	struct fs_dirent ent;
	struct fs_dir *d;
	size_t nr = 0, bad = 0;

	(void)state;
	assert_int_equal(fs_dir_open(&d, AT_FDCWD, CASES, NULL), 0);
	while (fs_dir_next(d, &ent, NULL) > 0) {
		bad += (size_t)run_case(ent.name);
		nr++;
	}
	fs_dir_close(d);
	assert_true(nr > 100);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_golden_pipeline_resolves_as_dvc_resolves_it),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
