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

/* x < cut at the root, 0.75 on the left, -0.25 on the right. */
static struct model stump(float cut)
{
	struct model m = {.objective = OBJ_BINARY,
			  .scale_pos_weight = 1,
			  .outputs = 1,
			  .grid_bits = 17,
			  .features_nr = 1,
			  .trees_nr = 1};

	m.features = xcalloc(1, sizeof(*m.features));
	m.features[0].name = xstrdup("the x");
	m.base = xcalloc(1, sizeof(*m.base));
	m.base[0] = 0.25;
	m.trees = xcalloc(1, sizeof(*m.trees));
	m.trees[0].nr = 3;
	m.trees[0].nodes = xcalloc(3, sizeof(struct node));
	m.trees[0].nodes[0] = (struct node){
		1,	   2,	       -1,	  .cut = cut, .default_left = true,
		.gain = 3, .cover = 4, .rows = 16};
	m.trees[0].nodes[1] =
		(struct node){-1, -1, 0, .value = 0.5, .cover = 1.5f, .rows = 6};
	m.trees[0].nodes[2] =
		(struct node){-1, -1, 0, .value = -0.5, .cover = 2.5f, .rows = 10};
	return m;
}

static void lightgbm_text_is_as_it_reads_it(void **state)
{
	struct model m = stump(1);
	struct buf out = {0};

	(void)state;
	assert_int_equal(model_lightgbm(&out, &m, NULL), 0);
	assert_string_equal(
		buf_str(&out),
		"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n"
		"label_index=0\nmax_feature_idx=0\nobjective=binary sigmoid:1\n"
		"feature_names=the_x_0\nfeature_infos=[1.0:1.0]\n\n"
		"Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=3.0\n"
		"threshold=0.9999999701976775\ndecision_type=10\nleft_child=-1\n"
		"right_child=-2\nleaf_value=0.75 -0.25\nleaf_weight=1.5 2.5\n"
		"leaf_count=6 10\ninternal_value=0.0\ninternal_weight=4.0\n"
		"internal_count=16\nis_linear=0\nshrinkage=1\n\n\nend of trees\n\n"
		"lode_attributes:{\"lode.base\":\"[0.25]\",\"lode.grid\":\"17\","
		"\"lode.model\":\"1\",\"lode.objective\":\"{\\\"name\\\":\\\"binary\\\","
		"\\\"arg\\\":0.0,\\\"scale_pos_weight\\\":1.0}\"}\n\n"
		"pandas_categorical:null\n");
	buf_release(&out);
	model_release(&m);
}

/* Rounded to binary32, x is below the cut exactly when it is at most the threshold. */
static void check_threshold(float cut)
{
	struct model m = stump(cut);
	struct buf out = {0};
	double t, x;

	assert_int_equal(model_lightgbm(&out, &m, NULL), 0);
	t = strtod(strstr(buf_str(&out), "threshold=") + 10, NULL);
	x = t;
	for (int i = 0; i < 3; i++, x = nextafter(x, -INFINITY))
		assert_true((float)x < cut);
	x = nextafter(t, INFINITY);
	for (int i = 0; i < 3; i++, x = nextafter(x, INFINITY))
		assert_false((float)x < cut);
	buf_release(&out);
	model_release(&m);
}

static void thresholds_cut_doubles_where_floats_are_cut(void **state)
{
	(void)state;
	check_threshold(0);
	check_threshold(1);
	check_threshold(nextafterf(0, 1));
	check_threshold(nextafterf(0, -1));
	check_threshold(1.17549435e-38f);
	check_threshold(3.4028234e38f);
	for (uint64_t i = 0; i < 20000; i++) {
		uint32_t bits = (uint32_t)rng_sm(i);
		float cut;

		memcpy(&cut, &bits, sizeof(cut));
		if (isfinite(cut) && cut > -3.4e38f)
			check_threshold(cut);
	}
}

static void what_a_form_cannot_hold_is_said(void **state)
{
	struct model m = stump(INFINITY);
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(model_lightgbm(&out, &m, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "infinite cut"));
	m.type = MODEL_LINEAR;
	assert_int_equal(model_lightgbm(&out, &m, &e), ERR_UNSUPPORTED);
	assert_int_equal(model_ubjson(&out, &m, &e), ERR_UNSUPPORTED);
	assert_int_equal(out.n, 0);
	m.type = MODEL_GBT;
	model_release(&m);

	m = fix_model(1, OBJ_L2, 1, 1, 3, 17);
	free(m.features[0].name);
	m.features[0].name = xstrdup("margin");
	assert_int_equal(model_onnx(&out, &m, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "'margin'"));
	model_release(&m);
}

/* Walk a protocol buffer: every length ends inside what holds it. */
static size_t read_varint(const uint8_t *p, size_t n, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < n && i < 10; i++) {
		*v |= (uint64_t)(p[i] & 0x7f) << 7 * i;
		if (p[i] < 0x80)
			return i + 1;
	}
	fail_msg("a number without an end");
	return 0;
}

static void walk(const uint8_t *p, size_t n, const unsigned *messages, size_t *leaves)
{
	size_t at = 0;

	while (at < n) {
		uint64_t key, v;

		at += read_varint(p + at, n - at, &key);
		if ((key & 7) == 0) {
			at += read_varint(p + at, n - at, &v);
			continue;
		}
		if ((key & 7) == 5) {
			at += 4;
			assert_true(at <= n);
			continue;
		}
		assert_int_equal(key & 7, 2);
		at += read_varint(p + at, n - at, &v);
		assert_true(v <= n - at);
		if (*messages && key >> 3 == *messages)
			walk(p + at, v, messages + 1, leaves);
		else
			(*leaves)++;
		at += v;
	}
	assert_int_equal(at, n);
}

static void onnx_lengths_nest(void **state)
{
	static const unsigned way[] = {7, 1, 5, 0}; /* graph, node, attribute */

	(void)state;
	for (uint64_t seed = 0; seed < 6; seed++) {
		bool multi = seed % 2;
		struct model m = fix_model(seed, multi ? OBJ_SOFTMAX : OBJ_BINARY,
					   multi ? 3 : 1, 9, 20, 17);
		struct buf out = {0};
		size_t leaves = 0;

		assert_int_equal(model_onnx(&out, &m, NULL), 0);
		walk((const uint8_t *)out.p, out.n, way, &leaves);
		assert_true(leaves > 20);
		buf_release(&out);
		model_release(&m);
	}
}

static void ubjson_holds_the_same_bytes_every_time(void **state)
{
	struct model m = fix_model(2, OBJ_SOFTMAX, 3, 6, 5, 17);
	struct buf a = {0}, b = {0};

	(void)state;
	assert_int_equal(model_ubjson(&a, &m, NULL), 0);
	assert_int_equal(model_ubjson(&b, &m, NULL), 0);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	assert_memory_equal(
		a.p, "{L\0\0\0\0\0\0\0\7version[l\0\0\0\1l\0\0\0\7l\0\0\0\0]L", 35);
	assert_int_equal(a.p[a.n - 1], '}');
	buf_release(&a);
	buf_release(&b);
	model_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lightgbm_text_is_as_it_reads_it),
		cmocka_unit_test(thresholds_cut_doubles_where_floats_are_cut),
		cmocka_unit_test(what_a_form_cannot_hold_is_said),
		cmocka_unit_test(onnx_lengths_nest),
		cmocka_unit_test(ubjson_holds_the_same_bytes_every_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
