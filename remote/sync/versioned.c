#include "remote/sync/versioned.h"

#include "remote/sync/exists.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/meta/collect.h"
#include "store/meta/stage.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"

#include <stdlib.h>
#include <string.h>

/*
 * The version on record for this remote: where a push put it, or, with what came
 * from the remote itself, beside the hash.
 */
static const char *version_of(const struct side *s, const struct cloud_entry *cloud,
			      const char *own)
{
	if (cloud->remote)
		return strcmp(cloud->remote, s->section.name) == 0 ? cloud->version_id
								   : NULL;
	return own;
}

bool versioned_locate(const struct side *s, const struct out *out, const struct oid *oid,
		      char **key, const char **version)
{
	const struct pinned *pin = &out->at;

	*version = NULL;
	for (size_t i = 0; i < pin->files_nr && !*version; i++) {
		const struct out_file *f = &pin->files[i];

		if (!oid_eq(&f->oid, oid))
			continue;
		*version = version_of(s, &f->cloud, f->version_id);
		if (*version)
			*key = path_join(out_path(out), f->path);
	}
	if (!pin->has_files && oid_eq(&pin->oid, oid)) {
		*version = version_of(s, &pin->cloud, pin->version_id);
		if (*version)
			*key = xstrdup(out_path(out));
	}
	return *version != NULL;
}

static void place(struct plan *p, size_t at, const char *key, const char *version)
{
	struct plan_object *object = &p->objects.v[at];

	/* Files of the same bytes are one object: any of them that has a version. */
	if (object->x.version || !version)
		return;
	object->x.key = arena_strdup(&p->arena, key);
	object->x.version = arena_strdup(&p->arena, version);
}

static int expand_files(struct side *s, struct plan *p, const struct plan_root *root,
			struct err *e)
{
	const struct out *out = root->out;
	struct manifest m = {0};
	struct buf bytes = {0};
	size_t group = MAP_NONE;
	int r;

	for (size_t i = 0; i < out->at.files_nr; i++)
		manifest_add(&m, out->at.files[i].path, &out->at.files[i].oid,
			     out->at.files[i].size);
	manifest_sort(&m);
	if ((r = plan_expand(p, root, &m, &group, e)) < 0 ||
	    (r = manifest_write(&m, &bytes, e)) < 0)
		goto out;
	for (size_t i = 0; i < out->at.files_nr; i++) {
		const struct out_file *f = &out->at.files[i];
		char *key = xasprintf("%s/%s", root->name, f->path);
		size_t at = plan_object(p, &f->oid, root->name, false, f->size);

		place(p, at, key, version_of(s, &f->cloud, f->version_id));
		free(key);
	}
	p->objects.v[p->groups.v[group].manifest].on_remote = EXISTS_YES;
	p->objects.v[p->groups.v[group].manifest].wanted = false;
	if (odb_check(s->odb, &root->oid, NULL) < 0) {
		p->groups.v[group].bytes = bytes;
		p->groups.v[group].fetched = true;
		bytes = (struct buf){0};
	}
out:
	buf_release(&bytes);
	manifest_release(&m);
	return r;
}

int versioned_expand(struct side *s, struct plan *p, const struct plan_root *root,
		     struct err *e)
{
	const struct pinned *pin = &root->out->at;
	struct err why = {0};
	size_t group;
	int r;

	if (pin->has_files) {
		r = expand_files(s, p, root, &why);
	} else {
		/* A directory that was never pushed there has its manifest's hash, and
		 * like a file without a version it is told as that. */
		r = plan_expand(p, root, NULL, &group, &why);
		if (r == 0)
			place(p,
			      plan_object(p, &root->oid, root->name, true, root->bytes),
			      root->name, version_of(s, &pin->cloud, pin->version_id));
	}
	if (r == ERR_NOTFOUND) {
		side_fail_err(s, root->name, &root->oid, &why);
		return 0;
	}
	if (r < 0 && e)
		*e = why;
	return r;
}

void versioned_refuse_unrecorded(struct side *s, struct plan *p)
{
	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];
		char *why;

		if (!object->wanted || object->x.version ||
		    odb_check(s->odb, &object->x.oid, NULL) == 0)
			continue;
		why = xasprintf("no version of it is on record for remote '%s'",
				s->section.name);
		side_fail(s, object->name, &object->x.oid, "missing", ERR_MISSING, why);
		object->wanted = false;
		free(why);
	}
}

struct question {
	struct remote_job job;
	struct plan_object *object;
};

static void reap(struct side *s, size_t until)
{
	while (remote_in_flight(s->r) > until) {
		struct remote_job *job = remote_next(s->r);
		struct question *q;

		if (!job)
			break;
		q = job->ctx;
		if (job->code == 0) {
			q->object->on_remote = EXISTS_YES;
			q->object->x.bytes = job->bytes;
		} else if (job->code == ERR_NOTFOUND) {
			q->object->on_remote = EXISTS_NO;
		} else {
			q->object->x.code = job->code;
		}
		sink_add(s->o->sink, 1, 0);
		free(q);
	}
}

int versioned_ask(struct side *s, struct plan *p, bool only_wanted, struct err *e)
{
	size_t limit;
	int r = side_remote(s, e);

	if (r < 0)
		return r;
	limit = MAX_OF((size_t)remote_traits(s->r)->jobs, (size_t)1);
	sink_begin(s->o->sink, "asking the remote", p->objects.nr, 0);
	for (size_t i = 0; i < p->objects.nr; i++) {
		struct plan_object *object = &p->objects.v[i];
		struct question *q;

		if (object->on_remote != EXISTS_UNKNOWN ||
		    (only_wanted && !object->wanted))
			continue;
		if (!object->x.version) {
			object->on_remote = EXISTS_NO;
			continue;
		}
		if ((r = interrupt_check(e)) < 0)
			break;
		reap(s, limit - 1);
		q = xcalloc(1, sizeof(*q));
		q->object = object;
		q->job = (struct remote_job){.op = REMOTE_HEAD,
					     .key = object->x.key,
					     .version = object->x.version,
					     .ctx = q};
		remote_submit(s->r, &q->job);
	}
	reap(s, 0);
	sink_end(s->o->sink);
	return r;
}

static void note_new(struct side *s, const struct plan_object *object)
{
	struct report_item *item = side_note(s, object->name, &object->x.oid, "new", -1);

	item->code = ERR_UNSUPPORTED;
	item->error = arena_strdup(&s->res->report.arena,
				   "no version of it on the remote is on record");
}

int versioned_push(struct side *s, struct plan *p, struct err *e)
{
	size_t lacking = 0;
	int r = 0;

	for (size_t i = 0; i < p->roots.nr && r == 0; i++)
		r = versioned_expand(s, p, &p->roots.v[i], e);
	if (r < 0 || (r = versioned_ask(s, p, true, e)) < 0)
		return r;
	for (size_t i = 0; i < p->objects.nr; i++) {
		const struct plan_object *object = &p->objects.v[i];

		if (!object->wanted || object->on_remote == EXISTS_YES)
			continue;
		if (object->on_remote == EXISTS_UNKNOWN) {
			side_fail(s, object->name, &object->x.oid, "failed",
				  object->x.code, "the remote did not answer for it");
			continue;
		}
		note_new(s, object);
		lacking++;
	}
	if (lacking == 0)
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
		       "remote '%s' is version-aware: writing to it is not offered, and "
		       "%zu file%s not there",
		       s->section.name, lacking, lacking == 1 ? " is" : "s are");
}
