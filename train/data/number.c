#include "train/data/number.h"

#include "train/data/read.h"

#include <assert.h>
#include <math.h>

#define MANT_BITS 52
#define EXP_BIAS  1023
#define EXP_INF	  0x7ff

const double number_pow10[23] = {1e0,  1e1,  1e2,  1e3,	 1e4,  1e5,  1e6,  1e7,
				 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
const double number_tenth[23] = {1e0,	1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,
				 1e-8,	1e-9,  1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15,
				 1e-16, 1e-17, 1e-18, 1e-19, 1e-20, 1e-21, 1e-22};
const uint64_t number_pow10_int[9] = {1,      10,      100,	 1000,	   10000,
				      100000, 1000000, 10000000, 100000000};

static double from_bits(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static uint64_t to_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

struct u128 {
	uint64_t hi, lo;
};

static struct u128 mul64(uint64_t a, uint64_t b)
{
	uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
	uint64_t low = a0 * b0, m1 = a1 * b0 + (low >> 32), m2 = a0 * b1 + (uint32_t)m1;

	return (struct u128){a1 * b1 + (m1 >> 32) + (m2 >> 32), m2 << 32 | (uint32_t)low};
}

/*
 * Eisel and Lemire: mant, its highest bit set, times 128 bits of 5^exp. 64 of them
 * decide unless all bits below the rounding bit are ones; then the other 64 follow,
 * and for a 64-bit mant those always do (Mushtak and Lemire, 2022).
 */
double number_lemire(uint64_t mant, int64_t exp)
{
	const uint64_t *pow;
	struct u128 p, more;
	unsigned zeros, top, shift;
	int64_t e2;
	uint64_t m;

	if (mant == 0 || exp < NUMBER_POW5_MIN)
		return 0;
	if (exp >= NUMBER_POW5_MIN + NUMBER_POW5_NR)
		return (double)INFINITY;
	pow = number_pow5[exp - NUMBER_POW5_MIN];
	zeros = (unsigned)__builtin_clzll(mant);
	mant <<= zeros;
	p = mul64(mant, pow[0]);
	if ((p.hi & 0x1ff) == 0x1ff) {
		more = mul64(mant, pow[1]);
		p.lo += more.hi;
		p.hi += p.lo < more.hi;
	}
	top = (unsigned)(p.hi >> 63);
	shift = top + 64 - MANT_BITS - 3;
	m = p.hi >> shift; /* 53 bits and the one that rounds */
	/* floor(log2(10^exp)), by a shift of what is positive */
	e2 = ((exp * 217706 + ((int64_t)4096 << 16)) >> 16) - 4096;
	e2 += EXP_BIAS + 63 + (int64_t)top - (int64_t)zeros;
	if (e2 <= 0) { /* subnormal; no ties so far down */
		if (e2 <= -63)
			return 0;
		m >>= 1 - e2;
		m += m & 1;
		m >>= 1;
		return from_bits(m); /* a carry into the exponent is right */
	}
	/* Exactly between two: only for small powers, where nothing was cut. To even. */
	if (p.lo <= 1 && exp >= -4 && exp <= 23 && (m & 3) == 1 && m << shift == p.hi)
		m &= ~(uint64_t)1;
	m += m & 1;
	m >>= 1;
	if (m >= (uint64_t)2 << MANT_BITS) {
		m = (uint64_t)1 << MANT_BITS;
		e2++;
	}
	if (e2 >= EXP_INF)
		return (double)INFINITY;
	m &= ~((uint64_t)1 << MANT_BITS);
	return from_bits((uint64_t)e2 << MANT_BITS | m);
}

double number_round(uint64_t mant, int64_t exp)
{
	if (mant <= (uint64_t)1 << 53 && exp >= -22 && exp <= 22)
		return exp < 0 ? (double)mant / number_pow10[-exp]
			       : (double)mant * number_pow10[exp];
	return number_lemire(mant, exp);
}

/*
 * Big numbers, for the few decimals whose first 19 digits leave two candidates.
 *
 * A midpoint between two neighbours has at most 767 significant digits, so 768 and
 * one that says "and something more" decide. Then the larger side is below 2^3900:
 * 769 digits are 2,555 bits, 5^(769 + 342) is 2,580, and the shift makes the smaller
 * one about as large.
 */
#define BIG_LIMBS  192
#define BIG_DIGITS 768

struct big {
	uint32_t v[BIG_LIMBS]; /* lowest first */
	unsigned n;
};

static void big_mul_add(struct big *b, uint32_t by, uint32_t add)
{
	uint64_t carry = add;

	for (unsigned i = 0; i < b->n; i++) {
		carry += (uint64_t)b->v[i] * by;
		b->v[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry) {
		assert(b->n < BIG_LIMBS);
		b->v[b->n++] = (uint32_t)carry;
	}
}

static void big_mul_pow5(struct big *b, int64_t exp)
{
	for (; exp >= 13; exp -= 13)
		big_mul_add(b, 1220703125, 0);
	for (; exp > 0; exp--)
		big_mul_add(b, 5, 0);
}

static void big_shift(struct big *b, int64_t by)
{
	unsigned limbs = (unsigned)(by / 32), bits = (unsigned)(by % 32);

	big_mul_add(b, (uint32_t)1 << bits, 0);
	if (limbs == 0 || b->n == 0)
		return;
	assert(b->n + limbs <= BIG_LIMBS);
	memmove(b->v + limbs, b->v, b->n * sizeof(b->v[0]));
	memset(b->v, 0, limbs * sizeof(b->v[0]));
	b->n += limbs;
}

static int big_cmp(const struct big *a, const struct big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (unsigned i = a->n; i-- > 0;)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}

/* What was read: digits without the point, from the first that is not 0. */
struct decimal {
	const char *p, *end; /* digits and perhaps a point */
	size_t digits;
	int64_t exp;   /* of the last digit */
	uint64_t mant; /* the first 19 of them */
};

/* The decimal against the middle of v and the next larger: the nearer one. */
static double nearer(const struct decimal *d, double v)
{
	uint64_t bits = to_bits(v), m = bits & (((uint64_t)1 << MANT_BITS) - 1);
	int64_t e2 = (int64_t)(bits >> MANT_BITS), exp = d->exp, twos;
	struct big text = {.n = 0}, mid = {.n = 2};
	size_t taken = 0;
	int cmp;

	if (e2 > 0)
		m |= (uint64_t)1 << MANT_BITS;
	else
		e2 = 1;
	m = 2 * m + 1;
	e2 -= EXP_BIAS + MANT_BITS + 1; /* the middle is m * 2^e2 */
	mid.v[0] = (uint32_t)m;
	mid.v[1] = (uint32_t)(m >> 32);
	if (mid.v[1] == 0)
		mid.n = 1;

	for (const char *p = d->p; p < d->end; p++) {
		if (*p == '.')
			continue;
		if (taken == BIG_DIGITS) { /* cut here, with a digit for the rest */
			bool more = false;

			exp += (int64_t)(d->digits - taken) - 1;
			for (; p < d->end; p++)
				more |= *p != '.' && *p != '0';
			big_mul_add(&text, 10, more);
			break;
		}
		big_mul_add(&text, 10, (uint32_t)(*p - '0'));
		taken++;
	}
	if (exp > 0)
		big_mul_pow5(&text, exp);
	else
		big_mul_pow5(&mid, -exp);
	twos = exp - e2;
	if (twos > 0)
		big_shift(&text, twos);
	else
		big_shift(&mid, -twos);
	cmp = big_cmp(&text, &mid);
	return from_bits(bits + (cmp > 0 || (cmp == 0 && (bits & 1))));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* [digits][.digits] from p on: where it ended, or NULL where there was no digit. */
static const char *read_digits(const char *p, const char *end, struct decimal *d)
{
	bool point = false, any = false;
	int64_t behind = 0;

	for (; p < end; p++) {
		if (*p == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(*p))
			break;
		any = true;
		behind += point;
		if (d->digits == 0) {
			if (*p == '0')
				continue;
			d->p = p;
		}
		if (d->digits++ < 19)
			d->mant = 10 * d->mant + (uint64_t)(*p - '0');
	}
	d->end = p;
	d->exp = -behind;
	return any ? p : NULL;
}

bool data_number(const char *p, size_t n, double *out)
{
	/* Beyond any exponent that matters, whatever the digits' number. */
	const int64_t huge = INT64_MAX / 4;
	const char *end = p + n;
	struct decimal d = {0};
	bool neg, exp_neg = false;
	int64_t written = 0, cut;
	double v;

	if (n == 0)
		return false;
	neg = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	p = read_digits(p, end, &d);
	if (!p)
		return false;
	if (p < end) {
		if ((*p | 0x20) != 'e' || ++p == end)
			return false;
		exp_neg = *p == '-';
		if (*p == '-' || *p == '+')
			p++;
		if (p == end)
			return false;
		for (; p < end && is_digit(*p); p++)
			if (written < huge / 16)
				written = 10 * written + (*p - '0');
		if (p != end)
			return false;
	}
	d.exp += exp_neg ? -written : written;
	cut = d.digits > 19 ? (int64_t)d.digits - 19 : 0;
	v = number_round(d.mant, d.exp + cut);
	/* Within the range that the middle's size was computed for, v differs. */
	if (cut > 0 && number_round(d.mant + 1, d.exp + cut) != v)
		v = nearer(&d, v);
	*out = neg ? -v : v;
	return true;
}
