/*
 * Rows of the synthetic set as a file that other programs read too.
 *
 *   synth_gen npy|csv ROWS FIRST FILE [COLUMNS]
 *
 * npy: FILE holds the features, ROWS x COLUMNS binary32 row by row, and FILE.y the
 * labels. csv: one file with a header, the label first, shortest decimals.
 */
#include "store/base/buf.h"
#include "store/fmt/number.h"
#include "tests/lib/synth.h"

#include <inttypes.h>

static size_t number(const char *text)
{
	char *end;
	size_t n = strtoul(text, &end, 10);

	if (end == text || *end) {
		(void)fprintf(stderr, "synth_gen: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

/* NumPy's header, version 1.0: 128 bytes in all. */
static void npy_head(FILE *f, size_t rows, size_t cols)
{
	static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P',
					      'Y',  1,	 0,   118, 0};
	char text[128];
	int n;

	if (cols > 0)
		n = snprintf(
			text, sizeof(text),
			"{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
			rows, cols);
	else
		n = snprintf(
			text, sizeof(text),
			"{'descr': '<f4', 'fortran_order': False, 'shape': (%zu,), }",
			rows);
	(void)fwrite(magic, 1, sizeof(magic), f);
	(void)fprintf(f, "%s%*s\n", text, 117 - n, "");
}

static void write_npy(const char *path, size_t rows, uint64_t first, size_t cols)
{
	char *label_path = malloc(strlen(path) + 3);
	FILE *x = create(path), *y;

	if (!label_path)
		exit(1);
	(void)snprintf(label_path, strlen(path) + 3, "%s.y", path);
	y = create(label_path);
	npy_head(x, rows, cols);
	npy_head(y, rows, 0);
	for (size_t i = 0; i < rows; i++) {
		float row[SYNTH_COLS], label = (float)synth_row(row, 1, first + i);

		(void)fwrite(row, sizeof(float), cols, x);
		(void)fwrite(&label, sizeof(float), 1, y);
	}
	if (fclose(x) != 0 || fclose(y) != 0) {
		perror(path);
		exit(1);
	}
	free(label_path);
}

static void write_csv(const char *path, size_t rows, uint64_t first, size_t cols)
{
	struct buf line = {0};
	FILE *f = create(path);

	buf_adds(&line, "y");
	for (size_t k = 0; k < cols; k++)
		buf_addf(&line, ",f%zu", k);
	buf_addc(&line, '\n');
	for (size_t i = 0; i < rows; i++) {
		float row[SYNTH_COLS];
		double label = synth_row(row, 1, first + i);
		char text[NUMBER_MAX];

		buf_adds(&line, label != 0 ? "1" : "0");
		for (size_t k = 0; k < cols; k++) {
			buf_addc(&line, ',');
			buf_add(&line, text, number_text32(text, row[k]));
		}
		buf_addc(&line, '\n');
		(void)fwrite(buf_str(&line), 1, line.n, f);
		buf_reset(&line);
	}
	buf_release(&line);
	if (fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	size_t cols = SYNTH_COLS;

	if (argc < 5) {
		(void)fprintf(stderr,
			      "usage: synth_gen npy|csv ROWS FIRST FILE [COLUMNS]\n");
		return 2;
	}
	if (argc > 5)
		cols = number(argv[5]);
	if (cols < 1 || cols > SYNTH_COLS)
		cols = SYNTH_COLS;
	if (strcmp(argv[1], "npy") == 0)
		write_npy(argv[4], number(argv[2]), number(argv[3]), cols);
	else
		write_csv(argv[4], number(argv[2]), number(argv[3]), cols);
	return 0;
}
