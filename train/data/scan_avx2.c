#include "train/data/scan.h"

#if defined(__x86_64__)
#include "train/data/scan_masks.h"

#include <immintrin.h>

static __m256i load(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static uint64_t any_of(const char *p, __m256i a, __m256i b, __m256i c)
{
	__m256i v = load(p);
	__m256i hit = _mm256_or_si256(
		_mm256_or_si256(_mm256_cmpeq_epi8(v, a), _mm256_cmpeq_epi8(v, b)),
		_mm256_cmpeq_epi8(v, c));

	return (uint32_t)_mm256_movemask_epi8(hit);
}

static size_t avx2_bytes(const char *p, size_t n, const char abc[3], uint32_t *out)
{
	__m256i a = _mm256_set1_epi8(abc[0]), b = _mm256_set1_epi8(abc[1]),
		c = _mm256_set1_epi8(abc[2]);
	size_t nr = 0, i = 0;

	for (; i + 64 <= n; i += 64) {
		uint64_t mask = any_of(p + i, a, b, c) | any_of(p + i + 32, a, b, c)
								 << 32;

		nr += scan_places(mask, (uint32_t)i, out + nr);
	}
	return nr + scan_tail(p, i, n, abc, out + nr);
}

static size_t avx2_count(const char *p, size_t n, char c)
{
	__m256i want = _mm256_set1_epi8(c);
	size_t nr = 0, i = 0;

	for (; i + 64 <= n; i += 64) {
		uint32_t low = (uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(load(p + i), want));
		uint32_t high = (uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(load(p + i + 32), want));

		nr += (size_t)__builtin_popcountll((uint64_t)high << 32 | low);
	}
	for (; i < n; i++)
		nr += p[i] == c;
	return nr;
}

const struct scan_fns scan_avx2 = {avx2_bytes, avx2_count};
#else
typedef int scan_avx2_is_for_x86;
#endif
