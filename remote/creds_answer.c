/*
 * What sources answer, taken apart: JSON of SSO, metadata services and programs,
 * XML of STS, and a command line. Nothing here speaks to anyone; errors name the
 * field, never its text.
 */
#include "remote/creds_int.h"

#include "remote/s3_xml.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "store/fmt/json.h"
#include "store/fmt/value.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int creds_json_read(struct creds_json *j, struct slice text, const char *what,
		    struct err *e)
{
	struct value *root = NULL;
	int r;

	*j = (struct creds_json){0};
	/* The reader's own message may quote the text. */
	r = json_read(text, what, &j->arena, &root, NULL);
	if (r == 0 && !value_is(root, VALUE_MAP))
		r = ERR_CORRUPT;
	j->root = root;
	if (r < 0) {
		creds_json_release(j);
		return err_set(e, ERR_CORRUPT, "%s is no JSON object", what);
	}
	return 0;
}

static void wipe(const struct value *v, unsigned depth)
{
	union {
		const char *c;
		char *m;
	} p;

	if (!v || depth > JSON_DEPTH_MAX)
		return;
	if (v->kind == VALUE_STR && v->text.n > 0) {
		p.c = v->text.p;
		secure_wipe(p.m, v->text.n);
	}
	if (v->kind == VALUE_MAP)
		for (size_t i = 0; i < v->nr; i++)
			wipe(v->pairs[i].value, depth + 1);
	if (v->kind == VALUE_LIST)
		for (size_t i = 0; i < v->nr; i++)
			wipe(v->items[i], depth + 1);
}

void creds_json_release(struct creds_json *j)
{
	wipe(j->root, 0);
	arena_release(&j->arena);
	*j = (struct creds_json){0};
}

static const char *text_of(const struct value *map, const char *key)
{
	const char *v = key ? value_text(value_get(map, key), NULL) : NULL;

	return v && v[0] ? v : NULL;
}

/* What may be sent in a header: nothing that would begin another. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* "9999-12-31T...": past what we count in, so never. */
static bool is_far(struct slice s)
{
	return s.n >= 10 && s.p[4] == '-' && s.p[0] >= '2' && s.p[0] <= '9' &&
	       (s.p[0] > '2' || s.p[1] > '2');
}

static bool expiry_of(const struct value *map, const struct creds_names *n, int64_t *out)
{
	const struct value *v = n->expires ? value_get(map, n->expires) : NULL;
	int64_t ms;

	*out = 0;
	if (!v || value_is(v, VALUE_NULL))
		return true;
	if (n->expires_ms) {
		if (!value_as_i64(v, &ms) || ms <= 0 || ms > INT64_MAX / 1000000)
			return false;
		*out = ms * 1000000;
		return true;
	}
	if (!value_is(v, VALUE_STR))
		return false;
	return is_far(v->text) || (clock_parse(v->text.p, v->text.n, out) && *out > 0);
}

static int fill(struct creds_keys *out, const char *what, const char *access,
		const char *secret, const char *token, struct err *e)
{
	if (!is_plain(access) || !is_plain(secret) || (token && !is_plain(token)))
		return err_set(e, ERR_CORRUPT, "%s holds control characters", what);
	*out = (struct creds_keys){
		.access_key = xstrdup(access),
		.secret_key = xstrdup(secret),
		.token = token ? xstrdup(token) : NULL,
		.source = xstrdup(what),
	};
	return 1;
}

int creds_json_keys(const struct value *map, const struct creds_names *n,
		    const char *what, struct creds_keys *out, struct err *e)
{
	const char *access = text_of(map, n->access), *secret = text_of(map, n->secret),
		   *token = text_of(map, n->token);
	int64_t expires_ns;
	int r;

	if (!access || !secret || (n->token_needed && !token))
		return err_set(e, ERR_CORRUPT, "%s lacks '%s'", what,
			       !access	 ? n->access
			       : !secret ? n->secret
					 : n->token);
	if (!expiry_of(map, n, &expires_ns))
		return err_set(e, ERR_CORRUPT, "%s: '%s' is no time", what, n->expires);
	r = fill(out, what, access, secret, token, e);
	if (r == 1)
		out->expires_ns = expires_ns;
	return r;
}

static char *sts_text(struct slice xml, const char *action, const char *name)
{
	char *root = xasprintf("%sResponse", action);
	char *path = xasprintf("%sResult/Credentials/%s", action, name);
	char *v = s3_xml_text(xml, root, path);

	free(root);
	free(path);
	if (v && !v[0]) {
		free(v);
		v = NULL;
	}
	return v;
}

int creds_sts_keys(struct slice xml, const char *action, struct creds_keys *out,
		   struct err *e)
{
	char *access = sts_text(xml, action, "AccessKeyId"),
	     *secret = sts_text(xml, action, "SecretAccessKey"),
	     *token = sts_text(xml, action, "SessionToken"),
	     *expires = sts_text(xml, action, "Expiration");
	int64_t expires_ns = 0;
	int r;

	if (!access || !secret || !token)
		r = err_set(e, ERR_CORRUPT, "the answer to %s holds no credentials",
			    action);
	else if (expires && !clock_parse(expires, strlen(expires), &expires_ns))
		r = err_set(e, ERR_CORRUPT, "the answer to %s: 'Expiration' is no time",
			    action);
	else
		r = fill(out, action, access, secret, token, e);
	if (r == 1)
		out->expires_ns = expires_ns;
	creds_wipe(&access);
	creds_wipe(&secret);
	creds_wipe(&token);
	free(expires);
	return r;
}

/* ---- words ------------------------------------------------------------------ */

struct words {
	char **v;
	size_t nr, cap;
};

static void end_word(struct words *w, struct buf *word)
{
	vec_push(w, xstrdup(buf_str(word)));
	buf_reset(word);
}

/* One quoted run; p stands behind the quote. NULL: it does not end. */
static const char *quoted(const char *p, char quote, struct buf *word)
{
	for (; *p && *p != quote; p++) {
		if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		buf_addc(word, *p);
	}
	return *p ? p + 1 : NULL;
}

int creds_words(const char *line, char ***argv, size_t *nr, struct err *e)
{
	struct words w = {0};
	struct buf word = {0};
	bool in_word = false;
	const char *p = line;

	while (p && *p) {
		if (strchr(" \t\r\n", *p)) {
			if (in_word)
				end_word(&w, &word);
			in_word = false;
			p++;
			continue;
		}
		in_word = true;
		if (*p == '\'' || *p == '"') {
			p = quoted(p + 1, *p, &word);
		} else if (*p == '\\') {
			if (!p[1]) {
				p = NULL;
				break;
			}
			buf_addc(&word, p[1]);
			p += 2;
		} else {
			buf_addc(&word, *p++);
		}
	}
	if (p && in_word)
		end_word(&w, &word);
	buf_release(&word);
	*nr = w.nr;
	vec_push(&w, NULL);
	*argv = w.v;
	if (p)
		return 0;
	creds_words_free(w.v);
	*argv = NULL;
	return err_set(e, ERR_CONFIG, "a quote or backslash is not ended");
}

void creds_words_free(char **argv)
{
	for (char **p = argv; p && *p; p++)
		free(*p);
	free(argv);
}

/* ---- addresses ------------------------------------------------------------- */

bool creds_uri_allowed(const char *url)
{
	static const char *const hosts[] = {"169.254.170.2", "169.254.170.23",
					    "fd00:ec2::23", "localhost", "::1"};
	struct in_addr a;
	struct slice host;
	char *name;
	bool ok = false;

	if (strncmp(url, "https://", 8) == 0)
		return url[8] != '\0' && url[8] != '/';
	if (strncmp(url, "http://", 7) != 0)
		return false;
	host = (struct slice){url + 7, strcspn(url + 7, "/?#")};
	if (memchr(host.p, '@', host.n))
		return false;
	if (host.n > 0 && host.p[0] == '[') {
		const char *end = memchr(host.p, ']', host.n);

		if (!end)
			return false;
		host = (struct slice){host.p + 1, (size_t)(end - host.p) - 1};
	} else {
		const char *colon = memchr(host.p, ':', host.n);

		if (colon)
			host.n = (size_t)(colon - host.p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		ok = ok || slice_is(host, hosts[i]);
	name = xmemdup0(host.p, host.n);
	if (inet_pton(AF_INET, name, &a) == 1 && ntohl(a.s_addr) >> 24 == 127)
		ok = true;
	free(name);
	return ok;
}
