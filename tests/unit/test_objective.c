/*
 * Objectives: gradients against finite differences of the loss as it is written in
 * books, vector twins against the scalar kernel bit for bit, initial margins and
 * renewals against sorting.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/fp.h"
#include "train/core/objective.h"
#include "train/core/rng.h"
#include "train/core/table.h"

#include <math.h>
#include <pthread.h>
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

/* ---- ranking ----------------------------------------------------------------- */

struct pull {
	double g, h;
};

/* All pairs, each weighed by what swapping them would do to NDCG@truncation. */
static void slow_lambdarank(const struct data *d, size_t from, size_t to,
			    struct pull *out)
{
	size_t nr = to - from, rank[64];
	double best = 0, pulls = 0, sorted[64], low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < nr; i++) {
		size_t above = 0, better = 0;

		out[i] = (struct pull){0, 0};
		for (size_t k = 0; k < nr; k++) {
			double si = d->score[from + i], sk = d->score[from + k];

			above += sk > si || (sk == si && k < i);
			better += d->label[from + k] > d->label[from + i] ||
				  (d->label[from + k] == d->label[from + i] && k < i);
		}
		rank[i] = above;
		sorted[better] = d->label[from + i];
		low = fmin(low, d->score[from + i]);
		high = fmax(high, d->score[from + i]);
	}
	for (size_t i = 0; i < nr && i < d->p.rank_truncation; i++)
		best += (pow(2, sorted[i]) - 1) / log2((double)i + 2);
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < nr; k++) {
			double yi = d->label[from + i], yk = d->label[from + k], change,
			       p;
			double apart = d->score[from + i] - d->score[from + k];

			if (yi <= yk || best == 0 ||
			    (rank[i] >= d->p.rank_truncation &&
			     rank[k] >= d->p.rank_truncation))
				continue;
			change = (pow(2, yi) - pow(2, yk)) *
				 fabs(1 / log2((double)rank[i] + 2) -
				      1 / log2((double)rank[k] + 2)) /
				 best;
			if (low != high)
				change /= 0.01 + fabs(apart);
			p = 1 / (1 + exp(apart));
			out[i].g -= p * change;
			out[k].g += p * change;
			out[i].h += p * (1 - p) * change;
			out[k].h += p * (1 - p) * change;
			pulls += 2 * p * change;
		}
	for (size_t i = 0; i < nr && pulls > 0; i++) {
		out[i].g *= log2(1 + pulls) / pulls;
		out[i].h *= log2(1 + pulls) / pulls;
	}
}

static void lambdarank_pulls_pairs_by_what_a_swap_would_change(void **state)
{
	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		struct data *d = data_new(OBJ_LAMBDARANK, ROWS, variant & 1);
		struct objective_state *o;
		struct pull want[64];
		double max[2];

		d->p.rank_truncation = variant & 2 ? 4 : 30;
		for (size_t i = 0; i < ROWS; i++)
			d->score[i] = floor(8 * d->score[i]) / 8; /* some are equal */
		for (size_t i = 23; i < 46; i++)
			d->score[i] = 0.25; /* a query of equal margins */
		for (size_t i = 46; i < 69; i++)
			d->label[i] = 0; /* one with nothing to find */
		o = make(d, SIMD_BEST);
		assert_true(objective_ranked(o));
		objective_gradients(o, 0, d->score, 0, ROWS, d->g, d->h, max);
		for (size_t from = 0; from < ROWS; from += 23) {
			size_t to = MIN_OF(from + 23, (size_t)ROWS);

			slow_lambdarank(d, from, to, want);
			for (size_t i = from; i < to; i++) {
				double w = d->t.weight ? d->weight[i] : 1;

				assert_true(fabs((double)d->g[i] - w * want[i - from].g) <
					    1e-6);
				assert_true(fabs((double)d->h[i] - w * want[i - from].h) <
					    1e-6);
			}
		}
		objective_free(o);
		free(d);
	}
}

static void ranges_are_cut_between_queries(void **state)
{
	struct data *d = data_new(OBJ_LAMBDARANK, ROWS, false);
	struct objective_state *o = make(d, SIMD_BEST);
	float g[ROWS], h[ROWS];
	double max[2], part[2], top[2] = {0, 0};

	(void)state;
	assert_int_equal(objective_cut(o, 0), 0);
	assert_int_equal(objective_cut(o, 1), 23);
	assert_int_equal(objective_cut(o, 23), 23);
	assert_int_equal(objective_cut(o, 599), ROWS);
	assert_int_equal(objective_cut(o, ROWS), ROWS);
	objective_gradients(o, 0, d->score, 0, ROWS, d->g, d->h, max);
	for (size_t at = 0; at < ROWS;) {
		size_t to = objective_cut(o, at + 40);

		objective_gradients(o, 0, d->score, at, to, g, h, part);
		top[0] = fmax(top[0], part[0]);
		top[1] = fmax(top[1], part[1]);
		at = to;
	}
	assert_memory_equal(g, d->g, sizeof(g));
	assert_memory_equal(h, d->h, sizeof(h));
	assert_true(top[0] == max[0] && top[1] == max[1]);
	objective_free(o);
	free(d);
}

/* ---- margins to begin with --------------------------------------------------- */

static double init_of(struct data *d, unsigned k)
{
	struct objective_state *o = make(d, SIMD_BEST);
	double margin[CLASSES];
	struct err e = {0};

	if (objective_init(o, margin, &e) < 0)
		fail_msg("%s", e.text);
	objective_free(o);
	return margin[k];
}

static int up(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The middle of all minimisers of the pinball loss, by trying each value. */
static double slow_quantile(const double *v, const double *w, size_t nr, double alpha)
{
	long double sums[ROWS], best = INFINITY;
	double low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < nr; i++) {
		sums[i] = 0;
		for (size_t k = 0; k < nr; k++) {
			long double d = (long double)v[k] - (long double)v[i];

			sums[i] += (long double)w[k] *
				   (d > 0 ? (long double)alpha * d
					  : ((long double)alpha - 1) * d);
		}
		best = sums[i] < best ? sums[i] : best;
	}
	for (size_t i = 0; i < nr; i++)
		if (sums[i] <= best * (1 + 1e-14L)) {
			low = fmin(low, v[i]);
			high = fmax(high, v[i]);
		}
	return (low + high) / 2;
}

static void check_init(enum objective which, bool weighted)
{
	struct data *d = data_new(which, ROWS, weighted);
	double sum = 0, all = 0, of[CLASSES] = {0}, w[ROWS], got = init_of(d, 0);

	for (size_t i = 0; i < ROWS; i++) {
		w[i] = weighted ? d->weight[i] : 1;
		sum += w[i] * d->label[i];
		all += w[i];
		if (which == OBJ_SOFTMAX || which == OBJ_OVA)
			of[(size_t)d->label[i]] += w[i];
	}
	switch (which) {
	case OBJ_L2:
		assert_true(fabs(got - sum / all) < 1e-12);
		break;
	case OBJ_POISSON:
	case OBJ_GAMMA:
	case OBJ_TWEEDIE:
		assert_true(fabs(got - log(sum / all)) < 1e-12);
		break;
	case OBJ_BINARY:
		assert_true(fabs(got - log(sum / (all - sum))) < 1e-12);
		break;
	case OBJ_SOFTMAX:
		for (unsigned k = 0; k < CLASSES; k++)
			assert_true(fabs(init_of(d, k) - log(of[k] / all)) < 1e-12);
		break;
	case OBJ_OVA:
		for (unsigned k = 0; k < CLASSES; k++)
			assert_true(fabs(init_of(d, k) - log(of[k] / (all - of[k]))) <
				    1e-12);
		break;
	case OBJ_LAMBDARANK:
		assert_true(got == 0);
		break;
	case OBJ_MAPE:
		for (size_t i = 0; i < ROWS; i++)
			w[i] /= fmax(1, fabs(d->label[i]));
		/* fall through */
	default:
		assert_true(fabs(got - slow_quantile(d->label, w, ROWS, 0.5)) < 1e-12);
	}
	free(d);
}

static void margins_begin_where_a_constant_fits_best(void **state)
{
	(void)state;
	for (unsigned which = 0; which < OBJ_NR; which++) {
		check_init((enum objective)which, false);
		check_init((enum objective)which, true);
	}
}

static void medians_and_quantiles_are_those_of_sorting(void **state)
{
	double sorted[ROWS], w[ROWS];

	(void)state;
	for (size_t nr = 1; nr < 40; nr++) {
		struct data *d = data_new(OBJ_L1, nr, false);

		memcpy(sorted, d->label, nr * sizeof(double));
		qsort(sorted, nr, sizeof(double), up);
		assert_true(init_of(d, 0) ==
			    sorted[(nr - 1) / 2] +
				    (sorted[nr / 2] - sorted[(nr - 1) / 2]) / 2);
		free(d);
	}
	for (unsigned a = 1; a < 20; a++) {
		struct data *d = data_new(OBJ_QUANTILE, ROWS, a % 2);

		d->p.quantile_alpha = a / 20.0;
		for (size_t i = 0; i < ROWS; i++) {
			w[i] = a % 2 ? d->weight[i] : 1;
			if (a % 3 == 0)
				d->label[i] = floor(d->label[i] * 4) / 4;
		}
		assert_true(fabs(init_of(d, 0) -
				 slow_quantile(d->label, w, ROWS, a / 20.0)) < 1e-12);
		free(d);
	}
}

static void weights_of_classes_move_the_beginning(void **state)
{
	struct data *d = data_new(OBJ_BINARY, ROWS, true);
	double positive = 0, negative = 0;

	(void)state;
	d->p.scale_pos_weight = 3;
	d->class_weights[0] = 0.5;
	d->class_weights[1] = 2;
	d->p.class_weights = d->class_weights;
	d->p.class_weights_nr = 2;
	for (size_t i = 0; i < ROWS; i++)
		if (d->label[i] == 1)
			positive += d->weight[i] * 2 * 3;
		else
			negative += d->weight[i] * 0.5;
	assert_true(fabs(init_of(d, 0) - log(positive / negative)) < 1e-12);
	free(d);
}

/* ---- renewal ----------------------------------------------------------------- */

static double renewed(struct data *d, const uint32_t *rows, size_t nr)
{
	struct objective_state *o = make(d, SIMD_BEST);
	struct err e = {0};
	double value = NAN;

	assert_true(objective_renews(o));
	if (objective_renew(o, d->score, rows, nr, &value, &e) < 0)
		fail_msg("%s", e.text);
	objective_free(o);
	return value;
}

static void leaves_are_renewed_by_the_order_of_residuals(void **state)
{
	static const enum objective all[] = {OBJ_L1, OBJ_HUBER, OBJ_QUANTILE, OBJ_MAPE};

	(void)state;
	for (size_t which = 0; which < ARRAY_SIZE(all); which++)
		for (size_t nr = 1; nr < 300; nr += 1 + nr / 4) {
			struct data *d = data_new(all[which], ROWS, nr % 2);
			uint32_t rows[ROWS];
			double v[ROWS], w[ROWS], want, sum = 0, mass = 0;

			d->p.quantile_alpha = 0.7;
			d->p.huber_delta = 0.6;
			for (size_t i = 0; i < nr; i++) {
				rows[i] = (uint32_t)(i * 2);
				v[i] = d->label[i * 2] - d->score[i * 2];
				w[i] = nr % 2 ? d->weight[i * 2] : 1;
				if (all[which] == OBJ_MAPE)
					w[i] /= fmax(1, fabs(d->label[i * 2]));
			}
			want = slow_quantile(v, w, nr,
					     all[which] == OBJ_QUANTILE ? 0.7 : 0.5);
			for (size_t i = 0; i < nr; i++) {
				sum += w[i] * fmax(-0.6, fmin(0.6, v[i] - want));
				mass += w[i];
			}
			if (all[which] == OBJ_HUBER)
				want += sum / mass;
			assert_true(fabs(renewed(d, rows, nr) - want) < 1e-9);
			assert_true(renewed(d, rows, 0) == 0);
			free(d);
		}
}

/* ---- shards ------------------------------------------------------------------ */

struct shard {
	struct data *d;
	const struct comm *comm;
	double init[CLASSES], renewed;
	int r;
	struct err e;
};

/* Even rows make a leaf. */
static void *shard_run(void *arg)
{
	struct shard *s = arg;
	struct objective_state *o = NULL;
	uint32_t rows[ROWS];
	size_t nr = 0;

	for (size_t i = 0; i < s->d->t.rows; i++)
		if ((s->d->t.first_row + i) % 2 == 0)
			rows[nr++] = (uint32_t)i;
	s->r = objective_new(&o, &s->d->p, &s->d->t, s->comm, SIMD_BEST, &s->e);
	if (s->r == 0)
		s->r = objective_init(o, s->init, &s->e);
	if (s->r == 0 && objective_renews(o))
		s->r = objective_renew(o, s->d->score, rows, nr, &s->renewed, &s->e);
	objective_free(o);
	return NULL;
}

static void check_shards(enum objective which, unsigned nr, bool weighted)
{
	struct shard whole = {.d = data_new(which, ROWS, weighted)}, parts[4];
	struct comm_threads *all = NULL;
	pthread_t threads[4];
	struct err e = {0};
	size_t at = 0;

	(void)shard_run(&whole);
	assert_int_equal(whole.r, 0);
	assert_int_equal(comm_threads_new(&all, nr, &e), 0);
	for (unsigned i = 0; i < nr; i++) {
		/* Uneven, and between queries. */
		size_t to = i + 1 == nr ? ROWS : at + 23 * (i + 1);
		struct data *d = data_new(which, ROWS, weighted);

		d->t.rows = to - at;
		d->t.first_row = at;
		memmove(d->label, d->label + at, (to - at) * sizeof(double));
		memmove(d->weight, d->weight + at, (to - at) * sizeof(double));
		memmove(d->score, d->score + at, (to - at) * sizeof(double));
		parts[i] = (struct shard){.d = d, .comm = comm_threads_rank(all, i)};
		at = to;
	}
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shard_run, &parts[i]),
				 0);
	for (unsigned i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < nr; i++) {
		if (parts[i].r < 0)
			fail_msg("%s: %s", objective_name(which), parts[i].e.text);
		assert_memory_equal(parts[i].init, whole.init, sizeof(whole.init));
		assert_memory_equal(&parts[i].renewed, &whole.renewed, sizeof(double));
		free(parts[i].d);
	}
	comm_threads_free(all);
	free(whole.d);
}

static void shards_begin_and_renew_like_the_whole(void **state)
{
	(void)state;
	for (unsigned which = 0; which < OBJ_NR; which++)
		for (unsigned nr = 1; nr <= 4; nr++)
			check_shards((enum objective)which, nr, nr % 2);
}

/* ---- what is refused --------------------------------------------------------- */

static void refused(struct data *d, const char *why)
{
	struct objective_state *o = NULL;
	struct err e = {0};
	double margin[CLASSES];
	int r = objective_new(&o, &d->p, &d->t, NULL, SIMD_BEST, &e);

	if (r == 0)
		r = objective_init(o, margin, &e);
	assert_int_equal(r, ERR_INVALID);
	if (!strstr(e.text, why))
		fail_msg("'%s' does not say '%s'", e.text, why);
	objective_free(o);
}

static void labels_that_do_not_fit_are_refused_with_their_row(void **state)
{
	static const struct {
		enum objective o;
		double y;
		const char *why;
	} cases[] = {
		{OBJ_L2, NAN, "row 77: 'label' is missing"},
		{OBJ_L2, INFINITY, "row 77: 'label' is infinite"},
		{OBJ_L2, 1e31, "row 77"},
		{OBJ_POISSON, -1, "numbers from 0"},
		{OBJ_TWEEDIE, -1e-9, "numbers from 0"},
		{OBJ_GAMMA, 0, "numbers above 0"},
		{OBJ_BINARY, 2, "0 and 1"},
		{OBJ_BINARY, 0.5, "0 and 1"},
		{OBJ_SOFTMAX, 1.5, "classes"},
		{OBJ_SOFTMAX, -1, "classes"},
		{OBJ_OVA, 1e9, "classes"},
		{OBJ_LAMBDARANK, 32, "relevances"},
		{OBJ_LAMBDARANK, 0.5, "relevances"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct data *d = data_new(cases[i].o, ROWS, false);

		d->label[77] = cases[i].y;
		refused(d, cases[i].why);
		free(d);
	}
}

static void weights_and_tables_that_do_not_fit_are_refused(void **state)
{
	static const double bad[] = {0, -1, NAN, INFINITY, 1e-16, 1e16};
	struct data *d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		d = data_new(OBJ_L2, ROWS, true);
		d->weight[5] = bad[i];
		refused(d, "row 5: the weight");
		free(d);
	}
	d = data_new(OBJ_L2, ROWS, false);
	d->t.rows = 0;
	refused(d, "no rows");
	d->t.label = NULL;
	refused(d, "no label");
	free(d);
	d = data_new(OBJ_LAMBDARANK, ROWS, false);
	d->t.group = NULL;
	refused(d, "group");
	free(d);
	d = data_new(OBJ_BINARY, ROWS, false);
	for (size_t i = 0; i < ROWS; i++)
		d->label[i] = 0;
	refused(d, "same class");
	d->p.objective = OBJ_SOFTMAX;
	refused(d, "two classes");
	d->t.classes_nr = 3;
	refused(d, "same class");
	d->p.objective = OBJ_BINARY;
	refused(d, "softmax takes more");
	d->t.classes_nr = 2;
	d->p.class_weights = d->class_weights;
	d->p.class_weights_nr = 3;
	refused(d, "3 weights");
	free(d);
}

static void equal_labels_huge_ones_and_one_row_are_taken(void **state)
{
	static const enum objective all[] = {OBJ_L2,	   OBJ_L1,    OBJ_HUBER,
					     OBJ_QUANTILE, OBJ_FAIR,  OBJ_MAPE,
					     OBJ_POISSON,  OBJ_GAMMA, OBJ_TWEEDIE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct data *d = data_new(all[i], ROWS, false);
		bool linked = all[i] >= OBJ_POISSON && all[i] <= OBJ_TWEEDIE;

		for (size_t k = 0; k < ROWS; k++)
			d->label[k] = 0.1;
		assert_true(fabs(init_of(d, 0) - (linked ? log(0.1) : 0.1)) < 1e-15);
		for (size_t k = 0; k < ROWS; k++)
			d->label[k] = 1e30;
		assert_true(fabs(init_of(d, 0) / (linked ? log(1e30) : 1e30) - 1) <
			    1e-14);
		d->t.rows = 1;
		assert_true(fabs(init_of(d, 0) / (linked ? log(1e30) : 1e30) - 1) <
			    1e-14);
		free(d);
	}
	{
		struct data *d = data_new(OBJ_POISSON, ROWS, false);

		memset(d->label, 0, sizeof(d->label));
		assert_true(isfinite(init_of(d, 0)));
		free(d);
	}
}

static void responses_undo_the_link(void **state)
{
	double v[] = {0.5, -1, 2, 0, 0, 0}, w[6];

	(void)state;
	memcpy(w, v, sizeof(v));
	objective_response(OBJ_L2, 1, w, 6);
	assert_memory_equal(v, w, sizeof(v));
	objective_response(OBJ_BINARY, 1, w, 6);
	for (size_t i = 0; i < 6; i++)
		assert_true(fabs(w[i] - 1 / (1 + exp(-v[i]))) < 1e-15);
	memcpy(w, v, sizeof(v));
	objective_response(OBJ_GAMMA, 1, w, 6);
	for (size_t i = 0; i < 6; i++)
		assert_true(fabs(w[i] - exp(v[i])) < 1e-14);
	memcpy(w, v, sizeof(v));
	objective_response(OBJ_SOFTMAX, 3, w, 2);
	assert_true(fabs(w[0] - exp(0.5) / (exp(0.5) + exp(-1) + exp(2))) < 1e-15);
	assert_true(fabs(w[0] + w[1] + w[2] - 1) < 1e-15);
	assert_true(fabs(w[4] - 1.0 / 3) < 1e-15);
	v[0] = 1e300;
	objective_response(OBJ_SOFTMAX, 3, v, 1);
	assert_true(v[0] == 1 && v[1] < 1e-300);
}

static void a_failed_allocation_at_any_call_is_told(void **state)
{
	static const enum objective all[] = {OBJ_SOFTMAX, OBJ_LAMBDARANK, OBJ_HUBER,
					     OBJ_BINARY};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct data *d = data_new(all[i], 100, true);
		uint32_t rows[] = {3, 1, 7};
		int n = 1, r;

		if (all[i] == OBJ_BINARY)
			d->p.scale_pos_weight = 2;
		do {
			struct objective_state *o = NULL;
			struct err e = {0};
			double v[CLASSES];

			try_alloc_fail_nth(n);
			if ((r = objective_new(&o, &d->p, &d->t, NULL, SIMD_BEST, &e)) <
				    0 ||
			    (r = objective_init(o, v, &e)) < 0 || !objective_renews(o))
				goto next;
			r = objective_renew(o, d->score, rows, 3, v, &e);
		next:
			try_alloc_fail_nth(0);
			assert_true(r == 0 || r == ERR_NOMEM);
			objective_free(o);
		} while (r < 0 && n++ < 100);
		assert_int_equal(r, 0);
		assert_true(n > 1);
		free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
		cmocka_unit_test(the_vector_twins_give_the_scalar_bits),
		cmocka_unit_test(lambdarank_pulls_pairs_by_what_a_swap_would_change),
		cmocka_unit_test(ranges_are_cut_between_queries),
		cmocka_unit_test(margins_begin_where_a_constant_fits_best),
		cmocka_unit_test(medians_and_quantiles_are_those_of_sorting),
		cmocka_unit_test(weights_of_classes_move_the_beginning),
		cmocka_unit_test(leaves_are_renewed_by_the_order_of_residuals),
		cmocka_unit_test(shards_begin_and_renew_like_the_whole),
		cmocka_unit_test(labels_that_do_not_fit_are_refused_with_their_row),
		cmocka_unit_test(weights_and_tables_that_do_not_fit_are_refused),
		cmocka_unit_test(equal_labels_huge_ones_and_one_row_are_taken),
		cmocka_unit_test(responses_undo_the_link),
		cmocka_unit_test(a_failed_allocation_at_any_call_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
