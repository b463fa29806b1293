#include "cmd/levels.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/repo/repo.h"

#include <string.h>

#define MASK "***"

int levels_load(struct ctx *ctx, struct config **out, struct err *e)
{
	return config_load(out, ctx->repo ? repo_dvc_dir(ctx->repo) : NULL, e);
}

int levels_edit(struct ctx *ctx, int level, struct config_edit *out, char **cwd,
		struct err *e)
{
	enum config_level at = level ? (enum config_level)(level - 1) : CONFIG_REPO;

	if (!ctx->repo && (at == CONFIG_REPO || at == CONFIG_LOCAL))
		return err_set(e, ERR_CONFIG, "config file error: Not inside a DVC repo");
	*cwd = fs_cwd(e);
	if (!*cwd)
		return e->code;
	*out = (struct config_edit){
		.dvc_dir = ctx->repo ? repo_dvc_dir(ctx->repo) : NULL,
		.level = at,
		.cwd = *cwd,
	};
	return 0;
}

char *levels_shown(const char *section, const char *key, const char *value)
{
	const char *host = strstr(value, "://"), *at, *colon, *slash;
	struct buf b = {0};

	if (config_is_secret(section, key))
		return xstrdup(MASK);
	if (!host)
		return xstrdup(value);
	host += 3;
	slash = strchr(host, '/');
	at = strchr(host, '@');
	colon = strchr(host, ':');
	if (!at || !colon || colon > at || (slash && at > slash))
		return xstrdup(value);
	buf_add(&b, value, (size_t)(colon + 1 - value));
	buf_adds(&b, MASK);
	buf_adds(&b, at);
	return buf_detach(&b);
}

void levels_warn_secret(struct ctx *ctx, int level, const char *section, const char *key)
{
	if ((level && level - 1 != CONFIG_REPO) || !config_is_secret(section, key))
		return;
	ui_warn(&ctx->ui,
		"'%s' is a secret, and it now stands in '.dvc/config', which git tracks; "
		"take it out with '-u' and set it with '--local'",
		key);
}
