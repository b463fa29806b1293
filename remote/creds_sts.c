/*
 * Roles: AssumeRole, signed with the keys of who takes it, and
 * AssumeRoleWithWebIdentity, whose token is its own proof.
 */
#include "remote/creds_int.h"

#include "remote/s3_xml.h"
#include "remote/sigv4.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/base/sink.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PARAMS_MAX = 10,
	CONNECT_MS = 5000,
	TOTAL_MS = 20000,
	TRIES = 3,
	TOKEN_MAX = 128 << 10,
	CODE_MAX = 32,
};

struct call {
	const struct creds_role *role;
	const char *action;
	char *url;	    /* of the service, without a path of ours */
	const char *region; /* borrowed */
	struct sigv4_pair params[PARAMS_MAX];
	size_t params_nr;
	char session[64], serial_code[CODE_MAX];
};

static void param(struct call *x, const char *name, const char *value)
{
	if (value && x->params_nr < PARAMS_MAX)
		x->params[x->params_nr++] = (struct sigv4_pair){name, value};
}

static bool is_legacy(const struct creds_ctx *c, const char *profile)
{
	const char *v = env_get("AWS_STS_REGIONAL_ENDPOINTS");

	if (!v)
		v = creds_setting(c, profile, "sts_regional_endpoints");
	return v && strcmp(v, "legacy") == 0;
}

static int find_service(struct creds_ctx *c, struct call *x, struct err *e)
{
	const char *profile = x->role->profile, *region = creds_region(c, profile);
	bool is_china = region && strncmp(region, "cn-", 3) == 0;
	char *host;

	if (region && !creds_is_region(region))
		return err_set(e, ERR_CONFIG, "'%s' cannot be a region", region);
	if (!region || strcmp(region, "aws-global") == 0 ||
	    (is_legacy(c, profile) && !is_china && strncmp(region, "us-gov-", 7) != 0)) {
		x->region = "us-east-1";
		host = xstrdup("sts.amazonaws.com");
	} else {
		x->region = region;
		host = xasprintf("sts.%s.amazonaws.com%s", region, is_china ? ".cn" : "");
	}
	x->url = creds_endpoint(c, profile, "STS", "sts", host);
	free(host);
	return 0;
}

/* "Host", the path and the rest of a URL as it is signed. */
static struct slice split_url(const char *url, const char **path)
{
	const char *p = strstr(url, "://");
	struct slice host;

	p = p ? p + 3 : url;
	host = (struct slice){p, strcspn(p, "/?#")};
	*path = host.p[host.n] == '/' ? host.p + host.n : "";
	/* The default port is not in the header that libcurl sends. */
	if (strncmp(url, "https://", 8) == 0 && slice_ends(host, ":443"))
		host.n -= 4;
	else if (strncmp(url, "http://", 7) == 0 && slice_ends(host, ":80"))
		host.n -= 3;
	return host;
}

struct signed_headers {
	struct buf v[4];
	const char *list[6];
};

static void signed_release(struct signed_headers *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(h->v); i++) {
		if (h->v[i].p)
			secure_wipe(h->v[i].p, h->v[i].cap);
		buf_release(&h->v[i]);
	}
}

#define FORM "application/x-www-form-urlencoded; charset=utf-8"

static void sign(const struct call *x, const struct creds_keys *base, struct slice body,
		 struct signed_headers *h)
{
	struct sigv4_key key = {.access_key = base->access_key,
				.secret_key = base->secret_key,
				.region = x->region,
				.service = "sts"};
	char date[17], hash[SIGV4_HEX_N], *host;
	uint8_t digest[HASH_SHA256_N];
	struct sigv4_pair pairs[4];
	const char *path;
	struct slice name = split_url(x->url, &path);
	struct buf full = {0};
	struct sigv4_request r = {.method = "POST", .query = "", .date = date};
	size_t nr = 0;

	host = xmemdup0(name.p, name.n);
	clock_format_basic(clock_wall_ns(), date);
	hash_sha256(body.p, body.n, digest);
	hex_encode(digest, sizeof(digest), hash);
	buf_addf(&full, "%s/", path);
	r.path = buf_str(&full);
	r.payload_hash = hash;
	pairs[nr++] = (struct sigv4_pair){"Content-Type", FORM};
	pairs[nr++] = (struct sigv4_pair){"Host", host};
	pairs[nr++] = (struct sigv4_pair){"X-Amz-Date", date};
	if (base->token)
		pairs[nr++] = (struct sigv4_pair){"X-Amz-Security-Token", base->token};
	r.headers = pairs;
	r.headers_nr = nr;
	buf_adds(&h->v[0], "Authorization: ");
	sigv4_authorization(&h->v[0], &key, &r);
	buf_addf(&h->v[1], "X-Amz-Date: %s", date);
	buf_addf(&h->v[2], "X-Amz-Security-Token: %s", base->token ? base->token : "");
	h->list[0] = "Content-Type: " FORM;
	h->list[1] = "Expect:";
	h->list[2] = buf_str(&h->v[0]);
	h->list[3] = buf_str(&h->v[1]);
	h->list[4] = base->token ? buf_str(&h->v[2]) : NULL;
	sigv4_key_wipe(&key);
	buf_release(&full);
	free(host);
}

/* <ErrorResponse><Error>, or a bare <Error> as some gateways have it. */
static void read_error(struct slice xml, struct s3_error *out)
{
	char *code = s3_xml_text(xml, "ErrorResponse", "Error/Code");
	char *message = s3_xml_text(xml, "ErrorResponse", "Error/Message");

	if (!s3_xml_error(xml, out) && code) {
		IGNORE_RESULT(snprintf(out->code, sizeof(out->code), "%s", code) < 0);
		IGNORE_RESULT(snprintf(out->message, sizeof(out->message), "%s",
				       message ? message : "") < 0);
	}
	free(code);
	free(message);
}

static int refused(const struct call *x, const char *who, const struct creds_answer *a,
		   struct err *e)
{
	struct s3_error s = {0};
	bool is_denied, is_mfa = x->serial_code[0] != '\0';

	read_error(buf_slice(&a->text), &s);
	is_denied = strcmp(s.code, "AccessDenied") == 0 ||
		    strcmp(s.code, "AccessDeniedException") == 0;
	err_set(e, a->status >= 500 ? ERR_NET : ERR_AUTH,
		"profile '%s': %s of '%s' was %s: HTTP %d%s%s%s%.300s", x->role->profile,
		x->action, x->role->arn, is_denied ? "denied" : "refused", a->status,
		s.code[0] ? " " : "", s.code, s.message[0] ? ": " : "", s.message);
	if (is_denied)
		err_ctx(e, ERR_AUTH,
			"%s need%s sts:%s on '%s', and the role must trust them%s", who,
			x->role->token_file ? "s" : "", x->action, x->role->arn,
			is_mfa ? " (or the MFA code was wrong)" : "");
	return a->status >= 500 ? ERR_NET : ERR_AUTH;
}

static int ask(struct creds_ctx *c, struct call *x, const struct creds_keys *base,
	       struct creds_keys *out, struct err *e)
{
	struct signed_headers signed_by = {0};
	struct creds_answer a = {0};
	struct buf body = {0}, url = {0};
	char *who = base ? xasprintf("the credentials from %s", base->source)
			 : xasprintf("the token in '%s'", x->role->token_file);
	int r;

	sigv4_query(&body, x->params, x->params_nr);
	buf_addf(&url, "%s/", x->url);
	if (base) {
		sign(x, base, buf_slice(&body), &signed_by);
	} else {
		signed_by.list[0] = "Content-Type: " FORM;
		signed_by.list[1] = "Expect:";
	}
	r = creds_http(
		&(struct creds_request){
			.method = "POST",
			.url = buf_str(&url),
			.headers = signed_by.list,
			.body = buf_slice(&body),
			.ca = creds_ca(c, x->role->profile),
			.connect_ms = CONNECT_MS,
			.total_ms = TOTAL_MS,
			.tries = x->serial_code[0] ? 1 : TRIES, /* a code counts once */
			.cancel = c->cancel,
		},
		&a, e);
	if (r == 0)
		r = a.status == 200
			    ? creds_sts_keys(buf_slice(&a.text), x->action, out, e)
			    : refused(x, who, &a, e);
	else if (r != ERR_CANCELED)
		err_ctx(e, r, "profile '%s': %s of '%s'", x->role->profile, x->action,
			x->role->arn);
	if (r == 1) {
		free(out->source);
		out->source = xasprintf("role '%s' of profile '%s' (%s)", x->role->arn,
					x->role->profile,
					base ? base->source : x->role->token_file);
	}
	creds_answer_release(&a);
	signed_release(&signed_by);
	if (body.p)
		secure_wipe(body.p, body.cap);
	buf_release(&body);
	buf_release(&url);
	free(who);
	return r;
}

static int ask_code(struct creds_ctx *c, struct call *x, struct err *e)
{
	const struct creds_role *role = x->role;
	char *question;
	int r;

	if (!c->may_ask)
		return err_set(e, ERR_AUTH,
			       "profile '%s' needs a new code of the MFA device '%s': "
			       "run the command again",
			       role->profile, role->mfa_serial);
	question = xasprintf("MFA code of '%s' for profile '%s'", role->mfa_serial,
			     role->profile);
	r = sink_ask(c->sink, question, x->serial_code, sizeof(x->serial_code));
	free(question);
	if (r != 0 || !x->serial_code[0])
		return err_set(
			e, ERR_AUTH,
			"profile '%s' needs a code of the MFA device '%s' "
			"(mfa_serial), and there is no terminal to ask for it; get "
			"a session by other means and give it in the environment",
			role->profile, role->mfa_serial);
	for (const char *p = x->serial_code; *p; p++)
		if (*p < '0' || *p > '9')
			return err_set(e, ERR_AUTH,
				       "profile '%s': an MFA code is digits only",
				       role->profile);
	return 0;
}

static void begin(struct call *x, const struct creds_role *role, const char *action)
{
	*x = (struct call){.role = role, .action = action};
	IGNORE_RESULT(snprintf(x->session, sizeof(x->session), "lode-%" PRId64,
			       clock_wall_ns() / 1000000000) < 0);
	param(x, "Action", action);
	param(x, "Version", "2011-06-15");
	param(x, "RoleArn", role->arn);
	param(x, "RoleSessionName",
	      role->session_name && role->session_name[0] ? role->session_name
							  : x->session);
}

int creds_assume_role(struct creds_ctx *c, const struct creds_role *role,
		      const struct creds_keys *base, struct creds_keys *out,
		      struct err *e)
{
	struct call x;
	uint64_t seconds;
	int r;

	begin(&x, role, "AssumeRole");
	if (role->duration_s &&
	    (!parse_u64(slice_of(role->duration_s), &seconds) || seconds == 0))
		return err_set(e, ERR_CONFIG,
			       "profile '%s': duration_seconds is no number",
			       role->profile);
	param(&x, "DurationSeconds", role->duration_s);
	param(&x, "ExternalId", role->external_id);
	/* One that the server refused is not offered again. */
	if (role->mfa_serial && c->may_ask && creds_cache_get(role, out))
		return 1;
	if ((r = find_service(c, &x, e)) < 0)
		return r;
	if (role->mfa_serial && (r = ask_code(c, &x, e)) == 0) {
		param(&x, "SerialNumber", role->mfa_serial);
		param(&x, "TokenCode", x.serial_code);
	}
	if (r == 0)
		r = ask(c, &x, base, out, e);
	if (r == 1 && role->mfa_serial)
		creds_cache_put(role, out);
	secure_wipe(x.serial_code, sizeof(x.serial_code));
	free(x.url);
	return r;
}

int creds_web_identity(struct creds_ctx *c, const struct creds_role *role,
		       struct creds_keys *out, struct err *e)
{
	struct buf token = {0};
	char *text = NULL;
	struct call x;
	int r;

	begin(&x, role, "AssumeRoleWithWebIdentity");
	/* Read each time: whoever issues it replaces it before it ends. */
	r = fs_read(AT_FDCWD, role->token_file, TOKEN_MAX, &token, e);
	if (r < 0) {
		err_ctx(e, ERR_AUTH, "the web identity token of '%s'", role->profile);
		r = ERR_AUTH;
	} else {
		struct slice s = slice_trim(buf_slice(&token));

		text = xmemdup0(s.n ? s.p : "", s.n);
		param(&x, "WebIdentityToken", text);
		r = find_service(c, &x, e);
	}
	if (r == 0)
		r = ask(c, &x, NULL, out, e);
	creds_wipe(&text);
	if (token.p)
		secure_wipe(token.p, token.cap);
	buf_release(&token);
	free(x.url);
	return r;
}
