/* Changing INI files and writing them as DVC's library does. */
#include "store/fmt/ini.h"

#include <stdlib.h>

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/vec.h"

/* New plain sections follow in the order of DVC's schema. */
static const char *const schema[] = {
	"core",	 "cache", "remote",  "state", "index",	"machine", "feature",
	"plots", "exp",	  "parsing", "hydra", "studio", "db",
};

bool ini_section_split(const char *section, struct slice *kind, struct slice *name)
{
	static const char *const kinds[] = {"remote", "machine", "db"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct slice s = slice_of(section);
		size_t n = strlen(kinds[i]);

		if (!slice_starts(s, kinds[i]))
			continue;
		s = slice_trim((struct slice){s.p + n, s.n - n});
		if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"' || s.p == section + n)
			continue;
		*kind = (struct slice){section, n};
		*name = (struct slice){s.p + 1, s.n - 2};
		return true;
	}
	return false;
}

/* ---- quoting ------------------------------------------------------------- */

static bool is_edge(char c)
{
	return c == '\0' || strchr(" \r\n\v\t'\"", c) != NULL;
}

static void put_quoted(struct buf *out, const char *s, const char *quote)
{
	buf_adds(out, quote);
	buf_adds(out, s);
	buf_adds(out, quote);
}

static void put_value(struct buf *out, const char *s, bool multiline)
{
	size_t n = strlen(s);
	bool both = strchr(s, '"') && strchr(s, '\'');

	if (n == 0)
		buf_adds(out, "\"\"");
	else if (multiline && (both || strchr(s, '\n')))
		put_quoted(out, s, strstr(s, "\"\"\"") ? "'''" : "\"\"\"");
	else if (!is_edge(s[0]) && !is_edge(s[n - 1]) && !strchr(s, ',') &&
		 !strchr(s, '#'))
		buf_adds(out, s);
	else
		put_quoted(out, s, strchr(s, '"') ? "'" : "\"");
}

static void put_entry(struct buf *out, const struct ini_entry *en, unsigned depth)
{
	buf_fill(out, ' ', 4 * (size_t)depth);
	put_value(out, en->key, false);
	buf_adds(out, " = ");
	if (!en->is_list)
		put_value(out, en->value, true);
	for (size_t i = 0; en->is_list && i < en->items_nr; i++) {
		if (i)
			buf_adds(out, ", ");
		put_value(out, en->items[i], false);
	}
	if (en->is_list && en->items_nr < 2)
		buf_addc(out, ',');
	buf_addc(out, '\n');
}

static void put_section(struct buf *out, const struct ini_section *s)
{
	if (s->nr == 0)
		return;
	if (s->depth > 0) {
		buf_fill(out, ' ', 4 * (size_t)(s->depth - 1));
		buf_fill(out, '[', s->depth);
		put_value(out, s->name, false);
		buf_fill(out, ']', s->depth);
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < s->nr; i++)
		put_entry(out, &s->v[i], s->depth);
}

/* ---- order --------------------------------------------------------------- */

/* Plain sections of the file, new ones by the schema, then the named kinds. */
static unsigned rank(const struct ini_section *s)
{
	static const char *const kinds[] = {"remote", "machine", "db"};
	struct slice kind, name;

	if (s->depth == 0)
		return 0;
	if (ini_section_split(s->name, &kind, &name)) {
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
			if (slice_is(kind, kinds[i]))
				return 100 + i;
		}
	}
	if (s->line != 0 || s->depth > 1)
		return 1;
	for (unsigned i = 0; i < ARRAY_SIZE(schema); i++) {
		if (strcmp(s->name, schema[i]) == 0)
			return 2 + i;
	}
	return 50;
}

struct ranked {
	unsigned rank;
	size_t index;
};

static int by_rank(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

void ini_write(const struct ini *ini, struct buf *out)
{
	struct ranked *order = xcalloc(ini->nr + 1, sizeof(*order));
	size_t before = out->n;

	for (size_t i = 0; i < ini->nr; i++) {
		order[i].index = i;
		/* A nested section stays behind the one it is in. */
		order[i].rank =
			i && ini->v[i].depth > 1 ? order[i - 1].rank : rank(&ini->v[i]);
	}
	qsort(order, ini->nr, sizeof(*order), by_rank);
	for (size_t i = 0; i < ini->nr; i++)
		put_section(out, &ini->v[order[i].index]);
	if (out->n == before)
		buf_addc(out, '\n');
	free(order);
}

/* ---- asking and changing ------------------------------------------------- */

static size_t section_index(const struct ini *ini, const char *section)
{
	for (size_t i = 0; i < ini->nr; i++) {
		if (ini->v[i].depth <= 1 && strcmp(ini->v[i].name, section) == 0)
			return i;
	}
	return ini->nr;
}

const struct ini_section *ini_find(const struct ini *ini, const char *section)
{
	size_t i = section_index(ini, section);

	return i < ini->nr ? &ini->v[i] : NULL;
}

static struct ini_entry *entry(const struct ini_section *s, const char *key)
{
	for (size_t i = 0; s && i < s->nr; i++) {
		if (strcmp(s->v[i].key, key) == 0)
			return &s->v[i];
	}
	return NULL;
}

const struct ini_entry *ini_get(const struct ini *ini, const char *section,
				const char *key)
{
	return entry(ini_find(ini, section), key);
}

void ini_set(struct ini *ini, const char *section, const char *key, const char *value)
{
	size_t at = section_index(ini, section);
	struct ini_entry en = {0}, *old;

	if (at == ini->nr) {
		struct ini_section s = {.name = arena_strdup(&ini->arena, section),
					.depth = 1};

		vec_push(ini, s);
	}
	en.key = arena_strdup(&ini->arena, key);
	en.value = arena_strdup(&ini->arena, value);
	old = entry(&ini->v[at], key);
	if (old)
		*old = en;
	else
		vec_push(&ini->v[at], en);
}

bool ini_unset(struct ini *ini, const char *section, const char *key)
{
	size_t at = section_index(ini, section);
	struct ini_section *s = at < ini->nr ? &ini->v[at] : NULL;
	struct ini_entry *en = entry(s, key);

	if (!en)
		return false;
	memmove(en, en + 1, (size_t)(s->v + s->nr - en - 1) * sizeof(*en));
	s->nr--;
	return true;
}

bool ini_remove_section(struct ini *ini, const char *section)
{
	size_t at = section_index(ini, section);

	if (at == ini->nr)
		return false;
	vec_release(&ini->v[at]);
	memmove(ini->v + at, ini->v + at + 1, (ini->nr - at - 1) * sizeof(*ini->v));
	ini->nr--;
	return true;
}

bool ini_rename_section(struct ini *ini, const char *from, const char *to)
{
	size_t at = section_index(ini, from);

	if (at == ini->nr)
		return false;
	ini->v[at].name = arena_strdup(&ini->arena, to);
	return true;
}
