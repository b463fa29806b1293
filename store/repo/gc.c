#include "store/repo/gc.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/tmpfile.h"
#include "store/meta/config.h"
#include "store/odb/odb.h"
#include "store/repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	SHARED_GRACE_S = 24 * 3600
};

struct victim {
	struct oid oid;
	int64_t bytes;
	char *stray; /* a temporary's name in its half, else NULL */
	uint32_t nlink;
};

struct sweep {
	struct repo *repo;
	struct odb *odb;
	const struct gc_keep *keep;
	int64_t newest_ns; /* what changed later is young */
	enum oid_algo half;
	VEC_OF(struct victim) victims;
	VEC_OF(struct oid) used;
	uint64_t kept, young;
};

void gc_result_release(struct gc_result *res)
{
	report_release(&res->report);
}

/* In a cache of one's own nobody else adds objects while the locks are held. */
static int grace_of(struct repo *r, const struct gc_options *o, int64_t *out,
		    struct err *e)
{
	struct config *c;
	int rc;

	if (o->grace_s >= 0) {
		*out = o->grace_s;
		return 0;
	}
	if ((rc = repo_config(r, &c, e)) < 0)
		return rc;
	*out = o->scope.projects_nr > 0 || config_str(c, "cache", "shared", NULL) ||
			       !path_within(odb_dir(r->odb), r->dvc_dir)
		       ? SHARED_GRACE_S
		       : 0;
	return 0;
}

static int look(void *ctx, const struct oid *oid, const char *name,
		const struct filestat *st, struct err *e)
{
	struct sweep *s = ctx;
	struct victim v = {.oid = *oid, .bytes = st->size, .nlink = st->nlink};
	const char *slash = strrchr(name, '/');
	bool known = oid_known(oid);

	if (!S_ISREG(st->mode))
		return interrupt_check(e);
	if (!known && !tmpfile_is_name(slash ? slash + 1 : name))
		return 0; /* none of ours: not understood, not deleted */
	if (known && gc_keep_has(s->keep, oid)) {
		s->kept++;
		vec_push(&s->used, *oid);
		return interrupt_check(e);
	}
	/* Hard-linked objects keep the mtime of the file they were: ctime tells
	 * when the name was made. */
	if (st->ctime_ns > s->newest_ns) {
		s->young++;
		return interrupt_check(e);
	}
	if (!known) {
		v.stray = xstrdup(name);
		v.oid.algo = OID_NONE;
	}
	vec_push(&s->victims, v);
	return interrupt_check(e);
}

/* --not-in-remote: what the remote holds need not be here. */
static int add_remote_ones(struct sweep *s, const struct gc_options *o, struct err *e)
{
	bool *there;
	int rc;

	if (!o->on_remote || s->used.nr == 0)
		return 0;
	there = xcalloc(s->used.nr, sizeof(*there));
	rc = o->on_remote(o->remote_ctx, s->repo, s->used.v, s->used.nr, there, e);
	for (size_t i = 0; i < s->used.nr && rc == 0; i++) {
		struct victim v = {.oid = s->used.v[i]};
		struct filestat st;

		if (!there[i] || odb_stat(s->odb, &v.oid, &st, NULL) < 0)
			continue;
		v.bytes = st.size;
		v.nlink = st.nlink;
		vec_push(&s->victims, v);
		s->kept--;
	}
	free(there);
	return rc;
}

/* A directory's listing goes before its members: a promise is never left behind
 * that cannot be kept. */
static int by_kind(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	if (x->oid.is_dir != y->oid.is_dir)
		return x->oid.is_dir ? -1 : 1;
	return oid_cmp(&x->oid, &y->oid);
}

static char *shown(struct sweep *s, const struct victim *v)
{
	struct buf path = {0};

	if (v->stray)
		return s->half == OID_MD5
			       ? xasprintf("%s/files/md5/%s", odb_dir(s->odb), v->stray)
			       : xasprintf("%s/%s", odb_dir(s->odb), v->stray);
	odb_object_path(s->odb, &v->oid, &path);
	return buf_detach(&path);
}

static int sweep_half(struct sweep *s, const struct gc_options *o, struct report *rep,
		      struct err *e)
{
	int rc;

	if ((rc = odb_each(s->odb, s->half, look, s, e)) < 0 ||
	    (rc = add_remote_ones(s, o, e)) < 0)
		goto out;
	if (s->victims.nr > 1)
		qsort(s->victims.v, s->victims.nr, sizeof(s->victims.v[0]), by_kind);
	for (size_t i = 0; i < s->victims.nr; i++) {
		const struct victim *v = &s->victims.v[i];
		char *path;

		if ((rc = interrupt_check(e)) < 0)
			goto out;
		if (!o->dry_run) {
			rc = v->stray ? odb_remove_stray(s->odb, s->half, v->stray, e)
				      : odb_remove(s->odb, &v->oid, e);
			if (rc < 0 && rc != ERR_NOTFOUND)
				goto out;
			rc = 0;
		}
		path = shown(s, v);
		report_add(rep, path, v->stray ? NULL : &v->oid, "removed", v->bytes);
		free(path);
		report_counted(rep,
			       v->stray		    ? "temporary"
			       : s->half == OID_MD5 ? "repo"
						    : "legacy",
			       1);
		/* Bytes that a workspace file shares stay where they are. */
		if (v->nlink < 2)
			rep->bytes += (uint64_t)v->bytes;
	}
	report_counted(rep, "kept", s->kept);
	report_counted(rep, "young", s->young);
out:
	for (size_t i = 0; i < s->victims.nr; i++)
		free(s->victims.v[i].stray);
	vec_release(&s->victims);
	vec_release(&s->used);
	return rc;
}

static int gc_locked(struct repo *r, const struct gc_options *o, struct gc_result *res,
		     struct err *e)
{
	static const enum oid_algo halves[] = {OID_MD5, OID_LEGACY};
	struct gc_keep keep = {0};
	int64_t grace_s, now_ns = clock_wall_ns();
	struct odb *odb;
	int rc;

	report_counted(&res->report, "repo", 0);
	report_counted(&res->report, "legacy", 0);
	if ((rc = repo_odb(r, &odb, e)) < 0 || (rc = grace_of(r, o, &grace_s, e)) < 0 ||
	    (rc = gc_collect(r, &o->scope, &keep, &res->report, e)) < 0)
		goto out;
	for (size_t i = 0; i < ARRAY_SIZE(halves) && rc == 0; i++) {
		struct sweep s = {
			.repo = r,
			.odb = odb,
			.keep = &keep,
			.half = halves[i],
			/* Without a grace nothing is too young. */
			.newest_ns =
				grace_s > 0 ? now_ns - grace_s * 1000000000 : INT64_MAX,
		};

		rc = sweep_half(&s, o, &res->report, e);
	}
out:
	gc_keep_release(&keep);
	return rc;
}

int repo_gc(struct repo *r, const struct gc_options *o, struct gc_result *res,
	    struct err *e)
{
	struct odb *odb;
	int rc;

	if (r->in_stage)
		return err_set(
			e, ERR_INVALID,
			"gc does not run inside a stage: the repository is in use");
	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	/*
	 * The exclusive lock keeps out everything that adds objects while we
	 * decide. A manifest that is missing is fetched under it, too.
	 */
	if ((rc = repo_odb(r, &odb, e)) == 0 && (rc = repo_cache_lock(r, true, e)) == 0) {
		rc = gc_locked(r, o, res, e);
		repo_cache_unlock(r);
	}
	repo_unlock(r);
	return rc;
}
