#include "store/base/compiler.h"
#include "store/odb/oid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_digest_is_exactly_32_lower_case_digits(void **state)
{
	static const char *const bad[] = {
		"",
		"5d41402abc4b2a76b9719d911017c59",
		"5d41402abc4b2a76b9719d911017c5922",
		"5D41402abc4b2a76b9719d911017c592",
		"5d41402abc4b2a76b9719d911017c59g",
		"5d41402abc4b2a76b9719d911017c592.DIR",
		"5d41402abc4b2a76b9719d911017c592.dir.dir",
		"5d41402abc4b2a76b9719d911017c592.",
		".dir",
		" 5d41402abc4b2a76b9719d911017c59",
	};
	struct oid oid = {.algo = OID_LEGACY};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(oid_parse(slice_of(bad[i]), OID_MD5, &oid));
	assert_int_equal(oid.algo, OID_LEGACY); /* written only on success */
	assert_true(
		oid_parse(SLICE_LIT("5d41402abc4b2a76b9719d911017c592"), OID_MD5, &oid));
	assert_int_equal(oid.b[0], 0x5d);
	assert_int_equal(oid.b[15], 0x92);
	assert_false(oid.is_dir);
}

static void text_and_paths_are_those_of_dvc(void **state)
{
	char text[OID_TEXT_MAX], path[OID_PATH_MAX];
	struct oid oid;

	(void)state;
	assert_true(oid_parse(SLICE_LIT("d751713988987e9331980363e24189ce.dir"), OID_MD5,
			      &oid));
	assert_true(oid.is_dir);
	assert_string_equal(oid_text(&oid, text), "d751713988987e9331980363e24189ce.dir");
	assert_string_equal(oid_path(&oid, path),
			    "files/md5/d7/51713988987e9331980363e24189ce.dir");
	oid.algo = OID_LEGACY;
	oid.is_dir = false;
	assert_string_equal(oid_path(&oid, path), "d7/51713988987e9331980363e24189ce");
}

static void equality_is_of_bytes_kind_and_directory(void **state)
{
	struct oid a = {.b = {1}, .algo = OID_MD5}, b = a;

	(void)state;
	assert_true(oid_eq(&a, &b));
	assert_int_equal(oid_cmp(&a, &b), 0);
	b.is_dir = true;
	assert_false(oid_eq(&a, &b));
	assert_true(oid_cmp(&a, &b) < 0);
	b = a;
	b.algo = OID_LEGACY;
	assert_false(oid_eq(&a, &b));
	b.b[0] = 0;
	assert_true(oid_cmp(&a, &b) > 0); /* bytes first */
	assert_false(oid_known(&(struct oid){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_is_exactly_32_lower_case_digits),
		cmocka_unit_test(text_and_paths_are_those_of_dvc),
		cmocka_unit_test(equality_is_of_bytes_kind_and_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
