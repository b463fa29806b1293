#include "train/data/layout.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct order {
	const struct dict_entry *x;
	uint32_t code; /* of first appearance */
};

static int by_bytes(const void *a, const void *b)
{
	const struct dict_entry *x = ((const struct order *)a)->x,
				*y = ((const struct order *)b)->x;

	return slice_cmp((struct slice){x->p, x->n}, (struct slice){y->p, y->n});
}

static int by_rows(const void *a, const void *b)
{
	const struct dict_entry *x = ((const struct order *)a)->x,
				*y = ((const struct order *)b)->x;

	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	return by_bytes(a, b);
}

/* The dictionary's entries in their final order, and where each code went. */
static struct order *sort_dict(const struct dict *d,
			       int (*cmp)(const void *, const void *), uint32_t *to)
{
	struct order *o = xcalloc(d->nr + 1, sizeof(o[0]));

	for (size_t i = 0; i < d->nr; i++)
		o[i] = (struct order){&d->v[i], (uint32_t)i};
	qsort(o, d->nr, sizeof(o[0]), cmp);
	for (size_t i = 0; i < d->nr; i++)
		to[o[i].code] = (uint32_t)i;
	return o;
}

static char **copy_names(const struct order *o, size_t nr)
{
	char **names = xcalloc(nr + 1, sizeof(names[0]));

	for (size_t i = 0; i < nr; i++)
		names[i] = xmemdup0(o[i].x->p, o[i].x->n);
	return names;
}

static void finish_cats(struct use *u, struct column *c, size_t rows)
{
	size_t nr = u->dict.nr;
	uint32_t *to = xcalloc(nr + 1, sizeof(to[0]));
	struct order *o = sort_dict(&u->dict, by_rows, to);
	uint32_t *code = u->v;

	for (size_t i = 0; i < rows; i++)
		if (code[i] != TABLE_MISSING)
			code[i] = to[code[i]];
	c->f.cats = copy_names(o, nr);
	c->f.cats_nr = nr;
	c->f.cat_rows = xcalloc(nr + 1, sizeof(c->f.cat_rows[0]));
	for (size_t i = 0; i < nr; i++)
		c->f.cat_rows[i] = o[i].x->rows;
	free(o);
	free(to);
}

static void finish_feature(struct use *u, struct column *c, size_t rows,
			   const struct feature *given)
{
	c->missing = u->missing;
	c->merged = u->merged;
	if (given) {
		feature_copy(&c->f, given);
	} else {
		c->f.name = xstrdup(u->name);
		c->f.kind = u->kind == USE_CODE ? FEATURE_CATEGORICAL : FEATURE_NUMERIC;
		c->f.integer = u->kind == USE_NUM && !u->fraction && u->missing < rows;
	}
	if (u->kind == USE_CODE) {
		if (!given)
			finish_cats(u, c, rows);
		c->code = u->v;
	} else {
		c->num = u->v;
	}
	u->v = NULL;
}

static int finish_classes(struct use *u, struct table *t, const struct data_options *o,
			  struct err *e)
{
	uint32_t *to = xcalloc(u->dict.nr + 1, sizeof(to[0]));
	struct order *sorted = sort_dict(&u->dict, by_bytes, to);
	const uint32_t *code = u->v;
	double *label;
	void *mem;
	int r = try_alloc(&mem, t->rows + 1, sizeof(double), "the label", e);

	if (r < 0)
		goto out;
	label = mem;
	for (size_t i = 0; i < t->rows; i++) {
		if (code[i] >= TABLE_UNSEEN)
			label[i] = (double)NAN;
		else
			label[i] = u->is_fixed ? code[i] : to[code[i]];
	}
	t->label = label;
	t->classes_nr = u->is_fixed ? o->classes_nr : u->dict.nr;
	if (!u->is_fixed) {
		t->classes = copy_names(sorted, u->dict.nr);
	} else {
		t->classes = xcalloc(o->classes_nr + 1, sizeof(t->classes[0]));
		for (size_t i = 0; i < o->classes_nr; i++)
			t->classes[i] = xstrdup(o->classes[i]);
	}
out:
	free(sorted);
	free(to);
	return r;
}

/* Numbers of first appearance are the numbers of queries, if each stays together. */
static int finish_group(struct use *u, struct table *t, struct err *e)
{
	const uint32_t *g = u->v;

	for (size_t i = 1; i < t->rows; i++)
		if (g[i] < g[i - 1] || g[i] > g[i - 1] + 1)
			return err_set(
				e, ERR_INVALID,
				"row %zu: rows of query '%.*s' (column '%s') are not "
				"adjacent",
				i + 1, (int)MIN_OF(u->dict.v[g[i]].n, 40u),
				u->dict.v[g[i]].p, u->name);
	t->group = u->v;
	u->v = NULL;
	return 0;
}

static int finish_text(struct use *u, struct text_column *x, size_t rows, struct err *e)
{
	const uint32_t *code = u->v;
	char **starts, *to;
	size_t n = 1;
	void *mem;
	int r;

	x->name = xstrdup(u->name);
	if ((r = try_alloc(&mem, rows + 1, sizeof(x->v[0]), "texts", e)) < 0)
		return r;
	x->v = mem;
	for (size_t i = 0; i < u->dict.nr; i++)
		n += (size_t)u->dict.v[i].n + 1;
	if ((r = try_alloc(&mem, n, 1, "texts", e)) < 0)
		return r;
	to = x->bytes = mem;
	starts = xcalloc(u->dict.nr + 1, sizeof(starts[0]));
	for (size_t i = 0; i < u->dict.nr; i++) {
		starts[i] = to;
		memcpy(to, u->dict.v[i].p, u->dict.v[i].n);
		to += (size_t)u->dict.v[i].n + 1;
	}
	for (size_t i = 0; i < rows; i++)
		x->v[i] = code[i] == TABLE_MISSING ? NULL : starts[code[i]];
	free(starts);
	return 0;
}

static int finish_other(struct layout *p, struct use *u, struct table *t, struct err *e)
{
	switch (u->what) {
	case FOR_LABEL:
		t->label_name = xstrdup(u->name);
		if (u->kind == USE_CODE)
			return finish_classes(u, t, p->o, e);
		t->label = u->v;
		break;
	case FOR_WEIGHT:
		t->weight = u->v;
		break;
	case FOR_GROUP:
		return finish_group(u, t, e);
	case FOR_KEY:
		t->key = u->v;
		break;
	default:
		return finish_text(u, &t->text[t->text_nr++], t->rows, e);
	}
	u->v = NULL;
	return 0;
}

struct finish {
	struct layout *p;
	struct table *t;
	uint64_t *hashes;
};

static void finish_column(void *ctx, size_t i, unsigned member)
{
	struct finish *f = ctx;
	const struct feature *given = f->p->o->features;

	(void)member;
	finish_feature(&f->p->uses[i], &f->t->cols[i], f->t->rows,
		       given ? &given[i] : NULL);
	f->hashes[i] = table_column_hash(f->t, i);
}

int layout_finish(struct layout *p, struct table *out, struct team *team, struct err *e)
{
	struct table t = {.rows = p->rows};
	struct finish f = {p, &t, NULL};
	size_t features = 0;
	int r;

	if ((r = layout_reserve(p, p->rows, e)) < 0)
		return r;
	while (features < p->nr && p->uses[features].what == FOR_FEATURE)
		features++;
	t.cols = xcalloc(features + 1, sizeof(t.cols[0]));
	t.cols_nr = features;
	t.text = xcalloc(p->nr - features + 1, sizeof(t.text[0]));
	f.hashes = xcalloc(features + 1, sizeof(f.hashes[0]));
	team_for(team, features, finish_column, &f);
	for (size_t i = features; r == 0 && i < p->nr; i++)
		r = finish_other(p, &p->uses[i], &t, e);
	if (r == 0) {
		t.hash = table_hash_all(&t, f.hashes);
		*out = t;
		t = (struct table){0};
	}
	free(f.hashes);
	table_release(&t);
	return r;
}
