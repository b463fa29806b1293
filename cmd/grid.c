#include "cmd/grid.h"

#include "cmd/print.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/base/text.h"
#include "store/base/utf8.h"

#include <stdlib.h>
#include <string.h>

void grid_cell(struct grid *t, const char *text)
{
	struct buf b = {0};

	text_escape(&b, slice_of(text));
	strvec_push(&t->cells, buf_str(&b));
	buf_release(&b);
}

static size_t width_of(const char *cell)
{
	return utf8_count(cell, strlen(cell));
}

static size_t *widths_of(const struct grid *t)
{
	size_t *w = xcalloc(t->columns ? t->columns : 1, sizeof(*w));

	for (size_t i = 0; i < t->cells.nr; i++)
		w[i % t->columns] = MAX_OF(w[i % t->columns], width_of(t->cells.v[i]));
	return w;
}

static void pad(struct print *p, char c, size_t n)
{
	while (n-- > 0)
		print_text(p, "%c", c);
}

void grid_markdown(const struct grid *t, struct print *p)
{
	size_t *w = widths_of(t);

	/* DVC's tables are two wider than their headings at least. */
	for (size_t k = 0; k < t->columns && k < t->cells.nr; k++)
		w[k] = MAX_OF(w[k], width_of(t->cells.v[k]) + 2);
	for (size_t i = 0; i < t->cells.nr; i += t->columns) {
		for (size_t k = 0; k < t->columns && i + k < t->cells.nr; k++) {
			print_text(p, "| %s ", t->cells.v[i + k]);
			pad(p, ' ', w[k] - width_of(t->cells.v[i + k]));
		}
		print_text(p, "|\n");
		for (size_t k = 0; i == 0 && k < t->columns; k++) {
			print_text(p, "|");
			pad(p, '-', w[k] + 2);
		}
		if (i == 0)
			print_text(p, "|\n");
	}
	print_text(p, "\n");
	free(w);
}

void grid_plain(const struct grid *t, struct print *p)
{
	size_t *w = widths_of(t);

	for (size_t i = 0; i < t->cells.nr; i++) {
		size_t k = i % t->columns;

		print_text(p, "%s", t->cells.v[i]);
		if (k + 1 < t->columns)
			pad(p, ' ', w[k] - width_of(t->cells.v[i]) + 2);
		else
			print_text(p, "\n");
	}
	free(w);
}

void grid_release(struct grid *t)
{
	strvec_release(&t->cells);
}
