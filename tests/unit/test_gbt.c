/* Boosted trees: small ones by hand, large ones by what must be true of them. */
#include "store/base/buf.h"
#include "store/base/err.h"
#include "tests/lib/synth.h"
#include "train/core/comm.h"
#include "train/core/metric.h"
#include "train/core/train.h"

#include <float.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct train_params params(enum objective o, unsigned trees, unsigned leaves)
{
	struct train_params p;

	train_params_init(&p);
	p.objective = o;
	p.trees = trees;
	p.max_leaves = leaves;
	p.seed = 7;
	p.min_data_in_leaf = 1;
	p.min_child_weight = 0;
	return p;
}

static struct model fit_with(const struct table *t, const struct table *valid,
			     const struct train_params *p, const struct train_control *c,
			     struct train_result *res)
{
	struct model m = {0};
	struct train_result unused;
	struct err e = {0};

	if (train_gbt(&m, res ? res : &unused, t, valid, p, c, &e) < 0)
		fail_msg("%s", e.text);
	return m;
}

static struct model fit(const struct table *t, const struct train_params *p)
{
	struct train_control c = {.threads = 1};

	return fit_with(t, NULL, p, &c, NULL);
}

static uint64_t digest_with(const struct table *t, const struct train_params *p,
			    const struct train_control *c)
{
	struct model m = fit_with(t, NULL, p, c, NULL);
	uint64_t h = synth_digest(&m);

	model_release(&m);
	return h;
}

/* ---- by hand ----------------------------------------------------------------------- */

static char *name_x = (char[]){"x"};

/* Two steps: base 5, gradients 5 5 -5 -5, the cut in the middle gains
 * 10^2/2 + 10^2/2 - 0. */
static void a_step_is_found_where_it_is(void **state)
{
	float x[] = {1, 2, 3, 4};
	double y[] = {0, 0, 10, 10};
	struct column col = {.f = {.name = name_x}, .num = x};
	struct table t = {.rows = 4, .cols = &col, .cols_nr = 1, .label = y};
	struct train_params p = params(OBJ_L2, 1, 31);
	struct model m;

	(void)state;
	p.learning_rate = 1;
	p.lambda = 0;
	m = fit(&t, &p);
	assert_true(m.base[0] == 5);
	assert_int_equal(m.trees_nr, 1);
	assert_int_equal(m.trees[0].nr, 3);
	assert_true(m.trees[0].nodes[0].cut == 2.5f);
	assert_true(m.trees[0].nodes[0].gain > 99.9f &&
		    m.trees[0].nodes[0].gain < 100.1f);
	assert_true(m.trees[0].nodes[0].cover == 4);
	assert_int_equal(m.trees[0].nodes[0].rows, 4);
	assert_int_equal(m.trees[0].nodes[0].left, 1);
	assert_int_equal(m.trees[0].nodes[2].parent, 0);
	assert_true(m.trees[0].nodes[1].value == -5);
	assert_true(m.trees[0].nodes[2].value == 5);
	assert_int_equal(m.grid_bits, 21 - 4);
	model_release(&m);
}

/* p = 1/2, g = 1/2, h = 1/4: a leaf of two says -(1) / (1/2 + 1) * 0.1, rounded to
 * 2^-17. */
static void a_logistic_leaf_is_the_newton_step_on_the_grid(void **state)
{
	float x[] = {1, 2, 3, 4};
	double y[] = {0, 0, 1, 1}, want = rint(-0.1 / 1.5 * 131072) / 131072;
	struct column col = {.f = {.name = name_x}, .num = x};
	struct table t = {.rows = 4, .cols = &col, .cols_nr = 1, .label = y};
	struct train_params p = params(OBJ_BINARY, 1, 2);
	struct model m;

	(void)state;
	p.lambda = 1;
	m = fit(&t, &p);
	assert_true(m.base[0] == 0);
	assert_int_equal(m.grid_bits, 17);
	assert_true(m.trees[0].nodes[1].value == want);
	assert_true(m.trees[0].nodes[2].value == -want);
	assert_true(m.trees[0].nodes[0].cover == 1);
	model_release(&m);
}

static void missing_values_go_where_they_fit(void **state)
{
	float x[] = {1, 1, 2, 2, NAN, NAN};
	double y[] = {0, 0, 10, 10, 10, 10};
	struct column col = {.f = {.name = name_x}, .num = x, .missing = 2};
	struct table t = {.rows = 6, .cols = &col, .cols_nr = 1, .label = y};
	struct train_params p = params(OBJ_L2, 1, 2);
	struct model m;

	(void)state;
	p.learning_rate = 1;
	p.lambda = 0;
	m = fit(&t, &p);
	assert_false(m.trees[0].nodes[0].default_left);
	assert_true(m.trees[0].nodes[0].cut == 1.5f);
	model_release(&m);
	y[4] = y[5] = 0;
	m = fit(&t, &p);
	assert_true(m.trees[0].nodes[0].default_left);
	assert_int_equal(m.trees[0].nodes[1].rows, 4);
	model_release(&m);
	/* Only the missing ones differ: all numbers left. */
	y[2] = y[3] = 0;
	y[4] = y[5] = 10;
	m = fit(&t, &p);
	assert_false(m.trees[0].nodes[0].default_left);
	assert_true(m.trees[0].nodes[0].cut == FLT_MAX);
	assert_int_equal(m.trees[0].nodes[2].rows, 2);
	model_release(&m);
}

static void categories_form_sets(void **state)
{
	char *cats[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}};
	uint32_t code[] = {0, 0, 0, 1, 1, 1, 2, 2, 2, TABLE_MISSING};
	double y[] = {0, 0, 0, 9, 9, 9, 0, 0, 0, 0};
	struct column col = {.f = {.name = name_x,
				   .kind = FEATURE_CATEGORICAL,
				   .cats = cats,
				   .cats_nr = 3},
			     .code = code};
	struct table t = {.rows = 10, .cols = &col, .cols_nr = 1, .label = y};
	struct train_params p = params(OBJ_L2, 1, 2);
	struct model m;

	(void)state;
	p.learning_rate = 1;
	p.lambda = 0;
	m = fit(&t, &p);
	assert_true(m.trees[0].nodes[0].categorical);
	assert_true(m.trees[0].nodes[0].default_left);
	assert_int_equal(m.trees[0].nodes[0].set_nr, 1);
	assert_int_equal(m.trees[0].sets[0], 1);
	assert_int_equal(m.trees[0].nodes[2].rows, 3);
	model_release(&m);
	/* Missing alone differs: all known categories are the set. */
	y[3] = y[4] = y[5] = 0;
	y[9] = 9;
	m = fit(&t, &p);
	assert_int_equal(m.trees[0].nodes[0].set_nr, 3);
	assert_int_equal(m.trees[0].nodes[1].rows, 1);
	model_release(&m);
}

/* ---- one model --------------------------------------------------------------------- */

/* The synthetic set with two columns made categorical, and a weight. */
static void mixed_table(struct table *t, size_t rows, bool weights)
{
	synth_table(t, 1, 0, rows, 0.1);
	for (size_t k = 18; k < 20; k++) {
		struct column *c = &t->cols[k];
		size_t cats = k == 18 ? 3 : 300;

		c->code = calloc(rows, sizeof(*c->code));
		c->f.kind = FEATURE_CATEGORICAL;
		c->f.cats_nr = cats;
		c->f.cats = calloc(cats, sizeof(char *));
		for (size_t i = 0; i < cats; i++) {
			char text[16];

			(void)snprintf(text, sizeof(text), "c%zu", i);
			c->f.cats[i] = strdup(text);
		}
		for (size_t i = 0; i < rows; i++) {
			uint64_t r = rng_sm(i * 31 + k);

			c->code[i] = k == 18 ? (uint32_t)(c->num[i] + 0.5f)
					     : (uint32_t)(r % 300 * (r >> 32 & 1));
			if (r % 50 == 0)
				c->code[i] = TABLE_MISSING;
		}
		free(c->num);
		c->num = NULL;
	}
	if (!weights)
		return;
	t->weight = calloc(rows, sizeof(double));
	for (size_t i = 0; i < rows; i++)
		t->weight[i] = 0.5 + (double)(rng_sm(i) % 8) / 4;
}

/* Rows [from, to) as a table that borrows everything. */
static struct table slice(const struct table *t, size_t from, size_t to,
			  struct column *cols)
{
	struct table s = *t;

	for (size_t k = 0; k < t->cols_nr; k++) {
		cols[k] = t->cols[k];
		cols[k].num = cols[k].num ? cols[k].num + from : NULL;
		cols[k].code = cols[k].code ? cols[k].code + from : NULL;
	}
	s.cols = cols;
	s.rows = to - from;
	s.label += from;
	s.weight = s.weight ? s.weight + from : NULL;
	s.key = s.key ? s.key + from : NULL;
	s.group = s.group ? s.group + from : NULL;
	s.first_row = t->first_row + from;
	return s;
}

struct shard {
	struct table t;
	struct column cols[SYNTH_COLS];
	const struct train_params *p;
	struct train_control c;
	uint64_t digest;
	pthread_t thread;
};

static void *train_shard(void *arg)
{
	struct shard *s = arg;
	struct model m = {0};
	struct train_result res;
	struct err e = {0};

	s->digest = 0;
	if (train_gbt(&m, &res, &s->t, NULL, s->p, &s->c, &e) == 0)
		s->digest = synth_digest(&m);
	model_release(&m);
	return NULL;
}

static void check_shards(const struct table *t, const struct train_params *p,
			 uint64_t want)
{
	for (unsigned size = 2; size <= 4; size++) {
		struct comm_threads *all;
		struct shard s[4] = {0};
		size_t at = 0;

		assert_int_equal(comm_threads_new(&all, size, NULL), 0);
		for (unsigned i = 0; i < size; i++) {
			/* Of uneven sizes. */
			size_t to =
				i + 1 == size ? t->rows : at + t->rows / (size + 1 + i);

			s[i].t = slice(t, at, to, s[i].cols);
			s[i].p = p;
			s[i].c.threads = 1;
			s[i].c.comm = comm_threads_rank(all, i);
			at = to;
		}
		for (unsigned i = 0; i < size; i++)
			assert_int_equal(
				pthread_create(&s[i].thread, NULL, train_shard, &s[i]),
				0);
		for (unsigned i = 0; i < size; i++)
			pthread_join(s[i].thread, NULL);
		for (unsigned i = 0; i < size; i++)
			if (s[i].digest != want)
				fail_msg("shard %u of %u: another model", i, size);
		comm_threads_free(all);
	}
}

/* Every way to ask for the same model. */
static void check_one_model(const struct table *t, const struct train_params *p,
			    bool shards)
{
	struct train_control c = {.threads = 1, .simd = SIMD_SCALAR};
	uint64_t want = digest_with(t, p, &c);

	for (unsigned s = SIMD_SSE2; s <= SIMD_BEST; s++) {
		c.simd = (enum simd)s;
		if (simd_has(c.simd) && digest_with(t, p, &c) != want)
			fail_msg("another model with %s", simd_name(c.simd));
	}
	for (unsigned threads = 2; threads <= 8; threads += threads < 4 ? 1 : 2) {
		c.threads = threads;
		if (digest_with(t, p, &c) != want)
			fail_msg("another model with %u threads", threads);
	}
	c.threads = 2;
	c.memory_bytes = 1; /* no histogram can be kept */
	if (digest_with(t, p, &c) != want)
		fail_msg("another model with a small pool");
	if (shards)
		check_shards(t, p, want);
}

static void threads_and_shards_give_one_model(void **state)
{
	struct train_params p = params(OBJ_BINARY, 6, 31);
	struct table t;

	(void)state;
	mixed_table(&t, 40000, false);
	p.min_data_in_leaf = 20;
	check_one_model(&t, &p, true);
	table_release(&t);
}

static void so_with_weights_bags_and_few_features(void **state)
{
	struct train_params p = params(OBJ_BINARY, 5, 15);
	struct table t;

	(void)state;
	mixed_table(&t, 20000, true);
	p.bagging_freq = 2;
	p.bagging_fraction = 0.7;
	p.feature_fraction = 0.8;
	p.feature_fraction_bynode = 0.7;
	p.alpha = 0.5;
	check_one_model(&t, &p, true);
	p.pos_bagging_fraction = 0.3;
	check_one_model(&t, &p, false);
	table_release(&t);
}

static void so_with_goss_and_by_depth(void **state)
{
	struct train_params p = params(OBJ_BINARY, 5, 0);
	struct table t;

	(void)state;
	mixed_table(&t, 20000, false);
	p.goss_top = 0.2;
	p.goss_other = 0.1;
	p.grow = GROW_DEPTH;
	p.max_depth = 5;
	check_one_model(&t, &p, true);
	table_release(&t);
}

static void so_for_other_objectives(void **state)
{
	const enum objective all[] = {OBJ_L2, OBJ_L1, OBJ_QUANTILE, OBJ_POISSON};
	struct table t;

	(void)state;
	mixed_table(&t, 12000, false);
	for (size_t i = 0; i < t.rows; i++)
		t.label[i] = (double)(rng_sm(i) % 5) + 3 * t.label[i];
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct train_params p = params(all[i], 3, 15);

		p.min_data_in_leaf = 20;
		check_one_model(&t, &p, true);
	}
	table_release(&t);
}

static void so_for_several_classes(void **state)
{
	struct train_params p = params(OBJ_SOFTMAX, 3, 10);
	char *names[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}};
	struct table t;
	struct model m;

	(void)state;
	mixed_table(&t, 12000, false);
	for (size_t i = 0; i < t.rows; i++)
		t.label[i] += rng_sm(i) % 2 ? 1 : 0;
	t.classes = names;
	t.classes_nr = 3;
	check_one_model(&t, &p, true);
	m = fit(&t, &p);
	assert_int_equal(m.outputs, 3);
	assert_int_equal(m.trees_nr, 9);
	model_release(&m);
	t.classes = NULL;
	t.classes_nr = 0;
	table_release(&t);
}

static void content_keys_forget_the_order_of_rows(void **state)
{
	struct train_params p = params(OBJ_BINARY, 5, 15);
	struct train_control c = {.threads = 1};
	struct table t, shuffled;
	size_t n = 8000;
	uint64_t want;

	(void)state;
	synth_table(&t, 1, 0, n, 0.1);
	synth_table(&shuffled, 1, 0, n, 0.1);
	/* A few rows twice, which bags must tell apart. */
	for (size_t i = 0; i < 400; i++) {
		for (size_t k = 0; k < SYNTH_COLS; k++)
			t.cols[k].num[i] = t.cols[k].num[i + 400];
		t.label[i] = t.label[i + 400];
	}
	for (size_t i = 0; i < n; i++) {
		size_t from = i * 4567 % n; /* 4567 and 8000 share no factor */

		for (size_t k = 0; k < SYNTH_COLS; k++)
			shuffled.cols[k].num[i] = t.cols[k].num[from];
		shuffled.label[i] = t.label[from];
	}
	p.row_key = ROW_KEY_CONTENT;
	assert_int_equal(table_content_keys(&t, NULL), 0);
	assert_int_equal(table_content_keys(&shuffled, NULL), 0);
	for (int bag = 0; bag < 2; bag++) {
		p.bagging_freq = bag ? 1 : 0;
		p.bagging_fraction = bag ? 0.5 : 1;
		want = digest_with(&t, &p, &c);
		assert_true(digest_with(&shuffled, &p, &c) == want);
		check_shards(&t, &p, want);
	}
	table_release(&t);
	table_release(&shuffled);
}

/* A seed, a row key: they do matter, or the tests above would say nothing. */
static void draws_do_matter(void **state)
{
	struct train_params p = params(OBJ_BINARY, 3, 15);
	struct train_control c = {.threads = 1};
	struct table t;
	uint64_t want;

	(void)state;
	synth_table(&t, 1, 0, 8000, 0);
	want = digest_with(&t, &p, &c);
	p.seed = 8;
	assert_true(digest_with(&t, &p, &c) != want);
	p.seed = 7;
	t.first_row = 1;
	assert_true(digest_with(&t, &p, &c) != want);
	table_release(&t);
}

/* ---- what must be true of any model --------------------------------------------------- */

static double value_of(const struct model *m, const char *metric, const struct table *t)
{
	double *margin = calloc(t->rows * m->outputs, sizeof(*margin));
	struct metric_input in = {.objective = m->objective,
				  .outputs = m->outputs,
				  .margin = margin,
				  .label = t->label,
				  .nr = t->rows,
				  .threshold = 0.5};
	struct metric_value v = {0};

	model_margins(m, t, 0, t->rows, margin);
	assert_int_equal(metric_compute(&v, metric, &in, NULL), 0);
	free(margin);
	return v.value;
}

static void it_learns(void **state)
{
	struct train_params p = params(OBJ_BINARY, 60, 31);
	struct table t, test;
	struct model m;

	(void)state;
	p.min_data_in_leaf = 20;
	synth_table(&t, 1, 0, 20000, 0);
	synth_table(&test, 1, 20000000, 10000, 0);
	m = fit(&t, &p);
	/* 20,000 rows give 0.7599; a linear model of a million gives 0.719. */
	assert_true(value_of(&m, "auc", &test) > 0.755);
	model_release(&m);
	table_release(&t);
	table_release(&test);
}

static void leaves_obey_their_limits(void **state)
{
	struct train_params p = params(OBJ_BINARY, 4, 40);
	struct train_control c = {.threads = 1};
	struct train_result res;
	struct table t;
	struct model m;

	(void)state;
	synth_table(&t, 1, 0, 6000, 0.3);
	p.min_data_in_leaf = 37;
	p.max_depth = 7;
	m = fit_with(&t, NULL, &p, &c, &res);
	assert_int_equal(m.trees_nr, 4);
	assert_true(res.float32_exact && res.max_margin > 0);
	for (size_t k = 0; k < m.trees_nr; k++) {
		const struct tree *tree = &m.trees[k];
		unsigned depth[128] = {0};
		size_t leaves = 0;
		uint64_t rows = 0;

		for (size_t i = 0; i < tree->nr; i++) {
			const struct node *n = &tree->nodes[i];

			if (n->parent >= 0)
				depth[i] = depth[n->parent] + 1;
			assert_in_range(depth[i], 0, 7);
			if (n->left >= 0) {
				assert_int_equal(n->rows,
						 tree->nodes[n->left].rows +
							 tree->nodes[n->right].rows);
				continue;
			}
			leaves++;
			rows += n->rows;
			assert_true(n->rows >= 37);
			assert_true(n->value * 131072 == rint(n->value * 131072));
		}
		assert_in_range(leaves, 2, 40);
		assert_int_equal(rows, t.rows);
	}
	model_release(&m);
	table_release(&t);
}

static void monotone_features_are(void **state)
{
	struct train_params p = params(OBJ_BINARY, 20, 15);
	int8_t way[SYNTH_COLS] = {0};
	struct table t, probe;
	struct model m;
	double margin[101];

	(void)state;
	synth_table(&t, 1, 0, 6000, 0);
	way[6] = 1;
	way[0] = -1;
	p.monotone = way;
	p.monotone_nr = SYNTH_COLS;
	m = fit(&t, &p);
	for (int k = 0; k < 50; k++)
		for (int f = 0; f <= 6; f += 6) {
			synth_table(&probe, 5, (uint64_t)k, 101, 0);
			for (size_t c = 0; c < SYNTH_COLS; c++)
				for (size_t i = 0; i < 101; i++)
					probe.cols[c].num[i] =
						c == (size_t)f ? (float)i * 0.06f - 3
							       : probe.cols[c].num[0];
			model_margins(&m, &probe, 0, 101, margin);
			for (size_t i = 1; i < 101; i++)
				assert_true(f ? margin[i - 1] <= margin[i]
					      : margin[i - 1] >= margin[i]);
			table_release(&probe);
		}
	model_release(&m);
	table_release(&t);
}

static void paths_keep_to_their_sets(void **state)
{
	struct train_params p = params(OBJ_BINARY, 10, 20);
	uint32_t a[] = {0, 1, 2, 3}, b[] = {3, 4, 5, 6, 7, 8};
	struct feature_set sets[] = {{a, 4}, {b, 6}};
	struct table t;
	struct model m;

	(void)state;
	synth_table(&t, 1, 0, 6000, 0);
	p.interaction = sets;
	p.interaction_nr = 2;
	m = fit(&t, &p);
	for (size_t k = 0; k < m.trees_nr; k++)
		for (size_t i = 0; i < m.trees[k].nr; i++) {
			const struct node *nodes = m.trees[k].nodes;
			bool in_a = true, in_b = true, alone = true;

			if (nodes[i].left < 0)
				continue;
			for (int32_t at = (int32_t)i; at >= 0; at = nodes[at].parent) {
				in_a = in_a && nodes[at].feature <= 3;
				in_b = in_b && nodes[at].feature >= 3 &&
				       nodes[at].feature <= 8;
				alone = alone && nodes[at].feature == nodes[i].feature;
			}
			assert_true(in_a || in_b || alone);
		}
	model_release(&m);
	table_release(&t);
}

static void steps_are_clipped(void **state)
{
	struct train_params p = params(OBJ_L2, 3, 15);
	struct table t;
	struct model m;

	(void)state;
	synth_table(&t, 1, 0, 3000, 0);
	p.max_delta_step = 0.05;
	p.learning_rate = 1;
	m = fit(&t, &p);
	for (size_t k = 0; k < m.trees_nr; k++)
		for (size_t i = 0; i < m.trees[k].nr; i++)
			assert_true(fabs(m.trees[k].nodes[i].value) <= 0.0500005);
	model_release(&m);
	table_release(&t);
}

/* ---- rounds ----------------------------------------------------------------------------- */

struct watcher {
	unsigned stop_at, save_at;
	struct buf saved;
	double train, valid;
	unsigned calls;
};

static int watch(void *ctx, const struct train_round *r)
{
	struct watcher *w = ctx;

	w->calls++;
	w->train = r->train;
	w->valid = r->valid;
	if (r->round == w->save_at)
		train_checkpoint(&w->saved, r);
	return r->round == w->stop_at;
}

static void scores_are_the_models_margins(void **state)
{
	struct train_params p = params(OBJ_BINARY, 8, 20);
	struct watcher w = {0};
	struct train_control c = {
		.threads = 2, .on_round = watch, .ctx = &w, .train_metric = true};
	struct table t;
	struct model m;

	(void)state;
	mixed_table(&t, 9000, false);
	p.metric = "logloss";
	p.bagging_freq = 1;
	p.bagging_fraction = 0.6;
	m = fit_with(&t, &t, &p, &c, NULL);
	assert_int_equal(w.calls, 8);
	/* By bins, by values, by the predictor: the same sums. */
	assert_true(w.train == w.valid);
	assert_true(value_of(&m, "logloss", &t) == w.train);
	model_release(&m);
	table_release(&t);
}

static void it_stops_when_validation_gets_worse(void **state)
{
	struct train_params p = params(OBJ_BINARY, 400, 31);
	struct train_control c = {.threads = 1};
	struct train_result res;
	struct table t, valid;
	struct model m;

	(void)state;
	synth_table(&t, 1, 0, 1000, 0);
	synth_table(&valid, 1, 20000000, 1000, 0);
	p.patience = 5;
	p.metric = "logloss";
	m = fit_with(&t, &valid, &p, &c, &res);
	assert_true(res.early);
	assert_int_equal(res.rounds, res.best_round + 5);
	assert_int_equal(m.trees_nr, res.best_round);
	assert_true(value_of(&m, "logloss", &valid) == res.best);
	model_release(&m);
	table_release(&t);
	table_release(&valid);
}

static void a_resumed_training_ends_in_the_same_model(void **state)
{
	struct train_params p = params(OBJ_BINARY, 9, 15);
	struct watcher w = {.stop_at = 4, .save_at = 4};
	struct train_control c = {.threads = 1, .on_round = watch, .ctx = &w};
	struct train_control go_on = {.threads = 1};
	struct train_result res;
	struct table t, valid;
	struct model half, whole, all;
	struct err e = {0};

	(void)state;
	mixed_table(&t, 5000, true);
	mixed_table(&valid, 500, false);
	p.patience = 100;
	p.bagging_freq = 3;
	p.bagging_fraction = 0.5;
	half = fit_with(&t, &valid, &p, &c, &res);
	assert_true(res.stopped);
	assert_int_equal(res.rounds, 4);
	assert_true(half.trees_nr >= 1 && half.trees_nr <= 4);
	go_on.resume = buf_slice(&w.saved);
	whole = fit_with(&t, &valid, &p, &go_on, NULL);
	go_on.resume = (struct slice){0};
	all = fit_with(&t, &valid, &p, &go_on, NULL);
	assert_true(synth_digest(&whole) == synth_digest(&all));
	/* Other parameters, torn files, turned bits are refused. */
	go_on.resume = buf_slice(&w.saved);
	p.lambda += 1;
	assert_int_equal(train_gbt(&half, &res, &t, &valid, &p, &go_on, &e), ERR_INVALID);
	p.lambda -= 1;
	for (size_t n = 0; n < w.saved.n; n += 1 + n / 3) {
		go_on.resume.n = n;
		if (n > 0)
			assert_int_equal(
				train_gbt(&half, &res, &t, &valid, &p, &go_on, &e),
				ERR_CORRUPT);
	}
	model_release(&half);
	model_release(&whole);
	model_release(&all);
	buf_release(&w.saved);
	table_release(&t);
	table_release(&valid);
}

/* ---- odd tables ---------------------------------------------------------------------------- */

static void nothing_to_learn_is_a_model_of_single_leaves(void **state)
{
	float x[] = {1, 1, 1}, none[] = {NAN, NAN, NAN};
	double y[] = {1, 2, 6};
	struct column cols[] = {{.f = {.name = name_x}, .num = x},
				{.f = {.name = name_x}, .num = none}};
	struct table t = {.rows = 3, .cols = cols, .cols_nr = 2, .label = y};
	struct train_params p = params(OBJ_L2, 3, 31);
	struct model m;
	double margin[3];

	(void)state;
	m = fit(&t, &p);
	assert_int_equal(m.trees_nr, 3);
	assert_int_equal(m.trees[0].nr, 1);
	model_margins(&m, &t, 0, 3, margin);
	assert_true(fabs(margin[0] - 3) < 1e-5);
	model_release(&m);
	/* One row; no column at all. */
	t.rows = 1;
	m = fit(&t, &p);
	assert_int_equal(m.trees[0].nr, 1);
	model_release(&m);
	t.cols_nr = 0;
	t.rows = 3;
	m = fit(&t, &p);
	assert_int_equal(m.trees[0].nr, 1);
	model_release(&m);
}

static void no_rows_are_an_error(void **state)
{
	struct column col = {.f = {.name = name_x}, .num = (float[]){0}};
	struct table t = {.cols = &col, .cols_nr = 1, .label = (double[]){0}};
	struct train_params p = params(OBJ_L2, 3, 31);
	struct train_control c = {.threads = 1};
	struct train_result res;
	struct model m = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(train_gbt(&m, &res, &t, NULL, &p, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "no rows"));
}

static void one_class_makes_no_noise(void **state)
{
	struct train_params p = params(OBJ_BINARY, 2, 31);
	struct train_control c = {.threads = 1};
	struct train_result res;
	struct table t;
	struct model m = {0};
	struct err e = {0};
	int r;

	(void)state;
	synth_table(&t, 1, 0, 500, 0);
	for (size_t i = 0; i < t.rows; i++)
		t.label[i] = 1;
	r = train_gbt(&m, &res, &t, NULL, &p, &c, &e);
	if (r == 0)
		for (size_t k = 0; k < m.trees_nr; k++)
			for (size_t i = 0; i < m.trees[k].nr; i++)
				assert_true(isfinite(m.trees[k].nodes[i].value));
	else
		assert_int_equal(r, ERR_INVALID);
	model_release(&m);
	table_release(&t);
}

static void a_hundred_thousand_columns_train(void **state)
{
	size_t nr = 100000, rows = 60;
	float *v = calloc(rows * 64, sizeof(*v));
	double *y = calloc(rows, sizeof(*y));
	struct column *cols = calloc(nr, sizeof(*cols));
	struct table t = {.rows = rows, .cols = cols, .cols_nr = nr, .label = y};
	struct train_params p = params(OBJ_L2, 1, 4);
	struct train_control c = {.threads = 2};
	struct model m;

	(void)state;
	for (size_t i = 0; i < rows * 64; i++)
		v[i] = (float)(rng_sm(i) >> 40);
	for (size_t i = 0; i < rows; i++)
		y[i] = v[17 * rows + i] > 8e6f;
	for (size_t k = 0; k < nr; k++) {
		cols[k].num = v + (k == 70000 ? 17 : k % 16) * rows;
		cols[k].f.name = name_x;
	}
	m = fit_with(&t, NULL, &p, &c, NULL);
	assert_int_equal(m.trees[0].nodes[0].feature, 70000);
	model_release(&m);
	free(cols);
	free(y);
	free(v);
}

static void wild_values_do_no_harm(void **state)
{
	struct train_params p = params(OBJ_L2, 3, 15);
	struct table t;
	struct model m;

	(void)state;
	synth_table(&t, 1, 0, 2000, 0);
	for (size_t i = 0; i < t.rows; i++) {
		t.cols[0].num[i] = i % 3 == 0 ? FLT_MAX : i % 3 == 1 ? -FLT_MAX : 1e-45f;
		t.cols[1].num[i] = i % 2 ? INFINITY : -INFINITY;
		t.label[i] = i % 5 ? -1e30 : 1e30;
	}
	m = fit(&t, &p);
	for (size_t k = 0; k < m.trees_nr; k++)
		for (size_t i = 0; i < m.trees[k].nr; i++)
			assert_true(isfinite(m.trees[k].nodes[i].value));
	model_release(&m);
	table_release(&t);
}

/* ---- the number of the core ------------------------------------------------------------------ */

/* If this fails, models differ from those of the last release: then TRAIN_CORE must
 * rise, and these with it. */
static void golden_digests_guard_the_core_number(void **state)
{
	struct train_params p = params(OBJ_BINARY, 10, 31);
	struct train_control c = {.threads = 2};
	struct table t;
	uint64_t got[2];

	(void)state;
	mixed_table(&t, 5000, true);
	p.min_data_in_leaf = 20;
	got[0] = digest_with(&t, &p, &c);
	p.objective = OBJ_L2;
	p.bagging_freq = 1;
	p.bagging_fraction = 0.8;
	p.feature_fraction = 0.7;
	got[1] = digest_with(&t, &p, &c);
	table_release(&t);
	assert_int_equal(TRAIN_CORE, 1);
	if (got[0] != 0xbc153c7f9ebfb8e2 || got[1] != 0xfe1a88150475d73c)
		fail_msg("0x%016llx 0x%016llx", (unsigned long long)got[0],
			 (unsigned long long)got[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_is_found_where_it_is),
		cmocka_unit_test(a_logistic_leaf_is_the_newton_step_on_the_grid),
		cmocka_unit_test(missing_values_go_where_they_fit),
		cmocka_unit_test(categories_form_sets),
		cmocka_unit_test(threads_and_shards_give_one_model),
		cmocka_unit_test(so_with_weights_bags_and_few_features),
		cmocka_unit_test(so_with_goss_and_by_depth),
		cmocka_unit_test(so_for_other_objectives),
		cmocka_unit_test(so_for_several_classes),
		cmocka_unit_test(content_keys_forget_the_order_of_rows),
		cmocka_unit_test(draws_do_matter),
		cmocka_unit_test(it_learns),
		cmocka_unit_test(leaves_obey_their_limits),
		cmocka_unit_test(monotone_features_are),
		cmocka_unit_test(paths_keep_to_their_sets),
		cmocka_unit_test(steps_are_clipped),
		cmocka_unit_test(scores_are_the_models_margins),
		cmocka_unit_test(it_stops_when_validation_gets_worse),
		cmocka_unit_test(a_resumed_training_ends_in_the_same_model),
		cmocka_unit_test(nothing_to_learn_is_a_model_of_single_leaves),
		cmocka_unit_test(no_rows_are_an_error),
		cmocka_unit_test(one_class_makes_no_noise),
		cmocka_unit_test(a_hundred_thousand_columns_train),
		cmocka_unit_test(wild_values_do_no_harm),
		cmocka_unit_test(golden_digests_guard_the_core_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
