#include "remote/s3.h"

#include "remote/s3_quirks.h"

#include "remote/resume.h"
#include "remote/s3_uploads.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/interrupt.h"
#include "store/base/pool.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

enum {
	LIST_PAGE = 1000,
	HASH_CHUNK = 256 << 10,
	THREADS_MAX = 4,
};

static void s3_submit(struct remote *r, struct remote_job *job)
{
	struct s3 *s = (struct s3 *)r;
	struct err e = {0};
	int code = 0;

	if (job->op != REMOTE_LIST && job->op != REMOTE_DELETE &&
	    job->op != REMOTE_LIST_UPLOADS)
		code = remote_check_key(job->key, &e);
	if (code == 0)
		code = interrupt_check(&e);
	if (code < 0) {
		remote_fail(r, job, &e);
		return;
	}
	switch (job->op) {
	case REMOTE_PUT:
	case REMOTE_PUT_BYTES:
		s3_put_submit(s, job);
		break;
	case REMOTE_GET:
	case REMOTE_GET_BYTES:
		s3_get_submit(s, job);
		break;
	case REMOTE_HEAD:
		s3_head_submit(s, job);
		break;
	case REMOTE_LIST:
		s3_list_submit(s, job);
		break;
	case REMOTE_DELETE:
		s3_delete_submit(s, job);
		break;
	case REMOTE_LIST_UPLOADS:
		s3_uploads_submit(s, job);
		break;
	case REMOTE_ABORT_UPLOAD:
		s3_abort_submit(s, job);
		break;
	}
}

static void s3_close(struct remote *r)
{
	struct s3 *s = (struct s3 *)r;

	atomic_store(&s->closing, true);
	http_cancel_all(s->http);
	/* A job ends as the last act of whatever thread works on it. */
	pthread_mutex_lock(&r->lock);
	while (r->working > 0)
		pthread_cond_wait(&r->room, &r->lock);
	pthread_mutex_unlock(&r->lock);
	http_free(s->http);
	pool_free(s->pool);
	creds_close(s->creds);
	secure_wipe(&s->key, sizeof(s->key));
	s3_conf_release(&s->conf);
	pthread_mutex_destroy(&s->small_lock);
	free(s->state_dir);
	remote_release(r);
	free(s);
}

/*
 * A transfer takes a socket and its job a file of the caller's, and up to twice
 * as many jobs are under way: with few descriptors there are few of each.
 */
static unsigned fit_descriptors(unsigned transfers)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == RLIM_INFINITY)
		return transfers;
	return MAX_OF(2u, (unsigned)MIN_OF((rlim_t)transfers, l.rlim_cur / 5));
}

int s3_open(struct remote **out, const struct remote_options *o, struct err *e)
{
	static const struct remote_ops ops = {
		.submit = s3_submit, .close = s3_close, .probe = s3_probe};
	struct s3 *s = xcalloc(1, sizeof(*s));
	unsigned threads = MAX_OF(2u, MIN_OF(pool_cores(), (unsigned)THREADS_MAX));
	int r = s3_conf_load(&s->conf, &s->creds, o, e);

	if (r < 0) {
		free(s);
		return r;
	}
	remote_init(&s->base, &ops, o);
	s->conf.transfers_max = fit_descriptors(s->conf.transfers_max);
	s->base.traits = (struct remote_traits){
		.can_list = true,
		.has_uploads = true,
		.list_page = LIST_PAGE,
		.jobs = s->conf.transfers_max,
	};
	s->base.working_max = (size_t)s->conf.transfers_max * 2;
	s->state_dir = o->state_dir ? xstrdup(o->state_dir) : NULL;
	s->base.base = s3_transfer_url(s, "");
	s->has_partials = resume_any(s->state_dir, false);
	s->small_tail = &s->small;
	pthread_mutex_init(&s->small_lock, NULL);
	if (getrandom(&s->random, sizeof(s->random), 0) < 0 || s->random == 0)
		s->random = (uint64_t)clock_mono_ns() | 1;
	s->http = http_new(&(struct http_options){
		.transfers_max = s->conf.transfers_max,
		.transfers_start = s->conf.transfers_start,
		.rate_up = s->conf.limit_up,
		.rate_down = s->conf.limit_down,
		.insecure = s->conf.insecure,
		.ca = s->conf.ca,
		.connect_ms = s->conf.connect_ms,
		.stall_ms = s->conf.stall_ms,
		.proxy = s->conf.proxy,
		.idle_s = s->conf.idle_s,
	});
	s->pool = pool_new(threads);
	*out = &s->base;
	return 0;
}

char *s3_transfer_url(const struct s3 *s, const char *key)
{
	const struct s3_conf *c = &s->conf;
	struct buf b = {0};

	/* Not the host: a bucket of AWS may turn out to be in another region. */
	buf_addf(&b, "s3://%s%s/%s/", c->endpoint ? c->endpoint : "aws", c->base_path,
		 c->bucket);
	sigv4_path(&b, slice_of(c->prefix));
	sigv4_path(&b, slice_of(key));
	return buf_detach(&b);
}

bool s3_sends_crc64(const struct s3 *s)
{
	return s->conf.quirks & S3_CRC64NVME && !atomic_load(&s->no_crc64);
}

void s3_headers_digest(const struct s3 *s, uint8_t out[16])
{
	const struct s3_headers *const lists[] = {&s->conf.object, &s->conf.key};
	struct hash h = {0};

	hash_begin_md5(&h);
	if (s3_sends_crc64(s))
		hash_update(&h, "crc64nvme", 9);
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < lists[k]->nr; i++) {
			const struct sigv4_pair *v = &lists[k]->v[i];

			hash_update(&h, v->name, strlen(v->name) + 1);
			hash_update(&h, v->value, strlen(v->value) + 1);
		}
	hash_end(&h, out);
	hash_release(&h);
}

int s3_hash_range(struct s3 *s, int fd, int64_t at, uint64_t n, struct s3_digests *d,
		  struct err *e)
{
	size_t room = (size_t)MIN_OF(n + 1, (uint64_t)HASH_CHUNK);
	struct hash m = {0}, h = {0};
	char *p = xmalloc(room);
	int r = 0;

	d->crc64 = 0;
	if (d->what & S3_DIGEST_MD5)
		hash_begin_md5(&m);
	if (d->what & S3_DIGEST_SHA256)
		hash_begin_sha256(&h);
	while (n > 0 && r == 0) {
		size_t want = (size_t)MIN_OF(n, (uint64_t)room);
		ssize_t got = sys_pread(fd, p, want, at);

		if (got < 0) {
			r = err_sys(e, "read", "the file to upload");
		} else if (got == 0) {
			r = err_set(e, ERR_CORRUPT, "the file is shorter than it was");
		} else if (atomic_load(&s->closing) || interrupt_pending()) {
			r = err_set(e, ERR_CANCELED, "interrupted");
		} else {
			if (d->what & S3_DIGEST_MD5)
				hash_update(&m, p, (size_t)got);
			if (d->what & S3_DIGEST_SHA256)
				hash_update(&h, p, (size_t)got);
			if (d->what & S3_DIGEST_CRC64)
				d->crc64 = hash_crc64nvme(d->crc64, p, (size_t)got);
			at += got;
			n -= (uint64_t)got;
		}
	}
	if (r == 0 && d->what & S3_DIGEST_MD5)
		hash_end(&m, d->md5);
	if (r == 0 && d->what & S3_DIGEST_SHA256)
		hash_end(&h, d->sha256);
	hash_release(&m);
	hash_release(&h);
	free(p);
	return r;
}
