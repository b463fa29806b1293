#include "remote/sync/journal.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/fs.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR JOURNAL_FRESH_NS

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	memcpy(dir, "/tmp/test-journal-XXXXXX", 25);
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, dir, NULL);
}

static struct oid oid_of(uint8_t n, bool is_dir)
{
	return (struct oid){.b = {n}, .algo = OID_MD5, .is_dir = is_dir};
}

/* Write a journal with one entry of that age. */
static void saved(uint8_t n, int64_t age_ns)
{
	struct oid oid = oid_of(n, false);
	struct journal j;

	journal_open(&j, dir, "s3://b/p");
	journal_confirm(&j, &oid, clock_wall_ns() - age_ns);
	journal_save(&j);
	journal_release(&j);
}

static int64_t read_back(uint8_t n)
{
	struct oid oid = oid_of(n, false);
	struct journal j;
	int64_t when;

	journal_open(&j, dir, "s3://b/p");
	when = journal_confirmed(&j, &oid);
	journal_release(&j);
	return when;
}

static char *file(void)
{
	char pattern[96];
	char *path;
	glob_t g = {0};

	snprintf(pattern, sizeof(pattern), "%s/remotes/*.journal", dir);
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 1);
	path = xstrdup(g.gl_pathv[0]);
	globfree(&g);
	return path;
}

static void an_entry_is_believed_for_an_hour(void **state)
{
	(void)state;
	saved(1, 0);
	assert_true(read_back(1) > 0);
	assert_int_equal(read_back(2), 0);
	saved(3, HOUR - HOUR / 60);
	assert_true(read_back(3) > 0);
	saved(4, HOUR + 1);
	assert_int_equal(read_back(4), 0);
	assert_true(read_back(1) > 0);
}

static void an_entry_of_the_future_empties_it(void **state)
{
	(void)state;
	saved(1, 0);
	saved(2, -HOUR);
	assert_int_equal(read_back(2), 0);
	assert_int_equal(read_back(1), 0);
}

static void manifests_and_files_of_one_digest_are_two(void **state)
{
	struct oid f = oid_of(1, false), d = oid_of(1, true);
	struct oid legacy = f;
	struct journal j;

	(void)state;
	legacy.algo = OID_LEGACY;
	journal_open(&j, dir, "s3://b/p");
	journal_confirm(&j, &f, clock_wall_ns());
	assert_true(journal_confirmed(&j, &f) > 0);
	assert_int_equal(journal_confirmed(&j, &d), 0);
	assert_int_equal(journal_confirmed(&j, &legacy), 0);
	journal_save(&j);
	journal_release(&j);
	journal_open(&j, dir, "s3://b/p");
	assert_true(journal_confirmed(&j, &f) > 0);
	assert_int_equal(journal_confirmed(&j, &d), 0);
	journal_release(&j);
}

static void another_url_is_another_journal(void **state)
{
	struct oid oid = oid_of(1, false);
	struct journal j;

	(void)state;
	saved(1, 0);
	journal_open(&j, dir, "s3://b/q");
	assert_int_equal(journal_confirmed(&j, &oid), 0);
	journal_release(&j);
}

static void a_damaged_file_is_an_empty_journal(void **state)
{
	struct stat st;
	char *path;

	(void)state;
	saved(1, 0);
	saved(2, 0);
	path = file();
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at += 5) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		char c, x;

		assert_int_equal(pread(fd, &c, 1, at), 1);
		x = (char)(c ^ 4);
		assert_int_equal(pwrite(fd, &x, 1, at), 1);
		assert_int_equal(read_back(1), 0);
		assert_int_equal(read_back(2), 0);
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		close(fd);
	}
	assert_true(read_back(2) > 0);
	for (off_t n = st.st_size - 1; n >= 0; n -= 7) {
		assert_int_equal(truncate(path, n), 0);
		assert_int_equal(read_back(2), 0);
	}
	free(path);
}

static void what_was_dropped_stays_dropped(void **state)
{
	struct oid oid = oid_of(2, false);
	struct journal j;

	(void)state;
	saved(1, 0);
	journal_open(&j, dir, "s3://b/p");
	journal_drop_all(&j);
	journal_confirm(&j, &oid, clock_wall_ns());
	journal_save(&j);
	journal_release(&j);
	assert_int_equal(read_back(1), 0);
	assert_true(read_back(2) > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_entry_is_believed_for_an_hour),
		T(an_entry_of_the_future_empties_it),
		T(manifests_and_files_of_one_digest_are_two),
		T(another_url_is_another_journal),
		T(a_damaged_file_is_an_empty_journal),
		T(what_was_dropped_stays_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
