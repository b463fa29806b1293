/*
 * Patterns on paths: the rules of .gitignore and .dvcignore, and shell wildcards.
 *
 * Matching never backtracks exponentially: its cost is bounded by pattern length
 * times path length. A compiled list may be used by several threads.
 */
#ifndef STORE_FMT_GLOB_H
#define STORE_FMT_GLOB_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

enum glob_dialect {
	GLOB_GIT,
	/*
	 * git's with DVC's habits: lines are stripped at both ends, "d/" and "**" at the
	 * end hide d too, a trailing backslash is an error, and a rule that matches
	 * a directory also matches all below it.
	 */
	GLOB_DVC,
};

struct glob_rule {
	const char *text; /* the line as the file has it, without its end */
	unsigned line;	  /* from 1 */
	bool is_negated, is_dir_only;
	bool is_anchored; /* compared with the whole path, else with the last name */
	enum glob_dialect dialect;
	struct slice pattern; /* what is matched */
	unsigned literal_n;   /* its head without wildcards */
	bool is_literal, is_suffix;
	bool is_below, is_all; /* DVC: wants a directory's inside; fits everything */
};

struct glob_list {
	struct arena arena;
	struct glob_rule *v;
	size_t nr, cap;
};

void glob_list_release(struct glob_list *l);

/*
 * Append the rules of an ignore file's text. ERR_INVALID "NAME:LINE: what" (DVC
 * dialect only: text that is no UTF-8, a pattern that cannot be).
 */
int glob_compile(struct glob_list *l, struct slice text, enum glob_dialect dialect,
		 const char *name, struct err *e) MUST_CHECK;

/* Does one rule's pattern apply to path (relative to the file's directory, no
 * leading or trailing slash)? Negation plays no part. */
bool glob_rule_match(const struct glob_rule *r, struct slice path, bool is_dir);

/* The last rule that applies, or NULL. */
const struct glob_rule *glob_list_match(const struct glob_list *l, struct slice path,
					bool is_dir);

/*
 * Shell wildcards for `add --glob`: "*", "?", "[...]" within a component, "**"
 * as a whole component for any number of them. A leading dot needs a dot.
 */
bool glob_match(struct slice pattern, struct slice path);
bool glob_has_magic(struct slice pattern);

/* Python's fnmatch.fnmatchcase on one text: "*" crosses "/", no dotfile rule. */
bool glob_fnmatch(struct slice pattern, struct slice text);

#endif
