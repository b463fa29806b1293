#include "cmd/cmd.h"
#include "cmd/train.h"
#include "store/base/err.h"
#include "store/repo/report.h"
#include "train/run/init.h"

struct init_args {
	struct opt_list data;
	const char *target, *out;
	int64_t threads;
	bool force;
};

static const struct opt init_opts[] = {
	OPT_STR(0, "target", struct init_args, target, "COLUMN", "the column to predict"),
	{OPT_FIELD(OPT_KIND_STR, 'o', "out", struct init_args, out), .value_name = "FILE",
	 .help = "write FILE instead of train.yaml", .flags = OPT_PATH},
	OPT_BOOL('f', "force", struct init_args, force, "replace a file that exists"),
	OPT_THREADS(struct init_args, threads),
	OPT_END,
};

static const struct operand init_operands[] = {
	OPERAND(OPERAND_SOME, "data", struct init_args, data,
		"tables to look at, read as one"),
	OPERANDS_END,
};

static int init_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct init_args *args = arg;
	struct init_options o = {
		.data = args->data.v,
		.data_nr = args->data.nr,
		.target = args->target,
		.file = args->out,
		.force = args->force,
	};
	const char *objective = NULL;
	struct report rep = {0};
	int r;

	if (!args->target) {
		cmd_usage(ctx, "--target names the column to predict");
		return EXIT_USAGE;
	}
	if ((r = train_threads(args->threads, &o.threads, e)) < 0)
		return r;
	r = run_init(ctx->repo, &o, &objective, &rep, e);
	if (r == 0)
		report_note(&rep, "Wrote '%s': objective %s. 'lode train%s%s' trains.",
			    args->out ? args->out : "train.yaml", objective,
			    args->out ? " " : "", args->out ? args->out : "");
	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_train_init = {
	.name = "init",
	.brief = "Write a first configuration from what the data looks like",
	.opts = init_opts,
	.operands = init_operands,
	.args_size = sizeof(struct init_args),
	.needs = NEED_REPO,
	.failed = "failed to write a configuration",
	.fail_status = EXIT_FAILED,
	.run = init_run,
};
