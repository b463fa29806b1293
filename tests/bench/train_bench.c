/*
 * Boosted trees on the synthetic set: CPU seconds of binning and boosting, and the
 * digest of the model.
 *
 *   train_bench [-n rows] [-l leaves] [-T trees] [-t threads] [-r runs]
 *               [-s scalar|sse2|avx2|avx512] [-c columns] [-m missing share] [-x]
 *
 * -x prints the SHA-256 of the set instead, as far as 1,000,000 rows.
 */
#include "store/base/err.h"
#include "store/hash/hash.h"
#include "tests/lib/synth.h"
#include "train/core/hist.h"
#include "train/core/metric.h"
#include "train/core/train.h"

#include <time.h>
#include <unistd.h>

struct options {
	size_t rows, cols;
	unsigned leaves, trees, threads, runs, bins;
	enum simd simd;
	double missing;
	bool fixture;
};

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static enum simd simd_by_name(const char *name)
{
	for (unsigned s = SIMD_SCALAR; s < SIMD_BEST; s++)
		if (strcmp(name, simd_name((enum simd)s)) == 0)
			return (enum simd)s;
	return SIMD_BEST;
}

static int fixture(void)
{
	struct hash features = {0}, labels = {0};
	uint8_t digest[2][32];

	hash_begin_sha256(&features);
	hash_begin_sha256(&labels);
	for (uint64_t i = 0; i < 1000000; i++) {
		float row[SYNTH_COLS], label = (float)synth_row(row, 1, i);

		hash_update(&features, row, sizeof(row));
		hash_update(&labels, &label, sizeof(label));
	}
	hash_end(&features, digest[0]);
	hash_end(&labels, digest[1]);
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < 8; i++)
			printf("%02x", digest[k][i]);
		printf(k ? "\n" : " ");
	}
	return 0;
}

static int run(const struct options *o, const struct table *t, struct err *e)
{
	struct train_params p;
	struct train_control c = {.threads = o->threads, .simd = o->simd};
	struct train_result res;
	struct model m = {0};
	double cpu, wall;
	int r;

	train_params_init(&p);
	p.objective = OBJ_BINARY;
	p.trees = o->trees;
	p.max_leaves = o->leaves;
	p.max_bin = o->bins;
	p.lambda = 1;
	p.min_child_weight = 1;
	p.min_data_in_leaf = 1;
	p.seed = 7;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	wall = now(CLOCK_MONOTONIC);
	if ((r = train_gbt(&m, &res, t, NULL, &p, &c, e)) < 0)
		return r;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = now(CLOCK_MONOTONIC) - wall;
	printf("bin %.3f boost %.3f cpu %.3f wall %.3f  %.3f ns/(row feature tree)  "
	       "peak %.1f MB  %016llx\n",
	       res.bin_s, res.boost_s, cpu, wall,
	       res.boost_s * 1e9 / (double)t->rows / (double)t->cols_nr / o->trees,
	       (double)res.peak_bytes / 1e6, (unsigned long long)synth_digest(&m));
	(void)fflush(stdout);
	model_release(&m);
	return 0;
}

static void parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:l:T:t:r:s:c:m:b:x")) != -1) {
		const char *v = optarg;

		if (c == 'n')
			o->rows = strtoul(v, NULL, 10);
		else if (c == 'l')
			o->leaves = (unsigned)strtoul(v, NULL, 10);
		else if (c == 'T')
			o->trees = (unsigned)strtoul(v, NULL, 10);
		else if (c == 't')
			o->threads = (unsigned)strtoul(v, NULL, 10);
		else if (c == 'r')
			o->runs = (unsigned)strtoul(v, NULL, 10);
		else if (c == 'b')
			o->bins = (unsigned)strtoul(v, NULL, 10);
		else if (c == 'c')
			o->cols = strtoul(v, NULL, 10);
		else if (c == 's')
			o->simd = simd_by_name(v);
		else if (c == 'm')
			o->missing = strtod(v, NULL);
		else if (c == 'x')
			o->fixture = true;
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = {.rows = 1000000,
			    .cols = SYNTH_COLS,
			    .leaves = 63,
			    .trees = 20,
			    .threads = 1,
			    .runs = 1,
			    .bins = 255,
			    .simd = SIMD_BEST};
	struct table t;
	struct err e = {0};
	size_t all;
	char text[512];

	parse(&o, argc, argv);
	if (o.fixture)
		return fixture();
	synth_table(&t, 1, 0, o.rows, o.missing);
	all = t.cols_nr;
	t.cols_nr = o.cols < all ? o.cols : all;
	for (unsigned i = 0; i < o.runs; i++)
		if (run(&o, &t, &e) < 0) {
			err_format(&e, text, sizeof(text));
			printf("%s\n", text);
			return 1;
		}
	t.cols_nr = all;
	table_release(&t);
	return 0;
}
