/* Rows of a table dealt out by the values of a column, for metrics of each. */
#ifndef TRAIN_RUN_SLICES_H
#define TRAIN_RUN_SLICES_H

#include "store/base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct table;

struct slicing {
	char **labels; /* "Ulm", "[1.5, 3)", "(missing)" */
	size_t nr;
	uint32_t *code; /* of each row: which label */
};
void slicing_release(struct slicing *s);

/*
 * By a feature or a text column. Categories and texts by value, in order of bytes (or
 * of the dictionary); numbers by value when there are at most 10 of them, else by
 * quantile bins. ERR_INVALID: no such column; more than max labels.
 */
int slicing_by(struct slicing *out, const struct table *t, const char *column,
	       unsigned bins, size_t max, struct err *e) MUST_CHECK;

/* Both at once: the pairs of labels that occur, "Ulm, [1.5, 3)". */
int slicing_pair(struct slicing *out, const struct slicing *a, const struct slicing *b,
		 size_t rows, size_t max, struct err *e) MUST_CHECK;

/* Row numbers by label: those of label k are rows[begin[k]] .. rows[begin[k + 1]]. */
int slicing_rows(const struct slicing *s, size_t rows, uint32_t **out, size_t **begin,
		 struct err *e) MUST_CHECK;

#endif
