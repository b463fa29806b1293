#include "remote/sync/exists.h"

#include "remote/remote.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/log.h"
#include "store/base/sink.h"
#include "store/base/slice.h"
#include "store/base/vec.h"

#include <inttypes.h>
#include <stdlib.h>

/* A LIST page takes 100-300 ms where a HEAD takes 20-40 (measured on AWS). */
#define LIST_WEIGHT 8

/* Under this many questions nothing is probed. */
#define FEW 16

struct query {
	struct remote *r;
	struct exists_item **v; /* sorted by key */
	size_t nr;
	struct sink *sink;
	struct err *e;
	int code; /* the first error that stops the whole */
};

/* One request in flight, with the storage its key needs. */
struct ask {
	struct remote_job job;
	struct query *q;
	char key[OID_PATH_MAX], after[OID_PATH_MAX], until[OID_PATH_MAX];
	size_t lo, hi; /* LIST: the items of its range; HEAD: lo alone */
	size_t at;     /* LIST: the next item to meet */
	bool whole;    /* LIST: came to its end, so what it did not show is not there */
	/* the probe */
	uint64_t seen;
	char last[OID_PATH_MAX];
};

bool exists_prefers_list(uint64_t keys, unsigned page, size_t asked)
{
	uint64_t pages = keys / (page ? page : 1000) + 1;

	return pages * LIST_WEIGHT < asked;
}

static int by_key(const void *a, const void *b)
{
	const struct exists_item *const *x = a, *const *y = b;
	char kx[OID_PATH_MAX], ky[OID_PATH_MAX];

	return strcmp(oid_path(&(*x)->oid, kx), oid_path(&(*y)->oid, ky));
}

/* Does a failure of one question make all the others pointless? */
static bool stops_all(int code)
{
	return code == ERR_CANCELED || code == ERR_AUTH || code == ERR_CONFIG ||
	       code == ERR_UNSUPPORTED;
}

static void finish_head(struct ask *ask)
{
	struct exists_item *item = ask->q->v[ask->lo];

	if (ask->job.code == 0) {
		item->state = EXISTS_YES;
		item->bytes = ask->job.bytes;
		item->modified_ns = ask->job.modified_ns;
	} else if (ask->job.code == ERR_NOTFOUND) {
		item->state = EXISTS_NO;
	} else {
		item->code = ask->job.code;
	}
}

static void finish_list(struct ask *ask)
{
	for (size_t i = ask->lo; i < ask->hi; i++) {
		struct exists_item *item = ask->q->v[i];

		if (item->state == EXISTS_YES)
			continue;
		if (ask->job.code == 0)
			item->state = EXISTS_NO;
		else
			item->code = ask->job.code;
	}
}

static void finish(struct query *q, struct ask *ask)
{
	struct remote_job *job = &ask->job;

	if (job->op == REMOTE_HEAD)
		finish_head(ask);
	else
		finish_list(ask);
	sink_add(q->sink, ask->hi - ask->lo, 0);
	if (job->code < 0 && job->code != ERR_NOTFOUND && q->code == 0 &&
	    (stops_all(job->code) || job->op == REMOTE_LIST)) {
		q->code = job->code;
		if (q->e)
			*q->e = job->err;
	}
	free(ask);
}

static void reap(struct query *q, size_t until)
{
	while (remote_in_flight(q->r) > until) {
		struct remote_job *job = remote_next(q->r);

		if (!job)
			break;
		finish(q, job->ctx);
	}
}

static struct ask *ask_new(struct query *q, enum remote_op op, size_t lo, size_t hi)
{
	struct ask *ask = xcalloc(1, sizeof(*ask));

	ask->q = q;
	ask->lo = ask->at = lo;
	ask->hi = hi;
	ask->job.op = op;
	ask->job.key = ask->key;
	ask->job.ctx = ask;
	return ask;
}

static void submit(struct query *q, struct ask *ask)
{
	reap(q, 2 * (size_t)remote_traits(q->r)->jobs);
	remote_submit(q->r, &ask->job);
}

static void head_range(struct query *q, size_t lo, size_t hi)
{
	for (size_t i = lo; i < hi && q->code == 0; i++) {
		struct ask *ask;

		if (q->v[i]->state != EXISTS_UNKNOWN)
			continue;
		ask = ask_new(q, REMOTE_HEAD, i, i + 1);
		oid_path(&q->v[i]->oid, ask->key);
		submit(q, ask);
	}
}

/* Meet the page with the sorted items of the range; both are in key order, but
 * a server that sorts otherwise must not make us miss one: search each key. */
static int meet_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct ask *ask = job->ctx;
	struct query *q = ask->q;

	for (size_t i = 0; i < nr; i++) {
		size_t lo = ask->lo, hi = ask->hi;

		ask->seen++;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			char key[OID_PATH_MAX];
			int c = strcmp(oid_path(&q->v[mid]->oid, key), v[i].key);

			if (c == 0) {
				q->v[mid]->state = EXISTS_YES;
				q->v[mid]->bytes = v[i].bytes;
				q->v[mid]->modified_ns = v[i].modified_ns;
				break;
			}
			if (c < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
	}
	return 0;
}

/* Stop after the first full page: the probe wants its density only. */
static int probe_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct ask *ask = job->ctx;

	IGNORE_RESULT(meet_page(job, v, nr)); /* never stops */
	if (nr > 0 && strlen(v[nr - 1].key) < sizeof(ask->last))
		memcpy(ask->last, v[nr - 1].key, strlen(v[nr - 1].key) + 1);
	return ask->seen >= remote_traits(ask->q->r)->list_page ? 1 : 0;
}

/* The place of a key in the space of digests, 0..1. */
static double position(const char *key)
{
	double pos = 0, unit = 1.0 / 16;
	const char *p = slice_starts(slice_of(key), "files/md5/") ? key + 10 : key;

	for (int i = 0; *p && i < 10; p++) {
		const char *digits = "0123456789abcdef", *d;

		if (*p == '/')
			continue;
		d = strchr(digits, *p);
		if (!d)
			break;
		pos += (double)(d - digits) * unit;
		unit /= 16;
		i++;
	}
	return pos;
}

/* The prefix shared by all keys of one half. */
static const char *half_prefix(const struct oid *oid)
{
	return oid->algo == OID_MD5 ? "files/md5/" : "";
}

/* List one range of items that share a prefix of `digits` hex digits. */
static void list_range(struct query *q, size_t lo, size_t hi, unsigned digits)
{
	struct ask *ask = ask_new(q, REMOTE_LIST, lo, hi);
	char first[OID_PATH_MAX];
	size_t n;

	oid_path(&q->v[lo]->oid, first);
	n = strlen(half_prefix(&q->v[lo]->oid)) + digits;
	memcpy(ask->key, first, n);
	ask->key[n] = '\0';
	oid_path(&q->v[hi - 1]->oid, ask->until);
	/* Start just before the first: one character less at its end. */
	memcpy(ask->after, first, strlen(first) + 1);
	ask->after[strlen(first) - 1] = '\0';
	ask->job.after = ask->after;
	ask->job.until = ask->until;
	ask->job.on_page = meet_page;
	submit(q, ask);
}

/*
 * Ask for items lo..hi, all of one half, given that the half holds about `total`
 * keys: split by one hex digit, or two where that still means many pages.
 */
static void ask_half(struct query *q, size_t lo, size_t hi, uint64_t total)
{
	unsigned page = remote_traits(q->r)->list_page;
	unsigned digits = total / (page ? page : 1000) > 256 ? 2 : 1;
	uint64_t keys = total / (digits == 1 ? 16 : 256);

	while (lo < hi && q->code == 0) {
		char first[OID_PATH_MAX], key[OID_PATH_MAX];
		size_t end = lo + 1, n;

		oid_path(&q->v[lo]->oid, first);
		n = strlen(half_prefix(&q->v[lo]->oid)) + digits;
		while (end < hi && strncmp(oid_path(&q->v[end]->oid, key), first, n) == 0)
			end++;
		if (exists_prefers_list(keys, page, end - lo))
			list_range(q, lo, end, digits);
		else
			head_range(q, lo, end);
		lo = end;
	}
}

/* Probe one half; true when the probe already answered everything. */
static bool probe(struct query *q, size_t lo, size_t hi, uint64_t *total)
{
	struct ask *ask = ask_new(q, REMOTE_LIST, lo, hi);
	const char *prefix = half_prefix(&q->v[lo]->oid);
	struct err e = {0};
	double covered;
	bool all = false;
	int r;

	memcpy(ask->key, prefix, strlen(prefix) + 1);
	ask->job.on_page = probe_page;
	r = remote_do(q->r, &ask->job, &e);
	*total = 0;
	if (r < 0) {
		/* No right to list, perhaps: then each one is asked for. */
		log_debug("sync", "listing failed, asking one by one: %s", e.text);
		*total = UINT64_MAX / 2;
		if (stops_all(r) && r != ERR_AUTH) {
			q->code = r;
			if (q->e)
				*q->e = e;
			all = true;
		}
	} else if (ask->seen < remote_traits(q->r)->list_page) {
		for (size_t i = lo; i < hi; i++)
			if (q->v[i]->state != EXISTS_YES)
				q->v[i]->state = EXISTS_NO;
		sink_add(q->sink, hi - lo, 0);
		all = true;
	} else {
		covered = position(ask->last);
		*total =
			(uint64_t)((double)ask->seen / (covered > 1e-7 ? covered : 1e-7));
		log_debug("sync", "%s*: about %" PRIu64 " keys", prefix, *total);
	}
	free(ask);
	return all;
}

static void query_half(struct query *q, size_t lo, size_t hi)
{
	const struct remote_traits *traits = remote_traits(q->r);
	uint64_t total;

	if (lo == hi || q->code != 0)
		return;
	if (traits->local || !traits->can_list || hi - lo <= FEW)
		head_range(q, lo, hi);
	else if (!probe(q, lo, hi, &total))
		ask_half(q, lo, hi, total);
	reap(q, 0);
}

int exists_query(struct remote *r, struct exists_item *v, size_t nr, struct sink *sink,
		 struct err *e)
{
	struct query q = {.r = r, .nr = nr, .sink = sink, .e = e};
	size_t split = 0;

	if (nr == 0)
		return 0;
	q.v = xcalloc(nr, sizeof(*q.v));
	for (size_t i = 0; i < nr; i++) {
		v[i].state = EXISTS_UNKNOWN;
		v[i].code = 0;
		q.v[i] = &v[i];
	}
	qsort(q.v, nr, sizeof(*q.v), by_key);
	/* "files/md5/" sorts behind every legacy key that starts with a digit or
	 * a..e, and among those that start with f: keep the halves apart. */
	for (size_t i = 0; i < nr; i++)
		if (q.v[i]->oid.algo == OID_LEGACY) {
			struct exists_item *legacy = q.v[i];

			memmove(q.v + split + 1, q.v + split, (i - split) * sizeof(*q.v));
			q.v[split++] = legacy;
		}
	sink_begin(sink, "asking the remote", nr, 0);
	query_half(&q, 0, split);
	query_half(&q, split, nr);
	sink_end(sink);
	if (q.code == 0 && (q.code = interrupt_check(e)) == 0)
		q.code = 0;
	free(q.v);
	return q.code;
}
