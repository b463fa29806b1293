#include "remote/sync/listing.h"

#include "remote/remote.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sink.h"

#include <stdlib.h>
#include <string.h>

/* 16 prefixes of the new half, 256 of the legacy one, whose names start with two
 * digits and a slash so that nothing foreign is read through. */
#define RANGES (16 + 256)

struct range {
	struct remote_job job;
	char prefix[16];
	VEC_OF(struct listed) found;
	uint64_t foreign;
	struct sink *sink;
};

void listing_release(struct listing *l)
{
	if (!l)
		return;
	vec_release(&l->v);
	*l = (struct listing){0};
}

bool listing_oid(const char *key, struct oid *oid)
{
	bool legacy = strncmp(key, "files/md5/", 10) != 0;
	const char *p = legacy ? key : key + 10;
	size_t n = strlen(p);
	char text[40];

	if (n < 33 || n > 37 || p[2] != '/')
		return false;
	memcpy(text, p, 2);
	memcpy(text + 2, p + 3, n - 3);
	return oid_parse((struct slice){text, n - 1}, legacy ? OID_LEGACY : OID_MD5, oid);
}

static int keep_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct range *range = job->ctx;

	for (size_t i = 0; i < nr; i++) {
		struct listed item = {.bytes = v[i].bytes,
				      .modified_ns = v[i].modified_ns};

		if (listing_oid(v[i].key, &item.oid))
			vec_push(&range->found, item);
		else
			range->foreign++;
	}
	sink_add(range->sink, nr, 0);
	return 0;
}

static int by_oid(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return oid_cmp(&x->oid, &y->oid);
}

void listing_sort(struct listing *l)
{
	if (l->v.nr > 1)
		qsort(l->v.v, l->v.nr, sizeof(*l->v.v), by_oid);
}

static void range_init(struct range *range, size_t i, struct sink *sink)
{
	static const char digits[] = "0123456789abcdef";

	if (i < 16) {
		memcpy(range->prefix, "files/md5/", 10);
		range->prefix[10] = digits[i];
	} else {
		range->prefix[0] = digits[(i - 16) / 16];
		range->prefix[1] = digits[(i - 16) % 16];
		range->prefix[2] = '/';
	}
	range->sink = sink;
	range->job = (struct remote_job){
		.op = REMOTE_LIST,
		.key = range->prefix,
		.on_page = keep_page,
		.ctx = range,
	};
}

int listing_read(struct remote *r, struct sink *sink, struct listing *out, struct err *e)
{
	struct range *ranges = xcalloc(RANGES, sizeof(*ranges));
	struct listing l = {0};
	struct remote_job *job;
	size_t limit = remote_traits(r)->jobs;
	int code = 0;

	sink_begin(sink, "listing the remote", 0, 0);
	for (size_t i = 0; i < RANGES + limit; i++) {
		if (i < RANGES && code == 0) {
			range_init(&ranges[i], i, sink);
			remote_submit(r, &ranges[i].job);
		}
		if (remote_in_flight(r) < limit && i < RANGES)
			continue;
		job = remote_next(r);
		if (job && job->code < 0 && job->code != ERR_NOTFOUND && code == 0) {
			code = job->code;
			if (e)
				*e = job->err;
		}
	}
	while ((job = remote_next(r)) != NULL)
		if (job->code < 0 && job->code != ERR_NOTFOUND && code == 0) {
			code = job->code;
			if (e)
				*e = job->err;
		}
	for (size_t i = 0; i < RANGES; i++) {
		for (size_t k = 0; k < ranges[i].found.nr; k++)
			vec_push(&l.v, ranges[i].found.v[k]);
		l.foreign += ranges[i].foreign;
		vec_release(&ranges[i].found);
	}
	sink_end(sink);
	free(ranges);
	if (code < 0) {
		listing_release(&l);
		return code;
	}
	listing_sort(&l);
	*out = l;
	return 0;
}
