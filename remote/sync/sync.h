/*
 * Push, fetch, pull, status -c, gc -c and fsck -r: which objects the targets
 * name, which of them the other side surely has, and moving the rest.
 *
 * "Done" is said only of what was confirmed: an upload when the server accepted
 * its Content-MD5, a download when it was hashed. A manifest on a remote proves
 * nothing about its members unless the journal says that we put it there after
 * them. Members go before manifests, manifests of gc before members.
 * docs/design/sync.md tells the algorithm. Main thread only.
 */
#ifndef REMOTE_SYNC_SYNC_H
#define REMOTE_SYNC_SYNC_H

#include "store/base/compiler.h"
#include "store/base/vec.h"
#include "store/repo/checkout.h"
#include "store/repo/report.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct repo;
struct sink;

struct sync_options {
	const char *remote;	      /* -r NAME, or NULL */
	const struct strvec *targets; /* as typed; NULL or empty: all */
	bool all_branches, all_tags, all_commits;
	bool recursive, with_deps, glob;
	bool run_cache;		       /* refused: ERR_UNSUPPORTED */
	unsigned jobs;		       /* 0: the remote's */
	unsigned connections_max;      /* 0: the remote's */
	uint64_t limit_up, limit_down; /* bytes a second; 0: the remote's */
	bool dry_run;		       /* count and size only */
	bool refresh;		       /* do not believe the journal */
	bool verify; /* push --verify: read back what was uploaded, ask for the rest */
	bool deep;   /* status -c: read the remote's manifests, compare sizes */
	bool force;  /* pull: as checkout -f */
	bool allow_missing;	    /* pull: missing objects are no failure */
	int64_t max_size;	    /* fetch --max-size, -1 none */
	const struct strvec *types; /* fetch --type */
	struct sink *sink;
};

struct sync_result {
	/* What moved ("pushed", "fetched"), is missing or failed, by workspace name;
	 * warnings; counts. */
	struct report report;
	uint64_t moved, moved_bytes; /* with dry_run: that would move */
	uint64_t missing, failed;
	bool nothing_to_ask;  /* no remote, and nothing needed one */
	int64_t confirmed_ns; /* the oldest journal entry believed; 0: none was used */
	uint64_t requests;    /* sent to remotes */
	struct checkout_result checkout; /* pull: what it placed */
};
void sync_result_release(struct sync_result *res);

/*
 * The result is filled on failure too. ERR_MISSING: objects are neither here nor
 * there; ERR_PARTIAL: some transfers failed; both after all else was done.
 */
int sync_push(struct repo *repo, const struct sync_options *o, struct sync_result *res,
	      struct err *e) MUST_CHECK;
int sync_fetch(struct repo *repo, const struct sync_options *o, struct sync_result *res,
	       struct err *e) MUST_CHECK;
int sync_pull(struct repo *repo, const struct sync_options *o, struct sync_result *res,
	      struct err *e) MUST_CHECK;

/*
 * status -c: items with state "new" (here only), "deleted" (there only) or
 * "missing" (neither), named as in the workspace. With deep also "damaged" (the
 * remote's object has another size, or its manifest other bytes) and "incomplete"
 * (its manifest is there and members of it are not).
 */
int sync_status(struct repo *repo, const struct sync_options *o, struct sync_result *res,
		struct err *e) MUST_CHECK;

/*
 * remote test: ask a remote what it can (remote/probe.h), and keep what was learned
 * for later. *shown gets its name, malloc'ed, once it is known. name NULL: the
 * default remote.
 */
struct probe;
int sync_test(struct repo *repo, const char *name, struct sink *sink, char **shown,
	      struct probe *p, struct err *e) MUST_CHECK;

/*
 * gc -c: delete from the remote what keep does not have. Manifests first, in
 * batches; only names of the object grammar, only what is older than grace_ns.
 */
struct gc_keep;
struct sync_gc_result {
	struct report report; /* items: removed objects, or to be removed */
	uint64_t removed, removed_bytes, kept_young;
	/* The plan: what would go, what is used, keys that are no objects. */
	uint64_t planned, planned_bytes, used, foreign;
	/* in: told the plan before anything is removed; or NULL. */
	void (*on_plan)(void *ctx, const struct sync_gc_result *plan);
	void *ctx;
};
int sync_gc(struct repo *repo, const char *remote, const struct gc_keep *keep,
	    int64_t grace_ns, bool dry_run, unsigned jobs, struct sink *sink,
	    struct sync_gc_result *res, struct err *e) MUST_CHECK;

/*
 * What transfers that never ended have left: uploads in parts on the remote, under
 * our prefix and with our names only, and our own records of them. What a process
 * here works on, and what is younger than age_ns, stays. Items are "aborted" and
 * "removed" ("would abort", "would remove"), or "failed".
 */
struct sync_cleanup_options {
	const char *remote;
	int64_t age_ns;
	bool dry_run;
	struct sink *sink;
};
struct sync_cleanup_result {
	struct report report;
	uint64_t aborted, removed, kept; /* uploads, records, younger or in use */
};
int sync_cleanup(struct repo *repo, const struct sync_cleanup_options *o,
		 struct sync_cleanup_result *res, struct err *e) MUST_CHECK;

/* fsck -r: see docs/design/sync.md. sample_percent 100 reads every object. */
struct sync_fsck_options {
	const char *remote;
	unsigned sample_percent; /* of the objects, read and hashed; 0: names and sizes */
	bool repair;
	bool all_branches, all_tags, all_commits;
	unsigned jobs;
	struct sink *sink;
};
int sync_fsck(struct repo *repo, const struct sync_fsck_options *o,
	      struct sync_result *res, struct err *e) MUST_CHECK;

/*
 * What lies at a URL (s3://, http(s)://, file://, or remote://NAME/path): a file,
 * or all below it, fetched into *dir, a directory of ours, as *data. Both are the
 * caller's until sync_download_end(), which removes them.
 */
int sync_download(struct repo *repo, const char *url, const struct sync_options *o,
		  char **dir, char **data, struct err *e) MUST_CHECK;
void sync_download_end(char **dir, char **data); /* accepts NULLs */

/*
 * Which of these objects does a remote (NULL: the default one) lack? Without
 * refresh only what is on record counts. No remote at all lacks everything.
 */
struct oid;
int sync_lacks(struct repo *repo, const char *remote, const struct oid *v, size_t nr,
	       bool refresh, struct sink *sink, bool *missing, struct err *e) MUST_CHECK;

/*
 * Fill the repository's seam for missing objects (gc, checkout, diff): fetches
 * single objects from the remote on demand. What it returns is live until detached.
 */
struct sync_fetcher;
struct sync_fetcher *sync_attach(struct repo *repo, struct sink *sink);
void sync_detach(struct sync_fetcher *f); /* accepts NULL */

#endif
