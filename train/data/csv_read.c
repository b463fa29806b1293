#include "train/data/reader.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/vec.h"
#include "train/core/team.h"
#include "train/data/source.h"

#include <stdlib.h>

/* The types are guessed from so much at the front. */
#define GUESS_N ((size_t)128 << 10)

/*
 * One file. Two slabs take turns: while the chunks of one are parsed and its bytes
 * hashed, the other is filled. A slab is two chunks for each thread, so that none
 * waits long for the last one.
 */
struct file_job {
	struct reading *rd;
	struct data_file *f;
	struct source src;
	struct slab_rule rule;
	struct csv_parse parse;
	struct slab slabs[2], *now, *next;
	size_t want;
	struct chunk *chunks;
	size_t chunks_nr;
	uint64_t rows, lines; /* of the file, before this slab */
	struct err fill_err, *chunk_err;
	int fill_r;
	int *chunk_r;
};

enum job_item {
	JOB_MD5,
	JOB_SHA256,
	JOB_FILL,
	JOB_CHUNKS
};

static void run_item(void *ctx, size_t i, unsigned member)
{
	struct file_job *j = ctx;
	const struct slab *s = j->now;

	(void)member;
	if (i == JOB_MD5 || i == JOB_SHA256) {
		if (source_hashes_itself(&j->src))
			return;
		(i == JOB_MD5 ? source_md5 : source_sha256)(&j->src, s->p + s->fresh,
							    s->fresh_end - s->fresh);
	} else if (i == JOB_FILL) {
		if (!s->ended)
			j->fill_r = slab_next(j->next, s, &j->src, j->want, &j->rule,
					      &j->fill_err);
	} else {
		size_t k = i - JOB_CHUNKS;
		struct chunk *c = &j->chunks[k];

		c->text = s->p + s->cuts[k].at;
		c->n = s->cuts[k].n;
		c->quotes = s->cuts[k].quotes;
		j->chunk_r[k] = csv_parse(&j->parse, c, &j->chunk_err[k]);
	}
}

static void more_chunks(struct file_job *j, size_t nr)
{
	if (nr <= j->chunks_nr)
		return;
	j->chunks = xreallocarray(j->chunks, nr, sizeof(j->chunks[0]));
	j->chunk_err = xreallocarray(j->chunk_err, nr, sizeof(j->chunk_err[0]));
	j->chunk_r = xreallocarray(j->chunk_r, nr, sizeof(j->chunk_r[0]));
	for (size_t i = j->chunks_nr; i < nr; i++)
		j->chunks[i] = (struct chunk){0};
	j->chunks_nr = nr;
}

/* An infinity counts unless the column had a name before it. */
static void judge_infinite(const struct layout *p, struct chunk *c)
{
	for (size_t i = 0; c->any_infinite && i < p->nr; i++) {
		const struct bad *b = &c->uses[i].infinite;

		if (!b->kind || p->uses[i].was_text)
			continue;
		if (!c->bad.kind || b->row < c->bad.row ||
		    (b->row == c->bad.row && b->column < c->bad.column))
			c->bad = *b;
	}
}

/* What the slab's chunks found goes to the layout, in order; the first error counts. */
static int take_chunks(struct file_job *j, size_t nr, struct err *e)
{
	struct layout *p = j->rd->layout;
	int r;

	for (size_t k = 0; k < nr; k++) {
		struct chunk *c = &j->chunks[k];

		if (j->chunk_r[k] < 0) {
			if (e)
				*e = j->chunk_err[k];
			return j->chunk_r[k];
		}
		judge_infinite(p, c);
		if (c->bad.kind)
			return chunk_fail(c, j->f->path, j->parse.map, j->rows, j->lines,
					  e);
		j->rows += c->rows;
		j->lines += c->lines;
		for (size_t i = 0; i < p->nr; i++)
			p->uses[i].was_text |= c->uses[i].was_text;
	}
	for (size_t k = 0, more = 0; k < nr; k++) {
		more += j->chunks[k].rows;
		if (k + 1 == nr && (r = reading_reserve(j->rd, more, j->src.at, e)) < 0)
			return r;
	}
	return chunks_append(p, j->chunks, nr, j->rd->team, e);
}

/* All that is left, beginning with the slab that was cut. */
static int run(struct file_job *j, struct err *e)
{
	int r;

	for (;;) {
		struct slab *swap = j->now;
		size_t nr = j->now->nr;

		if ((r = interrupt_check(e)) < 0)
			return r;
		more_chunks(j, nr);
		j->fill_r = 0;
		team_for(j->rd->team, JOB_CHUNKS + nr, run_item, j);
		if ((r = take_chunks(j, nr, e)) < 0)
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

/* Columns whose first values are no numbers hold categories. */
static int guess_types(struct file_job *j, struct err *e)
{
	struct layout *p = j->rd->layout;
	struct slab_rule rule = j->rule;
	struct slab head = *j->now;
	struct chunk c = {0};
	int r = 0;

	rule.chunk_n = GUESS_N;
	head.cuts = NULL;
	head.nr = head.cuts_cap = 0;
	slab_cut(&head, &rule);
	if (head.nr) {
		c.text = head.p + head.cuts[0].at;
		c.n = head.cuts[0].n;
		c.quotes = head.cuts[0].quotes;
		r = csv_parse(&j->parse, &c, e);
	}
	for (size_t i = 0; r == 0 && head.nr && i < p->nr; i++)
		if (p->uses[i].is_auto && c.uses[i].was_text) {
			p->uses[i].is_auto = false;
			p->uses[i].kind = USE_CODE;
		}
	free(head.cuts);
	chunk_release(&c);
	return r;
}

static int begin(struct file_job *j, struct csv_names *names, struct layout_map *map,
		 struct err *e)
{
	bool first = !j->rd->layout->ready;
	size_t skip, lines;
	int r;

	j->want = source_piece(&j->src, j->want);
	r = csv_first_slab(j->now, &j->src, j->f, &j->rule, j->want, j->rd->o->hash, e);
	if (r < 0 || (r = csv_header(names, j->now, j->f->path, j->rd->o, j->rule.sep,
				     &skip, &lines, e)) < 0)
		return r;
	j->now->used = skip;
	j->lines = lines;
	r = layout_columns(j->rd->layout, map, j->f->path, names->v, names->nr, e);
	if (r < 0)
		return r;
	j->parse.map = map;
	if (first && (r = guess_types(j, e)) < 0)
		return r;
	slab_cut(j->now, &j->rule);
	return 0;
}

int csv_read(struct reading *rd, struct data_file *f, char sep, struct err *e)
{
	struct file_job *j = xcalloc(1, sizeof(*j));
	struct csv_names names = {0};
	struct layout_map map = {0};
	int r;

	*j = (struct file_job){
		.rd = rd,
		.f = f,
		.rule = {SLAB_CHUNK_N, true, sep},
		.parse = {rd->layout, NULL, sep},
		.want = 2 * (size_t)team_size(rd->team) * SLAB_CHUNK_N,
	};
	j->now = &j->slabs[0];
	j->next = &j->slabs[1];
	if ((r = source_open(&j->src, f, rd->o->hash, e)) < 0 ||
	    (r = begin(j, &names, &map, e)) < 0 || (r = run(j, e)) < 0)
		goto out;
	f->rows = j->rows;
	r = source_finish(&j->src, f, e);
out:
	for (size_t i = 0; i < j->chunks_nr; i++)
		chunk_release(&j->chunks[i]);
	free(j->chunks);
	free(j->chunk_err);
	free(j->chunk_r);
	slab_release(&j->slabs[0]);
	slab_release(&j->slabs[1]);
	source_release(&j->src);
	layout_map_release(&map);
	csv_names_release(&names);
	free(j);
	return r;
}
