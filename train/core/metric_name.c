/* The table of metrics. */
#include "store/base/text.h"
#include "train/core/metric_impl.h"

#include <string.h>

/* NDCG and MAP without "@K" look at whole queries. */
#define WHOLE_QUERY UINT32_MAX
#define K_MAX	    1000000u

/* Aliases behind the name that a list of metrics shows. */
static const struct metric_info infos[] = {
	{"auc", metric_auc, METRIC_BINARY, true, 0},
	{"ap", metric_ap, METRIC_BINARY, true, 0},
	{"logloss", metric_logloss, METRIC_BINARY, false, 0},
	{"brier", metric_brier, METRIC_BINARY, false, 0},
	{"accuracy", metric_accuracy, METRIC_CLASS, true, 0},
	{"error", metric_error, METRIC_CLASS, false, 0},
	{"precision", metric_precision, METRIC_BINARY, true, 0},
	{"recall", metric_recall, METRIC_BINARY, true, 0},
	{"f1", metric_f1, METRIC_BINARY, true, 0},
	{"mcc", metric_mcc, METRIC_BINARY, true, 0},
	{"ece", metric_ece, METRIC_BINARY, false, 10},
	{"rmse", metric_rmse, METRIC_NUMBER, false, 0},
	{"mse", metric_mse, METRIC_NUMBER, false, 0},
	{"mae", metric_mae, METRIC_NUMBER, false, 0},
	{"mape", metric_mape, METRIC_NUMBER, false, 0},
	{"r2", metric_r2, METRIC_NUMBER, true, 0},
	{"pinball", metric_pinball, METRIC_NUMBER, false, 0},
	{"huber", metric_huber, METRIC_NUMBER, false, 0},
	{"fair", metric_fair, METRIC_NUMBER, false, 0},
	{"poisson_deviance", metric_poisson, METRIC_NUMBER, false, 0},
	{"gamma_deviance", metric_gamma, METRIC_NUMBER, false, 0},
	{"tweedie_deviance", metric_tweedie, METRIC_NUMBER, false, 0},
	{"multi_logloss", metric_multi_logloss, METRIC_MULTI, false, 0},
	{"multi_error", metric_error, METRIC_CLASS, false, 0},
	{"macro_f1", metric_macro_f1, METRIC_CLASS, true, 0},
	{"micro_f1", metric_micro_f1, METRIC_CLASS, true, 0},
	{"ndcg", metric_ndcg, METRIC_RANK, true, WHOLE_QUERY},
	{"map", metric_map, METRIC_RANK, true, WHOLE_QUERY},
	{"average_precision", metric_ap, METRIC_BINARY, true, 0},
	{"binary_logloss", metric_logloss, METRIC_BINARY, false, 0},
	{"binary_error", metric_error, METRIC_CLASS, false, 0},
	{"mlogloss", metric_multi_logloss, METRIC_MULTI, false, 0},
	{"merror", metric_error, METRIC_CLASS, false, 0},
	{"l2", metric_mse, METRIC_NUMBER, false, 0},
	{"l1", metric_mae, METRIC_NUMBER, false, 0},
	{"quantile", metric_pinball, METRIC_NUMBER, false, 0},
};

static bool parse_at(const char *text, unsigned *k)
{
	unsigned v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > K_MAX)
			return false;
	}
	*k = v;
	return v > 0;
}

const struct metric_info *metric_find(const char *name, unsigned *k)
{
	const char *at = strchr(name, '@');
	size_t n = at ? (size_t)(at - name) : strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(infos); i++) {
		if (strlen(infos[i].name) != n || memcmp(infos[i].name, name, n) != 0)
			continue;
		*k = infos[i].at;
		if (at && (infos[i].at == 0 || !parse_at(at + 1, k)))
			return NULL;
		return &infos[i];
	}
	return NULL;
}

const char *metric_nearest(const char *name)
{
	const char *list[ARRAY_SIZE(infos) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(infos); i++)
		list[i] = infos[i].name;
	list[ARRAY_SIZE(infos)] = NULL;
	return text_nearest(name, list);
}

bool metric_known(const char *name)
{
	unsigned k;

	return metric_find(name, &k) != NULL;
}

bool metric_higher_is_better(const char *name)
{
	unsigned k;
	const struct metric_info *info = metric_find(name, &k);

	return info && info->higher_is_better;
}

const char *const *metric_defaults(enum objective o)
{
	static const char *const binary[] = {"logloss", "auc", "accuracy", "f1",
					     "brier",	"ece", NULL};
	static const char *const multi[] = {"multi_logloss", "accuracy", "macro_f1",
					    NULL};
	static const char *const l2[] = {"rmse", "mae", "r2", NULL};
	static const char *const l1[] = {"mae", "rmse", "r2", NULL};
	static const char *const huber[] = {"huber", "mae", "rmse", "r2", NULL};
	static const char *const fair[] = {"fair", "mae", "rmse", "r2", NULL};
	static const char *const pinball[] = {"pinball", "mae", NULL};
	static const char *const mape[] = {"mape", "mae", "rmse", NULL};
	static const char *const poisson[] = {"poisson_deviance", "rmse", "mae", NULL};
	static const char *const gamma[] = {"gamma_deviance", "rmse", "mae", NULL};
	static const char *const tweedie[] = {"tweedie_deviance", "rmse", "mae", NULL};
	static const char *const rank[] = {"ndcg@10", "ndcg@5", "map@10", NULL};
	static const char *const *const by_objective[OBJ_NR] = {
		[OBJ_L2] = l2,		 [OBJ_L1] = l1,
		[OBJ_HUBER] = huber,	 [OBJ_QUANTILE] = pinball,
		[OBJ_POISSON] = poisson, [OBJ_GAMMA] = gamma,
		[OBJ_TWEEDIE] = tweedie, [OBJ_BINARY] = binary,
		[OBJ_SOFTMAX] = multi,	 [OBJ_OVA] = multi,
		[OBJ_LAMBDARANK] = rank, [OBJ_FAIR] = fair,
		[OBJ_MAPE] = mape,
	};

	return by_objective[(unsigned)o < OBJ_NR ? o : OBJ_L2];
}
