/*
 * A checkpoint: the trees so far and what the stopping rule remembers. Scores are
 * not in it: adding the trees in order gives the same bits again.
 *
 * Little-endian: the magic, a fingerprint of parameters and table, counters, trees,
 * and a hash of all before it, so that a torn file is not taken for a whole one.
 */
#include "train/core/gbt.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "train/core/rng.h"
#include "train/core/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "lodeckp1"

static void put(struct buf *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_addc(b, (char)(v >> 8 * i & 255));
}

static void put_double(struct buf *b, double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	put(b, u, 8);
}

static void put_float(struct buf *b, float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof(u));
	put(b, u, 4);
}

static uint64_t hash_bytes(const void *p, size_t n)
{
	const unsigned char *c = p;
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * 0x100000001b3u;
	return rng_sm(h ^ n);
}

static void put_constraints(struct buf *b, const struct train_params *p)
{
	put(b, p->monotone_nr, 8);
	for (size_t i = 0; i < p->monotone_nr; i++)
		put(b, (uint8_t)p->monotone[i], 1);
	put(b, p->interaction_nr, 8);
	for (size_t i = 0; i < p->interaction_nr; i++) {
		put(b, p->interaction[i].nr, 8);
		for (size_t k = 0; k < p->interaction[i].nr; k++)
			put(b, p->interaction[i].v[k], 4);
	}
	put(b, p->class_weights_nr, 8);
	for (size_t i = 0; i < p->class_weights_nr; i++)
		put_double(b, p->class_weights[i]);
}

/* All that a tree depends on but the number of rounds, which may be raised. */
static uint64_t fingerprint(const struct gbt *g)
{
	const struct train_params *p = g->p;
	const double reals[] = {
		p->huber_delta,
		p->quantile_alpha,
		p->tweedie_power,
		p->fair_c,
		p->poisson_max_delta,
		p->scale_pos_weight,
		p->learning_rate,
		p->min_child_weight,
		p->lambda,
		p->alpha,
		p->gamma,
		p->max_delta_step,
		p->feature_fraction,
		p->feature_fraction_bynode,
		p->bagging_fraction,
		p->pos_bagging_fraction,
		p->neg_bagging_fraction,
		p->goss_top,
		p->goss_other,
		p->cat_smooth,
		p->cat_l2,
		p->min_delta,
	};
	const uint64_t whole[] = {
		TRAIN_CORE,
		(uint64_t)p->objective,
		p->seed,
		(uint64_t)p->row_key,
		p->rank_truncation,
		(uint64_t)p->grow,
		p->max_leaves,
		p->max_depth,
		p->max_bin,
		p->min_data_in_bin,
		p->min_data_in_leaf,
		(uint64_t)g->grid_bits,
		p->bagging_freq,
		p->bagging_by_query,
		p->max_cat_to_onehot,
		p->max_cat_threshold,
		p->min_data_per_group,
		p->patience,
		g->t->rows,
		g->t->cols_nr,
		g->t->first_row,
		g->t->hash,
		g->total,
		g->valid ? g->valid->hash : 0,
	};
	struct buf b = {0};
	uint64_t h;

	for (size_t i = 0; i < ARRAY_SIZE(reals); i++)
		put_double(&b, reals[i]);
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		put(&b, whole[i], 8);
	put_constraints(&b, p);
	buf_adds(&b, g->metric);
	h = hash_bytes(b.p, b.n);
	buf_release(&b);
	return h;
}

static void put_tree(struct buf *b, const struct tree *t)
{
	put(b, t->nr, 8);
	put(b, t->sets_nr, 8);
	for (size_t i = 0; i < t->nr; i++) {
		const struct node *n = &t->nodes[i];

		put(b, (uint32_t)n->left, 4);
		put(b, (uint32_t)n->right, 4);
		put(b, (uint32_t)n->parent, 4);
		put(b, n->feature, 4);
		put_float(b, n->cut);
		put(b, n->default_left, 1);
		put(b, n->categorical, 1);
		put(b, n->set, 4);
		put(b, n->set_nr, 4);
		put_double(b, n->value);
		put_float(b, n->gain);
		put_float(b, n->cover);
		put_float(b, n->weight);
		put(b, n->rows, 8);
	}
	for (size_t i = 0; i < t->sets_nr; i++)
		put(b, t->sets[i], 4);
}

/* Bytes of a node above. */
#define NODE_BYTES 58

void gbt_save(struct buf *out, const void *state)
{
	const struct gbt *g = state;
	size_t from = out->n;

	buf_adds(out, MAGIC);
	put(out, fingerprint(g), 8);
	put(out, g->round, 4);
	put(out, g->best_round, 4);
	put_double(out, g->best);
	put_double(out, g->max_margin);
	put(out, g->row_trees, 8);
	put(out, g->model.trees_nr, 8);
	for (size_t i = 0; i < g->model.trees_nr; i++)
		put_tree(out, &g->model.trees[i]);
	put(out, hash_bytes(out->p + from, out->n - from), 8);
}

/* ---- reading ------------------------------------------------------------------------ */

struct reader {
	const unsigned char *p;
	size_t n;
	bool bad;
};

static uint64_t get(struct reader *r, unsigned bytes)
{
	uint64_t v = 0;

	if (r->n < bytes) {
		r->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)r->p[i] << 8 * i;
	r->p += bytes;
	r->n -= bytes;
	return v;
}

static double get_double(struct reader *r)
{
	uint64_t u = get(r, 8);
	double v;

	memcpy(&v, &u, sizeof(v));
	return v;
}

static float get_float(struct reader *r)
{
	uint32_t u = (uint32_t)get(r, 4);
	float v;

	memcpy(&v, &u, sizeof(v));
	return v;
}

static void get_node(struct reader *r, struct node *n)
{
	n->left = (int32_t)get(r, 4);
	n->right = (int32_t)get(r, 4);
	n->parent = (int32_t)get(r, 4);
	n->feature = (uint32_t)get(r, 4);
	n->cut = get_float(r);
	n->default_left = get(r, 1) != 0;
	n->categorical = get(r, 1) != 0;
	n->set = (uint32_t)get(r, 4);
	n->set_nr = (uint32_t)get(r, 4);
	n->value = get_double(r);
	n->gain = get_float(r);
	n->cover = get_float(r);
	n->weight = get_float(r);
	n->rows = get(r, 8);
}

/* Children lie behind their parents and within the tree, so that a walk ends. */
static bool node_is_sound(const struct gbt *g, const struct tree *t, size_t i)
{
	const struct node *n = &t->nodes[i];

	if (n->left == -1 && n->right == -1)
		return true;
	return n->left > (int64_t)i && n->right > (int64_t)i && (size_t)n->left < t->nr &&
	       (size_t)n->right < t->nr && n->feature < g->t->cols_nr &&
	       (g->t->cols[n->feature].f.kind == FEATURE_CATEGORICAL) == n->categorical &&
	       n->set <= t->sets_nr && n->set_nr <= t->sets_nr - n->set;
}

static bool get_tree(struct reader *r, const struct gbt *g, struct tree *t)
{
	size_t nr = get(r, 8), sets = get(r, 8);

	if (r->bad || nr == 0 || nr > r->n / NODE_BYTES ||
	    sets > (r->n - nr * NODE_BYTES) / 4)
		return false;
	t->nodes = xcalloc(nr, sizeof(*t->nodes));
	t->sets = xcalloc(sets + 1, sizeof(*t->sets));
	t->nr = nr;
	t->sets_nr = sets;
	for (size_t i = 0; i < nr; i++)
		get_node(r, &t->nodes[i]);
	for (size_t i = 0; i < sets; i++)
		t->sets[i] = (uint32_t)get(r, 4);
	for (size_t i = 0; i < nr; i++)
		if (!node_is_sound(g, t, i))
			return false;
	return !r->bad;
}

static void replay(struct gbt *g)
{
	double max = g->max_margin;

	for (size_t i = 0; i < g->model.trees_nr; i++) {
		const struct tree *t = &g->model.trees[i];
		unsigned k = (unsigned)(i % g->outputs);

		leaves_add(g, g->score, g->t, t, k);
		if (g->valid)
			leaves_add(g, g->vscore, g->valid, t, k);
	}
	g->max_margin = max;
	if (g->next != g->score)
		memcpy(g->next, g->score, g->t->rows * g->outputs * sizeof(double));
}

int gbt_load(struct gbt *g, struct slice from, struct err *e)
{
	struct reader r = {.p = (const unsigned char *)from.p, .n = from.n};
	struct reader end = {.p = r.p + (from.n < 8 ? 0 : from.n - 8), .n = 8};
	size_t trees;

	if (from.n < 64 || memcmp(from.p, MAGIC, 8) != 0 ||
	    get(&end, 8) != hash_bytes(from.p, from.n - 8))
		return err_set(e, ERR_CORRUPT, "not a whole checkpoint");
	r.p += 8;
	r.n -= 16;
	if (get(&r, 8) != fingerprint(g))
		return err_set(e, ERR_INVALID,
			       "the checkpoint is of other data or other parameters");
	g->round = (unsigned)get(&r, 4);
	g->best_round = (unsigned)get(&r, 4);
	g->best = get_double(&r);
	g->max_margin = get_double(&r);
	g->row_trees = get(&r, 8);
	trees = get(&r, 8);
	if (g->round > g->p->trees || g->best_round > g->round ||
	    trees != (size_t)g->round * g->outputs)
		return err_set(e, ERR_CORRUPT, "checkpoint: %zu trees after %u rounds",
			       trees, g->round);
	for (size_t i = 0; i < trees; i++) {
		g->model.trees_nr = i + 1;
		if (!get_tree(&r, g, &g->model.trees[i]))
			return err_set(e, ERR_CORRUPT, "checkpoint: tree %zu is broken",
				       i);
	}
	replay(g);
	return 0;
}
