#include "remote/sync/exists.h"
#include "remote/sync/scope.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

/* Unlike push, nothing is believed: the question is what the remote has. */
static int expand(struct side *s, struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->roots.nr; i++) {
		const struct plan_root *root = &p->roots.v[i];
		struct manifest m = {0};
		struct buf bytes = {0};
		struct err why = {0};
		size_t group;
		int r = 0;

		if (root->oid.is_dir)
			r = side_manifest(s, &root->oid, &m, &bytes, &why);
		if (r == 0)
			r = plan_expand(p, root, root->oid.is_dir ? &m : NULL, &group,
					&why);
		manifest_release(&m);
		buf_release(&bytes);
		if (r == ERR_NOTFOUND && !root->inside) {
			side_note(s, root->name, &root->oid, "missing", -1);
			s->res->missing++;
		} else if (r == ERR_CORRUPT || r == ERR_NET || r == ERR_NOTFOUND) {
			side_fail_err(s, root->name, &root->oid, &why);
		} else if (r < 0) {
			*e = why;
			return r;
		}
	}
	return 0;
}

static void compare(struct side *s, struct plan *p)
{
	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];
		bool here = odb_has(s->odb, &object->x.oid);

		if (!object->wanted)
			continue;
		if (object->on_remote == EXISTS_UNKNOWN)
			side_fail(s, object->name, &object->x.oid, "failed",
				  object->x.code, "the remote did not answer for it");
		else if (here && object->on_remote == EXISTS_NO)
			side_note(s, object->name, &object->x.oid, "new", -1);
		else if (!here && object->on_remote == EXISTS_YES)
			side_note(s, object->name, &object->x.oid, "deleted", -1);
		else if (!here)
			side_note(s, object->name, &object->x.oid, "missing", -1);
	}
}

int sync_status(struct repo *repo, const struct sync_options *o, struct sync_result *res,
		struct err *e)
{
	struct scope scope = {0};
	int r;

	if ((r = scope_open(&scope, repo, o, PLAN_PUSH, res, e)) < 0)
		goto out;
	for (size_t i = 0; i < scope.plans.plans.nr && r == 0; i++) {
		struct plan *p = &scope.plans.plans.v[i];
		struct side s = {0};

		if ((r = side_open(&s, repo, p->remote, o, res, e)) == 0 &&
		    (r = expand(&s, p, e)) == 0 && (r = side_ask(&s, p, true, e)) == 0)
			compare(&s, p);
		side_close(&s);
	}
	report_sort(&res->report);
	if (r == 0 && res->failed > 0)
		r = side_verdict(res, "be asked for", e);
out:
	scope_release(&scope);
	return r;
}
