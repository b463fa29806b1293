#include "store/meta/collect.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/meta/dvcfile.h"
#include "store/meta/tree.h"

#include <stdlib.h>

struct collector {
	struct tree *t;
	struct collection *c;
	unsigned flags;
	struct map out_paths; /* of the stages so far: a walk stays out of them */
	struct map locks;     /* dvc.lock files whose digests are in */
	size_t checked;	      /* stages whose outs were looked at */
};

void collection_release(struct collection *c)
{
	stages_release(&c->stages);
	lock_digests_release(&c->lock_digests);
	strvec_release(&c->params);
	strvec_release(&c->metrics);
	strvec_release(&c->plots);
	strvec_release(&c->empty);
	strvec_release(&c->files);
	strvec_release(&c->warnings);
	strvec_release(&c->suspect);
	*c = (struct collection){0};
}

/* A revision does not change under us; the workspace may, without the lock. */
static bool may_change(const struct collector *k)
{
	return !k->t->rev && !(k->flags & COLLECT_LOCKED);
}

static int suspect(struct collector *k, const char *path, int code)
{
	if (code == ERR_CORRUPT && may_change(k) && k->c->suspect.nr == 0)
		strvec_push(&k->c->suspect, path);
	return code;
}

static int read_text(struct collector *k, const char *path, const char *id,
		     struct buf *out, struct err *e)
{
	int r = k->t->ops->read(k->t, path, id, out, e);

	if (r == ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND, "'%s' is not a .dvc file", path);
	if (r < 0)
		return r;
	strvec_push(&k->c->files, path);
	if (!dvcfile_is_blank(buf_slice(out)))
		return 0;
	if (may_change(k)) {
		r = err_set(e, ERR_CORRUPT, "'%s' is empty", path);
		return suspect(k, path, r);
	}
	strvec_push(&k->c->empty, path);
	return 0;
}

/* What DVC refuses of outs as it loads their file; and what the walk avoids. */
static int note_outs(struct collector *k, struct err *e)
{
	struct stages *s = &k->c->stages;

	for (; k->checked < s->nr; k->checked++) {
		const struct stage *st = s->v[k->checked];

		for (size_t i = 0; i < st->outs_nr; i++) {
			const char *path = st->outs[i].at.path;
			int r;

			if (!path)
				continue;
			if ((r = k->t->ops->refuse_out(k->t, path, e)) < 0)
				return err_ctx(e, r, "'%s'", st->file);
			(void)map_set(&k->out_paths, slice_of(path), 0); /* a set */
		}
	}
	return 0;
}

static int load_dvcfile(struct collector *k, const char *path, const char *id,
			struct err *e)
{
	struct buf text = {0};
	int r;

	if ((r = read_text(k, path, id, &text, e)) == 0) {
		r = dvcfile_parse(&k->c->stages, path, buf_slice(&text), NULL, e);
		r = suspect(k, path, r);
	}
	buf_release(&text);
	return r;
}

/* The text of a lock, {NULL, 0} when there is none. */
static int read_lock(struct collector *k, const char *path, const char *id,
		     struct buf *text, struct slice *out, struct err *e)
{
	bool is_dir = false;
	int r;

	*out = (struct slice){0};
	if (!(k->flags & COLLECT_NO_GIT) && k->t->ops->git_ignored(k->t, path, false))
		return err_set(e, ERR_INVALID, "'%s%s%s' is git-ignored.",
			       k->t->root ? k->t->root : "", k->t->root ? "/" : "", path);
	if (!id && (!k->t->ops->exists(k->t, path, &is_dir) ||
		    k->t->ops->dvc_ignored(k->t, path)))
		return 0;
	if (is_dir)
		return err_set(e, ERR_INVALID, "'%s' is a directory", path);
	if ((r = read_text(k, path, id, text, e)) < 0)
		return r;
	*out = (struct slice){buf_str(text), text->n};
	if ((k->flags & COLLECT_LOCKS) && map_set(&k->locks, slice_of(path), 0)) {
		r = lock_digests_parse(&k->c->lock_digests, path, *out, e);
		r = suspect(k, path, r);
	}
	return r;
}

static int load_pipeline(struct collector *k, const char *path, const char *id,
			 struct err *e)
{
	struct pipeline_extra extra = {
		.params = &k->c->params,
		.metrics = &k->c->metrics,
		.plots = &k->c->plots,
		.warnings = &k->c->warnings,
	};
	char *lock_path = lockfile_path(path);
	struct buf yaml = {0}, lock = {0};
	struct slice lock_text;
	unsigned flags = 0;
	int r;

	if (k->flags & COLLECT_BOOL_OPTIONAL)
		flags |= PIPELINE_BOOL_OPTIONAL;
	if (k->flags & COLLECT_LIST_APPEND)
		flags |= PIPELINE_LIST_APPEND;
	if (!(k->flags & COLLECT_EXTRA))
		extra.params = extra.metrics = extra.plots = NULL;
	if ((r = read_text(k, path, id, &yaml, e)) < 0 ||
	    (r = read_lock(k, lock_path, NULL, &lock, &lock_text, e)) < 0)
		goto out;
	r = pipeline_parse(&k->c->stages, k->t, path, buf_slice(&yaml), lock_text, flags,
			   &extra, e);
	r = suspect(k, path, r);
out:
	buf_release(&yaml);
	buf_release(&lock);
	free(lock_path);
	return r;
}

static bool is_named(const char *path, const char *name)
{
	return slice_is(path_base(path), name);
}

static int load_one(struct collector *k, const char *path, const char *id, struct err *e)
{
	int r = is_named(path, "dvc.yaml") ? load_pipeline(k, path, id, e)
					   : load_dvcfile(k, path, id, e);

	return r < 0 ? r : note_outs(k, e);
}

static bool git_ignored(struct collector *k, const char *path, bool is_dir)
{
	return !(k->flags & COLLECT_NO_GIT) && k->t->ops->git_ignored(k->t, path, is_dir);
}

static int on_entry(void *ctx, const struct tree_entry *ent, struct err *e)
{
	struct collector *k = ctx;
	struct buf text = {0};
	struct slice lock;
	bool is_dir = false;
	int r = 0;

	if (ent->is_dir)
		return map_has(&k->out_paths, slice_of(ent->path)) ||
				       git_ignored(k, ent->path, true)
			       ? TREE_SKIP
			       : TREE_GO;
	if (dvcfile_is_metadata(ent->name)) {
		/* A link to a directory is no file; DVC passes it by. */
		if (!ent->id && k->t->ops->exists(k->t, ent->path, &is_dir) && is_dir)
			return TREE_GO;
		return git_ignored(k, ent->path, false)
			       ? TREE_GO
			       : load_one(k, ent->path, ent->id, e);
	}
	/* A lock whose dvc.yaml is gone still names objects. */
	if ((k->flags & COLLECT_LOCKS) && strcmp(ent->name, "dvc.lock") == 0 &&
	    !git_ignored(k, ent->path, false))
		r = read_lock(k, ent->path, ent->id, &text, &lock, e);
	buf_release(&text);
	return r;
}

static void begin(struct collector *k, struct tree *t, unsigned flags,
		  struct collection *out)
{
	*k = (struct collector){.t = t, .flags = flags, .c = out};
	out->stages.root = t->root ? arena_strdup(&out->stages.arena, t->root) : NULL;
}

static int finish(struct collector *k, int r, struct err *e)
{
	struct collection *c = k->c;

	map_release(&k->out_paths);
	map_release(&k->locks);
	stages_index(&c->stages);
	if (r == 0 && (k->flags & COLLECT_CHECK))
		r = stages_check_outs(&c->stages, e);
	if (r < 0 && k->t->rev)
		r = err_ctx(e, r, "revision '%.7s'", k->t->rev);
	return r;
}

int collect(struct tree *t, unsigned flags, struct collection *out, struct err *e)
{
	struct collector k;

	begin(&k, t, flags, out);
	out->whole = true;
	return finish(&k, t->ops->walk(t, on_entry, &k, e), e);
}

/* DVC's answers for a metadata file that was named. */
static int check_named(struct collector *k, const char *path, struct err *e)
{
	const char *root = k->t->root ? k->t->root : "";
	const char *slash = k->t->root ? "/" : "";
	bool is_dir = false;

	if (k->t->ops->dvc_ignored(k->t, path))
		return err_set(e, ERR_INVALID, "'%s%s%s' is dvc-ignored", root, slash,
			       path);
	if (!k->t->ops->exists(k->t, path, &is_dir))
		return err_set(e, ERR_NOTFOUND, "'%s%s%s' does not exist", root, slash,
			       path);
	if (is_dir)
		return err_set(e, ERR_INVALID, "'%s%s%s' is not a .dvc file", root, slash,
			       path);
	if (git_ignored(k, path, false))
		return err_set(e, ERR_INVALID, "bad DVC file name '%s' is git-ignored.",
			       path);
	return 0;
}

int collect_files(struct tree *t, const struct strvec *files, unsigned flags,
		  struct collection *out, struct err *e)
{
	struct collector k;
	struct map seen = {0};
	int r = 0;

	begin(&k, t, flags, out);
	for (size_t i = 0; r == 0 && i < files->nr; i++) {
		if (!map_set(&seen, slice_of(files->v[i]), i))
			continue;
		if ((r = check_named(&k, files->v[i], e)) == 0)
			r = load_one(&k, files->v[i], NULL, e);
	}
	map_release(&seen);
	return finish(&k, r, e);
}
