/*
 * One side of a comparison: every tracked output of a tree and, where wanted, the
 * files in it, as one list sorted by path. Sides are compared entry by entry.
 */
#ifndef STORE_REPO_SIDE_H
#define STORE_REPO_SIDE_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/base/vec.h"
#include "store/meta/collect.h"
#include "store/odb/oid.h"
#include "store/repo/diff.h"

struct repo;

struct side_entry {
	const char *path; /* from the root, no '/' at its end */
	struct oid oid;	  /* OID_NONE: no hash */
	bool is_dir;
};

struct side {
	struct arena arena;
	VEC_OF(struct side_entry) v;
	struct map unknown; /* directories whose listing is nowhere */
	bool sorted;
};
void side_release(struct side *s);

/* A path that is asked for: an output, or something in it. NULL list: all. */
struct side_filter {
	const char *const *paths; /* from the root */
	size_t nr;
};

enum side_flags {
	SIDE_FILES = 1u << 0, /* members of directories too */
};

/*
 * Outputs whose files need no list, because they are the same on every side that is
 * compared: such a one is unchanged if its digest is. Side effects of listing (what
 * is not in the cache) are kept here instead.
 */
struct side_settled {
	const struct collection *other; /* must record the same digest too; may be NULL */
	struct map outs;		/* paths of those that are settled */
	struct strvec not_in_cache;	/* their files that the cache lacks */
};
void side_settled_release(struct side_settled *s);

/* What the metadata of c says. */
int side_recorded(struct repo *r, const struct collection *c, const struct side_filter *f,
		  unsigned flags, const struct side_settled *settled, struct side *out,
		  struct err *e) MUST_CHECK;
/* What the workspace holds of the outputs of c. settled, unless NULL, is filled. */
int side_workspace(struct repo *r, const struct collection *c,
		   const struct side_filter *f, unsigned flags,
		   struct side_settled *settled, struct side *out,
		   struct err *e) MUST_CHECK;

enum side_change {
	SIDE_UNCHANGED,
	SIDE_ADDED,
	SIDE_DELETED,
	SIDE_MODIFIED,
	SIDE_UNKNOWN,
};
struct side_pair {
	enum side_change change;
	const struct side_entry *old, *new; /* either may be NULL */
};
struct side_pairs {
	struct side_pair *v;
	size_t nr, cap;
};
/* Every path of both sides, in order. hash_only: whether an entry is there does
 * not count, only whether it has a hash. */
void side_compare(struct side *old, struct side *new, bool hash_only,
		  struct side_pairs *out);

/*
 * Pair deletions with additions of the same hash: old and new of such a pair are
 * put into renamed, and both changes are set to SIDE_UNCHANGED.
 */
void side_renames(struct side_pairs *p, struct arena *a, struct diff_list *renamed);

/* As shown: directories with a '/' at the end. */
const char *side_shown(struct arena *a, const struct side_entry *e);
const char *side_hash(struct arena *a, const struct side_entry *e); /* NULL: none */
void diff_list_sort(struct diff_list *l);
void diff_list_add(struct diff_list *l, struct arena *a, const struct side_entry *old,
		   const struct side_entry *new);

#endif
