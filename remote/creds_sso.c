/*
 * Logins that the AWS tools made and keep in files: IAM Identity Center ("aws sso
 * login"), by session or in the older way, and "aws login". An access token of SSO
 * is exchanged for keys; one that has ended is renewed where the file holds what
 * that takes, and written back, since the service may give another refresh token.
 */
#include "remote/creds_int.h"

#include "remote/sigv4.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX = 1 << 20,
	CONNECT_MS = 5000,
	TOTAL_MS = 20000,
	TRIES = 3,
};

/* A token that ends within this is renewed first. */
#define SOON_NS (INT64_C(300) * 1000000000)

struct sso {
	struct creds_ctx *c;
	const char *profile;
	const char *session; /* or NULL: the older way */
	const char *start_url, *region, *account, *role;
	char *path; /* of the cached token */
	char *token;
};

static const char *session_setting(const struct sso *x, const char *key)
{
	char *section = xasprintf("sso-session %s", x->session);
	const char *v = awsini_get(&x->c->config, section, key);

	free(section);
	return v && v[0] ? v : NULL;
}

static int lacks(const struct sso *x, const char *key, struct err *e)
{
	return err_set(e, ERR_CONFIG, "profile '%s' uses SSO, but '%s' is not set",
		       x->profile, key);
}

static int configured(struct sso *x, struct err *e)
{
	x->session = creds_setting(x->c, x->profile, "sso_session");
	x->account = creds_setting(x->c, x->profile, "sso_account_id");
	x->role = creds_setting(x->c, x->profile, "sso_role_name");
	x->start_url = creds_setting(x->c, x->profile, "sso_start_url");
	x->region = creds_setting(x->c, x->profile, "sso_region");
	/* A session alone serves other uses of a token: not ours. */
	if (!x->account && !x->role && (x->session || !x->start_url))
		return 0;
	if (x->session) {
		char *section = xasprintf("sso-session %s", x->session);
		bool has = awsini_has_section(&x->c->config, section);

		free(section);
		if (!has)
			return err_set(e, ERR_CONFIG,
				       "profile '%s': there is no [sso-session %s]",
				       x->profile, x->session);
		x->start_url = session_setting(x, "sso_start_url");
		x->region = session_setting(x, "sso_region");
	}
	if (!x->start_url)
		return lacks(x, "sso_start_url", e);
	if (!x->region || !creds_is_region(x->region))
		return lacks(x, "sso_region", e);
	if (!x->account)
		return lacks(x, "sso_account_id", e);
	if (!x->role)
		return lacks(x, "sso_role_name", e);
	return 1;
}

static int login_again(const struct sso *x, const char *why, struct err *e)
{
	char *what = x->session ? xasprintf("--sso-session %s", x->session)
				: xasprintf("--profile %s", x->profile);

	err_set(e, ERR_AUTH, "profile '%s': the SSO login %s: aws sso login %s",
		x->profile, why, what);
	free(what);
	return ERR_AUTH;
}

static int read_json(const char *path, struct creds_json *j, struct err *e)
{
	struct buf text = {0};
	char *what = xasprintf("'%s'", path);
	int r = fs_read(AT_FDCWD, path, FILE_MAX, &text, e);

	if (r == 0)
		r = creds_json_read(j, buf_slice(&text), what, e);
	if (text.p)
		secure_wipe(text.p, text.cap);
	buf_release(&text);
	free(what);
	return r;
}

static const char *text_of(const struct value *map, const char *key)
{
	const char *v = value_text(value_get(map, key), NULL);

	return v && v[0] ? v : NULL;
}

static bool time_of(const struct value *map, const char *key, int64_t *out)
{
	const char *v = text_of(map, key);

	/* Older tools wrote "2020-06-17T10:02:08UTC". */
	size_t n = v ? strlen(v) : 0;
	char text[64];

	if (n < 4 || n >= sizeof(text))
		return false;
	memcpy(text, v, n + 1);
	if (strcmp(text + n - 3, "UTC") == 0)
		memcpy(text + n - 3, "Z", 2);
	return clock_parse(text, strlen(text), out);
}

static char *cache_path(const char *name, const char *dir)
{
	uint8_t digest[HASH_SHA1_N];
	char hex[2 * HASH_SHA1_N + 1], *file, *path;

	hash_sha1(name, strlen(name), digest);
	file = xasprintf("%s/%s.json", dir, hex_encode(digest, sizeof(digest), hex));
	path = creds_home_path(file);
	free(file);
	return path;
}

/* ---- renewing -------------------------------------------------------------- */

static void add_pair(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

/* The cached document with another token, as the AWS tools write it. */
static void write_back(const struct sso *x, const struct value *old,
		       const struct value *answer, int64_t expires_ns)
{
	struct jsonw w = {0};
	struct buf text = {0};
	char until[21];
	const char *refresh = text_of(answer, "refreshToken");
	struct err e = {0};

	clock_format_iso(expires_ns, until);
	jsonw_init(&w, &text, 0);
	jsonw_object(&w);
	for (size_t i = 0; i < old->nr; i++) {
		const char *key = value_text(old->pairs[i].key, "");
		const char *v = value_text(old->pairs[i].value, NULL);

		if (strcmp(key, "accessToken") == 0)
			v = text_of(answer, "accessToken");
		else if (strcmp(key, "expiresAt") == 0)
			v = until;
		else if (strcmp(key, "refreshToken") == 0 && refresh)
			v = refresh;
		jsonw_key(&w, key);
		if (v)
			jsonw_str(&w, v);
		else
			jsonw_value(&w, old->pairs[i].value);
	}
	jsonw_end(&w);
	if (fs_write(AT_FDCWD, x->path, buf_slice(&text), 0600, FS_SYNC_BATCH, &e) < 0)
		log_debug("creds", "the SSO login is not kept: %s", e.text);
	if (text.p)
		secure_wipe(text.p, text.cap);
	buf_release(&text);
}

static int ask_renewal(struct sso *x, const struct value *old, struct creds_answer *a,
		       struct err *e)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      "Expect:", NULL};
	char *host = xasprintf("oidc.%s.amazonaws.com", x->region);
	char *base = creds_endpoint(x->c, x->profile, "SSO_OIDC", "sso_oidc", host);
	char *url = xasprintf("%s/token", base);
	struct jsonw w = {0};
	struct buf body = {0};
	int r;

	jsonw_init(&w, &body, 0);
	jsonw_object(&w);
	add_pair(&w, "clientId", text_of(old, "clientId"));
	add_pair(&w, "clientSecret", text_of(old, "clientSecret"));
	add_pair(&w, "grantType", "refresh_token");
	add_pair(&w, "refreshToken", text_of(old, "refreshToken"));
	jsonw_end(&w);
	r = creds_http(
		&(struct creds_request){
			.method = "POST",
			.url = url,
			.headers = headers,
			.body = buf_slice(&body),
			.ca = creds_ca(x->c, x->profile),
			.connect_ms = CONNECT_MS,
			.total_ms = TOTAL_MS,
			.tries = 1, /* a refresh token counts once */
			.cancel = x->c->cancel,
		},
		a, e);
	if (body.p)
		secure_wipe(body.p, body.cap);
	buf_release(&body);
	free(url);
	free(base);
	free(host);
	return r;
}

static bool is_renewable(const struct sso *x, const struct value *old)
{
	int64_t until;

	return x->session && text_of(old, "refreshToken") && text_of(old, "clientId") &&
	       text_of(old, "clientSecret") &&
	       (!time_of(old, "registrationExpiresAt", &until) ||
		until > clock_wall_ns());
}

static int renew(struct sso *x, const struct value *old, bool is_over, struct err *e)
{
	struct creds_answer a = {0};
	struct creds_json j = {0};
	int64_t seconds = 0;
	int r;

	if (!is_renewable(x, old))
		return is_over ? login_again(x, "has ended", e) : 0;
	if ((r = ask_renewal(x, old, &a, e)) < 0) {
		err_ctx(e, r, "profile '%s': renewing the SSO login", x->profile);
	} else if (a.status != 200) {
		r = is_over ? login_again(x, "has ended", e) : 0;
	} else if ((r = creds_json_read(&j, buf_slice(&a.text), "the answer of SSO",
					e)) == 0) {
		const char *token = text_of(j.root, "accessToken");

		if (!token)
			r = err_set(e, ERR_CORRUPT, "the answer of SSO holds no token");
		if (!value_as_i64(value_get(j.root, "expiresIn"), &seconds) ||
		    seconds <= 0 || seconds > 366 * 86400)
			seconds = 3600;
		if (r == 0) {
			creds_wipe(&x->token);
			x->token = xstrdup(token);
			write_back(x, old, j.root,
				   clock_wall_ns() + seconds * 1000000000);
		}
	}
	/* The token at hand is good for a while: use it. */
	if (r < 0 && !is_over && r != ERR_CANCELED)
		r = err_clear(e);
	creds_json_release(&j);
	creds_answer_release(&a);
	return r;
}

static int read_token(struct sso *x, struct err *e)
{
	struct creds_json j = {0};
	int64_t expires_ns = 0, now = clock_wall_ns();
	int r;

	x->path = cache_path(x->session ? x->session : x->start_url, ".aws/sso/cache");
	if (!x->path)
		return login_again(x, "is looked for in HOME, which is not set", e);
	r = read_json(x->path, &j, e);
	if (r == ERR_NOTFOUND)
		return login_again(x, "was not made yet", e);
	if (r < 0)
		return r;
	if (!text_of(j.root, "accessToken") || !time_of(j.root, "expiresAt", &expires_ns))
		r = login_again(x, "is not whole", e);
	else
		x->token = xstrdup(text_of(j.root, "accessToken"));
	if (r == 0 && expires_ns < now + SOON_NS)
		r = renew(x, j.root, expires_ns <= now, e);
	for (const char *p = x->token; r == 0 && *p; p++)
		if ((unsigned char)*p <= ' ')
			r = login_again(x, "is damaged", e);
	creds_json_release(&j);
	return r;
}

/* ---- keys ------------------------------------------------------------------ */

static int exchange(struct sso *x, struct creds_answer *a, struct err *e)
{
	char *host = xasprintf("portal.sso.%s.amazonaws.com", x->region);
	char *base = creds_endpoint(x->c, x->profile, "SSO", "sso", host);
	char *header = xasprintf("x-amz-sso_bearer_token: %s", x->token);
	const char *headers[] = {header, NULL};
	struct sigv4_pair v[] = {{"role_name", x->role}, {"account_id", x->account}};
	struct buf url = {0};
	int r;

	buf_addf(&url, "%s/federation/credentials?", base);
	sigv4_query(&url, v, 2);
	r = creds_http(
		&(struct creds_request){
			.method = "GET",
			.url = buf_str(&url),
			.headers = headers,
			.ca = creds_ca(x->c, x->profile),
			.connect_ms = CONNECT_MS,
			.total_ms = TOTAL_MS,
			.tries = TRIES,
			.cancel = x->c->cancel,
		},
		a, e);
	buf_release(&url);
	creds_wipe(&header);
	free(base);
	free(host);
	return r;
}

static int keys_of(struct sso *x, const struct creds_answer *a, struct creds_keys *out,
		   struct err *e)
{
	static const struct creds_names names = {
		.access = "accessKeyId",
		.secret = "secretAccessKey",
		.token = "sessionToken",
		.expires = "expiration",
		.token_needed = true,
		.expires_ms = true,
	};
	struct creds_json j = {0};
	int r;

	if (a->status == 401)
		return login_again(x, "is not accepted any more", e);
	if (a->status == 403 || a->status == 404)
		return err_set(
			e, ERR_AUTH,
			"profile '%s': SSO denied GetRoleCredentials (HTTP %d): you "
			"need an assignment of the role '%s' in the account %s",
			x->profile, a->status, x->role, x->account);
	if (a->status != 200)
		return err_set(e, a->status >= 500 ? ERR_NET : ERR_AUTH,
			       "profile '%s': SSO's GetRoleCredentials: HTTP %d",
			       x->profile, a->status);
	if ((r = creds_json_read(&j, buf_slice(&a->text), "the answer of SSO", e)) < 0)
		return r;
	r = creds_json_keys(value_get(j.root, "roleCredentials"), &names,
			    "the answer of SSO", out, e);
	if (r == 1) {
		free(out->source);
		out->source = xasprintf("SSO role '%s' in account %s, of profile '%s'",
					x->role, x->account, x->profile);
	}
	creds_json_release(&j);
	return r;
}

int creds_from_sso(struct creds_ctx *c, const char *profile, struct creds_keys *out,
		   struct err *e)
{
	struct sso x = {.c = c, .profile = profile};
	struct creds_answer a = {0};
	int r = configured(&x, e);

	if (r <= 0)
		return r;
	r = read_token(&x, e);
	if (r == 0) {
		r = exchange(&x, &a, e);
		if (r < 0 && r != ERR_CANCELED)
			err_ctx(e, r, "profile '%s': SSO", profile);
	}
	if (r == 0)
		r = keys_of(&x, &a, out, e);
	creds_answer_release(&a);
	creds_wipe(&x.token);
	free(x.path);
	return r;
}

/* ---- "aws login" ------------------------------------------------------------ */

static char *login_path(const char *session)
{
	const char *dir = env_get("AWS_LOGIN_CACHE_DIRECTORY");
	uint8_t digest[HASH_SHA256_N];
	char hex[2 * HASH_SHA256_N + 1], *file, *path;
	struct slice s = slice_trim(slice_of(session));

	hash_sha256(s.p, s.n, digest);
	hex_encode(digest, sizeof(digest), hex);
	if (dir)
		return xasprintf("%s/%s.json", dir, hex);
	file = xasprintf(".aws/login/cache/%s.json", hex);
	path = creds_home_path(file);
	free(file);
	return path;
}

int creds_from_login(struct creds_ctx *c, const char *profile, struct creds_keys *out,
		     struct err *e)
{
	static const struct creds_names names = {
		.access = "accessKeyId",
		.secret = "secretAccessKey",
		.token = "sessionToken",
		.expires = "expiresAt",
		.token_needed = true,
	};
	const char *session = creds_setting(c, profile, "login_session");
	struct creds_json j = {0};
	char *path;
	int r;

	if (!session)
		return 0;
	path = login_path(session);
	r = path ? read_json(path, &j, e) : ERR_NOTFOUND;
	if (r == 0)
		r = creds_json_keys(value_get(j.root, "accessToken"), &names,
				    "the cached login", out, e);
	if (r == 1) {
		free(out->source);
		out->source = xasprintf("the login of profile '%s'", profile);
		if (out->expires_ns && out->expires_ns <= clock_wall_ns()) {
			creds_keys_release(out);
			r = ERR_NOTFOUND;
		}
	}
	if (r == ERR_NOTFOUND)
		r = err_set(e, ERR_AUTH,
			    "profile '%s': the login has ended or was not made yet: aws "
			    "login --profile %s",
			    profile, profile);
	creds_json_release(&j);
	free(path);
	return r;
}
