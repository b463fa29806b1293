/* Files, temporaries, locks, threads and failing calls of store/base. */
#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/lock.h"
#include "store/base/map.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <unistd.h>

struct fixture {
	char dir[64];
	int fd;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/lode-unit.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int r = fs_remove_tree(AT_FDCWD, f->dir, NULL);

	close(f->fd);
	free(f);
	return r;
}

static size_t names_in(int dirfd, const char *path)
{
	struct fs_dir *d = NULL;
	struct fs_dirent ent;
	size_t n = 0;

	assert_int_equal(fs_dir_open(&d, dirfd, path, NULL), 0);
	while (fs_dir_next(d, &ent, NULL) > 0)
		n++;
	fs_dir_close(d);
	return n;
}

static void expect_file(int dirfd, const char *path, const char *want)
{
	struct buf b = {0};

	assert_int_equal(fs_read(dirfd, path, 0, &b, NULL), 0);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void a_file_is_replaced_whole_and_keeps_its_mode(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(
		fs_write(f->fd, "a", SLICE_LIT("one"), 0644, FS_SYNC_BATCH, NULL), 0);
	expect_file(f->fd, "a", "one");
	assert_int_equal(fchmodat(f->fd, "a", 0600, 0), 0);
	assert_int_equal(fs_write(f->fd, "a", SLICE_LIT("two"), 0644, FS_SYNC_NONE, NULL),
			 0);
	expect_file(f->fd, "a", "two");
	assert_int_equal(fstatat(f->fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(names_in(f->fd, "."), 1);
	assert_int_equal(
		fs_write(f->fd, "no/a", SLICE_LIT("x"), 0644, FS_SYNC_NONE, NULL),
		ERR_NOTFOUND);
}

static void a_write_survives_a_failure_at_any_call(void **state)
{
	static const int errors[] = {ENOSPC, EIO};
	struct fixture *f = *state;

	assert_int_equal(fs_write(f->fd, "a", SLICE_LIT("old"), 0644, FS_SYNC_NONE, NULL),
			 0);
	for (size_t k = 0; k < ARRAY_SIZE(errors); k++)
		for (int n = 1;; n++) {
			struct err e = {0};
			struct buf b = {0};
			int r;

			sys_fail_nth(n, errors[k]);
			r = fs_write(f->fd, "a", SLICE_LIT("new"), 0644, FS_SYNC_BATCH,
				     &e);
			sys_fail_nth(0, 0);
			assert_int_equal(fs_read(f->fd, "a", 0, &b, NULL), 0);
			assert_true(slice_is(buf_slice(&b), "old") ||
				    slice_is(buf_slice(&b), "new"));
			buf_release(&b);
			assert_int_equal(names_in(f->fd, "."), 1);
			if (r == 0) {
				assert_true(n > 5);
				break;
			}
			assert_int_equal(e.sys, errors[k]);
		}
}

static void an_interrupted_call_is_taken_up_again(void **state)
{
	struct fixture *f = *state;

	for (int n = 1;; n++) {
		bool hit;
		int r;

		sys_fail_nth(n, EINTR);
		r = fs_write(f->fd, "a", SLICE_LIT("text"), 0644, FS_SYNC_BATCH, NULL);
		hit = sys_fail_hit();
		sys_fail_nth(0, 0);
		assert_int_equal(r, 0);
		expect_file(f->fd, "a", "text");
		if (!hit)
			break;
	}
}

static void reading_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct buf b = {0};

	assert_int_equal(
		fs_write(f->fd, "a", SLICE_LIT("12345"), 0644, FS_SYNC_NONE, NULL), 0);
	assert_int_equal(fs_read(f->fd, "a", 5, &b, NULL), 0);
	assert_int_equal(b.n, 5);
	assert_int_equal(fs_read(f->fd, "a", 4, &b, NULL), ERR_INVALID);
	assert_int_equal(fs_read(f->fd, ".", 0, &b, NULL), ERR_IO);
	assert_int_equal(fs_read(f->fd, "none", 0, &b, NULL), ERR_NOTFOUND);
	/* A file whose size says nothing. */
	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/status", 0, &b, NULL), 0);
	assert_true(b.n > 100);
	buf_release(&b);
}

static void directories_are_made_and_removed_as_wholes(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(fs_mkdirs(f->fd, "a/b//c", 0, NULL), 0);
	assert_int_equal(fs_mkdirs(f->fd, "a/b/c", 0, NULL), 0);
	assert_int_equal(fs_mkdirs(f->fd, "s/t", 02775, NULL), 0);
	assert_int_equal(fstatat(f->fd, "s/t", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 02775);
	assert_int_equal(
		fs_write(f->fd, "a/file", SLICE_LIT("x"), 0644, FS_SYNC_NONE, NULL), 0);
	assert_true(fs_mkdirs(f->fd, "a/file/d", 0, NULL) < 0);
	assert_int_equal(symlinkat("..", f->fd, "a/up"), 0);
	assert_int_equal(fs_remove_tree(f->fd, "a", NULL), 0);
	assert_int_equal(fs_remove_tree(f->fd, "a", NULL), 0);
	assert_true(fs_exists(f->fd, "s/t")); /* the link was not followed */
	fs_prune_empty(f->fd, "s/t");
	assert_false(fs_exists(f->fd, "s"));
	assert_int_equal(fs_kind(f->fd, "s"), 0);
}

static void a_beneath_open_follows_nothing(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(fs_mkdirs(f->fd, "in/deep", 0, NULL), 0);
	assert_int_equal(fs_write(f->fd, "out", SLICE_LIT("x"), 0644, FS_SYNC_NONE, NULL),
			 0);
	assert_int_equal(symlinkat("..", f->fd, "in/up"), 0);
	assert_int_equal(symlinkat("deep", f->fd, "in/side"), 0);
	fd = openat(f->fd, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sys_open_beneath(fd, "../out", O_RDONLY, 0), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(sys_open_beneath(fd, "up/out", O_RDONLY, 0), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(sys_open_beneath(fd, "side", O_RDONLY, 0), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(sys_open_beneath(fd, "/etc/passwd", O_RDONLY, 0), -1);
	assert_true(sys_open_beneath(fd, "deep", O_RDONLY, 0) >= 0);
	close(fd);
}

static void a_temporary_goes_unless_it_is_published(void **state)
{
	struct fixture *f = *state;
	struct tmpfile t = {0};

	assert_int_equal(tmpfile_open(&t, f->fd, 0600, NULL), 0);
	assert_true(tmpfile_is_name(t.name));
	tmpfile_release(&t);
	tmpfile_release(&t);
	assert_int_equal(names_in(f->fd, "."), 0);

	assert_int_equal(tmpfile_open(&t, f->fd, 0600, NULL), 0);
	assert_int_equal(sys_write(t.fd, "1", 1), 0);
	assert_int_equal(tmpfile_publish(&t, f->fd, "a", NULL), 0);
	tmpfile_release(&t);
	expect_file(f->fd, "a", "1");

	assert_int_equal(tmpfile_open(&t, f->fd, 0600, NULL), 0);
	assert_int_equal(sys_write(t.fd, "2", 1), 0);
	assert_int_equal(tmpfile_publish(&t, f->fd, "a", NULL), ERR_EXISTS);
	assert_true(t.live);
	expect_file(f->fd, "a", "1");
	assert_int_equal(tmpfile_replace(&t, f->fd, "a", NULL), 0);
	expect_file(f->fd, "a", "2");
	tmpfile_release(&t);
	assert_int_equal(names_in(f->fd, "."), 1);
}

static void a_second_signal_unlinks_what_is_registered(void **state)
{
	struct fixture *f = *state;
	struct tmpfile t[300] = {{0}};

	/* More than the registry holds: those beyond it are merely not covered. */
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(tmpfile_open(&t[i], f->fd, 0600, NULL), 0);
	tmpfile_unlink_registered();
	assert_true(names_in(f->fd, ".") <= 300 - 256);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		tmpfile_release(&t[i]);
	assert_int_equal(names_in(f->fd, "."), 0);
}

static void a_copy_has_all_bytes(void **state)
{
	struct fixture *f = *state;
	struct buf big = {0}, got = {0};
	int src, dst;

	for (int i = 0; i < 100000; i++)
		buf_addf(&big, "%d,", i);
	assert_int_equal(fs_write(f->fd, "a", buf_slice(&big), 0644, FS_SYNC_NONE, NULL),
			 0);
	src = openat(f->fd, "a", O_RDONLY | O_CLOEXEC);
	dst = openat(f->fd, "b", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fs_copy_fd(src, dst, NULL), 0);
	assert_int_equal(fs_read(f->fd, "b", 0, &got, NULL), 0);
	assert_true(slice_eq(buf_slice(&big), buf_slice(&got)));
	close(src);
	close(dst);
	src = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	dst = openat(f->fd, "c", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fs_copy_fd(src, dst, NULL), 0);
	assert_true(lseek(dst, 0, SEEK_END) > 100);
	close(src);
	close(dst);
	buf_release(&big);
	buf_release(&got);
}

struct told {
	struct sink sink;
	int notes;
};

static void count_note(struct sink *s, const char *text)
{
	((struct told *)s)->notes += strstr(text, "waiting") != NULL;
}

static void a_lock_excludes_and_the_wait_ends(void **state)
{
	struct fixture *f = *state;
	struct lock a = {0}, b = {0}, c = {0};
	struct told told = {.sink = {.note = count_note}};
	int64_t start;

	assert_int_equal(lock_take(&a, f->fd, "lock", false, LOCK_WAIT_NOT, NULL, NULL),
			 0);
	assert_int_equal(lock_take(&b, f->fd, "lock", false, LOCK_WAIT_NOT, NULL, NULL),
			 ERR_LOCKED);
	start = clock_mono_ns();
	assert_int_equal(lock_take(&b, f->fd, "lock", true, 1200, &told.sink, NULL),
			 ERR_LOCKED);
	assert_true(clock_mono_ns() - start >= INT64_C(1200) * 1000000);
	assert_int_equal(told.notes, 1);
	lock_drop(&a);
	assert_int_equal(lock_take(&b, f->fd, "lock", true, 0, NULL, NULL), 0);
	assert_int_equal(lock_take(&c, f->fd, "lock", true, 0, NULL, NULL), 0);
	assert_int_equal(lock_take(&a, f->fd, "lock", false, 0, NULL, NULL), ERR_LOCKED);
	lock_drop(&b);
	lock_drop(&c);
	lock_drop(&c);
}

static void a_lock_waits_no_longer_than_an_interrupt(void **state)
{
	struct fixture *f = *state;
	struct lock a = {0}, b = {0};

	assert_int_equal(lock_take(&a, f->fd, "lock", false, 0, NULL, NULL), 0);
	interrupt_request();
	assert_int_equal(lock_take(&b, f->fd, "lock", false, LOCK_WAIT_EVER, NULL, NULL),
			 ERR_CANCELED);
	interrupt_reset();
	lock_drop(&a);
}

static void add_index(void *ctx, size_t i, unsigned worker)
{
	(void)worker;
	atomic_fetch_add((atomic_size_t *)ctx, i + 1);
}

static void add_one(void *arg, unsigned worker)
{
	(void)worker;
	atomic_fetch_add((atomic_size_t *)arg, 1);
}

static void a_pool_does_everything_once(void **state)
{
	struct pool *p = pool_new(3);
	atomic_size_t sum;

	(void)state;
	atomic_init(&sum, 0);
	pool_for(p, 1000, add_index, &sum);
	assert_int_equal(atomic_load(&sum), 500500);
	pool_for(NULL, 10, add_index, &sum);
	assert_int_equal(atomic_load(&sum), 500555);
	for (int i = 0; i < 10000; i++)
		pool_submit(p, add_one, &sum);
	pool_wait(p);
	assert_int_equal(atomic_load(&sum), 510555);
	for (int i = 0; i < 100; i++)
		pool_submit(p, add_one, &sum);
	pool_free(p);
	pool_free(NULL);
	assert_int_equal(atomic_load(&sum), 510655);
}

static void maps_keep_order_and_find_everything(void **state)
{
	struct map m = {0};
	char key[32];

	(void)state;
	assert_int_equal(map_get(&m, SLICE_LIT("none")), MAP_NONE);
	for (size_t i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key %zu", i * 7);
		assert_true(map_set(&m, slice_of(key), i));
	}
	assert_true(map_set(&m, SLICE_LIT(""), 5));
	assert_false(map_set(&m, SLICE_LIT(""), 6));
	assert_int_equal(map_get(&m, SLICE_LIT("")), 6);
	for (size_t i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key %zu", i * 7);
		assert_int_equal(map_get(&m, slice_of(key)), i);
		assert_true(slice_is(map_key(&m, i), key));
	}
	assert_false(map_has(&m, SLICE_LIT("key 1")));
	assert_int_equal(*map_at(&m, SLICE_LIT("fresh")), MAP_NONE);
	map_release(&m);
	map_release(&m);
}

static void an_arena_hands_out_zeroed_aligned_memory(void **state)
{
	struct arena a = {0};

	(void)state;
	for (size_t n = 0; n < 3000; n++) {
		unsigned char *p = arena_alloc(&a, n);

		assert_int_equal((uintptr_t)p % sizeof(void *), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 3), "x-3");
	assert_string_equal(arena_strndup(&a, "abc", 2), "ab");
	arena_release(&a);
	arena_release(&a);
}

static void a_data_sized_allocation_may_fail(void **state)
{
	struct err e = {0};
	void *p = NULL;

	(void)state;
	assert_int_equal(try_alloc(&p, 10, 8, "rows", &e), 0);
	free(p);
	p = NULL;
	try_alloc_fail_nth(1);
	assert_int_equal(try_alloc(&p, 10, 8, "rows", &e), ERR_NOMEM);
	assert_null(p);
	assert_non_null(strstr(e.text, "rows"));
	assert_int_equal(try_alloc(&p, SIZE_MAX / 2, 8, "rows", &e), ERR_NOMEM);
}

static void strings_sort_by_bytes_and_once(void **state)
{
	struct strvec s = {0};

	(void)state;
	strvec_push(&s, "b");
	strvec_push(&s, "\xc3\xa4");
	strvec_push(&s, "a");
	strvec_push(&s, "b");
	strvec_sort(&s);
	strvec_unique(&s);
	assert_int_equal(s.nr, 3);
	assert_string_equal(s.v[0], "a");
	assert_string_equal(s.v[2], "\xc3\xa4");
	strvec_release(&s);
}

#define WITH_DIR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(a_file_is_replaced_whole_and_keeps_its_mode),
		WITH_DIR(a_write_survives_a_failure_at_any_call),
		WITH_DIR(an_interrupted_call_is_taken_up_again),
		WITH_DIR(reading_is_bounded),
		WITH_DIR(directories_are_made_and_removed_as_wholes),
		WITH_DIR(a_beneath_open_follows_nothing),
		WITH_DIR(a_temporary_goes_unless_it_is_published),
		WITH_DIR(a_second_signal_unlinks_what_is_registered),
		WITH_DIR(a_copy_has_all_bytes),
		WITH_DIR(a_lock_excludes_and_the_wait_ends),
		WITH_DIR(a_lock_waits_no_longer_than_an_interrupt),
		cmocka_unit_test(a_pool_does_everything_once),
		cmocka_unit_test(maps_keep_order_and_find_everything),
		cmocka_unit_test(an_arena_hands_out_zeroed_aligned_memory),
		cmocka_unit_test(a_data_sized_allocation_may_fail),
		cmocka_unit_test(strings_sort_by_bytes_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
