#include "store/meta/tree.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/index/ignore.h"
#include "store/index/walk.h"
#include "store/vcs/gitignore.h"
#include "store/vcs/vcs.h"

#include <fcntl.h>
#include <stdlib.h>

enum {
	METADATA_MAX = 256 << 20 /* bytes; a files: list of a million names fits */
};

int tree_read(struct tree *t, const char *path, struct buf *out, struct err *e)
{
	return t->ops->read(t, path, NULL, out, e);
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	free(t->rev);
	free(t->root);
	t->ops->free(t);
}

/* ---- the workspace ------------------------------------------------------- */

struct workspace {
	struct tree t;
	int rootfd;
	struct ignore *ignore;
	struct gitignore *git; /* NULL: no git */
};

struct walk_ctx {
	tree_fn fn;
	void *ctx;
};

static int ws_entry(void *ctx, const struct walk_entry *ent, struct err *e)
{
	struct walk_ctx *w = ctx;
	struct tree_entry te = {
		.path = ent->path, .name = ent->name, .is_dir = ent->is_dir};
	int r = w->fn(w->ctx, &te, e);

	return r == TREE_SKIP ? WALK_SKIP : r;
}

static int ws_walk(struct tree *t, tree_fn fn, void *ctx, struct err *e)
{
	struct workspace *w = (struct workspace *)t;
	struct walk_ctx wc = {fn, ctx};

	return walk(w->rootfd, "", w->ignore, ws_entry, &wc, e);
}

static int ws_read(struct tree *t, const char *path, const char *id, struct buf *out,
		   struct err *e)
{
	struct workspace *w = (struct workspace *)t;

	(void)id;
	return fs_read(w->rootfd, path, METADATA_MAX, out, e);
}

static bool ws_exists(struct tree *t, const char *path, bool *is_dir)
{
	struct workspace *w = (struct workspace *)t;
	struct stat st;

	if (sys_fstatat(w->rootfd, path[0] ? path : ".", &st, 0) < 0)
		return false;
	if (is_dir)
		*is_dir = S_ISDIR(st.st_mode);
	return true;
}

static bool ws_dvc_ignored(struct tree *t, const char *path)
{
	struct workspace *w = (struct workspace *)t;
	bool ignored = false;

	/* A broken .dvcignore is reported by the walk, with its line. */
	if (w->ignore && ignore_check(w->ignore, path, false, &ignored, NULL) < 0)
		return false;
	return ignored;
}

static bool ws_git_ignored(struct tree *t, const char *path, bool is_dir)
{
	struct workspace *w = (struct workspace *)t;
	bool ignored = false;

	/* What git cannot tell counts as not ignored: the file is looked at. */
	if (w->git && gitignore_check(w->git, path, is_dir, &ignored, NULL) < 0)
		return false;
	return ignored;
}

static int ws_refuse_out(struct tree *t, const char *path, struct err *e)
{
	struct workspace *w = (struct workspace *)t;
	bool is_dir = false;

	if (!w->ignore)
		return 0;
	(void)ws_exists(t, path, &is_dir); /* absent: asked as a file */
	return ignore_refuse(w->ignore, path, is_dir, e);
}

static void ws_free(struct tree *t)
{
	struct workspace *w = (struct workspace *)t;

	gitignore_free(w->git);
	free(w);
}

static const struct tree_ops ws_ops = {
	.walk = ws_walk,
	.read = ws_read,
	.exists = ws_exists,
	.dvc_ignored = ws_dvc_ignored,
	.git_ignored = ws_git_ignored,
	.refuse_out = ws_refuse_out,
	.free = ws_free,
};

int tree_open_workspace(struct tree **out, const struct tree_workspace *o, struct err *e)
{
	struct workspace *w = xcalloc(1, sizeof(*w));
	int r;

	w->t.ops = &ws_ops;
	w->t.root = xstrdup(o->root);
	w->rootfd = o->rootfd;
	w->ignore = o->ignore;
	if (o->vcs && (r = gitignore_open(&w->git, o->vcs, e)) < 0) {
		tree_free(&w->t);
		return r;
	}
	*out = &w->t;
	return 0;
}

/* ---- a revision ---------------------------------------------------------- */

struct revision {
	struct tree t;
	struct vcs *vcs;
};

struct rev_walk {
	struct revision *r;
	tree_fn fn;
	void *ctx;
};

/* .dvcignore files of the revision are not read: what they would hide is seen,
 * which for gc and diff errs on the side of keeping. */
static int rev_entry(void *ctx, const struct vcs_entry *ent, struct err *e)
{
	struct rev_walk *w = ctx;
	struct tree_entry te = {.path = ent->path, .name = ent->name, .id = ent->id};
	uint32_t type = ent->mode & S_IFMT;
	char *inner;
	int r;

	if (type == S_IFDIR) {
		char id[VCS_ID_MAX];
		uint32_t mode;

		te.is_dir = true;
		te.id = NULL;
		if (strcmp(ent->name, ".dvc") == 0 || strcmp(ent->name, ".hg") == 0)
			return VCS_SKIP;
		inner = path_join(ent->path, ".dvc");
		r = vcs_lookup(w->r->vcs, w->r->t.rev, inner, &mode, id, NULL);
		free(inner);
		if (r == 0 && (mode & S_IFMT) == S_IFDIR)
			return VCS_SKIP;
	} else if (type != S_IFREG) {
		return VCS_GO;
	}
	r = w->fn(w->ctx, &te, e);
	return r == TREE_SKIP ? VCS_SKIP : r;
}

static int rev_walk(struct tree *t, tree_fn fn, void *ctx, struct err *e)
{
	struct revision *r = (struct revision *)t;
	struct rev_walk w = {r, fn, ctx};
	int rc = vcs_tree(r->vcs, t->rev, "", rev_entry, &w, e);

	/* The root may be younger than the revision: then it holds nothing. */
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int rev_read(struct tree *t, const char *path, const char *id, struct buf *out,
		    struct err *e)
{
	struct revision *r = (struct revision *)t;

	return id ? vcs_read_blob(r->vcs, id, METADATA_MAX, out, e)
		  : vcs_read(r->vcs, t->rev, path, METADATA_MAX, out, e);
}

static bool rev_exists(struct tree *t, const char *path, bool *is_dir)
{
	struct revision *r = (struct revision *)t;
	char id[VCS_ID_MAX];
	uint32_t mode = S_IFDIR;

	if (path[0] && vcs_lookup(r->vcs, t->rev, path, &mode, id, NULL) < 0)
		return false;
	if (is_dir)
		*is_dir = (mode & S_IFMT) == S_IFDIR;
	return true;
}

static bool never_ignored(struct tree *t, const char *path)
{
	(void)t;
	(void)path;
	return false;
}

static bool never_git_ignored(struct tree *t, const char *path, bool is_dir)
{
	(void)is_dir;
	return never_ignored(t, path);
}

static int never_refuse(struct tree *t, const char *path, struct err *e)
{
	(void)t;
	(void)path;
	(void)e;
	return 0;
}

static void rev_free(struct tree *t)
{
	free(t);
}

static const struct tree_ops rev_ops = {
	.walk = rev_walk,
	.read = rev_read,
	.exists = rev_exists,
	.dvc_ignored = never_ignored,
	.git_ignored = never_git_ignored,
	.refuse_out = never_refuse,
	.free = rev_free,
};

int tree_open_revision(struct tree **out, struct vcs *vcs, const char *rev, struct err *e)
{
	struct revision *r;
	char id[VCS_ID_MAX];
	int rc = vcs_resolve(vcs, rev, id, e);

	if (rc < 0)
		return rc;
	r = xcalloc(1, sizeof(*r));
	r->t.ops = &rev_ops;
	r->t.rev = xstrdup(id);
	r->t.root = xstrdup(vcs_root(vcs));
	r->vcs = vcs;
	*out = &r->t;
	return 0;
}

/* ---- memory -------------------------------------------------------------- */

struct memory {
	struct tree t;
	const char *const *files;
	struct strvec sorted;
};

/* Everything below dir, whose length with its slash is n. */
static int mem_walk_dir(struct memory *m, const char *dir, size_t n, tree_fn fn,
			void *ctx, struct err *e)
{
	struct strvec dirs = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < m->sorted.nr; i++) {
		const char *p = m->sorted.v[i], *slash;
		struct tree_entry te = {.path = p};

		if (strncmp(p, dir, n) != 0)
			continue;
		slash = strchr(p + n, '/');
		te.name = p + n;
		if (!slash)
			r = fn(ctx, &te, e);
		else
			strvec_take(&dirs, xmemdup0(p, (size_t)(slash - p)));
	}
	strvec_sort(&dirs);
	strvec_unique(&dirs);
	for (size_t i = 0; r >= 0 && i < dirs.nr; i++) {
		struct tree_entry te = {
			.path = dirs.v[i], .name = dirs.v[i] + n, .is_dir = true};
		char *inner = xasprintf("%s/", dirs.v[i]);

		r = fn(ctx, &te, e);
		if (r == TREE_GO)
			r = mem_walk_dir(m, inner, strlen(inner), fn, ctx, e);
		free(inner);
	}
	strvec_release(&dirs);
	return r < 0 ? r : 0;
}

static int mem_walk(struct tree *t, tree_fn fn, void *ctx, struct err *e)
{
	return mem_walk_dir((struct memory *)t, "", 0, fn, ctx, e);
}

static int mem_read(struct tree *t, const char *path, const char *id, struct buf *out,
		    struct err *e)
{
	struct memory *m = (struct memory *)t;

	(void)id;
	for (size_t i = 0; m->files[i]; i += 2) {
		if (strcmp(m->files[i], path) == 0) {
			buf_adds(out, m->files[i + 1]);
			return 0;
		}
	}
	return err_set(e, ERR_NOTFOUND, "'%s': no such file", path);
}

static bool mem_exists(struct tree *t, const char *path, bool *is_dir)
{
	struct memory *m = (struct memory *)t;
	size_t n = strlen(path);

	for (size_t i = 0; m->files[i]; i += 2) {
		const char *p = m->files[i];
		bool below = n == 0 || (strncmp(p, path, n) == 0 && p[n] == '/');

		if (!below && strcmp(p, path) != 0)
			continue;
		if (is_dir)
			*is_dir = below;
		return true;
	}
	return false;
}

static void mem_free(struct tree *t)
{
	struct memory *m = (struct memory *)t;

	strvec_release(&m->sorted);
	free(m);
}

static const struct tree_ops mem_ops = {
	.walk = mem_walk,
	.read = mem_read,
	.exists = mem_exists,
	.dvc_ignored = never_ignored,
	.git_ignored = never_git_ignored,
	.refuse_out = never_refuse,
	.free = mem_free,
};

int tree_open_memory(struct tree **out, const char *const *files, struct err *e)
{
	struct memory *m = xcalloc(1, sizeof(*m));

	(void)e;
	m->t.ops = &mem_ops;
	m->files = files;
	for (size_t i = 0; files[i]; i += 2)
		strvec_push(&m->sorted, files[i]);
	strvec_sort(&m->sorted);
	*out = &m->t;
	return 0;
}
