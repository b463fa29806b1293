/*
 * Margins. A block of rows goes through one tree after the other, so that a tree's
 * nodes stay in the cache; each row's sum is base, tree 0, tree 1, ... all the same.
 */
#include "train/core/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "train/core/model_impl.h"
#include "train/core/objective.h"

enum {
	BLOCK_ROWS = 4096
};

static bool set_has(const struct tree *tree, const struct node *n, uint32_t code)
{
	const uint32_t *v = tree->sets + n->set;
	size_t lo = 0, hi = n->set_nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] < code)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n->set_nr && v[lo] == code;
}

bool tree_goes_left(const struct tree *tree, const struct node *n, const struct table *t,
		    size_t row)
{
	const struct column *c = &t->cols[n->feature];
	float x;

	/* Missing and unseen codes are in no set. */
	if (n->categorical)
		return !set_has(tree, n, c->code[row]);
	x = c->num[row];
	return isnan(x) ? n->default_left : x < n->cut;
}

uint32_t tree_leaf(const struct model *m, const struct tree *tree, const struct table *t,
		   size_t row)
{
	uint32_t at = 0;

	(void)m;
	while (tree->nodes[at].left >= 0) {
		const struct node *n = &tree->nodes[at];

		at = (uint32_t)(tree_goes_left(tree, n, t, row) ? n->left : n->right);
	}
	return at;
}

/*
 * A tree for many rows: nodes of 16 bytes, so that one of 255 leaves stays in L1, and
 * no branch that depends on a number. A leaf is its own child twice, so that rows in
 * step wait for each other there; what it compares does not matter.
 */
struct flat {
	float cut;
	uint32_t feature : 30, is_categorical : 1, missing_left : 1;
	int32_t child[2]; /* right, left */
};
_Static_assert(sizeof(float) == sizeof(uint32_t), "a number is as wide as a code");
_Static_assert(sizeof(struct flat) == 16, "four to a cache line");

enum {
	STEP_ROWS = 8 /* walk together, so that their loads overlap */
};

struct walk {
	const struct tree *tree;
	const struct flat *flat;
	const char *const *values; /* of each feature: codes or numbers, 4 bytes a row */
};

static void flatten(struct flat *out, const struct tree *tree)
{
	for (size_t i = 0; i < tree->nr; i++) {
		const struct node *n = &tree->nodes[i];

		out[i] = (struct flat){.child = {(int32_t)i, (int32_t)i}};
		if (n->left < 0)
			continue;
		out[i].cut = n->cut;
		out[i].feature = n->feature & 0x3fffffff;
		out[i].is_categorical = n->categorical;
		out[i].missing_left = n->default_left;
		out[i].child[0] = n->right;
		out[i].child[1] = n->left;
	}
}

static inline int32_t step(const struct walk *w, int32_t at, size_t row)
{
	const struct flat *f = &w->flat[at];
	const char *value = w->values[f->feature] + row * sizeof(uint32_t);
	uint32_t code;
	float x;

	memcpy(&code, value, sizeof(code));
	if (f->is_categorical)
		return f->child[!set_has(w->tree, &w->tree->nodes[at], code)];
	memcpy(&x, value, sizeof(x));
	return f->child[(x < f->cut) | ((x != x) & f->missing_left)];
}

/* The values of one tree onto its output's margins of rows [from, to). */
static void add_tree(const struct walk *w, size_t from, size_t to, double *out,
		     size_t outputs)
{
	const struct node *nodes = w->tree->nodes;
	size_t row = from;

	/* Without a split there may be no feature to look at. */
	if (w->tree->nr == 1) {
		for (; row < to; row++, out += outputs)
			*out += nodes[0].value;
		return;
	}
	for (; row + STEP_ROWS <= to; row += STEP_ROWS, out += STEP_ROWS * outputs) {
		int32_t at[STEP_ROWS] = {0}, moved;

		do {
			moved = 0;
			for (size_t i = 0; i < STEP_ROWS; i++) {
				int32_t next = step(w, at[i], row + i);

				moved |= next ^ at[i];
				at[i] = next;
			}
		} while (moved);
		for (size_t i = 0; i < STEP_ROWS; i++)
			out[i * outputs] += nodes[at[i]].value;
	}
	for (; row < to; row++, out += outputs) {
		int32_t at = 0, next;

		while ((next = step(w, at, row)) != at)
			at = next;
		*out += nodes[at].value;
	}
}

static size_t largest_tree(const struct model *m)
{
	size_t nr = 1;

	for (size_t i = 0; i < m->trees_nr; i++)
		nr = m->trees[i].nr > nr ? m->trees[i].nr : nr;
	return nr;
}

static void margins_trees(const struct model *m, const struct table *t, size_t from,
			  size_t to, double *out)
{
	size_t outputs = m->outputs;
	struct flat *flat = xcalloc(largest_tree(m), sizeof(*flat));
	const char **values = xcalloc(m->features_nr + 1, sizeof(*values));

	for (size_t i = 0; i < m->features_nr; i++)
		values[i] = m->features[i].kind == FEATURE_CATEGORICAL
				    ? (const void *)t->cols[i].code
				    : (const void *)t->cols[i].num;
	for (size_t at = from; at < to; at += BLOCK_ROWS) {
		size_t end = to - at < BLOCK_ROWS ? to : at + BLOCK_ROWS;
		double *block = out + (at - from) * outputs;

		for (size_t i = 0; i < (end - at) * outputs; i++)
			block[i] = m->base[i % outputs];
		for (size_t i = 0; i < m->trees_nr; i++) {
			struct walk w = {&m->trees[i], flat, values};

			flatten(flat, w.tree);
			add_tree(&w, at, end, block + i % outputs, outputs);
		}
	}
	free(values);
	free(flat);
}

static double linear_margin(const struct model *m, const struct table *t, size_t row,
			    size_t k)
{
	const double *w = m->weights + k * m->weights_nr;
	double sum = m->bias[k];

	for (size_t j = 0; j < m->features_nr; j++) {
		const struct column *c = &t->cols[j];

		if (m->features[j].kind == FEATURE_CATEGORICAL) {
			size_t cats = m->features[j].cats_nr;

			if (c->code[row] < cats)
				sum += w[c->code[row]];
			w += cats;
		} else {
			double x = isnan(c->num[row]) ? m->fill[j] : (double)c->num[row];

			sum += *w++ * x;
		}
	}
	return sum;
}

void model_margins(const struct model *m, const struct table *t, size_t from, size_t to,
		   double *out)
{
	if (m->type == MODEL_GBT) {
		margins_trees(m, t, from, to, out);
		return;
	}
	for (size_t row = from; row < to; row++)
		for (size_t k = 0; k < m->outputs; k++)
			*out++ = linear_margin(m, t, row, k);
}

void model_response(const struct model *m, double *v, size_t rows)
{
	objective_response(m->objective, m->outputs, v, rows);
}
