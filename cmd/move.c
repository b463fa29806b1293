#include "cmd/cmd.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/repo/change.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

struct move_args {
	const char *src, *dst;
};

static const char *const move_aliases[] = {"mv", NULL};

static const struct operand move_operands[] = {
	OPERAND(OPERAND_ONE, "src", struct move_args, src, "a tracked file or directory"),
	OPERAND(OPERAND_ONE, "dst", struct move_args, dst,
		"its new name, or a directory to move it into"),
	OPERANDS_END,
};

static int move_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct move_args *args = arg;
	struct move_options o = {.src = args->src, .dst = args->dst};
	struct report rep = {0};
	int r;

	ctx->failed = xasprintf("failed to move '%s' -> '%s'", args->src, args->dst);
	r = repo_move(ctx->repo, &o, &rep, e);
	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_move = {
	.name = "move",
	.aliases = move_aliases,
	.brief = "Rename tracked data together with its .dvc file",
	.operands = move_operands,
	.args_size = sizeof(struct move_args),
	.needs = NEED_REPO,
	.fail_status = EXIT_FAILED,
	.run = move_run,
};
