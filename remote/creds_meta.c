/*
 * Keys that the place where we run hands out: a container's service, and the
 * instance metadata service, version 2. Both answer at once or are not there, so
 * the limits are short; neither is asked through a proxy.
 */
#include "remote/creds_int.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/fmt/value.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CONTAINER_MS = 2000,
	CONTAINER_TRIES = 3,
	INSTANCE_S = 1,
	SECONDS_MAX = 60,
	TRIES_MAX = 10,
	TOKEN_FILE_MAX = 64 << 10,
};

/* Instances keep using what they were last given while the service is down. */
#define GRACE_NS (INT64_C(900) * 1000000000)

static const struct creds_names meta_names = {
	.access = "AccessKeyId",
	.secret = "SecretAccessKey",
	.token = "Token",
	.expires = "Expiration",
};

static int take(const struct creds_answer *a, const char *what, struct creds_keys *out,
		struct err *e)
{
	struct creds_json j;
	const char *code;
	int r = creds_json_read(&j, buf_slice(&a->text), what, e);

	if (r < 0)
		return r;
	code = value_text(value_get(j.root, "Code"), "Success");
	if (strcmp(code, "Success") != 0)
		r = err_set(e, ERR_AUTH, "%s answers '%.64s'", what, code);
	else
		r = creds_json_keys(j.root, &meta_names, what, out, e);
	creds_json_release(&j);
	return r;
}

/* ---- a container ----------------------------------------------------------- */

static int container_token(struct buf *header, struct err *e)
{
	const char *path = env_get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = env_get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	struct buf text = {0};
	struct slice s = token ? slice_of(token) : (struct slice){0};
	int r = 0;

	if (path) {
		/* Read each time: it is replaced while we run. */
		r = fs_read(AT_FDCWD, path, TOKEN_FILE_MAX, &text, e);
		s = buf_slice(&text);
	}
	if (r < 0)
		err_ctx(e, r, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	else if (s.n > 0 && (memchr(s.p, '\r', s.n) || memchr(s.p, '\n', s.n) ||
			     memchr(s.p, '\0', s.n)))
		r = err_set(e, ERR_CONFIG, "%s holds a line end",
			    path ? path : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	else if (s.n > 0)
		buf_addf(header, "Authorization: %.*s", SLICE_FMT(s));
	if (text.p)
		secure_wipe(text.p, text.cap);
	buf_release(&text);
	return r;
}

int creds_from_container(struct creds_ctx *c, struct creds_keys *out, struct err *e)
{
	const char *relative = env_get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = env_get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *headers[3] = {"Accept: application/json", NULL, NULL};
	struct creds_answer a = {0};
	struct buf token = {0};
	char *url;
	int r;

	if (!relative && !full)
		return 0;
	if (!relative && !creds_uri_allowed(full))
		return err_set(
			e, ERR_CONFIG,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI: credentials are asked "
			"for without TLS only on this host and at the container "
			"services' own addresses");
	url = relative ? xasprintf("http://169.254.170.2%s%s",
				   relative[0] == '/' ? "" : "/", relative)
		       : xstrdup(full);
	r = container_token(&token, e);
	headers[1] = token.n > 0 ? buf_str(&token) : NULL;
	if (r == 0)
		r = creds_http(
			&(struct creds_request){
				.method = "GET",
				.url = url,
				.headers = headers,
				.ca = creds_ca(c, c->profile),
				.connect_ms = CONTAINER_MS,
				.total_ms = CONTAINER_MS,
				.tries = CONTAINER_TRIES,
				.no_proxy = true,
				.cancel = c->cancel,
			},
			&a, e);
	if (r < 0)
		err_ctx(e, r, "the container's credentials");
	else if (a.status != 200)
		r = err_set(e, ERR_AUTH, "the container's credentials: HTTP %d",
			    a.status);
	else
		r = take(&a, "the container's service", out, e);
	creds_answer_release(&a);
	if (token.p)
		secure_wipe(token.p, token.cap);
	buf_release(&token);
	free(url);
	return r;
}

/* ---- an instance ----------------------------------------------------------- */

struct instance {
	struct creds_ctx *c;
	char *base; /* "http://169.254.169.254" */
	unsigned ms, tries;
	struct buf token; /* a header, or empty */
};

static const char *setting(const struct creds_ctx *c, const char *env, const char *key)
{
	const char *v = env_get(env);

	return v ? v : creds_setting(c, c->profile, key);
}

static unsigned number(const char *text, unsigned def, unsigned max)
{
	uint64_t n;

	if (!text || !parse_u64(slice_of(text), &n) || n == 0)
		return def;
	return (unsigned)MIN_OF(n, (uint64_t)max);
}

static bool is_yes(const char *v)
{
	return v && strcasecmp(v, "true") == 0;
}

static char *service_at(const struct creds_ctx *c)
{
	const char *v = setting(c, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
				"ec2_metadata_service_endpoint");
	const char *mode = setting(c, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
				   "ec2_metadata_service_endpoint_mode");
	size_t n;

	if (!v)
		v = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
							  : "http://169.254.169.254";
	n = strlen(v);
	while (n > 0 && v[n - 1] == '/')
		n--;
	return xmemdup0(v, n);
}

static int get(struct instance *x, const char *method, const char *path,
	       const char *header, struct creds_answer *a, struct err *e)
{
	const char *headers[] = {header, NULL};
	char *url = xasprintf("%s/latest/%s", x->base, path);
	int r = creds_http(
		&(struct creds_request){
			.method = method,
			.url = url,
			.headers = header ? headers : NULL,
			.connect_ms = x->ms,
			.total_ms = x->ms,
			.tries = x->tries,
			.no_proxy = true,
			.cancel = x->c->cancel,
		},
		a, e);

	free(url);
	return r;
}

/*
 * The session's token. Services that only look like Amazon's never learned of it:
 * those that say so go on without one, unless that is forbidden.
 */
static int instance_token(struct instance *x, struct err *e)
{
	bool strict = is_yes(setting(x->c, "AWS_EC2_METADATA_V1_DISABLED",
				     "ec2_metadata_v1_disabled"));
	struct creds_answer a = {0};
	int r = get(x, "PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600",
		    &a, e);

	if (r == 0 && a.status == 200 && a.text.n > 0 &&
	    !memchr(a.text.p, '\r', a.text.n) && !memchr(a.text.p, '\n', a.text.n))
		buf_addf(&x->token, "X-aws-ec2-metadata-token: %.*s",
			 SLICE_FMT(buf_slice(&a.text)));
	else if (r == 0 &&
		 (strict || (a.status != 403 && a.status != 404 && a.status != 405)))
		r = err_set(e, ERR_AUTH, "no session token: HTTP %d", a.status);
	creds_answer_release(&a);
	return r;
}

#define ROLES "meta-data/iam/security-credentials/"

static int instance_keys(struct instance *x, struct creds_keys *out, struct err *e)
{
	const char *token = x->token.n > 0 ? buf_str(&x->token) : NULL;
	struct creds_answer a = {0};
	struct slice role;
	char *path = NULL, *name = NULL;
	int r = get(x, "GET", ROLES, token, &a, e);

	if (r == 0 && a.status == 200) {
		struct slice rest = buf_slice(&a.text);

		role = slice_trim(slice_cut(&rest, '\n'));
		name = xmemdup0(role.n ? role.p : "", role.n);
		if (role.n == 0 || strcspn(name, "/?# \t") != role.n)
			r = err_set(e, ERR_AUTH, "the instance has no role");
	} else if (r == 0) {
		r = err_set(e, ERR_AUTH, "the instance has no role: HTTP %d", a.status);
	}
	if (r == 0) {
		path = xasprintf(ROLES "%s", name);
		r = get(x, "GET", path, token, &a, e);
	}
	if (r == 0 && a.status != 200)
		r = err_set(e, ERR_AUTH, "no credentials of the role '%s': HTTP %d", name,
			    a.status);
	else if (r == 0)
		r = take(&a, "the instance metadata service", out, e);
	if (r == 1) {
		free(out->source);
		out->source = xasprintf("role '%s' of this instance", name);
		if (out->expires_ns && out->expires_ns < clock_wall_ns() + GRACE_NS / 3)
			out->expires_ns = clock_wall_ns() + GRACE_NS;
	}
	creds_answer_release(&a);
	free(path);
	free(name);
	return r;
}

int creds_from_instance(struct creds_ctx *c, struct creds_keys *out, const char **why,
			struct err *e)
{
	struct instance x = {.c = c};
	struct err lost = {0};
	int r;

	if (is_yes(env_get("AWS_EC2_METADATA_DISABLED"))) {
		*why = "disabled by AWS_EC2_METADATA_DISABLED";
		return 0;
	}
	x.base = service_at(c);
	x.ms = 1000 * number(setting(c, "AWS_METADATA_SERVICE_TIMEOUT",
				     "metadata_service_timeout"),
			     INSTANCE_S, SECONDS_MAX);
	x.tries = number(setting(c, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
				 "metadata_service_num_attempts"),
			 1, TRIES_MAX);
	r = instance_token(&x, &lost);
	if (r == 0)
		r = instance_keys(&x, out, &lost);
	if (r == ERR_NET) {
		/* Not on such a machine: nothing of the kind. */
		log_debug("creds", "instance metadata: %s", lost.text);
		*why = "it does not answer";
		r = 0;
	} else if (r == ERR_AUTH) {
		log_debug("creds", "instance metadata: %s", lost.text);
		*why = "this instance has no role";
		r = 0;
	} else if (r < 0) {
		if (e)
			*e = lost;
		err_ctx(e, r, "the instance metadata service");
	}
	if (x.token.p)
		secure_wipe(x.token.p, x.token.cap);
	buf_release(&x.token);
	free(x.base);
	return r;
}
