#include "train/data/stream.h"
#include "train/data/svm.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sink.h"

#include <stdlib.h>
#include <string.h>

#define STREAM_CHUNK_N ((size_t)256 << 10)

struct svm_stream {
	struct slab slabs[2], *now, *next;
	struct slab_rule rule;
	size_t cut;
	struct data_options head_o, rest;
	struct layout head;
	struct layout_map map;
	struct svm_parse parse;
	struct chunk chunk;
};

static void close_svm(struct data_stream *s)
{
	struct svm_stream *x = s->ctx;

	chunk_release(&x->chunk);
	slab_release(&x->slabs[0]);
	slab_release(&x->slabs[1]);
	layout_map_release(&x->map);
	layout_release(&x->head);
	free(x);
}

static int next_slab(struct data_stream *s, struct svm_stream *x, struct err *e)
{
	struct slab *swap = x->now;
	int r = slab_next(x->next, swap->p ? swap : NULL, &s->src,
			  source_piece(&s->src, STREAM_CHUNK_N), &x->rule, e);

	if (r < 0)
		return r;
	if (!source_hashes_itself(&s->src)) {
		size_t n = x->next->fresh_end - x->next->fresh;

		source_md5(&s->src, x->next->p + x->next->fresh, n);
		source_sha256(&s->src, x->next->p + x->next->fresh, n);
	}
	sink_add(s->o.sink, 0, x->next->fresh_end - x->next->fresh);
	x->now = x->next;
	x->next = swap;
	x->cut = 0;
	return 0;
}

/* The chunk's label is the layout's. */
static void give_label(struct data_stream *s, struct svm_stream *x)
{
	struct use *to = NULL;

	for (size_t i = 0; i < s->layout.nr; i++)
		if (s->layout.uses[i].what == FOR_LABEL)
			to = &s->layout.uses[i];
	for (size_t i = 0; to && i < x->head.nr; i++)
		if (x->head.uses[i].what == FOR_LABEL)
			memcpy(to->v, x->head.uses[i].v, s->layout.rows * use_width(to));
}

static int parse_chunk(struct data_stream *s, struct svm_stream *x, struct err *e)
{
	struct svm_columns cols = {0};
	struct layout *p = &s->layout;
	struct svm_stat *stat = NULL;
	struct chunk *c = &x->chunk;
	size_t rows;
	int r;

	svm_want(&cols, &s->o);
	rows = svm_measure(c->text, c->n, x->parse.base).rows;
	if ((r = svm_columns_grow(&cols, cols.nr, rows, rows, e)) < 0)
		goto out;
	stat = xcalloc(cols.nr + 1, sizeof(stat[0]));
	x->parse.columns = &cols;
	x->head.rows = 0;
	for (size_t i = 0; i < x->head.nr; i++)
		if (!x->head.uses[i].is_fixed)
			dict_release(&x->head.uses[i].dict);
	if ((r = svm_parse(&x->parse, c, 0, stat, e)) < 0)
		goto out;
	if (c->bad.kind) {
		r = chunk_fail(c, s->f->path, &x->map, s->rows, s->lines, e);
		goto out;
	}
	s->lines += c->lines;
	if (c->rows == 0)
		goto out;
	if ((r = chunks_append(&x->head, c, 1, NULL, e)) < 0 ||
	    (r = layout_reserve(p, rows, e)) < 0)
		goto out;
	p->rows = rows;
	for (size_t i = 0; r == 0 && i < s->o.features_nr; i++)
		r = svm_give_column(p, &p->uses[i], &cols, s->f->path, e);
	give_label(s, x);
	s->record = c->record;
out:
	free(stat);
	svm_columns_release(&cols);
	return r;
}

static int fill_svm(struct data_stream *s, struct err *e)
{
	struct svm_stream *x = s->ctx;
	int r;

	while (s->layout.rows == 0) {
		while (x->cut == x->now->nr) {
			if (x->now->ended)
				return 0;
			if ((r = next_slab(s, x, e)) < 0)
				return r;
		}
		x->chunk.text = x->now->p + x->now->cuts[x->cut].at;
		x->chunk.n = x->now->cuts[x->cut].n;
		x->cut++;
		if ((r = parse_chunk(s, x, e)) < 0)
			return r;
	}
	return 0;
}

/* The layout's uses: the model's features by their numbers, and the label. */
static int make_uses(struct data_stream *s, struct svm_stream *x, struct err *e)
{
	struct svm_columns cols = {0};
	struct layout_map map = {0};
	char **names;
	int r;

	x->rest = svm_rest_options(&s->o);
	layout_release(&s->layout);
	layout_init(&s->layout, &x->rest);
	svm_want(&cols, &s->o);
	names = xcalloc(cols.nr + 1, sizeof(names[0]));
	for (size_t i = 0; i < cols.nr; i++)
		names[i] = xasprintf("f%zu", i);
	r = layout_columns(&s->layout, &map, s->f->path, names, cols.nr, e);
	for (size_t i = 0; i < cols.nr; i++)
		free(names[i]);
	free(names);
	layout_map_release(&map);
	svm_columns_release(&cols);
	for (size_t i = 0; r == 0 && i < x->head.nr; i++)
		if (x->head.uses[i].what == FOR_LABEL) {
			struct use u = {.what = FOR_LABEL,
					.kind = x->head.uses[i].kind,
					.is_fixed = true,
					.name = xstrdup(s->o.target)};

			layout_add(&s->layout, &u);
		}
	return r;
}

int stream_svm(struct data_stream *s, struct err *e)
{
	static char label[] = "label", qid[] = "qid";
	static char *names[] = {label, qid};
	struct svm_stream *x = xcalloc(1, sizeof(*x));
	bool has_qid;
	int r;

	s->ctx = x;
	s->close = close_svm;
	s->fill = fill_svm;
	x->rule = (struct slab_rule){STREAM_CHUNK_N, false, ' '};
	x->chunk.records = true;
	x->now = &x->slabs[0];
	x->next = &x->slabs[1];
	if ((r = next_slab(s, x, e)) < 0)
		return r;
	has_qid = svm_first_qid(x->now->p, x->now->n);
	x->head_o = svm_head_options(&s->o, has_qid);
	layout_init(&x->head, &x->head_o);
	r = layout_columns(&x->head, &x->map, s->f->path, names, has_qid ? 2 : 1, e);
	if (r < 0)
		return r;
	x->parse = (struct svm_parse){.head = &x->head,
				      .map = &x->map,
				      .base = s->o.svm_zero_based ? 0 : 1,
				      .has_qid = has_qid,
				      .allow_inf = s->o.allow_inf};
	return make_uses(s, x, e);
}
