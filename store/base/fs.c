#include "store/base/fs.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_LIMIT (UINT64_C(1) << 30)
#define COPY_BLOCK (UINT32_C(1) << 18)

int fs_read(int dirfd, const char *path, size_t limit, struct buf *out, struct err *e)
{
	struct stat st;
	int fd, r = 0;
	size_t want;

	if (limit == 0)
		limit = READ_LIMIT;
	fd = sys_openat(dirfd, path, O_RDONLY, 0);
	if (fd < 0)
		return err_sys(e, "open", path);
	if (sys_fstat(fd, &st) < 0) {
		r = err_sys(e, "stat", path);
		goto out;
	}
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		r = err_sys(e, "read", path);
		goto out;
	}
	buf_reset(out);
	want = st.st_size > 0 ? (size_t)st.st_size : 0;
	/* One byte more than the size tells a growing file from a whole one. */
	for (;;) {
		ssize_t n;

		if (want > limit) {
			r = err_set(e, ERR_INVALID, "'%s': larger than %zu bytes", path,
				    limit);
			goto out;
		}
		buf_reserve(out, want - out->n + 1);
		n = sys_read(fd, out->p + out->n, want - out->n + 1);
		if (n < 0) {
			r = err_sys(e, "read", path);
			goto out;
		}
		out->n += (size_t)n;
		if (out->n <= want)
			break;
		want = out->n + COPY_BLOCK;
	}
	out->p[out->n] = '\0';
out:
	sys_close(fd);
	return r;
}

static atomic_int staging = -1;

void fs_set_staging(int dirfd)
{
	atomic_store(&staging, dirfd);
}

/* The directory for a temporary that is to become a name in dirfd. */
static int temporary_dir(int dirfd)
{
	int stage = atomic_load(&staging);
	struct stat a, b;

	if (stage < 0 || sys_fstat(stage, &a) < 0 || sys_fstat(dirfd, &b) < 0 ||
	    a.st_dev != b.st_dev)
		return dirfd;
	return stage;
}

/* Fill a temporary in tmpdir and give it its name in dirfd. */
static int write_by_way_of(int tmpdir, int dirfd, const char *name, struct slice data,
			   mode_t mode, enum fs_sync sync, struct err *e)
{
	struct tmpfile t = {0};
	struct stat st;
	int r;

	if ((r = tmpfile_open(&t, tmpdir, mode, e)) < 0)
		goto out;
	if (sys_fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT) {
			r = err_sys(e, "stat", name);
			goto out;
		}
	} else if (S_ISREG(st.st_mode) && sys_fchmod(t.fd, st.st_mode & 07777) < 0) {
		r = err_sys(e, "chmod", name);
		goto out;
	}
	if (sys_write(t.fd, data.p, data.n) < 0) {
		r = err_sys(e, "write", name);
		goto out;
	}
	if (sync != FS_SYNC_NONE && (r = tmpfile_sync(&t, e)) < 0)
		goto out;
	r = tmpfile_replace(&t, dirfd, name, e);
out:
	tmpfile_release(&t);
	return r;
}

int fs_write(int dirfd, const char *path, struct slice data, mode_t mode,
	     enum fs_sync sync, struct err *e)
{
	struct slice base = path_base(path), dir = path_dir(path);
	char *dir_text = xmemdup0(dir.p, dir.n), *name = xmemdup0(base.p, base.n);
	struct err why = {0};
	int fd, tmpdir, r;

	fd = sys_openat(dirfd, dir_text, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		r = err_sys(&why, "open", dir_text);
		goto out;
	}
	tmpdir = temporary_dir(fd);
	r = write_by_way_of(tmpdir, fd, name, data, mode, sync, &why);
	/* Two mounts of one file system have one device and no rename. */
	if (r < 0 && tmpdir != fd && why.sys == EXDEV)
		r = write_by_way_of(fd, fd, name, data, mode, sync, &why);
	if (r == 0 && sync != FS_SYNC_NONE && sys_fsync(fd) < 0)
		r = err_sys(&why, "fsync", dir_text);
out:
	if (r < 0 && e)
		*e = why;
	if (fd >= 0)
		sys_close(fd);
	free(name);
	free(dir_text);
	return r;
}

/* One directory; 1 if it was made now, 0 if it stood already. */
static int mkdir_one(int dirfd, const char *path, mode_t exact_mode, struct err *e)
{
	struct stat st;
	int r;

	if (sys_mkdirat(dirfd, path, 0777) == 0) {
		if (exact_mode != 0 && sys_fchmodat(dirfd, path, exact_mode) < 0)
			return err_sys(e, "chmod", path);
		return 1;
	}
	if (errno != EEXIST)
		return err_sys(e, "mkdir", path);
	r = sys_fstatat(dirfd, path, &st, 0);
	if (r < 0)
		return err_sys(e, "stat", path);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return err_sys(e, "mkdir", path);
	}
	return 0;
}

int fs_mkdirs(int dirfd, const char *path, mode_t exact_mode, struct err *e)
{
	char *copy = xstrdup(path);
	size_t n = strlen(copy);
	struct err first = {0};
	int r;

	r = mkdir_one(dirfd, copy, exact_mode, &first);
	if (r != ERR_NOTFOUND)
		goto out;
	/* Make the parents from the top; each one may appear beside us. */
	for (size_t i = 1; i < n; i++) {
		if (copy[i] != '/' || copy[i - 1] == '/')
			continue;
		copy[i] = '\0';
		r = mkdir_one(dirfd, copy, exact_mode, &first);
		copy[i] = '/';
		if (r < 0)
			goto out;
	}
	r = mkdir_one(dirfd, copy, exact_mode, &first);
out:
	free(copy);
	if (r < 0 && e)
		*e = first;
	return r < 0 ? r : 0;
}

int fs_sync_dir(int dirfd, const char *path, struct err *e)
{
	int fd = sys_openat(dirfd, path, O_RDONLY | O_DIRECTORY, 0), r = 0;

	if (fd < 0)
		return err_sys(e, "open", path);
	if (sys_fsync(fd) < 0)
		r = err_sys(e, "fsync", path);
	sys_close(fd);
	return r;
}

mode_t fs_kind(int dirfd, const char *path)
{
	struct stat st;

	if (sys_fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return st.st_mode & S_IFMT;
}

bool fs_exists(int dirfd, const char *path)
{
	struct stat st;

	return sys_fstatat(dirfd, path, &st, 0) == 0;
}

static int remove_tree(int dirfd, const char *name, dev_t dev, struct err *e)
{
	struct fs_dir *d = NULL;
	struct fs_dirent ent;
	struct stat st;
	int r;

	if (sys_unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "unlink", name);
	if (sys_fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat", name);
	if (!S_ISDIR(st.st_mode)) {
		errno = EPERM;
		return err_sys(e, "unlink", name);
	}
	if (dev != 0 && st.st_dev != dev)
		return err_set(e, ERR_INVALID, "'%s': a mount point is not removed",
			       name);
	if ((r = fs_dir_open(&d, dirfd, name, e)) < 0)
		return r;
	while ((r = fs_dir_next(d, &ent, e)) > 0)
		if ((r = remove_tree(fs_dir_fd(d), ent.name, st.st_dev, e)) < 0)
			break;
	fs_dir_close(d);
	if (r < 0)
		return r;
	if (sys_unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "rmdir", name);
	return 0;
}

int fs_remove_tree(int dirfd, const char *path, struct err *e)
{
	return remove_tree(dirfd, path, 0, e);
}

void fs_prune_empty(int rootfd, const char *dir)
{
	char *copy = path_normal(dir);

	/* rmdir of what is not empty fails, and that is the end of the walk. */
	while (strcmp(copy, ".") != 0 && copy[0] != '/' && strncmp(copy, "..", 2) != 0) {
		char *slash;

		if (sys_unlinkat(rootfd, copy, AT_REMOVEDIR) < 0)
			break;
		slash = strrchr(copy, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	free(copy);
}

static int copy_by_blocks(int src, int dst, struct err *e)
{
	char *block = xmalloc(COPY_BLOCK);
	int r = 0;

	for (;;) {
		ssize_t n = sys_read(src, block, COPY_BLOCK);

		if (n < 0) {
			r = err_sys(e, "read", NULL);
			break;
		}
		if (n == 0)
			break;
		if (sys_write(dst, block, (size_t)n) < 0) {
			r = err_sys(e, "write", NULL);
			break;
		}
	}
	free(block);
	return r;
}

int fs_copy_fd(int src, int dst, struct err *e)
{
	bool any = false;

	if (sys_ficlone(dst, src) == 0)
		return 0;
	if (errno == ENOSPC || errno == EIO || errno == EDQUOT)
		return err_sys(e, "clone", NULL);
	for (;;) {
		ssize_t n = sys_copy_range(src, dst, (size_t)1 << 30);

		if (n == 0 && any)
			return 0;
		if (n > 0) {
			any = true;
			continue;
		}
		/* A 0 at the start may be a file whose size is a lie (/proc). */
		if (n == 0 ||
		    (!any && errno != ENOSPC && errno != EIO && errno != EDQUOT))
			return copy_by_blocks(src, dst, e);
		return err_sys(e, "copy", NULL);
	}
}

char *fs_cwd(struct err *e)
{
	char *p = getcwd(NULL, 0);

	if (!p)
		err_sys(e, "getcwd", NULL);
	return p;
}

char *fs_real(const char *path, struct err *e)
{
	char *p = realpath(path, NULL);

	if (!p)
		err_sys(e, "resolve", path);
	return p;
}

/* The kernel's record, as getdents64(2) states it. */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

struct fs_dir {
	int fd;
	size_t at, n;
	_Alignas(struct linux_dirent64) char block[32 * 1024];
};

int fs_dir_open(struct fs_dir **out, int dirfd, const char *path, struct err *e)
{
	int fd = sys_openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct fs_dir *d;

	if (fd < 0)
		return err_sys(e, "open", path);
	d = xmalloc(sizeof(*d));
	d->fd = fd;
	d->at = d->n = 0;
	*out = d;
	return 0;
}

int fs_dir_fd(const struct fs_dir *d)
{
	return d->fd;
}

int fs_dir_next(struct fs_dir *d, struct fs_dirent *ent, struct err *e)
{
	for (;;) {
		struct linux_dirent64 *rec;

		if (d->at == d->n) {
			ssize_t n = sys_getdents(d->fd, d->block, sizeof(d->block));

			if (n < 0)
				return err_sys(e, "reading a directory", NULL);
			if (n == 0)
				return 0;
			d->n = (size_t)n;
			d->at = 0;
		}
		rec = (struct linux_dirent64 *)(void *)(d->block + d->at);
		d->at += rec->d_reclen;
		if (rec->d_name[0] == '.' &&
		    (rec->d_name[1] == '\0' ||
		     (rec->d_name[1] == '.' && rec->d_name[2] == '\0')))
			continue;
		ent->name = rec->d_name;
		ent->type = rec->d_type;
		ent->inode = rec->d_ino;
		return 1;
	}
}

void fs_dir_close(struct fs_dir *d)
{
	if (!d)
		return;
	close(d->fd);
	free(d);
}
