#include "cmd/transfer.h"

#include "cmd/json.h"
#include "cmd/summary.h"
#include "remote/sync/sync.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/repo/repo.h"

#include <string.h>
#include <time.h>

const struct transfer_args transfer_defaults = {.max_size = -1};

const struct operand transfer_operands[] = {
	OPERAND_TARGETS(struct transfer_args, targets),
	OPERANDS_END,
};

/* "20M", "20MB/s"; 0 for what is no rate. */
static uint64_t rate_of(const char *text)
{
	struct slice s = slice_of(text);
	uint64_t v = 0;

	if (slice_ends(s, "/s"))
		s.n -= 2;
	return text && parse_bytes(s, &v) && v <= INT64_MAX ? v : 0;
}

int transfer_check(const struct transfer_args *args, struct err *e)
{
	if (args->limit_up && rate_of(args->limit_up) == 0)
		return err_set(e, ERR_INVALID,
			       "`--limit-up` is bytes a second such as 500K or 20M, "
			       "not '%s'",
			       args->limit_up);
	if (args->limit_down && rate_of(args->limit_down) == 0)
		return err_set(e, ERR_INVALID,
			       "`--limit-down` is bytes a second such as 500K or 20M, "
			       "not '%s'",
			       args->limit_down);
	if (args->max_connections < 0 || args->max_connections > UINT16_MAX)
		return err_set(e, ERR_INVALID,
			       "`--max-connections` must be a positive number");
	return 0;
}

struct sync_options transfer_options(struct ctx *ctx, const struct transfer_args *args,
				     struct strvec *targets, struct strvec *types)
{
	*targets = cmd_strvec(&args->targets);
	*types = cmd_strvec(&args->types);
	return (struct sync_options){
		.remote = args->remote,
		.targets = targets,
		.all_branches = args->all_branches,
		.all_tags = args->all_tags,
		.all_commits = args->all_commits,
		.recursive = args->recursive,
		.with_deps = args->with_deps,
		.glob = args->glob,
		.run_cache = args->run_cache && !args->no_run_cache,
		.jobs = args->jobs > 0 ? (unsigned)args->jobs : 0,
		.dry_run = args->dry_run,
		.refresh = args->refresh,
		.verify = args->verify,
		.force = args->force,
		.allow_missing = args->allow_missing,
		.max_size = args->max_size,
		.limit_up = rate_of(args->limit_up),
		.limit_down = rate_of(args->limit_down),
		.connections_max = (unsigned)args->max_connections,
		.types = types,
		.sink = &ctx->ui.sink,
	};
}

void transfer_json(struct ctx *ctx, struct sync_result *res, int r, const struct err *e)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);
	struct err failure = {0};
	char when[21];

	if (r < 0) {
		failure = *e;
		failure.code = r;
	}
	report_counted(&res->report, "files", res->moved);
	res->report.bytes = res->moved_bytes;
	json_open_common(ctx, j, &res->report, r < 0 ? &failure : NULL);
	json_key_int(j, "moved", (int64_t)res->moved);
	jsonw_key(j, "placed");
	json_items(j, &res->checkout.report);
	jsonw_key(j, "confirmed_at");
	if (res->confirmed_ns > 0) {
		clock_format_iso(res->confirmed_ns, when);
		jsonw_str(j, when);
	} else {
		jsonw_str(j, NULL);
	}
	json_key_int(j, "requests", (int64_t)res->requests);
	jsonw_end(j);
	json_write(ctx, &doc);
}

static void tell_up_to_date(struct ctx *ctx, const struct sync_result *res)
{
	print_text(&ctx->print, "Everything is up to date");
	if (res->confirmed_ns > 0) {
		time_t at = (time_t)(res->confirmed_ns / 1000000000);
		char hour[8] = "";
		struct tm tm;

		if (localtime_r(&at, &tm))
			strftime(hour, sizeof(hour), "%H:%M", &tm);
		print_text(&ctx->print, " (confirmed %s; --refresh asks again)", hour);
	} else {
		print_text(&ctx->print, ".");
	}
	print_text(&ctx->print, "\n");
}

void transfer_warn(struct ctx *ctx, const struct sync_result *res)
{
	const struct report *rep = &res->report;
	struct map told = {0};

	cmd_warnings(ctx, &rep->warnings);
	if (res->nothing_to_ask)
		ui_say(&ctx->ui, "No remote provided and no default remote set.");
	/* Every object that is missing or failed is named, whatever the last line
	 * of the story says. */
	for (size_t i = 0; i < rep->items.nr; i++) {
		const struct report_item *it = &rep->items.v[i];
		char oid[OID_TEXT_MAX];

		/* What ctrl-C stopped is told once, by the last line. */
		if (!it->error || it->code == ERR_CANCELED)
			continue;
		/* What a partial push cannot promise yet is not an error of it. */
		if (strcmp(it->state, "withheld") == 0) {
			struct buf b = {0};

			text_escape(&b, slice_of(it->path));
			ui_say(&ctx->ui, "the manifest of '%s' stays here: %s",
			       buf_str(&b), it->error);
			buf_release(&b);
			continue;
		}
		(void)map_set(&told, slice_of(it->path), i);
		if (oid_known(&it->oid))
			ui_error(&ctx->ui, "%s '%s' (%s): %s", it->state, it->path,
				 oid_text(&it->oid, oid), it->error);
		else
			ui_error(&ctx->ui, "%s '%s': %s", it->state, it->path, it->error);
	}
	for (size_t i = 0; i < rep->errors.nr; i++) {
		const struct report_failure *f = &rep->errors.v[i];

		if (f->code == ERR_CANCELED ||
		    (f->path && map_has(&told, slice_of(f->path))))
			continue;
		if (f->path)
			ui_error(&ctx->ui, "'%s': %s", f->path, f->message);
		else
			ui_error(&ctx->ui, "%s", f->message);
	}
	map_release(&told);
}

void transfer_tell(struct ctx *ctx, const char *done, bool dry_run,
		   struct sync_result *res, int r, const struct err *e)
{
	transfer_warn(ctx, res);
	if (ctx->global.json) {
		transfer_json(ctx, res, r, e);
		return;
	}
	if (dry_run)
		summary_bytes(ctx, done, res->moved, res->moved_bytes);
	else if (res->moved > 0)
		print_text(&ctx->print, "%llu file%s %s\n",
			   (unsigned long long)res->moved, res->moved == 1 ? "" : "s",
			   done);
	else if (r == 0)
		tell_up_to_date(ctx, res);
}
