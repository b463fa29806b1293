#include "tests/lib/fakes3_fix.h"

#include "store/base/alloc.h"
#include "store/hash/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const char *get(void *ctx, const char *key)
{
	const struct fix *x = ctx;

	for (size_t i = x->set_nr; i-- > 0;)
		if (strcmp(x->set[i].key, key) == 0)
			return x->set[i].value;
	return NULL;
}

static bool trusted(void *ctx, const char *key)
{
	const struct fix *x = ctx;

	return !x->untrusted || strcmp(x->untrusted, key) != 0;
}

static void note(struct sink *s, const char *text)
{
	struct fix *x = (struct fix *)((char *)s - offsetof(struct fix, sink));
	size_t n = strlen(x->notes);

	IGNORE_RESULT(snprintf(x->notes + n, sizeof(x->notes) - n, "%s\n", text) < 0);
}

void fix_start(struct fix *x)
{
	static const char *const unset[] = {
		"AWS_ACCESS_KEY_ID",   "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN",   "AWS_PROFILE",
		"AWS_DEFAULT_PROFILE", "AWS_REGION",
		"AWS_DEFAULT_REGION",  "AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE",
		"http_proxy",	       "https_proxy",
		"HTTPS_PROXY",	       "ALL_PROXY",
		"all_proxy",
	};

	*x = (struct fix){0};
	for (size_t i = 0; i < ARRAY_SIZE(unset); i++)
		unsetenv(unset[i]);
	setenv("HOME", "/nonexistent", 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	x->s3 = fakes3_start();
	IGNORE_RESULT(snprintf(x->endpoint, sizeof(x->endpoint), "http://127.0.0.1:%d",
			       fakes3_port(x->s3)) < 0);
	IGNORE_RESULT(
		snprintf(x->url, sizeof(x->url), "s3://" FAKES3_BUCKET "/pre/fix/") < 0);
	fix_set(x, "endpointurl", x->endpoint);
	fix_set(x, "access_key_id", FAKES3_ACCESS);
	fix_set(x, "secret_access_key", FAKES3_SECRET);
	x->sink.note = note;
}

void fix_set(struct fix *x, const char *key, const char *value)
{
	assert_true(x->set_nr < FIX_SETTINGS_MAX);
	x->set[x->set_nr].key = key;
	x->set[x->set_nr++].value = value;
}

int fix_open(struct fix *x, struct err *e)
{
	struct remote_options o = {.name = "up",
				   .url = x->url,
				   .get = get,
				   .get_ctx = x,
				   .trusted = trusted,
				   .state_dir = x->state_dir,
				   .sink = &x->sink};

	return remote_open(&x->r, &o, e);
}

void fix_close(struct fix *x)
{
	remote_close(x->r);
	x->r = NULL;
}

void fix_stop(struct fix *x)
{
	fix_close(x);
	fakes3_stop(x->s3);
	x->s3 = NULL;
}

char *fix_bytes(size_t n, unsigned seed)
{
	char *p = xmalloc(n + 1);
	uint64_t s = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < n; i++) {
		s = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (char)(s >> 56);
	}
	p[n] = '\0';
	return p;
}

static int run(struct fix *x, struct remote_job *job)
{
	int r = remote_do(x->r, job, &x->err);

	memcpy(x->digest, job->digest, 16);
	x->bytes = job->bytes;
	x->modified_ns = job->modified_ns;
	/* No error may ever show a secret. */
	assert_null(strstr(x->err.text, FAKES3_SECRET));
	assert_null(strstr(x->err.text, "Signature="));
	return r;
}

static int scratch(const void *p, size_t n)
{
	int fd = memfd_create("fix", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (n > 0)
		assert_int_equal(write(fd, p, n), (ssize_t)n);
	return fd;
}

int fix_put(struct fix *x, const char *key, const void *p, size_t n)
{
	struct remote_job job = {.op = REMOTE_PUT,
				 .key = key,
				 .fd = scratch(p, n),
				 .bytes = n,
				 .has_md5 = true};
	int r;

	hash_md5(p, n, job.md5);
	r = run(x, &job);
	close(job.fd);
	return r;
}

int fix_put_bytes(struct fix *x, const char *key, const void *p, size_t n)
{
	struct remote_job job = {
		.op = REMOTE_PUT_BYTES, .key = key, .data = p, .bytes = n};

	return run(x, &job);
}

int fix_get(struct fix *x, const char *key, const uint8_t *want_md5, char **out,
	    size_t *n)
{
	struct remote_job job = {.op = REMOTE_GET, .key = key, .fd = scratch("", 0)};
	off_t size;
	int r;

	if (want_md5) {
		job.has_md5 = true;
		memcpy(job.md5, want_md5, 16);
	}
	r = run(x, &job);
	if (r == 0 && out) {
		size = lseek(job.fd, 0, SEEK_END);
		*out = xmalloc((size_t)size + 1);
		assert_int_equal(pread(job.fd, *out, (size_t)size, 0), size);
		*n = (size_t)size;
		assert_int_equal(*n, job.bytes);
	}
	close(job.fd);
	return r;
}

int fix_head(struct fix *x, const char *key)
{
	struct remote_job job = {.op = REMOTE_HEAD, .key = key};

	return run(x, &job);
}

void fix_round_trip(struct fix *x, const char *key, size_t n)
{
	char *p = fix_bytes(n, (unsigned)n + 7), *back = NULL;
	uint8_t md5[16];
	size_t got = 0;
	int r = fix_put(x, key, p, n);

	if (r != 0)
		fail_msg("put %zu: %s", n, x->err.text);
	hash_md5(p, n, md5);
	r = fix_get(x, key, NULL, &back, &got);
	if (r != 0)
		fail_msg("get %zu: %s", n, x->err.text);
	assert_int_equal(got, n);
	assert_memory_equal(back, p, n);
	assert_memory_equal(x->digest, md5, 16);
	assert_int_equal(fix_head(x, key), 0);
	assert_int_equal(x->bytes, n);
	free(back);
	free(p);
}
