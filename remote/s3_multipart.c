/*
 * A large upload in parts.
 *
 *   (LIST the parts of an earlier run's upload, or ABORT one that is of no use)
 *      |
 *   CREATE --> PARTS --> COMPLETE ------------------> done
 *     ^          |           |  answer lost or odd
 *     |          |           +--> CONFIRM (HEAD) ----> done, or failed
 *     |          +--failed-------+
 *     |                          +--> kept for another run, or
 *     +--- the earlier upload ---+--> ABORT (twice) -> failed
 *          is gone
 *
 * Each part is hashed by the pool (which also brings it into the page cache)
 * and then sent straight from the file. Eight parts are under way at a time;
 * no part is held in memory.
 */
#include "remote/s3_multipart.h"

#include "store/base/alloc.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
	COMPLETE_WAIT_MS = 600000, /* servers assemble in silence */
	ROUND = 1 << 20,
};

#define OBJECT_MAX (UINT64_C(5) << 40)

static void create(struct multipart *m);
static void pump(struct multipart *m);
static void complete(struct multipart *m);

static void reset_call(struct multipart *m, const char *method, unsigned flags)
{
	struct s3_call *c = &m->call;

	s3_call_release(c);
	*c = (struct s3_call){.s3 = m->s3, .key = m->job->key, .flags = flags};
	c->q.method = method;
}

static void forget_parts(struct multipart *m)
{
	for (unsigned i = 0; i < m->parts_nr; i++) {
		free(m->parts[i].etag);
		free(m->parts[i].listed);
		m->parts[i] = (struct done_part){0};
	}
	m->next = m->done = 0;
}

static void end(struct multipart *m)
{
	struct remote_job *job = m->job;
	struct s3 *s = m->s3;
	struct err e = m->err;
	int code = m->code;

	forget_parts(m);
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++) {
		s3_call_release(&m->slot[i].call);
		buf_release(&m->slot[i].save);
	}
	if (m->kept)
		resume_close(&m->file);
	else
		resume_done(&m->file);
	resume_release(&m->log);
	s3_call_release(&m->call);
	buf_release(&m->body);
	free(m->parts);
	free(m->upload_id);
	free(m->meta);
	free(m);
	if (code < 0) {
		e.code = code == ERR_NOTFOUND ? ERR_NET : code;
		remote_fail(&s->base, job, &e);
	} else {
		remote_finish(&s->base, job);
	}
}

static void abort_upload(struct multipart *m);

static void aborted(struct s3_call *c)
{
	struct multipart *m = (struct multipart *)c;
	bool gone = c->code == 0 || c->q.status == 404;

	/* A part that was under way may have landed behind the first one. */
	if (gone && ++m->aborts < 2) {
		abort_upload(m);
		return;
	}
	if (m->restarting) {
		create(m);
		return;
	}
	m->kept = !gone && m->file.live; /* the next run finds and aborts it */
	if (!gone && !m->kept) {
		char *note = xasprintf(
			"an upload could not be aborted: bucket '%s', key '%s%s', "
			"upload id '%s'",
			m->s3->conf.bucket, m->s3->conf.prefix, m->job->key,
			m->upload_id);

		sink_note(m->s3->base.sink, note);
		free(note);
	}
	end(m);
}

static void abort_upload(struct multipart *m)
{
	reset_call(m, "DELETE", S3_CONTROL);
	m->call.query[0] = (struct sigv4_pair){"uploadId", m->upload_id};
	m->call.query_nr = 1;
	m->call.q.even_canceled = true;
	m->call.done = aborted;
	s3_call_start(&m->call);
}

static void stop_parts(struct multipart *m)
{
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++) {
		struct part *p = &m->slot[i];

		if (!p->busy || p->hashing)
			continue;
		http_cancel(m->s3->http, &p->call.q);
		p->busy = false;
		m->busy--;
	}
}

/* Nothing is under way any more: clean up and end, or start anew. */
static void stopped(struct multipart *m)
{
	if (m->busy > 0)
		return; /* the pool still reads for us */
	if (!m->restarting && s3_multilog_keep(m)) {
		m->kept = true;
		end(m);
	} else if (m->upload_id) {
		m->aborts = 0;
		abort_upload(m);
	} else if (m->restarting) {
		create(m);
	} else {
		end(m);
	}
}

/* The upload that we wanted to go on with is gone, or not as it should be. */
static bool restarts(const struct multipart *m, const struct s3_call *c)
{
	static const char *const codes[] = {"NoSuchUpload", "InvalidPart",
					    "InvalidPartOrder", "EntityTooSmall"};

	for (size_t i = 0; m->resumed && i < ARRAY_SIZE(codes); i++)
		if (c->q.fault == HTTP_OK && strcmp(c->s3err.code, codes[i]) == 0)
			return true;
	return false;
}

/*
 * A checksum that the table of services or an earlier test promised, and the server
 * does not take: the upload, and all later ones, go on without.
 */
static bool refuses_crc64(struct multipart *m, const struct s3_call *c)
{
	static const char *const codes[] = {"InvalidRequest", "InvalidArgument",
					    "NotImplemented", "InvalidHeader"};
	bool refuses = c->q.status == 501;

	if (!m->with_crc64 || c->q.fault != HTTP_OK)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(codes) && !refuses; i++)
		refuses = strcmp(c->s3err.code, codes[i]) == 0;
	if (refuses) {
		log_debug("s3", "'%s': the server takes no CRC-64/NVME", m->job->key);
		atomic_store(&m->s3->no_crc64, true);
		m->with_crc64 = false;
	}
	return refuses;
}

static void restart(struct multipart *m)
{
	log_debug("s3", "'%s': this upload is of no use, once more from the start",
		  m->job->key);
	m->restarting = m->failing = true;
	stop_parts(m);
	stopped(m);
}

/* The first failure counts. */
static void fail(struct multipart *m, int code, const struct err *e)
{
	if (!m->failing) {
		m->failing = true;
		m->code = code;
		m->err = *e;
		m->err.code = code;
		stop_parts(m);
	}
	stopped(m);
}

static uint64_t part_len(const struct multipart *m, unsigned index)
{
	uint64_t at = (uint64_t)index * m->part_bytes;

	return MIN_OF(m->part_bytes, m->job->bytes - at);
}

static bool part_check(struct s3_call *c)
{
	/* The ETag is needed for Complete, whatever it looks like. */
	if (http_header(&c->q, "etag"))
		return true;
	c->s3err = (struct s3_error){.code = "InternalError",
				     .message = "the answer has no ETag"};
	return false;
}

static void part_there(struct part *p, const char *etag)
{
	struct multipart *m = p->m;

	m->parts[p->index].etag = xstrdup(etag);
	memcpy(m->parts[p->index].crc64, p->crc64, sizeof(p->crc64));
	if (p->with_crc64)
		s3_etag_md5(etag, m->parts[p->index].md5);
	else
		memcpy(m->parts[p->index].md5, p->md5, 16);
	m->done++;
	sink_add(m->job->sink, 0, part_len(m, p->index));
	if (m->done == m->parts_nr)
		complete(m);
	else
		pump(m);
}

static void part_done(struct s3_call *c)
{
	struct part *p = (struct part *)c;
	struct multipart *m = p->m;

	p->busy = false;
	m->busy--;
	if (c->code < 0 && (restarts(m, c) || refuses_crc64(m, c))) {
		restart(m);
		return;
	}
	if (c->code < 0) {
		fail(m, c->code, &c->err);
		return;
	}
	part_there(p, http_header(&c->q, "etag"));
}

/* Did an earlier run send it, though the record does not say so? */
static bool is_listed(const struct part *p)
{
	const struct done_part *d = &p->m->parts[p->index];
	bool is_other;

	if (d->recorded)
		return true;
	return d->listed && p->with_md5 && s3_etag_is_md5(d->listed, p->md5, &is_other);
}

static void part_send(struct http_task *t)
{
	struct part *p = (struct part *)((char *)t - offsetof(struct part, task));
	struct multipart *m = p->m;
	struct s3_call *c = &p->call;

	p->hashing = false;
	if (m->failing || p->code < 0 || is_listed(p)) {
		p->busy = false;
		m->busy--;
		if (m->failing)
			stopped(m);
		else if (p->code < 0)
			fail(m, p->code, &p->err);
		else {
			m->job->resumed += part_len(m, p->index);
			part_there(p, m->parts[p->index].listed);
		}
		return;
	}
	if (p->with_crc64)
		c->headers[c->headers_nr++] =
			(struct sigv4_pair){"x-amz-checksum-crc64nvme", p->crc64};
	else
		s3_set_md5(c, p->md5);
	s3_call_start(c);
}

static void crc64_text(uint64_t crc, char out[13])
{
	uint8_t raw[8];
	struct buf b = {0};

	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)(crc >> (56 - 8 * i));
	base64_encode(&b, raw, sizeof(raw));
	memcpy(out, buf_str(&b), 13);
	buf_release(&b);
}

static void part_hash(void *arg, unsigned worker)
{
	struct part *p = arg;
	struct multipart *m = p->m;
	struct s3 *s = m->s3;
	bool with_sha = (!s->conf.tls || s->conf.sign_payload) && !s->conf.anonymous;
	struct s3_digests d = {.what = p->with_crc64 ? S3_DIGEST_CRC64 : 0};

	(void)worker;
	if (p->with_md5)
		d.what |= S3_DIGEST_MD5;
	if (with_sha)
		d.what |= S3_DIGEST_SHA256;
	if (p->save.n > 0)
		resume_save(&m->file, &p->save);
	p->code = s3_hash_range(s, m->job->fd, p->call.q.body_at, p->call.q.body_bytes,
				&d, &p->err);
	memcpy(p->md5, d.md5, sizeof(p->md5));
	crc64_text(d.crc64, p->crc64);
	if (p->code == 0 && with_sha)
		hex_encode(d.sha256, 32, p->call.payload_hash);
	p->task.fn = part_send;
	http_post(s->http, &p->task);
}

static void start_part(struct multipart *m, struct part *p, unsigned index)
{
	struct s3_call *c = &p->call;

	s3_call_release(c);
	buf_release(&p->save);
	*p = (struct part){.m = m,
			   .index = index,
			   .busy = true,
			   .hashing = true,
			   .with_crc64 = m->with_crc64,
			   .with_md5 = !m->with_crc64 || (m->parts[index].listed &&
							  !m->parts[index].recorded)};
	s3_multilog_due(m, &p->save);
	IGNORE_RESULT(snprintf(p->number, sizeof(p->number), "%u", index + 1) < 0);
	c->s3 = m->s3;
	c->key = m->job->key;
	c->flags = S3_KEY;
	c->q.method = "PUT";
	c->q.body_is_file = true;
	c->q.fd = m->job->fd;
	c->q.body_at = (int64_t)((uint64_t)index * m->part_bytes);
	c->q.body_bytes = part_len(m, index);
	c->query[0] = (struct sigv4_pair){"partNumber", p->number};
	c->query[1] = (struct sigv4_pair){"uploadId", m->upload_id};
	c->query_nr = 2;
	c->headers[0] = (struct sigv4_pair){"Content-Type", "application/octet-stream"};
	c->headers_nr = 1;
	c->check = part_check;
	c->done = part_done;
	m->busy++;
	pool_submit(m->s3->pool, part_hash, p);
}

static void pump(struct multipart *m)
{
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++) {
		while (m->next < m->parts_nr && m->parts[m->next].etag)
			m->next++;
		if (m->next == m->parts_nr)
			return;
		if (!m->slot[i].busy)
			start_part(m, &m->slot[i], m->next++);
	}
}

static void composite(const struct multipart *m, char out[48])
{
	struct hash h = {0};
	uint8_t md5[16];
	char hex[33];

	hash_begin_md5(&h);
	for (unsigned i = 0; i < m->parts_nr; i++)
		hash_update(&h, m->parts[i].md5, 16);
	hash_end(&h, md5);
	hash_release(&h);
	IGNORE_RESULT(snprintf(out, 48, "%s-%u", hex_encode(md5, 16, hex), m->parts_nr) <
		      0);
}

/* Is what lies there ours? Existence alone would be no proof. */
static bool is_ours(struct multipart *m, const struct s3_call *c)
{
	const char *length = http_header(&c->q, "content-length");
	const char *meta = http_header(&c->q, "x-amz-meta-oid");
	char etag[128], want[48];
	uint64_t bytes;

	if (!length || !parse_u64(slice_of(length), &bytes) || bytes != m->job->bytes)
		return false;
	s3_strip_etag(http_header(&c->q, "etag"), etag, sizeof(etag));
	composite(m, want);
	return strcmp(etag, want) == 0 || (m->meta && meta && strcmp(meta, m->meta) == 0);
}

static void confirmed(struct s3_call *c)
{
	struct multipart *m = (struct multipart *)c;

	if (c->code == 0 && is_ours(m, c)) {
		m->code = 0;
		end(m);
		return;
	}
	if (m->again) {
		restart(m);
		return;
	}
	m->failing = true; /* with the error that Complete gave */
	stopped(m);
}

static void confirm(struct multipart *m)
{
	reset_call(m, "HEAD", S3_CONTROL | S3_KEY);
	m->call.done = confirmed;
	s3_call_start(&m->call);
}

/* The 200 may have come at once, and blanks, and then an <Error>. */
static bool complete_check(struct s3_call *c)
{
	char *etag =
		s3_xml_text(buf_slice(&c->q.text), "CompleteMultipartUploadResult", "");

	if (etag) {
		free(etag);
		return true;
	}
	if (!s3_xml_error(buf_slice(&c->q.text), &c->s3err))
		c->s3err = (struct s3_error){
			.code = "InternalError",
			.message = "the answer does not say how it went"};
	return false;
}

static void completed(struct s3_call *c)
{
	struct multipart *m = (struct multipart *)c;
	char want[48], *etag;

	if (c->code == 0) {
		etag = s3_xml_text(buf_slice(&c->q.text), "CompleteMultipartUploadResult",
				   "ETag");
		composite(m, want);
		log_debug("s3", "'%s' completed as %s, expected %s", m->job->key,
			  etag ? etag : "", want);
		free(etag);
		end(m);
		return;
	}
	m->code = c->code;
	m->err = c->err;
	m->again = restarts(m, c) || refuses_crc64(m, c);
	/*
	 * An answer that was lost may have been the good one: the upload is gone
	 * then (NoSuchUpload), or the server failed behind it.
	 */
	if (c->code != ERR_CANCELED && (c->q.fault != HTTP_OK || c->q.status >= 500 ||
					strcmp(c->s3err.code, "NoSuchUpload") == 0 ||
					strcmp(c->s3err.code, "InternalError") == 0)) {
		confirm(m);
		return;
	}
	if (m->again)
		restart(m);
	else
		fail(m, c->code, &c->err);
}

static void complete(struct multipart *m)
{
	uint8_t sha[32], md5[16];

	buf_reset(&m->body);
	buf_adds(&m->body, "<CompleteMultipartUpload "
			   "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (unsigned i = 0; i < m->parts_nr; i++) {
		buf_addf(&m->body, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
		s3_xml_escape(&m->body, slice_of(m->parts[i].etag));
		buf_adds(&m->body, "</ETag>");
		if (m->with_crc64)
			buf_addf(&m->body, "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME>",
				 m->parts[i].crc64);
		buf_adds(&m->body, "</Part>");
	}
	buf_adds(&m->body, "</CompleteMultipartUpload>");
	reset_call(m, "POST", S3_CONTROL);
	m->call.query[0] = (struct sigv4_pair){"uploadId", m->upload_id};
	m->call.query_nr = 1;
	m->call.headers[0] = (struct sigv4_pair){"Content-Type", "application/xml"};
	m->call.headers_nr = 1;
	m->call.q.body = m->body.p;
	m->call.q.body_bytes = m->body.n;
	m->call.q.wait_ms = COMPLETE_WAIT_MS;
	m->call.check = complete_check;
	m->call.done = completed;
	hash_sha256(m->body.p, m->body.n, sha);
	hex_encode(sha, 32, m->call.payload_hash);
	hash_md5(m->body.p, m->body.n, md5);
	s3_set_md5(&m->call, md5);
	s3_call_start(&m->call);
}

static bool create_check(struct s3_call *c)
{
	struct multipart *m = (struct multipart *)c;

	free(m->upload_id);
	m->upload_id = s3_xml_text(buf_slice(&c->q.text), "InitiateMultipartUploadResult",
				   "UploadId");
	if (m->upload_id && m->upload_id[0])
		return true;
	free(m->upload_id);
	m->upload_id = NULL;
	c->s3err = (struct s3_error){.code = "InternalError",
				     .message = "the answer has no upload id"};
	return false;
}

static void created(struct s3_call *c)
{
	struct multipart *m = (struct multipart *)c;

	if (c->code < 0 && refuses_crc64(m, c)) {
		create(m);
		return;
	}
	if (c->code < 0) {
		fail(m, c->code, &c->err);
		return;
	}
	s3_multilog_started(m);
	pump(m);
}

static void create(struct multipart *m)
{
	struct s3_call *c = &m->call;

	forget_parts(m);
	free(m->upload_id);
	m->upload_id = NULL;
	m->resumed = m->restarting = m->failing = m->again = false;
	m->code = 0;
	m->aborts = 0;
	reset_call(m, "POST", S3_CONTROL | S3_OBJECT | S3_KEY);
	c->query[0] = (struct sigv4_pair){"uploads", NULL};
	c->query_nr = 1;
	c->headers[c->headers_nr++] =
		(struct sigv4_pair){"Content-Type", "application/octet-stream"};
	if (m->meta)
		c->headers[c->headers_nr++] =
			(struct sigv4_pair){"x-amz-meta-oid", m->meta};
	if (m->with_crc64) {
		c->headers[c->headers_nr++] =
			(struct sigv4_pair){"x-amz-checksum-algorithm", "CRC64NVME"};
		c->headers[c->headers_nr++] =
			(struct sigv4_pair){"x-amz-checksum-type", "FULL_OBJECT"};
	}
	c->q.body = "";
	c->check = create_check;
	c->done = created;
	s3_call_start(c);
}

static void looked(struct multipart *m, int code, const struct err *e)
{
	if (code < 0)
		fail(m, code, e);
	else if (!m->resumed)
		create(m);
	else if (m->done == m->parts_nr)
		complete(m);
	else
		pump(m);
}

static void begin(struct http_task *t)
{
	struct multipart *m =
		(struct multipart *)((char *)t - offsetof(struct multipart, task));

	if (m->resumed)
		s3_multilog_list(m, looked);
	else if (m->upload_id)
		restart(m); /* an earlier run's, of other bytes */
	else
		create(m);
}

void s3_multipart_start(struct s3 *s, struct remote_job *job)
{
	struct multipart *m = xcalloc(1, sizeof(*m));
	/* All but the last equal (R2 demands it), and 10,000 at most, or fewer. */
	unsigned parts_max = s->conf.parts_max ? s->conf.parts_max : S3_PARTS_MAX;
	uint64_t planned =
		(job->bytes / (parts_max - parts_max / 100) + ROUND) / ROUND * ROUND;
	char hex[33];
	struct err e = {0};

	m->s3 = s;
	m->job = job;
	m->part_bytes = s->conf.part_bytes ? s->conf.part_bytes : S3_PART;
	if ((job->bytes + m->part_bytes - 1) / m->part_bytes > parts_max)
		m->part_bytes = MAX_OF(m->part_bytes, planned);
	if (job->bytes > OBJECT_MAX) {
		err_set(&e, ERR_INVALID,
			"'%s' is larger than the 5 TiB an object may have", job->key);
		m->code = ERR_INVALID;
		m->err = e;
		end(m);
		return;
	}
	m->parts_nr = (unsigned)((job->bytes + m->part_bytes - 1) / m->part_bytes);
	m->parts = xcalloc(m->parts_nr, sizeof(*m->parts));
	if (job->has_md5)
		m->meta = xstrdup(hex_encode(job->md5, 16, hex));
	m->with_crc64 = s3_sends_crc64(s);
	s3_multilog_open(m);
	m->task.fn = begin;
	http_post(s->http, &m->task);
}
