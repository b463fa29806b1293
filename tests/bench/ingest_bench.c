/*
 * odb_ingest alone, without a repository around it: every directory directly
 * below DIR is one batch, shared out to the workers.
 *
 *	cc -O2 -D_GNU_SOURCE -I. -o ingest_bench tests/bench/ingest_bench.c \
 *		build/release/liblode.a -lcrypto -lxxhash -pthread
 *	ingest_bench DIR CACHE hardlink|copy|hash|checkout [THREADS]
 *
 * checkout goes the other way: it hashes DIR, and links every file from CACHE to
 * the same name below DIR.out. Prints the seconds of each phase.
 */
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/pool.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/odb/odb.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

struct dir {
	char *name;
	int fd, outfd;
	VEC_OF(struct odb_file) files;
};

struct bench {
	struct odb *odb;
	unsigned flags;
	VEC_OF(struct dir) dirs;
};

static void check(int r, const struct err *e)
{
	if (r < 0)
		die("%s", e->text);
}

static void read_dir(struct dir *d)
{
	struct err e = {0};
	struct fs_dirent ent;
	struct fs_dir *dir;

	check(fs_dir_open(&dir, d->fd, ".", &e), &e);
	while (fs_dir_next(dir, &ent, &e) > 0) {
		struct odb_file f = {.name = xstrdup(ent.name), .oid.algo = OID_MD5};

		vec_push(&d->files, f);
	}
	fs_dir_close(dir);
}

static void ingest(void *ctx, size_t i, unsigned worker)
{
	struct bench *b = ctx;
	struct dir *d = &b->dirs.v[i];
	struct err e = {0};

	(void)worker;
	if (d->files.nr == 0)
		read_dir(d);
	check(odb_ingest(b->odb, d->fd, d->files.v, d->files.nr, b->flags, &e), &e);
	for (size_t k = 0; k < d->files.nr; k++)
		if (d->files.v[k].err)
			die("%s", d->files.v[k].err->text);
}

static void checkout(void *ctx, size_t i, unsigned worker)
{
	struct bench *b = ctx;
	struct dir *d = &b->dirs.v[i];
	struct err e = {0};

	(void)worker;
	for (size_t k = 0; k < d->files.nr; k++) {
		struct filestat st;
		enum odb_link used;

		check(odb_checkout(b->odb, &d->files.v[k].oid, d->outfd,
				   d->files.v[k].name, false, &st, &used, &e),
		      &e);
	}
}

static void phase(const char *name, int64_t *since)
{
	int64_t now = clock_mono_ns();

	printf("%-9s %6.3f\n", name, (double)(now - *since) / 1e9);
	*since = now;
}

static void open_dirs(struct bench *b, const char *root, const char *out)
{
	struct err e = {0};
	struct fs_dirent ent;
	struct fs_dir *dir;

	check(fs_dir_open(&dir, AT_FDCWD, root, &e), &e);
	while (fs_dir_next(dir, &ent, &e) > 0) {
		struct dir d = {.name = xasprintf("%s/%s", root, ent.name), .outfd = -1};
		char *to = xasprintf("%s/%s", out, ent.name);

		d.fd = sys_openat(AT_FDCWD, d.name, O_RDONLY | O_DIRECTORY, 0);
		if (fs_exists(AT_FDCWD, out)) {
			check(fs_mkdirs(AT_FDCWD, to, 0, &e), &e);
			d.outfd = sys_openat(AT_FDCWD, to, O_RDONLY | O_DIRECTORY, 0);
		}
		free(to);
		if (d.fd >= 0)
			vec_push(&b->dirs, d);
	}
	fs_dir_close(dir);
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	struct odb_options o = {.links = {ODB_HARDLINK, ODB_COPY}, .links_nr = 2};
	struct err e = {0};
	struct pool *pool;
	bool is_checkout;
	int64_t since;
	char *out;

	if (argc < 4)
		die("usage: ingest_bench DIR CACHE hardlink|copy|hash|checkout [THREADS]");
	is_checkout = strcmp(argv[3], "checkout") == 0;
	o.dir = argv[2];
	if (strcmp(argv[3], "copy") == 0)
		o.links[0] = ODB_COPY;
	if (is_checkout || strcmp(argv[3], "hash") == 0)
		b.flags = ODB_HASH_ONLY;
	out = xasprintf("%s.out", argv[1]);
	if (is_checkout)
		check(fs_mkdirs(AT_FDCWD, out, 0, &e), &e);
	open_dirs(&b, argv[1], out);
	pool = pool_new(argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 0);
	since = clock_mono_ns();
	check(odb_open(&b.odb, &o, &e), &e);
	pool_for(pool, b.dirs.nr, ingest, &b);
	phase("ingest", &since);
	if (is_checkout) {
		pool_for(pool, b.dirs.nr, checkout, &b);
		phase("checkout", &since);
	}
	check(odb_flush(b.odb, &e), &e);
	phase("flush", &since);
	odb_free(b.odb);
	phase("facts", &since);
	pool_free(pool);
	return 0;
}
