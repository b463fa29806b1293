#include "store/index/statcache.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/sum.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The last byte is the version. Another byte order reads another magic's tail:
 * head_n tells, see head_is_ours. */
static const uint8_t magic[8] = {'l', 'o', 'd', 'e', 'i', 'd', 'x', 1};

/* Below this reading is cheaper than mapping. */
#define MAP_FROM (64 * 1024)

_Static_assert(sizeof(struct statcache_head) == 112, "the format's header");
_Static_assert(sizeof(struct statcache_dir) == 56, "the format's directory");
_Static_assert(sizeof(struct statcache_file) == 64, "the format's file");

struct index_dir *index_dir_new(struct index_dir *parent, const char *name, size_t n)
{
	struct index_dir *d = xcalloc(1, sizeof(*d));

	d->name = xmemdup0(name, n);
	d->name_n = (uint32_t)n;
	d->parent = parent;
	return d;
}

void index_dir_free(struct index_dir *d)
{
	struct index_dir *up, *stop = d ? d->parent : NULL;

	/* Without recursion: depth comes from the disk. */
	while (d != stop) {
		if (d->subs_nr > 0) {
			d = d->subs[--d->subs_nr];
			continue;
		}
		up = d->parent;
		free(d->name);
		free(d->names);
		free(d->files);
		free(d->subs);
		free(d);
		d = up;
	}
}

size_t index_dir_files_nr(const struct index_dir *d)
{
	return d->same ? d->rec->dirs[d->rec_dir].files_nr : d->files_nr;
}

struct index_file index_dir_file(const struct index_dir *d, size_t i)
{
	if (!d->same)
		return d->files[i];
	return statcache_file_at(d->rec,
				 d->rec->dirs[d->rec_dir].first_file + (uint32_t)i);
}

struct index_file statcache_file_at(const struct statcache *sc, uint32_t i)
{
	const struct statcache_file *f = &sc->files[i];
	struct index_file out = {
		.path = sc->names + f->name_at,
		.path_n = f->name_n,
		.flags = f->flags,
		.st = {f->inode, f->size, f->mtime_ns, f->ctime_ns, f->mode, f->nlink},
		.oid.algo = f->algo,
	};

	memcpy(out.oid.b, f->oid, sizeof(f->oid));
	return out;
}

void statcache_name(const char *path, enum oid_algo algo, char out[STATCACHE_NAME_MAX])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[16];
	char hex[33];

	sum128(path, strlen(path), sum);
	for (int i = 0; i < 16; i++) {
		hex[2 * i] = digits[sum[i] >> 4];
		hex[2 * i + 1] = digits[sum[i] & 15];
	}
	hex[32] = '\0';
	snprintf(out, STATCACHE_NAME_MAX, "index/%s%s", hex,
		 algo == OID_LEGACY ? "-dos2unix" : "");
}

void statcache_release(struct statcache *sc)
{
	if (!sc)
		return;
	if (sc->is_mapped)
		sys_unmap(sc->p, sc->n);
	else
		free(sc->p);
	*sc = (struct statcache){0};
}

static bool head_is_ours(const struct statcache *sc, const struct statcache_head *h)
{
	size_t summed = offsetof(struct statcache_head, body_sum);

	if (sc->n < sizeof(*h) || memcmp(h->magic, magic, sizeof(magic)) != 0 ||
	    h->total_n != sc->n || h->path_n >= sc->n || h->head_n > sc->n ||
	    h->head_n != ((sizeof(*h) + h->path_n + 1 + 7) & ~(size_t)7))
		return false;
	return sum64((const char *)h + summed, h->head_n - summed) == h->head_sum &&
	       ((const char *)sc->p)[sizeof(*h) + h->path_n] == '\0' &&
	       (h->kind == INDEX_FILE || h->kind == INDEX_DIR);
}

/*
 * The sums say that these are the bytes that were written. Ranges are checked
 * all the same: a reader must not depend on every writer's being right.
 */
static bool body_is_sound(const struct statcache *sc)
{
	const struct statcache_head *h = sc->head;

	for (uint32_t i = 0; i < h->dirs_nr; i++) {
		const struct statcache_dir *d = &sc->dirs[i];

		if ((uint64_t)d->first_file + d->files_nr > h->files_nr ||
		    (uint64_t)d->first_sub + d->subs_nr > h->dirs_nr ||
		    (d->subs_nr > 0 && d->first_sub <= i) || (i > 0 && d->parent >= i) ||
		    (uint64_t)d->name_at + d->name_n >= h->names_n ||
		    sc->names[d->name_at + d->name_n] != '\0')
			return false;
	}
	for (uint32_t i = 0; i < h->files_nr; i++) {
		const struct statcache_file *f = &sc->files[i];

		if ((uint64_t)f->name_at + f->name_n >= h->names_n)
			return false;
	}
	return h->names_n == 0 || sc->names[h->names_n - 1] == '\0';
}

struct piece {
	const void *p;
	size_t n;
};

/* The sums of the three tables, each seeded by the one before: no copy of the
 * whole is needed to write it. */
static uint64_t sum_body(const struct piece v[3])
{
	uint64_t sum = 0;

	for (int i = 0; i < 3; i++)
		sum = sum64_more(sum, v[i].p, v[i].n);
	return sum;
}

static bool parse(struct statcache *sc)
{
	const struct statcache_head *h = sc->p;
	const char *body;
	uint64_t dirs_n, files_n;

	if (!head_is_ours(sc, h))
		return false;
	body = (const char *)sc->p + h->head_n;
	dirs_n = (uint64_t)h->dirs_nr * sizeof(struct statcache_dir);
	files_n = (uint64_t)h->files_nr * sizeof(struct statcache_file);
	if (h->names_n > sc->n || h->head_n + dirs_n + files_n + h->names_n != sc->n ||
	    sum_body((struct piece[3]){{body, dirs_n},
				       {body + dirs_n, files_n},
				       {body + dirs_n + files_n, h->names_n}}) !=
		    h->body_sum)
		return false;
	sc->head = h;
	sc->path = (const char *)sc->p + sizeof(*h);
	sc->dirs = (const void *)body;
	sc->files = (const void *)(body + dirs_n);
	sc->names = body + dirs_n + files_n;
	return body_is_sound(sc) &&
	       (h->kind == INDEX_DIR ? h->dirs_nr > 0
				     : h->dirs_nr == 0 && h->files_nr == 1);
}

/* Mapped where pages come from a local disk: a file that another client of a
 * network file system replaces may fault under a mapping. */
static void take_bytes(int fd, struct statcache *sc)
{
	uint64_t bytes, inodes;
	struct stat st;
	bool net;

	if (sys_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)sizeof(struct statcache_head))
		return;
	sc->n = (size_t)st.st_size;
	if (sc->n >= MAP_FROM && sys_fs_space(fd, &bytes, &inodes, &net) == 0 && !net) {
		sc->p = sys_map(fd, sc->n);
		sc->is_mapped = sc->p != NULL;
	}
	if (sc->p)
		return;
	if (try_alloc(&sc->p, sc->n, 1, "a stat cache", NULL) < 0)
		return;
	if (sys_pread(fd, sc->p, sc->n, 0) != (ssize_t)sc->n) {
		free(sc->p);
		sc->p = NULL;
	}
}

static void load(int statefd, const char *name, struct statcache *out)
{
	struct statcache sc = {0};
	int fd = sys_openat(statefd, name, O_RDONLY | O_NOFOLLOW, 0);

	*out = sc;
	if (fd < 0)
		return;
	take_bytes(fd, &sc);
	sys_close(fd);
	if (sc.p && parse(&sc))
		*out = sc;
	else
		statcache_release(&sc);
}

void statcache_load(int statefd, const char *path, enum oid_algo algo,
		    struct statcache *out)
{
	char name[STATCACHE_NAME_MAX];

	statcache_name(path, algo, name);
	load(statefd, name, out);
	/* Two paths may share a sum; the record tells whose it is. */
	if (out->head && (strcmp(out->path, path) != 0 || out->head->algo != algo))
		statcache_release(out);
}

void statcache_load_name(int statefd, const char *name, struct statcache *out)
{
	char full[STATCACHE_NAME_MAX], want[STATCACHE_NAME_MAX];

	*out = (struct statcache){0};
	if ((size_t)snprintf(full, sizeof(full), "index/%s", name) >= sizeof(full))
		return;
	load(statefd, full, out);
	if (!out->head)
		return;
	statcache_name(out->path, (enum oid_algo)out->head->algo, want);
	if (strcmp(want, full) != 0)
		statcache_release(out);
}

/* A record being put together. */
struct writer {
	struct statcache_dir *dirs;
	size_t dirs_nr, dirs_cap;
	const struct index_dir **order; /* dirs[i] is order[i]'s */
	size_t order_nr, order_cap;
	struct buf files, names;
};

static void writer_release(struct writer *w)
{
	free(w->dirs);
	free(w->order);
	buf_release(&w->files);
	buf_release(&w->names);
}

static uint32_t add_name(struct writer *w, const char *name, size_t n)
{
	uint32_t at = (uint32_t)w->names.n;

	buf_add(&w->names, name, n);
	buf_addc(&w->names, '\0');
	return at;
}

static void add_file(struct writer *w, const struct index_file *f)
{
	struct statcache_file out = {
		.inode = f->st.inode,
		.size = f->st.size,
		.mtime_ns = f->st.mtime_ns,
		.ctime_ns = f->st.ctime_ns,
		.mode = f->st.mode,
		.nlink = f->st.nlink,
		.name_n = (uint16_t)f->path_n,
		.flags = (uint8_t)f->flags,
		.algo = f->oid.algo,
	};

	memcpy(out.oid, f->oid.b, sizeof(out.oid));
	out.name_at = add_name(w, f->path, f->path_n);
	buf_add(&w->files, &out, sizeof(out));
}

static size_t add_files(struct writer *w, const struct index_dir *d)
{
	size_t nr = index_dir_files_nr(d);

	for (size_t i = 0; i < nr; i++) {
		struct index_file f = index_dir_file(d, i);

		add_file(w, &f);
	}
	return nr;
}

static void push_dir(struct writer *w, const struct index_dir *d, uint32_t parent)
{
	struct statcache_dir out = {
		.inode = d->inode,
		.mtime_ns = d->mtime_ns,
		.ctime_ns = d->ctime_ns,
		.parent = parent,
		.name_n = d->name_n,
		.flags = d->flags,
	};

	out.name_at = add_name(w, d->name, d->name_n);
	if (w->dirs_nr == w->dirs_cap)
		w->dirs = vec_grow(w->dirs, &w->dirs_cap, w->dirs_nr + 1, sizeof(out));
	w->dirs[w->dirs_nr++] = out;
	if (w->order_nr == w->order_cap)
		w->order = vec_grow(w->order, &w->order_cap, w->order_nr + 1,
				    sizeof(struct index_dir *));
	w->order[w->order_nr++] = d;
}

static size_t put_dirs(struct writer *w, const struct index_dir *top)
{
	size_t files = 0;

	push_dir(w, top, 0);
	for (size_t i = 0; i < w->dirs_nr; i++) {
		const struct index_dir *d = w->order[i];

		w->dirs[i].first_file = (uint32_t)files;
		w->dirs[i].files_nr = (uint32_t)add_files(w, d);
		files += w->dirs[i].files_nr;
		w->dirs[i].first_sub = (uint32_t)w->dirs_nr;
		w->dirs[i].subs_nr = (uint32_t)d->subs_nr;
		for (size_t s = 0; s < d->subs_nr; s++)
			push_dir(w, d->subs[s], (uint32_t)i);
	}
	return files;
}

/*
 * Not flushed: a record that a power cut tears fails its sum. The body is
 * written under a temporary name, so a reader sees the old record or the new.
 */
static int publish(int statefd, const char *name, const struct piece *v, size_t nr,
		   struct err *e)
{
	struct tmpfile t = {0};
	int dirfd, r;

	dirfd = sys_openat(statefd, "index", O_RDONLY | O_DIRECTORY, 0);
	if (dirfd < 0 && errno == ENOENT) {
		if ((r = fs_mkdirs(statefd, "index", 0, e)) < 0)
			return r;
		dirfd = sys_openat(statefd, "index", O_RDONLY | O_DIRECTORY, 0);
	}
	if (dirfd < 0)
		return err_sys(e, "open", "index");
	if ((r = tmpfile_open(&t, dirfd, 0666, e)) < 0)
		goto out;
	for (size_t i = 0; i < nr; i++) {
		if (v[i].n > 0 && sys_write(t.fd, v[i].p, v[i].n) < 0) {
			r = err_sys(e, "write", name);
			goto out;
		}
	}
	r = tmpfile_replace(&t, dirfd, name + strlen("index/"), e);
out:
	tmpfile_release(&t);
	sys_close(dirfd);
	return r;
}

static uint64_t sum_head(const char *p, size_t n)
{
	size_t from = offsetof(struct statcache_head, body_sum);

	return sum64(p + from, n - from);
}

static int seal(int statefd, const char *path, struct statcache_head h,
		const struct piece body[3], struct err *e)
{
	char name[STATCACHE_NAME_MAX];
	struct buf head = {0};
	struct piece pieces[4] = {{NULL, 0}, body[0], body[1], body[2]};
	int r;

	memcpy(h.magic, magic, sizeof(magic));
	h.path_n = (uint32_t)strlen(path);
	h.head_n = (uint32_t)((sizeof(h) + h.path_n + 1 + 7) & ~(size_t)7);
	h.total_n = h.head_n + body[0].n + body[1].n + body[2].n;
	h.body_sum = sum_body(body);
	buf_add(&head, &h, sizeof(h));
	buf_add(&head, path, h.path_n);
	buf_fill(&head, '\0', h.head_n - head.n);
	h.head_sum = sum_head(head.p, head.n);
	memcpy(head.p + offsetof(struct statcache_head, head_sum), &h.head_sum,
	       sizeof(h.head_sum));
	pieces[0] = (struct piece){head.p, head.n};
	statcache_name(path, (enum oid_algo)h.algo, name);
	r = publish(statefd, name, pieces, 4, e);
	buf_release(&head);
	return r;
}

int statcache_save(int statefd, const char *path, const struct statcache_head *head,
		   const struct index_dir *top, struct err *e)
{
	struct statcache_head h = *head;
	struct writer w = {0};
	size_t files;
	int r;

	buf_reserve(&w.files, (size_t)head->files_nr * sizeof(struct statcache_file));
	files = head->kind == INDEX_DIR ? put_dirs(&w, top) : add_files(&w, top);
	if (files > UINT32_MAX || w.dirs_nr > UINT32_MAX || w.names.n > UINT32_MAX) {
		r = err_set(e, ERR_UNSUPPORTED, "'%s': too large for a stat cache", path);
		goto out;
	}
	h.dirs_nr = (uint32_t)w.dirs_nr;
	h.files_nr = (uint32_t)files;
	h.names_n = w.names.n;
	r = seal(statefd, path, h,
		 (struct piece[3]){{w.dirs, w.dirs_nr * sizeof(*w.dirs)},
				   {w.files.p, w.files.n},
				   {w.names.p, w.names.n}},
		 e);
out:
	writer_release(&w);
	return r;
}

int statcache_reflag(int statefd, const struct statcache *sc, uint32_t flags,
		     struct err *e)
{
	struct statcache_head h = *sc->head;

	h.flags = flags;
	return seal(statefd, sc->path, h,
		    (struct piece[3]){{sc->dirs, h.dirs_nr * sizeof(*sc->dirs)},
				      {sc->files, h.files_nr * sizeof(*sc->files)},
				      {sc->names, h.names_n}},
		    e);
}
