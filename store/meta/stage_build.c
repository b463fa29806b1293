/* Stages made or copied to be changed. */
#include "store/base/alloc.h"
#include "store/base/path.h"
#include "store/fmt/value.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pinned.h"
#include "store/meta/stage.h"

#include <stdlib.h>

static const char *text_copy(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

static const struct value *dup_value(struct arena *a, const struct value *v)
{
	return v ? value_copy(a, v) : NULL;
}

static const char *const *dup_list(struct arena *a, const char *const *v)
{
	const char **out;
	size_t nr = 0;

	if (!v)
		return NULL;
	while (v[nr])
		nr++;
	out = arena_alloc(a, (nr + 1) * sizeof(*out));
	for (size_t i = 0; i < nr; i++)
		out[i] = arena_strdup(a, v[i]);
	return out;
}

static void copy_out(struct arena *a, struct out *to, const struct out *from,
		     struct stage *st)
{
	*to = *from;
	to->stage = st;
	pinned_copy(a, &to->at, &from->at);
	to->remote = text_copy(a, from->remote);
	to->desc = text_copy(a, from->desc);
	to->type = text_copy(a, from->type);
	to->labels = dup_list(a, from->labels);
	to->meta = dup_value(a, from->meta);
	to->plot_props = dup_value(a, from->plot_props);
}

static struct dep_repo *copy_repo(struct arena *a, const struct dep_repo *from)
{
	struct dep_repo *to = arena_alloc(a, sizeof(*to));

	to->url = text_copy(a, from->url);
	to->rev = text_copy(a, from->rev);
	to->rev_lock = text_copy(a, from->rev_lock);
	to->config_path = text_copy(a, from->config_path);
	to->remote_name = text_copy(a, from->remote_name);
	to->config = dup_value(a, from->config);
	to->remote = dup_value(a, from->remote);
	return to;
}

static void copy_dep(struct arena *a, struct dep *to, const struct dep *from,
		     struct stage *st)
{
	*to = *from;
	to->stage = st;
	pinned_copy(a, &to->at, &from->at);
	to->repo = from->repo ? copy_repo(a, from->repo) : NULL;
	to->db = dup_value(a, from->db);
	to->dataset = text_copy(a, from->dataset);
	to->dataset_lock = dup_value(a, from->dataset_lock);
	to->params = NULL;
	if (from->params_nr)
		to->params = arena_alloc(a, from->params_nr * sizeof(*to->params));
	for (size_t i = 0; i < from->params_nr; i++) {
		to->params[i].key = text_copy(a, from->params[i].key);
		to->params[i].value = dup_value(a, from->params[i].value);
	}
}

struct stage *stages_clone(struct stages *to, const struct stage *st)
{
	struct stage *c = stages_add(to, st->file);
	struct arena *a = &to->arena;
	struct stage made = *st;

	made.file = c->file;
	made.id = c->id;
	made.name = text_copy(a, st->name);
	made.wdir = text_copy(a, st->wdir);
	made.wdir_text = text_copy(a, st->wdir_text);
	made.cmd = dup_list(a, st->cmd);
	made.lock_cmd = dup_list(a, st->lock_cmd);
	made.desc = text_copy(a, st->desc);
	made.md5 = text_copy(a, st->md5);
	made.meta = dup_value(a, st->meta);
	*c = made;
	(void)stage_alloc_outs(to, c, st->outs_nr); /* c->outs */
	(void)stage_alloc_deps(to, c, st->deps_nr); /* c->deps */
	for (size_t i = 0; i < st->outs_nr; i++)
		copy_out(a, &c->outs[i], &st->outs[i], c);
	for (size_t i = 0; i < st->deps_nr; i++)
		copy_dep(a, &c->deps[i], &st->deps[i], c);
	return c;
}

struct out *stage_add_out(struct stages *s, struct stage *st, const char *path)
{
	struct out *old = st->outs, *o;
	size_t nr = st->outs_nr;
	char *rel = path_relative(st->wdir, path);

	(void)stage_alloc_outs(s, st, nr + 1); /* st->outs */
	for (size_t i = 0; i < nr; i++)
		st->outs[i] = old[i];
	o = &st->outs[nr];
	o->at.path = arena_strdup(&s->arena, path);
	o->at.text = arena_strdup(&s->arena, rel);
	o->at.hash_name = "md5";
	free(rel);
	s->indexed = false;
	return o;
}

struct stage *stages_new_data(struct stages *to, const char *path)
{
	char *file = xasprintf("%s.dvc", path);
	struct stage *st = stages_add(to, file);

	free(file);
	(void)stage_add_out(to, st, path); /* st->outs[0] */
	return st;
}
