#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/levels.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/repo/repo.h"

#include <stdlib.h>

struct cache_args {
	const char *value;
	int level;
	bool unset;
};

static const struct opt cache_opts[] = {
	OPT_LEVELS(struct cache_args, level),
	OPT_BOOL('u', "unset", struct cache_args, unset, "go back to .dvc/cache"),
	OPT_END,
};

static const struct operand cache_operands[] = {
	OPERAND(OPERAND_OPT, "value", struct cache_args, value,
		"the directory; shown when not given"),
	OPERANDS_END,
};

static int show(struct ctx *ctx, int level, struct err *e)
{
	struct config *c;
	char *dir = NULL;
	int r;

	if ((r = levels_load(ctx, &c, e)) < 0)
		return r;
	if (level &&
	    !config_get_at(c, (enum config_level)(level - 1), "cache", "dir", NULL))
		r = err_set(
			e, ERR_CONFIG,
			"config file error: option 'dir' doesn't exist in section 'cache'");
	else if (!(dir = config_path(c, "cache", "dir")) && ctx->repo)
		dir = path_join(repo_dvc_dir(ctx->repo), "cache");
	if (r == 0 && !dir)
		r = err_set(e, ERR_CONFIG, "config file error: Not inside a DVC repo");
	if (r == 0 && ctx->global.json) {
		struct json doc;
		struct jsonw *j = json_start(ctx, &doc);

		json_open_common(ctx, j, NULL, NULL);
		json_key_str(j, "dir", dir);
		jsonw_end(j);
		json_write(ctx, &doc);
	} else if (r == 0) {
		print_name(&ctx->print, dir);
		print_text(&ctx->print, "\n");
	}
	free(dir);
	config_free(c);
	return r;
}

static int cache_dir_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct cache_args *args = arg;
	struct config_edit ed;
	char *cwd = NULL;
	int r;

	if (!args->value && !args->unset)
		return show(ctx, args->level, e);
	if ((r = levels_edit(ctx, args->level, &ed, &cwd, e)) == 0)
		r = args->unset ? config_unset(&ed, "cache", "dir", false, e)
				: config_set(&ed, "cache", "dir", args->value, e);
	free(cwd);
	return r;
}

static const struct cmd cmd_cache_dir = {
	.name = "dir",
	.brief = "Show or choose the cache directory",
	.opts = cache_opts,
	.operands = cache_operands,
	.args_size = sizeof(struct cache_args),
	.needs = NEED_REPO | NEED_LENIENT | NEED_MAYBE,
	.run = cache_dir_run,
};

struct migrate_args {
	bool dvc_files, dry;
};

static const struct opt migrate_opts[] = {
	OPT_BOOL(0, "dvc-files", struct migrate_args, dvc_files,
		 "rewrite .dvc files too"),
	OPT_BOOL(0, "dry", struct migrate_args, dry, "tell what would be done"),
	OPT_END,
};

static int migrate_run(struct ctx *ctx, void *arg, struct err *e)
{
	(void)ctx;
	(void)arg;
	return err_set(e, ERR_UNSUPPORTED,
		       "'cache migrate' is understood but not offered yet; the older "
		       "layout is read as it is");
}

static const struct cmd cmd_cache_migrate = {
	.name = "migrate",
	.brief = "Move a 2.x cache to the 3.x layout",
	.opts = migrate_opts,
	.args_size = sizeof(struct migrate_args),
	.flags = CMD_HIDDEN,
	.run = migrate_run,
};

static const struct cmd *const cache_subs[] = {&cmd_cache_dir, &cmd_cache_migrate, NULL};

const struct cmd cmd_cache = {
	.name = "cache",
	.brief = "Set up the cache",
	.subs = cache_subs,
};
