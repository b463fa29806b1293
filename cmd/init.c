#include "cmd/cmd.h"
#include "store/base/err.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

#include <string.h>

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
	OPERANDS_END,
};

/* Scripts compare what dvc prints; a person who calls lode gets directions. */
static void whats_next(struct ctx *ctx)
{
	print_text(&ctx->print, "What's next?\n------------\n");
	if (strcmp(ctx->prog, "dvc") == 0)
		print_text(&ctx->print,
			   "- Check out the documentation: <https://dvc.org/doc>\n"
			   "- Get help and share ideas: <https://dvc.org/chat>\n"
			   "- Star us on GitHub: <https://github.com/treeverse/dvc>\n");
	else
		print_text(
			&ctx->print,
			"- Track data: lode add FILE-OR-DIRECTORY\n"
			"- Store it elsewhere: lode remote add -d NAME URL, then lode push\n"
			"- Read on: man lode, or lode help\n");
}

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

	if (args->no_scm && args->subdir) {
		ctx->is_unforeseen = true;
		return err_set(e, ERR_INVALID,
			       "Cannot initialize repo with `--no-scm` and `--subdir`");
	}
	r = repo_init(&o, &rep, e);
	rep.staged = true; /* what is told about git comes below */
	r = cmd_finish(ctx, &rep, r, e);
	if (r == 0) {
		print_text(&ctx->print, "Initialized DVC repository.\n\n");
		if (!args->no_scm)
			print_text(&ctx->print,
				   "You can now commit the changes to git.\n\n");
		whats_next(ctx);
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
