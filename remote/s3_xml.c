#include "remote/s3_xml.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/vec.h"

#include <expat.h>

#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 12,
	TEXT_MAX = 16384, /* a key of 1,024 bytes, each as &#xNN; of a %-code */
	PATH_N = 512,
	SMALL_DOCUMENT = 4 << 20,
};

struct s3_xml {
	XML_Parser expat;
	const char *root;
	s3_xml_fn fn;
	void *ctx;
	size_t bytes, max_bytes;
	unsigned depth;
	size_t lens[DEPTH_MAX + 1]; /* of path before each element */
	char path[PATH_N];
	size_t path_n;
	struct buf text;
	const char *why; /* we stopped it ourselves */
};

static void stop(struct s3_xml *x, const char *why)
{
	if (!x->why)
		x->why = why;
	XML_StopParser(x->expat, XML_FALSE);
}

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attrs)
{
	struct s3_xml *x = ctx;
	size_t n;

	(void)attrs;
	name = local_name(name);
	n = strlen(name);
	buf_reset(&x->text);
	if (x->depth == 0 && x->root && strcmp(name, x->root) != 0) {
		stop(x, "another document than expected");
		return;
	}
	if (x->depth >= DEPTH_MAX || x->path_n + n + 2 > sizeof(x->path)) {
		stop(x, "nested too deeply");
		return;
	}
	x->lens[x->depth] = x->path_n;
	if (x->depth > 0) {
		if (x->path_n > 0)
			x->path[x->path_n++] = '/';
		memcpy(x->path + x->path_n, name, n);
		x->path_n += n;
		x->path[x->path_n] = '\0';
	}
	x->depth++;
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct s3_xml *x = ctx;

	(void)name;
	if (x->why || x->depth == 0)
		return;
	x->fn(x->ctx, x->path, buf_slice(&x->text));
	buf_reset(&x->text);
	x->depth--;
	x->path_n = x->lens[x->depth];
	x->path[x->path_n] = '\0';
}

static void on_text(void *ctx, const XML_Char *p, int n)
{
	struct s3_xml *x = ctx;

	if (x->text.n + (size_t)n > TEXT_MAX) {
		stop(x, "a text that is too long");
		return;
	}
	buf_add(&x->text, p, (size_t)n);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid,
		       const XML_Char *pubid, int has_internal)
{
	(void)name, (void)sysid, (void)pubid, (void)has_internal;
	stop(ctx, "a document type");
}

static void on_entity(void *ctx, const XML_Char *name, int is_parameter,
		      const XML_Char *value, int value_n, const XML_Char *base,
		      const XML_Char *sysid, const XML_Char *pubid,
		      const XML_Char *notation)
{
	(void)name, (void)is_parameter, (void)value, (void)value_n, (void)base;
	(void)sysid, (void)pubid, (void)notation;
	stop(ctx, "an entity");
}

struct s3_xml *s3_xml_new(const char *root, size_t max_bytes, s3_xml_fn fn, void *ctx)
{
	struct s3_xml *x = xcalloc(1, sizeof(*x));

	x->expat = XML_ParserCreate(NULL);
	if (!x->expat)
		die("out of memory for an XML parser");
	x->root = root;
	x->max_bytes = max_bytes;
	x->fn = fn;
	x->ctx = ctx;
	XML_SetUserData(x->expat, x);
	XML_SetElementHandler(x->expat, on_start, on_end);
	XML_SetCharacterDataHandler(x->expat, on_text);
	XML_SetStartDoctypeDeclHandler(x->expat, on_doctype);
	XML_SetEntityDeclHandler(x->expat, on_entity);
	return x;
}

void s3_xml_free(struct s3_xml *x)
{
	if (!x)
		return;
	XML_ParserFree(x->expat);
	buf_release(&x->text);
	free(x);
}

static int failed(struct s3_xml *x, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the answer is not the XML it should be: %s",
		       x->why ? x->why : XML_ErrorString(XML_GetErrorCode(x->expat)));
}

static int step(struct s3_xml *x, const void *p, size_t n, bool is_last, struct err *e)
{
	if (x->why)
		return failed(x, e);
	if (n > x->max_bytes - x->bytes) {
		x->why = "it is too large";
		return failed(x, e);
	}
	x->bytes += n;
	if (XML_Parse(x->expat, p, (int)n, is_last) != XML_STATUS_OK || x->why)
		return failed(x, e);
	return 0;
}

int s3_xml_feed(struct s3_xml *x, const void *p, size_t n, struct err *e)
{
	return step(x, p, n, false, e);
}

int s3_xml_end(struct s3_xml *x, struct err *e)
{
	return step(x, "", 0, true, e);
}

int s3_xml_whole(struct slice body, const char *root, s3_xml_fn fn, void *ctx,
		 struct err *e)
{
	struct s3_xml *x = s3_xml_new(root, SMALL_DOCUMENT, fn, ctx);
	size_t skip = 0;
	int r;

	/* Complete may send blanks for minutes before its document. */
	while (skip < body.n && strchr(" \t\r\n", body.p[skip]) && body.p[skip])
		skip++;
	r = s3_xml_feed(x, body.p + skip, body.n - skip, e);
	if (r == 0)
		r = s3_xml_end(x, e);
	s3_xml_free(x);
	return r;
}

static void keep(char *dst, size_t size, struct slice s)
{
	size_t n = MIN_OF(s.n, size - 1);

	memcpy(dst, s.p, n);
	dst[n] = '\0';
}

static void error_field(void *ctx, const char *path, struct slice text)
{
	struct s3_error *o = ctx;
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} fields[] = {
		{"Code", o->code, sizeof(o->code)},
		{"Message", o->message, sizeof(o->message)},
		{"Region", o->region, sizeof(o->region)},
		{"Endpoint", o->endpoint, sizeof(o->endpoint)},
		{"RequestId", o->request_id, sizeof(o->request_id)},
		{"HostId", o->host_id, sizeof(o->host_id)},
		{"ServerTime", o->server_time, sizeof(o->server_time)},
		{"StorageClass", o->storage_class, sizeof(o->storage_class)},
		{"Resource", o->resource, sizeof(o->resource)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(path, fields[i].name) == 0 && text.n > 0)
			keep(fields[i].dst, fields[i].size, text);
}

bool s3_xml_error(struct slice body, struct s3_error *out)
{
	*out = (struct s3_error){0};
	if (body.n == 0 || s3_xml_whole(body, "Error", error_field, out, NULL) < 0) {
		*out = (struct s3_error){0};
		return false;
	}
	return out->code[0] != '\0';
}

struct want {
	const char *path;
	char *text;
};

static void take_text(void *ctx, const char *path, struct slice text)
{
	struct want *w = ctx;

	if (!w->text && strcmp(path, w->path) == 0)
		w->text = xmemdup0(text.p ? text.p : "", text.n);
}

char *s3_xml_text(struct slice body, const char *root, const char *path)
{
	struct want w = {.path = path};

	if (s3_xml_whole(body, root, take_text, &w, NULL) < 0) {
		free(w.text);
		return NULL;
	}
	return w.text;
}

void s3_page_release(struct s3_page *p)
{
	vec_release(p);
	arena_release(&p->arena);
	*p = (struct s3_page){0};
}

/* Swift and others quote ETags, some as entities; the quotes are no part of it. */
static struct slice unquote(struct slice s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return (struct slice){s.p + 1, s.n - 2};
	return s;
}

static struct s3_page_entry *current(struct s3_page *p)
{
	/* The entry being read is the one behind the last; it is counted at the
	 * end of its element. */
	vec_reserve(p, p->nr + 1);
	return &p->v[p->nr];
}

static void open_entry(struct s3_page *p)
{
	if (p->nr == p->cap || !p->v) {
		vec_reserve(p, p->nr + 1);
		memset(&p->v[p->nr], 0, (p->cap - p->nr) * sizeof(*p->v));
	}
}

static void entry_field(struct s3_page *p, const char *name, struct slice text)
{
	struct s3_page_entry *en;

	open_entry(p);
	en = current(p);
	if (strcmp(name, "Key") == 0)
		en->key = arena_strndup(&p->arena, text.p ? text.p : "", text.n);
	else if (strcmp(name, "ETag") == 0) {
		text = unquote(text);
		en->etag = arena_strndup(&p->arena, text.p ? text.p : "", text.n);
	} else if (strcmp(name, "Size") == 0)
		p->is_bad |= !parse_u64(slice_trim(text), &en->bytes);
	else if (strcmp(name, "LastModified") == 0 &&
		 !clock_parse(text.p ? text.p : "", text.n, &en->modified_ns))
		en->modified_ns = 0;
}

static void page_field(void *ctx, const char *path, struct slice text)
{
	struct s3_page *p = ctx;

	if (strncmp(path, "Contents/", 9) == 0) {
		entry_field(p, path + 9, text);
	} else if (strcmp(path, "Contents") == 0) {
		open_entry(p);
		if (!current(p)->key)
			p->is_bad = true;
		if (!current(p)->etag)
			current(p)->etag = "";
		p->nr++;
	} else if (strcmp(path, "IsTruncated") == 0) {
		p->truncated = slice_is(slice_trim(text), "true");
	} else if (strcmp(path, "EncodingType") == 0) {
		p->is_encoded = slice_is(slice_trim(text), "url");
	} else if (text.n > 0 && (strcmp(path, "NextContinuationToken") == 0 ||
				  strcmp(path, "NextMarker") == 0)) {
		p->token = arena_strndup(&p->arena, text.p, text.n);
	}
}

struct s3_xml *s3_page_parser(struct s3_page *p)
{
	/* 1,000 keys of 1,024 bytes, each byte as "%XX", and what is around them. */
	enum {
		PAGE_BYTES = 8 << 20
	};

	return s3_xml_new("ListBucketResult", PAGE_BYTES, page_field, p);
}

bool s3_xml_percent_decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		int hi, lo;

		if (*s != '%') {
			*to++ = *s == '+' ? ' ' : *s;
			continue;
		}
		hi = parse_hex_digit(s[1]);
		lo = hi < 0 ? -1 : parse_hex_digit(s[2]);
		if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
			return false;
		*to++ = (char)(hi << 4 | lo);
		s += 2;
	}
	*to = '\0';
	return true;
}

int s3_page_finish(struct s3_page *p, struct err *e)
{
	if (p->is_bad)
		return err_set(e, ERR_CORRUPT,
			       "a page of the listing has an entry that cannot be read");
	if (!p->is_encoded)
		return 0;
	for (size_t i = 0; i < p->nr; i++) {
		char *key = arena_strdup(&p->arena, p->v[i].key);

		if (!s3_xml_percent_decode(key))
			return err_set(e, ERR_CORRUPT,
				       "the listing's key '%s' is not encoded as it says",
				       p->v[i].key);
		p->v[i].key = key;
	}
	return 0;
}

struct delete_result {
	s3_xml_failed_fn fn;
	void *ctx;
	char *key, *code, *message;
};

static void set(char **dst, struct slice text)
{
	free(*dst);
	*dst = xmemdup0(text.p ? text.p : "", text.n);
}

static void delete_field(void *ctx, const char *path, struct slice text)
{
	struct delete_result *d = ctx;

	if (strcmp(path, "Error/Key") == 0)
		set(&d->key, text);
	else if (strcmp(path, "Error/Code") == 0)
		set(&d->code, text);
	else if (strcmp(path, "Error/Message") == 0)
		set(&d->message, text);
	if (strcmp(path, "Error") != 0)
		return;
	d->fn(d->ctx, d->key ? d->key : "", d->code ? d->code : "",
	      d->message ? d->message : "");
	set(&d->key, (struct slice){0});
	set(&d->code, (struct slice){0});
	set(&d->message, (struct slice){0});
}

int s3_xml_delete_result(struct slice body, s3_xml_failed_fn fn, void *ctx, struct err *e)
{
	struct delete_result d = {.fn = fn, .ctx = ctx};
	int r = s3_xml_whole(body, "DeleteResult", delete_field, &d, e);

	free(d.key);
	free(d.code);
	free(d.message);
	return r;
}

void s3_xml_escape(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '&')
			buf_adds(out, "&amp;");
		else if (c == '<')
			buf_adds(out, "&lt;");
		else if (c == '>')
			buf_adds(out, "&gt;");
		else if (c == '"')
			buf_adds(out, "&quot;");
		else if (c == '\'')
			buf_adds(out, "&apos;");
		else if (c < 0x20)
			buf_addf(out, "&#%u;", c);
		else
			buf_addc(out, (char)c);
	}
}
