#include "train/data/npy.h"

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/err.h"
#include "store/base/sum.h"
#include "store/fmt/pylit.h"
#include "store/fmt/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad_header(const char *path, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s': the header of a NumPy array does not parse",
		       path);
}

static bool known_type(char kind, unsigned size)
{
	switch (kind) {
	case 'f':
		return size == 4 || size == 8;
	case 'i':
	case 'u':
		return size == 1 || size == 2 || size == 4 || size == 8;
	case 'b':
		return size == 1;
	default:
		return false;
	}
}

static int read_type(struct npy *a, const struct value *descr, const char *path,
		     struct err *e)
{
	const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	struct slice t;

	if (!descr || (descr->kind != VALUE_STR && descr->kind != VALUE_LIST))
		return bad_header(path, e);
	if (descr->kind == VALUE_LIST)
		return err_set(
			e, ERR_UNSUPPORTED,
			"'%s': an array of records is not read: save its fields as "
			"an .npz",
			path);
	t = descr->text;
	if (t.n != 3 || !strchr("<>|=", t.p[0]) || t.p[2] < '1' || t.p[2] > '9' ||
	    !known_type(t.p[1], (unsigned)(t.p[2] - '0')))
		return err_set(
			e, ERR_UNSUPPORTED,
			"'%s': an array of type '%.*s' is not read; numbers of 32 or "
			"64 bits, integers and booleans are",
			path, (int)MIN_OF(t.n, (size_t)20), t.p);
	a->kind = t.p[1];
	a->size = (unsigned)(t.p[2] - '0');
	a->swap = a->size > 1 && (t.p[0] == '>' ? !big : t.p[0] == '<' && big);
	return 0;
}

static int read_shape(struct npy *a, const struct value *shape, const char *path,
		      struct err *e)
{
	uint64_t cells;

	if (!shape || shape->kind != VALUE_TUPLE)
		return bad_header(path, e);
	if (shape->nr != 1 && shape->nr != 2)
		return err_set(e, ERR_UNSUPPORTED,
			       "'%s': an array of %zu dimensions is no table", path,
			       shape->nr);
	for (size_t i = 0; i < shape->nr; i++)
		if (shape->items[i]->kind != VALUE_INT || shape->items[i]->is_big ||
		    shape->items[i]->i < 0)
			return bad_header(path, e);
	a->is_wide = shape->nr == 2;
	a->rows = (uint64_t)shape->items[0]->i;
	a->columns = shape->nr == 2 ? (uint64_t)shape->items[1]->i : 1;
	if (a->columns > (uint64_t)1 << 20 ||
	    __builtin_mul_overflow(a->rows, a->columns * a->size, &cells) ||
	    cells > INT64_MAX)
		return err_set(e, ERR_UNSUPPORTED, "'%s': an array of %llu x %llu", path,
			       (unsigned long long)a->rows,
			       (unsigned long long)a->columns);
	return 0;
}

static int read_dict(struct npy *a, struct slice text, const char *path, struct err *e)
{
	const struct value *order;
	struct arena arena = {0};
	struct value *v = pylit_parse(&arena, slice_trim(text));
	int r;

	if (!v || v->kind != VALUE_MAP) {
		r = bad_header(path, e);
		goto out;
	}
	order = value_get(v, "fortran_order");
	if (!order || order->kind != VALUE_BOOL) {
		r = bad_header(path, e);
		goto out;
	}
	a->fortran = order->b;
	if ((r = read_type(a, value_get(v, "descr"), path, e)) == 0)
		r = read_shape(a, value_get(v, "shape"), path, e);
out:
	arena_release(&arena);
	return r;
}

int npy_header(struct npy *out, const void *p, size_t n, size_t *need, const char *path,
	       struct err *e)
{
	const uint8_t *b = p;
	size_t fixed, len;
	struct npy a = {0};
	int r;

	*need = 0;
	if (n < 12) {
		*need = 12;
		return 0;
	}
	if (memcmp(b, "\x93NUMPY", 6) != 0)
		return err_set(e, ERR_CORRUPT, "'%s' is no NumPy array", path);
	if (b[6] < 1 || b[6] > 3)
		return err_set(e, ERR_UNSUPPORTED, "'%s': version %u.%u of .npy", path,
			       b[6], b[7]);
	fixed = b[6] == 1 ? 10 : 12;
	len = (size_t)b[8] | (size_t)b[9] << 8;
	if (b[6] > 1)
		len |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
	if (len > NPY_HEADER_MAX)
		return bad_header(path, e);
	if (n < fixed + len) {
		*need = fixed + len;
		return 0;
	}
	a.header = fixed + len;
	r = read_dict(&a, (struct slice){(const char *)b + fixed, len}, path, e);
	if (r == 0)
		*out = a;
	return r;
}

/* ---- numbers --------------------------------------------------------------- */

/* One number, both ways: exact where it is an integer. */
struct number {
	double v;
	int64_t whole;
	bool is_whole;
};

static uint64_t load(const char *p, unsigned size, bool swap)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch (size) {
	case 8:
		memcpy(&v8, p, 8);
		return swap ? __builtin_bswap64(v8) : v8;
	case 4:
		memcpy(&v4, p, 4);
		return swap ? __builtin_bswap32(v4) : v4;
	case 2:
		memcpy(&v2, p, 2);
		return swap ? __builtin_bswap16(v2) : v2;
	default:
		return (uint8_t)*p;
	}
}

static struct number number_at(const struct npy *a, const char *p)
{
	uint64_t bits = load(p, a->size, a->swap);
	struct number x = {.is_whole = true};

	if (a->kind == 'f') {
		float f;
		uint32_t low = (uint32_t)bits;

		if (a->size == 4) {
			memcpy(&f, &low, 4);
			x.v = (double)f;
		} else {
			memcpy(&x.v, &bits, 8);
		}
		x.is_whole = fabs(x.v) <= 0x1p53 && x.v == floor(x.v);
		x.whole = x.is_whole ? (int64_t)x.v : 0;
	} else if (a->kind == 'i') {
		unsigned up = 64 - 8 * a->size;
		uint64_t high = bits << up;
		int64_t s;

		/* The sign goes all the way up. */
		memcpy(&s, &high, 8);
		x.whole = s < 0 ? ~(int64_t)(~high >> up) : (int64_t)(high >> up);
		x.v = (double)x.whole;
	} else {
		x.whole = bits <= INT64_MAX ? (int64_t)bits : 0;
		x.is_whole = bits <= INT64_MAX;
		x.v = a->kind == 'b' ? (double)(bits != 0) : (double)bits;
		x.whole = a->kind == 'b' ? bits != 0 : x.whole;
	}
	return x;
}

static int bad_number(const struct npy_sink *k, uint64_t row, size_t column,
		      const char *what, double v, struct err *e)
{
	return err_set(e, ERR_INVALID, "'%s': row %llu, column '%s': %g%s", k->path,
		       (unsigned long long)row + 1, k->map->names[column], v, what);
}

#define WHOLE_MISSING INT64_MIN

static int put_number(const struct npy_sink *k, size_t use, uint64_t row, size_t column,
		      struct number x, struct npy_stat *st, struct err *e)
{
	const struct use *u = &k->layout->uses[use];
	size_t at = k->row + (size_t)row;

	if (u->kind == USE_NUM) {
		float f = (float)x.v;

		if (isnan(x.v)) {
			f = NAN;
			st->missing++;
		} else if (isinf(f)) {
			if (!k->allow_inf)
				return bad_number(k, row, column,
						  isinf(x.v) ? " is not allowed here"
							     : " is too large",
						  x.v, e);
			st->fraction = true;
		} else {
			st->merged += fabs(x.v) > 0x1p24 && (double)f != x.v;
			st->fraction |= !x.is_whole && fabs(x.v) < 0x1p53;
		}
		((float *)u->v)[at] = f + 0.0f;
		return 0;
	}
	if (u->kind == USE_WIDE) {
		if (isnan(x.v) && !u->may_lack)
			return bad_number(k, row, column, ": the value is missing", x.v,
					  e);
		if (isinf(x.v))
			return bad_number(k, row, column, " is not allowed here", x.v, e);
		if (u->what == FOR_WEIGHT && !(x.v > 0))
			return bad_number(k, row, column, ": a weight must be above 0",
					  x.v, e);
		((double *)u->v)[at] = x.v + 0.0;
		return 0;
	}
	if (isnan(x.v)) {
		if (u->what != FOR_FEATURE && u->what != FOR_TEXT && !u->may_lack)
			return bad_number(k, row, column, ": the value is missing", x.v,
					  e);
		k->whole[use][row] = WHOLE_MISSING;
		return 0;
	}
	if (!x.is_whole)
		return bad_number(k, row, column,
				  " is no name: only whole numbers are, in such a file",
				  x.v, e);
	k->whole[use][row] = x.whole;
	return 0;
}

int npy_numbers(const struct npy_sink *k, const struct npy *a, const char *p,
		uint64_t from, uint64_t nr, struct npy_stat *stat, struct err *e)
{
	uint64_t across = a->fortran ? a->rows : a->columns;
	uint64_t big = across ? from / across : 0, small = across ? from % across : 0;
	int r;

	for (uint64_t i = 0; i < nr; i++, p += a->size) {
		uint64_t row = a->fortran ? small : big, col = a->fortran ? big : small;
		size_t column = k->column + (size_t)col;
		uint32_t use = k->map->first[column];

		if (use) {
			struct number x = number_at(a, p);

			for (; use; use = k->map->next[use - 1])
				if ((r = put_number(k, use - 1, row, column, x,
						    &stat[use - 1], e)) < 0)
					return r;
		}
		if (++small == across) {
			small = 0;
			big++;
		}
	}
	return 0;
}

int npy_sink_start(struct npy_sink *k, uint64_t rows, struct err *e)
{
	struct layout *p = k->layout;
	void *mem;
	int r;

	k->row = p->rows;
	if (rows > UINT32_MAX)
		return err_set(e, ERR_UNSUPPORTED, "'%s': %llu rows", k->path,
			       (unsigned long long)rows);
	if ((r = layout_reserve(p, p->rows + (size_t)rows, e)) < 0)
		return r;
	k->whole = xcalloc(p->nr + 1, sizeof(k->whole[0]));
	for (size_t i = 0; i < p->nr; i++) {
		if (p->uses[i].off ||
		    (p->uses[i].kind != USE_CODE && p->uses[i].kind != USE_BYTES))
			continue;
		if ((r = try_alloc(&mem, (size_t)rows + 1, sizeof(int64_t),
				   "whole numbers", e)) < 0)
			return r;
		k->whole[i] = mem;
	}
	return 0;
}

void npy_sink_release(struct npy_sink *k)
{
	for (size_t i = 0; k->whole && i < k->layout->nr; i++)
		free(k->whole[i]);
	free(k->whole);
	k->whole = NULL;
}

static int end_whole(struct npy_sink *k, size_t use, uint64_t rows, struct err *e)
{
	struct use *u = &k->layout->uses[use];
	uint32_t code = TABLE_MISSING;

	for (size_t i = 0; i < rows; i++) {
		int64_t w = k->whole[use][i];
		char text[32];
		size_t n = (size_t)snprintf(text, sizeof(text), "%lld", (long long)w);

		if (u->kind == USE_BYTES) {
			((uint64_t *)u->v)[k->row + i] =
				sum64(text, w == WHOLE_MISSING ? 0 : n);
			continue;
		}
		if (w == WHOLE_MISSING) {
			code = TABLE_MISSING;
			u->missing++;
		} else if (u->is_fixed) {
			code = dict_get(&u->dict, text, n);
			if (code == DICT_NONE && u->what != FOR_FEATURE && !u->may_lack)
				return err_set(
					e, ERR_INVALID,
					"'%s': row %zu, column '%s': '%s' is none of "
					"the model's classes",
					k->path, i + 1, u->name, text);
			code = code == DICT_NONE ? TABLE_UNSEEN : code;
		} else {
			code = dict_put(&u->dict, text, n, dict_hash(text, n), true);
			u->dict.v[code].rows++;
		}
		((uint32_t *)u->v)[k->row + i] = code;
	}
	return 0;
}

int npy_sink_end(struct npy_sink *k, uint64_t rows, const struct npy_stat *stat,
		 struct err *e)
{
	struct layout *p = k->layout;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->nr; i++) {
		struct use *u = &p->uses[i];

		if (u->off)
			continue;
		u->missing += stat[i].missing;
		u->merged += stat[i].merged;
		u->fraction |= stat[i].fraction;
		if (k->whole[i])
			r = end_whole(k, i, rows, e);
	}
	if (r == 0)
		p->rows += (size_t)rows;
	return r;
}
