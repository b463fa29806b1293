#include "train/data/layout.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/text.h"
#include "store/base/vec.h"
#include "store/fmt/glob.h"
#include "train/data/number.h"

#include <stdlib.h>
#include <string.h>

static const char *const default_markers[] = {"", "NA", "NaN", "nan", "null", "?"};

void layout_init(struct layout *p, const struct data_options *o)
{
	*p = (struct layout){.o = o};
	p->missing.v = o->missing ? o->missing : default_markers;
	p->missing.nr = o->missing ? o->missing_nr : ARRAY_SIZE(default_markers);
	for (size_t i = 0; i < p->missing.nr; i++) {
		size_t n = strlen(p->missing.v[i]);
		double v;

		p->missing.lengths |= (uint64_t)1 << MIN_OF(n, (size_t)63);
		p->missing.numbers |= data_number(p->missing.v[i], n, &v);
	}
}

static void use_release(struct use *u)
{
	free(u->name);
	free(u->v);
	dict_release(&u->dict);
}

void layout_release(struct layout *p)
{
	for (size_t i = 0; i < p->nr; i++)
		use_release(&p->uses[i]);
	free(p->uses);
	for (size_t i = 0; i < p->columns.nr; i++)
		free(p->columns.v[i]);
	vec_release(&p->columns);
	*p = (struct layout){0};
}

void layout_map_release(struct layout_map *m)
{
	free(m->first);
	free(m->next);
	*m = (struct layout_map){0};
}

size_t use_width(const struct use *u)
{
	return u->kind == USE_NUM || u->kind == USE_CODE ? 4 : 8;
}

bool layout_is_missing(const struct layout *p, const char *s, size_t n)
{
	if (!(p->missing.lengths >> MIN_OF(n, (size_t)63) & 1))
		return false;
	for (size_t i = 0; i < p->missing.nr; i++)
		if (strlen(p->missing.v[i]) == n &&
		    (n == 0 || memcmp(p->missing.v[i], s, n) == 0))
			return true;
	return false;
}

bool layout_is_missing_trimmed(const struct layout *p, const char *s, size_t n)
{
	while (n && (*s == ' ' || *s == '\t')) {
		s++;
		n--;
	}
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	return layout_is_missing(p, s, n);
}

/* ---- names ----------------------------------------------------------------- */

/* The names of one file, while its columns are looked up. */
struct names {
	const char *path;
	char **v;
	size_t nr;
	struct dict dict;
};

static int no_column(const struct names *n, const char *name, const char *what,
		     struct err *e)
{
	const char **list = xcalloc(n->nr + 1, sizeof(list[0])), *near;
	int r;

	for (size_t i = 0; i < n->nr; i++)
		list[i] = n->v[i];
	near = text_nearest(name, list);
	if (near)
		r = err_set(e, ERR_INVALID, "'%s': no column '%s'%s; did you mean '%s'?",
			    n->path, name, what, near);
	else
		r = err_set(e, ERR_INVALID, "'%s': no column '%s'%s", n->path, name,
			    what);
	free(list);
	return r;
}

static size_t find_column(const struct names *n, const char *name)
{
	uint32_t at = dict_get(&n->dict, name, strlen(name));

	return at == DICT_NONE ? SIZE_MAX : at;
}

static int names_check(struct names *n, struct err *e)
{
	for (size_t i = 0; i < n->nr; i++) {
		size_t len = strlen(n->v[i]);
		uint32_t at =
			dict_put(&n->dict, n->v[i], len, dict_hash(n->v[i], len), false);

		if (at != i)
			return err_set(e, ERR_INVALID,
				       "'%s': columns %u and %zu are both named '%s'",
				       n->path, at + 1, i + 1, n->v[i]);
	}
	return 0;
}

static bool name_matches(const char *pattern, const char *name)
{
	return strcmp(pattern, name) == 0 ||
	       glob_fnmatch(slice_of(pattern), slice_of(name));
}

static bool in_list(const char *const *list, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (name_matches(list[i], name))
			return true;
	return false;
}

/* Names without wildcards that no column has are slips of the hand. */
static int check_named(const struct names *n, const char *name, struct err *e)
{
	if (glob_has_magic(slice_of(name)) || find_column(n, name) != SIZE_MAX)
		return 0;
	return no_column(n, name, "", e);
}

static int check_options(const struct layout *p, const struct names *n, struct err *e)
{
	const struct data_options *o = p->o;
	int r = 0;

	/* A model's file may lack what only training wanted to know. */
	for (size_t i = 0; r == 0 && i < o->types_nr; i++)
		if (!o->features || o->types[i].type == COLUMN_TEXT)
			r = check_named(n, o->types[i].name, e);
	if (o->features)
		return r;
	for (size_t i = 0; r == 0 && i < o->include_nr; i++)
		r = check_named(n, o->include[i], e);
	for (size_t i = 0; r == 0 && i < o->exclude_nr; i++)
		r = check_named(n, o->exclude[i], e);
	return r;
}

/* What was asked for a name: the name itself counts more than a pattern, and a later
 * choice more than an earlier one. */
static enum column_type type_of(const struct data_options *o, const char *name)
{
	const struct column_choice *best = NULL;
	bool exact = false;

	for (size_t i = 0; i < o->types_nr; i++) {
		bool same = strcmp(o->types[i].name, name) == 0;

		if (same || (!exact && name_matches(o->types[i].name, name))) {
			best = &o->types[i];
			exact |= same;
		}
	}
	return best ? best->type : COLUMN_AUTO;
}

/* ---- the uses -------------------------------------------------------------- */

void layout_add(struct layout *p, struct use *take_use)
{
	if (p->nr == p->cap_uses)
		p->uses = vec_grow(p->uses, &p->cap_uses, p->nr + 1, sizeof(p->uses[0]));
	p->uses[p->nr++] = *take_use;
	*take_use = (struct use){0};
}

static struct use *add_use(struct layout *p, enum use_for what, enum use_kind kind,
			   const char *name)
{
	struct use u = {.what = what, .kind = kind, .name = xstrdup(name)};

	layout_add(p, &u);
	return &p->uses[p->nr - 1];
}

static void fix_dict(struct use *u, char *const *names, size_t nr)
{
	u->is_fixed = true;
	for (size_t i = 0; i < nr; i++) {
		size_t n = strlen(names[i]);

		/* Twice the same name: the first is found, the numbers stay. */
		if (dict_put(&u->dict, names[i], n, dict_hash(names[i], n), true) != i)
			vec_push(&u->dict,
				 ((struct dict_entry){.p = "", .n = UINT32_MAX}));
	}
}

static void model_uses(struct layout *p)
{
	const struct data_options *o = p->o;

	for (size_t i = 0; i < o->features_nr; i++) {
		const struct feature *f = &o->features[i];
		bool is_cat = f->kind == FEATURE_CATEGORICAL;
		struct use *u =
			add_use(p, FOR_FEATURE, is_cat ? USE_CODE : USE_NUM, f->name);

		if (is_cat)
			fix_dict(u, f->cats, f->cats_nr);
	}
}

static bool is_special(const struct data_options *o, const char *name)
{
	const char *const special[] = {o->target, o->weight, o->group, o->key};

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (special[i] && strcmp(special[i], name) == 0)
			return true;
	return false;
}

static void found_uses(struct layout *p, const struct names *n)
{
	const struct data_options *o = p->o;

	for (size_t i = 0; i < n->nr; i++) {
		enum column_type type = type_of(o, n->v[i]);
		struct use *u;

		if (is_special(o, n->v[i]) || type == COLUMN_TEXT || type == COLUMN_DROP)
			continue;
		if ((o->include && !in_list(o->include, o->include_nr, n->v[i])) ||
		    in_list(o->exclude, o->exclude_nr, n->v[i]))
			continue;
		u = add_use(p, FOR_FEATURE, type == COLUMN_CAT ? USE_CODE : USE_NUM,
			    n->v[i]);
		u->is_auto = type == COLUMN_AUTO;
	}
}

static void label_use(struct layout *p, const struct names *n)
{
	const struct data_options *o = p->o;
	struct use *u;

	if (!o->target || (o->target_optional && find_column(n, o->target) == SIZE_MAX))
		return;
	u = add_use(p, FOR_LABEL, o->target_classes ? USE_CODE : USE_WIDE, o->target);
	u->may_lack = o->target_optional;
	if (o->target_classes && o->classes)
		fix_dict(u, o->classes, o->classes_nr);
}

static void make_uses(struct layout *p, const struct names *n)
{
	const struct data_options *o = p->o;

	if (o->features)
		model_uses(p);
	else
		found_uses(p, n);
	label_use(p, n);
	if (o->weight)
		add_use(p, FOR_WEIGHT, USE_WIDE, o->weight);
	if (o->group)
		add_use(p, FOR_GROUP, USE_CODE, o->group);
	if (o->key)
		add_use(p, FOR_KEY, USE_BYTES, o->key);
	for (size_t i = 0; i < n->nr; i++)
		if (type_of(o, n->v[i]) == COLUMN_TEXT)
			add_use(p, FOR_TEXT, USE_CODE, n->v[i]);
	for (size_t i = 0; i < n->nr; i++)
		vec_push(&p->columns, xstrdup(n->v[i]));
	p->first = n->path;
	p->ready = true;
}

/* Another file of the same table has the same columns, in any order. */
static int same_columns(const struct layout *p, const struct names *n, struct err *e)
{
	struct names first = {p->first, p->columns.v, p->columns.nr, {0}};
	int r;

	if (p->o->features)
		return 0;
	for (size_t i = 0; i < p->columns.nr; i++)
		if (find_column(n, p->columns.v[i]) == SIZE_MAX)
			return err_set(e, ERR_INVALID,
				       "'%s': no column '%s', which '%s' has", n->path,
				       p->columns.v[i], p->first);
	r = names_check(&first, e);
	for (size_t i = 0; r == 0 && i < n->nr; i++)
		if (find_column(&first, n->v[i]) == SIZE_MAX)
			r = err_set(e, ERR_INVALID,
				    "'%s': a column '%s', which '%s' has not", n->path,
				    n->v[i], p->first);
	dict_release(&first.dict);
	return r;
}

static int map_uses(const struct layout *p, struct layout_map *m, const struct names *n,
		    struct err *e)
{
	m->columns = n->nr;
	m->names = n->v;
	m->first = xcalloc(n->nr + 1, sizeof(m->first[0]));
	m->next = xcalloc(p->nr + 1, sizeof(m->next[0]));
	for (size_t i = p->nr; i-- > 0;) {
		const struct use *u = &p->uses[i];
		size_t at = find_column(n, u->name);

		if (u->off)
			continue;
		if (at == SIZE_MAX)
			return no_column(n, u->name,
					 p->o->features && u->what == FOR_FEATURE
						 ? ", which the model needs"
						 : "",
					 e);
		m->next[i] = m->first[at];
		m->first[at] = (uint32_t)i + 1;
	}
	return 0;
}

int layout_columns(struct layout *p, struct layout_map *out, const char *path,
		   char **names, size_t nr, struct err *e)
{
	struct names n = {path, names, nr, {0}};
	struct layout_map m = {0};
	int r;

	if ((r = names_check(&n, e)) < 0)
		goto out;
	if (!p->ready) {
		if ((r = check_options(p, &n, e)) < 0)
			goto out;
		make_uses(p, &n);
	} else if ((r = same_columns(p, &n, e)) < 0) {
		goto out;
	}
	r = map_uses(p, &m, &n, e);
	if (r == 0) {
		*out = m;
		m = (struct layout_map){0};
	}
out:
	layout_map_release(&m);
	dict_release(&n.dict);
	return r;
}

/* ---- the arrays ------------------------------------------------------------ */

/* Row numbers are 32 bits in the trainer, with two values to spare. */
#define ROWS_MAX ((size_t)UINT32_MAX - 2)

int layout_reserve(struct layout *p, size_t rows, struct err *e)
{
	int r;

	if (rows > ROWS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %zu rows", ROWS_MAX);
	if (rows <= p->cap && p->cap > 0)
		return 0;
	rows = MAX_OF(rows, (size_t)1);
	for (size_t i = 0; i < p->nr; i++) {
		struct use *u = &p->uses[i];
		void *mem;

		if (u->off)
			continue;
		if ((r = try_alloc(&mem, rows, use_width(u), "the values of a column",
				   e)) < 0)
			return r;
		if (u->v)
			memcpy(mem, u->v, p->rows * use_width(u));
		free(u->v);
		u->v = mem;
	}
	p->cap = rows;
	return 0;
}
