#include "train/core/metric.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/fp.h"
#include "train/core/metric_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 4096
#define LANES	   8
/* The normal quantile of 97.5 %. */
#define Z95 1.959963984540054

/* ---- the blocked sum --------------------------------------------------------- */

static void end_block(struct blocked_sum *s)
{
	const double *l = s->lane;

	s->total += ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
	memset(s->lane, 0, sizeof(s->lane));
	s->n = 0;
}

void blocked_sum_add(struct blocked_sum *s, double v)
{
	s->lane[s->n % LANES] += v;
	if (++s->n == BLOCK_ROWS)
		end_block(s);
}

void blocked_sum_many(struct blocked_sum *s, const double *v, size_t nr)
{
	for (; nr > 0 && s->n % LANES != 0; nr--)
		blocked_sum_add(s, *v++);
	while (nr >= LANES) {
		size_t run = MIN_OF(nr, (size_t)(BLOCK_ROWS - s->n)) / LANES;

		for (size_t i = 0; i < run; i++, v += LANES)
			for (unsigned k = 0; k < LANES; k++)
				s->lane[k] += v[k];
		nr -= run * LANES;
		s->n += (uint32_t)(run * LANES);
		if (s->n == BLOCK_ROWS)
			end_block(s);
	}
	for (; nr > 0; nr--)
		blocked_sum_add(s, *v++);
}

double blocked_sum_end(struct blocked_sum *s)
{
	if (s->n > 0)
		end_block(s);
	return s->total;
}

/* ---- what rows say ----------------------------------------------------------- */

double metric_response(const struct metric_work *w, size_t i)
{
	size_t row = metric_row(w, i);

	if (w->in->response)
		return w->in->response[row];
	switch (w->in->objective) {
	case OBJ_BINARY:
		return fp_sigmoid(w->in->margin[row]);
	case OBJ_POISSON:
	case OBJ_GAMMA:
	case OBJ_TWEEDIE:
		return fp_exp(w->in->margin[row]);
	default:
		return w->in->margin[row];
	}
}

unsigned metric_predicted(const struct metric_work *w, size_t i, double threshold)
{
	const struct metric_input *in = w->in;
	const double *s = in->margin + metric_row(w, i) * in->outputs;
	unsigned best = 0;

	if (in->outputs == 1)
		return metric_response(w, i) > threshold;
	for (unsigned k = 1; k < in->outputs; k++)
		if (s[k] > s[best])
			best = k;
	return best;
}

int metric_undefined(const struct metric_work *w, const char *why, struct err *e)
{
	return err_set(e, ERR_INVALID, "metric '%s' is not defined here: %s", w->name,
		       why);
}

int metric_need_binary(const struct metric_work *w, struct err *e)
{
	if (w->in->outputs != 1)
		return metric_undefined(w, "it takes two classes, not more", e);
	for (size_t i = 0; i < w->nr; i++) {
		double y = metric_label(w, i);

		if (y != 0 && y != 1)
			return err_set(e, ERR_INVALID,
				       "metric '%s' is not defined here: row %zu has "
				       "label %.17g, neither 0 nor 1",
				       w->name, metric_row(w, i), y);
	}
	return 0;
}

int metric_need_probability(const struct metric_work *w, struct err *e)
{
	if (w->in->objective != OBJ_BINARY)
		return metric_undefined(
			w, "the objective gives no probability of a class", e);
	return metric_need_binary(w, e);
}

/* ---- intervals --------------------------------------------------------------- */

double metric_n_effective(const struct metric_work *w, double mass)
{
	if (!w->mass)
		return mass;
	return mass * ((double)w->mass_all / w->mass_squares);
}

void metric_rate(struct metric_value *out, double hits, double all, double n)
{
	double p = hits / all, z2 = Z95 * Z95, middle, half;

	out->value = p;
	middle = (p + z2 / (2 * n)) / (1 + z2 / n);
	half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
	/* Rounding must not leave the rate itself outside. */
	out->low = MAX_OF(0, MIN_OF(p, middle - half));
	out->high = MIN_OF(1, MAX_OF(p, middle + half));
}

/* ---- the door ---------------------------------------------------------------- */

static int weigh(struct metric_work *w, struct err *e)
{
	double top = 0;
	int exponent = 0, bits = 0, shift, r;
	void *p;

	w->mass_all = w->nr;
	w->mass_squares = (double)w->nr;
	if (!w->in->weight)
		return 0;
	for (size_t i = 0; i < w->nr; i++) {
		double v = metric_weight(w, i);

		if (!(v > 0 && v < INFINITY))
			return err_set(e, ERR_INVALID,
				       "row %zu: the weight is %.17g: it must be above 0",
				       metric_row(w, i), v);
		top = MAX_OF(top, v);
	}
	if ((r = try_alloc(&p, w->nr, sizeof(*w->mass), "weights", e)) < 0)
		return r;
	w->mass = p;
	(void)frexp(top, &exponent);
	while (bits < 63 && (uint64_t)1 << bits < w->nr)
		bits++;
	shift = 52 - bits - exponent;
	w->mass_all = 0;
	w->mass_squares = 0;
	for (size_t i = 0; i < w->nr; i++) {
		double v = rint(ldexp(metric_weight(w, i), shift));

		w->mass[i] = v > 1 ? (uint64_t)v : 1;
		w->mass_all += w->mass[i];
		w->mass_squares += (double)w->mass[i] * (double)w->mass[i];
	}
	return 0;
}

static int fits(const struct metric_info *info, const struct metric_work *w,
		struct err *e)
{
	enum objective o = w->in->objective;
	bool classes = o == OBJ_BINARY || o == OBJ_SOFTMAX || o == OBJ_OVA;

	if (w->nr == 0)
		return metric_undefined(w, "there are no rows", e);
	if (w->nr > UINT32_MAX)
		return metric_undefined(w, "there are more than 4294967295 rows", e);
	switch (info->kind) {
	case METRIC_CLASS:
		return classes ? 0
			       : metric_undefined(w, "the objective has no classes", e);
	case METRIC_MULTI:
		return o == OBJ_SOFTMAX || o == OBJ_OVA
			       ? 0
			       : metric_undefined(w,
						  "the objective has no more than two "
						  "classes",
						  e);
	case METRIC_NUMBER:
		return w->in->outputs == 1 && o != OBJ_LAMBDARANK
			       ? 0
			       : metric_undefined(w, "the objective predicts no number",
						  e);
	case METRIC_RANK:
		return w->in->group ? 0 : metric_undefined(w, "rows have no queries", e);
	default:
		return 0;
	}
}

int metric_compute(struct metric_value *out, const char *name,
		   const struct metric_input *in, struct err *e)
{
	struct metric_work w = {.in = in, .name = name, .nr = in->nr};
	const struct metric_info *info = metric_find(name, &w.k);
	struct metric_value v = {.low = NAN, .high = NAN, .n = in->nr};
	int r;

	if (!info) {
		const char *near = metric_nearest(name);

		return err_set(e, ERR_INVALID, "metric '%s' is unknown%s%s%s", name,
			       near ? ", did you mean '" : "", near ? near : "",
			       near ? "'?" : "");
	}
	if ((r = fits(info, &w, e)) < 0 || (r = weigh(&w, e)) < 0 ||
	    (r = info->run(&v, &w, e)) < 0)
		goto out;
	*out = v;
out:
	free(w.mass);
	return r;
}

int metric_reliability(struct reliability *out, unsigned bins,
		       const struct metric_input *in, struct err *e)
{
	struct metric_work w = {.in = in, .name = "reliability", .nr = in->nr};
	int r;

	if (bins == 0 || in->nr == 0 || in->nr > UINT32_MAX)
		return metric_undefined(&w, "it takes at least one bin and one row", e);
	if ((r = weigh(&w, e)) == 0)
		r = metric_reliability_of(out, bins, &w, e);
	free(w.mass);
	return r;
}
