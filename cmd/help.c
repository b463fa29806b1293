#include "cmd/cmd.h"
#include "store/base/buf.h"
#include "store/base/err.h"

#include <string.h>

enum {
	HELP_INDENT = 28, /* where the explanations begin */
	HELP_WIDTH = 80
};

/* Words of text from column at, wrapped and indented. */
static void add_wrapped(struct buf *out, size_t column, const char *text)
{
	struct slice rest = slice_of(text);

	while (rest.p) {
		struct slice word = slice_cut(&rest, ' ');

		if (column > HELP_INDENT && column + 1 + word.n > HELP_WIDTH) {
			buf_addc(out, '\n');
			buf_fill(out, ' ', HELP_INDENT);
			column = HELP_INDENT;
		} else if (column > HELP_INDENT) {
			buf_addc(out, ' ');
			column++;
		}
		buf_addslice(out, word);
		column += word.n;
	}
	buf_addc(out, '\n');
}

static void add_row(struct buf *out, const char *left, const char *right)
{
	size_t n = strlen(left) + 2;

	buf_addf(out, "  %s", left);
	if (n + 2 > HELP_INDENT) {
		buf_addc(out, '\n');
		n = 0;
	}
	buf_fill(out, ' ', HELP_INDENT - n);
	add_wrapped(out, HELP_INDENT, right);
}

static void add_opts(struct buf *out, const struct opt *opts)
{
	for (; opts && opts->kind != OPT_KIND_END; opts++) {
		struct buf left = {0}, right = {0};

		if (opts->flags & OPT_HIDDEN)
			continue;
		if (!opts->letter)
			buf_adds(&left, "    ");
		opt_spell(opts, &left);
		buf_adds(&right, opts->help);
		for (size_t i = 0; opts->choices && opts->choices[i]; i++)
			buf_addf(&right, "%s%s", i ? ", " : ": ", opts->choices[i]);
		add_row(out, buf_str(&left), buf_str(&right));
		buf_release(&left);
		buf_release(&right);
	}
}

static void add_commands(struct buf *out, const struct cmd *const *list)
{
	for (; *list; list++) {
		struct buf name = {0};

		if ((*list)->flags & CMD_HIDDEN)
			continue;
		buf_adds(&name, (*list)->name);
		for (const char *const *a = (*list)->aliases; a && *a; a++)
			buf_addf(&name, ", %s", *a);
		add_row(out, buf_str(&name), (*list)->brief);
		buf_release(&name);
	}
}

static void add_common(struct buf *out, unsigned flags)
{
	if (flags & CMD_NUL)
		add_opts(out, cmd_nul_opts);
	add_row(out, "-h, --help", "show this help");
	add_opts(out, cmd_common_opts);
}

void help_main(struct print *p, const char *prog)
{
	struct buf b = {0};

	buf_addf(&b, "usage: %s [--cd DIR] [-q | -v] [--json] COMMAND ...\n\n", prog);
	buf_adds(&b, "Data and artifact versioning next to git.\n\ncommands:\n");
	add_commands(&b, cmd_list);
	buf_adds(&b, "\noptions before the command:\n");
	add_opts(&b, cmd_global_opts);
	buf_adds(&b, "\noptions before or after it:\n");
	add_common(&b, 0);
	buf_addf(&b,
		 "\n'%s help COMMAND' and the manual page lode-COMMAND(1) tell more.\n",
		 prog);
	print_bytes(p, buf_slice(&b));
	buf_release(&b);
}

void help_command(struct print *p, const char *prog, const struct cmd *parent,
		  const struct cmd *cmd)
{
	const struct operand *op;
	struct buf b = {0};

	buf_addf(&b, "usage: %s %s%s%s", prog, parent ? parent->name : "",
		 parent ? " " : "", cmd->name);
	if (cmd_is_group(cmd))
		buf_adds(&b, " COMMAND ...");
	opt_usage(cmd->opts, cmd->operands, &b);
	if (cmd->subs && cmd->run)
		buf_addf(&b, "\n       %s %s COMMAND ...", prog, cmd->name);
	buf_addf(&b, "\n\n%s.\n", cmd->brief);
	if (cmd->subs) {
		buf_adds(&b, "\ncommands:\n");
		add_commands(&b, cmd->subs);
	}
	if (cmd->operands) {
		buf_adds(&b, "\noperands:\n");
		for (op = cmd->operands; op->kind != OPERAND_END; op++)
			add_row(&b, op->name, op->help);
	}
	buf_adds(&b, "\noptions:\n");
	add_opts(&b, cmd->opts);
	add_common(&b, cmd->flags);
	print_bytes(p, buf_slice(&b));
	buf_release(&b);
}

/* ---- lode help ------------------------------------------------------------ */

struct help_args {
	struct opt_list words;
	bool mdoc;
};

static const struct opt help_opts[] = {
	{OPT_FIELD(OPT_KIND_BOOL, 0, "mdoc", struct help_args, mdoc),
	 .help = "print the generated parts of the manual page", .flags = OPT_HIDDEN},
	OPT_END,
};

static const struct operand help_operands[] = {
	OPERAND(OPERAND_ANY, "command", struct help_args, words,
		"the command, and the sub-command, to explain"),
	OPERANDS_END,
};

static int help_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct cmd *const *list = cmd_list;
	const struct cmd *cmd = NULL, *parent = NULL;
	const struct help_args *args = arg;

	for (size_t i = 0; i < args->words.nr; i++) {
		const struct cmd *found = list ? cmd_find(list, args->words.v[i]) : NULL;

		if (!found)
			return err_set(e, ERR_INVALID, "no such command: '%s'",
				       args->words.v[i]);
		parent = cmd;
		cmd = found;
		list = found->subs;
	}
	if (args->mdoc)
		help_mdoc(&ctx->print, parent, cmd);
	else if (cmd)
		help_command(&ctx->print, ctx->prog, parent, cmd);
	else
		help_main(&ctx->print, ctx->prog);
	ctx->json_done = true; /* help is text, whoever asks */
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.brief = "Explain a command",
	.opts = help_opts,
	.operands = help_operands,
	.args_size = sizeof(struct help_args),
	.run = help_run,
};
