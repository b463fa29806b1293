#include "store/fmt/yaml_type.h"

#include <stdint.h>

/* A cursor for the regular expressions, which are small enough to be code. */
struct scan {
	const char *p, *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool accept(struct scan *s, const char *set)
{
	if (s->p == s->end || !*s->p || !strchr(set, *s->p))
		return false;
	s->p++;
	return true;
}

static size_t run(struct scan *s, const char *set)
{
	const char *from = s->p;

	while (accept(s, set))
		;
	return (size_t)(s->p - from);
}

static size_t digits(struct scan *s, size_t most)
{
	const char *from = s->p;

	while (s->p < s->end && (size_t)(s->p - from) < most && is_digit(*s->p))
		s->p++;
	return (size_t)(s->p - from);
}

static bool one_of(struct slice s, const char *words)
{
	while (*words) {
		const char *end = strchr(words, ' ');
		size_t n = end ? (size_t)(end - words) : strlen(words);

		if (s.n == n && memcmp(s.p, words, n) == 0)
			return true;
		words += n + (end ? 1 : 0);
	}
	return false;
}

static bool is_int(struct slice s)
{
	static const struct {
		const char *prefix, *set;
	} kinds[] = {
		{"0b", "01_"},
		{"0o", "01234567_"},
		{"0x", "0123456789abcdefABCDEF_"},
		{"", "0123456789_"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct scan c = {s.p, s.p + s.n};
		size_t n = strlen(kinds[i].prefix);

		accept(&c, "-+");
		if ((size_t)(c.end - c.p) < n || memcmp(c.p, kinds[i].prefix, n) != 0)
			continue;
		c.p += n;
		if (run(&c, kinds[i].set) > 0 && c.p == c.end)
			return true;
	}
	return false;
}

/* [eE][-+]?[0-9]+ to the end; with the sign wanted where the rule wants it. */
static bool exponent(struct scan *c, bool need_sign)
{
	if (!accept(c, "eE"))
		return false;
	if (!accept(c, "-+") && need_sign)
		return false;
	return digits(c, SIZE_MAX) > 0 && c->p == c->end;
}

static bool is_float(struct slice s)
{
	struct scan c = {s.p, s.p + s.n};
	bool has_sign = accept(&c, "-+");
	struct slice rest = {c.p, (size_t)(c.end - c.p)};

	if (one_of(rest, ".inf .Inf .INF"))
		return true;
	if (one_of(rest, ".nan .NaN .NAN"))
		return !has_sign;
	if (c.p < c.end && is_digit(*c.p)) {
		run(&c, "0123456789_");
		if (accept(&c, ".")) {
			run(&c, "0123456789_");
			return c.p == c.end || exponent(&c, false);
		}
		return exponent(&c, false);
	}
	if (!accept(&c, ".") || run(&c, "0123456789_") == 0)
		return false;
	return c.p == c.end || exponent(&c, true);
}

static bool is_timestamp(struct slice s)
{
	struct scan c = {s.p, s.p + s.n};
	size_t month, day;

	if (digits(&c, 4) != 4 || !accept(&c, "-"))
		return false;
	month = digits(&c, 2);
	if (month == 0 || !accept(&c, "-"))
		return false;
	day = digits(&c, 2);
	if (day == 0)
		return false;
	if (c.p == c.end)
		return month == 2 && day == 2;
	if (!accept(&c, "Tt") && run(&c, " \t") == 0)
		return false;
	if (digits(&c, 2) == 0 || !accept(&c, ":") || digits(&c, 2) != 2 ||
	    !accept(&c, ":") || digits(&c, 2) != 2)
		return false;
	if (accept(&c, "."))
		digits(&c, SIZE_MAX);
	if (c.p == c.end)
		return true;
	run(&c, " \t");
	if (accept(&c, "Z"))
		return c.p == c.end;
	if (!accept(&c, "-+") || digits(&c, 2) == 0)
		return false;
	if (accept(&c, ":") && digits(&c, 2) != 2)
		return false;
	return c.p == c.end;
}

enum yaml_type yaml_type_of(struct slice s)
{
	char first = s.n ? s.p[0] : '\0';

	if (s.n == 0 || one_of(s, "~ null Null NULL"))
		return YAML_TYPE_NULL;
	if (one_of(s, "true True TRUE false False FALSE"))
		return YAML_TYPE_BOOL;
	if (slice_is(s, "<<"))
		return YAML_TYPE_MERGE;
	if (slice_is(s, "="))
		return YAML_TYPE_VALUE;
	if (!is_digit(first) && first != '-' && first != '+' && first != '.')
		return YAML_TYPE_STR;
	if (is_float(s))
		return YAML_TYPE_FLOAT;
	if (first != '.' && is_int(s))
		return YAML_TYPE_INT;
	return is_timestamp(s) ? YAML_TYPE_TIMESTAMP : YAML_TYPE_STR;
}
