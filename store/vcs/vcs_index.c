/* git's index, and what the work tree looks like beside it. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/slice.h"
#include "store/base/vec.h"
#include "store/vcs/gitindex.h"
#include "store/vcs/vcs.h"
#include "store/vcs/vcs_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct sought {
	const char *path;
	size_t n;
	bool found;
};

static int is_sought(void *ctx, struct slice path)
{
	struct sought *s = ctx;

	s->found = s->n == 0 || (path.n >= s->n && memcmp(path.p, s->path, s->n) == 0 &&
				 (path.n == s->n || path.p[s->n] == '/'));
	return s->found;
}

int vcs_tracks(struct vcs *v, const char *path, bool *out, struct err *e)
{
	char *full = vcs_full(v, path), *file = path_join(v->gitdir, "index");
	struct sought s = {.path = full, .n = strlen(full)};
	int r;

	if (s.n > 0 && full[s.n - 1] == '/')
		s.n--;
	r = gitindex_each(file, is_sought, &s, e);
	if (r == 0)
		*out = s.found;
	free(file);
	free(full);
	return r;
}

int vcs_stage(struct vcs *v, const struct strvec *paths, struct err *e)
{
	git_index *index = NULL;
	int r;

	if (paths->nr == 0)
		return 0;
	if ((r = vcs_start(v, e)) < 0)
		return r;
	if ((r = git_repository_index(&index, v->repo)) < 0) {
		r = vcs_error(e, r, "index");
		goto out;
	}
	for (size_t i = 0; r == 0 && i < paths->nr; i++) {
		char *full = vcs_full(v, paths->v[i]);
		char *abs = path_join(v->worktree, full);

		if (fs_kind(AT_FDCWD, abs) != 0)
			r = git_index_add_bypath(index, full);
		else
			r = git_index_remove_bypath(index, full);
		if (r < 0)
			r = vcs_error(e, r, full);
		free(abs);
		free(full);
	}
	if (r == 0 && (r = git_index_write(index)) < 0)
		r = vcs_error(e, r, "index");
out:
	git_index_free(index);
	return r;
}

static unsigned flags_of(unsigned s)
{
	unsigned out = 0;

	if (s & GIT_STATUS_INDEX_NEW)
		out |= VCS_NEW_IN_INDEX;
	if (s & (GIT_STATUS_INDEX_MODIFIED | GIT_STATUS_INDEX_DELETED |
		 GIT_STATUS_INDEX_RENAMED | GIT_STATUS_INDEX_TYPECHANGE))
		out |= VCS_CHANGED_IN_INDEX;
	if (s & GIT_STATUS_WT_NEW)
		out |= VCS_UNTRACKED;
	if (s & (GIT_STATUS_WT_MODIFIED | GIT_STATUS_WT_DELETED | GIT_STATUS_WT_RENAMED |
		 GIT_STATUS_WT_TYPECHANGE | GIT_STATUS_WT_UNREADABLE))
		out |= VCS_CHANGED;
	if (s & GIT_STATUS_IGNORED)
		out |= VCS_IGNORED;
	if (s & GIT_STATUS_CONFLICTED)
		out |= VCS_CONFLICTED;
	return out;
}

int vcs_status_of(struct vcs *v, const char *path, unsigned *out, struct err *e)
{
	char *full = vcs_full(v, path);
	unsigned status = 0;
	int r = vcs_start(v, e);

	if (r == 0 && (r = git_status_file(&status, v->repo, full)) < 0)
		r = vcs_error(e, r, full);
	if (r == 0)
		*out = flags_of(status);
	free(full);
	return r;
}

struct statuses {
	struct vcs *v;
	size_t prefix_n;
	struct strvec *untracked; /* NULL: any change ends it */
	bool is_dirty;
};

static int on_status(const char *path, unsigned flags, void *ctx)
{
	struct statuses *s = ctx;

	if (!s->untracked) {
		s->is_dirty = true;
		return 1;
	}
	if ((flags & GIT_STATUS_WT_NEW) && strncmp(path, s->v->prefix, s->prefix_n) == 0)
		strvec_push(s->untracked, path + s->prefix_n);
	return 0;
}

static int each_status(struct statuses *s, unsigned flags, char *below, struct err *e)
{
	git_status_options o = {.version = GIT_STATUS_OPTIONS_VERSION};
	int r = vcs_start(s->v, e);

	if (r < 0)
		return r;
	o.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
	o.flags = flags;
	if (below) {
		o.pathspec.strings = &below;
		o.pathspec.count = 1;
	}
	s->prefix_n = strlen(s->v->prefix);
	r = git_status_foreach_ext(s->v->repo, &o, on_status, s);
	return r < 0 ? vcs_error(e, r, s->v->worktree) : 0;
}

static int ask_dirty(struct vcs *v, unsigned flags, bool *out, struct err *e)
{
	struct statuses s = {.v = v};
	int r = each_status(&s, flags | GIT_STATUS_OPT_EXCLUDE_SUBMODULES, NULL, e);

	if (r == 0)
		*out = s.is_dirty;
	return r;
}

int vcs_is_dirty(struct vcs *v, bool *out, struct err *e)
{
	return ask_dirty(v, GIT_STATUS_OPT_INCLUDE_UNTRACKED, out, e);
}

int vcs_is_changed(struct vcs *v, bool *out, struct err *e)
{
	return ask_dirty(v, 0, out, e);
}

int vcs_untracked(struct vcs *v, struct strvec *out, struct err *e)
{
	struct strvec paths = {0};
	struct statuses s = {.v = v, .untracked = &paths};
	char *below = *v->prefix ? xmemdup0(v->prefix, strlen(v->prefix) - 1) : NULL;
	int r = each_status(&s,
			    GIT_STATUS_OPT_INCLUDE_UNTRACKED |
				    GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS |
				    GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH |
				    GIT_STATUS_OPT_EXCLUDE_SUBMODULES,
			    below, e);

	free(below);
	strvec_sort(&paths);
	if (r == 0) {
		for (size_t i = 0; i < paths.nr; i++)
			strvec_push(out, paths.v[i]);
	}
	strvec_release(&paths);
	return r;
}
