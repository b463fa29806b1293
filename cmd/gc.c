#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/targets.h"
#include "remote/sync/sync.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/meta/config.h"
#include "store/repo/gc.h"
#include "store/repo/repo.h"

#include <string.h>

struct gc_args {
	struct opt_list revs, projects;
	int64_t num, jobs, grace;
	const char *date, *remote;
	bool workspace, all_branches, all_tags, all_commits, all_experiments;
	bool not_in_remote, cloud, skip_failed, force, dry;
};

enum {
	GRACE_UNSET = -1
};

static const struct gc_args gc_defaults = {.grace = GRACE_UNSET};

static const struct opt gc_opts[] = {
	OPT_BOOL('w', "workspace", struct gc_args, workspace,
		 "keep what the workspace uses"),
	OPT_LIST(0, "rev", struct gc_args, revs, "REV", "keep what this revision uses"),
	OPT_INT('n', "num", struct gc_args, num, "N",
		"the last N commits, with --rev or --all-branches"),
	OPT_BOOL('a', "all-branches", struct gc_args, all_branches,
		 "keep what the tips of all branches use"),
	OPT_BOOL('T', "all-tags", struct gc_args, all_tags, "keep what all tags use"),
	OPT_BOOL('A', "all-commits", struct gc_args, all_commits,
		 "keep what any commit uses"),
	{OPT_FIELD(OPT_KIND_STR, 0, "date", struct gc_args, date),
	 .value_name = "YYYY-MM-DD", .help = "keep what commits since that day use"},
	OPT_BOOL(0, "all-experiments", struct gc_args, all_experiments,
		 "keep what all experiments use"),
	OPT_BOOL(0, "not-in-remote", struct gc_args, not_in_remote,
		 "remove used objects too where the remote has them"),
	OPT_BOOL('c', "cloud", struct gc_args, cloud, "collect in the remote as well"),
	OPT_REMOTE_NAME(struct gc_args, remote,
			"the remote of --cloud and --not-in-remote"),
	OPT_BOOL(0, "skip-failed", struct gc_args, skip_failed,
		 "skip revisions that cannot be read"),
	OPT_BOOL('f', "force", struct gc_args, force, "do not ask"),
	OPT_JOBS(struct gc_args, jobs),
	{OPT_FIELD(OPT_KIND_MANY, 'p', "projects", struct gc_args, projects),
	 .value_name = "PATH", .help = "other repositories that share the cache",
	 .flags = OPT_PATH},
	OPT_BOOL(0, "dry", struct gc_args, dry, "tell what would go, and remove nothing"),
	OPT_INT(0, "grace", struct gc_args, grace, "SECONDS",
		"keep what is younger than this"),
	OPT_END,
};

static int check(const struct gc_args *a, struct err *e)
{
	if (a->num && !a->revs.nr && !a->all_branches)
		return err_set(e, ERR_INVALID,
			       "`--num` can only be used alongside `--rev` or "
			       "`--all-branches`");
	if (a->num < 0)
		return err_set(e, ERR_INVALID, "`--num` must not be negative");
	if (a->cloud && a->not_in_remote)
		return err_set(e, ERR_INVALID,
			       "`--not-in-remote` and `--cloud` are mutually exclusive");
	if (!a->workspace && !a->all_branches && !a->all_tags && !a->all_commits &&
	    !a->all_experiments && !a->date && a->revs.nr == 0)
		return err_set(e, ERR_INVALID,
			       "Either of `-w|--workspace`, `-a|--all-branches`, "
			       "`-T|--all-tags` `--all-experiments`, `--all-commits`, "
			       "`--date` or `--rev` needs to be set.");
	if (a->grace < GRACE_UNSET)
		return err_set(e, ERR_INVALID, "`--grace` must not be negative");
	return 0;
}

/* What stays, in a sentence, before the question. */
static void warn(struct ctx *ctx, const struct gc_args *a)
{
	const struct {
		bool given;
		const char *text;
	} parts[] = {
		{a->all_branches && a->num == 0, "all git branches"},
		{a->all_tags, "all git tags"},
		{a->all_commits, "all git commits"},
		{a->all_experiments, "all experiments"},
	};
	struct buf b = {0};

	buf_adds(&b, "This will remove all cache except items used in the workspace");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].given)
			buf_addf(&b, " and %s", parts[i].text);
	if (a->all_branches && a->num > 0)
		buf_addf(&b, " and last %lld commits from all git branches",
			 (long long)a->num);
	for (size_t i = 0; i < a->revs.nr; i++)
		buf_addf(&b, " and last %lld commits from %s",
			 (long long)(a->num > 0 ? a->num : 1), a->revs.v[i]);
	if (a->date)
		buf_addf(&b, " and all git commits on or after %s", a->date);
	if (a->not_in_remote)
		buf_adds(&b, " that are not present in the remote");
	buf_adds(&b, " of the current ");
	buf_adds(&b, a->projects.nr ? "and the following repos:" : "repo.");
	for (size_t i = 0; i < a->projects.nr; i++)
		buf_addf(&b, "\n  - %s", a->projects.v[i]);
	ui_warn(&ctx->ui, "%s", buf_str(&b));
	buf_release(&b);
}

/* Roots are collected up to three times; a question of theirs is asked once. */
struct asker {
	struct ctx *ctx;
	bool said_yes;
};

/* Unlike the question whether to proceed, this one is for a terminal only. */
static bool confirm(void *arg, const char *question)
{
	struct asker *asker = arg;

	if (!asker->said_yes)
		asker->said_yes =
			asker->ctx->print.is_terminal && cmd_ask(asker->ctx, question);
	return asker->said_yes;
}

/* What will go from the remote, before any of it does. */
static void tell_plan(void *arg, const struct sync_gc_result *plan)
{
	struct ctx *ctx = arg;
	struct buf bytes = {0};

	text_bytes(&bytes, plan->planned_bytes);
	ui_say(&ctx->ui,
	       "Of the remote's objects, %llu (%s) are to go, %llu are used, %llu are "
	       "younger than the grace period; %llu keys that are no objects stay.",
	       (unsigned long long)plan->planned, buf_str(&bytes),
	       (unsigned long long)plan->used, (unsigned long long)plan->kept_young,
	       (unsigned long long)plan->foreign);
	buf_release(&bytes);
}

static void tell_cache(struct ctx *ctx, const struct gc_result *res, bool dry)
{
	static const char *const caches[] = {"repo", "legacy"};
	const struct report *rep = &res->report;

	for (size_t i = 0; dry && i < rep->items.nr; i++) {
		print_text(&ctx->print, "Removing ");
		print_name(&ctx->print, rep->items.v[i].path);
		print_text(&ctx->print, "\n");
	}
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		uint64_t n = report_count_of(rep, caches[i]);

		if (n > 0)
			print_text(&ctx->print, "Removed %llu objects from %s cache.\n",
				   (unsigned long long)n, caches[i]);
		else
			print_text(&ctx->print, "No unused '%s' cache to remove.\n",
				   caches[i]);
	}
}

static void tell_cloud(struct ctx *ctx, const struct sync_gc_result *res, bool dry)
{
	for (size_t i = 0; dry && i < res->report.items.nr; i++) {
		print_text(&ctx->print, "Removing ");
		print_name(&ctx->print, res->report.items.v[i].path);
		print_text(&ctx->print, "\n");
	}
	if (res->removed > 0)
		print_text(&ctx->print, "Removed %llu objects from remote.\n",
			   (unsigned long long)res->removed);
	else
		print_text(&ctx->print, "No unused cache to remove from remote.\n");
	if (res->kept_young > 0)
		print_text(&ctx->print,
			   "Kept %llu objects younger than the grace period.\n",
			   (unsigned long long)res->kept_young);
}

static int ask_remote(struct ctx *ctx, const struct gc_args *args,
		      const struct gc_scope *scope, bool dry, struct report *rep,
		      struct sync_gc_result *res, struct err *e)
{
	int64_t grace_s = args->grace == GRACE_UNSET ? 24 * 60 * 60 : args->grace;
	struct gc_keep keep = {0};
	int r = gc_collect(ctx->repo, scope, &keep, rep, e);

	if (r == 0)
		r = sync_gc(ctx->repo, args->remote, &keep, grace_s * INT64_C(1000000000),
			    dry, args->jobs > 0 ? (unsigned)args->jobs : 0, &ctx->ui.sink,
			    res, e);
	gc_keep_release(&keep);
	return r;
}

/* The plan alone, for the question that follows it. */
static int plan_cloud(struct ctx *ctx, const struct gc_args *args,
		      const struct gc_scope *scope, struct err *e)
{
	struct sync_gc_result res = {.on_plan = tell_plan, .ctx = ctx};
	struct report unused = {0};
	int r = ask_remote(ctx, args, scope, true, &unused, &res, e);

	report_release(&unused);
	report_release(&res.report);
	return r;
}

/* The remote's half: what the scope keeps is collected again, now that the
 * local half is done, because both must keep the same. */
static int collect_cloud(struct ctx *ctx, const struct gc_args *args,
			 const struct gc_scope *scope, struct report *rep, struct err *e)
{
	struct sync_gc_result res = {.ctx = ctx};
	int r;

	if (args->force && !args->dry)
		res.on_plan = tell_plan;
	r = ask_remote(ctx, args, scope, args->dry, rep, &res, e);
	cmd_warnings(ctx, &res.report.warnings);
	for (size_t i = 0; i < res.report.items.nr; i++) {
		const struct report_item *it = &res.report.items.v[i];
		struct err why = {0};

		if (it->error) {
			err_set(&why, it->code, "%s", it->error);
			ui_error(&ctx->ui, "'%s': %s", it->path, it->error);
			report_fail(rep, it->path, &it->oid, &why);
		} else {
			report_add(rep, it->path, &it->oid, it->state, it->bytes);
		}
	}
	report_counted(rep, "remote", res.removed);
	report_counted(rep, "remote_kept_young", res.kept_young);
	rep->bytes += res.removed_bytes;
	if (r == 0 || r == ERR_PARTIAL)
		tell_cloud(ctx, &res, args->dry);
	report_release(&res.report);
	return r;
}

/* A remote that is not there is told of before anything is removed here. */
static int know_remote(struct ctx *ctx, const struct gc_args *args, struct err *e)
{
	struct config_remote section = {0};
	struct config *config = NULL;
	int r = repo_config(ctx->repo, &config, e);

	if (r == 0)
		r = config_remote_open(config, args->remote, &section, e);
	config_remote_release(&section);
	return r;
}

static int on_remote(void *arg, struct repo *r, const struct oid *v, size_t nr,
		     bool *there, struct err *e)
{
	struct ctx *ctx = ((void **)arg)[0];
	const struct gc_args *args = ((void **)arg)[1];
	int ret = sync_lacks(r, args->remote, v, nr, true, &ctx->ui.sink, there, e);

	for (size_t i = 0; ret == 0 && i < nr; i++)
		there[i] = !there[i];
	return ret;
}

/* "no" is not an error in text, but a document that fails says why. */
static void decline_json(struct ctx *ctx)
{
	struct err e = {0};

	err_set(&e, ERR_CANCELED, "not confirmed; '-f' goes ahead without a question");
	json_failure(ctx, &e);
}

static int gc_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct gc_args *args = arg;
	void *remote_ctx[2] = {ctx, arg};
	struct asker asker = {.ctx = ctx};
	struct gc_options o = {
		.scope = {.workspace = args->workspace,
			  .all_branches = args->all_branches,
			  .all_tags = args->all_tags,
			  .all_commits = args->all_commits,
			  .all_experiments = args->all_experiments,
			  .revs = args->revs.v,
			  .revs_nr = args->revs.nr,
			  .num = (int)args->num,
			  .projects = args->projects.v,
			  .projects_nr = args->projects.nr,
			  .skip_failed = args->skip_failed,
			  .force = args->force,
			  .confirm = confirm,
			  .confirm_ctx = &asker},
		.dry_run = args->dry,
		.grace_s = args->grace,
		.on_remote = args->not_in_remote ? on_remote : NULL,
		.remote_ctx = remote_ctx,
	};
	struct gc_result res = {0};
	int r;

	if ((r = check(args, e)) < 0)
		return r;
	if (args->date && !clock_parse(args->date, strlen(args->date), &o.scope.date_ns))
		return err_set(e, ERR_INVALID, "'%s' is no date as YYYY-MM-DD has it",
			       args->date);
	if ((args->cloud || args->not_in_remote) && (r = know_remote(ctx, args, e)) < 0)
		return r;
	warn(ctx, args);
	ctx->fetcher = sync_attach(ctx->repo, &ctx->ui.sink);
	if (args->cloud && !args->force && !args->dry &&
	    (r = plan_cloud(ctx, args, &o.scope, e)) < 0)
		return r;
	if (!args->force && !args->dry &&
	    !cmd_ask(ctx, "Are you sure you want to proceed?")) {
		if (ctx->global.json)
			decline_json(ctx);
		return EXIT_FAILED;
	}
	r = repo_gc(ctx->repo, &o, &res, e);
	if (r == 0)
		tell_cache(ctx, &res, args->dry);
	if (r == 0 && args->cloud)
		r = collect_cloud(ctx, args, &o.scope, &res.report, e);
	r = cmd_finish(ctx, &res.report, r, e);
	gc_result_release(&res);
	return r;
}

const struct cmd cmd_gc = {
	.name = "gc",
	.brief = "Remove stored objects that nothing uses",
	.opts = gc_opts,
	.args_size = sizeof(struct gc_args),
	.defaults = &gc_defaults,
	.needs = NEED_REPO,
	.run = gc_run,
};
