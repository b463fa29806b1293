/* What the files of pipeline share; for nobody else. */
#ifndef STORE_META_PIPELINE_IMPL_H
#define STORE_META_PIPELINE_IMPL_H

#include "store/meta/pipeline.h"
#include "store/meta/template.h"

struct schema;
struct value;

struct loader {
	struct stages *s;
	const char *file;
	char *dir; /* of file, "" for the root */
	struct slice yaml;
	struct pipeline_extra *extra;
	struct tmpl t;
	struct arena source;	  /* the two files as they stand */
	struct arena data;	  /* variables, and what foreach and matrix walk over */
	const struct value *lock; /* its stages, or NULL */
	size_t made;
};

extern const struct schema dvcyaml_schema;

/* A resolved definition becomes a stage of k->s, with what the lock says of it. */
int stage_from_value(struct loader *k, const char *name, const struct value *def,
		     bool parametrized, struct err *e) MUST_CHECK;

/* A dvc.lock, checked: NULL in *root only for a text that DVC would take as none. */
int lock_read(struct slice text, const char *file, struct arena *a, struct value **root,
	      struct err *e) MUST_CHECK;
/* Fill st from its entry. */
int lock_fill(struct stages *s, struct stage *st, const struct value *entry,
	      struct err *e) MUST_CHECK;
/* st's cmd as a value: a text, or a list. */
struct value *cmd_value(struct arena *a, const struct stage *st);

#endif
