#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/lock.h"
#include "store/base/path.h"
#include "store/meta/collect.h"
#include "store/meta/tree.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/gc.h"
#include "store/repo/repo.h"
#include "store/vcs/vcs.h"

#include <stdlib.h>
#include <string.h>

#define KEY_N 18

struct collecting {
	struct repo *r;
	const struct gc_scope *scope;
	struct gc_keep *keep;
	struct report *rep;
	struct map manifests; /* those whose members are kept already */
};

static void key_of(const struct oid *oid, char key[KEY_N])
{
	memcpy(key, oid->b, sizeof(oid->b));
	key[16] = (char)oid->algo;
	key[17] = (char)oid->is_dir;
}

void gc_keep_release(struct gc_keep *k)
{
	if (k)
		map_release(&k->oids);
}

void gc_keep_add(struct gc_keep *k, const struct oid *oid)
{
	char key[KEY_N];

	key_of(oid, key);
	map_set(&k->oids, (struct slice){key, sizeof(key)}, 1);
}

bool gc_keep_has(const struct gc_keep *k, const struct oid *oid)
{
	char key[KEY_N];

	key_of(oid, key);
	return map_has(&k->oids, (struct slice){key, sizeof(key)});
}

/*
 * A digest is kept in both halves of the cache: an entry that is migrated, or a
 * lock whose spelling is in doubt, must not cost an object.
 */
static void keep(struct collecting *g, const struct oid *oid)
{
	struct oid other = *oid;

	gc_keep_add(g->keep, oid);
	other.algo = oid->algo == OID_MD5 ? OID_LEGACY : OID_MD5;
	gc_keep_add(g->keep, &other);
}

/* A manifest that no store has: its members cannot be known. */
static int without_manifest(struct collecting *g, const char *path, struct err *e)
{
	char *question;
	bool yes;

	if (g->scope->force) {
		report_warn(g->rep,
			    "the manifest of '%s' is nowhere: its files are not kept",
			    path);
		return 0;
	}
	question =
		xasprintf("Missing cache for directory '%s'. Cache for files inside will "
			  "be lost. Would you like to continue? Use '-f' to force.",
			  path);
	yes = g->scope->confirm && g->scope->confirm(g->scope->confirm_ctx, question);
	free(question);
	if (yes)
		return 0;
	return err_set(
		e, ERR_MISSING,
		"unable to fully collect used cache without cache for directory '%s'",
		path);
}

static void keep_members(struct collecting *g, const struct manifest *m)
{
	for (size_t i = 0; i < m->nr; i++)
		keep(g, &m->v[i].oid);
}

static bool seen(struct collecting *g, const struct oid *oid)
{
	char key[KEY_N];

	key_of(oid, key);
	return !map_set(&g->manifests, (struct slice){key, sizeof(key)}, 1);
}

static int keep_out(struct collecting *g, const struct out *out, struct err *e)
{
	struct manifest m = {0};
	struct err why = {0};
	struct oid oid;
	int r;

	for (size_t i = 0; i < out->at.files_nr; i++)
		if (oid_known(&out->at.files[i].oid))
			keep(g, &out->at.files[i].oid);
	if (!out_has_hash(out) || repo_out_oid(out, &oid, NULL) < 0 || !oid_known(&oid))
		return 0;
	keep(g, &oid);
	if (!oid.is_dir || seen(g, &oid))
		return 0;
	r = repo_manifest(g->r, out, &m, &why);
	if (r == 0)
		keep_members(g, &m);
	manifest_release(&m);
	if (r == ERR_NOTFOUND || r == ERR_CORRUPT)
		return without_manifest(g, out_path(out), e);
	/* An import's listing by etag names no object of ours. */
	if (r == ERR_UNSUPPORTED)
		return 0;
	if (r < 0 && e)
		*e = why;
	return r;
}

/* What a lock names is kept, whether or not dvc.yaml still has the stage. */
static int keep_lock(struct collecting *g, const struct lock_digest *d, struct err *e)
{
	struct manifest m = {0};
	struct odb *odb;
	int r;

	keep(g, &d->oid);
	if (!d->oid.is_dir || seen(g, &d->oid))
		return 0;
	if ((r = repo_odb(g->r, &odb, e)) < 0)
		return r;
	/* A dependency's directory is often tracked elsewhere, or not at all: a
	 * manifest that is nowhere is no reason to stop here. */
	r = odb_read_manifest(odb, &d->oid, &m, NULL);
	if (r == 0)
		keep_members(g, &m);
	manifest_release(&m);
	return 0;
}

static int keep_collection(struct collecting *g, const struct collection *c,
			   struct err *e)
{
	int r = 0;

	if (c->empty.nr > 0)
		return err_set(
			e, ERR_CORRUPT,
			"'%s' is empty: while it may be half-written, nothing is deleted",
			c->empty.v[0]);
	for (size_t i = 0; i < c->stages.nr && r == 0; i++) {
		const struct stage *st = c->stages.v[i];

		for (size_t k = 0; k < st->outs_nr && r == 0; k++)
			r = keep_out(g, &st->outs[k], e);
	}
	for (size_t i = 0; i < c->lock_digests.nr && r == 0; i++)
		r = keep_lock(g, &c->lock_digests.v[i], e);
	return r;
}

static int keep_workspace(struct collecting *g, struct err *e)
{
	struct collection c = {0};
	int r = repo_collect(g->r, COLLECT_LOCKS, &c, e);

	if (r == 0)
		r = keep_collection(g, &c, e);
	collection_release(&c);
	if (r < 0)
		return err_ctx(e, r, "Failed to collect 'workspace'");
	return 0;
}

static int keep_revision(struct collecting *g, const struct vcs_rev *rev, struct err *e)
{
	struct collection c = {0};
	struct tree *tree = NULL;
	struct err why = {0};
	unsigned flags = 0;
	char text[1024];
	int r;

	if ((r = repo_collect_flags(g->r, &flags, &why)) == 0 &&
	    (r = repo_tree_at(g->r, rev->id, &tree, &why)) == 0 &&
	    (r = collect(tree, flags | COLLECT_LOCKS | COLLECT_LOCKED, &c, &why)) == 0)
		r = keep_collection(g, &c, &why);
	/* A commit from before the repository was made has no root to read. */
	if (r == ERR_NOTFOUND && c.files.nr == 0)
		r = 0;
	collection_release(&c);
	tree_free(tree);
	if (r == 0 || r == ERR_CANCELED) {
		if (r < 0 && e)
			*e = why;
		return r;
	}
	err_ctx(&why, r, "Failed to collect '%s'", rev->name);
	if (g->scope->skip_failed) {
		err_format(&why, text, sizeof(text));
		report_warn(g->rep, "%s, skipping", text);
		return 0;
	}
	if (e)
		*e = why;
	return r;
}

static int keep_revisions(struct collecting *g, struct err *e)
{
	const struct gc_scope *s = g->scope;
	struct vcs_select sel = {
		.revs = s->revs,
		.revs_nr = s->revs_nr,
		.last = s->num,
		.has_since = s->date_ns != 0,
		.since_s = s->date_ns / 1000000000,
	};
	struct vcs_revs revs = {0};
	struct vcs *vcs = NULL;
	int r;

	/* Experiments hang on references of their own: all commits include them. */
	sel.scope =
		(s->all_branches ? (unsigned)VCS_BRANCHES : 0u) |
		(s->all_tags ? (unsigned)VCS_TAGS : 0u) |
		(s->all_commits || s->all_experiments ? (unsigned)VCS_ALL_COMMITS : 0u);
	if (sel.scope == 0 && sel.revs_nr == 0 && !sel.has_since)
		return 0;
	if ((r = repo_vcs(g->r, &vcs, e)) < 0)
		return r;
	if (!vcs)
		return err_set(e, ERR_INVALID,
			       "core.no_scm is set: there are no revisions");
	if ((r = vcs_list(vcs, &sel, &revs, e)) == 0)
		for (size_t i = 0; i < revs.nr && r == 0; i++)
			r = keep_revision(g, &revs.v[i], e);
	vcs_revs_release(&revs);
	return r;
}

static int keep_repo(struct collecting *g, struct err *e)
{
	int r = keep_workspace(g, e);

	return r < 0 ? r : keep_revisions(g, e);
}

/* Another project that uses the same cache: the same scopes, there. */
static int keep_project(struct collecting *g, const char *dir, struct err *e)
{
	struct repo_options o = {
		.dir = dir,
		.sink = repo_sink(g->r),
		.lock_wait_ms = LOCK_WAIT_DEFAULT_MS,
	};
	struct collecting other = *g;
	int r;

	if ((r = repo_open(&other.r, &o, e)) < 0)
		return err_ctx(e, r == ERR_NOTFOUND ? ERR_NOREPO : r, "project '%s'",
			       dir);
	/* Itself is kept already, and holds its own lock. */
	if (strcmp(repo_root(other.r), repo_root(g->r)) == 0) {
		repo_free(other.r);
		return 0;
	}
	if ((r = repo_lock(other.r, e)) == 0)
		r = keep_repo(&other, e);
	g->manifests = other.manifests;
	repo_free(other.r);
	return r < 0 ? err_ctx(e, r, "project '%s'", dir) : 0;
}

static int check_scope(const struct gc_scope *s, struct err *e)
{
	if (!s->workspace && !s->all_branches && !s->all_tags && !s->all_commits &&
	    !s->all_experiments && s->date_ns == 0 && s->revs_nr == 0)
		return err_set(e, ERR_INVALID,
			       "Either of `-w|--workspace`, `-a|--all-branches`, "
			       "`-T|--all-tags` `--all-experiments`, `--all-commits`, "
			       "`--date` or `--rev` needs to be set.");
	if (s->num != 0 && s->revs_nr == 0 && !s->all_branches)
		return err_set(e, ERR_INVALID,
			       "`--num` can only be used alongside `--rev` or "
			       "`--all-branches`");
	return 0;
}

int gc_collect(struct repo *r, const struct gc_scope *scope, struct gc_keep *k,
	       struct report *rep, struct err *e)
{
	struct collecting g = {.r = r, .scope = scope, .keep = k, .rep = rep};
	int code = check_scope(scope, e);

	if (code == 0)
		code = keep_repo(&g, e);
	for (size_t i = 0; i < scope->projects_nr && code == 0; i++)
		code = keep_project(&g, scope->projects[i], e);
	map_release(&g.manifests);
	return code;
}
