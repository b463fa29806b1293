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

			if (item->oid.is_dir != (dirs == 1) ||
			    gc_keep_has(keep, &item->oid))
				continue;
			/* An age that the remote does not tell is no age. */
			if (grace_ns > 0 && (item->modified_ns == 0 ||
					     now - item->modified_ns < grace_ns)) {
				res->kept_young++;
				continue;
			}
			vec_push(&victims->v, item);
		}
}

static void note(struct side *s, struct sync_gc_result *res, const struct listed *item,
		 const char *state, const struct err *e)
{
	char key[OID_PATH_MAX], text[2048];
	struct report_item *made;

	made = report_add(&res->report, oid_path(&item->oid, key), &item->oid, state,
			  (int64_t)item->bytes);
	(void)s;
	if (!e) {
		res->removed++;
		res->removed_bytes += item->bytes;
		return;
	}
	err_format(e, text, sizeof(text));
	made->code = e->code;
	made->error = arena_strdup(&res->report.arena, text);
}

/* One batch; failures are per key. Returns how many failed, or an error. */
static int remove_batch(struct side *s, const struct listed *const *v, size_t nr,
			struct sync_gc_result *res, size_t *failed, struct err *e)
{
	char(*paths)[OID_PATH_MAX] = xcalloc(nr, sizeof(*paths));
	const char **keys = xcalloc(nr, sizeof(const char *));
	struct err *errs = xcalloc(nr, sizeof(*errs));
	struct remote_job job = {.op = REMOTE_DELETE,
				 .keys = keys,
				 .keys_nr = nr,
				 .key_errs = errs,
				 .key = ""};
	int r;

	for (size_t i = 0; i < nr; i++)
		keys[i] = oid_path(&v[i]->oid, paths[i]);
	r = remote_do(s->r, &job, e);
	for (size_t i = 0; i < nr && r == 0; i++) {
		bool ok = errs[i].code == 0;

		note(s, res, v[i], ok ? "removed" : "failed", ok ? NULL : &errs[i]);
		*failed += !ok;
	}
	sink_add(s->o->sink, nr, 0);
	free(errs);
	free(keys);
	free(paths);
	return r;
}

static int remove_all(struct side *s, const struct victims *victims,
		      struct sync_gc_result *res, struct err *e)
{
	size_t nr = victims->v.nr, done = 0, failed = 0, dirs = 0;
	int r = 0;

	while (dirs < nr && victims->v.v[dirs]->oid.is_dir)
		dirs++;
	sink_begin(s->o->sink, "removing", nr, 0);
	while (done < nr && r == 0) {
		/* A batch never mixes manifests and members, and members stay
		 * while a manifest could not be removed. */
		size_t end = done < dirs ? dirs : nr;
		size_t n = MIN_OF(end - done, (size_t)REMOTE_DELETE_MAX);

		if (done >= dirs && failed > 0)
			break;
		if ((r = interrupt_check(e)) < 0)
			break;
		r = remove_batch(s, victims->v.v + done, n, res, &failed, e);
		done += n;
	}
	sink_end(s->o->sink);
	if (r == 0 && failed > 0)
		r = err_set(e, ERR_PARTIAL,
			    "%zu objects could not be removed from the remote", failed);
	return r;
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
	/* Whatever the journal said, it is not to be believed after this. */
	journal_drop_all(&s.journal);
	if (dry_run)
		for (size_t i = 0; i < victims.v.nr; i++)
			note(&s, res, victims.v.v[i], "would remove", NULL);
	else
		r = remove_all(&s, &victims, res, e);
out:
	vec_release(&victims.v);
	listing_release(&l);
	side_close(&s);
	sync_result_release(&unused);
	return r;
}
