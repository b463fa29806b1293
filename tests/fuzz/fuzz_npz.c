#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0 || fuzz_is_wide(data, n))
		return 0;
	fuzz_read("t.npz", data, n);
	return 0;
}
