#include "cmd/cmd.h"
#include "store/base/err.h"
#include "store/repo/change.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

struct remove_args {
	struct opt_list targets;
	bool outs;
};

static const char *const remove_aliases[] = {"rm", NULL};

static const struct opt remove_opts[] = {
	OPT_BOOL(0, "outs", struct remove_args, outs,
		 "remove the data from the workspace too"),
	OPT_END,
};

static const struct operand remove_operands[] = {
	OPERAND(OPERAND_SOME, "targets", struct remove_args, targets,
		".dvc files or stages to stop tracking"),
	OPERANDS_END,
};

static int remove_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct remove_args *args = arg;
	struct remove_options o = {
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
		.outs = args->outs,
	};
	struct report rep = {0};
	int r = repo_remove(ctx->repo, &o, &rep, e);

	rep.staged = true; /* DVC gives no hint about git here */
	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_remove = {
	.name = "remove",
	.aliases = remove_aliases,
	.brief = "Stop tracking",
	.opts = remove_opts,
	.operands = remove_operands,
	.args_size = sizeof(struct remove_args),
	.needs = NEED_REPO,
	.fail_status = EXIT_FAILED,
	.run = remove_run,
};
