/* An empty workspace and a cache that is not there yet, in a directory of their own. */
#ifndef TESTS_UNIT_ODB_FIXTURE_H
#define TESTS_UNIT_ODB_FIXTURE_H

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/odb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char *dir, *cache;
	int ws; /* the workspace */
	struct odb *odb;
	struct odb_options o;
};

UNUSED static void fixture_open(struct fixture *f)
{
	struct err e = {0};

	odb_free(f->odb);
	f->odb = NULL;
	if (odb_open(&f->odb, &f->o, &e) < 0)
		fail_msg("%s", e.text);
}

UNUSED static void fixture_links(struct fixture *f, enum odb_link a, enum odb_link b)
{
	f->o.links[0] = a;
	f->o.links[1] = b;
	f->o.links_nr = b ? 2 : 1;
	fixture_open(f);
}

UNUSED static int fixture_setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	char *ws;

	f->dir = xstrdup("/tmp/lode-odb-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->cache = xasprintf("%s/cache", f->dir);
	ws = xasprintf("%s/ws", f->dir);
	assert_int_equal(mkdir(ws, 0755), 0);
	f->ws = open(ws, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->ws >= 0);
	free(ws);
	f->o = (struct odb_options){.dir = f->cache};
	fixture_open(f);
	*state = f;
	return 0;
}

UNUSED static int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	sys_fail_nth(0, 0);
	odb_free(f->odb);
	close(f->ws);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	free(f->cache);
	free(f->dir);
	free(f);
	return 0;
}

/* mtime a minute ago: old enough to be believed. */
UNUSED static void put_file(int dirfd, const char *name, const void *p, size_t n,
			    mode_t mode)
{
	static int nth; /* no two at the same time */
	const struct timespec old[2] = {{.tv_sec = time(NULL) - 60, .tv_nsec = ++nth},
					{.tv_sec = time(NULL) - 60, .tv_nsec = nth}};
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(futimens(fd, old), 0);
	close(fd);
}

UNUSED static void put_text(struct fixture *f, const char *name, const char *text)
{
	put_file(f->ws, name, text, strlen(text), 0644);
}

UNUSED static void assert_text(int dirfd, const char *name, const char *want)
{
	struct buf b = {0};

	if (fs_read(dirfd, name, 0, &b, NULL) < 0)
		fail_msg("'%s' cannot be read", name);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

UNUSED static struct oid oid_of(const char *text)
{
	struct oid oid = {.algo = OID_MD5};

	hash_md5(text, strlen(text), oid.b);
	return oid;
}

UNUSED static struct stat stat_of(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("'%s' is not there", name);
	return st;
}

UNUSED static char *object_path(struct fixture *f, const struct oid *oid)
{
	struct buf b = {0};

	odb_object_path(f->odb, oid, &b);
	return buf_detach(&b);
}

/* The object's stat, and its bytes must be want. */
UNUSED static struct stat assert_object(struct fixture *f, const char *want)
{
	struct oid oid = oid_of(want);
	char *path = object_path(f, &oid);
	struct stat st = stat_of(AT_FDCWD, path);

	assert_text(AT_FDCWD, path, want);
	free(path);
	return st;
}

/* Write over an object's bytes as a program does that edits through a link. */
UNUSED static void damage_object(struct fixture *f, const struct oid *oid,
				 const char *with)
{
	char *path = object_path(f, oid);

	assert_int_equal(chmod(path, 0644), 0);
	put_file(AT_FDCWD, path, with, strlen(with), 0444);
	free(path);
}

/* Hash every object and count all files below the object directories. */
UNUSED static int check_each(void *ctx, const struct oid *oid, const char *name,
			     const struct filestat *st, struct err *e)
{
	void **c = ctx;
	int *nr = c[1];

	(void)st;
	(void)e;
	if (!oid_known(oid))
		fail_msg("debris: '%s'", name);
	if (odb_verify(c[0], oid, NULL) < 0)
		fail_msg("a wrong object: '%s'", name);
	++*nr;
	return 0;
}

UNUSED static int objects_in(struct fixture *f)
{
	int nr = 0;
	void *ctx[2] = {f->odb, &nr};
	struct err e = {0};

	if (odb_each(f->odb, OID_MD5, check_each, ctx, &e) < 0)
		fail_msg("%s", e.text);
	return nr;
}

UNUSED static void assert_no_temporaries(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	const struct dirent *ent;

	assert_non_null(d);
	while ((ent = readdir(d)) != NULL)
		if (strstr(ent->d_name, ".tmp"))
			fail_msg("debris in the workspace: '%s'", ent->d_name);
	closedir(d);
}

/* Ingest one file; NULL or its error, which the caller frees. */
UNUSED static struct err *ingest(struct fixture *f, const char *name, unsigned flags,
				 struct odb_file *out)
{
	struct odb_file file = {.name = name, .oid.algo = OID_MD5};
	struct err e = {0};

	file.is_exec = (stat_of(f->ws, name).st_mode & 0111) != 0 &&
		       !S_ISLNK(stat_of(f->ws, name).st_mode);
	if (odb_ingest(f->odb, f->ws, &file, 1, flags, &e) < 0)
		fail_msg("%s", e.text);
	if (out)
		*out = file;
	return file.err;
}

UNUSED static void ingest_ok(struct fixture *f, const char *name, struct odb_file *out)
{
	struct err *e = ingest(f, name, 0, out);

	if (e)
		fail_msg("%s", e->text);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

#endif
