/*
 * What makes a large upload survive a kill: a record of its id and its parts,
 * and the question to the server what it really has.
 *
 * A part counts when the server lists it with the size it has to have, and
 * either with the ETag that the record has for it, or with one that is the MD5 of
 * our bytes, which are hashed for that anyway before they would be sent.
 */
#include "remote/s3_multipart.h"

#include "remote/s3_uploads.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/sink.h"
#include "store/base/sys.h"

#include <stdlib.h>
#include <string.h>

enum {
	LIST_TEXT_MAX = 4 << 20, /* 1,000 parts with long ETags */
	SAVE_STEP = 256 << 10,	 /* a longer record is written less often */
};

#define SAVE_NS INT64_C(250000000)

static void identify(struct multipart *m, const char *url, const struct stat *st)
{
	struct resume *r = &m->log;

	resume_release(r);
	*r = (struct resume){
		.is_upload = true,
		.url = xstrdup(url),
		.bytes = m->job->bytes,
		.part_bytes = m->part_bytes,
		.inode = st->st_ino,
		.mtime_ns =
			(int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
	};
	s3_headers_digest(m->s3, r->headers);
}

static bool is_same(const struct resume *a, const struct resume *b)
{
	int64_t age = clock_wall_ns() - b->started_ns;

	return strcmp(a->url, b->url) == 0 && a->bytes == b->bytes &&
	       a->part_bytes == b->part_bytes && a->inode == b->inode &&
	       a->mtime_ns == b->mtime_ns && memcmp(a->headers, b->headers, 16) == 0 &&
	       age >= 0 && age < RESUME_AGE_NS;
}

void s3_multilog_open(struct multipart *m)
{
	char *url = s3_transfer_url(m->s3, m->job->key);
	struct resume old = {0};
	struct stat st;

	if (sys_fstat(m->job->fd, &st) == 0 &&
	    resume_open(&m->file, m->s3->state_dir, true, url)) {
		identify(m, url, &st);
		if (resume_load(&m->file, &old) && strcmp(old.url, url) == 0) {
			m->upload_id = xstrdup(old.upload_id);
			m->resumed = is_same(&m->log, &old);
			log_debug("s3", "'%s': an upload was begun before, it is %s",
				  m->job->key, m->resumed ? "gone on with" : "of no use");
		}
		if (m->resumed) {
			struct resume swap = m->log;

			m->log = old;
			old = swap;
		}
	}
	resume_release(&old);
	free(url);
}

void s3_multilog_started(struct multipart *m)
{
	if (!m->file.live)
		return;
	free(m->log.upload_id);
	m->log.upload_id = xstrdup(m->upload_id);
	m->log.started_ns = clock_wall_ns();
	m->saved_ns = 0;
}

static void record(struct multipart *m, struct buf *out)
{
	struct resume r = m->log;

	r.parts.v = NULL;
	r.parts.nr = r.parts.cap = 0;
	for (unsigned i = 0; i < m->parts_nr; i++) {
		struct resume_part p = {.number = i + 1, .etag = m->parts[i].etag};

		if (!p.etag)
			continue;
		memcpy(p.md5, m->parts[i].md5, 16);
		vec_push(&r.parts, p);
	}
	buf_reset(out);
	if (!resume_format(&r, out))
		buf_reset(out);
	vec_release(&r.parts); /* the ETags are borrowed */
}

void s3_multilog_due(struct multipart *m, struct buf *out)
{
	int64_t now = clock_mono_ns();
	int64_t every = SAVE_NS * (int64_t)(1 + m->saved_bytes / SAVE_STEP);

	if (!m->file.live || (m->saved_ns && now - m->saved_ns < every))
		return;
	record(m, out);
	m->saved_ns = now;
	m->saved_bytes = out->n;
}

bool s3_multilog_keep(struct multipart *m)
{
	struct buf text = {0};
	bool keeps =
		m->file.live && m->upload_id && m->done > 0 &&
		(m->code == ERR_CANCELED || m->code == ERR_NET || m->code == ERR_AUTH);

	if (keeps) {
		record(m, &text);
		resume_save(&m->file, &text);
		log_debug("s3",
			  "'%s': upload '%s' is left to the next run with %u of %u "
			  "parts",
			  m->job->key, m->upload_id, m->done, m->parts_nr);
	}
	buf_release(&text);
	return keeps;
}

/* ---- what the server has --------------------------------------------------- */

struct lookup {
	struct s3_call call; /* first */
	struct multipart *m;
	struct s3_parts page;
	unsigned from;
	char marker[12]; /* the same as text */
	void (*done)(struct multipart *m, int code, const struct err *e);
};

static void list_next(struct lookup *l);

static void list_end(struct lookup *l, int code)
{
	struct multipart *m = l->m;
	void (*done)(struct multipart * m, int code, const struct err *e) = l->done;
	struct err e = l->call.err;

	s3_call_release(&l->call);
	s3_parts_release(&l->page);
	free(l);
	done(m, code, &e);
}

static bool list_check(struct s3_call *c)
{
	struct lookup *l = (struct lookup *)c;
	struct err e = {0};

	s3_parts_release(&l->page);
	if (s3_parts_parse(buf_slice(&c->q.text), &l->page, &e) == 0 &&
	    (!l->page.truncated || l->page.next > l->from))
		return true;
	c->s3err = (struct s3_error){.code = "InternalError"};
	IGNORE_RESULT(
		snprintf(c->s3err.message, sizeof(c->s3err.message), "%.400s",
			 e.text[0] ? e.text : "the list of parts turns in a circle") < 0);
	return false;
}

static const struct resume_part *on_record(const struct resume *r, unsigned number)
{
	for (size_t i = 0; i < r->parts.nr; i++)
		if (r->parts.v[i].number == number)
			return &r->parts.v[i];
	return NULL;
}

static void take_part(struct multipart *m, const struct s3_part *p)
{
	const struct resume_part *known = on_record(&m->log, p->number);
	struct done_part *d;
	char a[128], b[128];

	if (p->number < 1 || p->number > m->parts_nr || !p->etag ||
	    p->bytes != resume_piece(&m->log, p->number - 1))
		return; /* it is sent again and overwrites what is there */
	d = &m->parts[p->number - 1];
	if (d->etag || d->listed)
		return;
	s3_strip_etag(p->etag, a, sizeof(a));
	if (known && strcmp(a, s3_strip_etag(known->etag, b, sizeof(b))) == 0 &&
	    m->with_crc64) {
		/* Complete wants its checksum: it is read again, not sent. */
		d->listed = xstrdup(known->etag);
		d->recorded = true;
	} else if (known && strcmp(a, s3_strip_etag(known->etag, b, sizeof(b))) == 0) {
		d->etag = xstrdup(known->etag);
		memcpy(d->md5, known->md5, 16);
		m->done++;
		m->job->resumed += p->bytes;
		sink_add(m->job->sink, 0, p->bytes);
	} else if (!known) {
		d->listed = xstrdup(p->etag);
	}
}

static void list_done(struct s3_call *c)
{
	struct lookup *l = (struct lookup *)c;
	struct multipart *m = l->m;

	if (c->code < 0) {
		/* Gone, not offered, or not allowed: then it cannot be gone on with. */
		bool is_net = c->q.fault != HTTP_OK || c->code == ERR_CANCELED ||
			      c->q.status >= 500;

		m->resumed = is_net && c->q.status != 501;
		list_end(l, m->resumed ? c->code : 0);
		return;
	}
	for (size_t i = 0; i < l->page.nr; i++)
		take_part(m, &l->page.v[i]);
	if (l->page.truncated) {
		l->from = l->page.next;
		IGNORE_RESULT(snprintf(l->marker, sizeof(l->marker), "%u", l->from) < 0);
		list_next(l);
		return;
	}
	log_debug("s3", "'%s': %u of %u parts are there", m->job->key, m->done,
		  m->parts_nr);
	list_end(l, 0);
}

static void list_next(struct lookup *l)
{
	struct s3_call *c = &l->call;
	size_t n = 0;

	c->query[n++] = (struct sigv4_pair){"uploadId", l->m->upload_id};
	c->query[n++] = (struct sigv4_pair){"max-parts", "1000"};
	if (l->marker[0])
		c->query[n++] = (struct sigv4_pair){"part-number-marker", l->marker};
	c->query_nr = n;
	s3_call_start(c);
}

void s3_multilog_list(struct multipart *m,
		      void (*done)(struct multipart *m, int code, const struct err *e))
{
	struct lookup *l = xcalloc(1, sizeof(*l));

	l->m = m;
	l->done = done;
	l->call.s3 = m->s3;
	l->call.key = m->job->key;
	l->call.flags = S3_CONTROL | S3_KEY;
	l->call.q.method = "GET";
	l->call.q.text_max = LIST_TEXT_MAX;
	l->call.check = list_check;
	l->call.done = list_done;
	list_next(l);
}
