#include "cmd/cmd.h"
#include "cmd/grid.h"
#include "cmd/json.h"
#include "cmd/opened.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/fmt/number.h"
#include "store/repo/report.h"
#include "train/core/model.h"
#include "train/core/objective.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a model is --------------------------------------------------------------- */

struct shape {
	size_t categorical, nodes, leaves, leaves_max, depth_max;
};

static struct shape shape_of(const struct model *m)
{
	struct shape s = {0};

	for (size_t i = 0; i < m->features_nr; i++)
		s.categorical += m->features[i].kind == FEATURE_CATEGORICAL;
	for (size_t i = 0; i < m->trees_nr; i++) {
		const struct tree *t = &m->trees[i];
		size_t *depth = xcalloc(t->nr + 1, sizeof(*depth)), leaves = 0;

		/* Parents stand before their children. */
		for (size_t j = 0; j < t->nr; j++) {
			if (j)
				depth[j] = depth[t->nodes[j].parent] + 1;
			s.depth_max = MAX_OF(s.depth_max, depth[j]);
			leaves += t->nodes[j].left < 0;
		}
		s.nodes += t->nr;
		s.leaves += leaves;
		s.leaves_max = MAX_OF(s.leaves_max, leaves);
		free(depth);
	}
	return s;
}

static const char *type_name(const struct model *m)
{
	return m->type == MODEL_LINEAR ? "linear" : "gbt";
}

static const char *kind_name(const struct feature *f)
{
	return f->kind == FEATURE_CATEGORICAL ? "categorical"
	       : f->integer		      ? "integer"
					      : "number";
}

/* ---- show ---------------------------------------------------------------------------- */

struct show_args {
	bool features, weights;
	int64_t tree;
	const char *model;
};

static const struct show_args show_defaults = {.tree = -1};

static const struct opt show_opts[] = {
	OPT_BOOL(0, "features", struct show_args, features,
		 "list the features, and the categories they know"),
	OPT_BOOL(0, "weights", struct show_args, weights,
		 "list the weights of a linear model"),
	OPT_INT(0, "tree", struct show_args, tree, "N", "show tree N, counted from 0"),
	OPT_END,
};

static const struct operand show_operands[] = {
	OPERAND(OPERAND_ONE, "model", struct show_args, model, "a model's JSON file"),
	OPERANDS_END,
};

static void line_name(struct print *p, const char *label, const char *text)
{
	print_text(p, "%-12s", label);
	print_name(p, text);
	print_text(p, "\n");
}

static void line_number(struct print *p, const char *label, double v)
{
	char text[NUMBER_MAX + 1];

	text[number_text(text, v)] = '\0';
	line_name(p, label, text);
}

static void show_names(struct print *p, const char *label, char *const *v, size_t nr)
{
	print_text(p, "%-12s", label);
	for (size_t i = 0; i < nr; i++) {
		if (i)
			print_text(p, ", ");
		print_name(p, v[i]);
	}
	print_text(p, "\n");
}

static void show_head(struct print *p, const struct model *m)
{
	struct shape s = shape_of(m);

	line_name(p, "type", type_name(m));
	line_name(p, "objective", objective_name(m->objective));
	if (m->objective_arg != 0)
		line_number(p, "", m->objective_arg);
	if (m->target)
		line_name(p, "target", m->target);
	if (m->classes)
		show_names(p, "classes", m->classes, m->classes_nr);
	print_text(p, "%-12s%zu (%zu categorical)\n", "features", m->features_nr,
		   s.categorical);
	if (m->type == MODEL_LINEAR) {
		print_text(p, "%-12s%zu\n", "weights", m->weights_nr * m->outputs);
		return;
	}
	print_text(p, "%-12s%zu, %zu leaves (at most %zu a tree, depth %zu)\n", "trees",
		   m->trees_nr, s.leaves, s.leaves_max, s.depth_max);
	for (unsigned k = 0; k < m->outputs; k++)
		line_number(p, k ? "" : "base", m->base[k]);
	if (m->grid_bits == -2)
		line_name(p, "grid", "off");
	else
		print_text(p, "%-12s2^%d\n", "grid", -m->grid_bits);
}

static void show_features(struct print *p, const struct model *m)
{
	struct grid g = {.columns = 3};

	grid_cell(&g, "feature");
	grid_cell(&g, "type");
	grid_cell(&g, "categories");
	for (size_t i = 0; i < m->features_nr; i++) {
		const struct feature *f = &m->features[i];
		struct buf cats = {0};

		for (size_t j = 0; j < f->cats_nr; j++) {
			if (j)
				buf_adds(&cats, ", ");
			buf_adds(&cats, f->cats[j]);
		}
		grid_cell(&g, f->name);
		grid_cell(&g, kind_name(f));
		grid_cell(&g, buf_str(&cats));
		buf_release(&cats);
	}
	print_text(p, "\n");
	grid_plain(&g, p);
	grid_release(&g);
}

/* Each weight by the input it belongs to: "age", "town=Ulm". */
typedef void weight_fn(void *ctx, const char *input, size_t at);

static void each_input(const struct model *m, weight_fn *fn, void *ctx)
{
	size_t at = 0;

	for (size_t i = 0; i < m->features_nr; i++) {
		const struct feature *f = &m->features[i];
		size_t nr = f->kind == FEATURE_CATEGORICAL ? f->cats_nr : 1;

		for (size_t j = 0; j < nr; j++) {
			char *name = f->kind == FEATURE_CATEGORICAL
					     ? xasprintf("%s=%s", f->name, f->cats[j])
					     : xstrdup(f->name);

			fn(ctx, name, at++);
			free(name);
		}
	}
}

struct weights {
	const struct model *m;
	struct grid g;
	struct jsonw *j;
};

static void weight_cells(struct weights *w, const char *input, const double *v,
			 size_t step)
{
	char text[NUMBER_MAX + 1];

	grid_cell(&w->g, input);
	for (unsigned k = 0; k < w->m->outputs; k++) {
		text[number_text(text, v[k * step])] = '\0';
		grid_cell(&w->g, text);
	}
}

static void weight_row(void *ctx, const char *input, size_t at)
{
	struct weights *w = ctx;

	weight_cells(w, input, w->m->weights + at, w->m->weights_nr);
}

static void weight_item(void *ctx, const char *input, size_t at)
{
	struct weights *w = ctx;

	jsonw_object(w->j);
	json_key_str(w->j, "input", input);
	jsonw_key(w->j, "weights");
	jsonw_array(w->j);
	for (unsigned k = 0; k < w->m->outputs; k++)
		jsonw_float(w->j, w->m->weights[k * w->m->weights_nr + at]);
	jsonw_end(w->j);
	jsonw_end(w->j);
}

static void show_weights(struct print *p, const struct model *m)
{
	struct weights w = {.m = m, .g = {.columns = 1 + m->outputs}};

	grid_cell(&w.g, "input");
	for (unsigned k = 0; k < m->outputs; k++) {
		char *name = xasprintf("output %u", k);

		grid_cell(&w.g, m->outputs == 1			  ? "weight"
				: m->classes && k < m->classes_nr ? m->classes[k]
								  : name);
		free(name);
	}
	weight_cells(&w, "(bias)", m->bias, 1);
	each_input(m, weight_row, &w);
	print_text(p, "\n");
	grid_plain(&w.g, p);
	grid_release(&w.g);
}

static void show_split(struct print *p, const struct model *m, const struct tree *t,
		       const struct node *n)
{
	const struct feature *f = &m->features[n->feature];
	char cut[NUMBER_MAX + 1];

	print_name(p, f->name);
	if (n->categorical) {
		print_text(p, " not in {");
		for (uint32_t i = 0; i < n->set_nr; i++) {
			if (i)
				print_text(p, ", ");
			print_name(p, f->cats[t->sets[n->set + i]]);
		}
		print_text(p, "}: %d, else %d", n->left, n->right);
		return;
	}
	cut[number_text32(cut, n->cut)] = '\0';
	print_text(p, " < %s%s: %d, else %d", cut, n->default_left ? " or missing" : "",
		   n->left, n->right);
}

static void show_tree(struct print *p, const struct model *m, const struct tree *t)
{
	print_text(p, "\n");
	for (size_t i = 0; i < t->nr; i++) {
		const struct node *n = &t->nodes[i];
		char value[NUMBER_MAX + 1];

		print_text(p, "%zu: ", i);
		if (n->left < 0) {
			value[number_text(value, n->value)] = '\0';
			print_text(p, "leaf %s", value);
		} else {
			show_split(p, m, t, n);
		}
		print_text(p, " (%llu rows)\n", (unsigned long long)n->rows);
	}
}

static void show_attributes(struct print *p, const struct model *m)
{
	if (m->attributes_nr)
		print_text(p, "\nattributes\n");
	for (size_t i = 0; i < m->attributes_nr; i++) {
		print_text(p, "  ");
		print_name(p, m->attributes[i].name);
		print_text(p, ": ");
		print_name(p, m->attributes[i].value);
		print_text(p, "\n");
	}
}

static void json_names(struct jsonw *j, const char *key, char *const *v, size_t nr)
{
	jsonw_key(j, key);
	if (!v) {
		jsonw_null(j);
		return;
	}
	jsonw_array(j);
	for (size_t i = 0; i < nr; i++)
		jsonw_str(j, v[i]);
	jsonw_end(j);
}

static void json_features(struct jsonw *j, const struct model *m)
{
	jsonw_key(j, "features");
	jsonw_array(j);
	for (size_t i = 0; i < m->features_nr; i++) {
		const struct feature *f = &m->features[i];

		jsonw_object(j);
		json_key_str(j, "name", f->name);
		json_key_str(j, "type", kind_name(f));
		if (f->kind == FEATURE_CATEGORICAL)
			json_names(j, "categories", f->cats, f->cats_nr);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void json_shape(struct jsonw *j, const struct model *m)
{
	struct shape s = shape_of(m);
	struct weights w = {.m = m, .j = j};

	if (m->type == MODEL_LINEAR) {
		jsonw_key(j, "bias");
		jsonw_array(j);
		for (unsigned k = 0; k < m->outputs; k++)
			jsonw_float(j, m->bias[k]);
		jsonw_end(j);
		jsonw_key(j, "weights");
		jsonw_array(j);
		each_input(m, weight_item, &w);
		jsonw_end(j);
		return;
	}
	json_key_int(j, "trees", (int64_t)m->trees_nr);
	json_key_int(j, "leaves", (int64_t)s.leaves);
	json_key_int(j, "max_leaves", (int64_t)s.leaves_max);
	json_key_int(j, "max_depth", (int64_t)s.depth_max);
	jsonw_key(j, "base");
	jsonw_array(j);
	for (unsigned k = 0; k < m->outputs; k++)
		jsonw_float(j, m->base[k]);
	jsonw_end(j);
	jsonw_key(j, "grid_bits");
	if (m->grid_bits == -2)
		jsonw_null(j);
	else
		jsonw_int(j, m->grid_bits);
}

static void show_json(struct ctx *ctx, const struct model *m)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	json_open_common(ctx, j, NULL, NULL);
	jsonw_key(j, "model");
	jsonw_object(j);
	json_key_str(j, "type", type_name(m));
	json_key_str(j, "objective", objective_name(m->objective));
	jsonw_key(j, "objective_arg");
	jsonw_float(j, m->objective_arg);
	json_key_str(j, "target", m->target);
	json_names(j, "classes", m->classes, m->classes_nr);
	json_key_int(j, "outputs", m->outputs);
	json_shape(j, m);
	json_features(j, m);
	jsonw_key(j, "attributes");
	jsonw_object(j);
	for (size_t i = 0; i < m->attributes_nr; i++)
		json_key_str(j, m->attributes[i].name, m->attributes[i].value);
	jsonw_end(j);
	jsonw_end(j);
	jsonw_end(j);
	json_write(ctx, &doc);
}

static int show_check(const struct show_args *args, const struct model *m, struct err *e)
{
	if (args->tree >= 0 && (uint64_t)args->tree >= m->trees_nr)
		return err_set(e, ERR_INVALID, "--tree: the model has %zu trees",
			       m->trees_nr);
	if (args->weights && m->type != MODEL_LINEAR)
		return err_set(e, ERR_INVALID, "--weights: the model is of trees");
	return 0;
}

static int show_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct show_args *args = arg;
	struct print *p = &ctx->print;
	struct model m = {0};
	int r;

	if ((r = opened_model(ctx, args->model, &m, e)) < 0 ||
	    (r = show_check(args, &m, e)) < 0)
		goto out;
	if (ctx->global.json) {
		show_json(ctx, &m);
		goto out;
	}
	show_head(p, &m);
	show_attributes(p, &m);
	if (args->features)
		show_features(p, &m);
	if (args->weights)
		show_weights(p, &m);
	if (args->tree >= 0)
		show_tree(p, &m, &m.trees[args->tree]);
out:
	model_release(&m);
	return r;
}

static const struct cmd cmd_model_show = {
	.name = "show",
	.brief = "Tell what a model is",
	.opts = show_opts,
	.operands = show_operands,
	.args_size = sizeof(struct show_args),
	.defaults = &show_defaults,
	.needs = NEED_MAYBE | NEED_LENIENT,
	.run = show_run,
};

/* ---- export --------------------------------------------------------------------------- */

struct export_args {
	const char *format, *out, *model;
};

static const struct export_args export_defaults = {.format = "xgboost"};

static const char *const export_formats[] = {"xgboost", "lightgbm", "onnx", "ubj", NULL};

static const struct opt export_opts[] = {
	{OPT_FIELD(OPT_KIND_STR, 'f', "format", struct export_args, format),
	 .value_name = "FORMAT", .choices = export_formats,
	 .help = "write this form (xgboost)"},
	{OPT_FIELD(OPT_KIND_STR, 'o', "out", struct export_args, out),
	 .value_name = "FILE", .help = "write to FILE instead of standard output",
	 .flags = OPT_PATH},
	OPT_END,
};

static const struct operand export_operands[] = {
	OPERAND(OPERAND_ONE, "model", struct export_args, model, "a model's JSON file"),
	OPERANDS_END,
};

static int export_text(const struct model *m, const char *format, struct buf *out,
		       struct err *e)
{
	if (strcmp(format, "lightgbm") == 0)
		return model_lightgbm(out, m, e);
	if (strcmp(format, "onnx") == 0)
		return model_onnx(out, m, e);
	if (strcmp(format, "ubj") == 0)
		return model_ubjson(out, m, e);
	if (m->type == MODEL_LINEAR)
		return err_set(e, ERR_UNSUPPORTED,
			       "XGBoost's JSON holds trees, not linear models of ours");
	model_json(out, m);
	return 0;
}

static int export_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct export_args *args = arg;
	bool to_stdout = !args->out || strcmp(args->out, "-") == 0;
	bool is_binary =
		strcmp(args->format, "onnx") == 0 || strcmp(args->format, "ubj") == 0;
	struct report rep = {0};
	struct model m = {0};
	struct buf out = {0};
	int r;

	if (to_stdout && is_binary && ctx->print.is_terminal)
		return err_set(e, ERR_INVALID,
			       "binary data on a terminal: name a file "
			       "with --out");
	if (to_stdout && ctx->global.json)
		return err_set(e, ERR_INVALID, "--json needs --out");
	if ((r = opened_model(ctx, args->model, &m, e)) < 0 ||
	    (r = export_text(&m, args->format, &out, e)) < 0)
		goto out;
	if (to_stdout) {
		print_bytes(&ctx->print, buf_slice(&out));
		goto out;
	}
	if ((r = fs_write(AT_FDCWD, args->out, buf_slice(&out), 0666, FS_SYNC_BATCH,
			  e)) == 0) {
		report_add(&rep, args->out, NULL, "written", (int64_t)out.n);
		rep.bytes = out.n;
	}
out:
	if (ctx->global.json)
		r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	buf_release(&out);
	model_release(&m);
	return r;
}

static const struct cmd cmd_model_export = {
	.name = "export",
	.brief = "Write a model in the form of another library",
	.opts = export_opts,
	.operands = export_operands,
	.args_size = sizeof(struct export_args),
	.defaults = &export_defaults,
	.needs = NEED_MAYBE | NEED_LENIENT,
	.run = export_run,
};

extern const struct cmd cmd_model_importance; /* model_importance.c */

static const struct cmd *const model_subs[] = {&cmd_model_export, &cmd_model_importance,
					       &cmd_model_show, NULL};

const struct cmd cmd_model = {
	.name = "model",
	.brief = "Look at a model, or write it in another form",
	.subs = model_subs,
};
