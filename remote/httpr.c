/*
 * The operations. An upload ends with a question: the server is asked for what it
 * has under that URL now, since few check a Content-MD5. A download that was cut
 * goes on behind the bytes that are there, bound to the ETag or the date of the
 * first answer; without either it starts over.
 *
 * All but hash_and_end() runs on the network thread, submit in the caller's.
 */
#include "remote/httpr.h"

#include "remote/sigv4.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/interrupt.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum {
	REDIRECTS_MAX = 10,
	HASH_CHUNK = 256 << 10,
	THREADS_MAX = 2,
};

struct httpr {
	struct remote base; /* first */
	struct httpr_conf conf;
	struct http *http;
	struct pool *pool;
	char *state_dir;   /* or NULL */
	bool has_partials; /* an earlier run left downloads to go on with */

	/* The network thread's. */
	struct retry_bucket bucket;
	uint64_t random;
	bool no_head; /* it was refused once: a range of one byte is asked for */
	struct digest digest;
	bool has_digest;
	uint32_t digest_count;
};

enum phase {
	PHASE_PUT,
	PHASE_HEAD, /* also behind a PUT */
	PHASE_GET,
};

struct op {
	struct http_req q; /* first */
	struct http_task task;
	struct httpr *h;
	struct remote_job *job;
	enum phase phase;
	char *url;	 /* where redirects led */
	bool is_foreign; /* another origin: no credentials */
	unsigned redirects, tries, challenges;
	bool is_peek;	  /* HEAD by a GET of one byte */
	bool is_peeked;	  /* its head said it all, and the body was not wanted */
	bool own_is_wire; /* HTTP_OWN of the last try was the wire's fault */
	/* GET */
	struct httpr_log log;
	uint64_t total;			     /* as the head told; 0 unknown */
	uint64_t at;			     /* bytes that are there */
	char etag[HTTPR_ETAG_MAX], date[64]; /* of the first answer; "" none that binds */
	bool damaged;
	struct buf mem;
	char md5_b64[32];
};

static void send_now(struct op *op);

static void op_free(struct op *op)
{
	buf_release(&op->q.text);
	buf_release(&op->mem);
	free(op->url);
	free(op);
}

static void end(struct op *op, int code, const struct err *e)
{
	struct remote_job *job = op->job;
	struct httpr *h = op->h;
	struct err copy = {0};

	if (code < 0) {
		copy = *e;
		copy.code = code;
	}
	if (op->phase == PHASE_GET && job->op == REMOTE_GET)
		httpr_log_end(&op->log, job, code, op->at);
	op_free(op);
	if (code < 0)
		remote_fail(&h->base, job, &copy);
	else
		remote_finish(&h->base, job);
}

/* ---- sending -------------------------------------------------------------- */

static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const char *path = host + strcspn(host, "/?#");

	return *path == '/' ? path : "/";
}

static void put_auth(struct op *op, struct http_wire *w)
{
	struct httpr *h = op->h;
	const struct httpr_conf *c = &h->conf;
	struct buf b = {0}, plain = {0};
	char cnonce[33];

	if (op->is_foreign)
		return;
	if (c->auth == HTTPR_BASIC) {
		buf_addf(&plain, "%s:%s", c->user, c->password);
		buf_adds(&b, "Basic ");
		base64_encode(&b, plain.p, plain.n);
		secure_wipe(plain.p, plain.n);
	} else if (c->auth == HTTPR_DIGEST && h->has_digest) {
		h->random = h->random * UINT64_C(6364136223846793005) + 1;
		snprintf(cnonce, sizeof(cnonce), "%016llx%016llx",
			 (unsigned long long)h->random,
			 (unsigned long long)clock_mono_ns());
		digest_answer(&h->digest,
			      &(struct digest_request){.user = c->user,
						       .password = c->password,
						       .method = op->q.method,
						       .uri = path_of(op->url),
						       .count = ++h->digest_count,
						       .cnonce = cnonce},
			      &b);
	}
	if (b.n > 0)
		http_wire_header(w, "Authorization", buf_str(&b));
	else if (c->auth == HTTPR_CUSTOM)
		http_wire_header(w, c->header, c->password);
	if (b.n > 0)
		secure_wipe(b.p, b.n);
	buf_release(&b);
	buf_release(&plain);
}

static int prepare(struct http_req *q, struct http_wire *w, struct err *e)
{
	struct op *op = (struct op *)q;
	char range[64];

	(void)e;
	op->own_is_wire = op->is_peeked = false;
	op->tries++;
	atomic_fetch_add(&op->h->base.requests, 1);
	http_wire_url(w, op->url);
	put_auth(op, w);
	if (op->phase == PHASE_PUT) {
		http_wire_header(w, "Content-Type", "application/octet-stream");
		if (op->md5_b64[0])
			http_wire_header(w, "Content-MD5", op->md5_b64);
	} else if (op->is_peek) {
		http_wire_header(w, "Range", "bytes=0-0");
	} else if (op->phase == PHASE_GET && op->at > 0) {
		snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)op->at);
		http_wire_header(w, "Range", range);
		http_wire_header(w, "If-Range", op->etag[0] ? op->etag : op->date);
	}
	return 0;
}

static char *url_of(const struct httpr *h, const char *key)
{
	struct buf url = {0};
	char *made;

	buf_addf(&url, "%s%s/", h->conf.origin, h->conf.path);
	sigv4_path(&url, slice_of(key));
	made = xstrdup(buf_str(&url));
	buf_release(&url);
	return made;
}

/* A new phase at the object's own URL. */
static void begin(struct op *op, enum phase phase)
{
	free(op->url);
	op->url = url_of(op->h, op->job->key);
	op->phase = phase;
	op->is_foreign = false;
	op->redirects = op->tries = op->challenges = 0;
	send_now(op);
}

/* ---- answers: the head and the body ---------------------------------------- */

/* "bytes 0-15/16"; total UINT64_MAX where it says "*". */
static bool content_range(const struct http_req *q, uint64_t *from, uint64_t *total)
{
	const char *v = http_header(q, "content-range");
	struct slice s = slice_of(v ? v : ""), a, b;
	uint64_t to;

	if (!slice_starts(s, "bytes "))
		return false;
	s.p += 6;
	s.n -= 6;
	a = slice_cut(&s, '-');
	b = slice_cut(&s, '/');
	if (!s.p || !parse_u64(slice_trim(a), from) || !parse_u64(slice_trim(b), &to) ||
	    to < *from)
		return false;
	*total = UINT64_MAX;
	return slice_is(slice_trim(s), "*") || parse_u64(slice_trim(s), total);
}

static void remember(char *out, size_t size, const char *v)
{
	if (v && strlen(v) < size)
		memcpy(out, v, strlen(v) + 1);
	else
		out[0] = '\0';
}

static int broken(struct op *op, struct err *e, const char *what)
{
	op->own_is_wire = true;
	return err_set(e, ERR_NET, "GET %s: %s", op->url, what);
}

static int get_head(struct op *op, struct err *e)
{
	struct http_req *q = &op->q;
	const char *coding = http_header(q, "content-encoding");
	const char *etag = http_header(q, "etag");
	const char *length = http_header(q, "content-length");
	uint64_t from = 0, total;

	if (coding && strcasecmp(coding, "identity") != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "GET %s: the server sends it with Content-Encoding '%s'",
			       op->url, coding);
	if (q->status == 206) {
		if (!content_range(q, &from, &total) || from != op->at || op->at == 0) {
			op->at = 0;
			return broken(op, e,
				      "the answer is another range than asked for");
		}
		if (op->etag[0] && etag && strcmp(etag, op->etag) != 0) {
			op->at = 0;
			return broken(op, e, "it changed while it was read");
		}
		return 0;
	}
	/* The whole: at the first try, and where it changed or ranges are not had. */
	op->at = 0;
	if (!length || !parse_u64(slice_of(length), &op->total))
		op->total = 0;
	buf_reset(&op->mem);
	remember(op->etag, sizeof(op->etag), etag && etag[0] == '"' ? etag : NULL);
	remember(op->date, sizeof(op->date), http_header(q, "last-modified"));
	return 0;
}

static int on_head(struct http_req *q, struct err *e)
{
	struct op *op = (struct op *)q;

	if (q->status < 200 || q->status > 299)
		return 0;
	if (op->is_peek) {
		/* The body is not wanted, and may be all of the object. */
		op->is_peeked = true;
		return err_set(e, ERR_CANCELED, "seen enough");
	}
	return op->phase == PHASE_GET ? get_head(op, e) : 0;
}

static void write_record(struct op *op)
{
	char *url;

	if (op->log.is_written || op->log.is_given_up)
		return;
	url = url_of(op->h, op->job->key);
	httpr_log_write(&op->log, op->h->state_dir, url, op->job, op->total, op->etag);
	free(url);
}

static int on_body(struct http_req *q, const void *p, size_t n, struct err *e)
{
	struct op *op = (struct op *)q;
	struct remote_job *job = op->job;

	if (op->phase != PHASE_GET)
		return 0; /* what a server says to an upload */
	if (job->op == REMOTE_GET_BYTES) {
		if (op->mem.n + n > job->limit)
			return err_set(e, ERR_INVALID,
				       "'%s' has more than the %zu bytes allowed",
				       job->key, job->limit);
		buf_add(&op->mem, p, n);
	} else if (sys_pwrite(job->fd, p, n, (int64_t)op->at) < 0) {
		return err_sys(e, "write", job->key);
	}
	op->at += n;
	if (job->op == REMOTE_GET && op->at >= HTTPR_RECORD_AT &&
	    op->total > HTTPR_RECORD_AT && op->etag[0] && op->h->state_dir)
		write_record(op);
	sink_add(job->sink, 0, n);
	return 0;
}

/* ---- answers: the end ------------------------------------------------------ */

static int hash_file(int fd, uint64_t size, uint8_t digest[16], struct err *e)
{
	char *p = xmalloc(HASH_CHUNK);
	struct hash h = {0};
	uint64_t at = 0;
	ssize_t n = 0;

	hash_begin_md5(&h);
	while (at < size && (n = sys_pread(fd, p, HASH_CHUNK, (int64_t)at)) > 0) {
		hash_update(&h, p, (size_t)n);
		at += (uint64_t)n;
	}
	hash_end(&h, digest);
	hash_release(&h);
	free(p);
	if (n < 0)
		return err_sys(e, "read", NULL);
	return at < size ? err_set(e, ERR_IO, "the file became shorter") : 0;
}

static void get_again(struct http_task *t)
{
	struct op *op = (struct op *)((char *)t - offsetof(struct op, task));

	op->damaged = true;
	op->at = 0;
	op->etag[0] = op->date[0] = '\0';
	begin(op, PHASE_GET);
}

/* In the pool: what arrived is hashed before anybody believes it. */
static void hash_and_end(void *arg, unsigned worker)
{
	struct op *op = arg;
	struct remote_job *job = op->job;
	struct err e = {0};
	char hex[33];
	int r = 0;

	(void)worker;
	job->bytes = op->at;
	if (job->op == REMOTE_GET_BYTES)
		hash_md5(op->mem.p ? op->mem.p : "", op->mem.n, job->digest);
	else if (sys_ftruncate(job->fd, (int64_t)op->at) < 0)
		r = err_sys(&e, "ftruncate", job->key);
	else
		r = hash_file(job->fd, op->at, job->digest, &e);
	if (r == 0 && job->has_md5 && memcmp(job->digest, job->md5, 16) != 0) {
		if (!op->damaged) {
			op->task.fn = get_again;
			http_post(op->h->http, &op->task);
			return;
		}
		r = err_set(
			&e, ERR_CORRUPT,
			"'%s' is damaged on the remote: its bytes have the MD5 %s, twice",
			job->key, hex_encode(job->digest, 16, hex));
	}
	if (r == 0 && job->op == REMOTE_GET_BYTES) {
		buf_release(job->out);
		*job->out = op->mem;
		op->mem = (struct buf){0};
	}
	end(op, r, &e);
}

/* Is it what we sent? has_size: the server said how much it keeps. */
static void confirm(struct op *op, bool has_size, uint64_t size)
{
	struct remote_job *job = op->job;
	const char *etag = http_header(&op->q, "etag");
	struct err e = {0};
	char hex[33];
	int r = 0;

	hex_encode(job->md5, 16, hex);
	if (has_size && size != job->bytes)
		r = err_set(&e, ERR_CORRUPT,
			    "'%s': the server keeps %llu of the %llu bytes it was sent",
			    job->key, (unsigned long long)size,
			    (unsigned long long)job->bytes);
	else if (!has_size)
		r = err_set(&e, ERR_NET,
			    "'%s': the server does not tell the size of what it keeps, "
			    "so that nothing can be confirmed",
			    job->key);
	else if (job->has_md5 && etag && strlen(etag) == 34 && etag[0] == '"' &&
		 strspn(etag + 1, "0123456789abcdef") == 32 &&
		 strncmp(etag + 1, hex, 32) != 0)
		log_debug("http", "%s: ETag %s is no MD5 of it", job->key, etag);
	sink_add(job->sink, 0, r == 0 ? job->bytes : 0);
	end(op, r, &e);
}

static void head_answered(struct op *op)
{
	struct remote_job *job = op->job;
	const char *length = http_header(&op->q, "content-length");
	const char *date = http_header(&op->q, "last-modified");
	uint64_t size = 0, from, total;
	bool has_size;

	if (op->q.status == 206)
		has_size = content_range(&op->q, &from, &total) && total != UINT64_MAX;
	else
		has_size = length && parse_u64(slice_of(length), &total);
	if (has_size)
		size = total;
	if (job->op != REMOTE_HEAD) {
		confirm(op, has_size, size);
		return;
	}
	job->bytes = size;
	if (!date || !clock_parse(date, strlen(date), &job->modified_ns))
		job->modified_ns = 0;
	end(op, 0, NULL);
}

static void answered(struct op *op)
{
	struct httpr *h = op->h;

	retry_success(&h->bucket);
	http_success(h->http, op->q.body_bytes + op->q.received);
	switch (op->phase) {
	case PHASE_PUT:
		begin(op, PHASE_HEAD);
		break;
	case PHASE_HEAD:
		head_answered(op);
		break;
	case PHASE_GET:
		pool_submit(h->pool, hash_and_end, op);
		break;
	}
}

/* ---- failures -------------------------------------------------------------- */

static int code_of(const struct op *op)
{
	int status = op->q.status;

	if (op->q.fault != HTTP_OK)
		return op->q.fault == HTTP_CANCELED ? ERR_CANCELED
		       : op->q.fault == HTTP_OWN && op->q.err.code && !op->own_is_wire
			       ? op->q.err.code
			       : ERR_NET;
	/* Behind an upload, "not there" is the server's fault, not an answer. */
	if ((status == 404 || status == 410) && op->job->op != REMOTE_PUT &&
	    op->job->op != REMOTE_PUT_BYTES)
		return ERR_NOTFOUND;
	if (status == 401)
		return ERR_AUTH;
	/* Without credentials it may just not be there: no reason to stop all. */
	if (status == 403 && op->h->conf.auth != HTTPR_ANONYMOUS)
		return ERR_AUTH;
	return ERR_NET;
}

static void fail(struct op *op)
{
	struct err e = {0};
	int code = code_of(op);

	if (op->q.fault == HTTP_OK)
		err_set(&e, code, "%s %s: HTTP %d%s", op->q.method, op->url, op->q.status,
			op->q.status == 401	 ? " (credentials are lacking or wrong)"
			: op->q.status == 403	 ? " (it is not there, or not for us)"
			: op->phase == PHASE_PUT ? " (method = PUT or POST chooses how "
						   "objects are uploaded)"
						 : "");
	else
		err_set(&e, code, "%s %s: %s", op->q.method, op->url, op->q.err.text);
	if (op->phase == PHASE_HEAD && op->job->op != REMOTE_HEAD)
		err_ctx(&e, code, "'%s' was sent, but could not be confirmed",
			op->job->key);
	if (op->tries > 1)
		err_ctx(&e, code, "after %u tries", op->tries);
	end(op, code, &e);
}

static bool follow(struct op *op)
{
	const char *to = http_header(&op->q, "location");
	int status = op->q.status;
	bool same = false, is_kept = status == 307 || status == 308;
	char *url;

	if (!to || op->redirects >= REDIRECTS_MAX ||
	    !(is_kept || status == 301 || status == 302 || status == 303) ||
	    (op->phase == PHASE_PUT && !is_kept))
		return false;
	url = httpr_redirect(op->url, to, &same);
	if (!url || (op->phase == PHASE_PUT && !same)) {
		free(url);
		return false;
	}
	op->is_foreign = op->is_foreign || !same;
	op->redirects++;
	op->tries = 0;
	free(op->url);
	op->url = url;
	send_now(op);
	return true;
}

/* The server asks who we are; a nonce may also have grown stale. */
static bool answer_challenge(struct op *op)
{
	struct httpr *h = op->h;
	const char *v = http_header(&op->q, "www-authenticate");

	if (op->q.status != 401 || h->conf.auth != HTTPR_DIGEST || op->is_foreign || !v ||
	    op->challenges >= 2 || !digest_parse(v, &h->digest))
		return false;
	op->challenges++;
	op->tries = 0;
	h->has_digest = true;
	h->digest_count = 0;
	send_now(op);
	return true;
}

/* HEAD is not had everywhere: then one byte is asked for, and its head read. */
static bool peek(struct op *op)
{
	if (op->phase != PHASE_HEAD || op->is_peek ||
	    (op->q.status != 405 && op->q.status != 501 && op->q.status != 400))
		return false;
	op->h->no_head = op->q.status != 400;
	op->is_peek = true;
	op->tries = 0;
	send_now(op);
	return true;
}

/* An empty object has no first byte; that range is refused, and says the size. */
static bool is_empty_peek(struct op *op)
{
	const char *v = http_header(&op->q, "content-range");

	return op->is_peek && op->q.status == 416 && v &&
	       strncasecmp(v, "bytes */0", 9) == 0;
}

static void failed(struct op *op, enum retry_net net)
{
	struct httpr *h = op->h;
	const char *after =
		op->q.fault == HTTP_OK ? http_header(&op->q, "retry-after") : NULL;
	struct retry_out o;

	h->random = h->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	o = retry_decide(
		&(struct retry_in){
			.net = net,
			.status = op->q.fault == HTTP_OK ? op->q.status : 0,
			.code = "",
			.tries = op->tries,
			.tries_max = op->phase == PHASE_HEAD ? RETRY_TRIES_CONTROL
							     : RETRY_TRIES_DATA,
			.retry_after_ms = retry_after_ms(after, clock_wall_ns()),
			.random = (uint32_t)(h->random >> 32)},
		&h->bucket);
	log_debug("http", "%s '%s': status %d, %s; try %u", op->q.method, op->job->key,
		  op->q.status, op->q.fault == HTTP_OK ? "" : op->q.err.text, op->tries);
	if (o.throttled)
		http_throttled(h->http);
	if (o.action != RETRY_WAIT) {
		fail(op);
		return;
	}
	/* Nothing binds the rest to what is there: from the start then. */
	if (op->phase == PHASE_GET && !op->etag[0] && !op->date[0])
		op->at = 0;
	if (op->phase == PHASE_GET && op->at == 0)
		buf_reset(&op->mem);
	http_send_after(h->http, &op->q, o.wait_ms);
}

static void on_done(struct http_req *q)
{
	struct op *op = (struct op *)q;

	switch (q->fault) {
	case HTTP_CANCELED:
		fail(op);
		return;
	case HTTP_OWN:
		if (op->is_peeked)
			head_answered(op);
		else if (op->own_is_wire)
			failed(op, RETRY_NET_BROKEN);
		else
			fail(op);
		return;
	case HTTP_STALLED:
		failed(op, RETRY_NET_BROKEN);
		return;
	case HTTP_NET:
		failed(op, retry_net_of_curl(q->curl_code, q->curl_reset));
		return;
	case HTTP_OK:
		break;
	}
	if (q->status >= 200 && q->status < 300) {
		answered(op);
	} else if (is_empty_peek(op)) {
		if (op->job->op == REMOTE_HEAD) {
			op->job->bytes = 0;
			end(op, 0, NULL);
		} else {
			confirm(op, true, 0);
		}
	} else if (q->status == 416 && op->phase == PHASE_GET && op->at > 0) {
		/* It was all there already, or it shrank: once more, whole. */
		op->at = 0;
		op->etag[0] = op->date[0] = '\0';
		failed(op, RETRY_NET_BROKEN);
	} else if (!follow(op) && !answer_challenge(op) && !peek(op)) {
		failed(op, RETRY_NET_NONE);
	}
}

static void send_now(struct op *op)
{
	struct http_req *q = &op->q;
	const struct remote_job *job = op->job;

	buf_release(&q->text);
	*q = (struct http_req){.prepare = prepare,
			       .on_head = on_head,
			       .on_body = on_body,
			       .on_done = on_done};
	if (op->phase == PHASE_PUT) {
		q->method = op->h->conf.method;
		q->body_bytes = job->bytes;
		if (job->op == REMOTE_PUT_BYTES || job->bytes == 0) {
			q->body = job->data && job->bytes > 0 ? job->data : "";
		} else {
			q->body_is_file = true;
			q->fd = job->fd;
		}
	} else if (op->phase == PHASE_HEAD) {
		op->is_peek = op->is_peek || op->h->no_head;
		q->method = op->is_peek ? "GET" : "HEAD";
	} else {
		q->method = "GET";
	}
	http_send(op->h->http, q);
}

/* ---- the remote ------------------------------------------------------------ */

static void op_start(struct http_task *t)
{
	struct op *op = (struct op *)((char *)t - offsetof(struct op, task));
	enum remote_op what = op->job->op;

	begin(op, what == REMOTE_HEAD				   ? PHASE_HEAD
		  : what == REMOTE_PUT || what == REMOTE_PUT_BYTES ? PHASE_PUT
								   : PHASE_GET);
}

static int refuse(const struct httpr *h, const struct remote_job *job, struct err *e)
{
	if (job->version)
		return err_set(e, ERR_UNSUPPORTED, "%s: a web server keeps no versions",
			       h->conf.label);
	switch (job->op) {
	case REMOTE_PUT:
	case REMOTE_PUT_BYTES:
	case REMOTE_GET:
	case REMOTE_GET_BYTES:
	case REMOTE_HEAD:
		return remote_check_key(job->key, e);
	default:
		return err_set(e, ERR_UNSUPPORTED,
			       "%s: over HTTP nothing can be listed or removed",
			       h->conf.label);
	}
}

static void httpr_submit(struct remote *r, struct remote_job *job)
{
	struct httpr *h = (struct httpr *)r;
	struct err e = {0};
	struct buf b64 = {0};
	struct op *op;
	int code = refuse(h, job, &e);

	if (code == 0)
		code = interrupt_check(&e);
	if (code < 0) {
		remote_fail(r, job, &e);
		return;
	}
	op = xcalloc(1, sizeof(*op));
	op->h = h;
	op->job = job;
	if (job->has_md5) {
		base64_encode(&b64, job->md5, 16);
		remember(op->md5_b64, sizeof(op->md5_b64), buf_str(&b64));
		buf_release(&b64);
	}
	if (job->op == REMOTE_GET && h->has_partials) {
		char *url = url_of(h, job->key);

		op->phase = PHASE_GET;
		op->at = httpr_log_open(&op->log, h->state_dir, url, job, op->etag);
		free(url);
	}
	op->task.fn = op_start;
	http_post(h->http, &op->task);
}

static void httpr_close(struct remote *r)
{
	struct httpr *h = (struct httpr *)r;

	http_cancel_all(h->http);
	/* A job ends as the last act of whatever thread works on it. */
	pthread_mutex_lock(&r->lock);
	while (r->working > 0)
		pthread_cond_wait(&r->room, &r->lock);
	pthread_mutex_unlock(&r->lock);
	http_free(h->http);
	pool_free(h->pool);
	httpr_conf_release(&h->conf);
	free(h->state_dir);
	remote_release(r);
	free(h);
}

int httpr_open(struct remote **out, const struct remote_options *o, struct err *e)
{
	static const struct remote_ops ops = {.submit = httpr_submit,
					      .close = httpr_close};
	struct httpr *h = xcalloc(1, sizeof(*h));
	int r = httpr_conf_load(&h->conf, o, e);

	if (r < 0) {
		free(h);
		return r;
	}
	remote_init(&h->base, &ops, o);
	h->base.traits = (struct remote_traits){.jobs = h->conf.jobs};
	h->state_dir = o->state_dir ? xstrdup(o->state_dir) : NULL;
	h->base.base = url_of(h, "");
	h->has_partials = resume_any(h->state_dir, false);
	h->base.working_max = (size_t)h->conf.jobs * 2;
	if (getrandom(&h->random, sizeof(h->random), 0) < 0)
		h->random = (uint64_t)clock_mono_ns();
	h->http = http_new(&(struct http_options){
		.transfers_max = h->conf.jobs,
		.rate_up = h->conf.limit_up,
		.rate_down = h->conf.limit_down,
		.insecure = h->conf.insecure,
		.ca = h->conf.ca,
		.connect_ms = h->conf.connect_ms,
		.stall_ms = h->conf.stall_ms,
	});
	h->pool = pool_new(THREADS_MAX);
	*out = &h->base;
	return 0;
}
