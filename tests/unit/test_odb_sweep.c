/* Every writing verb, failed at every system call it makes: no debris, no wrong
 * object, no lost byte, and a rerun that succeeds. */
#include "tests/unit/odb_fixture.h"

static const int errnos[] = {ENOSPC, EIO};

/* The cache that a verb starts from: empty, or with other objects. */
static void start_over(struct fixture *f)
{
	struct err e = {0};

	odb_free(f->odb);
	f->odb = NULL;
	if (fs_remove_tree(AT_FDCWD, f->cache, &e) < 0)
		fail_msg("%s", e.text);
	fixture_open(f);
}

static void after_failure(struct fixture *f, int most)
{
	sys_fail_nth(0, 0);
	assert_true(objects_in(f) <= most);
	assert_no_temporaries(f->ws);
}

static void add_bytes_survives_a_failure_at_any_call(void **state)
{
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_SIZE(errnos); k++)
		for (int n = 1;; n++) {
			struct oid oid = {0};
			struct err e = {0};
			int r;

			start_over(f);
			sys_fail_nth(n, errnos[k]);
			r = odb_add_bytes(f->odb, SLICE_LIT("hello"), OID_MD5, false,
					  &oid, &e);
			if (r == 0)
				r = odb_flush(f->odb, &e);
			if (!sys_fail_hit()) {
				assert_int_equal(r, 0);
				assert_true(n > 10); /* it did bite */
				break;
			}
			/* What only costs time may fail unseen. */
			if (r < 0)
				assert_int_equal(e.sys, errnos[k]);
			after_failure(f, 1);
			fixture_open(f);
			assert_int_equal(odb_add_bytes(f->odb, SLICE_LIT("hello"),
						       OID_MD5, false, &oid, &e),
					 0);
			assert_int_equal(odb_flush(f->odb, &e), 0);
			assert_int_equal(assert_object(f, "hello").st_mode & 0777, 0444);
			after_failure(f, 1);
		}
}

static void run_ingest(struct fixture *f, enum odb_link kind, size_t large_n)
{
	uint8_t *large = xcalloc(1, large_n);

	for (size_t k = 0; k < ARRAY_SIZE(errnos); k++)
		for (int n = 1;; n++) {
			struct odb_file files[4] = {{.name = "a", .oid.algo = OID_MD5},
						    {.name = "b", .oid.algo = OID_MD5},
						    {.name = "c", .oid.algo = OID_MD5},
						    {.name = "l", .oid.algo = OID_MD5}};
			static const char *const text[] = {"one", "two", "one"};
			struct err e = {0};
			bool hit, failed = false;
			struct stat sb;
			int r;

			f->o.links[0] = kind;
			f->o.links_nr = 1;
			start_over(f);
			for (int i = 0; i < 3; i++) {
				unlinkat(f->ws, files[i].name, 0);
				put_text(f, files[i].name, text[i]);
			}
			unlinkat(f->ws, "l", 0);
			large[0] = (uint8_t)n;
			put_file(f->ws, "l", large, large_n, 0644);
			sys_fail_nth(n, errnos[k]);
			r = odb_ingest(f->odb, f->ws, files, 4, 0, &e);
			if (r == 0)
				r = odb_flush(f->odb, &e);
			hit = sys_fail_hit();
			sys_fail_nth(0, 0);
			for (int i = 0; i < 4; i++) {
				failed |= files[i].err != NULL;
				free(files[i].err);
			}
			for (int i = 0; i < 3; i++)
				assert_text(f->ws, files[i].name, text[i]);
			assert_int_equal(fstatat(f->ws, "l", &sb, 0), 0);
			assert_int_equal(sb.st_size, (off_t)large_n);
			after_failure(f, 3);
			if (!hit) {
				assert_int_equal(r, 0);
				assert_false(failed);
				assert_true(n > 30);
				break;
			}
			fixture_open(f);
			for (int i = 0; i < 4; i++)
				files[i] = (struct odb_file){.name = files[i].name,
							     .oid.algo = OID_MD5};
			assert_int_equal(odb_ingest(f->odb, f->ws, files, 4, 0, &e), 0);
			for (int i = 0; i < 4; i++)
				if (files[i].err)
					fail_msg("rerun after %d: %s", n,
						 files[i].err->text);
			assert_int_equal(odb_flush(f->odb, &e), 0);
			assert_int_equal(objects_in(f), 3);
			assert_int_equal(assert_object(f, "one").st_mode & 0777, 0444);
		}
	free(large);
}

static void a_hard_linking_ingest_survives_a_failure_at_any_call(void **state)
{
	run_ingest(*state, ODB_HARDLINK, (1 << 20) + 1);
}

static void a_copying_ingest_survives_a_failure_at_any_call(void **state)
{
	run_ingest(*state, ODB_COPY, (1 << 20) + 1);
}

static void a_symlinking_ingest_survives_a_failure_at_any_call(void **state)
{
	run_ingest(*state, ODB_SYMLINK, 70000);
}

static void a_cloning_ingest_survives_a_failure_at_any_call(void **state)
{
	run_ingest(*state, ODB_REFLINK, (1 << 20) + 1);
}

static void checkout_survives_a_failure_at_any_call(void **state)
{
	struct fixture *f = *state;
	struct filestat st;
	enum odb_link used;
	struct oid oid;

	for (int kind = ODB_HARDLINK; kind <= ODB_COPY; kind++)
		for (size_t k = 0; k < ARRAY_SIZE(errnos); k++)
			for (int n = 1;; n++) {
				struct err e = {0};
				int r;

				fixture_links(f, (enum odb_link)kind, 0);
				start_over(f);
				assert_int_equal(odb_add_bytes(f->odb, SLICE_LIT("hello"),
							       OID_MD5, false, &oid, &e),
						 0);
				assert_int_equal(odb_flush(f->odb, &e), 0);
				/* Odd runs must read the bytes, even ones know them. */
				if (n % 2)
					damage_object(f, &oid, "hello");
				fixture_open(f);
				unlinkat(f->ws, "a", 0);
				sys_fail_nth(n, errnos[k]);
				r = odb_checkout(f->odb, &oid, f->ws, "a", false, &st,
						 &used, &e);
				if (!sys_fail_hit()) {
					sys_fail_nth(0, 0);
					assert_int_equal(r, 0);
					assert_true(n > 4);
					/* Both kinds of runs must have come through. */
					if (n > 40)
						break;
					continue;
				}
				sys_fail_nth(0, 0);
				if (fs_kind(f->ws, "a") != 0)
					assert_text(f->ws, "a", "hello");
				after_failure(f, 1);
				unlinkat(f->ws, "a", 0);
				assert_int_equal(odb_checkout(f->odb, &oid, f->ws, "a",
							      false, &st, &used, &e),
						 0);
				assert_text(f->ws, "a", "hello");
			}
}

static void publish_survives_a_failure_at_any_call(void **state)
{
	struct fixture *f = *state;
	struct oid oid = oid_of("hello");

	/* Into an empty cache, and over a wrong object. */
	for (int wrong = 0; wrong < 2; wrong++)
		for (size_t k = 0; k < ARRAY_SIZE(errnos); k++)
			for (int n = 1;; n++) {
				struct tmpfile t = {0};
				struct err e = {0};
				int r;

				f->o.sync = n % 2 ? FS_SYNC_OBJECT : FS_SYNC_BATCH;
				start_over(f);
				if (wrong) {
					assert_int_equal(
						odb_add_bytes(f->odb, SLICE_LIT("hello"),
							      OID_MD5, false, &oid, &e),
						0);
					damage_object(f, &oid, "wrong");
					fixture_open(f);
				}
				sys_fail_nth(n, errnos[k]);
				r = odb_stage(f->odb, &oid, &t, &e);
				if (r == 0 && sys_write(t.fd, "hello", 5) < 0)
					r = err_sys(&e, "write", "x");
				if (r == 0)
					r = odb_publish(f->odb, &oid, &t, oid.b, &e);
				if (r == 0)
					r = odb_flush(f->odb, &e);
				tmpfile_release(&t);
				if (!sys_fail_hit()) {
					assert_int_equal(r, 0);
					assert_true(n > 10);
					break;
				}
				sys_fail_nth(0, 0);
				fixture_open(f);
				r = odb_check(f->odb, &oid, &e);
				assert_true(r == 0 || r == ERR_NOTFOUND ||
					    (wrong && r == ERR_CORRUPT));
				assert_int_equal(odb_add_bytes(f->odb, SLICE_LIT("hello"),
							       OID_MD5, false, &oid, &e),
						 0);
				assert_int_equal(odb_flush(f->odb, &e), 0);
				assert_int_equal(assert_object(f, "hello").st_mode & 0777,
						 0444);
				after_failure(f, 1);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(add_bytes_survives_a_failure_at_any_call),
		CASE(a_hard_linking_ingest_survives_a_failure_at_any_call),
		CASE(a_copying_ingest_survives_a_failure_at_any_call),
		CASE(a_symlinking_ingest_survives_a_failure_at_any_call),
		CASE(a_cloning_ingest_survives_a_failure_at_any_call),
		CASE(checkout_survives_a_failure_at_any_call),
		CASE(publish_survives_a_failure_at_any_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
