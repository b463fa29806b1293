/*
 * Between the objective's files; nothing else includes it, but params.c for the
 * check of labels and the linear models, which share rows, weights and what to
 * begin with.
 *
 * A kernel computes gradients of n rows of one output that lie one behind the
 * other. Its vector twins give the same bits: per lane the same operations in the
 * same order, and maxima, which have no order.
 */
#ifndef TRAIN_CORE_OBJECTIVE_IMPL_H
#define TRAIN_CORE_OBJECTIVE_IMPL_H

#include "store/base/compiler.h"
#include "train/core/objective.h"
#include "train/core/params.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct comm;
struct err;
struct table;

/* Beyond it binary32 gradients could not hold the residuals. */
#define OBJECTIVE_LABEL_MAX  1e30
#define OBJECTIVE_WEIGHT_MAX 1e15

struct kernel_arg {
	const double *s, *y, *w; /* margins, labels, weights or NULL */
	size_t n;
	double arg;  /* tweedie's power, and so on */
	double arg2; /* poisson: exp(max_delta) */
	float *g, *h;
	double *max; /* [2], in and out */
};
typedef void (*kernel_fn)(const struct kernel_arg *a);

struct kernels {
	kernel_fn of[OBJ_NR]; /* NULL: the scalar one */
};
extern const struct kernels objective_kernels_scalar;
#if defined(__x86_64__)
extern const struct kernels objective_kernels_sse2;
extern const struct kernels objective_kernels_avx2;
extern const struct kernels objective_kernels_avx512;
#endif

struct objective_state {
	enum objective objective;
	struct train_params p;
	const struct table *t;
	const struct comm *comm; /* NULL: alone */
	kernel_fn kernel;	 /* by rows of one output, or NULL */
	unsigned outputs;
	const double *w; /* the weights in force, or NULL: t's or own_w */
	double *own_w;
	uint64_t rows;	   /* over all shards */
	double weight_max; /* over all shards, 1 without weights */
	int weight_shift;  /* order statistics weigh a row round(w * 2^shift) */
	double arg, arg2;  /* of the kernel */

	/* softmax: what output 0 leaves of each row for the others */
	double *norm; /* [rows][2]: largest margin, sum of exp(margin - largest) */

	/* lambdarank */
	struct rank *rank;
};

/* Number of margins a row has, and every label fit for the objective, or
 * ERR_INVALID with the row. */
int objective_check_labels(const struct train_params *p, const struct table *t,
			   unsigned *outputs, struct err *e) MUST_CHECK;

/* comm or alone: in place. */
int objective_sum(const struct objective_state *o, uint64_t *v, size_t nr,
		  struct err *e) MUST_CHECK;
int objective_max(const struct objective_state *o, double *v, size_t nr,
		  struct err *e) MUST_CHECK;

/* A sum of doubles as a sum of integers: every term is rounded to a multiple of
 * 2^-shift, so that nr terms of at most max sum to less than 2^62. */
int fixed_shift(double max, uint64_t nr);
static inline int64_t fixed_term(double v, double scale /* 2^shift */)
{
	return (int64_t)rint(v * scale);
}

/* The weighted quantile of v over all shards; see objective_renew.c. */
struct order_item {
	double v;
	uint64_t w;
};
int objective_quantile(const struct objective_state *o, struct order_item *v, size_t nr,
		       double alpha, double *out, struct err *e) MUST_CHECK;
uint64_t objective_row_weight(const struct objective_state *o, size_t row);

int rank_new(struct rank **out, const struct table *t, unsigned truncation,
	     struct err *e) MUST_CHECK;
void rank_free(struct rank *r);
void rank_gradients(struct objective_state *o, const double *score, size_t from,
		    size_t to, float *g, float *h, double max[2]);
size_t rank_cut(const struct rank *r, size_t row);

/* To binary32, kept finite. */
static inline float to_f32(double v)
{
	v = v < (double)FLT_MAX ? v : (double)FLT_MAX;
	v = v > -(double)FLT_MAX ? v : -(double)FLT_MAX;
	return (float)v;
}

#endif
