#include "train/run/frame.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "train/core/rng.h"
#include "train/data/read.h"
#include "train/run/config.h"
#include "train/run/inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void frame_release(struct frame *f)
{
	table_release(&f->train);
	table_release(&f->valid);
	*f = (struct frame){0};
}

/* ---- classes ------------------------------------------------------------- */

void frame_settle_classes(struct table *t)
{
	size_t nr = t->classes_nr;
	double *to;
	bool *seen;

	if (!t->classes || nr == 0 || nr > 65536)
		return;
	to = xcalloc(nr, sizeof(*to));
	seen = xcalloc(nr + 1, sizeof(*seen));
	for (size_t i = 0; i < nr; i++) {
		double v = NAN;

		if (!parse_double(slice_of(t->classes[i]), &v) || !(v >= 0) ||
		    v != floor(v) || v >= (double)nr || seen[(size_t)v])
			goto out;
		seen[(size_t)v] = true;
		to[i] = v;
	}
	for (size_t i = 0; i < t->rows; i++)
		t->label[i] = to[(size_t)t->label[i]];
	for (size_t i = 0; i < nr; i++)
		free(t->classes[i]);
	free(t->classes);
	t->classes = NULL;
	t->classes_nr = 0;
out:
	free(to);
	free(seen);
}

/* ---- holding rows out ---------------------------------------------------- */

static void *room(size_t nr, size_t size, int *rc)
{
	void *p = *rc == 0 ? calloc(nr ? nr : 1, size) : NULL;

	if (!p)
		*rc = ERR_NOMEM;
	return p;
}

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/* Columns without rows yet, with t's features. */
static int shape_like(struct table *out, const struct table *t, size_t rows)
{
	int rc = 0;

	*out = (struct table){.rows = rows, .first_row = t->first_row, .hash = t->hash};
	out->label_name = copy_text(t->label_name);
	out->classes_nr = t->classes_nr;
	if (t->classes)
		out->classes = xcalloc(t->classes_nr + 1, sizeof(*out->classes));
	for (size_t i = 0; out->classes && i < t->classes_nr; i++)
		out->classes[i] = xstrdup(t->classes[i]);
	out->cols = xcalloc(t->cols_nr + 1, sizeof(*out->cols));
	out->cols_nr = t->cols_nr;
	for (size_t i = 0; i < t->cols_nr; i++) {
		feature_copy(&out->cols[i].f, &t->cols[i].f);
		if (t->cols[i].f.cat_rows)
			out->cols[i].f.cat_rows =
				xcalloc(t->cols[i].f.cats_nr + 1, sizeof(uint64_t));
		if (t->cols[i].num)
			out->cols[i].num = room(rows, sizeof(float), &rc);
		else
			out->cols[i].code = room(rows, sizeof(uint32_t), &rc);
	}
	if (t->label)
		out->label = room(rows, sizeof(double), &rc);
	if (t->weight)
		out->weight = room(rows, sizeof(double), &rc);
	if (t->group)
		out->group = room(rows, sizeof(uint32_t), &rc);
	out->key = room(rows, sizeof(uint64_t), &rc);
	out->text = xcalloc(t->text_nr + 1, sizeof(*out->text));
	out->text_nr = t->text_nr;
	for (size_t i = 0; i < t->text_nr; i++) {
		out->text[i].name = copy_text(t->text[i].name);
		out->text[i].v = room(rows, sizeof(char *), &rc);
	}
	return rc;
}

/* Row from of t becomes row at of out, which may be t itself further up. */
static void move_row(struct table *out, size_t at, struct table *t, size_t from,
		     uint64_t key)
{
	for (size_t i = 0; i < t->cols_nr; i++) {
		if (t->cols[i].num)
			out->cols[i].num[at] = t->cols[i].num[from];
		else
			out->cols[i].code[at] = t->cols[i].code[from];
	}
	if (t->label)
		out->label[at] = t->label[from];
	if (t->weight)
		out->weight[at] = t->weight[from];
	if (t->group)
		out->group[at] = t->group[from];
	out->key[at] = key;
	for (size_t i = 0; i < t->text_nr; i++) {
		char *text = t->text[i].v[from];

		t->text[i].v[from] = NULL;
		out->text[i].v[at] = text;
	}
}

/* What was counted over all rows is counted again over those that stayed. */
static void count_again(struct table *t)
{
	for (size_t i = 0; i < t->cols_nr; i++) {
		struct column *c = &t->cols[i];

		c->missing = 0;
		if (c->f.cat_rows)
			memset(c->f.cat_rows, 0, c->f.cats_nr * sizeof(*c->f.cat_rows));
		for (size_t r = 0; r < t->rows; r++) {
			if (c->num ? isnan(c->num[r]) : c->code[r] == TABLE_MISSING)
				c->missing++;
			if (c->code && c->f.cat_rows && c->code[r] < c->f.cats_nr)
				c->f.cat_rows[c->code[r]]++;
		}
	}
}

static bool is_held_out(const struct table *t, size_t row, double share, uint64_t base)
{
	uint64_t key = t->group ? t->group[row] : table_key(t, row);

	return rng_below(rng_at(base, key), share);
}

int frame_split(struct table *t, double share, uint64_t seed, struct table *out,
		struct err *e)
{
	uint64_t base = rng_base(seed, RNG_SPLIT, 0);
	size_t held = 0, kept = 0, at = 0;
	struct table made;
	int rc = 0;

	for (size_t i = 0; i < t->rows; i++)
		held += is_held_out(t, i, share, base);
	if (held == 0 || held == t->rows)
		return err_set(e, ERR_INVALID,
			       "split: %zu of %zu rows would be held out for validation",
			       held, t->rows);
	if (!t->key) {
		t->key = calloc(t->rows, sizeof(*t->key));
		for (size_t i = 0; t->key && i < t->rows; i++)
			t->key[i] = t->first_row + i;
	}
	if (!t->key || (rc = shape_like(&made, t, held)) < 0) {
		if (t->key)
			table_release(&made);
		return err_set(e, ERR_NOMEM, "no memory for %zu validation rows", held);
	}
	for (size_t i = 0; i < t->rows; i++) {
		uint64_t key = t->key[i];

		/* Decided before the row's key may be overwritten. */
		if (is_held_out(t, i, share, base))
			move_row(&made, at++, t, i, key);
		else
			move_row(t, kept++, t, i, key);
	}
	t->rows = kept;
	count_again(t);
	count_again(&made);
	*out = made;
	return 0;
}

/* ---- reading ------------------------------------------------------------- */

static int read_role(struct table *out, struct inputs *in, enum input_role role,
		     const struct train_config *c, const struct data_options *o,
		     struct team *team, struct err *e)
{
	size_t nr = inputs_files(in, role, c->format, NULL);
	struct data_file *files = xcalloc(nr + 1, sizeof(*files));
	int rc;

	(void)inputs_files(in, role, c->format, files); /* nr again */
	if ((rc = data_read(out, files, nr, o, team, e)) == 0)
		inputs_take(in, role, files);
	free(files);
	return rc;
}

static int read_valid(struct frame *f, struct inputs *in, const struct train_config *c,
		      struct data_options o, struct team *team, struct err *e)
{
	struct feature *features = xcalloc(f->train.cols_nr + 1, sizeof(*features));
	int rc;

	/* The same columns in the same order, with the same codes. */
	for (size_t i = 0; i < f->train.cols_nr; i++)
		features[i] = f->train.cols[i].f;
	o.features = features;
	o.features_nr = f->train.cols_nr;
	o.classes = f->train.classes;
	o.classes_nr = f->train.classes_nr;
	rc = read_role(&f->valid, in, INPUT_VALID, c, &o, team, e);
	free(features);
	f->has_valid = rc == 0;
	return rc;
}

int frame_read(struct frame *out, struct inputs *in, const struct train_config *c,
	       struct team *team, struct sink *sink, struct err *e)
{
	struct data_options o = config_data_options(c);
	struct frame f = {0};
	int rc;

	o.sink = sink;
	if ((rc = read_role(&f.train, in, INPUT_TRAIN, c, &o, team, e)) < 0)
		goto out;
	if (c->params.objective == OBJ_BINARY && f.train.classes_nr > 2) {
		rc = err_set(e, ERR_INVALID,
			     "the target '%s' has %zu values ('%s', '%s', '%s' ...); "
			     "objective binary takes two",
			     c->target ? c->target : "label", f.train.classes_nr,
			     f.train.classes[0], f.train.classes[1], f.train.classes[2]);
		goto out;
	}
	if (c->validation.nr > 0 && (rc = read_valid(&f, in, c, o, team, e)) < 0)
		goto out;
	/* Both tables have the same classes still, so both settle alike. */
	frame_settle_classes(&f.train);
	if (f.has_valid)
		frame_settle_classes(&f.valid);
	if (c->params.row_key == ROW_KEY_CONTENT &&
	    (rc = table_content_keys(&f.train, e)) < 0)
		goto out;
	if (c->split > 0) {
		rc = frame_split(&f.train, c->split, c->params.seed, &f.valid, e);
		f.has_valid = rc == 0;
	}
out:
	if (rc == 0)
		*out = f;
	else
		frame_release(&f);
	return rc;
}
