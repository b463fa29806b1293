/*
 * The vector kernels, written once over what each file that includes this defines:
 *
 *	LANES           doubles in a vector
 *	VD              the vector; + - * / are the compiler's
 *	V_LOAD V_SET V_MIN V_MAX V_ABS
 *	V_STORE_F32(p, v)    narrowed to binary32
 *	V_EXPONENT(t)        2^(low bits of t): the scale of exp
 *	KERNELS         name of the table
 *
 * V_MIN and V_MAX give the second operand when one is NaN, as x86's do and as the
 * scalar functions are written. What is left behind the last whole vector goes to
 * the scalar kernel. Without LANES there is nothing here.
 */
#if !defined(TRAIN_CORE_OBJECTIVE_LANES_H) && defined(LANES)
#define TRAIN_CORE_OBJECTIVE_LANES_H

#include "train/core/fp_lanes.h"
#include "train/core/objective_impl.h"

#include <float.h>
#include <stdint.h>

static inline VD lanes_exp(VD x)
{
	VD t, k, r;

	x = V_MAX(x, V_SET(FP_EXP_LOW));
	x = V_MIN(x, V_SET(FP_EXP_HIGH));
	t = x * V_SET(FP_LOG2E) + V_SET(FP_ROUND);
	k = t - V_SET(FP_ROUND);
	r = x - k * V_SET(FP_LN2_HIGH);
	r = r - k * V_SET(FP_LN2_LOW);
	return FP_EXP_POLY(r) * V_EXPONENT(t);
}

/* A body sets g and h from s and y, and from a. */
#define LANES_KERNEL(name, objective, ...)                                               \
	static void name(const struct kernel_arg *a)                                     \
	{                                                                                \
		const VD one UNUSED = V_SET(1.0);                                        \
		const VD top = V_SET((double)FLT_MAX), bottom = V_SET(-(double)FLT_MAX); \
		VD max_g = V_SET(0.0), max_h = V_SET(0.0);                               \
		double lanes_g[LANES], lanes_h[LANES];                                   \
		size_t i = 0;                                                            \
		struct kernel_arg rest = *a;                                             \
                                                                                         \
		for (; i + LANES <= a->n; i += LANES) {                                  \
			VD s = V_LOAD(a->s + i), y = V_LOAD(a->y + i), g, h;             \
                                                                                         \
			__VA_ARGS__;                                                     \
			if (a->w) {                                                      \
				VD w = V_LOAD(a->w + i);                                 \
                                                                                         \
				g = g * w;                                               \
				h = h * w;                                               \
			}                                                                \
			g = V_MAX(V_MIN(g, top), bottom);                                \
			h = V_MAX(V_MIN(h, top), bottom);                                \
			V_STORE_F32(a->g + i, g);                                        \
			V_STORE_F32(a->h + i, h);                                        \
			max_g = V_MAX(V_ABS(g), max_g);                                  \
			max_h = V_MAX(h, max_h);                                         \
		}                                                                        \
		V_STORE(lanes_g, max_g);                                                 \
		V_STORE(lanes_h, max_h);                                                 \
		for (size_t k = 0; k < LANES; k++) {                                     \
			double vg = (double)(float)lanes_g[k];                           \
			double vh = (double)(float)lanes_h[k];                           \
                                                                                         \
			a->max[0] = vg > a->max[0] ? vg : a->max[0];                     \
			a->max[1] = vh > a->max[1] ? vh : a->max[1];                     \
		}                                                                        \
		rest.s += i;                                                             \
		rest.y += i;                                                             \
		rest.g += i;                                                             \
		rest.h += i;                                                             \
		rest.n -= i;                                                             \
		if (rest.w)                                                              \
			rest.w += i;                                                     \
		objective_kernels_scalar.of[objective](&rest);                           \
	}

LANES_KERNEL(lanes_l2, OBJ_L2, {
	g = s - y;
	h = one;
})

LANES_KERNEL(lanes_binary, OBJ_BINARY, {
	VD p = one / (one + lanes_exp(V_SET(-0.0) - s));

	g = p - y;
	h = p * (one - p);
})

LANES_KERNEL(lanes_poisson, OBJ_POISSON, {
	VD mean = lanes_exp(s);

	g = mean - y;
	h = mean * V_SET(a->arg2);
})

LANES_KERNEL(lanes_gamma, OBJ_GAMMA, {
	VD ratio = y * lanes_exp(V_SET(-0.0) - s);

	g = one - ratio;
	h = ratio;
})

LANES_KERNEL(lanes_tweedie, OBJ_TWEEDIE, {
	VD r1 = V_SET(1 - a->arg), r2 = V_SET(2 - a->arg);
	VD ya = y * lanes_exp(r1 * s), b = lanes_exp(r2 * s);

	g = b - ya;
	h = r2 * b - r1 * ya;
})

const struct kernels KERNELS = {.of = {
					[OBJ_L2] = lanes_l2,
					[OBJ_POISSON] = lanes_poisson,
					[OBJ_GAMMA] = lanes_gamma,
					[OBJ_TWEEDIE] = lanes_tweedie,
					[OBJ_BINARY] = lanes_binary,
				}};

#endif
