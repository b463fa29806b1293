/* What JSON reads is written so that it reads the same, and the same again. */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/fmt/json.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void write_tree(const struct value *v, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_value(&w, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = {0};
	struct buf out = {0}, again = {0};
	struct value *root, *back;

	if (json_read((struct slice){(const char *)data, n}, "f", &a, &root, NULL) == 0) {
		write_tree(root, &out);
		if (json_read(buf_slice(&out), "out", &a, &back, NULL) < 0 ||
		    !value_same(root, back))
			abort();
		write_tree(back, &again);
		if (!slice_eq(buf_slice(&out), buf_slice(&again)))
			abort();
	}
	buf_release(&out);
	buf_release(&again);
	arena_release(&a);
	return 0;
}
