#include "remote/sigv4.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static void escape(struct buf *out, struct slice s, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";

	buf_reserve(out, s.n);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_plain(c) || (keep_slash && c == '/')) {
			buf_addc(out, (char)c);
			continue;
		}
		buf_addc(out, '%');
		buf_addc(out, digits[c >> 4]);
		buf_addc(out, digits[c & 15]);
	}
}

void sigv4_path(struct buf *out, struct slice path)
{
	escape(out, path, true);
}

void sigv4_escape(struct buf *out, struct slice text)
{
	escape(out, text, false);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Sorted by encoded name, then value: '=' would sort between digits and
 * letters, so a name that is the start of another must be compared alone. With
 * 0x01 for the '=' while sorting, the shorter name comes first.
 */
void sigv4_query(struct buf *out, const struct sigv4_pair *v, size_t nr)
{
	char **text = xcalloc(nr + 1, sizeof(*text));

	for (size_t i = 0; i < nr; i++) {
		struct buf b = {0};

		sigv4_escape(&b, slice_of(v[i].name));
		buf_addc(&b, '\1');
		if (v[i].value)
			sigv4_escape(&b, slice_of(v[i].value));
		text[i] = buf_detach(&b);
	}
	qsort(text, nr, sizeof(*text), by_text);
	for (size_t i = 0; i < nr; i++) {
		*strchr(text[i], '\1') = '=';
		if (i > 0)
			buf_addc(out, '&');
		buf_adds(out, text[i]);
		free(text[i]);
	}
	free(text);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int cmp_name(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b))
		a++, b++;
	return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

/* A handful of headers, nearly sorted: insertion keeps equal names in order. */
static void sort_headers(struct sigv4_pair *v, size_t nr)
{
	for (size_t i = 1; i < nr; i++)
		for (size_t j = i; j > 0 && cmp_name(v[j - 1].name, v[j].name) > 0; j--) {
			struct sigv4_pair t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
}

static void add_lower(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_addc(out, lower(*s));
}

/* Both ends trimmed, inner runs of spaces folded: Swift checks it. */
static void add_folded(struct buf *out, const char *value)
{
	struct slice s = slice_trim(slice_of(value));

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' || s.p[i - 1] != ' ')
			buf_addc(out, s.p[i]);
}

void sigv4_canonical(struct buf *out, struct buf *signed_names, struct sigv4_request *q)
{
	sort_headers(q->headers, q->headers_nr);
	buf_addf(out, "%s\n%s\n%s\n", q->method, q->path, q->query);
	for (size_t i = 0; i < q->headers_nr; i++) {
		const struct sigv4_pair *h = &q->headers[i];

		/* The same name twice is one line, joined by ",". */
		if (i > 0 && cmp_name(h[-1].name, h->name) == 0) {
			buf_cut(out, out->n - 1);
			buf_addc(out, ',');
		} else {
			if (i > 0)
				buf_addc(signed_names, ';');
			add_lower(signed_names, h->name);
			add_lower(out, h->name);
			buf_addc(out, ':');
		}
		add_folded(out, h->value);
		buf_addc(out, '\n');
	}
	buf_addf(out, "\n%s\n%s", buf_str(signed_names), q->payload_hash);
}

void sigv4_derive(const char *secret, const char *date, const char *region,
		  const char *service, uint8_t out[32])
{
	char *first = xasprintf("AWS4%s", secret);

	hash_hmac_sha256(first, strlen(first), date, 8, out);
	hash_hmac_sha256(out, 32, region, strlen(region), out);
	hash_hmac_sha256(out, 32, service, strlen(service), out);
	hash_hmac_sha256(out, 32, "aws4_request", 12, out);
	secure_wipe(first, strlen(first));
	free(first);
}

void sigv4_key_wipe(struct sigv4_key *k)
{
	secure_wipe(k->key, sizeof(k->key));
	k->date[0] = '\0';
}

static void keep(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	/* A name that does not fit is never found equal: derived each time. */
	if (n >= size)
		n = 0;
	memcpy(dst, src, n);
	dst[n] = '\0';
}

static void refresh(struct sigv4_key *k, const char *date)
{
	if (memcmp(k->date, date, 8) == 0 && strcmp(k->region_of, k->region) == 0 &&
	    strcmp(k->service_of, k->service) == 0)
		return;
	sigv4_derive(k->secret_key, date, k->region, k->service, k->key);
	memcpy(k->date, date, 8);
	k->date[8] = '\0';
	keep(k->region_of, sizeof(k->region_of), k->region);
	keep(k->service_of, sizeof(k->service_of), k->service);
}

static void sign(struct sigv4_key *k, struct sigv4_request *q, struct buf *names,
		 char out[SIGV4_HEX_N])
{
	struct buf text = {0};
	char hex[SIGV4_HEX_N];
	uint8_t d[32];

	refresh(k, q->date);
	sigv4_canonical(&text, names, q);
	hash_sha256(text.p, text.n, d);
	buf_reset(&text);
	buf_addf(&text, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", q->date,
		 q->date, k->region, k->service, hex_encode(d, 32, hex));
	hash_hmac_sha256(k->key, 32, text.p, text.n, d);
	hex_encode(d, 32, out);
	buf_release(&text);
}

void sigv4_sign(struct sigv4_key *k, struct sigv4_request *q, char out[SIGV4_HEX_N])
{
	struct buf names = {0};

	sign(k, q, &names, out);
	buf_release(&names);
}

void sigv4_authorization(struct buf *out, struct sigv4_key *k, struct sigv4_request *q)
{
	char hex[SIGV4_HEX_N];
	struct buf names = {0};

	sign(k, q, &names, hex);
	buf_addf(out,
		 "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, "
		 "SignedHeaders=%s, Signature=%s",
		 k->access_key, q->date, k->region, k->service, buf_str(&names), hex);
	buf_release(&names);
}

void sigv4_presign(struct buf *out, struct sigv4_key *k, struct sigv4_request *q,
		   const struct sigv4_pair *base, size_t base_nr, unsigned expires_s)
{
	struct sigv4_pair *v = xcalloc(base_nr + 5, sizeof(*v));
	char *credential = xasprintf("%s/%.8s/%s/%s/aws4_request", k->access_key, q->date,
				     k->region, k->service);
	char *expires = xasprintf("%u", expires_s);
	struct buf query = {0};
	char hex[SIGV4_HEX_N];
	size_t nr = base_nr;

	if (base_nr > 0)
		memcpy(v, base, base_nr * sizeof(*v));
	v[nr++] = (struct sigv4_pair){"X-Amz-Algorithm", "AWS4-HMAC-SHA256"};
	v[nr++] = (struct sigv4_pair){"X-Amz-Credential", credential};
	v[nr++] = (struct sigv4_pair){"X-Amz-Date", q->date};
	v[nr++] = (struct sigv4_pair){"X-Amz-Expires", expires};
	v[nr++] = (struct sigv4_pair){"X-Amz-SignedHeaders", "host"};
	sigv4_query(&query, v, nr);
	q->query = buf_str(&query);
	q->payload_hash = SIGV4_UNSIGNED;
	sigv4_sign(k, q, hex);
	buf_addf(out, "%s&X-Amz-Signature=%s", buf_str(&query), hex);
	q->query = "";
	buf_release(&query);
	free(expires);
	free(credential);
	free(v);
}
