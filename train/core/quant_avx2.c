#if defined(__x86_64__)

#include "train/core/quant.h"

#include <immintrin.h>

/* The low 64 bits of a product, from 32-bit ones. */
static __m256i mul64(__m256i a, __m256i b)
{
	__m256i cross = _mm256_mullo_epi32(a, _mm256_shuffle_epi32(b, 0xb1));
	__m256i high = _mm256_add_epi32(cross, _mm256_srli_epi64(cross, 32));

	return _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64(high, 32));
}

static __m256i sm(__m256i z)
{
	const __m256i a = _mm256_set1_epi64x((long long)0x9E3779B97F4A7C15u);
	const __m256i b = _mm256_set1_epi64x((long long)0xBF58476D1CE4E5B9u);
	const __m256i c = _mm256_set1_epi64x((long long)0x94D049BB133111EBu);

	z = _mm256_add_epi64(z, a);
	z = mul64(_mm256_xor_si256(z, _mm256_srli_epi64(z, 30)), b);
	z = mul64(_mm256_xor_si256(z, _mm256_srli_epi64(z, 27)), c);
	return _mm256_xor_si256(z, _mm256_srli_epi64(z, 31));
}

/* Four draws of 24 bits, each the low half of 64, as doubles in [0, 1). */
static __m256d unit(__m256i draw)
{
	const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
	__m128i low = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(draw, even));

	return _mm256_mul_pd(_mm256_cvtepi32_pd(low), _mm256_set1_pd(0x1p-24));
}

static __m128i whole(__m128 v, double per, __m256d u, double low, double high)
{
	__m256d x =
		_mm256_add_pd(_mm256_mul_pd(_mm256_cvtps_pd(v), _mm256_set1_pd(per)), u);
	__m256d nan = _mm256_cmp_pd(x, x, _CMP_UNORD_Q);

	x = _mm256_floor_pd(_mm256_andnot_pd(nan, x));
	x = _mm256_min_pd(_mm256_max_pd(x, _mm256_set1_pd(low)), _mm256_set1_pd(high));
	return _mm256_cvttpd_epi32(x);
}

size_t quant_rows_avx2(uint32_t *packed, const float *g, const float *h, size_t from,
		       size_t to, const struct quant *q)
{
	const __m256i base = _mm256_set1_epi64x((long long)q->base);
	uint64_t start = q->first + from;
	__m256i row = _mm256_add_epi64(_mm256_set1_epi64x((long long)start),
				       _mm256_setr_epi64x(0, 1, 2, 3));
	size_t i = from;

	for (; i + 4 <= to; i += 4) {
		__m256i key = q->key ? _mm256_loadu_si256((
					       const __m256i *)(const void *)(q->key + i))
				     : row;
		__m256i draw = sm(_mm256_xor_si256(base, key));
		__m256i v = _mm256_and_si256(_mm256_srli_epi64(draw, 8),
					     _mm256_set1_epi64x(0xffffff));
		__m128i qg = whole(_mm_loadu_ps(g + i), q->per_g,
				   unit(_mm256_srli_epi64(draw, 40)), -q->levels_g,
				   q->levels_g);
		__m128i qh = _mm_set1_epi32(1);

		if (!q->constant)
			qh = whole(_mm_loadu_ps(h + i), q->per_h, unit(v), 0,
				   q->levels_h);
		_mm_storeu_si128((__m128i *)(void *)(packed + i),
				 _mm_or_si128(_mm_slli_epi32(qg, 16), qh));
		row = _mm256_add_epi64(row, _mm256_set1_epi64x(4));
	}
	return i;
}

#endif
