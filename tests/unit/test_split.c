/* The split search against a slow and obvious one. */
#include "tests/lib/synth.h"
#include "train/core/bins.h"
#include "train/core/params.h"
#include "train/core/quant.h"
#include "train/core/split.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t seed = 1;

static uint64_t next_random(void)
{
	return rng_sm(seed++);
}

static double uniform(void)
{
	return (double)(next_random() >> 40) * 0x1p-24;
}

struct fixture {
	struct bin_feature f;
	struct bins bins;
	struct train_params p;
	struct split_rules r;
	struct split_node n;
	uint64_t hist[256], counts[256];
	int64_t g[256];
	uint64_t h[256];
	int8_t monotone;
};

/* A node whose rows are spread over the codes of one feature. */
static void scatter(struct fixture *x, unsigned nr, bool categorical)
{
	memset(x, 0, sizeof(*x));
	x->f.nr = nr;
	x->f.categorical = categorical;
	x->bins = (struct bins){.f = &x->f, .nr = 1};
	x->p.lambda = (double)(next_random() % 3);
	x->p.min_child_weight = (double)(next_random() % 3);
	x->p.min_data_in_leaf = (unsigned)(next_random() % 10);
	x->p.max_cat_to_onehot = 4;
	x->p.max_cat_threshold = 32;
	x->p.cat_smooth = 10;
	x->p.cat_l2 = 10;
	x->r = (struct split_rules){
		.p = &x->p, .bins = &x->bins, .sg = 0.01, .sh = 0.001};
	x->r.min_rows = x->p.min_data_in_leaf > 1 ? x->p.min_data_in_leaf : 1;
	x->n = (struct split_node){.hist = x->hist, .low = -INFINITY, .high = INFINITY};
	for (unsigned c = 0; c <= nr; c++) {
		unsigned rows = (unsigned)(next_random() % 40);

		if (next_random() % 4 == 0 || (c == nr && next_random() % 2))
			rows = 0;
		for (unsigned i = 0; i < rows; i++) {
			x->g[c] += (int64_t)(next_random() % 2001) - 1000;
			x->h[c] += next_random() % 500;
		}
		x->counts[c] = rows;
		x->n.rows += rows;
		x->f.missing += c == nr ? rows : 0;
		x->hist[c] = ((uint64_t)x->g[c] << 32) + x->h[c];
		x->n.sum += x->hist[c];
	}
}

struct sums {
	double g, h;
	uint64_t hi;
	uint64_t rows;
};

static struct sums sums_of(const struct fixture *x, const bool *in)
{
	struct sums s = {0};
	int64_t g = 0;

	for (unsigned c = 0; c <= x->f.nr; c++)
		if (in[c]) {
			g += x->g[c];
			s.hi += x->h[c];
			s.rows += x->counts[c];
		}
	s.g = (double)g * x->r.sg;
	s.h = (double)s.hi * x->r.sh;
	return s;
}

static double score(const struct fixture *x, const struct sums *s, double value)
{
	double a = fabs(s->g) - x->p.alpha, g = s->g < 0 ? -a : a;

	if (a < 0)
		g = 0;
	if (x->r.clipped)
		return -(2 * g * value + (s->h + x->p.lambda) * value * value);
	return s->h + x->p.lambda > 0 ? g * g / (s->h + x->p.lambda) : 0;
}

static double value(const struct fixture *x, const struct sums *s)
{
	double a = fabs(s->g) - x->p.alpha, g = s->g < 0 ? -a : a, v;

	v = a > 0 && s->h + x->p.lambda > 0 ? -g / (s->h + x->p.lambda) : 0;
	if (x->p.max_delta_step > 0)
		v = fmax(fmin(v, x->p.max_delta_step), -x->p.max_delta_step);
	return fmax(fmin(v, x->n.high), x->n.low);
}

/* Of the codes that go left; 0 where the rules forbid it. */
static double slow_gain(const struct fixture *x, const bool *left)
{
	bool right[256], all[256];
	struct sums l, r, p;
	double gain, vl, vr;
	uint64_t rows[2];

	for (unsigned c = 0; c < 256; c++) {
		right[c] = !left[c];
		all[c] = true;
	}
	l = sums_of(x, left);
	r = sums_of(x, right);
	p = sums_of(x, all);
	rows[0] = (uint64_t)floor((double)l.hi * (double)x->n.rows / (double)p.hi + 0.5);
	rows[1] = (uint64_t)floor((double)r.hi * (double)x->n.rows / (double)p.hi + 0.5);
	/* Of categories exact counts take the estimates' place. */
	if (x->f.categorical && x->n.counts) {
		rows[0] = l.rows;
		rows[1] = r.rows;
	}
	if (rows[0] < x->r.min_rows || rows[1] < x->r.min_rows ||
	    l.h < x->p.min_child_weight || r.h < x->p.min_child_weight)
		return 0;
	if (x->n.counts && (l.rows < x->r.min_rows || r.rows < x->r.min_rows))
		return 0;
	vl = value(x, &l);
	vr = value(x, &r);
	if ((x->monotone > 0 && vl > vr) || (x->monotone < 0 && vl < vr))
		return 0;
	gain = score(x, &l, vl) + score(x, &r, vr) - score(x, &p, value(x, &p)) -
	       x->p.gamma;
	return gain > 0 ? gain : 0;
}

/* All bins, missing right and then left; the first of the best. */
static void slow_numeric(struct split *best, const struct fixture *x)
{
	*best = (struct split){0};
	for (int way = 0; way < 2; way++) {
		if (way == 1 && x->h[x->f.nr] == 0)
			return;
		for (unsigned b = 0; b < x->f.nr; b++) {
			bool left[256] = {0};
			double gain;

			for (unsigned c = 0; c <= b; c++)
				left[c] = true;
			left[x->f.nr] = way == 1;
			/* A cut behind an empty bin is the one before it. */
			if (x->hist[b] == 0 || (way == 1 && b + 1 == x->f.nr))
				continue;
			gain = slow_gain(x, left);
			if (gain > best->gain)
				*best = (struct split){.gain = gain,
						       .bin = (uint8_t)b,
						       .default_left = way == 1};
		}
	}
}

static void compare_numeric(struct fixture *x)
{
	struct split want, got = {0};

	slow_numeric(&want, x);
	split_numeric(&got, &x->r, &x->n, 0);
	if (want.gain != got.gain || want.bin != got.bin)
		fail_msg("gain %.17g at %u, wanted %.17g at %u", got.gain, got.bin,
			 want.gain, want.bin);
	if (got.gain > 0 && x->hist[x->f.nr] != 0)
		assert_int_equal(got.default_left, want.default_left);
	if (got.gain > 0 && x->hist[x->f.nr] == 0)
		assert_int_equal(got.default_left,
				 quant_sum_h(got.left) >
					 quant_sum_h(x->n.sum - got.left));
}

static void the_best_cut_is_that_of_the_slow_search(void **state)
{
	(void)state;
	for (int run = 0; run < 3000; run++) {
		struct fixture x;

		scatter(&x, 1 + (unsigned)(next_random() % 255), false);
		if (run % 3 == 0)
			x.p.gamma = uniform() * 5;
		if (run % 5 == 0)
			x.p.alpha = uniform() * 10;
		if (run % 7 == 0)
			x.n.counts = x.counts;
		for (unsigned level = SIMD_SCALAR; level < SIMD_BEST; level++) {
			x.r.simd = (enum simd)level;
			if (simd_has(x.r.simd))
				compare_numeric(&x);
		}
	}
}

static void clipped_and_monotone_cuts_too(void **state)
{
	(void)state;
	for (int run = 0; run < 3000; run++) {
		struct fixture x;

		scatter(&x, 1 + (unsigned)(next_random() % 60), false);
		x.r.clipped = true;
		x.monotone = (int8_t)((int)(next_random() % 3) - 1);
		x.p.monotone = &x.monotone;
		x.p.monotone_nr = 1;
		x.p.max_delta_step = run % 2 ? uniform() * 3 : 0;
		if (run % 3 == 0) {
			x.n.low = -uniform();
			x.n.high = uniform();
		}
		compare_numeric(&x);
	}
}

static void ties_go_to_the_lower_bin_and_missing_right(void **state)
{
	struct fixture x;
	struct split got = {0};

	(void)state;
	scatter(&x, 4, false);
	memset(x.hist, 0, sizeof(x.hist));
	x.p = (struct train_params){0};
	x.r.min_rows = 1;
	/* Bins 1 and 2 are empty: cuts behind 0, 1 and 2 are one and the same. */
	x.hist[0] = ((uint64_t)5 << 32) + 10;
	x.hist[3] = ((uint64_t)-5 << 32) + 10;
	x.n.sum = x.hist[0] + x.hist[3];
	x.n.rows = 20;
	split_numeric(&got, &x.r, &x.n, 0);
	assert_true(got.gain > 0);
	assert_int_equal(got.bin, 0);
	assert_false(got.default_left); /* equal weights: right */
	/* The same gain in two features: the lower one. */
	assert_false(split_better(&(struct split){.gain = 2, .feature = 3},
				  &(struct split){.gain = 2, .feature = 1}));
	assert_true(split_better(&(struct split){.gain = 2, .feature = 1},
				 &(struct split){.gain = 2, .feature = 3}));
}

/* For few categories: every single one against the rest. */
static void one_category_against_the_rest(void **state)
{
	(void)state;
	for (int run = 0; run < 2000; run++) {
		struct fixture x;
		struct split got = {0};
		double want = 0;
		unsigned nr = 1 + (unsigned)(next_random() % 4);

		scatter(&x, nr, true);
		x.n.counts = x.counts;
		for (unsigned c = 0; c <= nr; c++) {
			bool left[256];

			for (unsigned k = 0; k < 256; k++)
				left[k] = k != c;
			if (x.counts[c] > 0 && slow_gain(&x, left) > want)
				want = slow_gain(&x, left);
		}
		split_categorical(&got, &x.r, &x.n, 0);
		/* The two sides may be added the other way round. */
		assert_true(fabs(got.gain - want) <= 1e-9 * (1 + want));
		if (got.gain > 0) {
			uint8_t table[256];
			uint64_t left = 0;

			split_table(table, &got, nr);
			for (unsigned c = 0; c <= nr; c++)
				left += table[c] ? x.hist[c] : 0;
			assert_true(left == got.left);
			assert_true(table[nr]); /* missing is outside, always */
		}
	}
}

/* Sorted prefixes: what is said of the sides is so, rules hold, nothing that is not
 * a known category is in the set. */
static void sets_hold_what_they_say(void **state)
{
	unsigned found = 0;

	(void)state;
	for (int run = 0; run < 2000; run++) {
		struct fixture x;
		struct split got = {0};
		uint8_t table[256];
		bool left[256];
		double lambda;
		unsigned nr = 5 + (unsigned)(next_random() % 251);

		scatter(&x, nr, true);
		x.f.other = nr == 255;
		x.p.min_data_per_group = (unsigned)(next_random() % 60);
		x.n.counts = run % 2 ? x.counts : NULL;
		split_categorical(&got, &x.r, &x.n, 0);
		if (got.gain <= 0)
			continue;
		found++;
		split_table(table, &got, nr);
		for (unsigned c = 0; c < 256; c++)
			left[c] = table[c];
		assert_true(table[nr]);
		assert_true(!x.f.other || table[nr - 1]);
		lambda = x.p.lambda;
		if (x.n.counts) {
			struct sums l = sums_of(&x, left);

			assert_true(l.rows >= x.r.min_rows &&
				    x.n.rows - l.rows >= x.r.min_rows);
			assert_true(l.rows >= x.p.min_data_per_group &&
				    x.n.rows - l.rows >= x.p.min_data_per_group);
		}
		/* With cat_l2 on the sides, not on the parent. */
		{
			bool right[256], all[256];
			struct sums l, r, p;

			for (unsigned c = 0; c < 256; c++) {
				right[c] = !left[c];
				all[c] = true;
			}
			l = sums_of(&x, left);
			r = sums_of(&x, right);
			p = sums_of(&x, all);
			x.p.lambda = lambda + x.p.cat_l2;
			assert_true(fabs(score(&x, &l, 0) + score(&x, &r, 0) -
					 (p.g * p.g / (p.h + lambda)) - got.gain) <
				    1e-9 * (1 + got.gain));
		}
	}
	assert_true(found > 500);
}

/* With everything allowed, the sorted search finds the best of all sets: that is
 * what sorting by g/(h + smooth) is for, exactly when l2 and smooth are one. */
static void sorted_prefixes_find_the_best_set(void **state)
{
	(void)state;
	for (int run = 0; run < 200; run++) {
		struct fixture x;
		struct split got = {0};
		double want = 0;
		unsigned nr = 5 + (unsigned)(next_random() % 4);
		bool empty = false; /* gradient without weight: no order */

		scatter(&x, nr, true);
		x.p.cat_smooth = x.p.cat_l2 = x.p.lambda = 0;
		x.n.counts = x.counts;
		for (unsigned mask = 1; mask < 1u << (nr + 1); mask++) {
			bool left[256] = {0};

			for (unsigned c = 0; c <= nr; c++) {
				left[c] = mask >> c & 1;
				empty |= x.hist[c] != 0 && x.h[c] == 0;
			}
			if (slow_gain(&x, left) > want)
				want = slow_gain(&x, left);
		}
		if (empty)
			continue;
		split_categorical(&got, &x.r, &x.n, 0);
		if (x.r.min_rows == 1 && x.p.min_child_weight == 0 && want > 0)
			assert_true(fabs(got.gain - want) <= 1e-9 * (1 + want));
		else
			assert_true(got.gain <= want * (1 + 1e-9));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_cut_is_that_of_the_slow_search),
		cmocka_unit_test(clipped_and_monotone_cuts_too),
		cmocka_unit_test(ties_go_to_the_lower_bin_and_missing_right),
		cmocka_unit_test(one_category_against_the_rest),
		cmocka_unit_test(sets_hold_what_they_say),
		cmocka_unit_test(sorted_prefixes_find_the_best_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
