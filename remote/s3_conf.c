#include "remote/s3_conf.h"

#include "remote/creds.h"
#include "remote/remote.h"
#include "remote/s3_quirks.h"
#include "remote/transport.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	TRANSFERS_MAX = 64,
	TRANSFERS_LIMIT = 1024,
};

/* Servers are renewed: what was found out counts for 30 days. */
#define LEARNED_NS (INT64_C(30) * 86400 * 1000000000)

#define THRESHOLD (UINT64_C(64) << 20)
#define PART_MIN  (UINT64_C(5) << 20)
#define PART_MAX  (UINT64_C(5) << 30)

static const char *get(const struct remote_options *o, const char *key)
{
	const char *v = o->get ? o->get(o->get_ctx, key) : NULL;

	return v && v[0] ? v : NULL;
}

static bool is_trusted(const struct remote_options *o, const char *key)
{
	return !o->trusted || o->trusted(o->get_ctx, key);
}

static bool is_true(const char *v)
{
	static const char *const words[] = {"true", "True", "TRUE", "yes",
					    "Yes",  "on",   "1"};

	for (size_t i = 0; v && i < ARRAY_SIZE(words); i++)
		if (strcmp(v, words[i]) == 0)
			return true;
	return false;
}

static bool is_false(const char *v)
{
	static const char *const words[] = {"false", "False", "FALSE", "no",
					    "No",    "off",   "0"};

	for (size_t i = 0; v && i < ARRAY_SIZE(words); i++)
		if (strcmp(v, words[i]) == 0)
			return true;
	return false;
}

static void note(const struct s3_conf *c, const struct remote_options *o,
		 const char *text)
{
	char *line = xasprintf("%s: %s", c->label, text);

	sink_note(o->sink, line);
	free(line);
}

static int bad(const struct s3_conf *c, const char *key, const char *why, struct err *e)
{
	return err_set(e, ERR_CONFIG, "%s: '%s' %s", c->label, key, why);
}

static int parse_url(struct s3_conf *c, const char *url, struct err *e)
{
	struct slice rest = slice_of(url + 5), bucket = slice_cut(&rest, '/');
	char *prefix;

	if (bucket.n == 0)
		return err_set(e, ERR_CONFIG, "%s: the URL names no bucket", c->label);
	if (slice_starts(bucket, "arn:"))
		return err_set(e, ERR_UNSUPPORTED,
			       "%s: access point ARNs are not offered; name the bucket",
			       c->label);
	if (memchr(bucket.p, '@', bucket.n)) /* and is not repeated */
		return err_set(e, ERR_CONFIG,
			       "%s: the URL holds credentials; set access_key_id and "
			       "secret_access_key with --local instead",
			       c->label);
	for (size_t i = 0; i < bucket.n; i++)
		if ((unsigned char)bucket.p[i] <= ' ' || strchr(":?#%\\", bucket.p[i]))
			return err_set(e, ERR_CONFIG, "%s: '%.*s' cannot be a bucket",
				       c->label, SLICE_FMT(bucket));
	c->bucket = xmemdup0(bucket.p, bucket.n);
	while (rest.n > 0 && rest.p[0] == '/')
		rest.p++, rest.n--;
	while (rest.n > 0 && rest.p[rest.n - 1] == '/')
		rest.n--;
	prefix = rest.n > 0 ? xasprintf("%.*s/", SLICE_FMT(rest)) : xstrdup("");
	c->prefix = prefix;
	return 0;
}

/* "http://[::1]:9000/base/" into scheme, authority and path. */
static int parse_endpoint(struct s3_conf *c, const char *text, struct err *e)
{
	const char *p = text, *end;
	size_t n;

	if (strncmp(p, "https://", 8) == 0) {
		c->tls = true;
		p += 8;
	} else if (strncmp(p, "http://", 7) == 0) {
		c->tls = false;
		p += 7;
	} else if (strstr(p, "://")) {
		return bad(c, "endpointurl", "is neither http:// nor https://", e);
	}
	end = p + strcspn(p, "/?#");
	n = (size_t)(end - p);
	if (n == 0 || memchr(p, '@', n) || *end == '?' || *end == '#')
		return bad(c, "endpointurl",
			   "must be SCHEME://HOST[:PORT][/PATH], without user or query",
			   e);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ')
			return bad(c, "endpointurl", "has a space in its host", e);
	/* The default port is not in the Host header that libcurl sends. */
	if (c->tls && n > 4 && memcmp(end - 4, ":443", 4) == 0)
		n -= 4;
	else if (!c->tls && n > 3 && memcmp(end - 3, ":80", 3) == 0)
		n -= 3;
	c->endpoint = xmemdup0(p, n);
	n = strlen(end);
	while (n > 0 && end[n - 1] == '/')
		n--;
	c->base_path = xmemdup0(end, n);
	return 0;
}

static const char *find_endpoint(const struct remote_options *o,
				 const struct creds_chain *creds)
{
	const char *v = get(o, "endpointurl");

	if (v || is_true(env_get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) ||
	    is_true(creds_profile(creds, "ignore_configured_endpoint_urls")))
		return v;
	if ((v = env_get("AWS_ENDPOINT_URL_S3")) || (v = env_get("AWS_ENDPOINT_URL")))
		return v;
	if ((v = creds_service(creds, "s3.endpoint_url")))
		return v;
	return creds_profile(creds, "endpoint_url");
}

static bool fits_virtual(const struct s3_conf *c)
{
	size_t n = strlen(c->bucket);

	if (n < 3 || n > 63)
		return false;
	for (size_t i = 0; i < n; i++) {
		char b = c->bucket[i];

		/* The wildcard of a certificate covers one level. */
		if (!((b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') || b == '-' ||
		      (b == '.' && !c->tls)))
			return false;
	}
	return true;
}

void s3_conf_address(struct s3_conf *c)
{
	struct buf host = {0}, path = {0};
	char *base = NULL;

	if (!c->endpoint && c->accelerate && c->is_virtual) {
		base = xasprintf("s3-accelerate.%samazonaws.com",
				 c->dualstack ? "dualstack." : "");
	} else if (!c->endpoint) {
		const char *suffix = strncmp(c->region, "cn-", 3) == 0
					     ? "amazonaws.com.cn"
					     : "amazonaws.com";

		base = xasprintf("s3%s.%s%s.%s", c->fips ? "-fips" : "",
				 c->dualstack ? "dualstack." : "", c->region, suffix);
	}
	if (c->is_virtual)
		buf_addf(&host, "%s.", c->bucket);
	buf_adds(&host, base ? base : c->endpoint);
	buf_adds(&path, c->base_path);
	buf_addc(&path, '/');
	if (!c->is_virtual)
		buf_addf(&path, "%s/", c->bucket);
	free(base);
	free(c->host);
	free(c->path);
	c->host = buf_detach(&host);
	c->path = buf_detach(&path);
}

/*
 * What the service is: by setting, by its host's name, and by what a test found
 * out, which counts most.
 */
static int load_quirks(struct s3_conf *c, const struct remote_options *o, struct err *e)
{
	const char *name = get(o, "provider");
	const struct s3_quirks *q =
		c->endpoint ? s3_quirks_of(c->endpoint) : s3_quirks_named("AWS");
	struct s3_learned l = {0};
	struct buf text = {0};

	if (name && !(q = s3_quirks_named(name))) {
		struct buf all = {0};

		s3_quirks_names(&all);
		err_set(e, ERR_CONFIG, "%s: 'provider' is none of %s", c->label,
			buf_str(&all));
		buf_release(&all);
		return ERR_CONFIG;
	}
	c->provider = q->provider;
	c->quirks = q->flags;
	c->parts_max = q->parts_max;
	c->part_bytes = q->part_min;
	c->idle_s = q->idle_s;
	c->region = xstrdup(q->region ? q->region : "us-east-1");
	/* A file that is not there, or damaged, is only a test that was not made. */
	if (o->learned_file &&
	    fs_read(AT_FDCWD, o->learned_file, 65536, &text, NULL) == 0 &&
	    s3_learned_parse(buf_slice(&text), &l, NULL) == 0 &&
	    strcmp(l.where, c->endpoint ? c->endpoint : "") == 0 &&
	    clock_wall_ns() - l.at_ns < LEARNED_NS)
		c->quirks = (c->quirks & ~l.known) | l.flags;
	buf_release(&text);
	c->list_v1 = is_true(get(o, "listobjects")) || c->quirks & S3_LIST_V1;
	return 0;
}

static void load_region(struct s3_conf *c, const struct remote_options *o,
			const struct creds_chain *creds)
{
	const char *v = get(o, "region");

	if (!v)
		v = env_get("AWS_REGION");
	if (!v)
		v = env_get("AWS_DEFAULT_REGION");
	if (!v)
		v = creds_profile(creds, "region");
	if (!v)
		return;
	free(c->region);
	c->region = xstrdup(v);
}

static int load_style(struct s3_conf *c, const struct remote_options *o,
		      const struct creds_chain *creds, struct err *e)
{
	const char *style = get(o, "addressing");

	if (!style)
		style = get(o, "addressing_style");
	if (!style)
		style = creds_profile(creds, "s3.addressing_style");
	if (style && strcmp(style, "auto") != 0 && strcmp(style, "path") != 0 &&
	    strcmp(style, "virtual") != 0)
		return bad(c, "addressing", "must be auto, path or virtual", e);
	if (style && strcmp(style, "auto") != 0)
		c->is_virtual = strcmp(style, "virtual") == 0;
	else
		c->is_virtual = !c->endpoint || c->quirks & S3_VIRTUAL;
	if (!fits_virtual(c))
		c->is_virtual = false;
	return 0;
}

/* One of Amazon's switches: our own key, the environment's, the profile's, and the
 * one in its s3 block. env may be NULL. */
static bool aws_switch(const struct remote_options *o, const struct creds_chain *creds,
		       const char *env, const char *key)
{
	char *nested = xasprintf("s3.%s", key);
	const char *v = get(o, key);

	if (!v)
		v = env ? env_get(env) : NULL;
	if (!v)
		v = creds_profile(creds, nested);
	if (!v)
		v = creds_profile(creds, key);
	free(nested);
	return is_true(v);
}

static int load_address(struct s3_conf *c, const struct remote_options *o,
			const struct creds_chain *creds, struct err *e)
{
	const char *endpoint;
	int r = 0;

	c->tls = !is_false(get(o, "use_ssl"));
	endpoint = find_endpoint(o, creds);
	if (endpoint)
		r = parse_endpoint(c, endpoint, e);
	else
		c->base_path = xstrdup("");
	if (r < 0)
		return r;
	c->is_aws = !c->endpoint || slice_ends(slice_of(c->endpoint), ".amazonaws.com") ||
		    slice_ends(slice_of(c->endpoint), ".amazonaws.com.cn");
	if ((r = load_quirks(c, o, e)) < 0 || (r = load_style(c, o, creds, e)) < 0)
		return r;
	load_region(c, o, creds);
	c->dualstack = aws_switch(o, creds, "AWS_USE_DUALSTACK_ENDPOINT",
				  "use_dualstack_endpoint");
	c->fips = aws_switch(o, creds, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
	c->accelerate = aws_switch(o, creds, NULL, "use_accelerate_endpoint");
	if (c->accelerate && !c->endpoint &&
	    (!c->is_virtual || strchr(c->bucket, '.') || c->fips))
		return bad(c, "use_accelerate_endpoint",
			   "needs virtual addressing, a bucket without dots, and no FIPS",
			   e);
	s3_conf_address(c);
	return 0;
}

static void load_tls(struct s3_conf *c, const struct remote_options *o,
		     const struct creds_chain *creds)
{
	const char *v = get(o, "ssl_verify");

	if (is_false(v)) {
		c->insecure = true;
		if (!is_trusted(o, "ssl_verify"))
			note(c, o,
			     "the repository's own configuration turns the check of "
			     "certificates off (ssl_verify)");
		return;
	}
	if (!v || is_true(v))
		v = env_get("AWS_CA_BUNDLE");
	if (!v)
		v = creds_profile(creds, "ca_bundle");
	if (!v)
		v = env_get("REQUESTS_CA_BUNDLE");
	c->ca = v ? xstrdup(v) : NULL;
}

static void add_header(struct s3_headers *h, const char *name, const char *value)
{
	if (value && value[0] && h->nr < S3_CONF_HEADERS_MAX)
		h->v[h->nr++] = (struct sigv4_pair){name, xstrdup(value)};
}

/* The customer's own key: its base64 and the base64 of its MD5. */
static int load_customer_key(struct s3_conf *c, const struct remote_options *o,
			     struct err *e)
{
	const char *key = get(o, "sse_customer_key"), *algorithm;
	struct buf raw = {0}, b64 = {0};
	uint8_t md5[16];
	int r = 0;

	if (!key)
		return 0;
	algorithm = get(o, "sse_customer_algorithm");
	if (get(o, "sse_kms_key_id"))
		return bad(c, "sse_customer_key", "excludes 'sse_kms_key_id'", e);
	if (!base64_decode(slice_of(key), &raw) || raw.n != 32) {
		r = bad(c, "sse_customer_key", "must be 32 bytes in base64", e);
	} else {
		hash_md5(raw.p, raw.n, md5);
		base64_encode(&b64, md5, 16);
		add_header(&c->key, "x-amz-server-side-encryption-customer-algorithm",
			   algorithm ? algorithm : "AES256");
		add_header(&c->key, "x-amz-server-side-encryption-customer-key", key);
		add_header(&c->key, "x-amz-server-side-encryption-customer-key-MD5",
			   buf_str(&b64));
	}
	if (raw.p)
		secure_wipe(raw.p, raw.cap);
	buf_release(&raw);
	buf_release(&b64);
	return r;
}

static int load_object_headers(struct s3_conf *c, const struct remote_options *o,
			       struct err *e)
{
	static const struct {
		const char *key, *name;
	} grants[] = {
		{"grant_read", "x-amz-grant-read"},
		{"grant_read_acp", "x-amz-grant-read-acp"},
		{"grant_write_acp", "x-amz-grant-write-acp"},
		{"grant_full_control", "x-amz-grant-full-control"},
	};
	const char *acl = get(o, "acl"), *sse = get(o, "sse"),
		   *kms = get(o, "sse_kms_key_id");

	for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
		const char *v = get(o, grants[i].key);

		if (v && acl)
			return bad(c, "acl", "excludes the grant_ settings", e);
		add_header(&c->object, grants[i].name, v);
	}
	add_header(&c->object, "x-amz-acl", acl);
	if (kms && !sse)
		sse = "aws:kms";
	add_header(&c->object, "x-amz-server-side-encryption", sse);
	add_header(&c->object, "x-amz-server-side-encryption-aws-kms-key-id", kms);
	add_header(&c->object, "x-amz-storage-class", get(o, "storage_class"));
	add_header(&c->object, "x-amz-server-side-encryption-context",
		   get(o, "sse_kms_context"));
	if (is_true(get(o, "bucket_key_enabled")))
		add_header(&c->object, "x-amz-server-side-encryption-bucket-key-enabled",
			   "true");
	add_header(&c->object, "x-amz-tagging", get(o, "tagging"));
	if (is_true(get(o, "request_payer")))
		add_header(&c->all, "x-amz-request-payer", "requester");
	add_header(&c->all, "x-amz-expected-bucket-owner",
		   get(o, "expected_bucket_owner"));
	return load_customer_key(c, o, e);
}

static int load_number(const struct s3_conf *c, const char *key, const char *v,
		       uint64_t max, uint64_t *out, struct err *e)
{
	if (!v)
		return 0;
	if (!parse_bytes(slice_of(v), out) || *out == 0 || *out > max)
		return bad(c, key, "is no number in the allowed range", e);
	return 0;
}

static const char *find_tries(const struct remote_options *o,
			      const struct creds_chain *creds)
{
	const char *v = get(o, "retries");

	if (!v)
		v = env_get("AWS_MAX_ATTEMPTS");
	return v ? v : creds_profile(creds, "max_attempts");
}

/* Whatever --jobs says, there are no more connections than these. */
static int load_rates(struct s3_conf *c, const struct remote_options *o, struct err *e)
{
	uint64_t connections = o->connections_max, start = 0;
	int r;

	c->limit_up = o->limit_up;
	c->limit_down = o->limit_down;
	if ((c->limit_up == 0 && (r = load_number(c, "limit_up", get(o, "limit_up"),
						  INT64_MAX, &c->limit_up, e)) < 0) ||
	    (c->limit_down == 0 && (r = load_number(c, "limit_down", get(o, "limit_down"),
						    INT64_MAX, &c->limit_down, e)) < 0) ||
	    (connections == 0 &&
	     (r = load_number(c, "max_connections", get(o, "max_connections"),
			      TRANSFERS_LIMIT, &connections, e)) < 0) ||
	    (r = load_number(c, "start_connections", get(o, "start_connections"),
			     TRANSFERS_LIMIT, &start, e)) < 0)
		return r;
	if (connections > 0)
		c->transfers_max =
			(unsigned)MIN_OF((uint64_t)c->transfers_max, connections);
	c->transfers_start = (unsigned)start;
	return 0;
}

static int load_limits(struct s3_conf *c, const struct remote_options *o,
		       const struct creds_chain *creds, struct err *e)
{
	uint64_t read_s = 0, connect_s = 0, transfers = o->jobs, tries = 0;
	uint64_t part_min = c->part_bytes; /* the service's */
	const char *v;
	int r;

	c->part_threshold = THRESHOLD;
	v = get(o, "part_size");
	if (!v)
		v = creds_profile(creds, "s3.multipart_chunksize");
	if ((r = load_number(c, "read_timeout", get(o, "read_timeout"), 86400, &read_s,
			     e)) < 0 ||
	    (r = load_number(c, "connect_timeout", get(o, "connect_timeout"), 86400,
			     &connect_s, e)) < 0 ||
	    (r = load_number(c, "retries", find_tries(o, creds), 100, &tries, e)) < 0 ||
	    (r = load_number(c, "stall_timeout", get(o, "stall_timeout"), 86400, &read_s,
			     e)) < 0 ||
	    (r = load_number(c, "s3.multipart_threshold",
			     creds_profile(creds, "s3.multipart_threshold"), PART_MAX,
			     &c->part_threshold, e)) < 0 ||
	    (r = load_number(c, "part_size", v, PART_MAX, &c->part_bytes, e)) < 0)
		return r;
	if (transfers == 0 && ((r = load_number(c, "jobs", get(o, "jobs"),
						TRANSFERS_LIMIT, &transfers, e)) < 0))
		return r;
	v = creds_profile(creds, "s3.max_concurrent_requests");
	if (transfers == 0 && (r = load_number(c, "s3.max_concurrent_requests", v,
					       TRANSFERS_LIMIT, &transfers, e)) < 0)
		return r;
	if (c->part_bytes > 0)
		c->part_bytes = MAX_OF(c->part_bytes, MAX_OF(part_min, PART_MIN));
	if (c->part_threshold < PART_MIN)
		c->part_threshold = PART_MIN;
	v = env_get("AWS_REQUEST_CHECKSUM_CALCULATION");
	if (!v)
		v = creds_profile(creds, "request_checksum_calculation");
	if (v && strcasecmp(v, "when_required") == 0)
		c->quirks &= ~(unsigned)(S3_CRC32C | S3_CRC64NVME);
	if (c->quirks & S3_NO_MULTIPART)
		c->part_threshold = UINT64_MAX;
	c->stall_ms = (unsigned)read_s * 1000;
	c->connect_ms = (unsigned)connect_s * 1000;
	c->tries_max = (unsigned)tries;
	c->transfers_max =
		transfers ? (unsigned)MIN_OF(transfers, (uint64_t)TRANSFERS_LIMIT)
			  : TRANSFERS_MAX;
	c->sign_payload = is_true(creds_profile(creds, "s3.payload_signing_enabled"));
	return load_rates(c, o, e);
}

static char *expand(const char *path)
{
	const char *home = env_get("HOME");

	if (path && path[0] == '~' && path[1] == '/' && home)
		return path_join(home, path + 2);
	return path ? xstrdup(path) : NULL;
}

/* Which of the user's files: not for a cloned repository to say. */
/* A setting that is not for a cloned repository to make. */
static const char *own_only(const struct s3_conf *c, const struct remote_options *o,
			    const char *key)
{
	const char *v = get(o, key);
	char *text;

	if (!v || is_trusted(o, key))
		return v;
	text = xasprintf("'%s' from the repository's own configuration is not taken; set "
			 "it with --local or --global",
			 key);
	note(c, o, text);
	free(text);
	return NULL;
}

static int load_creds(struct s3_conf *c, struct creds_chain **creds,
		      const struct remote_options *o, struct err *e)
{
	char *credentials = expand(own_only(c, o, "credentialpath"));
	char *config = expand(own_only(c, o, "configpath"));
	struct creds_options co = {
		.access_key = get(o, "access_key_id"),
		.secret_key = get(o, "secret_access_key"),
		.token = get(o, "session_token"),
		.profile = get(o, "profile"),
		.credentials_file = credentials,
		.config_file = config,
		.is_profile_foreign = !is_trusted(o, "profile"),
		.region = get(o, "region"),
		.sink = o->sink,
		.anonymous = is_true(get(o, "allow_anonymous_login")),
	};
	int r = creds_open(creds, &co, e);

	c->anonymous = co.anonymous;
	free(credentials);
	free(config);
	if (r < 0)
		err_ctx(e, r, "%s", c->label);
	return r;
}

struct unknown {
	const struct s3_conf *c;
	const struct remote_options *o;
};

static void on_unknown(void *ctx, const char *key)
{
	const struct unknown *u = ctx;
	char *text = xasprintf("the profile's setting '%s' is not known here", key);

	note(u->c, u->o, text);
	free(text);
}

/* What is taken, but may not be what was meant. */
static void warn(struct s3_conf *c, const struct remote_options *o,
		 const struct creds_chain *creds)
{
	/* Those without an effect: queues, and the choice of another client. */
	static const char *const known[] = {
		"addressing_style",
		"max_concurrent_requests",
		"max_queue_size",
		"multipart_chunksize",
		"multipart_threshold",
		"payload_signing_enabled",
		"use_accelerate_endpoint",
		"use_dualstack_endpoint",
		"preferred_transfer_client",
		"target_bandwidth",
		"us_east_1_regional_endpoint",
		NULL,
	};

	creds_unknown(creds, "s3", known, on_unknown, &(struct unknown){c, o});
	if (c->key.nr > 0 && !c->tls)
		note(c, o, "the customer's key (sse_customer_key) goes over plain HTTP");
}

int s3_conf_load(struct s3_conf *c, struct creds_chain **creds,
		 const struct remote_options *o, struct err *e)
{
	int r;

	*c = (struct s3_conf){.label = remote_label(o)};
	*creds = NULL;
	r = parse_url(c, o->url, e);
	if (r == 0)
		r = load_creds(c, creds, o, e);
	if (r == 0)
		r = load_address(c, o, *creds, e);
	if (r == 0)
		r = load_limits(c, o, *creds, e);
	if (r == 0)
		r = load_object_headers(c, o, e);
	if (r == 0) {
		const char *proxy = own_only(c, o, "proxy");

		load_tls(c, o, *creds);
		c->proxy = proxy ? xstrdup(proxy) : NULL;
		warn(c, o, *creds);
		return 0;
	}
	creds_close(*creds);
	*creds = NULL;
	s3_conf_release(c);
	return r;
}

static void release_headers(struct s3_headers *h)
{
	for (size_t i = 0; i < h->nr; i++) {
		union {
			const char *c;
			char *m;
		} v = {.c = h->v[i].value};

		secure_wipe(v.m, strlen(v.m));
		free(v.m);
	}
	h->nr = 0;
}

void s3_conf_release(struct s3_conf *c)
{
	release_headers(&c->object);
	release_headers(&c->key);
	release_headers(&c->all);
	free(c->label);
	free(c->bucket);
	free(c->prefix);
	free(c->region);
	free(c->endpoint);
	free(c->base_path);
	free(c->host);
	free(c->path);
	free(c->ca);
	free(c->proxy);
	*c = (struct s3_conf){0};
}
