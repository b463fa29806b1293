/* --glob: Python's iglob(recursive=True), sorted. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/sys.h"
#include "store/fmt/glob.h"
#include "store/meta/collect.h"

#include <fcntl.h>
#include <stdlib.h>

enum {
	GLOB_DEPTH_MAX = 256
};

static char *below(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	return xasprintf("%s%s%s", dir, n && dir[n - 1] != '/' ? "/" : "", name);
}

static bool is_dir(int fd, const char *path, bool follow)
{
	struct stat st;

	return sys_fstatat(fd, path[0] ? path : ".", &st,
			   follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int names_in(int fd, const char *dir, struct strvec *out, struct err *e)
{
	struct fs_dir *d;
	struct fs_dirent ent;
	int r = fs_dir_open(&d, fd, dir[0] ? dir : ".", e);

	if (r < 0)
		return r;
	while ((r = fs_dir_next(d, &ent, e)) > 0)
		strvec_push(out, ent.name);
	fs_dir_close(d);
	strvec_sort(out);
	return r;
}

static int expand(int fd, const char *dir, struct slice rest, unsigned depth,
		  struct strvec *out, struct err *e);

/* "**": nothing, or any directory that is not hidden. Links are followed by
 * Python; we stay in the tree, where links cannot make a circle. */
static int expand_deep(int fd, const char *dir, struct slice rest, unsigned depth,
		       struct strvec *out, struct err *e)
{
	struct strvec names = {0};
	int r = 0;

	if (rest.p)
		r = expand(fd, dir, rest, depth + 1, out, e);
	else if (dir[0])
		strvec_take(out, below(dir, ""));
	if (r == 0 && is_dir(fd, dir, false))
		r = names_in(fd, dir, &names, e);
	for (size_t i = 0; r == 0 && i < names.nr; i++) {
		char *path = below(dir, names.v[i]);

		if (names.v[i][0] == '.') {
			free(path);
			continue;
		}
		if (is_dir(fd, path, false)) {
			if (!rest.p)
				strvec_push(out, path);
			/* its own level of "**", without the directory once more */
			r = depth >= GLOB_DEPTH_MAX
				    ? err_set(e, ERR_INVALID,
					      "'%s': more than %d directories deep", path,
					      GLOB_DEPTH_MAX)
				    : 0;
			if (r == 0) {
				size_t mark = out->nr;

				r = expand_deep(fd, path, rest, depth + 1, out, e);
				if (r == 0 && !rest.p) {
					/* drop the "dir/" that this call gave first */
					free(out->v[mark]);
					for (size_t k = mark + 1; k < out->nr; k++)
						out->v[k - 1] = out->v[k];
					out->nr--;
				}
			}
		} else if (!rest.p) {
			strvec_push(out, path);
		}
		free(path);
	}
	strvec_release(&names);
	return r;
}

static int expand(int fd, const char *dir, struct slice rest, unsigned depth,
		  struct strvec *out, struct err *e)
{
	struct slice part = slice_cut(&rest, '/');
	struct strvec names = {0};
	struct stat st;
	int r = 0;

	while (part.n == 0 && rest.p)
		part = slice_cut(&rest, '/');
	if (part.n == 0) { /* the pattern ended in '/': directories only */
		if (is_dir(fd, dir, true))
			strvec_take(out, below(dir, ""));
		return 0;
	}
	if (depth >= GLOB_DEPTH_MAX)
		return err_set(e, ERR_INVALID, "a pattern of more than %d parts",
			       GLOB_DEPTH_MAX);
	if (slice_is(part, "**"))
		return expand_deep(fd, dir, rest, depth, out, e);
	if (glob_has_magic(part)) {
		if (is_dir(fd, dir, true))
			r = names_in(fd, dir, &names, e);
	} else {
		strvec_take(&names, xmemdup0(part.p, part.n));
	}
	for (size_t i = 0; r == 0 && i < names.nr; i++) {
		char *path = below(dir, names.v[i]);
		bool hit = !glob_has_magic(part) ||
			   ((names.v[i][0] != '.' || part.p[0] == '.') &&
			    glob_fnmatch(part, slice_of(names.v[i])));

		if (hit && rest.p)
			r = is_dir(fd, path, true)
				    ? expand(fd, path, rest, depth + 1, out, e)
				    : 0;
		else if (hit && sys_fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			strvec_push(out, path);
		free(path);
	}
	strvec_release(&names);
	return r;
}

int targets_glob(int cwdfd, const char *const *patterns, size_t nr, struct strvec *out,
		 struct err *e)
{
	size_t before = out->nr;
	struct buf all = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < nr; i++) {
		struct slice rest = slice_of(patterns[i]);
		const char *start = "";

		if (rest.n > 0 && rest.p[0] == '/')
			start = "/";
		r = expand(cwdfd, start, rest, 0, out, e);
		buf_addf(&all, "%s'%s'", i ? ", " : "", patterns[i]);
	}
	if (r == 0 && out->nr == before)
		r = err_set(e, ERR_INVALID, "Glob [%s] has no matches.", buf_str(&all));
	buf_release(&all);
	return r;
}
