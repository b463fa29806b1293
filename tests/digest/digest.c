/*
 * Models of a small table under many configurations, as one line each: a hash of
 * the canonical document and of the margins. run.sh compares the lines over
 * compilers, levels of optimisation and machines.
 *
 *   digest [threads [scalar|sse2|avx2|avx512]]
 */
#include "store/base/buf.h"
#include "store/base/err.h"
#include "tests/lib/synth.h"
#include "train/core/train.h"

#define ROWS 2500

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * 0x100000001b3u;
	return rng_sm(h);
}

/* Column 18 becomes one of 3 categories, column 19 one of 300. */
static void make_categories(struct table *t)
{
	for (size_t k = 18; k < 20; k++) {
		struct column *c = &t->cols[k];
		size_t cats = k == 18 ? 3 : 300;

		c->code = calloc(t->rows, sizeof(*c->code));
		c->f.kind = FEATURE_CATEGORICAL;
		c->f.cats_nr = cats;
		c->f.cats = calloc(cats, sizeof(char *));
		for (size_t i = 0; i < cats; i++) {
			char text[16];

			(void)snprintf(text, sizeof(text), "c%zu", i);
			c->f.cats[i] = strdup(text);
		}
		for (size_t i = 0; i < t->rows; i++) {
			uint64_t r = rng_sm(i * 31 + k);

			c->code[i] = k == 18 ? (uint32_t)(c->num[i] + 0.5f)
					     : (uint32_t)(r % 300 * (r >> 32 & 1));
			if (r % 50 == 0)
				c->code[i] = TABLE_MISSING;
		}
		free(c->num);
		c->num = NULL;
	}
}

static int one(const char *name, const struct table *t, const struct train_params *p,
	       const struct train_control *c)
{
	struct model m = {0};
	struct train_result res;
	struct buf json = {0};
	struct err e = {0};
	double *margin;
	uint64_t h;

	if (train(&m, &res, t, NULL, p, c, &e) < 0) {
		printf("%s: %s\n", name, e.text);
		return 1;
	}
	model_json(&json, &m);
	h = hash_bytes(0, json.p, json.n);
	margin = calloc(t->rows * m.outputs, sizeof(*margin));
	model_margins(&m, t, 0, t->rows, margin);
	for (size_t i = 0; i < t->rows * m.outputs; i++)
		h = synth_mix(h, synth_bits(margin[i]));
	printf("%s %016llx\n", name, (unsigned long long)h);
	free(margin);
	buf_release(&json);
	model_release(&m);
	return 0;
}

static struct train_params params(enum objective o)
{
	struct train_params p;

	train_params_init(&p);
	p.objective = o;
	p.trees = 4;
	p.max_leaves = 15;
	p.seed = 7;
	return p;
}

static int trees(struct table *t, const struct train_control *c)
{
	const enum objective numbers[] = {OBJ_L2,	OBJ_L1,	     OBJ_HUBER,
					  OBJ_QUANTILE, OBJ_POISSON, OBJ_TWEEDIE};
	struct train_params p = params(OBJ_BINARY);
	int bad = one("binary", t, &p, c);

	p.bagging_freq = 1;
	p.bagging_fraction = 0.6;
	p.feature_fraction = 0.7;
	bad |= one("bagged", t, &p, c);
	p = params(OBJ_BINARY);
	p.goss_top = 0.2;
	p.goss_other = 0.2;
	p.grow = GROW_DEPTH;
	p.max_leaves = 64;
	p.max_depth = 5;
	bad |= one("goss", t, &p, c);
	for (size_t i = 0; i < t->rows; i++)
		t->label[i] += (double)(rng_sm(i) % 4);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		p = params(numbers[i]);
		bad |= one(objective_name(numbers[i]), t, &p, c);
	}
	return bad;
}

static int classes(struct table *t, const struct train_control *c)
{
	char *names[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}};
	struct train_params p = params(OBJ_SOFTMAX);
	int bad;

	for (size_t i = 0; i < t->rows; i++)
		t->label[i] = (double)(rng_sm(i) % 3);
	t->classes = names;
	t->classes_nr = 3;
	bad = one("softmax", t, &p, c);
	t->classes = NULL;
	t->classes_nr = 0;
	return bad;
}

static int linear(const struct train_control *c)
{
	struct train_params p = params(OBJ_BINARY);
	struct table t;
	int bad;

	synth_table(&t, 1, 0, ROWS, 0.1);
	p.type = MODEL_LINEAR;
	bad = one("logistic", &t, &p, c);
	p.objective = OBJ_L2;
	p.l1 = 0.01;
	bad |= one("lasso", &t, &p, c);
	table_release(&t);
	return bad;
}

int main(int argc, char **argv)
{
	struct train_control c = {.threads = 1, .simd = SIMD_BEST};
	struct table t;
	int bad;

	if (argc > 1)
		c.threads = (unsigned)strtoul(argv[1], NULL, 10);
	for (unsigned s = SIMD_SCALAR; argc > 2 && s < SIMD_BEST; s++)
		if (strcmp(argv[2], simd_name((enum simd)s)) == 0)
			c.simd = (enum simd)s;
	synth_table(&t, 1, 0, ROWS, 0.1);
	make_categories(&t);
	bad = trees(&t, &c) | classes(&t, &c) | linear(&c);
	table_release(&t);
	return bad;
}
