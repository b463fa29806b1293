#include "store/index/scan.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/pool.h"
#include "store/base/sys.h"
#include "store/base/utf8.h"
#include "store/index/ignore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NO_DIR UINT32_MAX

/* A pool is worth its start from about this much work. */
#define POOL_FILES 2000
#define POOL_DIRS  16

/* Stamps of whole seconds may be a file system's grain (FAT: two seconds). */
#define COARSE_NS INT64_C(2000000000)

struct item {
	struct index_dir *d;
	uint32_t rec_dir; /* NO_DIR: not in the record */
};

struct items {
	struct item *v;
	size_t nr, cap;
};

struct look {
	struct scan *s;
	struct index_dir **nodes; /* one for each directory of the record */
	bool *attached;		  /* it has its place in the tree */
	size_t nodes_nr;
	bool rules_same;
	struct items now, next; /* next is under lock */
	atomic_bool failed, learned;
	pthread_mutex_t lock;
	int code;
	struct err err;
};

/* One name of a directory's listing. */
struct name {
	const char *p;
	uint32_t n;
	unsigned char type;
};

struct listing {
	struct name *v;
	size_t nr, cap;
	struct buf text;
};

bool scan_is_racy(int64_t mtime_ns, int64_t ctime_ns, int64_t marker_ns)
{
	int64_t t = MAX_OF(mtime_ns, ctime_ns);

	if (t % 1000000000 == 0)
		t += COARSE_NS;
	return t >= marker_ns;
}

void scan_path(const struct index_dir *d, struct buf *out)
{
	size_t n = 0, at;

	for (const struct index_dir *p = d; p->parent; p = p->parent)
		n += p->name_n + (p->parent->parent ? 1 : 0);
	buf_reset(out);
	buf_fill(out, '/', n);
	at = n;
	for (const struct index_dir *p = d; p->parent; p = p->parent) {
		at -= p->name_n;
		memcpy(out->p + at, p->name, p->name_n);
		if (at > 0)
			at--;
	}
}

static void fail(struct look *k, int code, const struct err *e)
{
	pthread_mutex_lock(&k->lock);
	if (k->code == 0) {
		k->code = code;
		k->err = *e;
	}
	pthread_mutex_unlock(&k->lock);
	atomic_store(&k->failed, true);
}

int scan_stat(int dirfd, const char *name, struct index_file *f, bool *is_dir,
	      bool *is_gone, struct err *e)
{
	struct stat st;

	*is_dir = *is_gone = false;
	f->flags &= INDEX_BAD_NAME;
	if (sys_fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_sys(e, "stat", name);
		*is_gone = true;
		return 0;
	}
	if (S_ISLNK(st.st_mode)) {
		struct stat target;

		f->flags |= INDEX_SYMLINK;
		if (sys_fstatat(dirfd, name, &target, 0) == 0)
			st = target;
		else if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			f->flags |= INDEX_BROKEN;
		else
			return err_sys(e, "stat", name);
	}
	f->st = filestat_of(&st);
	*is_dir = S_ISDIR(st.st_mode);
	if (f->flags & INDEX_BROKEN || *is_dir)
		return 0;
	if (!S_ISREG(st.st_mode))
		f->flags |= INDEX_SPECIAL;
	else if (st.st_mode & 0111)
		f->flags |= INDEX_EXEC;
	return 0;
}

/* Take what the record knows of an entry. True when it has nothing to learn. */
static bool believe(const struct scan *s, const struct index_file *rec,
		    struct index_file *f)
{
	const unsigned kind = INDEX_SYMLINK | INDEX_BROKEN | INDEX_SPECIAL;
	bool is_odd = (f->flags & (INDEX_BROKEN | INDEX_SPECIAL)) != 0;

	if (!rec || s->distrust || (rec->flags & INDEX_RACY) ||
	    (rec->flags & kind) != (f->flags & kind) ||
	    !filestat_same(&rec->st, &f->st) ||
	    (!is_odd && rec->oid.algo != (uint8_t)s->algo)) {
		if (!is_odd &&
		    scan_is_racy(f->st.mtime_ns, f->st.nlink > 1 ? 0 : f->st.ctime_ns,
				 s->marker_ns))
			f->flags |= INDEX_RACY;
		return false;
	}
	f->oid = rec->oid;
	if (rec->st.mode != f->st.mode || rec->flags != f->flags)
		return false;
	/* Links that others make or drop to a shared inode teach nothing. */
	if (rec->st.nlink > 1 && f->st.nlink > 1)
		return true;
	return rec->st.nlink == f->st.nlink && rec->st.ctime_ns == f->st.ctime_ns;
}

static void push_file(struct index_dir *d, const struct index_file *f)
{
	if (d->files_nr == d->files_cap)
		d->files = vec_grow(d->files, &d->files_cap, d->files_nr + 1,
				    sizeof(*d->files));
	d->files[d->files_nr++] = *f;
}

static void push_sub(struct index_dir *d, struct index_dir *sub)
{
	if (d->subs_nr == d->subs_cap)
		d->subs =
			vec_grow(d->subs, &d->subs_cap, d->subs_nr + 1, sizeof(*d->subs));
	d->subs[d->subs_nr++] = sub;
}

static void attach(struct look *k, struct index_dir *d, uint32_t rec_dir)
{
	k->attached[rec_dir] = true;
	push_sub(d, k->nodes[rec_dir]);
}

/* Files of d that were as the record has them so far, once one is not. */
static void unsame(const struct scan *s, struct index_dir *d,
		   const struct statcache_dir *r, uint32_t nr)
{
	d->same = false;
	for (uint32_t i = 0; i < nr; i++) {
		struct index_file f = statcache_file_at(s->rec, r->first_file + i);

		push_file(d, &f);
	}
}

/* The directory's own stat is as recorded, so its names are: one stat a file. */
static int look_recorded(struct look *k, struct index_dir *d,
			 const struct statcache_dir *r, int fd, struct err *e)
{
	struct scan *s = k->s;

	d->same = true;
	for (uint32_t i = 0; i < r->files_nr; i++) {
		struct index_file rec = statcache_file_at(s->rec, r->first_file + i);
		struct index_file f = {.path = rec.path,
				       .path_n = rec.path_n,
				       .flags = rec.flags & INDEX_BAD_NAME};
		bool is_dir, is_gone, same;
		int ret = scan_stat(fd, rec.path, &f, &is_dir, &is_gone, e);

		if (ret < 0)
			return ret;
		if (is_dir || is_gone) {
			/* Changed just now, or a link whose target did. */
			if (d->same)
				unsame(s, d, r, i);
			d->flags &= ~(unsigned)STATCACHE_DIR_TRUSTED;
			continue;
		}
		same = believe(s, &rec, &f);
		if (!same && d->same)
			unsame(s, d, r, i);
		if (!d->same)
			push_file(d, &f);
	}
	for (uint32_t i = 0; i < r->subs_nr; i++)
		attach(k, d, r->first_sub + i);
	return 0;
}

struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int list(int fd, struct listing *l, const char *path, struct err *e)
{
	_Alignas(8) char block[32 * 1024];
	const char *p;
	ssize_t n;

	while ((n = sys_getdents(fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct kernel_dirent *ent = (const void *)(block + at);
			const char *name = ent->name;
			struct name item = {NULL, (uint32_t)strlen(name), ent->type};

			at += ent->reclen;
			if (name[0] == '.' &&
			    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
				continue;
			vec_push(l, item);
			buf_add(&l->text, name, item.n + 1u);
		}
	}
	if (n < 0)
		return err_sys(e, "read directory", path);
	/* The text has come to rest: now it can be pointed into. */
	p = buf_str(&l->text);
	for (size_t i = 0; i < l->nr; i++) {
		l->v[i].p = p;
		p += l->v[i].n + 1;
	}
	return 0;
}

static int name_order(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return slice_cmp((struct slice){x->p, x->n}, (struct slice){y->p, y->n});
}

/* Reading beside the record: the next recorded file and directory. */
struct beside {
	const struct statcache_dir *r; /* NULL: nothing recorded */
	uint32_t file, sub;
	bool all_same;
};

static bool next_file(const struct scan *s, struct beside *b, const struct name *name,
		      struct index_file *out)
{
	while (b->r && b->file < b->r->files_nr) {
		*out = statcache_file_at(s->rec, b->r->first_file + b->file);
		int c = slice_cmp((struct slice){out->path, out->path_n},
				  (struct slice){name->p, name->n});

		if (c > 0)
			return false;
		b->file++;
		if (c == 0)
			return true;
		b->all_same = false; /* it is gone */
	}
	return false;
}

static uint32_t next_sub(const struct scan *s, struct beside *b, const struct name *name)
{
	while (b->r && b->sub < b->r->subs_nr) {
		uint32_t at = b->r->first_sub + b->sub;
		const struct statcache_dir *sub = &s->rec->dirs[at];
		int c = slice_cmp(
			(struct slice){s->rec->names + sub->name_at, sub->name_n},
			(struct slice){name->p, name->n});

		if (c > 0)
			return NO_DIR;
		b->sub++;
		if (c == 0)
			return at;
	}
	return NO_DIR;
}

static void take_sub(struct look *k, struct index_dir *d, struct beside *b,
		     const struct name *name)
{
	uint32_t rec_dir = next_sub(k->s, b, name);
	struct item item = {NULL, NO_DIR};

	if (rec_dir != NO_DIR) {
		attach(k, d, rec_dir);
		return;
	}
	item.d = index_dir_new(d, name->p, name->n);
	push_sub(d, item.d);
	pthread_mutex_lock(&k->lock);
	vec_push(&k->next, item);
	pthread_mutex_unlock(&k->lock);
}

static int take_name(struct look *k, struct index_dir *d, struct beside *b,
		     const struct name *name, const struct ignore_dir *rules, int fd,
		     struct err *e)
{
	struct index_file f = {.path = name->p, .path_n = name->n}, rec;
	bool is_dir = name->type == DT_DIR, is_gone = false, has_rec;
	int r;

	if (!utf8_valid(name->p, name->n))
		f.flags |= INDEX_BAD_NAME;
	if (!is_dir) {
		if ((r = scan_stat(fd, name->p, &f, &is_dir, &is_gone, e)) < 0)
			return r;
		if (is_gone) {
			d->flags &= ~(unsigned)STATCACHE_DIR_TRUSTED;
			return 0;
		}
	}
	if (ignore_name(rules, name->p, is_dir))
		return 0;
	if (is_dir && (f.flags & INDEX_SYMLINK)) {
		/* Its target may become a file without a word to this directory. */
		d->flags &= ~(unsigned)STATCACHE_DIR_TRUSTED;
		return 0;
	}
	if (is_dir) {
		take_sub(k, d, b, name);
		return 0;
	}
	has_rec = next_file(k->s, b, name, &rec);
	if (!believe(k->s, has_rec ? &rec : NULL, &f))
		b->all_same = false;
	push_file(d, &f);
	return 0;
}

/* Is there a marker that makes this no part of the output? */
static int look_for_marks(const struct look *k, const struct index_dir *d,
			  const struct listing *l, const char *path, struct err *e,
			  bool *is_subrepo)
{
	*is_subrepo = false;
	for (size_t i = 0; i < l->nr; i++) {
		const struct name *name = &l->v[i];

		if (strcmp(name->p, ".dvcignore") == 0 && name->type != DT_DIR)
			return err_set(e, ERR_UNSUPPORTED,
				       ".dvcignore file should not be in collected dir "
				       "path: '%s/%s%s%s'",
				       k->s->root, k->s->path, *path ? "/" : "", path);
		if (d->parent && strcmp(name->p, ".dvc") == 0 && name->type == DT_DIR)
			*is_subrepo = true;
	}
	return 0;
}

static int look_listing(struct look *k, struct index_dir *d, uint32_t rec_dir, int fd,
			const char *path, struct err *e)
{
	struct beside b = {.all_same = true};
	const struct ignore_dir *rules = NULL;
	struct listing l = {0};
	struct buf full = {0};
	bool is_subrepo;
	int r;

	if ((r = list(fd, &l, path, e)) < 0 ||
	    (r = look_for_marks(k, d, &l, path, e, &is_subrepo)) < 0)
		goto out;
	if (is_subrepo) {
		d->flags |= STATCACHE_DIR_SUBREPO;
		goto out;
	}
	buf_addf(&full, "%s%s%s", k->s->path, *path ? "/" : "", path);
	if ((r = ignore_dir(k->s->ignore, buf_str(&full), 0, &rules, e)) < 0)
		goto out;
	if (l.nr > 1)
		qsort(l.v, l.nr, sizeof(*l.v), name_order);
	if (rec_dir != NO_DIR)
		b.r = &k->s->rec->dirs[rec_dir];
	else
		b.all_same = false;
	for (size_t i = 0; rules && r == 0 && i < l.nr; i++)
		r = take_name(k, d, &b, &l.v[i], rules, fd, e);
	if (r < 0)
		goto out;
	if (b.all_same && b.file == b.r->files_nr) {
		d->same = true;
		free(d->files);
		d->files = NULL;
		d->files_nr = d->files_cap = 0;
	} else {
		d->names = buf_detach(&l.text);
	}
	if (d->flags & STATCACHE_DIR_TRUSTED)
		atomic_store(&k->learned, true);
out:
	vec_release(&l);
	buf_release(&l.text);
	buf_release(&full);
	return r;
}

/* Like openat beneath the top, however long the path: PATH_MAX is one call's. */
static int open_dir(int topfd, const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	int fd = -1, at = topfd;

	if (*path == '\0')
		return sys_openat(topfd, ".", flags, 0);
	while (*path) {
		size_t n = strlen(path);
		char *part;

		if (n > 4000) {
			for (n = 4000; n > 0 && path[n] != '/'; n--)
				;
			if (n == 0) {
				errno = ENAMETOOLONG;
				fd = -1;
				break;
			}
		}
		part = xmemdup0(path, n);
		fd = sys_open_beneath(at, part, flags, 0);
		free(part);
		if (at != topfd)
			sys_close(at);
		at = fd;
		if (fd < 0)
			return -1;
		path += n + (path[n] == '/');
	}
	if (fd < 0 && at != topfd)
		sys_close(at);
	return fd;
}

int scan_open_dir(const struct scan *s, const struct index_dir *d, int *out,
		  struct err *e)
{
	struct buf path = {0};
	int fd, r = 0;

	scan_path(d, &path);
	fd = open_dir(s->topfd, buf_str(&path));
	if (fd < 0)
		r = err_sys(e, "open", buf_str(&path));
	else
		*out = fd;
	buf_release(&path);
	return r;
}

static int look_fd(struct look *k, struct index_dir *d, uint32_t rec_dir, int fd,
		   const char *path, struct err *e)
{
	const struct statcache_dir *r =
		rec_dir == NO_DIR ? NULL : &k->s->rec->dirs[rec_dir];
	struct stat st;
	struct filestat now;

	if (sys_fstat(fd, &st) < 0)
		return err_sys(e, "stat", path);
	now = filestat_of(&st);
	d->inode = now.inode;
	d->mtime_ns = now.mtime_ns;
	d->ctime_ns = now.ctime_ns;
	if (!scan_is_racy(now.mtime_ns, now.ctime_ns, k->s->marker_ns))
		d->flags |= STATCACHE_DIR_TRUSTED;
	if (!r || !k->rules_same || !(r->flags & STATCACHE_DIR_TRUSTED) ||
	    r->inode != now.inode || r->mtime_ns != now.mtime_ns ||
	    r->ctime_ns != now.ctime_ns)
		return look_listing(k, d, rec_dir, fd, path, e);
	d->flags |= r->flags;
	if (!(r->flags & STATCACHE_DIR_SUBREPO))
		return look_recorded(k, d, r, fd, e);
	d->same = true;
	return 0;
}

static void look_item(void *ctx, size_t i, unsigned worker)
{
	struct look *k = ctx;
	struct item item = k->now.v[i];
	struct buf path = {0};
	struct err e = {0};
	int fd, r;

	(void)worker;
	if (atomic_load(&k->failed))
		return;
	if ((r = interrupt_check(&e)) < 0) {
		fail(k, r, &e);
		return;
	}
	scan_path(item.d, &path);
	item.d->rec = k->s->rec;
	item.d->rec_dir = item.rec_dir;
	fd = open_dir(k->s->topfd, buf_str(&path));
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
		item.d->gone = true;
	} else if (fd < 0) {
		r = err_sys(&e, "open", buf_str(&path));
	} else {
		r = look_fd(k, item.d, item.rec_dir, fd, buf_str(&path), &e);
		sys_close(fd);
	}
	if (r < 0) {
		if (r != ERR_INVALID && r != ERR_UNSUPPORTED)
			err_ctx(&e, r, "looking at '%s%s%s'", k->s->path,
				path.n ? "/" : "", buf_str(&path));
		fail(k, r, &e);
	}
	buf_release(&path);
}

static void first_items(struct look *k)
{
	const struct statcache *rec = k->s->rec;
	struct item top = {NULL, NO_DIR};

	k->nodes_nr = 1;
	if (rec->head && rec->head->kind == INDEX_DIR && !k->s->distrust)
		k->nodes_nr = rec->head->dirs_nr;
	k->nodes = xcalloc(k->nodes_nr, sizeof(*k->nodes));
	k->attached = xcalloc(k->nodes_nr, sizeof(*k->attached));
	k->attached[0] = true;
	top.d = k->nodes[0] = index_dir_new(NULL, "", 0);
	if (rec->head && rec->head->kind == INDEX_DIR && !k->s->distrust)
		top.rec_dir = 0;
	vec_push(&k->now, top);
	for (uint32_t i = 1; i < k->nodes_nr; i++) {
		const struct statcache_dir *r = &rec->dirs[i];
		struct item item = {NULL, i};

		item.d = k->nodes[i] = index_dir_new(k->nodes[r->parent],
						     rec->names + r->name_at, r->name_n);
		vec_push(&k->now, item);
	}
}

static struct pool *pool_for_now(const struct look *k, bool is_first)
{
	const struct scan *s = k->s;
	bool is_worth = is_first ? k->nodes_nr > 1 && s->rec->head->files_nr > POOL_FILES
				 : k->now.nr >= POOL_DIRS;

	return is_worth && s->pool ? s->pool(s->pool_ctx) : NULL;
}

/* Drop what is gone, and total the rest. */
static void sum_up(struct look *k, struct index_dir *top)
{
	struct scan *s = k->s;
	VEC_OF(struct index_dir *) todo = {0};
	size_t seen = 0;

	s->same = s->rec->head && !s->distrust;
	vec_push(&todo, top);
	while (todo.nr > 0) {
		struct index_dir *d = todo.v[--todo.nr];
		size_t keep = 0;

		seen++;
		s->same = s->same && d->same;
		for (size_t i = 0; i < d->subs_nr; i++) {
			if (d->subs[i]->gone) {
				index_dir_free(d->subs[i]);
				d->flags &= ~(unsigned)STATCACHE_DIR_TRUSTED;
				continue;
			}
			d->subs[keep++] = d->subs[i];
			vec_push(&todo, d->subs[keep - 1]);
		}
		d->subs_nr = keep;
		for (size_t i = 0, nr = index_dir_files_nr(d); i < nr; i++) {
			struct index_file f = index_dir_file(d, i);

			s->files_nr++;
			if (f.flags & INDEX_BAD_NAME)
				s->bad_names_nr++;
			if (f.flags & (INDEX_BROKEN | INDEX_SPECIAL)) {
				s->odd_nr++;
				continue;
			}
			s->bytes += (uint64_t)f.st.size;
			if (!oid_known(&f.oid)) {
				s->unknown_nr++;
				s->unknown_bytes += (uint64_t)f.st.size;
			}
		}
		if (!utf8_valid(d->name, d->name_n))
			s->bad_names_nr++;
	}
	s->same = s->same && seen == k->nodes_nr;
	vec_release(&todo);
}

int scan_run(struct scan *s, struct err *e)
{
	struct look k = {.s = s};
	const struct ignore_dir *rules;
	struct index_dir *top;
	int r;

	if ((r = ignore_dir(s->ignore, s->path, 0, &rules, e)) < 0)
		return r;
	s->fingerprint = rules ? ignore_fingerprint(rules) : 0;
	k.rules_same = s->rec->head && s->rec->head->fingerprint == s->fingerprint;
	pthread_mutex_init(&k.lock, NULL);
	first_items(&k);
	top = k.nodes[0];
	for (bool is_first = true; k.now.nr > 0; is_first = false) {
		struct items done = k.now;

		pool_for(pool_for_now(&k, is_first), k.now.nr, look_item, &k);
		k.now = k.next;
		k.next = (struct items){0};
		vec_release(&done);
		if (atomic_load(&k.failed))
			break;
	}
	/* What has no place may have others below it that do not either: a free
	 * takes the attached ones along, so each is freed once. */
	for (size_t i = 1; i < k.nodes_nr; i++)
		if (!k.attached[i])
			index_dir_free(k.nodes[i]);
	r = k.code;
	if (r == 0) {
		sum_up(&k, top);
		s->learned = atomic_load(&k.learned) || !s->same;
		s->top = top;
	} else {
		if (e)
			*e = k.err;
		index_dir_free(top);
	}
	vec_release(&k.now);
	vec_release(&k.next);
	free(k.nodes);
	free(k.attached);
	pthread_mutex_destroy(&k.lock);
	return r;
}

void scan_release(struct scan *s)
{
	if (!s)
		return;
	index_dir_free(s->top);
	s->top = NULL;
}
