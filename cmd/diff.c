#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/grid.h"
#include "store/base/err.h"
#include "store/repo/diff.h"
#include "store/repo/repo.h"

#include <string.h>

struct diff_args {
	struct opt_list targets;
	const char *a_rev, *b_rev;
	bool show_hash, md, hide_missing;
};

static const struct opt diff_opts[] = {
	{OPT_FIELD(OPT_KIND_MANY, 0, "targets", struct diff_args, targets),
	 .value_name = "PATH",
	 .help = "compare these outputs, or paths inside them, only", .flags = OPT_PATH},
	OPT_BOOL(0, "show-hash", struct diff_args, show_hash, "show digests"),
	OPT_BOOL(0, "md", struct diff_args, md, "print a Markdown table"),
	OPT_BOOL(0, "hide-missing", struct diff_args, hide_missing,
		 "leave out what the cache does not have"),
	OPT_END,
};

static const struct operand diff_operands[] = {
	{.kind = OPERAND_OPT,
	 .name = "a_rev",
	 .at = offsetof(struct diff_args, a_rev),
	 .help = "the old side; HEAD when not given"},
	{.kind = OPERAND_OPT,
	 .name = "b_rev",
	 .at = offsetof(struct diff_args, b_rev),
	 .help = "the new side; the workspace when not given"},
	OPERANDS_END,
};

/* The groups, in the order in which they are shown. */
struct group {
	const char *title, *key, *state;
	const struct diff_list *list;
	size_t files;
};
enum {
	RENAMED = 2,
	MODIFIED = 3,
	GROUPS = 5
};

static void groups_of(const struct diff_result *res, struct group out[GROUPS])
{
	out[0] = (struct group){"Added", "added", "added", &res->added, res->files_added};
	out[1] = (struct group){"Deleted", "deleted", "deleted", &res->deleted,
				res->files_deleted};
	out[2] = (struct group){"Renamed", "renamed", "renamed", &res->renamed,
				res->files_renamed};
	out[3] = (struct group){"Modified", "modified", "modified", &res->modified,
				res->files_modified};
	out[4] = (struct group){"Not in cache", "not in cache", "not in cache",
				&res->not_in_cache, res->files_not_in_cache};
}

/* The first eight digits, and both sides where they differ: "3c09ecd6..b666d33a". */
static void add_hash(struct buf *out, const struct diff_entry *x)
{
	if (x->old_hash && x->hash && strcmp(x->old_hash, x->hash) != 0)
		buf_addf(out, "%.8s..%.8s", x->old_hash, x->hash);
	else if (x->hash || x->old_hash)
		buf_addf(out, "%.8s", x->hash ? x->hash : x->old_hash);
}

/* What a file became, or a directory, keeps the name under which it was known. */
static const char *path_of(const struct diff_entry *x, bool is_rename)
{
	return x->old_path && !is_rename ? x->old_path : x->path;
}

static void show_name(struct ctx *ctx, const struct diff_entry *x, bool is_rename)
{
	if (is_rename) {
		print_name(&ctx->print, x->old_path);
		print_text(&ctx->print, " -> ");
	}
	print_name(&ctx->print, path_of(x, is_rename));
}

static void show_text(struct ctx *ctx, const struct diff_args *args,
		      const struct diff_result *res)
{
	struct group groups[GROUPS];
	bool first = true;

	groups_of(res, groups);
	for (size_t g = 0; g < GROUPS; g++) {
		const struct diff_list *list = groups[g].list;

		if (list->nr == 0)
			continue;
		print_colour(&ctx->print, "1");
		print_text(&ctx->print, "%s", groups[g].title);
		print_colour(&ctx->print, NULL);
		print_text(&ctx->print, ":\n");
		for (size_t i = 0; i < list->nr; i++) {
			struct buf hash = {0};

			print_text(&ctx->print, "    ");
			if (args->show_hash) {
				add_hash(&hash, &list->v[i]);
				print_text(&ctx->print, "%s  ", buf_str(&hash));
			}
			show_name(ctx, &list->v[i], g == RENAMED);
			print_end(&ctx->print);
			buf_release(&hash);
		}
		print_text(&ctx->print, "\n");
	}
	for (size_t g = 0; g < GROUPS; g++) {
		if (groups[g].files == 0)
			continue;
		print_text(&ctx->print, "%s%zu %s", first ? "files summary: " : ", ",
			   groups[g].files, groups[g].state);
		first = false;
	}
	if (!first)
		print_text(&ctx->print, "\n");
}

/* -z: one record a change, "state NUL path NUL", a rename with both paths. */
static void show_records(struct ctx *ctx, const struct diff_result *res)
{
	struct group groups[GROUPS];

	groups_of(res, groups);
	for (size_t g = 0; g < GROUPS; g++)
		for (size_t i = 0; i < groups[g].list->nr; i++) {
			const struct diff_entry *x = &groups[g].list->v[i];

			print_name(&ctx->print, groups[g].state);
			print_end(&ctx->print);
			if (g == RENAMED) {
				print_name(&ctx->print, x->old_path);
				print_end(&ctx->print);
			}
			print_name(&ctx->print, path_of(x, g == RENAMED));
			print_end(&ctx->print);
		}
}

static void show_markdown(struct ctx *ctx, const struct diff_args *args,
			  const struct diff_result *res)
{
	struct group groups[GROUPS];
	struct grid t = {.columns = args->show_hash ? 3 : 2};

	groups_of(res, groups);
	grid_cell(&t, "Status");
	if (args->show_hash)
		grid_cell(&t, "Hash");
	grid_cell(&t, "Path");
	for (size_t g = 0; g < GROUPS; g++)
		for (size_t i = 0; i < groups[g].list->nr; i++) {
			const struct diff_entry *x = &groups[g].list->v[i];
			struct buf hash = {0}, name = {0};

			grid_cell(&t, groups[g].state);
			add_hash(&hash, x);
			if (args->show_hash)
				grid_cell(&t, buf_str(&hash));
			if (g == RENAMED)
				buf_addf(&name, "%s -> ", x->old_path);
			buf_adds(&name, path_of(x, g == RENAMED));
			grid_cell(&t, buf_str(&name));
			buf_release(&hash);
			buf_release(&name);
		}
	grid_markdown(&t, &ctx->print);
	grid_release(&t);
}

static void json_entry(struct jsonw *j, const struct diff_entry *x, bool show_hash,
		       size_t g)
{
	jsonw_object(j);
	jsonw_key(j, "path");
	if (g == RENAMED) {
		jsonw_object(j);
		json_key_str(j, "old", x->old_path);
		json_key_str(j, "new", x->path);
		jsonw_end(j);
	} else {
		jsonw_str(j, path_of(x, false));
	}
	if (show_hash) {
		jsonw_key(j, "hash");
		if (g == MODIFIED) {
			jsonw_object(j);
			json_key_str(j, "old", x->old_hash);
			json_key_str(j, "new", x->hash);
			jsonw_end(j);
		} else {
			jsonw_str(j, x->hash ? x->hash : x->old_hash);
		}
	}
	jsonw_end(j);
}

static void show_json(struct ctx *ctx, const struct diff_args *args,
		      const struct diff_result *res)
{
	/* DVC's order of keys, which is not that of the text. */
	static const unsigned char order[GROUPS] = {0, 1, 3, 2, 4};
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);
	struct group groups[GROUPS];
	bool any = false;

	groups_of(res, groups);
	for (size_t g = 0; g < GROUPS; g++)
		any = any || groups[g].list->nr > 0;
	jsonw_object(j);
	for (size_t k = 0; any && k < GROUPS; k++) {
		size_t g = order[k];

		if (g == 4 && !res->has_not_in_cache)
			continue;
		jsonw_key(j, groups[g].key);
		jsonw_array(j);
		for (size_t i = 0; i < groups[g].list->nr; i++)
			json_entry(j, &groups[g].list->v[i], args->show_hash, g);
		jsonw_end(j);
	}
	jsonw_end(j);
	json_write(ctx, &doc);
}

static int diff_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct diff_args *args = arg;
	struct diff_options o = {
		.a_rev = args->a_rev,
		.b_rev = args->b_rev,
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
		.hide_missing = args->hide_missing,
	};
	struct diff_result res = {0};
	int r = repo_diff(ctx->repo, &o, &res, e);

	cmd_warnings(ctx, &res.warnings);
	ctx->is_unforeseen = r == ERR_NOTFOUND; /* a target that neither side has */
	if (r == 0 && ctx->global.json)
		show_json(ctx, args, &res);
	else if (r == 0 && args->md)
		show_markdown(ctx, args, &res);
	else if (r == 0 && ctx->print.is_nul)
		show_records(ctx, &res);
	else if (r == 0)
		show_text(ctx, args, &res);
	diff_result_release(&res);
	return r;
}

const struct cmd cmd_diff = {
	.name = "diff",
	.brief = "Show which tracked files differ between two revisions",
	.opts = diff_opts,
	.operands = diff_operands,
	.args_size = sizeof(struct diff_args),
	.needs = NEED_REPO,
	.flags = CMD_NUL,
	.failed = "failed to get diff",
	.fail_status = EXIT_FAILED,
	.run = diff_run,
};
