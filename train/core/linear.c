/*
 * Linear models: inputs are standardised, fitted by Newton's method or L-BFGS, and
 * the standardisation is folded back into the weights.
 *
 * What is minimised is the sum over rows of weight * loss, plus l2 / 2 * |b|^2 and
 * l1 * |b| over the weights of standardised inputs; the bias is free.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/fp.h"
#include "train/core/linear_impl.h"
#include "train/core/metric.h"
#include "train/core/model.h"
#include "train/core/round.h"
#include "train/core/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A spread below this share of the mean is what rounding makes of a constant. */
#define CONSTANT 1e-13
/* L-BFGS takes cheaper passes, and more of them. */
#define LBFGS_PASSES 10

/* ---- statistics -------------------------------------------------------------- */

/* Rows of a block whose value is there, and their weights, into s->q. */
static void present(const struct linear *l, const struct column *c,
		    struct linear_space *s, size_t from, size_t n, size_t n8)
{
	for (size_t i = 0; i < n8; i++)
		s->q[i] = i >= n || isnan(c->num[from + i]) ? 0
			  : l->w			    ? l->w[from + i]
							    : 1;
}

/* Slots: the sum of weights; then by column the weight of rows that are not missing
 * and the sum of weight * value (arg NULL), or of weight * (value - mean)^2. */
static void moments_block(struct linear *l, size_t block, unsigned member, double *slot,
			  const void *arg)
{
	struct linear_space *s = &l->space[member];
	size_t from = block * LINEAR_BLOCK, n = linear_block_rows(l, block);
	size_t n8 = (n + 7) / 8 * 8;

	for (size_t i = 0; i < n8; i++) {
		s->y[i] = 1;
		s->loss[i] = i >= n ? 0 : l->w ? l->w[from + i] : 1;
	}
	slot[0] = l->k->dot(s->loss, s->y, n8);
	for (size_t j = 0; j < l->t->cols_nr; j++) {
		const struct linear_column *c = &l->cols[j];
		double *out = slot + 1 + 2 * j;

		out[0] = out[1] = 0;
		if (c->c->f.kind == FEATURE_CATEGORICAL)
			continue;
		present(l, c->c, s, from, n, n8);
		l->k->standardize(s->x, c->c->num + from, n, n8, arg ? c->mean : 0, 1);
		out[0] = l->k->dot(s->q, s->y, n8);
		if (arg) {
			memcpy(s->r, s->x, n8 * sizeof(double));
			(void)l->k->dot_scale(s->r, s->x, s->q, n8);
			out[1] = l->k->dot(s->r, s->x, n8);
		} else {
			out[1] = l->k->dot(s->q, s->x, n8);
		}
	}
}

static int standardisation(struct linear *l, struct err *e)
{
	size_t nr = 1 + 2 * l->t->cols_nr;
	double *total;
	void *p;
	int r;

	if ((r = try_alloc(&p, nr, sizeof(double), "sums", e)) < 0)
		return r;
	total = p;
	if ((r = linear_sum(l, nr, moments_block, NULL, false, total, e)) < 0)
		goto out;
	l->w_all = total[0];
	for (size_t j = 0; j < l->t->cols_nr; j++)
		l->cols[j].mean =
			total[1 + 2 * j] > 0 ? total[2 + 2 * j] / total[1 + 2 * j] : 0;
	if ((r = linear_sum(l, nr, moments_block, l, false, total, e)) < 0)
		goto out;
	for (size_t j = 0; j < l->t->cols_nr; j++) {
		struct linear_column *c = &l->cols[j];
		double weight = total[1 + 2 * j], spread;

		if (c->c->f.kind == FEATURE_CATEGORICAL)
			continue;
		spread = weight > 0 ? sqrt(total[2 + 2 * j] / weight) : 0;
		if (!isfinite(c->mean) || !isfinite(spread)) {
			r = err_set(e, ERR_INVALID,
				    "column '%s' holds infinite values, which no linear "
				    "model takes",
				    c->c->f.name);
			goto out;
		}
		c->inverse = !(spread > CONSTANT * fabs(c->mean)) ? 0
			     : l->p->standardize		  ? 1 / spread
								  : 1;
	}
out:
	free(total);
	return r;
}

/* ---- progress ---------------------------------------------------------------- */

static void save_nothing(struct buf *out, const void *state)
{
	/* A linear fit takes seconds and begins again from nothing: an empty
	 * checkpoint is the one that does not resume. */
	(void)out, (void)state;
}

static double shown_loss(const struct linear *l, double loss)
{
	double mean = loss / l->w_all;

	if (l->one_class >= 0)
		return NAN;
	switch (l->objective) {
	case OBJ_L2:
		return sqrt(2 * mean); /* rmse */
	case OBJ_BINARY:
	case OBJ_SOFTMAX:
		return mean; /* logloss, multi_logloss */
	default:
		return NAN;
	}
}

bool linear_passed(struct linear *l, double loss)
{
	struct round_state s = {
		.pub = {.round = l->passes + 1,
			.rounds = l->passes_max,
			.train = shown_loss(l, loss),
			.valid = NAN,
			.metric = metric_defaults(l->p->objective)[0],
			.rows = (uint64_t)(l->passes + 1) * l->t->rows},
		.save = save_nothing,
		.state = l,
	};

	l->passes++;
	if (l->c->on_round && l->c->on_round(l->c->ctx, &s.pub) != 0)
		l->stopped = true;
	return !l->stopped && l->passes < l->passes_max;
}

/* ---- fitting ----------------------------------------------------------------- */

static int set_columns(struct linear *l, struct err *e)
{
	void *p;
	int r;

	if ((r = try_alloc(&p, l->t->cols_nr + 1, sizeof(*l->cols), "columns", e)) < 0)
		return r;
	l->cols = p;
	for (size_t j = 0; j < l->t->cols_nr; j++) {
		struct linear_column *c = &l->cols[j];

		c->c = &l->t->cols[j];
		c->at = l->inputs;
		c->nr = c->c->f.kind == FEATURE_CATEGORICAL ? c->c->f.cats_nr : 1;
		l->inputs += c->nr;
	}
	/* Not a power of two apart, or columns would fight for the same cache lines. */
	l->stride = LINEAR_BLOCK + 8;
	l->ld = (l->inputs + 1 + 7) / 8 * 8;
	return 0;
}

static bool use_newton(const struct linear *l)
{
	double d = (double)l->inputs + 1;

	return l->objective != OBJ_SOFTMAX && l->inputs <= LINEAR_NEWTON_INPUTS &&
	       (double)l->o->rows * d * d <= LINEAR_NEWTON_WORK;
}

/* Fits l->outputs outputs at once, from the margins to begin with. */
static int fit(struct linear *l, const double *margin, double *beta, struct err *e)
{
	size_t d1 = l->inputs + 1;

	l->beta = beta;
	for (unsigned k = 0; k < l->outputs; k++)
		beta[d1 * k + l->inputs] = margin[k];
	l->passes_max = l->p->max_passes * (use_newton(l) ? 1 : LBFGS_PASSES);
	l->passes = 0;
	return use_newton(l) ? linear_newton(l, e) : linear_lbfgs(l, e);
}

static int fit_all(struct linear *l, double *beta, unsigned outputs, struct err *e)
{
	double *margin = xcalloc(outputs, sizeof(*margin));
	unsigned passes = 0;
	int r;

	if ((r = objective_init(l->o, margin, e)) < 0)
		goto out;
	if (l->p->objective != OBJ_OVA) {
		r = fit(l, margin, beta, e);
		passes = l->passes;
		goto out;
	}
	/* Each class against all others, on its own. */
	for (unsigned k = 0; r == 0 && k < outputs && !l->stopped; k++) {
		l->one_class = (int)k;
		r = fit(l, margin + k, beta + (l->inputs + 1) * k, e);
		passes = MAX_OF(passes, l->passes);
	}
out:
	l->passes = passes;
	free(margin);
	return r;
}

/* ---- the model --------------------------------------------------------------- */

static void describe(struct model *m, const struct linear *l, unsigned outputs)
{
	const struct table *t = l->t;

	m->type = MODEL_LINEAR;
	m->objective = l->p->objective;
	m->objective_arg = m->objective == OBJ_POISSON ? l->p->poisson_max_delta : 0;
	m->scale_pos_weight = l->p->scale_pos_weight;
	m->features = xcalloc(t->cols_nr + 1, sizeof(*m->features));
	m->features_nr = t->cols_nr;
	m->fill = xcalloc(t->cols_nr + 1, sizeof(*m->fill));
	for (size_t j = 0; j < t->cols_nr; j++) {
		feature_copy(&m->features[j], &t->cols[j].f);
		m->fill[j] = l->cols[j].mean;
	}
	m->target = t->label_name ? xstrdup(t->label_name) : NULL;
	if (t->classes) {
		m->classes = xcalloc(t->classes_nr + 1, sizeof(*m->classes));
		for (size_t i = 0; i < t->classes_nr; i++)
			m->classes[i] = xstrdup(t->classes[i]);
		m->classes_nr = t->classes_nr;
	}
	m->outputs = outputs;
	m->base = xcalloc(outputs, sizeof(*m->base));
	m->grid_bits = -2;
}

/* b + sum w (x - mean) / spread = (b - sum w mean / spread) + sum (w / spread) x */
static int fold(struct model *m, const struct linear *l, const double *beta,
		struct err *e)
{
	m->weights_nr = l->inputs;
	m->weights = xcalloc(l->inputs * m->outputs + 1, sizeof(*m->weights));
	m->bias = xcalloc(m->outputs, sizeof(*m->bias));
	for (unsigned k = 0; k < m->outputs; k++) {
		const double *b = beta + (l->inputs + 1) * k;
		double *w = m->weights + l->inputs * k, bias = b[l->inputs];

		for (size_t j = 0; j < l->t->cols_nr; j++) {
			const struct linear_column *c = &l->cols[j];

			for (size_t i = c->at; i < c->at + c->nr; i++) {
				bool number = c->c->f.kind != FEATURE_CATEGORICAL;

				w[i] = (number ? b[i] * c->inverse : b[i]) + 0.0;
				if (number)
					bias -= w[i] * c->mean;
				if (!isfinite(w[i]))
					return err_set(e, ERR_INVALID,
						       "the weight of column '%s' grew "
						       "beyond all bounds",
						       c->c->f.name);
			}
		}
		if (!isfinite(bias))
			return err_set(e, ERR_INVALID, "the bias grew beyond all bounds");
		m->bias[k] = bias + 0.0;
	}
	return 0;
}

static int validate(double *value, const struct model *m, const struct table *valid,
		    const struct train_params *p, struct err *e)
{
	struct metric_value v;
	struct metric_input in = {.objective = m->objective,
				  .outputs = m->outputs,
				  .label = valid->label,
				  .weight = valid->weight,
				  .group = valid->group,
				  .nr = valid->rows,
				  .threshold = 0.5,
				  .arg = m->objective_arg};
	double *margin;
	void *q;
	int r;

	if ((r = try_alloc(&q, valid->rows * m->outputs, sizeof(double), "margins", e)) <
	    0)
		return r;
	in.margin = margin = q;
	model_margins(m, valid, 0, valid->rows, margin);
	r = metric_compute(&v, p->metric ? p->metric : metric_defaults(p->objective)[0],
			   &in, e);
	if (r == 0)
		*value = v.value;
	free(margin);
	return r;
}

/* ---- the door ---------------------------------------------------------------- */

static double seconds_since(clock_t *from)
{
	clock_t now = clock();
	double s = (double)(now - *from) / CLOCKS_PER_SEC;

	*from = now;
	return s;
}

static int prepare(struct linear *l, const struct table *t, const struct train_params *p,
		   const struct train_control *c, struct err *e)
{
	int r;

	l->t = t;
	l->p = p;
	l->c = c;
	l->comm = c->comm && c->comm->size > 1 ? c->comm : NULL;
	l->one_class = -1;
	if (l->comm && t->first_row % LINEAR_BLOCK != 0)
		return err_set(e, ERR_INVALID,
			       "a shard of a linear training begins at row %llu: it must "
			       "be a multiple of %d",
			       (unsigned long long)t->first_row, LINEAR_BLOCK);
	l->k = linear_kernels_of(c->simd);
	if ((r = team_new(&l->team, c->threads, e)) < 0 ||
	    (r = objective_new(&l->o, p, t, l->comm, c->simd, e)) < 0)
		return r;
	l->w = l->o->w;
	l->outputs = p->objective == OBJ_SOFTMAX ? l->o->outputs : 1;
	l->objective = p->objective == OBJ_OVA ? OBJ_BINARY : p->objective;
	if ((r = set_columns(l, e)) < 0)
		return r;
	/* Statistics take blocks one each, whatever the fit will do. */
	if ((r = linear_spaces(l, false, e)) < 0 || (r = standardisation(l, e)) < 0)
		return r;
	linear_spaces_free(l);
	l->held = 0;
	return linear_spaces(l, use_newton(l), e);
}

static void release(struct linear *l)
{
	linear_spaces_free(l);
	free(l->cols);
	objective_free(l->o);
	team_free(l->team);
}

int train_linear(struct model *out, struct train_result *res, const struct table *t,
		 const struct table *valid, const struct train_params *p,
		 const struct train_control *c, struct err *e)
{
	struct linear l = {0};
	struct model m = {0};
	struct train_result done = {.best = NAN};
	clock_t at = clock();
	double *beta = NULL;
	unsigned outputs;
	void *v;
	int r;

	if ((r = prepare(&l, t, p, c, e)) < 0)
		goto out;
	done.bin_s = seconds_since(&at);
	outputs = l.o->outputs;
	if ((r = try_alloc(&v, (l.inputs + 1) * outputs, sizeof(double), "weights", e)) <
	    0)
		goto out;
	beta = v;
	if ((r = fit_all(&l, beta, outputs, e)) < 0)
		goto out;
	describe(&m, &l, outputs);
	if ((r = fold(&m, &l, beta, e)) < 0 ||
	    (valid && (r = validate(&done.best, &m, valid, p, e)) < 0))
		goto out;
	linear_spaces_free(&l);
	if (l.comm && (r = l.comm->max_f64(l.comm->ctx, &l.max_margin, 1, e)) < 0)
		goto out;
	done.rounds = done.best_round = l.passes;
	done.stopped = l.stopped;
	done.max_margin = l.max_margin;
	done.peak_bytes = l.held_most;
	done.boost_s = seconds_since(&at);
	*out = m;
	m = (struct model){0};
	*res = done;
out:
	free(beta);
	model_release(&m);
	release(&l);
	return r;
}
