#include "remote/sync/drive.h"

#include "remote/sync/scope.h"
#include "remote/sync/versioned.h"
#include "store/base/err.h"
#include "store/odb/manifest.h"
#include "store/repo/repo.h"

static int one(struct repo *repo, const struct sync_options *o, const struct drive *d,
	       struct plan *p, struct sync_result *res, struct err *e)
{
	struct side s = {.repo = repo, .o = o, .res = res};
	int r;

	if (p->remote[0] == '\0' && d->without_remote) {
		if ((r = repo_odb(repo, &s.odb, e)) < 0)
			return r;
		return d->without_remote(&s, p, e);
	}
	r = side_open_any(&s, repo, p->remote, o, res, e);
	if (r == 0)
		r = d->fn(&s, p, e);
	side_close(&s);
	return r;
}

int drive_all(struct repo *repo, const struct sync_options *o, const struct drive *d,
	      struct sync_result *res, struct err *e)
{
	struct scope scope = {0};
	int r;

	if ((r = scope_open(&scope, repo, o, d->kind, res, e)) < 0 ||
	    (d->locks_cache && (r = repo_cache_lock(repo, false, e)) < 0))
		goto out;
	for (size_t i = 0; i < scope.plans.plans.nr && r == 0; i++)
		r = one(repo, o, d, &scope.plans.plans.v[i], res, e);
	if (d->locks_cache)
		repo_cache_unlock(repo);
out:
	scope_release(&scope);
	return r;
}

static int absent(struct side *s, const struct plan_root *root, unsigned flags)
{
	if (flags & DRIVE_ABSENT_IS_NOTED) {
		side_note(s, root->name, &root->oid, "missing", -1);
		s->res->missing++;
	} else {
		side_fail(s, root->name, &root->oid, "missing", ERR_MISSING,
			  SIDE_NO_MANIFEST);
	}
	return 0;
}

int drive_expand(struct side *s, struct plan *p, const struct plan_root *root,
		 unsigned flags, struct err *e)
{
	struct manifest m = {0};
	struct buf bytes = {0};
	struct err why = {0};
	size_t group = MAP_NONE;
	int r = 0;

	if (s->is_versioned)
		return versioned_expand(s, p, root, e);
	if (root->oid.is_dir)
		r = side_manifest(s, &root->oid, &m, &bytes, &why);
	if (r == 0)
		r = plan_expand(p, root, root->oid.is_dir ? &m : NULL, &group, &why);
	manifest_release(&m);
	if (r == 0 && (flags & DRIVE_KEEP_BYTES) && group != MAP_NONE && bytes.n > 0) {
		p->groups.v[group].bytes = bytes;
		p->groups.v[group].fetched = true;
		bytes = (struct buf){0};
	}
	buf_release(&bytes);
	if (r == ERR_NOTFOUND && !root->inside)
		return absent(s, root, flags);
	if (r == ERR_CORRUPT || r == ERR_NET || r == ERR_NOTFOUND) {
		side_fail_err(s, root->name, &root->oid, &why);
		return 0;
	}
	if (r < 0 && e)
		*e = why;
	return r;
}
