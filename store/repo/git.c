/* Git's side of a change: ignore lines and the index. */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/meta/config.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"
#include "store/vcs/gitignore.h"
#include "store/vcs/vcs.h"

#include <stdlib.h>

static char *gitignore_file_of(const char *path)
{
	struct slice dir = path_dir(path);

	if (slice_is(dir, "."))
		return xstrdup(".gitignore");
	return xasprintf("%.*s/.gitignore", SLICE_FMT(dir));
}

static int edit(struct repo *r, const char *path, bool add, char **file, struct err *e)
{
	struct gitignore *gi;
	enum fs_sync sync;
	bool changed = false;
	int rc;

	if ((rc = repo_gitignore(r, &gi, e)) < 0 || (rc = repo_sync(r, &sync, e)) < 0)
		return rc;
	if (gi) {
		rc = add ? gitignore_add(gi, path, sync, &changed, e)
			 : gitignore_remove(gi, path, sync, &changed, e);
		if (rc < 0)
			return rc;
	}
	*file = changed ? gitignore_file_of(path) : NULL;
	return 0;
}

int repo_git_ignore(struct repo *r, const char *path, char **file, struct err *e)
{
	return edit(r, path, true, file, e);
}

int repo_git_unignore(struct repo *r, const char *path, char **file, struct err *e)
{
	return edit(r, path, false, file, e);
}

int repo_git_stage(struct repo *r, struct report *rep, struct err *e)
{
	struct config *c;
	struct vcs *vcs;
	bool on;
	int rc;

	if ((rc = repo_config(r, &c, e)) < 0 ||
	    (rc = config_bool(c, "core", "autostage", false, &on, e)) < 0)
		return rc;
	strvec_sort(&rep->to_track);
	if (!on || rep->to_track.nr == 0)
		return 0;
	if ((rc = repo_vcs(r, &vcs, e)) < 0)
		return rc;
	if (!vcs)
		return 0;
	if ((rc = vcs_stage(vcs, &rep->to_track, e)) < 0)
		return err_ctx(e, rc, "staging in git");
	rep->staged = true;
	return 0;
}
