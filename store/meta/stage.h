/*
 * Stages in memory: what the .dvc files, dvc.yaml and dvc.lock of one tree say,
 * resolved. A tree is the workspace or a git revision. Everything hangs on one
 * arena and is read-only once collected, so that threads may share it.
 *
 * Paths are relative to the repository's root and normal, so that they compare
 * as text; the text as written is kept beside them for writing back.
 */
#ifndef STORE_META_STAGE_H
#define STORE_META_STAGE_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/odb/oid.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;
struct stage;
struct value; /* store/fmt: a parsed YAML or JSON value */

enum stage_kind {
	STAGE_DATA = 0,	   /* a .dvc file with outs only */
	STAGE_IMPORT_REPO, /* one dep with repo:, one out */
	STAGE_IMPORT_URL,  /* one other dep, one out */
	STAGE_IMPORT_DB,   /* one dep with db:, one out */
	STAGE_PIPELINE,	   /* of a dvc.yaml */
};

/* The key that the hash of a dep or an out stood under. */
enum hash_key {
	HASH_KEY_NONE = 0,
	HASH_KEY_MD5,
	HASH_KEY_ETAG,
	HASH_KEY_CHECKSUM,
};

/* Where a version-aware remote put a file: one entry of cloud:. */
struct cloud_entry {
	const char *remote; /* NULL: absent */
	const char *etag, *checksum, *md5, *version_id;
	int64_t size, nfiles; /* -1: absent */
	bool is_exec;
};

/* One entry of files: a directory spelled out. */
struct out_file {
	const char *path;      /* relpath, checked as manifest paths are */
	const char *hash_text; /* as written, or NULL */
	enum hash_key hash_key;
	struct oid oid; /* from hash_text where it parses */
	const char *version_id;
	int64_t size; /* -1: absent */
	bool is_exec;
	struct cloud_entry cloud;
};

/* What deps and outs share: a path and what is known of its content. */
struct pinned {
	const char *path; /* relative to the root; NULL if outside or a URL */
	const char *text; /* as written (after interpolation), relative to wdir */
	/* Outside: a URL, an absolute path, or "../x" as seen from the root. */
	const char *abs;
	const char *hash_text; /* the hash as written, NULL if absent or empty */
	enum hash_key hash_key;
	const char *hash_name; /* the value of hash:, NULL if absent (2.x) */
	/*
	 * OID_MD5 or OID_LEGACY when hash_text is an md5 that parses; else
	 * OID_NONE. An out with hash_text and OID_NONE names an object that
	 * cannot exist: never treat it as "no hash".
	 */
	struct oid oid;
	int64_t size, nfiles; /* -1: absent */
	bool is_exec;
	const char *version_id;
	const char *etag, *checksum, *md5; /* beside hash_text, as tools leave them */
	struct cloud_entry cloud;
	struct out_file *files; /* sorted by path */
	size_t files_nr;
	bool has_files;		       /* files: stands there, perhaps empty */
	const struct value *fs_config; /* NULL: absent */
};

struct out {
	struct pinned at;
	struct stage *stage;
	uint32_t index; /* within its stage */
	bool cache;	/* false: neither cached nor git-ignored */
	bool persist;
	bool push;
	bool is_metric, is_plot;
	bool is_legacy;	    /* has a hash but no hash: key: the 2.x half of the cache */
	const char *remote; /* its own remote, or NULL */
	const char *desc, *type;
	const char *const *labels; /* NULL-terminated, or NULL */
	const struct value *meta;
	const struct value *plot_props; /* template, x, y ... of a plot, or NULL */
	unsigned line;
};

struct dep_repo {
	const char *url;
	const char *rev, *rev_lock;	       /* NULL: absent */
	const char *config_path, *remote_name; /* where they are strings */
	const struct value *config, *remote;   /* as written */
};

struct dep_param {
	const char *key;	   /* dotted, as declared */
	const struct value *value; /* of dvc.lock; NULL: not there */
};

struct dep {
	struct pinned at;
	struct stage *stage;
	bool is_params;	 /* at.path is a parameters file */
	bool whole_file; /* of is_params: all keys */
	struct dep_param *params;
	size_t params_nr;
	struct dep_repo *repo;	/* of an import, else NULL */
	const struct value *db; /* of a database import, else NULL */
	const char *dataset;	/* ds://NAME, else NULL */
	const struct value *dataset_lock;
	unsigned line;
};

struct stage {
	enum stage_kind kind;
	const char *file;	/* relative to the root: "data.dvc", "sub/dvc.yaml" */
	const char *name;	/* of a pipeline stage, with its @key; else NULL */
	const char *wdir;	/* relative to the root, "" for the root itself */
	const char *wdir_text;	/* as written, or NULL */
	const char *const *cmd; /* NULL-terminated; one element when it was a string */
	bool cmd_is_list;
	bool frozen, always_changed;
	bool is_parametrized; /* made by ${}, foreach or matrix: cannot be rewritten */
	bool in_lock;	      /* dvc.lock has an entry for it */
	const char *const *lock_cmd; /* as cmd; NULL without an entry */
	bool lock_cmd_is_list;
	const char *desc;
	const char *md5; /* stage checksum of an import as written, or NULL */
	const struct value *meta;
	struct dep *deps;
	size_t deps_nr;
	struct out *outs; /* in file order: outs, metrics, plots */
	size_t outs_nr;
	unsigned line;
	size_t id; /* its index in stages.v */
};

struct stages {
	struct arena arena;
	const char *root; /* absolute, to know absolute paths inside; NULL: unknown */
	const char *cwd;  /* relative to the root, for messages; NULL: the root */
	struct stage **v; /* file by file in path order, then file order */
	size_t nr, cap;
	/* Below: filled by stages_index(). */
	struct out **outs; /* those with at.path, sorted by it (memcmp) */
	size_t outs_nr;
	struct map by_path; /* at.path -> first index in outs */
	bool indexed;
};

void stages_release(struct stages *s);
struct stage *stages_add(struct stages *s, const char *file); /* zeroed, kind data */
/* Room for outs and deps, with sizes and flags at their defaults (-1, cache, push). */
struct out *stage_alloc_outs(struct stages *s, struct stage *st, size_t nr);
struct dep *stage_alloc_deps(struct stages *s, struct stage *st, size_t nr);
void stages_index(struct stages *s); /* after the last addition */

/*
 * Give p the path that text (as written, relative to st->wdir) means. An out
 * (is_out) may not leave the repository unless it is a URL, an absolute path or
 * not cached, nor name .git, .dvc or a metadata file: ERR_INVALID.
 */
int stage_place(struct stages *s, const struct stage *st, struct pinned *p,
		const char *text, bool is_out, bool is_cached, struct err *e) MUST_CHECK;
/* Resolve a wdir: (as written) against the directory of st->file. */
int stage_set_wdir(struct stages *s, struct stage *st, const char *text,
		   struct err *e) MUST_CHECK;

/* The outs that one of st's deps needs, one by one: start with {.stage = st}. */
struct stage_edges {
	const struct stage *stage;
	size_t dep, at, end;
	size_t up; /* length of the parent path looked at */
	bool below;
};
struct out *stage_edges_next(const struct stages *s, struct stage_edges *it);

/* The out with exactly this path, or NULL. */
struct out *stages_out_at(const struct stages *s, const char *path);
/* The out that is path or a parent of it, or NULL. */
struct out *stages_out_covering(const struct stages *s, const char *path);
/* The outs strictly below path ("" is the root): first index and how many. */
size_t stages_outs_below(const struct stages *s, const char *path, size_t *first);
struct stage *stages_find(const struct stages *s, const char *file, const char *name);

/*
 * The checks that DVC makes of a whole graph, in its words: an out in two
 * stages, outs inside outs, a stage file within an out, a path that is both
 * dependency and output along a cycle. ERR_INVALID.
 */
int stages_check(const struct stages *s, struct err *e) MUST_CHECK;
/* Only duplicates and overlaps, for the commands that ask no more. */
int stages_check_outs(const struct stages *s, struct err *e) MUST_CHECK;

/*
 * How a person names it, seen from cwd (relative to the root, "" for the root):
 * "data.dvc", "train", "../dvc.yaml:train".
 */
void stage_addressing(const struct stage *st, const char *cwd, struct buf *out);

/* A .dvc file with one dep and one out. */
bool stage_is_import(const struct stage *st);
/* Nothing to look up: the object store holds no object of it (a repo import is
 * fetched from its source; no hash yet; not cached). */
bool out_is_cached(const struct out *o);   /* cache: true and inside the root */
bool out_has_hash(const struct out *o);	   /* a hash, or files: */
const char *out_path(const struct out *o); /* at.path, else at.abs: for messages */
/* The remotes named by an out or its stage decide; NULL: the default one. */
const char *out_remote(const struct out *o);

#endif
