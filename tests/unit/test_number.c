#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/buf.h"
#include "store/fmt/number.h"
#include "train/core/rng.h"

static double from_bits(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static float from_bits32(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* The slow way: more and more digits until they read back. It misses the shortest
 * of some powers of two, whose interval is lopsided. */
static void slow(char *out, size_t size, double v, bool single)
{
	for (int n = 0; n < 17; n++) {
		snprintf(out, size, "%.*e", n, v);
		if (single ? (double)strtof(out, NULL) == v : strtod(out, NULL) == v)
			return;
	}
}

static void check(double v, bool single)
{
	char got[NUMBER_MAX + 1], want[64];
	size_t n = single ? number_json32(got, (float)v) : number_json(got, v);
	double back;
	char *e;

	got[n] = '\0';
	slow(want, sizeof(want), v, single);
	assert_true(number_read((struct slice){got, n}, &back));
	assert_true((single ? (double)(float)back : back) == v);
	if (single)
		assert_true((double)strtof(got, NULL) == v);
	e = strchr(got, 'E');
	assert_non_null(e);
	assert_int_equal(strtol(e + 1, NULL, 10),
			 strtol(strchr(want, 'e') + 1, NULL, 10));
	*e = '\0';
	*strchr(want, 'e') = '\0';
	if (strlen(got) == strlen(want))
		assert_string_equal(got, want);
	else
		assert_true(strlen(got) < strlen(want));
}

static void no_shorter_or_nearer_decimal_reads_back(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 200000; i++) {
		double v = i % 2 ? from_bits(rng_sm(i))
				 : from_bits((i % 2047) << 52 | (rng_sm(i) % 3 == 0));

		if (v - v == 0 && v != 0)
			check(v, false);
	}
	for (uint32_t i = 1; i < 200000; i++) {
		float v = from_bits32(i < 510 ? i << 22 : (uint32_t)rng_sm(i));

		if (v - v == 0 && v != 0)
			check((double)v, true);
	}
}

static void text_is_pythons_repr(void **state)
{
	static const struct {
		double v;
		const char *want;
	} t[] = {
		{0.0, "0.0"},
		{-0.0, "-0.0"},
		{1.0, "1.0"},
		{-1.5, "-1.5"},
		{0.1, "0.1"},
		{1e-4, "0.0001"},
		{1e-5, "1e-05"},
		{1.25e-5, "1.25e-05"},
		{1e15, "1000000000000000.0"},
		{1e16, "1e+16"},
		{1.5e300, "1.5e+300"},
		{123456789.0, "123456789.0"},
		{1234.5678, "1234.5678"},
		{5e-324, "5e-324"},
		{2.2250738585072014e-308, "2.2250738585072014e-308"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{6.0834930121445114e-210, "6.083493012144512e-210"}, /* 2^-694 */
		{9007199254740993.0, "9007199254740992.0"},
		{1e23, "1e+23"},
		{2.0 / 3, "0.6666666666666666"},
	};
	struct buf got = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		buf_reset(&got);
		number_add(&got, t[i].v);
		assert_string_equal(buf_str(&got), t[i].want);
	}
	buf_release(&got);
}

static void documents_have_an_exponent_always(void **state)
{
	static const struct {
		double v;
		const char *want;
	} t[] = {{1, "1E0"},	   {0, "0E0"},	   {-0.0, "-0E0"},	{0.5, "5E-1"},
		 {-150, "-1.5E2"}, {1e-7, "1E-7"}, {123.25, "1.2325E2"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char got[NUMBER_MAX + 1];

		got[number_json(got, t[i].v)] = '\0';
		assert_string_equal(got, t[i].want);
		got[number_json32(got, (float)t[i].v)] = '\0';
		assert_string_equal(got, t[i].want);
	}
}

static void what_was_written_is_read(void **state)
{
	double back;

	(void)state;
	for (uint64_t i = 0; i < 400000; i++) {
		double v = from_bits(rng_sm(i));
		char got[NUMBER_MAX];
		size_t n = number_json(got, v);

		if (v != v)
			continue;
		assert_true(number_read((struct slice){got, n}, &back));
		assert_memory_equal(&back, &v, sizeof(v));
	}
	assert_true(number_read(SLICE_LIT("NaN"), &back) && back != back);
	assert_true(number_read(SLICE_LIT("-Infinity"), &back) && back < 0);
	assert_true(number_read(SLICE_LIT("123456789012345678901234567890"), &back));
	assert_true(back == 123456789012345678901234567890.0);
	assert_false(number_read(SLICE_LIT(""), &back));
	assert_false(number_read(SLICE_LIT("-"), &back));
	assert_false(number_read(SLICE_LIT("1E"), &back));
	assert_false(number_read(SLICE_LIT("1x"), &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_pythons_repr),
		cmocka_unit_test(no_shorter_or_nearer_decimal_reads_back),
		cmocka_unit_test(documents_have_an_exponent_always),
		cmocka_unit_test(what_was_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
