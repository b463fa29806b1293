#include "train/core/params.h"

#include "store/base/err.h"
#include "train/core/metric.h"
#include "train/core/metric_impl.h"
#include "train/core/objective_impl.h"
#include "train/core/table.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* The first name of an objective is its own; the others are what other trainers
 * call it. */
static const struct {
	const char *name;
	enum objective objective;
} names[] = {
	{"l2", OBJ_L2},
	{"l1", OBJ_L1},
	{"huber", OBJ_HUBER},
	{"quantile", OBJ_QUANTILE},
	{"poisson", OBJ_POISSON},
	{"gamma", OBJ_GAMMA},
	{"tweedie", OBJ_TWEEDIE},
	{"binary", OBJ_BINARY},
	{"softmax", OBJ_SOFTMAX},
	{"ova", OBJ_OVA},
	{"lambdarank", OBJ_LAMBDARANK},
	{"fair", OBJ_FAIR},
	{"mape", OBJ_MAPE},
	{"regression", OBJ_L2},
	{"regression_l2", OBJ_L2},
	{"mean_squared_error", OBJ_L2},
	{"squared_error", OBJ_L2},
	{"mse", OBJ_L2},
	{"rmse", OBJ_L2},
	{"reg:squarederror", OBJ_L2},
	{"reg:linear", OBJ_L2},
	{"least_squares", OBJ_L2},
	{"ridge", OBJ_L2},
	{"regression_l1", OBJ_L1},
	{"mean_absolute_error", OBJ_L1},
	{"absolute_error", OBJ_L1},
	{"mae", OBJ_L1},
	{"reg:absoluteerror", OBJ_L1},
	{"reg:quantileerror", OBJ_QUANTILE},
	{"count:poisson", OBJ_POISSON},
	{"reg:gamma", OBJ_GAMMA},
	{"reg:tweedie", OBJ_TWEEDIE},
	{"binary:logistic", OBJ_BINARY},
	{"logistic", OBJ_BINARY},
	{"binary_logloss", OBJ_BINARY},
	{"reg:logistic", OBJ_BINARY},
	{"multiclass", OBJ_SOFTMAX},
	{"multinomial", OBJ_SOFTMAX},
	{"multi:softprob", OBJ_SOFTMAX},
	{"multi:softmax", OBJ_SOFTMAX},
	{"multiclassova", OBJ_OVA},
	{"multiclass_ova", OBJ_OVA},
	{"ovr", OBJ_OVA},
	{"rank:ndcg", OBJ_LAMBDARANK},
	{"rank", OBJ_LAMBDARANK},
	{"mean_absolute_percentage_error", OBJ_MAPE},
};

enum objective objective_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].objective;
	return OBJ_NR;
}

const char *objective_name(enum objective o)
{
	return (unsigned)o < OBJ_NR ? names[o].name : "unknown";
}

void train_params_init(struct train_params *p)
{
	*p = (struct train_params){
		.huber_delta = 1,
		.quantile_alpha = 0.5,
		.tweedie_power = 1.5,
		.fair_c = 1,
		.poisson_max_delta = 0.7,
		.scale_pos_weight = 1,
		.rank_truncation = 30,
		.trees = 100,
		.learning_rate = 0.1,
		.max_leaves = 31,
		.max_bin = 255,
		.min_data_in_bin = 3,
		.min_data_in_leaf = 20,
		.min_child_weight = 1e-3,
		.lambda = 1,
		.leaf_grid_bits = -1,
		.feature_fraction = 1,
		.feature_fraction_bynode = 1,
		.bagging_fraction = 1,
		.pos_bagging_fraction = 1,
		.neg_bagging_fraction = 1,
		.max_cat_to_onehot = 4,
		.max_cat_threshold = 32,
		.cat_smooth = 10,
		.cat_l2 = 10,
		.min_data_per_group = 100,
		.l2 = 1,
		.standardize = true,
		.tolerance = 1e-8,
		.max_passes = 100,
	};
}

/* Limits of the numbers. An open end is one that the value may not reach. */
#define REAL(field, lo, hi, flags)                                                       \
	{                                                                                \
#field, offsetof(struct train_params, field), lo, hi, flags              \
	}
enum {
	OPEN_LOW = 1,
	OPEN_HIGH = 2
};
static const struct real_limit {
	const char *name;
	size_t at;
	double low, high;
	unsigned flags;
} reals[] = {
	REAL(huber_delta, 0, 1e30, OPEN_LOW),
	REAL(quantile_alpha, 0, 1, OPEN_LOW | OPEN_HIGH),
	REAL(tweedie_power, 1, 2, OPEN_LOW | OPEN_HIGH),
	REAL(fair_c, 0, 1e15, OPEN_LOW),
	REAL(poisson_max_delta, 0, 10, 0),
	REAL(scale_pos_weight, 0, 1e7, OPEN_LOW),
	REAL(learning_rate, 0, 100, OPEN_LOW),
	REAL(min_child_weight, 0, 1e30, 0),
	REAL(lambda, 0, 1e30, 0),
	REAL(alpha, 0, 1e30, 0),
	REAL(gamma, 0, 1e30, 0),
	REAL(max_delta_step, 0, 1e30, 0),
	REAL(feature_fraction, 0, 1, OPEN_LOW),
	REAL(feature_fraction_bynode, 0, 1, OPEN_LOW),
	REAL(bagging_fraction, 0, 1, OPEN_LOW),
	REAL(pos_bagging_fraction, 0, 1, OPEN_LOW),
	REAL(neg_bagging_fraction, 0, 1, OPEN_LOW),
	REAL(goss_top, 0, 1, 0),
	REAL(goss_other, 0, 1, 0),
	REAL(cat_smooth, 0, 1e15, 0),
	REAL(cat_l2, 0, 1e15, 0),
	REAL(min_delta, 0, 1e30, 0),
	REAL(l1, 0, 1e30, 0),
	REAL(l2, 0, 1e30, 0),
	REAL(tolerance, 0, 1, OPEN_LOW),
};
#undef REAL

#define WHOLE(field, lo, hi)                                                             \
	{                                                                                \
#field, offsetof(struct train_params, field), lo, hi                     \
	}
static const struct {
	const char *name;
	size_t at;
	unsigned low, high;
} wholes[] = {
	WHOLE(rank_truncation, 1, 1u << 20),
	WHOLE(trees, 1, 1000000),
	WHOLE(max_leaves, 2, 131072),
	WHOLE(max_depth, 0, 1000),
	WHOLE(max_bin, 2, 255),
	WHOLE(min_data_in_bin, 0, UINT32_MAX),
	WHOLE(min_data_in_leaf, 0, UINT32_MAX),
	WHOLE(bagging_freq, 0, 1000000),
	WHOLE(max_cat_to_onehot, 1, 254),
	WHOLE(max_cat_threshold, 1, 254),
	WHOLE(min_data_per_group, 0, UINT32_MAX),
	WHOLE(patience, 0, 1000000),
	WHOLE(max_passes, 1, 1000000),
};
#undef WHOLE

static int check_real(const struct train_params *p, const struct real_limit *l,
		      struct err *e)
{
	double v;

	memcpy(&v, (const char *)p + l->at, sizeof(v));
	if (isfinite(v) && (l->flags & OPEN_LOW ? v > l->low : v >= l->low) &&
	    (l->flags & OPEN_HIGH ? v < l->high : v <= l->high))
		return 0;
	return err_set(e, ERR_INVALID, "%s is %g: it must be %s %g and %s %g", l->name, v,
		       l->flags & OPEN_LOW ? "above" : "at least", l->low,
		       l->flags & OPEN_HIGH ? "below" : "at most", l->high);
}

static int check_numbers(const struct train_params *p, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(reals); i++) {
		int r = check_real(p, &reals[i], e);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wholes); i++) {
		unsigned v;

		memcpy(&v, (const char *)p + wholes[i].at, sizeof(v));
		if (v < wholes[i].low || v > wholes[i].high)
			return err_set(e, ERR_INVALID,
				       "%s is %u: it must be from %u to %u",
				       wholes[i].name, v, wholes[i].low, wholes[i].high);
	}
	if (p->leaf_grid_bits < -2 || p->leaf_grid_bits > 40)
		return err_set(
			e, ERR_INVALID,
			"leaf_grid_bits is %d: it must be from 0 to 40, -1 for the "
			"objective's own or -2 for none",
			p->leaf_grid_bits);
	if (p->goss_top + p->goss_other > 1)
		return err_set(e, ERR_INVALID,
			       "goss_top + goss_other is %g: it must be at most 1",
			       p->goss_top + p->goss_other);
	return 0;
}

static int check_choices(const struct train_params *p, struct err *e)
{
	bool split_bags = p->pos_bagging_fraction < 1 || p->neg_bagging_fraction < 1;

	if ((unsigned)p->objective >= OBJ_NR)
		return err_set(e, ERR_INVALID, "objective %d is none of ours",
			       (int)p->objective);
	if (p->type != MODEL_GBT && p->type != MODEL_LINEAR)
		return err_set(e, ERR_INVALID, "model type %d is none of ours",
			       (int)p->type);
	if (p->type == MODEL_LINEAR && p->objective != OBJ_L2 &&
	    p->objective != OBJ_BINARY && p->objective != OBJ_SOFTMAX &&
	    p->objective != OBJ_OVA && p->objective != OBJ_POISSON)
		return err_set(e, ERR_INVALID,
			       "objective %s is not offered for linear models: l2, "
			       "binary, softmax, ova and poisson are",
			       objective_name(p->objective));
	if (split_bags && p->objective != OBJ_BINARY)
		return err_set(e, ERR_INVALID,
			       "pos_bagging_fraction and neg_bagging_fraction are for "
			       "objective binary, not %s",
			       objective_name(p->objective));
	if (p->metric && !metric_known(p->metric)) {
		const char *near = metric_nearest(p->metric);

		return err_set(e, ERR_INVALID, "metric '%s' is unknown%s%s%s", p->metric,
			       near ? ", did you mean '" : "", near ? near : "",
			       near ? "'?" : "");
	}
	for (size_t i = 0; i < p->class_weights_nr; i++)
		if (!(p->class_weights[i] > 0 && p->class_weights[i] <= 1e7))
			return err_set(
				e, ERR_INVALID,
				"class_weights: class %zu has %g: it must be above 0 and "
				"at most 1e+07",
				i, p->class_weights[i]);
	for (size_t i = 0; i < p->monotone_nr; i++)
		if (p->monotone[i] < -1 || p->monotone[i] > 1)
			return err_set(
				e, ERR_INVALID,
				"monotone: column %zu has %d: it must be -1, 0 or 1", i,
				p->monotone[i]);
	return 0;
}

static int check_columns(const struct train_params *p, const struct table *t,
			 struct err *e)
{
	if (p->monotone_nr > t->cols_nr)
		return err_set(e, ERR_INVALID,
			       "monotone names %zu columns, the table has %zu",
			       p->monotone_nr, t->cols_nr);
	for (size_t i = 0; i < p->monotone_nr; i++)
		if (p->monotone[i] != 0 && t->cols[i].f.kind == FEATURE_CATEGORICAL)
			return err_set(
				e, ERR_INVALID,
				"monotone: column '%s' is categorical and has no order",
				t->cols[i].f.name);
	for (size_t i = 0; i < p->interaction_nr; i++)
		for (size_t k = 0; k < p->interaction[i].nr; k++)
			if (p->interaction[i].v[k] >= t->cols_nr)
				return err_set(
					e, ERR_INVALID,
					"interaction: set %zu names column %u, the table "
					"has %zu",
					i, p->interaction[i].v[k], t->cols_nr);
	if (p->bagging_by_query && !t->group)
		return err_set(
			e, ERR_INVALID,
			"bagging_by_query needs a group column, and there is none");
	return 0;
}

int train_params_check(const struct train_params *p, const struct table *t, struct err *e)
{
	unsigned outputs;
	int r;

	if ((r = check_choices(p, e)) < 0 || (r = check_numbers(p, e)) < 0 || !t)
		return r;
	if ((r = check_columns(p, t, e)) < 0)
		return r;
	return objective_check_labels(p, t, &outputs, e);
}
