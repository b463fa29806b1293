/* The schema of dvc.yaml, and a resolved definition as a stage. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/fmt/value.h"
#include "store/meta/pipeline_impl.h"
#include "store/meta/schema.h"

#include <stdlib.h>

/* ---- schema -------------------------------------------------------------- */

#define FLAG_KEYS                                                                        \
	{"desc", &schema_str, false}, {"type", &schema_str, false},                      \
		{"labels", &schema_str_list, false}, {"meta", &schema_any, false},       \
		{"cache", &schema_bool, false}, {"persist", &schema_bool, false},        \
		{"checkpoint", &schema_bool, false}, {"remote", &schema_str, false},     \
	{                                                                                \
		"push", &schema_bool, false                                              \
	}
#define PLOT_KEYS                                                                        \
	{"template", &schema_str, false}, {"x", &schema_str, false},                     \
		{"y", &schema_str, false}, {"x_label", &schema_str, false},              \
		{"y_label", &schema_str, false}, {"title", &schema_str, false},          \
	{                                                                                \
		"header", &schema_bool, false                                            \
	}

static const struct schema str_or_list = {.accepts = ACCEPT_STR | ACCEPT_LIST};
static const struct schema str_or_dict = {.accepts = ACCEPT_STR | ACCEPT_MAP};
static const struct schema vars_schema = {.accepts = ACCEPT_LIST, .item = &str_or_dict};

static const struct schema_key flag_keys[] = {FLAG_KEYS, {0}};
static const struct schema flags_schema = {.accepts = ACCEPT_MAP, .keys = flag_keys};
static const struct schema out_item = {.accepts = ACCEPT_STR | ACCEPT_MAP,
				       .value = &flags_schema};
static const struct schema outs_schema = {.accepts = ACCEPT_LIST, .item = &out_item};

static const struct schema_key prop_keys[] = {FLAG_KEYS, PLOT_KEYS, {0}};
static const struct schema props_map = {.accepts = ACCEPT_MAP, .keys = prop_keys};
static const struct schema props_schema = {
	.accepts = ACCEPT_MAP | ACCEPT_LIST, .keys = prop_keys, .item = &props_map};
static const struct schema plot_item = {.accepts = ACCEPT_STR | ACCEPT_MAP,
					.value = &props_schema};
static const struct schema plots_schema = {.accepts = ACCEPT_LIST, .item = &plot_item};

static const struct schema matrix_schema = {.accepts = ACCEPT_MAP, .value = &str_or_list};

#define STAGE_KEYS                                                                       \
	{"matrix", &matrix_schema, false}, {"cmd", &str_or_list, true},                  \
		{"wdir", &schema_str, false}, {"deps", &schema_str_list, false},         \
		{"params", &vars_schema, false}, {"vars", &vars_schema, false},          \
		{"frozen", &schema_bool, false}, {"meta", &schema_any, false},           \
		{"desc", &schema_str, false}, {"always_changed", &schema_bool, false},   \
		{"outs", &outs_schema, false}, {"metrics", &outs_schema, false},         \
	{                                                                                \
		"plots", &plots_schema, false                                            \
	}

static const struct schema_key stage_keys[] = {STAGE_KEYS, {0}};
static const struct schema stage_only = {.accepts = ACCEPT_MAP, .keys = stage_keys};
static const struct schema foreach_data = {.accepts =
						   ACCEPT_MAP | ACCEPT_LIST | ACCEPT_STR};
static const struct schema_key foreach_keys[] = {
	{"foreach", &foreach_data, true},
	{"do", &stage_only, true},
	{0},
};
static const struct schema foreach_schema = {.accepts = ACCEPT_MAP, .keys = foreach_keys};
static const char *const foreach_names[] = {"foreach", "do", NULL};
static const struct schema stage_schema = {.accepts = ACCEPT_MAP,
					   .keys = stage_keys,
					   .alt = &foreach_schema,
					   .alt_if = foreach_names};
static const struct schema stages_schema = {.accepts = ACCEPT_MAP,
					    .value = &stage_schema};

static const struct schema str_list_or_str = {.accepts = ACCEPT_STR | ACCEPT_LIST,
					      .item = &schema_str};
static const struct schema x_schema = {.accepts = ACCEPT_STR | ACCEPT_MAP,
				       .value = &schema_str};
static const struct schema y_schema = {.accepts = ACCEPT_STR | ACCEPT_LIST | ACCEPT_MAP,
				       .item = &schema_str,
				       .value = &str_list_or_str};
static const struct schema_key top_plot_keys[] = {
	{"x", &x_schema, false},
	{"y", &y_schema, false},
	{"x_label", &schema_str, false},
	{"y_label", &schema_str, false},
	{"title", &schema_str, false},
	{"template", &schema_str, false},
	{0},
};
static const struct schema top_plot = {.accepts = ACCEPT_MAP | ACCEPT_NULL,
				       .keys = top_plot_keys};
static const struct schema top_plot_item = {.accepts = ACCEPT_STR | ACCEPT_MAP,
					    .value = &top_plot};
static const struct schema top_plots = {.accepts = ACCEPT_LIST, .item = &top_plot_item};

static const struct schema_key artifact_keys[] = {
	{"path", &schema_str, true},  {"desc", &schema_str, false},
	{"type", &schema_str, false}, {"labels", &schema_str_list, false},
	{"meta", &schema_any, false}, {0},
};
static const struct schema artifact = {.accepts = ACCEPT_MAP, .keys = artifact_keys};
static const struct schema artifacts = {.accepts = ACCEPT_MAP, .value = &artifact};

static const struct schema_key root_keys[] = {
	{"stages", &stages_schema, false},   {"vars", &vars_schema, false},
	{"params", &schema_str_list, false}, {"metrics", &schema_str_list, false},
	{"plots", &top_plots, false},	     {"artifacts", &artifacts, false},
	{"datasets", &schema_any, false},    {0},
};
const struct schema dvcyaml_schema = {.accepts = ACCEPT_MAP, .keys = root_keys};

/* ---- pieces -------------------------------------------------------------- */

static const char *text_of(struct stages *s, const struct value *v)
{
	const char *text = value_text(v, NULL);

	return text && text[0] ? arena_strdup(&s->arena, text) : NULL;
}

static bool flag(const struct value *v, bool def)
{
	return value_is(v, VALUE_BOOL) ? v->b : def;
}

static int fail_kind(struct loader *k, const char *name, const char *key,
		     const struct value *v, struct err *e)
{
	return err_set(e, ERR_INVALID, "'%s': stage '%s': %s: '%s' not supported.",
		       k->file, name, key, tmpl_type_name(v));
}

static int read_cmd(struct loader *k, struct stage *st, const struct value *v,
		    struct err *e)
{
	struct arena *a = &k->s->arena;
	struct buf b = {0};
	const char **cmd;

	if (!value_truthy(v))
		return 0; /* nothing to run: a data source in a dvc.yaml */
	if (v->kind != VALUE_LIST) {
		/* A number or a map from a lone ${} loads; running it is what fails. */
		if (v->kind == VALUE_MAP)
			buf_adds(&b, "${}");
		else
			tmpl_text(v, &b);
		cmd = arena_alloc(a, 2 * sizeof(*cmd));
		cmd[0] = arena_strndup(a, b.n ? b.p : "", b.n);
		st->cmd = cmd;
		buf_release(&b);
		return 0;
	}
	cmd = arena_alloc(a, (v->nr + 1) * sizeof(*cmd));
	for (size_t i = 0; i < v->nr; i++) {
		const struct value *item = v->items[i];

		if (item->kind == VALUE_LIST || item->kind == VALUE_MAP) {
			buf_release(&b);
			return fail_kind(k, st->name, "cmd", item, e);
		}
		buf_reset(&b);
		tmpl_text(item, &b);
		cmd[i] = arena_strndup(a, b.n ? b.p : "", b.n);
	}
	buf_release(&b);
	st->cmd = cmd;
	st->cmd_is_list = true;
	return 0;
}

/* Entries of one list by path: the same path again adds its flags. */
struct out_set {
	struct map at;
	struct out_entry {
		const char *path;
		VEC_OF(const struct value *) flags;
	} * v;
	size_t nr, cap;
};

static void out_set_release(struct out_set *set)
{
	for (size_t i = 0; i < set->nr; i++)
		vec_release(&set->v[i].flags);
	vec_release(set);
	map_release(&set->at);
}

static void out_set_put(struct out_set *set, const char *path, const struct value *flags)
{
	size_t *at = map_at(&set->at, slice_of(path));

	if (*at == MAP_NONE) {
		*at = set->nr;
		vec_push(set, ((struct out_entry){.path = path}));
	}
	if (flags)
		vec_push(&set->v[*at].flags, flags);
}

static int gather_outs(struct loader *k, const char *name, const char *key,
		       const struct value *list, struct out_set *set, struct err *e)
{
	for (size_t i = 0; list && i < list->nr; i++) {
		const struct value *v = list->items[i];

		if (v->kind == VALUE_STR) {
			out_set_put(set, v->text.p, NULL);
			continue;
		}
		if (v->kind != VALUE_MAP)
			return fail_kind(k, name, key, v, e);
		for (size_t j = 0; j < v->nr; j++) {
			const struct value *path = v->pairs[j].key;
			const struct value *flags = v->pairs[j].value;

			if (path->kind != VALUE_STR)
				return fail_kind(k, name, key, path, e);
			if (flags->kind != VALUE_MAP)
				return err_set(
					e, ERR_INVALID,
					"'%s': stage '%s': Expected dict for '%s', "
					"got: '%s'",
					k->file, name, path->text.p,
					tmpl_type_name(flags));
			out_set_put(set, path->text.p, flags);
		}
	}
	return 0;
}

static const struct value *find_flag(const struct out_entry *en, const char *key)
{
	for (size_t i = en->flags.nr; i > 0; i--) {
		const struct value *v = value_get(en->flags.v[i - 1], key);

		if (v)
			return v;
	}
	return NULL;
}

static const char *const *labels_of(struct stages *s, const struct value *v)
{
	const char **out;

	if (!value_is(v, VALUE_LIST) || v->nr == 0)
		return NULL;
	out = arena_alloc(&s->arena, (v->nr + 1) * sizeof(*out));
	for (size_t i = 0; i < v->nr; i++)
		out[i] = arena_strdup(&s->arena, value_text(v->items[i], ""));
	return out;
}

static const struct value *plot_props(struct stages *s, const struct out_entry *en)
{
	struct value *props = NULL;

	for (size_t i = 0; i < en->flags.nr; i++) {
		const struct value *map = en->flags.v[i];

		for (size_t j = 0; j < map->nr; j++) {
			const char *key = value_text(map->pairs[j].key, "");
			bool is_flag = false;

			for (const struct schema_key *f = flag_keys; f->name; f++)
				is_flag |= strcmp(f->name, key) == 0;
			if (is_flag)
				continue;
			if (!props)
				props = value_map(&s->arena);
			value_set(&s->arena, props, key,
				  value_copy(&s->arena, map->pairs[j].value));
		}
	}
	return props;
}

static int fill_out(struct loader *k, struct stage *st, struct out *o,
		    const struct out_entry *en, const char *list, struct err *e)
{
	struct stages *s = k->s;
	const struct value *meta = find_flag(en, "meta");

	o->cache = flag(find_flag(en, "cache"), true);
	o->persist = flag(find_flag(en, "persist"), false);
	o->push = flag(find_flag(en, "push"), true);
	o->remote = text_of(s, find_flag(en, "remote"));
	o->desc = text_of(s, find_flag(en, "desc"));
	o->type = text_of(s, find_flag(en, "type"));
	o->labels = labels_of(s, find_flag(en, "labels"));
	o->meta = value_truthy(meta) ? value_copy(&s->arena, meta) : NULL;
	o->is_metric = strcmp(list, "metrics") == 0;
	o->is_plot = strcmp(list, "plots") == 0;
	if (o->is_plot)
		o->plot_props = plot_props(s, en);
	return stage_place(s, st, &o->at, en->path, true, o->cache, e);
}

static int read_outs(struct loader *k, struct stage *st, const struct value *def,
		     struct err *e)
{
	static const char *const lists[] = {"outs", "metrics", "plots"};
	struct out_set sets[3] = {
		{{0}, NULL, 0, 0}, {{0}, NULL, 0, 0}, {{0}, NULL, 0, 0}};
	size_t nr = 0, n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < 3; i++) {
		r = gather_outs(k, st->name, lists[i], value_get(def, lists[i]), &sets[i],
				e);
		nr += sets[i].nr;
	}
	if (r == 0)
		(void)stage_alloc_outs(k->s, st, nr); /* st->outs */
	for (size_t i = 0; r == 0 && i < 3; i++)
		for (size_t j = 0; r == 0 && j < sets[i].nr; j++)
			r = fill_out(k, st, &st->outs[n++], &sets[i].v[j], lists[i], e);
	for (size_t i = 0; i < 3; i++)
		out_set_release(&sets[i]);
	return r;
}

/* ---- params -------------------------------------------------------------- */

struct param_set {
	struct map at;
	struct param_file {
		const char *path;
		bool whole;
		VEC_OF(const char *) keys;
	} * v;
	size_t nr, cap;
};

static struct param_file *param_file(struct param_set *set, const char *path)
{
	size_t *at = map_at(&set->at, slice_of(path));

	if (*at == MAP_NONE) {
		*at = set->nr;
		vec_push(set, ((struct param_file){.path = path}));
	}
	return &set->v[*at];
}

static void param_set_release(struct param_set *set)
{
	for (size_t i = 0; i < set->nr; i++)
		vec_release(&set->v[i].keys);
	vec_release(set);
	map_release(&set->at);
}

/* A key, as Python's list of declared ones would hold it. */
static int add_key(struct loader *k, const char *name, struct param_file *f,
		   const struct value *v, struct err *e)
{
	struct buf b = {0};

	if (v->kind == VALUE_LIST || v->kind == VALUE_MAP)
		return fail_kind(k, name, "params", v, e);
	tmpl_text(v, &b);
	vec_push(&f->keys, arena_strndup(&k->s->arena, b.n ? b.p : "", b.n));
	buf_release(&b);
	return 0;
}

static int gather_params(struct loader *k, const char *name, const struct value *list,
			 struct param_set *set, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->nr; i++) {
		const struct value *v = list->items[i];

		if (v->kind == VALUE_STR) {
			r = add_key(k, name, param_file(set, "params.yaml"), v, e);
			continue;
		}
		if (v->kind != VALUE_MAP)
			return fail_kind(k, name, "params", v, e);
		for (size_t j = 0; r == 0 && j < v->nr; j++) {
			const struct value *keys = v->pairs[j].value;
			struct param_file *f;

			if (v->pairs[j].key->kind != VALUE_STR)
				return fail_kind(k, name, "params", v->pairs[j].key, e);
			f = param_file(set, v->pairs[j].key->text.p);
			if (!value_truthy(keys)) {
				f->whole = true;
			} else if (keys->kind != VALUE_LIST) {
				return err_set(
					e, ERR_INVALID,
					"'%s': stage '%s': Expected list of params "
					"for custom params file '%s', got '%s'.",
					k->file, name, f->path, tmpl_type_name(keys));
			} else {
				for (size_t n = 0; r == 0 && n < keys->nr; n++)
					r = add_key(k, name, f, keys->items[n], e);
			}
		}
	}
	return r;
}

static int fill_params(struct loader *k, struct stage *st, struct dep *d,
		       const struct param_file *f, struct err *e)
{
	d->is_params = true;
	d->whole_file = f->whole;
	if (!f->whole && f->keys.nr > 0) {
		d->params = arena_alloc(&k->s->arena, f->keys.nr * sizeof(*d->params));
		d->params_nr = f->keys.nr;
		for (size_t i = 0; i < f->keys.nr; i++)
			d->params[i].key = f->keys.v[i];
	}
	return stage_place(k->s, st, &d->at, f->path, false, false, e);
}

static int read_deps(struct loader *k, struct stage *st, const struct value *def,
		     struct err *e)
{
	const struct value *deps = value_get(def, "deps"),
			   *params = value_get(def, "params");
	struct param_set set = {0};
	size_t nr = deps ? deps->nr : 0;
	int r = params ? gather_params(k, st->name, params, &set, e) : 0;

	if (r == 0)
		(void)stage_alloc_deps(k->s, st, nr + set.nr); /* st->deps */
	for (size_t i = 0; r == 0 && i < nr; i++) {
		const struct value *v = deps->items[i];
		struct dep *d = &st->deps[i];

		if (v->kind != VALUE_STR) {
			r = fail_kind(k, st->name, "deps", v, e);
		} else if (slice_starts(v->text, "ds://")) {
			d->at.text = arena_strdup(&k->s->arena, v->text.p);
			d->dataset = d->at.text + 5;
		} else {
			r = stage_place(k->s, st, &d->at, v->text.p, false, false, e);
		}
	}
	for (size_t i = 0; r == 0 && i < set.nr; i++)
		r = fill_params(k, st, &st->deps[nr + i], &set.v[i], e);
	param_set_release(&set);
	return r;
}

/* ---- the stage ----------------------------------------------------------- */

int stage_from_value(struct loader *k, const char *name, const struct value *def,
		     bool parametrized, struct err *e)
{
	struct stages *s = k->s;
	struct stage *st = stages_add(s, k->file);
	const struct value *wdir = value_get(def, "wdir"), *meta = value_get(def, "meta");
	const struct value *entry = NULL;
	int r = 0;

	st->kind = STAGE_PIPELINE;
	st->name = arena_strdup(&s->arena, name);
	st->is_parametrized = parametrized;
	st->line = def->span.line;
	st->frozen = flag(value_get(def, "frozen"), false);
	st->always_changed = flag(value_get(def, "always_changed"), false);
	st->desc = text_of(s, value_get(def, "desc"));
	st->meta = value_truthy(meta) ? value_copy(&s->arena, meta) : NULL;
	if (wdir && wdir->kind != VALUE_STR)
		r = fail_kind(k, name, "wdir", wdir, e);
	else if (wdir && wdir->text.n > 0)
		r = stage_set_wdir(s, st, wdir->text.p, e);
	if (r < 0 || (r = read_cmd(k, st, value_get(def, "cmd"), e)) < 0 ||
	    (r = read_deps(k, st, def, e)) < 0 || (r = read_outs(k, st, def, e)) < 0)
		return r;
	if (k->lock)
		entry = value_get(k->lock, name);
	return entry ? lock_fill(s, st, entry, e) : 0;
}
