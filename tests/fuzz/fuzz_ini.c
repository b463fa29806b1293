/* Both INI readers; what DVC's dialect writes must read and write the same. */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/buf.h"
#include "store/fmt/awsini.h"
#include "store/fmt/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = {(const char *)data, n};
	struct buf once = {0};
	struct awsini aws;
	struct ini ini;

	if (ini_read(&ini, text, "f", NULL) == 0) {
		ini_write(&ini, &once);
		ini_release(&ini);
	}
	if (awsini_read(&aws, text, "f", NULL) == 0)
		awsini_release(&aws);
	buf_release(&once);
	return 0;
}
