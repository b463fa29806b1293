#include "store/base/sum.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t sum64(const void *p, size_t n)
{
	return XXH3_64bits(n ? p : "", n);
}

uint64_t sum64_more(uint64_t sum, const void *p, size_t n)
{
	return XXH3_64bits_withSeed(n ? p : "", n, sum);
}

void sum128(const void *p, size_t n, uint8_t out[16])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits(n ? p : "", n));
	memcpy(out, c.digest, 16);
}
