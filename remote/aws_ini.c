#include "remote/aws_ini.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/vec.h"

#include <stdlib.h>
#include <string.h>

static char *dup_slice(struct slice s)
{
	return xmemdup0(s.p ? s.p : "", s.n);
}

/* "[ profile  x ]" and "[profile 'x']" name "profile x". */
static char *section_name(struct slice s)
{
	char *out = xcalloc(1, s.n + 1);
	size_t n = 0;

	s = slice_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i] == '\t' ? ' ' : s.p[i];

		if (c == '"' || c == '\'' || (c == ' ' && n > 0 && out[n - 1] == ' '))
			continue;
		out[n++] = c;
	}
	return out;
}

/* A comment behind a value starts with a space before its sign. */
static struct slice cut_comment(struct slice s)
{
	for (size_t i = 1; i < s.n; i++)
		if ((s.p[i] == '#' || s.p[i] == ';') &&
		    (s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
			return slice_trim((struct slice){s.p, i});
	return s;
}

struct parser {
	struct aws_ini *out;
	char *section, *block;
	const char *name;
	unsigned line;
};

static int take_line(struct parser *p, struct slice raw, struct err *e)
{
	struct slice s = slice_trim(raw), value = s, key;
	bool is_nested = raw.n > 0 && (raw.p[0] == ' ' || raw.p[0] == '\t');
	struct aws_ini_item item = {0};

	if (s.n == 0 || s.p[0] == '#' || s.p[0] == ';')
		return 0;
	if (s.p[0] == '[') {
		const char *end = memchr(s.p, ']', s.n);

		if (!end)
			return err_set(e, ERR_CONFIG, "'%s', line %u: '[' without ']'",
				       p->name, p->line);
		free(p->section);
		free(p->block);
		p->block = NULL;
		p->section =
			section_name((struct slice){s.p + 1, (size_t)(end - s.p) - 1});
		item.section = xstrdup(p->section);
		vec_push(p->out, item);
		return 0;
	}
	key = slice_cut(&value, '=');
	if (!value.p || !p->section)
		return err_set(e, ERR_CONFIG, "'%s', line %u: %s", p->name, p->line,
			       p->section ? "no '='" : "a key before any section");
	key = slice_trim(key);
	value = cut_comment(slice_trim(value));
	if (!is_nested) {
		free(p->block);
		p->block = value.n == 0 ? dup_slice(key) : NULL;
	}
	item.section = xstrdup(p->section);
	item.key = is_nested && p->block ? xasprintf("%s.%.*s", p->block, SLICE_FMT(key))
					 : dup_slice(key);
	item.value = dup_slice(value);
	vec_push(p->out, item);
	return 0;
}

int aws_ini_parse(struct aws_ini *out, struct slice text, const char *name, struct err *e)
{
	struct aws_ini made = {0};
	struct parser p = {.out = &made, .name = name};
	int r = 0;

	if (slice_starts(text, "\xef\xbb\xbf")) {
		text.p += 3;
		text.n -= 3;
	}
	if (text.n > 0 && memchr(text.p, '\0', text.n))
		r = err_set(e, ERR_CONFIG, "'%s' is no text file", name);
	while (r == 0 && text.p) {
		p.line++;
		r = take_line(&p, slice_cut(&text, '\n'), e);
	}
	free(p.section);
	free(p.block);
	if (r == 0)
		*out = made;
	else
		aws_ini_release(&made);
	return r;
}

void aws_ini_release(struct aws_ini *ini)
{
	for (size_t i = 0; i < ini->nr; i++) {
		struct aws_ini_item *t = &ini->v[i];

		if (t->value)
			secure_wipe(t->value, strlen(t->value));
		free(t->section);
		free(t->key);
		free(t->value);
	}
	vec_release(ini);
}

bool aws_ini_has(const struct aws_ini *ini, const char *section)
{
	for (size_t i = 0; i < ini->nr; i++)
		if (strcmp(ini->v[i].section, section) == 0)
			return true;
	return false;
}

const char *aws_ini_get(const struct aws_ini *ini, const char *section, const char *key)
{
	for (size_t i = ini->nr; i-- > 0;)
		if (ini->v[i].key && strcmp(ini->v[i].section, section) == 0 &&
		    strcmp(ini->v[i].key, key) == 0)
			return ini->v[i].value;
	return NULL;
}
