/* Text in columns. Cells are given row by row; the first row is the heading. */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include "store/base/vec.h"

#include <stddef.h>

struct print;

struct table {
	size_t columns;
	struct strvec cells;
};

void table_cell(struct table *t, const char *text); /* copied, made harmless */
/* "| Status   | Path   |", the rule, the rows, and a blank line. */
void table_markdown(const struct table *t, struct print *p);
/* Columns padded to their widest cell, two spaces between. */
void table_plain(const struct table *t, struct print *p);
void table_release(struct table *t);

#endif
