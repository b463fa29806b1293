/* Looking at outputs beside their records. */
#include "store/index/index.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sys.h"
#include "store/index/ignore.h"
#include "store/index/scan.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];
	char state[96], cache[96];
	int fd;
	struct ignore *ig;
	struct odb *odb;
	struct index *ix;
	struct pool *pool;
};

static struct pool *give_pool(void *ctx)
{
	struct fixture *f = ctx;

	if (!f->pool)
		f->pool = pool_new(2);
	return f->pool;
}

static void open_index(struct fixture *f)
{
	struct index_options o = {.root = f->dir,
				  .rootfd = f->fd,
				  .state_dir = f->state,
				  .pool = give_pool,
				  .pool_ctx = f};

	assert_int_equal(ignore_open(&f->ig, f->fd, f->dir, NULL), 0);
	o.ignore = f->ig;
	assert_int_equal(index_open(&f->ix, &o, NULL), 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct odb_options o = {.dir = f->cache, .sync = FS_SYNC_NONE};

	memcpy(f->dir, "/tmp/lode-index-XXXXXX", 23);
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->state, sizeof(f->state), "%s/.dvc/tmp/lode", f->dir);
	snprintf(f->cache, sizeof(f->cache), "%s/.dvc/cache", f->dir);
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(odb_open(&f->odb, &o, NULL), 0);
	open_index(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sys_fail_nth(0, 0);
	index_free(f->ix);
	ignore_free(f->ig);
	odb_free(f->odb);
	pool_free(f->pool);
	close(f->fd);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	free(f);
	return 0;
}

/* Rules are read once a process: as a new command would see them. */
static void new_command(struct fixture *f)
{
	index_free(f->ix);
	ignore_free(f->ig);
	open_index(f);
}

/* Written long ago, so that no record of it is racy. */
static void age(struct fixture *f, const char *path)
{
	struct timespec old[2] = {{1600000000, 5}, {1600000000, 5}};

	assert_int_equal(utimensat(f->fd, path, old, AT_SYMLINK_NOFOLLOW), 0);
}

static void put(struct fixture *f, const char *path, const char *text)
{
	struct slice dir = path_dir(path);
	char *d = xmemdup0(dir.p, dir.n);

	assert_int_equal(fs_mkdirs(f->fd, d, 0, NULL), 0);
	assert_int_equal(fs_write(f->fd, path, slice_of(text), 0666, FS_SYNC_NONE, NULL),
			 0);
	free(d);
}

/* A few clock ticks, so that ctime too is older than the next look. */
static void tick(void)
{
	struct timespec t = {0, 20 * 1000 * 1000};

	nanosleep(&t, NULL);
}

static void look(struct fixture *f, const char *path, unsigned flags,
		 struct index_view *v)
{
	struct err e = {0};

	*v = (struct index_view){0};
	if (index_look(f->ix, f->odb, path, OID_MD5, flags, v, &e) < 0)
		fail_msg("%s: %s", path, e.text);
}

static void learn(struct fixture *f, const char *path)
{
	struct index_view v;

	tick();
	new_command(f);
	look(f, path, INDEX_HASH, &v);
	index_remember(f->ix, path, &v);
	index_view_release(&v);
	new_command(f);
}

static char *list_of(const struct index_view *v)
{
	struct buf b = {0};

	for (size_t i = 0; i < v->nr; i++)
		buf_addf(&b, "%s%s", i ? " " : "", v->files[i].path);
	return buf_detach(&b);
}

static void expect_files(const struct index_view *v, const char *want)
{
	char *got = list_of(v);

	assert_string_equal(got, want);
	free(got);
}

static void a_file_has_the_digest_of_its_bytes(void **state)
{
	struct fixture *f = *state;
	char text[OID_TEXT_MAX];
	struct index_view v;

	put(f, "f", "foo");
	look(f, "f", 0, &v);
	assert_int_equal(v.kind, INDEX_FILE);
	assert_false(v.complete);
	index_view_release(&v);
	look(f, "f", INDEX_HASH, &v);
	assert_true(v.complete);
	assert_string_equal(oid_text(&v.oid, text), "acbd18db4cc2f85cedef654fccc4a4d8");
	assert_int_equal(v.bytes, 3);
	assert_int_equal(v.nr, 1);
	assert_string_equal(v.files[0].path, "");
	index_view_release(&v);
	look(f, "gone", INDEX_HASH, &v);
	assert_int_equal(v.kind, INDEX_NONE);
	look(f, "no/such/dir", INDEX_HASH, &v);
	assert_int_equal(v.kind, INDEX_NONE);
}

static void paths_come_in_byte_order_of_the_whole(void **state)
{
	struct fixture *f = *state;
	struct manifest m = {0};
	struct index_view v;

	put(f, "d/a/x", "1");
	put(f, "d/a.b/x", "2");
	put(f, "d/a.txt", "3");
	put(f, "d/a0", "4");
	put(f, "d/B", "5");
	put(f, "d/a/b/c", "6");
	put(f, "d/a/b.c", "7");
	put(f, "d/aa", "8");
	assert_int_equal(fs_mkdirs(f->fd, "d/empty/e", 0, NULL), 0);
	look(f, "d", INDEX_HASH | INDEX_FILES, &v);
	assert_true(v.complete && v.oid.is_dir);
	assert_int_equal(v.files_nr, 8);
	expect_files(&v, "B a.b/x a.txt a/b.c a/b/c a/x a0 aa");
	for (size_t i = 1; i < v.nr; i++)
		assert_true(strcmp(v.files[i - 1].path, v.files[i].path) < 0);
	assert_int_equal(index_manifest(&v, OID_MD5, &m, NULL), 0);
	assert_int_equal(m.nr, 8);
	manifest_release(&m);
	index_view_release(&v);
}

static void what_is_recorded_is_not_read_again(void **state)
{
	struct fixture *f = *state;
	struct index_view v;
	struct oid oid;

	put(f, "d/x", "one");
	put(f, "d/sub/y", "two");
	learn(f, "d");
	look(f, "d", 0, &v);
	assert_true(v.complete);
	assert_int_equal(v.nr, 0);
	assert_int_equal(v.files_nr, 2);
	assert_int_equal(v.bytes, 6);
	oid = v.oid;
	index_view_release(&v);
	look(f, "d", INDEX_FILES, &v);
	expect_files(&v, "sub/y x");
	assert_true(oid_eq(&oid, &v.oid));
	assert_true(oid_known(&v.files[0].oid));
	index_view_release(&v);
	look(f, "d", INDEX_DISTRUST, &v);
	assert_false(v.complete);
	index_view_release(&v);
	look(f, "d", INDEX_DISTRUST | INDEX_HASH, &v);
	assert_true(v.complete && oid_eq(&oid, &v.oid));
	index_view_release(&v);
	index_forget(f->ix, "d");
	look(f, "d", 0, &v);
	assert_false(v.complete);
	index_view_release(&v);
}

static void each_kind_of_change_is_seen(void **state)
{
	struct fixture *f = *state;
	struct index_view v;

	put(f, "d/x", "one");
	put(f, "d/sub/y", "two");
	put(f, "d/sub/z", "two");
	learn(f, "d");
	put(f, "d/sub/y", "TWO"); /* another inode */
	look(f, "d", 0, &v);
	assert_false(v.complete);
	expect_files(&v, "sub/y sub/z x");
	assert_false(oid_known(&v.files[0].oid));
	assert_true(oid_known(&v.files[1].oid));
	index_view_release(&v);
	learn(f, "d");
	put(f, "d/sub/new", "");
	look(f, "d", 0, &v);
	expect_files(&v, "sub/new sub/y sub/z x");
	assert_false(v.complete);
	index_view_release(&v);
	learn(f, "d");
	assert_int_equal(unlinkat(f->fd, "d/sub/new", 0), 0);
	look(f, "d", 0, &v);
	assert_true(v.complete); /* nothing unknown is left */
	assert_int_equal(v.files_nr, 3);
	index_view_release(&v);
	learn(f, "d");
	assert_int_equal(renameat(f->fd, "d/sub", f->fd, "d/sub2"), 0);
	look(f, "d", INDEX_FILES, &v);
	expect_files(&v, "sub2/y sub2/z x");
	index_view_release(&v);
	learn(f, "d");
	put(f, "d/deep/er/w", "4");
	look(f, "d", INDEX_HASH | INDEX_FILES, &v);
	expect_files(&v, "deep/er/w sub2/y sub2/z x");
	assert_true(v.complete);
	index_view_release(&v);
}

static void an_edit_in_place_of_equal_size_is_seen(void **state)
{
	struct fixture *f = *state;
	struct index_view v;
	int fd;

	put(f, "d/x", "one");
	age(f, "d/x");
	learn(f, "d");
	fd = openat(f->fd, "d/x", O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "two", 3), 3);
	close(fd);
	age(f, "d/x"); /* and its mtime is put back: ctime tells */
	look(f, "d", 0, &v);
	assert_false(v.complete);
	index_view_release(&v);
}

static void what_changed_just_now_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct index_view v;

	/* A stamp ahead of the clock cannot be older than a file written now. */
	struct timespec ahead[2] = {{4000000000, 0}, {4000000000, 0}};

	put(f, "d/x", "one");
	put(f, "f", "one");
	assert_int_equal(utimensat(f->fd, "d/x", ahead, 0), 0);
	assert_int_equal(utimensat(f->fd, "f", ahead, 0), 0);
	learn(f, "d");
	learn(f, "f");
	look(f, "d", 0, &v);
	assert_false(v.complete);
	index_view_release(&v);
	look(f, "f", 0, &v);
	assert_false(v.complete);
	index_view_release(&v);
	assert_true(scan_is_racy(100, 0, 100));
	assert_false(scan_is_racy(99, 0, 100));
	assert_true(scan_is_racy(0, 100, 100));
	/* Whole seconds may be the file system's grain. */
	assert_true(scan_is_racy(INT64_C(5000000000), 0, INT64_C(6999999999)));
	assert_false(scan_is_racy(INT64_C(5000000000), 0, INT64_C(7000000001)));
}

static void a_further_hard_link_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct index_view v;

	put(f, "d/x", "one");
	learn(f, "d");
	assert_int_equal(linkat(f->fd, "d/x", f->fd, "other", 0), 0);
	look(f, "d", 0, &v);
	assert_true(v.complete);
	index_view_release(&v);
}

static void links_and_special_files_follow_the_rules(void **state)
{
	struct fixture *f = *state;
	struct index_view v;
	char text[OID_TEXT_MAX];

	put(f, "target", "foo");
	put(f, "d/real", "bar");
	put(f, "dir/inner", "x");
	assert_int_equal(symlinkat("../target", f->fd, "d/link"), 0);
	assert_int_equal(symlinkat("../dir", f->fd, "d/dirlink"), 0);
	assert_int_equal(symlinkat("loop", f->fd, "d/loop"), 0);
	assert_int_equal(symlinkat("nothing", f->fd, "d/broken"), 0);
	assert_int_equal(mkfifoat(f->fd, "d/fifo", 0600), 0);
	look(f, "d", INDEX_HASH, &v);
	assert_false(v.complete);
	expect_files(&v, "broken fifo link loop real");
	assert_int_equal(v.files[0].flags, INDEX_BROKEN | INDEX_SYMLINK);
	assert_int_equal(v.files[1].flags, INDEX_SPECIAL);
	assert_true(v.files[2].flags & INDEX_SYMLINK);
	assert_string_equal(oid_text(&v.files[2].oid, text),
			    "acbd18db4cc2f85cedef654fccc4a4d8");
	assert_int_equal(v.files[2].st.size, 3);
	assert_true(v.files[3].flags & INDEX_BROKEN);
	assert_false(oid_known(&v.files[0].oid));
	index_view_release(&v);
	look(f, "d/fifo", INDEX_HASH, &v);
	assert_int_equal(v.kind, INDEX_OTHER);
	look(f, "d/broken", INDEX_HASH, &v);
	assert_int_equal(v.kind, INDEX_OTHER);
	look(f, "d/dirlink", INDEX_HASH, &v);
	assert_int_equal(v.kind, INDEX_OTHER);
	look(f, "d/link", INDEX_HASH, &v);
	assert_int_equal(v.kind, INDEX_FILE);
	assert_string_equal(oid_text(&v.oid, text), "acbd18db4cc2f85cedef654fccc4a4d8");
	index_view_release(&v);
}

static void a_directory_link_whose_target_becomes_a_file_is_seen(void **state)
{
	struct fixture *f = *state;
	struct index_view v;

	put(f, "d/real", "bar");
	assert_int_equal(mkdirat(f->fd, "t", 0777), 0);
	assert_int_equal(symlinkat("../t", f->fd, "d/l"), 0);
	learn(f, "d");
	look(f, "d", 0, &v);
	assert_true(v.complete);
	assert_int_equal(v.files_nr, 1);
	index_view_release(&v);
	assert_int_equal(unlinkat(f->fd, "t", AT_REMOVEDIR), 0);
	put(f, "t", "now a file");
	look(f, "d", INDEX_HASH | INDEX_FILES, &v);
	expect_files(&v, "l real");
	index_view_release(&v);
}

static void a_link_on_the_way_is_refused(void **state)
{
	struct fixture *f = *state;
	struct index_view v = {0};
	struct err e = {0};

	put(f, "dir/x", "1");
	assert_int_equal(symlinkat("dir", f->fd, "ln"), 0);
	assert_int_equal(index_look(f->ix, f->odb, "ln/x", OID_MD5, 0, &v, &e),
			 ERR_INVALID);
	assert_non_null(strstr(e.text, "ln/x"));
	assert_int_equal(index_look(f->ix, f->odb, "../x", OID_MD5, 0, &v, &e),
			 ERR_INVALID);
}

static void ignored_files_are_not_there(void **state)
{
	struct fixture *f = *state;
	struct index_view v;

	put(f, "d/a.log", "1");
	put(f, "d/b", "2");
	put(f, "d/tmp/c", "3");
	learn(f, "d");
	look(f, "d", INDEX_FILES, &v);
	expect_files(&v, "a.log b tmp/c");
	index_view_release(&v);
	/* No directory changed, only the rules. */
	put(f, ".dvcignore", "*.log\ntmp/\n");
	new_command(f);
	look(f, "d", INDEX_FILES, &v);
	expect_files(&v, "b");
	index_view_release(&v);
	look(f, "d/a.log", 0, &v);
	assert_int_equal(v.kind, INDEX_NONE);
	look(f, "d/tmp", 0, &v);
	assert_int_equal(v.kind, INDEX_NONE);
	learn(f, "d");
	assert_int_equal(unlinkat(f->fd, ".dvcignore", 0), 0);
	new_command(f);
	look(f, "d", INDEX_FILES, &v);
	expect_files(&v, "a.log b tmp/c");
	index_view_release(&v);
}

static void an_ignore_file_or_a_repository_inside_is_none_of_it(void **state)
{
	struct fixture *f = *state;
	struct index_view v = {0};
	struct err e = {0};
	char want[256];

	put(f, "d/a", "1");
	put(f, "d/sub/.dvc/config", "");
	put(f, "d/sub/b", "1");
	put(f, "d/.git/config", "");
	learn(f, "d");
	look(f, "d", INDEX_FILES, &v);
	expect_files(&v, "a");
	index_view_release(&v);
	assert_int_equal(fs_remove_tree(f->fd, "d/sub/.dvc", NULL), 0);
	look(f, "d", INDEX_FILES, &v);
	expect_files(&v, "a sub/b");
	index_view_release(&v);
	put(f, "d/sub/.dvcignore", "");
	assert_int_equal(index_look(f->ix, f->odb, "d", OID_MD5, 0, &v, &e),
			 ERR_UNSUPPORTED);
	snprintf(want, sizeof(want),
		 ".dvcignore file should not be in collected dir path: '%s/d/sub'",
		 f->dir);
	assert_string_equal(e.text, want);
}

static void a_name_that_is_no_utf8_is_refused_when_hashed(void **state)
{
	struct fixture *f = *state;
	struct index_view v = {0};
	struct err e = {0};

	put(f, "d/ok", "1");
	put(f, "d/b\xff\x01", "1");
	look(f, "d", 0, &v);
	assert_true(v.files[0].flags & INDEX_BAD_NAME);
	index_view_release(&v);
	assert_int_equal(index_look(f->ix, f->odb, "d", OID_MD5, INDEX_HASH, &v, &e),
			 ERR_INVALID);
	assert_non_null(strstr(e.text, "d/b\\xff\\x01"));
}

static void the_two_digests_have_records_of_their_own(void **state)
{
	struct fixture *f = *state;
	struct index_view v = {0};

	put(f, "d/x", "one\r\n");
	learn(f, "d");
	assert_int_equal(index_look(f->ix, f->odb, "d", OID_LEGACY, 0, &v, NULL), 0);
	assert_false(v.complete);
	index_view_release(&v);
	assert_int_equal(index_look(f->ix, f->odb, "d", OID_LEGACY, INDEX_HASH, &v, NULL),
			 0);
	assert_int_equal(v.oid.algo, OID_LEGACY);
	index_remember(f->ix, "d", &v);
	index_view_release(&v);
	assert_int_equal(index_look(f->ix, f->odb, "d", OID_LEGACY, 0, &v, NULL), 0);
	assert_true(v.complete);
	index_view_release(&v);
	look(f, "d", 0, &v);
	assert_true(v.complete && v.oid.algo == OID_MD5);
	index_view_release(&v);
}

static char *only_record(struct fixture *f)
{
	char *dir = xasprintf("%s/index", f->state), *out = NULL;
	DIR *d = opendir(dir);
	struct dirent *ent;

	assert_non_null(d);
	while ((ent = readdir(d)) != NULL)
		if (ent->d_name[0] != '.')
			out = xasprintf("%s/%s", dir, ent->d_name);
	closedir(d);
	free(dir);
	assert_non_null(out);
	return out;
}

static void damage_costs_time_only(void **state)
{
	struct fixture *f = *state;
	struct buf good = {0};
	struct index_view v;
	char *file;

	put(f, "d/x", "one");
	put(f, "d/s/y", "two");
	learn(f, "d");
	file = only_record(f);
	assert_int_equal(fs_read(AT_FDCWD, file, 0, &good, NULL), 0);
	for (size_t i = 0; i < good.n; i++) {
		good.p[i] = (char)(good.p[i] ^ 0x11);
		assert_int_equal(fs_write(AT_FDCWD, file, buf_slice(&good), 0666,
					  FS_SYNC_NONE, NULL),
				 0);
		good.p[i] = (char)(good.p[i] ^ 0x11);
		look(f, "d", 0, &v);
		if (v.complete)
			fail_msg("byte %zu was believed", i);
		index_view_release(&v);
	}
	for (size_t n = 0; n < good.n; n += 7) {
		assert_int_equal(fs_write(AT_FDCWD, file, (struct slice){good.p, n}, 0666,
					  FS_SYNC_NONE, NULL),
				 0);
		look(f, "d", 0, &v);
		assert_false(v.complete);
		index_view_release(&v);
	}
	assert_int_equal(
		fs_write(AT_FDCWD, file, buf_slice(&good), 0666, FS_SYNC_NONE, NULL), 0);
	look(f, "d", 0, &v);
	assert_true(v.complete);
	index_view_release(&v);
	buf_release(&good);
	free(file);
}

static void what_was_placed_is_listed_until_it_is_another(void **state)
{
	struct fixture *f = *state;
	struct strvec paths = {0};
	struct index_view v;

	assert_int_equal(index_placed(f->ix, &paths, NULL), 0);
	assert_int_equal(paths.nr, 0);
	put(f, "b", "one");
	put(f, "a/x", "two");
	put(f, "c", "three");
	learn(f, "c");
	learn(f, "a");
	look(f, "a", 0, &v); /* names no file */
	index_remember_placed(f->ix, "a", &v);
	index_view_release(&v);
	look(f, "b", INDEX_HASH, &v);
	index_remember_placed(f->ix, "b", &v);
	index_remember(f->ix, "b", &v); /* the same bytes */
	index_view_release(&v);
	assert_int_equal(index_placed(f->ix, &paths, NULL), 0);
	assert_int_equal(paths.nr, 2);
	assert_string_equal(paths.v[0], "a");
	assert_string_equal(paths.v[1], "b");
	strvec_release(&paths);
	put(f, "b", "other");
	learn(f, "b");
	index_forget(f->ix, "a");
	assert_int_equal(index_placed(f->ix, &paths, NULL), 0);
	assert_int_equal(paths.nr, 0);
	strvec_release(&paths);
}

static void many_directories_are_shared_out(void **state)
{
	struct fixture *f = *state;
	struct index_view a, b;
	char path[64];

	for (int d = 0; d < 30; d++)
		for (int i = 0; i < 100; i++) {
			snprintf(path, sizeof(path), "d/%02d/%03d", d, i);
			put(f, path, path);
		}
	learn(f, "d");
	assert_non_null(f->pool);
	look(f, "d", INDEX_FILES, &a);
	assert_true(a.complete);
	assert_int_equal(a.nr, 3000);
	look(f, "d", INDEX_HASH | INDEX_DISTRUST, &b);
	assert_true(oid_eq(&a.oid, &b.oid));
	for (size_t i = 0; i < a.nr; i++) {
		assert_string_equal(a.files[i].path, b.files[i].path);
		assert_true(oid_eq(&a.files[i].oid, &b.files[i].oid));
	}
	index_view_release(&a);
	index_view_release(&b);
}

static void an_empty_directory_is_an_empty_list(void **state)
{
	struct fixture *f = *state;
	struct index_view v;
	char text[OID_TEXT_MAX];

	assert_int_equal(mkdirat(f->fd, "d", 0777), 0);
	look(f, "d", INDEX_HASH, &v);
	assert_true(v.complete);
	assert_string_equal(oid_text(&v.oid, text),
			    "d751713988987e9331980363e24189ce.dir");
	index_remember(f->ix, "d", &v);
	index_view_release(&v);
	put(f, "d/x", "1");
	look(f, "d", 0, &v);
	assert_false(v.complete);
	index_view_release(&v);
}

static void a_failing_call_is_told_or_harmless(void **state)
{
	struct fixture *f = *state;
	struct index_view whole;

	put(f, "d/x", "one");
	put(f, "d/s/y", "two");
	learn(f, "d");
	look(f, "d", INDEX_HASH | INDEX_FILES, &whole);
	for (int n = 1;; n++) {
		struct index_view v = {0};
		struct err e = {0};
		int r;

		new_command(f);
		sys_fail_nth(n, EIO);
		r = index_look(f->ix, f->odb, "d", OID_MD5, INDEX_HASH | INDEX_FILES, &v,
			       &e);
		if (r == 0) {
			assert_true(v.complete && oid_eq(&v.oid, &whole.oid));
			assert_int_equal(v.nr, 2);
			index_view_release(&v);
		} else {
			assert_int_equal(r, ERR_IO);
			assert_int_equal(e.sys, EIO);
		}
		if (!sys_fail_hit()) {
			assert_true(n > 8);
			break;
		}
		sys_fail_nth(0, 0);
	}
	sys_fail_nth(0, 0);
	index_view_release(&whole);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_has_the_digest_of_its_bytes),
		T(paths_come_in_byte_order_of_the_whole),
		T(what_is_recorded_is_not_read_again),
		T(each_kind_of_change_is_seen),
		T(an_edit_in_place_of_equal_size_is_seen),
		T(what_changed_just_now_is_not_believed),
		T(a_further_hard_link_changes_nothing),
		T(links_and_special_files_follow_the_rules),
		T(a_directory_link_whose_target_becomes_a_file_is_seen),
		T(a_link_on_the_way_is_refused),
		T(ignored_files_are_not_there),
		T(an_ignore_file_or_a_repository_inside_is_none_of_it),
		T(a_name_that_is_no_utf8_is_refused_when_hashed),
		T(the_two_digests_have_records_of_their_own),
		T(damage_costs_time_only),
		T(what_was_placed_is_listed_until_it_is_another),
		T(many_directories_are_shared_out),
		T(an_empty_directory_is_an_empty_list),
		T(a_failing_call_is_told_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
