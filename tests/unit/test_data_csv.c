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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_table_is_read),
		cmocka_unit_test(categories_go_by_count_then_bytes),
		cmocka_unit_test(digests_are_of_the_bytes),
		cmocka_unit_test(a_late_name_makes_a_column_of_categories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
