/*
 * Which source: the user's AWS files, the environment, and the order in which
 * they are asked. The order and the treatment of source profiles are botocore's.
 */
#include "remote/creds_int.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/vec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROLES_MAX = 16 /* of a chain of source profiles */
};

void creds_wipe(char **secret)
{
	if (*secret)
		secure_wipe(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void creds_keys_release(struct creds_keys *k)
{
	creds_wipe(&k->access_key);
	creds_wipe(&k->secret_key);
	creds_wipe(&k->token);
	free(k->source);
	*k = (struct creds_keys){0};
}

char *creds_home_path(const char *name)
{
	const char *home = env_get("HOME");

	return home ? path_join(home, name) : NULL;
}

static char *section_of(const struct creds_ctx *c, const char *profile)
{
	/* "[profile default]" counts as well, before "[default]". */
	if (strcmp(profile, "default") == 0 &&
	    !awsini_has_section(&c->config, "profile default"))
		return xstrdup("default");
	return xasprintf("profile %s", profile);
}

const char *creds_setting(const struct creds_ctx *c, const char *profile, const char *key)
{
	char *section = section_of(c, profile);
	const char *v = awsini_get(&c->config, section, key);

	free(section);
	if (!v)
		v = awsini_get(&c->credentials, profile, key);
	return v && v[0] ? v : NULL;
}

bool creds_has_profile(const struct creds_ctx *c, const char *profile)
{
	char *section = section_of(c, profile);
	bool has = awsini_has_section(&c->credentials, profile) ||
		   awsini_has_section(&c->config, section);

	free(section);
	return has;
}

static int half(struct err *e, const char *where, const char *have, const char *lacks)
{
	return err_set(e, ERR_AUTH, "%s has %s but no %s", where, have, lacks);
}

/* 1: taken; 0: nothing of the kind; or an error for half a pair. */
static int take_pair(struct creds_keys *out, const char *where, const char *access,
		     const char *secret, const char *token, struct err *e)
{
	if (!access && !secret)
		return 0;
	if (!secret)
		return half(e, where, "an access key id", "secret access key");
	if (!access)
		return half(e, where, "a secret access key", "access key id");
	*out = (struct creds_keys){
		.access_key = xstrdup(access),
		.secret_key = xstrdup(secret),
		.token = token && token[0] ? xstrdup(token) : NULL,
		.source = xstrdup(where),
	};
	return 1;
}

int creds_from_env(struct creds_keys *out, struct err *e)
{
	const char *token = env_get("AWS_SESSION_TOKEN"),
		   *expires = env_get("AWS_CREDENTIAL_EXPIRATION");
	int r;

	if (!token)
		token = env_get("AWS_SECURITY_TOKEN");
	r = take_pair(out, "environment", env_get("AWS_ACCESS_KEY_ID"),
		      env_get("AWS_SECRET_ACCESS_KEY"), token, e);
	/* Only told, not obeyed: nothing could be asked for others. */
	if (r == 1 && expires && !clock_parse(expires, strlen(expires), &out->expires_ns))
		out->expires_ns = 0;
	return r;
}

int creds_from_file(const struct creds_ctx *c, const struct awsini *ini, const char *path,
		    const char *section, const char *profile, struct creds_keys *out,
		    struct err *e)
{
	const char *access = awsini_get(ini, section, "aws_access_key_id");
	const char *secret = awsini_get(ini, section, "aws_secret_access_key");
	const char *token = awsini_get(ini, section, "aws_session_token");
	char *where = xasprintf("profile '%s' in '%s'", profile, path ? path : "");
	int r;

	(void)c;
	if (!token)
		token = awsini_get(ini, section, "aws_security_token");
	r = take_pair(out, where, access, secret, token, e);
	free(where);
	return r;
}

/*
 * A clone must never execute: what runs a program, reads a file into a request or
 * takes a role is the user's to choose, so not by a profile that the repository
 * picked among the user's own.
 */
static int guard(const struct creds_ctx *c, const char *profile, const char *key,
		 struct err *e)
{
	if (!c->is_profile_foreign || strcmp(profile, c->profile) != 0)
		return 0;
	return err_set(e, ERR_AUTH,
		       "the repository's own configuration names the profile '%s', whose "
		       "'%s' is used only if you choose that profile yourself: "
		       "lode remote modify --local NAME profile %s",
		       profile, key, profile);
}

static int missing(struct err *e, const char *profile, const char *key, const char *lacks)
{
	return err_set(e, ERR_CONFIG, "profile '%s' has '%s' but no '%s'", profile, key,
		       lacks);
}

static int from_credentials(struct creds_ctx *c, const char *profile,
			    struct creds_keys *out, struct err *e)
{
	return creds_from_file(c, &c->credentials, c->credentials_file, profile, profile,
			       out, e);
}

static int from_config(struct creds_ctx *c, const char *profile, struct creds_keys *out,
		       struct err *e)
{
	char *section = section_of(c, profile);
	int r = creds_from_file(c, &c->config, c->config_file, section, profile, out, e);

	free(section);
	return r;
}

static bool has_static(const struct creds_ctx *c, const char *profile)
{
	return creds_setting(c, profile, "aws_access_key_id") ||
	       creds_setting(c, profile, "aws_secret_access_key");
}

static bool has_role(const struct creds_ctx *c, const char *profile)
{
	return creds_setting(c, profile, "role_arn") &&
	       !creds_setting(c, profile, "web_identity_token_file");
}

static int from_web_identity(struct creds_ctx *c, const char *profile, bool with_env,
			     struct creds_keys *out, struct err *e)
{
	const char *file = with_env ? env_get("AWS_WEB_IDENTITY_TOKEN_FILE") : NULL;
	const char *arn = with_env ? env_get("AWS_ROLE_ARN") : NULL;
	const char *name = with_env ? env_get("AWS_ROLE_SESSION_NAME") : NULL;
	bool is_env = file != NULL;
	int r;

	if (!file) {
		file = creds_setting(c, profile, "web_identity_token_file");
		if (!file)
			return 0;
		if ((r = guard(c, profile, "web_identity_token_file", e)) < 0)
			return r;
	}
	if (!arn)
		arn = creds_setting(c, profile, "role_arn");
	if (!name)
		name = creds_setting(c, profile, "role_session_name");
	if (!arn && is_env)
		return err_set(e, ERR_CONFIG,
			       "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is "
			       "not");
	if (!arn)
		return missing(e, profile, "web_identity_token_file", "role_arn");
	return creds_web_identity(c,
				  &(struct creds_role){
					  .profile = is_env ? "AWS_ROLE_ARN" : profile,
					  .arn = arn,
					  .session_name = name,
					  .token_file = file,
				  },
				  out, e);
}

/* What botocore calls the profile's providers: all but roles and metadata. */
static int from_profile(struct creds_ctx *c, const char *profile, bool with_env,
			struct creds_keys *out, struct err *e)
{
	const char *command;
	int r = from_web_identity(c, profile, with_env, out, e);

	if (r == 0)
		r = creds_from_sso(c, profile, out, e);
	if (r == 0)
		r = from_credentials(c, profile, out, e);
	if (r == 0)
		r = creds_from_login(c, profile, out, e);
	command = creds_setting(c, profile, "credential_process");
	if (r == 0 && command && (r = guard(c, profile, "credential_process", e)) == 0)
		r = creds_from_process(c, profile, command, out, e);
	if (r == 0)
		r = from_config(c, profile, out, e);
	return r;
}

static int from_role(struct creds_ctx *c, const char *profile, const char **seen,
		     size_t seen_nr, struct creds_keys *out, struct err *e);

static int from_source_profile(struct creds_ctx *c, const char *profile,
			       const char *source, const char **seen, size_t seen_nr,
			       struct creds_keys *out, struct err *e)
{
	bool is_self = strcmp(source, profile) == 0;
	int r;

	if (!creds_has_profile(c, source))
		return err_set(e, ERR_CONFIG,
			       "profile '%s': its source_profile '%s' is not there",
			       profile, source);
	for (size_t i = 0; i < seen_nr; i++)
		if (strcmp(seen[i], source) == 0 && !(is_self && has_static(c, source)))
			return err_set(e, ERR_CONFIG,
				       "profile '%s': source_profile '%s' leads in a "
				       "circle",
				       profile, source);
	if (!has_static(c, source) && has_role(c, source))
		return from_role(c, source, seen, seen_nr, out, e);
	r = from_profile(c, source, false, out, e);
	if (r == 0)
		r = err_set(e, ERR_AUTH,
			    "profile '%s': its source_profile '%s' has no credentials",
			    profile, source);
	return r;
}

static int from_source(struct creds_ctx *c, const char *profile, const char *source,
		       struct creds_keys *out, struct err *e)
{
	const char *why = "";
	int r;

	if (strcmp(source, "Environment") == 0)
		r = creds_from_env(out, e);
	else if (strcmp(source, "EcsContainer") == 0)
		r = creds_from_container(c, out, e);
	else if (strcmp(source, "Ec2InstanceMetadata") == 0)
		r = creds_from_instance(c, out, &why, e);
	else
		return err_set(e, ERR_CONFIG,
			       "profile '%s': credential_source '%s' is none of "
			       "Environment, Ec2InstanceMetadata, EcsContainer",
			       profile, source);
	if (r == 0)
		r = err_set(e, ERR_AUTH,
			    "profile '%s': credential_source '%s' has none%s%s", profile,
			    source, why[0] ? ": " : "", why);
	return r;
}

static int from_role(struct creds_ctx *c, const char *profile, const char **seen,
		     size_t seen_nr, struct creds_keys *out, struct err *e)
{
	const char *source = creds_setting(c, profile, "source_profile");
	const char *other = creds_setting(c, profile, "credential_source");
	struct creds_keys base = {0};
	struct creds_role role = {
		.profile = profile,
		.arn = creds_setting(c, profile, "role_arn"),
		.session_name = creds_setting(c, profile, "role_session_name"),
		.external_id = creds_setting(c, profile, "external_id"),
		.mfa_serial = creds_setting(c, profile, "mfa_serial"),
		.duration_s = creds_setting(c, profile, "duration_seconds"),
	};
	int r;

	if ((r = guard(c, profile, "role_arn", e)) < 0)
		return r;
	if (source && other)
		return err_set(e, ERR_CONFIG,
			       "profile '%s' has both 'source_profile' and "
			       "'credential_source'",
			       profile);
	if (!source && !other)
		return missing(e, profile, "role_arn", "source_profile");
	if (seen_nr == ROLES_MAX)
		return err_set(e, ERR_CONFIG,
			       "profile '%s': more than %d roles take one another",
			       profile, ROLES_MAX);
	seen[seen_nr++] = profile;
	r = source ? from_source_profile(c, profile, source, seen, seen_nr, &base, e)
		   : from_source(c, profile, other, &base, e);
	if (r == 1)
		r = creds_assume_role(c, &role, &base, out, e);
	creds_keys_release(&base);
	return r;
}

static int none(const struct creds_ctx *c, const char *why, struct err *e)
{
	const char *credentials = c->credentials_file ? c->credentials_file : "";
	const char *config = c->config_file ? c->config_file : "";

	if ((c->is_profile_named || strcmp(c->profile, "default") != 0) &&
	    !creds_has_profile(c, c->profile))
		return err_set(e, ERR_CONFIG,
			       "the profile '%s' is in neither '%s' nor '%s'", c->profile,
			       credentials, config);
	return err_set(e, ERR_AUTH,
		       "no credentials: tried %sthe profile '%s' in '%s' and '%s', a "
		       "container's service (not configured), and the instance metadata "
		       "service (%s)",
		       c->is_profile_named ? "" : "the environment, ", c->profile,
		       credentials, config, why);
}

int creds_find(struct creds_ctx *c, struct creds_keys *out, struct err *e)
{
	const char *seen[ROLES_MAX], *why = "";
	int r = 0;

	if (!c->is_profile_named)
		r = creds_from_env(out, e);
	if (r == 0 && has_role(c, c->profile))
		r = from_role(c, c->profile, seen, 0, out, e);
	if (r == 0)
		r = from_profile(c, c->profile, !c->is_profile_named, out, e);
	/* A profile asked for that is not there: to go on would be a guess. */
	if (r == 0 && c->is_profile_named && !creds_has_profile(c, c->profile))
		return none(c, why, e);
	if (r == 0)
		r = creds_from_container(c, out, e);
	if (r == 0)
		r = creds_from_instance(c, out, &why, e);
	return r == 0 ? none(c, why, e) : r;
}

/* ---- where AWS's services are ---------------------------------------------- */

bool creds_is_region(const char *region)
{
	size_t n = strlen(region);

	return n > 0 && n < 64 &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

const char *creds_region(const struct creds_ctx *c, const char *profile)
{
	const char *v = env_get("AWS_REGION");

	if (!v)
		v = env_get("AWS_DEFAULT_REGION");
	if (!v)
		v = creds_setting(c, profile, "region");
	return v ? v : c->region;
}

const char *creds_ca(const struct creds_ctx *c, const char *profile)
{
	const char *v = env_get("AWS_CA_BUNDLE");

	if (!v)
		v = creds_setting(c, profile, "ca_bundle");
	return v ? v : env_get("REQUESTS_CA_BUNDLE");
}

static bool is_true(const char *v)
{
	return v && (v[0] == 't' || v[0] == 'T') && strlen(v) == 4;
}

static const char *configured_endpoint(const struct creds_ctx *c, const char *profile,
				       const char *env, const char *service)
{
	const char *v, *services;
	char *name;

	if (is_true(env_get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) ||
	    is_true(creds_setting(c, profile, "ignore_configured_endpoint_urls")))
		return NULL;
	name = xasprintf("AWS_ENDPOINT_URL_%s", env);
	v = env_get(name);
	free(name);
	if (!v)
		v = env_get("AWS_ENDPOINT_URL");
	services = creds_setting(c, profile, "services");
	if (!v && services) {
		char *section = xasprintf("services %s", services);
		char *key = xasprintf("%s.endpoint_url", service);

		v = awsini_get(&c->config, section, key);
		free(section);
		free(key);
	}
	return v ? v : creds_setting(c, profile, "endpoint_url");
}

char *creds_endpoint(const struct creds_ctx *c, const char *profile, const char *env,
		     const char *service, const char *host)
{
	const char *v = configured_endpoint(c, profile, env, service);
	size_t n;

	if (!v)
		return xasprintf("https://%s", host);
	n = strlen(v);
	while (n > 0 && v[n - 1] == '/')
		n--;
	return xmemdup0(v, n);
}
