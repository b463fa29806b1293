/*
 * Texts to numbers 0.. in order of first appearance, with counts: the categories of a
 * column while it is read. Keys are borrowed, or copied into the dictionary's arena.
 * Not thread-safe; dict_get of one that rests is.
 */
#ifndef TRAIN_DATA_DICT_H
#define TRAIN_DATA_DICT_H

#include "store/base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DICT_NONE UINT32_MAX

/* Most names are short: their bytes are beside the hash, not far away in a text. */
struct dict_entry {
	const char *p;
	uint64_t head; /* all of up to 8 bytes, the first 8 of more */
	uint32_t n, hash;
	uint64_t rows;
};

struct dict {
	struct dict_entry *v;
	size_t nr, cap;
	uint32_t *slots; /* 1 + index into v; 0 is free */
	size_t slots_n;	 /* a power of two */
	struct arena keys;
};

void dict_release(struct dict *d);
void dict_reset(struct dict *d); /* empty, memory kept; for borrowed keys */
uint32_t dict_hash(const char *p, size_t n);
/* The number of the text, a new one if need be. Its rows are the caller's to count. */
uint32_t dict_put(struct dict *d, const char *p, size_t n, uint32_t hash, bool copy);
uint32_t dict_get(const struct dict *d, const char *p, size_t n); /* or DICT_NONE */

#endif
