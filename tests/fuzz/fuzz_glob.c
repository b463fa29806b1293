/* An ignore file and a path divided by a NUL, in both dialects. */
#include <stdint.h>

#include "store/fmt/glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice path = {(const char *)data, n}, text = slice_cut(&path, '\0');

	if (!path.p)
		path = SLICE_LIT("a/b.c/d");
	for (int d = GLOB_GIT; d <= GLOB_DVC; d++) {
		struct glob_list l = {0};

		if (glob_compile(&l, text, (enum glob_dialect)d, "f", NULL) == 0) {
			IGNORE_RESULT(glob_list_match(&l, path, false) != NULL);
			IGNORE_RESULT(glob_list_match(&l, path, true) != NULL);
		}
		glob_list_release(&l);
	}
	IGNORE_RESULT(glob_match(text, path));
	IGNORE_RESULT(glob_fnmatch(text, path));
	return 0;
}
