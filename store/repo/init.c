/* init and destroy. */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/meta/collect.h"
#include "store/meta/config.h"
#include "store/odb/odb.h"
#include "store/repo/change_internal.h"
#include "store/repo/repo_internal.h"
#include "store/repo/report.h"
#include "store/vcs/gitignore.h"
#include "store/vcs/vcs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char IGNORE_TEXT[] =
	"# Add patterns of files dvc should ignore, which could improve\n"
	"# the performance. Learn more at\n"
	"# https://dvc.org/doc/user-guide/dvcignore\n";
static const char GITIGNORE_TEXT[] = "/config.local\n/tmp\n/cache\n";

/* The git work tree that dir belongs to, as init's options allow it. */
static int find_git(const struct repo_init_options *o, const char *dir, struct vcs **out,
		    struct err *e)
{
	struct gitignore *gi = NULL;
	bool ignored = false;
	int rc = vcs_open(out, dir, e);

	if (rc == ERR_NOREPO || (rc == 0 && !o->subdir && vcs_prefix(*out)[0]))
		return err_set(
			e, ERR_INVALID,
			"%s is not tracked by any supported SCM tool (e.g. Git). Use "
			"`--no-scm` if you don't want to use any SCM or `--subdir` if "
			"initializing inside a subdirectory of a parent SCM repository.",
			dir);
	if (rc < 0)
		return rc;
	if ((rc = gitignore_open(&gi, *out, e)) < 0 ||
	    (rc = gitignore_check(gi, ".dvc", true, &ignored, e)) < 0)
		goto out;
	if (ignored)
		rc = err_set(e, ERR_INVALID,
			     "%s/.dvc is ignored by your SCM tool. \nMake sure that it's "
			     "tracked, for example, by adding '!.dvc' to .gitignore.",
			     dir);
out:
	gitignore_free(gi);
	return rc;
}

static int write_new(int fd, const char *path, const char *text, struct err *e)
{
	return fs_write(fd, path, slice_of(text), 0666, FS_SYNC_BATCH, e);
}

static int make_files(const struct repo_init_options *o, int fd, const char *dir,
		      struct err *e)
{
	char *dvc_dir = path_join(dir, ".dvc");
	struct config_edit ed = {.dvc_dir = dvc_dir, .level = CONFIG_REPO, .cwd = dir};
	int rc;

	if ((rc = fs_mkdirs(fd, REPO_TMP, 0, e)) < 0 ||
	    (rc = write_new(fd, ".dvc/config", "", e)) < 0)
		goto out;
	if (o->no_scm)
		rc = config_set(&ed, "core", "no_scm", "True", e);
	else
		rc = write_new(fd, ".dvc/.gitignore", GITIGNORE_TEXT, e);
	if (rc == 0 && fs_kind(fd, ".dvcignore") == 0)
		rc = write_new(fd, ".dvcignore", IGNORE_TEXT, e);
out:
	free(dvc_dir);
	return rc;
}

static int stage_files(struct vcs *vcs, struct report *rep, struct err *e)
{
	static const char *const files[] = {".dvc/config", ".dvc/.gitignore",
					    ".dvcignore"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		report_track(rep, files[i]);
	report_sort(rep);
	rep->staged = true;
	return vcs_stage(vcs, &rep->to_track, e);
}

int repo_init(const struct repo_init_options *o, struct report *rep, struct err *e)
{
	struct vcs *vcs = NULL;
	char *dir = NULL;
	int fd = -1, rc;

	if (o->no_scm && o->subdir)
		return err_set(e, ERR_INVALID,
			       "Cannot initialize repo with `--no-scm` and `--subdir`");
	if (o->dir && (rc = fs_mkdirs(AT_FDCWD, o->dir, 0, e)) < 0)
		return rc;
	if (!(dir = fs_real(o->dir ? o->dir : ".", e)))
		return e ? e->code : ERR_IO;
	if (!o->no_scm && (rc = find_git(o, dir, &vcs, e)) < 0)
		goto out;
	if ((fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0)) < 0) {
		rc = err_sys(e, "open", dir);
		goto out;
	}
	if (fs_kind(fd, ".dvc") == S_IFDIR) {
		if (!o->force) {
			rc = err_set(e, ERR_EXISTS, "'.dvc' exists. Use `-f` to force.");
			goto out;
		}
		if ((rc = fs_remove_tree(fd, ".dvc", e)) < 0)
			goto out;
	}
	if ((rc = make_files(o, fd, dir, e)) < 0)
		goto out;
	if (vcs && (rc = stage_files(vcs, rep, e)) < 0)
		goto out;
	report_add(rep, ".dvc", NULL, "added", -1);
out:
	if (fd >= 0)
		(void)sys_close(fd); /* a directory */
	vcs_free(vcs);
	free(dir);
	return rc;
}

/* ---- destroy ------------------------------------------------------------- */

/* A workspace file that is a link into the cache would dangle or stay read-only. */
static int unprotect_outs(struct repo *r, const struct collection *c, struct report *rep,
			  struct err *e)
{
	for (size_t i = 0; i < c->stages.outs_nr; i++) {
		const struct out *o = c->stages.outs[i];
		int rc;

		if (!out_is_cached(o) || fs_kind(r->rootfd, o->at.path) == 0)
			continue;
		if ((rc = change_unprotect(r, o->at.path, rep, e)) < 0)
			return rc;
	}
	return 0;
}

static int remove_metadata(struct repo *r, const struct collection *c,
			   const struct destroy_options *o, struct report *rep,
			   struct err *e)
{
	int rc;

	for (size_t i = 0; i < c->files.nr; i++) {
		report_add(rep, c->files.v[i], NULL, "removed", -1);
		if (!o->dry_run && (rc = change_unlink(r, c->files.v[i], true, e)) < 0)
			return rc;
	}
	return 0;
}

int repo_destroy(struct repo *r, const struct destroy_options *o, struct report *rep,
		 struct err *e)
{
	struct collection c = {0};
	int rc;

	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	if ((rc = repo_collect(r, COLLECT_NO_GIT, &c, e)) < 0 ||
	    (!o->dry_run && (rc = unprotect_outs(r, &c, rep, e)) < 0) ||
	    (rc = remove_metadata(r, &c, o, rep, e)) < 0)
		goto out;
	report_add(rep, ".dvcignore", NULL, "removed", -1);
	report_add(rep, ".dvc", NULL, "removed", -1);
	if (o->dry_run)
		goto out;
	if ((rc = change_unlink(r, ".dvcignore", true, e)) < 0)
		goto out;
	/* The cache goes with .dvc: nobody of ours may still have it open. */
	odb_free(r->odb);
	r->odb = NULL;
	rc = fs_remove_tree(r->rootfd, ".dvc", e);
out:
	collection_release(&c);
	repo_unlock(r);
	return rc;
}
