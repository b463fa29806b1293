/*
 * add and commit: workspace data into the cache, its digests into metadata.
 *
 * Both take the repository's lock and the cache's, check the whole stage graph
 * before any byte is touched, and write a .dvc or dvc.lock only after the objects
 * that it names are durable. A failure takes back the .gitignore lines it wrote.
 */
#ifndef STORE_REPO_ADD_H
#define STORE_REPO_ADD_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct repo;
struct report;

struct add_options {
	const char *const *targets; /* seen from repo_cwd() */
	size_t targets_nr;
	const char *out; /* -o: one target, copied into the cache, placed here */
	/* -o of a URL: where its data lies already, absolute; NULL: at the target. */
	const char *source;
	bool glob;	/* targets are shell patterns */
	bool no_commit; /* digests and .dvc only */
	bool no_relink; /* leave workspace files as they are */
	bool force;	/* overwrite what -o finds */
};
/*
 * items: one a target ("added", "modified", "unchanged"), with its oid and bytes;
 * counts: files, objects. to_track lists what git should know.
 */
int repo_add(struct repo *r, const struct add_options *o, struct report *rep,
	     struct err *e) MUST_CHECK;

struct commit_options {
	const char *const *targets;
	size_t targets_nr;
	bool force, with_deps, recursive, no_relink;
	/* Asked "outputs ['f'] of stage: 'f.dvc' changed. Are you sure you want to
	 * commit it?"; NULL is no. */
	bool (*confirm)(void *ctx, const char *question);
	void *confirm_ctx;
};
/* items: one a stage file that changed; stops at the first failing target. */
int repo_commit(struct repo *r, const struct commit_options *o, struct report *rep,
		struct err *e) MUST_CHECK;

#endif
