#include "train/run/evaluate_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/err.h"
#include "store/fmt/json.h"
#include "store/fmt/value.h"
#include "train/core/team.h"
#include "train/run/predict.h"
#include "train/run/slices.h"

void evaluate_options_release(struct evaluate_options *o)
{
	strvec_release(&o->metrics);
	strvec_release(&o->slices);
	for (size_t i = 0; i < o->bounds.nr; i++)
		free(o->bounds.v[i].metric);
	vec_release(&o->bounds);
	free(o->target);
	free(o->weight);
	free(o->group);
	*o = (struct evaluate_options){0};
}

void evaluation_release(struct evaluation *v)
{
	for (size_t i = 0; i < v->rows_nr; i++) {
		free(v->rows[i].slice);
		free(v->rows[i].value);
		free(v->rows[i].v);
		free(v->rows[i].defined);
	}
	free(v->rows);
	free(v->checks);
	free(v->confusion);
	free(v->reliability);
	strvec_release(&v->metrics);
	*v = (struct evaluation){0};
}

/* ---- reading ------------------------------------------------------------------------ */

/* The column of queries that the model was trained with, the caller's; or NULL. */
static char *config_group(const struct model *m)
{
	const char *config = model_attribute(m, "lode.config"), *name = NULL;
	struct arena a = {0};
	struct value *root;
	char *out = NULL;

	if (config && json_read(slice_of(config), "lode.config", &a, &root, NULL) == 0)
		name = value_text(value_get(root, "group"), NULL);
	if (name)
		out = xstrdup(name);
	arena_release(&a);
	return out;
}

static bool is_feature(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->features_nr; i++)
		if (strcmp(m->features[i].name, name) == 0)
			return true;
	return false;
}

/* The names in "a" or "a,b"; ERR_INVALID for more. */
static int slice_names(const char *text, struct strvec *out, struct err *e)
{
	struct slice rest = slice_of(text);

	while (rest.p) {
		struct slice one = slice_cut(&rest, ',');

		if (one.n == 0)
			return err_set(e, ERR_INVALID, "slice '%s': a name is empty",
				       text);
		strvec_take(out, xmemdup0(one.p, one.n));
	}
	if (out->nr > 2)
		return err_set(e, ERR_INVALID,
			       "slice '%s': one column, or two with a comma between",
			       text);
	return 0;
}

/* Columns of slices that are no features are kept as text. */
static int text_columns(const struct evaluate_work *w, struct strvec *out, struct err *e)
{
	for (size_t i = 0; i < w->o->slices.nr; i++) {
		struct strvec names = {0};
		int r = slice_names(w->o->slices.v[i], &names, e);

		for (size_t j = 0; r == 0 && j < names.nr; j++)
			if (!is_feature(w->m, names.v[j]))
				strvec_push(out, names.v[j]);
		strvec_release(&names);
		if (r < 0)
			return r;
	}
	strvec_sort(out);
	strvec_unique(out);
	return 0;
}

int evaluate_read(struct evaluate_work *w, struct data_file *files, size_t nr,
		  struct err *e)
{
	const struct model *m = w->m;
	struct data_options d = {.target = w->o->target ? w->o->target : m->target,
				 .target_classes = m->classes != NULL,
				 .classes = m->classes,
				 .classes_nr = m->classes_nr,
				 .weight = w->o->weight,
				 .no_header = w->o->no_header,
				 .sink = w->o->sink};
	char *group = w->o->group ? xstrdup(w->o->group) : NULL;
	struct strvec markers = {0}, texts = {0};
	struct column_choice *types = NULL;
	int r;

	predict_data_options(&d, &markers, m);
	if (!group && m->objective == OBJ_LAMBDARANK)
		group = config_group(m);
	d.group = group;
	if (!d.target) {
		r = err_set(e, ERR_INVALID,
			    "the model does not say what it predicts: name the column "
			    "with --target");
		goto out;
	}
	if ((r = text_columns(w, &texts, e)) < 0)
		goto out;
	types = xcalloc(texts.nr + 1, sizeof(*types));
	for (size_t i = 0; i < texts.nr; i++)
		types[i] = (struct column_choice){texts.v[i], COLUMN_TEXT};
	d.types = types;
	d.types_nr = texts.nr;
	r = data_read(&w->t, files, nr, &d, w->team, e);
	if (r == 0 && w->t.rows == 0)
		r = err_set(e, ERR_INVALID, "'%s': there are no rows", files[0].path);
out:
	free(types);
	free(group);
	strvec_release(&texts);
	strvec_release(&markers);
	return r;
}

enum {
	PART_ROWS = 4096
};

static void part(void *ctx, size_t index, unsigned member)
{
	struct evaluate_work *w = ctx;
	size_t from = index * PART_ROWS, to = MIN_OF(from + PART_ROWS, w->t.rows);
	size_t outputs = w->m->outputs;

	(void)member;
	model_margins(w->m, &w->t, from, to, w->margin + from * outputs);
	memcpy(w->response + from * outputs, w->margin + from * outputs,
	       (to - from) * outputs * sizeof(*w->margin));
	model_response(w->m, w->response + from * outputs, to - from);
}

int evaluate_predict(struct evaluate_work *w, struct err *e)
{
	size_t nr = w->t.rows * w->m->outputs;
	void *mem;
	int r;

	if (!w->margin) {
		if ((r = try_alloc(&mem, nr + 1, sizeof(double), "margins", e)) < 0)
			return r;
		w->margin = mem;
		if ((r = try_alloc(&mem, nr + 1, sizeof(double), "predictions", e)) < 0)
			return r;
		w->response = mem;
	}
	team_for(w->team, (w->t.rows + PART_ROWS - 1) / PART_ROWS, part, w);
	w->in = (struct metric_input){.objective = w->m->objective,
				      .outputs = w->m->outputs,
				      .margin = w->margin,
				      .response = w->response,
				      .label = w->t.label,
				      .weight = w->t.weight,
				      .group = w->t.group,
				      .nr = w->t.rows,
				      .threshold = w->o->threshold == 0 ? 0.5
									: w->o->threshold,
				      .arg = w->m->objective_arg};
	return 0;
}

/* ---- metrics ------------------------------------------------------------------------ */

static size_t metric_place(const struct strvec *names, const char *name)
{
	for (size_t i = 0; i < names->nr; i++)
		if (strcmp(names->v[i], name) == 0)
			return i;
	return names->nr;
}

static void choose_metrics(struct evaluate_work *w)
{
	struct strvec *names = &w->out.metrics;

	for (size_t i = 0; i < w->o->metrics.nr; i++)
		if (metric_place(names, w->o->metrics.v[i]) == names->nr)
			strvec_push(names, w->o->metrics.v[i]);
	if (names->nr == 0)
		for (const char *const *d = metric_defaults(w->m->objective); *d; d++)
			strvec_push(names, *d);
	for (size_t i = 0; i < w->o->bounds.nr; i++)
		if (metric_place(names, w->o->bounds.v[i].metric) == names->nr)
			strvec_push(names, w->o->bounds.v[i].metric);
}

/* What is asked for by name must be defined for all rows; a default need not. */
static int measure(struct evaluate_work *w, struct evaluate_row *row, bool strict,
		   struct err *e)
{
	size_t nr = w->out.metrics.nr;
	bool given = w->o->metrics.nr > 0;

	row->rows = w->in.nr;
	row->v = xcalloc(nr + 1, sizeof(*row->v));
	row->defined = xcalloc(nr + 1, sizeof(*row->defined));
	for (size_t i = 0; i < nr; i++) {
		const char *name = w->out.metrics.v[i];
		struct err why = {0};
		int r = metric_compute(&row->v[i], name, &w->in, &why);

		row->defined[i] = r == 0;
		if (r == 0)
			continue;
		if (r != ERR_INVALID || (strict && (given || !metric_known(name)))) {
			if (e)
				*e = why;
			return r;
		}
	}
	return 0;
}

static struct evaluate_row *new_row(struct evaluate_work *w)
{
	struct evaluation *v = &w->out;

	v->rows = xreallocarray(v->rows, v->rows_nr + 1, sizeof(*v->rows));
	v->rows[v->rows_nr] = (struct evaluate_row){0};
	return &v->rows[v->rows_nr++];
}

static int measure_slices(struct evaluate_work *w, const char *name,
			  const struct slicing *s, struct err *e)
{
	uint32_t *rows = NULL;
	size_t *begin = NULL;
	int r;

	if ((r = slicing_rows(s, w->t.rows, &rows, &begin, e)) < 0)
		return r;
	for (size_t k = 0; r == 0 && k < s->nr; k++) {
		struct evaluate_row *row;

		if (begin[k] == begin[k + 1])
			continue;
		w->in.rows = rows + begin[k];
		w->in.nr = begin[k + 1] - begin[k];
		row = new_row(w);
		row->slice = xstrdup(name);
		row->value = xstrdup(s->labels[k]);
		r = measure(w, row, false, e);
	}
	w->in.rows = NULL;
	w->in.nr = w->t.rows;
	free(rows);
	free(begin);
	return r;
}

static int slice(struct evaluate_work *w, const char *text, struct err *e)
{
	unsigned bins = w->o->bins ? w->o->bins : 4;
	struct slicing a = {0}, b = {0}, both = {0};
	struct strvec names = {0};
	int r;

	if ((r = slice_names(text, &names, e)) < 0 ||
	    (r = slicing_by(&a, &w->t, names.v[0], bins, EVALUATE_SLICES_MAX, e)) < 0)
		goto out;
	if (names.nr == 1) {
		r = measure_slices(w, text, &a, e);
		goto out;
	}
	if ((r = slicing_by(&b, &w->t, names.v[1], bins, EVALUATE_SLICES_MAX, e)) < 0 ||
	    (r = slicing_pair(&both, &a, &b, w->t.rows, EVALUATE_SLICES_MAX, e)) < 0)
		goto out;
	r = measure_slices(w, text, &both, e);
out:
	slicing_release(&both);
	slicing_release(&b);
	slicing_release(&a);
	strvec_release(&names);
	return r;
}

/* ---- bounds ------------------------------------------------------------------------- */

static void check_row(struct evaluate_work *w, const struct evaluate_bound *b,
		      const struct evaluate_row *row)
{
	size_t at = metric_place(&w->out.metrics, b->metric);
	struct evaluate_check *c;

	if (!row->defined[at] && b->of_slices)
		return;
	w->out.checks = xreallocarray(w->out.checks, w->out.checks_nr + 1,
				      sizeof(*w->out.checks));
	c = &w->out.checks[w->out.checks_nr++];
	*c = (struct evaluate_check){.bound = b, .row = row, .value = NAN};
	/* What cannot be computed keeps no bound. */
	if (row->defined[at]) {
		c->value = row->v[at].value;
		c->ok = b->is_max ? c->value <= b->limit : c->value >= b->limit;
	}
	w->out.passed = w->out.passed && c->ok;
}

static void check_bounds(struct evaluate_work *w)
{
	uint64_t least = w->o->slice_rows ? w->o->slice_rows : EVALUATE_SLICE_ROWS;

	w->out.passed = true;
	for (size_t i = 0; i < w->o->bounds.nr; i++) {
		const struct evaluate_bound *b = &w->o->bounds.v[i];

		if (!b->of_slices) {
			check_row(w, b, &w->out.rows[0]);
			continue;
		}
		for (size_t j = 1; j < w->out.rows_nr; j++)
			if (w->out.rows[j].rows >= least)
				check_row(w, b, &w->out.rows[j]);
	}
}

/* ---- classes ------------------------------------------------------------------------ */

static int class_tables(struct evaluate_work *w, struct err *e)
{
	struct evaluation *v = &w->out;
	enum objective o = w->m->objective;
	struct reliability bins[EVALUATE_BINS];
	int r;

	if (o != OBJ_BINARY && o != OBJ_SOFTMAX && o != OBJ_OVA)
		return 0;
	v->classes = w->m->outputs > 1 ? w->m->outputs : 2;
	v->confusion = xcalloc((size_t)v->classes * v->classes, sizeof(*v->confusion));
	if ((r = metric_confusion(v->confusion, v->classes, &w->in, e)) < 0 ||
	    o != OBJ_BINARY)
		return r;
	memset(bins, 0, sizeof(bins));
	if ((r = metric_reliability(bins, EVALUATE_BINS, &w->in, e)) < 0)
		return r;
	v->reliability = xcalloc(EVALUATE_BINS, sizeof(*v->reliability));
	for (size_t i = 0; i < EVALUATE_BINS; i++)
		if (bins[i].n > 0)
			v->reliability[v->reliability_nr++] = bins[i];
	return 0;
}

void evaluate_work_release(struct evaluate_work *w)
{
	evaluation_release(&w->out);
	table_release(&w->t);
	free(w->margin);
	free(w->response);
	team_free(w->team);
	*w = (struct evaluate_work){0};
}

int evaluate(struct evaluation *out, const struct model *m, struct data_file *files,
	     size_t files_nr, const struct evaluate_options *o, struct err *e)
{
	struct evaluate_work w = {.m = m, .o = o};
	int r;

	if ((r = team_new(&w.team, o->threads, e)) < 0 ||
	    (r = evaluate_read(&w, files, files_nr, e)) < 0 ||
	    (r = evaluate_predict(&w, e)) < 0)
		goto out;
	choose_metrics(&w);
	if ((r = measure(&w, new_row(&w), true, e)) < 0 || (r = class_tables(&w, e)) < 0)
		goto out;
	for (size_t i = 0; i < o->slices.nr; i++)
		if ((r = slice(&w, o->slices.v[i], e)) < 0)
			goto out;
	check_bounds(&w);
	*out = w.out;
	w.out = (struct evaluation){0};
out:
	evaluate_work_release(&w);
	return r;
}
