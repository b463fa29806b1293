/* What labels, weights and queries an objective takes. */
#include "store/base/err.h"
#include "train/core/objective_impl.h"
#include "train/core/table.h"

#include <math.h>

/* More classes than this are an identifier, not a target. */
#define CLASSES_MAX   65536u
#define RELEVANCE_MAX 31

static const char *label_of(const struct table *t)
{
	return t->label_name ? t->label_name : "label";
}

static int bad_label(const struct train_params *p, const struct table *t, size_t row,
		     const char *want, struct err *e)
{
	return err_set(e, ERR_INVALID, "row %zu: '%s' is %.17g: objective %s takes %s",
		       row, label_of(t), t->label[row], objective_name(p->objective),
		       want);
}

static bool is_class(double y, double below)
{
	return y >= 0 && y < below && y == floor(y);
}

/* What the objective takes, in words, when it does not take y; else NULL. */
static const char *refusal(enum objective o, double y, double classes)
{
	switch (o) {
	case OBJ_POISSON:
	case OBJ_TWEEDIE:
		return y >= 0 ? NULL : "numbers from 0";
	case OBJ_GAMMA:
		return y > 0 ? NULL : "numbers above 0";
	case OBJ_BINARY:
		return y == 0 || y == 1 ? NULL : "0 and 1";
	case OBJ_SOFTMAX:
	case OBJ_OVA:
		return is_class(y, classes) ? NULL : "classes 0, 1, 2 and so on";
	case OBJ_LAMBDARANK:
		return is_class(y, RELEVANCE_MAX + 1) ? NULL
						      : "whole relevances from 0 to 31";
	default:
		return NULL;
	}
}

static int check_weights(const struct table *t, struct err *e)
{
	if (!t->weight)
		return 0;
	for (size_t i = 0; i < t->rows; i++)
		if (!(t->weight[i] >= 1 / OBJECTIVE_WEIGHT_MAX &&
		      t->weight[i] <= OBJECTIVE_WEIGHT_MAX))
			return err_set(
				e, ERR_INVALID,
				"row %zu: the weight is %.17g: it must be above 0, "
				"from 1e-15 to 1e+15",
				i, t->weight[i]);
	return 0;
}

static int check_classes(const struct train_params *p, const struct table *t,
			 unsigned classes, struct err *e)
{
	if (p->class_weights_nr > 0 && p->objective != OBJ_BINARY &&
	    p->objective != OBJ_SOFTMAX && p->objective != OBJ_OVA)
		return err_set(e, ERR_INVALID,
			       "class_weights are for classes, and objective %s has none",
			       objective_name(p->objective));
	if (p->class_weights_nr > 0 && p->class_weights_nr != classes)
		return err_set(e, ERR_INVALID,
			       "class_weights gives %zu weights, '%s' has %u classes",
			       p->class_weights_nr, label_of(t), classes);
	if (p->objective == OBJ_BINARY && t->classes_nr > 0 && t->classes_nr != 2)
		return err_set(e, ERR_INVALID,
			       "objective binary needs two classes, '%s' has %zu%s",
			       label_of(t), t->classes_nr,
			       t->classes_nr > 2 ? ": softmax takes more" : "");
	return 0;
}

static int check_rows(const struct train_params *p, const struct table *t, double *top,
		      struct err *e)
{
	double classes = t->classes_nr > 0 ? (double)t->classes_nr : CLASSES_MAX;

	*top = 0;
	for (size_t i = 0; i < t->rows; i++) {
		double y = t->label[i];
		const char *want;

		if (!isfinite(y))
			return err_set(e, ERR_INVALID, "row %zu: '%s' is %s", i,
				       label_of(t), isnan(y) ? "missing" : "infinite");
		if (fabs(y) > OBJECTIVE_LABEL_MAX)
			return bad_label(p, t, i, "numbers up to 1e+30", e);
		if ((want = refusal(p->objective, y, classes)))
			return bad_label(p, t, i, want, e);
		*top = y > *top ? y : *top;
	}
	return 0;
}

int objective_check_labels(const struct train_params *p, const struct table *t,
			   unsigned *outputs, struct err *e)
{
	bool many = p->objective == OBJ_SOFTMAX || p->objective == OBJ_OVA;
	unsigned classes;
	double top;
	int r;

	if (!t->label)
		return err_set(e, ERR_INVALID, "the table has no label to learn");
	if (p->objective == OBJ_LAMBDARANK && !t->group)
		return err_set(e, ERR_INVALID,
			       "objective lambdarank needs a group column: which rows "
			       "belong to one query");
	if ((r = check_rows(p, t, &top, e)) < 0 || (r = check_weights(t, e)) < 0)
		return r;
	classes = t->classes_nr > 0 ? (unsigned)t->classes_nr
		  : many	    ? (unsigned)top + 1
				    : 2;
	if ((r = check_classes(p, t, classes, e)) < 0)
		return r;
	*outputs = many ? classes : 1;
	return 0;
}
