/*
 * What shape a metadata file must have, as tables; the first failure is told in
 * DVC's words with its place. For the rooms' own files only.
 */
#ifndef STORE_META_SCHEMA_H
#define STORE_META_SCHEMA_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct value;

enum schema_accepts {
	ACCEPT_NULL = 1u << 0,
	ACCEPT_STR = 1u << 1,
	ACCEPT_INT = 1u << 2,
	ACCEPT_BOOL = 1u << 3,
	ACCEPT_CHECKSUM = 1u << 4, /* null, "", or a text or integer of 3 characters */
	ACCEPT_LIST = 1u << 5,
	ACCEPT_MAP = 1u << 6,
	ACCEPT_ANY = 1u << 7,
};

struct schema_key;
struct schema {
	unsigned accepts;
	const struct schema *item;     /* of a list; NULL: anything */
	const struct schema *value;    /* of a map with any text for keys */
	const struct schema_key *keys; /* of a map with these keys only */
	size_t max_nr;		       /* of a map's pairs; 0: any */
	const char *equal;	       /* the one text it may be */
	const struct schema *alt;      /* instead, for a map that has one of alt_if */
	const char *const *alt_if;
};
struct schema_key {
	const char *name; /* NULL ends */
	const struct schema *schema;
	bool required;
};

/* Shared pieces. */
extern const struct schema schema_any, schema_str, schema_bool, schema_int, schema_dict,
	schema_str_list, schema_checksum, schema_cloud, schema_files;

/*
 * Read text as YAML into a and check it. A document that is empty or falsy gives
 * NULL in *root. ERR_CORRUPT, with the reason, the key path, line and column.
 */
int schema_read(const struct schema *s, struct slice text, const char *file,
		struct arena *a, struct value **root, struct err *e) MUST_CHECK;

/* One more thing that a schema cannot say, told the same way. */
int schema_fail(const char *file, struct slice text, const struct value *at,
		const char *place, const char *why, struct err *e);

#endif
