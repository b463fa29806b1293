/* Models and tables made up from a seed: every kind of feature and of split. */
#ifndef TESTS_UNIT_MODEL_FIXTURE_H
#define TESTS_UNIT_MODEL_FIXTURE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "train/core/model.h"
#include "train/core/rng.h"

enum {
	FIX_FEATURES = 5 /* two floats, an integer, two categorical of 3 and 40 */
};

struct fix_rng {
	uint64_t seed, at;
};

static inline uint64_t fix_next(struct fix_rng *r)
{
	return rng_sm(r->seed * 1000003 + r->at++);
}

static inline uint32_t fix_below(struct fix_rng *r, uint32_t n)
{
	return (uint32_t)(fix_next(r) >> 32) % n;
}

static inline double fix_grid(struct fix_rng *r, int bits)
{
	return ((double)fix_below(r, 1 << 17) - (1 << 16)) * ldexp(1, -bits);
}

static inline void fix_features(struct feature *f)
{
	static const char *const names[] = {"plain", "wide \"one\"", "age", "shape",
					    "town"};

	for (size_t i = 0; i < FIX_FEATURES; i++) {
		f[i] = (struct feature){.name = xstrdup(names[i]), .integer = i == 2};
		if (i < 3)
			continue;
		f[i].kind = FEATURE_CATEGORICAL;
		f[i].cats_nr = i == 3 ? 3 : 40;
		f[i].cats = xcalloc(f[i].cats_nr, sizeof(char *));
		for (size_t j = 0; j < f[i].cats_nr; j++)
			f[i].cats[j] = j == 1 ? xstrdup("M\xc3\xbcnchen, \"Süd\"")
					      : xasprintf("c%zu", j);
	}
}

/* A leaf becomes a split of two leaves. */
static inline void fix_split(struct tree *t, size_t at, struct fix_rng *r)
{
	struct node *n = &t->nodes[at];
	uint32_t cats;

	n->left = (int32_t)t->nr;
	n->right = (int32_t)t->nr + 1;
	n->feature = fix_below(r, FIX_FEATURES);
	n->categorical = n->feature >= 3;
	n->default_left = n->categorical || fix_below(r, 2);
	n->gain = (float)fix_below(r, 1000) * 0.37f;
	n->value = 0;
	n->cut = n->feature == 2 ? (float)fix_below(r, 90)
				 : (float)((double)fix_below(r, 1 << 24) * 0x1p-24 - 0.5);
	if (n->categorical) {
		cats = n->feature == 3 ? 3 : 40;
		n->cut = 0;
		n->set = (uint32_t)t->sets_nr;
		t->sets = xreallocarray(t->sets, t->sets_nr + cats + 1, sizeof(*t->sets));
		for (uint32_t c = 0; c < cats; c++)
			if (fix_below(r, 3) == 0 ||
			    (c + 1 == cats && t->sets_nr == n->set))
				t->sets[t->sets_nr++] = c;
		n->set_nr = (uint32_t)t->sets_nr - n->set;
	}
	for (int side = 0; side < 2; side++) {
		struct node *child = &t->nodes[t->nr++];

		*child = (struct node){.left = -1, .right = -1, .parent = (int32_t)at};
	}
}

static inline struct tree fix_tree(struct fix_rng *r, size_t leaves, int bits)
{
	struct tree t = {.nodes = xcalloc(2 * leaves, sizeof(struct node)), .nr = 1};

	t.nodes[0] = (struct node){.left = -1, .right = -1, .parent = -1};
	while (t.nr < 2 * leaves - 1) {
		size_t at = fix_below(r, (uint32_t)t.nr);

		if (t.nodes[at].left < 0)
			fix_split(&t, at, r);
	}
	for (size_t i = 0; i < t.nr; i++) {
		struct node *n = &t.nodes[i];

		n->cover = (float)fix_below(r, 5000) * 0.25f;
		n->rows = fix_below(r, 1000000);
		n->weight = (float)fix_grid(r, 14);
		if (n->left < 0)
			n->value = bits == -2 ? fix_grid(r, 17) / 3 : fix_grid(r, bits);
	}
	return t;
}

static inline struct model fix_model(uint64_t seed, enum objective o, unsigned outputs,
				     size_t trees, size_t leaves, int bits)
{
	struct fix_rng r = {seed, 0};
	struct model m = {.objective = o,
			  .scale_pos_weight = 1,
			  .outputs = outputs,
			  .grid_bits = bits,
			  .features_nr = FIX_FEATURES,
			  .trees_nr = trees,
			  .target = xstrdup("y")};

	m.features = xcalloc(FIX_FEATURES, sizeof(*m.features));
	fix_features(m.features);
	m.base = xcalloc(outputs, sizeof(*m.base));
	for (unsigned k = 0; k < outputs; k++)
		m.base[k] = bits == -2 ? fix_grid(&r, 16) / 7 : fix_grid(&r, bits);
	m.trees = xcalloc(trees ? trees : 1, sizeof(*m.trees));
	for (size_t i = 0; i < trees; i++)
		m.trees[i] = fix_tree(&r, leaves, bits);
	if (outputs > 1) {
		m.classes = xcalloc(outputs, sizeof(*m.classes));
		m.classes_nr = outputs;
		for (unsigned k = 0; k < outputs; k++)
			m.classes[k] = xasprintf("class %u", k);
	}
	model_attribute_set(&m, "lode.config", "{\"trees\":3}");
	model_attribute_set(&m, "aaa", "first, \"quoted\"\n");
	return m;
}

/* Values around the cuts of m, missing and unseen ones among them. */
static inline struct table fix_table(uint64_t seed, const struct model *m, size_t rows)
{
	struct fix_rng r = {seed, 1u << 20};
	struct table t = {.rows = rows, .cols_nr = FIX_FEATURES};

	t.cols = xcalloc(FIX_FEATURES, sizeof(*t.cols));
	for (size_t j = 0; j < FIX_FEATURES; j++) {
		feature_copy(&t.cols[j].f, &m->features[j]);
		if (j >= 3)
			t.cols[j].code = xcalloc(rows + 1, sizeof(uint32_t));
		else
			t.cols[j].num = xcalloc(rows + 1, sizeof(float));
	}
	for (size_t i = 0; i < rows * FIX_FEATURES; i++) {
		struct column *c = &t.cols[i % FIX_FEATURES];
		size_t row = i / FIX_FEATURES, j = i % FIX_FEATURES;

		if (j >= 3) {
			uint32_t code = fix_below(&r, j == 3 ? 5 : 42);

			c->code[row] = code < c->f.cats_nr    ? code
				       : code == c->f.cats_nr ? TABLE_MISSING
							      : TABLE_UNSEEN;
		} else if (fix_below(&r, 7) == 0) {
			c->num[row] = NAN;
		} else if (m->trees_nr && fix_below(&r, 3) == 0) {
			const struct tree *tree =
				&m->trees[fix_below(&r, (uint32_t)m->trees_nr)];
			float cut = tree->nodes[fix_below(&r, (uint32_t)tree->nr)].cut;

			c->num[row] = nextafterf(cut, fix_below(&r, 2) ? 1e9f : -1e9f);
			if (fix_below(&r, 2))
				c->num[row] = cut;
		} else {
			c->num[row] = j == 2 ? (float)fix_below(&r, 99)
					     : (float)fix_below(&r, 999) / 999 - 0.5f;
		}
	}
	return t;
}

#endif
