#include "store/index/view.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/map.h"
#include "store/index/scan.h"
#include "store/index/statcache.h"

#include <stdlib.h>
#include <string.h>

struct seen_dir {
	const char *path;
	uint32_t flags;
	uint64_t inode;
	int64_t mtime_ns, ctime_ns;
};

struct index_dirs {
	struct arena arena;
	uint64_t fingerprint;
	struct seen_dir *v; /* parents before what is in them */
	size_t nr, cap;
};

void index_view_release(struct index_view *v)
{
	if (!v)
		return;
	arena_release(&v->arena);
	free(v->files);
	if (v->dirs) {
		arena_release(&v->dirs->arena);
		vec_release(v->dirs);
		free(v->dirs);
	}
	*v = (struct index_view){0};
}

/*
 * The walk in whole-path order. In a directory a file counts by its name, a
 * directory by its name and a slash; so "a.b" comes before what is in "a".
 */
struct frame {
	const struct index_dir *d;
	struct index_dir **subs; /* in the order of name and slash */
	size_t file, files_nr, sub;
	size_t prefix_n; /* of the path, slash included */
	char *text;	 /* where the next file's path goes */
};

static int sub_order(const void *a, const void *b)
{
	const struct index_dir *x = *(struct index_dir *const *)a;
	const struct index_dir *y = *(struct index_dir *const *)b;
	size_t n = MIN_OF(x->name_n, y->name_n);
	int c = memcmp(x->name, y->name, n);
	unsigned char cx, cy;

	if (c != 0)
		return c;
	cx = (unsigned char)(x->name_n > n ? x->name[n] : '/');
	cy = (unsigned char)(y->name_n > n ? y->name[n] : '/');
	return cx < cy ? -1 : cx > cy;
}

static bool file_is_first(const struct index_file *f, const struct index_dir *sub)
{
	size_t n = MIN_OF(f->path_n, sub->name_n);
	int c = memcmp(f->path, sub->name, n);

	if (c != 0)
		return c < 0;
	if (f->path_n == n)
		return true; /* nothing is before '/' */
	return (unsigned char)f->path[n] < '/';
}

static struct frame enter(struct index_view *v, const struct index_dir *d,
			  const struct buf *prefix)
{
	struct frame fr = {
		.d = d, .files_nr = index_dir_files_nr(d), .prefix_n = prefix->n};
	size_t bytes = 0;

	for (size_t i = 0; i < fr.files_nr; i++)
		bytes += prefix->n + index_dir_file(d, i).path_n + 1;
	if (bytes > 0)
		fr.text = arena_alloc(&v->arena, bytes);
	if (d->subs_nr > 0) {
		fr.subs = xcalloc(d->subs_nr, sizeof(*fr.subs));
		memcpy(fr.subs, d->subs, d->subs_nr * sizeof(*fr.subs));
		qsort(fr.subs, d->subs_nr, sizeof(*fr.subs), sub_order);
	}
	return fr;
}

static void put_file(struct index_view *v, struct frame *fr, struct index_file f,
		     const struct buf *prefix)
{
	char *path = fr->text;

	if (fr->prefix_n > 0)
		memcpy(path, prefix->p, fr->prefix_n);
	memcpy(path + fr->prefix_n, f.path, f.path_n);
	path[fr->prefix_n + f.path_n] = '\0';
	f.path = path;
	f.path_n += (uint32_t)fr->prefix_n;
	fr->text += f.path_n + 1;
	v->files[v->nr++] = f;
	fr->file++;
}

void view_fill(struct index_view *v, const struct index_dir *top, uint64_t files_nr)
{
	VEC_OF(struct frame) stack = {0};
	struct buf prefix = {0};

	v->files = xcalloc(files_nr ? (size_t)files_nr : 1, sizeof(*v->files));
	v->cap = files_nr ? (size_t)files_nr : 1;
	vec_push(&stack, enter(v, top, &prefix));
	while (stack.nr > 0) {
		struct frame *fr = &stack.v[stack.nr - 1];
		bool more = fr->file < fr->files_nr;
		struct index_file f = {0};

		buf_cut(&prefix, fr->prefix_n);
		if (more)
			f = index_dir_file(fr->d, fr->file);
		if (more &&
		    (fr->sub == fr->d->subs_nr || file_is_first(&f, fr->subs[fr->sub]))) {
			put_file(v, fr, f, &prefix);
		} else if (fr->sub < fr->d->subs_nr) {
			const struct index_dir *sub = fr->subs[fr->sub++];

			buf_add(&prefix, sub->name, sub->name_n);
			buf_addc(&prefix, '/');
			vec_push(&stack, enter(v, sub, &prefix));
		} else {
			free(fr->subs);
			stack.nr--;
		}
	}
	vec_release(&stack);
	buf_release(&prefix);
}

void view_fill_one(struct index_view *v, const struct index_file *f)
{
	v->files = xcalloc(1, sizeof(*v->files));
	v->cap = v->nr = 1;
	v->files[0] = *f;
}

void view_keep_dirs(struct index_view *v, const struct scan *s)
{
	struct index_dirs *dirs = xcalloc(1, sizeof(*dirs));
	VEC_OF(const struct index_dir *) todo = {0};
	struct buf path = {0};

	dirs->fingerprint = s->fingerprint;
	vec_push(&todo, s->top);
	while (todo.nr > 0) {
		const struct index_dir *d = todo.v[--todo.nr];
		struct seen_dir seen = {NULL, d->flags, d->inode, d->mtime_ns,
					d->ctime_ns};

		scan_path(d, &path);
		seen.path = arena_strndup(&dirs->arena, buf_str(&path), path.n);
		vec_push(dirs, seen);
		for (size_t i = 0; i < d->subs_nr; i++)
			vec_push(&todo, d->subs[i]);
	}
	vec_release(&todo);
	buf_release(&path);
	v->dirs = dirs;
}

struct building {
	struct index_dir *top;
	struct map by_path;
	VEC_OF(struct index_dir *) dirs;
};

static struct index_dir *dir_of(struct building *b, struct slice path)
{
	size_t at = map_get(&b->by_path, path);
	struct index_dir *parent, *d;
	size_t n = path.n;

	if (at != MAP_NONE)
		return b->dirs.v[at];
	while (n > 0 && path.p[n - 1] != '/')
		n--;
	/* Depth of recursion is the path's: bounded by its bytes, seen once each. */
	parent = dir_of(b, (struct slice){path.p, n > 0 ? n - 1 : 0});
	d = index_dir_new(parent, path.p + n, path.n - n);
	if (parent->subs_nr == parent->subs_cap)
		parent->subs = vec_grow(parent->subs, &parent->subs_cap,
					parent->subs_nr + 1, sizeof(*parent->subs));
	parent->subs[parent->subs_nr++] = d;
	map_set(&b->by_path, path, b->dirs.nr);
	vec_push(&b->dirs, d);
	return d;
}

static void add_seen(struct building *b, const struct index_dirs *dirs)
{
	for (size_t i = 0; i < dirs->nr; i++) {
		const struct seen_dir *seen = &dirs->v[i];
		struct index_dir *d = dir_of(b, slice_of(seen->path));

		d->flags = seen->flags;
		d->inode = seen->inode;
		d->mtime_ns = seen->mtime_ns;
		d->ctime_ns = seen->ctime_ns;
	}
}

static int by_name(const void *a, const void *b)
{
	const struct index_dir *x = *(struct index_dir *const *)a;
	const struct index_dir *y = *(struct index_dir *const *)b;

	return slice_cmp((struct slice){x->name, x->name_n},
			 (struct slice){y->name, y->name_n});
}

static void add_file(struct building *b, const struct index_file *f, int64_t marker_ns)
{
	struct index_file own = *f;
	size_t n = f->path_n;
	struct index_dir *d;

	while (n > 0 && f->path[n - 1] != '/')
		n--;
	d = dir_of(b, (struct slice){f->path, n > 0 ? n - 1 : 0});
	own.path += n;
	own.path_n -= (uint32_t)n;
	if (scan_is_racy(f->st.mtime_ns, f->st.nlink > 1 ? 0 : f->st.ctime_ns, marker_ns))
		own.flags |= INDEX_RACY;
	if (d->files_nr == d->files_cap)
		d->files = vec_grow(d->files, &d->files_cap, d->files_nr + 1,
				    sizeof(*d->files));
	d->files[d->files_nr++] = own;
}

struct index_dir *view_tree(const struct index_view *v, int64_t marker_ns,
			    uint64_t *fingerprint)
{
	struct building b = {.top = index_dir_new(NULL, "", 0)};

	map_set(&b.by_path, SLICE_LIT(""), 0);
	vec_push(&b.dirs, b.top);
	if (v->dirs) {
		*fingerprint = v->dirs->fingerprint;
		add_seen(&b, v->dirs);
	}
	for (size_t i = 0; i < v->nr; i++)
		add_file(&b, &v->files[i], marker_ns);
	for (size_t i = 0; i < b.dirs.nr; i++)
		if (b.dirs.v[i]->subs_nr > 1)
			qsort(b.dirs.v[i]->subs, b.dirs.v[i]->subs_nr,
			      sizeof(*b.dirs.v[i]->subs), by_name);
	map_release(&b.by_path);
	vec_release(&b.dirs);
	return b.top;
}
