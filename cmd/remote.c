#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/levels.h"
#include "cmd/remote_test.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/repo/repo.h"

#include <stdlib.h>
#include <string.h>

struct remote_args {
	const char *name, *to, *url, *option, *value;
	int level;
	bool make_default, force, unset;
};

#define REMOTE_OPERAND(kind_, s, field, text)                                            \
	{                                                                                \
		.kind = (kind_), .name = (s), .at = offsetof(struct remote_args, field), \
		.help = (text), .flags = OPT_REMOTE                                      \
	}
#define PLAIN_OPERAND(kind_, s, field, text)                                             \
	{                                                                                \
		.kind = (kind_), .name = (s), .at = offsetof(struct remote_args, field), \
		.help = (text)                                                           \
	}

#define REMOTE_NEEDS (NEED_REPO | NEED_LENIENT | NEED_MAYBE)

static char *section_of(const char *name)
{
	return xasprintf("remote.%s", name);
}

/* ---- add ------------------------------------------------------------------- */

static const struct opt add_opts[] = {
	OPT_LEVELS(struct remote_args, level),
	OPT_BOOL('d', "default", struct remote_args, make_default,
		 "make it the default remote"),
	OPT_BOOL('f', "force", struct remote_args, force, "overwrite an existing one"),
	OPT_END,
};

static const struct operand add_operands[] = {
	PLAIN_OPERAND(OPERAND_ONE, "name", name, "the new remote's name"),
	OPERAND(OPERAND_ONE, "url", struct remote_args, url,
		"where it is: s3://BUCKET/PREFIX, or a directory"),
	OPERANDS_END,
};

static int add_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct remote_args *args = arg;
	struct config_edit ed;
	char *cwd = NULL;
	int r;

	if ((r = levels_edit(ctx, args->level, &ed, &cwd, e)) == 0)
		r = config_remote_add(&ed, args->name, args->url, args->force,
				      args->make_default, e);
	if (r == 0 && args->make_default) {
		char *lower = xstrdup(args->name);

		for (char *c = lower; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
		print_text(&ctx->print, "Setting '");
		print_name(&ctx->print, lower);
		print_text(&ctx->print, "' as a default remote.\n");
		free(lower);
	}
	free(cwd);
	return r;
}

static const struct cmd cmd_remote_add = {
	.name = "add",
	.brief = "Add a remote",
	.opts = add_opts,
	.operands = add_operands,
	.args_size = sizeof(struct remote_args),
	.needs = REMOTE_NEEDS,
	.run = add_run,
};

/* ---- list ------------------------------------------------------------------ */

static const struct opt list_opts[] = {
	OPT_LEVELS(struct remote_args, level),
	OPT_END,
};

struct listing {
	struct ctx *ctx;
	struct jsonw *j; /* NULL: text */
	const char *default_name;
};

static void list_one(struct listing *l, const char *name, const char *url)
{
	bool is_default = l->default_name && strcmp(l->default_name, name) == 0;
	char *section = section_of(name), *shown = levels_shown(section, "url", url);

	if (l->j) {
		jsonw_object(l->j);
		json_key_str(l->j, "name", name);
		json_key_str(l->j, "url", shown);
		jsonw_key(l->j, "default");
		jsonw_bool(l->j, is_default);
		jsonw_end(l->j);
	} else {
		print_column(&l->ctx->print, name);
		if (is_default) {
			print_column(&l->ctx->print, shown);
			print_text(&l->ctx->print, "(default)");
		} else {
			print_name(&l->ctx->print, shown);
		}
		print_end(&l->ctx->print);
	}
	free(shown);
	free(section);
}

/* What one level says, or what all of them say together. */
static int list_all(struct listing *l, const struct config *c, int level, struct err *e)
{
	int r = 0;

	if (level) {
		struct config_item *items;
		size_t nr = config_items(c, (enum config_level)(level - 1), &items);

		for (size_t i = 0; i < nr; i++)
			if (strncmp(items[i].section, "remote.", 7) == 0 &&
			    strcmp(items[i].key, "url") == 0)
				list_one(l, items[i].section + 7, items[i].value.text);
		free(items);
	} else {
		struct strvec names = {0};

		config_remotes(c, &names);
		for (size_t i = 0; r == 0 && i < names.nr; i++) {
			char *section = section_of(names.v[i]);
			char *url = config_path(c, section, "url");

			if (url)
				list_one(l, names.v[i], url);
			else
				r = err_set(e, ERR_INVALID, "remote '%s' has no url",
					    names.v[i]);
			free(url);
			free(section);
		}
		strvec_release(&names);
	}
	return r;
}

static int list_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct remote_args *args = arg;
	struct listing l = {.ctx = ctx};
	struct config_value v;
	struct config *c;
	struct json doc = {0};
	int r;

	if ((r = levels_load(ctx, &c, e)) < 0)
		return r;
	if (args->level ? config_get_at(c, (enum config_level)(args->level - 1), "core",
					"remote", &v)
			: config_get(c, "core", "remote", &v))
		l.default_name = v.text;
	if (ctx->global.json) {
		l.j = json_start(ctx, &doc);
		json_open_common(ctx, l.j, NULL, NULL);
		jsonw_key(l.j, "remotes");
		jsonw_array(l.j);
	}
	r = list_all(&l, c, args->level, e);
	if (l.j && r == 0) {
		jsonw_end(l.j);
		jsonw_end(l.j);
		json_write(ctx, &doc);
	}
	buf_release(&doc.text);
	config_free(c);
	return r;
}

static const struct cmd cmd_remote_list = {
	.name = "list",
	.brief = "List remotes",
	.opts = list_opts,
	.args_size = sizeof(struct remote_args),
	.needs = REMOTE_NEEDS,
	.flags = CMD_NUL,
	.run = list_run,
};

/* ---- modify ---------------------------------------------------------------- */

static const struct opt modify_opts[] = {
	OPT_LEVELS(struct remote_args, level),
	OPT_BOOL('u', "unset", struct remote_args, unset, "remove the option"),
	OPT_END,
};

static const struct operand modify_operands[] = {
	REMOTE_OPERAND(OPERAND_ONE, "name", name, "the remote"),
	PLAIN_OPERAND(OPERAND_ONE, "option", option, "the option"),
	PLAIN_OPERAND(OPERAND_OPT, "value", value, "what to set it to"),
	OPERANDS_END,
};

static int modify_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct remote_args *args = arg;
	struct config_edit ed;
	char *cwd = NULL, *section = section_of(args->name);
	int r;

	if (!args->value && !args->unset)
		r = err_set(e, ERR_CONFIG,
			    "config file error: a value, or -u/--unset, is needed");
	else if ((r = levels_edit(ctx, args->level, &ed, &cwd, e)) == 0)
		r = config_remote_modify(&ed, args->name, args->option,
					 args->unset ? NULL : args->value, e);
	if (r == 0 && !args->unset)
		levels_warn_secret(ctx, args->level, section, args->option);
	free(section);
	free(cwd);
	return r;
}

static const struct cmd cmd_remote_modify = {
	.name = "modify",
	.brief = "Change an option of a remote",
	.opts = modify_opts,
	.operands = modify_operands,
	.args_size = sizeof(struct remote_args),
	.needs = REMOTE_NEEDS,
	.run = modify_run,
};

/* ---- default --------------------------------------------------------------- */

static const struct operand default_operands[] = {
	REMOTE_OPERAND(OPERAND_OPT, "name", name, "the remote; shown when not given"),
	OPERANDS_END,
};

static int default_show(struct ctx *ctx, int level, struct err *e)
{
	struct config_value v;
	struct config *c;
	bool found;
	int r;

	if ((r = levels_load(ctx, &c, e)) < 0)
		return r;
	found = level ? config_get_at(c, (enum config_level)(level - 1), "core", "remote",
				      &v)
		      : config_get(c, "core", "remote", &v);
	if (ctx->global.json) {
		struct json doc;
		struct jsonw *j = json_start(ctx, &doc);

		json_open_common(ctx, j, NULL, NULL);
		json_key_str(j, "default", found ? v.text : NULL);
		jsonw_end(j);
		json_write(ctx, &doc);
	} else {
		print_name(&ctx->print, found ? v.text : "No default remote set");
		print_text(&ctx->print, "\n");
	}
	config_free(c);
	return found ? 0 : EXIT_FAILED;
}

static int default_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct remote_args *args = arg;
	struct config_edit ed;
	char *cwd = NULL;
	int r;

	if (!args->name && !args->unset)
		return default_show(ctx, args->level, e);
	if ((r = levels_edit(ctx, args->level, &ed, &cwd, e)) == 0)
		r = config_remote_default(&ed, args->unset ? NULL : args->name, e);
	free(cwd);
	return r;
}

static const struct cmd cmd_remote_default = {
	.name = "default",
	.brief = "Show or choose the default remote",
	.opts = modify_opts,
	.operands = default_operands,
	.args_size = sizeof(struct remote_args),
	.needs = REMOTE_NEEDS,
	.run = default_run,
};

/* ---- rename, remove -------------------------------------------------------- */

static const struct operand rename_operands[] = {
	REMOTE_OPERAND(OPERAND_ONE, "name", name, "the remote"),
	PLAIN_OPERAND(OPERAND_ONE, "new", to, "its new name"),
	OPERANDS_END,
};

static int rename_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct remote_args *args = arg;
	struct config_edit ed;
	char *cwd = NULL;
	int r;

	if ((r = levels_edit(ctx, args->level, &ed, &cwd, e)) == 0)
		r = config_remote_rename(&ed, args->name, args->to, e);
	free(cwd);
	return r;
}

static const struct cmd cmd_remote_rename = {
	.name = "rename",
	.brief = "Rename a remote",
	.opts = list_opts,
	.operands = rename_operands,
	.args_size = sizeof(struct remote_args),
	.needs = REMOTE_NEEDS,
	.run = rename_run,
};

static const struct operand remove_operands[] = {
	REMOTE_OPERAND(OPERAND_ONE, "name", name, "the remote"),
	OPERANDS_END,
};

static int remove_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct remote_args *args = arg;
	struct config_edit ed;
	char *cwd = NULL;
	int r;

	if ((r = levels_edit(ctx, args->level, &ed, &cwd, e)) == 0)
		r = config_remote_remove(&ed, args->name, e);
	free(cwd);
	return r;
}

static const char *const remove_aliases[] = {"rm", NULL};

static const struct cmd cmd_remote_remove = {
	.name = "remove",
	.aliases = remove_aliases,
	.brief = "Remove a remote; what it stores stays",
	.opts = list_opts,
	.operands = remove_operands,
	.args_size = sizeof(struct remote_args),
	.needs = REMOTE_NEEDS,
	.run = remove_run,
};

extern const struct cmd cmd_remote_cleanup; /* remote_cleanup.c */

static const struct cmd *const remote_subs[] = {
	&cmd_remote_add,    &cmd_remote_cleanup, &cmd_remote_default,
	&cmd_remote_list,   &cmd_remote_modify,	 &cmd_remote_remove,
	&cmd_remote_rename, &cmd_remote_test,	 NULL,
};

const struct cmd cmd_remote = {
	.name = "remote",
	.brief = "Set up where data is pushed to and pulled from",
	.subs = remote_subs,
};
