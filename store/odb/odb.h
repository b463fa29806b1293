/*
 * The object database: a DVC cache directory. Objects are files named by their
 * digest, mode 0444, never rewritten in place.
 *
 * An object that exists under its name counts only if it was verified: its
 * inode, size, mtime and ctime are recorded beside the cache (<cache>/lode/), or
 * it is hashed now. Wrong bytes are never handed out and never trusted.
 * Thread-safe but for open, free and the setters.
 */
#ifndef STORE_ODB_ODB_H
#define STORE_ODB_ODB_H

#include "store/base/compiler.h"
#include "store/base/filestat.h"
#include "store/base/fs.h"
#include "store/base/tmpfile.h"
#include "store/odb/oid.h"

struct buf;
struct err;
struct manifest;
struct pool;

enum odb_link {
	ODB_REFLINK = 1,
	ODB_HARDLINK,
	ODB_SYMLINK,
	ODB_COPY,
};

struct odb_options {
	const char *dir; /* absolute path of the cache root; made when first needed */
	enum odb_link links[4]; /* in order of preference */
	size_t links_nr;	/* 0: reflink, copy */
	bool group_shared;	/* cache.shared = group: 02775 directories */
	enum fs_sync sync;
};

struct odb;

int odb_open(struct odb **out, const struct odb_options *o, struct err *e) MUST_CHECK;
void odb_free(struct odb *odb); /* saves the verified facts; accepts NULL */
const char *odb_dir(const struct odb *odb);
/* Where large files tell how far they are; borrowed, NULL for nowhere. */
struct sink;
void odb_set_sink(struct odb *odb, struct sink *sink);
void odb_object_path(const struct odb *odb, const struct oid *oid,
		     struct buf *out); /* absolute */

/* By name only, from the directory table; costs no call for most questions. */
bool odb_has(struct odb *odb, const struct oid *oid);
/* 0: there and verified (hashes it if that is not on record); ERR_NOTFOUND; ERR_CORRUPT. */
int odb_check(struct odb *odb, const struct oid *oid, struct err *e) MUST_CHECK;
/* The same, reading the bytes always. */
int odb_verify(struct odb *odb, const struct oid *oid, struct err *e) MUST_CHECK;
/* Size and times by one stat; ERR_NOTFOUND. */
int odb_stat(struct odb *odb, const struct oid *oid, struct filestat *out,
	     struct err *e) MUST_CHECK;
/* A verified object's bytes (manifests); at most 1 GiB. */
int odb_read(struct odb *odb, const struct oid *oid, struct buf *out,
	     struct err *e) MUST_CHECK;
int odb_read_manifest(struct odb *odb, const struct oid *oid, struct manifest *out,
		      struct err *e) MUST_CHECK;
/* Open a verified object for reading (uploads). */
int odb_open_object(struct odb *odb, const struct oid *oid, int *fd, struct filestat *st,
		    struct err *e) MUST_CHECK;

/* Publish bytes under their own digest. */
int odb_add_bytes(struct odb *odb, struct slice data, enum oid_algo algo, bool is_dir,
		  struct oid *out, struct err *e) MUST_CHECK;
int odb_add_manifest(struct odb *odb, const struct manifest *m, enum oid_algo algo,
		     struct oid *out, struct err *e) MUST_CHECK;

/*
 * Take workspace files into the cache and (unless ODB_NO_RELINK) leave links of
 * the configured kind in their place. One batch is files of one directory;
 * small ones are hashed in SIMD lanes, large ones while they are copied.
 * Batches of different directories may run in parallel. A file that changes
 * while it is read, or fails, gets its own error; the others go on.
 */
enum odb_ingest_flags {
	ODB_HASH_ONLY =
		1u << 0, /* digests only: no object, no link (--no-commit, status) */
	ODB_NO_RELINK = 1u << 1,
	/* Any configured kind of link is fine in a directory; an output that is one
	 * file gets the first that works, as DVC has it. */
	ODB_FIRST_LINK = 1u << 2,
};
struct odb_file {
	const char *name;   /* in: in the directory, no '/' */
	bool is_exec;	    /* in: never hard-linked */
	struct oid oid;	    /* out; algo in: OID_LEGACY asks for dos2unix */
	struct filestat st; /* out: as it stands afterwards in the workspace */
	bool linked;	    /* out: the workspace file was replaced or shared */
	struct err
		*err; /* out: malloc'ed story of a failure, NULL if none; caller frees */
};
int odb_ingest(struct odb *odb, int dirfd, struct odb_file *files, size_t nr,
	       unsigned flags, struct err *e) MUST_CHECK;

/*
 * Put a verified object into the workspace as name in dirfd, which must not
 * exist (ERR_EXISTS): by the first configured link type that works for it.
 * Executables are never hard-linked and get the owner's x. Empty files are plain.
 */
enum odb_place_flags {
	ODB_EXEC = 1u << 0,
	/* The directory is a new one under a temporary name: a copy is written straight
	 * to its own name, which a failure, but no kill, removes again. */
	ODB_DIRECT = 1u << 1,
	ODB_REPLACE = 1u << 2, /* the odb's own: rename over what is there */
};
int odb_checkout(struct odb *odb, const struct oid *oid, int dirfd, const char *name,
		 unsigned flags, struct filestat *st, enum odb_link *used,
		 struct err *e) MUST_CHECK;
/* What kind of file it is relative to the object: one of enum odb_link's
 * HARDLINK, SYMLINK (to this object), or COPY for a plain file; 0 is a symlink to
 * elsewhere, which no configuration wants. */
enum odb_link odb_kind_of(struct odb *odb, const struct oid *oid, int dirfd,
			  const char *name);
/* Would relinking change anything? (present kind is none of the configured, or
 * with ODB_FIRST_LINK not the first) */
bool odb_wants_relink(struct odb *odb, enum odb_link kind, unsigned flags);
/* The mode of a plain workspace file: 0666 less the umask, 0664 when shared. */
mode_t odb_plain_mode(const struct odb *odb);
/* Replace a symlink or a file with several links by a writable copy. */
int odb_unprotect(struct odb *odb, int dirfd, const char *name, struct err *e) MUST_CHECK;

/*
 * Downloads: bytes are written to a temporary beside the object's name by the
 * caller, who hashes them; publish refuses a digest that is not the oid's
 * (ERR_CORRUPT, the temporary goes). A wrong object in the way is replaced.
 */
int odb_stage(struct odb *odb, const struct oid *oid, struct tmpfile *t,
	      struct err *e) MUST_CHECK;
int odb_publish(struct odb *odb, const struct oid *oid, struct tmpfile *t,
		const uint8_t digest[16], struct err *e) MUST_CHECK;

/*
 * Make everything published since the last call durable, by the policy. Called
 * before a file that names the objects is written.
 */
int odb_flush(struct odb *odb, struct err *e) MUST_CHECK;

/* Every object of one half, sorted by prefix. fn returns 0 to go on, else an
 * error that ends the walk; it may remove what it is shown. The name is relative
 * to the half ("5d/4140..."). Names that are none of the object grammar come with
 * oid->algo OID_NONE; of those directly in the half only temporaries are shown. */
typedef int (*odb_each_fn)(void *ctx, const struct oid *oid, const char *name,
			   const struct filestat *st, struct err *e);
int odb_each(struct odb *odb, enum oid_algo algo, odb_each_fn fn, void *ctx,
	     struct err *e) MUST_CHECK;
int odb_remove(struct odb *odb, const struct oid *oid, struct err *e) MUST_CHECK;
/* Remove a name as odb_each gave it (a temporary that nobody finished). */
int odb_remove_stray(struct odb *odb, enum oid_algo algo, const char *name,
		     struct err *e) MUST_CHECK;

/* Move a wrong object out of the way, into <cache>/lode/lost+found/; *kept is
 * the malloc'ed path it has now. */
int odb_set_aside(struct odb *odb, const struct oid *oid, char **kept,
		  struct err *e) MUST_CHECK;

/* <cache>/lode/lock: shared by all that add objects, exclusive for gc. */
struct lock;
struct sink;
int odb_lock(struct odb *odb, bool exclusive, int wait_ms, struct lock *l,
	     struct sink *sink, struct err *e) MUST_CHECK;

#endif
