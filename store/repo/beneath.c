/* Touching the workspace without following links that a committed file planted. */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/odb/odb.h"
#include "store/repo/change_internal.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY)

/* Make each missing directory of dir, one by one, never through a link. */
static int make_dirs(int rootfd, const char *dir, int *out, struct err *e)
{
	struct slice rest = slice_of(dir);
	int fd = sys_open_beneath(rootfd, ".", DIR_FLAGS, 0);

	if (fd < 0)
		return err_sys(e, "open", dir);
	while (rest.n > 0) {
		struct slice part = slice_cut(&rest, '/');
		char *name = xmemdup0(part.p, part.n);
		int next = -1;

		if (sys_mkdirat(fd, name, 0777) == 0 || errno == EEXIST)
			next = sys_open_beneath(fd, name, DIR_FLAGS, 0);
		free(name);
		if (next < 0) {
			int rc = err_sys(e, "mkdir", dir);

			(void)sys_close(fd); /* a directory */
			return rc;
		}
		(void)sys_close(fd); /* a directory */
		fd = next;
	}
	*out = fd;
	return 0;
}

int change_open_dir(struct repo *r, const char *dir, bool make, int *fd, struct err *e)
{
	int got;
	int rc;

	if (dir[0] && (rc = path_check_tracked(dir, e)) < 0)
		return rc;
	if (make)
		return make_dirs(r->rootfd, dir, fd, e);
	got = sys_open_beneath(r->rootfd, dir[0] ? dir : ".", DIR_FLAGS, 0);
	if (got < 0)
		return err_sys(e, "open", dir[0] ? dir : ".");
	*fd = got;
	return 0;
}

int change_open_parent(struct repo *r, const char *path, bool make, int *fd,
		       const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xmemdup0(path, (size_t)(slash - path)) : xstrdup("");
	int rc = change_open_dir(r, dir, make, fd, e);

	free(dir);
	if (rc == 0)
		*name = slash ? slash + 1 : path;
	return rc;
}

int change_unlink(struct repo *r, const char *path, bool missing_ok, struct err *e)
{
	const char *name;
	int fd = -1, rc;

	rc = change_open_parent(r, path, false, &fd, &name, e);
	if (rc == ERR_NOTFOUND && missing_ok)
		return 0;
	if (rc < 0)
		return rc;
	if (sys_unlinkat(fd, name, 0) < 0 && !(missing_ok && errno == ENOENT))
		rc = err_sys(e, "unlink", path);
	(void)sys_close(fd); /* a directory */
	return rc;
}

int change_remove_tree(struct repo *r, const char *path, struct err *e)
{
	const char *name;
	int fd = -1, rc;

	rc = change_open_parent(r, path, false, &fd, &name, e);
	if (rc == ERR_NOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	rc = fs_remove_tree(fd, name, e);
	(void)sys_close(fd); /* a directory */
	return rc;
}

/* ---- unprotect ----------------------------------------------------------- */

static int unprotect_dir(struct repo *r, int dirfd, const char *name, const char *path,
			 struct report *rep, struct err *e);

static int unprotect_one(struct repo *r, int dirfd, const char *name, const char *path,
			 struct report *rep, struct err *e)
{
	struct odb *odb;
	struct stat st, target;
	bool shared;
	int rc;

	if (sys_fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat", path);
	if (S_ISDIR(st.st_mode))
		return unprotect_dir(r, dirfd, name, path, rep, e);
	if (S_ISLNK(st.st_mode)) {
		/* A link to a directory or to nothing protects no file. */
		if (sys_fstatat(dirfd, name, &target, 0) < 0 || !S_ISREG(target.st_mode))
			return 0;
	} else if (!S_ISREG(st.st_mode)) {
		return 0;
	}
	if ((rc = repo_odb(r, &odb, e)) < 0 ||
	    (rc = odb_unprotect(odb, dirfd, name, e)) < 0)
		return rc;
	shared = S_ISLNK(st.st_mode) || st.st_nlink > 1;
	if (shared)
		report_add(rep, path, NULL, "unprotected", (int64_t)st.st_size);
	return 0;
}

static int unprotect_dir(struct repo *r, int dirfd, const char *name, const char *path,
			 struct report *rep, struct err *e)
{
	struct fs_dir *d = NULL;
	struct fs_dirent ent;
	struct strvec names = {0};
	int rc;

	if ((rc = fs_dir_open(&d, dirfd, name, e)) < 0)
		return rc;
	/* Names first: files are replaced, and would come by again. */
	while ((rc = fs_dir_next(d, &ent, e)) > 0)
		strvec_push(&names, ent.name);
	strvec_sort(&names);
	for (size_t i = 0; i < names.nr && rc == 0; i++) {
		char *sub = path_join(path, names.v[i]);

		rc = unprotect_one(r, fs_dir_fd(d), names.v[i], sub, rep, e);
		free(sub);
	}
	strvec_release(&names);
	fs_dir_close(d);
	return rc;
}

int change_unprotect(struct repo *r, const char *path, struct report *rep, struct err *e)
{
	const char *name;
	int fd = -1, rc;

	if ((rc = change_open_parent(r, path, false, &fd, &name, e)) < 0)
		return rc;
	rc = unprotect_one(r, fd, name, path, rep, e);
	(void)sys_close(fd); /* a directory */
	return rc;
}
