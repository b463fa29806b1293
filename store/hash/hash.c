#include "store/hash/hash.h"

#include "store/base/alloc.h"

#include <openssl/evp.h>
#include <pthread.h>

/*
 * Fetched once: an implicit fetch at each DigestInit costs more than hashing a
 * small file. Never freed; they live as long as the program.
 */
static pthread_once_t md5_once = PTHREAD_ONCE_INIT, sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *md5_md, *sha256_md;

static EVP_MD *fetch(const char *name)
{
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);

	/*
	 * A machine in FIPS mode asks for fips=yes by default and has no MD5
	 * there. Object names are not a security function.
	 */
	if (!md)
		md = EVP_MD_fetch(NULL, name, "-fips");
	if (!md)
		die("OpenSSL on this machine does not offer %s", name);
	return md;
}

static void fetch_md5(void)
{
	md5_md = fetch("MD5");
}

static void fetch_sha256(void)
{
	sha256_md = fetch("SHA256");
}

static void begin(struct hash *h, const EVP_MD *md, uint8_t n)
{
	if (!h->ctx)
		h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || EVP_DigestInit_ex(h->ctx, md, NULL) != 1)
		die("OpenSSL cannot start a digest: out of memory");
	h->n = n;
}

void hash_begin_md5(struct hash *h)
{
	pthread_once(&md5_once, fetch_md5);
	begin(h, md5_md, HASH_MD5_N);
}

void hash_begin_sha256(struct hash *h)
{
	pthread_once(&sha256_once, fetch_sha256);
	begin(h, sha256_md, HASH_SHA256_N);
}

void hash_update(struct hash *h, const void *p, size_t n)
{
	if (n > 0 && EVP_DigestUpdate(h->ctx, p, n) != 1)
		die("OpenSSL cannot go on with a digest");
}

void hash_end(struct hash *h, uint8_t *out)
{
	unsigned n = 0;

	if (EVP_DigestFinal_ex(h->ctx, out, &n) != 1 || n != h->n)
		die("OpenSSL cannot end a digest");
}

void hash_release(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	*h = (struct hash){0};
}

void hash_md5(const void *p, size_t n, uint8_t out[HASH_MD5_N])
{
	struct hash h = {0};

	hash_begin_md5(&h);
	hash_update(&h, p, n);
	hash_end(&h, out);
	hash_release(&h);
}

void hash_sha256(const void *p, size_t n, uint8_t out[HASH_SHA256_N])
{
	struct hash h = {0};

	hash_begin_sha256(&h);
	hash_update(&h, p, n);
	hash_end(&h, out);
	hash_release(&h);
}

void hash_sha1(const void *p, size_t n, uint8_t out[HASH_SHA1_N])
{
	EVP_MD *md = fetch("SHA1");
	struct hash h = {0};

	begin(&h, md, HASH_SHA1_N);
	hash_update(&h, p, n);
	hash_end(&h, out);
	hash_release(&h);
	EVP_MD_free(md);
}

/*
 * RFC 2104 over our own SHA-256: OpenSSL's HMAC() takes an int for the length of
 * the key and fetches anew each time.
 */
void hash_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n,
		      uint8_t out[HASH_SHA256_N])
{
	uint8_t k[64] = {0}, pad[64], inner[HASH_SHA256_N];
	struct hash h = {0};

	if (key_n > sizeof(k))
		hash_sha256(key, key_n, k);
	else if (key_n > 0)
		memcpy(k, key, key_n);
	for (size_t i = 0; i < sizeof(k); i++)
		pad[i] = k[i] ^ 0x36;
	hash_begin_sha256(&h);
	hash_update(&h, pad, sizeof(pad));
	hash_update(&h, p, n);
	hash_end(&h, inner);
	for (size_t i = 0; i < sizeof(k); i++)
		pad[i] = k[i] ^ 0x5c;
	hash_begin_sha256(&h);
	hash_update(&h, pad, sizeof(pad));
	hash_update(&h, inner, sizeof(inner));
	hash_end(&h, out);
	hash_release(&h);
	secure_wipe(k, sizeof(k));
	secure_wipe(pad, sizeof(pad));
	secure_wipe(inner, sizeof(inner));
}
