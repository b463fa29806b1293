/* One field of text into the arrays of a chunk: what all text formats share. */
#ifndef TRAIN_DATA_FIELD_H
#define TRAIN_DATA_FIELD_H

#include "train/data/chunk.h"
#include "train/data/number.h"

#include <math.h>

/* Text that number_scan did not take, for a number of 32 or 64 bits. */
enum field_kind {
	FIELD_NUMBER,
	FIELD_MISSING,
	FIELD_INFINITE,
	FIELD_TEXT,
};
enum field_kind field_slow(const struct layout *p, const char *s, const char *e,
			   double *out);
void field_bad(struct chunk *c, enum bad_kind kind, size_t column, const char *s,
	       const char *e);
/* A number into a USE_NUM or USE_WIDE where it is not the usual one. */
void field_number(const struct layout *p, struct chunk *c, size_t use, size_t column,
		  const char *s, const char *e);
/* Into a dictionary, or the key. */
void field_text(const struct layout *p, struct chunk *c, size_t use, size_t column,
		const char *s, const char *e);

/* What is not below it rounds to a binary32 that is infinite. */
#define FIELD_LIMIT 0x1.ffffffp127

/* A number as a feature's value. v is finite and fits. */
static inline void field_put(struct chunk_use *cu, size_t row, double v)
{
	float f = (float)v;

	if (fabs(v) > 0x1p24)
		cu->merged += (double)f != v;
	if (!cu->fraction && fabs(v) < 0x1p53)
		cu->fraction = (double)(int64_t)v != v;
	((float *)cu->v)[row] = f + 0.0f; /* -0 becomes +0 */
}

/* The field [s, e) of the chunk's current row. */
static inline void field_take(const struct layout *p, struct chunk *c, size_t use,
			      size_t column, const char *s, const char *e)
{
	const struct use *u = &p->uses[use];
	struct chunk_use *cu = &c->uses[use];

	if (u->kind == USE_NUM) {
		struct number_parts x;
		double v;
		float f;

		if (p->missing.numbers || number_split(s, e, &x) != 1) {
			field_number(p, c, use, column, s, e);
			return;
		}
		/* Once a value was no whole number, nobody asks of the others. */
		if (cu->fraction && number_float(&x, &f)) {
			((float *)cu->v)[c->rows] = f;
			return;
		}
		v = number_value(&x);
		if (fabs(v) < FIELD_LIMIT)
			field_put(cu, c->rows, v);
		else
			field_number(p, c, use, column, s, e);
	} else if (u->kind == USE_WIDE) {
		field_number(p, c, use, column, s, e);
	} else {
		field_text(p, c, use, column, s, e);
	}
}

#endif
