/* The arithmetic of models: recorded bits, error bounds, edges. */
#include "store/base/err.h"
#include "train/core/fp.h"
#include "train/core/objective.h"
#include "train/core/rng.h"

#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <cmocka.h>

static uint64_t bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static void exp_and_log_have_the_recorded_bits(void **state)
{
	(void)state;
	assert_int_equal(bits_of(fp_exp(1)), 0x4005bf0a8b14576au);
	assert_int_equal(bits_of(fp_exp(-1)), 0x3fd78b56362cef38u);
	assert_int_equal(bits_of(fp_exp(0.5)), 0x3ffa61298e1e069cu);
	assert_int_equal(bits_of(fp_exp(10)), 0x40d5829dcf950560u);
	assert_int_equal(bits_of(fp_exp(-30.25)), 0x3d34835bd010a41bu);
	assert_int_equal(bits_of(fp_log(10)), 0x40026bb1bbb55516u);
	assert_int_equal(bits_of(fp_log(3)), 0x3ff193ea7aad030bu);
	assert_int_equal(bits_of(fp_log(1e-10)), 0xc037069e2aa2aa5bu);
}

static double ulps(double got, long double want)
{
	double near = (double)want;
	double ulp = nextafter(fabs(near), INFINITY) - fabs(near);

	return (double)(fabsl((long double)got - want) / (long double)ulp);
}

static double draw(uint64_t i, double low, double high)
{
	return low + (high - low) * rng_u0(rng_hash(5, RNG_SPLIT, 0, i));
}

static void exp_keeps_its_bound_of_error(void **state)
{
	double worst = 0;

	(void)state;
	if (LDBL_MANT_DIG < 64)
		skip();
	for (uint64_t i = 0; i < 200000; i++) {
		double x = draw(i, -40, 40);
		double u = ulps(fp_exp(x), expl((long double)x));

		worst = u > worst ? u : worst;
	}
	assert_true(worst <= 2.6);
	assert_true(worst > 0.5); /* the measure works */
	for (uint64_t i = 0; i < 50000; i++) {
		double x = draw(i, -708, 709);

		assert_true(ulps(fp_exp(x), expl((long double)x)) < 4);
	}
}

static void log_keeps_its_bound_of_error(void **state)
{
	double worst = 0;

	(void)state;
	if (LDBL_MANT_DIG < 64)
		skip();
	for (uint64_t i = 0; i < 200000; i++) {
		double x = i % 2 ? draw(i, 0.3, 3) : exp(draw(i, -700, 700));
		double u = ulps(fp_log(x), logl((long double)x));

		worst = u > worst ? u : worst;
	}
	assert_true(worst <= 1.9);
	assert_true(worst > 0.5);
}

static void exp_and_log_hold_at_their_edges(void **state)
{
	(void)state;
	assert_true(fp_exp(0) == 1);
	assert_true(fp_exp(-0.0) == 1);
	assert_true(fp_exp(1e308) == fp_exp(709));
	assert_true(fp_exp(INFINITY) == fp_exp(709));
	assert_true(isfinite(fp_exp(709)));
	assert_true(fp_exp(-1e308) == fp_exp(-708));
	assert_true(fp_exp(-708) >= DBL_MIN);
	assert_true(fp_log(1) == 0);
	assert_true(ulps(fp_log(DBL_MIN), logl(DBL_MIN)) < 2);
	assert_true(ulps(fp_log(0x1p-1074), logl(0x1p-1074L)) < 2);
	assert_true(ulps(fp_log(DBL_MAX), logl(DBL_MAX)) < 2);
	assert_true(ulps(fp_log(M_SQRT2), logl(M_SQRT2)) < 2);
	assert_true(ulps(fp_log(nextafter(1, 0)), logl(nextafter(1, 0))) < 2);
	assert_true(fp_sigmoid(0) == 0.5);
	assert_true(fp_sigmoid(800) == 1);
	assert_true(fp_sigmoid(-800) > 0);
	for (double x = -30; x < 30; x += 0.37)
		assert_true(fabs(fp_sigmoid(x) + fp_sigmoid(-x) - 1) < 1e-15);
}

static void shifts_of_negative_numbers_round_down(void **state)
{
	(void)state;
	assert_int_equal(fp_sar64(-1, 32), -1);
	assert_int_equal(fp_sar64(-((int64_t)1 << 40), 32), -256);
	assert_int_equal(fp_sar64(-((int64_t)1 << 40) - 1, 32), -257);
	assert_int_equal(fp_sar64(INT64_MIN, 63), -1);
	assert_int_equal(fp_sar64(INT64_MAX, 32), INT32_MAX);
}

static void a_unit_that_rounds_or_flushes_is_refused_and_put_right(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(fp_check(&e), 0);
	fesetround(FE_UPWARD);
	assert_int_equal(fp_check(&e), ERR_UNSUPPORTED);
	fp_enter();
	assert_int_equal(fp_check(&e), 0);
#if defined(__x86_64__)
	_mm_setcsr(_mm_getcsr() | 0x8040u);
	assert_int_equal(fp_check(&e), ERR_UNSUPPORTED);
	fp_enter();
	assert_int_equal(fp_check(&e), 0);
#endif
}

static void draws_are_the_recorded_ones(void **state)
{
	(void)state;
	assert_int_equal(rng_sm(0), 0xe220a8397b1dcdafu);
	assert_int_equal(rng_sm(1), 0x910a2dec89025cc1u);
	assert_int_equal(rng_hash(7, RNG_QUANT, 3, 12345), 0xcca84288db3005c6u);
}

static void levels_of_simd_have_names_and_an_order(void **state)
{
	(void)state;
	assert_true(simd_has(SIMD_SCALAR));
	assert_true(simd_has(simd_best()));
	assert_int_not_equal(simd_best(), SIMD_BEST);
	assert_string_equal(simd_name(SIMD_SCALAR), "scalar");
	assert_string_equal(simd_name(SIMD_SSE2), "sse2");
	assert_string_equal(simd_name(SIMD_AVX2), "avx2");
	assert_string_equal(simd_name(SIMD_AVX512), "avx512");
	for (unsigned l = simd_best() + 1u; l < SIMD_BEST; l++)
		assert_false(simd_has((enum simd)l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exp_and_log_have_the_recorded_bits),
		cmocka_unit_test(exp_keeps_its_bound_of_error),
		cmocka_unit_test(log_keeps_its_bound_of_error),
		cmocka_unit_test(exp_and_log_hold_at_their_edges),
		cmocka_unit_test(shifts_of_negative_numbers_round_down),
		cmocka_unit_test(a_unit_that_rounds_or_flushes_is_refused_and_put_right),
		cmocka_unit_test(draws_are_the_recorded_ones),
		cmocka_unit_test(levels_of_simd_have_names_and_an_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
