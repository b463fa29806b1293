#include "store/fmt/jsonw.h"

#include <math.h>
#include <stdlib.h>

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/utf8.h"
#include "store/fmt/fmt.h"
#include "store/fmt/value.h"

static bool get_bit(const uint8_t *bits, unsigned at)
{
	return bits[at / 8] >> at % 8 & 1;
}

static void set_bit(uint8_t *bits, unsigned at, bool on)
{
	unsigned mask = 1u << at % 8;

	bits[at / 8] = (uint8_t)(on ? bits[at / 8] | mask : bits[at / 8] & ~mask);
}

/* ---- strings ------------------------------------------------------------- */

static void escape_unit(struct buf *out, unsigned unit)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\',
			'u',
			hex[unit >> 12 & 15],
			hex[unit >> 8 & 15],
			hex[unit >> 4 & 15],
			hex[unit & 15]};

	buf_add(out, text, sizeof(text));
}

static void escape_control(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_adds(out, "\\\"");
		break;
	case '\\':
		buf_adds(out, "\\\\");
		break;
	case '\n':
		buf_adds(out, "\\n");
		break;
	case '\r':
		buf_adds(out, "\\r");
		break;
	case '\t':
		buf_adds(out, "\\t");
		break;
	case '\f':
		buf_adds(out, "\\f");
		break;
	case '\b':
		buf_adds(out, "\\b");
		break;
	default:
		escape_unit(out, c);
		break;
	}
}

static bool is_plain(unsigned char c, bool utf8)
{
	if (c == '"' || c == '\\' || c < 0x20)
		return false;
	return c < 0x7F || (utf8 && c == 0x7F);
}

/* A character past 0x7E, or a byte that is none: how many bytes it took. */
static unsigned escape_wide(struct buf *out, const char *p, size_t n, bool utf8)
{
	uint32_t code;
	unsigned len = utf8_decode(p, n, &code);

	if (len == 0) {
		escape_unit(out, 0xDC00u + (unsigned char)*p);
		return 1;
	}
	if (utf8 && code >= 0x80) {
		buf_add(out, p, len);
	} else if (code < 0x10000) {
		escape_unit(out, code);
	} else {
		code -= 0x10000;
		escape_unit(out, 0xD800 + (code >> 10));
		escape_unit(out, 0xDC00 + (code & 0x3FF));
	}
	return len;
}

static void quote(struct buf *out, struct slice s, bool utf8)
{
	size_t i = 0, from = 0;

	buf_addc(out, '"');
	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_plain(c, utf8)) {
			i++;
			continue;
		}
		buf_add(out, s.p + from, i - from);
		if (c < 0x7F) {
			escape_control(out, c);
			i++;
		} else {
			i += escape_wide(out, s.p + i, s.n - i, utf8);
		}
		from = i;
	}
	if (s.n)
		buf_add(out, s.p + from, i - from);
	buf_addc(out, '"');
}

void jsonw_quote(struct buf *out, struct slice s)
{
	quote(out, s, false);
}

/* ---- structure ----------------------------------------------------------- */

void jsonw_init(struct jsonw *w, struct buf *out, unsigned indent)
{
	*w = (struct jsonw){.out = out, .indent = indent};
}

static void newline(struct jsonw *w, unsigned depth)
{
	buf_addc(w->out, '\n');
	buf_fill(w->out, ' ', (size_t)w->indent * depth);
}

/* What stands before an item: a comma, and the indentation. */
static void lead(struct jsonw *w)
{
	bool full;

	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth == 0)
		return;
	full = get_bit(w->full, w->depth);
	if (full)
		buf_addc(w->out, ',');
	if (w->indent)
		newline(w, w->depth);
	else if (full && !w->compact)
		buf_addc(w->out, ' ');
	set_bit(w->full, w->depth, true);
}

static void open(struct jsonw *w, bool is_object)
{
	lead(w);
	if (w->depth == JSONW_DEPTH_MAX - 1)
		die("JSON is nested too deeply");
	w->depth++;
	set_bit(w->full, w->depth, false);
	set_bit(w->object, w->depth, is_object);
	buf_addc(w->out, is_object ? '{' : '[');
}

void jsonw_object(struct jsonw *w)
{
	open(w, true);
}

void jsonw_array(struct jsonw *w)
{
	open(w, false);
}

void jsonw_end(struct jsonw *w)
{
	bool full = get_bit(w->full, w->depth), is_object = get_bit(w->object, w->depth);

	w->depth--;
	if (full && w->indent)
		newline(w, w->depth);
	buf_addc(w->out, is_object ? '}' : ']');
}

void jsonw_key_slice(struct jsonw *w, struct slice key)
{
	lead(w);
	quote(w->out, key, w->utf8);
	buf_adds(w->out, w->compact ? ":" : ": ");
	w->after_key = true;
}

void jsonw_key(struct jsonw *w, const char *key)
{
	jsonw_key_slice(w, slice_of(key));
}

void jsonw_slice(struct jsonw *w, struct slice s)
{
	lead(w);
	quote(w->out, s, w->utf8);
}

void jsonw_str(struct jsonw *w, const char *s)
{
	if (s)
		jsonw_slice(w, slice_of(s));
	else
		jsonw_null(w);
}

void jsonw_raw(struct jsonw *w, struct slice json)
{
	lead(w);
	buf_addslice(w->out, json);
}

void jsonw_int(struct jsonw *w, int64_t i)
{
	lead(w);
	buf_addf(w->out, "%lld", (long long)i);
}

void jsonw_uint(struct jsonw *w, uint64_t u)
{
	lead(w);
	buf_addf(w->out, "%llu", (unsigned long long)u);
}

void jsonw_float(struct jsonw *w, double f)
{
	lead(w);
	if (isnan(f))
		buf_adds(w->out, "NaN");
	else if (isinf(f))
		buf_adds(w->out, f < 0 ? "-Infinity" : "Infinity");
	else
		fmt_double(w->out, f);
}

void jsonw_bool(struct jsonw *w, bool b)
{
	jsonw_raw(w, b ? SLICE_LIT("true") : SLICE_LIT("false"));
}

void jsonw_null(struct jsonw *w)
{
	jsonw_raw(w, SLICE_LIT("null"));
}

/* ---- trees --------------------------------------------------------------- */

/* json.dumps makes text of a key: true, null, 1, 0.5. */
static void key_text(const struct value *k, struct buf *out)
{
	if (k->kind == VALUE_NULL)
		buf_adds(out, "null");
	else if (k->kind == VALUE_BOOL)
		buf_adds(out, k->b ? "true" : "false");
	else
		value_str_python(k, out);
}

static void tree_key(struct jsonw *w, const struct value *k)
{
	struct buf text = {0};

	key_text(k, &text);
	jsonw_key_slice(w, buf_slice(&text));
	buf_release(&text);
}

static int by_key(const void *x, const void *y)
{
	const struct value_pair *a = x, *b = y;
	struct buf s = {0}, t = {0};
	int r;

	if (a->key->kind == VALUE_STR && b->key->kind == VALUE_STR)
		return slice_cmp(a->key->text, b->key->text);
	key_text(a->key, &s);
	key_text(b->key, &t);
	r = slice_cmp(buf_slice(&s), buf_slice(&t));
	buf_release(&s);
	buf_release(&t);
	return r;
}

static void tree(struct jsonw *w, const struct value *v, bool sorted);

static void tree_map(struct jsonw *w, const struct value *v, bool sorted)
{
	struct value_pair *pairs = v->pairs;

	if (sorted && v->nr > 1) {
		pairs = xreallocarray(NULL, v->nr, sizeof(*pairs));
		memcpy(pairs, v->pairs, v->nr * sizeof(*pairs));
		qsort(pairs, v->nr, sizeof(*pairs), by_key);
	}
	jsonw_object(w);
	for (size_t i = 0; i < v->nr; i++) {
		tree_key(w, pairs[i].key);
		tree(w, pairs[i].value, sorted);
	}
	jsonw_end(w);
	if (pairs != v->pairs)
		free(pairs);
}

static void tree(struct jsonw *w, const struct value *v, bool sorted)
{
	struct buf text = {0};

	switch (v ? v->kind : VALUE_NULL) {
	case VALUE_NULL:
		jsonw_null(w);
		break;
	case VALUE_BOOL:
		jsonw_bool(w, v->b);
		break;
	case VALUE_INT:
		value_str_python(v, &text);
		jsonw_raw(w, buf_slice(&text));
		break;
	case VALUE_FLOAT:
		jsonw_float(w, v->f);
		break;
	case VALUE_LIST:
	case VALUE_TUPLE:
	case VALUE_SET:
		jsonw_array(w);
		for (size_t i = 0; i < v->nr; i++)
			tree(w, v->items[i], sorted);
		jsonw_end(w);
		break;
	case VALUE_MAP:
		tree_map(w, v, sorted);
		break;
	default:
		jsonw_slice(w, v->text);
		break;
	}
	buf_release(&text);
}

void jsonw_value(struct jsonw *w, const struct value *v)
{
	tree(w, v, false);
}

void jsonw_value_sorted(struct jsonw *w, const struct value *v)
{
	tree(w, v, true);
}
