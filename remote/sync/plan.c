#include "remote/sync/plan.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/meta/collect.h"
#include "store/meta/stage.h"
#include "store/odb/manifest.h"

#include <stdlib.h>
#include <string.h>

void plan_release(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->objects.nr; i++)
		free(p->objects.v[i].x.error);
	for (size_t i = 0; i < p->groups.nr; i++)
		buf_release(&p->groups.v[i].bytes);
	vec_release(&p->roots);
	vec_release(&p->objects);
	vec_release(&p->groups);
	vec_release(&p->members);
	map_release(&p->by_oid);
	map_release(&p->by_root);
	arena_release(&p->arena);
	free(p->remote);
	*p = (struct plan){0};
}

void plans_release(struct plans *ps)
{
	if (!ps)
		return;
	for (size_t i = 0; i < ps->plans.nr; i++)
		plan_release(&ps->plans.v[i]);
	vec_release(&ps->plans);
	strvec_release(&ps->warnings);
	strvec_release(&ps->refused);
	strvec_release(&ps->refused_why);
	*ps = (struct plans){0};
}

static struct plan *plan_of(struct plans *ps, const char *remote)
{
	struct plan fresh = {.remote = xstrdup(remote)};

	for (size_t i = 0; i < ps->plans.nr; i++)
		if (strcmp(ps->plans.v[i].remote, remote) == 0) {
			free(fresh.remote);
			return &ps->plans.v[i];
		}
	vec_push(&ps->plans, fresh);
	return &ps->plans.v[ps->plans.nr - 1];
}

static void refuse(struct plans *ps, const char *name, char *take_why)
{
	for (size_t i = 0; i < ps->refused.nr; i++)
		if (strcmp(ps->refused.v[i], name) == 0) {
			free(take_why);
			return;
		}
	strvec_push(&ps->refused, name);
	strvec_take(&ps->refused_why, take_why);
}

static void add_root(struct plan *p, const struct oid *oid, const char *name,
		     const char *inside, const struct out *out)
{
	struct plan_root root = {
		.oid = *oid,
		.bytes = out->at.size,
		.files = out->at.nfiles,
		.out = out,
	};
	struct buf key = {0};

	/* Revisions name the same output again and again: once is enough. */
	buf_adds(&key, name);
	buf_addc(&key, '\0');
	buf_adds(&key, inside ? inside : "");
	buf_addc(&key, '\0');
	buf_add(&key, oid, sizeof(*oid));
	if (map_set(&p->by_root, buf_slice(&key), 1)) {
		root.name = arena_strdup(&p->arena, name);
		root.inside = inside ? arena_strdup(&p->arena, inside) : NULL;
		vec_push(&p->roots, root);
	}
	buf_release(&key);
}

/* The manifest of an output that spells its files out: DVC derives it so. */
static bool derived_oid(const struct out *out, struct oid *oid)
{
	struct manifest m = {0};
	struct err e = {0};
	bool ok = true;

	for (size_t i = 0; i < out->at.files_nr && ok; i++) {
		const struct out_file *f = &out->at.files[i];

		ok = f->oid.algo == OID_MD5;
		if (ok)
			manifest_add(&m, f->path, &f->oid, f->size);
	}
	manifest_sort(&m);
	ok = ok && manifest_oid(&m, OID_MD5, oid, &e) == 0;
	manifest_release(&m);
	return ok;
}

static void add_out(struct plans *ps, enum plan_kind kind, const char *remote,
		    const char *default_name, const struct out *out, const char *inside)
{
	const char *bound = out_remote(out), *name = out_path(out), *to;
	struct oid oid = out->at.oid;

	if (!out_is_cached(out) || (kind == PLAN_PUSH && !out->push))
		return;
	if (kind == PLAN_PUSH && out->stage->kind == STAGE_IMPORT_REPO)
		return; /* its source keeps it */
	if (!out_has_hash(out)) {
		strvec_take(&ps->warnings,
			    xasprintf("'%s' of '%s' has no hash yet and is left out",
				      name, out->stage->file));
		return;
	}
	if (bound && remote && strcmp(bound, remote) != 0)
		return;
	to = remote ? remote : bound ? bound : default_name;
	if (out->at.has_files && !oid_known(&oid) && !derived_oid(out, &oid)) {
		refuse(ps, name,
		       xasprintf(
			       "'%s' lists files without an md5; only the version-aware "
			       "remote that wrote them can give them back",
			       out->stage->file));
		return;
	}
	if (!oid_known(&oid)) {
		refuse(ps, name,
		       xasprintf("'%s' gives it the hash '%s', which no object can have",
				 out->stage->file, out->at.hash_text));
		return;
	}
	/* Without any remote the plan stays, with an empty name, and says so. */
	add_root(plan_of(ps, to ? to : ""), &oid, name, inside, out);
}

void plans_add(struct plans *ps, enum plan_kind kind, const char *remote,
	       const char *default_name, const struct targets *targets)
{
	for (size_t i = 0; i < targets->nr; i++) {
		const struct target *t = &targets->v[i];

		if (t->out) {
			add_out(ps, kind, remote, default_name, t->out, t->inside);
			continue;
		}
		for (size_t k = 0; k < t->stage->outs_nr; k++)
			add_out(ps, kind, remote, default_name, &t->stage->outs[k], NULL);
	}
}

size_t plan_object(struct plan *p, const struct oid *oid, const char *name, bool wanted,
		   int64_t bytes)
{
	size_t *at = map_at(&p->by_oid, MAP_KEY(*oid));

	if (*at == MAP_NONE) {
		struct plan_object object = {
			.x = {.oid = *oid, .bytes = bytes > 0 ? (uint64_t)bytes : 0},
			.name = name,
		};

		*at = p->objects.nr;
		vec_push(&p->objects, object);
	}
	if (wanted)
		p->objects.v[*at].wanted = true;
	return *at;
}

bool plan_covers(const struct plan_root *root, const char *entry)
{
	return !root->inside || path_within(entry, root->inside);
}

int plan_expand(struct plan *p, const struct plan_root *root, const struct manifest *m,
		size_t *group, struct err *e)
{
	struct plan_group g = {.first = p->members.nr};
	bool any = false;

	*group = MAP_NONE;
	if (!m) {
		plan_object(p, &root->oid, root->name, true, root->bytes);
		return 0;
	}
	for (size_t i = 0; i < m->nr; i++) {
		const struct manifest_entry *entry = &m->v[i];
		bool covered = plan_covers(root, entry->path);
		char *name = arena_printf(&p->arena, "%s/%s", root->name, entry->path);
		size_t at = plan_object(p, &entry->oid, name, covered, entry->size);

		any = any || covered;
		vec_push(&p->members, at);
	}
	if (root->inside && !any)
		return err_set(e, ERR_NOTFOUND,
			       "'%s/%s' is not in that directory's manifest", root->name,
			       root->inside);
	g.manifest = plan_object(p, &root->oid, root->name, true, -1);
	g.nr = p->members.nr - g.first;
	*group = p->groups.nr;
	vec_push(&p->groups, g);
	return 0;
}
