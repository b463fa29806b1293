/* remove, move, unprotect. */
#include "store/repo/change.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pipeline.h"
#include "store/odb/odb.h"
#include "store/repo/add_internal.h"
#include "store/repo/change_internal.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"

#include <stdlib.h>
#include <string.h>

/* ---- unprotect ----------------------------------------------------------- */

int repo_unprotect(struct repo *r, const struct unprotect_options *o, struct report *rep,
		   struct err *e)
{
	for (size_t i = 0; i < o->targets_nr; i++) {
		char *rel;
		int rc = repo_rel(r, o->targets[i], &rel, e);

		if (rc < 0)
			return rc;
		if (!rel[0] || fs_kind(r->rootfd, rel) == 0)
			rc = err_set(e, rel[0] ? ERR_NOTFOUND : ERR_INVALID,
				     rel[0] ? "can't unprotect non-existing data '%s'"
					    : "can't unprotect the whole repository '%s'",
				     o->targets[i]);
		else
			rc = change_unprotect(r, rel, rep, e);
		free(rel);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- remove -------------------------------------------------------------- */

static int remove_out(struct repo *r, const struct out *o, bool data, struct report *rep,
		      struct err *e)
{
	struct index *ix;
	char *file = NULL;
	int rc;

	if (!o->at.path)
		return 0;
	if ((rc = repo_rwlock_check(r, o->at.path, true, e)) < 0)
		return rc;
	if (o->cache && fs_kind(r->rootfd, o->at.path) != 0 && !data &&
	    (rc = change_unprotect(r, o->at.path, rep, e)) < 0)
		return rc;
	if (o->cache && (rc = repo_git_unignore(r, o->at.path, &file, e)) < 0)
		return rc;
	if (file)
		report_track(rep, file);
	free(file);
	if (data) {
		if ((rc = change_remove_tree(r, o->at.path, e)) < 0)
			return rc;
		report_add(rep, o->at.path, &o->at.oid, "deleted", o->at.size);
	}
	if (repo_index(r, &ix, NULL) == 0)
		index_forget(ix, o->at.path);
	return 0;
}

/* Drop one stage's entry from a dvc.yaml or its lock; an empty file goes. */
static int drop_entry(struct repo *r, const struct stage *st, bool lock,
		      struct report *rep, struct err *e)
{
	char *file = lock ? lockfile_path(st->file) : xstrdup(st->file);
	struct buf old = {0}, new = {0};
	enum fs_sync sync;
	size_t left = 0;
	int rc;

	rc = fs_read(r->rootfd, file, 0, &old, e);
	if (rc == ERR_NOTFOUND && lock) {
		rc = 0;
		goto out;
	}
	if (rc < 0 || (rc = repo_sync(r, &sync, e)) < 0)
		goto out;
	rc = lock ? lockfile_drop(buf_slice(&old), file, st->name, &new, &left, e)
		  : dvcyaml_drop(st, buf_slice(&old), &new, &left, e);
	if (rc == ERR_NOTFOUND && lock) {
		rc = 0;
		goto out;
	}
	if (rc < 0)
		goto out;
	rc = left == 0 ? change_unlink(r, file, true, e)
		       : fs_write(r->rootfd, file, buf_slice(&new), 0666, sync, e);
	if (rc == 0) {
		report_add(rep, file, NULL, left == 0 ? "deleted" : "modified", -1);
		report_track(rep, file);
	}
out:
	buf_release(&old);
	buf_release(&new);
	free(file);
	return rc;
}

static int remove_stage(struct repo *r, const struct stage *st, bool data,
			struct report *rep, struct err *e)
{
	int rc;

	/* Before anything is gone: its definition is not ours to take apart. */
	if (st->is_parametrized)
		return err_set(e, ERR_INVALID, "cannot remove a parametrized stage: '%s'",
			       st->name);
	for (size_t i = 0; i < st->outs_nr; i++) {
		if ((rc = remove_out(r, &st->outs[i], data, rep, e)) < 0)
			return rc;
	}
	if (st->kind == STAGE_PIPELINE) {
		if ((rc = drop_entry(r, st, true, rep, e)) < 0)
			return rc;
		return drop_entry(r, st, false, rep, e);
	}
	if ((rc = change_unlink(r, st->file, true, e)) < 0)
		return rc;
	report_add(rep, st->file, NULL, "deleted", -1);
	report_track(rep, st->file);
	return 0;
}

/* The data was named instead of its .dvc file. */
static int explain_target(struct repo *r, const struct remove_options *o, int rc,
			  struct err *e)
{
	if (rc != ERR_NOTFOUND && rc != ERR_INVALID)
		return rc;
	for (size_t i = 0; i < o->targets_nr; i++) {
		char *file = xasprintf("%s.dvc", o->targets[i]);
		char *rel = NULL;
		bool there = !dvcfile_is_metadata(o->targets[i]) &&
			     repo_rel(r, file, &rel, NULL) == 0 &&
			     fs_kind(r->rootfd, rel) != 0;

		if (there)
			rc = err_set(e, ERR_INVALID,
				     "'%s' is not a .dvc file. Do you mean '%s'?",
				     o->targets[i], file);
		free(rel);
		free(file);
		if (there)
			break;
	}
	return rc;
}

static int remove_locked(struct repo *r, const struct remove_options *o,
			 struct report *rep, struct err *e)
{
	struct repo_request q = {
		.texts = o->targets,
		.nr = o->targets_nr,
		.target_flags = TARGET_STAGES,
	};
	struct collection c = {0};
	struct targets t = {0};
	int rc;

	if ((rc = repo_collect_targets(r, &q, &c, &t, e)) < 0)
		return explain_target(r, o, rc, e);
	/* As with DVC, core.autostage does not reach what goes away. */
	for (size_t i = 0; i < t.nr && rc == 0; i++)
		rc = remove_stage(r, t.v[i].stage, o->outs, rep, e);
	targets_release(&t);
	collection_release(&c);
	return rc;
}

int repo_remove(struct repo *r, const struct remove_options *o, struct report *rep,
		struct err *e)
{
	int rc;

	if (o->targets_nr == 0)
		return err_set(e, ERR_INVALID, "remove: no target given");
	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	rc = remove_locked(r, o, rep, e);
	repo_unlock(r);
	return rc;
}
