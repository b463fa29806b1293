#include "train/data/field.h"

#include "store/base/sum.h"
#include "store/base/utf8.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* inf, infinity, in any case and with a sign */
static bool is_infinite(const char *s, const char *e, double *out)
{
	static const char word[] = "infinity";
	bool neg = s < e && *s == '-';
	size_t n;

	s += s < e && (*s == '-' || *s == '+');
	n = (size_t)(e - s);
	if (n != 3 && n != 8)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((s[i] | 0x20) != word[i])
			return false;
	*out = (double)(neg ? -INFINITY : INFINITY);
	return true;
}

enum field_kind field_slow(const struct layout *p, const char *s, const char *e,
			   double *out)
{
	while (s < e && is_space(*s))
		s++;
	while (s < e && is_space(e[-1]))
		e--;
	if (layout_is_missing(p, s, (size_t)(e - s)))
		return FIELD_MISSING;
	if (data_number(s, (size_t)(e - s), out))
		return FIELD_NUMBER;
	return is_infinite(s, e, out) ? FIELD_INFINITE : FIELD_TEXT;
}

void field_bad(struct chunk *c, enum bad_kind kind, size_t column, const char *s,
	       const char *e)
{
	/* The field may be a copy without its doubled quotes: then the row's place
	 * is all there is, which csv.c has set. */
	bool inside = s >= c->text && s <= c->text + c->n;

	if (c->bad.kind)
		return;
	c->bad.kind = kind;
	c->bad.row = c->rows;
	if (inside)
		c->bad.at = (size_t)(s - c->text);
	c->bad.column = column;
	c->bad.text = (struct slice){s, (size_t)(e - s)};
}

static void put_missing(const struct layout *p, struct chunk *c, size_t use,
			size_t column, const char *s, const char *e)
{
	const struct use *u = &p->uses[use];
	struct chunk_use *cu = &c->uses[use];

	if (u->kind == USE_NUM) {
		((float *)cu->v)[c->rows] = NAN;
		cu->missing++;
	} else if (u->kind == USE_WIDE && u->may_lack) {
		((double *)cu->v)[c->rows] = (double)NAN;
		cu->missing++;
	} else if (u->kind == USE_CODE &&
		   (u->what == FOR_FEATURE || u->what == FOR_TEXT || u->may_lack)) {
		((uint32_t *)cu->v)[c->rows] = TABLE_MISSING;
		cu->missing++;
	} else {
		field_bad(c, BAD_MISSING, column, s, e);
	}
}

static void put_wide(const struct layout *p, struct chunk *c, size_t use, size_t column,
		     const char *s, const char *e, double v)
{
	const struct use *u = &p->uses[use];

	if (isinf(v))
		field_bad(c, BAD_LARGE, column, s, e);
	else if (u->what == FOR_WEIGHT && !(v > 0))
		field_bad(c, BAD_WEIGHT, column, s, e);
	((double *)c->uses[use].v)[c->rows] = v + 0.0;
}

static void put_infinite(const struct layout *p, struct chunk *c, size_t use,
			 size_t column, const char *s, const char *e, enum bad_kind kind)
{
	struct chunk_use *cu = &c->uses[use];
	struct bad was = c->bad;

	/* It may be a name: the column is read to its end before this counts. */
	if (p->uses[use].is_auto) {
		if (cu->was_text || cu->infinite.kind)
			return;
		c->bad.kind = BAD_NONE;
		field_bad(c, kind, column, s, e);
		cu->infinite = c->bad;
		c->bad = was;
		c->any_infinite = true;
		return;
	}
	field_bad(c, kind, column, s, e);
}

void field_number(const struct layout *p, struct chunk *c, size_t use, size_t column,
		  const char *s, const char *e)
{
	const struct use *u = &p->uses[use];
	struct chunk_use *cu = &c->uses[use];
	enum field_kind kind;
	double v = 0;

	if (u->kind == USE_WIDE && !p->missing.numbers && number_scan(s, e, &v) == 1)
		kind = FIELD_NUMBER;
	else
		kind = field_slow(p, s, e, &v);
	if (kind == FIELD_MISSING) {
		put_missing(p, c, use, column, s, e);
	} else if (kind == FIELD_TEXT && u->is_auto) {
		((float *)cu->v)[c->rows] = NAN;
		cu->was_text = true;
	} else if (kind == FIELD_TEXT && u->may_lack) {
		put_missing(p, c, use, column, s, e);
	} else if (kind == FIELD_TEXT) {
		field_bad(c, BAD_NUMBER, column, s, e);
	} else if (u->kind == USE_WIDE) {
		if (kind == FIELD_INFINITE)
			field_bad(c, BAD_INFINITE, column, s, e);
		put_wide(p, c, use, column, s, e, v);
	} else if (fabs(v) < FIELD_LIMIT) {
		field_put(cu, c->rows, v);
	} else if (p->o->allow_inf) {
		((float *)cu->v)[c->rows] = v > 0 ? INFINITY : -INFINITY;
		cu->fraction = true;
		cu->merged += kind == FIELD_NUMBER;
	} else {
		((float *)cu->v)[c->rows] = NAN;
		put_infinite(p, c, use, column, s, e,
			     kind == FIELD_INFINITE ? BAD_INFINITE : BAD_LARGE);
	}
}

/* A text that is seen for the first time will be a name in a model or a report. */
static void check_name(struct chunk *c, size_t column, const char *s, const char *e)
{
	size_t n = (size_t)(e - s);

	if (n >= UINT32_MAX)
		field_bad(c, BAD_LONG, column, s, e);
	else if (!utf8_valid(s, n))
		field_bad(c, BAD_UTF8, column, s, e);
	else if (memchr(s, '\0', n))
		field_bad(c, BAD_NUL, column, s, e);
}

void field_text(const struct layout *p, struct chunk *c, size_t use, size_t column,
		const char *s, const char *e)
{
	const struct use *u = &p->uses[use];
	struct chunk_use *cu = &c->uses[use];
	size_t n = (size_t)(e - s), was = cu->dict.nr;
	uint32_t code;

	if (u->kind == USE_BYTES) {
		((uint64_t *)cu->v)[c->rows] = sum64(s, n);
		return;
	}
	if (layout_is_missing_trimmed(p, s, n)) {
		put_missing(p, c, use, column, s, e);
		return;
	}
	if (u->is_fixed) {
		code = dict_get(&u->dict, s, n);
		if (code == DICT_NONE && u->what != FOR_FEATURE && !u->may_lack)
			field_bad(c, BAD_CLASS, column, s, e);
		((uint32_t *)cu->v)[c->rows] = code == DICT_NONE ? TABLE_UNSEEN : code;
		return;
	}
	code = dict_put(&cu->dict, s, n, dict_hash(s, n), false);
	if (cu->dict.nr > was)
		check_name(c, column, s, e);
	cu->dict.v[code].rows++;
	((uint32_t *)cu->v)[c->rows] = code;
}
