#include "train/core/objective.h"

#include <stddef.h>

bool simd_has(enum simd level)
{
	switch (level) {
	case SIMD_SCALAR:
	case SIMD_BEST:
		return true;
#if defined(__x86_64__)
	case SIMD_SSE2:
		return true;
	case SIMD_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	case SIMD_AVX512:
		/* All that the Makefile lets the compiler use in those files. */
		return __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("bmi2");
#endif
	default:
		return false;
	}
}

enum simd simd_best(void)
{
	unsigned level = SIMD_AVX512;

	while (!simd_has((enum simd)level))
		level--;
	return (enum simd)level;
}

const char *simd_name(enum simd level)
{
	switch (level) {
	case SIMD_SCALAR:
		return "scalar";
	case SIMD_SSE2:
		return "sse2";
	case SIMD_AVX2:
		return "avx2";
	case SIMD_AVX512:
		return "avx512";
	default:
		return "best";
	}
}
