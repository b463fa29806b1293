#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/levels.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/repo/repo.h"

#include <stdlib.h>
#include <string.h>

struct config_args {
	const char *name, *value;
	int level;
	bool unset, list, show_origin;
};

static const struct opt config_opts[] = {
	OPT_LEVELS(struct config_args, level),
	OPT_BOOL('u', "unset", struct config_args, unset, "remove the option"),
	OPT_BOOL('l', "list", struct config_args, list, "show everything that is set"),
	OPT_BOOL(0, "show-origin", struct config_args, show_origin,
		 "show the file that a value comes from"),
	OPT_END,
};

static const struct operand config_operands[] = {
	{.kind = OPERAND_OPT,
	 .name = "name",
	 .at = offsetof(struct config_args, name),
	 .help = "section.option, or remote.NAME.option"},
	{.kind = OPERAND_OPT,
	 .name = "value",
	 .at = offsetof(struct config_args, value),
	 .help = "what to set it to; without it the value is shown"},
	OPERANDS_END,
};

/* The repository's own files as seen from its root, others whole. */
static const char *origin_of(const struct ctx *ctx, const char *file)
{
	const char *root = ctx->repo ? repo_root(ctx->repo) : NULL;
	size_t n = root ? strlen(root) : 0;

	if (root && path_within(file, root) && file[n] == '/')
		return file + n + 1;
	return file;
}

static void show_item(struct ctx *ctx, const struct config_args *args,
		      const struct config_item *it)
{
	char *shown = levels_shown(it->section, it->key, it->value.text);

	if (args->show_origin) {
		print_name(&ctx->print, origin_of(ctx, it->value.file));
		print_text(&ctx->print, "\t");
	}
	print_text(&ctx->print, "%s.%s=", it->section, it->key);
	print_name(&ctx->print, shown);
	print_end(&ctx->print);
	free(shown);
}

static void json_item(struct ctx *ctx, struct jsonw *j, const struct config_item *it)
{
	static const char *const levels[CONFIG_LEVELS] = {"system", "global", "project",
							  "local"};
	char *shown = levels_shown(it->section, it->key, it->value.text);

	jsonw_object(j);
	jsonw_key(j, "name");
	{
		struct buf name = {0};

		buf_addf(&name, "%s.%s", it->section, it->key);
		jsonw_str(j, buf_str(&name));
		buf_release(&name);
	}
	json_key_str(j, "value", shown);
	json_key_str(j, "level", levels[it->value.level]);
	json_key_str(j, "file", origin_of(ctx, it->value.file));
	jsonw_end(j);
	free(shown);
}

static int list(struct ctx *ctx, const struct config_args *args, struct config *c)
{
	struct config_item *items;
	size_t nr = config_items(
		c, args->level ? (enum config_level)(args->level - 1) : CONFIG_ANY,
		&items);

	if (ctx->global.json) {
		struct json doc;
		struct jsonw *j = json_start(ctx, &doc);

		json_open_common(ctx, j, NULL, NULL);
		jsonw_key(j, "config");
		jsonw_array(j);
		for (size_t i = 0; i < nr; i++)
			json_item(ctx, j, &items[i]);
		jsonw_end(j);
		jsonw_end(j);
		json_write(ctx, &doc);
	} else {
		for (size_t i = 0; i < nr; i++)
			show_item(ctx, args, &items[i]);
	}
	free(items);
	return 0;
}

/* A value that was asked for by name is shown as it is, secret or not. */
static int get(struct ctx *ctx, const struct config_args *args, struct config *c,
	       const char *section, const char *key, struct err *e)
{
	struct config_value v;
	bool found = args->level ? config_get_at(c, (enum config_level)(args->level - 1),
						 section, key, &v)
				 : config_get(c, section, key, &v);

	if (!found && args->level)
		return err_set(
			e, ERR_CONFIG,
			"config file error: option '%s' doesn't exist in section '%s'",
			key, section);
	if (ctx->global.json) {
		struct json doc;
		struct jsonw *j = json_start(ctx, &doc);

		json_open_common(ctx, j, NULL, NULL);
		json_key_str(j, "value", found ? v.text : NULL);
		json_key_str(j, "file", found ? origin_of(ctx, v.file) : NULL);
		jsonw_end(j);
		json_write(ctx, &doc);
	} else if (found) {
		if (args->show_origin)
			print_text(&ctx->print, "%s\t", origin_of(ctx, v.file));
		print_name(&ctx->print, v.text);
		print_text(&ctx->print, "\n");
	}
	return 0;
}

static int change(struct ctx *ctx, const struct config_args *args, const char *section,
		  const char *key, struct err *e)
{
	struct config_edit ed;
	char *cwd = NULL;
	int r;

	if ((r = levels_edit(ctx, args->level, &ed, &cwd, e)) == 0)
		r = args->unset ? config_unset(&ed, section, key, false, e)
				: config_set(&ed, section, key, args->value, e);
	if (r == 0 && !args->unset)
		levels_warn_secret(ctx, args->level, section, key);
	free(cwd);
	return r;
}

static int usage(struct ctx *ctx, const char *text)
{
	ui_error(&ctx->ui, "%s", text);
	return EXIT_FAILED;
}

static int config_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct config_args *args = arg;
	char *section = NULL, *key = NULL;
	struct config *c = NULL;
	int r = 0;

	if (args->list && (args->unset || args->name))
		return usage(ctx, "-l/--list can't be used with any of these options: "
				  "-u/--unset, name, value");
	if (!args->list && !args->name)
		return usage(ctx, "name argument is required");
	if (args->show_origin && (args->unset || args->value))
		return usage(ctx,
			     "--show-origin can't be used with any of these options: "
			     "-u/--unset, value");
	if (args->name && !config_split_name(args->name, &section, &key)) {
		cmd_usage(ctx, "argument name: name argument should look like "
			       "remote.name.option or db.name.option or section.option");
		return EXIT_USAGE;
	}
	if (args->list || (!args->value && !args->unset)) {
		if ((r = levels_load(ctx, &c, e)) == 0)
			r = args->list ? list(ctx, args, c)
				       : get(ctx, args, c, section, key, e);
	} else {
		r = change(ctx, args, section, key, e);
	}
	config_free(c);
	free(section);
	free(key);
	return r;
}

const struct cmd cmd_config = {
	.name = "config",
	.brief = "Show and change the configuration",
	.opts = config_opts,
	.operands = config_operands,
	.args_size = sizeof(struct config_args),
	.needs = NEED_REPO | NEED_LENIENT | NEED_MAYBE,
	.flags = CMD_NUL,
	.run = config_run,
};
