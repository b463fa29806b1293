#include "store/repo/gc.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/meta/config.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)

/* An object or temporary that goes. */
struct victim {
	struct oid oid;
	char *name; /* of a temporary, below the half's root; else NULL */
	int64_t bytes;
};

struct sweep {
	struct repo *r;
	struct odb *odb;
	const struct gc_keep *keep;
	struct gc_result *res;
	int64_t oldest_ns; /* what changed later is young; INT64_MAX: no grace */
	enum oid_algo half;
	VEC_OF(struct victim) v;
	VEC_OF(struct oid) kept; /* for --not-in-remote */
	bool want_kept;
};

void gc_result_release(struct gc_result *res)
{
	if (res)
		report_release(&res->report);
}

static bool young(const struct sweep *s, const struct filestat *st)
{
	return st->ctime_ns > s->oldest_ns;
}

static int judge(void *ctx, const struct oid *oid, const char *name,
		 const struct filestat *st, struct err *e)
{
	struct sweep *s = ctx;
	struct victim v = {.oid = *oid, .bytes = st->size};
	int r = interrupt_check(e);

	if (r < 0)
		return r;
	if (!oid_known(oid)) {
		struct slice base = path_base(name);

		/* Only temporaries that are surely nobody's any more: a day old, or
		 * past the grace period if that is longer. */
		if (!tmpfile_is_name(base.p) || young(s, st) ||
		    clock_wall_ns() - st->ctime_ns < DAY_S * 1000000000)
			return 0;
		v.name = xstrdup(name);
		vec_push(&s->v, v);
		return 0;
	}
	if (gc_keep_has(s->keep, oid)) {
		report_counted(&s->res->report, "kept", 1);
		if (s->want_kept)
			vec_push(&s->kept, *oid);
		return 0;
	}
	if (young(s, st)) {
		report_counted(&s->res->report, "young", 1);
		return 0;
	}
	vec_push(&s->v, v);
	return 0;
}

/* Manifests first: one that outlived its members would promise what is gone. */
static int by_kind(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	if (x->oid.is_dir != y->oid.is_dir)
		return x->oid.is_dir ? -1 : 1;
	return oid_cmp(&x->oid, &y->oid);
}

static void note(struct sweep *s, const struct victim *v, bool dry)
{
	struct buf path = {0};

	if (v->name)
		buf_addf(&path, "%s/%s", odb_dir(s->odb), v->name);
	else
		odb_object_path(s->odb, &v->oid, &path);
	report_add(&s->res->report, buf_str(&path), v->name ? NULL : &v->oid,
		   dry ? "would remove" : "removed", v->bytes);
	report_counted(&s->res->report,
		       v->name		    ? "temporary"
		       : s->half == OID_MD5 ? "repo"
					    : "legacy",
		       1);
	s->res->report.bytes += (uint64_t)(v->bytes > 0 ? v->bytes : 0);
	buf_release(&path);
}

static int remove_temporary(struct sweep *s, const char *name, struct err *e)
{
	int fd = sys_openat(AT_FDCWD, odb_dir(s->odb), O_RDONLY | O_DIRECTORY, 0), r = 0;

	if (fd < 0)
		return err_sys(e, "open", odb_dir(s->odb));
	if (sys_unlinkat(fd, name, 0) < 0)
		r = err_sys(e, "unlink", name);
	sys_close(fd);
	return r == ERR_NOTFOUND ? 0 : r;
}

static int remove_victims(struct sweep *s, bool dry, struct err *e)
{
	int r = 0;

	if (s->v.nr > 1)
		qsort(s->v.v, s->v.nr, sizeof(*s->v.v), by_kind);
	sink_begin(repo_sink(s->r), "removing", s->v.nr, 0);
	for (size_t i = 0; i < s->v.nr && r == 0; i++) {
		struct victim *v = &s->v.v[i];

		if ((r = interrupt_check(e)) < 0)
			break;
		if (!dry)
			r = v->name ? remove_temporary(s, v->name, e)
				    : odb_remove(s->odb, &v->oid, e);
		if (r == 0)
			note(s, v, dry);
		sink_add(repo_sink(s->r), 1, (uint64_t)(v->bytes > 0 ? v->bytes : 0));
	}
	sink_end(repo_sink(s->r));
	return r;
}

/* --not-in-remote: what is used here but stored there goes as well. */
static int add_remote_ones(struct sweep *s, const struct gc_options *o, struct err *e)
{
	bool *there;
	int r;

	if (!o->on_remote || s->kept.nr == 0)
		return 0;
	there = xcalloc(s->kept.nr, sizeof(*there));
	r = o->on_remote(o->remote_ctx, s->r, s->kept.v, s->kept.nr, there, e);
	for (size_t i = 0; i < s->kept.nr && r == 0; i++) {
		struct victim v = {.oid = s->kept.v[i]};
		struct filestat st;

		if (!there[i] || odb_stat(s->odb, &v.oid, &st, NULL) < 0)
			continue;
		v.bytes = st.size;
		vec_push(&s->v, v);
	}
	free(there);
	return r;
}

static int sweep_half(struct sweep *s, const struct gc_options *o, enum oid_algo half,
		      struct err *e)
{
	int r;

	s->half = half;
	s->want_kept = o->on_remote != NULL;
	r = odb_each(s->odb, half, judge, s, e);
	if (r == ERR_NOTFOUND)
		r = 0; /* no cache yet */
	if (r == 0)
		r = add_remote_ones(s, o, e);
	if (r == 0)
		r = remove_victims(s, o->dry_run, e);
	for (size_t i = 0; i < s->v.nr; i++)
		free(s->v.v[i].name);
	vec_release(&s->v);
	vec_release(&s->kept);
	return r;
}

/* A cache that others may be writing to gives new objects a day. */
static int grace_of(struct repo *r, const struct gc_options *o, struct odb *odb,
		    int64_t *out, struct err *e)
{
	struct config *config;
	bool external = !path_within(odb_dir(odb), repo_dvc_dir(r));
	int code = repo_config(r, &config, e);

	if (code < 0)
		return code;
	if (o->grace_s >= 0) {
		*out = o->grace_s;
		return 0;
	}
	if (config_get(config, "cache", "shared", NULL))
		external = true;
	return config_seconds(config, "lode", "gc_grace", external ? DAY_S : 0, out, e);
}

static int sweep_cache(struct repo *r, const struct gc_options *o,
		       const struct gc_keep *k, struct gc_result *res, struct err *e)
{
	struct sweep s = {.r = r, .keep = k, .res = res};
	int64_t grace_s = 0;
	int code;

	if ((code = repo_odb(r, &s.odb, e)) < 0 ||
	    (code = grace_of(r, o, s.odb, &grace_s, e)) < 0)
		return code;
	s.oldest_ns = grace_s > 0 ? clock_wall_ns() - grace_s * 1000000000 : INT64_MAX;
	if ((code = sweep_half(&s, o, OID_MD5, e)) == 0)
		code = sweep_half(&s, o, OID_LEGACY, e);
	return code;
}

int repo_gc(struct repo *r, const struct gc_options *o, struct gc_result *res,
	    struct err *e)
{
	struct gc_keep k = {0};
	int code;

	if ((code = repo_lock(r, e)) < 0)
		return code;
	/* The roots are read first, because a missing manifest is fetched into the
	 * cache; whoever adds objects from then on waits. */
	code = gc_collect(r, &o->scope, &k, &res->report, e);
	if (code == 0 && (code = repo_cache_lock(r, true, e)) == 0) {
		code = sweep_cache(r, o, &k, res, e);
		repo_cache_unlock(r);
	}
	gc_keep_release(&k);
	repo_unlock(r);
	return code;
}
