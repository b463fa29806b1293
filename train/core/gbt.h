/*
 * The insides of the tree trainer, shared by its files: gbt.c runs the rounds,
 * sample.c draws rows and features, grow.c grows one tree, leaves.c gives values to
 * its leaves and adds them to the scores, gbt_save.c writes and reads checkpoints.
 */
#ifndef TRAIN_CORE_GBT_H
#define TRAIN_CORE_GBT_H

#include "store/base/compiler.h"
#include "train/core/bins.h"
#include "train/core/quant.h"
#include "train/core/split.h"
#include "train/core/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct comm;
struct team;

/* Where one node of a growing tree stands. Index: its number in the tree. */
struct spot {
	size_t from, nr; /* its rows, in gbt.rows; of this shard */
	uint64_t rows;	 /* of all shards */
	uint64_t sum;	 /* word */
	double low, high;
	unsigned depth;
	int slot;     /* of its histogram in the pool, or -1 */
	bool counted; /* searched with exact counts of rows */
	bool is_leaf;
	int ahead; /* index of its cut in gbt.ahead, or -1 */
	struct split best;
	int64_t g, h; /* fixed-point sums of true gradients */
};

/* A cut that was made before its turn (grow_ahead.c). */
struct ahead {
	uint32_t node;
	size_t left_nr;
	int slot[2];	      /* reserved for its children, or -1 */
	bool refused;	      /* a child would be too small */
	struct spot child[2]; /* sums, bounds and best cuts */
};

/* Histograms: as many as the budget allows, the least promising leaf gives way. */
#define POOL_FREE     (-1)
#define POOL_RESERVED (-2) /* for a child that has no number yet */
struct pool {
	uint64_t **v;
	int *owner; /* node, or one of the above */
	size_t nr, cap, reserved;
};

struct gbt {
	const struct table *t, *valid;
	const struct train_params *p;
	const struct train_control *c;
	const struct comm *comm;
	struct team *team;
	enum simd simd;
	struct bins bins;
	struct objective_state *obj;
	unsigned outputs;
	uint64_t total; /* rows of all shards */
	bool constant;	/* hessians are 1 */

	double *score; /* rows * outputs */
	double *next;  /* the same, while a round of several outputs goes on; or score */
	double *vscore;
	float *g, *h;
	uint32_t *packed;
	uint32_t *rows, *scratch;
	uint64_t *bag_key; /* keys of bagging, or NULL: those of the table */
	uint8_t *out;	   /* 1: the row is not in the bag; or NULL */
	size_t bag_nr;	   /* rows in the bag, the first of rows[] */

	/* the tree that grows */
	struct quant quant;
	double max_g, max_h;
	struct split_rules rules;
	struct spot *spots; /* room for 2 * leaves - 1 */
	size_t spots_nr, spots_cap;
	uint32_t *heap;
	size_t heap_nr;
	struct ahead *ahead;
	size_t ahead_nr, ahead_cap, ahead_open; /* open: made, not yet taken */
	struct tree *tree;
	uint64_t tree_index; /* over all outputs */
	uint32_t *features;  /* that this tree may use, ascending */
	size_t features_nr;
	uint32_t *node_features;
	uint8_t *allowed;
	struct pool pool;
	uint64_t **side; /* histograms of members 1.. of the team, or of counts */

	int grid_bits; /* -2: none */
	double max_margin;
	size_t held; /* bytes, for the account */

	struct model model;
	/* stopping */
	const char *metric;
	bool higher;
	double best;
	unsigned round, best_round;
	uint64_t row_trees;
};

/* sample.c */
int sample_init(struct gbt *g, struct err *e) MUST_CHECK;
void sample_bag(struct gbt *g, unsigned round); /* fills rows, bag_nr, out */
/* Keep large gradients, draw from the rest and weigh them up; for one tree. */
int sample_goss(struct gbt *g, struct err *e) MUST_CHECK;
void sample_tree_features(struct gbt *g);
/* Features for a node, in node_features; returns how many. */
size_t sample_node_features(struct gbt *g, uint32_t node);

/* grow.c: g->quant, g->packed and rows are set; fills tree and spots. */
int grow_tree(struct gbt *g, struct tree *out, struct err *e) MUST_CHECK;
void grow_release(struct gbt *g);
bool grow_may_split(const struct gbt *g, const struct spot *s);
void grow_child_spots(const struct gbt *g, const struct spot *s, size_t left_nr,
		      uint64_t left_rows, struct spot child[2]);
/* The best cut of a node whose histogram is hist; alone: on this thread only. */
struct split grow_best(struct gbt *g, uint32_t node, const struct spot *s,
		       const uint64_t *hist, const uint64_t *counts, bool alone);

/* grow_ahead.c: cut small nodes, several at once, each on one thread. node is the
 * one whose turn it is; room is how many more cuts the tree may take. */
bool grow_ahead_helps(const struct gbt *g, uint32_t node);
void grow_ahead(struct gbt *g, uint32_t node, size_t room);

/* grow_hist.c */
int pool_init(struct gbt *g, struct err *e) MUST_CHECK;
void hist_pool_release(struct gbt *g);
int hist_pool_take(struct gbt *g, uint32_t node, struct err *e) MUST_CHECK;
void hist_pool_give(struct gbt *g, uint32_t node);
/* Sum of a node's rows in its slot, over all shards; counts: of 1 for each row. */
int hist_build(struct gbt *g, const struct spot *s, uint64_t *hist, bool counts,
	       struct err *e) MUST_CHECK;
/* On this thread, of this shard's rows. */
void hist_build_alone(struct gbt *g, const struct spot *s, uint64_t *hist);
/* Slots for children of a cut ahead of its turn: false when none can be spared. */
bool hist_pool_reserve(struct gbt *g, int *slot);
void hist_pool_keep(struct gbt *g, int slot); /* the same of one in use */
void hist_pool_unreserve(struct gbt *g, int slot, int owner);

/* partition.c: rows[from ..) so that left ones come first; returns how many. */
size_t partition_rows(struct gbt *g, size_t from, size_t nr, const struct split *s);
size_t partition_alone(struct gbt *g, size_t from, size_t nr, const struct split *s);

/* leaves.c: values of leaves, scores of rows. */
int leaves_finish(struct gbt *g, unsigned output, struct err *e) MUST_CHECK;
double leaves_grid(const struct gbt *g, double v);
/* Add a tree to margins of a table's rows by their values. */
void leaves_add(struct gbt *g, double *score, const struct table *t,
		const struct tree *tree, unsigned output);

/* gbt_save.c */
void gbt_save(struct buf *out, const void *state);
int gbt_load(struct gbt *g, struct slice from, struct err *e) MUST_CHECK;

#endif
