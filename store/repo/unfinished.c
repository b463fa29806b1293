#include "store/repo/unfinished.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/repo/change_internal.h"
#include "store/repo/repo_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#define LIST REPO_STATE "/unfinished"

int unfinished_mark(struct repo *r, const char *out, struct err *e)
{
	int fd, rc = 0;

	if (r->lock_depth == 0 || (r->marked && strcmp(r->marked, out) == 0))
		return 0;
	if ((rc = fs_mkdirs(r->rootfd, REPO_STATE, 0, e)) < 0)
		return rc;
	fd = sys_openat(r->rootfd, LIST, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0)
		return err_sys(e, "open", LIST);
	if (sys_write(fd, out, strlen(out) + 1) < 0)
		rc = err_sys(e, "write", LIST);
	(void)sys_close(fd); /* a list that is lost costs debris only */
	free(r->marked);
	r->marked = xstrdup(out);
	return rc;
}

/* Temporaries below a directory; of a directory that an output may be a child of
 * also the temporary directories, which hold copies that were being made. */
static void sweep(int dirfd, const char *path, bool deep)
{
	struct fs_dir *d = NULL;
	struct fs_dirent ent;

	if (fs_dir_open(&d, dirfd, path, NULL) < 0)
		return;
	while (fs_dir_next(d, &ent, NULL) > 0) {
		if (ent.type == DT_DIR && deep)
			sweep(fs_dir_fd(d), ent.name, true);
		else if (tmpfile_is_name(ent.name) &&
			 (ent.type == DT_DIR
				  ? fs_remove_tree(fs_dir_fd(d), ent.name, NULL)
				  : sys_unlinkat(fs_dir_fd(d), ent.name, 0)) == 0)
			log_debug("repo", "removed the temporary '%s' of a killed run",
				  ent.name);
	}
	fs_dir_close(d);
}

/* An output that is a directory is swept whole; of a file, its directory is. */
static void sweep_output(struct repo *r, const char *out)
{
	const char *name;
	int fd;

	if (change_open_parent(r, out, false, &fd, &name, NULL) < 0)
		return;
	sweep(fd, ".", false);
	if (fs_kind(fd, name) == S_IFDIR)
		sweep(fd, name, true);
	(void)sys_close(fd); /* a directory */
}

void unfinished_clean(struct repo *r)
{
	struct buf list = {0};
	struct slice rest;

	sweep(r->rootfd, REPO_TMP, false);
	if (fs_read(r->rootfd, LIST, 0, &list, NULL) < 0)
		goto out;
	rest = buf_slice(&list);
	while (rest.n > 0) {
		/* The last one may be cut short: then nothing was placed there. */
		struct slice out = slice_cut(&rest, '\0');

		if (rest.p)
			sweep_output(r, out.p);
	}
	IGNORE_RESULT(sys_unlinkat(r->rootfd, LIST, 0)); /* swept again, then */
out:
	buf_release(&list);
}

void unfinished_end(struct repo *r)
{
	if (!r->marked)
		return;
	IGNORE_RESULT(sys_unlinkat(r->rootfd, LIST, 0)); /* costs a sweep */
	free(r->marked);
	r->marked = NULL;
}
