/*
 * status: how deps and outs of each stage differ from what is recorded. Reads
 * only; takes no lock.
 */
#ifndef STORE_REPO_STATUS_H
#define STORE_REPO_STATUS_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct dep;
struct err;
struct repo;
struct stage;

struct status_options {
	const char *const *targets;
	size_t targets_nr;
	bool recursive, with_deps;
	bool no_updates; /* do not ask where imports come from */
	/*
	 * The state of an import's source: "update available", "deleted", or NULL
	 * for no change. NULL: sources elsewhere are not asked.
	 */
	int (*import_state)(void *ctx, struct repo *r, const struct dep *dep,
			    const char **state, struct err *e);
	void *import_ctx;
};

struct status_change {
	const char *path;  /* as shown: seen from cwd; an import's "f (../src)" */
	const char *state; /* "modified", "deleted", "new", "not in cache" ... */
	/* Changed keys of a params file: then state is NULL. */
	struct status_change *keys;
	size_t keys_nr;
};

struct status_stage {
	const char *name; /* seen from cwd: "d.dvc", "train", "sub/dvc.yaml:s" */
	VEC_OF(struct status_change) deps;
	VEC_OF(struct status_change) outs;
	bool always_changed;
	bool changed_command;
	bool changed_checksum;
};

struct status_result {
	struct arena arena;
	VEC_OF(struct status_stage) stages; /* those with a change, by name */
	size_t stages_nr; /* looked at; 0: the repository tracks nothing */
	struct strvec warnings;
};
void status_result_release(struct status_result *res);

int repo_status(struct repo *r, const struct status_options *o, struct status_result *res,
		struct err *e) MUST_CHECK;

/* Why one stage changed; for run and commit. *out in res's arena; deps of a frozen
 * stage are left out. */
enum status_parts {
	STATUS_DEPS = 1u << 0,
	STATUS_OUTS = 1u << 1,
	STATUS_CACHE = 1u << 2, /* say "not in cache" */
};
int status_of_stage(struct repo *r, const struct stage *st, unsigned parts,
		    struct status_result *res, struct status_stage *out,
		    struct err *e) MUST_CHECK;
bool status_stage_changed(const struct status_stage *st);

#endif
