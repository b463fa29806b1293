#include "cmd/cmd.h"
#include "cmd/targets.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/repo/add.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

#include <string.h>

struct add_args {
	struct opt_list targets, remote_config;
	const char *out, *remote;
	int64_t remote_jobs;
	bool no_commit, glob, to_remote, force, no_relink;
};

static const struct opt add_opts[] = {
	OPT_BOOL(0, "no-commit", struct add_args, no_commit,
		 "write the .dvc file but put nothing into the cache"),
	OPT_BOOL(0, "glob", struct add_args, glob, "targets are shell patterns"),
	{OPT_FIELD(OPT_KIND_STR, 'o', "out", struct add_args, out), .value_name = "PATH",
	 .help = "copy the target, a path or a URL, into the cache and place it at PATH",
	 .flags = OPT_PATH},
	{OPT_FIELD(OPT_KIND_BOOL, 0, "to-remote", struct add_args, to_remote),
	 .help = "upload to a remote only", .flags = OPT_HIDDEN},
	{OPT_FIELD(OPT_KIND_STR, 'r', "remote", struct add_args, remote),
	 .value_name = "NAME", .help = "the remote of --to-remote",
	 .flags = OPT_REMOTE | OPT_HIDDEN},
	{OPT_FIELD(OPT_KIND_INT, 0, "remote-jobs", struct add_args, remote_jobs),
	 .value_name = "N", .help = "transfers of --to-remote", .flags = OPT_HIDDEN},
	{OPT_FIELD(OPT_KIND_MANY, 0, "remote-config", struct add_args, remote_config),
	 .value_name = "KEY=VALUE", .help = "options of --to-remote",
	 .flags = OPT_HIDDEN},
	OPT_BOOL('f', "force", struct add_args, force, "overwrite what --out finds"),
	OPT_BOOL(0, "no-relink", struct add_args, no_relink,
		 "leave workspace files as they are"),
	OPT_END,
};

static const struct operand add_operands[] = {
	OPERAND(OPERAND_SOME, "targets", struct add_args, targets,
		"files and directories to track"),
	OPERANDS_END,
};

static int check(const struct add_args *args, struct err *e)
{
	if (args->to_remote && args->no_commit)
		return err_set(e, ERR_INVALID,
			       "--no-commit can't be used with --to-remote");
	if (!args->to_remote && args->remote)
		return err_set(e, ERR_INVALID,
			       "--remote can't be used without --to-remote");
	if (!args->to_remote && args->remote_jobs)
		return err_set(e, ERR_INVALID,
			       "--remote-jobs can't be used without --to-remote");
	if (args->glob && args->out)
		return err_set(e, ERR_INVALID, "--glob option can't be used with --out");
	if (args->targets.nr > 1 && (args->to_remote || args->out))
		return err_set(e, ERR_INVALID, "multiple targets can't be used with %s",
			       args->to_remote ? "--to-remote" : "--out");
	if (args->to_remote)
		return err_set(e, ERR_UNSUPPORTED,
			       "--to-remote is understood but not offered yet");
	return 0;
}

static int add_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct add_args *args = arg;
	struct add_options o = {
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
		.out = args->out,
		.glob = args->glob,
		.no_commit = args->no_commit,
		.no_relink = args->no_relink,
		.force = args->force,
	};
	struct sync_options so = {.sink = &ctx->ui.sink};
	char *dir = NULL, *data = NULL;
	struct report rep = {0};
	int r;

	if ((r = check(args, e)) < 0)
		return r;
	/* Fetched before any lock is taken: it may take long. */
	if (args->out && args->targets.nr == 1 && strstr(args->targets.v[0], "://") &&
	    (r = sync_download(ctx->repo, args->targets.v[0], &so, &dir, &data, e)) < 0)
		return r;
	o.source = data;
	r = repo_add(ctx->repo, &o, &rep, e);
	sync_download_end(&dir, &data);
	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_add = {
	.name = "add",
	.brief = "Track files and directories",
	.opts = add_opts,
	.operands = add_operands,
	.args_size = sizeof(struct add_args),
	.needs = NEED_REPO,
	.fail_status = EXIT_FAILED,
	.run = add_run,
};
