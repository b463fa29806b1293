#include "train/data/npy.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "train/core/team.h"
#include "train/data/source.h"

#include <stdlib.h>

/* Pieces are whole numbers of any size that there is. */
#define PIECE_N ((size_t)1 << 20)

struct npy_job {
	struct reading *rd;
	struct source src;
	struct npy a;
	struct npy_sink sink;
	char *now, *next;
	size_t now_n, next_n, cap;
	uint64_t at; /* numbers before `now` */
	struct npy_piece {
		struct npy_stat *stat;
		struct err err;
		int r;
	} * pieces;
	size_t pieces_nr;
	int fill_r;
	struct err fill_err;
};

/* The header's bytes are in *p (of *n), hashed. */
static int read_header(struct source *src, struct npy *a, char **p, size_t *n,
		       struct err *e)
{
	size_t need = 12, got;
	int r;

	for (;;) {
		*p = xrealloc(*p, need);
		if ((r = source_read(src, *p + *n, need - *n, &got, e)) < 0)
			return r;
		*n += got;
		if (*n < need)
			return err_set(e, ERR_CORRUPT, "'%s' is no NumPy array",
				       src->path);
		if ((r = npy_header(a, *p, *n, &need, src->path, e)) < 0 || need == 0)
			return r;
	}
}

static void hash_bytes(struct source *src, const char *p, size_t n)
{
	if (source_hashes_itself(src))
		return;
	source_md5(src, p, n);
	source_sha256(src, p, n);
}

static int start(struct npy_job *j, struct err *e)
{
	char *head = NULL;
	size_t n = 0;
	int r = read_header(&j->src, &j->a, &head, &n, e);

	if (r == 0)
		hash_bytes(&j->src, head, n);
	free(head);
	return r;
}

static char **numbered_names(uint64_t nr)
{
	char **names = xcalloc((size_t)nr + 1, sizeof(names[0]));

	for (size_t i = 0; i < nr; i++)
		names[i] = xasprintf("f%zu", i);
	return names;
}

static void free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

enum npy_item {
	ITEM_MD5,
	ITEM_SHA256,
	ITEM_FILL,
	ITEM_PIECES
};

static void run_item(void *ctx, size_t i, unsigned member)
{
	struct npy_job *j = ctx;

	(void)member;
	if (i == ITEM_MD5 || i == ITEM_SHA256) {
		if (!source_hashes_itself(&j->src))
			(i == ITEM_MD5 ? source_md5 : source_sha256)(&j->src, j->now,
								     j->now_n);
	} else if (i == ITEM_FILL) {
		j->fill_r =
			source_read(&j->src, j->next, j->cap, &j->next_n, &j->fill_err);
	} else {
		struct npy_piece *x = &j->pieces[i - ITEM_PIECES];
		size_t from = (i - ITEM_PIECES) * PIECE_N;

		x->r = npy_numbers(
			&j->sink, &j->a, j->now + from, j->at + from / j->a.size,
			MIN_OF(j->now_n - from, PIECE_N) / j->a.size, x->stat, &x->err);
	}
}

static int wrong_size(const struct npy_job *j, struct err *e)
{
	return err_set(e, ERR_CORRUPT,
		       "'%s': an array of %llu x %llu does not fit the file's size",
		       j->src.path, (unsigned long long)j->a.rows,
		       (unsigned long long)j->a.columns);
}

static int run(struct npy_job *j, struct err *e)
{
	uint64_t all = j->a.rows * j->a.columns;
	int r;

	while (j->now_n > 0) {
		char *swap = j->now;
		size_t nr = (j->now_n + PIECE_N - 1) / PIECE_N;

		if ((r = interrupt_check(e)) < 0)
			return r;
		if (j->now_n % j->a.size != 0 || j->now_n / j->a.size > all - j->at)
			return wrong_size(j, e);
		team_for(j->rd->team, ITEM_PIECES + nr, run_item, j);
		for (size_t i = 0; i < nr; i++)
			if (j->pieces[i].r < 0) {
				if (e)
					*e = j->pieces[i].err;
				return j->pieces[i].r;
			}
		sink_add(j->rd->o->sink, 0, j->now_n);
		if (j->fill_r < 0) {
			if (e)
				*e = j->fill_err;
			return j->fill_r;
		}
		j->at += j->now_n / j->a.size;
		j->now = j->next;
		j->now_n = j->next_n;
		j->next = swap;
	}
	return j->at == all ? 0 : wrong_size(j, e);
}

/* What the pieces counted, in all. */
static void sum_stats(struct npy_job *j, struct npy_stat *all)
{
	for (size_t k = 0; k < j->pieces_nr; k++)
		for (size_t i = 0; i < j->rd->layout->nr; i++) {
			all[i].missing += j->pieces[k].stat[i].missing;
			all[i].merged += j->pieces[k].stat[i].merged;
			all[i].fraction |= j->pieces[k].stat[i].fraction;
		}
}

/* An array that promises more than the file can hold is refused before memory is. */
static int check_promise(struct npy_job *j, struct err *e)
{
	uint64_t want = j->a.rows * j->a.columns * j->a.size + j->a.header;

	uint64_t size = (uint64_t)j->src.size;

	if (!source_hashes_itself(&j->src))
		return want == size ? 0 : wrong_size(j, e);
	/* zstd makes 128 KiB of 4 bytes at most, gzip far less. */
	return want / 40000 <= size ? 0 : wrong_size(j, e);
}

int npy_read(struct reading *rd, struct data_file *f, struct err *e)
{
	struct npy_job *j = xcalloc(1, sizeof(*j));
	struct layout_map map = {0};
	struct npy_stat *all = NULL;
	char **names = NULL;
	int r;

	j->rd = rd;
	j->cap = 2 * (size_t)team_size(rd->team) * PIECE_N * 4;
	if ((r = source_open(&j->src, f, rd->o->hash, e)) < 0 || (r = start(j, e)) < 0 ||
	    (r = check_promise(j, e)) < 0)
		goto out;
	/* A whole number of any size's numbers. */
	j->cap = MIN_OF(j->cap, (source_piece(&j->src, j->cap) + 7) / 8 * 8);
	j->now = xmalloc(j->cap);
	j->next = xmalloc(j->cap);
	names = numbered_names(j->a.columns);
	r = layout_columns(rd->layout, &map, f->path, names, (size_t)j->a.columns, e);
	if (r < 0)
		goto out;
	j->sink = (struct npy_sink){.layout = rd->layout,
				    .map = &map,
				    .path = f->path,
				    .allow_inf = rd->o->allow_inf};
	if ((r = npy_sink_start(&j->sink, j->a.rows, e)) < 0)
		goto out;
	j->pieces_nr = j->cap / PIECE_N + 1;
	j->pieces = xcalloc(j->pieces_nr, sizeof(j->pieces[0]));
	for (size_t i = 0; i < j->pieces_nr; i++)
		j->pieces[i].stat =
			xcalloc(rd->layout->nr + 1, sizeof(j->pieces[i].stat[0]));
	if ((r = source_read(&j->src, j->now, j->cap, &j->now_n, e)) < 0 ||
	    (r = run(j, e)) < 0)
		goto out;
	all = xcalloc(rd->layout->nr + 1, sizeof(all[0]));
	sum_stats(j, all);
	if ((r = npy_sink_end(&j->sink, j->a.rows, all, e)) < 0)
		goto out;
	f->rows = j->a.rows;
	r = source_finish(&j->src, f, e);
out:
	npy_sink_release(&j->sink);
	for (size_t i = 0; j->pieces && i < j->pieces_nr; i++)
		free(j->pieces[i].stat);
	free(j->pieces);
	free(all);
	layout_map_release(&map);
	free_names(names);
	source_release(&j->src);
	free(j->now);
	free(j->next);
	free(j);
	return r;
}
