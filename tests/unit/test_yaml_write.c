#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/fmt/json.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"

static struct value *map1(struct arena *a, const char *key, struct value *v)
{
	struct value *m = value_map(a);

	value_set(a, m, key, v);
	return m;
}

static struct value *list1(struct arena *a, struct value *v)
{
	struct value *l = value_list(a);

	value_add(a, l, v);
	return l;
}

/* The document of tests/golden/README.md's context, and its prefix. */
static struct value *wrap(struct arena *a, const char *c, struct value *v,
			  const char **prefix)
{
	struct value *m = value_map(a);

	if (strcmp(c, "out") == 0) {
		*prefix = "outs:\n- md5: 000a\n  path:";
		value_set(a, m, "md5", value_cstr(a, "000a"));
		value_set(a, m, "path", v);
		return map1(a, "outs", list1(a, m));
	}
	if (strcmp(c, "desc") == 0) {
		*prefix = "desc:";
		return map1(a, "desc", v);
	}
	if (strcmp(c, "item") == 0) {
		*prefix = "deps:\n-";
		return map1(a, "deps", list1(a, v));
	}
	*prefix = "stages:\n  s:\n    cmd:";
	if (strcmp(c, "lockcmd") == 0) {
		v = map1(a, "cmd", v);
	} else if (strcmp(c, "lockpath") == 0) {
		*prefix = "stages:\n  s:\n    deps:\n    - path:";
		v = map1(a, "deps", list1(a, map1(a, "path", v)));
	} else if (strcmp(c, "item4") == 0) {
		*prefix = "stages:\n  s:\n    deps:\n    -";
		v = map1(a, "deps", list1(a, v));
	} else if (strcmp(c, "param") == 0) {
		*prefix = "stages:\n  s:\n    params:\n      p:\n        k:";
		v = map1(a, "params", map1(a, "p", map1(a, "k", v)));
	} else {
		assert_string_equal(c, "key");
		*prefix = "stages:\n  s:\n";
		value_set_pair(a, m, v, value_int(a, 1));
		v = m;
	}
	return map1(a, "stages", map1(a, "s", v));
}

static int check_row(struct slice line)
{
	struct arena a = {0};
	struct value *row, *back, *doc;
	struct buf out = {0}, want = {0};
	const char *prefix;
	struct err e = {0};
	int bad = 0;

	assert_int_equal(json_read(line, "row", &a, &row, &e), 0);
	doc = wrap(&a, value_text(value_get(row, "c"), ""),
		   value_copy(&a, value_get(row, "v")), &prefix);
	yaml_write(doc, &out);
	buf_adds(&want, prefix);
	buf_adds(&want, value_text(value_get(row, "x"), ""));
	if (!value_get(row, "r") && !slice_eq(buf_slice(&out), buf_slice(&want))) {
		print_error("want:\n%s\ngot:\n%s\n", buf_str(&want), buf_str(&out));
		bad = 1;
	} else if (yaml_read(buf_slice(&out), "out", &a, &back, &e) < 0 ||
		   !value_same(back, doc)) {
		print_error("does not read back (%s): %s\n", e.text, buf_str(&out));
		bad = 1;
	}
	buf_release(&out);
	buf_release(&want);
	arena_release(&a);
	return bad;
}

static void scalars_are_written_as_dvc_writes_them(void **state)
{
	struct buf text = {0};
	struct slice rest, line;
	int rows = 0, bad = 0;

	(void)state;
	assert_int_equal(fs_read(AT_FDCWD, "tests/golden/data/yaml-scalars.jsonl",
				 64 << 20, &text, NULL),
			 0);
	for (rest = buf_slice(&text); rest.n;) {
		line = slice_cut(&rest, '\n');
		if (line.n == 0)
			continue;
		rows++;
		bad += check_row(line);
	}
	buf_release(&text);
	assert_true(rows > 4000);
	assert_int_equal(bad, 0);
}

static void the_incremental_writer_lays_out_as_dvc_does(void **state)
{
	struct buf out = {0};
	struct yamlw w;

	(void)state;
	yamlw_init(&w, &out);
	yamlw_map(&w);
	yamlw_key(&w, "outs");
	yamlw_list(&w);
	yamlw_map(&w);
	yamlw_key(&w, "md5");
	yamlw_cstr(&w, "12345678901234567890123456789012");
	yamlw_key(&w, "size");
	yamlw_int(&w, 5);
	yamlw_key(&w, "isexec");
	yamlw_bool(&w, true);
	yamlw_key(&w, "meta");
	yamlw_map(&w);
	yamlw_end(&w);
	yamlw_end(&w);
	yamlw_end(&w);
	yamlw_key(&w, "deps");
	yamlw_list(&w);
	yamlw_end(&w);
	yamlw_key(&w, "desc");
	yamlw_null(&w);
	yamlw_end(&w);
	assert_string_equal(
		buf_str(&out),
		"outs:\n- md5: '12345678901234567890123456789012'\n  size: 5\n"
		"  isexec: true\n  meta: {}\ndeps: []\ndesc:\n");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_written_as_dvc_writes_them),
		cmocka_unit_test(the_incremental_writer_lays_out_as_dvc_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
