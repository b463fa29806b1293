#if defined(__x86_64__)

#include "train/core/hist.h"

#include <immintrin.h>

void hist_sub_avx512(uint64_t *a, const uint64_t *b, size_t words)
{
	size_t i = 0;

	for (; i + 8 <= words; i += 8) {
		__m512i x = _mm512_loadu_si512(a + i);
		__m512i y = _mm512_loadu_si512(b + i);

		_mm512_storeu_si512(a + i, _mm512_sub_epi64(x, y));
	}
	for (; i < words; i++)
		a[i] -= b[i];
}

void hist_merge_avx512(uint64_t *a, const uint64_t *b, size_t words)
{
	size_t i = 0;

	for (; i + 8 <= words; i += 8) {
		__m512i x = _mm512_loadu_si512(a + i);
		__m512i y = _mm512_loadu_si512(b + i);

		_mm512_storeu_si512(a + i, _mm512_add_epi64(x, y));
	}
	for (; i < words; i++)
		a[i] += b[i];
}

#endif
