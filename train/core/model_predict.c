/*
 * Margins. A block of rows goes through one tree after the other, so that a tree's
 * nodes stay in the cache; each row's sum is base, tree 0, tree 1, ... all the same.
 */
#include "train/core/model.h"

#include <math.h>

#include "train/core/model_impl.h"
#include "train/core/objective.h"

enum {
	BLOCK_ROWS = 512
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

static void margins_trees(const struct model *m, const struct table *t, size_t from,
			  size_t to, double *out)
{
	size_t outputs = m->outputs;

	for (size_t at = from; at < to; at += BLOCK_ROWS) {
		size_t end = to - at < BLOCK_ROWS ? to : at + BLOCK_ROWS;

		for (size_t row = at; row < end; row++)
			for (size_t k = 0; k < outputs; k++)
				out[(row - from) * outputs + k] = m->base[k];
		for (size_t i = 0; i < m->trees_nr; i++) {
			const struct tree *tree = &m->trees[i];
			double *to_k = out + i % outputs;

			for (size_t row = at; row < end; row++)
				to_k[(row - from) * outputs] +=
					tree->nodes[tree_leaf(m, tree, t, row)].value;
		}
	}
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
