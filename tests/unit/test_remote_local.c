#include "remote/remote.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/fs.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "files/md5/5d/41402abc4b2a76b9719d911017c592"

struct fixture {
	char dir[64], root[96];
	struct remote *r;
	const char *shared;
};

static const char *get(void *ctx, const char *key)
{
	struct fixture *f = ctx;

	return strcmp(key, "shared") == 0 ? f->shared : NULL;
}

static int open_at(struct fixture *f, const char *url, struct err *e)
{
	struct remote_options o = {
		.name = "r", .url = url, .get = get, .get_ctx = f, .jobs = 2};

	return remote_open(&f->r, &o, e);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	memcpy(f->dir, "/tmp/test-local-XXXXXX", 23);
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	IGNORE_RESULT(snprintf(f->root, sizeof(f->root), "%s/a/remote", f->dir) < 0);
	return open_at(f, f->root, NULL);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sys_fail_nth(0, 0);
	remote_close(f->r);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	free(f);
	return 0;
}

static int source(const void *p, size_t n)
{
	int fd = memfd_create("src", MFD_CLOEXEC);

	assert_int_equal(write(fd, p, n), (ssize_t)n);
	return fd;
}

static int put(struct fixture *f, const char *key, const char *p, size_t n,
	       const char *of, struct err *e)
{
	struct remote_job job = {
		.op = REMOTE_PUT, .key = key, .bytes = n, .has_md5 = true};
	int r;

	job.fd = source(p, n);
	hash_md5(of, strlen(of), job.md5);
	r = remote_do(f->r, &job, e);
	close(job.fd);
	return r;
}

static unsigned mode_of(struct fixture *f, const char *rel)
{
	char path[256];
	struct stat st;

	IGNORE_RESULT(snprintf(path, sizeof(path), "%s/%s", f->root, rel) < 0);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void object_goes_up_read_only_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct remote_job g = {.op = REMOTE_GET, .key = KEY},
			  h = {.op = REMOTE_HEAD, .key = KEY};
	struct err e = {0};
	uint8_t md5[16];
	char back[8] = "";

	if (put(f, KEY, "hello", 5, "hello", &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(mode_of(f, KEY), 0444);
	g.fd = source("", 0);
	assert_int_equal(remote_do(f->r, &g, &e), 0);
	assert_int_equal(g.bytes, 5);
	assert_int_equal(pread(g.fd, back, 8, 0), 5);
	assert_string_equal(back, "hello");
	hash_md5("hello", 5, md5);
	assert_memory_equal(g.digest, md5, 16);
	assert_int_equal(remote_do(f->r, &h, &e), 0);
	assert_int_equal(h.bytes, 5);
	assert_true(h.modified_ns > 0);
	/* Again, over what is there. */
	assert_int_equal(put(f, KEY, "hello", 5, "hello", &e), 0);
	close(g.fd);
}

static void large_object_is_copied_whole(void **state)
{
	struct fixture *f = *state;
	size_t n = (3 << 20) + 17;
	char *p = xcalloc(1, n), path[256];
	struct remote_job g = {.op = REMOTE_GET, .key = KEY};
	struct remote_job j = {.op = REMOTE_PUT, .key = KEY, .bytes = n, .has_md5 = true};
	uint8_t md5[16];
	struct err e = {0};

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 31 >> 7);
	hash_md5(p, n, md5);
	memcpy(j.md5, md5, 16);
	IGNORE_RESULT(snprintf(path, sizeof(path), "%s/src", f->dir) < 0);
	j.fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(j.fd, p, n), (ssize_t)n);
	if (remote_do(f->r, &j, &e) != 0)
		fail_msg("%s", e.text);
	IGNORE_RESULT(snprintf(path, sizeof(path), "%s/dst", f->dir) < 0);
	g.fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(remote_do(f->r, &g, &e), 0);
	assert_int_equal(g.bytes, n);
	assert_memory_equal(g.digest, md5, 16);
	close(g.fd);
	close(j.fd);
	free(p);
}

static void bytes_that_are_not_the_names_are_refused(void **state)
{
	struct fixture *f = *state;
	struct remote_job h = {.op = REMOTE_HEAD, .key = KEY};
	struct err e = {0};

	assert_int_equal(put(f, KEY, "hellO", 5, "hello", &e), ERR_CORRUPT);
	assert_non_null(strstr(e.text, KEY));
	assert_int_equal(remote_do(f->r, &h, NULL), ERR_NOTFOUND);
}

static void source_that_became_shorter_is_refused(void **state)
{
	struct fixture *f = *state;
	struct remote_job job = {.op = REMOTE_PUT, .key = KEY, .bytes = 10};
	struct err e = {0};

	job.fd = source("hello", 5);
	assert_int_equal(remote_do(f->r, &job, &e), ERR_CORRUPT);
	close(job.fd);
}

static int on_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct strvec *s = job->ctx;

	for (size_t i = 0; i < nr; i++)
		strvec_push(s, v[i].key);
	return 0;
}

static int list(struct fixture *f, struct strvec *s, const char *prefix,
		const char *after, const char *until)
{
	struct remote_job job = {.op = REMOTE_LIST,
				 .key = prefix,
				 .after = after,
				 .until = until,
				 .on_page = on_page,
				 .ctx = s};

	strvec_release(s);
	return remote_do(f->r, &job, NULL);
}

static void listing_is_in_key_order_within_bounds(void **state)
{
	static const char *const keys[] = {"a-b", "a/1", "a/2/x", "a/2/y", "a0", "b/1"};
	struct fixture *f = *state;
	struct strvec s = {0};

	assert_int_equal(list(f, &s, NULL, NULL, NULL), 0); /* no directory yet */
	assert_int_equal(s.nr, 0);
	for (size_t i = ARRAY_SIZE(keys); i-- > 0;)
		assert_int_equal(put(f, keys[i], "x", 1, "x", NULL), 0);
	assert_int_equal(list(f, &s, NULL, NULL, NULL), 0);
	assert_int_equal(s.nr, ARRAY_SIZE(keys));
	for (size_t i = 0; i < s.nr; i++)
		assert_string_equal(s.v[i], keys[i]);
	assert_int_equal(list(f, &s, "a/2/", NULL, NULL), 0);
	assert_int_equal(s.nr, 2);
	assert_int_equal(list(f, &s, "a", NULL, NULL), 0);
	assert_int_equal(s.nr, 5);
	assert_int_equal(list(f, &s, "", "a/1", "a0"), 0);
	assert_int_equal(s.nr, 3);
	assert_string_equal(s.v[0], "a/2/x");
	assert_int_equal(list(f, &s, "", "a/2/x", "a/2/y"), 0);
	assert_int_equal(s.nr, 1);
	assert_int_equal(list(f, &s, "../", NULL, NULL), ERR_INVALID);
	strvec_release(&s);
}

static void keys_go_and_each_failure_is_told(void **state)
{
	struct fixture *f = *state;
	const char *keys[] = {"a/1", "none", "../../etc/passwd"};
	struct err errs[3];
	struct remote_job job = {
		.op = REMOTE_DELETE, .keys = keys, .keys_nr = 3, .key_errs = errs};
	struct err e = {0};

	assert_int_equal(put(f, "a/1", "x", 1, "x", NULL), 0);
	assert_int_equal(remote_do(f->r, &job, &e), ERR_PARTIAL);
	assert_int_equal(errs[0].code, 0);
	assert_int_equal(errs[1].code, 0);
	assert_int_equal(errs[2].code, ERR_INVALID);
	job.keys_nr = 2;
	assert_int_equal(remote_do(f->r, &job, &e), 0);
}

static void group_shared_directories_get_their_mode(void **state)
{
	struct fixture *f = *state;

	remote_close(f->r);
	f->shared = "group";
	assert_int_equal(open_at(f, f->root, NULL), 0);
	assert_int_equal(put(f, KEY, "hello", 5, "hello", NULL), 0);
	assert_int_equal(mode_of(f, "files/md5/5d"), 02775);
	assert_int_equal(mode_of(f, "."), 02775);
}

static struct {
	char what[64];
	size_t n;
} order;

static void watch(const struct sys_event *ev, void *ctx)
{
	(void)ctx;
	if (order.n + 1 >= sizeof(order.what))
		return;
	if (ev->op == SYS_RENAME)
		order.what[order.n++] = strstr(ev->path2, ".dir") ? 'D' : 'r';
	if (ev->op == SYS_FSYNC || ev->op == SYS_SYNCFS)
		order.what[order.n++] = 's';
}

static void members_are_durable_before_their_manifest(void **state)
{
	struct fixture *f = *state;
	struct remote_job jobs[3] = {
		{.op = REMOTE_PUT_BYTES, .key = "files/1", .data = "a", .bytes = 1},
		{.op = REMOTE_PUT_BYTES, .key = "files/2", .data = "b", .bytes = 1},
		{.op = REMOTE_PUT_BYTES, .key = "files/3.dir", .data = "c", .bytes = 1}};
	const char *manifest, *last;

	memset(&order, 0, sizeof(order));
	sys_observe(watch, NULL);
	remote_submit(f->r, &jobs[0]);
	remote_submit(f->r, &jobs[1]);
	while (remote_in_flight(f->r) > 0)
		assert_int_equal(remote_next(f->r)->code, 0);
	assert_int_equal(remote_do(f->r, &jobs[2], NULL), 0);
	sys_observe(NULL, NULL);
	manifest = strchr(order.what, 'D');
	last = strrchr(order.what, 'r');
	assert_non_null(manifest);
	assert_true(last < manifest);
	assert_non_null(memchr(last, 's', (size_t)(manifest - last)));
	assert_non_null(strchr(manifest, 's')); /* and itself before it is done */
}

static void put_survives_a_failure_at_any_call(void **state)
{
	struct fixture *f = *state;

	for (int n = 1;; n++) {
		struct remote_job h = {.op = REMOTE_HEAD, .key = KEY};
		struct remote_job job = {
			.op = REMOTE_PUT_BYTES, .key = KEY, .data = "hello", .bytes = 5};
		struct strvec s = {0};
		struct err e = {0};
		int r;

		IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->root, NULL) < 0);
		remote_close(f->r);
		assert_int_equal(open_at(f, f->root, NULL), 0);
		sys_fail_nth(n, ENOSPC);
		r = remote_do(f->r, &job, &e);
		if (!sys_fail_hit()) {
			sys_fail_nth(0, 0);
			assert_int_equal(r, 0);
			assert_true(n > 5);
			return;
		}
		sys_fail_nth(0, 0);
		if (r == 0)
			continue; /* the failure had no consequence, as for chmod */
		assert_int_equal(e.sys, ENOSPC);
		/* Whole or not at all, and no debris. */
		assert_int_equal(list(f, &s, NULL, NULL, NULL), 0);
		assert_true(s.nr <= 1);
		if (s.nr == 1) {
			assert_string_equal(s.v[0], KEY);
			assert_int_equal(remote_do(f->r, &h, NULL), 0);
			assert_int_equal(h.bytes, 5);
		}
		strvec_release(&s);
	}
}

static void other_schemes_are_named(void **state)
{
	static const struct {
		const char *url, *says;
		int code;
	} table[] = {
		{"gs://b/p", "'gs'", ERR_UNSUPPORTED},
		{"azure://b/p", "'azure'", ERR_UNSUPPORTED},
		{"ssh://u:secret@h/p", "'ssh'", ERR_UNSUPPORTED},
		{"webdavs://u:secret@h/p", "'webdavs'", ERR_UNSUPPORTED},
		{"nfs4://x", "'nfs4'", ERR_CONFIG},
		{"relative/path", "relative/path", ERR_CONFIG},
		{"s3://", "bucket", ERR_CONFIG},
	};
	struct fixture *f = *state;
	struct remote_options o = {.name = "r"};
	struct remote *r = NULL;

	(void)f;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct err e = {0};

		o.name = "r";
		o.url = table[i].url;
		assert_int_equal(remote_open(&r, &o, &e), table[i].code);
		assert_non_null(strstr(e.text, table[i].says));
		assert_non_null(strstr(e.text, "'r'"));
		o.name = NULL;
		assert_int_equal(remote_open(&r, &o, &e), table[i].code);
		assert_null(strstr(e.text, "secret"));
	}
}

static void url_is_shown_as_given(void **state)
{
	struct fixture *f = *state;
	char url[128];

	assert_string_equal(remote_url(f->r), f->root);
	remote_close(f->r);
	IGNORE_RESULT(snprintf(url, sizeof(url), "file://%s", f->root) < 0);
	assert_int_equal(open_at(f, url, NULL), 0);
	assert_true(remote_traits(f->r)->local);
	assert_int_equal(put(f, KEY, "hello", 5, "hello", NULL), 0);
	assert_int_equal(mode_of(f, KEY), 0444);
}

static void close_cancels_what_is_queued(void **state)
{
	struct fixture *f = *state;
	enum {
		NR = 30
	};
	struct remote_job jobs[NR];

	for (int i = 0; i < NR; i++) {
		jobs[i] = (struct remote_job){
			.op = REMOTE_PUT_BYTES, .key = "x/y", .data = "abc", .bytes = 3};
		remote_submit(f->r, &jobs[i]);
	}
	remote_close(f->r);
	f->r = NULL;
	for (int i = 0; i < NR; i++)
		assert_true(jobs[i].code == 0 || jobs[i].code == ERR_CANCELED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(object_goes_up_read_only_and_comes_back),
		T(large_object_is_copied_whole),
		T(bytes_that_are_not_the_names_are_refused),
		T(source_that_became_shorter_is_refused),
		T(listing_is_in_key_order_within_bounds),
		T(keys_go_and_each_failure_is_told),
		T(group_shared_directories_get_their_mode),
		T(members_are_durable_before_their_manifest),
		T(put_survives_a_failure_at_any_call),
		T(other_schemes_are_named),
		T(url_is_shown_as_given),
		T(close_cancels_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
