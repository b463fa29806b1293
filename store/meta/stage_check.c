/* What must hold of a whole graph, and who needs whose outputs. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/meta/stage.h"

#include <stdlib.h>

/* An out as messages show it: as seen from where the person stands. */
static char *shown(const struct stages *s, const struct out *o)
{
	return path_relative(s->cwd ? s->cwd : "", out_path(o));
}

static int fail_duplicate(const struct stages *s, const struct out *a,
			  const struct out *b, struct err *e)
{
	char *path = shown(s, a);
	struct buf x = {0}, y = {0};
	int r;

	stage_addressing(a->stage, s->cwd, &x);
	stage_addressing(b->stage, s->cwd, &y);
	if (a->stage == b->stage)
		r = err_set(e, ERR_INVALID,
			    "output '%s' is already specified in stage: '%s'.\nUse "
			    "`lode remove %s` to stop tracking the overlapping output.",
			    path, buf_str(&x), buf_str(&x));
	else
		r = err_set(e, ERR_INVALID,
			    "output '%s' is specified in:\n\t- %s\n\t- %s\nUse `lode "
			    "remove` with any of the above targets to stop tracking the "
			    "overlapping output.",
			    path, buf_str(&x), buf_str(&y));
	buf_release(&x);
	buf_release(&y);
	free(path);
	return r;
}

static int fail_overlap(const struct stages *s, const struct out *parent,
			const struct out *inner, struct err *e)
{
	char *p = shown(s, parent), *i = shown(s, inner);
	struct buf x = {0}, y = {0};
	int r;

	stage_addressing(parent->stage, s->cwd, &x);
	stage_addressing(inner->stage, s->cwd, &y);
	r = err_set(
		e, ERR_INVALID,
		"The output paths:\n'%s'('%s')\n'%s'('%s')\noverlap and are thus in "
		"the same tracked directory.\nTo keep reproducibility, outputs should "
		"be in separate tracked directories or tracked individually.",
		p, buf_str(&x), i, buf_str(&y));
	buf_release(&x);
	buf_release(&y);
	free(p);
	free(i);
	return r;
}

/* Outs outside the repository are few: they are compared through a map of their own. */
static int check_external(const struct stages *s, struct err *e)
{
	struct map seen = {0};
	VEC_OF(const struct out *) outs = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->nr; i++) {
		for (size_t j = 0; r == 0 && j < s->v[i]->outs_nr; j++) {
			const struct out *o = &s->v[i]->outs[j];
			size_t *at;

			if (!o->at.abs)
				continue;
			at = map_at(&seen, slice_of(o->at.abs));
			if (*at != MAP_NONE) {
				r = fail_duplicate(s, outs.v[*at], o, e);
			} else {
				*at = outs.nr;
				vec_push(&outs, o);
			}
		}
	}
	vec_release(&outs);
	map_release(&seen);
	return r;
}

int stages_check_outs(const struct stages *s, struct err *e)
{
	for (size_t i = 1; i < s->outs_nr; i++)
		if (strcmp(s->outs[i - 1]->at.path, s->outs[i]->at.path) == 0)
			return fail_duplicate(s, s->outs[i - 1], s->outs[i], e);
	for (size_t i = 0; i < s->outs_nr; i++) {
		size_t first;

		if (stages_outs_below(s, s->outs[i]->at.path, &first) > 0)
			return fail_overlap(s, s->outs[i], s->outs[first], e);
	}
	return check_external(s, e);
}

/* ---- edges --------------------------------------------------------------- */

struct out *stage_edges_next(const struct stages *s, struct stage_edges *it)
{
	const struct stage *st = it->stage;

	/* Repository and database imports need nothing of this repository. */
	if (st->kind == STAGE_IMPORT_REPO || st->kind == STAGE_IMPORT_DB)
		return NULL;
	for (; it->dep < st->deps_nr;
	     it->dep++, it->at = 0, it->up = 0, it->below = false) {
		const struct dep *d = &st->deps[it->dep];
		const char *path = d->at.path;

		if (!path || d->dataset)
			continue;
		if (!it->below) {
			/* at counts the bytes of the parent paths not looked at yet */
			size_t n = it->up ? it->up - 1 : strlen(path);

			while (n > 0) {
				size_t i = map_get(&s->by_path, (struct slice){path, n});
				size_t up = n;

				while (up > 0 && path[up - 1] != '/')
					up--;
				up = up > 0 ? up - 1 : 0;
				it->up = up + 1;
				n = up;
				if (i != MAP_NONE)
					return s->outs[i];
			}
			it->below = true;
			it->end = stages_outs_below(s, path, &it->at);
			it->end += it->at;
		}
		if (it->at < it->end)
			return s->outs[it->at++];
	}
	return NULL;
}

static int fail_cycle(const struct stages *s, const size_t *path, size_t nr,
		      struct err *e)
{
	struct buf names = {0};
	int r;

	for (size_t i = 0; i < nr; i++) {
		if (i)
			buf_adds(&names, ", ");
		stage_addressing(s->v[path[i]], s->cwd, &names);
	}
	r = err_set(e, ERR_INVALID,
		    "Same item(s) are defined as both a dependency and an output in "
		    "%s: %s.",
		    nr == 1 ? "stage" : "stages", buf_str(&names));
	buf_release(&names);
	return r;
}

/*
 * Where a stage stands in s->v. Its id will not do: a graph may be put together from
 * stages of several sets, as it will be once a change is made.
 */
static size_t place_of(const struct map *at, const struct stage *st)
{
	return map_get(at, MAP_KEY(st));
}

static int tell_cycle(const struct stages *s, const struct map *at,
		      const struct stage_edges *v, size_t nr, struct err *e)
{
	VEC_OF(size_t) path = {0};
	int r;

	for (size_t i = 0; i < nr; i++)
		vec_push(&path, place_of(at, v[i].stage));
	r = fail_cycle(s, path.v, path.nr, e);
	vec_release(&path);
	return r;
}

/* Depth-first without recursion: a chain may be as long as there are stages. */
static int check_cycles(const struct stages *s, struct err *e)
{
	enum {
		NEW = 0,
		OPEN,
		DONE
	};
	VEC_OF(struct stage_edges) stack = {0};
	unsigned char *state = s->nr ? xcalloc(s->nr, 1) : NULL;
	struct map at = {0};
	int r = 0;

	map_reserve(&at, s->nr);
	for (size_t i = 0; i < s->nr; i++)
		map_set(&at, MAP_KEY(s->v[i]), i);
	for (size_t i = 0; r == 0 && i < s->nr; i++) {
		if (state[i] != NEW)
			continue;
		state[i] = OPEN;
		vec_push(&stack, ((struct stage_edges){.stage = s->v[i]}));
		while (r == 0 && stack.nr > 0) {
			struct stage_edges *top = &stack.v[stack.nr - 1];
			struct out *o = stage_edges_next(s, top);
			size_t to = o ? place_of(&at, o->stage) : 0;

			if (!o) {
				state[place_of(&at, top->stage)] = DONE;
				stack.nr--;
			} else if (state[to] == NEW) {
				state[to] = OPEN;
				vec_push(&stack,
					 ((struct stage_edges){.stage = o->stage}));
			} else if (state[to] == OPEN) {
				size_t from = stack.nr;

				while (from > 0 && stack.v[from - 1].stage != o->stage)
					from--;
				from -= from > 0;
				r = tell_cycle(s, &at, stack.v + from, stack.nr - from,
					       e);
			}
		}
	}
	free(state);
	map_release(&at);
	vec_release(&stack);
	return r;
}

int stages_check(const struct stages *s, struct err *e)
{
	int r = stages_check_outs(s, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->nr; i++) {
		const struct out *o = stages_out_covering(s, s->v[i]->file);
		struct buf name = {0};
		char *path;

		if (!o)
			continue;
		stage_addressing(s->v[i], s->cwd, &name);
		path = shown(s, o);
		r = err_set(e, ERR_INVALID,
			    "stage: '%s' is within an output '%s' of another stage",
			    buf_str(&name), path);
		free(path);
		buf_release(&name);
		return r;
	}
	return check_cycles(s, e);
}
