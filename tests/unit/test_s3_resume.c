/* Large transfers cut by SIGKILL and by less, and taken up by another run. */
#include "tests/lib/fakes3_fix.h"

#include "remote/resume.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY   "files/md5/5d/41402abc4b2a76b9719d911017c592"
#define FULL  "pre/fix/" KEY
#define MIB   ((size_t)1 << 20)
#define PART  (5 * MIB)
#define PARTS 9
#define BIG   (8 * PART + 3)
#define RANGE (16 * MIB)
#define LARGE (4 * RANGE + 5)
#define RULE  (struct fakes3_rule)

static char dir[] = "/tmp/test-s3-resume-XXXXXX";
static char *config_path, *state_dir, *source;

struct get_job {
	struct remote_job job;
	struct tmpfile tmp;
	char name[TMPFILE_NAME_N + 1];
};

static int dirfd_of(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

static int keep(struct remote_job *job, uint64_t *inode, struct err *e)
{
	struct get_job *g = job->ctx;
	struct stat st;

	assert_int_equal(fstat(g->tmp.fd, &st), 0);
	*inode = st.st_ino;
	return tmpfile_rename(&g->tmp, g->name, e);
}

static int reuse(struct remote_job *job, uint64_t inode, struct err *e)
{
	struct get_job *g = job->ctx;
	struct tmpfile old = {0};
	struct stat st;
	int r = tmpfile_adopt(&old, dirfd_of(), g->name, e);

	if (r < 0)
		return r;
	assert_int_equal(fstat(old.fd, &st), 0);
	if (st.st_ino != inode) {
		tmpfile_keep(&old);
		return err_set(e, ERR_NOTFOUND, "another file");
	}
	tmpfile_release(&g->tmp);
	g->tmp = old;
	job->fd = old.fd;
	return 0;
}

/* A download as remote/sync makes it; the file stays where it is to stay. */
static int get(struct fix *x, const uint8_t md5[16], struct get_job *g)
{
	static const uint8_t id[16] = {7};
	int r;

	*g = (struct get_job){.job = {.op = REMOTE_GET,
				      .key = KEY,
				      .has_md5 = true,
				      .keep = keep,
				      .reuse = reuse}};
	memcpy(g->job.md5, md5, 16);
	g->job.ctx = g;
	tmpfile_name_of(id, g->name);
	assert_int_equal(tmpfile_open(&g->tmp, dirfd_of(), 0600, NULL), 0);
	g->job.fd = g->tmp.fd;
	r = remote_do(x->r, &g->job, &x->err);
	if (r < 0 && g->job.kept)
		tmpfile_keep(&g->tmp);
	return r;
}

static int put(struct fix *x, const uint8_t md5[16], uint64_t *resumed)
{
	struct remote_job job = {
		.op = REMOTE_PUT, .key = KEY, .bytes = BIG, .has_md5 = true};
	int r;

	memcpy(job.md5, md5, 16);
	job.fd = open(source, O_RDONLY | O_CLOEXEC);
	assert_true(job.fd >= 0);
	r = remote_do(x->r, &job, &x->err);
	close(job.fd);
	if (resumed)
		*resumed = job.resumed;
	return r;
}

static void write_source(unsigned seed, uint8_t md5[16])
{
	char *p = fix_bytes(BIG, seed);
	struct slice s = {p, BIG};

	hash_md5(p, BIG, md5);
	assert_int_equal(fs_write(AT_FDCWD, source, s, 0600, FS_SYNC_NONE, NULL), 0);
	free(p);
}

static void check_stored(struct fix *x, unsigned seed)
{
	char *p = fix_bytes(BIG, seed), *got;
	size_t n = 0;

	got = fakes3_get(x->s3, FULL, &n);
	assert_non_null(got);
	assert_int_equal(n, BIG);
	assert_memory_equal(got, p, n);
	free(got);
	free(p);
}

static unsigned left_over(void)
{
	struct fs_dir *d;
	struct fs_dirent ent;
	unsigned nr = 0;

	if (fs_dir_open(&d, AT_FDCWD, state_dir, NULL) < 0)
		return 0;
	while (fs_dir_next(d, &ent, NULL) == 1)
		nr++;
	fs_dir_close(d);
	return nr;
}

static char *record_path(bool is_upload)
{
	struct fs_dir *d;
	struct fs_dirent ent;
	char *path = NULL;

	if (fs_dir_open(&d, AT_FDCWD, state_dir, NULL) < 0)
		return NULL;
	while (fs_dir_next(d, &ent, NULL) == 1)
		if (strlen(ent.name) == 35 &&
		    strcmp(ent.name + 32, is_upload ? ".up" : ".dn") == 0)
			path = xasprintf("%s/%s", state_dir, ent.name);
	fs_dir_close(d);
	return path;
}

static bool read_record(bool is_upload, struct resume *r)
{
	char *path = record_path(is_upload);
	struct buf text = {0};
	bool ok = path && fs_read(AT_FDCWD, path, 0, &text, NULL) == 0 &&
		  resume_parse(buf_slice(&text), r, NULL) == 0;

	buf_release(&text);
	free(path);
	return ok;
}

static void write_record(const struct resume *r)
{
	char *path = record_path(r->is_upload);
	struct buf text = {0};

	assert_non_null(path);
	assert_true(resume_format(r, &text));
	assert_int_equal(
		fs_write(AT_FDCWD, path, buf_slice(&text), 0600, FS_SYNC_NONE, NULL), 0);
	buf_release(&text);
	free(path);
}

static void kill_child(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* Parts from the fifth on get no answer; four are there when the child dies. */
static void kill_an_upload(struct fix *x, const uint8_t md5[16])
{
	static const char *const hung[] = {"partNumber=5", "partNumber=6", "partNumber=7",
					   "partNumber=8", "partNumber=9"};
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(hung); i++)
		fakes3_rule(x->s3, RULE{.method = "PUT",
					.has = hung[i],
					.what = FAKES3_HANG | FAKES3_STATUS,
					.status = 500});
	pid = fork();
	if (pid == 0)
		_exit(fix_open(x, &x->err) < 0 || put(x, md5, NULL) < 0 ? 1 : 0);
	for (int i = 0;
	     i < 3000 && (fakes3_matching(x->s3, "PUT", "partNumber=") < PARTS ||
			  fakes3_parts(x->s3) < 4);
	     i++)
		clock_sleep_ms(10);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber="), PARTS);
	/* What is still on its way would be counted to the next run. */
	for (int i = 0; i < 3000 && fakes3_received(x->s3) < BIG; i++)
		clock_sleep_ms(10);
	assert_int_equal(fakes3_parts(x->s3), 4);
	clock_sleep_ms(100); /* the answers to them */
	kill_child(pid);
	assert_int_equal(fakes3_uploads(x->s3), 1);
	fakes3_clear(x->s3);
}

static void only_the_missing_parts(struct fix *x)
{
	uint64_t resumed;
	uint8_t md5[16];

	write_source(1, md5);
	kill_an_upload(x, md5);
	assert_int_equal(fix_open(x, &x->err), 0);
	if (put(x, md5, &resumed) < 0)
		fail_msg("%s", x->err.text);
	check_stored(x, 1);
	assert_int_equal(resumed, 4 * PART);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber="), PARTS - 4);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads"), 0);
	assert_true(fakes3_received(x->s3) < BIG - 4 * PART + 64 * 1024);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	assert_int_equal(left_over(), 0);
}

static void killed_upload_sends_the_missing_parts_only(void **state)
{
	only_the_missing_parts(*state);
}

/* Complete wants the checksums of those that are there, too. */
static void killed_upload_with_checksums_goes_on_as_well(void **state)
{
	struct fix *x = *state;
	char *v;

	fix_set(x, "provider", "MinIO");
	only_the_missing_parts(x);
	v = fakes3_last_header(x->s3, "PUT", "partNumber=9", "x-amz-checksum-crc64nvme");
	assert_non_null(v);
	free(v);
}

static void killed_upload_is_asked_for_page_by_page(void **state)
{
	struct fix *x = *state;
	uint64_t resumed;
	uint8_t md5[16];

	write_source(2, md5);
	kill_an_upload(x, md5);
	fakes3_page(x->s3, 3);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, &resumed), 0);
	assert_int_equal(resumed, 4 * PART);
	assert_int_equal(fakes3_matching(x->s3, "GET", "part-number-marker=3"), 1);
	check_stored(x, 2);
}

static void part_of_other_bytes_is_sent_again(void **state)
{
	struct fix *x = *state;
	uint64_t resumed;
	uint8_t md5[16];

	write_source(3, md5);
	kill_an_upload(x, md5);
	fakes3_spoil_part(x->s3, 2);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, &resumed), 0);
	assert_int_equal(resumed, 3 * PART);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber=2"), 1);
	check_stored(x, 3);
}

/* Opaque ETags say nothing about our bytes: only those on record count. */
static void opaque_part_counts_by_the_record_alone(void **state)
{
	struct fix *x = *state;
	struct resume r = {0};
	uint64_t resumed;
	uint8_t md5[16];

	write_source(4, md5);
	fakes3_opaque_parts(x->s3, true);
	kill_an_upload(x, md5);
	assert_true(read_record(true, &r));
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, &resumed), 0);
	assert_int_equal(resumed, r.parts.nr * PART);
	resume_release(&r);
	check_stored(x, 4);
}

static void upload_that_is_gone_starts_over(void **state)
{
	struct fix *x = *state;
	uint64_t resumed;
	uint8_t md5[16];

	write_source(5, md5);
	kill_an_upload(x, md5);
	fakes3_drop_uploads(x->s3);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, &resumed), 0);
	assert_int_equal(resumed, 0);
	assert_int_equal(fakes3_matching(x->s3, "PUT", "partNumber="), PARTS);
	check_stored(x, 5);
	assert_int_equal(left_over(), 0);
}

/* It goes while we send: known by the next part, or by Complete alone. */
static void upload_that_goes_meanwhile_starts_over(void **state)
{
	static const char *const at[] = {"partNumber=7", "uploadId="};

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		struct fix *x = *state;
		uint8_t md5[16];

		fakes3_clear(x->s3);
		write_source(6 + i, md5);
		fakes3_remove(x->s3, FULL);
		kill_an_upload(x, md5);
		fakes3_rule(x->s3, RULE{.method = i ? "POST" : "PUT",
					.has = at[i],
					.times = 1,
					.what = FAKES3_STATUS,
					.status = 404,
					.code = "NoSuchUpload"});
		assert_int_equal(fix_open(x, &x->err), 0);
		if (put(x, md5, NULL) < 0)
			fail_msg("%s", x->err.text);
		assert_int_equal(fakes3_matching(x->s3, "POST", "uploads"), 1);
		check_stored(x, 6 + i);
		assert_int_equal(fakes3_uploads(x->s3), 0);
		assert_int_equal(left_over(), 0);
		fix_close(x);
	}
}

static void source_that_changed_aborts_what_was_begun(void **state)
{
	struct fix *x = *state;
	uint64_t resumed;
	uint8_t md5[16];

	write_source(8, md5);
	kill_an_upload(x, md5);
	write_source(9, md5);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, &resumed), 0);
	assert_int_equal(resumed, 0);
	assert_true(fakes3_matching(x->s3, "DELETE", "uploadId=") > 0);
	assert_int_equal(fakes3_uploads(x->s3), 0);
	check_stored(x, 9);
}

static void old_or_damaged_record_is_not_used(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct fix *x = *state;
		struct resume r = {0};
		uint64_t resumed;
		uint8_t md5[16];

		fakes3_clear(x->s3);
		write_source(10, md5);
		fakes3_remove(x->s3, FULL);
		kill_an_upload(x, md5);
		assert_true(read_record(true, &r));
		if (i == 0)
			r.started_ns -= RESUME_AGE_NS + 1;
		else if (i == 1)
			r.started_ns = clock_wall_ns() + INT64_C(3600000000000);
		else
			r.headers[0]++;
		write_record(&r);
		assert_int_equal(fix_open(x, &x->err), 0);
		assert_int_equal(put(x, md5, &resumed), 0);
		assert_int_equal(resumed, 0);
		check_stored(x, 10);
		resume_release(&r);
		fix_close(x);
	}
}

/* What a failed run had sent, the next one need not send. */
static void upload_that_fails_is_left_to_the_next_run(void **state)
{
	struct fix *x = *state;
	uint64_t resumed;
	uint8_t md5[16];

	write_source(11, md5);
	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber=9",
				.what = FAKES3_STATUS,
				.status = 403,
				.code = "AccessDenied"});
	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber=8",
				.what = FAKES3_DELAY,
				.ms = 50});
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, NULL), ERR_AUTH);
	assert_int_equal(fakes3_uploads(x->s3), 1);
	fix_close(x);
	fakes3_clear(x->s3);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, &resumed), 0);
	assert_true(resumed > 0);
	check_stored(x, 11);
	assert_int_equal(left_over(), 0);
}

static void two_runs_at_once_do_not_share_an_upload(void **state)
{
	struct fix *x = *state;
	uint64_t resumed;
	uint8_t md5[16];
	pid_t pid;

	write_source(12, md5);
	fakes3_rule(x->s3, RULE{.method = "PUT",
				.has = "partNumber=3",
				.times = 1,
				.what = FAKES3_HANG | FAKES3_STATUS,
				.status = 500});
	pid = fork();
	if (pid == 0)
		_exit(fix_open(x, &x->err) < 0 || put(x, md5, NULL) < 0 ? 1 : 0);
	for (int i = 0; i < 3000 && fakes3_matching(x->s3, "PUT", "partNumber=9") == 0;
	     i++)
		clock_sleep_ms(10);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(put(x, md5, &resumed), 0);
	assert_int_equal(resumed, 0);
	assert_int_equal(fakes3_matching(x->s3, "POST", "uploads"), 2);
	check_stored(x, 12);
	kill_child(pid);
}

/* ---- downloads --------------------------------------------------------------- */

static void serve_large(struct fix *x, unsigned seed, uint8_t md5[16])
{
	char *p = fix_bytes(LARGE, seed);

	fakes3_put(x->s3, FULL, p, LARGE);
	hash_md5(p, LARGE, md5);
	free(p);
}

static void check_file(struct get_job *g, unsigned seed)
{
	char *p = fix_bytes(LARGE, seed), *got = xmalloc(LARGE + 1);

	assert_int_equal(g->job.bytes, LARGE);
	assert_int_equal(pread(g->tmp.fd, got, LARGE + 1, 0), LARGE);
	assert_memory_equal(got, p, LARGE);
	tmpfile_release(&g->tmp);
	free(got);
	free(p);
}

static uint64_t sum(const struct resume *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->ranges.nr; i++)
		n += (uint64_t)(r->ranges.v[i].last - r->ranges.v[i].first) *
			     r->part_bytes +
		     r->ranges.v[i].got;
	return n;
}

/* The first range comes, the second later, all others stop half way. */
static void kill_a_download(struct fix *x, const uint8_t md5[16], struct resume *r)
{
	pid_t pid;

	fakes3_rule(x->s3, RULE{.method = "GET",
				.skip = 2,
				.what = FAKES3_HANG_AT,
				.at = 8 * (int64_t)MIB});
	fakes3_rule(x->s3, RULE{.method = "GET",
				.skip = 1,
				.times = 1,
				.what = FAKES3_DELAY,
				.ms = 600});
	pid = fork();
	if (pid == 0) {
		struct get_job g;

		_exit(fix_open(x, &x->err) < 0 || get(x, md5, &g) < 0 ? 1 : 0);
	}
	for (int i = 0; i < 3000; i++) {
		if (read_record(false, r) && sum(r) > RANGE + MIB)
			break;
		resume_release(r);
		clock_sleep_ms(10);
	}
	kill_child(pid);
	resume_release(r);
	assert_true(read_record(false, r));
	clock_sleep_ms(800); /* the answer that was delayed is no longer under way */
	fakes3_clear(x->s3);
}

static void killed_download_fetches_the_rest_only(void **state)
{
	struct fix *x = *state;
	struct resume r = {0};
	struct get_job g;
	uint8_t md5[16];

	serve_large(x, 20, md5);
	kill_a_download(x, md5, &r);
	assert_int_equal(fix_open(x, &x->err), 0);
	if (get(x, md5, &g) < 0)
		fail_msg("%s", x->err.text);
	assert_true(sum(&r) > RANGE);
	assert_int_equal(g.job.resumed, sum(&r));
	assert_int_equal(fakes3_sent(x->s3), LARGE - sum(&r));
	assert_memory_equal(g.job.digest, md5, 16);
	check_file(&g, 20);
	assert_int_equal(left_over(), 0);
	resume_release(&r);
}

static void spoil_file(struct resume *r, const char *name, int64_t at, int64_t length)
{
	int fd = openat(dirfd_of(), name, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	if (length >= 0)
		assert_int_equal(ftruncate(fd, length), 0);
	else
		assert_int_equal(pwrite(fd, "\0\1\2\3", 4, at), 4);
	close(fd);
	(void)r;
}

/* Bytes on the disk are hashed again; then all of it is fetched anew. */
static void spoilt_bytes_on_the_disk_never_count(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct fix *x = *state;
		struct resume r = {0};
		struct get_job g;
		uint8_t md5[16];

		fakes3_clear(x->s3);
		serve_large(x, 21, md5);
		kill_a_download(x, md5, &r);
		spoil_file(&r, ".BwAAAAAAAAAAAAAAAAAAAA.tmp", 5, i ? 1000 : -1);
		assert_int_equal(fix_open(x, &x->err), 0);
		if (get(x, md5, &g) < 0)
			fail_msg("%s", x->err.text);
		assert_true(fakes3_sent(x->s3) >= LARGE);
		check_file(&g, 21);
		assert_int_equal(left_over(), 0);
		resume_release(&r);
		fix_close(x);
	}
}

static void object_that_changed_since_starts_over(void **state)
{
	struct fix *x = *state;
	struct resume r = {0};
	struct get_job g;
	uint8_t md5[16];

	serve_large(x, 22, md5);
	kill_a_download(x, md5, &r);
	serve_large(x, 23, md5);
	assert_int_equal(fix_open(x, &x->err), 0);
	if (get(x, md5, &g) < 0)
		fail_msg("%s", x->err.text);
	check_file(&g, 23);
	assert_int_equal(left_over(), 0);
	resume_release(&r);
}

static void file_that_is_not_there_any_more_is_no_harm(void **state)
{
	struct fix *x = *state;
	struct resume r = {0};
	struct get_job g;
	uint8_t md5[16];

	serve_large(x, 24, md5);
	kill_a_download(x, md5, &r);
	assert_int_equal(unlinkat(dirfd_of(), ".BwAAAAAAAAAAAAAAAAAAAA.tmp", 0), 0);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(get(x, md5, &g), 0);
	assert_int_equal(g.job.resumed, 0);
	check_file(&g, 24);
	assert_int_equal(left_over(), 0);
	resume_release(&r);
}

static void download_that_fails_is_left_to_the_next_run(void **state)
{
	struct fix *x = *state;
	struct get_job g;
	uint8_t md5[16];
	uint64_t resumed;

	serve_large(x, 25, md5);
	fakes3_rule(x->s3, RULE{.method = "GET",
				.skip = 3,
				.what = FAKES3_STATUS,
				.status = 403,
				.code = "AccessDenied"});
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(get(x, md5, &g), ERR_AUTH);
	assert_true(g.job.kept);
	fix_close(x);
	fakes3_clear(x->s3);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(get(x, md5, &g), 0);
	resumed = g.job.resumed;
	assert_true(resumed > 0);
	assert_int_equal(fakes3_sent(x->s3), LARGE - resumed);
	check_file(&g, 25);
	assert_int_equal(left_over(), 0);
}

static void missing_object_leaves_nothing(void **state)
{
	struct fix *x = *state;
	struct resume r = {0};
	struct get_job g;
	uint8_t md5[16];

	serve_large(x, 26, md5);
	kill_a_download(x, md5, &r);
	fakes3_remove(x->s3, FULL);
	assert_int_equal(fix_open(x, &x->err), 0);
	assert_int_equal(get(x, md5, &g), ERR_NOTFOUND);
	assert_false(g.job.kept);
	tmpfile_release(&g.tmp);
	assert_int_equal(left_over(), 0);
	resume_release(&r);
}

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));

	fix_start(x);
	fix_set(x, "read_timeout", "30");
	fix_set(x, "configpath", config_path);
	x->state_dir = state_dir;
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fix *x = *state;

	fix_stop(x);
	free(x);
	return fs_remove_tree(AT_FDCWD, state_dir, NULL);
}

static int make_dir(void **state)
{
	struct slice s = SLICE_LIT("[default]\ns3 =\n  multipart_threshold = 5MB\n"
				   "  multipart_chunksize = 5MB\n");

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	config_path = xasprintf("%s/config", dir);
	state_dir = xasprintf("%s/transfers", dir);
	source = xasprintf("%s/source", dir);
	return fs_write(AT_FDCWD, config_path, s, 0600, FS_SYNC_NONE, NULL);
}

static int remove_dir(void **state)
{
	(void)state;
	close(dirfd_of());
	free(config_path);
	free(state_dir);
	free(source);
	return fs_remove_tree(AT_FDCWD, dir, NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(killed_upload_sends_the_missing_parts_only),
		TEST(killed_upload_with_checksums_goes_on_as_well),
		TEST(killed_upload_is_asked_for_page_by_page),
		TEST(part_of_other_bytes_is_sent_again),
		TEST(opaque_part_counts_by_the_record_alone),
		TEST(upload_that_is_gone_starts_over),
		TEST(upload_that_goes_meanwhile_starts_over),
		TEST(source_that_changed_aborts_what_was_begun),
		TEST(old_or_damaged_record_is_not_used),
		TEST(upload_that_fails_is_left_to_the_next_run),
		TEST(two_runs_at_once_do_not_share_an_upload),
		TEST(killed_download_fetches_the_rest_only),
		TEST(spoilt_bytes_on_the_disk_never_count),
		TEST(object_that_changed_since_starts_over),
		TEST(file_that_is_not_there_any_more_is_no_harm),
		TEST(download_that_fails_is_left_to_the_next_run),
		TEST(missing_object_leaves_nothing),
	};

	return cmocka_run_group_tests_name("s3 resume", tests, make_dir, remove_dir);
}
