/* Cuts, codes, and the twins that find them. */
#include "store/base/err.h"
#include "tests/lib/synth.h"
#include "train/core/bins.h"
#include "train/core/comm.h"
#include "train/core/params.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t seed = 1;

static uint64_t next_random(void)
{
	return rng_sm(seed++);
}

static unsigned cuts_of(float *cut, const float *values, size_t n, unsigned max_bin,
			unsigned min_data)
{
	float *v = calloc(n + 1, sizeof(*v)), *tmp = calloc(n + 1, sizeof(*tmp));
	struct value_count *c = calloc(n + 1, sizeof(*c));
	unsigned nr;

	memcpy(v, values, n * sizeof(*v));
	bins_sort(v, tmp, n);
	for (size_t i = 1; i < n; i++)
		assert_true(v[i - 1] <= v[i]);
	bins_cuts(cut, &nr, c, bins_count(c, v, n), n, max_bin, min_data);
	free(v);
	free(tmp);
	free(c);
	return nr;
}

static unsigned code_of(const float *cut, unsigned nr, float v)
{
	unsigned b = 0;

	for (unsigned i = 0; i + 1 < nr; i++)
		b += cut[i] <= v;
	return b;
}

static void few_values_get_a_bin_each(void **state)
{
	float v[] = {3, 1, 2, 2, 1, 3, -4, 0}, cut[256];

	(void)state;
	assert_int_equal(cuts_of(cut, v, 8, 255, 3), 5);
	assert_true(cut[0] == -2 && cut[1] == 0.5f && cut[2] == 1.5f && cut[3] == 2.5f);
	assert_int_equal(cuts_of(cut, v, 0, 255, 3), 0);
	assert_int_equal(cuts_of(cut, v, 1, 255, 3), 1);
}

static void a_cut_lies_behind_its_left_neighbour(void **state)
{
	const float pairs[][2] = {
		{1, 1.00000012f},      {-FLT_MAX, FLT_MAX}, {0, 1e-45f},
		{-1e-45f, 0},	       {FLT_MAX, INFINITY}, {-INFINITY, INFINITY},
		{-INFINITY, -FLT_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		float cut[256];

		assert_int_equal(cuts_of(cut, pairs[i], 2, 255, 1), 2);
		assert_true(pairs[i][0] < cut[0] && cut[0] <= pairs[i][1]);
	}
}

static void a_heavy_value_is_alone_in_its_bin(void **state)
{
	float v[3000], cut[256];
	unsigned nr, code;

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		v[i] = i < 1000 ? 0.5f : (float)(next_random() >> 40) * 0x1p-24f;
	nr = cuts_of(cut, v, 3000, 16, 3);
	code = code_of(cut, nr, 0.5f);
	assert_in_range(nr, 12, 16);
	for (size_t i = 0; i < 3000; i++)
		if (v[i] != 0.5f)
			assert_int_not_equal(code_of(cut, nr, v[i]), code);
}

static void a_zero_with_a_share_of_the_rows_is_alone(void **state)
{
	float v[5000], cut[256];
	unsigned nr, code;

	(void)state;
	for (size_t i = 0; i < 5000; i++)
		v[i] = i < 25 ? 0 : (float)(next_random() >> 40) * 0x1p-23f - 1;
	nr = cuts_of(cut, v, 5000, 20, 3);
	code = code_of(cut, nr, 0);
	for (size_t i = 25; i < 5000; i++)
		assert_int_not_equal(code_of(cut, nr, v[i]), code);
}

/* Any counts at all: never more bins than asked for, cuts ascend, no bin is empty,
 * and no light bin holds much more than its share. */
static void bins_never_exceed_what_was_asked(void **state)
{
	(void)state;
	for (int run = 0; run < 400; run++) {
		size_t n = 1 + next_random() % 3000, levels = 1 + next_random() % 600;
		unsigned max = 2 + (unsigned)(next_random() % 254), nr;
		float *v = calloc(n, sizeof(*v)), cut[256];
		unsigned seen[256] = {0};

		for (size_t i = 0; i < n; i++) {
			double u = (double)(next_random() >> 40) * 0x1p-24;

			v[i] = (float)(int)(u * u * u * (double)levels) -
			       (float)(levels / 8);
		}
		nr = cuts_of(cut, v, n, max, (unsigned)(next_random() % 5));
		assert_in_range(nr, 1, max);
		for (unsigned i = 1; i + 1 < nr; i++)
			assert_true(cut[i - 1] < cut[i]);
		for (size_t i = 0; i < n; i++)
			seen[code_of(cut, nr, v[i])]++;
		for (unsigned i = 0; i < nr; i++)
			assert_true(seen[i] > 0);
		free(v);
	}
}

static void equal_frequency_holds_on_smooth_values(void **state)
{
	size_t n = 100000;
	float *v = calloc(n, sizeof(*v)), cut[256];
	unsigned nr, seen[256] = {0};

	(void)state;
	for (size_t i = 0; i < n; i++)
		v[i] = (float)(next_random() >> 40) * 0x1p-24f;
	nr = cuts_of(cut, v, n, 255, 3);
	assert_int_equal(nr, 255);
	for (size_t i = 0; i < n; i++)
		seen[code_of(cut, nr, v[i])]++;
	for (unsigned i = 0; i < nr; i++)
		assert_in_range(seen[i], 350, 420);
	free(v);
}

static void encoders_are_twins(void **state)
{
	(void)state;
	for (int run = 0; run < 200; run++) {
		size_t n = next_random() % 100;
		unsigned nr = 1 + (unsigned)(next_random() % 255);
		float cut[256], v[100];
		uint8_t want[100], got[100];
		size_t missing;

		for (unsigned i = 0; i < 256; i++)
			cut[i] = i < nr - 1 ? (float)i * 0.5f - 20 : INFINITY;
		for (size_t i = 0; i < n; i++) {
			uint64_t r = next_random();

			v[i] = r % 11 == 0   ? NAN
			       : r % 13 == 0 ? INFINITY
			       : r % 17 == 0 ? -INFINITY
			       : r % 3 == 0  ? cut[r % 255]
					     : (float)(r >> 40) * 0x1p-16f - 60;
		}
		missing = bins_encode(want, v, n, cut, nr, SIMD_SCALAR);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(want[i],
					 v[i] != v[i] ? nr : code_of(cut, nr, v[i]));
		for (unsigned s = SIMD_SSE2; s < SIMD_BEST; s++) {
			if (!simd_has((enum simd)s))
				continue;
			assert_int_equal(bins_encode(got, v, n, cut, nr, (enum simd)s),
					 missing);
			assert_memory_equal(got, want, n);
		}
	}
}

static struct bins build(const struct table *t, unsigned max_bin, unsigned min_data)
{
	struct train_params p = {0};
	struct bins b = {0};
	struct err e = {0};

	p.max_bin = max_bin;
	p.min_data_in_bin = 3;
	p.min_data_in_leaf = min_data;
	assert_int_equal(bins_build(&b, t, &p, &comm_self, NULL, SIMD_BEST, &e), 0);
	return b;
}

static void rows_and_columns_hold_the_same_codes(void **state)
{
	struct table t;
	struct bins b;

	(void)state;
	synth_table(&t, 3, 0, 3001, 0.2);
	b = build(&t, 255, 1);
	assert_int_equal(b.nr, SYNTH_COLS);
	/* The three columns of three values share a slot. */
	assert_int_equal(b.slots_nr, SYNTH_COLS - 2);
	for (size_t f = 0; f < b.nr; f++) {
		const struct bin_tile *tile = &b.tiles[0];
		unsigned digit = 1, base = b.f[f].nr + (b.f[f].missing > 0);
		size_t slot = f <= 18 ? f : f < 21 ? 18 : f - 2;

		for (size_t k = 18; k < f && f < 21; k++)
			digit *= b.f[k].nr;
		for (size_t i = 0; i < t.rows; i++) {
			float v = t.cols[f].num[i];
			unsigned want =
				v != v ? b.f[f].nr : code_of(b.f[f].cut, b.f[f].nr, v);

			assert_int_equal(b.f[f].code[i], want);
			assert_int_equal(
				tile->rows[i * tile->stride + slot] / digit % base, want);
		}
	}
	assert_int_equal((uintptr_t)b.tiles[0].rows % 64, 0);
	bins_release(&b);
	table_release(&t);
}

static void what_cannot_split_is_dropped(void **state)
{
	float constant[100], missing[100], half[100], rare[100];
	struct column cols[4] = {
		{.num = constant}, {.num = missing}, {.num = half}, {.num = rare}};
	struct table t = {.rows = 100, .cols = cols, .cols_nr = 4};
	struct bins b;

	(void)state;
	for (int i = 0; i < 100; i++) {
		constant[i] = 7;
		missing[i] = NAN;
		half[i] = i % 2 ? 1 : NAN;
		rare[i] = i < 3;
	}
	b = build(&t, 255, 5);
	assert_int_equal(b.nr, 1);
	assert_int_equal(b.f[0].column, 2);
	assert_int_equal(b.f[0].missing, 50);
	bins_release(&b);
	b = build(&t, 255, 3);
	assert_int_equal(b.nr, 2);
	assert_int_equal(b.f[1].column, 3);
	bins_release(&b);
}

static void the_rest_of_many_categories_shares_a_code(void **state)
{
	uint32_t code[400];
	struct column col = {.f = {.kind = FEATURE_CATEGORICAL, .cats_nr = 300},
			     .code = code};
	struct table t = {.rows = 400, .cols = &col, .cols_nr = 1};
	struct bins b;

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		code[i] = i < 300 ? i : i < 350 ? TABLE_MISSING : TABLE_UNSEEN;
	b = build(&t, 255, 1);
	assert_int_equal(b.nr, 1);
	assert_true(b.f[0].other);
	assert_int_equal(b.f[0].nr, 255);
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(b.f[0].code[i], i < 254 ? i : i < 300 ? 254 : 255);
	bins_release(&b);
}

static void a_hundred_thousand_columns_are_tiles(void **state)
{
	size_t nr = 100000, rows = 20;
	float *v = calloc(rows * 2, sizeof(*v));
	struct column *cols = calloc(nr, sizeof(*cols));
	struct table t = {.rows = rows, .cols = cols, .cols_nr = nr};
	struct bins b;

	(void)state;
	for (size_t i = 0; i < rows; i++) {
		v[i] = (float)(i % 2);
		v[rows + i] = (float)i;
	}
	for (size_t k = 0; k < nr; k++)
		cols[k].num = k % 64 == 5 ? v + rows : v;
	b = build(&t, 255, 1);
	assert_int_equal(b.nr, nr);
	/* Eight features of two values share a slot, so that histograms are small. */
	assert_in_range(b.slots_nr, nr / 8, nr / 6);
	assert_true(b.words <= nr * 50);
	bins_release(&b);
	free(cols);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_values_get_a_bin_each),
		cmocka_unit_test(a_cut_lies_behind_its_left_neighbour),
		cmocka_unit_test(a_heavy_value_is_alone_in_its_bin),
		cmocka_unit_test(a_zero_with_a_share_of_the_rows_is_alone),
		cmocka_unit_test(bins_never_exceed_what_was_asked),
		cmocka_unit_test(equal_frequency_holds_on_smooth_values),
		cmocka_unit_test(encoders_are_twins),
		cmocka_unit_test(rows_and_columns_hold_the_same_codes),
		cmocka_unit_test(what_cannot_split_is_dropped),
		cmocka_unit_test(the_rest_of_many_categories_shares_a_code),
		cmocka_unit_test(a_hundred_thousand_columns_are_tiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
