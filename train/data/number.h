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
extern const double number_tenth[23];	   /* 10^0 .. 10^-22, rounded */
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

/* A decimal: mant * 10^exp, at most 19 digits. */
struct number_parts {
	uint64_t mant;
	int64_t exp;
	bool neg;
};

/*
 * All of [p, end) as a number: 1. 0: it is none. -1: not decided here, more than 19
 * digits or a long exponent. NUMBER_PAD bytes behind end can be read.
 */
static inline int number_split(const char *p, const char *end, struct number_parts *out)
{
	bool neg = *p == '-', exp_neg;
	const char *first, *dot = NULL;
	uint64_t mant, written = 0;
	int64_t exp = 0;
	size_t digits;

	p += neg | (*p == '+');
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
	*out = (struct number_parts){mant, exp, neg};
	return 1;
}

static inline double number_value(const struct number_parts *x)
{
	uint64_t bits;
	double v;

	if (x->mant <= (uint64_t)1 << 53 && x->exp >= -22 && x->exp <= 22)
		v = x->exp < 0 ? (double)x->mant / number_pow10[-x->exp]
			       : (double)x->mant * number_pow10[x->exp];
	else
		v = number_lemire(x->mant, x->exp);
	/* Signs come at random: no branch. */
	memcpy(&bits, &v, sizeof(bits));
	bits ^= (uint64_t)x->neg << 63;
	memcpy(&v, &bits, sizeof(bits));
	return v;
}

static inline int number_scan(const char *p, const char *end, double *out)
{
	struct number_parts x;
	int r = number_split(p, end, &x);

	if (r == 1)
		*out = number_value(&x);
	return r;
}

/*
 * The same as (float)number_value for a fraction between 2^-74 and 2^24, by a product
 * instead of a division: it is at most 2 units of binary64 off, so it rounds to the
 * same binary32 unless it is near the middle of two. False: ask number_value.
 */
static inline bool number_float(const struct number_parts *x, float *out)
{
	uint64_t bits;
	double v;

	if (x->exp >= 0 || x->exp < -22 || x->mant - 1 >= (uint64_t)1 << 53)
		return false;
	v = (double)x->mant * number_tenth[-x->exp];
	memcpy(&bits, &v, sizeof(bits));
	/* The 29 bits that binary32 has not, and how far they are from the middle. */
	if ((((bits & 0x1fffffff) - 0x10000000 + 8) & 0x1fffffff) <= 16 || v > 0x1p24 - 1)
		return false;
	bits |= (uint64_t)x->neg << 63;
	memcpy(&v, &bits, sizeof(bits));
	*out = (float)v;
	return true;
}

#endif
