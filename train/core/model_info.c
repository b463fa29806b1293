/* What a model says about itself: importance, and where two of them part. */
#include "train/core/model.h"

#include <string.h>

#include "store/base/buf.h"
#include "store/fmt/fmt.h"

void model_importance(const struct model *m, enum importance what, double *out)
{
	memset(out, 0, m->features_nr * sizeof(*out));
	for (size_t i = 0; i < m->trees_nr; i++) {
		for (size_t j = 0; j < m->trees[i].nr; j++) {
			const struct node *n = &m->trees[i].nodes[j];

			if (n->left < 0)
				continue;
			out[n->feature] += what == IMPORTANCE_GAIN    ? (double)n->gain
					   : what == IMPORTANCE_COVER ? (double)n->cover
								      : 1;
		}
	}
}

static void say_numbers(struct buf *out, const char *what, double a, double b)
{
	buf_adds(out, what);
	buf_addc(out, ' ');
	fmt_double(out, a);
	buf_adds(out, " against ");
	fmt_double(out, b);
}

static void say_text(struct buf *out, const char *what, const char *a, const char *b)
{
	buf_addf(out, "%s '%s' against '%s'", what, a ? a : "", b ? b : "");
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Bits, so that a NaN equals itself and -0 is not 0. */
static bool same_bits(double a, double b)
{
	uint64_t x, y;

	memcpy(&x, &a, sizeof(x));
	memcpy(&y, &b, sizeof(y));
	return x == y;
}

static bool differ_nr(struct buf *out, const char *what, double a, double b)
{
	if (same_bits(a, b))
		return false;
	say_numbers(out, what, a, b);
	return true;
}

static bool differ_text(struct buf *out, const char *what, const char *a, const char *b)
{
	if (same_text(a, b))
		return false;
	say_text(out, what, a, b);
	return true;
}

static bool differ_feature(struct buf *out, size_t j, const struct feature *a,
			   const struct feature *b)
{
	size_t start = out->n;
	bool differs;

	buf_addf(out, "feature %zu: ", j);
	differs = differ_text(out, "name", a->name, b->name) ||
		  differ_nr(out, "kind", a->kind, b->kind) ||
		  differ_nr(out, "integer", a->integer, b->integer) ||
		  differ_nr(out, "categories", (double)a->cats_nr, (double)b->cats_nr);
	for (size_t i = 0; !differs && i < a->cats_nr; i++)
		differs = differ_text(out, "category", a->cats[i], b->cats[i]);
	if (!differs)
		buf_cut(out, start);
	return differs;
}

static bool differ_head(struct buf *out, const struct model *a, const struct model *b)
{
	if (differ_nr(out, "type", a->type, b->type) ||
	    differ_text(out, "objective", objective_name(a->objective),
			objective_name(b->objective)) ||
	    differ_nr(out, "objective argument", a->objective_arg, b->objective_arg) ||
	    differ_nr(out, "scale_pos_weight", a->scale_pos_weight,
		      b->scale_pos_weight) ||
	    differ_text(out, "target", a->target, b->target) ||
	    differ_nr(out, "outputs", a->outputs, b->outputs) ||
	    differ_nr(out, "grid", a->grid_bits, b->grid_bits) ||
	    differ_nr(out, "features", (double)a->features_nr, (double)b->features_nr) ||
	    differ_nr(out, "classes", (double)a->classes_nr, (double)b->classes_nr))
		return true;
	for (size_t i = 0; i < a->features_nr; i++)
		if (differ_feature(out, i, &a->features[i], &b->features[i]))
			return true;
	for (size_t i = 0; i < a->classes_nr; i++)
		if (differ_text(out, "class", a->classes[i], b->classes[i]))
			return true;
	for (size_t k = 0; a->base && b->base && k < a->outputs; k++)
		if (differ_nr(out, "base", a->base[k], b->base[k]))
			return true;
	return false;
}

static bool differ_node(struct buf *out, const struct tree *ta, const struct tree *tb,
			const struct node *a, const struct node *b)
{
	bool split = a->left >= 0;

	if (differ_nr(out, "left", a->left, b->left) ||
	    differ_nr(out, "right", a->right, b->right))
		return true;
	if (split && (differ_nr(out, "feature", a->feature, b->feature) ||
		      differ_nr(out, "categorical", a->categorical, b->categorical) ||
		      differ_nr(out, "gain", (double)a->gain, (double)b->gain)))
		return true;
	if (split && !a->categorical &&
	    (differ_nr(out, "cut", (double)a->cut, (double)b->cut) ||
	     differ_nr(out, "missing left", a->default_left, b->default_left)))
		return true;
	if (split && a->categorical) {
		if (differ_nr(out, "set size", a->set_nr, b->set_nr))
			return true;
		for (uint32_t i = 0; i < a->set_nr; i++)
			if (differ_nr(out, "category", ta->sets[a->set + i],
				      tb->sets[b->set + i]))
				return true;
	}
	return (!split && differ_nr(out, "value", a->value, b->value)) ||
	       differ_nr(out, "cover", (double)a->cover, (double)b->cover) ||
	       differ_nr(out, "weight", (double)a->weight, (double)b->weight) ||
	       differ_nr(out, "rows", (double)a->rows, (double)b->rows);
}

static bool differ_tree(struct buf *out, size_t i, const struct tree *a,
			const struct tree *b)
{
	size_t nr = a->nr < b->nr ? a->nr : b->nr;

	for (size_t j = 0; j < nr; j++) {
		size_t start = out->n;

		buf_addf(out, "tree %zu, node %zu: ", i, j);
		if (differ_node(out, a, b, &a->nodes[j], &b->nodes[j]))
			return true;
		buf_cut(out, start);
	}
	if (a->nr == b->nr)
		return false;
	buf_addf(out, "tree %zu: %zu nodes against %zu", i, a->nr, b->nr);
	return true;
}

static bool differ_linear(struct buf *out, const struct model *a, const struct model *b)
{
	if (differ_nr(out, "weights", (double)a->weights_nr, (double)b->weights_nr))
		return true;
	for (size_t k = 0; k < a->outputs; k++) {
		if (differ_nr(out, "bias", a->bias[k], b->bias[k]))
			return true;
		for (size_t i = 0; i < a->weights_nr; i++) {
			size_t at = k * a->weights_nr + i;
			size_t start = out->n;

			buf_addf(out, "output %zu, ", k);
			if (differ_nr(out, "weight", a->weights[at], b->weights[at])) {
				buf_addf(out, " (input %zu)", i);
				return true;
			}
			buf_cut(out, start);
		}
	}
	for (size_t j = 0; j < a->features_nr; j++)
		if (differ_nr(out, "fill", a->fill[j], b->fill[j]))
			return true;
	return false;
}

static void differ_attributes(struct buf *out, const struct model *a,
			      const struct model *b)
{
	for (size_t i = 0; i < a->attributes_nr || i < b->attributes_nr; i++) {
		const struct attribute *x =
			i < a->attributes_nr ? &a->attributes[i] : NULL;
		const struct attribute *y =
			i < b->attributes_nr ? &b->attributes[i] : NULL;

		if (!x || !y) {
			buf_addf(out, "attribute '%s' is in one only",
				 x ? x->name : y->name);
			return;
		}
		if (differ_text(out, "attribute", x->name, y->name))
			return;
		if (!same_text(x->value, y->value)) {
			buf_addf(out, "attribute '%s' differs", x->name);
			return;
		}
	}
}

void model_difference(struct buf *out, const struct model *a, const struct model *b)
{
	size_t nr = a->trees_nr < b->trees_nr ? a->trees_nr : b->trees_nr;

	if (differ_head(out, a, b))
		return;
	if (a->type == MODEL_LINEAR && differ_linear(out, a, b))
		return;
	for (size_t i = 0; i < nr; i++)
		if (differ_tree(out, i, &a->trees[i], &b->trees[i]))
			return;
	if (a->trees_nr != b->trees_nr) {
		buf_addf(out, "%zu trees against %zu", a->trees_nr, b->trees_nr);
		return;
	}
	differ_attributes(out, a, b);
}
