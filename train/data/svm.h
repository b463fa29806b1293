/*
 * libsvm: "LABEL [qid:N] INDEX:VALUE ... [# comment]" a line, indices ascending from
 * 1 (or 0). What is not written is 0. Index i is column f(i - 1), so that the same
 * values make the same table as CSV without a header and as .npy.
 */
#ifndef TRAIN_DATA_SVM_H
#define TRAIN_DATA_SVM_H

#include "train/data/reader.h"

struct err;

#define SVM_COLUMNS_MAX ((size_t)1 << 20)

/* Columns by index, all of one length; NULL: nobody wants it. */
struct svm_columns {
	struct svm_column {
		float *v;
		bool unwanted, fraction;
		uint64_t missing, merged;
	} * col;
	size_t nr, rows, cap;
};

/* How lines are read, the same for all chunks of a file. */
struct svm_parse {
	struct layout *head;	      /* label and query */
	const struct layout_map *map; /* of it: column 0 the label, 1 the query */
	struct svm_columns *columns;
	unsigned base; /* of the first index: 1 or 0 */
	bool has_qid;
	bool allow_inf;
};

/* What a chunk has, found before it is parsed. */
struct svm_extent {
	size_t rows, columns;
};

struct svm_stat {
	uint32_t merged, missing;
	bool fraction;
};

struct svm_extent svm_measure(const char *p, size_t n, unsigned base);
/* Rows of the chunk into the columns from row `at` on, label and query into the
 * chunk's uses. stat: one for each column. */
int svm_parse(const struct svm_parse *ps, struct chunk *c, size_t at,
	      struct svm_stat *stat, struct err *e) MUST_CHECK;
/* Does the first row of the text have a query? */
bool svm_first_qid(const char *p, size_t n);

/* Columns, and rows with room for guess of them; what is new is 0. */
int svm_columns_grow(struct svm_columns *x, size_t columns, size_t rows, size_t guess,
		     struct err *e) MUST_CHECK;
void svm_columns_release(struct svm_columns *x);

/* Only what o's model wants is kept. */
void svm_want(struct svm_columns *x, const struct data_options *o);
/* The options for label and query alone, and for the rest. */
struct data_options svm_head_options(const struct data_options *o, bool has_qid);
struct data_options svm_rest_options(const struct data_options *o);
/* Columns and the head's uses become those of p, whose options are the rest's. */
int svm_give(struct layout *p, struct layout *head, struct svm_columns *x,
	     const char *path, const char *target, struct err *e) MUST_CHECK;
/* One of them. */
int svm_give_column(struct layout *p, struct use *u, struct svm_columns *x,
		    const char *path, struct err *e) MUST_CHECK;
/* Numbers become the text of whole numbers in a dictionary: v of rows from `at` on,
 * NaN is missing. ERR_INVALID: one is not whole. */
int categories_of(struct use *u, const float *v, size_t at, size_t rows, const char *path,
		  struct err *e) MUST_CHECK;

int svm_read(struct reading *rd, struct data_file *files, size_t nr,
	     struct err *e) MUST_CHECK;

#endif
