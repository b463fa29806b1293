/* Values to codes, 8 at a time: the same binary search, its steps as gathers. */
#if defined(__x86_64__)

#include "train/core/bins.h"

#include <immintrin.h>

size_t bins_encode_avx2(uint8_t *code, const float *v, size_t n, const float cut[256],
			unsigned nr)
{
	const __m256i last = _mm256_set1_epi32((int)nr - 1);
	const __m256i absent = _mm256_set1_epi32((int)nr);
	size_t missing = 0, i = 0;
	unsigned top = 1;

	while (top < nr)
		top *= 2;
	for (; i + 8 <= n; i += 8) {
		__m256 x = _mm256_loadu_ps(v + i);
		__m256i b = _mm256_setzero_si256();
		__m256 nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
		__m128i w;

		for (unsigned step = top / 2; step > 0; step /= 2) {
			__m256i s = _mm256_set1_epi32((int)step);
			__m256 c = _mm256_i32gather_ps(cut + step - 1, b, 4);
			__m256 le = _mm256_cmp_ps(c, x, _CMP_LE_OQ);

			b = _mm256_add_epi32(
				b, _mm256_and_si256(s, _mm256_castps_si256(le)));
		}
		b = _mm256_min_epi32(b, last);
		b = _mm256_blendv_epi8(b, absent, _mm256_castps_si256(nan));
		missing +=
			(unsigned)__builtin_popcount((unsigned)_mm256_movemask_ps(nan));
		w = _mm_packus_epi32(_mm256_castsi256_si128(b),
				     _mm256_extracti128_si256(b, 1));
		_mm_storel_epi64((__m128i *)(void *)(code + i), _mm_packus_epi16(w, w));
	}
	return missing + bins_encode(code + i, v + i, n - i, cut, nr, SIMD_SCALAR);
}

#endif
