/* Stages made by a program. Expectations are what DVC 3.67.1 wrote when told the
 * same by `stage add`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pipeline.h"
#include "store/meta/stage.h"
#include "store/meta/stage_spec.h"

#include <string.h>

#define TEXT(...) ((const char *const[]){__VA_ARGS__})
#define TRAIN_YAML                                                                       \
	"  train:\n    cmd: lode train train.yaml\n    deps:\n    - a.csv\n"             \
	"    - tr.csv\n    params:\n    - lr\n    - q.yaml:\n      - y\n      - z\n"     \
	"    - w.yaml:\n    outs:\n    - model.json\n    - model.run.json:\n"            \
	"        cache: false\n    metrics:\n    - model.metrics.json:\n"                \
	"        cache: false\n    plots:\n    - dv/plots:\n        cache: false\n"

static const struct stage_spec_params train_params[] = {
	{"w.yaml", NULL, 0},
	{"q.yaml", TEXT("z", "y"), 2},
	{"params.yaml", TEXT("lr"), 1},
};
static const struct stage_spec_out train_outs[] = {
	{.path = "model.run.json", .no_cache = true},
	{.path = "model.json"},
	{.path = "model.metrics.json", .kind = STAGE_SPEC_METRIC, .no_cache = true},
	{.path = "dv/plots", .kind = STAGE_SPEC_PLOT, .no_cache = true},
};

static const char *const train_cmd[] = {"lode train train.yaml"};
static const char *const train_deps[] = {"tr.csv", "a.csv"};

static struct stage_spec train_spec(void)
{
	return (struct stage_spec){
		.file = "dvc.yaml",
		.name = "train",
		.cmd = train_cmd,
		.cmd_nr = 1,
		.deps = train_deps,
		.deps_nr = 2,
		.params = train_params,
		.params_nr = 3,
		.outs = train_outs,
		.outs_nr = 4,
	};
}

static void written(const struct stage_spec *spec, const char *old, const char *want)
{
	struct stages s = {0};
	struct stage *st = NULL;
	struct buf b = {0};
	struct err e = {0};

	assert_int_equal(stage_from_spec(&s, spec, &st, &e), 0);
	assert_int_equal(dvcyaml_edit(st, slice_of(old), &b, &e), 0);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
	stages_release(&s);
}

static void a_new_file_has_dvcs_bytes(void **state)
{
	struct stage_spec spec = train_spec();

	(void)state;
	written(&spec, "", "stages:\n" TRAIN_YAML);
}

static void stages_are_appended_with_dvcs_bytes(void **state)
{
	const struct stage_spec_out outs[] = {{.path = "b.out"},
					      {.path = "p.out", .persist = true}};
	struct stage_spec spec = {
		.file = "dvc.yaml",
		.name = "b",
		.desc = "a thing",
		.wdir = ".",
		.cmd = TEXT("cp a.csv b.out # comment: very long command that surely "
			    "folds past the eightieth column of the file"),
		.cmd_nr = 1,
		.deps = TEXT("a.csv"),
		.deps_nr = 1,
		.outs = outs,
		.outs_nr = 2,
	};

	(void)state;
	written(&spec, "stages:\n" TRAIN_YAML,
		"stages:\n" TRAIN_YAML
		"  b:\n    desc: a thing\n    cmd: 'cp a.csv b.out # comment: very long "
		"command that surely folds past the eightieth\n      column of the file'\n"
		"    deps:\n    - a.csv\n    outs:\n    - b.out\n    - p.out:\n"
		"        persist: true\n");
}

static void a_replaced_stage_keeps_notes_and_comments(void **state)
{
	static const char old[] =
		"# my file\nstages:\n  train:   # keep\n    cmd: old\n    desc: mine\n"
		"    meta: {a: 1}\n    deps: [a.csv]\n    outs:\n    - model.json:\n"
		"        desc: the model\n        push: false\n  z:\n    cmd: z\n";
	struct stage_spec spec = train_spec();
	struct stages s = {0}, was = {0};
	struct stage *st = NULL;
	struct value *meta;
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	spec.params_nr = 0;
	spec.outs = (const struct stage_spec_out[]){{.path = "model.json"},
						    {.path = "model.metrics.json",
						     .kind = STAGE_SPEC_METRIC,
						     .no_cache = true}};
	spec.outs_nr = 2;
	assert_int_equal(stage_from_spec(&was, &spec, &st, &e), 0);
	st->desc = arena_strdup(&was.arena, "mine");
	meta = value_map(&was.arena);
	value_set(&was.arena, meta, "a", value_int(&was.arena, 1));
	st->meta = meta;
	st->outs[0].desc = arena_strdup(&was.arena, "the model");
	st->outs[0].push = false;
	assert_int_equal(stage_from_spec(&s, &spec, &st, &e), 0);
	stage_keep_notes(&s, st, was.v[0]);
	stages_release(&was); /* nothing may point into it */
	assert_int_equal(dvcyaml_edit(st, slice_of(old), &b, &e), 0);
	assert_string_equal(
		buf_str(&b),
		"# my file\nstages:\n  train:   # keep\n    cmd: lode train train.yaml\n"
		"    desc: mine\n    meta: {a: 1}\n    deps: [a.csv, tr.csv]\n    outs:\n"
		"    - model.json:\n        desc: the model\n        push: false\n"
		"    metrics:\n    - model.metrics.json:\n        cache: false\n  z:\n"
		"    cmd: z\n");
	buf_release(&b);
	stages_release(&s);
}

static void refused(const struct stage_spec *spec, const char *why)
{
	struct stages s = {0};
	struct stage *st = NULL;
	struct err e = {0};

	assert_int_equal(stage_from_spec(&s, spec, &st, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, why));
	assert_null(st);
	stages_release(&s);
}

static void what_stage_add_refuses_is_refused(void **state)
{
	struct stage_spec spec = train_spec();

	(void)state;
	spec.name = "a.b";
	refused(&spec, "punctuation");
	spec.name = "";
	refused(&spec, "punctuation");
	spec = train_spec();
	spec.cmd_nr = 0;
	refused(&spec, "command is not specified");
	spec = train_spec();
	spec.deps = TEXT("tr.csv", "./x/../model.json");
	refused(&spec, "is specified as an output and as a dependency");
	spec.deps = TEXT("tr.csv", "./tr.csv");
	refused(&spec, "more than once");
	spec.deps = TEXT("tr.csv", "dvc.yaml");
	refused(&spec, "cannot be a dependency");
	spec = train_spec();
	spec.outs = (const struct stage_spec_out[]){{.path = "../m"}};
	spec.outs_nr = 1;
	refused(&spec, "outside of the repository");
	spec.outs = (const struct stage_spec_out[]){{.path = "m"}, {.path = "m"}};
	spec.outs_nr = 2;
	refused(&spec, "more than once");
}

/* Both are the first of their sets: what tells them apart is not that number. */
static void a_graph_of_several_sets_has_no_false_cycle(void **state)
{
	const char *const data[] = {"md5"};
	struct stage_spec train = train_spec();
	struct stage_spec make = {
		.file = "dvc.yaml",
		.name = "make",
		.cmd = data,
		.cmd_nr = 1,
		.outs = (const struct stage_spec_out[]){{.path = "tr.csv"}},
		.outs_nr = 1,
	};
	struct stages a = {0}, b = {0}, all = {0};
	struct stage *first = NULL, *second = NULL;
	struct err e = {0};

	(void)state;
	train.params_nr = 0;
	assert_int_equal(stage_from_spec(&a, &make, &first, &e), 0);
	assert_int_equal(stage_from_spec(&b, &train, &second, &e), 0);
	vec_push(&all, first);
	vec_push(&all, second);
	stages_index(&all);
	assert_int_equal(stages_check(&all, &e), 0);
	/* A real one is still found, and named. */
	make.deps = (const char *const[]){"model.json"};
	make.deps_nr = 1;
	assert_int_equal(stage_from_spec(&a, &make, &first, &e), 0);
	all.v[0] = first;
	stages_index(&all);
	assert_int_equal(stages_check(&all, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "make"));
	assert_non_null(strstr(e.text, "train"));
	stages_release(&all);
	stages_release(&a);
	stages_release(&b);
}

static void a_lock_entry_has_dvcs_bytes(void **state)
{
	struct stage_spec spec = train_spec();
	struct stages s = {0};
	struct stage *st = NULL;
	struct buf b = {0};
	struct oid oid;
	bool changed = false;

	(void)state;
	spec.params_nr = 0;
	assert_int_equal(stage_from_spec(&s, &spec, &st, NULL), 0);
	assert_true(
		oid_parse(SLICE_LIT("401b30e3b8b5d629635a5c613cdb7919"), OID_MD5, &oid));
	for (size_t i = 0; i < st->deps_nr; i++)
		pinned_set(&s, &st->deps[i].at, &oid, 2, -1, false);
	for (size_t i = 0; i < st->outs_nr; i++)
		pinned_set(&s, &st->outs[i].at, &oid, 2, -1, false);
	oid.is_dir = true;
	pinned_set(&s, &st->outs[3].at, &oid, 5, 2, false);
	assert_int_equal(lockfile_edit(st, SLICE_LIT(""), &b, &changed, NULL), 0);
	assert_true(changed);
#define ITEM(p, md5, n)                                                                  \
	"    - path: " p "\n      hash: md5\n      md5: " md5 "\n      size: " n "\n"
#define X "401b30e3b8b5d629635a5c613cdb7919"
	assert_string_equal(
		buf_str(&b),
		"schema: '2.0'\nstages:\n  train:\n    cmd: lode train train.yaml\n"
		"    deps:\n" ITEM("a.csv", X, "2")
			ITEM("tr.csv", X, "2") "    outs:\n" ITEM(
				"dv/plots", X ".dir",
				"5") "      nfiles: 2\n" ITEM("model.json", X, "2")
				ITEM("model.metrics.json", X, "2")
					ITEM("model.run.json", X, "2"));
	buf_release(&b);
	stages_release(&s);
}

static void words_are_joined_as_dvc_joins_them(void **state)
{
	struct buf b = {0};

	(void)state;
	stage_join_command(TEXT("cp", "a b", "", "c"), 4, &b);
	assert_string_equal(buf_str(&b), "cp \"a b\" \"\" c");
	buf_reset(&b);
	stage_join_command(TEXT("cp a b"), 1, &b);
	assert_string_equal(buf_str(&b), "cp a b");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_file_has_dvcs_bytes),
		cmocka_unit_test(stages_are_appended_with_dvcs_bytes),
		cmocka_unit_test(a_replaced_stage_keeps_notes_and_comments),
		cmocka_unit_test(what_stage_add_refuses_is_refused),
		cmocka_unit_test(a_graph_of_several_sets_has_no_false_cycle),
		cmocka_unit_test(a_lock_entry_has_dvcs_bytes),
		cmocka_unit_test(words_are_joined_as_dvc_joins_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
