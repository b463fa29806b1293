/*
 * PUT of a whole object. A pool thread reads small files into memory ahead of
 * the network and makes what digests are needed; the network thread sends.
 */
#include "remote/s3.h"

#include "store/base/alloc.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct put {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job *job;
	char *body; /* a small file's bytes */
	uint8_t md5[16];
};

static void put_free(struct put *p)
{
	s3_call_release(&p->call);
	free(p->body);
	free(p);
}

static void fail(struct put *p, const struct err *e)
{
	struct remote_job *job = p->job;
	struct s3 *s = p->call.s3;
	struct err copy = *e;

	put_free(p);
	remote_fail(&s->base, job, &copy);
}

static bool is_encrypted(const struct s3_call *c)
{
	const char *sse = http_header(&c->q, "x-amz-server-side-encryption");

	/* The ETag is no MD5 then, though it may look like one. */
	return (sse && strncmp(sse, "aws:", 4) == 0) || c->s3->conf.key.nr > 0;
}

static bool put_check(struct s3_call *c)
{
	struct put *p = (struct put *)c;
	bool is_other;

	if (is_encrypted(c))
		return true;
	IGNORE_RESULT(s3_etag_is_md5(http_header(&c->q, "etag"), p->md5, &is_other));
	if (is_other)
		c->s3err = (struct s3_error){
			.code = "BadDigest",
			.message = "the server stored something else (by its ETag)",
		};
	return !is_other;
}

static void put_done(struct s3_call *c)
{
	struct put *p = (struct put *)c;
	struct remote_job *job = p->job;
	struct s3 *s = c->s3;

	if (c->code < 0) {
		/* A key that is "not found" while it is written is the bucket. */
		if (c->code == ERR_NOTFOUND)
			c->code = c->err.code = ERR_NET;
		fail(p, &c->err);
		return;
	}
	sink_add(job->sink, 0, job->bytes);
	put_free(p);
	remote_finish(&s->base, job);
}

static void put_send(struct http_task *t)
{
	struct put *p = (struct put *)((char *)t - offsetof(struct put, task));

	s3_call_start(&p->call);
}

/* Over TLS Content-MD5 is signed and vouches for the body; in the clear the
 * signature itself covers it. */
static bool wants_sha(const struct s3 *s)
{
	return (!s->conf.tls || s->conf.sign_payload) && !s->conf.anonymous;
}

static int read_small(struct put *p, struct err *e)
{
	struct remote_job *job = p->job;
	size_t n = (size_t)job->bytes;
	ssize_t got;

	p->body = xmalloc(n + 1);
	got = sys_pread(job->fd, p->body, n, 0);
	if (got < 0)
		return err_sys(e, "read", job->key);
	if ((size_t)got < n)
		return err_set(e, ERR_CORRUPT,
			       "the file for '%s' is shorter than the %zu bytes it had",
			       job->key, n);
	p->call.q.body = p->body;
	return 0;
}

static int digests(struct put *p, struct err *e)
{
	struct remote_job *job = p->job;
	struct s3_call *c = &p->call;
	const void *mem = c->q.body;
	bool with_sha = wants_sha(c->s3);
	uint8_t sha[32];
	int r = 0;

	if (mem) {
		if (!job->has_md5)
			hash_md5(mem, (size_t)job->bytes, p->md5);
		if (with_sha)
			hash_sha256(mem, (size_t)job->bytes, sha);
	} else if (!job->has_md5 || with_sha) {
		struct s3_digests d = {.what = S3_DIGEST_MD5 |
					       (with_sha ? S3_DIGEST_SHA256 : 0)};

		r = s3_hash_range(c->s3, job->fd, 0, job->bytes, &d, e);
		memcpy(p->md5, d.md5, sizeof(p->md5));
		memcpy(sha, d.sha256, sizeof(sha));
		if (r == 0 && job->has_md5 && memcmp(p->md5, job->md5, 16) != 0)
			r = err_set(
				e, ERR_CORRUPT,
				"the bytes for '%s' are not those of its name: the local "
				"object is damaged or was changed",
				job->key);
	} else {
		/* Nobody reads it before the network does: have it read ahead. */
		IGNORE_RESULT(posix_fadvise(job->fd, 0, 0, POSIX_FADV_WILLNEED) != 0);
	}
	if (job->has_md5)
		memcpy(p->md5, job->md5, 16);
	if (r == 0 && with_sha)
		hex_encode(sha, 32, c->payload_hash);
	return r;
}

static void prepare_put(void *arg, unsigned worker)
{
	struct put *p = arg;
	struct remote_job *job = p->job;
	struct s3_call *c = &p->call;
	struct err e = {0};
	int r = 0;

	(void)worker;
	if (job->op == REMOTE_PUT && job->bytes > c->s3->conf.part_threshold) {
		struct s3 *s = c->s3;

		put_free(p);
		s3_multipart_start(s, job);
		return;
	}
	c->q.body_bytes = job->bytes;
	if (job->op == REMOTE_PUT_BYTES)
		c->q.body = job->data ? job->data : "";
	else if (job->bytes <= S3_SMALL)
		r = read_small(p, &e);
	else {
		c->q.body_is_file = true;
		c->q.fd = job->fd;
	}
	if (r == 0)
		r = digests(p, &e);
	if (r < 0) {
		e.code = r;
		fail(p, &e);
		return;
	}
	s3_set_md5(c, p->md5);
	p->task.fn = put_send;
	http_post(c->s3->http, &p->task);
}

void s3_put_submit(struct s3 *s, struct remote_job *job)
{
	struct put *p = xcalloc(1, sizeof(*p));

	p->job = job;
	p->call.s3 = s;
	p->call.key = job->key;
	p->call.flags = S3_OBJECT | S3_KEY;
	p->call.q.method = "PUT";
	p->call.headers[0] =
		(struct sigv4_pair){"Content-Type", "application/octet-stream"};
	p->call.headers_nr = 1;
	p->call.check = put_check;
	p->call.done = put_done;
	pool_submit(s->pool, prepare_put, p);
}
