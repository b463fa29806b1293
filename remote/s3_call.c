/*
 * One API call: build and sign it at the moment it is sent, understand the
 * answer, and send it again where that helps.
 */
#include "remote/s3.h"

#include "remote/s3_perm.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/hash/hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADERS_MAX = 32,
	CREDS_POLL_MS = 50, /* how often a call looks for the keys it waits for */
};

#define SKEW_AGAIN_NS (INT64_C(300) * 1000000000)
#define SKEW_HINT_NS  (INT64_C(300) * 1000000000)

struct header_list {
	struct sigv4_pair v[HEADERS_MAX];
	size_t nr;
};

static void put(struct header_list *l, const char *name, const char *value)
{
	if (l->nr < HEADERS_MAX)
		l->v[l->nr++] = (struct sigv4_pair){name, value};
}

static void put_all(struct header_list *l, const struct sigv4_pair *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		put(l, v[i].name, v[i].value);
}

static const char *payload_hash(const struct s3_call *c)
{
	if (c->payload_hash[0])
		return c->payload_hash;
	return c->q.body_bytes == 0 ? SIGV4_EMPTY_HASH : SIGV4_UNSIGNED;
}

static void sign_into(struct s3_call *c, struct http_wire *w, struct sigv4_request *r,
		      struct header_list *l, const struct creds *k)
{
	struct buf auth = {0};

	r->headers = l->v;
	r->headers_nr = l->nr;
	if (k->secret_key) {
		struct sigv4_key *key = &c->s3->key;

		key->access_key = k->access_key;
		key->secret_key = k->secret_key;
		key->region = c->s3->conf.region;
		key->service = "s3";
		sigv4_authorization(&auth, key, r);
	}
	for (size_t i = 0; i < l->nr; i++)
		http_wire_header(w, l->v[i].name, l->v[i].value);
	if (auth.n > 0)
		http_wire_header(w, "Authorization", buf_str(&auth));
	buf_release(&auth);
}

/* The keys of now. 0: there are; else the call waits for them, or has failed. */
static int find_keys(struct s3_call *c, const struct creds **k, struct err *e)
{
	struct s3 *s = c->s3;
	int r = creds_ready(s->creds, clock_wall_ns() + s->skew_ns, k, e);

	c->waits = r == 0;
	if (r == 0)
		return err_set(e, ERR_AUTH, "waiting for credentials");
	if (r < 0)
		return r;
	if ((*k)->serial != s->creds_serial) {
		/* What was signed with the others is worth sending again. */
		sigv4_key_wipe(&s->key);
		s->creds_serial = (*k)->serial;
		s->generation++;
	}
	return 0;
}

static int prepare(struct http_req *q, struct http_wire *w, struct err *e)
{
	struct s3_call *c = (struct s3_call *)q;
	const struct s3_conf *f = &c->s3->conf;
	const struct creds *k;
	struct buf path = {0}, query = {0}, url = {0};
	struct header_list l = {0};
	char date[17];
	struct sigv4_request r = {.method = q->method, .date = date};

	int code;

	c->own_is_broken = false;
	if ((code = find_keys(c, &k, e)) < 0)
		return code;
	if (c->before)
		c->before(c);
	c->tries++;
	c->generation = c->s3->generation;
	atomic_fetch_add(&c->s3->base.requests, 1);
	clock_format_basic(clock_wall_ns() + c->s3->skew_ns, date);
	sigv4_path(&path, slice_of(f->path));
	if (c->key) {
		sigv4_path(&path, slice_of(f->prefix));
		sigv4_path(&path, slice_of(c->key));
	}
	sigv4_query(&query, c->query, c->query_nr);
	r.path = buf_str(&path);
	r.query = buf_str(&query);
	r.payload_hash = payload_hash(c);
	put(&l, "Host", f->host);
	if (k->secret_key) {
		put(&l, "x-amz-date", date);
		put(&l, "x-amz-content-sha256", r.payload_hash);
		if (k->token)
			put(&l, "x-amz-security-token", k->token);
	}
	if (c->md5_b64[0])
		put(&l, "Content-MD5", c->md5_b64);
	if (c->range[0])
		put(&l, "Range", c->range);
	put_all(&l, c->headers, c->headers_nr);
	put_all(&l, f->all.v, f->all.nr);
	if (c->flags & S3_OBJECT)
		put_all(&l, f->object.v, f->object.nr);
	if (c->flags & S3_KEY)
		put_all(&l, f->key.v, f->key.nr);
	buf_addf(&url, "%s://%s%s", f->tls ? "https" : "http", f->host, r.path);
	if (query.n > 0)
		buf_addf(&url, "?%s", r.query);
	http_wire_url(w, buf_str(&url));
	sign_into(c, w, &r, &l, k);
	buf_release(&url);
	buf_release(&query);
	buf_release(&path);
	return 0;
}

static bool fix_clock(struct s3_call *c)
{
	struct s3 *s = c->s3;
	const char *date = c->s3err.server_time;
	int64_t then, now = clock_wall_ns(), mono = clock_mono_ns();

	if (!date[0])
		date = http_header(&c->q, "date");
	if (!date || !clock_parse(date, strlen(date), &then))
		return false;
	if (s->skew_at_ns && mono - s->skew_at_ns < SKEW_AGAIN_NS)
		return false;
	s->skew_at_ns = mono;
	s->skew_ns = then - now;
	log_debug("s3", "clock corrected by %" PRId64 " s", s->skew_ns / 1000000000);
	return true;
}

/*
 * Where the bucket is, if the answer says so in a way that keeps our credentials
 * in the house: a region for AWS's own host names, or for the signature alone;
 * another host only within amazonaws.com.
 */
static bool fix_region(struct s3_call *c)
{
	struct s3 *s = c->s3;
	struct s3_conf *f = &s->conf;
	const char *region = c->s3err.region;

	if (s->moved)
		return false;
	if (!region[0]) {
		region = http_header(&c->q, "x-amz-bucket-region");
		if (!region)
			region = "";
	}
	for (const char *p = region; *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9') && *p != '-' &&
		    *p != '_')
			return false; /* it becomes part of a host name */
	if (region[0] && strcmp(region, f->region) != 0) {
		log_debug("s3", "bucket '%s' is in region '%s'", f->bucket, region);
		free(f->region);
		f->region = xstrdup(region);
		s3_conf_address(f);
	} else if (!f->endpoint && c->s3err.endpoint[0] &&
		   slice_ends(slice_of(c->s3err.endpoint), ".amazonaws.com") &&
		   strspn(c->s3err.endpoint, "abcdefghijklmnopqrstuvwxyz0123456789-.") ==
			   strlen(c->s3err.endpoint)) {
		free(f->host);
		f->host = xstrdup(c->s3err.endpoint);
	} else {
		return false;
	}
	s->moved = true;
	return true;
}

/* What a proxy refuses it refuses again. */
static bool is_refused_by_proxy(const struct http_req *q)
{
	return q->proxy_status >= 300 && q->proxy_status < 500;
}

static int code_of(const struct s3_call *c)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = {
		{"NoSuchKey", ERR_NOTFOUND},
		{"NoSuchVersion", ERR_NOTFOUND},
		{"NoSuchBucket", ERR_CONFIG},
		{"InvalidBucketName", ERR_CONFIG},
		{"AccessDenied", ERR_AUTH},
		{"AllAccessDisabled", ERR_AUTH},
		{"AccountProblem", ERR_AUTH},
		{"SignatureDoesNotMatch", ERR_AUTH},
		{"InvalidAccessKeyId", ERR_AUTH},
		{"XAdminUserNotFound", ERR_AUTH}, /* versitygw, with status 404 */
		{"ExpiredToken", ERR_AUTH},
		{"InvalidToken", ERR_AUTH},
		{"RequestTimeTooSkewed", ERR_AUTH},
		{"BadDigest", ERR_CORRUPT},
		{"XAmzContentSHA256Mismatch", ERR_CORRUPT},
		{"XAmzContentChecksumMismatch", ERR_CORRUPT},
		{"InvalidObjectState", ERR_UNSUPPORTED},
	};

	/* A certificate or a proxy that says no says so to all of them. */
	if (c->q.fault == HTTP_NET &&
	    (is_refused_by_proxy(&c->q) ||
	     (retry_curl_is_trust(c->q.curl_code) && !c->q.curl_reset)))
		return ERR_CONFIG;
	if (c->q.fault != HTTP_OK)
		return ERR_NET;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(codes[i].name, c->s3err.code) == 0)
			return codes[i].code;
	if (c->q.status == 404 && !c->s3err.code[0])
		return ERR_NOTFOUND;
	if (c->q.status == 401 || c->q.status == 403)
		return ERR_AUTH;
	return ERR_NET;
}

static void tell_clocks(const struct s3_call *c, struct buf *b)
{
	const char *date = http_header(&c->q, "date");
	int64_t then, now = clock_wall_ns();
	char ours[21], theirs[21];

	if (strcmp(c->s3err.code, "SignatureDoesNotMatch") != 0 &&
	    strcmp(c->s3err.code, "RequestTimeTooSkewed") != 0)
		return;
	if (!date || !clock_parse(date, strlen(date), &then) ||
	    llabs(then - now) < SKEW_HINT_NS)
		return;
	clock_format_iso(now, ours);
	clock_format_iso(then, theirs);
	buf_addf(b, "; the clock here says %s, the server's %s", ours, theirs);
}

/* Which right is lacking, as a policy names it. */
static void tell_permission(struct s3_call *c)
{
	const struct s3_conf *f = &c->s3->conf;
	struct s3_perm p = s3_perm_of(c->q.method, c->key != NULL, c->query, c->query_nr);
	const char *more = "";

	if (c->q.fault != HTTP_OK || (c->q.status != 403 && c->q.status != 401) ||
	    (c->s3err.code[0] && strcmp(c->s3err.code, "AccessDenied") != 0 &&
	     strcmp(c->s3err.code, "Forbidden") != 0))
		return;
	for (size_t i = 0; c->flags & S3_OBJECT && i < f->object.nr; i++) {
		const char *name = f->object.v[i].name;

		if (strcmp(name, "x-amz-acl") == 0 ||
		    strncmp(name, "x-amz-grant-", 12) == 0)
			more = " and s3:PutObjectAcl";
		else if (strstr(name, "aws-kms-key-id"))
			more = " and, of the key, kms:GenerateDataKey and kms:Decrypt";
	}
	err_ctx(&c->err, c->err.code, "%s on 's3://%s/%s%s' was denied; it needs %s%s",
		p.operation, f->bucket, c->key ? f->prefix : "", c->key ? c->key : "",
		p.permission, more);
}

static void tell(struct s3_call *c, int code)
{
	struct buf b = {0};
	const char *key = c->key ? c->key : "";
	const char *id = c->s3err.request_id[0] ? c->s3err.request_id
						: http_header(&c->q, "x-amz-request-id");
	const char *id2 =
		c->s3err.host_id[0] ? c->s3err.host_id : http_header(&c->q, "x-amz-id-2");

	if (c->q.fault != HTTP_OK) {
		buf_adds(&b, c->q.err.text);
	} else {
		buf_addf(&b, "HTTP %d", c->q.status);
		if (c->s3err.code[0])
			buf_addf(&b, " %s", c->s3err.code);
		if (c->s3err.message[0])
			buf_addf(&b, ": %s", c->s3err.message);
		if (c->s3err.storage_class[0])
			buf_addf(&b, " (storage class %s)", c->s3err.storage_class);
		if (code == ERR_AUTH)
			buf_addf(&b, " (credentials from %s)",
				 creds_get(c->s3->creds)->source);
		if (id)
			buf_addf(&b, ", request id %s", id);
		if (id2)
			buf_addf(&b, ", %s", id2);
		tell_clocks(c, &b);
	}
	if (c->tries > 1)
		buf_addf(&b, ", after %u tries", c->tries);
	c->err = (struct err){0};
	err_set(&c->err, code, "%s '%s%s%s' at %s: %s", c->q.method, c->s3->conf.bucket,
		c->key ? "/" : "", key, c->s3->conf.host, buf_str(&b));
	c->err.sys = c->q.fault == HTTP_OK ? 0 : c->q.err.sys;
	if (code == ERR_CORRUPT && c->q.fault == HTTP_OK)
		err_ctx(&c->err, code,
			"the server received other bytes than the name says, twice: the "
			"local object is damaged");
	if (code == ERR_AUTH)
		tell_permission(c);
	if (strcmp(c->s3err.code, "AccessControlListNotSupported") == 0)
		err_ctx(&c->err, code,
			"the bucket takes no ACL: unset 'acl' and the grant_ settings");
	buf_release(&b);
}

static void finish(struct s3_call *c, int code)
{
	c->code = code;
	if (code < 0)
		tell(c, code);
	c->done(c);
}

static uint32_t next_random(struct s3 *s)
{
	/* xorshift64*: jitter needs no more. */
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (uint32_t)(s->random * UINT64_C(2685821657736338717) >> 32);
}

static struct retry_out decide(struct s3_call *c, enum retry_net net)
{
	const char *after = http_header(&c->q, "retry-after");
	unsigned tries = c->flags & S3_CONTROL ? RETRY_TRIES_CONTROL : RETRY_TRIES_DATA;
	struct retry_in in = {
		.net = net,
		.status = c->q.status,
		.code = c->s3err.code,
		.tries = c->tries,
		.tries_max = c->s3->conf.tries_max ? c->s3->conf.tries_max : tries,
		.random = next_random(c->s3),
	};

	if (!after)
		after = http_header(&c->q, "x-amz-retry-after");
	in.retry_after_ms = retry_after_ms(after, clock_wall_ns() + c->s3->skew_ns);
	return retry_decide(&in, &c->s3->bucket);
}

static void failed(struct s3_call *c, enum retry_net net)
{
	struct s3 *s = c->s3;
	struct retry_out o = decide(c, net);
	bool again = false;

	log_debug("s3", "%s '%s': status %d, code '%s', %s; try %u", c->q.method,
		  c->key ? c->key : "", c->q.status, c->s3err.code,
		  c->q.fault == HTTP_OK ? "" : c->q.err.text, c->tries);
	if (o.throttled)
		http_throttled(s->http);
	if (o.action == RETRY_WAIT) {
		http_send_after(s->http, &c->q, o.wait_ms);
		return;
	}
	if (o.action == RETRY_STOP) {
		finish(c, code_of(c));
		return;
	}
	/* Another call may have fixed it since this one was signed. */
	if (c->generation != s->generation)
		again = true;
	else if (o.action == RETRY_CLOCK)
		again = fix_clock(c);
	else if (o.action == RETRY_REGION)
		again = fix_region(c);
	else if (o.action == RETRY_CREDENTIALS)
		again = creds_expired(s->creds, s->creds_serial);
	if (!again) {
		finish(c, code_of(c));
		return;
	}
	if (c->generation == s->generation && o.action != RETRY_CREDENTIALS)
		s->generation++;
	http_send(s->http, &c->q);
}

/* HEAD has no body; the region it may still tell by a header. */
static void region_hint(struct s3_call *c)
{
	const char *region = http_header(&c->q, "x-amz-bucket-region");

	if (c->s3err.code[0] || !region || strcmp(region, c->s3->conf.region) == 0 ||
	    (c->q.status != 400 && c->q.status != 403))
		return;
	c->s3err = (struct s3_error){.code = "AuthorizationHeaderMalformed"};
	IGNORE_RESULT(snprintf(c->s3err.region, sizeof(c->s3err.region), "%s", region) <
		      0);
}

static void on_done(struct http_req *q)
{
	struct s3_call *c = (struct s3_call *)q;

	c->s3err = (struct s3_error){0};
	switch (q->fault) {
	case HTTP_CANCELED:
		finish(c, ERR_CANCELED);
		return;
	case HTTP_OWN:
		if (c->waits)
			http_send_after(c->s3->http, q, CREDS_POLL_MS);
		else if (c->own_is_broken)
			failed(c, RETRY_NET_BROKEN);
		else
			finish(c, q->err.code ? q->err.code : ERR_NET);
		return;
	case HTTP_STALLED:
		failed(c, RETRY_NET_BROKEN);
		return;
	case HTTP_NET:
		if (is_refused_by_proxy(q))
			failed(c, RETRY_NET_FINAL);
		else
			failed(c, retry_net_of_curl(q->curl_code, q->curl_reset));
		return;
	case HTTP_OK:
		break;
	}
	if (q->status >= 200 && q->status < 300 && (!c->check || c->check(c))) {
		retry_success(&c->s3->bucket);
		http_success(c->s3->http, q->body_bytes + q->received);
		finish(c, 0);
		return;
	}
	if (!c->s3err.code[0])
		IGNORE_RESULT(s3_xml_error(buf_slice(&q->text), &c->s3err));
	region_hint(c);
	failed(c, RETRY_NET_NONE);
}

/* Asking twice, or storing the same small bytes twice, does no harm. */
static bool may_hurry(const struct s3_call *c)
{
	const char *m = c->q.method;

	return strcmp(m, "GET") == 0 || strcmp(m, "HEAD") == 0 ||
	       (strcmp(m, "PUT") == 0 && c->q.body && c->query_nr == 0);
}

void s3_call_start_after(struct s3_call *c, unsigned ms)
{
	c->q.prepare = prepare;
	c->q.on_done = on_done;
	c->q.may_hurry = may_hurry(c);
	c->tries = 0;
	http_send_after(c->s3->http, &c->q, ms);
}

void s3_call_start(struct s3_call *c)
{
	s3_call_start_after(c, 0);
}

void s3_call_release(struct s3_call *c)
{
	buf_release(&c->q.text);
}

void s3_set_md5(struct s3_call *c, const uint8_t md5[16])
{
	struct buf b = {0};

	base64_encode(&b, md5, 16);
	memcpy(c->md5_b64, b.p, 24);
	c->md5_b64[24] = '\0';
	buf_release(&b);
}

const char *s3_strip_etag(const char *etag, char *out, size_t size)
{
	struct slice s = slice_trim(slice_of(etag ? etag : ""));

	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = (struct slice){s.p + 1, s.n - 2};
	s.n = MIN_OF(s.n, size - 1);
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return out;
}

/* The MD5 that an ETag looks like; untouched where it does not. */
void s3_etag_md5(const char *etag, uint8_t md5[16])
{
	char plain[128];

	IGNORE_RESULT(
		hex_decode(slice_of(s3_strip_etag(etag, plain, sizeof(plain))), md5, 16));
}

/* An ETag that looks like an MD5 but is another one sets *is_other. */
bool s3_etag_is_md5(const char *etag, const uint8_t md5[16], bool *is_other)
{
	char plain[128];
	uint8_t got[16];

	*is_other = false;
	if (!etag ||
	    !hex_decode(slice_of(s3_strip_etag(etag, plain, sizeof(plain))), got, 16))
		return false;
	*is_other = memcmp(got, md5, 16) != 0;
	return !*is_other;
}
