/* No file of options makes eval step outside; what is taken are metrics that exist. */
#include <stdint.h>
#include <stdlib.h>

#include "train/run/evaluate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct evaluate_options o = {0};

	if (evaluate_config(&o, (struct slice){(const char *)data, n}, "f", NULL) == 0)
		for (size_t i = 0; i < o.bounds.nr; i++)
			if (!metric_known(o.bounds.v[i].metric))
				abort();
	evaluate_options_release(&o);
	return 0;
}
