#include "store/base/buf.h"
#include "store/base/parse.h"
#include "store/hash/hash.h"

char *hex_encode(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[from[i] >> 4];
		out[2 * i + 1] = digits[from[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

/* A digit's value and one more, so that what is none is zero. */
static const uint8_t hex_values[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool hex_decode(struct slice text, void *out, size_t n)
{
	const uint8_t *from = (const uint8_t *)text.p;
	uint8_t *to = out;

	if (text.n != 2 * n)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (hex_values[from[i]] == 0)
			return false;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)((hex_values[from[2 * i]] - 1) << 4 |
				  (hex_values[from[2 * i + 1]] - 1));
	return true;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *p, size_t n)
{
	const uint8_t *from = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = MIN_OF(n - i, 3u);
		uint32_t v = (uint32_t)from[i] << 16;
		char quad[4] = {0, 0, '=', '='};

		if (have > 1)
			v |= (uint32_t)from[i + 1] << 8;
		if (have > 2)
			v |= from[i + 2];
		for (size_t k = 0; k <= have; k++)
			quad[k] = base64_digits[v >> (18 - 6 * k) & 63];
		buf_add(out, quad, 4);
	}
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;

	return at ? (int)(at - base64_digits) : -1;
}

bool base64_decode(struct slice text, struct buf *out)
{
	size_t was = out->n;

	if (text.n % 4 != 0)
		return false;
	for (size_t i = 0; i < text.n; i += 4) {
		bool is_last = i + 4 == text.n;
		size_t have = 4;
		uint32_t v = 0;

		while (is_last && have > 2 && text.p[i + have - 1] == '=')
			have--;
		for (size_t k = 0; k < have; k++) {
			int digit = base64_value(text.p[i + k]);

			if (digit < 0)
				goto bad;
			v |= (uint32_t)digit << (18 - 6 * k);
		}
		/* Bits that no byte takes must be zero, or two texts mean the same. */
		if (have < 4 && (v & (have == 2 ? 0xffffu : 0xffu)) != 0)
			goto bad;
		for (size_t k = 0; k + 1 < have; k++)
			buf_addc(out, (char)(v >> (16 - 8 * k) & 255));
	}
	return true;
bad:
	buf_cut(out, was);
	return false;
}
