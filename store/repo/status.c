#include "store/repo/status.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sys.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/meta/tree.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo_internal.h"
#include "store/repo/source.h"
#include "store/repo/status_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void status_result_release(struct status_result *res)
{
	for (size_t i = 0; i < res->stages.nr; i++)
		status_stage_release(&res->stages.v[i]);
	vec_release(&res->stages);
	strvec_release(&res->warnings);
	arena_release(&res->arena);
}

void status_stage_release(struct status_stage *st)
{
	vec_release(&st->deps);
	vec_release(&st->outs);
}

bool status_stage_changed(const struct status_stage *st)
{
	return st->deps.nr > 0 || st->outs.nr > 0 || st->always_changed ||
	       st->changed_command || st->changed_checksum;
}

static const char *shown(struct repo *r, struct status_result *res,
			 const struct pinned *p)
{
	char *text;
	const char *out;

	if (!p->path)
		return arena_strdup(&res->arena, p->abs ? p->abs : p->text);
	text = repo_show(r, p->path);
	out = arena_strdup(&res->arena, text);
	free(text);
	return out;
}

#define ADD_CHANGE(list, where, what)                                                    \
	do {                                                                             \
		struct status_change change_ = {.path = (where), .state = (what)};       \
		vec_push((list), change_);                                               \
	} while (0)

/* ---- data in the workspace ----------------------------------------------- */

int status_look(struct repo *r, const char *path, enum oid_algo algo,
		struct index_view *view, struct err *e)
{
	struct index *ix;
	struct odb *odb;
	int rc;

	if ((rc = repo_index(r, &ix, e)) < 0 || (rc = repo_odb(r, &odb, e)) < 0 ||
	    (rc = index_look(ix, odb, path, algo, INDEX_FILES, view, e)) < 0)
		return rc;
	if (view->complete || view->kind == INDEX_NONE || view->kind == INDEX_OTHER)
		return 0;
	index_view_release(view);
	rc = index_look(ix, odb, path, algo, INDEX_FILES | INDEX_HASH, view, e);
	if (rc == 0 && view->complete)
		index_remember(ix, path, view);
	return rc;
}

/* Looking up an object is a cache miss or two: from this many on by several threads. */
enum {
	HAS_CHUNK = 4096
};

struct has_files {
	struct odb *odb;
	const struct index_view *view;
	atomic_bool lacks;
};

static void has_chunk(void *ctx, size_t i, unsigned worker)
{
	struct has_files *h = ctx;
	size_t end = MIN_OF((i + 1) * HAS_CHUNK, h->view->nr);

	(void)worker;
	for (size_t k = i * HAS_CHUNK; k < end && !atomic_load(&h->lacks); k++) {
		if (!odb_has(h->odb, &h->view->files[k].oid))
			atomic_store(&h->lacks, true);
	}
}

static bool has_files(struct repo *r, struct odb *odb, const struct index_view *view)
{
	struct has_files h = {.odb = odb, .view = view};
	size_t chunks = (view->nr + HAS_CHUNK - 1) / HAS_CHUNK;

	pool_for(chunks > 1 ? repo_pool(r) : NULL, chunks, has_chunk, &h);
	return !atomic_load(&h.lacks);
}

/*
 * Every object of an output that is recorded so? The files of a view that is as
 * recorded are the manifest's, which then needs no reading.
 */
static int all_cached(struct repo *r, const struct out *o, const struct oid *want,
		      const struct index_view *view, bool *out, struct err *e)
{
	struct manifest m = {0};
	struct odb *odb;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	*out = false;
	if (o->at.has_files && !oid_known(want))
		return 0;
	if (!o->at.has_files && !odb_has(odb, want))
		return 0;
	if (!want->is_dir) {
		*out = true;
		return 0;
	}
	if (view->complete && oid_eq(&view->oid, want) && view->nr == view->files_nr) {
		*out = has_files(r, odb, view);
		return 0;
	}
	rc = repo_manifest(r, o, &m, NULL);
	if (rc == 0) {
		size_t i = 0;

		while (i < m.nr && odb_has(odb, &m.v[i].oid))
			i++;
		*out = i == m.nr;
	}
	manifest_release(&m);
	/* Missing or damaged: not in the cache. */
	return rc == ERR_CANCELED ? err_set(e, rc, "interrupted") : 0;
}

int status_of_out(struct repo *r, const struct out *o, bool ask_cache, const char **state,
		  struct index_view *keep, struct err *e)
{
	struct index_view view = {0};
	struct oid want = {0};
	bool has = out_has_hash(o), cached = true;
	int rc;

	*state = NULL;
	if (!o->at.path)
		return 0;
	if (has && (rc = repo_out_oid(o, &want, e)) < 0)
		return rc;
	rc = status_look(r, o->at.path, oid_known(&want) ? want.algo : OID_MD5, &view, e);
	if (rc < 0)
		goto out;
	if (ask_cache && has && o->cache) {
		if (!oid_known(&want))
			cached = false;
		else if ((rc = all_cached(r, o, &want, &view, &cached, e)) < 0)
			goto out;
	}
	if (!cached)
		*state = "not in cache";
	else if (view.kind == INDEX_NONE)
		*state = "deleted";
	else if (!view.complete || !has || !oid_eq(&view.oid, &want))
		*state = "modified";
	if (keep) {
		*keep = view;
		return 0;
	}
out:
	index_view_release(&view);
	return rc;
}

/* What is asked of a stage. */
struct asked {
	const struct out *only;	  /* NULL: all of its outs */
	unsigned parts;		  /* enum status_parts */
	struct index_view *views; /* of all outs, kept for the caller; or NULL */
};

static int status_outs(struct repo *r, const struct stage *st, const struct asked *q,
		       struct status_result *res, struct status_stage *to, struct err *e)
{
	for (size_t i = 0; i < st->outs_nr; i++) {
		const char *state;
		int rc;

		if (q->only && q->only != &st->outs[i])
			continue;
		rc = status_of_out(r, &st->outs[i], q->parts & STATUS_CACHE, &state,
				   q->views ? &q->views[i] : NULL, e);
		if (rc < 0)
			return rc;
		if (state)
			ADD_CHANGE(&to->outs, shown(r, res, &st->outs[i].at), state);
	}
	return 0;
}

/* ---- dependencies -------------------------------------------------------- */

static int data_dep(struct repo *r, const struct dep *d, const char **state,
		    struct err *e)
{
	struct index_view view = {0};
	int rc = status_look(r, d->at.path,
			     oid_known(&d->at.oid) ? d->at.oid.algo : OID_MD5, &view, e);

	if (rc == 0 && view.kind == INDEX_NONE)
		*state = "deleted";
	else if (rc == 0 && (!view.complete || !oid_eq(&view.oid, &d->at.oid)))
		*state = "modified";
	index_view_release(&view);
	return rc;
}

/* A file or directory elsewhere on this machine. */
static int outside_dep(struct repo *r, const struct dep *d, const char **state,
		       struct err *e)
{
	struct source found;
	int rc = source_scan(r, d->at.abs, false, &found, e);

	if (rc == ERR_NOTFOUND) {
		*state = "deleted";
		return 0;
	}
	if (rc == 0 && !oid_eq(&found.oid, &d->at.oid))
		*state = "modified";
	return rc;
}

static int one_dep(struct repo *r, const struct status_options *o, const struct dep *d,
		   struct status_result *res, struct status_stage *to, struct err *e)
{
	const char *state = NULL;
	bool is_elsewhere = d->repo || d->db || (!d->at.path && d->at.abs);
	int rc = 0;

	if (d->is_params)
		return status_params(r, d, shown(r, res, &d->at), res, to, e);
	if (d->dataset)
		rc = status_dataset(r, d, &state, res, e);
	else if (!is_elsewhere)
		rc = data_dep(r, d, &state, e);
	else if (!d->repo && !d->db && path_is_abs(d->at.abs))
		rc = outside_dep(r, d, &state, e);
	else if (o && o->import_state && !o->no_updates)
		rc = o->import_state(o->import_ctx, r, d, &state, e);
	if (rc < 0 || !state)
		return rc;
	if (d->repo) {
		const char *name =
			arena_printf(&res->arena, "%s (%s)", d->at.text ? d->at.text : "",
				     d->repo->url);

		ADD_CHANGE(&to->deps, name, state);
	} else if (d->dataset) {
		ADD_CHANGE(&to->deps, arena_printf(&res->arena, "ds://%s", d->dataset),
			   state);
	} else {
		ADD_CHANGE(&to->deps, shown(r, res, &d->at), state);
	}
	return 0;
}

static bool is_callback(const struct stage *st)
{
	return st->kind == STAGE_PIPELINE && st->cmd && st->cmd[0] && st->deps_nr == 0 &&
	       st->outs_nr == 0;
}

static bool same_cmd(const struct stage *st)
{
	size_t i = 0;

	if (!st->in_lock || !st->lock_cmd)
		return true;
	if (!st->cmd || st->cmd_is_list != st->lock_cmd_is_list)
		return !st->cmd;
	for (; st->cmd[i] && st->lock_cmd[i]; i++) {
		if (strcmp(st->cmd[i], st->lock_cmd[i]) != 0)
			return false;
	}
	return !st->cmd[i] && !st->lock_cmd[i];
}

static int status_stage(struct repo *r, const struct status_options *o,
			const struct stage *st, const struct asked *q,
			struct status_result *res, struct status_stage *to, struct err *e)
{
	struct buf name = {0};
	char md5[33];
	int rc;

	stage_addressing(st, r->cwd, &name);
	to->name = arena_strdup(&res->arena, buf_str(&name));
	buf_release(&name);
	/* A repository import is frozen by nature; its source is asked all the same. */
	if ((q->parts & STATUS_DEPS) && (!st->frozen || st->kind == STAGE_IMPORT_REPO)) {
		for (size_t i = 0; i < st->deps_nr; i++) {
			if ((rc = one_dep(r, o, &st->deps[i], res, to, e)) < 0)
				return err_ctx(e, rc, "stage '%s'", to->name);
		}
	} else if ((q->parts & STATUS_DEPS) && st->deps_nr > 0) {
		strvec_take(&res->warnings,
			    xasprintf("stage: '%s' is frozen. Its dependencies are not "
				      "going to be shown in the status output.",
				      to->name));
	}
	if ((q->parts & STATUS_OUTS) && (rc = status_outs(r, st, q, res, to, e)) < 0)
		return err_ctx(e, rc, "stage '%s'", to->name);
	to->always_changed = st->always_changed || is_callback(st);
	to->changed_command = !same_cmd(st);
	if (st->md5) {
		if ((rc = dvcfile_stage_md5(st, md5, e)) < 0)
			return rc;
		to->changed_checksum = strcmp(md5, st->md5) != 0;
	} else if (stage_is_import(st)) {
		/* Not brought here yet. */
		to->changed_checksum = true;
	}
	return 0;
}

int status_of_stage(struct repo *r, const struct stage *st, unsigned parts,
		    struct status_result *res, struct status_stage *out, struct err *e)
{
	return status_of_stage_keep(r, st, parts, NULL, res, out, e);
}

int status_of_stage_keep(struct repo *r, const struct stage *st, unsigned parts,
			 struct index_view *views, struct status_result *res,
			 struct status_stage *out, struct err *e)
{
	struct asked q = {.parts = parts, .views = views};

	return status_stage(r, NULL, st, &q, res, out, e);
}

/* ---- the verb ------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	const struct status_stage *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int each(struct repo *r, const struct status_options *o, const struct targets *t,
		struct status_result *res, struct err *e)
{
	struct map seen = {0}, times = {0};
	int rc = 0;

	for (size_t i = 0; i < t->nr; i++) {
		size_t *n = map_at(&times, MAP_KEY(t->v[i].stage));

		*n = *n == MAP_NONE ? 1 : *n + 1;
	}
	for (size_t i = 0; i < t->nr && rc == 0; i++) {
		const struct stage *st = t->v[i].stage;
		struct asked q = {.only = t->v[i].out,
				  .parts = STATUS_DEPS | STATUS_OUTS | STATUS_CACHE};
		struct status_stage to = {0};

		/* Several targets within one stage are one entry, of all its outs. */
		if (!st || !map_set(&seen, MAP_KEY(st), i))
			continue;
		if (map_get(&times, MAP_KEY(st)) > 1)
			q.only = NULL;
		res->stages_nr++;
		for (size_t k = 0; k < st->outs_nr && rc == 0; k++) {
			if (st->outs[k].at.path)
				rc = repo_rwlock_check(r, st->outs[k].at.path, false, e);
		}
		if (rc == 0)
			rc = status_stage(r, o, st, &q, res, &to, e);
		if (rc == 0 && status_stage_changed(&to))
			vec_push(&res->stages, to);
		else
			status_stage_release(&to);
	}
	map_release(&seen);
	map_release(&times);
	return rc;
}

int repo_status(struct repo *r, const struct status_options *o, struct status_result *res,
		struct err *e)
{
	struct repo_request q = {
		.texts = o->targets,
		.nr = o->targets_nr,
		.target_flags = (o->recursive ? TARGET_RECURSIVE : 0u) |
				(o->with_deps ? TARGET_WITH_DEPS : 0u),
	};
	struct collection c = {0};
	struct targets t = {0};
	int rc;

	if ((rc = repo_collect_targets(r, &q, &c, &t, e)) < 0)
		return rc;
	rc = each(r, o, &t, res, e);
	if (res->stages.nr > 1)
		qsort(res->stages.v, res->stages.nr, sizeof(res->stages.v[0]), by_name);
	for (size_t i = 0; i < c.warnings.nr; i++)
		strvec_push(&res->warnings, c.warnings.v[i]);
	targets_release(&t);
	collection_release(&c);
	return rc;
}
