#if defined(__x86_64__)

#include "train/core/quant.h"

#include <immintrin.h>

static __m512i sm(__m512i z)
{
	const __m512i a = _mm512_set1_epi64((long long)0x9E3779B97F4A7C15u);
	const __m512i b = _mm512_set1_epi64((long long)0xBF58476D1CE4E5B9u);
	const __m512i c = _mm512_set1_epi64((long long)0x94D049BB133111EBu);

	z = _mm512_add_epi64(z, a);
	z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 30)), b);
	z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 27)), c);
	return _mm512_xor_si512(z, _mm512_srli_epi64(z, 31));
}

static __m512d unit(__m512i draw)
{
	return _mm512_mul_pd(_mm512_cvtepu64_pd(draw), _mm512_set1_pd(0x1p-24));
}

static __m256i whole(__m256 v, double per, __m512d u, double low, double high)
{
	__m512d x =
		_mm512_add_pd(_mm512_mul_pd(_mm512_cvtps_pd(v), _mm512_set1_pd(per)), u);
	__mmask8 number = _mm512_cmp_pd_mask(x, x, _CMP_ORD_Q);

	x = _mm512_floor_pd(_mm512_maskz_mov_pd(number, x));
	x = _mm512_min_pd(_mm512_max_pd(x, _mm512_set1_pd(low)), _mm512_set1_pd(high));
	return _mm512_cvttpd_epi32(x);
}

size_t quant_rows_avx512(uint32_t *packed, const float *g, const float *h, size_t from,
			 size_t to, const struct quant *q)
{
	const __m512i base = _mm512_set1_epi64((long long)q->base);
	uint64_t start = q->first + from;
	__m512i row = _mm512_add_epi64(_mm512_set1_epi64((long long)start),
				       _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
	size_t i = from;

	for (; i + 8 <= to; i += 8) {
		__m512i key = q->key ? _mm512_loadu_si512(q->key + i) : row;
		__m512i draw = sm(_mm512_xor_si512(base, key));
		__m512i v = _mm512_and_si512(_mm512_srli_epi64(draw, 8),
					     _mm512_set1_epi64(0xffffff));
		__m256i qg = whole(_mm256_loadu_ps(g + i), q->per_g,
				   unit(_mm512_srli_epi64(draw, 40)), -q->levels_g,
				   q->levels_g);
		__m256i qh = _mm256_set1_epi32(1);

		if (!q->constant)
			qh = whole(_mm256_loadu_ps(h + i), q->per_h, unit(v), 0,
				   q->levels_h);
		_mm256_storeu_si256((__m256i *)(void *)(packed + i),
				    _mm256_or_si256(_mm256_slli_epi32(qg, 16), qh));
		row = _mm512_add_epi64(row, _mm512_set1_epi64(8));
	}
	return i;
}

#endif
