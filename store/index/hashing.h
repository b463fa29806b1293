/* Digests for what a scan does not know, by odb_ingest. For index.c. */
#ifndef STORE_INDEX_HASHING_H
#define STORE_INDEX_HASHING_H

#include "store/base/compiler.h"
#include "store/index/index.h"

struct err;
struct odb;
struct pool;
struct scan;
struct sink;

struct hashing {
	struct odb *odb;
	struct scan *scan;
	struct sink *sink;
	struct pool *(*pool)(void *ctx);
	void *pool_ctx;
};

/* Fill every unknown regular file of the scan; its totals follow. ERR_CONFLICT
 * names a file that changed twice while it was read. */
int hashing_run(struct hashing *h, struct err *e) MUST_CHECK;

/* One file, name in dirfd; path is for messages. */
int hashing_one(struct odb *odb, int dirfd, const char *name, const char *path,
		enum oid_algo algo, struct index_file *f, struct err *e) MUST_CHECK;

/* ERR_INVALID with the first path that is no UTF-8. */
int hashing_bad_name(const struct scan *s, struct err *e) MUST_CHECK;

#endif
