#include "train/core/quant.h"

#include "train/core/rng.h"

void quant_levels(struct quant *q, uint64_t n, double max_g, double max_h, bool constant)
{
	uint64_t g = 0x7fffffffu / n, h = 0xffffffffu / n;

	q->levels_g = (int32_t)(g < 32767 ? g : 32767);
	q->levels_h = (int32_t)(h < 65535 ? h : 65535);
	q->constant = constant;
	q->sg = max_g > 0 ? max_g / q->levels_g : 1;
	q->sh = constant || !(max_h > 0) ? 1 : max_h / q->levels_h;
	q->per_g = 1 / q->sg;
	q->per_h = 1 / q->sh;
}

/* floor, for what fits an int32; a NaN becomes 0. */
static int32_t whole(double x, int32_t low, int32_t high)
{
	int32_t i;

	if (!(x > low))
		return x == x ? low : 0;
	if (!(x < high))
		return high;
	i = (int32_t)x;
	return i - (x < i);
}

void quant_rows(uint32_t *packed, const float *g, const float *h, size_t from, size_t to,
		const struct quant *q, enum simd simd)
{
	(void)simd;
#if defined(__x86_64__)
	if (simd == SIMD_AVX512)
		from = quant_rows_avx512(packed, g, h, from, to, q);
	else if (simd == SIMD_AVX2)
		from = quant_rows_avx2(packed, g, h, from, to, q);
#endif
	for (size_t i = from; i < to; i++) {
		uint64_t draw = rng_at(q->base, q->key ? q->key[i] : q->first + i);
		int32_t qg = whole((double)g[i] * q->per_g + rng_u0(draw), -q->levels_g,
				   q->levels_g);
		int32_t qh = q->constant ? 1
					 : whole((double)h[i] * q->per_h + rng_u1(draw),
						 0, q->levels_h);

		packed[i] = (uint32_t)qg << 16 | (uint32_t)qh;
	}
}
