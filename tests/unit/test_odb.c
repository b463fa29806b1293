#include "tests/unit/odb_fixture.h"

#include "store/base/lock.h"
#include "store/odb/manifest.h"

static void bytes_get_the_name_of_their_digest(void **state)
{
	struct fixture *f = *state;
	struct oid oid, want = oid_of("hello");
	struct stat st;
	struct buf b = {0};

	assert_int_equal(fs_kind(AT_FDCWD, f->cache), 0); /* made when first needed */
	assert_int_equal(odb_check(f->odb, &want, NULL), ERR_NOTFOUND);
	assert_false(odb_has(f->odb, &want));
	assert_int_equal(fs_kind(AT_FDCWD, f->cache), 0);
	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_true(oid_eq(&oid, &want));
	assert_true(odb_has(f->odb, &oid));
	st = assert_object(f, "hello");
	assert_int_not_equal(st.st_mode & 0777, 0444); /* not durable yet */
	assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	st = assert_object(f, "hello");
	assert_int_equal(st.st_mode & 0777, 0444);
	assert_int_equal(odb_read(f->odb, &oid, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "hello");
	buf_release(&b);
	assert_int_equal(objects_in(f), 1);
}

static void the_empty_object_is_an_object(void **state)
{
	struct fixture *f = *state;
	struct buf b = {0};
	struct oid oid;

	assert_int_equal(
		odb_add_bytes(f->odb, (struct slice){0}, OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	assert_int_equal(odb_read(f->odb, &oid, &b, NULL), 0);
	assert_int_equal(b.n, 0);
	buf_release(&b);
}

static void a_legacy_object_lies_under_the_root(void **state)
{
	struct fixture *f = *state;
	struct oid oid;
	char *path;

	assert_int_equal(odb_add_bytes(f->odb, SLICE_LIT("a\r\nb\r\n"), OID_LEGACY, false,
				       &oid, NULL),
			 0);
	path = xasprintf("%s/dd/8c6a395b5dd36c56d23275028f526c", f->cache);
	assert_text(AT_FDCWD, path, "a\r\nb\r\n");
	free(path);
	assert_true(odb_has(f->odb, &oid));
	assert_int_equal(odb_verify(f->odb, &oid, NULL), 0);
	oid.algo = OID_MD5;
	assert_false(odb_has(f->odb, &oid));
}

static void what_was_verified_is_not_read_again(void **state)
{
	struct fixture *f = *state;
	struct oid oid;
	long calls;

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	fixture_open(f); /* the record survives */
	assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	calls = sys_calls();
	assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	assert_int_equal(sys_calls() - calls, 1); /* one stat */
}

static void an_object_that_others_wrote_is_hashed_once(void **state)
{
	struct fixture *f = *state;
	struct oid oid;
	long calls;

	odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL) == 0
		? (void)0
		: fail();
	damage_object(f, &oid, "hello"); /* the same bytes, another ctime */
	fixture_open(f);
	assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	calls = sys_calls();
	assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	assert_int_equal(sys_calls() - calls, 1);
}

static void wrong_bytes_are_never_handed_out(void **state)
{
	struct fixture *f = *state;
	struct buf b = {0};
	struct filestat st;
	struct oid oid;
	enum odb_link used;
	int fd;

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	damage_object(f, &oid, "hellO");
	assert_int_equal(odb_check(f->odb, &oid, NULL), ERR_CORRUPT);
	assert_int_equal(odb_read(f->odb, &oid, &b, NULL), ERR_CORRUPT);
	assert_int_equal(odb_open_object(f->odb, &oid, &fd, &st, NULL), ERR_CORRUPT);
	for (int kind = ODB_REFLINK; kind <= ODB_COPY; kind++) {
		fixture_links(f, (enum odb_link)kind, kind == ODB_REFLINK ? ODB_COPY : 0);
		assert_int_equal(
			odb_checkout(f->odb, &oid, f->ws, "x", false, &st, &used, NULL),
			ERR_CORRUPT);
		assert_int_equal(fs_kind(f->ws, "x"), 0);
		assert_no_temporaries(f->ws);
	}
	/* And the good ones take its place; the others match nothing: kept. */
	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_object(f, "hello");
	char *kept = xasprintf("%s/lode/lost+found/5d41402abc4b2a76b9719d911017c592",
			       f->cache);
	assert_text(AT_FDCWD, kept, "hellO");
	free(kept);
	buf_release(&b);
}

static void a_directory_or_link_under_an_objects_name_is_corrupt(void **state)
{
	struct fixture *f = *state;
	struct oid oid = oid_of("hello"), other;
	char *path = object_path(f, &oid);

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("x"), OID_MD5, false, &other, NULL), 0);
	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0444), 0);
	assert_int_equal(odb_check(f->odb, &oid, NULL), ERR_CORRUPT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(odb_check(f->odb, &oid, NULL), ERR_CORRUPT);
	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_object(f, "hello");
	free(path);
}

static void a_download_with_another_digest_gets_no_name(void **state)
{
	struct fixture *f = *state;
	struct oid oid = oid_of("hello");
	struct tmpfile t = {0};
	uint8_t digest[16];

	assert_int_equal(odb_stage(f->odb, &oid, &t, NULL), 0);
	assert_int_equal(sys_write(t.fd, "hellO", 5), 0);
	hash_md5("hellO", 5, digest);
	assert_int_equal(odb_publish(f->odb, &oid, &t, digest, NULL), ERR_CORRUPT);
	assert_false(t.live);
	assert_int_equal(objects_in(f), 0);
	assert_int_equal(odb_stage(f->odb, &oid, &t, NULL), 0);
	assert_int_equal(sys_write(t.fd, "hello", 5), 0);
	assert_int_equal(odb_publish(f->odb, &oid, &t, oid.b, NULL), 0);
	assert_int_equal(objects_in(f), 1);
	assert_true(odb_has(f->odb, &oid));
}

static void a_manifest_goes_in_and_comes_out(void **state)
{
	struct fixture *f = *state;
	struct manifest m = {0}, back = {0};
	struct oid a = oid_of("1"), b = oid_of("2"), oid;
	char text[OID_TEXT_MAX];

	manifest_add(&m, "sub/b", &b, 1);
	manifest_add(&m, "a", &a, 1);
	manifest_sort(&m);
	assert_int_equal(odb_add_manifest(f->odb, &m, OID_MD5, &oid, NULL), 0);
	assert_string_equal(oid_text(&oid, text), "b5f318018530f1e739dbb25def02de19.dir");
	assert_int_equal(odb_read_manifest(f->odb, &oid, &back, NULL), 0);
	assert_int_equal(back.nr, 2);
	assert_string_equal(back.v[1].path, "sub/b");
	manifest_release(&back);
	damage_object(f, &oid, "[{\"md5\": ");
	assert_int_equal(odb_read_manifest(f->odb, &oid, &back, NULL), ERR_CORRUPT);
	manifest_release(&m);
}

static void names_are_known_without_a_call_for_each(void **state)
{
	struct fixture *f = *state;
	struct oid oid[3], none = oid_of("not there");
	long calls;

	for (int i = 0; i < 3; i++) {
		char text[2] = {(char)('a' + i), 0};

		assert_int_equal(odb_add_bytes(f->odb, slice_of(text), OID_MD5, false,
					       &oid[i], NULL),
				 0);
	}
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	fixture_open(f);
	for (int i = 0; i < 3; i++)
		assert_true(odb_has(f->odb, &oid[i]));
	assert_false(odb_has(f->odb, &none));
	calls = sys_calls();
	for (int i = 0; i < 3; i++)
		assert_true(odb_has(f->odb, &oid[i]));
	assert_false(odb_has(f->odb, &none));
	assert_int_equal(sys_calls(), calls);
	/* Another process takes one away; the next run sees it. */
	char *path = object_path(f, &oid[1]);
	assert_int_equal(unlink(path), 0);
	free(path);
	fixture_open(f);
	assert_true(odb_has(f->odb, &oid[0]));
	assert_false(odb_has(f->odb, &oid[1]));
	assert_int_equal(odb_remove(f->odb, &oid[0], NULL), 0);
	assert_false(odb_has(f->odb, &oid[0]));
	assert_int_equal(odb_remove(f->odb, &oid[0], NULL), ERR_NOTFOUND);
}

static void a_damaged_record_costs_only_time(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/lode/objects/5d", f->cache);
	struct buf b = {0};
	struct oid oid;

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	fixture_open(f);
	assert_int_equal(fs_read(AT_FDCWD, path, 0, &b, NULL), 0);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x10;
		put_file(AT_FDCWD, path, b.p, b.n, 0644);
		b.p[i] ^= 0x10;
		fixture_open(f);
		assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
		assert_true(odb_has(f->odb, &oid));
	}
	for (size_t n = 0; n < b.n; n += 7) {
		put_file(AT_FDCWD, path, b.p, n, 0644);
		fixture_open(f);
		assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	}
	buf_release(&b);
	free(path);
}

static void a_record_is_of_one_inode_and_one_time(void **state)
{
	struct fixture *f = *state;
	struct oid oid;

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	/* Same size, and an mtime set back: ctime tells. */
	char *path = object_path(f, &oid);
	struct stat st = stat_of(AT_FDCWD, path);
	const struct timespec ts[2] = {st.st_atim, st.st_mtim};

	assert_int_equal(chmod(path, 0644), 0);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "J", 1, 0), 1);
	assert_int_equal(fchmod(fd, 0444), 0);
	assert_int_equal(futimens(fd, ts), 0);
	close(fd);
	assert_int_equal(odb_check(f->odb, &oid, NULL), ERR_CORRUPT);
	free(path);
}

static void an_object_of_another_mode_is_hashed_and_made_0444(void **state)
{
	struct fixture *f = *state;
	struct oid oid;
	char *path;

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	path = object_path(f, &oid);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	assert_int_equal(stat_of(AT_FDCWD, path).st_mode & 0777, 0444);
	free(path);
}

static void a_shared_cache_has_group_directories(void **state)
{
	struct fixture *f = *state;
	struct oid oid;
	char *path;

	f->o.group_shared = true;
	fixture_open(f);
	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	path = xasprintf("%s/files/md5/5d", f->cache);
	assert_int_equal(stat_of(AT_FDCWD, path).st_mode & 07777, 02775);
	assert_int_equal(stat_of(AT_FDCWD, f->cache).st_mode & 07777, 02775);
	assert_int_equal(assert_object(f, "hello").st_mode & 07777, 0444);
	free(path);
}

static void setting_aside_keeps_every_version(void **state)
{
	struct fixture *f = *state;
	struct oid oid;
	char *kept[2];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false,
					       &oid, NULL),
				 0);
		damage_object(f, &oid, i ? "one" : "two");
		assert_int_equal(odb_set_aside(f->odb, &oid, &kept[i], NULL), 0);
		assert_false(odb_has(f->odb, &oid));
	}
	assert_text(AT_FDCWD, kept[0], "two");
	assert_text(AT_FDCWD, kept[1], "one");
	free(kept[0]);
	free(kept[1]);
	assert_int_equal(odb_set_aside(f->odb, &oid, kept, NULL), ERR_NOTFOUND);
}

static int collect(void *ctx, const struct oid *oid, const char *name,
		   const struct filestat *st, struct err *e)
{
	struct buf *b = ctx;

	(void)e;
	buf_addf(b, "%s%s %lld\n", oid_known(oid) ? "" : "? ", name, (long long)st->size);
	return 0;
}

static void each_shows_objects_and_strays(void **state)
{
	struct fixture *f = *state;
	struct buf b = {0};
	struct oid oid;
	char *path;
	int cachefd;

	assert_int_equal(odb_each(f->odb, OID_MD5, collect, &b, NULL), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("[]"), OID_MD5, true, &oid, NULL), 0);
	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	path = xasprintf("%s/files/md5", f->cache);
	cachefd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(cachefd, ".abcdefghijklmnopqrstuv.tmp", "x", 1, 0600);
	put_file(cachefd, "readme", "x", 1, 0600);
	put_file(cachefd, "5d/.abcdefghijklmnopqrstuv.tmp", "xy", 2, 0600);
	assert_int_equal(odb_each(f->odb, OID_MD5, collect, &b, NULL), 0);
	assert_non_null(strstr(buf_str(&b), "? .abcdefghijklmnopqrstuv.tmp 1\n"));
	assert_non_null(strstr(buf_str(&b), "? 5d/.abcdefghijklmnopqrstuv.tmp 2\n"));
	assert_non_null(strstr(buf_str(&b), "\n5d/41402abc4b2a76b9719d911017c592 5\n"));
	assert_non_null(strstr(buf_str(&b), "d7/51713988987e9331980363e24189ce.dir 2\n"));
	assert_null(strstr(buf_str(&b), "readme"));
	assert_int_equal(
		odb_remove_stray(f->odb, OID_MD5, "5d/.abcdefghijklmnopqrstuv.tmp", NULL),
		0);
	assert_int_equal(
		odb_remove_stray(f->odb, OID_MD5, ".abcdefghijklmnopqrstuv.tmp", NULL),
		0);
	assert_int_equal(objects_in(f), 2);
	close(cachefd);
	free(path);
	buf_release(&b);
}

static void gc_waits_for_those_who_add(void **state)
{
	struct fixture *f = *state;
	struct lock a = {0}, b = {0}, gc = {0};

	assert_int_equal(odb_lock(f->odb, false, LOCK_WAIT_NOT, &a, NULL, NULL), 0);
	assert_int_equal(odb_lock(f->odb, false, LOCK_WAIT_NOT, &b, NULL, NULL), 0);
	assert_int_equal(odb_lock(f->odb, true, LOCK_WAIT_NOT, &gc, NULL, NULL),
			 ERR_LOCKED);
	lock_drop(&a);
	lock_drop(&b);
	assert_int_equal(odb_lock(f->odb, true, LOCK_WAIT_NOT, &gc, NULL, NULL), 0);
	lock_drop(&gc);
}

static void many_objects_are_synced_at_once(void **state)
{
	struct fixture *f = *state;
	struct oid oid;
	char text[32];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "object %d", i);
		assert_int_equal(
			odb_add_bytes(f->odb, slice_of(text), OID_MD5, false, &oid, NULL),
			0);
	}
	long calls = sys_calls();
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	assert_true(sys_calls() - calls <= 1 + 2 * 100); /* syncfs; chmod and stat each */
	assert_int_equal(objects_in(f), 100);
}

static void a_failed_sync_is_final(void **state)
{
	struct fixture *f = *state;
	struct oid oid;

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	sys_fail_writes_only(true);
	sys_fail_nth(1, EIO);
	assert_int_equal(odb_flush(f->odb, NULL), ERR_IO);
	sys_fail_nth(0, 0);
	sys_fail_writes_only(false);
	assert_int_equal(odb_flush(f->odb, NULL), ERR_IO);
	assert_int_not_equal(assert_object(f, "hello").st_mode & 0777, 0444);
	fixture_open(f);
	assert_int_equal(odb_check(f->odb, &oid, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	assert_int_equal(assert_object(f, "hello").st_mode & 0777, 0444);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bytes_get_the_name_of_their_digest),
		CASE(the_empty_object_is_an_object),
		CASE(a_legacy_object_lies_under_the_root),
		CASE(what_was_verified_is_not_read_again),
		CASE(an_object_that_others_wrote_is_hashed_once),
		CASE(wrong_bytes_are_never_handed_out),
		CASE(a_directory_or_link_under_an_objects_name_is_corrupt),
		CASE(a_download_with_another_digest_gets_no_name),
		CASE(a_manifest_goes_in_and_comes_out),
		CASE(names_are_known_without_a_call_for_each),
		CASE(a_damaged_record_costs_only_time),
		CASE(a_record_is_of_one_inode_and_one_time),
		CASE(an_object_of_another_mode_is_hashed_and_made_0444),
		CASE(a_shared_cache_has_group_directories),
		CASE(setting_aside_keeps_every_version),
		CASE(each_shows_objects_and_strays),
		CASE(gc_waits_for_those_who_add),
		CASE(many_objects_are_synced_at_once),
		CASE(a_failed_sync_is_final),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
