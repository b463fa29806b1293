/*
 * Digests: the only home of OpenSSL's. Nothing is initialised before the first
 * digest is asked for. MD5 names objects because the format says so; it is no
 * security claim. A struct belongs to one thread; different ones are independent.
 *
 * The functions return nothing: memory for a context is small, and an OpenSSL
 * without the algorithm ends the program with a sentence.
 */
#ifndef STORE_HASH_HASH_H
#define STORE_HASH_HASH_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define HASH_MD5_N    16
#define HASH_SHA256_N 32
#define HASH_SHA1_N   20

/*
 * Streaming. begin may be called again at any time: the context is reused.
 * {0} is empty; release accepts it, and may be called twice.
 */
struct hash {
	void *ctx;
	uint8_t n; /* bytes of the digest asked for */
};

void hash_begin_md5(struct hash *h);
void hash_begin_sha256(struct hash *h);
void hash_update(struct hash *h, const void *p, size_t n);
void hash_end(struct hash *h, uint8_t *out); /* HASH_MD5_N or HASH_SHA256_N bytes */
void hash_release(struct hash *h);

/* In one go. */
void hash_md5(const void *p, size_t n, uint8_t out[HASH_MD5_N]);
void hash_sha256(const void *p, size_t n, uint8_t out[HASH_SHA256_N]);
/* Only for names that others chose by it (a cache file of the AWS tools). */
void hash_sha1(const void *p, size_t n, uint8_t out[HASH_SHA1_N]);
void hash_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n,
		      uint8_t out[HASH_SHA256_N]);

/*
 * CRC-64/NVME of more bytes: crc is that of those before, 0 of none. What S3
 * verifies at the least cost: several GB/s, where MD5 makes 0.8.
 */
uint64_t hash_crc64nvme(uint64_t crc, const void *p, size_t n);

/*
 * DVC 2.x's MD5: CR LF becomes LF, but only in those chunks of 1 MiB whose first
 * 512 bytes look like text. Holds one chunk of memory while it is live.
 */
struct hash_dos2unix {
	struct hash md5;
	uint8_t *chunk;
	size_t n;
};

void hash_dos2unix_begin(struct hash_dos2unix *h);
void hash_dos2unix_update(struct hash_dos2unix *h, const void *p, size_t n);
void hash_dos2unix_end(struct hash_dos2unix *h, uint8_t out[HASH_MD5_N]);
void hash_dos2unix_release(struct hash_dos2unix *h);
void hash_dos2unix(const void *p, size_t n, uint8_t out[HASH_MD5_N]);

/*
 * MD5 of many messages at once, each in a SIMD lane of its own. Made for small
 * ones that lie in memory; long ones are right too, while others keep the lanes
 * full. nr may be 0. Jobs are not reordered; any thread may call it.
 */
struct md5_job {
	const void *p;
	size_t n;
	uint8_t out[HASH_MD5_N];
};

void md5_many(struct md5_job *jobs, size_t nr);

/*
 * Chosen by the CPU at the first call. Tests choose for themselves: use returns
 * false, and changes nothing, for what this CPU cannot run.
 */
enum md5_variant {
	MD5_AUTO = 0,
	MD5_SERIAL, /* OpenSSL, one after the other */
	MD5_AVX2,   /* 2 groups of 8 lanes */
	MD5_AVX512, /* 2 groups of 16 lanes */
	MD5_VARIANTS_NR,
};

bool md5_many_use(enum md5_variant v);
enum md5_variant md5_many_used(void); /* never MD5_AUTO */
const char *md5_variant_name(enum md5_variant v);

/* Lower-case digits and a NUL: 2 * n + 1 bytes. Returns out. */
char *hex_encode(const void *p, size_t n, char *out);
/* Exactly 2 * n digits of either case; out is written only on success. */
bool hex_decode(struct slice text, void *out, size_t n);

/* RFC 4648 with '=' padding, appended to out. */
void base64_encode(struct buf *out, const void *p, size_t n);
/* The same back, appended to out: strict, with the padding, no white space. */
bool base64_decode(struct slice text, struct buf *out);

#endif
