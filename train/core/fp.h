/*
 * The arithmetic that models are made of: IEEE-754 as written, exp and log of our
 * own, so that no C library, compiler or machine has a say in a model's bytes.
 * Only + - * / sqrt, compares and conversions touch model-relevant numbers, each
 * applied per row or per candidate; sums over rows are sums of integers.
 *
 * exp: argument reduction by two constants, Taylor polynomial of degree 12 (at
 * most 2.6 ulp on [-40, 40]); log: by (f-1)/(f+1), at most 1.9 ulp. Both are part
 * of the model format: a changed bit is a new core number.
 */
#ifndef TRAIN_CORE_FP_H
#define TRAIN_CORE_FP_H

#include "store/base/compiler.h"

#include <float.h>
#include <stdint.h>

#ifdef __FAST_MATH__
#error "models must not depend on the compiler's liberties: no -ffast-math"
#endif
_Static_assert(FLT_EVAL_METHOD == 0, "double must be evaluated as double");

struct err;

/* Rounding is to nearest and subnormals are kept, or ERR_UNSUPPORTED. Called at the
 * start of a training; fp_enter at the start of each of its threads, since a host
 * library may have set flush-to-zero. */
int fp_check(struct err *e) MUST_CHECK;
void fp_enter(void);

double fp_exp(double x); /* clamped to [-708, 709] */
double fp_log(double x); /* x > 0, finite */
double fp_sigmoid(double x);

/* Arithmetic shift of a negative value, which C leaves to the compiler. */
static inline int64_t fp_sar64(int64_t v, unsigned by)
{
	return v < 0 ? ~(~v >> by) : v >> by;
}

#endif
