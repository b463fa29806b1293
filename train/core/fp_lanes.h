/*
 * The constants and the polynomial of exp, shared by the scalar function and its
 * vector twins: a lane does the same operations in the same order. Works on any
 * type that has * and +, the compilers' vectors included.
 */
#ifndef TRAIN_CORE_FP_LANES_H
#define TRAIN_CORE_FP_LANES_H

#include <stdint.h>
#include <string.h>

#define FP_EXP_LOW	  (-708.0)
#define FP_EXP_HIGH	  709.0
#define FP_LOG2E	  0x1.71547652b82fep+0
#define FP_LN2_HIGH	  0x1.62e42feep-1
#define FP_LN2_LOW	  0x1.a39ef35793c76p-33
#define FP_ROUND	  0x1.8p52 /* adding and subtracting it rounds to an integer */
#define FP_SQRT_HALF_BITS 0x3fe6a09e667f3bcdull
#define FP_SQRT_TWO	  0x1.6a09e667f3bcdp+0 /* twice that of the bits: where log splits */

/* 1 + r + r^2/2! + .. + r^12/12!, Horner. */
#define FP_EXP_POLY(r)                                                                   \
	((((((((((((1.0 / 479001600 * (r) + 1.0 / 39916800) * (r) + 1.0 / 3628800) *     \
			  (r) +                                                          \
		  1.0 / 362880) *                                                        \
			 (r) +                                                           \
		 1.0 / 40320) *                                                          \
			(r) +                                                            \
		1.0 / 5040) *                                                            \
		       (r) +                                                             \
	       1.0 / 720) *                                                              \
		      (r) +                                                              \
	      1.0 / 120) *                                                               \
		     (r) +                                                               \
	     1.0 / 24) *                                                                 \
		    (r) +                                                                \
	    1.0 / 6) *                                                                   \
		   (r) +                                                                 \
	   1.0 / 2) *                                                                    \
		  (r) +                                                                  \
	  1.0) * (r) +                                                                   \
	 1.0)

/* fp_exp, for loops over rows. */
static inline double fp_exp_inline(double x)
{
	double t, k, r, p, scale;
	uint64_t bits;

	/* Written so that NaN takes the lower bound, as the vector twins do. */
	x = x > FP_EXP_LOW ? x : FP_EXP_LOW;
	x = x < FP_EXP_HIGH ? x : FP_EXP_HIGH;
	t = x * FP_LOG2E + FP_ROUND;
	k = t - FP_ROUND;
	r = x - k * FP_LN2_HIGH;
	r = r - k * FP_LN2_LOW;
	p = FP_EXP_POLY(r);
	/* The low bits of t are k; the clamp keeps k + 1023 within 2 .. 2046. */
	memcpy(&bits, &t, sizeof(bits));
	bits = (bits + 1023) << 52;
	memcpy(&scale, &bits, sizeof(scale));
	return p * scale;
}

#endif
