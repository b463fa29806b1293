/*
 * AWS Signature Version 4, as S3 wants it: the path is encoded once and never
 * normalised, the query is sorted by its encoded form, headers are trimmed and
 * inner runs of spaces folded. A request is signed at the moment it is sent.
 *
 * The canonical form is offered by itself, since a test server checks signatures
 * with it. The signing key is cached in the caller's struct: five HMACs a day
 * and region instead of five a request. Not thread-safe on one sigv4_key.
 */
#ifndef REMOTE_SIGV4_H
#define REMOTE_SIGV4_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY_HASH                                                                 \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGV4_HEX_N 65 /* 64 digits and NUL */

struct sigv4_pair {
	const char *name, *value; /* value may be NULL in a query: "name=" */
};

/* Everything that is signed; all strings are borrowed. */
struct sigv4_request {
	const char *method;
	const char *path;	    /* encoded by sigv4_path, as it goes on the wire */
	const char *query;	    /* from sigv4_query; "" for none */
	struct sigv4_pair *headers; /* all are signed; sorted in place */
	size_t headers_nr;
	const char *payload_hash;
	const char *date; /* "20130524T000000Z" */
};

/* Who signs, and the derived key of the last day and region; {0} is empty. */
struct sigv4_key {
	const char *access_key, *secret_key; /* borrowed */
	const char *region, *service;	     /* borrowed */
	char date[9];
	char region_of[64]; /* the region and service that key was made for */
	char service_of[32];
	uint8_t key[32];
};

/* Forget the derived key; call it when the secret changes and at the end. */
void sigv4_key_wipe(struct sigv4_key *k);

/* Append path with all but A-Z a-z 0-9 - . _ ~ and / as %XX. */
void sigv4_path(struct buf *out, struct slice path);
/* The same for a query's name or value, where / is encoded too. */
void sigv4_escape(struct buf *out, struct slice text);
/* Append the pairs as name=value joined by &, encoded and sorted. */
void sigv4_query(struct buf *out, const struct sigv4_pair *v, size_t nr);

/* Append the canonical request; signed gets the names joined by ';'. */
void sigv4_canonical(struct buf *out, struct buf *signed_names, struct sigv4_request *q);

/* The signature of q, as hex. */
void sigv4_sign(struct sigv4_key *k, struct sigv4_request *q, char out[SIGV4_HEX_N]);

/* Append the whole value of the Authorization header. */
void sigv4_authorization(struct buf *out, struct sigv4_key *k, struct sigv4_request *q);

/*
 * Append the query of a presigned URL: base (raw pairs) and the X-Amz- ones,
 * X-Amz-Signature last. Only q's host header is signed; payload is unsigned.
 */
void sigv4_presign(struct buf *out, struct sigv4_key *k, struct sigv4_request *q,
		   const struct sigv4_pair *base, size_t base_nr, unsigned expires_s);

/* The key derived for a date (8 digits); for tests of the derivation. */
void sigv4_derive(const char *secret, const char *date, const char *region,
		  const char *service, uint8_t out[32]);

#endif
