#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/map.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/repo/change_internal.h"
#include "store/repo/checkout_internal.h"
#include "store/repo/repo_internal.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void checkout_out_release(struct checkout_out *co)
{
	index_view_release(&co->view);
	manifest_release(&co->m);
	vec_release(&co->places);
}

void checkout_plan_release(struct checkout_plan *p)
{
	for (size_t i = 0; i < p->outs.nr; i++)
		checkout_out_release(&p->outs.v[i]);
	vec_release(&p->outs);
	targets_release(&p->t);
	collection_release(&p->c);
}

const char *place_path(const struct checkout_out *co, const struct place *pl)
{
	return pl->entry != PLACE_NONE ? co->m.v[pl->entry].path
				       : co->view.files[pl->file].path;
}

static void push(struct checkout_out *co, enum place_kind kind, uint32_t file,
		 uint32_t entry)
{
	struct place pl = {.kind = (uint8_t)kind, .file = file, .entry = entry};

	vec_push(&co->places, pl);
}

/* ---- what is wanted ------------------------------------------------------ */

static int want(struct checkout_out *co, struct err *e)
{
	const struct out *o = co->out;
	int rc;

	co->path = o->at.path;
	if (!out_has_hash(o)) {
		co->no_hash = true;
		return 0;
	}
	if ((rc = repo_out_oid(o, &co->want, e)) < 0)
		return rc;
	co->want_dir = o->at.has_files || co->want.is_dir;
	co->is_exec = o->at.is_exec && !co->want_dir;
	/* A hash that is none names an object that cannot exist. */
	if (!oid_known(&co->want))
		co->no_manifest = true;
	return 0;
}

/* The listing, only when the workspace is not as recorded anyway. */
static int want_files(struct repo *r, struct checkout_out *co, struct err *e)
{
	struct err why = {0};
	int rc;

	if (co->no_manifest)
		return 0;
	if (!co->want_dir) {
		manifest_add(&co->m, "", &co->want, co->out->at.size);
		return 0;
	}
	rc = repo_manifest(r, co->out, &co->m, &why);
	if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT) {
		co->no_manifest = true;
		return 0;
	}
	if (rc < 0 && e)
		*e = why;
	return rc;
}

/* ---- comparing ----------------------------------------------------------- */

static bool selected(const struct checkout_out *co, const char *path)
{
	return !co->inside || path_within(path, co->inside);
}

static bool relink_it(struct repo *r, struct checkout_out *co, const struct index_file *f,
		      enum odb_link first)
{
	const char *name;
	char *path;
	int fd = -1;
	bool yes;

	if (first == ODB_HARDLINK && (f->st.size == 0 || (f->flags & INDEX_EXEC)))
		return false;
	path = f->path_n > 0 ? path_join(co->path, f->path) : xstrdup(co->path);
	yes = true;
	if (change_open_parent(r, path, false, &fd, &name, NULL) == 0) {
		enum odb_link kind = odb_kind_of(r->odb, &f->oid, fd, name);

		/* A clone and a copy look the same: one of them is made anew. */
		yes = kind != first;
		(void)sys_close(fd); /* a directory */
	}
	free(path);
	return yes;
}

struct compare {
	struct repo *repo;
	bool relink;
	enum odb_link first;
};

static void compare_same(struct compare *c, struct checkout_out *co, uint32_t file,
			 uint32_t entry)
{
	const struct index_file *f = &co->view.files[file];

	if (!oid_eq(&f->oid, &co->m.v[entry].oid))
		push(co, PLACE_MODIFY, file, entry);
	else if (c->relink && relink_it(c->repo, co, f, c->first))
		push(co, PLACE_RELINK, file, entry);
	else if (co->is_exec && !(f->flags & INDEX_EXEC))
		push(co, PLACE_EXEC, file, entry);
}

/* Both lists are sorted by the bytes of the whole path. */
static void compare(struct compare *c, struct checkout_out *co)
{
	size_t i = 0, k = 0;

	while (i < co->view.nr || k < co->m.nr) {
		const struct index_file *f = i < co->view.nr ? &co->view.files[i] : NULL;
		const struct manifest_entry *m = k < co->m.nr ? &co->m.v[k] : NULL;
		int order = !f ? 1 : !m ? -1 : strcmp(f->path, m->path);

		if (order < 0) {
			if (selected(co, f->path))
				push(co, PLACE_DELETE, (uint32_t)i, PLACE_NONE);
			i++;
		} else if (order > 0) {
			assert(m); /* one of both is there */
			if (selected(co, m->path))
				push(co, PLACE_ADD, PLACE_NONE, (uint32_t)k);
			k++;
		} else {
			if (selected(co, f->path))
				compare_same(c, co, (uint32_t)i, (uint32_t)k);
			i++;
			k++;
		}
	}
}

static bool is_as_wanted(const struct checkout_out *co)
{
	return co->view.complete && oid_eq(&co->view.oid, &co->want) &&
	       (!co->is_exec || co->view.is_exec);
}

static int plan_out(struct compare *c, struct checkout_out *co, struct err *e)
{
	enum oid_algo algo;
	struct index *ix;
	struct odb *odb;
	int rc;

	if ((rc = repo_index(c->repo, &ix, e)) < 0 ||
	    (rc = repo_odb(c->repo, &odb, e)) < 0 || (rc = want(co, e)) < 0)
		return rc;
	if (co->no_hash)
		return 0;
	algo = oid_known(&co->want) ? (enum oid_algo)co->want.algo : OID_MD5;
	/* With files and digests from the start: a second look would be a second
	 * lstat of each file. */
	rc = index_look(ix, odb, co->path, algo, INDEX_FILES | INDEX_HASH, &co->view, e);
	if (rc < 0)
		return rc;
	co->is_right = is_as_wanted(co) && !c->relink;
	if (co->is_right)
		return 0;
	if ((rc = want_files(c->repo, co, e)) < 0 || co->no_manifest)
		return rc;
	co->is_other = co->view.kind == INDEX_OTHER;
	compare(c, co);
	return 0;
}

int checkout_plan_out(struct repo *r, const struct out *out, bool relink,
		      struct checkout_out *co, struct err *e)
{
	struct compare c = {.repo = r, .relink = relink};
	int rc;

	co->out = out;
	if ((rc = repo_first_link(r, &c.first, e)) < 0)
		return rc;
	return plan_out(&c, co, e);
}

/* ---- objects that are not here ------------------------------------------- */

struct wants {
	VEC_OF(struct repo_want) v;
	struct map seen;
};

static void wants_release(struct wants *w)
{
	vec_release(&w->v);
	map_release(&w->seen);
}

static void want_object(struct repo *r, struct wants *w, const struct out *o,
			const struct oid *oid, int64_t bytes)
{
	struct repo_want want = {
		.oid = *oid,
		.bytes = bytes,
		.remote = o->remote,
		.path = out_path(o),
		.out = o,
	};

	if (odb_has(r->odb, oid) || !map_set(&w->seen, MAP_KEY(*oid), 0))
		return;
	vec_push(&w->v, want);
}

static bool places_object(const struct place *pl)
{
	return pl->kind != PLACE_DELETE && pl->kind != PLACE_EXEC;
}

static int fetch_members(struct repo *r, struct checkout_plan *p, struct err *e)
{
	struct wants w = {0};
	int rc;

	for (size_t i = 0; i < p->outs.nr; i++) {
		struct checkout_out *co = &p->outs.v[i];

		for (size_t k = 0; k < co->places.nr && r->fetcher; k++) {
			const struct place *pl = &co->places.v[k];

			if (places_object(pl))
				want_object(r, &w, co->out, &co->m.v[pl->entry].oid,
					    co->m.v[pl->entry].size);
		}
	}
	rc = repo_fetch(r, w.v.v, w.v.nr, e);
	wants_release(&w);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < p->outs.nr; i++) {
		struct checkout_out *co = &p->outs.v[i];

		for (size_t k = 0; k < co->places.nr; k++) {
			struct place *pl = &co->places.v[k];

			if (!places_object(pl) ||
			    odb_has(r->odb, &co->m.v[pl->entry].oid))
				continue;
			pl->state = PLACE_MISSING;
			co->failed = true;
		}
	}
	return 0;
}

/* All listings in one question, instead of one each. */
static int fetch_manifests(struct repo *r, struct checkout_plan *p, struct err *e)
{
	struct wants w = {0};
	int rc;

	for (size_t i = 0; i < p->outs.nr && r->fetcher; i++) {
		const struct out *o = p->outs.v[i].out;

		if (o->at.oid.is_dir && !o->at.has_files)
			want_object(r, &w, o, &o->at.oid, -1);
	}
	rc = repo_fetch(r, w.v.v, w.v.nr, e);
	wants_release(&w);
	return rc;
}

/* ---- which outputs ------------------------------------------------------- */

/* Nothing outside the repository is written, whoever names it. Links of old
 * versions to elsewhere are uncached, and not ours to check out. */
static int refuse_outside(const struct checkout_plan *p, struct err *e)
{
	for (size_t i = 0; i < p->t.nr; i++) {
		const struct stage *st = p->t.v[i].stage;

		for (size_t k = 0; st && k < st->outs_nr; k++)
			if (st->outs[k].cache && !st->outs[k].at.path &&
			    out_has_hash(&st->outs[k]))
				return err_set(e, ERR_INVALID,
					       "Cached output(s) outside of DVC "
					       "project: %s, named by '%s'",
					       st->outs[k].at.abs, st->file);
	}
	return 0;
}

static void select_out(struct checkout_plan *p, struct map *seen, const struct out *o,
		       const char *inside)
{
	struct checkout_out co = {.out = o, .inside = inside};
	size_t *at;

	/* An import that was not brought here yet is told as failed, as with DVC. */
	if (!out_is_cached(o))
		return;
	at = map_at(seen, slice_of(o->at.path));
	if (*at != MAP_NONE) {
		struct checkout_out *have = &p->outs.v[*at];

		/* Two different parts of one output: take all of it. */
		if (!inside || !have->inside || strcmp(inside, have->inside) != 0)
			have->inside = NULL;
		return;
	}
	*at = p->outs.nr;
	vec_push(&p->outs, co);
}

static int by_path(const void *a, const void *b)
{
	const struct checkout_out *x = a, *y = b;

	return strcmp(x->out->at.path, y->out->at.path);
}

static void select_outs(struct checkout_plan *p)
{
	struct map seen = {0};

	for (size_t i = 0; i < p->t.nr; i++) {
		const struct target *t = &p->t.v[i];

		if (t->out) {
			select_out(p, &seen, t->out, t->inside);
			continue;
		}
		for (size_t k = 0; t->stage && k < t->stage->outs_nr; k++)
			select_out(p, &seen, &t->stage->outs[k], NULL);
	}
	map_release(&seen);
	if (p->outs.nr > 1)
		qsort(p->outs.v, p->outs.nr, sizeof(p->outs.v[0]), by_path);
}

int checkout_plan(struct repo *r, const struct checkout_options *o,
		  struct checkout_plan *p, struct checkout_result *res, struct err *e)
{
	struct repo_request q = {
		.texts = o->targets,
		.nr = o->targets_nr,
		.target_flags = (o->recursive ? TARGET_RECURSIVE : 0u) |
				(o->with_deps ? TARGET_WITH_DEPS : 0u),
	};
	struct compare c = {.repo = r, .relink = o->relink};
	struct odb *odb;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0 ||
	    (rc = repo_first_link(r, &p->first_link, e)) < 0 ||
	    (rc = repo_collect_targets(r, &q, &p->c, &p->t, e)) < 0 ||
	    (rc = refuse_outside(p, e)) < 0)
		return rc;
	/* Two outputs that overlap would undo each other's work. */
	if (o->targets_nr == 0 && (rc = stages_check_outs(&p->c.stages, e)) < 0)
		return rc;
	c.first = p->first_link;
	select_outs(p);
	if ((rc = fetch_manifests(r, p, e)) < 0)
		return rc;
	for (size_t i = 0; i < p->outs.nr; i++) {
		struct checkout_out *co = &p->outs.v[i];

		if ((rc = repo_rwlock_check(r, co->out->at.path, true, e)) < 0 ||
		    (rc = plan_out(&c, co, e)) < 0)
			return rc;
		if (co->no_hash)
			report_warn(&res->report,
				    "No file hash info found for '%s/%s'. It won't be "
				    "created.",
				    r->root, co->path);
		/* A good workspace needs no listing. */
		co->failed = co->no_hash || (co->no_manifest && !is_as_wanted(co));
		if (co->is_right)
			index_view_release(&co->view);
	}
	return fetch_members(r, p, e);
}

/* ---- what would be lost -------------------------------------------------- */

int checkout_unsaved(struct repo *r, struct checkout_out *co, struct strvec *out,
		     struct err *e)
{
	struct odb *odb;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	if (co->is_other)
		strvec_push(out, co->path);
	for (size_t k = 0; k < co->places.nr; k++) {
		const struct place *pl = &co->places.v[k];
		const struct index_file *f;

		if (pl->state != PLACE_TODO ||
		    (pl->kind != PLACE_DELETE && pl->kind != PLACE_MODIFY))
			continue;
		f = &co->view.files[pl->file];
		if (oid_known(&f->oid)) {
			rc = odb_check(odb, &f->oid, NULL);
			if (rc == 0)
				continue;
			if (rc == ERR_CANCELED)
				return err_set(e, rc, "interrupted");
		}
		strvec_take(out, f->path_n > 0 ? path_join(co->path, f->path)
					       : xstrdup(co->path));
	}
	return 0;
}
