/* What the files of config share; for nobody else. */
#ifndef STORE_META_CONFIG_IMPL_H
#define STORE_META_CONFIG_IMPL_H

#include "store/base/arena.h"
#include "store/base/slice.h"
#include "store/meta/config.h"

/* 'remote "x"' is {"remote", "x"}; a plain section has no top. */
struct cfg_section {
	const char *top;  /* NULL: plain */
	const char *name; /* lower-case */
	unsigned line;
};

struct cfg_item {
	struct cfg_section section;
	const char *key;   /* lower-case; NULL: the section as such */
	const char *raw;   /* as written (after %()s) */
	const char *text;  /* resolved */
	const char *lower; /* of core.remote; else text */
	bool is_list;
	unsigned line;
};

struct cfg_file {
	enum config_level level;
	bool own;
	const char *path; /* absolute; NULL: no such file at all */
	const char *dir;
	struct cfg_item *v; /* each section's head item, then its keys */
	size_t nr, cap;
};

struct config {
	struct arena arena;
	const char *dvc_dir;
	struct cfg_file files[CONFIG_LEVELS][2]; /* DVC's, ours */
	bool local_is_foreign;
};

int cfg_read_file(struct config *c, struct cfg_file *f, struct err *e) MUST_CHECK;
bool cfg_section_eq(const struct cfg_section *a, const struct cfg_section *b);
/* From the API's spelling; borrowed from text and from arena. */
struct cfg_section cfg_section_of(struct arena *a, const char *section);
/* "remote.NAME" or "core" */
char *cfg_section_text(struct arena *a, const struct cfg_section *s);
const struct cfg_item *cfg_find(const struct cfg_file *f, const struct cfg_section *s,
				const char *key);
bool cfg_is_path_key(const struct cfg_section *s, const char *key);
bool cfg_is_bare(const char *text); /* "word://", absolute or "~": not ours to resolve */
char *cfg_lower(struct arena *a, const char *s);

/* Check what levels up to and with max say together. */
int cfg_validate(const struct config *c, enum config_level max, struct strvec *warnings,
		 struct err *e) MUST_CHECK;

/* 0: plain sections come after remote, machine and db. */
int cfg_rank(const struct cfg_section *s);

#endif
