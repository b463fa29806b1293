#include "remote/httpr.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/env.h"
#include "store/base/parse.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/slice.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	TRANSFERS_MAX = 32,
	TRANSFERS_LIMIT = 256,
	TIMEOUT_S = 60, /* DVC's, for connecting and for reading */
};

static const char *get(const struct remote_options *o, const char *key)
{
	return o->get ? o->get(o->get_ctx, key) : NULL;
}

static bool is(const char *v, const char *word)
{
	return v && strcasecmp(v, word) == 0;
}

static void note(const struct httpr_conf *c, const struct remote_options *o,
		 const char *text)
{
	char *line = xasprintf("%s: %s", c->label, text);

	sink_note(o->sink, line);
	free(line);
}

static char *decoded(struct slice s)
{
	char *out = xmalloc(s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && s.n - i > 2 && parse_hex_digit(s.p[i + 1]) >= 0 &&
		    parse_hex_digit(s.p[i + 2]) >= 0) {
			out[n++] = (char)(parse_hex_digit(s.p[i + 1]) << 4 |
					  parse_hex_digit(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	out[n] = '\0';
	return out;
}

/* "https://user:password@host:1/path/" */
static int parse_url(struct httpr_conf *c, const char *url, struct err *e)
{
	struct slice rest = slice_of(url), scheme, authority, user = {0};
	const char *sep = strstr(url, "://"), *at = NULL;
	size_t n;

	scheme = (struct slice){url, sep ? (size_t)(sep - url) : 0};
	rest.p += scheme.n + 3;
	rest.n -= scheme.n + 3;
	authority = (struct slice){rest.p, strcspn(rest.p, "/?#")};
	rest.p += authority.n;
	rest.n -= authority.n;
	for (size_t i = 0; i < authority.n; i++)
		if (authority.p[i] == '@')
			at = authority.p + i;
	if (at) {
		user = (struct slice){authority.p, (size_t)(at - authority.p)};
		authority.n -= user.n + 1;
		authority.p = at + 1;
	}
	if (authority.n == 0)
		return err_set(e, ERR_CONFIG, "%s: its URL has no host", c->label);
	for (size_t i = 0; i < authority.n; i++)
		if ((unsigned char)authority.p[i] <= ' ')
			return err_set(e, ERR_CONFIG, "%s: its URL has no proper host",
				       c->label);
	if (strpbrk(rest.p, "?#"))
		return err_set(e, ERR_CONFIG,
			       "%s: a URL with '?' or '#' cannot be the root of objects",
			       c->label);
	for (n = rest.n; n > 0 && rest.p[n - 1] == '/'; n--)
		;
	c->origin = xasprintf("%s://%.*s", scheme.n == 5 ? "https" : "http",
			      SLICE_FMT(authority));
	c->path = xmemdup0(rest.p, n);
	if (at) {
		struct slice name = slice_cut(&user, ':');

		c->auth = HTTPR_BASIC;
		c->user = decoded(name);
		c->password = decoded(user.p ? user : (struct slice){"", 0});
	}
	return 0;
}

static int load_seconds(const struct httpr_conf *c, const struct remote_options *o,
			const char *key, unsigned *ms, struct err *e)
{
	const char *v = get(o, key);
	double s = TIMEOUT_S;

	if (v && (!parse_double(slice_of(v), &s) || !(s >= 0) || s > 1e6))
		return err_set(e, ERR_CONFIG, "%s: '%s' is no number of seconds: '%s'",
			       c->label, key, v);
	/* No limit at all is not offered: nothing waits for ever. */
	*ms = s > 0 ? (unsigned)MAX_OF(s * 1000, 1.0) : TIMEOUT_S * 1000u;
	return 0;
}

static int load_number(const struct httpr_conf *c, const struct remote_options *o,
		       const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	const char *v = get(o, key);

	if (!v || *out > 0)
		return 0;
	if (!parse_bytes(slice_of(v), out) || *out > max)
		return err_set(e, ERR_CONFIG, "%s: '%s' is not usable: '%s'", c->label,
			       key, v);
	return 0;
}

static int load_method(struct httpr_conf *c, const struct remote_options *o,
		       struct err *e)
{
	const char *v = get(o, "method");

	if (v && !is(v, "put") && !is(v, "post"))
		return err_set(e, ERR_CONFIG, "%s: 'method' is PUT or POST, not '%s'",
			       c->label, v);
	c->method = xstrdup(is(v, "put") ? "PUT" : "POST");
	return 0;
}

static int ask_password(struct httpr_conf *c, const struct remote_options *o,
			struct err *e)
{
	char typed[512], *question;
	int r;

	question = xasprintf("Password of %s at %s", c->user ? c->user : "the user",
			     c->origin);
	r = sink_ask(o->sink, question, typed, sizeof(typed));
	free(question);
	if (r != 0)
		return err_set(e, ERR_AUTH,
			       "%s: its password is to be asked for, and there is no "
			       "terminal to ask at",
			       c->label);
	c->password = xstrdup(typed);
	secure_wipe(typed, sizeof(typed));
	return 0;
}

/* A name and a value that go into a header as they are. */
static bool is_header_safe(const char *s, bool is_name)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f ||
		    (is_name && strchr(" \t:()<>@,;\\\"/[]?={}", *s)))
			return false;
	return true;
}

static void set(char **to, const char *v)
{
	free(*to);
	*to = v ? xstrdup(v) : NULL;
}

static int load_auth(struct httpr_conf *c, const struct remote_options *o, struct err *e)
{
	const char *v = get(o, "auth");
	int r;

	if (!v)
		return 0;
	c->auth = is(v, "basic")    ? HTTPR_BASIC
		  : is(v, "digest") ? HTTPR_DIGEST
		  : is(v, "custom") ? HTTPR_CUSTOM
				    : HTTPR_ANONYMOUS;
	if (c->auth == HTTPR_ANONYMOUS)
		return err_set(e, ERR_CONFIG,
			       "%s: 'auth' is basic, digest or custom, not '%s'",
			       c->label, v);
	if (get(o, "user"))
		set(&c->user, get(o, "user"));
	if (get(o, "password"))
		set(&c->password, get(o, "password"));
	set(&c->header, get(o, "custom_auth_header"));
	if (c->auth == HTTPR_CUSTOM &&
	    (!c->header || !c->header[0] || !is_header_safe(c->header, true)))
		return err_set(e, ERR_CONFIG,
			       "%s: auth = custom needs the name of a header in "
			       "'custom_auth_header'",
			       c->label);
	if (c->auth != HTTPR_CUSTOM && (!c->user || strchr(c->user, ':')))
		return err_set(e, ERR_CONFIG, "%s: 'auth' needs a 'user' without ':'",
			       c->label);
	if (!c->password && is(get(o, "ask_password"), "true") &&
	    (r = ask_password(c, o, e)) < 0)
		return r;
	if (!c->password)
		return err_set(e, ERR_CONFIG,
			       "%s: 'auth' needs a 'password', or 'ask_password'",
			       c->label);
	if (!is_header_safe(c->password, false) ||
	    (c->user && !is_header_safe(c->user, false)))
		return err_set(e, ERR_CONFIG,
			       "%s: its user or password has control characters",
			       c->label);
	return 0;
}

static bool is_loopback(const char *origin)
{
	const char *host = strstr(origin, "://") + 3;
	size_t n = strcspn(host, ":");

	return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
	       (n == 9 && strncasecmp(host, "localhost", 9) == 0);
}

static void load_tls(struct httpr_conf *c, const struct remote_options *o)
{
	const char *v = get(o, "ssl_verify");

	if (is(v, "false")) {
		c->insecure = true;
		if (o->trusted && !o->trusted(o->get_ctx, "ssl_verify"))
			note(c, o,
			     "the repository's own configuration turns the check of "
			     "certificates off (ssl_verify)");
	} else {
		if (!v || is(v, "true"))
			v = env_get("REQUESTS_CA_BUNDLE");
		c->ca = v ? xstrdup(v) : NULL;
	}
	if (c->auth != HTTPR_ANONYMOUS && strncmp(c->origin, "http:", 5) == 0 &&
	    !is_loopback(c->origin))
		note(c, o, "the password goes over plain HTTP");
}

int httpr_conf_load(struct httpr_conf *c, const struct remote_options *o, struct err *e)
{
	uint64_t jobs = o->jobs, most = o->connections_max;
	int r;

	*c = (struct httpr_conf){.label = remote_label(o),
				 .limit_up = o->limit_up,
				 .limit_down = o->limit_down};
	if ((r = parse_url(c, o->url, e)) < 0 || (r = load_method(c, o, e)) < 0 ||
	    (r = load_seconds(c, o, "connect_timeout", &c->connect_ms, e)) < 0 ||
	    (r = load_seconds(c, o, "read_timeout", &c->stall_ms, e)) < 0 ||
	    (r = load_number(c, o, "jobs", TRANSFERS_LIMIT, &jobs, e)) < 0 ||
	    (r = load_number(c, o, "max_connections", TRANSFERS_LIMIT, &most, e)) < 0 ||
	    (r = load_number(c, o, "limit_up", INT64_MAX, &c->limit_up, e)) < 0 ||
	    (r = load_number(c, o, "limit_down", INT64_MAX, &c->limit_down, e)) < 0 ||
	    (r = load_auth(c, o, e)) < 0) {
		httpr_conf_release(c);
		return r;
	}
	load_tls(c, o);
	c->jobs =
		jobs ? (unsigned)MIN_OF(jobs, (uint64_t)TRANSFERS_LIMIT) : TRANSFERS_MAX;
	if (most > 0)
		c->jobs = (unsigned)MIN_OF((uint64_t)c->jobs, most);
	return 0;
}

void httpr_conf_release(struct httpr_conf *c)
{
	if (c->password)
		secure_wipe(c->password, strlen(c->password));
	free(c->label);
	free(c->origin);
	free(c->path);
	free(c->method);
	free(c->user);
	free(c->password);
	free(c->header);
	free(c->ca);
	*c = (struct httpr_conf){0};
}

/* "https://host:port", the end of the origin of a URL. */
static size_t origin_n(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

char *httpr_redirect(const char *from, const char *to, bool *same_origin)
{
	bool was_tls = strncasecmp(from, "https://", 8) == 0;
	size_t n = origin_n(from), m, dir;
	char *made;

	for (const char *p = to; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return NULL;
	if (strncasecmp(to, "http://", 7) == 0 || strncasecmp(to, "https://", 8) == 0) {
		made = xstrdup(to);
	} else if (strncmp(to, "//", 2) == 0) {
		made = xasprintf("%s:%s", was_tls ? "https" : "http", to);
	} else if (to[0] == '/') {
		made = xasprintf("%.*s%s", (int)n, from, to);
	} else if (to[0] == '\0' || strcspn(to, ":") < strcspn(to, "/?#")) {
		return NULL; /* nowhere, or another scheme */
	} else {
		dir = n + strcspn(from + n, "?#");
		while (dir > n && from[dir - 1] != '/')
			dir--;
		made = xasprintf("%.*s%s%s", (int)dir, from, dir == n ? "/" : "", to);
	}
	m = origin_n(made);
	*same_origin = m == n && strncasecmp(made, from, n) == 0;
	/* Credentials in a Location are nobody's; and https stays https. */
	if (memchr(made, '@', m) || (was_tls && strncasecmp(made, "https://", 8) != 0)) {
		free(made);
		return NULL;
	}
	return made;
}
