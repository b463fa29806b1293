#include "cmd/train.h"

#include "cmd/cmd.h"
#include "cmd/json.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"
#include "train/run/command.h"
#include "train/run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct train_args {
	struct opt_list words, set, deps, outs, outs_no_cache;
	const char *simd, *name;
	int64_t threads;
	bool force, update, resume;
};

const char *const train_simd_names[] = {"scalar", "sse2", "avx2", "avx512", NULL};

static const struct train_args train_defaults = {.threads = 0};

static const struct opt train_opts[] = {
	OPT_BOOL('f', "force", struct train_args, force,
		 "train although nothing changed"),
	OPT_LIST('S', "set", struct train_args, set, "KEY=VALUE",
		 "lay a value over the file's; recorded in the stage's command"),
	OPT_BOOL(0, "update", struct train_args, update,
		 "take changed data as it is: move the pin"),
	OPT_BOOL(0, "resume", struct train_args, resume,
		 "go on where an interrupted run of the same data stopped"),
	OPT_THREADS(struct train_args, threads),
	OPT_SIMD(struct train_args, simd),
	OPT_STR('n', "name", struct train_args, name, "NAME",
		"with --: the name of the stage"),
	{OPT_FIELD(OPT_KIND_LIST, 'd', "deps", struct train_args, deps),
	 .value_name = "PATH", .help = "with --: an input of the command",
	 .flags = OPT_PATH},
	{OPT_FIELD(OPT_KIND_LIST, 'o', "outs", struct train_args, outs),
	 .value_name = "PATH", .help = "with --: an output, kept in the cache",
	 .flags = OPT_PATH},
	{OPT_FIELD(OPT_KIND_LIST, 'O', "outs-no-cache", struct train_args, outs_no_cache),
	 .value_name = "PATH", .help = "with --: an output that git keeps",
	 .flags = OPT_PATH},
	OPT_END,
};

static const struct operand train_operands[] = {
	OPERAND(OPERAND_ANY, "file", struct train_args, words,
		"the configuration, train.yaml when none is given; behind -- a command to "
		"run and record"),
	OPERANDS_END,
};

int train_simd(const char *name, enum simd *out, struct err *e)
{
	*out = SIMD_BEST;
	for (size_t i = 0; name && train_simd_names[i]; i++)
		if (strcmp(train_simd_names[i], name) == 0)
			*out = (enum simd)i;
	if (*out != SIMD_BEST && !simd_has(*out))
		return err_set(e, ERR_INVALID, "--simd: this processor has no %s", name);
	return 0;
}

int train_threads(int64_t n, unsigned *out, struct err *e)
{
	if (n < 0 || n > 1024)
		return err_set(e, ERR_INVALID, "--threads: %lld is not from 1 to 1024",
			       (long long)n);
	*out = (unsigned)n;
	return 0;
}

/* ---- telling ------------------------------------------------------------- */

static void tell_metrics(struct ctx *ctx, const struct run_result *res)
{
	const char *side = NULL;

	for (size_t i = 0; i < res->metrics_nr; i++) {
		const struct record_metric *m = &res->metrics[i];

		if (!side || strcmp(side, m->side) != 0)
			print_text(&ctx->print, "%s  %-10s", side ? "\n" : "", m->side);
		side = m->side;
		if (isnan(m->value))
			print_text(&ctx->print, "  %s -", m->name);
		else
			print_text(&ctx->print, "  %s %.6g", m->name, m->value);
	}
	if (side)
		print_text(&ctx->print, "\n");
}

static void tell_model(struct ctx *ctx, const struct run_result *res, const char *what)
{
	char *shown = repo_show(ctx->repo, res->model);

	print_text(&ctx->print, "%s ", what);
	print_name(&ctx->print, shown);
	print_text(&ctx->print, ": %u round%s", res->rounds, res->rounds == 1 ? "" : "s");
	if (res->best_round < res->rounds)
		print_text(&ctx->print, ", the best was %u", res->best_round);
	print_text(&ctx->print, ", %llu rows x %llu columns, %.1f s\n",
		   (unsigned long long)res->rows, (unsigned long long)res->columns,
		   res->read_s + res->train_s);
	print_text(&ctx->print, "  sha256      %s\n", res->sha256_text);
	free(shown);
}

static void tell(struct ctx *ctx, const struct run_result *res)
{
	switch (res->state) {
	case RUN_UNCHANGED:
		print_text(
			&ctx->print,
			"Stage '%s' is up to date: nothing changed (-f trains anyway).\n",
			res->stage);
		break;
	case RUN_STOPPED:
		tell_model(ctx, res, "Stopped");
		print_text(&ctx->print, "Nothing was recorded. To go on, run:\n\n\t%s\n",
			   res->resume);
		break;
	default:
		tell_model(ctx, res, res->resumed ? "Resumed" : "Trained");
		tell_metrics(ctx, res);
		if (res->stage)
			print_text(&ctx->print,
				   "Stage '%s' is recorded in dvc.yaml and dvc.lock.\n",
				   res->stage);
		break;
	}
}

static void json_metrics(struct jsonw *j, const struct run_result *res)
{
	const char *side = NULL;

	jsonw_object(j);
	for (size_t i = 0; i < res->metrics_nr; i++) {
		const struct record_metric *m = &res->metrics[i];

		if (!side || strcmp(side, m->side) != 0) {
			if (side)
				jsonw_end(j);
			jsonw_key(j, m->side);
			jsonw_object(j);
		}
		side = m->side;
		jsonw_key(j, m->name);
		if (isfinite(m->value))
			jsonw_float(j, m->value);
		else
			jsonw_null(j);
	}
	if (side)
		jsonw_end(j);
	jsonw_end(j);
}

static void json_result(struct ctx *ctx, const struct run_result *res,
			const struct err *failure)
{
	static const char *const states[] = {"trained", "unchanged", "stopped"};
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	json_open_common(ctx, j, &res->report, failure);
	if (!failure) {
		json_key_str(j, "state", states[res->state]);
		json_key_str(j, "stage", res->stage);
		json_key_str(j, "model", res->model);
		json_key_str(j, "record", res->record);
	}
	if (!failure && res->state != RUN_UNCHANGED) {
		json_key_str(j, "model_sha256", res->sha256_text);
		json_key_str(j, "model_md5", res->md5_text);
		json_key_int(j, "rounds", res->rounds);
		json_key_int(j, "best_round", res->best_round);
		json_key_int(j, "rows", (int64_t)res->rows);
		json_key_int(j, "validation_rows", (int64_t)res->validation_rows);
		json_key_int(j, "columns", (int64_t)res->columns);
		jsonw_key(j, "resumed");
		jsonw_bool(j, res->resumed);
		jsonw_key(j, "float32_exact");
		jsonw_bool(j, res->float32_exact);
		jsonw_key(j, "metrics");
		json_metrics(j, res);
		jsonw_key(j, "read_s");
		jsonw_float(j, res->read_s);
		jsonw_key(j, "train_s");
		jsonw_float(j, res->train_s);
	}
	jsonw_end(j);
	json_write(ctx, &doc);
}

/* ---- running ------------------------------------------------------------- */

static int train_config(struct ctx *ctx, const struct train_args *args, struct err *e)
{
	struct run_options o = {
		.file = args->words.nr > 0 ? args->words.v[0] : NULL,
		.overrides = args->set.v,
		.overrides_nr = args->set.nr,
		.force = args->force,
		.update = args->update,
		.resume = args->resume,
	};
	struct run_result res = {0};
	struct err failure;
	int r;

	if ((r = train_threads(args->threads, &o.threads, e)) < 0 ||
	    (r = train_simd(args->simd, &o.simd, e)) < 0)
		return r;
	ctx->fetcher = sync_attach(ctx->repo, &ctx->ui.sink);
	r = run_train(ctx->repo, &o, &res, e);
	cmd_warnings(ctx, &res.report.warnings);
	if (r < 0) {
		failure = *e;
		failure.code = r;
	}
	if (ctx->global.json) {
		json_result(ctx, &res, r < 0 ? &failure : NULL);
	} else if (r == 0) {
		tell(ctx, &res);
		cmd_hint_git(ctx, &res.report);
	}
	if (r == 0 && res.state == RUN_STOPPED)
		r = EXIT_INTERRUPT;
	run_result_release(&res);
	return r;
}

static int train_command(struct ctx *ctx, const struct train_args *args, struct err *e)
{
	struct command_options o = {
		.name = args->name,
		.argv = args->words.v,
		.argc = args->words.nr,
		.deps = args->deps.v,
		.deps_nr = args->deps.nr,
		.outs = args->outs.v,
		.outs_nr = args->outs.nr,
		.outs_no_cache = args->outs_no_cache.v,
		.outs_no_cache_nr = args->outs_no_cache.nr,
		.force = args->force,
		.update = args->update,
	};
	struct report rep = {0};
	bool unchanged = false;
	char *stage = NULL;
	int r;

	if (args->set.nr > 0 || args->resume || args->simd || args->threads != 0)
		return err_set(
			e, ERR_INVALID,
			"-S, --resume, --threads and --simd are not for a command of "
			"your own");
	/* What the command prints comes behind what we said. */
	if ((r = print_flush(&ctx->print, e)) < 0)
		return r;
	r = run_command(ctx->repo, &o, &rep, &stage, &unchanged, e);
	if (r == 0 && unchanged)
		report_note(&rep,
			    "Stage '%s' is up to date: nothing changed (-f runs it "
			    "anyway).",
			    stage);
	else if (r == 0 && stage)
		report_note(&rep, "Stage '%s' is recorded in dvc.yaml and dvc.lock.",
			    stage);
	r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	free(stage);
	return r;
}

static int train_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct train_args *args = arg;
	bool is_command = ctx->dashes >= 0;

	if (is_command && (ctx->dashes > 0 || args->words.nr == 0)) {
		cmd_usage(ctx, ctx->dashes > 0 ? "a configuration and a command exclude "
						 "each other"
					       : "no command behind '--'");
		return EXIT_USAGE;
	}
	if (is_command)
		return train_command(ctx, args, e);
	if (args->words.nr > 1) {
		cmd_usage(ctx,
			  "one configuration at a time; a command stands behind '--'");
		return EXIT_USAGE;
	}
	if (args->name || args->deps.nr + args->outs.nr + args->outs_no_cache.nr > 0) {
		cmd_usage(ctx, "-n, -d, -o and -O are for a command behind '--'");
		return EXIT_USAGE;
	}
	return train_config(ctx, args, e);
}

extern const struct cmd cmd_train_init, cmd_train_verify;
static const struct cmd *const train_subs[] = {&cmd_train_init, &cmd_train_verify, NULL};

const struct cmd cmd_train = {
	.name = "train",
	.brief = "Train a model from pinned data",
	.opts = train_opts,
	.operands = train_operands,
	.args_size = sizeof(struct train_args),
	.defaults = &train_defaults,
	.subs = train_subs,
	.needs = NEED_REPO,
	.failed = "failed to train",
	.fail_status = EXIT_FAILED,
	.run = train_run,
};
