#include "remote/sync/audit.h"
#include "remote/sync/exists.h"
#include "remote/sync/fsck_int.h"
#include "remote/sync/quarantine.h"
#include "remote/sync/scope.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sys.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t check_at(const struct check *c, const struct oid *oid)
{
	size_t lo = 0, hi = c->l.v.nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = oid_cmp(&c->l.v.v[mid].oid, oid);

		if (order == 0)
			return mid;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return MAP_NONE;
}

bool check_holds(const struct check *c, const struct oid *oid)
{
	size_t up = map_get(&c->uploads, MAP_KEY(*oid)), at;

	if (up != MAP_NONE && c->upload.v[up].state == TRANSFER_DONE)
		return true;
	at = check_at(c, oid);
	return at != MAP_NONE && !(c->flags[at] & (CHECK_BAD | CHECK_GONE));
}

/* A finding's key: the oid, and whether it is the cache's copy. */
static struct slice finding(const struct oid *oid, bool here, uint8_t out[19])
{
	memcpy(out, oid->b, 16);
	out[16] = oid->algo;
	out[17] = oid->is_dir;
	out[18] = here;
	return (struct slice){(const char *)out, 19};
}

static void found(struct check *c, const char *name, const struct oid *oid,
		  const char *state, const char *why)
{
	struct report_item *item = side_note(&c->s, name, oid, state, -1);
	uint8_t key[19];
	size_t *nr =
		map_at(&c->open, finding(oid, strcmp(state, "corrupt here") == 0, key));

	item->error = arena_strdup(&c->s.res->report.arena, why);
	item->code = ERR_CORRUPT;
	*nr = *nr == MAP_NONE ? 1 : *nr + 1;
	c->wrong++;
}

void check_closed(struct check *c, const struct oid *oid, bool here)
{
	uint8_t key[19];
	struct slice k = finding(oid, here, key);
	size_t nr = map_get(&c->open, k);

	if (nr == MAP_NONE)
		return;
	c->repaired += nr;
	(void)map_set(&c->open, k, MAP_NONE);
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

static void want_fetch(struct check *c, const struct oid *oid, const char *name)
{
	struct transfer_item item = {.oid = *oid};

	vec_push(&c->fetch, item);
	vec_push(&c->fetch_names, arena_strdup(&c->s.res->report.arena, name));
}

/* ---- bytes ---------------------------------------------------------------- */

struct reading {
	struct check *c;
	struct audit_item *v;
	size_t *at; /* of v: the index of c->l.v */
	size_t nr;
};

static void other_bytes(struct check *c, size_t at)
{
	char key[OID_PATH_MAX];

	c->flags[at] |= CHECK_BAD;
	found(c, oid_path(&c->l.v.v[at].oid, key), &c->l.v.v[at].oid, "corrupt",
	      "the remote's bytes have another digest");
}

static void read_one(void *ctx, size_t i)
{
	struct reading *rd = ctx;
	struct check *c = rd->c;
	struct audit_item *item = &rd->v[i];
	struct listed *l = &c->l.v.v[rd->at[i]];
	char key[OID_PATH_MAX];

	c->read += item->bytes;
	if (item->state == AUDIT_GOOD) {
		progress_note(&c->progress, l, PROGRESS_GOOD);
	} else if (item->state == AUDIT_WRONG) {
		progress_note(&c->progress, l, PROGRESS_WRONG);
		other_bytes(c, rd->at[i]);
	} else if (item->state == AUDIT_ABSENT) {
		/* It went since it was listed: whoever wants it will miss it. */
		c->flags[rd->at[i]] |= CHECK_GONE;
	} else {
		side_fail(&c->s, oid_path(&item->oid, key), &item->oid, "failed",
			  item->code, item->error);
	}
}

/* Spread over the key space, so that the same percentage is the same sample. */
static bool sampled(const struct oid *oid, unsigned percent)
{
	return (unsigned)(oid->b[15] * 256u + oid->b[14]) * 100u < percent * 65536u;
}

/* Read objects and hash them, but for those that a run before this one, which
 * did not come to its end, has read already. */
static int read_objects(struct check *c, struct err *e)
{
	struct reading rd = {.c = c};
	int dirfd, r = side_state_dir(&c->s, &dirfd, e);

	if (r < 0)
		return r;
	rd.v = xcalloc(c->l.v.nr, sizeof(*rd.v));
	rd.at = xcalloc(c->l.v.nr, sizeof(*rd.at));
	for (size_t i = 0; i < c->l.v.nr; i++) {
		const struct listed *l = &c->l.v.v[i];
		enum progress_verdict before = progress_of(&c->progress, l);

		if (before == PROGRESS_WRONG)
			other_bytes(c, i);
		if (before != PROGRESS_NONE || !sampled(&l->oid, c->o->sample_percent))
			continue;
		rd.v[rd.nr] = (struct audit_item){.oid = l->oid, .bytes = l->bytes};
		rd.at[rd.nr++] = i;
	}
	r = audit_read(c->s.r, dirfd, rd.v, rd.nr, c->o->sink, read_one, &rd, e);
	progress_flush(&c->progress);
	audit_release(rd.v, rd.nr);
	free(rd.at);
	free(rd.v);
	sys_close(dirfd);
	return r;
}

/* ---- promises ------------------------------------------------------------- */

/* Is the remote's object of the size that a verified copy has? */
static void check_size(struct check *c, const struct plan_object *object, size_t at)
{
	struct filestat st;

	if ((c->flags[at] & CHECK_BAD) ||
	    odb_stat(c->s.odb, &object->x.oid, &st, NULL) < 0 ||
	    (uint64_t)st.size == c->l.v.v[at].bytes)
		return;
	c->flags[at] |= CHECK_BAD;
	found(c, object->name, &object->x.oid, "corrupt",
	      "the remote's object has another size");
}

/* What a scope names must be there, and what the cache has of it be right. */
static void check_wanted(struct check *c, const struct plan *p)
{
	for (size_t i = 0; i < p->objects.nr; i++) {
		const struct plan_object *object = &p->objects.v[i];
		const struct oid *oid = &object->x.oid;
		size_t at = check_at(c, oid);
		int here = odb_check(c->s.odb, oid, NULL);

		if (here == ERR_CORRUPT) {
			found(c, object->name, oid, "corrupt here",
			      "the cache's copy has other bytes");
			want_fetch(c, oid, object->name);
		}
		if (at == MAP_NONE || (c->flags[at] & CHECK_GONE)) {
			found(c, object->name, oid, "missing",
			      "the remote does not have it");
			want_upload(c, oid, object->name);
			continue;
		}
		c->flags[at] |= CHECK_PROMISED;
		if (here == 0)
			check_size(c, object, at);
		if (c->flags[at] & CHECK_BAD)
			want_upload(c, oid, object->name);
	}
}

/* A manifest on the remote promises its members to DVC, whoever put it there. */
static void check_manifest(struct check *c, size_t at, const struct manifest *m, int code,
			   const char *why, void *ctx)
{
	const struct oid *oid = &c->l.v.v[at].oid;
	char key[OID_PATH_MAX], text[160];
	size_t lacking = 0;

	(void)ctx;
	oid_path(oid, key);
	if (code == ERR_CORRUPT) {
		c->flags[at] |= CHECK_BAD;
		found(c, key, oid, "corrupt", why);
		want_upload(c, oid, key);
	}
	for (size_t k = 0; m && k < m->nr; k++) {
		size_t member = check_at(c, &m->v[k].oid);

		if (member != MAP_NONE && !(c->flags[member] & CHECK_GONE))
			continue;
		lacking++;
		want_upload(c, &m->v[k].oid, m->v[k].path);
	}
	if (lacking == 0 || (c->flags[at] & CHECK_PROMISED))
		return;
	snprintf(text, sizeof(text),
		 "the remote lacks %zu of the members this manifest promises", lacking);
	found(c, key, oid, "incomplete", text);
	vec_push(&c->incomplete, at);
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

/* Whatever is wrong and still has its name gets the right bytes, if we can. */
static void want_bad(struct check *c)
{
	for (size_t i = 0; i < c->l.v.nr; i++) {
		char key[OID_PATH_MAX];

		if (c->flags[i] & CHECK_BAD)
			want_upload(c, &c->l.v.v[i].oid, oid_path(&c->l.v.v[i].oid, key));
	}
}

static int count_quarantined(struct check *c, struct err *e)
{
	struct oid *v = NULL;
	size_t nr = 0;
	int r;

	if (!remote_traits(c->s.r)->can_list)
		return 0;
	r = quarantine_manifests(&c->s, &v, &nr, &c->quarantined, e);

	free(v);
	return r;
}

/* What cannot be listed is asked for what the scope names, and no more. */
static int ask_for_listing(struct check *c, struct plan *p, struct err *e)
{
	int r = side_ask(&c->s, p, true, e);

	for (size_t i = 0; i < p->objects.nr && r == 0; i++) {
		const struct plan_object *object = &p->objects.v[i];
		struct listed item = {.oid = object->x.oid, .bytes = object->x.bytes};

		if (object->on_remote == EXISTS_UNKNOWN)
			side_fail(&c->s, object->name, &object->x.oid, "failed",
				  object->x.code, "the remote did not answer for it");
		else if (object->on_remote == EXISTS_YES)
			vec_push(&c->l.v, item);
	}
	listing_sort(&c->l);
	return r;
}

static int check_side(struct check *c, struct plan *p, struct err *e)
{
	const char *state_dir;
	int r;

	if ((r = side_remote(&c->s, e)) < 0 || (r = expand_wanted(c, p, e)) < 0 ||
	    (r = repo_state_dir(c->s.repo, &state_dir, e)) < 0)
		return r;
	r = remote_traits(c->s.r)->can_list ? listing_read(c->s.r, c->o->sink, &c->l, e)
					    : ask_for_listing(c, p, e);
	if (r < 0)
		return r;
	c->flags = xcalloc(c->l.v.nr, sizeof(*c->flags));
	progress_open(&c->progress, state_dir, c->s.section.url, c->o->repair);
	if (c->progress.resumed > 0)
		report_note(&c->s.res->report,
			    "%zu objects were read by the check before this one and "
			    "are not read again",
			    c->progress.resumed);
	if ((r = read_objects(c, e)) < 0)
		return r;
	check_wanted(c, p);
	if ((r = check_each_manifest(c, check_manifest, NULL, e)) < 0)
		return r;
	want_bad(c);
	if (c->wrong > 0)
		journal_drop_all(&c->s.journal);
	if (c->o->repair && (r = check_repair(c, e)) < 0)
		return r;
	return count_quarantined(c, e);
}

static void check_release(struct check *c)
{
	progress_release(&c->progress);
	side_close(&c->s);
	listing_release(&c->l);
	for (size_t i = 0; i < c->upload.nr; i++)
		free(c->upload.v[i].error);
	for (size_t i = 0; i < c->fetch.nr; i++)
		free(c->fetch.v[i].error);
	vec_release(&c->upload);
	vec_release(&c->upload_names);
	vec_release(&c->fetch);
	vec_release(&c->fetch_names);
	vec_release(&c->incomplete);
	map_release(&c->uploads);
	map_release(&c->open);
	free(c->flags);
}

/* The end: what is still wrong, and whether the next run has to go on here. */
static int verdict(struct check *c, struct sync_result *res, struct err *e)
{
	uint64_t left = c->wrong - MIN_OF(c->wrong, c->repaired);

	if (res->failed == 0 && (c->o->repair || c->wrong == 0))
		progress_done(&c->progress);
	else if (res->failed == 0)
		progress_ended(&c->progress);
	if (left == 0 && res->failed == 0)
		return 0;
	if (left == 0)
		return err_set(e, ERR_PARTIAL, "%llu object%s could not be checked",
			       (unsigned long long)res->failed,
			       res->failed == 1 ? "" : "s");
	return err_set(e, ERR_CORRUPT, "the remote has %llu wrong or missing object%s",
		       (unsigned long long)left, left == 1 ? "" : "s");
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
	struct check c = {.o = o, .progress = {.fd = -1}};
	struct scope scope = {0};
	struct plan none = {0}, *p = &none;
	int r;

	if ((r = scope_open(&scope, repo, &so, PLAN_PUSH, res, e)) < 0)
		goto out;
	if ((r = repo_cache_lock(repo, false, e)) < 0)
		goto out;
	r = side_open(&c.s, repo, o->remote, &so, res, e);
	for (size_t i = 0; r == 0 && i < scope.plans.plans.nr; i++)
		if (strcmp(scope.plans.plans.v[i].remote, c.s.section.name) == 0)
			p = &scope.plans.plans.v[i];
	if (r == 0)
		r = check_side(&c, p, e);
	repo_cache_unlock(repo);
	report_counted(&res->report, "objects", c.l.v.nr);
	report_counted(&res->report, "foreign", c.l.foreign);
	report_counted(&res->report, "wrong", c.wrong);
	report_counted(&res->report, "repaired", c.repaired);
	report_counted(&res->report, "quarantined", c.quarantined);
	res->report.bytes = c.read;
	if (r == 0)
		r = verdict(&c, res, e);
out:
	check_release(&c);
	scope_release(&scope);
	return r;
}
