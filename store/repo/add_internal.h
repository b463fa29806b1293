/* The steps of add, for add itself and for what ends like one (-o, move). */
#ifndef STORE_REPO_ADD_INTERNAL_H
#define STORE_REPO_ADD_INTERNAL_H

#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/base/vec.h"
#include "store/meta/collect.h"
#include "store/meta/stage.h"
#include "store/odb/oid.h"
#include "store/repo/add.h"

struct index_view;

struct add_job {
	const char *target;  /* as given */
	char *path;	     /* the same, from the root */
	struct stage *stage; /* a clone, in the plan's stages */
	struct out *out;     /* of it */
	const char *inside;  /* the part of out that is meant, or NULL; in path */
	bool is_new;	     /* nothing tracked it before */
	bool was_legacy;
	bool was_placed; /* we linked it ourselves a moment ago */
	/* What a look just now saw of out, or NULL; add_take() takes what is in it. */
	struct index_view *seen;
	struct oid old, oid;
	int64_t bytes;
	char *ignore_file; /* a .gitignore that we changed for it, from the root */
	bool saved;
};

struct add_plan {
	struct collection c;
	struct stages all; /* the graph as it will be; clones and the collection's */
	struct map cloned; /* stage file -> its clone's index in all */
	VEC_OF(struct add_job) jobs;
};
void add_plan_release(struct add_plan *p);

/* No component of the path, the last included, may be a link to a directory. */
int add_refuse_links(struct repo *r, const char *path, struct err *e) MUST_CHECK;
int add_plan(struct repo *r, const char *const *targets, size_t nr, struct add_plan *p,
	     struct err *e) MUST_CHECK;
int add_take(struct repo *r, struct stages *s, struct add_job *job,
	     const struct add_options *o, struct report *rep, struct err *e) MUST_CHECK;
int add_save(struct repo *r, struct stages *s, struct add_job *job, struct report *rep,
	     struct err *e) MUST_CHECK;
void add_undo(struct repo *r, struct add_plan *p);

/* -o: copy one source into place, then add that. */
int add_to(struct repo *r, const struct add_options *o, struct add_plan *p,
	   struct report *rep, struct err *e) MUST_CHECK;

#endif
