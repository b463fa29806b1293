/*
 * Features as small codes: each value of a column becomes one byte, and cuts say
 * where one code ends and the next begins. Two copies: column by column for
 * partitioning, and row by row in tiles of 64 features, rows padded so that none
 * straddles a cache line more than it must, for histograms.
 *
 * Codes of a feature are 0 .. nr - 1; code nr is a missing value. Its histogram
 * is nr + 1 words from word "hist" on.
 *
 * Rows hold slots, not features: features of few codes share one, as the digits of
 * a joint code below 256, and their histograms are sums over the joint one. Sums of
 * integers, so nothing is lost, and one update does the work of several.
 */
#ifndef TRAIN_CORE_BINS_H
#define TRAIN_CORE_BINS_H

#include "store/base/compiler.h"
#include "train/core/objective.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct comm;
struct err;
struct table;
struct team;
struct train_params;

#define BINS_MAX	255 /* values of a feature; one more code is missing */
#define BINS_TILE	64  /* slots of a tile */
#define BINS_CATEGORIES 254 /* the rest share one code, "other" */

struct bin_feature {
	uint32_t column; /* of the table */
	bool categorical;
	bool other;	  /* categorical: code nr - 1 is the rest of the categories */
	unsigned nr;	  /* codes of values */
	uint64_t missing; /* rows, over all shards */
	float *cut;	  /* numeric, nr - 1: code b holds [cut[b - 1], cut[b]) */
	size_t hist;
	uint8_t *code; /* by row */
};

struct bin_slot {
	unsigned nr;	     /* features; 1: its code is that of the feature */
	unsigned codes;	     /* of the slot */
	uint32_t feature[8]; /* the first one is the lowest digit */
	size_t hist;
};

struct bin_tile {
	size_t first, nr; /* slots */
	size_t stride;	  /* bytes from row to row */
	size_t words;	  /* from the histogram of one slot to the next */
	size_t hist;	  /* of the tile's first slot */
	uint8_t *rows;
};

struct bins {
	size_t rows;
	struct bin_feature *f; /* those that can split, by column */
	size_t nr;
	struct bin_slot *slots;
	size_t slots_nr;
	struct bin_tile *tiles;
	size_t tiles_nr;
	size_t slot_words; /* of one histogram, its slots alone: they come first */
	size_t words;	   /* of one histogram */
	size_t bytes;	   /* held, for the account */
	void *own;	   /* tiles' memory before alignment */
};

/* ERR_NOMEM, ERR_INVALID. Cuts and codes are the same for any shards and teams. */
int bins_build(struct bins *out, const struct table *t, const struct train_params *p,
	       const struct comm *comm, struct team *team, enum simd simd,
	       struct err *e) MUST_CHECK;
void bins_release(struct bins *b);

/* try_alloc for what has an element a row: in large pages, since it is read in the
 * order of leaves. */
int rows_alloc(void **out, size_t nr, size_t size, const char *what,
	       struct err *e) MUST_CHECK;

/* Histograms of features that share a slot, from that of the slot. */
void bins_share_out(const struct bins *b, uint64_t *hist);

/*
 * The cuts of n sorted values, in *nr - 1 of cut[BINS_MAX - 1]; *nr is the number
 * of codes, 0 for no value. values ascend strictly, counts are their rows; total is
 * the rows they were drawn from, missing ones included. See cuts.c for the rule.
 */
struct value_count {
	float value;
	uint32_t count;
};
void bins_cuts(float *cut, unsigned *nr, const struct value_count *v, size_t n,
	       uint64_t total, unsigned max_bin, unsigned min_data_in_bin);

/* Sort n floats (no NaN), and count equal ones; tmp has room for n as well. */
void bins_sort(float *v, float *tmp, size_t n);
size_t bins_count(struct value_count *out, const float *sorted, size_t n);

/* code[i] = number of cuts <= v[i], or missing for NaN; returns how many of those.
 * cut is padded to 256 with infinity. Twins of each other. */
size_t bins_encode(uint8_t *code, const float *v, size_t n, const float cut[256],
		   unsigned nr, enum simd simd);
#if defined(__x86_64__)
size_t bins_encode_avx2(uint8_t *code, const float *v, size_t n, const float cut[256],
			unsigned nr);
size_t bins_encode_avx512(uint8_t *code, const float *v, size_t n, const float cut[256],
			  unsigned nr);
#endif

#endif
