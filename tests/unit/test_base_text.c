/* Text, numbers, paths and time of store/base. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/path.h"
#include "store/base/slice.h"
#include "store/base/text.h"
#include "store/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>

static void a_story_reads_outermost_first(void **state)
{
	struct err e = {0};
	char text[256];

	(void)state;
	assert_int_equal(err_set(&e, ERR_CORRUPT, "'%s': wrong", "x"), ERR_CORRUPT);
	assert_int_equal(err_ctx(&e, ERR_IO, "reading"), ERR_IO);
	assert_int_equal(err_ctx(&e, ERR_IO, "add"), ERR_IO);
	err_format(&e, text, sizeof(text));
	assert_string_equal(text, "add: reading: 'x': wrong");
	assert_int_equal(e.code, ERR_IO);
	err_format(&e, text, 8);
	assert_string_equal(text, "add: re");
	err_clear(&e);
	err_format(&e, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

static void a_long_story_is_cut_at_a_character(void **state)
{
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	while (b.n < 2 * sizeof(e.text))
		buf_adds(&b, "\xc3\xa4"); /* a umlaut */
	err_set(&e, ERR_IO, "x%s", buf_str(&b));
	assert_true(e.len < sizeof(e.text));
	assert_true(e.len > sizeof(e.text) - 4);
	assert_true(utf8_valid(e.text, e.len));
	/* No room is left: a context changes the code only. */
	assert_int_equal(err_ctx(&e, ERR_NET, "more"), ERR_NET);
	assert_true(e.len < sizeof(e.text));
	buf_release(&b);
}

static void errno_becomes_the_code_that_callers_branch_on(void **state)
{
	struct err e = {0};

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open", "f"), ERR_NOTFOUND);
	assert_int_equal(e.sys, ENOENT);
	assert_non_null(strstr(e.text, "'f': open: "));
	errno = EEXIST;
	assert_int_equal(err_sys(&e, "link", NULL), ERR_EXISTS);
	errno = ENOSPC;
	assert_int_equal(err_sys(&e, "write", "f"), ERR_IO);
	assert_int_equal(e.sys, ENOSPC);
	assert_int_equal(errno, ENOSPC);
}

static void every_code_has_a_name_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(err_code_name(0), "ok");
	for (int a = ERR_CONFLICT; a < 0; a++) {
		assert_string_not_equal(err_code_name(a), "unknown");
		for (int b = a + 1; b <= 0; b++)
			assert_string_not_equal(err_code_name(a), err_code_name(b));
	}
	assert_string_equal(err_code_name(ERR_CONFLICT - 1), "unknown");
	assert_string_equal(err_code_name(1), "unknown");
}

static void a_buffer_grows_cuts_and_splices(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_addf(&b, "%s-%d", "abc", 7);
	assert_string_equal(buf_str(&b), "abc-7");
	buf_splice(&b, 1, 2, "XYZ", 3);
	assert_string_equal(buf_str(&b), "aXYZ-7");
	buf_splice(&b, 0, 1, NULL, 0);
	assert_string_equal(buf_str(&b), "XYZ-7");
	buf_splice(&b, b.n, 0, "!", 1);
	assert_string_equal(buf_str(&b), "XYZ-7!");
	buf_cut(&b, 3);
	assert_string_equal(buf_str(&b), "XYZ");
	buf_reset(&b);
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%0300d", i);
	assert_int_equal(b.n, 300000);
	buf_release(&b);
	buf_release(&b);
	buf_release(NULL);
}

static void a_limited_buffer_keeps_what_fits(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_limit(&b, 5);
	buf_adds(&b, "abc");
	assert_false(buf_overflowed(&b));
	buf_adds(&b, "defg");
	assert_true(buf_overflowed(&b));
	assert_string_equal(buf_str(&b), "abcde");
	buf_addc(&b, 'x');
	assert_string_equal(buf_str(&b), "abcde");
	buf_release(&b);
}

static void utf8_is_decoded_strictly(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xc3",
		"\xe2\x82",
		"\xff",
	};
	uint32_t code;
	char out[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &code), 0);
	/* Every code point comes back as it went. */
	for (uint32_t c = 0; c <= 0x110000; c++) {
		unsigned n = utf8_encode(c, out);

		if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(utf8_decode(out, n, &code), n);
		assert_int_equal(code, c);
		assert_int_equal(utf8_decode(out, n - 1, &code), 0);
	}
}

static void a_cut_never_splits_a_character(void **state)
{
	const char *text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};

	(void)state;
	for (size_t n = 0; n <= 11; n++)
		assert_int_equal(utf8_cut(text, n), want[n]);
	assert_int_equal(utf8_count(text, strlen(text)), 5);
}

static void numbers_are_whole_or_nothing(void **state)
{
	uint64_t u = 7;
	int64_t i = 7;
	double d = 7;

	(void)state;
	assert_true(parse_u64(SLICE_LIT("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	u = 7;
	assert_false(parse_u64(SLICE_LIT("18446744073709551616"), &u));
	assert_false(parse_u64(SLICE_LIT(""), &u));
	assert_false(parse_u64(SLICE_LIT("-1"), &u));
	assert_false(parse_u64(SLICE_LIT("1 "), &u));
	assert_int_equal(u, 7);
	assert_true(parse_i64(SLICE_LIT("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_true(parse_i64(SLICE_LIT("+5"), &i));
	assert_int_equal(i, 5);
	assert_false(parse_i64(SLICE_LIT("9223372036854775808"), &i));
	assert_false(parse_i64(SLICE_LIT("-"), &i));
	assert_true(parse_double(SLICE_LIT("1e-3"), &d));
	assert_true(fabs(d - 0.001) < 1e-18);
	assert_false(parse_double(SLICE_LIT("1,5"), &d));
	assert_false(parse_double(SLICE_LIT(" 1"), &d));
	assert_true(parse_bytes(SLICE_LIT("8MB"), &u));
	assert_int_equal(u, 8 << 20);
	assert_true(parse_bytes(SLICE_LIT("1GiB"), &u));
	assert_int_equal(u, 1 << 30);
	assert_true(parse_bytes(SLICE_LIT("64k"), &u));
	assert_int_equal(u, 65536);
	assert_false(parse_bytes(SLICE_LIT("99999999999P"), &u));
	assert_false(parse_bytes(SLICE_LIT("K"), &u));
	assert_int_equal(parse_hex_digit('F'), 15);
	assert_int_equal(parse_hex_digit('g'), -1);
}

static void check_path(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

static void paths_are_joined_and_normal(void **state)
{
	(void)state;
	check_path(path_join("a", "b"), "a/b");
	check_path(path_join("a/", "b"), "a/b");
	check_path(path_join("", "b"), "b");
	check_path(path_join("a", "/b"), "/b");
	check_path(path_normal("a//b/./c/"), "a/b/c");
	check_path(path_normal("a/b/../c"), "a/c");
	check_path(path_normal("a/.."), ".");
	check_path(path_normal("../../a/.."), "../..");
	check_path(path_normal("/../a"), "/a");
	check_path(path_normal("/"), "/");
	check_path(path_normal(""), ".");
	check_path(path_absolute("/w", "../x"), "/x");
	check_path(path_relative("/a/b", "/a/b/c/d"), "c/d");
	check_path(path_relative("/a/b", "/a/c"), "../c");
	check_path(path_relative("/a/b", "/a/b"), ".");
	check_path(path_relative("/a/bc", "/a/b"), "../b");
	check_path(path_relative("/", "/a"), "a");
	check_path(path_relative("/a/b", "/"), "../..");
}

static void the_last_component_ignores_slashes_behind_it(void **state)
{
	struct slice s;

	(void)state;
	s = path_base("a/b//");
	assert_true(slice_is(s, "b"));
	s = path_dir("a/b//");
	assert_true(slice_is(s, "a"));
	s = path_dir("a");
	assert_true(slice_is(s, "."));
	s = path_dir("/a");
	assert_true(slice_is(s, "/"));
	s = path_base("/");
	assert_int_equal(s.n, 0);
}

static void within_is_by_component(void **state)
{
	(void)state;
	assert_true(path_within("a/b", "a"));
	assert_true(path_within("a", "a"));
	assert_false(path_within("ab", "a"));
	assert_false(path_within("a", "a/b"));
	assert_true(path_within("/a/b", "/a/"));
	assert_true(path_within("/a", "/"));
	assert_true(path_within("x", "."));
	assert_false(path_within("../x", "."));
	assert_false(path_within("/x", "."));
}

static void a_tracked_path_stays_inside(void **state)
{
	static const char *const bad[] = {
		"",	  "/a",	    "..",     "a/../b", "a//b",	  "./a",      "a/.",
		".git/x", "a/.git", ".GIT/x", "a/.Git", ".dvc/x", "a/.dvc/b", "a/"};
	static const char *const good[] = {"a",	  "a/b",	"..a",
					   "a..", "...",	".gitignore",
					   "git", ".dvcignore", "a\nb"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(path_check_tracked(bad[i], NULL), ERR_INVALID);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(path_check_tracked(good[i], NULL), 0);
}

static void check_text(void (*fn)(struct buf *, struct slice), const char *in,
		       const char *want)
{
	struct buf b = {0};

	fn(&b, slice_of(in));
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void what_reaches_a_terminal_is_escaped(void **state)
{
	(void)state;
	check_text(text_escape, "plain \xc3\xa4 \\", "plain \xc3\xa4 \\");
	check_text(text_escape, "a\nb\tc\rd", "a\\nb\\tc\\rd");
	check_text(text_escape, "\x1b[31m\x7f", "\\x1b[31m\\x7f");
	check_text(text_escape, "\xc2\x9b", "\\xc2\\x9b"); /* a C1 control */
	check_text(text_escape, "\xff\xfe", "\\xff\\xfe");
}

static void shell_words_are_quoted_as_python_does(void **state)
{
	(void)state;
	check_text(text_shell_quote, "", "''");
	check_text(text_shell_quote, "a/b-c_d.e@f%g+h=i:j,k", "a/b-c_d.e@f%g+h=i:j,k");
	check_text(text_shell_quote, "a b", "'a b'");
	check_text(text_shell_quote, "it's", "'it'\"'\"'s'");
}

static void sizes_have_three_digits(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} cases[] = {
		{0, "0 B"},
		{999, "999 B"},
		{1000, "1.00 kB"},
		{9994, "9.99 kB"},
		{9996, "10.0 kB"},
		{99960, "100 kB"},
		{999499, "999 kB"},
		{999500, "1.00 MB"},
		{1500000000, "1.50 GB"},
		{UINT64_MAX, "18.4 EB"},
	};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_reset(&b);
		text_bytes(&b, cases[i].n);
		assert_string_equal(buf_str(&b), cases[i].want);
	}
	buf_reset(&b);
	text_duration(&b, 59);
	text_duration(&b, 3723);
	assert_string_equal(buf_str(&b), "0:591:02:03");
	buf_release(&b);
}

static void the_nearest_name_is_a_slip_away(void **state)
{
	static const char *const names[] = {"push", "pull", "status", "checkout", NULL};

	(void)state;
	assert_string_equal(text_nearest("psuh", names), "push");
	assert_string_equal(text_nearest("statsu", names), "status");
	assert_string_equal(text_nearest("chekout", names), "checkout");
	assert_null(text_nearest("frobnicate", names));
}

static void times_are_read_in_every_dress(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} good[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"1994-11-06T08:49:37Z", 784111777},
		{"1994-11-06T08:49:37.000Z", 784111777},
		{"1994-11-06T10:49:37+02:00", 784111777},
		{"1994-11-06T07:49:37-0100", 784111777},
		{"1970-01-01", 0},
		{"2000-02-29T00:00:00Z", 951782400},
		{"1969-12-31T23:59:59Z", -1},
	};
	static const char *const bad[] = {"",
					  "x",
					  "1994-13-01",
					  "1994-11-06T25:00:00Z",
					  "Sun, 06 Nox 1994 08:49:37 GMT",
					  "1994-11-06T08:49:37X"};
	int64_t ns;
	char iso[21], basic[17];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(clock_parse(good[i].text, strlen(good[i].text), &ns));
		assert_int_equal(ns, good[i].s * 1000000000);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(clock_parse(bad[i], strlen(bad[i]), &ns));
	clock_format_iso(INT64_C(784111777) * 1000000000, iso);
	assert_string_equal(iso, "1994-11-06T08:49:37Z");
	clock_format_basic(INT64_C(784111777) * 1000000000, basic);
	assert_string_equal(basic, "19941106T084937Z");
}

static void a_slice_is_cut_piece_by_piece(void **state)
{
	struct slice rest = SLICE_LIT("a,,b"), piece;

	(void)state;
	piece = slice_cut(&rest, ',');
	assert_true(slice_is(piece, "a"));
	piece = slice_cut(&rest, ',');
	assert_true(slice_is(piece, ""));
	piece = slice_cut(&rest, ',');
	assert_true(slice_is(piece, "b"));
	assert_null(rest.p);
	assert_true(slice_cmp(SLICE_LIT("a"), SLICE_LIT("ab")) < 0);
	assert_true(slice_cmp(SLICE_LIT("b"), SLICE_LIT("ab")) > 0);
	piece = slice_trim(SLICE_LIT(" \t x \r\n"));
	assert_true(slice_is(piece, "x"));
	assert_true(slice_starts(SLICE_LIT("abc"), "ab"));
	assert_false(slice_ends(SLICE_LIT("abc"), "ab"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_story_reads_outermost_first),
		cmocka_unit_test(a_long_story_is_cut_at_a_character),
		cmocka_unit_test(errno_becomes_the_code_that_callers_branch_on),
		cmocka_unit_test(every_code_has_a_name_of_its_own),
		cmocka_unit_test(a_buffer_grows_cuts_and_splices),
		cmocka_unit_test(a_limited_buffer_keeps_what_fits),
		cmocka_unit_test(utf8_is_decoded_strictly),
		cmocka_unit_test(a_cut_never_splits_a_character),
		cmocka_unit_test(numbers_are_whole_or_nothing),
		cmocka_unit_test(paths_are_joined_and_normal),
		cmocka_unit_test(the_last_component_ignores_slashes_behind_it),
		cmocka_unit_test(within_is_by_component),
		cmocka_unit_test(a_tracked_path_stays_inside),
		cmocka_unit_test(what_reaches_a_terminal_is_escaped),
		cmocka_unit_test(shell_words_are_quoted_as_python_does),
		cmocka_unit_test(sizes_have_three_digits),
		cmocka_unit_test(the_nearest_name_is_a_slip_away),
		cmocka_unit_test(times_are_read_in_every_dress),
		cmocka_unit_test(a_slice_is_cut_piece_by_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
