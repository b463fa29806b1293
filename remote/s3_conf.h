/*
 * What an S3 remote's settings come to: DVC's keys, the user's AWS profile and
 * environment (AWS_* for endpoint, region and CA), one after the other in
 * botocore's order. Nothing here speaks to the network.
 */
#ifndef REMOTE_S3_CONF_H
#define REMOTE_S3_CONF_H

#include "remote/sigv4.h"
#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct creds_chain;
struct err;
struct remote_options;

enum {
	S3_CONF_HEADERS_MAX = 12
};

struct s3_headers {
	struct sigv4_pair v[S3_CONF_HEADERS_MAX]; /* values malloc'ed, names literal */
	size_t nr;
};

struct s3_conf {
	char *label; /* for messages */
	char *bucket;
	char *prefix; /* "" or "a/b/" */
	char *region;
	bool tls, is_aws, is_virtual;
	bool dualstack, fips, accelerate;
	char *proxy;	      /* or NULL: the environment says */
	const char *provider; /* of the table of quirks; "" for one not known */
	unsigned quirks;      /* enum s3_quirk, with what a test found */
	unsigned parts_max, idle_s;
	char *endpoint;	 /* host[:port] of a custom endpoint, or NULL */
	char *base_path; /* "" or "/x" */
	/* Derived by s3_conf_address(): */
	char *host; /* as in the Host header and the URL */
	char *path; /* before the key: base_path, the bucket if by path, and "/" */

	bool anonymous, insecure, sign_payload;
	bool list_v1; /* turned on too when the server knows no other */
	char *ca;
	unsigned connect_ms, stall_ms, transfers_max, tries_max;
	uint64_t part_threshold, part_bytes;
	unsigned transfers_start;
	uint64_t limit_up, limit_down; /* bytes a second; 0: none */
	struct s3_headers object;      /* on PUT and Create: encryption, ACL, class */
	struct s3_headers key;	       /* SSE-C: on PUT, parts, GET and HEAD */
	struct s3_headers all;	       /* on every request */
};

/* Also opens the credentials, since profile and settings come together; that may
 * wait for the network (creds.h). */
int s3_conf_load(struct s3_conf *c, struct creds_chain **creds,
		 const struct remote_options *o, struct err *e) MUST_CHECK;
void s3_conf_release(struct s3_conf *c);

/* Compute host and path again, after region or endpoint changed. */
void s3_conf_address(struct s3_conf *c);

#endif
