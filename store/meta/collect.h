/*
 * All stages of a tree, and what a target on the command line means among them.
 *
 * In the workspace a metadata file may be caught while dvc rewrites it in place:
 * one that is empty or does not parse is suspect. Without COLLECT_LOCKED that is
 * ERR_CORRUPT with suspect set: the caller takes the repository's lock and
 * collects again with COLLECT_LOCKED.
 */
#ifndef STORE_META_COLLECT_H
#define STORE_META_COLLECT_H

#include "store/base/compiler.h"
#include "store/base/vec.h"
#include "store/meta/pipeline.h"
#include "store/meta/stage.h"

struct tree;

enum collect_flags {
	COLLECT_LOCKED = 1u << 0, /* we hold the lock: an empty file is what it is */
	COLLECT_LOCKS = 1u << 1,  /* fill lock_digests (gc) */
	COLLECT_EXTRA = 1u << 2,  /* fill params, metrics, plots */
	COLLECT_CHECK = 1u << 3,  /* stages_check_outs on the result */
	COLLECT_BOOL_OPTIONAL = 1u << 4, /* as PIPELINE_ */
	COLLECT_LIST_APPEND = 1u << 5,
	COLLECT_NO_GIT = 1u << 6, /* do not ask what git ignores */
};

struct collection {
	struct stages stages; /* indexed */
	struct lock_digests lock_digests;
	struct strvec params, metrics, plots;
	struct strvec empty; /* metadata files without content: gc refuses */
	struct strvec files; /* every metadata file that was read */
	struct strvec warnings;
	struct strvec suspect; /* at most one: the file that failed */
	bool whole;	       /* all files of the tree, not only those of targets */
};
void collection_release(struct collection *c);

/* out is {0} or used for several trees in turn after a release. Stops at the
 * first bad file. An ignored out is ERR_INVALID as DVC words it. */
int collect(struct tree *t, unsigned flags, struct collection *out,
	    struct err *e) MUST_CHECK;

/* Only the stages of these files (and their locks). */
int collect_files(struct tree *t, const struct strvec *files, unsigned flags,
		  struct collection *out, struct err *e) MUST_CHECK;

/* ---- targets ------------------------------------------------------------- */

enum target_flags {
	TARGET_RECURSIVE = 1u << 0, /* -R: a directory means the stages below it */
	TARGET_STAGES = 1u << 1,    /* outputs are no targets (remove, freeze, move) */
	TARGET_WITH_DEPS = 1u << 2, /* -d: with the producers of its dependencies */
};

struct target {
	const char *text; /* as given */
	struct stage *stage;
	struct out *out;    /* NULL: the whole stage */
	const char *inside; /* path below out, relative to it; NULL: all of it */
};
struct targets {
	struct arena arena;
	struct target *v; /* in the order given; duplicates dropped */
	size_t nr, cap;
};
void targets_release(struct targets *t);

struct target_request {
	const char *const *texts;
	size_t nr;	 /* 0: every stage of the tree */
	const char *cwd; /* relative to the root, "" for the root */
	unsigned flags;
};
/*
 * Collect what the targets need (when all are .dvc files or stages of named
 * dvc.yaml files, only those files are read, so that a broken file elsewhere
 * does not matter) and resolve them. ERR_NOTFOUND or ERR_INVALID in DVC's
 * sense, naming the target.
 */
int collect_targets(struct tree *t, const struct target_request *req, unsigned flags,
		    struct collection *c, struct targets *out, struct err *e) MUST_CHECK;
/* The same among what is collected already. */
int targets_resolve(const struct collection *c, struct tree *t,
		    const struct target_request *req, struct targets *out,
		    struct err *e) MUST_CHECK;

/*
 * --glob: shell wildcards against the workspace, "**" over directories, dotfiles
 * only when spelled. cwdfd is the directory that patterns are relative to. No
 * match at all is ERR_INVALID "Glob ['zz*'] has no matches."
 */
int targets_glob(int cwdfd, const char *const *patterns, size_t nr, struct strvec *out,
		 struct err *e) MUST_CHECK;

#endif
