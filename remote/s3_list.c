/*
 * LIST and HEAD. A listing follows tokens only, page by page; each page is
 * parsed as it arrives and judged as a whole before its keys go out. HEAD has no
 * error body, so a refusal is looked into by a listing of that one key.
 */
#include "remote/s3.h"
#include "remote/s3_quirks.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/parse.h"

#include <stdlib.h>
#include <string.h>

struct listing {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job *job;
	struct s3_page page;
	struct s3_xml *xml;
	struct remote_entry *out;
	char *prefix, *start, *token; /* full keys; the token or V1's marker */
	bool v1;
	bool is_probe; /* for a HEAD: is this one key there? */
	bool any;      /* a page went through */
};

static void list_send(struct listing *l);

static void end(struct listing *l, int code, const struct err *e)
{
	struct remote_job *job = l->job;
	struct s3 *s = l->call.s3;
	struct err copy = {0};

	if (code < 0)
		copy = *e;
	copy.code = code;
	s3_call_release(&l->call);
	s3_xml_free(l->xml);
	s3_page_release(&l->page);
	free(l->out);
	free(l->prefix);
	free(l->start);
	free(l->token);
	free(l);
	if (code < 0)
		remote_fail(&s->base, job, &copy);
	else
		remote_finish(&s->base, job);
}

static void list_before(struct s3_call *c)
{
	struct listing *l = (struct listing *)c;

	s3_xml_free(l->xml);
	s3_page_release(&l->page);
	l->xml = s3_page_parser(&l->page);
}

/* Cut short or another document: the wire's fault until it happens again. */
static int list_body(struct http_req *q, const void *p, size_t n, struct err *e)
{
	struct listing *l = (struct listing *)q;
	int r = s3_xml_feed(l->xml, p, n, e);

	if (r < 0)
		l->call.own_is_broken = true;
	return r;
}

static bool refuse(struct s3_call *c, const char *why)
{
	c->s3err = (struct s3_error){.code = "InternalError"};
	IGNORE_RESULT(
		snprintf(c->s3err.message, sizeof(c->s3err.message), "%.500s", why) < 0);
	return false;
}

static bool list_check(struct s3_call *c)
{
	struct listing *l = (struct listing *)c;
	struct err e = {0};

	if (s3_xml_end(l->xml, &e) < 0 || s3_page_finish(&l->page, &e) < 0)
		return refuse(c, e.text);
	if (!l->page.truncated)
		return true;
	if (!l->page.token && !(l->v1 && l->page.nr > 0))
		return refuse(c, "the listing is cut and does not say how to go on");
	if (!l->v1 && l->token && strcmp(l->page.token, l->token) == 0)
		return refuse(c, "the listing turns in a circle");
	return true;
}

static bool next_marker(struct listing *l)
{
	const struct s3_page *p = &l->page;
	char *next;

	if (!p->truncated)
		return false;
	if (p->token)
		next = xstrdup(p->token);
	else
		next = xstrdup(p->v[p->nr - 1].key);
	free(l->token);
	l->token = next;
	return true;
}

/* Entries of the page, relative to the root; true to go on. */
static bool hand_out(struct listing *l)
{
	struct remote_job *job = l->job;
	size_t root = strlen(l->call.s3->conf.prefix), nr = 0;
	bool past = false;

	free(l->out);
	l->out = xcalloc(l->page.nr + 1, sizeof(*l->out));
	for (size_t i = 0; i < l->page.nr; i++) {
		const struct s3_page_entry *en = &l->page.v[i];

		/* A server that ignores the prefix must not feed us others' keys. */
		if (strncmp(en->key, l->prefix, strlen(l->prefix)) != 0)
			continue;
		if (job->after && strcmp(en->key + root, job->after) <= 0)
			continue;
		if (job->until && strcmp(en->key + root, job->until) > 0) {
			past = true;
			continue;
		}
		l->out[nr++] = (struct remote_entry){
			.key = en->key + root,
			.bytes = en->bytes,
			.modified_ns = en->modified_ns,
			.etag = en->etag,
		};
	}
	if (nr > 0 && job->on_page(job, l->out, nr) != 0)
		return false;
	return !past;
}

static void probe_done(struct listing *l)
{
	struct remote_job *job = l->job;
	struct err e = {0};

	for (size_t i = 0; i < l->page.nr; i++)
		if (strcmp(l->page.v[i].key, l->prefix) == 0) {
			job->bytes = l->page.v[i].bytes;
			job->modified_ns = l->page.v[i].modified_ns;
			end(l, 0, NULL);
			return;
		}
	err_set(&e, ERR_NOTFOUND, "'%s' is not on the remote", job->key);
	end(l, ERR_NOTFOUND, &e);
}

static bool is_unknown_here(const struct s3_call *c)
{
	return c->q.fault == HTTP_OK &&
	       (c->q.status == 501 || c->q.status == 405 ||
		(c->q.status == 400 && (strcmp(c->s3err.code, "InvalidArgument") == 0 ||
					strcmp(c->s3err.code, "InvalidRequest") == 0 ||
					strcmp(c->s3err.code, "NotImplemented") == 0)));
}

static void list_done(struct s3_call *c)
{
	struct listing *l = (struct listing *)c;

	if (c->code < 0) {
		if (!l->v1 && !l->any && is_unknown_here(c)) {
			c->s3->conf.list_v1 = l->v1 = true;
			list_send(l);
			return;
		}
		end(l, c->code == ERR_NOTFOUND ? ERR_CONFIG : c->code, &c->err);
		return;
	}
	l->any = true;
	if (l->is_probe)
		probe_done(l);
	else if (hand_out(l) && next_marker(l))
		list_send(l);
	else
		end(l, 0, NULL);
}

static void list_send(struct listing *l)
{
	struct s3_call *c = &l->call;
	size_t n = 0;

	l->v1 |= c->s3->conf.list_v1;
	c->query[n++] = (struct sigv4_pair){"prefix", l->prefix};
	c->query[n++] = (struct sigv4_pair){"max-keys", l->is_probe ? "1" : "1000"};
	if (!(c->s3->conf.quirks & S3_PLAIN_KEYS))
		c->query[n++] = (struct sigv4_pair){"encoding-type", "url"};
	if (l->v1) {
		if (l->token || l->start)
			c->query[n++] = (struct sigv4_pair){
				"marker", l->token ? l->token : l->start};
	} else {
		c->query[n++] = (struct sigv4_pair){"list-type", "2"};
		if (l->token)
			c->query[n++] =
				(struct sigv4_pair){"continuation-token", l->token};
		else if (l->start)
			c->query[n++] = (struct sigv4_pair){"start-after", l->start};
	}
	c->query_nr = n;
	s3_call_start(c);
}

static struct listing *listing_new(struct s3 *s, struct remote_job *job)
{
	struct listing *l = xcalloc(1, sizeof(*l));

	l->job = job;
	l->prefix = xasprintf("%s%s", s->conf.prefix, job->key ? job->key : "");
	if (job->op == REMOTE_LIST && job->after)
		l->start = xasprintf("%s%s", s->conf.prefix, job->after);
	l->call.s3 = s;
	l->call.flags = S3_CONTROL;
	l->call.q.method = "GET";
	l->call.q.on_body = list_body;
	l->call.before = list_before;
	l->call.check = list_check;
	l->call.done = list_done;
	return l;
}

static void list_start(struct http_task *t)
{
	list_send((struct listing *)((char *)t - offsetof(struct listing, task)));
}

void s3_list_submit(struct s3 *s, struct remote_job *job)
{
	struct listing *l = listing_new(s, job);

	l->task.fn = list_start;
	http_post(s->http, &l->task);
}

struct head {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job *job;
};

static void head_done(struct s3_call *c)
{
	struct head *h = (struct head *)c;
	struct remote_job *job = h->job;
	struct s3 *s = c->s3;
	const char *length = http_header(&c->q, "content-length");
	const char *date = http_header(&c->q, "last-modified");
	struct err e = c->err;
	int code = c->code;
	/* A listing tells of last versions only. */
	bool is_dark = code < 0 && !job->version && c->q.fault == HTTP_OK &&
		       (c->q.status == 403 || c->q.status == 400 || c->q.status == 301 ||
			c->q.status == 307);

	if (code == 0) {
		job->bytes = 0;
		if (length && !parse_u64(slice_of(length), &job->bytes))
			job->bytes = 0;
		if (!date || !clock_parse(date, strlen(date), &job->modified_ns))
			job->modified_ns = 0;
	}
	s3_call_release(c);
	free(h);
	if (is_dark) {
		/* 403 may be "missing, and no right to know": a listing tells. */
		struct listing *l = listing_new(s, job);

		l->is_probe = true;
		list_send(l);
	} else if (code < 0) {
		e.code = code;
		remote_fail(&s->base, job, &e);
	} else {
		remote_finish(&s->base, job);
	}
}

static void head_start(struct http_task *t)
{
	struct head *h = (struct head *)((char *)t - offsetof(struct head, task));

	s3_call_start(&h->call);
}

void s3_head_submit(struct s3 *s, struct remote_job *job)
{
	struct head *h = xcalloc(1, sizeof(*h));

	h->job = job;
	h->call.s3 = s;
	h->call.key = job->key;
	h->call.flags = S3_CONTROL | S3_KEY;
	if (job->version)
		h->call.query[h->call.query_nr++] =
			(struct sigv4_pair){"versionId", job->version};
	h->call.q.method = "HEAD";
	h->call.done = head_done;
	h->task.fn = head_start;
	http_post(s->http, &h->task);
}
