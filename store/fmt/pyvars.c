#include "store/fmt/pyvars.h"

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/utf8.h"
#include "store/fmt/pylit.h"
#include "store/fmt/value.h"

/* What an indented block is to us. */
enum block_kind {
	BLOCK_NAMES, /* a module or class: plain names */
	BLOCK_SELF,  /* __init__: self.x only */
	BLOCK_SKIP,
};

struct block {
	enum block_kind kind;
	unsigned indent;
	struct value *map;
};

struct reader {
	const char *p, *end;
	unsigned line;
	const char *name;
	struct arena *a;
	struct err *e;
	struct block block[PYVARS_DEPTH_MAX];
	unsigned depth;
	struct block next; /* of the block that the last line opened */
	bool opened;
};

static int fail(struct reader *r, const char *what)
{
	return err_set(r->e, ERR_CORRUPT, "%s%s%u: %s", r->name ? r->name : "",
		       r->name ? ":" : "", r->line, what);
}

/* ---- logical lines ------------------------------------------------------- */

/* Behind the string at *p; false if it does not end. */
static bool pass_string(const char **p, const char *end, unsigned *lines)
{
	const char *s = *p;
	char q = *s;
	bool triple = end - s >= 3 && s[1] == q && s[2] == q;

	s += triple ? 3 : 1;
	for (; s < end; s++) {
		if (*s == '\n') {
			(*lines)++;
			if (!triple)
				return false;
		} else if (*s == '\\' && s + 1 < end) {
			s++;
			*lines += *s == '\n';
		} else if (*s == q &&
			   (!triple || (end - s >= 3 && s[1] == q && s[2] == q))) {
			*p = s + (triple ? 3 : 1);
			return true;
		}
	}
	return false;
}

/* The logical line at r->p; *colon: it opens a block. r->p moves behind it. */
static int take_line(struct reader *r, struct slice *out, bool *colon)
{
	char stack[PYVARS_DEPTH_MAX];
	unsigned depth = 0, lines = 0;
	const char *p = r->p, *last = NULL;

	while (p < r->end && (*p != '\n' || depth)) {
		const char *q;

		if (*p == '#') {
			while (p < r->end && *p != '\n')
				p++;
			continue;
		}
		if (*p == '"' || *p == '\'') {
			last = p;
			if (!pass_string(&p, r->end, &lines))
				return fail(r, "a string does not end");
			continue;
		}
		if (*p == '\\' && p + 1 < r->end && p[1] == '\n') {
			p++;
		} else if (*p == '(' || *p == '[' || *p == '{') {
			if (depth == PYVARS_DEPTH_MAX)
				return fail(r, "nested too deeply");
			stack[depth++] = *p == '(' ? ')' : *p == '[' ? ']' : '}';
		} else if (*p && (q = strchr(")]}", *p)) != NULL) {
			if (depth == 0 || stack[--depth] != *q)
				return fail(r, "a bracket does not match");
		}
		if (*p == '\n')
			lines++;
		else if (*p != ' ' && *p != '\t')
			last = p;
		p++;
	}
	if (depth)
		return fail(r, "a bracket does not close");
	*out = (struct slice){r->p, (size_t)(p - r->p)};
	*colon = last && *last == ':';
	r->p = p < r->end ? p + 1 : p;
	r->line += lines + 1;
	return 0;
}

/* The column of the next line with content; comments and blank lines pass by. */
static bool next_line(struct reader *r, unsigned *indent)
{
	for (;;) {
		*indent = 0;
		for (; r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\f');
		     r->p++)
			*indent = *r->p == '\t'	  ? (*indent / 8 + 1) * 8
				  : *r->p == '\f' ? 0
						  : *indent + 1;
		if (r->p == r->end)
			return false;
		if (*r->p != '\n' && *r->p != '#')
			return true;
		while (r->p < r->end && *r->p != '\n')
			r->p++;
		if (r->p == r->end)
			return false;
		r->p++;
		r->line++;
	}
}

/* ---- statements ---------------------------------------------------------- */

static struct slice from(struct slice s, size_t n)
{
	return (struct slice){s.p + n, s.n - n};
}

static struct slice blanks(struct slice s)
{
	while (s.n) {
		if (*s.p == ' ' || *s.p == '\t' || *s.p == '\f')
			s = from(s, 1);
		else if (s.n >= 2 && s.p[0] == '\\' && s.p[1] == '\n')
			s = from(s, 2);
		else
			break;
	}
	return s;
}

static struct slice ident(struct slice *s)
{
	struct slice id = {s->p, 0};

	while (id.n < s->n) {
		unsigned char c = (unsigned char)s->p[id.n];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      c == '_' || c >= 0x80;

		if (!letter && !(id.n && c >= '0' && c <= '9'))
			break;
		id.n++;
	}
	*s = from(*s, id.n);
	return id;
}

/* The first top-level c in s, or s.n: strings, comments and brackets passed over. */
static size_t find_top(struct slice s, char c)
{
	const char *p = s.p, *end = s.p + s.n;
	unsigned depth = 0, lines = 0;

	while (p < end) {
		if (*p == '#') {
			while (p < end && *p != '\n')
				p++;
			continue;
		}
		if (*p == '"' || *p == '\'') {
			if (!pass_string(&p, end, &lines))
				return s.n;
			continue;
		}
		if (depth == 0 && *p == c)
			return (size_t)(p - s.p);
		if (*p == '(' || *p == '[' || *p == '{')
			depth++;
		else if (*p == ')' || *p == ']' || *p == '}')
			depth -= depth > 0;
		p++;
	}
	return s.n;
}

static void assignment(struct reader *r, struct slice s, const struct block *b)
{
	struct slice name = ident(&s), attr;
	bool is_self = false;
	struct value *v;

	s = blanks(s);
	if (slice_is(name, "self") && s.n && *s.p == '.') {
		s = blanks(from(s, 1));
		attr = ident(&s);
		name = attr;
		is_self = true;
		s = blanks(s);
	}
	if (name.n == 0 || (b->kind == BLOCK_SELF && !is_self) || s.n == 0)
		return;
	if (*s.p == ':') {
		size_t eq = find_top(s, '=');

		if (eq == s.n)
			return;
		s = from(s, eq);
	}
	if (*s.p != '=' || (s.n > 1 && s.p[1] == '='))
		return;
	v = pylit_parse(r->a, from(s, 1));
	if (v)
		value_set_pair(r->a, b->map, value_str(r->a, name), v);
}

static void simple_statements(struct reader *r, struct slice s, const struct block *b)
{
	while (s.n) {
		size_t n = find_top(s, ';');

		assignment(r, blanks((struct slice){s.p, n}), b);
		s = n < s.n ? from(s, n + 1) : from(s, n);
	}
}

static bool is_compound(struct slice word)
{
	static const char *const words[] = {
		"if",	  "elif",    "else", "for",   "while", "with",	"try",
		"except", "finally", "def",  "class", "async", "match", "case"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (slice_is(word, words[i]))
			return true;
	}
	return false;
}

/* class NAME..: or def __init__..: give a block; all else is passed over. */
static struct block block_of(struct reader *r, struct slice s, const struct block *b)
{
	struct block next = {.kind = BLOCK_SKIP};
	struct slice word = ident(&s), name;

	s = blanks(s);
	name = ident(&s);
	if (b->kind == BLOCK_SKIP)
		return next;
	if (slice_is(word, "class") && name.n) {
		next.kind = BLOCK_NAMES;
		next.map = value_map(r->a);
		value_set_pair(r->a, b->map, value_str(r->a, name), next.map);
	} else if (slice_is(word, "def") && slice_is(name, "__init__")) {
		next.kind = BLOCK_SELF;
		next.map = b->map;
	}
	return next;
}

static void statement(struct reader *r, struct slice s, bool colon)
{
	const struct block *b = &r->block[r->depth - 1];
	struct slice rest = s, word = ident(&rest);
	struct block next;
	size_t at;

	r->opened = colon;
	if (!colon && !is_compound(word)) {
		if (b->kind != BLOCK_SKIP)
			simple_statements(r, s, b);
		return;
	}
	next = block_of(r, s, b);
	r->next = next;
	if (colon || next.kind == BLOCK_SKIP)
		return;
	at = find_top(s, ':'); /* "class A: x = 1" */
	if (at < s.n)
		simple_statements(r, blanks(from(s, at + 1)), &next);
}

static int enter(struct reader *r, unsigned indent)
{
	if (r->opened) {
		if (indent <= r->block[r->depth - 1].indent)
			return fail(r, "expected an indented block");
		if (r->depth == PYVARS_DEPTH_MAX)
			return fail(r, "nested too deeply");
		r->next.indent = indent;
		r->block[r->depth++] = r->next;
		r->opened = false;
		return 0;
	}
	while (r->depth > 1 && indent < r->block[r->depth - 1].indent)
		r->depth--;
	if (indent > r->block[r->depth - 1].indent)
		return fail(r, "unexpected indent");
	if (indent < r->block[r->depth - 1].indent)
		return fail(r, "unindent does not match any outer indentation level");
	return 0;
}

int pyvars_read(struct slice text, const char *name, struct arena *a, struct value **root,
		struct err *e)
{
	struct reader r = {.line = 1, .name = name, .a = a, .e = e, .depth = 1};
	struct buf lf = {0};
	unsigned indent;
	int ret = 0;

	if (!utf8_valid(text.p, text.n))
		return fail(&r, "is not valid utf-8");
	if (text.n && memchr(text.p, '\0', text.n))
		return fail(&r, "a NUL byte");
	if (slice_starts(text, "\xEF\xBB\xBF"))
		text = from(text, 3);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r')
			buf_addc(&lf, text.p[i]);
		else if (i + 1 >= text.n || text.p[i + 1] != '\n')
			buf_addc(&lf, '\n');
	}
	r.p = buf_str(&lf);
	r.end = r.p + lf.n;
	r.block[0].map = value_map(a);
	while (ret == 0 && next_line(&r, &indent)) {
		struct slice line = {0};
		bool colon = false;

		ret = enter(&r, indent);
		if (ret == 0)
			ret = take_line(&r, &line, &colon);
		if (ret == 0)
			statement(&r, line, colon);
	}
	if (ret == 0 && r.opened)
		ret = fail(&r, "expected an indented block");
	if (ret == 0)
		*root = r.block[0].map;
	buf_release(&lf);
	return ret;
}
