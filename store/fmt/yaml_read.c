/* Reading YAML: libyaml's events into a tree. */
#include "store/fmt/yaml.h"

#include <math.h>
#include <yaml.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/base/parse.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml_type.h"

struct level {
	struct value *node;
	struct value *key;    /* of a map: waiting for its value */
	struct value *merged; /* list of what "<<" brings, or NULL */
	bool has_merge;
	char *anchor;	 /* to be defined when the node ends */
	size_t nodes_at; /* reader's count when it began */
};

struct reader {
	yaml_parser_t parser;
	struct slice text;
	size_t skip; /* of a BOM */
	const char *name;
	struct arena *a;
	struct level level[YAML_DEPTH_MAX + 1];
	unsigned depth;
	struct value *root;
	struct map anchors; /* name to index into defs */
	struct {
		struct def {
			struct value *node;
			size_t nodes;
		} * v;
		size_t nr, cap;
	} defs;
	size_t nodes, expanded;
	/* libyaml counts characters: where character_at stands in bytes */
	size_t char_at, byte_at;
};

static int fail(struct reader *r, size_t line, size_t column, const char *what,
		struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s%s%zu:%zu: %s", r->name ? r->name : "",
		       r->name ? ":" : "", line + 1, column + 1, what);
}

static int fail_at(struct reader *r, const yaml_mark_t *m, const char *what,
		   struct err *e)
{
	return fail(r, m->line, m->column, what, e);
}

/* Marks come nearly in order, so that walking from the last one is linear. */
static size_t byte_of(struct reader *r, size_t index)
{
	const char *p = r->text.p;

	while (r->char_at < index && r->byte_at < r->text.n) {
		r->byte_at++;
		while (r->byte_at < r->text.n && (p[r->byte_at] & 0xC0) == 0x80)
			r->byte_at++;
		r->char_at++;
	}
	while (r->char_at > index && r->byte_at > 0) {
		r->byte_at--;
		while (r->byte_at > 0 && (p[r->byte_at] & 0xC0) == 0x80)
			r->byte_at--;
		r->char_at--;
	}
	return r->byte_at + r->skip;
}

static void set_span(struct reader *r, struct value *v, const yaml_mark_t *begin,
		     const yaml_mark_t *end)
{
	v->span.begin = byte_of(r, begin->index);
	v->span.end = byte_of(r, end->index);
	v->span.line = (unsigned)begin->line + 1;
	v->span.column = (unsigned)begin->column + 1;
}

/* ---- scalars ------------------------------------------------------------- */

enum {
	INT_CHARS_MAX = 4300
};

static struct value *int_from(struct arena *a, struct slice s)
{
	struct buf digits = {0};
	struct value *v = NULL;
	unsigned base = 10;
	size_t i = 0;

	for (size_t at = 0; at < s.n; at++) {
		if (s.p[at] != '_')
			buf_addc(&digits, s.p[at]);
	}
	if (digits.n && (digits.p[0] == '-' || digits.p[0] == '+'))
		i = 1;
	if (digits.n > i + 2 && digits.p[i] == '0' && digits.p[i + 1] > '9') {
		base = digits.p[i + 1] == 'x' ? 16 : digits.p[i + 1] == 'o' ? 8 : 2;
		i += 2;
	}
	if (i == digits.n || digits.p[digits.n - 1] > 'f')
		goto out; /* "-_", "0x_": Python cannot make a number of it either */
	if (digits.n > INT_CHARS_MAX)
		goto out; /* Python has a limit too, against quadratic cost */
	if (base == 10)
		v = value_int_text(a, buf_slice(&digits));
	else
		v = value_int_base(a, (struct slice){digits.p + i, digits.n - i}, base,
				   digits.p[0] == '-');
	if (v->is_big && base != 10)
		goto out;			/* its text is the number */
	v->text.p = arena_strndup(a, s.p, s.n); /* the spelling is kept */
	v->text.n = s.n;
out:
	buf_release(&digits);
	return v;
}

static struct value *float_from(struct arena *a, struct slice s)
{
	struct buf text = {0};
	struct value *v = NULL;
	struct slice t;
	bool neg = s.p[0] == '-';
	double f;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '_')
			buf_addc(&text, s.p[i]);
	}
	t = buf_slice(&text);
	if (t.p[0] == '-' || t.p[0] == '+') {
		t.p++;
		t.n--;
	}
	if (t.n == 4 && (t.p[1] | 32) == 'i')
		f = INFINITY;
	else if (t.n == 4 && (t.p[1] | 32) == 'n')
		f = NAN;
	else if (t.n < 2 && t.p[0] == '.')
		goto out;
	else
		f = strtod(t.p, NULL); /* of any length; no locale is ever set */
	v = value_float(a, neg ? -f : f);
	v->text.p = arena_strndup(a, s.p, s.n);
	v->text.n = s.n;
out:
	buf_release(&text);
	return v;
}

/* NULL: the text resolves to a type that it cannot be converted to. */
static struct value *convert(struct arena *a, struct slice s, enum yaml_type type)
{
	struct value *v;

	switch (type) {
	case YAML_TYPE_NULL:
		return value_null(a);
	case YAML_TYPE_BOOL:
		return value_bool(a, s.p[0] == 't' || s.p[0] == 'T');
	case YAML_TYPE_INT:
		return int_from(a, s);
	case YAML_TYPE_FLOAT:
		return float_from(a, s);
	case YAML_TYPE_TIMESTAMP:
		v = value_str(a, s);
		v->kind = VALUE_DATE;
		return v;
	case YAML_TYPE_VALUE:
		return NULL;
	default:
		return value_str(a, s);
	}
}

struct value *yaml_plain(struct arena *a, struct slice text)
{
	struct value *v = convert(a, text, yaml_type_of(text));

	return v ? v : value_str(a, text);
}

static enum value_style scalar_style(yaml_scalar_style_t s)
{
	switch (s) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return VALUE_STYLE_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return VALUE_STYLE_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return VALUE_STYLE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return VALUE_STYLE_FOLDED;
	default:
		return VALUE_STYLE_PLAIN;
	}
}

#define TAG_PREFIX "tag:yaml.org,2002:"

/* The type that a tag names for a scalar; false for one we do not know. */
static bool tagged_type(const char *tag, struct slice text, enum yaml_type *type)
{
	static const struct {
		const char *tag;
		enum yaml_type type;
	} tags[] = {
		{"!", YAML_TYPE_STR},
		{TAG_PREFIX "str", YAML_TYPE_STR},
		{TAG_PREFIX "null", YAML_TYPE_NULL},
		{TAG_PREFIX "bool", YAML_TYPE_BOOL},
		{TAG_PREFIX "int", YAML_TYPE_INT},
		{TAG_PREFIX "float", YAML_TYPE_FLOAT},
		{TAG_PREFIX "timestamp", YAML_TYPE_TIMESTAMP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		if (strcmp(tag, tags[i].tag) != 0)
			continue;
		*type = tags[i].type;
		/* A float may be spelt as an int; else the tag must fit the text. */
		if (*type == YAML_TYPE_STR || *type == YAML_TYPE_NULL)
			return true;
		if (*type == YAML_TYPE_FLOAT && yaml_type_of(text) == YAML_TYPE_INT)
			return text.n < 2 || text.p[1] < 'a';
		return yaml_type_of(text) == *type;
	}
	return false;
}

static int read_scalar(struct reader *r, const yaml_event_t *ev, struct value **out,
		       bool *is_merge, struct err *e)
{
	struct slice s = {(const char *)ev->data.scalar.value, ev->data.scalar.length};
	const char *tag = (const char *)ev->data.scalar.tag;
	enum yaml_type type = YAML_TYPE_STR;

	if (tag) {
		if (!tagged_type(tag, s, &type))
			return fail_at(r, &ev->start_mark, "unknown or unfitting tag", e);
	} else if (ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		type = yaml_type_of(s);
	}
	*is_merge = type == YAML_TYPE_MERGE;
	*out = convert(r->a, s, type);
	if (!*out)
		return fail_at(r, &ev->start_mark, "the value cannot be converted", e);
	(*out)->style = scalar_style(ev->data.scalar.style);
	(*out)->has_props = tag || ev->data.scalar.anchor;
	set_span(r, *out, &ev->start_mark, &ev->end_mark);
	return 0;
}

/* ---- nodes into their places --------------------------------------------- */

/* What came by an alias shares its children with the anchor's node. */
static struct value *borrowed(struct reader *r, const struct value *v)
{
	struct value *copy = arena_alloc(r->a, sizeof(*copy));

	*copy = *v;
	copy->is_alias = true;
	return copy;
}

static int put(struct reader *r, struct value *v, bool is_merge, const yaml_mark_t *m,
	       struct err *e)
{
	struct level *l;

	if (r->depth == 0) {
		r->root = v;
		return 0;
	}
	l = &r->level[r->depth - 1];
	if (l->node->kind == VALUE_LIST) {
		value_add(r->a, l->node, v);
		return 0;
	}
	if (l->has_merge) { /* v is what "<<" names */
		l->has_merge = false;
		l->merged = v;
		return 0;
	}
	if (l->key) {
		value_set_pair(r->a, l->node, l->key, v);
		l->key = NULL;
		return 0;
	}
	if (is_merge) {
		if (l->merged)
			return fail_at(r, m, "found duplicate key \"<<\"", e);
		l->has_merge = true;
		return 0;
	}
	if (v->kind == VALUE_MAP)
		return fail_at(r, m, "found unhashable key", e);
	if (v->kind == VALUE_LIST)
		v->kind = VALUE_TUPLE;
	if (value_find(l->node, v)) {
		struct buf b = {0};
		int ret;

		value_str_python(v, &b);
		ret = err_set(e, ERR_CORRUPT,
			      "%s%s%zu:%zu: found duplicate key \"%.80s\"",
			      r->name ? r->name : "", r->name ? ":" : "", m->line + 1,
			      m->column + 1, buf_str(&b));
		buf_release(&b);
		return ret;
	}
	l->key = v;
	return 0;
}

static int expand(struct reader *r, size_t nodes, const yaml_mark_t *m, struct err *e)
{
	r->expanded += nodes;
	r->nodes += nodes;
	if (r->expanded > YAML_EXPAND_MAX || r->nodes > YAML_NODES_MAX)
		return fail_at(r, m, "aliases expand to too many values", e);
	return 0;
}

static void define(struct reader *r, const char *anchor, struct value *v, size_t nodes)
{
	struct def d = {v, nodes};

	if (!anchor)
		return;
	map_set(&r->anchors, slice_of(anchor), r->defs.nr);
	vec_push(&r->defs, d);
}

/* Merged pairs come first, and an own key overrides them where they stand. */
static int merge_into(struct reader *r, struct level *l, const yaml_mark_t *m,
		      struct err *e)
{
	struct value *own = l->node, *all = value_map(r->a), *src = l->merged;
	struct value *one[1] = {src};
	struct value **maps = src->kind == VALUE_LIST ? src->items : one;
	size_t nr = src->kind == VALUE_LIST ? src->nr : 1;

	for (size_t i = 0; i < nr; i++) {
		if (maps[i]->kind != VALUE_MAP)
			return fail(r, src->span.line - 1, src->span.column - 1,
				    "expected a mapping to merge", e);
		for (size_t k = 0; k < maps[i]->nr; k++) {
			struct value_pair p = maps[i]->pairs[k];

			if (value_find(all, p.key))
				continue; /* the first map wins */
			if (expand(r, 1, m, e) < 0)
				return ERR_CORRUPT;
			value_set_pair(r->a, all, borrowed(r, p.key),
				       borrowed(r, p.value));
		}
	}
	for (size_t k = 0; k < own->nr; k++) {
		const struct value_pair *old = value_find(all, own->pairs[k].key);

		if (old)
			all->pairs[old - all->pairs].key = own->pairs[k].key;
		value_set_pair(r->a, all, own->pairs[k].key, own->pairs[k].value);
	}
	own->pairs = all->pairs;
	own->nr = all->nr;
	own->cap = all->cap;
	own->table = all->table;
	own->table_n = all->table_n;
	own->has_merge = true;
	return 0;
}

static int begin(struct reader *r, enum value_kind kind, bool flow, const char *tag,
		 const char *anchor, const yaml_event_t *ev, struct err *e)
{
	struct level *l;

	if (tag && strcmp(tag, "!") != 0 &&
	    strcmp(tag, kind == VALUE_MAP ? TAG_PREFIX "map" : TAG_PREFIX "seq") != 0)
		return fail_at(r, &ev->start_mark, "unknown or unfitting tag", e);
	if (r->depth == YAML_DEPTH_MAX)
		return fail_at(r, &ev->start_mark, "nested too deeply", e);
	l = &r->level[r->depth++];
	*l = (struct level){.nodes_at = r->nodes};
	l->node = kind == VALUE_MAP ? value_map(r->a) : value_list(r->a);
	l->node->style = flow ? VALUE_STYLE_FLOW : VALUE_STYLE_BLOCK;
	l->node->has_props = tag || anchor;
	l->anchor = anchor ? arena_strdup(r->a, anchor) : NULL;
	set_span(r, l->node, &ev->start_mark, &ev->end_mark);
	return 0;
}

/* libyaml ends a block at the next token; ours ends with its last child. */
static int end(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	struct level l = r->level[r->depth - 1];
	struct value *v = l.node;

	if (v->style == VALUE_STYLE_FLOW) {
		v->span.end = byte_of(r, ev->end_mark.index);
	} else {
		for (size_t i = 0; i < v->nr; i++) {
			const struct value *c =
				v->kind == VALUE_MAP ? v->pairs[i].value : v->items[i];

			v->span.end = MAX_OF(v->span.end, c->span.end);
		}
		if (l.merged)
			v->span.end = MAX_OF(v->span.end, l.merged->span.end);
	}
	if (l.merged && merge_into(r, &l, &ev->start_mark, e) < 0)
		return ERR_CORRUPT;
	r->depth--;
	define(r, l.anchor, v, r->nodes - l.nodes_at + 1);
	return put(r, v, false, &ev->start_mark, e);
}

static int alias(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	const char *anchor = (const char *)ev->data.alias.anchor;
	size_t at = map_get(&r->anchors, slice_of(anchor));
	struct value *v;

	if (at == MAP_NONE)
		return fail_at(r, &ev->start_mark, "found undefined alias", e);
	if (expand(r, r->defs.v[at].nodes, &ev->start_mark, e) < 0)
		return ERR_CORRUPT;
	v = borrowed(r, r->defs.v[at].node);
	set_span(r, v, &ev->start_mark, &ev->end_mark);
	return put(r, v, false, &ev->start_mark, e);
}

/* ---- the event loop ------------------------------------------------------ */

static int node_event(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	bool is_merge = false;
	struct value *v;

	if (++r->nodes > YAML_NODES_MAX)
		return fail_at(r, &ev->start_mark, "too many values", e);
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		if (read_scalar(r, ev, &v, &is_merge, e) < 0)
			return ERR_CORRUPT;
		define(r, (const char *)ev->data.scalar.anchor, v, 1);
		return put(r, v, is_merge, &ev->start_mark, e);
	case YAML_SEQUENCE_START_EVENT:
		return begin(r, VALUE_LIST,
			     ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE,
			     (const char *)ev->data.sequence_start.tag,
			     (const char *)ev->data.sequence_start.anchor, ev, e);
	case YAML_MAPPING_START_EVENT:
		return begin(r, VALUE_MAP,
			     ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE,
			     (const char *)ev->data.mapping_start.tag,
			     (const char *)ev->data.mapping_start.anchor, ev, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return end(r, ev, e);
	default:
		return alias(r, ev, e);
	}
}

static int run_events(struct reader *r, struct err *e)
{
	yaml_event_type_t type;
	int ret = 0;

	do {
		yaml_event_t ev;

		if (!yaml_parser_parse(&r->parser, &ev))
			return fail(r, r->parser.problem_mark.line,
				    r->parser.problem_mark.column,
				    r->parser.problem ? r->parser.problem
						      : "cannot be read",
				    e);
		type = ev.type;
		if (type == YAML_DOCUMENT_START_EVENT) {
			const yaml_version_directive_t *v =
				ev.data.document_start.version_directive;

			if (r->root)
				ret = fail_at(r, &ev.start_mark,
					      "expected a single document", e);
			else if (v && v->major == 1 && v->minor == 1)
				ret = fail_at(r, &ev.start_mark,
					      "YAML 1.1 is not supported", e);
		} else if (type != YAML_STREAM_START_EVENT &&
			   type != YAML_STREAM_END_EVENT &&
			   type != YAML_DOCUMENT_END_EVENT) {
			ret = node_event(r, &ev, e);
		}
		yaml_event_delete(&ev);
	} while (ret == 0 && type != YAML_STREAM_END_EVENT);
	return ret;
}

static int check_utf8(struct reader *r, struct err *e)
{
	size_t line = 0, column = 0;

	if (utf8_valid(r->text.p, r->text.n))
		return 0;
	for (size_t i = 0; i < r->text.n;) {
		uint32_t c;
		unsigned n = utf8_decode(r->text.p + i, r->text.n - i, &c);

		if (n == 0)
			break;
		line += c == '\n';
		column = c == '\n' ? 0 : column + 1;
		i += n;
	}
	return fail(r, line, column, "is not valid utf-8", e);
}

int yaml_read(struct slice text, const char *name, struct arena *a, struct value **root,
	      struct err *e)
{
	struct reader *r = arena_alloc(a, sizeof(*r));
	int ret;

	*r = (struct reader){.text = text, .name = name, .a = a};
	if (slice_starts(text, "\xEF\xBB\xBF")) {
		r->skip = 3;
		r->text.p += 3;
		r->text.n -= 3;
	}
	if (r->text.n > INT32_MAX) /* libyaml counts in ints in places */
		return fail(r, 0, 0, "is too large", e);
	ret = check_utf8(r, e);
	if (ret < 0)
		return ret;
	if (!yaml_parser_initialize(&r->parser))
		return err_set(e, ERR_NOMEM, "out of memory");
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser,
				     (const unsigned char *)(r->text.n ? r->text.p : ""),
				     r->text.n);
	ret = run_events(r, e);
	yaml_parser_delete(&r->parser);
	map_release(&r->anchors);
	vec_release(&r->defs);
	if (ret == 0)
		*root = r->root ? r->root : value_null(a);
	return ret;
}
