/*
 * add: plan every target, check the whole graph, then take the bytes, then one
 * flush, then the metadata. What failed leaves no .dvc and no ignore line; what
 * went well stays.
 */
#include "store/repo/add.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/map.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"
#include "store/index/ignore.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/add_internal.h"
#include "store/repo/change_internal.h"
#include "store/repo/ingest.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"
#include "store/vcs/gitignore.h"
#include "store/vcs/vcs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- planning ------------------------------------------------------------ */

static void job_release(struct add_job *job)
{
	free(job->path);
	free(job->ignore_file);
}

void add_plan_release(struct add_plan *p)
{
	for (size_t i = 0; i < p->jobs.nr; i++)
		job_release(&p->jobs.v[i]);
	vec_release(&p->jobs);
	map_release(&p->cloned);
	stages_release(&p->all);
	collection_release(&p->c);
}

/* No component of the path, the last included, may be a link to a directory. */
int add_refuse_links(struct repo *r, const char *path, struct err *e)
{
	size_t n = strlen(path);

	for (size_t i = 1; i <= n; i++) {
		struct stat st;
		char *part;
		bool bad;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		part = xmemdup0(path, i);
		bad = sys_fstatat(r->rootfd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		      S_ISLNK(st.st_mode) && sys_fstatat(r->rootfd, part, &st, 0) == 0 &&
		      S_ISDIR(st.st_mode);
		free(part);
		if (bad)
			return err_set(
				e, ERR_INVALID,
				"Cannot add files inside symlinked directories to DVC. See "
				"<https://dvc.org/doc/user-guide/"
				"troubleshooting#add-symlink> for more information.");
	}
	return 0;
}

static int check_name(struct repo *r, const char *target, const char *path, struct err *e)
{
	if (!path[0]) {
		char *parent = xstrdup(r->root);
		struct slice up = path_dir(parent);
		int rc = err_set(e, ERR_INVALID,
				 "Path: %.*s does not overlap with base path: %s",
				 SLICE_FMT(up), r->root);

		free(parent);
		return rc;
	}
	if (dvcfile_is_metadata(path))
		return err_set(e, ERR_INVALID, "DVC file '%s' cannot be an output.",
			       target);
	/* No .dvc file and no manifest can hold such a name. */
	if (!utf8_valid(path, strlen(path)))
		return err_set(e, ERR_INVALID, "the name '%s' is not UTF-8", target);
	return path_check_tracked(path, e);
}

/* The stage that will be written in place of st: cloned once, however many of
 * its outs are targets. */
static struct stage *clone_once(struct add_plan *p, const struct stage *st)
{
	size_t *at = map_at(&p->cloned, slice_of(st->file));

	if (*at == MAP_NONE) {
		*at = p->all.nr;
		stages_clone(&p->all, st);
	}
	return p->all.v[*at];
}

static int plan_covered(struct repo *r, struct add_plan *p, struct add_job *job,
			const struct out *o, struct err *e)
{
	size_t n = strlen(o->at.path);
	bool is_same = strcmp(o->at.path, job->path) == 0;

	(void)r;
	if (o->stage->kind == STAGE_PIPELINE)
		return err_set(e, ERR_INVALID,
			       "cannot update '%s': overlaps with an output of stage: "
			       "'%s' in '%s'.\nRun the pipeline or use 'dvc commit' to "
			       "force update it.",
			       job->path, o->stage->name, o->stage->file);
	if (!is_same && o->at.hash_text && !o->at.oid.is_dir)
		return err_set(e, ERR_INVALID,
			       "Cannot modify '%s' which is being tracked as a file",
			       o->at.path);
	job->stage = clone_once(p, o->stage);
	job->out = &job->stage->outs[o->index];
	job->inside = is_same ? NULL : job->path + n + 1;
	return 0;
}

/* A .dvc that exists but does not track the path gets one more out. */
static int plan_new(struct repo *r, struct add_plan *p, struct add_job *job,
		    struct err *e)
{
	char *file = xasprintf("%s.dvc", job->path);
	const struct stage *old = stages_find(&p->c.stages, file, NULL);
	struct gitignore *gi;
	struct ignore *ig;
	bool ignored = false;
	struct stat st;
	int rc;

	if ((rc = add_refuse_links(r, job->path, e)) < 0 ||
	    (rc = repo_ignore(r, &ig, e)) < 0)
		goto out;
	if (sys_fstatat(r->rootfd, job->path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		rc = err_set(e, ERR_NOTFOUND,
			     "output '%s' does not exist: [Errno 2] No such file or "
			     "directory: '%s/%s'",
			     job->target, r->root, job->path);
		goto out;
	}
	if ((rc = ignore_refuse(ig, job->path, S_ISDIR(st.st_mode), e)) < 0 ||
	    (rc = repo_gitignore(r, &gi, e)) < 0)
		goto out;
	if (gi && (rc = gitignore_check(gi, file, false, &ignored, e)) < 0)
		goto out;
	if (ignored) {
		rc = err_set(e, ERR_INVALID, "bad DVC file name '%s' is git-ignored.",
			     file);
		goto out;
	}
	if (old) {
		job->stage = clone_once(p, old);
		job->out = stage_add_out(&p->all, job->stage, job->path);
	} else {
		job->stage = stages_new_data(&p->all, job->path);
		job->out = &job->stage->outs[0];
	}
	job->is_new = true;
out:
	free(file);
	return rc;
}

static int plan_one(struct repo *r, struct add_plan *p, const char *target, struct err *e)
{
	struct add_job job = {.target = target};
	const struct out *o;
	int rc;

	if ((rc = repo_rel(r, target, &job.path, NULL)) < 0)
		return err_set(e, rc, "Cached output(s) outside of DVC project: %s",
			       target);
	for (size_t i = 0; i < p->jobs.nr; i++) {
		if (strcmp(p->jobs.v[i].path, job.path) == 0)
			goto out; /* named twice */
	}
	if ((rc = check_name(r, target, job.path, e)) < 0)
		goto out;
	o = stages_out_covering(&p->c.stages, job.path);
	if (o)
		rc = plan_covered(r, p, &job, o, e);
	else
		rc = plan_new(r, p, &job, e);
	if (rc < 0)
		goto out;
	job.old = job.out->at.oid;
	job.was_legacy = !job.is_new && job.out->is_legacy;
	vec_push(&p->jobs, job);
	return 0;
out:
	job_release(&job);
	return rc;
}

/* stage_add_out may have moved the outs of a stage: find them again. */
static void settle_outs(struct add_plan *p)
{
	for (size_t i = 0; i < p->jobs.nr; i++) {
		struct add_job *job = &p->jobs.v[i];
		size_t n = job->inside ? (size_t)(job->inside - job->path) - 1
				       : strlen(job->path);

		for (size_t k = 0; k < job->stage->outs_nr; k++) {
			const char *path = job->stage->outs[k].at.path;

			if (path && strlen(path) == n && memcmp(path, job->path, n) == 0)
				job->out = &job->stage->outs[k];
		}
	}
}

static int refuse_parents(struct add_plan *p, struct err *e)
{
	for (size_t i = 0; i < p->jobs.nr; i++) {
		const struct add_job *job = &p->jobs.v[i];
		struct buf name = {0};
		const struct out *below;
		size_t first;
		int rc;

		if (!job->is_new || stages_outs_below(&p->all, job->path, &first) == 0)
			continue;
		below = p->all.outs[first];
		stage_addressing(below->stage, "", &name);
		rc = err_set(e, ERR_INVALID,
			     "Cannot add '%s', because it is overlapping with other DVC "
			     "tracked output: '%s'.\nTo include '%s' in '%s', run 'dvc "
			     "remove %s' and then 'dvc add %s'",
			     job->path, below->at.path, below->at.path, job->path,
			     buf_str(&name), job->path);
		buf_release(&name);
		return rc;
	}
	return 0;
}

int add_plan(struct repo *r, const char *const *targets, size_t nr, struct add_plan *p,
	     struct err *e)
{
	int rc;

	if ((rc = repo_collect(r, COLLECT_LOCKED, &p->c, e)) < 0)
		return rc;
	for (size_t i = 0; i < nr; i++) {
		if ((rc = plan_one(r, p, targets[i], e)) < 0)
			return rc;
	}
	for (size_t i = 0; i < p->c.stages.nr; i++) {
		struct stage *st = p->c.stages.v[i];

		if (st->kind == STAGE_PIPELINE ||
		    !map_has(&p->cloned, slice_of(st->file)))
			vec_push(&p->all, st);
	}
	settle_outs(p);
	stages_index(&p->all);
	if ((rc = refuse_parents(p, e)) < 0 || (rc = stages_check(&p->all, e)) < 0)
		return rc;
	for (size_t i = 0; i < p->jobs.nr; i++) {
		if ((rc = repo_rwlock_check(r, p->jobs.v[i].path, true, e)) < 0)
			return rc;
	}
	return 0;
}

/* ---- taking the bytes ---------------------------------------------------- */

static int refuse_git_tracked(struct repo *r, const struct out *o, struct err *e)
{
	struct vcs *vcs;
	bool tracked;
	int rc;

	if (!out_is_cached(o))
		return 0;
	if ((rc = repo_vcs(r, &vcs, e)) < 0 || !vcs)
		return rc;
	if ((rc = vcs_tracks(vcs, o->at.path, &tracked, e)) < 0)
		return rc;
	if (!tracked)
		return 0;
	return err_set(e, ERR_INVALID,
		       " output '%s' is already tracked by SCM (e.g. Git).\n"
		       "    You can remove it from Git, then add to DVC.\n"
		       "        To stop tracking from Git:\n"
		       "            git rm -r --cached '%s'\n"
		       "            git commit -m \"stop tracking %s\" ",
		       o->at.path, o->at.path, o->at.path);
}

static int does_not_exist(struct repo *r, const char *path, struct err *e)
{
	return err_set(e, ERR_NOTFOUND,
		       "output '%s' does not exist: [Errno 2] No such file or directory: "
		       "'%s/%s'",
		       path, r->root, path);
}

/*
 * What is there now, and with which digest it will be recorded. An entry of 2.x
 * stays one as long as its data is what it says.
 */
static int look(struct repo *r, struct add_job *job, enum oid_algo *algo,
		struct index_view *view, struct err *e)
{
	const char *path = job->out->at.path;
	struct index *ix;
	struct odb *odb;
	int rc;

	if ((rc = repo_index(r, &ix, e)) < 0 || (rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	*algo = OID_MD5;
	if (job->was_legacy) {
		rc = index_look(ix, odb, path, OID_LEGACY, INDEX_FILES | INDEX_HASH, view,
				e);
		if (rc < 0)
			return rc;
		if (view->complete && oid_eq(&view->oid, &job->old)) {
			*algo = OID_LEGACY;
			job->inside = NULL; /* nothing of it changed */
			return 0;
		}
		/* Members of two kinds make no directory: all of it is converted. */
		if (view->kind != INDEX_NONE)
			job->inside = NULL;
		index_view_release(view);
	}
	if (job->seen && job->seen->complete && job->seen->nr == job->seen->files_nr &&
	    job->seen->oid.algo == OID_MD5) {
		*view = *job->seen;
		*job->seen = (struct index_view){0};
	} else if ((rc = index_look(ix, odb, path, OID_MD5, INDEX_FILES, view, e)) < 0) {
		return rc;
	}
	if (view->kind == INDEX_NONE)
		return does_not_exist(r, path, e);
	if (view->kind == INDEX_OTHER)
		return err_set(e, ERR_INVALID, "'%s' is neither a file nor a directory",
			       path);
	return 0;
}

static bool all_known(const struct index_view *view)
{
	for (size_t i = 0; i < view->nr; i++) {
		if (!oid_known(&view->files[i].oid))
			return false;
	}
	return true;
}

/* How DVC counts the size of a directory that is changed in part. */
static int64_t part_size(const struct out *o, const struct oid *oid, bool only_new,
			 int64_t added)
{
	if (only_new && o->at.size > 0)
		return o->at.size + added;
	return oid_eq(&o->at.oid, oid) ? o->at.size : -1;
}

/* Put the part at job->inside into the recorded manifest, or take it out. */
static int merge_part(struct repo *r, struct add_job *job, const struct ingest *in,
		      const struct index_view *view, struct stages *s, struct err *e)
{
	struct manifest old = {0}, new = {0};
	struct odb *odb;
	struct oid oid;
	int64_t added = 0;
	size_t gone = 0, came = 0;
	int rc;

	if (job->out->at.hash_text || job->out->at.has_files) {
		rc = repo_manifest(r, job->out, &old, e);
		if (rc < 0) {
			rc = err_ctx(e, rc, "could not read '%s'",
				     job->out->at.hash_text ? job->out->at.hash_text
							    : job->out->at.path);
			goto out;
		}
	}
	for (size_t i = 0; i < old.nr; i++) {
		if (path_within(old.v[i].path, job->inside))
			gone++;
		else
			manifest_add(&new, old.v[i].path, &old.v[i].oid, old.v[i].size);
	}
	for (size_t i = 0; i < view->nr; i++) {
		const struct index_file *f = &view->files[i];

		if (!path_within(f->path, job->inside))
			continue;
		manifest_add(&new, f->path, &f->oid, f->st.size);
		added += f->st.size;
		came++;
	}
	if (came == 0 && gone == 0) {
		rc = err_set(e, ERR_NOTFOUND,
			     "[Errno 2] No such file or directory: '%s/%s'", r->root,
			     job->path);
		goto out;
	}
	manifest_sort(&new);
	if ((rc = repo_odb(r, &odb, e)) < 0)
		goto out;
	rc = in->hash_only ? manifest_oid(&new, OID_MD5, &oid, e)
			   : odb_add_manifest(odb, &new, OID_MD5, &oid, e);
	if (rc < 0)
		goto out;
	pinned_set(s, &job->out->at, &oid,
		   part_size(job->out, &oid, gone == 0 && came > 0, added),
		   (int64_t) new.nr, false);
	job->oid = oid;
	job->bytes = added;
out:
	manifest_release(&old);
	manifest_release(&new);
	return rc;
}

/*
 * DVC leaves an executable output as a checkout would make it anywhere else: plain
 * permissions and the owner's x. So do we, or the two would differ from then on.
 */
static int settle_exec(struct repo *r, const struct ingest *in, struct index_view *view,
		       struct err *e)
{
	struct index_file *f = &view->files[0];
	const char *name;
	struct odb *odb;
	struct stat st;
	int fd, rc;

	if (view->kind != INDEX_FILE || !view->is_exec || in->hash_only ||
	    in->no_relink || f->st.nlink > 1 || (f->flags & INDEX_SYMLINK))
		return 0;
	if ((rc = repo_odb(r, &odb, e)) < 0 ||
	    (rc = change_open_parent(r, in->path, false, &fd, &name, e)) < 0)
		return rc;
	/* In one step: a failure between two would leave it without any x. */
	if (sys_fchmodat(fd, name, odb_plain_mode(odb) | S_IXUSR) < 0 ||
	    sys_fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		rc = err_sys(e, "chmod", in->path);
	} else {
		f->st = filestat_of(&st);
	}
	(void)sys_close(fd); /* a directory */
	return rc;
}

static int take_whole(struct repo *r, struct add_job *job, const struct ingest *in,
		      struct index_view *view, struct stages *s, struct err *e)
{
	int rc;

	if ((rc = ingest_whole(r, in, view, e)) < 0 ||
	    (rc = settle_exec(r, in, view, e)) < 0)
		return rc;
	pinned_set(s, &job->out->at, &view->oid, (int64_t)view->bytes,
		   view->kind == INDEX_DIR ? (int64_t)view->files_nr : -1, view->is_exec);
	job->out->is_legacy = view->oid.algo == OID_LEGACY;
	job->oid = view->oid;
	job->bytes = (int64_t)view->bytes;
	return 0;
}

int add_take(struct repo *r, struct stages *s, struct add_job *job,
	     const struct add_options *o, struct report *rep, struct err *e)
{
	struct index_view view = {0};
	struct ingest in = {
		.path = job->out->at.path,
		.hash_only = o->no_commit || !out_is_cached(job->out),
		.no_relink = o->no_relink || job->was_placed,
	};
	struct index *ix;
	bool is_recorded;
	int rc;

	if ((rc = add_refuse_links(r, job->path, e)) < 0 ||
	    (rc = repo_index(r, &ix, e)) < 0 ||
	    (rc = look(r, job, &in.algo, &view, e)) < 0)
		goto out;
	in.inside = job->inside;
	is_recorded = view.complete && view.kind == INDEX_DIR && in.algo == OID_MD5;
	/* Git's index is asked only about what is not settled already. */
	if ((job->is_new || !view.complete || !oid_eq(&view.oid, &job->old)) &&
	    (rc = refuse_git_tracked(r, job->out, e)) < 0)
		goto out;
	if (out_is_cached(job->out) &&
	    (rc = repo_git_ignore(r, in.path, &job->ignore_file, e)) < 0)
		goto out;
	if ((rc = ingest_files(r, &in, &view, rep, e)) < 0)
		goto out;
	report_counted(rep, "files", in.files);
	report_counted(rep, "hashed", in.objects);
	rep->bytes += in.bytes;
	rc = job->inside ? merge_part(r, job, &in, &view, s, e)
			 : take_whole(r, job, &in, &view, s, e);
	if (rc < 0)
		goto out;
	if (job->inside && all_known(&view)) {
		in.hash_only = true;
		rc = ingest_whole(r, &in, &view, e);
	}
	/* A directory in which nothing was done is on record as it is. */
	if (rc < 0 || !view.complete || (is_recorded && in.objects == 0))
		goto out;
	/* What can be had from the cache again, a checkout may take away when
	 * nothing tracks it any more. */
	if (!in.hash_only && !in.no_relink)
		index_remember_placed(ix, in.path, &view);
	else
		index_remember(ix, in.path, &view);
out:
	index_view_release(&view);
	return rc;
}

/* ---- the metadata -------------------------------------------------------- */

int add_save(struct repo *r, struct stages *s, struct add_job *job, struct report *rep,
	     struct err *e)
{
	enum fs_sync sync;
	bool changed = false;
	int rc;

	if (r->in_stage) {
		report_warn(rep, "running inside a stage: '%s' is not written",
			    job->stage->file);
		return 0;
	}
	if ((rc = repo_sync(r, &sync, e)) < 0 ||
	    (rc = dvcfile_save(s, job->stage, r->rootfd, sync, &changed, e)) < 0)
		return rc;
	job->saved = true;
	report_track(rep, job->stage->file);
	if (job->ignore_file)
		report_track(rep, job->ignore_file);
	report_add(rep, job->path, &job->oid,
		   job->is_new ? "added"
		   : changed   ? "modified"
			       : "unchanged",
		   job->bytes);
	return 0;
}

/* Take back the ignore lines of what has no metadata now. */
void add_undo(struct repo *r, struct add_plan *p)
{
	for (size_t i = 0; i < p->jobs.nr; i++) {
		struct add_job *job = &p->jobs.v[i];
		char *file = NULL;

		if (job->saved || !job->ignore_file)
			continue;
		/* The failure that brought us here is the one to tell. */
		IGNORE_RESULT(repo_git_unignore(r, job->out->at.path, &file, NULL) < 0);
		free(file);
	}
}

static int run(struct repo *r, struct add_plan *p, const struct add_options *o,
	       struct report *rep, struct err *e)
{
	struct err first = {0}, why = {0};
	struct odb *odb;
	size_t nr_done = 0;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	while (nr_done < p->jobs.nr) {
		rc = add_take(r, &p->all, &p->jobs.v[nr_done], o, rep, &first);
		if (rc < 0)
			break;
		nr_done++;
	}
	/* What went well before the failure is finished. */
	if (nr_done > 0) {
		int r2 = odb_flush(odb, &why);

		for (size_t i = 0; i < nr_done && r2 == 0; i++)
			r2 = add_save(r, &p->all, &p->jobs.v[i], rep, &why);
		if (rc == 0 && r2 < 0) {
			rc = r2;
			first = why;
		}
	}
	if (rc < 0) {
		add_undo(r, p);
		if (e)
			*e = first;
	}
	return rc;
}

static int add_locked(struct repo *r, const struct add_options *o, struct report *rep,
		      struct err *e)
{
	struct add_plan p = {0};
	struct strvec found = {0};
	const char *const *targets = o->targets;
	size_t nr = o->targets_nr;
	int rc = 0, r2;

	if (o->glob) {
		int cwdfd = -1;

		if ((rc = repo_open_cwd(r, &cwdfd, e)) == 0) {
			rc = targets_glob(cwdfd, o->targets, o->targets_nr, &found, e);
			(void)sys_close(cwdfd); /* a directory */
		}
		if (rc < 0)
			goto out;
		targets = (const char *const *)found.v;
		nr = found.nr;
	}
	if (o->out)
		rc = add_to(r, o, &p, rep, e);
	else if ((rc = add_plan(r, targets, nr, &p, e)) == 0)
		rc = run(r, &p, o, rep, e);
	/* Also after a failure: what was saved should be known to git. */
	r2 = repo_git_stage(r, rep, rc == 0 ? e : NULL);
	if (rc == 0)
		rc = r2;
out:
	add_plan_release(&p);
	strvec_release(&found);
	return rc;
}

int repo_add(struct repo *r, const struct add_options *o, struct report *rep,
	     struct err *e)
{
	int rc;

	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	if ((rc = repo_cache_lock(r, false, e)) == 0) {
		rc = add_locked(r, o, rep, e);
		repo_cache_unlock(r);
	}
	repo_unlock(r);
	return rc;
}
