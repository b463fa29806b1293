/* The readers of one format each, called by data_read for file after file. */
#ifndef TRAIN_DATA_READER_H
#define TRAIN_DATA_READER_H

#include "store/base/compiler.h"
#include "train/data/chunk.h"
#include "train/data/read.h"
#include "train/data/slab.h"

struct err;
struct team;

/* What files of one data_read share. */
struct reading {
	struct layout *layout;
	const struct data_options *o;
	struct team *team;
	uint64_t bytes_before, bytes_all; /* of the files, for an estimate of rows */
	bool again;			  /* a second pass: types are settled */
};

/* Room for rows more; by what was read so far it is guessed how many there will be. */
int reading_reserve(struct reading *r, size_t more, int64_t at, struct err *e) MUST_CHECK;

int csv_read(struct reading *r, struct data_file *f, char sep, struct err *e) MUST_CHECK;

/* The front of a file, long enough to hold the header, uncut; src was just opened. */
struct source;
int csv_first_slab(struct slab *s, struct source *src, const struct data_file *f,
		   const struct slab_rule *rule, size_t want, bool hash,
		   struct err *e) MUST_CHECK;
size_t csv_header_at(const struct slab *s); /* behind mark and blank lines */

/* The column names of a CSV file; *skip: bytes of mark and header before the first
 * row, *lines: lines of them. Names are the caller's to free. */
struct csv_names {
	char **v;
	size_t nr, cap;
};
void csv_names_release(struct csv_names *n);
int csv_header(struct csv_names *out, const struct slab *s, const char *path,
	       const struct data_options *o, char sep, size_t *skip, size_t *lines,
	       struct err *e) MUST_CHECK;

#endif
