/*
 * JSON documents as trees, over the pull reader: takes NaN and Infinity, keeps
 * order and the spelling of numbers of any size. For manifests see jsonp.h.
 */
#ifndef STORE_FMT_JSON_H
#define STORE_FMT_JSON_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

struct arena;
struct err;
struct value;

enum {
	JSON_DEPTH_MAX = 200
};

/*
 * The tree is a's. A later duplicate key wins, as with Python. ERR_CORRUPT
 * "NAME: line L, column C: what"; an empty text is an error too. Thread-safe.
 */
int json_read(struct slice text, const char *name, struct arena *a, struct value **root,
	      struct err *e) MUST_CHECK;

#endif
