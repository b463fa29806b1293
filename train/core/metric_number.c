/* Metrics that are means of a loss by row: blocked sums of weight * loss and of
 * weight. */
#include "store/base/err.h"
#include "train/core/fp.h"
#include "train/core/linear_impl.h"
#include "train/core/metric_impl.h"

#include <math.h>

#define LOSS_ROWS 512

/* The loss of a row with label y and prediction p; NaN where it has none. */
typedef double (*loss_fn)(double y, double p, double arg);

static double mean_loss(const struct metric_work *w, loss_fn loss, double arg)
{
	struct blocked_sum sum = {0}, weights = {0};

	for (size_t i = 0; i < w->nr; i++) {
		double v = loss(metric_label(w, i), metric_response(w, i), arg);

		if (w->in->weight) {
			blocked_sum_add(&weights, metric_weight(w, i));
			v *= metric_weight(w, i);
		}
		blocked_sum_add(&sum, v);
	}
	return blocked_sum_end(&sum) /
	       (w->in->weight ? blocked_sum_end(&weights) : (double)w->nr);
}

static int numbers(struct metric_value *out, const struct metric_work *w, loss_fn loss,
		   double arg, const char *needs, struct err *e)
{
	double v = mean_loss(w, loss, arg);

	if (isnan(v))
		return metric_undefined(w, needs, e);
	out->value = v;
	return 0;
}

static double arg_of(const struct metric_work *w, enum objective o, double other)
{
	return w->in->objective == o ? w->in->arg : other;
}

#define NEEDS_NUMBERS "labels and predictions must be numbers"

static double square(double y, double p, double arg UNUSED)
{
	double d = p - y;

	return d * d;
}

int metric_mse(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, square, 0, NEEDS_NUMBERS, e);
}

int metric_rmse(struct metric_value *out, struct metric_work *w, struct err *e)
{
	int r = metric_mse(out, w, e);

	if (r == 0)
		out->value = sqrt(out->value);
	return r;
}

static double distance(double y, double p, double arg UNUSED)
{
	return fabs(p - y);
}

int metric_mae(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, distance, 0, NEEDS_NUMBERS, e);
}

/* As the objective has it: of labels below 1 the distance itself counts. */
static double share(double y, double p, double arg UNUSED)
{
	double size = fabs(y);

	return fabs(p - y) / (size > 1 ? size : 1);
}

int metric_mape(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, share, 0, NEEDS_NUMBERS, e);
}

static double label_alone(double y, double p UNUSED, double arg UNUSED)
{
	return y;
}

static double square_from(double y, double p UNUSED, double arg)
{
	return (y - arg) * (y - arg);
}

int metric_r2(struct metric_value *out, struct metric_work *w, struct err *e)
{
	double mean = mean_loss(w, label_alone, 0);
	double spread = mean_loss(w, square_from, mean);

	/* The mean of equal labels may be off by its last bits. */
	for (size_t i = 1; i < w->nr; i++)
		if (metric_label(w, i) != metric_label(w, 0)) {
			out->value = 1 - mean_loss(w, square, 0) / spread;
			return isnan(out->value) ? metric_undefined(w, NEEDS_NUMBERS, e)
						 : 0;
		}
	return metric_undefined(w, "all rows have the same label", e);
}

static double pinball(double y, double p, double alpha)
{
	return p >= y ? (1 - alpha) * (p - y) : alpha * (y - p);
}

int metric_pinball(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, pinball, arg_of(w, OBJ_QUANTILE, 0.5), NEEDS_NUMBERS, e);
}

static double huber(double y, double p, double delta)
{
	double d = fabs(p - y);

	return d <= delta ? d * d / 2 : delta * (d - delta / 2);
}

int metric_huber(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, huber, arg_of(w, OBJ_HUBER, 1), NEEDS_NUMBERS, e);
}

static double fair(double y, double p, double c)
{
	double d = fabs(p - y) / c;

	return c * c * (d - fp_log(1 + d));
}

int metric_fair(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, fair, arg_of(w, OBJ_FAIR, 1), NEEDS_NUMBERS, e);
}

static double poisson(double y, double p, double arg UNUSED)
{
	if (!(y >= 0 && p > 0))
		return NAN;
	return 2 * ((y > 0 ? y * fp_log(y / p) : 0) - y + p);
}

int metric_poisson(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, poisson, 0,
		       "labels must be at least 0 and predictions above 0", e);
}

static double gamma_deviance(double y, double p, double arg UNUSED)
{
	if (!(y > 0 && p > 0))
		return NAN;
	return 2 * (y / p - 1 - fp_log(y / p));
}

int metric_gamma(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, gamma_deviance, 0,
		       "labels and predictions must be above 0", e);
}

static double power(double x, double by)
{
	return x > 0 ? fp_exp(by * fp_log(x)) : 0;
}

static double tweedie(double y, double p, double r)
{
	if (!(y >= 0 && p > 0))
		return NAN;
	return 2 * (power(y, 2 - r) / ((1 - r) * (2 - r)) -
		    y * power(p, 1 - r) / (1 - r) + power(p, 2 - r) / (2 - r));
}

int metric_tweedie(struct metric_value *out, struct metric_work *w, struct err *e)
{
	return numbers(out, w, tweedie, arg_of(w, OBJ_TWEEDIE, 1.5),
		       "labels must be at least 0 and predictions above 0", e);
}

/* ---- probabilities ----------------------------------------------------------- */

/* From the margin, where a probability near 1 would have lost its distance to it. */
static double logistic_loss(double y, double s)
{
	double size = fabs(s);

	return fp_log(1 + fp_exp(-size)) + (s > 0 ? s : 0) - y * s;
}

static double mean_of(const struct metric_work *w,
		      double (*of)(const struct metric_work *, size_t))
{
	struct blocked_sum sum = {0}, weights = {0};

	for (size_t i = 0; i < w->nr; i++) {
		double v = of(w, i);

		if (w->in->weight) {
			blocked_sum_add(&weights, metric_weight(w, i));
			v *= metric_weight(w, i);
		}
		blocked_sum_add(&sum, v);
	}
	return blocked_sum_end(&sum) /
	       (w->in->weight ? blocked_sum_end(&weights) : (double)w->nr);
}

/* The same loss, by as many rows at once as the CPU takes: the same bits. */
static double mean_logloss(const struct metric_work *w)
{
	double s[LOSS_ROWS], y[LOSS_ROWS], weight[LOSS_ROWS], unused[2][LOSS_ROWS];
	const struct linear_kernels *k = linear_kernels_of(SIMD_BEST);
	struct blocked_sum sum = {0}, weights = {0};

	for (size_t at = 0; at < w->nr; at += LOSS_ROWS) {
		size_t n = MIN_OF(w->nr - at, (size_t)LOSS_ROWS);

		for (size_t i = 0; i < n; i++) {
			s[i] = w->in->margin[metric_row(w, at + i)];
			y[i] = metric_label(w, at + i);
			weight[i] = metric_weight(w, at + i);
		}
		k->logistic(s, y, weight, n, unused[0], unused[1], s);
		blocked_sum_many(&sum, s, n);
		blocked_sum_many(&weights, weight, n);
	}
	return blocked_sum_end(&sum) / blocked_sum_end(&weights);
}

int metric_logloss(struct metric_value *out, struct metric_work *w, struct err *e)
{
	int r = metric_need_probability(w, e);

	if (r == 0)
		out->value = mean_logloss(w);
	return r;
}

int metric_brier(struct metric_value *out, struct metric_work *w, struct err *e)
{
	int r = metric_need_probability(w, e);

	return r < 0 ? r : numbers(out, w, square, 0, NEEDS_NUMBERS, e);
}

static double softmax_loss(const double *s, unsigned nr, unsigned y)
{
	double top = s[0], sum = 0;

	for (unsigned k = 1; k < nr; k++)
		top = s[k] > top ? s[k] : top;
	for (unsigned k = 0; k < nr; k++)
		sum += fp_exp(s[k] - top);
	return fp_log(sum) + (top - s[y]);
}

/* One-against-all probabilities do not sum to 1: they are divided by their sum. */
static double ova_loss(const double *s, unsigned nr, unsigned y)
{
	double sum = 0;

	for (unsigned k = 0; k < nr; k++)
		sum += fp_sigmoid(s[k]);
	return logistic_loss(1, s[y]) + fp_log(sum);
}

static double row_multi(const struct metric_work *w, size_t i)
{
	const struct metric_input *in = w->in;
	const double *s = in->margin + metric_row(w, i) * in->outputs;
	unsigned y = (unsigned)metric_label(w, i);

	return in->objective == OBJ_OVA ? ova_loss(s, in->outputs, y)
					: softmax_loss(s, in->outputs, y);
}

int metric_multi_logloss(struct metric_value *out, struct metric_work *w, struct err *e)
{
	int r = metric_need_classes(w, w->in->outputs, e);

	if (r == 0)
		out->value = mean_of(w, row_multi);
	return r;
}
