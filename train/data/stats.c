#include "train/data/stats.h"

#include "store/base/alloc.h"
#include "train/core/table.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DISTINCT_MAX ((size_t)65536)
#define SLOTS_NR     (4 * DISTINCT_MAX)

/* A set of float bits, open addressing; a free slot is `none`, a NaN, which is no
 * value here. Once it is full it only says "at least". */
struct seen {
	uint32_t *slots, *used; /* used: which slots are not free */
	size_t nr;
};

#define SEEN_NONE 0x7fc00000u

static void seen_start(struct seen *s)
{
	for (size_t i = 0; i < s->nr; i++)
		s->slots[s->used[i]] = SEEN_NONE;
	s->nr = 0;
}

static void seen_add(struct seen *s, float v)
{
	uint32_t bits;
	size_t at;

	if (s->nr >= DISTINCT_MAX)
		return;
	memcpy(&bits, &v, sizeof(bits));
	at = (size_t)((uint64_t)bits * 0x9E3779B97F4A7C15u >> 46) & (SLOTS_NR - 1);
	for (; s->slots[at] != SEEN_NONE; at = (at + 1) & (SLOTS_NR - 1))
		if (s->slots[at] == bits)
			return;
	s->slots[at] = bits;
	s->used[s->nr++] = (uint32_t)at;
}

/* Sums in order of rows, one after the other: the same for every number of threads.
 * The second pass is about the mean, so that large values with small spread keep it. */
static void numeric(struct column_stats *out, const struct column *c, size_t rows,
		    struct seen *seen)
{
	double sum = 0, squares = 0;
	uint64_t n = 0;

	seen_start(seen);
	out->min = INFINITY;
	out->max = -INFINITY;
	for (size_t i = 0; i < rows; i++) {
		double v = (double)c->num[i];

		if (isnan(v))
			continue;
		n++;
		sum += v;
		out->min = v < out->min ? v : out->min;
		out->max = v > out->max ? v : out->max;
		out->zeros += v == 0;
		out->negatives += v < 0;
		seen_add(seen, c->num[i]);
	}
	out->missing = rows - n;
	out->distinct = seen->nr;
	if (n == 0) {
		out->min = out->max = out->mean = out->std = (double)NAN;
		return;
	}
	out->mean = sum / (double)n;
	for (size_t i = 0; i < rows; i++) {
		double d = (double)c->num[i] - out->mean;

		squares += isnan(d) ? 0 : d * d;
	}
	out->std = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

static void categorical(struct column_stats *out, const struct column *c, size_t rows)
{
	bool *seen = xcalloc(c->f.cats_nr + 1, sizeof(seen[0]));
	bool unseen = false;

	for (size_t i = 0; i < rows; i++) {
		uint32_t code = c->code[i];

		if (code == TABLE_MISSING) {
			out->missing++;
		} else if (code == TABLE_UNSEEN) {
			unseen = true;
		} else if (!seen[code]) {
			seen[code] = true;
			out->distinct++;
		}
	}
	out->distinct += unseen;
	out->min = out->max = out->mean = out->std = (double)NAN;
	free(seen);
}

void stats_columns(struct column_stats *out, const struct table *t)
{
	struct seen seen = {.slots = xmalloc(SLOTS_NR * sizeof(uint32_t)),
			    .used = xmalloc(DISTINCT_MAX * sizeof(uint32_t))};

	for (size_t i = 0; i < SLOTS_NR; i++)
		seen.slots[i] = SEEN_NONE;
	for (size_t i = 0; i < t->cols_nr; i++) {
		out[i] = (struct column_stats){.rows = t->rows};
		if (t->cols[i].f.kind == FEATURE_CATEGORICAL)
			categorical(&out[i], &t->cols[i], t->rows);
		else
			numeric(&out[i], &t->cols[i], t->rows, &seen);
		out[i].is_constant = out[i].distinct <= 1;
	}
	free(seen.slots);
	free(seen.used);
}
