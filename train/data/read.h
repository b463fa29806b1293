/*
 * Files to a typed table: CSV, TSV, libsvm, NumPy .npy and .npz, plain or
 * compressed (.gz, .zst). Many files are one table, in the order given.
 *
 * Bytes are read by pread in blocks (a mapped file that shrinks kills the process),
 * parsed in chunks of 4 MiB cut at record borders, whatever the number of threads,
 * so that row numbers and messages do not depend on it. MD5 and SHA-256 are taken
 * of the very buffers that are parsed.
 *
 * Errors name file, row (from 1, the header not counted; line too where it differs)
 * and column: ragged rows, text that is no number, labels that are missing, bytes
 * that are no UTF-8 in a name, infinities that were not allowed.
 */
#ifndef TRAIN_DATA_READ_H
#define TRAIN_DATA_READ_H

#include "store/base/compiler.h"
#include "store/hash/hash.h"
#include "store/base/slice.h"
#include "train/core/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct sink;
struct team;

enum data_format {
	DATA_BY_NAME, /* by the file's name, compression first; else CSV */
	DATA_CSV,
	DATA_TSV,
	DATA_SVM,
	DATA_NPY,
	DATA_NPZ,
	DATA_PARQUET /* ERR_UNSUPPORTED says so, unless it was built in */
};

struct data_file {
	const char *path; /* shown in messages */
	int fd;		  /* open for reading; borrowed */
	enum data_format format;
	/* results */
	uint8_t md5[HASH_MD5_N], sha256[HASH_SHA256_N]; /* of the file's bytes */
	uint64_t bytes;
	uint64_t rows;
};

enum column_type {
	COLUMN_AUTO, /* numeric when every value is, else categorical */
	COLUMN_NUM,
	COLUMN_CAT,
	COLUMN_TEXT, /* kept beside the features (slices, ids) */
	COLUMN_DROP
};

struct data_options {
	const char *target;  /* column name, or NULL: no label */
	bool target_classes; /* labels are class names; else numbers */
	/* Labels were class names: these are the classes (a model's), any other is
	 * ERR_INVALID. NULL: found from the data. */
	char *const *classes;
	size_t classes_nr;
	/* The column may be absent (predict); where it is there, a label that is missing,
	 * no number or no known class is NaN. */
	bool target_optional;
	const char *weight, *group, *key;	     /* columns, or NULL */
	const char *const *include, *const *exclude; /* names or globs; NULL: all, none */
	size_t include_nr, exclude_nr;
	const struct column_choice {
		const char *name; /* or glob */
		enum column_type type;
	} * types;
	size_t types_nr;
	/* Read for a model: exactly these columns, by name, in this order, with these
	 * dictionaries; others are ignored; a missing one is ERR_INVALID. */
	const struct feature *features;
	size_t features_nr;
	bool no_header; /* CSV: columns are named f0, f1, ... */
	bool svm_zero_based;
	bool allow_inf;
	const char *const *missing; /* markers; NULL: "", NA, NaN, nan, null, ? */
	size_t missing_nr;
	bool hash; /* take MD5 and SHA-256; else they stay 0 */
	struct sink *sink;
};

/* What a file of DATA_BY_NAME is. */
int data_find_format(const struct data_file *f, enum data_format *out,
		     struct err *e) MUST_CHECK;

int data_read(struct table *out, struct data_file *files, size_t nr,
	      const struct data_options *o, struct team *team, struct err *e) MUST_CHECK;

/*
 * In pieces, for files that need not fit memory (predict): tables of at most `rows`
 * rows, one after the other. With o->features given, so that types are known. The
 * text of a piece's records (the fields as they stood, without the line end) is
 * kept for writing them again: data_stream_record (empty for .npy). Queries are not
 * read, and a piece has no hash. One stream belongs to one thread; the file's digests
 * and rows are there when data_stream_next has said 0.
 */
struct data_stream;
int data_stream_open(struct data_stream **out, struct data_file *file,
		     const struct data_options *o, size_t rows, struct err *e) MUST_CHECK;
/* 1: *out holds a piece (released by the next call), 0: the end. */
int data_stream_next(struct data_stream *s, const struct table **out,
		     struct err *e) MUST_CHECK;
struct slice data_stream_header(const struct data_stream *s);
struct slice data_stream_record(const struct data_stream *s, size_t row);
void data_stream_close(struct data_stream *s);

/* Correctly rounded: the decimal to binary64, all of s, no locale. For any text of
 * digits; "inf", "nan" and hex are not numbers here. */
bool data_number(const char *p, size_t n, double *out);

#endif
