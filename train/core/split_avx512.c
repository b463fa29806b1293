#if defined(__x86_64__)

#include "train/core/split.h"

#include <immintrin.h>

static __m512d scores(__m512i w, const struct split_gains *in)
{
	__m512d g = _mm512_cvtepi64_pd(_mm512_srai_epi64(w, 32));
	__m512d h =
		_mm512_cvtepi64_pd(_mm512_and_si512(w, _mm512_set1_epi64(0xffffffff)));

	g = _mm512_mul_pd(g, _mm512_set1_pd(in->sg));
	h = _mm512_mul_pd(h, _mm512_set1_pd(in->sh));
	return _mm512_div_pd(_mm512_mul_pd(g, g),
			     _mm512_add_pd(h, _mm512_set1_pd(in->lambda)));
}

/* Lanes past the end are computed of whatever is there, and left out of compares. */
size_t split_best_gain_avx512(const uint64_t *words, size_t n,
			      const struct split_gains *in, double *gain)
{
	const __m512i sum = _mm512_set1_epi64((long long)in->sum);
	size_t at = n;

	for (size_t i = 0; i < n; i += 8) {
		__mmask8 live = (__mmask8)(n - i < 8 ? (1u << (n - i)) - 1 : 0xffu);
		__m512i l = _mm512_maskz_loadu_epi64(live, words + i);
		__m512d v = _mm512_add_pd(scores(l, in),
					  scores(_mm512_sub_epi64(sum, l), in));
		double gains[8];
		unsigned mask;

		v = _mm512_sub_pd(v, _mm512_set1_pd(in->parent));
		v = _mm512_sub_pd(v, _mm512_set1_pd(in->gamma));
		mask = _mm512_mask_cmp_pd_mask(live, v, _mm512_set1_pd(*gain),
					       _CMP_GT_OQ);
		if (!mask)
			continue;
		_mm512_storeu_pd(gains, v);
		for (; mask; mask &= mask - 1) {
			unsigned k = (unsigned)__builtin_ctz(mask);

			if (gains[k] > *gain) {
				*gain = gains[k];
				at = i + k;
			}
		}
	}
	return at;
}

#endif
