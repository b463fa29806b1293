#include "train/data/read.h"

#include "store/base/err.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "train/data/layout.h"
#include "train/data/npy.h"
#include "train/data/reader.h"
#include "train/data/svm.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *end;
	enum data_format format;
} endings[] = {
	{".csv", DATA_CSV},    {".tsv", DATA_TSV},    {".tab", DATA_TSV},
	{".svm", DATA_SVM},    {".libsvm", DATA_SVM}, {".svmlight", DATA_SVM},
	{".npy", DATA_NPY},    {".npz", DATA_NPZ},    {".parquet", DATA_PARQUET},
	{".pq", DATA_PARQUET},
};

static bool ends_with(struct slice name, const char *end)
{
	size_t n = strlen(end);

	if (name.n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = name.p[name.n - n + i];

		if ((c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c) != end[i])
			return false;
	}
	return true;
}

/* By the name, compression first; else by the first bytes (an object of a cache is
 * named by its digest); else CSV. */
int data_find_format(const struct data_file *f, enum data_format *out, struct err *e)
{
	struct slice name = slice_of(f->path);
	char head[8];
	ssize_t n;

	*out = f->format;
	if (f->format != DATA_BY_NAME)
		return 0;
	if (ends_with(name, ".gz"))
		name.n -= 3;
	else if (ends_with(name, ".zst"))
		name.n -= 4;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (ends_with(name, endings[i].end)) {
			*out = endings[i].format;
			return 0;
		}
	n = sys_pread(f->fd, head, sizeof(head), 0);
	if (n < 0)
		return err_sys(e, "read", f->path);
	*out = DATA_CSV;
	if (n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0)
		*out = DATA_NPY;
	else if (n >= 4 && memcmp(head, "PK\3\4", 4) == 0)
		*out = DATA_NPZ;
	else if (n >= 4 && memcmp(head, "PAR1", 4) == 0)
		*out = DATA_PARQUET;
	return 0;
}

int reading_reserve(struct reading *r, size_t more, int64_t at, struct err *e)
{
	size_t need = r->layout->rows + more, guess = need;
	uint64_t done = r->bytes_before + (uint64_t)at;

	if (need <= r->layout->cap)
		return 0;
	/* What is too much costs addresses only: nothing has touched it. */
	if (done < r->bytes_all)
		guess = (size_t)((double)need / (double)done * (double)r->bytes_all *
				 1.02) +
			1024;
	if (guess > UINT32_MAX - 2)
		guess = need;
	return layout_reserve(r->layout, MAX_OF(need, guess), e);
}

static int read_file(struct reading *r, struct data_file *f, struct err *e)
{
	enum data_format format;
	int rc = data_find_format(f, &format, e);

	if (rc < 0)
		return rc;
	switch (format) {
	case DATA_TSV:
		return csv_read(r, f, '\t', e);
	case DATA_NPY:
		return npy_read(r, f, e);
	case DATA_NPZ:
		return npz_read(r, f, e);
	case DATA_PARQUET:
		return err_set(e, ERR_UNSUPPORTED,
			       "'%s': Parquet is not read by this build; write it as CSV "
			       "or .npy",
			       f->path);
	default:
		return csv_read(r, f, ',', e);
	}
}

/* libsvm says how many columns there are only at its end: files of it are read by
 * themselves. */
static int all_svm(const struct data_file *files, size_t nr, bool *out, struct err *e)
{
	enum data_format format;
	size_t svm = 0;
	int r;

	for (size_t i = 0; i < nr; i++) {
		if ((r = data_find_format(&files[i], &format, e)) < 0)
			return r;
		svm += format == DATA_SVM;
	}
	if (svm > 0 && svm < nr)
		return err_set(e, ERR_INVALID,
			       "libsvm files and others do not make one table");
	*out = svm > 0;
	return 0;
}

static int read_all(struct reading *r, struct data_file *files, size_t nr, struct err *e)
{
	int rc = 0;

	r->bytes_before = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		rc = read_file(r, &files[i], e);
		r->bytes_before += files[i].bytes;
	}
	return rc;
}

/*
 * Columns that looked like numbers, and then had a name somewhere: only they are read
 * again, as categories. It must be the same bytes: names would else come from a file
 * that was not the one whose digests were taken.
 */
static int read_again(struct reading *r, struct data_file *files, size_t nr,
		      struct err *e)
{
	struct layout *p = r->layout;
	struct data_file *second = NULL;
	size_t rows = p->rows, cap = p->cap;
	bool any = false;
	int rc;

	for (size_t i = 0; i < p->nr; i++)
		any |= p->uses[i].is_auto && p->uses[i].was_text;
	if (!any)
		return 0;
	second = calloc(nr, sizeof(second[0]));
	if (!second)
		return err_set(e, ERR_NOMEM, "no memory for %zu files", nr);
	for (size_t i = 0; i < p->nr; i++) {
		struct use *u = &p->uses[i];

		u->off = !(u->is_auto && u->was_text);
		if (u->off)
			continue;
		u->kind = USE_CODE;
		u->is_auto = u->fraction = false;
		u->missing = u->merged = 0;
	}
	for (size_t i = 0; i < nr; i++)
		second[i] = (struct data_file){.path = files[i].path,
					       .fd = files[i].fd,
					       .format = files[i].format};
	p->rows = 0;
	r->again = true;
	rc = read_all(r, second, nr, e);
	for (size_t i = 0; rc == 0 && i < nr; i++)
		if (second[i].bytes != files[i].bytes ||
		    second[i].rows != files[i].rows ||
		    memcmp(second[i].sha256, files[i].sha256, HASH_SHA256_N) != 0)
			rc = err_set(e, ERR_CORRUPT, "'%s' changed while it was read",
				     files[i].path);
	for (size_t i = 0; i < p->nr; i++)
		p->uses[i].off = false;
	p->rows = rows;
	p->cap = cap;
	free(second);
	return rc;
}

int data_read(struct table *out, struct data_file *files, size_t nr,
	      const struct data_options *o, struct team *team, struct err *e)
{
	struct layout layout;
	struct data_options rest = svm_rest_options(o);
	struct reading r = {.layout = &layout, .o = o, .team = team};
	bool is_svm = false;
	int rc = all_svm(files, nr, &is_svm, e);

	layout_init(&layout, is_svm ? &rest : o);
	if (rc == 0 && nr == 0)
		rc = err_set(e, ERR_INVALID, "no data file");
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		struct stat st;

		if (sys_fstat(files[i].fd, &st) < 0)
			rc = err_sys(e, "stat", files[i].path);
		else
			r.bytes_all += (uint64_t)st.st_size;
	}
	sink_begin(o->sink, "reading", 0, r.bytes_all);
	if (rc == 0)
		rc = is_svm ? svm_read(&r, files, nr, e) : read_all(&r, files, nr, e);
	if (rc == 0 && !is_svm)
		rc = read_again(&r, files, nr, e);
	if (rc == 0)
		rc = layout_finish(&layout, out, team, e);
	sink_end(o->sink);
	layout_release(&layout);
	return rc;
}
