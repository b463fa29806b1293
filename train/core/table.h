/*
 * A typed table in memory: feature columns of binary32 values or category codes,
 * a label, and what belongs to a row beside them. train/data fills it from files;
 * the trainer, the metrics and the predictor read it. Columns are arrays of their
 * own (rows long), so that they are binned, and dropped, one by one.
 *
 * All-zero is empty. The table owns everything in it.
 */
#ifndef TRAIN_CORE_TABLE_H
#define TRAIN_CORE_TABLE_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum feature_kind {
	FEATURE_NUMERIC,
	FEATURE_CATEGORICAL,
};

/* A category's code when the field was empty, or not in the dictionary. The second
 * behaves as missing in a set test: outside. */
#define TABLE_MISSING UINT32_MAX
#define TABLE_UNSEEN  (UINT32_MAX - 1)

/* What a model must know of a column to read it again. */
struct feature {
	char *name;
	enum feature_kind kind;
	bool integer;	    /* numeric, and every value seen was a whole number */
	char **cats;	    /* categorical: bytes of code 0.., by descending count, */
	size_t cats_nr;	    /* ties by byte order */
	uint64_t *cat_rows; /* rows of each, or NULL where it is not known (a model) */
};
void feature_release(struct feature *f);
void feature_copy(struct feature *out, const struct feature *f); /* without cat_rows */

struct column {
	struct feature f;
	float *num;	/* FEATURE_NUMERIC; NaN is missing, -0 is +0, never infinite
			 * unless allowed */
	uint32_t *code; /* FEATURE_CATEGORICAL */
	uint64_t missing;
	uint64_t merged; /* rows whose value lost its identity in binary32 */
};

struct table {
	size_t rows;
	struct column *cols;
	size_t cols_nr;

	double *label; /* a number, or the class 0..classes_nr-1; NULL without target */
	char *label_name;
	char **classes; /* class names in byte order, or NULL: the label is a number */
	size_t classes_nr;
	double *weight;	    /* > 0, or NULL: all 1 */
	uint32_t *group;    /* query of each row, rows of one query adjacent, or NULL */
	uint64_t *key;	    /* row key of every draw, or NULL: first_row + index */
	uint64_t first_row; /* of a shard in the whole */
	uint64_t hash;	    /* of the parsed values in row order, whatever the format */
	/* The other columns that were asked for as text (slices, ids), or none. */
	struct text_column {
		char *name;
		char **v;    /* rows; NULL is missing; equal texts share a pointer */
		char *bytes; /* what v points into */
	} * text;
	size_t text_nr;
};

void table_release(struct table *t);

static inline uint64_t table_key(const struct table *t, size_t row)
{
	return t->key ? t->key[row] : t->first_row + row;
}

/* Content keys: a hash of the row's parsed values and label, so that the order of
 * rows does not matter; equal rows get equal keys. Replaces t->key. */
int table_content_keys(struct table *t, struct err *e) MUST_CHECK;

/* What t->hash is made of: one hash for each column (by threads, if there are), then
 * all of them with the label, weight, group and key. Names play no part. */
uint64_t table_column_hash(const struct table *t, size_t column);
uint64_t table_hash_all(const struct table *t, const uint64_t *columns);

#endif
