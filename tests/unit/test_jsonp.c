#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/fmt/jsonp.h"
#include "store/fmt/jsonw.h"

/* Read text and write what was read with the writer. */
static int echo(struct slice text, struct buf *out, struct err *e)
{
	struct jsonp_token t;
	struct jsonw w;
	struct jsonp p;
	int r;

	jsonp_init(&p, text);
	jsonw_init(&w, out, 0);
	while ((r = jsonp_next(&p, &t, e)) == 0 && t.type != JSONP_END) {
		switch (t.type) {
		case JSONP_OBJECT:
			jsonw_object(&w);
			break;
		case JSONP_ARRAY:
			jsonw_array(&w);
			break;
		case JSONP_OBJECT_END:
		case JSONP_ARRAY_END:
			jsonw_end(&w);
			break;
		case JSONP_KEY:
			jsonw_key_slice(&w, t.text);
			break;
		case JSONP_STR:
			jsonw_slice(&w, t.text);
			break;
		case JSONP_NUMBER:
			jsonw_raw(&w, t.text);
			break;
		case JSONP_TRUE:
			jsonw_bool(&w, true);
			break;
		case JSONP_FALSE:
			jsonw_bool(&w, false);
			break;
		default:
			jsonw_null(&w);
			break;
		}
	}
	jsonp_release(&p);
	return r;
}

static void what_python_writes_comes_back_byte_for_byte(void **state)
{
	static const char *const texts[] = {
		"[]",
		"{}",
		"[[], {}, [{}]]",
		"[{\"md5\": \"c4ca4238a0b923820dcc509a6f75849b\", \"relpath\": \"a\"}]",
		"{\"a\": {\"b\": [1, -2.5e+10, true, false, null, NaN, -Infinity]}, \"\": 0}",
		"\"\\\"\\\\\\n\\r\\t\\f\\b\\u0000\\u001f\\u007f\\u0080\\u00e9/\\u2028\"",
		"\"\\ud83d\\ude00 long enough for the eight byte steps \\uffff\"",
		"\"a\\udcff\\udc80b\"",
		"0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf out = {0};
		struct err e = {0};

		if (echo(slice_of(texts[i]), &out, &e) < 0)
			fail_msg("%s: %s", texts[i], e.text);
		assert_string_equal(buf_str(&out), texts[i]);
		buf_release(&out);
	}
}

static void other_spellings_are_understood(void **state)
{
	struct buf out = {0};

	(void)state;
	assert_int_equal(
		echo(SLICE_LIT(" [ \"\\/\\u00E9\xc3\xa9\" ,\n\t1 ]\r\n"), &out, NULL), 0);
	assert_string_equal(buf_str(&out), "[\"/\\u00e9\\u00e9\", 1]");
	buf_release(&out);
}

static void broken_text_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"[",
		"]",
		"{",
		"[1,]",
		"[1 2]",
		"{1: 2}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"[1}",
		"{\"a\":1]",
		"01",
		"1.",
		".5",
		"-",
		"1e",
		"+1",
		"tru",
		"nul",
		"\"",
		"\"\\",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\n\"",
		"\"\x80\"",
		"[] []",
		"\"\xed\xa0\x80\"",
		"'a'",
		"[1]x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf out = {0};
		struct err e = {0};

		if (echo(slice_of(texts[i]), &out, &e) != ERR_CORRUPT)
			fail_msg("accepted: %s", texts[i]);
		assert_memory_equal(e.text, "line ", 5);
		buf_release(&out);
	}
}

static void depth_is_bounded(void **state)
{
	struct buf in = {0}, out = {0};

	(void)state;
	buf_fill(&in, '[', 100000);
	assert_int_equal(echo(buf_slice(&in), &out, NULL), ERR_CORRUPT);
	buf_release(&in);
	buf_release(&out);
}

static void an_error_names_line_and_column(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(echo(SLICE_LIT("[1,\n  x]"), &out, &e), ERR_CORRUPT);
	assert_string_equal(e.text, "line 2, column 3: a value is expected");
	buf_release(&out);
}

static void a_value_can_be_passed_over(void **state)
{
	struct jsonp_token t;
	struct jsonp p;

	(void)state;
	jsonp_init(&p, SLICE_LIT("{\"a\": [1, {\"b\": []}], \"c\": 2}"));
	assert_int_equal(jsonp_next(&p, &t, NULL), 0);
	assert_int_equal(jsonp_next(&p, &t, NULL), 0);
	assert_int_equal(jsonp_next(&p, &t, NULL), 0);
	assert_int_equal(t.type, JSONP_ARRAY);
	assert_int_equal(jsonp_skip(&p, &t, NULL), 0);
	assert_int_equal(jsonp_next(&p, &t, NULL), 0);
	assert_int_equal(t.type, JSONP_KEY);
	assert_true(slice_is(t.text, "c"));
	jsonp_release(&p);
}

static void the_writer_indents_as_python_does(void **state)
{
	struct buf out = {0};
	struct jsonw w;

	(void)state;
	jsonw_init(&w, &out, 2);
	jsonw_object(&w);
	jsonw_key(&w, "a");
	jsonw_array(&w);
	jsonw_int(&w, 1);
	jsonw_float(&w, 0.1);
	jsonw_end(&w);
	jsonw_key(&w, "b");
	jsonw_object(&w);
	jsonw_end(&w);
	jsonw_key(&w, "c");
	jsonw_str(&w, NULL);
	jsonw_end(&w);
	assert_string_equal(buf_str(&out), "{\n  \"a\": [\n    1,\n    0.1\n  ],\n"
					   "  \"b\": {},\n  \"c\": null\n}");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_python_writes_comes_back_byte_for_byte),
		cmocka_unit_test(other_spellings_are_understood),
		cmocka_unit_test(broken_text_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(an_error_names_line_and_column),
		cmocka_unit_test(a_value_can_be_passed_over),
		cmocka_unit_test(the_writer_indents_as_python_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
