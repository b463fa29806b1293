/*
 * Locks: docs/design/locks.md. DVC's own come first, ours lies beside the cache.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/meta/config.h"
#include "store/odb/odb.h"
#include "store/repo/repo_internal.h"
#include "store/repo/unfinished.h"

#include <fcntl.h>

static const char LOCK_TEXT[] =
	"Unable to acquire lock. Most likely another DVC process is running or was "
	"terminated abruptly. Check the page "
	"<https://dvc.org/doc/user-guide/troubleshooting#lock-issue> for other possible "
	"reasons and to learn how to resolve this.";

bool repo_in_stage(const struct repo *r)
{
	return r->in_stage;
}

bool repo_locked(const struct repo *r)
{
	/* Inside a stage the parent holds it, or let go of it on purpose. */
	return r->lock_depth > 0 || r->in_stage;
}

/*
 * A holder of the hard-link lock and one of flock do not see each other: going
 * on would exclude nobody.
 */
static int refuse_hardlink_lock(struct repo *r, struct err *e)
{
	struct config *c;
	bool on;
	int rc;

	if ((rc = repo_config(r, &c, e)) < 0 ||
	    (rc = config_bool(c, "core", "hardlink_lock", false, &on, e)) < 0)
		return rc;
	if (on)
		return err_set(e, ERR_UNSUPPORTED,
			       "core.hardlink_lock is set: this lock is not offered, and "
			       "another one would not exclude dvc; unset it with "
			       "'config -u core.hardlink_lock' where flock works");
	return 0;
}

int repo_lock(struct repo *r, struct err *e)
{
	int rc;

	if (r->in_stage)
		return 0;
	if (r->lock_depth > 0) {
		r->lock_depth++;
		return 0;
	}
	if ((rc = refuse_hardlink_lock(r, e)) < 0 ||
	    (rc = fs_mkdirs(r->rootfd, REPO_TMP, 0, e)) < 0)
		return rc;
	rc = lock_take(&r->lock, r->rootfd, REPO_TMP "/lock", false, r->lock_wait_ms,
		       r->sink, e);
	if (rc == ERR_LOCKED)
		return err_set(e, ERR_LOCKED, "%s", LOCK_TEXT);
	if (rc < 0)
		return rc;
	r->lock_depth = 1;
	r->stage_fd = sys_openat(r->rootfd, REPO_TMP, O_RDONLY | O_DIRECTORY, 0);
	fs_set_staging(r->stage_fd);
	unfinished_clean(r);
	return 0;
}

void repo_unlock(struct repo *r)
{
	if (r->lock_depth == 0 || --r->lock_depth > 0)
		return;
	unfinished_end(r);
	fs_set_staging(-1);
	if (r->stage_fd >= 0)
		(void)sys_close(r->stage_fd); /* a directory */
	lock_drop(&r->lock);
}

int repo_cache_lock(struct repo *r, bool exclusive, struct err *e)
{
	struct odb *odb;
	int rc;

	if (r->cache_depth > 0) {
		/* Growing a shared lock into an exclusive one could wait for
		 * another that does the same, for ever. */
		if (exclusive && !r->cache_exclusive)
			return err_set(e, ERR_LOCKED,
				       "the cache lock is held shared already");
		r->cache_depth++;
		return 0;
	}
	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	rc = odb_lock(odb, exclusive, r->lock_wait_ms, &r->cache_lock, r->sink, e);
	if (rc < 0)
		return rc;
	r->cache_depth = 1;
	r->cache_exclusive = exclusive;
	return 0;
}

void repo_cache_unlock(struct repo *r)
{
	if (r->cache_depth == 0 || --r->cache_depth > 0)
		return;
	lock_drop(&r->cache_lock);
	r->cache_exclusive = false;
}
