/* Text in columns. Cells are given row by row; the first row is the heading. */
#ifndef CMD_GRID_H
#define CMD_GRID_H

#include "store/base/vec.h"

#include <stddef.h>

struct print;

struct grid {
	size_t columns;
	struct strvec cells;
};

void grid_cell(struct grid *t, const char *text); /* copied, made harmless */
/* "| Status   | Path   |", the rule, the rows, and a blank line. */
void grid_markdown(const struct grid *t, struct print *p);
/* Columns padded to their widest cell, two spaces between. */
void grid_plain(const struct grid *t, struct print *p);
void grid_release(struct grid *t);

#endif
