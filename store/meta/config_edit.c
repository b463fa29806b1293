/*
 * Edits: one file read, changed and written whole, as DVC does it. What levels up
 * to the edited one say together is validated before anything is written.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/fmt/ini.h"
#include "store/meta/config.h"
#include "store/meta/config_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>

#define NO_ITEM SIZE_MAX

struct edit {
	const struct config_edit *ed;
	struct config *c;
	bool own;
	struct cfg_file *f;
};

static void edit_end(struct edit *x)
{
	config_free(x->c);
	x->c = NULL;
}

static int edit_begin(struct edit *x, const struct config_edit *ed, bool own,
		      struct err *e)
{
	int r;

	*x = (struct edit){.ed = ed, .own = own};
	if (!ed->dvc_dir && (ed->level == CONFIG_REPO || ed->level == CONFIG_LOCAL))
		return err_set(e, ERR_CONFIG, "config file error: Not inside a DVC repo");
	if ((r = config_load(&x->c, ed->dvc_dir, e)) < 0)
		return r;
	x->f = &x->c->files[ed->level][own];
	if (!x->f->path) {
		edit_end(x);
		return err_set(e, ERR_CONFIG,
			       "there is no directory for this level: "
			       "HOME is not set");
	}
	return 0;
}

/* ---- changing items ------------------------------------------------------ */

static size_t item_at(const struct cfg_file *f, const struct cfg_section *s,
		      const char *key)
{
	const struct cfg_item *it = cfg_find(f, s, key);

	return it ? (size_t)(it - f->v) : NO_ITEM;
}

static void insert_at(struct cfg_file *f, size_t at, struct cfg_item item)
{
	vec_push(f, item);
	memmove(f->v + at + 1, f->v + at, (f->nr - 1 - at) * sizeof(*f->v));
	f->v[at] = item;
}

static void remove_at(struct cfg_file *f, size_t at)
{
	memmove(f->v + at, f->v + at + 1, (f->nr - 1 - at) * sizeof(*f->v));
	f->nr--;
}

/* Where a new section goes: sections of the schema's order follow those there. */
static size_t ensure_section(struct edit *x, const struct cfg_section *s)
{
	struct cfg_item head = {.section = *s};
	size_t at = item_at(x->f, s, NULL);

	if (at != NO_ITEM)
		return at;
	head.text = head.raw = cfg_section_text(&x->c->arena, s);
	vec_push(x->f, head);
	return x->f->nr - 1;
}

static void put(struct edit *x, const struct cfg_section *s, const char *key,
		const char *text)
{
	struct cfg_item it = {.section = *s};
	size_t at = item_at(x->f, s, key), head;

	it.key = arena_strdup(&x->c->arena, key);
	it.raw = it.text = arena_strdup(&x->c->arena, text);
	if (at != NO_ITEM) {
		x->f->v[at] = it;
		return;
	}
	head = ensure_section(x, s);
	for (at = head + 1;
	     at < x->f->nr && x->f->v[at].key && cfg_section_eq(&x->f->v[at].section, s);
	     at++)
		;
	insert_at(x->f, at, it);
}

static bool drop(struct edit *x, const struct cfg_section *s, const char *key)
{
	size_t at = item_at(x->f, s, key);

	if (at == NO_ITEM)
		return false;
	remove_at(x->f, at);
	return true;
}

static void drop_section(struct edit *x, const struct cfg_section *s)
{
	for (size_t i = x->f->nr; i > 0; i--)
		if (cfg_section_eq(&x->f->v[i - 1].section, s))
			remove_at(x->f, i - 1);
}

/* ---- paths --------------------------------------------------------------- */

/* A path from the command line, as the file shall hold it. */
static char *path_to_store(struct edit *x, const char *value)
{
	char *abs, *dir, *rel;

	if (cfg_is_bare(value))
		return xstrdup(value);
	abs = path_absolute(x->ed->cwd, value);
	dir = path_normal(x->f->dir);
	rel = path_relative(dir, abs);
	free(abs);
	free(dir);
	return rel;
}

/* What DVC makes of a stored path when it writes the file again. */
static void restore_paths(struct edit *x)
{
	for (size_t i = 0; i < x->f->nr; i++) {
		struct cfg_item *it = &x->f->v[i];
		char *abs, *dir, *rel;

		if (!it->key || it->is_list || !cfg_is_path_key(&it->section, it->key) ||
		    cfg_is_bare(it->raw))
			continue;
		dir = path_normal(x->f->dir);
		abs = path_absolute(dir, it->raw);
		rel = path_relative(dir, abs);
		it->raw = arena_strdup(&x->c->arena, rel);
		free(abs);
		free(dir);
		free(rel);
	}
}

/* ---- writing ------------------------------------------------------------- */

/* Plain sections as they stand, new ones in this order; then the named ones. */
static const char *const schema_order[] = {
	"core",	 "cache", "remote",  "state", "index",	"machine", "feature",
	"plots", "exp",	  "parsing", "hydra", "studio", "db",	   "lode",
};

static unsigned schema_rank(const struct cfg_section *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(schema_order); i++)
		if (strcmp(schema_order[i], s->name) == 0)
			return i;
	return ARRAY_SIZE(schema_order);
}

/* A value that the file had as a bare list stays one. */
static void set_list(struct ini *ini, struct ini_entry *en)
{
	struct slice rest = slice_of(en->value);
	size_t nr = 1;

	for (const char *p = en->value; *p; p++)
		nr += *p == ',';
	en->items = arena_alloc(&ini->arena, nr * sizeof(*en->items));
	while (rest.p && en->items_nr < nr) {
		struct slice item = slice_cut(&rest, ',');

		en->items[en->items_nr++] = arena_strndup(&ini->arena, item.p, item.n);
	}
	en->is_list = true;
}

/* Pushed, not ini_set: the order here is the file's. */
static void emit_section(const struct edit *x, struct ini *ini, size_t head)
{
	const struct cfg_section *s = &x->f->v[head].section;
	struct ini_section sec = {.depth = 1, .line = s->line};

	sec.name = s->top ? arena_printf(&ini->arena, "%s \"%s\"", s->top, s->name)
			  : arena_strdup(&ini->arena, s->name);
	for (size_t i = 0; i < x->f->nr; i++) {
		const struct cfg_item *it = &x->f->v[i];
		struct ini_entry en = {.line = it->line};

		if (!it->key || !cfg_section_eq(&it->section, s))
			continue;
		en.key = arena_strdup(&ini->arena, it->key);
		en.value = arena_strdup(&ini->arena, it->raw);
		if (it->is_list)
			set_list(ini, &en);
		vec_push(&sec, en);
	}
	vec_push(ini, sec);
}

static void build_ini(const struct edit *x, struct ini *ini)
{
	/* Sections that the file had: in its order. */
	for (size_t i = 0; i < x->f->nr; i++)
		if (!x->f->v[i].key && !x->f->v[i].section.top && x->f->v[i].section.line)
			emit_section(x, ini, i);
	/* New plain ones; at most one an edit, but in the schema's order anyway. */
	for (unsigned rank = 0; rank <= ARRAY_SIZE(schema_order); rank++)
		for (size_t i = 0; i < x->f->nr; i++)
			if (!x->f->v[i].key && !x->f->v[i].section.top &&
			    !x->f->v[i].section.line &&
			    schema_rank(&x->f->v[i].section) == rank)
				emit_section(x, ini, i);
	for (int rank = 0; rank < 3; rank++)
		for (size_t i = 0; i < x->f->nr; i++)
			if (!x->f->v[i].key && cfg_rank(&x->f->v[i].section) == rank)
				emit_section(x, ini, i);
}

/* The first lode.config.local is kept out of git as DVC keeps its own. */
static int ignore_own_local(const struct edit *x, struct err *e)
{
	static const char line[] = "/lode.config.local";
	struct buf text = {0};
	struct slice rest;
	char *path;
	int r;

	if (!x->own || x->ed->level != CONFIG_LOCAL)
		return 0;
	path = xasprintf("%s/.gitignore", x->ed->dvc_dir);
	r = fs_read(AT_FDCWD, path, 0, &text, e);
	if (r < 0 && r != ERR_NOTFOUND)
		goto out;
	r = 0;
	for (rest = buf_slice(&text); rest.p;)
		if (slice_is(slice_trim(slice_cut(&rest, '\n')), line))
			goto out;
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_addc(&text, '\n');
	buf_addf(&text, "%s\n", line);
	r = fs_write(AT_FDCWD, path, buf_slice(&text), 0666, FS_SYNC_BATCH, e);
out:
	free(path);
	buf_release(&text);
	return r;
}

/* What would be read back as something else, or not at all. */
static int check_sections(const struct edit *x, struct err *e)
{
	for (size_t i = 0; i < x->f->nr; i++) {
		const struct cfg_section *s = &x->f->v[i].section;

		if (s->top && !s->name[0])
			return err_set(e, ERR_CONFIG,
				       "config file error: an empty name for a %s",
				       s->top);
		for (const char *p = s->name; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				return err_set(e, ERR_CONFIG,
					       "config file error: '%s' holds control "
					       "characters and cannot be a name",
					       s->name);
	}
	return 0;
}

static int edit_write(struct edit *x, bool validate, struct err *e)
{
	struct ini ini = {0};
	struct buf text = {0};
	int r;

	struct config *all = NULL;

	restore_paths(x);
	if ((r = check_sections(x, e)) < 0)
		return r;
	/* Our own keys say nothing without the remote that a later level may give. */
	if (validate &&
	    (r = cfg_validate(x->c, x->own ? CONFIG_LOCAL : x->ed->level, NULL, e)) < 0)
		return r;
	build_ini(x, &ini);
	ini_write(&ini, &text);
	if ((r = fs_mkdirs(AT_FDCWD, x->f->dir, 0, e)) == 0 &&
	    (r = ignore_own_local(x, e)) == 0)
		r = fs_write(AT_FDCWD, x->f->path, buf_slice(&text), 0666, FS_SYNC_BATCH,
			     e);
	/* DVC then loads every level anew, and fails on what a later one has wrong;
	 * the edit stands all the same. */
	if (r == 0 && validate && !x->own &&
	    (r = config_load(&all, x->ed->dvc_dir, e)) == 0)
		r = cfg_validate(all, CONFIG_LOCAL, NULL, e);
	config_free(all);
	ini_release(&ini);
	buf_release(&text);
	return r;
}

/* An empty path would be stored as the current directory, which nobody means. */
static int check_path(const struct cfg_section *s, const char *key, const char *value,
		      struct err *e)
{
	if (value[0] || !cfg_is_path_key(s, key))
		return 0;
	return err_set(e, ERR_CONFIG, "config file error: '%s' cannot be empty", key);
}

/* ---- verbs --------------------------------------------------------------- */

int config_set(const struct config_edit *ed, const char *section, const char *key,
	       const char *value, struct err *e)
{
	struct edit x;
	struct cfg_section s;
	char *low, *stored;
	int r = edit_begin(&x, ed, config_is_own(section, key), e);

	if (r < 0)
		return r;
	s = cfg_section_of(&x.c->arena, section);
	low = cfg_lower(&x.c->arena, key);
	if ((r = check_path(&s, low, value, e)) < 0)
		goto out;
	stored = cfg_is_path_key(&s, low) ? path_to_store(&x, value) : xstrdup(value);
	put(&x, &s, low, stored);
	free(stored);
	r = edit_write(&x, true, e);
out:
	edit_end(&x);
	return r;
}

static int fail_absent(const struct cfg_section *s, const char *key, bool has_section,
		       struct err *e)
{
	const char *kind = s->top ? s->top : "section";

	if (!has_section)
		return err_set(e, ERR_CONFIG, "config file error: %s '%s' doesn't exist",
			       kind, s->name);
	return err_set(e, ERR_CONFIG,
		       "config file error: option '%s' doesn't exist in %s '%s'", key,
		       kind, s->name);
}

int config_unset(const struct config_edit *ed, const char *section, const char *key,
		 bool absent_ok, struct err *e)
{
	struct edit x;
	struct cfg_section s;
	char *low;
	int r = edit_begin(&x, ed, config_is_own(section, key), e);

	if (r < 0)
		return r;
	s = cfg_section_of(&x.c->arena, section);
	low = cfg_lower(&x.c->arena, key);
	if (!drop(&x, &s, low) && !absent_ok)
		/* DVC always has the sections of its schema. */
		r = fail_absent(&s, low, !s.top || item_at(x.f, &s, NULL) != NO_ITEM, e);
	else
		r = edit_write(&x, true, e);
	edit_end(&x);
	return r;
}

static struct cfg_section remote_section(struct edit *x, const char *name)
{
	return (struct cfg_section){.top = "remote",
				    .name = cfg_lower(&x->c->arena, name)};
}

static int fail_no_remote(const char *name, struct err *e)
{
	return err_set(e, ERR_CONFIG, "config file error: remote '%s' doesn't exist.",
		       name);
}

static const struct cfg_section core = {.name = "core"};

int config_remote_add(const struct config_edit *ed, const char *name, const char *url,
		      bool force, bool make_default, struct err *e)
{
	struct cfg_section s;
	struct edit x;
	char *stored;
	int r = edit_begin(&x, ed, false, e);

	if (r < 0)
		return r;
	s = remote_section(&x, name);
	if (item_at(x.f, &s, NULL) != NO_ITEM && !force) {
		r = err_set(e, ERR_CONFIG,
			    "config file error: remote '%s' already exists. Use "
			    "`-f|--force` to overwrite it.",
			    s.name);
		goto out;
	}
	if ((r = check_path(&s, "url", url, e)) < 0)
		goto out;
	/* An overwritten remote keeps its place and loses its keys. */
	for (size_t i = x.f->nr; i > 0; i--)
		if (x.f->v[i - 1].key && cfg_section_eq(&x.f->v[i - 1].section, &s))
			remove_at(x.f, i - 1);
	stored = path_to_store(&x, url);
	put(&x, &s, "url", stored);
	free(stored);
	if (make_default)
		put(&x, &core, "remote", s.name);
	r = edit_write(&x, true, e);
out:
	edit_end(&x);
	return r;
}

/* Is it known at the level edited, or at one below? */
static bool known_so_far(const struct edit *x, const struct cfg_section *s)
{
	for (int level = 0; level <= (int)x->ed->level; level++)
		if (cfg_find(&x->c->files[level][0], s, NULL))
			return true;
	return false;
}

int config_remote_modify(const struct config_edit *ed, const char *name, const char *key,
			 const char *value, struct err *e)
{
	struct cfg_section s;
	struct edit x;
	char *low, *stored;
	int r = edit_begin(&x, ed, config_is_own("remote.", key), e);

	if (r < 0)
		return r;
	s = remote_section(&x, name);
	low = cfg_lower(&x.c->arena, key);
	if (!known_so_far(&x, &s)) {
		r = fail_no_remote(s.name, e);
		goto out;
	}
	if (value && (r = check_path(&s, low, value, e)) < 0)
		goto out;
	if (value) {
		stored = cfg_is_path_key(&s, low) ? path_to_store(&x, value)
						  : xstrdup(value);
		put(&x, &s, low, stored);
		free(stored);
	} else {
		(void)drop(&x, &s, low); /* an absent one is fine */
	}
	r = edit_write(&x, true, e);
out:
	edit_end(&x);
	return r;
}

/* Every repository level whose core.remote names it: forget it, or rename it. */
static int retarget_default(const struct config_edit *ed, const char *from,
			    const char *to, struct err *e)
{
	int r = 0;

	for (int level = CONFIG_LOCAL; r == 0 && level >= (int)ed->level; level--) {
		struct config_edit here = {ed->dvc_dir, (enum config_level)level,
					   ed->cwd};
		const struct cfg_item *it;
		struct edit x;

		if (!ed->dvc_dir && level > CONFIG_GLOBAL)
			continue;
		if ((r = edit_begin(&x, &here, false, e)) < 0)
			return r;
		it = cfg_find(x.f, &core, "remote");
		if (it && strcasecmp(it->raw, from) == 0) {
			if (to)
				put(&x, &core, "remote", to);
			else
				(void)drop(&x, &core, "remote"); /* it is there */
			r = edit_write(&x, true, e);
		} else {
			/* DVC edits each level, whether it names the remote or not. */
			r = cfg_validate(x.c, (enum config_level)level, NULL, e);
		}
		edit_end(&x);
	}
	return r;
}

/* What a second file says of a remote goes and moves with it. */
static int follow(const struct config_edit *ed, bool own, const char *from,
		  const char *to, struct err *e)
{
	struct cfg_section s, n;
	struct edit x;
	int r = edit_begin(&x, ed, own, e);

	if (r < 0)
		return r;
	s = remote_section(&x, from);
	if (item_at(x.f, &s, NULL) != NO_ITEM) {
		if (to) {
			n = remote_section(&x, to);
			for (size_t i = 0; i < x.f->nr; i++)
				if (cfg_section_eq(&x.f->v[i].section, &s))
					x.f->v[i].section.name = n.name;
		} else {
			drop_section(&x, &s);
		}
		r = edit_write(&x, false, e);
	}
	edit_end(&x);
	return r;
}

static int own_section(const struct config_edit *ed, const char *from, const char *to,
		       struct err *e)
{
	return follow(ed, true, from, to, e);
}

/*
 * A secret in .dvc/config.local is of no use without the remote in .dvc/config,
 * and a remote without a URL would make every later command fail. Done before the
 * project's file is written, which then is checked with all levels.
 */
static int local_section(const struct config_edit *ed, const char *from, const char *to,
			 struct err *e)
{
	struct config_edit local = {ed->dvc_dir, CONFIG_LOCAL, ed->cwd};

	if (ed->level != CONFIG_REPO || !ed->dvc_dir)
		return 0;
	return follow(&local, false, from, to, e);
}

int config_remote_remove(const struct config_edit *ed, const char *name, struct err *e)
{
	struct cfg_section s;
	struct edit x;
	char *low = NULL;
	int r = edit_begin(&x, ed, false, e);

	if (r < 0)
		return r;
	s = remote_section(&x, name);
	low = xstrdup(s.name);
	if (item_at(x.f, &s, NULL) == NO_ITEM) {
		r = fail_no_remote(s.name, e);
	} else {
		drop_section(&x, &s);
		if ((r = local_section(ed, low, NULL, e)) == 0)
			r = edit_write(&x, true, e);
	}
	edit_end(&x);
	if (r == 0)
		r = own_section(ed, low, NULL, e);
	if (r == 0)
		r = retarget_default(ed, low, NULL, e);
	free(low);
	return r;
}

/* The section under its new name at the end, as a Python dict has it. */
static void move_section(struct edit *x, const struct cfg_section *from,
			 const struct cfg_section *to)
{
	size_t nr = x->f->nr;

	for (size_t i = 0, left = nr; left > 0; left--) {
		struct cfg_item it = x->f->v[i];

		if (!cfg_section_eq(&it.section, from)) {
			i++;
			continue;
		}
		remove_at(x->f, i);
		it.section.name = to->name;
		vec_push(x->f, it);
	}
}

/* What lies below it, by remote://NAME/path, follows. */
static void move_references(struct edit *x, const char *from, const char *to)
{
	static const char scheme[] = "remote://";
	size_t k = sizeof(scheme) - 1, n = strlen(from);

	for (size_t i = 0; i < x->f->nr; i++) {
		struct cfg_item *it = &x->f->v[i];

		if (!it->key || strcmp(it->key, "url") != 0 || !it->section.top ||
		    strcmp(it->section.top, "remote") != 0 ||
		    strncasecmp(it->raw, scheme, k) != 0 ||
		    strncasecmp(it->raw + k, from, n) != 0 ||
		    (it->raw[k + n] != '\0' && it->raw[k + n] != '/'))
			continue;
		it->raw = it->text =
			arena_printf(&x->c->arena, "%s%s%s", scheme, to, it->raw + k + n);
	}
}

int config_remote_rename(const struct config_edit *ed, const char *name, const char *to,
			 struct err *e)
{
	struct cfg_section s, n;
	struct edit x;
	int r = edit_begin(&x, ed, false, e);

	if (r < 0)
		return r;
	s = remote_section(&x, name);
	n = remote_section(&x, to);
	if (config_has_remote(x.c, to)) {
		r = err_set(e, ERR_CONFIG,
			    "config file error: Rename failed. Remote name '%s' already "
			    "exists.",
			    to);
	} else if (item_at(x.f, &s, NULL) == NO_ITEM) {
		r = fail_no_remote(s.name, e);
	} else {
		const struct cfg_item *def = cfg_find(x.f, &core, "remote");

		move_section(&x, &s, &n);
		move_references(&x, s.name, n.name);
		if (def && strcasecmp(def->raw, s.name) == 0)
			put(&x, &core, "remote", n.name);
		if ((r = local_section(ed, name, n.name, e)) == 0)
			r = edit_write(&x, true, e);
	}
	edit_end(&x);
	if (r == 0)
		r = own_section(ed, name, to, e);
	if (r == 0)
		r = retarget_default(ed, name, to, e);
	return r;
}

int config_remote_default(const struct config_edit *ed, const char *name, struct err *e)
{
	struct edit x;
	int r = edit_begin(&x, ed, false, e);

	if (r < 0)
		return r;
	if (!name) {
		(void)drop(&x, &core, "remote"); /* none is fine */
		r = edit_write(&x, true, e);
	} else {
		struct cfg_section s = remote_section(&x, name);

		if (!known_so_far(&x, &s)) {
			r = err_set(
				e, ERR_CONFIG,
				"config file error: default remote must be present in "
				"remote list.");
		} else {
			put(&x, &core, "remote", s.name);
			r = edit_write(&x, true, e);
		}
	}
	edit_end(&x);
	return r;
}
