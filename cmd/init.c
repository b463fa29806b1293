#include "cmd/cmd.h"
#include "store/base/err.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

struct init_args {
	const char *dir;
	bool no_scm, subdir, force;
};

static const struct opt init_opts[] = {
	OPT_BOOL(0, "no-scm", struct init_args, no_scm, "without git"),
	OPT_BOOL('f', "force", struct init_args, force,
		 "delete an existing .dvc, with its cache, first"),
	OPT_BOOL(0, "subdir", struct init_args, subdir,
		 "make the root in a directory below the root of git"),
	OPT_END,
};

static const struct operand init_operands[] = {
	OPERAND(OPERAND_OPT, "directory", struct init_args, dir,
		"where; the current directory when not given"),
	{OPERAND_END},
};

static int init_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct init_args *args = arg;
	struct repo_init_options o = {
		.dir = args->dir,
		.no_scm = args->no_scm,
		.subdir = args->subdir,
		.force = args->force,
		.sink = &ctx->ui.sink,
	};
	struct report rep = {0};
	int r;

	r = repo_init(&o, &rep, e);
	r = cmd_finish(ctx, &rep, r, e);
	if (r == 0) {
		print_text(&ctx->print, "Initialized DVC repository.\n\n");
		if (!args->no_scm)
			print_text(&ctx->print,
				   "You can now commit the changes to git.\n\n");
		print_text(
			&ctx->print,
			"What's next?\n"
			"------------\n"
			"- Track data: %s add FILE-OR-DIRECTORY\n"
			"- Store it elsewhere: %s remote add -d NAME URL, then %s push\n"
			"- Read on: man lode, or %s help\n",
			ctx->prog, ctx->prog, ctx->prog, ctx->prog);
	}
	report_release(&rep);
	return r;
}

const struct cmd cmd_init = {
	.name = "init",
	.brief = "Make a repository",
	.opts = init_opts,
	.operands = init_operands,
	.args_size = sizeof(struct init_args),
	.failed = "failed to initiate DVC",
	.fail_status = EXIT_FAILED,
	.run = init_run,
};
