/*
 * Small nodes, several at once. Below some thousand rows a node gives threads too
 * little to share; but other nodes wait in the queue, and most of them will be cut
 * sooner or later. So those are cut ahead of their turn, each on one thread, and the
 * result is kept until the queue comes to them. Numbers are given then, in order:
 * the tree is the same. What is never taken has cost time only.
 *
 * Not with shards, whose every sum is a meeting of all, nor where a search depends
 * on a node's number or its path.
 */
#include "train/core/gbt.h"

#include "store/base/vec.h"
#include "train/core/comm.h"
#include "train/core/hist.h"
#include "train/core/team.h"

/* Larger nodes have work for all. */
#define ROWS_AHEAD 32768
/* Nodes a member, so that a long one does not keep the others waiting. */
#define NODES_MEMBER 2
/* The queue's first entries are among its best. */
#define LOOK 64

bool grow_ahead_helps(const struct gbt *g, uint32_t node)
{
	return team_size(g->team) > 1 && g->comm->size == 1 &&
	       g->p->feature_fraction_bynode >= 1 && g->p->interaction_nr == 0 &&
	       g->spots[node].nr < ROWS_AHEAD;
}

/* Room for the children's histograms: the parent's own serves one of them. */
static bool reserve(struct gbt *g, struct ahead *a)
{
	struct spot *s = &g->spots[a->node];
	int extra;

	if (s->slot >= 0)
		hist_pool_keep(g, s->slot);
	if (!hist_pool_reserve(g, &a->slot[0])) {
		if (s->slot >= 0)
			hist_pool_unreserve(g, s->slot, (int)a->node);
		return false;
	}
	if (s->slot >= 0)
		return true;
	if (hist_pool_reserve(g, &extra)) {
		a->slot[1] = extra;
		return true;
	}
	hist_pool_unreserve(g, a->slot[0], POOL_FREE);
	return false;
}

static bool begin(struct gbt *g, uint32_t node)
{
	struct ahead a = {.node = node, .slot = {-1, -1}};
	struct {
		struct ahead *v;
		size_t nr, cap;
	} list = {g->ahead, g->ahead_nr, g->ahead_cap};

	if (!reserve(g, &a))
		return false;
	g->spots[node].ahead = (int)list.nr;
	vec_push(&list, a);
	g->ahead = list.v;
	g->ahead_nr = list.nr;
	g->ahead_cap = list.cap;
	g->ahead_open++;
	return true;
}

struct job {
	struct gbt *g;
	size_t from; /* in the list */
};

static void search_child(struct gbt *g, struct ahead *a, int k, const uint64_t *hist)
{
	if (grow_may_split(g, &a->child[k]))
		a->child[k].best = grow_best(g, 0, &a->child[k], hist, NULL, true);
}

/* The smaller child into the reserved slot, the larger into the parent's or into
 * the other one. Which slot holds which is put right in end(). */
static void cut_one(void *ctx, size_t i, unsigned member)
{
	struct job *j = ctx;
	struct gbt *g = j->g;
	struct ahead *a = &g->ahead[j->from + i];
	const struct spot *s = &g->spots[a->node];
	uint64_t *small, *large;
	int lesser;

	(void)member;
	a->left_nr = partition_alone(g, s->from, s->nr, &s->best);
	a->refused = a->left_nr < g->rules.min_rows ||
		     s->rows - a->left_nr < g->rules.min_rows;
	if (a->refused)
		return;
	grow_child_spots(g, s, a->left_nr, a->left_nr, a->child);
	if (!grow_may_split(g, &a->child[0]) && !grow_may_split(g, &a->child[1]))
		return;
	lesser = a->child[0].nr > a->child[1].nr;
	small = g->pool.v[a->slot[0]];
	large = g->pool.v[s->slot >= 0 ? s->slot : a->slot[1]];
	hist_build_alone(g, &a->child[lesser], small);
	if (s->slot >= 0)
		hist_sub(large, small, g->bins.words, g->simd);
	else
		hist_build_alone(g, &a->child[!lesser], large);
	search_child(g, a, lesser, small);
	search_child(g, a, !lesser, large);
}

static void end(struct gbt *g, struct ahead *a)
{
	struct spot *s = &g->spots[a->node];
	int lesser = a->child[0].nr > a->child[1].nr, slot[2] = {a->slot[0], a->slot[1]};

	a->slot[0] = a->slot[1] = -1;
	if (s->slot >= 0 && a->refused) {
		hist_pool_unreserve(g, s->slot, (int)a->node);
	} else if (s->slot >= 0) {
		slot[1] = s->slot;
		s->slot = -1;
	}
	for (int k = 0; k < 2; k++) {
		int child = k == 0 ? lesser : !lesser;

		if (slot[k] < 0)
			continue;
		if (!a->refused && a->child[child].best.gain > 0)
			a->slot[child] = slot[k];
		else
			hist_pool_unreserve(g, slot[k], POOL_FREE);
	}
}

void grow_ahead(struct gbt *g, uint32_t node, size_t room)
{
	size_t from = g->ahead_nr, most = (size_t)team_size(g->team) * NODES_MEMBER;
	struct job j = {g, from};

	if (room <= g->ahead_open || !begin(g, node))
		return;
	for (size_t i = 0; i < g->heap_nr && i < LOOK; i++) {
		uint32_t other = g->heap[i];

		if (g->ahead_nr - from >= most || g->ahead_open >= room)
			break;
		if (g->spots[other].ahead < 0 && g->spots[other].nr < ROWS_AHEAD &&
		    !begin(g, other))
			break;
	}
	team_for(g->team, g->ahead_nr - from, cut_one, &j);
	for (size_t i = from; i < g->ahead_nr; i++)
		end(g, &g->ahead[i]);
}
