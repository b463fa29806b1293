/*
 * A train.yaml, and after a line of "%%" overrides, one a line: read; its canonical
 * JSON is JSON and the same for what it was read from again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "store/fmt/json.h"
#include "train/run/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(struct train_config *c)
{
	struct buf a = {0}, b = {0};
	struct arena arena = {0};
	struct value *root = NULL;
	struct err e = {0};

	config_json(c, true, &a);
	config_json(c, true, &b);
	if (!slice_eq(buf_slice(&a), buf_slice(&b)) ||
	    json_read(buf_slice(&a), "canonical", &arena, &root, &e) < 0)
		abort();
	(void)config_data_options(c);
	arena_release(&arena);
	buf_release(&a);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xmemdup0(data, n), *over = strstr(text, "\n%%\n");
	struct train_config c = {0};
	struct strvec v = {0};
	struct err e = {0};
	size_t yaml_n = n;

	if (over) {
		struct slice rest = slice_of(over + 4);

		yaml_n = (size_t)(over - text) + 1;
		while (rest.p && v.nr < 20) {
			struct slice line = slice_cut(&rest, '\n');

			strvec_take(&v, xmemdup0(line.p, line.n));
		}
	}
	if (config_read(&c, "train.yaml", (struct slice){text, yaml_n},
			(const char *const *)v.v, v.nr, &e) == 0)
		check(&c);
	config_release(&c);
	strvec_release(&v);
	free(text);
	return 0;
}
