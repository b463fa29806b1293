/*
 * NumPy's arrays: .npy (versions 1 to 3) of numbers in one or two dimensions, in C or
 * Fortran order, of either byte order; and .npz, a zip file of them, stored or
 * deflated. Columns of an .npy are f0, f1, ...; of an .npz each array of one
 * dimension is a column of its own name, and one of two is f0, f1, ... (NAME_0,
 * NAME_1, ... where there are several).
 */
#ifndef TRAIN_DATA_NPY_H
#define TRAIN_DATA_NPY_H

#include "train/data/reader.h"

struct err;
struct data_stream;

struct npy {
	char kind;     /* 'f', 'i', 'u', 'b' */
	unsigned size; /* bytes of one number */
	bool swap;     /* not this machine's byte order */
	bool fortran;
	bool is_wide; /* two dimensions */
	uint64_t rows, columns;
	size_t header; /* bytes before the data */
};

/* The longest header that is read. */
#define NPY_HEADER_MAX ((size_t)1 << 20)

/*
 * The header at p[0..n) of a file of size bytes (UINT64_MAX: not known).
 * ERR_UNSUPPORTED for types that are no numbers or more than two dimensions. *need is
 * set, and out is not, where more than n bytes of header are there.
 */
int npy_header(struct npy *out, const void *p, size_t n, size_t *need, const char *path,
	       struct err *e) MUST_CHECK;

/* Where numbers go: the uses of each of the array's columns. */
struct npy_sink {
	struct layout *layout;
	const struct layout_map *map;
	size_t column;	 /* of the map: the array's first */
	size_t row;	 /* of the layout: the array's first */
	int64_t **whole; /* for each use: room for whole numbers of categories and keys */
	const char *path;
	bool allow_inf;
};

struct npy_stat {
	uint64_t missing, merged;
	bool fraction;
};

/* Numbers [from, from + nr) of the array, in its order, at p. stat: for each use. */
int npy_numbers(const struct npy_sink *k, const struct npy *a, const char *p,
		uint64_t from, uint64_t nr, struct npy_stat *stat,
		struct err *e) MUST_CHECK;

/* Room for rows more of the layout's uses, and for the whole numbers among them. */
int npy_sink_start(struct npy_sink *k, uint64_t rows, struct err *e) MUST_CHECK;
/* Whole numbers become categories and keys; what was counted is added. */
int npy_sink_end(struct npy_sink *k, uint64_t rows, const struct npy_stat *stat,
		 struct err *e) MUST_CHECK;
void npy_sink_release(struct npy_sink *k);

int npy_read(struct reading *rd, struct data_file *f, struct err *e) MUST_CHECK;
int npz_read(struct reading *rd, struct data_file *f, struct err *e) MUST_CHECK;

#endif
