/*
 * Small downloads, whole in memory: hashed by the batch, written, handed back.
 * As many batches at a time as the pool has threads.
 */
#include "remote/s3_get.h"

#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"

#include <string.h>

enum {
	BATCH = 64
};

void s3_get_damaged(const struct get *g, struct err *e)
{
	char hex[33];

	err_set(e, ERR_CORRUPT,
		"'%s' is damaged on the remote: its bytes have the MD5 %s, twice",
		g->job->key, hex_encode(g->job->digest, 16, hex));
}

static void take(struct get *g, const uint8_t md5[16])
{
	struct remote_job *job = g->job;
	struct s3 *s = g->s3;
	struct err e = {0};
	int r = 0;

	memcpy(job->digest, md5, 16);
	job->bytes = g->mem.n;
	if (job->has_md5 && memcmp(md5, job->md5, 16) != 0) {
		if (!g->damaged) {
			g->damaged = true;
			g->task.fn = s3_get_again;
			http_post(s->http, &g->task);
			return;
		}
		s3_get_damaged(g, &e);
		r = e.code;
	} else if (job->op == REMOTE_GET_BYTES) {
		buf_release(job->out);
		*job->out = g->mem;
		g->mem = (struct buf){0};
	} else if (sys_pwrite(job->fd, g->mem.p ? g->mem.p : "", g->mem.n, 0) < 0) {
		r = err_sys(&e, "write", job->key);
	} else if ((g->restarts > 0 || g->damaged) &&
		   sys_ftruncate(job->fd, (int64_t)g->mem.n) < 0) {
		r = err_sys(&e, "ftruncate", job->key);
	}
	sink_add(job->sink, 0, job->bytes);
	s3_get_free(g);
	if (r < 0)
		remote_fail(&s->base, job, &e);
	else
		remote_finish(&s->base, job);
}

static unsigned pop(struct s3 *s, struct get **v)
{
	unsigned nr = 0;

	pthread_mutex_lock(&s->small_lock);
	while (nr < BATCH && s->small) {
		v[nr++] = s->small;
		s->small = s->small->small_next;
	}
	if (!s->small)
		s->small_tail = &s->small;
	if (nr == 0)
		s->small_workers--;
	pthread_mutex_unlock(&s->small_lock);
	return nr;
}

static void small_batch(void *arg, unsigned worker)
{
	struct s3 *s = arg;
	struct get *v[BATCH];
	struct md5_job jobs[BATCH];
	unsigned nr;

	(void)worker;
	while ((nr = pop(s, v)) > 0) {
		for (unsigned i = 0; i < nr; i++)
			jobs[i] = (struct md5_job){.p = v[i]->mem.p ? v[i]->mem.p : "",
						   .n = v[i]->mem.n};
		md5_many(jobs, nr);
		for (unsigned i = 0; i < nr; i++)
			take(v[i], jobs[i].out);
	}
}

void s3_small_push(struct get *g)
{
	struct s3 *s = g->s3;
	bool start;

	g->small_next = NULL;
	pthread_mutex_lock(&s->small_lock);
	*s->small_tail = g;
	s->small_tail = &g->small_next;
	start = s->small_workers < pool_threads(s->pool);
	if (start)
		s->small_workers++;
	pthread_mutex_unlock(&s->small_lock);
	if (start)
		pool_submit(s->pool, small_batch, s);
}
