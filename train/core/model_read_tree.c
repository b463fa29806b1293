#include "train/core/model_read.h"

#include <math.h>
#include <stdlib.h>

#include "store/base/alloc.h"
#include "store/base/err.h"

const char *const tree_array_names[TREE_ARRAYS_NR] = {
	[TREE_LEFT] = "left_children",
	[TREE_RIGHT] = "right_children",
	[TREE_INDICES] = "split_indices",
	[TREE_CONDITIONS] = "split_conditions",
	[TREE_DEFAULT_LEFT] = "default_left",
	[TREE_GAIN] = "loss_changes",
	[TREE_COVER] = "sum_hessian",
	[TREE_WEIGHT] = "base_weights",
	[TREE_SPLIT_TYPE] = "split_type",
	[TREE_ROWS] = "rows",
	[TREE_CATEGORIES] = "categories",
	[TREE_CAT_NODES] = "categories_nodes",
	[TREE_CAT_SEGMENTS] = "categories_segments",
	[TREE_CAT_SIZES] = "categories_sizes",
};

void tree_parts_reset(struct tree_parts *p)
{
	for (size_t i = 0; i < TREE_ARRAYS_NR; i++)
		p->array[i].nr = 0;
	p->has_nodes_nr = false;
}

void tree_parts_release(struct tree_parts *p)
{
	for (size_t i = 0; i < TREE_ARRAYS_NR; i++)
		vec_release(&p->array[i]);
	*p = (struct tree_parts){0};
}

static bool is_whole(double v, double min, double max)
{
	return v >= min && v <= max && v == floor(v);
}

static int check_sizes(const struct tree_parts *p, size_t *nr, struct err *e)
{
	*nr = p->array[TREE_LEFT].nr;
	if (*nr == 0)
		return err_set(e, ERR_CORRUPT, "no nodes");
	if (*nr > INT32_MAX)
		return err_set(e, ERR_CORRUPT, "%zu nodes, at most %d", *nr, INT32_MAX);
	if (p->has_nodes_nr && p->nodes_nr != *nr)
		return err_set(e, ERR_CORRUPT, "num_nodes is %zu, left_children has %zu",
			       p->nodes_nr, *nr);
	for (size_t i = 0; i < TREE_CATEGORIES; i++) {
		bool optional = i >= TREE_GAIN;

		if (p->array[i].nr != *nr && !(optional && p->array[i].nr == 0))
			return err_set(e, ERR_CORRUPT, "%s has %zu entries for %zu nodes",
				       tree_array_names[i], p->array[i].nr, *nr);
	}
	if (p->array[TREE_CAT_SEGMENTS].nr != p->array[TREE_CAT_NODES].nr ||
	    p->array[TREE_CAT_SIZES].nr != p->array[TREE_CAT_NODES].nr)
		return err_set(e, ERR_CORRUPT,
			       "categories_nodes, _segments and _sizes differ in length");
	return 0;
}

/*
 * The nodes that the root reaches, in the order they will have, into order[]; new
 * numbers into place[]. As they stand, when every child stands behind its parent and
 * right behind left; else breadth first.
 */
static int order_nodes(const struct tree_parts *p, size_t nr, uint32_t *order,
		       uint32_t *place, size_t *reached, struct err *e)
{
	const double *left = p->array[TREE_LEFT].v, *right = p->array[TREE_RIGHT].v;
	size_t head = 0, tail = 1;
	bool ordered = true;

	for (size_t i = 0; i < nr; i++)
		place[i] = UINT32_MAX;
	order[0] = 0;
	place[0] = 0;
	for (; head < tail; head++) {
		uint32_t at = order[head];

		if (left[at] == -1 && right[at] == -1)
			continue;
		if (!is_whole(left[at], 1, (double)nr - 1) ||
		    !is_whole(right[at], 1, (double)nr - 1))
			return err_set(e, ERR_CORRUPT,
				       "node %u: children outside the tree", at);
		for (int side = 0; side < 2; side++) {
			uint32_t child = (uint32_t)(side ? right[at] : left[at]);

			if (place[child] != UINT32_MAX)
				return err_set(e, ERR_CORRUPT, "node %u has two parents",
					       child);
			place[child] = (uint32_t)tail;
			order[tail++] = child;
			ordered = ordered && child > at;
		}
		ordered = ordered && left[at] < right[at];
	}
	*reached = tail;
	if (!ordered || tail < nr)
		return 0;
	for (uint32_t i = 0; i < nr; i++)
		order[i] = place[i] = i;
	return 0;
}

static int build_node(struct node *out, const struct tree_parts *p, uint32_t at,
		      const uint32_t *place, struct err *e)
{
	const struct numbers *a = p->array;
	double condition = a[TREE_CONDITIONS].v[at], index = a[TREE_INDICES].v[at];
	bool split = a[TREE_LEFT].v[at] >= 0;
	struct node n = {.left = -1, .right = -1, .parent = -1};

	if (isnan(condition) || (!split && isinf(condition)))
		return err_set(e, ERR_CORRUPT, "node %u: no number in split_conditions",
			       at);
	if (split) {
		if (!is_whole(index, 0, INT32_MAX))
			return err_set(e, ERR_CORRUPT, "node %u: not a feature", at);
		n.feature = (uint32_t)index;
		n.left = (int32_t)place[(uint32_t)a[TREE_LEFT].v[at]];
		n.right = (int32_t)place[(uint32_t)a[TREE_RIGHT].v[at]];
		n.default_left = a[TREE_DEFAULT_LEFT].v[at] != 0;
		n.categorical = a[TREE_SPLIT_TYPE].nr && a[TREE_SPLIT_TYPE].v[at] != 0;
		n.cut = n.categorical ? 0 : (float)condition;
		n.gain = a[TREE_GAIN].nr ? (float)a[TREE_GAIN].v[at] : 0;
		if (n.categorical && !n.default_left)
			return err_set(e, ERR_UNSUPPORTED,
				       "node %u: a missing category goes right", at);
	} else {
		n.value = condition;
	}
	n.cover = a[TREE_COVER].nr ? (float)a[TREE_COVER].v[at] : 0;
	n.weight = a[TREE_WEIGHT].nr ? (float)a[TREE_WEIGHT].v[at] : 0;
	if (a[TREE_ROWS].nr) {
		if (!is_whole(a[TREE_ROWS].v[at], 0, 0x1p53))
			return err_set(e, ERR_CORRUPT, "node %u: not a number of rows",
				       at);
		n.rows = (uint64_t)a[TREE_ROWS].v[at];
	}
	*out = n;
	return 0;
}

/* The set of one categorical node: segments stand one behind the other. */
static int build_set(struct tree *out, const struct tree_parts *p, size_t i, double *at,
		     const uint32_t *place, size_t nr, struct err *e)
{
	const struct numbers *a = p->array;
	double node = a[TREE_CAT_NODES].v[i], begin = a[TREE_CAT_SEGMENTS].v[i];
	double size = a[TREE_CAT_SIZES].v[i], previous = -1;
	struct node *n;

	if (!is_whole(node, i ? a[TREE_CAT_NODES].v[i - 1] + 1 : 0, (double)nr - 1))
		return err_set(e, ERR_CORRUPT,
			       "categories_nodes: no node, or not ascending");
	if (begin != *at || !is_whole(size, 1, (double)a[TREE_CATEGORIES].nr - begin))
		return err_set(e, ERR_CORRUPT, "node %.0f: its categories are not there",
			       node);
	*at += size;
	if (place[(size_t)node] == UINT32_MAX)
		return 0;
	n = &out->nodes[place[(size_t)node]];
	if (n->left < 0 || !n->categorical)
		return err_set(e, ERR_CORRUPT,
			       "node %.0f has categories, but is no "
			       "categorical split",
			       node);
	n->set = (uint32_t)out->sets_nr;
	n->set_nr = (uint32_t)size;
	for (size_t j = 0; j < n->set_nr; j++) {
		double code = a[TREE_CATEGORIES].v[(size_t)begin + j];

		if (!is_whole(code, previous + 1, UINT32_MAX - 2))
			return err_set(e, ERR_CORRUPT,
				       "node %.0f: categories are not "
				       "ascending codes",
				       node);
		previous = code;
		out->sets[out->sets_nr++] = (uint32_t)code;
	}
	return 0;
}

static int build_sets(struct tree *out, const struct tree_parts *p, const uint32_t *place,
		      size_t nr, struct err *e)
{
	size_t categorical = 0, given = p->array[TREE_CAT_NODES].nr;
	double at = 0;
	int r;

	for (size_t i = 0; i < out->nr; i++)
		categorical += out->nodes[i].categorical;
	if (p->array[TREE_CATEGORIES].nr > UINT32_MAX)
		return err_set(e, ERR_CORRUPT, "too many categories");
	out->sets = xcalloc(p->array[TREE_CATEGORIES].nr + 1, sizeof(*out->sets));
	for (size_t i = 0; i < given; i++)
		if ((r = build_set(out, p, i, &at, place, nr, e)) < 0)
			return r;
	for (size_t i = 0; i < given; i++)
		if (place[(size_t)p->array[TREE_CAT_NODES].v[i]] != UINT32_MAX)
			categorical--;
	if (categorical)
		return err_set(e, ERR_CORRUPT, "a categorical node without categories");
	return 0;
}

int tree_build(struct tree *out, const struct tree_parts *p, struct err *e)
{
	uint32_t *order = NULL, *place = NULL;
	struct tree tree = {0};
	void *mem = NULL;
	size_t nr = 0;
	int r;

	if ((r = check_sizes(p, &nr, e)) < 0)
		return r;
	order = xcalloc(nr, sizeof(*order));
	place = xcalloc(nr, sizeof(*place));
	if ((r = order_nodes(p, nr, order, place, &tree.nr, e)) < 0)
		goto out;
	if ((r = try_alloc(&mem, tree.nr, sizeof(*tree.nodes), "a tree", e)) < 0)
		goto out;
	tree.nodes = mem;
	for (size_t i = 0; i < tree.nr; i++)
		if ((r = build_node(&tree.nodes[i], p, order[i], place, e)) < 0)
			goto out;
	for (size_t i = 0; i < tree.nr; i++)
		if (tree.nodes[i].left >= 0) {
			tree.nodes[tree.nodes[i].left].parent = (int32_t)i;
			tree.nodes[tree.nodes[i].right].parent = (int32_t)i;
		}
	if ((r = build_sets(&tree, p, place, nr, e)) < 0)
		goto out;
	*out = tree;
	tree = (struct tree){0};
out:
	free(tree.nodes);
	free(tree.sets);
	free(order);
	free(place);
	return r;
}
