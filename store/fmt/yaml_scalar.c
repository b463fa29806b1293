#include "store/fmt/yaml_scalar.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/utf8.h"
#include "store/fmt/fmt.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/fmt/yaml_type.h"

enum {
	WIDTH = YAML_WIDTH,
	SIMPLE_KEY_CHARS = 123, /* its limit of 128 less "!!str" */
};

/* The text as characters: every rule counts them, and looks around. */
struct text {
	uint32_t *c;
	size_t n;
	struct slice s;
};

struct writer {
	struct buf *out;
	struct text t;
	unsigned column, indent;
	bool folded;
};

static void decode(struct slice s, struct text *t)
{
	t->c = xreallocarray(NULL, s.n + 1, sizeof(*t->c));
	t->n = 0;
	t->s = s;
	for (size_t i = 0; i < s.n;) {
		uint32_t code = 0xFFFD;
		unsigned len = utf8_decode(s.p + i, s.n - i, &code);

		if (len == 0)
			code = 0xFFFD;
		t->c[t->n++] = code;
		i += len ? len : 1;
	}
	t->c[t->n] = 0;
}

static void put_chars(struct writer *w, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		char utf8[4];

		buf_add(w->out, utf8, utf8_encode(w->t.c[i], utf8));
	}
	w->column += (unsigned)(to - from);
}

static void put_indent(struct writer *w)
{
	buf_addc(w->out, '\n');
	buf_fill(w->out, ' ', w->indent);
	w->column = w->indent;
	w->folded = true;
}

static bool is_break(uint32_t c)
{
	return c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static bool is_white(uint32_t c)
{
	return c == 0 || c == ' ' || c == '\t' || c == '\r' || is_break(c);
}

static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF) ||
	       (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) ||
	       (c >= 0x10000 && c <= 0x10FFFF);
}

static bool among(uint32_t c, const char *set)
{
	return c > 0 && c < 0x80 && strchr(set, (int)c) != NULL;
}

/* ---- what is allowed (analyze_scalar) ------------------------------------ */

struct analysis {
	bool block_plain, flow_plain, single, multiline;
};

static void indicators(const struct text *t, size_t i, bool white_before,
		       bool white_after, bool *block, bool *flow)
{
	uint32_t c = t->c[i];
	bool bad = false;

	if (i == 0) {
		bad = among(c, "#,[]{}&*!|>'\"%@`") || (c == '-' && white_after);
		if (c == '?' || c == ':') {
			*flow |= t->n == 1;
			*block |= white_after;
		}
	} else {
		*flow |= among(c, ",[]{}");
		bad = (c == ':' && white_after) || (c == '#' && white_before);
	}
	*block |= bad;
	*flow |= bad;
}

static struct analysis analyze(const struct text *t)
{
	bool block = false, flow = false, special = false, edge, break_space = false,
	     space_break = false, lines = false, white_before = true;
	struct analysis a;

	if (t->n >= 3 && ((t->c[0] == '-' && t->c[1] == '-' && t->c[2] == '-') ||
			  (t->c[0] == '.' && t->c[1] == '.' && t->c[2] == '.')))
		block = flow = true;
	for (size_t i = 0; i < t->n; i++) {
		uint32_t c = t->c[i];

		indicators(t, i, white_before, i + 1 >= t->n || is_white(t->c[i + 1]),
			   &block, &flow);
		lines |= is_break(c);
		special |= c != '\n' && c != 0x85 && !is_printable(c);
		break_space |= c == ' ' && i > 0 && is_break(t->c[i - 1]);
		space_break |= is_break(c) && i > 0 && t->c[i - 1] == ' ';
		white_before = is_white(c);
	}
	edge = t->n && (t->c[0] == ' ' || is_break(t->c[0]) || t->c[t->n - 1] == ' ' ||
			is_break(t->c[t->n - 1]));
	a.single = !special && !break_space && !space_break;
	a.multiline = lines;
	a.block_plain = a.single && !edge && !lines && !block;
	a.flow_plain = a.single && !edge && !lines && !flow;
	return a;
}

/* ---- the three spellings ------------------------------------------------- */

static void put_break(struct writer *w, uint32_t c)
{
	char utf8[4];

	buf_add(w->out, utf8, utf8_encode(c, utf8));
	w->column = 0;
}

static void put_breaks(struct writer *w, size_t from, size_t to)
{
	if (w->t.c[from] == '\n')
		put_break(w, '\n');
	for (size_t i = from; i < to; i++)
		put_break(w, w->t.c[i]);
	buf_fill(w->out, ' ', w->indent);
	w->column = w->indent;
	w->folded = true;
}

/* Never called for text with line breaks. */
static void put_plain(struct writer *w, bool split)
{
	size_t start = 0;

	for (size_t end = 0; end <= w->t.n; end++) {
		bool last = end == w->t.n, space = !last && w->t.c[end] == ' ';

		if (end > start && w->t.c[start] == ' ') {
			if (space)
				continue;
			if (end == start + 1 && w->column >= WIDTH && split)
				put_indent(w);
			else
				put_chars(w, start, end);
			start = end;
			continue;
		}
		if (!last && !space)
			continue;
		/* A word too long for its line gets one of its own. */
		if (end - start + w->column > WIDTH && w->column > w->indent)
			put_indent(w);
		put_chars(w, start, end);
		start = end;
	}
}

static void put_single(struct writer *w, bool split)
{
	bool spaces = false, breaks = false;
	size_t start = 0;

	buf_addc(w->out, '\'');
	w->column++;
	for (size_t end = 0; end <= w->t.n; end++) {
		bool last = end == w->t.n;
		uint32_t c = last ? 0 : w->t.c[end];

		if (spaces) {
			if (last || c != ' ') {
				if (start + 1 == end && w->column > WIDTH && split &&
				    start != 0 && !last)
					put_indent(w);
				else
					put_chars(w, start, end);
				start = end;
			}
		} else if (breaks) {
			if (last || !is_break(c)) {
				put_breaks(w, start, end);
				start = end;
			}
		} else if (last || c == ' ' || is_break(c) || c == '\'') {
			put_chars(w, start, end);
			start = end;
		}
		if (!last && c == '\'') {
			buf_adds(w->out, "''");
			w->column += 2;
			start = end + 1;
		}
		spaces = !last && c == ' ';
		breaks = !last && is_break(c);
	}
	buf_addc(w->out, '\'');
	w->column++;
}

static void put_escape(struct writer *w, uint32_t c)
{
	static const struct {
		uint32_t c;
		char name;
	} names[] = {
		{0, '0'},     {7, 'a'},	   {8, 'b'},	{9, 't'},      {10, 'n'},
		{11, 'v'},    {12, 'f'},   {13, 'r'},	{27, 'e'},     {'"', '"'},
		{'\\', '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'},
	};
	size_t before = w->out->n;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].c == c) {
			buf_addf(w->out, "\\%c", names[i].name);
			w->column += 2;
			return;
		}
	}
	if (c <= 0xFF)
		buf_addf(w->out, "\\x%02X", c);
	else if (c <= 0xFFFF)
		buf_addf(w->out, "\\u%04X", c);
	else
		buf_addf(w->out, "\\U%08X", c);
	w->column += (unsigned)(w->out->n - before);
}

/* May the fold at end be bare: will reading put back the space that is dropped? */
static bool bare_fold(const struct text *t, size_t start, size_t end)
{
	size_t s = end, stop;
	bool quote = false;

	while (s < t->n && t->c[s] != ' ')
		s++;
	if (s == t->n)
		return false;
	stop = s;
	for (size_t i = end; i < s; i++) {
		if (t->c[i] == '\n') {
			stop = i;
			break;
		}
	}
	if (stop + 1 >= t->n || (t->c[stop] == '\n' && t->c[stop + 1] != ' '))
		return false;
	for (size_t i = end; i < stop; i++)
		quote |= t->c[i] == '"' || t->c[i] == '\'';
	return !quote && t->c[stop + 1] != ' ' && t->c[stop + 1] != '\n' &&
	       !(t->c[end - 1] == ' ' && t->c[end] == ' ') && start != end;
}

static void put_double(struct writer *w, bool split)
{
	size_t start = 0;

	buf_addc(w->out, '"');
	w->column++;
	for (size_t end = 0; end <= w->t.n; end++) {
		bool last = end == w->t.n, bare;
		uint32_t c = last ? 0 : w->t.c[end];

		if (last || c == '"' || c == '\\' || c == 0x2028 || c == 0x2029 ||
		    !is_printable(c)) {
			if (start < end) {
				put_chars(w, start, end);
				start = end;
			}
			if (!last) {
				put_escape(w, c);
				start = end + 1;
			}
		}
		if (!split || end == 0 || end + 1 >= w->t.n ||
		    (c != ' ' && start < end) || (size_t)w->column + end <= WIDTH + start)
			continue;
		bare = bare_fold(&w->t, start, end);
		if (start < end) {
			put_chars(w, start, end);
			start = end;
		}
		if (!bare)
			buf_addc(w->out, '\\');
		put_indent(w);
		if (w->t.c[start] == ' ') {
			if (bare) {
				start++;
			} else {
				buf_addc(w->out, '\\');
				w->column++;
			}
		}
	}
	buf_addc(w->out, '"');
	w->column++;
}

/* ---- choosing ------------------------------------------------------------ */

enum form {
	PLAIN,
	SINGLE,
	DOUBLE,
};

static enum form choose(const struct text *t, const struct analysis *a,
			const struct yaml_place *at)
{
	bool plain = at->is_flow ? a->flow_plain : a->block_plain;

	if (yaml_type_of(t->s) != YAML_TYPE_STR)
		plain = false;
	if (plain && t->n && !(at->is_key && a->multiline))
		return PLAIN;
	for (size_t i = 0; i < t->n; i++) {
		if (t->c[i] == '\'' || t->c[i] == '\n')
			return DOUBLE;
	}
	return a->single && !(at->is_key && a->multiline) ? SINGLE : DOUBLE;
}

static void put_form(struct writer *w, enum form f, bool split)
{
	if (f == PLAIN)
		put_plain(w, split);
	else if (f == SINGLE)
		put_single(w, split);
	else
		put_double(w, split);
}

/* What was written at from, as the value of a key two columns to the left. */
static bool reads_back(const struct writer *w, size_t from)
{
	struct arena a = {0};
	struct buf doc = {0};
	struct value *root;
	bool ok;

	buf_fill(&doc, ' ', w->indent >= 2 ? w->indent - 2 : 0);
	buf_adds(&doc, "k: ");
	buf_add(&doc, w->out->p + from, w->out->n - from);
	buf_addc(&doc, '\n');
	ok = yaml_read(buf_slice(&doc), NULL, &a, &root, NULL) == 0;
	if (ok) {
		const struct value *v = value_get(root, "k");

		ok = value_is(v, VALUE_STR) && slice_eq(v->text, w->t.s);
	}
	arena_release(&a);
	buf_release(&doc);
	return ok;
}

void yaml_scalar_str(struct buf *out, struct slice s, const struct yaml_place *at)
{
	struct writer w = {.out = out};
	bool split = !at->is_key && !at->is_flow;
	struct analysis a;
	enum form first;
	size_t from = out->n;

	decode(s, &w.t);
	a = analyze(&w.t);
	first = choose(&w.t, &a, at);
	/* ruamel's form, then one that never folds spaces away, then the sure one. */
	for (int attempt = 0; attempt < 3; attempt++) {
		enum form f = attempt == 0 ? first : attempt == 1 ? SINGLE : DOUBLE;

		if (attempt == 1 && (!a.single || a.multiline))
			continue;
		buf_cut(out, from);
		w.column = at->column;
		w.indent = at->is_flow ? UINT16_MAX : at->indent;
		w.folded = false;
		put_form(&w, f, split && attempt < 2);
		if (!w.folded)
			break;
		if (split && reads_back(&w, from))
			break;
	}
	free(w.t.c);
}

bool yaml_scalar_simple_key(struct slice s)
{
	if (utf8_count(s.p, s.n) >= SIMPLE_KEY_CHARS)
		return false;
	for (size_t i = 0; i < s.n;) {
		uint32_t c;
		unsigned n = utf8_decode(s.p + i, s.n - i, &c);

		if (n && is_break(c))
			return false;
		i += n ? n : 1;
	}
	return true;
}

void yaml_scalar_other(struct buf *out, const struct value *v, bool write_null)
{
	switch (v->kind) {
	case VALUE_NULL:
		buf_adds(out, write_null ? "null" : "");
		break;
	case VALUE_BOOL:
		buf_adds(out, v->b ? "true" : "false");
		break;
	case VALUE_FLOAT:
		if (isfinite(v->f) && v->style == VALUE_STYLE_PLAIN)
			buf_addslice(out, v->text); /* the spelling it came with */
		else if (isfinite(v->f))
			fmt_double(out, v->f);
		else
			buf_adds(out, isnan(v->f) ? ".nan" : v->f < 0 ? "-.inf" : ".inf");
		break;
	default:
		buf_addslice(out, v->text);
		break;
	}
}

void yaml_flow_write(struct buf *out, const struct value *v)
{
	struct yaml_place at = {.is_flow = true};

	if (v->kind == VALUE_STR || v->kind == VALUE_BYTES) {
		yaml_scalar_str(out, v->text, &at);
	} else if (v->kind == VALUE_MAP) {
		buf_addc(out, '{');
		for (size_t i = 0; i < v->nr; i++) {
			buf_adds(out, i ? ", " : "");
			yaml_flow_write(out, v->pairs[i].key);
			buf_adds(out, ": ");
			yaml_flow_write(out, v->pairs[i].value);
		}
		buf_addc(out, '}');
	} else if (v->kind == VALUE_LIST || v->kind == VALUE_TUPLE ||
		   v->kind == VALUE_SET) {
		buf_addc(out, '[');
		for (size_t i = 0; i < v->nr; i++) {
			buf_adds(out, i ? ", " : "");
			yaml_flow_write(out, v->items[i]);
		}
		buf_addc(out, ']');
	} else {
		yaml_scalar_other(out, v, true);
	}
}
