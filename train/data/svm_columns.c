#include "train/data/svm.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/parse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int grow_column(struct svm_column *c, size_t rows, size_t cap, struct err *e)
{
	void *mem;
	int r = try_alloc(&mem, MAX_OF(cap, (size_t)1), sizeof(float),
			  "the values of a column", e);

	if (r < 0)
		return r;
	if (c->v)
		memcpy(mem, c->v, rows * sizeof(float));
	free(c->v);
	c->v = mem;
	return 0;
}

int svm_columns_grow(struct svm_columns *x, size_t columns, size_t rows, size_t guess,
		     struct err *e)
{
	size_t cap = rows > x->cap ? MAX_OF(rows, guess) : x->cap;
	int r;

	if (columns > x->nr) {
		x->col = xreallocarray(x->col, columns, sizeof(x->col[0]));
		for (size_t i = x->nr; i < columns; i++)
			x->col[i] = (struct svm_column){0};
		x->nr = columns;
	}
	for (size_t i = 0; i < x->nr; i++) {
		struct svm_column *c = &x->col[i];

		if (c->unwanted || (c->v && cap == x->cap))
			continue;
		if ((r = grow_column(c, x->rows, cap, e)) < 0)
			return r;
	}
	x->cap = cap;
	x->rows = rows;
	return 0;
}

void svm_columns_release(struct svm_columns *x)
{
	for (size_t i = 0; i < x->nr; i++)
		free(x->col[i].v);
	free(x->col);
	*x = (struct svm_columns){0};
}

/* The number of a column f0, f1, ... or SIZE_MAX. */
static size_t index_of(const char *name)
{
	uint64_t v;

	if (name[0] != 'f' || !parse_u64(slice_of(name + 1), &v) ||
	    v >= SVM_COLUMNS_MAX || (name[1] == '0' && name[2]))
		return SIZE_MAX;
	return (size_t)v;
}

void svm_want(struct svm_columns *x, const struct data_options *o)
{
	size_t nr = 0;

	if (!o->features)
		return;
	for (size_t i = 0; i < o->features_nr; i++) {
		size_t at = index_of(o->features[i].name);

		if (at != SIZE_MAX)
			nr = MAX_OF(nr, at + 1);
	}
	x->col = xcalloc(nr + 1, sizeof(x->col[0]));
	x->nr = nr;
	for (size_t i = 0; i < nr; i++)
		x->col[i].unwanted = true;
	for (size_t i = 0; i < o->features_nr; i++) {
		size_t at = index_of(o->features[i].name);

		if (at != SIZE_MAX)
			x->col[at].unwanted = false;
	}
}

struct data_options svm_head_options(const struct data_options *o, bool has_qid)
{
	/* An empty list: nothing else of the head is a column. */
	static const char *const nothing[1];

	return (struct data_options){
		.include = nothing,
		.target = o->target ? "label" : NULL,
		.target_classes = o->target_classes,
		.classes = o->classes,
		.classes_nr = o->classes_nr,
		.target_optional = o->target_optional,
		.group = has_qid ? "qid" : NULL,
		.missing = o->missing,
		.missing_nr = o->missing_nr,
	};
}

struct data_options svm_rest_options(const struct data_options *o)
{
	struct data_options rest = *o;

	rest.target = rest.group = NULL;
	return rest;
}

int categories_of(struct use *u, const float *v, size_t at, size_t rows, const char *path,
		  struct err *e)
{
	uint32_t *code = (uint32_t *)u->v + at;
	uint32_t last = TABLE_MISSING;

	for (size_t i = 0; i < rows; i++) {
		double x = (double)v[i];
		char text[32];
		size_t n;

		if (isnan(x)) {
			code[i] = TABLE_MISSING;
			u->missing++;
			continue;
		}
		if (!(fabs(x) <= 0x1p24) || x != floor(x))
			return err_set(
				e, ERR_INVALID,
				"'%s': row %zu, column '%s': %g is no category: only "
				"whole numbers to 16777216 are",
				path, i + 1, u->name, x);
		if (i > 0 && v[i] == v[i - 1]) {
			code[i] = last;
		} else {
			n = (size_t)snprintf(text, sizeof(text), "%lld", (long long)x);
			if (u->is_fixed)
				last = dict_get(&u->dict, text, n);
			else
				last = dict_put(&u->dict, text, n, dict_hash(text, n),
						true);
			code[i] = last = last == DICT_NONE ? TABLE_UNSEEN : last;
		}
		if (!u->is_fixed)
			u->dict.v[last].rows++;
	}
	return 0;
}

/* The array of one column to its use. */
int svm_give_column(struct layout *p, struct use *u, struct svm_columns *x,
		    const char *path, struct err *e)
{
	size_t at = index_of(u->name);
	struct svm_column *c = at < x->nr ? &x->col[at] : NULL;
	void *mem;
	int r;

	if (u->what != FOR_FEATURE)
		return err_set(
			e, ERR_INVALID,
			"'%s': column '%s': a libsvm file has no columns of weights, "
			"keys or texts",
			path, u->name);
	if (!c || !c->v)
		return err_set(e, ERR_INVALID, "'%s': no column '%s'", path, u->name);
	free(u->v);
	u->v = NULL;
	if (u->kind == USE_CODE) {
		if ((r = try_alloc(&mem, x->rows + 1, sizeof(uint32_t),
				   "the values of a column", e)) < 0)
			return r;
		u->v = mem;
		u->missing = 0;
		return categories_of(u, c->v, 0, p->rows, path, e);
	}
	u->v = c->v;
	u->missing = c->missing;
	u->merged = c->merged;
	u->fraction = c->fraction;
	c->v = NULL;
	return 0;
}

/* The head's label and query join behind the features. */
static void give_head(struct layout *p, struct layout *head, const char *target)
{
	for (size_t i = 0; i < head->nr; i++) {
		struct use *u = &head->uses[i];

		if (u->what == FOR_LABEL && target) {
			free(u->name);
			u->name = xstrdup(target);
		}
		layout_add(p, u);
	}
	head->nr = 0;
}

int svm_give(struct layout *p, struct layout *head, struct svm_columns *x,
	     const char *path, const char *target, struct err *e)
{
	char **names = xcalloc(x->nr + 1, sizeof(names[0]));
	struct layout_map map = {0};
	int r;

	for (size_t i = 0; i < x->nr; i++)
		names[i] = xasprintf("f%zu", i);
	r = layout_columns(p, &map, path, names, x->nr, e);
	p->rows = head->rows;
	p->cap = x->rows;
	for (size_t i = 0; r == 0 && i < p->nr; i++)
		r = svm_give_column(p, &p->uses[i], x, path, e);
	if (r == 0)
		give_head(p, head, target);
	layout_map_release(&map);
	for (size_t i = 0; i < x->nr; i++)
		free(names[i]);
	free(names);
	return r;
}
