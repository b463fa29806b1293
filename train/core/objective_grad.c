/*
 * The scalar kernels: what every vector twin must equal bit for bit. Weights are
 * multiplied last, maxima are those of the numbers as stored.
 */
#include "train/core/fp_lanes.h"
#include "train/core/objective_impl.h"

#include <math.h>

struct gh {
	double g, h;
};

/* A loop over rows with body setting gh from s, y; once without weights, so that
 * the usual case has no test inside. */
#define KERNEL(name, ...)                                                                \
	static inline struct gh name##_row(double s, double y,                           \
					   const struct kernel_arg *a UNUSED)            \
	{                                                                                \
		struct gh gh;                                                            \
                                                                                         \
		__VA_ARGS__;                                                             \
		return gh;                                                               \
	}                                                                                \
	static void name(const struct kernel_arg *a)                                     \
	{                                                                                \
		float max_g = (float)a->max[0], max_h = (float)a->max[1];                \
                                                                                         \
		for (size_t i = 0; i < a->n; i++) {                                      \
			struct gh gh = name##_row(a->s[i], a->y[i], a);                  \
			float abs_g;                                                     \
                                                                                         \
			if (a->w) {                                                      \
				gh.g *= a->w[i];                                         \
				gh.h *= a->w[i];                                         \
			}                                                                \
			a->g[i] = to_f32(gh.g);                                          \
			a->h[i] = to_f32(gh.h);                                          \
			abs_g = fabsf(a->g[i]);                                          \
			max_g = abs_g > max_g ? abs_g : max_g;                           \
			max_h = a->h[i] > max_h ? a->h[i] : max_h;                       \
		}                                                                        \
		a->max[0] = (double)max_g;                                               \
		a->max[1] = (double)max_h;                                               \
	}

static inline double sign_of(double d)
{
	return d > 0 ? 1.0 : d < 0 ? -1.0 : 0.0;
}

KERNEL(l2, (gh.g = s - y, gh.h = 1))

KERNEL(l1, (gh.g = sign_of(s - y), gh.h = 1))

KERNEL(huber, {
	double d = s - y;

	d = d < a->arg ? d : a->arg;
	gh.g = d > -a->arg ? d : -a->arg;
	gh.h = 1;
})

KERNEL(quantile, (gh.g = s >= y ? 1 - a->arg : -a->arg, gh.h = 1))

KERNEL(fair, {
	double d = s - y, q = a->arg / (fabs(d) + a->arg);

	gh.g = q * d;
	gh.h = q * q;
})

KERNEL(mape, {
	double size = fabs(y);

	gh.g = sign_of(s - y) / (size > 1 ? size : 1);
	gh.h = 1;
})

KERNEL(poisson, {
	double mean = fp_exp_inline(s);

	gh.g = mean - y;
	gh.h = mean * a->arg2;
})

KERNEL(gamma_loss, {
	double ratio = y * fp_exp_inline(-s);

	gh.g = 1 - ratio;
	gh.h = ratio;
})

KERNEL(tweedie, {
	double r1 = 1 - a->arg, r2 = 2 - a->arg;
	double ya = y * fp_exp_inline(r1 * s), b = fp_exp_inline(r2 * s);

	gh.g = b - ya;
	gh.h = r2 * b - r1 * ya;
})

KERNEL(binary, {
	double p = 1 / (1 + fp_exp_inline(-s));

	gh.g = p - y;
	gh.h = p * (1 - p);
})

const struct kernels objective_kernels_scalar = {.of = {
							 [OBJ_L2] = l2,
							 [OBJ_L1] = l1,
							 [OBJ_HUBER] = huber,
							 [OBJ_QUANTILE] = quantile,
							 [OBJ_POISSON] = poisson,
							 [OBJ_GAMMA] = gamma_loss,
							 [OBJ_TWEEDIE] = tweedie,
							 [OBJ_BINARY] = binary,
							 [OBJ_FAIR] = fair,
							 [OBJ_MAPE] = mape,
						 }};
