#include "train/run/init.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"
#include "train/core/table.h"
#include "train/core/team.h"
#include "train/data/read.h"
#include "train/data/stats.h"
#include "train/run/inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	COLUMNS_SHOWN = 200, /* longer lists are for nobody to read */
	CLASSES_MAX = 50,
	VALID_ROWS = 1000, /* fewer rows are too few to hold some out */
};

struct first {
	const struct init_options *o;
	struct inputs in;
	struct table t;
	struct team *team;
	size_t classes; /* of the target; 0: it is a number */
	bool is_count;	/* whole numbers from 0 up, as counts are */
	char *base;
};

/* A scalar as our YAML writer would spell it. */
static void put_scalar(struct buf *b, const char *text)
{
	struct yamlw w;
	size_t n;

	yamlw_init(&w, b);
	yamlw_cstr(&w, text);
	n = b->n;
	while (n > 0 && b->p[n - 1] == '\n')
		n--;
	buf_cut(b, n);
}

/* The same in a flow list, where commas and brackets have a meaning. */
static void put_flow(struct buf *b, const char *text)
{
	if (strpbrk(text, ",[]{}") && !strchr(text, '\'')) {
		buf_addf(b, "'%s'", text);
		return;
	}
	put_scalar(b, text);
}

static int read_once(struct first *f, bool classes, struct err *e)
{
	struct data_options o = {.target = f->o->target, .target_classes = classes};
	size_t nr = inputs_files(&f->in, INPUT_TRAIN, NULL, NULL);
	struct data_file *files = xcalloc(nr + 1, sizeof(*files));
	int rc;

	(void)inputs_files(&f->in, INPUT_TRAIN, NULL, files); /* nr again */
	rc = data_read(&f->t, files, nr, &o, f->team, e);
	free(files);
	return rc;
}

/* Few whole numbers without a gap are classes; 0, 1 and 2 may be counts as well, but
 * a person who counts will see it in the file. */
static void look_at_target(struct first *f)
{
	const struct table *t = &f->t;
	bool seen[CLASSES_MAX] = {false}, whole = true, small = true;
	double max = 0;

	if (t->classes) {
		f->classes = t->classes_nr;
		return;
	}
	for (size_t i = 0; i < t->rows; i++) {
		double y = t->label[i];

		whole &= y == floor(y) && y >= 0;
		small &= y < CLASSES_MAX;
		if (whole && small)
			seen[(size_t)y] = true;
		max = y > max ? y : max;
	}
	f->is_count = whole && t->rows > 0;
	if (!whole || !small || t->rows == 0)
		return;
	for (size_t k = 0; k <= (size_t)max; k++)
		if (!seen[k])
			return;
	/* As many classes as there are values per class is no classification. */
	if (max < 2 || (max < 20 && t->rows > 20 * (size_t)(max + 1)))
		f->classes = (size_t)max + 1;
}

static int read_data(struct first *f, struct err *e)
{
	int rc = read_once(f, false, e);

	/* Text in the target: names of classes. Anything else that is wrong is wrong
	 * the second time, too. */
	if (rc == ERR_INVALID)
		rc = read_once(f, true, e);
	if (rc == 0)
		look_at_target(f);
	return rc;
}

/* ---- the file ------------------------------------------------------------ */

static const char *objective_of(const struct first *f)
{
	if (f->classes == 0)
		return "l2";
	return f->classes <= 2 ? "binary" : "softmax";
}

static void put_number(struct buf *b, double x)
{
	buf_addf(b, "%.6g", x);
}

static void put_columns(struct first *f, struct buf *b)
{
	const struct table *t = &f->t;
	struct column_stats *s = xcalloc(t->cols_nr + 1, sizeof(*s));

	stats_columns(s, t);
	for (size_t i = 0; i < t->cols_nr && i < COLUMNS_SHOWN; i++) {
		const struct column *c = &t->cols[i];

		buf_adds(b, "#   ");
		put_scalar(b, c->f.name);
		if (c->f.kind == FEATURE_CATEGORICAL) {
			buf_addf(b, ": %zu categories", c->f.cats_nr);
		} else {
			buf_adds(b, ": ");
			put_number(b, s[i].min);
			buf_adds(b, " to ");
			put_number(b, s[i].max);
			buf_addf(b, ", %llu values", (unsigned long long)s[i].distinct);
		}
		if (s[i].missing > 0)
			buf_addf(b, ", %.2g %% missing",
				 100.0 * (double)s[i].missing / (double)t->rows);
		if (s[i].is_constant)
			buf_adds(b, ", constant");
		if (c->merged > 0)
			buf_addf(b, ", %llu values are not told apart in 32 bits: an id?",
				 (unsigned long long)c->merged);
		buf_addc(b, '\n');
	}
	if (t->cols_nr > COLUMNS_SHOWN)
		buf_addf(b, "#   and %zu more\n", t->cols_nr - COLUMNS_SHOWN);
	free(s);
}

static void put_categorical(const struct table *t, struct buf *b)
{
	size_t nr = 0;

	for (size_t i = 0; i < t->cols_nr; i++) {
		if (t->cols[i].f.kind != FEATURE_CATEGORICAL)
			continue;
		buf_adds(b, nr == 0 ? "columns:\n  categorical: [" : ", ");
		put_flow(b, t->cols[i].f.name);
		nr++;
	}
	if (nr > 0)
		buf_adds(b, "]\n");
	else
		buf_adds(b, "# columns:\n#   categorical: []   # numbers that are codes\n"
			    "#   exclude: []       # ids, and what knows the target\n");
}

static void put_model(const struct first *f, struct buf *b)
{
	size_t rows = f->t.rows;

	buf_addf(b,
		 "model:\n  type: gbt             # or linear, logistic, multinomial, "
		 "poisson\n  objective: %s\n",
		 objective_of(f));
	if (f->classes == 0 && f->is_count)
		buf_adds(b, "  # counts? then objective: poisson\n");
	buf_addf(b, "  trees: %d\n  learning_rate: %s\n  max_leaves: %d\n",
		 rows < 2000 ? 100 : 500, rows < 2000 ? "0.1" : "0.05",
		 rows < 2000	 ? 15
		 : rows < 100000 ? 31
				 : 63);
	buf_addf(b, "  min_data_in_leaf: %d\n  lambda: 1\n", rows < 2000 ? 5 : 20);
}

static void write_yaml(struct first *f, struct buf *b)
{
	const struct table *t = &f->t;
	const struct init_options *o = f->o;

	buf_addf(b,
		 "# Written by 'lode train init' from %zu rows and %zu columns.\n"
		 "# lode-train(1) explains every key.\n",
		 t->rows, t->cols_nr);
	if (f->in.nr == 1) {
		buf_adds(b, "data: ");
		put_scalar(b, f->in.v[0].text);
		buf_addc(b, '\n');
	} else {
		buf_adds(b, "data:\n");
		for (size_t i = 0; i < f->in.nr; i++) {
			buf_adds(b, "- ");
			put_scalar(b, f->in.v[i].text);
			buf_addc(b, '\n');
		}
	}
	buf_adds(b, "target: ");
	put_scalar(b, o->target);
	if (f->classes > 0)
		buf_addf(b, "   # %zu classes", f->classes);
	buf_adds(b, "\nseed: 1\n\n# The columns:\n");
	put_columns(f, b);
	put_categorical(t, b);
	buf_addc(b, '\n');
	put_model(f, b);
	if (t->rows >= VALID_ROWS)
		buf_adds(b, "\nsplit: 0.2              # held out for validation\n"
			    "early_stopping: 50      # rounds without improvement\n");
	else
		buf_adds(b, "\n# split: 0.2            # few rows: all are trained on\n");
	buf_adds(b, "out: model.json\n");
}

static int open_data(struct first *f, struct repo *r, const char *base, struct err *e)
{
	int rc = 0;

	f->in.base = base;
	for (size_t i = 0; i < f->o->data_nr && rc == 0; i++) {
		char *rel = NULL, *text;

		/* As seen from the file that will name it. */
		if ((rc = repo_rel(r, f->o->data[i], &rel, e)) < 0)
			break;
		text = path_relative(base, rel);
		rc = inputs_add(&f->in, r, INPUT_TRAIN, text, e);
		free(rel);
		free(text);
	}
	return rc == 0 ? inputs_open(&f->in, r, e) : rc;
}

int run_init(struct repo *r, const struct init_options *o, const char **objective,
	     struct report *rep, struct err *e)
{
	const char *file = o->file ? o->file : "train.yaml";
	struct first f = {.o = o};
	struct buf text = {0};
	char *rel = NULL;
	struct slice dir;
	int rc;

	if ((rc = repo_rel(r, file, &rel, e)) < 0)
		return rc;
	dir = path_dir(rel);
	f.base = slice_is(dir, ".") ? xstrdup("") : xmemdup0(dir.p, dir.n);
	if (!o->force && fs_kind(repo_rootfd(r), rel) != 0) {
		rc = err_set(e, ERR_EXISTS, "'%s' exists; -f replaces it", file);
		goto out;
	}
	if ((rc = open_data(&f, r, f.base, e)) < 0 ||
	    (rc = team_new(&f.team, o->threads, e)) < 0 || (rc = read_data(&f, e)) < 0)
		goto out;
	write_yaml(&f, &text);
	rc = fs_write(repo_rootfd(r), rel, buf_slice(&text), 0666, FS_SYNC_OBJECT, e);
	if (rc == 0) {
		*objective = objective_of(&f);
		report_add(rep, rel, NULL, "added", (int64_t)text.n);
		report_track(rep, rel);
	}
out:
	table_release(&f.t);
	team_free(f.team);
	inputs_release(&f.in);
	buf_release(&text);
	free(f.base);
	free(rel);
	return rc;
}
