/* A run record: read. */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/err.h"
#include "train/run/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct run_record r = {0};
	struct err e = {0};

	if (record_read(&r, (struct slice){(const char *)data, n}, "r", &e) == 0 &&
	    (!r.path || !r.command || (r.kind == RECORD_TRAIN && r.outputs_nr == 0)))
		abort();
	record_release(&r);
	return 0;
}
