/* add -o: copy one source, from anywhere, into the cache and place it. */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/meta/dvcfile.h"
#include "store/odb/odb.h"
#include "store/repo/add_internal.h"
#include "store/repo/change_internal.h"
#include "store/repo/checkout_internal.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"
#include "store/repo/source.h"

#include <stdlib.h>
#include <string.h>

/* DIR as -o means DIR/NAME. */
static int destination(struct repo *r, const struct add_options *o, char **out,
		       struct err *e)
{
	struct slice base = path_base(o->targets[0]);
	char *rel;
	int rc;

	if ((rc = repo_rel(r, o->out, &rel, e)) < 0)
		return rc;
	if (fs_kind(r->rootfd, rel[0] ? rel : ".") == S_IFDIR) {
		char *name = xmemdup0(base.p, base.n);
		char *inside = rel[0] ? path_join(rel, name) : xstrdup(name);

		free(name);
		free(rel);
		rel = inside;
	}
	if (fs_kind(r->rootfd, rel) != 0 && !o->force) {
		rc = err_set(e, ERR_EXISTS,
			     "The file '%s' already exists locally. \nTo override it, "
			     "re-run with '--force'.",
			     rel);
		free(rel);
		return rc;
	}
	*out = rel;
	return 0;
}

/* The graph is checked with a place holder, as a missing output cannot be added. */
static int plan(struct repo *r, const char *rel, struct add_plan *p, struct err *e)
{
	struct add_job job = {.target = rel, .path = xstrdup(rel)};
	const struct out *have;
	int rc;

	if ((rc = path_check_tracked(rel, e)) < 0)
		goto out;
	if (dvcfile_is_metadata(rel)) {
		rc = err_set(e, ERR_INVALID, "DVC file '%s' cannot be an output.", rel);
		goto out;
	}
	if ((rc = repo_collect(r, COLLECT_LOCKED, &p->c, e)) < 0)
		goto out;
	have = stages_out_at(&p->c.stages, rel);
	if (have && have->stage->kind == STAGE_PIPELINE) {
		rc = err_set(e, ERR_INVALID,
			     "cannot update '%s': overlaps with an output of stage: '%s' "
			     "in '%s'.\nRun the pipeline or use 'dvc commit' to force "
			     "update it.",
			     rel, have->stage->name, have->stage->file);
		goto out;
	}
	for (size_t i = 0; i < p->c.stages.nr; i++) {
		struct stage *st = p->c.stages.v[i];

		if (!have || st != have->stage)
			vec_push(&p->all, st);
	}
	if (have) {
		job.stage = stages_clone(&p->all, have->stage);
		job.out = &job.stage->outs[have->index];
	} else {
		job.stage = stages_new_data(&p->all, rel);
		job.out = &job.stage->outs[0];
		job.is_new = true;
	}
	stages_index(&p->all);
	if ((rc = stages_check(&p->all, e)) < 0)
		goto out;
	vec_push(&p->jobs, job);
	return 0;
out:
	free(job.path);
	return rc;
}

static int place(struct repo *r, struct add_job *job, struct report *rep, struct err *e)
{
	struct checkout_out co = {0};
	int rc = checkout_plan_out(r, job->out, false, &co, e);

	if (rc == 0)
		rc = checkout_apply(r, &co, true, rep, e);
	if (rc == 0 && co.failed)
		rc = err_set(e, ERR_PARTIAL, "'%s' could not be placed whole", job->path);
	checkout_out_release(&co);
	return rc;
}

int add_to(struct repo *r, const struct add_options *o, struct add_plan *p,
	   struct report *rep, struct err *e)
{
	struct source found;
	struct add_job *job;
	struct odb *odb;
	char *rel = NULL, *abs = NULL, *here = NULL;
	int rc;

	if (o->targets_nr != 1)
		return err_set(e, ERR_INVALID,
			       "multiple targets can't be used with --out");
	if (!o->source && strstr(o->targets[0], "://"))
		return err_set(e, ERR_UNSUPPORTED, "adding from '%s' is not offered",
			       o->targets[0]);
	if ((rc = destination(r, o, &rel, e)) < 0 || (rc = plan(r, rel, p, e)) < 0 ||
	    (rc = repo_rwlock_check(r, rel, true, e)) < 0 ||
	    (rc = repo_odb(r, &odb, e)) < 0)
		goto out;
	job = &p->jobs.v[0];
	here = r->cwd[0] ? path_join(r->root, r->cwd) : xstrdup(r->root);
	abs = path_absolute(here, o->source ? o->source : o->targets[0]);
	if ((rc = source_scan(r, abs, true, &found, e)) < 0)
		goto out;
	pinned_set(&p->all, &job->out->at, &found.oid, (int64_t)found.bytes,
		   found.is_dir ? (int64_t)found.files_nr : -1, found.is_exec);
	job->oid = found.oid;
	job->bytes = (int64_t)found.bytes;
	rep->bytes += found.bytes;
	report_counted(rep, "files", found.files_nr);
	if ((rc = repo_git_ignore(r, rel, &job->ignore_file, e)) < 0 ||
	    (rc = odb_flush(odb, e)) < 0 || (rc = place(r, job, rep, e)) < 0)
		goto out;
	rc = add_save(r, &p->all, job, rep, e);
out:
	if (rc < 0)
		add_undo(r, p);
	free(here);
	free(abs);
	free(rel);
	return rc;
}
