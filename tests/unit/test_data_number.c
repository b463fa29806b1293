#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/data/number.h"
#include "train/data/read.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 2685821657736338717u;
}

static uint64_t bits_of(double v)
{
	uint64_t b;

	memcpy(&b, &v, sizeof(b));
	return b;
}

static double of_bits(uint64_t b)
{
	double v;

	memcpy(&v, &b, sizeof(v));
	return v;
}

/* Both ways against the C library, whose results are exact in glibc. */
static void agrees(const char *text)
{
	size_t n = strlen(text);
	double want = strtod(text, NULL), got = -1;
	char *padded = calloc(1, n + NUMBER_PAD), *tight = malloc(n ? n : 1);
	int r;

	memcpy(padded, text, n);
	memcpy(tight, text, n); /* an overrun shows */
	if (!data_number(tight, n, &got))
		fail_msg("'%s' is a number", text);
	if (bits_of(got) != bits_of(want))
		fail_msg("'%s' is %a, not %a", text, want, got);
	got = -1;
	r = number_scan(padded, padded + n, &got);
	if (r == 0 || (r == 1 && bits_of(got) != bits_of(want)))
		fail_msg("'%s' scans as %d %a, not %a", text, r, got, want);
	free(padded);
	free(tight);
}

static void random_doubles_are_read_back(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < 400000; i++) {
		double v = of_bits(next_random());

		if (!isfinite(v))
			continue;
		snprintf(text, sizeof(text), "%.*g", (int)(1 + next_random() % 25), v);
		agrees(text);
	}
}

static void random_decimals_are_right(void **state)
{
	char text[96];

	(void)state;
	for (int i = 0; i < 600000; i++) {
		unsigned whole = (unsigned)(next_random() % 22),
			 behind = (unsigned)(next_random() % 22), n = 0;

		if (whole + behind == 0)
			continue;
		if (next_random() % 3 == 0)
			text[n++] = next_random() % 2 ? '-' : '+';
		for (unsigned k = 0; k < whole; k++)
			text[n++] = (char)('0' + next_random() % 10);
		if (behind || next_random() % 2)
			text[n++] = '.';
		for (unsigned k = 0; k < behind; k++)
			text[n++] = (char)('0' + next_random() % 10);
		text[n] = '\0';
		if (next_random() % 2)
			snprintf(text + n, sizeof(text) - n, "%c%s%d",
				 next_random() % 2 ? 'e' : 'E',
				 next_random() % 2 ? "+" : "",
				 (int)(next_random() % 350));
		else if (next_random() % 2)
			snprintf(text + n, sizeof(text) - n, "e-%d",
				 (int)(next_random() % 360));
		agrees(text);
	}
}

/* The exact decimal in the middle of two neighbours, and a hair to both sides. */
static void halfway_cases_go_to_even(void **state)
{
	char text[1500];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t b = next_random() & 0x7fffffffffffffffu;
		long double mid;
		size_t n;

		if (i % 4 == 0)
			b &= 0x000fffffffffffffu; /* subnormal */
		else if (i % 4 == 1)
			b = (b & 0x000fffffffffffffu) | (1000 + next_random() % 60) << 52;
		if (!isfinite(of_bits(b + 1)))
			continue;
		/* A long double's 64 bits hold the middle exactly. */
		mid = ((long double)of_bits(b) + (long double)of_bits(b + 1)) / 2;
		snprintf(text, sizeof(text), "%.1100Le", mid);
		agrees(text);
		n = (size_t)(strchr(text, 'e') - text);
		text[n - 1] = '1'; /* far behind the last digit that counts */
		agrees(text);
		for (size_t k = n; k-- > 2;)
			if (text[k] != '0' && k < n - 1) {
				text[k]--;
				break;
			}
		agrees(text);
	}
}

static void known_hard_cases_are_right(void **state)
{
	static const char *const cases[] = {
		"0",
		"-0",
		"+0.0",
		".5",
		"5.",
		"-.5e1",
		"1e22",
		"1e23",
		"9007199254740993",
		"9007199254740992.5",
		"9007199254740993.0000000000000000000000000000001",
		"2.2250738585072011e-308",
		"2.2250738585072012e-308",
		"2.2250738585072014e-308",
		"4.9406564584124654e-324",
		"2.4703282292062327e-324",
		"2.4703282292062328e-324",
		"2.47032822920623272088284396434110686182e-324",
		"2.47032822920623272088284396434110686183e-324",
		"1e-400",
		"1e400",
		"-1e400",
		"1.7976931348623157e308",
		"1.7976931348623158e308",
		"1.7976931348623159e308",
		"179769313486231580793728971405303415079934132710037826936173778980444968292764"
		"750946649017977587207096330286416692887910946555547851940402630657488671505820"
		"681908902000708383676273854845817711531764475730270069855571366959622842914819"
		"860834936475292719074168444365510704342711559699508093042880177904174497791.9"
		"999999999999999999999999999999999999999999999999999999999999999999999999",
		"6929495644600919.5",
		"3.518437208883201171875e13",
		"1.00000000000000011102230246251565",
		"8.442911973260991817129021e-309",
		"0.000000000000000000000000000000000000001e39",
		"12345678901234567890",
		"18446744073709551615",
		"18446744073709551616",
		"99999999999999999999999999999999999999e-20",
		"1e-342",
		"1e-343",
		"9e-343",
		"1e308",
		"1e309",
		"0e999999999999999999999",
		"1e-99999999999999999999999",
		"0.0000000000000000000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000000000000001234567890123456789012345",
		"1000000000000000000000000000000000000000000000000000000000000000000000e-69",
		"7.2057594037927933e16",
		"5e-324",
		"1.5e-323",
		"123456789012345678e-5",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		agrees(cases[i]);
}

static void long_inputs_are_right(void **state)
{
	static char text[5000];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		size_t n = 700 + next_random() % 3000, k = 0;
		size_t point = next_random() % n;

		/* A middle's digits are the hard part: begin with one, half the time. */
		if (i % 2) {
			double v = of_bits((next_random() & 0x000fffffffffffffu) |
					   (1000 + next_random() % 40) << 52);

			snprintf(text, sizeof(text), "%.60Lf",
				 (long double)v +
					 (long double)(nextafter(v, 1e9) - v) / 2);
			k = strlen(text);
			point = n;
		}
		for (; k < n; k++)
			text[k] = k == point   ? '.'
				  : i % 4 == 3 ? '0'
					       : (char)('0' + next_random() % 10);
		if (i % 8 == 3)
			text[n - 1] = '1';
		text[n] = '\0';
		if (i % 2 == 0)
			snprintf(text + n, 32, "e%d", -(int)(next_random() % 4000));
		agrees(text);
	}
}

/* The short way to binary32 is the long way's answer, also around the middles. */
static void floats_by_products_are_the_same(void **state)
{
	size_t taken = 0, left = 0;

	(void)state;
	for (int i = 0; i < 3000000; i++) {
		struct number_parts x = {.mant = next_random() >>
						 (11 + next_random() % 40),
					 .exp = -(int64_t)(next_random() % 24),
					 .neg = i & 1};
		float f;

		if (i % 3 == 0) { /* near the middle of two floats */
			uint32_t b =
				(uint32_t)(next_random() % (16u << 23)) + (111u << 23);
			float lo, hi;

			memcpy(&lo, &b, 4);
			b++;
			memcpy(&hi, &b, 4);
			x.exp = -(int64_t)(next_random() % 12);
			x.mant = (uint64_t)(((double)lo + (double)hi) / 2 *
					    number_pow10[-x.exp]) +
				 next_random() % 3 - 1;
		}
		if (!number_float(&x, &f)) {
			left++;
			continue;
		}
		taken++;
		if (f != (float)number_value(&x))
			fail_msg("%llue%lld", (unsigned long long)x.mant,
				 (long long)x.exp);
	}
	assert_true(taken > 1000000 && left > 1000);
}

static void what_is_no_number_is_none(void **state)
{
	static const char *const cases[] = {
		"",	     "-",
		"+",	     ".",
		"-.",	     "e5",
		"1e",	     "1e+",
		"1e-",	     "1.2.3",
		"1,5",	     "0x1",
		"nan",	     "inf",
		"NaN",	     "1 ",
		" 1",	     "--1",
		"+-1",	     "1e5.",
		"1e5x",	     "12a",
		"1_0",	     "1e 5",
		"1d5",	     "\xb2",
		"1\xb2",     "/",
		":",	     "1/",
		"1:",	     "Infinity",
		"12345678x", "1234567890123456789012x",
		"1.e",	     "1e++5",
	};
	double v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char padded[64] = {0};

		memcpy(padded, cases[i], strlen(cases[i]));
		if (data_number(cases[i], strlen(cases[i]), &v))
			fail_msg("'%s' is no number", cases[i]);
		if (number_scan(padded, padded + strlen(cases[i]), &v) == 1)
			fail_msg("'%s' scans as a number", cases[i]);
	}
	assert_true(v == 7);
	/* A NUL is a byte like others. */
	assert_false(data_number("1\0", 2, &v));
}

/* What stands behind the end is not part of the number. */
static void the_scan_stops_at_the_end(void **state)
{
	char text[40];
	double v;

	(void)state;
	for (size_t n = 1; n <= 18; n++) {
		memcpy(text, "123456789012345678999999999", 28);
		assert_int_not_equal(number_scan(text, text + n, &v), 1);
		text[n] = ',';
		assert_int_equal(number_scan(text, text + n, &v), 1);
		assert_true(v == (double)strtoull(text, NULL, 10));
	}
	memcpy(text, "1,e5,.5", 8);
	assert_int_equal(number_scan(text, text + 1, &v), 1);
	assert_true(v == 1);
	memcpy(text, "1e,5", 5);
	assert_int_equal(number_scan(text, text + 2, &v), 0);
	memcpy(text, "1.e5", 5);
	assert_int_equal(number_scan(text, text + 4, &v), 1);
	assert_true(v == 1e5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_hard_cases_are_right),
		cmocka_unit_test(random_doubles_are_read_back),
		cmocka_unit_test(random_decimals_are_right),
		cmocka_unit_test(halfway_cases_go_to_even),
		cmocka_unit_test(long_inputs_are_right),
		cmocka_unit_test(floats_by_products_are_the_same),
		cmocka_unit_test(what_is_no_number_is_none),
		cmocka_unit_test(the_scan_stops_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
