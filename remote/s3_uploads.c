#include "remote/s3_uploads.h"

#include "remote/s3.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/parse.h"
#include "store/base/vec.h"

#include <stdlib.h>
#include <string.h>

enum {
	LIST_TEXT_MAX = 8 << 20,
};

void s3_parts_release(struct s3_parts *p)
{
	vec_release(p);
	arena_release(&p->arena);
	*p = (struct s3_parts){0};
}

static void take_number(struct slice text, unsigned *out, bool *is_bad)
{
	uint64_t v;

	if (!parse_u64(slice_trim(text), &v) || v > S3_PARTS_MAX)
		*is_bad = true;
	else
		*out = (unsigned)v;
}

static const char *copy(struct arena *a, struct slice s)
{
	return arena_strndup(a, s.p ? s.p : "", s.n);
}

/* The entry being read is the one behind the last, counted at its end. */
static void parts_field(void *ctx, const char *path, struct slice text)
{
	struct s3_parts *p = ctx;
	struct s3_part *part;

	if (strcmp(path, "IsTruncated") == 0) {
		p->truncated = slice_is(slice_trim(text), "true");
		return;
	}
	if (strcmp(path, "NextPartNumberMarker") == 0) {
		if (text.n > 0)
			take_number(text, &p->next, &p->is_bad);
		return;
	}
	if (strncmp(path, "Part", 4) != 0 || (path[4] && path[4] != '/'))
		return;
	if (p->nr == p->cap) {
		vec_reserve(p, p->nr + 1);
		memset(&p->v[p->nr], 0, (p->cap - p->nr) * sizeof(*p->v));
	}
	part = &p->v[p->nr];
	if (strcmp(path, "Part/PartNumber") == 0)
		take_number(text, &part->number, &p->is_bad);
	else if (strcmp(path, "Part/Size") == 0)
		p->is_bad |= !parse_u64(slice_trim(text), &part->bytes);
	else if (strcmp(path, "Part/ETag") == 0)
		part->etag = copy(&p->arena, slice_trim(text));
	else if (!path[4])
		p->nr++;
}

int s3_parts_parse(struct slice body, struct s3_parts *out, struct err *e)
{
	int r = s3_xml_whole(body, "ListPartsResult", parts_field, out, e);

	if (r == 0 && out->is_bad)
		r = err_set(e, ERR_CORRUPT,
			    "the list of parts has one that cannot be read");
	return r;
}

void s3_uploads_release(struct s3_uploads *p)
{
	vec_release(p);
	arena_release(&p->arena);
	*p = (struct s3_uploads){0};
}

static void uploads_field(void *ctx, const char *path, struct slice text)
{
	struct s3_uploads *p = ctx;
	struct s3_upload *up;

	if (strcmp(path, "IsTruncated") == 0)
		p->truncated = slice_is(slice_trim(text), "true");
	else if (strcmp(path, "EncodingType") == 0)
		p->is_encoded = slice_is(slice_trim(text), "url");
	else if (strcmp(path, "NextKeyMarker") == 0)
		p->next_key = copy(&p->arena, text);
	else if (strcmp(path, "NextUploadIdMarker") == 0)
		p->next_id = copy(&p->arena, text);
	if (strncmp(path, "Upload", 6) != 0 || (path[6] && path[6] != '/'))
		return;
	if (p->nr == p->cap) {
		vec_reserve(p, p->nr + 1);
		memset(&p->v[p->nr], 0, (p->cap - p->nr) * sizeof(*p->v));
	}
	up = &p->v[p->nr];
	if (strcmp(path, "Upload/Key") == 0)
		up->key = copy(&p->arena, text);
	else if (strcmp(path, "Upload/UploadId") == 0)
		up->id = copy(&p->arena, text);
	else if (strcmp(path, "Upload/Initiated") == 0 &&
		 !clock_parse(text.p ? text.p : "", text.n, &up->initiated_ns))
		up->initiated_ns = 0;
	else if (!path[6]) {
		p->is_bad |= !up->key || !up->id;
		p->nr++;
	}
}

static bool decode(struct s3_uploads *p, const char **text)
{
	char *s;

	if (!*text)
		return true;
	s = arena_strdup(&p->arena, *text);
	*text = s;
	return s3_xml_percent_decode(s);
}

int s3_uploads_parse(struct slice body, struct s3_uploads *out, struct err *e)
{
	int r = s3_xml_whole(body, "ListMultipartUploadsResult", uploads_field, out, e);
	bool ok = !out->is_bad;

	if (r < 0)
		return r;
	for (size_t i = 0; ok && out->is_encoded && i < out->nr; i++)
		ok = decode(out, &out->v[i].key);
	if (ok && out->is_encoded)
		ok = decode(out, &out->next_key);
	return ok ? 0
		  : err_set(e, ERR_CORRUPT,
			    "the list of uploads has one that cannot be read");
}

/* ---- listing them ----------------------------------------------------------- */

struct uploads_list {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job *job;
	struct s3_uploads page;
	char *prefix, *key_marker, *id_marker;
};

static void uploads_end(struct uploads_list *l, int code)
{
	struct remote_job *job = l->job;
	struct s3 *s = l->call.s3;
	struct err e = l->call.err;

	s3_call_release(&l->call);
	s3_uploads_release(&l->page);
	free(l->prefix);
	free(l->key_marker);
	free(l->id_marker);
	free(l);
	e.code = code;
	if (code < 0)
		remote_fail(&s->base, job, &e);
	else
		remote_finish(&s->base, job);
}

static bool uploads_check(struct s3_call *c)
{
	struct uploads_list *l = (struct uploads_list *)c;
	const struct s3_uploads *p = &l->page;
	struct err e = {0};

	s3_uploads_release(&l->page);
	if (s3_uploads_parse(buf_slice(&c->q.text), &l->page, &e) == 0) {
		bool circle = p->truncated &&
			      (!p->next_key || (l->key_marker &&
						strcmp(p->next_key, l->key_marker) == 0 &&
						(!p->next_id || !l->id_marker ||
						 strcmp(p->next_id, l->id_marker) == 0)));

		if (!circle)
			return true;
		err_set(&e, ERR_CORRUPT, "the list of uploads turns in a circle");
	}
	c->s3err = (struct s3_error){.code = "InternalError"};
	IGNORE_RESULT(snprintf(c->s3err.message, sizeof(c->s3err.message), "%.400s",
			       e.text) < 0);
	return false;
}

static int hand_out(struct uploads_list *l)
{
	size_t root = strlen(l->call.s3->conf.prefix), nr = 0;
	struct remote_entry *v = xcalloc(l->page.nr + 1, sizeof(*v));
	int r = 0;

	for (size_t i = 0; i < l->page.nr; i++) {
		const struct s3_upload *u = &l->page.v[i];

		if (strncmp(u->key, l->prefix, strlen(l->prefix)) == 0)
			v[nr++] = (struct remote_entry){.key = u->key + root,
							.modified_ns = u->initiated_ns,
							.etag = u->id};
	}
	if (nr > 0)
		r = l->job->on_page(l->job, v, nr);
	free(v);
	return r;
}

static void uploads_next(struct uploads_list *l)
{
	struct s3_call *c = &l->call;
	size_t n = 0;

	c->query[n++] = (struct sigv4_pair){"uploads", NULL};
	c->query[n++] = (struct sigv4_pair){"prefix", l->prefix};
	c->query[n++] = (struct sigv4_pair){"encoding-type", "url"};
	if (l->key_marker)
		c->query[n++] = (struct sigv4_pair){"key-marker", l->key_marker};
	if (l->id_marker)
		c->query[n++] = (struct sigv4_pair){"upload-id-marker", l->id_marker};
	c->query_nr = n;
	s3_call_start(c);
}

static void uploads_done(struct s3_call *c)
{
	struct uploads_list *l = (struct uploads_list *)c;

	if (c->code < 0) {
		if (c->q.fault == HTTP_OK && (c->q.status == 501 || c->q.status == 405))
			c->code = ERR_UNSUPPORTED;
		uploads_end(l, c->code == ERR_NOTFOUND ? ERR_CONFIG : c->code);
		return;
	}
	if (hand_out(l) != 0 || !l->page.truncated) {
		uploads_end(l, 0);
		return;
	}
	free(l->key_marker);
	free(l->id_marker);
	l->key_marker = xstrdup(l->page.next_key);
	l->id_marker = l->page.next_id ? xstrdup(l->page.next_id) : NULL;
	uploads_next(l);
}

static void uploads_start(struct http_task *t)
{
	uploads_next(
		(struct uploads_list *)((char *)t - offsetof(struct uploads_list, task)));
}

void s3_uploads_submit(struct s3 *s, struct remote_job *job)
{
	struct uploads_list *l = xcalloc(1, sizeof(*l));

	l->job = job;
	l->prefix = xasprintf("%s%s", s->conf.prefix, job->key ? job->key : "");
	l->call.s3 = s;
	l->call.flags = S3_CONTROL;
	l->call.q.method = "GET";
	l->call.q.text_max = LIST_TEXT_MAX;
	l->call.check = uploads_check;
	l->call.done = uploads_done;
	l->task.fn = uploads_start;
	http_post(s->http, &l->task);
}

/* ---- aborting one ------------------------------------------------------------ */

struct abort_one {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job *job;
};

static void abort_done(struct s3_call *c)
{
	struct abort_one *a = (struct abort_one *)c;
	struct remote_job *job = a->job;
	struct s3 *s = c->s3;
	struct err e = c->err;
	int code = c->code;

	/* It is gone: that is what was wanted. */
	if (c->q.fault == HTTP_OK && c->q.status == 404 &&
	    strcmp(c->s3err.code, "NoSuchBucket") != 0)
		code = 0;
	s3_call_release(c);
	free(a);
	e.code = code;
	if (code < 0)
		remote_fail(&s->base, job, &e);
	else
		remote_finish(&s->base, job);
}

static void abort_start(struct http_task *t)
{
	struct abort_one *a =
		(struct abort_one *)((char *)t - offsetof(struct abort_one, task));

	s3_call_start(&a->call);
}

void s3_abort_submit(struct s3 *s, struct remote_job *job)
{
	struct abort_one *a = xcalloc(1, sizeof(*a));

	a->job = job;
	a->call.s3 = s;
	a->call.key = job->key;
	a->call.flags = S3_CONTROL;
	a->call.q.method = "DELETE";
	a->call.query[0] = (struct sigv4_pair){"uploadId", job->upload_id};
	a->call.query_nr = 1;
	a->call.done = abort_done;
	a->task.fn = abort_start;
	http_post(s->http, &a->task);
}
