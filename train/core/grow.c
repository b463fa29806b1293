/* One tree: a queue of leaves, the best of them cut again and again. */
#include "train/core/gbt.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "train/core/comm.h"
#include "train/core/hist.h"
#include "train/core/table.h"
#include "train/core/team.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the queue ------------------------------------------------------------------ */

/* Largest gain first, then the lower number; by depth the lower number alone, for
 * numbers are given in order of creation. */
static bool before(const struct gbt *g, uint32_t a, uint32_t b)
{
	double x = g->spots[a].best.gain, y = g->spots[b].best.gain;

	if (g->p->grow == GROW_LEAF && x != y)
		return x > y;
	return a < b;
}

static void heap_push(struct gbt *g, uint32_t node)
{
	size_t i = g->heap_nr++;

	while (i > 0 && before(g, node, g->heap[(i - 1) / 2])) {
		g->heap[i] = g->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	g->heap[i] = node;
}

static uint32_t heap_pop(struct gbt *g)
{
	uint32_t top = g->heap[0], last = g->heap[--g->heap_nr];
	size_t i = 0;

	for (;;) {
		size_t c = 2 * i + 1;

		if (c >= g->heap_nr)
			break;
		if (c + 1 < g->heap_nr && before(g, g->heap[c + 1], g->heap[c]))
			c++;
		if (!before(g, g->heap[c], last))
			break;
		g->heap[i] = g->heap[c];
		i = c;
	}
	g->heap[i] = last;
	return top;
}

/* ---- searching ------------------------------------------------------------------ */

#define FEATURES_ITEM 4

struct search {
	struct gbt *g;
	struct split_node node;
	const uint32_t *features;
	size_t nr;
	struct split *best; /* of each member */
};

static void search_item(void *ctx, size_t item, unsigned member)
{
	struct search *s = ctx;
	size_t end = MIN_OF(s->nr, (item + 1) * FEATURES_ITEM);

	for (size_t i = item * FEATURES_ITEM; i < end; i++) {
		struct split one = {0};
		uint32_t f = s->features[i];

		if (s->g->bins.f[f].categorical)
			split_categorical(&one, &s->g->rules, &s->node, f);
		else
			split_numeric(&one, &s->g->rules, &s->node, f);
		if (split_better(&one, &s->best[member]))
			s->best[member] = one;
	}
}

/* Features that may follow those on the way here: of the sets that hold all of
 * these, all; a feature in no set is a set of its own. */
static bool set_has(const struct feature_set *s, uint32_t column)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i] == column)
			return true;
	return false;
}

static bool set_has_path(const struct gbt *g, const struct feature_set *s, uint32_t node)
{
	const struct node *nodes = g->tree->nodes;

	for (int32_t at = nodes[node].parent; at >= 0; at = nodes[at].parent)
		if (!set_has(s, nodes[at].feature))
			return false;
	return true;
}

static size_t keep_allowed(struct gbt *g, uint32_t node, uint32_t *features, size_t nr)
{
	const struct train_params *p = g->p;
	int32_t parent = g->tree->nodes[node].parent;
	size_t kept = 0;

	if (parent < 0)
		return nr;
	memset(g->allowed, 0, g->t->cols_nr);
	for (int32_t at = parent; at >= 0; at = g->tree->nodes[at].parent)
		g->allowed[g->tree->nodes[at].feature] = 1;
	for (size_t i = 0; i < p->interaction_nr; i++) {
		if (!set_has_path(g, &p->interaction[i], node))
			continue;
		for (size_t k = 0; k < p->interaction[i].nr; k++)
			if (p->interaction[i].v[k] < g->t->cols_nr)
				g->allowed[p->interaction[i].v[k]] = 1;
	}
	for (size_t i = 0; i < nr; i++) {
		features[kept] = features[i];
		kept += g->allowed[g->bins.f[features[i]].column];
	}
	return kept;
}

struct split grow_best(struct gbt *g, uint32_t node, const struct spot *s,
		       const uint64_t *hist, const uint64_t *counts, bool alone)
{
	struct split best[64] = {{0}};
	unsigned members = alone ? 1 : team_size(g->team);
	struct search job = {
		.g = g,
		.node = {hist, counts, s->sum, s->rows, s->low, s->high},
		.features = g->features,
		.nr = g->features_nr,
		.best = best,
	};

	if (g->p->feature_fraction_bynode < 1 || g->p->interaction_nr > 0) {
		job.nr = sample_node_features(g, node);
		if (g->p->interaction_nr > 0)
			job.nr = keep_allowed(g, node, g->node_features, job.nr);
		job.features = g->node_features;
	}
	if (members > 1 && members <= ARRAY_SIZE(best) && job.nr >= 2 * FEATURES_ITEM)
		team_for(g->team, (job.nr + FEATURES_ITEM - 1) / FEATURES_ITEM,
			 search_item, &job);
	else
		for (size_t i = 0; i < job.nr; i += FEATURES_ITEM)
			search_item(&job, i / FEATURES_ITEM, 0);
	for (unsigned m = 1; m < MIN_OF(members, 64u); m++)
		if (split_better(&best[m], &best[0]))
			best[0] = best[m];
	return best[0];
}

static void enqueue(struct gbt *g, uint32_t node)
{
	if (g->spots[node].best.gain > 0)
		heap_push(g, node);
	else
		hist_pool_give(g, node);
}

static void search_node(struct gbt *g, uint32_t node, const uint64_t *counts)
{
	struct spot *s = &g->spots[node];

	s->best = grow_best(g, node, s, g->pool.v[s->slot], counts, false);
	enqueue(g, node);
}

/* Could a cut of this node be admitted at all? */
bool grow_may_split(const struct gbt *g, const struct spot *s)
{
	unsigned depth = g->p->max_depth;

	if (depth == 0 && g->p->grow == GROW_DEPTH)
		depth = 6;
	if (depth > 0 && s->depth >= depth)
		return false;
	return s->rows / 2 >= g->rules.min_rows && g->features_nr > 0;
}

/* ---- nodes ---------------------------------------------------------------------- */

static uint32_t add_node(struct gbt *g, int32_t parent)
{
	struct tree *t = g->tree;

	if (t->nr == g->spots_cap) {
		g->spots_cap = 2 * g->spots_cap;
		g->spots = xreallocarray(g->spots, g->spots_cap, sizeof(*g->spots));
		t->nodes = xreallocarray(t->nodes, g->spots_cap, sizeof(*t->nodes));
		g->heap = xreallocarray(g->heap, g->spots_cap, sizeof(*g->heap));
	}
	t->nodes[t->nr] = (struct node){.left = -1, .right = -1, .parent = parent};
	g->spots[t->nr] = (struct spot){.slot = -1, .ahead = -1, .is_leaf = true};
	g->spots_nr = ++t->nr;
	return (uint32_t)(t->nr - 1);
}

static void write_set(struct tree *t, struct node *n, const uint64_t set[4])
{
	n->set = (uint32_t)t->sets_nr;
	for (unsigned c = 0; c < 256; c++)
		n->set_nr += (uint32_t)(set[c / 64] >> c % 64 & 1);
	t->sets = xreallocarray(t->sets, t->sets_nr + n->set_nr + 1, sizeof(*t->sets));
	for (unsigned c = 0; c < 256; c++)
		if (set[c / 64] >> c % 64 & 1)
			t->sets[t->sets_nr++] = c;
}

static void write_split(struct gbt *g, struct node *n, const struct split *s)
{
	const struct bin_feature *f = &g->bins.f[s->feature];

	n->feature = f->column;
	n->default_left = s->default_left;
	n->categorical = s->categorical;
	n->gain = (float)s->gain;
	if (s->categorical)
		write_set(g->tree, n, s->set);
	else
		/* Behind the last code: every number left, a missing one right. */
		n->cut = s->bin + 1u < f->nr ? f->cut[s->bin] : FLT_MAX;
}

/* Bounds of the children of a split by a monotone feature: both sides of the
 * middle of what they would say now. */
static void hand_down_bounds(const struct gbt *g, const struct spot *s, struct spot *l,
			     struct spot *r)
{
	const struct train_params *p = g->p;
	uint32_t column = g->bins.f[s->best.feature].column;
	double mid = (s->best.left_value + s->best.right_value) / 2;
	int8_t way = 0;

	l->low = r->low = s->low;
	l->high = r->high = s->high;
	if (p->monotone && column < p->monotone_nr && !s->best.categorical)
		way = p->monotone[column];
	if (way > 0)
		l->high = r->low = mid;
	else if (way < 0)
		l->low = r->high = mid;
}

void grow_child_spots(const struct gbt *g, const struct spot *s, size_t left_nr,
		      uint64_t left_rows, struct spot child[2])
{
	for (int k = 0; k < 2; k++)
		child[k] = (struct spot){.slot = -1,
					 .ahead = -1,
					 .is_leaf = true,
					 .depth = s->depth + 1,
					 .from = k ? s->from + left_nr : s->from,
					 .nr = k ? s->nr - left_nr : left_nr,
					 .rows = k ? s->rows - left_rows : left_rows,
					 .sum = k ? s->sum - s->best.left : s->best.left};
	hand_down_bounds(g, s, &child[0], &child[1]);
}

static void make_children(struct gbt *g, uint32_t node, size_t left_nr,
			  uint64_t left_rows, uint32_t child[2])
{
	struct spot spots[2];

	child[0] = add_node(g, (int32_t)node);
	child[1] = add_node(g, (int32_t)node);
	g->tree->nodes[node].left = (int32_t)child[0];
	g->tree->nodes[node].right = (int32_t)child[1];
	write_split(g, &g->tree->nodes[node], &g->spots[node].best);
	g->spots[node].is_leaf = false;
	grow_child_spots(g, &g->spots[node], left_nr, left_rows, spots);
	g->spots[child[0]] = spots[0];
	g->spots[child[1]] = spots[1];
}

/* ---- cutting -------------------------------------------------------------------- */

static int build_and_search(struct gbt *g, uint32_t node, struct err *e)
{
	struct spot *s = &g->spots[node];
	int r;

	if (!grow_may_split(g, s))
		return 0;
	if ((r = hist_pool_take(g, node, e)) < 0)
		return r;
	if ((r = hist_build(g, s, g->pool.v[s->slot], false, e)) < 0)
		return r;
	search_node(g, node, NULL);
	return 0;
}

/* The smaller child from its rows, the other one as what remains of the parent. */
static int search_children(struct gbt *g, uint32_t node, const uint32_t child[2],
			   struct err *e)
{
	struct spot *s = &g->spots[node];
	uint32_t small = child[g->spots[child[0]].rows > g->spots[child[1]].rows];
	uint32_t large = child[0] + child[1] - small;
	int r;

	if (s->slot < 0 || !grow_may_split(g, &g->spots[large])) {
		hist_pool_give(g, node);
		if ((r = build_and_search(g, child[0], e)) < 0)
			return r;
		return build_and_search(g, child[1], e);
	}
	if ((r = hist_pool_take(g, small, e)) < 0 ||
	    (r = hist_build(g, &g->spots[small], g->pool.v[g->spots[small].slot], false,
			    e)) < 0)
		return r;
	g->spots[large].slot = s->slot;
	g->pool.owner[s->slot] = (int)large;
	s->slot = -1;
	hist_sub(g->pool.v[g->spots[large].slot], g->pool.v[g->spots[small].slot],
		 g->bins.words, g->simd);
	if (grow_may_split(g, &g->spots[small]))
		search_node(g, small, NULL);
	else
		hist_pool_give(g, small);
	search_node(g, large, NULL);
	return 0;
}

/* The estimate was wrong: search again, with exact counts of rows beside. */
static int search_counted(struct gbt *g, uint32_t node, struct err *e)
{
	struct spot *s = &g->spots[node];
	uint64_t *counts = g->side[team_size(g->team) - 1];
	int r;

	if (s->slot < 0 && ((r = hist_pool_take(g, node, e)) < 0 ||
			    (r = hist_build(g, s, g->pool.v[s->slot], false, e)) < 0))
		return r;
	s->best = (struct split){0};
	if (s->counted) {
		hist_pool_give(g, node);
		return 0;
	}
	s->counted = true;
	if ((r = hist_build(g, s, counts, true, e)) < 0)
		return r;
	search_node(g, node, counts);
	return 0;
}

static int cut_node(struct gbt *g, uint32_t node, bool last, struct err *e)
{
	struct spot *s = &g->spots[node];
	size_t left_nr = partition_rows(g, s->from, s->nr, &s->best);
	uint64_t left_rows = left_nr;
	uint32_t child[2];
	int r;

	if ((r = g->comm->sum_u64(g->comm->ctx, &left_rows, 1, e)) < 0)
		return r;
	if (left_rows < g->rules.min_rows || s->rows - left_rows < g->rules.min_rows)
		return search_counted(g, node, e);
	make_children(g, node, left_nr, left_rows, child);
	if (last) {
		hist_pool_give(g, node);
		return 0;
	}
	return search_children(g, node, child, e);
}

/* Take a cut that was made ahead: its children get their numbers now. */
static int take_ahead(struct gbt *g, uint32_t node, struct err *e)
{
	struct ahead a = g->ahead[g->spots[node].ahead];
	uint32_t child[2];

	g->spots[node].ahead = -1;
	g->ahead_open--;
	if (a.refused)
		return search_counted(g, node, e);
	make_children(g, node, a.left_nr, a.left_nr, child);
	for (int k = 0; k < 2; k++) {
		struct spot *s = &g->spots[child[k]];

		s->best = a.child[k].best;
		if (a.slot[k] < 0)
			continue;
		hist_pool_unreserve(g, a.slot[k], (int)child[k]);
		s->slot = a.slot[k];
		enqueue(g, child[k]);
	}
	return 0;
}

static int cut_next(struct gbt *g, size_t room, struct err *e)
{
	uint32_t node = heap_pop(g);
	int r;

	if (room > 1 && g->spots[node].ahead < 0 && grow_ahead_helps(g, node))
		grow_ahead(g, node, room);
	if (g->spots[node].ahead >= 0)
		r = take_ahead(g, node, e);
	else
		r = cut_node(g, node, room == 1, e);
	return r < 0 ? r : !g->spots[node].is_leaf;
}

static int plant(struct gbt *g, struct err *e)
{
	uint32_t root = add_node(g, -1);
	struct spot *s = &g->spots[root];
	int r;

	s->nr = g->bag_nr;
	s->rows = g->bag_nr;
	s->low = -INFINITY;
	s->high = INFINITY;
	if ((r = g->comm->sum_u64(g->comm->ctx, &s->rows, 1, e)) < 0)
		return r;
	if (!grow_may_split(g, s))
		return 0;
	if ((r = hist_pool_take(g, root, e)) < 0 ||
	    (r = hist_build(g, s, g->pool.v[s->slot], false, e)) < 0)
		return r;
	/* Every feature's histogram holds every row once. */
	for (unsigned c = 0; c <= g->bins.f[0].nr; c++)
		s->sum += g->pool.v[s->slot][g->bins.f[0].hist + c];
	search_node(g, root, NULL);
	return 0;
}

int grow_tree(struct gbt *g, struct tree *out, struct err *e)
{
	const struct train_params *p = g->p;
	size_t leaves = 1, most = p->max_leaves ? p->max_leaves : SIZE_MAX;
	int r;

	*out = (struct tree){
		.nodes = xreallocarray(NULL, g->spots_cap, sizeof(struct node))};
	g->tree = out;
	g->heap_nr = g->spots_nr = g->ahead_nr = g->ahead_open = 0;
	g->rules.sg = g->quant.sg;
	g->rules.sh = g->quant.sh;
	if ((r = plant(g, e)) < 0)
		return r;
	while (leaves < most && g->heap_nr > 0) {
		if ((r = cut_next(g, most - leaves, e)) < 0)
			return r;
		leaves += (size_t)r;
	}
	for (size_t i = 0; i < g->pool.nr; i++)
		g->pool.owner[i] = POOL_FREE;
	g->pool.reserved = 0;
	out->nodes = xreallocarray(out->nodes, out->nr, sizeof(*out->nodes));
	return 0;
}

void grow_release(struct gbt *g)
{
	hist_pool_release(g);
	free(g->spots);
	free(g->heap);
	free(g->ahead);
	g->spots = NULL;
	g->heap = NULL;
}
