#include "remote/sync/audit.h"

#include "remote/remote.h"
#include "remote/sync/transfer.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/log.h"
#include "store/base/sink.h"
#include "store/base/tmpfile.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>

/* Up to this an object is hashed where it arrives, in memory. */
#define SMALL ((uint64_t)256 * 1024)

struct auditor {
	struct remote *r;
	int dirfd;
	struct audit_item *v;
	struct sink *sink;
	audit_fn fn;
	void *ctx;
	struct err *e;
	int code; /* why the whole stops */
};

struct reading {
	struct remote_job job;
	char key[OID_PATH_MAX];
	struct tmpfile tmp;
	struct buf bytes;
	size_t at;
};

static bool stops_all(int code)
{
	return code == ERR_CANCELED || code == ERR_AUTH || code == ERR_CONFIG;
}

static void end(struct auditor *a, struct reading *rd, enum audit_state state,
		const struct err *e)
{
	struct audit_item *item = &a->v[rd->at];
	char text[2048];

	item->state = (uint8_t)state;
	item->bytes = rd->job.bytes;
	if (state == AUDIT_FAILED) {
		err_format(e, text, sizeof(text));
		item->code = e->code;
		item->error = xstrdup(text);
		if (stops_all(e->code) && a->code == 0) {
			a->code = e->code;
			if (a->e)
				*a->e = *e;
		}
	}
	if (a->fn)
		a->fn(a->ctx, rd->at);
	sink_add(a->sink, 1, rd->job.op == REMOTE_GET_BYTES ? rd->job.bytes : 0);
	tmpfile_release(&rd->tmp);
	buf_release(&rd->bytes);
	free(rd);
}

/* Is the name the plain MD5 of the bytes? Of a legacy file it is not. */
static bool is_plain(const struct oid *oid)
{
	return oid->algo == OID_MD5 || oid->is_dir;
}

/* Into a temporary; wrong bytes are fetched once more by the engine. */
static void start_large(struct auditor *a, struct reading *rd)
{
	const struct oid *oid = &a->v[rd->at].oid;
	struct err e = {0};

	if (tmpfile_open(&rd->tmp, a->dirfd, 0600, &e) < 0) {
		end(a, rd, AUDIT_FAILED, &e);
		return;
	}
	rd->job = (struct remote_job){.op = REMOTE_GET,
				      .key = rd->key,
				      .fd = rd->tmp.fd,
				      .has_md5 = is_plain(oid),
				      .sink = a->sink,
				      .ctx = rd};
	memcpy(rd->job.md5, oid->b, sizeof(rd->job.md5));
	remote_submit(a->r, &rd->job);
}

static void start(struct auditor *a, size_t at)
{
	struct reading *rd = xcalloc(1, sizeof(*rd));
	const struct audit_item *item = &a->v[at];

	rd->at = at;
	oid_path(&item->oid, rd->key);
	if (!is_plain(&item->oid) || item->bytes > SMALL) {
		start_large(a, rd);
		return;
	}
	rd->job = (struct remote_job){.op = REMOTE_GET_BYTES,
				      .key = rd->key,
				      .out = &rd->bytes,
				      .limit = (size_t)SMALL,
				      .ctx = rd};
	remote_submit(a->r, &rd->job);
}

static void judge_small(struct auditor *a, struct reading *rd)
{
	uint8_t digest[HASH_MD5_N];

	if (rd->job.code < 0 && rd->job.code != ERR_INVALID) {
		end(a, rd, rd->job.code == ERR_NOTFOUND ? AUDIT_ABSENT : AUDIT_FAILED,
		    &rd->job.err);
		return;
	}
	if (rd->job.code == 0) {
		rd->job.bytes = rd->bytes.n;
		hash_md5(rd->bytes.p ? rd->bytes.p : "", rd->bytes.n, digest);
		if (memcmp(digest, a->v[rd->at].oid.b, sizeof(digest)) == 0) {
			end(a, rd, AUDIT_GOOD, NULL);
			return;
		}
	}
	/* Wrong, or larger than it was said to be: once more, the long way. */
	log_debug("sync", "%s arrived with another digest, reading once more", rd->key);
	buf_reset(&rd->bytes);
	start_large(a, rd);
}

static void judge(struct auditor *a, struct reading *rd)
{
	const struct oid *oid = &a->v[rd->at].oid;
	struct err *e = &rd->job.err;
	int code = rd->job.code;

	if (rd->job.op == REMOTE_GET_BYTES) {
		judge_small(a, rd);
		return;
	}
	if (code == 0)
		code = transfer_digest(oid, rd->tmp.fd, rd->job.digest, e);
	if (code == ERR_NOTFOUND)
		end(a, rd, AUDIT_ABSENT, NULL);
	else if (code < 0 && code != ERR_CORRUPT)
		end(a, rd, AUDIT_FAILED, e);
	else if (code == ERR_CORRUPT || memcmp(rd->job.digest, oid->b, 16) != 0)
		end(a, rd, AUDIT_WRONG, NULL);
	else
		end(a, rd, AUDIT_GOOD, NULL);
}

static void reap(struct auditor *a, size_t until)
{
	while (remote_in_flight(a->r) > until) {
		struct remote_job *job = remote_next(a->r);

		if (!job)
			break;
		judge(a, job->ctx);
	}
}

int audit_read(struct remote *r, int dirfd, struct audit_item *v, size_t nr,
	       struct sink *sink, audit_fn fn, void *ctx, struct err *e)
{
	struct auditor a = {.r = r,
			    .dirfd = dirfd,
			    .v = v,
			    .sink = sink,
			    .fn = fn,
			    .ctx = ctx,
			    .e = e};
	size_t limit = MAX_OF((size_t)remote_traits(r)->jobs, (size_t)1);
	uint64_t bytes = 0;

	for (size_t i = 0; i < nr; i++)
		bytes += v[i].bytes;
	sink_begin(sink, "reading the remote", nr, bytes);
	for (size_t i = 0; i < nr && a.code == 0; i++) {
		if ((a.code = interrupt_check(e)) < 0)
			break;
		reap(&a, limit - 1);
		if (a.code == 0)
			start(&a, i);
	}
	reap(&a, 0);
	sink_end(sink);
	return a.code;
}

void audit_release(struct audit_item *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(v[i].error);
		v[i].error = NULL;
	}
}
