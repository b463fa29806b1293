/*
 * A place that is no remote of objects: data under its own name at a URL, as
 * imports and `add -o` take it. remote://NAME/path is below a configured remote,
 * with its settings. Private to remote/sync.
 */
#ifndef REMOTE_SYNC_ORIGIN_H
#define REMOTE_SYNC_ORIGIN_H

#include "remote/sync/side.h"
#include "store/base/compiler.h"

struct value;

struct origin {
	struct config_remote section;  /* of remote://; else empty */
	const struct value *fs_config; /* of an import, or NULL; borrowed */
	char *url;		       /* of the root that was opened */
	char *key;		       /* of the data, below it */
	struct remote *r;
};

/* ERR_CONFIG, ERR_UNSUPPORTED, ERR_INVALID by what is wrong with the URL. Values of
 * fs_config count as those of a cloned repository. */
int origin_open(struct origin *g, struct repo *repo, const char *url,
		const struct value *fs_config, const struct sync_options *o,
		struct err *e) MUST_CHECK;
void origin_close(struct origin *g); /* accepts {0} */

struct origin_file {
	char *key;	/* below the root; malloc'ed */
	char *version;	/* or NULL; malloc'ed */
	char *path;	/* where it goes, below the target directory; malloc'ed */
	uint64_t bytes; /* 0: unknown */
};
struct origin_files {
	VEC_OF(struct origin_file) v;
};
void origin_files_release(struct origin_files *f);
/* Copies its arguments. */
void origin_files_add(struct origin_files *f, const char *key, const char *version,
		      const char *path, uint64_t bytes);

/* What lies at the key: one file named name, or all below it as name/...;
 * ERR_NOTFOUND for nothing. */
int origin_find(struct origin *g, const char *name, struct origin_files *out,
		struct err *e) MUST_CHECK;

/* Fetch them below dir (absolute, exists); the first failure ends it. */
int origin_get(struct origin *g, const struct origin_files *f, const char *dir,
	       struct sink *sink, struct err *e) MUST_CHECK;

/* A fresh directory of ours for that, absolute; malloc'ed. */
int origin_scratch(struct repo *repo, char **dir, struct err *e) MUST_CHECK;

/*
 * An import from a bucket with versions: the version on record, fetched from where
 * it was imported, into the cache. 0 also when it failed alone: noted then.
 */
bool origin_is_versioned(const struct plan_root *root);
int origin_fetch_import(struct side *s, const struct plan_root *root,
			struct err *e) MUST_CHECK;

#endif
