#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"

/* The tree of text as one line of JSON, dates marked with @. */
static char *as_json(const char *text, struct err *e)
{
	struct arena a = {0};
	struct buf out = {0};
	struct value *root;
	struct jsonw w;

	if (yaml_read(slice_of(text), "f", &a, &root, e) == 0) {
		jsonw_init(&w, &out, 0);
		jsonw_value(&w, root);
	}
	arena_release(&a);
	return buf_detach(&out);
}

static void reads_as(const char *text, const char *json)
{
	struct err e = {0};
	char *got = as_json(text, &e);

	if (strcmp(got, json) != 0)
		fail_msg("%s\ngives %s\nnot   %s\n%s", text, got, json, e.text);
	free(got);
}

static void refuses(const char *text, const char *error)
{
	struct arena a = {0};
	struct value *root;
	struct err e = {0};

	assert_int_equal(yaml_read(slice_of(text), "f", &a, &root, &e), ERR_CORRUPT);
	assert_string_equal(e.text, error);
	arena_release(&a);
}

static void scalars_resolve_by_yaml_1_2(void **state)
{
	(void)state;
	reads_as(
		"[true, True, TRUE, tRUE, yes, no, on, off, y, n]",
		"[true, true, true, \"tRUE\", \"yes\", \"no\", \"on\", \"off\", \"y\", \"n\"]");
	reads_as("[~, null, Null, NULL, nUll, '', \"\"]",
		 "[null, null, null, null, \"nUll\", \"\", \"\"]");
	reads_as("[017, 1_000, 0o17, 0x1F, 0b101, -5, +7, 12:30, _1, 0o8]",
		 "[17, 1000, 15, 31, 5, -5, 7, \"12:30\", \"_1\", \"0o8\"]");
	reads_as(
		"[1e3, 1E-3, .5, 1., 1.5e3, -0.0, .inf, -.inf, .nan, 1_0.5, .5e3, -.nan]",
		"[1000.0, 0.001, 0.5, 1.0, 1500.0, -0.0, Infinity, -Infinity, NaN, 10.5, "
		"\".5e3\", \"-.nan\"]");
	reads_as("123456789012345678901234567890", "123456789012345678901234567890");
	reads_as("[ds://x, p.yaml:k, 's': 1]", "[\"ds://x\", \"p.yaml:k\", {\"s\": 1}]");
}

static void dates_are_a_kind_of_their_own(void **state)
{
	static const struct {
		const char *text;
		enum value_kind kind;
	} rows[] = {
		{"2020-01-02", VALUE_DATE},
		{"2020-1-2", VALUE_STR},
		{"2020-01-02T03:04:05Z", VALUE_DATE},
		{"2020-1-2 3:04:05.5 +1:30", VALUE_DATE},
		{"2020-01-02x", VALUE_STR},
		{"2020-01-02 03:04", VALUE_STR},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(yaml_plain(&a, slice_of(rows[i].text))->kind,
				 rows[i].kind);
	arena_release(&a);
}

static void documents_read_as_trees(void **state)
{
	(void)state;
	reads_as("", "null");
	reads_as("# only a comment\n", "null");
	reads_as("a:\n- b: 1\n  c:\n- - x\n  - y\n",
		 "{\"a\": [{\"b\": 1, \"c\": null}, [\"x\", \"y\"]]}");
	reads_as("\xEF\xBB\xBF"
		 "a: 1\r\nb: 2\r\n",
		 "{\"a\": 1, \"b\": 2}");
	reads_as("a: |\n  x\n  y\nb: >-\n  x\n  y\n",
		 "{\"a\": \"x\\ny\\n\", \"b\": \"x y\"}");
	reads_as("? a\n: b\n", "{\"a\": \"b\"}");
}

static void aliases_and_merge_keys_are_expanded(void **state)
{
	(void)state;
	reads_as("a: &x {p: 1, q: 2}\nb: *x\nc:\n  <<: *x\n  q: 3\n  r: 4\n",
		 "{\"a\": {\"p\": 1, \"q\": 2}, \"b\": {\"p\": 1, \"q\": 2}, "
		 "\"c\": {\"p\": 1, \"q\": 3, \"r\": 4}}");
	reads_as("- &x {p: 1}\n- &y {p: 2, q: 2}\n- <<: [*x, *y]\n",
		 "[{\"p\": 1}, {\"p\": 2, \"q\": 2}, {\"p\": 1, \"q\": 2}]");
	refuses("a: *x\n", "f:1:4: found undefined alias");
	refuses("a: &x [*x]\n", "f:1:8: found undefined alias");
	refuses("<<: 1\n", "f:1:5: expected a mapping to merge");
}

static void duplicate_keys_are_those_python_finds_equal(void **state)
{
	(void)state;
	refuses("a: 1\na: 2\n", "f:2:1: found duplicate key \"a\"");
	refuses("1: x\ntrue: y\n", "f:2:1: found duplicate key \"True\"");
	refuses("1: x\n1.0: y\n", "f:2:1: found duplicate key \"1.0\"");
	refuses("{0: x, 'a': 1, false: y}", "f:1:16: found duplicate key \"False\"");
	reads_as("1: x\n'1': y\n", "{\"1\": \"x\", \"1\": \"y\"}");
}

static void what_dvc_cannot_read_is_refused(void **state)
{
	struct arena a = {0};
	struct value *root;

	(void)state;
	refuses("a: 1\n---\nb: 2\n", "f:2:1: expected a single document");
	refuses("a: !foo x\n", "f:1:4: unknown or unfitting tag");
	refuses("a: =\n", "f:1:4: the value cannot be converted");
	refuses("a: 1\nb: \xff\n", "f:2:4: is not valid utf-8");
	assert_int_equal(yaml_read(SLICE_LIT("a: [1\nb: 2\n"), "f", &a, &root, NULL),
			 ERR_CORRUPT);
	assert_int_equal(yaml_read(SLICE_LIT("a: 'x\n"), "f", &a, &root, NULL),
			 ERR_CORRUPT);
	assert_int_equal(yaml_read(SLICE_LIT("a: \"\x01\"\n"), "f", &a, &root, NULL),
			 ERR_CORRUPT);
	arena_release(&a);
}

static void an_alias_bomb_is_refused(void **state)
{
	struct arena a = {0};
	struct buf b = {0};
	struct err e = {0};
	struct value *root;

	(void)state;
	buf_adds(&b, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
	for (int i = 1; i < 30; i++) {
		buf_addf(&b, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			buf_addf(&b, "*a%d, ", i - 1);
		buf_adds(&b, "]\n");
	}
	assert_int_equal(yaml_read(buf_slice(&b), NULL, &a, &root, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.text, "aliases expand to too many values"));
	assert_true(a.total < 16 << 20);
	arena_release(&a);
	buf_release(&b);
}

static void depth_is_bounded(void **state)
{
	struct arena a = {0};
	struct buf b = {0};
	struct value *root;

	(void)state;
	buf_fill(&b, '[', 100000);
	assert_int_equal(yaml_read(buf_slice(&b), NULL, &a, &root, NULL), ERR_CORRUPT);
	buf_reset(&b);
	buf_fill(&b, '[', YAML_DEPTH_MAX);
	buf_fill(&b, ']', YAML_DEPTH_MAX);
	assert_int_equal(yaml_read(buf_slice(&b), NULL, &a, &root, NULL), 0);
	arena_release(&a);
	buf_release(&b);
}

static void spans_are_byte_offsets(void **state)
{
	static const char text[] =
		"\xEF\xBB\xBF"
		"\xc3\xa9\xc3\xa9: 'x'\r\nb:\n- abc # c\n- {k: v}\n\n# end\n";
	const struct value *b, *x;
	struct arena a = {0};
	struct value *root;

	(void)state;
	assert_int_equal(yaml_read(slice_of(text), NULL, &a, &root, NULL), 0);
	x = value_get(root, "\xc3\xa9\xc3\xa9");
	assert_memory_equal(text + x->span.begin, "'x'", 3);
	assert_int_equal(x->span.end - x->span.begin, 3);
	assert_int_equal(x->style, VALUE_STYLE_SINGLE);
	b = value_get(root, "b");
	assert_int_equal(b->items[0]->span.end - b->items[0]->span.begin, 3);
	assert_memory_equal(text + b->items[0]->span.begin, "abc", 3);
	assert_int_equal(b->items[0]->span.line, 3);
	assert_int_equal(b->items[0]->span.column, 3);
	assert_memory_equal(text + b->items[1]->span.begin, "{k: v}\n", 7);
	assert_memory_equal(text + b->items[1]->span.end, "\n\n# end", 7);
	assert_int_equal(b->span.end, b->items[1]->span.end);
	arena_release(&a);
}

static void large_maps_find_their_keys(void **state)
{
	struct arena a = {0};
	struct value *m = value_map(&a);

	(void)state;
	for (int i = 0; i < 5000; i++)
		value_set_pair(&a, m, value_int(&a, i), value_int(&a, i * 2));
	for (int i = 0; i < 5000; i++) {
		struct value *key = value_float(&a, i);
		const struct value_pair *p = value_find(m, key);

		assert_non_null(p);
		assert_int_equal(p->value->i, i * 2);
	}
	value_set(&a, m, "x", value_null(&a));
	assert_true(value_del(&a, m, "x"));
	assert_false(value_del(&a, m, "x"));
	assert_int_equal(m->nr, 5000);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_resolve_by_yaml_1_2),
		cmocka_unit_test(dates_are_a_kind_of_their_own),
		cmocka_unit_test(documents_read_as_trees),
		cmocka_unit_test(aliases_and_merge_keys_are_expanded),
		cmocka_unit_test(duplicate_keys_are_those_python_finds_equal),
		cmocka_unit_test(what_dvc_cannot_read_is_refused),
		cmocka_unit_test(an_alias_bomb_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(spans_are_byte_offsets),
		cmocka_unit_test(large_maps_find_their_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
