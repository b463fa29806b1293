#include "cmd/cmd.h"
#include "cmd/targets.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/repo/fsck.h"
#include "store/repo/repo.h"

struct fsck_args {
	const char *remote, *sample;
	int64_t jobs;
	bool cache, workspace, on_remote, quick, repair;
	bool all_branches, all_tags, all_commits;
};

static const struct opt fsck_opts[] = {
	OPT_BOOL(0, "cache", struct fsck_args, cache, "check the cache"),
	OPT_BOOL('w', "workspace", struct fsck_args, workspace,
		 "check what the workspace names"),
	OPT_BOOL('c', "cloud", struct fsck_args, on_remote, "check the default remote"),
	OPT_REMOTE_NAME(struct fsck_args, remote, "check this remote; implies -c"),
	OPT_STR(0, "sample", struct fsck_args, sample, "PERCENT",
		"of the remote's objects, read and hash so many; 0: names and sizes"),
	OPT_BOOL(0, "quick", struct fsck_args, quick,
		 "believe records of objects that were verified before"),
	OPT_BOOL(0, "repair", struct fsck_args, repair,
		 "put right what can be, from any copy that verifies"),
	OPT_REVS(struct fsck_args, all_branches, all_tags, all_commits),
	OPT_JOBS(struct fsck_args, jobs),
	OPT_END,
};

/* One line an item: "corrupt: PATH (DIGEST): why". */
static void tell_items(struct ctx *ctx, const struct report *rep)
{
	for (size_t i = 0; i < rep->items.nr; i++) {
		const struct report_item *it = &rep->items.v[i];
		char oid[OID_TEXT_MAX];

		print_text(&ctx->print, "%s: ", it->state);
		print_name(&ctx->print, it->path);
		if (oid_known(&it->oid))
			print_text(&ctx->print, " (%s)", oid_text(&it->oid, oid));
		if (it->error) {
			print_text(&ctx->print, ": ");
			print_name(&ctx->print, it->error);
		}
		print_end(&ctx->print);
	}
}

static void tell_sum(struct ctx *ctx, const char *what, const struct report *rep,
		     uint64_t wrong, uint64_t repaired, bool is_repair)
{
	uint64_t absent = report_count_of(rep, "absent");
	struct buf b = {0};

	text_bytes(&b, rep->bytes);
	print_text(&ctx->print, "%s: %llu objects, %s read; ", what,
		   (unsigned long long)report_count_of(rep, "objects"), buf_str(&b));
	if (wrong == 0)
		print_text(&ctx->print, "all is well.\n");
	else
		print_text(&ctx->print, "%llu wrong, %llu repaired.\n",
			   (unsigned long long)wrong, (unsigned long long)repaired);
	if (report_count_of(rep, "unfinished") > 0 && !is_repair)
		print_text(&ctx->print,
			   "%llu unfinished or damaged, which nothing names or "
			   "believes; --repair takes them away.\n",
			   (unsigned long long)report_count_of(rep, "unfinished"));
	if (absent > 0)
		print_text(&ctx->print,
			   "%llu object%s named by the workspace but not in the cache; "
			   "lode fetch brings what a remote has.\n",
			   (unsigned long long)absent, absent == 1 ? " is" : "s are");
	buf_release(&b);
}

static int check_here(struct ctx *ctx, const struct fsck_args *args, struct err *e)
{
	struct fsck_options o = {
		.quick = args->quick,
		.repair = args->repair,
		.cache = args->cache,
		.workspace = args->workspace,
	};
	struct fsck_result res = {0};
	int r;

	if (args->repair)
		ctx->fetcher = sync_attach(ctx->repo, &ctx->ui.sink);
	r = repo_fsck(ctx->repo, &o, &res, e);
	tell_items(ctx, &res.report);
	if (r == 0 || r == ERR_CORRUPT)
		tell_sum(ctx, "Cache and workspace", &res.report, res.wrong, res.repaired,
			 args->repair);
	r = cmd_finish(ctx, &res.report, r, e);
	fsck_result_release(&res);
	return r;
}

/* "10" or "10%", at most 100. */
static int parse_percent(const char *text, unsigned *out, struct err *e)
{
	struct slice s = slice_of(text);
	uint64_t n;

	if (slice_ends(s, "%"))
		s.n--;
	if (!parse_u64(s, &n) || n > 100)
		return err_set(e, ERR_INVALID,
			       "--sample is a percentage, 0 to 100, not '%s'", text);
	*out = (unsigned)n;
	return 0;
}

static int check_remote(struct ctx *ctx, const struct fsck_args *args, unsigned percent,
			struct err *e)
{
	struct sync_fsck_options o = {
		.remote = args->remote,
		.sample_percent = percent,
		.repair = args->repair,
		.all_branches = args->all_branches,
		.all_tags = args->all_tags,
		.all_commits = args->all_commits,
		.jobs = args->jobs > 0 ? (unsigned)args->jobs : 0,
		.sink = &ctx->ui.sink,
	};
	struct sync_result res = {0};
	int r = sync_fsck(ctx->repo, &o, &res, e);

	tell_items(ctx, &res.report);
	if (r == 0 || r == ERR_CORRUPT)
		tell_sum(ctx, "Remote", &res.report,
			 report_count_of(&res.report, "wrong"),
			 report_count_of(&res.report, "repaired"), args->repair);
	r = cmd_finish(ctx, &res.report, r, e);
	sync_result_release(&res);
	return r;
}

static int fsck_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct fsck_args *args = arg;
	bool on_remote = args->on_remote || args->remote;
	unsigned percent = 100;
	int r;

	if (args->sample && (r = parse_percent(args->sample, &percent, e)) < 0)
		return r;
	if (on_remote && (args->cache || args->workspace))
		return err_set(e, ERR_INVALID,
			       "--cloud and --remote check the remote alone; they do not "
			       "go with --cache and --workspace");
	return on_remote ? check_remote(ctx, args, percent, e) : check_here(ctx, args, e);
}

const struct cmd cmd_fsck = {
	.name = "fsck",
	.brief = "Check that what is stored is what its name says, and repair it",
	.opts = fsck_opts,
	.args_size = sizeof(struct fsck_args),
	.needs = NEED_REPO,
	.fail_status = EXIT_FAILED,
	.run = fsck_run,
};
