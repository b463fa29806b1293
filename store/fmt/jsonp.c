#include "store/fmt/jsonp.h"

#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/utf8.h"

/* What the grammar wants next. */
enum state {
	WANT_VALUE = 0,	 /* the document, an item after a comma, a key's value */
	WANT_FIRST_ITEM, /* an item or "]" */
	WANT_FIRST_KEY,	 /* a key or "}" */
	WANT_KEY,	 /* after a comma */
	WANT_COMMA,	 /* or the end of the container */
	WANT_END,	 /* nothing but white space */
};

void jsonp_init(struct jsonp *p, struct slice text)
{
	*p = (struct jsonp){.in = text};
}

void jsonp_release(struct jsonp *p)
{
	buf_release(&p->scratch);
}

static int fail(const struct jsonp *p, size_t at, const char *what, struct err *e)
{
	size_t line = 1, from = 0;

	for (size_t i = 0; i < at && i < p->in.n; i++) {
		if (p->in.p[i] == '\n') {
			line++;
			from = i + 1;
		}
	}
	return err_set(e, ERR_CORRUPT, "line %zu, column %zu: %s", line, at - from + 1,
		       what);
}

static bool is_object(const struct jsonp *p)
{
	return p->object[p->depth / 8] >> p->depth % 8 & 1;
}

static void skip_space(struct jsonp *p)
{
	while (p->at < p->in.n) {
		char c = p->in.p[p->at];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			break;
		p->at++;
	}
}

/* ---- strings ------------------------------------------------------------- */

static bool hex4(const struct jsonp *p, size_t at, unsigned *out)
{
	unsigned v = 0;

	if (p->in.n - at < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		int d = parse_hex_digit(p->in.p[at + i]);

		if (d < 0)
			return false;
		v = v << 4 | (unsigned)d;
	}
	*out = v;
	return true;
}

/* "\uXXXX" at p->at - 2; its code point, or a byte by surrogateescape. */
static int unescape_unicode(struct jsonp *p, struct jsonp_token *out, struct err *e)
{
	unsigned hi, lo;
	char text[4];
	uint32_t code;

	if (!hex4(p, p->at, &hi))
		return fail(p, p->at, "\\u wants four hexadecimal digits", e);
	p->at += 4;
	code = hi;
	if (hi >= 0xD800 && hi < 0xDC00 && p->in.n - p->at >= 6 &&
	    p->in.p[p->at] == '\\' && p->in.p[p->at + 1] == 'u' &&
	    hex4(p, p->at + 2, &lo) && lo >= 0xDC00 && lo < 0xE000) {
		code = 0x10000 + ((hi - 0xD800) << 10) + (lo - 0xDC00);
		p->at += 6;
	} else if (hi >= 0xDC80 && hi <= 0xDCFF) {
		buf_addc(&p->scratch, (char)(hi - 0xDC00));
		out->has_byte_escape = true;
		return 0;
	} else if (hi >= 0xD800 && hi < 0xE000) {
		return fail(p, p->at - 6, "half of a surrogate pair", e);
	}
	buf_add(&p->scratch, text, utf8_encode(code, text));
	return 0;
}

static int unescape(struct jsonp *p, struct jsonp_token *out, struct err *e)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *which;

	if (++p->at >= p->in.n)
		return fail(p, p->at, "the string does not end", e);
	if (p->in.p[p->at] == 'u') {
		p->at++;
		return unescape_unicode(p, out, e);
	}
	which = p->in.p[p->at] ? strchr(from, p->in.p[p->at]) : NULL;
	if (!which)
		return fail(p, p->at, "unknown escape", e);
	buf_addc(&p->scratch, to[which - from]);
	p->at++;
	return 0;
}

/* The next byte from at that is not plain ASCII text of a string. */
static size_t plain_end(const struct jsonp *p, size_t at)
{
	const char *s = p->in.p;

	/* Eight at a time: the high bit of a lane is set for '"', '\\', a control
	 * character (each by the classic has-zero and has-less tests) or itself. */
	while (p->in.n - at >= 8) {
		const uint64_t ones = 0x0101010101010101u, high = ones * 0x80;
		uint64_t w, q, b;

		memcpy(&w, s + at, 8);
		q = w ^ ones * '"';
		b = w ^ ones * '\\';
		if (((w - ones * 0x20) | (q - ones) | (b - ones) | w) & high)
			break;
		at += 8;
	}
	while (at < p->in.n) {
		unsigned char c = (unsigned char)s[at];

		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			break;
		at++;
	}
	return at;
}

static int string(struct jsonp *p, struct jsonp_token *out, struct err *e)
{
	size_t start = ++p->at, from = start;
	bool copied = false;
	int r;

	buf_reset(&p->scratch);
	for (;;) {
		uint32_t code;
		unsigned n;

		p->at = plain_end(p, p->at);
		if (p->at >= p->in.n)
			return fail(p, start - 1, "the string does not end", e);
		if (p->in.p[p->at] == '"')
			break;
		if (p->in.p[p->at] == '\\') {
			buf_add(&p->scratch, p->in.p + from, p->at - from);
			copied = true;
			r = unescape(p, out, e);
			if (r < 0)
				return r;
			from = p->at;
			continue;
		}
		n = utf8_decode(p->in.p + p->at, p->in.n - p->at, &code);
		if (n == 0)
			return fail(p, p->at, "is not valid utf-8", e);
		if (code < 0x20)
			return fail(p, p->at, "a control character in a string", e);
		p->at += n;
	}
	if (copied) {
		buf_add(&p->scratch, p->in.p + from, p->at - from);
		out->text = buf_slice(&p->scratch);
	} else {
		out->text = (struct slice){p->in.p + start, p->at - start};
	}
	p->at++;
	return 0;
}

/* ---- numbers and words --------------------------------------------------- */

static size_t digits(struct jsonp *p)
{
	size_t from = p->at;

	while (p->at < p->in.n && p->in.p[p->at] >= '0' && p->in.p[p->at] <= '9')
		p->at++;
	return p->at - from;
}

static bool word(struct jsonp *p, const char *w)
{
	size_t n = strlen(w);

	if (p->in.n - p->at < n || memcmp(p->in.p + p->at, w, n) != 0)
		return false;
	p->at += n;
	return true;
}

static int number(struct jsonp *p, struct jsonp_token *out, struct err *e)
{
	size_t from = p->at, n;

	out->type = JSONP_NUMBER;
	if (p->in.p[p->at] == '-')
		p->at++;
	if (word(p, "Infinity"))
		goto done;
	n = digits(p);
	if (n == 0 || (n > 1 && p->in.p[p->at - n] == '0'))
		return fail(p, from, "not a number", e);
	if (p->at < p->in.n && p->in.p[p->at] == '.') {
		p->at++;
		if (digits(p) == 0)
			return fail(p, from, "not a number", e);
	}
	if (p->at < p->in.n && (p->in.p[p->at] | 32) == 'e') {
		p->at++;
		if (p->at < p->in.n && (p->in.p[p->at] == '+' || p->in.p[p->at] == '-'))
			p->at++;
		if (digits(p) == 0)
			return fail(p, from, "not a number", e);
	}
done:
	out->text = (struct slice){p->in.p + from, p->at - from};
	return 0;
}

/* ---- structure ----------------------------------------------------------- */

static void after_value(struct jsonp *p)
{
	p->state = p->depth ? WANT_COMMA : WANT_END;
}

static int begin_container(struct jsonp *p, bool object, struct jsonp_token *out,
			   struct err *e)
{
	unsigned bit;

	if (p->depth == JSONP_DEPTH_MAX - 1)
		return fail(p, p->at, "nested too deeply", e);
	p->depth++;
	bit = 1u << p->depth % 8;
	p->object[p->depth / 8] = (uint8_t)(object ? p->object[p->depth / 8] | bit
						   : p->object[p->depth / 8] & ~bit);
	p->at++;
	p->state = object ? WANT_FIRST_KEY : WANT_FIRST_ITEM;
	out->type = object ? JSONP_OBJECT : JSONP_ARRAY;
	return 0;
}

static int end_container(struct jsonp *p, struct jsonp_token *out)
{
	out->type = is_object(p) ? JSONP_OBJECT_END : JSONP_ARRAY_END;
	p->at++;
	p->depth--;
	after_value(p);
	return 0;
}

static int value(struct jsonp *p, struct jsonp_token *out, struct err *e)
{
	int r = 0;

	switch (p->in.p[p->at]) {
	case '{':
		return begin_container(p, true, out, e);
	case '[':
		return begin_container(p, false, out, e);
	case '"':
		out->type = JSONP_STR;
		r = string(p, out, e);
		break;
	case 't':
	case 'f':
	case 'n':
	case 'N':
	case 'I':
		out->type = word(p, "true")    ? JSONP_TRUE
			    : word(p, "false") ? JSONP_FALSE
			    : word(p, "null")  ? JSONP_NULL
					       : JSONP_NUMBER;
		if (out->type != JSONP_NUMBER)
			break;
		if (!word(p, "NaN") && !word(p, "Infinity"))
			return fail(p, p->at, "a value is expected", e);
		out->text = (struct slice){p->in.p + out->at, p->at - out->at};
		break;
	default:
		if (p->in.p[p->at] != '-' &&
		    (p->in.p[p->at] < '0' || p->in.p[p->at] > '9'))
			return fail(p, p->at, "a value is expected", e);
		r = number(p, out, e);
		break;
	}
	if (r == 0)
		after_value(p);
	return r;
}

static int key(struct jsonp *p, struct jsonp_token *out, struct err *e)
{
	int r;

	if (p->in.p[p->at] != '"')
		return fail(p, p->at, "a key in quotes is expected", e);
	out->type = JSONP_KEY;
	r = string(p, out, e);
	if (r < 0)
		return r;
	skip_space(p);
	if (p->at >= p->in.n || p->in.p[p->at] != ':')
		return fail(p, p->at, "':' is expected", e);
	p->at++;
	p->state = WANT_VALUE;
	return 0;
}

int jsonp_next(struct jsonp *p, struct jsonp_token *out, struct err *e)
{
	char c;

	skip_space(p);
	if (p->state == WANT_COMMA && p->at < p->in.n && p->in.p[p->at] == ',') {
		p->at++;
		p->state = is_object(p) ? WANT_KEY : WANT_VALUE;
		skip_space(p);
	}
	*out = (struct jsonp_token){.at = p->at};
	if (p->at >= p->in.n) {
		if (p->state == WANT_END)
			return 0;
		return fail(p, p->at, "the text ends too early", e);
	}
	c = p->in.p[p->at];
	switch ((enum state)p->state) {
	case WANT_FIRST_KEY:
		return c == '}' ? end_container(p, out) : key(p, out, e);
	case WANT_KEY:
		return key(p, out, e);
	case WANT_FIRST_ITEM:
		return c == ']' ? end_container(p, out) : value(p, out, e);
	case WANT_VALUE:
		return value(p, out, e);
	case WANT_COMMA:
		if (c == (is_object(p) ? '}' : ']'))
			return end_container(p, out);
		return fail(p, p->at, "',' or the end of the container is expected", e);
	default:
		return fail(p, p->at, "text after the end of the document", e);
	}
}

int jsonp_skip(struct jsonp *p, const struct jsonp_token *t, struct err *e)
{
	unsigned depth = p->depth;
	struct jsonp_token next;

	if (t->type != JSONP_OBJECT && t->type != JSONP_ARRAY)
		return 0;
	do {
		int r = jsonp_next(p, &next, e);

		if (r < 0)
			return r;
	} while (p->depth >= depth);
	return 0;
}
