#include "train/run/predict.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "store/fmt/json.h"
#include "store/fmt/number.h"
#include "store/fmt/value.h"
#include "train/core/model.h"
#include "train/core/team.h"
#include "train/data/reader.h"

enum {
	PIECE_ROWS = 65536,
	PART_ROWS = 4096 /* of a piece: what one thread computes and writes at a time */
};

struct predict {
	const struct model *m;
	const struct predict_options *o;
	struct team *team;
	char sep;
	bool is_multi, gives_class; /* the last column is a class */
	size_t columns;		    /* of numbers before it */
	struct model_shap *shap;    /* NULL: no contributions */
	struct data_stream *s;	    /* NULL: fields are the table's */
	const struct table *t;
	double *v;
	struct buf *parts;
	size_t parts_nr;
};

void predict_data_options(struct data_options *out, struct strvec *markers,
			  const struct model *m)
{
	const char *config = model_attribute(m, "lode.config");
	const struct value *list;
	struct arena a = {0};
	struct value *root;

	out->features = m->features;
	out->features_nr = m->features_nr;
	/* A model of somebody else may have any text there. */
	if (config && json_read(slice_of(config), "lode.config", &a, &root, NULL) == 0) {
		out->allow_inf = value_truthy(value_get(root, "allow_inf"));
		list = value_get(value_get(root, "columns"), "missing");
		if (value_is(list, VALUE_LIST)) {
			for (size_t i = 0; i < list->nr; i++)
				strvec_push(markers, value_text(list->items[i], ""));
			if (list->nr == 0)
				vec_reserve(markers, 1); /* none, which is not NULL */
			out->missing = (const char *const *)markers->v;
			out->missing_nr = markers->nr;
		}
	}
	arena_release(&a);
}

/* ---- fields ------------------------------------------------------------------------ */

static void add_field(struct buf *out, struct slice s, char sep)
{
	bool quote = memchr(s.p, sep, s.n) || memchr(s.p, '"', s.n) ||
		     memchr(s.p, '\n', s.n) || memchr(s.p, '\r', s.n);

	if (!quote) {
		buf_addslice(out, s);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

static void add_class(struct buf *out, const struct model *m, size_t k, char sep)
{
	if (m->classes && k < m->classes_nr)
		add_field(out, slice_of(m->classes[k]), sep);
	else
		buf_addf(out, "%zu", k);
}

/* "probability_no", quoted as one field. */
static void add_class_column(struct buf *out, const struct predict *p, size_t k)
{
	struct buf name = {0};

	buf_adds(&name, p->o->margin ? "margin_" : "probability_");
	if (p->m->classes && k < p->m->classes_nr)
		buf_adds(&name, p->m->classes[k]);
	else
		buf_addf(&name, "%zu", k);
	add_field(out, buf_slice(&name), p->sep);
	buf_release(&name);
}

/* Fields of a record, for the names of columns that have none. */
static size_t count_fields(struct slice record, char sep)
{
	bool quoted = false;
	size_t nr = 1;

	for (size_t i = 0; i < record.n; i++) {
		if (record.p[i] == '"')
			quoted = !quoted;
		else if (record.p[i] == sep && !quoted)
			nr++;
	}
	return nr;
}

static void add_names(struct buf *out, const struct predict *p)
{
	struct slice header = p->s ? data_stream_header(p->s) : (struct slice){0};
	size_t nr;

	if (!p->s) {
		for (size_t i = 0; i < p->m->features_nr; i++) {
			add_field(out, slice_of(p->m->features[i].name), p->sep);
			buf_addc(out, p->sep);
		}
		return;
	}
	if (!p->o->no_header) {
		while (header.n > 0 &&
		       (header.p[header.n - 1] == '\n' || header.p[header.n - 1] == '\r'))
			header.n--;
		buf_addslice(out, header);
		buf_addc(out, p->sep);
		return;
	}
	nr = p->t && p->t->rows ? count_fields(data_stream_record(p->s, 0), p->sep) : 0;
	for (size_t i = 0; i < nr; i++)
		buf_addf(out, "f%zu%c", i, p->sep);
}

/* "shap_age", or "shap_Ulm_age" of a class; behind the features the base. */
static void add_shap_columns(struct buf *out, const struct predict *p)
{
	const struct model *m = p->m;

	for (size_t i = 0; i < (m->features_nr + 1) * m->outputs; i++) {
		size_t k = i / (m->features_nr + 1), j = i % (m->features_nr + 1);
		struct buf name = {0};

		buf_adds(&name, "shap_");
		if (m->outputs > 1 && m->classes && k < m->classes_nr)
			buf_addf(&name, "%s_", m->classes[k]);
		else if (m->outputs > 1)
			buf_addf(&name, "%zu_", k);
		buf_adds(&name, j < m->features_nr ? m->features[j].name : "(base)");
		add_field(out, buf_slice(&name), p->sep);
		buf_addc(out, p->sep);
		buf_release(&name);
	}
}

static void add_header(struct buf *out, const struct predict *p)
{
	add_names(out, p);
	if (p->shap)
		add_shap_columns(out, p);
	for (size_t k = 0; p->gives_class && k < p->columns; k++) {
		add_class_column(out, p, k);
		buf_addc(out, p->sep);
	}
	buf_adds(out, "prediction\n");
}

static void add_features(struct buf *out, const struct predict *p, size_t row)
{
	char text[NUMBER_MAX];

	for (size_t i = 0; i < p->t->cols_nr; i++) {
		const struct column *c = &p->t->cols[i];

		if (c->f.kind == FEATURE_NUMERIC) {
			/* A missing number is an empty field. */
			if (c->num[row] == c->num[row])
				buf_add(out, text, number_text32(text, c->num[row]));
		} else if (c->code[row] < c->f.cats_nr) {
			add_field(out, slice_of(c->f.cats[c->code[row]]), p->sep);
		}
		buf_addc(out, p->sep);
	}
}

/* The numbers before a class, then the class; or the number. */
static void add_prediction(struct buf *out, const struct predict *p, const double *v)
{
	double both[2] = {v[0], v[0]};
	size_t best = 0;

	if (!p->gives_class) {
		number_add(out, v[0]);
		return;
	}
	if (!p->is_multi) {
		/* A margin is that of the second class; the first has its opposite. */
		both[0] = p->o->margin ? -v[0] : 1 - v[0];
		best = v[0] >= (p->o->margin ? 0 : 0.5);
		v = both;
	} else {
		for (size_t k = 1; k < p->m->outputs; k++)
			if (v[k] > v[best])
				best = k;
	}
	for (size_t k = 0; k < p->columns; k++) {
		number_add(out, v[k]);
		buf_addc(out, p->sep);
	}
	add_class(out, p->m, best, p->sep);
}

static void add_shap(struct buf *out, const struct predict *p, size_t row, double *room)
{
	model_shap_row(p->shap, p->t, row, room);
	for (size_t i = 0; i < (p->m->features_nr + 1) * p->m->outputs; i++) {
		number_add(out, room[i]);
		buf_addc(out, p->sep);
	}
}

static void part(void *ctx, size_t index, unsigned member)
{
	struct predict *p = ctx;
	size_t from = index * PART_ROWS, to = MIN_OF(from + PART_ROWS, p->t->rows);
	struct buf *out = &p->parts[index];
	double *v = p->v + from * p->m->outputs, *shap = NULL;

	(void)member;
	buf_reset(out);
	if (p->shap)
		shap = xcalloc((p->m->features_nr + 1) * p->m->outputs, sizeof(*shap));
	model_margins(p->m, p->t, from, to, v);
	if (!p->o->margin)
		model_response(p->m, v, to - from);
	for (size_t row = from; row < to; row++, v += p->m->outputs) {
		if (p->s) {
			buf_addslice(out, data_stream_record(p->s, row));
			buf_addc(out, p->sep);
		} else {
			add_features(out, p, row);
		}
		if (shap)
			add_shap(out, p, row, shap);
		add_prediction(out, p, v);
		buf_addc(out, '\n');
	}
	free(shap);
}

/* All parts of one table, a few for each thread at once so that memory is bounded. */
static int table_rows(struct predict *p, struct err *e)
{
	size_t nr = (p->t->rows + PART_ROWS - 1) / PART_ROWS;
	int r = 0;

	team_for(p->team, nr, part, p);
	for (size_t i = 0; r == 0 && i < nr; i++)
		r = p->o->write(p->o->ctx, p->parts[i].p, p->parts[i].n, e);
	return r;
}

static int room(struct predict *p, size_t rows, struct err *e)
{
	void *mem;
	int r;

	if ((r = try_alloc(&mem, rows * p->m->outputs + 1, sizeof(*p->v), "predictions",
			   e)) < 0)
		return r;
	p->v = mem;
	p->parts_nr = (rows + PART_ROWS - 1) / PART_ROWS;
	p->parts = xcalloc(p->parts_nr + 1, sizeof(*p->parts));
	return 0;
}

static int write_header(struct predict *p, struct err *e)
{
	struct buf header = {0};
	int r;

	add_header(&header, p);
	r = p->o->write(p->o->ctx, header.p, header.n, e);
	buf_release(&header);
	return r;
}

static int streamed(struct predict *p, struct data_file *file,
		    const struct data_options *d, struct err *e)
{
	bool first = true;
	int r, got;

	if ((r = room(p, PIECE_ROWS, e)) < 0 ||
	    (r = data_stream_open(&p->s, file, d, PIECE_ROWS, e)) < 0)
		return r;
	for (;;) {
		if ((got = data_stream_next(p->s, &p->t, e)) < 0)
			return got;
		if (first && (r = write_header(p, e)) < 0)
			return r;
		first = false;
		if (got == 0)
			return 0;
		if ((r = table_rows(p, e)) < 0)
			return r;
	}
}

/* Formats that are read whole: their own fields are not text. */
static int whole(struct predict *p, struct data_file *file, const struct data_options *d,
		 struct err *e)
{
	struct table t = {0};
	int r;

	if ((r = data_read(&t, file, 1, d, p->team, e)) < 0)
		return r;
	p->t = &t;
	if ((r = room(p, t.rows, e)) == 0 && (r = write_header(p, e)) == 0)
		r = table_rows(p, e);
	p->t = NULL;
	table_release(&t);
	return r;
}

static int check(struct predict *p, struct err *e)
{
	const struct model *m = p->m;
	bool is_binary = m->objective == OBJ_BINARY;

	p->is_multi = m->objective == OBJ_SOFTMAX || m->objective == OBJ_OVA;
	if (p->o->proba && !is_binary && !p->is_multi)
		return err_set(e, ERR_INVALID,
			       "the model's objective is '%s': it has no classes",
			       objective_name(m->objective));
	p->gives_class = p->is_multi || p->o->proba;
	if (p->is_multi)
		p->columns = p->o->proba || p->o->margin ? m->outputs : 0;
	else
		p->columns = p->o->proba ? 2 : 0;
	return p->o->shap ? model_shap_new(&p->shap, m, e) : 0;
}

int predict_file(struct data_file *file, const struct model *m,
		 const struct predict_options *o, struct err *e)
{
	struct predict p = {.m = m, .o = o, .sep = ','};
	struct data_options d = {.no_header = o->no_header, .sink = o->sink};
	struct strvec markers = {0};
	enum data_format format;
	int r;

	predict_data_options(&d, &markers, m);
	if ((r = check(&p, e)) < 0 || (r = data_find_format(file, &format, e)) < 0 ||
	    (r = team_new(&p.team, o->threads, e)) < 0)
		goto out;
	if (format == DATA_TSV)
		p.sep = '\t';
	if (format == DATA_CSV || format == DATA_TSV)
		r = streamed(&p, file, &d, e);
	else
		r = whole(&p, file, &d, e);
out:
	data_stream_close(p.s);
	model_shap_free(p.shap);
	team_free(p.team);
	for (size_t i = 0; i < p.parts_nr; i++)
		buf_release(&p.parts[i]);
	free(p.parts);
	free(p.v);
	strvec_release(&markers);
	return r;
}
