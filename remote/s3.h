/*
 * Inside the S3 transport: one remote, one API call with its retries, and the
 * operations built of calls. Nothing outside remote/s3*.c includes it.
 *
 * Threads: submit runs in the caller's; s3_*_start and everything a call calls
 * back on the network thread; reading ahead and hashing in the pool. State of
 * struct s3 that is not atomic belongs to the network thread.
 */
#ifndef REMOTE_S3_H
#define REMOTE_S3_H

#include "remote/creds.h"
#include "remote/http.h"
#include "remote/retry.h"
#include "remote/s3_conf.h"
#include "remote/s3_xml.h"
#include "remote/sigv4.h"
#include "remote/transport.h"

#include <pthread.h>

struct pool;

enum {
	S3_SMALL = 64 << 10,	/* bodies up to here are held in memory */
	S3_PARTS_IN_FLIGHT = 8, /* of one object */
	S3_PART = 16 << 20,
	S3_PARTS_MAX = 10000,
	S3_HASH_LAG = 256 << 20, /* how far a download may run ahead of its hash */
};

struct get; /* a download, in s3_get.h */

struct s3 {
	struct remote base; /* first */
	struct s3_conf conf;
	struct creds_chain *creds;
	struct http *http;
	struct pool *pool;
	atomic_bool closing;
	atomic_bool no_crc64; /* the server refused it */
	char *state_dir;      /* or NULL */
	bool has_partials;    /* an earlier run left downloads to go on with */

	/* The network thread's. */
	struct sigv4_key key;
	struct retry_bucket bucket;
	int64_t skew_ns, skew_at_ns; /* server's clock minus ours; when it was set */
	unsigned generation;	     /* of clock, region and credentials */
	unsigned creds_serial;	     /* of the keys that key was derived from */
	bool moved;		     /* a region redirect was followed */
	uint64_t random;

	pthread_mutex_t small_lock;
	struct get *small, **small_tail; /* whole in memory, to be hashed */
	unsigned small_workers;
};

enum s3_call_flags {
	S3_CONTROL = 1u << 0, /* 3 tries */
	S3_OBJECT = 1u << 1,  /* with the headers of new objects */
	S3_KEY = 1u << 2,     /* with the customer's key */
};

struct s3_call {
	struct http_req q; /* first */
	struct s3 *s3;
	const char *key; /* below the remote's root; NULL: the bucket itself */
	unsigned flags;
	struct sigv4_pair query[6], headers[6]; /* borrowed */
	size_t query_nr, headers_nr;
	char payload_hash[SIGV4_HEX_N];	   /* "": empty body or unsigned, as fits */
	char md5_b64[25];		   /* sent as Content-MD5 where not "" */
	char range[64];			   /* sent as Range where not "" */
	void (*before)(struct s3_call *c); /* each time it is sent, or NULL */
	/* A 2xx answer may still be none: false, with s3err filled in, or NULL. */
	bool (*check)(struct s3_call *c);
	void (*done)(struct s3_call *c);
	void *ctx;
	bool own_is_broken; /* HTTP_OWN of the last try was the wire's fault */
	bool waits;	    /* for credentials: not sent yet */
	unsigned tries, generation;
	/* Result. */
	int code;
	struct err err;
	struct s3_error s3err;
};

void s3_call_start(struct s3_call *c);
void s3_call_start_after(struct s3_call *c, unsigned ms);
void s3_call_release(struct s3_call *c);
const char *s3_strip_etag(const char *etag, char *out, size_t size); /* unquoted */
bool s3_etag_is_md5(const char *etag, const uint8_t md5[16], bool *is_other);
void s3_etag_md5(const char *etag, uint8_t md5[16]);
void s3_set_md5(struct s3_call *c, const uint8_t md5[16]);

/* One of each operation; they end the job. */
void s3_put_submit(struct s3 *s, struct remote_job *job);
void s3_get_submit(struct s3 *s, struct remote_job *job);
void s3_head_submit(struct s3 *s, struct remote_job *job);
void s3_list_submit(struct s3 *s, struct remote_job *job);
void s3_delete_submit(struct s3 *s, struct remote_job *job);
void s3_multipart_start(struct s3 *s, struct remote_job *job); /* in the pool */

/* Endpoint, bucket and key, without any secret: what a transfer is of. malloc'ed. */
char *s3_transfer_url(const struct s3 *s, const char *key);
/* MD5 of the headers that new objects get: an upload has those it began with. */
void s3_headers_digest(const struct s3 *s, uint8_t out[16]);

void s3_probe(struct remote *r, struct probe *p); /* no job is in flight */

/* Do parts go up with a CRC-64/NVME, which the server verifies, instead of an MD5?
 * A server that refuses it after all turns it off. */
bool s3_sends_crc64(const struct s3 *s);

/* Digests of the bytes [at, at + n) of fd: those asked for by what. */
enum s3_digest {
	S3_DIGEST_MD5 = 1u << 0,
	S3_DIGEST_SHA256 = 1u << 1,
	S3_DIGEST_CRC64 = 1u << 2,
};
struct s3_digests {
	unsigned what;
	uint8_t md5[16], sha256[32];
	uint64_t crc64;
};
int s3_hash_range(struct s3 *s, int fd, int64_t at, uint64_t n, struct s3_digests *d,
		  struct err *e) MUST_CHECK;

#endif
