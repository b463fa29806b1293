/* One config file into items. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/fmt/ini.h"
#include "store/meta/config_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONFIG_FILE_MAX = 4 << 20,     /* bytes */
	CONFIG_INTERPOLATE_DEPTH = 10, /* %(a)s naming %(b)s and so on */
	CONFIG_VALUE_MAX = 1 << 16,    /* bytes, after that */
};

/* The value a %(name)s means: of the section, of [DEFAULT], of the file's head. */
static const struct ini_entry *find_name(const struct ini *ini,
					 const struct ini_section *s, const char *name)
{
	const struct ini_entry *en = NULL;

	for (size_t i = 0; i < s->nr && !en; i++)
		if (strcmp(s->v[i].key, name) == 0)
			en = &s->v[i];
	if (!en)
		en = ini_get(ini, "default", name);
	return en ? en : ini_get(ini, "", name);
}

static int interpolate(const struct ini *ini, const struct ini_section *s,
		       const struct ini_entry *en, const char *file, unsigned depth,
		       struct buf *out, struct err *e)
{
	const char *p = en->value, *open, *close;

	if (depth > CONFIG_INTERPOLATE_DEPTH || out->n > CONFIG_VALUE_MAX)
		return err_set(
			e, ERR_CONFIG,
			"config file error: '%s', line %u: '%s' refers to too many "
			"other values",
			file, en->line, en->key);
	while ((open = strstr(p, "%(")) && (close = strstr(open, ")s"))) {
		const struct ini_entry *inner;
		char *name = xmemdup0(open + 2, (size_t)(close - open - 2));
		int r;

		buf_add(out, p, (size_t)(open - p));
		for (char *c = name; *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c - 'A' + 'a');
		inner = find_name(ini, s, name);
		r = inner ? interpolate(ini, s, inner, file, depth + 1, out, e)
			  : err_set(e, ERR_CONFIG,
				    "config file error: '%s', line %u: missing option "
				    "\"%s\" in interpolation.",
				    file, en->line, name);
		free(name);
		if (r < 0)
			return r;
		p = close + 2;
	}
	buf_adds(out, p);
	return 0;
}

static int add_entry(struct config *c, struct cfg_file *f, const struct ini *ini,
		     const struct ini_section *s, const struct ini_entry *en,
		     const struct cfg_section *section, struct err *e)
{
	struct cfg_item it = {
		.section = *section, .is_list = en->is_list, .line = en->line};
	struct buf value = {0}, joined = {0};
	int r = 0;

	if (en->is_list) {
		for (size_t i = 0; i < en->items_nr; i++)
			buf_addf(&joined, "%s%s", i ? "," : "", en->items[i]);
		buf_addslice(&value, buf_slice(&joined));
	} else if (en->has_interpolation) {
		r = interpolate(ini, s, en, f->path, 0, &value, e);
	} else {
		buf_adds(&value, en->value);
	}
	if (r == 0) {
		it.key = arena_strdup(&c->arena, en->key);
		it.raw = it.text = arena_strdup(&c->arena, buf_str(&value));
		if (!section->top && strcmp(section->name, "core") == 0 &&
		    strcmp(en->key, "remote") == 0)
			it.lower = cfg_lower(&c->arena, it.raw);
		vec_push(f, it);
	}
	buf_release(&value);
	buf_release(&joined);
	return r;
}

static int add_section(struct config *c, struct cfg_file *f, const struct ini *ini,
		       const struct ini_section *s, struct err *e)
{
	struct cfg_item head = {.line = s->line};
	struct slice kind, name;
	int r = 0;

	if (s->depth > 1)
		return err_set(e, ERR_CONFIG,
			       "config file error: '%s', line %u: nested section '%s'",
			       f->path, s->line, s->name);
	head.section.line = s->line;
	if (ini_section_split(s->name, &kind, &name)) {
		head.section.top = arena_strndup(&c->arena, kind.p, kind.n);
		head.section.name = arena_strndup(&c->arena, name.p, name.n);
	} else {
		head.section.name = arena_strdup(&c->arena, s->name);
	}
	/* The head's text is the section as people spell it. */
	head.text = head.raw = cfg_section_text(&c->arena, &head.section);
	vec_push(f, head);
	for (size_t i = 0; r == 0 && i < s->nr; i++)
		r = add_entry(c, f, ini, s, &s->v[i], &head.section, e);
	return r;
}

int cfg_read_file(struct config *c, struct cfg_file *f, struct err *e)
{
	struct buf text = {0};
	struct ini ini = {0};
	int r;

	f->nr = 0;
	r = fs_read(AT_FDCWD, f->path, CONFIG_FILE_MAX, &text, e);
	if (r == ERR_NOTFOUND) {
		r = 0;
		goto out;
	}
	if (r < 0 || (r = ini_read(&ini, buf_slice(&text), f->path, e)) < 0)
		goto out;
	for (size_t i = 0; r == 0 && i < ini.nr; i++)
		if (ini.v[i].depth > 0 || ini.v[i].nr > 0)
			r = add_section(c, f, &ini, &ini.v[i], e);
out:
	ini_release(&ini);
	buf_release(&text);
	return r;
}
