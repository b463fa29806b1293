/*
 * Who we are to S3: keys from the remote's configuration, the environment, or
 * the user's AWS files, in botocore's order. Reads the environment (AWS_*).
 *
 * A chain is opened once and asked before each signature; creds_refresh() asks
 * the source again after the server called the credentials expired. Sources
 * that need a program, a token file or the network come as further providers
 * behind the same three calls; a profile that names one is ERR_UNSUPPORTED with
 * the profile and the key. Secrets are wiped when they are dropped and are in no
 * message. Not thread-safe: the network thread owns it once the remote is open.
 */
#ifndef REMOTE_CREDS_H
#define REMOTE_CREDS_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct creds_chain;
struct err;

struct creds_options {
	/* From the remote's section; NULL where it has none. */
	const char *access_key, *secret_key, *token;
	const char *profile;
	/* Used only where AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE are unset. */
	const char *credentials_file, *config_file;
	bool anonymous;
};

struct creds {
	const char *access_key, *secret_key; /* NULL: anonymous, nothing is signed */
	const char *token;		     /* or NULL */
	const char *source;		     /* "environment", "profile 'x' in '...'" */
	int64_t expires_ns; /* wall clock; 0: never, as far as is known */
};

/* Finds the source; no network. ERR_AUTH: none, or half a pair; ERR_CONFIG: a
 * file that does not parse, a profile that is not there. */
int creds_open(struct creds_chain **out, const struct creds_options *o,
	       struct err *e) MUST_CHECK;
void creds_close(struct creds_chain *c); /* accepts NULL */

/* What to sign with now; good until the next refresh. */
const struct creds *creds_get(const struct creds_chain *c);

/* Ask the source again. True in *changed if it gave something else. */
int creds_refresh(struct creds_chain *c, bool *changed, struct err *e) MUST_CHECK;

/*
 * A setting of the chosen profile, from the config file (then the credentials
 * file), or NULL: "region", "endpoint_url", "ca_bundle", "s3.addressing_style".
 * services gives a key of the profile's [services] section: "s3.endpoint_url".
 */
const char *creds_profile(const struct creds_chain *c, const char *key);
const char *creds_service(const struct creds_chain *c, const char *key);

#endif
