/*
 * What an S3 service offers beyond what every command needs: asked by single
 * requests whose answer, whatever it is, is the result. Nothing here changes how
 * this run works; what was learned counts when the remote is opened again.
 */
#include "remote/probe.h"
#include "remote/s3.h"
#include "remote/s3_quirks.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/interrupt.h"
#include "store/hash/hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A fixed text and its checksums, big endian in base64. */
#define TEXT	       "lode remote test\n"
#define TEXT_N	       (sizeof(TEXT) - 1)
#define TEXT_CRC32C    "2/VIkg=="
#define TEXT_CRC64NVME "bP8+aT8B1x4="

enum {
	PART_N = 5 << 20, /* the smallest that is allowed but for the last */
	TAIL_N = 1000,
	KEYS = 5,
	PAGE = 2,
	PAGES_MAX = 20,
	CLOCK_BAD_S = 300,
	FIELD_N = 256,
};

/* One request and its answer. */
struct raw {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job job; /* stands in the remote's queue of what has ended */
	char etag[FIELD_N], date[FIELD_N], range[FIELD_N];
};

static void keep(const struct s3_call *c, const char *name, char out[FIELD_N])
{
	const char *v = http_header(&c->q, name);

	IGNORE_RESULT(snprintf(out, FIELD_N, "%s", v ? v : "") < 0);
}

static void on_done(struct s3_call *c)
{
	struct raw *r = (struct raw *)c;

	keep(c, "etag", r->etag);
	keep(c, "date", r->date);
	keep(c, "content-range", r->range);
	r->job.code = c->code;
	remote_finish(&c->s3->base, &r->job);
}

static void start(struct http_task *t)
{
	s3_call_start(&((struct raw *)((char *)t - offsetof(struct raw, task)))->call);
}

static void init(struct raw *r, struct s3 *s, const char *method, const char *key)
{
	*r = (struct raw){0};
	r->call.s3 = s;
	r->call.q.method = method;
	r->call.key = key;
	r->call.flags = S3_CONTROL | S3_KEY;
	r->call.done = on_done;
	r->task.fn = start;
	if (strcmp(method, "PUT") == 0) {
		r->call.flags |= S3_OBJECT;
		r->call.headers[r->call.headers_nr++] =
			(struct sigv4_pair){"Content-Type", "application/octet-stream"};
	}
}

static void header(struct raw *r, const char *name, const char *value)
{
	r->call.headers[r->call.headers_nr++] = (struct sigv4_pair){name, value};
}

static void query(struct raw *r, const char *name, const char *value)
{
	r->call.query[r->call.query_nr++] = (struct sigv4_pair){name, value};
}

static void body(struct raw *r, const void *p, size_t n)
{
	r->call.q.body = p;
	r->call.q.body_bytes = n;
}

/* Send it and wait; the status, 0 where no answer came. */
static int send(struct raw *r)
{
	struct s3 *s = r->call.s3;

	pthread_mutex_lock(&s->base.lock);
	s->base.working++;
	s->base.in_flight++;
	pthread_mutex_unlock(&s->base.lock);
	http_post(s->http, &r->task);
	while (remote_next(&s->base) != &r->job)
		;
	return r->call.q.fault == HTTP_OK ? r->call.q.status : 0;
}

static void done(struct raw *r)
{
	s3_call_release(&r->call);
}

/* "HTTP 501 NotImplemented", or the network's story; for a check's detail. */
static void add_failed(struct probe *p, const char *name, enum probe_result result,
		       const struct raw *r)
{
	if (r->call.q.fault != HTTP_OK)
		probe_add(p, name, PROBE_FAILED, "%s", r->call.q.err.text);
	else if (r->call.q.status == 401 || r->call.q.status == 403)
		probe_add(p, name, PROBE_SKIPPED, "denied: HTTP %d%s%s", r->call.q.status,
			  r->call.s3err.code[0] ? " " : "", r->call.s3err.code);
	else
		probe_add(p, name, result, "HTTP %d%s%s", r->call.q.status,
			  r->call.s3err.code[0] ? " " : "", r->call.s3err.code);
}

/* May the check's "no" be learned? A denial or a broken line says nothing. */
static bool is_answer(const struct raw *r)
{
	return r->call.q.fault == HTTP_OK && r->call.q.status != 401 &&
	       r->call.q.status != 403 && r->call.q.status < 500;
}

static bool is_unknown_call(const struct raw *r)
{
	return r->call.q.fault == HTTP_OK &&
	       (r->call.q.status == 400 || r->call.q.status == 405 ||
		r->call.q.status == 501);
}

/* ---- one object --------------------------------------------------------------- */

static void check_range(struct s3 *s, struct probe *p)
{
	struct raw r;
	int status;

	init(&r, s, "GET", p->keys.v[0]);
	memcpy(r.call.range, "bytes=100-199", 14);
	status = send(&r);
	if (status == 206 && r.call.q.text.n == 100 &&
	    strncmp(r.range, "bytes 100-199/", 14) == 0)
		probe_add(p, "range", PROBE_YES, "%s", "");
	else if (status == 200)
		probe_add(p, "range", PROBE_NO, "the whole comes back");
	else
		add_failed(p, "range", PROBE_FAILED, &r);
	done(&r);
}

static void check_clock(struct s3 *s, struct probe *p)
{
	struct raw r;
	int64_t then, now;

	init(&r, s, "HEAD", p->keys.v[0]);
	IGNORE_RESULT(send(&r) < 0);
	now = clock_wall_ns();
	if (!r.date[0] || !clock_parse(r.date, strlen(r.date), &then)) {
		probe_add(p, "clock", PROBE_SKIPPED, "the server does not tell the time");
	} else {
		int64_t s_ahead;

		/* The header counts whole seconds. */
		then += INT64_C(500000000);
		p->has_clock = true;
		p->ahead_ms = (then - now) / 1000000;
		s_ahead = p->ahead_ms / 1000;
		if (llabs(p->ahead_ms) < 1500)
			probe_add(p, "clock", PROBE_YES, "%s", "");
		else
			probe_add(p, "clock",
				  llabs(s_ahead) < CLOCK_BAD_S ? PROBE_YES : PROBE_NO,
				  "the server's is %lld s %s", llabs(s_ahead),
				  s_ahead < 0 ? "behind" : "ahead");
	}
	done(&r);
}

/* PUT of the fixed text with one more header; the status. */
static int put_with(struct s3 *s, struct raw *r, const char *key, const char *name,
		    const char *value)
{
	init(r, s, "PUT", key);
	body(r, TEXT, TEXT_N);
	header(r, name, value);
	return send(r);
}

static void check_md5(struct s3 *s, struct probe *p)
{
	struct raw r;
	int status = put_with(s, &r, probe_key(p, "md5"), "Content-MD5",
			      "AAAAAAAAAAAAAAAAAAAAAA==");

	if (status == 400)
		probe_add(p, "content-md5", PROBE_YES, "%s", "");
	else if (status == 200)
		probe_add(p, "content-md5", PROBE_NO,
			  "wrong bytes are accepted: damage on the way is seen only by "
			  "the ETag");
	else
		add_failed(p, "content-md5", PROBE_NO, &r);
	done(&r);
}

/*
 * A right checksum must be taken and a wrong one refused; only then is it worth
 * anything. Servers that do not know the header ignore it.
 */
static void check_checksum(struct s3 *s, struct probe *p, const char *name,
			   const char *field, const char *right, const char *wrong,
			   enum s3_quirk quirk)
{
	const char *key = probe_key(p, name);
	struct raw r;
	int status = put_with(s, &r, key, field, right);

	if (status != 200) {
		if (is_answer(&r))
			probe_learn(p, quirk, false);
		add_failed(p, name, PROBE_NO, &r);
		done(&r);
		return;
	}
	done(&r);
	status = put_with(s, &r, key, field, wrong);
	if (status == 400) {
		probe_learn(p, quirk, true);
		probe_add(p, name, PROBE_YES, "%s", "");
	} else if (status == 200) {
		probe_learn(p, quirk, false);
		probe_add(p, name, PROBE_NO, "ignored");
	} else {
		add_failed(p, name, PROBE_NO, &r);
	}
	done(&r);
}

static void check_conditional(struct s3 *s, struct probe *p)
{
	struct raw r;
	int status = put_with(s, &r, p->keys.v[0], "If-None-Match", "*");

	if (status == 412 || status == 409) {
		probe_learn(p, S3_CONDITIONAL, true);
		probe_add(p, "conditional put", PROBE_YES, "%s", "");
	} else if (status == 200) {
		probe_learn(p, S3_CONDITIONAL, false);
		probe_add(p, "conditional put", PROBE_NO, "ignored");
	} else {
		if (is_answer(&r) || status == 501)
			probe_learn(p, S3_CONDITIONAL, false);
		add_failed(p, "conditional put", PROBE_NO, &r);
	}
	done(&r);
	/* What it may have overwritten is asked for no more by its bytes. */
}

/* ---- listings ------------------------------------------------------------------ */

/* In the order of their bytes, as a listing must have them. */
static const char *const list_names[KEYS] = {"list/a", "list/b+c d", "list/e%2F",
					     "list/f", "list/\xc3\xbc"};

struct pages {
	struct s3 *s;
	struct probe *p;
	char *prefix; /* full */
	bool v1, plain;
	size_t seen;
	unsigned pages;
	bool is_wrong;
	char *token;
};

/* Are they the next ones that are due? */
static void compare(struct pages *x, const struct s3_page *page)
{
	for (size_t i = 0; i < page->nr; i++) {
		const char *want = x->seen < KEYS ? list_names[x->seen] : "";
		size_t n = strlen(page->v[i].key), m = strlen(want);

		if (m == 0 || n < m || strcmp(page->v[i].key + n - m, want) != 0)
			x->is_wrong = true;
		x->seen++;
	}
	x->is_wrong |= page->nr > PAGE;
}

/* What an answer holds; 1: there are more, 0: it was the last, -1: it is no page. */
static int read_page(struct pages *x, struct slice text)
{
	struct s3_page page = {0};
	struct s3_xml *xml = s3_page_parser(&page);
	int more = -1;

	if (s3_xml_feed(xml, text.p ? text.p : "", text.n, NULL) == 0 &&
	    s3_xml_end(xml, NULL) == 0 && s3_page_finish(&page, NULL) == 0) {
		const char *next = page.token;

		compare(x, &page);
		if (!next && x->v1 && page.nr > 0)
			next = page.v[page.nr - 1].key;
		more = page.truncated && next;
		x->is_wrong |= page.truncated && !next;
		free(x->token);
		x->token = next ? xstrdup(next) : NULL;
	}
	s3_xml_free(xml);
	s3_page_release(&page);
	return more;
}

static int one_page(struct pages *x, struct raw *r)
{
	init(r, x->s, "GET", NULL);
	query(r, "prefix", x->prefix);
	query(r, "max-keys", "2");
	if (!x->v1)
		query(r, "list-type", "2");
	if (!x->plain)
		query(r, "encoding-type", "url");
	if (x->token)
		query(r, x->v1 ? "marker" : "continuation-token", x->token);
	return send(r) == 200 ? read_page(x, buf_slice(&r->call.q.text)) : -1;
}

/* All pages of one way to list: true if the five keys came as they should. */
static bool all_pages(struct s3 *s, struct probe *p, bool v1, bool plain, struct raw *r)
{
	struct pages x = {.s = s,
			  .p = p,
			  .prefix = xasprintf("%s%slist/", s->conf.prefix, p->prefix),
			  .v1 = v1,
			  .plain = plain};
	int more;

	while ((more = one_page(&x, r)) == 1 && ++x.pages < PAGES_MAX && !x.is_wrong)
		done(r);
	free(x.prefix);
	free(x.token);
	return more == 0 && !x.is_wrong && x.seen == KEYS;
}

static void check_paging(struct s3 *s, struct probe *p)
{
	struct raw r = {0};
	bool v2, encoded;

	for (size_t i = 0; i < KEYS; i++) {
		bool made;

		init(&r, s, "PUT", probe_key(p, list_names[i]));
		body(&r, TEXT, TEXT_N);
		made = send(&r) == 200;
		if (!made) {
			add_failed(p, "list paging", PROBE_FAILED, &r);
			done(&r);
			return;
		}
		done(&r);
	}
	v2 = all_pages(s, p, false, false, &r);
	encoded = v2;
	if (!v2 && r.call.q.fault == HTTP_OK && r.call.q.status != 403) {
		done(&r);
		v2 = all_pages(s, p, false, true, &r);
	}
	if (v2) {
		probe_learn(p, S3_LIST_V1, false);
		probe_learn(p, S3_PLAIN_KEYS, !encoded);
		probe_add(p, "list paging", PROBE_YES, "%s",
			  encoded ? "" : "without encoding-type");
		done(&r);
		return;
	}
	if (r.call.q.fault != HTTP_OK || r.call.q.status == 403) {
		add_failed(p, "list paging", PROBE_FAILED, &r);
		done(&r);
		return;
	}
	done(&r);
	encoded = all_pages(s, p, true, false, &r);
	if (!encoded) {
		done(&r);
		if (!all_pages(s, p, true, true, &r)) {
			if (r.call.code == 0)
				probe_add(p, "list paging", PROBE_FAILED,
					  "the pages are not right");
			else
				add_failed(p, "list paging", PROBE_FAILED, &r);
			done(&r);
			return;
		}
	}
	probe_learn(p, S3_LIST_V1, true);
	probe_learn(p, S3_PLAIN_KEYS, !encoded);
	probe_add(p, "list paging", PROBE_YES, "by the old listing only");
	done(&r);
}

/* ---- parts ----------------------------------------------------------------------- */

struct upload {
	struct s3 *s;
	struct probe *p;
	const char *key;
	char *id, *bytes;
	char etags[2][FIELD_N];
};

static bool create(struct upload *u)
{
	struct raw r;
	int status;

	init(&r, u->s, "POST", u->key);
	r.call.flags |= S3_OBJECT;
	query(&r, "uploads", NULL);
	body(&r, "", 0);
	header(&r, "Content-Type", "application/octet-stream");
	status = send(&r);
	if (status == 200)
		u->id = s3_xml_text(buf_slice(&r.call.q.text),
				    "InitiateMultipartUploadResult", "UploadId");
	if (!u->id) {
		if (is_unknown_call(&r))
			probe_learn(u->p, S3_NO_MULTIPART, true);
		add_failed(u->p, "multipart", PROBE_NO, &r);
	}
	done(&r);
	return u->id != NULL;
}

static bool put_part(struct upload *u, unsigned number, size_t n)
{
	char text[8];
	struct raw r;
	bool ok;

	IGNORE_RESULT(snprintf(text, sizeof(text), "%u", number) < 0);
	init(&r, u->s, "PUT", u->key);
	r.call.flags &= ~(unsigned)S3_OBJECT;
	query(&r, "partNumber", text);
	query(&r, "uploadId", u->id);
	body(&r, u->bytes, n);
	ok = send(&r) == 200 && r.etag[0];
	if (ok)
		memcpy(u->etags[number - 1], r.etag, FIELD_N);
	else
		add_failed(u->p, "multipart", PROBE_FAILED, &r);
	done(&r);
	return ok;
}

static bool complete(struct upload *u)
{
	struct buf b = {0};
	struct raw r;
	bool ok;

	buf_adds(&b, "<CompleteMultipartUpload "
		     "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (unsigned i = 0; i < 2; i++) {
		buf_addf(&b, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
		s3_xml_escape(&b, slice_of(u->etags[i]));
		buf_adds(&b, "</ETag></Part>");
	}
	buf_adds(&b, "</CompleteMultipartUpload>");
	init(&r, u->s, "POST", u->key);
	query(&r, "uploadId", u->id);
	body(&r, b.p, b.n);
	header(&r, "Content-Type", "application/xml");
	ok = send(&r) == 200 && !s3_xml_error(buf_slice(&r.call.q.text), &r.call.s3err);
	if (!ok)
		add_failed(u->p, "multipart", PROBE_FAILED, &r);
	done(&r);
	buf_release(&b);
	return ok;
}

static bool is_whole(struct upload *u)
{
	char want[64];
	struct raw r;
	bool ok;

	init(&r, u->s, "GET", u->key);
	IGNORE_RESULT(snprintf(r.call.range, sizeof(r.call.range), "bytes=%d-%d",
			       PART_N - 10, PART_N + 9) < 0);
	IGNORE_RESULT(snprintf(want, sizeof(want), "bytes %d-%d/%d", PART_N - 10,
			       PART_N + 9, PART_N + TAIL_N) < 0);
	ok = send(&r) == 206 && r.call.q.text.n == 20 && strcmp(r.range, want) == 0 &&
	     memcmp(r.call.q.text.p, u->bytes + PART_N - 10, 10) == 0 &&
	     memcmp(r.call.q.text.p + 10, u->bytes, 10) == 0;
	if (!ok)
		probe_add(u->p, "multipart", PROBE_FAILED,
			  "the parts do not come back as they were sent");
	done(&r);
	return ok;
}

static void check_multipart(struct s3 *s, struct probe *p)
{
	struct upload u = {.s = s, .p = p, .key = probe_key(p, "parts")};

	if (!create(&u))
		return;
	u.bytes = xmalloc(PART_N);
	for (size_t i = 0; i < PART_N; i++)
		u.bytes[i] = (char)(i * 2654435761u >> 24);
	if (put_part(&u, 1, PART_N) && put_part(&u, 2, TAIL_N) && complete(&u) &&
	    is_whole(&u)) {
		probe_learn(p, S3_NO_MULTIPART, false);
		probe_add(p, "multipart", PROBE_YES, "%s", "");
	}
	free(u.bytes);
	free(u.id);
}

static void check_bulk_delete(struct s3 *s, struct probe *p)
{
	const char *a = probe_key(p, "bulk-a"), *b = probe_key(p, "bulk-b");
	struct buf xml = {0};
	struct raw r;
	uint8_t md5[16];

	for (int i = 0; i < 2; i++) {
		init(&r, s, "PUT", i ? b : a);
		body(&r, TEXT, TEXT_N);
		IGNORE_RESULT(send(&r) < 0);
		done(&r);
	}
	buf_adds(&xml, "<Delete><Quiet>true</Quiet>");
	for (int i = 0; i < 2; i++) {
		buf_adds(&xml, "<Object><Key>");
		s3_xml_escape(&xml, slice_of(s->conf.prefix));
		s3_xml_escape(&xml, slice_of(i ? b : a));
		buf_adds(&xml, "</Key></Object>");
	}
	buf_adds(&xml, "</Delete>");
	hash_md5(xml.p, xml.n, md5);
	init(&r, s, "POST", NULL);
	query(&r, "delete", NULL);
	body(&r, xml.p, xml.n);
	header(&r, "Content-Type", "application/xml");
	s3_set_md5(&r.call, md5);
	if (send(&r) == 200) {
		probe_learn(p, S3_SINGLE_DELETE, false);
		probe_add(p, "bulk delete", PROBE_YES, "%s", "");
	} else {
		if (is_unknown_call(&r))
			probe_learn(p, S3_SINGLE_DELETE, true);
		add_failed(p, "bulk delete", PROBE_NO, &r);
	}
	done(&r);
	buf_release(&xml);
}

void s3_probe(struct remote *r, struct probe *p)
{
	static void (*const checks[])(struct s3 *, struct probe *) = {
		check_range,	 check_clock,	    check_md5,	       check_paging,
		check_multipart, check_bulk_delete, check_conditional,
	};
	struct s3 *s = (struct s3 *)r;

	p->endpoint = xasprintf("%s://%s", s->conf.tls ? "https" : "http", s->conf.host);
	p->region = xstrdup(s->conf.region);
	p->provider = xstrdup(s->conf.provider);
	p->source = xstrdup(creds_get(s->creds)->source);
	IGNORE_RESULT(snprintf(p->learned.where, sizeof(p->learned.where), "%s",
			       s->conf.endpoint ? s->conf.endpoint : "") < 0);
	for (size_t i = 0; i < ARRAY_SIZE(checks) && !interrupt_pending(); i++)
		checks[i](s, p);
	if (!interrupt_pending())
		check_checksum(s, p, "checksum crc32c", "x-amz-checksum-crc32c",
			       TEXT_CRC32C, "AAAAAA==", S3_CRC32C);
	if (!interrupt_pending())
		check_checksum(s, p, "checksum crc64nvme", "x-amz-checksum-crc64nvme",
			       TEXT_CRC64NVME, "AAAAAAAAAAA=", S3_CRC64NVME);
}
