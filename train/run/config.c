#include "train/run/config.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/text.h"
#include "store/base/vec.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "train/core/metric.h"
#include "train/core/table.h"
#include "train/run/config_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	CONFIG_BYTES_MAX = 1 << 20
};

bool config_is_digest(const char *data)
{
	return strncmp(data, "md5:", 4) == 0;
}

/* ---- overrides ----------------------------------------------------------- */

static void forget_place(struct value *v)
{
	v->span.line = 0;
	for (size_t i = 0; i < v->nr; i++) {
		if (v->kind == VALUE_MAP) {
			v->pairs[i].key->span.line = 0;
			forget_place(v->pairs[i].value);
		} else {
			forget_place(v->items[i]);
		}
	}
}

static bool in_table(const struct config_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return true;
	return false;
}

/* "trees" is "model.trees": no key of model stands at the top level but objective,
 * which means the same there. */
static const char *full_key(struct arena *a, const char *key)
{
	if (!strchr(key, '.') && !in_table(config_root, key) &&
	    in_table(config_model, key))
		return arena_printf(a, "model.%s", key);
	return strcmp(key, "objective") == 0 ? "model.objective" : key;
}

static int lay_over(struct config_reader *r, struct value *root, const char *key,
		    struct value *v, struct err *e)
{
	struct value *at = root;
	const char *part = key, *dot;

	for (; (dot = strchr(part, '.')) != NULL; part = dot + 1) {
		const char *name = arena_strndup(r->a, part, (size_t)(dot - part));
		const struct value *next = value_get(at, name);
		struct value *copy;

		if (next && !value_is(next, VALUE_MAP))
			return err_set(e, ERR_INVALID,
				       "-S %s: '%.*s' is %s in %s, not a map", key,
				       (int)(dot - key), key, config_kind_text(next),
				       r->c->name);
		copy = next ? value_copy(r->a, next) : value_map(r->a);
		value_set(r->a, at, name, copy);
		at = copy;
	}
	/* The same thing said at the top level would now contradict. */
	if (strcmp(key, "model.objective") == 0)
		(void)value_del(r->a, root, "objective"); /* may be absent */
	value_set(r->a, at, part, v);
	return 0;
}

struct override {
	const char *key, *text;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct override *)a)->key,
		      ((const struct override *)b)->key);
}

static int read_override(struct config_reader *r, const char *text, struct override *out,
			 struct value **v, struct err *e)
{
	const char *eq = strchr(text, '=');
	struct value *read = NULL;
	int rc;

	if (!eq || eq == text)
		return err_set(e, ERR_INVALID, "-S %s: should be KEY=VALUE", text);
	out->key = full_key(r->a, arena_strndup(r->a, text, (size_t)(eq - text)));
	out->text = arena_printf(r->a, "%s=%s", out->key, eq + 1);
	rc = yaml_read(slice_of(arena_strdup(r->a, eq + 1)), NULL, r->a, &read, e);
	if (rc < 0)
		return err_ctx(e, ERR_INVALID, "-S %s", text);
	forget_place(read);
	*v = read;
	return 0;
}

static int take_overrides(struct config_reader *r, struct value *root,
			  const char *const *texts, size_t nr, struct err *e)
{
	struct config_strings *all = &r->c->overrides;
	struct override *v = arena_alloc(r->a, (nr + 1) * sizeof(*v));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < nr && rc == 0; i++) {
		struct override made;
		struct value *value = NULL;
		size_t at = 0;

		rc = read_override(r, texts[i], &made, &value, e);
		if (rc == 0)
			rc = lay_over(r, root, made.key, value, e);
		if (rc < 0)
			return rc;
		while (at < n && strcmp(v[at].key, made.key) != 0)
			at++;
		v[at] = made;
		n += at == n;
	}
	if (n > 0)
		qsort(v, n, sizeof(*v), by_key);
	all->v = arena_alloc(r->a, (n + 1) * sizeof(*all->v));
	all->nr = n;
	for (size_t i = 0; i < n; i++)
		all->v[i] = v[i].text;
	return 0;
}

/* ---- what follows from what was read ------------------------------------- */

/* "train.yaml" runs as the stage "train". */
static const char *stage_name(struct arena *a, const char *file)
{
	struct slice base = path_base(file);
	char *name;

	if (slice_ends(base, ".yaml"))
		base.n -= 5;
	else if (slice_ends(base, ".yml"))
		base.n -= 4;
	name = arena_strndup(a, base.p, base.n);
	for (char *p = name; *p; p++)
		if (strchr("!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~", *p))
			*p = '-';
	return name[0] ? name : "train";
}

static void settle_outs(struct train_config *c)
{
	struct slice stem;

	if (!c->out)
		c->out = "model.json";
	stem = slice_of(c->out);
	if (slice_ends(stem, ".json"))
		stem.n -= 5;
	if (!c->out_metrics)
		c->out_metrics =
			arena_printf(&c->arena, "%.*s.metrics.json", SLICE_FMT(stem));
	if (!c->out_record)
		c->out_record = arena_printf(&c->arena, "%.*s.run.json", SLICE_FMT(stem));
	if (c->live && c->live[0] == '\0') {
		char *copy = arena_strndup(&c->arena, stem.p, stem.n);

		c->live = arena_printf(&c->arena, "dvclive/%.*s",
				       SLICE_FMT(path_base(copy)));
	}
}

/* categorical: is a shorter way to say types:, and counts after it. */
static void settle_types(struct train_config *c)
{
	size_t nr = c->types_nr;
	struct column_choice *v =
		arena_alloc(&c->arena, (nr + c->categorical.nr + 1) * sizeof(*v));

	for (size_t i = 0; i < nr; i++)
		v[i] = c->types[i];
	for (size_t i = 0; i < c->categorical.nr; i++)
		v[nr++] = (struct column_choice){c->categorical.v[i], COLUMN_CAT};
	c->types = v;
	c->types_nr = nr;
}

static void settle_params(struct train_config *c)
{
	struct train_params *p = &c->params;

	if (c->has_min_child_weight && !c->has_min_data_in_leaf)
		p->min_data_in_leaf = 1;
	if (p->grow == GROW_DEPTH && !c->has_max_depth)
		p->max_depth = 6;
	if (!c->has_bagging_freq &&
	    (p->bagging_fraction < 1 || p->pos_bagging_fraction < 1 ||
	     p->neg_bagging_fraction < 1))
		p->bagging_freq = 1;
	p->patience = c->patience;
	p->min_delta = c->min_delta;
	p->metric = c->metric;
}

/* In libsvm's format the first word of a line is the target; it has no name. */
static bool is_libsvm(const struct train_config *c)
{
	if (c->format)
		return strcmp(c->format, "libsvm") == 0;
	for (size_t i = 0; i < c->data.nr; i++)
		if (!strstr(c->data.v[i], ".svm") && !strstr(c->data.v[i], ".libsvm"))
			return false;
	return true;
}

static int check_metric(const struct config_reader *r, const struct value *root,
			const char *key, const char *name, struct err *e)
{
	if (!name || metric_known(name))
		return 0;
	return config_fail(r, value_get(root, key), e, "'%s': unknown metric '%s'", key,
			   name);
}

/* A parameter of the other kind of model is a mistake, not something to ignore. */
static int check_kind(const struct config_reader *r, const struct value *model,
		      struct err *e)
{
	unsigned wrong = r->c->params.type == MODEL_GBT ? CONFIG_LINEAR : CONFIG_GBT;

	for (size_t i = 0; i < model->nr; i++) {
		const char *name = value_text(model->pairs[i].key, "");

		for (const struct config_key *k = config_model; k->name; k++) {
			if (strcmp(k->name, name) == 0 && (k->flags & wrong))
				return config_fail(
					r, model->pairs[i].key, e,
					"'model.%s' is no parameter of type '%s'", name,
					r->c->type);
		}
	}
	return 0;
}

static int check(const struct config_reader *r, const struct value *root, struct err *e)
{
	const struct train_config *c = r->c;
	int rc;

	if (c->data.nr == 0)
		return config_fail(r, value_get(root, "data"), e,
				   "'data' is missing: the path of a table");
	if (!value_get(root, "model"))
		return config_fail(r, NULL, e,
				   "'model' is missing, such as "
				   "'model: {type: gbt, objective: binary}'");
	if (c->params.objective == OBJ_NR)
		return config_fail(
			r, value_get(root, "model"), e,
			"'model.objective' is missing: binary, l2, softmax ...");
	if (!c->target)
		return config_fail(r, NULL, e,
				   "'target' is missing: the column to predict");
	if (c->validation.nr > 0 && c->split > 0)
		return config_fail(r, value_get(root, "split"), e,
				   "'split' and 'validation' exclude each other");
	if (c->patience > 0 && c->validation.nr == 0 && !(c->split > 0))
		return config_fail(r, value_get(root, "early_stopping"), e,
				   "'early_stopping' needs 'validation' or 'split'");
	if ((rc = check_kind(r, value_get(root, "model"), e)) < 0 ||
	    (rc = check_metric(r, root, "early_stopping", c->metric, e)) < 0)
		return rc;
	for (size_t i = 0; i < c->metrics.nr && rc == 0; i++)
		rc = check_metric(r, root, "metrics", c->metrics.v[i], e);
	if (rc == 0 && (rc = train_params_check(&c->params, NULL, e)) < 0)
		rc = err_ctx(e, rc, "%s", c->name);
	return rc;
}

int config_read(struct train_config *c, const char *name, struct slice text,
		const char *const *overrides, size_t overrides_nr, struct err *e)
{
	struct train_config made = {.header = true, .live = ""};
	struct config_reader r = {.c = &made, .a = &made.arena};
	struct value *root = NULL;
	int rc;

	made.name = arena_strdup(r.a, name);
	train_params_init(&made.params);
	made.params.objective = OBJ_NR;
	made.type = "gbt";
	if (text.n > CONFIG_BYTES_MAX) {
		rc = err_set(e, ERR_INVALID, "%s: larger than %d bytes", name,
			     CONFIG_BYTES_MAX);
		goto out;
	}
	if ((rc = yaml_read(text, name, r.a, &root, e)) < 0)
		goto out;
	if (value_is(root, VALUE_NULL))
		root = value_map(r.a);
	if (!value_is(root, VALUE_MAP)) {
		rc = config_fail(&r, root, e, "holds %s, and should hold a map",
				 config_kind_text(root));
		goto out;
	}
	if ((rc = take_overrides(&r, root, overrides, overrides_nr, e)) < 0 ||
	    (rc = config_take_map(&r, config_root, "", root, e)) < 0)
		goto out;
	if (!made.stage)
		made.stage = stage_name(r.a, name);
	settle_types(&made);
	if (!made.target && made.data.nr > 0 && is_libsvm(&made))
		made.target = "label";
	settle_outs(&made);
	settle_params(&made);
	if ((rc = check(&r, root, e)) < 0)
		goto out;
	*c = made;
	return 0;
out:
	arena_release(&made.arena);
	return rc;
}

void config_release(struct train_config *c)
{
	arena_release(&c->arena);
	*c = (struct train_config){0};
}

/* ---- for train/data and train/core --------------------------------------- */

struct data_options config_data_options(const struct train_config *c)
{
	enum objective obj = c->params.objective;

	return (struct data_options){
		.target = c->target,
		.target_classes =
			obj == OBJ_BINARY || obj == OBJ_SOFTMAX || obj == OBJ_OVA,
		.weight = c->weight,
		.group = c->group,
		.key = c->row_key,
		.include = c->include.nr > 0 ? c->include.v : NULL,
		.include_nr = c->include.nr,
		.exclude = c->exclude.nr > 0 ? c->exclude.v : NULL,
		.exclude_nr = c->exclude.nr,
		.types = c->types,
		.types_nr = c->types_nr,
		.no_header = !c->header,
		.svm_zero_based = c->zero_based,
		.allow_inf = c->allow_inf,
		.missing = c->has_missing ? c->missing.v : NULL,
		.missing_nr = c->missing.nr,
		.hash = true,
	};
}

static int column_of(const struct train_config *c, const struct table *t, const char *key,
		     const char *name, size_t *out, struct err *e)
{
	for (size_t i = 0; i < t->cols_nr; i++) {
		if (strcmp(t->cols[i].f.name, name) == 0) {
			*out = i;
			return 0;
		}
	}
	return err_set(e, ERR_INVALID, "%s: '%s': the table has no column '%s'", c->name,
		       key, name);
}

static int bind_classes(struct train_config *c, const struct table *t,
			struct train_params *p, struct err *e)
{
	size_t nr = t->classes ? t->classes_nr : 0;
	double *w;

	for (size_t i = 0; i < t->rows && !t->classes; i++)
		if (t->label[i] >= (double)nr && t->label[i] < 1e6)
			nr = (size_t)t->label[i] + 1;
	w = arena_alloc(&c->arena, (nr + 1) * sizeof(*w));
	for (size_t k = 0; k < nr; k++)
		w[k] = 1;
	for (size_t i = 0; i < c->class_weights_nr; i++) {
		const char *name = c->class_weights[i].name;
		size_t k = 0;

		for (; k < nr; k++) {
			char *number = t->classes ? NULL : xasprintf("%zu", k);
			bool is_it = strcmp(number ? number : t->classes[k], name) == 0;

			free(number);
			if (is_it)
				break;
		}
		if (k == nr)
			return err_set(
				e, ERR_INVALID,
				"%s: 'model.class_weights': the target has no class "
				"'%s'",
				c->name, name);
		w[k] = c->class_weights[i].value;
	}
	p->class_weights = w;
	p->class_weights_nr = nr;
	return 0;
}

static int bind_monotone(struct train_config *c, const struct table *t,
			 struct train_params *p, struct err *e)
{
	int8_t *v = arena_alloc(&c->arena, t->cols_nr + 1);
	size_t at = 0;
	int rc;

	for (size_t i = 0; i < c->monotone_nr; i++) {
		rc = column_of(c, t, "model.monotone", c->monotone[i].name, &at, e);
		if (rc < 0)
			return rc;
		v[at] = (int8_t)c->monotone[i].value;
	}
	p->monotone = v;
	p->monotone_nr = t->cols_nr;
	return 0;
}

static int bind_interaction(struct train_config *c, const struct table *t,
			    struct train_params *p, struct err *e)
{
	struct feature_set *sets =
		arena_alloc(&c->arena, (c->interaction_nr + 1) * sizeof(*sets));

	for (size_t i = 0; i < c->interaction_nr; i++) {
		const struct config_strings *names = &c->interaction[i];

		sets[i].v = arena_alloc(&c->arena, (names->nr + 1) * sizeof(*sets[i].v));
		for (size_t k = 0; k < names->nr; k++) {
			size_t at = 0;
			int rc =
				column_of(c, t, "model.interaction", names->v[k], &at, e);

			if (rc < 0)
				return rc;
			sets[i].v[sets[i].nr++] = (uint32_t)at;
		}
	}
	p->interaction = sets;
	p->interaction_nr = c->interaction_nr;
	return 0;
}

int config_bind(struct train_config *c, const struct table *t, struct train_params *out,
		struct err *e)
{
	struct train_params p = c->params;
	int rc = 0;

	if (c->class_weights_nr > 0)
		rc = bind_classes(c, t, &p, e);
	if (rc == 0 && c->monotone_nr > 0)
		rc = bind_monotone(c, t, &p, e);
	if (rc == 0 && c->interaction_nr > 0)
		rc = bind_interaction(c, t, &p, e);
	if (rc == 0 && (rc = train_params_check(&p, t, e)) < 0)
		rc = err_ctx(e, rc, "%s", c->name);
	if (rc == 0)
		*out = p;
	return rc;
}

/* ---- canonical JSON ------------------------------------------------------ */

static void write_key(const struct train_config *c, const struct config_key *k,
		      struct jsonw *j)
{
	const void *at = (const char *)c + k->at;
	const struct config_strings *s = at;

	if (k->write) {
		k->write(c, j);
		return;
	}
	switch (k->kind) {
	case CONFIG_STR:
		jsonw_str(j, *(const char *const *)at);
		break;
	case CONFIG_STRS:
		jsonw_array(j);
		for (size_t i = 0; i < s->nr; i++)
			jsonw_str(j, s->v[i]);
		jsonw_end(j);
		break;
	case CONFIG_BOOL:
		jsonw_bool(j, *(const bool *)at);
		break;
	case CONFIG_UINT:
		jsonw_uint(j, *(const unsigned *)at);
		break;
	case CONFIG_U64:
		jsonw_uint(j, *(const uint64_t *)at);
		break;
	default:
		jsonw_float(j, *(const double *)at);
		break;
	}
}

static void write_map(const struct train_config *c, const struct config_key *k,
		      bool whole, struct jsonw *j)
{
	unsigned other = c->params.type == MODEL_GBT ? CONFIG_LINEAR : CONFIG_GBT;
	unsigned skip = CONFIG_ALIAS | other | (whole ? 0u : CONFIG_PATHS);

	jsonw_object(j);
	for (; k->name; k++) {
		if (k->flags & skip)
			continue;
		jsonw_key(j, k->name);
		if (k->keys)
			write_map(c, k->keys, whole, j);
		else
			write_key(c, k, j);
	}
	jsonw_end(j);
}

void config_json(const struct train_config *c, bool whole, struct buf *out)
{
	struct jsonw j;

	jsonw_init(&j, out, 0);
	j.compact = true;
	j.utf8 = true;
	write_map(c, config_root, whole, &j);
}
