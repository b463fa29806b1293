/* Both INI readers; what DVC's dialect writes must read and write the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/buf.h"
#include "store/fmt/awsini.h"
#include "store/fmt/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* DVC's own writer loses values that hold both quotes, other space at an edge, a
 * second mark of byte order. */
static bool is_plain(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\'' || data[i] == '"' || data[i] >= 0x7f ||
		    (data[i] < ' ' && data[i] != '\n'))
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = {(const char *)data, n};
	struct buf once = {0}, twice = {0};
	struct awsini aws;
	struct ini ini;

	if (ini_read(&ini, text, "f", NULL) == 0) {
		ini_write(&ini, &once);
		ini_release(&ini);
	}
	/* What we write we can read, and it is the same. */
	if (once.n > 0 && is_plain(data, n)) {
		if (ini_read(&ini, buf_slice(&once), "f", NULL) < 0)
			abort();
		ini_write(&ini, &twice);
		ini_release(&ini);
		if (once.n != twice.n || memcmp(once.p, twice.p, once.n) != 0)
			abort();
	}
	if (awsini_read(&aws, text, "f", NULL) == 0)
		awsini_release(&aws);
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
