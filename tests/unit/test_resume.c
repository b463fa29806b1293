/* The record of a transfer: read back, doubted, locked. */
#include "remote/resume.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/fs.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define URL "s3://127.0.0.1:1/bkt/pre/files/md5/00/11"

static char dir[] = "/tmp/test-resume-XXXXXX";

static void fill(struct resume *r, bool is_upload)
{
	*r = (struct resume){.is_upload = is_upload,
			     .url = xstrdup(URL),
			     .headers = {1, 2, 3},
			     .bytes = 100,
			     .part_bytes = 30,
			     .started_ns = 12345,
			     .inode = 77};
	if (is_upload) {
		r->mtime_ns = -5;
		r->upload_id = xstrdup("id with spaces+/=");
		vec_push(&r->parts,
			 ((struct resume_part){
				 .number = 2, .md5 = {9}, .etag = xstrdup("\"a b\"")}));
		vec_push(&r->parts,
			 ((struct resume_part){
				 .number = 4, .md5 = {8}, .etag = xstrdup("x")}));
	} else {
		r->etag = xstrdup("\"abc-4\"");
		vec_push(&r->ranges, ((struct resume_range){0, 1, 30}));
		vec_push(&r->ranges, ((struct resume_range){3, 3, 10}));
	}
}

static void record_comes_back_as_it_was(void **state)
{
	(void)state;
	for (int up = 0; up < 2; up++) {
		struct resume r, back = {0};
		struct buf text = {0}, again = {0};

		fill(&r, up);
		assert_true(resume_format(&r, &text));
		assert_int_equal(resume_parse(buf_slice(&text), &back, NULL), 0);
		assert_true(resume_format(&back, &again));
		assert_string_equal(buf_str(&text), buf_str(&again));
		assert_string_equal(back.url, URL);
		assert_int_equal(back.is_upload, up);
		assert_int_equal(back.parts.nr, up ? 2 : 0);
		assert_int_equal(back.ranges.nr, up ? 0 : 2);
		resume_release(&r);
		resume_release(&back);
		buf_release(&text);
		buf_release(&again);
	}
}

static void texts_with_line_breaks_are_not_written(void **state)
{
	struct resume r;
	struct buf text = {0};

	(void)state;
	fill(&r, true);
	r.upload_id[2] = '\n';
	assert_false(resume_format(&r, &text));
	/* An odd ETag only makes its part unknown. */
	r.upload_id[2] = '_';
	r.parts.v[0].etag[1] = '\r';
	assert_true(resume_format(&r, &text));
	assert_null(strstr(buf_str(&text), "part 2 "));
	assert_non_null(strstr(buf_str(&text), "part 4 "));
	resume_release(&r);
	buf_release(&text);
}

/* With its sum put right, so that the grammar has to notice. */
static int parse_changed(const char *from, const char *to, bool is_upload)
{
	struct resume r, back = {0};
	struct buf text = {0};
	uint8_t sum[16];
	char hex[33], *at;
	int code;

	fill(&r, is_upload);
	assert_true(resume_format(&r, &text));
	at = strstr(text.p, from);
	assert_non_null(at);
	buf_splice(&text, (size_t)(at - text.p), strlen(from), to, strlen(to));
	buf_cut(&text, text.n - 37);
	hash_md5(text.p, text.n, sum);
	buf_addf(&text, "sum %s\n", hex_encode(sum, 16, hex));
	code = resume_parse(buf_slice(&text), &back, NULL);
	resume_release(&r);
	resume_release(&back);
	buf_release(&text);
	return code;
}

static void anything_out_of_order_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
		bool is_upload;
	} v[] = {
		{"lode-transfer 1", "lode-transfer 2", true},
		{"kind upload", "kind else", true},
		{"bytes 100\n", "bytes 0\n", true},
		{"bytes 100\n", "bytes 18446744073709551615\n", true},
		{"bytes 100\n", "bytes 100x\n", true},
		{"part-bytes 30", "part-bytes 0", true},
		{"inode 77\n", "", true},
		{"upload-id id", "upload-idid", true},
		{"part 2 ", "part 0 ", true},
		{"part 2 ", "part 5 ", true},	 /* of four */
		{"part 4 ", "part 2 ", true},	 /* twice */
		{"part 4 08", "part 4 0", true}, /* half a digest */
		{"part 4 ", "range 4 ", true},
		{" x\n", " \n", true},
		{"range 0 1 30", "range 0 1 31", false},
		{"range 0 1 30", "range 0 1 0", false},
		{"range 0 1 30", "range 1 0 30", false},
		{"range 3 3 10", "range 3 3 11", false}, /* the last one is short */
		{"range 3 3 10", "range 4 4 1", false},
		{"range 3 3 10", "range 1 3 10", false}, /* overlaps */
		{"range 3 3 10", "range 3 3", false},
		{"etag \"abc-4\"", "etag \"ab\rc\"", false},
	};

	(void)state;
	assert_int_equal(parse_changed("inode 77", "inode 78", true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (parse_changed(v[i].from, v[i].to, v[i].is_upload) == 0)
			fail_msg("'%s' as '%s' was taken", v[i].from, v[i].to);
}

static void every_wrong_byte_is_noticed(void **state)
{
	struct resume r, back = {0};
	struct buf text = {0};

	(void)state;
	fill(&r, true);
	assert_true(resume_format(&r, &text));
	for (size_t i = 0; i < text.n; i++) {
		text.p[i] ^= 4;
		assert_int_not_equal(resume_parse(buf_slice(&text), &back, NULL), 0);
		text.p[i] ^= 4;
		assert_int_not_equal(resume_parse((struct slice){text.p, i}, &back, NULL),
				     0);
	}
	resume_release(&r);
	buf_release(&text);
}

static unsigned files_in_dir(void)
{
	struct fs_dir *d;
	struct fs_dirent ent;
	unsigned nr = 0;

	assert_int_equal(fs_dir_open(&d, AT_FDCWD, dir, NULL), 0);
	while (fs_dir_next(d, &ent, NULL) == 1)
		nr++;
	fs_dir_close(d);
	return nr;
}

static void one_process_at_a_time_has_a_transfer(void **state)
{
	struct resume_file f, other;
	struct resume r, back = {0};
	struct buf text = {0};
	int status;
	pid_t pid;

	(void)state;
	fill(&r, true);
	assert_true(resume_format(&r, &text));
	assert_true(resume_open(&f, dir, true, URL));
	assert_false(resume_load(&f, &back));
	resume_save(&f, &text);
	assert_true(resume_any(dir, true));
	assert_false(resume_any(dir, false));
	pid = fork();
	if (pid == 0)
		_exit(resume_open(&other, dir, true, URL) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* A download of the same object is another transfer. */
	assert_true(resume_open(&other, dir, false, URL));
	resume_close(&other);
	resume_close(&f);
	assert_true(resume_open(&f, dir, true, URL));
	assert_true(resume_load(&f, &back));
	assert_string_equal(back.upload_id, r.upload_id);
	resume_release(&back);
	resume_done(&f);
	assert_int_equal(files_in_dir(), 0);
	resume_release(&r);
	buf_release(&text);
}

static void file_that_is_damaged_is_thrown_away(void **state)
{
	struct resume_file f;
	struct resume r, back = {0};
	struct buf text = {0};

	(void)state;
	fill(&r, false);
	assert_true(resume_format(&r, &text));
	text.p[20]++;
	assert_true(resume_open(&f, dir, false, URL));
	resume_save(&f, &text);
	assert_false(resume_load(&f, &back));
	assert_false(resume_any(dir, false));
	resume_close(&f);
	assert_int_equal(files_in_dir(), 0);
	resume_release(&r);
	buf_release(&text);
}

static void without_a_directory_nothing_is_recorded(void **state)
{
	struct resume_file f;

	(void)state;
	assert_false(resume_open(&f, NULL, true, URL));
	assert_false(resume_open(&f, "/proc/none/such", true, URL));
	assert_false(resume_any("/proc/none/such", true));
	resume_close(&f);
	resume_done(&f);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_comes_back_as_it_was),
		cmocka_unit_test(texts_with_line_breaks_are_not_written),
		cmocka_unit_test(anything_out_of_order_is_refused),
		cmocka_unit_test(every_wrong_byte_is_noticed),
		cmocka_unit_test(one_process_at_a_time_has_a_transfer),
		cmocka_unit_test(file_that_is_damaged_is_thrown_away),
		cmocka_unit_test(without_a_directory_nothing_is_recorded),
	};

	return cmocka_run_group_tests_name("resume", tests, make_dir, remove_dir);
}
