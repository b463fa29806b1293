/* Several workers on one cache; run under ThreadSanitizer as well. */
#include "tests/unit/odb_fixture.h"

#include "store/base/pool.h"

#include <sys/resource.h>

enum {
	DIRS = 8,
	FILES = 150
};

struct job {
	struct fixture *f;
	int dirfd[DIRS];
	struct odb_file *files;
	unsigned flags;
};

/* Names and bytes repeat over the directories: every object is wanted by several. */
static void make_files(struct job *j, int large_nr)
{
	j->files = xcalloc(DIRS * FILES, sizeof(*j->files));
	for (int d = 0; d < DIRS; d++) {
		char dir[16];

		snprintf(dir, sizeof(dir), "d%d", d);
		assert_int_equal(mkdirat(j->f->ws, dir, 0755), 0);
		j->dirfd[d] = openat(j->f->ws, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		for (int i = 0; i < FILES; i++) {
			char *name = xasprintf("f%d", i);
			size_t n = i < large_nr ? ((size_t)1 << 20) + 5 : (size_t)i * 13;
			char *p = xmalloc(n + 1);

			memset(p, 'a' + i % 26, n);
			put_file(j->dirfd[d], name, p, n, 0644);
			j->files[d * FILES + i] =
				(struct odb_file){.name = name, .oid.algo = OID_MD5};
			free(p);
		}
	}
}

static void drop_files(struct job *j)
{
	for (int d = 0; d < DIRS; d++)
		close(j->dirfd[d]);
	for (int i = 0; i < DIRS * FILES; i++) {
		if (j->files[i].err)
			fail_msg("%s", j->files[i].err->text);
		free((void *)(uintptr_t)j->files[i].name);
	}
	free(j->files);
}

static void ingest_dir(void *ctx, size_t i, unsigned worker)
{
	struct job *j = ctx;
	struct err e = {0};

	(void)worker;
	if (odb_ingest(j->f->odb, j->dirfd[i], j->files + i * FILES, FILES, j->flags,
		       &e) < 0)
		fail_msg("%s", e.text);
	for (int k = 0; k < FILES; k++)
		if (!j->files[i * FILES + (size_t)k].err)
			assert_true(
				odb_has(j->f->odb, &j->files[i * FILES + (size_t)k].oid));
}

static void all_workers_agree(struct fixture *f, enum odb_link a, enum odb_link b,
			      int large_nr)
{
	struct pool *pool = pool_new(4);
	struct job j = {.f = f};
	int first;

	fixture_links(f, a, b);
	make_files(&j, large_nr);
	pool_for(pool, DIRS, ingest_dir, &j);
	assert_int_equal(odb_flush(f->odb, NULL), 0);
	first = objects_in(f);
	assert_true(first > 100 && first <= FILES);
	for (int i = 0; i < DIRS * FILES; i++)
		assert_true(oid_eq(&j.files[i].oid, &j.files[i % FILES].oid));
	/* Once more: nothing is added. */
	pool_for(pool, DIRS, ingest_dir, &j);
	assert_int_equal(objects_in(f), first);
	drop_files(&j);
	pool_free(pool);
}

static void workers_may_hard_link_the_same_bytes(void **state)
{
	all_workers_agree(*state, ODB_HARDLINK, ODB_COPY, 0);
}

static void workers_may_copy_the_same_bytes(void **state)
{
	all_workers_agree(*state, ODB_REFLINK, ODB_COPY, 2);
}

static void workers_may_symlink_the_same_bytes(void **state)
{
	all_workers_agree(*state, ODB_SYMLINK, 0, 1);
}

static void sixty_four_descriptors_are_enough(void **state)
{
	struct rlimit was, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	all_workers_agree(*state, ODB_HARDLINK, ODB_COPY, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static void copying_needs_no_more_of_them(void **state)
{
	struct rlimit was, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	all_workers_agree(*state, ODB_COPY, 0, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(workers_may_hard_link_the_same_bytes),
		CASE(workers_may_copy_the_same_bytes),
		CASE(workers_may_symlink_the_same_bytes),
		CASE(sixty_four_descriptors_are_enough),
		CASE(copying_needs_no_more_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
