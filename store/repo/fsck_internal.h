/* fsck: checking, and restoring from copies. */
#ifndef STORE_REPO_FSCK_INTERNAL_H
#define STORE_REPO_FSCK_INTERNAL_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/base/vec.h"
#include "store/meta/collect.h"
#include "store/repo/fsck.h"

struct index_view;
struct odb;
struct out;
struct repo;

struct fsck {
	struct repo *repo;
	const struct fsck_options *o;
	struct fsck_result *res;
	struct odb *odb;
	struct collection c;
	bool no_metadata;
	struct map told;   /* missing objects, each once */
	struct map debris; /* objects that are there by name only */
	/* What the metadata names, members too; filled when first asked for. */
	bool has_named;
	struct map named;
	/* Workspace files by their digest, gathered when one is first needed. */
	bool gathered;
	struct map by_oid;
	struct strvec copies;
};

void fsck_tell(struct fsck *f, const char *path, const struct oid *oid, const char *state,
	       const char *why);
void fsck_did(struct fsck *f, const char *path, const struct oid *oid, const char *state,
	      const char *how);

/* What an output looks like; every byte is read unless quick. */
int fsck_look(struct fsck *f, const struct out *o, struct index_view *view,
	      struct err *e) MUST_CHECK;

/*
 * Put the object in its place from a copy that verifies: a workspace file, the
 * members of a view for a listing, or the fetcher. is_wrong: bytes of another
 * digest are there, which are kept in lost+found. Not finding a copy is no error.
 */
int fsck_restore(struct fsck *f, const struct oid *oid, bool is_wrong,
		 struct err *e) MUST_CHECK;
void fsck_copies_release(struct fsck *f);

#endif
