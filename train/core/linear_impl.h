/*
 * Between the files of linear models; nothing else includes it, but metric_number.c
 * for the logistic loss.
 *
 * All sums over rows are blocked sums: rows are cut into blocks of 4,096 by their
 * number in the whole; row i of a block goes to accumulator i mod 8; accumulators
 * are added as ((0+1)+(2+3))+((4+5)+(6+7)), blocks in order. A block is computed by
 * one member of the team, or its parts by several; either way each sum is the same.
 */
#ifndef TRAIN_CORE_LINEAR_IMPL_H
#define TRAIN_CORE_LINEAR_IMPL_H

#include "store/base/compiler.h"
#include "train/core/objective_impl.h"
#include "train/core/table.h"
#include "train/core/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct team;

#define LINEAR_BLOCK 4096
/* Newton's method up to here, by inputs and by rows * inputs^2; L-BFGS above. */
#define LINEAR_NEWTON_INPUTS 4000
#define LINEAR_NEWTON_WORK   0x1p40
/* So many inputs, and a block's parts are dealt out instead of blocks: a member's
 * copy of a block and its results would not fit any cache. */
#define LINEAR_WIDE 256

/*
 * Loops over the rows of a block, padded with zeros to n8, a multiple of 8: adding
 * a zero's product changes no sum.
 */
struct linear_kernels {
	/* (x - mean) * inverse, 0 for NaN; zeros behind n up to n8. */
	void (*standardize)(double *out, const float *x, size_t n, size_t n8, double mean,
			    double inverse);
	void (*add_scaled)(double *s, const double *x, double by, size_t n8);
	double (*dot)(const double *a, const double *b, size_t n8);
	/* The dot product of r and x; then x becomes x * q. */
	double (*dot_scale)(double *x, const double *r, const double *q, size_t n8);
	/* out[i * out_stride + k] = dot of columns i of a and k of b, which are stride
	 * apart; i < na, k < nb, both at most 4. */
	void (*gram)(const double *a, unsigned na, const double *b, unsigned nb,
		     size_t stride, size_t n8, double *out, size_t out_stride);
	/* Logistic: r = w (p - y), q = sqrt(w p (1 - p)), loss = w log-loss; w may be
	 * NULL. */
	void (*logistic)(const double *s, const double *y, const double *w, size_t n,
			 double *r, double *q, double *loss);
};
extern const struct linear_kernels linear_kernels_scalar;
#if defined(__x86_64__)
extern const struct linear_kernels linear_kernels_sse2;
extern const struct linear_kernels linear_kernels_avx2;
extern const struct linear_kernels linear_kernels_avx512;
#endif

const struct linear_kernels *linear_kernels_of(enum simd simd); /* that, or the best */

static inline double linear_lanes_sum(const double l[8])
{
	return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
}

/* A column of the table as inputs: one standardised number, or a one for the
 * category that a row has. */
struct linear_column {
	const struct column *c;
	size_t at, nr;	      /* inputs */
	double mean, inverse; /* numeric: of rows that are not missing */
};

/* What a member of the team works in: one allocation, columns begin on cache lines. */
struct linear_space {
	void *raw;
	double *z;     /* [inputs + 1][stride]: a block's inputs, for Newton */
	double *s, *r; /* [outputs][LINEAR_BLOCK] */
	double *q;     /* [LINEAR_BLOCK], as the next three */
	double *loss, *y, *x;
	double *lanes;	   /* [most categories][8], all zero between uses */
	uint32_t *touched; /* [LINEAR_BLOCK]: categories of a block */
	double max_margin;
};

struct linear {
	const struct table *t;
	const struct train_params *p;
	const struct train_control *c;
	const struct comm *comm; /* NULL: alone */
	struct team *team;
	const struct linear_kernels *k;
	struct objective_state *o;
	enum objective objective; /* what is fitted: binary for each class of ova */

	struct linear_column *cols; /* as many as the table's */
	size_t inputs;		    /* the bias stands behind them */
	size_t stride;		    /* of columns in z */
	size_t ld;	  /* of rows in a Hessian: inputs + 1, to a multiple of 8 */
	unsigned outputs; /* fitted at once */
	int one_class;	  /* ova: the class that is 1; else -1 */
	const double *w;  /* weights in force, or NULL */
	double w_all;

	struct linear_space *space;
	unsigned spaces;
	size_t held, held_most; /* bytes */

	/* outputs * (inputs + 1): where the fit stands */
	double *beta;
	unsigned passes, passes_max;
	bool stopped; /* by on_round */
	double max_margin;
};

/* A pass over all rows: fn fills a block's slot of slot_nr doubles, slots are added
 * into total in order of blocks, over all shards. With inner, fn itself uses the
 * team and blocks come one by one. */
typedef void (*linear_block_fn)(struct linear *l, size_t block, unsigned member,
				double *slot, const void *arg);
int linear_sum(struct linear *l, size_t slot_nr, linear_block_fn fn, const void *arg,
	       bool inner, double *total, struct err *e) MUST_CHECK;

/* Rows of a block of this shard. */
static inline size_t linear_block_rows(const struct linear *l, size_t block)
{
	size_t from = block * LINEAR_BLOCK;

	return MIN_OF(l->t->rows - from, (size_t)LINEAR_BLOCK);
}

/* Loss, gradient and Hessian at beta, without penalties, sums over rows. The
 * gradient is outputs * (inputs + 1) long; the Hessian is for one output, inputs + 1
 * rows of ld, both triangles. */
int linear_gradient(struct linear *l, const double *beta, double *loss, double *gradient,
		    struct err *e) MUST_CHECK;
int linear_hessian(struct linear *l, const double *beta, double *loss, double *gradient,
		   double *hessian, struct err *e) MUST_CHECK;
int linear_spaces(struct linear *l, bool newton, struct err *e) MUST_CHECK;
void linear_spaces_free(struct linear *l);

/* From l->beta on, to where the gradient vanishes. */
int linear_newton(struct linear *l, struct err *e) MUST_CHECK;
int linear_lbfgs(struct linear *l, struct err *e) MUST_CHECK;
/* Another pass is done; false: stop. */
bool linear_passed(struct linear *l, double loss);

/* Loss with penalties, and the norm of its gradient, or of the least subgradient
 * where there is an L1 penalty, divided by the sum of weights. */
double linear_penalty(const struct linear *l, const double *beta);
void linear_slope(const struct linear *l, const double *beta, const double *gradient,
		  double *out);
double linear_norm(const struct linear *l, const double *slope);

/* Solves a x = b, b in x, for symmetric a of n rows of ld, whose lower triangle is
 * overwritten; unknowns that depend on earlier ones get 0. */
void linear_solve(const struct linear_kernels *k, double *a, double *x, size_t n,
		  size_t ld);
/* v toward zero by so much, not across. */
static inline double linear_soft(double v, double by)
{
	return v > by ? v - by : v < -by ? v + by : 0;
}

#endif
