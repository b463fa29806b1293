#include "remote/sync/audit.h"
#include "remote/sync/drive.h"
#include "remote/sync/exists.h"
#include "remote/sync/side.h"
#include "remote/sync/versioned.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/sys.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Members that fresh journal entries vouch for: a digest -> when. */
struct vouched {
	struct map at;
	VEC_OF(int64_t) when;
};

static void vouch(struct vouched *v, const struct oid *oid, int64_t when)
{
	if (map_set(&v->at, MAP_KEY(*oid), v->when.nr))
		vec_push(&v->when, when);
}

/*
 * An entry for a manifest covers its members. Read the manifests that the cache
 * still has: after one file of a directory changed, the old manifest vouches for
 * all the others.
 */
static void gather_vouched(struct side *s, struct vouched *v)
{
	for (size_t i = 0; i < s->journal.nr; i++) {
		const struct journal_entry *entry = &s->journal.v[i];
		int64_t when = journal_confirmed(&s->journal, &entry->oid);
		struct manifest m = {0};

		if (when == 0)
			continue;
		vouch(v, &entry->oid, when);
		if (entry->oid.is_dir &&
		    odb_read_manifest(s->odb, &entry->oid, &m, NULL) == 0)
			for (size_t k = 0; k < m.nr; k++)
				vouch(v, &m.v[k].oid, when);
		manifest_release(&m);
	}
}

static void believed(struct side *s, int64_t when)
{
	if (when != 0 && (s->res->confirmed_ns == 0 || when < s->res->confirmed_ns))
		s->res->confirmed_ns = when;
}

/* Expand the roots that the journal does not answer as a whole. */
static int expand(struct side *s, struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->roots.nr; i++) {
		int64_t when = journal_confirmed(&s->journal, &p->roots.v[i].oid);
		int r;

		if (when != 0)
			believed(s, when);
		else if ((r = drive_expand(s, p, &p->roots.v[i], 0, e)) < 0)
			return r;
	}
	return 0;
}

static void believe_journal(struct side *s, struct plan *p)
{
	struct vouched v = {0};

	if (s->journal.nr > 0 && p->objects.nr > 0)
		gather_vouched(s, &v);
	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];
		size_t at = map_get(&v.at, MAP_KEY(object->x.oid));

		if (at == MAP_NONE)
			continue;
		object->on_remote = EXISTS_YES;
		object->confirmed_ns = v.when.v[at];
		believed(s, v.when.v[at]);
	}
	map_release(&v.at);
	vec_release(&v.when);
}

/*
 * What the cache has, and whether a remote object of another size than ours
 * pretends to be it. Only objects that somebody still has to act on cost a stat.
 */
static void look_here(struct side *s, struct plan *p)
{
	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];
		struct filestat st;

		if (object->confirmed_ns != 0 || !object->wanted)
			continue;
		object->here = odb_stat(s->odb, &object->x.oid, &st, NULL) == 0;
		if (!object->here)
			continue;
		if (object->on_remote == EXISTS_YES &&
		    object->x.bytes != (uint64_t)st.size) {
			report_warn(&s->res->report,
				    "'%s': the remote's object has another size and is "
				    "replaced",
				    object->name);
			object->on_remote = EXISTS_NO;
		}
		object->x.bytes = (uint64_t)st.size;
	}
}

/* A dry run reads nothing: what is here would be uploaded. */
static void count_dry(struct side *s, struct plan *p)
{
	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];

		if (!object->wanted || object->on_remote == EXISTS_YES)
			continue;
		if (object->here) {
			s->res->moved++;
			s->res->moved_bytes += object->x.bytes;
			side_note(s, object->name, &object->x.oid, "would push",
				  (int64_t)object->x.bytes);
		} else {
			side_fail(s, object->name, &object->x.oid, "missing", ERR_MISSING,
				  SIDE_NOWHERE);
		}
	}
}

static void settle(struct side *s, struct plan_object *object)
{
	switch (object->x.state) {
	case TRANSFER_DONE:
		object->on_remote = EXISTS_YES;
		s->res->moved++;
		s->res->moved_bytes += object->x.bytes;
		side_note(s, object->name, &object->x.oid, "pushed",
			  (int64_t)object->x.bytes);
		break;
	case TRANSFER_MISSING:
		side_fail(s, object->name, &object->x.oid, "missing", ERR_MISSING,
			  SIDE_NOWHERE);
		break;
	case TRANSFER_FAILED:
		side_fail(s, object->name, &object->x.oid, "failed", object->x.code,
			  object->x.error);
		break;
	default:
		break;
	}
}

static int upload(struct side *s, struct plan *p, const bool *chosen, struct err *e)
{
	struct transfer_item **v = xcalloc(p->objects.nr, sizeof(struct transfer_item *));
	size_t nr = 0;
	int r = 0;

	for (size_t i = 0; i < p->objects.nr; i++)
		if (chosen[i])
			v[nr++] = &p->objects.v[i].x;
	if (nr > 0 && (r = side_remote(s, e)) == 0)
		r = transfer_upload(s->r, s->odb, v, nr, s->o->sink, e);
	for (size_t i = 0; i < p->objects.nr; i++)
		if (chosen[i])
			settle(s, &p->objects.v[i]);
	free(v);
	return r;
}

static bool needs_upload(const struct plan_object *object)
{
	return object->wanted && object->on_remote != EXISTS_YES;
}

/* Everything but manifests. */
static int upload_members(struct side *s, struct plan *p, struct err *e)
{
	bool *chosen = xcalloc(p->objects.nr, sizeof(*chosen));
	int r;

	for (size_t i = 0; i < p->objects.nr; i++)
		chosen[i] =
			needs_upload(&p->objects.v[i]) && !p->objects.v[i].x.oid.is_dir;
	r = upload(s, p, chosen, e);
	free(chosen);
	return r;
}

static size_t members_lacking(const struct plan *p, const struct plan_group *g)
{
	size_t lacking = 0;

	for (size_t i = 0; i < g->nr; i++)
		lacking +=
			p->objects.v[p->members.v[g->first + i]].on_remote != EXISTS_YES;
	return lacking;
}

/*
 * A manifest promises its members, to us and more so to DVC: it goes up only when
 * the remote has each of them. A partial push leaves it out silently; that is what
 * was asked for.
 */
static int upload_manifests(struct side *s, struct plan *p, struct err *e)
{
	bool *chosen = xcalloc(p->objects.nr, sizeof(*chosen));
	int r;

	for (size_t i = 0; i < p->groups.nr; i++) {
		const struct plan_group *g = &p->groups.v[i];
		struct plan_object *manifest = &p->objects.v[g->manifest];
		size_t lacking = members_lacking(p, g);
		char why[96];

		if (!needs_upload(manifest))
			continue;
		if (lacking == 0) {
			chosen[g->manifest] = true;
			continue;
		}
		snprintf(why, sizeof(why), "the remote lacks %zu of its members",
			 lacking);
		side_note(s, manifest->name, &manifest->x.oid, "withheld", -1)->error =
			arena_strdup(&s->res->report.arena, why);
	}
	r = upload(s, p, chosen, e);
	free(chosen);
	return r;
}

/* A group is as fresh as the oldest entry that one of its members leans on. */
static int64_t group_age(const struct plan *p, const struct plan_group *g, int64_t now_ns)
{
	int64_t when = now_ns;

	for (size_t i = 0; i < g->nr; i++) {
		int64_t then = p->objects.v[p->members.v[g->first + i]].confirmed_ns;

		if (then != 0 && then < when)
			when = then;
	}
	return when;
}

/* Record what is now sure: whole groups by their manifest, single files alone. */
static void confirm(struct side *s, struct plan *p, int64_t asked_ns)
{
	bool *covered;

	if (!s->journal_on)
		return;
	covered = xcalloc(p->objects.nr, sizeof(*covered));
	for (size_t i = 0; i < p->groups.nr; i++) {
		const struct plan_group *g = &p->groups.v[i];

		if (p->objects.v[g->manifest].on_remote != EXISTS_YES ||
		    members_lacking(p, g) > 0)
			continue;
		journal_confirm(&s->journal, &p->objects.v[g->manifest].x.oid,
				group_age(p, g, asked_ns));
		covered[g->manifest] = true;
		for (size_t k = 0; k < g->nr; k++)
			covered[p->members.v[g->first + k]] = true;
	}
	for (size_t i = 0; i < p->objects.nr; i++) {
		const struct plan_object *object = &p->objects.v[i];

		/* A manifest alone says nothing: it is confirmed as a group or not. */
		if (object->on_remote == EXISTS_YES && !covered[i] &&
		    object->confirmed_ns == 0 && !object->x.oid.is_dir)
			journal_confirm(&s->journal, &object->x.oid, asked_ns);
	}
	free(covered);
}

/* What was there already: asked for again, and of our size. */
static int ask_again(struct side *s, struct plan *p, const bool *asked, struct err *e)
{
	size_t nr = p->objects.nr;
	uint64_t *bytes = xcalloc(nr, sizeof(*bytes));
	int r;

	for (size_t i = 0; i < nr; i++) {
		bytes[i] = p->objects.v[i].x.bytes;
		if (asked[i])
			p->objects.v[i].on_remote = EXISTS_UNKNOWN;
	}
	r = side_ask(s, p, true, e);
	for (size_t i = 0; i < nr && r == 0; i++) {
		struct plan_object *object = &p->objects.v[i];

		if (!asked[i] || (object->on_remote == EXISTS_YES &&
				  (!object->here || object->x.bytes == bytes[i])))
			continue;
		object->on_remote = EXISTS_NO;
		side_fail(s, object->name, &object->x.oid, "failed", ERR_CORRUPT,
			  "asked again, the remote does not have it");
	}
	free(bytes);
	return r;
}

/* What the audit of an upload found; the object is not pushed unless it is good. */
static void judge(struct side *s, struct plan_object *object,
		  const struct audit_item *read)
{
	const char *why = read->error;

	if (read->state == AUDIT_GOOD)
		return;
	object->on_remote = EXISTS_NO;
	if (s->res->moved > 0)
		s->res->moved--;
	s->res->moved_bytes -= MIN_OF(s->res->moved_bytes, object->x.bytes);
	if (read->state == AUDIT_WRONG)
		why = "read back, the remote has other bytes than were pushed";
	else if (read->state == AUDIT_ABSENT)
		why = "read back, the remote does not have what was pushed";
	side_fail(s, object->name, &object->x.oid, "failed",
		  read->state == AUDIT_FAILED	? read->code
		  : read->state == AUDIT_UNREAD ? ERR_CANCELED
						: ERR_CORRUPT,
		  why ? why : "it was not read back");
}

/* What this run uploaded: every byte is read back and hashed. */
static int read_uploads(struct side *s, struct plan *p, struct err *e)
{
	struct audit_item *v = xcalloc(p->objects.nr, sizeof(*v));
	size_t *at = xcalloc(p->objects.nr, sizeof(*at)), nr = 0;
	int dirfd = -1, r = 0;

	for (size_t i = 0; i < p->objects.nr; i++)
		if (p->objects.v[i].x.state == TRANSFER_DONE) {
			v[nr].oid = p->objects.v[i].x.oid;
			v[nr].bytes = p->objects.v[i].x.bytes;
			at[nr++] = i;
		}
	if (nr > 0 && (r = side_state_dir(s, &dirfd, e)) == 0)
		r = audit_read(s->r, dirfd, v, nr, s->o->sink, NULL, NULL, e);
	for (size_t i = 0; i < nr && dirfd >= 0; i++)
		judge(s, &p->objects.v[at[i]], &v[i]);
	if (dirfd >= 0)
		sys_close(dirfd);
	audit_release(v, nr);
	free(at);
	free(v);
	return r;
}

/*
 * --verify: what was uploaded is read back whole, and all else that no entry of
 * the journal vouches for is asked for once more.
 */
static int read_back(struct side *s, struct plan *p, struct err *e)
{
	bool *asked = xcalloc(p->objects.nr, sizeof(*asked));
	int r;

	for (size_t i = 0; i < p->objects.nr; i++) {
		const struct plan_object *object = &p->objects.v[i];

		asked[i] = object->wanted && object->confirmed_ns == 0 &&
			   object->on_remote == EXISTS_YES &&
			   object->x.state != TRANSFER_DONE;
	}
	r = ask_again(s, p, asked, e);
	free(asked);
	return r < 0 ? r : read_uploads(s, p, e);
}

static int push_plan(struct side *s, struct plan *p, struct err *e)
{
	int64_t asked_ns = clock_wall_ns();
	int r;

	if (s->is_versioned)
		return versioned_push(s, p, e);
	if ((r = expand(s, p, e)) < 0)
		return r;
	believe_journal(s, p);
	if ((r = side_ask(s, p, false, e)) < 0)
		return r;
	look_here(s, p);
	if (s->o->dry_run) {
		count_dry(s, p);
		return 0;
	}
	if ((r = upload_members(s, p, e)) == 0)
		r = upload_manifests(s, p, e);
	if (r == 0 && s->o->verify)
		r = read_back(s, p, e);
	confirm(s, p, asked_ns);
	return r;
}

int sync_push(struct repo *repo, const struct sync_options *o, struct sync_result *res,
	      struct err *e)
{
	static const struct drive d = {
		.kind = PLAN_PUSH, .fn = push_plan, .locks_cache = true};
	int r = drive_all(repo, o, &d, res, e);

	return r < 0 ? r : side_verdict(res, "upload", e);
}
