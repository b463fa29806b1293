/*
 * The command line as data.
 *
 * An option is a row of a table: its names, its kind and the offset of the
 * field that it fills. The same rows parse, print -h, write the man page's
 * synopsis and the shell completions, so that none of them can tell another
 * story than the parser. Parsing follows argparse's habits, which scripts that
 * call DVC rely on: unique abbreviations, "--opt=value", "--", clusters of
 * short options, and operands mixed with options.
 *
 * Everything parsed points into argv and lives as long as it does.
 */
#ifndef CMD_OPT_H
#define CMD_OPT_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

enum opt_kind {
	OPT_KIND_END = 0,
	OPT_KIND_BOOL,	/* bool */
	OPT_KIND_CONST, /* int, set to value */
	OPT_KIND_COUNT, /* int, one more each time */
	OPT_KIND_INT,	/* int64_t */
	OPT_KIND_STR,	/* const char * */
	OPT_KIND_MAYBE, /* const char *, choices[0] when given without a value */
	OPT_KIND_LIST,	/* struct opt_list, one value each time */
	OPT_KIND_MANY,	/* struct opt_list, all values up to the next option */
};

/* Words from the command line. All-zero is empty. */
struct opt_list {
	const char **v;
	size_t nr, cap;
};
void opt_list_release(struct opt_list *list);

enum opt_flags {
	OPT_HIDDEN = 1u << 0, /* parses, but is not shown */
	OPT_PATH = 1u << 1,   /* the value is a file name (completions) */
	OPT_REMOTE = 1u << 2, /* the value is a remote's name */
	OPT_EXIT2 = 1u << 3,  /* a conflict here ends as argparse's own errors do */
};

struct opt {
	enum opt_kind kind;
	char letter; /* 0: none */
	const char *name;
	size_t at; /* offset of the field */
	const char *value_name;
	const char *help; /* one clause, no full stop */
	const char *const *choices;
	int value; /* CONST */
	int group; /* options of one group (not 0) exclude each other */
	unsigned flags;
};

#define OPT_FIELD(kind_, c, s, type, field)                                              \
	.kind = (kind_), .letter = (c), .name = (s), .at = offsetof(type, field)
#define OPT_BOOL(c, s, type, field, text)                                                \
	{                                                                                \
		OPT_FIELD(OPT_KIND_BOOL, c, s, type, field), .help = (text)              \
	}
#define OPT_CONST(c, s, type, field, val, grp, text)                                     \
	{                                                                                \
		OPT_FIELD(OPT_KIND_CONST, c, s, type, field),                            \
			.value = (val), .group = (grp), .help = (text)                   \
	}
#define OPT_COUNT(c, s, type, field, text)                                               \
	{                                                                                \
		OPT_FIELD(OPT_KIND_COUNT, c, s, type, field), .help = (text)             \
	}
#define OPT_INT(c, s, type, field, val, text)                                            \
	{                                                                                \
		OPT_FIELD(OPT_KIND_INT, c, s, type, field), .value_name = (val),         \
							    .help = (text)               \
	}
#define OPT_STR(c, s, type, field, val, text)                                            \
	{                                                                                \
		OPT_FIELD(OPT_KIND_STR, c, s, type, field), .value_name = (val),         \
							    .help = (text)               \
	}
#define OPT_LIST(c, s, type, field, val, text)                                           \
	{                                                                                \
		OPT_FIELD(OPT_KIND_LIST, c, s, type, field), .value_name = (val),        \
							     .help = (text)              \
	}
#define OPT_MANY(c, s, type, field, val, text)                                           \
	{                                                                                \
		OPT_FIELD(OPT_KIND_MANY, c, s, type, field), .value_name = (val),        \
							     .help = (text)              \
	}
#define OPT_END                                                                          \
	{                                                                                \
		.kind = OPT_KIND_END                                                     \
	}

/* What stands without a dash. Filled from the left, required ones first. */
enum operand_kind {
	OPERAND_END = 0,
	OPERAND_ONE,  /* const char *, required */
	OPERAND_OPT,  /* const char *, or NULL */
	OPERAND_SOME, /* struct opt_list, one or more */
	OPERAND_ANY,  /* struct opt_list, may be empty */
};

struct operand {
	enum operand_kind kind;
	const char *name;
	size_t at;
	const char *help;
	unsigned flags; /* OPT_PATH, OPT_REMOTE */
};

#define OPERAND(kind_, s, type, field, text)                                             \
	{                                                                                \
		.kind = (kind_), .name = (s), .at = offsetof(type, field),               \
		.help = (text), .flags = OPT_PATH                                        \
	}

#define OPERANDS_END                                                                     \
	{                                                                                \
		.kind = OPERAND_END                                                      \
	}

/* One table and the struct that it fills. */
struct opt_set {
	const struct opt *opts; /* ended by OPT_END; NULL is an empty table */
	void *base;
};

struct opt_parse {
	const struct opt_set *sets;
	size_t sets_nr;
	const struct operand *operands; /* NULL: none */
	void *operands_base;
	bool stop_at_operand; /* leave the first operand and what follows alone */
	/* out */
	int used;      /* arguments taken, with stop_at_operand */
	int dashes;    /* words that are no options before "--"; -1: there was none */
	bool is_exit2; /* the error is of an OPT_EXIT2 group */
	bool has_help; /* -h or --help was met: nothing is checked any more */
};

/*
 * Parse argv[0..argc). ERR_INVALID tells the story in argparse's words. Lists
 * belong to the caller on failure too: opt_release() frees them.
 */
int opt_parse(struct opt_parse *p, int argc, char *const *argv, struct err *e) MUST_CHECK;
void opt_release(const struct opt *opts, const struct operand *operands, void *base);

bool opt_takes_value(const struct opt *o);

/* "-r, --remote NAME"; one row of help. */
void opt_spell(const struct opt *o, struct buf *out);
/* " [-r NAME] [--glob] targets..." */
void opt_usage(const struct opt *opts, const struct operand *operands, struct buf *out);

#endif
