#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/meta/collect.h"
#include "store/meta/tree.h"
#include "store/odb/odb.h"
#include "store/repo/diff.h"
#include "store/repo/repo.h"
#include "store/repo/side.h"
#include "store/vcs/vcs.h"

#include <stdlib.h>
#include <string.h>

static void changes_release(struct data_changes *c)
{
	vec_release(&c->modified);
	vec_release(&c->added);
	vec_release(&c->deleted);
	vec_release(&c->renamed);
	vec_release(&c->unknown);
}

void data_status_result_release(struct data_status_result *res)
{
	changes_release(&res->committed);
	changes_release(&res->uncommitted);
	strvec_release(&res->not_in_cache);
	strvec_release(&res->not_in_remote);
	strvec_release(&res->untracked);
	strvec_release(&res->unchanged);
	strvec_release(&res->warnings);
	arena_release(&res->arena);
}

static void push_shown(struct strvec *to, const struct side_entry *e)
{
	strvec_take(to, xasprintf("%s%s", e->path, e->is_dir ? "/" : ""));
}

/* One half: what changed from old to new; what did not goes to unchanged. */
static void sort_out(struct side *old, struct side *new, struct arena *a,
		     struct data_changes *to, struct strvec *unchanged)
{
	struct side_pairs pairs = {0};

	side_compare(old, new, true, &pairs);
	for (size_t i = 0; i < pairs.nr; i++) {
		const struct side_pair *p = &pairs.v[i];
		const struct side_entry *any = p->new ? p->new : p->old;

		if (p->change == SIDE_UNCHANGED && oid_known(&any->oid))
			push_shown(unchanged, any);
	}
	side_renames(&pairs, a, &to->renamed);
	for (size_t i = 0; i < pairs.nr; i++) {
		const struct side_pair *p = &pairs.v[i];

		if (p->change == SIDE_ADDED)
			diff_list_add(&to->added, a, NULL, p->new);
		else if (p->change == SIDE_DELETED)
			diff_list_add(&to->deleted, a, p->old, NULL);
		else if (p->change == SIDE_MODIFIED)
			diff_list_add(&to->modified, a, p->old, p->new);
		else if (p->change == SIDE_UNKNOWN && p->new)
			diff_list_add(&to->unknown, a, NULL, p->new);
	}
	diff_list_sort(&to->added);
	diff_list_sort(&to->deleted);
	diff_list_sort(&to->renamed);
	diff_list_sort(&to->modified);
	diff_list_sort(&to->unknown);
	vec_release(&pairs);
}

static int find_absent(struct repo *r, struct side *s, const struct side_settled *settled,
		       struct strvec *to, struct err *e)
{
	struct odb *odb;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	for (size_t i = 0; i < s->v.nr; i++) {
		if (oid_known(&s->v.v[i].oid) && !odb_has(odb, &s->v.v[i].oid))
			push_shown(to, &s->v.v[i]);
	}
	for (size_t i = 0; i < settled->not_in_cache.nr; i++)
		strvec_push(to, settled->not_in_cache.v[i]);
	strvec_sort(to);
	return 0;
}

static int ask_remote(struct repo *r, const struct data_status_options *o, struct side *s,
		      struct data_status_result *res, struct err *e)
{
	struct oid *oids = xcalloc(s->v.nr + 1, sizeof(*oids));
	bool *missing = xcalloc(s->v.nr + 1, sizeof(*missing));
	int rc = 0;

	for (size_t i = 0; i < s->v.nr; i++)
		oids[i] = s->v.v[i].oid;
	if (o->ask_remote && s->v.nr > 0)
		rc = o->ask_remote(o->ask_ctx, r, oids, s->v.nr, missing, e);
	for (size_t i = 0; i < s->v.nr && rc == 0; i++) {
		if (missing[i])
			push_shown(&res->not_in_remote, &s->v.v[i]);
	}
	strvec_sort(&res->not_in_remote);
	free(missing);
	free(oids);
	return rc;
}

static int collect_head(struct repo *r, struct vcs *vcs, struct collection *c,
			struct data_status_result *res, struct err *e)
{
	struct tree *tree = NULL;
	bool has_head;
	unsigned flags;
	int rc;

	if ((rc = vcs_has_head(vcs, &has_head, e)) < 0)
		return rc;
	res->git_empty = !has_head;
	if (!has_head)
		return 0;
	if ((rc = repo_collect_flags(r, &flags, e)) < 0)
		return rc;
	rc = repo_tree_at(r, "HEAD", &tree, e);
	/* The DVC root is not in that commit yet. */
	if (rc == ERR_NOTFOUND)
		return 0;
	if (rc == 0)
		rc = collect(tree, flags | COLLECT_LOCKED, c, e);
	tree_free(tree);
	return rc;
}

static int ask_git(struct repo *r, struct vcs *vcs, const struct data_status_options *o,
		   struct data_status_result *res, struct err *e)
{
	struct strvec files = {0};
	int rc;

	/* As with git status: what is not asked for makes nothing dirty. */
	rc = o->untracked ? vcs_is_dirty(vcs, &res->git_dirty, e)
			  : vcs_is_changed(vcs, &res->git_dirty, e);
	if (rc < 0)
		return rc;
	if (!o->untracked)
		return 0;
	rc = vcs_untracked(vcs, &files, e);
	for (size_t i = 0; i < files.nr && rc == 0; i++)
		strvec_take(&res->untracked, repo_show(r, files.v[i]));
	strvec_release(&files);
	return rc;
}

static void intersect(struct strvec *a, struct strvec *b, struct strvec *out)
{
	size_t i = 0, k = 0;

	strvec_sort(a);
	strvec_sort(b);
	while (i < a->nr && k < b->nr) {
		int order = strcmp(a->v[i], b->v[k]);

		if (order == 0)
			strvec_push(out, a->v[i]);
		i += order <= 0;
		k += order >= 0;
	}
}

struct state {
	struct collection head, now;
	struct side head_side, now_side, workspace;
	struct side_settled settled;
	struct strvec same, kept;
};

static int compare_all(struct repo *r, struct vcs *vcs,
		       const struct data_status_options *o, struct state *st,
		       struct data_status_result *res, struct err *e)
{
	struct side_filter f = {o->targets, o->targets_nr};
	unsigned flags = o->granular ? SIDE_FILES : 0;
	struct side_settled *settled = NULL;
	int rc;

	if ((rc = repo_collect(r, 0, &st->now, e)) < 0 ||
	    (vcs && (rc = ask_git(r, vcs, o, res, e)) < 0) ||
	    (vcs && (rc = collect_head(r, vcs, &st->head, res, e)) < 0))
		return rc;
	/* Lists of all files are needed where each is to be told or asked about. */
	if (!o->unchanged && !o->not_in_remote)
		settled = &st->settled;
	st->settled.other = vcs ? &st->head : NULL;
	if ((rc = side_workspace(r, &st->now, &f, flags, settled, &st->workspace, e)) <
		    0 ||
	    (rc = side_recorded(r, &st->now, &f, flags, settled, &st->now_side, e)) < 0 ||
	    (rc = find_absent(r, &st->now_side, &st->settled, &res->not_in_cache, e)) < 0)
		return rc;
	sort_out(&st->now_side, &st->workspace, &res->arena, &res->uncommitted,
		 &st->same);
	if (o->not_in_remote && (rc = ask_remote(r, o, &st->now_side, res, e)) < 0)
		return rc;
	if (!vcs)
		return 0;
	rc = side_recorded(r, &st->head, &f, flags, settled, &st->head_side, e);
	if (rc < 0)
		return rc;
	sort_out(&st->head_side, &st->now_side, &res->arena, &res->committed, &st->kept);
	if (o->unchanged)
		intersect(&st->same, &st->kept, &res->unchanged);
	return 0;
}

int repo_data_status(struct repo *r, const struct data_status_options *o,
		     struct data_status_result *res, struct err *e)
{
	struct state st = {0};
	struct vcs *vcs;
	int rc;

	if ((rc = repo_vcs(r, &vcs, e)) < 0)
		return rc;
	rc = compare_all(r, vcs, o, &st, res, e);
	strvec_release(&st.same);
	strvec_release(&st.kept);
	side_settled_release(&st.settled);
	side_release(&st.workspace);
	side_release(&st.now_side);
	side_release(&st.head_side);
	collection_release(&st.now);
	collection_release(&st.head);
	return rc;
}
