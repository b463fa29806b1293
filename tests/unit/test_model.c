#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/buf.h"
#include "store/base/err.h"
#include "tests/unit/model_fixture.h"

/* As slow and plain as it can be. */
static double oracle(const struct model *m, const struct tree *tree, int32_t at,
		     const struct table *t, size_t row)
{
	const struct node *n = &tree->nodes[at];

	if (n->left == -1)
		return n->value;
	if (n->categorical) {
		for (uint32_t i = 0; i < n->set_nr; i++)
			if (tree->sets[n->set + i] == t->cols[n->feature].code[row])
				return oracle(m, tree, n->right, t, row);
		return oracle(m, tree, n->left, t, row);
	}
	if (isnan(t->cols[n->feature].num[row]))
		return oracle(m, tree, n->default_left ? n->left : n->right, t, row);
	return oracle(m, tree, t->cols[n->feature].num[row] < n->cut ? n->left : n->right,
		      t, row);
}

static void margins_are_those_of_the_oracle(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 10; seed++) {
		unsigned outputs = seed % 2 ? 3 : 1;
		struct model m = fix_model(seed, outputs > 1 ? OBJ_SOFTMAX : OBJ_L2,
					   outputs, 4 * outputs, 1 + seed * 3, 17);
		struct table t = fix_table(seed, &m, 1200);
		double *out = xcalloc(t.rows * outputs, sizeof(*out));

		model_margins(&m, &t, 5, t.rows, out);
		for (size_t row = 5; row < t.rows; row++)
			for (unsigned k = 0; k < outputs; k++) {
				double want = m.base[k];

				for (size_t i = k; i < m.trees_nr; i += outputs)
					want += oracle(&m, &m.trees[i], 0, &t, row);
				assert_true(out[(row - 5) * outputs + k] == want);
			}
		free(out);
		table_release(&t);
		model_release(&m);
	}
}

static void a_model_without_features_says_its_base(void **state)
{
	struct model m = fix_model(1, OBJ_L2, 1, 2, 1, 17);
	struct table t = {.rows = 11};
	double out[11];

	(void)state;
	for (size_t i = 0; i < m.features_nr; i++)
		feature_release(&m.features[i]);
	m.features_nr = 0;
	model_margins(&m, &t, 0, 11, out);
	for (size_t i = 0; i < 11; i++)
		assert_true(out[i] == m.base[0] + m.trees[0].nodes[0].value +
					      m.trees[1].nodes[0].value);
	model_release(&m);
}

static void check_round(const struct model *m)
{
	struct buf first = {0}, second = {0}, says = {0};
	struct table t = fix_table(9, m, m->type == MODEL_GBT ? 300 : 0);
	struct model back = {0};
	double *a = xcalloc(t.rows * m->outputs + 1, sizeof(*a));
	double *b = xcalloc(t.rows * m->outputs + 1, sizeof(*b));
	struct err e = {0};

	model_json(&first, m);
	if (model_read(&back, buf_slice(&first), "model.json", &e) != 0)
		fail_msg("%s", e.text);
	model_json(&second, &back);
	assert_string_equal(buf_str(&first), buf_str(&second));
	assert_int_equal(buf_str(&first)[first.n - 1], '\n');
	model_margins(m, &t, 0, t.rows, a);
	model_margins(&back, &t, 0, t.rows, b);
	assert_memory_equal(a, b, t.rows * m->outputs * sizeof(*a));
	/* On a grid the base comes out of the leaves again. */
	if (m->grid_bits != -2 && m->trees_nr) {
		model_difference(&says, m, &back);
		assert_string_equal(buf_str(&says), "");
	}
	free(a);
	free(b);
	buf_release(&first);
	buf_release(&second);
	buf_release(&says);
	table_release(&t);
	model_release(&back);
}

static void what_was_written_is_read_and_written_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 24; seed++) {
		enum objective o = (enum objective)(seed % OBJ_NR);
		unsigned outputs = o == OBJ_SOFTMAX || o == OBJ_OVA ? 3 : 1;
		struct model m = fix_model(seed, o, outputs, seed % 4 * outputs,
					   1 + seed % 9, seed < 16 ? 17 : -2);

		if (o == OBJ_HUBER || o == OBJ_QUANTILE || o == OBJ_TWEEDIE)
			m.objective_arg = 0.1 + 1.0 / 3;
		check_round(&m);
		model_release(&m);
	}
}

static void the_document_is_xgboosts(void **state)
{
	struct model m = {.objective = OBJ_BINARY,
			  .scale_pos_weight = 1,
			  .outputs = 1,
			  .grid_bits = 17,
			  .features_nr = 1,
			  .trees_nr = 1};
	struct buf out = {0};

	(void)state;
	m.features = xcalloc(1, sizeof(*m.features));
	m.features[0].name = xstrdup("x");
	m.base = xcalloc(1, sizeof(*m.base));
	m.base[0] = 0.25;
	m.trees = xcalloc(1, sizeof(*m.trees));
	m.trees[0].nr = 3;
	m.trees[0].nodes = xcalloc(3, sizeof(struct node));
	m.trees[0].nodes[0] =
		(struct node){1, 2, -1, 0, 0.1f, .gain = 3, .cover = 4, .rows = 16};
	m.trees[0].nodes[1] = (struct node){
		-1, -1, 0, .value = -1, .cover = 1.5f, .weight = -10, .rows = 6};
	m.trees[0].nodes[2] = (struct node){
		-1, -1, 0, .value = 0.5, .cover = 2.5f, .weight = 5, .rows = 10};
	model_attribute_set(&m, "note", "a");
	model_json(&out, &m);
	assert_string_equal(
		buf_str(&out),
		"{\"version\":[1,7,0],\"learner\":{\"learner_model_param\":"
		"{\"base_score\":\"5E-1\",\"num_class\":\"0\",\"num_feature\":\"1\"},"
		"\"objective\":{\"name\":\"binary:logistic\",\"reg_loss_param\":"
		"{\"scale_pos_weight\":\"1\"}},\"gradient_booster\":{\"name\":\"gbtree\","
		"\"model\":{\"gbtree_model_param\":{\"num_trees\":\"1\","
		"\"num_parallel_tree\":\"1\",\"size_leaf_vector\":\"0\"},"
		"\"tree_info\":[0],\"trees\":[{\"id\":0,\"tree_param\":"
		"{\"num_nodes\":\"3\",\"num_feature\":\"1\",\"num_deleted\":\"0\","
		"\"size_leaf_vector\":\"1\"},\"left_children\":[1,-1,-1],"
		"\"right_children\":[2,-1,-1],\"parents\":[2147483647,0,0],"
		"\"split_indices\":[0,0,0],\"split_conditions\":[1E-1,-7.5E-1,7.5E-1],"
		"\"default_left\":[0,0,0],\"loss_changes\":[3E0,0E0,0E0],"
		"\"sum_hessian\":[4E0,1.5E0,2.5E0],\"base_weights\":[0E0,-1E1,5E0],"
		"\"rows\":[16,6,10]}]}},\"feature_names\":[\"x\"],"
		"\"feature_types\":[\"float\"],\"attributes\":{\"lode.base\":\"[0.25]\","
		"\"lode.grid\":\"17\",\"lode.model\":\"1\",\"lode.objective\":"
		"\"{\\\"name\\\":\\\"binary\\\",\\\"arg\\\":0.0,"
		"\\\"scale_pos_weight\\\":1.0}\",\"note\":\"a\"}}}\n");
	buf_release(&out);
	model_release(&m);
}

static struct model linear_model(void)
{
	struct model m = {.type = MODEL_LINEAR,
			  .objective = OBJ_SOFTMAX,
			  .outputs = 2,
			  .grid_bits = -2,
			  .scale_pos_weight = 1,
			  .features_nr = FIX_FEATURES,
			  .weights_nr = 3 + 3 + 40};

	m.features = xcalloc(FIX_FEATURES, sizeof(*m.features));
	fix_features(m.features);
	m.base = xcalloc(2, sizeof(double));
	m.bias = xcalloc(2, sizeof(double));
	m.fill = xcalloc(FIX_FEATURES, sizeof(double));
	m.weights = xcalloc(2 * m.weights_nr, sizeof(double));
	for (size_t i = 0; i < 2 * m.weights_nr; i++)
		m.weights[i] = 1.0 / (double)(i + 3);
	m.bias[0] = 1e-300;
	m.bias[1] = -2;
	m.fill[1] = 0.5;
	m.target = xstrdup("y");
	model_attribute_set(&m, "note", "a");
	return m;
}

static void linear_models_are_read_and_written_the_same(void **state)
{
	struct model m = linear_model();

	(void)state;
	check_round(&m);
	m.weights[3] = 7;
	check_round(&m);
	model_release(&m);
}

static void linear_margins_are_sums_of_weights(void **state)
{
	struct model m = linear_model();
	struct table t = fix_table(1, &m, 1);
	double out[2], want;

	(void)state;
	t.cols[0].num[0] = 2;
	t.cols[1].num[0] = NAN;
	t.cols[2].num[0] = -1;
	t.cols[3].code[0] = 2;
	t.cols[4].code[0] = TABLE_UNSEEN;
	model_margins(&m, &t, 0, 1, out);
	want = m.bias[1];
	want += m.weights[46] * 2;
	want += m.weights[47] * 0.5;
	want += m.weights[48] * -1;
	want += m.weights[46 + 3 + 2];
	assert_true(out[1] == want);
	table_release(&t);
	model_release(&m);
}

static void replace(struct buf *out, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	buf_add(out, text, (size_t)(at - text));
	buf_adds(out, to);
	buf_adds(out, at + strlen(from));
}

static void lies_about_sizes_and_indices_are_found(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} t[] = {
		{"\"num_nodes\":\"5\"", "\"num_nodes\":\"6\"", "num_nodes"},
		{"\"num_nodes\":\"5\"", "\"num_nodes\":\"x\"", "count"},
		{"\"num_trees\":\"1\"", "\"num_trees\":\"2\"", "num_trees"},
		{"\"num_feature\":\"5\"}", "\"num_feature\":\"4\"}", "num_feature"},
		{"\"left_children\":[1,", "\"left_children\":[0,", "children outside"},
		{"\"left_children\":[1,", "\"left_children\":[5,", "children outside"},
		{"\"left_children\":[1,", "\"left_children\":[2,", "two parents"},
		{"\"left_children\":[1,", "\"left_children\":[1.5,", "children outside"},
		{"\"left_children\":[1,", "\"left_children\":[1E30,", "children outside"},
		{"\"left_children\":[1,", "\"left_children\":[NaN,", "children outside"},
		{"\"left_children\":[1,", "\"left_children\":[", "num_nodes"},
		{"\"split_conditions\":[", "\"split_conditions\":[NaN,", "entries"},
		{"\"split_indices\":[4", "\"split_indices\":[5", "feature 5 of 5"},
		{"\"split_indices\":[4", "\"split_indices\":[-1", "not a feature"},
		{"\"split_indices\":[4", "\"split_indices\":[0", "other kind"},
		{"\"categories_segments\":[0", "\"categories_segments\":[1", "not there"},
		{"\"categories_nodes\":[0", "\"categories_nodes\":[9",
		 "categories_nodes"},
		{"\"name\":\"gbtree\"", "\"name\":\"dart\"", "booster"},
		{"reg:squarederror", "survival:cox", "objective"},
		{"\"tree_info\":[0]", "\"tree_info\":[1]", "tree_info"},
		{"\"lode.model\":\"1\"", "\"lode.model\":\"9\"", "version"},
		{"\"lode.grid\":\"17\"", "\"lode.grid\":\"many\"", "lode.grid"},
		{"\"plain\"", "\"pl\\u0000ain\"", "NUL"},
		{"\\\"name\\\":\\\"l2\\\"", "\\\"name\\\":\\\"binary\\\"", "objective"},
		{"{\"version\"", "[{\"version\"", "object was expected"},
		{"\"feature_types\":[\"float\",", "\"feature_types\":[", "feature_types"},
	};
	struct model m;
	struct buf good = {0};
	uint64_t seed = 0;

	(void)state;
	/* One whose root splits by the town. */
	for (;; seed++) {
		m = fix_model(seed, OBJ_L2, 1, 1, 3, 17);
		if (m.trees[0].nodes[0].feature == 4 && m.trees[0].nodes[1].left < 0)
			break;
		model_release(&m);
	}
	model_json(&good, &m);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct model back = {0};
		struct buf bad = {0};
		struct err e = {0};

		replace(&bad, buf_str(&good), t[i].from, t[i].to);
		if (model_read(&back, buf_slice(&bad), "bad.json", &e) == 0)
			fail_msg("%s was taken", t[i].to);
		if (!strstr(e.text, t[i].says))
			fail_msg("%s: %s", t[i].to, e.text);
		assert_null(back.trees);
		buf_release(&bad);
	}
	buf_release(&good);
	model_release(&m);
}

static void every_cut_and_every_flipped_byte_is_survived(void **state)
{
	struct model m = fix_model(3, OBJ_SOFTMAX, 3, 3, 3, 17);
	struct buf good = {0}, bad = {0};

	(void)state;
	model_json(&good, &m);
	for (size_t i = 0; i < good.n; i++) {
		struct model back = {0};

		assert_true(i + 1 == good.n ||
			    model_read(&back, (struct slice){good.p, i}, "m", NULL) < 0);
		model_release(&back);
		buf_reset(&bad);
		buf_add(&bad, good.p, good.n);
		bad.p[i] = (char)(bad.p[i] ^ (1 << i % 7));
		if (model_read(&back, buf_slice(&bad), "m", NULL) == 0) {
			struct buf a = {0}, b = {0};
			struct model again = {0};

			model_json(&a, &back);
			assert_int_equal(model_read(&again, buf_slice(&a), "m", NULL), 0);
			model_json(&b, &again);
			assert_string_equal(buf_str(&a), buf_str(&b));
			buf_release(&a);
			buf_release(&b);
			model_release(&again);
		}
		model_release(&back);
	}
	buf_release(&good);
	buf_release(&bad);
	model_release(&m);
}

/* As other programs may write: children before parents, nodes nobody reaches. */
static void foreign_trees_are_put_in_order(void **state)
{
	static const char text[] =
		"{\"learner\":{\"attributes\":{},\"gradient_booster\":{\"model\":{"
		"\"gbtree_model_param\":{\"num_trees\":\"1\"},\"tree_info\":[0],"
		"\"trees\":[{\"categories\":[7,900],\"categories_nodes\":[4],"
		"\"categories_segments\":[0],\"categories_sizes\":[2],"
		"\"default_left\":[true,false,false,false,true,false],"
		"\"left_children\":[4,-1,-1,-1,3,-1],"
		"\"right_children\":[2,-1,-1,-1,1,-1],"
		"\"split_conditions\":[5e-1,1,2,3,0,9],\"split_indices\":[0,0,0,0,1,0],"
		"\"split_type\":[0,0,0,0,1,0]}]},\"name\":\"gbtree\"},"
		"\"learner_model_param\":{\"base_score\":\"[5E-1]\",\"num_class\":\"0\","
		"\"num_feature\":\"2\"},\"feature_types\":[\"float\",\"c\"],"
		"\"objective\":{\"name\":\"reg:squarederror\"}},\"version\":[3,0,0]}";
	struct model m = {0};
	struct err e = {0};
	struct buf a = {0};

	(void)state;
	if (model_read(&m, SLICE_LIT(text), "x.json", &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(m.trees[0].nr, 5);
	assert_string_equal(m.features[1].name, "f1");
	assert_int_equal(m.features[1].cats_nr, 2);
	assert_string_equal(m.features[1].cats[1], "900");
	assert_true(m.base[0] == 0.5);
	assert_int_equal(m.trees[0].nodes[0].left, 1);
	assert_int_equal(m.trees[0].nodes[1].left, 3);
	assert_true(m.trees[0].nodes[3].value == 3);
	assert_true(m.trees[0].nodes[4].value == 1);
	assert_int_equal(m.trees[0].sets[m.trees[0].nodes[1].set + 1], 1);
	model_json(&a, &m);
	model_release(&m);
	assert_int_equal(model_read(&m, buf_slice(&a), "x.json", &e), 0);
	buf_release(&a);
	model_release(&m);
}

static void differences_are_named(void **state)
{
	struct model a = fix_model(1, OBJ_L2, 1, 2, 4, 17);
	struct model b = fix_model(1, OBJ_L2, 1, 2, 4, 17);
	struct buf out = {0};

	(void)state;
	model_difference(&out, &a, &b);
	assert_string_equal(buf_str(&out), "");
	b.trees[1].nodes[3].cover += 1;
	model_difference(&out, &a, &b);
	assert_non_null(strstr(buf_str(&out), "tree 1, node 3: cover"));
	buf_reset(&out);
	b.trees[1].nodes[3].cover -= 1;
	model_attribute_set(&b, "zzz", "1");
	model_difference(&out, &a, &b);
	assert_string_equal(buf_str(&out), "attribute 'zzz' is in one only");
	buf_reset(&out);
	b.base[0] = 1;
	a.base[0] = 0.5;
	model_difference(&out, &a, &b);
	assert_string_equal(buf_str(&out), "base 0.5 against 1.0");
	buf_release(&out);
	model_release(&a);
	model_release(&b);
}

static void attributes_stay_sorted_and_are_replaced(void **state)
{
	struct model m = {0};

	(void)state;
	model_attribute_set(&m, "b", "1");
	model_attribute_set(&m, "c", "2");
	model_attribute_set(&m, "a", "3");
	model_attribute_set(&m, "b", "4");
	assert_int_equal(m.attributes_nr, 3);
	assert_string_equal(m.attributes[0].name, "a");
	assert_string_equal(model_attribute(&m, "b"), "4");
	assert_null(model_attribute(&m, "d"));
	model_release(&m);
	model_release(&m);
}

static void importance_counts_what_splits_say(void **state)
{
	struct model m = fix_model(5, OBJ_L2, 1, 6, 9, 17);
	double split[FIX_FEATURES], gain[FIX_FEATURES], sum = 0, gains = 0;

	(void)state;
	model_importance(&m, IMPORTANCE_SPLIT, split);
	model_importance(&m, IMPORTANCE_GAIN, gain);
	for (size_t i = 0; i < FIX_FEATURES; i++) {
		sum += split[i];
		gains += gain[i];
	}
	assert_true(sum == 6 * 8);
	assert_true(gains > 0);
	model_release(&m);
}

/* What a tree is expected to say when only the features in known are. */
static double expected(const struct tree *tree, int32_t at, unsigned known,
		       const struct table *t, size_t row)
{
	const struct node *n = &tree->nodes[at];
	double left, right;

	if (n->left < 0)
		return n->value;
	if (known >> n->feature & 1) {
		struct tree stump = *tree;
		bool in = false;
		float x = n->categorical ? 0 : t->cols[n->feature].num[row];

		for (uint32_t i = 0; n->categorical && i < n->set_nr; i++)
			in = in ||
			     stump.sets[n->set + i] == t->cols[n->feature].code[row];
		if (n->categorical ? !in : isnan(x) ? n->default_left : x < n->cut)
			return expected(tree, n->left, known, t, row);
		return expected(tree, n->right, known, t, row);
	}
	left = (double)tree->nodes[n->left].cover / (double)n->cover;
	right = (double)tree->nodes[n->right].cover / (double)n->cover;
	return left * expected(tree, n->left, known, t, row) +
	       right * expected(tree, n->right, known, t, row);
}

/* Covers as training gives them: a node's is that of its children together. */
static void add_up_covers(struct tree *tree)
{
	for (size_t i = tree->nr; i-- > 0;) {
		struct node *n = &tree->nodes[i];

		n->cover = n->left < 0 ? (float)(1 + i % 7)
				       : tree->nodes[n->left].cover +
						 tree->nodes[n->right].cover;
	}
}

static void contributions_are_shapley_values(void **state)
{
	static const double weight[] = {1.0 / 5, 1.0 / 20, 1.0 / 30, 1.0 / 20, 1.0 / 5};

	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct model m = fix_model(seed, OBJ_L2, 1, 3, 2 + 4 * seed, 17);
		struct table t = fix_table(seed, &m, 20);
		struct model_shap *shap;
		double got[FIX_FEATURES + 1], margin;

		for (size_t i = 0; i < m.trees_nr; i++)
			add_up_covers(&m.trees[i]);
		assert_int_equal(model_shap_new(&shap, &m, NULL), 0);
		for (size_t row = 0; row < t.rows; row++) {
			double sum = 0;

			model_shap_row(shap, &t, row, got);
			model_margins(&m, &t, row, row + 1, &margin);
			for (unsigned f = 0; f < FIX_FEATURES; f++) {
				double want = 0;

				for (unsigned s = 0; s < 1u << FIX_FEATURES; s++) {
					double diff = 0;

					if (s >> f & 1)
						continue;
					for (size_t i = 0; i < m.trees_nr; i++)
						diff += expected(&m.trees[i], 0,
								 s | 1u << f, &t, row) -
							expected(&m.trees[i], 0, s, &t,
								 row);
					want += diff * weight[__builtin_popcount(s)];
				}
				assert_true(fabs(got[f] - want) < 1e-9);
				sum += got[f];
			}
			assert_true(fabs(sum + got[FIX_FEATURES] - margin) < 1e-9);
		}
		model_shap_free(shap);
		table_release(&t);
		model_release(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(margins_are_those_of_the_oracle),
		cmocka_unit_test(a_model_without_features_says_its_base),
		cmocka_unit_test(what_was_written_is_read_and_written_the_same),
		cmocka_unit_test(the_document_is_xgboosts),
		cmocka_unit_test(linear_models_are_read_and_written_the_same),
		cmocka_unit_test(linear_margins_are_sums_of_weights),
		cmocka_unit_test(lies_about_sizes_and_indices_are_found),
		cmocka_unit_test(every_cut_and_every_flipped_byte_is_survived),
		cmocka_unit_test(foreign_trees_are_put_in_order),
		cmocka_unit_test(contributions_are_shapley_values),
		cmocka_unit_test(differences_are_named),
		cmocka_unit_test(attributes_stay_sorted_and_are_replaced),
		cmocka_unit_test(importance_counts_what_splits_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
