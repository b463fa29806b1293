/* Histograms of nodes: the pool they live in, and who adds which rows. */
#include "train/core/gbt.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/hist.h"
#include "train/core/team.h"

#include <stdlib.h>
#include <string.h>

/* From so many rows for each member on, members take rows; below, slots; below
 * ROWS_ALONE it is not worth a call to the others. */
#define ROWS_PER_MEMBER 8192
#define ROWS_ALONE	2048
#define DEFAULT_BYTES	((size_t)512 << 20)

/* ---- pool -------------------------------------------------------------------- */

int pool_init(struct gbt *g, struct err *e)
{
	size_t budget = g->c->memory_bytes ? g->c->memory_bytes : DEFAULT_BYTES;
	size_t bytes = (g->bins.words + 1) * sizeof(uint64_t), cap = budget / bytes;
	unsigned members = team_size(g->team);

	/* A parent, its child and the next one's room: below three none would live. */
	cap = MAX_OF(cap, (size_t)3);
	cap = MIN_OF(cap, g->spots_cap / 2 + 2 + (members > 1 ? 8 * members : 0));
	g->pool.v = xcalloc(cap, sizeof(*g->pool.v));
	g->pool.owner = xcalloc(cap, sizeof(*g->pool.owner));
	g->pool.cap = cap;
	/* The last one is for counts of rows. */
	g->side = xcalloc(members, sizeof(*g->side));
	for (unsigned m = 0; m < members; m++) {
		void *p = NULL;
		int r = try_alloc(&p, g->bins.words + 1, sizeof(uint64_t), "a histogram",
				  e);

		if (r < 0)
			return r;
		g->side[m] = p;
		g->held += bytes;
	}
	return 0;
}

void hist_pool_release(struct gbt *g)
{
	for (size_t i = 0; i < g->pool.nr; i++)
		free(g->pool.v[i]);
	free(g->pool.v);
	free(g->pool.owner);
	for (unsigned m = 0; g->side && m < team_size(g->team); m++)
		free(g->side[m]);
	free(g->side);
	g->side = NULL;
	g->pool = (struct pool){0};
}

void hist_pool_give(struct gbt *g, uint32_t node)
{
	struct spot *s = &g->spots[node];

	if (s->slot >= 0)
		g->pool.owner[s->slot] = POOL_FREE;
	s->slot = -1;
}

/* The slot whose owner is least likely to be cut next; never that of keep. */
static size_t least_promising(const struct gbt *g, uint32_t keep)
{
	size_t at = 0;
	double least = 0;
	bool found = false;

	for (size_t i = 0; i < g->pool.nr; i++) {
		uint32_t owner = (uint32_t)g->pool.owner[i];

		if (owner == keep || g->pool.owner[i] == POOL_RESERVED)
			continue;
		if (!found || g->spots[owner].best.gain < least) {
			least = g->spots[owner].best.gain;
			at = i;
			found = true;
		}
	}
	return at;
}

/* A free slot, or a new one within the budget; p->nr where there is neither. */
static int find_free(struct gbt *g, size_t *at, struct err *e)
{
	struct pool *p = &g->pool;
	void *fresh = NULL;
	int r;

	for (*at = 0; *at < p->nr; ++*at)
		if (p->owner[*at] == POOL_FREE)
			return 0;
	if (p->nr == p->cap)
		return 0;
	r = try_alloc(&fresh, g->bins.words + 1, sizeof(uint64_t), "a histogram", e);
	if (r < 0)
		return r;
	p->v[p->nr] = fresh;
	p->owner[p->nr++] = POOL_FREE;
	g->held += (g->bins.words + 1) * sizeof(uint64_t);
	return 0;
}

int hist_pool_take(struct gbt *g, uint32_t node, struct err *e)
{
	struct pool *p = &g->pool;
	int32_t parent = g->tree->nodes[node].parent;
	size_t at;
	int r;

	if ((r = find_free(g, &at, e)) < 0)
		return r;
	if (at == p->nr) {
		at = least_promising(g, parent < 0 ? node : (uint32_t)parent);
		g->spots[p->owner[at]].slot = -1;
	}
	p->owner[at] = (int)node;
	g->spots[node].slot = (int)at;
	return 0;
}

/* Three are left for the cut whose turn it is: those can be taken from others. */
bool hist_pool_reserve(struct gbt *g, int *slot)
{
	size_t at;

	if (g->pool.reserved + 4 > g->pool.cap || find_free(g, &at, NULL) < 0 ||
	    at == g->pool.nr)
		return false;
	g->pool.owner[at] = POOL_RESERVED;
	g->pool.reserved++;
	*slot = (int)at;
	return true;
}

void hist_pool_keep(struct gbt *g, int slot)
{
	g->pool.owner[slot] = POOL_RESERVED;
	g->pool.reserved++;
}

void hist_pool_unreserve(struct gbt *g, int slot, int owner)
{
	g->pool.owner[slot] = owner;
	g->pool.reserved--;
}

/* ---- building ------------------------------------------------------------------ */

struct job {
	struct gbt *g;
	const struct spot *s;
	uint64_t *hist;
	const uint32_t *packed;
};

/* All rows need no list. */
static const uint32_t *rows_of(const struct job *j)
{
	return j->s->nr == j->g->t->rows ? NULL : j->g->rows + j->s->from;
}

static void add_tiles(const struct job *j, uint64_t *hist, size_t from, size_t to)
{
	const struct bins *b = &j->g->bins;

	for (size_t k = 0; k < b->tiles_nr; k++)
		hist_rows(hist, &b->tiles[k], 0, b->tiles[k].nr, j->packed, rows_of(j),
			  from, to);
}

static void by_rows(void *ctx, unsigned member, unsigned members)
{
	struct job *j = ctx;
	uint64_t *hist = member ? j->g->side[member - 1] : j->hist;
	size_t nr = j->s->nr;

	memset(hist, 0, j->g->bins.slot_words * sizeof(*hist));
	add_tiles(j, hist, nr * member / members, nr * (member + 1) / members);
}

static void merge(void *ctx, unsigned member, unsigned members)
{
	struct job *j = ctx;
	size_t words = j->g->bins.slot_words;
	size_t from = words * member / members, to = words * (member + 1) / members;

	for (unsigned m = 1; m < members; m++)
		hist_merge(j->hist + from, j->g->side[m - 1] + from, to - from,
			   j->g->simd);
}

/* Four slots at a time for whoever is free. */
#define SLOTS_ITEM 4

static void by_slots(void *ctx, size_t item, unsigned member)
{
	struct job *j = ctx;
	size_t per_tile = BINS_TILE / SLOTS_ITEM;
	const struct bin_tile *t = &j->g->bins.tiles[item / per_tile];
	size_t first = item % per_tile * SLOTS_ITEM;

	(void)member;
	if (first < t->nr)
		hist_rows(j->hist, t, first, MIN_OF((size_t)SLOTS_ITEM, t->nr - first),
			  j->packed, rows_of(j), 0, j->s->nr);
}

void hist_build_alone(struct gbt *g, const struct spot *s, uint64_t *hist)
{
	struct job j = {.g = g, .s = s, .hist = hist, .packed = g->packed};

	memset(hist, 0, g->bins.slot_words * sizeof(*hist));
	add_tiles(&j, hist, 0, s->nr);
	bins_share_out(&g->bins, hist);
}

int hist_build(struct gbt *g, const struct spot *s, uint64_t *hist, bool counts,
	       struct err *e)
{
	struct job j = {
		.g = g, .s = s, .hist = hist, .packed = counts ? NULL : g->packed};
	unsigned members = team_size(g->team);
	const struct bins *b = &g->bins;
	int r;

	if (members > 1 && s->nr >= (size_t)members * ROWS_PER_MEMBER) {
		team_run(g->team, by_rows, &j);
		team_run(g->team, merge, &j);
	} else {
		memset(hist, 0, b->slot_words * sizeof(*hist));
		if (members > 1 && s->nr >= ROWS_ALONE)
			team_for(g->team, (b->nr + SLOTS_ITEM - 1) / SLOTS_ITEM, by_slots,
				 &j);
		else
			add_tiles(&j, hist, 0, s->nr);
	}
	r = g->comm->sum_u64(g->comm->ctx, hist, b->slot_words, e);
	bins_share_out(b, hist);
	return r;
}
