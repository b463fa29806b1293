/* commit: what is in the workspace now becomes what is recorded. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/vec.h"
#include "store/fmt/value.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pipeline.h"
#include "store/odb/odb.h"
#include "store/repo/add.h"
#include "store/repo/add_internal.h"
#include "store/repo/params.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"
#include "store/repo/status_internal.h"

#include <stdlib.h>
#include <string.h>

static void quote_stage(const struct repo *r, const struct stage *st, struct buf *out)
{
	buf_adds(out, "stage: '");
	stage_addressing(st, r->cwd, out);
	buf_adds(out, "'");
}

/* "['a', 'b']" */
static void name_list(const struct status_change *v, size_t nr, struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < nr; i++)
		buf_addf(out, "%s'%s'", i ? ", " : "", v[i].path);
	buf_addc(out, ']');
}

static void question(const struct repo *r, const struct stage *st,
		     const struct status_stage *now, struct buf *out)
{
	if (now->deps.nr > 0) {
		buf_adds(out, "dependencies ");
		name_list(now->deps.v, now->deps.nr, out);
		buf_adds(out, now->outs.nr > 0 ? " and " : " of ");
	}
	if (now->outs.nr > 0) {
		buf_adds(out, "outputs ");
		name_list(now->outs.v, now->outs.nr, out);
		buf_adds(out, " of ");
	}
	if (now->deps.nr == 0 && now->outs.nr == 0)
		buf_adds(out, now->changed_command ? "command of " : "md5 of ");
	quote_stage(r, st, out);
	buf_adds(out, " changed. Are you sure you want to commit it?");
}

/*
 * Is the stage to be saved anew? ERR_INVALID when that is refused. What was seen of
 * its outs is kept in views, so that they need not be looked at again.
 */
static int ask(struct repo *r, const struct stage *st, const struct commit_options *o,
	       struct index_view *views, bool *save, struct err *e)
{
	struct status_result res = {0};
	struct status_stage now = {0};
	struct buf text = {0};
	int rc;

	*save = o->force;
	if (o->force)
		return 0;
	rc = status_of_stage_keep(r, st, STATUS_DEPS | STATUS_OUTS, views, &res, &now, e);
	if (rc < 0)
		goto out;
	/* Being always changed is no change of what is there. */
	now.always_changed = false;
	if (!status_stage_changed(&now))
		goto out;
	question(r, st, &now, &text);
	if (o->confirm && o->confirm(o->confirm_ctx, buf_str(&text))) {
		/* A person thinks for minutes: what was seen is old now. */
		for (size_t i = 0; i < st->outs_nr; i++)
			index_view_release(&views[i]);
		*save = true;
		goto out;
	}
	buf_reset(&text);
	quote_stage(r, st, &text);
	rc = err_set(e, ERR_INVALID,
		     "unable to commit changed %s. Use `-f|--force` to force.",
		     buf_str(&text));
out:
	buf_release(&text);
	status_stage_release(&now);
	status_result_release(&res);
	return rc;
}

/* ---- dependencies -------------------------------------------------------- */

static int save_params(struct repo *r, struct stages *s, struct dep *d, struct err *e)
{
	struct value *root = NULL;
	int rc;

	if ((rc = params_load(r, d->at.path, &s->arena, &root, e)) < 0)
		return rc;
	if (d->whole_file) {
		d->params = arena_alloc(&s->arena, (root->nr + 1) * sizeof(*d->params));
		d->params_nr = 0;
		for (size_t i = 0; value_is(root, VALUE_MAP) && i < root->nr; i++) {
			struct buf key = {0};

			value_str_python(root->pairs[i].key, &key);
			d->params[d->params_nr++] = (struct dep_param){
				.key = arena_strdup(&s->arena, buf_str(&key)),
				.value = root->pairs[i].value,
			};
			buf_release(&key);
		}
		return 0;
	}
	for (size_t i = 0; i < d->params_nr; i++) {
		const struct value *v = NULL;

		if ((rc = params_get(root, d->params[i].key, &v, e)) < 0)
			return rc;
		if (!v)
			return err_set(e, ERR_NOTFOUND,
				       "Parameters '%s' are missing from '%s'.",
				       d->params[i].key, d->at.path);
		d->params[i].value = v;
	}
	return 0;
}

static int save_dep(struct repo *r, struct stages *s, struct dep *d, struct err *e)
{
	struct index_view view = {0};
	int rc;

	/* What comes from elsewhere is recorded when it is brought here. */
	if (d->repo || d->db || d->dataset || !d->at.path)
		return 0;
	if (d->is_params)
		return save_params(r, s, d, e);
	rc = status_look(r, d->at.path, OID_MD5, &view, e);
	if (rc == 0 && view.kind == INDEX_NONE)
		rc = err_set(e, ERR_NOTFOUND, "dependency '%s' does not exist",
			     d->at.path);
	else if (rc == 0 && !view.complete)
		rc = err_set(e, ERR_INVALID, "dependency '%s' cannot be read whole",
			     d->at.path);
	/* An entry of 2.x stays as long as it is right. */
	if (rc == 0 && d->at.oid.algo == OID_LEGACY) {
		struct index_view old = {0};
		bool same = status_look(r, d->at.path, OID_LEGACY, &old, NULL) == 0 &&
			    old.complete && oid_eq(&old.oid, &d->at.oid);

		index_view_release(&old);
		if (same)
			goto out;
	}
	if (rc == 0)
		pinned_set(s, &d->at, &view.oid, (int64_t)view.bytes,
			   view.kind == INDEX_DIR ? (int64_t)view.files_nr : -1,
			   view.is_exec);
out:
	index_view_release(&view);
	return rc;
}

/* ---- one stage ----------------------------------------------------------- */

static int commit_out(struct repo *r, struct add_plan *p, struct stage *st, size_t i,
		      struct index_view *seen, bool save, const struct commit_options *o,
		      struct report *rep, struct err *e)
{
	struct add_options add = {.no_relink = o->no_relink};
	struct add_job job = {.stage = st, .out = &st->outs[i], .seen = seen};
	struct pinned before = st->outs[i].at;
	int rc;

	if (!job.out->at.path)
		return 0;
	job.path = xstrdup(job.out->at.path);
	job.target = job.path;
	job.old = before.oid;
	job.was_legacy = job.out->is_legacy;
	rc = add_take(r, &p->all, &job, &add, rep, e);
	if (rc == 0 && save && job.bytes == 0)
		report_warn(rep, "'%s' is empty.", job.path);
	/* Without -f what did not change keeps its entry to the letter. */
	if (rc == 0 && !save && oid_eq(&before.oid, &job.oid))
		st->outs[i].at = before;
	vec_push(&p->jobs, job); /* the plan owns it, for the way back */
	return rc;
}

/* In DVC's words; once a file, however many of its stages changed. */
static void note_once(const struct repo *r, struct report *rep, const char *what,
		      const char *file)
{
	char *shown = repo_show(r, file);
	char *text = xasprintf("%s '%s'", what, shown);
	bool is_told = false;

	for (size_t i = 0; i < rep->notes.nr && !is_told; i++)
		is_told = strcmp(rep->notes.v[i], text) == 0;
	if (!is_told)
		report_note(rep, "%s", text);
	free(text);
	free(shown);
}

static int save_stage(struct repo *r, struct add_plan *p, struct stage *st,
		      struct report *rep, struct err *e)
{
	enum fs_sync sync;
	struct odb *odb;
	bool changed = false, is_new = false;
	char *file;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0 || (rc = odb_flush(odb, e)) < 0 ||
	    (rc = repo_sync(r, &sync, e)) < 0)
		return rc;
	if (r->in_stage) {
		report_warn(rep, "running inside a stage: '%s' is not written", st->file);
		return 0;
	}
	if (st->kind == STAGE_PIPELINE) {
		file = lockfile_path(st->file);
		is_new = !fs_exists(r->rootfd, file);
		rc = lockfile_save(st, r->rootfd, sync, &changed, e);
	} else {
		file = xstrdup(st->file);
		rc = dvcfile_save(&p->all, st, r->rootfd, sync, &changed, e);
	}
	if (rc == 0) {
		report_track(rep, file);
		if (is_new)
			note_once(r, rep, "Generating lock file", file);
		if (changed && st->kind == STAGE_PIPELINE)
			note_once(r, rep, "Updating lock file", file);
		if (changed)
			report_add(rep, file, NULL, "modified", -1);
	}
	free(file);
	return rc;
}

static int commit_stage(struct repo *r, const struct stage *from,
			const struct commit_options *o, struct report *rep, struct err *e)
{
	struct index_view *views = xcalloc(from->outs_nr + 1, sizeof(*views));
	struct add_plan p = {0};
	struct stage *st;
	bool save;
	int rc;

	if ((rc = ask(r, from, o, views, &save, e)) < 0)
		goto out;
	st = stages_clone(&p.all, from);
	for (size_t i = 0; save && i < st->deps_nr && rc == 0; i++)
		rc = save_dep(r, &p.all, &st->deps[i], e);
	for (size_t i = 0; i < st->outs_nr && rc == 0; i++) {
		if (st->outs[i].at.path)
			rc = repo_rwlock_check(r, st->outs[i].at.path, true, e);
		if (rc == 0)
			rc = commit_out(r, &p, st, i, &views[i], save, o, rep, e);
	}
	if (rc == 0)
		rc = save_stage(r, &p, st, rep, e);
	for (size_t i = 0; i < p.jobs.nr; i++) {
		p.jobs.v[i].saved = rc == 0;
		if (rc == 0 && p.jobs.v[i].ignore_file)
			report_track(rep, p.jobs.v[i].ignore_file);
	}
	add_undo(r, &p);
out:
	add_plan_release(&p);
	for (size_t i = 0; i < from->outs_nr; i++)
		index_view_release(&views[i]);
	free(views);
	return rc;
}

static int commit_locked(struct repo *r, const struct commit_options *o,
			 struct report *rep, struct err *e)
{
	struct repo_request q = {
		.texts = o->targets,
		.nr = o->targets_nr,
		.target_flags = (o->recursive ? TARGET_RECURSIVE : 0u) |
				(o->with_deps ? TARGET_WITH_DEPS : 0u),
	};
	struct collection c = {0};
	struct targets t = {0};
	struct map seen = {0};
	int rc;

	/* As with DVC, core.autostage does not reach what commit writes. */
	if ((rc = repo_collect_targets(r, &q, &c, &t, e)) < 0)
		return rc;
	for (size_t i = 0; i < t.nr && rc == 0; i++) {
		const struct stage *st = t.v[i].stage;

		if (st && map_set(&seen, MAP_KEY(st), i))
			rc = commit_stage(r, st, o, rep, e);
	}
	map_release(&seen);
	targets_release(&t);
	collection_release(&c);
	return rc;
}

int repo_commit(struct repo *r, const struct commit_options *o, struct report *rep,
		struct err *e)
{
	int rc;

	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	if ((rc = repo_cache_lock(r, false, e)) == 0) {
		rc = commit_locked(r, o, rep, e);
		repo_cache_unlock(r);
	}
	repo_unlock(r);
	return rc;
}
