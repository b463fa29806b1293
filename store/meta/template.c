#include "store/meta/template.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/base/vec.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/meta/pipeline.h"

#include <stdlib.h>

enum {
	NODE_COST = 128 /* bytes a node of a result is taken for */
};

bool tmpl_spend(struct tmpl *t, size_t bytes)
{
	if (bytes > *t->budget)
		return false;
	*t->budget -= bytes;
	return true;
}

int tmpl_fail_budget(struct err *e)
{
	return err_set(e, ERR_INVALID,
		       "what the stages of this file expand to passes %d MiB",
		       PIPELINE_TOTAL_MAX >> 20);
}

const char *tmpl_type_name(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NULL:
		return "NoneType";
	case VALUE_BOOL:
		return "bool";
	case VALUE_INT:
		return "int";
	case VALUE_FLOAT:
		return "float";
	case VALUE_STR:
		return "str";
	case VALUE_DATE:
		return "date";
	case VALUE_BYTES:
		return "bytes";
	case VALUE_LIST:
		return "list";
	case VALUE_TUPLE:
		return "tuple";
	case VALUE_SET:
		return "set";
	case VALUE_MAP:
		return "dict";
	}
	return "?";
}

void tmpl_text(const struct value *v, struct buf *out)
{
	if (v->kind == VALUE_BOOL)
		buf_adds(out, v->b ? "true" : "false");
	else if (v->kind == VALUE_STR)
		buf_addslice(out, v->text);
	else
		value_str_python(v, out);
}

static bool is_composite(const struct value *v)
{
	return v->kind == VALUE_MAP || v->kind == VALUE_LIST || v->kind == VALUE_TUPLE ||
	       v->kind == VALUE_SET;
}

/* ---- finding ${} --------------------------------------------------------- */

struct token {
	size_t start, end; /* of "${...}" */
	struct slice inner;
};

/*
 * The next "${" that no backslash stands before, up to the first "}" on its line.
 * A line without any more "}" is passed over at once, so that a hostile text costs
 * no more than its length.
 */
static bool next_token(struct slice s, size_t from, struct token *out)
{
	const char *close = NULL;

	for (size_t i = from; i + 1 < s.n; i++) {
		const char *nl;

		if (s.p[i] != '$' || s.p[i + 1] != '{' || (i > 0 && s.p[i - 1] == '\\'))
			continue;
		if (!close || close < s.p + i + 2)
			close = memchr(s.p + i + 2, '}', s.n - (i + 2));
		if (!close)
			return false;
		nl = memchr(s.p + i + 2, '\n', (size_t)(close - (s.p + i + 2)));
		if (nl) {
			i = (size_t)(nl - s.p);
			continue;
		}
		out->start = i;
		out->end = (size_t)(close - s.p) + 1;
		out->inner = (struct slice){s.p + i + 2, out->end - 1 - (i + 2)};
		return true;
	}
	return false;
}

bool tmpl_is_interpolated(const struct value *v)
{
	struct token tok;

	if (v->kind == VALUE_STR)
		return next_token(v->text, 0, &tok);
	for (size_t i = 0; i < v->nr; i++) {
		if (v->kind == VALUE_MAP ? tmpl_is_interpolated(v->pairs[i].key) ||
						   tmpl_is_interpolated(v->pairs[i].value)
					 : tmpl_is_interpolated(v->items[i]))
			return true;
	}
	return false;
}

/* ---- expressions --------------------------------------------------------- */

static bool is_special(char c)
{
	return c == '.' || c == '[' || c == ']';
}

/* word (("." word) | ("[" word "]"))*: how far it goes. */
static size_t parse_words(struct slice s)
{
	size_t i = 0, n;

	while (i < s.n && !is_special(s.p[i]))
		i++;
	if (i == 0)
		return 0;
	while (i < s.n) {
		size_t j = i + 1;

		if (s.p[i] == ']')
			return i;
		for (n = j; n < s.n && !is_special(s.p[n]); n++)
			;
		if (n == j)
			return i;
		if (s.p[i] == '[') {
			if (n >= s.n || s.p[n] != ']')
				return i;
			n++;
		}
		i = n;
	}
	return i;
}

static int check_expr(struct tmpl *t, struct slice inner, struct err *e)
{
	size_t at = parse_words(inner);
	struct buf b = {0};
	int r;

	if (at == inner.n && inner.n > 0)
		return 0;
	t->fault = TMPL_PARSE;
	buf_adds(&b, "${");
	text_escape(&b, inner);
	buf_adds(&b, "}\n");
	buf_fill(&b, ' ', at + 2);
	buf_adds(&b, "^\nParseException: Expected ");
	buf_adds(&b, inner.n == 0 ? "a name" : "end of text");
	if (at < inner.n) {
		buf_adds(&b, ", found '");
		text_escape(&b, (struct slice){inner.p + at, 1});
		buf_addc(&b, '\'');
	}
	buf_addf(&b, "  (at char %zu), (line:1, col:%zu)", at + 2, at + 3);
	r = err_set(e, ERR_INVALID, "%s", buf_str(&b));
	buf_release(&b);
	return r;
}

static int fail_absent(struct tmpl *t, struct slice inner, struct err *e)
{
	struct buf b = {0};
	int r;

	t->fault = TMPL_ABSENT;
	text_escape(&b, inner);
	r = err_set(e, ERR_INVALID, "Could not find '%s'", buf_str(&b));
	buf_release(&b);
	return r;
}

static const struct value *step(const struct value *v, struct slice word)
{
	int64_t i;

	if (v->kind == VALUE_MAP)
		return value_get_slice(v, word);
	if (v->kind != VALUE_LIST || !parse_i64(word, &i))
		return NULL;
	if (i < 0)
		i += (int64_t)v->nr;
	return i >= 0 && (uint64_t)i < v->nr ? v->items[i] : NULL;
}

/* "a.b[0]": each segment trimmed; "[" is ".", and "]" is nothing. */
static int look_up(struct tmpl *t, struct slice inner, const struct value **out,
		   struct err *e)
{
	const struct value *v = NULL;
	size_t i = 0;

	for (bool first = true; first || i < inner.n; first = false) {
		size_t start = i;
		struct slice word;

		while (i < inner.n && !is_special(inner.p[i]))
			i++;
		word = slice_trim((struct slice){inner.p + start, i - start});
		if (i < inner.n && inner.p[i] == ']')
			i++;
		if (i < inner.n)
			i++; /* "." or "[" */
		if (!first)
			v = step(v, word);
		else if (t->item && slice_is(word, "item"))
			v = t->item;
		else if (t->key && slice_is(word, "key"))
			v = t->key;
		else
			v = value_get_slice(t->vars, word);
		if (!v)
			return fail_absent(t, inner, e);
	}
	*out = v;
	return 0;
}

bool tmpl_has(const struct tmpl *t, const char *name)
{
	return value_get(t->vars, name) != NULL;
}

/* ---- cmd: a map as options ----------------------------------------------- */

static void add_option(struct buf *out, struct slice key, const char *dashes)
{
	buf_adds(out, dashes);
	buf_addslice(out, key);
	buf_addc(out, ' ');
}

static void add_scalar(struct buf *out, const struct value *v)
{
	if (v->kind == VALUE_STR)
		text_shell_quote(out, v->text);
	else
		value_str_python(v, out); /* a bool in a list: True */
	buf_addc(out, ' ');
}

static int options_of(struct tmpl *t, const struct value *map, struct buf *prefix,
		      struct buf *out, struct err *e);

static int option_list(struct tmpl *t, struct slice key, const struct value *list,
		       struct buf *out, struct err *e)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (is_composite(list->items[i])) {
			t->fault = TMPL_PARSE;
			return err_set(e, ERR_INVALID,
				       "Cannot interpolate nested iterable in '%.*s'",
				       SLICE_FMT(key));
		}
		if (i == 0 || (t->flags & PIPELINE_LIST_APPEND))
			add_option(out, key, "--");
		add_scalar(out, list->items[i]);
	}
	return 0;
}

static int option(struct tmpl *t, const struct value *v, struct buf *prefix,
		  struct buf *out, struct err *e)
{
	struct slice key = buf_slice(prefix);

	if (v->kind == VALUE_MAP && v->nr > 0)
		return options_of(t, v, prefix, out, e);
	if (v->kind == VALUE_BOOL) {
		if (v->b)
			add_option(out, key, "--");
		else if (t->flags & PIPELINE_BOOL_OPTIONAL)
			add_option(out, key, "--no-");
		return 0;
	}
	if (is_composite(v))
		return option_list(t, key, v, out, e);
	add_option(out, key, "--");
	add_scalar(out, v);
	return 0;
}

static int options_of(struct tmpl *t, const struct value *map, struct buf *prefix,
		      struct buf *out, struct err *e)
{
	size_t n = prefix->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < map->nr; i++) {
		if (n > 0)
			buf_addc(prefix, '.');
		tmpl_text(map->pairs[i].key, prefix);
		r = option(t, map->pairs[i].value, prefix, out, e);
		buf_cut(prefix, n);
		if (out->n > PIPELINE_TEXT_MAX)
			break; /* reported by the caller */
	}
	return r;
}

/* ---- resolving ----------------------------------------------------------- */

/* Lists and maps have no text, but for a map in cmd. */
static int validate(struct tmpl *t, const struct value *v, const char *key, struct err *e)
{
	if (!is_composite(v) || !key || strstr(key, "foreach") ||
	    (v->kind == VALUE_MAP && strcmp(key, "cmd") == 0))
		return 0;
	t->fault = TMPL_PARSE;
	return err_set(e, ERR_INVALID, "Cannot interpolate data of type '%s'",
		       tmpl_type_name(v));
}

static int add_value(struct tmpl *t, const struct value *v, struct buf *out,
		     struct err *e)
{
	struct buf prefix = {0}, options = {0};
	struct jsonw w;
	int r = 0;

	if (v->kind == VALUE_MAP) {
		r = options_of(t, v, &prefix, &options, e);
		while (options.n > 0 && options.p[options.n - 1] == ' ')
			buf_cut(&options, options.n - 1);
		buf_addslice(out, buf_slice(&options));
	} else if (is_composite(v)) {
		/* Only where validate() lets it by; what comes of it is no list. */
		jsonw_init(&w, out, 0);
		jsonw_value(&w, v);
	} else {
		tmpl_text(v, out);
	}
	buf_release(&prefix);
	buf_release(&options);
	return r;
}

/* "\${" is how a person writes "${" for the shell. */
static void unescape(struct buf *b)
{
	char *to = b->p;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] == '\\' && i + 2 < b->n && b->p[i + 1] == '$' &&
		    b->p[i + 2] == '{')
			continue;
		to[n++] = b->p[i];
	}
	buf_cut(b, n);
}

static int fail_long(struct err *e)
{
	return err_set(e, ERR_INVALID, "an interpolated text passes %d bytes",
		       PIPELINE_TEXT_MAX);
}

static int resolve_text(struct tmpl *t, const struct value *s, const char *key,
			struct value **out, struct err *e)
{
	struct slice text = s->text;
	const struct value *v;
	struct buf b = {0};
	struct token tok;
	size_t at = 0;
	int r = 0;

	if (next_token(text, 0, &tok) && tok.start == 0 && tok.end == text.n) {
		t->used = true;
		if ((r = look_up(t, tok.inner, &v, e)) == 0 &&
		    (r = validate(t, v, key, e)) == 0)
			*out = value_copy(t->arena, v);
		return r;
	}
	while (r == 0 && next_token(text, at, &tok)) {
		t->used = true;
		if ((r = look_up(t, tok.inner, &v, e)) < 0 ||
		    (r = validate(t, v, key, e)) < 0)
			break;
		buf_add(&b, text.p + at, tok.start - at);
		r = add_value(t, v, &b, e);
		at = tok.end;
		if (r == 0 && b.n > PIPELINE_TEXT_MAX)
			r = fail_long(e);
	}
	if (r == 0) {
		buf_add(&b, text.p + at, text.n - at);
		if (b.n > PIPELINE_TEXT_MAX && t->used)
			r = fail_long(e);
	}
	if (r == 0) {
		size_t before = b.n;

		unescape(&b);
		t->used |= b.n != before;
		if (!tmpl_spend(t, b.n))
			r = tmpl_fail_budget(e);
		else
			*out = value_str(t->arena, buf_slice(&b));
	}
	buf_release(&b);
	return r;
}

static size_t cost(const struct value *v)
{
	size_t n = NODE_COST + v->text.n;

	for (size_t i = 0; i < v->nr; i++)
		n += v->kind == VALUE_MAP
			     ? cost(v->pairs[i].key) + cost(v->pairs[i].value)
			     : cost(v->items[i]);
	return n;
}

int tmpl_resolve(struct tmpl *t, const struct value *v, const char *key,
		 struct value **out, struct err *e)
{
	struct value *made = NULL, *k, *item;
	int r = 0;

	if (!tmpl_spend(t, NODE_COST))
		return tmpl_fail_budget(e);
	if (v->kind == VALUE_STR) {
		r = resolve_text(t, v, key, &made, e);
		if (r == 0 && is_composite(made) && !tmpl_spend(t, cost(made)))
			r = tmpl_fail_budget(e);
	} else if (v->kind == VALUE_LIST) {
		made = value_list(t->arena);
		for (size_t i = 0; r == 0 && i < v->nr; i++)
			if ((r = tmpl_resolve(t, v->items[i], key, &item, e)) == 0)
				value_add(t->arena, made, item);
	} else if (v->kind == VALUE_MAP) {
		made = value_map(t->arena);
		for (size_t i = 0; r == 0 && i < v->nr; i++) {
			const struct value_pair *p = &v->pairs[i];

			if ((r = tmpl_resolve(t, p->key, key, &k, e)) == 0 &&
			    (r = tmpl_resolve(t, p->value, key, &item, e)) == 0) {
				if (is_composite(k))
					r = err_set(e, ERR_INVALID,
						    "a key cannot be of type '%s'",
						    tmpl_type_name(k));
				else
					value_set_pair(t->arena, made, k, item);
			}
		}
	} else {
		made = value_copy(t->arena, v);
	}
	if (r == 0) {
		made->span = v->span;
		*out = made;
	}
	return r;
}

int tmpl_check(struct tmpl *t, const struct value *v, struct err *e)
{
	struct token tok;
	size_t at = 0;
	int r = 0;

	if (v->kind == VALUE_STR)
		for (; r == 0 && next_token(v->text, at, &tok); at = tok.end)
			r = check_expr(t, tok.inner, e);
	for (size_t i = 0; r == 0 && i < v->nr; i++) {
		if (v->kind != VALUE_MAP)
			r = tmpl_check(t, v->items[i], e);
		else if ((r = tmpl_check(t, v->pairs[i].key, e)) == 0)
			r = tmpl_check(t, v->pairs[i].value, e);
	}
	return r;
}
