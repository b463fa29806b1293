/* Which objects must stay. When in doubt, all of them. */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/meta/collect.h"
#include "store/meta/tree.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/gc.h"
#include "store/repo/repo_internal.h"
#include "store/vcs/vcs.h"

#include <stdlib.h>
#include <string.h>

void gc_keep_release(struct gc_keep *k)
{
	map_release(&k->oids);
}

void gc_keep_add(struct gc_keep *k, const struct oid *oid)
{
	(void)map_set(&k->oids, MAP_KEY(*oid), 0);
}

bool gc_keep_has(const struct gc_keep *k, const struct oid *oid)
{
	return map_has(&k->oids, MAP_KEY(*oid));
}

struct gather {
	struct repo *repo; /* whose metadata is read; the cache may be another's */
	const struct gc_scope *scope;
	struct gc_keep *keep;
	struct map listed; /* manifests whose members are in keep */
	struct report *rep;
};

static void keep_members(struct gather *g, const struct manifest *m)
{
	for (size_t i = 0; i < m->nr; i++)
		gc_keep_add(g->keep, &m->v[i].oid);
}

/* The members of a directory can only be known from its listing. */
static int missing_listing(struct gather *g, const char *path, struct err *e)
{
	char *question;
	bool go_on;

	if (g->scope->force) {
		report_warn(g->rep,
			    "the listing of directory '%s' is nowhere: the cache of the "
			    "files in it is not kept",
			    path);
		return 0;
	}
	question =
		xasprintf("Missing cache for directory '%s'. Cache for files inside "
			  "will be lost. Would you like to continue? Use '-f' to force.",
			  path);
	go_on = g->scope->confirm && g->scope->confirm(g->scope->confirm_ctx, question);
	free(question);
	if (go_on)
		return 0;
	return err_set(e, ERR_MISSING,
		       "unable to fully collect used cache without cache for directory "
		       "'%s'",
		       path);
}

static int keep_out(struct gather *g, const struct out *o, struct err *e)
{
	struct manifest m = {0};
	struct err why = {0};
	struct oid oid = {0};
	int rc;

	for (size_t i = 0; i < o->at.files_nr; i++) {
		if (oid_known(&o->at.files[i].oid))
			gc_keep_add(g->keep, &o->at.files[i].oid);
	}
	if ((rc = repo_out_oid(o, &oid, e)) < 0)
		return rc;
	if (!oid_known(&oid))
		return 0;
	gc_keep_add(g->keep, &oid);
	if (!oid.is_dir || o->at.has_files || !map_set(&g->listed, MAP_KEY(oid), 0))
		return 0;
	rc = repo_manifest(g->repo, o, &m, &why);
	if (rc == 0)
		keep_members(g, &m);
	else if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT)
		/* An output that is not cached has no listing anywhere. */
		rc = out_is_cached(o) ? missing_listing(g, out_path(o), e) : 0;
	else if (e)
		*e = why;
	manifest_release(&m);
	return rc;
}

/* Dependencies may be pinned by an object of the same cache. */
static void keep_pinned(struct gather *g, struct odb *odb, const struct oid *oid)
{
	struct manifest m = {0};

	if (!oid_known(oid))
		return;
	gc_keep_add(g->keep, oid);
	/* Without a listing there is nothing more to keep: no output needs it. */
	if (oid->is_dir && !map_has(&g->listed, MAP_KEY(*oid)) && odb_has(odb, oid) &&
	    odb_read_manifest(odb, oid, &m, NULL) == 0) {
		(void)map_set(&g->listed, MAP_KEY(*oid), 0);
		keep_members(g, &m);
	}
	manifest_release(&m);
}

static int keep_collection(struct gather *g, const struct collection *c, struct err *e)
{
	struct odb *odb;
	int rc;

	if (c->empty.nr > 0)
		return err_set(e, ERR_CORRUPT,
			       "'%s' is empty: it may be half-written, and what it named "
			       "would be lost",
			       c->empty.v[0]);
	if ((rc = repo_odb(g->repo, &odb, e)) < 0)
		return rc;
	for (size_t i = 0; i < c->stages.nr; i++) {
		const struct stage *st = c->stages.v[i];

		for (size_t k = 0; k < st->outs_nr; k++) {
			if ((rc = keep_out(g, &st->outs[k], e)) < 0)
				return rc;
		}
		for (size_t k = 0; k < st->deps_nr; k++)
			keep_pinned(g, odb, &st->deps[k].at.oid);
	}
	for (size_t i = 0; i < c->lock_digests.nr; i++)
		keep_pinned(g, odb, &c->lock_digests.v[i].oid);
	return interrupt_check(e);
}

static int keep_workspace(struct gather *g, struct err *e)
{
	struct collection c = {0};
	int rc = repo_collect(g->repo, COLLECT_LOCKED | COLLECT_LOCKS | COLLECT_NO_GIT,
			      &c, e);

	if (rc == 0)
		rc = keep_collection(g, &c, e);
	collection_release(&c);
	return rc < 0 ? err_ctx(e, rc, "workspace of '%s'", g->repo->root) : 0;
}

static int keep_revision(struct gather *g, const struct vcs_rev *rev, struct err *e)
{
	struct collection c = {0};
	struct tree *tree = NULL;
	unsigned flags;
	int rc;

	if ((rc = repo_collect_flags(g->repo, &flags, e)) < 0)
		return rc;
	rc = repo_tree_at(g->repo, rev->id, &tree, e);
	/* A commit from before the repository was made here. */
	if (rc == ERR_NOTFOUND)
		return 0;
	if (rc == 0)
		rc = collect(tree, flags | COLLECT_LOCKED | COLLECT_LOCKS, &c, e);
	if (rc == 0)
		rc = keep_collection(g, &c, e);
	collection_release(&c);
	tree_free(tree);
	return rc;
}

static unsigned vcs_scope_of(const struct gc_scope *s)
{
	unsigned scope = 0;

	if (s->all_branches)
		scope |= VCS_BRANCHES;
	if (s->all_tags)
		scope |= VCS_TAGS;
	/* Experiments live under references of their own: every reference is more
	 * than them, and keeping more is safe. */
	if (s->all_commits || s->all_experiments)
		scope |= VCS_ALL_COMMITS;
	return scope;
}

static bool wants_revisions(const struct gc_scope *s)
{
	return s->all_branches || s->all_tags || s->all_commits || s->all_experiments ||
	       s->revs_nr > 0 || s->date_ns != 0;
}

static int keep_revisions(struct gather *g, struct err *e)
{
	const struct gc_scope *s = g->scope;
	struct vcs_select sel = {
		.scope = vcs_scope_of(s),
		.revs = s->revs,
		.revs_nr = s->revs_nr,
		.last = s->num,
		.has_since = s->date_ns != 0,
		.since_s = s->date_ns / 1000000000,
	};
	struct vcs_revs revs = {0};
	struct vcs *vcs;
	int rc;

	if (!wants_revisions(s))
		return 0;
	if ((rc = repo_vcs(g->repo, &vcs, e)) < 0)
		return rc;
	if (!vcs)
		return err_set(e, ERR_INVALID,
			       "'%s' has no git: only its workspace can be kept",
			       g->repo->root);
	if ((rc = vcs_list(vcs, &sel, &revs, e)) < 0)
		return rc;
	for (size_t i = 0; i < revs.nr && rc == 0; i++) {
		struct err why = {0};

		rc = keep_revision(g, &revs.v[i], &why);
		if (rc == 0)
			continue;
		if (s->skip_failed && rc != ERR_CANCELED) {
			report_warn(g->rep, "Failed to collect '%s', skipping",
				    revs.v[i].name);
			rc = 0;
		} else {
			if (e)
				*e = why;
			err_ctx(e, rc, "Failed to collect '%s'", revs.v[i].name);
		}
	}
	vcs_revs_release(&revs);
	return rc;
}

static int keep_repo(struct gather *g, struct err *e)
{
	int rc = keep_workspace(g, e);

	return rc < 0 ? rc : keep_revisions(g, e);
}

/* Another project that shares the cache: locked while it is read. Its listings
 * come from our cache, or from its own. */
static int keep_project(struct gather *g, const char *dir, struct err *e)
{
	struct repo_options o = {
		.dir = dir,
		.sink = g->repo->sink,
		.lock_wait_ms = g->repo->lock_wait_ms,
	};
	struct gather other = *g;
	struct repo *r = NULL;
	int rc;

	if ((rc = repo_open(&r, &o, e)) < 0)
		return rc;
	other.repo = r;
	repo_set_fetcher(r, g->repo->fetcher);
	if ((rc = repo_lock(r, e)) == 0) {
		rc = keep_repo(&other, e);
		repo_unlock(r);
	}
	g->listed = other.listed;
	repo_free(r);
	return rc < 0 ? err_ctx(e, rc, "project '%s'", dir) : 0;
}

int gc_collect(struct repo *r, const struct gc_scope *scope, struct gc_keep *keep,
	       struct report *rep, struct err *e)
{
	struct gather g = {.repo = r, .scope = scope, .keep = keep, .rep = rep};
	int rc;

	if (!scope->workspace && !wants_revisions(scope))
		return err_set(e, ERR_INVALID,
			       "Either of `-w|--workspace`, `-a|--all-branches`, "
			       "`-T|--all-tags` `--all-experiments`, `--all-commits`, "
			       "`--date` or `--rev` needs to be set.");
	rc = keep_repo(&g, e);
	for (size_t i = 0; i < scope->projects_nr && rc == 0; i++)
		rc = keep_project(&g, scope->projects[i], e);
	map_release(&g.listed);
	return rc;
}
