/* Packed sums: no overflow at the limits, kernels and their twins. */
#include "store/base/buf.h"
#include "tests/lib/synth.h"
#include "train/core/bins.h"
#include "train/core/hist.h"
#include "train/core/quant.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t seed = 1;

static uint64_t next_random(void)
{
	return rng_sm(seed++);
}

/* n rows of the same extreme word, summed as a histogram would. */
static void holds(uint64_t n, int32_t g, uint32_t h)
{
	uint64_t word = quant_widen((uint32_t)g << 16 | h) * n;

	if (quant_sum_g(word) != (int64_t)n * g || quant_sum_h(word) != n * h)
		fail_msg("%llu rows of %d, %u", (unsigned long long)n, g, h);
}

static void no_sum_overflows_at_any_number_of_rows(void **state)
{
	const uint64_t sizes[] = {1,	    2,	      65535,	65536,	   65537,
				  65538,    1000000,  11000000, 16777216,  16909320,
				  16909321, 33554432, 1 << 30,	0x7fffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t n = sizes[i];
		struct quant q = {0};

		quant_levels(&q, n, 3.5, 0.25, false);
		assert_true(q.levels_g >= 1 && q.levels_h >= 1);
		assert_true(q.levels_g <= 32767 && q.levels_h <= 65535);
		for (int s = -1; s <= 1; s++) {
			holds(n, s * q.levels_g, (uint32_t)q.levels_h);
			holds(n, s * q.levels_g, 0);
			/* A child's word taken away leaves the sibling's. */
			holds(n - n / 3, s * q.levels_g, (uint32_t)q.levels_h);
		}
	}
}

static void a_sibling_is_a_difference(void **state)
{
	(void)state;
	for (int run = 0; run < 1000; run++) {
		int64_t g[2] = {0, 0};
		uint64_t h[2] = {0, 0}, w[2] = {0, 0}, all;

		for (int i = 0; i < 50; i++) {
			uint64_t r = next_random();
			int32_t qg = (int32_t)(r % 65535) - 32767;
			uint32_t qh = (uint32_t)(r >> 32) % 65536;

			g[i % 2] += qg;
			h[i % 2] += qh;
			w[i % 2] += quant_widen((uint32_t)qg << 16 | qh);
		}
		all = w[0] + w[1];
		assert_true(quant_sum_g(all - w[0]) == g[1]);
		assert_true(quant_sum_h(all - w[0]) == h[1]);
		assert_true(quant_sum_g(all) == g[0] + g[1]);
	}
}

/* Every number of features, of words and of rows, listed or all. */
static void kernels_add_what_a_plain_loop_adds(void **state)
{
	static uint64_t want[64 * 256], got[64 * 256];
	static uint8_t codes[300 * 64];
	uint32_t packed[300], rows[300];

	(void)state;
	for (size_t nr = 1; nr <= 64; nr++) {
		struct bin_tile t = {.nr = nr, .stride = 64, .rows = codes};
		size_t n = 0, first = (nr - 1) / 4 * 4;

		t.words = nr % 3 == 0 ? 72 : 256;
		for (size_t i = 0; i < sizeof(codes); i++)
			codes[i] = (uint8_t)(next_random() % t.words);
		for (size_t i = 0; i < 300; i++) {
			packed[i] = (uint32_t)next_random();
			if (next_random() % 3)
				rows[n++] = (uint32_t)i;
		}
		for (unsigned how = 0; how < 8; how++) {
			const uint32_t *list = how & 1 ? rows : NULL;
			const uint32_t *p = how & 2 ? packed : NULL;
			size_t from = how & 4 ? 7 : 0, at = how & 4 ? first : 0;
			size_t to = list ? n : 300;

			memset(want, 0, sizeof(want));
			memset(got, 0, sizeof(got));
			for (size_t i = from; i < to; i++) {
				size_t row = list ? list[i] : i;

				for (size_t f = at; f < nr; f++)
					want[f * t.words + codes[row * 64 + f]] +=
						p ? quant_widen(p[row]) : 1;
			}
			hist_rows(got, &t, at, nr - at, p, list, from, to);
			assert_memory_equal(got, want, sizeof(want));
		}
	}
}

static void twins_agree_on_words(void **state)
{
	uint64_t a[67], b[67], sub[67], sum[67];

	(void)state;
	for (size_t n = 0; n < 67; n++)
		for (unsigned s = SIMD_SCALAR; s < SIMD_BEST; s++) {
			if (!simd_has((enum simd)s))
				continue;
			for (size_t i = 0; i < 67; i++) {
				sub[i] = sum[i] = a[i] = next_random();
				b[i] = next_random();
			}
			hist_sub(sub, b, n, (enum simd)s);
			hist_merge(sum, b, n, (enum simd)s);
			for (size_t i = 0; i < 67; i++) {
				assert_true(sub[i] == (i < n ? a[i] - b[i] : a[i]));
				assert_true(sum[i] == (i < n ? a[i] + b[i] : a[i]));
			}
		}
}

static void twins_round_alike(void **state)
{
	float g[83], h[83];
	uint32_t want[83], got[83];
	uint64_t key[83];

	(void)state;
	for (int run = 0; run < 300; run++) {
		struct quant q = {.base = next_random(), .first = next_random() >> 30};
		double max_g = 0, max_h = 0;
		size_t n = next_random() % 83;

		for (size_t i = 0; i < 83; i++) {
			uint64_t r = next_random();

			g[i] = r % 7 ? (float)((double)(r >> 40) * 0x1p-23 - 1) : 0;
			h[i] = (float)(r & 0xffff) * 0x1p-16f;
			max_g = fabs((double)g[i]) > max_g ? fabs((double)g[i]) : max_g;
			max_h = (double)h[i] > max_h ? (double)h[i] : max_h;
			key[i] = next_random();
		}
		q.key = run % 2 ? key : NULL;
		quant_levels(&q, 1 + next_random() % 20000000, max_g, max_h,
			     run % 5 == 0);
		quant_rows(want, g, h, 0, n, &q, SIMD_SCALAR);
		for (size_t i = 0; i < n; i++) {
			int32_t qg = (int16_t)(want[i] >> 16);
			double x = (double)g[i] / q.sg;

			assert_true(qg >= -q.levels_g && qg <= q.levels_g);
			assert_true(fabs(x - qg) <= 1.0001);
		}
		for (unsigned s = SIMD_SSE2; s < SIMD_BEST; s++) {
			if (!simd_has((enum simd)s))
				continue;
			quant_rows(got, g, h, 0, n, &q, (enum simd)s);
			assert_memory_equal(got, want, n * sizeof(*got));
		}
	}
}

/* Rounding by chance is right on average. */
static void rounding_is_fair(void **state)
{
	size_t n = 200000;
	float *g = calloc(n, sizeof(*g)), *h = calloc(n, sizeof(*h));
	uint32_t *packed = calloc(n, sizeof(*packed));
	struct quant q = {.base = rng_base(7, RNG_QUANT, 1)};
	double sum_g = 0, sum_h = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		g[i] = 0.3f;
		h[i] = 0.1f;
	}
	quant_levels(&q, 500000000, 1, 1, false); /* 4 and 8 levels */
	quant_rows(packed, g, h, 0, n, &q, SIMD_BEST);
	for (size_t i = 0; i < n; i++) {
		sum_g += (int16_t)(packed[i] >> 16) * q.sg;
		sum_h += (packed[i] & 0xffff) * q.sh;
	}
	assert_true(fabs(sum_g / (double)n - 0.3) < 0.002);
	assert_true(fabs(sum_h / (double)n - 0.1) < 0.002);
	free(packed);
	free(h);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_sum_overflows_at_any_number_of_rows),
		cmocka_unit_test(a_sibling_is_a_difference),
		cmocka_unit_test(kernels_add_what_a_plain_loop_adds),
		cmocka_unit_test(twins_agree_on_words),
		cmocka_unit_test(twins_round_alike),
		cmocka_unit_test(rounding_is_fair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
