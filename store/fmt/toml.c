#include "store/fmt/toml.h"

#include <math.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/utf8.h"
#include "store/fmt/value.h"

/*
 * What made a table decides what may still be added to it. The mark is kept in
 * value.style, which means nothing for TOML until the tree is handed out.
 */
enum {
	IMPLICIT = 1, /* by a longer header: may get a header of its own */
	HEADER,	      /* [a]: closed to other headers, open to sub-tables */
	DOTTED,	      /* a.b = 1: only by keys of the same header */
	INLINE,	      /* {..} or [..]: closed */
	TABLES,	      /* the list of [[a]] */
};

struct reader {
	const char *p, *end;
	unsigned line, depth;
	const char *name;
	struct arena *a;
	struct err *e;
};

static int fail(struct reader *r, const char *what)
{
	return err_set(r->e, ERR_CORRUPT, "%s%s%u: %s", r->name ? r->name : "",
		       r->name ? ":" : "", r->line, what);
}

static void mark(struct value *v, int how)
{
	v->style = (enum value_style)how;
}

static bool marked(const struct value *v, int how)
{
	return (int)v->style == how;
}

static bool at(const struct reader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static bool at_text(const struct reader *r, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(r->end - r->p) >= n && memcmp(r->p, s, n) == 0;
}

static void skip_blanks(struct reader *r)
{
	while (at(r, ' ') || at(r, '\t'))
		r->p++;
}

static bool at_newline(const struct reader *r)
{
	return at(r, '\n') || at_text(r, "\r\n");
}

static void take_newline(struct reader *r)
{
	r->p += at(r, '\r') ? 2 : 1;
	r->line++;
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

static int skip_comment(struct reader *r)
{
	if (!at(r, '#'))
		return 0;
	while (r->p < r->end && !at_newline(r)) {
		if (is_control(*r->p))
			return fail(r, "a control character in a comment");
		r->p++;
	}
	return 0;
}

/* Blanks, comments and newlines. */
static int skip_all(struct reader *r)
{
	for (;;) {
		skip_blanks(r);
		if (skip_comment(r) < 0)
			return ERR_CORRUPT;
		if (!at_newline(r))
			return 0;
		take_newline(r);
	}
}

static int end_line(struct reader *r)
{
	skip_blanks(r);
	if (skip_comment(r) < 0)
		return ERR_CORRUPT;
	if (r->p == r->end)
		return 0;
	if (!at_newline(r))
		return fail(r, "the end of the line is expected");
	take_newline(r);
	return 0;
}

/* ---- strings ------------------------------------------------------------- */

static int unicode(struct reader *r, unsigned digits, struct buf *out)
{
	uint32_t code = 0;
	char utf8[4];
	unsigned n;

	for (unsigned i = 0; i < digits; i++) {
		int d = r->p < r->end ? parse_hex_digit(*r->p) : -1;

		if (d < 0)
			return fail(r, "hexadecimal digits are expected");
		code = code << 4 | (unsigned)d;
		r->p++;
	}
	n = utf8_encode(code, utf8);
	if (n == 0)
		return fail(r, "no Unicode character");
	buf_add(out, utf8, n);
	return 0;
}

static int escape(struct reader *r, bool multi, struct buf *out)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *which, *p;

	if (++r->p >= r->end)
		return fail(r, "the string does not end");
	if (*r->p == 'u' || *r->p == 'U') {
		unsigned digits = *r->p == 'u' ? 4 : 8;

		r->p++;
		return unicode(r, digits, out);
	}
	which = *r->p ? strchr(from, *r->p) : NULL;
	if (which) {
		buf_addc(out, to[which - from]);
		r->p++;
		return 0;
	}
	/* A backslash at the end of a line takes all space behind it away. */
	p = r->p;
	while (p < r->end && (*p == ' ' || *p == '\t'))
		p++;
	if (!multi || p >= r->end || (*p != '\n' && *p != '\r'))
		return fail(r, "unknown escape");
	r->p = p;
	while (r->p < r->end && (at(r, ' ') || at(r, '\t') || at_newline(r))) {
		if (at_newline(r))
			take_newline(r);
		else
			r->p++;
	}
	return 0;
}

static int string(struct reader *r, struct buf *out)
{
	char q = *r->p;
	const char triple[4] = {q, q, q, '\0'};
	bool multi = at_text(r, triple);

	r->p += multi ? 3 : 1;
	if (multi && at_newline(r))
		take_newline(r);
	for (;;) {
		if (r->p >= r->end)
			return fail(r, "the string does not end");
		if (*r->p == q && (!multi || at_text(r, triple))) {
			r->p += multi ? 3 : 1;
			for (int i = 0; multi && i < 2 && at(r, q); i++, r->p++)
				buf_addc(out, q); /* quotes just inside the end */
			return 0;
		}
		if (*r->p == '\\' && q == '"') {
			if (escape(r, multi, out) < 0)
				return ERR_CORRUPT;
		} else if (at_newline(r)) {
			if (!multi)
				return fail(r, "the string does not end");
			take_newline(r);
			buf_addc(out, '\n');
		} else if (is_control(*r->p)) {
			return fail(r, "a control character in a string");
		} else {
			buf_addc(out, *r->p++);
		}
	}
}

static int string_value(struct reader *r, struct value **out)
{
	struct buf b = {0};
	int ret = string(r, &b);

	if (ret == 0)
		*out = value_str(r->a, buf_slice(&b));
	buf_release(&b);
	return ret;
}

/* ---- keys ---------------------------------------------------------------- */

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static int key(struct reader *r, struct value **out)
{
	const char *from = r->p;

	if (at(r, '"') || at(r, '\'')) {
		if (at_text(r, "\"\"\"") || at_text(r, "'''"))
			return fail(r, "a key cannot span lines");
		return string_value(r, out);
	}
	while (r->p < r->end && is_bare(*r->p))
		r->p++;
	if (r->p == from)
		return fail(r, "a key is expected");
	*out = value_str(r->a, (struct slice){from, (size_t)(r->p - from)});
	return 0;
}

/* a.b.c into a list. */
static int dotted_key(struct reader *r, struct value **out)
{
	struct value *k;

	*out = value_list(r->a);
	for (;;) {
		skip_blanks(r);
		if (key(r, &k) < 0)
			return ERR_CORRUPT;
		if ((*out)->nr == TOML_DEPTH_MAX / 2)
			return fail(r, "nested too deeply");
		value_add(r->a, *out, k);
		skip_blanks(r);
		if (!at(r, '.'))
			return 0;
		r->p++;
	}
}

/* ---- numbers, dates, words ----------------------------------------------- */

/* "dddd-dd-dd" and so on: d a digit, T one of "Tt ", others themselves. */
static size_t shape(struct slice s, const char *form)
{
	size_t n = strlen(form);

	if (s.n < n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		char c = s.p[i];
		bool fits = form[i] == 'd'   ? c >= '0' && c <= '9'
			    : form[i] == 'T' ? c == 'T' || c == 't' || c == ' '
					     : c == form[i];

		if (!fits)
			return 0;
	}
	return n;
}

static struct slice rest(struct slice s, size_t n)
{
	return (struct slice){s.p + n, s.n - n};
}

static size_t date_n(struct slice s)
{
	size_t n = shape(s, "dddd-dd-dd"), t;

	if (n == 0) {
		n = shape(s, "dd:dd:dd");
		t = n;
	} else {
		t = shape(rest(s, n), "Tdd:dd:dd");
		n += t;
	}
	if (t && n < s.n && s.p[n] == '.') {
		for (n++; n < s.n && s.p[n] >= '0' && s.p[n] <= '9';)
			n++;
	}
	if (t > 8) { /* a zone only behind date and time */
		if (n < s.n && (s.p[n] == 'Z' || s.p[n] == 'z'))
			n++;
		else if (n < s.n)
			n += shape(rest(s, n), s.p[n] == '-' ? "-dd:dd" : "+dd:dd");
	}
	return n;
}

/* Digits with single underscores between them into b. */
static bool take_digits(struct slice *s, const char *set, struct buf *b)
{
	size_t i = 0;

	for (; i < s->n; i++) {
		if (s->p[i] == '_') {
			if (i == 0 || s->p[i - 1] == '_' || i + 1 == s->n ||
			    !strchr(set, s->p[i + 1]))
				return false;
			continue;
		}
		if (!s->p[i] || !strchr(set, s->p[i]))
			break;
		buf_addc(b, s->p[i]);
	}
	*s = rest(*s, i);
	return i > 0;
}

static struct value *based(struct arena *a, struct slice s, unsigned base, struct buf *b)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	char set[sizeof(digits)];
	uint64_t v = 0;

	memcpy(set, digits, sizeof(digits));
	if (base < 16)
		set[base] = '\0';
	if (!take_digits(&s, set, b) || s.n)
		return NULL;
	for (size_t i = 0; i < b->n; i++) {
		if (v > (uint64_t)INT64_MAX / base)
			return NULL;
		v = v * base + (unsigned)parse_hex_digit(b->p[i]);
		if (v > INT64_MAX)
			return NULL;
	}
	return value_int(a, (int64_t)v);
}

static struct value *decimal(struct arena *a, struct slice s, struct buf *b)
{
	static const char set[] = "0123456789";
	bool is_float = false;
	size_t sign;
	double f;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		if (s.p[0] == '-')
			buf_addc(b, '-');
		s = rest(s, 1);
	}
	sign = b->n;
	if (slice_is(s, "inf") || slice_is(s, "nan"))
		return value_float(a, s.p[0] == 'n' ? NAN : sign ? -INFINITY : INFINITY);
	if (!take_digits(&s, set, b) || (b->n > sign + 1 && b->p[sign] == '0'))
		return NULL;
	if (s.n && s.p[0] == '.') {
		is_float = true;
		buf_addc(b, '.');
		s = rest(s, 1);
		if (!take_digits(&s, set, b))
			return NULL;
	}
	if (s.n && (s.p[0] == 'e' || s.p[0] == 'E')) {
		is_float = true;
		buf_addc(b, 'e');
		s = rest(s, 1);
		if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
			buf_addc(b, s.p[0]);
			s = rest(s, 1);
		}
		if (!take_digits(&s, set, b))
			return NULL;
	}
	if (s.n)
		return NULL;
	if (!is_float)
		return value_int_text(a, buf_slice(b));
	f = strtod(buf_str(b), NULL); /* of any length; no locale is ever set */
	return value_float(a, f);
}

static int word(struct reader *r, struct value **out)
{
	struct slice s = {r->p, (size_t)(r->end - r->p)};
	struct buf b = {0};
	size_t n = date_n(s);

	*out = NULL;
	if (n) {
		*out = value_str(r->a, (struct slice){s.p, n});
		(*out)->kind = VALUE_DATE;
		s.n = n;
	} else {
		for (n = 0;
		     n < s.n && (is_bare(s.p[n]) || s.p[n] == '+' || s.p[n] == '.');)
			n++;
		s.n = n;
		if (slice_is(s, "true") || slice_is(s, "false"))
			*out = value_bool(r->a, s.n == 4);
		else if (s.n > 2 && s.p[0] == '0' && s.p[1] > '9' && s.p[1] != 'e')
			*out = s.p[1] == 'x'   ? based(r->a, rest(s, 2), 16, &b)
			       : s.p[1] == 'o' ? based(r->a, rest(s, 2), 8, &b)
			       : s.p[1] == 'b' ? based(r->a, rest(s, 2), 2, &b)
					       : NULL;
		else if (s.n)
			*out = decimal(r->a, s, &b);
	}
	buf_release(&b);
	if (!*out)
		return fail(r, "a value is expected");
	r->p += n;
	return 0;
}

/* ---- containers ---------------------------------------------------------- */

static int value_any(struct reader *r, struct value **out);

static int array(struct reader *r, struct value **out)
{
	*out = value_list(r->a);
	mark(*out, INLINE);
	r->p++;
	for (;;) {
		struct value *v;

		if (skip_all(r) < 0)
			return ERR_CORRUPT;
		if (at(r, ']'))
			break;
		if (value_any(r, &v) < 0 || skip_all(r) < 0)
			return ERR_CORRUPT;
		value_add(r->a, *out, v);
		if (at(r, ']'))
			break;
		if (!at(r, ','))
			return fail(r, "',' or ']' is expected");
		r->p++;
	}
	r->p++;
	return 0;
}

/* The table of path's first n keys below t, made where absent. */
static int descend(struct reader *r, struct value *t, const struct value *path, size_t n,
		   int how, struct value **out)
{
	for (size_t i = 0; i < n; i++) {
		const struct value_pair *p = value_find(t, path->items[i]);
		struct value *next;

		if (!p) {
			next = value_map(r->a);
			mark(next, how);
			value_set_pair(r->a, t, path->items[i], next);
		} else {
			next = p->value;
			if (how == IMPLICIT && marked(next, TABLES))
				next = next->items[next->nr - 1];
			if (next->kind != VALUE_MAP || marked(next, INLINE) ||
			    (how == DOTTED && !marked(next, DOTTED)))
				return fail(r, "the key is taken already");
		}
		t = next;
	}
	*out = t;
	return 0;
}

static int key_value(struct reader *r, struct value *table)
{
	struct value *path, *v, *t;

	if (dotted_key(r, &path) < 0)
		return ERR_CORRUPT;
	if (!at(r, '='))
		return fail(r, "'=' is expected");
	r->p++;
	skip_blanks(r);
	if (r->depth + path->nr > TOML_DEPTH_MAX)
		return fail(r, "nested too deeply");
	r->depth += (unsigned)path->nr;
	if (value_any(r, &v) < 0)
		return ERR_CORRUPT;
	r->depth -= (unsigned)path->nr;
	if (descend(r, table, path, path->nr - 1, DOTTED, &t) < 0)
		return ERR_CORRUPT;
	if (value_find(t, path->items[path->nr - 1]))
		return fail(r, "the key is taken already");
	value_set_pair(r->a, t, path->items[path->nr - 1], v);
	return 0;
}

static void close_tables(struct value *v)
{
	mark(v, INLINE);
	for (size_t i = 0; v->kind == VALUE_MAP && i < v->nr; i++) {
		if (v->pairs[i].value->kind == VALUE_MAP)
			close_tables(v->pairs[i].value);
	}
}

static int inline_table(struct reader *r, struct value **out)
{
	*out = value_map(r->a);
	r->p++;
	skip_blanks(r);
	while (!at(r, '}')) {
		if (key_value(r, *out) < 0)
			return ERR_CORRUPT;
		skip_blanks(r);
		if (at(r, '}'))
			break;
		if (!at(r, ','))
			return fail(r, "',' or '}' is expected");
		r->p++;
		skip_blanks(r);
		if (at(r, '}'))
			return fail(r, "a key is expected");
	}
	r->p++;
	close_tables(*out);
	return 0;
}

static int value_any(struct reader *r, struct value **out)
{
	int ret;

	if (r->p >= r->end)
		return fail(r, "a value is expected");
	if (*r->p == '"' || *r->p == '\'')
		return string_value(r, out);
	if (*r->p != '[' && *r->p != '{')
		return word(r, out);
	if (r->depth == TOML_DEPTH_MAX)
		return fail(r, "nested too deeply");
	r->depth++;
	ret = *r->p == '[' ? array(r, out) : inline_table(r, out);
	r->depth--;
	return ret;
}

/* [a.b] or [[a.b]]: *out is the table that the keys below belong to. */
static int header(struct reader *r, struct value *root, struct value **out)
{
	bool is_list = at_text(r, "[[");
	const struct value_pair *p;
	struct value *path, *t, *last, *list;

	r->p += is_list ? 2 : 1;
	if (dotted_key(r, &path) < 0)
		return ERR_CORRUPT;
	if (!at_text(r, is_list ? "]]" : "]"))
		return fail(r, "']' is expected");
	r->p += is_list ? 2 : 1;
	if (descend(r, root, path, path->nr - 1, IMPLICIT, &t) < 0)
		return ERR_CORRUPT;
	last = path->items[path->nr - 1];
	p = value_find(t, last);
	if (!is_list && p) {
		if (p->value->kind != VALUE_MAP || !marked(p->value, IMPLICIT))
			return fail(r, "the table is there already");
		*out = p->value;
		mark(*out, HEADER);
		return end_line(r);
	}
	*out = value_map(r->a);
	mark(*out, HEADER);
	if (!is_list) {
		value_set_pair(r->a, t, last, *out);
		return end_line(r);
	}
	if (p && !marked(p->value, TABLES))
		return fail(r, "the key is taken already");
	list = p ? p->value : value_list(r->a);
	if (!p) {
		mark(list, TABLES);
		value_set_pair(r->a, t, last, list);
	}
	value_add(r->a, list, *out);
	return end_line(r);
}

/* The marks were ours alone. */
static void unmark(struct value *v)
{
	v->style = VALUE_STYLE_ANY;
	for (size_t i = 0; i < v->nr; i++)
		unmark(v->kind == VALUE_MAP ? v->pairs[i].value : v->items[i]);
}

int toml_read(struct slice text, const char *name, struct arena *a, struct value **root,
	      struct err *e)
{
	struct reader r = {.line = 1, .name = name, .a = a, .e = e};
	struct value *top = value_map(a), *table = top;

	if (!utf8_valid(text.p, text.n))
		return fail(&r, "is not valid utf-8");
	if (slice_starts(text, "\xEF\xBB\xBF"))
		text = rest(text, 3);
	r.p = text.n ? text.p : "";
	r.end = r.p + text.n;
	mark(top, HEADER);
	for (;;) {
		if (skip_all(&r) < 0)
			return ERR_CORRUPT;
		if (r.p == r.end)
			break;
		if (at(&r, '[')) {
			if (header(&r, top, &table) < 0)
				return ERR_CORRUPT;
		} else if (key_value(&r, table) < 0 || end_line(&r) < 0) {
			return ERR_CORRUPT;
		}
	}
	unmark(top);
	*root = top;
	return 0;
}
