#include "cmd/transfer.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/meta/config.h"
#include "store/repo/repo.h"

static const struct opt push_opts[] = {
	TRANSFER_OPTS,
	OPT_BOOL(0, "glob", struct transfer_args, glob, "targets are shell patterns"),
	OPT_BOOL(0, "verify", struct transfer_args, verify,
		 "read back what is not on record as stored"),
	OPT_END,
};

static int push_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct transfer_args *args = arg;
	struct strvec targets, types;
	struct sync_options o = transfer_options(ctx, args, &targets, &types);
	struct config_remote remote = {0};
	struct sync_result res = {0};
	struct config *config;
	int r;

	if ((r = transfer_check(args, e)) < 0)
		return r;
	/* There has to be a remote, also where nothing would go to it. */
	if ((r = repo_config(ctx->repo, &config, e)) < 0)
		return r;
	r = config_remote_open(config, args->remote, &remote, e);
	config_remote_release(&remote);
	if (r < 0)
		return r;
	r = sync_push(ctx->repo, &o, &res, e);
	transfer_tell(ctx, args->dry_run ? "Would push" : "pushed", args->dry_run, &res,
		      r, e);
	sync_result_release(&res);
	return r;
}

const struct cmd cmd_push = {
	.name = "push",
	.brief = "Upload tracked data to a remote",
	.opts = push_opts,
	.operands = transfer_operands,
	.args_size = sizeof(struct transfer_args),
	.defaults = &transfer_defaults,
	.needs = NEED_REPO,
	.failed = "failed to push data to the cloud",
	.fail_status = EXIT_FAILED,
	.run = push_run,
};
