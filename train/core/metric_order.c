/*
 * Metrics that look at rows in order of their score: area under the ROC curve with
 * DeLong's interval, average precision, calibration. Equal scores form one group
 * and are counted together, so that no order of rows shows.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/metric_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z95 1.959963984540054

#define DIGIT_BITS 11
#define DIGIT_NR   (1u << DIGIT_BITS)
#define PASSES	   6

/* Sorts like the value; -0 like 0. */
static uint64_t key_of(double v)
{
	uint64_t bits;

	v += 0.0;
	memcpy(&bits, &v, sizeof(bits));
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

/* By the least digit first. A digit that all keys share, as the low ones of margins
 * on a grid are, costs one pass of counting for all of them. */
static void radix_sort(struct metric_scored **v, struct metric_scored **spare, size_t nr,
		       size_t (*counts)[DIGIT_NR])
{
	for (size_t i = 0; i < nr; i++)
		for (unsigned d = 0; d < PASSES; d++)
			counts[d][(*v)[i].key >> (d * DIGIT_BITS) & (DIGIT_NR - 1)]++;
	for (unsigned d = 0; d < PASSES; d++) {
		unsigned shift = d * DIGIT_BITS;
		struct metric_scored *from = *v, *to = *spare;
		size_t at = 0;

		if (counts[d][from[0].key >> shift & (DIGIT_NR - 1)] == nr)
			continue;
		for (unsigned b = 0; b < DIGIT_NR; b++) {
			size_t n = counts[d][b];

			counts[d][b] = at;
			at += n;
		}
		for (size_t i = 0; i < nr; i++)
			to[counts[d][from[i].key >> shift & (DIGIT_NR - 1)]++] = from[i];
		*v = to;
		*spare = from;
	}
}

int metric_sort(struct metric_order *out, const struct metric_work *w, bool by_response,
		struct err *e)
{
	void *v = NULL, *spare = NULL, *counts = NULL;
	struct metric_scored *a, *b;
	int r;

	if ((r = try_alloc(&v, w->nr, sizeof(*a), "scores", e)) < 0 ||
	    (r = try_alloc(&spare, w->nr, sizeof(*a), "scores", e)) < 0 ||
	    (r = try_alloc(&counts, PASSES, sizeof(size_t[DIGIT_NR]), "counters", e)) < 0)
		goto out;
	a = v;
	b = spare;
	for (size_t i = 0; i < w->nr; i++) {
		double s = by_response ? metric_response(w, i)
				       : w->in->margin[metric_row(w, i)];

		a[i].key = key_of(s);
		a[i].i = (uint32_t)i;
		a[i].positive = metric_label(w, i) == 1;
	}
	radix_sort(&a, &b, w->nr, counts);
	out->v = a;
	out->nr = w->nr;
	v = NULL;
	spare = b;
out:
	free(counts);
	free(spare);
	free(v);
	return r;
}

void metric_order_release(struct metric_order *o)
{
	free(o->v);
	o->v = NULL;
	o->nr = 0;
}

size_t metric_group(const struct metric_order *o, const struct metric_work *w,
		    size_t from, uint64_t mass[2])
{
	uint64_t key = o->v[from].key;

	mass[0] = mass[1] = 0;
	for (; from < o->nr && o->v[from].key == key; from++)
		mass[o->v[from].positive] += metric_mass(w, o->v[from].i);
	return from;
}

static int class_mass(const struct metric_work *w, uint64_t mass[2], struct err *e)
{
	int r = metric_need_binary(w, e);

	if (r < 0)
		return r;
	mass[0] = mass[1] = 0;
	for (size_t i = 0; i < w->nr; i++)
		mass[metric_label(w, i) == 1] += metric_mass(w, i);
	if (mass[0] == 0 || mass[1] == 0)
		return metric_undefined(w, "all rows have the same label", e);
	return 0;
}

/*
 * DeLong: the variance of the area is that of the rows' placements, a positive's
 * being the share of negatives below it, a negative's the share of positives above.
 * Equal scores count half.
 */
static void delong(struct metric_value *out, const struct metric_order *o,
		   const struct metric_work *w, const uint64_t all[2])
{
	double n0 = (double)all[0], n1 = (double)all[1], spread[2] = {0, 0}, half;
	uint64_t below[2] = {0, 0}, mass[2];

	if (w->mass || all[0] < 2 || all[1] < 2)
		return;
	for (size_t at = 0; at < o->nr;) {
		double d0, d1;

		at = metric_group(o, w, at, mass);
		d1 = ((double)below[0] + (double)mass[0] / 2) / n0 - out->value;
		d0 = (n1 - (double)below[1] - (double)mass[1] / 2) / n1 - out->value;
		spread[1] += (double)mass[1] * (d1 * d1);
		spread[0] += (double)mass[0] * (d0 * d0);
		below[0] += mass[0];
		below[1] += mass[1];
	}
	half = Z95 * sqrt(spread[1] / (n1 - 1) / n1 + spread[0] / (n0 - 1) / n0);
	out->low = MAX_OF(0, out->value - half);
	out->high = MIN_OF(1, out->value + half);
}

int metric_auc(struct metric_value *out, struct metric_work *w, struct err *e)
{
	struct metric_order o = {0};
	uint64_t all[2], mass[2], below = 0, pairs = 0;
	double area = 0;
	int r;

	if ((r = class_mass(w, all, e)) < 0 || (r = metric_sort(&o, w, false, e)) < 0)
		goto out;
	/* Twice the pairs in order; below 2^64 for up to 2^32 rows. */
	for (size_t at = 0; at < o.nr;) {
		at = metric_group(&o, w, at, mass);
		if (w->mass)
			area += (double)mass[1] * ((double)below + (double)mass[0] / 2);
		else
			pairs += mass[1] * (2 * below + mass[0]);
		below += mass[0];
	}
	if (!w->mass)
		area = (double)pairs / 2;
	out->value = area / ((double)all[0] * (double)all[1]);
	delong(out, &o, w, all);
out:
	metric_order_release(&o);
	return r;
}

int metric_ap(struct metric_value *out, struct metric_work *w, struct err *e)
{
	struct metric_order o = {0};
	uint64_t all[2], mass[2], left[2];
	double sum = 0;
	int r;

	if ((r = class_mass(w, all, e)) < 0 || (r = metric_sort(&o, w, false, e)) < 0)
		goto out;
	/* Upwards from the lowest score: left are those at it or above. */
	memcpy(left, all, sizeof(left));
	for (size_t at = 0; at < o.nr;) {
		at = metric_group(&o, w, at, mass);
		sum += (double)mass[1] * ((double)left[1] / (double)(left[0] + left[1]));
		left[0] -= mass[0];
		left[1] -= mass[1];
	}
	out->value = sum / (double)all[1];
out:
	metric_order_release(&o);
	return r;
}

/* ---- the best threshold ------------------------------------------------------ */

int metric_best_threshold(double *best, const struct metric_work *w,
			  double (*score)(const double c[2][2]), struct err *e)
{
	struct metric_order o = {0};
	uint64_t mass[2];
	double c[2][2] = {{0, 0}, {0, 0}}; /* [label][predicted]; all are positive */
	int r;

	for (size_t i = 0; i < w->nr; i++)
		c[metric_label(w, i) == 1][1] += (double)metric_mass(w, i);
	if ((r = metric_sort(&o, w, false, e)) < 0)
		return r;
	*best = score((const double(*)[2])c);
	for (size_t at = 0; at < o.nr;) {
		double s;

		at = metric_group(&o, w, at, mass);
		for (unsigned y = 0; y < 2; y++) {
			c[y][1] -= (double)mass[y];
			c[y][0] += (double)mass[y];
		}
		s = score((const double(*)[2])c);
		*best = MAX_OF(*best, s);
	}
	metric_order_release(&o);
	return 0;
}

/* ---- calibration ------------------------------------------------------------- */

struct bin {
	double predicted; /* sums, in mass */
	uint64_t mass, positive, n;
};

/*
 * Bins of equal mass: a bin takes groups of equal scores until all bins so far have
 * their share. A group is never cut, or its labels would have to be dealt out in
 * some order; so bins may stay empty.
 */
static int fill_bins(struct bin *bins, unsigned nr, const struct metric_work *w,
		     struct err *e)
{
	struct metric_order o = {0};
	uint64_t mass[2], so_far = 0;
	unsigned b = 0;
	int r;

	memset(bins, 0, nr * sizeof(*bins));
	if ((r = metric_sort(&o, w, true, e)) < 0)
		return r;
	for (size_t at = 0, end; at < o.nr; at = end) {
		double p = metric_response(w, o.v[at].i);

		end = metric_group(&o, w, at, mass);
		bins[b].predicted += p * (double)(mass[0] + mass[1]);
		bins[b].mass += mass[0] + mass[1];
		bins[b].positive += mass[1];
		bins[b].n += end - at;
		so_far += mass[0] + mass[1];
		while (b + 1 < nr &&
		       (double)so_far >= (double)w->mass_all * ((double)(b + 1) / nr))
			b++;
	}
	metric_order_release(&o);
	return 0;
}

int metric_ece(struct metric_value *out, struct metric_work *w, struct err *e)
{
	struct bin *bins = NULL;
	double sum = 0;
	void *p;
	int r;

	if ((r = metric_need_probability(w, e)) < 0 ||
	    (r = try_alloc(&p, w->k, sizeof(*bins), "bins", e)) < 0)
		return r;
	bins = p;
	if ((r = fill_bins(bins, w->k, w, e)) < 0)
		goto out;
	for (unsigned b = 0; b < w->k; b++)
		sum += fabs(bins[b].predicted - (double)bins[b].positive);
	out->value = sum / (double)w->mass_all;
out:
	free(bins);
	return r;
}

int metric_reliability_of(struct reliability *out, unsigned nr, struct metric_work *w,
			  struct err *e)
{
	struct bin *bins = NULL;
	void *p;
	int r;

	if ((r = metric_need_probability(w, e)) < 0 ||
	    (r = try_alloc(&p, nr, sizeof(*bins), "bins", e)) < 0)
		return r;
	bins = p;
	if ((r = fill_bins(bins, nr, w, e)) < 0)
		goto out;
	for (unsigned b = 0; b < nr; b++) {
		double mass = (double)bins[b].mass;

		out[b].n = bins[b].n;
		out[b].predicted = mass > 0 ? bins[b].predicted / mass : 0;
		out[b].observed = mass > 0 ? (double)bins[b].positive / mass : 0;
	}
out:
	free(bins);
	return r;
}
