/* Carrying out a plan: deletions first, then what comes, directory by directory. */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/log.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/repo/batch.h"
#include "store/repo/change_internal.h"
#include "store/repo/checkout_internal.h"
#include "store/repo/repo_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct apply {
	struct repo *repo;
	struct checkout_out *co;
	struct batch_job *job;
	char *stage; /* a new directory is filled under this name; or NULL */
	bool force;
	pthread_mutex_t mutex; /* guards the rest */
	struct report *rep;
};

static struct slice path_of(void *ctx, uint32_t i)
{
	struct apply *a = ctx;

	return slice_of(place_path(a->co, &a->co->places.v[i]));
}

static void failed(struct apply *a, struct place *pl, const struct err *why)
{
	const char *rel = place_path(a->co, pl);
	const struct oid *oid =
		pl->entry != PLACE_NONE ? &a->co->m.v[pl->entry].oid : NULL;
	char *path = rel[0] ? path_join(a->co->path, rel) : xstrdup(a->co->path);

	pl->state = PLACE_FAILED;
	pthread_mutex_lock(&a->mutex);
	report_fail(a->rep, path, oid, why);
	a->co->failed = true;
	pthread_mutex_unlock(&a->mutex);
	free(path);
}

/*
 * Between the look and now somebody may have written to the file: what is about
 * to go must still be what was found to be saved.
 */
static int still_the_same(struct apply *a, const struct place *pl, int dirfd,
			  const char *name, struct err *e)
{
	const struct index_file *f;
	struct filestat now;
	struct stat st;

	if (a->force || pl->file == PLACE_NONE)
		return 0;
	f = &a->co->view.files[pl->file];
	if (f->flags & INDEX_BROKEN)
		return 0;
	if (sys_fstatat(dirfd, name, &st,
			f->flags & INDEX_SYMLINK ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "stat", name);
	now = filestat_of(&st);
	if (filestat_same(&now, &f->st))
		return 0;
	return err_set(e, ERR_CONFLICT, "'%s' changed during the checkout", name);
}

/* ---- deleting ------------------------------------------------------------ */

static int delete_batch(void *ctx, const struct batch *b, int dirfd, struct err *e)
{
	struct apply *a = ctx;

	(void)e;
	for (size_t k = 0; k < b->nr; k++) {
		struct place *pl = &a->co->places.v[b->at[k]];
		const char *name = batch_name(a->job, place_path(a->co, pl));
		struct err why = {0};
		int rc = still_the_same(a, pl, dirfd, name, &why);

		if (rc == 0 && sys_unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
			rc = err_sys(&why, "unlink", name);
		if (rc < 0)
			failed(a, pl, &why);
		else
			pl->state = PLACE_DONE;
	}
	return 0;
}

/* Directories that lost their last file go, upwards to the output itself, which
 * goes only when it is to be no directory any more. */
static void prune(struct apply *a)
{
	char *last = NULL;

	for (size_t k = a->co->places.nr; k-- > 0;) {
		const struct place *pl = &a->co->places.v[k];
		char *dir;

		if (pl->kind != PLACE_DELETE || pl->state != PLACE_DONE)
			continue;
		dir = xstrdup(place_path(a->co, pl));
		for (char *slash; (slash = strrchr(dir, '/'));) {
			const char *name;
			char *whole;
			bool gone = false;
			int fd;

			*slash = '\0';
			if (last && strcmp(dir, last) == 0)
				break;
			whole = path_join(a->co->path, dir);
			if (change_open_parent(a->repo, whole, false, &fd, &name, NULL) ==
			    0) {
				gone = sys_unlinkat(fd, name, AT_REMOVEDIR) == 0;
				(void)sys_close(fd); /* a directory */
			}
			free(whole);
			if (!gone) {
				/* Not empty: its other files need not ask again. */
				free(last);
				last = xstrdup(dir);
				break;
			}
		}
		free(dir);
	}
	free(last);
}

/* The output itself was a directory and is to be a file, or nothing. */
static void prune_root(struct apply *a)
{
	const char *name;
	int fd;

	if (a->co->view.kind != INDEX_DIR || a->co->want_dir ||
	    change_open_parent(a->repo, a->co->path, false, &fd, &name, NULL) < 0)
		return;
	/* Files that are ignored may keep it: then placing tells. */
	IGNORE_RESULT(sys_unlinkat(fd, name, AT_REMOVEDIR));
	(void)sys_close(fd); /* a directory */
}

/* ---- placing ------------------------------------------------------------- */

/* By a temporary name, so that the old content is there until the new one is. */
static int replace(struct apply *a, struct place *pl, int dirfd, const char *name,
		   enum odb_link *used, struct err *e)
{
	const struct manifest_entry *m = &a->co->m.v[pl->entry];
	struct tmpfile t = {0};
	int rc;

	if ((rc = tmpfile_name(&t, dirfd, e)) < 0 ||
	    (rc = odb_checkout(a->repo->odb, &m->oid, dirfd, t.name,
			       a->co->is_exec ? ODB_EXEC : 0, &pl->st, used, e)) < 0 ||
	    (rc = still_the_same(a, pl, dirfd, name, e)) < 0)
		goto out;
	rc = tmpfile_replace(&t, dirfd, name, e);
out:
	tmpfile_release(&t);
	return rc;
}

/* Only the owner's x is wanting. A shared inode must not get it. */
static int make_exec(struct apply *a, struct place *pl, int dirfd, const char *name,
		     enum odb_link *used, struct err *e)
{
	const struct index_file *f = &a->co->view.files[pl->file];
	struct stat st;

	*used = ODB_COPY;
	if (f->st.nlink > 1 || (f->flags & INDEX_SYMLINK))
		return replace(a, pl, dirfd, name, used, e);
	if (sys_fchmodat(dirfd, name, (f->st.mode & 07777) | S_IXUSR) < 0 ||
	    sys_fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "chmod", name);
	pl->st = filestat_of(&st);
	return 0;
}

static int place_one(struct apply *a, struct place *pl, int dirfd, const char *name,
		     struct err *e)
{
	const struct manifest_entry *m = &a->co->m.v[pl->entry];
	enum odb_link used = ODB_COPY;
	int rc;

	if (pl->kind == PLACE_EXEC)
		rc = make_exec(a, pl, dirfd, name, &used, e);
	else if (pl->kind == PLACE_ADD)
		rc = odb_checkout(a->repo->odb, &m->oid, dirfd, name,
				  (a->co->is_exec ? ODB_EXEC : 0u) |
					  (a->stage ? ODB_DIRECT : 0u),
				  &pl->st, &used, e);
	else
		rc = replace(a, pl, dirfd, name, &used, e);
	if (rc < 0)
		return rc;
	pl->flags = used == ODB_SYMLINK ? INDEX_SYMLINK : 0;
	if (pl->st.mode & 0111)
		pl->flags |= INDEX_EXEC;
	pl->state = PLACE_DONE;
	return 0;
}

static int place_batch(void *ctx, const struct batch *b, int dirfd, struct err *e)
{
	struct apply *a = ctx;
	uint64_t bytes = 0;

	for (size_t k = 0; k < b->nr; k++) {
		struct place *pl = &a->co->places.v[b->at[k]];
		const char *name = batch_name(a->job, place_path(a->co, pl));
		struct err why = {0};
		int rc = place_one(a, pl, dirfd, name, &why);

		if (rc == ERR_CANCELED) {
			if (e)
				*e = why;
			return rc;
		}
		if (rc < 0)
			failed(a, pl, &why);
		else
			bytes += (uint64_t)pl->st.size;
	}
	sink_add(repo_sink(a->repo), b->nr, bytes);
	return 0;
}

/* ---- a new directory ------------------------------------------------------- */

/*
 * Copies go under a temporary name first, so that a kill leaves no file that is cut
 * short. In an output that is not there at all one such name does for all: the
 * directory's. A rename for each file is a third of what copying small ones costs.
 */
static void begin_stage(struct apply *a)
{
	const struct checkout_out *co = a->co;
	char name[TMPFILE_NAME_N + 1];
	struct slice dir = path_dir(co->path);

	if (!co->want_dir || co->inside || co->view.kind != INDEX_NONE || co->is_other ||
	    co->places.nr < 2 || odb_wants_relink(a->repo->odb, ODB_COPY, ODB_FIRST_LINK))
		return;
	tmpfile_random_name(name);
	a->stage = slice_is(dir, ".") ? xstrdup(name)
				      : xasprintf("%.*s/%s", SLICE_FMT(dir), name);
}

/* The whole takes its name; or what came so far, when rc tells that more did not. */
static int end_stage(struct apply *a, int rc, struct err *e)
{
	struct err own = {0};
	const char *from, *to;
	int fd = -1, r;

	if (!a->stage)
		return rc;
	r = change_open_parent(a->repo, a->co->path, false, &fd, &to, &own);
	if (r == 0) {
		from = strrchr(a->stage, '/');
		from = from ? from + 1 : a->stage;
		if (sys_rename_noreplace(fd, from, fd, to) < 0 && errno != ENOENT) {
			r = errno == EEXIST ? err_set(&own, ERR_CONFLICT,
						      "'%s' appeared during the checkout",
						      a->co->path)
					    : err_sys(&own, "rename", a->co->path);
			IGNORE_RESULT(change_remove_tree(a->repo, a->stage, NULL));
		}
		(void)sys_close(fd); /* a directory */
	}
	free(a->stage);
	a->stage = NULL;
	if (rc < 0 || r == 0)
		return rc;
	if (e)
		*e = own;
	return r;
}

/* ---- the whole ----------------------------------------------------------- */

static int run(struct apply *a, bool deletions, struct err *e)
{
	struct batch_job job = {
		.out = a->stage && !deletions ? a->stage : a->co->path,
		.path = path_of,
		.work = deletions ? delete_batch : place_batch,
		.make_dirs = !deletions,
		.ctx = a,
	};
	uint32_t *at = xcalloc(a->co->places.nr + 1, sizeof(*at));
	int rc;

	for (size_t k = 0; k < a->co->places.nr; k++) {
		const struct place *pl = &a->co->places.v[k];

		if (pl->state == PLACE_TODO && (pl->kind == PLACE_DELETE) == deletions)
			at[job.nr++] = (uint32_t)k;
	}
	job.at = at;
	a->job = &job;
	log_debug("repo", "'%s': %zu files to %s", a->co->path, job.nr,
		  deletions ? "delete" : "place");
	sink_begin(repo_sink(a->repo), deletions ? "deleting" : "checking out", job.nr,
		   0);
	rc = batch_run(a->repo, &job, e);
	sink_end(repo_sink(a->repo));
	free(at);
	return rc;
}

static void push_file(struct index_view *now, const struct index_file *f)
{
	struct index_file copy = *f;

	if (now->nr == now->cap)
		now->files =
			vec_grow(now->files, &now->cap, now->nr + 1, sizeof(*now->files));
	now->files[now->nr++] = copy;
}

/* A file that was replaced or put there, as it is now. */
static struct index_file placed_file(const struct checkout_out *co,
				     const struct place *pl)
{
	const struct manifest_entry *m = &co->m.v[pl->entry];

	return (struct index_file){
		.path = m->path,
		.path_n = m->path_n,
		.flags = pl->flags,
		.st = pl->st,
		.oid = m->oid,
	};
}

/* The view after the work: what stayed, and what came. The places come in the
 * order of the merged lists, so the files keep theirs. */
static void new_view(const struct checkout_out *co, struct index_view *now)
{
	size_t i = 0;

	for (size_t k = 0; k <= co->places.nr; k++) {
		const struct place *pl = k < co->places.nr ? &co->places.v[k] : NULL;
		const char *at = pl ? place_path(co, pl) : NULL;

		while (i < co->view.nr && (!at || strcmp(co->view.files[i].path, at) < 0))
			push_file(now, &co->view.files[i++]);
		if (!pl)
			break;
		if (pl->state == PLACE_DONE && pl->kind != PLACE_DELETE) {
			struct index_file f = placed_file(co, pl);

			push_file(now, &f);
		} else if (pl->file != PLACE_NONE && pl->state != PLACE_DONE) {
			push_file(now, &co->view.files[pl->file]);
		}
		if (pl->file != PLACE_NONE)
			i = pl->file + 1;
	}
}

static int describe(const struct checkout_out *co, struct index_view *now, struct err *e)
{
	struct manifest m = {0};
	bool all_known = true;
	int rc = 0;

	now->kind = co->want_dir ? INDEX_DIR : now->nr > 0 ? INDEX_FILE : INDEX_NONE;
	now->files_nr = now->nr;
	for (size_t i = 0; i < now->nr; i++) {
		all_known = all_known && oid_known(&now->files[i].oid);
		now->bytes += (uint64_t)now->files[i].st.size;
	}
	if (now->kind == INDEX_NONE || !all_known)
		return 0;
	now->complete = true;
	if (now->kind == INDEX_FILE) {
		now->oid = now->files[0].oid;
		now->is_exec = (now->files[0].flags & INDEX_EXEC) != 0;
		return 0;
	}
	if (!co->failed && !co->inside) {
		now->oid = co->want;
		return 0;
	}
	rc = index_manifest(now, (enum oid_algo)co->want.algo, &m, e);
	if (rc == 0)
		rc = manifest_oid(&m, (enum oid_algo)co->want.algo, &now->oid, e);
	manifest_release(&m);
	return rc;
}

static void remember(struct apply *a)
{
	struct index_view now = {0};
	struct index *ix;

	if (!a->co->out || repo_index(a->repo, &ix, NULL) < 0)
		return;
	new_view(a->co, &now);
	/* A record that cannot be made costs time only. */
	if (describe(a->co, &now, NULL) == 0 && now.complete)
		index_remember_placed(ix, a->co->path, &now);
	free(now.files);
}

int checkout_apply(struct repo *r, struct checkout_out *co, bool force,
		   struct report *rep, struct err *e)
{
	struct apply a = {.repo = r, .co = co, .force = force, .rep = rep};
	struct odb *odb;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	if (co->is_right)
		return 0;
	if (co->places.nr == 0 && !(co->want_dir && co->view.kind != INDEX_DIR &&
				    !co->no_manifest && !co->no_hash))
		return 0;
	pthread_mutex_init(&a.mutex, NULL);
	/* Only force comes this far with something odd in the way. */
	if (co->is_other && (rc = change_unlink(r, co->path, true, e)) < 0)
		goto out;
	if ((rc = run(&a, true, e)) < 0)
		goto out;
	prune(&a);
	prune_root(&a);
	begin_stage(&a);
	if ((rc = end_stage(&a, run(&a, false, e), e)) < 0)
		goto out;
	if (co->want_dir && !co->failed) {
		int fd = -1;

		if ((rc = change_open_dir(r, co->path, true, &fd, e)) < 0)
			goto out;
		(void)sys_close(fd); /* a directory */
	}
	remember(&a);
out:
	pthread_mutex_destroy(&a.mutex);
	return rc;
}
