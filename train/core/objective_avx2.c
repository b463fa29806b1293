#if defined(__x86_64__)

#include <immintrin.h>

#define LANES		  4
#define VD		  __m256d
#define KERNELS		  objective_kernels_avx2
#define V_LOAD(p)	  _mm256_loadu_pd(p)
#define V_SET(x)	  _mm256_set1_pd(x)
#define V_MIN		  _mm256_min_pd
#define V_MAX		  _mm256_max_pd
#define V_ABS(v)	  _mm256_andnot_pd(_mm256_set1_pd(-0.0), (v))
#define V_STORE		  _mm256_storeu_pd
#define V_STORE_F32(p, v) _mm_storeu_ps((p), _mm256_cvtpd_ps(v))
#define V_EXPONENT(t)                                                                    \
	_mm256_castsi256_pd(_mm256_slli_epi64(                                           \
		_mm256_add_epi64(_mm256_castpd_si256(t), _mm256_set1_epi64x(1023)), 52))

#include "train/core/objective_lanes.h"

#else
extern int objective_avx2_is_for_x86;
#endif
