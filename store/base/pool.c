#include "store/base/pool.h"

#include "store/base/alloc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_PER_THREAD 64

struct job {
	void (*fn)(void *arg, unsigned worker);
	void *arg;
};

struct worker {
	struct pool *pool;
	unsigned index;
	pthread_t thread;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work, room, idle;
	struct job *ring;
	size_t head, nr, cap;
	size_t running;
	bool ending;
	unsigned threads;
	struct worker *workers;
};

unsigned pool_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job job;

		while (p->nr == 0 && !p->ending)
			pthread_cond_wait(&p->work, &p->lock);
		if (p->nr == 0)
			break;
		job = p->ring[p->head];
		p->head = (p->head + 1) % p->cap;
		p->nr--;
		p->running++;
		pthread_cond_signal(&p->room);
		pthread_mutex_unlock(&p->lock);
		job.fn(job.arg, w->index);
		pthread_mutex_lock(&p->lock);
		if (--p->running == 0 && p->nr == 0)
			pthread_cond_broadcast(&p->idle);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals are the main thread's; a worker starts with all of them blocked. */
static void start(struct worker *w)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		die("cannot start a thread: %s", strerror(r));
}

struct pool *pool_new(unsigned threads)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->threads = threads ? threads : pool_cores();
	p->cap = (size_t)p->threads * QUEUE_PER_THREAD;
	p->ring = xcalloc(p->cap, sizeof(*p->ring));
	p->workers = xcalloc(p->threads, sizeof(*p->workers));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->room, NULL);
	pthread_cond_init(&p->idle, NULL);
	for (unsigned i = 0; i < p->threads; i++) {
		p->workers[i] = (struct worker){.pool = p, .index = i};
		start(&p->workers[i]);
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->threads; i++)
		pthread_join(p->workers[i].thread, NULL);
	pthread_cond_destroy(&p->idle);
	pthread_cond_destroy(&p->room);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p->workers);
	free(p->ring);
	free(p);
}

unsigned pool_threads(const struct pool *p)
{
	return p->threads;
}

void pool_submit(struct pool *p, void (*fn)(void *arg, unsigned worker), void *arg)
{
	pthread_mutex_lock(&p->lock);
	while (p->nr == p->cap)
		pthread_cond_wait(&p->room, &p->lock);
	p->ring[(p->head + p->nr) % p->cap] = (struct job){fn, arg};
	p->nr++;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

void pool_wait(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->nr > 0 || p->running > 0)
		pthread_cond_wait(&p->idle, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

struct each {
	atomic_size_t next;
	size_t n;
	void (*fn)(void *ctx, size_t i, unsigned worker);
	void *ctx;
};

static void each_run(void *arg, unsigned worker)
{
	struct each *each = arg;
	size_t i;

	while ((i = atomic_fetch_add(&each->next, 1)) < each->n)
		each->fn(each->ctx, i, worker);
}

void pool_for(struct pool *p, size_t n, void (*fn)(void *ctx, size_t i, unsigned worker),
	      void *ctx)
{
	struct each each = {.n = n, .fn = fn, .ctx = ctx};

	atomic_init(&each.next, 0);
	if (!p || n <= 1) {
		for (size_t i = 0; i < n; i++)
			fn(ctx, i, 0);
		return;
	}
	for (unsigned i = 0; i < p->threads && i < n; i++)
		pool_submit(p, each_run, &each);
	pool_wait(p);
}
