/*
 * The synthetic set that training is measured and tested on: 28 columns, fully
 * defined by + - * / sqrt in binary64 and one rounding to binary32, so that its
 * bytes are a fixture. And a digest of a model's trees, for programs that link no
 * model format.
 */
#ifndef TESTS_LIB_SYNTH_H
#define TESTS_LIB_SYNTH_H

#include "train/core/model.h"
#include "train/core/rng.h"
#include "train/core/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYNTH_COLS 28

struct synth_row {
	uint64_t at, k;
};

static inline double synth_u(struct synth_row *r)
{
	uint64_t k = r->k++;

	return (double)(rng_sm(r->at ^ (k << 32 | k)) >> 40) * 0x1p-24;
}

static inline double synth_n(struct synth_row *r)
{
	double a = synth_u(r), b = synth_u(r), c = synth_u(r), d = synth_u(r);

	return (a + b + c + d - 2) * 1.7320508;
}

static inline double synth_label(const double *f, double d, double u)
{
	double z = 0.9 * f[0] * f[1] - 0.8 * (sqrt(f[2] * f[2] + f[3] * f[3]) - 1.2) +
		   1.1 * (f[7] * f[8] > 1.6 ? 1 : -0.6) +
		   0.35 * d * d * (f[15] > 0 ? 1 : -1) - 0.5 * f[5] * f[11] +
		   0.6 * (f[18] > 1 ? f[6] : -f[6]) + 0.4 * f[16] * f[17] * 0.3 +
		   0.7 * (f[9] / (0.5 + f[10]) - 0.9) + 0.25 * f[19] - 0.3 * f[20];

	return u < 0.5 * (1 + z / (1 + fabs(z)));
}

static inline double synth_row(float *out, uint64_t seed, uint64_t i)
{
	struct synth_row r = {rng_sm(seed ^ i * 0xD1342543DE82EF95u), 0};
	double f[SYNTH_COLS], d;

	for (int k = 0; k < 7; k++)
		f[k] = synth_n(&r);
	for (int k = 7; k < 14; k++) {
		double a = synth_u(&r), b = synth_u(&r);

		f[k] = 0.3 + 2 * a * b + 0.05 / (0.05 + b);
	}
	for (int k = 14; k < 18; k++)
		f[k] = (2 * synth_u(&r) - 1) * 3.14159265;
	for (int k = 18; k < 21; k++) {
		double u = synth_u(&r);

		f[k] = u < 0.5 ? 0 : u < 0.83 ? 1.0865 : 2.1731;
	}
	d = f[4] - f[14] * 0.5;
	f[21] = f[0] * f[1] + 0.3 * synth_n(&r);
	f[22] = sqrt(f[2] * f[2] + f[3] * f[3]) + 0.2 * synth_n(&r);
	f[23] = sqrt(f[7] * f[8]) + 0.1 * synth_n(&r);
	f[24] = d * d + 0.3 * synth_n(&r);
	f[25] = f[9] / (0.5 + f[10]) + 0.1 * synth_n(&r);
	f[26] = f[11] * f[5] + 0.3 * synth_n(&r);
	f[27] = f[12] + f[13] - f[7] + 0.2 * synth_n(&r);
	for (int k = 0; k < SYNTH_COLS; k++)
		out[k] = (float)f[k];
	return synth_label(f, d, synth_u(&r));
}

/* Rows first .. first + rows - 1 as a table; the columns f21..f27 lose a share of
 * their values. Freed by table_release. */
static inline void synth_table(struct table *t, uint64_t seed, uint64_t first,
			       size_t rows, double missing)
{
	*t = (struct table){.rows = rows, .cols_nr = SYNTH_COLS, .first_row = first};
	t->cols = calloc(SYNTH_COLS, sizeof(*t->cols));
	t->label = calloc(rows, sizeof(*t->label));
	for (size_t k = 0; k < SYNTH_COLS; k++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%zu", k);
		t->cols[k].f.name = strdup(name);
		t->cols[k].num = calloc(rows, sizeof(float));
	}
	for (size_t i = 0; i < rows; i++) {
		float row[SYNTH_COLS];

		t->label[i] = synth_row(row, seed, first + i);
		for (size_t k = 0; k < SYNTH_COLS; k++) {
			struct synth_row r = {
				rng_sm(seed ^ (first + i) * 0xD1342543DE82EF95u),
				1000 + k};

			t->cols[k].num[i] =
				k >= 21 && synth_u(&r) < missing ? (float)NAN : row[k];
		}
	}
}

static inline uint64_t synth_mix(uint64_t h, uint64_t v)
{
	return rng_sm(h ^ v);
}

static inline uint64_t synth_bits(double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	return u;
}

static inline uint64_t synth_tree_digest(uint64_t h, const struct tree *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		const struct node *n = &t->nodes[i];

		h = synth_mix(h, (uint64_t)(uint32_t)n->left << 32 | (uint32_t)n->right);
		h = synth_mix(h, (uint64_t)n->feature << 2 |
					 (unsigned)n->default_left << 1 | n->categorical);
		h = synth_mix(h, synth_bits((double)n->cut));
		h = synth_mix(h, synth_bits(n->value));
		h = synth_mix(h, synth_bits((double)n->gain));
		h = synth_mix(h, synth_bits((double)n->cover));
		h = synth_mix(h, synth_bits((double)n->weight));
		h = synth_mix(h, n->rows);
		for (uint32_t k = 0; k < n->set_nr; k++)
			h = synth_mix(h, t->sets[n->set + k]);
	}
	return h;
}

static inline uint64_t synth_digest(const struct model *m)
{
	uint64_t h = synth_mix(m->outputs, m->trees_nr);

	for (unsigned k = 0; k < m->outputs; k++)
		h = synth_mix(h, synth_bits(m->base[k]));
	for (size_t i = 0; i < m->trees_nr; i++)
		h = synth_tree_digest(h, &m->trees[i]);
	return h;
}

#endif
