/*
 * Linear models in a document of our own, since XGBoost's gblinear has neither a bias
 * for each output beside binary64 weights nor categories nor fills. docs/format/model.md.
 */
#include "train/core/model_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/err.h"
#include "store/fmt/json.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/number.h"
#include "store/fmt/value.h"

static void number(struct jsonw *w, double v)
{
	char text[NUMBER_MAX];

	jsonw_raw(w, (struct slice){text, number_json(text, v)});
}

static void key_text(struct jsonw *w, const char *key, const char *text)
{
	jsonw_key(w, key);
	jsonw_str(w, text);
}

static void features(struct jsonw *w, const struct model *m)
{
	jsonw_key(w, "features");
	jsonw_array(w);
	for (size_t i = 0; i < m->features_nr; i++) {
		const struct feature *f = &m->features[i];

		jsonw_object(w);
		key_text(w, "name", f->name);
		key_text(w, "type",
			 f->kind == FEATURE_CATEGORICAL ? "c"
			 : f->integer			? "int"
							: "float");
		if (f->kind == FEATURE_CATEGORICAL) {
			jsonw_key(w, "categories");
			jsonw_array(w);
			for (size_t j = 0; j < f->cats_nr; j++)
				jsonw_str(w, f->cats[j]);
			jsonw_end(w);
		} else {
			jsonw_key(w, "fill");
			number(w, m->fill[i]);
		}
		jsonw_end(w);
	}
	jsonw_end(w);
}

void model_linear_json(struct buf *out, const struct model *m)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	w.compact = true;
	w.utf8 = true;
	jsonw_object(&w);
	jsonw_key(&w, MODEL_LINEAR_KEY);
	jsonw_object(&w);
	jsonw_key(&w, "version");
	jsonw_int(&w, MODEL_VERSION);
	key_text(&w, "objective", objective_name(m->objective));
	jsonw_key(&w, "objective_arg");
	number(&w, m->objective_arg);
	key_text(&w, "target", m->target);
	jsonw_key(&w, "classes");
	if (m->classes) {
		jsonw_array(&w);
		for (size_t i = 0; i < m->classes_nr; i++)
			jsonw_str(&w, m->classes[i]);
		jsonw_end(&w);
	} else {
		jsonw_null(&w);
	}
	features(&w, m);
	jsonw_key(&w, "bias");
	jsonw_array(&w);
	for (size_t k = 0; k < m->outputs; k++)
		number(&w, m->bias[k]);
	jsonw_end(&w);
	jsonw_key(&w, "weights");
	jsonw_array(&w);
	for (size_t k = 0; k < m->outputs; k++) {
		jsonw_array(&w);
		for (size_t i = 0; i < m->weights_nr; i++)
			number(&w, m->weights[k * m->weights_nr + i]);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_key(&w, "attributes");
	jsonw_object(&w);
	for (size_t i = 0; i < m->attributes_nr; i++)
		key_text(&w, m->attributes[i].name, m->attributes[i].value);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
}

/* ---- reading ------------------------------------------------------------------ */

static int corrupt(const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s' is missing or no such thing", what);
}

static int take_number(double *out, const struct value *v, const char *what,
		       struct err *e)
{
	if (!(value_is(v, VALUE_FLOAT) || value_is(v, VALUE_INT)) || !isfinite(v->f))
		return err_set(e, ERR_CORRUPT, "'%s': a finite number was expected",
			       what);
	*out = v->f;
	return 0;
}

static int take_text(char **out, const struct value *v, const char *what, struct err *e)
{
	if (!value_is(v, VALUE_STR) || memchr(v->text.p, '\0', v->text.n))
		return corrupt(what, e);
	*out = xmemdup0(v->text.p, v->text.n);
	return 0;
}

static int take_texts(char ***out, size_t *nr, const struct value *v, const char *what,
		      struct err *e)
{
	int r = 0;

	if (!value_is(v, VALUE_LIST))
		return corrupt(what, e);
	*out = xcalloc(v->nr ? v->nr : 1, sizeof(**out));
	for (*nr = 0; r == 0 && *nr < v->nr;)
		if ((r = take_text(&(*out)[*nr], v->items[*nr], what, e)) == 0)
			(*nr)++;
	return r;
}

static int take_feature(struct feature *f, double *fill, size_t *inputs,
			const struct value *v, struct err *e)
{
	const char *type = value_text(value_get(v, "type"), "");
	int r;

	if ((r = take_text(&f->name, value_get(v, "name"), "name", e)) < 0)
		return r;
	f->integer = strcmp(type, "int") == 0;
	if (strcmp(type, "c") == 0) {
		f->kind = FEATURE_CATEGORICAL;
		r = take_texts(&f->cats, &f->cats_nr, value_get(v, "categories"),
			       "categories", e);
		*inputs += f->cats_nr;
		return r;
	}
	if (!f->integer && strcmp(type, "float") != 0)
		return corrupt("type", e);
	(*inputs)++;
	return take_number(fill, value_get(v, "fill"), "fill", e);
}

static int take_features(struct model *m, const struct value *v, struct err *e)
{
	int r = 0;

	if (!value_is(v, VALUE_LIST))
		return corrupt("features", e);
	m->features = xcalloc(v->nr ? v->nr : 1, sizeof(*m->features));
	m->fill = xcalloc(v->nr ? v->nr : 1, sizeof(*m->fill));
	m->features_nr = v->nr;
	for (size_t i = 0; r == 0 && i < v->nr; i++)
		r = take_feature(&m->features[i], &m->fill[i], &m->weights_nr,
				 v->items[i], e);
	return r;
}

static int take_weights(struct model *m, const struct value *bias,
			const struct value *weights, struct err *e)
{
	int r = 0;

	if (!value_is(bias, VALUE_LIST) || bias->nr == 0)
		return corrupt("bias", e);
	if (!value_is(weights, VALUE_LIST) || weights->nr != bias->nr)
		return corrupt("weights", e);
	for (size_t k = 0; k < weights->nr; k++)
		if (!value_is(weights->items[k], VALUE_LIST) ||
		    weights->items[k]->nr != m->weights_nr)
			return err_set(e, ERR_CORRUPT,
				       "'weights': %zu of output %zu, %zu inputs",
				       weights->items[k]->nr, k, m->weights_nr);
	m->outputs = (unsigned)bias->nr;
	m->bias = xcalloc(bias->nr, sizeof(*m->bias));
	m->base = xcalloc(bias->nr, sizeof(*m->base));
	m->weights = xcalloc(bias->nr * m->weights_nr + 1, sizeof(*m->weights));
	for (size_t k = 0; r == 0 && k < bias->nr; k++) {
		r = take_number(&m->bias[k], bias->items[k], "bias", e);
		for (size_t i = 0; r == 0 && i < m->weights_nr; i++)
			r = take_number(&m->weights[k * m->weights_nr + i],
					weights->items[k]->items[i], "weights", e);
	}
	return r;
}

static int take_attributes(struct model *m, const struct value *v, struct err *e)
{
	if (!value_is(v, VALUE_MAP))
		return corrupt("attributes", e);
	for (size_t i = 0; i < v->nr; i++) {
		char *name = NULL, *text = NULL;
		int r;

		if ((r = take_text(&name, v->pairs[i].key, "attributes", e)) == 0 &&
		    (r = take_text(&text, v->pairs[i].value, "attributes", e)) == 0)
			model_attribute_set(m, name, text);
		free(name);
		free(text);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_document(struct model *m, const struct value *v, struct err *e)
{
	const char *objective = value_text(value_get(v, "objective"), "");
	const struct value *classes = value_get(v, "classes");
	const struct value *target = value_get(v, "target");
	int64_t version;
	int r;

	m->type = MODEL_LINEAR;
	m->grid_bits = -2;
	m->scale_pos_weight = 1;
	if (!value_as_i64(value_get(v, "version"), &version))
		return corrupt("version", e);
	if (version != MODEL_VERSION)
		return err_set(e, ERR_UNSUPPORTED, "model version %lld",
			       (long long)version);
	m->objective = objective_by_name(objective);
	if (m->objective == OBJ_NR)
		return err_set(e, ERR_UNSUPPORTED, "objective '%.100s'", objective);
	if ((r = take_number(&m->objective_arg, value_get(v, "objective_arg"),
			     "objective_arg", e)) < 0)
		return r;
	if (!value_is(target, VALUE_NULL) &&
	    (r = take_text(&m->target, target, "target", e)) < 0)
		return r;
	if (!value_is(classes, VALUE_NULL) &&
	    (r = take_texts(&m->classes, &m->classes_nr, classes, "classes", e)) < 0)
		return r;
	if ((r = take_features(m, value_get(v, "features"), e)) < 0 ||
	    (r = take_weights(m, value_get(v, "bias"), value_get(v, "weights"), e)) < 0)
		return r;
	if (m->outputs > 1 && m->objective != OBJ_SOFTMAX && m->objective != OBJ_OVA)
		return err_set(e, ERR_CORRUPT, "%u outputs of objective '%s'", m->outputs,
			       objective_name(m->objective));
	if (m->classes && m->classes_nr != m->outputs &&
	    !(m->outputs == 1 && m->classes_nr == 2))
		return err_set(e, ERR_CORRUPT, "%zu classes for %u outputs",
			       m->classes_nr, m->outputs);
	return take_attributes(m, value_get(v, "attributes"), e);
}

int model_linear_read(struct model *out, struct slice text, const char *name,
		      struct err *e)
{
	struct arena a = {0};
	struct model m = {0};
	struct value *root;
	int r;

	if ((r = json_read(text, name, &a, &root, e)) < 0)
		goto out;
	if ((r = take_document(&m, value_get(root, MODEL_LINEAR_KEY), e)) < 0) {
		r = err_ctx(e, r, "'%s'", name);
		goto out;
	}
	*out = m;
	m = (struct model){0};
out:
	model_release(&m);
	arena_release(&a);
	return r;
}
