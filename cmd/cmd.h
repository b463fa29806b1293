/*
 * What a command is, and what it is given.
 *
 * One file per command exports one struct cmd; main.c holds the list. run()
 * converts arguments, calls the layer below and renders the result. It returns
 * 0, a negative ERR_ code with the story in *e (main prints it once and turns
 * it into the exit status), or a positive exit status when all has been said.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "cmd/opt.h"
#include "cmd/print.h"
#include "cmd/ui.h"
#include "store/base/compiler.h"
#include "store/base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct ctx;
struct err;
struct repo;
struct sync_fetcher;
struct report;

/* The version of DVC whose formats, outputs and exit codes we match. */
#define DVC_VERSION "3.67.1"

enum exit_status {
	EXIT_FAILED = 1,   /* a command's own handled failure */
	EXIT_CONFLICT = 2, /* -q with -v */
	EXIT_PIPE = 141,   /* standard output was closed */
	EXIT_CONFIG = 251, /* the configuration, or authentication */
	EXIT_INTERRUPT = 252,
	EXIT_NOREPO = 253,
	EXIT_USAGE = 254,
	EXIT_OTHER = 255,
};

enum cmd_needs {
	NEED_NOTHING = 0,
	NEED_REPO = 1u << 0,	/* opened before run, its configuration validated */
	NEED_LENIENT = 1u << 1, /* with a configuration that may be broken */
	NEED_MAYBE = 1u << 2,	/* outside a repository ctx->repo is NULL */
};

enum cmd_flags {
	CMD_HIDDEN = 1u << 0, /* works, but is not listed */
	CMD_NUL = 1u << 1,    /* takes -z */
};

struct cmd {
	const char *name;
	const char *const *aliases; /* ended by NULL; or NULL */
	const char *brief;	    /* one clause, capital first, no full stop */
	const struct opt *opts;
	const struct operand *operands;
	size_t args_size;
	const void *defaults; /* what args start as; NULL: all-zero */
	/* Ended by NULL. With run as well the next word may name one of them, and
	 * need not. */
	const struct cmd *const *subs;
	unsigned needs;
	unsigned flags;
	const char *failed; /* "failed to push data to the cloud", before the error */
	int fail_status;    /* of errors without a status of their own; 0: 255 */
	int (*run)(struct ctx *ctx, void *args, struct err *e);
};

/* Options before the command, and those that every command takes as well. */
struct cmd_global {
	const char *cd;
	bool show_version;
	int wait; /* enum cmd_wait */
	int quiet;
	int verbose;
	bool json;
	bool nul;
};
enum cmd_wait {
	CMD_WAIT_DEFAULT = 0,
	CMD_WAIT_EVER,
	CMD_WAIT_NOT
};
extern const struct opt cmd_global_opts[]; /* before the command only */
extern const struct opt cmd_common_opts[]; /* before and after */
extern const struct opt cmd_nul_opts[];	   /* of commands with CMD_NUL */

struct ctx {
	const char *prog; /* "lode", or "dvc" when called so */
	const struct cmd *cmd;
	const struct cmd *parent; /* of a sub-command, else NULL */
	const char *name;	  /* "remote add", for --json */
	struct cmd_global global;
	struct print print;
	struct ui ui;
	struct repo *repo;	      /* with NEED_REPO */
	struct sync_fetcher *fetcher; /* what brings missing objects; ended by main */
	char *failed;		      /* replaces cmd->failed; malloc'ed */
	int dashes;	    /* how many operands stood before "--"; -1: there was none */
	bool is_unforeseen; /* this error is one that DVC does not handle: no word of
			     * context, and 255 */
	bool json_done;	    /* the one document has been written */
};

/* Every command that is offered, ended by NULL; sorted by name. */
extern const struct cmd *const cmd_list[];

/* The command of that name or alias among list, or NULL. */
const struct cmd *cmd_find(const struct cmd *const *list, const char *name);

/* "understood but not offered yet": DVC's command names that we do not have. */
bool cmd_is_known_elsewhere(const char *name);

/* Nothing but a name before its sub-commands. */
static inline bool cmd_is_group(const struct cmd *cmd)
{
	return cmd->subs && !cmd->run;
}

/* ---- for the commands ---------------------------------------------------- */

/* Borrow a list of words as a string vector; nothing of it is to be released. */
struct strvec cmd_strvec(const struct opt_list *list);

/* A wrong command line that the tables cannot express: the message, then help.
 * run() returns EXIT_USAGE after it. */
void cmd_usage(struct ctx *ctx, const char *message);

/*
 * Ask a question on stdout, answered by y, yes, n or no on stdin; asked again
 * after anything else. The end of input is no.
 */
bool cmd_ask(struct ctx *ctx, const char *question);

/* Show a report's warnings (stderr) and notes, and the hint about git. With
 * --json write the document instead; r and e are the verb's result. Returns r,
 * or what writing the document gave. */
int cmd_finish(struct ctx *ctx, const struct report *rep, int r, struct err *e);
void cmd_hint_git(struct ctx *ctx, const struct report *rep);
void cmd_warnings(struct ctx *ctx, const struct strvec *warnings);

/* help.c */
void help_main(struct print *p, const char *prog);
void help_command(struct print *p, const char *prog, const struct cmd *parent,
		  const struct cmd *cmd);
/* The synopsis and the options of a manual page, in mdoc; cmd NULL: lode itself. */
void help_mdoc(struct print *p, const struct cmd *parent, const struct cmd *cmd);

#endif
