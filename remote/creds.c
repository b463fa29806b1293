#include "remote/creds.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/fmt/awsini.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX = 1 << 20
};

struct creds_chain {
	char *access_key, *secret_key, *token; /* malloc'ed, wiped */
	char *source;
	struct creds now;
	/* The options, kept for a refresh. */
	bool anonymous;
	bool is_profile_named; /* in the remote's section */
	bool is_explicit;
	char *profile;	      /* never NULL */
	char *config_section; /* "default" or "profile x" */
	char *credentials_file, *config_file;
	struct awsini credentials, config;
};

static void drop(char **secret)
{
	if (*secret)
		secure_wipe(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static char *home_path(const char *name)
{
	const char *home = env_get("HOME");

	return home ? path_join(home, name) : NULL;
}

static char *pick_file(const char *variable, const char *configured, const char *usual)
{
	const char *v = env_get(variable);

	if (!v)
		v = configured;
	if (!v)
		return home_path(usual);
	if (v[0] == '~' && v[1] == '/')
		return home_path(v + 2);
	return xstrdup(v);
}

static int load(struct awsini *out, const char *path, struct err *e)
{
	struct buf text = {0};
	int r;

	if (!path)
		return 0;
	r = fs_read(AT_FDCWD, path, FILE_MAX, &text, e);
	if (r == ERR_NOTFOUND)
		r = 0;
	else if (r == 0)
		r = awsini_read(out, buf_slice(&text), path, e);
	if (text.p)
		secure_wipe(text.p, text.cap);
	buf_release(&text);
	return r;
}

static int half(struct err *e, const char *where, const char *have, const char *lacks)
{
	return err_set(e, ERR_AUTH, "%s has %s but no %s", where, have, lacks);
}

/* 1: taken; 0: nothing of the kind; or an error for half a pair. */
static int take_pair(struct creds_chain *c, const char *where, const char *access,
		     const char *secret, const char *token, struct err *e)
{
	if (!access && !secret)
		return 0;
	if (!secret)
		return half(e, where, "an access key id", "secret access key");
	if (!access)
		return half(e, where, "a secret access key", "access key id");
	drop(&c->access_key);
	drop(&c->secret_key);
	drop(&c->token);
	free(c->source);
	c->access_key = xstrdup(access);
	c->secret_key = xstrdup(secret);
	c->token = token && token[0] ? xstrdup(token) : NULL;
	c->source = xstrdup(where);
	return 1;
}

static int from_file(struct creds_chain *c, const struct awsini *ini, const char *path,
		     const char *section, struct err *e)
{
	const char *access = awsini_get(ini, section, "aws_access_key_id");
	const char *secret = awsini_get(ini, section, "aws_secret_access_key");
	const char *token = awsini_get(ini, section, "aws_session_token");
	char *where = xasprintf("profile '%s' in '%s'", c->profile, path ? path : "");
	int r;

	if (!token)
		token = awsini_get(ini, section, "aws_security_token");
	r = take_pair(c, where, access, secret, token, e);
	free(where);
	return r;
}

/*
 * A profile that says how to get credentials, in a way that is not offered:
 * stop there, since to go on would use others than were asked for.
 */
static int refuse(const struct creds_chain *c, const char *const *keys, struct err *e)
{
	for (; *keys; keys++)
		if (creds_profile(c, *keys))
			return err_set(
				e, ERR_UNSUPPORTED,
				"profile '%s' needs '%s', which is not offered yet; "
				"put static keys into the profile or the environment",
				c->profile, *keys);
	return 0;
}

static int find(struct creds_chain *c, struct err *e)
{
	static const char *const before[] = {"role_arn", "web_identity_token_file", NULL};
	static const char *const sso[] = {"sso_session", "sso_start_url", NULL};
	static const char *const process[] = {"credential_process", "login_session",
					      NULL};
	int r = 0;

	if (!c->is_profile_named)
		r = take_pair(c, "environment", env_get("AWS_ACCESS_KEY_ID"),
			      env_get("AWS_SECRET_ACCESS_KEY"),
			      env_get("AWS_SESSION_TOKEN"), e);
	if (r != 0)
		return r;
	if ((r = refuse(c, before, e)) < 0)
		return r;
	if (env_get("AWS_WEB_IDENTITY_TOKEN_FILE") && env_get("AWS_ROLE_ARN"))
		return err_set(
			e, ERR_UNSUPPORTED,
			"AWS_WEB_IDENTITY_TOKEN_FILE is set, but web identity is not "
			"offered yet");
	if ((r = refuse(c, sso, e)) < 0)
		return r;
	r = from_file(c, &c->credentials, c->credentials_file, c->profile, e);
	if (r == 0)
		r = refuse(c, process, e);
	if (r == 0)
		r = from_file(c, &c->config, c->config_file, c->config_section, e);
	if (r != 0)
		return r;
	if (c->is_profile_named && !awsini_has_section(&c->credentials, c->profile) &&
	    !awsini_has_section(&c->config, c->config_section))
		return err_set(e, ERR_CONFIG,
			       "the profile '%s' is in neither '%s' nor '%s'", c->profile,
			       c->credentials_file ? c->credentials_file : "",
			       c->config_file ? c->config_file : "");
	return err_set(e, ERR_AUTH,
		       "no credentials: tried %s the profile '%s' in '%s' and '%s'",
		       c->is_profile_named ? "" : "the environment and", c->profile,
		       c->credentials_file ? c->credentials_file : "",
		       c->config_file ? c->config_file : "");
}

static void show(struct creds_chain *c)
{
	c->now = (struct creds){
		.access_key = c->access_key,
		.secret_key = c->secret_key,
		.token = c->token,
		.source = c->source,
	};
}

int creds_open(struct creds_chain **out, const struct creds_options *o, struct err *e)
{
	struct creds_chain *c = xcalloc(1, sizeof(*c));
	const char *profile = o->profile;
	int r;

	if (!profile)
		profile = env_get("AWS_DEFAULT_PROFILE");
	if (!profile)
		profile = env_get("AWS_PROFILE");
	if (!profile)
		profile = "default";
	c->anonymous = o->anonymous;
	c->is_profile_named = o->profile != NULL;
	c->profile = xstrdup(profile);
	c->config_section = strcmp(profile, "default") == 0
				    ? xstrdup("default")
				    : xasprintf("profile %s", profile);
	c->credentials_file = pick_file("AWS_SHARED_CREDENTIALS_FILE",
					o->credentials_file, ".aws/credentials");
	c->config_file = pick_file("AWS_CONFIG_FILE", o->config_file, ".aws/config");
	r = load(&c->credentials, c->credentials_file, e);
	if (r == 0)
		r = load(&c->config, c->config_file, e);
	/* "[profile default]" counts as well, before "[default]". */
	if (r == 0 && strcmp(profile, "default") == 0 &&
	    awsini_has_section(&c->config, "profile default")) {
		free(c->config_section);
		c->config_section = xstrdup("profile default");
	}
	if (r == 0 && c->anonymous) {
		c->source = xstrdup("anonymous");
	} else if (r == 0) {
		r = take_pair(c, "the remote's configuration", o->access_key,
			      o->secret_key, o->token, e);
		c->is_explicit = r == 1;
		if (r == 0)
			r = find(c, e);
		r = r > 0 ? 0 : r;
	}
	if (r < 0) {
		creds_close(c);
		return r;
	}
	show(c);
	log_debug("creds", "credentials from %s", c->source);
	*out = c;
	return 0;
}

void creds_close(struct creds_chain *c)
{
	if (!c)
		return;
	drop(&c->access_key);
	drop(&c->secret_key);
	drop(&c->token);
	free(c->source);
	free(c->profile);
	free(c->config_section);
	free(c->credentials_file);
	free(c->config_file);
	awsini_release(&c->credentials);
	awsini_release(&c->config);
	free(c);
}

const struct creds *creds_get(const struct creds_chain *c)
{
	return &c->now;
}

int creds_refresh(struct creds_chain *c, bool *changed, struct err *e)
{
	struct awsini credentials = {0}, config = {0};
	char *old;
	int r;

	*changed = false;
	if (c->anonymous || c->is_explicit || strcmp(c->source, "environment") == 0)
		return 0;
	/* Another program may have written fresh keys into the file. */
	r = load(&credentials, c->credentials_file, e);
	if (r == 0)
		r = load(&config, c->config_file, e);
	if (r < 0) {
		awsini_release(&credentials);
		return r;
	}
	awsini_release(&c->credentials);
	awsini_release(&c->config);
	c->credentials = credentials;
	c->config = config;
	old = xasprintf("%s %s", c->secret_key, c->token ? c->token : "");
	r = find(c, e);
	if (r == 1) {
		char *now = xasprintf("%s %s", c->secret_key, c->token ? c->token : "");

		*changed = strcmp(old, now) != 0;
		drop(&now);
		r = 0;
	}
	drop(&old);
	show(c);
	return r;
}

const char *creds_profile(const struct creds_chain *c, const char *key)
{
	const char *v = awsini_get(&c->config, c->config_section, key);

	return v ? v : awsini_get(&c->credentials, c->profile, key);
}

const char *creds_service(const struct creds_chain *c, const char *key)
{
	const char *name = creds_profile(c, "services"), *v;
	char *section;

	if (!name)
		return NULL;
	section = xasprintf("services %s", name);
	v = awsini_get(&c->config, section, key);
	free(section);
	return v;
}
