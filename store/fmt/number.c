/*
 * Shortest decimals by the method of Raffaello Giulietti's paper "The Schubfach way
 * to render doubles": of the rounding interval of v, scaled by a power of ten such
 * that it is a little wider than 1 or 10, at most two candidates of each length are
 * looked at, with integer products that are exact enough to decide.
 */
#include "store/fmt/number.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "store/base/buf.h"
#include "store/base/parse.h"
#include "store/fmt/pow10.h"

__extension__ typedef unsigned __int128 wide;

struct decimal {
	uint64_t digits; /* no trailing zeros, but 0 itself */
	int exp;	 /* of ten */
};

/* An arithmetic shift, which C leaves to the compiler. */
static int shift_down(int64_t v, unsigned by)
{
	return (int)(v < 0 ? ~(~v >> by) : v >> by);
}

/* floor(e * log10 2), floor(e * log10 2 + log10 3/4), floor(k * log2 10) */
static int log10_pow2(int e)
{
	return shift_down(e * 661971961083, 41);
}

static int log10_three_quarters_pow2(int e)
{
	return shift_down(e * 661971961083 - 274743187321, 41);
}

static int log2_pow10(int k)
{
	return shift_down(k * 913124641741, 38);
}

/* g * cp scaled, rounded to odd: the last bit says that something was lost. */
static uint64_t round_to_odd(const uint64_t g[2], uint64_t cp)
{
	uint64_t x1 = (uint64_t)((wide)g[1] * cp >> 64);
	wide y = (wide)g[0] * cp;
	uint64_t z = ((uint64_t)y >> 1) + x1;
	uint64_t w = (uint64_t)(y >> 64) + (z >> 63);

	return w | ((z & INT64_MAX) + INT64_MAX) >> 63;
}

static struct decimal trimmed(uint64_t digits, int exp)
{
	while (digits % 10 == 0) {
		digits /= 10;
		exp++;
	}
	return (struct decimal){digits, exp};
}

/* c * 2^q, c > 0. lower_is_nearer: v is a power of two, whose neighbour below is at
 * half the distance. */
static struct decimal shortest(uint64_t c, int q, bool lower_is_nearer)
{
	uint64_t out = c & 1, cb = c << 2, cbr = cb + 2, cbl;
	uint64_t vb, vbl, vbr, s, t;
	const uint64_t *g;
	bool u_in, w_in;
	int64_t cmp;
	int k, h;

	if (lower_is_nearer) {
		cbl = cb - 1;
		k = log10_three_quarters_pow2(q);
	} else {
		cbl = cb - 2;
		k = log10_pow2(q);
	}
	h = q + log2_pow10(-k) + 2;
	g = pow10_bits[-k - POW10_MIN];
	vb = round_to_odd(g, cb << h);
	vbl = round_to_odd(g, cbl << h);
	vbr = round_to_odd(g, cbr << h);
	s = vb >> 2;
	if (s >= 10) {
		uint64_t s10 = s / 10 * 10, t10 = s10 + 10;

		u_in = vbl + out <= s10 << 2;
		w_in = (t10 << 2) + out <= vbr;
		if (u_in != w_in)
			return trimmed(u_in ? s10 : t10, k);
	}
	t = s + 1;
	u_in = vbl + out <= s << 2;
	w_in = (t << 2) + out <= vbr;
	if (u_in != w_in)
		return trimmed(u_in ? s : t, k);
	cmp = (int64_t)(vb - ((s + t) << 1));
	return trimmed(cmp < 0 || (cmp == 0 && s % 2 == 0) ? s : t, k);
}

static struct decimal decimal64(double v)
{
	uint64_t bits, c;
	int e;

	memcpy(&bits, &v, sizeof(bits));
	c = bits & ((UINT64_C(1) << 52) - 1);
	e = (int)(bits >> 52 & 0x7ff);
	if (e == 0)
		return shortest(c, -1074, false);
	return shortest(c | UINT64_C(1) << 52, e - 1075, c == 0 && e > 1);
}

static struct decimal decimal32(float v)
{
	uint32_t bits;
	uint64_t c;
	int e;

	memcpy(&bits, &v, sizeof(bits));
	c = bits & ((1u << 23) - 1);
	e = (int)(bits >> 23 & 0xff);
	if (e == 0)
		return shortest(c, -149, false);
	return shortest(c | 1u << 23, e - 150, c == 0 && e > 1);
}

static size_t put(char *out, const char *text)
{
	size_t n = strlen(text);

	memcpy(out, text, n);
	return n;
}

/* The digits of v, most significant first. */
static size_t digits_put(char *out, uint64_t v)
{
	char text[20];
	size_t n = 0;

	do
		text[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	for (size_t i = 0; i < n; i++)
		out[i] = text[n - 1 - i];
	return n;
}

static size_t exponent_put(char *out, int exp)
{
	size_t n = 0;

	if (exp < 0)
		out[n++] = '-';
	return n + digits_put(out + n, (uint64_t)(exp < 0 ? -exp : exp));
}

/* d.ddE<exp>, always with the exponent. */
static size_t json_put(char *out, struct decimal d)
{
	size_t n = digits_put(out + 1, d.digits);
	int exp = d.exp + (int)n - 1;
	size_t at;

	out[0] = out[1];
	if (n > 1)
		out[1] = '.';
	at = n > 1 ? n + 1 : 1;
	out[at++] = 'E';
	return at + exponent_put(out + at, exp);
}

/* As Python's repr: an exponent below 1e-4 and from 1e16. */
static size_t repr_put(char *out, struct decimal d)
{
	char text[20];
	size_t n = digits_put(text, d.digits), at = 0;
	int point = d.exp + (int)n; /* digits before the decimal point */

	if (point > 16 || point < -3) {
		int exp = point - 1;

		out[at++] = text[0];
		if (n > 1) {
			out[at++] = '.';
			memcpy(out + at, text + 1, n - 1);
			at += n - 1;
		}
		out[at++] = 'e';
		out[at++] = exp < 0 ? '-' : '+';
		if (exp < 0)
			exp = -exp;
		if (exp < 10)
			out[at++] = '0';
		return at + digits_put(out + at, (uint64_t)exp);
	}
	if (point <= 0) {
		at = put(out, "0.");
		for (int i = point; i < 0; i++)
			out[at++] = '0';
		memcpy(out + at, text, n);
		return at + n;
	}
	for (int i = 0; i < point; i++)
		out[at++] = (size_t)i < n ? text[i] : '0';
	out[at++] = '.';
	if (n <= (size_t)point) {
		out[at++] = '0';
		return at;
	}
	memcpy(out + at, text + point, n - (size_t)point);
	return at + n - (size_t)point;
}

static bool is_negative(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits >> 63;
}

/* What has no digits: 0 means that it has. */
static size_t special(char *out, double v, bool json)
{
	if (v != v)
		return put(out, json ? "NaN" : "nan");
	if (v > DBL_MAX)
		return put(out, json ? "Infinity" : "inf");
	if (v < -DBL_MAX)
		return put(out, json ? "-Infinity" : "-inf");
	if (v == 0)
		return put(out, json		 ? is_negative(v) ? "-0E0" : "0E0"
				: is_negative(v) ? "-0.0"
						 : "0.0");
	return 0;
}

static size_t sign_put(char *out, double v)
{
	if (v < 0)
		out[0] = '-';
	return v < 0;
}

size_t number_text(char *out, double v)
{
	size_t n = special(out, v, false);

	if (n > 0)
		return n;
	n = sign_put(out, v);
	return n + repr_put(out + n, decimal64(v < 0 ? -v : v));
}

size_t number_text32(char *out, float v)
{
	size_t n = special(out, (double)v, false);

	if (n > 0)
		return n;
	n = sign_put(out, (double)v);
	return n + repr_put(out + n, decimal32(v < 0 ? -v : v));
}

size_t number_json(char *out, double v)
{
	size_t n = special(out, v, true);

	if (n > 0)
		return n;
	n = sign_put(out, v);
	return n + json_put(out + n, decimal64(v < 0 ? -v : v));
}

size_t number_json32(char *out, float v)
{
	size_t n = special(out, (double)v, true);

	if (n > 0)
		return n;
	n = sign_put(out, (double)v);
	return n + json_put(out + n, decimal32(v < 0 ? -v : v));
}

void number_add(struct buf *out, double v)
{
	char text[NUMBER_MAX];

	buf_add(out, text, number_text(text, v));
}

/* [-]digits[.digits][E[+-]digits] of at most 19 digits into *c * 10^*exp. */
static bool plain_number(struct slice s, bool *negative, uint64_t *c, int *exp)
{
	size_t i = 0, digits = 0;
	bool exp_negative = false;
	int given = 0;

	*c = 0;
	*exp = 0;
	*negative = s.n > 0 && s.p[0] == '-';
	i = *negative;
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++)
		*c = *c * 10 + (uint64_t)(s.p[i] - '0');
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++) {
			*c = *c * 10 + (uint64_t)(s.p[i] - '0');
			(*exp)--;
		}
	if (digits == 0 || digits > 19)
		return false;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
			exp_negative = s.p[i++] == '-';
		if (i == s.n || s.n - i > 4)
			return false;
		for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			given = given * 10 + (s.p[i] - '0');
	}
	*exp += exp_negative ? -given : given;
	return i == s.n;
}

bool number_read(struct slice s, double *out)
{
	static const double pow10[] = {1e0,  1e1,  1e2,	 1e3,  1e4,  1e5,  1e6,	 1e7,
				       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	bool negative;
	uint64_t c;
	int exp;

	/* Both factors are exact, so one operation rounds once. */
	if (plain_number(s, &negative, &c, &exp) && c <= UINT64_C(1) << 53 &&
	    exp >= -22 && exp <= 22) {
		double v = exp < 0 ? (double)c / pow10[-exp] : (double)c * pow10[exp];

		*out = negative ? -v : v;
		return true;
	}
	if (slice_is(s, "NaN")) {
		*out = __builtin_nan("");
		return true;
	}
	if (slice_is(s, "Infinity") || slice_is(s, "-Infinity")) {
		*out = s.p[0] == '-' ? -__builtin_inf() : __builtin_inf();
		return true;
	}
	return parse_double(s, out);
}
