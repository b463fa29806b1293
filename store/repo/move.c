/*
 * move: the data, its .dvc and both ignore lines. The data goes first: a rerun
 * after a crash finds it at its new place and finishes the rest.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/utf8.h"
#include "store/index/index.h"
#include "store/meta/dvcfile.h"
#include "store/odb/odb.h"
#include "store/repo/add_internal.h"
#include "store/repo/change.h"
#include "store/repo/change_internal.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"

#include <stdlib.h>
#include <string.h>

struct move {
	struct repo *repo;
	char *src, *dst; /* from the root */
	const struct out *from;
	bool renames_file; /* the .dvc is named after the data */
	bool has_data;
	struct add_plan plan;
	struct report *rep;
};

static int resolve(struct move *m, const struct move_options *o, struct err *e)
{
	struct repo *r = m->repo;
	int rc;

	if ((rc = repo_rel(r, o->src, &m->src, e)) < 0 ||
	    (rc = repo_rel(r, o->dst, &m->dst, e)) < 0)
		return rc;
	if (fs_kind(r->rootfd, m->dst[0] ? m->dst : ".") == S_IFDIR) {
		struct slice base = path_base(m->src);
		char *name = xmemdup0(base.p, base.n);
		char *inside = m->dst[0] ? path_join(m->dst, name) : xstrdup(name);

		free(name);
		free(m->dst);
		m->dst = inside;
	}
	if (!utf8_valid(m->dst, strlen(m->dst)))
		return err_set(e, ERR_INVALID, "the name '%s' is not UTF-8", m->dst);
	if ((rc = path_check_tracked(m->dst, e)) < 0)
		return rc;
	if (dvcfile_is_metadata(m->dst))
		return err_set(e, ERR_INVALID, "DVC file '%s' cannot be an output.",
			       m->dst);
	m->from = stages_out_at(&m->plan.c.stages, m->src);
	if (!m->from)
		return err_set(e, ERR_NOTFOUND,
			       "Unable to find DVC file with output '%s'", o->src);
	if (m->from->stage->kind == STAGE_PIPELINE)
		return err_set(
			e, ERR_INVALID,
			"move is not permitted for stages that are not data sources. You "
			"need to either move '%s' to a new location and edit it by hand, "
			"or remove '%s' and create a new one at the desired location.",
			m->from->stage->name, m->from->stage->name);
	return 0;
}

/* Texts of paths are relative to wdir, which moves along with the file. */
static char *seen_from(const struct repo *r, const char *wdir, const char *path)
{
	char *from = wdir[0] ? path_join(r->root, wdir) : xstrdup(r->root);
	char *to = path_join(r->root, path); /* an absolute one stays as it is */
	char *text = path_relative(from, to);

	free(from);
	free(to);
	return text;
}

static void set_text(struct stages *s, struct pinned *p, char *take_text)
{
	p->text = arena_strdup(&s->arena, take_text);
	free(take_text);
}

static void move_wdir(struct move *m, struct stage *st)
{
	struct stages *s = &m->plan.all;
	struct slice dir = path_dir(m->dst);

	st->file = arena_printf(&s->arena, "%s.dvc", m->dst);
	st->wdir = slice_is(dir, ".") ? "" : arena_strndup(&s->arena, dir.p, dir.n);
	st->wdir_text = NULL;
	for (size_t i = 0; i < st->deps_nr; i++) {
		struct pinned *p = &st->deps[i].at;

		/* Paths within another repository, and URLs, are the same from
		 * everywhere; so is what was written as an absolute path. */
		if (st->deps[i].repo || st->deps[i].db || path_is_abs(p->text) ||
		    strstr(p->text, "://"))
			continue;
		if (p->path || p->abs)
			set_text(
				s, p,
				seen_from(m->repo, st->wdir, p->path ? p->path : p->abs));
	}
}

static int plan(struct move *m, struct err *e)
{
	struct repo *r = m->repo;
	const struct stage *old = m->from->stage;
	struct slice base = path_base(m->src), file = path_base(old->file);
	struct stages *s = &m->plan.all;
	struct add_job job = {.target = m->dst, .path = xstrdup(m->dst)};
	struct stage *st;
	int rc;

	for (size_t i = 0; i < m->plan.c.stages.nr; i++) {
		if (m->plan.c.stages.v[i] != old)
			vec_push(s, m->plan.c.stages.v[i]);
	}
	st = stages_clone(s, old);
	m->renames_file = old->outs_nr == 1 && file.n == base.n + 4 &&
			  memcmp(file.p, base.p, base.n) == 0;
	if (m->renames_file)
		move_wdir(m, st);
	job.stage = st;
	job.out = &st->outs[m->from->index];
	job.out->at.path = arena_strdup(&s->arena, m->dst);
	set_text(s, &job.out->at, seen_from(r, st->wdir, m->dst));
	job.old = m->from->at.oid;
	job.was_legacy = m->from->is_legacy;
	job.is_new = true; /* git may know the new path */
	vec_push(&m->plan.jobs, job);
	stages_index(s);
	if ((rc = stages_check(s, e)) < 0)
		return rc;
	if (m->renames_file && strcmp(st->file, old->file) != 0 &&
	    fs_kind(r->rootfd, st->file) != 0)
		return err_set(e, ERR_EXISTS, "'%s' already exists", st->file);
	return 0;
}

static int move_data(struct move *m, struct err *e)
{
	struct repo *r = m->repo;
	const char *from, *to;
	int fromfd = -1, tofd = -1, rc;

	if ((rc = change_open_parent(r, m->src, false, &fromfd, &from, e)) < 0)
		return rc;
	if ((rc = change_open_parent(r, m->dst, true, &tofd, &to, e)) < 0)
		goto out;
	/* Whatever lies at the destination is not ours to overwrite. */
	if (sys_rename_noreplace(fromfd, from, tofd, to) < 0)
		rc = err_sys(e, "rename", m->dst);
out:
	if (tofd >= 0)
		(void)sys_close(tofd); /* a directory */
	(void)sys_close(fromfd);       /* a directory */
	return rc;
}

/* Record the data at its new place. */
static int record(struct move *m, struct err *e)
{
	struct repo *r = m->repo;
	struct add_job *job = &m->plan.jobs.v[0];
	struct add_options add = {0};
	struct odb *odb;
	int rc;

	if (m->has_data) {
		if ((rc = add_take(r, &m->plan.all, job, &add, m->rep, e)) < 0)
			return rc;
	} else {
		job->oid = job->old;
		job->bytes = job->out->at.size;
		if (out_is_cached(job->out) &&
		    (rc = repo_git_ignore(r, m->dst, &job->ignore_file, e)) < 0)
			return rc;
	}
	if ((rc = repo_odb(r, &odb, e)) < 0 || (rc = odb_flush(odb, e)) < 0)
		return rc;
	return add_save(r, &m->plan.all, job, m->rep, e);
}

static int forget_old(struct move *m, struct err *e)
{
	struct repo *r = m->repo;
	const struct stage *old = m->from->stage;
	struct index *ix;
	char *file = NULL;
	int rc = 0;

	if (repo_index(r, &ix, NULL) == 0)
		index_forget(ix, m->src);
	if (r->in_stage)
		return 0;
	if (strcmp(m->plan.jobs.v[0].stage->file, old->file) != 0) {
		if ((rc = change_unlink(r, old->file, true, e)) < 0)
			return rc;
		report_track(m->rep, old->file);
	}
	if (m->from->cache && (rc = repo_git_unignore(r, m->src, &file, e)) < 0)
		return rc;
	/* One that lost its last line is gone, and git is not told. */
	if (file && fs_kind(r->rootfd, file) != 0)
		report_track(m->rep, file);
	free(file);
	return 0;
}

static int run(struct move *m, const struct move_options *o, struct err *e)
{
	struct repo *r = m->repo;
	bool at_src, at_dst;
	int rc;

	if ((rc = repo_collect(r, COLLECT_LOCKED, &m->plan.c, e)) < 0 ||
	    (rc = resolve(m, o, e)) < 0)
		return rc;
	if (strcmp(m->src, m->dst) == 0 || path_within(m->dst, m->src))
		return err_set(e, ERR_INVALID, "cannot move '%s' to '%s'", m->src,
			       m->dst);
	at_src = fs_kind(r->rootfd, m->src) != 0;
	at_dst = fs_kind(r->rootfd, m->dst) != 0;
	if (at_src && at_dst)
		return err_set(e, ERR_EXISTS, "'%s' exists", m->dst);
	if ((rc = plan(m, e)) < 0 || (rc = repo_rwlock_check(r, m->src, true, e)) < 0 ||
	    (rc = repo_rwlock_check(r, m->dst, true, e)) < 0)
		return rc;
	if (at_src)
		rc = move_data(m, e);
	else if (!at_dst)
		report_warn(m->rep, "'%s' does not exist: only its metadata is moved",
			    m->src);
	m->has_data = at_src || at_dst;
	if (rc == 0)
		rc = record(m, e);
	if (rc == 0)
		rc = forget_old(m, e);
	else
		add_undo(r, &m->plan);
	if (rc == 0)
		rc = repo_git_stage(r, m->rep, e);
	return rc;
}

int repo_move(struct repo *r, const struct move_options *o, struct report *rep,
	      struct err *e)
{
	struct move m = {.repo = r, .rep = rep};
	int rc;

	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	if ((rc = repo_cache_lock(r, false, e)) == 0) {
		rc = run(&m, o, e);
		repo_cache_unlock(r);
	}
	repo_unlock(r);
	add_plan_release(&m.plan);
	free(m.src);
	free(m.dst);
	return rc;
}
