/* The scalar loops over a block's rows: what every vector twin must equal. */
#include "train/core/fp.h"
#include "train/core/fp_lanes.h"
#include "train/core/linear_impl.h"

#include <math.h>

static void standardize(double *out, const float *x, size_t n, size_t n8, double mean,
			double inverse)
{
	for (size_t i = 0; i < n; i++)
		out[i] = isnan(x[i]) ? 0 : ((double)x[i] - mean) * inverse;
	for (size_t i = n; i < n8; i++)
		out[i] = 0;
}

static void add_scaled(double *s, const double *x, double by, size_t n8)
{
	for (size_t i = 0; i < n8; i++)
		s[i] += by * x[i];
}

static double dot(const double *a, const double *b, size_t n8)
{
	double sum[8] = {0};

	for (size_t i = 0; i < n8; i += 8)
		for (size_t k = 0; k < 8; k++)
			sum[k] += a[i + k] * b[i + k];
	return linear_lanes_sum(sum);
}

static double dot_scale(double *x, const double *r, const double *q, size_t n8)
{
	double sum = dot(r, x, n8);

	for (size_t i = 0; i < n8; i++)
		x[i] *= q[i];
	return sum;
}

static void gram(const double *a, unsigned na, const double *b, unsigned nb,
		 size_t stride, size_t n8, double *out, size_t out_stride)
{
	for (unsigned i = 0; i < na; i++)
		for (unsigned k = 0; k < nb; k++)
			out[i * out_stride + k] = dot(a + i * stride, b + k * stride, n8);
}

/* From e = exp(-|s|): the smaller of the two probabilities keeps all its digits, and
 * one exponential serves for both it and the loss. */
static void logistic(const double *s, const double *y, const double *w, size_t n,
		     double *r, double *q, double *loss)
{
	for (size_t i = 0; i < n; i++) {
		double e = fp_exp_inline(-fabs(s[i])), less = e / (1 + e);
		double p = s[i] < 0 ? less : 1 - less, weight = w ? w[i] : 1;

		r[i] = weight * (p - y[i]);
		q[i] = sqrt(weight * (less * (1 - less)));
		loss[i] = weight * (fp_log(1 + e) + (s[i] > 0 ? s[i] : 0) - y[i] * s[i]);
	}
}

const struct linear_kernels linear_kernels_scalar = {
	.standardize = standardize,
	.add_scaled = add_scaled,
	.dot = dot,
	.dot_scale = dot_scale,
	.gram = gram,
	.logistic = logistic,
};

const struct linear_kernels *linear_kernels_of(enum simd simd)
{
	if (simd == SIMD_BEST || !simd_has(simd))
		simd = simd_best();
	switch (simd) {
#if defined(__x86_64__)
	case SIMD_SSE2:
		return &linear_kernels_sse2;
	case SIMD_AVX2:
		return &linear_kernels_avx2;
	case SIMD_AVX512:
		return &linear_kernels_avx512;
#endif
	default:
		return &linear_kernels_scalar;
	}
}
