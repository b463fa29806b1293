#include "data_fixture.h"

#include <math.h>

static void a_plain_table_is_read(void **state)
{
	const struct data_options o = {.target = "y"};
	struct table t = table_of("a,b,y,c\n1,2.5,0,x\n-3,,1,y\n4e2,NA,0,x\n", &o);

	(void)state;
	assert_int_equal(t.rows, 3);
	assert_int_equal(t.cols_nr, 3);
	assert_string_equal(t.cols[0].f.name, "a");
	assert_string_equal(t.cols[1].f.name, "b");
	assert_string_equal(t.cols[2].f.name, "c");
	NUMS(&t, 0, 1, -3, 400);
	NUMS(&t, 1, 2.5, MISS, MISS);
	assert_cats(&t, 2, "x|y|x");
	assert_int_equal(t.cols[0].f.kind, FEATURE_NUMERIC);
	assert_true(t.cols[0].f.integer);
	assert_false(t.cols[1].f.integer);
	assert_int_equal(t.cols[1].missing, 2);
	assert_string_equal(t.label_name, "y");
	assert_true(t.label[0] == 0 && t.label[1] == 1 && t.label[2] == 0);
	assert_null(t.classes);
	assert_null(t.weight);
	assert_null(t.key);
	assert_int_equal(t.cols[2].f.cat_rows[0], 2);
	table_release(&t);
	table_release(&t);
}

static void categories_go_by_count_then_bytes(void **state)
{
	const struct data_options o = {0};
	struct table t = table_of("c\nb\nz\na\nz\nb\n\xc3\xa9\n", &o);

	(void)state;
	assert_int_equal(t.cols[0].f.cats_nr, 4);
	assert_string_equal(t.cols[0].f.cats[0], "b");
	assert_string_equal(t.cols[0].f.cats[1], "z");
	assert_string_equal(t.cols[0].f.cats[2], "a");
	assert_string_equal(t.cols[0].f.cats[3], "\xc3\xa9");
	table_release(&t);
}

static void digests_are_of_the_bytes(void **state)
{
	const char *text = "a,b\n1,2\n";
	struct read_case c = {.p = text, .o = {.hash = true}};
	struct table t = {0};
	uint8_t md5[HASH_MD5_N], sha[HASH_SHA256_N];

	(void)state;
	assert_int_equal(read_bytes(&t, &c, NULL), 0);
	hash_md5(text, strlen(text), md5);
	hash_sha256(text, strlen(text), sha);
	assert_memory_equal(c.f.md5, md5, sizeof(md5));
	assert_memory_equal(c.f.sha256, sha, sizeof(sha));
	assert_int_equal(c.f.bytes, 8);
	assert_int_equal(c.f.rows, 1);
	table_release(&t);
}

static void a_late_name_makes_a_column_of_categories(void **state)
{
	size_t n = 0, cap = (size_t)12 << 20;
	char *text = malloc(cap);
	struct data_options o = {.hash = true};
	struct read_case c = {.o = o};
	struct err e = {0};

	(void)state;
	n += (size_t)snprintf(text, cap, "a,b,c\n");
	for (int i = 0; i < 600000; i++)
		n += (size_t)snprintf(text + n, cap - n, "%d,%03d,%d\n", i, i % 3,
				      i % 10);
	n += (size_t)snprintf(text + n, cap - n, "1,late,2\n");
	c.p = text;
	c.n = n;
	for (unsigned threads = 0; threads <= 3; threads += 3) {
		struct table t = {0};

		if (threads)
			assert_int_equal(team_new(&c.team, threads, NULL), 0);
		if (read_bytes(&t, &c, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(t.rows, 600001);
		assert_int_equal(t.cols[0].f.kind, FEATURE_NUMERIC);
		assert_int_equal(t.cols[1].f.kind, FEATURE_CATEGORICAL);
		assert_int_equal(t.cols[1].f.cats_nr, 4);
		assert_string_equal(t.cols[1].f.cats[0], "000");
		assert_string_equal(t.cols[1].f.cats[3], "late");
		assert_int_equal(t.cols[1].code[600000], 3);
		assert_int_equal(t.cols[1].code[5], 2);
		assert_int_equal(t.cols[1].missing, 0);
		assert_true(t.cols[0].num[599999] == 599999);
		table_release(&t);
		team_free(c.team);
		c.team = NULL;
	}
	free(text);
}

static void quotes_hold_anything(void **state)
{
	const struct data_options o = {0};
	struct table t = table_of("\"a \"\"x\"\"\",\"b,\n\"\r\n"
				  "\"one\",\" 2\"\n"
				  "\"two, \"\"2\"\"\",\"\"\r\n"
				  "\"line\nbreak\",5\"\n"
				  "5\" pipe,\"1e1\"",
				  &o);

	(void)state;
	assert_string_equal(t.cols[0].f.name, "a \"x\"");
	assert_string_equal(t.cols[1].f.name, "b,\n");
	assert_cats(&t, 0, "one|two, \"2\"|line\nbreak|5\" pipe");
	assert_cats(&t, 1, " 2|-|5\"|1e1");
	table_release(&t);
}

static void line_ends_and_blank_lines_do_not_matter(void **state)
{
	static const char *const same[] = {
		"a,b\n1,2\n3,4\n",
		"a,b\r\n1,2\r\n3,4\r\n",
		"a,b\n1,2\n3,4",
		"\n\r\na,b\n\n1,2\n\n\r\n3,4\n\n",
		"\xef\xbb\xbf"
		"a,b\n1,2\r\n3,4",
		"a,b\r\n1,\"2\"\r\n\"3\",\"4\"",
		"a,b\n 1 ,\t2\n3,4 \n",
		"a,b\n1.0,2e0\n+3,.4e1\n",
	};
	const struct data_options o = {0};
	uint64_t hash = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct table t = table_of(same[i], &o);

		assert_string_equal(t.cols[0].f.name, "a");
		NUMS(&t, 0, 1, 3);
		NUMS(&t, 1, 2, 4);
		if (i == 0)
			hash = t.hash;
		assert_true(t.hash == hash);
		table_release(&t);
	}
}

static void missing_values_have_markers(void **state)
{
	static const char *const mine[] = {"-999", "none"};
	struct data_options o = {0};
	struct table t =
		table_of("a,b\n,\nNA,NaN\nnan,null\n ?,\"\"\n1,x\n\"NA\", NA \n", &o);

	(void)state;
	NUMS(&t, 0, MISS, MISS, MISS, MISS, 1, MISS);
	assert_cats(&t, 1, "-|-|-|-|x|-");
	assert_int_equal(t.cols[1].missing, 5);
	table_release(&t);
	o.missing = mine;
	o.missing_nr = 2;
	t = table_of("a,b\n-999,none\nnone,NA\n-999.0,x\n", &o);
	NUMS(&t, 0, MISS, MISS, -999);
	assert_cats(&t, 1, "-|NA|x");
	table_release(&t);
}

static void odd_numbers_are_read(void **state)
{
	struct data_options o = {.allow_inf = true};
	struct table t = table_of("a,b,c\n-0,inf,16777217\n1e-50,-Infinity,16777216\n"
				  "12345678901234567890123,1e39,123456789.5\n",
				  &o);

	(void)state;
	assert_false(signbit(t.cols[0].num[0]));
	assert_true(t.cols[0].num[1] == 0 && t.cols[0].num[2] == 1.2345678901234568e22f);
	assert_true(isinf(t.cols[1].num[0]) && t.cols[1].num[1] == -INFINITY);
	assert_true(isinf(t.cols[1].num[2]));
	assert_int_equal(t.cols[2].merged, 2);
	assert_int_equal(t.cols[0].merged, 1);
	table_release(&t);
}

static void columns_are_chosen(void **state)
{
	static const char *const include[] = {"x*", "z"}, *const exclude[] = {"x2"};
	static const struct column_choice types[] = {
		{"x*", COLUMN_CAT},
		{"x1", COLUMN_NUM},
		{"t", COLUMN_TEXT},
		{"z", COLUMN_DROP},
	};
	struct data_options o = {.target = "y",
				 .target_classes = true,
				 .weight = "w",
				 .group = "q",
				 .key = "id",
				 .include = include,
				 .include_nr = 2,
				 .exclude = exclude,
				 .exclude_nr = 1,
				 .types = types,
				 .types_nr = 4};
	struct table t = table_of("id,x1,x2,x3,t,y,w,q,z,u\n"
				  "a,1,1,7,hello,no,1,5,1,1\n"
				  "b,2,1,8,,yes,2.5,5,1,1\n"
				  "a,3,1,7,hello,no,1,1,1,1\n",
				  &o);

	(void)state;
	assert_int_equal(t.cols_nr, 2);
	NUMS(&t, 0, 1, 2, 3);
	assert_cats(&t, 1, "7|8|7");
	assert_int_equal(t.text_nr, 1);
	assert_string_equal(t.text[0].name, "t");
	assert_string_equal(t.text[0].v[0], "hello");
	assert_null(t.text[0].v[1]);
	assert_int_equal(t.classes_nr, 2);
	assert_string_equal(t.classes[0], "no");
	assert_true(t.label[0] == 0 && t.label[1] == 1 && t.label[2] == 0);
	assert_true(t.weight[1] == 2.5);
	assert_true(t.group[0] == 0 && t.group[1] == 0 && t.group[2] == 1);
	assert_true(t.key[0] == t.key[2] && t.key[0] != t.key[1]);
	table_release(&t);
}

static void a_model_gets_its_columns(void **state)
{
	char a[] = "a", b[] = "b", x[] = "x", y[] = "y", no[] = "no", yes[] = "yes";
	char *cats[] = {x, y}, *classes[] = {no, yes};
	const struct feature want[] = {
		{.name = b, .kind = FEATURE_CATEGORICAL, .cats = cats, .cats_nr = 2},
		{.name = a, .kind = FEATURE_NUMERIC, .integer = true},
	};
	struct data_options o = {.features = want,
				 .features_nr = 2,
				 .target = "l",
				 .target_classes = true,
				 .target_optional = true,
				 .classes = classes,
				 .classes_nr = 2};
	struct table t = table_of("other,a,b,l\nz,1.5,y,yes\nz,2,new,maybe\nz,,,\n", &o);

	(void)state;
	assert_int_equal(t.cols_nr, 2);
	assert_cats(&t, 0, "y|+|-");
	NUMS(&t, 1, 1.5, 2, MISS);
	assert_true(t.cols[1].f.integer);
	assert_true(t.label[0] == 1 && isnan(t.label[1]) && isnan(t.label[2]));
	table_release(&t);
	t = table_of("b,a\nx,1\n", &o);
	assert_null(t.label);
	assert_cats(&t, 0, "x");
	table_release(&t);
	o.target_optional = false;
	fails((struct read_case){.p = "a,b,l\n1,x,no\n1,x,maybe\n", .o = o}, ERR_INVALID,
	      "'t.csv': row 2 (line 3), column 'l': 'maybe' is none of the model's classes");
	fails((struct read_case){.p = "a,bb,l\n1,x,no\n", .o = o}, ERR_INVALID,
	      "'t.csv': no column 'b', which the model needs");
}

static void without_a_header_columns_have_numbers(void **state)
{
	struct data_options o = {.no_header = true, .target = "f1"};
	struct read_case c = {.path = "t.tsv", .p = "1\t0\tx,y\n2\t1\tz\n", .o = o};
	struct table t = {0};

	(void)state;
	assert_int_equal(read_bytes(&t, &c, NULL), 0);
	assert_string_equal(t.cols[0].f.name, "f0");
	assert_string_equal(t.cols[1].f.name, "f2");
	assert_cats(&t, 1, "x,y|z");
	table_release(&t);
	o = (struct data_options){0};
	t = table_of(",b,\n1,2,3\n", &o); /* what has no name gets one */
	assert_string_equal(t.cols[0].f.name, "f0");
	assert_string_equal(t.cols[2].f.name, "f2");
	table_release(&t);
}

static void a_header_alone_is_a_table_of_no_rows(void **state)
{
	const struct data_options o = {.target = "b"};
	struct table t = table_of("a,b", &o);

	(void)state;
	assert_int_equal(t.rows, 0);
	assert_int_equal(t.cols_nr, 1);
	assert_non_null(t.cols[0].num);
	table_release(&t);
}

static void errors_say_where_and_what(void **state)
{
	const struct data_options none = {0}, y = {.target = "y"}, w = {.weight = "w"},
				  g = {.group = "q"}, h = {.no_header = true};
	static const struct column_choice num[] = {{"a", COLUMN_NUM}};
	const struct data_options typed = {.types = num, .types_nr = 1};
	static const char *const gone[] = {"colour"};
	const struct data_options ex = {.exclude = gone, .exclude_nr = 1},
				  in = {.include = gone, .include_nr = 1};
	const struct {
		const char *text, *story;
		const struct data_options *o;
		size_t n;
	} cases[] = {
		{"", "'t.csv' is empty", &none, 0},
		{"\n\r\n", "'t.csv' is empty", &none, 0},
		{"\xff\xfe"
		 "a",
		 "'t.csv' is UTF-16; only UTF-8 is read", &none, 0},
		{"a,b\n1,2\n3\n",
		 "'t.csv': row 2 (line 3): 1 field, but there are 2 columns", &none, 0},
		{"a,b\n1,2,\n",
		 "'t.csv': row 1 (line 2): 3 fields, but there are 2 columns", &none, 0},
		{"1,2\n1,2\n3,4,5\n", "'t.csv': row 3: 3 fields, but there are 2 columns",
		 &h, 0},
		/* A row that lacks a field says so, not what its shifted fields are. */
		{"a,b,c\nx,1,2\n",
		 "'t.csv': row 1 (line 2), column 'a': 'x' is no number", &typed, 0},
		{"a,b,c\nx,1\n",
		 "'t.csv': row 1 (line 2): 2 fields, but there are 3 columns", &typed, 0},
		{"a,y\n\"1\n\n2\",1\n\n1,\n",
		 "'t.csv': row 2 (line 6), column 'y': the value is missing", &y, 0},
		{"a,y\n1,x\n", "'t.csv': row 1 (line 2), column 'y': 'x' is no number",
		 &y, 0},
		{"a,y\n1,inf\n",
		 "'t.csv': row 1 (line 2), column 'y': 'inf' is infinite, which is not "
		 "allowed here",
		 &y, 0},
		{"a,y\n1,1e999\n",
		 "'t.csv': row 1 (line 2), column 'y': '1e999' is too large for the column's "
		 "numbers",
		 &y, 0},
		{"a\n1\n-Inf\n",
		 "'t.csv': row 2 (line 3), column 'a': '-Inf' is infinite, which is not "
		 "allowed here",
		 &none, 0},
		{"a\n3.5e38\n",
		 "'t.csv': row 1 (line 2), column 'a': '3.5e38' is too large for the column's "
		 "numbers",
		 &none, 0},
		{"w,a\n0,1\n",
		 "'t.csv': row 1 (line 2), column 'w': '0': a weight must be "
		 "above 0",
		 &w, 0},
		{"w,a\n-1,1\n",
		 "'t.csv': row 1 (line 2), column 'w': '-1': a weight must be "
		 "above 0",
		 &w, 0},
		{"q,a\n1,1\n2,1\n1,1\n",
		 "row 3: rows of query '1' (column 'q') are not adjacent", &g, 0},
		{"q,a\n1,1\n,1\n",
		 "'t.csv': row 2 (line 3), column 'q': the value is missing", &g, 0},
		{"a\n\"x\"y\n",
		 "'t.csv': row 1 (line 2), column 'a': '\"x\"y': text behind the "
		 "closing quote",
		 &none, 0},
		{"a,b\n1,2\n3,\"x\n\n",
		 "'t.csv': row 2 (line 3), column 'b': the quote is never closed", &none,
		 0},
		{"a,\"b\n1,2\n", "'t.csv': a quote in the first line is never closed",
		 &none, 0},
		{"a,\"b\"c\n1,2\n",
		 "'t.csv': column 2 of the first line: a quote is not closed, or text stands "
		 "behind it",
		 &none, 0},
		{"a,a\n1,2\n", "'t.csv': columns 1 and 2 are both named 'a'", &none, 0},
		{"a,\xff\n1,2\n", "'t.csv': the name of column 2 is no UTF-8", &none, 0},
		{"a,\0b\n1,2\n", "'t.csv': the name of column 2 has a NUL byte", &none,
		 9},
		{"a,b\n1,x\n2,\xe9t\xe9\n",
		 "'t.csv': row 2 (line 3), column 'b': '\\xe9t\\xe9' is no UTF-8", &none,
		 0},
		{"a,b\n1,x\0\n",
		 "'t.csv': row 1 (line 2), column 'b': 'x\\x00' has a NUL byte", &none,
		 9},
		{"a,yy\n1,2\n", "'t.csv': no column 'y'", &y, 0},
		{"a,color\n1,2\n", "'t.csv': no column 'colour'; did you mean 'color'?",
		 &ex, 0},
		{"a,color\n1,2\n", "'t.csv': no column 'colour'; did you mean 'color'?",
		 &in, 0},
		{"b\n1\n", "'t.csv': no column 'a'", &typed, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		fails((struct read_case){.p = cases[i].text,
					 .n = cases[i].n,
					 .o = *cases[i].o},
		      ERR_INVALID, cases[i].story);
	fails((struct read_case){.path = "d.parquet", .p = "PAR1", .o = none},
	      ERR_UNSUPPORTED,
	      "'d.parquet': Parquet is not read by this build; write it as CSV or .npy");
	fails((struct read_case){.path = "9f86d081", .p = "PAR1", .o = none},
	      ERR_UNSUPPORTED,
	      "'9f86d081': Parquet is not read by this build; write it as CSV or .npy");
}

/* An infinity is a name in a column of names, but not before the first of them. What
 * is known from the front of the file (128 KiB) holds for all of it. */
static void an_infinity_may_be_a_name(void **state)
{
	const struct data_options o = {0};
	struct table t = table_of("a\nx\ninf\n", &o);
	size_t n = 0, cap = 1000000;
	char *text = malloc(cap);

	(void)state;
	assert_cats(&t, 0, "x|inf");
	table_release(&t);
	t = table_of("a\ninf\nx\n", &o);
	assert_cats(&t, 0, "inf|x");
	table_release(&t);
	n += (size_t)snprintf(text, cap, "a\n");
	for (int i = 0; i < 100000; i++)
		n += (size_t)snprintf(text + n, cap - n, "%d\n", i);
	snprintf(text + n, cap - n, "inf\nx\n");
	fails((struct read_case){.p = text, .o = o}, ERR_INVALID,
	      "'t.csv': row 100001 (line 100002), column 'a': 'inf' is infinite, which is "
	      "not allowed here");
	snprintf(text + n, cap - n, "x\ninf\n");
	t = table_of(text, &o);
	assert_int_equal(t.cols[0].f.kind, FEATURE_CATEGORICAL);
	assert_int_equal(t.cols[0].f.cats_nr, 100002);
	assert_string_equal(t.cols[0].f.cats[t.cols[0].code[100001]], "inf");
	table_release(&t);
	free(text);
}

static void files_make_one_table(void **state)
{
	const struct data_options o = {.target = "y", .hash = true};
	const char *a = "x,c,y\n1,u,0\n2,v,1\n", *b = "y,x,c\n1,3,v\n",
		   *bad = "y,x\n1,3\n";
	struct data_file f[2] = {{.path = "a.csv"}, {.path = "b.csv"}};
	struct table t = {0};
	struct err e = {0};

	(void)state;
	f[0].fd = file_of(a, strlen(a));
	f[1].fd = file_of(b, strlen(b));
	assert_int_equal(data_read(&t, f, 2, &o, NULL, &e), 0);
	NUMS(&t, 0, 1, 2, 3);
	assert_cats(&t, 1, "u|v|v");
	assert_true(t.label[2] == 1);
	assert_int_equal(f[0].rows, 2);
	assert_int_equal(f[1].rows, 1);
	table_release(&t);
	close(f[1].fd);
	f[1].fd = file_of(bad, strlen(bad));
	assert_int_equal(data_read(&t, f, 2, &o, NULL, &e), ERR_INVALID);
	assert_string_equal(e.text, "'b.csv': no column 'c', which 'a.csv' has");
	close(f[1].fd);
	bad = "y,x,c,d\n1,3,1,1\n";
	f[1].fd = file_of(bad, strlen(bad));
	assert_int_equal(data_read(&t, f, 2, &o, NULL, &e), ERR_INVALID);
	assert_string_equal(e.text, "'b.csv': a column 'd', which 'a.csv' has not");
	close(f[1].fd);
	bad = "y,x,c\n1,3,1\n1,3\n"; /* rows count in each file */
	f[1].fd = file_of(bad, strlen(bad));
	assert_int_equal(data_read(&t, f, 2, &o, NULL, &e), ERR_INVALID);
	assert_string_equal(e.text,
			    "'b.csv': row 2 (line 3): 2 fields, but there are 3 columns");
	close(f[0].fd);
	close(f[1].fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_table_is_read),
		cmocka_unit_test(categories_go_by_count_then_bytes),
		cmocka_unit_test(digests_are_of_the_bytes),
		cmocka_unit_test(a_late_name_makes_a_column_of_categories),
		cmocka_unit_test(quotes_hold_anything),
		cmocka_unit_test(line_ends_and_blank_lines_do_not_matter),
		cmocka_unit_test(missing_values_have_markers),
		cmocka_unit_test(odd_numbers_are_read),
		cmocka_unit_test(columns_are_chosen),
		cmocka_unit_test(a_model_gets_its_columns),
		cmocka_unit_test(without_a_header_columns_have_numbers),
		cmocka_unit_test(a_header_alone_is_a_table_of_no_rows),
		cmocka_unit_test(errors_say_where_and_what),
		cmocka_unit_test(an_infinity_may_be_a_name),
		cmocka_unit_test(files_make_one_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
