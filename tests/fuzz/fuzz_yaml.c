/* Whatever YAML reads must be written so that it reads the same. */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = {0};
	struct buf out = {0};
	struct value *root, *back;

	buf_limit(&out, 1 << 20);
	if (yaml_read((struct slice){(const char *)data, n}, "f", &a, &root, NULL) == 0) {
		yaml_write(root, &out);
		if (!buf_overflowed(&out) &&
		    (yaml_read(buf_slice(&out), "out", &a, &back, NULL) < 0 ||
		     !value_equal(value_copy(&a, root), back)))
			back = NULL;
		else
			back = root;
		/* nan != nan in Python's sense: value_same knows better. */
		if (!back && (yaml_read(buf_slice(&out), "out", &a, &back, NULL) < 0 ||
			      !value_same(root, back))) {
			fprintf(stderr, "%s\n", buf_str(&out));
			abort();
		}
	}
	buf_release(&out);
	arena_release(&a);
	return 0;
}
