#include "store/vcs/vcs.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/slice.h"
#include "store/base/sys.h"
#include "store/vcs/vcs_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
/* libgit2 1.5 forgets pcre2's match data at each revision expression. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpcre2-8\n";
}
#endif

static void start_once(void)
{
	/* As git's config normalizes them: libgit2 compares to the letter. */
	static const char *extensions[] = {"worktreeconfig", "partialclone"};

	/* Never shut down: the end of the process does that for nothing. */
	if (git_libgit2_init() < 0)
		return;
	(void)git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions,
			       (size_t)ARRAY_SIZE(extensions));
}

int vcs_error(struct err *e, int code, const char *what)
{
	const git_error *last = git_error_last();
	const char *text = last && last->message ? last->message : "no reason given";
	int ours = ERR_IO;

	switch (code) {
	case GIT_ENOTFOUND:
		ours = ERR_NOTFOUND;
		break;
	case GIT_EEXISTS:
		ours = ERR_EXISTS;
		break;
	case GIT_EAMBIGUOUS:
	case GIT_EINVALIDSPEC:
	case GIT_EOWNER:
		ours = ERR_INVALID;
		break;
	case GIT_ELOCKED:
		ours = ERR_LOCKED;
		break;
	case GIT_EBAREREPO:
		ours = ERR_UNSUPPORTED;
		break;
	default:
		if (strstr(text, "extension") || strstr(text, "sparse index"))
			ours = ERR_UNSUPPORTED;
		break;
	}
	return err_set(e, ours, "git: '%s': %s", what, text);
}

int vcs_start(struct vcs *v, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int r;

	if (v->repo)
		return 0;
	pthread_once(&once, start_once);
	r = git_repository_open(&v->repo, v->worktree);
	if (r < 0)
		return vcs_error(e, r, v->worktree);
	if (git_repository_is_bare(v->repo)) {
		git_repository_free(v->repo);
		v->repo = NULL;
		return err_set(e, ERR_UNSUPPORTED, "'%s': a bare git repository",
			       v->worktree);
	}
	return 0;
}

char *vcs_full(const struct vcs *v, const char *path)
{
	if (strcmp(path, ".") == 0)
		path = "";
	return xasprintf("%s%s", v->prefix, path);
}

/* The first line of a small file, without its end. NULL when there is none. */
static char *read_line(const char *path)
{
	struct buf text = {0};
	struct slice rest, line;
	char *out = NULL;

	if (fs_read(AT_FDCWD, path, 64 * 1024, &text, NULL) == 0) {
		rest = buf_slice(&text);
		line = slice_cut(&rest, '\n');
		out = xmemdup0(line.p ? line.p : "", line.n);
	}
	buf_release(&text);
	return out;
}

/* ".git" as a file: of a work tree or a submodule. */
static int follow_gitfile(const char *dir, const char *file, char **out, struct err *e)
{
	char *line = read_line(file), *joined, *target;
	int r = 0;

	if (!line || strncmp(line, "gitdir: ", 8) != 0) {
		r = err_set(e, ERR_INVALID, "'%s': it does not name a git directory",
			    file);
	} else {
		joined = path_join(dir, line + 8);
		target = path_normal(joined);
		if (fs_kind(AT_FDCWD, target) != S_IFDIR &&
		    !fs_exists(AT_FDCWD, target)) {
			r = err_set(e, ERR_INVALID, "'%s': '%s' is not there", file,
				    target);
			free(target);
		} else {
			*out = target;
		}
		free(joined);
	}
	free(line);
	return r;
}

static char *common_of(const char *gitdir)
{
	char *file = path_join(gitdir, "commondir"), *line = read_line(file), *out;

	free(file);
	if (!line)
		return xstrdup(gitdir);
	file = path_join(gitdir, line);
	out = path_normal(file);
	free(file);
	free(line);
	return out;
}

/* Is this a git directory, as git tells: HEAD, objects, refs? */
static bool is_gitdir(const char *dir)
{
	static const char *const parts[] = {"HEAD", "objects", "refs"};
	bool yes = true;

	for (size_t i = 0; yes && i < ARRAY_SIZE(parts); i++) {
		char *p = path_join(dir, parts[i]);

		yes = fs_kind(AT_FDCWD, p) != 0;
		free(p);
	}
	return yes;
}

/* 1: found here; 0: go on above. */
static int try_dir(const char *dir, char **gitdir, struct err *e)
{
	char *dot = path_join(dir, ".git");
	mode_t kind = fs_kind(AT_FDCWD, dot);
	struct stat st;
	int r = 0;

	if (kind == S_IFLNK)
		kind = sys_fstatat(AT_FDCWD, dot, &st, 0) == 0 ? st.st_mode & S_IFMT : 0;
	if (kind == S_IFREG) {
		r = follow_gitfile(dir, dot, gitdir, e);
		if (r == 0)
			r = 1;
	} else if (kind == S_IFDIR && is_gitdir(dot)) {
		*gitdir = dot;
		return 1;
	}
	free(dot);
	return r;
}

int vcs_open(struct vcs **out, const char *root, struct err *e)
{
	char *dir = path_normal(root), *gitdir = NULL;
	struct vcs *v;
	int r;

	for (;;) {
		char *slash;

		if ((r = try_dir(dir, &gitdir, e)) != 0)
			break;
		if (is_gitdir(dir)) {
			r = err_set(e, ERR_UNSUPPORTED,
				    "'%s': inside a git directory, or a bare repository",
				    dir);
			break;
		}
		if (strcmp(dir, "/") == 0)
			break;
		slash = strrchr(dir, '/');
		slash[slash == dir ? 1 : 0] = '\0';
	}
	if (r == 0)
		r = err_set(e, ERR_NOREPO, "'%s' is not in a git work tree", root);
	if (r < 0)
		goto out;
	v = xcalloc(1, sizeof(*v));
	v->root = path_normal(root);
	v->worktree = xstrdup(dir);
	v->gitdir = gitdir;
	v->commondir = common_of(gitdir);
	if (strcmp(v->root, dir) == 0)
		v->prefix = xstrdup("");
	else
		v->prefix = xasprintf("%s/", v->root + strlen(dir) +
						     (strcmp(dir, "/") == 0 ? 0 : 1));
	*out = v;
	r = 0;
out:
	free(dir);
	return r;
}

void vcs_free(struct vcs *v)
{
	if (!v)
		return;
	git_repository_free(v->repo);
	free(v->root);
	free(v->worktree);
	free(v->prefix);
	free(v->gitdir);
	free(v->commondir);
	free(v);
}

const char *vcs_root(const struct vcs *v)
{
	return v->root;
}

const char *vcs_worktree(const struct vcs *v)
{
	return v->worktree;
}

const char *vcs_prefix(const struct vcs *v)
{
	return v->prefix;
}

const char *vcs_gitdir(const struct vcs *v)
{
	return v->gitdir;
}

const char *vcs_commondir(const struct vcs *v)
{
	return v->commondir;
}
