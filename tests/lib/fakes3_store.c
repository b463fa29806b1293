#include "tests/lib/fakes3_int.h"

#include "remote/s3_xml.h"
#include "remote/sigv4.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/parse.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SKEW_NS (INT64_C(900) * 1000000000)

char *fake_decode(const char *p, size_t n)
{
	char *out = xmalloc(n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '%' && i + 2 < n + 0 && parse_hex_digit(p[i + 1]) >= 0) {
			out[k++] = (char)(parse_hex_digit(p[i + 1]) << 4 |
					  parse_hex_digit(p[i + 2]));
			i += 2;
		} else {
			out[k++] = p[i];
		}
	}
	out[k] = '\0';
	return out;
}

char *fake_header(const char *head, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strchr(head, '\n'); p; p = strchr(p, '\n')) {
		p++;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			struct slice s = {p + n + 1, strcspn(p + n + 1, "\r\n")};

			s = slice_trim(s);
			return xmemdup0(s.p, s.n);
		}
	}
	return NULL;
}

char *fake_query(const char *target, const char *name)
{
	const char *q = strchr(target, '?');
	struct slice rest = q ? slice_of(q + 1) : (struct slice){0};

	while (rest.p) {
		struct slice value = slice_cut(&rest, '&'), key = slice_cut(&value, '=');

		if (slice_is(key, name))
			return fake_decode(value.p ? value.p : "", value.n);
	}
	return NULL;
}

void fake_error(struct answer *a, int status, const char *code, const char *extra)
{
	buf_reset(&a->body);
	a->status = status;
	buf_addf(
		&a->body,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code>"
		"<Message>as the test asked</Message><RequestId>req-1</RequestId>%s</Error>",
		code, extra ? extra : "");
	buf_adds(&a->head,
		 "Content-Type: application/xml\r\nx-amz-request-id: req-1\r\n");
}

static char *field(const char *auth, const char *name)
{
	const char *p = strstr(auth, name);
	size_t n;

	if (!p)
		return xstrdup("");
	p += strlen(name);
	n = strcspn(p, ", ");
	return xmemdup0(p, n);
}

static void canonical_query(struct buf *out, const char *target)
{
	const char *q = strchr(target, '?');
	struct slice rest = q ? slice_of(q + 1) : (struct slice){0};
	struct sigv4_pair v[16];
	char *mem[32];
	size_t nr = 0, mem_nr = 0;

	while (rest.p && nr < 16) {
		struct slice value = slice_cut(&rest, '&'), key = slice_cut(&value, '=');

		mem[mem_nr] = fake_decode(key.p, key.n);
		v[nr].name = mem[mem_nr++];
		mem[mem_nr] = fake_decode(value.p ? value.p : "", value.n);
		v[nr++].value = mem[mem_nr++];
	}
	sigv4_query(out, v, nr);
	while (mem_nr > 0)
		free(mem[--mem_nr]);
}

static bool signature_fits(const struct request *q, const char *auth, const char *region)
{
	char *names = field(auth, "SignedHeaders="), *got = field(auth, "Signature=");
	char *date = fake_header(q->head, "x-amz-date");
	char *hash = fake_header(q->head, "x-amz-content-sha256");
	struct slice rest = slice_of(names);
	struct sigv4_pair h[40];
	struct buf query = {0};
	char *path = xmemdup0(q->target, strcspn(q->target, "?")), want[SIGV4_HEX_N];
	struct sigv4_key k = {.access_key = FAKES3_ACCESS,
			      .secret_key = FAKES3_SECRET,
			      .region = region,
			      .service = "s3"};
	struct sigv4_request r = {.method = q->method,
				  .path = path,
				  .headers = h,
				  .payload_hash = hash ? hash : "",
				  .date = date};
	bool ok = date && hash;

	canonical_query(&query, q->target);
	r.query = buf_str(&query);
	while (rest.p && r.headers_nr < 40) {
		struct slice s = slice_cut(&rest, ';');
		char *name = xmemdup0(s.p, s.n), *value = fake_header(q->head, name);

		if (!value) {
			ok = false;
			free(name);
			break;
		}
		h[r.headers_nr++] = (struct sigv4_pair){name, value};
	}
	if (ok) {
		sigv4_sign(&k, &r, want);
		ok = strcmp(want, got) == 0;
	}
	for (size_t i = 0; i < r.headers_nr; i++) {
		union {
			const char *c;
			char *m;
		} n = {.c = h[i].name}, v = {.c = h[i].value};

		free(n.m);
		free(v.m);
	}
	buf_release(&query);
	free(path);
	free(hash);
	free(date);
	free(got);
	free(names);
	return ok;
}

static bool body_fits(const struct request *q, struct answer *a)
{
	char *hash = fake_header(q->head, "x-amz-content-sha256");
	char *md5 = fake_header(q->head, "content-md5"), hex[65];
	struct buf b64 = {0};
	uint8_t d[32];
	bool ok = true;

	if (hash && strlen(hash) == 64) {
		hash_sha256(buf_str(&q->body), q->body.n, d);
		if (strcmp(hex_encode(d, 32, hex), hash) != 0) {
			fake_error(a, 400, "XAmzContentSHA256Mismatch", NULL);
			ok = false;
		}
	}
	if (ok && md5) {
		hash_md5(buf_str(&q->body), q->body.n, d);
		base64_encode(&b64, d, 16);
		if (strcmp(buf_str(&b64), md5) != 0) {
			fake_error(a, 400, "BadDigest", NULL);
			ok = false;
		}
	}
	buf_release(&b64);
	free(md5);
	free(hash);
	return ok;
}

/* Who asks, when, where, and whether the body is what was signed. */
bool fake_check(struct fakes3 *f, const struct request *q, struct answer *a)
{
	char *auth = fake_header(q->head, "authorization");
	char *date = fake_header(q->head, "x-amz-date");
	char *scope = auth ? field(auth, "Credential=" FAKES3_ACCESS "/") : NULL;
	int64_t then = 0, now = clock_wall_ns() + f->shift_s * 1000000000;
	char region[64] = "", iso[32] = "", extra[96];
	bool ok = false;

	if (!auth) {
		ok = f->anonymous;
		if (!ok)
			fake_error(a, 403, "AccessDenied", NULL);
		goto out;
	}
	if (strlen(scope) > 9)
		IGNORE_RESULT(snprintf(region, sizeof(region), "%.*s",
				       (int)strcspn(scope + 9, "/"), scope + 9) < 0);
	if (!region[0]) {
		fake_error(a, 403, "InvalidAccessKeyId", NULL);
		goto out;
	}
	if (date && strlen(date) == 16)
		IGNORE_RESULT(snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ",
				       date, date + 4, date + 6, date + 9, date + 11,
				       date + 13) < 0);
	if (!clock_parse(iso, strlen(iso), &then) || llabs(then - now) > SKEW_NS) {
		fake_error(a, 403, "RequestTimeTooSkewed", NULL);
		goto out;
	}
	if (f->region && strcmp(region, f->region) != 0) {
		IGNORE_RESULT(snprintf(extra, sizeof(extra), "<Region>%s</Region>",
				       f->region) < 0);
		fake_error(a, 400, "AuthorizationHeaderMalformed", extra);
		buf_addf(&a->head, "x-amz-bucket-region: %s\r\n", f->region);
		goto out;
	}
	ok = signature_fits(q, auth, region);
	if (!ok) {
		f->refused++;
		fake_error(a, 403, "SignatureDoesNotMatch", NULL);
		goto out;
	}
	ok = body_fits(q, a);
out:
	free(scope);
	free(date);
	free(auth);
	return ok;
}

struct object *fake_find(struct fakes3 *f, const char *key)
{
	size_t i = map_get(&f->index, slice_of(key));

	return i == MAP_NONE || f->objects.v[i].gone ? NULL : &f->objects.v[i];
}

void fake_store(struct fakes3 *f, const char *key, const void *p, size_t n,
		const char *etag, const char *meta)
{
	size_t i = map_get(&f->index, slice_of(key));
	struct object *o;
	uint8_t md5[16];

	if (i == MAP_NONE) {
		map_set(&f->index, slice_of(key), f->objects.nr);
		vec_push(&f->objects, ((struct object){.key = xstrdup(key)}));
		i = f->objects.nr - 1;
	}
	o = &f->objects.v[i];
	free(o->p);
	free(o->meta);
	o->p = xmemdup0(n ? p : "", n);
	o->n = n;
	o->meta = meta ? xstrdup(meta) : NULL;
	o->gone = false;
	hash_md5(o->p, n, md5);
	if (etag)
		IGNORE_RESULT(snprintf(o->etag, sizeof(o->etag), "%s", etag) < 0);
	else
		hex_encode(md5, 16, o->etag);
	o->id[0] = '\0';
	if (f->is_versioned) {
		struct object old = *o;

		/* What a URL has to escape, as real ids may have. */
		IGNORE_RESULT(snprintf(o->id, sizeof(o->id), "v+/%u=", ++f->last_id) < 0);
		memcpy(old.id, o->id, sizeof(old.id));
		old.key = xstrdup(key);
		old.p = xmemdup0(o->p, o->n);
		old.meta = NULL;
		vec_push(&f->versions, old);
	}
}

static const struct object *find_version(struct fakes3 *f, const char *key,
					 const char *id)
{
	for (size_t i = 0; i < f->versions.nr; i++)
		if (strcmp(f->versions.v[i].key, key) == 0 &&
		    strcmp(f->versions.v[i].id, id) == 0)
			return &f->versions.v[i];
	return NULL;
}

static void add_object_head(struct answer *a, const struct object *o)
{
	buf_addf(&a->head,
		 "ETag: \"%s\"\r\nLast-Modified: Fri, 24 May 2013 00:00:00 GMT\r\n"
		 "Content-Type: application/octet-stream\r\n",
		 o->etag);
	if (o->meta)
		buf_addf(&a->head, "x-amz-meta-oid: %s\r\n", o->meta);
	if (o->id[0])
		buf_addf(&a->head, "x-amz-version-id: %s\r\n", o->id);
}

static void get_object(struct fakes3 *f, const struct request *q, struct answer *a)
{
	char *id = fake_query(q->target, "versionId");
	const struct object *o = id ? find_version(f, q->key, id) : fake_find(f, q->key);
	char *range = q->no_range ? NULL : fake_header(q->head, "range");
	char *match = fake_header(q->head, "if-match");
	struct slice s = slice_of(range ? range : ""), from_text;
	uint64_t from = 0, to = 0;

	if (!o) {
		fake_error(a, 404, id ? "NoSuchVersion" : "NoSuchKey", NULL);
		goto out;
	}
	if (match && strncmp(match + 1, o->etag, strlen(o->etag)) != 0) {
		fake_error(a, 412, "PreconditionFailed", NULL);
		goto out;
	}
	add_object_head(a, o);
	a->status = 200;
	if (!range) {
		buf_add(&a->body, o->p, o->n);
		goto out;
	}
	s.p += 6;
	s.n -= 6;
	from_text = slice_cut(&s, '-');
	if (!parse_u64(from_text, &from) || !parse_u64(s, &to) || from >= o->n) {
		buf_addf(&a->head, "Content-Range: bytes */%zu\r\n", o->n);
		fake_error(a, 416, "InvalidRange", NULL);
		goto out;
	}
	if (to >= o->n)
		to = o->n - 1;
	a->status = 206;
	buf_addf(&a->head, "Content-Range: bytes %llu-%llu/%zu\r\n",
		 (unsigned long long)from, (unsigned long long)to, o->n);
	buf_add(&a->body, o->p + from, (size_t)(to - from) + 1);
out:
	free(id);
	free(match);
	free(range);
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct object *const *)a)->key,
		      (*(const struct object *const *)b)->key);
}

static void list_page(struct fakes3 *f, struct answer *a, const char *prefix,
		      const char *after, bool v2, size_t max)
{
	const struct object **v = xcalloc(f->objects.nr + 1, sizeof(const void *));
	size_t nr = 0;
	const char *last = NULL;

	for (size_t i = 0; i < f->objects.nr; i++) {
		const struct object *o = &f->objects.v[i];

		if (!o->gone && slice_starts(slice_of(o->key), prefix) &&
		    strcmp(o->key, after) > 0)
			v[nr++] = o;
	}
	qsort(v, nr, sizeof(const void *), by_key);
	a->status = 200;
	buf_adds(&a->body, "<?xml version=\"1.0\"?>\n<ListBucketResult "
			   "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			   "<EncodingType>url</EncodingType>");
	for (size_t i = 0; i < nr && i < max; i++) {
		last = v[i]->key;
		buf_adds(&a->body, "<Contents><Key>");
		sigv4_escape(&a->body, slice_of(last));
		buf_addf(&a->body,
			 "</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified>"
			 "<ETag>&quot;%s&quot;</ETag><Size>%zu</Size></Contents>",
			 v[i]->etag, v[i]->n);
	}
	buf_addf(&a->body, "<IsTruncated>%s</IsTruncated>", nr > max ? "true" : "false");
	if (nr > max && v2)
		buf_addf(&a->body, "<NextContinuationToken>T/%s</NextContinuationToken>",
			 last);
	buf_adds(&a->body, "</ListBucketResult>");
	free(v);
}

static void list(struct fakes3 *f, const struct request *q, struct answer *a)
{
	char *prefix = fake_query(q->target, "prefix");
	char *token = fake_query(q->target, "continuation-token");
	char *start = fake_query(q->target, "start-after");
	char *marker = fake_query(q->target, "marker");
	char *type = fake_query(q->target, "list-type");
	char *keys = fake_query(q->target, "max-keys");
	uint64_t max = 1000;
	const char *after = token && strlen(token) > 2 ? token + 2
			    : start		       ? start
			    : marker		       ? marker
						       : "";

	if (keys)
		IGNORE_RESULT(parse_u64(slice_of(keys), &max));
	list_page(f, a, prefix ? prefix : "", after, type != NULL,
		  MIN_OF((size_t)max, f->page));
	free(prefix);
	free(token);
	free(start);
	free(marker);
	free(type);
	free(keys);
}

static void take_key(void *ctx, const char *path, struct slice text)
{
	struct fakes3 *f = ctx;
	char *key;
	struct object *o;

	if (strcmp(path, "Object/Key") != 0)
		return;
	key = xmemdup0(text.p, text.n);
	o = fake_find(f, key);
	if (o)
		o->gone = true;
	free(key);
}

static void delete_many(struct fakes3 *f, const struct request *q, struct answer *a)
{
	char *md5 = fake_header(q->head, "content-md5");
	struct s3_xml *x = s3_xml_new("Delete", 1 << 24, take_key, f);

	if (!md5 || s3_xml_feed(x, q->body.p, q->body.n, NULL) < 0 ||
	    s3_xml_end(x, NULL) < 0)
		fake_error(a, 400, "MalformedXML", NULL);
	else {
		a->status = 200;
		buf_adds(&a->body, "<DeleteResult></DeleteResult>");
	}
	s3_xml_free(x);
	free(md5);
}

static void put_object(struct fakes3 *f, const struct request *q, struct answer *a)
{
	char *meta = fake_header(q->head, "x-amz-meta-oid");

	fake_store(f, q->key, q->body.p, q->body.n, NULL, meta);
	a->status = 200;
	buf_addf(&a->head, "ETag: \"%s\"\r\n", fake_find(f, q->key)->etag);
	free(meta);
}

void fake_handle(struct fakes3 *f, const struct request *q, struct answer *a)
{
	char *id = fake_query(q->target, "uploadId"),
	     *uploads = fake_query(q->target, "uploads");
	char *delete = fake_query(q->target, "delete");
	bool is_get = strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;

	if (q->wrong_bucket)
		fake_error(a, 404, "NoSuchBucket", NULL);
	else if (!q->key && uploads && strcmp(q->method, "GET") == 0)
		fake_upload_list(f, q, a);
	else if (!q->key && strcmp(q->method, "GET") == 0)
		list(f, q, a);
	else if (!q->key && delete &&strcmp(q->method, "POST") == 0)
		delete_many(f, q, a);
	else if (!q->key)
		fake_error(a, 501, "NotImplemented", NULL);
	else if (uploads && strcmp(q->method, "POST") == 0)
		fake_upload_create(f, q, a);
	else if (id)
		fake_upload_call(f, q, a, id);
	else if (is_get)
		get_object(f, q, a);
	else if (strcmp(q->method, "PUT") == 0)
		put_object(f, q, a);
	else if (strcmp(q->method, "DELETE") == 0) {
		struct object *o = fake_find(f, q->key);

		if (o)
			o->gone = true;
		a->status = 204;
	} else
		fake_error(a, 501, "NotImplemented", NULL);
	free(id);
	free(uploads);
	free(delete);
}
