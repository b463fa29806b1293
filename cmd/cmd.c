#include "cmd/cmd.h"

#include "cmd/json.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const struct opt cmd_global_opts[] = {
	{OPT_FIELD(OPT_KIND_STR, 0, "cd", struct cmd_global, cd), .value_name = "DIR",
	 .help = "run as if started in DIR", .flags = OPT_PATH},
	OPT_BOOL('V', "version", struct cmd_global, show_version, "print the version"),
	OPT_CONST(0, "wait-for-lock", struct cmd_global, wait, CMD_WAIT_EVER, 2,
		  "wait for the repository's lock without a limit"),
	OPT_CONST(0, "no-wait", struct cmd_global, wait, CMD_WAIT_NOT, 2,
		  "do not wait for the repository's lock at all"),
	OPT_END,
};

const struct opt cmd_common_opts[] = {
	{OPT_FIELD(OPT_KIND_COUNT, 'q', "quiet", struct cmd_global, quiet), .group = 1,
	 .help = "print nothing; the exit status tells", .flags = OPT_EXIT2},
	{OPT_FIELD(OPT_KIND_COUNT, 'v', "verbose", struct cmd_global, verbose),
	 .group = 1, .help = "log what is done to standard error", .flags = OPT_EXIT2},
	OPT_BOOL(0, "json", struct cmd_global, json,
		 "print one JSON document, failures included"),
	OPT_END,
};

const struct opt cmd_nul_opts[] = {
	OPT_BOOL('z', NULL, struct cmd_global, nul,
		 "print names raw and end records with NUL"),
	OPT_END,
};

const struct cmd *cmd_find(const struct cmd *const *list, const char *name)
{
	for (; *list; list++) {
		if (strcmp((*list)->name, name) == 0)
			return *list;
		for (const char *const *a = (*list)->aliases; a && *a; a++)
			if (strcmp(*a, name) == 0)
				return *list;
	}
	return NULL;
}

bool cmd_is_known_elsewhere(const char *name)
{
	static const char *const names[] = {
		"repro", "run",	    "stage",	   "import",   "import-url", "import-db",
		"get",	 "get-url", "list",	   "ls",       "list-url",   "ls-url",
		"du",	 "exp",	    "experiments", "params",   "metrics",    "plots",
		"dag",	 "update",  "freeze",	   "unfreeze", "install",    "git-hook",
		"queue", "studio",  "artifacts",   "machine",  "purge",	     "daemon",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

struct strvec cmd_strvec(const struct opt_list *list)
{
	/* The callees only read; strvec has no const spelling of itself. */
	union {
		const char **in;
		char **out;
	} v = {.in = list->v};

	return (struct strvec){.v = v.out, .nr = list->nr, .cap = list->cap};
}

void cmd_usage(struct ctx *ctx, const char *message)
{
	struct err e = {0};

	err_set(&e, ERR_INVALID, "%s", message);
	ctx->ui.is_silent = false; /* errors of the command line appear with -q too */
	ui_error(&ctx->ui, "%s", message);
	if (ctx->global.json)
		json_failure(ctx, &e);
	else
		help_command(&ctx->print, ctx->prog, ctx->parent, ctx->cmd);
}

/* A line from stdin without its end; false at the end of input. */
static bool read_line(struct buf *line)
{
	bool has_any = false;
	char c;

	buf_reset(line);
	buf_limit(line, 4096);
	/* A byte at a time: what follows the answer is not ours to take. */
	while (sys_read_some(STDIN_FILENO, &c, 1) == 1) {
		has_any = true;
		if (c == '\n')
			return true;
		buf_addc(line, c);
	}
	return has_any;
}

bool cmd_ask(struct ctx *ctx, const char *question)
{
	struct buf line = {0};
	int answer = -1;

	ui_clear(&ctx->ui);
	while (answer < 0) {
		struct buf shown = {0};

		text_escape(&shown, slice_of(question));
		/* With --json the stream is the document's, so the question moves. */
		if (ctx->global.json) {
			ui_say(&ctx->ui, "%s [y/n]:", buf_str(&shown));
		} else {
			print_force(&ctx->print, "%s [y/n]: ", buf_str(&shown));
			if (print_flush(&ctx->print, NULL) < 0)
				answer = 0;
		}
		buf_release(&shown);
		if (answer == 0)
			break;
		if (!read_line(&line))
			answer = 0;
		else if (strcasecmp(buf_str(&line), "y") == 0 ||
			 strcasecmp(buf_str(&line), "yes") == 0)
			answer = 1;
		else if (strcasecmp(buf_str(&line), "n") == 0 ||
			 strcasecmp(buf_str(&line), "no") == 0)
			answer = 0;
	}
	buf_release(&line);
	return answer == 1;
}

void cmd_warnings(struct ctx *ctx, const struct strvec *warnings)
{
	for (size_t i = 0; i < warnings->nr; i++) {
		struct buf b = {0};

		/* One line each: a newline can only be a name's. */
		text_escape(&b, slice_of(warnings->v[i]));
		ui_warn(&ctx->ui, "%s", buf_str(&b));
		buf_release(&b);
	}
}

/* A name as a shell takes it back: not as an option, and what must not reach the
 * terminal in the form of $'...', whose escapes are text_escape()'s. */
static void hint_word(struct buf *out, const char *name)
{
	struct buf raw = {0}, shown = {0};

	if (name[0] == '-')
		buf_adds(&raw, "./");
	buf_adds(&raw, name);
	text_escape(&shown, buf_slice(&raw));
	if (shown.n == raw.n) {
		text_shell_quote(out, buf_slice(&raw));
		goto out;
	}
	buf_reset(&shown);
	buf_adds(out, "$'");
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\'' || raw.p[i] == '\\')
			buf_addc(&shown, '\\');
		buf_addc(&shown, raw.p[i]);
	}
	text_escape(out, buf_slice(&shown));
	buf_addc(out, '\'');
out:
	buf_release(&raw);
	buf_release(&shown);
}

/* "To track the changes with git, run:" as DVC words it, in Git repositories. */
void cmd_hint_git(struct ctx *ctx, const struct report *rep)
{
	struct buf files = {0};

	if (rep->to_track.nr == 0 || rep->staged || (ctx->repo && repo_no_scm(ctx->repo)))
		return;
	for (size_t i = 0; i < rep->to_track.nr; i++) {
		struct buf word = {0};
		char *shown = ctx->repo ? repo_show(ctx->repo, rep->to_track.v[i]) : NULL;

		hint_word(&word, shown ? shown : rep->to_track.v[i]);
		free(shown);
		buf_addc(&files, ' ');
		buf_addslice(&files, buf_slice(&word));
		buf_release(&word);
	}
	print_text(&ctx->print,
		   "\nTo track the changes with git, run:\n\n\tgit add%s\n\n"
		   "To enable auto staging, run:\n\n\t%s config core.autostage true\n",
		   buf_str(&files), ctx->prog);
	buf_release(&files);
}

int cmd_finish(struct ctx *ctx, const struct report *rep, int r, struct err *e)
{
	cmd_warnings(ctx, &rep->warnings);
	if (ctx->global.json) {
		struct err failure;

		if (r < 0) {
			failure = *e;
			failure.code = r;
		}
		json_report(ctx, rep, r < 0 ? &failure : NULL);
		return r;
	}
	for (size_t i = 0; i < rep->notes.nr; i++) {
		print_name(&ctx->print, rep->notes.v[i]);
		print_text(&ctx->print, "\n");
	}
	if (r >= 0)
		cmd_hint_git(ctx, rep);
	return r;
}
