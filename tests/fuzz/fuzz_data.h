/* Bytes as a data file: read whole, and again in pieces with what was found. */
#ifndef TESTS_FUZZ_FUZZ_DATA_H
#define TESTS_FUZZ_FUZZ_DATA_H

#include "store/base/compiler.h"
#include "store/fmt/inflate.h"
#include "train/data/read.h"
#include "train/data/stats.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The tables must agree: what was read once is read in pieces. */
static void fuzz_pieces(struct data_file *f, const struct table *t)
{
	struct feature *want = calloc(t->cols_nr + 1, sizeof(*want));
	struct data_options o = {.features_nr = t->cols_nr};
	struct data_stream *s;
	const struct table *piece;
	size_t rows = 0;

	for (size_t i = 0; i < t->cols_nr; i++)
		want[i] = t->cols[i].f;
	o.features = want;
	if (data_stream_open(&s, f, &o, 3, NULL) == 0) {
		while (data_stream_next(s, &piece, NULL) > 0)
			rows += piece->rows;
		if (rows != t->rows)
			abort();
		data_stream_close(s);
	}
	free(want);
}

/* Six digits in a row may ask for a million columns, which only takes time. */
UNUSED static bool fuzz_is_wide(const uint8_t *data, size_t n)
{
	size_t run = 0;

	for (size_t i = 0; i < n; i++) {
		run = data[i] >= '0' && data[i] <= '9' ? run + 1 : 0;
		if (run == 6)
			return true;
	}
	return false;
}

static void fuzz_read(const char *path, const uint8_t *data, size_t n)
{
	struct data_file f = {.path = path, .fd = memfd_create("fuzz", MFD_CLOEXEC)};
	struct data_options o = {.hash = true};
	struct column_stats *stats;
	struct table t = {0};
	enum inflate_kind kind;

	/* What is compressed may be large inside: its own limits, not these. */
	if (f.fd < 0 || write(f.fd, data, n) != (ssize_t)n ||
	    inflate_magic(data, n, &kind))
		goto out;
	if (data_read(&t, &f, 1, &o, NULL, NULL) == 0) {
		stats = calloc(t.cols_nr + 1, sizeof(*stats));
		stats_columns(stats, &t);
		free(stats);
		fuzz_pieces(&f, &t);
		table_release(&t);
	}
out:
	close(f.fd);
}

#endif
