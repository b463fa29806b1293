#include "store/base/parse.h"

#include <stdlib.h>
#include <locale.h>

bool parse_u64(struct slice s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned char)s.p[i] - (unsigned)'0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

bool parse_i64(struct slice s, int64_t *out)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		s.p++;
		s.n--;
	}
	if (!parse_u64(s, &v) || v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool parse_double(struct slice s, double *out)
{
	static locale_t c_locale;
	char text[128], *end;
	double v;

	if (s.n == 0 || s.n >= sizeof(text) || s.p[0] == ' ' || s.p[0] == '\t')
		return false;
	if (!c_locale && !(c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0)))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	v = strtod_l(text, &end, c_locale);
	if (end != text + s.n)
		return false;
	*out = v;
	return true;
}

bool parse_bytes(struct slice s, uint64_t *out)
{
	static const char units[] = "KMGTP";
	unsigned shift = 0;
	const char *u;
	uint64_t v;

	if (slice_ends(s, "iB") || slice_ends(s, "ib"))
		s.n -= 2;
	else if (slice_ends(s, "B") || slice_ends(s, "b"))
		s.n -= 1;
	if (s.n > 0) {
		char c = s.p[s.n - 1];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		u = memchr(units, c, sizeof(units) - 1);
		if (u) {
			shift = 10 * (unsigned)(u - units + 1);
			s.n--;
		}
	}
	if (!parse_u64(slice_trim(s), &v) || v > UINT64_MAX >> shift)
		return false;
	*out = v << shift;
	return true;
}

int parse_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
