/* Remotes as a transport wants them: every key that applies, resolved. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/map.h"
#include "store/base/path.h"
#include "store/meta/config.h"
#include "store/meta/config_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

enum {
	REMOTE_CHAIN_MAX = 16 /* remote://A/... naming remote://B/... and so on */
};

static const char *const schemes[] = {
	"s3",	  "gs",	  "ssh",   "hdfs",   "webhdfs", "azure",  "oss",
	"gdrive", "http", "https", "webdav", "webdavs", "remote",
};

/* As Python's urlparse: no network location makes it a local path, whatever the
 * scheme says. */
const char *config_url_scheme(const char *url)
{
	const char *colon = strchr(url, ':');
	size_t n;

	if (!colon || colon == url)
		return "local";
	n = (size_t)(colon - url);
	for (size_t i = 0; i < n; i++) {
		char c = url[i];
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!alpha && (i == 0 || !((c >= '0' && c <= '9') || c == '+' ||
					   c == '-' || c == '.')))
			return "local";
	}
	if (strncmp(colon, "://", 3) != 0 || strcspn(colon + 3, "/?#") == 0)
		return "local";
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strlen(schemes[i]) == n && strncasecmp(url, schemes[i], n) == 0)
			return schemes[i];
	return NULL;
}

void config_remotes(const struct config *c, struct strvec *names)
{
	struct map seen = {0};

	for (int level = 0; level < CONFIG_LEVELS; level++) {
		const struct cfg_file *f = &c->files[level][0];

		for (size_t i = 0; i < f->nr; i++) {
			const struct cfg_section *s = &f->v[i].section;

			if (cfg_rank(s) != 0 || f->v[i].key)
				continue;
			if (map_set(&seen, slice_of(s->name), 0))
				strvec_push(names, s->name);
		}
	}
	map_release(&seen);
}

bool config_has_remote(const struct config *c, const char *name)
{
	struct arena a = {0};
	struct cfg_section s = {.top = "remote", .name = cfg_lower(&a, name)};
	bool found = false;

	for (int level = 0; level < CONFIG_LEVELS && !found; level++)
		found = cfg_find(&c->files[level][0], &s, NULL) != NULL;
	arena_release(&a);
	return found;
}

static struct config_remote_key *key_of(struct config_remote *r, const char *key)
{
	for (size_t i = 0; i < r->nr; i++)
		if (strcmp(r->v[i].key, key) == 0)
			return &r->v[i];
	return NULL;
}

static void put(struct config_remote *r, const char *key, const char *value, bool trusted)
{
	struct config_remote_key *k = key_of(r, key);

	if (!k) {
		vec_push(r, ((struct config_remote_key){.key = xstrdup(key)}));
		k = &r->v[r->nr - 1];
	}
	free(k->value);
	k->value = xstrdup(value);
	k->trusted = trusted;
}

/* Everything that is said of one remote, later levels over earlier ones. */
static void gather(const struct config *c, const char *name, struct config_remote *out)
{
	struct cfg_section s = {.top = "remote", .name = name};

	for (int level = 0; level < CONFIG_LEVELS; level++) {
		for (int own = 0; own < 2; own++) {
			const struct cfg_file *f = &c->files[level][own];

			for (size_t i = 0; i < f->nr; i++) {
				const struct cfg_item *it = &f->v[i];
				bool trusted = level == CONFIG_LOCAL
						       ? !c->local_is_foreign
						       : level != CONFIG_REPO;

				if (it->key && cfg_section_eq(&it->section, &s))
					put(out, it->key, it->text, trusted);
			}
		}
	}
}

/* "remote://OTHER/sub": OTHER's keys under our own, its URL before our path. */
static int inherit(const struct config *c, const char *name, unsigned depth,
		   struct config_remote *out, struct err *e)
{
	struct config_remote own = {0};
	struct config_remote_key *url;
	struct arena a = {0};
	const char *other, *rest;
	size_t n;
	int r = 0;

	gather(c, name, &own);
	if (!config_has_remote(c, name)) {
		r = err_set(e, ERR_CONFIG, "config file error: remote '%s' doesn't exist",
			    name);
		goto out;
	}
	if (!(url = key_of(&own, "url"))) {
		r = err_set(e, ERR_CONFIG,
			    "config file error: expected 'url' for dictionary value @ "
			    "data['remote']['%s']",
			    name);
		goto out;
	}
	if (strncasecmp(url->value, "remote://", 9) == 0) {
		if (depth >= REMOTE_CHAIN_MAX) {
			r = err_set(e, ERR_CONFIG,
				    "remote '%s': more than %d remotes refer to each "
				    "other",
				    name, REMOTE_CHAIN_MAX);
			goto out;
		}
		n = strcspn(url->value + 9, "/");
		other = cfg_lower(&a, arena_strndup(&a, url->value + 9, n));
		rest = url->value + 9 + n;
		if ((r = inherit(c, other, depth + 1, out, e)) < 0)
			goto out;
		while (*rest == '/')
			rest++;
		{
			const struct config_remote_key *theirs = key_of(out, "url");
			const char *base = theirs ? theirs->value : "";
			size_t b = strlen(base);
			char *joined = xasprintf(
				"%s%s%s", base,
				*rest && b && base[b - 1] != '/' ? "/" : "", rest);

			free(url->value);
			url->value = joined;
		}
	}
	for (size_t i = 0; i < own.nr; i++)
		put(out, own.v[i].key, own.v[i].value, own.v[i].trusted);
out:
	config_remote_release(&own);
	arena_release(&a);
	return r;
}

static int no_default(const struct config *c, struct err *e)
{
	struct slice root = path_dir(c->dvc_dir ? c->dvc_dir : "");

	return err_set(
		e, ERR_CONFIG,
		"config file error: no remote specified in '%.*s'. Create a default "
		"remote with\n    lode remote add -d <remote name> <remote url>",
		SLICE_FMT(root));
}

int config_remote_open(const struct config *c, const char *name,
		       struct config_remote *out, struct err *e)
{
	struct config_remote made = {0};
	struct arena a = {0};
	int r;

	if (!name && !(name = config_str(c, "core", "remote", NULL)))
		return no_default(c, e);
	name = cfg_lower(&a, name);
	if ((r = inherit(c, name, 0, &made, e)) < 0) {
		config_remote_release(&made);
		goto out;
	}
	made.name = xstrdup(name);
	assert(key_of(&made, "url")); /* inherit() has seen to it */
	made.url = xstrdup(key_of(&made, "url")->value);
	*out = made;
out:
	arena_release(&a);
	return r;
}

void config_remote_release(struct config_remote *r)
{
	for (size_t i = 0; i < r->nr; i++) {
		if (config_is_secret("remote", r->v[i].key))
			secure_wipe(r->v[i].value, strlen(r->v[i].value));
		free(r->v[i].key);
		free(r->v[i].value);
	}
	vec_release(r);
	free(r->name);
	free(r->url);
	r->name = r->url = NULL;
}

const char *config_remote_get(void *ctx, const char *key)
{
	struct config_remote_key *k = key_of(ctx, key);

	return k ? k->value : NULL;
}

bool config_remote_trusted(void *ctx, const char *key)
{
	struct config_remote_key *k = key_of(ctx, key);

	return k && k->trusted;
}
