/*
 * Histograms of packed gradients over bins: the inner loop of training. Words of a
 * histogram are sums mod 2^64 (quant.h), so rows may be added in any order and by
 * anybody, and a sibling is a difference.
 */
#ifndef TRAIN_CORE_HIST_H
#define TRAIN_CORE_HIST_H

#include "train/core/objective.h"

#include <stddef.h>
#include <stdint.h>

struct bin_tile;

/*
 * Add rows[from, to) (NULL: the rows from .. to - 1 themselves) to the histograms
 * of the tile's features first .. first + nr - 1; first is a multiple of 4. hist is
 * the whole histogram; packed NULL counts rows.
 */
void hist_rows(uint64_t *hist, const struct bin_tile *t, size_t first, size_t nr,
	       const uint32_t *packed, const uint32_t *rows, size_t from, size_t to);

/* a -= b; a += b: words of whole histograms. */
void hist_sub(uint64_t *a, const uint64_t *b, size_t words, enum simd simd);
void hist_merge(uint64_t *a, const uint64_t *b, size_t words, enum simd simd);
#if defined(__x86_64__)
void hist_sub_avx2(uint64_t *a, const uint64_t *b, size_t words);
void hist_merge_avx2(uint64_t *a, const uint64_t *b, size_t words);
void hist_sub_avx512(uint64_t *a, const uint64_t *b, size_t words);
void hist_merge_avx512(uint64_t *a, const uint64_t *b, size_t words);
#endif

#endif
