#include "store/fmt/fmt.h"

#include "store/base/buf.h"

#include <math.h>
#include <stdlib.h>

/* Digits and exponent of "d.ddde+XX", the point taken out. */
static void split(const char *s, char *digits, size_t *n, int *exp10)
{
	*n = 0;
	for (; *s && *s != 'e'; s++) {
		if (*s >= '0' && *s <= '9')
			digits[(*n)++] = *s;
	}
	*exp10 = 0;
	if (*s == 'e') {
		bool neg = s[1] == '-';

		for (s += 2; *s; s++)
			*exp10 = *exp10 * 10 + (*s - '0');
		if (neg)
			*exp10 = -*exp10;
	}
	while (*n > 1 && digits[*n - 1] == '0')
		(*n)--;
}

void fmt_double(struct buf *out, double f)
{
	char text[40], digits[40];
	size_t n;
	int exp10;

	if (isnan(f)) {
		buf_adds(out, "nan");
		return;
	}
	if (signbit(f))
		buf_addc(out, '-');
	f = fabs(f);
	if (isinf(f)) {
		buf_adds(out, "inf");
		return;
	}
	/* The C locale is never set by the program, so the point is a point; split()
	 * passes over any other all the same. */
	for (int p = 0; p < 17; p++) {
		IGNORE_RESULT(snprintf(text, sizeof(text), "%.*e", p, f) < 0);
		if (strtod(text, NULL) == f)
			break;
	}
	split(text, digits, &n, &exp10);
	if (exp10 < -4 || exp10 >= 16) { /* float.__repr__: repr_style 'r' */
		buf_addc(out, digits[0]);
		if (n > 1) {
			buf_addc(out, '.');
			buf_add(out, digits + 1, n - 1);
		}
		buf_addf(out, "e%c%02d", exp10 < 0 ? '-' : '+', abs(exp10));
	} else if (exp10 < 0) {
		buf_adds(out, "0.");
		buf_fill(out, '0', (size_t)(-exp10 - 1));
		buf_add(out, digits, n);
	} else {
		size_t whole = (size_t)exp10 + 1;

		buf_add(out, digits, MIN_OF(n, whole));
		if (n <= whole) {
			buf_fill(out, '0', whole - n);
			buf_adds(out, ".0");
		} else {
			buf_addc(out, '.');
			buf_add(out, digits + whole, n - whole);
		}
	}
}
