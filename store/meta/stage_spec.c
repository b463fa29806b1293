#include "store/meta/stage_spec.h"

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/meta/stage.h"

#include <string.h>

/* Python's string.punctuation without '-' and '_'. */
#define PUNCTUATION "!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~"

bool stage_name_is_valid(const char *name)
{
	return name[0] != '\0' && strpbrk(name, PUNCTUATION) == NULL;
}

static const char *const *copy_words(struct arena *a, const char *const *v, size_t nr)
{
	const char **out = arena_alloc(a, (nr + 1) * sizeof(*out));

	for (size_t i = 0; i < nr; i++)
		out[i] = arena_strdup(a, v[i]);
	return out;
}

static int fill_deps(struct stages *s, struct stage *st, const struct stage_spec *spec,
		     struct err *e)
{
	int r = 0;

	(void)stage_alloc_deps(s, st, spec->deps_nr + spec->params_nr); /* st->deps */
	for (size_t i = 0; r == 0 && i < spec->deps_nr; i++)
		r = stage_place(s, st, &st->deps[i].at, spec->deps[i], false, false, e);
	for (size_t i = 0; r == 0 && i < spec->params_nr; i++) {
		const struct stage_spec_params *p = &spec->params[i];
		struct dep *d = &st->deps[spec->deps_nr + i];

		d->is_params = true;
		d->whole_file = p->keys_nr == 0;
		d->params_nr = p->keys_nr;
		if (p->keys_nr > 0)
			d->params =
				arena_alloc(&s->arena, p->keys_nr * sizeof(*d->params));
		for (size_t k = 0; k < p->keys_nr; k++)
			d->params[k].key = arena_strdup(&s->arena, p->keys[k]);
		r = stage_place(s, st, &d->at, p->file, false, false, e);
	}
	return r;
}

static int fill_outs(struct stages *s, struct stage *st, const struct stage_spec *spec,
		     struct err *e)
{
	int r = 0;

	(void)stage_alloc_outs(s, st, spec->outs_nr); /* st->outs */
	for (size_t i = 0; r == 0 && i < spec->outs_nr; i++) {
		const struct stage_spec_out *from = &spec->outs[i];
		struct out *o = &st->outs[i];

		o->cache = !from->no_cache;
		o->persist = from->persist;
		o->is_metric = from->kind == STAGE_SPEC_METRIC;
		o->is_plot = from->kind == STAGE_SPEC_PLOT;
		if (from->plot_props)
			o->plot_props = value_copy(&s->arena, from->plot_props);
		r = stage_place(s, st, &o->at, from->path, true, o->cache, e);
	}
	return r;
}

static bool same_place(const struct pinned *a, const struct pinned *b)
{
	if (a->path && b->path)
		return strcmp(a->path, b->path) == 0;
	return a->abs && b->abs && strcmp(a->abs, b->abs) == 0;
}

static int check_paths(const struct stage *st, struct err *e)
{
	for (size_t i = 0; i < st->outs_nr; i++) {
		const struct pinned *o = &st->outs[i].at;

		for (size_t k = 0; k < i; k++) {
			if (same_place(o, &st->outs[k].at))
				return err_set(e, ERR_INVALID,
					       "file '%s' is specified more than once.",
					       o->text);
		}
		for (size_t k = 0; k < st->deps_nr; k++) {
			if (same_place(o, &st->deps[k].at))
				return err_set(e, ERR_INVALID,
					       "'%s' is specified as an output and as a "
					       "dependency.",
					       o->text);
		}
	}
	for (size_t i = 0; i < st->deps_nr; i++) {
		for (size_t k = 0; k < i; k++) {
			if (same_place(&st->deps[i].at, &st->deps[k].at))
				return err_set(e, ERR_INVALID,
					       "file '%s' is specified more than once.",
					       st->deps[i].at.text);
		}
	}
	return 0;
}

int stage_from_spec(struct stages *s, const struct stage_spec *spec, struct stage **out,
		    struct err *e)
{
	struct stage *st;
	int r = 0;

	if (!stage_name_is_valid(spec->name))
		return err_set(e, ERR_INVALID,
			       "Stage name cannot contain punctuation characters.");
	if (spec->cmd_nr == 0)
		return err_set(e, ERR_INVALID, "command is not specified");
	st = stages_add(s, spec->file);
	st->kind = STAGE_PIPELINE;
	st->name = arena_strdup(&s->arena, spec->name);
	st->desc = spec->desc ? arena_strdup(&s->arena, spec->desc) : NULL;
	st->cmd = copy_words(&s->arena, spec->cmd, spec->cmd_nr);
	st->cmd_is_list = spec->cmd_nr > 1;
	if (spec->wdir)
		r = stage_set_wdir(s, st, spec->wdir, e);
	if (r < 0 || (r = fill_deps(s, st, spec, e)) < 0 ||
	    (r = fill_outs(s, st, spec, e)) < 0 || (r = check_paths(st, e)) < 0)
		return r;
	*out = st;
	return 0;
}

static const char *copy_text(struct stages *s, const char *text)
{
	return text ? arena_strdup(&s->arena, text) : NULL;
}

static void keep_out(struct stages *s, struct out *o, const struct out *old)
{
	size_t nr = 0;

	o->desc = copy_text(s, old->desc);
	o->type = copy_text(s, old->type);
	o->remote = copy_text(s, old->remote);
	o->push = old->push;
	o->meta = old->meta ? value_copy(&s->arena, old->meta) : NULL;
	while (old->labels && old->labels[nr])
		nr++;
	o->labels = nr > 0 ? copy_words(&s->arena, old->labels, nr) : NULL;
}

void stage_keep_notes(struct stages *s, struct stage *st, const struct stage *old)
{
	if (!st->desc)
		st->desc = copy_text(s, old->desc);
	st->meta = old->meta ? value_copy(&s->arena, old->meta) : NULL;
	st->frozen = old->frozen;
	for (size_t i = 0; i < st->outs_nr; i++) {
		for (size_t k = 0; k < old->outs_nr; k++) {
			if (same_place(&st->outs[i].at, &old->outs[k].at))
				keep_out(s, &st->outs[i], &old->outs[k]);
		}
	}
}

void stage_join_command(const char *const *words, size_t nr, struct buf *out)
{
	for (size_t i = 0; i < nr; i++) {
		const char *w = words[i];
		bool quote =
			nr > 1 && (w[0] == '\0' || (strchr(w, ' ') && !strchr(w, '"')));

		buf_addf(out, "%s%s%s%s", i > 0 ? " " : "", quote ? "\"" : "", w,
			 quote ? "\"" : "");
	}
}
