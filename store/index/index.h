/*
 * What is in the workspace, at the price of an lstat a file.
 *
 * For each output a sorted, checksummed stat cache remembers path, stat and
 * digest of every file, and the digest of the whole. Losing it costs time only.
 * An entry is believed when filestat_same() and not racy: its mtime is older
 * than a file just written on the same file system was when it was recorded.
 * index_look and index_remember of different outputs may run in parallel.
 */
#ifndef STORE_INDEX_INDEX_H
#define STORE_INDEX_INDEX_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/filestat.h"
#include "store/base/vec.h"
#include "store/odb/oid.h"

struct err;
struct ignore;
struct index_dirs;
struct manifest;
struct odb;
struct pool;
struct sink;

enum index_kind {
	INDEX_NONE = 0, /* nothing there (or .dvcignored) */
	INDEX_FILE,
	INDEX_DIR,
	INDEX_OTHER, /* a FIFO, socket, device, or a broken or directory link */
};

enum index_file_flags {
	INDEX_EXEC = 1u << 0,	 /* any x bit */
	INDEX_SYMLINK = 1u << 1, /* a link to a file; st is the target's */
	INDEX_BROKEN = 1u << 2,	 /* a link to nothing: no digest */
	INDEX_SPECIAL = 1u << 3, /* not a regular file: no digest */
	/* Changed within its timestamp's grain of this look: a later edit could
	 * leave the same stat, so a record of it is not believed. */
	INDEX_RACY = 1u << 4,
	INDEX_BAD_NAME = 1u << 5, /* the path is no UTF-8 */
};

struct index_file {
	const char *path; /* relative to the output; "" for an output that is a file */
	uint32_t path_n;
	uint32_t flags;
	struct filestat st;
	struct oid oid; /* OID_NONE while unknown */
};

/* What an output looks like now. All-zero is "nothing there". */
struct index_view {
	enum index_kind kind;
	bool complete;	/* every digest is known, so oid is */
	struct oid oid; /* of the file, or of the manifest */
	uint64_t bytes, files_nr;
	bool is_exec; /* an output that is a file */
	/* With INDEX_FILES, or when not complete: the files, sorted by path. */
	struct arena arena;
	struct index_file *files;
	size_t nr, cap;
	/* What the look saw of directories, for index_remember. Zero is fine. */
	struct index_dirs *dirs;
};
void index_view_release(struct index_view *view);

struct index;
struct index_options {
	const char *root;      /* absolute, the repository's root */
	int rootfd;	       /* borrowed */
	const char *state_dir; /* absolute: .dvc/tmp/lode; made when first needed */
	struct ignore *ignore; /* borrowed */
	/* Asked only when there is work for it; may be NULL or give NULL. A look
	 * that runs in a worker of that pool must not be given it. */
	struct pool *(*pool)(void *ctx);
	void *pool_ctx;
	struct sink *sink;
};
int index_open(struct index **out, const struct index_options *o,
	       struct err *e) MUST_CHECK;
void index_free(struct index *ix);

enum index_look_flags {
	INDEX_FILES = 1u << 0, /* fill files even when the whole is unchanged */
	INDEX_HASH = 1u << 1,  /* read and hash what is unknown; else leave it OID_NONE */
	INDEX_DISTRUST = 1u << 2, /* believe no record */
};
/*
 * Look at an output (path relative to the root). algo tells which digest is
 * asked for. A .dvcignore inside it is ERR_UNSUPPORTED. A name that is no UTF-8 is
 * ERR_INVALID with INDEX_HASH. Hashing goes through odb_ingest(ODB_HASH_ONLY).
 */
int index_look(struct index *ix, struct odb *odb, const char *path, enum oid_algo algo,
	       unsigned flags, struct index_view *out, struct err *e) MUST_CHECK;

/* The manifest of a complete directory view. */
int index_manifest(const struct index_view *view, enum oid_algo algo,
		   struct manifest *out, struct err *e) MUST_CHECK;

/* Record a view (after add, commit, checkout, or a status that hashed). Failure
 * to write is logged, not an error: it costs time only. */
void index_remember(struct index *ix, const char *path, const struct index_view *view);
/* placed: we put the files there by checkout, so that a later checkout may take
 * them away again when nothing tracks them (DVC's link registry). */
void index_remember_placed(struct index *ix, const char *path,
			   const struct index_view *view);
void index_forget(struct index *ix, const char *path);

/* The outputs that were recorded as placed. */
int index_placed(struct index *ix, struct strvec *paths, struct err *e) MUST_CHECK;

#endif
