/*
 * Metrics against slow implementations that are obviously what books say, small
 * cases by hand, and any order of rows.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/metric.h"
#include "train/core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS	900
#define CLASSES 4

static double draw(uint64_t i)
{
	return rng_u0(rng_hash(23, RNG_SPLIT, 0, i));
}

static double margin[ROWS * CLASSES], label[ROWS], weight[ROWS];
static uint32_t group[ROWS];

/* Margins on a coarse grid, so that many are equal. */
static struct metric_input input(enum objective o, size_t nr, uint64_t seed)
{
	bool many = o == OBJ_SOFTMAX || o == OBJ_OVA;

	for (size_t i = 0; i < nr * CLASSES; i++)
		margin[i] = floor(draw(seed + i) * 40 - 20) / 8;
	for (size_t i = 0; i < nr; i++) {
		double u = draw(seed + 50000 + i);

		weight[i] = 0.25 + floor(8 * draw(seed + 90000 + i)) / 4;
		label[i] = many			 ? floor(u * CLASSES)
			   : o == OBJ_BINARY	 ? u < 0.3 + margin[i] / 16
			   : o == OBJ_LAMBDARANK ? floor(u * u * 4)
			   : o == OBJ_POISSON	 ? floor(u * 5)
			   : o == OBJ_GAMMA	 ? 0.1 + u * 4
			   : o == OBJ_TWEEDIE	 ? floor(u * 4)
						 : 5 * u - 2;
		group[i] = (uint32_t)(i / 17);
	}
	return (struct metric_input){.objective = o,
				     .outputs = many ? CLASSES : 1,
				     .margin = margin,
				     .label = label,
				     .nr = nr,
				     .threshold = 0.5,
				     .arg = o == OBJ_TWEEDIE ? 1.5 : 1};
}

static struct metric_value value_of(const char *name, const struct metric_input *in)
{
	struct metric_value v = {0};
	struct err e = {0};

	if (metric_compute(&v, name, in, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	return v;
}

static void near(const char *name, const struct metric_input *in, double want)
{
	double got = value_of(name, in).value;

	if (!(fabs(got - want) <= 1e-12 * (1 + fabs(want))))
		fail_msg("%s: %.17g, not %.17g", name, got, want);
}

static void refused(const char *name, const struct metric_input *in, const char *why)
{
	struct metric_value v = {.value = 77};
	struct err e = {0};

	assert_int_equal(metric_compute(&v, name, in, &e), ERR_INVALID);
	if (!strstr(e.text, why))
		fail_msg("%s: '%s' does not say '%s'", name, e.text, why);
	assert_true(v.value == 77);
}

static size_t row_of(const struct metric_input *in, size_t i)
{
	return in->rows ? in->rows[i] : i;
}

static double w_of(const struct metric_input *in, size_t i)
{
	return in->weight ? in->weight[row_of(in, i)] : 1;
}

static double y_of(const struct metric_input *in, size_t i)
{
	return in->label[row_of(in, i)];
}

static double s_of(const struct metric_input *in, size_t i)
{
	return in->margin[row_of(in, i) * in->outputs];
}

/* ---- slow twins -------------------------------------------------------------- */

static double slow_auc(const struct metric_input *in)
{
	double good = 0, all = 0;

	for (size_t i = 0; i < in->nr; i++)
		for (size_t k = 0; k < in->nr; k++) {
			double w = w_of(in, i) * w_of(in, k);

			if (y_of(in, i) != 1 || y_of(in, k) != 0)
				continue;
			all += w;
			good += s_of(in, i) > s_of(in, k)    ? w
				: s_of(in, i) == s_of(in, k) ? w / 2
							     : 0;
		}
	return good / all;
}

static double slow_ap(const struct metric_input *in)
{
	double sum = 0, positive = 0;

	for (size_t i = 0; i < in->nr; i++) {
		double above[2] = {0, 0};

		if (y_of(in, i) != 1)
			continue;
		positive += w_of(in, i);
		for (size_t k = 0; k < in->nr; k++)
			if (s_of(in, k) >= s_of(in, i))
				above[y_of(in, k) == 1] += w_of(in, k);
		sum += w_of(in, i) * above[1] / (above[0] + above[1]);
	}
	return sum / positive;
}

static double slow_delong_half(const struct metric_input *in, double auc)
{
	double n[2] = {0, 0}, spread[2] = {0, 0};

	for (size_t i = 0; i < in->nr; i++)
		n[y_of(in, i) == 1]++;
	for (size_t i = 0; i < in->nr; i++) {
		int y = y_of(in, i) == 1;
		double place = 0;

		for (size_t k = 0; k < in->nr; k++) {
			double d =
				y ? s_of(in, i) - s_of(in, k) : s_of(in, k) - s_of(in, i);

			if ((y_of(in, k) == 1) != y)
				place += d > 0 ? 1 : d == 0 ? 0.5 : 0;
		}
		place /= n[!y];
		spread[y] += (place - auc) * (place - auc);
	}
	return 1.959963984540054 *
	       sqrt(spread[0] / (n[0] - 1) / n[0] + spread[1] / (n[1] - 1) / n[1]);
}

static void confusion(const struct metric_input *in, double threshold, double c[2][2])
{
	memset(c, 0, 4 * sizeof(double));
	for (size_t i = 0; i < in->nr; i++)
		c[y_of(in, i) == 1][1 / (1 + exp(-s_of(in, i))) > threshold] +=
			w_of(in, i);
}

static double f1(double c[2][2])
{
	double all = 2 * c[1][1] + c[0][1] + c[1][0];

	return all > 0 ? 2 * c[1][1] / all : 0;
}

static double mcc(double c[2][2])
{
	double below = sqrt((c[0][1] + c[1][1]) * (c[0][0] + c[1][0]) *
			    (c[1][0] + c[1][1]) * (c[0][0] + c[0][1]));

	return below > 0 ? (c[1][1] * c[0][0] - c[0][1] * c[1][0]) / below : 0;
}

static double best(const struct metric_input *in, double (*of)(double c[2][2]))
{
	double c[2][2], top = -1;

	/* Thresholds between the grid's margins, and outside. */
	for (double s = -3; s < 3; s += 0.0625) {
		confusion(in, 1 / (1 + exp(-s - 0.001)), c);
		top = fmax(top, of(c));
	}
	return top;
}

static double mean(const struct metric_input *in, double (*of)(double y, double s))
{
	double sum = 0, all = 0;

	for (size_t i = 0; i < in->nr; i++) {
		sum += w_of(in, i) * of(y_of(in, i), s_of(in, i));
		all += w_of(in, i);
	}
	return sum / all;
}

static double l_log(double y, double s)
{
	double p = 1 / (1 + exp(-s));

	return -(y * log(p) + (1 - y) * log(1 - p));
}
static double l_brier(double y, double s)
{
	double p = 1 / (1 + exp(-s));

	return (p - y) * (p - y);
}
static double l_square(double y, double s)
{
	return (y - s) * (y - s);
}
static double l_abs(double y, double s)
{
	return fabs(y - s);
}
static double l_mape(double y, double s)
{
	return fabs(y - s) / fmax(1, fabs(y));
}
static double l_label(double y, double s)
{
	(void)s;
	return y;
}
static double l_label2(double y, double s)
{
	(void)s;
	return y * y;
}
static double l_pinball(double y, double s)
{
	return y > s ? 0.5 * (y - s) : 0.5 * (s - y);
}
static double l_huber(double y, double s)
{
	double d = fabs(y - s);

	return d < 1 ? d * d / 2 : d - 0.5;
}
static double l_fair(double y, double s)
{
	return fabs(y - s) - log(1 + fabs(y - s));
}
static double l_poisson(double y, double s)
{
	return 2 * ((y > 0 ? y * log(y / exp(s)) : 0) - y + exp(s));
}
static double l_gamma(double y, double s)
{
	return 2 * (y / exp(s) - 1 - log(y / exp(s)));
}
static double l_tweedie(double y, double s)
{
	return 2 * (pow(y, 0.5) / (-0.5 * 0.5) - y * pow(exp(s), -0.5) / -0.5 +
		    pow(exp(s), 0.5) / 0.5);
}

/* ---- tests ------------------------------------------------------------------- */

static void slices(void (*check)(struct metric_input *in), enum objective o)
{
	static uint32_t rows[ROWS];
	struct metric_input in;
	size_t nr = 0;

	for (uint64_t seed = 0; seed < 3; seed++) {
		in = input(o, seed == 2 ? 37 : ROWS, seed * 1000003);
		check(&in);
		in.weight = weight;
		check(&in);
		nr = 0;
		for (size_t i = 0; i < in.nr; i++)
			if (draw(i + 444) < 0.6)
				rows[nr++] = (uint32_t)i;
		in.rows = rows;
		in.nr = nr;
		check(&in);
		in.weight = NULL;
		check(&in);
	}
}

static void check_binary(struct metric_input *in)
{
	struct metric_value v = value_of("auc", in);
	double c[2][2], half;

	near("auc", in, slow_auc(in));
	near("ap", in, slow_ap(in));
	if (!in->weight) {
		half = slow_delong_half(in, v.value);
		assert_true(fabs(v.low - fmax(0, v.value - half)) < 1e-12);
		assert_true(fabs(v.high - fmin(1, v.value + half)) < 1e-12);
	}
	assert_int_equal(v.n, in->nr);
	near("logloss", in, mean(in, l_log));
	near("brier", in, mean(in, l_brier));
	confusion(in, 0.5, c);
	near("accuracy", in,
	     (c[0][0] + c[1][1]) / (c[0][0] + c[0][1] + c[1][0] + c[1][1]));
	near("error", in, (c[1][0] + c[0][1]) / (c[0][0] + c[0][1] + c[1][0] + c[1][1]));
	near("precision", in, c[1][1] / (c[0][1] + c[1][1]));
	near("recall", in, c[1][1] / (c[1][0] + c[1][1]));
	near("f1", in, f1(c));
	near("mcc", in, mcc(c));
	in->threshold = 0.3;
	confusion(in, 0.3, c);
	near("f1", in, f1(c));
	in->threshold = NAN;
	near("f1", in, best(in, f1));
	near("mcc", in, best(in, mcc));
	in->threshold = 0.5;
}

static void binary_metrics_are_the_slow_ones(void **state)
{
	(void)state;
	slices(check_binary, OBJ_BINARY);
}

static void check_number(struct metric_input *in)
{
	double y = mean(in, l_label);

	near("mse", in, mean(in, l_square));
	near("rmse", in, sqrt(mean(in, l_square)));
	near("mae", in, mean(in, l_abs));
	near("mape", in, mean(in, l_mape));
	near("pinball", in, mean(in, l_pinball));
	near("huber", in, mean(in, l_huber));
	near("fair", in, mean(in, l_fair));
	near("r2", in, 1 - mean(in, l_square) / (mean(in, l_label2) - y * y));
}

static void check_poisson(struct metric_input *in)
{
	near("poisson_deviance", in, mean(in, l_poisson));
}
static void check_gamma(struct metric_input *in)
{
	near("gamma_deviance", in, mean(in, l_gamma));
}
static void check_tweedie(struct metric_input *in)
{
	near("tweedie_deviance", in, mean(in, l_tweedie));
}

static void metrics_of_numbers_are_the_slow_ones(void **state)
{
	(void)state;
	slices(check_number, OBJ_L2);
	slices(check_poisson, OBJ_POISSON);
	slices(check_gamma, OBJ_GAMMA);
	slices(check_tweedie, OBJ_TWEEDIE);
}

static void check_multi(struct metric_input *in)
{
	double loss = 0, all = 0, right = 0, c[CLASSES][CLASSES] = {{0}}, macro = 0;

	for (size_t i = 0; i < in->nr; i++) {
		const double *s = in->margin + row_of(in, i) * CLASSES;
		double sum = 0, p = 0;
		unsigned top = 0, y = (unsigned)y_of(in, i);

		for (unsigned k = 0; k < CLASSES; k++) {
			double v = in->objective == OBJ_OVA ? 1 / (1 + exp(-s[k]))
							    : exp(s[k]);

			sum += v;
			if (k == y)
				p = v;
			if (s[k] > s[top])
				top = k;
		}
		loss -= w_of(in, i) * log(p / sum);
		all += w_of(in, i);
		right += w_of(in, i) * (top == y);
		c[y][top] += w_of(in, i);
	}
	for (unsigned k = 0; k < CLASSES; k++) {
		double of = 0;

		for (unsigned j = 0; j < CLASSES; j++)
			of += c[k][j] + c[j][k];
		macro += 2 * c[k][k] / of / CLASSES;
	}
	near("multi_logloss", in, loss / all);
	near("accuracy", in, right / all);
	near("multi_error", in, 1 - right / all);
	near("micro_f1", in, right / all);
	near("macro_f1", in, macro);
}

static void metrics_of_many_classes_are_the_slow_ones(void **state)
{
	(void)state;
	slices(check_multi, OBJ_SOFTMAX);
	slices(check_multi, OBJ_OVA);
}

/* The mean over every order of equal margins, by drawing many. */
static void ndcg_is_the_mean_over_orders_of_equal_margins(void **state)
{
	struct metric_input in = input(OBJ_LAMBDARANK, 12, 5);
	double sum = 0, ideal = 0, y[12];
	int tries = 40000;

	(void)state;
	in.group = group;
	for (size_t i = 0; i < 12; i++) {
		margin[i] = floor(draw(i + 31) * 3);
		y[i] = label[i];
	}
	for (int t = 0; t < tries; t++) {
		double gain = 0;
		bool used[12] = {false};

		for (size_t rank = 0; rank < 5; rank++) {
			size_t top = 12;
			double top_s = 0;

			for (size_t i = 0; i < 12; i++) {
				double s = margin[i] +
					   0.9 * draw((uint64_t)t * 100 + i + 7000);

				if (!used[i] && (top == 12 || s > top_s)) {
					top = i;
					top_s = s;
				}
			}
			used[top] = true;
			gain += (pow(2, label[top]) - 1) / log2((double)rank + 2);
		}
		sum += gain;
	}
	for (size_t rank = 0; rank < 5; rank++) {
		size_t top = 0;

		for (size_t i = 0; i < 12; i++)
			if (y[i] > y[top])
				top = i;
		ideal += (pow(2, y[top]) - 1) / log2((double)rank + 2);
		y[top] = -1;
	}
	assert_true(fabs(value_of("ndcg@5", &in).value - sum / tries / ideal) < 5e-3);
}

static void ranking_metrics_by_hand(void **state)
{
	static const double s[] = {3, 2, 1, 0, 5, 4, 9, 8};
	static const double y[] = {0, 2, 1, 0, 0, 0, 1, 0};
	static const uint32_t q[] = {7, 7, 7, 7, 3, 3, 9, 9};
	static const double w[] = {1, 1, 1, 1, 1, 1, 4, 4};
	struct metric_input in = {.objective = OBJ_LAMBDARANK,
				  .outputs = 1,
				  .margin = s,
				  .label = y,
				  .group = q,
				  .nr = 8,
				  .threshold = 0.5};
	double dcg = 3 / log2(3) + 1 / log2(4), top = 3 + 1 / log2(3);
	double ap = (1.0 / 2 + 2.0 / 3) / 2;

	(void)state;
	near("ndcg", &in, (dcg / top + 1 + 1) / 3);
	near("ndcg@1", &in, (0 + 1 + 1) / 3.0);
	near("ndcg@2", &in, ((3 / log2(3)) / top + 1 + 1) / 3);
	near("map", &in, (ap + 1 + 1) / 3);
	near("map@1", &in, (0 + 1 + 1) / 3.0);
	near("map@2", &in, (1.0 / 4 + 1 + 1) / 3);
	assert_int_equal(value_of("ndcg", &in).n, 3);
	in.weight = w;
	near("map", &in, (ap + 1 + 4) / 6);
	in.group = NULL;
	refused("ndcg@5", &in, "no queries");
}

static void small_cases_by_hand(void **state)
{
	static const double s[] = {-2, -1, 1, 2}, y[] = {0, 1, 0, 1};
	struct metric_input in = {.objective = OBJ_BINARY,
				  .outputs = 1,
				  .margin = s,
				  .label = y,
				  .nr = 4,
				  .threshold = 0.5};
	struct metric_value v;

	(void)state;
	near("auc", &in, 0.75);
	near("ap", &in, (1 + 2.0 / 3) / 2);
	near("accuracy", &in, 0.5);
	near("f1", &in, 0.5);
	near("mcc", &in, 0);
	/* Wilson: 2 of 4. */
	v = value_of("accuracy", &in);
	assert_true(fabs(v.low - 0.15003898915214947) < 1e-12);
	assert_true(fabs(v.high - 0.8499610108478506) < 1e-12);
}

static void calibration_keeps_equal_scores_together(void **state)
{
	double s[100], y[100];
	struct metric_input in = {.objective = OBJ_BINARY,
				  .outputs = 1,
				  .margin = s,
				  .label = y,
				  .nr = 100,
				  .threshold = 0.5};
	struct reliability bins[10];
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		s[i] = 0;
		y[i] = i < 50;
	}
	/* Perfectly calibrated, all in one bin: cutting by label would say 0.5. */
	near("ece", &in, 0);
	assert_int_equal(metric_reliability(bins, 10, &in, &e), 0);
	assert_int_equal(bins[0].n, 100);
	assert_true(bins[0].predicted == 0.5 && bins[0].observed == 0.5);
	for (size_t i = 1; i < 10; i++)
		assert_int_equal(bins[i].n, 0);
	/* Ten scores of ten rows each: ten bins. */
	for (size_t i = 0; i < 100; i++) {
		s[i] = (double)(i % 10) - 5;
		y[i] = i / 10 < i % 10;
	}
	assert_int_equal(metric_reliability(bins, 10, &in, &e), 0);
	{
		double ece = 0, p_all = 0;

		for (size_t i = 0; i < 10; i++) {
			double p = 1 / (1 + exp(5 - (double)i));

			assert_int_equal(bins[i].n, 10);
			assert_true(fabs(bins[i].predicted - p) < 1e-14);
			assert_true(fabs(bins[i].observed - (double)i / 10) < 1e-14);
			ece += fabs(p - (double)i / 10) / 10;
			p_all += p;
		}
		near("ece@10", &in, ece);
		near("ece@1", &in, fabs(p_all / 10 - 0.45));
	}
}

static void confusion_counts_labels_by_prediction(void **state)
{
	struct metric_input in = input(OBJ_SOFTMAX, ROWS, 3);
	uint64_t c[CLASSES * CLASSES], want[CLASSES * CLASSES] = {0}, all = 0;
	struct err e = {0};

	(void)state;
	assert_int_equal(metric_confusion(c, CLASSES, &in, &e), 0);
	for (size_t i = 0; i < ROWS; i++) {
		unsigned top = 0;

		for (unsigned k = 1; k < CLASSES; k++)
			if (margin[i * CLASSES + k] > margin[i * CLASSES + top])
				top = k;
		want[(size_t)label[i] * CLASSES + top]++;
	}
	assert_memory_equal(c, want, sizeof(c));
	for (size_t i = 0; i < CLASSES * CLASSES; i++)
		all += c[i];
	assert_int_equal(all, ROWS);
	assert_int_equal(metric_confusion(c, 3, &in, &e), ERR_INVALID);
	label[5] = 17;
	assert_int_equal(metric_confusion(c, CLASSES, &in, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "row 5"));
}

static void the_order_of_rows_does_not_show_in_ranked_metrics(void **state)
{
	static const char *const names[] = {"auc", "ap", "f1", "mcc", "accuracy", "ece"};
	struct metric_input in = input(OBJ_BINARY, ROWS, 9), other = in;
	static double m2[ROWS], y2[ROWS], w2[ROWS];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		size_t to = (i * 601 + 13) % ROWS;

		m2[to] = margin[i];
		y2[to] = label[i];
		w2[to] = weight[i];
	}
	other.margin = m2;
	other.label = y2;
	for (int weighted = 0; weighted < 2; weighted++) {
		in.weight = weighted ? weight : NULL;
		other.weight = weighted ? w2 : NULL;
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			struct metric_value a = value_of(names[i], &in);
			struct metric_value b = value_of(names[i], &other);

			assert_memory_equal(&a.value, &b.value, sizeof(a.value));
		}
	}
}

static void the_blocked_sum_has_its_fixed_order(void **state)
{
	static double v[3 * 4096 + 1234];
	double lane[8] = {0}, total = 0, got;
	struct blocked_sum s = {0};
	size_t nr = ARRAY_SIZE(v);

	(void)state;
	for (size_t i = 0; i < nr; i++)
		v[i] = (draw(i) - 0.5) * exp(20 * draw(i + 33333));
	for (size_t i = 0; i < nr; i++) {
		lane[i % 4096 % 8] += v[i];
		if (i % 4096 == 4095 || i + 1 == nr) {
			total += ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
				 ((lane[4] + lane[5]) + (lane[6] + lane[7]));
			memset(lane, 0, sizeof(lane));
		}
	}
	for (size_t i = 0; i < nr; i++)
		blocked_sum_add(&s, v[i]);
	got = blocked_sum_end(&s);
	assert_memory_equal(&got, &total, sizeof(got));
	/* In pieces of any length. */
	for (uint64_t round = 0; round < 20; round++) {
		size_t at = 0;

		memset(&s, 0, sizeof(s));
		for (uint64_t k = 0; at < nr; k++) {
			size_t n = (size_t)(draw(round * 1000 + k) * 3000);

			n = MIN_OF(n, nr - at);
			blocked_sum_many(&s, v + at, n);
			at += n;
		}
		got = blocked_sum_end(&s);
		assert_memory_equal(&got, &total, sizeof(got));
	}
	memset(&s, 0, sizeof(s));
	assert_true(blocked_sum_end(&s) == 0);
}

static void what_is_not_defined_is_refused_with_the_reason(void **state)
{
	struct metric_input in = input(OBJ_BINARY, 50, 1);
	struct metric_input number = in;

	(void)state;
	refused("accurcy", &in, "did you mean 'accuracy'");
	refused("auc@3", &in, "unknown");
	refused("ndcg@", &in, "unknown");
	refused("ndcg@0", &in, "unknown");
	refused("ndcg@99999999999999999999", &in, "unknown");
	refused("multi_logloss", &in, "two classes");
	for (size_t i = 0; i < 50; i++)
		label[i] = 1;
	refused("auc", &in, "same label");
	refused("ap", &in, "same label");
	(void)value_of("logloss", &in);
	label[3] = 0.5;
	refused("auc", &in, "row 3");
	refused("logloss", &in, "row 3");
	in.nr = 0;
	refused("rmse", &in, "no rows");
	number.objective = OBJ_L2;
	refused("logloss", &number, "no probability");
	refused("accuracy", &number, "no classes");
	for (size_t i = 0; i < 50; i++)
		label[i] = 0.1;
	refused("r2", &number, "same label");
	label[7] = NAN;
	refused("rmse", &number, "numbers");
	label[7] = -1;
	refused("poisson_deviance", &number, "at least 0");
	weight[9] = 0;
	number.weight = weight;
	refused("mae", &number, "row 9");
	weight[9] = NAN;
	refused("mae", &number, "row 9");
}

static void every_objective_has_metrics_that_exist(void **state)
{
	(void)state;
	for (unsigned o = 0; o < OBJ_NR; o++) {
		const char *const *names = metric_defaults((enum objective)o);

		assert_non_null(names[0]);
		for (; *names; names++)
			assert_true(metric_known(*names));
	}
	assert_true(metric_higher_is_better("auc"));
	assert_true(metric_higher_is_better("ndcg@7"));
	assert_false(metric_higher_is_better("logloss"));
	assert_false(metric_known("nothing"));
	assert_false(metric_known(""));
	assert_false(metric_known("@5"));
}

static void a_failed_allocation_at_any_call_is_told(void **state)
{
	static const char *const names[] = {"auc", "ap",       "f1",
					    "ece", "accuracy", "logloss"};
	struct metric_input in = input(OBJ_BINARY, 100, 1);

	(void)state;
	in.weight = weight;
	in.threshold = NAN;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int n = 1, r;

		do {
			struct metric_value v = {.value = 77};
			struct err e = {0};

			try_alloc_fail_nth(n);
			r = metric_compute(&v, names[i], &in, &e);
			try_alloc_fail_nth(0);
			assert_true(r == 0 || (r == ERR_NOMEM && v.value == 77));
		} while (r < 0 && n++ < 100);
		assert_int_equal(r, 0);
		assert_true(n > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binary_metrics_are_the_slow_ones),
		cmocka_unit_test(metrics_of_numbers_are_the_slow_ones),
		cmocka_unit_test(metrics_of_many_classes_are_the_slow_ones),
		cmocka_unit_test(ndcg_is_the_mean_over_orders_of_equal_margins),
		cmocka_unit_test(ranking_metrics_by_hand),
		cmocka_unit_test(small_cases_by_hand),
		cmocka_unit_test(calibration_keeps_equal_scores_together),
		cmocka_unit_test(confusion_counts_labels_by_prediction),
		cmocka_unit_test(the_order_of_rows_does_not_show_in_ranked_metrics),
		cmocka_unit_test(the_blocked_sum_has_its_fixed_order),
		cmocka_unit_test(what_is_not_defined_is_refused_with_the_reason),
		cmocka_unit_test(every_objective_has_metrics_that_exist),
		cmocka_unit_test(a_failed_allocation_at_any_call_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
