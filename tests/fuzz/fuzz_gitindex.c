/* git's index file, without libgit2. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/err.h"
#include "store/vcs/gitindex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int look(void *ctx, struct slice path)
{
	size_t *bytes = ctx;

	if (path.n > 0 && memchr(path.p, '\0', path.n))
		abort(); /* a name ends at its NUL */
	*bytes += path.n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice all = {(const char *)data, n};
	struct err e = {0};
	size_t bytes = 0;

	IGNORE_RESULT(gitindex_parse(all, "index", look, &bytes, &e) < 0);
	return 0;
}
