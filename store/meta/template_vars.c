/* Where variables come from: params.yaml, files named by vars, inline maps. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/fmt/json.h"
#include "store/fmt/pyvars.h"
#include "store/fmt/toml.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/meta/template.h"
#include "store/meta/tree.h"

#include <stdlib.h>
#include <strings.h>

void tmpl_files_release(struct tmpl_files *f)
{
	map_release(&f->at);
	free(f->v);
	arena_release(&f->arena);
	*f = (struct tmpl_files){0};
}

void tmpl_release(struct tmpl *t)
{
	vec_release(&t->sources);
	vec_release(&t->imports);
}

static size_t weight(const struct value *v)
{
	size_t n = 128 + v->text.n;

	for (size_t i = 0; i < v->nr; i++)
		n += v->kind == VALUE_MAP
			     ? weight(v->pairs[i].key) + weight(v->pairs[i].value)
			     : weight(v->items[i]);
	return n;
}

int tmpl_clone(struct tmpl *to, const struct tmpl *from, struct arena *arena,
	       struct err *e)
{
	*to = *from;
	to->sources.v = NULL;
	to->sources.nr = to->sources.cap = 0;
	to->imports.v = NULL;
	to->imports.nr = to->imports.cap = 0;
	to->arena = arena;
	if (!tmpl_spend(to, weight(from->vars)))
		return tmpl_fail_budget(e);
	to->vars = value_copy(arena, from->vars);
	for (size_t i = 0; i < from->sources.nr; i++)
		vec_push(&to->sources, from->sources.v[i]);
	for (size_t i = 0; i < from->imports.nr; i++)
		vec_push(&to->imports, from->imports.v[i]);
	return 0;
}

/* ---- merging ------------------------------------------------------------- */

/*
 * As a variable may be: keys that are no text vanish, and what has no meaning in
 * a text (a date) is an error that names its place.
 */
static int convert(struct arena *a, const struct value *v, const char *source,
		   struct buf *path, struct value **out, struct err *e)
{
	size_t n = path->n;
	struct value *made, *item;
	int r = 0;

	if (v->kind == VALUE_DATE || v->kind == VALUE_TUPLE || v->kind == VALUE_SET)
		return err_set(e, ERR_INVALID,
			       "Unsupported value of type '%s' in '%s:%s'",
			       tmpl_type_name(v), source, buf_str(path));
	if (v->kind != VALUE_LIST && v->kind != VALUE_MAP) {
		*out = value_copy(a, v);
		return 0;
	}
	made = v->kind == VALUE_LIST ? value_list(a) : value_map(a);
	for (size_t i = 0; r == 0 && i < v->nr; i++) {
		const struct value *key = v->kind == VALUE_MAP ? v->pairs[i].key : NULL;

		if (key && key->kind != VALUE_STR)
			continue;
		if (n > 0)
			buf_addc(path, '.');
		if (key)
			buf_addslice(path, key->text);
		else
			buf_addf(path, "%zu", i);
		r = convert(a, key ? v->pairs[i].value : v->items[i], source, path, &item,
			    e);
		buf_cut(path, n);
		if (r < 0)
			break;
		if (key)
			value_set_pair(a, made, value_copy(a, key), item);
		else
			value_add(a, made, item);
	}
	if (r == 0)
		*out = made;
	return r;
}

/* The first source that has something at a dotted path. */
static const char *owner(const struct tmpl *t, const struct value *const *keys, size_t nr)
{
	for (size_t i = 0; i < t->sources.nr; i++) {
		const struct value *v = t->sources.v[i].tree;

		for (size_t k = 0; v && k < nr; k++)
			v = v->kind == VALUE_MAP ? value_get_slice(v, keys[k]->text)
						 : NULL;
		if (v)
			return t->sources.v[i].name;
	}
	return "?";
}

struct merging {
	struct tmpl *t;
	const char *source;
	const struct value *keys[YAML_DEPTH_MAX + 2];
	size_t depth;
};

static int fail_merge(struct merging *m, struct err *e)
{
	struct buf path = {0};
	int r;

	for (size_t i = 0; i < m->depth; i++) {
		if (i)
			buf_addc(&path, '.');
		buf_addslice(&path, m->keys[i]->text);
	}
	m->t->fault = TMPL_MERGE;
	r = err_set(e, ERR_INVALID,
		    "cannot redefine '%s' from '%s' as it already exists in '%s'",
		    buf_str(&path), m->source, owner(m->t, m->keys, m->depth));
	buf_release(&path);
	return r;
}

static int merge_map(struct merging *m, struct value *into, const struct value *from,
		     struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->nr; i++) {
		const struct value *key = from->pairs[i].key;
		struct value *v = from->pairs[i].value;
		const struct value_pair *old = value_find(into, key);

		if (m->depth >= ARRAY_SIZE(m->keys))
			return err_set(e, ERR_INVALID, "variables nest too deep");
		m->keys[m->depth++] = key;
		if (!old)
			value_set_pair(m->t->arena, into, value_copy(m->t->arena, key),
				       value_copy(m->t->arena, v));
		else if (old->value->kind == VALUE_MAP && v->kind == VALUE_MAP)
			r = merge_map(m, old->value, v, e);
		else
			r = fail_merge(m, e);
		m->depth--;
	}
	return r;
}

static int fail_reserved(const struct tmpl *t, const struct value *tree, const char *item,
			 struct err *e)
{
	bool has_item = t->item && value_get(tree, "item");
	bool has_key = t->key && value_get(tree, "key");

	if (!has_item && !has_key)
		return 0;
	return err_set(e, ERR_INVALID, "attempted to modify reserved %s %s%s%s%s%s%s",
		       has_item && has_key ? "keys" : "key", has_item ? "item" : "",
		       has_item && has_key ? " and " : "", has_key ? "key" : "",
		       item ? " in '" : "", item ? item : "", item ? "'" : "");
}

static int merge(struct tmpl *t, const struct value *raw, const char *source,
		 const char *item, struct err *e)
{
	struct merging m = {.t = t, .source = source};
	struct buf path = {0};
	struct value *tree;
	int r;

	if (!tmpl_spend(t, 2 * weight(raw)))
		return tmpl_fail_budget(e);
	r = convert(t->arena, raw, source, &path, &tree, e);
	buf_release(&path);
	if (r < 0 || (r = fail_reserved(t, tree, item, e)) < 0 ||
	    (r = merge_map(&m, t->vars, tree, e)) < 0)
		return r;
	vec_push(&t->sources, ((struct tmpl_source){source, tree}));
	return 0;
}

/* ---- files --------------------------------------------------------------- */

static int parse_file(const char *path, struct slice text, struct arena *a,
		      struct value **out, struct err *e)
{
	size_t n = strlen(path);
	const char *kind = "YAML";
	int r;

	if (n >= 5 && strcasecmp(path + n - 5, ".json") == 0) {
		kind = "JSON";
		if (slice_trim(text).n == 0) {
			*out = value_map(a);
			return 0;
		}
		r = json_read(text, path, a, out, e);
	} else if (n >= 5 && strcasecmp(path + n - 5, ".toml") == 0) {
		kind = "TOML";
		r = toml_read(text, path, a, out, e);
	} else if (n >= 3 && strcasecmp(path + n - 3, ".py") == 0) {
		kind = "Python";
		r = pyvars_read(text, path, a, out, e);
	} else {
		r = yaml_read(text, path, a, out, e);
		if (r == 0 && !value_truthy(*out))
			*out = value_map(a);
	}
	return r < 0 ? err_ctx(e, r,
			       "unable to read: '%s', %s file structure is corrupted",
			       path, kind)
		     : 0;
}

static int read_file(struct tmpl *t, const char *path, const struct value **out,
		     struct err *e)
{
	struct tmpl_files *f = t->files;
	size_t *at = map_at(&f->at, slice_of(path)), known = *at;
	struct buf text = {0};
	struct value *v;
	bool is_dir = false;
	int r;

	if (known != MAP_NONE) {
		*out = f->v[known];
		return 0;
	}
	if (!t->tree->ops->exists(t->tree, path, &is_dir))
		return err_set(e, ERR_INVALID, "'%s' does not exist", path);
	if (is_dir)
		return err_set(e, ERR_INVALID, "'%s' is a directory", path);
	r = t->tree->ops->read(t->tree, path, NULL, &text, e);
	if (r == 0)
		r = parse_file(path, buf_slice(&text), &f->arena, &v, e);
	buf_release(&text);
	if (r < 0)
		return r;
	if (v->kind != VALUE_MAP)
		return err_set(e, ERR_INVALID,
			       "expected a dictionary, got '%s' in file '%s'",
			       tmpl_type_name(v), path);
	*map_at(&f->at, slice_of(path)) = f->nr;
	vec_push(f, v);
	*out = v;
	return 0;
}

static struct tmpl_import *find_import(struct tmpl *t, const char *path)
{
	for (size_t i = 0; i < t->imports.nr; i++)
		if (strcmp(t->imports.v[i].path, path) == 0)
			return &t->imports.v[i];
	return NULL;
}

static int check_loaded(struct tmpl *t, const struct tmpl_import *im, const char *item,
			const char **keys, size_t nr, struct err *e)
{
	bool twice = nr == 0 && !im->whole;

	t->fault = TMPL_LOADED;
	if (nr > 0 && im->whole)
		return err_set(e, ERR_INVALID,
			       "cannot partially load '%s' as it's already loaded.",
			       item);
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < im->nr; k++)
			twice |= strcmp(keys[i], im->keys[k]) == 0;
	if (twice)
		return err_set(e, ERR_INVALID,
			       "cannot load '%s' as it's partially loaded already", item);
	t->fault = TMPL_OTHER;
	return 0;
}

/* "path" or "path:key1,key2" */
static int split_item(struct tmpl *t, const char *item, const char *dir, char **path,
		      const char ***keys, size_t *nr)
{
	const char *colon = strchr(item, ':');
	struct slice rest = slice_of(colon ? colon + 1 : "");
	char *name = xmemdup0(item, colon ? (size_t)(colon - item) : strlen(item));
	char *joined = path_join(dir, name);

	*path = path_normal(joined);
	*nr = 0;
	*keys = arena_alloc(t->arena, (rest.n + 2) / 2 * sizeof(**keys) + sizeof(**keys));
	while (rest.p) {
		struct slice key = slice_cut(&rest, ',');

		if (key.n > 0)
			(*keys)[(*nr)++] = arena_strndup(t->arena, key.p, key.n);
	}
	free(name);
	free(joined);
	return 0;
}

static void note_import(struct tmpl *t, const char *path, const char **keys, size_t nr)
{
	struct tmpl_import *im = find_import(t, path);
	const char **all;

	if (!im) {
		vec_push(
			&t->imports,
			((struct tmpl_import){
				.path = path, .whole = nr == 0, .keys = keys, .nr = nr}));
		return;
	}
	all = arena_alloc(t->arena, (im->nr + nr + 1) * sizeof(*all));
	for (size_t i = 0; i < im->nr; i++)
		all[i] = im->keys[i];
	for (size_t i = 0; i < nr; i++)
		all[im->nr + i] = keys[i];
	im->keys = all;
	im->nr += nr;
}

static int merge_file(struct tmpl *t, const char *item, const char *dir, struct err *e)
{
	const struct value *tree = NULL;
	const struct tmpl_import *im;
	struct value *part;
	const char **keys, *kept;
	char *path = NULL;
	size_t nr;
	int r = split_item(t, item, dir, &path, &keys, &nr);

	if (r == 0 && (im = find_import(t, path))) {
		if (im->whole && nr == 0)
			goto out; /* the same whole file again is nothing new */
		r = check_loaded(t, im, item, keys, nr, e);
	}
	if (r < 0 || (r = read_file(t, path, &tree, e)) < 0)
		goto out;
	kept = arena_strdup(t->arena, path);
	if (nr > 0) {
		part = value_map(t->arena);
		for (size_t i = 0; r == 0 && i < nr; i++) {
			const struct value *v = value_get(tree, keys[i]);

			if (v)
				value_set(t->arena, part, keys[i],
					  value_copy(t->arena, v));
			else
				r = err_set(e, ERR_INVALID, "could not find '%s' in '%s'",
					    keys[i], path);
		}
		tree = part;
	}
	if (r == 0 && (r = merge(t, tree, kept, item, e)) == 0)
		note_import(t, kept, keys, nr);
out:
	free(path);
	return r;
}

int tmpl_load(struct tmpl *t, const struct value *vars, const char *dir,
	      const char *stage, struct err *e)
{
	int r = 0;

	t->fault = TMPL_OTHER;
	if (!stage) {
		char *def = path_join(dir, "params.yaml");

		if (t->tree->ops->exists(t->tree, def, NULL))
			r = merge_file(t, "params.yaml", dir, e);
		free(def);
	}
	for (size_t i = 0; r == 0 && vars && i < vars->nr; i++) {
		const struct value *v = vars->items[i];

		if (v->kind == VALUE_STR)
			r = merge_file(t, v->text.p, dir, e);
		else
			r = merge(t, v,
				  arena_printf(t->arena, "%s%svars[%zu]",
					       stage ? stage : "", stage ? "." : "", i),
				  NULL, e);
	}
	return r;
}
