#if defined(__x86_64__)

#include <emmintrin.h>

#define LANES	  2
#define VD	  __m128d
#define KERNELS	  objective_kernels_sse2
#define V_LOAD(p) _mm_loadu_pd(p)
#define V_SET(x)  _mm_set1_pd(x)
#define V_MIN	  _mm_min_pd
#define V_MAX	  _mm_max_pd
#define V_ABS(v)  _mm_andnot_pd(_mm_set1_pd(-0.0), (v))
#define V_STORE	  _mm_storeu_pd
#define V_STORE_F32(p, v)                                                                \
	_mm_storel_epi64((__m128i *)(void *)(p), _mm_castps_si128(_mm_cvtpd_ps(v)))
#define V_EXPONENT(t)                                                                    \
	_mm_castsi128_pd(_mm_slli_epi64(                                                 \
		_mm_add_epi64(_mm_castpd_si128(t), _mm_set1_epi64x(1023)), 52))

#include "train/core/objective_lanes.h"

#else
extern int objective_sse2_is_for_x86;
#endif
