/*
 * The constants of a Python parameter file, found without running it: module
 * and class level assignments of literals to one plain name, and self.x = ...
 * in a class's __init__. Everything else is passed over, as DVC does.
 */
#ifndef STORE_FMT_PYVARS_H
#define STORE_FMT_PYVARS_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

struct arena;
struct err;
struct value;

enum {
	PYVARS_DEPTH_MAX = 100
};

/*
 * The tree (always a map; classes are maps) is a's. ERR_CORRUPT "NAME:LINE:
 * what" for text that cannot be Python: brackets or strings that do not close,
 * indentation that fits nowhere. It is no full syntax check. Thread-safe.
 */
int pyvars_read(struct slice text, const char *name, struct arena *a, struct value **root,
		struct err *e) MUST_CHECK;

#endif
