/* Restoring objects: by rename, from any copy that verifies. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/hash/hash.h"
#include "store/index/index.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/change_internal.h"
#include "store/repo/fsck_internal.h"
#include "store/repo/repo_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1 << 20
};

int fsck_look(struct fsck *f, const struct out *o, struct index_view *view, struct err *e)
{
	unsigned flags = INDEX_FILES | INDEX_HASH | (f->o->quick ? 0u : INDEX_DISTRUST);
	struct index *ix;
	int rc;

	if ((rc = repo_index(f->repo, &ix, e)) < 0)
		return rc;
	return index_look(ix, f->odb, o->at.path,
			  o->at.oid.algo == OID_LEGACY ? OID_LEGACY : OID_MD5, flags,
			  view, e);
}

void fsck_copies_release(struct fsck *f)
{
	map_release(&f->by_oid);
	strvec_release(&f->copies);
}

static void add_copy(struct fsck *f, const struct oid *oid, char *take_path)
{
	if (map_set(&f->by_oid, MAP_KEY(*oid), f->copies.nr))
		strvec_take(&f->copies, take_path);
	else
		free(take_path);
}

/* Every workspace file that is known, and each directory's listing. */
static int gather(struct fsck *f, struct err *e)
{
	f->gathered = true;
	for (size_t i = 0; i < f->c.stages.outs_nr; i++) {
		const struct out *o = f->c.stages.outs[i];
		struct index_view view = {0};
		int rc;

		if (!out_is_cached(o))
			continue;
		if ((rc = fsck_look(f, o, &view, e)) < 0) {
			index_view_release(&view);
			return rc;
		}
		for (size_t k = 0; k < view.nr; k++) {
			const struct index_file *file = &view.files[k];

			if (oid_known(&file->oid))
				add_copy(f, &file->oid,
					 file->path_n > 0
						 ? path_join(o->at.path, file->path)
						 : xstrdup(o->at.path));
		}
		/* A whole directory stands for its listing: "path/". */
		if (view.kind == INDEX_DIR && view.complete)
			add_copy(f, &view.oid, xasprintf("%s/", o->at.path));
		index_view_release(&view);
	}
	return 0;
}

static int copy_hashed(struct fsck *f, const struct oid *oid, int src, int dst,
		       uint8_t digest[16], struct err *e)
{
	struct hash md5 = {0};
	struct hash_dos2unix old = {0};
	bool legacy = oid->algo == OID_LEGACY;
	uint8_t *chunk = xmalloc(CHUNK);
	ssize_t n;
	int rc = 0;

	(void)f;
	if (legacy)
		hash_dos2unix_begin(&old);
	else
		hash_begin_md5(&md5);
	while ((n = sys_read(src, chunk, CHUNK)) > 0) {
		if (legacy)
			hash_dos2unix_update(&old, chunk, (size_t)n);
		else
			hash_update(&md5, chunk, (size_t)n);
		if (sys_write(dst, chunk, (size_t)n) < 0) {
			rc = err_sys(e, "write", "object");
			goto out;
		}
	}
	if (n < 0) {
		rc = err_sys(e, "read", "copy");
		goto out;
	}
	if (legacy)
		hash_dos2unix_end(&old, digest);
	else
		hash_end(&md5, digest);
out:
	hash_release(&md5);
	hash_dos2unix_release(&old);
	free(chunk);
	return rc;
}

/* odb_publish refuses bytes of another digest: the file may have changed. */
static int restore_file(struct fsck *f, const struct oid *oid, const char *path,
			struct err *e)
{
	struct tmpfile t = {0};
	uint8_t digest[16];
	const char *name;
	int dirfd = -1, src = -1, rc;

	if ((rc = change_open_parent(f->repo, path, false, &dirfd, &name, e)) < 0)
		return rc;
	if ((src = sys_openat(dirfd, name, O_RDONLY, 0)) < 0) {
		rc = err_sys(e, "open", path);
		goto out;
	}
	if ((rc = odb_stage(f->odb, oid, &t, e)) < 0 ||
	    (rc = copy_hashed(f, oid, src, t.fd, digest, e)) < 0)
		goto out;
	rc = odb_publish(f->odb, oid, &t, digest, e);
out:
	tmpfile_release(&t);
	if (src >= 0)
		(void)sys_close(src); /* only read */
	(void)sys_close(dirfd);	      /* a directory */
	return rc;
}

static int restore_listing(struct fsck *f, const struct oid *oid, const char *path,
			   struct err *e)
{
	char *dir = xmemdup0(path, strlen(path) - 1);
	const struct out *o = stages_out_at(&f->c.stages, dir);
	struct index_view view = {0};
	struct manifest m = {0};
	struct oid got;
	int rc = o ? fsck_look(f, o, &view, e) : ERR_NOTFOUND;

	free(dir);
	if (rc == 0 && !(view.complete && oid_eq(&view.oid, oid)))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = index_manifest(&view, (enum oid_algo)oid->algo, &m, e);
	if (rc == 0)
		rc = odb_add_manifest(f->odb, &m, (enum oid_algo)oid->algo, &got, e);
	manifest_release(&m);
	index_view_release(&view);
	return rc;
}

static int ask_fetcher(struct fsck *f, const struct oid *oid, struct err *e)
{
	struct repo_want want = {.oid = *oid, .bytes = -1};
	int rc = repo_fetch(f->repo, &want, 1, e);

	if (rc < 0)
		return rc;
	return odb_check(f->odb, oid, NULL) == 0 ? 0 : ERR_NOTFOUND;
}

int fsck_restore(struct fsck *f, const struct oid *oid, bool is_wrong, struct err *e)
{
	struct err why = {0};
	struct buf object = {0};
	const char *from = "a remote";
	char *kept = NULL, *how;
	size_t at;
	int rc;

	odb_object_path(f->odb, oid, &object);
	if (!f->no_metadata && !f->gathered && (rc = gather(f, e)) < 0)
		goto out;
	/* The wrong bytes may be somebody's only copy of an edit: out of the way,
	 * not away. */
	if (is_wrong && (rc = odb_set_aside(f->odb, oid, &kept, e)) < 0)
		goto out;
	at = map_get(&f->by_oid, MAP_KEY(*oid));
	rc = ERR_NOTFOUND;
	if (at != MAP_NONE) {
		from = f->copies.v[at];
		rc = slice_ends(slice_of(from), "/") ? restore_listing(f, oid, from, &why)
						     : restore_file(f, oid, from, &why);
	}
	if (rc < 0 && rc != ERR_CANCELED && f->repo->fetcher) {
		from = "a remote";
		rc = ask_fetcher(f, oid, &why);
	}
	if (rc == ERR_CANCELED) {
		if (e)
			*e = why;
		goto out;
	}
	if (kept) {
		struct report_item *item =
			report_add(&f->res->report, buf_str(&object), oid, "moved", -1);

		how = xasprintf("the wrong bytes are kept as '%s'", kept);
		item->error = arena_strdup(&f->res->report.arena, how);
		free(how);
	}
	if (rc == 0) {
		how = xasprintf("from '%s'", from);
		fsck_did(f, buf_str(&object), oid, "restored", how);
		free(how);
	}
	rc = 0;
out:
	free(kept);
	buf_release(&object);
	return rc;
}
