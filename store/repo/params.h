/* Parameter files: loading by suffix, and looking dotted keys up as DVC does. */
#ifndef STORE_REPO_PARAMS_H
#define STORE_REPO_PARAMS_H

#include "store/base/compiler.h"

struct arena;
struct err;
struct repo;
struct value;

/* path from the root. An empty file is an empty map. ERR_NOTFOUND; ERR_CORRUPT. */
int params_load(struct repo *r, const char *path, struct arena *a, struct value **root,
		struct err *e) MUST_CHECK;

/*
 * The value of a dotted key: each segment is a key's text or a list's index, or a
 * pattern that one leaf alone matches. NULL when it is not there. ERR_INVALID
 * when a pattern matches several.
 */
int params_get(const struct value *root, const char *key, const struct value **out,
	       struct err *e) MUST_CHECK;

#endif
