/* From what a scan saw to a view and, for the record, back. For index.c. */
#ifndef STORE_INDEX_VIEW_H
#define STORE_INDEX_VIEW_H

#include "store/index/index.h"

#include <stdint.h>

struct index_dir;
struct scan;

/* All files below top in memcmp order of their whole paths; copies everything. */
void view_fill(struct index_view *v, const struct index_dir *top, uint64_t files_nr);
void view_fill_one(struct index_view *v, const struct index_file *f);

/* Keep what was seen of the directories themselves. */
void view_keep_dirs(struct index_view *v, const struct scan *s);

/* A tree to record. Entries not older than marker_ns are racy. */
struct index_dir *view_tree(const struct index_view *v, int64_t marker_ns,
			    uint64_t *fingerprint);

#endif
