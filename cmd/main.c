/*
 * lode: the way in. Finds the command, parses its line, opens what it needs,
 * runs it, and turns what happened into one error line and one exit status.
 */
#include "cmd/cmd.h"
#include "cmd/json.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/lock.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/repo/repo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the command line says: which command, and where its words begin. */
struct line {
	const struct cmd *parent; /* of a sub-command, or NULL */
	const struct cmd *cmd;
	int argc;
	char **argv;
	bool is_unknown; /* names no command: all of the help would hide the error */
};

static void set_streams(struct ctx *ctx)
{
	ctx->print.is_mute = ctx->global.quiet || ctx->global.json;
	ctx->print.is_nul = ctx->global.nul;
	ctx->ui.is_silent = ctx->global.quiet > 0;
}

static void show_help(struct ctx *ctx, const struct line *l)
{
	if (l->cmd)
		help_command(&ctx->print, ctx->prog, l->parent, l->cmd);
	else
		help_main(&ctx->print, ctx->prog);
}

/* Does a word ask for --json? For errors met before the options were parsed. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* Errors of the command line: the message, then help on stdout, as argparse does. */
static int usage_error(struct ctx *ctx, const struct line *l, bool is_exit2,
		       const struct err *e)
{
	char text[sizeof(e->text)];

	err_format(e, text, sizeof(text));
	ctx->ui.is_silent = false; /* parse errors appear with -q too */
	ui_error(&ctx->ui, "%s", text);
	/* The word may stand behind what was wrong. */
	if (ctx->global.json || wants_json(l->argc, l->argv))
		json_failure(ctx, e);
	else if (!is_exit2 && !l->is_unknown && (l->cmd || l->argc == 0))
		show_help(ctx, l);
	return is_exit2 ? EXIT_CONFLICT : EXIT_USAGE;
}

static int no_such_command(const struct ctx *ctx, const struct line *l,
			   const struct cmd *const *list, const char *word, struct err *e)
{
	const char *prog = ctx->prog, *near, *space = l->cmd ? " " : "",
		   *parent = l->cmd ? l->cmd->name : "";
	struct strvec names = {0};
	int r;

	for (; *list; list++)
		if (!((*list)->flags & CMD_HIDDEN))
			strvec_push(&names, (*list)->name);
	vec_push(&names, NULL);
	near = text_nearest(word, (const char *const *)names.v);
	if (near)
		r = err_set(e, ERR_INVALID,
			    "no such command: '%s%s%s' (did you mean '%s'?); "
			    "'%s help%s%s' lists all",
			    parent, space, word, near, prog, space, parent);
	else
		r = err_set(e, ERR_INVALID,
			    "no such command: '%s%s%s'; '%s help%s%s' lists all", parent,
			    space, word, prog, space, parent);
	names.nr--;
	strvec_release(&names);
	return r;
}

/* Global options, then the command's name, then a sub-command's. */
static int find_command(struct ctx *ctx, struct line *l, bool *has_help, bool *is_exit2,
			struct err *e)
{
	struct opt_set sets[] = {{cmd_global_opts, &ctx->global},
				 {cmd_common_opts, &ctx->global}};
	const struct cmd *const *list = cmd_list;
	size_t first = 0;

	for (;;) {
		struct opt_parse p = {.sets = sets + first,
				      .sets_nr = ARRAY_SIZE(sets) - first,
				      .stop_at_operand = true};
		const char *what = l->cmd ? "cmd" : "command";
		const struct cmd *found;
		int r = opt_parse(&p, l->argc, l->argv, e);

		*has_help = p.has_help;
		*is_exit2 = p.is_exit2;
		if (r < 0 || p.has_help || (ctx->global.show_version && !l->cmd))
			return r;
		l->argv += p.used;
		l->argc -= p.used;
		if (l->argc == 0)
			return err_set(e, ERR_INVALID,
				       "the following arguments are required: %s", what);
		if (!l->cmd && cmd_is_known_elsewhere(l->argv[0]))
			return 0;
		found = cmd_find(list, l->argv[0]);
		l->is_unknown = !found;
		if (!found)
			return no_such_command(ctx, l, list, l->argv[0], e);
		l->parent = l->cmd;
		l->cmd = found;
		l->argv++;
		l->argc--;
		/* A command that also runs by itself takes a sub-command's name only
		 * right behind its own. */
		if (!found->subs ||
		    (found->run && (l->argc == 0 || !cmd_find(found->subs, l->argv[0]))))
			return 0;
		list = found->subs;
		first = 1; /* global options do not stand behind a command */
	}
}

static int change_directory(const char *dir, struct err *e)
{
	if (!dir || chdir(dir) == 0)
		return 0;
	return err_sys(e, "chdir", dir);
}

static int open_repo(struct ctx *ctx, struct err *e)
{
	struct repo_options o = {.sink = &ctx->ui.sink,
				 .lock_wait_ms = LOCK_WAIT_DEFAULT_MS};
	struct config *config;
	int r;

	if (ctx->global.wait == CMD_WAIT_EVER)
		o.lock_wait_ms = LOCK_WAIT_EVER;
	else if (ctx->global.wait == CMD_WAIT_NOT)
		o.lock_wait_ms = LOCK_WAIT_NOT;
	o.lenient = (ctx->cmd->needs & NEED_LENIENT) != 0;
	r = repo_open(&ctx->repo, &o, e);
	if (r == ERR_NOREPO && (ctx->cmd->needs & NEED_MAYBE))
		return 0;
	if (r < 0)
		return r;
	/* A configuration that cannot be used stops every command, before it has
	 * begun. What is left of it is read when it is asked for. */
	return o.lenient ? 0 : repo_config(ctx->repo, &config, e);
}

static int status_of(const struct cmd *cmd, bool has_begun, int code)
{
	int own = cmd->fail_status ? cmd->fail_status : EXIT_OTHER;

	switch (code) {
	case ERR_CANCELED:
		return EXIT_INTERRUPT;
	case ERR_NOREPO:
		return EXIT_NOREPO;
	case ERR_UNSUPPORTED:
		return EXIT_OTHER;
	case ERR_AUTH:
	case ERR_CONFIG:
		return has_begun && own == EXIT_FAILED ? own : EXIT_CONFIG;
	default:
		return has_begun ? own : EXIT_OTHER;
	}
}

/* "ERROR: failed to push data to the cloud - what: why" */
static int tell(struct ctx *ctx, bool has_begun, const struct err *e)
{
	const char *failed = ctx->failed ? ctx->failed : ctx->cmd->failed;
	int status =
		ctx->is_unforeseen ? EXIT_OTHER : status_of(ctx->cmd, has_begun, e->code);
	char text[sizeof(e->text)];

	err_format(e, text, sizeof(text));
	if (e->code == ERR_CANCELED)
		ui_error(&ctx->ui, "interrupted by the user");
	else if (status == EXIT_CONFIG && e->code == ERR_CONFIG)
		ui_error(&ctx->ui, "configuration error - %s", text);
	else if (has_begun && failed && !ctx->is_unforeseen)
		ui_error(&ctx->ui, "%s - %s", failed, text);
	else
		ui_error(&ctx->ui, "%s", text);
	return status;
}

static int run_command(struct ctx *ctx, void *args)
{
	struct err e = {0};
	bool has_begun = false;
	int r = 0, status;

	log_debug("cmd", "%s %s " LODE_VERSION, ctx->prog, ctx->name);
	if (ctx->cmd->needs)
		r = open_repo(ctx, &e);
	if (ctx->repo)
		log_debug("cmd", "repository '%s'", repo_root(ctx->repo));
	if (r == 0) {
		has_begun = true;
		r = ctx->cmd->run(ctx, args, &e);
	}
	/* Locks go and caches are saved before the last word is said. */
	sync_detach(ctx->fetcher);
	repo_free(ctx->repo);
	ctx->repo = NULL;
	ui_clear(&ctx->ui);
	log_debug("cmd", "%s ended with %d", ctx->name, r);
	if (r >= 0) {
		if (ctx->global.json && !ctx->json_done)
			json_nothing(ctx, r == 0);
		return r;
	}
	e.code = r; /* the code that came back decides, whatever the story says */
	status = tell(ctx, has_begun, &e);
	if (ctx->global.json && !ctx->json_done)
		json_failure(ctx, &e);
	return status;
}

static int parse_and_run(struct ctx *ctx, const struct line *l)
{
	const struct cmd *cmd = l->cmd;
	struct err e = {0};
	void *args = xcalloc(1, cmd->args_size ? cmd->args_size : 1);
	struct opt_set sets[] = {{cmd->opts, args},
				 {cmd_common_opts, &ctx->global},
				 {cmd_nul_opts, &ctx->global}};
	struct opt_parse p = {.sets = sets,
			      .sets_nr = cmd->flags & CMD_NUL ? 3 : 2,
			      .operands = cmd->operands,
			      .operands_base = args};
	int r, status;

	if (cmd->defaults)
		memcpy(args, cmd->defaults, cmd->args_size);
	r = opt_parse(&p, l->argc, l->argv, &e);
	if (r < 0) {
		status = usage_error(ctx, l, p.is_exit2, &e);
	} else if (p.has_help) {
		show_help(ctx, l);
		status = 0;
	} else {
		set_streams(ctx);
		if (ctx->global.verbose)
			log_open(STDERR_FILENO, env_get("LOG"));
		ctx->cmd = cmd;
		ctx->parent = l->parent;
		ctx->dashes = p.dashes;
		status = run_command(ctx, args);
	}
	opt_release(cmd->opts, cmd->operands, args);
	free(args);
	return status;
}

static void print_version(struct ctx *ctx)
{
	print_force(&ctx->print, "%s\n",
		    strcmp(ctx->prog, "dvc") == 0 ? DVC_VERSION : LODE_VERSION);
}

static int dispatch(struct ctx *ctx, int argc, char **argv)
{
	struct line l = {.argc = argc, .argv = argv};
	bool has_help = false, is_exit2 = false;
	struct buf name = {0};
	struct err e = {0};
	int r, status;

	r = find_command(ctx, &l, &has_help, &is_exit2, &e);
	if (r < 0 && wants_json(argc, argv))
		ctx->global.json = true;
	if (l.parent)
		buf_addf(&name, "%s ", l.parent->name);
	buf_adds(&name, l.cmd ? l.cmd->name : l.argc > 0 ? l.argv[0] : "");
	ctx->name = buf_str(&name);
	if (r < 0) {
		status = usage_error(ctx, &l, is_exit2, &e);
	} else if (has_help) {
		show_help(ctx, &l);
		status = 0;
	} else if (ctx->global.show_version) {
		print_version(ctx);
		status = 0;
	} else if (!l.cmd) {
		static const struct cmd elsewhere = {.name = ""};

		err_set(&e, ERR_UNSUPPORTED,
			"'%s' is a command of DVC that lode understands but does not "
			"offer yet; run 'dvc %s'",
			l.argv[0], l.argv[0]);
		ctx->cmd = &elsewhere;
		ctx->global.json = wants_json(argc, argv);
		status = tell(ctx, true, &e);
		if (ctx->global.json)
			json_failure(ctx, &e);
	} else if ((r = change_directory(ctx->global.cd, &e)) < 0) {
		ctx->cmd = l.cmd;
		status = tell(ctx, false, &e);
		if (ctx->global.json)
			json_failure(ctx, &e);
	} else {
		status = parse_and_run(ctx, &l);
	}
	ctx->name = NULL;
	buf_release(&name);
	return status;
}

int main(int argc, char **argv)
{
	struct ctx ctx = {0};
	struct err e = {0};
	int status;

#ifdef SYS_FAULTS
	sys_faults_from_env();
#endif
	interrupt_install();
	ctx.prog = argc > 0 && slice_is(path_base(argv[0]), "dvc") ? "dvc" : "lode";
	ctx.print.fd = STDOUT_FILENO;
	ctx.print.is_terminal = isatty(STDOUT_FILENO) == 1;
	ctx.print.is_colour = ui_wants_colour(STDOUT_FILENO);
	ui_init(&ctx.ui, STDERR_FILENO, false);

	status = dispatch(&ctx, argc > 0 ? argc - 1 : 0, argv + (argc > 0));

	if (print_flush(&ctx.print, &e) < 0) {
		if (e.sys == EPIPE)
			status = EXIT_PIPE;
		else if (status == 0)
			status = EXIT_OTHER;
		if (e.sys != EPIPE)
			ui_error(&ctx.ui, "cannot write results: %s", strerror(e.sys));
	}
	print_release(&ctx.print);
	free(ctx.failed);
	return status;
}
