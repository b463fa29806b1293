/* What a word on the command line means: a metadata file, a stage, an output, a
 * path inside one, a directory. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/meta/tree.h"

#include <stdlib.h>

void targets_release(struct targets *t)
{
	vec_release(t);
	arena_release(&t->arena);
	*t = (struct targets){0};
}

/* A target taken apart, as DVC does it. */
struct parsed {
	char *file; /* as given; NULL: none was named */
	char *name; /* NULL: the whole file */
};

static void parsed_release(struct parsed *p)
{
	free(p->file);
	free(p->name);
	*p = (struct parsed){0};
}

/*
 * "PATH:NAME", cut at the last colon when what follows could be a name, looked
 * for before the first "@", so that a generated stage's key may hold anything.
 */
static int parse(const char *target, struct parsed *out, struct err *e)
{
	size_t group_n = strcspn(target, "@");
	const char *key = target[group_n] ? target + group_n + 1 : "";
	const char *colon = NULL;
	size_t path_n = group_n;

	*out = (struct parsed){0};
	for (size_t i = group_n; i > 0; i--) {
		char c = target[i - 1];

		if (c == ':') {
			colon = target + i - 1;
			path_n = i - 1;
			break;
		}
		if (c == '/' || c == '\\')
			break;
	}
	if (path_n > 0) {
		char *path = xmemdup0(target, path_n);
		bool is_lock = slice_is(path_base(path), "dvc.lock");

		free(path);
		if (is_lock) {
			const char *ext = strstr(target, ".lock");

			return err_set(e, ERR_INVALID, "Did you mean: `%.*s.yaml%s`?",
				       (int)(ext - target), target, ext + 5);
		}
	}
	if (colon && colon + 1 < target + group_n) {
		out->file = path_n > 0 ? xmemdup0(target, path_n) : xstrdup("dvc.yaml");
		out->name =
			*key ? xasprintf("%.*s@%s", (int)(target + group_n - colon - 1),
					 colon + 1, key)
			     : xmemdup0(colon + 1,
					(size_t)(target + group_n - colon - 1));
	} else if (dvcfile_is_metadata(target)) {
		out->file = xstrdup(target);
	} else {
		out->name = xstrdup(target);
	}
	return 0;
}

/* A path as given, seen from the root. ERR_INVALID outside of it. */
static int from_root(struct tree *t, const char *cwd, const char *text, char **out,
		     struct err *e)
{
	char *joined = NULL, *normal;
	int r = 0;

	if (path_is_abs(text)) {
		normal = path_normal(text);
		if (t->root && path_within(normal, t->root)) {
			joined = path_relative(t->root, normal);
			free(normal);
			normal = path_normal(joined);
		} else {
			r = ERR_INVALID;
		}
	} else {
		joined = path_join(cwd, text);
		normal = path_normal(joined);
		if (strcmp(normal, "..") == 0 || strncmp(normal, "../", 3) == 0)
			r = ERR_INVALID;
	}
	free(joined);
	if (r < 0) {
		free(normal);
		return err_set(e, r, "'%s' is outside of the repository", text);
	}
	*out = normal;
	return 0;
}

struct resolver {
	const struct collection *c;
	struct tree *t;
	const struct target_request *req;
	struct targets *out;
	struct map seen;
	size_t added; /* by the target at hand */
};

static void add(struct resolver *k, const char *text, struct stage *st, struct out *o,
		const char *inside)
{
	struct target tg = {.stage = st, .out = o};
	struct buf key = {0};

	k->added++;
	buf_addf(&key, "%zu:%zd:%s", st->id, o ? (ssize_t)o->index : -1,
		 inside ? inside : "");
	if (map_set(&k->seen, buf_slice(&key), 0)) {
		tg.text = arena_strdup(&k->out->arena, text);
		tg.inside = inside ? arena_strdup(&k->out->arena, inside) : NULL;
		vec_push(k->out, tg);
	}
	buf_release(&key);
}

/* A name in one file: the stage, or all that foreach or matrix made of it. */
static void add_named(struct resolver *k, const char *text, const char *file,
		      const char *name)
{
	const struct stages *s = &k->c->stages;
	size_t n = name ? strlen(name) : 0, before = k->added;

	for (size_t i = 0; i < s->nr; i++) {
		struct stage *st = s->v[i];

		if (strcmp(st->file, file) != 0)
			continue;
		/* A .dvc file has one stage, whatever name was asked for. */
		if (!name || !st->name || strcmp(st->name, name) == 0)
			add(k, text, st, NULL, NULL);
	}
	if (k->added > before || !name)
		return;
	for (size_t i = 0; i < s->nr; i++) {
		struct stage *st = s->v[i];

		if (strcmp(st->file, file) == 0 && st->name &&
		    strncmp(st->name, name, n) == 0 && st->name[n] == '@')
			add(k, text, st, NULL, NULL);
	}
}

static void add_inside(struct resolver *k, const char *text, const char *dir)
{
	const struct stages *s = &k->c->stages;

	for (size_t i = 0; i < s->nr; i++)
		if (path_within(s->v[i]->file, dir))
			add(k, text, s->v[i], NULL, NULL);
}

static int fail_unknown(struct resolver *k, const char *text, const struct parsed *p,
			struct err *e)
{
	char *file = path_join(k->req->cwd, p->file ? p->file : "dvc.yaml");
	char *normal = path_normal(file);
	bool exists = k->t->ops->exists(k->t, normal, NULL);
	const char *named = p->file ? p->file : "dvc.yaml";
	int r;

	if (p->file && dvcfile_is_metadata(p->file) && !p->name)
		r = err_set(e, ERR_NOTFOUND, "'%s' does not exist", named);
	else if ((p->file && dvcfile_is_metadata(p->file)) ||
		 (k->req->flags & TARGET_STAGES))
		r = exists ? err_set(e, ERR_NOTFOUND,
				     "Stage '%s' not found inside '%s' file",
				     p->name ? p->name : text, named)
			   : err_set(e, ERR_NOTFOUND, "'%s' does not exist", named);
	else
		r = err_set(e, ERR_NOTFOUND,
			    "'%s' does not exist as an output or a stage name in "
			    "'%s'%s%s%s",
			    text, named, exists ? "" : ": '", exists ? "" : named,
			    exists ? "" : "' does not exist");
	free(file);
	free(normal);
	return r;
}

static bool add_output(struct resolver *k, const char *text, const char *path)
{
	struct out *o = stages_out_covering(&k->c->stages, path);
	size_t n;

	if (!o)
		return false;
	n = strlen(o->at.path);
	add(k, text, o->stage, o, path[n] == '/' ? path + n + 1 : NULL);
	return true;
}

static int resolve_one(struct resolver *k, const char *text, struct err *e)
{
	struct parsed p = {0};
	char *path = NULL, *file = NULL;
	bool is_dir = false, is_meta, recursive;
	int r;

	k->added = 0;
	if ((r = parse(text, &p, e)) < 0 ||
	    (r = from_root(k->t, k->req->cwd, text, &path, e)) < 0)
		goto out;
	is_meta = p.file && dvcfile_is_metadata(p.file);
	recursive = (k->req->flags & TARGET_RECURSIVE) &&
		    k->t->ops->exists(k->t, path, &is_dir) && is_dir;
	if (is_meta || !p.file) {
		r = from_root(k->t, k->req->cwd, p.file ? p.file : "dvc.yaml", &file, e);
		if (r < 0)
			goto out;
	}
	/* A file that was named, else a stage of ./dvc.yaml, else an output. */
	if (is_meta || (!p.file && !recursive))
		add_named(k, text, file, p.name);
	if (k->added == 0 && recursive) {
		add_inside(k, text, path);
		goto out; /* a directory may hold no stage at all */
	}
	/* A metadata file without stages is a target that names nothing. */
	if (k->added == 0 && is_meta && !p.name && k->t->ops->exists(k->t, file, NULL))
		goto out;
	if (k->added == 0 && !(k->req->flags & TARGET_STAGES)) {
		if ((r = stages_check_outs(&k->c->stages, e)) < 0)
			goto out;
		(void)add_output(k, text, path); /* added tells */
	}
	if (k->added == 0)
		r = fail_unknown(k, text, &p, e);
out:
	free(path);
	free(file);
	parsed_release(&p);
	return r;
}

/* Every stage whose outs the targets need, and theirs. */
static void add_producers(struct resolver *k)
{
	const struct stages *s = &k->c->stages;
	unsigned char *seen = s->nr ? xcalloc(s->nr, 1) : NULL;

	for (size_t i = 0; i < k->out->nr; i++)
		seen[k->out->v[i].stage->id] = 1;
	/* The vector grows while we walk it: a queue. */
	for (size_t i = 0; i < k->out->nr; i++) {
		struct stage_edges it = {.stage = k->out->v[i].stage};
		struct out *o;

		while ((o = stage_edges_next(s, &it))) {
			if (seen[o->stage->id])
				continue;
			seen[o->stage->id] = 1;
			add(k, k->out->v[i].text, o->stage, NULL, NULL);
		}
	}
	free(seen);
}

int targets_resolve(const struct collection *c, struct tree *t,
		    const struct target_request *req, struct targets *out, struct err *e)
{
	struct resolver k = {.c = c, .t = t, .req = req, .out = out};
	int r = 0;

	if (req->nr == 0)
		for (size_t i = 0; i < c->stages.nr; i++)
			add(&k, "", c->stages.v[i], NULL, NULL);
	for (size_t i = 0; r == 0 && i < req->nr; i++)
		r = resolve_one(&k, req->texts[i], e);
	if (r == 0 && (req->flags & TARGET_WITH_DEPS))
		add_producers(&k);
	map_release(&k.seen);
	return r;
}

/*
 * The metadata files that are enough to answer: false when only the whole tree
 * is. A bare name needs ./dvc.yaml; whether it is there shows when that is read.
 */
static int enough_files(struct tree *t, const struct target_request *req,
			struct strvec *files, bool *enough, struct err *e)
{
	int r = 0;

	*enough = req->nr > 0 && !(req->flags & TARGET_WITH_DEPS);
	for (size_t i = 0; r == 0 && *enough && i < req->nr; i++) {
		struct parsed p = {0};
		char *file = NULL, *path = NULL;
		bool is_dir = false;

		if ((r = parse(req->texts[i], &p, e)) < 0)
			break;
		if (p.file && !dvcfile_is_metadata(p.file)) {
			*enough = false;
		} else if ((r = from_root(t, req->cwd, p.file ? p.file : "dvc.yaml",
					  &file, e)) == 0) {
			if (!p.file && (req->flags & TARGET_RECURSIVE) &&
			    from_root(t, req->cwd, req->texts[i], &path, NULL) == 0 &&
			    t->ops->exists(t, path, &is_dir) && is_dir)
				*enough = false;
			if (!p.file && !t->ops->exists(t, file, NULL))
				*enough = (req->flags & TARGET_STAGES) != 0;
			else
				strvec_push(files, file);
		}
		free(file);
		free(path);
		parsed_release(&p);
	}
	return r;
}

int collect_targets(struct tree *t, const struct target_request *req, unsigned flags,
		    struct collection *c, struct targets *out, struct err *e)
{
	struct strvec files = {0};
	bool enough;
	int r;

	if ((r = enough_files(t, req, &files, &enough, e)) < 0)
		goto out;
	if (enough) {
		if ((r = collect_files(t, &files, flags, c, e)) < 0)
			goto out;
		c->stages.cwd = arena_strdup(&c->stages.arena, req->cwd);
		r = targets_resolve(c, t, req, out, e);
		/* Not a stage of ./dvc.yaml: it may be an output anywhere. */
		if (r != ERR_NOTFOUND || (req->flags & TARGET_STAGES))
			goto out;
		targets_release(out);
		collection_release(c);
	}
	if ((r = collect(t, flags, c, e)) < 0)
		goto out;
	c->stages.cwd = arena_strdup(&c->stages.arena, req->cwd);
	r = targets_resolve(c, t, req, out, e);
out:
	strvec_release(&files);
	return r;
}
