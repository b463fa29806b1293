#include "store/base/utf8.h"

unsigned utf8_decode(const char *p, size_t n, uint32_t *out)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c;
	uint32_t code;
	unsigned len;

	if (n == 0)
		return 0;
	c = (unsigned char)p[0];
	if (c < 0x80) {
		*out = c;
		return 1;
	}
	if (c >= 0xc2 && c <= 0xdf)
		len = 2, code = c & 0x1fu;
	else if ((c & 0xf0) == 0xe0)
		len = 3, code = c & 0x0fu;
	else if (c >= 0xf0 && c <= 0xf4)
		len = 4, code = c & 0x07u;
	else
		return 0;
	if (n < len)
		return 0;
	for (unsigned i = 1; i < len; i++) {
		unsigned char t = (unsigned char)p[i];

		if ((t & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (t & 0x3fu);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*out = code;
	return len;
}

unsigned utf8_encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code >= 0xd800 && code <= 0xdfff)
		return 0;
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	if (code > 0x10ffff)
		return 0;
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

bool utf8_valid(const char *p, size_t n)
{
	uint32_t code;

	while (n > 0) {
		unsigned len = utf8_decode(p, n, &code);

		if (len == 0)
			return false;
		p += len;
		n -= len;
	}
	return true;
}

size_t utf8_cut(const char *p, size_t n)
{
	size_t back = 0;
	uint32_t code;

	/* Step back over continuation bytes to the last start, at most three. */
	while (back < n && back < 3 && ((unsigned char)p[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n && ((unsigned char)p[n - 1 - back] & 0xc0) == 0xc0 &&
	    utf8_decode(p + n - 1 - back, back + 1, &code) == 0)
		return n - 1 - back;
	return n;
}

size_t utf8_count(const char *p, size_t n)
{
	size_t count = 0;
	uint32_t code;

	while (n > 0) {
		unsigned len = utf8_decode(p, n, &code);

		if (len == 0)
			len = 1;
		p += len;
		n -= len;
		count++;
	}
	return count;
}
