/*
 * Directory manifests: the ".dir" objects, byte for byte as DVC writes them
 * (docs/format/manifest.md). Parsing takes any JSON spelling; writing gives the
 * one form whose MD5 is the object's name.
 */
#ifndef STORE_ODB_MANIFEST_H
#define STORE_ODB_MANIFEST_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/odb/oid.h"

struct buf;
struct err;

struct manifest_entry {
	const char *path; /* terminated, '/'-separated, relative to the directory */
	uint32_t path_n;
	struct oid oid; /* never is_dir */
	int64_t size;	/* -1 when the manifest does not tell */
};

struct manifest {
	struct arena arena; /* holds the paths */
	struct manifest_entry *v;
	size_t nr, cap;
};

void manifest_release(struct manifest *m);
void manifest_add(struct manifest *m, const char *path, const struct oid *oid,
		  int64_t size);
void manifest_sort(struct manifest *m); /* memcmp order of whole paths */
const struct manifest_entry *manifest_find(const struct manifest *m, struct slice path);

/*
 * Members get algo. Bounded: each path is checked by path_check_tracked, a path
 * twice, a path that is both file and directory, bad UTF-8, or a digest that is
 * none is ERR_CORRUPT with the entry's index. The result is sorted. Entries with
 * "etag" instead of "md5" (imports) are ERR_UNSUPPORTED.
 */
int manifest_parse(struct slice json, enum oid_algo algo, struct manifest *out,
		   struct err *e) MUST_CHECK;

/* Sorted entries as DVC's JSON; a name that is no UTF-8 is ERR_INVALID. */
int manifest_write(const struct manifest *m, struct buf *out, struct err *e) MUST_CHECK;

/* The oid of the manifest's bytes (is_dir set), without keeping them. */
int manifest_oid(const struct manifest *m, enum oid_algo algo, struct oid *out,
		 struct err *e) MUST_CHECK;

#endif
