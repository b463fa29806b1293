/*
 * Decimal text to binary64, correctly rounded, in two parts: a scan that is compiled
 * into the loops that call it, and number_round, exact for every decimal of at most
 * 19 digits (Clinger's exact products, else the method of Eisel and Lemire). Longer
 * ones go through data_number.
 */
#ifndef TRAIN_DATA_NUMBER_H
#define TRAIN_DATA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NUMBER_POW5_MIN (-342)
#define NUMBER_POW5_NR	651
extern const uint64_t number_pow5[NUMBER_POW5_NR][2];
extern const double number_pow10[23];	   /* 10^0 .. 10^22, exact */
extern const uint64_t number_pow10_int[9]; /* 10^0 .. 10^8 */

/* So many bytes behind the text may be read (not used) by number_scan. */
#define NUMBER_PAD 8

/* mant * 10^exp, rounded to nearest, ties to even; infinite when too large. */
double number_round(uint64_t mant, int64_t exp);
/* The same unless Clinger's way does. */
double number_lemire(uint64_t mant, int64_t exp);

static inline uint64_t number_load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* How many of 8 bytes, from the first on, are digits. */
static inline unsigned number_digits(uint64_t v)
{
	uint64_t t = v ^ 0x3030303030303030u;
	/* A byte's top bit: its nibbles were not 3 and 0..9. The carry of 0x76 + t
	 * stays in its byte where t < 0x80, and where it does not, the byte counts
	 * by itself and those behind it are not asked. */
	uint64_t bad = ((t + 0x7676767676767676u) | t) & 0x8080808080808080u;

	return bad ? (unsigned)__builtin_ctzll(bad) >> 3 : 8;
}

/* The value of 8 digits: pairs, then fours, then all, by one multiplication each. */
static inline uint64_t number_eight(uint64_t v)
{
	v &= 0x0f0f0f0f0f0f0f0fu;
	v = (v * 2561) >> 8 & 0x00ff00ff00ff00ffu;
	v = (v * 6553601) >> 16 & 0x0000ffff0000ffffu;
	return (v * 42949672960001u) >> 32;
}

/* The digits at *p join mant; *p moves behind them. */
static inline uint64_t number_join(const char **p, uint64_t mant)
{
	for (;;) {
		uint64_t v = number_load8(*p);
		unsigned n = number_digits(v);

		if (n == 0)
			return mant;
		/* The first n bytes move to the top: zero bytes count as zeros. */
		mant = mant * number_pow10_int[n] + number_eight(v << (64 - 8 * n));
		*p += n;
		if (n < 8)
			return mant;
	}
}

/*
 * All of [p, end) as a number: 1. 0: it is none. -1: not decided here, more than 19
 * digits or a long exponent. NUMBER_PAD bytes behind end can be read.
 */
static inline int number_scan(const char *p, const char *end, double *out)
{
	bool neg = *p == '-', exp_neg;
	const char *first, *dot = NULL;
	uint64_t mant, written = 0;
	int64_t exp = 0;
	size_t digits;
	double v;

	p += neg || *p == '+';
	first = p;
	mant = number_join(&p, 0);
	digits = (size_t)(p - first);
	if (p < end && *p == '.') {
		dot = ++p;
		mant = number_join(&p, mant);
		digits += (size_t)(p - dot);
		exp = dot - p;
	}
	if (digits == 0 || p > end)
		return 0;
	if (p < end) {
		if ((*p | 0x20) != 'e')
			return 0;
		p++;
		exp_neg = p < end && *p == '-';
		p += p < end && (*p == '-' || *p == '+');
		first = p;
		written = number_join(&p, 0);
		if (p != end || p == first)
			return 0;
		if (p - first > 8)
			return -1;
		exp += exp_neg ? -(int64_t)written : (int64_t)written;
	}
	if (digits > 19)
		return -1;
	if (mant <= (uint64_t)1 << 53 && exp >= -22 && exp <= 22)
		v = exp < 0 ? (double)mant / number_pow10[-exp]
			    : (double)mant * number_pow10[exp];
	else
		v = number_lemire(mant, exp);
	*out = neg ? -v : v;
	return 1;
}

#endif
