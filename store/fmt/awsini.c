#include "store/fmt/awsini.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/vec.h"

void awsini_release(struct awsini *ini)
{
	for (size_t i = 0; i < ini->nr; i++) {
		secure_wipe(ini->v[i].value, strlen(ini->v[i].value));
	}
	free(ini->sections);
	vec_release(ini);
	arena_release(&ini->arena);
	*ini = (struct awsini){0};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "profile  'a b'" becomes "profile a b", as shlex has it. */
static const char *section_name(struct arena *a, struct slice s)
{
	struct buf b = {0};
	const char *name;
	char quote = '\0';

	s = slice_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (quote ? c == quote : (c == '"' || c == '\''))
			quote = quote ? '\0' : c;
		else if (quote || !is_blank(c))
			buf_addc(&b, c);
		else if (b.n && b.p[b.n - 1] != ' ')
			buf_addc(&b, ' ');
	}
	name = arena_strndup(a, buf_str(&b), b.n);
	buf_release(&b);
	return name;
}

static void add_section(struct awsini *ini, const char *name)
{
	struct {
		const char **v;
		size_t nr, cap;
	} list = {ini->sections, ini->sections_nr, ini->sections_cap};

	vec_push(&list, name);
	ini->sections = list.v;
	ini->sections_nr = list.nr;
	ini->sections_cap = list.cap;
}

/* A comment behind a value begins with a space and "#" or ";". */
static struct slice cut_comment(struct slice s)
{
	for (size_t i = 1; i < s.n; i++) {
		if ((s.p[i] == '#' || s.p[i] == ';') && is_blank(s.p[i - 1]))
			return slice_trim((struct slice){s.p, i});
	}
	return s;
}

static void add_entry(struct awsini *ini, const char *section, const char *parent,
		      struct slice key, struct slice value, unsigned line)
{
	struct awsini_entry en = {.section = section, .line = line};
	char *k = arena_printf(&ini->arena, "%s%s%.*s", parent ? parent : "",
			       parent ? "." : "", SLICE_FMT(key));

	for (char *c = k; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	}
	en.key = k;
	en.value = arena_strndup(&ini->arena, value.n ? value.p : "", value.n);
	vec_push(ini, en);
}

static int entry_line(struct awsini *ini, struct slice s, const char **parent,
		      const char *section, bool indented, unsigned line, struct err *e,
		      const char *name)
{
	struct slice value = s, key;

	/* A line inside a block that has no "=" goes on with the value above. */
	if (!memchr(s.p, '=', s.n)) {
		if (indented)
			return 0;
		return err_set(e, ERR_CONFIG,
			       "%s%s%u: neither a section nor 'key = value'",
			       name ? name : "", name ? ":" : "", line);
	}
	key = slice_trim(slice_cut(&value, '='));
	value = cut_comment(slice_trim(value));
	if (key.n == 0)
		return err_set(e, ERR_CONFIG, "%s%s%u: a key is missing",
			       name ? name : "", name ? ":" : "", line);
	if (!section) /* before any section: nobody can ask for it */
		return 0;
	if (!indented)
		*parent = NULL;
	if (!indented && value.n == 0) {
		add_entry(ini, section, NULL, key, value, line);
		*parent = ini->v[ini->nr - 1].key;
		return 0;
	}
	add_entry(ini, section, indented ? *parent : NULL, key, value, line);
	return 0;
}

int awsini_read(struct awsini *out, struct slice text, const char *name, struct err *e)
{
	const char *section = NULL, *parent = NULL;
	unsigned line = 0;
	int r = 0;

	*out = (struct awsini){0};
	if (slice_starts(text, "\xEF\xBB\xBF")) {
		text.p += 3;
		text.n -= 3;
	}
	while (text.n && r == 0) {
		struct slice raw = slice_cut(&text, '\n'), s = slice_trim(raw);
		const char *close;

		line++;
		if (s.n == 0 || s.p[0] == '#' || s.p[0] == ';')
			continue;
		if (memchr(s.p, '\0', s.n)) {
			r = err_set(e, ERR_CONFIG, "%s%s%u: a NUL byte", name ? name : "",
				    name ? ":" : "", line);
		} else if (s.p[0] == '[' && !is_blank(raw.p[0])) {
			close = memchr(s.p, ']', s.n);
			if (!close) {
				r = err_set(e, ERR_CONFIG,
					    "%s%s%u: the section's ']' is missing",
					    name ? name : "", name ? ":" : "", line);
				break;
			}
			section = section_name(
				&out->arena,
				(struct slice){s.p + 1, (size_t)(close - s.p) - 1});
			parent = NULL;
			add_section(out, section);
		} else {
			r = entry_line(out, s, &parent, section, is_blank(raw.p[0]), line,
				       e, name);
		}
	}
	if (r < 0)
		awsini_release(out);
	return r;
}

bool awsini_has_section(const struct awsini *ini, const char *section)
{
	for (size_t i = 0; i < ini->sections_nr; i++) {
		if (strcmp(ini->sections[i], section) == 0)
			return true;
	}
	return false;
}

const char *awsini_get(const struct awsini *ini, const char *section, const char *key)
{
	for (size_t i = ini->nr; i > 0; i--) {
		const struct awsini_entry *en = &ini->v[i - 1];

		if (strcmp(en->section, section) == 0 && strcmp(en->key, key) == 0)
			return en->value;
	}
	return NULL;
}
