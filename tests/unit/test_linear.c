/*
 * Linear models: the weights satisfy the conditions of optimality, worked out here
 * from the raw table with long doubles; bytes are the same for any threads, SIMD
 * level and shards.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/linear_impl.h"
#include "train/core/model.h"
#include "train/core/rng.h"
#include "train/core/train.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLASSES 3

static double draw(uint64_t i)
{
	return rng_u0(rng_hash(31, RNG_SPLIT, 0, i));
}

static double normal(uint64_t i)
{
	double sum = -6;

	for (uint64_t k = 0; k < 12; k++)
		sum += draw(i * 12 + k);
	return sum;
}

static void add_number(struct table *t, size_t j, const char *name)
{
	t->cols[j].f.name = xstrdup(name);
	t->cols[j].f.kind = FEATURE_NUMERIC;
	t->cols[j].num = xcalloc(t->rows, sizeof(float));
}

static void add_category(struct table *t, size_t j, size_t cats)
{
	struct column *c = &t->cols[j];

	c->f.name = xstrdup("cat");
	c->f.kind = FEATURE_CATEGORICAL;
	c->f.cats_nr = cats;
	c->f.cats = xcalloc(cats, sizeof(char *));
	for (size_t i = 0; i < cats; i++)
		c->f.cats[i] = xasprintf("c%zu", i);
	c->code = xcalloc(t->rows, sizeof(uint32_t));
	for (size_t i = 0; i < t->rows; i++) {
		double u = draw(i + 777777);

		c->code[i] = u < 0.02	? TABLE_MISSING
			     : u < 0.04 ? TABLE_UNSEEN
					: (uint32_t)((double)cats * draw(i + 888888));
	}
}

static double label_of(enum objective o, double z, size_t i)
{
	double u = draw(i + 4444444);

	switch (o) {
	case OBJ_BINARY:
		return u < 1 / (1 + exp(-z));
	case OBJ_POISSON:
		return floor(exp(z / 3) * 2 * u);
	case OBJ_SOFTMAX:
	case OBJ_OVA:
		return floor(fmin(CLASSES - 1, fmax(0, z + 3 * u - 0.5)));
	default:
		return 3 * z + u + 50;
	}
}

/* Numbers of different scales, some missing; one constant; one category. */
static void table_make(struct table *t, enum objective o, size_t rows, size_t numbers,
		       size_t cats)
{
	memset(t, 0, sizeof(*t));
	t->rows = rows;
	t->cols_nr = numbers + 1 + (cats > 0);
	t->cols = xcalloc(t->cols_nr, sizeof(*t->cols));
	for (size_t j = 0; j < numbers; j++) {
		add_number(t, j, "x");
		for (size_t i = 0; i < rows; i++)
			t->cols[j].num[i] =
				(float)((normal(i * numbers + j) + (double)j) *
					(j % 3 == 0 ? 1000 : 0.01));
	}
	for (size_t i = 0; numbers > 2 && i < rows; i += 17)
		t->cols[2].num[i] = NAN;
	add_number(t, numbers, "constant");
	for (size_t i = 0; i < rows; i++)
		t->cols[numbers].num[i] = 0.1f;
	if (cats > 0)
		add_category(t, numbers + 1, cats);
	t->label = xcalloc(rows, sizeof(double));
	for (size_t i = 0; i < rows; i++) {
		double z = numbers > 0 ? (double)t->cols[0].num[i] / 1000 : 0;

		if (numbers > 1)
			z -= (double)t->cols[1].num[i] * 50 - 0.5;
		if (cats > 0)
			z += t->cols[numbers + 1].code[i] % 3 == 1;
		t->label[i] = label_of(o, z, i);
	}
	t->label_name = xstrdup("y");
}

static void add_weights(struct table *t)
{
	t->weight = xcalloc(t->rows, sizeof(double));
	for (size_t i = 0; i < t->rows; i++)
		t->weight[i] = 0.2 + 2 * draw(i + 999);
}

static struct train_params params(enum objective o, double l1, double l2)
{
	struct train_params p;

	train_params_init(&p);
	p.type = MODEL_LINEAR;
	p.objective = o;
	p.l1 = l1;
	p.l2 = l2;
	return p;
}

static struct train_result fit(struct model *m, const struct table *t,
			       const struct train_params *p, unsigned threads,
			       enum simd simd)
{
	struct train_control c = {.threads = threads, .simd = simd};
	struct train_result res = {0};
	struct err e = {0};

	memset(m, 0, sizeof(*m));
	if (train_params_check(p, t, &e) < 0 ||
	    train_linear(m, &res, t, NULL, p, &c, &e) < 0)
		fail_msg("%s: %s", objective_name(p->objective), e.text);
	return res;
}

/* ---- conditions of optimality ------------------------------------------------ */

struct scaling {
	long double mean, spread;
};

static long double weight_of(const struct table *t, size_t i)
{
	return t->weight ? (long double)t->weight[i] : 1;
}

static struct scaling scaling_of(const struct table *t, const struct column *c)
{
	struct scaling s = {0, 0};
	long double all = 0;

	for (size_t i = 0; i < t->rows; i++)
		if (!isnan(c->num[i])) {
			s.mean += weight_of(t, i) * (long double)c->num[i];
			all += weight_of(t, i);
		}
	s.mean /= all;
	for (size_t i = 0; i < t->rows; i++)
		if (!isnan(c->num[i])) {
			long double d = (long double)c->num[i] - s.mean;

			s.spread += weight_of(t, i) * d * d;
		}
	s.spread = sqrtl(s.spread / all);
	return s;
}

/* d loss / d margin of output k */
static long double slope_at(const struct model *m, const double *s, double y, unsigned k)
{
	long double sum = 0;

	switch (m->objective) {
	case OBJ_BINARY:
		return 1 / (1 + expl(-(long double)s[0])) - (long double)y;
	case OBJ_OVA:
		return 1 / (1 + expl(-(long double)s[k])) - (y == (double)k ? 1 : 0);
	case OBJ_SOFTMAX:
		for (unsigned j = 0; j < m->outputs; j++)
			sum += expl((long double)s[j]);
		return expl((long double)s[k]) / sum - (y == (double)k ? 1 : 0);
	case OBJ_POISSON:
		return expl((long double)s[0]) - (long double)y;
	default:
		return (long double)s[0] - (long double)y;
	}
}

static long double soft(long double v, long double by)
{
	return v > by ? v - by : v < -by ? v + by : 0;
}

/* The norm of the least subgradient over the standardised inputs and the biases. */
static double condition(const struct model *m, const struct table *t,
			const struct train_params *p)
{
	double *s = xcalloc(t->rows * m->outputs, sizeof(double));
	long double sum = 0, all = 0;

	model_margins(m, t, 0, t->rows, s);
	for (size_t i = 0; i < t->rows; i++)
		all += weight_of(t, i);
	for (unsigned k = 0; k < m->outputs; k++) {
		const double *w = m->weights + k * m->weights_nr;
		long double bias = 0;
		size_t at = 0;

		for (size_t i = 0; i < t->rows; i++)
			bias += weight_of(t, i) *
				slope_at(m, s + i * m->outputs, t->label[i], k);
		sum += bias * bias;
		for (size_t j = 0; j < t->cols_nr; j++) {
			const struct column *c = &t->cols[j];
			bool number = c->f.kind == FEATURE_NUMERIC;
			size_t inputs = number ? 1 : c->f.cats_nr;
			struct scaling z = {0, 1};
			long double g[5000] = {0};

			if (number)
				z = scaling_of(t, c);
			if (number && z.spread < 1e-12L * fabsl(z.mean)) {
				assert_true(w[at] == 0);
				at++;
				continue;
			}
			for (size_t i = 0; i < t->rows; i++) {
				long double r =
					weight_of(t, i) *
					slope_at(m, s + i * m->outputs, t->label[i], k);

				if (number && !isnan(c->num[i]))
					g[0] += r * ((long double)c->num[i] - z.mean) /
						z.spread;
				else if (!number && c->code[i] < c->f.cats_nr)
					g[c->code[i]] += r;
			}
			for (size_t i = 0; i < inputs; i++, at++) {
				long double b = (long double)w[at] * z.spread;
				long double v = g[i] + (long double)p->l2 * b;
				long double l1 = (long double)p->l1;

				v = b > 0 ? v + l1 : b < 0 ? v - l1 : soft(v, l1);
				sum += v * v;
			}
		}
	}
	free(s);
	return (double)(sqrtl(sum) / all);
}

static void check_optimal(enum objective o, double l1, double l2, bool weighted,
			  double bound)
{
	struct train_params p = params(o, l1, l2);
	struct train_result res;
	struct table t;
	struct model m;
	double got;
	size_t zeros = 0;

	table_make(&t, o, 5000, 5, 4);
	if (weighted)
		add_weights(&t);
	res = fit(&m, &t, &p, 1, SIMD_BEST);
	got = condition(&m, &t, &p);
	if (!(got <= bound))
		fail_msg("%s l1 %g l2 %g: the slope is %g after %u passes",
			 objective_name(o), l1, l2, got, res.rounds);
	for (size_t i = 0; i < m.weights_nr * m.outputs; i++)
		zeros += m.weights[i] == 0;
	/* The constant column has no weight; a strong L1 leaves more without. */
	assert_true(zeros >= (l1 > 50 ? 2 : 1) * (size_t)m.outputs);
	model_release(&m);
	table_release(&t);
}

static void the_slope_vanishes_at_the_fit(void **state)
{
	static const enum objective all[] = {OBJ_L2, OBJ_BINARY, OBJ_POISSON, OBJ_OVA,
					     OBJ_SOFTMAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (int weighted = 0; weighted < 2; weighted++) {
			/* The first slope of l2 is about 10, and scales the tolerance. */
			double bound = all[i] == OBJ_L2 ? 1e-6 : 2e-8;

			check_optimal(all[i], 0, 1, weighted, bound);
			check_optimal(all[i], 0, 1000, weighted, bound);
			check_optimal(all[i], 5, 0.5, weighted, bound);
			check_optimal(all[i], 100, 0, weighted, bound);
		}
}

/* A category's ones add up to the bias; without a penalty no fit is the only one. */
static void dependent_inputs_do_no_harm(void **state)
{
	struct train_params p = params(OBJ_BINARY, 0, 0);
	struct table t;
	struct model m;

	(void)state;
	table_make(&t, OBJ_BINARY, 5000, 5, 4);
	for (size_t i = 0; i < t.rows; i++) {
		t.cols[4].num[i] = t.cols[3].num[i];
		t.cols[6].code[i] %= 4;
	}
	(void)fit(&m, &t, &p, 1, SIMD_BEST);
	assert_true(condition(&m, &t, &p) < 2e-8);
	model_release(&m);
	table_release(&t);
}

static void a_line_is_found_exactly(void **state)
{
	struct train_params p = params(OBJ_L2, 0, 0);
	struct table t;
	struct model m;
	struct train_result res;

	(void)state;
	table_make(&t, OBJ_L2, 100, 1, 0);
	for (size_t i = 0; i < 100; i++) {
		t.cols[0].num[i] = (float)i;
		t.label[i] = 2 * (double)i + 1;
	}
	res = fit(&m, &t, &p, 1, SIMD_BEST);
	assert_true(fabs(m.weights[0] - 2) < 1e-13);
	assert_true(fabs(m.bias[0] - 1) < 1e-11);
	assert_true(m.weights[1] == 0);
	assert_true(m.fill[0] == 49.5);
	assert_true(res.rounds <= 3);
	assert_true(fabs(res.max_margin - 199) < 1e-9);
	model_release(&m);
	table_release(&t);
}

/* Weighing a row twice is having it twice. */
static void weights_are_repetitions(void **state)
{
	struct train_params p = params(OBJ_BINARY, 1, 1);
	struct table a, b;
	struct model ma, mb;
	size_t to = 600;

	(void)state;
	table_make(&a, OBJ_BINARY, 600, 3, 3);
	table_make(&b, OBJ_BINARY, 800, 3, 3);
	a.weight = xcalloc(600, sizeof(double));
	for (size_t i = 0; i < 600; i++) {
		a.weight[i] = i % 3 == 0 ? 2 : 1;
		for (size_t j = 0; j < 4; j++)
			b.cols[j].num[i] = a.cols[j].num[i];
		b.cols[4].code[i] = a.cols[4].code[i];
		b.label[i] = a.label[i];
		if (i % 3 != 0)
			continue;
		for (size_t j = 0; j < 4; j++)
			b.cols[j].num[to] = a.cols[j].num[i];
		b.cols[4].code[to] = a.cols[4].code[i];
		b.label[to++] = a.label[i];
	}
	assert_int_equal(to, 800);
	(void)fit(&ma, &a, &p, 1, SIMD_BEST);
	(void)fit(&mb, &b, &p, 1, SIMD_BEST);
	for (size_t i = 0; i < ma.weights_nr; i++)
		assert_true(fabs(ma.weights[i] - mb.weights[i]) <
			    1e-8 * (1 + fabs(ma.weights[i])));
	assert_true(fabs(ma.bias[0] - mb.bias[0]) < 1e-7);
	model_release(&ma);
	model_release(&mb);
	table_release(&a);
	table_release(&b);
}

/* ---- the same bytes ---------------------------------------------------------- */

static void same_model(const struct model *a, const struct model *b)
{
	struct buf x = {0}, y = {0};

	model_json(&x, a);
	model_json(&y, b);
	assert_int_equal(x.n, y.n);
	assert_memory_equal(x.p, y.p, x.n);
	buf_release(&x);
	buf_release(&y);
}

static void check_same(const struct table *t, const struct train_params *p)
{
	struct model want, got;

	(void)fit(&want, t, p, 1, SIMD_SCALAR);
	for (unsigned threads = 1; threads <= 8; threads += 1 + threads / 3) {
		(void)fit(&got, t, p, threads, SIMD_BEST);
		same_model(&want, &got);
		model_release(&got);
	}
	for (unsigned simd = SIMD_SSE2; simd <= SIMD_AVX512; simd++) {
		(void)fit(&got, t, p, 2, (enum simd)simd);
		same_model(&want, &got);
		model_release(&got);
	}
	model_release(&want);
}

static void threads_and_simd_change_no_byte(void **state)
{
	static const enum objective all[] = {OBJ_L2, OBJ_BINARY, OBJ_POISSON, OBJ_OVA,
					     OBJ_SOFTMAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct train_params p = params(all[i], i % 2 ? 3 : 0, 1);
		struct table t;

		table_make(&t, all[i], 3 * 4096 + 1234 + i, 6, 5);
		if (i % 2)
			add_weights(&t);
		check_same(&t, &p);
		table_release(&t);
	}
}

/* Beyond LINEAR_WIDE parts of a block are dealt out instead of blocks. */
static void wide_tables_are_fitted_the_same_way(void **state)
{
	struct train_params p = params(OBJ_BINARY, 0, 5);
	struct table t;
	struct model m;

	(void)state;
	p.max_passes = 2;
	table_make(&t, OBJ_BINARY, 4096 + 300, 3, LINEAR_WIDE + 20);
	check_same(&t, &p);
	p.max_passes = 50;
	(void)fit(&m, &t, &p, 2, SIMD_BEST);
	assert_true(condition(&m, &t, &p) < 2e-8);
	model_release(&m);
	table_release(&t);
}

static void many_categories_go_by_gradients_alone(void **state)
{
	struct train_params p = params(OBJ_BINARY, 0, 2);
	struct table t;
	struct model m;

	(void)state;
	table_make(&t, OBJ_BINARY, 9000, 4, LINEAR_NEWTON_INPUTS + 100);
	(void)fit(&m, &t, &p, 2, SIMD_BEST);
	assert_true(condition(&m, &t, &p) < 2e-8);
	model_release(&m);
	p.l1 = 0.7;
	(void)fit(&m, &t, &p, 2, SIMD_BEST);
	assert_true(condition(&m, &t, &p) < 1e-6);
	model_release(&m);
	p.max_passes = 2;
	check_same(&t, &p);
	table_release(&t);
}

struct shard {
	struct table t;
	const struct train_params *p;
	const struct comm *comm;
	struct model m;
	struct err e;
	int r;
};

static void *shard_run(void *arg)
{
	struct shard *s = arg;
	struct train_control c = {.threads = 1, .simd = SIMD_BEST, .comm = s->comm};
	struct train_result res;

	s->r = train_linear(&s->m, &res, &s->t, NULL, s->p, &c, &s->e);
	return NULL;
}

static void part_of(struct table *out, const struct table *t, size_t from, size_t to)
{
	*out = *t;
	out->rows = to - from;
	out->first_row = from;
	out->label = t->label + from;
	out->weight = t->weight ? t->weight + from : NULL;
	out->cols = xcalloc(t->cols_nr, sizeof(*out->cols));
	for (size_t j = 0; j < t->cols_nr; j++) {
		out->cols[j] = t->cols[j];
		if (t->cols[j].num)
			out->cols[j].num = t->cols[j].num + from;
		if (t->cols[j].code)
			out->cols[j].code = t->cols[j].code + from;
	}
}

static void check_shards(const struct table *t, const struct train_params *p, unsigned nr,
			 size_t rows_each)
{
	struct comm_threads *all;
	struct shard s[4] = {{.r = 1}};
	pthread_t threads[4];
	struct model want;
	struct err e = {0};

	(void)fit(&want, t, p, 1, SIMD_BEST);
	assert_int_equal(comm_threads_new(&all, nr, &e), 0);
	for (unsigned i = 0; i < nr; i++) {
		size_t to = i + 1 == nr ? t->rows : (i + 1) * rows_each;

		part_of(&s[i].t, t, i * rows_each, to);
		s[i].p = p;
		s[i].comm = comm_threads_rank(all, i);
		assert_int_equal(pthread_create(&threads[i], NULL, shard_run, &s[i]), 0);
	}
	for (unsigned i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < nr; i++) {
		if (s[i].r < 0)
			fail_msg("%s", s[i].e.text);
		same_model(&want, &s[i].m);
		model_release(&s[i].m);
		free(s[i].t.cols);
	}
	comm_threads_free(all);
	model_release(&want);
}

static void shards_on_borders_of_blocks_change_no_byte(void **state)
{
	static const enum objective all[] = {OBJ_BINARY, OBJ_SOFTMAX, OBJ_L2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct train_params p = params(all[i], 0, 1);
		struct table t;

		table_make(&t, all[i], 4 * 4096 + 77, 4, 3);
		add_weights(&t);
		for (unsigned nr = 1; nr <= 4; nr++)
			check_shards(&t, &p, nr, 4096);
		check_shards(&t, &p, 2, 8192);
		table_release(&t);
	}
}

static void a_shard_between_blocks_is_refused(void **state)
{
	struct train_params p = params(OBJ_L2, 0, 1);
	struct comm two = comm_self;
	struct train_control c = {.threads = 1, .comm = &two};
	struct train_result res;
	struct table t;
	struct model m = {0};
	struct err e = {0};

	(void)state;
	two.size = 2;
	table_make(&t, OBJ_L2, 100, 2, 0);
	t.first_row = 100;
	assert_int_equal(train_linear(&m, &res, &t, NULL, &p, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "row 100: it must be a multiple of 4096"));
	table_release(&t);
}

/* ---- kernels ----------------------------------------------------------------- */

#define N 72

static void fill(double *v, size_t nr, uint64_t seed)
{
	for (size_t i = 0; i < nr; i++)
		v[i] = normal(seed * 1000 + i) * (i % 7 == 0 ? 1e5 : 1);
}

static void same_kernels(const struct linear_kernels *a, const struct linear_kernels *b)
{
	static double x[4 * N], y[4 * N], s[N], w[N], u[6][N], v[6][N];
	static const double odd[] = {0,	   -0.0, 800, -800, 1e300, -1e300,
				     36.7, -37,	 1,   -1,   1e-9};
	float f[N];
	double g[16], h[16];

	fill(x, 4 * N, 1);
	fill(y, 4 * N, 2);
	fill(s, N, 3);
	fill(w, N, 4);
	for (size_t i = 0; i < N; i++) {
		f[i] = i % 11 == 3 ? NAN : (float)x[i];
		s[i] = i < ARRAY_SIZE(odd) ? odd[i] : s[i] / 1e3;
		w[i] = fabs(w[i]);
	}
	for (size_t n8 = 0; n8 <= N; n8 += 8) {
		double da = a->dot(x, y, n8), db = b->dot(x, y, n8);

		assert_memory_equal(&da, &db, sizeof(da));
		memcpy(u[0], x, sizeof(u[0]));
		memcpy(v[0], x, sizeof(u[0]));
		da = a->dot_scale(u[0], y, s, n8);
		db = b->dot_scale(v[0], y, s, n8);
		assert_memory_equal(&da, &db, sizeof(da));
		assert_memory_equal(u[0], v[0], sizeof(u[0]));
		a->add_scaled(u[0], y, 0.3, n8);
		b->add_scaled(v[0], y, 0.3, n8);
		assert_memory_equal(u[0], v[0], sizeof(u[0]));
		for (unsigned na = 1; na <= 4; na++)
			for (unsigned nb = 1; nb <= 4; nb++) {
				memset(g, 0, sizeof(g));
				memset(h, 0, sizeof(h));
				a->gram(x, na, y, nb, N, n8, g, 4);
				b->gram(x, na, y, nb, N, n8, h, 4);
				assert_memory_equal(g, h, sizeof(g));
			}
	}
	for (size_t n = 0; n <= 64; n++) {
		memset(u, 0, sizeof(u));
		memset(v, 0, sizeof(v));
		a->standardize(u[0], f, n, (n + 7) / 8 * 8, 0.7, 1.3);
		b->standardize(v[0], f, n, (n + 7) / 8 * 8, 0.7, 1.3);
		for (size_t i = 0; i < N; i++)
			y[i] = (double)(i % 2);
		a->logistic(s, y, n % 2 ? w : NULL, n, u[1], u[2], u[3]);
		b->logistic(s, y, n % 2 ? w : NULL, n, v[1], v[2], v[3]);
		assert_memory_equal(u, v, sizeof(u));
		for (size_t i = 0; i < n; i++)
			assert_true(isfinite(u[1][i]) && isfinite(u[2][i]) &&
				    isfinite(u[3][i]));
	}
}

static void the_vector_loops_give_the_scalar_bits(void **state)
{
	(void)state;
#if defined(__x86_64__)
	same_kernels(&linear_kernels_scalar, &linear_kernels_sse2);
	if (simd_has(SIMD_AVX2))
		same_kernels(&linear_kernels_scalar, &linear_kernels_avx2);
	if (simd_has(SIMD_AVX512))
		same_kernels(&linear_kernels_scalar, &linear_kernels_avx512);
#endif
}

static void systems_are_solved_and_dependent_ones_too(void **state)
{
	enum {
		SIZE = 21,
		LD = 24
	};
	double a[SIZE * LD] = {0}, full[SIZE * LD], x[LD], b[LD], v[SIZE * 30];

	(void)state;
	for (int dependent = 0; dependent < 2; dependent++) {
		fill(v, SIZE * 30, 9);
		for (size_t k = 0; k < 30 && dependent; k++)
			v[20 * 30 + k] = v[3 * 30 + k] - 2 * v[11 * 30 + k];
		for (size_t i = 0; i < SIZE; i++)
			for (size_t j = 0; j < SIZE; j++) {
				double sum = 0;

				for (size_t k = 0; k < 30; k++)
					sum += v[i * 30 + k] * v[j * 30 + k] / 1e8;
				a[i * LD + j] = full[i * LD + j] = sum;
			}
		for (size_t i = 0; i < SIZE; i++) {
			b[i] = 0;
			for (size_t j = 0; j < SIZE; j++)
				b[i] += full[i * LD + j] * ((double)j - 7);
			x[i] = b[i];
		}
		linear_solve(&linear_kernels_scalar, a, x, SIZE, LD);
		assert_true(!dependent || x[20] == 0);
		for (size_t i = 0; i < SIZE; i++) {
			double sum = 0;

			for (size_t j = 0; j < SIZE; j++)
				sum += full[i * LD + j] * x[j];
			assert_true(fabs(sum - b[i]) < 1e-6 * (1 + fabs(b[i])));
		}
	}
}

/* ---- edges ------------------------------------------------------------------- */

static int refuse_first(void *ctx, const struct train_round *r)
{
	unsigned *calls = ctx;

	assert_true(r->rounds >= r->round);
	return ++*calls == 2;
}

static void it_stops_when_asked_with_a_usable_model(void **state)
{
	struct train_params p = params(OBJ_BINARY, 0, 1);
	unsigned calls = 0;
	struct train_control c = {
		.threads = 1, .simd = SIMD_BEST, .on_round = refuse_first, .ctx = &calls};
	struct train_result res = {0};
	struct table t;
	struct model m = {0};
	struct err e = {0};

	(void)state;
	table_make(&t, OBJ_BINARY, 1000, 3, 0);
	assert_int_equal(train_linear(&m, &res, &t, &t, &p, &c, &e), 0);
	assert_true(res.stopped);
	assert_int_equal(res.rounds, 2);
	assert_true(res.best > 0 && res.best < 0.7);
	model_release(&m);
	table_release(&t);
}

static void odd_tables_have_an_answer(void **state)
{
	struct train_params p = params(OBJ_L2, 0, 1);
	struct train_control c = {.threads = 1};
	struct train_result res;
	struct table t;
	struct model m = {0};
	struct err e = {0};

	(void)state;
	/* One row: its label is the bias. */
	table_make(&t, OBJ_L2, 1, 3, 2);
	t.cols[0].num[0] = NAN;
	(void)fit(&m, &t, &p, 2, SIMD_BEST);
	assert_true(fabs(m.bias[0] - t.label[0]) < 1e-9);
	model_release(&m);
	table_release(&t);
	/* No columns at all. */
	table_make(&t, OBJ_BINARY, 100, 0, 0);
	p.objective = OBJ_BINARY;
	(void)fit(&m, &t, &p, 2, SIMD_BEST);
	assert_true(m.weights[0] == 0);
	model_release(&m);
	table_release(&t);
	/* All labels equal, all values missing, values at the end of binary32. */
	table_make(&t, OBJ_L2, 300, 4, 2);
	p.objective = OBJ_L2;
	for (size_t i = 0; i < 300; i++) {
		t.label[i] = 1e12;
		t.cols[0].num[i] = NAN;
		t.cols[1].num[i] = i % 2 ? 3e38f : -3e38f;
		t.cols[2].num[i] = i % 2 ? 1e-45f : 0;
	}
	(void)fit(&m, &t, &p, 2, SIMD_BEST);
	assert_true(m.weights[0] == 0);
	{
		double s;

		model_margins(&m, &t, 7, 8, &s);
		assert_true(fabs(s / 1e12 - 1) < 1e-9);
	}
	model_release(&m);
	t.cols[3].num[5] = INFINITY;
	assert_int_equal(train_linear(&m, &res, &t, NULL, &p, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "infinite"));
	t.cols[3].num[5] = 1;
	t.label[9] = NAN;
	assert_int_equal(train_linear(&m, &res, &t, NULL, &p, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "row 9"));
	table_release(&t);
	/* Separable, without a penalty: it ends all the same. */
	table_make(&t, OBJ_BINARY, 200, 2, 0);
	p = params(OBJ_BINARY, 0, 0);
	for (size_t i = 0; i < 200; i++)
		t.label[i] = t.cols[0].num[i] > 0;
	(void)fit(&m, &t, &p, 2, SIMD_BEST);
	assert_true(m.weights[0] > 0);
	model_release(&m);
	table_release(&t);
}

static void it_survives_a_failed_allocation_at_any_call(void **state)
{
	static const enum objective all[] = {OBJ_BINARY, OBJ_SOFTMAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct train_params p = params(all[i], 0, 1);
		struct train_control c = {.threads = 1, .simd = SIMD_BEST};
		struct table t;
		int n = 1, r;

		p.max_passes = 2;
		table_make(&t, all[i], 50, 2, 3);
		do {
			struct train_result res;
			struct model m = {0};
			struct err e = {0};

			try_alloc_fail_nth(n);
			r = train_linear(&m, &res, &t, &t, &p, &c, &e);
			try_alloc_fail_nth(0);
			assert_true(r == 0 || (r == ERR_NOMEM && m.weights == NULL));
			model_release(&m);
		} while (r < 0 && n++ < 1000);
		assert_int_equal(r, 0);
		assert_true(n > 6); /* it did bite */
		table_release(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_slope_vanishes_at_the_fit),
		cmocka_unit_test(dependent_inputs_do_no_harm),
		cmocka_unit_test(a_line_is_found_exactly),
		cmocka_unit_test(weights_are_repetitions),
		cmocka_unit_test(threads_and_simd_change_no_byte),
		cmocka_unit_test(wide_tables_are_fitted_the_same_way),
		cmocka_unit_test(many_categories_go_by_gradients_alone),
		cmocka_unit_test(shards_on_borders_of_blocks_change_no_byte),
		cmocka_unit_test(a_shard_between_blocks_is_refused),
		cmocka_unit_test(the_vector_loops_give_the_scalar_bits),
		cmocka_unit_test(systems_are_solved_and_dependent_ones_too),
		cmocka_unit_test(it_stops_when_asked_with_a_usable_model),
		cmocka_unit_test(odd_tables_have_an_answer),
		cmocka_unit_test(it_survives_a_failed_allocation_at_any_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
