#include "store/base/sys_fault.h"

#include "store/base/buf.h"
#include "store/base/env.h"
#include "store/base/parse.h"
#include "store/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long calls;
static atomic_long fail_at; /* 0: none */
static atomic_bool hit, writes_only;
static int fail_errno;

static pthread_mutex_t observer_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*_Atomic observer)(const struct sys_event *ev, void *ctx);
static void *observer_ctx;

void sys_fail_nth(long n, int sys_errno)
{
	fail_errno = sys_errno;
	atomic_store(&hit, false);
	atomic_store(&calls, 0);
	atomic_store(&fail_at, n);
}

void sys_fail_writes_only(bool on)
{
	atomic_store(&writes_only, on);
}

bool sys_fail_hit(void)
{
	return atomic_load(&hit);
}

long sys_calls(void)
{
	return atomic_load(&calls);
}

bool sys_fault(bool is_write)
{
	long n;

	if (atomic_load_explicit(&writes_only, memory_order_relaxed) && !is_write)
		return false;
	n = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;
	if (n != atomic_load_explicit(&fail_at, memory_order_relaxed))
		return false;
	atomic_store(&hit, true);
	if (fail_errno == SYS_KILL)
		kill(getpid(), SIGKILL);
	errno = fail_errno;
	return true;
}

void sys_observe(void (*fn)(const struct sys_event *ev, void *ctx), void *ctx)
{
	pthread_mutex_lock(&observer_lock);
	observer_ctx = ctx;
	atomic_store(&observer, fn);
	pthread_mutex_unlock(&observer_lock);
}

void sys_seen(const struct sys_event *ev)
{
	if (!atomic_load_explicit(&observer, memory_order_relaxed))
		return;
	pthread_mutex_lock(&observer_lock);
	if (observer)
		observer(ev, observer_ctx);
	pthread_mutex_unlock(&observer_lock);
}

#ifdef SYS_FAULTS

static const char *count_path;
static int record_fd = -1;

/* The absolute path of dirfd and path, as far as /proc knows it. */
static void resolve(struct buf *out, int dirfd, const char *path)
{
	char link[64], dir[4096];
	ssize_t n;

	if (path && path[0] == '/') {
		buf_adds(out, path);
		return;
	}
	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, dir, sizeof(dir));
	if (n > 0)
		buf_add(out, dir, (size_t)n);
	if (path) {
		buf_addc(out, '/');
		buf_adds(out, path);
	}
}

/*
 * One event: a header line "OP MODE AT SIZE LEN1 LEN2 DATALEN\n", then the two
 * paths and the data, raw, and a newline. For a clone the data is read back.
 */
static void record(const struct sys_event *ev, void *ctx)
{
	struct buf a = {0}, b = {0}, line = {0};
	char *data = NULL;
	size_t data_n = ev->op == SYS_WRITE ? ev->n : 0;
	int64_t at = ev->at;

	(void)ctx;
	switch (ev->op) {
	case SYS_WRITE:
		if (at < 0)
			at = lseek(ev->fd, 0, SEEK_CUR) - (int64_t)ev->n;
		resolve(&a, ev->fd, NULL);
		break;
	case SYS_CLONE: {
		struct stat st;

		resolve(&a, ev->fd, NULL);
		if (fstat(ev->fd, &st) == 0 && st.st_size > 0 &&
		    (data = malloc((size_t)st.st_size)) != NULL) {
			ssize_t n = pread(ev->fd, data, (size_t)st.st_size, 0);

			data_n = n > 0 ? (size_t)n : 0;
		}
		at = 0;
		break;
	}
	case SYS_TRUNCATE:
	case SYS_FSYNC:
	case SYS_SYNCFS:
		resolve(&a, ev->fd, NULL);
		break;
	case SYS_CHMOD:
		resolve(&a, ev->fd >= 0 ? ev->fd : ev->dirfd,
			ev->fd >= 0 ? NULL : ev->path);
		break;
	case SYS_SYMLINK:
		buf_adds(&a, ev->path);
		resolve(&b, ev->dirfd2, ev->path2);
		break;
	case SYS_RENAME:
	case SYS_LINK:
		resolve(&b, ev->dirfd2, ev->path2);
		resolve(&a, ev->dirfd, ev->path);
		break;
	default:
		resolve(&a, ev->dirfd, ev->path);
		break;
	}
	buf_addf(&line, "%d %o %lld %zu %zu %zu\n", (int)ev->op, (unsigned)ev->mode,
		 (long long)at, a.n, b.n, data_n);
	buf_addslice(&line, buf_slice(&a));
	buf_addslice(&line, buf_slice(&b));
	buf_add(&line, data ? data : ev->data, data_n);
	buf_addc(&line, '\n');
	IGNORE_RESULT(write(record_fd, line.p, line.n) < 0); /* a test's own file */
	free(data);
	buf_release(&line);
	buf_release(&b);
	buf_release(&a);
}

static void write_count(void)
{
	FILE *f = fopen(count_path, "w");

	if (f) {
		fprintf(f, "%ld\n", sys_calls());
		fclose(f);
	}
}

static int errno_of(struct slice name)
{
	static const struct {
		const char *name;
		int value;
	} known[] = {
		{"ENOSPC", ENOSPC}, {"EIO", EIO},	{"EINTR", EINTR},
		{"EACCES", EACCES}, {"EDQUOT", EDQUOT}, {"EMFILE", EMFILE},
		{"EROFS", EROFS},   {"EPERM", EPERM},	{"EMLINK", EMLINK},
		{"kill", SYS_KILL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (slice_is(name, known[i].name))
			return known[i].value;
	return EIO;
}

void sys_faults_from_env(void)
{
	const char *spec = env_get("LODE_FAULT"), *path = env_get("LODE_RECORD");
	struct slice rest;
	uint64_t n;

	count_path = env_get("LODE_FAULT_COUNT");
	if (spec) {
		if (spec[0] == 'w') {
			sys_fail_writes_only(true);
			spec++;
		}
		rest = slice_of(spec);
		if (parse_u64(slice_cut(&rest, ':'), &n))
			sys_fail_nth((long)n, errno_of(rest));
	}
	if (count_path)
		atexit(write_count);
	if (path) {
		record_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (record_fd >= 0)
			sys_observe(record, NULL);
	}
}

#else

void sys_faults_from_env(void)
{
}

#endif
