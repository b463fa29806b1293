/* Boosting: rounds of gradients, trees and scores. */
#include "train/core/gbt.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/comm.h"
#include "train/core/metric.h"
#include "train/core/rng.h"
#include "train/core/round.h"
#include "train/core/table.h"
#include "train/core/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- setting out ------------------------------------------------------------------ */

/* The parts of the account that do not change: docs/design/train-core.md. */
static int take_memory(struct gbt *g, struct err *e)
{
	size_t n = g->t->rows, k = g->outputs;
	struct {
		void **to;
		size_t nr, size;
	} want[] = {
		{(void **)&g->score, n * k, sizeof(double)},
		{(void **)&g->next, k > 1 ? n * k : 0, sizeof(double)},
		{(void **)&g->vscore, g->valid ? g->valid->rows * k : 0, sizeof(double)},
		{(void **)&g->g, n, sizeof(float)},
		{(void **)&g->h, n, sizeof(float)},
		{(void **)&g->packed, n, sizeof(uint32_t)},
		{(void **)&g->rows, n + 1, sizeof(uint32_t)},
		{(void **)&g->scratch, n + 1, sizeof(uint32_t)},
		{(void **)&g->features, g->bins.nr + 1, sizeof(uint32_t)},
		{(void **)&g->node_features, g->bins.nr + 1, sizeof(uint32_t)},
		{(void **)&g->allowed, g->t->cols_nr + 1, 1},
	};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		void *p = NULL;

		if (want[i].nr == 0)
			continue;
		r = rows_alloc(&p, want[i].nr, want[i].size, "rows of a training", e);
		if (r < 0)
			return r;
		*want[i].to = p;
		g->held += want[i].nr * want[i].size;
	}
	if (!g->next)
		g->next = g->score;
	g->held += g->bins.bytes;
	g->spots_cap = g->p->max_leaves && g->p->max_leaves < 4096
			       ? 2 * (size_t)g->p->max_leaves + 1
			       : 8191;
	g->spots = xcalloc(g->spots_cap, sizeof(*g->spots));
	g->heap = xcalloc(g->spots_cap, sizeof(*g->heap));
	return pool_init(g, e);
}

/*
 * Leaves are multiples of 2^-bits, so that sums of them are exact in binary32 up to
 * 2^24 steps. -2 says "no grid", so a step of 4 is not used: 8 is.
 */
static int choose_grid(struct gbt *g, struct err *e)
{
	double most = 0;
	int ex = 0, r;

	g->grid_bits = g->p->leaf_grid_bits;
	if (g->grid_bits != -1)
		return 0;
	for (size_t i = 0; i < g->t->rows; i++)
		most = fabs(g->t->label[i]) > most ? fabs(g->t->label[i]) : most;
	if ((r = g->comm->max_f64(g->comm->ctx, &most, 1, e)) < 0)
		return r;
	(void)frexp(most, &ex);
	g->grid_bits = objective_linked(g->obj) ? 17 : 21 - ex;
	if (g->grid_bits == -2)
		g->grid_bits = -3;
	return 0;
}

static double objective_argument(const struct train_params *p)
{
	switch (p->objective) {
	case OBJ_HUBER:
		return p->huber_delta;
	case OBJ_QUANTILE:
		return p->quantile_alpha;
	case OBJ_TWEEDIE:
		return p->tweedie_power;
	case OBJ_FAIR:
		return p->fair_c;
	case OBJ_POISSON:
		return p->poisson_max_delta;
	default:
		return 0;
	}
}

static int describe(struct gbt *g, struct err *e)
{
	struct model *m = &g->model;
	const struct table *t = g->t;
	int r;

	m->type = MODEL_GBT;
	m->objective = g->p->objective;
	m->objective_arg = objective_argument(g->p);
	m->scale_pos_weight = g->p->scale_pos_weight;
	m->features = xcalloc(t->cols_nr + 1, sizeof(*m->features));
	m->features_nr = t->cols_nr;
	for (size_t i = 0; i < t->cols_nr; i++)
		feature_copy(&m->features[i], &t->cols[i].f);
	m->target = t->label_name ? xstrdup(t->label_name) : NULL;
	if (t->classes) {
		m->classes = xcalloc(t->classes_nr + 1, sizeof(*m->classes));
		for (size_t i = 0; i < t->classes_nr; i++)
			m->classes[i] = xstrdup(t->classes[i]);
		m->classes_nr = t->classes_nr;
	}
	m->outputs = g->outputs;
	m->base = xcalloc(g->outputs, sizeof(*m->base));
	if ((r = objective_init(g->obj, m->base, e)) < 0)
		return r;
	for (unsigned k = 0; k < g->outputs; k++)
		m->base[k] = leaves_grid(g, m->base[k]) + 0.0;
	m->grid_bits = g->grid_bits;
	return 0;
}

static void start_scores(struct gbt *g)
{
	for (size_t i = 0; i < g->t->rows * g->outputs; i++)
		g->score[i] = g->model.base[i % g->outputs];
	for (size_t i = 0; g->valid && i < g->valid->rows * g->outputs; i++)
		g->vscore[i] = g->model.base[i % g->outputs];
	for (unsigned k = 0; k < g->outputs; k++)
		if (fabs(g->model.base[k]) > g->max_margin)
			g->max_margin = fabs(g->model.base[k]);
	if (g->next != g->score)
		memcpy(g->next, g->score, g->t->rows * g->outputs * sizeof(double));
}

static bool is_monotone(const struct train_params *p)
{
	for (size_t i = 0; p->monotone && i < p->monotone_nr; i++)
		if (p->monotone[i] != 0)
			return true;
	return false;
}

static void set_rules(struct gbt *g)
{
	const struct train_params *p = g->p;

	g->rules = (struct split_rules){
		.p = p,
		.bins = &g->bins,
		.min_rows = p->min_data_in_leaf > 1 ? p->min_data_in_leaf : 1,
		.simd = g->simd,
		.clipped = p->max_delta_step > 0 || is_monotone(p),
	};
	g->metric = p->metric ? p->metric : metric_defaults(p->objective)[0];
	g->higher = metric_higher_is_better(g->metric);
	g->best = NAN;
}

static int set_out(struct gbt *g, struct err *e)
{
	int r;

	g->total = g->t->rows;
	if ((r = g->comm->sum_u64(g->comm->ctx, &g->total, 1, e)) < 0)
		return r;
	if (g->total == 0)
		return err_set(e, ERR_INVALID, "there are no rows to learn from");
	if (g->total > INT32_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%llu rows are more than %d",
			       (unsigned long long)g->total, INT32_MAX);
	if ((r = objective_new(&g->obj, g->p, g->t, g->comm, g->simd, e)) < 0)
		return r;
	g->outputs = objective_outputs(g->obj);
	g->constant = objective_constant_hessian(g->obj) && g->p->goss_top <= 0 &&
		      g->p->goss_other <= 0;
	if ((r = bins_build(&g->bins, g->t, g->p, g->comm, g->team, g->simd, e)) < 0 ||
	    (r = take_memory(g, e)) < 0 || (r = choose_grid(g, e)) < 0 ||
	    (r = describe(g, e)) < 0 || (r = sample_init(g, e)) < 0)
		return r;
	set_rules(g);
	start_scores(g);
	return 0;
}

/* ---- a tree ------------------------------------------------------------------------ */

struct rows_job {
	struct gbt *g;
	unsigned output;
	double (*max)[2]; /* of each member */
};

static size_t border(const struct gbt *g, unsigned member, unsigned members)
{
	size_t row = g->t->rows * member / members;

	if (member == 0 || member == members || !objective_ranked(g->obj))
		return row;
	return objective_cut(g->obj, row);
}

static void gradients(void *ctx, unsigned member, unsigned members)
{
	struct rows_job *j = ctx;
	struct gbt *g = j->g;

	objective_gradients(g->obj, j->output, g->score, border(g, member, members),
			    border(g, member + 1, members), g->g, g->h, j->max[member]);
}

static int find_gradients(struct gbt *g, unsigned output, struct err *e)
{
	unsigned members = team_size(g->team);
	double(*max)[2] = xcalloc(members, sizeof(*max));
	struct rows_job j = {.g = g, .output = output, .max = max};
	double all[2] = {0, 0};
	int r;

	team_run(g->team, gradients, &j);
	for (unsigned m = 0; m < members; m++)
		for (unsigned k = 0; k < 2; k++)
			all[k] = max[m][k] > all[k] ? max[m][k] : all[k];
	free(max);
	if ((r = g->comm->max_f64(g->comm->ctx, all, 2, e)) < 0)
		return r;
	g->max_g = all[0];
	g->max_h = all[1];
	if (!isfinite(all[0]) || !isfinite(all[1]))
		return err_set(e, ERR_INVALID,
			       "round %u: gradients grew past all bounds: "
			       "try a smaller learning_rate",
			       g->round + 1);
	return 0;
}

static void quantize(void *ctx, unsigned member, unsigned members)
{
	struct rows_job *j = ctx;
	struct gbt *g = j->g;
	size_t rows = g->t->rows;

	quant_rows(g->packed, g->g, g->h, rows * member / members,
		   rows * (member + 1) / members, &g->quant, g->simd);
}

static void quantize_all(struct gbt *g)
{
	struct rows_job j = {.g = g};

	g->quant.base = rng_base(g->p->seed, RNG_QUANT, g->tree_index);
	g->quant.key = g->t->key;
	g->quant.first = g->t->first_row;
	quant_levels(&g->quant, g->total, g->max_g, g->max_h, g->constant);
	team_run(g->team, quantize, &j);
}

static int one_tree(struct gbt *g, unsigned output, struct err *e)
{
	struct model *m = &g->model;
	struct tree tree = {0};
	int r;

	g->tree_index = (uint64_t)g->round * g->outputs + output;
	if ((r = find_gradients(g, output, e)) < 0)
		return r;
	quantize_all(g);
	if (g->p->goss_top > 0 || g->p->goss_other > 0) {
		if ((r = sample_goss(g, e)) < 0)
			return r;
		quantize_all(g);
	} else {
		sample_bag(g, g->round);
	}
	sample_tree_features(g);
	if ((r = grow_tree(g, &tree, e)) < 0 || (r = leaves_finish(g, output, e)) < 0) {
		free(tree.nodes);
		free(tree.sets);
		return r;
	}
	m->trees[m->trees_nr++] = tree;
	if (g->valid)
		leaves_add(g, g->vscore, g->valid, &m->trees[m->trees_nr - 1], output);
	g->row_trees += g->total;
	return 0;
}

/* ---- rounds ------------------------------------------------------------------------- */

static int measure(const struct gbt *g, const struct table *t, const double *score,
		   double *value, struct err *e)
{
	struct metric_value v;
	struct metric_input in = {
		.objective = g->p->objective,
		.outputs = g->outputs,
		.margin = score,
		.label = t->label,
		.weight = t->weight,
		.group = t->group,
		.nr = t->rows,
		.threshold = 0.5,
		.arg = g->model.objective_arg,
	};
	int r;

	if ((r = metric_compute(&v, g->metric, &in, e)) == 0)
		*value = v.value;
	return r;
}

static bool is_better(const struct gbt *g, double value)
{
	if (isnan(g->best))
		return !isnan(value);
	return g->higher ? value > g->best + g->p->min_delta
			 : value < g->best - g->p->min_delta;
}

/* *stop: the callback or patience ends it here. */
static int end_round(struct gbt *g, struct train_result *res, bool *stop, struct err *e)
{
	const struct train_control *c = g->c;
	struct round_state s = {
		.pub = {.round = g->round,
			.rounds = g->p->trees,
			.train = NAN,
			.valid = NAN,
			.metric = g->metric,
			.rows = g->row_trees},
		.save = gbt_save,
		.state = g,
	};
	int r;

	if (c->train_metric && g->comm->size == 1 &&
	    (r = measure(g, g->t, g->score, &s.pub.train, e)) < 0)
		return r;
	if (g->valid && (r = measure(g, g->valid, g->vscore, &s.pub.valid, e)) < 0)
		return r;
	if (g->valid && g->p->patience == 0) {
		g->best = s.pub.valid;
	} else if (g->valid && is_better(g, s.pub.valid)) {
		g->best = s.pub.valid;
		g->best_round = g->round;
	}
	res->early = g->valid && g->p->patience > 0 &&
		     g->round - g->best_round >= g->p->patience;
	res->stopped = c->on_round && c->on_round(c->ctx, &s.pub) != 0;
	*stop = res->early || res->stopped;
	return 0;
}

static int rounds(struct gbt *g, struct train_result *res, struct err *e)
{
	bool stop = false;
	int r;

	while (g->round < g->p->trees && !stop) {
		for (unsigned k = 0; k < g->outputs; k++)
			if ((r = one_tree(g, k, e)) < 0)
				return r;
		if (g->next != g->score)
			memcpy(g->score, g->next,
			       g->t->rows * g->outputs * sizeof(double));
		g->round++;
		if ((r = end_round(g, res, &stop, e)) < 0)
			return r;
	}
	return 0;
}

static void conclude(struct gbt *g, struct train_result *res)
{
	struct model *m = &g->model;
	double bound = g->grid_bits == -2 ? 0 : ldexp(1, 24 - g->grid_bits);
	size_t keep;

	res->rounds = g->round;
	if (!g->valid || g->p->patience == 0 || g->best_round == 0)
		g->best_round = g->round;
	res->best_round = g->best_round;
	res->best = g->best;
	res->max_margin = g->max_margin;
	res->float32_exact = g->max_margin < bound;
	res->peak_bytes = g->held;
	keep = (size_t)g->best_round * g->outputs;
	while (m->trees_nr > keep) {
		struct tree *t = &m->trees[--m->trees_nr];

		free(t->nodes);
		free(t->sets);
		*t = (struct tree){0};
	}
}

/* The scores are the model's margins as long as all trees are in it; sums of grid
 * values are exact, in whatever order they were made. */
static void hand_over_margins(struct gbt *g, struct train_result *res)
{
	if (!g->c->want_margins || g->grid_bits == -2 || g->best_round != g->round)
		return;
	if (g->next == g->score)
		g->next = NULL;
	res->margin = g->score;
	res->valid_margin = g->vscore;
	g->score = g->vscore = NULL;
}

static void release(struct gbt *g)
{
	grow_release(g);
	if (g->next != g->score)
		free(g->next); /* may be NULL */
	free(g->score);
	free(g->vscore);
	free(g->g);
	free(g->h);
	free(g->packed);
	free(g->rows);
	free(g->scratch);
	free(g->bag_key);
	free(g->out);
	free(g->features);
	free(g->node_features);
	free(g->allowed);
	bins_release(&g->bins);
	objective_free(g->obj);
	model_release(&g->model);
	team_free(g->team);
}

static double seconds_since(clock_t *from)
{
	clock_t now = clock();
	double s = (double)(now - *from) / CLOCKS_PER_SEC;

	*from = now;
	return s;
}

int train_gbt(struct model *out, struct train_result *res, const struct table *t,
	      const struct table *valid, const struct train_params *p,
	      const struct train_control *c, struct err *e)
{
	struct gbt g = {.t = t, .valid = valid, .p = p, .c = c, .model = {0}};
	struct train_result done = {0};
	clock_t at = clock();
	int r;

	g.comm = c->comm ? c->comm : &comm_self;
	g.simd = c->simd == SIMD_BEST || !simd_has(c->simd) ? simd_best() : c->simd;
	if ((r = team_new(&g.team, c->threads, e)) < 0)
		return r;
	if ((r = set_out(&g, e)) < 0)
		goto out;
	done.bin_s = seconds_since(&at);
	g.model.trees = xcalloc((size_t)p->trees * g.outputs + 1, sizeof(struct tree));
	if (c->resume.n > 0 && (r = gbt_load(&g, c->resume, e)) < 0)
		goto out;
	if ((r = rounds(&g, &done, e)) < 0)
		goto out;
	conclude(&g, &done);
	done.boost_s = seconds_since(&at);
	hand_over_margins(&g, &done);
	*out = g.model;
	g.model = (struct model){0};
	*res = done;
out:
	release(&g);
	return r;
}
