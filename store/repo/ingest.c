#include "store/repo/ingest.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"
#include "store/index/index.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/batch.h"
#include "store/repo/change_internal.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ctx {
	struct repo *repo;
	struct odb *odb;
	struct ingest *in;
	struct index_view *view;
	struct batch_job *job;
	unsigned flags;			    /* of odb_ingest */
	bool plain_is_wrong, hard_is_wrong; /* kinds that relinking would change */
	bool symlink_is_first;
	/* Guarded by the mutex: */
	pthread_mutex_t mutex;
	struct report *rep;
	int code;
	struct err err;
};

static struct slice path_of(void *ctx, uint32_t i)
{
	const struct index_file *f = &((struct ctx *)ctx)->view->files[i];

	return (struct slice){f->path, f->path_n};
}

static char *full_path(const struct ctx *c, const struct index_file *f)
{
	return f->path_n > 0 ? path_join(c->in->path, f->path) : xstrdup(c->in->path);
}

/* May be called from any thread. */
static void failed(struct ctx *c, const struct index_file *f, const struct err *why)
{
	char *path = full_path(c, f);

	pthread_mutex_lock(&c->mutex);
	report_fail(c->rep, path, NULL, why);
	if (c->code == 0) {
		c->code = why->code;
		c->err = *why;
	}
	pthread_mutex_unlock(&c->mutex);
	free(path);
}

/* What cannot be tracked at all. */
static int refuse(struct ctx *c, const struct index_file *f)
{
	const unsigned odd = INDEX_BROKEN | INDEX_SPECIAL;
	struct err why = {0};
	char *path;
	int rc;

	if (!(f->flags & odd) && utf8_valid(f->path, f->path_n))
		return 0;
	path = full_path(c, f);
	if (f->flags & INDEX_BROKEN)
		rc = err_set(&why, ERR_NOTFOUND,
			     "'%s' is a symbolic link to nothing: No such file or "
			     "directory",
			     path);
	else if (f->flags & INDEX_SPECIAL)
		rc = err_set(&why, ERR_INVALID, "'%s' is neither a file nor a directory",
			     path);
	else
		rc = err_set(&why, ERR_INVALID,
			     "'%s' is not valid UTF-8: such a name cannot be recorded",
			     path);
	failed(c, f, &why);
	free(path);
	return rc;
}

/*
 * Would relinking change this file? A single name is a plain file. One of several
 * is taken for a link to its object, which needs a look only where that would be
 * wrong. Executables are never hard-linked, nor are empty files.
 */
static bool wants_relink(struct ctx *c, const struct index_file *f)
{
	enum odb_link kind = ODB_COPY;

	if (c->in->no_relink || c->in->hash_only ||
	    (f->st.size == 0 && !c->symlink_is_first))
		return false;
	if (!(f->flags & INDEX_SYMLINK)) {
		if (f->st.nlink <= 1)
			return c->plain_is_wrong && !(f->flags & INDEX_EXEC);
		if (!c->hard_is_wrong)
			return false;
	}
	{
		const char *name;
		char *path = full_path(c, f);
		int fd = -1;

		if (change_open_parent(c->repo, path, false, &fd, &name, NULL) == 0) {
			kind = odb_kind_of(c->odb, &f->oid, fd, name);
			(void)sys_close(fd); /* a directory */
		}
		free(path);
	}
	return odb_wants_relink(c->odb, kind, c->flags);
}

static bool needs_work(struct ctx *c, const struct index_file *f)
{
	if (!oid_known(&f->oid) || f->oid.algo != c->in->algo)
		return true;
	if (!c->in->hash_only && !odb_has(c->odb, &f->oid))
		return true;
	return wants_relink(c, f);
}

static void take_back(struct ctx *c, const struct batch *b, struct odb_file *files)
{
	for (size_t k = 0; k < b->nr; k++) {
		struct index_file *f = &c->view->files[b->at[k]];

		if (files[k].err) {
			failed(c, f, files[k].err);
			free(files[k].err);
			continue;
		}
		f->oid = files[k].oid;
		f->st = files[k].st;
		if (files[k].linked && !S_ISLNK(files[k].st.mode))
			f->flags &= ~(uint32_t)INDEX_SYMLINK;
	}
}

static int work(void *ctx, const struct batch *b, int dirfd, struct err *e)
{
	struct ctx *c = ctx;
	struct odb_file *files = xcalloc(b->nr, sizeof(*files));
	uint64_t bytes = 0;
	int rc;

	for (size_t k = 0; k < b->nr; k++) {
		const struct index_file *f = &c->view->files[b->at[k]];

		files[k].name = batch_name(c->job, f->path);
		files[k].is_exec = (f->flags & INDEX_EXEC) != 0;
		files[k].oid.algo = (uint8_t)c->in->algo;
		bytes += (uint64_t)f->st.size;
	}
	rc = odb_ingest(c->odb, dirfd, files, b->nr, c->flags, e);
	if (rc == 0)
		take_back(c, b, files);
	else
		for (size_t k = 0; k < b->nr; k++)
			free(files[k].err);
	sink_add(repo_sink(c->repo), b->nr, bytes);
	free(files);
	return rc;
}

static bool selected(const struct ingest *in, const struct index_file *f)
{
	return !in->inside || path_within(f->path, in->inside);
}

static int choose(struct ctx *c, uint32_t **at, size_t *nr)
{
	uint32_t *v = xcalloc(c->view->nr + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < c->view->nr; i++) {
		const struct index_file *f = &c->view->files[i];

		if (!selected(c->in, f))
			continue;
		c->in->files++;
		/* All that cannot be tracked is told at once, and before any
		 * byte is taken. */
		if (refuse(c, f) < 0 || !needs_work(c, f))
			continue;
		c->in->bytes += (uint64_t)f->st.size;
		v[n++] = (uint32_t)i;
	}
	c->in->objects += n;
	*at = v;
	*nr = n;
	return c->code;
}

static bool same_device(const struct repo *r, const struct odb *odb)
{
	struct stat cache, root;

	return sys_fstatat(AT_FDCWD, odb_dir(odb), &cache, 0) == 0 &&
	       sys_fstatat(repo_rootfd(r), ".", &root, 0) == 0 &&
	       cache.st_dev == root.st_dev;
}

int ingest_files(struct repo *r, struct ingest *in, struct index_view *view,
		 struct report *rep, struct err *e)
{
	struct batch_job job = {.out = in->path, .path = path_of, .work = work};
	struct ctx c = {.repo = r, .in = in, .view = view, .job = &job, .rep = rep};
	uint32_t *at = NULL;
	int rc;

	if ((rc = repo_odb(r, &c.odb, e)) < 0)
		return rc;
	if (in->hash_only)
		c.flags |= ODB_HASH_ONLY;
	if (in->no_relink)
		c.flags |= ODB_NO_RELINK;
	/* Where the first kind cannot work, to ask for it each time would copy the
	 * file each time. */
	if (view->kind == INDEX_FILE && same_device(r, c.odb))
		c.flags |= ODB_FIRST_LINK;
	c.plain_is_wrong = odb_wants_relink(c.odb, ODB_COPY, c.flags);
	c.hard_is_wrong = odb_wants_relink(c.odb, ODB_HARDLINK, c.flags);
	c.symlink_is_first = !odb_wants_relink(c.odb, ODB_SYMLINK, ODB_FIRST_LINK);
	pthread_mutex_init(&c.mutex, NULL);
	rc = choose(&c, &at, &job.nr);
	log_debug("repo", "'%s': %zu files, %zu to %s", in->path, view->nr, job.nr,
		  in->hash_only ? "hash" : "store");
	if (rc == 0 && job.nr > 0) {
		job.at = at;
		job.ctx = &c;
		sink_begin(repo_sink(r), in->hash_only ? "hashing" : "adding", job.nr,
			   in->bytes);
		rc = batch_run(r, &job, &c.err);
		sink_end(repo_sink(r));
		if (rc == 0)
			rc = c.code;
	}
	if (rc < 0 && e)
		*e = c.err;
	pthread_mutex_destroy(&c.mutex);
	free(at);
	return rc;
}

int ingest_whole(struct repo *r, const struct ingest *in, struct index_view *view,
		 struct err *e)
{
	struct manifest m = {0};
	struct odb *odb;
	int rc = 0;

	/* As recorded, and nothing was done: the manifest is the recorded one. */
	if (view->complete && view->kind == INDEX_DIR && in->objects == 0 &&
	    view->oid.is_dir && view->oid.algo == (uint8_t)in->algo) {
		if (in->hash_only)
			return 0;
		if ((rc = repo_odb(r, &odb, e)) < 0 ||
		    (rc = odb_check(odb, &view->oid, e)) == 0)
			return rc;
		if (rc != ERR_NOTFOUND && rc != ERR_CORRUPT)
			return rc;
	}
	view->bytes = 0;
	view->files_nr = view->nr;
	for (size_t i = 0; i < view->nr; i++) {
		assert(oid_known(&view->files[i].oid));
		view->bytes += (uint64_t)view->files[i].st.size;
	}
	view->complete = true;
	if (view->kind == INDEX_FILE) {
		view->oid = view->files[0].oid;
		view->is_exec = (view->files[0].flags & INDEX_EXEC) != 0;
		return 0;
	}
	if ((rc = repo_odb(r, &odb, e)) < 0 ||
	    (rc = index_manifest(view, in->algo, &m, e)) < 0)
		goto out;
	if (in->hash_only)
		rc = manifest_oid(&m, in->algo, &view->oid, e);
	else
		rc = odb_add_manifest(odb, &m, in->algo, &view->oid, e);
out:
	manifest_release(&m);
	return rc;
}
