#include "store/repo/record.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pipeline.h"
#include "store/meta/stage_spec.h"
#include "store/odb/odb.h"
#include "store/repo/add_internal.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"
#include "store/vcs/gitignore.h"

#include <stdlib.h>
#include <string.h>

/* ---- before -------------------------------------------------------------- */

static int refuse_ignored(struct repo *r, const char *file, struct err *e)
{
	struct gitignore *gi;
	bool ignored = false;
	int rc;

	if ((rc = repo_gitignore(r, &gi, e)) < 0 || !gi ||
	    (rc = gitignore_check(gi, file, false, &ignored, e)) < 0 || !ignored)
		return rc;
	return err_set(e, ERR_INVALID, "'%s' is git-ignored.", file);
}

/* The graph as it will be: st instead of the stage that bears its name. */
static int check_graph(const struct collection *c, struct stage *st,
		       const struct stage *old, struct err *e)
{
	struct stages all = {0};
	int rc;

	for (size_t i = 0; i < c->stages.nr; i++) {
		if (c->stages.v[i] != old)
			vec_push(&all, c->stages.v[i]);
	}
	vec_push(&all, st);
	stages_index(&all);
	rc = stages_check(&all, e);
	/* Its stages belong to others; what the index holds is its own. */
	stages_release(&all);
	return rc;
}

int repo_record_check(struct repo *r, struct stages *s, struct stage *st,
		      bool (*may_replace)(void *ctx, const struct stage *old), void *ctx,
		      struct err *e)
{
	struct collection c = {0};
	const struct stage *old;
	char *lock = lockfile_path(st->file);
	int rc;

	if ((rc = repo_collect(r, 0, &c, e)) < 0)
		goto out;
	old = stages_find(&c.stages, st->file, st->name);
	if (old && old->is_parametrized) {
		rc = err_set(e, ERR_INVALID, "cannot dump a parametrized stage: '%s'",
			     st->name);
		goto out;
	}
	if (old && may_replace && !may_replace(ctx, old)) {
		rc = err_set(e, ERR_INVALID,
			     "the stage '%s' of '%s' runs something else: %s", st->name,
			     st->file, old->cmd ? old->cmd[0] : "nothing");
		goto out;
	}
	if (old)
		stage_keep_notes(s, st, old);
	if ((rc = refuse_ignored(r, st->file, e)) < 0 ||
	    (rc = refuse_ignored(r, lock, e)) < 0)
		goto out;
	rc = check_graph(&c, st, old, e);
out:
	collection_release(&c);
	free(lock);
	return rc;
}

int repo_check_output(struct repo *r, const char *path, struct err *e)
{
	int rc;

	if (dvcfile_is_metadata(path))
		return err_set(e, ERR_INVALID, "DVC file '%s' cannot be an output.",
			       path);
	if ((rc = path_check_tracked(path, e)) < 0)
		return rc;
	return add_refuse_links(r, path, e);
}

/* ---- after --------------------------------------------------------------- */

static int take_outs(struct repo *r, struct stages *s, struct stage *st,
		     struct add_plan *p, struct report *rep, struct err *e)
{
	struct add_options add = {0};

	for (size_t i = 0; i < st->outs_nr; i++) {
		struct add_job job = {.stage = st, .out = &st->outs[i]};
		int rc;

		if (!job.out->at.path)
			continue;
		job.path = xstrdup(job.out->at.path);
		job.target = job.path;
		job.old = job.out->at.oid;
		rc = repo_rwlock_check(r, job.path, true, e);
		if (rc == 0)
			rc = add_take(r, s, &job, &add, rep, e);
		vec_push(&p->jobs, job); /* the plan owns it, for the way back */
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_definition(struct repo *r, const struct stage *st, enum fs_sync sync,
			    struct report *rep, struct err *e)
{
	struct buf old = {0}, made = {0};
	bool is_new = false;
	int rc = fs_read(r->rootfd, st->file, 0, &old, e);

	if (rc == ERR_NOTFOUND) {
		is_new = true;
		rc = 0;
	}
	if (rc == 0)
		rc = dvcyaml_edit(st, buf_slice(&old), &made, e);
	if (rc == 0 && !slice_eq(buf_slice(&old), buf_slice(&made))) {
		rc = fs_write(r->rootfd, st->file, buf_slice(&made), 0666, sync, e);
		if (rc == 0)
			report_add(rep, st->file, NULL, is_new ? "added" : "modified",
				   -1);
		if (rc == 0)
			report_track(rep, st->file);
	}
	buf_release(&old);
	buf_release(&made);
	return rc;
}

/* A write that failed at its very end has happened all the same. */
static bool is_defined(struct repo *r, const struct stage *st)
{
	struct buf old = {0}, made = {0};
	bool is = fs_read(r->rootfd, st->file, 0, &old, NULL) == 0 &&
		  dvcyaml_edit(st, buf_slice(&old), &made, NULL) == 0 &&
		  slice_eq(buf_slice(&old), buf_slice(&made));

	buf_release(&old);
	buf_release(&made);
	return is;
}

static int write_entry(struct repo *r, const struct stage *st, enum fs_sync sync,
		       struct report *rep, struct err *e)
{
	char *file = lockfile_path(st->file);
	bool changed = false, is_new = !fs_exists(r->rootfd, file);
	int rc = lockfile_save(st, r->rootfd, sync, &changed, e);

	if (rc == 0 && changed) {
		report_track(rep, file);
		report_add(rep, file, NULL, is_new ? "added" : "modified", -1);
	}
	free(file);
	return rc;
}

static int record_locked(struct repo *r, struct stages *s, struct stage *st,
			 struct report *rep, struct err *e)
{
	struct add_plan p = {0};
	enum fs_sync sync;
	struct odb *odb;
	int rc, r2;

	/* Others may have changed the files while we worked. */
	if ((rc = repo_record_check(r, s, st, NULL, NULL, e)) == 0 &&
	    (rc = repo_odb(r, &odb, e)) == 0 && (rc = repo_sync(r, &sync, e)) == 0 &&
	    (rc = take_outs(r, s, st, &p, rep, e)) == 0 &&
	    (rc = odb_flush(odb, e)) == 0 &&
	    (rc = write_definition(r, st, sync, rep, e)) == 0)
		rc = write_entry(r, st, sync, rep, e);
	/* What a stage makes stays ignored by git as long as there is the stage. */
	if (rc == 0 || (p.jobs.nr == st->outs_nr && is_defined(r, st))) {
		for (size_t i = 0; i < p.jobs.nr; i++) {
			p.jobs.v[i].saved = true;
			if (p.jobs.v[i].ignore_file)
				report_track(rep, p.jobs.v[i].ignore_file);
		}
	}
	add_undo(r, &p);
	add_plan_release(&p);
	r2 = repo_git_stage(r, rep, rc == 0 ? e : NULL);
	return rc < 0 ? rc : r2;
}

int repo_record(struct repo *r, struct stages *s, struct stage *st, struct report *rep,
		struct err *e)
{
	int rc;

	if (r->in_stage)
		return err_set(e, ERR_INVALID,
			       "running inside a stage: '%s' is not written", st->file);
	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	if ((rc = repo_cache_lock(r, false, e)) == 0) {
		rc = record_locked(r, s, st, rep, e);
		repo_cache_unlock(r);
	}
	repo_unlock(r);
	return rc;
}
