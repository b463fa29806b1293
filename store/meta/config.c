#include "store/meta/config.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/parse.h"
#include "store/base/path.h"
#include "store/meta/config_impl.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <strings.h>

/* ---- names --------------------------------------------------------------- */

char *cfg_lower(struct arena *a, const char *s)
{
	char *t = arena_strdup(a, s);

	for (char *p = t; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return t;
}

bool cfg_section_eq(const struct cfg_section *a, const struct cfg_section *b)
{
	if (!a->top != !b->top || (a->top && strcmp(a->top, b->top) != 0))
		return false;
	return strcmp(a->name, b->name) == 0;
}

static const char *const named[] = {"remote", "machine", "db"};

struct cfg_section cfg_section_of(struct arena *a, const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		size_t n = strlen(named[i]);

		if (strncasecmp(section, named[i], n) == 0 && section[n] == '.')
			return (struct cfg_section){
				.top = named[i], .name = cfg_lower(a, section + n + 1)};
	}
	return (struct cfg_section){.name = cfg_lower(a, section)};
}

char *cfg_section_text(struct arena *a, const struct cfg_section *s)
{
	return s->top ? arena_printf(a, "%s.%s", s->top, s->name)
		      : arena_strdup(a, s->name);
}

int cfg_rank(const struct cfg_section *s)
{
	for (size_t i = 0; s->top && i < ARRAY_SIZE(named); i++)
		if (strcmp(s->top, named[i]) == 0)
			return (int)i;
	return ARRAY_SIZE(named);
}

const struct cfg_item *cfg_find(const struct cfg_file *f, const struct cfg_section *s,
				const char *key)
{
	for (size_t i = 0; i < f->nr; i++)
		if (cfg_section_eq(&f->v[i].section, s) &&
		    (key ? f->v[i].key && strcmp(f->v[i].key, key) == 0 : !f->v[i].key))
			return &f->v[i];
	return NULL;
}

bool cfg_is_path_key(const struct cfg_section *s, const char *key)
{
	const char *section = s->top ? s->top : s->name;

	if (!s->top && (strcmp(section, "remote") == 0 || strcmp(section, "db") == 0))
		return false;
	for (size_t i = 0; i < config_keys_nr; i++) {
		const struct config_key *row = &config_keys[i];
		size_t n = strcspn(row->section, ":");

		if (row->type == CONFIG_PATH && strlen(section) == n &&
		    strncmp(row->section, section, n) == 0 && strcmp(row->key, key) == 0)
			return true;
	}
	return false;
}

/* ---- paths --------------------------------------------------------------- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

static bool has_scheme(const char *text)
{
	size_t n = 0;

	while (is_word(text[n]))
		n++;
	return n > 0 && strncmp(text + n, "://", 3) == 0;
}

/* "~" and "~user" at the front; NULL where there is nothing to expand. malloc'ed. */
static char *expand_home(const char *text)
{
	size_t n = strcspn(text, "/");
	const char *home = NULL;
	struct passwd *pw;
	char *user;

	if (text[0] != '~')
		return NULL;
	if (n == 1) {
		home = env_get("HOME");
		if (!home && (pw = getpwuid(getuid())))
			home = pw->pw_dir;
	} else {
		user = xmemdup0(text + 1, n - 1);
		if ((pw = getpwnam(user)))
			home = pw->pw_dir;
		free(user);
	}
	return home ? xasprintf("%s%s", home, text + n) : NULL;
}

bool cfg_is_bare(const char *text)
{
	char *home = expand_home(text);
	bool bare = home || has_scheme(text) || path_is_abs(text);

	free(home);
	return bare;
}

static char *resolve(struct arena *a, const char *dir, const char *text)
{
	char *home, *abs, *out;

	if (has_scheme(text) || path_is_abs(text))
		return arena_strdup(a, text);
	if ((home = expand_home(text))) {
		out = arena_strdup(a, home);
		free(home);
		return out;
	}
	abs = path_absolute(dir, text);
	out = arena_strdup(a, abs);
	free(abs);
	return out;
}

/* The directory of a level's DVC file and of our own file. */
static char *level_dir(const char *dvc_dir, enum config_level level, bool own)
{
	const char *fixed, *base, *home;
	const char *app = own ? "lode" : "dvc";

	if (level == CONFIG_REPO || level == CONFIG_LOCAL)
		return dvc_dir ? xstrdup(dvc_dir) : NULL;
	fixed = env_get(level == CONFIG_SYSTEM ? "DVC_SYSTEM_CONFIG_DIR"
					       : "DVC_GLOBAL_CONFIG_DIR");
	if (fixed)
		return xstrdup(fixed);
	if (level == CONFIG_SYSTEM) {
		base = env_get("XDG_CONFIG_DIRS");
		if (!base)
			return xasprintf("/etc/xdg/%s", app);
		return xasprintf("%.*s/%s", (int)strcspn(base, ":"), base, app);
	}
	if ((base = env_get("XDG_CONFIG_HOME")))
		return xasprintf("%s/%s", base, app);
	home = env_get("HOME");
	return home ? xasprintf("%s/.config/%s", home, app) : NULL;
}

char *config_file(const char *dvc_dir, enum config_level level, bool own)
{
	bool shares = level == CONFIG_REPO || level == CONFIG_LOCAL ||
		      env_get(level == CONFIG_SYSTEM ? "DVC_SYSTEM_CONFIG_DIR"
						     : "DVC_GLOBAL_CONFIG_DIR");
	char *dir = level_dir(dvc_dir, level, own), *path;

	if (!dir)
		return NULL;
	path = xasprintf("%s/%sconfig%s", dir, own && shares ? "lode." : "",
			 level == CONFIG_LOCAL ? ".local" : "");
	free(dir);
	return path;
}

/* ---- loading ------------------------------------------------------------- */

static void resolve_paths(struct config *c, struct cfg_file *f)
{
	for (size_t i = 0; i < f->nr; i++) {
		struct cfg_item *it = &f->v[i];

		if (!it->key)
			continue;
		it->text = it->raw;
		if (!it->is_list && cfg_is_path_key(&it->section, it->key))
			it->text = resolve(&c->arena, f->dir, it->raw);
	}
}

int config_load(struct config **out, const char *dvc_dir, struct err *e)
{
	struct config *c = xcalloc(1, sizeof(*c));
	int r = 0;

	if (dvc_dir)
		c->dvc_dir = arena_strdup(&c->arena, dvc_dir);
	for (int level = 0; r == 0 && level < CONFIG_LEVELS; level++) {
		for (int own = 0; r == 0 && own < 2; own++) {
			struct cfg_file *f = &c->files[level][own];
			char *path = config_file(dvc_dir, (enum config_level)level, own);
			struct slice dir;

			f->level = (enum config_level)level;
			f->own = own;
			if (!path)
				continue;
			f->path = arena_strdup(&c->arena, path);
			free(path);
			dir = path_dir(f->path);
			f->dir = arena_strndup(&c->arena, dir.p, dir.n);
			r = cfg_read_file(c, f, e);
			if (r == 0)
				resolve_paths(c, f);
		}
	}
	if (r < 0)
		config_free(c);
	else
		*out = c;
	return r;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (int level = 0; level < CONFIG_LEVELS; level++)
		for (int own = 0; own < 2; own++)
			vec_release(&c->files[level][own]);
	arena_release(&c->arena);
	free(c);
}

void config_distrust_local(struct config *c)
{
	c->local_is_foreign = true;
}

int config_validate(const struct config *c, struct strvec *warnings, struct err *e)
{
	return cfg_validate(c, CONFIG_LEVELS, warnings, e);
}

/* ---- values -------------------------------------------------------------- */

static bool is_trusted(const struct config *c, enum config_level level)
{
	if (level == CONFIG_LOCAL)
		return !c->local_is_foreign;
	return level != CONFIG_REPO;
}

static void fill_value(const struct config *c, const struct cfg_file *f,
		       const struct cfg_item *it, struct config_value *out)
{
	*out = (struct config_value){
		.text = it->text,
		.lower = it->lower ? it->lower : it->text,
		.raw = it->raw,
		.is_list = it->is_list,
		.level = f->level,
		.own = f->own,
		.file = f->path,
		.line = it->line,
		.trusted = is_trusted(c, f->level),
	};
}

bool config_get_at(const struct config *c, enum config_level level, const char *section,
		   const char *key, struct config_value *out)
{
	struct arena a = {0};
	struct cfg_section s = cfg_section_of(&a, section);
	char *low = cfg_lower(&a, key);
	bool found = false;

	for (int own = 1; own >= 0 && !found; own--) {
		const struct cfg_file *f = &c->files[level][own];
		const struct cfg_item *it = cfg_find(f, &s, low);

		if (!it)
			continue;
		found = true;
		if (out)
			fill_value(c, f, it, out);
	}
	arena_release(&a);
	return found;
}

bool config_get(const struct config *c, const char *section, const char *key,
		struct config_value *out)
{
	for (int level = CONFIG_LEVELS - 1; level >= 0; level--)
		if (config_get_at(c, (enum config_level)level, section, key, out))
			return true;
	return false;
}

const char *config_str(const struct config *c, const char *section, const char *key,
		       const char *def)
{
	struct config_value v;

	return config_get(c, section, key, &v) ? v.lower : def;
}

static int fail_type(const struct config_value *v, const char *section, const char *key,
		     const char *expected, struct err *e)
{
	bool secret = config_is_secret(section, key);

	return err_set(e, ERR_CONFIG,
		       "config file error: %s.%s = '%s': expected %s ('%s', line %u)",
		       section, key, secret ? "***" : v->raw, expected, v->file, v->line);
}

int config_bool(const struct config *c, const char *section, const char *key, bool def,
		bool *out, struct err *e)
{
	struct config_value v;

	if (!config_get(c, section, key, &v)) {
		*out = def;
		return 0;
	}
	if (strcasecmp(v.text, "true") != 0 && strcasecmp(v.text, "false") != 0)
		return fail_type(&v, section, key, "true or false", e);
	*out = strcasecmp(v.text, "true") == 0;
	return 0;
}

int config_int(const struct config *c, const char *section, const char *key, int64_t def,
	       int64_t *out, struct err *e)
{
	struct config_value v;

	if (!config_get(c, section, key, &v)) {
		*out = def;
		return 0;
	}
	if (!parse_i64(slice_trim(slice_of(v.text)), out))
		return fail_type(&v, section, key, "int", e);
	return 0;
}

int config_seconds(const struct config *c, const char *section, const char *key,
		   int64_t def, int64_t *out, struct err *e)
{
	struct config_value v;

	if (!config_get(c, section, key, &v)) {
		*out = def;
		return 0;
	}
	if (!config_parse_seconds(v.text, out))
		return fail_type(&v, section, key, "a time such as 90s, 24h, 7d", e);
	return 0;
}

int config_bytes(const struct config *c, const char *section, const char *key,
		 uint64_t def, uint64_t *out, struct err *e)
{
	struct config_value v;

	if (!config_get(c, section, key, &v)) {
		*out = def;
		return 0;
	}
	if (!parse_bytes(slice_trim(slice_of(v.text)), out))
		return fail_type(&v, section, key, "a size such as 64M", e);
	return 0;
}

char *config_path(const struct config *c, const char *section, const char *key)
{
	struct config_value v;
	struct arena a = {0};
	char *out = NULL;

	if (!config_get(c, section, key, &v))
		return NULL;
	/* Keys that the table does not list as paths are resolved all the same. */
	if (v.text == v.raw) {
		struct slice dir = path_dir(v.file);

		out = xstrdup(resolve(&a, arena_strndup(&a, dir.p, dir.n), v.raw));
		arena_release(&a);
		return out;
	}
	return xstrdup(v.text);
}

void config_list(const struct config *c, const char *section, const char *key,
		 struct strvec *out)
{
	struct slice rest = slice_of(config_str(c, section, key, NULL));

	while (rest.p) {
		struct slice item = slice_trim(slice_cut(&rest, ','));

		if (item.n > 0)
			strvec_take(out, xmemdup0(item.p, item.n));
	}
}

/* ---- listing ------------------------------------------------------------- */

static void items_of_file(const struct config *c, const struct cfg_file *f,
			  struct config_item **v, size_t *nr, size_t *cap)
{
	for (int rank = 0; rank <= (int)ARRAY_SIZE(named); rank++) {
		for (size_t i = 0; i < f->nr; i++) {
			const struct cfg_item *it = &f->v[i];
			struct config_item item = {0};
			struct {
				struct config_item *v;
				size_t nr, cap;
			} out = {*v, *nr, *cap};

			if (!it->key || cfg_rank(&it->section) != rank)
				continue;
			/* The head item of a section keeps its spelling for listings. */
			item.section = cfg_find(f, &it->section, NULL)->text;
			item.key = it->key;
			fill_value(c, f, it, &item.value);
			item.secret = config_is_secret(item.section, item.key);
			vec_push(&out, item);
			*v = out.v;
			*nr = out.nr;
			*cap = out.cap;
		}
	}
}

size_t config_items(const struct config *c, enum config_level level,
		    struct config_item **out)
{
	struct config_item *v = NULL;
	size_t nr = 0, cap = 0;

	for (int l = 0; l < CONFIG_LEVELS; l++)
		for (int own = 0; own < 2; own++)
			if (level == CONFIG_ANY || (int)level == l)
				items_of_file(c, &c->files[l][own], &v, &nr, &cap);
	*out = v;
	return nr;
}

bool config_split_name(const char *name, char **section, char **key)
{
	struct arena a = {0};
	const char *dot = strrchr(name, '.');
	const char *body = name;
	bool ok = false;
	char *low;

	if (strncmp(name, "remote.", 7) == 0 && strchr(name + 7, '.'))
		body = name + 7;
	else if (strncmp(name, "db.", 3) == 0 && strchr(name + 3, '.'))
		body = name + 3;
	/* One dot only, besides the one of the prefix. */
	if (!dot || dot < body || memchr(body, '.', (size_t)(dot - body)))
		goto out;
	low = cfg_lower(&a, name);
	*section = xmemdup0(low, (size_t)(dot - name));
	*key = xstrdup(low + (dot - name) + 1);
	ok = true;
out:
	arena_release(&a);
	return ok;
}
