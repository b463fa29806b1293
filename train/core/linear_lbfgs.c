/*
 * L-BFGS, with an L1 penalty in its orthant-wise form: the direction is that of the
 * least subgradient, and no weight crosses zero within a step. For many inputs or
 * several outputs, where a Hessian would be too large.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/linear_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY	 12
#define HALVINGS 40
#define STALLS	 8

struct lbfgs {
	struct linear *l;
	size_t nr;
	double *raw;
	double *gradient, *slope, *way;		 /* at beta */
	double *beta, *new_gradient, *new_slope; /* where the step leads */
	double *s[MEMORY], *y[MEMORY], rho[MEMORY];
	unsigned kept, next;
	double value, norm;
};

static int lbfgs_new(struct lbfgs *f, struct linear *l, struct err *e)
{
	double **const vectors[] = {&f->gradient, &f->slope,	    &f->way,
				    &f->beta,	  &f->new_gradient, &f->new_slope};
	void *p;
	double *v;
	int r;

	f->l = l;
	f->nr = (l->inputs + 1) * l->outputs;
	r = try_alloc(&p, (ARRAY_SIZE(vectors) + 2 * MEMORY) * f->nr, sizeof(double),
		      "weights", e);
	if (r < 0)
		return r;
	f->raw = v = p;
	l->held += (ARRAY_SIZE(vectors) + 2 * MEMORY) * f->nr * sizeof(double);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++, v += f->nr)
		*vectors[i] = v;
	for (unsigned i = 0; i < MEMORY; i++, v += 2 * f->nr) {
		f->s[i] = v;
		f->y[i] = v + f->nr;
	}
	return 0;
}

static double dot(const double *a, const double *b, size_t nr)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += a[i] * b[i];
	return sum;
}

/* The gradient of the smooth part: L2 is in it, L1 is not. */
static int look(struct lbfgs *f, const double *beta, double *value, double *gradient,
		double *slope, bool *more, struct err *e)
{
	struct linear *l = f->l;
	double loss;
	int r;

	if ((r = linear_gradient(l, beta, &loss, gradient, e)) < 0)
		return r;
	*more = linear_passed(l, loss);
	*value = loss + linear_penalty(l, beta);
	linear_slope(l, beta, gradient, slope);
	for (size_t i = 0; i < f->nr; i++)
		if (i % (l->inputs + 1) != l->inputs)
			gradient[i] += l->p->l2 * beta[i];
	return 0;
}

/* -(inverse Hessian) slope, as the last steps know it. */
static void find_way(struct lbfgs *f)
{
	double a[MEMORY] = {0}, *way = f->way;

	for (size_t i = 0; i < f->nr; i++)
		way[i] = -f->slope[i];
	for (unsigned n = 0; n < f->kept; n++) {
		unsigned at = (f->next + MEMORY - 1 - n) % MEMORY;

		a[at] = f->rho[at] * dot(f->s[at], way, f->nr);
		for (size_t i = 0; i < f->nr; i++)
			way[i] -= a[at] * f->y[at][i];
	}
	if (f->kept > 0) {
		unsigned at = (f->next + MEMORY - 1) % MEMORY;
		double by = 1 / (f->rho[at] * dot(f->y[at], f->y[at], f->nr));

		for (size_t i = 0; i < f->nr; i++)
			way[i] *= by;
	}
	for (unsigned n = f->kept; n-- > 0;) {
		unsigned at = (f->next + MEMORY - 1 - n) % MEMORY;
		double b = f->rho[at] * dot(f->y[at], way, f->nr);

		for (size_t i = 0; i < f->nr; i++)
			way[i] += (a[at] - b) * f->s[at][i];
	}
	for (size_t i = 0; f->l->p->l1 > 0 && i < f->nr; i++)
		if (way[i] * f->slope[i] >= 0)
			way[i] = 0;
	if (!(dot(way, f->slope, f->nr) < 0)) {
		f->kept = 0;
		for (size_t i = 0; i < f->nr; i++)
			way[i] = -f->slope[i];
	}
}

/* No weight changes its sign within a step; one at zero goes where it is pulled. */
static void step_to(struct lbfgs *f, double share)
{
	const struct linear *l = f->l;

	for (size_t i = 0; i < f->nr; i++) {
		double from = l->beta[i], side = from != 0 ? from : -f->slope[i];
		bool bias = i % (l->inputs + 1) == l->inputs;

		f->beta[i] = from + share * f->way[i];
		if (l->p->l1 > 0 && !bias && f->beta[i] * side < 0)
			f->beta[i] = 0;
	}
}

static void remember(struct lbfgs *f)
{
	double *s = f->s[f->next], *y = f->y[f->next], sy;

	for (size_t i = 0; i < f->nr; i++) {
		s[i] = f->beta[i] - f->l->beta[i];
		y[i] = f->new_gradient[i] - f->gradient[i];
	}
	sy = dot(s, y, f->nr);
	/* Rounding alone says nothing of the curvature. */
	if (!(sy > 1e-14 * sqrt(dot(s, s, f->nr) * dot(y, y, f->nr))))
		return;
	f->rho[f->next] = 1 / sy;
	f->next = (f->next + 1) % MEMORY;
	f->kept = MIN_OF(f->kept + 1, (unsigned)MEMORY);
}

static void accept(struct lbfgs *f, double value)
{
	double *gradient = f->gradient, *slope = f->slope;

	remember(f);
	memcpy(f->l->beta, f->beta, f->nr * sizeof(double));
	f->gradient = f->new_gradient;
	f->new_gradient = gradient;
	f->slope = f->new_slope;
	f->new_slope = slope;
	f->value = value;
	f->norm = linear_norm(f->l, f->slope);
}

/* One step that lowers the loss; *moved tells whether there was one. */
static int step(struct lbfgs *f, bool *moved, bool *more, struct err *e)
{
	double share = f->kept > 0 ? 1 : 1 / f->l->w_all, value;
	int r;

	*moved = false;
	for (unsigned n = 0; n < HALVINGS && *more; n++, share /= 2) {
		double falls = 0, close;

		step_to(f, share);
		r = look(f, f->beta, &value, f->new_gradient, f->new_slope, more, e);
		if (r < 0)
			return r;
		for (size_t i = 0; i < f->nr; i++)
			falls += f->slope[i] * (f->beta[i] - f->l->beta[i]);
		close = 1e-13 * fabs(f->value);
		/* Where losses differ by rounding only, the slope decides. */
		if (value <= f->value + 1e-4 * falls ||
		    (fabs(value - f->value) <= close &&
		     linear_norm(f->l, f->new_slope) < f->norm)) {
			accept(f, value);
			*moved = true;
			return 0;
		}
	}
	return 0;
}

int linear_lbfgs(struct linear *l, struct err *e)
{
	struct lbfgs f = {0};
	bool more = true, moved;
	double enough, best;
	unsigned stalls = 0;
	int r;

	if ((r = lbfgs_new(&f, l, e)) < 0 ||
	    (r = look(&f, l->beta, &f.value, f.gradient, f.slope, &more, e)) < 0)
		goto out;
	best = f.norm = linear_norm(l, f.slope);
	enough = l->p->tolerance * MAX_OF(1, f.norm);
	while (more && f.norm > enough && stalls < STALLS) {
		double before = f.value;

		find_way(&f);
		if ((r = step(&f, &moved, &more, e)) < 0)
			goto out;
		if (!moved) {
			/* What was remembered may be what stands in the way. */
			if (f.kept == 0)
				break;
			f.kept = 0;
			continue;
		}
		stalls = f.value < before || f.norm < best ? 0 : stalls + 1;
		best = MIN_OF(best, f.norm);
	}
out:
	free(f.raw);
	return r;
}
