#include "store/hash/md5_lanes.h"

#if defined(__x86_64__)

#include "store/hash/md5_rounds.h"

#include <immintrin.h>

/* At -O2 the compiler would keep arrays of vectors in memory. */
#define UNROLL _Pragma("GCC unroll 16")

typedef __m256i vec;

#define AND(x, y) _mm256_and_si256(x, y)
#define OR(x, y)  _mm256_or_si256(x, y)
#define XOR(x, y) _mm256_xor_si256(x, y)
#define ADD(x, y) _mm256_add_epi32(x, y)

#define F(b, c, d) XOR(d, AND(b, XOR(c, d)))
/* The halves share no bit; the one without b is ready early. */
#define G(b, c, d) ADD(AND(b, d), _mm256_andnot_si256(d, c))
#define H(b, c, d) XOR(b, XOR(c, d))
#define I(b, c, d) XOR(c, OR(b, XOR(d, ones)))

#define ONE(f, a, b, c, d, word, shift, k)                                               \
	a = ADD(a, ADD(_mm256_load_si256(word), _mm256_set1_epi32((int)(k))));           \
	a = ADD(a, f(b, c, d));                                                          \
	a = ADD(OR(_mm256_slli_epi32(a, shift), _mm256_srli_epi32(a, 32 - (shift))), b);

static inline vec load(const void *p)
{
	return _mm256_loadu_si256(p);
}

/* Eight blocks' half of eight words: one vector per word. */
static inline void transpose_half(const uint8_t *const *p, size_t at, vec *w)
{
	vec r[8], t[8];

	UNROLL
	for (int i = 0; i < 8; i++)
		r[i] = load(p[i] + at);
	UNROLL
	for (int i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
	}
	UNROLL
	for (int i = 0; i < 8; i += 4) {
		r[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	UNROLL
	for (int k = 0; k < 4; k++) {
		_mm256_store_si256(&w[k],
				   _mm256_permute2x128_si256(r[k], r[4 + k], 0x20));
		_mm256_store_si256(&w[4 + k],
				   _mm256_permute2x128_si256(r[k], r[4 + k], 0x31));
	}
}

static inline void transpose(const uint8_t *const *p, vec *w)
{
	transpose_half(p, 0, w);
	transpose_half(p, 32, w + 8);
}

static inline vec lanes_get(const uint32_t *s)
{
	return _mm256_load_si256((const vec *)(const void *)s);
}

static inline void lanes_put(uint32_t *s, vec v)
{
	_mm256_store_si256((vec *)(void *)s, v);
}

static void advance(struct md5_lanes *l, int nr)
{
	for (int i = 0; i < nr; i++)
		l->p[i] += 64;
}

#define STEP					 ONE_GROUP
#define ONE_GROUP(f, a, b, c, d, word, shift, k) ONE(f, a, b, c, d, &w[word], shift, k)

static void one_group(struct md5_lanes *l, size_t blocks)
{
	vec a = lanes_get(l->s[0]), b = lanes_get(l->s[1]);
	vec c = lanes_get(l->s[2]), d = lanes_get(l->s[3]);
	const vec ones = _mm256_set1_epi32(-1);
	vec w[16];

	for (; blocks > 0; blocks--) {
		vec a0 = a, b0 = b, c0 = c, d0 = d;

		transpose(l->p, w);
		MD5_STEPS
		a = ADD(a, a0);
		b = ADD(b, b0);
		c = ADD(c, c0);
		d = ADD(d, d0);
		advance(l, 8);
	}
	lanes_put(l->s[0], a);
	lanes_put(l->s[1], b);
	lanes_put(l->s[2], c);
	lanes_put(l->s[3], d);
}

#undef STEP
#define STEP TWO_GROUPS
#define TWO_GROUPS(f, a, b, c, d, word, shift, k)                                        \
	ONE(f, a, b, c, d, &w[word], shift, k)                                           \
	ONE(f, a##2, b##2, c##2, d##2, &w[16 + (word)], shift, k)

static void two_groups(struct md5_lanes *l, size_t blocks)
{
	vec a = lanes_get(l->s[0]), b = lanes_get(l->s[1]);
	vec c = lanes_get(l->s[2]), d = lanes_get(l->s[3]);
	vec a2 = lanes_get(l->s[0] + 8), b2 = lanes_get(l->s[1] + 8);
	vec c2 = lanes_get(l->s[2] + 8), d2 = lanes_get(l->s[3] + 8);
	const vec ones = _mm256_set1_epi32(-1);
	vec w[32];

	for (; blocks > 0; blocks--) {
		vec a0 = a, b0 = b, c0 = c, d0 = d;
		vec a3 = a2, b3 = b2, c3 = c2, d3 = d2;

		transpose(l->p, w);
		transpose(l->p + 8, w + 16);
		MD5_STEPS
		a = ADD(a, a0);
		b = ADD(b, b0);
		c = ADD(c, c0);
		d = ADD(d, d0);
		a2 = ADD(a2, a3);
		b2 = ADD(b2, b3);
		c2 = ADD(c2, c3);
		d2 = ADD(d2, d3);
		advance(l, 16);
	}
	lanes_put(l->s[0], a);
	lanes_put(l->s[1], b);
	lanes_put(l->s[2], c);
	lanes_put(l->s[3], d);
	lanes_put(l->s[0] + 8, a2);
	lanes_put(l->s[1] + 8, b2);
	lanes_put(l->s[2] + 8, c2);
	lanes_put(l->s[3] + 8, d2);
}

void md5_lanes_avx2(struct md5_lanes *l, size_t blocks, bool both)
{
	if (both)
		two_groups(l, blocks);
	else
		one_group(l, blocks);
}

#endif
