#include "store/index/walk.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/index/ignore.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *name;
	bool is_dir, is_link;
};

struct entries {
	struct entry *v;
	size_t nr, cap;
};

struct walker {
	int rootfd;
	struct ignore *ignore;
	walk_fn fn;
	void *ctx;
	bool is_below;	     /* no longer at the start */
	VEC_OF(char *) todo; /* directories, the next one last */
};

/* Files first, then directories, each by name. */
static int entry_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->is_dir != y->is_dir)
		return x->is_dir ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void entries_release(struct entries *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->v[i].name);
	vec_release(l);
}

/* 1: a repository of its own, which is none of ours. */
static int list(struct walker *w, const char *path, struct entries *out, int *has_file,
		struct err *e)
{
	struct fs_dirent ent;
	struct fs_dir *d = NULL;
	bool is_subrepo = false;
	int r = fs_dir_open(&d, w->rootfd, *path ? path : ".", e);

	if (r < 0)
		return r;
	*has_file = 0;
	while ((r = fs_dir_next(d, &ent, e)) > 0) {
		struct entry item = {NULL, ent.type == DT_DIR, ent.type == DT_LNK};

		if (ent.type == DT_UNKNOWN) {
			mode_t kind = fs_kind(fs_dir_fd(d), ent.name);

			item.is_dir = kind == S_IFDIR;
			item.is_link = kind == S_IFLNK;
		}
		if (strcmp(ent.name, ".dvcignore") == 0)
			*has_file = 1;
		if (*path && item.is_dir && strcmp(ent.name, ".dvc") == 0)
			is_subrepo = true;
		item.name = xstrdup(ent.name);
		vec_push(out, item);
	}
	fs_dir_close(d);
	return r < 0 ? r : is_subrepo;
}

static int walk_dir(struct walker *w, const char *path, struct err *e)
{
	const struct ignore_dir *rules = NULL;
	struct entries l = {0};
	struct buf full = {0};
	size_t first = w->todo.nr;
	int has_file = 0, r;

	if ((r = interrupt_check(e)) < 0)
		goto out;
	r = list(w, path, &l, &has_file, e);
	if (r == ERR_NOTFOUND && w->is_below)
		r = 1; /* it went away since its parent was listed */
	if (r != 0)
		goto out;
	if ((r = ignore_dir(w->ignore, path, has_file, &rules, e)) < 0 || !rules)
		goto out;
	if (l.nr > 1)
		qsort(l.v, l.nr, sizeof(*l.v), entry_order);
	for (size_t i = 0; r == 0 && i < l.nr; i++) {
		struct entry *item = &l.v[i];
		struct walk_entry ent = {.is_dir = item->is_dir,
					 .is_link = item->is_link};

		if (ignore_name(rules, item->name, item->is_dir))
			continue;
		buf_reset(&full);
		buf_addf(&full, "%s%s%s", path, *path ? "/" : "", item->name);
		if (item->is_dir) {
			/* Its turn comes when all before it has been seen. */
			vec_push(&w->todo, xstrdup(buf_str(&full)));
			continue;
		}
		ent.path = buf_str(&full);
		ent.name = ent.path + full.n - strlen(item->name);
		r = w->fn(w->ctx, &ent, e);
		if (r == WALK_SKIP)
			r = 0;
	}
	/* The stack gives its last one first: turn these around. */
	for (size_t a = first, b = w->todo.nr; a + 1 < b; a++, b--) {
		char *t = w->todo.v[a];

		w->todo.v[a] = w->todo.v[b - 1];
		w->todo.v[b - 1] = t;
	}
out:
	entries_release(&l);
	buf_release(&full);
	return r < 0 ? r : 0;
}

/* One directory's turn: told to the caller, then walked. */
static int walk_next(struct walker *w, const char *path, struct err *e)
{
	struct walk_entry ent = {.path = path, .is_dir = true};
	int r;

	ent.name = path_base(path).p;
	r = w->fn(w->ctx, &ent, e);
	if (r != WALK_GO)
		return r < 0 ? r : 0;
	w->is_below = true;
	return walk_dir(w, path, e);
}

int walk(int rootfd, const char *start, struct ignore *ig, walk_fn fn, void *ctx,
	 struct err *e)
{
	struct walker w = {.rootfd = rootfd, .ignore = ig, .fn = fn, .ctx = ctx};
	int r = walk_dir(&w, strcmp(start, ".") == 0 ? "" : start, e);

	while (r == 0 && w.todo.nr > 0) {
		char *path = w.todo.v[--w.todo.nr];

		r = walk_next(&w, path, e);
		free(path);
	}
	while (w.todo.nr > 0)
		free(w.todo.v[--w.todo.nr]);
	vec_release(&w.todo);
	return r;
}
