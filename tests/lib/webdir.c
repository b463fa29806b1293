#include "tests/lib/webdir.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/map.h"
#include "store/base/parse.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OPAQUE "11733b200778ce33060f31c9af70a870ba96ddd4"

struct file {
	char *path, *p;
	size_t n;
	char etag[40];
	bool gone;
};

struct header {
	char method[12];
	char *name, *value;
};

struct webdir {
	struct MHD_Daemon *daemon;
	int port;
	pthread_mutex_t lock; /* all below */
	struct webdir_rules rules;
	VEC_OF(struct file) files;
	VEC_OF(struct header) headers;
	VEC_OF(char *) methods;
	atomic_uint_fast64_t sent; /* added to under a lock of the library's */
};

/* One request: the body as it comes, the answer's bytes as they go. */
struct request {
	struct webdir *w;
	struct buf body;
};

struct sending {
	struct webdir *w;
	char *p;
	size_t n, cut;
};

static struct file *find(struct webdir *w, const char *path)
{
	for (size_t i = 0; i < w->files.nr; i++)
		if (!w->files.v[i].gone && strcmp(w->files.v[i].path, path) == 0)
			return &w->files.v[i];
	return NULL;
}

static void store(struct webdir *w, const char *path, const void *p, size_t n)
{
	struct file *f = find(w, path);
	uint8_t md5[16];
	char hex[33];

	if (!f) {
		vec_push(&w->files, ((struct file){.path = xstrdup(path)}));
		f = &w->files.v[w->files.nr - 1];
	}
	free(f->p);
	f->p = xmemdup0(n ? p : "", n);
	f->n = n;
	hash_md5(f->p, n, md5);
	snprintf(f->etag, sizeof(f->etag), "\"%s\"", hex_encode(md5, 16, hex));
}

static enum MHD_Result keep_header(void *ctx, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct webdir *w = ctx;
	struct header h = {.name = xstrdup(name), .value = xstrdup(value ? value : "")};

	(void)kind;
	snprintf(h.method, sizeof(h.method), "%s", w->methods.v[w->methods.nr - 1]);
	vec_push(&w->headers, h);
	return MHD_YES;
}

static ssize_t send_some(void *ctx, uint64_t at, char *out, size_t max)
{
	struct sending *s = ctx;
	size_t n;

	if (at >= s->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (at >= s->n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = MIN_OF(max, MIN_OF(s->n, s->cut) - (size_t)at);
	memcpy(out, s->p + at, n);
	atomic_fetch_add(&s->w->sent, n);
	return (ssize_t)n;
}

static void sending_free(void *ctx)
{
	struct sending *s = ctx;

	free(s->p);
	free(s);
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status,
			      struct MHD_Response *r)
{
	enum MHD_Result done = MHD_queue_response(c, status, r);

	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *header,
			   const char *value)
{
	static char text[] = "said the server\n";
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), text,
								 MHD_RESPMEM_PERSISTENT);

	if (header)
		MHD_add_response_header(r, header, value);
	return answer(c, status, r);
}

static const char *header_of(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* MHD_YES: may go on; else *done is what was answered. */
static bool is_allowed(struct webdir *w, struct MHD_Connection *c, enum MHD_Result *done)
{
	const struct webdir_rules *r = &w->rules;
	const char *v;

	if (r->header) {
		v = header_of(c, r->header);
		if (v && strcmp(v, r->header_value) == 0)
			return true;
		*done = say(c, 401, NULL, NULL);
		return false;
	}
	if (!r->user)
		return true;
	if (r->is_digest) {
		int ok = MHD_digest_auth_check2(c, "the realm", r->user, r->password, 300,
						MHD_DIGEST_ALG_MD5);
		struct MHD_Response *resp;

		if (ok == MHD_YES)
			return true;
		resp = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		*done = MHD_queue_auth_fail_response2(
			c, "the realm", OPAQUE, resp,
			ok == MHD_INVALID_NONCE ? MHD_YES : MHD_NO, MHD_DIGEST_ALG_MD5);
		MHD_destroy_response(resp);
		return false;
	} else {
		char *password = NULL,
		     *user = MHD_basic_auth_get_username_password(c, &password);
		bool ok = user && password && strcmp(user, r->user) == 0 &&
			  strcmp(password, r->password) == 0;

		if (user)
			MHD_free(user);
		if (password)
			MHD_free(password);
		if (!ok)
			*done = say(c, 401, "WWW-Authenticate", "Basic realm=\"x\"");
		return ok;
	}
}

static bool range_of(struct webdir *w, struct MHD_Connection *c, const struct file *f,
		     size_t *from, size_t *to)
{
	const char *v = header_of(c, "Range"), *bind = header_of(c, "If-Range");
	struct slice s = slice_of(v ? v : ""), a;
	uint64_t n;

	if (w->rules.no_ranges || !slice_starts(s, "bytes=") ||
	    (bind && strcmp(bind, f->etag) != 0 && bind[0] == '"'))
		return false;
	s.p += 6;
	s.n -= 6;
	a = slice_cut(&s, '-');
	if (!parse_u64(a, &n))
		return false;
	*from = (size_t)n;
	*to = s.n > 0 && parse_u64(s, &n) ? MIN_OF((size_t)n + 1, f->n) : f->n;
	return true;
}

static enum MHD_Result send_file(struct webdir *w, struct MHD_Connection *c,
				 const struct file *f, bool is_head)
{
	const struct webdir_rules *r = &w->rules;
	size_t from = 0, to = f->n;
	bool ranged = range_of(w, c, f, &from, &to);
	struct MHD_Response *resp;
	struct sending *s;
	char text[96];

	if (ranged && from >= f->n) {
		snprintf(text, sizeof(text), "bytes */%zu", f->n);
		return say(c, 416, "Content-Range", text);
	}
	s = xcalloc(1, sizeof(*s));
	s->w = w;
	s->n = to - from;
	s->p = xmemdup0(f->p + from, s->n);
	s->cut = SIZE_MAX;
	if (r->flips && s->n > 0)
		s->p[0] ^= 1;
	if (!is_head && w->rules.cuts > 0) {
		w->rules.cuts--;
		s->cut = r->cut_at;
	}
	if (!is_head && r->dead_at > 0)
		s->cut = MIN_OF(s->cut, r->dead_at > from ? r->dead_at - from : 0);
	resp = MHD_create_response_from_callback(r->no_length ? MHD_SIZE_UNKNOWN
							      : (uint64_t)s->n,
						 4096, send_some, s, sending_free);
	if (!r->no_etag)
		MHD_add_response_header(resp, "ETag", f->etag);
	if (!r->no_date)
		MHD_add_response_header(resp, "Last-Modified",
					"Fri, 24 May 2013 00:00:00 GMT");
	if (r->coding)
		MHD_add_response_header(resp, "Content-Encoding", r->coding);
	if (ranged) {
		snprintf(text, sizeof(text), "bytes %zu-%zu/%zu", from, to - 1, f->n);
		MHD_add_response_header(resp, "Content-Range", text);
	}
	return answer(c, ranged ? 206 : 200, resp);
}

static enum MHD_Result upload(struct webdir *w, struct MHD_Connection *c,
			      const char *path, const struct buf *body)
{
	if (!w->rules.lies)
		store(w, path, body->p,
		      body->n - (w->rules.truncates && body->n > 0 ? 1 : 0));
	return say(c, 201, NULL, NULL);
}

static enum MHD_Result handle(struct webdir *w, struct MHD_Connection *c,
			      const char *path, const char *method,
			      const struct buf *body)
{
	const struct webdir_rules *r = &w->rules;
	bool is_head = strcmp(method, "HEAD") == 0;
	bool is_upload = strcmp(method, r->upload ? r->upload : "PUT") == 0;
	enum MHD_Result done;
	const struct file *f;

	if (r->fails > 0) {
		w->rules.fails--;
		return say(c, (unsigned)r->fail_status, "Retry-After", "0");
	}
	if (r->redirect_from &&
	    strncmp(path, r->redirect_from, strlen(r->redirect_from)) == 0) {
		char to[256];

		snprintf(to, sizeof(to), "%s%s", r->redirect_to,
			 path + strlen(r->redirect_from));
		return say(c, is_upload ? 307 : 302, "Location", to);
	}
	if (!is_allowed(w, c, &done))
		return done;
	if (is_upload)
		return upload(w, c, path, body);
	if ((!is_head && strcmp(method, "GET") != 0) || (is_head && r->no_head))
		return say(c, 405, NULL, NULL);
	f = find(w, path);
	return f ? send_file(w, c, f, is_head) : say(c, 404, NULL, NULL);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version,
				  const char *data, size_t *data_n, void **state)
{
	struct webdir *w = ctx;
	struct request *q = *state;
	enum MHD_Result done;

	(void)version;
	if (!q) {
		*state = q = xcalloc(1, sizeof(*q));
		q->w = w;
		pthread_mutex_lock(&w->lock);
		vec_push(&w->methods, xstrdup(method));
		MHD_get_connection_values(c, MHD_HEADER_KIND, keep_header, w);
		pthread_mutex_unlock(&w->lock);
		return MHD_YES;
	}
	if (*data_n > 0) {
		buf_add(&q->body, data, *data_n);
		*data_n = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&w->lock);
	done = handle(w, c, url, method, &q->body);
	pthread_mutex_unlock(&w->lock);
	return done;
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct request *q = *state;

	(void)ctx, (void)c, (void)why;
	if (q)
		buf_release(&q->body);
	free(q);
	*state = NULL;
}

struct webdir *webdir_start(void)
{
	static const char seed[] = "not random at all";
	struct webdir *w = xcalloc(1, sizeof(*w));
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const union MHD_DaemonInfo *info;

	pthread_mutex_init(&w->lock, NULL);
	w->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL,
		NULL, on_request, w, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&a,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_DIGEST_AUTH_RANDOM, sizeof(seed) - 1, seed,
		MHD_OPTION_NONCE_NC_SIZE, 300u, MHD_OPTION_END);
	if (!w->daemon)
		die("webdir: no server");
	info = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_BIND_PORT);
	w->port = info->port;
	return w;
}

void webdir_clear(struct webdir *w)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->headers.nr; i++) {
		free(w->headers.v[i].name);
		free(w->headers.v[i].value);
	}
	for (size_t i = 0; i < w->methods.nr; i++)
		free(w->methods.v[i]);
	vec_release(&w->headers);
	vec_release(&w->methods);
	atomic_store(&w->sent, 0);
	pthread_mutex_unlock(&w->lock);
}

void webdir_stop(struct webdir *w)
{
	if (!w)
		return;
	MHD_stop_daemon(w->daemon);
	webdir_clear(w);
	for (size_t i = 0; i < w->files.nr; i++) {
		free(w->files.v[i].path);
		free(w->files.v[i].p);
	}
	vec_release(&w->files);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int webdir_port(const struct webdir *w)
{
	return w->port;
}

struct webdir_rules *webdir_rules(struct webdir *w)
{
	return &w->rules;
}

void webdir_put(struct webdir *w, const char *path, const void *p, size_t n)
{
	pthread_mutex_lock(&w->lock);
	store(w, path, p, n);
	pthread_mutex_unlock(&w->lock);
}

bool webdir_has(struct webdir *w, const char *path)
{
	bool has;

	pthread_mutex_lock(&w->lock);
	has = find(w, path) != NULL;
	pthread_mutex_unlock(&w->lock);
	return has;
}

bool webdir_is(struct webdir *w, const char *path, const void *p, size_t n)
{
	const struct file *f;
	bool is;

	pthread_mutex_lock(&w->lock);
	f = find(w, path);
	is = f && f->n == n && memcmp(f->p, p, n) == 0;
	pthread_mutex_unlock(&w->lock);
	return is;
}

void webdir_remove(struct webdir *w, const char *path)
{
	struct file *f;

	pthread_mutex_lock(&w->lock);
	f = find(w, path);
	if (f)
		f->gone = true;
	pthread_mutex_unlock(&w->lock);
}

unsigned webdir_requests(struct webdir *w, const char *method)
{
	unsigned nr = 0;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->methods.nr; i++)
		nr += !method || strcmp(w->methods.v[i], method) == 0;
	pthread_mutex_unlock(&w->lock);
	return nr;
}

uint64_t webdir_sent(struct webdir *w)
{
	return atomic_load(&w->sent);
}

char *webdir_last(struct webdir *w, const char *method, const char *name)
{
	char *v = NULL;

	pthread_mutex_lock(&w->lock);
	for (size_t i = w->headers.nr; i-- > 0;)
		if (strcmp(w->headers.v[i].method, method) == 0 &&
		    strcasecmp(w->headers.v[i].name, name) == 0) {
			v = xstrdup(w->headers.v[i].value);
			break;
		}
	pthread_mutex_unlock(&w->lock);
	return v;
}
