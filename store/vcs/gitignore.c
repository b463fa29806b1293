#include "store/vcs/gitignore.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/base/path.h"
#include "store/base/slice.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/fmt/glob.h"
#include "store/vcs/gitconfig.h"
#include "store/vcs/vcs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (16u << 20)

struct node {
	struct node *parent;
	char *path; /* below the work tree's top; "" for the top */
	size_t path_n;
	struct glob_list rules;
	bool is_ignored; /* itself or a parent */
};

struct gitignore {
	int topfd;
	char *top, *prefix, *exclude_file, *global_file;
	pthread_mutex_t lock;
	bool has_shared; /* the two lists below are read */
	struct glob_list exclude, global;
	struct map by_path;
	VEC_OF(struct node *) nodes;
};

int gitignore_open(struct gitignore **out, const struct vcs *v, struct err *e)
{
	int fd = sys_openat(AT_FDCWD, vcs_worktree(v), O_RDONLY | O_DIRECTORY, 0);
	struct gitignore *gi;

	if (fd < 0)
		return err_sys(e, "open", vcs_worktree(v));
	gi = xcalloc(1, sizeof(*gi));
	gi->topfd = fd;
	gi->top = xstrdup(vcs_worktree(v));
	gi->prefix = xstrdup(vcs_prefix(v));
	gi->exclude_file = path_join(vcs_commondir(v), "info/exclude");
	gi->global_file = gitconfig_excludes(v);
	pthread_mutex_init(&gi->lock, NULL);
	*out = gi;
	return 0;
}

static void drop_nodes(struct gitignore *gi)
{
	for (size_t i = 0; i < gi->nodes.nr; i++) {
		glob_list_release(&gi->nodes.v[i]->rules);
		free(gi->nodes.v[i]->path);
		free(gi->nodes.v[i]);
	}
	gi->nodes.nr = 0;
	map_release(&gi->by_path);
}

void gitignore_forget(struct gitignore *gi)
{
	pthread_mutex_lock(&gi->lock);
	drop_nodes(gi);
	glob_list_release(&gi->exclude);
	glob_list_release(&gi->global);
	gi->has_shared = false;
	pthread_mutex_unlock(&gi->lock);
}

void gitignore_free(struct gitignore *gi)
{
	if (!gi)
		return;
	gitignore_forget(gi);
	vec_release(&gi->nodes);
	sys_close(gi->topfd);
	pthread_mutex_destroy(&gi->lock);
	free(gi->global_file);
	free(gi->exclude_file);
	free(gi->prefix);
	free(gi->top);
	free(gi);
}

/* No file is no rules. What git cannot read it warns of and goes on; so do we. */
static int read_rules(int dirfd, const char *file, struct glob_list *out, struct err *e)
{
	struct buf text = {0};
	struct slice s;
	int r = 0;

	if (fs_read(dirfd, file, FILE_LIMIT, &text, NULL) < 0)
		goto out;
	s = buf_slice(&text);
	if (slice_starts(s, "\xef\xbb\xbf")) {
		s.p += 3;
		s.n -= 3;
	}
	r = glob_compile(out, s, GLOB_GIT, file, e);
out:
	buf_release(&text);
	return r;
}

static int read_shared(struct gitignore *gi, struct err *e)
{
	int r;

	if (gi->has_shared)
		return 0;
	if ((r = read_rules(AT_FDCWD, gi->exclude_file, &gi->exclude, e)) < 0)
		return r;
	if (gi->global_file &&
	    (r = read_rules(AT_FDCWD, gi->global_file, &gi->global, e)) < 0)
		return r;
	gi->has_shared = true;
	return 0;
}

/* One path by the rules of its directory and above, the nearest file first. */
static bool hides(const struct gitignore *gi, const struct node *dir, struct slice path,
		  bool is_dir)
{
	const struct glob_rule *rule = NULL;

	for (const struct node *d = dir; d && !rule; d = d->parent) {
		size_t skip = d->path_n ? d->path_n + 1 : 0;

		rule = glob_list_match(
			&d->rules, (struct slice){path.p + skip, path.n - skip}, is_dir);
	}
	if (!rule)
		rule = glob_list_match(&gi->exclude, path, is_dir);
	if (!rule)
		rule = glob_list_match(&gi->global, path, is_dir);
	return rule && !rule->is_negated;
}

static int get_one(struct gitignore *gi, struct node *parent, struct slice path,
		   struct node **out, struct err *e)
{
	size_t at = map_get(&gi->by_path, path);
	struct node *d;
	char *file;
	int r = 0;

	if (at != MAP_NONE) {
		*out = gi->nodes.v[at];
		return 0;
	}
	d = xcalloc(1, sizeof(*d));
	d->parent = parent;
	d->path = xmemdup0(path.p, path.n);
	d->path_n = path.n;
	d->is_ignored = parent && (parent->is_ignored || hides(gi, parent, path, true));
	file = xasprintf("%s%s.gitignore", d->path, d->path_n ? "/" : "");
	/* git does not follow a link here either. */
	if (!d->is_ignored && fs_kind(gi->topfd, file) == S_IFREG)
		r = read_rules(gi->topfd, file, &d->rules, e);
	free(file);
	map_set(&gi->by_path, path, gi->nodes.nr);
	vec_push(&gi->nodes, d);
	*out = d;
	return r;
}

/* The directory of path, with all above it. */
static int get_dir(struct gitignore *gi, struct slice path, struct node **out,
		   struct err *e)
{
	struct node *d = NULL;
	int r = get_one(gi, NULL, (struct slice){path.p, 0}, &d, e);

	for (size_t n = 1; r == 0 && n < path.n; n++)
		if (path.p[n] == '/')
			r = get_one(gi, d, (struct slice){path.p, n}, &d, e);
	*out = d;
	return r;
}

int gitignore_check(struct gitignore *gi, const char *path, bool is_dir, bool *out,
		    struct err *e)
{
	char *full = xasprintf("%s%s", gi->prefix, strcmp(path, ".") == 0 ? "" : path);
	struct slice p = slice_of(full);
	struct node *dir;
	int r;

	while (p.n > 0 && p.p[p.n - 1] == '/') {
		p.n--;
		is_dir = true;
	}
	pthread_mutex_lock(&gi->lock);
	r = read_shared(gi, e);
	if (r == 0)
		r = get_dir(gi, p, &dir, e);
	if (r == 0)
		*out = p.n > 0 && (dir->is_ignored || hides(gi, dir, p, is_dir));
	pthread_mutex_unlock(&gi->lock);
	free(full);
	return r;
}

/*
 * DVC escapes what a pattern would take for itself and leaves the rest, so that
 * a name that ends in a space or holds a newline stays unignored. Those few get
 * a form that git honours: the last space behind a backslash, "?" for a newline
 * and for a CR that git would cut as a line's end.
 */
void gitignore_line(const char *name, struct buf *out)
{
	size_t n = strlen(name);

	buf_addc(out, '/');
	for (size_t i = 0; i < n; i++) {
		bool is_last = i + 1 == n;

		if (name[i] == '\n' || (is_last && name[i] == '\r')) {
			buf_addc(out, '?');
			continue;
		}
		if (strchr("\\[]!*#?", name[i]) || (is_last && name[i] == ' '))
			buf_addc(out, '\\');
		buf_addc(out, name[i]);
	}
}

/* The .gitignore beside path, below the top; malloc'ed. */
static char *file_of(const struct gitignore *gi, const char *path, char **name)
{
	char *full = xasprintf("%s%s", gi->prefix, path), *file;
	struct slice dir = path_dir(full), base = path_base(full);

	*name = xmemdup0(base.p, base.n);
	file = slice_is(dir, ".") ? xstrdup(".gitignore")
				  : xasprintf("%.*s/.gitignore", SLICE_FMT(dir));
	free(full);
	return file;
}

static bool has_line(const struct buf *text, struct slice line)
{
	struct slice rest = buf_slice(text);

	while (rest.p) {
		struct slice one = slice_cut(&rest, '\n');

		/* Only a line with its end counts as the same one. */
		if (rest.p && slice_eq(one, line))
			return true;
	}
	return false;
}

static int read_text(const struct gitignore *gi, const char *file, struct buf *text,
		     struct err *e)
{
	int r = fs_read(gi->topfd, file, FILE_LIMIT, text, e);

	return r == ERR_NOTFOUND ? 0 : r;
}

int gitignore_add(struct gitignore *gi, const char *path, enum fs_sync sync,
		  bool *changed, struct err *e)
{
	struct buf text = {0}, line = {0};
	char *name, *file = file_of(gi, path, &name);
	char *full = xasprintf("%s%s", gi->prefix, path);
	bool is_ignored = false;
	int r;

	*changed = false;
	r = gitignore_check(gi, path, fs_kind(gi->topfd, full) == S_IFDIR, &is_ignored,
			    e);
	if (r < 0 || is_ignored)
		goto out;
	gitignore_line(name, &line);
	if ((r = read_text(gi, file, &text, e)) < 0 || has_line(&text, buf_slice(&line)))
		goto out;
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_addc(&text, '\n');
	buf_addslice(&text, buf_slice(&line));
	buf_addc(&text, '\n');
	if ((r = fs_write(gi->topfd, file, buf_slice(&text), 0666, sync, e)) < 0)
		goto out;
	*changed = true;
	gitignore_forget(gi);
out:
	buf_release(&line);
	buf_release(&text);
	free(full);
	free(file);
	free(name);
	return r;
}

/* Is a line one that names the output: escaped, or as DVC would look for it? */
static bool is_of_name(struct slice line, const char *name, const struct buf *escaped)
{
	struct slice bare = slice_trim(line);

	if (slice_eq(line, buf_slice(escaped)) || slice_eq(bare, buf_slice(escaped)))
		return true;
	if (bare.n == 0 || bare.p[0] != '/')
		return false;
	return slice_is((struct slice){bare.p + 1, bare.n - 1}, name) ||
	       (line.p[0] == '/' &&
		slice_is((struct slice){line.p + 1, line.n - 1}, name));
}

static int unlink_file(const struct gitignore *gi, const char *file, enum fs_sync sync,
		       struct err *e)
{
	struct slice dir = path_dir(file);
	char *text;
	int r = 0;

	if (sys_unlinkat(gi->topfd, file, 0) < 0)
		return err_sys(e, "unlink", file);
	if (sync != FS_SYNC_NONE) {
		text = xmemdup0(dir.p, dir.n);
		r = fs_sync_dir(gi->topfd, text, e);
		free(text);
	}
	return r;
}

int gitignore_remove(struct gitignore *gi, const char *path, enum fs_sync sync,
		     bool *changed, struct err *e)
{
	struct buf text = {0}, escaped = {0}, kept = {0};
	char *name, *file = file_of(gi, path, &name);
	struct slice rest;
	int r;

	*changed = false;
	if ((r = read_text(gi, file, &text, e)) < 0 || text.n == 0)
		goto out;
	gitignore_line(name, &escaped);
	for (rest = buf_slice(&text); rest.p && rest.n > 0;) {
		const char *start = rest.p;
		struct slice line = slice_cut(&rest, '\n');

		if (is_of_name(line, name, &escaped))
			*changed = true;
		else
			buf_add(&kept, start, line.n + (rest.p ? 1 : 0));
	}
	if (!*changed)
		goto out;
	if (kept.n == 0)
		r = unlink_file(gi, file, sync, e);
	else
		r = fs_write(gi->topfd, file, buf_slice(&kept), 0666, sync, e);
	if (r < 0)
		*changed = false;
	gitignore_forget(gi);
out:
	buf_release(&kept);
	buf_release(&escaped);
	buf_release(&text);
	free(file);
	free(name);
	return r;
}
