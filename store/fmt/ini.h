/*
 * The INI dialect of DVC's config files (ConfigObj's), read and written whole:
 * docs/format/config.md has the grammar. Section names and keys are lower-cased
 * on reading. Texts live in the struct's arena. Not thread-safe while changed.
 */
#ifndef STORE_FMT_INI_H
#define STORE_FMT_INI_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

struct ini_entry {
	const char *key;    /* lower case */
	const char *value;  /* unquoted; a list's items joined by ", " */
	const char **items; /* of a list, else NULL */
	size_t items_nr;
	bool is_list;		/* an unquoted comma */
	bool has_interpolation; /* "%(name)s" is in it; DVC fails on it */
	unsigned line;		/* 0: set by ini_set */
};

struct ini_section {
	const char *name; /* unquoted, lower case: "core", "remote \"x\"" */
	unsigned depth;	  /* 1; more for [[nested]] ones, which DVC refuses */
	unsigned line;	  /* 0: new */
	struct ini_entry *v;
	size_t nr, cap;
};

struct ini {
	struct arena arena;
	/* v[0] may be named "" with depth 0: entries before any section. */
	struct ini_section *v;
	size_t nr, cap;
};

void ini_release(struct ini *ini);

/*
 * ERR_CONFIG "NAME: Duplicate section name at line N." and the like, in DVC's
 * words. out must be {0} or released; it is empty after a failure.
 */
int ini_read(struct ini *out, struct slice text, const char *name,
	     struct err *e) MUST_CHECK;

/* All comments are gone; order, quoting and spacing are DVC's; empty sections are
 * dropped; without any entry the text is a single newline. */
void ini_write(const struct ini *ini, struct buf *out);

const struct ini_section *ini_find(const struct ini *ini, const char *section);
const struct ini_entry *ini_get(const struct ini *ini, const char *section,
				const char *key);
/* Makes the section when absent. Copies. */
void ini_set(struct ini *ini, const char *section, const char *key, const char *value);
bool ini_unset(struct ini *ini, const char *section, const char *key); /* was there? */
bool ini_remove_section(struct ini *ini, const char *section);	       /* was there? */
bool ini_rename_section(struct ini *ini, const char *from, const char *to);

/*
 * "remote", "machine" or "db" and the name of a section like 'remote "NAME"', or
 * false for a plain one. Slices point into section.
 */
bool ini_section_split(const char *section, struct slice *kind, struct slice *name);

#endif
