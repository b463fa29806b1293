/*
 * The chain as its users see it: one set of keys at a time, and a thread that
 * asks the source again when they are about to end.
 *
 *	         creds_ready: 15 min left          thread ends
 *	  GOOD -------------------------> RENEWING -----------> GOOD, other serial
 *	   |                                 |  \-- failed ---> GOOD or OVER, tried again
 *	   | creds_expired, or time is up    |                  after RETRY_NS
 *	   v                                 |
 *	  OVER: callers wait  <--------------/
 */
#include "remote/creds.h"

#include "remote/creds_int.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/sink.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX = 1 << 20
};

#define SECOND_NS INT64_C(1000000000)
/* botocore's two limits; a short life is divided, or it would never be left alone. */
#define EARLY_NS (15 * 60 * SECOND_NS)
#define LATE_NS	 (10 * 60 * SECOND_NS)
#define RETRY_NS (10 * SECOND_NS)

struct creds_chain {
	struct creds_ctx ctx; /* as first read: settings */
	bool is_fixed;	      /* nothing to ask again */
	struct creds_keys keys;
	struct creds now;
	int64_t early_ns, late_ns; /* before the end of keys */
	bool is_over;		   /* the server said so */
	unsigned hopeless;	   /* the serial for which a refresh gave nothing new */

	/* The refresh. Its thread fills fresh, code, err and then sets ended. */
	bool is_running;
	atomic_bool ended, cancel;
	pthread_t thread;
	struct creds_keys fresh;
	int code;
	struct err err;
	int64_t failed_ns; /* monotonic; 0: the last one went well */
};

static char *pick_file(const char *variable, const char *configured, const char *usual)
{
	const char *v = env_get(variable);

	if (!v)
		v = configured;
	if (!v)
		return creds_home_path(usual);
	if (v[0] == '~' && v[1] == '/')
		return creds_home_path(v + 2);
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

static void ctx_release(struct creds_ctx *x)
{
	awsini_release(&x->credentials);
	awsini_release(&x->config);
	free(x->credentials_file);
	free(x->config_file);
	free(x->profile);
	free(x->region);
	*x = (struct creds_ctx){0};
}

static int ctx_load(struct creds_ctx *x, struct err *e)
{
	int r = load(&x->credentials, x->credentials_file, e);

	return r < 0 ? r : load(&x->config, x->config_file, e);
}

static void ctx_init(struct creds_ctx *x, const struct creds_options *o)
{
	const char *profile = o->profile;

	if (!profile)
		profile = env_get("AWS_DEFAULT_PROFILE");
	if (!profile)
		profile = env_get("AWS_PROFILE");
	*x = (struct creds_ctx){
		.profile = xstrdup(profile ? profile : "default"),
		.is_profile_named = o->profile != NULL,
		.is_profile_foreign = o->profile && o->is_profile_foreign,
		.credentials_file = pick_file("AWS_SHARED_CREDENTIALS_FILE",
					      o->credentials_file, ".aws/credentials"),
		.config_file =
			pick_file("AWS_CONFIG_FILE", o->config_file, ".aws/config"),
		.region = o->region ? xstrdup(o->region) : NULL,
		.sink = o->sink,
		.may_ask = true,
	};
}

static void show(struct creds_chain *c)
{
	unsigned serial = c->now.serial + 1;
	int64_t left;

	c->now = (struct creds){
		.access_key = c->keys.access_key,
		.secret_key = c->keys.secret_key,
		.token = c->keys.token,
		.source = c->keys.source,
		.expires_ns = c->is_fixed ? 0 : c->keys.expires_ns,
		.serial = serial,
	};
	left = c->now.expires_ns - clock_wall_ns();
	c->early_ns = MIN_OF(EARLY_NS, left / 4);
	c->late_ns = MIN_OF(LATE_NS, left / 8);
	log_debug("creds", "credentials from %s%s", c->keys.source,
		  c->now.expires_ns ? ", which expire" : "");
}

static int first(struct creds_chain *c, const struct creds_options *o, struct err *e)
{
	int r;

	if (o->anonymous) {
		c->keys.source = xstrdup("anonymous");
		c->is_fixed = true;
		return 0;
	}
	if (o->access_key && o->secret_key) {
		c->keys = (struct creds_keys){
			.access_key = xstrdup(o->access_key),
			.secret_key = xstrdup(o->secret_key),
			.token = o->token ? xstrdup(o->token) : NULL,
			.source = xstrdup("the remote's configuration"),
		};
		c->is_fixed = true;
		return 0;
	}
	if (o->access_key || o->secret_key)
		return err_set(e, ERR_AUTH, "the remote's configuration has %s but no %s",
			       o->access_key ? "an access key id" : "a secret access key",
			       o->access_key ? "secret access key" : "access key id");
	r = creds_find(&c->ctx, &c->keys, e);
	if (r < 0)
		return r;
	c->is_fixed = strcmp(c->keys.source, "environment") == 0;
	return 0;
}

int creds_open(struct creds_chain **out, const struct creds_options *o, struct err *e)
{
	struct creds_chain *c = xcalloc(1, sizeof(*c));
	int r;

	ctx_init(&c->ctx, o);
	r = ctx_load(&c->ctx, e);
	if (r == 0)
		r = first(c, o, e);
	if (r < 0) {
		creds_close(c);
		return r;
	}
	show(c);
	*out = c;
	return 0;
}

void creds_close(struct creds_chain *c)
{
	if (!c)
		return;
	if (c->is_running) {
		atomic_store(&c->cancel, true);
		pthread_join(c->thread, NULL);
	}
	creds_keys_release(&c->fresh);
	creds_keys_release(&c->keys);
	ctx_release(&c->ctx);
	free(c);
}

const struct creds *creds_get(const struct creds_chain *c)
{
	return &c->now;
}

/* ---- the refresh ----------------------------------------------------------- */

static void *renew(void *arg)
{
	struct creds_chain *c = arg;
	struct creds_ctx x = {
		.profile = xstrdup(c->ctx.profile),
		.is_profile_named = c->ctx.is_profile_named,
		.is_profile_foreign = c->ctx.is_profile_foreign,
		.credentials_file =
			c->ctx.credentials_file ? xstrdup(c->ctx.credentials_file) : NULL,
		.config_file = c->ctx.config_file ? xstrdup(c->ctx.config_file) : NULL,
		.region = c->ctx.region ? xstrdup(c->ctx.region) : NULL,
		.sink = c->ctx.sink,
		.cancel = &c->cancel,
	};
	int r;

	/* Another program may have written other keys into the files meanwhile. */
	c->err = (struct err){0};
	r = ctx_load(&x, &c->err);
	if (r == 0)
		r = creds_find(&x, &c->fresh, &c->err);
	c->code = r < 0 ? r : 0;
	ctx_release(&x);
	atomic_store(&c->ended, true);
	return NULL;
}

static void start(struct creds_chain *c)
{
	sigset_t all, old;

	atomic_store(&c->ended, false);
	log_debug("creds", "asking %s again", c->keys.source);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&c->thread, NULL, renew, c) == 0) {
		c->is_running = true;
	} else {
		c->code = err_set(&c->err, ERR_IO, "cannot start a thread");
		c->failed_ns = clock_mono_ns();
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Take what a refresh that has ended brought. */
static void settle(struct creds_chain *c)
{
	if (!c->is_running || !atomic_load(&c->ended))
		return;
	pthread_join(c->thread, NULL);
	c->is_running = false;
	if (c->code < 0) {
		c->failed_ns = clock_mono_ns();
		log_debug("creds", "not renewed: %s", c->err.text);
	} else if (same_text(c->fresh.access_key, c->keys.access_key) &&
		   same_text(c->fresh.secret_key, c->keys.secret_key) &&
		   same_text(c->fresh.token, c->keys.token) &&
		   c->fresh.expires_ns == c->keys.expires_ns) {
		c->failed_ns = clock_mono_ns(); /* do not ask at each request */
		c->hopeless = c->now.serial;
		c->code = err_set(&c->err, ERR_AUTH, "%s gives the same ones again",
				  c->keys.source);
		if (c->is_over)
			c->is_over = false; /* the server may say it once more */
	} else {
		creds_keys_release(&c->keys);
		c->keys = c->fresh;
		c->fresh = (struct creds_keys){0};
		c->failed_ns = 0;
		c->is_over = false;
		show(c);
	}
	creds_keys_release(&c->fresh);
}

static bool may_start(const struct creds_chain *c)
{
	return !c->is_running &&
	       (c->failed_ns == 0 || clock_mono_ns() - c->failed_ns >= RETRY_NS);
}

int creds_ready(struct creds_chain *c, int64_t now_ns, const struct creds **out,
		struct err *e)
{
	int64_t left;

	settle(c);
	left = c->now.expires_ns ? c->now.expires_ns - now_ns : INT64_MAX;
	*out = &c->now;
	if (!c->is_over && left > c->early_ns)
		return 1;
	if (!c->is_over && left == INT64_MAX)
		return 1;
	if (may_start(c))
		start(c);
	if (!c->is_over && left > 0 && (left > c->late_ns || !c->is_running))
		return 1; /* the old ones live */
	if (c->is_running)
		return 0;
	if (e)
		*e = c->err;
	return err_ctx(e, c->code,
		       "the credentials from %s expired and could not be renewed",
		       c->keys.source);
}

bool creds_expired(struct creds_chain *c, unsigned serial)
{
	settle(c);
	if (serial != c->now.serial)
		return true;
	if (c->is_fixed ||
	    (c->hopeless == serial && clock_mono_ns() - c->failed_ns < RETRY_NS))
		return false;
	c->is_over = true;
	return true;
}

/* ---- settings -------------------------------------------------------------- */

const char *creds_profile(const struct creds_chain *c, const char *key)
{
	return creds_setting(&c->ctx, c->ctx.profile, key);
}

const char *creds_service(const struct creds_chain *c, const char *key)
{
	const char *name = creds_profile(c, "services"), *v;
	char *section;

	if (!name)
		return NULL;
	section = xasprintf("services %s", name);
	v = awsini_get(&c->ctx.config, section, key);
	free(section);
	return v;
}

static bool is_among(const char *key, const char *const *known)
{
	for (; *known; known++)
		if (strcmp(key, *known) == 0)
			return true;
	return false;
}

void creds_unknown(const struct creds_chain *c, const char *block,
		   const char *const *known, void (*fn)(void *ctx, const char *key),
		   void *ctx)
{
	const struct awsini *ini = &c->ctx.config;
	bool is_default = strcmp(c->ctx.profile, "default") == 0;
	size_t n = strlen(block);

	for (size_t i = 0; i < ini->nr; i++) {
		const char *section = ini->v[i].section, *key = ini->v[i].key;

		if (strncmp(section, "profile ", 8) == 0)
			section += 8;
		else if (!is_default)
			continue;
		if (strcmp(section, c->ctx.profile) == 0 && strncmp(key, block, n) == 0 &&
		    key[n] == '.' && !is_among(key + n + 1, known))
			fn(ctx, key);
	}
}
