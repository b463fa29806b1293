#include "cmd/cmd.h"
#include "cmd/grid.h"
#include "cmd/json.h"
#include "cmd/opened.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/model.h"
#include "train/run/evaluate.h"

#include <stdlib.h>
#include <string.h>

struct importance_args {
	const char *type, *data, *metric, *target;
	int64_t top, seed, threads;
	bool md;
	const char *model;
};

static const struct importance_args importance_defaults = {.type = "gain"};

static const char *const importance_types[] = {"gain", "split", "cover", "permutation",
					       NULL};

static const struct opt importance_opts[] = {
	{OPT_FIELD(OPT_KIND_STR, 0, "type", struct importance_args, type),
	 .value_name = "TYPE", .choices = importance_types,
	 .help = "gain (the default), split, cover or permutation"},
	{OPT_FIELD(OPT_KIND_STR, 0, "data", struct importance_args, data),
	 .value_name = "FILE", .help = "permutation: measure on this table",
	 .flags = OPT_PATH},
	OPT_STR(0, "metric", struct importance_args, metric, "NAME",
		"permutation: by this metric (the objective's own)"),
	OPT_STR(0, "target", struct importance_args, target, "COL",
		"permutation: the column that holds the truth (the model's)"),
	OPT_INT(0, "seed", struct importance_args, seed, "N",
		"permutation: the seed of its draws (0)"),
	OPT_INT(0, "threads", struct importance_args, threads, "N",
		"use N threads; the result does not depend on it"),
	OPT_INT('n', "top", struct importance_args, top, "N", "only the first N"),
	OPT_BOOL(0, "md", struct importance_args, md, "print a Markdown table"),
	OPT_END,
};

static const struct operand importance_operands[] = {
	OPERAND(OPERAND_ONE, "model", struct importance_args, model,
		"a model's JSON file"),
	OPERANDS_END,
};

struct ranked {
	size_t feature;
	double value;
};

static int ranked_cmp(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	return (x->feature > y->feature) - (x->feature < y->feature);
}

/* What is shown: values by feature, ranked. */
struct ranking {
	const struct model *m;
	const struct importance_args *args;
	struct ranked *v;
	size_t nr;	    /* that are shown */
	double sum;	    /* of those above 0 */
	const char *metric; /* permutation: its name and its value as it is */
	double metric_value;
};

static double share(const struct ranking *k, double v)
{
	return k->sum > 0 && v > 0 ? v / k->sum : 0;
}

static void importance_json(struct ctx *ctx, const struct ranking *k)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	json_open_common(ctx, j, NULL, NULL);
	json_key_str(j, "type", k->args->type);
	if (k->metric) {
		json_key_str(j, "metric", k->metric);
		jsonw_key(j, "value");
		jsonw_float(j, k->metric_value);
	}
	jsonw_key(j, "importance");
	jsonw_array(j);
	for (size_t i = 0; i < k->nr; i++) {
		jsonw_object(j);
		json_key_str(j, "feature", k->m->features[k->v[i].feature].name);
		jsonw_key(j, "value");
		jsonw_float(j, k->v[i].value);
		jsonw_key(j, "share");
		jsonw_float(j, share(k, k->v[i].value));
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_end(j);
	json_write(ctx, &doc);
}

static void importance_text(struct ctx *ctx, const struct ranking *k)
{
	struct grid g = {.columns = 3};

	if (k->metric)
		print_text(&ctx->print, "%s %.6g\n\n", k->metric, k->metric_value);
	grid_cell(&g, "feature");
	grid_cell(&g, k->metric ? "worse by" : k->args->type);
	grid_cell(&g, "share");
	for (size_t i = 0; i < k->nr; i++) {
		char *value = xasprintf("%.6g", k->v[i].value);
		char *percent = xasprintf("%.1f%%", 100 * share(k, k->v[i].value));

		grid_cell(&g, k->m->features[k->v[i].feature].name);
		grid_cell(&g, value);
		grid_cell(&g, percent);
		free(value);
		free(percent);
	}
	if (k->args->md)
		grid_markdown(&g, &ctx->print);
	else
		grid_plain(&g, &ctx->print);
	grid_release(&g);
}

static void rank(struct ctx *ctx, struct ranking *k, const double *value)
{
	size_t nr = k->m->features_nr;

	k->v = xcalloc(nr + 1, sizeof(*k->v));
	for (size_t i = 0; i < nr; i++) {
		k->v[i] = (struct ranked){i, value[i]};
		k->sum += value[i] > 0 ? value[i] : 0;
	}
	qsort(k->v, nr, sizeof(*k->v), ranked_cmp);
	k->nr = k->args->top && (uint64_t)k->args->top < nr ? (size_t)k->args->top : nr;
	if (ctx->global.json)
		importance_json(ctx, k);
	else
		importance_text(ctx, k);
	free(k->v);
}

static int by_permutation(struct ctx *ctx, struct ranking *k, struct err *e)
{
	const struct importance_args *args = k->args;
	struct evaluate_options o = {.sink = &ctx->ui.sink,
				     .threads = (unsigned)args->threads};
	struct permuted p = {0};
	struct opened data = {0};
	struct data_file file;
	int r;

	if ((r = opened_open(ctx, args->data, &data, e)) < 0)
		return r;
	file = (struct data_file){.path = data.path, .fd = data.fd};
	if (args->metric)
		strvec_push(&o.metrics, args->metric);
	if (args->target)
		o.target = xstrdup(args->target);
	r = permute(&p, k->m, &file, 1, &o, (uint64_t)args->seed, e);
	if (r == 0) {
		k->metric = p.metric;
		k->metric_value = p.value;
		rank(ctx, k, p.drop);
	}
	permuted_release(&p);
	evaluate_options_release(&o);
	opened_release(&data);
	return r;
}

static int by_splits(struct ctx *ctx, struct ranking *k, struct err *e)
{
	enum importance what = IMPORTANCE_GAIN;
	double *value;

	if (k->m->type == MODEL_LINEAR)
		return err_set(e, ERR_UNSUPPORTED,
			       "a linear model has no splits: see '%s model show "
			       "--weights', or --type permutation",
			       ctx->prog);
	if (strcmp(k->args->type, "split") == 0)
		what = IMPORTANCE_SPLIT;
	else if (strcmp(k->args->type, "cover") == 0)
		what = IMPORTANCE_COVER;
	value = xcalloc(k->m->features_nr + 1, sizeof(*value));
	model_importance(k->m, what, value);
	rank(ctx, k, value);
	free(value);
	return 0;
}

static int check(const struct importance_args *args, bool permutation, struct err *e)
{
	if (args->top < 0)
		return err_set(e, ERR_INVALID, "--top: %lld is negative",
			       (long long)args->top);
	if (args->threads < 0 || args->threads > 1024)
		return err_set(e, ERR_INVALID, "--threads: %lld is not in 0..1024",
			       (long long)args->threads);
	if (permutation && !args->data)
		return err_set(e, ERR_INVALID, "--type permutation needs --data");
	if (!permutation && (args->data || args->metric || args->target))
		return err_set(
			e, ERR_INVALID,
			"--data, --metric and --target go with --type permutation");
	return 0;
}

static int importance_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct importance_args *args = arg;
	bool permutation = strcmp(args->type, "permutation") == 0;
	struct model m = {0};
	struct ranking k = {.m = &m, .args = args};
	int r;

	if ((r = check(args, permutation, e)) < 0 ||
	    (r = opened_model(ctx, args->model, &m, e)) < 0)
		return r;
	r = permutation ? by_permutation(ctx, &k, e) : by_splits(ctx, &k, e);
	model_release(&m);
	return r;
}

extern const struct cmd cmd_model_importance;

const struct cmd cmd_model_importance = {
	.name = "importance",
	.brief = "Rank the features of a model",
	.opts = importance_opts,
	.operands = importance_operands,
	.args_size = sizeof(struct importance_args),
	.defaults = &importance_defaults,
	.needs = NEED_MAYBE | NEED_LENIENT,
	.run = importance_run,
};
