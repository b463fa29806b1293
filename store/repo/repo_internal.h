/* What the files of this room know of an open repository. */
#ifndef STORE_REPO_REPO_INTERNAL_H
#define STORE_REPO_REPO_INTERNAL_H

#include "store/base/lock.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

struct repo {
	char *root, *dvc_dir, *cwd, *state_dir;
	bool open; /* rootfd is valid */
	int rootfd;
	struct sink *sink;
	int lock_wait_ms;
	unsigned jobs;
	bool lenient, in_stage;

	struct config *config;
	struct odb *odb;
	struct ignore *ignore;
	struct index *index;
	struct vcs *vcs;
	struct gitignore *gitignore;
	bool vcs_tried, trust_known;
	struct pool *pool;
	struct tree *tree;
	struct repo_fetcher *fetcher;

	struct lock lock;
	unsigned lock_depth;
	int stage_fd; /* .dvc/tmp while the lock is held: fs_set_staging() */
	char *marked; /* the output last written down: unfinished.h */
	struct lock cache_lock;
	unsigned cache_depth;
	bool cache_exclusive;
};

struct gitignore;
struct manifest_entry;

#define REPO_TMP   ".dvc/tmp"
#define REPO_STATE ".dvc/tmp/lode"

/* NULL in *out without git. */
int repo_gitignore(struct repo *r, struct gitignore **out, struct err *e) MUST_CHECK;

/* The directory a person stands in. */
int repo_open_cwd(struct repo *r, int *fd, struct err *e) MUST_CHECK;

/* The link type that checkout would like best. */
int repo_first_link(struct repo *r, enum odb_link *out, struct err *e) MUST_CHECK;

#endif
