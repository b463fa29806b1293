#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/pyvars.h"
#include "store/fmt/value.h"

static void reads_as(const char *text, const char *json)
{
	struct arena a = {0};
	struct buf out = {0};
	struct value *root;
	struct err e = {0};
	struct jsonw w;

	if (pyvars_read(slice_of(text), "f", &a, &root, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	jsonw_init(&w, &out, 0);
	jsonw_value(&w, root);
	assert_string_equal(buf_str(&out), json);
	buf_release(&out);
	arena_release(&a);
}

static void refuses(const char *text, const char *error)
{
	struct arena a = {0};
	struct value *root;
	struct err e = {0};

	assert_int_equal(pyvars_read(slice_of(text), "f", &a, &root, &e), ERR_CORRUPT);
	assert_string_equal(e.text, error);
	arena_release(&a);
}

static void literals_are_read(void **state)
{
	(void)state;
	reads_as(
		"A = 1\nB: float = 2.5\nC = -3 # c\nD = 0x1F; E = 1_000\nF = 1e-5\nG = .5\n",
		"{\"A\": 1, \"B\": 2.5, \"C\": -3, \"D\": 31, \"E\": 1000, \"F\": 1e-05, "
		"\"G\": 0.5}");
	reads_as("A = 0xFFFFFFFFFFFFFFFFFF\n", "{\"A\": 4722366482869645213695}");
	reads_as(
		"A = 'x' \"y\"\nB = r'\\n'\nC = '''a\nb'''\nD = '\\x41\\u00e9\\101'\n",
		"{\"A\": \"xy\", \"B\": \"\\\\n\", \"C\": \"a\\nb\", \"D\": \"A\\u00e9A\"}");
	reads_as(
		"A = True\nB = None\nC = [1, 'a', [],]\nD = (1,)\nE = (1)\nF = 1, 2\nG = {}\n",
		"{\"A\": true, \"B\": null, \"C\": [1, \"a\", []], \"D\": [1], \"E\": 1, "
		"\"F\": [1, 2], \"G\": {}}");
	reads_as("A = {\n  'x': 1, # c\n  2: [3,\n 4]}\nB = {1, 1.0, 2}\nC = \\\n 5\n",
		 "{\"A\": {\"x\": 1, \"2\": [3, 4]}, \"B\": [1, 2], \"C\": 5}");
}

static void all_else_is_passed_over(void **state)
{
	(void)state;
	reads_as(
		"import os\nI = J = 5\nK, L = 1, 2\nA = B + 1\nC = [A]\nD = {**E}\nF = f'x'\n"
		"x: int\nG == 1\nH += 1\nM.n = 1\nN = 1j\nO = g()\nP = 1 if x else 2\n",
		"{}");
	reads_as("if True:\n    A = 1\nelse: B = 2\nfor x in y:\n  C = 1\nD = 4\n",
		 "{\"D\": 4}");
	reads_as("def f(x=1):\n    A = 1\n    self.B = 2\n\nC = 3\n", "{\"C\": 3}");
	reads_as("\"\"\"doc\nA = 1\n\"\"\"\nB = 2\r\nC = 3", "{\"B\": 2, \"C\": 3}");
}

static void classes_are_maps(void **state)
{
	(void)state;
	reads_as("class A:\n    x = 1\n    class B(C):\n        y = 2\n"
		 "    def __init__(self, a):\n        self.z = 3\n        w = 4\n"
		 "        self.v = a\n    def f(self):\n        self.u = 5\n"
		 "class D: x = 1\nE = 1\n",
		 "{\"A\": {\"x\": 1, \"B\": {\"y\": 2}, \"z\": 3}, \"D\": {\"x\": 1}, "
		 "\"E\": 1}");
}

static void text_that_cannot_be_python_is_refused(void **state)
{
	(void)state;
	refuses("A = 1\nB = [1\n", "f:2: a bracket does not close");
	refuses("A = 1]\n", "f:1: a bracket does not match");
	refuses("A = 'x\n", "f:1: a string does not end");
	refuses("A = 1\n  B = 2\n", "f:2: unexpected indent");
	refuses("class A:\nx = 1\n", "f:2: expected an indented block");
	refuses("if x:\n    a\n  b\n", "f:3: unexpected indent");
	refuses("class A:\n", "f:2: expected an indented block");
	refuses("A = '\xff'\n", "f:1: is not valid utf-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_are_read),
		cmocka_unit_test(all_else_is_passed_over),
		cmocka_unit_test(classes_are_maps),
		cmocka_unit_test(text_that_cannot_be_python_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
