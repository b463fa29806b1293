/*
 * DELETE: up to 1,000 keys in one request, errors key by key; those that may
 * pass are tried again. Servers without it get one request a key.
 */
#include "remote/s3.h"
#include "remote/s3_quirks.h"

#include "store/base/alloc.h"
#include "store/base/map.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROUNDS = 3,
	AGAIN_MS = 500,
	RESULT_MAX = 4 << 20, /* 1,000 errors with their keys and messages */
	/* Some servers delete a batch's objects one by one before they say a word. */
	BATCH_WAIT_MS = 600000,
};

struct deletion {
	struct s3_call call; /* first */
	struct http_task task;
	struct remote_job *job;
	struct buf body;
	struct map index; /* full key to its place in job->keys */
	size_t *left, left_nr;
	size_t *again, again_nr;
	size_t failed;
	unsigned round;
	bool singly;
	struct err first; /* the first key's failure */
};

static void send(struct deletion *d);

static void end(struct deletion *d, int code, const struct err *e)
{
	struct remote_job *job = d->job;
	struct s3 *s = d->call.s3;
	struct err copy = {0};

	if (code < 0)
		copy = *e;
	if (code == 0 && d->failed > 0) {
		copy = d->first;
		code = err_ctx(&copy, ERR_PARTIAL, "%zu of %zu keys could not be deleted",
			       d->failed, job->keys_nr);
	}
	copy.code = code;
	s3_call_release(&d->call);
	buf_release(&d->body);
	map_release(&d->index);
	free(d->left);
	free(d->again);
	free(d);
	if (code < 0)
		remote_fail(&s->base, job, &copy);
	else
		remote_finish(&s->base, job);
}

static void key_failed(struct deletion *d, size_t i, const struct err *e)
{
	d->failed++;
	if (d->first.code == 0)
		d->first = *e;
	if (d->job->key_errs)
		d->job->key_errs[i] = *e;
}

static void on_failed_key(void *ctx, const char *key, const char *code,
			  const char *message)
{
	struct deletion *d = ctx;
	size_t i = map_get(&d->index, slice_of(key));
	struct err e = {0};

	if (i == MAP_NONE || strcmp(code, "NoSuchKey") == 0)
		return;
	if (d->round + 1 < ROUNDS &&
	    (strcmp(code, "InternalError") == 0 || strcmp(code, "SlowDown") == 0 ||
	     strcmp(code, "ServiceUnavailable") == 0) &&
	    d->again_nr < d->left_nr) {
		d->again[d->again_nr++] = i;
		return;
	}
	err_set(&e, strcmp(code, "AccessDenied") == 0 ? ERR_AUTH : ERR_NET,
		"deleting '%s': %s: %s", d->job->keys[i], code, message);
	key_failed(d, i, &e);
}

static void ignore_key(void *ctx, const char *key, const char *code, const char *message)
{
	(void)ctx, (void)key, (void)code, (void)message;
}

static bool batch_check(struct s3_call *c)
{
	if (s3_xml_delete_result(buf_slice(&c->q.text), ignore_key, NULL, NULL) == 0)
		return true;
	if (!s3_xml_error(buf_slice(&c->q.text), &c->s3err))
		c->s3err = (struct s3_error){.code = "InternalError",
					     .message = "the answer is no DeleteResult"};
	return false;
}

static bool is_unknown_here(const struct s3_call *c)
{
	return c->q.fault == HTTP_OK && (c->q.status == 501 || c->q.status == 405 ||
					 strcmp(c->s3err.code, "NotImplemented") == 0 ||
					 (c->q.status == 400 && !c->s3err.code[0]));
}

static void next_round(struct deletion *d)
{
	size_t *t = d->left;

	if (d->again_nr == 0) {
		end(d, 0, NULL);
		return;
	}
	d->left = d->again;
	d->left_nr = d->again_nr;
	d->again = t;
	d->again_nr = 0;
	d->round++;
	send(d);
}

static void batch_done(struct s3_call *c)
{
	struct deletion *d = (struct deletion *)c;

	if (c->code < 0 && is_unknown_here(c)) {
		d->singly = true;
		send(d);
		return;
	}
	if (c->code < 0) {
		end(d, c->code == ERR_NOTFOUND ? ERR_CONFIG : c->code, &c->err);
		return;
	}
	/* It was parsed by the check already; it cannot fail now. */
	IGNORE_RESULT(
		s3_xml_delete_result(buf_slice(&c->q.text), on_failed_key, d, NULL) < 0);
	next_round(d);
}

static void single_done(struct s3_call *c)
{
	struct deletion *d = (struct deletion *)c;
	size_t i = d->left[--d->left_nr];

	if (c->code == ERR_CANCELED) {
		end(d, c->code, &c->err);
		return;
	}
	if (c->code < 0 && c->code != ERR_NOTFOUND)
		key_failed(d, i, &c->err);
	if (d->left_nr > 0)
		send(d);
	else
		end(d, 0, NULL);
}

static void build(struct deletion *d)
{
	uint8_t md5[16], sha[32];
	struct s3_call *c = &d->call;

	buf_reset(&d->body);
	buf_adds(&d->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete "
			   "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			   "<Quiet>true</Quiet>");
	for (size_t i = 0; i < d->left_nr; i++) {
		buf_adds(&d->body, "<Object><Key>");
		s3_xml_escape(&d->body, slice_of(c->s3->conf.prefix));
		s3_xml_escape(&d->body, slice_of(d->job->keys[d->left[i]]));
		buf_adds(&d->body, "</Key></Object>");
	}
	buf_adds(&d->body, "</Delete>");
	hash_md5(d->body.p, d->body.n, md5);
	s3_set_md5(c, md5);
	hash_sha256(d->body.p, d->body.n, sha);
	hex_encode(sha, 32, c->payload_hash);
}

static void send(struct deletion *d)
{
	struct s3_call *c = &d->call;
	struct s3 *s = c->s3;
	unsigned wait = d->round > 0 ? (unsigned)AGAIN_MS << d->round : 0;

	s3_call_release(c);
	*c = (struct s3_call){.s3 = s, .flags = S3_CONTROL};
	if (d->singly) {
		c->q.method = "DELETE";
		c->key = d->job->keys[d->left[d->left_nr - 1]];
		c->done = single_done;
		s3_call_start(c);
		return;
	}
	build(d);
	c->q.method = "POST";
	c->q.body = d->body.p;
	c->q.body_bytes = d->body.n;
	c->q.text_max = RESULT_MAX;
	c->q.wait_ms = BATCH_WAIT_MS;
	c->query[0] = (struct sigv4_pair){"delete", NULL};
	c->query_nr = 1;
	c->headers[0] = (struct sigv4_pair){"Content-Type", "application/xml"};
	c->headers_nr = 1;
	c->check = batch_check;
	c->done = batch_done;
	s3_call_start_after(c, wait);
}

static void start(struct http_task *t)
{
	send((struct deletion *)((char *)t - offsetof(struct deletion, task)));
}

void s3_delete_submit(struct s3 *s, struct remote_job *job)
{
	struct deletion *d = xcalloc(1, sizeof(*d));
	struct err e = {0};

	d->job = job;
	d->call.s3 = s;
	d->singly = s->conf.quirks & S3_SINGLE_DELETE;
	d->left = xcalloc(job->keys_nr + 1, sizeof(*d->left));
	d->again = xcalloc(job->keys_nr + 1, sizeof(*d->again));
	for (size_t i = 0; i < job->keys_nr; i++) {
		char *full = xasprintf("%s%s", s->conf.prefix, job->keys[i]);

		map_set(&d->index, slice_of(full), i);
		free(full);
		d->left[d->left_nr++] = i;
		if (job->key_errs)
			job->key_errs[i] = (struct err){0};
	}
	if (job->keys_nr == 0) {
		end(d, 0, NULL);
		return;
	}
	if (job->keys_nr > REMOTE_DELETE_MAX) {
		err_set(&e, ERR_INVALID, "%zu keys to delete at once, more than %d",
			job->keys_nr, REMOTE_DELETE_MAX);
		end(d, ERR_INVALID, &e);
		return;
	}
	d->task.fn = start;
	http_post(s->http, &d->task);
}
