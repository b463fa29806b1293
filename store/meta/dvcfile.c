#include "store/meta/dvcfile.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/hash/hash.h"
#include "store/meta/pinned.h"
#include "store/meta/schema.h"

#include <stdlib.h>

/* ---- names --------------------------------------------------------------- */

bool dvcfile_is_name(const char *path)
{
	return slice_ends(slice_of(path), ".dvc");
}

bool dvcfile_is_metadata(const char *path)
{
	return dvcfile_is_name(path) || slice_is(path_base(path), "dvc.yaml");
}

bool dvcfile_is_blank(struct slice text)
{
	for (struct slice rest = text; rest.p;) {
		struct slice row = slice_trim(slice_cut(&rest, '\n'));

		if (row.n >= 3 && memcmp(row.p, "\xef\xbb\xbf", 3) == 0)
			row = slice_trim((struct slice){row.p + 3, row.n - 3});
		if (row.n > 0 && row.p[0] != '#')
			return false;
	}
	return true;
}

/* ---- schema -------------------------------------------------------------- */

#define COMMON_KEYS                                                                      \
	{"md5", &schema_checksum, false}, {"etag", &schema_checksum, false},             \
		{"checksum", &schema_checksum, false}, {"size", &schema_int, false},     \
		{"nfiles", &schema_int, false}, {"isexec", &schema_bool, false},         \
		{"version_id", &schema_str, false}, {"path", &schema_str, false},        \
		{"persist", &schema_bool, false}, {"cloud", &schema_cloud, false},       \
		{"hash", &schema_str, false}, {"files", &schema_files, false},           \
	{                                                                                \
		"fs_config", &schema_dict, false                                         \
	}

static const struct schema_key out_keys[] = {
	COMMON_KEYS,
	{"desc", &schema_str, false},
	{"type", &schema_str, false},
	{"labels", &schema_str_list, false},
	{"meta", &schema_any, false},
	{"cache", &schema_bool, false},
	{"remote", &schema_str, false},
	{"push", &schema_bool, false},
	{0},
};
static const struct schema str_or_dict = {.accepts = ACCEPT_STR | ACCEPT_MAP};
static const struct schema_key repo_keys[] = {
	{"url", &schema_str, true},	  {"rev", &schema_str, false},
	{"rev_lock", &schema_str, false}, {"config", &str_or_dict, false},
	{"remote", &str_or_dict, false},  {0},
};
static const struct schema repo_schema = {.accepts = ACCEPT_MAP, .keys = repo_keys};
static const struct schema_key db_keys[] = {
	{"query", &schema_str, false},	    {"file_format", &schema_str, false},
	{"connection", &schema_str, false}, {"connection_string", &schema_str, false},
	{"table", &schema_str, false},	    {0},
};
static const struct schema db_schema = {.accepts = ACCEPT_MAP, .keys = db_keys};
static const struct schema_key dep_keys[] = {
	COMMON_KEYS,
	{"repo", &repo_schema, false},
	{"db", &db_schema, false},
	{0},
};
static const struct schema out_schema = {.accepts = ACCEPT_MAP, .keys = out_keys};
static const struct schema dep_schema = {.accepts = ACCEPT_MAP, .keys = dep_keys};
static const struct schema outs_schema = {.accepts = ACCEPT_LIST | ACCEPT_NULL,
					  .item = &out_schema};
static const struct schema deps_schema = {.accepts = ACCEPT_LIST | ACCEPT_NULL,
					  .item = &dep_schema};
static const struct schema str_or_null = {.accepts = ACCEPT_STR | ACCEPT_NULL};
static const struct schema_key stage_keys[] = {
	{"outs", &outs_schema, false},
	{"deps", &deps_schema, false},
	{"md5", &schema_checksum, false},
	{"wdir", &str_or_null, false},
	{"frozen", &schema_bool, false},
	{"locked", &schema_bool, false},
	{"always_changed", &schema_bool, false},
	{"desc", &schema_str, false},
	{"meta", &schema_any, false},
	{0},
};
static const struct schema stage_schema = {.accepts = ACCEPT_MAP, .keys = stage_keys};

/* ---- reading ------------------------------------------------------------- */

static const char *text_of(struct stages *s, const struct value *v)
{
	const char *text = value_text(v, NULL);

	return text && text[0] ? arena_strdup(&s->arena, text) : NULL;
}

static bool flag(const struct value *v, bool def)
{
	return value_is(v, VALUE_BOOL) ? v->b : def;
}

static const struct value *kept(struct stages *s, const struct value *v)
{
	return value_truthy(v) ? value_copy(&s->arena, v) : NULL;
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

static int no_path(const char *file, struct slice text, const struct value *v,
		   const char *list, size_t index, struct err *e)
{
	char *place = xasprintf("%s -> %zu", list, index);
	int r = schema_fail(file, text, v, place, "required key not provided: path", e);

	free(place);
	return r;
}

static int read_out(struct stages *s, struct stage *st, struct out *o,
		    const struct value *v, struct slice text, struct err *e)
{
	const char *path = value_text(value_get(v, "path"), NULL);
	int r;

	if (!path || !path[0])
		return no_path(st->file, text, v, "outs", o->index, e);
	o->line = v->span.line;
	o->cache = flag(value_get(v, "cache"), true);
	o->persist = flag(value_get(v, "persist"), false);
	o->push = flag(value_get(v, "push"), true);
	o->remote = text_of(s, value_get(v, "remote"));
	o->desc = text_of(s, value_get(v, "desc"));
	o->type = text_of(s, value_get(v, "type"));
	o->labels = labels_of(s, value_get(v, "labels"));
	o->meta = kept(s, value_get(v, "meta"));
	if ((r = stage_place(s, st, &o->at, path, true, o->cache, e)) < 0 ||
	    (r = pinned_read(s, &o->at, v, st->file, e)) < 0)
		return r;
	o->is_legacy = o->at.path && !o->at.hash_name && o->at.hash_text;
	return 0;
}

static struct dep_repo *read_repo(struct stages *s, const struct value *v)
{
	struct dep_repo *r = arena_alloc(&s->arena, sizeof(*r));
	const struct value *config = value_get(v, "config"),
			   *remote = value_get(v, "remote");

	r->url = arena_strdup(&s->arena, value_text(value_get(v, "url"), ""));
	r->rev = text_of(s, value_get(v, "rev"));
	r->rev_lock = text_of(s, value_get(v, "rev_lock"));
	r->config = config ? value_copy(&s->arena, config) : NULL;
	r->remote = remote ? value_copy(&s->arena, remote) : NULL;
	r->config_path = text_of(s, config);
	r->remote_name = text_of(s, remote);
	return r;
}

static int read_dep(struct stages *s, struct stage *st, struct dep *d, size_t index,
		    const struct value *v, struct slice text, struct err *e)
{
	const char *path = value_text(value_get(v, "path"), NULL);
	int r = 0;

	d->line = v->span.line;
	if (value_get(v, "db")) {
		d->db = value_copy(&s->arena, value_get(v, "db"));
		if (path)
			d->at.text = arena_strdup(&s->arena, path);
	} else if (!path || !path[0]) {
		return no_path(st->file, text, v, "deps", index, e);
	} else if (value_get(v, "repo")) {
		/* A path in another repository: ours has no such place. */
		d->repo = read_repo(s, value_get(v, "repo"));
		d->at.text = arena_strdup(&s->arena, path);
	} else if (strncmp(path, "ds://", 5) == 0) {
		d->at.text = arena_strdup(&s->arena, path);
		d->dataset = d->at.text + 5;
	} else {
		r = stage_place(s, st, &d->at, path, false, false, e);
	}
	return r < 0 ? r : pinned_read(s, &d->at, v, st->file, e);
}

static int read_stage(struct stages *s, struct stage *st, const struct value *root,
		      struct slice text, struct err *e)
{
	const struct value *outs = value_get(root, "outs"),
			   *deps = value_get(root, "deps");
	const char *wdir = value_text(value_get(root, "wdir"), NULL);
	int r = 0;

	if (wdir && wdir[0])
		r = stage_set_wdir(s, st, wdir, e);
	st->frozen = flag(value_get(root, "frozen"), false) ||
		     flag(value_get(root, "locked"), false);
	st->always_changed = flag(value_get(root, "always_changed"), false);
	st->desc = text_of(s, value_get(root, "desc"));
	st->meta = kept(s, value_get(root, "meta"));
	if (value_truthy(value_get(root, "md5"))) {
		const struct value *md5 = value_get(root, "md5");

		st->md5 = arena_strndup(&s->arena, md5->text.p, md5->text.n);
	}
	if (value_is(outs, VALUE_LIST))
		(void)stage_alloc_outs(s, st, outs->nr); /* the same array as st->outs */
	if (value_is(deps, VALUE_LIST))
		(void)stage_alloc_deps(s, st, deps->nr); /* likewise */
	for (size_t i = 0; r == 0 && i < st->deps_nr; i++)
		r = read_dep(s, st, &st->deps[i], i, deps->items[i], text, e);
	for (size_t i = 0; r == 0 && i < st->outs_nr; i++)
		r = read_out(s, st, &st->outs[i], outs->items[i], text, e);
	if (st->deps_nr == 1 && st->outs_nr == 1)
		st->kind = st->deps[0].repo ? STAGE_IMPORT_REPO
			   : st->deps[0].db ? STAGE_IMPORT_DB
					    : STAGE_IMPORT_URL;
	return r;
}

int dvcfile_parse(struct stages *s, const char *file, struct slice text,
		  struct stage **out, struct err *e)
{
	struct arena tree = {0};
	struct value *root;
	struct stage *st;
	int r = schema_read(&stage_schema, text, file, &tree, &root, e);

	if (r == 0) {
		st = stages_add(s, file);
		r = root ? read_stage(s, st, root, text, e) : 0;
		if (r < 0)
			s->nr--;
		else if (out)
			*out = st;
	}
	arena_release(&tree);
	return r;
}

/* ---- writing ------------------------------------------------------------- */

static void put_text(struct arena *a, struct value *map, const char *key,
		     const char *text)
{
	if (text && text[0])
		value_set(a, map, key, value_cstr(a, text));
}

static void put_value(struct arena *a, struct value *map, const char *key,
		      const struct value *v)
{
	if (v)
		value_set(a, map, key, value_copy(a, v));
}

/* A path of this repository as seen from wdir; else the text as it was. */
static struct value *path_value(struct arena *a, const struct stage *st,
				const struct pinned *p)
{
	char *rel;
	struct value *v;

	if (!p->path)
		return value_cstr(a, p->text);
	rel = path_relative(st->wdir, p->path);
	v = value_cstr(a, rel);
	free(rel);
	return v;
}

static struct value *out_value(struct arena *a, const struct out *o)
{
	struct value *v = value_map(a);

	pinned_put_dvcfile(a, v, &o->at);
	value_set(a, v, "path", path_value(a, o->stage, &o->at));
	put_value(a, v, "fs_config", o->at.fs_config);
	put_text(a, v, "desc", o->desc);
	put_text(a, v, "type", o->type);
	if (o->labels && o->labels[0]) {
		struct value *list = value_list(a);

		for (size_t i = 0; o->labels[i]; i++)
			value_add(a, list, value_cstr(a, o->labels[i]));
		value_set(a, v, "labels", list);
	}
	put_value(a, v, "meta", o->meta);
	if (!o->cache)
		value_set(a, v, "cache", value_bool(a, false));
	if (o->persist)
		value_set(a, v, "persist", value_bool(a, true));
	put_text(a, v, "remote", o->remote);
	if (!o->push)
		value_set(a, v, "push", value_bool(a, false));
	pinned_put_files(a, v, &o->at);
	return v;
}

static struct value *dep_value(struct arena *a, const struct dep *d)
{
	struct value *v = value_map(a), *repo;

	if (d->db) {
		if (d->at.hash_text || d->at.size >= 0)
			pinned_put_dvcfile(a, v, &d->at);
		put_text(a, v, "path", d->at.text);
		put_value(a, v, "db", d->db);
		return v;
	}
	if (d->repo) {
		repo = value_map(a);
		put_text(a, repo, "url", d->repo->url);
		put_text(a, repo, "rev", d->repo->rev);
		put_text(a, repo, "rev_lock", d->repo->rev_lock);
		put_value(a, repo, "config", d->repo->config);
		put_value(a, repo, "remote", d->repo->remote);
		put_text(a, v, "path", d->at.text);
		value_set(a, v, "repo", repo);
		return v;
	}
	pinned_put_dvcfile(a, v, &d->at);
	value_set(a, v, "path", path_value(a, d->stage, &d->at));
	put_value(a, v, "fs_config", d->at.fs_config);
	pinned_put_files(a, v, &d->at);
	return v;
}

static struct value *stage_value(struct arena *a, const struct stage *st)
{
	struct value *v = value_map(a), *list;
	struct slice dir = path_dir(st->file);
	char *base = slice_is(dir, ".") ? xstrdup("") : xmemdup0(dir.p, dir.n);
	char *wdir = path_relative(base, st->wdir);

	put_text(a, v, "desc", st->desc);
	put_text(a, v, "md5", st->md5);
	if (strcmp(wdir, ".") != 0)
		put_text(a, v, "wdir", wdir);
	if (st->frozen)
		value_set(a, v, "frozen", value_bool(a, true));
	list = value_list(a);
	for (size_t i = 0; i < st->deps_nr; i++)
		value_add(a, list, dep_value(a, &st->deps[i]));
	if (st->deps_nr)
		value_set(a, v, "deps", list);
	list = value_list(a);
	for (size_t i = 0; i < st->outs_nr; i++)
		value_add(a, list, out_value(a, &st->outs[i]));
	if (st->outs_nr)
		value_set(a, v, "outs", list);
	if (st->always_changed)
		value_set(a, v, "always_changed", value_bool(a, true));
	put_value(a, v, "meta", st->meta);
	free(base);
	free(wdir);
	return v;
}

int dvcfile_format(const struct stage *st, struct buf *out, struct err *e)
{
	struct arena a = {0};

	(void)e;
	yaml_write(stage_value(&a, st), out);
	arena_release(&a);
	return 0;
}

int dvcfile_edit(const struct stage *st, struct slice old, struct buf *out, struct err *e)
{
	struct arena a = {0};
	int r = yaml_update(old, st->file, stage_value(&a, st), out, e);

	arena_release(&a);
	return r;
}

/* ---- the stage checksum -------------------------------------------------- */

/* DVC leaves these out at every level, for they say nothing of the data. */
static struct value *without_annotations(struct arena *a, const struct value *v)
{
	static const char *const left_out[] = {
		"desc",	  "type",    "labels", "meta", "locked", "frozen",
		"metric", "persist", "isexec", "size", "nfiles",
	};
	struct value *out;

	if (v->kind == VALUE_LIST) {
		out = value_list(a);
		for (size_t i = 0; i < v->nr; i++)
			value_add(a, out, without_annotations(a, v->items[i]));
		return out;
	}
	if (v->kind != VALUE_MAP)
		return value_copy(a, v);
	out = value_map(a);
	for (size_t i = 0; i < v->nr; i++) {
		const struct value_pair *p = &v->pairs[i];
		bool skip = false;

		for (size_t k = 0; k < ARRAY_SIZE(left_out); k++)
			skip |= p->key->kind == VALUE_STR &&
				slice_is(p->key->text, left_out[k]);
		if (!skip)
			value_set_pair(a, out, value_copy(a, p->key),
				       without_annotations(a, p->value));
	}
	return out;
}

int dvcfile_stage_md5(const struct stage *st, char out[33], struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t md5[HASH_MD5_N];
	struct arena a = {0};
	struct buf json = {0};
	struct jsonw w;
	struct value *v = stage_value(&a, st);

	(void)e;
	(void)value_del(&a, v, "md5"); /* there or not */
	jsonw_init(&w, &json, 0);
	jsonw_value_sorted(&w, without_annotations(&a, v));
	hash_md5(json.p, json.n, md5);
	for (size_t i = 0; i < HASH_MD5_N; i++) {
		out[2 * i] = digits[md5[i] >> 4];
		out[2 * i + 1] = digits[md5[i] & 15];
	}
	out[32] = '\0';
	buf_release(&json);
	arena_release(&a);
	return 0;
}

/* ---- saving -------------------------------------------------------------- */

int dvcfile_save(struct stages *s, struct stage *st, int rootfd, enum fs_sync sync,
		 bool *changed, struct err *e)
{
	struct buf old = {0}, made = {0};
	char md5[33];
	int r;

	if (stage_is_import(st) && out_has_hash(&st->outs[0])) {
		if ((r = dvcfile_stage_md5(st, md5, e)) < 0)
			return r;
		st->md5 = arena_strdup(&s->arena, md5);
	}
	r = fs_read(rootfd, st->file, 0, &old, e);
	if (r < 0 && r != ERR_NOTFOUND)
		goto out;
	if (r == 0 && !dvcfile_is_blank(buf_slice(&old))) {
		r = dvcfile_edit(st, buf_slice(&old), &made, e);
		/* What cannot be edited is written anew: right, if without comments. */
		if (r == ERR_UNSUPPORTED || r == ERR_CORRUPT) {
			buf_reset(&made);
			r = dvcfile_format(st, &made, e);
		}
	} else {
		r = dvcfile_format(st, &made, e);
	}
	if (r < 0)
		goto out;
	if (changed)
		*changed = !slice_eq(buf_slice(&old), buf_slice(&made));
	if (!slice_eq(buf_slice(&old), buf_slice(&made)))
		r = fs_write(rootfd, st->file, buf_slice(&made), 0666, sync, e);
out:
	buf_release(&old);
	buf_release(&made);
	return r;
}
