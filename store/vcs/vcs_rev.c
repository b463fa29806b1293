/* Commits: names to ids, and lists of them. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/map.h"
#include "store/base/vec.h"
#include "store/vcs/vcs.h"
#include "store/vcs/vcs_impl.h"

#include <stdlib.h>
#include <string.h>

static void id_text(char out[VCS_ID_MAX], const git_oid *id)
{
	git_oid_tostr(out, VCS_ID_MAX, id);
}

/* Whole ids and full names need no expression parser, which leaks in libgit2 1.5. */
static int find(struct vcs *v, const char *rev, git_object **out)
{
	git_oid id;
	int r;

	if (strlen(rev) == VCS_ID_MAX - 1 && git_oid_fromstr(&id, rev) == 0)
		return git_object_lookup(out, v->repo, &id, GIT_OBJECT_ANY);
	if (strncmp(rev, "refs/", 5) != 0 && strcmp(rev, "HEAD") != 0)
		return git_revparse_single(out, v->repo, rev);
	r = git_reference_name_to_id(&id, v->repo, rev);
	if (r == 0)
		return git_object_lookup(out, v->repo, &id, GIT_OBJECT_ANY);
	return git_revparse_single(out, v->repo, rev);
}

/* The commit that a name leads to, through tags. */
static int resolve(struct vcs *v, const char *rev, git_oid *out, struct err *e)
{
	git_object *obj = NULL, *commit = NULL;
	int r = find(v, rev, &obj);

	if (r == 0)
		r = git_object_peel(&commit, obj, GIT_OBJECT_COMMIT);
	if (r == 0)
		*out = *git_object_id(commit);
	git_object_free(commit);
	git_object_free(obj);
	if (r == GIT_ENOTFOUND || r == GIT_EINVALIDSPEC || r == GIT_EAMBIGUOUS ||
	    r == GIT_EPEEL)
		return err_set(e, ERR_NOTFOUND, "unknown Git revision '%s'", rev);
	return r < 0 ? vcs_error(e, r, rev) : 0;
}

int vcs_resolve(struct vcs *v, const char *rev, char id[VCS_ID_MAX], struct err *e)
{
	git_oid oid;
	int r;

	if ((r = vcs_start(v, e)) < 0 || (r = resolve(v, rev, &oid, e)) < 0)
		return r;
	id_text(id, &oid);
	return 0;
}

int vcs_has_head(struct vcs *v, bool *out, struct err *e)
{
	git_oid id;
	int r;

	if ((r = vcs_start(v, e)) < 0)
		return r;
	r = git_reference_name_to_id(&id, v->repo, "HEAD");
	if (r < 0 && r != GIT_ENOTFOUND)
		return vcs_error(e, r, "HEAD");
	*out = r == 0;
	return 0;
}

int vcs_branch(struct vcs *v, char **out, struct err *e)
{
	git_reference *head = NULL;
	const char *target;
	int r;

	if ((r = vcs_start(v, e)) < 0)
		return r;
	if ((r = git_reference_lookup(&head, v->repo, "HEAD")) < 0)
		return vcs_error(e, r, "HEAD");
	target = git_reference_symbolic_target(head);
	if (target && strncmp(target, "refs/heads/", 11) == 0)
		*out = xstrdup(target + 11);
	else
		*out = xstrdup("");
	git_reference_free(head);
	return 0;
}

void vcs_revs_release(struct vcs_revs *revs)
{
	for (size_t i = 0; i < revs->nr; i++)
		free(revs->v[i].name);
	vec_release(revs);
}

struct listing {
	struct vcs *v;
	const struct vcs_select *sel;
	struct vcs_revs *out;
	struct map seen;
};

static void add(struct listing *l, const git_oid *id, const char *name)
{
	struct vcs_rev rev;

	if (!map_set(&l->seen, (struct slice){(const char *)id->id, sizeof(id->id)}, 1))
		return;
	id_text(rev.id, id);
	rev.name = xstrdup(name ? name : rev.id);
	vec_push(l->out, rev);
}

/* A commit and its first parents, as many as were asked for. */
static int add_line(struct listing *l, const git_oid *id, const char *name, struct err *e)
{
	git_commit *c = NULL;
	git_oid at = *id;
	int left = l->sel->last, r;

	if (left == 0)
		left = 1;
	for (;;) {
		add(l, &at, name);
		name = NULL;
		if (left > 0 && --left == 0)
			return 0;
		if ((r = interrupt_check(e)) < 0)
			return r;
		if ((r = git_commit_lookup(&c, l->v->repo, &at)) < 0)
			return vcs_error(e, r, "commit");
		if (git_commit_parentcount(c) == 0) {
			git_commit_free(c);
			return 0;
		}
		at = *git_commit_parent_id(c, 0);
		git_commit_free(c);
	}
}

/* Under prefix, in the order of names. A tag of what is no commit is left out. */
static int add_refs(struct listing *l, const char *prefix, bool lines, struct err *e)
{
	git_reference_iterator *it = NULL;
	struct strvec names = {0};
	char *glob = xasprintf("%s*", prefix);
	const char *name;
	int r = git_reference_iterator_glob_new(&it, l->v->repo, glob);

	while (r == 0 && (r = git_reference_next_name(&name, it)) == 0)
		strvec_push(&names, name);
	git_reference_iterator_free(it);
	free(glob);
	if (r != GIT_ITEROVER) {
		r = vcs_error(e, r, prefix);
		goto out;
	}
	r = 0;
	strvec_sort(&names);
	for (size_t i = 0; r == 0 && i < names.nr; i++) {
		const char *shown = names.v[i] + strlen(prefix);
		git_oid id;

		r = resolve(l->v, names.v[i], &id, e);
		if (r == ERR_NOTFOUND) {
			r = 0;
			continue;
		}
		if (r == 0 && lines)
			r = add_line(l, &id, shown, e);
		else if (r == 0)
			add(l, &id, shown);
	}
out:
	strvec_release(&names);
	return r;
}

static int walk_all(struct listing *l, bool has_since, int64_t since, struct err *e)
{
	git_revwalk *w = NULL;
	git_commit *c;
	git_oid id;
	int r = git_revwalk_new(&w, l->v->repo);

	if (r == 0)
		r = git_revwalk_sorting(w, GIT_SORT_TIME);
	if (r == 0)
		r = git_revwalk_push_glob(w, "*"); /* everything in refs/ */
	if (r == 0 && (r = git_revwalk_push_head(w)) == GIT_ENOTFOUND)
		r = 0;
	while (r == 0 && (r = git_revwalk_next(&id, w)) == 0) {
		if ((r = interrupt_check(e)) < 0)
			goto out;
		if (has_since) {
			int64_t t;

			if ((r = git_commit_lookup(&c, l->v->repo, &id)) < 0)
				break;
			t = git_commit_time(c);
			git_commit_free(c);
			if (t < since)
				continue; /* clocks differ: one below may be younger */
		}
		add(l, &id, NULL);
	}
	r = r == GIT_ITEROVER || r == GIT_ENOTFOUND ? 0 : vcs_error(e, r, "history");
out:
	git_revwalk_free(w);
	return r;
}

int vcs_list(struct vcs *v, const struct vcs_select *sel, struct vcs_revs *out,
	     struct err *e)
{
	struct listing l = {.v = v, .sel = sel, .out = out};
	git_oid id;
	int r = vcs_start(v, e);

	for (size_t i = 0; r == 0 && i < sel->revs_nr; i++) {
		r = resolve(v, sel->revs[i], &id, e);
		if (r == 0)
			r = add_line(&l, &id, sel->revs[i], e);
	}
	if (r == 0 && (sel->scope & VCS_BRANCHES))
		r = add_refs(&l, "refs/heads/", true, e);
	if (r == 0 && (sel->scope & VCS_TAGS))
		r = add_refs(&l, "refs/tags/", false, e);
	if (r == 0 && (sel->scope & VCS_ALL_COMMITS))
		r = walk_all(&l, false, 0, e);
	if (r == 0 && sel->has_since)
		r = walk_all(&l, true, sel->since_s, e);
	map_release(&l.seen);
	if (r < 0)
		vcs_revs_release(out);
	return r;
}
