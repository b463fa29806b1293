/*
 * An open repository: its root, and everything that hangs on it, made when it is
 * first asked for, so that a command pays only for what it uses.
 *
 * One repo belongs to one thread (the main one); what it hands out is borrowed
 * and lives as long as it. Nothing here prints: sentences go to the sink, the
 * rest into reports. The environment is read for DVC_STAGE only.
 */
#ifndef STORE_REPO_REPO_H
#define STORE_REPO_REPO_H

#include "store/base/compiler.h"
#include "store/base/fs.h"
#include "store/base/lock.h"
#include "store/odb/oid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct collection;
struct config;
struct err;
struct ignore;
struct index;
struct manifest;
struct odb;
struct out;
struct pool;
struct report;
struct sink;
struct targets;
struct tree;
struct vcs;

struct repo;

struct repo_options {
	const char *dir;   /* where to start looking; NULL: the current directory */
	struct sink *sink; /* borrowed; may be NULL */
	int lock_wait_ms;  /* LOCK_WAIT_*; 0 is --no-wait */
	unsigned jobs; /* threads of the pool; 0: core.checksum_jobs, else the cores */
	bool lenient;  /* do not validate the configuration (config, remote) */
};

/*
 * Find the root from dir upwards (docs/design/repo.md) and open it. Costs a few
 * stats: nothing is read or loaded. ERR_NOREPO with DVC's text; ERR_NOTFOUND
 * when dir does not exist.
 */
int repo_open(struct repo **out, const struct repo_options *o, struct err *e) MUST_CHECK;
/* Drops locks, saves caches. Accepts NULL. */
void repo_free(struct repo *r);

const char *repo_root(const struct repo *r);	/* absolute, links resolved */
const char *repo_dvc_dir(const struct repo *r); /* absolute: root/.dvc */
const char *repo_cwd(const struct repo *r); /* dir seen from the root; "" is the root */
int repo_rootfd(const struct repo *r);
struct sink *repo_sink(const struct repo *r);

/*
 * A path as a person gave it, seen from cwd, as one relative to the root: normal,
 * "" for the root itself. ERR_INVALID when it lies outside. malloc'ed in *out.
 */
int repo_rel(const struct repo *r, const char *path, char **out,
	     struct err *e) MUST_CHECK;
/* A path from the root as a person in cwd would write it. malloc'ed. */
char *repo_show(const struct repo *r, const char *rel);

/* ---- made when first asked for ------------------------------------------- */

int repo_config(struct repo *r, struct config **out, struct err *e) MUST_CHECK;
/* The same, with the question asked whether its local level is the user's own:
 * reads git's index where there is such a file. For what opens remotes. */
int repo_config_for_remote(struct repo *r, struct config **out, struct err *e) MUST_CHECK;
void repo_config_changed(struct repo *r); /* read it again at the next question */
int repo_odb(struct repo *r, struct odb **out, struct err *e) MUST_CHECK;
int repo_ignore(struct repo *r, struct ignore **out, struct err *e) MUST_CHECK;
int repo_index(struct repo *r, struct index **out, struct err *e) MUST_CHECK;
/* NULL in *out with core.no_scm; ERR_NOREPO-like ERR_INVALID when git is not there. */
int repo_vcs(struct repo *r, struct vcs **out, struct err *e) MUST_CHECK;
bool repo_no_scm(struct repo *r);	/* core.no_scm; false if it cannot be read */
struct pool *repo_pool(struct repo *r); /* started at the first call */
int repo_sync(struct repo *r, enum fs_sync *out, struct err *e) MUST_CHECK;
/* .dvc/tmp/lode, made when missing; absolute. */
int repo_state_dir(struct repo *r, const char **out, struct err *e) MUST_CHECK;
int repo_tree(struct repo *r, struct tree **out,
	      struct err *e) MUST_CHECK; /* workspace */
/* A tree of a revision; the caller's to tree_free. */
int repo_tree_at(struct repo *r, const char *rev, struct tree **out,
		 struct err *e) MUST_CHECK;

/*
 * Stages of the workspace. A metadata file caught half-written is read again
 * under the repository's lock. Both are the caller's to release.
 * Wraps collect()/collect_targets(); flags are COLLECT_ ones, the parsing
 * options of the configuration are added here.
 */
struct repo_request {
	const char *const *texts;
	size_t nr; /* 0: everything */
	unsigned target_flags;
	unsigned collect_flags;
};
int repo_collect(struct repo *r, unsigned collect_flags, struct collection *c,
		 struct err *e) MUST_CHECK;
int repo_collect_targets(struct repo *r, const struct repo_request *q,
			 struct collection *c, struct targets *t,
			 struct err *e) MUST_CHECK;
/* What parsing.* and locks held mean for collect(); for trees of revisions. */
int repo_collect_flags(struct repo *r, unsigned *out, struct err *e) MUST_CHECK;

/* ---- locks: docs/design/locks.md ----------------------------------------- */

/*
 * DVC's repository lock, exclusive; nests. ERR_LOCKED with DVC's text when the
 * wait is over. With DVC_STAGE set by a parent `dvc repro`, success without a
 * lock (repo_in_stage). ERR_UNSUPPORTED with core.hardlink_lock.
 */
int repo_lock(struct repo *r, struct err *e) MUST_CHECK;
void repo_unlock(struct repo *r);
bool repo_locked(const struct repo *r);
/* A parent dvc runs us inside a stage: no lock is taken, no metadata written. */
bool repo_in_stage(const struct repo *r);
/*
 * ERR_LOCKED, in DVC's words, when a foreign live process has an entry in
 * .dvc/tmp/rwlock that overlaps path (relative to the root): a writer's for any
 * access, a reader's when write is set. Entries of dead ones are dropped.
 */
int repo_rwlock_check(struct repo *r, const char *path, bool write,
		      struct err *e) MUST_CHECK;
/* <cache>/lode/lock: shared by what adds objects, exclusive for gc. Nests when shared. */
int repo_cache_lock(struct repo *r, bool exclusive, struct err *e) MUST_CHECK;
void repo_cache_unlock(struct repo *r);

/* ---- objects that are not here ------------------------------------------- */

struct repo_want {
	struct oid oid;
	int64_t bytes;	       /* -1: unknown */
	const char *remote;    /* the out's own, or NULL */
	const char *path;      /* for messages, from the root */
	const struct out *out; /* or NULL */
};
/*
 * How objects come from elsewhere; remote/sync fills it. It brings what it can
 * into the odb and returns 0 also when some are nowhere: the caller asks the odb
 * again. An error ends the verb.
 */
struct repo_fetcher {
	int (*fetch)(struct repo_fetcher *f, struct repo *r, const struct repo_want *v,
		     size_t nr, struct err *e);
};
void repo_set_fetcher(struct repo *r, struct repo_fetcher *f); /* NULL: none */
/* Ask it; without one nothing happens. */
int repo_fetch(struct repo *r, const struct repo_want *v, size_t nr,
	       struct err *e) MUST_CHECK;

/*
 * The manifest of a directory out (at.oid.is_dir, or files:). Asks the fetcher
 * when the object is missing. ERR_NOTFOUND: nowhere; ERR_CORRUPT: damaged.
 */
int repo_manifest(struct repo *r, const struct out *o, struct manifest *out,
		  struct err *e) MUST_CHECK;
/* The digest an out pins: at.oid, or the one derived from files:. OID_NONE: none. */
int repo_out_oid(const struct out *o, struct oid *oid, struct err *e) MUST_CHECK;

/* ---- git's side of a change ---------------------------------------------- */

/* Write the .gitignore line of an output; *file (malloc'ed, from the root) is
 * the .gitignore that was changed, NULL when git ignores it already. */
int repo_git_ignore(struct repo *r, const char *path, char **file,
		    struct err *e) MUST_CHECK;
/* Drop it again, escaped or not. *file as above. */
int repo_git_unignore(struct repo *r, const char *path, char **file,
		      struct err *e) MUST_CHECK;
/* With core.autostage, put report's to_track into git's index. */
int repo_git_stage(struct repo *r, struct report *rep, struct err *e) MUST_CHECK;

/* ---- making one ---------------------------------------------------------- */

struct repo_init_options {
	const char *dir; /* NULL: the current directory; made when missing */
	bool no_scm, subdir, force;
	struct sink *sink;
};
/* Errors are DVC's texts behind "failed to initiate DVC - ", which cmd adds. */
int repo_init(const struct repo_init_options *o, struct report *rep,
	      struct err *e) MUST_CHECK;

struct destroy_options {
	bool dry_run; /* say what would go */
};
/* The caller has asked. Keeps data and .gitignore lines. */
int repo_destroy(struct repo *r, const struct destroy_options *o, struct report *rep,
		 struct err *e) MUST_CHECK;

#endif
