/*
 * Values to codes, 16 at a time. The first five steps of the search look into two
 * registers that hold every eighth cut; the last three are gathers.
 */
#if defined(__x86_64__)

#include "train/core/bins.h"

#include <immintrin.h>

/* Without optimisation gcc's gathers are macros that convert a mask's sign. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

static __m512i search(__m512 x, __m512 low, __m512 high, const float *cut)
{
	__m512i b = _mm512_setzero_si512();

	/* b counts in eighths here: cut 8 * (b + 1) - 1 lies in lane b. */
	for (int step = 16; step > 0; step /= 2) {
		__m512i at = _mm512_add_epi32(b, _mm512_set1_epi32(step - 1));
		__m512 c = _mm512_permutex2var_ps(low, at, high);

		b = _mm512_mask_add_epi32(b, _mm512_cmp_ps_mask(c, x, _CMP_LE_OQ), b,
					  _mm512_set1_epi32(step));
	}
	b = _mm512_slli_epi32(b, 3);
	for (int step = 4; step > 0; step /= 2) {
		__m512 c = _mm512_i32gather_ps(b, cut + step - 1, 4);

		b = _mm512_mask_add_epi32(b, _mm512_cmp_ps_mask(c, x, _CMP_LE_OQ), b,
					  _mm512_set1_epi32(step));
	}
	return b;
}

size_t bins_encode_avx512(uint8_t *code, const float *v, size_t n, const float cut[256],
			  unsigned nr)
{
	const __m512i last = _mm512_set1_epi32((int)nr - 1);
	const __m512i absent = _mm512_set1_epi32((int)nr);
	float eighth[32];
	__m512 low, high;
	size_t missing = 0, i = 0;

	for (unsigned k = 0; k < 32; k++)
		eighth[k] = cut[8 * k + 7];
	low = _mm512_loadu_ps(eighth);
	high = _mm512_loadu_ps(eighth + 16);
	for (; i + 16 <= n; i += 16) {
		__m512 x = _mm512_loadu_ps(v + i);
		__mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
		__m512i b = _mm512_min_epi32(search(x, low, high, cut), last);

		b = _mm512_mask_mov_epi32(b, nan, absent);
		missing += (unsigned)__builtin_popcount((unsigned)nan);
		_mm_storeu_si128((__m128i *)(void *)(code + i), _mm512_cvtepi32_epi8(b));
	}
	return missing + bins_encode(code + i, v + i, n - i, cut, nr, SIMD_SCALAR);
}

#endif
