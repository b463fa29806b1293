/*
 * The parts of a manual page that the tables know: the synopsis and the list of
 * options. tests/man.sh puts them between the prose of docs/man/ and compares.
 */
#include "cmd/cmd.h"
#include "store/base/buf.h"

#include <string.h>

/* Text of a macro line: what mdoc would read as markup is escaped. */
static void add_text(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			buf_adds(b, "\\e");
		else if (*text == '-')
			buf_adds(b, "\\-");
		else if (*text == '"')
			buf_adds(b, "\\(dq");
		else
			buf_addc(b, *text);
	}
}

/* "Fl r | Fl \-remote Ar NAME": an option as mdoc macros on one line. */
static void add_opt(struct buf *b, const struct opt *o, bool only_short)
{
	if (o->letter)
		buf_addf(b, "Fl %c", o->letter);
	if (o->name && !(only_short && o->letter)) {
		buf_addf(b, "%sFl \\-", o->letter ? " , " : "");
		add_text(b, o->name);
	}
	if (o->kind == OPT_KIND_MAYBE)
		buf_addf(b, " Ns Op = Ns Ar %s", o->value_name);
	else if (opt_takes_value(o))
		buf_addf(b, " Ar %s%s", o->value_name,
			 o->kind == OPT_KIND_MANY ? " ..." : "");
}

static void synopsis_opts(struct buf *b, const struct opt *opts)
{
	int group = 0;

	for (; opts && opts->kind != OPT_KIND_END; opts++) {
		if (opts->flags & OPT_HIDDEN)
			continue;
		if (group && opts->group == group) {
			buf_adds(b, " | ");
		} else {
			buf_adds(b, b->n && buf_str(b)[b->n - 1] != '\n' ? "\n.Op "
									 : ".Op ");
		}
		add_opt(b, opts, true);
		group = opts->group;
	}
	if (b->n && buf_str(b)[b->n - 1] != '\n')
		buf_addc(b, '\n');
}

static void synopsis(struct buf *b, const struct cmd *parent, const struct cmd *cmd)
{
	buf_adds(b, ".Nm lode");
	if (parent)
		buf_addf(b, " %s", parent->name);
	if (cmd)
		buf_addf(b, " %s", cmd->name);
	buf_addc(b, '\n');
	if (!cmd) {
		synopsis_opts(b, cmd_global_opts);
		synopsis_opts(b, cmd_common_opts);
		buf_adds(b, ".Ar command\n.Op Ar argument ...\n");
		return;
	}
	synopsis_opts(b, cmd->opts);
	if (cmd->flags & CMD_NUL)
		synopsis_opts(b, cmd_nul_opts);
	for (const struct operand *op = cmd->operands; op && op->kind; op++) {
		bool many = op->kind == OPERAND_SOME || op->kind == OPERAND_ANY;
		bool optional = op->kind == OPERAND_OPT || op->kind == OPERAND_ANY;

		buf_addf(b, ".%sAr %s%s\n", optional ? "Op " : "", op->name,
			 many ? " ..." : "");
	}
}

static void list_opts(struct buf *b, const struct opt *opts)
{
	for (; opts && opts->kind != OPT_KIND_END; opts++) {
		if (opts->flags & OPT_HIDDEN)
			continue;
		buf_adds(b, ".It ");
		add_opt(b, opts, false);
		buf_addc(b, '\n');
		if (opts->help[0] >= 'a' && opts->help[0] <= 'z')
			buf_addc(b, (char)(opts->help[0] - 32));
		else
			buf_addc(b, opts->help[0]);
		add_text(b, opts->help + 1);
		for (size_t i = 0; opts->choices && opts->choices[i]; i++)
			buf_addf(b, "%s%s", i ? ", " : ": ", opts->choices[i]);
		buf_adds(b, ".\n");
	}
}

static void options(struct buf *b, const struct cmd *cmd)
{
	buf_adds(b, ".Bl -tag -width Ds\n");
	list_opts(b, cmd ? cmd->opts : cmd_global_opts);
	if (cmd && (cmd->flags & CMD_NUL))
		list_opts(b, cmd_nul_opts);
	buf_adds(b, ".It Fl h , Fl \\-help\nShow a summary of the options.\n");
	list_opts(b, cmd_common_opts);
	buf_adds(b, ".El\n");
}

static void commands(struct buf *b, const struct cmd *const *list)
{
	buf_adds(b, ".Bl -tag -width Ds\n");
	for (; *list; list++) {
		if ((*list)->flags & CMD_HIDDEN)
			continue;
		buf_addf(b, ".It Cm %s", (*list)->name);
		for (const char *const *a = (*list)->aliases; a && *a; a++)
			buf_addf(b, " , Cm %s", *a);
		buf_addc(b, '\n');
		add_text(b, (*list)->brief);
		buf_adds(b, ".\n");
	}
	buf_adds(b, ".El\n");
}

/* Each part behind a comment line that names it, for the script that joins them. */
void help_mdoc(struct print *p, const struct cmd *parent, const struct cmd *cmd)
{
	struct buf b = {0}, part = {0};

	buf_adds(&b, ".\\\" brief\n");
	add_text(&b, cmd ? cmd->brief : "Data and artifact versioning next to git");
	buf_adds(&b, "\n.\\\" synopsis\n");
	if (!cmd || cmd->run) {
		synopsis(&part, parent, cmd);
		buf_addslice(&b, buf_slice(&part));
	}
	if (cmd && cmd->subs) {
		for (const struct cmd *const *s = cmd->subs; *s; s++) {
			if ((*s)->flags & CMD_HIDDEN)
				continue;
			buf_reset(&part);
			synopsis(&part, cmd, *s);
			buf_addslice(&b, buf_slice(&part));
		}
	}
	if (!cmd || cmd->subs) {
		buf_adds(&b, ".\\\" commands\n");
		commands(&b, cmd ? cmd->subs : cmd_list);
	}
	if (!cmd || !cmd_is_group(cmd)) {
		buf_adds(&b, ".\\\" options\n");
		options(&b, cmd);
	}
	print_bytes(p, buf_slice(&b));
	buf_release(&part);
	buf_release(&b);
}
