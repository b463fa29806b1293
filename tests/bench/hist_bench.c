/*
 * The histogram kernel alone: ns per row and feature over 1,000,000 rows of 28
 * features, for all rows and for every 8th and 32nd.
 */
#include "train/core/bins.h"
#include "train/core/hist.h"
#include "train/core/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	size_t rows = 1000000, nr = argc > 1 ? strtoul(argv[1], NULL, 10) : 28,
	       stride = 8;
	uint32_t *list = malloc(rows * sizeof(*list)),
		 *packed = malloc(rows * sizeof(*packed));
	uint64_t *hist = calloc(64 * 256, sizeof(*hist));
	struct bin_tile t = {.nr = nr, .words = 256};

	while (stride < nr)
		stride *= 2;
	t.stride = stride;
	t.rows = aligned_alloc(64, rows * stride);
	for (size_t i = 0; i < rows * stride; i++)
		t.rows[i] = (uint8_t)(rng_sm(i) >> 8);
	for (size_t i = 0; i < rows; i++)
		packed[i] = (uint32_t)rng_sm(i) & 0x07ff00ffu;
	for (unsigned step = 1; step <= 32; step *= step == 1 ? 8 : 4) {
		double best = 1e9;
		size_t n = 0;

		for (size_t i = 0; i < rows; i++)
			if (step == 1 || rng_sm(i * 7) % step == 0)
				list[n++] = (uint32_t)i;
		for (int run = 0; run < 15; run++) {
			double at = now();

			for (unsigned k = 0; k < (step == 1 ? 1 : step / 2); k++)
				hist_rows(hist, &t, 0, nr, packed, list, 0, n);
			at = (now() - at) / (step == 1 ? 1 : step / 2);
			best = at < best ? at : best;
		}
		printf("1/%u: %.3f ns\n", step, best * 1e9 / (double)n / (double)nr);
	}
	free(list);
	free(packed);
	free(hist);
	free(t.rows);
	return 0;
}
