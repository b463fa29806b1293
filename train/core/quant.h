/*
 * Gradients as small integers. A row's pair is one 32-bit word, q_g (signed, high
 * half) and q_h; a sum of rows is one 64-bit word, (sum q_g << 32) + sum q_h, mod
 * 2^64. docs/design/train-core.md has the proof that neither overflows.
 */
#ifndef TRAIN_CORE_QUANT_H
#define TRAIN_CORE_QUANT_H

#include "train/core/fp.h"
#include "train/core/objective.h"

#include <stddef.h>
#include <stdint.h>

struct quant {
	double sg, sh;	     /* what one step is worth */
	double per_g, per_h; /* 1 / sg, 1 / sh */
	int32_t levels_g, levels_h;
	bool constant;	     /* every h is 1 */
	uint64_t base;	     /* rng_base of this tree */
	const uint64_t *key; /* of each row, or NULL: first + row */
	uint64_t first;
};

/* Steps for n rows with these largest |g| and h. */
void quant_levels(struct quant *q, uint64_t n, double max_g, double max_h, bool constant);

/* packed[i] of rows [from, to), rounded up or down by their keyed draw. The same
 * for every level of simd. */
void quant_rows(uint32_t *packed, const float *g, const float *h, size_t from, size_t to,
		const struct quant *q, enum simd simd);
#if defined(__x86_64__)
/* These leave a tail to the scalar twin: they return where it begins. */
size_t quant_rows_avx2(uint32_t *packed, const float *g, const float *h, size_t from,
		       size_t to, const struct quant *q);
size_t quant_rows_avx512(uint32_t *packed, const float *g, const float *h, size_t from,
			 size_t to, const struct quant *q);
#endif

static inline uint64_t quant_widen(uint32_t packed)
{
	uint64_t g = (uint64_t)(int64_t)(int16_t)(packed >> 16);

	return (g << 32) + (packed & 0xffff);
}

static inline int64_t quant_sum_g(uint64_t word)
{
	return fp_sar64((int64_t)word, 32);
}

static inline uint64_t quant_sum_h(uint64_t word)
{
	return word & 0xffffffffu;
}

#endif
