/*
 * HTTP Digest access authentication (RFC 7616, and 2617 where there is no qop):
 * what a challenge asks, and the answer to it. Pure functions.
 */
#ifndef REMOTE_DIGEST_H
#define REMOTE_DIGEST_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

struct digest {
	char realm[256], nonce[512], opaque[512];
	bool is_sha256, is_session, has_qop;
	bool has_algorithm, has_opaque;
};

/* Of a WWW-Authenticate header; false where it has no challenge that we know. */
bool digest_parse(const char *header, struct digest *out);

struct digest_request {
	const char *user, *password;
	const char *method, *uri; /* the path and query as sent */
	uint32_t count;		  /* requests with this nonce, from 1 */
	const char *cnonce;
};

/* Append the value of the Authorization header. */
void digest_answer(const struct digest *d, const struct digest_request *q,
		   struct buf *out);

#endif
