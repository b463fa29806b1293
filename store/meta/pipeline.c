#include "store/meta/pipeline.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/fmt/value.h"
#include "store/meta/pipeline_impl.h"
#include "store/meta/pinned.h"
#include "store/meta/schema.h"
#include "store/meta/template.h"
#include "store/meta/tree.h"

#include <stdlib.h>

/* ---- telling where ------------------------------------------------------- */

/* "failed to parse WHAT in 'dvc.yaml':", then a space or a new line by fault. */
static int fail_in(struct loader *k, const char *what, int r, struct err *e)
{
	bool line = k->t.fault == TMPL_PARSE || k->t.fault == TMPL_MERGE ||
		    k->t.fault == TMPL_LOADED;
	struct err why;

	if (!e || r != ERR_INVALID)
		return r;
	why = *e;
	return err_set(e, r, "failed to parse %s in '%s':%s%s", what, k->file,
		       line ? "\n" : " ", why.text);
}

static int fail_at(struct loader *k, const char *name, const char *key, int r,
		   struct err *e)
{
	char *what = xasprintf("'stages.%s.%s'", name, key);

	r = fail_in(k, what, r, e);
	free(what);
	return r;
}

static int fail_stage(struct loader *k, const char *name, int r, struct err *e)
{
	char *what = xasprintf("stage '%s'", name);

	r = fail_in(k, what, r, e);
	free(what);
	return r;
}

static int refuse_interpolation(struct loader *k, const char *where, struct err *e)
{
	return err_set(e, ERR_INVALID,
		       "failed to parse '%s' in '%s': interpolating is not allowed",
		       where, k->file);
}

/* ---- one definition ------------------------------------------------------ */

/* Expressions are checked once a definition, before any of its stages is made. */
static int check_syntax(struct loader *k, const char *name, const struct value *def,
			struct err *e)
{
	for (size_t i = 0; i < def->nr; i++) {
		const char *key = value_text(def->pairs[i].key, "");
		int r;

		if (strcmp(key, "matrix") == 0)
			continue;
		k->t.fault = TMPL_OTHER;
		if ((r = tmpl_check(&k->t, def->pairs[i].value, e)) < 0)
			return fail_at(k, name, key, r, e);
	}
	return 0;
}

static int resolve_wdir(struct loader *k, struct tmpl *t, const char *name,
			const struct value *def, char **out, struct err *e)
{
	const struct value *wdir = value_get(def, "wdir");
	struct value *made;
	struct buf b = {0};
	char *joined;
	int r;

	if (!value_truthy(wdir)) {
		*out = xstrdup(k->dir);
		return 0;
	}
	t->fault = TMPL_OTHER;
	if ((r = tmpl_resolve(t, wdir, NULL, &made, e)) < 0) {
		k->t.fault = t->fault;
		return fail_at(k, name, "wdir", r, e);
	}
	tmpl_text(made, &b);
	joined = path_join(k->dir, buf_str(&b));
	*out = path_normal(joined);
	free(joined);
	buf_release(&b);
	return 0;
}

/* A stage's own vars, in a copy of the variables. */
static int own_vars(struct loader *k, struct tmpl *t, const char *name,
		    const struct value *def, struct err *e)
{
	const struct value *vars = value_get(def, "vars");
	char *wdir = NULL, *where;
	int r = resolve_wdir(k, t, name, def, &wdir, e);

	if (r < 0 || !vars)
		goto out;
	if (tmpl_is_interpolated(vars)) {
		where = xasprintf("stages.%s.vars", name);
		r = refuse_interpolation(k, where, e);
		free(where);
		goto out;
	}
	r = tmpl_load(t, vars, wdir, name, e);
	k->t.fault = t->fault;
	if (r < 0)
		r = t->fault == TMPL_LOADED ? fail_at(k, name, "vars", r, e)
					    : fail_stage(k, name, r, e);
out:
	free(wdir);
	return r;
}

static int resolve_keys(struct loader *k, struct tmpl *t, const char *name,
			const struct value *def, struct value *out, struct err *e)
{
	for (size_t i = 0; i < def->nr; i++) {
		const char *key = value_text(def->pairs[i].key, "");
		struct value *made;
		int r;

		if (strcmp(key, "vars") == 0 || strcmp(key, "matrix") == 0)
			continue;
		t->fault = TMPL_OTHER;
		r = tmpl_resolve(t, def->pairs[i].value, key, &made, e);
		k->t.fault = t->fault;
		if (r < 0)
			return fail_at(k, name, key, r, e);
		value_set(t->arena, out, key, made);
	}
	return 0;
}

/*
 * Make one stage: everything on the way lives in an arena of its own, so that a
 * hundred thousand of them cost what they leave behind.
 */
static int make_stage(struct loader *k, const char *name, const struct value *def,
		      bool generated, struct err *e)
{
	struct arena scratch = {0};
	struct tmpl own = {0}, *t = &k->t;
	struct value *resolved;
	struct arena *arena = k->t.arena;
	int r = 0;

	if (k->made++ >= PIPELINE_STAGES_MAX)
		return err_set(e, ERR_INVALID, "'%s': more than %d stages", k->file,
			       PIPELINE_STAGES_MAX);
	if (value_get(def, "vars")) {
		if ((r = tmpl_clone(&own, &k->t, &scratch, e)) < 0)
			goto out;
		t = &own;
	}
	t->arena = &scratch;
	t->used = false;
	resolved = value_map(&scratch);
	if ((r = own_vars(k, t, name, def, e)) == 0 &&
	    (r = resolve_keys(k, t, name, def, resolved, e)) == 0)
		r = stage_from_value(k, name, resolved, generated || t->used, e);
out:
	tmpl_release(&own);
	k->t.arena = arena;
	arena_release(&scratch);
	return r;
}

/* ---- foreach and matrix -------------------------------------------------- */

static void warn_overwritten(struct loader *k, const char *name, bool with_key)
{
	bool item = tmpl_has(&k->t, "item"), key = with_key && tmpl_has(&k->t, "key");
	char *text;

	if ((!item && !key) || !k->extra || !k->extra->warnings)
		return;
	text = xasprintf("%s%s%s %s already specified, will be overwritten for stages "
			 "generated from '%s'",
			 item ? "item" : "", item && key ? " and " : "", key ? "key" : "",
			 item && key ? "are" : "is", name);
	strvec_take(k->extra->warnings, text);
}

struct generated {
	struct map at; /* key -> index: of equal keys the last value wins */
	struct pair {
		const char *key;
		const struct value *item;
	} * v;
	size_t nr, cap;
};

static void generated_release(struct generated *g)
{
	map_release(&g->at);
	vec_release(g);
}

static void generated_put(struct loader *k, struct generated *g, const char *key,
			  const struct value *item)
{
	size_t *at = map_at(&g->at, slice_of(key));

	if (*at == MAP_NONE) {
		*at = g->nr;
		vec_push(g, ((struct pair){arena_strdup(&k->data, key), item}));
	} else {
		g->v[*at].item = item;
	}
}

static int make_generated(struct loader *k, const char *name, const struct value *def,
			  const struct generated *g, bool with_key, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->nr; i++) {
		char *full = xasprintf("%s@%s", name, g->v[i].key);

		k->t.item = g->v[i].item;
		k->t.key = with_key ? value_cstr(&k->data, g->v[i].key) : NULL;
		r = make_stage(k, full, def, true, e);
		free(full);
	}
	k->t.item = k->t.key = NULL;
	return r;
}

static bool is_composite(const struct value *v)
{
	return v->kind == VALUE_LIST || v->kind == VALUE_MAP || v->kind == VALUE_TUPLE;
}

static int resolve_data(struct loader *k, const char *name, const char *key,
			const struct value *raw, struct value **out, struct err *e)
{
	int r;

	k->t.arena = &k->data;
	k->t.fault = TMPL_OTHER;
	if ((r = tmpl_check(&k->t, raw, e)) < 0 ||
	    (r = tmpl_resolve(&k->t, raw, NULL, out, e)) < 0)
		return fail_at(k, name, key, r, e);
	return 0;
}

static int expand_foreach(struct loader *k, const char *name, const struct value *def,
			  struct err *e)
{
	const struct value *body = value_get(def, "do");
	struct generated g = {0};
	struct buf text = {0};
	struct value *data;
	bool composite = false;
	int r = resolve_data(k, name, "foreach", value_get(def, "foreach"), &data, e);

	if (r < 0)
		return r;
	if (!is_composite(data))
		return err_set(e, ERR_INVALID,
			       "failed to resolve 'stages.%s.foreach' in '%s': expected "
			       "list/dictionary, got %s",
			       name, k->file, tmpl_type_name(data));
	warn_overwritten(k, name, data->kind == VALUE_MAP);
	for (size_t i = 0; data->kind != VALUE_MAP && i < data->nr; i++)
		composite |= is_composite(data->items[i]);
	for (size_t i = 0; i < data->nr; i++) {
		buf_reset(&text);
		if (data->kind == VALUE_MAP)
			tmpl_text(data->pairs[i].key, &text);
		else if (composite)
			buf_addf(&text, "%zu", i);
		else
			tmpl_text(data->items[i], &text);
		generated_put(k, &g, buf_str(&text),
			      data->kind == VALUE_MAP ? data->pairs[i].value
						      : data->items[i]);
	}
	if ((r = check_syntax(k, name, body, e)) == 0)
		r = make_generated(k, name, body, &g, data->kind == VALUE_MAP, e);
	buf_release(&text);
	generated_release(&g);
	return r;
}

/* What Python finds when it walks an axis: items, a map's keys, a text's letters. */
static int axis_items(struct loader *k, const char *name, const struct value *axis,
		      struct value **out, struct err *e)
{
	struct value *list = value_list(&k->data);

	if (axis->kind == VALUE_LIST || axis->kind == VALUE_TUPLE) {
		for (size_t i = 0; i < axis->nr; i++)
			value_add(&k->data, list, axis->items[i]);
	} else if (axis->kind == VALUE_MAP) {
		for (size_t i = 0; i < axis->nr; i++)
			value_add(&k->data, list, axis->pairs[i].key);
	} else {
		return err_set(e, ERR_INVALID,
			       "failed to resolve 'stages.%s.matrix' in '%s': expected "
			       "list, got %s",
			       name, k->file, tmpl_type_name(axis));
	}
	*out = list;
	return 0;
}

static int multiply(struct loader *k, const char *name, const struct value *data,
		    struct value **axes, struct generated *g, struct err *e)
{
	size_t total = 1;
	size_t *at;
	struct buf text = {0};

	for (size_t i = 0; i < data->nr; i++) {
		if (axes[i]->nr == 0)
			return 0; /* an empty axis makes nothing, whatever the others */
	}
	for (size_t i = 0; i < data->nr; i++) {
		total *= axes[i]->nr;
		if (total > PIPELINE_STAGES_MAX)
			return err_set(
				e, ERR_INVALID,
				"'%s': the matrix of '%s' makes more than %d stages",
				k->file, name, PIPELINE_STAGES_MAX);
	}
	at = xcalloc(data->nr + 1, sizeof(*at));
	for (size_t n = 0; n < total; n++) {
		struct value *item = value_map(&k->data);
		size_t rest = n;

		for (size_t i = data->nr; i > 0; i--) { /* the last axis is the fastest */
			at[i - 1] = rest % axes[i - 1]->nr;
			rest /= axes[i - 1]->nr;
		}
		buf_reset(&text);
		for (size_t i = 0; i < data->nr; i++) {
			struct value *v = axes[i]->items[at[i]];

			if (i)
				buf_addc(&text, '-');
			if (is_composite(v)) {
				tmpl_text(data->pairs[i].key, &text);
				buf_addf(&text, "%zu", at[i]);
			} else {
				tmpl_text(v, &text);
			}
			value_set_pair(&k->data, item, data->pairs[i].key, v);
		}
		if (!tmpl_spend(&k->t, 128 * (data->nr + 1) + text.n)) {
			free(at);
			buf_release(&text);
			return tmpl_fail_budget(e);
		}
		generated_put(k, g, buf_str(&text), item);
	}
	free(at);
	buf_release(&text);
	return 0;
}

static int expand_matrix(struct loader *k, const char *name, const struct value *def,
			 struct err *e)
{
	struct generated g = {0};
	struct value *data, **axes = NULL;
	int r = resolve_data(k, name, "matrix", value_get(def, "matrix"), &data, e);

	if (r < 0)
		return r;
	warn_overwritten(k, name, true);
	axes = xcalloc(data->nr + 1, sizeof(*axes));
	for (size_t i = 0; r == 0 && i < data->nr; i++)
		r = axis_items(k, name, data->pairs[i].value, &axes[i], e);
	if (r == 0)
		r = multiply(k, name, data, axes, &g, e);
	if (r == 0 && (r = check_syntax(k, name, def, e)) == 0)
		r = make_generated(k, name, def, &g, true, e);
	free(axes);
	generated_release(&g);
	return r;
}

static int expand(struct loader *k, const char *name, const struct value *def,
		  struct err *e)
{
	int r;

	if (value_get(def, "matrix"))
		return expand_matrix(k, name, def, e);
	if (value_get(def, "foreach"))
		return expand_foreach(k, name, def, e);
	if ((r = check_syntax(k, name, def, e)) < 0)
		return r;
	return make_stage(k, name, def, false, e);
}

/* ---- what stands beside the stages --------------------------------------- */

static void note_path(struct loader *k, struct strvec *out, const struct value *v)
{
	char *joined, *normal;

	if (!out || v->kind != VALUE_STR || v->text.n == 0)
		return;
	joined = path_join(k->dir, v->text.p);
	normal = path_normal(joined);
	strvec_push(out, normal);
	free(joined);
	free(normal);
}

/* An entry of plots: an id that is a path, or a name with files under y. */
static void note_plot(struct loader *k, struct strvec *out, const struct value *v)
{
	const struct value *y;

	if (v->kind != VALUE_MAP || v->nr == 0) {
		note_path(k, out, v);
		return;
	}
	y = value_get(v->pairs[0].value, "y");
	if (!value_is(y, VALUE_MAP)) {
		note_path(k, out, v->pairs[0].key);
		return;
	}
	for (size_t i = 0; i < y->nr; i++)
		note_path(k, out, y->pairs[i].key);
}

static int resolve_section(struct loader *k, const struct value *root,
			   const char *section, struct strvec *out, struct err *e)
{
	const struct value *list = value_get(root, section);
	int r = 0;

	for (size_t i = 0; r == 0 && list && i < list->nr; i++) {
		bool is_map = list->kind == VALUE_MAP;
		const struct value *raw = is_map ? list->pairs[i].value : list->items[i];
		struct value *made;
		char *what;

		k->t.arena = &k->data;
		k->t.fault = TMPL_OTHER;
		if ((r = tmpl_check(&k->t, raw, e)) == 0 &&
		    (r = tmpl_resolve(&k->t, raw, NULL, &made, e)) == 0) {
			if (strcmp(section, "plots") == 0)
				note_plot(k, out, made);
			else
				note_path(k, out, made);
			continue;
		}
		what = is_map ? xasprintf("'%s.%s'", section,
					  value_text(list->pairs[i].key, ""))
			      : xasprintf("'%s.%zu'", section, i);
		r = fail_in(k, what, r, e);
		free(what);
	}
	return r;
}

static int resolve_extra(struct loader *k, const struct value *root, struct err *e)
{
	struct pipeline_extra none = {0}, *x = k->extra ? k->extra : &none;
	const struct value *sets = value_get(root, "datasets");
	int r;

	if ((r = resolve_section(k, root, "artifacts", NULL, e)) < 0 ||
	    (value_is(sets, VALUE_LIST) &&
	     (r = resolve_section(k, root, "datasets", NULL, e)) < 0) ||
	    (r = resolve_section(k, root, "metrics", x->metrics, e)) < 0 ||
	    (r = resolve_section(k, root, "params", x->params, e)) < 0 ||
	    (r = resolve_section(k, root, "plots", x->plots, e)) < 0)
		return r;
	return 0;
}

/* ---- the file ------------------------------------------------------------ */

static int load_root(struct loader *k, const struct value *root, struct err *e)
{
	const struct value *vars = value_get(root, "vars");
	const struct value *stages = value_get(root, "stages");
	int r;

	if (vars && tmpl_is_interpolated(vars))
		return refuse_interpolation(k, "vars", e);
	if ((r = tmpl_load(&k->t, vars, k->dir, NULL, e)) < 0)
		return fail_in(k, "'vars'", r, e);
	for (size_t i = 0; r == 0 && stages && i < stages->nr; i++)
		r = expand(k, value_text(stages->pairs[i].key, ""),
			   stages->pairs[i].value, e);
	return r < 0 ? r : resolve_extra(k, root, e);
}

int pipeline_parse(struct stages *s, struct tree *t, const char *file, struct slice yaml,
		   struct slice lock, unsigned flags, struct pipeline_extra *extra,
		   struct err *e)
{
	struct loader k = {.s = s, .file = file, .extra = extra, .yaml = yaml};
	size_t budget = PIPELINE_TOTAL_MAX, before = s->nr;
	struct slice dir = path_dir(file);
	struct tmpl_files files = {0};
	struct value *root = NULL, *lock_root = NULL;
	char *lock_file = lockfile_path(file);
	int r;

	k.dir = slice_is(dir, ".") ? xstrdup("") : xmemdup0(dir.p, dir.n);
	k.t = (struct tmpl){.tree = t,
			    .arena = &k.data,
			    .flags = flags,
			    .budget = &budget,
			    .files = &files};
	k.t.vars = value_map(&k.data);
	if ((r = schema_read(&dvcyaml_schema, yaml, file, &k.source, &root, e)) < 0 ||
	    (lock.p && (r = lock_read(lock, lock_file, &k.source, &lock_root, e)) < 0))
		goto out;
	k.lock = value_get(lock_root, "stages");
	/* An empty file has no stages; but params.yaml must still be sound. */
	r = load_root(&k, root, e);
out:
	if (r < 0)
		s->nr = before;
	s->indexed = false;
	tmpl_release(&k.t);
	tmpl_files_release(&files);
	arena_release(&k.data);
	arena_release(&k.source);
	free(k.dir);
	free(lock_file);
	return r;
}

int pipeline_load(struct stages *s, struct tree *t, const char *file, unsigned flags,
		  struct pipeline_extra *extra, struct err *e)
{
	struct buf yaml = {0}, lock = {0};
	char *lock_file = lockfile_path(file);
	struct slice lock_text = {0};
	int r = tree_read(t, file, &yaml, e);

	if (r < 0)
		goto out;
	if (t->ops->git_ignored(t, lock_file, false)) {
		r = err_set(e, ERR_INVALID, "'%s%s%s' is git-ignored.",
			    t->root ? t->root : "", t->root ? "/" : "", lock_file);
		goto out;
	}
	if (t->ops->exists(t, lock_file, NULL)) {
		if ((r = tree_read(t, lock_file, &lock, e)) < 0)
			goto out;
		lock_text = (struct slice){buf_str(&lock), lock.n};
	}
	r = pipeline_parse(s, t, file, buf_slice(&yaml), lock_text, flags, extra, e);
out:
	free(lock_file);
	buf_release(&yaml);
	buf_release(&lock);
	return r;
}
