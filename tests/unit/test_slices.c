#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "tests/unit/model_fixture.h"
#include "train/run/slices.h"

/* Labels of rows by the slow way must be those in the row lists. */
static void check_rows(const struct slicing *s, size_t rows)
{
	uint32_t *v;
	size_t *begin, seen = 0;

	assert_int_equal(slicing_rows(s, rows, &v, &begin, NULL), 0);
	assert_int_equal(begin[0], 0);
	assert_int_equal(begin[s->nr], rows);
	for (size_t k = 0; k < s->nr; k++)
		for (size_t i = begin[k]; i < begin[k + 1]; i++, seen++) {
			assert_int_equal(s->code[v[i]], k);
			assert_true(i == begin[k] || v[i] > v[i - 1]);
		}
	assert_int_equal(seen, rows);
	free(v);
	free(begin);
}

static void every_row_is_in_one_slice(void **state)
{
	struct model m = fix_model(1, OBJ_L2, 1, 2, 5, 17);
	struct table t = fix_table(4, &m, 700);

	(void)state;
	for (size_t j = 0; j < FIX_FEATURES; j++) {
		struct slicing s = {0}, pair = {0};

		assert_int_equal(slicing_by(&s, &t, t.cols[j].f.name, 4, 1000, NULL), 0);
		check_rows(&s, t.rows);
		assert_int_equal(slicing_pair(&pair, &s, &s, t.rows, 1000, NULL), 0);
		check_rows(&pair, t.rows);
		slicing_release(&pair);
		slicing_release(&s);
	}
	table_release(&t);
	model_release(&m);
}

/* A table of one column of numbers. */
static struct table numbers(const float *v, size_t nr)
{
	struct table t = {.rows = nr, .cols_nr = 1};

	t.cols = xcalloc(1, sizeof(*t.cols));
	t.cols[0].f.name = xstrdup("x");
	t.cols[0].num = xcalloc(nr + 1, sizeof(float));
	if (nr)
		memcpy(t.cols[0].num, v, nr * sizeof(float));
	return t;
}

static void numbers_are_cut_at_quantiles(void **state)
{
	float v[41];
	struct table t;
	struct slicing s = {0};

	(void)state;
	for (int i = 0; i < 40; i++)
		v[i] = (float)(39 - i);
	v[40] = NAN;
	t = numbers(v, 41);
	assert_int_equal(slicing_by(&s, &t, "x", 4, 1000, NULL), 0);
	assert_int_equal(s.nr, 5);
	assert_string_equal(s.labels[0], "[0, 10)");
	assert_string_equal(s.labels[3], "[30, 39]");
	assert_string_equal(s.labels[4], "(missing)");
	assert_int_equal(s.code[39], 0);
	assert_int_equal(s.code[29], 1);
	assert_int_equal(s.code[0], 3);
	assert_int_equal(s.code[40], 4);
	slicing_release(&s);
	table_release(&t);

	t = numbers((const float[]){2, -1.5f, 2, NAN}, 4);
	assert_int_equal(slicing_by(&s, &t, "x", 4, 1000, NULL), 0);
	assert_string_equal(s.labels[0], "-1.5");
	assert_string_equal(s.labels[1], "2");
	assert_int_equal(s.code[0], 1);
	assert_int_equal(s.code[1], 0);
	slicing_release(&s);
	table_release(&t);

	t = numbers(NULL, 0);
	assert_int_equal(slicing_by(&s, &t, "x", 4, 1000, NULL), 0);
	assert_int_equal(s.nr, 1);
	slicing_release(&s);
	table_release(&t);
}

static void texts_are_sorted_and_limited(void **state)
{
	char a[] = "b", b[] = "a";
	char *v[] = {a, b, NULL, a};
	struct text_column c = {.v = v};
	struct table t = {.rows = 4, .text = &c, .text_nr = 1};
	struct slicing s = {0};
	struct err e = {0};
	char name[] = "who";

	(void)state;
	c.name = name;
	assert_int_equal(slicing_by(&s, &t, "who", 4, 1000, NULL), 0);
	assert_int_equal(s.nr, 3);
	assert_string_equal(s.labels[0], "a");
	assert_int_equal(s.code[0], 1);
	assert_int_equal(s.code[2], 2);
	check_rows(&s, 4);
	slicing_release(&s);
	assert_int_equal(slicing_by(&s, &t, "who", 4, 1, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "'who'"));
	assert_int_equal(slicing_by(&s, &t, "whom", 4, 9, &e), ERR_INVALID);
	assert_null(s.code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_in_one_slice),
		cmocka_unit_test(numbers_are_cut_at_quantiles),
		cmocka_unit_test(texts_are_sorted_and_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
