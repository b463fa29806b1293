/* Inside data_stream: what a format gives to it. */
#ifndef TRAIN_DATA_STREAM_H
#define TRAIN_DATA_STREAM_H

#include "store/base/buf.h"
#include "train/data/reader.h"
#include "train/data/source.h"

struct err;

struct data_stream {
	struct data_file *f;
	struct data_options o; /* as they were given */
	size_t rows_max;
	struct layout layout;
	struct source src;
	struct buf header;
	uint64_t rows, lines; /* of the file, before what is in hand */
	/* What is in hand: the layout's rows from `at` on are not given out yet. */
	size_t at;
	struct slice *record; /* of each, or NULL */
	struct table view;
	double *label; /* of classes */
	char ***texts; /* of each text column: one for a row */
	struct arena arena;
	bool ended;
	/* More rows into the (empty) layout; none at the end. */
	int (*fill)(struct data_stream *s, struct err *e);
	void (*close)(struct data_stream *s);
	void *ctx;
};

int stream_csv(struct data_stream *s, char sep, struct err *e) MUST_CHECK;
int stream_svm(struct data_stream *s, struct err *e) MUST_CHECK;
int stream_npy(struct data_stream *s, struct err *e) MUST_CHECK;

#endif
