#include "train/core/hist.h"

#include "train/core/bins.h"
#include "train/core/quant.h"

#include <string.h>

/* Rows ahead to fetch: some 300 ns of work, a miss of the last cache. */
#define AHEAD 24

/*
 * Four codes at once, the first feature's in the low byte. Scalar updates beat
 * gather and scatter: the limit is one load, add and store a cycle and a bit.
 */
static inline uint32_t load_codes(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline void add_four(uint64_t *h, size_t words, uint32_t codes, uint64_t w)
{
	h[codes & 255] += w;
	h[words + (codes >> 8 & 255)] += w;
	h[2 * words + (codes >> 16 & 255)] += w;
	h[3 * words + (codes >> 24)] += w;
}

struct span {
	uint64_t *hist;
	const uint8_t *codes; /* of the first feature, row 0 */
	size_t stride, words;
	const uint32_t *packed, *rows;
	size_t from, to;
};

static inline uint64_t word_of(const uint32_t *packed, size_t row)
{
	return packed ? quant_widen(packed[row]) : 1;
}

static inline __attribute__((always_inline)) void add_row(uint64_t *h, const uint8_t *p,
							  uint64_t w, size_t fours,
							  size_t rest, size_t words)
{
	for (size_t k = 0; k < fours; k++, p += 4, h += 4 * words)
		add_four(h, words, load_codes(p), w);
	for (size_t k = 0; k < rest; k++, h += words)
		h[p[k]] += w;
}

/*
 * fours, rest and words are constants where it matters: the loops unroll. What is
 * in *s goes to locals, or every store to a histogram might have changed it.
 */
static inline __attribute__((always_inline)) void
add_rows(const struct span *s, size_t fours, size_t rest, size_t words)
{
	const uint32_t *rows = s->rows, *packed = s->packed;
	const uint8_t *codes = s->codes;
	size_t i = s->from, to = s->to, stride = s->stride;
	uint64_t *hist = s->hist;

	if (!rows) {
		for (; i < to; i++)
			add_row(hist, codes + i * stride, word_of(packed, i), fours, rest,
				words);
		return;
	}
	for (; i + AHEAD < to; i++) {
		size_t next = rows[i + AHEAD], row = rows[i];

		__builtin_prefetch(codes + next * stride);
		__builtin_prefetch(packed ? &packed[next] : &rows[i]);
		add_row(hist, codes + row * stride, word_of(packed, row), fours, rest,
			words);
	}
	for (; i < to; i++)
		add_row(hist, codes + rows[i] * stride, word_of(packed, rows[i]), fours,
			rest, words);
}

#define CASE(n)                                                                          \
	case n:                                                                          \
		add_rows(s, (n) / 4, (n) % 4, 256);                                      \
		return
#define CASES(n)                                                                         \
	CASE(n);                                                                         \
	CASE(n + 1);                                                                     \
	CASE(n + 2);                                                                     \
	CASE(n + 3)

static void add_wide(const struct span *s, size_t nr)
{
	switch (nr) {
		CASES(1);
		CASES(5);
		CASES(9);
		CASES(13);
		CASES(17);
		CASES(21);
		CASES(25);
		CASES(29);
		CASE(64);
	default:
		add_rows(s, nr / 4, nr % 4, 256);
	}
}

void hist_rows(uint64_t *hist, const struct bin_tile *t, size_t first, size_t nr,
	       const uint32_t *packed, const uint32_t *rows, size_t from, size_t to)
{
	struct span s = {
		.hist = hist + t->hist + first * t->words,
		.codes = t->rows + first,
		.stride = t->stride,
		.words = t->words,
		.packed = packed,
		.rows = rows,
		.from = from,
		.to = to,
	};

	if (t->words == 256 && packed)
		add_wide(&s, nr);
	else
		add_rows(&s, nr / 4, nr % 4, t->words);
}

void hist_sub(uint64_t *a, const uint64_t *b, size_t words, enum simd simd)
{
	(void)simd;
#if defined(__x86_64__)
	if (simd == SIMD_AVX512) {
		hist_sub_avx512(a, b, words);
		return;
	}
	if (simd == SIMD_AVX2) {
		hist_sub_avx2(a, b, words);
		return;
	}
#endif
	for (size_t i = 0; i < words; i++)
		a[i] -= b[i];
}

void hist_merge(uint64_t *a, const uint64_t *b, size_t words, enum simd simd)
{
	(void)simd;
#if defined(__x86_64__)
	if (simd == SIMD_AVX512) {
		hist_merge_avx512(a, b, words);
		return;
	}
	if (simd == SIMD_AVX2) {
		hist_merge_avx2(a, b, words);
		return;
	}
#endif
	for (size_t i = 0; i < words; i++)
		a[i] += b[i];
}
