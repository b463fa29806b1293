#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/hash/hash.h"
#include "store/odb/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE "c4ca4238a0b923820dcc509a6f75849b"
#define TWO "c81e728d9d4c2f636f067f89cc14862c"

static struct oid oid_of(const char *text)
{
	struct oid oid = {.algo = OID_MD5};

	hash_md5(text, strlen(text), oid.b);
	return oid;
}

static void check_bytes(const struct manifest *m, const char *json, const char *name)
{
	char text[OID_TEXT_MAX];
	struct buf b = {0};
	struct oid oid;

	assert_int_equal(manifest_write(m, &b, NULL), 0);
	if (json)
		assert_string_equal(buf_str(&b), json);
	assert_int_equal(manifest_oid(m, OID_MD5, &oid, NULL), 0);
	assert_string_equal(oid_text(&oid, text), name);
	buf_release(&b);
}

static void the_bytes_are_those_of_dvc(void **state)
{
	struct manifest m = {0};
	struct oid a = oid_of("1"), b = oid_of("2");

	(void)state;
	check_bytes(&m, "[]", "d751713988987e9331980363e24189ce.dir");
	manifest_add(&m, "sub/b", &b, 1);
	manifest_add(&m, "a", &a, 1);
	manifest_sort(&m);
	check_bytes(&m,
		    "[{\"md5\": \"" ONE "\", \"relpath\": \"a\"}, "
		    "{\"md5\": \"" TWO "\", \"relpath\": \"sub/b\"}]",
		    "b5f318018530f1e739dbb25def02de19.dir");
	manifest_release(&m);
	manifest_release(&m);
}

static void normal_forms_are_two_files(void **state)
{
	struct manifest m = {0};
	struct oid a = oid_of("a"), b = oid_of("b");

	(void)state;
	manifest_add(&m, "\xc3\xa9", &b, 1);
	manifest_add(&m, "e\xcc\x81", &a, 1);
	manifest_sort(&m);
	check_bytes(&m,
		    "[{\"md5\": \"0cc175b9c0f1b6a831c399e269772661\", \"relpath\": "
		    "\"e\\u0301\"}, {\"md5\": \"92eb5ffee6ae2fec3ad71c777531578f\", "
		    "\"relpath\": \"\\u00e9\"}]",
		    "8c3acff546a172e069b279c1495d21d9.dir");
	manifest_release(&m);
}

static void odd_characters_go_out_and_come_back(void **state)
{
	static const char name[] = "q\"b\\s/\n\r\t\f\b\x01\x7f "
				   "\xc2\x80\xef\xbf\xbf\xf0\x9f\x98\x80";
	struct manifest m = {0}, back = {0};
	struct oid a = oid_of("1");
	struct buf b = {0};

	(void)state;
	manifest_add(&m, name, &a, -1);
	assert_int_equal(manifest_write(&m, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "[{\"md5\": \"" ONE "\", \"relpath\": "
					 "\"q\\\"b\\\\s/\\n\\r\\t\\f\\b\\u0001\\u007f "
					 "\\u0080\\uffff\\ud83d\\ude00\"}]");
	assert_int_equal(manifest_parse(buf_slice(&b), OID_LEGACY, &back, NULL), 0);
	assert_string_equal(back.v[0].path, name);
	assert_int_equal(back.v[0].path_n, strlen(name));
	assert_int_equal(back.v[0].oid.algo, OID_LEGACY);
	manifest_release(&m);
	manifest_release(&back);
	buf_release(&b);
}

static void a_name_that_is_no_utf8_is_refused(void **state)
{
	struct manifest m = {0};
	struct oid a = oid_of("1"), oid = {0};
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	manifest_add(&m, "bad\xff", &a, 1);
	assert_int_equal(manifest_write(&m, &b, &e), ERR_INVALID);
	assert_int_equal(b.n, 0);
	assert_int_equal(manifest_oid(&m, OID_MD5, &oid, &e), ERR_INVALID);
	assert_false(oid_known(&oid));
	manifest_release(&m);
	buf_release(&b);
}

static void any_spelling_is_read(void **state)
{
	static const char json[] =
		" [ {\"size\": 7,\"relpath\" :\"b\\u002fc\",\n\t\"meta\":{\"x\":[1,-2.5e3,"
		"{\"y\":null}],\"t\":true,\"n\":NaN,\"i\":-Infinity,\"e\":[],\"o\":{}},"
		"\"md5\":\"" TWO "\"},\r\n"
		"{\"md5\":\"" ONE "\",\"relpath\":\"a\"} ] \n";
	struct manifest m = {0};
	struct err e = {0};

	(void)state;
	if (manifest_parse(SLICE_LIT(json), OID_MD5, &m, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(m.nr, 2);
	assert_string_equal(m.v[0].path, "a");
	assert_int_equal(m.v[0].size, -1);
	assert_string_equal(m.v[1].path, "b/c");
	assert_int_equal(m.v[1].size, 7);
	assert_ptr_equal(manifest_find(&m, SLICE_LIT("b/c")), &m.v[1]);
	assert_null(manifest_find(&m, SLICE_LIT("b")));
	manifest_release(&m);
}

#define ENTRY(path) "{\"md5\": \"" ONE "\", \"relpath\": \"" path "\"}"

static void what_is_no_manifest_is_refused(void **state)
{
	static const struct {
		const char *json;
		int code;
		const char *says;
	} bad[] = {
		{"", ERR_CORRUPT, "entry 0"},
		{"{}", ERR_CORRUPT, "entry 0"},
		{"null", ERR_CORRUPT, "entry 0"},
		{"[", ERR_CORRUPT, "entry 0"},
		{"[1]", ERR_CORRUPT, "entry 0"},
		{"[{}]", ERR_CORRUPT, "no 'relpath'"},
		{"[] x", ERR_CORRUPT, "behind"},
		{"[" ENTRY("a") ",]", ERR_CORRUPT, "entry 1"},
		{"[" ENTRY("a") " " ENTRY("b") "]", ERR_CORRUPT, "entry 1"},
		{"[" ENTRY("a") ", " ENTRY("a") "]", ERR_CORRUPT,
		 "entry 1: 'a' is listed"},
		{"[" ENTRY("b") ", " ENTRY("a") ", " ENTRY("b") "]", ERR_CORRUPT,
		 "entry 2: 'b' is listed"},
		{"[" ENTRY("a") ", " ENTRY("a-b") ", " ENTRY("a/b/c") "]", ERR_CORRUPT,
		 "entry 2: 'a/b/c' lies below 'a'"},
		{"[" ENTRY("a/b/c") ", " ENTRY("a/b") "]", ERR_CORRUPT, "below 'a/b'"},
		{"[" ENTRY("") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("/etc/passwd") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("../x") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("a/../x") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("a//x") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("./x") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("x/") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY(".git/hooks/x") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("a/.dvc/config") "]", ERR_CORRUPT, "entry 0"},
		{"[" ENTRY("a\\u0000b") "]", ERR_CORRUPT, "NUL"},
		{"[" ENTRY("a\xff") "]", ERR_CORRUPT, "UTF-8"},
		{"[" ENTRY("a\\ud800") "]", ERR_CORRUPT, "surrogate"},
		{"[" ENTRY("a\\ud800\\u0041") "]", ERR_CORRUPT, "surrogate"},
		{"[" ENTRY("a\\x41") "]", ERR_CORRUPT, "escape"},
		{"[" ENTRY("a\\u12") "]", ERR_CORRUPT, "digits"},
		{"[" ENTRY("a\nb") "]", ERR_CORRUPT, "control"},
		{"[{\"relpath\": \"a\"}]", ERR_CORRUPT, "no 'md5'"},
		{"[{\"relpath\": \"a\", \"md5\": \"" ONE ".dir\"}]", ERR_CORRUPT,
		 "digest"},
		{"[{\"relpath\": \"a\", \"md5\": \"C4CA4238A0B923820DCC509A6F75849B\"}]",
		 ERR_CORRUPT, "digest"},
		{"[{\"relpath\": \"a\", \"md5\": 5}]", ERR_CORRUPT, "text"},
		{"[{\"relpath\": \"a\", \"etag\": \"x\"}]", ERR_UNSUPPORTED, "etag"},
		{"[{\"relpath\": \"a\", \"x\": nul}]", ERR_CORRUPT, "value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct manifest m = {0};
		struct err e = {0};
		int r = manifest_parse(slice_of(bad[i].json), OID_MD5, &m, &e);

		if (r != bad[i].code || !strstr(e.text, bad[i].says))
			fail_msg("%s: %d, %s", bad[i].json, r, e.text);
		assert_int_equal(m.nr, 0);
	}
}

static void depth_is_bounded(void **state)
{
	struct manifest m = {0};
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	buf_adds(&b, "[{\"x\": ");
	buf_fill(&b, '[', 100000);
	assert_int_equal(manifest_parse(buf_slice(&b), OID_MD5, &m, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.text, "deep"));
	buf_release(&b);
}

/* Nothing is read past the end: ASan watches an exact copy of each prefix. */
static void every_prefix_is_refused_in_peace(void **state)
{
	static const char json[] = "[{\"size\": 12, \"relpath\": \"\\ud83d\\ude00\", "
				   "\"x\": {\"y\": [-1.5]}, \"md5\": \"" ONE "\"}]";

	(void)state;
	for (size_t n = 0; n < sizeof(json) - 1; n++) {
		struct manifest m = {0};
		char *p = malloc(n ? n : 1);

		memcpy(p, json, n);
		assert_int_equal(manifest_parse((struct slice){p, n}, OID_MD5, &m, NULL),
				 ERR_CORRUPT);
		free(p);
	}
}

static void a_large_one_has_the_digest_of_its_bytes(void **state)
{
	struct manifest m = {0}, back = {0};
	struct oid oid, want = {.algo = OID_MD5, .is_dir = true};
	struct buf b = {0};
	char name[32];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct oid each;

		snprintf(name, sizeof(name), "d%d/f%d", i % 100, i);
		each = oid_of(name);
		manifest_add(&m, name, &each, i);
	}
	manifest_sort(&m);
	assert_int_equal(manifest_write(&m, &b, NULL), 0);
	hash_md5(b.p, b.n, want.b);
	assert_int_equal(manifest_oid(&m, OID_MD5, &oid, NULL), 0);
	assert_true(oid_eq(&oid, &want));
	assert_int_equal(manifest_parse(buf_slice(&b), OID_MD5, &back, NULL), 0);
	assert_int_equal(back.nr, m.nr);
	for (size_t i = 0; i < m.nr; i++) {
		assert_string_equal(m.v[i].path, back.v[i].path);
		assert_true(oid_eq(&m.v[i].oid, &back.v[i].oid));
		assert_ptr_equal(manifest_find(&back, slice_of(m.v[i].path)), &back.v[i]);
	}
	manifest_release(&m);
	manifest_release(&back);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_those_of_dvc),
		cmocka_unit_test(normal_forms_are_two_files),
		cmocka_unit_test(odd_characters_go_out_and_come_back),
		cmocka_unit_test(a_name_that_is_no_utf8_is_refused),
		cmocka_unit_test(any_spelling_is_read),
		cmocka_unit_test(what_is_no_manifest_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(every_prefix_is_refused_in_peace),
		cmocka_unit_test(a_large_one_has_the_digest_of_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
