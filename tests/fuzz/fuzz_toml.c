#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/fmt/toml.h"
#include "store/fmt/jsonw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = {0};
	struct buf out = {0};
	struct value *root;
	struct jsonw w;

	if (toml_read((struct slice){(const char *)data, n}, "f", &a, &root, NULL) == 0) {
		jsonw_init(&w, &out, 0);
		jsonw_value(&w, root);
	}
	buf_release(&out);
	arena_release(&a);
	return 0;
}
