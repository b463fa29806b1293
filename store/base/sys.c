#include "store/base/sys.h"

#include "store/base/alloc.h"
#include "store/base/interrupt.h"
#include "store/base/sys_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/magic.h of Debian 12 lacks these. */
#define MAGIC_CIFS   0xFF534D42
#define MAGIC_LUSTRE 0x0BD00BD0
#define MAGIC_GPFS   0x47504653
#define MAGIC_FUSE   0x65735546
#define MAGIC_BEEGFS 0x19830326

static bool again(void)
{
	return errno == EINTR && !interrupt_pending();
}

/* Run a call under the fault injection, and again after EINTR. */
#define CALL(out, is_write, expr)                                                        \
	do {                                                                             \
		if (sys_fault(is_write))                                                 \
			(out) = -1;                                                      \
		else                                                                     \
			(out) = (expr);                                                  \
	} while ((out) < 0 && again())

int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	bool creates = (flags & (O_CREAT | O_TRUNC)) != 0;
	int fd;

	CALL(fd, creates, openat(dirfd, path, flags | O_CLOEXEC, mode));
	if (fd >= 0 && creates)
		sys_seen(&(struct sys_event){.op = SYS_CREATE,
					     .fd = fd,
					     .dirfd = dirfd,
					     .path = path,
					     .mode = mode,
					     .at = flags & O_TRUNC ? 0 : -1});
	return fd;
}

/* openat2 is younger than some kernels: walk down with O_NOFOLLOW. */
static int open_by_component(int dirfd, const char *path, int flags, mode_t mode)
{
	int at = fcntl(dirfd, F_DUPFD_CLOEXEC, 0), next;
	char *copy = xstrdup(path), *p = copy;

	while (at >= 0) {
		char *slash = strchr(p, '/');

		if (slash)
			*slash = '\0';
		if (strcmp(p, "..") == 0 || (p == copy && *p == '\0')) {
			next = -1;
			errno = EXDEV;
		} else if (slash) {
			next = openat(at, *p ? p : ".",
				      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (next < 0 && errno == ENOTDIR) {
				struct stat st;

				if (fstatat(at, p, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				    S_ISLNK(st.st_mode))
					errno = ELOOP;
				else
					errno = ENOTDIR;
			}
		} else {
			next = openat(at, *p ? p : ".", flags | O_NOFOLLOW | O_CLOEXEC,
				      mode);
		}
		close(at);
		at = next;
		if (!slash)
			break;
		p = slash + 1;
	}
	free(copy);
	return at;
}

int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	bool creates = (flags & (O_CREAT | O_TRUNC)) != 0;
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	CALL(fd, creates, syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open_by_component(dirfd, path, flags, mode);
	if (fd >= 0 && creates)
		sys_seen(&(struct sys_event){.op = SYS_CREATE,
					     .fd = (int)fd,
					     .dirfd = dirfd,
					     .path = path,
					     .mode = mode,
					     .at = flags & O_TRUNC ? 0 : -1});
	return (int)fd;
}

int sys_close(int fd)
{
	/* After EINTR the descriptor is gone on Linux: never close twice. */
	if (sys_fault(false) && errno != EINTR) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return close(fd) < 0 && errno != EINTR ? -1 : 0;
}

ssize_t sys_read_some(int fd, void *p, size_t n)
{
	ssize_t r;

	CALL(r, false, read(fd, p, n));
	return r;
}

ssize_t sys_read(int fd, void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = sys_read_some(fd, (char *)p + done, n - done);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

ssize_t sys_pread(int fd, void *p, size_t n, int64_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r;

		CALL(r, false, pread(fd, (char *)p + done, n - done, at + (int64_t)done));
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

int sys_write(int fd, const void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r;

		CALL(r, true, write(fd, (const char *)p + done, n - done));
		if (r < 0)
			return -1;
		sys_seen(&(struct sys_event){.op = SYS_WRITE,
					     .fd = fd,
					     .data = (const char *)p + done,
					     .n = (size_t)r,
					     .at = -1});
		done += (size_t)r;
	}
	return 0;
}

int sys_pwrite(int fd, const void *p, size_t n, int64_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r;

		CALL(r, true,
		     pwrite(fd, (const char *)p + done, n - done, at + (int64_t)done));
		if (r < 0)
			return -1;
		sys_seen(&(struct sys_event){.op = SYS_WRITE,
					     .fd = fd,
					     .data = (const char *)p + done,
					     .n = (size_t)r,
					     .at = at + (int64_t)done});
		done += (size_t)r;
	}
	return 0;
}

int sys_fstat(int fd, struct stat *st)
{
	int r;

	CALL(r, false, fstat(fd, st));
	return r;
}

int sys_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int r;

	CALL(r, false, fstatat(dirfd, path, st, flags));
	return r;
}

int sys_lstat(const char *path, struct stat *st)
{
	return sys_fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int sys_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	int r;

	CALL(r, true, renameat(fromfd, from, tofd, to));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_RENAME,
					     .dirfd = fromfd,
					     .path = from,
					     .dirfd2 = tofd,
					     .path2 = to});
	return r;
}

int sys_rename_noreplace(int fromfd, const char *from, int tofd, const char *to)
{
	int r;

	CALL(r, true, renameat2(fromfd, from, tofd, to, RENAME_NOREPLACE));
	if (r == 0) {
		sys_seen(&(struct sys_event){.op = SYS_RENAME,
					     .dirfd = fromfd,
					     .path = from,
					     .dirfd2 = tofd,
					     .path2 = to});
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* NFS and others lack the flag; a link refuses to replace as well. */
	if (sys_linkat(fromfd, from, tofd, to, 0) < 0)
		return -1;
	return sys_unlinkat(fromfd, from, 0);
}

int sys_linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	int r;

	CALL(r, true, linkat(fromfd, from, tofd, to, flags));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_LINK,
					     .dirfd = fromfd,
					     .path = from,
					     .dirfd2 = tofd,
					     .path2 = to});
	return r;
}

int sys_symlinkat(const char *target, int dirfd, const char *path)
{
	int r;

	CALL(r, true, symlinkat(target, dirfd, path));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_SYMLINK,
					     .path = target,
					     .dirfd2 = dirfd,
					     .path2 = path});
	return r;
}

ssize_t sys_readlinkat(int dirfd, const char *path, char *p, size_t n)
{
	ssize_t r;

	CALL(r, false, readlinkat(dirfd, path, p, n));
	return r;
}

int sys_unlinkat(int dirfd, const char *path, int flags)
{
	int r;

	CALL(r, true, unlinkat(dirfd, path, flags));
	if (r == 0)
		sys_seen(&(struct sys_event){
			.op = SYS_UNLINK, .dirfd = dirfd, .path = path});
	return r;
}

int sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	int r;

	CALL(r, true, mkdirat(dirfd, path, mode));
	if (r == 0)
		sys_seen(&(struct sys_event){
			.op = SYS_MKDIR, .dirfd = dirfd, .path = path, .mode = mode});
	return r;
}

int sys_fchmod(int fd, mode_t mode)
{
	int r;

	CALL(r, true, fchmod(fd, mode));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_CHMOD, .fd = fd, .mode = mode});
	return r;
}

int sys_fchmodat(int dirfd, const char *path, mode_t mode)
{
	int r;

	CALL(r, true, fchmodat(dirfd, path, mode, 0));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_CHMOD,
					     .fd = -1,
					     .dirfd = dirfd,
					     .path = path,
					     .mode = mode});
	return r;
}

int sys_fsync(int fd)
{
	int r;

	CALL(r, true, fsync(fd));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_FSYNC, .fd = fd});
	return r;
}

int sys_syncfs(int fd)
{
	int r;

	CALL(r, true, syncfs(fd));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_SYNCFS, .fd = fd});
	return r;
}

int sys_ftruncate(int fd, int64_t n)
{
	int r;

	CALL(r, true, ftruncate(fd, n));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_TRUNCATE, .fd = fd, .at = n});
	return r;
}

void sys_write_behind(int fd, int64_t from, int64_t n)
{
#if defined(__linux__)
	int saved = errno;

	IGNORE_RESULT(sync_file_range(fd, from, n, SYNC_FILE_RANGE_WRITE) < 0);
	errno = saved;
#else
	(void)fd;
	(void)from;
	(void)n;
#endif
}

int sys_fallocate(int fd, int64_t n)
{
	int r;

	if (n == 0)
		return 0;
	CALL(r, true, fallocate(fd, 0, 0, n));
	return r < 0 && (errno == EOPNOTSUPP || errno == ENOSYS) ? 0 : r;
}

int sys_ficlone(int dst, int src)
{
	int r;

	CALL(r, true, ioctl(dst, FICLONE, src));
	if (r == 0)
		sys_seen(&(struct sys_event){.op = SYS_CLONE, .fd = dst, .dirfd = src});
	return r;
}

ssize_t sys_copy_range(int src, int dst, size_t n)
{
	ssize_t r;

	CALL(r, true, copy_file_range(src, NULL, dst, NULL, n, 0));
	if (r > 0)
		sys_seen(&(struct sys_event){
			.op = SYS_CLONE, .fd = dst, .dirfd = src, .n = (size_t)r});
	return r;
}

int sys_flock(int fd, int op)
{
	int r;

	CALL(r, false, flock(fd, op));
	return r;
}

int sys_utimens(int dirfd, const char *path, const struct timespec ts[2])
{
	int r;

	CALL(r, true, utimensat(dirfd, path, ts, AT_SYMLINK_NOFOLLOW));
	return r;
}

ssize_t sys_getdents(int fd, void *p, size_t n)
{
	long r;

	CALL(r, false, syscall(SYS_getdents64, fd, p, n));
	return (ssize_t)r;
}

void *sys_map(int fd, size_t n)
{
	void *p;

	if (sys_fault(false))
		return NULL;
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

void sys_unmap(void *p, size_t n)
{
	if (p)
		munmap(p, n);
}

void sys_advise_huge(void *p, size_t n)
{
#ifdef MADV_HUGEPAGE
	const uintptr_t page = (uintptr_t)2 << 20;
	uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1);
	uintptr_t to = ((uintptr_t)p + n) & ~(page - 1);

	/* Whole pages only, and where it is not offered nothing is lost. */
	if (from < to)
		IGNORE_RESULT(madvise((char *)p + (from - (uintptr_t)p), to - from,
				      MADV_HUGEPAGE));
#else
	(void)p;
	(void)n;
#endif
}

static bool is_remote_fs(unsigned long type)
{
	switch (type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case MAGIC_CIFS:
	case SMB2_SUPER_MAGIC:
	case MAGIC_LUSTRE:
	case MAGIC_GPFS:
	case MAGIC_FUSE:
	case MAGIC_BEEGFS:
	case CEPH_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case V9FS_MAGIC:
		return true;
	default:
		return false;
	}
}

int sys_fs_space(int fd, uint64_t *free_bytes, uint64_t *free_inodes, bool *net)
{
	struct statfs s;
	int r;

	CALL(r, false, fstatfs(fd, &s));
	if (r < 0)
		return -1;
	*free_bytes = (uint64_t)s.f_bavail * (uint64_t)s.f_bsize;
	/* btrfs and some network file systems count no inodes: no limit then. */
	*free_inodes = s.f_files == 0 ? UINT64_MAX : (uint64_t)s.f_ffree;
	*net = is_remote_fs((unsigned long)s.f_type & 0xffffffffu);
	return 0;
}
