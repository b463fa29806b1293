/* Two documents divided by a NUL: the first is edited to read as the second. */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice want, old = {(const char *)data, n};
	struct arena a = {0};
	struct buf out = {0};
	struct value *v, *back;

	want = old;
	old = slice_cut(&want, '\0');
	if (want.n && yaml_read(want, "want", &a, &v, NULL) == 0 &&
	    yaml_update(old, "old", v, &out, NULL) == 0 &&
	    yaml_read(buf_slice(&out), "out", &a, &back, NULL) < 0)
		abort();
	buf_release(&out);
	arena_release(&a);
	return 0;
}
