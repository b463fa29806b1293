#if defined(__x86_64__)

#include <immintrin.h>

#define LANES	       8
#define VD	       __m512d
#define LINEAR_KERNELS linear_kernels_avx512
#define V_LOAD(p)      _mm512_loadu_pd(p)
#define V_LOAD_F32(p)  _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define V_SET(x)       _mm512_set1_pd(x)
#define V_MIN	       _mm512_min_pd
#define V_MAX	       _mm512_max_pd
#define V_SQRT	       _mm512_sqrt_pd
#define V_ABS(v)       _mm512_abs_pd(v)
#define V_NUMBER(x, v) _mm512_maskz_mov_pd(_mm512_cmp_pd_mask((x), (x), _CMP_ORD_Q), (v))
#define V_IF_LESS(a, b, v, w)                                                            \
	_mm512_mask_blend_pd(_mm512_cmp_pd_mask((a), (b), _CMP_LT_OQ), (w), (v))
#define V_STORE _mm512_storeu_pd
#define V_EXPONENT(t)                                                                    \
	_mm512_castsi512_pd(_mm512_slli_epi64(                                           \
		_mm512_add_epi64(_mm512_castpd_si512(t), _mm512_set1_epi64(1023)), 52))

#include "train/core/linear_lanes.h"

#else
extern int linear_avx512_is_for_x86;
#endif
