/*
 * Shell completions, written from the same tables that parse: what a shell
 * offers is what the parser takes.
 */
#include "cmd/cmd.h"
#include "store/meta/config.h"
#include "store/base/buf.h"
#include "store/base/err.h"

#include <string.h>

struct completion_args {
	const char *shell;
};

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static const struct opt completion_opts[] = {
	{OPT_FIELD(OPT_KIND_STR, 's', "shell", struct completion_args, shell),
	 .value_name = "SHELL", .help = "the shell", .choices = shells},
	OPT_END,
};

/* Every command and sub-command in turn: fn gets its full name and itself. */
typedef void (*each_fn)(struct buf *b, const char *name, const struct cmd *cmd);

static void each_command(struct buf *b, each_fn fn)
{
	for (const struct cmd *const *c = cmd_list; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		fn(b, (*c)->name, *c);
		for (const struct cmd *const *s = (*c)->subs; s && *s; s++) {
			struct buf name = {0};

			if ((*s)->flags & CMD_HIDDEN)
				continue;
			buf_addf(&name, "%s %s", (*c)->name, (*s)->name);
			fn(b, buf_str(&name), *s);
			buf_release(&name);
		}
	}
}

/* The options of a command, its own and the common ones, one by one. */
struct each_opt {
	const struct opt *tables[3];
	size_t table;
	const struct opt *next;
};

static struct each_opt opts_of(const struct cmd *cmd)
{
	return (struct each_opt){
		.tables = {cmd->opts, cmd_common_opts,
			   cmd->flags & CMD_NUL ? cmd_nul_opts : NULL},
		.next = cmd->opts,
	};
}

static const struct opt *next_opt(struct each_opt *it)
{
	for (;;) {
		const struct opt *o = it->next;

		if (!o || o->kind == OPT_KIND_END) {
			if (++it->table >= ARRAY_SIZE(it->tables))
				return NULL;
			it->next = it->tables[it->table];
			continue;
		}
		it->next++;
		if (!(o->flags & OPT_HIDDEN))
			return o;
	}
}

/* The names of a list of commands, with sep between. */
static void add_names(struct buf *b, const struct cmd *const *list, const char *sep)
{
	for (bool first = true; *list; list++) {
		if ((*list)->flags & CMD_HIDDEN)
			continue;
		buf_addf(b, "%s%s", first ? "" : sep, (*list)->name);
		first = false;
	}
}

/* ---- bash ------------------------------------------------------------------ */

static void bash_command(struct buf *b, const char *name, const struct cmd *cmd)
{
	struct each_opt it = opts_of(cmd);
	const struct opt *o;

	buf_addf(b, "\t\t'%s') echo '", name);
	if (cmd->subs) {
		add_names(b, cmd->subs, " ");
		buf_addc(b, ' ');
	}
	while (!cmd_is_group(cmd) && (o = next_opt(&it))) {
		if (o->letter)
			buf_addf(b, "-%c ", o->letter);
		if (o->name)
			buf_addf(b, "--%s ", o->name);
	}
	buf_adds(b, "--help' ;;\n");
}

/* What follows an option: words of its own, a remote's name, or a file. */
static void bash_values(struct buf *b, const char *name, const struct cmd *cmd)
{
	struct each_opt it = opts_of(cmd);
	const struct opt *o;

	while ((o = next_opt(&it))) {
		if (!opt_takes_value(o) || o->kind == OPT_KIND_MAYBE)
			continue;
		buf_adds(b, "\t\t");
		if (o->letter)
			buf_addf(b, "'%s -%c'%s", name, o->letter, o->name ? "|" : "");
		if (o->name)
			buf_addf(b, "'%s --%s'", name, o->name);
		buf_adds(b, ") ");
		if (o->choices) {
			buf_adds(b, "echo '");
			for (size_t i = 0; o->choices[i]; i++)
				buf_addf(b, "%s%s", i ? " " : "", o->choices[i]);
			buf_adds(b, "'");
		} else if (o->flags & OPT_REMOTE) {
			buf_adds(b, "lode remote list 2>/dev/null | cut -d' ' -f1");
		} else {
			buf_adds(b, o->flags & OPT_PATH ? "echo /files" : "echo /none");
		}
		buf_adds(b, " ;;\n");
	}
}

/* What lode config takes, but for the options of a remote. */
static void add_keys(struct buf *b)
{
	for (size_t i = 0; i < config_keys_nr; i++) {
		const struct config_key *k = &config_keys[i];

		if (strchr(k->section, ':') || strcmp(k->section, "remote") == 0 ||
		    strcmp(k->section, "db") == 0)
			continue;
		buf_addf(b, "%s%s.%s", i ? " " : "", k->section, k->key);
	}
}

/* The first operand: a remote, a command, a key of the configuration. */
static void bash_operands(struct buf *b, const char *name, const struct cmd *cmd)
{
	const struct operand *op = cmd->operands;

	if (strcmp(name, "help") == 0) {
		buf_addf(b, "\t\t'%s') echo '", name);
		add_names(b, cmd_list, " ");
		buf_adds(b, "' ;;\n");
	} else if (strcmp(name, "config") == 0) {
		buf_addf(b, "\t\t'%s') echo '", name);
		add_keys(b);
		buf_adds(b, "' ;;\n");
	} else if (op && (op->flags & OPT_REMOTE))
		buf_addf(b, "\t\t'%s') lode remote list 2>/dev/null | cut -d' ' -f1 ;;\n",
			 name);
}

static void bash(struct buf *b)
{
	buf_adds(b, "# bash completion for lode; written by 'lode completion -s bash'\n\n"
		    "_lode_words()\n{\n\tcase \"$1\" in\n\t\t'') echo '");
	add_names(b, cmd_list, " ");
	for (const struct opt *o = cmd_global_opts; o->kind != OPT_KIND_END; o++)
		buf_addf(b, " --%s", o->name);
	buf_adds(b, "' ;;\n");
	each_command(b, bash_command);
	buf_adds(b, "\tesac\n}\n\n_lode_value()\n{\n\tcase \"$1\" in\n");
	each_command(b, bash_values);
	buf_adds(b, "\t\t'--cd') echo /files ;;\n\tesac\n}\n\n"
		    "_lode_operand()\n{\n\tcase \"$1\" in\n");
	each_command(b, bash_operands);
	buf_adds(
		b,
		"\tesac\n}\n\n"
		"_lode()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tlocal cmd='' word i found\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tword=${COMP_WORDS[i]}\n"
		"\t\tcase \"$word\" in\n"
		"\t\t\t--cd) ((i++)); continue ;;\n"
		"\t\t\t-*) continue ;;\n"
		"\t\tesac\n"
		"\t\tif [ -z \"$cmd\" ]; then\n\t\t\tcmd=$word\n"
		"\t\telif [ -n \"$(_lode_words \"$cmd $word\")\" ]; then\n"
		"\t\t\tcmd=\"$cmd $word\"\n\t\t\tbreak\n"
		"\t\telse\n\t\t\tbreak\n\t\tfi\n"
		"\tdone\n"
		"\tfound=$(_lode_value \"${cmd:+$cmd }$prev\")\n"
		"\tcase \"$found\" in\n"
		"\t\t/none) COMPREPLY=(); return ;;\n"
		"\t\t/files) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
		"\tesac\n"
		"\tif [ -z \"$found\" ]; then\n"
		"\t\tfound=$(_lode_words \"$cmd\")\n"
		"\t\tif [[ $cur != -* && -n $cmd && -n $(_lode_operand \"$cmd\") ]]; then\n"
		"\t\t\tfound=$(_lode_operand \"$cmd\")\n"
		"\t\tfi\n\tfi\n"
		"\tmapfile -t COMPREPLY < <(compgen -W \"$found\" -- \"$cur\")\n"
		"\tif [[ ${#COMPREPLY[@]} -eq 0 && -n $cmd && $cur != -* ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		"\tfi\n}\n\n"
		"complete -o filenames -F _lode lode\n");
}

/* ---- zsh ------------------------------------------------------------------- */

/* Text inside single quotes and brackets of an _arguments specification. */
static void zsh_text(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			buf_adds(b, "'\\''");
		else if (*text == '[' || *text == ']' || *text == ':')
			buf_addf(b, "\\%c", *text);
		else
			buf_addc(b, *text);
	}
}

static void zsh_value(struct buf *b, const struct opt *o)
{
	if (!opt_takes_value(o))
		return;
	buf_adds(b, o->kind == OPT_KIND_MAYBE ? "::" : ":");
	zsh_text(b, o->value_name);
	buf_addc(b, ':');
	if (o->choices) {
		buf_addc(b, '(');
		for (size_t i = 0; o->choices[i]; i++)
			buf_addf(b, "%s%s", i ? " " : "", o->choices[i]);
		buf_addc(b, ')');
	} else if (o->flags & OPT_REMOTE) {
		buf_adds(b, "_lode_remotes");
	} else if (o->flags & OPT_PATH) {
		buf_adds(b, "_files");
	}
}

static void zsh_opts(struct buf *b, const struct cmd *cmd)
{
	struct each_opt it = opts_of(cmd);
	const struct opt *o;

	while ((o = next_opt(&it))) {
		if (o->letter) {
			buf_addf(b, " \\\n\t\t\t'*-%c[", o->letter);
			zsh_text(b, o->help);
			buf_addc(b, ']');
			zsh_value(b, o);
			buf_addc(b, '\'');
		}
		if (o->name) {
			buf_addf(b, " \\\n\t\t\t'*--%s%s[", o->name,
				 opt_takes_value(o) ? "=" : "");
			zsh_text(b, o->help);
			buf_addc(b, ']');
			zsh_value(b, o);
			buf_addc(b, '\'');
		}
	}
}

static void zsh_command(struct buf *b, const char *name, const struct cmd *cmd)
{
	buf_addf(b, "\t'%s')\n", name);
	if (cmd_is_group(cmd)) {
		buf_adds(b, "\t\t_values 'command'");
		for (const struct cmd *const *s = cmd->subs; *s; s++) {
			if ((*s)->flags & CMD_HIDDEN)
				continue;
			buf_addf(b, " '%s[", (*s)->name);
			zsh_text(b, (*s)->brief);
			buf_adds(b, "]'");
		}
	} else {
		buf_adds(b,
			 "\t\t_arguments -s '(-h --help)'{-h,--help}'[show the help]'");
		zsh_opts(b, cmd);
		for (const struct operand *op = cmd->operands; op && op->kind; op++) {
			bool many = op->kind == OPERAND_SOME || op->kind == OPERAND_ANY;

			buf_addf(b, " \\\n\t\t\t'%s:%s:%s'", many ? "*" : ":", op->name,
				 op->flags & OPT_REMOTE ? "_lode_remotes"
				 : op->flags & OPT_PATH ? "_files"
							: "");
		}
		if (cmd->subs) {
			buf_adds(b, " \\\n\t\t\t'1:command:{ _files; compadd ");
			add_names(b, cmd->subs, " ");
			buf_adds(b, " }'");
		}
	}
	buf_adds(b, "\n\t\t;;\n");
}

static void zsh(struct buf *b)
{
	buf_adds(b,
		 "#compdef lode\n# written by 'lode completion -s zsh'\n\n"
		 "_lode_remotes() {\n"
		 "\tlocal -a names\n"
		 "\tnames=(${(f)\"$(lode remote list 2>/dev/null | cut -d' ' -f1)\"})\n"
		 "\tcompadd -a names\n}\n\n"
		 "_lode_commands() {\n\tlocal -a commands\n\tcommands=(\n");
	for (const struct cmd *const *c = cmd_list; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		buf_addf(b, "\t\t'%s:", (*c)->name);
		zsh_text(b, (*c)->brief);
		buf_adds(b, "'\n");
	}
	buf_adds(b, "\t)\n\t_describe command commands\n}\n\n"
		    "_lode() {\n"
		    "\tlocal at=2 cmd\n"
		    "\twhile [[ ${words[at]} == -* ]]; do\n"
		    "\t\t[[ ${words[at]} == --cd ]] && ((at++))\n\t\t((at++))\n\tdone\n"
		    "\tif ((CURRENT <= at)); then\n\t\t_lode_commands\n\t\treturn\n\tfi\n"
		    "\tcmd=${words[at]}\n"
		    "\tcase $cmd in\n\t");
	for (const struct cmd *const *c = cmd_list; *c; c++)
		if (cmd_is_group(*c))
			buf_addf(b, "%s|", (*c)->name);
	buf_cut(b, b->n - 1); /* some command has sub-commands */
	buf_adds(b,
		 ")\n\t\tif ((CURRENT > at + 1)); then\n"
		 "\t\t\tcmd=\"$cmd ${words[at + 1]}\"\n\t\t\t((at++))\n\t\tfi\n\t\t;;\n"
		 "\tesac\n");
	for (const struct cmd *const *c = cmd_list; *c; c++) {
		if (!(*c)->subs || !(*c)->run)
			continue;
		/* Only one of its sub-commands is part of the command's name. */
		buf_addf(b, "\tif [[ $cmd == %s && $CURRENT -gt $((at + 1)) && ' ",
			 (*c)->name);
		add_names(b, (*c)->subs, " ");
		buf_adds(b, " ' == *\" ${words[at + 1]} \"* ]]; then\n"
			    "\t\tcmd=\"$cmd ${words[at + 1]}\"\n\t\t((at++))\n\tfi\n");
	}
	buf_adds(b, "\tshift $((at - 1)) words\n\t((CURRENT -= at - 1))\n"
		    "\tcase $cmd in\n");
	each_command(b, zsh_command);
	buf_adds(b, "\tesac\n}\n\n_lode \"$@\"\n");
}

/* ---- fish ------------------------------------------------------------------ */

static void fish_text(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *text);
	}
}

/* When a line of words is at this command: "remote add" wants both seen. */
static void fish_when(struct buf *b, const char *name)
{
	struct slice rest = slice_of(name), first = slice_cut(&rest, ' ');

	buf_addf(b, "complete -c lode -n '__fish_seen_subcommand_from %.*s",
		 SLICE_FMT(first));
	if (rest.p)
		buf_addf(b, "; and __fish_seen_subcommand_from %.*s", SLICE_FMT(rest));
	buf_adds(b, "'");
}

static void fish_command(struct buf *b, const char *name, const struct cmd *cmd)
{
	struct each_opt it = opts_of(cmd);
	const struct opt *o;

	for (const struct cmd *const *s = cmd->subs; s && *s; s++) {
		if ((*s)->flags & CMD_HIDDEN)
			continue;
		fish_when(b, name);
		buf_addf(b, " -f -a %s -d '", (*s)->name);
		fish_text(b, (*s)->brief);
		buf_adds(b, "'\n");
	}
	while (!cmd_is_group(cmd) && (o = next_opt(&it))) {
		fish_when(b, name);
		if (o->letter)
			buf_addf(b, " -s %c", o->letter);
		if (o->name)
			buf_addf(b, " -l %s", o->name);
		if (opt_takes_value(o) && o->kind != OPT_KIND_MAYBE)
			buf_adds(b, o->flags & OPT_PATH ? " -r" : " -x");
		if (o->choices) {
			buf_adds(b, " -a '");
			for (size_t i = 0; o->choices[i]; i++)
				buf_addf(b, "%s%s", i ? " " : "", o->choices[i]);
			buf_adds(b, "'");
		} else if (o->flags & OPT_REMOTE) {
			buf_adds(
				b,
				" -a '(lode remote list 2>/dev/null | cut -d\" \" -f1)'");
		}
		buf_adds(b, " -d '");
		fish_text(b, o->help);
		buf_adds(b, "'\n");
	}
}

static void fish(struct buf *b)
{
	buf_adds(b,
		 "# fish completion for lode; written by 'lode completion -s fish'\n\n");
	for (const struct cmd *const *c = cmd_list; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		buf_addf(b, "complete -c lode -n __fish_use_subcommand -f -a %s -d '",
			 (*c)->name);
		fish_text(b, (*c)->brief);
		buf_adds(b, "'\n");
	}
	for (const struct opt *o = cmd_global_opts; o->kind != OPT_KIND_END; o++) {
		buf_addf(b, "complete -c lode -n __fish_use_subcommand -l %s%s -d '",
			 o->name, opt_takes_value(o) ? " -r" : "");
		fish_text(b, o->help);
		buf_adds(b, "'\n");
	}
	each_command(b, fish_command);
}

static int completion_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct completion_args *args = arg;
	const char *shell = args->shell ? args->shell : "bash";
	struct buf b = {0};

	(void)e;
	if (strcmp(shell, "zsh") == 0)
		zsh(&b);
	else if (strcmp(shell, "fish") == 0)
		fish(&b);
	else
		bash(&b);
	print_bytes(&ctx->print, buf_slice(&b));
	ctx->json_done = true; /* a script is a script, whoever asks */
	buf_release(&b);
	return 0;
}

const struct cmd cmd_completion = {
	.name = "completion",
	.brief = "Print a shell's completion script",
	.opts = completion_opts,
	.args_size = sizeof(struct completion_args),
	.run = completion_run,
};
