#include "cmd/summary.h"
#include "cmd/transfer.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/repo/repo.h"

static const struct opt pull_opts[] = {
	TRANSFER_OPTS,
	{OPT_FIELD(OPT_KIND_BOOL, 0, "glob", struct transfer_args, glob),
	 .help = "targets are shell patterns", .flags = OPT_HIDDEN},
	OPT_BOOL('f', "force", struct transfer_args, force,
		 "overwrite and delete files whose content is stored nowhere"),
	OPT_BOOL(0, "allow-missing", struct transfer_args, allow_missing,
		 "do not fail when objects are missing"),
	OPT_END,
};

/* "4 files fetched and 3 files added": what moved, then what changed here. */
static void tell_counts(struct ctx *ctx, const struct sync_result *res)
{
	static const char *const states[] = {"fetched", "modified", "added", "deleted"};
	uint64_t counts[ARRAY_SIZE(states)];
	size_t nr = 0, done = 0;

	counts[0] = res->moved;
	for (size_t i = 1; i < ARRAY_SIZE(states); i++)
		counts[i] = report_count_of(&res->checkout.report, states[i]);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		nr += counts[i] > 0;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (counts[i] == 0)
			continue;
		if (done > 0)
			print_text(&ctx->print, done + 1 == nr ? " and " : ", ");
		print_text(&ctx->print, "%llu file%s %s", (unsigned long long)counts[i],
			   counts[i] == 1 ? "" : "s", states[i]);
		done++;
	}
	if (nr > 0)
		print_text(&ctx->print, "\n");
}

static int pull_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct transfer_args *args = arg;
	struct strvec targets, types;
	struct sync_options o = transfer_options(ctx, args, &targets, &types);
	struct sync_result res = {0};
	const struct report *placed = &res.checkout.report;
	int r = transfer_check(args, e);

	if (r < 0)
		return r;
	r = sync_pull(ctx->repo, &o, &res, e);
	cmd_warnings(ctx, &placed->warnings);
	summary_changes(ctx, placed);
	if (!args->dry_run && (res.moved > 0 || placed->items.nr > 0)) {
		transfer_warn(ctx, &res);
		if (ctx->global.json)
			transfer_json(ctx, &res, r, e);
		else
			tell_counts(ctx, &res);
	} else {
		transfer_tell(ctx, args->dry_run ? "Would fetch" : "fetched",
			      args->dry_run, &res, r, e);
	}
	if (summary_checkout_error(ctx, "failed to pull data from the cloud - ",
				   &res.checkout, r))
		r = EXIT_FAILED;
	sync_result_release(&res);
	return r;
}

const struct cmd cmd_pull = {
	.name = "pull",
	.brief = "Download tracked data and put it into the workspace",
	.opts = pull_opts,
	.operands = transfer_operands,
	.args_size = sizeof(struct transfer_args),
	.defaults = &transfer_defaults,
	.needs = NEED_REPO,
	.failed = "failed to pull data from the cloud",
	.fail_status = EXIT_FAILED,
	.run = pull_run,
};
