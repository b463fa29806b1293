#include "store/fmt/ini.h"

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/text.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"

void ini_release(struct ini *ini)
{
	for (size_t i = 0; i < ini->nr; i++)
		vec_release(&ini->v[i]);
	vec_release(ini);
	arena_release(&ini->arena);
	*ini = (struct ini){0};
}

struct reader {
	struct ini *ini;
	const char *name;
	struct slice rest; /* lines to come */
	unsigned line;
	size_t section; /* index of the current one */
	struct err *e;
};

static int fail(struct reader *r, const char *what)
{
	return err_set(r->e, ERR_CONFIG, "%s%s%s at line %u.", r->name ? r->name : "",
		       r->name ? ": " : "", what, r->line);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice ltrim(struct slice s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

static struct slice rtrim(struct slice s)
{
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct slice from(struct slice s, size_t at)
{
	return (struct slice){s.p + at, s.n - at};
}

static struct slice head(struct slice s, size_t n)
{
	return (struct slice){s.p, n};
}

/* Nothing follows but space and a comment. */
static bool is_tail(struct slice s)
{
	s = ltrim(s);
	return s.n == 0 || s.p[0] == '#';
}

static struct slice unquote(struct slice s)
{
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
		return (struct slice){s.p + 1, s.n - 2};
	return s;
}

static const char *lower(struct arena *a, struct slice s)
{
	char *p = arena_strndup(a, s.n ? s.p : "", s.n);

	for (size_t i = 0; i < s.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	}
	return p;
}

/* ---- sections ------------------------------------------------------------ */

/* "] ]  # comment": how many brackets, or 0 where it is something else. */
static unsigned closing(struct slice s)
{
	unsigned n = 0;

	for (;;) {
		s = ltrim(s);
		if (s.n == 0 || s.p[0] != ']')
			break;
		n++;
		s = from(s, 1);
	}
	return n && is_tail(s) ? n : 0;
}

/* 1: *name, *depth and *close are set; 0: no section line. */
static int section_line(struct slice s, struct slice *name, unsigned *depth,
			unsigned *close)
{
	s = ltrim(s);
	*depth = 0;
	while (s.n && s.p[0] == '[') {
		(*depth)++;
		s = ltrim(from(s, 1));
	}
	if (*depth == 0 || s.n == 0)
		return 0;
	for (size_t i = 1; i < s.n; i++) {
		bool quoted = s.p[0] == '"' || s.p[0] == '\'';

		if (quoted && (i < 3 || s.p[i - 1] != s.p[0]))
			continue;
		if (s.p[i] != ']' && !is_space(s.p[i]))
			continue;
		*close = closing(from(s, i));
		if (*close) {
			*name = unquote(head(s, i));
			return 1;
		}
	}
	return 0;
}

static size_t add_section(struct ini *ini, const char *name, unsigned depth,
			  unsigned line)
{
	struct ini_section s = {.name = name, .depth = depth, .line = line};

	vec_push(ini, s);
	return ini->nr - 1;
}

static int begin_section(struct reader *r, struct slice name, unsigned depth,
			 unsigned close)
{
	unsigned now = r->ini->nr ? r->ini->v[r->section].depth : 0;
	size_t first = r->ini->nr;

	if (depth != close)
		return fail(r, "Cannot compute the section depth");
	if (depth > now + 1)
		return fail(r, "Section too nested");
	/* Siblings are those since the last shallower section. */
	while (first > 0 && r->ini->v[first - 1].depth >= depth)
		first--;
	for (size_t i = first; i < r->ini->nr; i++) {
		if (r->ini->v[i].depth == depth && slice_is(name, r->ini->v[i].name))
			return fail(r, "Duplicate section name");
	}
	r->section = add_section(r->ini, arena_strndup(&r->ini->arena, name.p, name.n),
				 depth, r->line);
	return 0;
}

/* ---- values -------------------------------------------------------------- */

struct items {
	struct slice *v;
	size_t nr, cap;
};

/*
 * One value or list item: its text in *item (quotes taken off), the length it
 * took in *used. False when a quote does not close where it could.
 */
static bool take_item(struct slice s, struct slice *item, size_t *used)
{
	size_t i;

	if (s.n && (s.p[0] == '"' || s.p[0] == '\'')) {
		for (i = 1; i < s.n; i++) {
			struct slice after = ltrim(from(s, i + 1));

			if (s.p[i] != s.p[0])
				continue;
			if (after.n == 0 || after.p[0] == ',' || after.p[0] == '#')
				break;
		}
		if (i >= s.n)
			return false;
		*item = (struct slice){s.p + 1, i - 1};
		*used = i + 1;
		return true;
	}
	for (i = 0; i < s.n && s.p[i] != ',' && s.p[i] != '#'; i++)
		;
	*item = rtrim(head(s, i));
	*used = i;
	return true;
}

static bool split_value(struct slice s, struct items *out, bool *is_list)
{
	*is_list = false;
	if (s.n && s.p[0] == ',' && is_tail(from(s, 1))) {
		*is_list = true;
		return true;
	}
	for (;;) {
		struct slice item;
		size_t used;

		if (*is_list && is_tail(s))
			return true; /* a comma at the end */
		if (!take_item(s, &item, &used))
			return false;
		if (used == 0 && (*is_list || (s.n && s.p[0] == ',')))
			return false;
		vec_push(out, item);
		s = ltrim(from(s, used));
		if (s.n == 0 || s.p[0] == '#')
			return true;
		*is_list = true;
		s = ltrim(from(s, 1));
	}
}

static bool has_interpolation(struct slice s)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		const char *end;

		if (s.p[i] != '%' || s.p[i + 1] != '(')
			continue;
		end = memchr(s.p + i, ')', s.n - i);
		if (end && end + 1 < s.p + s.n && end[1] == 's')
			return true;
	}
	return false;
}

static void fill_entry(struct arena *a, struct ini_entry *en, const struct items *items)
{
	struct buf joined = {0};

	if (en->is_list)
		en->items = arena_alloc(a, (items->nr + 1) * sizeof(*en->items));
	en->items_nr = en->is_list ? items->nr : 0;
	for (size_t i = 0; i < items->nr; i++) {
		if (i)
			buf_adds(&joined, ", ");
		buf_addslice(&joined, items->v[i]);
		if (en->is_list)
			en->items[i] = arena_strndup(a, items->v[i].p, items->v[i].n);
		en->has_interpolation |= has_interpolation(items->v[i]);
	}
	en->value = arena_strndup(a, buf_str(&joined), joined.n);
	buf_release(&joined);
}

static bool next_line(struct reader *r, struct slice *line)
{
	if (!r->rest.p || r->rest.n == 0)
		return false;
	*line = slice_cut(&r->rest, '\n');
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	r->line++;
	return true;
}

/* A value in triple quotes, over one line or several. */
static bool multiline(struct reader *r, struct slice s, struct buf *out)
{
	const char quote[4] = {s.p[0], s.p[0], s.p[0], '\0'};

	s = from(s, 3);
	for (;;) {
		for (size_t i = 0; i + 3 <= s.n; i++) {
			if (memcmp(s.p + i, quote, 3) == 0 && is_tail(from(s, i + 3))) {
				buf_add(out, s.p, i);
				return true;
			}
		}
		buf_addslice(out, s);
		buf_addc(out, '\n');
		if (!next_line(r, &s))
			return false;
	}
}

/* "key = value": where the value begins, or 0. */
static size_t key_line(struct slice s, struct slice *key)
{
	bool quoted = s.n && (s.p[0] == '"' || s.p[0] == '\'');

	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] != '=')
			continue;
		*key = rtrim(head(s, i));
		if (!quoted || (key->n >= 2 && key->p[key->n - 1] == s.p[0]))
			return s.p[0] == '=' ? 0 : i + 1;
	}
	return 0;
}

static int entry_line(struct reader *r, struct slice line)
{
	struct ini_entry en = {.line = r->line};
	struct slice s = ltrim(line), key, value;
	size_t at = key_line(s, &key);
	struct items items = {0};
	struct buf text = {0};
	struct ini_section *sec;
	int ret = 0;

	if (at == 0) {
		text_escape(&text, line);
		ret = err_set(r->e, ERR_CONFIG,
			      "%s%sInvalid line ('%s') (matched as neither section nor "
			      "keyword) at line %u.",
			      r->name ? r->name : "", r->name ? ": " : "", buf_str(&text),
			      r->line);
		goto out;
	}
	value = ltrim(from(s, at));
	if (value.n >= 3 && (value.p[0] == '"' || value.p[0] == '\'') &&
	    value.p[1] == value.p[0] && value.p[2] == value.p[0]) {
		if (!multiline(r, value, &text)) {
			ret = fail(r, "Parse error in multiline value");
			goto out;
		}
		vec_push(&items, buf_slice(&text));
	} else if (!split_value(value, &items, &en.is_list)) {
		ret = fail(r, "Parse error in value");
		goto out;
	}
	if (r->ini->nr == 0)
		r->section = add_section(r->ini, "", 0, r->line);
	sec = &r->ini->v[r->section];
	key = unquote(key);
	for (size_t i = 0; i < sec->nr; i++) {
		if (slice_is(key, sec->v[i].key)) {
			ret = fail(r, "Duplicate keyword name");
			goto out;
		}
	}
	en.key = arena_strndup(&r->ini->arena, key.p, key.n);
	fill_entry(&r->ini->arena, &en, &items);
	vec_push(sec, en);
out:
	vec_release(&items);
	buf_release(&text);
	return ret;
}

/* Lower case may make two of a kind: the later one wins, at the first's place. */
static void lower_all(struct ini *ini)
{
	for (size_t i = 0; i < ini->nr; i++) {
		struct ini_section *s = &ini->v[i];

		s->name = lower(&ini->arena, slice_of(s->name));
		for (size_t k = 0; k < s->nr; k++) {
			s->v[k].key = lower(&ini->arena, slice_of(s->v[k].key));
			for (size_t m = 0; m < k; m++) {
				if (strcmp(s->v[m].key, s->v[k].key) != 0)
					continue;
				s->v[m] = s->v[k];
				memmove(s->v + k, s->v + k + 1,
					(s->nr - k - 1) * sizeof(*s->v));
				s->nr--;
				k--;
				break;
			}
		}
	}
	for (size_t i = 0; i < ini->nr; i++) {
		for (size_t m = 0; m < i; m++) {
			struct ini_section *s = &ini->v[i];

			if (s->depth != 1 || ini->v[m].depth != 1 ||
			    strcmp(ini->v[m].name, s->name) != 0)
				continue;
			vec_release(&ini->v[m]);
			ini->v[m] = *s;
			memmove(s, s + 1, (ini->nr - i - 1) * sizeof(*s));
			ini->nr--;
			i--;
			break;
		}
	}
}

int ini_read(struct ini *out, struct slice text, const char *name, struct err *e)
{
	struct reader r = {.ini = out, .name = name, .rest = text, .e = e};
	struct slice line, section;
	unsigned depth, close;
	int ret = 0;

	*out = (struct ini){0};
	if (slice_starts(text, "\xEF\xBB\xBF"))
		r.rest = from(text, 3);
	if (!utf8_valid(text.p, text.n))
		return err_set(e, ERR_CONFIG, "%s%sis not valid utf-8", name ? name : "",
			       name ? ": " : "");
	while (ret == 0 && next_line(&r, &line)) {
		if (is_tail(line))
			continue;
		if (memchr(line.p, '\0', line.n))
			ret = fail(&r, "A NUL byte");
		else if (section_line(line, &section, &depth, &close))
			ret = begin_section(&r, section, depth, close);
		else
			ret = entry_line(&r, line);
	}
	if (ret < 0)
		ini_release(out);
	else
		lower_all(out);
	return ret;
}
