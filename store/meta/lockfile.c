/* dvc.lock: read strictly, written an entry at a time. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pinned.h"
#include "store/meta/pipeline_impl.h"
#include "store/meta/schema.h"

#include <stdlib.h>

/* ---- schema -------------------------------------------------------------- */

static const struct schema str_or_list = {.accepts = ACCEPT_STR | ACCEPT_LIST};
static const struct schema_key data_keys[] = {
	{"path", &schema_str, true},
	{"hash", &schema_str, false},
	{"md5", &schema_checksum, false},
	{"etag", &schema_checksum, false},
	{"checksum", &schema_checksum, false},
	{"size", &schema_int, false},
	{"nfiles", &schema_int, false},
	{"isexec", &schema_bool, false},
	{"version_id", &schema_str, false},
	{"cloud", &schema_cloud, false},
	{"files", &schema_files, false},
	{"dataset", &schema_dict, false},
	{0},
};
static const struct schema data_schema = {.accepts = ACCEPT_MAP, .keys = data_keys};
static const struct schema data_list = {.accepts = ACCEPT_LIST, .item = &data_schema};
static const struct schema param_values = {.accepts = ACCEPT_MAP, .value = &schema_any};
static const struct schema params_schema = {.accepts = ACCEPT_MAP,
					    .value = &param_values};
static const struct schema_key entry_keys[] = {
	{"cmd", &str_or_list, true},
	{"deps", &data_list, false},
	{"params", &params_schema, false},
	{"outs", &data_list, false},
	{0},
};
static const struct schema entry_schema = {.accepts = ACCEPT_MAP, .keys = entry_keys};
static const struct schema entries_schema = {.accepts = ACCEPT_MAP,
					     .value = &entry_schema};
static const struct schema version_schema = {.accepts = ACCEPT_STR, .equal = "2.0"};
static const struct schema_key lock_keys[] = {
	{"schema", &version_schema, true},
	{"datasets", &schema_any, false},
	{"stages", &entries_schema, false},
	{0},
};
static const struct schema lock_schema = {.accepts = ACCEPT_MAP, .keys = lock_keys};

int lock_read(struct slice text, const char *file, struct arena *a, struct value **root,
	      struct err *e)
{
	int r = schema_read(&lock_schema, text, file, a, root, e);

	/* A lock that is there must say which it is; an empty one does not. */
	if (r == 0 && !*root)
		return schema_fail(file, text, NULL, "schema",
				   "required key not provided", e);
	return r;
}

char *lockfile_path(const char *dvcyaml)
{
	size_t n = strlen(dvcyaml);

	if (slice_ends(slice_of(dvcyaml), ".yaml"))
		n -= 5;
	return xasprintf("%.*s.lock", (int)n, dvcyaml);
}

/* ---- filling a stage ----------------------------------------------------- */

static const char *const *cmd_list(struct arena *a, const struct value *v, bool *is_list)
{
	size_t nr = v->kind == VALUE_LIST ? v->nr : 1;
	const char **out = arena_alloc(a, (nr + 1) * sizeof(*out));
	struct buf b = {0};

	*is_list = v->kind == VALUE_LIST;
	for (size_t i = 0; i < nr; i++) {
		const struct value *item = *is_list ? v->items[i] : v;

		buf_reset(&b);
		if (item->kind != VALUE_LIST && item->kind != VALUE_MAP)
			tmpl_text(item, &b);
		out[i] = arena_strndup(a, b.n ? b.p : "", b.n);
	}
	buf_release(&b);
	return out;
}

/* The entry of list with this path text: of several the last counts. */
static const struct value *find_item(const struct value *list, const struct pinned *p,
				     const struct stage *st)
{
	char *rel = p->path ? path_relative(st->wdir, p->path) : NULL;
	const struct value *exact = NULL, *normal = NULL;

	for (size_t i = list ? list->nr : 0; i > 0 && !exact; i--) {
		const struct value *v = list->items[i - 1];
		const char *path = value_text(value_get(v, "path"), "");

		if (strcmp(path, p->text) == 0)
			exact = v;
		else if (!normal && rel && strcmp(path, rel) == 0)
			normal = v;
	}
	free(rel);
	return exact ? exact : normal;
}

static void fill_params(struct stages *s, struct dep *d, const struct value *params)
{
	const struct value *values = value_get(params, d->at.text);

	if (!values)
		return;
	if (d->whole_file && values->nr > 0) {
		d->params = arena_alloc(&s->arena, values->nr * sizeof(*d->params));
		d->params_nr = values->nr;
		for (size_t i = 0; i < values->nr; i++)
			d->params[i].key = arena_strdup(
				&s->arena, value_text(values->pairs[i].key, ""));
	}
	for (size_t i = 0; i < d->params_nr; i++) {
		const struct value *v = value_get(values, d->params[i].key);

		if (v)
			d->params[i].value = value_copy(&s->arena, v);
	}
}

static int fill_dep(struct stages *s, struct stage *st, struct dep *d,
		    const struct value *entry, struct err *e)
{
	const struct value *v;

	if (d->is_params) {
		fill_params(s, d, value_get(entry, "params"));
		return 0;
	}
	if (!(v = find_item(value_get(entry, "deps"), &d->at, st)))
		return 0;
	if (d->dataset) {
		const struct value *lock = value_get(v, "dataset");

		d->dataset_lock = lock ? value_copy(&s->arena, lock) : NULL;
		return 0;
	}
	return pinned_read(s, &d->at, v, st->file, e);
}

int lock_fill(struct stages *s, struct stage *st, const struct value *entry,
	      struct err *e)
{
	int r = 0;

	st->in_lock = true;
	st->lock_cmd =
		cmd_list(&s->arena, value_get(entry, "cmd"), &st->lock_cmd_is_list);
	for (size_t i = 0; r == 0 && i < st->deps_nr; i++)
		r = fill_dep(s, st, &st->deps[i], entry, e);
	for (size_t i = 0; r == 0 && i < st->outs_nr; i++) {
		struct out *o = &st->outs[i];
		const struct value *v = find_item(value_get(entry, "outs"), &o->at, st);

		if (!v)
			continue;
		r = pinned_read(s, &o->at, v, st->file, e);
		o->is_legacy = o->at.path && !o->at.hash_name && o->at.hash_text;
	}
	return r;
}

/* ---- every digest -------------------------------------------------------- */

void lock_digests_release(struct lock_digests *d)
{
	free(d->v);
	d->v = NULL;
	d->nr = d->cap = 0;
	arena_release(&d->arena);
}

static int add_item(struct lock_digests *d, const char *file, const char *stage,
		    const struct value *v, bool is_dep, struct err *e)
{
	struct lock_digest made = {.file = file, .stage = stage, .is_dep = is_dep};
	struct stages tmp = {0};
	struct pinned p = {.path = "x", .text = "x"};
	int r = pinned_read(&tmp, &p, v, file, e);

	made.path = arena_strdup(&d->arena, value_text(value_get(v, "path"), ""));
	made.oid = p.oid;
	if (r == 0 && oid_known(&p.oid))
		vec_push(d, made);
	for (size_t i = 0; r == 0 && i < p.files_nr; i++) {
		made.oid = p.files[i].oid;
		if (oid_known(&made.oid))
			vec_push(d, made);
	}
	stages_release(&tmp);
	return r;
}

int lock_digests_parse(struct lock_digests *d, const char *file, struct slice text,
		       struct err *e)
{
	static const char *const lists[] = {"deps", "outs"};
	struct arena a = {0};
	struct value *root;
	const struct value *stages;
	int r = lock_read(text, file, &a, &root, e);

	stages = r == 0 ? value_get(root, "stages") : NULL;
	file = arena_strdup(&d->arena, file);
	for (size_t i = 0; r == 0 && stages && i < stages->nr; i++) {
		const char *name =
			arena_strdup(&d->arena, value_text(stages->pairs[i].key, ""));

		for (size_t l = 0; l < 2; l++) {
			const struct value *list =
				value_get(stages->pairs[i].value, lists[l]);

			for (size_t j = 0; r == 0 && list && j < list->nr; j++)
				r = add_item(d, file, name, list->items[j], l == 0, e);
		}
	}
	arena_release(&a);
	return r;
}

/* ---- writing ------------------------------------------------------------- */

struct value *cmd_value(struct arena *a, const struct stage *st)
{
	struct value *list;

	if (!st->cmd)
		return value_cstr(a, "");
	if (!st->cmd_is_list)
		return value_cstr(a, st->cmd[0]);
	list = value_list(a);
	for (size_t i = 0; st->cmd[i]; i++)
		value_add(a, list, value_cstr(a, st->cmd[i]));
	return list;
}

/*
 * A parameter's value as DVC writes it, who has only the number and not how it was
 * spelt: 1e20 becomes 1e+20, 0x10 becomes 16, a tuple a list.
 */
static struct value *plain(struct arena *a, const struct value *v)
{
	struct value *out;

	switch (v->kind) {
	case VALUE_FLOAT:
		return value_float(a, v->f);
	case VALUE_INT:
		return v->is_big ? value_copy(a, v) : value_int(a, v->i);
	case VALUE_STR:
		return value_str(a, v->text);
	case VALUE_LIST:
	case VALUE_TUPLE:
	case VALUE_SET:
		out = value_list(a);
		for (size_t i = 0; i < v->nr; i++)
			value_add(a, out, plain(a, v->items[i]));
		return out;
	case VALUE_MAP:
		out = value_map(a);
		for (size_t i = 0; i < v->nr; i++)
			value_set_pair(a, out, plain(a, v->pairs[i].key),
				       plain(a, v->pairs[i].value));
		return out;
	default:
		return value_copy(a, v);
	}
}

static int by_text(const void *a, const void *b)
{
	const struct pinned *x = *(const struct pinned *const *)a;
	const struct pinned *y = *(const struct pinned *const *)b;

	return strcmp(x->text, y->text);
}

static struct value *item_value(struct arena *a, const struct pinned *p)
{
	struct value *v = value_map(a);

	value_set(a, v, "path", value_cstr(a, p->text));
	pinned_put_lock(a, v, p);
	return v;
}

static void put_items(struct arena *a, struct value *entry, const char *key,
		      const struct pinned **v, size_t nr, const struct stage *st)
{
	struct value *list = value_list(a);

	if (nr == 0)
		return;
	qsort(v, nr, sizeof(*v), by_text);
	for (size_t i = 0; i < nr; i++) {
		const struct dep *d = NULL;

		for (size_t k = 0; k < st->deps_nr; k++)
			if (&st->deps[k].at == v[i] && st->deps[k].dataset)
				d = &st->deps[k];
		if (d) {
			struct value *ds = value_map(a);

			value_set(a, ds, "path", value_cstr(a, v[i]->text));
			if (d->dataset_lock)
				value_set(a, ds, "dataset",
					  value_copy(a, d->dataset_lock));
			value_add(a, list, ds);
		} else {
			value_add(a, list, item_value(a, v[i]));
		}
	}
	value_set(a, entry, key, list);
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct dep_param *const *)a)->key,
		      (*(const struct dep_param *const *)b)->key);
}

static int params_order(const void *a, const void *b)
{
	const struct dep *x = *(const struct dep *const *)a;
	const struct dep *y = *(const struct dep *const *)b;
	bool dx = strcmp(x->at.text, "params.yaml") == 0;
	bool dy = strcmp(y->at.text, "params.yaml") == 0;

	if (dx != dy)
		return dx ? -1 : 1;
	return strcmp(x->at.text, y->at.text);
}

/* params.yaml first, then by name; the keys of each sorted. */
static void put_params(struct arena *a, struct value *entry, const struct stage *st)
{
	const struct dep **files = arena_alloc(a, (st->deps_nr + 1) * sizeof(*files));
	struct value *all = value_map(a);
	size_t nr = 0;

	for (size_t i = 0; i < st->deps_nr; i++)
		if (st->deps[i].is_params)
			files[nr++] = &st->deps[i];
	if (nr > 0)
		qsort(files, nr, sizeof(struct dep *), params_order);
	for (size_t i = 0; i < nr; i++) {
		const struct dep *d = files[i];
		const struct dep_param **v =
			arena_alloc(a, (d->params_nr + 1) * sizeof(*v));
		struct value *map = value_map(a);
		size_t n = 0;

		for (size_t k = 0; k < d->params_nr; k++)
			if (d->params[k].value)
				v[n++] = &d->params[k];
		if (n > 0)
			qsort(v, n, sizeof(*v), by_key);
		for (size_t k = 0; k < n; k++)
			value_set(a, map, v[k]->key, plain(a, v[k]->value));
		if (n > 0)
			value_set(a, all, d->at.text, map);
	}
	if (all->nr > 0)
		value_set(a, entry, "params", all);
}

static struct value *entry_value(struct arena *a, const struct stage *st)
{
	struct value *entry = value_map(a);
	size_t most = MAX_OF(st->deps_nr, st->outs_nr), nr = 0;
	const struct pinned **v = arena_alloc(a, (most + 1) * sizeof(*v));

	value_set(a, entry, "cmd", cmd_value(a, st));
	for (size_t i = 0; i < st->deps_nr; i++)
		if (!st->deps[i].is_params)
			v[nr++] = &st->deps[i].at;
	put_items(a, entry, "deps", v, nr, st);
	put_params(a, entry, st);
	for (nr = 0; nr < st->outs_nr; nr++)
		v[nr] = &st->outs[nr].at;
	put_items(a, entry, "outs", v, nr, st);
	return entry;
}

/* The document as it shall read: old's tree with one entry exchanged. */
static int edited(struct arena *a, const struct stage *st, const char *file,
		  struct slice old, struct value **out, bool *changed, struct err *e)
{
	struct value *root = NULL, *stages, *entry = entry_value(a, st);
	const struct value *before;
	int r;

	if (!dvcfile_is_blank(old) && (r = lock_read(old, file, a, &root, e)) < 0)
		return r;
	if (!root) {
		root = value_map(a);
		value_set(a, root, "schema", value_cstr(a, "2.0"));
	}
	before = value_get(root, "stages");
	stages = before ? value_copy(a, before) : value_map(a);
	before = value_get(stages, st->name);
	if (changed)
		*changed = !before || !value_equal(before, entry);
	entry->rewrite = !before || !value_same(before, entry);
	value_set(a, stages, st->name, entry);
	value_set(a, root, "stages", stages);
	*out = root;
	return 0;
}

int lockfile_edit(const struct stage *st, struct slice old, struct buf *out,
		  bool *changed, struct err *e)
{
	char *file = lockfile_path(st->file);
	struct arena a = {0};
	struct value *want;
	int r = edited(&a, st, file, old, &want, changed, e);

	if (r == 0 && dvcfile_is_blank(old)) {
		yaml_write(want, out);
	} else if (r == 0) {
		r = yaml_update(old, file, want, out, e);
		if (r == ERR_UNSUPPORTED) {
			yaml_write(want, out);
			r = 0;
		}
	}
	arena_release(&a);
	free(file);
	return r;
}

int lockfile_save(const struct stage *st, int rootfd, enum fs_sync sync, bool *changed,
		  struct err *e)
{
	char *file = lockfile_path(st->file);
	struct buf old = {0}, made = {0};
	int r = fs_read(rootfd, file, 0, &old, e);

	if (r == ERR_NOTFOUND)
		r = 0;
	if (r == 0)
		r = lockfile_edit(st, buf_slice(&old), &made, changed, e);
	if (r == 0 && !slice_eq(buf_slice(&old), buf_slice(&made)))
		r = fs_write(rootfd, file, buf_slice(&made), 0666, sync, e);
	buf_release(&old);
	buf_release(&made);
	free(file);
	return r;
}

int lockfile_drop(struct slice old, const char *file, const char *name, struct buf *out,
		  size_t *left, struct err *e)
{
	struct arena a = {0};
	struct value *root, *stages;
	int r = lock_read(old, file, &a, &root, e);

	if (r == 0) {
		const struct value *before = value_get(root, "stages");

		stages = before ? value_copy(&a, before) : value_map(&a);
		(void)value_del(&a, stages, name); /* absent is as good */
		if (before)
			value_set(&a, root, "stages", stages);
		*left = stages->nr;
		r = yaml_update(old, file, root, out, e);
		if (r == ERR_UNSUPPORTED) {
			yaml_write(root, out);
			r = 0;
		}
	}
	arena_release(&a);
	return r;
}
