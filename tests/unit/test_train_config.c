/* train.yaml: what is read, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/buf.h"
#include "store/base/err.h"
#include "train/core/table.h"
#include "train/run/config.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST                                                                         \
	"data: tr.csv\ntarget: y\nseed: 7\n"                                             \
	"model: {type: gbt, objective: binary, trees: 100, max_leaves: 63,\n"            \
	"  learning_rate: 0.1, max_bin: 255, lambda: 1, min_child_weight: 1}\n"          \
	"out: model.json\n"

static void refused_with(const char *text, const char *const *over, size_t nr,
			 const char *why)
{
	struct train_config c = {0};
	struct err e = {0};
	char all[4096];

	assert_int_equal(config_read(&c, "train.yaml", slice_of(text), over, nr, &e),
			 ERR_INVALID);
	err_format(&e, all, sizeof(all));
	if (!strstr(all, why))
		print_error("said: %s\n", all);
	assert_non_null(strstr(all, why));
	assert_null(c.out);
	config_release(&c);
}

static void refused(const char *text, const char *why)
{
	refused_with(text, NULL, 0, why);
}

static void accepted(struct train_config *c, const char *text, const char *const *over,
		     size_t nr)
{
	struct err e = {0};

	*c = (struct train_config){0};
	if (config_read(c, "train.yaml", slice_of(text), over, nr, &e) < 0)
		fail_msg("%s", e.text);
}

static void the_smallest_file_is_enough(void **state)
{
	struct train_config c;

	(void)state;
	accepted(&c, SMALLEST, NULL, 0);
	assert_int_equal(c.data.nr, 1);
	assert_string_equal(c.data.v[0], "tr.csv");
	assert_string_equal(c.target, "y");
	assert_int_equal(c.params.seed, 7);
	assert_int_equal(c.params.type, MODEL_GBT);
	assert_int_equal(c.params.objective, OBJ_BINARY);
	assert_int_equal(c.params.trees, 100);
	assert_int_equal(c.params.max_leaves, 63);
	assert_true(c.params.learning_rate == 0.1);
	assert_true(c.params.lambda == 1);
	assert_true(c.params.min_child_weight == 1);
	/* given alone, it replaces the other limit */
	assert_int_equal(c.params.min_data_in_leaf, 1);
	assert_string_equal(c.out, "model.json");
	assert_string_equal(c.out_metrics, "model.metrics.json");
	assert_string_equal(c.out_record, "model.run.json");
	assert_string_equal(c.live, "dvclive/model");
	assert_string_equal(c.stage, "train");
	config_release(&c);
}

static void defaults_follow_from_each_other(void **state)
{
	struct train_config c;

	(void)state;
	accepted(&c,
		 "data: [a.csv, b.csv]\ntarget: y\nmodel: {objective: l2, grow: depth, "
		 "bagging_fraction: 0.5}\nlive: false\nout: m/churn\nstage: s\n",
		 NULL, 0);
	assert_int_equal(c.params.max_depth, 6);
	assert_int_equal(c.params.bagging_freq, 1);
	assert_int_equal(c.params.min_data_in_leaf, 20);
	assert_null(c.live);
	assert_string_equal(c.out_metrics, "m/churn.metrics.json");
	assert_string_equal(c.stage, "s");
	config_release(&c);
	accepted(&c, "data: a.csv\ntarget: y\nmodel: {type: logistic, l2: 3}\n", NULL, 0);
	assert_int_equal(c.params.type, MODEL_LINEAR);
	assert_int_equal(c.params.objective, OBJ_BINARY);
	assert_true(c.params.l2 == 3);
	config_release(&c);
}

static void libsvm_has_its_target_in_place(void **state)
{
	struct train_config c;

	(void)state;
	accepted(&c, "data: [a.svm, b.libsvm.gz]\nmodel: {objective: l2}\n", NULL, 0);
	assert_string_equal(c.target, "label");
	config_release(&c);
	refused("data: [a.svm, b.csv]\nmodel: {objective: l2}\n", "'target' is missing");
	accepted(&c, "data: a.txt\nformat: libsvm\nmodel: {objective: l2}\n", NULL, 0);
	assert_string_equal(c.target, "label");
	config_release(&c);
}

static void unknown_keys_name_the_nearest(void **state)
{
	(void)state;
	refused("data: a\ntarget: y\nsede: 1\n",
		"train.yaml:3: unknown key 'sede'; did you mean 'seed'?");
	refused("data: a\ntarget: y\nmodel:\n  objective: l2\n  max_leavs: 3\n",
		"train.yaml:5: unknown key 'max_leavs'; did you mean 'model.max_leaves'?");
	refused("data: a\ntarget: y\ntrees: 3\n",
		"train.yaml:3: unknown key 'trees'; did you mean 'model.trees'?");
	refused("data: a\nmodel:\n  seed: 3\n", "'seed' stands at the top level");
	refused("data: a\ncolumns:\n  inclde: [x]\n", "did you mean 'columns.include'?");
	refused("data: a\nthreads: 4\n", "use --threads");
	refused("data: a\nqqqqqqqqq: 4\n", "train.yaml:2: unknown key 'qqqqqqqqq'");
	refused("data: a\n5: 4\n", "a key is a whole number");
}

static void wrong_types_and_ranges_are_named(void **state)
{
	(void)state;
	refused("data: a\nmodel: {trees: many}\n",
		"train.yaml:2: 'model.trees' is text, and should be a whole number");
	refused("data: a\nmodel: {trees: 0}\n",
		"'model.trees' is 0, and should be at least 1");
	refused("data: a\nmodel: {max_bin: 256}\n",
		"'model.max_bin' is 256, and should be at least 2 and at most 255");
	refused("data: a\nmodel: {trees: 1.5}\n", "is a number, and should be a whole");
	refused("data: a\nmodel: {trees: true}\n", "is a truth value");
	refused("data: a\nmodel: {learning_rate: 0}\n", "should be above 0");
	refused("data: a\nmodel: {learning_rate: .inf}\n", "a finite number");
	refused("data: a\nmodel: {trees: 99999999999999999999}\n", "at most 10000000");
	refused("data: a\nseed: -1\n", "'seed' is -1");
	refused("data: {a: 1}\n", "'data' is a map, and should be text");
	refused("data: a\nmodel: gbt\n", "'model' is text, and should be a map");
	refused("data: a\nmodel: {objective: binry}\n", "did you mean 'binary'?");
	refused("data: a\nmodel: {type: gtb}\n", "did you mean 'gbt'?");
	refused("data: a\nmodel: {monotone: {x: 2}}\n",
		"'model.monotone.x' should be -1, 0 or 1");
	refused("data: a\ncolumns: {types: {x: cat}}\n", "'columns.types' cannot be");
	refused("data: a\nsplit: 1\n",
		"'split' is 1, and should be at least 0 and below 1");
	refused("- a\n", "holds a list, and should hold a map");
	refused("data: ''\n", "'data' is empty");
}

static void what_does_not_fit_together_is_refused(void **state)
{
	static const char base[] = "data: a\ntarget: y\nmodel: {objective: l2}\n";
	char text[512];

	(void)state;
	refused("", "'data' is missing");
	refused("data: []\n", "'data' is missing");
	refused("data: a\ntarget: y\n", "'model' is missing");
	refused("data: a\ntarget: y\nmodel: {}\n", "'model.objective' is missing");
	refused("data: a\nmodel: {objective: l2}\n", "'target' is missing");
	refused("data: a\ntarget: y\nobjective: l1\nmodel: {objective: l2}\n",
		"two objectives");
	refused("data: a\ntarget: y\nmodel: {objective: l2, l1: 1}\n",
		"'model.l1' is no parameter of type 'gbt'");
	refused("data: a\ntarget: y\nmodel: {type: ridge, trees: 1}\n",
		"'model.trees' is no parameter of type 'ridge'");
	snprintf(text, sizeof(text), "%searly_stopping: 5\n", base);
	refused(text, "needs 'validation' or 'split'");
	snprintf(text, sizeof(text), "%ssplit: 0.2\nvalidation: b\n", base);
	refused(text, "exclude each other");
	snprintf(text, sizeof(text), "%smetrics: [rsme]\n", base);
	refused(text, "unknown metric 'rsme'");
}

static void overrides_are_laid_over_and_sorted(void **state)
{
	static const char *const over[] = {"trees=5",
					   "seed=9",
					   "model.lambda=2.5",
					   "data=[x.csv, y.csv]",
					   "trees=6",
					   "columns.types.a=categorical",
					   "early_stopping={rounds: 3}",
					   "split=0.25"};
	struct train_config c;

	(void)state;
	accepted(&c, SMALLEST, over, 8);
	assert_int_equal(c.params.trees, 6);
	assert_int_equal(c.params.seed, 9);
	assert_true(c.params.lambda == 2.5);
	assert_int_equal(c.data.nr, 2);
	assert_int_equal(c.types_nr, 1);
	assert_int_equal(c.patience, 3);
	assert_int_equal(c.overrides.nr, 7);
	assert_string_equal(c.overrides.v[0], "columns.types.a=categorical");
	assert_string_equal(c.overrides.v[1], "data=[x.csv, y.csv]");
	assert_string_equal(c.overrides.v[4], "model.trees=6");
	config_release(&c);
	refused_with(SMALLEST, (const char *const[]){"tres=5"}, 1,
		     "unknown key 'tres'; did you mean");
	refused_with(SMALLEST, (const char *const[]){"trees"}, 1, "should be KEY=VALUE");
	refused_with(SMALLEST, (const char *const[]){"=5"}, 1, "should be KEY=VALUE");
	refused_with(SMALLEST, (const char *const[]){"trees=x"}, 1,
		     "'model.trees' is text");
	refused_with(SMALLEST, (const char *const[]){"trees="}, 1, "is nothing");
	refused_with(SMALLEST, (const char *const[]){"out.model=5"}, 1, "not a map");
	refused_with(SMALLEST, (const char *const[]){"data=[a"}, 1, "-S data=[a");
	/* the objective may be said anew, wherever the file says it */
	accepted(&c, "data: a\ntarget: y\nobjective: l1\nmodel: {trees: 2}\n",
		 (const char *const[]){"objective=l2"}, 1);
	assert_int_equal(c.params.objective, OBJ_L2);
	config_release(&c);
}

static void canonical_json_is_the_same_for_the_same_meaning(void **state)
{
	struct train_config a, b;
	struct buf ja = {0}, jb = {0};

	(void)state;
	accepted(&a, SMALLEST, NULL, 0);
	accepted(&b,
		 "# another order, another spelling\n"
		 "out: {model: elsewhere.json}\nseed: 7\ntarget: y\nobjective: binary\n"
		 "data: [md5:401b30e3b8b5d629635a5c613cdb7919]\nmodel:\n"
		 "  min_child_weight: 1.0\n  learning_rate: 1e-1\n  max_leaves: 63\n",
		 NULL, 0);
	config_json(&a, false, &ja);
	config_json(&b, false, &jb);
	assert_string_equal(buf_str(&ja), buf_str(&jb));
	assert_non_null(strstr(buf_str(&ja), "\"trees\":100"));
	assert_null(strstr(buf_str(&ja), "tr.csv"));
	assert_null(strstr(buf_str(&ja), "\"l1\""));
	buf_reset(&ja);
	buf_reset(&jb);
	config_json(&a, true, &ja);
	config_json(&b, true, &jb);
	assert_string_not_equal(buf_str(&ja), buf_str(&jb));
	assert_non_null(strstr(buf_str(&ja), "\"data\":[\"tr.csv\"]"));
	buf_release(&ja);
	buf_release(&jb);
	config_release(&a);
	config_release(&b);
}

static void columns_are_bound_by_name(void **state)
{
	struct column cols[2] = {{.f.name = (char *)(uintptr_t) "a"},
				 {.f.name = (char *)(uintptr_t) "b"}};
	double label[3] = {0, 1, 2};
	struct table t = {.rows = 3, .cols = cols, .cols_nr = 2, .label = label};
	struct train_params p;
	struct train_config c;
	struct err e = {0};

	(void)state;
	accepted(&c,
		 "data: x\ntarget: y\nmodel: {objective: l2, monotone: {b: -1}, "
		 "interaction: [[a, b], [b]]}\n",
		 NULL, 0);
	assert_int_equal(config_bind(&c, &t, &p, &e), 0);
	assert_int_equal(p.monotone_nr, 2);
	assert_int_equal(p.monotone[0], 0);
	assert_int_equal(p.monotone[1], -1);
	assert_int_equal(p.interaction_nr, 2);
	assert_int_equal(p.interaction[0].nr, 2);
	assert_int_equal(p.interaction[1].v[0], 1);
	config_release(&c);
	accepted(&c, "data: x\ntarget: y\nmodel: {objective: l2, monotone: {z: 1}}\n",
		 NULL, 0);
	assert_int_equal(config_bind(&c, &t, &p, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "the table has no column 'z'"));
	config_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_file_is_enough),
		cmocka_unit_test(defaults_follow_from_each_other),
		cmocka_unit_test(libsvm_has_its_target_in_place),
		cmocka_unit_test(unknown_keys_name_the_nearest),
		cmocka_unit_test(wrong_types_and_ranges_are_named),
		cmocka_unit_test(what_does_not_fit_together_is_refused),
		cmocka_unit_test(overrides_are_laid_over_and_sorted),
		cmocka_unit_test(canonical_json_is_the_same_for_the_same_meaning),
		cmocka_unit_test(columns_are_bound_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
