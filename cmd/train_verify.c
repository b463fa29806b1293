#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/train.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/repo/repo.h"
#include "train/run/verify.h"

#include <stdlib.h>

/* Beside 0 for a match, and the statuses of every command. */
enum {
	STATUS_MODEL = 1,
	STATUS_INPUT = 2,
	STATUS_NOT_RUN = 3,
};

struct verify_args {
	const char *what, *simd;
	int64_t threads;
	bool run;
};

static const struct opt verify_opts[] = {
	OPT_BOOL(0, "run", struct verify_args, run,
		 "run the command that a record names; a clone does not do so by itself"),
	OPT_THREADS(struct verify_args, threads),
	OPT_SIMD(struct verify_args, simd),
	OPT_END,
};

static const struct operand verify_operands[] = {
	OPERAND(OPERAND_OPT, "stage", struct verify_args, what,
		"a stage, a run record or a configuration; train.yaml when none is given"),
	OPERANDS_END,
};

static void verify_json(struct ctx *ctx, const struct verify_result *res, bool ok)
{
	static const char *const states[] = {"match", "model", "input", "not run"};
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);
	struct err failure = {0};

	if (!ok)
		err_set(&failure, ERR_CORRUPT, "%s",
			res->detail ? res->detail : "differs");
	json_open_common(ctx, j, NULL, ok ? NULL : &failure);
	json_key_str(j, "state", states[res->state]);
	json_key_str(j, "record", res->record);
	json_key_str(j, "run", res->command);
	json_key_str(j, "output", res->output);
	json_key_str(j, "input", res->input);
	json_key_str(j, "detail", res->detail);
	if (res->kind == RECORD_TRAIN) {
		json_key_int(j, "core", res->core);
		json_key_int(j, "core_now", res->core_now);
	}
	if (res->state <= VERIFY_MODEL && res->kind == RECORD_TRAIN) {
		json_key_str(j, "sha256", res->sha256);
		json_key_str(j, "recorded_sha256", res->want_sha256);
	}
	jsonw_end(j);
	json_write(ctx, &doc);
}

static void verify_tell(struct ctx *ctx, const struct verify_result *res)
{
	struct print *p = &ctx->print;

	switch (res->state) {
	case VERIFY_MATCH:
		print_text(p, "MATCH ");
		print_name(p, res->record);
		if (res->kind == RECORD_TRAIN)
			print_text(p, ": sha256 %s", res->sha256);
		break;
	case VERIFY_MODEL:
		print_text(p, "DIFFERS ");
		print_name(p, res->output);
		print_text(p, ": ");
		print_name(p, res->detail);
		break;
	case VERIFY_INPUT:
		print_text(p, "DIFFERS ");
		print_name(p, res->input);
		print_text(p, ": ");
		print_name(p, res->detail);
		break;
	default:
		print_text(p, "NOT VERIFIED ");
		print_name(p, res->record);
		print_text(p, ": --run would run\n\n\t");
		print_name(p, res->command);
		print_text(p, "\n");
		break;
	}
	print_text(p, "\n");
	if (res->kind == RECORD_TRAIN && res->core != res->core_now)
		print_text(p, "The record is of core %u; this program has core %u.\n",
			   res->core, res->core_now);
}

static int verify_run(struct ctx *ctx, void *arg, struct err *e)
{
	static const int statuses[] = {0, STATUS_MODEL, STATUS_INPUT, STATUS_NOT_RUN};
	const struct verify_args *args = arg;
	struct verify_options o = {.what = args->what, .run = args->run};
	struct verify_result res = {0};
	int r;

	if ((r = train_threads(args->threads, &o.threads, e)) < 0 ||
	    (r = train_simd(args->simd, &o.simd, e)) < 0 ||
	    (r = print_flush(&ctx->print, e)) < 0)
		return r;
	ctx->fetcher = sync_attach(ctx->repo, &ctx->ui.sink);
	r = run_verify(ctx->repo, &o, &res, e);
	if (r == 0 && ctx->global.json)
		verify_json(ctx, &res, res.state == VERIFY_MATCH);
	else if (r == 0)
		verify_tell(ctx, &res);
	if (r == 0)
		r = statuses[res.state];
	verify_result_release(&res);
	return r;
}

const struct cmd cmd_train_verify = {
	.name = "verify",
	.brief = "Train again from the recorded data and compare the bytes",
	.opts = verify_opts,
	.operands = verify_operands,
	.args_size = sizeof(struct verify_args),
	.needs = NEED_REPO,
	.failed = "failed to verify",
	.fail_status = EXIT_OTHER,
	.run = verify_run,
};
