/*
 * Every manifest that the remote has, from the cache where that has it, else from
 * the remote, several at a time and in no order; as many are in memory as there
 * are transfers.
 */
#include "remote/sync/fsck_int.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/hash/hash.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"

#include <stdlib.h>
#include <string.h>

/* A manifest of ten million entries has about this size. */
#define MANIFEST_LIMIT ((size_t)1 << 30)

struct pass {
	struct check *c;
	check_manifest_fn fn;
	void *ctx;
	struct err *e;
	int code; /* why the whole stops */
};

struct reading {
	struct remote_job job;
	char key[OID_PATH_MAX];
	struct buf bytes;
	size_t at;
	unsigned tries;
};

static void reading_free(struct reading *rd)
{
	buf_release(&rd->bytes);
	free(rd);
}

static void submit(struct pass *p, struct reading *rd)
{
	rd->tries++;
	buf_reset(&rd->bytes);
	rd->job = (struct remote_job){.op = REMOTE_GET_BYTES,
				      .key = rd->key,
				      .out = &rd->bytes,
				      .limit = MANIFEST_LIMIT,
				      .ctx = rd};
	remote_submit(p->c->s.r, &rd->job);
}

static void stop(struct pass *p, int code, const struct err *e)
{
	if (p->code != 0)
		return;
	p->code = code;
	if (p->e)
		*p->e = *e;
}

static void hand_over(struct pass *p, size_t at, const struct manifest *m, int r,
		      const struct err *why)
{
	if (r == 0 || r == ERR_CORRUPT || r == ERR_UNSUPPORTED)
		p->fn(p->c, at, r == 0 ? m : NULL, r, why->text, p->ctx);
	else if (r == ERR_NOTFOUND)
		p->c->flags[at] |= CHECK_GONE; /* since it was listed */
	else
		stop(p, r, why);
}

/* What came is believed when it has the digest; else it is asked for once more. */
static void end(struct pass *p, struct reading *rd)
{
	const struct oid *oid = &p->c->l.v.v[rd->at].oid;
	struct manifest m = {0};
	struct err why = rd->job.err;
	uint8_t digest[HASH_MD5_N];
	int r = rd->job.code;

	if (r == 0) {
		hash_md5(rd->bytes.p ? rd->bytes.p : "", rd->bytes.n, digest);
		if (memcmp(digest, oid->b, sizeof(digest)) == 0)
			r = manifest_parse(buf_slice(&rd->bytes), oid->algo, &m, &why);
		else if (rd->tries < 2 && p->code == 0) {
			submit(p, rd);
			return;
		} else {
			r = err_set(&why, ERR_CORRUPT,
				    "the remote's bytes have another digest");
		}
	}
	hand_over(p, rd->at, &m, r, &why);
	manifest_release(&m);
	reading_free(rd);
	sink_add(p->c->o->sink, 1, 0);
}

static void reap(struct pass *p, size_t until)
{
	while (remote_in_flight(p->c->s.r) > until) {
		struct remote_job *job = remote_next(p->c->s.r);

		if (!job)
			break;
		end(p, job->ctx);
	}
}

int check_each_manifest(struct check *c, check_manifest_fn fn, void *ctx, struct err *e)
{
	struct pass p = {.c = c, .fn = fn, .ctx = ctx, .e = e};
	size_t limit = MAX_OF((size_t)remote_traits(c->s.r)->jobs, (size_t)1);

	sink_begin(c->o->sink, "reading manifests", 0, 0);
	for (size_t i = 0; i < c->l.v.nr && p.code == 0; i++) {
		const struct oid *oid = &c->l.v.v[i].oid;
		struct manifest m = {0};
		struct err why = {0};
		struct reading *rd;
		int r;

		if (!oid->is_dir || (c->flags[i] & (CHECK_BAD | CHECK_GONE)))
			continue;
		if ((r = interrupt_check(e)) < 0) {
			p.code = r;
			break;
		}
		r = odb_read_manifest(c->s.odb, oid, &m, &why);
		if (r != ERR_NOTFOUND && r != ERR_CORRUPT) {
			hand_over(&p, i, &m, r, &why);
			manifest_release(&m);
			continue;
		}
		manifest_release(&m);
		reap(&p, limit - 1);
		rd = xcalloc(1, sizeof(*rd));
		rd->at = i;
		oid_path(oid, rd->key);
		submit(&p, rd);
	}
	reap(&p, 0);
	sink_end(c->o->sink);
	return p.code;
}
