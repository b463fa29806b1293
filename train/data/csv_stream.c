#include "train/data/stream.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sink.h"

#include <stdlib.h>

/* Chunks of a stream are small: a few of them are all the memory it takes. */
#define STREAM_CHUNK_N ((size_t)1 << 20)

struct csv_stream {
	struct slab_rule rule;
	struct slab slabs[2], *now, *next;
	size_t cut; /* of now: the one to come */
	struct csv_parse parse;
	struct csv_names names;
	struct layout_map map;
	struct chunk chunk;
};

static void close_csv(struct data_stream *s)
{
	struct csv_stream *x = s->ctx;

	chunk_release(&x->chunk);
	slab_release(&x->slabs[0]);
	slab_release(&x->slabs[1]);
	layout_map_release(&x->map);
	csv_names_release(&x->names);
	free(x);
}

static void hash_slab(struct data_stream *s, const struct slab *slab)
{
	if (!source_hashes_itself(&s->src)) {
		source_md5(&s->src, slab->p + slab->fresh, slab->fresh_end - slab->fresh);
		source_sha256(&s->src, slab->p + slab->fresh,
			      slab->fresh_end - slab->fresh);
	}
	sink_add(s->o.sink, 0, slab->fresh_end - slab->fresh);
}

/* The next slab that has a chunk; false in *more: there is none. */
static int next_slab(struct data_stream *s, struct csv_stream *x, struct err *e)
{
	struct slab *swap = x->now;
	int r = slab_next(x->next, x->now, &s->src, source_piece(&s->src, STREAM_CHUNK_N),
			  &x->rule, e);

	if (r < 0)
		return r;
	hash_slab(s, x->next);
	x->now = x->next;
	x->next = swap;
	x->cut = 0;
	return 0;
}

static int fill_csv(struct data_stream *s, struct err *e)
{
	struct csv_stream *x = s->ctx;
	struct chunk *c = &x->chunk;
	int r;

	/* A chunk of blank lines has no row; the next one may. */
	while (s->layout.rows == 0) {
		while (x->cut == x->now->nr) {
			if (x->now->ended)
				return 0;
			if ((r = next_slab(s, x, e)) < 0)
				return r;
		}
		c->text = x->now->p + x->now->cuts[x->cut].at;
		c->n = x->now->cuts[x->cut].n;
		c->quotes = x->now->cuts[x->cut].quotes;
		x->cut++;
		if ((r = csv_parse(&x->parse, c, e)) < 0)
			return r;
		if (c->bad.kind)
			return chunk_fail(c, s->f->path, &x->map, s->rows, s->lines, e);
		s->lines += c->lines;
		if ((r = chunks_append(&s->layout, c, 1, NULL, e)) < 0)
			return r;
	}
	s->record = c->record;
	return 0;
}

int stream_csv(struct data_stream *s, char sep, struct err *e)
{
	struct csv_stream *x = xcalloc(1, sizeof(*x));
	size_t skip, lines, at;
	int r;

	s->ctx = x;
	s->close = close_csv;
	s->fill = fill_csv;
	x->rule = (struct slab_rule){STREAM_CHUNK_N, true, sep};
	x->parse = (struct csv_parse){&s->layout, &x->map, sep};
	x->chunk.records = true;
	x->now = &x->slabs[0];
	x->next = &x->slabs[1];
	r = csv_first_slab(x->now, &s->src, s->f, &x->rule,
			   source_piece(&s->src, STREAM_CHUNK_N), s->o.hash, e);
	if (r < 0 || (r = csv_header(&x->names, x->now, s->f->path, &s->o, sep, &skip,
				     &lines, e)) < 0)
		return r;
	hash_slab(s, x->now);
	x->now->used = skip;
	s->lines = lines;
	/* The header as it stood, behind the mark and blank lines. */
	at = skip;
	while (at > 0 && (x->now->p[at - 1] == '\n' || x->now->p[at - 1] == '\r'))
		at--;
	if (!s->o.no_header) {
		size_t from = csv_header_at(x->now);

		buf_add(&s->header, x->now->p + from, at - from);
	}
	r = layout_columns(&s->layout, &x->map, s->f->path, x->names.v, x->names.nr, e);
	if (r == 0)
		slab_cut(x->now, &x->rule);
	return r;
}
