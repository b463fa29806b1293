#include "store/hash/md5_lanes.h"

#if defined(__x86_64__)

#include "store/hash/md5_rounds.h"

#include <immintrin.h>

/* At -O2 the compiler would keep arrays of vectors in memory. */
#define UNROLL _Pragma("GCC unroll 16")

typedef __m512i vec;

/* Truth tables of RFC 1321's functions, index b << 2 | c << 1 | d. */
#define F(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0xca)
#define G(b, c, d) _mm512_ternarylogic_epi32(d, b, c, 0xca)
#define H(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0x96)
#define I(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0x39)

#define ADD(x, y) _mm512_add_epi32(x, y)
#define ONE(f, a, b, c, d, word, shift, k)                                               \
	a = ADD(a, ADD(_mm512_load_si512(word), _mm512_set1_epi32((int)(k))));           \
	a = ADD(a, f(b, c, d));                                                          \
	a = ADD(_mm512_rol_epi32(a, shift), b);

/*
 * Sixteen blocks of sixteen words become sixteen vectors, one per word. First
 * pairs and quadruples inside each 128-bit part, then the parts are dealt out.
 */
static inline void transpose(const uint8_t *const *p, vec *w)
{
	vec r[16], t[16];

	UNROLL
	for (int i = 0; i < 16; i++)
		r[i] = _mm512_loadu_si512(p[i]);
	UNROLL
	for (int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
	UNROLL
	for (int i = 0; i < 16; i += 4) {
		r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	/* r[4q + k], part j: word 4j + k of the lanes 4q .. 4q + 3. */
	UNROLL
	for (int k = 0; k < 4; k++) {
		vec x = _mm512_shuffle_i32x4(r[k], r[4 + k], 0x88);
		vec y = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0x88);
		vec u = _mm512_shuffle_i32x4(r[k], r[4 + k], 0xdd);
		vec v = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0xdd);

		_mm512_store_si512(&w[k], _mm512_shuffle_i32x4(x, y, 0x88));
		_mm512_store_si512(&w[8 + k], _mm512_shuffle_i32x4(x, y, 0xdd));
		_mm512_store_si512(&w[4 + k], _mm512_shuffle_i32x4(u, v, 0x88));
		_mm512_store_si512(&w[12 + k], _mm512_shuffle_i32x4(u, v, 0xdd));
	}
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
	vec a = _mm512_load_si512(l->s[0]), b = _mm512_load_si512(l->s[1]);
	vec c = _mm512_load_si512(l->s[2]), d = _mm512_load_si512(l->s[3]);
	vec w[16];

	for (; blocks > 0; blocks--) {
		vec a0 = a, b0 = b, c0 = c, d0 = d;

		transpose(l->p, w);
		MD5_STEPS
		a = ADD(a, a0);
		b = ADD(b, b0);
		c = ADD(c, c0);
		d = ADD(d, d0);
		advance(l, 16);
	}
	_mm512_store_si512(l->s[0], a);
	_mm512_store_si512(l->s[1], b);
	_mm512_store_si512(l->s[2], c);
	_mm512_store_si512(l->s[3], d);
}

#undef STEP
#define STEP TWO_GROUPS
#define TWO_GROUPS(f, a, b, c, d, word, shift, k)                                        \
	ONE(f, a, b, c, d, &w[word], shift, k)                                           \
	ONE(f, a##2, b##2, c##2, d##2, &w[16 + (word)], shift, k)

static void two_groups(struct md5_lanes *l, size_t blocks)
{
	vec a = _mm512_load_si512(l->s[0]), b = _mm512_load_si512(l->s[1]);
	vec c = _mm512_load_si512(l->s[2]), d = _mm512_load_si512(l->s[3]);
	vec a2 = _mm512_load_si512(l->s[0] + 16), b2 = _mm512_load_si512(l->s[1] + 16);
	vec c2 = _mm512_load_si512(l->s[2] + 16), d2 = _mm512_load_si512(l->s[3] + 16);
	vec w[32];

	for (; blocks > 0; blocks--) {
		vec a0 = a, b0 = b, c0 = c, d0 = d;
		vec a3 = a2, b3 = b2, c3 = c2, d3 = d2;

		transpose(l->p, w);
		transpose(l->p + 16, w + 16);
		MD5_STEPS
		a = ADD(a, a0);
		b = ADD(b, b0);
		c = ADD(c, c0);
		d = ADD(d, d0);
		a2 = ADD(a2, a3);
		b2 = ADD(b2, b3);
		c2 = ADD(c2, c3);
		d2 = ADD(d2, d3);
		advance(l, 32);
	}
	_mm512_store_si512(l->s[0], a);
	_mm512_store_si512(l->s[1], b);
	_mm512_store_si512(l->s[2], c);
	_mm512_store_si512(l->s[3], d);
	_mm512_store_si512(l->s[0] + 16, a2);
	_mm512_store_si512(l->s[1] + 16, b2);
	_mm512_store_si512(l->s[2] + 16, c2);
	_mm512_store_si512(l->s[3] + 16, d2);
}

void md5_lanes_avx512(struct md5_lanes *l, size_t blocks, bool both)
{
	if (both)
		two_groups(l, blocks);
	else
		one_group(l, blocks);
}

#endif
