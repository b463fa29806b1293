/*
 * Giving objects their names, and making them durable.
 *
 *	written -> named, 0644 -> synced -> 0444, on record as verified
 *
 * 0444 is DVC's sign for "verified, need not be read". A power cut can leave a
 * name without its bytes until the sync is through, so an object that we wrote
 * gets that mode only afterwards: until then DVC, and we, would hash it.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"
#include "store/odb/manifest.h"
#include "store/odb/odb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* From so many objects and directories on one syncfs is cheaper than an fsync for
 * each: every one waits for the disk to empty its cache. */
#define SYNCFS_NR 64
/* A corrupt object that reappears under our hands is a fight we do not win. */
#define SETTLE_TRIES 4

void odb_touched(struct odb *odb, const struct oid *oid)
{
	atomic_store(&odb->dirty_dir[odb_half(oid->algo)][oid->b[0]], true);
	odb_fact_appeared(odb, oid);
}

void odb_pend(struct odb *odb, const struct oid *oid, const struct filestat *st,
	      bool needs_sync)
{
	const struct pending p = {
		.oid = *oid,
		.needs_sync = needs_sync,
		.inode = st->inode,
		.size = st->size,
		.mtime_ns = st->mtime_ns,
	};

	if (odb_fact_pending(odb, oid, true))
		return;
	pthread_mutex_lock(&odb->pending_lock);
	vec_push(&odb->pending, p);
	pthread_mutex_unlock(&odb->pending_lock);
}

/* Before it gets its name: by the policy durable, and then 0444, or neither yet. */
static int finish_temporary(struct odb *odb, struct tmpfile *t, struct filestat *st,
			    struct err *e)
{
	struct stat sb;
	int r = 0;

	if (odb->sync == FS_SYNC_OBJECT)
		r = tmpfile_sync(t, e);
	/* A file system that knows no modes costs time, not the object. */
	if (r == 0 && odb->sync != FS_SYNC_BATCH && sys_fchmod(t->fd, 0444) < 0 &&
	    errno != EPERM && errno != EOPNOTSUPP)
		r = err_sys(e, "chmod", t->name);
	if (r == 0 && sys_fstat(t->fd, &sb) < 0)
		r = err_sys(e, "fstat", t->name);
	if (r == 0)
		*st = filestat_of(&sb);
	return r;
}

/* It has its name now; the rename changed its ctime. */
static int record(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
		  struct filestat *st, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct filestat several = *st;
	struct stat sb;

	odb_touched(odb, oid);
	if (odb->sync == FS_SYNC_BATCH) {
		several.nlink = 2; /* the flush will look at ctime */
		odb_fact_set(odb, oid, &several, INT64_MAX);
		odb_pend(odb, oid, st, true);
		return 0;
	}
	if (odb->sync == FS_SYNC_OBJECT && sys_fsync(d->fd) < 0)
		return err_sys(e, "fsync", "an object directory");
	if (sys_fstatat(d->fd, odb_name(oid, name), &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_ino == st->inode) {
		*st = filestat_of(&sb);
		odb_fact_set(odb, oid, st, INT64_MAX);
	}
	return 0;
}

int odb_settle(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
	       struct tmpfile *t, struct filestat *st, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct filestat ours;
	int r = finish_temporary(odb, t, &ours, e);

	odb_name(oid, name);
	for (int i = 0; r == 0 && i < SETTLE_TRIES; i++) {
		r = tmpfile_publish(t, d->fd, name, e);
		if (r == 0) {
			r = record(odb, oid, d, &ours, e);
			*st = ours;
			return r;
		}
		if (r != ERR_EXISTS)
			return r;
		/*
		 * A name that exists is no proof of its bytes: it stays if they
		 * are right, else ours, which were just hashed, take its place.
		 */
		r = odb_check_in(odb, oid, d, st, e);
		if (r == 0)
			return 0;
		if (r == ERR_NOTFOUND)
			r = 0;
		else if (r == ERR_CORRUPT)
			r = odb_push_aside(odb, oid, d, NULL, e);
		if (r == 0 && i + 1 == SETTLE_TRIES)
			r = err_set(e, ERR_CORRUPT,
				    "object '%s' is being rewritten by another program",
				    name);
	}
	return r;
}

int odb_stage(struct odb *odb, const struct oid *oid, struct tmpfile *t, struct err *e)
{
	struct odb_dir d;
	int base, r = odb_get_dir(odb, odb_half(oid->algo), oid->b[0], ODB_CREATE, &d, e);

	if (r < 0)
		return r;
	/* The temporary borrows the directory: one that is closed again will not do. */
	if (d.is_cached) {
		r = tmpfile_open(t, d.fd, 0644, e);
	} else {
		r = odb_base_fd(odb, odb_half(oid->algo), ODB_CREATE, &base, e);
		if (r == 0)
			r = tmpfile_open(t, base, 0644, e);
	}
	odb_put_dir(&d);
	return r;
}

int odb_publish(struct odb *odb, const struct oid *oid, struct tmpfile *t,
		const uint8_t digest[16], struct err *e)
{
	char text[OID_TEXT_MAX], got[33];
	struct filestat st;
	struct odb_dir d;
	int r;

	if (memcmp(digest, oid->b, 16) != 0) {
		r = err_set(e, ERR_CORRUPT, "object '%s' arrived with the digest %s",
			    oid_text(oid, text), hex_encode(digest, 16, got));
		goto out;
	}
	r = odb_get_dir(odb, odb_half(oid->algo), oid->b[0], ODB_CREATE, &d, e);
	if (r < 0)
		goto out;
	r = odb_settle(odb, oid, &d, t, &st, e);
	odb_put_dir(&d);
out:
	tmpfile_release(t);
	return r;
}

int odb_add_bytes(struct odb *odb, struct slice data, enum oid_algo algo, bool is_dir,
		  struct oid *out, struct err *e)
{
	struct oid oid = {.algo = (uint8_t)algo, .is_dir = is_dir};
	struct tmpfile t = {0};
	struct filestat st;
	struct odb_dir d;
	int r;

	if (algo == OID_LEGACY && !is_dir)
		hash_dos2unix(data.p, data.n, oid.b);
	else
		hash_md5(data.p, data.n, oid.b);
	r = odb_get_dir(odb, odb_half(algo), oid.b[0], ODB_CREATE, &d, e);
	if (r < 0)
		return r;
	r = odb_check_in(odb, &oid, &d, &st, e);
	if (r == ERR_NOTFOUND || r == ERR_CORRUPT) {
		r = tmpfile_open(&t, d.fd, 0644, e);
		if (r == 0 && data.n > 0 && sys_write(t.fd, data.p, data.n) < 0)
			r = err_sys(e, "write", "an object");
		if (r == 0)
			r = odb_settle(odb, &oid, &d, &t, &st, e);
	}
	if (r == 0)
		*out = oid;
	tmpfile_release(&t);
	odb_put_dir(&d);
	return r;
}

int odb_add_manifest(struct odb *odb, const struct manifest *m, enum oid_algo algo,
		     struct oid *out, struct err *e)
{
	struct buf bytes = {0};
	int r = manifest_write(m, &bytes, e);

	if (r == 0)
		r = odb_add_bytes(odb, buf_slice(&bytes), algo, true, out, e);
	buf_release(&bytes);
	return r;
}

static int sync_one(struct odb *odb, const struct pending *p, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct odb_dir d;
	int fd, r = odb_get_dir(odb, odb_half(p->oid.algo), p->oid.b[0], ODB_MUST_EXIST,
				&d, e);

	if (r < 0)
		return r == ERR_NOTFOUND ? err_clear(e) : r;
	fd = sys_openat(d.fd, odb_name(&p->oid, name), O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0 && errno != ENOENT)
		r = err_sys(e, "open", name);
	if (fd >= 0 && sys_fsync(fd) < 0)
		r = err_sys(e, "fsync", name);
	if (fd >= 0)
		sys_close(fd);
	odb_put_dir(&d);
	return r;
}

/* The directories above the prefixes, when one was made. */
static int sync_base(struct odb *odb, unsigned half, struct err *e)
{
	struct slice parent = path_dir(odb->dir);
	int base, r = odb_base_fd(odb, half, ODB_CREATE, &base, e);
	char *up;

	if (r < 0)
		return r;
	if (sys_fsync(base) < 0 || sys_fsync(atomic_load(&odb->rootfd)) < 0)
		return err_sys(e, "fsync", odb->dir);
	if (half == 0)
		r = fs_sync_dir(atomic_load(&odb->rootfd), "files", e);
	up = xmemdup0(parent.p, parent.n);
	if (r == 0)
		r = fs_sync_dir(AT_FDCWD, up, e);
	free(up);
	return r;
}

static int sync_dirs(struct odb *odb, struct err *e)
{
	int r = 0;

	for (unsigned h = 0; h < ODB_HALVES; h++) {
		for (unsigned p = 0; p < ODB_PREFIXES; p++) {
			struct odb_dir d;

			if (!atomic_exchange(&odb->dirty_dir[h][p], false))
				continue;
			r = odb_get_dir(odb, h, p, ODB_MUST_EXIST, &d, e);
			if (r == ERR_NOTFOUND)
				continue;
			if (r == 0 && sys_fsync(d.fd) < 0)
				r = err_sys(e, "fsync", "an object directory");
			if (r < 0)
				return r;
			odb_put_dir(&d);
		}
		if (atomic_exchange(&odb->dirty_base[h], false)) {
			r = sync_base(odb, h, e);
			if (r < 0)
				return r;
		}
	}
	return err_clear(e);
}

static size_t dirty_dirs(const struct odb *odb)
{
	size_t nr = 0;

	for (unsigned h = 0; h < ODB_HALVES; h++)
		for (unsigned p = 0; p < ODB_PREFIXES; p++)
			nr += atomic_load(&odb->dirty_dir[h][p]);
	return nr;
}

static int sync_all(struct odb *odb, struct err *e)
{
	/* First the marks, then the sync: a name made in between is marked anew. */
	for (unsigned h = 0; h < ODB_HALVES; h++) {
		for (unsigned p = 0; p < ODB_PREFIXES; p++)
			atomic_store(&odb->dirty_dir[h][p], false);
		atomic_store(&odb->dirty_base[h], false);
	}
	if (sys_syncfs(atomic_load(&odb->rootfd)) < 0)
		return err_sys(e, "syncfs", odb->dir);
	return 0;
}

static bool chmod_may_fail(int sys_errno)
{
	return sys_errno == EPERM || sys_errno == EACCES || sys_errno == EROFS ||
	       sys_errno == EOPNOTSUPP || sys_errno == ENOENT;
}

/* Durable now: the mode that says so, and a record that it need not be read. */
static int seal(struct odb *odb, const struct pending *p, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct filestat st;
	struct stat sb;
	struct odb_dir d;
	int r = odb_get_dir(odb, odb_half(p->oid.algo), p->oid.b[0], ODB_MUST_EXIST, &d,
			    e);

	odb_fact_pending(odb, &p->oid, false);
	if (r < 0)
		return r == ERR_NOTFOUND ? err_clear(e) : r;
	odb_name(&p->oid, name);
	if (sys_fchmodat(d.fd, name, 0444) < 0 && !chmod_may_fail(errno)) {
		r = err_sys(e, "chmod", name);
		goto out;
	}
	if (sys_fstatat(d.fd, name, &sb, AT_SYMLINK_NOFOLLOW) < 0) {
		odb_fact_drop(odb, &p->oid);
		goto out;
	}
	st = filestat_of(&sb);
	if (st.inode == p->inode && st.size == p->size && st.mtime_ns == p->mtime_ns)
		odb_fact_set(odb, &p->oid, &st, INT64_MAX);
	else
		odb_fact_drop(odb, &p->oid);
out:
	odb_put_dir(&d);
	return r;
}

/* Sealing many is two calls each, of which none waits for another. */
#define SEAL_CHUNK    256
#define SEAL_PARALLEL 2048

struct sealing {
	struct odb *odb;
	const struct pending *v;
	size_t nr;
	pthread_mutex_t lock; /* guards the rest */
	int code;
	struct err err;
};

static void seal_chunk(void *ctx, size_t i, unsigned worker)
{
	struct sealing *s = ctx;
	size_t end = MIN_OF((i + 1) * SEAL_CHUNK, s->nr);
	struct err e = {0};
	int r = 0;

	(void)worker;
	for (size_t k = i * SEAL_CHUNK; k < end && r == 0; k++)
		r = seal(s->odb, &s->v[k], &e);
	if (r == 0)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->code == 0) {
		s->code = r;
		s->err = e;
	}
	pthread_mutex_unlock(&s->lock);
}

static int seal_all(struct odb *odb, const struct pending *v, size_t nr, struct err *e)
{
	struct sealing s = {.odb = odb, .v = v, .nr = nr};
	struct pool *pool = nr >= SEAL_PARALLEL ? pool_new(0) : NULL;

	pthread_mutex_init(&s.lock, NULL);
	pool_for(pool, (nr + SEAL_CHUNK - 1) / SEAL_CHUNK, seal_chunk, &s);
	pool_free(pool);
	pthread_mutex_destroy(&s.lock);
	if (s.code < 0 && e)
		*e = s.err;
	return s.code;
}

int odb_flush(struct odb *odb, struct err *e)
{
	struct pending *v;
	size_t nr, to_sync = 0;
	int r = 0;

	pthread_mutex_lock(&odb->pending_lock);
	v = odb->pending.v;
	nr = odb->pending.nr;
	odb->pending.v = NULL;
	odb->pending.nr = odb->pending.cap = 0;
	if (odb->flush_failed)
		r = err_set(e, ERR_IO,
			    "'%s': an earlier sync failed; what is durable is not known",
			    odb->dir);
	pthread_mutex_unlock(&odb->pending_lock);
	for (size_t i = 0; i < nr; i++)
		to_sync += v[i].needs_sync;
	if (r == 0 && odb->sync != FS_SYNC_NONE) {
		if (to_sync + dirty_dirs(odb) >= SYNCFS_NR) {
			r = sync_all(odb, e);
		} else {
			for (size_t i = 0; i < nr && r == 0; i++)
				if (v[i].needs_sync)
					r = sync_one(odb, &v[i], e);
			if (r == 0)
				r = sync_dirs(odb, e);
		}
		if (r < 0) {
			pthread_mutex_lock(&odb->pending_lock);
			odb->flush_failed = true;
			pthread_mutex_unlock(&odb->pending_lock);
		}
	}
	if (r == 0)
		r = seal_all(odb, v, nr, e);
	free(v);
	return r;
}
