/* One value of train.yaml into its place, or a message that says where and why. */
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/text.h"
#include "store/fmt/value.h"
#include "train/run/config_impl.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int config_fail(const struct config_reader *r, const struct value *v, struct err *e,
		const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;
	int rc;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	/* What -S brought stands at no line. */
	if (v && v->span.line > 0)
		rc = err_set(e, ERR_INVALID, "%s:%u: %s", r->c->name, v->span.line,
			     buf_str(&b));
	else
		rc = err_set(e, ERR_INVALID, "%s: %s", r->c->name, buf_str(&b));
	buf_release(&b);
	return rc;
}

const char *config_kind_text(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NULL:
		return "nothing";
	case VALUE_BOOL:
		return "a truth value";
	case VALUE_INT:
		return "a whole number";
	case VALUE_FLOAT:
		return "a number";
	case VALUE_STR:
		return "text";
	case VALUE_DATE:
		return "a date";
	case VALUE_MAP:
		return "a map";
	default:
		return "a list";
	}
}

static int wrong_kind(struct config_reader *r, const char *path, const struct value *v,
		      const char *want, struct err *e)
{
	return config_fail(r, v, e, "'%s' is %s, and should be %s", path,
			   config_kind_text(v), want);
}

static void put_number(struct buf *b, double x)
{
	if (x == floor(x) && fabs(x) < 1e15)
		buf_addf(b, "%.0f", x);
	else
		buf_addf(b, "%g", x);
}

/* "at least 2 and at most 255" */
static void put_limits(struct buf *b, const struct config_key *k)
{
	bool has_max = k->max < HUGE_VAL;

	if (k->min > -HUGE_VAL) {
		buf_adds(b, k->flags & CONFIG_ABOVE_MIN ? "above " : "at least ");
		put_number(b, k->min);
	}
	if (k->min > -HUGE_VAL && has_max)
		buf_adds(b, " and ");
	if (has_max) {
		buf_adds(b, k->flags & CONFIG_BELOW_MAX ? "below " : "at most ");
		put_number(b, k->max);
	}
}

static bool within(const struct config_key *k, double x)
{
	return (k->flags & CONFIG_ABOVE_MIN ? x > k->min : x >= k->min) &&
	       (k->flags & CONFIG_BELOW_MAX ? x < k->max : x <= k->max);
}

static int out_of_range(struct config_reader *r, const struct config_key *k,
			const char *path, const struct value *v, struct err *e)
{
	struct buf b = {0};
	int rc;

	put_limits(&b, k);
	rc = config_fail(r, v, e, "'%s' is %.*s, and should be %s", path,
			 SLICE_FMT(v->text), buf_str(&b));
	buf_release(&b);
	return rc;
}

static int take_number(struct config_reader *r, const struct config_key *k,
		       const char *path, const struct value *v, void *to, struct err *e)
{
	bool is_int = value_is(v, VALUE_INT);

	if (k->kind == CONFIG_REAL) {
		if (!is_int && !value_is(v, VALUE_FLOAT))
			return wrong_kind(r, path, v, "a number", e);
		if (!isfinite(v->f))
			return wrong_kind(r, path, v, "a finite number", e);
		if (!within(k, v->f))
			return out_of_range(r, k, path, v, e);
		*(double *)to = v->f;
		return 0;
	}
	if (!is_int)
		return wrong_kind(r, path, v, "a whole number", e);
	if (v->is_big || !within(k, (double)v->i))
		return out_of_range(r, k, path, v, e);
	if (k->kind == CONFIG_U64)
		*(uint64_t *)to = (uint64_t)v->i;
	else
		*(unsigned *)to = (unsigned)v->i;
	return 0;
}

static int take_text(struct config_reader *r, const char *path, const struct value *v,
		     const char **out, struct err *e)
{
	/* A column may be named 5; a date is no name that anyone meant. */
	if (value_is(v, VALUE_INT)) {
		*out = arena_strndup(r->a, v->text.p, v->text.n);
		return 0;
	}
	if (!value_is(v, VALUE_STR))
		return wrong_kind(r, path, v, "text", e);
	if (v->text.n == 0)
		return config_fail(r, v, e, "'%s' is empty", path);
	if (memchr(v->text.p, '\0', v->text.n))
		return config_fail(r, v, e, "'%s' holds a NUL", path);
	*out = arena_strndup(r->a, v->text.p, v->text.n);
	return 0;
}

int config_take_strings(struct config_reader *r, const char *path, const struct value *v,
			struct config_strings *out, struct err *e)
{
	const struct value *const *items = (const struct value *const *)&v;
	size_t nr = 1;
	int rc = 0;

	if (value_is(v, VALUE_LIST)) {
		items = (const struct value *const *)v->items;
		nr = v->nr;
	}
	out->v = arena_alloc(r->a, (nr + 1) * sizeof(*out->v));
	out->nr = nr;
	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = take_text(r, path, items[i], &out->v[i], e);
	return rc;
}

int config_take(struct config_reader *r, const struct config_key *k, const char *path,
		const struct value *v, struct err *e)
{
	void *to = (char *)r->c + k->at;

	if (k->keys)
		return value_is(v, VALUE_MAP) ? config_take_map(r, k->keys, path, v, e)
					      : wrong_kind(r, path, v, "a map", e);
	if (k->read)
		return k->read(r, k, v, e);
	switch (k->kind) {
	case CONFIG_STR:
		return take_text(r, path, v, to, e);
	case CONFIG_STRS:
		return config_take_strings(r, path, v, to, e);
	case CONFIG_BOOL:
		if (!value_is(v, VALUE_BOOL))
			return wrong_kind(r, path, v, "true or false", e);
		*(bool *)to = v->b;
		return 0;
	default:
		return take_number(r, k, path, v, to, e);
	}
}

/* ---- maps ---------------------------------------------------------------- */

static const struct config_key *find_key(const struct config_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static const char *nearest(struct arena *a, const struct config_key *keys,
			   const char *name)
{
	const char **names;
	size_t nr = 0;

	while (keys[nr].name)
		nr++;
	names = arena_alloc(a, (nr + 1) * sizeof(*names));
	for (size_t i = 0; i < nr; i++)
		names[i] = keys[i].name;
	return text_nearest(name, names);
}

/* The same word one level up or down is the likeliest slip. */
static int unknown_key(struct config_reader *r, const struct config_key *keys,
		       const char *prefix, const struct value *key, struct err *e)
{
	const char *name = value_text(key, NULL), *near;
	const char *dot = prefix[0] ? "." : "";

	if (!name)
		return config_fail(r, key, e, "a key is %s, and should be text",
				   config_kind_text(key));
	if (strcmp(name, "threads") == 0 || strcmp(name, "simd") == 0)
		return config_fail(r, key, e,
				   "'%s' is no key: it does not change the model; use "
				   "--%s",
				   name, name);
	if (!prefix[0] && find_key(config_model, name))
		return config_fail(r, key, e,
				   "unknown key '%s'; did you mean 'model.%s'?", name,
				   name);
	if (prefix[0] && find_key(config_root, name))
		return config_fail(r, key, e,
				   "unknown key '%s%s%s'; '%s' stands at the top level",
				   prefix, dot, name, name);
	near = nearest(r->a, keys, name);
	if (!near && !prefix[0] && (near = nearest(r->a, config_model, name)))
		prefix = "model", dot = ".";
	if (!near)
		return config_fail(r, key, e, "unknown key '%s%s%s'", prefix, dot, name);
	return config_fail(r, key, e, "unknown key '%s'; did you mean '%s%s%s'?", name,
			   prefix, dot, near);
}

int config_take_map(struct config_reader *r, const struct config_key *keys,
		    const char *prefix, const struct value *v, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < v->nr && rc == 0; i++) {
		const struct value *key = v->pairs[i].key;
		const struct config_key *k = find_key(keys, value_text(key, ""));
		const char *path;

		if (!k)
			return unknown_key(r, keys, prefix, key, e);
		path = prefix[0] ? arena_printf(r->a, "%s.%s", prefix, k->name) : k->name;
		rc = config_take(r, k, path, v->pairs[i].value, e);
	}
	return rc;
}
