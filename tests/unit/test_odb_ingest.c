#include "tests/unit/odb_fixture.h"

static void a_plain_copy_stays_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;
	struct stat st;

	fixture_links(f, ODB_COPY, 0);
	put_text(f, "a", "hello");
	ingest_ok(f, "a", &out);
	assert_false(out.linked);
	st = stat_of(f->ws, "a");
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(out.st.inode, st.st_ino);
	assert_int_equal(out.st.ctime_ns, filestat_of(&st).ctime_ns);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	assert_int_equal(assert_object(f, "hello").st_mode & 0777, 0444);
}

static void a_hard_link_shares_the_inode(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;
	struct stat st;
	long calls;

	fixture_links(f, ODB_HARDLINK, ODB_COPY);
	put_text(f, "a", "hello");
	ingest_ok(f, "a", &out);
	assert_true(out.linked);
	st = stat_of(f->ws, "a");
	assert_int_equal(st.st_mode & 0777, 0444);
	assert_int_equal(st.st_ino, assert_object(f, "hello").st_ino);
	assert_int_equal(out.st.nlink, 2);
	assert_int_equal(out.st.ctime_ns, filestat_of(&st).ctime_ns);
	assert_int_equal(odb_kind_of(f->odb, &out.oid, f->ws, "a"), ODB_HARDLINK);
	calls = sys_calls();
	assert_int_equal(odb_check(f->odb, &out.oid, NULL), 0);
	assert_int_equal(sys_calls() - calls, 1); /* on record */
	/* Again: nothing changes. */
	ingest_ok(f, "a", &out);
	assert_int_equal(stat_of(f->ws, "a").st_nlink, 2);
	assert_int_equal(objects_in(f), 1);
}

static void the_same_bytes_twice_are_one_object(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;

	fixture_links(f, ODB_HARDLINK, 0);
	put_text(f, "a", "hello");
	put_text(f, "b", "hello");
	ingest_ok(f, "a", &out);
	ingest_ok(f, "b", &out);
	assert_int_equal(stat_of(f->ws, "b").st_ino, stat_of(f->ws, "a").st_ino);
	assert_no_temporaries(f->ws);
	/* With copy configured as well, a plain file is good enough. */
	fixture_links(f, ODB_HARDLINK, ODB_COPY);
	put_text(f, "c", "hello");
	ingest_ok(f, "c", &out);
	assert_false(out.linked);
	assert_int_equal(stat_of(f->ws, "c").st_mode & 0777, 0644);
	assert_int_equal(stat_of(f->ws, "c").st_nlink, 1);
}

static void an_executable_is_never_hard_linked(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;

	put_file(f->ws, "run", "#!/bin/sh\n", 10, 0755);
	for (int kind = ODB_HARDLINK; kind <= ODB_SYMLINK; kind++) {
		fixture_links(f, (enum odb_link)kind, 0);
		ingest_ok(f, "run", &out);
		assert_false(out.linked);
		assert_int_equal(stat_of(f->ws, "run").st_mode & 0777, 0755);
		assert_int_equal(stat_of(f->ws, "run").st_nlink, 1);
		assert_int_equal(assert_object(f, "#!/bin/sh\n").st_mode & 0111, 0);
	}
}

static void an_empty_file_is_never_hard_linked(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;

	fixture_links(f, ODB_HARDLINK, 0);
	put_text(f, "a", "");
	ingest_ok(f, "a", &out);
	assert_int_equal(stat_of(f->ws, "a").st_nlink, 1);
	assert_int_equal(stat_of(f->ws, "a").st_mode & 0777, 0644);
	assert_int_equal(assert_object(f, "").st_nlink, 1);
}

static void a_symlink_leads_into_the_cache(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;
	char *path, target[256];
	ssize_t n;

	fixture_links(f, ODB_SYMLINK, 0);
	put_text(f, "a", "hello");
	ingest_ok(f, "a", &out);
	assert_true(out.linked);
	n = readlinkat(f->ws, "a", target, sizeof(target) - 1);
	assert_true(n > 0);
	target[n] = '\0';
	path = object_path(f, &out.oid);
	assert_string_equal(target, path);
	assert_int_equal(assert_object(f, "hello").st_nlink, 1);
	assert_int_equal(odb_kind_of(f->odb, &out.oid, f->ws, "a"), ODB_SYMLINK);
	ingest_ok(f, "a", &out);
	assert_true(S_ISLNK(stat_of(f->ws, "a").st_mode));
	/* With another configuration it becomes a file of its own. */
	fixture_links(f, ODB_COPY, 0);
	ingest_ok(f, "a", &out);
	assert_true(S_ISREG(stat_of(f->ws, "a").st_mode));
	assert_int_equal(stat_of(f->ws, "a").st_mode & 0777, 0644);
	assert_text(f->ws, "a", "hello");
	free(path);
}

static void the_users_own_symlink_becomes_a_file(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;

	fixture_links(f, ODB_HARDLINK, ODB_COPY);
	put_text(f, "target", "hello");
	assert_int_equal(symlinkat("target", f->ws, "link"), 0);
	ingest_ok(f, "link", &out);
	assert_int_equal(odb_kind_of(f->odb, &out.oid, f->ws, "link"), ODB_HARDLINK);
	assert_int_equal(stat_of(f->ws, "target").st_nlink, 1); /* never touched */
	assert_int_equal(stat_of(f->ws, "target").st_mode & 0777, 0644);
}

static void hash_only_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;
	struct oid want = oid_of("hello");

	fixture_links(f, ODB_HARDLINK, 0);
	put_text(f, "a", "hello");
	assert_null(ingest(f, "a", ODB_HASH_ONLY, &out));
	assert_true(oid_eq(&out.oid, &want));
	assert_int_equal(stat_of(f->ws, "a").st_mode & 0777, 0644);
	assert_int_equal(fs_kind(AT_FDCWD, f->cache), 0);
}

static void no_relink_still_links_into_the_cache(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;

	fixture_links(f, ODB_SYMLINK, 0);
	put_text(f, "a", "hello");
	assert_null(ingest(f, "a", ODB_NO_RELINK, &out));
	assert_true(S_ISREG(stat_of(f->ws, "a").st_mode));
	assert_object(f, "hello");
}

static void legacy_files_are_hashed_in_their_way(void **state)
{
	struct fixture *f = *state;
	struct odb_file file = {.name = "a", .oid.algo = OID_LEGACY};
	char text[OID_TEXT_MAX];

	put_file(f->ws, "a", "a\r\nb\r\n", 6, 0644);
	assert_int_equal(odb_ingest(f->odb, f->ws, &file, 1, 0, NULL), 0);
	assert_null(file.err);
	assert_string_equal(oid_text(&file.oid, text),
			    "dd8c6a395b5dd36c56d23275028f526c");
	assert_int_equal(odb_verify(f->odb, &file.oid, NULL), 0);
}

static void one_bad_file_does_not_stop_the_others(void **state)
{
	struct fixture *f = *state;
	struct odb_file files[] = {
		{.name = "a", .oid.algo = OID_MD5},
		{.name = "missing", .oid.algo = OID_MD5},
		{.name = "fifo", .oid.algo = OID_MD5},
		{.name = "broken", .oid.algo = OID_MD5},
		{.name = "dir", .oid.algo = OID_MD5},
		{.name = "b", .oid.algo = OID_MD5},
	};
	static const int want[] = {
		0, ERR_NOTFOUND, ERR_INVALID, ERR_NOTFOUND, ERR_INVALID, 0};

	put_text(f, "a", "1");
	put_text(f, "b", "2");
	assert_int_equal(mkfifoat(f->ws, "fifo", 0644), 0);
	assert_int_equal(symlinkat("nowhere", f->ws, "broken"), 0);
	assert_int_equal(mkdirat(f->ws, "dir", 0755), 0);
	assert_int_equal(odb_ingest(f->odb, f->ws, files, ARRAY_SIZE(files), 0, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(files[i].err ? files[i].err->code : 0, want[i]);
		assert_int_equal(oid_known(&files[i].oid), want[i] == 0);
		free(files[i].err);
	}
	assert_int_equal(objects_in(f), 2);
}

static void put_pattern(int dirfd, const char *name, size_t n, uint64_t seed)
{
	uint8_t *p = xmalloc(n);

	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(seed >> 56);
	}
	put_file(dirfd, name, p, n, 0644);
	free(p);
}

/* Every size that takes another path, in every configuration. */
static void all_sizes_come_out_as_they_went_in(void **state)
{
	static const size_t sizes[] = {9,
				       63,
				       64,
				       4096,
				       300000,
				       (1 << 20) - 1,
				       1 << 20,
				       (1 << 20) + 1,
				       5 * (1 << 20) + 77,
				       700000,
				       600000,
				       800000,
				       900000,
				       1000000,
				       1000001,
				       1000002,
				       1000003,
				       999999};
	struct fixture *f = *state;

	for (int kind = ODB_REFLINK; kind <= ODB_COPY; kind++) {
		struct odb_file files[ARRAY_SIZE(sizes)] = {{0}};
		char names[ARRAY_SIZE(sizes)][32];

		fixture_links(f, (enum odb_link)kind, 0);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			snprintf(names[i], sizeof(names[i]), "%d-%zu", kind, i);
			put_pattern(f->ws, names[i], sizes[i], (uint64_t)kind * 100 + i);
			files[i] =
				(struct odb_file){.name = names[i], .oid.algo = OID_MD5};
		}
		assert_int_equal(
			odb_ingest(f->odb, f->ws, files, ARRAY_SIZE(sizes), 0, NULL), 0);
		assert_int_equal(odb_flush(f->odb, NULL), 0);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct buf b = {0};
			uint8_t digest[16];

			if (files[i].err)
				fail_msg("%s", files[i].err->text);
			assert_int_equal(files[i].st.size, (int64_t)sizes[i]);
			assert_int_equal(odb_verify(f->odb, &files[i].oid, NULL), 0);
			assert_int_equal(fs_read(f->ws, names[i], 0, &b, NULL), 0);
			hash_md5(b.p, b.n, digest);
			assert_memory_equal(digest, files[i].oid.b, 16);
			buf_release(&b);
			/* And back again. */
			struct filestat st;
			enum odb_link used;

			assert_int_equal(unlinkat(f->ws, names[i], 0), 0);
			int r = odb_checkout(f->odb, &files[i].oid, f->ws, names[i],
					     false, &st, &used, NULL);

			/* No clones on this file system: nothing half done. */
			if (kind == ODB_REFLINK && r == ERR_IO)
				assert_int_equal(fs_kind(f->ws, names[i]), 0);
			else
				assert_int_equal(r, 0);
		}
	}
	assert_no_temporaries(f->ws);
	assert_int_equal(objects_in(f), 4 * (int)ARRAY_SIZE(sizes));
}

static void many_small_files_go_through_in_one_call(void **state)
{
	enum {
		NR = 1500
	};
	struct fixture *f = *state;
	struct odb_file *files = xcalloc(NR, sizeof(*files));
	struct oid want;
	char text[32];

	fixture_links(f, ODB_HARDLINK, ODB_COPY);
	for (int i = 0; i < NR; i++) {
		char *name = xasprintf("f%d", i);

		put_text(f, name, name);
		files[i] = (struct odb_file){.name = name, .oid.algo = OID_MD5};
	}
	assert_int_equal(odb_ingest(f->odb, f->ws, files, NR, 0, NULL), 0);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	for (int i = 0; i < NR; i++) {
		snprintf(text, sizeof(text), "f%d", i);
		want = oid_of(text);
		assert_null(files[i].err);
		assert_true(oid_eq(&files[i].oid, &want));
		free((void *)(uintptr_t)files[i].name);
	}
	assert_int_equal(objects_in(f), NR);
	free(files);
}

/* Somebody writes to the workspace file, and so to the object. */
static void an_edit_through_a_hard_link_is_kept_under_its_own_name(void **state)
{
	static const enum odb_link then[] = {ODB_HARDLINK, ODB_COPY, ODB_SYMLINK};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(then); i++) {
		char before[32], after[32];
		struct odb_file out;
		struct oid old;

		snprintf(before, sizeof(before), "before %zu", i);
		snprintf(after, sizeof(after), "edited %zu", i);
		old = oid_of(before);
		fixture_links(f, ODB_HARDLINK, 0);
		unlinkat(f->ws, "a", 0);
		put_text(f, "a", before);
		ingest_ok(f, "a", &out);
		assert_true(odb_has(f->odb, &old));
		put_file(f->ws, "a", after, strlen(after), 0644); /* the same inode */
		fixture_links(f, then[i], 0);
		ingest_ok(f, "a", &out);
		assert_text(f->ws, "a", after);
		assert_object(f, after);
		assert_int_equal(odb_check(f->odb, &old, NULL), ERR_NOTFOUND);
		assert_false(odb_has(f->odb, &old));
		assert_int_equal(odb_kind_of(f->odb, &out.oid, f->ws, "a"), then[i]);
		/* The next edit of a copy does not reach the cache. */
		assert_int_equal(odb_flush(f->odb, NULL), 0);
		assert_int_equal(objects_in(f), (int)i + 1);
	}
}

static void the_users_own_hard_links_are_files_like_others(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;

	fixture_links(f, ODB_HARDLINK, 0);
	put_text(f, "a", "hello");
	assert_int_equal(linkat(f->ws, "a", f->ws, "b", 0), 0);
	ingest_ok(f, "a", &out);
	ingest_ok(f, "b", &out);
	assert_true(out.linked);
	assert_int_equal(stat_of(f->ws, "a").st_nlink, 3);
	assert_int_equal(objects_in(f), 1);
}

static void a_wrong_object_is_replaced_by_good_bytes(void **state)
{
	static const enum odb_link kinds[] = {ODB_HARDLINK, ODB_COPY, ODB_SYMLINK};
	struct fixture *f = *state;
	struct oid oid = oid_of("hello");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct odb_file out;

		fixture_links(f, ODB_COPY, 0);
		assert_int_equal(odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false,
					       &oid, NULL),
				 0);
		assert_int_equal(odb_flush(f->odb, NULL), 0);
		damage_object(f, &oid, "wrong");
		fixture_links(f, kinds[i], 0);
		unlinkat(f->ws, "a", 0);
		put_text(f, "a", "hello");
		ingest_ok(f, "a", &out);
		assert_text(f->ws, "a", "hello");
		assert_object(f, "hello");
	}
	char *kept = xasprintf("%s/lode/lost+found/5d41402abc4b2a76b9719d911017c592.2",
			       f->cache);
	assert_text(AT_FDCWD, kept, "wrong");
	free(kept);
}

static void a_checkout_refuses_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct filestat st;
	enum odb_link used;
	struct oid oid;

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	put_text(f, "a", "mine");
	for (int kind = ODB_REFLINK; kind <= ODB_COPY; kind++) {
		fixture_links(f, (enum odb_link)kind, kind == ODB_REFLINK ? ODB_COPY : 0);
		assert_int_equal(
			odb_checkout(f->odb, &oid, f->ws, "a", false, &st, &used, NULL),
			ERR_EXISTS);
		assert_text(f->ws, "a", "mine");
	}
	assert_no_temporaries(f->ws);
}

static void a_checkout_uses_the_configured_link(void **state)
{
	struct fixture *f = *state;
	struct filestat st;
	enum odb_link used;
	struct oid oid, none = oid_of("none");

	assert_int_equal(
		odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false, &oid, NULL), 0);
	for (int kind = ODB_HARDLINK; kind <= ODB_COPY; kind++) {
		char name[3] = {'a', (char)('0' + kind), 0};

		fixture_links(f, (enum odb_link)kind, 0);
		assert_int_equal(
			odb_checkout(f->odb, &oid, f->ws, name, false, &st, &used, NULL),
			0);
		assert_int_equal(used, kind);
		assert_int_equal(odb_kind_of(f->odb, &oid, f->ws, name), kind);
		assert_int_equal(st.size, 5);
		assert_text(f->ws, name, "hello");
		name[0] = 'x';
		assert_int_equal(
			odb_checkout(f->odb, &oid, f->ws, name, true, &st, &used, NULL),
			0);
		assert_int_equal(stat_of(f->ws, name).st_mode & 07777, 0744);
	}
	assert_int_equal(odb_checkout(f->odb, &none, f->ws, "n", false, &st, &used, NULL),
			 ERR_NOTFOUND);
}

static void an_unprotected_file_is_the_users_own(void **state)
{
	static const enum odb_link kinds[] = {ODB_HARDLINK, ODB_SYMLINK, ODB_COPY};
	struct fixture *f = *state;
	struct odb_file out;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		fixture_links(f, kinds[i], 0);
		unlinkat(f->ws, "a", 0);
		put_text(f, "a", "hello");
		ingest_ok(f, "a", &out);
		assert_int_equal(odb_unprotect(f->odb, f->ws, "a", NULL), 0);
		assert_true(S_ISREG(stat_of(f->ws, "a").st_mode));
		assert_int_equal(stat_of(f->ws, "a").st_nlink, 1);
		assert_int_equal(stat_of(f->ws, "a").st_mode & 0777, 0644);
		assert_text(f->ws, "a", "hello");
		assert_object(f, "hello");
	}
	assert_int_equal(odb_unprotect(f->odb, f->ws, "none", NULL), ERR_NOTFOUND);
}

static void a_file_of_this_moment_is_not_put_on_record(void **state)
{
	struct fixture *f = *state;
	struct odb_file out;
	const struct timespec later[2] = {{.tv_sec = time(NULL) + 3600},
					  {.tv_sec = time(NULL) + 3600}};
	long calls;

	fixture_links(f, ODB_HARDLINK, 0);
	put_text(f, "a", "hello");
	assert_int_equal(utimensat(f->ws, "a", later, 0), 0);
	ingest_ok(f, "a", &out);
	calls = sys_calls();
	assert_int_equal(odb_check(f->odb, &out.oid, NULL), 0);
	assert_true(sys_calls() - calls > 1); /* read again */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_plain_copy_stays_where_it_is),
		CASE(a_hard_link_shares_the_inode),
		CASE(the_same_bytes_twice_are_one_object),
		CASE(an_executable_is_never_hard_linked),
		CASE(an_empty_file_is_never_hard_linked),
		CASE(a_symlink_leads_into_the_cache),
		CASE(the_users_own_symlink_becomes_a_file),
		CASE(hash_only_changes_nothing),
		CASE(no_relink_still_links_into_the_cache),
		CASE(legacy_files_are_hashed_in_their_way),
		CASE(one_bad_file_does_not_stop_the_others),
		CASE(all_sizes_come_out_as_they_went_in),
		CASE(many_small_files_go_through_in_one_call),
		CASE(an_edit_through_a_hard_link_is_kept_under_its_own_name),
		CASE(the_users_own_hard_links_are_files_like_others),
		CASE(a_wrong_object_is_replaced_by_good_bytes),
		CASE(a_checkout_refuses_what_is_there),
		CASE(a_checkout_uses_the_configured_link),
		CASE(an_unprotected_file_is_the_users_own),
		CASE(a_file_of_this_moment_is_not_put_on_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
