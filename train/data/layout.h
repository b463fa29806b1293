/*
 * What the columns of a file are for, and the arrays that they end in.
 *
 * A use is one array of the table to be: a feature, the label, a weight. The columns
 * of the first file make the uses (or the features that a model wants do); each file
 * has a map from its own columns to them. While files are read, values are in chunks
 * (chunk.h); chunks_append moves them here. Codes are numbers of first appearance until
 * layout_finish sorts categories and classes.
 */
#ifndef TRAIN_DATA_LAYOUT_H
#define TRAIN_DATA_LAYOUT_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "train/data/dict.h"
#include "train/data/read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum use_for {
	FOR_FEATURE,
	FOR_LABEL,
	FOR_WEIGHT,
	FOR_GROUP,
	FOR_KEY,
	FOR_TEXT
};

enum use_kind {
	USE_NUM,   /* float */
	USE_WIDE,  /* double: label, weight */
	USE_CODE,  /* uint32_t, of a dictionary */
	USE_BYTES, /* uint64_t, a hash of the bytes: the key */
};

struct use {
	enum use_for what;
	enum use_kind kind;
	char *name;
	bool is_auto;	 /* a number until one is none */
	bool is_fixed;	 /* the dictionary was given */
	bool off;	 /* not in this pass */
	bool was_text;	 /* is_auto, and one was none: read again as categories */
	bool may_lack;	 /* a label that predict does not need: NaN */
	bool is_missing; /* the whole column is absent */
	struct dict dict;
	/* what was read */
	void *v;
	uint64_t missing, merged;
	bool fraction; /* a number that was not whole */
};

struct layout {
	const struct data_options *o;
	struct use *uses;
	size_t nr, cap_uses;
	size_t rows, cap;  /* of every use's array */
	bool ready;	   /* the uses stand */
	const char *first; /* the file whose columns made them */
	struct layout_names {
		char **v;
		size_t nr, cap;
	} columns; /* its names */
	struct marker_set {
		const char *const *v;
		size_t nr;
		uint64_t lengths; /* bit n: one of n bytes; bit 63: longer */
		bool numbers;	  /* one of them reads as a number */
	} missing;
};

/* A file's columns: 1 + the first use of each, and 1 + the next one of a use. */
struct layout_map {
	uint32_t *first, *next;
	size_t columns;
	char **names; /* borrowed from the caller of layout_columns */
};

void layout_init(struct layout *p, const struct data_options *o);
void layout_release(struct layout *p);

/* The file's columns, in order: makes the uses, or finds them again. Names are held
 * by the map, not copied. ERR_INVALID: missing, double, unknown names. */
int layout_columns(struct layout *p, struct layout_map *out, const char *path,
		   char **names, size_t nr, struct err *e) MUST_CHECK;
void layout_map_release(struct layout_map *m);

/* One more use, moved from where it is. Features come before all others. */
void layout_add(struct layout *p, struct use *take_use);

size_t use_width(const struct use *u);
bool layout_is_missing(const struct layout *p, const char *s, size_t n);
/* Is the text a marker of its own, or spaces around one? */
bool layout_is_missing_trimmed(const struct layout *p, const char *s, size_t n);

/* Room for so many rows in all; new ones are zero. */
int layout_reserve(struct layout *p, size_t rows, struct err *e) MUST_CHECK;

/* The uses become a table; the layout is empty of them. */
int layout_finish(struct layout *p, struct table *out, struct team *team,
		  struct err *e) MUST_CHECK;

#endif
