#include "cmd/cmd.h"
#include "cmd/targets.h"
#include "store/base/err.h"
#include "store/repo/add.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

struct commit_args {
	struct opt_list targets;
	bool force, with_deps, recursive, no_relink;
};

static const struct opt commit_opts[] = {
	OPT_BOOL('f', "force", struct commit_args, force,
		 "take in what changed without asking"),
	OPT_WITH_DEPS(struct commit_args, with_deps),
	OPT_RECURSIVE(struct commit_args, recursive),
	OPT_BOOL(0, "no-relink", struct commit_args, no_relink,
		 "leave workspace files as they are"),
	OPT_END,
};

static const struct operand commit_operands[] = {
	OPERAND_TARGETS(struct commit_args, targets),
	OPERANDS_END,
};

/* Asked on a terminal only: a script gets the error that names the option. */
static bool confirm(void *arg, const char *question)
{
	struct ctx *ctx = arg;

	return ctx->print.is_terminal && cmd_ask(ctx, question);
}

static int commit_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct commit_args *args = arg;
	struct commit_options o = {
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
		.force = args->force,
		.with_deps = args->with_deps,
		.recursive = args->recursive,
		.no_relink = args->no_relink,
		.confirm = confirm,
		.confirm_ctx = ctx,
	};
	struct report rep = {0};
	int r;

	r = repo_commit(ctx->repo, &o, &rep, e);
	/* commit never tells what git should be told; DVC does not either. */
	rep.staged = true;
	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_commit = {
	.name = "commit",
	.brief = "Record changed data in the cache and its .dvc files",
	.opts = commit_opts,
	.operands = commit_operands,
	.args_size = sizeof(struct commit_args),
	.needs = NEED_REPO,
	.failed = "failed to commit",
	.fail_status = EXIT_FAILED,
	.run = commit_run,
};
