#include "data_fixture.h"

#include "store/base/buf.h"

#include <math.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

/* ---- making files ------------------------------------------------------------ */

static void npy_of(struct buf *out, unsigned version, const char *descr, bool fortran,
		   const char *shape, const void *p, size_t n)
{
	char head[256];
	int len = snprintf(head, sizeof(head),
			   "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
			   fortran ? "True" : "False", shape);
	unsigned fixed = version == 1 ? 10 : 12;
	unsigned all = ((unsigned)len + fixed + 1 + 63) / 64 * 64, rest = all - fixed;

	buf_add(out, "\x93NUMPY", 6);
	buf_addc(out, (char)version);
	buf_addc(out, 0);
	buf_addc(out, (char)(rest & 255));
	buf_addc(out, (char)(rest >> 8));
	if (version > 1)
		buf_add(out, "\0\0", 2);
	buf_add(out, head, (size_t)len);
	buf_fill(out, ' ', rest - (unsigned)len - 1);
	buf_addc(out, '\n');
	buf_add(out, p, n);
}

static void le(struct buf *b, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_addc(b, (char)(v >> 8 * i & 255));
}

struct zip_in {
	const char *name;
	struct buf bytes;
	bool deflated;
};

static void zip_of(struct buf *out, struct zip_in *v, size_t nr, bool wide)
{
	struct buf dir = {0};
	size_t at;

	for (size_t i = 0; i < nr; i++) {
		struct buf *b = &v[i].bytes;
		uint32_t crc = (uint32_t)crc32_z(0, (const Bytef *)buf_str(b), b->n);
		size_t cap = compressBound(b->n) + 64, packed = b->n,
		       name = strlen(v[i].name);
		char *p = malloc(cap);
		bool d = v[i].deflated;

		memcpy(p, buf_str(b), b->n);
		if (d) {
			z_stream z = {0};

			assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, 0),
					 Z_OK);
			z.next_in = (const Bytef *)buf_str(b);
			z.avail_in = (uInt)b->n;
			z.next_out = (Bytef *)p;
			z.avail_out = (uInt)cap;
			assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
			packed = z.total_out;
			deflateEnd(&z);
		}
		for (int k = 0; k < 2; k++) {
			struct buf *to = k ? &dir : out;
			size_t began = out->n;

			le(to, k ? 0x02014b50 : 0x04034b50, 4);
			if (k)
				le(to, 45, 2);
			le(to, 45, 2);
			le(to, 0, 2);
			le(to, d ? 8 : 0, 2);
			le(to, 0, 4);
			le(to, crc, 4);
			le(to, wide ? UINT32_MAX : packed, 4);
			le(to, wide ? UINT32_MAX : b->n, 4);
			le(to, name, 2);
			le(to, wide ? (k ? 28 : 20) : 0, 2);
			if (k) {
				le(to, 0, 10 - 4 + 2); /* comment, disk, attributes */
				le(to, 0, 2);
				le(to,
				   wide ? UINT32_MAX
					: began - packed - 30 - name - (wide ? 20 : 0),
				   4);
			}
			buf_adds(to, v[i].name);
			if (wide) {
				le(to, 1, 2);
				le(to, k ? 24 : 16, 2);
				le(to, b->n, 8);
				le(to, packed, 8);
				if (k)
					le(to, began - packed - 30 - name - 20, 8);
			}
			if (!k)
				buf_add(to, p, packed);
		}
		free(p);
	}
	at = out->n;
	buf_add(out, buf_str(&dir), dir.n);
	if (wide) {
		size_t end = out->n;

		le(out, 0x06064b50, 4);
		le(out, 44, 8);
		le(out, 45, 2);
		le(out, 45, 2);
		le(out, 0, 8);
		le(out, nr, 8);
		le(out, nr, 8);
		le(out, dir.n, 8);
		le(out, at, 8);
		le(out, 0x07064b50, 4);
		le(out, 0, 4);
		le(out, end, 8);
		le(out, 1, 4);
	}
	le(out, 0x06054b50, 4);
	le(out, 0, 4);
	le(out, wide ? UINT16_MAX : nr, 2);
	le(out, wide ? UINT16_MAX : nr, 2);
	le(out, wide ? UINT32_MAX : dir.n, 4);
	le(out, wide ? UINT32_MAX : at, 4);
	le(out, 0, 2);
	buf_release(&dir);
}

static struct table read_buf(const char *path, const struct buf *b,
			     const struct data_options *o)
{
	struct read_case c = {.path = path, .p = buf_str(b), .n = b->n, .o = *o};
	struct table t = {0};
	struct err e = {0};

	if (read_bytes(&t, &c, &e) < 0)
		fail_msg("%s", e.text);
	return t;
}

static void buf_fails(const char *path, const struct buf *b, const struct data_options *o,
		      int code, const char *story)
{
	fails((struct read_case){.path = path, .p = buf_str(b), .n = b->n, .o = *o}, code,
	      story);
}

/* ---- libsvm ------------------------------------------------------------------- */

static void libsvm_lines_are_rows(void **state)
{
	const struct data_options o = {.target = "y"};
	struct read_case c = {.path = "t.svm",
			      .o = o,
			      .p = "# nothing\n1 1:0.5 3:2 # a comment 9:9\r\n\n"
				   "-1 2:-0 \t 4:nan\n0\n"};
	struct table t = {0};

	(void)state;
	assert_int_equal(read_bytes(&t, &c, NULL), 0);
	assert_int_equal(t.cols_nr, 4);
	assert_string_equal(t.cols[3].f.name, "f3");
	NUMS(&t, 0, 0.5, 0, 0);
	NUMS(&t, 1, 0, 0, 0);
	NUMS(&t, 2, 2, 0, 0);
	NUMS(&t, 3, 0, MISS, 0);
	assert_false(t.cols[0].f.integer);
	assert_true(t.cols[2].f.integer);
	assert_int_equal(t.cols[3].missing, 1);
	assert_true(t.label[0] == 1 && t.label[1] == -1 && t.label[2] == 0);
	assert_string_equal(t.label_name, "y");
	assert_null(t.group);
	table_release(&t);
	c.o.target = NULL;
	c.o.svm_zero_based = true;
	assert_int_equal(read_bytes(&t, &c, NULL), 0);
	assert_int_equal(t.cols_nr, 5);
	assert_null(t.label);
	table_release(&t);
}

static void libsvm_has_queries_and_classes(void **state)
{
	static const struct column_choice types[] = {{"f1", COLUMN_CAT},
						     {"f0", COLUMN_DROP}};
	const struct data_options o = {
		.target = "y", .target_classes = true, .types = types, .types_nr = 2};
	struct read_case c = {.path = "t.libsvm",
			      .o = o,
			      .p = "b qid:7 1:1 2:5\na qid:7 2:6\nb qid:3 2:5\n"};
	struct table t = {0};

	(void)state;
	assert_int_equal(read_bytes(&t, &c, NULL), 0);
	assert_int_equal(t.cols_nr, 1);
	assert_cats(&t, 0, "5|6|5");
	assert_string_equal(t.classes[0], "a");
	assert_true(t.label[0] == 1 && t.label[1] == 0);
	assert_true(t.group[0] == 0 && t.group[1] == 0 && t.group[2] == 1);
	table_release(&t);
}

static void libsvm_errors_say_where(void **state)
{
	static const struct {
		const char *text, *story;
	} cases[] = {
		{"1 1:1\n1 0:1\n", "'t.svm': row 2: '0:1': indices count from 1 here"},
		{"1 2:1 2:1\n", "'t.svm': row 1: '2:1': indices must ascend"},
		{"1 2:1 1:1\n", "'t.svm': row 1: '1:1': indices must ascend"},
		{"\n1 1:x\n", "'t.svm': row 1 (line 2): '1:x' is no index:value"},
		{"1 1:\n", "'t.svm': row 1: '1:' is no index:value"},
		{"1 x\n", "'t.svm': row 1: 'x' is no index:value"},
		{"1 1\n", "'t.svm': row 1: '1' is no index:value"},
		{"1 1:inf\n",
		 "'t.svm': row 1: '1:inf' is infinite, which is not allowed here"},
		{"1 1:1e300\n",
		 "'t.svm': row 1: '1:1e300' is too large for the column's numbers"},
		{"1 1048576:1\n",
		 "'t.svm': row 1: '1048576:1': the index is too large (at most 1048575)"},
		{"1 99999999999:1\n",
		 "'t.svm': row 1: '99999999999:1': the index is too large (at most 1048575)"},
		{"1:1 2:1\n", "'t.svm': row 1: there is no label"},
		{"x 2:1\n", "'t.svm': row 1, column 'label': 'x' is no number"},
		{"1 qid:1 2:1\n1 2:1\n",
		 "'t.svm': row 2: '1 2:1': qid must be on every row or on none"},
		{"1 qid:1 2:1\n1 qid:2 2:1\n1 qid:1 2:1\n",
		 "row 3: rows of query '1' (column 'qid') are not adjacent"},
	};
	const struct data_options o = {.target = "y"}, group = {.group = "q"},
				  w = {.weight = "w"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		fails((struct read_case){.path = "t.svm", .p = cases[i].text, .o = o},
		      ERR_INVALID, cases[i].story);
	fails((struct read_case){.path = "t.svm", .p = "1 1:1\n", .o = group},
	      ERR_INVALID, "'t.svm': no qid, which says what a row's query is");
	fails((struct read_case){.path = "t.svm", .p = "1 1:1\n", .o = w}, ERR_INVALID,
	      "'t.svm': no column 'w'");
}

/* ---- NumPy ---------------------------------------------------------------------- */

static void arrays_of_every_type_are_read(void **state)
{
	const uint8_t f4[] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0},
		      f8[] = {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0},
		      i4[] = {1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff},
		      i8[] = {1,    0,	 0,   0,   0,	0,   0,	  0,
			      0xfe, 255, 255, 255, 255, 255, 255, 255},
		      b4[] = {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0},
		      bi8[] = {0,   0,	 0,   0,   0,	0,   0,	  1,
			       255, 255, 255, 255, 255, 255, 255, 0xfe},
		      u1[] = {1, 254}, b1[] = {1, 0}, i2[] = {1, 0, 0xfe, 0xff};
	const struct {
		const char *descr;
		const void *p;
		size_t n;
		double second;
	} cases[] = {
		{"<f4", f4, 8, -2},  {"<f8", f8, 16, -2}, {"<i4", i4, 8, -2},
		{"<i8", i8, 16, -2}, {">f4", b4, 8, -2},  {">i8", bi8, 16, -2},
		{"|u1", u1, 2, 254}, {"|b1", b1, 2, 0},	  {"<i2", i2, 4, -2},
		{"|i1", u1, 2, -2},
	};
	const struct data_options o = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (unsigned version = 1; version <= 3; version++) {
			struct buf b = {0};
			struct table t;

			npy_of(&b, version, cases[i].descr, false, "(2,)", cases[i].p,
			       cases[i].n);
			t = read_buf("t.npy", &b, &o);
			assert_string_equal(t.cols[0].f.name, "f0");
			NUMS(&t, 0, 1, cases[i].second);
			assert_true(t.cols[0].f.integer);
			table_release(&t);
			buf_release(&b);
		}
}

static void both_orders_are_the_same_table(void **state)
{
	const float c[] = {1, 2, 3, 4.5f, 5, 6}, f[] = {1, 4.5f, 2, 5, 3, 6};
	const struct data_options o = {.target = "f2"};
	struct buf b = {0}, g = {0};
	struct table t, u;

	(void)state;
	npy_of(&b, 1, "<f4", false, "(2, 3)", c, sizeof(c));
	npy_of(&g, 1, "<f4", true, "(2, 3)", f, sizeof(f));
	t = read_buf("t.npy", &b, &o);
	u = read_buf("9af1", &g, &o); /* known by its first bytes */
	NUMS(&t, 0, 1, 4.5);
	NUMS(&u, 1, 2, 5);
	assert_true(t.label[1] == 6 && u.label[0] == 3);
	assert_true(t.hash == u.hash);
	table_release(&t);
	table_release(&u);
	buf_release(&b);
	buf_release(&g);
}

static void bad_arrays_are_refused(void **state)
{
	const float v[] = {1, NAN, INFINITY, 4};
	const struct data_options o = {0}, y = {.target = "f1"};
	const struct {
		const char *descr, *shape, *story;
		size_t n;
		int code;
		const struct data_options *o;
	} cases[] = {
		{"<f4", "(2, 2)", "'t.npy': row 2, column 'f0': inf is not allowed here",
		 16, ERR_INVALID, &o},
		{"<f4", "(1, 2)",
		 "'t.npy': row 1, column 'f1': nan: the value is missing", 8, ERR_INVALID,
		 &y},
		{"<f4", "(2, 3)",
		 "'t.npy': an array of 2 x 3 does not fit the file's size", 16,
		 ERR_CORRUPT, &o},
		{"<f4", "(1, 3)",
		 "'t.npy': an array of 1 x 3 does not fit the file's size", 16,
		 ERR_CORRUPT, &o},
		{"<f4", "(1, 2, 2)", "'t.npy': an array of 3 dimensions is no table", 16,
		 ERR_UNSUPPORTED, &o},
		{"<f4", "()", "'t.npy': an array of 0 dimensions is no table", 4,
		 ERR_UNSUPPORTED, &o},
		{"<f4", "(-1,)", "'t.npy': the header of a NumPy array does not parse", 4,
		 ERR_CORRUPT, &o},
		{"<f4", "4", "'t.npy': the header of a NumPy array does not parse", 4,
		 ERR_CORRUPT, &o},
		{"<c8", "(2,)",
		 "'t.npy': an array of type '<c8' is not read; numbers of 32 or 64 bits, "
		 "integers and booleans are",
		 16, ERR_UNSUPPORTED, &o},
		{"<f4", "(4611686018427387904, 4)",
		 "'t.npy': an array of 4611686018427387904 x 4", 16, ERR_UNSUPPORTED, &o},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = {0};

		npy_of(&b, 1, cases[i].descr, false, cases[i].shape, v, cases[i].n);
		buf_fails("t.npy", &b, cases[i].o, cases[i].code, cases[i].story);
		buf_release(&b);
	}
	fails((struct read_case){.path = "t.npy", .p = "abc", .o = o}, ERR_CORRUPT,
	      "'t.npy' is no NumPy array");
	fails((struct read_case){.path = "t.npy", .p = "abcdefghijklmnop", .o = o},
	      ERR_CORRUPT, "'t.npy' is no NumPy array");
	fails((struct read_case){.path = "t.npy",
				 .p = "\x93NUMPY\7\1____________",
				 .o = o},
	      ERR_UNSUPPORTED, "'t.npy': version 7.1 of .npy");
}

static void archives_of_arrays_are_tables(void **state)
{
	const float x[] = {1, 2, 3, 4};
	const int64_t id[] = {1234567890123456789, 2};
	const uint8_t flag[] = {1, 0};
	static const struct column_choice types[] = {{"flag", COLUMN_CAT}};
	const struct data_options o = {
		.key = "id", .types = types, .types_nr = 1, .hash = true};
	uint64_t hash = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct zip_in in[] = {{.name = "X.npy", .deflated = i & 1},
				      {.name = "id.npy"},
				      {.name = "flag.npy", .deflated = i & 1}};
		struct buf z = {0};
		struct table t;
		struct read_case c = {.path = "t.npz", .o = o};
		uint8_t sha[HASH_SHA256_N];
		struct err e = {0};

		npy_of(&in[0].bytes, 1, "<f4", false, "(2, 2)", x, sizeof(x));
		npy_of(&in[1].bytes, 1, "<i8", false, "(2,)", id, sizeof(id));
		npy_of(&in[2].bytes, 1, "|b1", false, "(2,)", flag, sizeof(flag));
		zip_of(&z, in, 3, i & 2);
		c.p = buf_str(&z);
		c.n = z.n;
		if (read_bytes(&t, &c, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(t.cols_nr, 3);
		assert_string_equal(t.cols[1].f.name, "f1");
		NUMS(&t, 1, 2, 4);
		assert_cats(&t, 2, "1|0");
		hash_sha256(c.p, c.n, sha);
		assert_memory_equal(c.f.sha256, sha, sizeof(sha));
		if (i == 0)
			hash = t.hash;
		assert_true(t.hash == hash);
		table_release(&t);
		/* A flipped bit of the data is seen. */
		if (!(i & 1)) {
			z.p[30 + (i & 2 ? 20 : 0) + 5 + 130] ^= 1;
			buf_fails("t.npz", &z, &o, ERR_CORRUPT,
				  "'t.npz': member 'X.npy' fails its CRC-32");
		}
		for (int k = 0; k < 3; k++)
			buf_release(&in[k].bytes);
		buf_release(&z);
	}
}

static void archives_must_agree_with_themselves(void **state)
{
	const float x[] = {1, 2, 3, 4};
	const struct data_options o = {0};
	struct zip_in in[] = {{.name = "a.npy"}, {.name = "b.npy"}};
	struct buf z = {0};

	(void)state;
	npy_of(&in[0].bytes, 1, "<f4", false, "(2,)", x, 8);
	npy_of(&in[1].bytes, 1, "<f4", false, "(3,)", x, 12);
	zip_of(&z, in, 2, false);
	buf_fails("t.npz", &z, &o, ERR_INVALID,
		  "'t.npz': array 'b' has 3 rows, but 'a' has 2");
	/* However it is cut, it is an error. */
	for (size_t n = 0; n < z.n; n++) {
		struct read_case c = {.path = "t.npz", .p = buf_str(&z), .n = n, .o = o};
		struct table t = {0};

		if (n == 0)
			c.p = "";
		assert_int_equal(read_bytes(&t, &c, NULL), ERR_CORRUPT);
	}
	buf_reset(&z);
	zip_of(&z, in, 0, false);
	buf_fails("t.npz", &z, &o, ERR_INVALID, "'t.npz' has no arrays");
	buf_release(&z);
	buf_release(&in[0].bytes);
	buf_release(&in[1].bytes);
}

/* ---- the same values --------------------------------------------------------------- */

static void the_same_values_are_the_same_table(void **state)
{
	enum {
		ROWS = 20000,
		COLS = 6
	};
	struct buf csv = {0}, svm = {0}, npy = {0}, tsv = {0};
	double *v = calloc(ROWS * (COLS + 1), sizeof(*v));
	const struct data_options o = {.target = "f0", .no_header = true},
				  so = {.target = "y"};
	const struct {
		const char *path;
		const struct buf *b;
		const struct data_options *o;
	} all[] = {{"t.csv", &csv, &o},
		   {"t.tsv", &tsv, &o},
		   {"t.npy", &npy, &o},
		   {"t.svm", &svm, &so}};
	uint64_t s = 1, hash[4], keys[4];

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k <= COLS; k++) {
			double *x = &v[i * (COLS + 1) + k];

			s = s * 6364136223846793005u + 1442695040888963407u;
			*x = k == 1 ? (double)(s >> 60) : (double)(s >> 33) / 1e6 - 1000;
			buf_addf(&csv, "%.17g%c", *x, k == COLS ? '\n' : ',');
			buf_addf(&tsv, "%.17e%c", *x, k == COLS ? '\n' : '\t');
			if (k == 0)
				buf_addf(&svm, "%.17g", *x);
			else if (*x != 0)
				buf_addf(&svm, " %zu:%.17g", k, *x);
			if (k == COLS)
				buf_addc(&svm, '\n');
		}
	npy_of(&npy, 1, "<f8", false, "(20000, 7)", v, ROWS * (COLS + 1) * sizeof(*v));
	for (int i = 0; i < 4; i++) {
		struct table t = read_buf(all[i].path, all[i].b, all[i].o);

		assert_int_equal(t.rows, ROWS);
		assert_int_equal(t.cols_nr, COLS);
		hash[i] = t.hash;
		assert_int_equal(table_content_keys(&t, NULL), 0);
		keys[i] = t.key[ROWS - 1];
		assert_true(hash[i] == hash[0]);
		assert_true(keys[i] == keys[0]);
		assert_true(t.key[0] != t.key[1]);
		table_release(&t);
	}
	buf_release(&csv);
	buf_release(&tsv);
	buf_release(&svm);
	buf_release(&npy);
	free(v);
}

/* ---- compressed ---------------------------------------------------------------------- */

static void gzip_of(struct buf *out, const char *p, size_t n)
{
	size_t cap = compressBound(n) + 64;
	char *to = malloc(cap);
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
	z.next_in = (const Bytef *)p;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_add(out, to, z.total_out);
	deflateEnd(&z);
	free(to);
}

static void zstd_of(struct buf *out, const char *p, size_t n)
{
	size_t cap = ZSTD_compressBound(n);
	char *to = malloc(cap);

	buf_add(out, to, 0);
	cap = ZSTD_compress(to, cap, p, n, 3);
	buf_add(out, to, cap);
	free(to);
}

static void compressed_files_are_tables(void **state)
{
	const struct data_options o = {.hash = true};
	struct buf text = {0}, gz = {0}, zst = {0};
	struct table t, u;
	uint8_t sha[HASH_SHA256_N];
	struct read_case c = {.path = "t.csv.gz", .o = o};

	(void)state;
	buf_adds(&text, "a,b\n");
	for (int i = 0; i < 900000; i++)
		buf_addf(&text, "%d,%d.5\n", i, i % 7);
	/* Two members, the border within a line. */
	gzip_of(&gz, buf_str(&text), 5000001);
	gzip_of(&gz, buf_str(&text) + 5000001, text.n - 5000001);
	buf_fill(&gz, '\0', 100);
	zstd_of(&zst, buf_str(&text), 4000000);
	zstd_of(&zst, buf_str(&text) + 4000000, text.n - 4000000);
	t = read_buf("t.csv", &text, &o);
	assert_int_equal(t.rows, 900000);
	c.p = buf_str(&gz);
	c.n = gz.n;
	assert_int_equal(read_bytes(&u, &c, NULL), 0);
	assert_true(t.hash == u.hash);
	table_release(&u);
	hash_sha256(c.p, c.n, sha); /* of the file as it lies there */
	assert_memory_equal(sha, c.f.sha256, sizeof(sha));
	assert_int_equal(c.f.bytes, gz.n);
	u = read_buf("31f0", &zst, &o);
	assert_true(t.hash == u.hash);
	table_release(&u);
	buf_cut(&gz, gz.n - 120);
	buf_fails("t.csv.gz", &gz, &o, ERR_CORRUPT,
		  "'t.csv.gz': the compressed data end too soon");
	buf_cut(&zst, zst.n - 1);
	buf_fails("t.csv.zst", &zst, &o, ERR_CORRUPT,
		  "'t.csv.zst': the compressed data end too soon");
	gz.p[1000] ^= 0x55;
	c.p = buf_str(&gz);
	c.n = gz.n;
	assert_int_equal(read_bytes(&u, &c, NULL), ERR_CORRUPT);
	table_release(&t);
	buf_release(&text);
	buf_release(&gz);
	buf_release(&zst);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libsvm_lines_are_rows),
		cmocka_unit_test(libsvm_has_queries_and_classes),
		cmocka_unit_test(libsvm_errors_say_where),
		cmocka_unit_test(arrays_of_every_type_are_read),
		cmocka_unit_test(both_orders_are_the_same_table),
		cmocka_unit_test(bad_arrays_are_refused),
		cmocka_unit_test(archives_of_arrays_are_tables),
		cmocka_unit_test(archives_must_agree_with_themselves),
		cmocka_unit_test(the_same_values_are_the_same_table),
		cmocka_unit_test(compressed_files_are_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
