#include "remote/digest.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/slice.h"
#include "store/hash/hash.h"

#include <string.h>
#include <strings.h>

#define HEX_MAX (2 * HASH_SHA256_N + 1)

static void hash_hex(const struct digest *d, const struct buf *b, char out[HEX_MAX])
{
	uint8_t sum[HASH_SHA256_N];

	if (d->is_sha256)
		hash_sha256(buf_str(b), b->n, sum);
	else
		hash_md5(buf_str(b), b->n, sum);
	hex_encode(sum, d->is_sha256 ? HASH_SHA256_N : HASH_MD5_N, out);
}

static void wipe(struct buf *b)
{
	if (b->n > 0)
		secure_wipe(b->p, b->n);
	buf_reset(b);
}

static bool is_named(struct slice s, const char *name)
{
	return s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0;
}

static void skip(const char **p, const char *set)
{
	*p += strspn(*p, set);
}

/*
 * One name=value of a challenge. value is unescaped into out; false at the end of
 * the challenge: another scheme, or what is no pair.
 */
static bool next_pair(const char **p, struct slice *name, char *out, size_t size)
{
	size_t n = 0;

	skip(p, " \t,");
	name->p = *p;
	name->n = strcspn(*p, " \t,=\"");
	*p += name->n;
	skip(p, " \t");
	if (name->n == 0 || **p != '=')
		return false;
	(*p)++;
	skip(p, " \t");
	if (**p == '"') {
		for ((*p)++; **p && **p != '"'; (*p)++) {
			if (**p == '\\' && (*p)[1])
				(*p)++;
			if (n + 1 >= size)
				return false; /* nobody's nonce is as long */
			out[n++] = **p;
		}
		if (**p != '"')
			return false;
		(*p)++;
	} else {
		size_t end = strcspn(*p, " \t,");

		if (end >= size)
			return false;
		memcpy(out, *p, end);
		n = end;
		*p += end;
	}
	out[n] = '\0';
	return true;
}

static bool set_algorithm(struct digest *d, const char *text)
{
	size_t n = strlen(text);

	d->has_algorithm = true;
	if (n > 5 && strcasecmp(text + n - 5, "-sess") == 0) {
		d->is_session = true;
		n -= 5;
	}
	d->is_sha256 = n == 7 && strncasecmp(text, "SHA-256", n) == 0;
	return d->is_sha256 || (n == 3 && strncasecmp(text, "MD5", n) == 0);
}

/* A list of tokens; "auth" is the one that we have. */
static bool has_auth(const char *text)
{
	struct slice rest = slice_of(text);

	while (rest.p) {
		struct slice one = slice_trim(slice_cut(&rest, ','));

		if (one.n == 4 && strncasecmp(one.p, "auth", 4) == 0)
			return true;
	}
	return false;
}

static bool parse_at(const char *p, struct digest *d)
{
	char value[512];
	struct slice name;
	bool ok = true, has_nonce = false;

	*d = (struct digest){0};
	while (ok && next_pair(&p, &name, value, sizeof(value))) {
		size_t n = strlen(value) + 1;

		if (is_named(name, "realm")) {
			ok = n <= sizeof(d->realm);
			memcpy(d->realm, value, ok ? n : 0);
		} else if (is_named(name, "nonce")) {
			has_nonce = n > 1;
			memcpy(d->nonce, value, n);
		} else if (is_named(name, "opaque")) {
			d->has_opaque = true;
			memcpy(d->opaque, value, n);
		} else if (is_named(name, "algorithm")) {
			ok = set_algorithm(d, value);
		} else if (is_named(name, "qop")) {
			d->has_qop = ok = has_auth(value);
		}
	}
	return ok && has_nonce;
}

bool digest_parse(const char *header, struct digest *out)
{
	/* Several challenges may stand in one header: the first that we know. */
	for (const char *p = header; *p; p++)
		if ((p == header || strchr(" \t,", p[-1])) &&
		    strncasecmp(p, "digest", 6) == 0 && strchr(" \t", p[6]) && p[6] &&
		    parse_at(p + 6, out))
			return true;
	*out = (struct digest){0};
	return false;
}

static void put_quoted(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *value);
	}
	buf_addc(out, '"');
}

void digest_answer(const struct digest *d, const struct digest_request *q,
		   struct buf *out)
{
	char a1[HEX_MAX], a2[HEX_MAX], response[HEX_MAX];
	struct buf b = {0};

	buf_addf(&b, "%s:%s:%s", q->user, d->realm, q->password);
	hash_hex(d, &b, a1);
	if (d->is_session) {
		wipe(&b);
		buf_addf(&b, "%s:%s:%s", a1, d->nonce, q->cnonce);
		hash_hex(d, &b, a1);
	}
	wipe(&b);
	buf_addf(&b, "%s:%s", q->method, q->uri);
	hash_hex(d, &b, a2);
	buf_reset(&b);
	if (d->has_qop)
		buf_addf(&b, "%s:%s:%08x:%s:auth:%s", a1, d->nonce, q->count, q->cnonce,
			 a2);
	else
		buf_addf(&b, "%s:%s:%s", a1, d->nonce, a2);
	hash_hex(d, &b, response);
	wipe(&b);
	buf_adds(out, "Digest ");
	put_quoted(out, "username", q->user);
	put_quoted(out, ", realm", d->realm);
	put_quoted(out, ", nonce", d->nonce);
	put_quoted(out, ", uri", q->uri);
	if (d->has_algorithm)
		buf_addf(out, ", algorithm=%s%s", d->is_sha256 ? "SHA-256" : "MD5",
			 d->is_session ? "-sess" : "");
	if (d->has_qop || d->is_session)
		put_quoted(out, ", cnonce", q->cnonce);
	if (d->has_qop)
		buf_addf(out, ", qop=auth, nc=%08x", q->count);
	put_quoted(out, ", response", response);
	if (d->has_opaque)
		put_quoted(out, ", opaque", d->opaque);
	buf_release(&b);
}
