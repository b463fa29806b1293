#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"

/* old edited to read as the YAML text want gives exactly the text out. */
static void turns(const char *old, const char *want, const char *out)
{
	struct arena a = {0};
	struct buf b = {0};
	struct value *v;
	struct err e = {0};

	assert_int_equal(yaml_read(slice_of(want), "want", &a, &v, &e), 0);
	if (yaml_update(slice_of(old), "f", value_copy(&a, v), &b, &e) < 0)
		fail_msg("%s\nto\n%s\n%s", old, want, e.text);
	if (strcmp(buf_str(&b), out) != 0)
		fail_msg("%s\nto\n%s\ngave\n%s\nnot\n%s", old, want, buf_str(&b), out);
	buf_release(&b);
	arena_release(&a);
}

static void an_equal_tree_touches_no_byte(void **state)
{
	static const char text[] =
		"# top\na:   1 # x\n\nb:\n    - 'q'\n    - {x: 1}\n# end\n";

	(void)state;
	turns(text, "b: [q, {x: 1}]\na: 1\n", text);
	turns("\xEF\xBB\xBF"
	      "a: 1\r\nb: 2",
	      "{a: 1, b: 2}", "a: 1\nb: 2\n");
}

static void scalars_are_replaced_where_they_stand(void **state)
{
	(void)state;
	turns("outs:\n- md5: aaa # old\n  size: 5\n  path: f\n",
	      "outs:\n- md5: bbb\n  size: 6\n  path: f\n",
	      "outs:\n- md5: bbb # old\n  size: 6\n  path: f\n");
	turns("a:   1  # c\n", "a: true\n", "a:   true  # c\n");
	turns("a:\n", "a: x\n", "a: x\n");
	turns("a: x\n", "a:\n", "a:\n");
	turns("a: # c\n", "a: 1\n", "a: 1 # c\n");
	turns("- a\n- b # c\n", "[a, 7]", "- a\n- 7 # c\n");
	turns("a: |\n  x\n  y\nb: 1\n", "a: z\nb: 1\n", "a: z\nb: 1\n");
	turns("a: 1\n", "a: 1.0\n", "a: 1.0\n");
	turns("a: '1' # c\n", "a: '2'\n", "a: '2' # c\n");
}

static void keys_are_appended_and_deleted(void **state)
{
	(void)state;
	turns("a: 1\n# end\n", "a: 1\nb: {c: [1]}\n", "a: 1\nb:\n  c:\n  - 1\n# end\n");
	turns("a: 1\nb: 2 # gone\nc: 3\n", "a: 1\nc: 3\n", "a: 1\nc: 3\n");
	turns("outs:\n- md5: aaa\n  size: 1\n  path: f\n",
	      "outs:\n- path: f\n  size: 1\n", "outs:\n- size: 1\n  path: f\n");
	turns("outs:\n- md5: aaa\n  size: 1\n  path: f\n", "outs:\n- path: f\n",
	      "outs:\n- path: f\n");
	turns("outs:\n- path: f\n# c\n", "outs:\n- path: f\n  desc: x\n- path: g\nd: 1\n",
	      "outs:\n- path: f\n  desc: x\n- path: g\nd: 1\n# c\n");
	turns("a: {b: 1}\nc: 2\n", "a: {}\nc: 2\n", "a: {}\nc: 2\n");
	turns("a:\n  b: 1\nc: 2\n", "a: {}\nc: 2\n", "a: {}\nc: 2\n");
	turns("a: {}\n", "a: {b: 1}\n", "a:\n  b: 1\n");
	turns("a: 1\n", "b: 1\n", "b: 1\n");
}

static void list_items_are_inserted_and_deleted(void **state)
{
	(void)state;
	turns("d:\n- a # 1\n- b # 2\n- c # 3\n", "d: [a, c]", "d:\n- a # 1\n- c # 3\n");
	turns("d:\n  - a # 1\n  - c\n", "d: [a, b, c]", "d:\n  - a # 1\n  - b\n  - c\n");
	turns("d:\n- b\n", "d: [a, b]", "d:\n- a\n- b\n");
	turns("d:\n- a\nx: 1\n", "{d: [a, b, c], x: 1}", "d:\n- a\n- b\n- c\nx: 1\n");
	turns("d:\n- a\n", "d: []", "d: []\n");
	turns("d: []\n", "d: [a]", "d:\n- a\n");
	turns("d:\n- - a\n  - b\n", "d: [[a, c]]", "d:\n- - a\n  - c\n");
}

static void flow_containers_stay_flow(void **state)
{
	(void)state;
	turns("a: [1, 'x', {b: 2}] # c\n", "a: [1, y, {b: 3}]",
	      "a: [1, y, {b: 3}] # c\n");
	turns("a: [1, 2]\n", "a: [1, 2, 3]", "a: [1, 2, 3]\n");
	turns("a: {x: 1 }\n", "a: {x: 1, y: 'a, b'}", "a: {x: 1, y: 'a, b' }\n");
	turns("a: {x: 1, y: 2}\n", "a: {y: 2}", "a: {y: 2}\n");
}

static void aliases_and_merge_keys_are_left_alone(void **state)
{
	struct arena a = {0};
	struct buf b = {0};
	struct value *v;

	(void)state;
	turns("a: &x {p: 1}\nb: *x\nc: 1\n", "{a: {p: 1}, b: {p: 1}, c: 2}",
	      "a: &x {p: 1}\nb: *x\nc: 2\n");
	turns("a: &x {p: 1}\nb: *x\n", "{a: {p: 1}, b: {p: 2}}",
	      "a: &x {p: 1}\nb:\n  p: 2\n");
	turns("a: &x {p: 1}\nb:\n  <<: *x\n  q: 1\n", "{a: {p: 1}, b: {p: 2, q: 3}}",
	      "a: &x {p: 1}\nb:\n  <<: *x\n  q: 3\n  p: 2\n");
	assert_int_equal(yaml_read(SLICE_LIT("{a: 2, b: 1}"), NULL, &a, &v, NULL), 0);
	assert_int_equal(yaml_update(SLICE_LIT("a: &x 1\nb: *x\n"), "f", v, &b, NULL),
			 ERR_UNSUPPORTED);
	assert_int_equal(b.n, 0);
	arena_release(&a);
}

static void an_empty_document_is_written_afresh(void **state)
{
	(void)state;
	turns("", "a: 1\n", "a: 1\n");
	turns("# c", "a: 1\n", "# c\na: 1\n");
	turns("{}\n", "a: 1\n", "a: 1\n");
}

static void a_node_can_be_written_anew(void **state)
{
	struct arena a = {0};
	struct buf b = {0};
	struct value *v;

	(void)state;
	assert_int_equal(yaml_read(SLICE_LIT("{s: {x: {cmd: a, deps: [b]}, y: 1}}"), NULL,
				   &a, &v, NULL),
			 0);
	v->pairs[0].value->pairs[0].value->rewrite = true;
	assert_int_equal(
		yaml_update(SLICE_LIT("s:\n  x: {deps: [b], cmd: a} # c\n  y: 1 # d\n"),
			    NULL, v, &b, NULL),
		0);
	assert_string_equal(buf_str(&b), "s:\n  x:\n    cmd: a\n    deps:\n    - b # c\n"
					 "  y: 1 # d\n");
	buf_release(&b);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_equal_tree_touches_no_byte),
		cmocka_unit_test(scalars_are_replaced_where_they_stand),
		cmocka_unit_test(keys_are_appended_and_deleted),
		cmocka_unit_test(list_items_are_inserted_and_deleted),
		cmocka_unit_test(flow_containers_stay_flow),
		cmocka_unit_test(aliases_and_merge_keys_are_left_alone),
		cmocka_unit_test(an_empty_document_is_written_afresh),
		cmocka_unit_test(a_node_can_be_written_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
