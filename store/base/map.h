/*
 * The two maps: from a byte string, and from a fixed-size key such as a digest,
 * to a size_t. Flat open addressing over xxhash; iteration is in insertion
 * order and an entry's index never changes. There is no removal: set the value
 * to MAP_NONE and test for it. Not thread-safe.
 */
#ifndef STORE_BASE_MAP_H
#define STORE_BASE_MAP_H

#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_NONE SIZE_MAX

struct map_entry {
	size_t key_at; /* offset of the key bytes in keys */
	size_t key_n;
	size_t value;
};

struct map {
	struct map_entry *v; /* insertion order */
	size_t nr, cap;
	char *keys;
	size_t keys_n, keys_cap;
	uint32_t *table; /* 1 + index into v; 0 is free */
	size_t table_n;	 /* a power of two */
};

void map_release(struct map *m);
void map_reserve(struct map *m, size_t nr);

/* The value of key, or MAP_NONE. */
size_t map_get(const struct map *m, struct slice key);
bool map_has(const struct map *m, struct slice key);

/* Set key to value; the key bytes are copied. Returns true if it was new. */
bool map_set(struct map *m, struct slice key, size_t value);

/* A place for key's value, MAP_NONE at first. Valid until the next insertion. */
size_t *map_at(struct map *m, struct slice key);

struct slice map_key(const struct map *m, size_t index);

/* Maps from fixed-size keys are the same with the size kept by the caller. */
#define MAP_KEY(obj) ((struct slice){(const char *)&(obj), sizeof(obj)})

#endif
