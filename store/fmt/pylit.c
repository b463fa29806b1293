#include "store/fmt/pylit.h"

#include <stdlib.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/parse.h"
#include "store/base/utf8.h"
#include "store/fmt/pyvars.h"
#include "store/fmt/value.h"

struct lit {
	const char *p, *end;
	unsigned depth; /* of brackets: newlines are space inside */
	struct arena *a;
};

enum {
	INT_CHARS_MAX = 4300
}; /* Python's own limit */

static void space(struct lit *l)
{
	while (l->p < l->end) {
		if (*l->p == '#') {
			while (l->p < l->end && *l->p != '\n')
				l->p++;
		} else if (*l->p == '\\' && l->p + 1 < l->end && l->p[1] == '\n') {
			l->p += 2;
		} else if (*l->p == ' ' || *l->p == '\t' || *l->p == '\f' ||
			   (*l->p == '\n' && l->depth)) {
			l->p++;
		} else {
			break;
		}
	}
}

static bool at(const struct lit *l, char c)
{
	return l->p < l->end && *l->p == c;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

static bool word(struct lit *l, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(l->end - l->p) < n || memcmp(l->p, w, n) != 0 ||
	    (l->p + n < l->end && is_word(l->p[n])))
		return false;
	l->p += n;
	return true;
}

/* ---- strings ------------------------------------------------------------- */

static bool numeric_escape(struct lit *l, unsigned base, unsigned most, bool exact,
			   bool is_bytes, struct buf *out)
{
	uint32_t code = 0;
	unsigned n = 0;
	char utf8[4];

	for (; n < most && l->p < l->end; n++, l->p++) {
		int d = parse_hex_digit(*l->p);

		if (d < 0 || (unsigned)d >= base)
			break;
		code = code * base + (unsigned)d;
	}
	if (n == 0 || (exact && n < most))
		return false;
	if (is_bytes) {
		buf_addc(out, (char)code);
		return true;
	}
	n = utf8_encode(code, utf8);
	buf_add(out, utf8, n);
	return n > 0;
}

/* The backslash is passed already. */
static bool escape(struct lit *l, bool is_bytes, struct buf *out)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
	char c = *l->p;
	const char *which = c ? strchr(from, c) : NULL;

	if (c >= '0' && c <= '7')
		return numeric_escape(l, 8, 3, false, is_bytes, out);
	l->p++;
	if (c == '\n')
		return true;
	if (which) {
		buf_addc(out, to[which - from]);
		return true;
	}
	if (c == 'x')
		return numeric_escape(l, 16, 2, true, is_bytes, out);
	if (!is_bytes && c == 'u')
		return numeric_escape(l, 16, 4, true, false, out);
	if (!is_bytes && c == 'U')
		return numeric_escape(l, 16, 8, true, false, out);
	if (!is_bytes && c == 'N')
		return false;
	buf_addc(out, '\\');
	buf_addc(out, c);
	return true;
}

/* At a quote. */
static bool string_body(struct lit *l, bool raw, bool is_bytes, struct buf *out)
{
	char q = *l->p;
	bool triple = l->end - l->p >= 3 && l->p[1] == q && l->p[2] == q;

	l->p += triple ? 3 : 1;
	while (l->p < l->end) {
		if (*l->p == q &&
		    (!triple || (l->end - l->p >= 3 && l->p[1] == q && l->p[2] == q))) {
			l->p += triple ? 3 : 1;
			return true;
		}
		if (*l->p == '\\' && l->p + 1 < l->end) {
			if (raw) {
				buf_add(out, l->p, 2);
				l->p += 2;
				continue;
			}
			l->p++;
			if (!escape(l, is_bytes, out))
				return false;
			continue;
		}
		if (is_bytes && (*l->p & 0x80))
			return false;
		buf_addc(out, *l->p++);
	}
	return false;
}

/* Is a string with its prefix here? l->p moves to its quote. */
static bool string_begins(struct lit *l, bool *raw, bool *is_bytes)
{
	const char *p = l->p;

	*raw = *is_bytes = false;
	for (; p < l->end && p - l->p < 3; p++) {
		char c = (char)(*p | 32);

		if (*p == '"' || *p == '\'') {
			l->p = p;
			return true;
		}
		if (c == 'r')
			*raw = true;
		else if (c == 'b')
			*is_bytes = true;
		else if (c != 'u')
			return false;
	}
	return false;
}

/* Neighbouring strings are one. NULL: none here, or one we do not keep. */
static struct value *string(struct lit *l)
{
	struct buf b = {0};
	struct value *v = NULL;
	bool raw, is_bytes, first_bytes = false;
	unsigned n = 0;

	while (string_begins(l, &raw, &is_bytes)) {
		if (n++ == 0)
			first_bytes = is_bytes;
		if (is_bytes != first_bytes || !string_body(l, raw, is_bytes, &b))
			goto out;
		space(l);
	}
	if (n == 0 || (l->p < l->end && (*l->p | 32) == 'f' && l->p + 1 < l->end &&
		       (l->p[1] == '"' || l->p[1] == '\'')))
		goto out;
	v = value_str(l->a, buf_slice(&b));
	if (first_bytes)
		v->kind = VALUE_BYTES;
out:
	buf_release(&b);
	return v;
}

/* ---- numbers ------------------------------------------------------------- */

static bool digits(struct lit *l, const char *set, struct buf *out)
{
	const char *begin = l->p;

	while (l->p < l->end && *l->p && (*l->p == '_' || strchr(set, *l->p))) {
		if (*l->p == '_' && (l->p + 1 == l->end || l->p[1] == '_'))
			return false;
		if (*l->p != '_')
			buf_addc(out, *l->p);
		l->p++;
	}
	return l->p > begin && l->p[-1] != '_';
}

static struct value *based(struct lit *l, bool neg, struct buf *b)
{
	unsigned base = (l->p[1] | 32) == 'x' ? 16 : (l->p[1] | 32) == 'o' ? 8 : 2;

	l->p += 2;
	if (at(l, '_'))
		l->p++;
	if (!digits(l,
		    base == 16	? "0123456789abcdefABCDEF"
		    : base == 8 ? "01234567"
				: "01",
		    b) ||
	    b->n > INT_CHARS_MAX)
		return NULL;
	return value_int_base(l->a, buf_slice(b), base, neg);
}

static struct value *decimal(struct lit *l, bool neg, struct buf *b)
{
	static const char set[] = "0123456789";
	bool is_float = false, whole;

	if (neg)
		buf_addc(b, '-');
	whole = !at(l, '.') && digits(l, set, b);
	if (!whole && !at(l, '.'))
		return NULL;
	if (at(l, '.')) {
		bool fraction;

		is_float = true;
		buf_adds(b, whole ? "." : "0.");
		l->p++;
		fraction = l->p < l->end && *l->p >= '0' && *l->p <= '9';
		if ((fraction && !digits(l, set, b)) || (!fraction && !whole))
			return NULL;
	}
	if (l->p < l->end && (*l->p | 32) == 'e') {
		is_float = true;
		buf_addc(b, 'e');
		l->p++;
		if (at(l, '-') || at(l, '+'))
			buf_addc(b, *l->p++);
		if (!digits(l, set, b))
			return NULL;
	}
	if (is_float)
		return value_float(l->a, strtod(buf_str(b), NULL));
	if (b->n > INT_CHARS_MAX ||
	    (b->n > neg + 1u && b->p[neg] == '0' && strspn(b->p + neg, "0") < b->n - neg))
		return NULL;
	return value_int_text(l->a, buf_slice(b));
}

static struct value *number(struct lit *l)
{
	struct buf b = {0};
	struct value *v;
	bool neg = false;

	for (; at(l, '-') || at(l, '+'); l->p++, space(l))
		neg ^= *l->p == '-';
	if (at(l, '0') && l->p + 1 < l->end && strchr("xXoObB", l->p[1]) && l->p[1])
		v = based(l, neg, &b);
	else
		v = decimal(l, neg, &b);
	buf_release(&b);
	if (v && l->p < l->end && is_word(*l->p))
		return NULL; /* 1j, 1abc */
	return v;
}

/* ---- containers ---------------------------------------------------------- */

static struct value *expression(struct lit *l);

static bool has_equal(const struct value *list, const struct value *v)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (value_equal(list->items[i], v))
			return true;
	}
	return false;
}

static bool hashable(const struct value *v)
{
	if (v->kind == VALUE_LIST || v->kind == VALUE_SET || v->kind == VALUE_MAP)
		return false;
	for (size_t i = 0; i < v->nr; i++) {
		if (!hashable(v->items[i]))
			return false;
	}
	return true;
}

/* Items up to close. commas counts them, for "(1)" against "(1,)". */
static struct value *items(struct lit *l, char close, enum value_kind kind,
			   struct value *first, unsigned *commas)
{
	struct value *list = value_list(l->a);

	list->kind = kind;
	for (;;) {
		struct value *v = first;

		space(l);
		if (!v && at(l, close))
			break;
		if (!v && !(v = expression(l)))
			return NULL;
		first = NULL;
		if (kind == VALUE_SET && !hashable(v))
			return NULL;
		if (kind != VALUE_SET || !has_equal(list, v))
			value_add(l->a, list, v);
		space(l);
		if (at(l, close))
			break;
		if (!at(l, ','))
			return NULL;
		l->p++;
		(*commas)++;
	}
	l->p++;
	return list;
}

static struct value *braces(struct lit *l)
{
	struct value *map = value_map(l->a), *k, *v;
	unsigned commas = 0;

	space(l);
	if (at(l, '}')) {
		l->p++;
		return map;
	}
	if (!(k = expression(l)))
		return NULL;
	space(l);
	if (!at(l, ':'))
		return items(l, '}', VALUE_SET, k, &commas);
	for (;;) {
		space(l);
		if (!at(l, ':') || !hashable(k))
			return NULL;
		l->p++;
		space(l);
		if (!(v = expression(l)))
			return NULL;
		value_set_pair(l->a, map, k, v);
		space(l);
		if (at(l, ','))
			l->p++;
		else if (!at(l, '}'))
			return NULL;
		space(l);
		if (at(l, '}')) {
			l->p++;
			return map;
		}
		if (!(k = expression(l)))
			return NULL;
	}
}

static struct value *bracketed(struct lit *l)
{
	struct value *v;
	unsigned commas = 0;
	char open = *l->p;

	if (l->depth == PYVARS_DEPTH_MAX)
		return NULL;
	l->depth++;
	l->p++;
	if (open == '{')
		v = braces(l);
	else if (open == '[')
		v = items(l, ']', VALUE_LIST, NULL, &commas);
	else
		v = items(l, ')', VALUE_TUPLE, NULL, &commas);
	l->depth--;
	if (v && open == '(' && v->nr == 1 && commas == 0)
		v = v->items[0];
	return v;
}

static struct value *expression(struct lit *l)
{
	struct value *v = NULL;
	bool raw, is_bytes;
	const char *from = l->p;

	if (l->p == l->end)
		return NULL;
	if (*l->p == '(' || *l->p == '[' || *l->p == '{')
		return bracketed(l);
	if (word(l, "True") || word(l, "False"))
		return value_bool(l->a, *from == 'T');
	if (word(l, "None"))
		return value_null(l->a);
	if (word(l, "set()")) {
		v = value_list(l->a);
		v->kind = VALUE_SET;
		return v;
	}
	if (string_begins(l, &raw, &is_bytes)) {
		l->p = from;
		return string(l);
	}
	return number(l);
}

struct value *pylit_parse(struct arena *a, struct slice s)
{
	struct lit l = {s.p, s.p + s.n, 0, a};
	struct value *v, *tuple;

	space(&l);
	if (!(v = expression(&l)))
		return NULL;
	space(&l);
	if (at(&l, ',')) { /* a tuple needs no brackets */
		tuple = value_list(a);
		tuple->kind = VALUE_TUPLE;
		value_add(a, tuple, v);
		while (at(&l, ',')) {
			l.p++;
			space(&l);
			if (l.p == l.end)
				break;
			if (!(v = expression(&l)))
				return NULL;
			value_add(a, tuple, v);
			space(&l);
		}
		v = tuple;
	}
	return l.p == l.end ? v : NULL;
}
