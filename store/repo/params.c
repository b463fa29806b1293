#include "store/repo/params.h"

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/parse.h"
#include "store/base/slice.h"
#include "store/fmt/glob.h"
#include "store/fmt/json.h"
#include "store/fmt/pyvars.h"
#include "store/fmt/toml.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/repo/repo.h"

#include <strings.h>

enum {
	PARAMS_MAX = 256 << 20
};

static bool has_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), k = strlen(suffix);

	return n >= k && strcasecmp(path + n - k, suffix) == 0;
}

int params_load(struct repo *r, const char *path, struct arena *a, struct value **root,
		struct err *e)
{
	struct buf text = {0};
	struct slice s;
	int rc;

	if ((rc = fs_read(repo_rootfd(r), path, PARAMS_MAX, &text, e)) < 0)
		goto out;
	/* Trees may point into their text. */
	s = (struct slice){arena_strndup(a, buf_str(&text), text.n), text.n};
	if (slice_trim(s).n == 0) {
		*root = value_map(a);
		goto out;
	}
	if (has_suffix(path, ".json"))
		rc = json_read(s, path, a, root, e);
	else if (has_suffix(path, ".toml"))
		rc = toml_read(s, path, a, root, e);
	else if (has_suffix(path, ".py"))
		rc = pyvars_read(s, path, a, root, e);
	else
		rc = yaml_read(s, path, a, root, e);
	if (rc == 0 && value_is(*root, VALUE_NULL))
		*root = value_map(a);
out:
	buf_release(&text);
	return rc;
}

/* ---- looking up ---------------------------------------------------------- */

struct found {
	const struct value *v;
	size_t nr;
	bool has_magic;
};

static bool segment_matches(struct slice segment, struct slice text, bool magic)
{
	return slice_eq(segment, text) || (magic && glob_fnmatch(segment, text));
}

static void find(const struct value *v, struct slice rest, struct found *f)
{
	struct slice segment;
	bool magic;

	if (rest.p == NULL) {
		f->v = v;
		f->nr++;
		return;
	}
	segment = slice_cut(&rest, '.');
	magic = glob_has_magic(segment);
	f->has_magic = f->has_magic || magic;
	if (value_is(v, VALUE_MAP)) {
		for (size_t i = 0; i < v->nr; i++) {
			struct buf key = {0};

			value_str_python(v->pairs[i].key, &key);
			if (segment_matches(segment, buf_slice(&key), magic))
				find(v->pairs[i].value, rest, f);
			buf_release(&key);
		}
	} else if (value_is_seq(v)) {
		uint64_t at;

		if (parse_u64(segment, &at) && at < v->nr)
			find(v->items[at], rest, f);
		for (size_t i = 0; magic && i < v->nr; i++) {
			struct buf key = {0};

			buf_addf(&key, "%zu", i);
			if (glob_fnmatch(segment, buf_slice(&key)))
				find(v->items[i], rest, f);
			buf_release(&key);
		}
	}
}

int params_get(const struct value *root, const char *key, const struct value **out,
	       struct err *e)
{
	struct found f = {0};

	find(root, slice_of(key), &f);
	if (f.nr > 1 && f.has_magic)
		return err_set(e, ERR_INVALID, "parameter '%s' matches %zu values", key,
			       f.nr);
	*out = f.nr > 0 ? f.v : NULL;
	return 0;
}
