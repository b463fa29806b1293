#include "train/data/scan.h"

#if defined(__x86_64__)
#include "train/data/scan_masks.h"

#include <emmintrin.h>

static __m128i load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static uint64_t any_of(const char *p, __m128i a, __m128i b, __m128i c)
{
	__m128i v = load(p);
	__m128i hit =
		_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, a), _mm_cmpeq_epi8(v, b)),
			     _mm_cmpeq_epi8(v, c));

	return (uint32_t)_mm_movemask_epi8(hit);
}

static size_t sse2_bytes(const char *p, size_t n, const char abc[3], uint32_t *out)
{
	__m128i a = _mm_set1_epi8(abc[0]), b = _mm_set1_epi8(abc[1]),
		c = _mm_set1_epi8(abc[2]);
	size_t nr = 0, i = 0;

	for (; i + 64 <= n; i += 64) {
		uint64_t mask = any_of(p + i, a, b, c) |
				any_of(p + i + 16, a, b, c) << 16 |
				any_of(p + i + 32, a, b, c) << 32 |
				any_of(p + i + 48, a, b, c) << 48;

		nr += scan_places(mask, (uint32_t)i, out + nr);
	}
	return nr + scan_tail(p, i, n, abc, out + nr);
}

static size_t sse2_count(const char *p, size_t n, char c)
{
	__m128i want = _mm_set1_epi8(c);
	size_t nr = 0, i = 0;

	for (; i + 16 <= n; i += 16)
		nr += (size_t)__builtin_popcount(
			(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(load(p + i), want)));
	for (; i < n; i++)
		nr += p[i] == c;
	return nr;
}

const struct scan_fns scan_sse2 = {sse2_bytes, sse2_count};
#else
typedef int scan_sse2_is_for_x86;
#endif
