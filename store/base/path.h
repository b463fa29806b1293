/*
 * Paths as text; nothing here looks at a disk. Paths have no maximum length,
 * '/' separates, and normalizing is lexical: "." and "//" go, "a/.." goes.
 */
#ifndef STORE_BASE_PATH_H
#define STORE_BASE_PATH_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>

struct buf;
struct err;

bool path_is_abs(const char *path);
struct slice
path_base(const char *path); /* last component, trailing '/' ignored; "" of "/" */
struct slice path_dir(const char *path); /* what is before it; "." if nothing */

char *path_join(const char *dir, const char *name); /* malloc'ed; name may be absolute */
char *path_normal(const char *path);		    /* malloc'ed; "" becomes "." */
char *path_absolute(const char *cwd, const char *path); /* joined and normal */

/* to as seen from the directory from; both absolute and normal. malloc'ed. */
char *path_relative(const char *from, const char *to);

/* path is dir itself or lies below it; both absolute, or both relative to one root */
bool path_within(const char *path, const char *dir);

/*
 * What a committed file or a manifest may name: relative, not empty, no "." or
 * ".." or empty component, none that equals ".git" or ".dvc" (any case of
 * ".git"), no NUL. ERR_INVALID names the path and the component.
 */
int path_check_tracked(const char *rel, struct err *e) MUST_CHECK;

#endif
