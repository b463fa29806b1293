#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/fmt/ini.h"

static void becomes(const char *in, const char *out)
{
	struct buf b = {0};
	struct ini ini;
	struct err e = {0};

	if (ini_read(&ini, slice_of(in), "c", &e) < 0)
		fail_msg("%s: %s", in, e.text);
	ini_write(&ini, &b);
	assert_string_equal(buf_str(&b), out);
	buf_release(&b);
	ini_release(&ini);
}

static void value_is(const char *line, const char *value)
{
	const struct ini_entry *en;
	struct buf b = {0};
	struct ini ini;
	struct err e = {0};

	buf_addf(&b, "[s]\nk = %s\n", line);
	if (ini_read(&ini, buf_slice(&b), "c", &e) < 0)
		fail_msg("%s: %s", line, e.text);
	en = ini_get(&ini, "s", "k");
	assert_non_null(en);
	assert_string_equal(en->value, value);
	buf_release(&b);
	ini_release(&ini);
}

static void refuses(const char *text, const char *error)
{
	struct ini ini;
	struct err e = {0};

	assert_int_equal(ini_read(&ini, slice_of(text), "c", &e), ERR_CONFIG);
	assert_string_equal(e.text, error);
	assert_int_equal(ini.nr, 0);
}

static void a_file_of_dvc_is_written_back_as_it_was(void **state)
{
	static const char text[] = "[core]\n    remote = storage\n    autostage = true\n"
				   "['remote \"storage\"']\n    url = s3://bucket/dvc\n"
				   "    profile = 'a\"b,c'\n";

	(void)state;
	becomes(text, text);
}

static void comments_case_and_spacing_are_lost(void **state)
{
	(void)state;
	becomes("# top\n[Core]   # x\nRemote=A # c\n\n\n['Remote \"My\"']\nURL = B\n",
		"[core]\n    remote = A\n['remote \"my\"']\n    url = B\n");
	becomes("\xEF\xBB\xBF[core]\r\nremote = a\r\n", "[core]\n    remote = a\n");
	becomes("[core]\n", "\n");
	becomes("", "\n");
}

static void values_are_unquoted(void **state)
{
	(void)state;
	value_is("a b", "a b");
	value_is("a b  # c", "a b");
	value_is("a#b", "a");
	value_is("\"a # b\" # c", "a # b");
	value_is("'a,b'", "a,b");
	value_is("\"a\"b\"", "a\"b");
	value_is("", "");
	value_is("\"\"", "");
	value_is("# only", "");
	value_is("a, 'b,c' , d", "a, b,c, d");
	value_is("a,", "a");
	value_is("a=b", "a=b");
	value_is("\"\"\"a'b\"c\"\"\"", "a'b\"c");
	value_is("'''a\nb''' # c", "a\nb");
}

static void lists_and_interpolation_are_flagged(void **state)
{
	struct ini ini;

	(void)state;
	assert_int_equal(ini_read(&ini,
				  SLICE_LIT("[s]\na = x,y\nb = %(q)s\nc = x\nd = ,\n"),
				  NULL, NULL),
			 0);
	assert_true(ini_get(&ini, "s", "a")->is_list);
	assert_int_equal(ini_get(&ini, "s", "a")->items_nr, 2);
	assert_string_equal(ini_get(&ini, "s", "a")->items[1], "y");
	assert_true(ini_get(&ini, "s", "b")->has_interpolation);
	assert_int_equal(ini_get(&ini, "s", "b")->line, 3);
	assert_false(ini_get(&ini, "s", "c")->is_list);
	assert_false(ini_get(&ini, "s", "c")->has_interpolation);
	assert_true(ini_get(&ini, "s", "d")->is_list);
	ini_release(&ini);
}

static void errors_have_dvcs_words(void **state)
{
	(void)state;
	refuses("[a]\nx\n",
		"c: Invalid line ('x') (matched as neither section nor keyword) at line 2.");
	refuses("[a]\n[b]\n[a]\n", "c: Duplicate section name at line 3.");
	refuses("[a]\nk = 1\nk = 2\n", "c: Duplicate keyword name at line 3.");
	refuses("[a]\nk = 'x\n", "c: Parse error in value at line 2.");
	refuses("[a]\nk = ,x\n", "c: Parse error in value at line 2.");
	refuses("[[a]]\n", "c: Section too nested at line 1.");
	refuses("[a]\nk = \"\"\"x\n", "c: Parse error in multiline value at line 2.");
	refuses("[a\n", "c: Invalid line ('[a') (matched as neither section nor keyword) "
			"at line 1.");
	refuses("[a]\nk = \xff\n", "c: is not valid utf-8");
}

static void sections_are_written_in_dvcs_order(void **state)
{
	struct buf b = {0};
	struct ini ini;

	(void)state;
	assert_int_equal(
		ini_read(&ini,
			 SLICE_LIT("['db \"d\"']\nurl = 1\n['remote \"z\"']\nurl = 2\n"
				   "[feature]\nq = 1\n[cache]\ndir = x\n"),
			 NULL, NULL),
		0);
	ini_set(&ini, "exp", "a", "1");
	ini_set(&ini, "core", "a", " 1");
	ini_set(&ini, "remote \"a\"", "url", "it's, \"both\"");
	ini_set(&ini, "cache", "dir", "");
	ini_write(&ini, &b);
	assert_string_equal(buf_str(&b),
			    "[feature]\n    q = 1\n[cache]\n    dir = \"\"\n"
			    "[core]\n    a = \" 1\"\n[exp]\n    a = 1\n"
			    "['remote \"z\"']\n    url = 2\n"
			    "['remote \"a\"']\n    url = \"\"\"it's, \"both\"\"\"\"\n"
			    "['db \"d\"']\n    url = 1\n");
	assert_true(ini_unset(&ini, "cache", "dir"));
	assert_false(ini_unset(&ini, "cache", "dir"));
	assert_true(ini_remove_section(&ini, "core"));
	assert_null(ini_get(&ini, "core", "a"));
	buf_release(&b);
	ini_release(&ini);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_dvc_is_written_back_as_it_was),
		cmocka_unit_test(comments_case_and_spacing_are_lost),
		cmocka_unit_test(values_are_unquoted),
		cmocka_unit_test(lists_and_interpolation_are_flagged),
		cmocka_unit_test(errors_have_dvcs_words),
		cmocka_unit_test(sections_are_written_in_dvcs_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
