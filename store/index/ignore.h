/*
 * .dvcignore: git's grammar with DVC's habits (docs/design/index.md). Files are
 * read when a directory is first asked about, and kept; deeper files win. A
 * directory below the root with a .dvc directory of its own is a repository of
 * its own, and ignored by this one.
 *
 * Paths are relative to the root, normal, '/'-separated; "" or "." is the root.
 * Thread-safe but for open, free and forget.
 */
#ifndef STORE_INDEX_IGNORE_H
#define STORE_INDEX_IGNORE_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;
struct ignore;
struct ignore_dir;

/* rootfd is borrowed. Reads nothing yet. */
int ignore_open(struct ignore **out, int rootfd, const char *root,
		struct err *e) MUST_CHECK;
void ignore_free(struct ignore *ig); /* accepts NULL */
/* Read everything again at the next question (a checkout may bring a .dvcignore). */
void ignore_forget(struct ignore *ig);

/* The rule that decided. Its texts live as long as the struct ignore does. */
struct ignore_rule {
	/* Relative to the root; "" for a built-in one, "in sub_repo:NAME" for a
	 * repository of its own. Both have line 0 and show as FILE:TEXT. */
	const char *file;
	unsigned line;
	const char *text; /* the pattern as the file has it */
	bool is_negated;
	bool is_subrepo; /* no pattern: a repository of its own */
};

/*
 * Is it ignored: itself, or by a parent? A file that cannot be used is
 * ERR_INVALID with its name and line.
 */
int ignore_check(struct ignore *ig, const char *path, bool is_dir, bool *out,
		 struct err *e) MUST_CHECK;

/* By patterns only: a repository of its own hides nothing here. */
int ignore_hides(struct ignore *ig, const char *path, bool is_dir, bool *out,
		 struct err *e) MUST_CHECK;

/*
 * The same with the rule that check-ignore --details shows: of the last group of
 * neighbouring patterns that matches, the first match. *matched is true for a
 * negated rule too; *rule is written only then.
 */
int ignore_explain(struct ignore *ig, const char *path, bool is_dir, bool *ignored,
		   bool *matched, struct ignore_rule *rule, struct err *e) MUST_CHECK;

/* 0, or ERR_INVALID "Path '/abs/f' is ignored by .dvcignore:4:f" for an output
 * that patterns hide. A repository of its own is no reason here, as with DVC. */
int ignore_refuse(struct ignore *ig, const char *path, bool is_dir,
		  struct err *e) MUST_CHECK;

/*
 * For walks: the rules in one directory, looked up once. The result belongs to
 * ig. NULL in *out when the directory itself is ignored. has_file says whether
 * the directory's listing has a .dvcignore: 1, 0, or -1 for not known.
 */
int ignore_dir(struct ignore *ig, const char *path, int has_file,
	       const struct ignore_dir **out, struct err *e) MUST_CHECK;
/* A name in that directory; patterns only, no parent and no sub-repository. */
bool ignore_name(const struct ignore_dir *d, const char *name, bool is_dir);
/* Changes when any rule that applies in the directory does. */
uint64_t ignore_fingerprint(const struct ignore_dir *d);

#endif
