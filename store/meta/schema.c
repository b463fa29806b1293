#include "store/meta/schema.h"

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/text.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"

#include <string.h>

const struct schema schema_any = {.accepts = ACCEPT_ANY};
const struct schema schema_str = {.accepts = ACCEPT_STR};
const struct schema schema_bool = {.accepts = ACCEPT_BOOL};
const struct schema schema_int = {.accepts = ACCEPT_INT};
const struct schema schema_dict = {.accepts = ACCEPT_MAP};
const struct schema schema_str_list = {.accepts = ACCEPT_LIST, .item = &schema_str};
const struct schema schema_checksum = {.accepts = ACCEPT_CHECKSUM};

#define HASH_AND_META                                                                    \
	{"md5", &schema_checksum, false}, {"etag", &schema_checksum, false},             \
		{"checksum", &schema_checksum, false}, {"size", &schema_int, false},     \
		{"nfiles", &schema_int, false}, {"isexec", &schema_bool, false},         \
	{                                                                                \
		"version_id", &schema_str, false                                         \
	}

static const struct schema_key cloud_keys[] = {HASH_AND_META, {0}};
static const struct schema cloud_entry = {.accepts = ACCEPT_MAP, .keys = cloud_keys};
const struct schema schema_cloud = {
	.accepts = ACCEPT_MAP, .value = &cloud_entry, .max_nr = 1};

static const struct schema_key file_keys[] = {
	HASH_AND_META,
	{"relpath", &schema_str, true},
	{"cloud", &schema_cloud, false},
	{0},
};
static const struct schema file_entry = {.accepts = ACCEPT_MAP, .keys = file_keys};
const struct schema schema_files = {.accepts = ACCEPT_LIST, .item = &file_entry};

/* ---- telling ------------------------------------------------------------- */

/* The line of the place and the one before it, numbered. */
static void add_snippet(struct buf *out, struct slice text, unsigned line)
{
	struct slice rest = text;

	for (unsigned n = 1; rest.p && n <= line; n++) {
		struct slice row = slice_cut(&rest, '\n');

		if (n + 1 < line)
			continue;
		if (row.n > 0 && row.p[row.n - 1] == '\r')
			row.n--;
		if (row.n > 200)
			row.n = 200;
		buf_addf(out, "\n%3u ", n);
		text_escape(out, row);
	}
}

int schema_fail(const char *file, struct slice text, const struct value *at,
		const char *place, const char *why, struct err *e)
{
	struct buf b = {0};
	int r;

	buf_addf(&b, "'%s' validation failed.\n\n%s", file, why);
	if (place[0])
		buf_addf(&b, ", in %s", place);
	if (at && at->span.line) {
		buf_addf(&b, ", line %u, column %u", at->span.line, at->span.column);
		add_snippet(&b, text, at->span.line);
	}
	r = err_set(e, ERR_CORRUPT, "%s", buf_str(&b));
	buf_release(&b);
	return r;
}

/* ---- checking ------------------------------------------------------------ */

struct place {
	const struct place *up;
	const struct value *key; /* NULL: index */
	size_t index;
};

struct check {
	const char *file;
	struct slice text;
	struct err *e;
};

static void add_place(struct buf *out, const struct place *p)
{
	if (!p)
		return;
	add_place(out, p->up);
	if (out->n)
		buf_adds(out, " -> ");
	if (!p->key) {
		buf_addf(out, "%zu", p->index);
	} else if (p->key->kind == VALUE_STR) {
		text_escape(out, p->key->text);
	} else {
		value_str_python(p->key, out);
	}
}

static int fail(const struct check *c, const struct place *p, const struct value *at,
		const char *why)
{
	struct buf place = {0};
	int r;

	add_place(&place, p);
	r = schema_fail(c->file, c->text, at, buf_str(&place), why, c->e);
	buf_release(&place);
	return r;
}

static const char *expected(const struct schema *s)
{
	if (s->accepts & ACCEPT_CHECKSUM)
		return "not a valid value";
	if (s->accepts & ACCEPT_STR)
		return "expected str";
	if (s->accepts & ACCEPT_INT)
		return "expected int";
	if (s->accepts & ACCEPT_BOOL)
		return "expected bool";
	return s->accepts & ACCEPT_MAP ? "expected a dictionary" : "expected a list";
}

static bool accepts(const struct schema *s, const struct value *v)
{
	if (s->accepts & ACCEPT_ANY)
		return true;
	switch (v->kind) {
	case VALUE_NULL:
		return s->accepts & (ACCEPT_NULL | ACCEPT_CHECKSUM);
	case VALUE_BOOL:
		return s->accepts & ACCEPT_BOOL;
	case VALUE_INT:
		return (s->accepts & ACCEPT_INT) ||
		       ((s->accepts & ACCEPT_CHECKSUM) && v->text.n >= 3);
	case VALUE_STR:
		return (s->accepts & ACCEPT_STR) || ((s->accepts & ACCEPT_CHECKSUM) &&
						     (v->text.n == 0 || v->text.n >= 3));
	case VALUE_LIST:
		return s->accepts & ACCEPT_LIST;
	case VALUE_MAP:
		return s->accepts & ACCEPT_MAP;
	default:
		return false;
	}
}

static int check(const struct check *c, const struct schema *s, const struct value *v,
		 const struct place *p);

static const struct schema_key *find_key(const struct schema *s, const struct value *key)
{
	for (const struct schema_key *k = s->keys; k->name; k++)
		if (key->kind == VALUE_STR && slice_is(key->text, k->name))
			return k;
	return NULL;
}

static int check_map(const struct check *c, const struct schema *s, const struct value *v,
		     const struct place *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->nr; i++) {
		struct place here = {.up = p, .key = v->pairs[i].key};
		const struct schema_key *k = NULL;

		/* A text with a NUL in it would be cut short by all that follows. */
		if (here.key->kind != VALUE_STR ||
		    (s->keys && !(k = find_key(s, here.key))) ||
		    memchr(here.key->text.p, '\0', here.key->text.n))
			return fail(c, &here, here.key, "extra keys not allowed");
		r = check(c, k ? k->schema : s->value, v->pairs[i].value, &here);
	}
	for (const struct schema_key *k = s->keys; r == 0 && k && k->name; k++) {
		struct value name = {.kind = VALUE_STR, .text = slice_of(k->name)};
		struct place here = {.up = p, .key = &name};

		if (k->required && !value_get(v, k->name))
			return fail(c, &here, v, "required key not provided");
	}
	if (r == 0 && s->max_nr && v->nr > s->max_nr)
		return fail(c, p, v, "length of value must be at most 1");
	return r;
}

static int check(const struct check *c, const struct schema *s, const struct value *v,
		 const struct place *p)
{
	int r = 0;

	for (size_t i = 0; s->alt_if && s->alt_if[i]; i++)
		if (v->kind == VALUE_MAP && value_get(v, s->alt_if[i])) {
			s = s->alt;
			break;
		}
	if (!accepts(s, v))
		return fail(c, p, v, expected(s));
	if (s->equal && (v->kind != VALUE_STR || !slice_is(v->text, s->equal)))
		return fail(c, p, v, "invalid schema version");
	if (v->kind == VALUE_STR && memchr(v->text.p, '\0', v->text.n))
		return fail(c, p, v, "a NUL character");
	if (v->kind == VALUE_MAP && (s->keys || s->value))
		return check_map(c, s, v, p);
	if (v->kind == VALUE_LIST && s->item)
		for (size_t i = 0; r == 0 && i < v->nr; i++) {
			struct place here = {.up = p, .index = i};

			r = check(c, s->item, v->items[i], &here);
		}
	return r;
}

/* Seven "<", "=" or ">" and a space at the start of a line. */
static bool has_conflict(struct slice text)
{
	for (struct slice rest = text; rest.p;) {
		struct slice row = slice_cut(&rest, '\n');

		if (row.n > 7 && row.p[7] == ' ' &&
		    (slice_starts(row, "<<<<<<<") || slice_starts(row, "=======") ||
		     slice_starts(row, ">>>>>>>")))
			return true;
	}
	return false;
}

int schema_read(const struct schema *s, struct slice text, const char *file,
		struct arena *a, struct value **root, struct err *e)
{
	struct check c = {.file = file, .text = text, .e = e};
	struct value *v;
	int r = yaml_read(text, file, a, &v, e);

	if (r < 0)
		return err_ctx(e, r, "'%s' is invalid%s", file,
			       has_conflict(text) ? " (possible merge conflicts)" : "");
	if (!value_truthy(v)) {
		*root = NULL;
		return 0;
	}
	if ((r = check(&c, s, v, NULL)) == 0)
		*root = v;
	return r;
}
