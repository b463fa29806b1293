#include "store/repo/diff.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/meta/collect.h"
#include "store/meta/tree.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"
#include "store/repo/side.h"
#include "store/vcs/vcs.h"

#include <stdlib.h>
#include <string.h>

void diff_result_release(struct diff_result *res)
{
	vec_release(&res->added);
	vec_release(&res->deleted);
	vec_release(&res->renamed);
	vec_release(&res->modified);
	vec_release(&res->not_in_cache);
	strvec_release(&res->warnings);
	arena_release(&res->arena);
}

static int collect_rev(struct repo *r, const char *rev, struct collection *c,
		       struct err *e)
{
	struct tree *tree = NULL;
	unsigned flags;
	int rc;

	if ((rc = repo_collect_flags(r, &flags, e)) < 0)
		return rc;
	rc = repo_tree_at(r, rev, &tree, e);
	if (rc == ERR_NOTFOUND)
		return err_set(e, ERR_INVALID, "unknown Git revision '%s'", rev);
	if (rc == 0)
		/* Committed files are what they are: nobody rewrites them. */
		rc = collect(tree, flags | COLLECT_LOCKED, c, e);
	tree_free(tree);
	return rc;
}

/* Targets as paths from the root: an output's own, or one inside. */
static int filter_paths(struct repo *r, const struct diff_options *o,
			const struct collection *a, const struct collection *b,
			struct strvec *paths, struct err *e)
{
	for (size_t i = 0; i < o->targets_nr; i++) {
		const struct collection *both[2] = {a, b};
		size_t before = paths->nr;
		char *rel;
		int rc = repo_rel(r, o->targets[i], &rel, e);

		if (rc < 0)
			return rc;
		for (size_t k = 0; k < 2; k++) {
			const struct stages *s = &both[k]->stages;
			const struct out *out = stages_out_covering(s, rel);
			size_t first;

			if (out || stages_outs_below(s, rel, &first) > 0)
				strvec_push(paths, rel);
			for (size_t n = 0; n < s->nr; n++) {
				const struct stage *st = s->v[n];

				if (strcmp(st->file, rel) != 0 &&
				    (!st->name || strcmp(st->name, o->targets[i]) != 0))
					continue;
				for (size_t m = 0; m < st->outs_nr; m++) {
					if (st->outs[m].at.path)
						strvec_push(paths, st->outs[m].at.path);
				}
			}
		}
		free(rel);
		if (paths->nr == before)
			return err_set(e, ERR_NOTFOUND,
				       "[Errno 2] No such file or directory: '%s'",
				       o->targets[i]);
	}
	strvec_sort(paths);
	strvec_unique(paths);
	return 0;
}

static size_t *file_count(struct diff_result *res, const struct diff_list *l)
{
	return l == &res->added	     ? &res->files_added
	       : l == &res->deleted  ? &res->files_deleted
	       : l == &res->renamed  ? &res->files_renamed
	       : l == &res->modified ? &res->files_modified
				     : &res->files_not_in_cache;
}

static void count_files(struct diff_result *res, struct diff_list *l)
{
	diff_list_sort(l);
	for (size_t i = 0; i < l->nr; i++) {
		/* A file that became a directory is counted as the file it was. */
		const char *shown = l->v[i].old_path ? l->v[i].old_path : l->v[i].path;

		if (!slice_ends(slice_of(shown), "/"))
			(*file_count(res, l))++;
	}
}

/* A directory without a hash of its own is none of ours to tell of. */
static bool is_told(const struct side_pair *p)
{
	return !(p->old && p->old->is_dir && !oid_known(&p->old->oid)) &&
	       !(p->new && p->new->is_dir && !oid_known(&p->new->oid));
}

static int sort_out(struct repo *r, struct side_pairs *pairs, struct diff_result *res,
		    struct err *e)
{
	struct odb *odb;
	int rc;

	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	for (size_t i = 0; res->has_not_in_cache && i < pairs->nr; i++) {
		const struct side_pair *p = &pairs->v[i];

		if (is_told(p) && p->old && oid_known(&p->old->oid) &&
		    !odb_has(odb, &p->old->oid))
			diff_list_add(&res->not_in_cache, &res->arena, p->old, NULL);
	}
	side_renames(pairs, &res->arena, &res->renamed);
	for (size_t i = 0; i < pairs->nr; i++) {
		const struct side_pair *p = &pairs->v[i];

		if (!is_told(p))
			continue;
		if (p->change == SIDE_ADDED)
			diff_list_add(&res->added, &res->arena, NULL, p->new);
		else if (p->change == SIDE_DELETED)
			diff_list_add(&res->deleted, &res->arena, p->old, NULL);
		else if (p->change == SIDE_MODIFIED)
			diff_list_add(&res->modified, &res->arena, p->old, p->new);
	}
	count_files(res, &res->added);
	count_files(res, &res->deleted);
	count_files(res, &res->renamed);
	count_files(res, &res->modified);
	count_files(res, &res->not_in_cache);
	return 0;
}

/* --hide-missing: what is listed as missing is not told as deleted as well. */
static void hide_missing(struct diff_result *res)
{
	struct map missing = {0};
	size_t n = 0;

	for (size_t i = 0; i < res->not_in_cache.nr; i++)
		(void)map_set(&missing, slice_of(res->not_in_cache.v[i].path), i);
	res->files_deleted = 0;
	for (size_t i = 0; i < res->deleted.nr; i++) {
		struct diff_entry *d = &res->deleted.v[i];

		if (map_has(&missing, slice_of(d->path)))
			continue;
		if (!slice_ends(slice_of(d->path), "/"))
			res->files_deleted++;
		res->deleted.v[n++] = *d;
	}
	res->deleted.nr = n;
	res->not_in_cache.nr = 0;
	res->files_not_in_cache = 0;
	res->has_not_in_cache = false;
	map_release(&missing);
}

int repo_diff(struct repo *r, const struct diff_options *o, struct diff_result *res,
	      struct err *e)
{
	struct collection a = {0}, b = {0};
	struct side old = {0}, new = {0};
	struct side_pairs pairs = {0};
	struct strvec paths = {0};
	struct side_filter f;
	struct vcs *vcs;
	bool has_head;
	int rc;

	if ((rc = repo_vcs(r, &vcs, e)) < 0)
		return rc;
	if (!vcs)
		return err_set(e, ERR_INVALID,
			       "Only supported for Git repositories. If you're seeing "
			       "this error in a Git repo, try updating the DVC "
			       "configuration with `lode config core.no_scm false`.");
	if ((rc = vcs_has_head(vcs, &has_head, e)) < 0 || !has_head)
		return rc;
	if ((rc = collect_rev(r, o->a_rev ? o->a_rev : "HEAD", &a, e)) < 0)
		goto out;
	rc = o->b_rev ? collect_rev(r, o->b_rev, &b, e) : repo_collect(r, 0, &b, e);
	if (rc < 0 || (rc = filter_paths(r, o, &a, &b, &paths, e)) < 0)
		goto out;
	f = (struct side_filter){(const char *const *)paths.v, paths.nr};
	res->has_not_in_cache = !o->b_rev;
	if ((rc = side_recorded(r, &a, &f, SIDE_FILES, NULL, &old, e)) < 0)
		goto out;
	rc = o->b_rev ? side_recorded(r, &b, &f, SIDE_FILES, NULL, &new, e)
		      : side_workspace(r, &b, &f, SIDE_FILES, NULL, &new, e);
	if (rc < 0)
		goto out;
	side_compare(&old, &new, false, &pairs);
	rc = sort_out(r, &pairs, res, e);
	if (rc == 0 && o->hide_missing)
		hide_missing(res);
out:
	vec_release(&pairs);
	side_release(&old);
	side_release(&new);
	strvec_release(&paths);
	collection_release(&a);
	collection_release(&b);
	return rc;
}
