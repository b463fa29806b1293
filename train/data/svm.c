#include "train/data/svm.h"

#include "store/base/err.h"
#include "train/data/field.h"
#include "train/data/scan.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* A line without its comment and the spaces around it. */
static struct slice line_text(const char *s, const char *end)
{
	const char *hash = memchr(s, '#', (size_t)(end - s));

	end = hash ? hash : end;
	while (s < end && is_space(*s))
		s++;
	while (s < end && is_space(end[-1]))
		end--;
	return (struct slice){s, (size_t)(end - s)};
}

/* Digits before p, not before start, as a number; SIZE_MAX: none. */
static size_t number_before(const char *start, const char *p)
{
	size_t v = 0, place = 1;
	const char *s = p;

	while (s > start && s[-1] >= '0' && s[-1] <= '9')
		s--;
	if (s == p || p - s > 9)
		return SIZE_MAX;
	for (const char *q = p; q-- > s; place *= 10)
		v += (size_t)(*q - '0') * place;
	return v;
}

struct svm_extent svm_measure(const char *p, size_t n, unsigned base)
{
	const char *end = p + n;
	struct svm_extent x = {0};

	/* Indices ascend: the last one of a line is the largest. */
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct slice line;
		const char *colon;

		nl = nl ? nl : end;
		line = line_text(p, nl);
		p = nl + 1;
		if (line.n == 0)
			continue;
		x.rows++;
		colon = memrchr(line.p, ':', line.n);
		if (colon) {
			size_t v = number_before(line.p, colon);

			/* What is too large is an error when it is parsed. */
			if (v >= base && v < SVM_COLUMNS_MAX && v + 1 - base > x.columns)
				x.columns = v + 1 - base;
		}
	}
	return x;
}

/* The next word of a line, or one of length 0. */
static struct slice next_word(struct slice *line)
{
	struct slice w = *line;
	size_t n = 0;

	while (n < w.n && !is_space(w.p[n]))
		n++;
	w.n = n;
	while (n < line->n && is_space(line->p[n]))
		n++;
	line->p += n;
	line->n -= n;
	return w;
}

bool svm_first_qid(const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct slice line;

		nl = nl ? nl : end;
		line = line_text(p, nl);
		p = nl + 1;
		if (line.n == 0)
			continue;
		(void)next_word(&line);
		return slice_starts(line, "qid:");
	}
	return false;
}

static void bad_word(struct chunk *c, enum bad_kind kind, struct slice w)
{
	field_bad(c, kind, SIZE_MAX, w.p, w.p + w.n);
}

static void put(const struct svm_parse *ps, struct chunk *c, struct svm_stat *st,
		float *to, struct slice word, const char *value)
{
	const char *end = word.p + word.n;
	enum field_kind kind = FIELD_NUMBER;
	double v = 0;
	float f;

	if (number_scan(value, end, &v) != 1)
		kind = field_slow(ps->head, value, end, &v);
	if (kind == FIELD_MISSING && value < end) {
		*to = NAN;
		st->missing++;
		return;
	}
	if (kind == FIELD_TEXT || kind == FIELD_MISSING) {
		bad_word(c, BAD_SVM_PAIR, word);
		return;
	}
	if (!(fabs(v) < FIELD_LIMIT)) {
		if (!ps->allow_inf)
			bad_word(c, kind == FIELD_INFINITE ? BAD_INFINITE : BAD_LARGE,
				 word);
		*to = v > 0 ? INFINITY : -INFINITY;
		st->fraction = true;
		return;
	}
	f = (float)v;
	if (fabs(v) > 0x1p24)
		st->merged += (double)f != v;
	if (!st->fraction && fabs(v) < 0x1p53)
		st->fraction = (double)(int64_t)v != v;
	*to = f + 0.0f;
}

static void pairs(const struct svm_parse *ps, struct chunk *c, struct slice line,
		  size_t row, struct svm_stat *stat)
{
	size_t least = ps->base;

	while (line.n > 0 && !c->bad.kind) {
		struct slice w = next_word(&line);
		struct svm_stat none = {0}, *st = &none;
		float nowhere, *to = &nowhere;
		size_t index = 0, i = 0;

		while (i < w.n && i < 10 && w.p[i] >= '0' && w.p[i] <= '9')
			index = 10 * index + (size_t)(w.p[i++] - '0');
		if (i == 0 || i == w.n || w.p[i] != ':') {
			bad_word(c, i < 10 ? BAD_SVM_PAIR : BAD_SVM_LARGE, w);
		} else if (index < ps->base) {
			bad_word(c, BAD_SVM_ZERO, w);
		} else if (index < least) {
			bad_word(c, BAD_SVM_ORDER, w);
		} else if (index >= SVM_COLUMNS_MAX) {
			bad_word(c, BAD_SVM_LARGE, w);
		} else {
			size_t col = index - ps->base;

			least = index + 1;
			if (col < ps->columns->nr && !ps->columns->col[col].unwanted) {
				st = &stat[col];
				to = &ps->columns->col[col].v[row];
			}
			put(ps, c, st, to, w, w.p + i + 1);
		}
	}
}

static void head_use(const struct svm_parse *ps, struct chunk *c, size_t column,
		     struct slice w)
{
	uint32_t use = ps->map->first[column];

	for (; use; use = ps->map->next[use - 1])
		field_take(ps->head, c, use - 1, column, w.p, w.p + w.n);
}

/* A row to predict may come without. */
static void no_label(const struct svm_parse *ps, struct chunk *c, struct slice line)
{
	uint32_t use = ps->map->first[0];
	const struct use *u = use ? &ps->head->uses[use - 1] : NULL;

	if (!u)
		return;
	if (!u->may_lack)
		bad_word(c, BAD_SVM_LABEL, line);
	else if (u->kind == USE_CODE)
		((uint32_t *)c->uses[use - 1].v)[c->rows] = TABLE_MISSING;
	else
		((double *)c->uses[use - 1].v)[c->rows] = (double)NAN;
}

static void parse_line(const struct svm_parse *ps, struct chunk *c, struct slice line,
		       size_t at, struct svm_stat *stat)
{
	struct slice first = line, label, qid;
	bool has_qid;

	label = next_word(&line);
	if (memchr(label.p, ':', label.n)) {
		no_label(ps, c, first);
		line = first;
	} else {
		head_use(ps, c, 0, label);
	}
	has_qid = slice_starts(line, "qid:");
	if (has_qid) {
		qid = next_word(&line);
		if (ps->map->columns > 1)
			head_use(ps, c, 1, (struct slice){qid.p + 4, qid.n - 4});
	}
	if (has_qid != ps->has_qid)
		bad_word(c, BAD_SVM_QID, first);
	pairs(ps, c, line, at + c->rows, stat);
}

int svm_parse(const struct svm_parse *ps, struct chunk *c, size_t at,
	      struct svm_stat *stat, struct err *e)
{
	const char *p = c->text, *end = p + c->n;
	int r;

	c->lines = scan_count(p, c->n, '\n');
	if ((r = chunk_prepare(c, ps->head, c->lines, e)) < 0)
		return r;
	while (p < end && !c->bad.kind) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct slice line;

		nl = nl ? nl : end;
		line = line_text(p, nl);
		if (line.n > 0) {
			const char *stop = nl > p && nl[-1] == '\r' ? nl - 1 : nl;

			parse_line(ps, c, line, at, stat);
			if (c->bad.kind)
				break;
			if (c->records)
				chunk_record(c, p, stop);
			c->rows++;
		}
		p = nl + 1;
	}
	return 0;
}
