#include "train/core/team.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/pool.h"
#include "train/core/fp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * How often a waiting member looks before it sleeps: some twenty microseconds, the
 * time between two calls while a tree grows. Longer spins would burn the core of
 * whoever has the work on a machine that is shared.
 */
#define SPINS 1000

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

struct member {
	struct team *team;
	unsigned index;
	pthread_t thread;
};

struct team {
	unsigned nr, started;
	struct member *members;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	/*
	 * A call is a new epoch: its number is stored last, with release, so that
	 * who sees the number sees fn and ctx too. running counts down to 0.
	 */
	void (*fn)(void *ctx, unsigned member, unsigned members);
	void *ctx;
	atomic_uint epoch, running;
	atomic_uint asleep; /* members in the condition wait, under the lock */
	atomic_bool waiting, quit;
};

static unsigned await_epoch(struct team *t, unsigned seen)
{
	for (unsigned i = 0; i < SPINS; i++) {
		unsigned now = atomic_load_explicit(&t->epoch, memory_order_acquire);

		if (now != seen)
			return now;
		RELAX();
	}
	pthread_mutex_lock(&t->lock);
	atomic_fetch_add(&t->asleep, 1);
	while (atomic_load(&t->epoch) == seen)
		pthread_cond_wait(&t->work, &t->lock);
	atomic_fetch_sub(&t->asleep, 1);
	pthread_mutex_unlock(&t->lock);
	return atomic_load_explicit(&t->epoch, memory_order_acquire);
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	struct team *t = m->team;
	unsigned seen = 0;

	fp_enter();
	for (;;) {
		seen = await_epoch(t, seen);
		if (atomic_load(&t->quit))
			return NULL;
		t->fn(t->ctx, m->index, t->nr);
		if (atomic_fetch_sub(&t->running, 1) == 1 && atomic_load(&t->waiting)) {
			pthread_mutex_lock(&t->lock);
			pthread_cond_signal(&t->done);
			pthread_mutex_unlock(&t->lock);
		}
	}
}

/*
 * epoch and asleep are sequentially consistent: either the sleeper sees the new
 * epoch before it waits, or we see the sleeper and wake it under the lock.
 */
static void wake(struct team *t)
{
	atomic_fetch_add(&t->epoch, 1);
	if (atomic_load(&t->asleep) > 0) {
		pthread_mutex_lock(&t->lock);
		pthread_cond_broadcast(&t->work);
		pthread_mutex_unlock(&t->lock);
	}
}

static void await_done(struct team *t)
{
	for (unsigned i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&t->running, memory_order_acquire) == 0)
			return;
		RELAX();
	}
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->waiting, true);
	while (atomic_load(&t->running) > 0)
		pthread_cond_wait(&t->done, &t->lock);
	atomic_store(&t->waiting, false);
	pthread_mutex_unlock(&t->lock);
}

int team_new(struct team **out, unsigned threads, struct err *e)
{
	struct team *t = xcalloc(1, sizeof(*t));

	t->nr = threads ? threads : pool_cores();
	if (t->nr == 0)
		t->nr = 1;
	t->members = xcalloc(t->nr, sizeof(*t->members));
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->work, NULL);
	pthread_cond_init(&t->done, NULL);
	for (t->started = 1; t->started < t->nr; t->started++) {
		struct member *m = &t->members[t->started];

		m->team = t;
		m->index = t->started;
		if (pthread_create(&m->thread, NULL, member_main, m) != 0) {
			int r = err_set(e, ERR_NOMEM, "cannot start thread %u of %u",
					t->started + 1, t->nr);
			team_free(t);
			return r;
		}
	}
	*out = t;
	return 0;
}

void team_free(struct team *t)
{
	if (!t)
		return;
	atomic_store(&t->quit, true);
	wake(t);
	for (unsigned i = 1; i < t->started; i++)
		pthread_join(t->members[i].thread, NULL);
	pthread_cond_destroy(&t->work);
	pthread_cond_destroy(&t->done);
	pthread_mutex_destroy(&t->lock);
	free(t->members);
	free(t);
}

unsigned team_size(const struct team *t)
{
	return t ? t->nr : 1;
}

void team_run(struct team *t, void (*fn)(void *ctx, unsigned member, unsigned members),
	      void *ctx)
{
	if (!t || t->nr == 1) {
		fn(ctx, 0, 1);
		return;
	}
	t->fn = fn;
	t->ctx = ctx;
	atomic_store(&t->running, t->nr - 1);
	wake(t);
	fn(ctx, 0, t->nr);
	await_done(t);
}

struct for_job {
	atomic_size_t next;
	size_t nr;
	void (*fn)(void *ctx, size_t i, unsigned member);
	void *ctx;
};

static void for_member(void *arg, unsigned member, unsigned members)
{
	struct for_job *j = arg;

	(void)members;
	for (;;) {
		size_t i = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);

		if (i >= j->nr)
			return;
		j->fn(j->ctx, i, member);
	}
}

void team_for(struct team *t, size_t n, void (*fn)(void *ctx, size_t i, unsigned member),
	      void *ctx)
{
	struct for_job j = {.nr = n, .fn = fn, .ctx = ctx};

	if (n == 0)
		return;
	if (!t || t->nr == 1 || n == 1) {
		for (size_t i = 0; i < n; i++)
			fn(ctx, i, 0);
		return;
	}
	team_run(t, for_member, &j);
}
