/*
 * Whose word the configuration is, asked when a remote is about to be opened: a
 * local file that git tracks came with the clone, so it may choose no program, no
 * token file and no role (DESIGN "a cloned project's config").
 */
#include "store/repo/repo.h"

#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/sink.h"
#include "store/meta/config.h"
#include "store/repo/repo_internal.h"
#include "store/vcs/vcs.h"

static bool is_tracked(struct repo *r, const char *path)
{
	struct vcs *vcs = NULL;
	bool tracked = false;

	if (fs_kind(r->rootfd, path) == 0)
		return false;
	if (repo_vcs(r, &vcs, NULL) < 0 || !vcs)
		return false; /* not a clone */
	/* An index that cannot be read leaves the question open: no trust then. */
	return vcs_tracks(vcs, path, &tracked, NULL) < 0 || tracked;
}

int repo_config_for_remote(struct repo *r, struct config **out, struct err *e)
{
	static const char *const files[] = {".dvc/config.local",
					    ".dvc/lode.config.local"};
	int rc = repo_config(r, out, e);

	if (rc < 0 || r->trust_known)
		return rc;
	r->trust_known = true;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!is_tracked(r, files[i]))
			continue;
		config_distrust_local(*out);
		sink_note(r->sink,
			  "WARNING: git tracks the local configuration (.dvc/*.local), "
			  "so it counts as the repository's own: programs, token files "
			  "and roles are not taken from it");
		break;
	}
	return 0;
}
