/*
 * Numbers as the shortest decimals that read back the same, nearest of those: fast,
 * since a model has millions of them and a prediction is one a row. No locale.
 *
 * Two layouts: Python's repr (0.1, 1.0, 1e-05) for people and tables, and that of
 * XGBoost's documents (1E-1, 1E0, 1E-5), where a number without '.' or 'E' is taken
 * for an integer and refused. Not a number is NaN, the infinities are Infinity and
 * -Infinity in documents, nan, inf and -inf in tables.
 */
#ifndef STORE_FMT_NUMBER_H
#define STORE_FMT_NUMBER_H

#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

enum {
	NUMBER_MAX = 32 /* bytes that any of them takes */
};

/* Into out (NUMBER_MAX bytes), not terminated; the length is returned. */
size_t number_text(char *out, double v);
size_t number_text32(char *out, float v);
size_t number_json(char *out, double v);
size_t number_json32(char *out, float v);

void number_add(struct buf *out, double v); /* number_text */

/* A JSON number, correctly rounded; NaN and Infinity as JSON writers have them. */
bool number_read(struct slice s, double *out);

#endif
