/* What the settings of an S3 remote come to, one by one. */
#include "remote/s3_conf.h"

#include "remote/creds.h"
#include "remote/remote.h"
#include "remote/s3_quirks.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/sink.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[40];
	struct s3_conf c;
	struct creds_chain *creds;
	struct err e;
	struct sink sink;
	char notes[2048];
	const char *url, *learned;
	const char *const *set; /* key, value, ..., NULL */
	const char *untrusted;
};

static const char *const variables[] = {
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_PROFILE",
	"AWS_DEFAULT_PROFILE",
	"AWS_CONFIG_FILE",
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_REGION",
	"AWS_DEFAULT_REGION",
	"AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_S3",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	"AWS_CA_BUNDLE",
	"REQUESTS_CA_BUNDLE",
	"AWS_MAX_ATTEMPTS",
	"AWS_USE_DUALSTACK_ENDPOINT",
	"AWS_USE_FIPS_ENDPOINT",
};

static const char *get(void *ctx, const char *key)
{
	const struct fixture *f = ctx;

	for (const char *const *p = f->set; p && *p; p += 2)
		if (strcmp(p[0], key) == 0)
			return p[1];
	return NULL;
}

static bool trusted(void *ctx, const char *key)
{
	const struct fixture *f = ctx;

	return !f->untrusted || strcmp(f->untrusted, key) != 0;
}

static void note(struct sink *s, const char *text)
{
	struct fixture *f =
		(struct fixture *)((char *)s - offsetof(struct fixture, sink));
	size_t n = strlen(f->notes);

	IGNORE_RESULT(snprintf(f->notes + n, sizeof(f->notes) - n, "%s\n", text) < 0);
}

static void drop(struct fixture *f)
{
	creds_close(f->creds);
	f->creds = NULL;
	s3_conf_release(&f->c);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	char *aws;

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	memcpy(f->dir, "/tmp/test-s3-conf-XXXXXX", 25);
	if (!mkdtemp(f->dir))
		return -1;
	setenv("HOME", f->dir, 1);
	setenv("AWS_ACCESS_KEY_ID", "A", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "SECRET", 1);
	aws = xasprintf("%s/.aws", f->dir);
	if (fs_mkdirs(AT_FDCWD, aws, 0, NULL) < 0)
		return -1;
	free(aws);
	f->sink.note = note;
	f->url = "s3://bkt/a/b";
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	drop(f);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	free(f);
	return 0;
}

static int load_set(struct fixture *f, const char *const *set)
{
	struct remote_options o = {
		.name = "up",
		.url = f->url,
		.get = get,
		.get_ctx = f,
		.trusted = trusted,
		.sink = &f->sink,
		.learned_file = f->learned,
	};
	int r;

	drop(f);
	f->set = set;
	f->notes[0] = '\0';
	f->e = (struct err){0};
	r = s3_conf_load(&f->c, &f->creds, &o, &f->e);
	f->set = NULL;
	return r;
}
#define load(f, ...) load_set(f, (const char *const[]){__VA_ARGS__, NULL})

static void profile(struct fixture *f, const char *text)
{
	char *path = xasprintf("%s/.aws/config", f->dir);

	assert_int_equal(
		fs_write(AT_FDCWD, path, slice_of(text), 0600, FS_SYNC_NONE, NULL), 0);
	free(path);
}

static const char *header(const struct s3_headers *h, const char *name)
{
	for (size_t i = 0; i < h->nr; i++)
		if (strcmp(h->v[i].name, name) == 0)
			return h->v[i].value;
	return "-";
}

static void at(struct fixture *f, const char *host, const char *path)
{
	assert_string_equal(f->c.host, host);
	assert_string_equal(f->c.path, path);
}

static void url_is_bucket_and_prefix(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_set(f, NULL), 0);
	assert_string_equal(f->c.bucket, "bkt");
	assert_string_equal(f->c.prefix, "a/b/");
	at(f, "bkt.s3.us-east-1.amazonaws.com", "/");
	f->url = "s3://user:SECRET@bkt/x";
	assert_int_equal(load_set(f, NULL), ERR_CONFIG);
	assert_null(strstr(f->e.text, "SECRET"));
	f->url = "s3://arn:aws:s3:x/y";
	assert_int_equal(load_set(f, NULL), ERR_UNSUPPORTED);
	f->url = "s3:///x";
	assert_int_equal(load_set(f, NULL), ERR_CONFIG);
}

static void region_is_the_remotes_the_environments_the_profiles(void **state)
{
	struct fixture *f = *state;

	profile(f, "[default]\nregion = eu-west-1\n");
	assert_int_equal(load_set(f, NULL), 0);
	assert_string_equal(f->c.region, "eu-west-1");
	setenv("AWS_DEFAULT_REGION", "eu-west-2", 1);
	assert_int_equal(load_set(f, NULL), 0);
	assert_string_equal(f->c.region, "eu-west-2");
	setenv("AWS_REGION", "eu-west-3", 1);
	assert_int_equal(load_set(f, NULL), 0);
	assert_string_equal(f->c.region, "eu-west-3");
	assert_int_equal(load(f, "region", "cn-north-1"), 0);
	at(f, "bkt.s3.cn-north-1.amazonaws.com.cn", "/");
}

static void endpoint_is_searched_in_order(void **state)
{
	struct fixture *f = *state;

	profile(f, "[default]\nendpoint_url = http://e1\n");
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "e1", "/bkt/");
	profile(f, "[default]\nendpoint_url = http://e1\nservices = s\n[services s]\n"
		   "s3 =\n  endpoint_url = http://e2\n");
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "e2", "/bkt/");
	setenv("AWS_ENDPOINT_URL", "http://e3", 1);
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "e3", "/bkt/");
	setenv("AWS_ENDPOINT_URL_S3", "http://e4:80/base/", 1);
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "e4", "/base/bkt/");
	assert_false(f->c.tls);
	assert_int_equal(load(f, "endpointurl", "https://e5:443"), 0);
	at(f, "e5", "/bkt/");
	assert_true(f->c.tls);
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	assert_int_equal(load_set(f, NULL), 0);
	assert_null(f->c.endpoint);
	unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	profile(f, "[default]\nignore_configured_endpoint_urls = true\n");
	assert_int_equal(load_set(f, NULL), 0);
	assert_null(f->c.endpoint);
	assert_int_equal(load(f, "endpointurl", "ftp://x"), ERR_CONFIG);
	assert_int_equal(load(f, "endpointurl", "http://u:p@x"), ERR_CONFIG);
	assert_int_equal(load(f, "endpointurl", "http://x?y"), ERR_CONFIG);
}

static void addressing_is_by_setting_or_by_what_fits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "addressing", "path"), 0);
	at(f, "s3.us-east-1.amazonaws.com", "/bkt/");
	assert_int_equal(load(f, "endpointurl", "http://x", "addressing", "virtual"), 0);
	at(f, "bkt.x", "/");
	assert_int_equal(load(f, "addressing", "odd"), ERR_CONFIG);
	profile(f, "[default]\ns3 =\n  addressing_style = path\n");
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "s3.us-east-1.amazonaws.com", "/bkt/");
	profile(f, "");
	f->url = "s3://with.dots/x";
	assert_int_equal(load_set(f, NULL), 0); /* a certificate would not cover it */
	at(f, "s3.us-east-1.amazonaws.com", "/with.dots/");
	f->url = "s3://Upper/x";
	assert_int_equal(load(f, "addressing", "virtual"), 0);
	at(f, "s3.us-east-1.amazonaws.com", "/Upper/");
}

static void amazons_other_endpoints_have_their_names(void **state)
{
	struct fixture *f = *state;

	setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "bkt.s3.dualstack.us-east-1.amazonaws.com", "/");
	setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "bkt.s3-fips.dualstack.us-east-1.amazonaws.com", "/");
	assert_int_equal(load(f, "use_dualstack_endpoint", "false"), 0);
	at(f, "bkt.s3-fips.us-east-1.amazonaws.com", "/");
	assert_int_equal(load(f, "use_accelerate_endpoint", "true"), ERR_CONFIG);
	unsetenv("AWS_USE_FIPS_ENDPOINT");
	unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
	profile(f, "[default]\ns3 =\n  use_accelerate_endpoint = true\n");
	assert_int_equal(load_set(f, NULL), 0);
	at(f, "bkt.s3-accelerate.amazonaws.com", "/");
	assert_int_equal(load(f, "use_dualstack_endpoint", "true"), 0);
	at(f, "bkt.s3-accelerate.dualstack.amazonaws.com", "/");
	assert_int_equal(load(f, "addressing", "path"), ERR_CONFIG);
	f->url = "s3://with.dots/x";
	assert_int_equal(load_set(f, NULL), ERR_CONFIG);
	/* Of another service it is not asked. */
	assert_int_equal(load(f, "endpointurl", "http://x"), 0);
}

static void certificates_are_searched_in_order(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_set(f, NULL), 0);
	assert_null(f->c.ca);
	setenv("REQUESTS_CA_BUNDLE", "/c1", 1);
	assert_int_equal(load_set(f, NULL), 0);
	assert_string_equal(f->c.ca, "/c1");
	profile(f, "[default]\nca_bundle = /c2\n");
	assert_int_equal(load_set(f, NULL), 0);
	assert_string_equal(f->c.ca, "/c2");
	setenv("AWS_CA_BUNDLE", "/c3", 1);
	assert_int_equal(load(f, "ssl_verify", "true"), 0);
	assert_string_equal(f->c.ca, "/c3");
	assert_int_equal(load(f, "ssl_verify", "/c4"), 0);
	assert_string_equal(f->c.ca, "/c4");
	assert_false(f->c.insecure);
	assert_int_equal(load(f, "ssl_verify", "false"), 0);
	assert_true(f->c.insecure);
	assert_string_equal(f->notes, "");
	f->untrusted = "ssl_verify";
	assert_int_equal(load(f, "ssl_verify", "false"), 0);
	assert_true(f->c.insecure);
	assert_non_null(strstr(f->notes, "ssl_verify"));
}

static void plain_http_is_by_setting(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "use_ssl", "false"), 0);
	assert_false(f->c.tls);
	assert_int_equal(load(f, "use_ssl", "false", "endpointurl", "https://x"), 0);
	assert_true(f->c.tls);
}

static void a_proxy_is_the_users_own(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "proxy", "http://proxy:3128"), 0);
	assert_string_equal(f->c.proxy, "http://proxy:3128");
	f->untrusted = "proxy";
	assert_int_equal(load(f, "proxy", "http://proxy:3128"), 0);
	assert_null(f->c.proxy);
	assert_non_null(strstr(f->notes, "'proxy' from the repository"));
}

static void files_are_the_users_own(void **state)
{
	static const char *const keys[] = {"credentialpath", "configpath"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		f->untrusted = keys[i];
		assert_int_equal(load(f, keys[i], "/etc/shadow"), 0);
		assert_non_null(strstr(f->notes, keys[i]));
	}
}

static void encryption_goes_with_new_objects(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "sse", "AES256"), 0);
	assert_string_equal(header(&f->c.object, "x-amz-server-side-encryption"),
			    "AES256");
	assert_int_equal(load(f, "sse_kms_key_id", "k1", "bucket_key_enabled", "true",
			      "sse_kms_context", "e30="),
			 0);
	assert_string_equal(header(&f->c.object, "x-amz-server-side-encryption"),
			    "aws:kms");
	assert_string_equal(
		header(&f->c.object, "x-amz-server-side-encryption-aws-kms-key-id"),
		"k1");
	assert_string_equal(
		header(&f->c.object, "x-amz-server-side-encryption-bucket-key-enabled"),
		"true");
	assert_string_equal(header(&f->c.object, "x-amz-server-side-encryption-context"),
			    "e30=");
	assert_int_equal(load(f, "sse", "aws:kms:dsse", "sse_kms_key_id", "k1"), 0);
	assert_string_equal(header(&f->c.object, "x-amz-server-side-encryption"),
			    "aws:kms:dsse");
}

#define SSE_C "x-amz-server-side-encryption-customer-"
#define KEY32 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static void a_customers_key_goes_with_every_use(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "sse_customer_key", KEY32), 0);
	assert_string_equal(header(&f->c.key, SSE_C "algorithm"), "AES256");
	assert_string_equal(header(&f->c.key, SSE_C "key"), KEY32);
	assert_string_equal(header(&f->c.key, SSE_C "key-MD5"),
			    "hRasmdxgYDKV3nvbahU1MA==");
	assert_string_equal(f->notes, "");
	assert_int_equal(load(f, "sse_customer_key", KEY32, "use_ssl", "false"), 0);
	assert_non_null(strstr(f->notes, "plain HTTP"));
	assert_null(strstr(f->notes, KEY32));
	assert_int_equal(load(f, "sse_customer_key", "c2hvcnQ="), ERR_CONFIG);
	assert_null(strstr(f->e.text, "c2hvcnQ"));
	assert_int_equal(load(f, "sse_customer_key", KEY32, "sse_kms_key_id", "k"),
			 ERR_CONFIG);
}

static void an_acl_excludes_grants(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "acl", "bucket-owner-full-control"), 0);
	assert_string_equal(header(&f->c.object, "x-amz-acl"),
			    "bucket-owner-full-control");
	assert_int_equal(load(f, "grant_read", "id=1", "grant_read_acp", "id=2",
			      "grant_write_acp", "id=3", "grant_full_control", "id=4"),
			 0);
	assert_string_equal(header(&f->c.object, "x-amz-grant-read"), "id=1");
	assert_string_equal(header(&f->c.object, "x-amz-grant-read-acp"), "id=2");
	assert_string_equal(header(&f->c.object, "x-amz-grant-write-acp"), "id=3");
	assert_string_equal(header(&f->c.object, "x-amz-grant-full-control"), "id=4");
	assert_int_equal(load(f, "acl", "private", "grant_read", "id=1"), ERR_CONFIG);
}

static void other_headers_are_sent_where_they_belong(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "storage_class", "STANDARD_IA", "tagging", "a=b&c=d",
			      "request_payer", "true", "expected_bucket_owner", "123"),
			 0);
	assert_string_equal(header(&f->c.object, "x-amz-storage-class"), "STANDARD_IA");
	assert_string_equal(header(&f->c.object, "x-amz-tagging"), "a=b&c=d");
	assert_string_equal(header(&f->c.all, "x-amz-request-payer"), "requester");
	assert_string_equal(header(&f->c.all, "x-amz-expected-bucket-owner"), "123");
	assert_int_equal(load(f, "request_payer", "false"), 0);
	assert_int_equal(f->c.all.nr, 0);
}

static void anonymous_has_no_keys(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "allow_anonymous_login", "true"), 0);
	assert_true(f->c.anonymous);
	assert_null(creds_get(f->creds)->secret_key);
}

static void limits_come_from_many_places(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_set(f, NULL), 0);
	assert_int_equal(f->c.transfers_max, 64);
	assert_int_equal(f->c.part_threshold, 64 << 20);
	assert_int_equal(f->c.part_bytes, 0);
	profile(f, "[default]\nmax_attempts = 3\ns3 =\n  max_concurrent_requests = 20\n"
		   "  multipart_threshold = 32MB\n  multipart_chunksize = 8MiB\n"
		   "  payload_signing_enabled = true\n  max_queue_size = 1000\n");
	assert_int_equal(load_set(f, NULL), 0);
	assert_int_equal(f->c.transfers_max, 20);
	assert_int_equal(f->c.part_threshold, 32 << 20);
	assert_int_equal(f->c.part_bytes, 8 << 20);
	assert_int_equal(f->c.tries_max, 3);
	assert_true(f->c.sign_payload);
	assert_string_equal(f->notes, "");
	setenv("AWS_MAX_ATTEMPTS", "4", 1);
	assert_int_equal(load(f, "jobs", "7", "part_size", "1M", "read_timeout", "11",
			      "connect_timeout", "12"),
			 0);
	assert_int_equal(f->c.transfers_max, 7);
	assert_int_equal(f->c.part_bytes, 5 << 20); /* S3 takes no smaller ones */
	assert_int_equal(f->c.stall_ms, 11000);
	assert_int_equal(f->c.connect_ms, 12000);
	assert_int_equal(f->c.tries_max, 4);
	assert_int_equal(
		load(f, "retries", "9", "stall_timeout", "5", "read_timeout", "11"), 0);
	assert_int_equal(f->c.tries_max, 9);
	assert_int_equal(f->c.stall_ms, 5000);
	assert_int_equal(load(f, "read_timeout", "soon"), ERR_CONFIG);
	profile(f, "[default]\ns3 =\n  adressing_style = path\n");
	assert_int_equal(load_set(f, NULL), 0);
	assert_non_null(strstr(f->notes, "'s3.adressing_style'"));
}

static void obsolete_listobjects_means_the_old_listing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "listobjects", "true"), 0);
	assert_true(f->c.list_v1);
	assert_int_equal(load(f, "cache_regions", "true"), 0);
	assert_false(f->c.list_v1);
}

/* ---- quirks ------------------------------------------------------------------ */

static void a_service_is_known_by_its_host(void **state)
{
	static const struct {
		const char *host, *provider;
	} v[] = {
		{"s3.eu-west-1.amazonaws.com", "AWS"},
		{"s3.cn-north-1.amazonaws.com.cn:443", "AWS"},
		{"acc.r2.cloudflarestorage.com", "R2"},
		{"storage.googleapis.com", "GCS"},
		{"s3.fr-par.scw.cloud", "Scaleway"},
		{"gateway.storjshare.io", "Storj"},
		{"127.0.0.1:9000", ""},
		{"amazonaws.com.evil.org", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		assert_string_equal(s3_quirks_of(v[i].host)->provider, v[i].provider);
	assert_null(s3_quirks_named(""));
	assert_string_equal(s3_quirks_named("seaweedfs")->provider, "SeaweedFS");
}

static void quirks_change_what_is_sent(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "endpointurl", "https://oss-eu.aliyuncs.com"), 0);
	at(f, "bkt.oss-eu.aliyuncs.com", "/");
	assert_int_equal(load(f, "endpointurl", "https://a.r2.cloudflarestorage.com"), 0);
	assert_string_equal(f->c.region, "auto");
	assert_int_equal(load(f, "endpointurl", "https://gateway.storjshare.io"), 0);
	assert_int_equal(f->c.part_bytes, 64 << 20);
	assert_int_equal(load(f, "endpointurl", "https://gateway.storjshare.io",
			      "part_size", "8M"),
			 0);
	assert_int_equal(f->c.part_bytes, 64 << 20);
	assert_int_equal(load(f, "endpointurl", "https://x.object.fastlystorage.app"), 0);
	assert_true(f->c.part_threshold == UINT64_MAX);
	assert_int_equal(
		load(f, "endpointurl", "http://127.0.0.1:1", "provider", "garage"), 0);
	assert_string_equal(f->c.region, "garage");
	assert_int_equal(
		load(f, "endpointurl", "http://127.0.0.1:1", "provider", "SeaweedFS"), 0);
	assert_true(f->c.list_v1);
	assert_true(f->c.quirks & S3_PLAIN_KEYS);
	assert_int_equal(load(f, "provider", "nobody"), ERR_CONFIG);
	assert_non_null(strstr(f->e.text, "Ceph"));
	assert_int_equal(load_set(f, NULL), 0);
	assert_int_equal(f->c.idle_s, 4);
}

static void what_a_test_found_counts_first(void **state)
{
	struct fixture *f = *state;
	struct s3_learned l = {.known = S3_LIST_V1 | S3_CONDITIONAL | S3_SINGLE_DELETE,
			       .flags = S3_SINGLE_DELETE,
			       .at_ns = clock_wall_ns() / 1000000000 * 1000000000,
			       .where = "x"},
			  back = {0};
	char *path = xasprintf("%s/learned", f->dir);
	struct buf b = {0};

	s3_learned_format(&l, &b);
	assert_int_equal(s3_learned_parse(buf_slice(&b), &back, NULL), 0);
	assert_memory_equal(&l, &back, sizeof(l));
	assert_int_equal(
		fs_write(AT_FDCWD, path, buf_slice(&b), 0600, FS_SYNC_NONE, NULL), 0);
	f->learned = path;
	assert_int_equal(load(f, "endpointurl", "http://x", "provider", "SeaweedFS"), 0);
	assert_false(f->c.list_v1);
	assert_true(f->c.quirks & S3_SINGLE_DELETE);
	assert_true(f->c.quirks & S3_PLAIN_KEYS); /* was not tested */
	assert_int_equal(
		fs_write(AT_FDCWD, path, slice_of("{"), 0600, FS_SYNC_NONE, NULL), 0);
	assert_int_equal(load(f, "endpointurl", "http://x"), 0);
	assert_int_equal(f->c.quirks, 0);
	assert_int_equal(s3_learned_parse(slice_of("[]"), &back, NULL), ERR_CORRUPT);
	assert_int_equal(s3_learned_parse(slice_of("{\"at\": 1}"), &back, NULL),
			 ERR_CORRUPT);
	buf_release(&b);
	free(path);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(url_is_bucket_and_prefix),
		T(region_is_the_remotes_the_environments_the_profiles),
		T(endpoint_is_searched_in_order),
		T(addressing_is_by_setting_or_by_what_fits),
		T(amazons_other_endpoints_have_their_names),
		T(certificates_are_searched_in_order),
		T(plain_http_is_by_setting),
		T(a_proxy_is_the_users_own),
		T(files_are_the_users_own),
		T(encryption_goes_with_new_objects),
		T(a_customers_key_goes_with_every_use),
		T(an_acl_excludes_grants),
		T(other_headers_are_sent_where_they_belong),
		T(anonymous_has_no_keys),
		T(limits_come_from_many_places),
		T(obsolete_listobjects_means_the_old_listing),
		T(a_service_is_known_by_its_host),
		T(quirks_change_what_is_sent),
		T(what_a_test_found_counts_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
