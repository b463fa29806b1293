#include "store/hash/crc64.h"

#if defined(__x86_64__)

#include <immintrin.h>

/*
 * A register holds 128 bits of the message, the first byte lowest, bits reflected:
 * its low half A and its high half B stand for A x^64 + B. To move it D bits on is
 * to multiply by x^D mod P: A (x^(D+64) mod P) + B (x^D mod P), which fits again.
 * The product of two reflected numbers comes out one power too high; so the
 * constants are one lower.
 */
static inline __m128i fold(__m128i v, __m128i k)
{
	return _mm_xor_si128(_mm_clmulepi64_si128(v, k, 0x00),
			     _mm_clmulepi64_si128(v, k, 0x11));
}

static inline __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const void *)p);
}

static __m128i constants(unsigned distance)
{
	return _mm_set_epi64x((long long)crc64_power(distance - 1),
			      (long long)crc64_power(distance + 63));
}

bool crc64_has_pclmul(void)
{
	return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

void crc64_fold_pclmul(uint64_t state, const uint8_t *p, size_t n, uint8_t out[16])
{
	const __m128i k4 = constants(512), k1 = constants(128);
	__m128i a = load(p), b = load(p + 16), c = load(p + 32), d = load(p + 48);

	a = _mm_xor_si128(a, _mm_set_epi64x(0, (long long)state));
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		a = _mm_xor_si128(fold(a, k4), load(p));
		b = _mm_xor_si128(fold(b, k4), load(p + 16));
		c = _mm_xor_si128(fold(c, k4), load(p + 32));
		d = _mm_xor_si128(fold(d, k4), load(p + 48));
	}
	b = _mm_xor_si128(fold(a, k1), b);
	c = _mm_xor_si128(fold(b, k1), c);
	d = _mm_xor_si128(fold(c, k1), d);
	_mm_storeu_si128((void *)out, d);
}

#else

bool crc64_has_pclmul(void)
{
	return false;
}

void crc64_fold_pclmul(uint64_t state, const uint8_t *p, size_t n, uint8_t out[16])
{
	(void)state, (void)p, (void)n, (void)out; /* is not called */
}

#endif
