/*
 * A piece of text that ends at a record border, and what was read from it: for each
 * use an array of its own, categories numbered by the chunk. Chunks are parsed side
 * by side and joined in order.
 */
#ifndef TRAIN_DATA_CHUNK_H
#define TRAIN_DATA_CHUNK_H

#include "store/base/arena.h"
#include "train/data/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct team;

/* The first thing that is wrong in a chunk. */
enum bad_kind {
	BAD_NONE,
	BAD_NUMBER,   /* text in a column of numbers */
	BAD_INFINITE, /* written so */
	BAD_LARGE,    /* a number that is infinite in binary32 (or 64: label, weight) */
	BAD_MISSING,  /* of a label, a weight, a group */
	BAD_WEIGHT,   /* not above 0 */
	BAD_CLASS,    /* not among the model's */
	BAD_UTF8,
	BAD_NUL,
	BAD_LONG,      /* a text of 4 GiB */
	BAD_FIELDS,    /* another number of fields than the header */
	BAD_QUOTE,     /* text behind a closing quote */
	BAD_OPEN,      /* a quote that is not closed */
	BAD_SVM_PAIR,  /* no index:value */
	BAD_SVM_ZERO,  /* index 0, counting from 1 */
	BAD_SVM_LARGE, /* an index beyond what is taken */
	BAD_SVM_ORDER, /* not ascending */
	BAD_SVM_QID,   /* no number, or on some rows only */
	BAD_SVM_LABEL, /* none */
};

struct bad {
	enum bad_kind kind;
	size_t row; /* in the chunk */
	size_t at;  /* offset of the field in the chunk's text */
	size_t column, fields;
	struct slice text;
};

struct chunk_use {
	void *v; /* in the block */
	uint64_t missing, merged;
	bool fraction, was_text;
	/* The first infinity in a column that may yet turn out to hold names. */
	struct bad infinite;
	struct dict dict;
};

struct chunk {
	/* in */
	const char *text; /* 64 bytes behind it can be read */
	size_t n;
	bool quotes;
	bool records; /* keep where records lie */
	/* out */
	size_t rows, lines;
	struct bad bad;
	bool any_infinite;
	struct chunk_use *uses;
	size_t uses_nr;
	char *block;
	size_t block_cap;
	struct arena arena; /* unescaped fields */
	struct slice *record;
	size_t record_cap;
};

void chunk_release(struct chunk *c);
/* Ready to take up to rows rows of the layout's uses. */
int chunk_prepare(struct chunk *c, const struct layout *p, size_t rows,
		  struct err *e) MUST_CHECK;

/* The text of the row in hand. */
void chunk_record(struct chunk *c, const char *p, const char *end);

struct csv_parse {
	const struct layout *layout;
	const struct layout_map *map;
	char sep;
};

/* Rows into c->uses; c->bad says what was wrong. ERR_NOMEM. */
int csv_parse(const struct csv_parse *ps, struct chunk *c, struct err *e) MUST_CHECK;

/* Values of whole chunks, in order, behind what the layout has. */
int chunks_append(struct layout *p, struct chunk *c, size_t nr, struct team *team,
		  struct err *e) MUST_CHECK;

/* c->bad as a sentence. rows, lines: of the file before the chunk. */
int chunk_fail(const struct chunk *c, const char *path, const struct layout_map *map,
	       uint64_t rows, uint64_t lines, struct err *e);

#endif
