/*
 * The configuration: DVC's four levels (system, global, repository, local), and
 * beside each a file of our own for the keys that DVC does not know, because one
 * unknown key in .dvc/config makes every dvc command fail. docs/format/config.md.
 *
 * Reads the environment (XDG_CONFIG_HOME, XDG_CONFIG_DIRS, HOME,
 * DVC_GLOBAL_CONFIG_DIR, DVC_SYSTEM_CONFIG_DIR). Sections are named "core",
 * "lode", or "remote.NAME", "db.NAME", "machine.NAME"; names and keys are
 * lower-case, in arguments too. Errors are ERR_CONFIG with DVC's text, or
 * ERR_IO. A loaded config is not changed by the editing functions, which write
 * files; load it again. Reading one from several threads is safe.
 */
#ifndef STORE_META_CONFIG_H
#define STORE_META_CONFIG_H

#include "store/base/compiler.h"
#include "store/base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/* Later wins. */
enum config_level {
	CONFIG_SYSTEM = 0,
	CONFIG_GLOBAL,
	CONFIG_REPO,  /* .dvc/config and .dvc/lode.config: tracked by git */
	CONFIG_LOCAL, /* .dvc/config.local and .dvc/lode.config.local */
	CONFIG_LEVELS,
	CONFIG_ANY = CONFIG_LEVELS, /* where a level is optional */
};

struct config;

/*
 * dvc_dir is the absolute path of .dvc, or NULL outside a repository (then only
 * the user's levels are read). Absent files are empty. Only the syntax is
 * checked; see config_validate.
 */
int config_load(struct config **out, const char *dvc_dir, struct err *e) MUST_CHECK;
void config_free(struct config *c); /* accepts NULL */
/* git tracks .dvc/config.local: it came with the clone and is not the user's own. */
void config_distrust_local(struct config *c);

/*
 * The merged view against the schema, the first failure in DVC's words:
 * "extra keys not allowed @ data['core']['bogus']". Unknown keys of [feature]
 * are put into *warnings (may be NULL) instead.
 */
int config_validate(const struct config *c, struct strvec *warnings,
		    struct err *e) MUST_CHECK;

/* ---- values -------------------------------------------------------------- */

struct config_value {
	const char *text;  /* path keys resolved; a list's items joined by "," */
	const char *lower; /* what counts: names of remotes in lower case, else text */
	const char *raw;   /* as written */
	bool is_list;	   /* written with a bare comma, where DVC sees a list */
	enum config_level level;
	bool own;	  /* from a lode file */
	const char *file; /* the file's absolute path */
	unsigned line;
	/*
	 * Not from a file that came with a clone: the user's own levels and
	 * the local one. Programs, token files and roles count only then.
	 */
	bool trusted;
};

/* The winning value, or false. out may be NULL. */
bool config_get(const struct config *c, const char *section, const char *key,
		struct config_value *out);
/* The same within one level. */
bool config_get_at(const struct config *c, enum config_level level, const char *section,
		   const char *key, struct config_value *out);

/* Typed. An absent key gives def (the table's default is not consulted); a value
 * of the wrong type is ERR_CONFIG naming file and line. Texts are borrowed. */
const char *config_str(const struct config *c, const char *section, const char *key,
		       const char *def);
int config_bool(const struct config *c, const char *section, const char *key, bool def,
		bool *out, struct err *e) MUST_CHECK;
int config_int(const struct config *c, const char *section, const char *key, int64_t def,
	       int64_t *out, struct err *e) MUST_CHECK;
/* "24h", "90s", "7d", "2w", plain seconds; and sizes as parse_bytes has them. */
bool config_parse_seconds(const char *text, int64_t *out);
int config_seconds(const struct config *c, const char *section, const char *key,
		   int64_t def, int64_t *out, struct err *e) MUST_CHECK;
int config_bytes(const struct config *c, const char *section, const char *key,
		 uint64_t def, uint64_t *out, struct err *e) MUST_CHECK;
/*
 * A path or URL as DVC resolves it: "word://" and absolute stay, "~" and "~user"
 * are expanded, the rest is relative to the config file's directory. malloc'ed,
 * normal; NULL when the key is absent.
 */
char *config_path(const struct config *c, const char *section, const char *key);

/* Comma list ("reflink,copy"), trimmed items; empty when absent. */
void config_list(const struct config *c, const char *section, const char *key,
		 struct strvec *out);

/* ---- remotes ------------------------------------------------------------- */

void config_remotes(const struct config *c,
		    struct strvec *names); /* merged, DVC's order */
bool config_has_remote(const struct config *c, const char *name);

/*
 * One remote, ready to open: every key that applies, resolved paths, with what
 * "remote://OTHER/sub" inherits (own keys win; a loop is ERR_CONFIG).
 * ERR_CONFIG "remote 'x' doesn't exist"; name NULL is the default remote, and
 * none configured is ERR_CONFIG with DVC's text for it.
 */
struct config_remote {
	char *name;
	char *url; /* absolute path or URL */
	struct config_remote_key {
		char *key, *value;
		bool trusted;
	} * v;
	size_t nr, cap;
};
int config_remote_open(const struct config *c, const char *name,
		       struct config_remote *out, struct err *e) MUST_CHECK;
void config_remote_release(struct config_remote *r);
/* For struct remote_options; ctx is the struct config_remote. "url" included. */
const char *config_remote_get(void *ctx, const char *key);
bool config_remote_trusted(void *ctx, const char *key);

/* The transport of a URL as DVC decides it: "local", "s3", "http" ... or NULL
 * for a scheme it does not know. */
const char *config_url_scheme(const char *url);

/* ---- listing ------------------------------------------------------------- */

struct config_item {
	const char *section; /* "remote.NAME" spelling */
	const char *key;
	struct config_value value; /* text is the resolved path for path keys */
	bool secret;		   /* mask it when showing */
};
/*
 * Every item of a level (or of all, level by level, shadowed ones included), in
 * the order of `dvc config -l`: within a file remote.* first. The array is the
 * caller's to free, the texts are the config's.
 */
size_t config_items(const struct config *c, enum config_level level,
		    struct config_item **out);

/* ---- the table of known keys --------------------------------------------- */

enum config_type {
	CONFIG_STR,
	CONFIG_LOWER,	  /* string, lower-cased on load */
	CONFIG_BOOL,	  /* true or false in any case */
	CONFIG_INT,	  /* any */
	CONFIG_COUNT,	  /* int >= 1 */
	CONFIG_FLOAT,	  /* >= 0 */
	CONFIG_PATH,	  /* resolved against the file's directory */
	CONFIG_BOOL_PATH, /* ssl_verify */
	CONFIG_CHOICE,	  /* one of choices */
	CONFIG_LINKS,	  /* comma list of link types */
	CONFIG_NEVER,	  /* known, but no text is valid */
	CONFIG_SECONDS,
	CONFIG_BYTES,
};

struct config_key {
	const char
		*section; /* "core"; "remote" for every remote; "remote:s3" per scheme */
	const char *key;
	enum config_type type;
	const char *choices; /* "a b c", or NULL */
	const char *def;     /* for people; NULL: none */
	const char *doc;     /* one line; "" for what DVC has and ignores */
	bool own;	     /* kept in lode.config */
	bool secret;
	bool trusted_only; /* ignored when it comes with a clone */
};
extern const struct config_key config_keys[];
extern const size_t config_keys_nr;

bool config_is_secret(const char *section, const char *key);
bool config_is_own(const char *section, const char *key); /* routes to lode.config */
/* NULL, or the known key of that section nearest to a misspelt one. */
const char *config_nearest_key(const char *section, const char *key);

/* ---- editing: whole files rewritten as DVC does -------------------------- */

/*
 * Split "core.remote" or "remote.NAME.key" (lower-casing); false when it has no
 * such form. Both malloc'ed.
 */
bool config_split_name(const char *name, char **section, char **key);

/* The file an edit of a level writes. malloc'ed; NULL without a repository. */
char *config_file(const char *dvc_dir, enum config_level level, bool own);

struct config_edit {
	const char *dvc_dir; /* as for config_load */
	enum config_level level;
	const char *cwd; /* relative path values are relative to this directory */
};
/*
 * Set a key. The level merged with those below is validated first, and nothing
 * is written when that fails. A path value is stored relative to the config
 * file's directory. Own keys go to the lode file; .dvc/.gitignore gets
 * "/lode.config.local" when that file is first written. Writing an own key with
 * dvc_dir NULL and a repository level is ERR_CONFIG.
 */
int config_set(const struct config_edit *ed, const char *section, const char *key,
	       const char *value, struct err *e) MUST_CHECK;
/* ERR_CONFIG "option 'x' doesn't exist in section 'core'", unless absent_ok. */
int config_unset(const struct config_edit *ed, const char *section, const char *key,
		 bool absent_ok, struct err *e) MUST_CHECK;

int config_remote_add(const struct config_edit *ed, const char *name, const char *url,
		      bool force, bool make_default, struct err *e) MUST_CHECK;
/* value NULL unsets; the remote must exist at the level or below it. */
int config_remote_modify(const struct config_edit *ed, const char *name, const char *key,
			 const char *value, struct err *e) MUST_CHECK;
/* Drops core.remote where it named it, at every repository level. What
 * .dvc/config.local says of a remote of .dvc/config goes and moves with it. */
int config_remote_remove(const struct config_edit *ed, const char *name,
			 struct err *e) MUST_CHECK;
int config_remote_rename(const struct config_edit *ed, const char *name, const char *to,
			 struct err *e) MUST_CHECK;
/* name NULL unsets it. */
int config_remote_default(const struct config_edit *ed, const char *name,
			  struct err *e) MUST_CHECK;

#endif
