/*
 * Objectives: gradients against finite differences of the loss as it is written in
 * books, vector twins against the scalar kernel bit for bit, initial margins and
 * renewals against sorting.
 */
#include "store/base/err.h"
#include "train/core/fp.h"
#include "train/core/objective.h"
#include "train/core/rng.h"
#include "train/core/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS	600
#define CLASSES 4

static double draw(uint64_t i)
{
	return rng_u0(rng_hash(11, RNG_SPLIT, 0, i));
}

struct data {
	struct table t;
	struct train_params p;
	double label[ROWS], weight[ROWS], score[ROWS * CLASSES], class_weights[CLASSES];
	uint32_t group[ROWS];
	float g[ROWS], h[ROWS];
};

/* Labels that the objective takes, margins in its usual range. */
static struct data *data_new(enum objective o, size_t rows, bool weighted)
{
	struct data *d = calloc(1, sizeof(*d));

	train_params_init(&d->p);
	d->p.objective = o;
	for (size_t i = 0; i < rows; i++) {
		double u = draw(i), y = 4 * u - 2;

		if (o == OBJ_BINARY)
			y = u < 0.4;
		else if (o == OBJ_SOFTMAX || o == OBJ_OVA)
			y = floor(u * CLASSES);
		else if (o == OBJ_LAMBDARANK)
			y = floor(u * 5);
		else if (o == OBJ_POISSON || o == OBJ_TWEEDIE)
			y = floor(u * 6);
		else if (o == OBJ_GAMMA)
			y = 0.1 + 5 * u;
		d->label[i] = y;
		d->weight[i] = 0.1 + 3 * draw(i + 7777);
		d->group[i] = (uint32_t)(i / 23);
	}
	for (size_t i = 0; i < rows * CLASSES; i++)
		d->score[i] = 3 * draw(i + 100000) - 1.5;
	d->t.rows = rows;
	d->t.label = d->label;
	d->t.weight = weighted ? d->weight : NULL;
	d->t.group = o == OBJ_LAMBDARANK ? d->group : NULL;
	return d;
}

static struct objective_state *make(struct data *d, enum simd simd)
{
	struct objective_state *o = NULL;
	struct err e = {0};

	if (objective_new(&o, &d->p, &d->t, NULL, simd, &e) < 0)
		fail_msg("%s: %s", objective_name(d->p.objective), e.text);
	return o;
}

/* The loss of one row, from the C library's functions. */
static double loss(const struct train_params *p, const double *s, unsigned outputs,
		   double y)
{
	double d = s[0] - y, r = p->tweedie_power, sum = 0;

	switch (p->objective) {
	case OBJ_L2:
		return d * d / 2;
	case OBJ_L1:
		return fabs(d);
	case OBJ_HUBER:
		return fabs(d) <= p->huber_delta
			       ? d * d / 2
			       : p->huber_delta * (fabs(d) - p->huber_delta / 2);
	case OBJ_QUANTILE:
		return d >= 0 ? (1 - p->quantile_alpha) * d : -p->quantile_alpha * d;
	case OBJ_FAIR:
		return p->fair_c * p->fair_c *
		       (fabs(d) / p->fair_c - log(1 + fabs(d) / p->fair_c));
	case OBJ_MAPE:
		return fabs(d) / fmax(1, fabs(y));
	case OBJ_POISSON:
		return exp(s[0]) - y * s[0];
	case OBJ_GAMMA:
		return s[0] + y * exp(-s[0]);
	case OBJ_TWEEDIE:
		return -y * exp((1 - r) * s[0]) / (1 - r) + exp((2 - r) * s[0]) / (2 - r);
	case OBJ_BINARY:
		return log1p(exp(s[0])) - y * s[0];
	case OBJ_SOFTMAX:
		for (unsigned k = 0; k < outputs; k++)
			sum += exp(s[k]);
		return log(sum) - s[(size_t)y];
	case OBJ_OVA:
		for (unsigned k = 0; k < outputs; k++)
			sum += log1p(exp(s[k])) - (y == (double)k ? s[k] : 0);
		return sum;
	default:
		return 0;
	}
}

/* Newton's h is the second derivative for these; for the others a bound or 1. */
static double curvature_factor(const struct train_params *p)
{
	switch (p->objective) {
	case OBJ_POISSON:
		return exp(p->poisson_max_delta);
	case OBJ_SOFTMAX:
		return CLASSES / (CLASSES - 1.0);
	case OBJ_GAMMA:
	case OBJ_TWEEDIE:
	case OBJ_BINARY:
	case OBJ_OVA:
	case OBJ_L2:
	case OBJ_FAIR:
		return 1;
	default:
		return 0;
	}
}

static void check_row(struct data *d, size_t row, unsigned k, unsigned outputs)
{
	const double step = 1e-4;
	double *s = d->score + row * outputs, at = s[k], y = d->label[row];
	double w = d->t.weight ? d->weight[row] : 1, up, down, mid, g, h, factor;

	if (d->t.weight && d->p.class_weights_nr > 0)
		w *= d->class_weights[(size_t)y];
	mid = loss(&d->p, s, outputs, y);
	s[k] = at + step;
	up = loss(&d->p, s, outputs, y);
	s[k] = at - step;
	down = loss(&d->p, s, outputs, y);
	s[k] = at;
	g = w * (up - down) / (2 * step);
	h = w * (up - 2 * mid + down) / (step * step);
	factor = curvature_factor(&d->p);
	/* Kinks lie within a step of a few rows. */
	if (factor == 0 && fabs(at - y) < 2 * step)
		return;
	if (d->p.objective == OBJ_HUBER && fabs(fabs(at - y) - 1) < 2 * step)
		return;
	if (fabs((double)d->g[row] - g) > 1e-5 * (1 + fabs(g)))
		fail_msg("%s row %zu output %u: g %.9g, not %.9g",
			 objective_name(d->p.objective), row, k, (double)d->g[row], g);
	if (factor == 0) {
		assert_true((double)d->h[row] == (double)(float)w);
		return;
	}
	/* Fair's h is of the reweighted squares' kind: not below, same at 0. */
	if (fabs((double)d->h[row] - h * factor) > 2e-4 * (1 + fabs(h)))
		fail_msg("%s row %zu output %u: h %.9g, not %.9g",
			 objective_name(d->p.objective), row, k, (double)d->h[row],
			 h * factor);
}

static void check_gradients(enum objective which, bool weighted)
{
	struct data *d = data_new(which, ROWS, weighted);
	struct objective_state *o = make(d, SIMD_BEST);
	unsigned outputs = objective_outputs(o);

	assert_int_equal(outputs, which == OBJ_SOFTMAX || which == OBJ_OVA ? CLASSES : 1);
	for (unsigned k = 0; k < outputs; k++) {
		double max[2], want[2] = {0, 0};

		objective_gradients(o, k, d->score, 0, ROWS, d->g, d->h, max);
		for (size_t i = 0; i < ROWS; i++) {
			check_row(d, i, k, outputs);
			want[0] = fmax(want[0], (double)fabsf(d->g[i]));
			want[1] = fmax(want[1], (double)d->h[i]);
		}
		assert_true(max[0] == want[0] && max[1] == want[1]);
	}
	objective_free(o);
	free(d);
}

static void gradients_are_the_slopes_of_the_loss(void **state)
{
	(void)state;
	for (unsigned which = 0; which < OBJ_NR; which++) {
		if (which == OBJ_LAMBDARANK)
			continue;
		check_gradients((enum objective)which, false);
		check_gradients((enum objective)which, true);
	}
}

static void the_vector_twins_give_the_scalar_bits(void **state)
{
	static const double odd[] = {0,	   -0.0,  1e-320, -1e-320, 709, 710,
				     -708, -709,  1e9,	  -1e30,   40,	-40,
				     0.5,  1e300, 88,	  -1e300};

	(void)state;
	for (unsigned which = 0; which < OBJ_NR; which++) {
		for (unsigned level = SIMD_SSE2; level <= SIMD_AVX512; level++) {
			for (size_t begin = 0; begin < 40; begin++) {
				struct data *d =
					data_new((enum objective)which, ROWS, begin % 2);
				struct objective_state *o = make(d, SIMD_SCALAR), *v;
				unsigned outputs = objective_outputs(o);
				float g[ROWS], h[ROWS];
				double max[2], max_v[2];
				size_t from, to = begin + begin * 37 % 97;

				if (!simd_has((enum simd)level)) {
					objective_free(o);
					free(d);
					continue;
				}
				for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
					d->score[i * 3] = odd[i];
				from = objective_cut(o, begin);
				to = objective_cut(o, to);
				v = make(d, (enum simd)level);
				for (unsigned k = 0; k < outputs; k++) {
					memset(g, 0, sizeof(g));
					memset(h, 0, sizeof(h));
					memset(d->g, 0, sizeof(g));
					memset(d->h, 0, sizeof(h));
					objective_gradients(o, k, d->score, from, to, g,
							    h, max);
					objective_gradients(v, k, d->score, from, to,
							    d->g, d->h, max_v);
					assert_memory_equal(g, d->g, sizeof(g));
					assert_memory_equal(h, d->h, sizeof(h));
					assert_memory_equal(max, max_v, sizeof(max));
					for (size_t i = from; i < to; i++)
						assert_true(isfinite(g[i]) &&
							    isfinite(h[i]));
				}
				objective_free(o);
				objective_free(v);
				free(d);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
		cmocka_unit_test(the_vector_twins_give_the_scalar_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
