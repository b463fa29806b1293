#if defined(__x86_64__)

#include <emmintrin.h>

#define LANES	       2
#define VD	       __m128d
#define LINEAR_KERNELS linear_kernels_sse2
#define V_LOAD(p)      _mm_loadu_pd(p)
#define V_LOAD_F32(p)                                                                    \
	_mm_cvtps_pd(                                                                    \
		_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)(p))))
#define V_SET(x)	      _mm_set1_pd(x)
#define V_MIN		      _mm_min_pd
#define V_MAX		      _mm_max_pd
#define V_SQRT		      _mm_sqrt_pd
#define V_ABS(v)	      _mm_andnot_pd(_mm_set1_pd(-0.0), (v))
#define V_NUMBER(x, v)	      _mm_and_pd(_mm_cmpord_pd((x), (x)), (v))
#define V_BLEND(m, v, w)      _mm_or_pd(_mm_and_pd((m), (v)), _mm_andnot_pd((m), (w)))
#define V_IF_LESS(a, b, v, w) V_BLEND(_mm_cmplt_pd((a), (b)), (v), (w))
#define V_STORE		      _mm_storeu_pd
#define V_EXPONENT(t)                                                                    \
	_mm_castsi128_pd(_mm_slli_epi64(                                                 \
		_mm_add_epi64(_mm_castpd_si128(t), _mm_set1_epi64x(1023)), 52))

#include "train/core/linear_lanes.h"

#else
extern int linear_sse2_is_for_x86;
#endif
