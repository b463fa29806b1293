/*
 * A model as LightGBM's text. Its trees compare binary64 with <=, so a cut T of ours
 * (x < T of x rounded to binary32) becomes the largest binary64 that rounds below T;
 * its sets go left, so the children of a categorical split change sides.
 */
#include "train/core/model.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/number.h"
#include "train/core/model_impl.h"

enum {
	IS_CATEGORICAL = 1,
	DEFAULT_LEFT = 2,
	MISSING_NAN = 8
};

/*
 * With P the float below T and m their middle: a double above m rounds to T or more,
 * one below it to P or less, and m itself to the one whose significand is even.
 */
static double threshold(float cut)
{
	float below = nextafterf(cut, -INFINITY);
	double middle = ((double)below + (double)cut) / 2;
	uint32_t bits;

	memcpy(&bits, &cut, sizeof(bits));
	return bits & 1 ? middle : nextafter(middle, -INFINITY);
}

/* One line "key=v v v" about the inner nodes of a tree, or its leaves. */
struct row {
	struct buf *out;
	const struct model *m;
	const struct tree *tree;
	const int32_t *place; /* of an inner node: its number; of a leaf: ~number */
	size_t index;	      /* of the tree */
	size_t cats;	      /* categorical nodes so far in this line */
};

static void add_int(struct buf *out, int64_t v)
{
	buf_addf(out, "%lld", (long long)v);
}

static void put_feature(struct row *r, const struct node *n)
{
	add_int(r->out, n->feature);
}

static void put_gain(struct row *r, const struct node *n)
{
	number_add(r->out, (double)n->gain);
}

static void put_threshold(struct row *r, const struct node *n)
{
	if (n->categorical)
		add_int(r->out, (int64_t)r->cats++);
	else
		number_add(r->out, threshold(n->cut));
}

static void put_decision(struct row *r, const struct node *n)
{
	add_int(r->out, n->categorical
				? IS_CATEGORICAL
				: MISSING_NAN + (n->default_left ? DEFAULT_LEFT : 0));
}

static void put_left(struct row *r, const struct node *n)
{
	add_int(r->out, r->place[n->categorical ? n->right : n->left]);
}

static void put_right(struct row *r, const struct node *n)
{
	add_int(r->out, r->place[n->categorical ? n->left : n->right]);
}

static void put_value(struct row *r, const struct node *n)
{
	number_add(r->out, model_leaf(r->m, r->index, n));
}

static void put_weight(struct row *r, const struct node *n)
{
	number_add(r->out, (double)n->cover);
}

static void put_inner_value(struct row *r, const struct node *n)
{
	number_add(r->out, (double)n->weight);
}

static void put_count(struct row *r, const struct node *n)
{
	add_int(r->out, n->rows > INT_MAX ? INT_MAX : (int64_t)n->rows);
}

static void line(struct row *r, const char *key, bool leaves,
		 void (*put)(struct row *r, const struct node *n))
{
	bool first = true;

	r->cats = 0;
	buf_adds(r->out, key);
	buf_addc(r->out, '=');
	for (size_t i = 0; i < r->tree->nr; i++) {
		const struct node *n = &r->tree->nodes[i];

		if ((n->left < 0) != leaves)
			continue;
		if (!first)
			buf_addc(r->out, ' ');
		first = false;
		put(r, n);
	}
	buf_addc(r->out, '\n');
}

/* Words of 32 bits for a set. */
static uint32_t set_words(const struct tree *tree, const struct node *n)
{
	return tree->sets[n->set + n->set_nr - 1] / 32 + 1;
}

static void sets(struct row *r)
{
	uint64_t at = 0;

	buf_adds(r->out, "cat_boundaries=0");
	for (size_t i = 0; i < r->tree->nr; i++) {
		const struct node *n = &r->tree->nodes[i];

		if (n->left < 0 || !n->categorical)
			continue;
		at += set_words(r->tree, n);
		buf_addf(r->out, " %llu", (unsigned long long)at);
	}
	buf_adds(r->out, "\ncat_threshold=");
	at = 0;
	for (size_t i = 0; i < r->tree->nr; i++) {
		const struct node *n = &r->tree->nodes[i];
		uint32_t j = 0;

		if (n->left < 0 || !n->categorical)
			continue;
		for (uint32_t w = 0; w < set_words(r->tree, n); w++) {
			uint32_t bits = 0;

			for (; j < n->set_nr && r->tree->sets[n->set + j] / 32 == w; j++)
				bits |= 1u << r->tree->sets[n->set + j] % 32;
			buf_addf(r->out, at++ ? " %u" : "%u", bits);
		}
	}
	buf_addc(r->out, '\n');
}

static void one_tree(struct buf *out, const struct model *m, size_t index)
{
	const struct tree *tree = model_tree(m, index);
	int32_t *place = xcalloc(tree->nr, sizeof(*place)), inner = 0, leaves = 0;
	struct row r = {.out = out, .m = m, .tree = tree, .place = place, .index = index};
	size_t cats = 0;

	for (size_t i = 0; i < tree->nr; i++) {
		bool is_leaf = tree->nodes[i].left < 0;

		place[i] = is_leaf ? ~leaves++ : inner++;
		cats += !is_leaf && tree->nodes[i].categorical;
	}
	buf_addf(out, "Tree=%zu\nnum_leaves=%d\nnum_cat=%zu\n", index, leaves, cats);
	if (inner) {
		line(&r, "split_feature", false, put_feature);
		line(&r, "split_gain", false, put_gain);
		line(&r, "threshold", false, put_threshold);
		line(&r, "decision_type", false, put_decision);
		line(&r, "left_child", false, put_left);
		line(&r, "right_child", false, put_right);
	}
	line(&r, "leaf_value", true, put_value);
	if (inner) {
		line(&r, "leaf_weight", true, put_weight);
		line(&r, "leaf_count", true, put_count);
		line(&r, "internal_value", false, put_inner_value);
		line(&r, "internal_weight", false, put_weight);
		line(&r, "internal_count", false, put_count);
	}
	if (cats)
		sets(&r);
	buf_adds(out, "is_linear=0\nshrinkage=1\n\n\n");
	free(place);
}

/* A name ends at a space there, and these mean something in its JSON. */
static void feature_name(struct buf *out, const char *name, size_t index)
{
	bool changed = name[0] == '\0';

	for (; *name; name++) {
		bool bad = (unsigned char)*name <= ' ' || strchr("\",:[]{}", *name);

		buf_addc(out, bad ? '_' : *name);
		changed = changed || bad;
	}
	if (changed)
		buf_addf(out, "_%zu", index);
}

/* The range of a number is not known any more; that of its cuts is. */
static void feature_infos(struct buf *out, const struct model *m)
{
	double *low = xcalloc(m->features_nr + 1, sizeof(*low));
	double *high = xcalloc(m->features_nr + 1, sizeof(*high));

	for (size_t i = 0; i < m->features_nr; i++) {
		low[i] = INFINITY;
		high[i] = -INFINITY;
	}
	for (size_t i = 0; i < m->trees_nr; i++)
		for (size_t j = 0; j < m->trees[i].nr; j++) {
			const struct node *n = &m->trees[i].nodes[j];

			if (n->left < 0)
				continue;
			low[n->feature] = fmin(low[n->feature], (double)n->cut);
			high[n->feature] = fmax(high[n->feature], (double)n->cut);
		}
	buf_adds(out, "feature_infos=");
	for (size_t i = 0; i < m->features_nr; i++) {
		const struct feature *f = &m->features[i];

		if (i)
			buf_addc(out, ' ');
		if (low[i] > high[i]) {
			buf_adds(out, "none");
		} else if (f->kind == FEATURE_CATEGORICAL) {
			for (size_t j = 0; j < f->cats_nr; j++)
				buf_addf(out, j ? ":%zu" : "%zu", j);
		} else {
			buf_addc(out, '[');
			number_add(out, low[i]);
			buf_addc(out, ':');
			number_add(out, high[i]);
			buf_addc(out, ']');
		}
	}
	buf_addc(out, '\n');
	free(low);
	free(high);
}

static void objective(struct buf *out, const struct model *m)
{
	static const char *const names[OBJ_NR] = {
		[OBJ_L2] = "regression",
		[OBJ_L1] = "regression_l1",
		[OBJ_HUBER] = "huber",
		[OBJ_QUANTILE] = "quantile",
		[OBJ_POISSON] = "poisson",
		[OBJ_GAMMA] = "gamma",
		[OBJ_TWEEDIE] = "tweedie",
		[OBJ_BINARY] = "binary sigmoid:1",
		[OBJ_SOFTMAX] = "multiclass",
		[OBJ_OVA] = "multiclassova",
		[OBJ_LAMBDARANK] = "lambdarank",
		[OBJ_FAIR] = "fair",
		[OBJ_MAPE] = "mape",
	};

	buf_addf(out, "objective=%s", names[m->objective]);
	if (m->objective == OBJ_SOFTMAX || m->objective == OBJ_OVA)
		buf_addf(out, " num_class:%u", m->outputs);
	if (m->objective == OBJ_OVA)
		buf_adds(out, " sigmoid:1");
	buf_addc(out, '\n');
}

static void header(struct buf *out, const struct model *m)
{
	buf_adds(out, "tree\nversion=v4\n");
	buf_addf(out, "num_class=%u\nnum_tree_per_iteration=%u\n", m->outputs,
		 m->outputs);
	buf_addf(out, "label_index=0\nmax_feature_idx=%zu\n", m->features_nr - 1);
	objective(out, m);
	buf_adds(out, "feature_names=");
	for (size_t i = 0; i < m->features_nr; i++) {
		if (i)
			buf_addc(out, ' ');
		feature_name(out, m->features[i].name, i);
	}
	buf_addc(out, '\n');
	feature_infos(out, m);
	buf_addc(out, '\n');
}

/* What LightGBM passes by: attributes as JSON; and the line its Python package
 * takes the categories of a pandas column from. */
static void tail(struct buf *out, const struct model *m)
{
	struct model all = {0};
	struct jsonw w;
	const char *categories;

	model_all_attributes(&all, m);
	jsonw_init(&w, out, 0);
	w.compact = true;
	w.utf8 = true;
	buf_adds(out, "lode_attributes:");
	jsonw_object(&w);
	for (size_t i = 0; i < all.attributes_nr; i++) {
		jsonw_key(&w, all.attributes[i].name);
		jsonw_str(&w, all.attributes[i].value);
	}
	jsonw_end(&w);
	categories = model_attribute(&all, "lode.categories");
	buf_addf(out, "\n\npandas_categorical:%s\n", categories ? categories : "null");
	model_release(&all);
}

int model_lightgbm(struct buf *out, const struct model *m, struct err *e)
{
	if (m->type == MODEL_LINEAR)
		return err_set(e, ERR_UNSUPPORTED,
			       "LightGBM's text holds trees, not linear models");
	if (m->features_nr == 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "LightGBM's text cannot hold a model without features");
	for (size_t i = 0; i < m->trees_nr; i++)
		for (size_t j = 0; j < m->trees[i].nr; j++)
			if (!isfinite(m->trees[i].nodes[j].cut))
				return err_set(
					e, ERR_UNSUPPORTED,
					"tree %zu, node %zu: LightGBM's text cannot "
					"hold an infinite cut",
					i, j);
	header(out, m);
	for (size_t i = 0; i < model_trees(m); i++)
		one_tree(out, m, i);
	buf_adds(out, "end of trees\n\n");
	tail(out, m);
	return 0;
}

int model_ubjson(struct buf *out, const struct model *m, struct err *e)
{
	if (m->type == MODEL_LINEAR)
		return err_set(e, ERR_UNSUPPORTED,
			       "XGBoost's UBJSON holds trees, not linear models of ours");
	model_document(out, m, true);
	return 0;
}
