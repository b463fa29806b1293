/* The levels of the configuration as options, and what config, remote and cache
 * do alike with them. */
#ifndef CMD_LEVELS_H
#define CMD_LEVELS_H

#include "cmd/cmd.h"
#include "store/meta/config.h"

enum {
	LEVELS_GROUP = 3
};

/* The field is 0 where no level was given, else 1 + enum config_level. */
#define OPT_LEVELS(type, field)                                                                   \
	OPT_CONST(0, "global", type, field, 1 + CONFIG_GLOBAL, LEVELS_GROUP,                      \
		  "the user's configuration"),                                                    \
		OPT_CONST(0, "system", type, field, 1 + CONFIG_SYSTEM, LEVELS_GROUP,              \
			  "the machine's configuration"),                                         \
		OPT_CONST(                                                                        \
			0, "project", type, field, 1 + CONFIG_REPO, LEVELS_GROUP,                 \
			"the repository's configuration, .dvc/config (the default for changes)"), \
		OPT_CONST(                                                                        \
			0, "local", type, field, 1 + CONFIG_LOCAL, LEVELS_GROUP,                  \
			"this copy's configuration, .dvc/config.local, which git ignores")

/* Load it for the command's repository, or the user's levels outside of one. */
int levels_load(struct ctx *ctx, struct config **out, struct err *e) MUST_CHECK;

/* Where an edit goes: the level given, else the repository's. ERR_CONFIG outside
 * a repository where one is needed. *cwd is malloc'ed and backs out->cwd. */
int levels_edit(struct ctx *ctx, int level, struct config_edit *out, char **cwd,
		struct err *e) MUST_CHECK;

/* A value as it may be shown in a listing: secrets are stars, and so is a
 * password inside a URL. malloc'ed. */
char *levels_shown(const char *section, const char *key, const char *value);

/* Say that a secret went where git will see it. */
void levels_warn_secret(struct ctx *ctx, int level, const char *section, const char *key);

#endif
