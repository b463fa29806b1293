#include "remote/sync/drive.h"
#include "remote/sync/exists.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <stdlib.h>

/*
 * --deep: the manifest that the remote has is read, and what it lists is what is
 * asked for. A wrong one is told; then, as where there is none, the cache's serves.
 */
static int look_into(struct side *s, const struct plan_root *root, struct err *e)
{
	struct manifest m = {0};
	struct buf bytes = {0};
	struct err why = {0};
	int r = side_remote_manifest(s, &root->oid, &m, &bytes, &why);

	manifest_release(&m);
	buf_release(&bytes);
	if (r == ERR_CORRUPT)
		side_note(s, root->name, &root->oid, "damaged", -1);
	if (r == 0 || r == ERR_NOTFOUND || r == ERR_CORRUPT || r == ERR_UNSUPPORTED)
		return 0;
	if (r == ERR_NET) {
		side_fail_err(s, root->name, &root->oid, &why);
		return 0;
	}
	if (e)
		*e = why;
	return r;
}

/* Unlike push, nothing is believed: the question is what the remote has. */
static int expand(struct side *s, struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->roots.nr; i++) {
		const struct plan_root *root = &p->roots.v[i];
		int r = 0;

		if (s->o->deep && root->oid.is_dir && !s->is_versioned)
			r = look_into(s, root, e);
		if (r == 0)
			r = drive_expand(s, p, root, DRIVE_ABSENT_IS_NOTED, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The size that an object must have: of a good copy here, else as recorded. */
static uint64_t right_size(struct side *s, const struct plan_object *object, bool here)
{
	struct filestat st;

	if (here && odb_check(s->odb, &object->x.oid, NULL) == 0 &&
	    odb_stat(s->odb, &object->x.oid, &st, NULL) == 0)
		return (uint64_t)st.size;
	return object->x.bytes;
}

static void compare_one(struct side *s, const struct plan_object *object, bool here,
			uint64_t size)
{
	const char *state = NULL;

	if (object->on_remote == EXISTS_UNKNOWN)
		side_fail(s, object->name, &object->x.oid, "failed", object->x.code,
			  "the remote did not answer for it");
	else if (here && object->on_remote == EXISTS_NO)
		state = "new";
	else if (object->on_remote == EXISTS_NO)
		state = "missing";
	else if (s->o->deep && size > 0 && object->x.bytes != size)
		state = "damaged";
	else if (!here)
		state = "deleted";
	if (state)
		side_note(s, object->name, &object->x.oid, state, -1);
}

/* A manifest that is there and promises what is not. */
static void tell_incomplete(struct side *s, struct plan *p)
{
	for (size_t i = 0; i < p->groups.nr; i++) {
		const struct plan_group *g = &p->groups.v[i];
		const struct plan_object *manifest = &p->objects.v[g->manifest];
		bool lacks = false;

		for (size_t k = 0; k < g->nr && !lacks; k++)
			lacks = p->objects.v[p->members.v[g->first + k]].on_remote ==
				EXISTS_NO;
		if (lacks && manifest->on_remote == EXISTS_YES)
			side_note(s, manifest->name, &manifest->x.oid, "incomplete", -1);
	}
}

static int status_plan(struct side *s, struct plan *p, struct err *e)
{
	uint64_t *size;
	bool *here;
	int r;

	if ((r = expand(s, p, e)) < 0)
		return r;
	size = xcalloc(p->objects.nr, sizeof(*size));
	here = xcalloc(p->objects.nr, sizeof(*here));
	for (size_t i = 0; i < p->objects.nr; i++) {
		here[i] = odb_has(s->odb, &p->objects.v[i].x.oid);
		if (s->o->deep)
			size[i] = right_size(s, &p->objects.v[i], here[i]);
	}
	/* A manifest's promise concerns all of its members, wanted or not. */
	r = side_ask(s, p, !s->o->deep, e);
	for (size_t i = 0; i < p->objects.nr && r == 0; i++)
		if (p->objects.v[i].wanted)
			compare_one(s, &p->objects.v[i], here[i], size[i]);
	if (r == 0 && s->o->deep)
		tell_incomplete(s, p);
	free(here);
	free(size);
	return r;
}

int sync_status(struct repo *repo, const struct sync_options *o, struct sync_result *res,
		struct err *e)
{
	static const struct drive d = {.kind = PLAN_PUSH, .fn = status_plan};
	int r = drive_all(repo, o, &d, res, e);

	report_sort(&res->report);
	if (r == 0 && res->failed > 0)
		r = side_verdict(res, "be asked for", e);
	return r;
}
