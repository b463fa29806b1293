#include "store/repo/side.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/index/index.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"
#include "store/repo/status_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void side_release(struct side *s)
{
	vec_release(&s->v);
	map_release(&s->unknown);
	arena_release(&s->arena);
}

void side_settled_release(struct side_settled *s)
{
	map_release(&s->outs);
	strvec_release(&s->not_in_cache);
}

/* ---- building ------------------------------------------------------------ */

static void push(struct side *s, const char *out, const char *rel, const struct oid *oid,
		 bool is_dir)
{
	struct side_entry e = {.oid = *oid, .is_dir = is_dir};

	e.path = rel[0] ? arena_printf(&s->arena, "%s/%s", out, rel)
			: arena_strdup(&s->arena, out);
	vec_push(&s->v, e);
}

/* The output is asked for, or something in it is. */
static bool wants_out(const struct side_filter *f, const char *path)
{
	for (size_t i = 0; f && i < f->nr; i++) {
		if (path_within(path, f->paths[i]) || path_within(f->paths[i], path))
			return true;
	}
	return !f || f->nr == 0;
}

static bool wants_file(const struct side_filter *f, const char *out, const char *rel)
{
	char *path;
	bool yes = false;

	if (!f || f->nr == 0)
		return true;
	path = rel[0] ? path_join(out, rel) : xstrdup(out);
	for (size_t i = 0; i < f->nr && !yes; i++)
		yes = path_within(path, f->paths[i]);
	free(path);
	return yes;
}

static bool is_data(const struct out *o)
{
	return o->at.path && o->cache;
}

static int recorded_out(struct repo *r, const struct out *o, const struct side_filter *f,
			unsigned flags, const struct side_settled *settled,
			struct side *s, struct err *e)
{
	struct manifest m = {0};
	struct oid oid;
	bool is_dir;
	int rc;

	if (!out_has_hash(o))
		return 0;
	if ((rc = repo_out_oid(o, &oid, e)) < 0)
		return rc;
	is_dir = oid.is_dir || o->at.has_files;
	if (wants_file(f, o->at.path, ""))
		push(s, o->at.path, "", &oid, is_dir);
	if (!is_dir || !(flags & SIDE_FILES) ||
	    (settled && map_has(&settled->outs, slice_of(o->at.path))))
		return 0;
	rc = repo_manifest(r, o, &m, NULL);
	if (rc == ERR_CANCELED)
		return err_set(e, rc, "interrupted");
	if (rc < 0)
		(void)map_set(&s->unknown, slice_of(o->at.path), 0);
	for (size_t i = 0; rc == 0 && i < m.nr; i++) {
		if (wants_file(f, o->at.path, m.v[i].path))
			push(s, o->at.path, m.v[i].path, &m.v[i].oid, false);
	}
	manifest_release(&m);
	return 0;
}

int side_recorded(struct repo *r, const struct collection *c, const struct side_filter *f,
		  unsigned flags, const struct side_settled *settled, struct side *out,
		  struct err *e)
{
	for (size_t i = 0; i < c->stages.outs_nr; i++) {
		const struct out *o = c->stages.outs[i];
		int rc;

		if (!is_data(o) || !wants_out(f, o->at.path))
			continue;
		if ((rc = interrupt_check(e)) < 0 ||
		    (rc = recorded_out(r, o, f, flags, settled, out, e)) < 0)
			return rc;
	}
	return 0;
}

static bool records(const struct collection *c, const char *path, const struct oid *oid)
{
	const struct out *o = stages_out_at(&c->stages, path);
	struct oid there;

	return o && is_data(o) && out_has_hash(o) && !o->at.has_files &&
	       repo_out_oid(o, &there, NULL) == 0 && oid_eq(&there, oid);
}

/*
 * A directory that is recorded as it is, everywhere: its files are not compared one
 * by one. A manifest that cannot be read makes them unknown, so it must verify.
 */
static int settle(struct repo *r, const struct out *o, const struct oid *want,
		  const struct index_view *view, const struct side_filter *f,
		  struct side_settled *settled, bool *is_settled, struct err *e)
{
	struct odb *odb;
	int rc;

	*is_settled = false;
	if (view->kind != INDEX_DIR || !view->complete || view->nr != view->files_nr ||
	    o->at.has_files || !want->is_dir || !oid_eq(&view->oid, want) ||
	    (settled->other && !records(settled->other, o->at.path, want)))
		return 0;
	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	if (odb_check(odb, want, NULL) < 0)
		return 0;
	for (size_t i = 0; i < view->nr; i++) {
		const struct index_file *file = &view->files[i];

		if (!odb_has(odb, &file->oid) && wants_file(f, o->at.path, file->path))
			strvec_take(&settled->not_in_cache,
				    path_join(o->at.path, file->path));
	}
	(void)map_set(&settled->outs, slice_of(o->at.path), 0);
	*is_settled = true;
	return 0;
}

static int workspace_out(struct repo *r, const struct out *o, const struct side_filter *f,
			 unsigned flags, struct side_settled *settled, struct side *s,
			 struct err *e)
{
	bool is_settled = false;
	struct index_view view = {0};
	struct oid oid = {0};
	enum oid_algo algo = OID_MD5;
	int rc;

	if (out_has_hash(o)) {
		if ((rc = repo_out_oid(o, &oid, e)) < 0)
			return rc;
		if (oid.algo == OID_LEGACY)
			algo = OID_LEGACY;
	}
	if ((rc = status_look(r, o->at.path, algo, &view, e)) < 0)
		goto out;
	if (view.kind == INDEX_NONE || view.kind == INDEX_OTHER)
		goto out;
	if (!view.complete)
		view.oid = (struct oid){0};
	if (wants_file(f, o->at.path, ""))
		push(s, o->at.path, "", &view.oid, view.kind == INDEX_DIR);
	if (settled && (flags & SIDE_FILES) &&
	    ((rc = settle(r, o, &oid, &view, f, settled, &is_settled, e)) < 0 ||
	     is_settled))
		goto out;
	for (size_t i = 0; view.kind == INDEX_DIR && (flags & SIDE_FILES) && i < view.nr;
	     i++) {
		if (wants_file(f, o->at.path, view.files[i].path))
			push(s, o->at.path, view.files[i].path, &view.files[i].oid,
			     false);
	}
out:
	index_view_release(&view);
	return rc;
}

int side_workspace(struct repo *r, const struct collection *c,
		   const struct side_filter *f, unsigned flags,
		   struct side_settled *settled, struct side *out, struct err *e)
{
	for (size_t i = 0; i < c->stages.outs_nr; i++) {
		const struct out *o = c->stages.outs[i];
		int rc;

		if (!is_data(o) || !wants_out(f, o->at.path))
			continue;
		if ((rc = workspace_out(r, o, f, flags, settled, out, e)) < 0)
			return rc;
	}
	return 0;
}

/* ---- comparing ----------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct side_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void sort(struct side *s)
{
	if (!s->sorted && s->v.nr > 1)
		qsort(s->v.v, s->v.nr, sizeof(s->v.v[0]), by_path);
	s->sorted = true;
}

/* Does path lie in a directory that this side cannot list? */
static bool is_unknown(const struct side *s, const char *path)
{
	if (s->unknown.nr == 0)
		return false;
	for (size_t n = strlen(path); n > 0; n--) {
		if (path[n] == '/' && map_has(&s->unknown, (struct slice){path, n}))
			return true;
	}
	return false;
}

static enum side_change hash_change(const struct side_entry *old,
				    const struct side_entry *new)
{
	bool a = old && oid_known(&old->oid), b = new &&oid_known(&new->oid);

	if (a != b)
		return b ? SIDE_ADDED : SIDE_DELETED;
	if (a && !oid_eq(&old->oid, &new->oid))
		return SIDE_MODIFIED;
	return SIDE_UNCHANGED;
}

static enum side_change change_of(const struct side *olds, const struct side *news,
				  const struct side_entry *old,
				  const struct side_entry *new, bool hash_only)
{
	const char *path;

	assert(old || new);
	path = old ? old->path : new->path;

	if (is_unknown(olds, path) || is_unknown(news, path))
		return SIDE_UNKNOWN;
	if (hash_only)
		return hash_change(old, new);
	if (!old || !new)
		return old ? SIDE_DELETED : SIDE_ADDED;
	if (old->is_dir != new->is_dir)
		return SIDE_MODIFIED;
	return hash_change(old, new) == SIDE_UNCHANGED ? SIDE_UNCHANGED : SIDE_MODIFIED;
}

void side_compare(struct side *old, struct side *new, bool hash_only,
		  struct side_pairs *out)
{
	size_t i = 0, k = 0;

	sort(old);
	sort(new);
	while (i < old->v.nr || k < new->v.nr) {
		struct side_pair p = {0};
		int order = i >= old->v.nr   ? 1
			    : k >= new->v.nr ? -1
					     : strcmp(old->v.v[i].path, new->v.v[k].path);

		if (order <= 0)
			p.old = &old->v.v[i++];
		if (order >= 0)
			p.new = &new->v.v[k++];
		p.change = change_of(old, new, p.old, p.new, hash_only);
		vec_push(out, p);
	}
}

/* ---- renames ------------------------------------------------------------- */

const char *side_shown(struct arena *a, const struct side_entry *e)
{
	assert(e);
	return e->is_dir ? arena_printf(a, "%s/", e->path) : arena_strdup(a, e->path);
}

const char *side_hash(struct arena *a, const struct side_entry *e)
{
	char text[OID_TEXT_MAX];

	return e && oid_known(&e->oid) ? arena_strdup(a, oid_text(&e->oid, text)) : NULL;
}

void diff_list_add(struct diff_list *l, struct arena *a, const struct side_entry *old,
		   const struct side_entry *new)
{
	struct diff_entry e = {
		.old_hash = side_hash(a, old),
		.hash = side_hash(a, new ? new : old),
	};

	e.path = side_shown(a, new ? new : old);
	if (old && new)
		e.old_path = side_shown(a, old);
	vec_push(l, e);
}

static int by_entry(const void *a, const void *b)
{
	const struct diff_entry *x = a, *y = b;

	return strcmp(x->old_path ? x->old_path : x->path,
		      y->old_path ? y->old_path : y->path);
}

void diff_list_sort(struct diff_list *l)
{
	if (l->nr > 1)
		qsort(l->v, l->nr, sizeof(l->v[0]), by_entry);
}

/* DVC sorts by components: '/' comes before all else. */
static int by_components(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == '/' || *b == '/')
		return *a == *b ? 0 : !*a || (*a == '/' && *b) ? -1 : 1;
	return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

static int by_old(const void *a, const void *b)
{
	const struct side_pair *const *x = a, *const *y = b;

	return by_components((*x)->old->path, (*y)->old->path);
}

static int by_new(const void *a, const void *b)
{
	const struct side_pair *const *x = a, *const *y = b;

	return by_components((*x)->new->path, (*y)->new->path);
}

void side_renames(struct side_pairs *p, struct arena *a, struct diff_list *renamed)
{
	struct {
		struct side_pair **v;
		size_t nr, cap;
	} gone = {0}, came = {0};
	struct map first = {0}; /* hash -> first unused deletion */
	size_t *next;

	for (size_t i = 0; i < p->nr; i++) {
		struct side_pair *pair = &p->v[i];

		if (pair->change == SIDE_DELETED && oid_known(&pair->old->oid))
			vec_push(&gone, pair);
		else if (pair->change == SIDE_ADDED && oid_known(&pair->new->oid))
			vec_push(&came, pair);
	}
	if (gone.nr > 1)
		qsort(gone.v, gone.nr, sizeof(gone.v[0]), by_old);
	if (came.nr > 1)
		qsort(came.v, came.nr, sizeof(came.v[0]), by_new);
	/* Deletions of one hash as a list in their order, from the back. */
	next = xcalloc(gone.nr + 1, sizeof(*next));
	for (size_t i = gone.nr; i-- > 0;) {
		size_t *at = map_at(&first, MAP_KEY(gone.v[i]->old->oid));

		next[i] = *at;
		*at = i;
	}
	for (size_t i = 0; i < came.nr; i++) {
		size_t at = map_get(&first, MAP_KEY(came.v[i]->new->oid));

		if (at == MAP_NONE)
			continue;
		diff_list_add(renamed, a, gone.v[at]->old, came.v[i]->new);
		*map_at(&first, MAP_KEY(came.v[i]->new->oid)) = next[at];
		gone.v[at]->change = came.v[i]->change = SIDE_UNCHANGED;
		/* Their old sides still count for what is in the cache. */
		came.v[i]->new = NULL;
	}
	free(next);
	map_release(&first);
	vec_release(&gone);
	vec_release(&came);
}
