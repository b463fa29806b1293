/* The fast reader against a slow, obvious one, over random texts. */
#include "data_fixture.h"

#include "store/base/buf.h"
#include "train/data/scan.h"
#include "train/data/slab.h"

#include <math.h>

static uint64_t seed = 88172645463325252u;

static uint64_t below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed * 2685821657736338717u >> 20) % n;
}

/* ---- the obvious reader: one character after the other ------------------------- */

struct slow {
	char cell[4000][64];
	size_t cells, rows, columns;
	size_t ends[4000]; /* offsets behind the records' line ends */
	bool bad;
};

static void slow_read(struct slow *s, const char *p, size_t n, char sep)
{
	size_t i = 0;

	memset(s, 0, sizeof(*s));
	while (i < n) {
		size_t fields = 0, start = i;

		for (;;) {
			char *to = s->cell[s->cells];
			size_t k = 0;

			if (i < n && p[i] == '"') {
				i++;
				while (i < n && !(p[i] == '"' &&
						  !(i + 1 < n && p[i + 1] == '"'))) {
					i += p[i] == '"';
					to[k++] = p[i++];
				}
				if (i == n) {
					s->bad = true;
					return;
				}
				i++;
			} else {
				while (i < n && p[i] != sep && p[i] != '\n')
					to[k++] = p[i++];
				if (k && to[k - 1] == '\r' && (i == n || p[i] == '\n'))
					k--;
			}
			to[k] = '\0';
			s->cells++;
			fields++;
			if (i < n && p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
				i++;
			if (i < n && p[i] == sep) {
				i++;
				continue;
			}
			break;
		}
		if (i < n && p[i] != '\n') {
			s->bad = true; /* text behind a quote */
			return;
		}
		if (fields == 1 && s->cell[s->cells - 1][0] == '\0' && p[start] != '"') {
			s->cells--; /* a blank line */
		} else {
			if (s->rows && fields != s->columns)
				s->bad = true;
			s->columns = fields;
			s->ends[s->rows++] = i + 1;
		}
		i++;
	}
}

static bool slow_missing(const char *s)
{
	static const char *const markers[] = {"", "NA", "NaN", "nan", "null", "?"};
	char t[64];
	size_t n = strlen(s), from = 0;

	while (from < n && (s[from] == ' ' || s[from] == '\t'))
		from++;
	while (n > from && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	memcpy(t, s + from, n - from);
	t[n - from] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++)
		if (strcmp(t, markers[i]) == 0)
			return true;
	return false;
}

static bool slow_number(const char *s, double *out)
{
	char *end;

	while (*s == ' ' || *s == '\t')
		s++;
	/* strtod takes more white space, and words. */
	if (*s == '\0' || !strchr("+-.0123456789", *s) || strpbrk(s, "xXiInN\r\n"))
		return false;
	*out = strtod(s, &end);
	while (*end == ' ' || *end == '\t')
		end++;
	return *end == '\0';
}

/* ---- random texts ------------------------------------------------------------------ */

static void random_cell(struct buf *b, char sep, bool names)
{
	static const char *const odd[] = {"",	  "NA",	     " ?", "null",
					  "\"\"", "\" 7 \"", "-0"};
	static const char inside[] = {'a', ',', '\n', '\t', '\r', 'b', ' ', '"'};

	switch (below(names ? 8 : 4)) {
	case 0:
		buf_adds(b, odd[below(ARRAY_SIZE(odd))]);
		break;
	case 1:
		buf_addf(b, "%.*g", (int)below(17) + 1,
			 (double)below(1000000) / 997 - 300);
		break;
	case 2:
		buf_addf(b, "%d", (int)below(100));
		break;
	case 3:
		buf_addf(b, "%s%de%d", below(2) ? "+" : "", (int)below(99),
			 (int)below(9));
		break;
	case 4:
		buf_addc(b, '"');
		for (size_t k = below(6); k-- > 0;) {
			char c = inside[below(sizeof(inside))];

			buf_addc(b, c);
			if (c == '"')
				buf_addc(b, c);
		}
		buf_addc(b, '"');
		break;
	case 5:
		buf_addf(b, "x%d\"%s", (int)below(5), sep == ',' ? "\t" : ",");
		break;
	default:
		buf_addf(b, "n%d", (int)below(30));
	}
}

static void random_text(struct buf *b, char sep, size_t columns, size_t rows, bool names)
{
	const char *end = below(2) ? "\r\n" : "\n";

	buf_reset(b);
	for (size_t r = 0; r < rows; r++) {
		for (size_t c = 0; c < columns; c++) {
			if (c)
				buf_addc(b, sep);
			random_cell(b, sep, names && c % 2);
		}
		if (r + 1 < rows || below(2))
			buf_adds(b, end);
		if (below(10) == 0)
			buf_adds(b, end);
	}
}

static void same_table(const struct table *t, const struct slow *s)
{
	assert_int_equal(t->rows, s->rows);
	assert_int_equal(t->cols_nr, s->columns);
	for (size_t c = 0; c < s->columns; c++) {
		bool numeric = true;
		double v;

		for (size_t r = 0; r < s->rows; r++) {
			const char *cell = s->cell[r * s->columns + c];

			numeric &= slow_missing(cell) || slow_number(cell, &v);
		}
		if (numeric != (t->cols[c].f.kind == FEATURE_NUMERIC))
			fail_msg("column %zu has another type", c);
		for (size_t r = 0; r < s->rows; r++) {
			const char *cell = s->cell[r * s->columns + c];

			if (numeric && slow_missing(cell))
				assert_true(isnan(t->cols[c].num[r]));
			else if (numeric && slow_number(cell, &v))
				assert_true(t->cols[c].num[r] == (float)v);
			else if (slow_missing(cell))
				assert_int_equal(t->cols[c].code[r], TABLE_MISSING);
			else
				assert_string_equal(t->cols[c].f.cats[t->cols[c].code[r]],
						    cell);
		}
	}
}

static void random_texts_are_read_alike(void **state)
{
	struct slow *s = malloc(sizeof(*s));
	struct buf b = {0};
	size_t good = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char sep = below(2) ? ',' : '\t';
		struct read_case c = {.path = sep == ',' ? "t.csv" : "t.tsv",
				      .o = {.no_header = true, .allow_inf = true}};
		struct table t = {0};
		struct err e = {0};

		assert_true(scan_use((enum scan_variant)(i % SCAN_VARIANTS_NR)) ||
			    i % SCAN_VARIANTS_NR);
		random_text(&b, sep, 1 + below(4), 1 + below(12), i % 3 != 0);
		if (below(5) == 0 && b.n > 0) /* any damage */
			b.p[below(b.n)] = ",\"\n1"[below(4)];
		slow_read(s, buf_str(&b), b.n, sep);
		c.p = buf_str(&b);
		c.n = b.n;
		if (b.n == 0)
			continue;
		if (read_bytes(&t, &c, &e) == 0) {
			if (s->bad)
				fail_msg("it was read: %s", buf_str(&b));
			same_table(&t, s);
			table_release(&t);
			good++;
		} else if (!s->bad && s->rows > 0) {
			fail_msg("%s in: %s", e.text, buf_str(&b));
		}
	}
	assert_true(good > 1500);
	scan_use(SCAN_AUTO);
	buf_release(&b);
	free(s);
}

/* Wherever a text is cut, records stay whole. */
static void cuts_are_at_record_borders(void **state)
{
	struct slow *s = malloc(sizeof(*s));
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct slab_rule rule = {1 + below(60), true, ','};
		struct slab slab = {.ended = true};
		size_t at = 0, k = 0;

		random_text(&b, ',', 1 + below(4), 1 + below(20), true);
		if (b.n == 0 || b.p[b.n - 1] != '\n')
			buf_addc(&b, '\n');
		slow_read(s, buf_str(&b), b.n, ',');
		if (s->bad)
			continue;
		slab.p = b.p;
		slab.n = b.n;
		slab_cut(&slab, &rule);
		for (size_t c = 0; c < slab.nr; c++) {
			assert_int_equal(slab.cuts[c].at, at);
			at += slab.cuts[c].n;
			/* Behind a record's end, or within the blank lines that follow. */
			while (k < s->rows && s->ends[k] < at)
				k++;
			if (k == s->rows || s->ends[k] != at) {
				size_t from = k ? s->ends[k - 1] : 0;

				for (size_t x = from; x < at; x++)
					if (b.p[x] != '\n' && b.p[x] != '\r')
						fail_msg("a record was cut");
			}
		}
		assert_int_equal(at, b.n);
		free(slab.cuts);
	}
	buf_release(&b);
	free(s);
}

/* ---- threads and pieces ------------------------------------------------------------ */

static void make_large(struct buf *b, size_t rows)
{
	static const char *const names[] = {"red", "\"light, blue\"", "green", "\"a\nb\"",
					    ""};

	buf_reset(b);
	buf_adds(b, "a,b,c,y,g\n");
	for (size_t i = 0; i < rows; i++)
		buf_addf(b, "%.9g,%d,%s,%d,%d\n", (double)below(1000000) / 7,
			 (int)below(50), names[below(5)], (int)below(2), (int)(i / 100));
}

static void threads_make_the_same_table(void **state)
{
	struct data_options o = {.target = "y", .group = "g", .hash = true};
	struct buf b = {0};
	uint64_t hash = 0;
	uint8_t md5[HASH_MD5_N];

	(void)state;
	make_large(&b, 500000);
	hash_md5(buf_str(&b), b.n, md5);
	for (unsigned threads = 1; threads <= 8;
	     threads = threads < 4 ? threads + 1 : 8) {
		struct read_case c = {.p = buf_str(&b), .n = b.n, .o = o};
		struct table t = {0};
		struct err e = {0};

		assert_int_equal(team_new(&c.team, threads, NULL), 0);
		if (read_bytes(&t, &c, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(t.rows, 500000);
		assert_true(t.group[499999] == 4999);
		assert_memory_equal(c.f.md5, md5, sizeof(md5));
		if (threads == 1)
			hash = t.hash;
		assert_true(t.hash == hash);
		table_release(&t);
		team_free(c.team);
		if (threads == 8)
			break;
	}
	buf_release(&b);
}

static void threads_tell_the_same_error(void **state)
{
	struct buf b = {0};

	(void)state;
	make_large(&b, 400000);
	/* Two wrong rows, far apart: the first counts. */
	buf_adds(&b, "1,2,red,bad,4000\n");
	for (size_t i = 0; i < 300000; i++)
		buf_adds(&b, "1,2,red,1,4000\n");
	buf_adds(&b, "1,2\n");
	for (unsigned threads = 1; threads <= 8; threads *= 2) {
		struct read_case c = {.p = buf_str(&b), .n = b.n, .o = {.target = "y"}};
		struct table t = {0};
		struct err e = {0};

		assert_int_equal(team_new(&c.team, threads, NULL), 0);
		assert_int_equal(read_bytes(&t, &c, &e), ERR_INVALID);
		assert_non_null(strstr(e.text, "'t.csv': row 400001 (line "));
		assert_non_null(strstr(e.text, "), column 'y': 'bad' is no number"));
		team_free(c.team);
	}
	buf_release(&b);
}

static void model_of(struct feature *f, const struct table *t)
{
	for (size_t i = 0; i < t->cols_nr; i++)
		feature_copy(&f[i], &t->cols[i].f);
}

static void pieces_are_the_whole(void **state)
{
	static const size_t sizes[] = {1, 1000, 100000, 10000000};
	static const struct column_choice types[] = {{"c", COLUMN_TEXT}};
	struct data_options o = {.target = "y",
				 .exclude = (const char *const[]){"c"},
				 .exclude_nr = 1,
				 .types = types,
				 .types_nr = 1};
	struct feature f[3] = {{0}};
	struct buf b = {0};
	struct table whole, cats;

	(void)state;
	make_large(&b, 60000);
	{
		struct read_case c = {.p = buf_str(&b), .n = b.n, .o = o};

		assert_int_equal(read_bytes(&whole, &c, NULL), 0);
		c.o = (struct data_options){.target = "y"};
		assert_int_equal(read_bytes(&cats, &c, NULL), 0);
	}
	model_of(f, &whole);
	feature_release(&f[2]);
	feature_copy(&f[2], &cats.cols[2].f);
	o.features = f;
	o.features_nr = 3;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct data_file file = {.path = "t.csv",
					 .fd = file_of(buf_str(&b), b.n)};
		struct data_stream *s;
		const struct table *t;
		struct err e = {0};
		size_t row = 0, want = i ? 60000 : 2000;
		int r;

		o.hash = true;
		if (data_stream_open(&s, &file, &o, sizes[i], &e) < 0)
			fail_msg("%s", e.text);
		assert_true(slice_is(data_stream_header(s), "a,b,c,y,g"));
		while ((r = data_stream_next(s, &t, &e)) > 0 && row < want) {
			assert_true(t->rows >= 1 && t->rows <= sizes[i]);
			assert_int_equal(t->first_row, row);
			for (size_t k = 0; k < t->rows; k++, row++) {
				struct slice rec = data_stream_record(s, k);

				assert_true(t->cols[0].num[k] == whole.cols[0].num[row]);
				assert_true(t->cols[1].num[k] == whole.cols[1].num[row]);
				assert_true(t->cols[2].code[k] == cats.cols[2].code[row]);
				assert_true(t->label[k] == whole.label[row]);
				if (whole.text[0].v[row])
					assert_string_equal(t->text[0].v[k],
							    whole.text[0].v[row]);
				else
					assert_null(t->text[0].v[k]);
				assert_true(rec.n > 8 && rec.p[rec.n] == '\n');
				assert_true(strtod(rec.p, NULL) - 0.01 <
					    (double)whole.cols[0].num[row] + 1);
			}
		}
		if (i) {
			assert_int_equal(r, 0);
			assert_int_equal(row, 60000);
			assert_int_equal(file.rows, 60000);
			assert_int_equal(data_stream_next(s, &t, &e), 0);
		}
		data_stream_close(s);
		close(file.fd);
	}
	for (size_t i = 0; i < 3; i++)
		feature_release(&f[i]);
	table_release(&whole);
	table_release(&cats);
	buf_release(&b);
}

static void libsvm_comes_in_pieces(void **state)
{
	char n0[] = "f0", n2[] = "f2", five[] = "5";
	char *cats[] = {five};
	const struct feature f[] = {
		{.name = n2, .kind = FEATURE_CATEGORICAL, .cats = cats, .cats_nr = 1},
		{.name = n0},
	};
	const struct data_options o = {
		.target = "y", .target_optional = true, .features = f, .features_nr = 2};
	struct data_file file = {.path = "t.svm"};
	struct data_stream *s;
	const struct table *t;
	struct buf b = {0};
	struct err e = {0};
	size_t row = 0;
	int r;

	(void)state;
	for (int i = 0; i < 50000; i++)
		buf_addf(&b, "%s1:%d 2:7 3:%d 99:1\n", i % 2 ? "1 " : "", i, 5 + i % 2);
	file.fd = file_of(buf_str(&b), b.n);
	if (data_stream_open(&s, &file, &o, 777, &e) < 0)
		fail_msg("%s", e.text);
	while ((r = data_stream_next(s, &t, &e)) > 0)
		for (size_t k = 0; k < t->rows; k++, row++) {
			assert_true(t->cols[1].num[k] == (float)row);
			assert_true(t->cols[0].code[k] == (row % 2 ? TABLE_UNSEEN : 0));
			assert_true(row % 2 ? t->label[k] == 1 : isnan(t->label[k]));
			assert_true(data_stream_record(s, k).n > 10);
		}
	if (r < 0)
		fail_msg("%s", e.text);
	assert_int_equal(row, 50000);
	data_stream_close(s);
	close(file.fd);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_texts_are_read_alike),
		cmocka_unit_test(cuts_are_at_record_borders),
		cmocka_unit_test(threads_make_the_same_table),
		cmocka_unit_test(threads_tell_the_same_error),
		cmocka_unit_test(pieces_are_the_whole),
		cmocka_unit_test(libsvm_comes_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
