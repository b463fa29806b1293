#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/toml.h"
#include "store/fmt/value.h"

static void reads_as(const char *text, const char *json)
{
	struct arena a = {0};
	struct buf out = {0};
	struct value *root;
	struct err e = {0};
	struct jsonw w;

	if (toml_read(slice_of(text), "f", &a, &root, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	jsonw_init(&w, &out, 0);
	jsonw_value(&w, root);
	assert_string_equal(buf_str(&out), json);
	buf_release(&out);
	arena_release(&a);
}

static void values_of_every_kind_are_read(void **state)
{
	(void)state;
	reads_as("", "{}");
	reads_as(
		"a = 1\nb = -1_000\nc = 0xFF\nd = 0o17\ne = 0b11\nf = 9223372036854775807\n",
		"{\"a\": 1, \"b\": -1000, \"c\": 255, \"d\": 15, \"e\": 3, "
		"\"f\": 9223372036854775807}");
	reads_as("a = 1.5\nb = 1e3\nc = -0.0\nd = inf\ne = -inf\nf = nan\ng = 6.6_2e-3\n",
		 "{\"a\": 1.5, \"b\": 1000.0, \"c\": -0.0, \"d\": Infinity, "
		 "\"e\": -Infinity, \"f\": NaN, \"g\": 0.00662}");
	reads_as("a = true\nb = false # c\n", "{\"a\": true, \"b\": false}");
	reads_as(
		"a = \"x\\n\\u00e9\\\"\"\nb = 'c:\\x'\nc = \"\"\"\n l1\nl2\\\n   l3\"\"\"\"\n"
		"d = '''\nx'y'''\n",
		"{\"a\": \"x\\n\\u00e9\\\"\", \"b\": \"c:\\\\x\", "
		"\"c\": \" l1\\nl2l3\\\"\", \"d\": \"x'y\"}");
	reads_as("a = [1, [2, 'x'], # c\n 3,\n]\nb = {x = 1, y.z = 2}\n",
		 "{\"a\": [1, [2, \"x\"], 3], \"b\": {\"x\": 1, \"y\": {\"z\": 2}}}");
	reads_as("a = 1979-05-27T07:32:00.5-07:00\nb = 1979-05-27\nc = 07:32:00\n"
		 "d = 1979-05-27 07:32:00Z\n",
		 "{\"a\": \"1979-05-27T07:32:00.5-07:00\", \"b\": \"1979-05-27\", "
		 "\"c\": \"07:32:00\", \"d\": \"1979-05-27 07:32:00Z\"}");
}

static void tables_nest(void **state)
{
	(void)state;
	reads_as(
		"x = 1\r\n[a]\r\ny = 2\n[a.b]\nz = 3\n[c.\"d e\"]\n",
		"{\"x\": 1, \"a\": {\"y\": 2, \"b\": {\"z\": 3}}, \"c\": {\"d e\": {}}}");
	reads_as("[[p]]\na = 1\n[[p]]\n[p.q]\nb = 2\n[[p.r]]\nc = 3\n",
		 "{\"p\": [{\"a\": 1}, {\"q\": {\"b\": 2}, \"r\": [{\"c\": 3}]}]}");
	reads_as("[a.b]\nx = 1\n[a]\ny = 2\n", "{\"a\": {\"b\": {\"x\": 1}, \"y\": 2}}");
	reads_as("a.b.c = 1\na.b.d = 2\n", "{\"a\": {\"b\": {\"c\": 1, \"d\": 2}}}");
}

static void wrong_text_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"a = 1\na = 2\n", "f:2: the key is taken already"},
		{"[a]\n[a]\n", "f:2: the table is there already"},
		{"a = 1\n[a]\n", "f:2: the table is there already"},
		{"a = {}\n[a.b]\n", "f:2: the key is taken already"},
		{"a = []\n[[a]]\n", "f:2: the key is taken already"},
		{"a.b = 1\n[a]\n", "f:2: the table is there already"},
		{"[a]\nb.c = 1\n[a.b]\n", "f:3: the table is there already"},
		{"a = 01\n", "f:1: a value is expected"},
		{"a = 1__0\n", "f:1: a value is expected"},
		{"a = 1.\n", "f:1: a value is expected"},
		{"a = \n", "f:1: a value is expected"},
		{"a = x\n", "f:1: a value is expected"},
		{"a = 0x8000000000000000\n", "f:1: a value is expected"},
		{"a\n", "f:1: '=' is expected"},
		{"= 1\n", "f:1: a key is expected"},
		{"a = 1 b = 2\n", "f:1: the end of the line is expected"},
		{"a = 'x\n", "f:1: the string does not end"},
		{"a = \"\\q\"\n", "f:1: unknown escape"},
		{"a = \"\\ud800\"\n", "f:1: no Unicode character"},
		{"a = [1 2]\n", "f:1: ',' or ']' is expected"},
		{"a = {x = 1,}\n", "f:1: a key is expected"},
		{"[a\n", "f:1: ']' is expected"},
		{"a = \"\x01\"\n", "f:1: a control character in a string"},
		{"a = '\xff'\n", "f:1: is not valid utf-8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = {0};
		struct value *root;
		struct err e = {0};

		if (toml_read(slice_of(rows[i].text), "f", &a, &root, &e) != ERR_CORRUPT)
			fail_msg("accepted: %s", rows[i].text);
		assert_string_equal(e.text, rows[i].error);
		arena_release(&a);
	}
}

static void depth_is_bounded(void **state)
{
	struct arena a = {0};
	struct buf b = {0};
	struct value *root;

	(void)state;
	buf_adds(&b, "a = ");
	buf_fill(&b, '[', 100000);
	assert_int_equal(toml_read(buf_slice(&b), NULL, &a, &root, NULL), ERR_CORRUPT);
	buf_release(&b);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_kind_are_read),
		cmocka_unit_test(tables_nest),
		cmocka_unit_test(wrong_text_is_refused_with_its_line),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
