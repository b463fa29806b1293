#include "store/base/lock.h"

#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define NOTE_AFTER_MS 1000
#define POLL_MS	      20

static void tell_waiting(struct sink *sink, int fd, const char *path)
{
	struct buf text = {0};
	char holder[32] = "";
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);
	struct slice pid;

	pid = slice_trim((struct slice){holder, n > 0 ? (size_t)n : 0});
	buf_addf(&text, "waiting for the lock '%s'", path);
	if (pid.n > 0)
		buf_addf(&text, " (last taken by process %.*s)", SLICE_FMT(pid));
	sink_note(sink, buf_str(&text));
	buf_release(&text);
}

static int wait_for(int fd, const char *path, int op, int wait_ms, struct sink *sink,
		    struct err *e)
{
	int64_t start = clock_mono_ns();
	bool told = false;
	int r;

	while (sys_flock(fd, op | LOCK_NB) < 0) {
		int64_t waited_ms = (clock_mono_ns() - start) / 1000000;

		if (errno != EWOULDBLOCK)
			return err_sys(e, "lock", path);
		if (wait_ms != LOCK_WAIT_EVER && waited_ms >= wait_ms)
			return err_set(e, ERR_LOCKED, "'%s' is held by another process",
				       path);
		if ((r = interrupt_check(e)) < 0)
			return r;
		if (!told && waited_ms >= NOTE_AFTER_MS) {
			tell_waiting(sink, fd, path);
			told = true;
		}
		clock_sleep_ms(POLL_MS);
	}
	return 0;
}

int lock_take(struct lock *l, int dirfd, const char *path, bool shared, int wait_ms,
	      struct sink *sink, struct err *e)
{
	char pid[32];
	int fd, r, n;

	fd = sys_openat(dirfd, path, O_RDWR | O_CREAT, 0666);
	if (fd < 0 && (errno == EACCES || errno == EROFS) && shared)
		fd = sys_openat(dirfd, path, O_RDONLY, 0);
	if (fd < 0)
		return err_sys(e, "opening the lock", path);
	r = wait_for(fd, path, shared ? LOCK_SH : LOCK_EX, wait_ms, sink, e);
	if (r < 0)
		goto fail;
	if (!shared) {
		n = snprintf(pid, sizeof(pid), " %d\n", (int)getpid());
		if (sys_ftruncate(fd, 0) < 0 || sys_pwrite(fd, pid, (size_t)n, 0) < 0) {
			r = err_sys(e, "writing the lock", path);
			goto fail;
		}
	}
	l->fd = fd;
	l->held = true;
	return 0;
fail:
	sys_close(fd);
	return r;
}

void lock_drop(struct lock *l)
{
	if (!l || !l->held)
		return;
	close(l->fd); /* the kernel drops the lock with the last descriptor */
	l->held = false;
}
