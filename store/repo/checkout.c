#include "store/repo/checkout.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/base/tmpfile.h"
#include "store/repo/change_internal.h"
#include "store/repo/checkout_internal.h"
#include "store/repo/repo_internal.h"
#include "store/vcs/vcs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void checkout_result_release(struct checkout_result *res)
{
	report_release(&res->report);
	strvec_release(&res->unsaved);
	strvec_release(&res->failed);
}

/* ---- what was placed once and is tracked no more ------------------------- */

/* Is a file of this path now some output's, or inside one? */
static bool is_tracked(const struct collection *c, const char *path)
{
	return stages_out_covering(&c->stages, path) != NULL;
}

/*
 * Take away what we put there ourselves, where the cache has it. What git tracks
 * by now is git's.
 */
static int plan_unused(struct repo *r, const struct collection *c, const char *path,
		       struct checkout_out *co, struct err *e)
{
	struct index *ix;
	struct odb *odb;
	int rc;

	co->path = path;
	if ((rc = repo_index(r, &ix, e)) < 0 || (rc = repo_odb(r, &odb, e)) < 0 ||
	    (rc = index_look(ix, odb, path, OID_MD5, INDEX_FILES | INDEX_HASH, &co->view,
			     e)) < 0)
		return rc;
	for (size_t i = 0; i < co->view.nr; i++) {
		const struct index_file *f = &co->view.files[i];
		struct place pl = {
			.kind = PLACE_DELETE, .file = (uint32_t)i, .entry = PLACE_NONE};
		char *whole;
		bool tracked;

		if (!oid_known(&f->oid) || odb_check(odb, &f->oid, NULL) < 0)
			continue;
		whole = f->path_n > 0 ? path_join(path, f->path) : xstrdup(path);
		tracked = is_tracked(c, whole);
		free(whole);
		if (!tracked)
			vec_push(&co->places, pl);
	}
	return 0;
}

static bool is_gits(struct repo *r, const char *path)
{
	struct vcs *vcs;
	bool tracked;

	if (fs_kind(r->rootfd, path) == 0 || repo_vcs(r, &vcs, NULL) < 0 || !vcs)
		return false;
	/* When git cannot tell, nothing is taken away. */
	return vcs_tracks(vcs, path, &tracked, NULL) < 0 || tracked;
}

static int remove_unused(struct repo *r, const struct collection *c, bool dry_run,
			 struct checkout_result *res, struct err *e)
{
	struct strvec paths = {0};
	struct index *ix;
	int rc;

	if ((rc = repo_index(r, &ix, e)) < 0 || (rc = index_placed(ix, &paths, e)) < 0)
		goto out;
	for (size_t i = 0; i < paths.nr && rc == 0; i++) {
		struct checkout_out co = {0};
		const char *path = paths.v[i];

		if (is_tracked(c, path) || is_gits(r, path))
			continue;
		rc = plan_unused(r, c, path, &co, e);
		if (rc == 0 && co.places.nr > 0) {
			char *shown = xasprintf("%s%s", path,
						co.view.kind == INDEX_DIR ? "/" : "");

			report_add(&res->report, shown, NULL, "deleted", -1);
			report_counted(&res->report, "deleted", co.places.nr);
			free(shown);
			if (!dry_run)
				rc = checkout_apply(r, &co, false, &res->report, e);
		}
		if (rc == 0 && !dry_run)
			index_forget(ix, path);
		checkout_out_release(&co);
	}
out:
	strvec_release(&paths);
	return rc;
}

/* ---- room ---------------------------------------------------------------- */

/* Sizes of what will be put there; freed is what deletions give back. */
static void count_bytes(struct repo *r, struct checkout_plan *p, uint64_t *need,
			uint64_t *freed)
{
	*need = *freed = 0;
	for (size_t i = 0; i < p->outs.nr; i++) {
		struct checkout_out *co = &p->outs.v[i];
		bool whole = !co->inside && co->view.kind == INDEX_NONE && co->out &&
			     co->out->at.size >= 0 && !co->failed;

		if (whole && co->places.nr > 0)
			*need += (uint64_t)co->out->at.size;
		for (size_t k = 0; k < co->places.nr; k++) {
			const struct place *pl = &co->places.v[k];
			struct filestat st;

			if (pl->state != PLACE_TODO)
				continue;
			if (pl->kind == PLACE_DELETE &&
			    co->view.files[pl->file].st.nlink < 2)
				*freed += (uint64_t)co->view.files[pl->file].st.size;
			if (pl->kind == PLACE_DELETE || pl->kind == PLACE_EXEC || whole)
				continue;
			if (odb_stat(r->odb, &co->m.v[pl->entry].oid, &st, NULL) == 0)
				*need += (uint64_t)st.size;
		}
	}
}

/* Do clones work between the cache and the workspace? Then no bytes are needed. */
static bool clones_work(struct repo *r)
{
	struct tmpfile src = {0}, dst = {0};
	int cache = sys_openat(AT_FDCWD, odb_dir(r->odb), O_RDONLY | O_DIRECTORY, 0);
	bool yes = cache >= 0 && tmpfile_open(&src, cache, 0600, NULL) == 0 &&
		   sys_write(src.fd, "x", 1) == 0 &&
		   tmpfile_open(&dst, r->rootfd, 0600, NULL) == 0 &&
		   sys_ficlone(dst.fd, src.fd) == 0;

	tmpfile_release(&dst);
	tmpfile_release(&src);
	if (cache >= 0)
		(void)sys_close(cache); /* a directory */
	return yes;
}

static int check_room(struct repo *r, struct checkout_plan *p, uint64_t need,
		      uint64_t freed, struct err *e)
{
	uint64_t room, inodes;
	struct buf text = {0};
	bool net;

	if (p->first_link == ODB_HARDLINK || p->first_link == ODB_SYMLINK || need == 0)
		return 0;
	/* A file system that cannot tell is no reason to refuse. */
	if (sys_fs_space(r->rootfd, &room, &inodes, &net) < 0 || need <= room + freed)
		return 0;
	if (p->first_link == ODB_REFLINK && clones_work(r))
		return 0;
	buf_adds(&text, "not enough space for the checkout: it needs ");
	text_bytes(&text, need);
	buf_adds(&text, ", ");
	text_bytes(&text, room + freed);
	buf_adds(&text, " are free");
	err_set(e, ERR_IO, "%s", buf_str(&text));
	if (e)
		e->sys = ENOSPC;
	buf_release(&text);
	return ERR_IO;
}

/* ---- the verb ------------------------------------------------------------ */

static int protect(struct repo *r, struct checkout_plan *p,
		   const struct checkout_options *o, struct checkout_result *res,
		   struct err *e)
{
	int rc;

	for (size_t i = 0; i < p->outs.nr; i++) {
		if ((rc = checkout_unsaved(r, &p->outs.v[i], &res->unsaved, e)) < 0)
			return rc;
	}
	strvec_sort(&res->unsaved);
	if (res->unsaved.nr == 0)
		return 0;
	if (!o->force)
		return err_set(e, ERR_CONFLICT,
			       "Can't remove the following unsaved files without "
			       "confirmation. Use `--force` to force.");
	for (size_t i = 0; i < res->unsaved.nr; i++)
		report_warn(&res->report, "%s '%s', which was not in the cache",
			    o->dry_run ? "would replace or delete"
				       : "replaced or deleted",
			    res->unsaved.v[i]);
	return 0;
}

static void tell(struct checkout_out *co, bool dry_run, struct checkout_result *res)
{
	uint64_t n[3] = {0}, relinked = 0;
	char *shown;

	for (size_t k = 0; k < co->places.nr; k++) {
		const struct place *pl = &co->places.v[k];

		if (pl->state != (dry_run ? PLACE_TODO : PLACE_DONE))
			continue;
		if (pl->kind <= PLACE_DELETE)
			n[pl->kind]++;
		else if (pl->kind == PLACE_EXEC)
			n[PLACE_MODIFY]++;
		else
			relinked++;
		if (pl->kind != PLACE_DELETE && !dry_run)
			res->report.bytes += (uint64_t)pl->st.size;
	}
	report_counted(&res->report, "added", n[PLACE_ADD]);
	report_counted(&res->report, "modified", n[PLACE_MODIFY]);
	report_counted(&res->report, "deleted", n[PLACE_DELETE]);
	report_counted(&res->report, "relinked", relinked);
	if (co->is_right)
		return;
	if (n[0] + n[1] + n[2] == 0 &&
	    !(co->want_dir && co->m.nr == 0 && co->view.kind != INDEX_DIR && !co->failed))
		return;
	shown = xasprintf("%s%s", co->path, co->want_dir ? "/" : "");
	report_add(&res->report, shown, &co->want,
		   co->view.kind == INDEX_NONE ? "added" : "modified", -1);
	free(shown);
}

static int by_dirs_first(const void *a, const void *b)
{
	const struct report_item *x = a, *y = b;
	bool dx = slice_ends(slice_of(x->path), "/"),
	     dy = slice_ends(slice_of(y->path), "/");

	return dx != dy ? (dx ? -1 : 1) : strcmp(x->path, y->path);
}

static int finish(const struct checkout_options *o, struct checkout_plan *p,
		  struct checkout_result *res, struct err *e)
{
	bool missing = false;

	for (size_t i = 0; i < p->outs.nr; i++) {
		struct checkout_out *co = &p->outs.v[i];

		tell(co, o->dry_run, res);
		if (!co->failed)
			continue;
		missing = true;
		strvec_push(&res->failed, co->path);
	}
	if (res->report.items.nr > 1)
		qsort(res->report.items.v, res->report.items.nr,
		      sizeof(res->report.items.v[0]), by_dirs_first);
	if (res->report.errors.nr > 0)
		return err_set(e, ERR_PARTIAL, "%zu files could not be checked out",
			       res->report.errors.nr);
	if (missing && !o->allow_missing)
		return err_set(e, ERR_MISSING, "Checkout failed for following targets:");
	return 0;
}

/* Each object that is nowhere, by the path it belongs to. */
static void tell_missing(struct checkout_plan *p, struct checkout_result *res)
{
	for (size_t i = 0; i < p->outs.nr; i++) {
		const struct checkout_out *co = &p->outs.v[i];

		if (co->no_manifest && co->failed)
			report_add(&res->report, co->path, &co->want, "missing", -1);
		for (size_t k = 0; k < co->places.nr; k++) {
			const struct place *pl = &co->places.v[k];
			const struct manifest_entry *m;
			char *path;

			if (pl->state != PLACE_MISSING)
				continue;
			m = &co->m.v[pl->entry];
			path = m->path_n > 0 ? path_join(co->path, m->path)
					     : xstrdup(co->path);
			report_add(&res->report, path, &m->oid, "missing", m->size);
			free(path);
		}
	}
}

static int checkout_locked(struct repo *r, const struct checkout_options *o,
			   struct checkout_result *res, struct err *e)
{
	struct checkout_plan p = {0};
	uint64_t need = 0, freed = 0;
	int rc;

	if ((rc = checkout_plan(r, o, &p, res, e)) < 0 ||
	    (rc = protect(r, &p, o, res, e)) < 0)
		goto out;
	if (o->dry_run || p.first_link == ODB_REFLINK || p.first_link == ODB_COPY)
		count_bytes(r, &p, &need, &freed);
	if ((rc = check_room(r, &p, need, freed, e)) < 0)
		goto out;
	if (o->dry_run)
		res->report.bytes = need;
	if (o->targets_nr == 0 && (rc = remove_unused(r, &p.c, o->dry_run, res, e)) < 0)
		goto out;
	for (size_t i = 0; i < p.outs.nr && !o->dry_run; i++) {
		rc = checkout_apply(r, &p.outs.v[i], o->force, &res->report, e);
		if (rc < 0)
			goto out;
	}
	tell_missing(&p, res);
	rc = finish(o, &p, res, e);
out:
	checkout_plan_release(&p);
	return rc;
}

int repo_checkout(struct repo *r, const struct checkout_options *o,
		  struct checkout_result *res, struct err *e)
{
	int rc;

	if (!o->dry_run && (rc = repo_lock(r, e)) < 0)
		return rc;
	if ((rc = repo_cache_lock(r, false, e)) == 0) {
		rc = checkout_locked(r, o, res, e);
		repo_cache_unlock(r);
	}
	if (!o->dry_run)
		repo_unlock(r);
	return rc;
}
