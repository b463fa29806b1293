#include "cmd/cmd.h"
#include "cmd/grid.h"
#include "cmd/json.h"
#include "cmd/opened.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/parse.h"
#include "store/fmt/number.h"
#include "train/core/model.h"
#include "train/run/evaluate.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct eval_args {
	struct opt_list metrics, slices, min, max, slice_min, slice_max;
	int64_t bins, slice_rows, threads;
	const char *threshold, *target, *weight, *group, *config, *format;
	bool no_header, md;
	const char *model;
	struct opt_list data;
};

static const struct opt eval_opts[] = {
	OPT_LIST(0, "metric", struct eval_args, metrics, "NAME",
		 "compute this metric (may be repeated; the objective's own)"),
	OPT_LIST(0, "slice", struct eval_args, slices, "COL[,COL]",
		 "also for each value of a column, or pair of two"),
	OPT_INT(0, "bins", struct eval_args, bins, "N",
		"slice numbers into N quantile bins (4)"),
	OPT_STR(0, "threshold", struct eval_args, threshold, "P",
		"probability from which on it is the second class (0.5), or 'best'"),
	OPT_LIST(0, "min", struct eval_args, min, "METRIC=X",
		 "fail when the metric is below X"),
	OPT_LIST(0, "max", struct eval_args, max, "METRIC=X",
		 "fail when the metric is above X"),
	OPT_LIST(0, "slice-min", struct eval_args, slice_min, "METRIC=X",
		 "fail when it is below X in any slice"),
	OPT_LIST(0, "slice-max", struct eval_args, slice_max, "METRIC=X",
		 "fail when it is above X in any slice"),
	OPT_INT(0, "slice-rows", struct eval_args, slice_rows, "N",
		"slices of fewer rows keep no bounds (30)"),
	{OPT_FIELD(OPT_KIND_STR, 0, "config", struct eval_args, config),
	 .value_name = "FILE", .help = "read metrics, slices and bounds from FILE",
	 .flags = OPT_PATH},
	OPT_STR(0, "target", struct eval_args, target, "COL",
		"the column that holds the truth (the model's target)"),
	OPT_STR(0, "weight", struct eval_args, weight, "COL",
		"weigh rows by this column"),
	OPT_STR(0, "group", struct eval_args, group, "COL",
		"the column of queries, for rankings (the model's)"),
	{OPT_FIELD(OPT_KIND_STR, 0, "format", struct eval_args, format),
	 .value_name = "FORMAT", .choices = opened_formats,
	 .help = "take data as this, whatever their names"},
	OPT_BOOL(0, "no-header", struct eval_args, no_header,
		 "data have no header; columns are f0, f1, ..."),
	OPT_BOOL(0, "md", struct eval_args, md, "print Markdown"),
	OPT_INT(0, "threads", struct eval_args, threads, "N",
		"use N threads; the result does not depend on it"),
	OPT_END,
};

static const struct operand eval_operands[] = {
	OPERAND(OPERAND_ONE, "model", struct eval_args, model, "a model's JSON file"),
	OPERAND(OPERAND_SOME, "data", struct eval_args, data,
		"tables, taken as one; or - for standard input"),
	OPERANDS_END,
};

/* ---- options ------------------------------------------------------------------------ */

static int add_bounds(struct evaluate_options *o, const struct opt_list *list,
		      bool is_max, bool of_slices, struct err *e)
{
	for (size_t i = 0; i < list->nr; i++) {
		int r = evaluate_bound_add(o, list->v[i], is_max, of_slices, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_threshold(struct evaluate_options *o, const char *text, struct err *e)
{
	if (!text)
		return 0;
	if (strcmp(text, "best") == 0) {
		o->threshold = NAN;
		return 0;
	}
	if (!parse_double(slice_of(text), &o->threshold) ||
	    !(o->threshold > 0 && o->threshold < 1))
		return err_set(e, ERR_INVALID,
			       "--threshold: '%s' is not between 0 and 1, nor 'best'",
			       text);
	return 0;
}

static int check_range(const char *name, int64_t v, int64_t max, struct err *e)
{
	if (v >= 0 && v <= max)
		return 0;
	return err_set(e, ERR_INVALID, "--%s: %lld is not in 0..%lld", name, (long long)v,
		       (long long)max);
}

static void copy_list(struct strvec *out, const struct opt_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		strvec_push(out, list->v[i]);
}

static char *copy_text(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static int read_config(const char *path, struct evaluate_options *o, struct err *e)
{
	struct buf text = {0};
	int r = fs_read(AT_FDCWD, path, 1 << 20, &text, e);

	if (r == 0)
		r = evaluate_config(o, buf_slice(&text), path, e);
	buf_release(&text);
	return r;
}

static int take_options(struct ctx *ctx, const struct eval_args *args,
			struct evaluate_options *o, struct err *e)
{
	int r;

	if ((r = check_range("threads", args->threads, 1024, e)) < 0 ||
	    (r = check_range("bins", args->bins, EVALUATE_SLICES_MAX, e)) < 0 ||
	    (r = check_range("slice-rows", args->slice_rows, UINT32_MAX, e)) < 0 ||
	    (r = take_threshold(o, args->threshold, e)) < 0 ||
	    (r = add_bounds(o, &args->min, false, false, e)) < 0 ||
	    (r = add_bounds(o, &args->max, true, false, e)) < 0 ||
	    (r = add_bounds(o, &args->slice_min, false, true, e)) < 0 ||
	    (r = add_bounds(o, &args->slice_max, true, true, e)) < 0)
		return r;
	copy_list(&o->metrics, &args->metrics);
	copy_list(&o->slices, &args->slices);
	o->bins = (unsigned)args->bins;
	o->slice_rows = (uint64_t)args->slice_rows;
	o->target = copy_text(args->target);
	o->weight = copy_text(args->weight);
	o->group = copy_text(args->group);
	o->no_header = args->no_header;
	o->threads = (unsigned)args->threads;
	o->sink = &ctx->ui.sink;
	return args->config ? read_config(args->config, o, e) : 0;
}

/* ---- text --------------------------------------------------------------------------- */

struct show {
	struct ctx *ctx;
	const struct model *m;
	const struct evaluation *v;
	bool md;
};

static void number_cell(struct grid *g, double v)
{
	char *text = xasprintf("%.6g", v);

	grid_cell(g, isnan(v) ? "-" : text);
	free(text);
}

static void count_cell(struct grid *g, uint64_t n)
{
	char *text = xasprintf("%llu", (unsigned long long)n);

	grid_cell(g, text);
	free(text);
}

static void grid_show(const struct show *s, const char *title, struct grid *g)
{
	struct print *p = &s->ctx->print;

	if (s->md)
		print_text(p, "## %s\n\n", title);
	if (s->md)
		grid_markdown(g, p);
	else
		grid_plain(g, p);
	if (!s->md)
		print_text(p, "\n");
	grid_release(g);
}

static void show_metrics(const struct show *s)
{
	const struct evaluate_row *row = &s->v->rows[0];
	struct grid g = {.columns = 4};

	grid_cell(&g, "metric");
	grid_cell(&g, "value");
	grid_cell(&g, "low");
	grid_cell(&g, "high");
	for (size_t i = 0; i < s->v->metrics.nr; i++) {
		grid_cell(&g, s->v->metrics.v[i]);
		number_cell(&g, row->defined[i] ? row->v[i].value : (double)NAN);
		number_cell(&g, row->defined[i] ? row->v[i].low : (double)NAN);
		number_cell(&g, row->defined[i] ? row->v[i].high : (double)NAN);
	}
	grid_show(s, "Metrics", &g);
}

static void show_slices(const struct show *s)
{
	struct grid g = {.columns = 3 + s->v->metrics.nr};

	if (s->v->rows_nr < 2)
		return;
	grid_cell(&g, "slice");
	grid_cell(&g, "value");
	grid_cell(&g, "rows");
	for (size_t i = 0; i < s->v->metrics.nr; i++)
		grid_cell(&g, s->v->metrics.v[i]);
	for (size_t j = 1; j < s->v->rows_nr; j++) {
		const struct evaluate_row *row = &s->v->rows[j];

		grid_cell(&g, row->slice);
		grid_cell(&g, row->value);
		count_cell(&g, row->rows);
		for (size_t i = 0; i < s->v->metrics.nr; i++)
			number_cell(&g, row->defined[i] ? row->v[i].value : (double)NAN);
	}
	grid_show(s, "Slices", &g);
}

static void class_cell(struct grid *g, const struct model *m, unsigned k)
{
	char *text = m->classes && k < m->classes_nr ? xstrdup(m->classes[k])
						     : xasprintf("%u", k);

	grid_cell(g, text);
	free(text);
}

static void show_confusion(const struct show *s)
{
	const struct evaluation *v = s->v;
	struct grid g = {.columns = 1 + (size_t)v->classes};

	if (v->classes == 0)
		return;
	grid_cell(&g, "label \\ predicted");
	for (unsigned k = 0; k < v->classes; k++)
		class_cell(&g, s->m, k);
	for (unsigned i = 0; i < v->classes; i++) {
		class_cell(&g, s->m, i);
		for (unsigned k = 0; k < v->classes; k++)
			count_cell(&g, v->confusion[i * v->classes + k]);
	}
	grid_show(s, "Confusion matrix", &g);
}

static void show_reliability(const struct show *s)
{
	struct grid g = {.columns = 3};

	if (s->v->reliability_nr == 0)
		return;
	grid_cell(&g, "predicted");
	grid_cell(&g, "observed");
	grid_cell(&g, "rows");
	for (unsigned i = 0; i < s->v->reliability_nr; i++) {
		number_cell(&g, s->v->reliability[i].predicted);
		number_cell(&g, s->v->reliability[i].observed);
		count_cell(&g, s->v->reliability[i].n);
	}
	grid_show(s, "Reliability", &g);
}

static void show_checks(const struct show *s)
{
	struct grid g = {.columns = 4};

	if (s->v->checks_nr == 0)
		return;
	grid_cell(&g, "bound");
	grid_cell(&g, "of");
	grid_cell(&g, "value");
	grid_cell(&g, "result");
	for (size_t i = 0; i < s->v->checks_nr; i++) {
		const struct evaluate_check *c = &s->v->checks[i];
		char *bound = xasprintf("%s %s %.6g", c->bound->metric,
					c->bound->is_max ? "<=" : ">=", c->bound->limit);
		char *of = c->row->slice
				   ? xasprintf("%s: %s", c->row->slice, c->row->value)
				   : xstrdup("all rows");

		grid_cell(&g, bound);
		grid_cell(&g, of);
		number_cell(&g, c->value);
		grid_cell(&g, c->ok ? "ok" : "FAILED");
		free(bound);
		free(of);
	}
	grid_show(s, "Bounds", &g);
}

static void show_text(const struct show *s)
{
	struct print *p = &s->ctx->print;

	if (s->md)
		print_text(p, "# Evaluation\n\n%llu rows\n\n",
			   (unsigned long long)s->v->rows[0].rows);
	else
		print_text(p, "rows %llu\n\n", (unsigned long long)s->v->rows[0].rows);
	show_metrics(s);
	show_confusion(s);
	show_reliability(s);
	show_slices(s);
	show_checks(s);
}

/* ---- JSON --------------------------------------------------------------------------- */

/* Nothing that is no number is one in JSON. */
static void json_number(struct jsonw *j, const char *key, double v)
{
	jsonw_key(j, key);
	if (isfinite(v))
		jsonw_float(j, v);
	else
		jsonw_null(j);
}

static void json_metrics(struct jsonw *j, const struct evaluation *v,
			 const struct evaluate_row *row)
{
	jsonw_key(j, "metrics");
	jsonw_object(j);
	for (size_t i = 0; i < v->metrics.nr; i++) {
		jsonw_key(j, v->metrics.v[i]);
		if (!row->defined[i]) {
			jsonw_null(j);
			continue;
		}
		jsonw_object(j);
		json_number(j, "value", row->v[i].value);
		json_number(j, "low", row->v[i].low);
		json_number(j, "high", row->v[i].high);
		json_key_int(j, "n", (int64_t)row->v[i].n);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void json_classes(struct jsonw *j, const struct show *s)
{
	const struct evaluation *v = s->v;

	jsonw_key(j, "confusion");
	if (v->classes == 0) {
		jsonw_null(j);
	} else {
		jsonw_object(j);
		jsonw_key(j, "classes");
		jsonw_array(j);
		for (unsigned k = 0; k < v->classes; k++)
			if (s->m->classes && k < s->m->classes_nr)
				jsonw_str(j, s->m->classes[k]);
			else
				jsonw_int(j, k);
		jsonw_end(j);
		jsonw_key(j, "counts");
		jsonw_array(j);
		for (unsigned i = 0; i < v->classes; i++) {
			jsonw_array(j);
			for (unsigned k = 0; k < v->classes; k++)
				jsonw_uint(j, v->confusion[i * v->classes + k]);
			jsonw_end(j);
		}
		jsonw_end(j);
		jsonw_end(j);
	}
	jsonw_key(j, "reliability");
	jsonw_array(j);
	for (unsigned i = 0; i < v->reliability_nr; i++) {
		jsonw_object(j);
		json_number(j, "predicted", v->reliability[i].predicted);
		json_number(j, "observed", v->reliability[i].observed);
		json_key_int(j, "n", (int64_t)v->reliability[i].n);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void json_checks(struct jsonw *j, const struct evaluation *v)
{
	jsonw_key(j, "passed");
	jsonw_bool(j, v->passed);
	jsonw_key(j, "checks");
	jsonw_array(j);
	for (size_t i = 0; i < v->checks_nr; i++) {
		const struct evaluate_check *c = &v->checks[i];

		jsonw_object(j);
		json_key_str(j, "metric", c->bound->metric);
		json_key_str(j, "bound", c->bound->is_max ? "max" : "min");
		json_number(j, "limit", c->bound->limit);
		json_number(j, "value", c->value);
		json_key_str(j, "slice", c->row->slice);
		json_key_str(j, "slice_value", c->row->value);
		jsonw_key(j, "ok");
		jsonw_bool(j, c->ok);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void show_json(const struct show *s)
{
	const struct evaluation *v = s->v;
	struct json doc;
	struct jsonw *j = json_start(s->ctx, &doc);

	json_open_common(s->ctx, j, NULL, NULL);
	json_key_int(j, "rows", (int64_t)v->rows[0].rows);
	json_metrics(j, v, &v->rows[0]);
	json_classes(j, s);
	jsonw_key(j, "slices");
	jsonw_array(j);
	for (size_t i = 1; i < v->rows_nr; i++) {
		jsonw_object(j);
		json_key_str(j, "slice", v->rows[i].slice);
		json_key_str(j, "value", v->rows[i].value);
		json_key_int(j, "rows", (int64_t)v->rows[i].rows);
		json_metrics(j, v, &v->rows[i]);
		jsonw_end(j);
	}
	jsonw_end(j);
	json_checks(j, v);
	jsonw_end(j);
	json_write(s->ctx, &doc);
}

/* ---- run ---------------------------------------------------------------------------- */

static int open_data(struct ctx *ctx, const struct eval_args *args, struct opened *data,
		     struct data_file *files, struct err *e)
{
	for (size_t i = 0; i < args->data.nr; i++) {
		int r = opened_open(ctx, args->data.v[i], &data[i], e);

		if (r < 0)
			return r;
		files[i] = (struct data_file){.path = data[i].path,
					      .fd = data[i].fd,
					      .format = opened_format(args->format)};
	}
	return 0;
}

static int eval_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct eval_args *args = arg;
	struct opened *data = xcalloc(args->data.nr + 1, sizeof(*data));
	struct data_file *files = xcalloc(args->data.nr + 1, sizeof(*files));
	struct evaluate_options o = {0};
	struct evaluation v = {0};
	struct model m = {0};
	struct show s = {.ctx = ctx, .m = &m, .v = &v, .md = args->md};
	int r;

	if ((r = take_options(ctx, args, &o, e)) < 0 ||
	    (r = opened_model(ctx, args->model, &m, e)) < 0 ||
	    (r = open_data(ctx, args, data, files, e)) < 0 ||
	    (r = evaluate(&v, &m, files, args->data.nr, &o, e)) < 0)
		goto out;
	if (ctx->global.json)
		show_json(&s);
	else
		show_text(&s);
	r = v.passed ? 0 : EXIT_FAILED;
out:
	evaluation_release(&v);
	evaluate_options_release(&o);
	model_release(&m);
	for (size_t i = 0; i < args->data.nr; i++)
		opened_release(&data[i]);
	free(files);
	free(data);
	return r;
}

const struct cmd cmd_eval = {
	.name = "eval",
	.brief = "Measure how good a model is on a table",
	.opts = eval_opts,
	.operands = eval_operands,
	.args_size = sizeof(struct eval_args),
	.needs = NEED_MAYBE | NEED_LENIENT,
	.run = eval_run,
};
