#include "remote/sync/listing.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/repo/gc.h"
#include "store/repo/repo.h"

#include <stdlib.h>
#include <string.h>

struct victims {
	VEC_OF(const struct listed *) v; /* manifests first */
};

/* Manifests go before the members they promise, each half in order of names. */
static void choose(const struct listing *l, const struct gc_keep *keep, int64_t grace_ns,
		   struct victims *victims, struct sync_gc_result *res)
{
	int64_t now = clock_wall_ns();

	for (int dirs = 1; dirs >= 0; dirs--)
		for (size_t i = 0; i < l->v.nr; i++) {
			const struct listed *item = &l->v.v[i];

			if (item->oid.is_dir != (dirs == 1))
				continue;
			if (gc_keep_has(keep, &item->oid)) {
				res->used++;
				continue;
			}
			/* An age that the remote does not tell is no age. */
			if (grace_ns > 0 && (item->modified_ns == 0 ||
					     now - item->modified_ns < grace_ns)) {
				res->kept_young++;
				continue;
			}
			res->planned++;
			res->planned_bytes += item->bytes;
			vec_push(&victims->v, item);
		}
	res->foreign = l->foreign;
}

static void note(struct sync_gc_result *res, const struct listed *item, const char *state,
		 const struct err *e)
{
	char key[OID_PATH_MAX], text[2048];
	struct report_item *made;

	made = report_add(&res->report, oid_path(&item->oid, key), &item->oid, state,
			  (int64_t)item->bytes);
	if (!e) {
		res->removed++;
		res->removed_bytes += item->bytes;
		return;
	}
	err_format(e, text, sizeof(text));
	made->code = e->code;
	made->error = arena_strdup(&res->report.arena, text);
}

/* So many requests of REMOTE_DELETE_MAX keys at a time. */
#define BATCHES_MAX 8

struct batch {
	struct remote_job job;
	const struct listed *const *v;
	char paths[REMOTE_DELETE_MAX][OID_PATH_MAX];
	const char *keys[REMOTE_DELETE_MAX];
	struct err errs[REMOTE_DELETE_MAX];
};

struct removal {
	struct side *s;
	struct sync_gc_result *res;
	struct err *e;
	size_t failed, refused;
	int code; /* why the whole stops */
};

static void submit_batch(struct removal *rm, const struct listed *const *v, size_t nr)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->v = v;
	b->job = (struct remote_job){.op = REMOTE_DELETE,
				     .key = "",
				     .keys = b->keys,
				     .keys_nr = nr,
				     .key_errs = b->errs,
				     .ctx = b};
	for (size_t i = 0; i < nr; i++)
		b->keys[i] = oid_path(&v[i]->oid, b->paths[i]);
	remote_submit(rm->s->r, &b->job);
}

/* Failures are per key; a batch that could not be asked for at all ends the run. */
static void end_batch(struct removal *rm, struct batch *b)
{
	bool asked = b->job.code == 0 || b->job.code == ERR_PARTIAL;

	if (!asked && rm->code == 0) {
		rm->code = b->job.code;
		if (rm->e)
			*rm->e = b->job.err;
	}
	for (size_t i = 0; i < b->job.keys_nr && asked; i++) {
		const struct err *why = &b->errs[i];
		bool went = why->code == 0 || why->code == ERR_NOTFOUND;

		note(rm->res, b->v[i], went ? "removed" : "failed", went ? NULL : why);
		rm->failed += !went;
		rm->refused += why->code == ERR_AUTH;
	}
	sink_add(rm->s->o->sink, b->job.keys_nr, 0);
	free(b);
}

static void reap(struct removal *rm, size_t until)
{
	while (remote_in_flight(rm->s->r) > until) {
		struct remote_job *job = remote_next(rm->s->r);

		if (!job)
			break;
		end_batch(rm, job->ctx);
	}
}

static void remove_range(struct removal *rm, const struct listed *const *v, size_t nr)
{
	for (size_t at = 0; at < nr && rm->code == 0; at += REMOTE_DELETE_MAX) {
		if ((rm->code = interrupt_check(rm->e)) < 0)
			break;
		reap(rm, BATCHES_MAX - 1);
		if (rm->code == 0)
			submit_batch(rm, v + at,
				     MIN_OF(nr - at, (size_t)REMOTE_DELETE_MAX));
	}
	reap(rm, 0);
}

/* Members stay while a manifest could not be removed. */
static int remove_all(struct side *s, const struct victims *victims,
		      struct sync_gc_result *res, struct err *e)
{
	struct removal rm = {.s = s, .res = res, .e = e};
	size_t nr = victims->v.nr, dirs = 0;

	while (dirs < nr && victims->v.v[dirs]->oid.is_dir)
		dirs++;
	sink_begin(s->o->sink, "removing", nr, 0);
	remove_range(&rm, victims->v.v, dirs);
	if (rm.code == 0 && rm.failed == 0)
		remove_range(&rm, victims->v.v + dirs, nr - dirs);
	sink_end(s->o->sink);
	if (rm.code < 0 || rm.failed == 0)
		return rm.code;
	return err_set(
		e, ERR_PARTIAL, "%zu object%s could not be removed from the remote%s",
		rm.failed, rm.failed == 1 ? "" : "s",
		rm.refused > 0 ? ": a retention lock or a policy may hold them" : "");
}

int sync_gc(struct repo *repo, const char *remote, const struct gc_keep *keep,
	    int64_t grace_ns, bool dry_run, unsigned jobs, struct sink *sink,
	    struct sync_gc_result *res, struct err *e)
{
	struct sync_options o = {
		.remote = remote, .jobs = jobs, .sink = sink, .refresh = true};
	struct sync_result unused = {0};
	struct victims victims = {0};
	struct listing l = {0};
	struct side s = {0};
	int r;

	if ((r = side_open(&s, repo, remote, &o, &unused, e)) < 0 ||
	    (r = side_remote(&s, e)) < 0 || (r = listing_read(s.r, sink, &l, e)) < 0)
		goto out;
	choose(&l, keep, grace_ns, &victims, res);
	if (res->on_plan)
		res->on_plan(res->ctx, res);
	/* Whatever the journal said, it is not to be believed after this. */
	journal_drop_all(&s.journal);
	if (dry_run)
		for (size_t i = 0; i < victims.v.nr; i++)
			note(res, victims.v.v[i], "would remove", NULL);
	else
		r = remove_all(&s, &victims, res, e);
out:
	vec_release(&victims.v);
	listing_release(&l);
	side_close(&s);
	sync_result_release(&unused);
	return r;
}
