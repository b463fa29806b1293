/*
 * Newton's method: the quadratic model of the loss at the present weights is solved
 * exactly by Cholesky, or with an L1 penalty by coordinate descent, and the step is
 * halved until the loss falls. Five to ten passes reach rounding.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/linear_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALVINGS   40
#define STALLS	   3
#define CYCLES_MAX 10000
/* A pivot below this share of its diagonal is rounding: the input is a sum of
 * others. */
#define DEPENDENT 1e-11

double linear_penalty(const struct linear *l, const double *beta)
{
	double sum1 = 0, sum2 = 0;

	for (unsigned k = 0; k < l->outputs; k++) {
		const double *b = beta + (l->inputs + 1) * k;

		for (size_t j = 0; j < l->inputs; j++) {
			sum1 += fabs(b[j]);
			sum2 += b[j] * b[j];
		}
	}
	return l->p->l1 * sum1 + l->p->l2 / 2 * sum2;
}

void linear_slope(const struct linear *l, const double *beta, const double *gradient,
		  double *out)
{
	double l1 = l->p->l1;

	for (unsigned k = 0; k < l->outputs; k++) {
		size_t at = (l->inputs + 1) * k;

		for (size_t j = at; j < at + l->inputs; j++) {
			double v = gradient[j] + l->p->l2 * beta[j];

			out[j] = beta[j] > 0   ? v + l1
				 : beta[j] < 0 ? v - l1
					       : linear_soft(v, l1);
		}
		out[at + l->inputs] = gradient[at + l->inputs];
	}
}

double linear_norm(const struct linear *l, const double *slope)
{
	double sum = 0;

	for (size_t j = 0; j < (l->inputs + 1) * l->outputs; j++)
		sum += slope[j] * slope[j];
	return sqrt(sum) / l->w_all;
}

static double prefix_dot(const struct linear_kernels *k, const double *a, const double *b,
			 size_t n)
{
	size_t n8 = n / 8 * 8;
	double sum = n8 > 0 ? k->dot(a, b, n8) : 0;

	for (size_t i = n8; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

void linear_solve(const struct linear_kernels *k, double *a, double *x, size_t n,
		  size_t ld)
{
	for (size_t i = 0; i < n; i++) {
		double *row = a + i * ld, diagonal = row[i], pivot;

		for (size_t j = 0; j < i; j++) {
			const double *other = a + j * ld;

			row[j] = other[j] > 0 ? (row[j] - prefix_dot(k, row, other, j)) /
							other[j]
					      : 0;
		}
		pivot = diagonal - prefix_dot(k, row, row, i);
		row[i] = pivot > DEPENDENT * diagonal ? sqrt(pivot) : 0;
		x[i] = row[i] > 0 ? (x[i] - prefix_dot(k, row, x, i)) / row[i] : 0;
	}
	for (size_t i = n; i-- > 0;) {
		const double *row = a + i * ld;

		x[i] = row[i] > 0 ? x[i] / row[i] : 0;
		for (size_t j = 0; j < i; j++)
			x[j] -= row[j] * x[i];
	}
}

struct newton {
	struct linear *l;
	size_t d1;
	double *gradient, *slope, *step, *base; /* [ld] */
	double *hessian, *work;			/* [d1 * ld] */
	double scale; /* of the tolerance: the norm at the beginning, at least 1 */
};

static int newton_new(struct newton *n, struct linear *l, struct err *e)
{
	void *p;
	int r;

	n->l = l;
	n->d1 = l->inputs + 1;
	if ((r = try_alloc(&p, 4 * l->ld, sizeof(double), "weights", e)) < 0)
		return r;
	n->gradient = p;
	n->slope = n->gradient + l->ld;
	n->step = n->slope + l->ld;
	n->base = n->step + l->ld;
	if ((r = try_alloc(&p, 2 * n->d1 * l->ld, sizeof(double), "Hessian", e)) < 0)
		return r;
	n->hessian = p;
	n->work = n->hessian + n->d1 * l->ld;
	l->held += (2 * n->d1 + 4) * l->ld * sizeof(double);
	return 0;
}

static void cholesky_step(struct newton *n)
{
	struct linear *l = n->l;

	memcpy(n->work, n->hessian, n->d1 * l->ld * sizeof(double));
	for (size_t j = 0; j < l->inputs; j++)
		n->work[j * l->ld + j] += l->p->l2;
	for (size_t j = 0; j < n->d1; j++)
		n->step[j] = -n->slope[j];
	linear_solve(l->k, n->work, n->step, n->d1, l->ld);
}

/*
 * Minimise g (z - b) + (z - b) H (z - b) / 2 + l2 z^2 / 2 + l1 |z| over z, one
 * coordinate after the other; v is the gradient of the first two at z.
 */
static void descent_step(struct newton *n)
{
	struct linear *l = n->l;
	const double *b = l->beta;
	double *z = n->work, *v = n->work + l->ld;
	double enough =
		0.01 * l->p->tolerance * n->scale * l->w_all / sqrt((double)n->d1);

	memset(n->work, 0, 2 * l->ld * sizeof(double));
	memcpy(z, b, n->d1 * sizeof(double));
	memcpy(v, n->gradient, n->d1 * sizeof(double));
	for (unsigned cycle = 0; cycle < CYCLES_MAX; cycle++) {
		double most = 0;

		for (size_t j = 0; j < n->d1; j++) {
			bool bias = j == l->inputs;
			double h = n->hessian[j * l->ld + j], by, to;
			double all = h + (bias ? 0 : l->p->l2);

			if (!(all > 0))
				continue;
			to = linear_soft(h * z[j] - v[j], bias ? 0 : l->p->l1) / all;
			by = to - z[j];
			if (by == 0)
				continue;
			z[j] = to;
			l->k->add_scaled(v, n->hessian + j * l->ld, by, l->ld);
			most = MAX_OF(most, fabs(by) * all);
		}
		if (most <= enough)
			break;
	}
	for (size_t j = 0; j < n->d1; j++)
		n->step[j] = z[j] - b[j];
}

static void walk(struct newton *n, double share)
{
	for (size_t j = 0; j < n->d1; j++)
		n->l->beta[j] = n->base[j] + share * n->step[j];
}

int linear_newton(struct linear *l, struct err *e)
{
	struct newton n = {0};
	double value, last = INFINITY, norm, last_norm = INFINITY, share = 1, loss;
	unsigned halvings = 0, stalls = 0;
	bool more;
	int r;

	if ((r = newton_new(&n, l, e)) < 0)
		goto out;
	for (;;) {
		if ((r = linear_hessian(l, l->beta, &loss, n.gradient, n.hessian, e)) < 0)
			goto out;
		value = loss + linear_penalty(l, l->beta);
		more = linear_passed(l, loss);
		/* Not for rounding: near the end all losses are equal. */
		if (!(value <= last + 1e-12 * fabs(last))) {
			if (isinf(last))
				break;
			share /= 2;
			walk(&n, more && halvings++ < HALVINGS ? share : 0);
			if (!more || halvings > HALVINGS)
				break;
			continue;
		}
		linear_slope(l, l->beta, n.gradient, n.slope);
		norm = linear_norm(l, n.slope);
		if (isinf(last))
			n.scale = MAX_OF(1, norm);
		stalls = norm > last_norm / 2 && !(value < last) ? stalls + 1 : 0;
		if (norm <= l->p->tolerance * n.scale || stalls >= STALLS || !more)
			break;
		last = value;
		last_norm = norm;
		memcpy(n.base, l->beta, n.d1 * sizeof(double));
		if (l->p->l1 > 0)
			descent_step(&n);
		else
			cholesky_step(&n);
		share = 1;
		halvings = 0;
		walk(&n, share);
	}
out:
	free(n.gradient);
	free(n.hessian);
	return r;
}
