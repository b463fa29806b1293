/* Every key of train.yaml: its type, its limits, where it goes. */
#include "store/base/arena.h"
#include "store/base/err.h"
#include "store/base/text.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "train/run/config_impl.h"

#include <math.h>
#include <string.h>

/* ---- keys with a way of their own ---------------------------------------- */

static int one_of(struct config_reader *r, const char *path, const struct value *v,
		  const char *const *names, size_t *out, struct err *e)
{
	const char *text = value_text(v, NULL);
	const char *near;

	for (size_t i = 0; text && names[i]; i++) {
		if (strcmp(names[i], text) == 0) {
			*out = i;
			return 0;
		}
	}
	if (!text)
		return config_fail(r, v, e,
				   "'%s' is %s, and should be a name such as '%s'", path,
				   config_kind_text(v), names[0]);
	near = text_nearest(text, names);
	return config_fail(r, v, e, "'%s' cannot be '%s'%s%s%s", path, text,
			   near ? "; did you mean '" : "", near ? near : "",
			   near ? "'?" : "");
}

static const char *const type_names[] = {"gbt",		"linear",  "ridge", "logistic",
					 "multinomial", "poisson", NULL};
/* What a type means when no objective is given. */
static const char *const type_objectives[] = {NULL,	"l2",	   "l2",
					      "binary", "softmax", "poisson"};

static int read_type(struct config_reader *r, const struct config_key *k,
		     const struct value *v, struct err *e)
{
	size_t i = 0;
	int rc = one_of(r, "model.type", v, type_names, &i, e);

	(void)k;
	if (rc < 0)
		return rc;
	r->c->type = type_names[i];
	r->c->params.type = i == 0 ? MODEL_GBT : MODEL_LINEAR;
	if (!r->c->objective && type_objectives[i])
		r->c->params.objective = objective_by_name(type_objectives[i]);
	return 0;
}

static int read_objective(struct config_reader *r, const struct config_key *k,
			  const struct value *v, struct err *e)
{
	const char *text = value_text(v, NULL);
	enum objective obj = text ? objective_by_name(text) : OBJ_NR;
	const char *names[OBJ_NR + 1] = {NULL}, *near;

	(void)k;
	if (obj == OBJ_NR) {
		for (int i = 0; i < OBJ_NR; i++)
			names[i] = objective_name((enum objective)i);
		if (!text)
			return config_fail(
				r, v, e,
				"'objective' is %s, and should be a name such as '%s'",
				config_kind_text(v), names[0]);
		near = text_nearest(text, names);
		return config_fail(r, v, e, "unknown objective '%s'%s%s%s", text,
				   near ? "; did you mean '" : "", near ? near : "",
				   near ? "'?" : "");
	}
	if (r->c->objective && r->c->params.objective != obj)
		return config_fail(r, v, e, "two objectives: '%s' and '%s'",
				   r->c->objective, text);
	r->c->params.objective = obj;
	r->c->objective = objective_name(obj);
	return 0;
}

static int read_grow(struct config_reader *r, const struct config_key *k,
		     const struct value *v, struct err *e)
{
	static const char *const names[] = {"leaf", "depth", NULL};
	size_t i = 0;
	int rc = one_of(r, "model.grow", v, names, &i, e);

	(void)k;
	if (rc == 0)
		r->c->params.grow = i == 0 ? GROW_LEAF : GROW_DEPTH;
	return rc;
}

static int read_grid(struct config_reader *r, const struct config_key *k,
		     const struct value *v, struct err *e)
{
	const char *text = value_text(v, "");
	int64_t bits = -1;

	(void)k;
	/* YAML of 1.1's day makes false of off; both are meant. */
	if (strcmp(text, "off") == 0 || (value_is(v, VALUE_BOOL) && !v->b))
		bits = -2;
	else if (strcmp(text, "auto") != 0 &&
		 (!value_as_i64(v, &bits) || bits < 0 || bits > 23))
		return config_fail(
			r, v, e,
			"'model.leaf_grid_bits' should be auto, off, or a whole "
			"number from 0 to 23");
	r->c->params.leaf_grid_bits = (int)bits;
	return 0;
}

static int read_pairs(struct config_reader *r, const char *path, const struct value *v,
		      struct config_pair **out, size_t *nr, struct err *e)
{
	struct config_pair *p;

	if (!value_is(v, VALUE_MAP))
		return config_fail(r, v, e,
				   "'%s' is %s, and should be a map of names to "
				   "numbers",
				   path, config_kind_text(v));
	p = arena_alloc(r->a, (v->nr + 1) * sizeof(*p));
	for (size_t i = 0; i < v->nr; i++) {
		const struct value *key = v->pairs[i].key, *x = v->pairs[i].value;

		if (key->kind != VALUE_STR && key->kind != VALUE_INT &&
		    key->kind != VALUE_FLOAT)
			return config_fail(r, key, e, "'%s' has a key that is %s", path,
					   config_kind_text(key));
		if (x->kind != VALUE_INT && x->kind != VALUE_FLOAT)
			return config_fail(r, x, e,
					   "'%s.%.*s' is %s, and should be a "
					   "number",
					   path, SLICE_FMT(key->text),
					   config_kind_text(x));
		p[i].name = arena_strndup(r->a, key->text.p, key->text.n);
		p[i].value = x->f;
	}
	*out = p;
	*nr = v->nr;
	return 0;
}

static int read_monotone(struct config_reader *r, const struct config_key *k,
			 const struct value *v, struct err *e)
{
	struct train_config *c = r->c;
	int rc = read_pairs(r, "model.monotone", v, &c->monotone, &c->monotone_nr, e);

	(void)k;
	for (size_t i = 0; rc == 0 && i < c->monotone_nr; i++) {
		double x = c->monotone[i].value;

		if (x != -1 && x != 0 && x != 1)
			rc = config_fail(r, v->pairs[i].value, e,
					 "'model.monotone.%s' should be -1, 0 or 1",
					 c->monotone[i].name);
	}
	return rc;
}

static int read_class_weights(struct config_reader *r, const struct config_key *k,
			      const struct value *v, struct err *e)
{
	struct train_config *c = r->c;
	int rc = read_pairs(r, "model.class_weights", v, &c->class_weights,
			    &c->class_weights_nr, e);

	(void)k;
	for (size_t i = 0; rc == 0 && i < c->class_weights_nr; i++) {
		double x = c->class_weights[i].value;

		if (!(x > 0) || !isfinite(x))
			rc = config_fail(r, v->pairs[i].value, e,
					 "'model.class_weights.%s' should be above 0",
					 c->class_weights[i].name);
	}
	return rc;
}

static int read_interaction(struct config_reader *r, const struct config_key *k,
			    const struct value *v, struct err *e)
{
	struct train_config *c = r->c;
	int rc = 0;

	(void)k;
	if (!value_is(v, VALUE_LIST))
		return config_fail(
			r, v, e,
			"'model.interaction' is %s, and should be a list of lists "
			"of columns",
			config_kind_text(v));
	c->interaction = arena_alloc(r->a, (v->nr + 1) * sizeof(*c->interaction));
	c->interaction_nr = v->nr;
	for (size_t i = 0; i < v->nr && rc == 0; i++)
		rc = config_take_strings(r, "model.interaction", v->items[i],
					 &c->interaction[i], e);
	return rc;
}

static int read_types(struct config_reader *r, const struct config_key *k,
		      const struct value *v, struct err *e)
{
	static const char *const names[] = {"auto", "numeric", "categorical",
					    "text", "drop",    NULL};
	static const enum column_type types[] = {COLUMN_AUTO, COLUMN_NUM, COLUMN_CAT,
						 COLUMN_TEXT, COLUMN_DROP};
	struct train_config *c = r->c;
	int rc = 0;

	(void)k;
	if (!value_is(v, VALUE_MAP))
		return config_fail(r, v, e, "'columns.types' is %s, and should be a map",
				   config_kind_text(v));
	c->types = arena_alloc(r->a, (v->nr + 1) * sizeof(*c->types));
	for (size_t i = 0; i < v->nr && rc == 0; i++) {
		const struct value *key = v->pairs[i].key;
		size_t at = 0;

		if (key->kind != VALUE_STR && key->kind != VALUE_INT)
			return config_fail(r, key, e,
					   "'columns.types' has a key that is %s",
					   config_kind_text(key));
		rc = one_of(r, "columns.types", v->pairs[i].value, names, &at, e);
		c->types[i].name = arena_strndup(r->a, key->text.p, key->text.n);
		c->types[i].type = types[at];
		c->types_nr = i + 1;
	}
	return rc;
}

static int read_missing(struct config_reader *r, const struct config_key *k,
			const struct value *v, struct err *e)
{
	struct train_config *c = r->c;

	(void)k;
	c->has_missing = true;
	/* The empty text is a marker like another. */
	if (value_is(v, VALUE_LIST)) {
		c->missing.v = arena_alloc(r->a, (v->nr + 1) * sizeof(*c->missing.v));
		c->missing.nr = v->nr;
		for (size_t i = 0; i < v->nr; i++) {
			const struct value *x = v->items[i];

			if (x->kind != VALUE_STR && x->kind != VALUE_INT &&
			    x->kind != VALUE_FLOAT)
				return config_fail(
					r, x, e,
					"'columns.missing' holds %s, and should "
					"hold texts",
					config_kind_text(x));
			c->missing.v[i] = arena_strndup(r->a, x->text.n ? x->text.p : "",
							x->text.n);
		}
		return 0;
	}
	return config_take_strings(r, "columns.missing", v, &c->missing, e);
}

static int read_row_key(struct config_reader *r, const struct config_key *k,
			const struct value *v, struct err *e)
{
	const char *text = value_text(v, NULL);
	struct train_config *c = r->c;

	(void)k;
	if (!text || !text[0])
		return config_fail(
			r, v, e, "'row_key' should be index, content or a column's name");
	c->row_key = NULL;
	if (strcmp(text, "index") == 0)
		c->params.row_key = ROW_KEY_INDEX;
	else if (strcmp(text, "content") == 0)
		c->params.row_key = ROW_KEY_CONTENT;
	else {
		c->params.row_key = ROW_KEY_COLUMN;
		c->row_key = arena_strdup(r->a, text);
	}
	return 0;
}

static int read_format(struct config_reader *r, const struct config_key *k,
		       const struct value *v, struct err *e)
{
	static const char *const names[] = {"csv", "tsv",     "libsvm", "npy",
					    "npz", "parquet", NULL};
	size_t i = 0;
	int rc = one_of(r, "format", v, names, &i, e);

	(void)k;
	if (rc == 0)
		r->c->format = names[i];
	return rc;
}

static int read_train_metric(struct config_reader *r, const struct config_key *k,
			     const struct value *v, struct err *e)
{
	struct config_key plain = {.name = k->name, .kind = CONFIG_BOOL, .at = k->at};

	r->c->has_train_metric = true;
	return config_take(r, &plain, k->name, v, e);
}

static int read_live(struct config_reader *r, const struct config_key *k,
		     const struct value *v, struct err *e)
{
	struct config_key text = {.name = "live", .kind = CONFIG_STR, .at = k->at};

	if (value_is(v, VALUE_BOOL) && !v->b) {
		r->c->live = NULL;
		return 0;
	}
	return config_take(r, &text, "live", v, e);
}

#define AT(field) offsetof(struct train_config, field)
#define PLAIN(name_, kind_, at_, flags_)                                                 \
	{                                                                                \
		.name = (name_), .kind = (kind_), .at = (at_), .flags = (flags_)         \
	}
#define NUMBER(name_, kind_, at_, min_, max_, flags_)                                    \
	{                                                                                \
		.name = (name_), .kind = (kind_), .at = (at_), .min = (min_),            \
		.max = (max_), .flags = (flags_)                                         \
	}
#define NOTED(name_, kind_, at_, min_, max_, flags_)                                     \
	{                                                                                \
		.name = (name_), .kind = (kind_), .at = (at_), .min = (min_),            \
		.max = (max_), .flags = (flags_), .read = read_noted                     \
	}

static const struct config_key stopping_keys[] = {
	PLAIN("metric", CONFIG_STR, AT(metric), 0),
	NUMBER("min_delta", CONFIG_REAL, AT(min_delta), 0, HUGE_VAL, 0),
	NUMBER("rounds", CONFIG_UINT, AT(patience), 0, 1e9, 0),
	{0},
};
static const struct config_key out_keys[] = {
	PLAIN("metrics", CONFIG_STR, AT(out_metrics), 0),
	PLAIN("model", CONFIG_STR, AT(out), 0),
	PLAIN("record", CONFIG_STR, AT(out_record), 0),
	{0},
};

static int read_stopping(struct config_reader *r, const struct config_key *k,
			 const struct value *v, struct err *e)
{
	if (value_is(v, VALUE_MAP))
		return config_take_map(r, stopping_keys, k->name, v, e);
	if (!value_is(v, VALUE_INT))
		return config_fail(
			r, v, e,
			"'early_stopping' is %s, and should be a number of rounds "
			"or a map",
			config_kind_text(v));
	return config_take(r, &stopping_keys[2], k->name, v, e);
}

static int read_out(struct config_reader *r, const struct config_key *k,
		    const struct value *v, struct err *e)
{
	if (value_is(v, VALUE_MAP))
		return config_take_map(r, out_keys, k->name, v, e);
	return config_take(r, &out_keys[1], k->name, v, e);
}

/* A number whose being given changes another's default. */
static int read_noted(struct config_reader *r, const struct config_key *k,
		      const struct value *v, struct err *e)
{
	struct config_key plain = *k;
	struct train_config *c = r->c;

	plain.read = NULL;
	if (strcmp(k->name, "min_data_in_leaf") == 0)
		c->has_min_data_in_leaf = true;
	else if (strcmp(k->name, "min_child_weight") == 0)
		c->has_min_child_weight = true;
	else if (strcmp(k->name, "max_depth") == 0)
		c->has_max_depth = true;
	else
		c->has_bagging_freq = true;
	return config_take(r, &plain, arena_printf(r->a, "model.%s", k->name), v, e);
}

/* ---- writing them back --------------------------------------------------- */

static void write_type(const struct train_config *c, struct jsonw *j)
{
	jsonw_str(j, c->params.type == MODEL_GBT ? "gbt" : "linear");
}

static void write_objective(const struct train_config *c, struct jsonw *j)
{
	jsonw_str(j, objective_name(c->params.objective));
}

static void write_grow(const struct train_config *c, struct jsonw *j)
{
	jsonw_str(j, c->params.grow == GROW_LEAF ? "leaf" : "depth");
}

static void write_grid(const struct train_config *c, struct jsonw *j)
{
	if (c->params.leaf_grid_bits >= 0)
		jsonw_int(j, c->params.leaf_grid_bits);
	else
		jsonw_str(j, c->params.leaf_grid_bits == -1 ? "auto" : "off");
}

static void write_strings(struct jsonw *j, const struct config_strings *s)
{
	jsonw_array(j);
	for (size_t i = 0; i < s->nr; i++)
		jsonw_str(j, s->v[i]);
	jsonw_end(j);
}

static void write_pairs(struct jsonw *j, const struct config_pair *p, size_t nr)
{
	jsonw_array(j);
	for (size_t i = 0; i < nr; i++) {
		jsonw_array(j);
		jsonw_str(j, p[i].name);
		jsonw_float(j, p[i].value);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void write_monotone(const struct train_config *c, struct jsonw *j)
{
	write_pairs(j, c->monotone, c->monotone_nr);
}

static void write_class_weights(const struct train_config *c, struct jsonw *j)
{
	write_pairs(j, c->class_weights, c->class_weights_nr);
}

static void write_interaction(const struct train_config *c, struct jsonw *j)
{
	jsonw_array(j);
	for (size_t i = 0; i < c->interaction_nr; i++)
		write_strings(j, &c->interaction[i]);
	jsonw_end(j);
}

static void write_types(const struct train_config *c, struct jsonw *j)
{
	static const char *const names[] = {[COLUMN_AUTO] = "auto",
					    [COLUMN_NUM] = "numeric",
					    [COLUMN_CAT] = "categorical",
					    [COLUMN_TEXT] = "text",
					    [COLUMN_DROP] = "drop"};

	/* The first choice that fits a column counts: the order is kept. */
	jsonw_array(j);
	for (size_t i = 0; i < c->types_nr; i++) {
		jsonw_array(j);
		jsonw_str(j, c->types[i].name);
		jsonw_str(j, names[c->types[i].type]);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void write_missing(const struct train_config *c, struct jsonw *j)
{
	if (c->has_missing)
		write_strings(j, &c->missing);
	else
		jsonw_null(j);
}

static void write_row_key(const struct train_config *c, struct jsonw *j)
{
	jsonw_str(j, c->row_key				    ? c->row_key
		     : c->params.row_key == ROW_KEY_CONTENT ? "content"
							    : "index");
}

static void write_stopping(const struct train_config *c, struct jsonw *j)
{
	jsonw_object(j);
	jsonw_key(j, "metric");
	jsonw_str(j, c->metric);
	jsonw_key(j, "min_delta");
	jsonw_float(j, c->min_delta);
	jsonw_key(j, "rounds");
	jsonw_uint(j, c->patience);
	jsonw_end(j);
}

static void write_out(const struct train_config *c, struct jsonw *j)
{
	jsonw_object(j);
	jsonw_key(j, "metrics");
	jsonw_str(j, c->out_metrics);
	jsonw_key(j, "model");
	jsonw_str(j, c->out);
	jsonw_key(j, "record");
	jsonw_str(j, c->out_record);
	jsonw_end(j);
}

static void write_train_metric(const struct train_config *c, struct jsonw *j)
{
	if (c->has_train_metric)
		jsonw_bool(j, c->train_metric);
	else
		jsonw_null(j);
}

static void write_live(const struct train_config *c, struct jsonw *j)
{
	if (c->live)
		jsonw_str(j, c->live);
	else
		jsonw_bool(j, false);
}

/* ---- the tables ---------------------------------------------------------- */

#define P(field) offsetof(struct train_config, params.field)
#define ABOVE	 CONFIG_ABOVE_MIN

const struct config_key config_model[] = {
	NUMBER("alpha", CONFIG_REAL, P(alpha), 0, HUGE_VAL, CONFIG_GBT),
	PLAIN("bagging_by_query", CONFIG_BOOL, P(bagging_by_query), CONFIG_GBT),
	NUMBER("bagging_fraction", CONFIG_REAL, P(bagging_fraction), 0, 1,
	       CONFIG_GBT | ABOVE),
	NOTED("bagging_freq", CONFIG_UINT, P(bagging_freq), 0, 1e9, CONFIG_GBT),
	NUMBER("cat_l2", CONFIG_REAL, P(cat_l2), 0, HUGE_VAL, CONFIG_GBT),
	NUMBER("cat_smooth", CONFIG_REAL, P(cat_smooth), 0, HUGE_VAL, CONFIG_GBT),
	{"class_weights", CONFIG_OTHER, .read = read_class_weights,
	 .write = write_class_weights},
	NUMBER("fair_c", CONFIG_REAL, P(fair_c), 0, HUGE_VAL, CONFIG_GBT | ABOVE),
	NUMBER("feature_fraction", CONFIG_REAL, P(feature_fraction), 0, 1,
	       CONFIG_GBT | ABOVE),
	NUMBER("feature_fraction_bynode", CONFIG_REAL, P(feature_fraction_bynode), 0, 1,
	       CONFIG_GBT | ABOVE),
	NUMBER("gamma", CONFIG_REAL, P(gamma), 0, HUGE_VAL, CONFIG_GBT),
	NUMBER("goss_other", CONFIG_REAL, P(goss_other), 0, 1, CONFIG_GBT),
	NUMBER("goss_top", CONFIG_REAL, P(goss_top), 0, 1, CONFIG_GBT),
	{"grow", CONFIG_OTHER, .flags = CONFIG_GBT, .read = read_grow,
	 .write = write_grow},
	NUMBER("huber_delta", CONFIG_REAL, P(huber_delta), 0, HUGE_VAL,
	       CONFIG_GBT | ABOVE),
	{"interaction", CONFIG_OTHER, .flags = CONFIG_GBT, .read = read_interaction,
	 .write = write_interaction},
	NUMBER("l1", CONFIG_REAL, P(l1), 0, HUGE_VAL, CONFIG_LINEAR),
	NUMBER("l2", CONFIG_REAL, P(l2), 0, HUGE_VAL, CONFIG_LINEAR),
	NUMBER("lambda", CONFIG_REAL, P(lambda), 0, HUGE_VAL, CONFIG_GBT),
	{"leaf_grid_bits", CONFIG_OTHER, .flags = CONFIG_GBT, .read = read_grid,
	 .write = write_grid},
	NUMBER("learning_rate", CONFIG_REAL, P(learning_rate), 0, HUGE_VAL,
	       CONFIG_GBT | ABOVE),
	NUMBER("max_bin", CONFIG_UINT, P(max_bin), 2, 255, CONFIG_GBT),
	NUMBER("max_cat_threshold", CONFIG_UINT, P(max_cat_threshold), 1, 254,
	       CONFIG_GBT),
	NUMBER("max_cat_to_onehot", CONFIG_UINT, P(max_cat_to_onehot), 0, 254,
	       CONFIG_GBT),
	NUMBER("max_delta_step", CONFIG_REAL, P(max_delta_step), 0, HUGE_VAL, CONFIG_GBT),
	NOTED("max_depth", CONFIG_UINT, P(max_depth), 0, 1024, CONFIG_GBT),
	NUMBER("max_leaves", CONFIG_UINT, P(max_leaves), 2, 1 << 20, CONFIG_GBT),
	NUMBER("max_passes", CONFIG_UINT, P(max_passes), 1, 1e9, CONFIG_LINEAR),
	NOTED("min_child_weight", CONFIG_REAL, P(min_child_weight), 0, HUGE_VAL,
	      CONFIG_GBT),
	NUMBER("min_data_in_bin", CONFIG_UINT, P(min_data_in_bin), 1, 1e9, CONFIG_GBT),
	NOTED("min_data_in_leaf", CONFIG_UINT, P(min_data_in_leaf), 0, 1e9, CONFIG_GBT),
	NUMBER("min_data_per_group", CONFIG_UINT, P(min_data_per_group), 0, 1e9,
	       CONFIG_GBT),
	{"monotone", CONFIG_OTHER, .flags = CONFIG_GBT, .read = read_monotone,
	 .write = write_monotone},
	NUMBER("neg_bagging_fraction", CONFIG_REAL, P(neg_bagging_fraction), 0, 1,
	       CONFIG_GBT | ABOVE),
	{"objective", CONFIG_OTHER, .read = read_objective, .write = write_objective},
	NUMBER("poisson_max_delta", CONFIG_REAL, P(poisson_max_delta), 0, HUGE_VAL,
	       CONFIG_GBT),
	NUMBER("pos_bagging_fraction", CONFIG_REAL, P(pos_bagging_fraction), 0, 1,
	       CONFIG_GBT | ABOVE),
	NUMBER("quantile_alpha", CONFIG_REAL, P(quantile_alpha), 0, 1,
	       CONFIG_GBT | ABOVE | CONFIG_BELOW_MAX),
	NUMBER("rank_truncation", CONFIG_UINT, P(rank_truncation), 1, 1e9, CONFIG_GBT),
	NUMBER("scale_pos_weight", CONFIG_REAL, P(scale_pos_weight), 0, HUGE_VAL, ABOVE),
	PLAIN("standardize", CONFIG_BOOL, P(standardize), CONFIG_LINEAR),
	NUMBER("tolerance", CONFIG_REAL, P(tolerance), 0, 1, CONFIG_LINEAR | ABOVE),
	NUMBER("trees", CONFIG_UINT, P(trees), 1, 1e7, CONFIG_GBT),
	NUMBER("tweedie_power", CONFIG_REAL, P(tweedie_power), 1, 2,
	       CONFIG_GBT | ABOVE | CONFIG_BELOW_MAX),
	{"type", CONFIG_OTHER, .read = read_type, .write = write_type},
	{0},
};

static const struct config_key columns_keys[] = {
	PLAIN("categorical", CONFIG_STRS, AT(categorical), CONFIG_ALIAS),
	PLAIN("exclude", CONFIG_STRS, AT(exclude), 0),
	PLAIN("include", CONFIG_STRS, AT(include), 0),
	{"missing", CONFIG_OTHER, .read = read_missing, .write = write_missing},
	{"types", CONFIG_OTHER, .read = read_types, .write = write_types},
	{0},
};

const struct config_key config_root[] = {
	PLAIN("allow_inf", CONFIG_BOOL, AT(allow_inf), 0),
	{"columns", CONFIG_OTHER, .keys = columns_keys},
	PLAIN("data", CONFIG_STRS, AT(data), CONFIG_PATHS),
	PLAIN("desc", CONFIG_STR, AT(desc), CONFIG_PATHS),
	{"early_stopping", CONFIG_OTHER, .read = read_stopping, .write = write_stopping},
	{"format", CONFIG_STR, AT(format), .flags = CONFIG_PATHS, .read = read_format},
	PLAIN("group", CONFIG_STR, AT(group), 0),
	PLAIN("header", CONFIG_BOOL, AT(header), CONFIG_PATHS),
	{"live", CONFIG_OTHER, AT(live), .flags = CONFIG_PATHS, .read = read_live,
	 .write = write_live},
	PLAIN("metrics", CONFIG_STRS, AT(metrics), CONFIG_PATHS),
	{"model", CONFIG_OTHER, .keys = config_model},
	{"objective", CONFIG_OTHER, .flags = CONFIG_ALIAS, .read = read_objective},
	{"out", CONFIG_OTHER, .flags = CONFIG_PATHS, .read = read_out,
	 .write = write_out},
	{"row_key", CONFIG_OTHER, .read = read_row_key, .write = write_row_key},
	NUMBER("seed", CONFIG_U64, P(seed), 0, 9223372036854775807.0, 0),
	NUMBER("split", CONFIG_REAL, AT(split), 0, 1, CONFIG_BELOW_MAX),
	PLAIN("stage", CONFIG_STR, AT(stage), CONFIG_PATHS),
	PLAIN("target", CONFIG_STR, AT(target), 0),
	{"train_metric", CONFIG_OTHER, AT(train_metric), .flags = CONFIG_PATHS,
	 .read = read_train_metric, .write = write_train_metric},
	PLAIN("validation", CONFIG_STRS, AT(validation), CONFIG_PATHS),
	PLAIN("weight", CONFIG_STR, AT(weight), 0),
	PLAIN("zero_based", CONFIG_BOOL, AT(zero_based), CONFIG_PATHS),
	{0},
};
