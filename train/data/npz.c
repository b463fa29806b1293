#include "train/data/npy.h"
#include "train/data/zip.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/slice.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_N ((size_t)1 << 20)

struct npz {
	struct zip zip;
	struct npy *a;	/* of each member */
	char **first;	/* its name, without ".npy" */
	size_t *column; /* its first column */
	char **names;	/* of all columns */
	size_t names_nr;
};

static void npz_release(struct npz *z)
{
	for (size_t i = 0; z->first && i < z->zip.nr; i++)
		free(z->first[i]);
	for (size_t i = 0; i < z->names_nr; i++)
		free(z->names[i]);
	free(z->names);
	free(z->first);
	free(z->a);
	free(z->column);
	zip_release(&z->zip);
}

/* "X.npy" is the array X. */
static char *array_name(const struct zip_member *m)
{
	struct slice s = slice_of(m->name);

	if (slice_ends(s, ".npy"))
		s.n -= 4;
	return xmemdup0(s.p, s.n);
}

/* The array's header, of a member whose bytes begin here. */
static int member_header(struct zip *z, struct npy *a, struct err *e)
{
	char *p = NULL;
	size_t n = 0, need = 12, got;
	int r = 0;

	while (need) {
		p = xrealloc(p, need);
		if ((r = zip_read(z, p + n, need - n, &got, e)) < 0)
			break;
		n += got;
		if (n < need) {
			r = err_set(e, ERR_CORRUPT, "'%s': member '%s' is no NumPy array",
				    z->src.path, z->v[z->at].name);
			break;
		}
		if ((r = npy_header(a, p, n, &need, z->src.path, e)) < 0)
			break;
	}
	free(p);
	return r;
}

static int same_rows(const struct npz *z, struct err *e)
{
	for (size_t i = 1; i < z->zip.nr; i++)
		if (z->a[i].rows != z->a[0].rows)
			return err_set(
				e, ERR_INVALID,
				"'%s': array '%s' has %llu rows, but '%s' has %llu",
				z->zip.src.path, z->first[i],
				(unsigned long long)z->a[i].rows, z->first[0],
				(unsigned long long)z->a[0].rows);
	return 0;
}

/* Columns in the order of the file's directory. */
static int name_columns(struct npz *z, const bool *wide, struct err *e)
{
	size_t tables = 0, all = 0, at = 0;

	for (size_t i = 0; i < z->zip.nr; i++) {
		tables += wide[i];
		all += (size_t)z->a[i].columns;
		if (all > (size_t)1 << 20)
			return err_set(e, ERR_UNSUPPORTED, "'%s': more than %u columns",
				       z->zip.src.path, 1u << 20);
	}
	z->names = xcalloc(all + 1, sizeof(z->names[0]));
	z->names_nr = all;
	for (size_t i = 0; i < z->zip.nr; i++) {
		z->column[i] = at;
		for (size_t k = 0; k < z->a[i].columns; k++)
			z->names[at++] = !wide[i] ? xstrdup(z->first[i])
					 : tables > 1
						 ? xasprintf("%s_%zu", z->first[i], k)
						 : xasprintf("f%zu", k);
	}
	return 0;
}

/* First look: what arrays are there? */
static int read_headers(struct npz *z, struct err *e)
{
	bool *wide = xcalloc(z->zip.nr + 1, sizeof(wide[0]));
	int r = 0;

	z->a = xcalloc(z->zip.nr + 1, sizeof(z->a[0]));
	z->first = xcalloc(z->zip.nr + 1, sizeof(z->first[0]));
	z->column = xcalloc(z->zip.nr + 1, sizeof(z->column[0]));
	for (size_t i = 0; r == 0 && i < z->zip.nr; i++) {
		struct npy *a = &z->a[i];

		z->first[i] = array_name(&z->zip.v[i]);
		if ((r = zip_peek(&z->zip, i, e)) < 0 ||
		    (r = member_header(&z->zip, a, e)) < 0)
			break;
		wide[i] = a->is_wide;
		if (a->rows * a->columns * a->size + a->header != z->zip.v[i].size)
			r = err_set(
				e, ERR_CORRUPT,
				"'%s': array '%s' does not fit the size of its member",
				z->zip.src.path, z->first[i]);
	}
	if (r == 0 && z->zip.nr == 0)
		r = err_set(e, ERR_INVALID, "'%s' has no arrays", z->zip.src.path);
	if (r == 0 && (r = same_rows(z, e)) == 0)
		r = name_columns(z, wide, e);
	free(wide);
	return r;
}

static int read_member(struct npz *z, size_t i, struct npy_sink *k, struct npy_stat *stat,
		       char *piece, struct err *e)
{
	const struct npy *a = &z->a[i];
	uint64_t at = 0, all = a->rows * a->columns;
	struct npy again = {0};
	size_t got;
	int r;

	if ((r = zip_enter(&z->zip, i, e)) < 0 ||
	    (r = member_header(&z->zip, &again, e)) < 0)
		return r;
	if (again.rows != a->rows || again.columns != a->columns ||
	    again.size != a->size || again.kind != a->kind || again.header != a->header)
		return err_set(e, ERR_CORRUPT, "'%s' changed while it was read",
			       z->zip.src.path);
	k->column = z->column[i];
	while (at < all) {
		size_t want = (size_t)MIN_OF((all - at) * a->size, (uint64_t)PIECE_N);

		if ((r = interrupt_check(e)) < 0 ||
		    (r = zip_read(&z->zip, piece, want, &got, e)) < 0)
			return r;
		if (got < want)
			return err_set(e, ERR_CORRUPT, "'%s': array '%s' ends too soon",
				       z->zip.src.path, z->first[i]);
		if ((r = npy_numbers(k, a, piece, at, want / a->size, stat, e)) < 0)
			return r;
		at += want / a->size;
	}
	return zip_leave(&z->zip, e);
}

int npz_read(struct reading *rd, struct data_file *f, struct err *e)
{
	struct npz z = {0};
	struct layout_map map = {0};
	struct npy_sink k = {0};
	struct npy_stat *stat = NULL;
	char *piece = xmalloc(PIECE_N);
	int r;

	k.layout = rd->layout;
	if ((r = zip_open(&z.zip, f, rd->o->hash, e)) < 0 ||
	    (r = read_headers(&z, e)) < 0)
		goto out;
	r = layout_columns(rd->layout, &map, f->path, z.names, z.names_nr, e);
	if (r < 0)
		goto out;
	k.map = &map;
	k.path = f->path;
	k.allow_inf = rd->o->allow_inf;
	if ((r = npy_sink_start(&k, z.a[0].rows, e)) < 0)
		goto out;
	stat = xcalloc(rd->layout->nr + 1, sizeof(stat[0]));
	for (size_t i = 0; r == 0 && i < z.zip.nr; i++)
		r = read_member(&z, zip_in_order(&z.zip, i), &k, stat, piece, e);
	if (r == 0)
		r = zip_rest(&z.zip, e);
	if (r == 0)
		r = npy_sink_end(&k, z.a[0].rows, stat, e);
	if (r == 0) {
		f->rows = z.a[0].rows;
		sink_add(rd->o->sink, 0, (uint64_t)z.zip.src.size);
		r = source_finish(&z.zip.src, f, e);
	}
out:
	npy_sink_release(&k);
	layout_map_release(&map);
	npz_release(&z);
	free(stat);
	free(piece);
	return r;
}
