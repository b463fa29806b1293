/* Parameters and datasets as dependencies. */
#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/meta/pipeline.h"
#include "store/meta/stage.h"
#include "store/meta/tree.h"
#include "store/repo/params.h"
#include "store/repo/repo.h"
#include "store/repo/status_internal.h"

#include <stdlib.h>
#include <string.h>

struct keys {
	VEC_OF(struct status_change) v;
};

static void key_changed(struct keys *k, struct arena *a, const char *key,
			const char *state)
{
	struct status_change c = {.path = arena_strdup(a, key), .state = state};

	vec_push(&k->v, c);
}

/* A tuple and a list of the same items are the same: the lock knows lists only. */
static bool same(struct arena *a, const struct value *x, const struct value *y)
{
	if (value_is(x, VALUE_TUPLE) != value_is(y, VALUE_TUPLE)) {
		struct value *cx = value_copy(a, x), *cy = value_copy(a, y);

		if (value_is(cx, VALUE_TUPLE))
			cx->kind = VALUE_LIST;
		if (value_is(cy, VALUE_TUPLE))
			cy->kind = VALUE_LIST;
		return value_equal(cx, cy);
	}
	return value_equal(x, y);
}

static int compare_key(struct arena *a, const struct value *root, const char *key,
		       const struct value *locked, bool exact, struct keys *k,
		       struct err *e)
{
	const struct value *now = NULL;
	int rc;

	if (exact)
		now = value_get(root, key);
	else if ((rc = params_get(root, key, &now, e)) < 0)
		return rc;
	if (!now)
		key_changed(k, a, key, "deleted");
	else if (!locked)
		key_changed(k, a, key, "new");
	else if (!same(a, now, locked))
		key_changed(k, a, key, "modified");
	return 0;
}

/* All top-level keys of the file, then those that only the lock has. */
static void compare_file(struct arena *a, const struct value *root, const struct dep *d,
			 struct keys *k)
{
	struct map locked = {0};

	for (size_t i = 0; i < d->params_nr; i++)
		(void)map_set(&locked, slice_of(d->params[i].key), i);
	for (size_t i = 0; value_is(root, VALUE_MAP) && i < root->nr; i++) {
		struct buf key = {0};
		size_t at;

		value_str_python(root->pairs[i].key, &key);
		at = map_get(&locked, buf_slice(&key));
		if (at == MAP_NONE || !d->params[at].value)
			key_changed(k, a, buf_str(&key), "new");
		else if (!same(a, root->pairs[i].value, d->params[at].value))
			key_changed(k, a, buf_str(&key), "modified");
		buf_release(&key);
	}
	for (size_t i = 0; i < d->params_nr; i++) {
		if (!value_get(root, d->params[i].key))
			key_changed(k, a, d->params[i].key, "deleted");
	}
	map_release(&locked);
}

static bool has_values(const struct dep *d)
{
	for (size_t i = 0; i < d->params_nr; i++) {
		if (d->params[i].value)
			return true;
	}
	return false;
}

int status_params(struct repo *r, const struct dep *d, const char *shown,
		  struct status_result *res, struct status_stage *to, struct err *e)
{
	struct status_change change = {.path = shown};
	struct value *root = NULL;
	struct keys k = {0};
	int rc = 0;

	if (!d->at.path)
		return 0;
	rc = params_load(r, d->at.path, &res->arena, &root, e);
	if (rc == ERR_NOTFOUND) {
		change.state = "deleted";
		vec_push(&to->deps, change);
		return 0;
	}
	if (rc < 0)
		return rc;
	if (!has_values(d)) {
		change.state = "new";
		vec_push(&to->deps, change);
		return 0;
	}
	if (d->whole_file)
		compare_file(&res->arena, root, d, &k);
	for (size_t i = 0; !d->whole_file && i < d->params_nr && rc == 0; i++)
		rc = compare_key(&res->arena, root, d->params[i].key, d->params[i].value,
				 false, &k, e);
	if (rc == 0 && k.v.nr > 0) {
		change.keys = arena_alloc(&res->arena, k.v.nr * sizeof(*change.keys));
		memcpy(change.keys, k.v.v, k.v.nr * sizeof(*change.keys));
		change.keys_nr = k.v.nr;
		vec_push(&to->deps, change);
	}
	vec_release(&k.v);
	return rc;
}

/* ---- datasets ------------------------------------------------------------ */

static int dataset_in(struct repo *r, const char *file, const char *name, struct arena *a,
		      const struct value **out, struct err *e)
{
	struct buf text = {0};
	struct value *root = NULL;
	const struct value *list;
	struct tree *tree;
	int rc;

	*out = NULL;
	if ((rc = repo_tree(r, &tree, e)) < 0)
		return rc;
	rc = tree_read(tree, file, &text, e);
	if (rc == ERR_NOTFOUND)
		rc = 0;
	else if (rc == 0)
		rc = yaml_read(
			(struct slice){arena_strndup(a, buf_str(&text), text.n), text.n},
			file, a, &root, e);
	list = value_get(root, "datasets");
	for (size_t i = 0; rc == 0 && value_is_seq(list) && i < list->nr; i++) {
		const char *have = value_text(value_get(list->items[i], "name"), "");

		if (strcmp(have, name) == 0)
			*out = list->items[i];
	}
	buf_release(&text);
	return rc;
}

/* Does the lock's entry belong to the definition as it is now? */
static bool in_sync(const struct value *spec, const struct value *lock)
{
	static const char *const keys[] = {"name", "type", "url", "rev"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct value *s = value_get(spec, keys[i]);

		if (s && !value_equal(s, value_get(lock, keys[i])))
			return false;
	}
	return true;
}

int status_dataset(struct repo *r, const struct dep *d, const char **state,
		   struct status_result *res, struct err *e)
{
	const struct value *spec = NULL, *lock = NULL;
	char *lock_file = lockfile_path(d->stage->file);
	int rc;

	if ((rc = dataset_in(r, d->stage->file, d->dataset, &res->arena, &spec, e)) == 0)
		rc = dataset_in(r, lock_file, d->dataset, &res->arena, &lock, e);
	free(lock_file);
	if (rc < 0)
		return rc;
	if (!lock || !spec || !in_sync(spec, lock))
		*state = "not in sync";
	else if (!d->dataset_lock)
		*state = "new";
	else if (!value_equal(lock, d->dataset_lock))
		*state = "modified";
	return 0;
}
