#include "train/core/table.h"

#include <stdlib.h>

#include "store/base/alloc.h"

static void strings_free(char **v, size_t nr)
{
	if (!v)
		return;
	for (size_t i = 0; i < nr; i++)
		free(v[i]);
	free(v);
}

void feature_release(struct feature *f)
{
	free(f->name);
	strings_free(f->cats, f->cats_nr);
	free(f->cat_rows);
	*f = (struct feature){0};
}

void feature_copy(struct feature *out, const struct feature *f)
{
	struct feature c = {.kind = f->kind, .integer = f->integer};

	if (f->name)
		c.name = xstrdup(f->name);
	if (f->cats_nr)
		c.cats = xcalloc(f->cats_nr, sizeof(*c.cats));
	for (size_t i = 0; i < f->cats_nr; i++)
		c.cats[i] = xstrdup(f->cats[i]);
	c.cats_nr = f->cats_nr;
	*out = c;
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->cols_nr; i++) {
		feature_release(&t->cols[i].f);
		free(t->cols[i].num);
		free(t->cols[i].code);
	}
	free(t->cols);
	free(t->label);
	free(t->label_name);
	strings_free(t->classes, t->classes_nr);
	free(t->weight);
	free(t->group);
	free(t->key);
	for (size_t i = 0; i < t->text_nr; i++) {
		free(t->text[i].name);
		strings_free(t->text[i].v, t->rows);
	}
	free(t->text);
	*t = (struct table){0};
}
