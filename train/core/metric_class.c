/* Metrics of classes: all of them are functions of the confusion matrix. */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/metric_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define THRESHOLD 0.5

static double threshold_of(const struct metric_work *w)
{
	return isnan(w->in->threshold) ? THRESHOLD : w->in->threshold;
}

static unsigned classes_of(const struct metric_work *w)
{
	return w->in->outputs == 1 ? 2 : w->in->outputs;
}

int metric_need_classes(const struct metric_work *w, unsigned classes, struct err *e)
{
	for (size_t i = 0; i < w->nr; i++) {
		double y = metric_label(w, i);

		if (!(y >= 0 && y < classes && y == floor(y)))
			return err_set(e, ERR_INVALID,
				       "metric '%s': row %zu has label %.17g, none of %u "
				       "classes",
				       w->name, metric_row(w, i), y, classes);
	}
	return 0;
}

/* Mass by [label * classes + predicted]. */
static int count(uint64_t **out, const struct metric_work *w, struct err *e)
{
	unsigned classes = classes_of(w);
	double threshold = threshold_of(w);
	uint64_t *c;
	void *p;
	int r;

	if ((r = metric_need_classes(w, classes, e)) < 0 ||
	    (r = try_alloc(&p, (size_t)classes * classes, sizeof(*c), "counts", e)) < 0)
		return r;
	c = p;
	for (size_t i = 0; i < w->nr; i++)
		c[(size_t)metric_label(w, i) * classes +
		  metric_predicted(w, i, threshold)] += metric_mass(w, i);
	*out = c;
	return 0;
}

static double diagonal(const uint64_t *c, unsigned classes)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < classes; k++)
		sum += c[(size_t)k * classes + k];
	return (double)sum;
}

/* ---- of two classes, c[label][predicted] ------------------------------------- */

static double right_of(const double c[2][2])
{
	return (c[0][0] + c[1][1]) / (c[0][0] + c[0][1] + c[1][0] + c[1][1]);
}

static double f1_of(const double c[2][2])
{
	double all = 2 * c[1][1] + c[0][1] + c[1][0];

	return all > 0 ? 2 * c[1][1] / all : 0;
}

static double mcc_of(const double c[2][2])
{
	double p1 = c[0][1] + c[1][1], p0 = c[0][0] + c[1][0];
	double y1 = c[1][0] + c[1][1], y0 = c[0][0] + c[0][1];
	double below = sqrt(p1) * sqrt(p0) * (sqrt(y1) * sqrt(y0));

	/* Ratios first: products of four sums need not fit. */
	return below > 0 ? (c[1][1] * c[0][0] - c[0][1] * c[1][0]) / below : 0;
}

static int two(double out[2][2], const struct metric_work *w, struct err *e)
{
	uint64_t *c;
	int r;

	if ((r = metric_need_probability(w, e)) < 0 || (r = count(&c, w, e)) < 0)
		return r;
	for (unsigned i = 0; i < 4; i++)
		out[i / 2][i % 2] = (double)c[i];
	free(c);
	return 0;
}

static int at_threshold(struct metric_value *out, const struct metric_work *w,
			double (*score)(const double c[2][2]), struct err *e)
{
	double c[2][2];
	int r;

	if (isnan(w->in->threshold)) {
		if ((r = metric_need_probability(w, e)) < 0)
			return r;
		return metric_best_threshold(&out->value, w, score, e);
	}
	if ((r = two(c, w, e)) == 0)
		out->value = score((const double(*)[2])c);
	return r;
}

int metric_f1(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return at_threshold(out, w, f1_of, e);
}

int metric_mcc(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return at_threshold(out, w, mcc_of, e);
}

int metric_precision(struct metric_value *out, struct metric_work *w, struct err *e)
{
	double c[2][2], all;
	int r;

	if ((r = two(c, w, e)) < 0)
		return r;
	all = c[0][1] + c[1][1];
	if (all == 0)
		return metric_undefined(w, "no row is predicted positive", e);
	metric_rate(out, c[1][1], all, metric_n_effective(w, all));
	return 0;
}

int metric_recall(struct metric_value *out, struct metric_work *w, struct err *e)
{
	double c[2][2], all;
	int r;

	if ((r = two(c, w, e)) < 0)
		return r;
	all = c[1][0] + c[1][1];
	if (all == 0)
		return metric_undefined(w, "no row has label 1", e);
	metric_rate(out, c[1][1], all, metric_n_effective(w, all));
	return 0;
}

/* ---- of any number ----------------------------------------------------------- */

int metric_accuracy(struct metric_value *out, struct metric_work *w, struct err *e)
{
	double all = (double)w->mass_all;
	uint64_t *c;
	int r;

	if (isnan(w->in->threshold) && w->in->outputs == 1) {
		if ((r = at_threshold(out, w, right_of, e)) == 0)
			metric_rate(out, out->value * all, all,
				    metric_n_effective(w, all));
		return r;
	}
	if ((r = count(&c, w, e)) < 0)
		return r;
	metric_rate(out, diagonal(c, classes_of(w)), all, metric_n_effective(w, all));
	free(c);
	return 0;
}

int metric_error(struct metric_value *out, struct metric_work *w, struct err *e)
{
	double all = (double)w->mass_all;
	uint64_t *c;
	int r;

	if ((r = count(&c, w, e)) < 0)
		return r;
	metric_rate(out, all - diagonal(c, classes_of(w)), all,
		    metric_n_effective(w, all));
	free(c);
	return 0;
}

/* Mean over the classes that occur, as labels or as predictions. */
int metric_macro_f1(struct metric_value *out, struct metric_work *w, struct err *e)
{
	unsigned classes = classes_of(w), present = 0;
	double sum = 0;
	uint64_t *c;
	int r;

	if ((r = count(&c, w, e)) < 0)
		return r;
	for (unsigned k = 0; k < classes; k++) {
		uint64_t labels = 0, predicted = 0;

		for (unsigned j = 0; j < classes; j++) {
			labels += c[(size_t)k * classes + j];
			predicted += c[(size_t)j * classes + k];
		}
		if (labels + predicted == 0)
			continue;
		present++;
		sum += 2 * (double)c[(size_t)k * classes + k] /
		       (double)(labels + predicted);
	}
	out->value = sum / present;
	free(c);
	return 0;
}

/* With one label a row this is the accuracy: a miss is one false positive and one
 * false negative. */
int metric_micro_f1(struct metric_value *out, struct metric_work *w, struct err *e)
{
	double all = (double)w->mass_all;
	uint64_t *c;
	int r;

	if ((r = count(&c, w, e)) < 0)
		return r;
	metric_rate(out, diagonal(c, classes_of(w)), all, metric_n_effective(w, all));
	free(c);
	return 0;
}

/* ---- tables ------------------------------------------------------------------ */

int metric_confusion(uint64_t *counts, unsigned classes, const struct metric_input *in,
		     struct err *e)
{
	struct metric_work w = {.in = in, .name = "confusion", .nr = in->nr};
	enum objective o = in->objective;
	uint64_t *c;
	int r;

	if (o != OBJ_BINARY && o != OBJ_SOFTMAX && o != OBJ_OVA)
		return metric_undefined(&w, "the objective has no classes", e);
	if (classes != classes_of(&w))
		return err_set(
			e, ERR_INVALID,
			"a confusion matrix of %u classes was asked for, the model "
			"has %u",
			classes, classes_of(&w));
	if ((r = count(&c, &w, e)) < 0)
		return r;
	memcpy(counts, c, (size_t)classes * classes * sizeof(*c));
	free(c);
	return 0;
}
