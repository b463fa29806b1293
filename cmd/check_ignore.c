#include "cmd/cmd.h"
#include "cmd/json.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/index/ignore.h"
#include "store/repo/repo.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct check_args {
	struct opt_list targets;
	bool details, all, non_matching, use_stdin;
};

static const struct opt check_opts[] = {
	OPT_BOOL('d', "details", struct check_args, details,
		 "show the pattern that decides, also where it takes back"),
	{OPT_FIELD(OPT_KIND_BOOL, 'a', "all", struct check_args, all),
	 .help = "accepted, without effect", .flags = OPT_HIDDEN},
	OPT_BOOL('n', "non-matching", struct check_args, non_matching,
		 "with --details: show targets that no pattern matches"),
	OPT_BOOL(0, "stdin", struct check_args, use_stdin,
		 "read targets from standard input, up to an empty line"),
	OPT_END,
};

static const struct operand check_operands[] = {
	OPERAND(OPERAND_ANY, "targets", struct check_args, targets, "paths to ask about"),
	OPERANDS_END,
};

/* Where answers go: lines, or the items of the document. */
struct answer {
	struct ctx *ctx;
	const struct check_args *args;
	struct ignore *ignore;
	struct jsonw *j; /* NULL: text */
	bool any;
};

static void tell(struct answer *a, const char *target, bool ignored, bool matched,
		 const struct ignore_rule *rule)
{
	struct print *p = &a->ctx->print;

	if (a->j) {
		jsonw_object(a->j);
		json_key_str(a->j, "path", target);
		json_key_str(a->j, "oid", NULL);
		json_key_str(a->j, "state", ignored ? "ignored" : "not ignored");
		json_key_str(a->j, "error", NULL);
		json_key_str(a->j, "file", matched ? rule->file : NULL);
		json_key_int(a->j, "line", matched ? rule->line : 0);
		json_key_str(a->j, "pattern", matched ? rule->text : NULL);
		jsonw_end(a->j);
		return;
	}
	if (!a->args->details) {
		if (!ignored)
			return;
	} else if (matched) {
		/* A built-in pattern has no file and no line: ":.dvc/". */
		print_text(p, "%s:", rule->file);
		if (rule->line > 0)
			print_text(p, "%u:", rule->line);
		print_name(p, rule->text);
		print_text(p, "\t");
	} else if (a->args->non_matching) {
		print_text(p, "::\t");
	} else {
		return;
	}
	print_name(p, target);
	print_end(p);
}

static int ask(struct answer *a, const char *target, struct err *e)
{
	const struct repo *repo = a->ctx->repo;
	struct ignore_rule rule = {0};
	bool ignored = false, matched = false;
	char *rel = NULL;
	int r;

	r = repo_rel(repo, target, &rel, e);
	if (r == ERR_INVALID)
		r = 0; /* outside the repository nothing matches */
	else if (r == 0)
		r = ignore_explain(
			a->ignore, rel,
			S_ISDIR(fs_kind(repo_rootfd(repo), rel[0] ? rel : ".")), &ignored,
			&matched, &rule, e);
	if (r == 0) {
		a->any = a->any || (a->args->details ? matched : ignored);
		tell(a, target, ignored, matched, &rule);
	}
	free(rel);
	return r;
}

static int ask_stdin(struct answer *a, struct err *e)
{
	struct buf line = {0};
	ssize_t got;
	char c;
	int r = 0;

	while (r == 0) {
		buf_reset(&line);
		while ((got = sys_read_some(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
			buf_addc(&line, c);
		if (line.n == 0)
			break; /* the end, or an empty line, which ends it too */
		r = ask(a, buf_str(&line), e);
		if (got != 1)
			break;
	}
	buf_release(&line);
	return r;
}

static int check_usage(struct ctx *ctx, const struct check_args *args, struct err *e)
{
	if (args->targets.nr == 0 && !args->use_stdin)
		return err_set(e, ERR_INVALID, "`targets` or `--stdin` needed");
	if (args->targets.nr > 0 && args->use_stdin)
		return err_set(e, ERR_INVALID,
			       "cannot have both `targets` and `--stdin`");
	if (args->non_matching && !args->details)
		return err_set(e, ERR_INVALID,
			       "`--non-matching` is only valid with `--details`");
	if (args->details && ctx->global.quiet)
		return err_set(e, ERR_INVALID,
			       "cannot use both `--details` and `--quiet`");
	return 0;
}

static int check_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct check_args *args = arg;
	struct answer a = {.ctx = ctx, .args = args};
	struct json doc = {0};
	int r;

	if ((r = check_usage(ctx, args, e)) < 0 ||
	    (r = repo_ignore(ctx->repo, &a.ignore, e)) < 0)
		return r;
	if (ctx->global.json) {
		a.j = json_start(ctx, &doc);
		jsonw_object(a.j);
		json_key_str(a.j, "command", ctx->name);
		jsonw_key(a.j, "ok");
		jsonw_bool(a.j, true);
		jsonw_key(a.j, "counts");
		jsonw_object(a.j);
		jsonw_end(a.j);
		json_key_int(a.j, "bytes", 0);
		jsonw_key(a.j, "items");
		jsonw_array(a.j);
	}
	for (size_t i = 0; r == 0 && i < args->targets.nr; i++)
		r = ask(&a, args->targets.v[i], e);
	if (r == 0 && args->use_stdin)
		r = ask_stdin(&a, e);
	if (ctx->global.json && r == 0) {
		jsonw_end(a.j);
		jsonw_key(a.j, "errors");
		jsonw_array(a.j);
		jsonw_end(a.j);
		jsonw_end(a.j);
		json_write(ctx, &doc);
	}
	buf_release(&doc.text);
	if (r == 0 && !a.any)
		r = EXIT_FAILED;
	return r;
}

const struct cmd cmd_check_ignore = {
	.name = "check-ignore",
	.brief = "Tell which paths .dvcignore hides",
	.opts = check_opts,
	.operands = check_operands,
	.args_size = sizeof(struct check_args),
	.needs = NEED_REPO,
	.flags = CMD_NUL,
	.run = check_run,
};
