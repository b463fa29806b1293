/* What the reader keeps of a tree until it is whole, and what it makes of it. */
#ifndef TRAIN_CORE_MODEL_READ_H
#define TRAIN_CORE_MODEL_READ_H

#include "store/base/compiler.h"
#include "store/base/vec.h"
#include "train/core/model.h"

struct err;

struct numbers {
	double *v;
	size_t nr, cap;
};

enum tree_array {
	TREE_LEFT,
	TREE_RIGHT,
	TREE_INDICES,
	TREE_CONDITIONS,
	TREE_DEFAULT_LEFT,
	TREE_GAIN,
	TREE_COVER,
	TREE_WEIGHT,
	TREE_NODES_NR, /* so far one number a node, all needed but the last three */
	TREE_SPLIT_TYPE = TREE_NODES_NR,
	TREE_ROWS,
	TREE_CATEGORIES,
	TREE_CAT_NODES,
	TREE_CAT_SEGMENTS,
	TREE_CAT_SIZES,
	TREE_ARRAYS_NR
};

struct tree_parts {
	struct numbers array[TREE_ARRAYS_NR];
	size_t nodes_nr; /* as its parameters say */
	bool has_nodes_nr;
};

extern const char *const tree_array_names[TREE_ARRAYS_NR];

void tree_parts_reset(struct tree_parts *p); /* empty, memory kept */
void tree_parts_release(struct tree_parts *p);

/*
 * A tree out of its arrays: every child exists and has one parent, nodes that the
 * root does not reach are dropped, the others renumbered where a child does not
 * stand behind its parent. Features are checked later. ERR_CORRUPT without a place.
 */
int tree_build(struct tree *out, const struct tree_parts *p, struct err *e) MUST_CHECK;

#endif
