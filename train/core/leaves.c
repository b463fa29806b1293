/*
 * Values of leaves, from sums of the true gradients in fixed point: a sum of
 * integers, so neither shards nor threads have a say. And what follows: the grid,
 * covers, scores.
 */
#include "train/core/gbt.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/table.h"
#include "train/core/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_ROWS 16384

struct item {
	uint32_t node;
	size_t from, to; /* in gbt.rows */
};

/*
 * Each row gets the number of its leaf first; what follows then reads gradients and
 * writes scores from front to back, where leaf by leaf it would touch a cache line
 * for every number.
 */
struct job {
	struct gbt *gbt;
	unsigned output;
	struct item *items;
	size_t nr;
	uint32_t *leaf;	 /* by row */
	uint64_t **sums; /* by member, g and h of each node */
	double scale_g, scale_h;
	double *value; /* by node */
	double *score;
	double *max; /* by block of rows */
	/* another table */
	const struct table *t;
	const struct tree *tree;
};

/*
 * p such that N values of at most max, times 2^p, sum up to 2^62 at most. The
 * product may be rounded down by an ulp, which the 63rd bit forgives.
 */
static int fixed_bits(uint64_t n, double max)
{
	double m;
	int ex, bits;

	if (!(max > 0))
		return 40;
	m = frexp((double)n * max, &ex);
	bits = 62 - (m > 0.5 ? ex : ex - 1);
	return bits < 40 ? bits : 40;
}

static void list_items(struct job *j)
{
	const struct gbt *g = j->gbt;
	size_t cap = g->spots_nr + g->bag_nr / ITEM_ROWS + 1;

	j->items = xcalloc(cap, sizeof(*j->items));
	for (uint32_t n = 0; n < g->spots_nr; n++) {
		const struct spot *s = &g->spots[n];

		for (size_t at = 0; s->is_leaf && at < s->nr; at += ITEM_ROWS)
			j->items[j->nr++] = (struct item){
				.node = n,
				.from = s->from + at,
				.to = s->from + MIN_OF(s->nr, at + ITEM_ROWS),
			};
	}
}

static void mark_item(void *ctx, size_t i, unsigned member)
{
	const struct job *j = ctx;
	const struct item *it = &j->items[i];
	const uint32_t *rows = j->gbt->rows;
	uint32_t *leaf = j->leaf, node = it->node;

	(void)member;
	for (size_t k = it->from; k < it->to; k++)
		leaf[rows[k]] = node;
}

/* Down the tree by bin codes, for rows that no leaf lists. */
static uint32_t walk_codes(const struct gbt *g, size_t row)
{
	uint32_t n = 0;

	while (!g->spots[n].is_leaf) {
		const struct split *s = &g->spots[n].best;
		unsigned code = g->bins.f[s->feature].code[row];
		bool left;

		if (s->categorical)
			left = !(s->set[code / 64] >> code % 64 & 1);
		else
			left = code == g->bins.f[s->feature].nr ? s->default_left
								: code <= s->bin;
		n = (uint32_t)(left ? g->tree->nodes[n].left : g->tree->nodes[n].right);
	}
	return n;
}

/* Of a block of rows: sums of those in the bag, by leaf; leaves of the others.
 * Truncated towards zero, as a conversion does: the same on both sides. */
static void sum_block(void *ctx, size_t i, unsigned member)
{
	const struct job *j = ctx;
	const struct gbt *g = j->gbt;
	const float *gradient = g->g, *hessian = g->h;
	size_t end = MIN_OF(g->t->rows, (i + 1) * ITEM_ROWS);
	double scale_g = j->scale_g, scale_h = j->scale_h;
	uint64_t *sums = j->sums[member];
	uint32_t *leaf = j->leaf;

	for (size_t row = i * ITEM_ROWS; row < end; row++) {
		if (g->out && g->out[row]) {
			leaf[row] = walk_codes(g, row);
			continue;
		}
		sums[2 * leaf[row]] +=
			(uint64_t)(int64_t)((double)gradient[row] * scale_g);
		sums[2 * leaf[row] + 1] +=
			(uint64_t)(int64_t)((double)hessian[row] * scale_h);
	}
}

static size_t blocks_of(const struct table *t)
{
	return (t->rows + ITEM_ROWS - 1) / ITEM_ROWS;
}

/* Leaves over all shards, then every other node as the sum of its children. */
static int sum_nodes(struct job *j, struct err *e)
{
	struct gbt *g = j->gbt;
	unsigned members = team_size(g->team);
	uint64_t *sums;
	int r;

	j->sums = xcalloc(members, sizeof(*j->sums));
	for (unsigned m = 0; m < members; m++)
		j->sums[m] = xcalloc(2 * g->spots_nr, sizeof(**j->sums));
	team_for(g->team, blocks_of(g->t), sum_block, j);
	sums = j->sums[0];
	for (unsigned m = 1; m < members; m++)
		for (size_t n = 0; n < 2 * g->spots_nr; n++)
			sums[n] += j->sums[m][n];
	if ((r = g->comm->sum_u64(g->comm->ctx, sums, 2 * g->spots_nr, e)) < 0)
		goto out;
	for (size_t n = g->spots_nr; n-- > 0;) {
		struct spot *s = &g->spots[n];
		const struct node *node = &g->tree->nodes[n];

		s->g = (int64_t)sums[2 * n];
		s->h = (int64_t)sums[2 * n + 1];
		if (s->is_leaf)
			continue;
		s->g = g->spots[node->left].g + g->spots[node->right].g;
		s->h = g->spots[node->left].h + g->spots[node->right].h;
	}
out:
	for (unsigned m = 0; m < members; m++)
		free(j->sums[m]);
	free(j->sums);
	return r;
}

double leaves_grid(const struct gbt *g, double v)
{
	if (g->grid_bits == -2)
		return v;
	return ldexp(rint(ldexp(v, g->grid_bits)), -g->grid_bits);
}

static double clip(const struct gbt *g, const struct spot *s, double v)
{
	double most = g->p->max_delta_step;

	if (most > 0)
		v = v > most ? most : v < -most ? -most : v;
	return v < s->low ? s->low : v > s->high ? s->high : v;
}

static int set_values(struct job *j, struct err *e)
{
	struct gbt *g = j->gbt;
	double eta = g->p->learning_rate;
	int r;

	for (size_t n = 0; n < g->spots_nr; n++) {
		const struct spot *s = &g->spots[n];
		struct node *node = &g->tree->nodes[n];
		double sum_g = (double)s->g / j->scale_g,
		       sum_h = (double)s->h / j->scale_h;
		double v = split_value(&g->rules, sum_g, sum_h, s->low, s->high);

		node->rows = s->rows;
		node->cover = (float)sum_h;
		if (s->is_leaf && objective_renews(g->obj)) {
			r = objective_renew(g->obj, g->score, g->rows + s->from, s->nr,
					    &v, e);
			if (r < 0)
				return r;
			v = clip(g, s, v);
		}
		v *= eta;
		node->weight = (float)v;
		if (!s->is_leaf)
			continue;
		node->value = leaves_grid(g, v) + 0.0; /* no negative zero */
		node->weight = (float)node->value;
	}
	return 0;
}

/* ---- scores --------------------------------------------------------------------- */

static void score_block(void *ctx, size_t i, unsigned member)
{
	const struct job *j = ctx;
	const struct gbt *g = j->gbt;
	size_t end = MIN_OF(g->t->rows, (i + 1) * ITEM_ROWS), k = g->outputs;
	const double *value = j->value;
	const uint32_t *leaf = j->leaf;
	double *score = j->score + j->output, max = 0;

	(void)member;
	for (size_t row = i * ITEM_ROWS; row < end; row++) {
		double s = score[row * k] + value[leaf[row]];

		score[row * k] = s;
		s = fabs(s);
		max = s > max ? s : max;
	}
	j->max[i] = max;
}

static void raise_max(struct gbt *g, const double *max, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (max[i] > g->max_margin)
			g->max_margin = max[i];
}

static void add_scores(struct job *j)
{
	struct gbt *g = j->gbt;
	size_t blocks = blocks_of(g->t);

	j->score = g->next;
	j->value = xcalloc(g->spots_nr, sizeof(*j->value));
	j->max = xcalloc(blocks + 1, sizeof(*j->max));
	for (size_t n = 0; n < g->spots_nr; n++)
		j->value[n] = g->tree->nodes[n].value;
	team_for(g->team, blocks, score_block, j);
	raise_max(g, j->max, blocks);
	free(j->value);
	free(j->max);
}

int leaves_finish(struct gbt *g, unsigned output, struct err *e)
{
	struct job j = {.gbt = g, .output = output, .leaf = g->scratch};
	int r;

	j.scale_g = ldexp(1, fixed_bits(g->total, g->max_g));
	j.scale_h = ldexp(1, fixed_bits(g->total, g->max_h));
	list_items(&j);
	team_for(g->team, j.nr, mark_item, &j);
	if ((r = sum_nodes(&j, e)) < 0 || (r = set_values(&j, e)) < 0)
		goto out;
	add_scores(&j);
out:
	free(j.items);
	return r;
}

static void table_item(void *ctx, size_t i, unsigned member)
{
	struct job *j = ctx;
	const struct gbt *g = j->gbt;
	size_t end = MIN_OF(j->t->rows, (i + 1) * ITEM_ROWS);
	double max = 0;

	(void)member;
	for (size_t row = i * ITEM_ROWS; row < end; row++) {
		uint32_t n = tree_leaf(&g->model, j->tree, j->t, row);
		double *s = &j->score[row * g->outputs + j->output];

		*s += j->tree->nodes[n].value;
		max = fabs(*s) > max ? fabs(*s) : max;
	}
	j->max[i] = max;
}

void leaves_add(struct gbt *g, double *score, const struct table *t,
		const struct tree *tree, unsigned output)
{
	size_t blocks = blocks_of(t);
	struct job j = {.gbt = g, .output = output, .t = t, .tree = tree, .score = score};

	j.max = xcalloc(blocks + 1, sizeof(*j.max));
	team_for(g->team, blocks, table_item, &j);
	raise_max(g, j.max, blocks);
	free(j.max);
}
