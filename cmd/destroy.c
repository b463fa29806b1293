#include "cmd/cmd.h"
#include "store/base/err.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

struct destroy_args {
	bool force, dry_run;
};

static const struct opt destroy_opts[] = {
	OPT_BOOL('f', "force", struct destroy_args, force, "do not ask"),
	OPT_BOOL(0, "dry-run", struct destroy_args, dry_run, "tell what would go"),
	OPT_END,
};

static int destroy_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct destroy_args *args = arg;
	struct destroy_options o = {.dry_run = args->dry_run};
	struct report rep = {0};
	int r;

	if (!args->force && !args->dry_run) {
		print_text(&ctx->print,
			   "This will destroy all information about your pipelines, all "
			   "data files, as well as cache in .dvc/cache.\n");
		if (!cmd_ask(ctx, "Are you sure you want to continue?"))
			return err_set(
				e, ERR_CONFLICT,
				"cannot destroy without a confirmation from the user. "
				"Use `-f` to force.");
	}
	r = repo_destroy(ctx->repo, &o, &rep, e);
	for (size_t i = 0; args->dry_run && i < rep.items.nr; i++) {
		print_name(&ctx->print, rep.items.v[i].path);
		print_text(&ctx->print, "\n");
	}
	rep.staged = true;
	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_destroy = {
	.name = "destroy",
	.brief = "Remove .dvc files, the cache and .dvc; keep the data",
	.opts = destroy_opts,
	.args_size = sizeof(struct destroy_args),
	.needs = NEED_REPO | NEED_LENIENT,
	.failed = "failed to destroy DVC",
	.fail_status = EXIT_FAILED,
	.run = destroy_run,
};
