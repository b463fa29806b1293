#include "store/index/ignore.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/map.h"
#include "store/base/sum.h"
#include "store/base/vec.h"
#include "store/fmt/glob.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (16u << 20)

static const char builtin_text[] = ".hg/\n.git/\n.git\n.dvc/\n";

struct ignore_dir {
	const struct ignore_dir *parent;
	const struct glob_list *builtin;
	char *path; /* "" for the root */
	size_t path_n;
	char *file; /* "" for the built-in rules */
	struct glob_list rules;
	uint64_t fingerprint;
	bool is_ignored; /* by patterns, itself or a parent */
	bool has_rules;	 /* here or above, besides the built-in ones */
	int subrepo;	 /* itself: 1, 0, or -1 for not asked yet */
};

struct ignore {
	int rootfd;
	char *root;
	struct glob_list builtin;
	pthread_mutex_t lock;
	struct map by_path; /* to an index of dirs */
	VEC_OF(struct ignore_dir *) dirs;
	VEC_OF(struct ignore_dir *) old; /* from before a forget: texts live on */
	VEC_OF(char *) texts;
};

int ignore_open(struct ignore **out, int rootfd, const char *root, struct err *e)
{
	struct ignore *ig = xcalloc(1, sizeof(*ig));
	int r = glob_compile(&ig->builtin, slice_of(builtin_text), GLOB_DVC, "", e);

	ig->rootfd = rootfd;
	ig->root = xstrdup(root);
	pthread_mutex_init(&ig->lock, NULL);
	if (r < 0)
		ignore_free(ig);
	else
		*out = ig;
	return r;
}

static void dir_free(struct ignore_dir *d)
{
	glob_list_release(&d->rules);
	free(d->path);
	free(d->file);
	free(d);
}

void ignore_free(struct ignore *ig)
{
	if (!ig)
		return;
	for (size_t i = 0; i < ig->dirs.nr; i++)
		dir_free(ig->dirs.v[i]);
	for (size_t i = 0; i < ig->old.nr; i++)
		dir_free(ig->old.v[i]);
	for (size_t i = 0; i < ig->texts.nr; i++)
		free(ig->texts.v[i]);
	vec_release(&ig->dirs);
	vec_release(&ig->old);
	vec_release(&ig->texts);
	map_release(&ig->by_path);
	glob_list_release(&ig->builtin);
	pthread_mutex_destroy(&ig->lock);
	free(ig->root);
	free(ig);
}

void ignore_forget(struct ignore *ig)
{
	pthread_mutex_lock(&ig->lock);
	for (size_t i = 0; i < ig->dirs.nr; i++)
		vec_push(&ig->old, ig->dirs.v[i]);
	ig->dirs.nr = 0;
	map_release(&ig->by_path);
	pthread_mutex_unlock(&ig->lock);
}

/* path as seen from d, which is path's directory or one above it. */
static struct slice below(const struct ignore_dir *d, struct slice path)
{
	size_t skip = d->path_n ? d->path_n + 1 : 0;

	return (struct slice){path.p + skip, path.n - skip};
}

/* The patterns on one path, without its parents: deeper files first. */
static bool hides(const struct ignore_dir *dir, struct slice path, bool is_dir)
{
	const struct glob_rule *rule = NULL;

	for (const struct ignore_dir *d = dir; d && !rule; d = d->parent)
		if (d->rules.nr > 0)
			rule = glob_list_match(&d->rules, below(d, path), is_dir);
	if (!rule)
		rule = glob_list_match(dir->builtin, path, is_dir);
	return rule && !rule->is_negated;
}

bool ignore_name(const struct ignore_dir *d, const char *name, bool is_dir)
{
	struct buf path = {0};
	bool yes;

	/* The built-in patterns are all about names with a leading dot. */
	if (!d->has_rules && name[0] != '.')
		return false;
	if (d->path_n > 0)
		buf_addf(&path, "%s/", d->path);
	buf_adds(&path, name);
	yes = hides(d, buf_slice(&path), is_dir);
	buf_release(&path);
	return yes;
}

uint64_t ignore_fingerprint(const struct ignore_dir *d)
{
	return d->fingerprint;
}

static int read_rules(struct ignore *ig, struct ignore_dir *d, struct err *e)
{
	struct buf text = {0};
	int r;

	d->file = xasprintf("%s%s.dvcignore", d->path, d->path_n ? "/" : "");
	if (fs_kind(ig->rootfd, d->file) == S_IFDIR)
		return 0;
	r = fs_read(ig->rootfd, d->file, FILE_LIMIT, &text, e);
	if (r == ERR_NOTFOUND) {
		r = 0;
		goto out;
	}
	if (r < 0)
		goto out;
	d->fingerprint = sum64_more(d->fingerprint + 1, text.p, text.n);
	if ((r = glob_compile(&d->rules, buf_slice(&text), GLOB_DVC, d->file, e)) < 0)
		goto out;
	d->has_rules = d->has_rules || d->rules.nr > 0;
out:
	buf_release(&text);
	return r;
}

/* Under the lock: the node of one directory whose parent's is known. */
static int get_one(struct ignore *ig, struct ignore_dir *parent, struct slice path,
		   int has_file, struct ignore_dir **out, struct err *e)
{
	size_t at = map_get(&ig->by_path, path);
	struct ignore_dir *d;
	int r = 0;

	if (at != MAP_NONE) {
		*out = ig->dirs.v[at];
		return 0;
	}
	d = xcalloc(1, sizeof(*d));
	d->parent = parent;
	d->builtin = &ig->builtin;
	d->path = xmemdup0(path.p, path.n);
	d->path_n = path.n;
	d->subrepo = parent ? -1 : 0;
	if (parent) {
		d->fingerprint = parent->fingerprint;
		d->has_rules = parent->has_rules;
		d->is_ignored = parent->is_ignored ||
				hides(parent, (struct slice){d->path, d->path_n}, true);
	}
	if (!d->is_ignored && has_file != 0)
		r = read_rules(ig, d, e);
	if (r < 0) {
		dir_free(d);
		return r;
	}
	map_set(&ig->by_path, path, ig->dirs.nr);
	vec_push(&ig->dirs, d);
	*out = d;
	return 0;
}

static struct slice normal(const char *path)
{
	return strcmp(path, ".") == 0 ? SLICE_LIT("") : slice_of(path);
}

/* Under the lock: path's node, its parents' first. */
static int get(struct ignore *ig, struct slice path, int has_file,
	       struct ignore_dir **out, struct err *e)
{
	size_t at = map_get(&ig->by_path, path);
	struct ignore_dir *d = NULL;
	int r;

	if (at != MAP_NONE) {
		*out = ig->dirs.v[at];
		return 0;
	}
	if ((r = get_one(ig, NULL, (struct slice){path.p, 0}, path.n ? -1 : has_file, &d,
			 e)) < 0)
		return r;
	for (size_t n = 1; n <= path.n; n++) {
		if (n < path.n && path.p[n] != '/')
			continue;
		if ((r = get_one(ig, d, (struct slice){path.p, n},
				 n == path.n ? has_file : -1, &d, e)) < 0)
			return r;
	}
	*out = d;
	return 0;
}

/* Is d, or a directory above it, a repository of its own? The topmost one. */
static struct ignore_dir *subrepo_of(struct ignore *ig, struct ignore_dir *d)
{
	struct ignore_dir *found = NULL;

	while (d->path_n > 0) {
		struct slice up = {d->path, d->path_n};

		if (d->subrepo < 0) {
			char *dvc = xasprintf("%s/.dvc", d->path);

			d->subrepo = fs_kind(ig->rootfd, dvc) == S_IFDIR;
			free(dvc);
		}
		if (d->subrepo == 1)
			found = d;
		while (up.n > 0 && up.p[up.n - 1] != '/')
			up.n--;
		up.n -= up.n > 0;
		d = ig->dirs.v[map_get(&ig->by_path, up)];
	}
	return found;
}

static struct slice parent_of(struct slice path)
{
	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	path.n -= path.n > 0;
	return path;
}

int ignore_dir(struct ignore *ig, const char *path, int has_file,
	       const struct ignore_dir **out, struct err *e)
{
	struct ignore_dir *d = NULL;
	int r;

	pthread_mutex_lock(&ig->lock);
	r = get(ig, normal(path), has_file, &d, e);
	if (r == 0 && (d->is_ignored || (has_file < 0 && subrepo_of(ig, d))))
		d = NULL;
	pthread_mutex_unlock(&ig->lock);
	if (r == 0)
		*out = d;
	return r;
}

int ignore_hides(struct ignore *ig, const char *path, bool is_dir, bool *out,
		 struct err *e)
{
	struct slice p = normal(path);
	struct ignore_dir *d = NULL;
	int r;

	*out = false;
	if (p.n == 0)
		return 0;
	pthread_mutex_lock(&ig->lock);
	r = get(ig, parent_of(p), -1, &d, e);
	if (r == 0)
		*out = d->is_ignored || hides(d, p, is_dir);
	pthread_mutex_unlock(&ig->lock);
	return r;
}

int ignore_check(struct ignore *ig, const char *path, bool is_dir, bool *out,
		 struct err *e)
{
	struct slice p = normal(path);
	struct ignore_dir *d = NULL;
	int r;

	*out = false;
	if (p.n == 0)
		return 0;
	pthread_mutex_lock(&ig->lock);
	r = get(ig, parent_of(p), -1, &d, e);
	if (r < 0)
		goto out;
	*out = d->is_ignored || hides(d, p, is_dir) || subrepo_of(ig, d);
	if (!*out && is_dir && (r = get(ig, p, -1, &d, e)) == 0)
		*out = subrepo_of(ig, d) != NULL;
out:
	pthread_mutex_unlock(&ig->lock);
	return r;
}

/* The rules of all files in their order, grouped as DVC joins them. */
struct group {
	bool any, is_negated, is_dir_only; /* what the group is of */
	bool matched;			   /* a rule of it did */
	struct ignore_rule first;
	bool found; /* some group matched */
	struct ignore_rule rule;
};

static void see_rule(struct group *g, const struct glob_rule *rule, const char *file,
		     struct slice path, bool is_dir)
{
	if (!g->any || g->is_negated || rule->is_negated ||
	    g->is_dir_only != rule->is_dir_only) {
		g->any = true;
		g->matched = false;
		g->is_negated = rule->is_negated;
		g->is_dir_only = rule->is_dir_only;
	}
	if (!glob_rule_match(rule, path, is_dir))
		return;
	if (!g->matched)
		g->first = (struct ignore_rule){
			.file = file,
			.line = *file ? rule->line : 0,
			.text = rule->text,
			.is_negated = rule->is_negated,
		};
	g->matched = true;
	g->found = true;
	g->rule = g->first;
}

static void see_dirs(struct group *g, const struct ignore_dir *d, struct slice path,
		     bool is_dir)
{
	VEC_OF(const struct ignore_dir *) up = {0};

	for (; d; d = d->parent)
		vec_push(&up, d);
	while (up.nr > 0) {
		d = up.v[--up.nr];
		for (size_t i = 0; i < d->rules.nr; i++)
			see_rule(g, &d->rules.v[i], d->file, below(d, path), is_dir);
	}
	vec_release(&up);
}

static bool explain_path(struct ignore *ig, const struct ignore_dir *dir,
			 struct slice path, bool is_dir, struct ignore_rule *rule)
{
	struct group g = {0};

	for (size_t i = 0; i < ig->builtin.nr; i++)
		see_rule(&g, &ig->builtin.v[i], "", path, is_dir);
	see_dirs(&g, dir, path, is_dir);
	if (g.found)
		*rule = g.rule;
	return g.found;
}

static void subrepo_rule(struct ignore *ig, const struct ignore_dir *d,
			 struct ignore_rule *rule)
{
	const char *slash = strrchr(d->path, '/');
	const char *name = slash ? slash + 1 : d->path;
	char *file = xasprintf("in sub_repo:%s", name), *text = xasprintf("/%s/", name);

	vec_push(&ig->texts, file);
	vec_push(&ig->texts, text);
	*rule = (struct ignore_rule){.file = file, .text = text, .is_subrepo = true};
}

int ignore_explain(struct ignore *ig, const char *path, bool is_dir, bool *ignored,
		   bool *matched, struct ignore_rule *rule, struct err *e)
{
	struct slice p = normal(path);
	struct ignore_dir *d = NULL, *sub;
	int r;

	*ignored = *matched = false;
	if (p.n == 0)
		return 0;
	pthread_mutex_lock(&ig->lock);
	if ((r = get(ig, parent_of(p), -1, &d, e)) < 0)
		goto out;
	*matched = explain_path(ig, d, p, is_dir, rule);
	if (!*matched && d->is_ignored)
		*matched = explain_path(ig, d->parent, slice_of(d->path), true, rule);
	if (!*matched && is_dir && (r = get(ig, p, -1, &d, e)) < 0)
		goto out;
	if (!*matched && (sub = subrepo_of(ig, d)) != NULL) {
		*matched = true;
		subrepo_rule(ig, sub, rule);
	}
	*ignored = *matched && !rule->is_negated;
out:
	pthread_mutex_unlock(&ig->lock);
	return r;
}

int ignore_refuse(struct ignore *ig, const char *path, bool is_dir, struct err *e)
{
	struct ignore_rule rule = {0};
	struct slice p = normal(path);
	struct ignore_dir *d = NULL;
	bool yes;
	int r = ignore_hides(ig, path, is_dir, &yes, e);

	if (r < 0 || !yes)
		return r;
	pthread_mutex_lock(&ig->lock);
	r = get(ig, parent_of(p), -1, &d, e);
	/* A negated line cannot save what lies below an ignored directory: the
	 * nearest directory that is ignored for itself tells why. */
	while (r == 0 && (!explain_path(ig, d, p, is_dir, &rule) || rule.is_negated)) {
		p = parent_of(p);
		is_dir = true;
		if (p.n == 0)
			break;
		r = get(ig, parent_of(p), -1, &d, e);
	}
	pthread_mutex_unlock(&ig->lock);
	if (r < 0)
		return r;
	if (rule.line > 0)
		return err_set(e, ERR_INVALID, "Path '%s/%s' is ignored by %s:%u:%s",
			       ig->root, path, rule.file, rule.line, rule.text);
	return err_set(e, ERR_INVALID, "Path '%s/%s' is ignored by :%s", ig->root, path,
		       rule.text ? rule.text : "");
}
