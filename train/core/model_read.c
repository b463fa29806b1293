/*
 * The reader of models: ours, and XGBoost's where they hold what we can say. What a
 * document says of its own sizes is compared with what is there; nothing is allocated
 * by a number alone.
 */
#include "train/core/model_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/fmt/jsonp.h"
#include "store/fmt/number.h"
#include "train/core/model_impl.h"

enum {
	KEY_MAX = 40, /* a longer key is none that we know */
	ATTRIBUTES_MAX = 4096
};

struct reader {
	struct jsonp p;
	struct jsonp_token t; /* the current value's first */
	char key[KEY_MAX];
	struct err *e;
	/* what was found */
	struct model m;
	VEC_OF(struct tree) trees;
	struct numbers tree_info;
	struct tree_parts parts;
	struct strvec names, types;
	char *objective;
	double base_score;
	uint64_t num_class, num_feature, num_trees;
	bool has_trees, has_num_feature, has_num_trees;
};

typedef int member_fn(struct reader *rd);

static int corrupt(struct reader *rd, const char *what)
{
	return err_set(rd->e, ERR_CORRUPT, "at byte %zu, '%s': %s", rd->t.at, rd->key,
		       what);
}

static int next(struct reader *rd)
{
	return jsonp_next(&rd->p, &rd->t, rd->e);
}

/* Each member of the object that rd->t begins: fn finds its key in rd->key and the
 * first token of its value in rd->t, and reads it to its end. */
static int object(struct reader *rd, member_fn *fn)
{
	int r;

	if (rd->t.type != JSONP_OBJECT)
		return corrupt(rd, "an object was expected");
	for (;;) {
		if ((r = next(rd)) < 0)
			return r;
		if (rd->t.type == JSONP_OBJECT_END)
			return 0;
		rd->key[0] = '\0';
		if (rd->t.text.n < KEY_MAX && !memchr(rd->t.text.p, '\0', rd->t.text.n)) {
			memcpy(rd->key, rd->t.text.p, rd->t.text.n);
			rd->key[rd->t.text.n] = '\0';
		}
		if ((r = next(rd)) < 0 || (r = fn(rd)) < 0)
			return r;
	}
}

static int skip(struct reader *rd)
{
	return jsonp_skip(&rd->p, &rd->t, rd->e);
}

static bool is_key(const struct reader *rd, const char *name)
{
	return strcmp(rd->key, name) == 0;
}

/* A string without NUL, the caller's. */
static int string(struct reader *rd, char **out)
{
	if (rd->t.type != JSONP_STR)
		return corrupt(rd, "a string was expected");
	if (memchr(rd->t.text.p, '\0', rd->t.text.n))
		return corrupt(rd, "a NUL in a name");
	*out = xmemdup0(rd->t.text.p, rd->t.text.n);
	return 0;
}

/* XGBoost keeps its numbers in strings here. */
static int count(struct reader *rd, uint64_t *out)
{
	if ((rd->t.type != JSONP_STR && rd->t.type != JSONP_NUMBER) ||
	    !parse_u64(rd->t.text, out))
		return corrupt(rd, "a count was expected");
	return 0;
}

static int strings(struct reader *rd, struct strvec *out)
{
	char *s = NULL;
	int r;

	strvec_release(out);
	if (rd->t.type != JSONP_ARRAY)
		return corrupt(rd, "a list was expected");
	for (;;) {
		if ((r = next(rd)) < 0)
			return r;
		if (rd->t.type == JSONP_ARRAY_END)
			return 0;
		if ((r = string(rd, &s)) < 0)
			return r;
		strvec_take(out, s);
	}
}

static int numbers(struct reader *rd, struct numbers *out)
{
	double v;
	int r;

	out->nr = 0;
	if (rd->t.type != JSONP_ARRAY)
		return corrupt(rd, "a list was expected");
	for (;;) {
		if ((r = next(rd)) < 0)
			return r;
		if (rd->t.type == JSONP_ARRAY_END)
			return 0;
		/* Newer writers have true and false in default_left. */
		if (rd->t.type == JSONP_TRUE || rd->t.type == JSONP_FALSE)
			v = rd->t.type == JSONP_TRUE;
		else if (rd->t.type != JSONP_NUMBER || !number_read(rd->t.text, &v))
			return corrupt(rd, "a number was expected");
		vec_push(out, v);
	}
}

/* ---- members ------------------------------------------------------------------ */

static int in_tree_param(struct reader *rd)
{
	uint64_t v;
	int r;

	if (is_key(rd, "num_nodes")) {
		if ((r = count(rd, &v)) < 0)
			return r;
		rd->parts.nodes_nr = v;
		rd->parts.has_nodes_nr = true;
		return 0;
	}
	if (is_key(rd, "size_leaf_vector")) {
		if ((r = count(rd, &v)) < 0)
			return r;
		if (v > 1)
			return err_set(rd->e, ERR_UNSUPPORTED, "leaves with vectors");
		return 0;
	}
	return skip(rd);
}

static int in_tree(struct reader *rd)
{
	if (is_key(rd, "tree_param"))
		return object(rd, in_tree_param);
	for (size_t i = 0; i < TREE_ARRAYS_NR; i++)
		if (is_key(rd, tree_array_names[i]))
			return numbers(rd, &rd->parts.array[i]);
	return skip(rd);
}

static int in_trees(struct reader *rd)
{
	struct tree tree = {0};
	int r;

	if (rd->t.type != JSONP_ARRAY)
		return corrupt(rd, "a list was expected");
	if (rd->has_trees)
		return corrupt(rd, "given twice");
	rd->has_trees = true;
	for (;;) {
		if ((r = next(rd)) < 0)
			return r;
		if (rd->t.type == JSONP_ARRAY_END)
			return 0;
		tree_parts_reset(&rd->parts);
		if ((r = object(rd, in_tree)) < 0)
			return r;
		if ((r = tree_build(&tree, &rd->parts, rd->e)) < 0)
			return err_ctx(rd->e, r, "tree %zu", rd->trees.nr);
		vec_push(&rd->trees, tree);
	}
}

static int in_gbtree_param(struct reader *rd)
{
	uint64_t v;
	int r;

	if (is_key(rd, "num_trees")) {
		rd->has_num_trees = true;
		return count(rd, &rd->num_trees);
	}
	if (is_key(rd, "size_leaf_vector")) {
		if ((r = count(rd, &v)) < 0)
			return r;
		if (v > 1)
			return err_set(rd->e, ERR_UNSUPPORTED, "leaves with vectors");
		return 0;
	}
	return skip(rd);
}

static int in_booster_model(struct reader *rd)
{
	if (is_key(rd, "gbtree_model_param"))
		return object(rd, in_gbtree_param);
	if (is_key(rd, "tree_info"))
		return numbers(rd, &rd->tree_info);
	if (is_key(rd, "trees"))
		return in_trees(rd);
	return skip(rd);
}

static int in_booster(struct reader *rd)
{
	char *name = NULL;
	int r;

	if (is_key(rd, "model"))
		return object(rd, in_booster_model);
	if (!is_key(rd, "name"))
		return skip(rd);
	r = string(rd, &name);
	if (r == 0 && name && strcmp(name, "gbtree") != 0)
		r = err_set(rd->e, ERR_UNSUPPORTED,
			    "booster '%.100s': only gbtree is read", name);
	free(name);
	return r;
}

static int in_objective(struct reader *rd)
{
	if (!is_key(rd, "name"))
		return skip(rd);
	free(rd->objective);
	rd->objective = NULL;
	return string(rd, &rd->objective);
}

/* "5E-1"; version 3 writes "[5E-1]", or one for each output. */
static int base_score(struct reader *rd)
{
	struct slice s = rd->t.text;
	double v;

	if (rd->t.type != JSONP_STR && rd->t.type != JSONP_NUMBER)
		return corrupt(rd, "a number was expected");
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct slice){s.p + 1, s.n - 2};
	if (memchr(s.p, ',', s.n))
		return err_set(rd->e, ERR_UNSUPPORTED, "a base score for each output");
	if (!number_read(s, &v) || !isfinite(v))
		return corrupt(rd, "a number was expected");
	rd->base_score = v;
	return 0;
}

static int in_learner_param(struct reader *rd)
{
	uint64_t v;
	int r;

	if (is_key(rd, "base_score"))
		return base_score(rd);
	if (is_key(rd, "num_class"))
		return count(rd, &rd->num_class);
	if (is_key(rd, "num_feature")) {
		rd->has_num_feature = true;
		return count(rd, &rd->num_feature);
	}
	if (is_key(rd, "num_target")) {
		if ((r = count(rd, &v)) < 0)
			return r;
		if (v > 1)
			return err_set(rd->e, ERR_UNSUPPORTED, "several targets");
		return 0;
	}
	return skip(rd);
}

/* Any key, of any length; a later one wins. */
static int attributes(struct reader *rd)
{
	char *name = NULL, *value = NULL;
	int r;

	if (rd->t.type != JSONP_OBJECT)
		return corrupt(rd, "an object was expected");
	for (;;) {
		if ((r = next(rd)) < 0 || rd->t.type == JSONP_OBJECT_END)
			break;
		if (memchr(rd->t.text.p, '\0', rd->t.text.n)) {
			r = corrupt(rd, "a NUL in a name");
			break;
		}
		/* Each is put into its place in order. */
		if (rd->m.attributes_nr == ATTRIBUTES_MAX) {
			r = err_set(rd->e, ERR_CORRUPT, "more than %d attributes",
				    ATTRIBUTES_MAX);
			break;
		}
		name = xmemdup0(rd->t.text.p, rd->t.text.n);
		if ((r = next(rd)) < 0 || (r = string(rd, &value)) < 0)
			break;
		model_attribute_set(&rd->m, name, value);
		free(name);
		free(value);
		name = value = NULL;
	}
	free(name);
	free(value);
	return r;
}

static int in_learner(struct reader *rd)
{
	if (is_key(rd, "learner_model_param"))
		return object(rd, in_learner_param);
	if (is_key(rd, "objective"))
		return object(rd, in_objective);
	if (is_key(rd, "gradient_booster"))
		return object(rd, in_booster);
	if (is_key(rd, "feature_names"))
		return strings(rd, &rd->names);
	if (is_key(rd, "feature_types"))
		return strings(rd, &rd->types);
	if (is_key(rd, "attributes"))
		return attributes(rd);
	return skip(rd);
}

static int in_document(struct reader *rd)
{
	return is_key(rd, "learner") ? object(rd, in_learner) : skip(rd);
}

/* ---- putting it together -------------------------------------------------------- */

static int take_objective(struct reader *rd)
{
	static const struct {
		const char *name;
		enum objective o;
	} extra[] = {{"reg:linear", OBJ_L2},	      {"reg:squarederror", OBJ_L2},
		     {"reg:logistic", OBJ_BINARY},    {"multi:softmax", OBJ_SOFTMAX},
		     {"multi:softprob", OBJ_SOFTMAX}, {"rank:pairwise", OBJ_LAMBDARANK}};

	if (!rd->objective)
		return err_set(rd->e, ERR_CORRUPT, "no objective");
	for (size_t i = 0; i < ARRAY_SIZE(extra); i++)
		if (strcmp(rd->objective, extra[i].name) == 0) {
			rd->m.objective = extra[i].o;
			return 0;
		}
	for (int o = 0; o < OBJ_NR; o++)
		if (strcmp(rd->objective, model_objective_xgboost((enum objective)o)) ==
		    0) {
			rd->m.objective = (enum objective)o;
			return 0;
		}
	return err_set(rd->e, ERR_UNSUPPORTED, "objective '%.100s'", rd->objective);
}

static int take_features(struct reader *rd)
{
	struct model *m = &rd->m;
	size_t nr = rd->names.nr;

	if (rd->has_num_feature && nr && rd->num_feature != nr)
		return err_set(rd->e, ERR_CORRUPT,
			       "num_feature is %llu, feature_names has %zu",
			       (unsigned long long)rd->num_feature, nr);
	if (!nr && rd->has_num_feature) {
		if (rd->num_feature > MODEL_NAMELESS_MAX)
			return err_set(rd->e, ERR_UNSUPPORTED,
				       "%llu features without names, at most %d",
				       (unsigned long long)rd->num_feature,
				       MODEL_NAMELESS_MAX);
		nr = rd->num_feature;
	}
	if (rd->types.nr && rd->types.nr != nr)
		return err_set(rd->e, ERR_CORRUPT, "feature_types has %zu of %zu",
			       rd->types.nr, nr);
	m->features = xcalloc(nr ? nr : 1, sizeof(*m->features));
	m->features_nr = nr;
	for (size_t i = 0; i < nr; i++) {
		struct feature *f = &m->features[i];
		const char *type = rd->types.nr ? rd->types.v[i] : "float";

		f->name = rd->names.nr ? xstrdup(rd->names.v[i]) : xasprintf("f%zu", i);
		f->kind = strcmp(type, "c") == 0 ? FEATURE_CATEGORICAL : FEATURE_NUMERIC;
		f->integer = strcmp(type, "int") == 0;
	}
	return 0;
}

/* Splits and features fit each other, and codes their dictionaries. */
static int check_nodes(struct reader *rd, const struct tree *tree, size_t index)
{
	for (size_t i = 0; i < tree->nr; i++) {
		const struct node *n = &tree->nodes[i];
		const struct feature *f;

		if (n->left < 0)
			continue;
		if (n->feature >= rd->m.features_nr)
			return err_set(rd->e, ERR_CORRUPT,
				       "tree %zu, node %zu: feature %u of %zu", index, i,
				       n->feature, rd->m.features_nr);
		f = &rd->m.features[n->feature];
		if (n->categorical != (f->kind == FEATURE_CATEGORICAL))
			return err_set(rd->e, ERR_CORRUPT,
				       "tree %zu, node %zu: a split of the other kind",
				       index, i);
		if (n->categorical && n->set_nr > 0 &&
		    tree->sets[n->set + n->set_nr - 1] >= f->cats_nr)
			return err_set(rd->e, ERR_CORRUPT,
				       "tree %zu, node %zu: category %u of %zu", index, i,
				       tree->sets[n->set + n->set_nr - 1], f->cats_nr);
	}
	return 0;
}

static int take_trees(struct reader *rd)
{
	struct model *m = &rd->m;

	if (rd->has_num_trees && rd->num_trees != rd->trees.nr)
		return err_set(rd->e, ERR_CORRUPT, "num_trees is %llu, there are %zu",
			       (unsigned long long)rd->num_trees, rd->trees.nr);
	if (rd->num_class > rd->trees.nr)
		return err_set(rd->e, ERR_CORRUPT, "fewer trees than classes");
	m->outputs = rd->num_class > 1 ? (unsigned)rd->num_class : 1;
	if (rd->trees.nr == 0)
		return err_set(rd->e, ERR_CORRUPT, "no trees");
	if (m->outputs > 1 && m->objective != OBJ_SOFTMAX)
		return err_set(rd->e, ERR_CORRUPT, "classes, but objective '%.100s'",
			       rd->objective);
	if (m->outputs > 1 && rd->tree_info.nr != rd->trees.nr)
		return err_set(rd->e, ERR_CORRUPT,
			       "tree_info has %zu entries for %zu trees",
			       rd->tree_info.nr, rd->trees.nr);
	for (size_t i = 0; i < rd->tree_info.nr; i++)
		if (rd->tree_info.v[i] != (double)(i % m->outputs))
			return err_set(
				rd->e, ERR_UNSUPPORTED,
				"tree_info: trees are not dealt to classes in turn");
	m->trees = rd->trees.v;
	m->trees_nr = rd->trees.nr;
	rd->trees.v = NULL;
	rd->trees.nr = rd->trees.cap = 0;
	return 0;
}

/* The margin that base_score stands for. */
static int take_base(struct reader *rd, const double *given)
{
	struct model *m = &rd->m;
	double v = rd->base_score;

	m->base = xcalloc(m->outputs, sizeof(*m->base));
	if (given) {
		memcpy(m->base, given, m->outputs * sizeof(*m->base));
		return 0;
	}
	if (m->objective == OBJ_BINARY) {
		if (v <= 0 || v >= 1)
			return err_set(rd->e, ERR_CORRUPT,
				       "base_score is no probability");
		v = v == 0.5 ? 0 : log(v / (1 - v));
	} else if (m->objective == OBJ_POISSON || m->objective == OBJ_GAMMA ||
		   m->objective == OBJ_TWEEDIE) {
		if (v <= 0)
			return err_set(rd->e, ERR_CORRUPT, "base_score is not positive");
		v = v == 1 ? 0 : log(v);
	}
	for (size_t k = 0; k < m->outputs; k++)
		m->base[k] = v;
	return 0;
}

/* Leaves as numbers of their width, and the base out of them again. */
static int take_values(struct reader *rd, bool values64, const double *base)
{
	struct model *m = &rd->m;

	for (size_t i = 0; i < m->trees_nr; i++) {
		struct tree *tree = &m->trees[i];

		for (size_t j = 0; j < tree->nr; j++) {
			struct node *n = &tree->nodes[j];

			if (n->left >= 0)
				continue;
			if (!values64)
				n->value = (double)(float)n->value;
			if (!isfinite(n->value))
				return err_set(
					rd->e, ERR_CORRUPT,
					"tree %zu, node %zu: a value past binary32", i,
					j);
			if (base && i < m->outputs) {
				double v = n->value - base[i];

				if (base[i] + v != n->value)
					return err_set(rd->e, ERR_CORRUPT,
						       "tree %zu, node %zu: the base is "
						       "not in it",
						       i, j);
				n->value = v;
			}
		}
	}
	return 0;
}

static int codes_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

typedef VEC_OF(uint64_t) codes_vec;

/* Every code in a set, its feature above it, or each turned into what code() says. */
static void each_code(struct model *m, codes_vec *out, const codes_vec *sorted,
		      const size_t *begin)
{
	for (size_t i = 0; i < m->trees_nr; i++) {
		const struct tree *tree = &m->trees[i];

		for (size_t j = 0; j < tree->nr; j++) {
			const struct node *n = &tree->nodes[j];

			if (!n->categorical || n->feature >= m->features_nr)
				continue;
			for (uint32_t k = 0; k < n->set_nr; k++) {
				uint32_t *code = &tree->sets[n->set + k];
				uint64_t key = (uint64_t)n->feature << 32 | *code;
				const uint64_t *at;

				if (out) {
					vec_push(out, key);
					continue;
				}
				at = bsearch(&key, sorted->v, sorted->nr, sizeof(key),
					     codes_cmp);
				*code = (uint32_t)((size_t)(at - sorted->v) -
						   begin[n->feature]);
			}
		}
	}
}

/*
 * Of a model that is not ours: a category is its number, and only those in sets are
 * known; all others go the way of the unseen, as there. Codes become places in that
 * dictionary, which ascends as they do.
 */
static void foreign_categories(struct model *m)
{
	codes_vec codes = {0};
	size_t *begin, nr = 0, at = 0;

	each_code(m, &codes, NULL, NULL);
	if (codes.nr == 0)
		return;
	qsort(codes.v, codes.nr, sizeof(*codes.v), codes_cmp);
	for (size_t i = 0; i < codes.nr; i++)
		if (nr == 0 || codes.v[nr - 1] != codes.v[i])
			codes.v[nr++] = codes.v[i];
	codes.nr = nr;
	begin = xcalloc(m->features_nr, sizeof(*begin));
	for (size_t i = 0; i < m->features_nr; i++) {
		struct feature *f = &m->features[i];

		begin[i] = at;
		while (at < nr && codes.v[at] >> 32 == i)
			at++;
		if (f->kind != FEATURE_CATEGORICAL || at == begin[i])
			continue;
		f->cats = xcalloc(at - begin[i], sizeof(*f->cats));
		f->cats_nr = at - begin[i];
		for (size_t j = 0; j < f->cats_nr; j++)
			f->cats[j] = xasprintf("%u", (uint32_t)codes.v[begin[i] + j]);
	}
	each_code(m, NULL, &codes, begin);
	free(begin);
	vec_release(&codes);
}

static int finish(struct reader *rd)
{
	bool values64 = false, ours;
	struct model *m = &rd->m;
	double *base = NULL;
	int r;

	ours = model_attribute(m, "lode.model") || model_attribute(m, "lode.categories");
	if ((r = take_objective(rd)) < 0 || (r = take_features(rd)) < 0 ||
	    (r = take_trees(rd)) < 0 ||
	    (r = model_take_attributes(m, &values64, &base, rd->e)) < 0)
		goto out;
	if (m->classes && m->classes_nr != m->outputs &&
	    !(m->outputs == 1 && m->classes_nr == 2)) {
		r = err_set(rd->e, ERR_CORRUPT, "%zu classes for %u outputs",
			    m->classes_nr, m->outputs);
		goto out;
	}
	if (!ours)
		foreign_categories(m);
	for (size_t i = 0; i < m->trees_nr; i++)
		if ((r = check_nodes(rd, &m->trees[i], i)) < 0)
			goto out;
	if ((r = take_base(rd, base)) == 0)
		r = take_values(rd, values64, base);
out:
	free(base);
	return r;
}

static void reader_release(struct reader *rd)
{
	for (size_t i = 0; i < rd->trees.nr; i++) {
		free(rd->trees.v[i].nodes);
		free(rd->trees.v[i].sets);
	}
	vec_release(&rd->trees);
	vec_release(&rd->tree_info);
	tree_parts_release(&rd->parts);
	strvec_release(&rd->names);
	strvec_release(&rd->types);
	free(rd->objective);
	model_release(&rd->m);
	jsonp_release(&rd->p);
}

/* The linear form has its key first. */
static bool is_linear(struct slice text)
{
	struct slice head = slice_trim(text);

	if (head.n == 0 || head.p[0] != '{')
		return false;
	head = slice_trim((struct slice){head.p + 1, head.n - 1});
	return slice_starts(head, "\"" MODEL_LINEAR_KEY "\"");
}

int model_read(struct model *out, struct slice text, const char *name, struct err *e)
{
	struct reader rd = {.e = e};
	int r;

	if (is_linear(text))
		return model_linear_read(out, text, name, e);
	jsonp_init(&rd.p, text);
	if ((r = next(&rd)) < 0 || (r = object(&rd, in_document)) < 0 ||
	    (r = next(&rd)) < 0)
		goto out;
	if (!rd.has_trees) {
		r = err_set(e, ERR_CORRUPT, "no model of ours or of XGBoost's");
		goto out;
	}
	if ((r = finish(&rd)) < 0)
		goto out;
	*out = rd.m;
	rd.m = (struct model){0};
out:
	reader_release(&rd);
	return r < 0 ? err_ctx(e, r, "'%s'", name) : 0;
}
