#if defined(__x86_64__)

#include "train/core/hist.h"

#include <immintrin.h>

void hist_sub_avx2(uint64_t *a, const uint64_t *b, size_t words)
{
	size_t i = 0;

	for (; i + 4 <= words; i += 4) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(a + i));
		__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(b + i));

		_mm256_storeu_si256((__m256i *)(void *)(a + i), _mm256_sub_epi64(x, y));
	}
	for (; i < words; i++)
		a[i] -= b[i];
}

void hist_merge_avx2(uint64_t *a, const uint64_t *b, size_t words)
{
	size_t i = 0;

	for (; i + 4 <= words; i += 4) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(a + i));
		__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(b + i));

		_mm256_storeu_si256((__m256i *)(void *)(a + i), _mm256_add_epi64(x, y));
	}
	for (; i < words; i++)
		a[i] += b[i];
}

#endif
