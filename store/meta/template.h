/*
 * ${} in dvc.yaml: the variables that are known and what texts become by them.
 * For the room's own files only.
 */
#ifndef STORE_META_TEMPLATE_H
#define STORE_META_TEMPLATE_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct strvec;
struct tree;
struct value;

/* What kind of failure it was: DVC words its prefix by it. */
enum tmpl_fault {
	TMPL_OTHER = 0,
	TMPL_PARSE,  /* an expression, or what it gives, is wrong */
	TMPL_MERGE,  /* a leaf is defined twice */
	TMPL_LOADED, /* a file is loaded twice */
	TMPL_ABSENT, /* no such variable */
};

struct tmpl_source {
	const char *name;
	const struct value *tree;
};

struct tmpl_import {
	const char *path;
	bool whole;
	const char **keys; /* of a partial one */
	size_t nr;
};

/* Read once a pipeline, whoever asks. */
struct tmpl_files {
	struct arena arena;
	struct map at; /* path -> index */
	const struct value **v;
	size_t nr, cap;
};

struct tmpl {
	struct tree *tree;
	struct arena *arena; /* where results go */
	struct value *vars;  /* merged */
	struct {
		struct tmpl_source *v;
		size_t nr, cap;
	} sources;
	struct {
		struct tmpl_import *v;
		size_t nr, cap;
	} imports;
	/* foreach and matrix: over the variables, and reserved. */
	const struct value *item, *key;
	unsigned flags; /* PIPELINE_ */
	size_t *budget; /* bytes that may still be made; shared by clones */
	struct tmpl_files *files;
	enum tmpl_fault fault; /* of the last failure */
	bool used;	       /* the last resolving replaced something */
};

void tmpl_files_release(struct tmpl_files *f);
void tmpl_release(struct tmpl *t);
/* The same variables in a new arena, to add a stage's own. */
int tmpl_clone(struct tmpl *to, const struct tmpl *from, struct arena *arena,
	       struct err *e) MUST_CHECK;

/*
 * vars: of a dvc.yaml (stage NULL, and params.yaml beside it first) or a stage.
 * dir is relative to the root, "" for it.
 */
int tmpl_load(struct tmpl *t, const struct value *vars, const char *dir,
	      const char *stage, struct err *e) MUST_CHECK;

bool tmpl_has(const struct tmpl *t, const char *name);

/* Does any text in v hold a ${}? */
bool tmpl_is_interpolated(const struct value *v);
/* Every expression in v is well formed. */
int tmpl_check(struct tmpl *t, const struct value *v, struct err *e) MUST_CHECK;
/*
 * v with everything replaced, in t->arena. key is the stage's key that v stands
 * under ("cmd" lets a map expand to options); NULL: lists and maps are fine.
 */
int tmpl_resolve(struct tmpl *t, const struct value *v, const char *key,
		 struct value **out, struct err *e) MUST_CHECK;

/* A scalar in text and in names: true, None, 1e-05. */
void tmpl_text(const struct value *v, struct buf *out);
const char *tmpl_type_name(const struct value *v); /* Python's */
bool tmpl_spend(struct tmpl *t, size_t bytes);	   /* false: too much */
int tmpl_fail_budget(struct err *e);

#endif
