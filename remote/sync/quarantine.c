#include "remote/sync/quarantine.h"

#include "remote/sync/listing.h"
#include "store/base/alloc.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct copy {
	struct remote_job job;
	struct quarantined *item;
	struct tmpfile tmp;
	char from[OID_PATH_MAX];
};

char *quarantine_key(const struct oid *oid, char out[QUARANTINE_KEY_MAX])
{
	char key[OID_PATH_MAX];

	IGNORE_RESULT(snprintf(out, QUARANTINE_KEY_MAX, QUARANTINE "%s",
			       oid_path(oid, key)) < 0);
	return out;
}

static void end(struct copy *c, const struct err *e)
{
	if (e) {
		c->item->err = xmalloc(sizeof(*c->item->err));
		*c->item->err = *e;
	}
	tmpfile_release(&c->tmp);
	free(c);
}

/* It is in the temporary: up with it, under a name that tells what it is. */
static void put_back(struct side *s, struct copy *c)
{
	uint64_t bytes = c->job.bytes;
	uint8_t md5[HASH_MD5_N];
	size_t n;

	memcpy(md5, c->job.digest, sizeof(md5));
	n = strlen(quarantine_key(&c->item->oid, c->item->to));
	if (c->item->by_digest) {
		c->item->to[n] = '.';
		hex_encode(md5, sizeof(md5), c->item->to + n + 1);
	}
	c->job = (struct remote_job){.op = REMOTE_PUT,
				     .key = c->item->to,
				     .fd = c->tmp.fd,
				     .bytes = bytes,
				     .has_md5 = true,
				     .ctx = c};
	memcpy(c->job.md5, md5, sizeof(md5));
	remote_submit(s->r, &c->job);
}

static void reap(struct side *s, size_t until)
{
	while (remote_in_flight(s->r) > until) {
		struct remote_job *job = remote_next(s->r);
		struct copy *c;

		if (!job)
			break;
		c = job->ctx;
		if (job->code == ERR_NOTFOUND && job->op == REMOTE_GET) {
			c->item->gone = true;
			end(c, NULL);
		} else if (job->code < 0) {
			end(c, &job->err);
		} else if (job->op == REMOTE_GET) {
			put_back(s, c);
		} else {
			c->item->kept = true;
			end(c, NULL);
		}
	}
}

int quarantine_copy(struct side *s, struct quarantined *v, size_t nr, struct err *e)
{
	size_t limit = MAX_OF((size_t)remote_traits(s->r)->jobs, (size_t)1);
	int dirfd, r = side_state_dir(s, &dirfd, e);

	if (r < 0)
		return r;
	sink_begin(s->o->sink, "keeping wrong objects", nr, 0);
	for (size_t i = 0; i < nr; i++) {
		struct copy *c;

		if ((r = interrupt_check(e)) < 0)
			break;
		reap(s, limit - 1);
		c = xcalloc(1, sizeof(*c));
		c->item = &v[i];
		if ((r = tmpfile_open(&c->tmp, dirfd, 0600, e)) < 0) {
			end(c, NULL);
			break;
		}
		c->job = (struct remote_job){.op = REMOTE_GET,
					     .key = oid_path(&v[i].oid, c->from),
					     .fd = c->tmp.fd,
					     .ctx = c};
		remote_submit(s->r, &c->job);
		sink_add(s->o->sink, 1, 0);
	}
	reap(s, 0);
	sink_end(s->o->sink);
	sys_close(dirfd);
	return r;
}

void quarantine_release(struct quarantined *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(v[i].err);
		v[i].err = NULL;
	}
}

int quarantine_remove(struct side *s, const char *const *keys, size_t nr,
		      struct err *errs, struct err *e)
{
	for (size_t at = 0; at < nr; at += REMOTE_DELETE_MAX) {
		struct remote_job job = {
			.op = REMOTE_DELETE,
			.key = "",
			.keys = keys + at,
			.keys_nr = MIN_OF(nr - at, (size_t)REMOTE_DELETE_MAX),
			.key_errs = errs + at,
		};
		int r;

		if ((r = interrupt_check(e)) < 0)
			return r;
		r = remote_do(s->r, &job, e);
		if (r < 0 && r != ERR_PARTIAL)
			return r;
	}
	return 0;
}

struct found {
	VEC_OF(struct oid) v;
	uint64_t all;
};

static int keep_manifests(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct found *f = job->ctx;

	for (size_t i = 0; i < nr; i++) {
		struct slice key = slice_of(v[i].key);
		struct oid oid;

		f->all++;
		if (slice_starts(key, QUARANTINE) &&
		    listing_oid(v[i].key + strlen(QUARANTINE), &oid) && oid.is_dir)
			vec_push(&f->v, oid);
	}
	return 0;
}

int quarantine_manifests(struct side *s, struct oid **v, size_t *nr, uint64_t *all,
			 struct err *e)
{
	struct found f = {0};
	struct remote_job job = {.op = REMOTE_LIST,
				 .key = QUARANTINE,
				 .on_page = keep_manifests,
				 .ctx = &f};
	int r = remote_do(s->r, &job, e);

	if (r < 0 && r != ERR_NOTFOUND) {
		vec_release(&f.v);
		return r;
	}
	*v = f.v.v;
	*nr = f.v.nr;
	*all = f.all;
	return 0;
}
