#include "remote/remote.h"

#include "remote/transport.h"
#include "store/base/alloc.h"
#include "store/base/slice.h"

#include <stdlib.h>
#include <string.h>

static const char *const known_schemes[] = {
	"gs",	"gcs",	   "azure", "abfs",   "abfss",	 "adl",	   "ssh",    "sftp",
	"hdfs", "webhdfs", "oss",   "webdav", "webdavs", "gdrive", "remote", NULL,
};

char *remote_label(const struct remote_options *o)
{
	struct slice url = slice_of(o->url);
	const char *sep = strstr(o->url, "://");

	if (o->name)
		return xasprintf("remote '%s'", o->name);
	if (sep) {
		const char *end = sep + 3 + strcspn(sep + 3, "/?#");
		const char *at = NULL;

		for (const char *p = sep + 3; p < end; p++)
			if (*p == '@')
				at = p;
		if (at)
			return xasprintf("'%.*s%s'", (int)(sep + 3 - o->url), o->url,
					 at + 1);
	}
	return xasprintf("'%.*s'", SLICE_FMT(url));
}

static char *without_user(const char *url)
{
	const struct remote_options o = {.url = url};
	char *quoted = remote_label(&o);
	size_t n = strlen(quoted);

	memmove(quoted, quoted + 1, n - 2);
	quoted[n - 2] = '\0';
	return quoted;
}

void remote_init(struct remote *r, const struct remote_ops *ops,
		 const struct remote_options *o)
{
	r->ops = ops;
	r->name = o->name ? xstrdup(o->name) : NULL;
	r->url = without_user(o->url);
	r->sink = o->sink;
	r->tail = &r->head;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->done, NULL);
	pthread_cond_init(&r->room, NULL);
}

void remote_release(struct remote *r)
{
	pthread_cond_destroy(&r->room);
	pthread_cond_destroy(&r->done);
	pthread_mutex_destroy(&r->lock);
	free(r->base);
	free(r->url);
	free(r->name);
}

static int refuse_scheme(const struct remote_options *o, struct slice scheme,
			 struct err *e)
{
	char *label = remote_label(o);
	int code = ERR_CONFIG;

	for (size_t i = 0; known_schemes[i]; i++)
		if (slice_is(scheme, known_schemes[i]))
			code = ERR_UNSUPPORTED;
	if (code == ERR_UNSUPPORTED)
		err_set(e, code, "%s: remotes of scheme '%.*s' are not offered yet",
			label, SLICE_FMT(scheme));
	else
		err_set(e, code, "%s: unknown scheme '%.*s'", label, SLICE_FMT(scheme));
	free(label);
	return code;
}

int remote_open(struct remote **out, const struct remote_options *o, struct err *e)
{
	const char *sep = strstr(o->url, "://");
	struct slice scheme = {o->url, sep ? (size_t)(sep - o->url) : 0};

	if (!sep)
		return local_open(out, o, o->url, e);
	if (slice_is(scheme, "file"))
		return local_open(out, o, sep + 3, e);
	if (slice_is(scheme, "s3"))
		return s3_open(out, o, e);
	if (slice_is(scheme, "http") || slice_is(scheme, "https"))
		return httpr_open(out, o, e);
	return refuse_scheme(o, scheme, e);
}

void remote_close(struct remote *r)
{
	if (r)
		r->ops->close(r);
}

const struct remote_traits *remote_traits(const struct remote *r)
{
	return &r->traits;
}

const char *remote_url(const struct remote *r)
{
	return r->url;
}

const char *remote_record_base(const struct remote *r)
{
	return r->base;
}

void remote_submit(struct remote *r, struct remote_job *job)
{
	job->code = 0;
	job->err = (struct err){0};
	job->next = NULL;
	pthread_mutex_lock(&r->lock);
	while (r->working >= r->working_max)
		pthread_cond_wait(&r->room, &r->lock);
	r->working++;
	r->in_flight++;
	pthread_mutex_unlock(&r->lock);
	r->ops->submit(r, job);
}

void remote_finish(struct remote *r, struct remote_job *job)
{
	pthread_mutex_lock(&r->lock);
	job->next = NULL;
	*r->tail = job;
	r->tail = &job->next;
	r->working--;
	pthread_cond_signal(&r->done);
	pthread_cond_signal(&r->room);
	pthread_mutex_unlock(&r->lock);
}

void remote_fail(struct remote *r, struct remote_job *job, const struct err *e)
{
	job->err = *e;
	job->code = e->code;
	remote_finish(r, job);
}

static struct remote_job *fetch(struct remote *r, bool wait)
{
	struct remote_job *job;

	pthread_mutex_lock(&r->lock);
	while (!r->head && wait && r->in_flight > 0)
		pthread_cond_wait(&r->done, &r->lock);
	job = r->head;
	if (job) {
		r->head = job->next;
		if (!r->head)
			r->tail = &r->head;
		job->next = NULL;
		r->in_flight--;
	}
	pthread_mutex_unlock(&r->lock);
	return job;
}

struct remote_job *remote_next(struct remote *r)
{
	return fetch(r, true);
}

struct remote_job *remote_poll(struct remote *r)
{
	return fetch(r, false);
}

size_t remote_in_flight(const struct remote *r)
{
	/* Only the thread that submits and fetches changes it, and it asks. */
	return r->in_flight;
}

int remote_do(struct remote *r, struct remote_job *job, struct err *e)
{
	remote_submit(r, job);
	while (remote_next(r) != job)
		;
	if (job->code != 0 && e)
		*e = job->err;
	return job->code;
}

uint64_t remote_requests(const struct remote *r)
{
	return atomic_load(&r->requests);
}

int remote_check_key(const char *key, struct err *e)
{
	struct slice rest = slice_of(key);

	if (!key || !key[0])
		return err_set(e, ERR_INVALID, "an empty key");
	while (rest.p) {
		struct slice part = slice_cut(&rest, '/');

		if (part.n == 0 || slice_is(part, ".") || slice_is(part, ".."))
			return err_set(e, ERR_INVALID,
				       "'%s' cannot be the key of an object", key);
	}
	return 0;
}
