/*
 * Where one bin ends and the next begins: equal frequency, except for values that
 * are heavy enough to fill a bin themselves. All compares are of integers, so a
 * shard, a compiler or a thread has no say.
 */
#include "train/core/bins.h"

#include "store/base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Floats as integers of the same order, and back. */
static uint32_t ordered(float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof(u));
	return u & 0x80000000u ? ~u : u | 0x80000000u;
}

static float unordered(uint32_t u)
{
	float v;

	u = u & 0x80000000u ? u & 0x7fffffffu : ~u;
	memcpy(&v, &u, sizeof(v));
	return v;
}

/* Radix sort, 11 bits a pass; a pass in which all fall into one box is left out. */
void bins_sort(float *v, float *tmp, size_t n)
{
	uint32_t count[3][2048] = {{0}};
	uint32_t *a = (uint32_t *)(void *)v, *b = (uint32_t *)(void *)tmp, *swap;
	static const unsigned shift[3] = {0, 11, 22};

	for (size_t i = 0; i < n; i++) {
		float x;
		uint32_t u;

		memcpy(&x, &a[i], sizeof(x));
		u = ordered(x);
		memcpy(&a[i], &u, sizeof(u));
		for (unsigned k = 0; k < 3; k++)
			count[k][u >> shift[k] & 2047]++;
	}
	for (unsigned k = 0; k < 3 && n > 0; k++) {
		uint32_t at = 0;

		if (count[k][a[0] >> shift[k] & 2047] == n)
			continue;
		for (unsigned d = 0; d < 2048; d++) {
			uint32_t c = count[k][d];
			count[k][d] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			b[count[k][a[i] >> shift[k] & 2047]++] = a[i];
		swap = a, a = b, b = swap;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = unordered(a[i]);
}

size_t bins_count(struct value_count *out, const float *sorted, size_t n)
{
	size_t nr = 0;

	for (size_t i = 0; i < n; i++) {
		if (nr > 0 && out[nr - 1].value == sorted[i])
			out[nr - 1].count++;
		else
			out[nr++] = (struct value_count){sorted[i], 1};
	}
	return nr;
}

/* The float T with a < T <= b nearest to the middle. A difference that overflows,
 * or that of two infinities, gives no such m: then it is b. */
static float cut_between(float a, float b)
{
	float m = a + (b - a) / 2;

	return a < m && m <= b ? m : b;
}

/* Bins and rows that are left for the light values. */
struct light {
	uint64_t bins, rows;
};

/*
 * The smallest count that makes a value heavy. Heavy values take their rows and a
 * bin each away from the others, whose share only falls by it: c >= n / B gives
 * (n - c) / (B - 1) <= n / B. So the set grows until nothing more joins, and a
 * bin stays for the light ones as long as there are any.
 */
static uint64_t heavy_count(const struct value_count *v, size_t n, struct light *left)
{
	uint64_t least = UINT64_MAX;

	for (;;) {
		uint64_t share = (left->rows + left->bins - 1) / left->bins;
		struct light next = *left;

		for (size_t i = 0; i < n; i++)
			if (v[i].count >= share && v[i].count < least) {
				next.bins--;
				next.rows -= v[i].count;
			}
		if (next.bins == left->bins)
			return least;
		least = share;
		*left = next;
	}
}

/* Is 0 inside, and does it have a share of the rows worth a bin? */
static bool zero_apart(const struct value_count *v, size_t n, uint64_t total)
{
	if (!(v[0].value < 0 && v[n - 1].value > 0))
		return false;
	for (size_t i = 0; i < n; i++)
		if (v[i].value == 0)
			return (uint64_t)v[i].count * 255 >= total;
	return false;
}

/*
 * ends[i]: a bin ends behind value i. A heavy value closes the running bin and has
 * one alone, unless that bin is too small (it joins) or light values still to come
 * would be left without a bin (it joins, and its bin is theirs).
 */
static void close_bins(bool *ends, const struct value_count *v, size_t n, uint64_t total,
		       unsigned max_bin, unsigned min_data)
{
	struct light left = {.bins = max_bin, .rows = 0};
	bool zero = zero_apart(v, n, total);
	uint64_t heavy, run = 0;

	for (size_t i = 0; i < n; i++)
		left.rows += v[i].count;
	heavy = heavy_count(v, n, &left);
	for (size_t i = 0; i < n; i++) {
		bool is_heavy = v[i].count >= heavy, is_zero = zero && v[i].value == 0;

		if (is_zero && !is_heavy && left.bins > 1) {
			is_heavy = true;
			left.bins--;
			left.rows -= v[i].count;
		}
		if (is_heavy && run == 0) {
			ends[i] = true;
			continue;
		}
		if (is_heavy && (run >= min_data || is_zero) && left.bins > 1) {
			left.bins--;
			left.rows -= run;
			run = 0;
			ends[i - 1] = ends[i] = true;
			continue;
		}
		if (is_heavy) { /* joins the running bin; its own is given back */
			left.bins++;
			left.rows += v[i].count;
		}
		run += v[i].count;
		if (left.bins > 1 && run >= min_data &&
		    (is_heavy || run * left.bins >= left.rows)) {
			left.bins--;
			left.rows -= run;
			run = 0;
			ends[i] = true;
		}
	}
}

void bins_cuts(float *cut, unsigned *nr, const struct value_count *v, size_t n,
	       uint64_t total, unsigned max_bin, unsigned min_data_in_bin)
{
	bool *ends;
	unsigned bins = 0;

	*nr = n > 0;
	if (n <= 1)
		return;
	ends = xcalloc(n, sizeof(*ends));
	if (n <= max_bin)
		memset(ends, true, n);
	else
		close_bins(ends, v, n, total, max_bin, min_data_in_bin);
	for (size_t i = 0; i + 1 < n; i++)
		if (ends[i])
			cut[bins++] = cut_between(v[i].value, v[i + 1].value);
	*nr = bins + 1;
	free(ends);
}
