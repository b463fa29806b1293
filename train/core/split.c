#include "train/core/split.h"

#include "train/core/bins.h"
#include "train/core/params.h"
#include "train/core/quant.h"

#include <math.h>
#include <string.h>

static double soft(double g, double alpha)
{
	double a = fabs(g) - alpha;

	if (!(a > 0))
		return 0;
	return g < 0 ? -a : a;
}

double split_value(const struct split_rules *r, double g, double h, double low,
		   double high)
{
	double d = h + r->p->lambda, v = d > 0 ? -soft(g, r->p->alpha) / d : 0;
	double most = r->p->max_delta_step;

	if (most > 0)
		v = v > most ? most : v < -most ? -most : v;
	return v < low ? low : v > high ? high : v;
}

double split_score(const struct split_rules *r, double lambda, double g, double h,
		   double value)
{
	double s = soft(g, r->p->alpha), d = h + lambda;

	if (r->clipped)
		return -(2 * s * value + d * value * value);
	return d > 0 ? s * s / d : 0;
}

uint64_t split_estimate(uint64_t h, uint64_t rows, uint64_t all)
{
	return all ? (uint64_t)((double)h * (double)rows / (double)all + 0.5) : 0;
}

bool split_better(const struct split *a, const struct split *b)
{
	return a->gain > b->gain ||
	       (a->gain == b->gain && a->gain > 0 && a->feature < b->feature);
}

void split_table(uint8_t left[256], const struct split *s, unsigned codes)
{
	if (s->categorical) {
		for (unsigned c = 0; c < 256; c++)
			left[c] = !(s->set[c / 64] >> c % 64 & 1);
		return;
	}
	for (unsigned c = 0; c < 256; c++)
		left[c] = c < codes ? c <= s->bin : s->default_left;
}

/* ---- numeric ---------------------------------------------------------------- */

struct scan {
	const struct split_rules *r;
	const struct split_node *n;
	const struct bin_feature *f;
	uint32_t feature;
	const uint64_t *hist, *counts;
	double parent;	  /* score */
	uint64_t least_h; /* of a side that is large and heavy enough */
	int8_t monotone;
	bool missing_left;
};

static bool enough(const struct scan *s, uint64_t h)
{
	const struct split_rules *r = s->r;

	return (double)h * r->sh >= r->p->min_child_weight &&
	       split_estimate(h, s->n->rows, quant_sum_h(s->n->sum)) >= r->min_rows;
}

/* Both conditions hold from some sum on, since each step of them is monotone. */
static uint64_t least_h(const struct scan *s)
{
	uint64_t low = 0, high = quant_sum_h(s->n->sum) + 1;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (enough(s, mid))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static double gain_of(const struct scan *s, uint64_t left, double *vl, double *vr)
{
	const struct split_rules *r = s->r;
	uint64_t right = s->n->sum - left;
	double gl = (double)quant_sum_g(left) * r->sg;
	double hl = (double)quant_sum_h(left) * r->sh;
	double gr = (double)quant_sum_g(right) * r->sg;
	double hr = (double)quant_sum_h(right) * r->sh;

	*vl = *vr = 0;
	if (r->clipped) {
		*vl = split_value(r, gl, hl, s->n->low, s->n->high);
		*vr = split_value(r, gr, hr, s->n->low, s->n->high);
		if ((s->monotone > 0 && *vl > *vr) || (s->monotone < 0 && *vl < *vr))
			return 0;
	}
	return split_score(r, r->p->lambda, gl, hl, *vl) +
	       split_score(r, r->p->lambda, gr, hr, *vr) - s->parent - r->p->gamma;
}

static void take(struct split *best, const struct scan *s, unsigned bin, uint64_t left,
		 double gain)
{
	uint64_t right = s->n->sum - left, missing = s->hist[s->f->nr];

	*best = (struct split){
		.gain = gain,
		.feature = s->feature,
		.default_left = s->missing_left,
		.bin = (uint8_t)bin,
		.left = left,
	};
	if (missing == 0)
		best->default_left = quant_sum_h(left) > quant_sum_h(right);
}

/* Does a child's sum stay within bounds of rows? Exact where they were counted. */
static bool rows_fit(const struct scan *s, uint64_t rows)
{
	return !s->counts ||
	       (rows >= s->r->min_rows && s->n->rows - rows >= s->r->min_rows);
}

static void scan_bins(struct split *best, const struct scan *s)
{
	uint64_t left = s->missing_left ? s->hist[s->f->nr] : 0, all;
	uint64_t rows = s->missing_left && s->counts ? s->counts[s->f->nr] : 0;
	/* The last cut parts values from missing ones, if there are any. */
	unsigned end = s->f->nr - (s->missing_left || s->f->missing == 0);

	all = quant_sum_h(s->n->sum);
	for (unsigned b = 0; b < end; b++) {
		uint64_t h;
		double gain, vl, vr;

		if (s->counts)
			rows += s->counts[b];
		if (s->hist[b] == 0)
			continue;
		left += s->hist[b];
		h = quant_sum_h(left);
		if (h < s->least_h)
			continue;
		if (all - h < s->least_h)
			break;
		gain = gain_of(s, left, &vl, &vr);
		if (gain > best->gain && rows_fit(s, rows)) {
			take(best, s, b, left, gain);
			best->left_value = vl;
			best->right_value = vr;
		}
	}
}

size_t split_best_gain(const uint64_t *words, size_t n, const struct split_gains *in,
		       double *gain, enum simd simd)
{
	size_t at = n;

	(void)simd;
#if defined(__x86_64__)
	if (simd == SIMD_AVX512)
		return split_best_gain_avx512(words, n, in, gain);
	if (simd == SIMD_AVX2)
		return split_best_gain_avx2(words, n, in, gain);
#endif
	for (size_t i = 0; i < n; i++) {
		uint64_t right = in->sum - words[i];
		double gl = (double)quant_sum_g(words[i]) * in->sg;
		double hl = (double)quant_sum_h(words[i]) * in->sh;
		double gr = (double)quant_sum_g(right) * in->sg;
		double hr = (double)quant_sum_h(right) * in->sh;
		double v = gl * gl / (hl + in->lambda) + gr * gr / (hr + in->lambda) -
			   in->parent - in->gamma;

		if (v > *gain) {
			*gain = v;
			at = i;
		}
	}
	return at;
}

/* Without clipping, alpha and counts a score is g * g / (h + lambda): candidates
 * are listed first, without branches, and weighed together. */
static void scan_plain(struct split *best, const struct scan *s)
{
	const struct split_gains in = {
		.sum = s->n->sum,
		.sg = s->r->sg,
		.sh = s->r->sh,
		.lambda = s->r->p->lambda,
		.parent = s->parent,
		.gamma = s->r->p->gamma,
	};
	uint64_t words[BINS_MAX + 8], all = quant_sum_h(s->n->sum);
	uint64_t left = s->missing_left ? s->hist[s->f->nr] : 0;
	/* h in [least, all - least], as one compare. */
	uint64_t least = s->least_h, range = all - 2 * least;
	unsigned end = s->f->nr - (s->missing_left || s->f->missing == 0);
	uint8_t bin[BINS_MAX + 8];
	size_t nr = 0, at;
	double gain = best->gain;

	if (all < 2 * least)
		return;
	for (unsigned b = 0; b < end; b++) {
		left += s->hist[b];
		words[nr] = left;
		bin[nr] = (uint8_t)b;
		nr += (s->hist[b] != 0) & (quant_sum_h(left) - least <= range);
	}
	if (nr == 0)
		return;
	at = split_best_gain(words, nr, &in, &gain, s->r->simd);
	if (at < nr)
		take(best, s, bin[at], words[at], gain);
}

static double parent_score(const struct split_rules *r, const struct split_node *n)
{
	double g = (double)quant_sum_g(n->sum) * r->sg;
	double h = (double)quant_sum_h(n->sum) * r->sh;
	double v = r->clipped ? split_value(r, g, h, n->low, n->high) : 0;

	return split_score(r, r->p->lambda, g, h, v);
}

void split_numeric(struct split *best, const struct split_rules *r,
		   const struct split_node *n, uint32_t feature)
{
	const struct bin_feature *f = &r->bins->f[feature];
	struct scan s = {
		.r = r,
		.n = n,
		.f = f,
		.feature = feature,
		.hist = n->hist + f->hist,
		.counts = n->counts ? n->counts + f->hist : NULL,
		.parent = parent_score(r, n),
	};

	void (*scan)(struct split *, const struct scan *);

	if (r->p->monotone && f->column < r->p->monotone_nr)
		s.monotone = r->p->monotone[f->column];
	s.least_h = least_h(&s);
	scan = r->clipped || r->p->alpha > 0 || n->counts ? scan_bins : scan_plain;
	scan(best, &s);
	if (quant_sum_h(s.hist[f->nr]) > 0) {
		s.missing_left = true;
		scan(best, &s);
	}
}
