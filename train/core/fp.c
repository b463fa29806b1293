#include "train/core/fp.h"

#include "store/base/err.h"
#include "train/core/fp_lanes.h"

#include <fenv.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(__x86_64__)
#define MXCSR_FTZ 0x8000u
#define MXCSR_DAZ 0x0040u
#elif defined(__aarch64__)
#define FPCR_FZ	  (1ull << 24)
#define FPCR_FZ16 (1ull << 19)
#endif

int fp_check(struct err *e)
{
	/* Volatile, or the compiler would answer from its own arithmetic. */
	volatile double least = DBL_MIN, half = 0.5, one = 1, tiny = 0x1p-60;
	volatile double subnormal = least * half;

	if (fegetround() != FE_TONEAREST || one + tiny != 1 || -one - tiny != -1)
		return err_set(
			e, ERR_UNSUPPORTED,
			"the floating-point unit does not round to nearest: models "
			"would depend on it");
	if (subnormal == 0 || subnormal * 2 != least)
		return err_set(
			e, ERR_UNSUPPORTED,
			"the floating-point unit flushes small numbers to zero: models "
			"would depend on it");
	return 0;
}

void fp_enter(void)
{
	/* The x87's rounding too, which fegetround() reports. */
	(void)fesetround(FE_TONEAREST);
#if defined(__x86_64__)
	_mm_setcsr(_mm_getcsr() & ~(MXCSR_FTZ | MXCSR_DAZ));
#elif defined(__aarch64__)
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	fpcr &= ~(FPCR_FZ | FPCR_FZ16);
	__asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
#endif
}

double fp_exp(double x)
{
	return fp_exp_inline(x);
}

double fp_log(double x)
{
	int64_t e = 0;
	uint64_t bits, up;
	double f, s, z, p, ed;

	if (x < DBL_MIN) {
		x *= 0x1p54;
		e = -54;
	}
	/* f = x * 2^-up in [sqrt(1/2), sqrt(2)) */
	memcpy(&bits, &x, sizeof(bits));
	up = (uint64_t)fp_sar64((int64_t)(bits - FP_SQRT_HALF_BITS), 52);
	bits -= up << 52;
	memcpy(&f, &bits, sizeof(f));
	e += (int64_t)up;
	ed = (double)e;

	s = (f - 1) / (f + 1);
	z = s * s;
	p = 2.0 / 23;
	p = p * z + 2.0 / 21;
	p = p * z + 2.0 / 19;
	p = p * z + 2.0 / 17;
	p = p * z + 2.0 / 15;
	p = p * z + 2.0 / 13;
	p = p * z + 2.0 / 11;
	p = p * z + 2.0 / 9;
	p = p * z + 2.0 / 7;
	p = p * z + 2.0 / 5;
	p = p * z + 2.0 / 3;
	return ed * FP_LN2_HIGH + (2 * s + (p * z * s + ed * FP_LN2_LOW));
}

double fp_sigmoid(double x)
{
	return 1 / (1 + fp_exp(-x));
}
