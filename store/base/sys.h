/*
 * Every system call that can fail, in one place.
 *
 * The wrappers keep the libc convention: -1 and errno. They handle EINTR (a
 * call is taken up again, unless an interrupt is pending), short reads and
 * writes, and O_CLOEXEC. Tests make the n-th call fail and watch what was
 * written, synced and renamed. Thread-safe.
 */
#ifndef STORE_BASE_SYS_H
#define STORE_BASE_SYS_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

int sys_openat(int dirfd, const char *path, int flags, mode_t mode) MUST_CHECK;
/* Resolve beneath dirfd without following any link (openat2; component by
 * component where the kernel lacks it). Leaving is EXDEV, a link is ELOOP. */
int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode) MUST_CHECK;
int sys_close(int fd); /* the result matters only after writes */
ssize_t sys_read(int fd, void *p,
		 size_t n) MUST_CHECK; /* up to n; short only at the end */
ssize_t sys_read_some(int fd, void *p, size_t n) MUST_CHECK; /* one read() */
ssize_t sys_pread(int fd, void *p, size_t n, int64_t at) MUST_CHECK;
int sys_write(int fd, const void *p, size_t n) MUST_CHECK; /* all of it */
int sys_pwrite(int fd, const void *p, size_t n, int64_t at) MUST_CHECK;
int sys_fstat(int fd, struct stat *st) MUST_CHECK;
int sys_fstatat(int dirfd, const char *path, struct stat *st, int flags) MUST_CHECK;
int sys_lstat(const char *path, struct stat *st) MUST_CHECK;
int sys_renameat(int fromfd, const char *from, int tofd, const char *to) MUST_CHECK;
/* EEXIST instead of replacing; a plain link() + unlink() where renameat2 is not. */
int sys_rename_noreplace(int fromfd, const char *from, int tofd,
			 const char *to) MUST_CHECK;
int sys_linkat(int fromfd, const char *from, int tofd, const char *to,
	       int flags) MUST_CHECK;
int sys_symlinkat(const char *target, int dirfd, const char *path) MUST_CHECK;
ssize_t sys_readlinkat(int dirfd, const char *path, char *p, size_t n) MUST_CHECK;
int sys_unlinkat(int dirfd, const char *path, int flags) MUST_CHECK;
int sys_mkdirat(int dirfd, const char *path, mode_t mode) MUST_CHECK;
int sys_fchmod(int fd, mode_t mode) MUST_CHECK;
int sys_fchmodat(int dirfd, const char *path, mode_t mode) MUST_CHECK;
int sys_fsync(int fd) MUST_CHECK;
int sys_syncfs(int fd) MUST_CHECK;
int sys_ftruncate(int fd, int64_t n) MUST_CHECK;
int sys_fallocate(int fd, int64_t n) MUST_CHECK; /* EOPNOTSUPP counts as done */
/* Begin to write a range back; a hint, so that a later fsync has less to wait for. */
void sys_write_behind(int fd, int64_t from, int64_t n);
int sys_ficlone(int dst, int src) MUST_CHECK;
/* One copy_file_range; 0 at the end of the source. */
ssize_t sys_copy_range(int src, int dst, size_t n) MUST_CHECK;
int sys_flock(int fd, int op) MUST_CHECK;
int sys_utimens(int dirfd, const char *path, const struct timespec ts[2]) MUST_CHECK;
ssize_t sys_getdents(int fd, void *p, size_t n) MUST_CHECK;
/* Map n bytes of a file to be read; NULL and errno on failure. */
void *sys_map(int fd, size_t n) MUST_CHECK;
void sys_unmap(void *p, size_t n); /* accepts NULL */
/* A hint, for fresh memory of many megabytes that is read all over: large pages. */
void sys_advise_huge(void *p, size_t n);
/* Bytes free for this user, and true in *net when the file system is remote. */
int sys_fs_space(int fd, uint64_t *free_bytes, uint64_t *free_inodes,
		 bool *net) MUST_CHECK;

/*
 * Tests. The n-th call from now fails with sys_errno; n = 0 ends. With
 * SYS_KILL instead of an errno the process ends there by SIGKILL. Calls are
 * counted all the time.
 */
#define SYS_KILL (-1)
void sys_fail_nth(long n, int sys_errno);
bool sys_fail_hit(void); /* did it bite? */
long sys_calls(void);

/* Only calls that change a disk (write, rename, link, unlink, mkdir, chmod,
 * sync, truncate, clone) are counted and failed when on. */
void sys_fail_writes_only(bool on);

/*
 * What a disk would see, in order. The observer runs under a lock in the thread
 * that made the call, after it succeeded.
 */
enum sys_op {
	SYS_CREATE,
	SYS_WRITE,
	SYS_TRUNCATE,
	SYS_FSYNC,
	SYS_SYNCFS,
	SYS_RENAME,
	SYS_LINK,
	SYS_SYMLINK,
	SYS_UNLINK,
	SYS_MKDIR,
	SYS_CHMOD,
	SYS_CLONE,
};
struct sys_event {
	enum sys_op op;
	int fd; /* the file for WRITE, TRUNCATE, FSYNC, CHMOD, CLONE */
	int dirfd, dirfd2;
	const char *path, *path2; /* RENAME and LINK: from, to */
	const void *data;
	size_t n;
	int64_t at; /* WRITE: the offset, -1 for the current one; TRUNCATE: the size */
	mode_t mode;
};
void sys_observe(void (*fn)(const struct sys_event *ev, void *ctx), void *ctx);

/*
 * The same from the environment, in builds with SYS_FAULTS only (debug, asan):
 * LODE_FAULT=N:ERRNO-NAME or N:kill, prefixed by "w" for writes only;
 * LODE_FAULT_COUNT=FILE gets the number of calls at exit; LODE_RECORD=FILE
 * gets the events with their data (tests/powercut reads them).
 */
void sys_faults_from_env(void);

#endif
