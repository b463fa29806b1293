/*
 * Which objects do the targets name? A plan is for one remote: roots (outputs,
 * or paths inside them) are expanded through their manifests into objects, each
 * once, and the groups that say which manifest needs which members.
 */
#ifndef REMOTE_SYNC_PLAN_H
#define REMOTE_SYNC_PLAN_H

#include "remote/sync/transfer.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/base/vec.h"
#include "store/odb/oid.h"

#include <stdbool.h>

struct config;
struct err;
struct manifest;
struct out;
struct targets;

/* An output, or a path inside one, as the targets named it. */
struct plan_root {
	struct oid oid;
	const char *name;      /* in the workspace, relative to the root */
	const char *inside;    /* below name, or NULL for all of it */
	int64_t bytes, files;  /* as recorded, -1 unknown */
	const struct out *out; /* where it came from; good as long as its collection */
};

struct plan_object {
	struct transfer_item x; /* oid first */
	const char *name;
	uint8_t on_remote;    /* enum exists_state */
	bool wanted;	      /* false: only its existence matters to a manifest */
	int64_t confirmed_ns; /* by the journal, then; 0: not */
	bool here;	      /* the cache has it */
};

struct plan_group {
	size_t manifest;  /* index of its object */
	size_t first, nr; /* its members, in plan.members */
	bool fetched;	  /* bytes came from the remote and are not in the cache yet */
	struct buf bytes;
};

struct plan {
	char *remote; /* its name */
	struct arena arena;
	VEC_OF(struct plan_root) roots;
	VEC_OF(struct plan_object) objects;
	VEC_OF(struct plan_group) groups;
	VEC_OF(size_t) members;
	struct map by_oid;  /* struct oid -> index of objects */
	struct map by_root; /* name, NUL, inside, oid -> done */
};
void plan_release(struct plan *p);

/* Plans of all remotes that a command concerns. */
struct plans {
	VEC_OF(struct plan) plans;
	struct strvec warnings;
	/* Outputs that cannot be moved at all: their name and why. */
	struct strvec refused, refused_why;
};
void plans_release(struct plans *ps);

enum plan_kind {
	PLAN_PUSH, /* and status -c: what is never pushed is not asked for */
	PLAN_FETCH,
};

/*
 * Add what the targets of one tree name. remote is -r NAME or NULL; default_name
 * is the default remote, or NULL. With -r, outs bound to another remote are
 * skipped. Targets' texts are copied; struct out is borrowed.
 */
void plans_add(struct plans *ps, enum plan_kind kind, const char *remote,
	       const char *default_name, const struct targets *targets);

/* The object of oid, added if it is new; an index of p->objects. */
size_t plan_object(struct plan *p, const struct oid *oid, const char *name, bool wanted,
		   int64_t bytes);

/* Add a root whose manifest (NULL for a file) is m. Returns the group's index,
 * or MAP_NONE for a file. An inside that m does not have is ERR_NOTFOUND. */
int plan_expand(struct plan *p, const struct plan_root *root, const struct manifest *m,
		size_t *group, struct err *e) MUST_CHECK;

/* Does this root's path cover entry, a path relative to the root's name? */
bool plan_covers(const struct plan_root *root, const char *entry);

#endif
