#if defined(__x86_64__)

#include "train/core/split.h"

#include <immintrin.h>

/* Sums of gradients fit an int32: the high halves of four words. */
static __m256d sums_g(__m256i w)
{
	const __m256i odd = _mm256_setr_epi32(1, 3, 5, 7, 1, 3, 5, 7);

	return _mm256_cvtepi32_pd(
		_mm256_castsi256_si128(_mm256_permutevar8x32_epi32(w, odd)));
}

/* Those of hessians fit 32 bits: below the bits of 2^52, minus 2^52. */
static __m256d sums_h(__m256i w)
{
	const __m256i magic = _mm256_set1_epi64x(0x4330000000000000);
	__m256i low = _mm256_and_si256(w, _mm256_set1_epi64x(0xffffffff));

	return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(low, magic)),
			     _mm256_set1_pd(0x1p52));
}

static __m256d scores(__m256i w, const struct split_gains *in)
{
	__m256d g = _mm256_mul_pd(sums_g(w), _mm256_set1_pd(in->sg));
	__m256d h = _mm256_mul_pd(sums_h(w), _mm256_set1_pd(in->sh));

	return _mm256_div_pd(_mm256_mul_pd(g, g),
			     _mm256_add_pd(h, _mm256_set1_pd(in->lambda)));
}

size_t split_best_gain_avx2(const uint64_t *words, size_t n, const struct split_gains *in,
			    double *gain)
{
	const __m256i sum = _mm256_set1_epi64x((long long)in->sum);
	double gains[4], rest_gain;
	size_t at = n, i = 0, rest;

	for (; i + 4 <= n; i += 4) {
		__m256i l =
			_mm256_loadu_si256((const __m256i *)(const void *)(words + i));
		__m256d v = _mm256_add_pd(scores(l, in),
					  scores(_mm256_sub_epi64(sum, l), in));

		v = _mm256_sub_pd(v, _mm256_set1_pd(in->parent));
		v = _mm256_sub_pd(v, _mm256_set1_pd(in->gamma));
		if (!_mm256_movemask_pd(
			    _mm256_cmp_pd(v, _mm256_set1_pd(*gain), _CMP_GT_OQ)))
			continue;
		_mm256_storeu_pd(gains, v);
		for (size_t k = 0; k < 4; k++)
			if (gains[k] > *gain) {
				*gain = gains[k];
				at = i + k;
			}
	}
	rest_gain = *gain;
	rest = split_best_gain(words + i, n - i, in, &rest_gain, SIMD_SCALAR);
	if (rest == n - i)
		return at;
	*gain = rest_gain;
	return i + rest;
}

#endif
