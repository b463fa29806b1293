/* dvc.yaml as we write it: a stage added, changed in place, frozen or dropped. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pipeline_impl.h"
#include "store/meta/schema.h"

#include <stdlib.h>

static void put_text(struct arena *a, struct value *map, const char *key,
		     const char *text)
{
	if (text && text[0])
		value_set(a, map, key, value_cstr(a, text));
}

static int by_out_text(const void *a, const void *b)
{
	return strcmp((*(const struct out *const *)a)->at.text,
		      (*(const struct out *const *)b)->at.text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct value *out_item(struct arena *a, const struct out *o)
{
	struct value *flags = value_map(a), *map;

	put_text(a, flags, "desc", o->desc);
	put_text(a, flags, "type", o->type);
	if (o->labels && o->labels[0]) {
		struct value *list = value_list(a);

		for (size_t i = 0; o->labels[i]; i++)
			value_add(a, list, value_cstr(a, o->labels[i]));
		value_set(a, flags, "labels", list);
	}
	if (o->meta)
		value_set(a, flags, "meta", value_copy(a, o->meta));
	if (!o->cache)
		value_set(a, flags, "cache", value_bool(a, false));
	if (o->persist)
		value_set(a, flags, "persist", value_bool(a, true));
	for (size_t i = 0; o->plot_props && i < o->plot_props->nr; i++)
		value_set_pair(a, flags, value_copy(a, o->plot_props->pairs[i].key),
			       value_copy(a, o->plot_props->pairs[i].value));
	put_text(a, flags, "remote", o->remote);
	if (!o->push)
		value_set(a, flags, "push", value_bool(a, false));
	if (flags->nr == 0)
		return value_cstr(a, o->at.text);
	map = value_map(a);
	value_set(a, map, o->at.text, flags);
	return map;
}

static void put_outs(struct arena *a, struct value *def, const struct stage *st,
		     const char *key)
{
	const struct out **v = arena_alloc(a, (st->outs_nr + 1) * sizeof(*v));
	struct value *list = value_list(a);
	size_t nr = 0;

	for (size_t i = 0; i < st->outs_nr; i++) {
		const struct out *o = &st->outs[i];
		const char *bucket = o->is_plot	    ? "plots"
				     : o->is_metric ? "metrics"
						    : "outs";

		if (strcmp(bucket, key) == 0)
			v[nr++] = o;
	}
	if (nr == 0)
		return;
	qsort(v, nr, sizeof(struct out *), by_out_text);
	for (size_t i = 0; i < nr; i++)
		value_add(a, list, out_item(a, v[i]));
	value_set(a, def, key, list);
}

static int by_file(const void *a, const void *b)
{
	return strcmp((*(const struct dep *const *)a)->at.text,
		      (*(const struct dep *const *)b)->at.text);
}

/* Keys of params.yaml first, as plain texts; then file by file. */
static void put_params(struct arena *a, struct value *def, const struct stage *st)
{
	const struct dep **files = arena_alloc(a, (st->deps_nr + 1) * sizeof(*files));
	struct value *head = value_list(a), *tail = value_list(a);
	size_t nr = 0;

	for (size_t i = 0; i < st->deps_nr; i++)
		if (st->deps[i].is_params)
			files[nr++] = &st->deps[i];
	if (nr == 0)
		return;
	qsort(files, nr, sizeof(struct dep *), by_file);
	for (size_t i = 0; i < nr; i++) {
		const struct dep *d = files[i];
		size_t n = d->whole_file ? 0 : d->params_nr;
		const char **keys = arena_alloc(a, (n + 1) * sizeof(*keys));
		struct value *list = value_list(a), *map;

		for (size_t k = 0; k < n; k++)
			keys[k] = d->params[k].key;
		if (n > 0)
			qsort(keys, n, sizeof(*keys), by_text);
		if (n > 0 && strcmp(d->at.text, "params.yaml") == 0) {
			for (size_t k = 0; k < n; k++)
				value_add(a, head, value_cstr(a, keys[k]));
			continue;
		}
		for (size_t k = 0; k < n; k++)
			value_add(a, list, value_cstr(a, keys[k]));
		map = value_map(a);
		value_set(a, map, d->at.text, n > 0 ? list : value_null(a));
		value_add(a, tail, map);
	}
	for (size_t i = 0; i < tail->nr; i++)
		value_add(a, head, tail->items[i]);
	value_set(a, def, "params", head);
}

static void put_deps(struct arena *a, struct value *def, const struct stage *st)
{
	const char **v = arena_alloc(a, (st->deps_nr + 1) * sizeof(*v));
	struct value *list = value_list(a);
	size_t nr = 0;

	for (size_t i = 0; i < st->deps_nr; i++)
		if (!st->deps[i].is_params)
			v[nr++] = st->deps[i].at.text;
	if (nr == 0)
		return;
	qsort(v, nr, sizeof(*v), by_text);
	for (size_t i = 0; i < nr; i++)
		value_add(a, list, value_cstr(a, v[i]));
	value_set(a, def, "deps", list);
}

static struct value *definition(struct arena *a, const struct stage *st)
{
	struct value *def = value_map(a);
	struct slice dir = path_dir(st->file);
	char *base = slice_is(dir, ".") ? xstrdup("") : xmemdup0(dir.p, dir.n);
	char *wdir = path_relative(base, st->wdir);

	put_text(a, def, "desc", st->desc);
	value_set(a, def, "cmd", cmd_value(a, st));
	if (strcmp(wdir, ".") != 0)
		put_text(a, def, "wdir", wdir);
	put_deps(a, def, st);
	put_params(a, def, st);
	put_outs(a, def, st, "outs");
	put_outs(a, def, st, "metrics");
	put_outs(a, def, st, "plots");
	if (st->frozen)
		value_set(a, def, "frozen", value_bool(a, true));
	if (st->always_changed)
		value_set(a, def, "always_changed", value_bool(a, true));
	if (st->meta)
		value_set(a, def, "meta", value_copy(a, st->meta));
	free(base);
	free(wdir);
	return def;
}

static int fail_parametrized(const struct stage *st, const char *action, struct err *e)
{
	struct buf name = {0};
	int r;

	stage_addressing(st, "", &name);
	r = err_set(e, ERR_INVALID, "cannot %s a parametrized stage: '%s'", action,
		    buf_str(&name));
	buf_release(&name);
	return r;
}

static int read_root(const struct stage *st, struct slice old, struct arena *a,
		     struct value **root, struct value **stages, struct err *e)
{
	const struct value *before;
	int r = 0;

	*root = NULL;
	if (!dvcfile_is_blank(old))
		r = schema_read(&dvcyaml_schema, old, st->file, a, root, e);
	if (r < 0)
		return r;
	if (!*root)
		*root = value_map(a);
	before = value_get(*root, "stages");
	*stages = before ? value_copy(a, before) : value_map(a);
	return 0;
}

static int write_root(const struct stage *st, struct slice old, const struct value *root,
		      struct buf *out, struct err *e)
{
	if (dvcfile_is_blank(old) && old.n == 0) {
		yaml_write(root, out);
		return 0;
	}
	return yaml_update(old, st->file, root, out, e);
}

int dvcyaml_edit(const struct stage *st, struct slice old, struct buf *out, struct err *e)
{
	struct arena a = {0};
	struct value *root, *stages;
	int r;

	if (st->is_parametrized)
		return fail_parametrized(st, "dump", e);
	if ((r = read_root(st, old, &a, &root, &stages, e)) == 0) {
		value_set(&a, stages, st->name, definition(&a, st));
		value_set(&a, root, "stages", stages);
		r = write_root(st, old, root, out, e);
	}
	arena_release(&a);
	return r;
}

int dvcyaml_freeze(const struct stage *st, bool frozen, struct slice old, struct buf *out,
		   struct err *e)
{
	struct arena a = {0};
	struct value *root, *stages, *def;
	const struct value *before;
	int r;

	if (st->is_parametrized)
		return fail_parametrized(st, "dump", e);
	if ((r = read_root(st, old, &a, &root, &stages, e)) < 0)
		goto out;
	if (!(before = value_get(stages, st->name))) {
		r = err_set(e, ERR_NOTFOUND, "Stage '%s' not found inside '%s' file",
			    st->name, st->file);
		goto out;
	}
	def = value_copy(&a, before);
	if (frozen)
		value_set(&a, def, "frozen", value_bool(&a, true));
	else
		(void)value_del(&a, def, "frozen"); /* absent is as good */
	value_set(&a, stages, st->name, def);
	value_set(&a, root, "stages", stages);
	r = write_root(st, old, root, out, e);
out:
	arena_release(&a);
	return r;
}

int dvcyaml_drop(const struct stage *st, struct slice old, struct buf *out, size_t *left,
		 struct err *e)
{
	struct arena a = {0};
	struct value *root, *stages;
	int r;

	if (st->is_parametrized)
		return fail_parametrized(st, "remove", e);
	if ((r = read_root(st, old, &a, &root, &stages, e)) == 0) {
		(void)value_del(&a, stages, st->name); /* absent is as good */
		value_set(&a, root, "stages", stages);
		*left = stages->nr;
		r = write_root(st, old, root, out, e);
	}
	arena_release(&a);
	return r;
}
