/* The schema, and what DVC says of a configuration that breaks it. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/base/parse.h"
#include "store/meta/config.h"
#include "store/meta/config_impl.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* "90", "90s", "15m", "24h", "7d", "2w" */
bool config_parse_seconds(const char *text, int64_t *out)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	struct slice s = slice_trim(slice_of(text));
	int64_t mul = 1;
	uint64_t n;

	for (size_t i = 0; s.n > 0 && i < ARRAY_SIZE(units); i++) {
		if (s.p[s.n - 1] == units[i].unit) {
			mul = units[i].seconds;
			s.n--;
			break;
		}
	}
	if (!parse_u64(s, &n) || n > (uint64_t)(INT64_MAX / mul))
		return false;
	*out = (int64_t)n * mul;
	return true;
}

/* As Python's int() and float() take them: spaces around, "_" between digits. */
static bool without_underscores(const char *text, struct buf *out)
{
	struct slice s = slice_trim(slice_of(text));

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '_') {
			buf_addc(out, s.p[i]);
			continue;
		}
		if (i == 0 || i + 1 == s.n || s.p[i - 1] < '0' || s.p[i - 1] > '9' ||
		    s.p[i + 1] < '0' || s.p[i + 1] > '9')
			return false;
	}
	return true;
}

static bool python_int(const char *text, int64_t *out)
{
	struct buf b = {0};
	bool ok = without_underscores(text, &b) && parse_i64(buf_slice(&b), out);

	buf_release(&b);
	return ok;
}

static bool python_float(const char *text, double *out)
{
	struct buf b = {0};
	bool ok = without_underscores(text, &b) && parse_double(buf_slice(&b), out);

	buf_release(&b);
	return ok;
}

static bool in_words(const char *words, const char *text)
{
	struct slice rest = slice_of(words);

	while (rest.p) {
		struct slice w = slice_cut(&rest, ' ');

		if (w.n == strlen(text) && strncasecmp(w.p, text, w.n) == 0)
			return true;
	}
	return false;
}

static bool bad_links(const char *text, struct buf *bad)
{
	struct slice rest = slice_of(text);

	while (rest.p) {
		struct slice w = slice_trim(slice_cut(&rest, ','));

		if (slice_is(w, "reflink") || slice_is(w, "hardlink") ||
		    slice_is(w, "symlink") || slice_is(w, "copy"))
			continue;
		if (bad->n)
			buf_adds(bad, ", ");
		buf_addslice(bad, w);
	}
	return bad->n > 0;
}

static void words_joined(const char *words, struct buf *out)
{
	for (const char *p = words; *p; p++) {
		if (*p == ' ')
			buf_adds(out, ", ");
		else
			buf_addc(out, *p);
	}
}

/* What is wrong with a value, or nothing. */
static void check_value(const struct config_key *row, const struct cfg_item *it,
			struct buf *why)
{
	struct buf list = {0};
	int64_t n;
	uint64_t u;
	double d;

	if (it->is_list && row->type != CONFIG_LINKS) {
		buf_adds(why, "expected str");
		return;
	}
	switch (row->type) {
	case CONFIG_STR:
	case CONFIG_LOWER:
	case CONFIG_PATH:
	case CONFIG_BOOL_PATH:
		break;
	case CONFIG_BOOL:
		if (!in_words("true false", it->raw))
			buf_adds(why, "expected true or false");
		break;
	case CONFIG_INT:
	case CONFIG_COUNT:
		if (!python_int(it->raw, &n))
			buf_adds(why, "expected int");
		else if (row->type == CONFIG_COUNT && n < 1)
			buf_adds(why, "value must be at least 1");
		else if (strcmp(row->key, "row_cleanup_quota") == 0 && n < 0)
			buf_adds(why, "value must be at least 0");
		else if (strcmp(row->key, "row_cleanup_quota") == 0 && n > 100)
			buf_adds(why, "value must be at most 100");
		break;
	case CONFIG_FLOAT:
		if (!python_float(it->raw, &d))
			buf_adds(why, "expected float");
		else if (!(d >= 0) && strcmp(row->key, "spot_price") != 0)
			buf_adds(why, "value must be at least 0");
		break;
	case CONFIG_CHOICE:
		if (!in_words(row->choices, it->raw)) {
			buf_adds(why, "expected one of ");
			words_joined(row->choices, why);
		}
		break;
	case CONFIG_LINKS:
		if (bad_links(it->raw, &list))
			buf_addf(why, "Unsupported cache type(s): %s", buf_str(&list));
		break;
	case CONFIG_NEVER:
		buf_addf(why, "expected %s", row->choices);
		break;
	case CONFIG_SECONDS:
		if (!config_parse_seconds(it->raw, &n))
			buf_adds(why, "expected a time such as 90s, 24h or 7d");
		break;
	case CONFIG_BYTES:
		if (!parse_bytes(slice_trim(slice_of(it->raw)), &u))
			buf_adds(why, "expected a size such as 64M");
		break;
	}
	buf_release(&list);
}

/* ---- the merged view ----------------------------------------------------- */

struct merged {
	const struct cfg_item **v; /* DVC's insertion order */
	const struct cfg_file **from;
	size_t nr;
	struct map at; /* "top\0name\0key" -> index */
	struct buf key;
};

static struct slice merged_key(struct merged *m, const struct cfg_section *s,
			       const char *key)
{
	buf_reset(&m->key);
	buf_adds(&m->key, s->top ? s->top : "");
	buf_addc(&m->key, '\0');
	buf_adds(&m->key, s->name);
	buf_addc(&m->key, '\0');
	buf_adds(&m->key, key ? key : "\1");
	return buf_slice(&m->key);
}

static const struct cfg_item *merged_get(struct merged *m, const struct cfg_section *s,
					 const char *key)
{
	size_t i = map_get(&m->at, merged_key(m, s, key));

	return i == MAP_NONE ? NULL : m->v[i];
}

static void merge(const struct config *c, int max, struct merged *m)
{
	size_t total = 1;

	for (int l = 0; l < CONFIG_LEVELS; l++)
		total += c->files[l][0].nr + c->files[l][1].nr;
	m->v = xcalloc(total, sizeof(*m->v));
	m->from = xcalloc(total, sizeof(*m->from));
	for (int l = 0; l <= max && l < CONFIG_LEVELS; l++) {
		for (int own = 0; own < 2; own++) {
			const struct cfg_file *f = &c->files[l][own];

			for (size_t i = 0; i < f->nr; i++) {
				size_t *at =
					map_at(&m->at, merged_key(m, &f->v[i].section,
								  f->v[i].key));

				if (*at == MAP_NONE)
					*at = m->nr++;
				m->v[*at] = &f->v[i];
				m->from[*at] = f;
			}
		}
	}
}

static void merged_release(struct merged *m)
{
	free(m->v);
	free(m->from);
	map_release(&m->at);
	buf_release(&m->key);
}

/* data['remote']['x']['url'] */
static void add_place(struct buf *b, const struct cfg_section *s, const char *key)
{
	buf_adds(b, "data");
	if (s->top)
		buf_addf(b, "['%s']", s->top);
	if (s->name[0])
		buf_addf(b, "['%s']", s->name);
	if (key)
		buf_addf(b, "['%s']", key);
}

static int fail_at(const struct cfg_file *f, const struct cfg_item *it, const char *why,
		   struct err *e)
{
	struct buf place = {0};
	bool dict = strncmp(why, "extra keys", 10) != 0;
	const char *near = NULL;
	int r;

	add_place(&place, &it->section, it->key);
	if (!dict && it->key)
		near = config_nearest_key(
			it->section.top ? it->section.top : it->section.name, it->key);
	if (near && strcmp(near, it->key) == 0)
		buf_adds(&place, ", an option of another kind of remote than this URL's");
	else if (near)
		buf_addf(&place, " (did you mean '%s'?)", near);
	/* What a command sets is checked before it has a line. */
	if (it->line > 0)
		buf_addf(&place, " ('%s', line %u)", f->path, it->line);
	r = err_set(e, ERR_CONFIG, "config file error: %s%s @ %s", why,
		    dict ? " for dictionary value" : "", buf_str(&place));
	buf_release(&place);
	return r;
}

/* ---- checks -------------------------------------------------------------- */

static bool is_known_section(const struct cfg_section *s, bool own)
{
	static const char *const plain[] = {
		"core",	 "cache", "state",   "index", "feature",
		"plots", "exp",	  "parsing", "hydra", "studio",
	};

	if (s->top)
		return true;
	if (own && strcmp(s->name, "lode") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strcmp(s->name, plain[i]) == 0)
			return true;
	return false;
}

/* The row for a key of a section; scheme is the remote's. */
static const struct config_key *find_row(const struct cfg_section *s, const char *scheme,
					 const char *key)
{
	const char *section = s->top ? s->top : s->name;

	for (size_t i = 0; i < config_keys_nr; i++) {
		const struct config_key *row = &config_keys[i];
		size_t n = strcspn(row->section, ":");

		if (strcmp(row->key, key) != 0 || strlen(section) != n ||
		    strncmp(row->section, section, n) != 0)
			continue;
		if (row->section[n] == '\0' ||
		    (scheme && strcmp(row->section + n + 1, scheme) == 0))
			return row;
	}
	return NULL;
}

static int check_key(struct merged *m, size_t i, const char *scheme,
		     struct strvec *warnings, struct err *e)
{
	const struct cfg_item *it = m->v[i];
	const struct config_key *row;
	struct buf why = {0};
	int r = 0;

	/* remote://OTHER takes whatever OTHER takes. */
	if (scheme && strcmp(scheme, "remote") == 0 && strcmp(it->key, "url") != 0)
		return 0;
	row = find_row(&it->section, scheme, it->key);
	if (!row || row->own != m->from[i]->own) {
		if (!it->section.top && strcmp(it->section.name, "feature") == 0) {
			char *text = xasprintf(
				"'feature.%s' config option is unsupported", it->key);

			if (warnings)
				strvec_push(warnings, text);
			free(text);
			return 0;
		}
		return fail_at(m->from[i], it, "extra keys not allowed", e);
	}
	check_value(row, it, &why);
	if (why.n)
		r = fail_at(m->from[i], it, buf_str(&why), e);
	buf_release(&why);
	return r;
}

static int check_remote(struct merged *m, size_t head, const char **scheme, struct err *e)
{
	const struct cfg_item *it = m->v[head];
	const struct cfg_item *url = merged_get(m, &it->section, "url");
	size_t n;
	char *why;
	int r;

	/* A remote that only our own file knows something of is no remote yet. */
	if (!url && m->from[head]->own) {
		*scheme = NULL;
		return 0;
	}
	if (!url)
		return fail_at(m->from[head], it, "expected 'url'", e);
	if (url->is_list)
		return fail_at(m->from[head], url, "expected str", e);
	*scheme = config_url_scheme(url->raw);
	if (*scheme)
		return 0;
	n = strcspn(url->raw, ":");
	why = xasprintf("Unsupported URL type %.*s://", (int)n, url->raw);
	r = fail_at(m->from[head], it, why, e);
	free(why);
	return r;
}

static int check_section(struct merged *m, size_t head, struct strvec *warnings,
			 struct err *e)
{
	const struct cfg_item *it = m->v[head];
	const char *scheme = NULL;
	int r = 0;

	if (it->section.name[0] == '\0' && !it->section.top)
		return 0; /* keys before the first section are reported one by one */
	if (!is_known_section(&it->section, m->from[head]->own))
		return fail_at(m->from[head], it, "extra keys not allowed", e);
	if (cfg_rank(&it->section) == 0 && (r = check_remote(m, head, &scheme, e)) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < m->nr; i++)
		if (m->v[i]->key && cfg_section_eq(&m->v[i]->section, &it->section) &&
		    !(cfg_rank(&it->section) == 0 && !scheme && m->from[i]->own))
			r = check_key(m, i, scheme, warnings, e);
	return r;
}

static int check_hydra(struct merged *m, struct err *e)
{
	struct cfg_section s = {.name = "hydra"};

	if (!merged_get(m, &s, "config_dir") || !merged_get(m, &s, "config_module"))
		return 0;
	return err_set(e, ERR_CONFIG,
		       "config file error: two or more values in the same group of "
		       "exclusion 'config_source' @ data['hydra'][<config_source>]");
}

int cfg_validate(const struct config *c, enum config_level max, struct strvec *warnings,
		 struct err *e)
{
	struct merged m = {0};
	int r;

	merge(c, (int)max, &m);
	r = check_hydra(&m, e);
	for (int rank = 0; r == 0 && rank <= 3; rank++) {
		for (size_t i = 0; r == 0 && i < m.nr; i++) {
			const struct cfg_item *it = m.v[i];

			if (cfg_rank(&it->section) != rank)
				continue;
			if (!it->key)
				r = check_section(&m, i, warnings, e);
			else if (!it->section.top && it->section.name[0] == '\0')
				r = fail_at(m.from[i], it, "extra keys not allowed", e);
		}
	}
	merged_release(&m);
	return r;
}
