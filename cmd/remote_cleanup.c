#include "cmd/cmd.h"
#include "cmd/json.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/meta/config.h"
#include "store/repo/repo.h"

struct cleanup_args {
	const char *name, *older_than;
	bool dry_run;
};

/* A colleague's push may still be on its way: a day, as `gc -c` has it. */
static const struct cleanup_args cleanup_defaults = {.older_than = "1d"};

static const struct opt cleanup_opts[] = {
	OPT_STR(0, "older-than", struct cleanup_args, older_than, "AGE",
		"only what was begun so long ago: 90s, 12h, 7d (default: 1d)"),
	OPT_BOOL(0, "dry-run", struct cleanup_args, dry_run, "only say what would go"),
	OPT_END,
};

static const struct operand cleanup_operands[] = {
	{.kind = OPERAND_OPT,
	 .name = "name",
	 .at = offsetof(struct cleanup_args, name),
	 .help = "the remote; the default one when not given",
	 .flags = OPT_REMOTE},
	OPERANDS_END,
};

static void tell(struct ctx *ctx, const struct sync_cleanup_result *res, bool dry_run)
{
	for (size_t i = 0; i < res->report.items.nr; i++) {
		const struct report_item *it = &res->report.items.v[i];

		if (it->code)
			continue;
		print_text(&ctx->print, "%s %s ", it->state,
			   it->state[dry_run ? 6 : 0] == 'a' ? "upload of" : "record of");
		print_name(&ctx->print, it->path);
		print_text(&ctx->print, "\n");
	}
	if (res->aborted == 0 && res->removed == 0)
		print_text(&ctx->print, "Nothing to clean up.\n");
	if (res->kept > 0)
		print_text(&ctx->print,
			   "Kept %llu that %s in use or younger than the age.\n",
			   (unsigned long long)res->kept, res->kept == 1 ? "is" : "are");
}

static int cleanup_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct cleanup_args *args = arg;
	struct sync_cleanup_options o = {
		.remote = args->name, .dry_run = args->dry_run, .sink = &ctx->ui.sink};
	struct sync_cleanup_result res = {0};
	int64_t seconds;
	int r;

	if (!config_parse_seconds(args->older_than, &seconds) || seconds < 0 ||
	    seconds > INT64_MAX / 1000000000)
		return err_set(
			e, ERR_INVALID,
			"`--older-than` is an age such as 90s, 12h or 7d, not '%s'",
			args->older_than);
	o.age_ns = seconds * 1000000000;
	r = sync_cleanup(ctx->repo, &o, &res, e);
	if (ctx->global.json) {
		struct err failure = {0};

		if (r < 0)
			failure = *e;
		failure.code = r;
		json_report(ctx, &res.report, r < 0 ? &failure : NULL);
	} else if (r == 0 || r == ERR_PARTIAL) {
		tell(ctx, &res, args->dry_run);
	}
	for (size_t i = 0; !ctx->global.json && i < res.report.errors.nr; i++)
		ui_error(&ctx->ui, "%s", res.report.errors.v[i].message);
	report_release(&res.report);
	return r;
}

const struct cmd cmd_remote_cleanup = {
	.name = "cleanup",
	.brief = "Abort uploads that never ended",
	.opts = cleanup_opts,
	.operands = cleanup_operands,
	.args_size = sizeof(struct cleanup_args),
	.defaults = &cleanup_defaults,
	.needs = NEED_REPO,
	.run = cleanup_run,
};
