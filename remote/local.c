/*
 * A directory as a remote: the same jobs, done by a few threads.
 *
 * PUT writes a temporary beside the name, hashing what it writes, and renames:
 * an object is never seen half. Durability is the store's batch policy: a job
 * that is the last one working, and every manifest, waits until all objects
 * written before it are on the disk; jobs in between are only promises that the
 * last one keeps. What cannot be flushed fails every job after it.
 */
#include "remote/transport.h"

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1 << 20,
	FSYNC_EACH_MAX = 64, /* from here on one syncfs is cheaper */
	LIST_PAGE = 1000,
	LIST_DEPTH_MAX = 64,
	THREADS_MAX = 8,
	LAST_MS = 2,
};

struct local {
	struct remote base; /* first */
	char *root;
	mode_t dir_mode; /* exact, or 0 for the umask's */
	struct pool *pool;
	atomic_bool closing;
	atomic_size_t puts; /* submitted and not yet done */
	pthread_mutex_t dirty_lock;
	struct strvec dirty; /* keys written and not yet flushed, up to the limit */
	size_t dirty_nr;
	struct err flush_err; /* code 0: none */
};

struct task {
	struct local *l;
	struct remote_job *job;
};

static char *full_path(const struct local *l, const char *key)
{
	return path_join(l->root, key);
}

static int open_for_read(const struct local *l, const char *key, int *fd, struct stat *st,
			 struct err *e)
{
	char *path = full_path(l, key);
	int r = 0, got = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);

	if (got < 0) {
		r = err_sys(e, "open", path);
	} else if (sys_fstat(got, st) < 0) {
		r = err_sys(e, "fstat", path);
	} else if (!S_ISREG(st->st_mode)) {
		r = err_set(e, ERR_CORRUPT, "'%s' is no regular file", path);
	}
	if (r == 0)
		*fd = got;
	else if (got >= 0)
		sys_close(got);
	free(path);
	return r;
}

/* Copy size bytes by offset and hash what was written. */
static int copy_hashed(struct local *l, int src, int dst, uint64_t size,
		       struct sink *sink, uint8_t digest[16], struct err *e)
{
	size_t room = (size_t)MIN_OF(size + 1, (uint64_t)CHUNK);
	char *p = xmalloc(room);
	struct hash h = {0};
	uint64_t at = 0;
	int r = 0;

	hash_begin_md5(&h);
	while (at < size && r == 0) {
		size_t want = (size_t)MIN_OF(size - at, (uint64_t)room);
		ssize_t n = sys_pread(src, p, want, (int64_t)at);

		if (n < 0) {
			r = err_sys(e, "read", "source of a copy");
		} else if ((size_t)n < want) {
			r = err_set(e, ERR_CORRUPT, "the file became shorter while read");
		} else if (sys_pwrite(dst, p, want, (int64_t)at) < 0) {
			r = err_sys(e, "write", l->root);
		} else {
			hash_update(&h, p, want);
			at += want;
			sink_add(sink, 0, want);
			if (atomic_load(&l->closing) || interrupt_pending())
				r = err_set(e, ERR_CANCELED, "interrupted");
		}
	}
	if (r == 0)
		hash_end(&h, digest);
	hash_release(&h);
	free(p);
	return r;
}

static int hash_fd(int fd, uint64_t size, uint8_t digest[16], struct err *e)
{
	size_t room = (size_t)MIN_OF(size + 1, (uint64_t)CHUNK);
	char *p = xmalloc(room);
	struct hash h = {0};
	uint64_t at = 0;
	int r = 0;

	hash_begin_md5(&h);
	while (at < size && r == 0) {
		size_t want = (size_t)MIN_OF(size - at, (uint64_t)room);
		ssize_t n = sys_pread(fd, p, want, (int64_t)at);

		if (n < 0)
			r = err_sys(e, "read", "a cloned file");
		else if (n == 0)
			r = err_set(e, ERR_CORRUPT, "the file became shorter while read");
		else {
			hash_update(&h, p, (size_t)n);
			at += (uint64_t)n;
		}
	}
	if (r == 0)
		hash_end(&h, digest);
	hash_release(&h);
	free(p);
	return r;
}

/* A clone shares blocks and cannot change under us any more: hash the copy. */
static int transfer(struct local *l, int src, int dst, uint64_t size, struct sink *sink,
		    uint8_t digest[16], struct err *e)
{
	struct stat st;

	if (size >= CHUNK && sys_ficlone(dst, src) == 0) {
		if (sys_fstat(dst, &st) < 0)
			return err_sys(e, "fstat", l->root);
		if ((uint64_t)st.st_size != size)
			return err_set(e, ERR_CORRUPT,
				       "the file changed its size while read");
		sink_add(sink, 0, size);
		return hash_fd(dst, size, digest, e);
	}
	return copy_hashed(l, src, dst, size, sink, digest, e);
}

static int fsync_key(struct local *l, const char *key, struct err *e)
{
	char *path = full_path(l, key);
	struct slice dir = path_dir(path);
	char *dir0 = xmemdup0(dir.p, dir.n);
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0), r = 0;

	if (fd < 0) {
		/* Deleted meanwhile: then there is nothing to keep. */
		r = errno == ENOENT ? 0 : err_sys(e, "open", path);
	} else {
		if (sys_fsync(fd) < 0)
			r = err_sys(e, "fsync", path);
		sys_close(fd);
		if (r == 0)
			r = fs_sync_dir(AT_FDCWD, dir0, e);
	}
	free(dir0);
	free(path);
	return r;
}

static int flush_locked(struct local *l, struct err *e)
{
	int r = 0;

	if (l->flush_err.code) {
		if (e)
			*e = l->flush_err;
		return l->flush_err.code;
	}
	if (l->dirty_nr > FSYNC_EACH_MAX) {
		int fd = sys_openat(AT_FDCWD, l->root, O_RDONLY | O_DIRECTORY, 0);

		if (fd < 0 || sys_syncfs(fd) < 0)
			r = err_sys(&l->flush_err, "syncfs", l->root);
		if (fd >= 0)
			sys_close(fd);
	} else {
		for (size_t i = 0; i < l->dirty.nr && r == 0; i++)
			r = fsync_key(l, l->dirty.v[i], &l->flush_err);
	}
	strvec_release(&l->dirty);
	l->dirty_nr = 0;
	if (r < 0 && e)
		*e = l->flush_err;
	if (r == 0)
		l->flush_err.code = 0;
	return r;
}

static int flush(struct local *l, struct err *e)
{
	int r;

	pthread_mutex_lock(&l->dirty_lock);
	r = flush_locked(l, e);
	pthread_mutex_unlock(&l->dirty_lock);
	return r;
}

static void mark_dirty(struct local *l, const char *key)
{
	pthread_mutex_lock(&l->dirty_lock);
	if (l->dirty_nr++ < FSYNC_EACH_MAX)
		strvec_push(&l->dirty, key);
	pthread_mutex_unlock(&l->dirty_lock);
}

static int write_temporary(struct local *l, struct remote_job *job, struct tmpfile *t,
			   struct err *e)
{
	uint8_t digest[16];
	int r;

	if (job->op == REMOTE_PUT_BYTES) {
		hash_md5(job->data, (size_t)job->bytes, digest);
		r = sys_write(t->fd, job->data, (size_t)job->bytes) < 0
			    ? err_sys(e, "write", l->root)
			    : 0;
		sink_add(job->sink, 0, job->bytes);
	} else {
		r = transfer(l, job->fd, t->fd, job->bytes, job->sink, digest, e);
	}
	if (r == 0 && job->has_md5 && memcmp(digest, job->md5, 16) != 0)
		r = err_set(e, ERR_CORRUPT,
			    "the bytes for '%s' are not those of its name: the local "
			    "object is damaged or was changed",
			    job->key);
	/* A file system without modes is no reason to fail. */
	if (r == 0 && sys_fchmod(t->fd, 0444) < 0 && errno != EPERM && errno != ENOTSUP)
		r = err_sys(e, "chmod", l->root);
	return r;
}

static int put(struct local *l, struct remote_job *job, struct err *e)
{
	char *path = full_path(l, job->key);
	struct slice dir = path_dir(path), base = path_base(path);
	char *dir0 = xmemdup0(dir.p, dir.n), *base0 = xmemdup0(base.p, base.n);
	struct tmpfile t = {0};
	int dirfd = -1, r = 0;

	if (slice_ends(slice_of(job->key), ".dir"))
		r = flush(l, e); /* its members first */
	if (r == 0) {
		dirfd = sys_openat(AT_FDCWD, dir0, O_RDONLY | O_DIRECTORY, 0);
		if (dirfd < 0 && errno == ENOENT) {
			r = fs_mkdirs(AT_FDCWD, dir0, l->dir_mode, e);
			if (r == 0)
				dirfd = sys_openat(AT_FDCWD, dir0, O_RDONLY | O_DIRECTORY,
						   0);
		}
		if (r == 0 && dirfd < 0)
			r = err_sys(e, "open", dir0);
	}
	if (r == 0)
		r = tmpfile_open(&t, dirfd, 0666, e);
	if (r == 0)
		r = write_temporary(l, job, &t, e);
	if (r == 0)
		r = tmpfile_replace(&t, dirfd, base0, e);
	if (r == 0)
		mark_dirty(l, job->key);
	if (r == 0 && slice_ends(slice_of(job->key), ".dir"))
		r = flush(l, e);
	tmpfile_release(&t);
	if (dirfd >= 0)
		sys_close(dirfd);
	free(base0);
	free(dir0);
	free(path);
	return r;
}

static int get(struct local *l, struct remote_job *job, struct err *e)
{
	struct stat st;
	int fd, r = open_for_read(l, job->key, &fd, &st, e);

	if (r < 0)
		return r;
	r = transfer(l, fd, job->fd, (uint64_t)st.st_size, job->sink, job->digest, e);
	if (r == 0)
		job->bytes = (uint64_t)st.st_size;
	sys_close(fd);
	return r;
}

static int get_bytes(struct local *l, struct remote_job *job, struct err *e)
{
	struct stat st;
	int fd, r = open_for_read(l, job->key, &fd, &st, e);
	ssize_t n;

	if (r < 0)
		return r;
	buf_reset(job->out);
	if ((uint64_t)st.st_size > job->limit) {
		r = err_set(e, ERR_INVALID,
			    "'%s' has %lld bytes, more than the %zu allowed", job->key,
			    (long long)st.st_size, job->limit);
		goto out;
	}
	buf_reserve(job->out, (size_t)st.st_size);
	n = sys_pread(fd, job->out->p, (size_t)st.st_size, 0);
	if (n < 0) {
		r = err_sys(e, "read", job->key);
		goto out;
	}
	job->out->n = (size_t)n;
	job->bytes = (uint64_t)n;
	hash_md5(job->out->p, job->out->n, job->digest);
	sink_add(job->sink, 0, job->bytes);
out:
	sys_close(fd);
	return r;
}

static int head(struct local *l, struct remote_job *job, struct err *e)
{
	char *path = full_path(l, job->key);
	struct stat st;
	int r = 0;

	if (sys_fstatat(AT_FDCWD, path, &st, 0) < 0)
		r = err_sys(e, "stat", path);
	else if (!S_ISREG(st.st_mode))
		r = err_set(e, ERR_NOTFOUND, "'%s' is no regular file", path);
	else {
		job->bytes = (uint64_t)st.st_size;
		job->modified_ns =
			(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	}
	free(path);
	return r;
}

static int delete (struct local *l, struct remote_job *job, struct err *e)
{
	size_t failed = 0;

	for (size_t i = 0; i < job->keys_nr; i++) {
		struct err one = {0};
		int r = remote_check_key(job->keys[i], &one);

		if (r == 0) {
			char *path = full_path(l, job->keys[i]);

			if (sys_unlinkat(AT_FDCWD, path, 0) < 0 && errno != ENOENT &&
			    errno != ENOTDIR)
				r = err_sys(&one, "unlink", path);
			free(path);
		}
		if (r < 0) {
			failed++;
			if (e && e->code == 0)
				*e = one;
		}
		if (job->key_errs)
			job->key_errs[i] = r < 0 ? one : (struct err){0};
	}
	if (failed == 0)
		return 0;
	return err_ctx(e, ERR_PARTIAL, "%zu of %zu keys could not be deleted", failed,
		       job->keys_nr);
}

struct listing {
	struct local *l;
	struct remote_job *job;
	struct arena arena;
	struct remote_entry *v;
	size_t nr;
	bool stopped;
};

static void emit_page(struct listing *g)
{
	if (g->nr > 0 && !g->stopped && g->job->on_page(g->job, g->v, g->nr) != 0)
		g->stopped = true;
	g->nr = 0;
	arena_release(&g->arena);
}

/* Names sorted as S3 sorts keys: a directory counts with its '/'. */
struct name {
	char *text;
	bool is_dir;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static int read_names(int dirfd, const char *path, struct name **out, size_t *out_nr,
		      struct err *e)
{
	VEC_OF(struct name) v = {0};
	struct fs_dir *d = NULL;
	struct fs_dirent ent;
	int r = fs_dir_open(&d, dirfd, path, e);

	while (r == 0 && (r = fs_dir_next(d, &ent, e)) == 1) {
		unsigned char type = ent.type;
		struct stat st;

		r = 0;
		if (type == DT_UNKNOWN || type == DT_LNK) {
			if (sys_fstatat(fs_dir_fd(d), ent.name, &st, 0) < 0)
				continue; /* a dangling link, or gone */
			type = S_ISDIR(st.st_mode) ? DT_DIR : DT_REG;
		}
		if (type == DT_DIR || type == DT_REG)
			vec_push(&v, ((struct name){xasprintf("%s%s", ent.name,
							      type == DT_DIR ? "/" : ""),
						    type == DT_DIR}));
	}
	if (d)
		fs_dir_close(d);
	if (v.nr > 1)
		qsort(v.v, v.nr, sizeof(*v.v), by_key);
	*out = v.v;
	*out_nr = v.nr;
	return r;
}

static void add_entry(struct listing *g, const char *key, const struct stat *st)
{
	g->v[g->nr++] = (struct remote_entry){
		.key = arena_strdup(&g->arena, key),
		.bytes = (uint64_t)st->st_size,
		.modified_ns =
			(int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.etag = "",
	};
	if (g->nr == LIST_PAGE)
		emit_page(g);
}

/* Could a key below dir ("a/b/" or "") be in what is asked for? */
static bool wanted(const struct listing *g, const char *dir)
{
	const struct remote_job *j = g->job;
	size_t n = strlen(dir), pn = j->key ? strlen(j->key) : 0;

	if (strncmp(dir, j->key ? j->key : "", MIN_OF(n, pn)) != 0)
		return false;
	if (j->until && strcmp(dir, j->until) > 0)
		return false;
	return !j->after || strncmp(dir, j->after, n) >= 0;
}

static int walk(struct listing *g, const char *dir, unsigned depth, struct err *e)
{
	const struct remote_job *j = g->job;
	char *path = full_path(g->l, dir);
	struct name *v = NULL;
	size_t nr = 0;
	int r;

	if (depth > LIST_DEPTH_MAX)
		r = err_set(e, ERR_INVALID, "'%s' is nested too deeply", path);
	else
		r = read_names(AT_FDCWD, path, &v, &nr, e);
	if (r == ERR_NOTFOUND)
		r = 0; /* nothing was ever stored, or it went while we looked */
	for (size_t i = 0; i < nr && r == 0 && !g->stopped; i++) {
		char *key = xasprintf("%s%s", dir, v[i].text);
		struct stat st;

		if (atomic_load(&g->l->closing))
			r = err_set(e, ERR_CANCELED, "interrupted");
		else if (v[i].is_dir) {
			if (wanted(g, key))
				r = walk(g, key, depth + 1, e);
		} else if (slice_starts(slice_of(key), j->key ? j->key : "") &&
			   (!j->after || strcmp(key, j->after) > 0) &&
			   (!j->until || strcmp(key, j->until) <= 0)) {
			char *file = full_path(g->l, key);

			if (sys_fstatat(AT_FDCWD, file, &st, 0) == 0)
				add_entry(g, key, &st);
			else if (errno != ENOENT)
				r = err_sys(e, "stat", file);
			free(file);
		}
		free(key);
	}
	for (size_t i = 0; i < nr; i++)
		free(v[i].text);
	free(v);
	free(path);
	return r;
}

static int list(struct local *l, struct remote_job *job, struct err *e)
{
	struct listing g = {.l = l, .job = job};
	/* Start at the deepest directory that holds the whole prefix. */
	const char *slash = job->key ? strrchr(job->key, '/') : NULL;
	char *dir =
		slash ? xmemdup0(job->key, (size_t)(slash - job->key) + 1) : xstrdup("");
	int r = 0;

	if (dir[0]) {
		dir[strlen(dir) - 1] = '\0';
		r = remote_check_key(dir, e);
		dir[strlen(dir)] = '/';
	}
	g.v = xcalloc(LIST_PAGE, sizeof(*g.v));
	if (r == 0)
		r = walk(&g, dir, 0, e);
	if (r == 0)
		emit_page(&g);
	arena_release(&g.arena);
	free(g.v);
	free(dir);
	return r;
}

static int run_job(struct local *l, struct remote_job *job, struct err *e)
{
	int r;

	if (atomic_load(&l->closing))
		return err_set(e, ERR_CANCELED, "interrupted");
	if ((r = interrupt_check(e)) < 0)
		return r;
	if (job->op != REMOTE_LIST && job->op != REMOTE_DELETE &&
	    job->op != REMOTE_LIST_UPLOADS && (r = remote_check_key(job->key, e)) < 0)
		return r;
	switch (job->op) {
	case REMOTE_PUT:
	case REMOTE_PUT_BYTES:
		return put(l, job, e);
	case REMOTE_GET:
		return get(l, job, e);
	case REMOTE_GET_BYTES:
		return get_bytes(l, job, e);
	case REMOTE_HEAD:
		return head(l, job, e);
	case REMOTE_LIST:
		return list(l, job, e);
	case REMOTE_DELETE:
		return delete (l, job, e);
	case REMOTE_LIST_UPLOADS:
	case REMOTE_ABORT_UPLOAD:
		return err_set(e, ERR_UNSUPPORTED, "a directory has no such uploads");
	}
	return err_set(e, ERR_INVALID, "unknown operation");
}

/*
 * Are no more to come? Threads are faster than the one that gives them work: without
 * a moment's patience every few objects would be flushed by themselves (470 calls
 * of fsync for 2,000 objects, measured). Whoever comes meanwhile takes the promise.
 */
static bool is_last(struct local *l)
{
	clock_sleep_ms(LAST_MS);
	return atomic_load(&l->puts) == 0;
}

static void run_task(void *arg, unsigned worker)
{
	struct task *t = arg;
	struct remote_job *job = t->job;
	struct local *l = t->l;
	bool is_put = job->op == REMOTE_PUT || job->op == REMOTE_PUT_BYTES;
	struct err e = {0};
	int r;

	(void)worker;
	free(t);
	atomic_fetch_add(&l->base.requests, 1);
	r = run_job(l, job, &e);
	/*
	 * The last one working keeps the promise of all that went before: what
	 * they wrote was marked before they were counted off.
	 */
	if (is_put && atomic_fetch_sub(&l->puts, 1) == 1 && r == 0 && is_last(l))
		r = flush(l, &e);
	if (r < 0) {
		e.code = r;
		remote_fail(&l->base, job, &e);
	} else {
		remote_finish(&l->base, job);
	}
}

static void local_submit(struct remote *r, struct remote_job *job)
{
	struct local *l = (struct local *)r;
	struct task *t = xcalloc(1, sizeof(*t));

	*t = (struct task){.l = l, .job = job};
	if (job->op == REMOTE_PUT || job->op == REMOTE_PUT_BYTES)
		atomic_fetch_add(&l->puts, 1);
	if (!l->pool)
		l->pool = pool_new(r->traits.jobs);
	pool_submit(l->pool, run_task, t);
}

static void local_close(struct remote *r)
{
	struct local *l = (struct local *)r;

	atomic_store(&l->closing, true);
	pool_free(l->pool);
	/* The last PUT may have failed behind others that did not. */
	IGNORE_RESULT(l->dirty_nr > 0 && flush(l, NULL) < 0);
	strvec_release(&l->dirty);
	pthread_mutex_destroy(&l->dirty_lock);
	free(l->root);
	remote_release(r);
	free(l);
}

int local_open(struct remote **out, const struct remote_options *o, const char *path,
	       struct err *e)
{
	static const struct remote_ops ops = {.submit = local_submit,
					      .close = local_close};
	const char *shared = o->get ? o->get(o->get_ctx, "shared") : NULL;
	struct local *l;

	if (!path[0] || !path_is_abs(path)) {
		char *label = remote_label(o);

		err_set(e, ERR_CONFIG, "%s: '%s' is no absolute path", label, path);
		free(label);
		return ERR_CONFIG;
	}
	l = xcalloc(1, sizeof(*l));
	remote_init(&l->base, &ops, o);
	l->root = path_normal(path);
	l->dir_mode = shared && strcmp(shared, "group") == 0 ? 02775 : 0;
	pthread_mutex_init(&l->dirty_lock, NULL);
	l->base.traits = (struct remote_traits){
		.local = true,
		.can_list = true,
		.list_page = LIST_PAGE,
		.jobs = o->jobs ? o->jobs : MIN_OF(pool_cores(), (unsigned)THREADS_MAX),
	};
	if (l->base.traits.jobs > THREADS_MAX)
		l->base.traits.jobs = THREADS_MAX;
	l->base.working_max = (size_t)l->base.traits.jobs * 16;
	*out = &l->base;
	return 0;
}
