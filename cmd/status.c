#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/targets.h"
#include "cmd/transfer.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/meta/config.h"
#include "store/repo/repo.h"
#include "store/repo/status.h"

struct status_args {
	struct opt_list targets;
	int64_t jobs;
	const char *remote;
	bool cloud, all_branches, all_tags, all_commits;
	bool with_deps, recursive, no_updates, refresh, deep;
};

static const struct opt status_opts[] = {
	OPT_JOBS(struct status_args, jobs),
	OPT_BOOL('c', "cloud", struct status_args, cloud,
		 "compare the cache with a remote instead"),
	OPT_REMOTE_NAME(struct status_args, remote,
			"compare with this remote; implies -c"),
	OPT_REVS(struct status_args, all_branches, all_tags, all_commits),
	OPT_WITH_DEPS(struct status_args, with_deps),
	OPT_RECURSIVE(struct status_args, recursive),
	OPT_BOOL(0, "no-updates", struct status_args, no_updates,
		 "do not ask the sources of imports"),
	OPT_BOOL(0, "refresh", struct status_args, refresh,
		 "with -c: ask the remote again, whatever is on record"),
	OPT_BOOL(0, "deep", struct status_args, deep,
		 "with -c: read the remote's manifests and compare sizes"),
	OPT_END,
};

static const struct operand status_operands[] = {
	OPERAND_TARGETS(struct status_args, targets),
	OPERANDS_END,
};

static int check_local(const struct status_args *a, struct err *e)
{
	const struct {
		bool given;
		const char *name;
	} names[] = {
		{a->all_branches, "--all-branches"}, {a->all_tags, "--all-tags"},
		{a->all_commits, "--all-commits"},   {a->jobs != 0, "--jobs"},
		{a->refresh, "--refresh"},	     {a->deep, "--deep"},
	};
	char text[128] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].given)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
					      n ? ", " : "", names[i].name);
	if (n == 0)
		return 0;
	return err_set(e, ERR_INVALID,
		       "The following options are meaningless for local status: %s",
		       text);
}

/* ---- text ----------------------------------------------------------------- */

static void show_change(struct ctx *ctx, const char *state, const char *path)
{
	print_text(&ctx->print, "\t\t%-20s", state);
	print_name(&ctx->print, path);
	print_text(&ctx->print, "\n");
}

static void show_changes(struct ctx *ctx, const char *title,
			 const struct status_change *v, size_t nr)
{
	if (nr == 0)
		return;
	print_text(&ctx->print, "\t%s:\n", title);
	for (size_t i = 0; i < nr; i++) {
		char state[64];

		if (v[i].state) {
			snprintf(state, sizeof(state), "%s:", v[i].state);
			show_change(ctx, state, v[i].path);
			continue;
		}
		print_text(&ctx->print, "\t\t");
		print_name(&ctx->print, v[i].path);
		print_text(&ctx->print, ":\n");
		for (size_t k = 0; k < v[i].keys_nr; k++) {
			snprintf(state, sizeof(state), "%s:", v[i].keys[k].state);
			print_text(&ctx->print, "\t");
			show_change(ctx, state, v[i].keys[k].path);
		}
	}
}

static void show_stages(struct ctx *ctx, const struct status_result *res)
{
	for (size_t i = 0; i < res->stages.nr; i++) {
		const struct status_stage *st = &res->stages.v[i];

		print_name(&ctx->print, st->name);
		print_text(&ctx->print, ":\n");
		show_changes(ctx, "changed deps", st->deps.v, st->deps.nr);
		show_changes(ctx, "changed outs", st->outs.v, st->outs.nr);
		if (st->always_changed)
			print_text(&ctx->print, "\talways changed\n");
		if (st->changed_checksum)
			print_text(&ctx->print, "\tchanged checksum\n");
		if (st->changed_command)
			print_text(&ctx->print, "\tchanged command\n");
	}
	if (res->stages.nr > 0)
		return;
	if (res->stages_nr == 0)
		print_text(&ctx->print,
			   "There are no data or pipelines tracked in this project yet.\n"
			   "See <https://dvc.org/doc/start> to get started!\n");
	else
		print_text(&ctx->print, "Data and pipelines are up to date.\n");
}

/* ---- JSON, in DVC's shape -------------------------------------------------- */

static void json_changes(struct jsonw *j, const char *title,
			 const struct status_change *v, size_t nr)
{
	if (nr == 0)
		return;
	jsonw_object(j);
	jsonw_key(j, title);
	jsonw_object(j);
	for (size_t i = 0; i < nr; i++) {
		if (v[i].state) {
			json_key_str(j, v[i].path, v[i].state);
			continue;
		}
		jsonw_key(j, v[i].path);
		jsonw_object(j);
		for (size_t k = 0; k < v[i].keys_nr; k++)
			json_key_str(j, v[i].keys[k].path, v[i].keys[k].state);
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_end(j);
}

static void json_stages(struct ctx *ctx, const struct status_result *res)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	jsonw_object(j);
	for (size_t i = 0; i < res->stages.nr; i++) {
		const struct status_stage *st = &res->stages.v[i];

		jsonw_key(j, st->name);
		jsonw_array(j);
		json_changes(j, "changed deps", st->deps.v, st->deps.nr);
		json_changes(j, "changed outs", st->outs.v, st->outs.nr);
		if (st->always_changed)
			jsonw_str(j, "always changed");
		if (st->changed_checksum)
			jsonw_str(j, "changed checksum");
		if (st->changed_command)
			jsonw_str(j, "changed command");
		jsonw_end(j);
	}
	jsonw_end(j);
	json_write(ctx, &doc);
}

static int run_local(struct ctx *ctx, const struct status_args *args, struct err *e)
{
	struct status_options o = {
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
		.recursive = args->recursive,
		.with_deps = args->with_deps,
		.no_updates = args->no_updates,
	};
	struct status_result res = {0};
	int r;

	if ((r = check_local(args, e)) < 0)
		return r;
	r = repo_status(ctx->repo, &o, &res, e);
	cmd_warnings(ctx, &res.warnings);
	if (r == 0 && ctx->global.json)
		json_stages(ctx, &res);
	else if (r == 0)
		show_stages(ctx, &res);
	if (r == 0 && ctx->global.quiet && res.stages.nr > 0)
		r = EXIT_FAILED;
	status_result_release(&res);
	return r;
}

/* ---- status -c ------------------------------------------------------------- */

static void show_cloud(struct ctx *ctx, const char *remote, const struct report *rep)
{
	if (rep->items.nr == 0) {
		print_text(&ctx->print, "Cache and remote '%s' are in sync.\n", remote);
		return;
	}
	for (size_t i = 0; i < rep->items.nr; i++) {
		char state[64];

		snprintf(state, sizeof(state), "%s:", rep->items.v[i].state);
		print_text(&ctx->print, "\t%-20s", state);
		print_name(&ctx->print, rep->items.v[i].path);
		print_text(&ctx->print, "\n");
	}
}

static void json_cloud(struct ctx *ctx, const struct report *rep)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	jsonw_object(j);
	for (size_t i = 0; i < rep->items.nr; i++)
		json_key_str(j, rep->items.v[i].path, rep->items.v[i].state);
	jsonw_end(j);
	json_write(ctx, &doc);
}

static int run_cloud(struct ctx *ctx, const struct status_args *args, struct err *e)
{
	struct strvec targets = cmd_strvec(&args->targets);
	struct sync_options o = {
		.remote = args->remote,
		.targets = &targets,
		.all_branches = args->all_branches,
		.all_tags = args->all_tags,
		.all_commits = args->all_commits,
		.recursive = args->recursive,
		.with_deps = args->with_deps,
		.jobs = args->jobs > 0 ? (unsigned)args->jobs : 0,
		.refresh = args->refresh,
		.deep = args->deep,
		.max_size = -1,
		.sink = &ctx->ui.sink,
	};
	const char *name = args->remote;
	struct sync_result res = {0};
	struct config *config;
	int r;

	if ((r = repo_config(ctx->repo, &config, e)) < 0)
		return r;
	if (!name)
		name = config_str(config, "core", "remote", "");
	r = sync_status(ctx->repo, &o, &res, e);
	transfer_warn(ctx, &res);
	if (r == 0 && ctx->global.json)
		json_cloud(ctx, &res.report);
	else if (r == 0)
		show_cloud(ctx, name, &res.report);
	if (r == 0 && ctx->global.quiet && res.report.items.nr > 0)
		r = EXIT_FAILED;
	sync_result_release(&res);
	return r;
}

static int status_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct status_args *args = arg;

	if (args->cloud || args->remote)
		return run_cloud(ctx, args, e);
	return run_local(ctx, args, e);
}

const struct cmd cmd_status = {
	.name = "status",
	.brief = "Show what changed since it was recorded",
	.opts = status_opts,
	.operands = status_operands,
	.args_size = sizeof(struct status_args),
	.needs = NEED_REPO,
	.fail_status = EXIT_FAILED,
	.run = status_run,
};
