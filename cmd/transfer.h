/* What push, fetch and pull share: their options and how they tell the result. */
#ifndef CMD_TRANSFER_H
#define CMD_TRANSFER_H

#include "cmd/cmd.h"
#include "cmd/targets.h"

#include <stdint.h>

struct err;
struct sync_options;
struct sync_result;

struct transfer_args {
	struct opt_list targets, types;
	const char *remote, *limit_up, *limit_down;
	int64_t jobs, max_size, max_connections;
	bool all_branches, all_tags, all_commits;
	bool with_deps, recursive, run_cache, no_run_cache, glob;
	bool dry_run, refresh, verify;
	bool force, allow_missing;
};

#define TRANSFER_OPTS                                                                      \
	OPT_JOBS(struct transfer_args, jobs),                                              \
		OPT_REMOTE_NAME(struct transfer_args, remote,                              \
				"use this remote instead of the default one"),             \
		OPT_REVS(struct transfer_args, all_branches, all_tags, all_commits),       \
		OPT_WITH_DEPS(struct transfer_args, with_deps),                            \
		OPT_RECURSIVE(struct transfer_args, recursive),                            \
		OPT_BOOL(0, "run-cache", struct transfer_args, run_cache,                  \
			 "the run cache as well: refused, not offered yet"),               \
		{OPT_FIELD(OPT_KIND_BOOL, 0, "no-run-cache", struct transfer_args,         \
			   no_run_cache),                                                  \
		 .help = "without the run cache", .flags = OPT_HIDDEN},                    \
		OPT_BOOL(                                                                  \
			0, "dry-run", struct transfer_args, dry_run,                       \
			"tell what would move, with objects and bytes, and move nothing"), \
		OPT_BOOL(0, "refresh", struct transfer_args, refresh,                      \
			 "ask the remote again, whatever is on record"),                   \
		OPT_STR(0, "limit-up", struct transfer_args, limit_up, "RATE",             \
			"upload at most so many bytes a second: 500K, 20M"),               \
		OPT_STR(0, "limit-down", struct transfer_args, limit_down, "RATE",         \
			"download at most so many bytes a second"),                        \
		OPT_INT(0, "max-connections", struct transfer_args, max_connections,       \
			"N", "have at most N connections at a time")

extern const struct transfer_args transfer_defaults;
extern const struct operand transfer_operands[];

/* ERR_INVALID for a rate or a number that is none. Before transfer_options. */
int transfer_check(const struct transfer_args *args, struct err *e) MUST_CHECK;

/* Borrows from args; targets is the caller's place for the vector. */
struct sync_options transfer_options(struct ctx *ctx, const struct transfer_args *args,
				     struct strvec *targets, struct strvec *types);

/* "4 files pushed", or that everything is up to date and since when. With --json
 * the document, and r's failure in it. */
void transfer_tell(struct ctx *ctx, const char *done, bool dry_run,
		   struct sync_result *res, int r, const struct err *e);

/* Its parts: warnings and what is missing or failed on stderr; the document, in
 * which items of a pull's checkout follow those that moved. */
void transfer_warn(struct ctx *ctx, const struct sync_result *res);
void transfer_json(struct ctx *ctx, struct sync_result *res, int r, const struct err *e);

#endif
