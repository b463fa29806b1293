#include "remote/sync/scope.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/meta/config.h"
#include "store/meta/tree.h"
#include "store/repo/repo.h"
#include "store/vcs/vcs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct collection *new_collection(struct scope *s)
{
	struct collection *c = xcalloc(1, sizeof(*c));

	vec_push(&s->collections, c);
	return c;
}

static unsigned target_flags(const struct sync_options *o)
{
	return (o->recursive ? (unsigned)TARGET_RECURSIVE : 0u) |
	       (o->with_deps ? (unsigned)TARGET_WITH_DEPS : 0u);
}

static const char *default_remote(struct repo *repo)
{
	struct config *config;

	if (repo_config(repo, &config, NULL) < 0)
		return NULL;
	return config_str(config, "core", "remote", NULL);
}

/* --type metrics|plots: only such outputs. */
static bool type_wanted(const struct sync_options *o, const struct out *out)
{
	if (!o->types || o->types->nr == 0)
		return true;
	for (size_t i = 0; i < o->types->nr; i++)
		if ((strcmp(o->types->v[i], "metrics") == 0 && out->is_metric) ||
		    (strcmp(o->types->v[i], "plots") == 0 && out->is_plot))
			return true;
	return false;
}

/* Take what is of another type out of the targets. */
static void keep_types(struct targets *t, const struct sync_options *o)
{
	struct targets kept = {0};

	if (!o->types || o->types->nr == 0)
		return;
	for (size_t i = 0; i < t->nr; i++) {
		const struct target *target = &t->v[i];

		if (target->out) {
			if (type_wanted(o, target->out))
				vec_push(&kept, *target);
			continue;
		}
		for (size_t k = 0; k < target->stage->outs_nr; k++) {
			struct target one = *target;

			one.out = &target->stage->outs[k];
			if (type_wanted(o, one.out))
				vec_push(&kept, one);
		}
	}
	vec_release(t);
	t->v = kept.v;
	t->nr = kept.nr;
	t->cap = kept.cap;
}

static int add_workspace(struct scope *s, struct repo *repo, const struct sync_options *o,
			 enum plan_kind kind, const struct strvec *texts, struct err *e)
{
	struct repo_request q = {
		.texts = texts ? (const char *const *)texts->v : NULL,
		.nr = texts ? texts->nr : 0,
		.target_flags = target_flags(o),
	};
	struct targets targets = {0};
	int r = repo_collect_targets(repo, &q, new_collection(s), &targets, e);

	if (r == 0) {
		keep_types(&targets, o);
		plans_add(&s->plans, kind, o->remote, default_remote(repo), &targets);
	}
	targets_release(&targets);
	return r;
}

/* One revision; what cannot be read there is a warning, as DVC has it. */
static void add_revision(struct scope *s, struct repo *repo, const struct sync_options *o,
			 enum plan_kind kind, const struct strvec *texts,
			 const struct vcs_rev *rev, struct sync_result *res)
{
	struct target_request q = {
		.texts = texts ? (const char *const *)texts->v : NULL,
		.nr = texts ? texts->nr : 0,
		.cwd = repo_cwd(repo),
		.flags = target_flags(o),
	};
	struct targets targets = {0};
	struct tree *tree = NULL;
	struct err e = {0};
	unsigned flags = 0;
	char text[1024];
	int r;

	if ((r = repo_collect_flags(repo, &flags, &e)) == 0 &&
	    (r = repo_tree_at(repo, rev->id, &tree, &e)) == 0)
		r = collect_targets(tree, &q, flags, new_collection(s), &targets, &e);
	if (r == 0) {
		keep_types(&targets, o);
		plans_add(&s->plans, kind, o->remote, default_remote(repo), &targets);
	} else {
		err_format(&e, text, sizeof(text));
		report_warn(&res->report, "failed to collect '%s', skipping: %s",
			    rev->name, text);
	}
	targets_release(&targets);
	tree_free(tree);
}

static int add_revisions(struct scope *s, struct repo *repo, const struct sync_options *o,
			 enum plan_kind kind, const struct strvec *texts,
			 struct sync_result *res, struct err *e)
{
	struct vcs_select sel = {0};
	struct vcs_revs revs = {0};
	struct vcs *vcs = NULL;
	int r;

	sel.scope = (o->all_branches ? (unsigned)VCS_BRANCHES : 0u) |
		    (o->all_tags ? (unsigned)VCS_TAGS : 0u) |
		    (o->all_commits ? (unsigned)VCS_ALL_COMMITS : 0u);
	if (sel.scope == 0)
		return 0;
	if ((r = repo_vcs(repo, &vcs, e)) < 0)
		return r;
	/* Without git there is the workspace, which is always taken in. */
	if (!vcs)
		return 0;
	if ((r = vcs_list(vcs, &sel, &revs, e)) == 0)
		for (size_t i = 0; i < revs.nr; i++)
			add_revision(s, repo, o, kind, texts, &revs.v[i], res);
	vcs_revs_release(&revs);
	return r;
}

/* Warnings go to the report; what can never be moved is a failure of the run. */
static void tell(struct scope *s, struct sync_result *res)
{
	for (size_t i = 0; i < s->plans.warnings.nr; i++)
		report_warn(&res->report, "%s", s->plans.warnings.v[i]);
	for (size_t i = 0; i < s->plans.refused.nr; i++) {
		struct err why = {0};

		err_set(&why, ERR_UNSUPPORTED, "%s", s->plans.refused_why.v[i]);
		report_fail(&res->report, s->plans.refused.v[i], NULL, &why);
		res->failed++;
	}
}

int scope_open(struct scope *s, struct repo *repo, const struct sync_options *o,
	       enum plan_kind kind, struct sync_result *res, struct err *e)
{
	const struct strvec *texts = o->targets;
	struct strvec globbed = {0};
	int r;

	if (o->run_cache)
		return err_set(e, ERR_UNSUPPORTED,
			       "--run-cache: moving the run cache is not offered yet");
	if ((r = repo_lock(repo, e)) < 0)
		return r;
	if (o->glob && texts && texts->nr > 0) {
		char *cwd = path_join(repo_root(repo), repo_cwd(repo));
		int fd = sys_openat(AT_FDCWD, cwd, O_RDONLY | O_DIRECTORY, 0);

		r = fd < 0 ? err_sys(e, "open", cwd)
			   : targets_glob(fd, (const char *const *)texts->v, texts->nr,
					  &globbed, e);
		if (fd >= 0)
			sys_close(fd);
		free(cwd);
		texts = &globbed;
	}
	if (r == 0)
		r = add_workspace(s, repo, o, kind, texts, e);
	if (r == 0)
		r = add_revisions(s, repo, o, kind, texts, res, e);
	strvec_release(&globbed);
	repo_unlock(repo);
	if (r == 0)
		tell(s, res);
	return r;
}

void scope_release(struct scope *s)
{
	plans_release(&s->plans);
	for (size_t i = 0; i < s->collections.nr; i++) {
		collection_release(s->collections.v[i]);
		free(s->collections.v[i]);
	}
	vec_release(&s->collections);
}
