/* Failing calls, failing memory, and files that change while they are read. */
#include "data_fixture.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "train/data/stats.h"

#include <errno.h>
#include <math.h>
#include <sys/resource.h>

static void make_text(struct buf *b, size_t rows, bool svm)
{
	if (!svm)
		buf_adds(b, "a,b,c\n");
	for (size_t i = 0; i < rows; i++)
		buf_addf(b, svm ? "%zu 1:%zu 2:7\n" : "%zu,%zu,x%zu\n", i, i % 9, i % 5);
}

static const char *const paths[] = {"t.csv", "t.svm", "t.npy"};

static void make_file(struct buf *b, size_t kind, size_t rows)
{
	char head[129];

	buf_reset(b);
	if (kind < 2) {
		make_text(b, rows, kind == 1);
		return;
	}
	memset(head, ' ', sizeof(head));
	memcpy(head, "\x93NUMPY\1\0\x76\0", 10);
	snprintf(head + 10, 110,
		 "{'descr': '<f8', 'fortran_order': False, 'shape': (%zu, 2)}", rows);
	head[10 + strlen(head + 10)] = ' ';
	head[127] = '\n';
	buf_add(b, head, 128);
	buf_fill(b, '\0', rows * 16);
}

static void every_failing_call_is_told(void **state)
{
	struct buf b = {0};

	(void)state;
	for (size_t kind = 0; kind < ARRAY_SIZE(paths); kind++) {
		make_file(&b, kind, 1000);
		for (int n = 1;; n++) {
			struct data_options o = {.hash = true,
						 .target = kind ? "f1" : "a"};
			struct data_file f = {.path = paths[kind],
					      .fd = file_of(buf_str(&b), b.n)};
			struct table t = {0};
			struct err e = {0};
			int r;

			sys_fail_nth(n, EIO);
			r = data_read(&t, &f, 1, &o, NULL, &e);
			sys_fail_nth(0, 0);
			close(f.fd);
			if (r == 0) {
				assert_true(n > 3); /* it did bite */
				assert_int_equal(t.rows, 1000);
				table_release(&t);
				break;
			}
			assert_int_equal(r, ERR_IO);
			assert_int_equal(e.sys, EIO);
			assert_non_null(strstr(e.text, paths[kind]));
			assert_null(t.cols);
		}
	}
	buf_release(&b);
}

static void every_failing_allocation_is_told(void **state)
{
	struct buf b = {0};

	(void)state;
	for (size_t kind = 0; kind < ARRAY_SIZE(paths); kind++) {
		make_file(&b, kind, 1000);
		for (int n = 1;; n++) {
			struct read_case c = {
				.path = paths[kind], .p = buf_str(&b), .n = b.n};
			struct table t = {0};
			struct err e = {0};
			int r;

			c.o = (struct data_options){.target = kind ? "f1" : "c",
						    .target_classes = true};
			try_alloc_fail_nth(n);
			r = read_bytes(&t, &c, &e);
			try_alloc_fail_nth(0);
			if (r == 0) {
				assert_true(n > 3);
				table_release(&t);
				break;
			}
			assert_int_equal(r, ERR_NOMEM);
			assert_null(t.cols);
		}
	}
	buf_release(&b);
}

/* A sink that changes the file while it is read. */
struct meddler {
	struct sink sink;
	int fd;
	int64_t size; /* to be */
	bool write, interrupt;
	int calls;
};

static void meddle(struct sink *s, uint64_t items, uint64_t bytes)
{
	struct meddler *m = (struct meddler *)s;

	(void)items;
	(void)bytes;
	if (m->calls++ > 0)
		return;
	if (m->interrupt)
		interrupt_request();
	else if (m->write)
		assert_int_equal(pwrite(m->fd, "9", 1, 20), 1);
	else
		assert_int_equal(ftruncate(m->fd, m->size), 0);
}

static void a_file_that_changes_is_an_error(void **state)
{
	struct buf b = {0};

	(void)state;
	for (size_t kind = 0; kind < ARRAY_SIZE(paths); kind++) {
		make_file(&b, kind, kind == 2 ? 1500000 : 2000000);
		for (int what = 0; what < 4; what++) {
			struct meddler m = {.sink = {.add = meddle},
					    .fd = file_of(buf_str(&b), b.n),
					    .write = what == 2,
					    .interrupt = what == 3,
					    .size = what ? (int64_t)b.n + 7 : 9000000};
			struct data_options o = {.sink = &m.sink};
			struct data_file f = {.path = paths[kind], .fd = m.fd};
			struct table t = {0};
			struct err e = {0};
			int r = data_read(&t, &f, 1, &o, NULL, &e);

			if (what == 3) {
				assert_int_equal(r, ERR_CANCELED);
				interrupt_reset();
			} else {
				char want[64];

				snprintf(want, sizeof(want),
					 "'%s' changed while it was read", paths[kind]);
				assert_int_equal(r, ERR_CORRUPT);
				assert_string_equal(e.text, want);
			}
			assert_null(t.cols);
			assert_true(m.calls > 0);
			close(m.fd);
		}
	}
	buf_release(&b);
}

static void what_is_no_file_is_refused(void **state)
{
	struct data_file f = {.path = "pipe"};
	const struct data_options o = {0};
	struct table t = {0};
	struct err e = {0};
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	f.fd = fd[0];
	f.format = DATA_CSV;
	assert_int_equal(data_read(&t, &f, 1, &o, NULL, &e), ERR_INVALID);
	assert_string_equal(e.text, "'pipe' is no regular file");
	assert_int_equal(data_read(&t, &f, 0, &o, NULL, &e), ERR_INVALID);
	assert_string_equal(e.text, "no data file");
	close(fd[0]);
	close(fd[1]);
}

/* A stream holds a few pieces, however long the file is. */
static void a_stream_stays_small(void **state)
{
	char a[] = "a", x0[] = "x0";
	char *cats[] = {x0};
	const struct feature want[] = {
		{.name = a, .kind = FEATURE_CATEGORICAL, .cats = cats, .cats_nr = 1}};
	static const struct column_choice types[] = {{"c", COLUMN_TEXT}};
	const struct data_options o = {
		.features = want, .features_nr = 1, .types = types, .types_nr = 1};
	struct data_file f = {.path = "t.csv"};
	struct buf b = {0};
	struct rusage before, after;
	struct data_stream *s;
	const struct table *t;
	size_t rows = 0;

	(void)state;
	buf_adds(&b, "a,c\n");
	for (int i = 0; i < 3000000; i++)
		buf_addf(&b, "x%d,text number %d\n", i % 3, i); /* all different */
	f.fd = file_of(buf_str(&b), b.n);
	buf_release(&b);
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(data_stream_open(&s, &f, &o, 1000, NULL), 0);
	while (data_stream_next(s, &t, NULL) > 0)
		rows += t->rows;
	data_stream_close(s);
	close(f.fd);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(rows, 3000000);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(after.ru_maxrss - before.ru_maxrss < 40000);
#endif
}

static void columns_have_statistics(void **state)
{
	const struct data_options o = {0};
	struct table t = table_of("a,b,c,d\n1,x,,5\n-2,y,,5\n0,x,,5\n,,,\n", &o);
	struct column_stats s[4];

	(void)state;
	stats_columns(s, &t);
	assert_int_equal(s[0].rows, 4);
	assert_int_equal(s[0].missing, 1);
	assert_int_equal(s[0].distinct, 3);
	assert_int_equal(s[0].zeros, 1);
	assert_int_equal(s[0].negatives, 1);
	assert_true(s[0].min == -2 && s[0].max == 1);
	assert_true(fabs(s[0].mean + 1.0 / 3) < 1e-12);
	assert_true(fabs(s[0].std - sqrt(7.0 / 3)) < 1e-12);
	assert_false(s[0].is_constant);
	assert_int_equal(s[1].distinct, 2);
	assert_int_equal(s[1].missing, 1);
	assert_true(isnan(s[1].mean));
	assert_int_equal(s[2].missing, 4);
	assert_int_equal(s[2].distinct, 0);
	assert_true(isnan(s[2].min) && s[2].is_constant);
	assert_true(s[3].is_constant && s[3].std == 0 && s[3].mean == 5);
	table_release(&t);
}

static void a_hundred_thousand_columns_are_read(void **state)
{
	enum {
		COLS = 100000
	};
	const struct data_options o = {.target = "c99999"};
	struct buf b = {0};
	struct table t;

	(void)state;
	for (int i = 0; i < COLS; i++)
		buf_addf(&b, "c%d%c", i, i + 1 < COLS ? ',' : '\n');
	for (int r = 0; r < 3; r++)
		for (int i = 0; i < COLS; i++)
			buf_addf(&b, "%d%c", i * r, i + 1 < COLS ? ',' : '\n');
	t = table_of(buf_str(&b), &o);
	assert_int_equal(t.cols_nr, COLS - 1);
	assert_int_equal(t.rows, 3);
	NUMS(&t, 777, 0, 777, 1554);
	assert_true(t.label[2] == 199998);
	table_release(&t);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failing_call_is_told),
		cmocka_unit_test(every_failing_allocation_is_told),
		cmocka_unit_test(a_file_that_changes_is_an_error),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_stream_stays_small),
		cmocka_unit_test(columns_have_statistics),
		cmocka_unit_test(a_hundred_thousand_columns_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
