/*
 * Progress as files, in DVCLive's shape: DIR/metrics.json with the latest values and
 * DIR/plots/metrics/{train,validation}/METRIC.tsv with one row a round. Editors and
 * `dvc plots show` read them while a training runs. They hold no time, so that two
 * runs of the same data leave the same bytes.
 */
#ifndef TRAIN_RUN_LIVE_H
#define TRAIN_RUN_LIVE_H

#include "store/base/compiler.h"
#include "store/base/fs.h"
#include "store/base/slice.h"
#include "train/core/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct live_round {
	double train, valid; /* NaN: not computed */
};

struct live {
	int rootfd; /* borrowed */
	char *dir;  /* from the root; NULL: nothing is written */
	const char *metric;
	char *name; /* of it, fit for a file */
	struct live_round *v;
	size_t nr, cap;
	bool is_clear;	 /* of what an earlier run left */
	int64_t next_ns; /* when files are due again */
};

void live_begin(struct live *l, int rootfd, const char *dir); /* copies dir */
void live_release(struct live *l);
/* One more round; files are written at most once a second. */
int live_add(struct live *l, const struct train_round *r, struct err *e) MUST_CHECK;
/* Write them now. The first time takes away what an earlier run left in
 * DIR/plots/metrics (.tsv files only). */
int live_flush(struct live *l, enum fs_sync sync, struct err *e) MUST_CHECK;
/* Is there anything to be seen? */
bool live_has_rows(const struct live *l);

/* The rounds so far as bytes, for a checkpoint, and back. */
void live_save(const struct live *l, struct buf *out);
bool live_load(struct live *l, struct slice *from);

#endif
