#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	fuzz_read(data[0] & 1 ? "t.tsv" : "t.csv", data, n);
	return 0;
}
