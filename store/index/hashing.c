#include "store/index/hashing.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/base/utf8.h"
#include "store/index/scan.h"
#include "store/odb/odb.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A batch fills the lanes several times, and is short enough to share out. */
#define BATCH_FILES 128
#define BATCH_BYTES (INT64_C(64) << 20)
#define POOL_BYTES  (UINT64_C(1) << 20)

struct batch {
	struct index_dir *d;
	uint32_t first, nr; /* of the directory's unknown files, counted on */
};

struct run {
	struct hashing *h;
	struct scan *s;
	VEC_OF(struct batch) batches;
	atomic_bool failed;
	pthread_mutex_t lock;
	int code;
	struct err err;
};

static void fail(struct run *k, int code, const struct err *e)
{
	pthread_mutex_lock(&k->lock);
	if (k->code == 0) {
		k->code = code;
		k->err = *e;
	}
	pthread_mutex_unlock(&k->lock);
	atomic_store(&k->failed, true);
}

static bool wants_digest(const struct index_file *f)
{
	return !oid_known(&f->oid) && !(f->flags & (INDEX_BROKEN | INDEX_SPECIAL));
}

static void take_result(struct index_file *f, const struct odb_file *of)
{
	f->oid = of->oid;
	f->st = of->st;
	f->flags &= ~(unsigned)INDEX_EXEC;
	if (of->st.mode & 0111)
		f->flags |= INDEX_EXEC;
}

/* Where a link to a file leads: its directory and name. malloc'ed, NULL on failure. */
static char *real_target(int dirfd, const char *name, struct err *e)
{
	char *proc = xasprintf("/proc/self/fd/%d/%s", dirfd, name);
	char *real = fs_real(proc, e);

	free(proc);
	return real;
}

static int ingest_one(struct odb *odb, int dirfd, const char *name, enum oid_algo algo,
		      struct index_file *f, struct err *e)
{
	struct odb_file of = {.name = name,
			      .is_exec = (f->flags & INDEX_EXEC) != 0,
			      .oid.algo = (uint8_t)algo};
	int r = odb_ingest(odb, dirfd, &of, 1, ODB_HASH_ONLY, e);

	if (of.err) {
		r = of.err->code;
		if (e)
			*e = *of.err;
		free(of.err);
	}
	if (r == 0)
		take_result(f, &of);
	return r;
}

static int hash_link(struct odb *odb, int dirfd, const char *name, enum oid_algo algo,
		     struct index_file *f, struct err *e)
{
	char *real = real_target(dirfd, name, e), *dir = NULL;
	struct slice base, up;
	int fd, r;

	if (!real)
		return ERR_NOTFOUND;
	up = path_dir(real);
	base = path_base(real);
	dir = xmemdup0(up.p, up.n);
	fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		r = err_sys(e, "open", dir);
	} else {
		r = ingest_one(odb, fd, base.p, algo, f, e);
		sys_close(fd);
	}
	free(dir);
	free(real);
	return r;
}

static int hash_once(struct odb *odb, int dirfd, const char *name, enum oid_algo algo,
		     struct index_file *f, struct err *e)
{
	if (f->flags & INDEX_SYMLINK)
		return hash_link(odb, dirfd, name, algo, f, e);
	return ingest_one(odb, dirfd, name, algo, f, e);
}

int hashing_one(struct odb *odb, int dirfd, const char *name, const char *path,
		enum oid_algo algo, struct index_file *f, struct err *e)
{
	bool is_dir, is_gone;
	int r = hash_once(odb, dirfd, name, algo, f, e);

	/* It changed while it was read: look again, once. */
	if (r == ERR_CONFLICT || r == ERR_NOTFOUND) {
		if ((r = scan_stat(dirfd, name, f, &is_dir, &is_gone, e)) < 0)
			return r;
		r = is_dir || is_gone || (f->flags & (INDEX_BROKEN | INDEX_SPECIAL))
			    ? ERR_CONFLICT
			    : hash_once(odb, dirfd, name, algo, f, e);
	}
	if (r == ERR_CONFLICT || r == ERR_NOTFOUND)
		return err_set(e, ERR_CONFLICT, "'%s': changed while it was read", path);
	return r;
}

static char *path_of(const struct run *k, const struct index_dir *d, const char *name)
{
	struct buf dir = {0}, out = {0};

	scan_path(d, &dir);
	buf_addf(&out, "%s/%s%s%s", k->s->path, buf_str(&dir), dir.n ? "/" : "", name);
	buf_release(&dir);
	return buf_detach(&out);
}

static int again(struct run *k, struct batch *b, int fd, struct index_file *f,
		 struct err *e)
{
	char *path = path_of(k, b->d, f->path);
	int r = hashing_one(k->h->odb, fd, f->path, path, k->s->algo, f, e);

	free(path);
	return r;
}

/* Plain files go in one call; those that failed, and links, one by one. */
static int hash_batch(struct run *k, struct batch *b, int fd, struct err *e)
{
	struct odb_file *of = xcalloc(b->nr, sizeof(*of));
	struct index_file **files = xcalloc(b->nr, sizeof(struct index_file *));
	size_t nr = 0, left = b->nr;
	int r = 0;

	for (size_t i = b->first; left > 0; i++) {
		struct index_file *f = &b->d->files[i];

		if (!wants_digest(f))
			continue;
		left--;
		if (f->flags & INDEX_SYMLINK) {
			if (r == 0)
				r = again(k, b, fd, f, e);
			continue;
		}
		files[nr] = f;
		of[nr++] = (struct odb_file){.name = f->path,
					     .is_exec = (f->flags & INDEX_EXEC) != 0,
					     .oid.algo = (uint8_t)k->s->algo};
	}
	if (r == 0 && nr > 0)
		r = odb_ingest(k->h->odb, fd, of, nr, ODB_HASH_ONLY, e);
	for (size_t i = 0; i < nr; i++) {
		int code = of[i].err ? of[i].err->code : 0;

		if (r == 0 && code == 0) {
			take_result(files[i], &of[i]);
		} else if (r == 0 && (code == ERR_CONFLICT || code == ERR_NOTFOUND)) {
			r = again(k, b, fd, files[i], e);
		} else if (r == 0) {
			r = code;
			*e = *of[i].err;
		}
		free(of[i].err);
	}
	free(files);
	free(of);
	return r;
}

static void run_batch(void *ctx, size_t i, unsigned worker)
{
	struct run *k = ctx;
	struct batch *b = &k->batches.v[i];
	struct err e = {0};
	uint64_t bytes = 0;
	int fd = -1, r;

	(void)worker;
	if (atomic_load(&k->failed))
		return;
	if ((r = interrupt_check(&e)) == 0 &&
	    (r = scan_open_dir(k->s, b->d, &fd, &e)) == 0) {
		for (size_t n = 0, at = b->first; n < b->nr; at++) {
			if (!wants_digest(&b->d->files[at]))
				continue;
			n++;
			bytes += (uint64_t)b->d->files[at].st.size;
		}
		r = hash_batch(k, b, fd, &e);
		sys_close(fd);
	}
	if (r < 0)
		fail(k, r, &e);
	else
		sink_add(k->h->sink, b->nr, bytes);
}

static void cut_batches(struct run *k, struct index_dir *d)
{
	struct batch b = {.d = d};
	int64_t bytes = 0;

	if (d->same)
		return; /* all known */
	for (size_t i = 0; i < d->files_nr; i++) {
		if (!wants_digest(&d->files[i]))
			continue;
		if (b.nr == 0)
			b.first = (uint32_t)i;
		b.nr++;
		bytes += d->files[i].st.size;
		if (b.nr < BATCH_FILES && bytes < BATCH_BYTES)
			continue;
		vec_push(&k->batches, b);
		b.nr = 0;
		bytes = 0;
	}
	if (b.nr > 0)
		vec_push(&k->batches, b);
}

/* What was hashed may be newer than what was scanned. */
static void recount(struct scan *s, struct index_dir *d)
{
	for (size_t i = 0, nr = index_dir_files_nr(d); i < nr; i++) {
		struct index_file f = index_dir_file(d, i);

		if (f.flags & (INDEX_BROKEN | INDEX_SPECIAL))
			continue;
		s->bytes += (uint64_t)f.st.size;
		if (!d->same &&
		    scan_is_racy(f.st.mtime_ns, f.st.nlink > 1 ? 0 : f.st.ctime_ns,
				 s->marker_ns))
			d->files[i].flags |= INDEX_RACY;
	}
}

static void each_dir(struct scan *s, struct run *k)
{
	VEC_OF(struct index_dir *) todo = {0};

	vec_push(&todo, s->top);
	while (todo.nr > 0) {
		struct index_dir *d = todo.v[--todo.nr];

		if (k)
			cut_batches(k, d);
		else
			recount(s, d);
		for (size_t i = d->subs_nr; i-- > 0;)
			vec_push(&todo, d->subs[i]);
	}
	vec_release(&todo);
}

int hashing_run(struct hashing *h, struct err *e)
{
	struct run k = {.h = h, .s = h->scan};
	struct pool *pool = NULL;

	pthread_mutex_init(&k.lock, NULL);
	each_dir(k.s, &k);
	if (k.batches.nr > 1 && h->pool &&
	    (k.s->unknown_nr > BATCH_FILES || k.s->unknown_bytes > POOL_BYTES))
		pool = h->pool(h->pool_ctx);
	sink_begin(h->sink, "hashing", k.s->unknown_nr, k.s->unknown_bytes);
	pool_for(pool, k.batches.nr, run_batch, &k);
	sink_end(h->sink);
	if (k.code == 0) {
		k.s->unknown_nr = k.s->unknown_bytes = 0;
		k.s->bytes = 0;
		each_dir(k.s, NULL);
	} else if (e) {
		*e = k.err;
	}
	vec_release(&k.batches);
	pthread_mutex_destroy(&k.lock);
	return k.code;
}

int hashing_bad_name(const struct scan *s, struct err *e)
{
	struct buf shown = {0}, path = {0};
	VEC_OF(const struct index_dir *) todo = {0};
	int r = 0;

	vec_push(&todo, s->top);
	while (r == 0 && todo.nr > 0) {
		const struct index_dir *d = todo.v[--todo.nr];
		const char *bad = NULL;

		if (!utf8_valid(d->name, d->name_n))
			bad = "";
		for (size_t i = 0; !bad && i < index_dir_files_nr(d); i++) {
			struct index_file f = index_dir_file(d, i);

			if (f.flags & INDEX_BAD_NAME)
				bad = f.path;
		}
		for (size_t i = 0; i < d->subs_nr; i++)
			vec_push(&todo, d->subs[i]);
		if (!bad)
			continue;
		scan_path(d, &path);
		if (path.n > 0 && *bad)
			buf_addc(&path, '/');
		buf_adds(&path, bad);
		text_escape(&shown, buf_slice(&path));
		r = err_set(e, ERR_INVALID, "'%s/%s': the name is no UTF-8", s->path,
			    buf_str(&shown));
	}
	vec_release(&todo);
	buf_release(&path);
	buf_release(&shown);
	return r;
}
