#include "store/index/index.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/base/utf8.h"
#include "store/index/hashing.h"
#include "store/index/ignore.h"
#include "store/index/scan.h"
#include "store/index/statcache.h"
#include "store/index/view.h"
#include "store/odb/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct index {
	char *root, *state_dir;
	int rootfd;
	struct ignore *ignore;
	struct pool *(*pool)(void *ctx);
	void *pool_ctx;
	struct sink *sink;
	pthread_mutex_t lock;
	bool has_state; /* statefd is open */
	int statefd;
};

int index_open(struct index **out, const struct index_options *o, struct err *e)
{
	struct index *ix = xcalloc(1, sizeof(*ix));

	(void)e;
	ix->root = xstrdup(o->root);
	ix->state_dir = xstrdup(o->state_dir);
	ix->rootfd = o->rootfd;
	ix->ignore = o->ignore;
	ix->pool = o->pool;
	ix->pool_ctx = o->pool_ctx;
	ix->sink = o->sink;
	pthread_mutex_init(&ix->lock, NULL);
	*out = ix;
	return 0;
}

void index_free(struct index *ix)
{
	if (!ix)
		return;
	if (ix->has_state)
		sys_close(ix->statefd);
	pthread_mutex_destroy(&ix->lock);
	free(ix->root);
	free(ix->state_dir);
	free(ix);
}

/* The state directory's descriptor, or -1 while there is none. */
static int state_fd(struct index *ix, bool make, struct err *e)
{
	int fd = -1;

	pthread_mutex_lock(&ix->lock);
	if (!ix->has_state) {
		fd = sys_openat(AT_FDCWD, ix->state_dir, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0 && errno == ENOENT && make &&
		    fs_mkdirs(AT_FDCWD, ix->state_dir, 0, e) == 0)
			fd = sys_openat(AT_FDCWD, ix->state_dir, O_RDONLY | O_DIRECTORY,
					0);
		if (fd >= 0) {
			ix->has_state = true;
			ix->statefd = fd;
		}
	} else {
		fd = ix->statefd;
	}
	pthread_mutex_unlock(&ix->lock);
	return fd;
}

/*
 * The time that a file written now would get. A local file system stamps with
 * the kernel's coarse clock; a remote one with its server's, so one is written.
 */
static int64_t time_marker(struct index *ix)
{
	uint64_t bytes, inodes;
	struct timespec ts;
	struct tmpfile t = {0};
	struct stat st;
	int64_t now = INT64_MIN; /* then everything is racy: costs time only */
	bool net;
	int fd = -1;

	if (sys_fs_space(ix->rootfd, &bytes, &inodes, &net) == 0 && !net) {
		clock_gettime(CLOCK_REALTIME_COARSE, &ts);
		return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	}
	if ((fd = state_fd(ix, true, NULL)) < 0 || tmpfile_open(&t, fd, 0666, NULL) < 0)
		return now;
	if (sys_write(t.fd, "", 1) == 0 && sys_fstat(t.fd, &st) == 0)
		now = filestat_of(&st).mtime_ns;
	tmpfile_release(&t);
	return now;
}

static int parent_error(const char *path, struct err *e)
{
	if (errno == ELOOP || errno == EXDEV)
		return err_set(e, ERR_INVALID,
			       "'%s': a symbolic link on the way is refused", path);
	return err_sys(e, "open", path);
}

/* The output's parent directory, reached without a link. */
static int open_parent(struct index *ix, const char *path, int *out, struct err *e)
{
	struct slice dir = path_dir(path);
	char *text = xmemdup0(dir.p, dir.n);
	int fd = sys_open_beneath(ix->rootfd, text, O_RDONLY | O_DIRECTORY, 0), r = 0;

	if (fd < 0)
		r = parent_error(path, e);
	else
		*out = fd;
	free(text);
	return r;
}

struct looking {
	struct index *ix;
	struct odb *odb;
	const char *path;
	enum oid_algo algo;
	unsigned flags;
	int parentfd;
	char *name;
	struct statcache rec;
	int64_t marker_ns;
};

static void remember_tree(struct looking *k, const struct scan *s,
			  const struct index_view *view)
{
	struct statcache_head h = {
		.flags = k->rec.head ? k->rec.head->flags & STATCACHE_PLACED : 0,
		.kind = INDEX_DIR,
		.algo = k->algo,
		.files_nr = (uint32_t)s->files_nr,
		.fingerprint = s->fingerprint,
		.bytes = s->bytes,
	};
	struct err e = {0};
	int fd = state_fd(k->ix, true, &e);

	if (view->complete) {
		h.flags |= STATCACHE_COMPLETE;
		memcpy(h.oid, view->oid.b, sizeof(h.oid));
		if (k->rec.head && memcmp(h.oid, k->rec.head->oid, sizeof(h.oid)) != 0)
			h.flags &= ~(unsigned)STATCACHE_PLACED;
	}
	if (fd >= 0 && statcache_save(fd, k->path, &h, s->top, &e) < 0)
		log_debug("index", "not recorded: %s", e.text);
}

static int whole_oid(struct looking *k, struct index_view *v, struct err *e)
{
	struct manifest m = {0};
	int r;

	if ((r = index_manifest(v, k->algo, &m, e)) == 0)
		r = manifest_oid(&m, k->algo, &v->oid, e);
	manifest_release(&m);
	return r;
}

/* All as recorded, and the record knows the whole: nothing more to find out. */
static bool is_known(const struct looking *k, const struct scan *s)
{
	return s->same && k->rec.head && (k->rec.head->flags & STATCACHE_COMPLETE);
}

static void take_known(const struct looking *k, struct index_view *v)
{
	v->complete = true;
	v->oid = (struct oid){.algo = (uint8_t)k->algo, .is_dir = true};
	memcpy(v->oid.b, k->rec.head->oid, sizeof(v->oid.b));
}

static int finish_dir(struct looking *k, struct scan *s, struct index_view *v,
		      struct err *e)
{
	bool asked = (k->flags & INDEX_HASH) != 0, hashed = false;
	int r = 0;

	v->kind = INDEX_DIR;
	v->files_nr = s->files_nr;
	v->bytes = s->bytes;
	if (asked && s->bad_names_nr > 0)
		return hashing_bad_name(s, e);
	if (asked && s->unknown_nr > 0) {
		struct hashing h = {.odb = k->odb,
				    .scan = s,
				    .sink = k->ix->sink,
				    .pool = k->ix->pool,
				    .pool_ctx = k->ix->pool_ctx};

		if ((r = hashing_run(&h, e)) < 0)
			return r;
		hashed = true;
		v->bytes = s->bytes;
	}
	if (is_known(k, s) && !(k->flags & INDEX_FILES))
		take_known(k, v);
	else
		view_fill(v, s->top, s->files_nr);
	if (is_known(k, s)) {
		take_known(k, v);
	} else if (s->unknown_nr == 0 && s->odd_nr == 0 && s->bad_names_nr == 0) {
		v->complete = true;
		if ((r = whole_oid(k, v, e)) < 0)
			return r;
	}
	view_keep_dirs(v, s);
	/* Nothing was read, but the record can be made to save more next time. */
	if (v->complete && !hashed && s->learned && !(k->flags & INDEX_DISTRUST))
		remember_tree(k, s, v);
	return 0;
}

static int look_dir(struct looking *k, struct index_view *v, struct err *e)
{
	struct scan s = {
		.root = k->ix->root,
		.path = k->path,
		.ignore = k->ix->ignore,
		.rec = &k->rec,
		.distrust = (k->flags & INDEX_DISTRUST) != 0,
		.algo = k->algo,
		.marker_ns = k->marker_ns,
		.pool = k->ix->pool,
		.pool_ctx = k->ix->pool_ctx,
	};
	int r;

	s.topfd = sys_open_beneath(k->parentfd, k->name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (s.topfd < 0)
		return parent_error(k->path, e);
	r = scan_run(&s, e);
	if (r == 0)
		r = finish_dir(k, &s, v, e);
	sys_close(s.topfd);
	scan_release(&s);
	return r;
}

static int look_file(struct looking *k, struct index_file *f, struct index_view *v,
		     struct err *e)
{
	struct index_file rec = {0};
	int r;

	if (k->rec.head && k->rec.head->kind == INDEX_FILE)
		rec = statcache_file_at(&k->rec, 0);
	f->path = "";
	if (!(k->flags & INDEX_DISTRUST) && oid_known(&rec.oid) &&
	    !(rec.flags & INDEX_RACY) && filestat_same(&rec.st, &f->st)) {
		f->oid = rec.oid;
	} else if (scan_is_racy(f->st.mtime_ns, f->st.nlink > 1 ? 0 : f->st.ctime_ns,
				k->marker_ns)) {
		f->flags |= INDEX_RACY;
	}
	if (!oid_known(&f->oid) && (k->flags & INDEX_HASH)) {
		if (f->flags & INDEX_BAD_NAME)
			return err_set(e, ERR_INVALID, "'%s': the name is no UTF-8",
				       k->path);
		sink_begin(k->ix->sink, "hashing", 1, (uint64_t)f->st.size);
		r = hashing_one(k->odb, k->parentfd, k->name, k->path, k->algo, f, e);
		if (r == 0)
			sink_add(k->ix->sink, 1, (uint64_t)f->st.size);
		sink_end(k->ix->sink);
		if (r < 0)
			return r;
	}
	v->kind = INDEX_FILE;
	v->complete = oid_known(&f->oid);
	v->oid = f->oid;
	v->bytes = (uint64_t)f->st.size;
	v->files_nr = 1;
	v->is_exec = (f->flags & INDEX_EXEC) != 0;
	view_fill_one(v, f);
	return 0;
}

static int look(struct looking *k, struct index_view *v, struct err *e)
{
	struct index_file f = {0};
	bool is_dir, is_gone, is_hidden;
	int r, fd;

	if (!utf8_valid(k->name, strlen(k->name)))
		f.flags |= INDEX_BAD_NAME;
	if ((r = scan_stat(k->parentfd, k->name, &f, &is_dir, &is_gone, e)) < 0)
		return r;
	if (is_gone)
		return 0;
	if ((r = ignore_hides(k->ix->ignore, k->path, is_dir, &is_hidden, e)) < 0)
		return r;
	if (is_hidden)
		return 0;
	if ((f.flags & (INDEX_BROKEN | INDEX_SPECIAL)) ||
	    (is_dir && (f.flags & INDEX_SYMLINK))) {
		v->kind = INDEX_OTHER;
		return 0;
	}
	k->marker_ns = time_marker(k->ix);
	if ((fd = state_fd(k->ix, false, NULL)) >= 0)
		statcache_load(fd, k->path, k->algo, &k->rec);
	return is_dir ? look_dir(k, v, e) : look_file(k, &f, v, e);
}

int index_look(struct index *ix, struct odb *odb, const char *path, enum oid_algo algo,
	       unsigned flags, struct index_view *out, struct err *e)
{
	struct slice base = path_base(path);
	struct looking k = {.ix = ix,
			    .odb = odb,
			    .path = path,
			    .algo = algo,
			    .flags = flags,
			    .name = xmemdup0(base.p, base.n)};
	struct index_view view = {0};
	int r = open_parent(ix, path, &k.parentfd, e);

	if (r == ERR_NOTFOUND) {
		free(k.name);
		*out = view;
		return 0;
	}
	if (r < 0)
		goto out;
	r = look(&k, &view, e);
	sys_close(k.parentfd);
out:
	statcache_release(&k.rec);
	free(k.name);
	if (r < 0)
		index_view_release(&view);
	else
		*out = view;
	return r;
}

int index_manifest(const struct index_view *view, enum oid_algo algo,
		   struct manifest *out, struct err *e)
{
	struct manifest m = {0};

	for (size_t i = 0; i < view->nr; i++) {
		const struct index_file *f = &view->files[i];

		if (f->oid.algo != (uint8_t)algo) {
			manifest_release(&m);
			return err_set(e, ERR_INVALID, "'%s': its digest is not known",
				       f->path);
		}
		manifest_add(&m, f->path, &f->oid, f->st.size);
	}
	*out = m;
	return 0;
}

/* A view that names no file because all was as recorded adds only the flag. */
static void remember_unchanged(int fd, const char *path, const struct index_view *view,
			       bool placed)
{
	struct statcache sc = {0};
	struct err e = {0};
	uint32_t flags;

	statcache_load(fd, path, (enum oid_algo)view->oid.algo, &sc);
	if (sc.head && memcmp(sc.head->oid, view->oid.b, sizeof(view->oid.b)) == 0) {
		flags = sc.head->flags | (placed ? (unsigned)STATCACHE_PLACED : 0u);
		if (flags != sc.head->flags && statcache_reflag(fd, &sc, flags, &e) < 0)
			log_debug("index", "not recorded: %s", e.text);
	}
	statcache_release(&sc);
}

static enum oid_algo algo_of(const struct index_view *view)
{
	if (oid_known(&view->oid))
		return (enum oid_algo)view->oid.algo;
	for (size_t i = 0; i < view->nr; i++)
		if (oid_known(&view->files[i].oid))
			return (enum oid_algo)view->files[i].oid.algo;
	return OID_NONE;
}

/* Was it placed, and is it still what was placed? */
static bool stays_placed(int fd, const char *path, enum oid_algo algo,
			 const struct index_view *view)
{
	struct statcache sc = {0};
	bool yes;

	statcache_load(fd, path, algo, &sc);
	yes = sc.head && (sc.head->flags & STATCACHE_PLACED) && view->complete &&
	      memcmp(sc.head->oid, view->oid.b, sizeof(view->oid.b)) == 0;
	statcache_release(&sc);
	return yes;
}

static void remember(struct index *ix, const char *path, const struct index_view *view,
		     bool placed)
{
	enum oid_algo algo = algo_of(view);
	struct statcache_head h = {.kind = view->kind,
				   .algo = algo,
				   .files_nr = (uint32_t)view->nr,
				   .bytes = view->bytes};
	struct err e = {0};
	struct index_dir *top;
	int fd;

	if ((view->kind != INDEX_FILE && view->kind != INDEX_DIR) || algo == OID_NONE)
		return;
	if ((fd = state_fd(ix, true, &e)) < 0) {
		log_debug("index", "no state directory: %s", ix->state_dir);
		return;
	}
	if (view->nr == 0 && view->files_nr > 0) {
		remember_unchanged(fd, path, view, placed);
		return;
	}
	if (placed || stays_placed(fd, path, algo, view))
		h.flags |= STATCACHE_PLACED;
	if (view->complete) {
		h.flags |= STATCACHE_COMPLETE;
		memcpy(h.oid, view->oid.b, sizeof(h.oid));
	}
	if (view->is_exec)
		h.flags |= STATCACHE_EXEC;
	top = view_tree(view, time_marker(ix), &h.fingerprint);
	if (statcache_save(fd, path, &h, top, &e) < 0)
		log_debug("index", "not recorded: %s", e.text);
	index_dir_free(top);
}

void index_remember(struct index *ix, const char *path, const struct index_view *view)
{
	remember(ix, path, view, false);
}

void index_remember_placed(struct index *ix, const char *path,
			   const struct index_view *view)
{
	remember(ix, path, view, true);
}

void index_forget(struct index *ix, const char *path)
{
	static const enum oid_algo algos[] = {OID_MD5, OID_LEGACY};
	char name[STATCACHE_NAME_MAX];
	int fd = state_fd(ix, false, NULL);

	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(algos); i++) {
		statcache_name(path, algos[i], name);
		if (sys_unlinkat(fd, name, 0) < 0 && errno != ENOENT)
			log_debug("index", "'%s' stays: errno %d", name, errno);
	}
}

int index_placed(struct index *ix, struct strvec *paths, struct err *e)
{
	int fd = state_fd(ix, false, NULL), r;
	struct fs_dirent ent;
	struct fs_dir *d = NULL;

	if (fd < 0)
		return 0;
	r = fs_dir_open(&d, fd, "index", e);
	if (r == ERR_NOTFOUND)
		return 0;
	if (r < 0)
		return r;
	while ((r = fs_dir_next(d, &ent, e)) > 0) {
		struct statcache sc = {0};

		statcache_load_name(fd, ent.name, &sc);
		if (sc.head && (sc.head->flags & STATCACHE_PLACED))
			strvec_push(paths, sc.path);
		statcache_release(&sc);
	}
	fs_dir_close(d);
	strvec_sort(paths);
	strvec_unique(paths);
	return r;
}
