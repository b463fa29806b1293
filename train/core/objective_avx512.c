#if defined(__x86_64__)

#include <immintrin.h>

#define LANES		  8
#define VD		  __m512d
#define KERNELS		  objective_kernels_avx512
#define V_LOAD(p)	  _mm512_loadu_pd(p)
#define V_SET(x)	  _mm512_set1_pd(x)
#define V_MIN		  _mm512_min_pd
#define V_MAX		  _mm512_max_pd
#define V_ABS(v)	  _mm512_abs_pd(v)
#define V_STORE		  _mm512_storeu_pd
#define V_STORE_F32(p, v) _mm256_storeu_ps((p), _mm512_cvtpd_ps(v))
#define V_EXPONENT(t)                                                                    \
	_mm512_castsi512_pd(_mm512_slli_epi64(                                           \
		_mm512_add_epi64(_mm512_castpd_si512(t), _mm512_set1_epi64(1023)), 52))

#include "train/core/objective_lanes.h"

#else
extern int objective_avx512_is_for_x86;
#endif
