/*
 * The loops over a block's rows as vectors, written once over what each file that
 * includes this defines: what objective_lanes.h needs, and
 *
 *	V_SQRT
 *	V_NUMBER(x, v)      v where x is a number, else 0
 *	V_IF_LESS(a, b, v, w)  v where a < b, else w
 *	V_LOAD_F32(p)       LANES floats, widened
 *	LINEAR_KERNELS      name of the table
 *
 * Eight accumulators are 8 / LANES vectors. Where registers are few the rows are
 * walked once for each of them: accumulators never meet before the end, so the
 * walks may come one after the other. Without LANES there is nothing here.
 */
#if !defined(TRAIN_CORE_LINEAR_LANES_H) && defined(LANES)
#define TRAIN_CORE_LINEAR_LANES_H

#include "train/core/fp_lanes.h"
#include "train/core/linear_impl.h"

#include <math.h>

static void lanes_standardize(double *out, const float *x, size_t n, size_t n8,
			      double mean, double inverse)
{
	const VD m = V_SET(mean), inv = V_SET(inverse);
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		VD v = V_LOAD_F32(x + i);

		V_STORE(out + i, V_NUMBER(v, (v - m) * inv));
	}
	for (; i < n; i++)
		out[i] = isnan(x[i]) ? 0 : ((double)x[i] - mean) * inverse;
	for (; i < n8; i++)
		out[i] = 0;
}

static void lanes_add_scaled(double *s, const double *x, double by, size_t n8)
{
	const VD b = V_SET(by);

	for (size_t i = 0; i < n8; i += LANES)
		V_STORE(s + i, V_LOAD(s + i) + b * V_LOAD(x + i));
}

static double lanes_dot(const double *a, const double *b, size_t n8)
{
	double sum[8];

	for (unsigned part = 0; part < 8; part += LANES) {
		VD acc = V_SET(0.0);

		for (size_t i = part; i < n8; i += 8)
			acc = acc + V_LOAD(a + i) * V_LOAD(b + i);
		V_STORE(sum + part, acc);
	}
	return linear_lanes_sum(sum);
}

static double lanes_dot_scale(double *x, const double *r, const double *q, size_t n8)
{
	double sum[8];

	for (unsigned part = 0; part < 8; part += LANES) {
		VD acc = V_SET(0.0);

		for (size_t i = part; i < n8; i += 8) {
			VD v = V_LOAD(x + i);

			acc = acc + V_LOAD(r + i) * v;
			V_STORE(x + i, v * V_LOAD(q + i));
		}
		V_STORE(sum + part, acc);
	}
	return linear_lanes_sum(sum);
}

/* Four columns against two: eight accumulators, three operands. */
static void lanes_gram_4x2(const double *a, const double *b, size_t stride, size_t n8,
			   double *out, size_t out_stride)
{
	double sum[8][8];

	for (unsigned part = 0; part < 8; part += LANES) {
		VD c00 = V_SET(0.0), c01 = c00, c10 = c00, c11 = c00, c20 = c00,
		   c21 = c00, c30 = c00, c31 = c00;

		for (size_t i = part; i < n8; i += 8) {
			VD b0 = V_LOAD(b + i), b1 = V_LOAD(b + stride + i), v;

			v = V_LOAD(a + i);
			c00 = c00 + v * b0;
			c01 = c01 + v * b1;
			v = V_LOAD(a + stride + i);
			c10 = c10 + v * b0;
			c11 = c11 + v * b1;
			v = V_LOAD(a + 2 * stride + i);
			c20 = c20 + v * b0;
			c21 = c21 + v * b1;
			v = V_LOAD(a + 3 * stride + i);
			c30 = c30 + v * b0;
			c31 = c31 + v * b1;
		}
		V_STORE(sum[0] + part, c00);
		V_STORE(sum[1] + part, c01);
		V_STORE(sum[2] + part, c10);
		V_STORE(sum[3] + part, c11);
		V_STORE(sum[4] + part, c20);
		V_STORE(sum[5] + part, c21);
		V_STORE(sum[6] + part, c30);
		V_STORE(sum[7] + part, c31);
	}
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 2; k++)
			out[i * out_stride + k] = linear_lanes_sum(sum[i * 2 + k]);
}

#if LANES == 8
/* With 32 registers: sixteen accumulators, five operands. */
static void lanes_gram_4x4(const double *a, const double *b, size_t stride, size_t n8,
			   double *out, size_t out_stride)
{
	VD c[4][4];
	double sum[8];

#define EACH(i, k) c##i##k
	VD EACH(0, 0) = V_SET(0.0), EACH(0, 1) = c00, EACH(0, 2) = c00, EACH(0, 3) = c00;
	VD EACH(1, 0) = c00, EACH(1, 1) = c00, EACH(1, 2) = c00, EACH(1, 3) = c00;
	VD EACH(2, 0) = c00, EACH(2, 1) = c00, EACH(2, 2) = c00, EACH(2, 3) = c00;
	VD EACH(3, 0) = c00, EACH(3, 1) = c00, EACH(3, 2) = c00, EACH(3, 3) = c00;

	for (size_t i = 0; i < n8; i += 8) {
		VD b0 = V_LOAD(b + i), b1 = V_LOAD(b + stride + i);
		VD b2 = V_LOAD(b + 2 * stride + i), b3 = V_LOAD(b + 3 * stride + i), v;

#define ROW(n)                                                                           \
	v = V_LOAD(a + (n)*stride + i);                                                  \
	EACH(n, 0) = EACH(n, 0) + v * b0;                                                \
	EACH(n, 1) = EACH(n, 1) + v * b1;                                                \
	EACH(n, 2) = EACH(n, 2) + v * b2;                                                \
	EACH(n, 3) = EACH(n, 3) + v * b3
		ROW(0);
		ROW(1);
		ROW(2);
		ROW(3);
#undef ROW
	}
#define KEEP(n)                                                                          \
	c[n][0] = EACH(n, 0);                                                            \
	c[n][1] = EACH(n, 1);                                                            \
	c[n][2] = EACH(n, 2);                                                            \
	c[n][3] = EACH(n, 3)
	KEEP(0);
	KEEP(1);
	KEEP(2);
	KEEP(3);
#undef KEEP
#undef EACH
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++) {
			V_STORE(sum, c[i][k]);
			out[i * out_stride + k] = linear_lanes_sum(sum);
		}
}
#endif

static void lanes_gram(const double *a, unsigned na, const double *b, unsigned nb,
		       size_t stride, size_t n8, double *out, size_t out_stride)
{
	unsigned done = 0;

	if (na == 4) {
#if LANES == 8
		if (nb == 4) {
			lanes_gram_4x4(a, b, stride, n8, out, out_stride);
			return;
		}
#endif
		for (; done + 2 <= nb; done += 2)
			lanes_gram_4x2(a, b + done * stride, stride, n8, out + done,
				       out_stride);
	}
	for (; done < nb; done++)
		for (unsigned i = 0; i < na; i++)
			out[i * out_stride + done] =
				lanes_dot(a + i * stride, b + done * stride, n8);
}

static inline VD lanes_exp_negative(VD x)
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

/* log(1 + e) for e in [0, 1]: 1 + e = f * 2^up, as fp_log has it. */
static inline VD lanes_log1(VD e)
{
	VD x = V_SET(1.0) + e, f, up, s, z, p;

	f = V_IF_LESS(x, V_SET(FP_SQRT_TWO), x, x * V_SET(0.5));
	up = V_IF_LESS(x, V_SET(FP_SQRT_TWO), V_SET(0.0), V_SET(1.0));
	s = (f - V_SET(1.0)) / (f + V_SET(1.0));
	z = s * s;
	p = V_SET(2.0 / 23);
	p = p * z + V_SET(2.0 / 21);
	p = p * z + V_SET(2.0 / 19);
	p = p * z + V_SET(2.0 / 17);
	p = p * z + V_SET(2.0 / 15);
	p = p * z + V_SET(2.0 / 13);
	p = p * z + V_SET(2.0 / 11);
	p = p * z + V_SET(2.0 / 9);
	p = p * z + V_SET(2.0 / 7);
	p = p * z + V_SET(2.0 / 5);
	p = p * z + V_SET(2.0 / 3);
	return up * V_SET(FP_LN2_HIGH) +
	       (V_SET(2.0) * s + (p * z * s + up * V_SET(FP_LN2_LOW)));
}

static void lanes_logistic(const double *s, const double *y, const double *w, size_t n,
			   double *r, double *q, double *loss)
{
	const VD one = V_SET(1.0), zero = V_SET(0.0);
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		VD m = V_LOAD(s + i), label = V_LOAD(y + i), weight = one;
		VD e = lanes_exp_negative(V_SET(-0.0) - V_ABS(m));
		VD less = e / (one + e), p = V_IF_LESS(m, zero, less, one - less);

		if (w)
			weight = V_LOAD(w + i);
		V_STORE(r + i, weight * (p - label));
		V_STORE(q + i, V_SQRT(weight * (less * (one - less))));
		V_STORE(loss + i, weight * (lanes_log1(e) + V_MAX(m, zero) - label * m));
	}
	linear_kernels_scalar.logistic(s + i, y + i, w ? w + i : NULL, n - i, r + i,
				       q + i, loss + i);
}

const struct linear_kernels LINEAR_KERNELS = {
	.standardize = lanes_standardize,
	.add_scaled = lanes_add_scaled,
	.dot = lanes_dot,
	.dot_scale = lanes_dot_scale,
	.gram = lanes_gram,
	.logistic = lanes_logistic,
};

#endif
