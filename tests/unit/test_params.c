/* Parameters: defaults pass, every limit bites and says which and why. */
#include "store/base/err.h"
#include "train/core/params.h"
#include "train/core/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct train_params p;

static void refused(const struct table *t, const char *why)
{
	struct err e = {0};

	assert_int_equal(train_params_check(&p, t, &e), ERR_INVALID);
	if (!strstr(e.text, why))
		fail_msg("'%s' does not say '%s'", e.text, why);
	train_params_init(&p);
}

static void the_defaults_pass(void **state)
{
	struct err e = {0};

	(void)state;
	for (unsigned o = 0; o < OBJ_NR; o++) {
		train_params_init(&p);
		p.objective = (enum objective)o;
		if (train_params_check(&p, NULL, &e) < 0)
			fail_msg("%s", e.text);
	}
}

static void names_and_aliases_find_objectives(void **state)
{
	(void)state;
	for (unsigned o = 0; o < OBJ_NR; o++)
		assert_int_equal(objective_by_name(objective_name((enum objective)o)), o);
	assert_int_equal(objective_by_name("regression"), OBJ_L2);
	assert_int_equal(objective_by_name("reg:squarederror"), OBJ_L2);
	assert_int_equal(objective_by_name("binary:logistic"), OBJ_BINARY);
	assert_int_equal(objective_by_name("multiclass"), OBJ_SOFTMAX);
	assert_int_equal(objective_by_name("rank:ndcg"), OBJ_LAMBDARANK);
	assert_int_equal(objective_by_name("Binary"), OBJ_NR);
	assert_int_equal(objective_by_name(""), OBJ_NR);
	assert_string_equal(objective_name(OBJ_NR), "unknown");
}

#define BITES(field, value, why)                                                         \
	do {                                                                             \
		train_params_init(&p);                                                   \
		p.field = (value);                                                       \
		refused(NULL, why);                                                      \
	} while (0)

static void limits_bite_and_say_which(void **state)
{
	static double weights[2] = {1, 0};
	static const int8_t monotone[2] = {0, 2};

	(void)state;
	BITES(learning_rate, 0, "learning_rate is 0: it must be above 0 and at most 100");
	BITES(learning_rate, NAN, "learning_rate is nan");
	BITES(learning_rate, INFINITY, "learning_rate");
	BITES(quantile_alpha, 0, "above 0 and below 1");
	BITES(quantile_alpha, 1, "quantile_alpha is 1");
	BITES(tweedie_power, 1, "tweedie_power");
	BITES(tweedie_power, 2, "tweedie_power");
	BITES(huber_delta, 0, "huber_delta");
	BITES(scale_pos_weight, -1, "scale_pos_weight");
	BITES(lambda, -0.5, "lambda is -0.5: it must be at least 0");
	BITES(bagging_fraction, 0, "bagging_fraction");
	BITES(bagging_fraction, 1.01, "bagging_fraction");
	BITES(feature_fraction, 0, "feature_fraction");
	BITES(trees, 0, "trees is 0: it must be from 1 to 1000000");
	BITES(max_leaves, 1, "max_leaves");
	BITES(max_bin, 1, "max_bin is 1: it must be from 2 to 255");
	BITES(max_bin, 256, "max_bin");
	BITES(rank_truncation, 0, "rank_truncation");
	BITES(leaf_grid_bits, -3, "leaf_grid_bits");
	BITES(leaf_grid_bits, 41, "leaf_grid_bits");
	BITES(l1, -1, "l1");
	BITES(tolerance, 0, "tolerance");
	BITES(max_passes, 0, "max_passes");
	BITES(objective, OBJ_NR, "objective");
	BITES(metric, "nothing", "metric 'nothing' is unknown");
	BITES(metric, "loglos", "did you mean 'logloss'?");
	BITES(pos_bagging_fraction, 0.5, "objective binary, not l2");
	train_params_init(&p);
	p.goss_top = 0.6;
	p.goss_other = 0.5;
	refused(NULL, "goss_top + goss_other is 1.1");
	p.type = MODEL_LINEAR;
	p.objective = OBJ_HUBER;
	refused(NULL, "huber is not offered for linear models");
	p.class_weights = weights;
	p.class_weights_nr = 2;
	refused(NULL, "class 1 has 0");
	p.monotone = monotone;
	p.monotone_nr = 2;
	refused(NULL, "column 1 has 2");
}

static void a_table_must_fit(void **state)
{
	static const int8_t monotone[3] = {0, 1, 0};
	static uint32_t columns[] = {0, 5};
	static double label[3] = {0, 1, 2};
	struct feature_set set = {columns, 2};
	struct column cols[2] = {
		{.f = {.name = (char[]){"a"}}},
		{.f = {.name = (char[]){"b"}, .kind = FEATURE_CATEGORICAL}}};
	struct table t = {.rows = 3, .cols = cols, .cols_nr = 2, .label = label};
	struct err e = {0};

	(void)state;
	train_params_init(&p);
	assert_int_equal(train_params_check(&p, &t, &e), 0);
	p.monotone = monotone;
	p.monotone_nr = 3;
	refused(&t, "monotone names 3 columns, the table has 2");
	p.monotone = monotone;
	p.monotone_nr = 2;
	refused(&t, "column 'b' is categorical");
	p.interaction = &set;
	p.interaction_nr = 1;
	refused(&t, "set 0 names column 5");
	p.bagging_by_query = true;
	refused(&t, "group");
	p.objective = OBJ_BINARY;
	refused(&t, "row 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_pass),
		cmocka_unit_test(names_and_aliases_find_objectives),
		cmocka_unit_test(limits_bite_and_say_which),
		cmocka_unit_test(a_table_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
