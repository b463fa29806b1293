/*
 * Who we are to S3: keys from the remote's configuration, the environment, the
 * user's AWS files, a role, a web identity, SSO, a program, a container's or an
 * instance's metadata service, in botocore's order. Reads the environment
 * (AWS_*, HOME).
 *
 * creds_open() finds the source and asks it, which may run a program, use the
 * network and put a question to the user: call it where waiting is allowed. What
 * expires is renewed on time by a thread of the chain's own, one refresh for all
 * who ask, and never in the thread that signs: creds_ready() says "not yet".
 * Secrets are wiped when they are dropped and are in no message.
 *
 * creds_ready, creds_expired and creds_get belong to one thread (the network
 * one); what they point at is good until the next creds_ready.
 */
#ifndef REMOTE_CREDS_H
#define REMOTE_CREDS_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct creds_chain;
struct err;
struct sink;

struct creds_options {
	/* From the remote's section; NULL where it has none. */
	const char *access_key, *secret_key, *token;
	const char *profile;
	/* The profile was named by the cloned repository: its keys and its SSO login
	 * count, a program, a token file or a role of it does not. */
	bool is_profile_foreign;
	/* Used only where AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE are unset. */
	const char *credentials_file, *config_file;
	const char *region; /* of the remote: STS is asked there if nobody says where */
	bool anonymous;
	struct sink *sink; /* notes, and the question for an MFA code; or NULL */
};

struct creds {
	const char *access_key, *secret_key; /* NULL: anonymous, nothing is signed */
	const char *token;		     /* or NULL */
	const char *source;		     /* "environment", "profile 'x' in '...'" */
	int64_t expires_ns; /* wall clock; 0: never, as far as is known */
	unsigned serial;    /* another one: other keys */
};

/* ERR_AUTH: none, half a pair, or refused; ERR_CONFIG: a file that does not parse,
 * a profile that is not there; ERR_NET: the source does not answer; ERR_CANCELED. */
int creds_open(struct creds_chain **out, const struct creds_options *o,
	       struct err *e) MUST_CHECK;
void creds_close(struct creds_chain *c); /* stops a refresh; accepts NULL */

/* What was last given to sign with; never waits. */
const struct creds *creds_get(const struct creds_chain *c);

/*
 * What to sign with at now_ns (the server's clock, as far as it is known): 1 with
 * *out; 0 when fresh ones are on their way and the old ones are no more, or almost,
 * so ask again soon; ERR_ when there are none to be had. Starts a refresh when it
 * is time for one.
 */
int creds_ready(struct creds_chain *c, int64_t now_ns, const struct creds **out,
		struct err *e) MUST_CHECK;

/* The server called the keys of that serial expired. True: others are there or on
 * their way, so send again; false: the source has nothing else to give. */
bool creds_expired(struct creds_chain *c, unsigned serial) MUST_CHECK;

/*
 * A setting of the chosen profile, from the config file (then the credentials
 * file), or NULL: "region", "endpoint_url", "ca_bundle", "s3.addressing_style".
 * services gives a key of the profile's [services] section: "s3.endpoint_url".
 */
const char *creds_profile(const struct creds_chain *c, const char *key);
const char *creds_service(const struct creds_chain *c, const char *key);

/* Keys of the profile's "s3" block that are not among known (ended by NULL):
 * calls fn with each. */
void creds_unknown(const struct creds_chain *c, const char *block,
		   const char *const *known, void (*fn)(void *ctx, const char *key),
		   void *ctx);

#endif
