/* Python literals, as ast.literal_eval takes them. For pyvars.c. */
#ifndef STORE_FMT_PYLIT_H
#define STORE_FMT_PYLIT_H

#include "store/base/slice.h"

struct arena;
struct value;

/*
 * The value of one expression that fills s (a comment may follow), or NULL where
 * it is no literal we keep: names, calls, f-strings, complex numbers. A string
 * with "\N{...}" or half a surrogate pair is none either.
 */
struct value *pylit_parse(struct arena *a, struct slice s);

#endif
