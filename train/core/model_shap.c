/*
 * What each feature adds to a margin: Shapley values of the expectation that follows a
 * tree's covers where a feature is not known ("path-dependent TreeSHAP", Lundberg and
 * others 2018), in binary64, in one order.
 *
 * A path holds, for each feature on the way to a node, the share of the cover that
 * flows on when the feature is unknown (zero), whether the row flows on when it is
 * known (one), and at i the weight of all subsets with i features known.
 */
#include "train/core/model.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/model_impl.h"

enum {
	DEPTH_MAX = 512 /* paths take depth^2 / 2 steps */
};

struct step {
	uint32_t feature; /* UINT32_MAX: the start, which is no feature */
	double zero, one, weight;
};

struct walk {
	const struct tree *tree;
	const struct table *t;
	size_t row;
	double *phi; /* by feature */
};

/* Put a step behind the nr that are there. */
static void extend(struct step *p, size_t nr, struct step s)
{
	s.weight = nr == 0;
	p[nr] = s;
	for (size_t i = nr; i-- > 0;) {
		p[i + 1].weight +=
			s.one * p[i].weight * (double)(i + 1) / (double)(nr + 1);
		p[i].weight = s.zero * p[i].weight * (double)(nr - i) / (double)(nr + 1);
	}
}

/* Take step at out of a path whose last is p[last]. */
static void unwind(struct step *p, size_t last, size_t at)
{
	double one = p[at].one, zero = p[at].zero, next = p[last].weight;

	for (size_t i = last; i-- > 0;) {
		double was = p[i].weight;

		if (one != 0) {
			p[i].weight = next * (double)(last + 1) / ((double)(i + 1) * one);
			next = was - p[i].weight * zero * (double)(last - i) /
					     (double)(last + 1);
		} else {
			p[i].weight =
				was * (double)(last + 1) / (zero * (double)(last - i));
		}
	}
	for (size_t i = at; i < last; i++) {
		p[i].feature = p[i + 1].feature;
		p[i].zero = p[i + 1].zero;
		p[i].one = p[i + 1].one;
	}
}

/* The sum of weights that unwind() would leave. */
static double unwound(const struct step *p, size_t last, size_t at)
{
	double one = p[at].one, zero = p[at].zero, next = p[last].weight, sum = 0;

	for (size_t i = last; i-- > 0;) {
		if (one != 0) {
			double w = next * (double)(last + 1) / ((double)(i + 1) * one);

			sum += w;
			next = p[i].weight -
			       w * zero * (double)(last - i) / (double)(last + 1);
		} else {
			sum += p[i].weight * (double)(last + 1) /
			       (zero * (double)(last - i));
		}
	}
	return sum;
}

/* The share of n's cover that goes to one child; halves where nothing came. */
static double share(const struct tree *t, const struct node *n, int32_t child)
{
	return n->cover > 0 ? (double)t->nodes[child].cover / (double)n->cover : 0.5;
}

static void leaf(const struct walk *w, const struct node *n, const struct step *p,
		 size_t last)
{
	for (size_t i = 1; i <= last; i++)
		w->phi[p[i].feature] +=
			unwound(p, last, i) * (p[i].one - p[i].zero) * n->value;
}

/* parent: the path above, of nr steps; the node's own path lies behind it. */
static void visit(const struct walk *w, int32_t at, struct step *parent, size_t nr,
		  struct step s)
{
	const struct node *n = &w->tree->nodes[at];
	struct step *p = parent + nr;
	struct step next = {.feature = n->feature, .zero = 1, .one = 1};
	size_t last = nr;
	int32_t hot, cold;

	/* No subset brings the row here: all weights would be 0. */
	if (s.zero == 0 && s.one == 0)
		return;
	memcpy(p, parent, nr * sizeof(*p));
	extend(p, nr, s);
	if (n->left < 0) {
		leaf(w, n, p, last);
		return;
	}
	hot = tree_goes_left(w->tree, n, w->t, w->row) ? n->left : n->right;
	cold = hot == n->left ? n->right : n->left;
	for (size_t i = 1; i <= last; i++) {
		if (p[i].feature != n->feature)
			continue;
		next.zero = p[i].zero;
		next.one = p[i].one;
		unwind(p, last, i);
		last--;
		break;
	}
	s = next;
	s.zero = next.zero * share(w->tree, n, hot);
	visit(w, hot, p, last + 1, s);
	s.zero = next.zero * share(w->tree, n, cold);
	s.one = 0;
	visit(w, cold, p, last + 1, s);
}

/* The mean of the leaves by cover, children before their parents. */
static double expectation(const struct tree *t, double *mean)
{
	for (size_t i = t->nr; i-- > 0;) {
		const struct node *n = &t->nodes[i];

		mean[i] = n->left < 0 ? n->value
				      : mean[n->left] * share(t, n, n->left) +
						mean[n->right] * share(t, n, n->right);
	}
	return mean[0];
}

static size_t depth_of(const struct tree *t)
{
	size_t *depth = xcalloc(t->nr + 1, sizeof(*depth)), max = 0;

	for (size_t i = 1; i < t->nr; i++) {
		depth[i] = depth[t->nodes[i].parent] + 1;
		max = depth[i] > max ? depth[i] : max;
	}
	free(depth);
	return max;
}

struct model_shap {
	const struct model *m;
	double *expected; /* of each tree */
	size_t depth;
};

void model_shap_free(struct model_shap *s)
{
	if (!s)
		return;
	free(s->expected);
	free(s);
}

int model_shap_new(struct model_shap **out, const struct model *m, struct err *e)
{
	struct model_shap *s;
	size_t nodes = 1;
	double *mean;

	if (m->type != MODEL_GBT)
		return err_set(e, ERR_UNSUPPORTED,
			       "contributions are of trees, not of a linear model");
	s = xcalloc(1, sizeof(*s));
	s->m = m;
	s->expected = xcalloc(m->trees_nr + 1, sizeof(*s->expected));
	for (size_t i = 0; i < m->trees_nr; i++) {
		size_t depth = depth_of(&m->trees[i]);

		s->depth = depth > s->depth ? depth : s->depth;
		nodes = m->trees[i].nr > nodes ? m->trees[i].nr : nodes;
	}
	if (s->depth > DEPTH_MAX) {
		int r = err_set(e, ERR_UNSUPPORTED,
				"contributions of a tree of depth %zu, at most %d",
				s->depth, DEPTH_MAX);

		model_shap_free(s);
		return r;
	}
	mean = xcalloc(nodes, sizeof(*mean));
	for (size_t i = 0; i < m->trees_nr; i++)
		s->expected[i] = expectation(&m->trees[i], mean);
	free(mean);
	*out = s;
	return 0;
}

void model_shap_row(const struct model_shap *s, const struct table *t, size_t row,
		    double *out)
{
	const struct model *m = s->m;
	size_t width = m->features_nr + 1;
	/* Paths of 1, 2, ... depth + 2 steps, one behind the other. */
	struct step *path =
		xcalloc((s->depth + 3) * (s->depth + 4) / 2 + 1, sizeof(*path));

	memset(out, 0, width * m->outputs * sizeof(*out));
	for (size_t k = 0; k < m->outputs; k++)
		out[k * width + m->features_nr] = m->base[k];
	for (size_t i = 0; i < m->trees_nr; i++) {
		double *phi = out + i % m->outputs * width;
		struct walk w = {&m->trees[i], t, row, phi};

		phi[m->features_nr] += s->expected[i];
		visit(&w, 0, path, 0,
		      (struct step){.feature = UINT32_MAX, .zero = 1, .one = 1});
	}
	free(path);
}
