/*
 * The best way to cut a node in two, from its histogram. Every gain is one fixed
 * expression of binary64 on exact integer sums; ties are settled by order, so the
 * answer does not depend on who searched which feature.
 */
#ifndef TRAIN_CORE_SPLIT_H
#define TRAIN_CORE_SPLIT_H

#include "train/core/objective.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bins;
struct train_params;

struct split {
	double gain;	  /* > 0, or there is no split */
	uint32_t feature; /* of the bins */
	bool categorical;
	bool default_left; /* numeric: a missing value goes left */
	uint8_t bin;	   /* numeric: codes up to this one go left */
	uint64_t set[4];   /* categorical: these codes go right, all others left */
	uint64_t left;	   /* word: sums of the left side */
	double left_value, right_value; /* before the learning rate, clipped */
};

/* The same for all nodes of a tree. */
struct split_rules {
	const struct train_params *p;
	const struct bins *bins;
	double sg, sh; /* worth of one step of a sum */
	uint64_t min_rows;
	enum simd simd;
	bool clipped; /* max_delta_step or monotone: scores are of clipped values */
};

struct split_node {
	const uint64_t *hist;
	const uint64_t *counts; /* a histogram of rows, or NULL: estimate them */
	uint64_t sum, rows;
	double low, high; /* bounds of a leaf's value here */
};

/* What a leaf of these sums would say, before the learning rate. */
double split_value(const struct split_rules *r, double g, double h, double low,
		   double high);

/* Look through one feature; *best is replaced by what has more gain. */
void split_numeric(struct split *best, const struct split_rules *r,
		   const struct split_node *n, uint32_t feature);
void split_categorical(struct split *best, const struct split_rules *r,
		       const struct split_node *n, uint32_t feature);

/* Does a beat b? By gain, then by feature. */
bool split_better(const struct split *a, const struct split *b);

/* left[code] = 1 for the codes that go left. */
void split_table(uint8_t left[256], const struct split *s, unsigned codes);

/* ---- for the two searches ---- */

struct split_side {
	double g, h;
	uint64_t rows; /* exact or estimated */
};
double split_score(const struct split_rules *r, double lambda, double g, double h,
		   double value);
/* floor(h * rows / all + 1/2): rows of a side by its share of the hessians. */
uint64_t split_estimate(uint64_t h, uint64_t rows, uint64_t all);

/*
 * The plain case, many candidates at once: gains of left sides words[0 .. n - 1],
 * none of them empty on either side. Returns the index of the first of the largest
 * that is above *gain, which it becomes; n if there is none.
 */
struct split_gains {
	uint64_t sum; /* of the node */
	double sg, sh, lambda, parent, gamma;
};
size_t split_best_gain(const uint64_t *words, size_t n, const struct split_gains *in,
		       double *gain, enum simd simd);
#if defined(__x86_64__)
size_t split_best_gain_avx2(const uint64_t *words, size_t n, const struct split_gains *in,
			    double *gain);
size_t split_best_gain_avx512(const uint64_t *words, size_t n,
			      const struct split_gains *in, double *gain);
#endif

#endif
