#include "train/core/objective.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/fp.h"
#include "train/core/objective_impl.h"
#include "train/core/table.h"

#include <math.h>
#include <stdlib.h>

/* Rows that are gathered before a kernel runs over them. */
#define GATHER_ROWS 512

int objective_sum(const struct objective_state *o, uint64_t *v, size_t nr, struct err *e)
{
	return o->comm ? o->comm->sum_u64(o->comm->ctx, v, nr, e) : 0;
}

int objective_max(const struct objective_state *o, double *v, size_t nr, struct err *e)
{
	return o->comm ? o->comm->max_f64(o->comm->ctx, v, nr, e) : 0;
}

static int log2_up(uint64_t nr)
{
	int bits = 0;

	while (bits < 63 && (uint64_t)1 << bits < nr)
		bits++;
	return bits;
}

int fixed_shift(double max, uint64_t nr)
{
	int exponent = 0;

	(void)frexp(max, &exponent); /* max < 2^exponent */
	/* One bit less than the sum may have: rounding can make nr terms larger. */
	return MIN_OF(61 - exponent - log2_up(nr), 1000);
}

/* ---- making one -------------------------------------------------------------- */

static double class_factor(const struct train_params *p, double y)
{
	double f = p->class_weights_nr > 0 ? p->class_weights[(size_t)y] : 1;

	return p->objective == OBJ_BINARY && y == 1 ? f * p->scale_pos_weight : f;
}

/* Weights in force: the table's, times those of the classes. */
static int make_weights(struct objective_state *o, struct err *e)
{
	const struct train_params *p = &o->p;
	const struct table *t = o->t;
	bool by_class = p->class_weights_nr > 0 ||
			(p->objective == OBJ_BINARY && p->scale_pos_weight != 1);
	void *v;
	int r;

	o->w = t->weight;
	if (by_class) {
		if ((r = try_alloc(&v, t->rows, sizeof(double), "weights", e)) < 0)
			return r;
		o->w = o->own_w = v;
		for (size_t i = 0; i < t->rows; i++)
			o->own_w[i] = class_factor(p, t->label[i]) *
				      (t->weight ? t->weight[i] : 1);
	}
	o->weight_max = o->w ? 0 : 1;
	for (size_t i = 0; o->w && i < t->rows; i++)
		o->weight_max = MAX_OF(o->weight_max, o->w[i]);
	return 0;
}

static void set_args(struct objective_state *o)
{
	const struct train_params *p = &o->p;

	switch (p->objective) {
	case OBJ_HUBER:
		o->arg = p->huber_delta;
		break;
	case OBJ_QUANTILE:
		o->arg = p->quantile_alpha;
		break;
	case OBJ_FAIR:
		o->arg = p->fair_c;
		break;
	case OBJ_TWEEDIE:
		o->arg = p->tweedie_power;
		break;
	case OBJ_POISSON:
		o->arg2 = fp_exp(p->poisson_max_delta);
		break;
	default:
		break;
	}
}

static void set_kernel(struct objective_state *o, enum simd simd)
{
	enum objective of = o->objective == OBJ_OVA ? OBJ_BINARY : o->objective;
	const struct kernels *k = &objective_kernels_scalar;

	if (simd == SIMD_BEST || !simd_has(simd))
		simd = simd_best();
#if defined(__x86_64__)
	if (simd == SIMD_SSE2)
		k = &objective_kernels_sse2;
	else if (simd == SIMD_AVX2)
		k = &objective_kernels_avx2;
	else if (simd == SIMD_AVX512)
		k = &objective_kernels_avx512;
#endif
	o->kernel = k->of[of] ? k->of[of] : objective_kernels_scalar.of[of];
}

/* What all shards must agree on. */
static int agree(struct objective_state *o, struct err *e)
{
	uint64_t rows = o->t->rows;
	double max[2] = {o->weight_max, (double)o->outputs};
	int r;

	if ((r = objective_sum(o, &rows, 1, e)) < 0 ||
	    (r = objective_max(o, max, 2, e)) < 0)
		return r;
	if (rows == 0)
		return err_set(e, ERR_INVALID, "the table has no rows to learn from");
	o->rows = rows;
	o->weight_max = max[0];
	o->outputs = (unsigned)max[1];
	/* Sums of weights below 2^53, so that they are exact as binary64. */
	o->weight_shift = o->w ? fixed_shift(o->weight_max, rows) - 9 : 0;
	if ((o->objective == OBJ_SOFTMAX || o->objective == OBJ_OVA) && o->outputs < 2)
		return err_set(e, ERR_INVALID,
			       "objective %s needs at least two classes, '%s' has one",
			       objective_name(o->objective),
			       o->t->label_name ? o->t->label_name : "label");
	return 0;
}

int objective_new(struct objective_state **out, const struct train_params *p,
		  const struct table *t, const struct comm *comm, enum simd simd,
		  struct err *e)
{
	struct objective_state *o = xcalloc(1, sizeof(*o));
	void *v;
	int r;

	o->p = *p;
	o->objective = p->objective;
	o->t = t;
	o->comm = comm;
	set_args(o);
	set_kernel(o, simd);
	if ((r = objective_check_labels(p, t, &o->outputs, e)) < 0 ||
	    (r = make_weights(o, e)) < 0 || (r = agree(o, e)) < 0)
		goto out;
	if (o->objective == OBJ_SOFTMAX) {
		if ((r = try_alloc(&v, t->rows, 2 * sizeof(double), "norms", e)) < 0)
			goto out;
		o->norm = v;
	}
	if (o->objective == OBJ_LAMBDARANK &&
	    (r = rank_new(&o->rank, t, p->rank_truncation, e)) < 0)
		goto out;
	*out = o;
	o = NULL;
out:
	objective_free(o);
	return r;
}

void objective_free(struct objective_state *o)
{
	if (!o)
		return;
	rank_free(o->rank);
	free(o->norm);
	free(o->own_w);
	free(o);
}

unsigned objective_outputs(const struct objective_state *o)
{
	return o->outputs;
}

bool objective_constant_hessian(const struct objective_state *o)
{
	switch (o->objective) {
	case OBJ_L2:
	case OBJ_L1:
	case OBJ_HUBER:
	case OBJ_QUANTILE:
	case OBJ_MAPE:
		return !o->w;
	default:
		return false;
	}
}

bool objective_renews(const struct objective_state *o)
{
	return o->objective == OBJ_L1 || o->objective == OBJ_HUBER ||
	       o->objective == OBJ_QUANTILE || o->objective == OBJ_MAPE;
}

bool objective_linked(const struct objective_state *o)
{
	switch (o->objective) {
	case OBJ_L2:
	case OBJ_L1:
	case OBJ_HUBER:
	case OBJ_QUANTILE:
	case OBJ_FAIR:
	case OBJ_MAPE:
		return false;
	default:
		return true;
	}
}

bool objective_ranked(const struct objective_state *o)
{
	return o->rank != NULL;
}

size_t objective_cut(const struct objective_state *o, size_t row)
{
	return o->rank ? rank_cut(o->rank, row) : row;
}

/* ---- gradients --------------------------------------------------------------- */

/* Rows whose margins or labels do not lie one behind the other, or that one class
 * of several is asked of. */
static void gathered(const struct objective_state *o, unsigned k, const double *score,
		     size_t from, size_t to, const struct kernel_arg *whole)
{
	double s[GATHER_ROWS], y[GATHER_ROWS];

	for (size_t at = from; at < to; at += GATHER_ROWS) {
		struct kernel_arg a = *whole;

		a.s = s;
		a.y = y;
		a.n = MIN_OF(to - at, (size_t)GATHER_ROWS);
		a.g += at - from;
		a.h += at - from;
		if (a.w)
			a.w += at - from;
		for (size_t i = 0; i < a.n; i++) {
			s[i] = score[(at + i) * o->outputs + k];
			y[i] = o->t->label[at + i] == (double)k ? 1 : 0;
		}
		o->kernel(&a);
	}
}

static void softmax_norm(const double *s, unsigned nr, double norm[2])
{
	double top = s[0], sum = 0;

	for (unsigned j = 1; j < nr; j++)
		top = s[j] > top ? s[j] : top;
	for (unsigned j = 0; j < nr; j++)
		sum += fp_exp(s[j] - top);
	norm[0] = top;
	norm[1] = sum;
}

/*
 * A round's K trees share the margins that the round began with. Output 0 leaves the
 * largest margin and the sum of each row behind; output k then needs its own margin
 * only, which no tree of this round before its own has moved. So a row costs 2K
 * exponentials a round, not K^2.
 */
static void softmax(struct objective_state *o, unsigned k, const double *score,
		    size_t from, size_t to, float *g, float *h, double max[2])
{
	double factor = (double)o->outputs / (o->outputs - 1.0);

	for (size_t i = from; i < to; i++) {
		const double *s = score + i * o->outputs;
		double *norm = o->norm + 2 * i, w = o->w ? o->w[i] : 1, p;
		double abs_g;

		if (k == 0)
			softmax_norm(s, o->outputs, norm);
		p = fp_exp(s[k] - norm[0]) / norm[1];
		g[i] = to_f32((p - (o->t->label[i] == (double)k ? 1 : 0)) * w);
		h[i] = to_f32(factor * p * (1 - p) * w);
		abs_g = (double)fabsf(g[i]);
		max[0] = abs_g > max[0] ? abs_g : max[0];
		max[1] = (double)h[i] > max[1] ? (double)h[i] : max[1];
	}
}

void objective_gradients(struct objective_state *o, unsigned k, const double *score,
			 size_t from, size_t to, float *g, float *h, double max[2])
{
	struct kernel_arg a = {
		.s = score + from,
		.y = o->t->label + from,
		.w = o->w ? o->w + from : NULL,
		.n = to - from,
		.arg = o->arg,
		.arg2 = o->arg2,
		.g = g + from,
		.h = h + from,
		.max = max,
	};

	max[0] = max[1] = 0;
	if (o->rank)
		rank_gradients(o, score, from, to, g, h, max);
	else if (o->objective == OBJ_SOFTMAX)
		softmax(o, k, score, from, to, g, h, max);
	else if (o->objective == OBJ_OVA)
		gathered(o, k, score, from, to, &a);
	else
		o->kernel(&a);
}

/* ---- after the link ---------------------------------------------------------- */

static void softmax_response(double *v, unsigned outputs)
{
	double norm[2];

	softmax_norm(v, outputs, norm);
	for (unsigned j = 0; j < outputs; j++)
		v[j] = fp_exp(v[j] - norm[0]) / norm[1];
}

void objective_response(enum objective obj, unsigned outputs, double *v, size_t rows)
{
	switch (obj) {
	case OBJ_BINARY:
	case OBJ_OVA:
		for (size_t i = 0; i < rows * outputs; i++)
			v[i] = fp_sigmoid(v[i]);
		break;
	case OBJ_POISSON:
	case OBJ_GAMMA:
	case OBJ_TWEEDIE:
		for (size_t i = 0; i < rows * outputs; i++)
			v[i] = fp_exp(v[i]);
		break;
	case OBJ_SOFTMAX:
		for (size_t i = 0; i < rows; i++)
			softmax_response(v + i * outputs, outputs);
		break;
	default:
		break;
	}
}
