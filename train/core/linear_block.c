/*
 * Passes over the rows: loss, gradient and Hessian of a linear fit, block by block.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/fp.h"
#include "train/core/fp_lanes.h"
#include "train/core/linear_impl.h"
#include "train/core/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TILE 4
/* Blocks in flight for each member of the team. */
#define WAVE 4

static size_t up8(size_t n)
{
	return (n + 7) / 8 * 8;
}

/* ---- sums over blocks -------------------------------------------------------- */

struct wave {
	struct linear *l;
	linear_block_fn fn;
	const void *arg;
	size_t from, slot_nr;
	double *slots;
};

static void wave_block(void *ctx, size_t i, unsigned member)
{
	struct wave *w = ctx;

	w->fn(w->l, w->from + i, member, w->slots + i * w->slot_nr, w->arg);
}

static void add_slots(double *total, const double *slots, size_t nr, size_t slot_nr)
{
	for (size_t b = 0; b < nr; b++)
		for (size_t i = 0; i < slot_nr; i++)
			total[i] += slots[b * slot_nr + i];
}

/* Every shard adds everybody's blocks, in order of rows. */
static int add_shards(struct linear *l, double *total, const double *slots, size_t nr,
		      size_t slot_nr, struct err *e)
{
	struct buf all = {0};
	double *copy = NULL;
	void *p;
	int r;

	if ((r = l->comm->allgatherv(l->comm->ctx, slots, nr * slot_nr * sizeof(double),
				     &all, e)) < 0 ||
	    (r = try_alloc(&p, all.n, 1, "block sums", e)) < 0)
		goto out;
	copy = p;
	memcpy(copy, all.p, all.n);
	add_slots(total, copy, all.n / (slot_nr * sizeof(double)), slot_nr);
out:
	free(copy);
	buf_release(&all);
	return r;
}

int linear_sum(struct linear *l, size_t slot_nr, linear_block_fn fn, const void *arg,
	       bool inner, double *total, struct err *e)
{
	size_t blocks = (l->t->rows + LINEAR_BLOCK - 1) / LINEAR_BLOCK;
	size_t wave = inner ? 1 : (size_t)WAVE * team_size(l->team);
	struct wave w = {.l = l, .fn = fn, .arg = arg, .slot_nr = slot_nr};
	double *slots = NULL;
	void *p;
	int r;

	wave = l->comm ? MAX_OF(blocks, (size_t)1) : MIN_OF(wave, blocks);
	if ((r = try_alloc(&p, wave * slot_nr, sizeof(double), "block sums", e)) < 0)
		return r;
	slots = p;
	l->held_most = MAX_OF(l->held_most, l->held + wave * slot_nr * sizeof(double));
	memset(total, 0, slot_nr * sizeof(double));
	for (w.from = 0; w.from < blocks; w.from += wave) {
		size_t nr = MIN_OF(wave, blocks - w.from);

		w.slots = slots;
		if (inner)
			for (size_t i = 0; i < nr; i++)
				wave_block(&w, i, 0);
		else
			team_for(l->team, nr, wave_block, &w);
		if (!l->comm)
			add_slots(total, slots, nr, slot_nr);
	}
	if (l->comm)
		r = add_shards(l, total, slots, blocks, slot_nr, e);
	free(slots);
	return r;
}

/* ---- spaces ------------------------------------------------------------------ */

static int space_new(struct linear *l, struct linear_space *s, bool newton, struct err *e)
{
	size_t block = LINEAR_BLOCK, cats = 0, nr, columns = newton ? l->inputs + 1 : 0;
	uintptr_t at;
	double *v;
	int r;

	for (size_t i = 0; i < l->t->cols_nr; i++)
		if (l->t->cols[i].f.kind == FEATURE_CATEGORICAL)
			cats = MAX_OF(cats, l->cols[i].nr);
	nr = columns * l->stride + (2 * (size_t)l->outputs + 5) * block + 8 * cats + 8;
	if ((r = try_alloc(&s->raw, nr, sizeof(double), "inputs of a block", e)) < 0)
		return r;
	l->held += nr * sizeof(double);
	at = (uintptr_t)s->raw;
	v = (double *)(void *)((char *)s->raw + (64 - at % 64) % 64);
	s->z = v;
	v += columns * l->stride;
	s->s = v;
	v += l->outputs * block;
	s->r = v;
	v += l->outputs * block;
	s->q = v;
	s->loss = v + block;
	s->y = v + 2 * block;
	s->x = v + 3 * block;
	/* Half a block of doubles for the numbers of categories. */
	s->touched = (uint32_t *)(void *)(v + 4 * block);
	s->lanes = v + 5 * block;
	return 0;
}

int linear_spaces(struct linear *l, bool newton, struct err *e)
{
	unsigned nr = newton && l->inputs > LINEAR_WIDE ? 1 : team_size(l->team);
	int r = 0;

	l->space = xcalloc(nr, sizeof(*l->space));
	l->spaces = nr;
	for (unsigned i = 0; r == 0 && i < nr; i++)
		r = space_new(l, &l->space[i], newton, e);
	l->held_most = MAX_OF(l->held_most, l->held);
	return r;
}

void linear_spaces_free(struct linear *l)
{
	for (unsigned i = 0; i < l->spaces; i++) {
		l->max_margin = MAX_OF(l->max_margin, l->space[i].max_margin);
		free(l->space[i].raw);
	}
	free(l->space);
	l->space = NULL;
	l->spaces = 0;
}

/* ---- margins and the link ---------------------------------------------------- */

/* A part of a block: rows [from, to) of it, from a multiple of 8. */
struct part {
	size_t first; /* row of the table where the block begins */
	size_t from, to, to8;
};

static void start_margins(const struct linear *l, struct linear_space *s,
			  const double *beta, struct part p)
{
	for (unsigned k = 0; k < l->outputs; k++) {
		double *m = s->s + (size_t)k * LINEAR_BLOCK;
		double bias = beta[(l->inputs + 1) * k + l->inputs];

		for (size_t i = p.from; i < p.to8; i++)
			m[i] = bias;
	}
}

static void add_category(const struct linear *l, const struct linear_column *c,
			 struct linear_space *s, const double *beta, struct part p)
{
	const uint32_t *code = c->c->code + p.first;

	for (unsigned k = 0; k < l->outputs; k++) {
		const double *b = beta + (l->inputs + 1) * k + c->at;
		double *m = s->s + (size_t)k * LINEAR_BLOCK;

		for (size_t i = p.from; i < p.to; i++)
			if (code[i] < c->nr)
				m[i] += b[code[i]];
	}
}

static void add_number(const struct linear *l, const struct linear_column *c,
		       struct linear_space *s, const double *x, const double *beta,
		       struct part p)
{
	for (unsigned k = 0; k < l->outputs; k++)
		l->k->add_scaled(s->s + (size_t)k * LINEAR_BLOCK + p.from, x,
				 beta[(l->inputs + 1) * k + c->at], p.to8 - p.from);
}

static void load_number(const struct linear *l, const struct linear_column *c, double *x,
			struct part p)
{
	l->k->standardize(x, c->c->num + p.first + p.from, p.to - p.from, p.to8 - p.from,
			  c->mean, c->inverse);
}

static void softmax_row(const struct linear *l, struct linear_space *s, size_t i,
			double w)
{
	double top = s->s[i], sum = 0;
	size_t y = (size_t)s->y[i];

	for (unsigned k = 1; k < l->outputs; k++)
		top = MAX_OF(top, s->s[(size_t)k * LINEAR_BLOCK + i]);
	for (unsigned k = 0; k < l->outputs; k++) {
		size_t at = (size_t)k * LINEAR_BLOCK + i;

		s->r[at] = fp_exp_inline(s->s[at] - top);
		sum += s->r[at];
	}
	s->loss[i] = w * (fp_log(sum) + (top - s->s[y * LINEAR_BLOCK + i]));
	for (unsigned k = 0; k < l->outputs; k++) {
		size_t at = (size_t)k * LINEAR_BLOCK + i;

		s->r[at] = w * (s->r[at] / sum - (k == y ? 1 : 0));
	}
}

static void link_row(const struct linear *l, struct linear_space *s, size_t i, double w)
{
	double m = s->s[i], y = s->y[i], mean;

	switch (l->objective) {
	case OBJ_SOFTMAX:
		softmax_row(l, s, i, w);
		break;
	case OBJ_POISSON:
		mean = fp_exp_inline(m);
		s->r[i] = w * (mean - y);
		s->q[i] = sqrt(w * mean);
		s->loss[i] = w * (mean - y * m);
		break;
	default:
		s->r[i] = w * (m - y);
		s->q[i] = sqrt(w);
		s->loss[i] = w * ((m - y) * (m - y) / 2);
		break;
	}
}

/* Slopes, roots of curvatures and losses of rows; zeros behind them. */
static double link_rows(const struct linear *l, struct linear_space *s, struct part p)
{
	const double *w = l->w ? l->w + p.first : NULL, *label = l->t->label + p.first;
	double most = 0;

	for (size_t i = p.from; i < p.to; i++)
		s->y[i] = l->one_class < 0		     ? label[i]
			  : label[i] == (double)l->one_class ? 1
							     : 0;
	if (l->objective == OBJ_BINARY)
		l->k->logistic(s->s + p.from, s->y + p.from, w ? w + p.from : NULL,
			       p.to - p.from, s->r + p.from, s->q + p.from,
			       s->loss + p.from);
	else
		for (size_t i = p.from; i < p.to; i++)
			link_row(l, s, i, w ? w[i] : 1);
	for (unsigned k = 0; k < l->outputs; k++) {
		const double *m = s->s + (size_t)k * LINEAR_BLOCK;
		double *r = s->r + (size_t)k * LINEAR_BLOCK;

		for (size_t i = p.from; i < p.to; i++)
			most = fabs(m[i]) > most ? fabs(m[i]) : most;
		for (size_t i = p.to; i < p.to8; i++)
			r[i] = 0;
	}
	for (size_t i = p.to; i < p.to8; i++)
		s->q[i] = s->loss[i] = 0;
	return most;
}

static struct part whole_block(const struct linear *l, size_t block)
{
	size_t n = linear_block_rows(l, block);

	return (struct part){block * LINEAR_BLOCK, 0, n, up8(n)};
}

static double total_of(const struct linear *l, struct linear_space *s, const double *v,
		       size_t n8)
{
	for (size_t i = 0; i < n8; i++)
		s->x[i] = 1;
	return l->k->dot(v, s->x, n8);
}

/* ---- gradients --------------------------------------------------------------- */

/* Categories that no row of the block has add zeros, which change no sum. */
static void category_gradient(const struct linear_column *c, struct linear_space *s,
			      const double *r, double *g, struct part p)
{
	const uint32_t *code = c->c->code + p.first;
	size_t touched = 0;

	for (size_t i = 0; i < p.to; i++)
		if (code[i] < c->nr) {
			s->lanes[(size_t)code[i] * 8 + i % 8] += r[i];
			s->touched[touched++] = code[i];
		}
	for (size_t i = 0; i < touched; i++) {
		double *lanes = s->lanes + (size_t)s->touched[i] * 8;

		/* Seen twice, it is all zero the second time. */
		g[s->touched[i]] += linear_lanes_sum(lanes);
		memset(lanes, 0, 8 * sizeof(*lanes));
	}
}

static void gradient_block(struct linear *l, size_t block, unsigned member, double *slot,
			   const void *arg)
{
	struct linear_space *s = &l->space[member];
	struct part p = whole_block(l, block);
	const double *beta = arg;
	double *g = slot + 1, most;
	size_t d1 = l->inputs + 1;

	memset(g, 0, d1 * l->outputs * sizeof(*g));
	start_margins(l, s, beta, p);
	for (size_t j = 0; j < l->t->cols_nr; j++) {
		const struct linear_column *c = &l->cols[j];

		if (c->c->f.kind == FEATURE_CATEGORICAL) {
			add_category(l, c, s, beta, p);
			continue;
		}
		load_number(l, c, s->x, p);
		add_number(l, c, s, s->x, beta, p);
	}
	most = link_rows(l, s, p);
	s->max_margin = MAX_OF(s->max_margin, most);
	for (size_t j = 0; j < l->t->cols_nr; j++) {
		const struct linear_column *c = &l->cols[j];

		if (c->c->f.kind != FEATURE_CATEGORICAL)
			load_number(l, c, s->x, p);
		for (unsigned k = 0; k < l->outputs; k++) {
			const double *r = s->r + (size_t)k * LINEAR_BLOCK;

			if (c->c->f.kind == FEATURE_CATEGORICAL)
				category_gradient(c, s, r, g + d1 * k + c->at, p);
			else
				g[d1 * k + c->at] = l->k->dot(r, s->x, p.to8);
		}
	}
	for (unsigned k = 0; k < l->outputs; k++)
		g[d1 * k + l->inputs] =
			total_of(l, s, s->r + (size_t)k * LINEAR_BLOCK, p.to8);
	slot[0] = total_of(l, s, s->loss, p.to8);
}

int linear_gradient(struct linear *l, const double *beta, double *loss, double *gradient,
		    struct err *e)
{
	size_t nr = (l->inputs + 1) * l->outputs;
	double *total;
	void *v;
	int r;

	if ((r = try_alloc(&v, nr + 1, sizeof(double), "gradient", e)) < 0)
		return r;
	total = v;
	if ((r = linear_sum(l, nr + 1, gradient_block, beta, false, total, e)) == 0) {
		*loss = total[0];
		memcpy(gradient, total + 1, nr * sizeof(double));
	}
	free(total);
	return r;
}

/* ---- Hessians ---------------------------------------------------------------- */

struct hessian_job {
	struct linear *l;
	struct linear_space *s;
	struct part p; /* the whole block */
	const double *beta;
	double *slot;
	double *most; /* by member */
};

/* Inputs, margins and the link of some rows. */
static void hessian_rows(const struct linear *l, struct linear_space *s,
			 const double *beta, struct part p, double *most)
{
	double *bias = s->z + l->inputs * l->stride, top;

	start_margins(l, s, beta, p);
	for (size_t j = 0; j < l->t->cols_nr; j++) {
		const struct linear_column *c = &l->cols[j];
		double *z = s->z + c->at * l->stride;

		if (c->c->f.kind != FEATURE_CATEGORICAL) {
			load_number(l, c, z + p.from, p);
			add_number(l, c, s, z + p.from, beta, p);
			continue;
		}
		for (size_t k = 0; k < c->nr; k++)
			memset(z + k * l->stride + p.from, 0,
			       (p.to8 - p.from) * sizeof(*z));
		for (size_t i = p.from; i < p.to; i++) {
			uint32_t code = c->c->code[p.first + i];

			if (code < c->nr)
				z[code * l->stride + i] = 1;
		}
		add_category(l, c, s, beta, p);
	}
	for (size_t i = p.from; i < p.to8; i++)
		bias[i] = i < p.to ? 1 : 0;
	top = link_rows(l, s, p);
	*most = MAX_OF(*most, top);
}

static void rows_of_member(void *ctx, unsigned member, unsigned members)
{
	struct hessian_job *j = ctx;
	size_t groups = j->p.to8 / 8;
	struct part p = j->p;

	p.from = groups * member / members * 8;
	p.to8 = groups * (member + 1) / members * 8;
	p.to = MIN_OF(p.to8, j->p.to);
	if (p.from < p.to8)
		hessian_rows(j->l, j->s, j->beta, p, &j->most[member]);
}

static void slope_of_input(void *ctx, size_t i, unsigned member)
{
	struct hessian_job *j = ctx;

	(void)member;
	j->slot[1 + i] = j->l->k->dot_scale(j->s->z + i * j->l->stride, j->s->r, j->s->q,
					    j->p.to8);
}

/* Rows [4 i, 4 i + 4) of the Hessian, up to the diagonal. */
static void tiles_of_row(void *ctx, size_t i, unsigned member)
{
	struct hessian_job *j = ctx;
	struct linear *l = j->l;
	size_t d1 = l->inputs + 1, row = i * TILE;
	double *h = j->slot + 1 + d1;

	(void)member;
	for (size_t col = 0; col <= row; col += TILE)
		l->k->gram(j->s->z + row * l->stride,
			   (unsigned)MIN_OF(d1 - row, (size_t)TILE),
			   j->s->z + col * l->stride,
			   (unsigned)MIN_OF(d1 - col, (size_t)TILE), l->stride, j->p.to8,
			   h + row * l->ld + col, l->ld);
}

static void hessian_block(struct linear *l, size_t block, unsigned member, double *slot,
			  const void *arg)
{
	bool wide = l->inputs > LINEAR_WIDE;
	struct linear_space *s = &l->space[wide ? 0 : member];
	size_t d1 = l->inputs + 1, tiles = (d1 + TILE - 1) / TILE;
	struct team *team = wide ? l->team : NULL;
	struct hessian_job j = {l, s, whole_block(l, block), arg, slot, NULL};

	j.most = xcalloc(team_size(team), sizeof(double));
	memset(slot + 1 + d1, 0, d1 * l->ld * sizeof(double));
	team_run(team, rows_of_member, &j);
	team_for(team, d1, slope_of_input, &j);
	team_for(team, tiles, tiles_of_row, &j);
	slot[0] = total_of(l, s, s->loss, j.p.to8);
	for (unsigned i = 0; i < team_size(team); i++)
		s->max_margin = MAX_OF(s->max_margin, j.most[i]);
	free(j.most);
}

int linear_hessian(struct linear *l, const double *beta, double *loss, double *gradient,
		   double *hessian, struct err *e)
{
	size_t d1 = l->inputs + 1, nr = 1 + d1 + d1 * l->ld;
	double *total;
	void *v;
	int r;

	if ((r = try_alloc(&v, nr, sizeof(double), "Hessian", e)) < 0)
		return r;
	total = v;
	r = linear_sum(l, nr, hessian_block, beta, l->inputs > LINEAR_WIDE, total, e);
	if (r < 0)
		goto out;
	*loss = total[0];
	memcpy(gradient, total + 1, d1 * sizeof(double));
	memcpy(hessian, total + 1 + d1, d1 * l->ld * sizeof(double));
	for (size_t i = 0; i < d1; i++)
		for (size_t k = i + 1; k < d1; k++)
			hessian[i * l->ld + k] = hessian[k * l->ld + i];
out:
	free(total);
	return r;
}
