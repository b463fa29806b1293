/*
 * diff and data status: two states of what is tracked, compared file by file.
 * Reads only; takes no lock. Paths are relative to the root; directories end in
 * '/'.
 */
#ifndef STORE_REPO_DIFF_H
#define STORE_REPO_DIFF_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/vec.h"
#include "store/odb/oid.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct repo;

struct diff_entry {
	const char *path;
	const char *old_path;	     /* of a rename */
	const char *hash, *old_hash; /* whole texts ("...dir"), or NULL */
};
struct diff_list {
	struct diff_entry *v; /* sorted by (old) path */
	size_t nr, cap;
};

struct diff_options {
	const char *a_rev, *b_rev;  /* NULL: HEAD, and the workspace */
	const char *const *targets; /* seen from cwd */
	size_t targets_nr;
	bool hide_missing;
};
struct diff_result {
	struct arena arena;
	struct diff_list added, deleted, renamed, modified;
	struct diff_list not_in_cache; /* only against the workspace */
	bool has_not_in_cache;
	/* Files only, for the summary line. */
	size_t files_added, files_deleted, files_renamed, files_modified,
		files_not_in_cache;
	struct strvec warnings;
};
void diff_result_release(struct diff_result *res);
/* ERR_INVALID: no git, or an unknown revision, in DVC's words behind "failed to
 * get diff - ", which cmd adds. */
int repo_diff(struct repo *r, const struct diff_options *o, struct diff_result *res,
	      struct err *e) MUST_CHECK;

struct data_status_options {
	bool granular, unchanged;
	bool untracked; /* --untracked-files=all */
	bool not_in_remote;
	/* Which of these objects does the remote lack? Sets missing[i]. */
	int (*ask_remote)(void *ctx, struct repo *r, const struct oid *v, size_t nr,
			  bool *missing, struct err *e);
	void *ask_ctx;
	const char *const *targets; /* compared with root-relative paths */
	size_t targets_nr;
};
struct data_changes {
	struct diff_list modified, added, deleted, renamed, unknown;
};
struct data_status_result {
	struct arena arena;
	struct strvec not_in_cache, not_in_remote;
	struct data_changes committed, uncommitted;
	struct strvec untracked; /* seen from cwd */
	struct strvec unchanged;
	bool git_dirty; /* there are other changes */
	bool git_empty; /* no commit yet */
	struct strvec warnings;
};
void data_status_result_release(struct data_status_result *res);
int repo_data_status(struct repo *r, const struct data_status_options *o,
		     struct data_status_result *res, struct err *e) MUST_CHECK;

#endif
