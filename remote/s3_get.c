/*
 * GET. The first request asks for the first range, finds size and ETag, and
 * moves data at once; what is larger comes in parallel ranges, bound to that
 * ETag, straight into the caller's file. A pool thread hashes behind the
 * contiguous front, from the file: no byte of a large object waits in memory.
 *
 * What is small is collected and goes to the pool in batches, so that many
 * small objects are hashed at once in SIMD lanes.
 *
 * Everything but hash_some() and small_batch() runs on the network thread.
 */
#include "remote/s3_get.h"

#include "store/base/alloc.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"

#include <stdlib.h>
#include <string.h>

enum {
	HASH_STEP = 1 << 20,	  /* bytes worth a hand-over to the pool */
	HASH_STEP_MAX = 64 << 20, /* after that others have a turn */
	RESTARTS_MAX = 2,
};

static void pump(struct get *g);
static void restart(struct get *g, bool whole);

void s3_get_free(struct get *g)
{
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++)
		if (g->slot[i]) {
			s3_call_release(&g->slot[i]->call);
			free(g->slot[i]);
		}
	buf_release(&g->mem);
	hash_release(&g->hash);
	resume_close(&g->file);
	resume_release(&g->log);
	free(g->had);
	free(g->done);
	free(g);
}

static void end_failed(struct get *g)
{
	struct remote_job *job = g->job;
	struct s3 *s = g->s3;
	struct err e = g->err;

	s3_getlog_failed(g, e.code);
	s3_get_free(g);
	remote_fail(&s->base, job, &e);
}

static bool is_busy(const struct get *g, unsigned i)
{
	return g->slot[i] && g->slot[i]->busy;
}

static bool any_busy(const struct get *g)
{
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++)
		if (is_busy(g, i))
			return true;
	return false;
}

static void stop_all(struct get *g)
{
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++)
		if (is_busy(g, i)) {
			http_cancel(g->s3->http, &g->slot[i]->call.q);
			g->slot[i]->busy = false;
		}
}

static void fail(struct get *g, int code, const struct err *e)
{
	stop_all(g);
	if (!g->failing) {
		g->failing = true;
		g->err = *e;
		g->err.code = code;
	}
	if (!g->hashing)
		end_failed(g);
}

static bool is_in_memory(const struct get *g)
{
	return g->job->op == REMOTE_GET_BYTES || (g->sized && g->total <= S3_SMALL);
}

static uint64_t range_len(const struct get *g, unsigned index)
{
	uint64_t at = (uint64_t)index * S3_PART;

	if (!g->sized)
		return g->whole ? UINT64_MAX : S3_PART;
	return g->whole ? g->total : MIN_OF((uint64_t)S3_PART, g->total - at);
}

/* "bytes 0-15/16" */
static bool parse_content_range(const char *text, uint64_t *from, uint64_t *to,
				uint64_t *total)
{
	struct slice s = slice_of(text), a, b;

	if (!slice_starts(s, "bytes "))
		return false;
	s.p += 6;
	s.n -= 6;
	a = slice_cut(&s, '-');
	b = slice_cut(&s, '/');
	return s.p && parse_u64(slice_trim(a), from) && parse_u64(slice_trim(b), to) &&
	       parse_u64(slice_trim(s), total) && *from <= *to && *to < *total;
}

static int broken(struct s3_call *c, struct err *e, const char *what)
{
	c->own_is_broken = true;
	return err_set(e, ERR_NET, "%s", what);
}

static int set_size(struct get *g, uint64_t total, struct err *e)
{
	if (g->job->op == REMOTE_GET_BYTES && total > g->job->limit)
		return err_set(e, ERR_INVALID,
			       "'%s' has %llu bytes, more than the %zu allowed",
			       g->job->key, (unsigned long long)total, g->job->limit);
	g->sized = true;
	g->total = total;
	if (is_in_memory(g)) {
		buf_reserve(&g->mem, (size_t)total);
		return 0;
	}
	if (total > S3_PART && sys_fallocate(g->job->fd, (int64_t)total) < 0)
		return err_sys(e, "fallocate", g->job->key);
	if (!g->whole) {
		g->ranges_nr = (unsigned)((total + S3_PART - 1) / S3_PART);
		free(g->done);
		g->done = xcalloc(g->ranges_nr, 1);
	}
	return 0;
}

/* The server ignored the range: take the whole, if we stand at its start. */
static int whole_answer(struct range *r, struct err *e)
{
	struct get *g = r->g;
	const char *length = http_header(&r->call.q, "content-length");
	uint64_t total;

	if (r->index != 0 || r->got != 0 || g->sized) {
		g->want_whole = true;
		return err_set(e, ERR_NET,
			       "the server answered a range with the whole object");
	}
	g->whole = true;
	if (length && parse_u64(slice_of(length), &total))
		return set_size(g, total, e);
	return 0;
}

static int range_head(struct http_req *q, struct err *e)
{
	struct range *r = (struct range *)q;
	struct get *g = r->g;
	const char *etag = http_header(q, "etag"), *text;
	uint64_t from, to, total, want_to;
	int code;

	if (q->status < 200 || q->status >= 300)
		return 0;
	if (q->status != 206) {
		if (g->whole && g->sized) {
			const char *length = http_header(q, "content-length");

			if (length &&
			    (!parse_u64(slice_of(length), &total) || total != g->total)) {
				g->is_changed = true;
				return err_set(e, ERR_NET,
					       "the object changed while it was fetched");
			}
			return 0;
		}
		return whole_answer(r, e);
	}
	text = http_header(q, "content-range");
	if (!r->call.range[0] || !text || !parse_content_range(text, &from, &to, &total))
		return broken(&r->call, e, "the answer's Content-Range cannot be read");
	want_to = MIN_OF(r->at + range_len(g, r->index), total) - 1;
	if (from != r->at + r->got || to != want_to)
		return broken(&r->call, e,
			      "the answer is for another range than asked for");
	if (g->sized) {
		if (total == g->total &&
		    (!etag || !g->etag[0] || strcmp(etag, g->etag) == 0))
			return 0;
		g->is_changed = true;
		return err_set(e, ERR_NET, "the object changed while it was fetched");
	}
	if (etag && strlen(etag) < sizeof(g->etag))
		IGNORE_RESULT(snprintf(g->etag, sizeof(g->etag), "%s", etag) < 0);
	if ((code = set_size(g, total, e)) < 0)
		return code;
	if (g->ranges_nr > 1)
		pump(g);
	return 0;
}

static void hash_some(void *arg, unsigned worker);

/* How far everything has arrived without a gap. */
static uint64_t front(struct get *g)
{
	if (g->whole)
		return g->received_whole ? g->total : 0; /* it may start over */
	while (g->front < g->ranges_nr && g->done[g->front])
		g->front++;
	if (g->front == g->ranges_nr)
		return g->total;
	/* Without an ETag a broken range starts over, and may bring other bytes. */
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT && g->etag[0]; i++)
		if (is_busy(g, i) && g->slot[i]->index == g->front)
			return g->slot[i]->at + g->slot[i]->got;
	return (uint64_t)g->front * S3_PART;
}

static void hash_on(struct get *g)
{
	uint64_t to;
	bool is_worth;

	if (g->hashing || g->failing || g->restarting)
		return;
	to = front(g);
	is_worth = to > g->hashed && (to - g->hashed >= HASH_STEP || to == g->total);
	/* What arrives behind a range that hangs is to be on record, too. */
	s3_getlog_due(g);
	if (!is_worth && !g->save)
		return;
	g->hash_to = is_worth ? MIN_OF(to, g->hashed + HASH_STEP_MAX) : g->hashed;
	g->hashing = true;
	pool_submit(g->s3->pool, hash_some, g);
}

/*
 * Done, when all is hashed and no transfer is open any more: the last byte may
 * be hashed before libcurl has seen the end of the answer.
 */
static void settle(struct get *g)
{
	if (g->sized && g->hashed == g->total && !g->hashing && !any_busy(g))
		s3_get_hashed(g);
	else
		hash_on(g);
}

static int range_body(struct http_req *q, const void *p, size_t n, struct err *e)
{
	struct range *r = (struct range *)q;
	struct get *g = r->g;

	if (n > range_len(g, r->index) - r->got)
		return broken(&r->call, e, "the answer is longer than it may be");
	if (is_in_memory(g)) {
		size_t limit = g->job->op == REMOTE_GET_BYTES ? g->job->limit : S3_SMALL;

		if (g->mem.n + n > limit)
			return err_set(e, ERR_INVALID, "'%s' is longer than %zu bytes",
				       g->job->key, limit);
		buf_add(&g->mem, p, n);
	} else if (sys_pwrite(g->job->fd, p, n, (int64_t)(r->at + r->got)) < 0) {
		return err_sys(e, "write", g->job->key);
	}
	r->got += n;
	if (!is_in_memory(g)) {
		sink_add(g->job->sink, 0, n);
		hash_on(g);
	}
	return 0;
}

static void range_before(struct s3_call *c)
{
	struct range *r = (struct range *)c;
	struct get *g = r->g;

	/* Bytes that arrived stay, if we can make sure it is the same object. */
	if (g->whole || !g->etag[0] || is_in_memory(g)) {
		r->got = 0;
		buf_reset(&g->mem);
	}
	c->headers_nr = 0;
	c->range[0] = '\0';
	if (g->whole)
		return;
	IGNORE_RESULT(snprintf(c->range, sizeof(c->range), "bytes=%llu-%llu",
			       (unsigned long long)(r->at + r->got),
			       (unsigned long long)(r->at + range_len(g, r->index) - 1)) <
		      0);
	if (g->etag[0])
		c->headers[c->headers_nr++] = (struct sigv4_pair){"If-Match", g->etag};
}

static bool range_check(struct s3_call *c)
{
	struct range *r = (struct range *)c;

	if (r->g->whole && !r->g->sized)
		return true; /* of unknown length: the end is the end */
	if (r->got == range_len(r->g, r->index))
		return true;
	c->s3err = (struct s3_error){.code = "IncompleteBody",
				     .message = "the answer ended early"};
	return false;
}

static void received(struct get *g)
{
	g->received_whole = true;
	g->total = g->sized ? g->total : g->slot[0]->got;
	g->sized = true;
}

static void range_done(struct s3_call *c)
{
	struct range *r = (struct range *)c;
	struct get *g = r->g;

	r->busy = false;
	if (c->code < 0) {
		/* An empty object has no range at all: ask for it whole. */
		if (c->q.status == 416 && c->q.fault == HTTP_OK && !g->sized)
			restart(g, true);
		else if (g->want_whole)
			restart(g, true);
		else if (g->is_changed || (c->q.status == 412 && g->etag[0]))
			restart(g, g->whole);
		else
			fail(g, c->code, &c->err);
		return;
	}
	if (g->whole)
		received(g);
	else if (!is_in_memory(g))
		g->done[r->index] = 1;
	if (is_in_memory(g)) {
		s3_small_push(g);
		return;
	}
	if (!g->whole)
		pump(g);
	settle(g);
}

static void start_range(struct get *g, unsigned i, unsigned index)
{
	struct range *r = g->slot[i];
	struct s3_call *c;

	if (!r)
		r = g->slot[i] = xcalloc(1, sizeof(*r));
	c = &r->call;
	s3_call_release(c);
	*r = (struct range){.g = g,
			    .index = index,
			    .at = (uint64_t)index * S3_PART,
			    .got = g->had ? g->had[index] : 0,
			    .busy = true,
			    .is_live = true};
	c->s3 = g->s3;
	c->key = g->job->key;
	c->flags = S3_KEY;
	if (g->job->version)
		c->query[c->query_nr++] =
			(struct sigv4_pair){"versionId", g->job->version};
	c->q.method = "GET";
	c->q.on_head = range_head;
	c->q.on_body = range_body;
	c->before = range_before;
	c->check = range_check;
	c->done = range_done;
	s3_call_start(c);
}

static void pump(struct get *g)
{
	uint64_t base = MAX_OF(g->hashed, g->floor * S3_PART);

	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++) {
		while (g->next < g->ranges_nr && g->done[g->next])
			g->next++;
		if (g->next >= g->ranges_nr)
			return;
		if (is_busy(g, i))
			continue;
		if ((uint64_t)g->next * S3_PART > base + S3_HASH_LAG)
			return;
		start_range(g, i, g->next++);
	}
}

static void start_over(struct get *g)
{
	g->restarting = g->sized = g->is_changed = g->want_whole = false;
	g->received_whole = false;
	g->etag[0] = '\0';
	g->total = g->hashed = 0;
	g->front = 0;
	g->next = 1;
	g->ranges_nr = 0;
	buf_reset(&g->mem);
	s3_getlog_reset(g);
	hash_begin_md5(&g->hash);
	start_range(g, 0, 0);
}

static void restart(struct get *g, bool whole)
{
	struct err e = {0};

	stop_all(g);
	if (g->restarts++ >= RESTARTS_MAX) {
		err_set(&e, ERR_NET, "'%s' changed again and again while it was fetched",
			g->job->key);
		fail(g, ERR_NET, &e);
		return;
	}
	g->whole = whole || g->job->op == REMOTE_GET_BYTES;
	g->restarting = true;
	if (!g->hashing)
		start_over(g);
}

void s3_get_again(struct http_task *t)
{
	struct get *g = (struct get *)((char *)t - offsetof(struct get, task));

	g->restarting = true;
	start_over(g);
}

/* All is there and hashed: compare, and take it or fetch it once more. */
void s3_get_hashed(struct get *g)
{
	struct remote_job *job = g->job;
	struct s3 *s = g->s3;
	struct err e = {0};

	hash_end(&g->hash, job->digest);
	if (job->has_md5 && memcmp(job->digest, job->md5, 16) != 0) {
		if (!g->damaged) {
			/* What an earlier run left may be to blame, not the remote. */
			g->damaged = !g->resumed;
			log_debug("s3", "'%s' arrived damaged, once more", job->key);
			start_over(g);
			return;
		}
		s3_get_damaged(g, &e);
		fail(g, ERR_CORRUPT, &e);
		return;
	}
	/* An earlier attempt may have written beyond the end. */
	if (sys_ftruncate(job->fd, (int64_t)g->total) < 0) {
		fail(g, err_sys(&e, "ftruncate", job->key), &e);
		return;
	}
	job->bytes = g->total;
	resume_done(&g->file);
	s3_get_free(g);
	remote_finish(&s->base, job);
}

static void hash_stopped(struct http_task *t)
{
	struct get *g = (struct get *)((char *)t - offsetof(struct get, task));

	g->hashing = false;
	if (g->failing) {
		end_failed(g);
	} else if (g->hash_code < 0 && g->resumed) {
		restart(g, false); /* what was there is no longer */
	} else if (g->hash_code < 0) {
		fail(g, g->hash_code, &g->hash_err);
	} else if (g->restarting) {
		start_over(g);
	} else {
		g->hashed = g->hash_to;
		if (!g->whole)
			pump(g);
		settle(g);
	}
}

static void hash_some(void *arg, unsigned worker)
{
	enum {
		CHUNK = 256 << 10
	};
	struct get *g = arg;
	uint64_t at = g->hashed, to = g->hash_to;
	char *p = xmalloc(CHUNK);

	(void)worker;
	if (g->save)
		s3_getlog_write(g);
	g->hash_code = 0;
	while (at < to && g->hash_code == 0) {
		ssize_t n =
			sys_pread(g->job->fd, p, (size_t)MIN_OF((uint64_t)CHUNK, to - at),
				  (int64_t)at);

		if (n < 0)
			g->hash_code = err_sys(&g->hash_err, "read", g->job->key);
		else if (n == 0)
			g->hash_code = err_set(&g->hash_err, ERR_IO,
					       "'%s' became shorter while it was fetched",
					       g->job->key);
		else {
			hash_update(&g->hash, p, (size_t)n);
			at += (uint64_t)n;
		}
		if (atomic_load(&g->s3->closing))
			break; /* the job is being canceled */
	}
	free(p);
	g->task.fn = hash_stopped;
	http_post(g->s3->http, &g->task);
}

static void get_start(struct http_task *t)
{
	struct get *g = (struct get *)((char *)t - offsetof(struct get, task));

	g->whole = g->job->op == REMOTE_GET_BYTES;
	if (g->resumed) {
		hash_begin_md5(&g->hash);
		pump(g);
		hash_on(g);
	} else {
		start_over(g);
	}
}

void s3_get_submit(struct s3 *s, struct remote_job *job)
{
	struct get *g = xcalloc(1, sizeof(*g));

	g->s3 = s;
	g->job = job;
	s3_getlog_open(g);
	g->task.fn = get_start;
	http_post(s->http, &g->task);
}
