#include "store/repo/batch.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/map.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/repo/change_internal.h"
#include "store/repo/repo.h"
#include "store/repo/unfinished.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct plan {
	uint32_t *at; /* the job's indices, grouped by directory */
	VEC_OF(struct batch) batches;
};

struct run {
	struct repo *repo;
	const struct batch_job *job;
	const struct plan *plan;
	pthread_mutex_t mutex; /* guards the rest */
	int code;
	struct err err;
};

static struct slice dir_of(struct slice path)
{
	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	if (path.n > 0)
		path.n--;
	return path;
}

const char *batch_name(const struct batch_job *job, const char *path)
{
	const char *slash;

	if (!path[0])
		path = job->out;
	slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Stable counting sort of the files by directory, in the order of first sight. */
static void group(const struct batch_job *job, struct map *dirs, size_t **starts,
		  uint32_t *at)
{
	uint32_t *of = xcalloc(job->nr + 1, sizeof(*of));
	size_t *n;

	for (size_t i = 0; i < job->nr; i++) {
		struct slice dir = dir_of(job->path(job->ctx, job->at[i]));
		size_t *place = map_at(dirs, dir);

		if (*place == MAP_NONE)
			*place = dirs->nr - 1;
		of[i] = (uint32_t)*place;
	}
	n = xcalloc(dirs->nr + 2, sizeof(*n));
	for (size_t i = 0; i < job->nr; i++)
		n[of[i] + 2]++;
	for (size_t d = 2; d < dirs->nr + 2; d++)
		n[d] += n[d - 1];
	for (size_t i = 0; i < job->nr; i++)
		at[n[of[i] + 1]++] = job->at[i];
	/* Each n[d + 1] has moved to the end of d: n[d] is its start. */
	n[0] = 0;
	*starts = n;
	free(of);
}

static void make_plan(const struct batch_job *job, struct map *dirs, struct plan *p)
{
	size_t *starts;
	bool more = true;

	p->at = xcalloc(job->nr + 1, sizeof(*p->at));
	group(job, dirs, &starts, p->at);
	/* One batch of each directory, then the second of each, and so on. */
	for (size_t round = 0; more; round++) {
		more = false;
		for (size_t d = 0; d < dirs->nr; d++) {
			size_t from = starts[d] + round * BATCH_FILES;
			struct batch b = {.dir = map_key(dirs, d)};

			if (from >= starts[d + 1])
				continue;
			b.at = p->at + from;
			b.nr = MIN_OF((size_t)BATCH_FILES, starts[d + 1] - from);
			vec_push(&p->batches, b);
			more = true;
		}
	}
	free(starts);
}

static char *full_dir(const struct batch_job *job, const struct batch *b)
{
	struct slice own;

	if (b->dir.n > 0)
		return xasprintf("%s/%.*s", job->out, SLICE_FMT(b->dir));
	/* Files right below the output, or the output itself. */
	if (job->path(job->ctx, b->at[0]).n > 0)
		return xstrdup(job->out);
	own = path_dir(job->out);
	return slice_is(own, ".") ? xstrdup("") : xmemdup0(own.p, own.n);
}

static int run_one(struct run *run, size_t i, struct err *e)
{
	const struct batch *b = &run->plan->batches.v[i];
	char *dir;
	int fd = -1, rc;

	if ((rc = interrupt_check(e)) < 0)
		return rc;
	dir = full_dir(run->job, b);
	rc = change_open_dir(run->repo, dir, run->job->make_dirs, &fd, e);
	free(dir);
	if (rc < 0)
		return rc;
	rc = run->job->work(run->job->ctx, b, fd, e);
	(void)sys_close(fd); /* a directory */
	return rc;
}

static void work(void *ctx, size_t i, unsigned worker)
{
	struct run *run = ctx;
	struct err e = {0};
	bool stop;
	int rc;

	(void)worker;
	pthread_mutex_lock(&run->mutex);
	stop = run->code < 0;
	pthread_mutex_unlock(&run->mutex);
	if (stop || (rc = run_one(run, i, &e)) == 0)
		return;
	pthread_mutex_lock(&run->mutex);
	if (run->code == 0) {
		run->code = rc;
		run->err = e;
	}
	pthread_mutex_unlock(&run->mutex);
}

int batch_run(struct repo *r, const struct batch_job *job, struct err *e)
{
	struct map dirs = {0};
	struct plan plan = {0};
	struct run run = {.repo = r, .job = job, .plan = &plan};
	struct pool *pool;

	int rc;

	if (job->nr == 0)
		return 0;
	if ((rc = unfinished_mark(r, job->out, e)) < 0)
		return rc;
	make_plan(job, &dirs, &plan);
	pthread_mutex_init(&run.mutex, NULL);
	pool = plan.batches.nr > 1 ? repo_pool(r) : NULL;
	pool_for(pool, plan.batches.nr, work, &run);
	pthread_mutex_destroy(&run.mutex);
	if (run.code < 0 && e)
		*e = run.err;
	vec_release(&plan.batches);
	free(plan.at);
	map_release(&dirs);
	return run.code;
}
