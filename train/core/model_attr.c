/*
 * What a model is beyond XGBoost's document lies in the document's attributes,
 * strings that XGBoost keeps and passes by. Numbers in them are shortest decimals,
 * lists are JSON, so that equal models have equal attributes.
 */
#include "train/core/model_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/fmt/json.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/number.h"
#include "store/fmt/value.h"

#define ATTR_BASE	"lode.base"
#define ATTR_CATEGORIES "lode.categories"
#define ATTR_CLASSES	"lode.classes"
#define ATTR_GRID	"lode.grid"
#define ATTR_MODEL	"lode.model"
#define ATTR_OBJECTIVE	"lode.objective"
#define ATTR_TARGET	"lode.target"
#define ATTR_VALUES	"lode.values"

/* ---- trees as others see them ------------------------------------------------ */

static struct node one_leaf = {.left = -1, .right = -1, .parent = -1};
static const struct tree one_leaf_tree = {.nodes = &one_leaf, .nr = 1};

size_t model_trees(const struct model *m)
{
	return m->trees_nr ? m->trees_nr : m->outputs;
}

const struct tree *model_tree(const struct model *m, size_t i)
{
	return m->trees_nr ? &m->trees[i] : &one_leaf_tree;
}

double model_leaf(const struct model *m, size_t i, const struct node *n)
{
	return i < m->outputs && m->base ? m->base[i] + n->value : n->value;
}

bool model_is_binary32(const struct model *m)
{
	for (size_t i = 0; i < model_trees(m); i++) {
		const struct tree *tree = model_tree(m, i);

		for (size_t j = 0; j < tree->nr; j++) {
			double v = model_leaf(m, i, &tree->nodes[j]);

			if (tree->nodes[j].left < 0 && (double)(float)v != v)
				return false;
		}
	}
	return true;
}

/* Is the base found again, by subtraction, in every leaf that it was added to? */
static bool base_comes_back(const struct model *m)
{
	bool any = false;

	for (size_t i = 0; i < m->outputs; i++) {
		const struct tree *tree = model_tree(m, i);

		any = any || m->base[i] != 0;
		for (size_t j = 0; j < tree->nr; j++) {
			const struct node *n = &tree->nodes[j];

			if (n->left < 0 && model_leaf(m, i, n) - m->base[i] != n->value)
				return false;
		}
	}
	return any;
}

/* ---- out -------------------------------------------------------------------- */

static void compact(struct jsonw *w, struct buf *out)
{
	buf_reset(out);
	jsonw_init(w, out, 0);
	w->compact = true;
	w->utf8 = true;
}

static void names_attribute(struct model *holder, const char *name, char *const *v,
			    size_t nr)
{
	struct buf text = {0};
	struct jsonw w;

	compact(&w, &text);
	jsonw_array(&w);
	for (size_t i = 0; i < nr; i++)
		jsonw_str(&w, v[i]);
	jsonw_end(&w);
	model_attribute_set(holder, name, buf_str(&text));
	buf_release(&text);
}

static void base_attribute(struct model *holder, const struct model *m)
{
	struct buf text = {0};
	struct jsonw w;

	compact(&w, &text);
	jsonw_array(&w);
	for (size_t k = 0; k < m->outputs; k++)
		jsonw_float(&w, m->base[k]);
	jsonw_end(&w);
	model_attribute_set(holder, ATTR_BASE, buf_str(&text));
	buf_release(&text);
}

/* A list of names for each categorical feature, in order. */
static void categories_attribute(struct model *holder, const struct model *m)
{
	struct buf text = {0};
	struct jsonw w;
	bool any = false;

	compact(&w, &text);
	jsonw_array(&w);
	for (size_t i = 0; i < m->features_nr; i++) {
		const struct feature *f = &m->features[i];

		if (f->kind != FEATURE_CATEGORICAL)
			continue;
		any = true;
		jsonw_array(&w);
		for (size_t j = 0; j < f->cats_nr; j++)
			jsonw_str(&w, f->cats[j]);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	if (any)
		model_attribute_set(holder, ATTR_CATEGORIES, buf_str(&text));
	buf_release(&text);
}

static void objective_attribute(struct model *holder, const struct model *m)
{
	struct buf text = {0};
	struct jsonw w;

	compact(&w, &text);
	jsonw_object(&w);
	jsonw_key(&w, "name");
	jsonw_str(&w, objective_name(m->objective));
	jsonw_key(&w, "arg");
	jsonw_float(&w, m->objective_arg);
	jsonw_key(&w, "scale_pos_weight");
	jsonw_float(&w, m->scale_pos_weight);
	jsonw_end(&w);
	model_attribute_set(holder, ATTR_OBJECTIVE, buf_str(&text));
	buf_release(&text);
}

void model_all_attributes(struct model *holder, const struct model *m)
{
	char grid[16];

	for (size_t i = 0; i < m->attributes_nr; i++)
		model_attribute_set(holder, m->attributes[i].name,
				    m->attributes[i].value);
	if (m->base && base_comes_back(m))
		base_attribute(holder, m);
	categories_attribute(holder, m);
	if (m->classes)
		names_attribute(holder, ATTR_CLASSES, m->classes, m->classes_nr);
	IGNORE_RESULT(snprintf(grid, sizeof(grid), "%d", m->grid_bits) < 0);
	model_attribute_set(holder, ATTR_GRID, m->grid_bits == -2 ? "off" : grid);
	model_attribute_set(holder, ATTR_MODEL, "1");
	objective_attribute(holder, m);
	if (m->target)
		model_attribute_set(holder, ATTR_TARGET, m->target);
	if (!model_is_binary32(m))
		model_attribute_set(holder, ATTR_VALUES, "binary64");
}

/* ---- back ------------------------------------------------------------------- */

static int corrupt(const char *name, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "attribute '%s': %s", name, what);
}

/* A name of our own kind: text without a NUL in it. */
static int take_name(char **out, const struct value *v, const char *attr, struct err *e)
{
	if (!value_is(v, VALUE_STR))
		return corrupt(attr, "a string was expected", e);
	if (memchr(v->text.p, '\0', v->text.n))
		return corrupt(attr, "a NUL in a name", e);
	*out = xmemdup0(v->text.p, v->text.n);
	return 0;
}

static int take_names(char ***out, size_t *out_nr, const struct value *list,
		      const char *attr, struct err *e)
{
	int r = 0;

	if (!value_is(list, VALUE_LIST))
		return corrupt(attr, "a list of strings was expected", e);
	*out = xcalloc(list->nr ? list->nr : 1, sizeof(**out));
	for (*out_nr = 0; *out_nr < list->nr; (*out_nr)++)
		if ((r = take_name(&(*out)[*out_nr], list->items[*out_nr], attr, e)) < 0)
			break;
	return r;
}

static int take_categories(struct model *m, const struct value *v, struct err *e)
{
	size_t at = 0;
	int r;

	if (!value_is(v, VALUE_LIST))
		return corrupt(ATTR_CATEGORIES, "a list was expected", e);
	for (size_t i = 0; i < m->features_nr; i++) {
		struct feature *f = &m->features[i];

		if (f->kind != FEATURE_CATEGORICAL)
			continue;
		r = take_names(&f->cats, &f->cats_nr, value_at(v, at++), ATTR_CATEGORIES,
			       e);
		if (r < 0)
			return r;
	}
	if (at != v->nr)
		return corrupt(ATTR_CATEGORIES, "more lists than categorical features",
			       e);
	return 0;
}

static int take_float(double *out, const struct value *v, const char *attr, struct err *e)
{
	if (!(value_is(v, VALUE_FLOAT) || value_is(v, VALUE_INT)) || !isfinite(v->f))
		return corrupt(attr, "a finite number was expected", e);
	*out = v->f;
	return 0;
}

static int take_base(struct model *m, double **base, const struct value *v, struct err *e)
{
	int r = 0;

	if (!value_is(v, VALUE_LIST) || v->nr != m->outputs)
		return corrupt(ATTR_BASE, "a number for each output was expected", e);
	*base = xcalloc(v->nr, sizeof(**base));
	for (size_t k = 0; r == 0 && k < v->nr; k++)
		r = take_float(&(*base)[k], v->items[k], ATTR_BASE, e);
	return r;
}

static int take_objective(struct model *m, const struct value *v, struct err *e)
{
	const char *name = value_text(value_get(v, "name"), "");
	enum objective o = objective_by_name(name);
	bool multi = o == OBJ_SOFTMAX || o == OBJ_OVA;
	int r;

	if (o == OBJ_NR)
		return err_set(e, ERR_UNSUPPORTED, "attribute '%s': objective '%.100s'",
			       ATTR_OBJECTIVE, name);
	if (strcmp(model_objective_xgboost(o), model_objective_xgboost(m->objective)) !=
		    0 ||
	    (!multi && m->outputs != 1))
		return corrupt(ATTR_OBJECTIVE, "not the objective of the document", e);
	if ((r = take_float(&m->objective_arg, value_get(v, "arg"), ATTR_OBJECTIVE, e)) <
		    0 ||
	    (r = take_float(&m->scale_pos_weight, value_get(v, "scale_pos_weight"),
			    ATTR_OBJECTIVE, e)) < 0)
		return r;
	m->objective = o;
	return 0;
}

static int take_grid(struct model *m, const char *text, struct err *e)
{
	int64_t bits;

	if (strcmp(text, "off") == 0) {
		m->grid_bits = -2;
		return 0;
	}
	if (!parse_i64(slice_of(text), &bits) || bits < -1000 || bits > 1000 ||
	    bits == -2)
		return corrupt(ATTR_GRID, "neither 'off' nor an exponent", e);
	m->grid_bits = (int)bits;
	return 0;
}

static void attribute_drop(struct model *m, const char *name)
{
	for (size_t i = 0; i < m->attributes_nr; i++) {
		if (strcmp(m->attributes[i].name, name) != 0)
			continue;
		free(m->attributes[i].name);
		free(m->attributes[i].value);
		m->attributes_nr--;
		memmove(&m->attributes[i], &m->attributes[i + 1],
			(m->attributes_nr - i) * sizeof(*m->attributes));
		return;
	}
}

/* The attributes that are JSON. */
static int take_json(struct model *m, const char *name, double **base, struct err *e)
{
	const char *text = model_attribute(m, name);
	struct arena a = {0};
	struct value *v;
	int r;

	if (!text)
		return 0;
	if ((r = json_read(slice_of(text), name, &a, &v, e)) < 0)
		goto out;
	if (strcmp(name, ATTR_CATEGORIES) == 0)
		r = take_categories(m, v, e);
	else if (strcmp(name, ATTR_CLASSES) == 0)
		r = take_names(&m->classes, &m->classes_nr, v, name, e);
	else if (strcmp(name, ATTR_OBJECTIVE) == 0)
		r = take_objective(m, v, e);
	else
		r = take_base(m, base, v, e);
out:
	arena_release(&a);
	return r;
}

int model_take_attributes(struct model *m, bool *values64, double **base, struct err *e)
{
	static const char *const names[] = {ATTR_OBJECTIVE, ATTR_CATEGORIES, ATTR_CLASSES,
					    ATTR_BASE};
	const char *text;
	int r;

	m->scale_pos_weight = 1;
	m->grid_bits = -2;
	if ((text = model_attribute(m, ATTR_MODEL)) && strcmp(text, "1") != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "model version '%.100s', made by "
			       "a newer program",
			       text);
	if ((text = model_attribute(m, ATTR_GRID)) && (r = take_grid(m, text, e)) < 0)
		return r;
	if ((text = model_attribute(m, ATTR_TARGET)))
		m->target = xstrdup(text);
	if ((text = model_attribute(m, ATTR_VALUES))) {
		if (strcmp(text, "binary64") != 0)
			return corrupt(ATTR_VALUES, "is not 'binary64'", e);
		*values64 = true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if ((r = take_json(m, names[i], base, e)) < 0)
			return r;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		attribute_drop(m, names[i]);
	attribute_drop(m, ATTR_GRID);
	attribute_drop(m, ATTR_MODEL);
	attribute_drop(m, ATTR_TARGET);
	attribute_drop(m, ATTR_VALUES);
	return 0;
}
