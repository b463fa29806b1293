#include "cmd/cmd.h"
#include "store/base/err.h"
#include "store/repo/change.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

struct unprotect_args {
	struct opt_list targets;
};

static const struct operand unprotect_operands[] = {
	OPERAND(OPERAND_SOME, "targets", struct unprotect_args, targets,
		"files and directories to make editable"),
	OPERANDS_END,
};

static int unprotect_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct unprotect_args *args = arg;
	struct unprotect_options o = {
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
	};
	struct report rep = {0};
	int r = repo_unprotect(ctx->repo, &o, &rep, e);

	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_unprotect = {
	.name = "unprotect",
	.brief = "Replace links into the cache by plain files that may be edited",
	.operands = unprotect_operands,
	.args_size = sizeof(struct unprotect_args),
	.needs = NEED_REPO,
	.run = unprotect_run,
};
