#include "remote/sync/exists.h"
#include "remote/sync/listing.h"
#include "remote/sync/scope.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
	struct side s;
	const struct sync_fsck_options *o;
	struct listing l;
	bool *bad;	/* by index of l.v: its bytes or size are wrong */
	bool *promised; /* wanted by a scope, or by a manifest on the remote */
	uint64_t wrong, repaired, read;
	VEC_OF(struct transfer_item) upload;
	VEC_OF(const char *) upload_names;
	struct map uploads;	   /* of an oid: its place in upload */
	VEC_OF(size_t) incomplete; /* manifests told as that, by index of l.v */
};

static size_t listed_at(const struct listing *l, const struct oid *oid)
{
	size_t lo = 0, hi = l->v.nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = oid_cmp(&l->v.v[mid].oid, oid);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return MAP_NONE;
}

static void found(struct check *c, const char *name, const struct oid *oid,
		  const char *state, const char *why)
{
	struct report_item *item = side_note(&c->s, name, oid, state, -1);

	item->error = arena_strdup(&c->s.res->report.arena, why);
	item->code = ERR_CORRUPT;
	c->wrong++;
}

static void want_upload(struct check *c, const struct oid *oid, const char *name)
{
	struct transfer_item item = {.oid = *oid};

	if (map_has(&c->uploads, MAP_KEY(item.oid)))
		return;
	(void)map_set(&c->uploads, MAP_KEY(item.oid), c->upload.nr);
	vec_push(&c->upload, item);
	vec_push(&c->upload_names, arena_strdup(&c->s.res->report.arena, name));
}

/* ---- bytes ---------------------------------------------------------------- */

struct reading {
	struct remote_job job;
	char key[OID_PATH_MAX];
	struct tmpfile tmp;
	size_t at;
};

static void judge(struct check *c, struct reading *rd)
{
	struct listed *item = &c->l.v.v[rd->at];
	int code = rd->job.code;

	c->read += rd->job.bytes;
	if (code == 0)
		code = transfer_digest(&item->oid, rd->tmp.fd, rd->job.digest,
				       &rd->job.err);
	if (code < 0 && code != ERR_CORRUPT) {
		side_fail_err(&c->s, rd->key, &item->oid, &rd->job.err);
	} else if (code == ERR_CORRUPT || memcmp(rd->job.digest, item->oid.b, 16) != 0) {
		c->bad[rd->at] = true;
		found(c, rd->key, &item->oid, "corrupt",
		      "the remote's bytes have another digest");
	}
	tmpfile_release(&rd->tmp);
	free(rd);
}

static void reap(struct check *c, size_t until)
{
	while (remote_in_flight(c->s.r) > until) {
		struct remote_job *job = remote_next(c->s.r);

		if (!job)
			break;
		judge(c, job->ctx);
	}
}

/* Spread over the key space, so that the same percentage is the same sample. */
static bool sampled(const struct oid *oid, unsigned percent)
{
	return (unsigned)(oid->b[15] * 256u + oid->b[14]) * 100u < percent * 65536u;
}

/*
 * Read objects and hash them; nothing is kept. The temporaries lie in the state
 * directory and go at once.
 */
static int read_objects(struct check *c, int dirfd, struct err *e)
{
	size_t limit = remote_traits(c->s.r)->jobs;
	int r = 0;

	sink_begin(c->o->sink, "reading the remote", c->l.v.nr, 0);
	for (size_t i = 0; i < c->l.v.nr && r == 0; i++) {
		struct reading *rd;

		if (!sampled(&c->l.v.v[i].oid, c->o->sample_percent))
			continue;
		reap(c, limit - 1);
		rd = xcalloc(1, sizeof(*rd));
		rd->at = i;
		if ((r = tmpfile_open(&rd->tmp, dirfd, 0600, e)) < 0) {
			free(rd);
			break;
		}
		rd->job = (struct remote_job){
			.op = REMOTE_GET,
			.key = oid_path(&c->l.v.v[i].oid, rd->key),
			.fd = rd->tmp.fd,
			.sink = c->o->sink,
			.ctx = rd,
		};
		remote_submit(c->s.r, &rd->job);
	}
	reap(c, 0);
	sink_end(c->o->sink);
	return r;
}

/* ---- promises ------------------------------------------------------------- */

/* What a scope names must be there, of the size that a verified copy has. */
static void check_wanted(struct check *c, const struct plan *p)
{
	for (size_t i = 0; i < p->objects.nr; i++) {
		const struct plan_object *object = &p->objects.v[i];
		size_t at = listed_at(&c->l, &object->x.oid);
		struct filestat st;

		if (at == MAP_NONE) {
			found(c, object->name, &object->x.oid, "missing",
			      "the remote does not have it");
			want_upload(c, &object->x.oid, object->name);
			continue;
		}
		c->promised[at] = true;
		if (!c->bad[at] && odb_stat(c->s.odb, &object->x.oid, &st, NULL) == 0 &&
		    odb_check(c->s.odb, &object->x.oid, NULL) == 0 &&
		    (uint64_t)st.size != c->l.v.v[at].bytes) {
			c->bad[at] = true;
			found(c, object->name, &object->x.oid, "corrupt",
			      "the remote's object has another size");
		}
		if (c->bad[at])
			want_upload(c, &object->x.oid, object->name);
	}
}

/* A manifest on the remote promises its members to DVC, whoever put it there. */
static int check_manifests(struct check *c, struct err *e)
{
	for (size_t i = 0; i < c->l.v.nr; i++) {
		const struct listed *item = &c->l.v.v[i];
		struct manifest m = {0};
		struct buf bytes = {0};
		struct err why = {0};
		char key[OID_PATH_MAX], text[160];
		size_t lacking = 0;
		int r;

		if (!item->oid.is_dir || c->bad[i])
			continue;
		oid_path(&item->oid, key);
		r = side_manifest(&c->s, &item->oid, &m, &bytes, &why);
		for (size_t k = 0; r == 0 && k < m.nr; k++) {
			if (listed_at(&c->l, &m.v[k].oid) != MAP_NONE)
				continue;
			lacking++;
			want_upload(c, &m.v[k].oid, m.v[k].path);
		}
		manifest_release(&m);
		buf_release(&bytes);
		if (r == ERR_CORRUPT) {
			c->bad[i] = true;
			found(c, key, &item->oid, "corrupt", why.text);
			want_upload(c, &item->oid, key);
		} else if (r < 0 && r != ERR_UNSUPPORTED) {
			*e = why;
			return r;
		}
		if (lacking > 0 && !c->promised[i]) {
			snprintf(
				text, sizeof(text),
				"the remote lacks %zu of the members this manifest promises",
				lacking);
			found(c, key, &item->oid, "incomplete", text);
			vec_push(&c->incomplete, i);
		}
	}
	return 0;
}

/* ---- repair --------------------------------------------------------------- */

/* A manifest lies there as it should; what it lacked has come. */
static void judge_incomplete(struct check *c, const struct oid *oid)
{
	struct manifest m = {0};
	struct buf bytes = {0};
	char key[OID_PATH_MAX];
	bool whole = side_manifest(&c->s, oid, &m, &bytes, NULL) == 0;

	for (size_t k = 0; whole && k < m.nr; k++) {
		size_t at = map_get(&c->uploads, MAP_KEY(m.v[k].oid));

		whole = at == MAP_NONE ? listed_at(&c->l, &m.v[k].oid) != MAP_NONE
				       : c->upload.v[at].state == TRANSFER_DONE;
	}
	if (whole) {
		side_note(&c->s, oid_path(oid, key), oid, "completed", -1);
		c->repaired++;
	}
	manifest_release(&m);
	buf_release(&bytes);
}

static int repair(struct check *c, struct err *e)
{
	size_t nr = c->upload.nr;
	struct transfer_item **v = xcalloc(nr, sizeof(struct transfer_item *));
	int r = 0;

	for (int dirs = 0; dirs <= 1 && r == 0; dirs++) {
		size_t n = 0;

		for (size_t i = 0; i < nr; i++)
			if (c->upload.v[i].oid.is_dir == (dirs == 1))
				v[n++] = &c->upload.v[i];
		if (n > 0)
			r = transfer_upload(c->s.r, c->s.odb, v, n, c->o->sink, e);
	}
	for (size_t i = 0; i < nr; i++) {
		struct transfer_item *item = &c->upload.v[i];

		if (item->state == TRANSFER_DONE) {
			side_note(&c->s, c->upload_names.v[i], &item->oid, "restored",
				  (int64_t)item->bytes);
			c->repaired++;
		} else if (item->state == TRANSFER_MISSING) {
			side_fail(&c->s, c->upload_names.v[i], &item->oid, "failed",
				  ERR_MISSING, "the cache has no good copy of it");
		} else if (item->state == TRANSFER_FAILED) {
			side_fail(&c->s, c->upload_names.v[i], &item->oid, "failed",
				  item->code, item->error);
		}
		free(item->error);
		item->error = NULL;
	}
	for (size_t i = 0; i < c->incomplete.nr; i++)
		judge_incomplete(c, &c->l.v.v[c->incomplete.v[i]].oid);
	free(v);
	return r;
}

static int expand_wanted(struct check *c, struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->roots.nr; i++) {
		struct manifest m = {0};
		struct buf bytes = {0};
		struct err why = {0};
		size_t group;
		int r = 0;

		if (p->roots.v[i].oid.is_dir)
			r = side_manifest(&c->s, &p->roots.v[i].oid, &m, &bytes, &why);
		if (r == 0)
			r = plan_expand(p, &p->roots.v[i],
					p->roots.v[i].oid.is_dir ? &m : NULL, &group,
					&why);
		manifest_release(&m);
		buf_release(&bytes);
		if (r == ERR_NOTFOUND || r == ERR_CORRUPT) {
			found(c, p->roots.v[i].name, &p->roots.v[i].oid, "missing",
			      SIDE_NO_MANIFEST);
		} else if (r < 0) {
			*e = why;
			return r;
		}
	}
	return 0;
}

static int check_side(struct check *c, struct plan *p, struct err *e)
{
	const char *state_dir;
	int r, dirfd;

	if ((r = side_remote(&c->s, e)) < 0 ||
	    (r = listing_read(c->s.r, c->o->sink, &c->l, e)) < 0 ||
	    (r = repo_state_dir(c->s.repo, &state_dir, e)) < 0)
		return r;
	c->bad = xcalloc(c->l.v.nr, sizeof(*c->bad));
	c->promised = xcalloc(c->l.v.nr, sizeof(*c->promised));
	dirfd = sys_openat(AT_FDCWD, state_dir, O_RDONLY | O_DIRECTORY, 0);
	if (dirfd < 0)
		return err_sys(e, "open", state_dir);
	r = c->o->sample_percent > 0 ? read_objects(c, dirfd, e) : 0;
	sys_close(dirfd);
	if (r < 0 || (r = expand_wanted(c, p, e)) < 0)
		return r;
	check_wanted(c, p);
	if ((r = check_manifests(c, e)) < 0)
		return r;
	for (size_t i = 0; i < c->l.v.nr; i++)
		if (c->bad[i]) {
			char key[OID_PATH_MAX];

			want_upload(c, &c->l.v.v[i].oid, oid_path(&c->l.v.v[i].oid, key));
		}
	if (c->wrong > 0)
		journal_drop_all(&c->s.journal);
	return c->o->repair ? repair(c, e) : 0;
}

static void check_release(struct check *c)
{
	side_close(&c->s);
	listing_release(&c->l);
	vec_release(&c->upload);
	vec_release(&c->upload_names);
	vec_release(&c->incomplete);
	map_release(&c->uploads);
	free(c->bad);
	free(c->promised);
}

int sync_fsck(struct repo *repo, const struct sync_fsck_options *o,
	      struct sync_result *res, struct err *e)
{
	struct sync_options so = {
		.remote = o->remote,
		.all_branches = o->all_branches,
		.all_tags = o->all_tags,
		.all_commits = o->all_commits,
		.jobs = o->jobs,
		.refresh = true,
		.max_size = -1,
		.sink = o->sink,
	};
	struct scope scope = {0};
	struct check c = {.o = o};
	struct plan none = {0};
	struct plan *p = &none;
	uint64_t wrong = 0, repaired = 0;
	int r;

	if ((r = scope_open(&scope, repo, &so, PLAN_PUSH, res, e)) < 0)
		goto out;
	if (scope.plans.plans.nr > 0)
		p = &scope.plans.plans.v[0];
	r = side_open(&c.s, repo, o->remote, &so, res, e);
	if (r == 0)
		r = check_side(&c, p, e);
	wrong = c.wrong;
	repaired = c.repaired;
	report_counted(&res->report, "objects", c.l.v.nr);
	report_counted(&res->report, "foreign", c.l.foreign);
	report_counted(&res->report, "wrong", wrong);
	report_counted(&res->report, "repaired", repaired);
	res->report.bytes = c.read;
out:
	check_release(&c);
	scope_release(&scope);
	if (r == 0 && (wrong > repaired || res->failed > 0))
		r = err_set(e, ERR_CORRUPT,
			    "the remote has %llu wrong or missing object%s",
			    (unsigned long long)wrong, wrong == 1 ? "" : "s");
	return r;
}
