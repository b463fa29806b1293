/* Multipart uploads as S3 has them: begin, part, list, complete, abort. */
#include "tests/lib/fakes3_int.h"

#include "remote/sigv4.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/parse.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>

struct upload *fake_upload(struct fakes3 *f, const char *id)
{
	for (size_t i = 0; i < f->uploads.nr; i++)
		if (f->uploads.v[i].open && strcmp(f->uploads.v[i].id, id) == 0)
			return &f->uploads.v[i];
	return NULL;
}

static bool has_header(const struct request *q, const char *name)
{
	char *v = fake_header(q->head, name);
	bool has = v != NULL;

	free(v);
	return has;
}

/* The part's checksum, as the one header that is known here says it. */
static bool is_crc64_right(const struct request *q)
{
	char *got = fake_header(q->head, "x-amz-checksum-crc64nvme");
	uint64_t crc = hash_crc64nvme(0, buf_str(&q->body), q->body.n);
	struct buf want = {0};
	uint8_t raw[8];
	bool right;

	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)(crc >> (56 - 8 * i));
	base64_encode(&want, raw, sizeof(raw));
	right = !got || strcmp(got, buf_str(&want)) == 0;
	buf_release(&want);
	free(got);
	return right;
}

static size_t count(const char *text, const char *what)
{
	size_t nr = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		nr++;
	}
	return nr;
}

void fake_upload_create(struct fakes3 *f, const struct request *q, struct answer *a)
{
	struct upload u = {
		.key = xstrdup(q->key), .open = true, .begun_ns = clock_wall_ns()};

	u.meta = fake_header(q->head, "x-amz-meta-oid");
	u.with_crc64 = has_header(q, "x-amz-checksum-algorithm");
	IGNORE_RESULT(snprintf(u.id, sizeof(u.id), "id+/%u=", ++f->last_id) < 0);
	vec_push(&f->uploads, u);
	a->status = 200;
	buf_addf(&a->body,
		 "<InitiateMultipartUploadResult><UploadId>%s</UploadId>"
		 "</InitiateMultipartUploadResult>",
		 u.id);
}

static void put_part(struct fakes3 *f, const struct request *q, struct answer *a,
		     const char *id, const char *number)
{
	struct upload *u = fake_upload(f, id);
	struct fake_part p = {0};
	uint64_t n = 0;
	char hex[33];

	if (!u || !parse_u64(slice_of(number), &n)) {
		fake_error(a, 404, "NoSuchUpload", NULL);
		return;
	}
	if (u->with_crc64 != has_header(q, "x-amz-checksum-crc64nvme")) {
		fake_error(a, 400, "InvalidRequest", NULL);
		return;
	}
	if (!is_crc64_right(q)) {
		fake_error(a, 400, "BadDigest", NULL);
		return;
	}
	p = (struct fake_part){.number = (unsigned)n,
			       .p = xmemdup0(buf_str(&q->body), q->body.n),
			       .n = q->body.n};
	hash_md5(p.p, p.n, p.md5);
	for (size_t i = 0; i < u->parts.nr; i++)
		if (u->parts.v[i].number == p.number) {
			free(u->parts.v[i].p);
			u->parts.v[i] = p;
			goto out;
		}
	vec_push(&u->parts, p);
out:
	a->status = 200;
	buf_addf(&a->head, "ETag: \"%s%s\"\r\n", f->opaque_parts ? "opaque-" : "",
		 hex_encode(p.md5, 16, hex));
}

static int by_number(const void *a, const void *b)
{
	const struct fake_part *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void complete_upload(struct fakes3 *f, const struct request *q, struct answer *a,
			    const char *id)
{
	struct upload *u = fake_upload(f, id);
	struct buf whole = {0}, md5s = {0};
	char etag[48], hex[33], tag[80];
	uint8_t md5[16];

	if (!u) {
		fake_error(a, 404, "NoSuchUpload", NULL);
		return;
	}
	if (u->with_crc64 &&
	    count(buf_str(&q->body), "<ChecksumCRC64NVME>") != u->parts.nr) {
		fake_error(a, 400, "InvalidRequest", NULL);
		return;
	}
	qsort(u->parts.v, u->parts.nr, sizeof(*u->parts.v), by_number);
	for (size_t i = 0; i < u->parts.nr; i++) {
		const struct fake_part *p = &u->parts.v[i];

		IGNORE_RESULT(snprintf(tag, sizeof(tag),
				       "<PartNumber>%zu</PartNumber><ETag>&quot;%s%s",
				       i + 1, f->opaque_parts ? "opaque-" : "",
				       hex_encode(p->md5, 16, hex)) < 0);
		if (p->number != i + 1 || !strstr(buf_str(&q->body), tag)) {
			fake_error(a, 400, "InvalidPart", NULL);
			goto out;
		}
		buf_add(&whole, p->p, p->n);
		buf_add(&md5s, p->md5, 16);
	}
	hash_md5(md5s.p, md5s.n, md5);
	IGNORE_RESULT(snprintf(etag, sizeof(etag), "%s-%zu", hex_encode(md5, 16, hex),
			       u->parts.nr) < 0);
	fake_store(f, u->key, whole.p, whole.n, etag, u->meta);
	u->open = false;
	a->status = 200;
	buf_addf(&a->body,
		 "<CompleteMultipartUploadResult><ETag>&quot;%s&quot;</ETag>"
		 "</CompleteMultipartUploadResult>",
		 etag);
out:
	buf_release(&whole);
	buf_release(&md5s);
}

static uint64_t number_of(const struct request *q, const char *name, uint64_t other)
{
	char *text = fake_query(q->target, name);
	uint64_t v = other;

	if (text)
		IGNORE_RESULT(parse_u64(slice_of(text), &v));
	free(text);
	return v;
}

static void list_parts(struct fakes3 *f, const struct request *q, struct answer *a,
		       struct upload *u)
{
	uint64_t after = number_of(q, "part-number-marker", 0);
	uint64_t max = MIN_OF(number_of(q, "max-parts", 1000), (uint64_t)f->page);
	uint64_t nr = 0, last = 0;
	bool more = false;
	char hex[33];

	qsort(u->parts.v, u->parts.nr, sizeof(*u->parts.v), by_number);
	a->status = 200;
	buf_adds(&a->body, "<ListPartsResult>");
	for (size_t i = 0; i < u->parts.nr; i++) {
		const struct fake_part *p = &u->parts.v[i];

		if (p->number <= after)
			continue;
		if (nr++ == max) {
			more = true;
			break;
		}
		last = p->number;
		buf_addf(&a->body,
			 "<Part><PartNumber>%u</PartNumber><ETag>&quot;%s%s&quot;</ETag>"
			 "<Size>%zu</Size></Part>",
			 p->number, f->opaque_parts ? "opaque-" : "",
			 hex_encode(p->md5, 16, hex), p->n);
	}
	buf_addf(&a->body,
		 "<NextPartNumberMarker>%llu</NextPartNumberMarker><IsTruncated>%s"
		 "</IsTruncated></ListPartsResult>",
		 (unsigned long long)last, more ? "true" : "false");
}

void fake_upload_call(struct fakes3 *f, const struct request *q, struct answer *a,
		      const char *id)
{
	char *number = fake_query(q->target, "partNumber");
	struct upload *u = fake_upload(f, id);

	if (strcmp(q->method, "PUT") == 0)
		put_part(f, q, a, id, number ? number : "");
	else if (strcmp(q->method, "POST") == 0)
		complete_upload(f, q, a, id);
	else if (u && strcmp(q->method, "GET") == 0)
		list_parts(f, q, a, u);
	else if (u && strcmp(q->method, "DELETE") == 0) {
		u->open = false;
		a->status = 204;
	} else
		fake_error(a, 404, "NoSuchUpload", NULL);
	free(number);
}

static int by_key_and_id(const void *a, const void *b)
{
	const struct upload *x = *(const struct upload *const *)a;
	const struct upload *y = *(const struct upload *const *)b;
	int r = strcmp(x->key, y->key);

	return r ? r : strcmp(x->id, y->id);
}

void fake_upload_list(struct fakes3 *f, const struct request *q, struct answer *a)
{
	const struct upload **v = xcalloc(f->uploads.nr + 1, sizeof(const void *));
	char *prefix = fake_query(q->target, "prefix");
	char *key = fake_query(q->target, "key-marker");
	char *id = fake_query(q->target, "upload-id-marker"), when[21];
	size_t nr = 0, n = 0;

	for (size_t i = 0; i < f->uploads.nr; i++) {
		const struct upload *u = &f->uploads.v[i];
		int r = key ? strcmp(u->key, key) : 1;

		if (u->open && slice_starts(slice_of(u->key), prefix ? prefix : "") &&
		    (r > 0 || (r == 0 && id && strcmp(u->id, id) > 0)))
			v[nr++] = u;
	}
	qsort(v, nr, sizeof(const void *), by_key_and_id);
	a->status = 200;
	buf_adds(&a->body,
		 "<ListMultipartUploadsResult><EncodingType>url</EncodingType>");
	for (; n < nr && n < f->page; n++) {
		clock_format_iso(v[n]->begun_ns, when);
		buf_adds(&a->body, "<Upload><Key>");
		sigv4_escape(&a->body, slice_of(v[n]->key));
		buf_addf(
			&a->body,
			"</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>",
			v[n]->id, when);
	}
	buf_addf(&a->body, "<IsTruncated>%s</IsTruncated>", n < nr ? "true" : "false");
	if (n < nr) {
		buf_adds(&a->body, "<NextKeyMarker>");
		sigv4_escape(&a->body, slice_of(v[n - 1]->key));
		buf_addf(&a->body,
			 "</NextKeyMarker><NextUploadIdMarker>%s</NextUploadIdMarker>",
			 v[n - 1]->id);
	}
	buf_adds(&a->body, "</ListMultipartUploadsResult>");
	free(prefix);
	free(key);
	free(id);
	free(v);
}

const char *fakes3_begin(struct fakes3 *f, const char *key, int64_t ago_s)
{
	struct upload u = {.key = xstrdup(key),
			   .open = true,
			   .begun_ns = clock_wall_ns() - ago_s * 1000000000};
	const char *id;

	pthread_mutex_lock(&f->lock);
	IGNORE_RESULT(snprintf(u.id, sizeof(u.id), "id+/%u=", ++f->last_id) < 0);
	/* A test begins few; the vector does not move under it. */
	vec_reserve(&f->uploads, 64);
	vec_push(&f->uploads, u);
	id = f->uploads.v[f->uploads.nr - 1].id;
	pthread_mutex_unlock(&f->lock);
	return id;
}

size_t fakes3_parts(struct fakes3 *f)
{
	size_t nr = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->uploads.nr; i++)
		if (f->uploads.v[i].open)
			nr += f->uploads.v[i].parts.nr;
	pthread_mutex_unlock(&f->lock);
	return nr;
}

void fakes3_spoil_part(struct fakes3 *f, unsigned number)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->uploads.nr; i++)
		for (size_t k = 0; k < f->uploads.v[i].parts.nr; k++) {
			struct fake_part *p = &f->uploads.v[i].parts.v[k];

			if (p->number != number)
				continue;
			p->p[0]++;
			hash_md5(p->p, p->n, p->md5);
		}
	pthread_mutex_unlock(&f->lock);
}

void fakes3_drop_uploads(struct fakes3 *f)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->uploads.nr; i++)
		f->uploads.v[i].open = false;
	pthread_mutex_unlock(&f->lock);
}

void fakes3_opaque_parts(struct fakes3 *f, bool on)
{
	pthread_mutex_lock(&f->lock);
	f->opaque_parts = on;
	pthread_mutex_unlock(&f->lock);
}
