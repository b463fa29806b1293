#include "cmd/cmd.h"
#include "cmd/summary.h"
#include "cmd/targets.h"
#include "store/base/err.h"
#include "store/repo/checkout.h"
#include "store/repo/repo.h"

struct checkout_args {
	struct opt_list targets;
	bool summary, with_deps, recursive, force, relink, allow_missing, dry_run;
};

static const struct opt checkout_opts[] = {
	OPT_BOOL(0, "summary", struct checkout_args, summary,
		 "print counts instead of names"),
	OPT_WITH_DEPS(struct checkout_args, with_deps),
	OPT_RECURSIVE(struct checkout_args, recursive),
	OPT_BOOL('f', "force", struct checkout_args, force,
		 "overwrite and delete files whose content is stored nowhere"),
	OPT_BOOL(0, "relink", struct checkout_args, relink,
		 "make every tracked file again with the configured link type"),
	OPT_BOOL(0, "allow-missing", struct checkout_args, allow_missing,
		 "do not fail when objects are missing"),
	OPT_BOOL(0, "dry-run", struct checkout_args, dry_run,
		 "tell what would be done, with files and bytes, and do nothing"),
	OPT_END,
};

static const struct operand checkout_operands[] = {
	OPERAND_TARGETS(struct checkout_args, targets),
	OPERANDS_END,
};

static int checkout_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct checkout_args *args = arg;
	struct checkout_options o = {
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
		.force = args->force,
		.relink = args->relink,
		.recursive = args->recursive,
		.with_deps = args->with_deps,
		.allow_missing = args->allow_missing,
		.dry_run = args->dry_run,
	};
	struct checkout_result res = {0};
	const struct report *rep = &res.report;
	int r;

	r = repo_checkout(ctx->repo, &o, &res, e);
	r = cmd_finish(ctx, rep, r, e);
	if (args->summary)
		summary_counts(ctx, rep);
	else
		summary_changes(ctx, rep);
	if (args->dry_run && r == 0)
		summary_bytes(ctx, "Would place",
			      report_count_of(rep, "added") +
				      report_count_of(rep, "modified"),
			      rep->bytes);
	else if (args->relink && r == 0)
		print_text(&ctx->print, "Relinked successfully\n");
	if (summary_checkout_error(ctx, "", &res, r))
		r = EXIT_OTHER;
	checkout_result_release(&res);
	return r;
}

const struct cmd cmd_checkout = {
	.name = "checkout",
	.brief = "Make the workspace what the .dvc files say",
	.opts = checkout_opts,
	.operands = checkout_operands,
	.args_size = sizeof(struct checkout_args),
	.needs = NEED_REPO,
	.flags = CMD_NUL,
	.run = checkout_run,
};
