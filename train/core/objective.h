/*
 * Objectives: gradients and hessians of the loss at a row's margins, the margin to
 * start from, and how a leaf's value is found when it is not the Newton step.
 *
 * An objective is made for one table and holds borrowed pointers to its labels,
 * weights and queries. Functions over rows may run on several threads for disjoint
 * ranges. Initial margins and renewals come from fixed-point sums and sorted order
 * (never from a floating sum over rows), so they are the same for any shards.
 */
#ifndef TRAIN_CORE_OBJECTIVE_H
#define TRAIN_CORE_OBJECTIVE_H

#include "store/base/compiler.h"
#include "train/core/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct comm;
struct err;
struct table;

enum simd {
	SIMD_SCALAR,
	SIMD_SSE2,
	SIMD_AVX2,
	SIMD_AVX512,
	SIMD_BEST
};
bool simd_has(enum simd level); /* does this CPU? */
enum simd simd_best(void);
const char *simd_name(enum simd level); /* "scalar" .. "avx512" */

struct objective_state;

/* ERR_INVALID names the first row whose label the objective does not take. */
int objective_new(struct objective_state **out, const struct train_params *p,
		  const struct table *t, const struct comm *comm, enum simd simd,
		  struct err *e) MUST_CHECK;
void objective_free(struct objective_state *o);

unsigned objective_outputs(const struct objective_state *o);
bool objective_constant_hessian(const struct objective_state *o); /* h = 1, no weights */
/* Leaves get their values by objective_renew, not by the Newton step. */
bool objective_renews(const struct objective_state *o);
/* Log-odds and log links: true; identity: false. Decides the leaf grid. */
bool objective_linked(const struct objective_state *o);

/* Margins before the first tree, one per output; not yet on the grid. */
int objective_init(struct objective_state *o, double *margin, struct err *e) MUST_CHECK;

/*
 * Gradients of output k of rows [from, to) at margins score[row * outputs + j],
 * weights included, to g[row] and h[row] (binary64 arithmetic, stored as binary32).
 * Returns the largest |g| and h of the range in max[0], max[1]. The same bits for
 * any SIMD level. Of several outputs a row's first is asked for first: the others
 * share what it leaves behind, and all see the margins of that call, but for their
 * own. objective_ranked() ones work on whole queries: ranges must begin
 * and end between them (objective_cut moves a row to the next border).
 */
void objective_gradients(struct objective_state *o, unsigned k, const double *score,
			 size_t from, size_t to, float *g, float *h, double max[2]);
bool objective_ranked(const struct objective_state *o);
size_t objective_cut(const struct objective_state *o, size_t row);

/* The value of a leaf that holds these rows, before the learning rate, by the order
 * of their residuals label - score: a median, a quantile. Over all shards, which must
 * ask for the same leaves in the same order; alone, several threads may ask at once.
 * No rows at all: 0. */
int objective_renew(struct objective_state *o, const double *score, const uint32_t *rows,
		    size_t nr, double *value, struct err *e) MUST_CHECK;

/* Margin to prediction (probabilities for softmax over a row's outputs), in place. */
void objective_response(enum objective obj, unsigned outputs, double *v, size_t rows);

#endif
