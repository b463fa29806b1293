/*
 * Object ids: what DVC calls a hash. MD5 of the bytes (3.x), or MD5 after
 * dos2unix (2.x, the legacy half of a cache), with ".dir" for a manifest.
 */
#ifndef STORE_ODB_OID_H
#define STORE_ODB_OID_H

#include "store/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum oid_algo {
	OID_NONE = 0, /* the empty value: no digest known */
	OID_MD5,
	OID_LEGACY, /* md5-dos2unix, objects directly under the cache root */
};

struct oid {
	uint8_t b[16];
	uint8_t algo; /* enum oid_algo */
	bool is_dir;
};

#define OID_TEXT_MAX 37 /* 32 digits, ".dir", NUL */

static inline bool oid_known(const struct oid *oid)
{
	return oid->algo != OID_NONE;
}

bool oid_eq(const struct oid *a, const struct oid *b); /* bytes, algo and is_dir */
int oid_cmp(const struct oid *a, const struct oid *b); /* bytes first */

/* Exactly 32 lower-case digits, optionally ".dir"; false for all else, as DVC
 * looks such a text up verbatim and finds nothing. */
bool oid_parse(struct slice text, enum oid_algo algo, struct oid *out);
char *oid_text(const struct oid *oid, char out[OID_TEXT_MAX]); /* returns out */

/* Relative path below a cache or remote root: "files/md5/5d/4140..." for
 * OID_MD5, "5d/4140..." for OID_LEGACY. */
#define OID_PATH_MAX 64
char *oid_path(const struct oid *oid, char out[OID_PATH_MAX]);

#endif
