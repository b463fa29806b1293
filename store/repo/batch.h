/*
 * Files of one output, dealt out to threads in batches of one directory each.
 * Threads that work in the same directory wait for each other in the kernel, so
 * neighbouring batches are of different directories as far as there are some.
 */
#ifndef STORE_REPO_BATCH_H
#define STORE_REPO_BATCH_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct repo;

struct batch {
	const uint32_t *at; /* indices of the caller's files */
	size_t nr;
	struct slice dir; /* of their paths, without the last '/'; empty for none */
};

enum {
	BATCH_FILES = 256
};

/* The path of the caller's i-th file, relative to the output ("" for an output
 * that is a file). */
typedef struct slice (*batch_path_fn)(void *ctx, uint32_t i);
/* Work on one batch; dirfd is its directory. 0, or the code of what ends all. */
typedef int (*batch_work_fn)(void *ctx, const struct batch *b, int dirfd, struct err *e);

struct batch_job {
	const char *out;    /* the output's path from the root */
	const uint32_t *at; /* which files; in the order of their paths */
	size_t nr;
	bool make_dirs;
	batch_path_fn path;
	batch_work_fn work; /* from any thread of the pool */
	void *ctx;
};

/* The first failure ends the handing out; what runs is waited for. */
int batch_run(struct repo *r, const struct batch_job *job, struct err *e) MUST_CHECK;

/* The last component of a path of the job: the name in dirfd. Of an output that
 * is a file, the output's own. */
const char *batch_name(const struct batch_job *job, const char *path);

#endif
