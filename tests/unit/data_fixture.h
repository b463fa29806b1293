/* What the tests of train/data share: files of given bytes, and tables of them. */
#ifndef TESTS_UNIT_DATA_FIXTURE_H
#define TESTS_UNIT_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/base/err.h"
#include "store/base/slice.h"
#include "train/core/team.h"
#include "train/data/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file that has no name, with these bytes. */
UNUSED static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("data", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t done = 0; done < n;) {
		ssize_t w = write(fd, (const char *)p + done, n - done);

		assert_true(w > 0);
		done += (size_t)w;
	}
	return fd;
}

struct read_case {
	const char *path; /* "t.csv" */
	const void *p;
	size_t n; /* 0: of the string */
	struct data_options o;
	struct team *team;
	struct data_file f; /* after it was read */
};

UNUSED static int read_bytes(struct table *t, struct read_case *c, struct err *e)
{
	size_t n = c->n ? c->n : c->p ? strlen(c->p) : 0;
	int r;

	c->f = (struct data_file){.path = c->path ? c->path : "t.csv"};
	c->f.fd = file_of(c->p, n);
	r = data_read(t, &c->f, 1, &c->o, c->team, e);
	close(c->f.fd);
	return r;
}

/* A table that must be; the caller's to release. */
UNUSED static struct table table_of(const char *text, const struct data_options *o)
{
	struct read_case c = {.p = text, .o = *o};
	struct table t = {0};
	struct err e = {0};

	if (read_bytes(&t, &c, &e) < 0)
		fail_msg("%s", e.text);
	return t;
}

/* It must fail with this code and exactly this story. */
UNUSED static void fails(struct read_case c, int code, const char *story)
{
	struct table t = {0};
	struct err e = {0};
	int r = read_bytes(&t, &c, &e);

	if (r == 0)
		fail_msg("it was read, instead of: %s", story);
	assert_string_equal(e.text, story);
	assert_int_equal(r, code);
	assert_int_equal(e.code, code);
	assert_null(t.cols);
}

#define NUMS(t, c, ...)                                                                  \
	assert_numbers((t)->cols[c].num, (const double[]){__VA_ARGS__},                  \
		       sizeof((const double[]){__VA_ARGS__}) / sizeof(double),           \
		       (t)->rows)

/* Missing is written as MISS. */
#define MISS (-12345e30)

UNUSED static void assert_numbers(const float *got, const double *want, size_t nr,
				  size_t rows)
{
	assert_non_null(got);
	assert_int_equal(nr, rows);
	for (size_t i = 0; i < nr; i++) {
		if (want[i] == MISS)
			assert_true(got[i] != got[i]);
		else if (got[i] != (float)want[i])
			fail_msg("row %zu: %g, not %g", i + 1, (double)got[i], want[i]);
	}
}

/* The values of a categorical column, "-" for a missing and "+" for an unseen one. */
UNUSED static void assert_cats(const struct table *t, size_t c, const char *want)
{
	char got[4096];
	size_t n = 0;

	assert_int_equal(t->cols[c].f.kind, FEATURE_CATEGORICAL);
	for (size_t i = 0; i < t->rows; i++) {
		uint32_t code = t->cols[c].code[i];
		const char *s = code == TABLE_MISSING  ? "-"
				: code == TABLE_UNSEEN ? "+"
						       : t->cols[c].f.cats[code];

		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s", i ? "|" : "", s);
	}
	assert_string_equal(got, want);
}

#endif
