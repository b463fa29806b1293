#include "train/data/svm.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "train/core/team.h"
#include "train/data/source.h"

#include <stdlib.h>

/*
 * Two steps for each slab: first the rows and the largest index of each chunk (beside
 * the hashing of the slab and the filling of the next), then the values straight into
 * columns that have room for them. So no chunk holds zeros of its own.
 */
struct svm_job {
	struct reading *rd;
	struct data_file *f;
	struct source src;
	struct slab slabs[2], *now, *next;
	struct slab_rule rule;
	struct svm_parse parse;
	size_t want;
	struct svm_piece {
		struct chunk chunk;
		struct svm_extent extent;
		size_t at;
		struct svm_stat *stat;
		struct err err;
		int r;
	} * pieces;
	size_t pieces_nr;
	uint64_t rows, lines;
	struct err fill_err;
	int fill_r;
};

enum svm_item {
	ITEM_MD5,
	ITEM_SHA256,
	ITEM_FILL,
	ITEM_CHUNKS
};

static void first_step(void *ctx, size_t i, unsigned member)
{
	struct svm_job *j = ctx;
	const struct slab *s = j->now;

	(void)member;
	if (i == ITEM_MD5 || i == ITEM_SHA256) {
		if (!source_hashes_itself(&j->src))
			(i == ITEM_MD5 ? source_md5 : source_sha256)(
				&j->src, s->p + s->fresh, s->fresh_end - s->fresh);
	} else if (i == ITEM_FILL) {
		if (!s->ended)
			j->fill_r = slab_next(j->next, s, &j->src, j->want, &j->rule,
					      &j->fill_err);
	} else {
		struct svm_piece *x = &j->pieces[i - ITEM_CHUNKS];
		const struct slab_cut *cut = &s->cuts[i - ITEM_CHUNKS];

		x->chunk.text = s->p + cut->at;
		x->chunk.n = cut->n;
		x->extent = svm_measure(x->chunk.text, cut->n, j->parse.base);
	}
}

static void second_step(void *ctx, size_t i, unsigned member)
{
	struct svm_job *j = ctx;
	struct svm_piece *x = &j->pieces[i];

	(void)member;
	x->r = svm_parse(&j->parse, &x->chunk, x->at, x->stat, &x->err);
}

static int make_room(struct svm_job *j, struct err *e)
{
	struct svm_columns *cols = j->parse.columns;
	size_t columns = cols->nr, rows = j->parse.head->rows, guess;
	uint64_t done = j->rd->bytes_before + (uint64_t)j->src.at;
	int r;

	for (size_t k = 0; k < j->now->nr; k++) {
		j->pieces[k].at = rows;
		rows += j->pieces[k].extent.rows;
		if (!j->rd->o->features)
			columns = MAX_OF(columns, j->pieces[k].extent.columns);
	}
	guess = rows;
	if (done < j->rd->bytes_all)
		guess = (size_t)((double)rows / (double)done * (double)j->rd->bytes_all *
				 1.02) +
			1024;
	if ((r = svm_columns_grow(cols, columns, rows, guess, e)) < 0)
		return r;
	for (size_t k = 0; k < j->now->nr; k++) {
		free(j->pieces[k].stat);
		j->pieces[k].stat = xcalloc(columns + 1, sizeof(struct svm_stat));
	}
	return 0;
}

static int take_pieces(struct svm_job *j, struct err *e)
{
	struct svm_columns *cols = j->parse.columns;
	int r;

	for (size_t k = 0; k < j->now->nr; k++) {
		struct svm_piece *x = &j->pieces[k];

		if (x->r < 0) {
			if (e)
				*e = x->err;
			return x->r;
		}
		if (x->chunk.bad.kind)
			return chunk_fail(&x->chunk, j->f->path, j->parse.map, j->rows,
					  j->lines, e);
		j->rows += x->chunk.rows;
		j->lines += x->chunk.lines;
		for (size_t c = 0; c < cols->nr; c++) {
			cols->col[c].merged += x->stat[c].merged;
			cols->col[c].missing += x->stat[c].missing;
			cols->col[c].fraction |= x->stat[c].fraction;
		}
		if ((r = chunks_append(j->parse.head, &x->chunk, 1, NULL, e)) < 0)
			return r;
	}
	return 0;
}

static int run(struct svm_job *j, struct err *e)
{
	int r;

	for (;;) {
		struct slab *swap = j->now;
		size_t nr = j->now->nr;

		if ((r = interrupt_check(e)) < 0)
			return r;
		if (nr > j->pieces_nr) {
			j->pieces = xreallocarray(j->pieces, nr, sizeof(j->pieces[0]));
			for (; j->pieces_nr < nr; j->pieces_nr++)
				j->pieces[j->pieces_nr] = (struct svm_piece){0};
		}
		j->fill_r = 0;
		team_for(j->rd->team, ITEM_CHUNKS + nr, first_step, j);
		if ((r = make_room(j, e)) < 0)
			return r;
		team_for(j->rd->team, nr, second_step, j);
		if ((r = take_pieces(j, e)) < 0)
			return r;
		sink_add(j->rd->o->sink, 0, j->now->fresh_end - j->now->fresh);
		if (j->now->ended)
			return 0;
		if (j->fill_r < 0) {
			if (e)
				*e = j->fill_err;
			return j->fill_r;
		}
		j->now = j->next;
		j->next = swap;
	}
}

/* One file's rows behind those that are there. */
static int read_one(struct reading *rd, struct data_file *f, struct layout *head,
		    struct data_options *head_o, struct layout_map *map,
		    struct svm_columns *columns, bool *has_qid, struct err *e)
{
	static char label[] = "label", qid[] = "qid";
	static char *names[] = {label, qid};
	struct svm_job *j = xcalloc(1, sizeof(*j));
	int r;

	j->rd = rd;
	j->f = f;
	j->rule = (struct slab_rule){SLAB_CHUNK_N, false, ' '};
	j->want = 2 * (size_t)team_size(rd->team) * SLAB_CHUNK_N;
	j->now = &j->slabs[0];
	j->next = &j->slabs[1];
	if ((r = source_open(&j->src, f, rd->o->hash, e)) < 0)
		goto out;
	j->want = source_piece(&j->src, j->want);
	if ((r = slab_next(j->now, NULL, &j->src, j->want, &j->rule, e)) < 0)
		goto out;
	if (!head->ready) {
		*has_qid = svm_first_qid(j->now->p, j->now->n);
		*head_o = svm_head_options(rd->o, *has_qid);
		layout_init(head, head_o);
		r = layout_columns(head, map, f->path, names, *has_qid ? 2 : 1, e);
		if (r < 0)
			goto out;
	}
	j->parse = (struct svm_parse){.head = head,
				      .map = map,
				      .columns = columns,
				      .base = rd->o->svm_zero_based ? 0 : 1,
				      .has_qid = *has_qid,
				      .allow_inf = rd->o->allow_inf};
	if ((r = run(j, e)) < 0)
		goto out;
	f->rows = j->rows;
	r = source_finish(&j->src, f, e);
out:
	for (size_t i = 0; i < j->pieces_nr; i++) {
		chunk_release(&j->pieces[i].chunk);
		free(j->pieces[i].stat);
	}
	free(j->pieces);
	slab_release(&j->slabs[0]);
	slab_release(&j->slabs[1]);
	source_release(&j->src);
	free(j);
	return r;
}

int svm_read(struct reading *rd, struct data_file *files, size_t nr, struct err *e)
{
	struct data_options head_o = {0};
	struct layout head = {0};
	struct layout_map map = {0};
	struct svm_columns columns = {0};
	bool has_qid = false;
	int r = 0;

	svm_want(&columns, rd->o);
	rd->bytes_before = 0;
	for (size_t i = 0; r == 0 && i < nr; i++) {
		r = read_one(rd, &files[i], &head, &head_o, &map, &columns, &has_qid, e);
		rd->bytes_before += files[i].bytes;
	}
	if (r == 0 && rd->o->group && !has_qid)
		r = err_set(e, ERR_INVALID,
			    "'%s': no qid, which says what a row's query is",
			    files[0].path);
	if (r == 0)
		r = svm_give(rd->layout, &head, &columns, files[0].path, rd->o->target,
			     e);
	layout_map_release(&map);
	layout_release(&head);
	svm_columns_release(&columns);
	return r;
}
