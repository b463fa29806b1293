#include "store/vcs/gitconfig.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/env.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/vcs/vcs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_LIMIT (16u << 20)
#define DEPTH_MAX  10 /* git's own limit for includes */

struct wanted {
	const char *worktree;
	char *excludes; /* NULL: never set; "" set to nothing */
	bool worktree_config;
};

struct cursor {
	const char *p, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_line(struct cursor *c)
{
	while (c->p < c->end && *c->p != '\n')
		c->p++;
}

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && (is_blank(*c->p) || *c->p == '\n'))
		c->p++;
}

/* "[core]" or "[core \"sub\"]": a section with a subsection is none of ours. */
static bool read_section(struct cursor *c, struct buf *out)
{
	bool has_sub = false;

	buf_reset(out);
	for (c->p++; c->p < c->end && *c->p != ']' && *c->p != '\n'; c->p++) {
		if (*c->p == '"')
			has_sub = true;
		if (!is_blank(*c->p))
			buf_addc(out, *c->p);
	}
	if (has_sub) {
		buf_reset(out);
		/* The name may hold a bracket: go to the quote's end. */
		while (c->p < c->end && *c->p != '\n' && c->p[-1] != '"')
			c->p++;
	}
	if (c->p >= c->end || *c->p != ']')
		return false;
	c->p++;
	return true;
}

/* One escape after a backslash; false for what git calls an error. */
static bool read_escape(struct cursor *c, struct buf *out)
{
	if (c->p >= c->end)
		return false;
	switch (*c->p++) {
	case '\n':
		return true; /* the value goes on in the next line */
	case 't':
		buf_addc(out, '\t');
		return true;
	case 'b':
		buf_addc(out, '\b');
		return true;
	case 'n':
		buf_addc(out, '\n');
		return true;
	case '\\':
	case '"':
		buf_addc(out, c->p[-1]);
		return true;
	default:
		return false;
	}
}

static bool read_value(struct cursor *c, struct buf *out)
{
	bool quoted = false;
	size_t keep = 0; /* what is before trailing blanks */

	buf_reset(out);
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	while (c->p < c->end && *c->p != '\n') {
		char ch = *c->p++;

		if (ch == '\r' && c->p < c->end && *c->p == '\n')
			break;
		if (!quoted && (ch == '#' || ch == ';')) {
			skip_line(c);
			break;
		}
		if (ch == '"') {
			quoted = !quoted;
			keep = out->n;
		} else if (ch == '\\') {
			if (!read_escape(c, out))
				return false;
			keep = out->n;
		} else {
			buf_addc(out, ch);
			if (quoted || !is_blank(ch))
				keep = out->n;
		}
	}
	buf_cut(out, keep);
	return !quoted;
}

static char *expand(const char *base_dir, const char *path)
{
	const char *home;

	if (path[0] == '~' && path[1] == '/') {
		home = env_get("HOME");
		return home ? path_join(home, path + 2) : NULL;
	}
	if (path[0] == '~')
		return NULL; /* another user's home: not looked up */
	return path_join(base_dir, path);
}

static void read_file(struct wanted *w, const char *file, int depth);

static void take(struct wanted *w, const char *file, int depth, const char *section,
		 const char *key, const struct buf *value)
{
	struct slice dir;
	char *dir_text, *path;

	if (strcasecmp(section, "core") == 0 && strcasecmp(key, "excludesfile") == 0) {
		free(w->excludes);
		w->excludes = value->n ? expand(w->worktree, buf_str(value)) : NULL;
		if (!w->excludes)
			w->excludes = xstrdup("");
	} else if (strcasecmp(section, "extensions") == 0 &&
		   strcasecmp(key, "worktreeconfig") == 0) {
		w->worktree_config = strcasecmp(buf_str(value), "true") == 0 ||
				     strcasecmp(buf_str(value), "yes") == 0 ||
				     strcasecmp(buf_str(value), "on") == 0 ||
				     strcmp(buf_str(value), "1") == 0;
	} else if (strcasecmp(section, "include") == 0 && strcasecmp(key, "path") == 0) {
		dir = path_dir(file);
		dir_text = xmemdup0(dir.p, dir.n);
		path = expand(dir_text, buf_str(value));
		if (path)
			read_file(w, path, depth + 1);
		free(path);
		free(dir_text);
	}
}

static bool read_key(struct cursor *c, struct buf *key, struct buf *value)
{
	buf_reset(key);
	buf_reset(value);
	while (c->p < c->end && *c->p != '=' && *c->p != '\n' && !is_blank(*c->p) &&
	       *c->p != '#' && *c->p != ';')
		buf_addc(key, *c->p++);
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	if (c->p < c->end && *c->p == '=') {
		c->p++;
		return read_value(c, value);
	}
	buf_adds(value, "true"); /* a key alone */
	skip_line(c);
	return key->n > 0;
}

static void read_file(struct wanted *w, const char *file, int depth)
{
	struct buf text = {0}, section = {0}, key = {0}, value = {0};
	struct cursor c;
	bool fine = true;

	if (depth > DEPTH_MAX || fs_read(AT_FDCWD, file, FILE_LIMIT, &text, NULL) < 0)
		goto out;
	c = (struct cursor){text.p, text.p + text.n};
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		c.p += 3;
	while (fine) {
		skip_space(&c);
		if (c.p >= c.end)
			break;
		if (*c.p == '#' || *c.p == ';') {
			skip_line(&c);
		} else if (*c.p == '[') {
			fine = read_section(&c, &section);
		} else {
			fine = read_key(&c, &key, &value);
			if (fine)
				take(w, file, depth, buf_str(&section), buf_str(&key),
				     &value);
		}
	}
out:
	buf_release(&value);
	buf_release(&key);
	buf_release(&section);
	buf_release(&text);
}

static void read_below(struct wanted *w, const char *dir, const char *name)
{
	char *path;

	if (!dir)
		return;
	path = path_join(dir, name);
	read_file(w, path, 0);
	free(path);
}

/* $XDG_CONFIG_HOME/git, or ~/.config/git; malloc'ed, NULL without a home. */
static char *xdg_dir(void)
{
	const char *xdg = env_get("XDG_CONFIG_HOME"), *home = env_get("HOME");

	if (xdg)
		return path_join(xdg, "git");
	return home ? path_join(home, ".config/git") : NULL;
}

char *gitconfig_excludes(const struct vcs *v)
{
	const char *nosystem = env_get("GIT_CONFIG_NOSYSTEM");
	const char *global = env_get_raw("GIT_CONFIG_GLOBAL");
	const char *system = env_get("GIT_CONFIG_SYSTEM");
	struct wanted w = {.worktree = vcs_worktree(v)};
	char *xdg = xdg_dir(), *out = NULL;

	if (!nosystem || strcmp(nosystem, "0") == 0 || strcasecmp(nosystem, "false") == 0)
		read_file(&w, system ? system : "/etc/gitconfig", 0);
	if (global) {
		read_file(&w, global, 0);
	} else {
		read_below(&w, xdg, "config");
		read_below(&w, env_get("HOME"), ".gitconfig");
	}
	read_below(&w, vcs_commondir(v), "config");
	if (w.worktree_config)
		read_below(&w, vcs_gitdir(v), "config.worktree");
	if (w.excludes && *w.excludes)
		out = xstrdup(w.excludes);
	else if (!w.excludes && xdg)
		out = path_join(xdg, "ignore");
	free(w.excludes);
	free(xdg);
	return out;
}
