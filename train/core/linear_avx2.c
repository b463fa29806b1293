#if defined(__x86_64__)

#include <immintrin.h>

#define LANES	       4
#define VD	       __m256d
#define LINEAR_KERNELS linear_kernels_avx2
#define V_LOAD(p)      _mm256_loadu_pd(p)
#define V_LOAD_F32(p)  _mm256_cvtps_pd(_mm_loadu_ps(p))
#define V_SET(x)       _mm256_set1_pd(x)
#define V_MIN	       _mm256_min_pd
#define V_MAX	       _mm256_max_pd
#define V_SQRT	       _mm256_sqrt_pd
#define V_ABS(v)       _mm256_andnot_pd(_mm256_set1_pd(-0.0), (v))
#define V_NUMBER(x, v) _mm256_and_pd(_mm256_cmp_pd((x), (x), _CMP_ORD_Q), (v))
#define V_IF_LESS(a, b, v, w)                                                            \
	_mm256_blendv_pd((w), (v), _mm256_cmp_pd((a), (b), _CMP_LT_OQ))
#define V_STORE _mm256_storeu_pd
#define V_EXPONENT(t)                                                                    \
	_mm256_castsi256_pd(_mm256_slli_epi64(                                           \
		_mm256_add_epi64(_mm256_castpd_si256(t), _mm256_set1_epi64x(1023)), 52))

#include "train/core/linear_lanes.h"

#else
extern int linear_avx2_is_for_x86;
#endif
