/*
 * What the SIMD variants share: from 64 bits, one for each byte, to places. Included
 * by them only, so that it is compiled with the flags of each.
 */
#ifndef TRAIN_DATA_SCAN_MASKS_H
#define TRAIN_DATA_SCAN_MASKS_H

#include <stddef.h>
#include <stdint.h>

/* Four at a time without asking: what is too much is written over by the next. */
static inline size_t scan_places(uint64_t mask, uint32_t at, uint32_t *out)
{
	size_t nr = (size_t)__builtin_popcountll(mask);

	for (size_t i = 0; i < nr; i += 4)
		for (size_t k = 0; k < 4; k++) {
			/* An empty mask: any number will do. */
			out[i + k] = at + (uint32_t)__builtin_ctzll(mask | 1ull << 63);
			mask &= mask - 1;
		}
	return nr;
}

/* The tail that fills no block. */
static inline size_t scan_tail(const char *p, size_t from, size_t n, const char abc[3],
			       uint32_t *out)
{
	size_t nr = 0;

	for (size_t i = from; i < n; i++)
		if (p[i] == abc[0] || p[i] == abc[1] || p[i] == abc[2])
			out[nr++] = (uint32_t)i;
	return nr;
}

#endif
