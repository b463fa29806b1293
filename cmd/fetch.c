#include "cmd/transfer.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/repo/repo.h"

static const char *const fetch_types[] = {"metrics", "plots", NULL};

static const struct opt fetch_opts[] = {
	TRANSFER_OPTS,
	OPT_INT(0, "max-size", struct transfer_args, max_size, "BYTES",
		"only outputs smaller than this"),
	{OPT_FIELD(OPT_KIND_LIST, 0, "type", struct transfer_args, types),
	 .value_name = "TYPE", .help = "only outputs of this type",
	 .choices = fetch_types},
	OPT_END,
};

static int fetch_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct transfer_args *args = arg;
	struct strvec targets, types;
	struct sync_options o = transfer_options(ctx, args, &targets, &types);
	struct sync_result res = {0};
	int r = transfer_check(args, e);

	if (r < 0)
		return r;
	r = sync_fetch(ctx->repo, &o, &res, e);
	transfer_tell(ctx, args->dry_run ? "Would fetch" : "fetched", args->dry_run, &res,
		      r, e);
	sync_result_release(&res);
	return r;
}

const struct cmd cmd_fetch = {
	.name = "fetch",
	.brief = "Download tracked data from a remote into the cache",
	.opts = fetch_opts,
	.operands = transfer_operands,
	.args_size = sizeof(struct transfer_args),
	.defaults = &transfer_defaults,
	.needs = NEED_REPO,
	.failed = "failed to fetch data from the cloud",
	.fail_status = EXIT_FAILED,
	.run = fetch_run,
};
