/*
 * gc: delete cached objects that nothing in scope names.
 *
 * Refuses while any metadata file in scope is empty or does not parse. Every
 * digest of any dvc.lock in scope is kept, of stages that are gone too. Only
 * names of the object grammar and our own temporaries are ever deleted.
 */
#ifndef STORE_REPO_GC_H
#define STORE_REPO_GC_H

#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/odb/oid.h"
#include "store/repo/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct repo;

struct gc_scope {
	bool workspace, all_branches, all_tags, all_commits, all_experiments;
	const char *const *revs; /* --rev, each with the num commits behind it */
	size_t revs_nr;
	int num;		     /* -n; 0: not given */
	int64_t date_ns;	     /* commits on or after it; 0: not given */
	const char *const *projects; /* -p: other repositories' directories */
	size_t projects_nr;
	bool skip_failed; /* a revision (never the workspace) that cannot be read */
	bool force;	  /* go on without a used manifest that is nowhere */
	/* Asked "Missing cache for directory 'd'. ..."; NULL is no. */
	bool (*confirm)(void *ctx, const char *question);
	void *confirm_ctx;
};

/* The objects that must stay, members of manifests included. */
struct gc_keep {
	struct map oids; /* 18 bytes: digest, algo, is_dir */
};
void gc_keep_release(struct gc_keep *k);
void gc_keep_add(struct gc_keep *k, const struct oid *oid);
bool gc_keep_has(const struct gc_keep *k, const struct oid *oid);
/* ERR_INVALID without any scope, in DVC's words. */
int gc_collect(struct repo *r, const struct gc_scope *scope, struct gc_keep *keep,
	       struct report *rep, struct err *e) MUST_CHECK;

struct gc_options {
	struct gc_scope scope;
	bool dry_run;
	int64_t grace_s; /* -1: 0 in a private cache, 24 h in a shared or external one */
	/* --not-in-remote: objects that the remote has go too. */
	int (*on_remote)(void *ctx, struct repo *r, const struct oid *v, size_t nr,
			 bool *there, struct err *e);
	void *remote_ctx;
};
struct gc_result {
	/* items: objects that went ("removed"; absolute paths), manifests first;
	 * counts: repo, legacy, temporary, kept, young. bytes: freed. */
	struct report report;
};
void gc_result_release(struct gc_result *res);
int repo_gc(struct repo *r, const struct gc_options *o, struct gc_result *res,
	    struct err *e) MUST_CHECK;

#endif
