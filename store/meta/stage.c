#include "store/meta/stage.h"

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/meta/dvcfile.h"

#include <stdlib.h>

void stages_release(struct stages *s)
{
	map_release(&s->by_path);
	free(s->outs);
	vec_release(s);
	arena_release(&s->arena);
	*s = (struct stages){0};
}

struct stage *stages_add(struct stages *s, const char *file)
{
	struct stage *st = arena_alloc(&s->arena, sizeof(*st));
	struct slice dir = path_dir(file);

	st->file = arena_strdup(&s->arena, file);
	st->wdir = slice_is(dir, ".") ? "" : arena_strndup(&s->arena, dir.p, dir.n);
	st->id = s->nr;
	vec_push(s, st);
	s->indexed = false;
	return st;
}

static void pinned_defaults(struct pinned *p)
{
	p->size = p->nfiles = -1;
	p->cloud.size = p->cloud.nfiles = -1;
}

struct out *stage_alloc_outs(struct stages *s, struct stage *st, size_t nr)
{
	st->outs = nr ? arena_alloc(&s->arena, nr * sizeof(*st->outs)) : NULL;
	st->outs_nr = nr;
	for (size_t i = 0; i < nr; i++) {
		st->outs[i].stage = st;
		st->outs[i].index = (uint32_t)i;
		st->outs[i].cache = st->outs[i].push = true;
		pinned_defaults(&st->outs[i].at);
	}
	return st->outs;
}

struct dep *stage_alloc_deps(struct stages *s, struct stage *st, size_t nr)
{
	st->deps = nr ? arena_alloc(&s->arena, nr * sizeof(*st->deps)) : NULL;
	st->deps_nr = nr;
	for (size_t i = 0; i < nr; i++) {
		st->deps[i].stage = st;
		pinned_defaults(&st->deps[i].at);
	}
	return st->deps;
}

/* ---- paths --------------------------------------------------------------- */

static bool is_url(const char *text)
{
	const char *colon = strstr(text, "://");

	if (!colon || colon == text)
		return false;
	for (const char *p = text; p < colon; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '+' || *p == '-' || *p == '.' ||
		      *p == '_'))
			return false;
	return true;
}

static bool leaves(const char *normal)
{
	return strcmp(normal, "..") == 0 || strncmp(normal, "../", 3) == 0;
}

/* What a dvc.yaml or a .dvc file is cannot be data as well. */
static int refuse_metadata(const char *path, bool is_out, struct err *e)
{
	if (!dvcfile_is_metadata(path))
		return 0;
	return err_set(e, ERR_INVALID, "DVC file '%s' cannot be %s.", path,
		       is_out ? "an output" : "a dependency");
}

int stage_place(struct stages *s, const struct stage *st, struct pinned *p,
		const char *text, bool is_out, bool is_cached, struct err *e)
{
	char *joined = NULL, *normal = NULL;
	int r = 0;

	p->text = arena_strdup(&s->arena, text);
	if (text[0] == '\0')
		return err_set(e, ERR_INVALID, "'%s': an empty path", st->file);
	if (is_url(text)) {
		p->abs = p->text;
		return 0;
	}
	if (path_is_abs(text)) {
		normal = path_normal(text);
		if (!s->root || !path_within(normal, s->root)) {
			p->abs = arena_strdup(&s->arena, normal);
			goto out;
		}
		joined = path_relative(s->root, normal);
		free(normal);
		normal = path_relative(st->wdir, joined);
		p->text = arena_strdup(&s->arena, normal);
	} else {
		joined = path_join(st->wdir, text);
	}
	free(normal);
	normal = path_normal(joined);
	if (leaves(normal)) {
		if (is_out && is_cached)
			r = err_set(e, ERR_INVALID,
				    "'%s': output '%s' is outside of the repository",
				    st->file, text);
		else
			p->abs = arena_strdup(&s->arena, normal);
		goto out;
	}
	if ((r = refuse_metadata(normal, is_out, e)) < 0)
		goto out;
	if (is_out && (r = path_check_tracked(normal, e)) < 0) {
		r = err_ctx(e, r, "'%s'", st->file);
		goto out;
	}
	p->path = arena_strdup(&s->arena, normal);
out:
	free(joined);
	free(normal);
	return r;
}

int stage_set_wdir(struct stages *s, struct stage *st, const char *text, struct err *e)
{
	struct slice dir = path_dir(st->file);
	char *base = arena_strndup(&s->arena, dir.p, dir.n);
	char *joined = NULL, *normal = NULL;
	int r = 0;

	st->wdir_text = arena_strdup(&s->arena, text);
	if (path_is_abs(text)) {
		joined = path_normal(text);
		if (!s->root || !path_within(joined, s->root)) {
			r = err_set(e, ERR_INVALID,
				    "'%s': stage working dir '%s' is outside of DVC repo",
				    st->file, text);
			goto out;
		}
		normal = path_relative(s->root, joined);
	} else {
		joined = path_join(base, text);
		normal = path_normal(joined);
	}
	if (leaves(normal)) {
		r = err_set(e, ERR_INVALID,
			    "'%s': stage working dir '%s' is outside of DVC repo",
			    st->file, text);
		goto out;
	}
	if (strcmp(normal, ".") == 0) {
		st->wdir = "";
		goto out;
	}
	if ((r = path_check_tracked(normal, e)) < 0) {
		r = err_ctx(e, r, "'%s': wdir", st->file);
		goto out;
	}
	st->wdir = arena_strdup(&s->arena, normal);
out:
	free(joined);
	free(normal);
	return r;
}

/* ---- lookup -------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct out *x = *(struct out *const *)a, *y = *(struct out *const *)b;
	int c = strcmp(x->at.path, y->at.path);

	if (c != 0)
		return c;
	if (x->stage->id != y->stage->id)
		return x->stage->id < y->stage->id ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

void stages_index(struct stages *s)
{
	size_t nr = 0;

	map_release(&s->by_path);
	free(s->outs);
	s->outs = NULL;
	s->outs_nr = 0;
	for (size_t i = 0; i < s->nr; i++)
		nr += s->v[i]->outs_nr;
	{
		VEC_OF(struct out *) all = {0};

		vec_reserve(&all, nr);
		for (size_t i = 0; i < s->nr; i++)
			for (size_t j = 0; j < s->v[i]->outs_nr; j++)
				if (s->v[i]->outs[j].at.path)
					vec_push(&all, &s->v[i]->outs[j]);
		s->outs = all.v;
		s->outs_nr = all.nr;
	}
	if (s->outs_nr > 0)
		qsort(s->outs, s->outs_nr, sizeof(struct out *), by_path);
	map_reserve(&s->by_path, s->outs_nr);
	for (size_t i = 0; i < s->outs_nr; i++) {
		struct slice key = slice_of(s->outs[i]->at.path);

		if (!map_has(&s->by_path, key))
			(void)map_set(&s->by_path, key, i); /* new: just asked */
	}
	s->indexed = true;
}

static struct out *out_at(const struct stages *s, struct slice path)
{
	size_t i = map_get(&s->by_path, path);

	return i == MAP_NONE ? NULL : s->outs[i];
}

struct out *stages_out_at(const struct stages *s, const char *path)
{
	return out_at(s, slice_of(path));
}

/* The parent path of the first n bytes of path; 0 where there is none. */
static size_t parent_n(const char *path, size_t n)
{
	while (n > 0 && path[n - 1] != '/')
		n--;
	return n > 0 ? n - 1 : 0;
}

struct out *stages_out_covering(const struct stages *s, const char *path)
{
	for (size_t n = strlen(path); n > 0; n = parent_n(path, n)) {
		struct out *o = out_at(s, (struct slice){path, n});

		if (o)
			return o;
	}
	return NULL;
}

/* The first out whose path is not below "path" + last in memcmp order. */
static size_t lower_bound(const struct stages *s, const char *path, size_t n, char last)
{
	size_t lo = 0, hi = s->outs_nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const char *p = s->outs[mid]->at.path;
		int c = strncmp(p, path, n);

		if (c == 0)
			c = (unsigned char)p[n] < (unsigned char)last ? -1 : 1;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t stages_outs_below(const struct stages *s, const char *path, size_t *first)
{
	size_t n = strlen(path), end;

	if (n == 0 || strcmp(path, ".") == 0) {
		*first = 0;
		return s->outs_nr;
	}
	/* "a/..." is what sorts from "a/" up to, not including, "a0". */
	*first = lower_bound(s, path, n, '/');
	end = lower_bound(s, path, n, '/' + 1);
	return end - *first;
}

struct stage *stages_find(const struct stages *s, const char *file, const char *name)
{
	for (size_t i = 0; i < s->nr; i++) {
		struct stage *st = s->v[i];

		if (strcmp(st->file, file) == 0 &&
		    (!name ? !st->name : st->name && strcmp(st->name, name) == 0))
			return st;
	}
	return NULL;
}

/* ---- questions ----------------------------------------------------------- */

void stage_addressing(const struct stage *st, const char *cwd, struct buf *out)
{
	char *rel = path_relative(cwd ? cwd : "", st->file);

	if (!st->name)
		buf_adds(out, rel);
	else if (strcmp(rel, "dvc.yaml") == 0)
		buf_adds(out, st->name);
	else
		buf_addf(out, "%s:%s", rel, st->name);
	free(rel);
}

bool stage_is_import(const struct stage *st)
{
	return st->kind == STAGE_IMPORT_REPO || st->kind == STAGE_IMPORT_URL ||
	       st->kind == STAGE_IMPORT_DB;
}

bool out_is_cached(const struct out *o)
{
	return o->cache && o->at.path;
}

bool out_has_hash(const struct out *o)
{
	return o->at.hash_text || o->at.has_files;
}

const char *out_path(const struct out *o)
{
	return o->at.path ? o->at.path : o->at.abs;
}

const char *out_remote(const struct out *o)
{
	return o->remote;
}
