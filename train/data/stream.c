#include "train/data/stream.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"

#include <math.h>
#include <stdlib.h>

static int open_format(struct data_stream *s, struct err *e)
{
	enum data_format format;
	int r = data_find_format(s->f, &format, e);

	if (r < 0)
		return r;
	switch (format) {
	case DATA_CSV:
		return stream_csv(s, ',', e);
	case DATA_TSV:
		return stream_csv(s, '\t', e);
	case DATA_SVM:
		return stream_svm(s, e);
	default:
		return err_set(e, ERR_UNSUPPORTED,
			       "'%s': such a file is not read in pieces", s->f->path);
	}
}

/* The view's columns, but for their values, and room for what is computed. */
static void make_view(struct data_stream *s)
{
	const struct layout *p = &s->layout;
	struct table *t = &s->view;

	t->cols = xcalloc(s->o.features_nr + 1, sizeof(t->cols[0]));
	t->cols_nr = s->o.features_nr;
	for (size_t i = 0; i < t->cols_nr; i++)
		feature_copy(&t->cols[i].f, &s->o.features[i]);
	t->text = xcalloc(p->nr + 1, sizeof(t->text[0]));
	s->texts = xcalloc(p->nr + 1, sizeof(s->texts[0]));
	for (size_t i = t->cols_nr; i < p->nr; i++) {
		const struct use *u = &p->uses[i];

		if (u->what == FOR_TEXT)
			t->text[t->text_nr++].name = xstrdup(u->name);
		if (u->what == FOR_LABEL)
			t->label_name = xstrdup(u->name);
		if (u->what == FOR_LABEL && u->kind == USE_CODE) {
			t->classes = xcalloc(s->o.classes_nr + 1, sizeof(t->classes[0]));
			t->classes_nr = s->o.classes_nr;
			for (size_t k = 0; k < t->classes_nr; k++)
				t->classes[k] = xstrdup(s->o.classes[k]);
		}
	}
}

int data_stream_open(struct data_stream **out, struct data_file *file,
		     const struct data_options *o, size_t rows, struct err *e)
{
	struct data_stream *s = xcalloc(1, sizeof(*s));
	int r;

	s->f = file;
	s->o = *o;
	s->o.group = NULL; /* a query may lie across pieces */
	s->rows_max = MAX_OF(rows, (size_t)1);
	layout_init(&s->layout, &s->o);
	if (!o->features || (o->target && o->target_classes && !o->classes)) {
		r = err_set(e, ERR_INVALID,
			    "'%s': columns and classes must be known to read in pieces",
			    file->path);
		goto fail;
	}
	if ((r = source_open(&s->src, file, o->hash, e)) < 0 ||
	    (r = open_format(s, e)) < 0)
		goto fail;
	make_view(s);
	sink_begin(o->sink, "reading", 0, (uint64_t)s->src.size);
	*out = s;
	return 0;
fail:
	data_stream_close(s);
	return r;
}

static int make_texts(struct data_stream *s, const struct use *u, size_t text,
		      struct err *e)
{
	const uint32_t *code = u->v;
	size_t rows = s->layout.rows;
	char **names;
	void *mem;
	int r;

	free(s->texts[text]);
	s->texts[text] = NULL;
	r = try_alloc(&mem, rows + 1, sizeof(char *), "texts", e);
	if (r < 0)
		return r;
	s->texts[text] = mem;
	names = xcalloc(u->dict.nr + 1, sizeof(names[0]));
	for (size_t k = 0; k < u->dict.nr; k++)
		names[k] = arena_strndup(&s->arena, u->dict.v[k].p, u->dict.v[k].n);
	for (size_t k = 0; k < rows; k++)
		s->texts[text][k] = code[k] == TABLE_MISSING ? NULL : names[code[k]];
	free(names);
	return 0;
}

/* Classes as numbers, texts as strings. */
static int convert(struct data_stream *s, struct err *e)
{
	struct layout *p = &s->layout;
	size_t rows = p->rows, text = 0;
	int r = 0;

	for (size_t i = s->o.features_nr; r == 0 && i < p->nr; i++) {
		const struct use *u = &p->uses[i];
		const uint32_t *code = u->v;
		void *mem;

		if (u->what == FOR_LABEL && u->kind == USE_CODE) {
			free(s->label);
			s->label = NULL;
			if ((r = try_alloc(&mem, rows + 1, sizeof(double), "labels", e)) <
			    0)
				break;
			s->label = mem;
			for (size_t k = 0; k < rows; k++)
				s->label[k] = code[k] >= TABLE_UNSEEN ? (double)NAN
								      : (double)code[k];
		}
		if (u->what != FOR_TEXT)
			continue;
		r = make_texts(s, u, text++, e);
	}
	return r;
}

/* The view onto rows [at, at + n) of the layout. */
static void show(struct data_stream *s, size_t at, size_t n)
{
	struct layout *p = &s->layout;
	struct table *t = &s->view;

	t->rows = n;
	t->first_row = s->rows + at;
	for (size_t i = 0; i < p->nr; i++) {
		struct use *u = &p->uses[i];
		uint32_t *code = u->kind == USE_CODE ? (uint32_t *)u->v + at : NULL;
		double *wide = u->kind == USE_WIDE ? (double *)u->v + at : NULL;

		if (u->what == FOR_FEATURE && code)
			t->cols[i].code = code;
		else if (u->what == FOR_FEATURE)
			t->cols[i].num = (float *)u->v + at;
		else if (u->what == FOR_LABEL)
			t->label = code ? s->label + at : wide;
		else if (u->what == FOR_WEIGHT)
			t->weight = wide;
		else if (u->what == FOR_KEY)
			t->key = (uint64_t *)u->v + at;
	}
	for (size_t i = 0; i < t->text_nr; i++)
		t->text[i].v = s->texts[i] + at;
}

static int refill(struct data_stream *s, struct err *e)
{
	struct layout *p = &s->layout;
	int r;

	s->rows += p->rows;
	p->rows = 0;
	s->at = 0;
	/* Names of what was given out go with it: memory stays bounded. */
	arena_release(&s->arena);
	for (size_t i = 0; i < p->nr; i++)
		if (!p->uses[i].is_fixed)
			dict_release(&p->uses[i].dict);
	if ((r = interrupt_check(e)) < 0 || (r = s->fill(s, e)) < 0)
		return r;
	return convert(s, e);
}

int data_stream_next(struct data_stream *s, const struct table **out, struct err *e)
{
	struct layout *p = &s->layout;
	size_t n;
	int r;

	s->at += s->view.rows;
	s->view.rows = 0;
	if (s->ended)
		return 0;
	if (s->at >= p->rows) {
		if ((r = refill(s, e)) < 0)
			return r;
		if (p->rows == 0) {
			s->ended = true;
			s->f->rows = s->rows;
			return source_finish(&s->src, s->f, e);
		}
	}
	n = MIN_OF(p->rows - s->at, s->rows_max);
	show(s, s->at, n);
	*out = &s->view;
	return 1;
}

struct slice data_stream_header(const struct data_stream *s)
{
	return buf_slice(&s->header);
}

struct slice data_stream_record(const struct data_stream *s, size_t row)
{
	return s->record ? s->record[s->at + row] : (struct slice){0};
}

void data_stream_close(struct data_stream *s)
{
	struct table *t;

	if (!s)
		return;
	sink_end(s->o.sink);
	/* The view's values are the layout's. */
	t = &s->view;
	for (size_t i = 0; i < t->cols_nr; i++) {
		t->cols[i].num = NULL;
		t->cols[i].code = NULL;
	}
	for (size_t i = 0; i < t->text_nr; i++) {
		t->text[i].v = NULL;
		free(s->texts[i]);
	}
	free(s->texts);
	t->label = t->weight = NULL;
	t->key = NULL;
	table_release(t);
	free(s->label);
	if (s->close)
		s->close(s);
	layout_release(&s->layout);
	source_release(&s->src);
	buf_release(&s->header);
	arena_release(&s->arena);
	free(s);
}
