/*
 * Statistics of a table's columns, for a first configuration and for people.
 */
#ifndef TRAIN_DATA_STATS_H
#define TRAIN_DATA_STATS_H

#include <stddef.h>
#include <stdint.h>

struct table;

/* Of the values that are there. min to std are NaN for categories, and where all is
 * missing; std is that of a sample (n - 1). */
struct column_stats {
	uint64_t rows, missing;
	uint64_t distinct; /* exact up to 65,536, then at least that */
	double min, max, mean, std;
	uint64_t zeros, negatives;
	int is_constant; /* at most one value */
};

/* One for each column of the table, into out. */
void stats_columns(struct column_stats *out, const struct table *t);

#endif
