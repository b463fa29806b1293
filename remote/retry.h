/*
 * What to do after a request failed: a pure function of what came back and how
 * often it was tried, so that the whole table is tested without a network. The
 * S3 error code decides first, the status second (HEAD has nothing else), the
 * transport's fault where there was no answer.
 *
 * The token bucket bounds retries for an endpoint as a whole: when the server
 * is down, 10,000 jobs fail after a few hundred retries, not after 50,000.
 */
#ifndef REMOTE_RETRY_H
#define REMOTE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum retry_action {
	RETRY_STOP = 0,
	RETRY_WAIT,	   /* send again after wait_ms */
	RETRY_CLOCK,	   /* correct the clock from the answer, send again */
	RETRY_REGION,	   /* the bucket lives elsewhere: go there, once */
	RETRY_CREDENTIALS, /* ask for fresh credentials, once, send again */
};

/* Where the transport failed; RETRY_NET_NONE when an answer came. */
enum retry_net {
	RETRY_NET_NONE = 0,
	RETRY_NET_RESOLVE, /* the host's name is not known: 2 tries */
	RETRY_NET_BROKEN,  /* refused, reset, cut short, timed out */
	RETRY_NET_FINAL,   /* certificate, protocol, our own refusal */
};

enum {
	RETRY_TRIES_DATA = 5,
	RETRY_TRIES_CONTROL = 3,
	RETRY_CAP_MS = 20000,
};

struct retry_in {
	enum retry_net net;
	int status;		/* HTTP status, 0 if none came */
	const char *code;	/* S3 <Code>, or "" */
	unsigned tries;		/* sent so far, this one included */
	unsigned tries_max;	/* RETRY_TRIES_DATA or _CONTROL, or configured */
	int64_t retry_after_ms; /* from the answer, -1 if it said nothing */
	uint32_t random;	/* jitter: uniform over all values */
};

struct retry_out {
	enum retry_action action;
	bool throttled; /* slow down: concurrency is to be halved */
	unsigned wait_ms;
};

struct retry_bucket {
	int tokens;
	bool live; /* false: starts full */
};

/* Takes tokens when it answers RETRY_WAIT; an empty bucket answers RETRY_STOP. */
struct retry_out retry_decide(const struct retry_in *in, struct retry_bucket *bucket);

/* A request went through: some of the tokens come back. */
void retry_success(struct retry_bucket *bucket);

/* Which fault is a CURLcode? is_reset tells of a TLS handshake cut by a reset. */
enum retry_net retry_net_of_curl(int curl_code, bool is_reset);

/* Was it a certificate, a CA's file or no TLS at all? That is so for every request. */
bool retry_curl_is_trust(int curl_code);

/* "Retry-After": seconds, or an HTTP date seen from now_ns; capped; -1 if none. */
int64_t retry_after_ms(const char *value, int64_t now_ns);

#endif
