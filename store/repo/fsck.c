#include "store/repo/fsck.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/change_internal.h"
#include "store/repo/fsck_internal.h"
#include "store/repo/repo_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void fsck_result_release(struct fsck_result *res)
{
	report_release(&res->report);
	res->wrong = res->repaired = 0;
}

void fsck_tell(struct fsck *f, const char *path, const struct oid *oid, const char *state,
	       const char *why)
{
	struct report_item *item = report_add(&f->res->report, path, oid, state, -1);

	if (why)
		item->error = arena_strdup(&f->res->report.arena, why);
	item->code = ERR_CORRUPT;
	f->res->wrong++;
	report_counted(&f->res->report, "wrong", 1);
}

void fsck_did(struct fsck *f, const char *path, const struct oid *oid, const char *state,
	      const char *how)
{
	struct report_item *item = report_add(&f->res->report, path, oid, state, -1);

	if (how)
		item->error = arena_strdup(&f->res->report.arena, how);
	f->res->repaired++;
	report_counted(&f->res->report, "repaired", 1);
}

/* ---- the cache ----------------------------------------------------------- */

struct object {
	struct oid oid;
	uint32_t mode;
	int64_t bytes;
	int code; /* of the check */
	bool bad_manifest;
};

struct objects {
	struct fsck *f;
	VEC_OF(struct object) v;
};

static int list_object(void *ctx, const struct oid *oid, const char *name,
		       const struct filestat *st, struct err *e)
{
	struct objects *o = ctx;
	struct object obj = {.oid = *oid, .mode = st->mode, .bytes = st->size};

	(void)name;
	if (oid_known(oid))
		vec_push(&o->v, obj);
	return interrupt_check(e);
}

/* From any thread: reads, and writes to its own object only. */
static void check_object(void *ctx, size_t i, unsigned worker)
{
	struct objects *o = ctx;
	struct object *obj = &o->v.v[i];
	struct manifest m = {0};

	(void)worker;
	if (interrupt_pending()) {
		obj->code = ERR_CANCELED;
		return;
	}
	obj->code = o->f->o->quick ? odb_check(o->f->odb, &obj->oid, NULL)
				   : odb_verify(o->f->odb, &obj->oid, NULL);
	if (obj->code == 0 && obj->oid.is_dir)
		obj->bad_manifest = odb_read_manifest(o->f->odb, &obj->oid, &m, NULL) < 0;
	manifest_release(&m);
	sink_add(repo_sink(o->f->repo), 1, (uint64_t)obj->bytes);
}

static void seal(struct fsck *f, const struct object *obj, const char *path)
{
	/* A cache of somebody else's may not let us: no harm, it costs time only. */
	if (sys_fchmodat(AT_FDCWD, path, 0444) == 0)
		report_add(&f->res->report, path, &obj->oid, "sealed", obj->bytes);
}

/* Does any output of the workspace name it? When that cannot be told: yes. */
static bool is_named(struct fsck *f, const struct oid *oid)
{
	if (f->no_metadata)
		return true;
	for (size_t i = 0; i < f->c.stages.outs_nr && !f->has_named; i++) {
		const struct out *o = f->c.stages.outs[i];
		struct manifest m = {0};
		struct oid want;

		if (!out_is_cached(o) || repo_out_oid(o, &want, NULL) < 0)
			continue;
		(void)map_set(&f->named, MAP_KEY(want), 0);
		if (want.is_dir && odb_read_manifest(f->odb, &want, &m, NULL) == 0)
			for (size_t k = 0; k < m.nr; k++)
				(void)map_set(&f->named, MAP_KEY(m.v[k].oid), 0);
		manifest_release(&m);
	}
	f->has_named = true;
	return map_has(&f->named, MAP_KEY(*oid));
}

/*
 * A power cut may leave a name without its bytes. It was never sealed (0444): no
 * command believes it, and the next one that has the right bytes replaces it.
 * That is debris, not damage, if nothing names it, or if it is empty, as good as
 * absent (a fetch was under way): then the workspace's turn is to miss it.
 */
static int drop_unfinished(struct fsck *f, const struct object *obj, const char *path,
			   struct err *e)
{
	char *kept = NULL;
	int rc;

	report_counted(&f->res->report, "unfinished", 1);
	(void)map_set(&f->debris, MAP_KEY(obj->oid), 0);
	if (!f->o->repair)
		return 0;
	rc = odb_set_aside(f->odb, &obj->oid, &kept, e);
	if (rc == 0)
		report_add(&f->res->report, path, &obj->oid, "removed", obj->bytes);
	free(kept);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int judge_object(struct fsck *f, const struct object *obj, struct err *e)
{
	struct buf path = {0};
	int rc = 0;

	odb_object_path(f->odb, &obj->oid, &path);
	if (obj->code == ERR_CANCELED) {
		rc = interrupt_check(e);
	} else if (obj->code == ERR_CORRUPT && (obj->mode & 07777) != 0444 &&
		   (obj->bytes == 0 || !is_named(f, &obj->oid))) {
		rc = drop_unfinished(f, obj, buf_str(&path), e);
	} else if (obj->code == ERR_CORRUPT) {
		fsck_tell(f, buf_str(&path), &obj->oid, "corrupt",
			  "its bytes do not have this digest");
		/* If it must go, it is not told again as missing. */
		(void)map_set(&f->told, MAP_KEY(obj->oid), 0);
		if (f->o->repair)
			rc = fsck_restore(f, &obj->oid, true, e);
	} else if (obj->code < 0 && obj->code != ERR_NOTFOUND) {
		fsck_tell(f, buf_str(&path), &obj->oid, "corrupt", "it cannot be read");
	} else if (obj->bad_manifest) {
		fsck_tell(f, buf_str(&path), &obj->oid, "manifest",
			  "it is no directory listing");
	} else if (obj->code == 0 && (obj->mode & 07777) != 0444) {
		/* Good bytes that are not marked so: what an interrupted command
		 * leaves. dvc and we read them again before they are believed. */
		report_counted(&f->res->report, "unsealed", 1);
		if (f->o->repair)
			seal(f, obj, buf_str(&path));
	}
	buf_release(&path);
	return rc;
}

static int check_cache(struct fsck *f, struct err *e)
{
	static const enum oid_algo halves[] = {OID_MD5, OID_LEGACY};
	struct objects o = {.f = f};
	uint64_t bytes = 0;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(halves) && rc == 0; i++)
		rc = odb_each(f->odb, halves[i], list_object, &o, e);
	if (rc < 0)
		goto out;
	for (size_t i = 0; i < o.v.nr; i++)
		bytes += (uint64_t)o.v.v[i].bytes;
	sink_begin(repo_sink(f->repo), "checking objects", o.v.nr, bytes);
	pool_for(o.v.nr > 1 ? repo_pool(f->repo) : NULL, o.v.nr, check_object, &o);
	sink_end(repo_sink(f->repo));
	report_counted(&f->res->report, "objects", o.v.nr);
	f->res->report.bytes += bytes;
	for (size_t i = 0; i < o.v.nr && rc == 0; i++)
		rc = judge_object(f, &o.v.v[i], e);
out:
	vec_release(&o.v);
	return rc;
}

/* ---- the workspace ------------------------------------------------------- */

static int restore_missing(struct fsck *f, const struct oid *oid, bool told,
			   struct err *e)
{
	size_t before = f->res->repaired;
	int rc;

	if (!f->o->repair)
		return 0;
	rc = fsck_restore(f, oid, false, e);
	/* What was not told as wrong cannot count as repaired. */
	if (!told && f->res->repaired > before)
		f->res->repaired = before;
	else if (!told && rc == 0)
		report_counted(&f->res->report, "absent", 1);
	return rc;
}

/*
 * An object that the cache lacks is no damage by itself: a clone before its first
 * pull lacks them all. It is where the workspace has the very bytes (here): then
 * somebody was told that they are stored.
 */
static int check_missing(struct fsck *f, const struct out *o, const struct oid *oid,
			 const char *rel, bool here, struct err *e)
{
	char *path;
	int rc = 0;

	if (map_has(&f->told, MAP_KEY(*oid)) ||
	    (odb_has(f->odb, oid) && !map_has(&f->debris, MAP_KEY(*oid))))
		return 0;
	if (!here && !f->o->repair) {
		report_counted(&f->res->report, "absent", 1);
		return 0;
	}
	(void)map_set(&f->told, MAP_KEY(*oid), 0);
	path = rel[0] ? path_join(out_path(o), rel) : xstrdup(out_path(o));
	if (here)
		fsck_tell(f, path, oid, "missing",
			  "the workspace has it, but the cache does not");
	rc = restore_missing(f, oid, here, e);
	free(path);
	return rc;
}

/* A link whose bytes are not its object's was written through. */
static int check_link(struct fsck *f, const struct out *o, const struct index_file *file,
		      const struct oid *want, struct err *e)
{
	enum odb_link kind = ODB_COPY;
	const char *name;
	char *path;
	int fd, rc;

	if (oid_eq(&file->oid, want) ||
	    (file->st.nlink < 2 && !(file->flags & INDEX_SYMLINK)))
		return 0;
	path = file->path_n > 0 ? path_join(out_path(o), file->path)
				: xstrdup(out_path(o));
	if ((rc = change_open_parent(f->repo, path, false, &fd, &name, NULL)) == 0) {
		kind = odb_kind_of(f->odb, want, fd, name);
		(void)sys_close(fd); /* a directory */
	}
	if (kind == ODB_HARDLINK || kind == ODB_SYMLINK)
		fsck_tell(f, path, want, "modified",
			  "it was edited through its link into the cache");
	free(path);
	(void)e;
	return 0;
}

static int check_files(struct fsck *f, const struct out *o, const struct manifest *m,
		       const struct index_view *view, struct err *e)
{
	size_t k = 0;
	int rc;

	for (size_t i = 0; i < m->nr; i++) {
		const struct index_file *file = NULL;

		while (k < view->nr && strcmp(view->files[k].path, m->v[i].path) < 0)
			k++;
		if (k < view->nr && strcmp(view->files[k].path, m->v[i].path) == 0)
			file = &view->files[k];
		rc = check_missing(f, o, &m->v[i].oid, m->v[i].path,
				   file && oid_eq(&file->oid, &m->v[i].oid), e);
		if (rc == 0 && file)
			rc = check_link(f, o, file, &m->v[i].oid, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_out(struct fsck *f, const struct out *o, struct err *e)
{
	struct index_view view = {0};
	struct manifest m = {0};
	struct oid want;
	int rc;

	if (!out_is_cached(o) || !out_has_hash(o))
		return 0;
	if ((rc = repo_out_oid(o, &want, e)) < 0)
		return rc;
	if (!oid_known(&want)) {
		fsck_tell(f, out_path(o), NULL, "missing", "its hash names no object");
		return 0;
	}
	if ((rc = fsck_look(f, o, &view, e)) < 0)
		goto out;
	if (want.is_dir && !o->at.has_files &&
	    (rc = check_missing(f, o, &want, "",
				view.complete && oid_eq(&view.oid, &want), e)) < 0)
		goto out;
	report_counted(&f->res->report, "files", view.nr);
	if (!want.is_dir && !o->at.has_files)
		manifest_add(&m, "", &want, -1);
	else if (repo_manifest(f->repo, o, &m, NULL) < 0)
		goto out; /* told already, by its object */
	rc = check_files(f, o, &m, &view, e);
out:
	manifest_release(&m);
	index_view_release(&view);
	return rc;
}

static int check_workspace(struct fsck *f, struct err *e)
{
	int rc;

	for (size_t i = 0; i < f->c.empty.nr; i++)
		fsck_tell(f, f->c.empty.v[i], NULL, "metadata", "it is empty");
	for (size_t i = 0; i < f->c.stages.outs_nr; i++) {
		if ((rc = interrupt_check(e)) < 0 ||
		    (rc = check_out(f, f->c.stages.outs[i], e)) < 0)
			return rc;
	}
	return 0;
}

/* ---- the verb ------------------------------------------------------------ */

static int read_metadata(struct fsck *f, struct err *e)
{
	struct err why = {0};
	char line[sizeof(why.text)];
	int rc = repo_collect(f->repo, 0, &f->c, &why);

	if (rc == 0)
		return 0;
	if (rc != ERR_CORRUPT && rc != ERR_INVALID) {
		if (e)
			*e = why;
		return rc;
	}
	/* The cache can be checked all the same. */
	err_format(&why, line, sizeof(line));
	fsck_tell(f, ".", NULL, "metadata", line);
	f->no_metadata = true;
	return 0;
}

int repo_fsck(struct repo *r, const struct fsck_options *o, struct fsck_result *res,
	      struct err *e)
{
	struct fsck f = {.repo = r, .o = o, .res = res};
	bool all = !o->cache && !o->workspace;
	bool locked = false;
	int rc;

	if ((rc = repo_odb(r, &f.odb, e)) < 0)
		return rc;
	/* Looking needs no lock; putting objects in their place does. */
	if (o->repair && (rc = repo_lock(r, e)) < 0)
		return rc;
	if ((rc = repo_cache_lock(r, false, e)) < 0)
		goto out;
	locked = true;
	if ((rc = read_metadata(&f, e)) < 0)
		goto out;
	if ((all || o->cache) && (rc = check_cache(&f, e)) < 0)
		goto out;
	if ((all || o->workspace) && !f.no_metadata && (rc = check_workspace(&f, e)) < 0)
		goto out;
	if (o->repair && (rc = odb_flush(f.odb, e)) < 0)
		goto out;
	if (res->wrong > res->repaired)
		rc = err_set(e, ERR_CORRUPT, "%zu problem%s found, %zu repaired",
			     res->wrong, res->wrong == 1 ? "" : "s", res->repaired);
out:
	fsck_copies_release(&f);
	map_release(&f.told);
	map_release(&f.debris);
	map_release(&f.named);
	collection_release(&f.c);
	if (locked)
		repo_cache_unlock(r);
	if (o->repair)
		repo_unlock(r);
	return rc;
}
