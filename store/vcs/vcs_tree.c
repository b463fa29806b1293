/* Files of a revision. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/vcs/vcs.h"
#include "store/vcs/vcs_impl.h"

#include <stdlib.h>
#include <string.h>

#define READ_LIMIT ((size_t)1 << 30)
#define DEPTH_MAX  4096

static int tree_of(struct vcs *v, const char *rev_id, git_tree **out, struct err *e)
{
	git_commit *c = NULL;
	git_oid id;
	int r;

	if ((r = vcs_start(v, e)) < 0)
		return r;
	if (git_oid_fromstr(&id, rev_id) < 0)
		return err_set(e, ERR_NOTFOUND, "unknown Git revision '%s'", rev_id);
	r = git_commit_lookup(&c, v->repo, &id);
	if (r == 0)
		r = git_commit_tree(out, c);
	git_commit_free(c);
	return r < 0 ? vcs_error(e, r, rev_id) : 0;
}

/* path is below the lode root; "" is the root's own tree. */
static int entry_of(struct vcs *v, const char *rev_id, const char *path,
		    git_tree_entry **out, struct err *e)
{
	char *full = vcs_full(v, path);
	git_tree *tree = NULL;
	int r = tree_of(v, rev_id, &tree, e);

	if (r == 0 && (r = git_tree_entry_bypath(out, tree, full)) < 0)
		r = r == GIT_ENOTFOUND
			    ? err_set(e, ERR_NOTFOUND, "'%s': not in revision %.7s", path,
				      rev_id)
			    : vcs_error(e, r, full);
	git_tree_free(tree);
	free(full);
	return r;
}

/* The tree where a walk begins. */
static int start_tree(struct vcs *v, const char *rev_id, const char *start,
		      git_tree **out, struct err *e)
{
	char *full = vcs_full(v, start);
	git_tree_entry *ent = NULL;
	git_tree *tree = NULL;
	size_t n = strlen(full);
	int r = tree_of(v, rev_id, &tree, e);

	if (n > 0 && full[n - 1] == '/')
		full[--n] = '\0';
	if (r < 0)
		goto out;
	if (n == 0) {
		*out = tree;
		tree = NULL;
		goto out;
	}
	r = git_tree_entry_bypath(&ent, tree, full);
	if (r == 0 && git_tree_entry_type(ent) != GIT_OBJECT_TREE)
		r = GIT_ENOTFOUND;
	if (r == 0)
		r = git_tree_lookup(out, v->repo, git_tree_entry_id(ent));
	if (r == GIT_ENOTFOUND)
		r = err_set(e, ERR_NOTFOUND, "'%s': no directory in revision %.7s", full,
			    rev_id);
	else if (r < 0)
		r = vcs_error(e, r, full);
out:
	git_tree_entry_free(ent);
	git_tree_free(tree);
	free(full);
	return r;
}

struct frame {
	git_tree *tree;
	size_t at, prefix_n;
	bool in_dirs;
};

struct walking {
	struct vcs *v;
	vcs_tree_fn fn;
	void *ctx;
	struct buf path;
	VEC_OF(struct frame) stack;
};

static int enter(struct walking *w, const git_oid *id, struct err *e)
{
	struct frame f = {.prefix_n = w->path.n};
	int r;

	if (w->stack.nr >= DEPTH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "'%s': more than %d levels deep",
			       buf_str(&w->path), DEPTH_MAX);
	if ((r = git_tree_lookup(&f.tree, w->v->repo, id)) < 0)
		return vcs_error(e, r, buf_str(&w->path));
	vec_push(&w->stack, f);
	return 0;
}

/* One entry: told to the caller, entered if it is a directory. */
static int visit(struct walking *w, const git_tree_entry *ent, struct err *e)
{
	bool is_dir = git_tree_entry_type(ent) == GIT_OBJECT_TREE;
	struct vcs_entry told = {.mode = (uint32_t)git_tree_entry_filemode(ent)};
	size_t n = w->path.n;
	int r;

	buf_adds(&w->path, git_tree_entry_name(ent));
	told.path = buf_str(&w->path);
	told.name = told.path + n;
	git_oid_tostr(told.id, sizeof(told.id), git_tree_entry_id(ent));
	r = w->fn(w->ctx, &told, e);
	if (r != VCS_GO || !is_dir)
		return r < 0 ? r : 0;
	buf_addc(&w->path, '/');
	return enter(w, git_tree_entry_id(ent), e);
}

static int walk_on(struct walking *w, struct err *e)
{
	int r = 0;

	while (r == 0 && w->stack.nr > 0) {
		struct frame *f = &w->stack.v[w->stack.nr - 1];
		const git_tree_entry *ent;

		buf_cut(&w->path, f->prefix_n);
		if (f->at == git_tree_entrycount(f->tree)) {
			if (!f->in_dirs) {
				f->in_dirs = true;
				f->at = 0;
				continue;
			}
			git_tree_free(f->tree);
			w->stack.nr--;
			r = interrupt_check(e);
			continue;
		}
		ent = git_tree_entry_byindex(f->tree, f->at++);
		if ((git_tree_entry_type(ent) == GIT_OBJECT_TREE) == f->in_dirs)
			r = visit(w, ent, e);
	}
	return r;
}

int vcs_tree(struct vcs *v, const char *rev_id, const char *start, vcs_tree_fn fn,
	     void *ctx, struct err *e)
{
	struct walking w = {.v = v, .fn = fn, .ctx = ctx};
	git_tree *tree = NULL;
	int r;

	if (strcmp(start, ".") == 0)
		start = "";
	if ((r = start_tree(v, rev_id, start, &tree, e)) < 0)
		return r;
	buf_adds(&w.path, start);
	if (w.path.n > 0)
		buf_addc(&w.path, '/');
	vec_push(&w.stack, ((struct frame){.tree = tree, .prefix_n = w.path.n}));
	r = walk_on(&w, e);
	while (w.stack.nr > 0)
		git_tree_free(w.stack.v[--w.stack.nr].tree);
	vec_release(&w.stack);
	buf_release(&w.path);
	return r;
}

int vcs_lookup(struct vcs *v, const char *rev_id, const char *path, uint32_t *mode,
	       char id[VCS_ID_MAX], struct err *e)
{
	git_tree_entry *ent = NULL;
	int r = entry_of(v, rev_id, path, &ent, e);

	if (r < 0)
		return r;
	*mode = (uint32_t)git_tree_entry_filemode(ent);
	git_oid_tostr(id, VCS_ID_MAX, git_tree_entry_id(ent));
	git_tree_entry_free(ent);
	return 0;
}

int vcs_read_blob(struct vcs *v, const char *blob_id, size_t limit, struct buf *out,
		  struct err *e)
{
	git_blob *blob = NULL;
	git_oid id;
	uint64_t n;
	int r;

	if (limit == 0)
		limit = READ_LIMIT;
	if ((r = vcs_start(v, e)) < 0)
		return r;
	if (git_oid_fromstr(&id, blob_id) < 0)
		return err_set(e, ERR_NOTFOUND, "'%s' is no object id", blob_id);
	if ((r = git_blob_lookup(&blob, v->repo, &id)) < 0)
		return vcs_error(e, r, blob_id);
	n = (uint64_t)git_blob_rawsize(blob);
	if (n > limit) {
		r = err_set(e, ERR_INVALID, "'%s': larger than %zu bytes", blob_id,
			    limit);
	} else {
		buf_reset(out);
		buf_add(out, git_blob_rawcontent(blob), (size_t)n);
	}
	git_blob_free(blob);
	return r;
}

int vcs_read(struct vcs *v, const char *rev_id, const char *path, size_t limit,
	     struct buf *out, struct err *e)
{
	char id[VCS_ID_MAX];
	uint32_t mode;
	int r = vcs_lookup(v, rev_id, path, &mode, id, e);

	if (r < 0)
		return r;
	if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
		return err_set(e, ERR_NOTFOUND, "'%s': no file in revision %.7s", path,
			       rev_id);
	if ((r = vcs_read_blob(v, id, limit, out, e)) < 0)
		return err_ctx(e, r, "reading '%s' of revision %.7s", path, rev_id);
	return 0;
}
