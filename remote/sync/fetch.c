#include "remote/sync/drive.h"
#include "remote/sync/exists.h"
#include "remote/sync/origin.h"
#include "remote/sync/side.h"
#include "remote/sync/versioned.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/meta/stage.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* An import's data comes from its source, which is not offered yet. */
static bool is_foreign(const struct plan_root *root)
{
	return root->out->stage->kind == STAGE_IMPORT_REPO;
}

static void refuse_import(struct side *s, const struct plan_root *root)
{
	char *why =
		xasprintf("'%s' imports it from another repository, and importing is not "
			  "offered yet",
			  root->out->stage->file);

	side_fail(s, root->name, &root->oid, "failed", ERR_UNSUPPORTED, why);
	free(why);
}

/* Is every object of this root here and good? Needs the manifest here. */
static bool whole_here(struct side *s, const struct plan_root *root)
{
	struct manifest m = {0};
	bool here = odb_check(s->odb, &root->oid, NULL) == 0;

	if (here && root->oid.is_dir) {
		here = odb_read_manifest(s->odb, &root->oid, &m, NULL) == 0;
		for (size_t i = 0; i < m.nr && here; i++)
			if (plan_covers(root, m.v[i].path))
				here = odb_check(s->odb, &m.v[i].oid, NULL) == 0;
	}
	manifest_release(&m);
	return here;
}

/* Its data stays where it came from, under the version on record. */
static bool is_pinned_import(const struct plan_root *root)
{
	return !root->out->push && origin_is_versioned(root);
}

static int fetch_import(struct side *s, const struct plan_root *root, struct err *e)
{
	if (whole_here(s, root))
		return 0;
	if (!s->o->dry_run)
		return origin_fetch_import(s, root, e);
	s->res->moved++;
	s->res->moved_bytes += root->bytes > 0 ? (uint64_t)root->bytes : 0;
	side_note(s, root->name, &root->oid, "would fetch", root->bytes);
	return 0;
}

static int expand(struct side *s, struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->roots.nr; i++) {
		const struct plan_root *root = &p->roots.v[i];
		int r;

		if (s->o->max_size >= 0 && root->bytes >= s->o->max_size)
			continue;
		if (is_pinned_import(root)) {
			if ((r = fetch_import(s, root, e)) < 0)
				return r;
			continue;
		}
		if (is_foreign(root)) {
			if (!whole_here(s, root))
				refuse_import(s, root);
			continue;
		}
		if ((r = drive_expand(s, p, root, DRIVE_KEEP_BYTES, e)) < 0)
			return r;
	}
	return 0;
}

/* Which objects the cache lacks, or has wrong. Manifests are handled apart. */
static void look_here(struct side *s, struct plan *p)
{
	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];

		if (object->wanted)
			object->here = odb_check(s->odb, &object->x.oid, NULL) == 0;
	}
	for (size_t i = 0; i < p->groups.nr; i++)
		p->objects.v[p->groups.v[i].manifest].here = !p->groups.v[i].fetched;
}

/*
 * The bytes to come, as far as they are known: an object's own size, else its
 * share of what the output recorded.
 */
static uint64_t expected_bytes(const struct plan *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->objects.nr; i++)
		if (p->objects.v[i].wanted && !p->objects.v[i].here)
			sum += p->objects.v[i].x.bytes;
	for (size_t i = 0; i < p->groups.nr; i++) {
		const struct plan_group *g = &p->groups.v[i];
		const struct plan_object *manifest = &p->objects.v[g->manifest];
		uint64_t need = 0, total = 0;

		for (size_t k = 0; k < g->nr; k++) {
			const struct plan_object *m =
				&p->objects.v[p->members.v[g->first + k]];

			need += m->wanted && !m->here && m->x.bytes == 0;
		}
		for (size_t k = 0; k < p->roots.nr; k++)
			if (oid_eq(&p->roots.v[k].oid, &manifest->x.oid) &&
			    p->roots.v[k].bytes > 0)
				total = (uint64_t)p->roots.v[k].bytes;
		if (g->nr > 0)
			sum += (uint64_t)((double)total * (double)need / (double)g->nr);
	}
	return sum;
}

static int check_space(struct side *s, uint64_t need, struct err *e)
{
	struct buf want = {0}, have = {0};
	uint64_t free_bytes, inodes;
	bool net;
	int fd, r = 0;

	fd = sys_openat(AT_FDCWD, odb_dir(s->odb), O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		fd = sys_openat(AT_FDCWD, repo_root(s->repo), O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return 0; /* what follows will say why */
	if (sys_fs_space(fd, &free_bytes, &inodes, &net) == 0 && need > free_bytes) {
		text_bytes(&want, need);
		text_bytes(&have, free_bytes);
		r = err_set(e, ERR_IO, "'%s': %s are to come, but only %s are free",
			    odb_dir(s->odb), buf_str(&want), buf_str(&have));
	}
	sys_close(fd);
	buf_release(&want);
	buf_release(&have);
	return r;
}

static int count_dry(struct side *s, struct plan *p, struct err *e)
{
	int r = side_ask(s, p, true, e);

	for (size_t i = 0; i < p->objects.nr && r == 0; i++) {
		struct plan_object *object = &p->objects.v[i];

		if (!object->wanted || object->here)
			continue;
		if (object->on_remote == EXISTS_NO) {
			side_fail(s, object->name, &object->x.oid, "missing", ERR_MISSING,
				  SIDE_NOWHERE);
		} else {
			s->res->moved++;
			s->res->moved_bytes += object->x.bytes;
			side_note(s, object->name, &object->x.oid, "would fetch",
				  (int64_t)object->x.bytes);
		}
	}
	return r;
}

static void settle(struct side *s, struct plan_object *object)
{
	switch (object->x.state) {
	case TRANSFER_DONE:
		object->here = true;
		s->res->moved++;
		s->res->moved_bytes += object->x.bytes;
		side_note(s, object->name, &object->x.oid, "fetched",
			  (int64_t)object->x.bytes);
		break;
	case TRANSFER_MISSING:
		/* Did the journal say that it is there? Then it is worth nothing. */
		journal_drop_all(&s->journal);
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

static int download(struct side *s, struct plan *p, struct err *e)
{
	struct transfer_item **v = xcalloc(p->objects.nr, sizeof(struct transfer_item *));
	size_t *at = xcalloc(p->objects.nr, sizeof(*at)), nr = 0;
	int r = 0;

	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];

		/* A manifest that was read for its members has its bytes already. */
		if (object->wanted && !object->here && !object->x.oid.is_dir) {
			at[nr] = i;
			v[nr++] = &object->x;
		}
	}
	if (nr > 0 && (r = side_remote(s, e)) == 0)
		r = transfer_download(s->r, s->odb, v, nr, s->o->sink, e);
	for (size_t i = 0; i < nr; i++)
		settle(s, &p->objects.v[at[i]]);
	free(at);
	free(v);
	return r;
}

/* Manifests get their names after their members, as DVC does on a fetch. */
static int publish_manifests(struct side *s, struct plan *p, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < p->groups.nr && r == 0; i++) {
		struct plan_group *g = &p->groups.v[i];
		struct plan_object *object = &p->objects.v[g->manifest];
		struct oid oid;

		if (!g->fetched || object->here)
			continue;
		r = odb_add_bytes(s->odb, buf_slice(&g->bytes), object->x.oid.algo, true,
				  &oid, e);
		if (r < 0)
			break;
		object->here = true;
		s->res->moved++;
		s->res->moved_bytes += g->bytes.n;
		side_note(s, object->name, &object->x.oid, "fetched",
			  (int64_t)object->x.bytes);
	}
	return r;
}

static int fetch_plan(struct side *s, struct plan *p, struct err *e)
{
	int r, sync;

	if ((r = expand(s, p, e)) < 0)
		return r;
	if (s->is_versioned)
		versioned_refuse_unrecorded(s, p);
	look_here(s, p);
	if (s->o->dry_run)
		return count_dry(s, p, e);
	if ((r = check_space(s, expected_bytes(p), e)) < 0)
		return r;
	r = download(s, p, e);
	if (r == 0)
		r = publish_manifests(s, p, e);
	sync = odb_flush(s->odb, r == 0 ? e : NULL);
	return r < 0 ? r : sync;
}

/* Without any remote a fetch succeeds when the cache has all that is asked for. */
static int fetch_without_remote(struct side *s, struct plan *p, struct err *e)
{
	int r;

	s->res->nothing_to_ask = true;
	for (size_t i = 0; i < p->roots.nr; i++) {
		const struct plan_root *root = &p->roots.v[i];

		if (is_pinned_import(root)) {
			s->res->nothing_to_ask = false;
			if ((r = fetch_import(s, root, e)) < 0)
				return r;
		} else if (!whole_here(s, root)) {
			side_fail(s, root->name, &root->oid, "missing", ERR_MISSING,
				  "the cache lacks it, and no remote is configured");
		}
	}
	return odb_flush(s->odb, e);
}

int sync_fetch(struct repo *repo, const struct sync_options *o, struct sync_result *res,
	       struct err *e)
{
	static const struct drive d = {.kind = PLAN_FETCH,
				       .fn = fetch_plan,
				       .without_remote = fetch_without_remote,
				       .locks_cache = true};
	int r = drive_all(repo, o, &d, res, e);

	return r < 0 ? r : side_verdict(res, "download", e);
}
