#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "train/data/number.h"
#include "train/data/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The C library has the last word; the scan agrees or leaves it to others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = calloc(1, n + NUMBER_PAD + 1);
	double v = 0, scanned = 0, want;
	int r;

	memcpy(text, data, n);
	r = number_scan(text, text + n, &scanned);
	if (data_number(text, n, &v)) {
		want = strtod(text, NULL);
		if (memcmp(&want, &v, sizeof(v)) != 0 || r == 0)
			abort();
		if (r == 1 && memcmp(&scanned, &v, sizeof(v)) != 0)
			abort();
	} else if (r == 1) {
		abort();
	}
	free(text);
	return 0;
}
