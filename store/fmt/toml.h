/* TOML 1.0 as a tree, for parameter files. Own reader; dates are VALUE_DATE. */
#ifndef STORE_FMT_TOML_H
#define STORE_FMT_TOML_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

struct arena;
struct err;
struct value;

enum {
	TOML_DEPTH_MAX = 100
};

/* The tree (always a map) is a's. ERR_CORRUPT "NAME:LINE: what". Thread-safe. */
int toml_read(struct slice text, const char *name, struct arena *a, struct value **root,
	      struct err *e) MUST_CHECK;

#endif
