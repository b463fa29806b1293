#include "store/base/path.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"

#include <strings.h>

bool path_is_abs(const char *path)
{
	return path[0] == '/';
}

struct slice path_base(const char *path)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	return (struct slice){path + start, end - start};
}

struct slice path_dir(const char *path)
{
	struct slice base = path_base(path);
	size_t n = (size_t)(base.p - path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return n > 0 ? (struct slice){path, n} : SLICE_LIT(".");
}

char *path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	if (path_is_abs(name) || n == 0)
		return xstrdup(name);
	return xasprintf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

/* Drop the last component of b, which holds root_n bytes that stay. */
static void pop(struct buf *b, size_t root_n)
{
	size_t n = b->n;

	while (n > root_n && b->p[n - 1] != '/')
		n--;
	if (n > root_n)
		n--; /* the slash itself */
	buf_cut(b, n);
}

static bool last_is_up(const struct buf *b, size_t root_n)
{
	struct slice tail = {b->p + root_n, b->n - root_n};

	return slice_is(tail, "..") || slice_ends(tail, "/..");
}

char *path_normal(const char *path)
{
	struct slice rest = slice_of(path);
	struct buf b = {0};
	size_t root_n = 0;

	if (path_is_abs(path)) {
		buf_addc(&b, '/');
		root_n = 1;
	}
	while (rest.p) {
		struct slice part = slice_cut(&rest, '/');

		if (part.n == 0 || slice_is(part, "."))
			continue;
		if (slice_is(part, "..")) {
			if (b.n > root_n && !last_is_up(&b, root_n)) {
				pop(&b, root_n);
				continue;
			}
			if (root_n > 0)
				continue; /* "/.." is "/" */
		}
		if (b.n > root_n)
			buf_addc(&b, '/');
		buf_addslice(&b, part);
	}
	if (b.n == 0)
		buf_addc(&b, '.');
	return buf_detach(&b);
}

char *path_absolute(const char *cwd, const char *path)
{
	char *joined = path_join(cwd, path), *normal = path_normal(joined);

	free(joined);
	return normal;
}

char *path_relative(const char *from, const char *to)
{
	struct slice a = slice_of(from), b = slice_of(to);
	struct buf out = {0};

	/* Walk past the components they share. */
	while (a.p && b.p) {
		struct slice ra = a, rb = b;
		struct slice ca = slice_cut(&ra, '/'), cb = slice_cut(&rb, '/');

		if (!slice_eq(ca, cb))
			break;
		a = ra;
		b = rb;
	}
	while (a.p) {
		struct slice part = slice_cut(&a, '/');

		if (part.n > 0)
			buf_adds(&out, out.n ? "/.." : "..");
	}
	if (b.p && b.n > 0) {
		if (out.n)
			buf_addc(&out, '/');
		buf_addslice(&out, b);
	}
	if (out.n == 0)
		buf_addc(&out, '.');
	return buf_detach(&out);
}

bool path_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, ".") == 0)
		return !path_is_abs(path) && strncmp(path, "../", 3) != 0 &&
		       strcmp(path, "..") != 0;
	while (n > 0 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

int path_check_tracked(const char *rel, struct err *e)
{
	struct slice rest = slice_of(rel);

	if (rest.n == 0)
		return err_set(e, ERR_INVALID, "an empty path is refused");
	if (path_is_abs(rel))
		return err_set(e, ERR_INVALID, "'%s': an absolute path is refused", rel);
	while (rest.p) {
		struct slice part = slice_cut(&rest, '/');

		if (part.n == 0 || slice_is(part, ".") || slice_is(part, "..") ||
		    (part.n == 4 && strncasecmp(part.p, ".git", 4) == 0) ||
		    slice_is(part, ".dvc"))
			return err_set(e, ERR_INVALID,
				       "'%s': the component '%.*s' is refused", rel,
				       SLICE_FMT(part));
	}
	return 0;
}
