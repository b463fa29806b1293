#include "train/run/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"

static int add_bound(struct evaluate_options *o, struct slice metric, double limit,
		     bool is_max, bool of_slices, struct err *e)
{
	struct evaluate_bound b = {
		.limit = limit, .is_max = is_max, .of_slices = of_slices};

	b.metric = xmemdup0(metric.p, metric.n);
	if (!metric_known(b.metric)) {
		int r = err_set(e, ERR_INVALID, "metric '%s' is unknown", b.metric);

		free(b.metric);
		return r;
	}
	vec_push(&o->bounds, b);
	return 0;
}

int evaluate_bound_add(struct evaluate_options *o, const char *text, bool is_max,
		       bool of_slices, struct err *e)
{
	struct slice value = slice_of(text), metric = slice_cut(&value, '=');
	double limit;

	if (!value.p || !parse_double(value, &limit) || !isfinite(limit))
		return err_set(e, ERR_INVALID, "'%s': METRIC=NUMBER was expected", text);
	return add_bound(o, metric, limit, is_max, of_slices, e);
}

struct config {
	struct evaluate_options *o;
	const char *name; /* of the file */
};

static int wrong(const struct config *c, const struct value *v, const char *key,
		 const char *what, struct err *e)
{
	return err_set(e, ERR_INVALID, "'%s', line %u: '%s' must be %s", c->name,
		       v->span.line, key, what);
}

static int take_names(const struct config *c, struct strvec *out, const char *key,
		      const struct value *v, struct err *e)
{
	if (value_is(v, VALUE_STR)) {
		strvec_push(out, value_text(v, ""));
		return 0;
	}
	if (!value_is(v, VALUE_LIST))
		return wrong(c, v, key, "a name or a list of names", e);
	for (size_t i = 0; i < v->nr; i++) {
		if (!value_is(v->items[i], VALUE_STR))
			return wrong(c, v->items[i], key, "a list of names", e);
		strvec_push(out, value_text(v->items[i], ""));
	}
	return 0;
}

static int take_bounds(const struct config *c, const char *key, const struct value *v,
		       struct err *e)
{
	bool is_max = strstr(key, "max") != NULL;
	bool of_slices = strncmp(key, "slice_", 6) == 0;

	if (!value_is(v, VALUE_MAP))
		return wrong(c, v, key, "a map of metrics to numbers", e);
	for (size_t i = 0; i < v->nr; i++) {
		const struct value *k = v->pairs[i].key, *limit = v->pairs[i].value;
		int r;

		if (!value_is(k, VALUE_STR) ||
		    !(value_is(limit, VALUE_INT) || value_is(limit, VALUE_FLOAT)) ||
		    !isfinite(limit->f))
			return wrong(c, k, key, "a map of metrics to numbers", e);
		if ((r = add_bound(c->o, k->text, limit->f, is_max, of_slices, e)) < 0)
			return err_ctx(e, r, "'%s', line %u", c->name, k->span.line);
	}
	return 0;
}

static int take_text(const struct config *c, char **out, const char *key,
		     const struct value *v, struct err *e)
{
	if (!value_is(v, VALUE_STR))
		return wrong(c, v, key, "a column's name", e);
	if (!*out)
		*out = xstrdup(value_text(v, ""));
	return 0;
}

static int take_count(const struct config *c, uint64_t *out, const char *key,
		      uint64_t max, const struct value *v, struct err *e)
{
	int64_t n;

	if (!value_as_i64(v, &n) || n < 1 || (uint64_t)n > max)
		return wrong(c, v, key, "a number from 1 on", e);
	if (*out == 0)
		*out = (uint64_t)n;
	return 0;
}

static int take_threshold(const struct config *c, const struct value *v, struct err *e)
{
	if (value_is(v, VALUE_STR) && strcmp(value_text(v, ""), "best") == 0) {
		if (c->o->threshold == 0)
			c->o->threshold = NAN;
		return 0;
	}
	if (!value_is(v, VALUE_FLOAT) || !(v->f > 0 && v->f < 1))
		return wrong(c, v, "threshold", "between 0 and 1, or 'best'", e);
	if (c->o->threshold == 0)
		c->o->threshold = v->f;
	return 0;
}

static int take_key(const struct config *c, const char *key, const struct value *v,
		    struct err *e)
{
	static const char *const keys[] = {
		"bins",	     "group",	  "max",	"metrics", "min",
		"slice_max", "slice_min", "slice_rows", "slices",  "target",
		"threshold", "weight",	  NULL};
	struct evaluate_options *o = c->o;
	uint64_t bins = o->bins;
	const char *near;
	int r;

	if (strcmp(key, "metrics") == 0)
		return take_names(c, &o->metrics, key, v, e);
	if (strcmp(key, "slices") == 0)
		return take_names(c, &o->slices, key, v, e);
	if (strcmp(key, "min") == 0 || strcmp(key, "max") == 0 ||
	    strcmp(key, "slice_min") == 0 || strcmp(key, "slice_max") == 0)
		return take_bounds(c, key, v, e);
	if (strcmp(key, "target") == 0)
		return take_text(c, &o->target, key, v, e);
	if (strcmp(key, "weight") == 0)
		return take_text(c, &o->weight, key, v, e);
	if (strcmp(key, "group") == 0)
		return take_text(c, &o->group, key, v, e);
	if (strcmp(key, "threshold") == 0)
		return take_threshold(c, v, e);
	if (strcmp(key, "slice_rows") == 0)
		return take_count(c, &o->slice_rows, key, UINT32_MAX, v, e);
	if (strcmp(key, "bins") == 0) {
		r = take_count(c, &bins, key, EVALUATE_SLICES_MAX, v, e);
		o->bins = (unsigned)bins;
		return r;
	}
	near = text_nearest(key, keys);
	return err_set(e, ERR_INVALID, "'%s', line %u: '%s' is no key%s%s%s", c->name,
		       v->span.line, key, near ? ", did you mean '" : "",
		       near ? near : "", near ? "'?" : "");
}

int evaluate_config(struct evaluate_options *o, struct slice text, const char *name,
		    struct err *e)
{
	struct config c = {.o = o, .name = name};
	struct arena a = {0};
	struct value *root;
	int r;

	if ((r = yaml_read(text, name, &a, &root, e)) < 0)
		goto out;
	if (!value_is(root, VALUE_MAP)) {
		r = err_set(e, ERR_INVALID, "'%s': a map was expected", name);
		goto out;
	}
	for (size_t i = 0; r == 0 && i < root->nr; i++) {
		const char *key = value_text(root->pairs[i].key, NULL);

		r = key ? take_key(&c, key, root->pairs[i].value, e)
			: wrong(&c, root->pairs[i].value, "key", "a name", e);
	}
out:
	arena_release(&a);
	return r;
}
