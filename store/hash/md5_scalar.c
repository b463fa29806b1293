#include "store/hash/md5_lanes.h"
#include "store/hash/md5_rounds.h"

#include <string.h>

/*
 * One message, as fast as OpenSSL's assembler within a few per cent: for the last
 * messages of a batch, when most lanes would idle, and for small ones where
 * OpenSSL's start-up would cost more than the hashing.
 */

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

#define F(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
/* The two halves of G never share a bit, so + may stand for | and both halves
 * are ready before b is. */
#define G(b, c, d) (((d) & (b)) + (~(d) & (c)))
#define H(b, c, d) ((b) ^ (c) ^ (d))
#define I(b, c, d) ((c) ^ ((b) | ~(d)))
#define STEP(f, a, b, c, d, word, shift, k)                                              \
	a += w[word] + (k);                                                              \
	a += f(b, c, d);                                                                 \
	a = (a << (shift) | a >> (32 - (shift))) + b;

void md5_scalar(uint32_t s[4], const uint8_t *p, size_t blocks)
{
	for (; blocks > 0; blocks--, p += 64) {
		uint32_t a = s[0], b = s[1], c = s[2], d = s[3], w[16];

		for (int i = 0; i < 16; i++)
			w[i] = load32(p + 4 * i);
		MD5_STEPS
		s[0] += a;
		s[1] += b;
		s[2] += c;
		s[3] += d;
	}
}
