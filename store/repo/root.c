/* Finding a repository's root, and paths as seen from it. */
#include "store/base/alloc.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/repo/repo_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static bool is_dir(const char *path, dev_t *dev)
{
	struct stat st;

	if (sys_fstatat(AT_FDCWD, path, &st, 0) < 0 || !S_ISDIR(st.st_mode))
		return false;
	if (dev)
		*dev = st.st_dev;
	return true;
}

static bool is_mount_point(const char *dir)
{
	dev_t here, above;
	char *parent = path_join(dir, "..");
	bool yes;

	yes = is_dir(dir, &here) && is_dir(parent, &above) && here != above;
	free(parent);
	return yes;
}

/* The first directory from start upwards that holds a directory .dvc. */
static int find_root(const char *start, char **out, struct err *e)
{
	char *dir = xstrdup(start);

	for (;;) {
		char *dvc = path_join(dir, ".dvc");
		bool found = is_dir(dvc, NULL);
		char *up;

		free(dvc);
		if (found) {
			*out = dir;
			return 0;
		}
		if (strcmp(dir, "/") == 0 || is_mount_point(dir)) {
			int rc =
				err_set(e, ERR_NOREPO,
					"you are not inside of a DVC repository (checked "
					"up to mount point '%s')",
					dir);

			free(dir);
			return rc;
		}
		up = path_join(dir, "..");
		free(dir);
		dir = path_normal(up);
		free(up);
	}
}

int repo_open(struct repo **out, const struct repo_options *o, struct err *e)
{
	struct repo *r = xcalloc(1, sizeof(*r));
	char *start = fs_real(o->dir ? o->dir : ".", e);
	char *rel;
	int rc;

	if (!start) {
		rc = e && e->code ? e->code : ERR_NOTFOUND;
		goto out;
	}
	if ((rc = find_root(start, &r->root, e)) < 0)
		goto out;
	r->rootfd = sys_openat(AT_FDCWD, r->root, O_RDONLY | O_DIRECTORY, 0);
	if (r->rootfd < 0) {
		rc = err_sys(e, "open", r->root);
		goto out;
	}
	r->open = true;
	r->dvc_dir = path_join(r->root, ".dvc");
	rel = path_relative(r->root, start);
	if (strcmp(rel, ".") == 0) {
		free(rel);
		rel = xstrdup("");
	}
	r->cwd = rel;
	r->sink = o->sink;
	r->lock_wait_ms = o->lock_wait_ms;
	r->jobs = o->jobs;
	r->lenient = o->lenient;
	r->in_stage = env_get("DVC_STAGE") != NULL;
	*out = r;
	r = NULL;
out:
	free(start);
	repo_free(r);
	return rc;
}

const char *repo_root(const struct repo *r)
{
	return r->root;
}

const char *repo_dvc_dir(const struct repo *r)
{
	return r->dvc_dir;
}

const char *repo_cwd(const struct repo *r)
{
	return r->cwd;
}

int repo_rootfd(const struct repo *r)
{
	return r->rootfd;
}

struct sink *repo_sink(const struct repo *r)
{
	return r->sink;
}

/*
 * An absolute path may reach the root by another way than root itself does (a
 * symbolic link above it): then its parent is resolved, but never its last
 * component, which may be a link that is meant itself.
 */
static char *through_links(const struct repo *r, const char *abs)
{
	struct slice dir = path_dir(abs), base = path_base(abs);
	char *parent, *real, *name, *whole = NULL;

	parent = xmemdup0(dir.p, dir.n);
	real = fs_real(parent, NULL);
	free(parent);
	if (!real)
		return NULL;
	name = xmemdup0(base.p, base.n);
	if (path_within(real, r->root))
		whole = path_join(real, name);
	free(name);
	free(real);
	return whole;
}

int repo_rel(const struct repo *r, const char *path, char **out, struct err *e)
{
	char *here = r->cwd[0] ? path_join(r->root, r->cwd) : xstrdup(r->root);
	char *abs = path_absolute(here, path);
	char *rel;
	int rc = 0;

	if (!path_within(abs, r->root)) {
		char *other = through_links(r, abs);

		if (other) {
			free(abs);
			abs = other;
		}
	}
	if (!path_within(abs, r->root)) {
		rc = err_set(e, ERR_INVALID, "'%s' is outside of DVC project '%s'", path,
			     r->root);
		goto out;
	}
	rel = path_relative(r->root, abs);
	if (strcmp(rel, ".") == 0)
		rel[0] = '\0';
	*out = rel;
out:
	free(abs);
	free(here);
	return rc;
}

char *repo_show(const struct repo *r, const char *rel)
{
	char *here, *abs, *shown;

	if (!r->cwd[0] && rel[0])
		return xstrdup(rel);
	here = r->cwd[0] ? path_join(r->root, r->cwd) : xstrdup(r->root);
	abs = rel[0] ? path_join(r->root, rel) : xstrdup(r->root);
	shown = path_relative(here, abs);
	free(abs);
	free(here);
	return shown;
}

int repo_open_cwd(struct repo *r, int *fd, struct err *e)
{
	int got = sys_openat(r->rootfd, r->cwd[0] ? r->cwd : ".", O_RDONLY | O_DIRECTORY,
			     0);

	if (got < 0)
		return err_sys(e, "open", r->cwd[0] ? r->cwd : ".");
	*fd = got;
	return 0;
}
