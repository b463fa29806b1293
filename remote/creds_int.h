/*
 * Inside the credential chain: what the sources share. Nothing outside
 * remote/creds*.c includes it, but for the tests of the parsers.
 *
 * A source is a function that fills struct creds_keys and returns 1; 0 says that
 * nothing of its kind is configured, so that the next is asked; an ERR_ code ends
 * the search, since to go on would use others than were asked for.
 */
#ifndef REMOTE_CREDS_INT_H
#define REMOTE_CREDS_INT_H

#include "remote/creds.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/slice.h"
#include "store/fmt/awsini.h"

#include <stdatomic.h>
#include <stddef.h>

struct value;

/* One set of keys; malloc'ed, wiped by release. */
struct creds_keys {
	char *access_key, *secret_key, *token, *source;
	int64_t expires_ns;
};
void creds_keys_release(struct creds_keys *k); /* accepts {0} */
void creds_wipe(char **secret);		       /* wipe, free, NULL */

/* The files and settings of one search; read once, never changed after. */
struct creds_ctx {
	char *profile; /* never NULL */
	bool is_profile_named, is_profile_foreign;
	char *credentials_file, *config_file; /* or NULL without a home */
	struct awsini credentials, config;
	char *region; /* of the remote, or NULL */
	struct sink *sink;
	bool may_ask;		   /* in the thread of the user's terminal */
	const atomic_bool *cancel; /* give up; or NULL */
};

/* A setting of a profile: config file first, then credentials; NULL: not set. */
const char *creds_setting(const struct creds_ctx *c, const char *profile,
			  const char *key);
bool creds_has_profile(const struct creds_ctx *c, const char *profile);
char *creds_home_path(const char *name); /* malloc'ed; NULL without HOME */

/* The whole search, in order. */
int creds_find(struct creds_ctx *c, struct creds_keys *out, struct err *e) MUST_CHECK;

/* The sources. */
int creds_from_env(struct creds_keys *out, struct err *e) MUST_CHECK;
int creds_from_file(const struct creds_ctx *c, const struct awsini *ini, const char *path,
		    const char *section, const char *profile, struct creds_keys *out,
		    struct err *e) MUST_CHECK;
int creds_from_sso(struct creds_ctx *c, const char *profile, struct creds_keys *out,
		   struct err *e) MUST_CHECK;
int creds_from_login(struct creds_ctx *c, const char *profile, struct creds_keys *out,
		     struct err *e) MUST_CHECK;
int creds_from_process(struct creds_ctx *c, const char *profile, const char *command,
		       struct creds_keys *out, struct err *e) MUST_CHECK;
int creds_from_container(struct creds_ctx *c, struct creds_keys *out,
			 struct err *e) MUST_CHECK;
/* *why gets a clause for "no credentials" when it returns 0; a literal. */
int creds_from_instance(struct creds_ctx *c, struct creds_keys *out, const char **why,
			struct err *e) MUST_CHECK;

/* A role, with the keys of who takes it; and one for a web identity's token. */
struct creds_role {
	const char *profile; /* for messages and settings */
	const char *arn, *session_name;
	const char *external_id, *mfa_serial, *duration_s; /* or NULL */
	const char *token_file;				   /* web identity */
};
int creds_assume_role(struct creds_ctx *c, const struct creds_role *role,
		      const struct creds_keys *base, struct creds_keys *out,
		      struct err *e) MUST_CHECK;
int creds_web_identity(struct creds_ctx *c, const struct creds_role *role,
		       struct creds_keys *out, struct err *e) MUST_CHECK;

/* A session of a role that took an MFA code and still lives: this program's, or one
 * of the AWS command line. Any thread. */
bool creds_cache_get(const struct creds_role *role, struct creds_keys *out);
void creds_cache_put(const struct creds_role *role, const struct creds_keys *k);
void creds_cache_drop(void); /* wipe them; for tests */

/* ---- the network ----------------------------------------------------------- */

struct creds_request {
	const char *method, *url;
	const char *const *headers; /* "Name: value", ended by NULL; or NULL */
	struct slice body;	    /* p NULL: none */
	const char *ca;		    /* a bundle or directory; NULL: the system's */
	unsigned connect_ms, total_ms, tries;
	bool no_proxy; /* a link-local service */
	const atomic_bool *cancel;
};
struct creds_answer {
	int status;
	struct buf text; /* holds secrets: */
};
void creds_answer_release(struct creds_answer *a); /* wipes */
/*
 * One exchange, waited for. Connection failures and 5xx are tried again, in all
 * so often as tries says. An answer of any status is success; ERR_NET names the
 * host and what happened, never headers or the query. No redirect is followed.
 */
int creds_http(const struct creds_request *q, struct creds_answer *out,
	       struct err *e) MUST_CHECK;

/* "https://HOST" of an AWS service as configured for a profile, malloc'ed. env is
 * "STS", "SSO"; service is "sts" as in a [services] section; host its usual one. */
char *creds_endpoint(const struct creds_ctx *c, const char *profile, const char *env,
		     const char *service, const char *host);
/* The region for STS, by profile; and true if it may stand in a host name. */
const char *creds_region(const struct creds_ctx *c, const char *profile);
bool creds_is_region(const char *region);
const char *creds_ca(const struct creds_ctx *c, const char *profile); /* or NULL */

/* ---- answers --------------------------------------------------------------- */

struct creds_json {
	struct arena arena;
	const struct value *root;
};
/* what names the answer in errors (ERR_CORRUPT); its text is never in them. */
int creds_json_read(struct creds_json *j, struct slice text, const char *what,
		    struct err *e) MUST_CHECK;
void creds_json_release(struct creds_json *j); /* wipes the strings */

/* How an answer spells the fields. */
struct creds_names {
	const char *access, *secret, *token, *expires;
	bool token_needed, expires_ms; /* milliseconds since 1970 as a number */
};
/* The keys of an answer: 1, or ERR_CORRUPT naming what is missing. */
int creds_json_keys(const struct value *map, const struct creds_names *n,
		    const char *what, struct creds_keys *out, struct err *e) MUST_CHECK;
/* The same of an STS answer's document, whose root is ACTION + "Response". */
int creds_sts_keys(struct slice xml, const char *action, struct creds_keys *out,
		   struct err *e) MUST_CHECK;

/* A command line as words, in the way of a POSIX shell's quoting (Python's shlex),
 * without a shell: nothing is expanded. argv is ended by NULL; release it by
 * creds_words_free. ERR_CONFIG for an open quote. */
int creds_words(const char *line, char ***argv, size_t *nr, struct err *e) MUST_CHECK;
void creds_words_free(char **argv);

/* May credentials be asked for at that URL without TLS? */
bool creds_uri_allowed(const char *url);

#endif
