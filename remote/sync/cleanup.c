/*
 * Cleaning up after transfers that never ended. What is ours is told by its name
 * below our prefix; a bucket may hold others' uploads, whose ids we never touch.
 */
#include "remote/resume.h"
#include "remote/sync/listing.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/odb/odb.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct upload {
	char *key, *id;
	int64_t begun_ns;
};

struct cleanup {
	struct side side;
	const struct sync_cleanup_options *o;
	struct sync_cleanup_result *res;
	int64_t now_ns;
	VEC_OF(struct upload) uploads; /* to be aborted */
	struct strvec in_use;	       /* ids that a process here works with */
	bool collecting;
};

/* "lode/..." is ours as a whole; all else by the grammar of objects. */
static bool is_ours(const char *key)
{
	struct oid oid;

	return strncmp(key, "lode/", 5) == 0 || listing_oid(key, &oid);
}

static bool is_in_use(const struct cleanup *c, const char *id)
{
	for (size_t i = 0; i < c->in_use.nr; i++)
		if (strcmp(c->in_use.v[i], id) == 0)
			return true;
	return false;
}

static bool is_known(const struct cleanup *c, const char *id)
{
	for (size_t i = 0; i < c->uploads.nr; i++)
		if (strcmp(c->uploads.v[i].id, id) == 0)
			return true;
	return false;
}

/* An age that is not told is no age. */
static bool is_old(const struct cleanup *c, int64_t begun_ns)
{
	return begun_ns > 0 && c->now_ns - begun_ns >= c->o->age_ns;
}

static void add_upload(struct cleanup *c, const char *key, const char *id,
		       int64_t begun_ns)
{
	struct upload u = {xstrdup(key), xstrdup(id), begun_ns};

	vec_push(&c->uploads, u);
}

static int take_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct cleanup *c = job->ctx;

	for (size_t i = 0; i < nr; i++) {
		if (!is_ours(v[i].key))
			continue;
		if (is_in_use(c, v[i].etag) || !is_old(c, v[i].modified_ns))
			c->res->kept++;
		else if (!is_known(c, v[i].etag))
			add_upload(c, v[i].key, v[i].etag, v[i].modified_ns);
	}
	return 0;
}

/* The temporary that a download left, if it is still the one of the record. */
static void remove_temporary(struct cleanup *c, const struct resume *r, const char *key)
{
	char name[TMPFILE_NAME_N + 1], rel[TMPFILE_NAME_N + 8], text[OID_TEXT_MAX];
	struct err e = {0};
	struct buf path = {0};
	struct stat st;
	struct oid oid;
	struct slice dir;

	if (!listing_oid(key, &oid))
		return;
	odb_object_path(c->side.odb, &oid, &path);
	dir = path_dir(buf_str(&path));
	buf_cut(&path, dir.n);
	tmpfile_name_of(oid.b, name);
	buf_addf(&path, "/%s", name);
	if (sys_lstat(buf_str(&path), &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_ino == r->inode) {
		oid_text(&oid, text);
		IGNORE_RESULT(snprintf(rel, sizeof(rel), "%.2s/%s", text, name) < 0);
		if (odb_remove_stray(c->side.odb, (enum oid_algo)oid.algo, rel, &e) < 0)
			log_debug("sync", "%s: %s", rel, e.text);
	}
	buf_release(&path);
}

static void take_record(void *ctx, struct resume_file *f, const struct resume *r)
{
	struct cleanup *c = ctx;
	const char *base = remote_record_base(c->side.r), *key = NULL;
	bool is_here = base && strncmp(r->url, base, strlen(base)) == 0;

	if (is_here)
		key = r->url + strlen(base);
	if (!f) {
		if (r->is_upload)
			strvec_push(&c->in_use, r->upload_id);
		c->res->kept += c->collecting;
		return;
	}
	if (!is_here || !is_old(c, r->started_ns))
		return;
	/* Some servers list uploads by their whole key only: we know them anyway. */
	if (c->collecting) {
		if (r->is_upload && !is_known(c, r->upload_id))
			add_upload(c, key, r->upload_id, r->started_ns);
		return;
	}
	report_add(&c->res->report, key, NULL, c->o->dry_run ? "would remove" : "removed",
		   -1);
	c->res->removed++;
	if (c->o->dry_run)
		return;
	if (!r->is_upload)
		remove_temporary(c, r, key);
	resume_done(f);
}

static int abort_one(struct cleanup *c, const struct upload *u)
{
	struct remote_job job = {
		.op = REMOTE_ABORT_UPLOAD, .key = u->key, .upload_id = u->id};
	struct report *rep = &c->res->report;
	struct err e = {0};
	int r = 0;

	if (!c->o->dry_run)
		r = remote_do(c->side.r, &job, &e);
	if (r < 0) {
		report_fail(rep, u->key, NULL, &e);
		return r;
	}
	report_add(rep, u->key, NULL, c->o->dry_run ? "would abort" : "aborted", -1);
	c->res->aborted++;
	return 0;
}

static int abort_all(struct cleanup *c, struct err *e)
{
	size_t failed = 0;
	int r;

	sink_begin(c->o->sink, "cleaning up", c->uploads.nr, 0);
	for (size_t i = 0; i < c->uploads.nr; i++) {
		if ((r = interrupt_check(e)) < 0) {
			sink_end(c->o->sink);
			return r;
		}
		failed += abort_one(c, &c->uploads.v[i]) < 0;
		sink_add(c->o->sink, 1, 0);
	}
	sink_end(c->o->sink);
	if (failed > 0)
		return err_set(e, ERR_PARTIAL, "%zu upload%s could not be aborted",
			       failed, failed == 1 ? "" : "s");
	return 0;
}

static int run(struct cleanup *c, struct err *e)
{
	struct remote_job job = {
		.op = REMOTE_LIST_UPLOADS, .on_page = take_page, .ctx = c};
	char *dir = path_join(odb_dir(c->side.odb), "lode/transfers");
	int r;

	/* Our records first: they name what must not be touched. */
	c->collecting = true;
	r = resume_each(dir, take_record, c, e);
	c->collecting = false;
	if (r == 0 && remote_traits(c->side.r)->has_uploads)
		r = remote_do(c->side.r, &job, e);
	if (r == ERR_UNSUPPORTED)
		r = 0; /* a server without multipart uploads has none left over */
	if (r == 0)
		r = abort_all(c, e);
	if (r == 0)
		r = resume_each(dir, take_record, c, e);
	free(dir);
	return r;
}

int sync_cleanup(struct repo *repo, const struct sync_cleanup_options *o,
		 struct sync_cleanup_result *res, struct err *e)
{
	struct sync_options so = {.remote = o->remote, .sink = o->sink};
	struct sync_result unused = {0};
	struct cleanup c = {.o = o, .res = res, .now_ns = clock_wall_ns()};
	int r;

	if ((r = side_open(&c.side, repo, o->remote, &so, &unused, e)) == 0 &&
	    (r = side_remote(&c.side, e)) == 0)
		r = run(&c, e);
	report_counted(&res->report, "aborted", res->aborted);
	report_counted(&res->report, "removed", res->removed);
	report_counted(&res->report, "kept", res->kept);
	for (size_t i = 0; i < c.uploads.nr; i++) {
		free(c.uploads.v[i].key);
		free(c.uploads.v[i].id);
	}
	vec_release(&c.uploads);
	strvec_release(&c.in_use);
	side_close(&c.side);
	sync_result_release(&unused);
	return r;
}
