#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/err.h"
#include "store/fmt/awsini.h"

static void profiles_and_blocks_are_found(void **state)
{
	struct awsini ini;

	(void)state;
	assert_int_equal(
		awsini_read(
			&ini,
			SLICE_LIT("\xEF\xBB\xBF# c\r\n[default]\r\nREGION=eu-1 # here\r\n"
				  "secret = a#b=c;d\n; c\n[profile  'my x']\ns3 =\n"
				  "  addressing_style = path\n\tmax = 3\nregion = r\n"
				  "[default]\nregion = later\n[empty]\n"),
			"f", NULL),
		0);
	assert_string_equal(awsini_get(&ini, "default", "region"), "later");
	assert_string_equal(awsini_get(&ini, "default", "secret"), "a#b=c;d");
	assert_string_equal(awsini_get(&ini, "profile my x", "s3.addressing_style"),
			    "path");
	assert_string_equal(awsini_get(&ini, "profile my x", "s3.max"), "3");
	assert_string_equal(awsini_get(&ini, "profile my x", "region"), "r");
	assert_null(awsini_get(&ini, "default", "s3.max"));
	assert_true(awsini_has_section(&ini, "empty"));
	assert_false(awsini_has_section(&ini, "my x"));
	awsini_release(&ini);
}

static void errors_name_the_line_and_never_its_text(void **state)
{
	struct awsini ini;
	struct err e = {0};

	(void)state;
	assert_int_equal(awsini_read(&ini, SLICE_LIT("[a]\nSECRET\n"), "f", &e),
			 ERR_CONFIG);
	assert_string_equal(e.text, "f:2: neither a section nor 'key = value'");
	assert_int_equal(awsini_read(&ini, SLICE_LIT("[a\n"), "f", &e), ERR_CONFIG);
	assert_string_equal(e.text, "f:1: the section's ']' is missing");
	assert_int_equal(awsini_read(&ini, SLICE_LIT("[a]\n= x\n"), "f", &e), ERR_CONFIG);
	assert_int_equal(ini.nr, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_and_blocks_are_found),
		cmocka_unit_test(errors_name_the_line_and_never_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
