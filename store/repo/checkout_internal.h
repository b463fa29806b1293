/*
 * A checkout in two halves: the plan, which touches nothing and knows every file
 * that will change, and its application.
 */
#ifndef STORE_REPO_CHECKOUT_INTERNAL_H
#define STORE_REPO_CHECKOUT_INTERNAL_H

#include "store/base/compiler.h"
#include "store/base/vec.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/checkout.h"

enum place_kind {
	PLACE_ADD,
	PLACE_MODIFY, /* another content is there */
	PLACE_DELETE,
	PLACE_RELINK, /* the right content, by another kind of link */
	PLACE_EXEC,   /* only the owner's x is missing */
};

enum place_state {
	PLACE_TODO = 0,
	PLACE_DONE,
	PLACE_MISSING, /* its object is nowhere */
	PLACE_FAILED,
};

#define PLACE_NONE UINT32_MAX

struct place {
	uint8_t kind, state;
	uint32_t file;	/* in the view, or PLACE_NONE */
	uint32_t entry; /* in the manifest, or PLACE_NONE */
	/* Afterwards, of what was put there: */
	uint32_t flags;
	struct filestat st;
};

/* One output (or a part of it) and what has to be done for it. */
struct checkout_out {
	const struct out *out; /* NULL: a path that nothing tracks any more */
	const char *path;
	const char *inside;
	struct oid want; /* of the whole output */
	bool want_dir, is_exec;
	bool no_hash;	  /* nothing is recorded */
	bool no_manifest; /* its listing is nowhere */
	bool is_right;	  /* nothing is to be done; the view may be gone */
	bool is_other;	  /* a FIFO or the like is in the way */
	struct index_view view;
	struct manifest m; /* one entry "" for a file */
	VEC_OF(struct place) places;
	bool failed;
};

struct checkout_plan {
	struct collection c;
	struct targets t;
	VEC_OF(struct checkout_out) outs;
	enum odb_link first_link;
};
void checkout_plan_release(struct checkout_plan *p);

/* Everything that would change; asks the fetcher for what is not here. */
int checkout_plan(struct repo *r, const struct checkout_options *o,
		  struct checkout_plan *p, struct checkout_result *res,
		  struct err *e) MUST_CHECK;

/* One output, whatever the others: what add -o and move need. */
int checkout_plan_out(struct repo *r, const struct out *out, bool relink,
		      struct checkout_out *co, struct err *e) MUST_CHECK;

/* Carry out one output's plan; its failures are told in rep and co->failed. */
int checkout_apply(struct repo *r, struct checkout_out *co, bool force,
		   struct report *rep, struct err *e) MUST_CHECK;
void checkout_out_release(struct checkout_out *co);

/* Files that would be lost: their content is in no verified object. */
int checkout_unsaved(struct repo *r, struct checkout_out *co, struct strvec *out,
		     struct err *e) MUST_CHECK;

const char *place_path(const struct checkout_out *co, const struct place *pl);

#endif
