#include "tests/lib/fakeweb.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/vec.h"

#include <microhttpd.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct answer {
	char *method, *path, *body;
	int status;
	unsigned delay_ms;
	bool is_once;
};

struct request {
	char *path, *query;
	struct buf headers, body; /* "Name: value\n" */
	unsigned nr;
};

struct fakeweb {
	struct MHD_Daemon *d;
	pthread_mutex_t lock;
	char url[40];
	unsigned requests;
	VEC_OF(struct answer) answers;
	VEC_OF(struct request) seen;
};

struct pending {
	struct buf body;
};

static struct request *seen(struct fakeweb *f, const char *path)
{
	for (size_t i = 0; i < f->seen.nr; i++)
		if (strcmp(f->seen.v[i].path, path) == 0)
			return &f->seen.v[i];
	return NULL;
}

static enum MHD_Result keep_header(void *ctx, enum MHD_ValueKind kind, const char *key,
				   const char *value)
{
	struct request *q = ctx;

	if (kind == MHD_HEADER_KIND)
		buf_addf(&q->headers, "%s: %s\n", key, value ? value : "");
	else
		buf_addf(&q->body, "%s=%s&", key, value ? value : "");
	return MHD_YES;
}

static enum MHD_Result keep_query(void *ctx, enum MHD_ValueKind kind, const char *key,
				  const char *value)
{
	struct buf *b = ctx;

	(void)kind;
	buf_addf(b, "%s%s=%s", b->n ? "&" : "", key, value ? value : "");
	return MHD_YES;
}

static void record(struct fakeweb *f, struct MHD_Connection *con, const char *path,
		   const struct buf *body)
{
	struct request *q = seen(f, path);
	struct buf query = {0};

	f->requests++;
	if (!q) {
		vec_push(&f->seen, (struct request){.path = xstrdup(path)});
		q = &f->seen.v[f->seen.nr - 1];
	}
	q->nr++;
	free(q->query);
	buf_reset(&q->headers);
	buf_reset(&q->body);
	MHD_get_connection_values(con, MHD_HEADER_KIND, keep_header, q);
	MHD_get_connection_values(con, MHD_GET_ARGUMENT_KIND, keep_query, &query);
	q->query = xstrdup(buf_str(&query));
	buf_release(&query);
	buf_addslice(&q->body, buf_slice(body));
}

static struct answer *find(struct fakeweb *f, const char *method, const char *path)
{
	struct answer *best = NULL;

	for (size_t i = 0; i < f->answers.nr; i++) {
		struct answer *a = &f->answers.v[i];

		if (strcmp(a->path, path) != 0 ||
		    (a->method && strcmp(a->method, method) != 0))
			continue;
		if (a->is_once)
			return a;
		best = a;
	}
	return best;
}

static void drop(struct fakeweb *f, struct answer *a)
{
	free(a->method);
	free(a->path);
	free(a->body);
	*a = f->answers.v[--f->answers.nr];
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *con, const char *path,
				  const char *method, const char *version,
				  const char *data, size_t *n, void **state)
{
	struct fakeweb *f = ctx;
	struct pending *p = *state;
	struct MHD_Response *response;
	struct answer *a;
	unsigned delay_ms = 0;
	int status = 404;
	char *body;
	enum MHD_Result r;

	(void)version;
	if (!p) {
		*state = xcalloc(1, sizeof(*p));
		return MHD_YES;
	}
	if (*n > 0) {
		buf_add(&p->body, data, *n);
		*n = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&f->lock);
	record(f, con, path, &p->body);
	a = find(f, method, path);
	body = xstrdup(a ? a->body : "not here");
	if (a) {
		status = a->status;
		delay_ms = a->delay_ms;
		if (a->is_once)
			drop(f, a);
	}
	pthread_mutex_unlock(&f->lock);
	if (delay_ms)
		nanosleep(&(struct timespec){delay_ms / 1000,
					     (long)(delay_ms % 1000) * 1000000},
			  NULL);
	response = MHD_create_response_from_buffer(strlen(body), body,
						   MHD_RESPMEM_MUST_FREE);
	r = MHD_queue_response(con, (unsigned)status, response);
	MHD_destroy_response(response);
	return r;
}

static void on_end(void *ctx, struct MHD_Connection *con, void **state,
		   enum MHD_RequestTerminationCode why)
{
	struct pending *p = *state;

	(void)ctx, (void)con, (void)why;
	if (p)
		buf_release(&p->body);
	free(p);
}

struct fakeweb *fakeweb_start(void)
{
	struct fakeweb *f = xcalloc(1, sizeof(*f));
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	pthread_mutex_init(&f->lock, NULL);
	f->d = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL,
		NULL, on_request, f, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
	if (!f->d)
		die("no test server");
	IGNORE_RESULT(
		snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u",
			 MHD_get_daemon_info(f->d, MHD_DAEMON_INFO_BIND_PORT)->port) < 0);
	return f;
}

void fakeweb_stop(struct fakeweb *f)
{
	MHD_stop_daemon(f->d);
	while (f->answers.nr > 0)
		drop(f, &f->answers.v[f->answers.nr - 1]);
	for (size_t i = 0; i < f->seen.nr; i++) {
		free(f->seen.v[i].path);
		free(f->seen.v[i].query);
		buf_release(&f->seen.v[i].headers);
		buf_release(&f->seen.v[i].body);
	}
	vec_release(&f->answers);
	vec_release(&f->seen);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

const char *fakeweb_url(const struct fakeweb *f)
{
	return f->url;
}

static void add(struct fakeweb *f, struct answer a)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = f->answers.nr; !a.is_once && i-- > 0;) {
		struct answer *old = &f->answers.v[i];

		if (!old->is_once && strcmp(old->path, a.path) == 0 &&
		    (a.method ? old->method && strcmp(old->method, a.method) == 0
			      : !old->method))
			drop(f, old);
	}
	vec_push(&f->answers, a);
	pthread_mutex_unlock(&f->lock);
}

void fakeweb_set(struct fakeweb *f, const char *method, const char *path, int status,
		 const char *body, unsigned delay_ms)
{
	add(f, (struct answer){.method = method ? xstrdup(method) : NULL,
			       .path = xstrdup(path),
			       .body = xstrdup(body),
			       .status = status,
			       .delay_ms = delay_ms});
}

void fakeweb_once(struct fakeweb *f, const char *path, int status, const char *body)
{
	add(f, (struct answer){.path = xstrdup(path),
			       .body = xstrdup(body),
			       .status = status,
			       .is_once = true});
}

unsigned fakeweb_requests(struct fakeweb *f, const char *path)
{
	const struct request *q;
	unsigned nr;

	pthread_mutex_lock(&f->lock);
	q = path ? seen(f, path) : NULL;
	nr = !path ? f->requests : q ? q->nr : 0;
	pthread_mutex_unlock(&f->lock);
	return nr;
}

char *fakeweb_last(struct fakeweb *f, const char *path, const char *name)
{
	const struct request *q;
	char *v = NULL;

	pthread_mutex_lock(&f->lock);
	q = seen(f, path);
	if (q && !name[0]) {
		v = xstrdup(buf_str(&q->body));
	} else if (q && strcmp(name, "?") == 0) {
		v = xstrdup(q->query);
	} else if (q) {
		char *start = xasprintf("%s: ", name);
		struct slice rest = buf_slice(&q->headers);

		while (rest.n > 0 && !v) {
			struct slice line = slice_cut(&rest, '\n');

			if (line.n >= strlen(start) &&
			    strncasecmp(line.p, start, strlen(start)) == 0)
				v = xmemdup0(line.p + strlen(start),
					     line.n - strlen(start));
		}
		free(start);
	}
	pthread_mutex_unlock(&f->lock);
	return v;
}
