/* The pieces of a run: rows held out, classes, live files, records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "train/run/frame.h"
#include "train/run/live.h"
#include "train/run/record.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tables -------------------------------------------------------------- */

static void make_table(struct table *t, size_t rows)
{
	*t = (struct table){.rows = rows, .cols_nr = 2};
	t->cols = xcalloc(2, sizeof(*t->cols));
	t->cols[0].f.name = xstrdup("a");
	t->cols[0].num = xcalloc(rows, sizeof(float));
	t->cols[1].f = (struct feature){
		.name = xstrdup("c"), .kind = FEATURE_CATEGORICAL, .cats_nr = 2};
	t->cols[1].f.cats = xcalloc(2, sizeof(char *));
	t->cols[1].f.cats[0] = xstrdup("x");
	t->cols[1].f.cats[1] = xstrdup("y");
	t->cols[1].f.cat_rows = xcalloc(2, sizeof(uint64_t));
	t->cols[1].code = xcalloc(rows, sizeof(uint32_t));
	t->label = xcalloc(rows, sizeof(double));
	t->weight = xcalloc(rows, sizeof(double));
	t->text = xcalloc(1, sizeof(*t->text));
	t->text_nr = 1;
	t->text[0].name = xstrdup("id");
	t->text[0].v = xcalloc(rows, sizeof(char *));
	t->text[0].bytes = xcalloc(rows + 1, 16);
	for (size_t i = 0; i < rows; i++) {
		t->cols[0].num[i] = i % 10 == 3 ? NAN : (float)i;
		t->cols[1].code[i] = i % 5 == 0 ? TABLE_MISSING : (uint32_t)(i % 2);
		t->label[i] = (double)i;
		t->weight[i] = (double)i + 0.5;
		t->text[0].v[i] = t->text[0].bytes + 16 * i;
		assert_true(snprintf(t->text[0].v[i], 16, "row %zu", i) < 16);
	}
}

/* Every column of a row still belongs to the row that its label names. */
static void rows_are_whole(const struct table *t, bool *seen)
{
	uint64_t missing = 0, cats[2] = {0, 0};

	for (size_t r = 0; r < t->rows; r++) {
		size_t i = (size_t)t->label[r];
		char *id = xasprintf("row %zu", i);

		assert_false(seen[i]);
		seen[i] = true;
		assert_true(t->weight[r] == (double)i + 0.5);
		assert_int_equal(t->key[r], i);
		assert_true(i % 10 == 3 ? isnan(t->cols[0].num[r])
					: t->cols[0].num[r] == (float)i);
		assert_int_equal(t->cols[1].code[r],
				 i % 5 == 0 ? TABLE_MISSING : (uint32_t)(i % 2));
		assert_string_equal(t->text[0].v[r], id);
		missing += i % 10 == 3;
		if (i % 5 != 0)
			cats[i % 2]++;
		free(id);
	}
	assert_int_equal(t->cols[0].missing, missing);
	assert_int_equal(t->cols[1].f.cat_rows[0], cats[0]);
	assert_int_equal(t->cols[1].f.cat_rows[1], cats[1]);
}

static void a_split_deals_out_every_row_once(void **state)
{
	enum {
		ROWS = 4000
	};
	struct table t, valid, again, valid2;
	bool *seen = xcalloc(ROWS, sizeof(*seen));
	struct err e = {0};

	(void)state;
	make_table(&t, ROWS);
	assert_int_equal(frame_split(&t, 0.25, 7, &valid, &e), 0);
	assert_int_equal(t.rows + valid.rows, ROWS);
	/* six standard deviations */
	assert_in_range(valid.rows, 1000 - 165, 1000 + 165);
	rows_are_whole(&t, seen);
	rows_are_whole(&valid, seen);
	/* The same seed holds out the same rows, another one others. */
	make_table(&again, ROWS);
	assert_int_equal(frame_split(&again, 0.25, 7, &valid2, &e), 0);
	assert_int_equal(valid2.rows, valid.rows);
	assert_memory_equal(valid2.label, valid.label, valid.rows * sizeof(double));
	table_release(&again);
	table_release(&valid2);
	make_table(&again, ROWS);
	assert_int_equal(frame_split(&again, 0.25, 8, &valid2, &e), 0);
	assert_true(valid2.rows != valid.rows ||
		    memcmp(valid2.label, valid.label, valid.rows * sizeof(double)) != 0);
	table_release(&again);
	table_release(&valid2);
	table_release(&t);
	table_release(&valid);
	free(seen);
}

static void rows_keep_their_side_when_rows_are_added(void **state)
{
	struct table a, va, b, vb;
	struct err e = {0};
	size_t n = 0;

	(void)state;
	make_table(&a, 500);
	make_table(&b, 900);
	assert_int_equal(frame_split(&a, 0.3, 1, &va, &e), 0);
	assert_int_equal(frame_split(&b, 0.3, 1, &vb, &e), 0);
	for (size_t i = 0; i < vb.rows; i++)
		n += vb.label[i] < 500;
	assert_int_equal(n, va.rows);
	assert_memory_equal(va.label, vb.label, va.rows * sizeof(double));
	table_release(&a);
	table_release(&b);
	table_release(&va);
	table_release(&vb);
}

static void queries_stay_together(void **state)
{
	struct table t, valid;
	struct err e = {0};
	bool in_train[200] = {false};

	(void)state;
	make_table(&t, 2000);
	t.group = xcalloc(2000, sizeof(uint32_t));
	for (size_t i = 0; i < 2000; i++)
		t.group[i] = (uint32_t)(i / 10);
	assert_int_equal(frame_split(&t, 0.3, 1, &valid, &e), 0);
	for (size_t i = 0; i < t.rows; i++)
		in_train[t.group[i]] = true;
	for (size_t i = 0; i < valid.rows; i++)
		assert_false(in_train[valid.group[i]]);
	assert_int_equal(valid.rows % 10, 0);
	table_release(&t);
	table_release(&valid);
}

static void an_empty_side_is_refused(void **state)
{
	struct table t, valid = {0};
	struct err e = {0};

	(void)state;
	make_table(&t, 3);
	assert_int_equal(frame_split(&t, 1e-9, 1, &valid, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "0 of 3 rows"));
	assert_int_equal(t.rows, 3);
	table_release(&t);
	make_table(&t, 0);
	assert_int_equal(frame_split(&t, 0.5, 1, &valid, &e), ERR_INVALID);
	table_release(&t);
}

static void with_classes(struct table *t, const char *const *names, size_t nr)
{
	make_table(t, nr);
	t->classes = xcalloc(nr + 1, sizeof(char *));
	t->classes_nr = nr;
	for (size_t i = 0; i < nr; i++)
		t->classes[i] = xstrdup(names[i]);
}

static void numbers_as_class_names_become_numbers(void **state)
{
	/* in byte order, as they are read */
	static const char *const numbers[] = {"0", "1", "10", "2", "3", "4",
					      "5", "6", "7",  "8", "9"};
	static const char *const names[] = {"no", "yes"};
	static const char *const gap[] = {"0", "2"};
	static const char *const twice[] = {"0", "0.0"};
	static const char *const one[] = {"1", "2"};
	struct table t;

	(void)state;
	with_classes(&t, numbers, 11);
	frame_settle_classes(&t);
	assert_null(t.classes);
	assert_int_equal(t.classes_nr, 0);
	assert_true(t.label[2] == 10);
	assert_true(t.label[3] == 2);
	assert_true(t.label[10] == 9);
	table_release(&t);
	with_classes(&t, names, 2);
	frame_settle_classes(&t);
	assert_int_equal(t.classes_nr, 2);
	table_release(&t);
	with_classes(&t, gap, 2);
	frame_settle_classes(&t);
	assert_int_equal(t.classes_nr, 2);
	table_release(&t);
	with_classes(&t, twice, 2);
	frame_settle_classes(&t);
	assert_int_equal(t.classes_nr, 2);
	table_release(&t);
	with_classes(&t, one, 2);
	frame_settle_classes(&t);
	assert_int_equal(t.classes_nr, 2);
	assert_true(t.label[1] == 1);
	table_release(&t);
}

/* ---- live files ---------------------------------------------------------- */

struct place {
	char dir[32];
	int fd;
};

static void enter(struct place *p)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/lode-run.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY);
	assert_true(p->fd >= 0);
}

static void leave(struct place *p)
{
	close(p->fd);
	assert_int_equal(fs_remove_tree(AT_FDCWD, p->dir, NULL), 0);
}

static void holds(int fd, const char *path, const char *want)
{
	struct buf b = {0};

	assert_int_equal(fs_read(fd, path, 0, &b, NULL), 0);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void rounds_become_dvclives_files(void **state)
{
	struct train_round r = {.round = 1, .rounds = 2, .metric = "ndcg@5"};
	struct place p;
	struct live l;

	(void)state;
	enter(&p);
	live_begin(&l, p.fd, "dvclive/m");
	assert_false(live_has_rows(&l));
	r.train = 0.5;
	r.valid = NAN;
	assert_int_equal(live_add(&l, &r, NULL), 0);
	r.round = 2;
	r.train = 0.1;
	r.valid = 1e-7;
	assert_int_equal(live_add(&l, &r, NULL), 0);
	assert_true(live_has_rows(&l));
	assert_int_equal(live_flush(&l, FS_SYNC_NONE, NULL), 0);
	holds(p.fd, "dvclive/m/plots/metrics/train/ndcg@5.tsv",
	      "step\tndcg@5\n1\t0.5\n2\t0.1\n");
	holds(p.fd, "dvclive/m/plots/metrics/validation/ndcg@5.tsv",
	      "step\tndcg@5\n2\t1e-07\n");
	holds(p.fd, "dvclive/m/metrics.json",
	      "{\n    \"train\": {\n        \"ndcg@5\": 0.1\n    },\n"
	      "    \"validation\": {\n        \"ndcg@5\": 1e-07\n    },\n"
	      "    \"step\": 2\n}\n");
	live_release(&l);
	leave(&p);
}

static void only_what_we_could_have_written_is_cleared(void **state)
{
	static const char dir[] = "d/plots/metrics/train";
	struct train_round r = {.round = 1, .metric = "auc", .train = 0.5, .valid = NAN};
	struct place p;
	struct live l;

	(void)state;
	enter(&p);
	assert_int_equal(fs_mkdirs(p.fd, dir, 0, NULL), 0);
	assert_int_equal(fs_write(p.fd, "d/plots/metrics/train/old.tsv", SLICE_LIT("x"),
				  0666, FS_SYNC_NONE, NULL),
			 0);
	assert_int_equal(fs_write(p.fd,
				  "d/plots/metrics/train/.0123456789abcdefghijkl.tmp",
				  SLICE_LIT("x"), 0666, FS_SYNC_NONE, NULL),
			 0);
	assert_int_equal(fs_write(p.fd, "d/plots/metrics/train/thesis.doc",
				  SLICE_LIT("x"), 0666, FS_SYNC_NONE, NULL),
			 0);
	assert_int_equal(fs_write(p.fd, "d/precious.tsv", SLICE_LIT("x"), 0666,
				  FS_SYNC_NONE, NULL),
			 0);
	live_begin(&l, p.fd, "d");
	assert_int_equal(live_flush(&l, FS_SYNC_NONE, NULL), 0);
	assert_true(fs_exists(p.fd, "d/plots/metrics/train/old.tsv"));
	assert_int_equal(live_add(&l, &r, NULL), 0);
	assert_int_equal(live_flush(&l, FS_SYNC_NONE, NULL), 0);
	assert_false(fs_exists(p.fd, "d/plots/metrics/train/old.tsv"));
	assert_false(
		fs_exists(p.fd, "d/plots/metrics/train/.0123456789abcdefghijkl.tmp"));
	assert_true(fs_exists(p.fd, "d/plots/metrics/train/thesis.doc"));
	assert_true(fs_exists(p.fd, "d/precious.tsv"));
	live_release(&l);
	leave(&p);
}

static void rounds_survive_a_checkpoint(void **state)
{
	struct train_round r = {.round = 1, .metric = "auc", .train = 0.25, .valid = NAN};
	struct live a = {0}, b = {0};
	struct buf bytes = {0};
	struct slice s;

	(void)state;
	assert_int_equal(live_add(&a, &r, NULL), 0);
	r.round = 2;
	r.train = -1.5;
	r.valid = 3;
	assert_int_equal(live_add(&a, &r, NULL), 0);
	live_save(&a, &bytes);
	buf_adds(&bytes, "rest");
	s = buf_slice(&bytes);
	assert_true(live_load(&b, &s));
	assert_true(slice_is(s, "rest"));
	assert_int_equal(b.nr, 2);
	assert_string_equal(b.name, "auc");
	assert_true(b.v[1].train == -1.5 && b.v[1].valid == 3);
	assert_true(isnan(b.v[0].valid));
	/* a training that could not go on from it begins at the first round */
	r.round = 1;
	assert_int_equal(live_add(&b, &r, NULL), 0);
	assert_int_equal(b.nr, 1);
	/* cut anywhere it is refused, never believed */
	for (size_t n = 0; n + 4 < bytes.n; n++) {
		struct live c = {0};

		s = (struct slice){bytes.p, n};
		assert_false(live_load(&c, &s));
		live_release(&c);
	}
	live_release(&a);
	live_release(&b);
	buf_release(&bytes);
}

/* ---- records ------------------------------------------------------------- */

static void a_record_reads_back(void **state)
{
	struct input_file file = {.path = "tr.csv", .fd = -1, .bytes = 5, .rows = 2};
	struct input in = {.role = INPUT_TRAIN,
			   .text = "tr.csv",
			   .files = &file,
			   .files_nr = 1,
			   .bytes = 5,
			   .rows = 2,
			   .got = {.algo = OID_MD5}};
	struct inputs all = {.v = &in, .nr = 1};
	struct record_output out = {.path = "m.json", .bytes = 9};
	struct record_metric metrics[] = {{.side = "train",
					   .name = "auc",
					   .value = 0.5,
					   .low = 0.4,
					   .high = 0.6,
					   .n = 2},
					  {.side = "validation",
					   .name = "auc",
					   .value = NAN,
					   .low = NAN,
					   .high = NAN}};
	struct run_record r = {.core = 3,
			       .command = "lode train -S seed=1 train.yaml",
			       .path = "m.run.json",
			       .file = "train.yaml",
			       .overrides = (const char *const[]){"seed=1", NULL},
			       .config = "{}",
			       .inputs = &all,
			       .outputs = &out,
			       .outputs_nr = 1,
			       .metrics = metrics,
			       .metrics_nr = 2,
			       .table_hash = 0x0123456789abcdef};
	struct run_record back = {0};
	struct buf b = {0}, again = {0};
	struct err e = {0};

	(void)state;
	memset(in.got.b, 0xab, 16);
	memset(in.sha256, 0xcd, 32);
	memset(out.sha256, 0xef, 32);
	record_write(&r, &b);
	record_write(&r, &again);
	assert_string_equal(buf_str(&b), buf_str(&again));
	assert_non_null(strstr(buf_str(&b), "\"hash\": \"0123456789abcdef\""));
	assert_non_null(strstr(buf_str(&b), "\"value\": null"));
	assert_int_equal(record_read(&back, buf_slice(&b), "m", &e), 0);
	assert_int_equal(back.core, 3);
	assert_string_equal(back.overrides[0], "seed=1");
	assert_null(back.overrides[1]);
	assert_int_equal(back.in_nr, 1);
	assert_memory_equal(back.in[0].sha256, in.sha256, 32);
	assert_true(oid_eq(&back.in[0].md5, &in.got));
	assert_memory_equal(back.outputs[0].sha256, out.sha256, 32);
	record_release(&back);
	buf_reset(&again);
	record_write_metrics(&r, &again);
	assert_string_equal(buf_str(&again),
			    "{\n    \"train\": {\n        \"auc\": 0.5\n    },\n"
			    "    \"validation\": {\n        \"auc\": null\n    },\n"
			    "    \"rounds\": 0,\n    \"best_round\": 0\n}\n");
	buf_release(&b);
	buf_release(&again);
}

static void damaged_records_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"lode_run\": \"1\"}",
		"{\"lode_run\": 1}",
		"{\"lode_run\": 1, \"kind\": \"dance\"}",
		"{\"lode_run\": 1, \"kind\": \"train\", \"command\": \"x\", \"path\": \"p\"}",
		"{\"lode_run\": 1, \"kind\": \"train\", \"command\": \"x\", \"path\": \"p\", "
		"\"inputs\": [{}], \"outputs\": []}",
		"{\"lode_run\": 1, \"kind\": \"train\", \"command\": \"x\", \"path\": \"p\", "
		"\"inputs\": [], \"outputs\": [], \"core\": 1, \"file\": \"f\", "
		"\"overrides\": []}",
		"{\"lode_run\": 1, \"kind\": \"command\", \"command\": \"x\", \"path\": "
		"\"p\", \"argv\": [], \"inputs\": [], \"outputs\": []}",
		"{\"lode_run\": 1, \"kind\": \"command\", \"command\": \"x\", \"path\": "
		"\"p\", \"argv\": [5], \"inputs\": [], \"outputs\": []}",
	};
	struct run_record r = {0};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(record_read(&r, slice_of(bad[i]), "m", &e), ERR_CORRUPT);
	assert_int_equal(record_read(&r, SLICE_LIT("{\"lode_run\": 2}"), "m", &e),
			 ERR_UNSUPPORTED);
	assert_null(r.command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_split_deals_out_every_row_once),
		cmocka_unit_test(rows_keep_their_side_when_rows_are_added),
		cmocka_unit_test(queries_stay_together),
		cmocka_unit_test(an_empty_side_is_refused),
		cmocka_unit_test(numbers_as_class_names_become_numbers),
		cmocka_unit_test(rounds_become_dvclives_files),
		cmocka_unit_test(only_what_we_could_have_written_is_cleared),
		cmocka_unit_test(rounds_survive_a_checkpoint),
		cmocka_unit_test(a_record_reads_back),
		cmocka_unit_test(damaged_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
